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
#include "auth/worker_report.h"
#include "net/http.h"

struct refresh_worker {
	const struct oauth_options *opts;
	const struct http_opts *http; /* for connections of its own */
	struct store *store;
	const struct signin_record *g; /* with a refresh token */
	const struct secret
		*stored; /* the refresh token of the file, which g's may have replaced already */
	bool refused; /* the service does not take g's access token; else it may serve to its end */
};

/* lock: of store_lock(), -1 when there is no place for it; the new process holds it from now on, the
 * caller closes its own. One line comes, a report: how, e, and what the sign-in is now. */
struct worker *refresh_worker_start(struct loop *l, const struct refresh_worker *r, int lock,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));

#endif
