/*
 * One small document, whole: what the OAuth requests need. Over http.h, with
 * a cap on the answer and no redirects. What may be over in a moment (a lost
 * connection, 408, 429, 5xx) is asked again when there is patience for it. An
 * event stream is no document: of one only the header is read, since it may
 * never end.
 */
#ifndef MPMCP_FETCH_H
#define MPMCP_FETCH_H

#include "base/buf.h"
#include "net/http.h"

struct fetch;

struct fetch_call {
	const char *url;
	const char *content_type; /* of body */
	const char *body;         /* NULL: GET; else POST of this text (copied, wiped afterwards) */
	const char *accept;       /* NULL: application/json */
	const char *authorization; /* NULL: none */
	const char *version;       /* value of MCP-Protocol-Version; NULL: none */
	struct http_fields *more;  /* further fields, taken over; or NULL */
	size_t cap;                /* of the answer */
	int64_t total_ms;          /* limit for each exchange */
	int64_t patience_ms; /* no exchange begins later than this after the first; 0: there is one alone */
	bool object; /* every answer of this endpoint is a JSON object: another one comes from elsewhere, and
		      * passes as lost connections and limits do */
};

/* For what a request of a client waits for: three pauses and a short Retry-After, and shorter than the
 * patience of most clients. */
#define FETCH_PATIENCE_MS 8000

struct fetch_answer {
	enum http_outcome how;
	long status;                /* HTTP status code; 0: there was no header */
	long retry_after_s;         /* -1: not said */
	const struct http_req *req; /* for http_answer_field() */
	struct buf *body;           /* NUL-terminated; wiped afterwards */
	const struct err *e;        /* NULL when how is HTTP_DONE */
	long failed; /* status of the exchange that failed before; 0: lost; -1: none did */
};

typedef void fetch_fn(void *ctx, const struct fetch_answer *a);

/*
 * Sends the request; fn is called once, later, unless fetch_cancel() comes first; the fetch is
 * freed when fn returns. NULL with e set when it cannot be sent. An answer longer than cap arrives
 * as HTTP_BROKEN with kind ERR_LIMIT.
 */
struct fetch *fetch_start(struct http *h, const struct fetch_call *c, fetch_fn *fn, void *ctx,
	struct err *e) __attribute__((warn_unused_result));
void fetch_cancel(struct fetch *f); /* NULL is fine */

#endif
