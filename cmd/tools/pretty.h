/*
 * JSON text for people: a member or element a line. Strings and numbers stay byte for byte, but on a
 * terminal what it would obey is shown as "?": the words may come from anybody who sends the service events.
 */
#ifndef MPMCP_PRETTY_H
#define MPMCP_PRETTY_H

#include <stdio.h>

#include "mcp/json/message.h"

/* v is text that message_scan() has passed. */
void pretty_print(FILE *f, struct span v);

/* Words of others: what a terminal would obey is shown as "?"; elsewhere they stay as they are. */
void pretty_put(FILE *f, const char *p, size_t n);

/* Text, and a line's end. */
void pretty_text(FILE *f, const char *p, size_t n);

#endif
