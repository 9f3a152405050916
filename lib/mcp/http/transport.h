/*
 * The Streamable HTTP transport of MCP, client side (revisions 2025-03-26 to
 * 2026-07-28): a message goes out as a POST; what comes back is one JSON
 * message, or a stream of them that may be resumed, or nothing.
 *
 * An exchange is one POST and all that follows from it: authorization and the
 * second try after a refusal, redirects inside the origin, the wait that a 429
 * or 503 asks for, the event stream and its resumption by GET. Beside the
 * exchanges there is at most one standalone GET stream.
 *
 * Behind the same interface stands HTTP+SSE, the deprecated transport of
 * 2024-11-05, for servers that know nothing else: one GET stream brings the
 * address for POSTs and then every answer. An exchange is then over when its
 * answer came on that stream, and messages carry the exchange that they answer
 * all the same. The session lives as long as the stream: a request that is made
 * after its end finds the session lost.
 */
#ifndef MPMCP_TRANSPORT_H
#define MPMCP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "base/buf.h"
#include "base/err.h"
#include "mcp/http/request_count.h"
#include "mcp/http/sse.h"
#include "mcp/json/message.h"
#include "net/http.h"
#include "net/loop.h"

struct transport;
struct exchange;

/* One message from the server, not looked at yet. */
struct incoming {
	char *p; /* the callee's to change until it returns */
	size_t n;
	struct exchange *from; /* NULL: the standalone GET stream */
	/* private: what incoming_read() found, and where the bytes live */
	bool read;
	enum message_status status;
	struct message message;
	struct buf *whole;
	struct sse *sse;
	const struct sse_event *event;
};
/* Reads it unless somebody has. What it says, in in->message, refers into p. */
enum message_status incoming_read(struct incoming *in) __attribute__((warn_unused_result));
/* Makes the first n bytes the caller's (n may have been made smaller); without a copy when they are
 * many. */
bool incoming_take(struct incoming *in, struct buf *out) BUF_MUST;

/* How an exchange ended. */
enum exchange_outcome {
	EXCHANGE_ANSWERED,     /* a message or an event stream came back and ended in order */
	EXCHANGE_ACCEPTED,     /* the server took the message and sent nothing back */
	EXCHANGE_REFUSED,      /* by a status of 300 or more; body is what the server says */
	EXCHANGE_SESSION_LOST, /* the server does not know the session in which it was sent */
	EXCHANGE_INTERRUPTED,  /* the connection was lost; the server may have acted */
	EXCHANGE_FAILED,       /* anything else: not sent, or the answer cannot be used */
};

struct exchange_end {
	enum exchange_outcome outcome;
	long status;        /* HTTP, of the last answer; 0: there was none */
	bool stream;        /* an event stream for its answer began: the server may have acted */
	long retry_after_s; /* -1: the server did not say */
	/* What came with a refusal, at most TRANSPORT_ERROR_MAX, of whatever type: servers made with
	 * the SDKs name none for their errors. NULL when there was none. */
	struct buf *body;
	const struct message *said; /* body, read; NULL: it is not a message */
	const struct err *e;        /* why; NULL when it succeeded */
};

static inline bool exchange_succeeded(const struct exchange_end *end)
{
	return end->outcome == EXCHANGE_ANSWERED || end->outcome == EXCHANGE_ACCEPTED;
}

/* More of an error's body is not read: a JSON-RPC error is small, the rest is for nobody. */
#define TRANSPORT_ERROR_MAX ((size_t)1 << 20)

struct transport_events {
	void (*message)(void *ctx, struct incoming *in);
	/* The exchange is over and freed when this returns; once for each, unless cancelled. */
	void (*ended)(void *ctx, struct exchange *x, const struct exchange_end *end);
	/* The standalone GET stream was open, and the server no longer knows its session, whose id
	 * was `id`: it is not opened again before the next transport_listen(). */
	void (*session_lost)(void *ctx, const char *id);
	/* Its connection was lost before the answer came: whether its message may be sent once more. */
	bool (*repeats)(void *ctx, struct exchange *x);
};

