#include "mcp/http/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/exchange_impl.h"

/* A refused connection is tried again after these pauses: a server that restarts is back by then,
 * a wrong address is still reported within a second. */
static const int64_t refused_pauses_ms[] = { 150, 600 };
#define REFUSED_TRIES (sizeof(refused_pauses_ms) / sizeof(refused_pauses_ms[0]))

/* Pause before a broken stream is taken up again when the server named none. */
#define RESUME_DEFAULT_MS 1000
/* Attempts in a row that bring no event. A server that closes and lets the client poll (MCP
 * 2025-11-25, Sending Messages 6) may take a while; half an hour of silence is no answer. */
#define RESUME_TRIES 5
#define RESUME_PATIENCE_MS ((int64_t)30 * 60 * 1000)

/* Polls that follow the server's own pace, however fast; then there is a least pause, which doubles while
 * nothing new comes. Requests are counted by the service. */
#define RESUME_POLLS 3
#define RESUME_SLOW_MS 250

/* What a stream may still say after its answer. Servers should close it then; one that does not must
 * not collect connections here. Also for the rest of an answer of which nothing is expected: there are
 * servers that announce no length and leave the connection open. */
#define LINGER_MS 500

/* The same for the body of a refusal: its words come right behind the header, or never. */
#define REFUSAL_MS 3000
/* ---- life ---- */

static void set_resuming(struct exchange *x, bool on)
{
	if (on == x->counted_resuming)
		return;
	x->counted_resuming = on;
	if (on) {
		x->t->resuming++;
		return;
	}
	x->t->resuming--;
	if (!x->t->resuming)
		get_stream_kick(x->t->stream);
}

static void set_awaiting(struct exchange *x, bool on)
{
	if (on == x->counted_awaiting)
		return;
	x->counted_awaiting = on;
	http_sse_await(x->t, on);
}

static void stop_waiting(struct exchange *x)
{
	if (!x->waiter.auth)
		return;
	auth_unwait(&x->waiter);
	x->t->waiting--;
}

/* In 2026-07-28 the end of the stream is what tells the server that nobody wants its answer. */
static void drop_request(struct exchange *x)
{
	if (x->c.resumable)
		http_cancel(x->req);
	else
		http_abort(x->req);
	x->req = NULL;
}

static void exchange_free(struct exchange *x)
{
	if (x->t->exchanges == x)
		x->t->exchanges = x->next;
	if (x->prev)
		x->prev->next = x->next;
	if (x->next)
		x->next->prev = x->prev;
	stop_waiting(x);
	set_resuming(x, false);
	set_awaiting(x, false);
	loop_timer_clear(&x->timer);
	drop_request(x);
	fieldset_drop(x->fields);
	http_fields_free(x->c.own);
	buf_free(&x->body);
	sse_free(x->sse);
	free(x->new_session);
	free(x->resumed_from);
	free(x);
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
	return x->new_session;
}

/* ---- the end ---- */

static void report_end(struct exchange *x)
{
	exchange_enter(x);
	set_awaiting(x, false);
	if (x->channel) {
		http_sse_retry(x->t, x->sse ? sse_retry_ms(x->sse) : -1);
		http_sse_ended(x->t, &x->end);
	} else {
		x->t->on->ended(x->t->ctx, x, &x->end);
	}
	x->dead = true;
	exchange_leave(x);
}

void exchange_end_soon(struct exchange *x)
{
	stop_waiting(x);
	set_resuming(x, false);
	set_awaiting(x, false);
	x->step = STEP_END;
	loop_timer_set(&x->timer, 0);
}

static void end_well(struct exchange *x, enum exchange_outcome outcome)
{
	x->end = (struct exchange_end){ .outcome = outcome,
		.status = x->status,
		.stream = x->content == CONTENT_EVENTS,
		.retry_after_s = -1 };
	report_end(x);
}

static enum exchange_outcome failure(const struct exchange *x)
{
	if (x->content == CONTENT_ERROR)
		return x->session_lost ? EXCHANGE_SESSION_LOST : EXCHANGE_REFUSED;
	return x->lost ? EXCHANGE_INTERRUPTED : EXCHANGE_FAILED;
}

