/*
 * The sign-in process: one for the whole machine, a worker (worker.h), so that a
 * client which ends its bridge does not end the sign-in. It owns browser,
 * listener and exchange, stores the tokens, tells its starter, leaves a note in
 * the store for others who wait, and is gone at the deadline.
 */
#ifndef MPMCP_SIGNIN_WORKER_H
#define MPMCP_SIGNIN_WORKER_H

#include "auth/oauth_options.h"
#include "auth/worker_job.h"
#include "auth/worker_report.h"
#include "net/http.h"

struct signin_worker {
	const struct oauth_options *opts;
	const struct http_opts *http;          /* for connections of its own */
	const struct signin_record *known;     /* the registration that may serve; may be NULL */
	const char *resource_metadata, *scope; /* as flow_start */
	bool step_up;
};

/* The process takes the lock of store_lock_signin() itself. The lines are reports; the only one says `again` when
 * another process has it. */
struct worker *signin_worker_start(struct loop *l, const struct signin_worker *s,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));

/* ---- in that process ---- */

#define SIGNIN_WORK "sign-in"
void signin_worker_run(struct worker_job *j, const json_t *job);

#endif
