/*
 * One small document, whole: what the OAuth requests need. Over http.h, with
 * a cap on the answer and no redirects.
 */
#ifndef MPMCP_FETCH_H
#define MPMCP_FETCH_H

#include "base/buf.h"
#include "net/http.h"

struct fetch;

struct fetch_answer {
	enum http_outcome how;
	long status;             /* HTTP status code; 0 unless how is HTTP_DONE */
	const char *type;        /* Content-Type without parameters, lower case; "" when absent */
	int64_t retry_after_s;   /* -1 when absent or unreadable; capped at 3600 */
	const char *location;    /* NULL when absent */
	const char *date;        /* NULL when absent */
	struct buf *body;        /* NUL-terminated; may be taken; wiped afterwards */
	const struct err *e;     /* NULL when how is HTTP_DONE */
};

typedef void fetch_fn(void *ctx, const struct fetch_answer *a);

/*
 * Sends one request; fn is called once, later, unless fetch_cancel() comes first; the fetch is
 * freed when fn returns. form NULL: GET. Otherwise a POST of these bytes (copied, wiped
 * afterwards) with this content type. authorization: field value or NULL.
 * An answer longer than cap ends as HTTP_BROKEN with kind ERR_LIMIT.
 */
struct fetch *fetch_start(struct http *h, const char *url, const char *content_type,
	const char *form, const char *authorization, size_t cap, int64_t total_ms, fetch_fn *fn,
	void *ctx, struct err *e) __attribute__((warn_unused_result));
void fetch_cancel(struct fetch *f); /* NULL is fine */

#endif
