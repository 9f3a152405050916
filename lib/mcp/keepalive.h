/*
 * --keep-alive: a "ping" to the server whenever nothing was sent for a while,
 * so that nobody on the way takes the session for dead. It stands between
 * transport and session: its own messages and their answers are seen by
 * neither the session nor the client, all others pass untouched.
 *
 * No ping before the handshake, none in 2026-07-28 (which has neither), none
 * that would start a sign-in, none while the last one is unanswered. One that
 * is refused is followed by the next after the same interval: the server may
 * be restarting, and who asked for pings wants the session kept when it is back.
 */
#ifndef MPMCP_KEEPALIVE_H
#define MPMCP_KEEPALIVE_H

#include "mcp/http/transport.h"
#include "net/loop.h"

struct keepalive;

/* on and ctx are those of the session; keepalive_events, with the keepalive as ctx, go to
 * transport_new() in their place. */
struct keepalive *keepalive_new(
	struct loop *l, int64_t interval_ms, const struct transport_events *on, void *ctx);
void keepalive_start(struct keepalive *k, struct transport *t);
void keepalive_stop(struct keepalive *k); /* no further pings; NULL is fine */
void keepalive_free(struct keepalive *k); /* after the transport; NULL is fine */
extern const struct transport_events keepalive_events;

#endif