/* Which transport; the values of --transport. */
enum transport_kind {
	TRANSPORT_HTTP_FIRST, /* HTTP+SSE when initialize is refused with 400, 404 or 405 and a GET
			       * opens its stream (MCP 2025-11-25, Backwards Compatibility) */
	TRANSPORT_HTTP_ONLY,
	TRANSPORT_SSE_FIRST, /* Streamable HTTP when a GET opens no stream of HTTP+SSE */
	TRANSPORT_SSE_ONLY,
};

struct transport_opts {
	const char *url;
	enum transport_kind kind;
	struct http_fields *fields; /* extra header fields for every request; borrowed */
	struct request_count *rate; /* told of each request and of what limits them; or NULL */
};

struct transport *transport_new(struct loop *l, struct http *h, struct auth *a,
	const struct transport_opts *o, const struct transport_events *on, void *ctx);
void transport_free(struct transport *t); /* cancels what is left; NULL is fine */

/* What later requests carry: Mcp-Session-Id and MCP-Protocol-Version; NULL for none. False when a
 * value holds what a header field must not (the peer chose it). Copied. */
bool transport_set_session(struct transport *t, const char *id, struct err *e)
	__attribute__((warn_unused_result));
bool transport_set_version(struct transport *t, const char *version, struct err *e)
	__attribute__((warn_unused_result));
/* Later requests carry this User-Agent, unless opts.fields name one. Copied. */
void transport_set_agent(struct transport *t, const char *agent);
void transport_forget_session(struct transport *t);       /* neither from now on */
const char *transport_session(const struct transport *t); /* NULL when there is none */
const char *transport_version(const struct transport *t); /* the same */

struct exchange_call {
	const struct message *message; /* borrowed until the end of the exchange */
	bool fresh;                    /* without session id and version: an initialize */
	bool resumable; /* a broken event stream is taken up again by GET (not in 2026-07-28) */
	bool one_way;   /* no answer is expected: what may come is waited for only a moment */
	bool endless;   /* its stream may be silent for ever (subscriptions/listen) */
	bool quiet;     /* nobody waits for it: never a sign-in, never a second try */
	struct http_fields *own; /* fields of this request alone; taken over; or NULL */
	void *ctx;               /* for exchange_ctx() */
};
struct exchange *transport_post(struct transport *t, const struct exchange_call *c);
void *exchange_ctx(const struct exchange *x);
/* Ends it without ended(): nobody wants the rest. Closes its stream. NULL is fine. */
void exchange_cancel(struct exchange *x);
/* It was cancelled while one of its messages is being looked at: the rest of that counts no more. */
bool exchange_cancelled(const struct exchange *x);
/* Its answer is complete; what else the stream may bring is waited for only a moment. */
void exchange_linger(struct exchange *x);
/* The Mcp-Session-Id of the answer; NULL: none. */
const char *exchange_new_session(const struct exchange *x);

/* An answer over HTTP 200 said that there were too many requests, see request_count_is_refusal(). */
void transport_limited(struct transport *t, long wait_s);

/* It waits for an Authorization value, or for a stream that waits for one: the server has not seen it. */
bool exchange_waits(const struct exchange *x);

/* How many exchanges wait for a person to sign in. */
size_t transport_waiting(const struct transport *t);

/* Milliseconds since the last message was sent. */
int64_t transport_idle_ms(const struct transport *t);

/* Opens the standalone GET stream, unless the server said 405 before; keeps it open. Not in
 * HTTP+SSE, whose one stream brings everything. */
void transport_listen(struct transport *t);
void transport_unlisten(struct transport *t);
bool transport_hears(const struct transport *t); /* it is open, or being opened */

/* Ends the session by DELETE, when there is one; done is called later, always, within ms. */
void transport_delete(struct transport *t, int64_t ms, void (*done)(void *ctx), void *ctx);

/* Stops and starts everything: back-pressure. */
void transport_hold(struct transport *t, bool held);

#endif
