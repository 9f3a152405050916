#include "net/fetch.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/secret.h"

struct fetch {
	struct http_req *req;
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

static void on_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct fetch *f = ctx;
	struct err limit = { 0 };
	struct fetch_answer a = { .how = how,
		.status = f->status,
		.req = r,
		.body = &f->body,
		.e = e,
		.retry_after_s = http_retry_after_s(r) };

	f->req = NULL;
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

struct fetch *fetch_start(
	struct http *h, const struct fetch_call *c, fetch_fn *fn, void *ctx, struct err *e)
{
	struct fetch *f = mem_new(sizeof(*f));
	struct http_call call = { .method = c->body ? "POST" : "GET",
		.url = c->url,
		.total_ms = c->total_ms,
		.on = &events,
		.ctx = f };

	f->fn = fn;
	f->ctx = ctx;
	f->fields = c->more;
	buf_init(&f->body, c->cap);
	f->sent = c->body ? mem_dup(c->body) : NULL;
	call.body = f->sent;
	call.body_len = f->sent ? strlen(f->sent) : 0;
	if (add_fields(f, c, e)) {
		call.shared = f->fields;
		f->req = http_start(h, &call, e);
	}
	if (f->req)
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
