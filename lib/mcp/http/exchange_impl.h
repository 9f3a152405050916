/*
 * The inside of an exchange: what it consists of, and the file that each part
 * belongs to. exchange.c leads it through its steps; what is different between
 * Streamable HTTP and HTTP+SSE stands in three tables (struct exchange_kind).
 */
#ifndef MPMCP_EXCHANGE_IMPL_H
#define MPMCP_EXCHANGE_IMPL_H

#include "mcp/http/transport_impl.h"
#include "mcp/json/message.h"

enum step {
	STEP_CHANNEL, /* HTTP+SSE: waits for the stream to be open */
	STEP_AUTH,    /* waits for an authorization value */
	STEP_SENT,    /* a request is under way */
	STEP_ANSWER,  /* HTTP+SSE: the POST was taken, the answer is awaited on the stream */
	STEP_PAUSE,   /* waits to send the request again */
	STEP_REST,    /* waits to GET the stream again */
	STEP_END,     /* ended() is to be called at the end of the round */
};

/* What one kind of exchange does differently: a message in Streamable HTTP (http_post.c), one in HTTP+SSE
 * (http_sse_post.c), or the GET of HTTP+SSE's stream (http_sse.c). */
struct exchange_kind {
	/* Its requests name the session in a header field; a GET stream and a DELETE belong to it. */
	bool names_session;
	/* A message was given to it. NULL: nothing is to be done. */
	void (*begin)(struct exchange *x);
	/* May it be sent now? False: it waits, or ends. NULL: always. */
	bool (*ready)(struct exchange *x);
	char **(*target)(struct exchange *x); /* where its request goes */
	/* Fills method, body, fields of its own and time-outs. False with x->e set. */
	bool (*request)(struct exchange *x, struct http_call *c, enum fieldset_kind *fields);
	/* The header of a 2xx is there. NULL: nothing is to be done. */
	void (*accepted)(struct exchange *x, struct http_req *r);
	/* The answer is an event stream. NULL: nothing is to be done. */
	void (*streams)(struct exchange *x);
	bool (*event)(struct exchange *x, struct sse_event *ev); /* false: x is cancelled */
	/* A JSON body may come; and it has come: is it a message for the owner? */
	bool (*takes_json)(const struct exchange *x);
	bool (*is_message)(struct exchange *x);
	bool any_body; /* a body of another type is passed over */
	/* A 2xx brought no message. */
	void (*taken)(struct exchange *x);
	/* The connection was lost: may its request be sent once more without harm? NULL: never. */
	bool (*repeats)(const struct exchange *x);
	/* A refusal may mean that the server speaks the other transport: goes on there. NULL: never. */
	bool (*falls_back)(struct exchange *x);
	void (*linger)(struct exchange *x); /* exchange_linger() */
	void (*ended)(struct exchange *x);  /* x->end is complete */
	/* The session id that came, or what stands for it; NULL: none. */
	const char *(*session)(const struct exchange *x);
};

extern const struct exchange_kind streamable_post, http_sse_post, http_sse_stream;

/* The request under way. */
struct request {
	struct http_req *req;
	struct fieldset *fields;
	struct auth_waiter waiter;
	unsigned long gen; /* of its authorization */
	bool in_session;   /* it carries a session id */
	bool lost;         /* its connection went, perhaps after the server had it */
};

/* What was tried. */
struct tries {
	unsigned challenges, refused, redirects, waits;
	int64_t waited_ms;     /* by Retry-After so far */
	int64_t connect_by_ms; /* no later, however often that is tried; 0: has not begun */
	bool repeated;         /* after a lost connection */
};

enum content { CONTENT_NONE, CONTENT_JSON, CONTENT_EVENTS, CONTENT_ERROR };

/* What comes back for the request: answer.c. */
struct answer {
	long status;
	enum content content;
	struct buf body; /* JSON, or of a refusal */
	bool read;       /* body was: answer_said() */
	struct message said;
	struct sse *sse;   /* events; stays from one request to the next that resumes it */
	size_t discarded;  /* bytes of what nobody reads */
	bool session_lost; /* a refusal: the server does not know the session */
	char *session;     /* the Mcp-Session-Id of a new session */
};

/* The event stream that broke off: resumption.c. */
struct resumption {
	bool on;                 /* the request under way is the GET of one */
	bool counted;            /* in exchanges.resuming */
	bool heard;              /* a message is in the piece that is being read */
	unsigned count;          /* all of them; */
	unsigned failed;         /* in a row, without a stream; */
	unsigned empty;          /* in a row, without a new event */
	char *from;              /* the event id that the last one began behind */
	int64_t silent_since_ms; /* when the last message came */
};

