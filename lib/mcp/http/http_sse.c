/*
 * The event stream of HTTP+SSE (MCP 2024-11-05, Transports): a GET whose first
 * event names the address for POSTs, and whose others are the server's
 * messages. It is an exchange as far as authorization, redirects and second
 * tries go; here is what its events and its end mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"
#include "net/url.h"

/* The first event comes with the header, or the server is none of this kind: some answer any GET
 * with a stream that says nothing. --headers-timeout can make this shorter. */
#define ENDPOINT_WAIT_MS 15000

/* The longest that a server's retry field keeps a new stream waiting. */
#define RETRY_MAX_MS 30000

/* The address is forgotten: whoever sends next opens a new one. */
static void closed(struct transport *t)
{
	struct channel *c = &t->channel;

	c->x = NULL;
	c->closed_ms = clock_ms();
	loop_timer_clear(&c->limit);
	free(c->endpoint);
	c->endpoint = NULL;
}

/* ---- what comes of opening it ---- */

/* Servers of Streamable HTTP refuse a GET outside a session with one of these, or answer it with a
 * stream (status 0) that does not begin as ours does. */
static bool says_other_transport(long status)
{
	return status == 0 || status == 400 || status == 404 || status == 405 || status == 406;
}

static void not_opened(struct transport *t, const struct exchange_end *end, bool may_be_other)
{
	closed(t);
	if (t->posts == &http_sse_post && t->undecided && may_be_other &&
		says_other_transport(end->status)) {
		diag_debug("no HTTP+SSE stream (HTTP %ld): using Streamable HTTP", end->status);
		transport_speaks(t, &streamable_post);
	}
	exchanges_refused(t, end);
}

/* It opened, but not as a stream of HTTP+SSE. */
static void no_endpoint(struct transport *t, const struct err *why, bool may_be_other)
{
	struct exchange_end end = { .outcome = EXCHANGE_FAILED, .retry_after_s = -1, .e = why };

	exchange_cancel(t->channel.x);
	not_opened(t, &end, may_be_other);
}

static void limit_due(void *ctx)
{
	struct err e = { 0 };

	err_set(&e, ERR_PROTO,
		"the server sent no \"endpoint\" event, so it is not an HTTP+SSE server. Remove "
		"--transport, or check the URL");
	no_endpoint(ctx, &e, true);
}

void http_sse_open(struct transport *t)
{
	struct channel *c = &t->channel;
	int64_t pause;

	if (c->x)
		return;
	if (!c->limit.loop)
		loop_timer_init(&c->limit, t->loop, limit_due, t);
	pause = c->closed_ms ? c->closed_ms + c->retry_ms - clock_ms() : 0;
	c->x = exchange_new(t, &http_sse_stream, &(struct exchange_call){ .fresh = true });
	exchange_pause(c->x, pause > 0 ? pause : 0);
}

static void stream_started(struct exchange *x)
{
	int64_t given = http_headers_timeout_ms(x->t->http);

	loop_timer_set(&x->t->channel.limit,
		given > 0 && given < ENDPOINT_WAIT_MS ? given : ENDPOINT_WAIT_MS);
}

/* ---- events ---- */

static char *read_endpoint(struct transport *t, const struct sse_event *ev, struct err *e)
{
	char *text = mem_ndup(ev->data, ev->len);
	char *to = NULL;

	if (strlen(text) != ev->len)
		err_set(e, ERR_PROTO, "it holds a NUL byte");
	else
		to = transport_join(t->at.url, text, e);
	free(text);
	if (!to || url_same_origin(to, t->at.given))
		return to;
	free(to);
	err_set(e, ERR_PROTO, "it is at another origin, where this credential must not be sent");
	return NULL;
}

