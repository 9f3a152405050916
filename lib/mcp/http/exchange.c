/*
 * An exchange on its way: it waits for what it needs, is sent, perhaps again,
 * and ends once.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

/* A refused connection is tried again after these pauses: a server that restarts is back by then,
 * a wrong address is still reported within a second. */
static const int64_t refused_pauses_ms[] = { 150, 600 };
#define REFUSED_TRIES (sizeof(refused_pauses_ms) / sizeof(refused_pauses_ms[0]))

/* ---- life ---- */

static void stop_waiting(struct exchange *x)
{
	if (!x->request.waiter.auth)
		return;
	auth_unwait(&x->request.waiter);
	x->t->exchanges.waiting--;
}

/* In 2026-07-28 the end of the stream is what tells the server that nobody wants its answer. */
static void drop_request(struct exchange *x)
{
	if (x->c.resumable)
		http_cancel(x->request.req);
	else
		http_abort(x->request.req);
	x->request.req = NULL;
}

static void exchange_free(struct exchange *x)
{
	if (x->t->exchanges.first == x)
		x->t->exchanges.first = x->next;
	if (x->prev)
		x->prev->next = x->next;
	if (x->next)
		x->next->prev = x->prev;
	stop_waiting(x);
	resumption_uncount(x);
	awaited_uncount(x);
	loop_timer_clear(&x->timer);
	drop_request(x);
	fieldset_drop(x->request.fields);
	http_fields_free(x->c.own);
	answer_free(x);
	free(x->resumption.from);
	mem_pool_put(&x->t->exchanges.spare, x);
}

void exchange_cancel(struct exchange *x)
{
	if (!x || x->dead)
		return;
	if (!x->busy) {
		exchange_free(x);
		return;
	}
	x->dead = true;
	loop_timer_clear(&x->timer);
	drop_request(x);
}

void exchange_enter(struct exchange *x)
{
	x->busy++;
}

bool exchange_leave(struct exchange *x)
{
	x->busy--;
	if (!x->dead)
		return true;
	if (!x->busy)
		exchange_free(x);
	return false;
}

bool exchange_cancelled(const struct exchange *x)
{
	return x->dead;
}

bool exchange_waits(const struct exchange *x)
{
	const struct exchange *stream = x->t->channel.x;

	return x->step == STEP_AUTH ||
	       (x->step == STEP_CHANNEL && stream && stream->step == STEP_AUTH);
}

void *exchange_ctx(const struct exchange *x)
{
	return x->c.ctx;
}

const char *exchange_new_session(const struct exchange *x)
{
	return x->kind->session(x);
}

/* ---- the end ---- */

static void report_end(struct exchange *x)
{
	exchange_enter(x);
	awaited_uncount(x);
	x->kind->ended(x);
	x->dead = true;
	exchange_leave(x);
}

void exchange_end_soon(struct exchange *x, const struct exchange_end *end)
{
	stop_waiting(x);
	resumption_uncount(x);
	awaited_uncount(x);
	x->end = *end;
	if (!exchange_succeeded(end))
		x->end.e = &x->e;
	x->step = STEP_END;
	loop_timer_set(&x->timer, 0);
}

/* Before there was an answer. */
static void fail_soon(struct exchange *x)
{
	exchange_end_soon(
		x, &(struct exchange_end){ .outcome = EXCHANGE_FAILED, .retry_after_s = -1 });
}

void exchange_end_well(struct exchange *x, enum exchange_outcome outcome)
{
	x->end = (struct exchange_end){ .outcome = outcome,
		.status = x->answer.status,
		.stream = x->answer.content == CONTENT_EVENTS,
		.retry_after_s = -1 };
	report_end(x);
}

static enum exchange_outcome failure(const struct exchange *x)
{
	if (x->answer.content == CONTENT_ERROR)
		return x->answer.session_lost ? EXCHANGE_SESSION_LOST : EXCHANGE_REFUSED;
	return x->request.lost ? EXCHANGE_INTERRUPTED : EXCHANGE_FAILED;
}