/* x->e says why. */
void exchange_end_failed(struct exchange *x, long retry_after_s)
{
	/* What refuses the GET of a resumption does not answer the request. */
	bool body = x->content == CONTENT_ERROR && !x->resuming;

	x->end = (struct exchange_end){ .outcome = failure(x),
		.status = x->status,
		.stream = x->content == CONTENT_EVENTS || x->resuming,
		.retry_after_s = retry_after_s,
		.body = body ? &x->body : NULL,
		.e = &x->e };
	report_end(x);
}

/* ---- a stream that broke off ---- */

static bool may_resume(const struct exchange *x)
{
	return x->c.resumable && !x->t->sse && x->sse && !x->lingering && *sse_last_id(x->sse);
}

static void rest_before_resuming(struct exchange *x)
{
	int64_t ms = sse_retry_ms(x->sse);

	if (ms < 0)
		ms = RESUME_DEFAULT_MS;
	if (x->resumes++ >= RESUME_POLLS) {
		unsigned doublings =
			x->empty_resumes > RESUME_POLLS ? x->empty_resumes - RESUME_POLLS - 1 : 0;
		int64_t slow = (int64_t)RESUME_SLOW_MS << (doublings < 8 ? doublings : 8);

		ms = ms > slow ? ms : slow;
	}
	if (ms > RESUME_PATIENCE_MS)
		ms = RESUME_PATIENCE_MS;
	x->step = STEP_REST;
	set_resuming(x, true);
	loop_timer_set(&x->timer, ms);
}

/* The stream is over without the owner having said that its answer came. */
static void stream_over(struct exchange *x, const struct err *why)
{
	bool failed_again = why && x->resuming && x->content != CONTENT_EVENTS;

	x->failed_resumes = failed_again ? x->failed_resumes + 1 : 0;
	if (x->resuming)
		x->empty_resumes++;
	if (may_resume(x) && x->failed_resumes < RESUME_TRIES &&
		clock_ms() - x->silent_since_ms < RESUME_PATIENCE_MS) {
		rest_before_resuming(x);
		return;
	}
	if (!why) {
		end_well(x, EXCHANGE_ANSWERED);
		return;
	}
	x->e = *why;
	exchange_end_failed(x, -1);
}

/* ---- HTTP's callbacks ---- */

/* What came is one message, whole. */
static void deliver(struct exchange *x, struct incoming *in)
{
	in->from = x;
	x->t->on->message(x->t->ctx, in);
}

