/* The DELETE that ends a session (MCP 2025-11-25, Session Management 5). */
#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

struct delete_request {
	struct transport *t;
	struct http_req *req;
	struct fieldset *fields;
	struct loop_timer limit;
	void (*done)(void *ctx);
	void *ctx;
};

static void delete_free(struct delete_request *d)
{
	http_cancel(d->req);
	loop_timer_clear(&d->limit);
	fieldset_drop(d->fields);
	free(d);
}

static void delete_over(struct delete_request *d)
{
	struct transport *t = d->t;
	void (*done)(void *ctx) = d->done;
	void *ctx = d->ctx;

	t->deleting = NULL;
	delete_free(d);
	done(ctx);
}

static enum http_flow delete_head(void *ctx, struct http_req *r, long status)
{
	(void)ctx, (void)r;
	diag_debug("DELETE of the session answered HTTP %ld", status);
	return HTTP_STOP;
}

static enum http_flow delete_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	(void)ctx, (void)r, (void)p, (void)n;
	return HTTP_STOP;
}

static void delete_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct delete_request *d = ctx;

	(void)r, (void)how;
	if (e)
		diag_debug("DELETE of the session: %s", e->msg);
	d->req = NULL;
	delete_over(d);
}

static void delete_late(void *ctx)
{
	delete_over(ctx);
}

static const struct http_events delete_events = { delete_head, delete_body, delete_done };

void session_delete_free(struct transport *t)
{
	if (t->deleting)
		delete_free(t->deleting);
	t->deleting = NULL;
}

void transport_delete(struct transport *t, int64_t ms, void (*done)(void *ctx), void *ctx)
{
	struct delete_request *d = mem_new(sizeof(*d));
	bool named = t->headers.session && t->posts->names_session;
	struct auth_value v = { 0 };
	struct err e = { 0 };

	*d = (struct delete_request){ .t = t, .done = done, .ctx = ctx };
	session_delete_free(t);
	loop_timer_init(&d->limit, t->loop, delete_late, d);
	t->deleting = d;
	http_sse_close(t, NULL);
	loop_timer_set(&d->limit, named ? ms : 0);
	if (!named || auth_value(t->auth, &v, NULL, &e) != AUTH_READY)
		return;
	d->fields = transport_fields(t, FIELDS_DELETE, &v, &e);
	if (d->fields) {
		struct http_call c = { .method = "DELETE",
			.url = t->at.url,
			.shared = d->fields->fields,
			.on = &delete_events,
			.ctx = d };

		d->req = http_start(t->http, &c, &e);
	}
	if (d->req)
		request_count_count(t->rate);
	else
		loop_timer_set(&d->limit, 0);
}