void exchange_end_failed(struct exchange *x, long retry_after_s)
{
	/* What refuses the GET of a resumption does not answer the request. */
	bool body = x->answer.content == CONTENT_ERROR && !x->resumption.on;

	x->end = (struct exchange_end){ .outcome = failure(x),
		.status = x->answer.status,
		.stream = x->answer.content == CONTENT_EVENTS || x->resumption.on,
		.retry_after_s = retry_after_s,
		.body = body ? &x->answer.body : NULL,
		.said = body ? answer_said(x) : NULL,
		.e = &x->e };
	report_end(x);
}

/* ---- the answer ---- */

/* The answer arrived whole, as far as HTTP knows. */
static void answered(struct exchange *x, struct http_req *r)
{
	if (x->e.kind != ERR_NONE) {
		exchange_end_failed(x, -1);
	} else if (x->answer.content == CONTENT_ERROR) {
		exchange_refused(x, r);
	} else if (x->answer.content == CONTENT_EVENTS) {
		resumption_or_end(x, NULL);
	} else if (!answer_message(x)) {
		x->kind->taken(x);
	}
}

/* A connection that was refused may come about a moment later; where nothing answers, the time for it is over. */
static bool connect_again(struct exchange *x, enum http_outcome how)
{
	int64_t pause;

	if (how != HTTP_UNREACHABLE || x->tries.refused == REFUSED_TRIES || x->resumption.on ||
		x->c.quiet)
		return false;
	pause = refused_pauses_ms[x->tries.refused];
	if (x->tries.connect_by_ms && clock_ms() + pause >= x->tries.connect_by_ms)
		return false;
	x->tries.refused++;
	exchange_pause(x, pause);
	return true;
}

/* Once, on a new connection: libcurl keeps away from those that are as old as the lost one. */
static bool repeat(struct exchange *x)
{
	const struct transport_events *on = x->t->on;

	if (x->tries.repeated || !x->kind->repeats || !x->kind->repeats(x) ||
		!on->repeats(x->t->ctx, x))
		return false;
	diag_debug("the connection was lost: the request is sent once more");
	x->tries.repeated = true;
	x->tries.connect_by_ms = 0;
	transport_parser_free(x->t, x->answer.sse);
	x->answer.sse = NULL;
	exchange_send(x);
	return true;
}

static void not_answered(struct exchange *x, enum http_outcome how, const struct err *e)
{
	if (connect_again(x, how))
		return;
	x->tries.connect_by_ms = 0;
	/* Too much of something will be too much again. */
	if (x->answer.sse && e->kind != ERR_LIMIT) {
		resumption_or_end(x, e);
		return;
	}
	x->answer.content = CONTENT_NONE;
	x->e = *e;
	/* Who reads this in a client sees no more of it. */
	if ((how == HTTP_UNREACHABLE || how == HTTP_SILENT) && !*x->e.advice)
		err_advise(&x->e, REASON_UNREACHABLE,
			"Check the address and the network, or run \"mpmcp doctor\".");
	exchange_end_failed(x, -1);
}

static void on_done(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct exchange *x = ctx;

	x->request.req = NULL;
	fieldset_drop(x->request.fields);
	x->request.fields = NULL;
	loop_timer_clear(&x->timer);
	x->request.lost = e && e->kind == ERR_NET &&
			  (how == HTTP_BROKEN || how == HTTP_TIMED_OUT || x->answer.sse);
	if (x->lingering)
		exchange_end_well(x, EXCHANGE_ANSWERED);
	else if (how == HTTP_DONE)
		answered(x, r);
	else if (how != HTTP_BROKEN || !http_lost(r) || !repeat(x))
		not_answered(x, how, e);
}

/* Whatever else this answer would bring is not waited for. */
static void cut_off(struct exchange *x)
{
	struct http_req *r = x->request.req;
	struct fieldset *fields = x->request.fields;

	/* The header is still looked at, so the request ends last; x may be gone by then. */
	x->request.req = NULL;
	x->request.fields = NULL;
	if (x->lingering)
		exchange_end_well(x, EXCHANGE_ANSWERED);
	else
		answered(x, r);
	http_cancel(r);
	fieldset_drop(fields);
}

static const struct http_events http_events = { answer_head, answer_body, on_done };

/* ---- sending ---- */

void exchange_pause(struct exchange *x, int64_t ms)
{
	x->step = STEP_PAUSE;
	loop_timer_set(&x->timer, ms);
}

