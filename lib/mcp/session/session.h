/*
 * The conversation: what the client asked, who owes whom an answer, and the
 * session with the server behind it (MCP 2024-11-05 to 2025-11-25: initialize,
 * Mcp-Session-Id, MCP-Protocol-Version, cancellation, re-initialisation when
 * the server has forgotten the session). Requests of 2026-07-28 need no
 * session. Where client and server are of different eras, messages are
 * translated both ways; which era a server is of shows in how it refuses what
 * the client sent.
 *
 * Its one promise: every request that came in gets exactly one answer, from
 * the server or from here.
 */
#ifndef MPMCP_SESSION_H
#define MPMCP_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "mcp/json/era.h"
#include "mcp/policy/policy.h"
#include "mcp/http/transport.h"
#include "mcp/session/translator.h"
#include "mcp/stdio/lines.h"
#include "net/loop.h"

struct session;

struct session_events {
	/* Nothing is owed to the client any more, and nothing is on its way to the server. */
	void (*idle)(void *ctx);
	/* Too much is waiting to be sent: read no further input until told otherwise. */
	void (*input)(void *ctx, bool wanted);
	/* The server turned out to be of another era than the client: worth knowing next time. */
	void (*learned)(void *ctx, enum era server);
	/* Whether those who wait for an Authorization value wait for a person to sign in; then e says so to a
	 * client that waits no longer. */
	bool (*awaits_person)(void *ctx, struct err *e);
};

/* out and t are borrowed; session_transport_events() are t's callbacks, with the session as ctx. */
struct session *session_new(
	struct loop *l, struct lines_out *out, const struct session_events *on, void *ctx);
void session_free(struct session *s); /* NULL is fine; before the transport is freed */
void session_attach(struct session *s, struct transport *t);
/* Who makes translators; without it, client and server must be of one era. */
void session_set_translators(struct session *s, translator_new_fn *fn);
void session_set_policy(
	struct session *s, struct policy *p); /* borrowed; NULL: everything may pass */
/* Of which era the server is: sure, because the person says so, or remembered, until a refusal shows
 * otherwise. And what it turned out to be. */
void session_set_era(struct session *s, enum era era, bool sure);
enum era session_era(const struct session *s);
/* What the server sends unasked concerns nobody: no GET stream and no subscription. */
void session_asks_only(struct session *s);
/* Who notes the calls of tools; borrowed, NULL: nobody. */
struct call_log;
void session_set_call_log(struct session *s, struct call_log *l);
extern const struct transport_events session_transport_events;

/* One line from the client; in is where it can be taken from. */
void session_line(struct session *s, struct lines_in *in, char *p, size_t n);
/* A line that was longer than MESSAGE_MAX. */
void session_line_too_long(struct session *s);

/* A person is asked to sign in, from now on: see patience.c. */
void session_person(struct session *s);

/* The client has read what was said to it, or most of it. */
void session_output_drained(struct session *s);

/* Answers every request that is still owed one with this error. */
void session_fail_all(struct session *s, const struct err *e);

/* No line will come any more: subscriptions, which would never end, are closed. */
void session_end_input(struct session *s);

/* There is no memory left and the program is about to end: whoever is owed an answer gets one, by what
 * needs none; so does who is read from in (may be NULL) and not heard yet. */
void session_last_words(struct session *s, struct lines_in *in);
void session_last_line(void *s, char *p, size_t n); /* the same for one line that it never got */

bool session_idle(const struct session *s);

#endif
