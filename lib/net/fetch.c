#include "net/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"

/* Pauses before an exchange is repeated; a longer Retry-After counts instead. */
static const int64_t pauses_ms[] = { 250, 750, 2000 };
#define REPEATS (sizeof(pauses_ms) / sizeof(pauses_ms[0]))

struct fetch {
	struct http *http;
	struct http_req *req;
	char *url;
	int64_t total_ms, until_ms;
	size_t repeats;
	bool object;
	long failed; /* as in the answer */
	struct loop_timer again;
	struct http_fields *fields;
	char *sent;
	struct buf body;
	long status;
	bool too_long;
	fetch_fn *fn;
	void *ctx;
};

static void fetch_free(struct fetch *f)
{
	if (f->sent)
		secret_wipe(f->sent, strlen(f->sent));
	free(f->sent);
	free(f->url);
	loop_timer_clear(&f->again);
	http_fields_free(f->fields);
	buf_wipe(&f->body);
	free(f);
}

static enum http_flow on_head(void *ctx, struct http_req *r, long status)
{
	struct fetch *f = ctx;
	const char *type = http_answer_field(r, "Content-Type", 0);

	f->status = status;
	return type && strncasecmp(type, "text/event-stream", 17) == 0 ? HTTP_STOP : HTTP_GO;
}

static enum http_flow on_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct fetch *f = ctx;

	(void)r;
	if (buf_add(&f->body, p, n))
		return HTTP_GO;
	f->too_long = true;
	return HTTP_STOP;
}

/* ---- what may be over in a moment ---- */

static bool is_object(struct buf *b)
{
	const char *p = buf_str(b);

	return p[strspn(p, " \t\r\n")] == '{';
}

static bool may_pass(struct fetch *f, enum http_outcome how)
{
	switch (how) {
	case HTTP_UNREACHABLE:
	case HTTP_BROKEN:
		return !f->too_long;
	case HTTP_DONE:
		return f->status == 408 || f->status == 429 ||
		       (f->status >= 500 && f->status != 501 && f->status != 505) ||
		       (f->object && !is_object(&f->body));
	case HTTP_TIMED_OUT:
		return f->object;
	default:
		return false;
	}
}

/* True when it is asked again, later. */
static bool repeat(struct fetch *f, enum http_outcome how, long retry_after_s)
{
	int64_t pause;

	if (f->repeats == REPEATS || !may_pass(f, how))
		return false;
	pause = pauses_ms[f->repeats];
	if (retry_after_s * 1000 > pause)
		pause = retry_after_s * 1000;
	if (clock_ms() + pause > f->until_ms)
		return false;
	f->repeats++;
	f->failed = how == HTTP_DONE ? f->status : 0;
	loop_timer_set(&f->again, pause);
	return true;
}

static void on_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct fetch *f = ctx;
	struct err limit = { 0 };
	struct fetch_answer a = { .how = how,
		.status = f->status,
		.req = r,
		.body = &f->body,
		.e = e,
		.retry_after_s = http_retry_after_s(r),
		.failed = f->failed };

	f->req = NULL;
	if (repeat(f, how, a.retry_after_s))
		return;
	if (f->too_long) {
		err_set(&limit, ERR_LIMIT, "the answer is longer than %zu KiB", f->body.cap >> 10);
		a.how = HTTP_BROKEN;
		a.e = &limit;
	}
	f->fn(f->ctx, &a);
	fetch_free(f);
}

static const struct http_events events = { on_head, on_body, on_done };

static bool add_fields(struct fetch *f, const struct fetch_call *c, struct err *e)
{
	const struct {
		const char *name, *value;
	} fields[] = { { "Accept", c->accept ? c->accept : "application/json" },
		{ "Content-Type", c->content_type }, { "Authorization", c->authorization },
		{ "MCP-Protocol-Version", c->version } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].value &&
			!http_fields_add(&f->fields, fields[i].name, fields[i].value, e))
			return false;
	return true;
}

static bool start(struct fetch *f, struct err *e)
{
	struct http_call call = { .method = f->sent ? "POST" : "GET",
		.url = f->url,
		.shared = f->fields,
		.body = f->sent,
		.body_len = f->sent ? strlen(f->sent) : 0,
		.total_ms = f->total_ms,
		.on = &events,
		.ctx = f };

	f->status = 0;
	f->req = http_start(f->http, &call, e);
	return f->req != NULL;
}

static void start_again(void *ctx)
{
	struct fetch *f = ctx;
	struct err e = { 0 };
	struct fetch_answer a = { .how = HTTP_UNREACHABLE,
		.body = &f->body,
		.e = &e,
		.retry_after_s = -1,

		.failed = f->failed };

	buf_reset(&f->body);
	if (start(f, &e))
		return;
	f->fn(f->ctx, &a);
	fetch_free(f);
}

struct fetch *fetch_start(
	struct http *h, const struct fetch_call *c, fetch_fn *fn, void *ctx, struct err *e)
{
	struct fetch *f = mem_new(sizeof(*f));

	*f = (struct fetch){ .http = h,
		.url = mem_dup(c->url),
		.total_ms = c->total_ms,
		.object = c->object,
		.until_ms = c->patience_ms ? clock_ms() + c->patience_ms : 0,
		.sent = c->body ? mem_dup(c->body) : NULL,
		.fields = c->more,
		.failed = -1,
		.fn = fn,
		.ctx = ctx };
	buf_init(&f->body, c->cap);
	loop_timer_init(&f->again, http_loop(h), start_again, f);
	if (add_fields(f, c, e) && start(f, e))
		return f;
	fetch_free(f);
	return NULL;
}

void fetch_cancel(struct fetch *f)
{
	if (!f)
		return;
	http_cancel(f->req);
	fetch_free(f);
}
