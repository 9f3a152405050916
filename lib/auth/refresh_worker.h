/*
 * Renewing an access token in a process of its own (worker.h). Servers that
 * rotate refresh tokens take the old one once: a bridge that is killed between
 * the server's answer and the disk would sign its person out, and clients kill
 * within milliseconds. The process holds the lock of the sign-in, asks, stores,
 * reports and is gone.
 */
#ifndef MPMCP_REFRESH_WORKER_H
#define MPMCP_REFRESH_WORKER_H

#include "auth/oauth_options.h"
#include "auth/worker_job.h"
#include "auth/worker_report.h"
#include "net/http.h"

struct refresh_worker {
	const struct oauth_options *opts;
	const struct http_opts *http;  /* for connections of its own */
	const struct signin_record *g; /* with a refresh token */
	const struct secret
		*stored; /* the refresh token of the file, which g's may have replaced already */
	bool refused; /* the service does not take g's access token; else it may serve to its end */
};

/* The process takes the lock of store_lock() itself. One line comes, a report: how, e, and what the sign-in is now; or
 * `again`, when another process has the lock, or the file holds something else by now. */
struct worker *refresh_worker_start(struct loop *l, const struct refresh_worker *r,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));

/* ---- in that process ---- */

#define REFRESH_WORK "refresh"
bool refresh_worker_run(struct worker_job *j, const json_t *job, struct err *e)
	__attribute__((warn_unused_result));

#endif
