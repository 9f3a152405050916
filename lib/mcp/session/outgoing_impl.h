/*
 * The inside of a message on its way, for the parts of a session.
 */
#ifndef MPMCP_OUTGOING_IMPL_H
#define MPMCP_OUTGOING_IMPL_H

#include "mcp/session/outgoing.h"
#include "mcp/session/owed.h"
#include "mcp/session/pending.h"
#include "mcp/session/queue_impl.h"

/* One request that is owed an answer. */
struct owed_request {
	struct pending_call pending; /* first: found through it */
	struct outgoing *of;
	bool list; /* tools/list: its answer may be filtered */
	bool sets; /* it changes what the session holds, see kept.c */
};

/* All that is owed for one message. */
struct owed {
	struct owed_request one, *calls; /* calls: &one, or an array for a batch */
	size_t n, left;
	struct buf id; /* the id that the client knows it by, when its message does not hold it */
	int64_t arrived_ms; /* the request; */
	int64_t tell_ms;    /* when it is told again that a sign-in goes on */
};

/* What a message is, beside its kind. */
struct traits {
	bool fresh : 1;    /* an initialize: sent without session id and revision */
	bool response : 1; /* of the client, to a request of the server */
	bool endless : 1;  /* a subscription: answered only when it is over */
};

/* As it went out. */
struct as_sent {
	enum era era;           /* another one than the message's: answers are translated */
	struct message changed; /* when it differs from what the client sent */
	struct buf id; /* the id that the server knows it by, when that is not the client's */
	struct http_fields *fields; /* mirrored; handed to the exchange */
	unsigned long opening;      /* handshake.opening when it was sent */
	bool taken;                 /* its exchange ended as it should */
	bool junk;                  /* the server sent something that is no message */
};

/* What was tried with it already. */
struct tried {
	bool again : 1;     /* it was sent before, in a session that the server has forgotten */
	bool reopened : 1;  /* it waited for a session that is opened on its client's behalf */
	bool refreshed : 1; /* the list of tools was fetched again because of this call */
	bool corrected : 1; /* it was sent again in the revision that the server asked for */
	unsigned times;     /* it was sent again so often because it had failed */
	unsigned long
		unready; /* sent.opening when it was refused because that session was not ready */
};

/* OUTGOING_INTERNAL: who asks. */
struct asked {
	outgoing_answer_fn *fn;
	void *ctx;      /* NULL when that is gone, or a number */
	unsigned pages; /* of a list that were fetched already */
};

struct outgoing {
	struct session *s;
	enum outgoing_kind kind;
	struct message message; /* as the client sent it */
	enum era era;           /* of the message */
	struct traits is;
	struct standing at;
	struct exchange *x; /* while active */
	struct owed owed;
	struct as_sent sent;
	struct tried tried;
	struct asked ask;
	struct between *between; /* who translates it; NULL: nobody */
	void *translation;       /* what that one knows of it */
};

#endif
