/*
 * Work that must not end with the bridge that needed it: a process of its own,
 * in a session of its own, child of nobody, with nothing inherited but one lock
 * and a pipe. A client that kills its bridge, the process group or all
 * descendants does not reach it. It reports in lines; when nobody reads them
 * any more, it goes on all the same.
 */
#ifndef MPMCP_WORKER_H
#define MPMCP_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/loop.h"

/* Longest line of a report: a sign-in with tokens that are large. */
#define WORKER_LINE_MAX ((size_t)512 << 10)

struct worker;     /* as its starter sees it */
struct worker_out; /* as it sees its starter */

/* The work itself, in the new process; what is behind ctx is a copy. The process ends with it. */
typedef void worker_fn(void *ctx, struct worker_out *out);
void worker_say(struct worker_out *out, const char *line); /* without a line break in it */

struct worker_events {
	/* A line of the report, terminated; the callee's to wipe. */
	void (*line)(void *ctx, char *text, size_t n);
	/* The process is gone. The worker is freed when this returns. */
	void (*end)(void *ctx);
};

/* lock: a descriptor that the new process holds from now on, -1 for none; the caller closes its own
 * (unlocking would unlock for both). */
struct worker *worker_start(struct loop *l, int lock, worker_fn *work, void *work_ctx,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));

/* No longer listens; the process goes on. NULL is fine; fine from inside line(). */
void worker_leave(struct worker *w);

#endif
