/*
 * Work that must not end with the bridge that needed it: this program once
 * more, in a session of its own, child of nobody, with nothing inherited but
 * two pipes. One brings what is to be done, as a JSON object: secrets stand
 * neither among arguments nor in the environment. On the other it reports in
 * lines; when nobody reads them any more, it goes on all the same. A client that
 * kills its bridge, the process group or all descendants does not reach it.
 *
 * A program of its own and no fork(): going on with the copy of a process that
 * had threads is not safe everywhere, and not possible everywhere.
 */
#ifndef MPMCP_WORKER_H
#define MPMCP_WORKER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/loop.h"

/* Longest line of a report: a sign-in with tokens that are large. */
#define WORKER_LINE_MAX ((size_t)512 << 10)

/* The argument that makes this program a worker; people have no use for it. */
#define WORKER_WORD "--worker"

/* ---- as its starter sees it ---- */

struct worker;

struct worker_events {
	/* A line of the report, terminated; the callee's to wipe. */
	void (*line)(void *ctx, char *text, size_t n);
	/* The process is gone. The worker is freed when this returns. */
	void (*end)(void *ctx);
};

/* job: an object of the caller's own, released here; NULL: there was no memory for it. about: what people see in a list
 * of processes, after the word; or NULL. */
struct worker *worker_start(struct loop *l, json_t *job, const char *about,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));

/* A text for a job that may hold any bytes, as paths and header fields do; worker_job() has it as a string. */
json_t *worker_text(const char *text);

/* No longer listens; the process goes on. NULL is fine; fine from inside line(). */
void worker_leave(struct worker *w);

/* ---- as it sees itself ---- */

/* What it was started for, and by the same version of this program. NULL with e set; *other: by another version, which
 * waits for a report. */
json_t *worker_job(bool *other, struct err *e) __attribute__((warn_unused_result));

void worker_say(const char *line); /* without a line break in it */

#endif
