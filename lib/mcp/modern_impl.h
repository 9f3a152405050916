/*
 * What the parts of a modern client in front of a legacy server share; nobody
 * else includes this.
 *
 *   modern_client.c  the session, requests and their answers
 *   dialog.c         questions of the server, and the client that comes back
 *   subs.c           subscriptions, served from the GET stream
 */
#ifndef MPMCP_MODERN_IMPL_H
#define MPMCP_MODERN_IMPL_H

#include "mcp/session_impl.h"

struct sub;

struct modern_client {
	struct session *s;
	struct sub *subs;
	unsigned long clock;
	int log_level; /* what the server was told; 8: nothing yet */
};

/* The capabilities of the legacy server. */
struct span modern_capabilities(const struct session *s);

/* ---- dialog.c ---- */

void dialog_free(struct post *p);
/* Progress of a call that has a dialog carries the token of the client's latest request. True when
 * that was seen to. */
bool dialog_progress(struct session *s, struct incoming *in, struct post *from,
	const struct envelope *m) __attribute__((warn_unused_result));
/* The server takes a question back. */
void dialog_withdrawn(struct post *from, const struct envelope *m);
void dialog_end_all(struct session *s); /* nobody will come back */

/* ---- subs.c ---- */

void subs_add(struct post *p, const struct envelope *m);   /* subscriptions/listen: p is parked */
void subs_forget(struct modern_client *c, struct post *p); /* p goes */
void subs_watch_again(struct modern_client *c);            /* in another session */
void subs_end(struct modern_client *c);                    /* answers and drops all */
/* A notification of changes: told to whom it concerns. False when it is another one. */
bool subs_changed(struct modern_client *c, const struct envelope *m)
	__attribute__((warn_unused_result));

#endif
