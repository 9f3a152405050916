/*
 * What comes back for a request: one JSON message, an event stream, a refusal
 * with its body, or something that is none of these.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

/* What a stream may still say after its answer. Servers should close it then; one that does not must
 * not collect connections here. Also for the rest of an answer of which nothing is expected: there are
 * servers that announce no length and leave the connection open. */
#define LINGER_MS 500

/* The same for the body of a refusal: its words come right behind the header, or never. */
#define REFUSAL_MS 3000

enum message_status incoming_read(struct incoming *in)
{
	if (!in->read)
		in->status = message_scan(in->p, in->n, &in->message, NULL);
	in->read = true;
	return in->status;
}

bool incoming_take(struct incoming *in, struct buf *out)
{
	size_t n = in->n;

	if (in->sse) {
		if (!sse_take(in->sse, in->event, out))
			return false;
	} else if (in->whole) {
		buf_move(out, in->whole);
	} else {
		return buf_add(out, in->p, n);
	}
	if (n < out->len) {
		out->len = n;
		out->p[n] = 0;
	}
	return true;
}

void answer_deliver(struct exchange *x, struct incoming *in)
{
	in->from = x;
	x->t->on->message(x->t->ctx, in);
}

static enum http_flow wrong_type(struct exchange *x, struct http_req *r)
{
	char type[80];
	const char *have = http_answer_field(r, "Content-Type", 0);

	snprintf(type, sizeof(type), "%s", have ? have : "a body without a type");
	err_set(&x->e, ERR_PROTO,
		"the server answered with %s where MCP requires JSON or an event stream. Check "
		"that the URL is an MCP endpoint",
		err_clean(type));
	return HTTP_STOP;
}

/* The length is the peer's word: only a reason to ask for the memory at once. */
static void reserve_body(struct exchange *x, struct http_req *r)
{
	const char *length = http_answer_field(r, "Content-Length", 0);
	unsigned long long n = length && !http_answer_field(r, "Content-Encoding", 0)
				       ? strtoull(length, NULL, 10)
				       : 0;

	/* One more: the line break that standard output puts behind it. */
	if (n && n < MESSAGE_MAX && !buf_reserve(&x->answer.body, (size_t)n + 1)) {
		diag_debug("no memory for %llu bytes at once", n);
		x->t->buffered.refused = false;
	}
}

static void note_keep_alive(struct exchange *x, struct http_req *r)
{
	const char *v = http_answer_field(r, "Keep-Alive", 0);
	const char *timeout = v ? strstr(v, "timeout=") : NULL;

	if (timeout)
		http_keep_alive(x->t->http, strtol(timeout + 8, NULL, 10));
}

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct exchange *x = ctx;

	return x->kind->event(x, ev) && !x->dead;
}

/* An event stream, or a JSON document where one may come. */
static void expect(struct exchange *x, struct http_req *r)
{
	struct answer *a = &x->answer;
	enum media media = transport_media(r);

	if (media == MEDIA_EVENTS) {
		a->content = CONTENT_EVENTS;
		if (a->sse)
			sse_reconnect(a->sse);
		else
			a->sse = transport_parser(x->t, on_event, x);
		if (x->kind->streams)
			x->kind->streams(x);
	} else if (media == MEDIA_JSON && x->kind->takes_json(x)) {
		a->content = CONTENT_JSON;
		reserve_body(x, r);
	}
}

enum http_flow answer_head(void *ctx, struct http_req *r, long status)
{
	struct exchange *x = ctx;
	struct answer *a = &x->answer;

	a->status = status;
	x->tries.connect_by_ms = 0;
	note_keep_alive(x, r);
	if (status < 200 || status > 299) {
		a->content = CONTENT_ERROR;
		loop_timer_set(&x->timer, REFUSAL_MS);
		return HTTP_GO;
	}
	auth_accepted(x->t->auth, x->request.gen);
	if (x->kind->accepted)
		x->kind->accepted(x, r);
	expect(x, r);
	if (x->c.one_way || status == 202 || status == 204) {
		x->lingering = a->content == CONTENT_EVENTS;
		loop_timer_set(&x->timer, LINGER_MS);
	}
	return HTTP_GO;
}

