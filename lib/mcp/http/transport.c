#include "mcp/http/transport.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

struct transport *transport_new(struct loop *l, struct http *h, struct auth *a,
	const struct transport_opts *o, const struct transport_events *on, void *ctx)
{
	struct transport *t = mem_new(sizeof(*t));

	t->loop = l;
	t->http = h;
	t->auth = a;
	t->rate = o->rate;
	t->on = on;
	t->ctx = ctx;
	t->posts = o->kind == TRANSPORT_SSE_FIRST || o->kind == TRANSPORT_SSE_ONLY
			   ? &http_sse_post
			   : &streamable_post;
	t->undecided = o->kind == TRANSPORT_HTTP_FIRST || o->kind == TRANSPORT_SSE_FIRST;
	t->at.given = mem_dup(o->url);
	t->at.url = mem_dup(o->url);
	t->headers.extra = o->fields;
	t->exchanges.sent_ms = clock_ms();
	t->buffered.cap = TRANSPORT_BUFFERED_MAX;
	return t;
}

void transport_speaks(struct transport *t, const struct exchange_kind *posts)
{
	t->posts = posts;
	t->undecided = false;
}

void transport_forget_session(struct transport *t)
{
	http_sse_close(t, NULL);
	session_headers_forget(t);
}

size_t transport_waiting(const struct transport *t)
{
	return t->exchanges.waiting;
}

void transport_limited(struct transport *t, long wait_s)
{
	request_count_refused(t->rate, wait_s);
}

int64_t transport_idle_ms(const struct transport *t)
{
	return clock_ms() - t->exchanges.sent_ms;
}

void transport_hold(struct transport *t, bool held)
{
	http_hold(t->http, held);
}

/* ---- small things about answers ---- */

struct sse *transport_parser(struct transport *t, sse_fn *fn, void *ctx)
{
	struct sse *s = t->spare;

	if (!s) {
		s = sse_new(MESSAGE_MAX, fn, ctx);
		sse_share(s, &t->buffered);
		return s;
	}
	t->spare = NULL;
	sse_reuse(s, fn, ctx);
	return s;
}

void transport_parser_free(struct transport *t, struct sse *s)
{
	sse_free(t->spare);
	t->spare = s;
	if (s)
		sse_reuse(s, NULL, NULL); /* gives back what it holds */
}

static bool is_type(const char *have, const char *type)
{
	size_t n = strlen(type);

	return strncasecmp(have, type, n) == 0 && strchr("; \t", have[n]) != NULL;
}

enum media transport_media(const struct http_req *r)
{
	const char *have = http_answer_field(r, "Content-Type", 0);

	if (have && is_type(have, "application/json"))
		return MEDIA_JSON;
	return have && is_type(have, "text/event-stream") ? MEDIA_EVENTS : MEDIA_OTHER;
}

void transport_free(struct transport *t)
{
	if (!t)
		return;
	http_sse_free(t);
	while (t->exchanges.first)
		exchange_cancel(t->exchanges.first);
	get_stream_free(t->get.stream);
	session_delete_free(t);
	session_headers_free(t);
	free(t->at.url);
	free(t->at.given);
	sse_free(t->spare);
	mem_pool_clear(&t->exchanges.spare);
	free(t);
}
