/* One tool for people: what it does, its arguments as a table, a call that can be pasted. */
#ifndef MPMCP_TOOL_PAGE_H
#define MPMCP_TOOL_PAGE_H

#include <jansson.h>
#include <stdio.h>

#include "options.h"

/* a: what was said to the command, for the example. */
void tool_page_print(FILE *f, const json_t *tool, const struct options *a);

#endif
