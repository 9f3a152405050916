/*
 * One line on standard error while a person waits, where that is a terminal: after a second a mark that
 * turns, with the seconds; what the server says of its progress at once. It is gone before anything
 * else is printed.
 */
#ifndef MPMCP_WAITING_H
#define MPMCP_WAITING_H

#include <stdbool.h>

#include "mcp/json/message.h"
#include "net/loop.h"

struct waiting;

/* Shows nothing, ever, when standard error is no terminal, or the person asked for silence or a trace. */
struct waiting *waiting_new(struct loop *l, bool quiet);
void waiting_free(struct waiting *w); /* NULL is fine */

void waiting_start(struct waiting *w);
/* The params of notifications/progress: "[3/6] message". */
void waiting_progress(struct waiting *w, struct span params);
void waiting_stop(struct waiting *w);

#endif
