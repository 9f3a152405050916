/*
 * Where the browser comes back to: a listener on loopback whose address is the
 * redirect URI (RFC 8252 section 7.3), and the page that ends a sign-in there.
 */
#ifndef MPMCP_CALLBACK_H
#define MPMCP_CALLBACK_H

#include "auth/oauth_options.h"
#include "net/loop.h"

struct callback;

struct callback_events {
	/* It listens (e NULL), or has no port. Once, from the loop. */
	void (*ready)(void *ctx, const struct err *e);
	/* Whether the browser that asks with this query is the one that was sent away; another one gets a
	 * page that says so. */
	bool (*is_ours)(void *ctx, const char *query);
	/* It is; it waits for callback_succeed(), callback_fail() or callback_retry(). query is borrowed. */
	void (*response)(void *ctx, const char *query);
};

/* known_uri: the redirect URI of an earlier registration, whose port is tried before others; or NULL. Borrows
 * o; known_uri must live until ready(). */
struct callback *callback_start(struct loop *l, const struct oauth_options *o,
	const char *known_uri, const struct callback_events *on, void *ctx);
void callback_free(struct callback *c); /* NULL is fine */

/* malloc'ed. From ready() on. */
char *callback_uri(const struct callback *c) __attribute__((warn_unused_result));

/* The page for the browser that waits, when one does; c may be NULL. */
void callback_succeed(struct callback *c);
void callback_fail(struct callback *c, const struct err *e);
void callback_retry(struct callback *c, const char *why); /* another page opens */

#endif
