/*
 * OAuth as a source of the Authorization value: the token of the store, kept
 * fresh; a sign-in when there is none. One sign-in and one refresh for all
 * processes of the machine, by the store's locks.
 *
 * The walk of one token, from the first request to the last:
 *
 *  1 asked for   lib/mcp wants the value of Authorization: auth_value() in
 *                auth.h, oauth_value() in oauth.c. oauth_token.c looks into the
 *                file of the store (store.h, signin_record.h) and finds no token
 *                there; the request goes without one.
 *  2 challenged  The service answers 401 and says where to sign in
 *                (challenge.h): auth_challenged(). oauth.c keeps that, and the
 *                request waits (struct auth_waiter).
 *  3 started     oauth_signin.c starts a process that outlives this one and
 *                takes the store's sign-in lock (signin_worker.h, worker.h).
 *                Where the lock is held, another process is signing in already,
 *                and its note in the store is read instead.
 *  4 obtained    There flow.h runs the protocol; advance() in flow.c names its
 *                steps: discover.h and documents.h (where), callback.h (redirect
 *                URI), register.h (which client), scope.h and authorize.h (what
 *                is asked for), browser.h or paste.h (the person), token.h
 *                (exchange). device.h is the way without a browser.
 *  5 kept        signin_worker.c writes the tokens to the store and reports them
 *                through a pipe (worker_report.h), since there may be no disk.
 *  6 at hand     oauth_token.c takes them over, from the pipe or from the file
 *                that another process wrote. oauth_settle() wakes who waits, and
 *                auth_value() gives "Bearer ...".
 *  7 renewed     A minute before its end oauth_refresh.c starts a process that
 *                takes the store's other lock and refreshes (refresh_worker.h,
 *                token.h); requests take the old token meanwhile. The new one is
 *                kept and taken over as in 5 and 6. A 401 in between leads here,
 *                too, once.
 *  8 replaced    Where the refresh token is refused, or a 403 names a scope that
 *                it lacks, a person is asked again: back to 3.
 *  9 forgotten   "mpmcp logout" revokes it and removes the file.
 */
#ifndef MPMCP_OAUTH_H
#define MPMCP_OAUTH_H

#include "auth/auth.h"
#include "auth/oauth_options.h"
#include "net/http.h"

/* Borrows all for its life. Reads nothing until the first value is asked for. NULL with e set when
 * there is no place for sign-ins. */
struct auth *auth_new_oauth(struct loop *l, struct http *h, const struct http_opts *ho,
	const struct oauth_options *o, struct err *e) __attribute__((warn_unused_result));

#endif
