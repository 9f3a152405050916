/*
 * What the parts of a modern client in front of a legacy server share; nobody
 * else includes this.
 *
 *   modern_client.c  the session, requests and their answers
 *   modern_input.c         questions of the server, and the client that comes back
 *   modern_subscriptions.c           subscriptions, served from the GET stream
 */
#ifndef MPMCP_MODERN_IMPL_H
#define MPMCP_MODERN_IMPL_H

#include "mcp/session/translated.h"
#include "mcp/translate/translators.h"

struct sub;

struct modern_client {
	struct between between; /* first */
	struct sub *subs;
	unsigned long clock;
	int log_level; /* what the server was told; 8: nothing yet */
};

/* The one that p is translated by. */
struct modern_client *modern_of(const struct outgoing *p);
/* The capabilities of the legacy server. */
struct span modern_capabilities(const struct session *s);

/* ---- modern_input.c ---- */

void modern_input_free(struct outgoing *p);
/* The log level that p asks for, and from which on messages are for it; -1: none. */
void modern_input_set_level(struct outgoing *p, int level);
int modern_input_level(const struct outgoing *p);
/* A translator's operations. */
enum taken modern_input_asked(struct between *b, struct outgoing *from, const struct message *m)
	__attribute__((warn_unused_result));
enum taken modern_input_resumed(struct between *b, const struct message *m)
	__attribute__((warn_unused_result));
enum taken modern_input_keep(struct outgoing *p, const struct message *m)
	__attribute__((warn_unused_result));
enum taken modern_input_stays(struct outgoing *p) __attribute__((warn_unused_result));
/* Progress of a call that has a dialog carries the token of the client's latest request. TAKEN: that was
 * seen to. */
enum taken modern_input_progress(struct session *s, struct incoming *in, struct outgoing *from,
	const struct message *m) __attribute__((warn_unused_result));
/* The server takes a question back. */
void modern_input_withdrawn(struct outgoing *from, const struct message *m);
void modern_input_end_all(struct session *s); /* nobody will come back */

/* ---- modern_subscriptions.c ---- */

void modern_subscriptions_add(
	struct outgoing *p, const struct message *m); /* subscriptions/listen: p is parked */
void modern_subscriptions_forget(struct modern_client *c, struct outgoing *p); /* p goes */
void modern_subscriptions_watch_again(struct modern_client *c); /* in another session */
void modern_subscriptions_end(struct modern_client *c);         /* answers and drops all */
/* A notification of changes: told to whom it concerns. NOT_TAKEN: it is another one. */
enum taken modern_subscriptions_changed(struct modern_client *c, const struct message *m)
	__attribute__((warn_unused_result));
/* A translator's operation: the client ends a subscription. */
enum taken modern_subscriptions_cancelled(struct between *b, struct span id)
	__attribute__((warn_unused_result));
/* The answer to a call, by the translator's operation or without. */
void modern_answer(struct owed_request *c, struct incoming *in, const struct message *m);

#endif
