/*
 * The inside of an exchange, for exchange.c, which leads it through its steps,
 * http_status.c, which knows what a status of 300 and more asks for, and awaited.c,
 * which knows what HTTP+SSE makes different.
 */
#ifndef MPMCP_EXCHANGE_IMPL_H
#define MPMCP_EXCHANGE_IMPL_H

#include "mcp/json/message.h"
#include "mcp/http/transport_impl.h"

enum step {
	STEP_CHANNEL, /* HTTP+SSE: waits for the stream to be open */
	STEP_AUTH,    /* waits for an authorization value */
	STEP_SENT,    /* a request is under way */
	STEP_ANSWER,  /* HTTP+SSE: the POST was taken, the answer is awaited on the stream */
	STEP_PAUSE,   /* waits to send the request again */
	STEP_REST,    /* waits to GET the stream again */
	STEP_END,     /* ended() is to be called at the end of the round */
};

enum content { CONTENT_NONE, CONTENT_JSON, CONTENT_EVENTS, CONTENT_ERROR };

struct exchange {
	struct transport *t;
	struct exchange *prev, *next;
	struct exchange_call c;
	enum step step;
	struct http_req *req;
	struct fieldset *fields;
	struct auth_waiter waiter;
	struct loop_timer timer; /* pause, rest, linger, end */
	unsigned long gen;
	unsigned challenges, refused, redirects, waits;
	unsigned resumes;
	unsigned failed_resumes,
		empty_resumes;   /* in a row: without a stream, without a new event */
	char *resumed_from;      /* the event id that the last one began behind */
	int64_t waited_ms;       /* by Retry-After so far */
	int64_t connect_by_ms;   /* no later, however often that is tried; 0: has not begun */
	int64_t silent_since_ms; /* resuming: when the last message came */
	bool resuming;           /* the request under way is the GET of a resumption */
	bool lost;               /* the connection went, perhaps after the server had the request */
	bool repeated;           /* after a lost connection */
	bool counted_resuming;   /* in t->resuming */
	bool heard;              /* a message is in the piece that is being read */
	bool counted_awaiting;   /* in t->channel.waiting */
	bool lingering;
	bool channel;    /* it is the GET of HTTP+SSE's stream */
	bool initialize; /* its message is an initialize request */
	bool awaits;     /* HTTP+SSE: its message will be answered on the stream */
	bool fallback;   /* refused over Streamable HTTP; the other transport is being tried */
	struct span id;  /* HTTP+SSE: of its message, when that is one request */
	bool dead;       /* cancelled while one of our callbacks runs */
	unsigned busy;   /* callbacks of ours on the stack */
	long status;
	enum content content;
	size_t discarded;
	struct buf body;
	struct sse *sse;
	bool in_session;   /* the request carried a session id */
	bool session_lost; /* and the server does not know that session */
	char *new_session;
	struct exchange_end end; /* STEP_END */
	struct err e;
};

struct exchange *exchange_new(struct transport *t, const struct exchange_call *c);
void exchange_send(struct exchange *x);              /* the step that begins it, and each try */
void exchange_pause(struct exchange *x, int64_t ms); /* then exchange_send() */
/* x->end is reported from the loop, never from inside transport_post(): callers need not expect it
 * there. */
void exchange_end_soon(struct exchange *x);

/* At once; x->e says why. */
void exchange_end_failed(struct exchange *x, long retry_after_s);
/* Where its request goes. */
char **exchange_target(struct exchange *x);
/* The value that STEP_AUTH waited for is there, or will not come. */
void exchange_authorized(void *ctx, enum auth_state state, const struct err *e);

/* Brackets around everything that may call the owner back; true when x is still there. */
void exchange_enter(struct exchange *x);
bool exchange_leave(struct exchange *x);

/* ---- http_status.c: 3xx, 4xx and 5xx ---- */

/* The answer is there, its body with it: the request is sent again, now or later or elsewhere, or ends. */
void exchange_refused(struct exchange *x, struct http_req *r);

/* ---- awaited.c: answers that come on the channel ---- */

/* What its message is: only HTTP+SSE, or the way to it, has to know. */
void awaited_read(struct exchange *x);
/* No stream is open: one is opened, or the exchange ends. */
void awaited_wait(struct exchange *x);
/* Its answer came: nothing else is waited for but the acknowledgement of the POST. */
void awaited_came(struct exchange *x);
/* What came back for the POST is the answer itself. */
bool awaited_is(const struct exchange *x);

#endif