/* What is left of the time for connecting; 0: no limit. */
static int64_t connect_limit(struct exchange *x)
{
	int64_t limit = http_connect_timeout_ms(x->t->http), left;

	if (limit <= 0)
		return 0;
	if (!x->tries.connect_by_ms)
		x->tries.connect_by_ms = clock_ms() + limit;
	left = x->tries.connect_by_ms - clock_ms();
	return left > 0 ? left : 1;
}

/* False with x->e set. */
static bool start(struct exchange *x, const struct auth_value *v)
{
	struct request *q = &x->request;
	enum fieldset_kind fields = FIELDS_GET;
	struct http_call c = { .connect_ms = connect_limit(x), .on = &http_events, .ctx = x };

	if (x->kind->request(x, &c, &fields))
		q->fields = transport_fields(x->t, fields, v, &x->e);
	if (!q->fields) {
		http_fields_free(c.own);
		return false;
	}
	if (c.body)
		x->t->exchanges.sent_ms = clock_ms();
	c.url = *x->kind->target(x);
	c.shared = q->fields->fields;
	q->req = http_start(x->t->http, &c, &x->e);
	return q->req != NULL;
}

static void send_with(struct exchange *x, const struct auth_value *v)
{
	x->request.gen = v->gen;
	x->request.in_session = x->t->headers.session && !x->c.fresh;
	x->e = (struct err){ 0 };
	answer_begin(x);
	x->step = STEP_SENT;
	if (start(x, v)) {
		request_count_count(x->t->rate);
		return;
	}
	fieldset_drop(x->request.fields);
	x->request.fields = NULL;
	fail_soon(x);
}

void exchange_wait_for_auth(struct exchange *x)
{
	x->step = STEP_AUTH;
	x->t->exchanges.waiting++;
}

void exchange_send(struct exchange *x)
{
	struct auth_value v = { 0 };

	if (x->c.message)
		x->kind = x->t->posts; /* which may have turned out to be the other one */
	if (x->kind->ready && !x->kind->ready(x))
		return;
	x->request.waiter.fn = exchange_authorized;
	x->request.waiter.ctx = x;
	switch (auth_value(x->t->auth, &v, x->c.quiet ? NULL : &x->request.waiter, &x->e)) {
	case AUTH_READY:
		send_with(x, &v);
		break;
	case AUTH_WAIT:
		exchange_wait_for_auth(x);
		break;
	case AUTH_FAILED:
		fail_soon(x);
		break;
	}
}

void exchange_authorized(void *ctx, enum auth_state state, const struct err *e)
{
	struct exchange *x = ctx;

	x->t->exchanges.waiting--;
	if (state == AUTH_FAILED) {
		x->e = *e;
		x->answer.content = CONTENT_NONE;
		exchange_end_failed(x, -1);
		return;
	}
	exchange_send(x);
}

static void timer_due(void *ctx)
{
	struct exchange *x = ctx;

	switch (x->step) {
	case STEP_REST:
		resumption_due(x);
		break;
	case STEP_PAUSE:
		exchange_send(x);
		break;
	case STEP_END:
		report_end(x);
		break;
	case STEP_SENT:
		cut_off(x);
		break;
	case STEP_CHANNEL:
	case STEP_AUTH:
	case STEP_ANSWER:
		break;
	}
}

struct exchange *exchange_new(
	struct transport *t, const struct exchange_kind *kind, const struct exchange_call *c)
{
	struct exchange *x = mem_pool_get(&t->exchanges.spare, sizeof(*x));

	x->t = t;
	x->kind = kind;
	x->c = *c;
	x->next = t->exchanges.first;
	if (x->next)
		x->next->prev = x;
	t->exchanges.first = x;
	x->resumption.silent_since_ms = clock_ms();
	buf_init(&x->answer.body, MESSAGE_MAX);
	x->answer.body.share = &t->buffered;
	loop_timer_init(&x->timer, t->loop, timer_due, x);
	return x;
}

struct exchange *transport_post(struct transport *t, const struct exchange_call *c)
{
	struct exchange *x = exchange_new(t, t->posts, c);

	if (x->kind->begin)
		x->kind->begin(x);
	exchange_send(x);
	return x;
}