/* HTTP+SSE, or the way to it: http_sse_post.c. */
struct awaited {
	struct span id;  /* of its message, when that is one request */
	bool due;        /* its message will be answered on the stream */
	bool counted;    /* in channel.waiting */
	bool initialize; /* its message is an initialize request */
	bool fallback;   /* refused over Streamable HTTP; the other transport is being tried */
};

struct exchange {
	struct transport *t;
	struct exchange *prev, *next;
	const struct exchange_kind *kind;
	struct exchange_call c;
	enum step step;
	struct loop_timer timer; /* pause, rest, linger, end */
	struct request request;
	struct tries tries;
	struct answer answer;
	struct resumption resumption;
	struct awaited awaited;
	bool lingering;
	bool dead;     /* cancelled while one of our callbacks runs */
	unsigned busy; /* callbacks of ours on the stack */
	struct exchange_end end;
	struct err e; /* why it ends */
};

/* ---- exchange.c ---- */

struct exchange *exchange_new(
	struct transport *t, const struct exchange_kind *kind, const struct exchange_call *c);
void exchange_send(struct exchange *x);              /* the step that begins it, and each try */
void exchange_pause(struct exchange *x, int64_t ms); /* then exchange_send() */

/* It is over at once, and has gone well; or x->e says why not. */
void exchange_end_well(struct exchange *x, enum exchange_outcome outcome);
void exchange_end_failed(struct exchange *x, long retry_after_s);
/* The same from the loop: callers of transport_post() need not expect it inside. x->e, unless it succeeds. */
void exchange_end_soon(struct exchange *x, const struct exchange_end *end);

/* The value that STEP_AUTH waited for is there, or will not come. */
void exchange_authorized(void *ctx, enum auth_state state, const struct err *e);
void exchange_wait_for_auth(struct exchange *x);

/* Brackets around everything that may call the owner back; true when x is still there. */
void exchange_enter(struct exchange *x);
bool exchange_leave(struct exchange *x);

/* ---- answer.c ---- */

enum http_flow answer_head(void *ctx, struct http_req *r, long status);
enum http_flow answer_body(void *ctx, struct http_req *r, char *p, size_t n);
/* What the whole body says, read once; NULL: it is not a message. */
const struct message *answer_said(struct exchange *x);
/* The same when it is a JSON-RPC error; else NULL. */
const struct message *answer_error(struct exchange *x);
/* A 2xx with a JSON body is complete. True when it held a message; then x may be gone. */
bool answer_message(struct exchange *x);
/* What came is one message, whole: to the owner. */
void answer_deliver(struct exchange *x, struct incoming *in);
void answer_linger(struct exchange *x); /* its message came: the rest is waited for only a moment */
void answer_begin(struct exchange *x);  /* of the next request */
void answer_free(struct exchange *x);

/* ---- http_post.c ---- */

bool http_post_request(struct exchange *x, struct http_call *c, enum fieldset_kind *fields);
void http_post_ended(struct exchange *x); /* the owner is told */

/* ---- resumption.c ---- */

bool resumption_may(const struct exchange *x);
/* The stream is over without the owner having said that its answer came: it is resumed, or x ends. */
void resumption_or_end(struct exchange *x, const struct err *why);
void resumption_due(struct exchange *x); /* the rest before the next one is over */
bool resumption_request(struct exchange *x, struct http_call *c);
/* An event, and the end of a piece of the stream. */
void resumption_note(struct exchange *x, const struct sse_event *ev);
void resumption_heard(struct exchange *x);
void resumption_uncount(struct exchange *x); /* it does not wait for a resumption any more */

/* ---- http_status.c: 3xx, 4xx and 5xx ---- */

/* The answer is there, its body with it: the request is sent again, now or later or elsewhere, or ends. */
void exchange_refused(struct exchange *x, struct http_req *r);
/* Does it show that the server does not know the session? x->e describes it. */
bool refusal_loses_session(struct exchange *x);

/* ---- http_sse_post.c: answers that come on the channel ---- */

/* What its message is: only HTTP+SSE, or the way to it, has to know. */
void awaited_read(struct exchange *x);
/* Initialize was refused: is it a server of HTTP+SSE? x->e and the body keep what the refusal was. */
void awaited_fall_back(struct exchange *x);
void awaited_uncount(struct exchange *x);
/* A message that came on the channel: goes on with the exchange that it answers. */
void exchanges_deliver(struct transport *t, struct incoming *in);
/* What becomes of those that waited for it; and of those that awaited answers on it. */
void exchanges_opened(struct transport *t);
void exchanges_refused(struct transport *t, const struct exchange_end *end);
void exchanges_lost(struct transport *t, const struct err *why);

#endif