static bool on_event(void *ctx, struct sse_event *ev)
{
	struct exchange *x = ctx;
	struct incoming in = { .p = ev->data, .n = ev->len, .sse = x->sse, .event = ev };

	if (x->channel) {
		http_sse_event(x->t, x->sse, ev);
		return !x->dead;
	}
	if (!ev->message)
		return true;
	x->heard = true;
	/* A server that begins again where it was brings nothing new. */
	if (!x->resumed_from || strcmp(ev->id, x->resumed_from) != 0)
		x->empty_resumes = 0;
	deliver(x, &in);
	return !x->dead;
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

static enum http_flow wrong_type(struct exchange *x, struct http_req *r)
{
	char type[80];
	const char *have = http_answer_field(r, "Content-Type", 0);

	snprintf(type, sizeof(type), "%s", have ? have : "a body without a type");
	err_set(&x->e, ERR_PROTO,
		"the server answered with %s where MCP has JSON or an event stream. "
		"Check that the URL is an MCP endpoint",
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
	if (n && n < MESSAGE_MAX && !buf_reserve(&x->body, (size_t)n + 1)) {
		diag_debug("no memory for %llu bytes at once", n);
		x->t->buffered.refused = false;
	}
}

static void note_session(struct exchange *x, struct http_req *r)
{
	const char *id = http_answer_field(r, "Mcp-Session-Id", 0);

	free(x->new_session);
	x->new_session = id ? mem_dup(id) : NULL;
}

static void note_keep_alive(struct exchange *x, struct http_req *r)
{
	const char *v = http_answer_field(r, "Keep-Alive", 0);
	const char *timeout = v ? strstr(v, "timeout=") : NULL;

	if (timeout)
		http_keep_alive(x->t->http, strtol(timeout + 8, NULL, 10));
}

static enum http_flow on_head(void *ctx, struct http_req *r, long status)
{
	struct exchange *x = ctx;

	x->status = status;
	x->connect_by_ms = 0;
	note_keep_alive(x, r);
	if (status < 200 || status > 299) {
		x->content = CONTENT_ERROR;
		loop_timer_set(&x->timer, REFUSAL_MS);
		return HTTP_GO;
	}
	auth_accepted(x->t->auth, x->gen);
	if (!x->resuming && !x->t->sse)
		note_session(x, r);
	if (!x->t->sse && !x->channel)
		x->t->undecided = false;
	if (transport_type_is(r, "text/event-stream")) {
		x->content = CONTENT_EVENTS;
		if (x->sse)
			sse_reconnect(x->sse);
		else
			x->sse = transport_parser(x->t, on_event, x);
		if (x->channel)
			http_sse_started(x->t);
	} else if (transport_type_is(r, "application/json") && !x->resuming && !x->channel) {
		x->content = CONTENT_JSON;
		reserve_body(x, r);
	}
	if (x->c.one_way || status == 202 || status == 204) {
		x->lingering = x->content == CONTENT_EVENTS;
		loop_timer_set(&x->timer, LINGER_MS);
	}
	return HTTP_GO;
}

static enum http_flow too_long(struct exchange *x)
{
	if (x->t->buffered.refused)
		err_set(&x->e, ERR_LIMIT,
			"the answers that arrive at this moment are longer than %zu MiB together: "
			"ask for smaller results, or for fewer at a time",
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
	st = sse_feed(x->sse, p, n);
	if (!exchange_leave(x))
		return HTTP_STOP;
	if (x->heard)
		x->silent_since_ms = clock_ms(); /* once for all of them */
	x->heard = false;
	return st == SSE_TOO_LONG ? too_long(x) : HTTP_GO;
}

static enum http_flow on_body(void *ctx, struct http_req *r, char *p, size_t n)
{
	struct exchange *x = ctx;

	switch (x->content) {
	case CONTENT_EVENTS:
		return feed(x, p, n);
	case CONTENT_JSON:
		return buf_add(&x->body, p, n) ? HTTP_GO : too_long(x);
	case CONTENT_ERROR:
		if (n > TRANSPORT_ERROR_MAX - x->body.len)
			n = TRANSPORT_ERROR_MAX - x->body.len;
		return n && buf_add(&x->body, p, n) ? HTTP_GO : HTTP_STOP;
	case CONTENT_NONE:
		break;
	}
	/* "Accepted", say. */
	if (x->status == 202 || x->status == 204 || (x->t->sse && !x->channel))
		return (x->discarded += n) > DISCARD_MAX ? HTTP_STOP : HTTP_GO;
	return wrong_type(x, r);
}

/* The POST was taken. */
static void taken(struct exchange *x)
{
	if (!x->t->sse || !x->awaits || x->channel) {
		end_well(x, EXCHANGE_ACCEPTED);
		return;
	}
	x->step = STEP_ANSWER;
	set_awaiting(x, true);
}

/* RFC 8259 section 8.1: may be ignored, and the parsers of browsers and Node do. */
static void skip_bom(struct buf *b)
{
	if (b->len >= 3 && memcmp(b->p, "\xEF\xBB\xBF", 3) == 0)
		buf_drop(b, 3);
}

/* The answer arrived whole, as far as HTTP knows. */
static void answered(struct exchange *x, struct http_req *r)
{
	struct incoming in = { .whole = &x->body };

	if (x->e.kind != ERR_NONE) {
		exchange_end_failed(x, -1);
	} else if (x->content == CONTENT_ERROR) {
		exchange_refused(x, r);
	} else if (x->content == CONTENT_EVENTS) {
		stream_over(x, NULL);
	} else if (x->content == CONTENT_JSON && x->body.len && (!x->t->sse || awaited_is(x))) {
		exchange_enter(x);
		skip_bom(&x->body);
		in.p = x->body.p;
		in.n = x->body.len;
		deliver(x, &in);
		if (exchange_leave(x))
			end_well(x, EXCHANGE_ANSWERED);
	} else {
		taken(x);
	}
}

/* A connection that was refused may come about a moment later; where nothing answers, the time for it is over. */
static bool connect_again(struct exchange *x, enum http_outcome how)
{
	int64_t pause;

	if (how != HTTP_UNREACHABLE || x->refused == REFUSED_TRIES || x->resuming || x->c.quiet)
		return false;
	pause = refused_pauses_ms[x->refused];
	if (x->connect_by_ms && clock_ms() + pause >= x->connect_by_ms)
		return false;
	x->refused++;
	exchange_pause(x, pause);
	return true;
}

/* Once, on a new connection: libcurl keeps away from those that are as old as the lost one. */
static bool repeat(struct exchange *x)
{
	const struct transport_events *on = x->t->on;

	if (x->repeated || x->resuming || x->channel || x->t->sse || x->c.endless ||
		may_resume(x) || !on->repeats(x->t->ctx, x))
		return false;
	diag_debug("the connection was lost: the request is sent once more");
	x->repeated = true;
	x->connect_by_ms = 0;
	sse_free(x->sse);
	x->sse = NULL;
	exchange_send(x);
	return true;
}

static void not_answered(struct exchange *x, enum http_outcome how, const struct err *e)
{
	if (connect_again(x, how))
		return;
	x->connect_by_ms = 0;
	/* Too much of something will be too much again. */
	if (x->sse && e->kind != ERR_LIMIT) {
		stream_over(x, e);
		return;
	}
	x->content = CONTENT_NONE;
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

	x->req = NULL;
	fieldset_drop(x->fields);
	x->fields = NULL;
	loop_timer_clear(&x->timer);
	x->lost =
		e && e->kind == ERR_NET && (how == HTTP_BROKEN || how == HTTP_TIMED_OUT || x->sse);
	if (x->lingering)
		end_well(x, EXCHANGE_ANSWERED);
	else if (how == HTTP_DONE)
		answered(x, r);
	else if (how != HTTP_BROKEN || !http_lost(r) || !repeat(x))
		not_answered(x, how, e);
}

/* Whatever else this answer would bring is not waited for. */
static void cut_off(struct exchange *x)
{
	struct http_req *r = x->req;
	struct fieldset *fields = x->fields;

	/* The header is still looked at, so the request ends last; x may be gone by then. */
	x->req = NULL;
	x->fields = NULL;
	if (x->lingering)
		end_well(x, EXCHANGE_ANSWERED);
	else
		answered(x, r);
	http_cancel(r);
	fieldset_drop(fields);
}

static const struct http_events http_events = { on_head, on_body, on_done };

/* ---- sending ---- */

char **exchange_target(struct exchange *x)
{
	return x->t->sse && !x->channel ? &x->t->channel.endpoint : &x->t->url;
}

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
	if (!x->connect_by_ms)
		x->connect_by_ms = clock_ms() + limit;
	left = x->connect_by_ms - clock_ms();
	return left > 0 ? left : 1;
}

static struct http_req *start_post(struct exchange *x)
{
	struct http_call c = { .method = "POST",
		.url = *exchange_target(x),
		.shared = x->fields->fields,
		.body = x->c.body,
		.body_len = x->c.len,
		.endless = x->c.endless,
		.connect_ms = connect_limit(x),
		.fresh = x->repeated,
		.on = &http_events,
		.ctx = x };

	if (!http_fields_copy(&c.own, x->c.own, &x->e))
		return NULL;
	return http_start(x->t->http, &c, &x->e);
}

static struct http_req *start_get(struct exchange *x)
{
	struct http_call c = { .method = "GET",
		.url = x->t->url,
		.shared = x->fields->fields,
		.connect_ms = connect_limit(x),
		.on = &http_events,
		.ctx = x };

	if (!http_fields_add(&c.own, "Last-Event-ID", sse_last_id(x->sse), &x->e)) {
		http_fields_free(c.own);
		return NULL;
	}
	free(x->resumed_from);
	x->resumed_from = mem_dup(sse_last_id(x->sse));
	return http_start(x->t->http, &c, &x->e);
}

static struct http_req *start_channel(struct exchange *x)
{
	struct http_call c = { .method = "GET",
		.url = x->t->url,
		.shared = x->fields->fields,
		.endless = true,
		.connect_ms = connect_limit(x),
		.on = &http_events,
		.ctx = x };

	return http_start(x->t->http, &c, &x->e);
}

static void send_with(struct exchange *x, const struct auth_value *v)
{
	bool get = x->resuming || x->channel;
	enum fieldset_kind kind = get ? FIELDS_GET : x->c.fresh ? FIELDS_FRESH : FIELDS_POST;

	x->gen = v->gen;
	x->content = CONTENT_NONE;
	x->status = 0;
	x->e = (struct err){ 0 };
	buf_free(&x->body);
	x->in_session = x->t->session && !x->c.fresh;
	x->session_lost = false;
	if (x->t->sse) {
		free(x->new_session);
		x->new_session = mem_dup(x->t->channel.name);
	}
	x->fields = transport_fields(x->t, kind, v, &x->e);
	if (x->fields)
		x->req = x->channel ? start_channel(x) : x->resuming ? start_get(x) : start_post(x);
	if (!get) {
		x->t->sent++;
		x->t->sent_ms = clock_ms();
	}
	x->step = STEP_SENT;
	if (x->req) {
		request_count_count(x->t->rate);
	} else {
		fieldset_drop(x->fields);
		x->fields = NULL;
		x->end = (struct exchange_end){
			.outcome = EXCHANGE_FAILED, .retry_after_s = -1, .e = &x->e
		};
		exchange_end_soon(x);
	}
}

void exchange_send(struct exchange *x)
{
	struct auth_value v = { 0 };

	if (x->t->sse && !x->channel && !x->t->channel.endpoint) {
		awaited_wait(x);
		return;
	}
	x->waiter.fn = exchange_authorized;
	x->waiter.ctx = x;
	switch (auth_value(x->t->auth, &v, x->c.quiet ? NULL : &x->waiter, &x->e)) {
	case AUTH_READY:
		send_with(x, &v);
		break;
	case AUTH_WAIT:
		x->step = STEP_AUTH;
		x->t->waiting++;
		break;
	case AUTH_FAILED:
		x->end = (struct exchange_end){
			.outcome = EXCHANGE_FAILED, .retry_after_s = -1, .e = &x->e
		};
		exchange_end_soon(x);
		break;
	}
}

void exchange_authorized(void *ctx, enum auth_state state, const struct err *e)
{
	struct exchange *x = ctx;

	x->t->waiting--;
	if (state == AUTH_FAILED) {
		x->e = *e;
		x->content = CONTENT_NONE;
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
		x->resuming = true;
		set_resuming(x, false);
		exchange_send(x);
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

struct exchange *exchange_new(struct transport *t, const struct exchange_call *c)
{
	struct exchange *x = mem_new(sizeof(*x));

	x->t = t;
	x->c = *c;
	x->next = t->exchanges;
	if (x->next)
		x->next->prev = x;
	t->exchanges = x;
	x->silent_since_ms = clock_ms();
	buf_init(&x->body, MESSAGE_MAX);
	x->body.share = &t->buffered;
	loop_timer_init(&x->timer, t->loop, timer_due, x);
	return x;
}

struct exchange *transport_post(struct transport *t, const struct exchange_call *c)
{
	struct exchange *x = exchange_new(t, c);

	if (t->sse || t->undecided)
		awaited_read(x);
	exchange_send(x);
	return x;
}

void exchange_linger(struct exchange *x)
{
	if (x->t->sse) {
		awaited_came(x);
		return;
	}
	if (x->lingering || x->dead || x->content != CONTENT_EVENTS || !x->req)
		return;
	x->lingering = true;
	loop_timer_set(&x->timer, LINGER_MS);
}
