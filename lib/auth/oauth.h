/*
 * OAuth as a source of the Authorization value: the token of the store, kept
 * fresh; a sign-in when there is none. One sign-in and one refresh for all
 * processes of the machine, by the store's locks.
 */
#ifndef MPMCP_OAUTH_H
#define MPMCP_OAUTH_H

#include "auth/auth.h"
#include "auth/options.h"
#include "net/http.h"

/* Borrows all for its life. Reads nothing until the first value is asked for. NULL with e set when
 * there is no place for sign-ins. */
struct auth *auth_new_oauth(struct loop *l, struct http *h, const struct http_opts *ho,
	const struct oauth_opts *o, struct err *e) __attribute__((warn_unused_result));

#endif
