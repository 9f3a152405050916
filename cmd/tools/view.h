/*
 * A JSON value for people: rows as tables, series by date with bars, an object's plain members a line
 * each, what lies inside below its name. What is too deep for that is JSON.
 */
#ifndef MPMCP_VIEW_H
#define MPMCP_VIEW_H

#include <stdio.h>

#include "mcp/json/message.h"

/* v is text that message_scan() has passed. */
void view_print(FILE *f, struct span v);

#endif
