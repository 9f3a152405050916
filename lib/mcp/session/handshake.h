/*
 * The handshake that opens a session (MCP, Lifecycle): initialize, its answer,
 * notifications/initialized. The client's own, or one of ours: reopen.c.
 */
#ifndef MPMCP_HANDSHAKE_H
#define MPMCP_HANDSHAKE_H

#include <stdbool.h>

#include "base/buf.h"
#include "mcp/json/message.h"

struct handshake;
struct session;
struct outgoing;

void handshake_clear(struct handshake *h);

/* p is about to be sent: what it means for the conversation. */
void handshake_begin(struct outgoing *p);
/* m answers an initialize: revision and session id are the session's from now on. */
void handshake_negotiated(struct outgoing *p, const struct message *m);
/* p was answered, or is over: if the state is of its making, messages go as they come again. */
void handshake_over(struct session *s, const struct outgoing *p);
/* The standalone GET stream, for a client that listens. */
void handshake_listen(struct session *s);

/* The client's initialize, or ours for it; NULL: there was none. */
const struct message *handshake_initialize(const struct session *s);
/* What the server of a session said of itself in answer to ours; {NULL}: nothing yet. */
struct span handshake_hello(const struct session *s);
/* The client said notifications/initialized, or as good as that. */
bool handshake_is_greeted(const struct session *s);
void handshake_greet(struct session *s);
/* The client's initialize was answered, with this revision, without a session of the server. */
void handshake_answered(struct session *s, struct span version);
/* p, of a client that opens no session, waits for one that is opened with this initialize, which is taken
 * over; or for the one that is being opened. False when there is no memory: p stays where it is. */
bool handshake_open_for(struct outgoing *p, struct buf *initialize)
	__attribute__((warn_unused_result));

/* ---- reopen.c ---- */

void reopen_init(struct session *s);
/* There is no session any more, or none yet, and the client believes in one: opens it with what
 * `initialize` holds. Until that has worked each message waits for the next try. */
void session_reopen(struct session *s);
/* The server seems not to know that the client is ready: it is told again, and everything waits for that. */
void session_greet_again(struct session *s);
void reopen_awaited(struct outgoing *p); /* p is queued, and there is no session */
void reopen_pump(struct session *s);     /* the same for s: begins a try, or waits for its time */
/* notifications/initialized of the client is on its way: the server has so long to take it. */
void greeting_begins(struct session *s);

#endif