static enum http_flow too_long(struct exchange *x)
{
	if (x->t->buffered.refused)
		err_set(&x->e, ERR_LIMIT,
			"the responses that arrive now are longer than %zu MiB in total: ask for "
			"smaller results, or for fewer at a time",
			TRANSPORT_BUFFERED_MAX >> 20);
	else
		err_set(&x->e, ERR_LIMIT,
			"the server's message is longer than %zu MiB, or there is no memory for it",
			MESSAGE_MAX >> 20);
	x->t->buffered.refused = false;
	return HTTP_STOP;
}

static enum http_flow feed(struct exchange *x, char *p, size_t n)
{
	enum sse_status st;

	exchange_enter(x);
	st = sse_feed(x->answer.sse, p, n);
	if (!exchange_leave(x))
		return HTTP_STOP;
	resumption_heard(x);
	return st == SSE_TOO_LONG ? too_long(x) : HTTP_GO;
}

enum http_flow answer_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct exchange *x = ctx;

	switch (x->answer.content) {
	case CONTENT_EVENTS:
		return feed(x, p, n);
	case CONTENT_JSON:
		return buf_add(&x->answer.body, p, n) ? HTTP_GO : too_long(x);
	case CONTENT_ERROR:
		if (n > TRANSPORT_ERROR_MAX - x->answer.body.len)
			n = TRANSPORT_ERROR_MAX - x->answer.body.len;
		return n && buf_add(&x->answer.body, p, n) ? HTTP_GO : HTTP_STOP;
	case CONTENT_NONE:
		break;
	}
	/* "Accepted", say. */
	if (x->answer.status == 202 || x->answer.status == 204 || x->kind->any_body)
		return (x->answer.discarded += n) > DISCARD_MAX ? HTTP_STOP : HTTP_GO;
	return wrong_type(x, r);
}

/* RFC 8259 section 8.1: may be ignored, and the parsers of browsers and Node do. */
static void skip_bom(struct buf *b)
{
	if (b->len >= 3 && memcmp(b->p, "\xEF\xBB\xBF", 3) == 0)
		buf_drop(b, 3);
}

const struct message *answer_said(struct exchange *x)
{
	struct answer *a = &x->answer;

	/* What cannot be read has no bytes that are a message's. */
	if (!a->read && a->body.len &&
		message_scan(a->body.p, a->body.len, &a->said, NULL) != MESSAGE_OK)
		a->said = (struct message){ 0 };
	a->read = true;
	return a->said.whole.p ? &a->said : NULL;
}

const struct message *answer_error(struct exchange *x)
{
	const struct message *m = answer_said(x);

	return m && m->kind == MESSAGE_RESPONSE && m->error.p ? m : NULL;
}

bool answer_message(struct exchange *x)
{
	struct buf *body = &x->answer.body;
	struct incoming in = { .whole = body };

	if (x->answer.content != CONTENT_JSON || !body->len || !x->kind->is_message(x))
		return false;
	exchange_enter(x);
	skip_bom(body);
	in.p = body->p;
	in.n = body->len;
	answer_deliver(x, &in);
	if (exchange_leave(x))
		exchange_end_well(x, EXCHANGE_ANSWERED);
	return true;
}

void exchange_linger(struct exchange *x)
{
	x->kind->linger(x);
}

void answer_linger(struct exchange *x)
{
	if (x->lingering || x->dead || x->answer.content != CONTENT_EVENTS || !x->request.req)
		return;
	x->lingering = true;
	loop_timer_set(&x->timer, LINGER_MS);
}

void answer_begin(struct exchange *x)
{
	struct answer *a = &x->answer;

	a->content = CONTENT_NONE;
	a->status = 0;
	a->session_lost = false;
	a->read = false;
	a->said = (struct message){ 0 };
	buf_free(&a->body);
}

void answer_free(struct exchange *x)
{
	buf_free(&x->answer.body);
	transport_parser_free(x->t, x->answer.sse);
	free(x->answer.session);
}
