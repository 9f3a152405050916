/*
 * What the parts of a session share; only they include it; the
 * translators do with functions (translated.h).
 * Each part has a header of its own, with its own piece of the session:
 *
 *   queue       where messages stand, and how much waits
 *   handshake   how a session is opened, by the client or (reopen) for it
 *   outgoing    one message on its way
 *   owed        who is owed an answer, and how a request comes to its end
 *   kept        what the client has set, for the next session
 *   server_era  the server's era
 *   translator  who translates, where client and server are of two eras
 *   to_client   what is written to the client
 */
#ifndef MPMCP_SESSION_IMPL_H
#define MPMCP_SESSION_IMPL_H

#include "base/buf.h"
#include "base/mem.h"
#include "base/strset.h"
#include "mcp/http/client_info.h"
#include "mcp/http/toolbook.h"
#include "mcp/session/call_log.h"
#include "mcp/session/handshake_impl.h"
#include "mcp/session/kept.h"
#include "mcp/session/outgoing_impl.h"
#include "mcp/session/pending.h"
#include "mcp/session/queue_impl.h"
#include "mcp/session/server_era.h"
#include "mcp/session/session.h"
#include "mcp/session/to_client.h"
#include "mcp/session/translated.h"
#include "mcp/session/translator.h"

/* What is known of the server. */
struct server {
	enum era era;           /* what it turned out to be */
	bool fixed;             /* said by the person: no refusal changes it */
	bool recalled;          /* from an earlier process: the first refusal changes it */
	bool asks_only;         /* session_asks_only() */
	struct toolbook *tools; /* which fields they ask for; NULL until some were listed */
	struct strset readers;  /* repeat_learn() */
};

/* And of the client. */
struct client {
	struct client_info info; /* who it is */
	bool known;              /* it has said so */
	bool opened;             /* it opened a session: its requests need not be looked through */
	bool ended; /* no line will come any more: nothing endless is begun, nobody is asked */
	size_t questions; /* requests of the server that it has not answered */
	struct span
		arriving; /* id of a request that is being read and neither owed nor answered yet */
	struct kept kept;
};

struct translators {
	translator_new_fn *make;
	struct between *now; /* client and server are of two eras; NULL: they are not */
	struct between *all; /* that there ever were */
};

/* Somebody is asked to sign in: patience.c. */
struct person {
	struct loop_timer timer; /* set as long */
	unsigned long progress;  /* notes about that */
	int64_t late_ms;         /* when a request that opens was answered late; 0: never */
	enum method late;        /* the last of them */
};

struct session {
	struct loop *loop;
	struct lines_out *out;
	struct transport *transport;
	const struct session_events *on;
	void *ctx;
	struct queue queue;
	struct pending calls;
	struct handshake handshake;
	struct reopening reopening;
	struct server server;
	struct client client;
	struct translators translators;
	struct policy *policy;
	struct call_log *call_log; /* NULL: nobody notes the calls of tools */
	struct person person;
	unsigned long serial;  /* of ids of ours */
	struct mem_pool spare; /* outgoing messages */
};

/* ---- again.c ---- */

/* The exchange of p is over and brought no answer. TAKEN: p, a message that may arrive twice, is sent
 * again after a pause. */
enum taken again_sent(struct outgoing *p, const struct exchange_end *end)
	__attribute__((warn_unused_result));
/* TAKEN: p waits for answers that may come on the GET stream; if none does, it gets why, which is copied. */
enum taken again_awaited(struct outgoing *p, const struct exchange_end *end, const struct err *why)
	__attribute__((warn_unused_result));

/* ---- patience.c ---- */

void session_patience_due(void *ctx); /* a timer */

#endif