/* Later ones only change the address. */
static void endpoint_event(struct transport *t, const struct sse_event *ev)
{
	struct channel *c = &t->channel;
	struct err e = { 0 };
	char *to = read_endpoint(t, ev, &e), *old = c->endpoint;

	if (!to) {
		e.kind = ERR_PROTO;
		err_prefix(&e, "the server sent an \"endpoint\" event that cannot be used");
		if (old)
			http_sse_close(t, &e);
		else
			no_endpoint(t, &e, false);
		return;
	}
	c->endpoint = to;
	free(old);
	if (old)
		return;
	loop_timer_clear(&c->limit);
	snprintf(c->name, sizeof(c->name), "sse#%lu", ++c->count);
	diag_debug("HTTP+SSE: the event stream is open");
	transport_speaks(t, &http_sse_post);
	exchanges_opened(t);
}

static bool stream_event(struct exchange *x, struct sse_event *ev)
{
	struct transport *t = x->t;
	struct incoming in = { .p = ev->data, .n = ev->len, .sse = x->answer.sse, .event = ev };

	if (strcmp(ev->name, "endpoint") == 0)
		endpoint_event(t, ev);
	else if (strcmp(ev->name, "message") == 0 && t->channel.endpoint)
		exchanges_deliver(t, &in);
	return true;
}

void http_sse_retry(struct transport *t, int64_t ms)
{
	t->channel.retry_ms = ms < 0 ? 0 : ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
}

/* ---- the end ---- */

void http_sse_close(struct transport *t, const struct err *why)
{
	struct err gone = { 0 };

	if (!t->channel.x)
		return;
	if (!why)
		err_set(&gone, ERR_CANCELLED, "the session was ended before the answer came");
	exchange_cancel(t->channel.x);
	closed(t);
	exchanges_lost(t, why ? why : &gone);
}

static void stream_ended(struct exchange *x)
{
	struct transport *t = x->t;
	const struct exchange_end *end = &x->end;
	struct exchange_end refusal = *end;
	struct err e = { 0 };
	bool was_open = t->channel.endpoint != NULL;

	http_sse_retry(t, x->answer.sse ? sse_retry_ms(x->answer.sse) : -1);
	if (end->e)
		e = *end->e;
	else if (was_open || end->stream)
		err_set(&e, ERR_SERVER, "the server ended it");
	else
		err_set(&e, ERR_PROTO, "the answer (HTTP %ld) is not an event stream", end->status);
	if (was_open) {
		err_prefix(&e, "the server's event stream ended before the answer, so whether it "
			       "acted on the request is unknown");
		closed(t);
		exchanges_lost(t, &e);
		return;
	}
	err_prefix(&e, "the event stream of HTTP+SSE cannot be opened");
	if (exchange_succeeded(end))
		refusal.outcome = EXCHANGE_FAILED;
	refusal.e = &e;
	if (end->status == 200)
		refusal.status = 0;
	not_opened(t, &refusal, end->status != 0);
}

void http_sse_await(struct transport *t, bool more)
{
	struct channel *c = &t->channel;

	c->waiting += more ? 1U : -1U;
	if (c->x && c->x->request.req && c->waiting == (more ? 1 : 0))
		http_set_endless(c->x->request.req, !more);
}

void http_sse_free(struct transport *t)
{
	exchange_cancel(t->channel.x);
	closed(t);
}

/* ---- as an exchange ---- */

static char **stream_target(struct exchange *x)
{
	return &x->t->at.url;
}

static bool stream_request(struct exchange *x, struct http_call *c, enum fieldset_kind *fields)
{
	(void)x;
	*fields = FIELDS_GET;
	c->method = "GET";
	c->endless = true;
	return true;
}

static bool is_no_message(struct exchange *x)
{
	(void)x;
	return false;
}

static bool takes_no_json(const struct exchange *x)
{
	(void)x;
	return false;
}

static void no_stream(struct exchange *x)
{
	exchange_end_well(x, EXCHANGE_ACCEPTED);
}

static void no_linger(struct exchange *x)
{
	(void)x;
}

static const char *no_session(const struct exchange *x)
{
	(void)x;
	return NULL;
}

const struct exchange_kind http_sse_stream = {
	.target = stream_target,
	.request = stream_request,
	.streams = stream_started,
	.event = stream_event,
	.takes_json = takes_no_json,
	.is_message = is_no_message,
	.taken = no_stream,
	.linger = no_linger,
	.ended = stream_ended,
	.session = no_session,
};
