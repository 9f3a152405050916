/*
 * What the parts of a legacy client in front of a modern server share; nobody
 * else includes this.
 *
 *   legacy_client.c  the handshake, requests and their answers
 *   legacy_input.c         questions of the server (Multi Round-Trip Requests)
 *   legacy_subscriptions.c       the subscription that is opened on the client's behalf
 */
#ifndef MPMCP_LEGACY_IMPL_H
#define MPMCP_LEGACY_IMPL_H

#include "mcp/session/translated.h"
#include "mcp/translate/translators.h"

struct waiting;
struct round;

struct legacy_client {
	struct between between; /* first */
	struct buf meta;        /* members of _meta for every request */
	struct message refusal; /* the server's answer to initialize, in case discovery fails */
	struct outgoing *hello; /* the client's initialize, waiting */
	bool corrected;         /* server/discover was repeated after a -32022 */
	bool sampling, roots, elicit_form, elicit_url;
	bool lists[3]; /* the server tells of changes: tools, prompts, resources */
	struct outgoing *stream, *next_stream; /* subscriptions/listen: acknowledged, and not yet */
	struct waiting *waiting;
	struct loop_timer timer;
	int64_t pause_ms;
	bool streamed; /* the server acknowledged a subscription once */
};

/* The one that p is translated by. */
struct legacy_client *legacy_of(const struct outgoing *p);
/* The questions put for p; NULL: none, or somebody else translates it. */
struct round *legacy_input_of(const struct legacy_client *l, const struct outgoing *p);

/* False with e set when the input has ended: nobody would answer, or hear. */
bool legacy_anybody(const struct session *s, struct err *e) __attribute__((warn_unused_result));

/* ---- legacy_input.c ---- */

/* A result that requires input: the call stays owed, the questions go to the client. */
void legacy_input_ask(struct owed_request *c, const struct message *m);
/* Appends "inputResponses":{...},"requestState":... of the round that is complete. */
bool legacy_input_inputs(const struct round *r, struct buf *out) BUF_MUST;
void legacy_input_withdraw(
	struct outgoing *p); /* tells the client that its open questions are void */
void legacy_input_free(struct outgoing *p);
/* A translator's operations. */
enum taken legacy_input_responded(struct between *b, const struct message *m)
	__attribute__((warn_unused_result));

/* ---- legacy_subscriptions.c ---- */

extern const char *const legacy_subscriptions_lists[3]; /* "tools", "prompts", "resources" */

/* Opens the subscription again with what is wanted now; the one before goes on until the server has
 * acknowledged this one. */
void legacy_subscriptions_open(struct legacy_client *l);
/* resources/subscribe and unsubscribe: p is answered or parked. uri lies in p. */
void legacy_subscriptions_add(struct legacy_client *l, struct outgoing *p, struct span uri);
void legacy_subscriptions_remove(struct legacy_client *l, struct outgoing *p, struct span uri);
void legacy_subscriptions_forget(struct legacy_client *l, struct outgoing *p); /* p goes */
/* Whoever waits for the server's acknowledgment is told why there will be none. */
void legacy_subscriptions_end(struct legacy_client *l, const struct err *why);
/* The server is of the client's era by now: whoever waits asks it. */
void legacy_subscriptions_leave(struct legacy_client *l);
enum taken legacy_subscriptions_notified(struct between *b, struct incoming *in,
	struct outgoing *from, const struct message *m) __attribute__((warn_unused_result));
void legacy_subscriptions_init(struct legacy_client *l);

#endif
