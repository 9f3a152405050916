/*
 * The sign-in process: one for the whole machine, detached from whoever
 * needed it first (own session, nothing inherited but the lock), so that a
 * client which ends its bridge does not end the sign-in. It owns browser,
 * listener and exchange, stores the tokens, leaves a note for those who wait,
 * and is gone at the deadline.
 */
#ifndef MPMCP_SIGNIN_H
#define MPMCP_SIGNIN_H

#include "auth/options.h"
#include "net/http.h"

struct signin {
	const struct oauth_opts *opts;
	const struct http_opts *http; /* for connections of its own */
	struct store *store;
	const struct grant *known;             /* the registration that may serve; may be NULL */
	const char *resource_metadata, *scope; /* as flow_start */
};

/* lock: of store_lock_signin(); the new process holds it from now on, the caller closes its own. */
bool signin_spawn(const struct signin *s, int lock, struct err *e)
	__attribute__((warn_unused_result));

#endif
