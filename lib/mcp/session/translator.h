/*
 * The seam at which the two eras of MCP are translated into one another. A
 * session whose client and server are of one era has no translator; otherwise
 * it holds one, and asks it at each of the places below. The fillers are in
 * translate/, and what they know of one another's era stays there.
 */
#ifndef MPMCP_TRANSLATOR_H
#define MPMCP_TRANSLATOR_H

#include <stdbool.h>

#include "mcp/http/transport.h"
#include "mcp/json/era.h"
#include "mcp/json/message.h"

struct session;
struct outgoing;
struct owed_request;
struct between;

/* Who goes on with what was offered: the one who offered it, or the one who was asked. */
enum taken { NOT_TAKEN, TAKEN };

enum prepared {
	PREPARED, /* the message is ready to be sent */
	ELSEWHERE /* it was answered, parked or dropped instead; it may be gone */
};

/* The operations. NULL: NOT_TAKEN, or nothing to do. */
struct translator {
	/* Before p is sent: writes p->sent.changed. Must be there. */
	enum prepared (*prepare)(struct between *b, struct outgoing *p);
	/* The client's initialize p was refused with m, in a way that only a server of the other era knows.
	 * It is answered sooner or later. */
	void (*refused)(struct between *b, struct outgoing *p, const struct message *m);
	/* The answer to a call that was prepared. */
	enum taken (*answer)(struct owed_request *c, struct incoming *in, const struct message *m);
	/* A request of the server, on the stream of `from` (NULL: the GET stream). */
	enum taken (*asked)(struct between *b, struct outgoing *from, const struct message *m);
	/* A notification of the server. TAKEN: nothing of it is left for the client. */
	enum taken (*notified)(struct between *b, struct incoming *in, struct outgoing *from,
		const struct message *m);
	/* A response of the client. TAKEN: it was to a question of the translator's. */
	enum taken (*responded)(struct between *b, const struct message *m);
	/* A request of the client. TAKEN: it goes on with an earlier one. */
	enum taken (*resumed)(struct between *b, const struct message *m);
	/* The client cancels this id. TAKEN: it was not a call of the server's. */
	enum taken (*cancelled)(struct between *b, struct span id);
	/* The answer to p, which nobody waits for at the moment. TAKEN: it is kept. */
	enum taken (*keep)(struct outgoing *p, const struct message *m);
	/* The exchange of p is over. TAKEN: p stays, with an answer that is still to be fetched. */
	enum taken (*stays)(struct outgoing *p);
	/* p goes, or is prepared by nobody any more: p->translation is freed. tell: the client is told
	 * which questions are void. */
	void (*forget)(struct outgoing *p, bool tell);
	/* Another session was opened, or another server answers: what the client was promised is
	 * made again. */
	void (*reopened)(struct between *b);
	/* No line of the client will come any more. */
	void (*end_input)(struct between *b);
	/* Client and server are of one era from now on. Nobody waits in here afterwards. */
	void (*leave)(struct between *b);
	/* Only when the session ends; all messages are gone. Must be there. */
	void (*free)(struct between *b);
};

/* A translator at work in a session; the first member of the filler's own struct. It lives as long as the
 * session, for answers that come when it has left. */
struct between {
	const struct translator *by;
	struct session *s;
	enum era client;      /* the server is of the other one */
	struct between *next; /* the session's others */
};

/* For clients of this era: NULL when there is none. The bridge gives the session this function. */
typedef struct between *translator_new_fn(struct session *s, enum era client);

/* ---- the operations, for what the session is about: no translator, no operation: NOT_TAKEN ---- */

enum taken translator_answer(struct owed_request *c, struct incoming *in, const struct message *m)
	__attribute__((warn_unused_result));
enum taken translator_asked(struct session *s, struct outgoing *from, const struct message *m)
	__attribute__((warn_unused_result));
enum taken translator_notified(struct session *s, struct incoming *in, struct outgoing *from,
	const struct message *m) __attribute__((warn_unused_result));
enum taken translator_responded(struct session *s, const struct message *m)
	__attribute__((warn_unused_result));
enum taken translator_resumed(struct session *s, const struct message *m)
	__attribute__((warn_unused_result));
enum taken translator_cancelled(struct session *s, struct span id)
	__attribute__((warn_unused_result));
enum taken translator_keep(struct outgoing *p, const struct message *m)
	__attribute__((warn_unused_result));
enum taken translator_stays(struct outgoing *p) __attribute__((warn_unused_result));
void translator_forget(struct outgoing *p, bool tell);
void translator_reopened(struct session *s);
void translator_end_input(struct session *s); /* all of them, those that have left, too */

/* ---- who translates ---- */

/* The one for clients of this era is the session's from now on; NULL: none is. The one before leaves. */
struct between *translator_use(struct session *s, enum era client);
void translator_leave(struct session *s);
bool translator_is_used(const struct between *b);
void translators_free(struct session *s);

#endif
