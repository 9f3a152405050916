/*
 * The callback listener of RFC 8252 section 7.3: a small HTTP server on
 * loopback, on 127.0.0.1 and ::1, for one path. Port scanners, spare
 * connections of browsers and garbage cost nothing and disturb nothing.
 */
#ifndef MPMCP_LOOPBACK_H
#define MPMCP_LOOPBACK_H

#include <stdbool.h>

#include "base/err.h"
#include "net/loop.h"
#include "net/page.h"

struct listener;
struct listen_conn; /* somebody who waits for a page */

/* A GET of the path with a proper Host arrived; query is what stood behind '?', "" when nothing.
 * Answer with loopback_page() or loopback_redirect(), now or later; the connection may be gone by then,
 * which is no harm. */
typedef void loopback_fn(void *ctx, struct listen_conn *c, const char *query);

/*
 * Tries port, then the ones after it, up to `tries` in all. host is what browsers are sent to
 * ("localhost" or "127.0.0.1"): checked against the Host field. NULL with e set when none is free.
 */
struct listener *loopback_new(struct loop *l, const char *host, unsigned port, unsigned tries,
	const char *path, loopback_fn *fn, void *ctx, struct err *e)
	__attribute__((warn_unused_result));
unsigned loopback_port(const struct listener *s);
void loopback_free(struct listener *s); /* what is written is still sent; NULL is fine */

void loopback_page(struct listen_conn *c, int status, const struct page *p);
void loopback_redirect(struct listen_conn *c, const char *url);

#endif
