#include "mcp/session.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/envelope.h"
#include "mcp/mirror.h"
#include "mcp/pending.h"
#include "mcp/reply.h"
#include "mcp/walk.h"

/* Requests on the wire at once. Slow calls must not make quick ones queue, yet a client that sends
 * thousands must not open thousands of connections. */
#define IN_FLIGHT_MAX 128

/* Queued behind that: no further input is read while more waits. Counted in messages and bytes. */
#define QUEUE_MESSAGES 1024
#define QUEUE_BYTES ((size_t)64 << 20)
/* As long as the server waits for an answer of the client, input is read all the same (the answer
 * may come next); then this is where requests are refused. */
#define QUEUE_MESSAGES_HARD 65536
#define QUEUE_BYTES_HARD ((size_t)512 << 20)

static const char initialized_message[] =
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

/* One request that is owed an answer. */
struct call {
	struct pending_call pending; /* first: found through it */
	struct post *post;
	bool list; /* tools/list: its answer is filtered */
};

enum post_kind {
	POST_MESSAGE,
	POST_INITIALIZE,
	POST_INITIALIZED,
	POST_REPLAY,             /* the client's initialize once more, for a new session */
	POST_REPLAY_INITIALIZED, /* and what follows it */
};

/* One message (or batch) on its way to the server. */
struct post {
	struct session *s;
	struct post *prev, *next; /* in s->queue or s->active */
	struct exchange *x;       /* while active */
	enum post_kind kind;
	struct buf body;
	struct call one, *calls; /* calls: &one, or an array for a batch */
	size_t ncalls, owed;
	bool again;              /* was sent before, in a session that the server has forgotten */
	bool modern;             /* a request of 2026-07-28: no session, no resumption */
	bool endless;            /* subscriptions/listen: answered only when it is over */
	struct http_fields *own; /* mirrored fields; handed to the exchange */
	bool counted;            /* in s->in_flight: not yet answered in full, or not yet taken */
	bool junk;               /* the server sent something that is no message */
	bool answered;           /* POST_REPLAY: the answer came */
};

enum state {
	STATE_OPEN,        /* no handshake under way: messages go as they come */
	STATE_INITIALIZE,  /* the answer to initialize is awaited; all else waits */
	STATE_INITIALIZED, /* the server has not yet taken notifications/initialized */
	STATE_REPLAY,      /* a new session is being opened behind the client's back */
};

struct session {
	struct loop *loop;
	struct wire_out *out;
	struct transport *transport;
	const struct session_events *on;
	void *ctx;
	enum state state;
	struct post queue, active;   /* sentinels */
	size_t queued, queued_bytes; /* of the queue */
	size_t queued_notes; /* how many of them are owed nothing: notifications, responses */
	size_t in_flight;
	struct pending calls;
	size_t questions;      /* requests of the server that the client has not answered */
	struct buf initialize; /* the client's own, kept for a replay */
	bool greeted;          /* the client sent notifications/initialized */
	bool batches;          /* the negotiated revision knows batches (2025-03-26) */
	bool input_stopped;
	struct policy *policy;
	struct loop_task pump_task;
};

static void pump(void *ctx);

/* ---- lists ---- */

static void list_add(struct post *before, struct post *p)
{
	p->next = before;
	p->prev = before->prev;
	p->prev->next = p->next->prev = p;
}

static void list_remove(struct post *p)
{
	p->prev->next = p->next;
	p->next->prev = p->prev;
}

struct session *session_new(
	struct loop *l, struct wire_out *out, const struct session_events *on, void *ctx)
{
	struct session *s = mem_new(sizeof(*s));

	s->loop = l;
	s->out = out;
	s->on = on;
	s->ctx = ctx;
	s->queue.next = s->queue.prev = &s->queue;
	s->active.next = s->active.prev = &s->active;
	pending_init(&s->calls);
	buf_init(&s->initialize, ENVELOPE_MAX);
	loop_task_init(&s->pump_task, l, pump, s);
	return s;
}

void session_attach(struct session *s, struct transport *t)
{
	s->transport = t;
}

void session_set_policy(struct session *s, struct policy *p)
{
	s->policy = p;
}

/* A stream that stays open behind its answer is no work. */
bool session_idle(const struct session *s)
{
	return s->queue.next == &s->queue && s->in_flight == 0;
}

/* ---- to the client ---- */

static void check_pressure(struct session *s)
{
	if (wire_out_full(s->out))
		transport_hold(s->transport, true);
}

static void say_parts(struct session *s, const struct wire_part *parts, size_t n)
{
	if (!wire_out_addv(s->out, parts, n))
		diag_error("out of memory: a message to the client is lost");
	check_pressure(s);
}

static void say(struct session *s, struct incoming *in, struct span m)
{
	struct wire_part part = { m.p, m.n };
	struct buf whole;

	/* Large ones change hands, small ones are gathered into one write. */
	if (m.n < WIRE_OUT_LOW) {
		say_parts(s, &part, 1);
		return;
	}
	buf_init(&whole, ENVELOPE_MAX);
	in->n = (size_t)(m.p - in->p) + m.n;
	if (!incoming_take(in, &whole) || !wire_out_take(s->out, &whole))
		diag_error("out of memory: a message to the client is lost");
	buf_free(&whole);
	check_pressure(s);
}

static void say_error(
	struct session *s, struct span id, const struct err *e, const struct reply_data *d)
{
	struct buf b;

	buf_init(&b, ENVELOPE_MAX);
	if (!reply_error(&b, id, e, d) || !wire_out_add(s->out, b.p, b.len))
		diag_error("out of memory: an error answer is lost");
	buf_free(&b);
}

static void say_invalid(struct session *s, struct span id, long code, const char *why)
{
	struct buf b;

	buf_init(&b, ENVELOPE_MAX);
	if (!envelope_error(&b, id, code, why, NULL) || !wire_out_add(s->out, b.p, b.len))
		diag_error("out of memory: an error answer is lost");
	buf_free(&b);
}

/* ---- posts ---- */

static struct post *post_new(struct session *s, enum post_kind kind)
{
	struct post *p = mem_new(sizeof(*p));

	p->s = s;
	p->kind = kind;
	p->one.post = p;
	p->calls = &p->one;
	buf_init(&p->body, ENVELOPE_MAX);
	return p;
}

static void uncount(struct post *p)
{
	if (!p->counted)
		return;
	p->counted = false;
	p->s->in_flight--;
	loop_task_queue(&p->s->pump_task);
}

static void settle(struct call *c)
{
	if (!c->pending.listed)
		return;
	pending_remove(&c->post->s->calls, &c->pending);
	if (!--c->post->owed)
		uncount(c->post);
}

static void post_free(struct post *p)
{
	for (size_t i = 0; i < p->ncalls; i++)
		settle(&p->calls[i]);
	if (p->calls != &p->one)
		free(p->calls);
	http_fields_free(p->own);
	buf_free(&p->body);
	free(p);
}

static void owe(struct post *p, struct call *c, struct span id)
{
	c->post = p;
	pending_add(&p->s->calls, &c->pending, id);
	p->owed++;
}

static void fail_call(struct call *c, const struct err *e, const struct reply_data *d)
{
	struct session *s = c->post->s;

	if (!c->pending.listed)
		return;
	say_error(s, c->pending.id, e, d);
	settle(c);
}

static void fail_post(struct post *p, const struct err *e, const struct reply_data *d)
{
	for (size_t i = 0; i < p->ncalls; i++)
		fail_call(&p->calls[i], e, d);
}

static void enqueue(struct session *s, struct post *p, bool first)
{
	list_add(first ? s->queue.next : &s->queue, p);
	s->queued++;
	s->queued_bytes += p->body.len;
	s->queued_notes += !p->ncalls;
	loop_task_queue(&s->pump_task);
}

static void unqueue(struct session *s, struct post *p)
{
	list_remove(p);
	s->queued--;
	s->queued_bytes -= p->body.len;
	s->queued_notes -= !p->ncalls;
}

static void post_start(struct session *s, struct post *p)
{
	struct exchange_call c = { .body = p->body.p,
		.len = p->body.len,
		.resumable = !p->modern,
		.ctx = p,
		.own = p->own,
		.one_way = !p->ncalls && p->kind != POST_REPLAY,
		.endless = p->endless,
		.fresh = p->modern || p->kind == POST_INITIALIZE || p->kind == POST_REPLAY };

	p->own = NULL;
	list_add(&s->active, p);
	p->counted = true;
	s->in_flight++;
	p->x = transport_post(s->transport, &c);
}

static void post_finish(struct session *s, struct post *p)
{
	list_remove(p);
	uncount(p);
	post_free(p);
	loop_task_queue(&s->pump_task);
}

/* Notifications and responses pass requests that wait for a place: one of them may be what the
 * requests in flight depend on. */
static bool may_start(const struct session *s, const struct post *p)
{
	switch (s->state) {
	case STATE_OPEN:
		return !p->ncalls || s->in_flight < IN_FLIGHT_MAX;
	case STATE_INITIALIZED:
		return !p->ncalls;
	case STATE_INITIALIZE:
	case STATE_REPLAY:
		break;
	}
	return false;
}

/* Begins what the message means for the conversation, before it is sent. */
static void begin(struct session *s, struct post *p)
{
	if (p->kind == POST_INITIALIZE) {
		transport_unlisten(s->transport);
		transport_forget_session(s->transport);
		s->state = STATE_INITIALIZE;
		s->greeted = false;
	} else if (p->kind == POST_INITIALIZED) {
		s->state = STATE_INITIALIZED;
		s->greeted = true;
	}
}

static void check_input(struct session *s)
{
	bool full = (s->queued > QUEUE_MESSAGES || s->queued_bytes > QUEUE_BYTES) && !s->questions;

	if (full == s->input_stopped)
		return;
	s->input_stopped = full;
	s->on->input(s->ctx, !full);
}

static void pump(void *ctx)
{
	struct session *s = ctx;

	for (struct post *p = s->queue.next, *next; p != &s->queue; p = next) {
		next = p->next;
		if (!may_start(s, p)) {
			if (!s->queued_notes)
				break;
			continue;
		}
		unqueue(s, p);
		begin(s, p);
		post_start(s, p);
	}
	check_input(s);
	if (session_idle(s))
		s->on->idle(s->ctx);
}

/* ---- a forgotten session ---- */

static void start_internal(struct session *s, enum post_kind kind, const char *body, size_t n)
{
	struct post *p = post_new(s, kind);

	if (!buf_add(&p->body, body, n))
		diag_error("out of memory");
	post_start(s, p);
}

static void replay(struct session *s)
{
	diag_debug("the server has forgotten the session: a new one is opened");
	s->state = STATE_REPLAY;
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	start_internal(s, POST_REPLAY, s->initialize.p, s->initialize.len);
}

static void replay_over(struct session *s, const struct err *why)
{
	s->state = STATE_OPEN;
	for (struct post *p = s->queue.next, *next; why && p != &s->queue; p = next) {
		next = p->next;
		if (!p->again)
			continue;
		unqueue(s, p);
		fail_post(p, why, NULL);
		post_free(p);
	}
	loop_task_queue(&s->pump_task);
}

/* MCP 2025-11-25, Session Management 3 and 4: 404 says that the session is gone. Many servers made
 * after the SDK's examples say 400 instead, with words about the session. */
static bool session_is_lost(
	const struct session *s, const struct post *p, const struct exchange_end *end)
{
	const char *carried = exchange_session(p->x);
	struct envelope m;
	bool error;

	if (!carried || p->again || p->kind != POST_MESSAGE || !p->owed || !s->initialize.len)
		return false;
	if (end->status != 404 && end->status != 400)
		return false;
	error = end->json && envelope_scan(end->body->p, end->body->len, &m, NULL) == ENVELOPE_OK &&
		m.kind == ENVELOPE_RESPONSE && m.error.p;
	if (end->status == 404)
		/* An answer to this very request, "method not found" say, comes from a session that lives. */
		return !error || !m.id.p || walk_type(m.id) == WALK_NULL;
	return error && (!m.id.p || walk_type(m.id) == WALK_NULL) &&
	       strstr(end->e->msg, "ession") != NULL;
}

static void send_again(struct session *s, struct post *p)
{
	const char *now = transport_session(s->transport), *then = exchange_session(p->x);
	bool others_did = s->state != STATE_OPEN || !now || strcmp(now, then) != 0;

	p->again = true;
	p->x = NULL;
	list_remove(p);
	uncount(p);
	enqueue(s, p, true);
	if (!others_did)
		replay(s);
}

/* ---- from the server ---- */

static void negotiated(struct session *s, struct post *p, const struct envelope *m)
{
	struct span v = walk_get(m->result, "protocolVersion", NULL);
	struct buf version;
	struct err e = { 0 };

	buf_init(&version, 64);
	if (v.p && walk_string(v, &version) &&
		!transport_set_version(s->transport, buf_str(&version), &e))
		diag_note("%s", e.msg);
	if (!transport_set_session(s->transport, exchange_new_session(p->x), &e))
		diag_note("%s", e.msg);
	s->batches = strcmp(buf_str(&version), "2025-03-26") == 0;
	diag_debug("revision %s, %s session id", buf_str(&version),
		exchange_new_session(p->x) ? "with" : "no");
	buf_free(&version);
}

static void replayed(struct session *s, struct post *p, const struct envelope *m)
{
	struct err e = { 0 };

	p->answered = true;
	exchange_linger(p->x);
	if (!m->result.p) {
		err_set(&e, ERR_SERVER,
			"the server ended the session and refuses a new one; start the client "
			"again");
		replay_over(s, &e);
		return;
	}
	negotiated(s, p, m);
	if (s->greeted)
		start_internal(s, POST_REPLAY_INITIALIZED, initialized_message,
			sizeof(initialized_message) - 1);
	else
		replay_over(s, NULL);
}

static struct call *find_call(struct session *s, struct post *from, struct span id)
{
	struct call *own =
		from && from->ncalls == 1 && from->calls[0].pending.listed ? &from->calls[0] : NULL;
	struct pending_call *c;

	if (own && envelope_id_equal(own->pending.id, id))
		return own;
	c = pending_find(&s->calls, id);
	if (!c && own && envelope_id_alike(own->pending.id, id))
		return own;
	return (struct call *)(c ? c : pending_find_alike(&s->calls, id));
}

/* A list of tools under a policy. True when it may go on as it is. */
static bool say_filtered(struct session *s, struct call *c, const struct envelope *m)
{
	struct buf out;
	struct err e = { 0 };
	enum policy_list how;

	buf_init(&out, ENVELOPE_MAX);
	how = policy_list(s->policy, m, &out, &e);
	if (how == POLICY_FILTERED && !wire_out_take(s->out, &out))
		diag_error("out of memory: a message to the client is lost");
	else if (how == POLICY_UNREADABLE)
		say_error(s, c->pending.id, &e, NULL);
	buf_free(&out);
	return how == POLICY_AS_IS;
}

/* A response: delivered when somebody waits for it. True when it was. */
static bool response(
	struct session *s, struct incoming *in, struct post *from, const struct envelope *m)
{
	struct call *c = find_call(s, from, m->id);
	struct post *p;

	if (!c && from && m->error.p && from->owed == 1 && from->ncalls == 1 &&
		(!m->id.p || walk_type(m->id) == WALK_NULL)) {
		/* The server did not get as far as reading the id. */
		c = &from->calls[0];
	}
	if (!c) {
		diag_debug("an answer that nobody waits for is dropped");
		return false;
	}
	p = c->post;
	if (p->kind == POST_INITIALIZE && p == from) {
		if (m->result.p)
			negotiated(s, p, m);
		s->state = STATE_OPEN;
		loop_task_queue(&s->pump_task);
	}
	if (c->list && s->policy && !say_filtered(s, c, m))
		;
	else if (m->id.p && m->id.n == c->pending.id.n &&
		 memcmp(m->id.p, c->pending.id.p, m->id.n) == 0) {
		say(s, in, m->whole);
	} else if (m->id.p) {
		/* Same value, other spelling (or null): the client gets its own id back. */
		struct wire_part parts[] = { { m->whole.p, (size_t)(m->id.p - m->whole.p) },
			{ c->pending.id.p, c->pending.id.n },
			{ m->id.p + m->id.n,
				m->whole.n - (size_t)(m->id.p - m->whole.p) - m->id.n } };

		say_parts(s, parts, 3);
	} else {
		struct wire_part parts[] = { { "{\"id\":", 6 },
			{ c->pending.id.p, c->pending.id.n }, { ",", 1 },
			{ m->whole.p + 1, m->whole.n - 1 } };

		say_parts(s, parts, 4);
	}
	settle(c);
	if (!p->owed && p->x)
		exchange_linger(p->x);
	return true;
}

static void batch(
	struct session *s, struct incoming *in, struct post *from, const struct envelope *m);

static void message(struct session *s, struct incoming *in, struct post *from, char *p, size_t n)
{
	struct envelope m;
	enum envelope_status st = envelope_scan(p, n, &m, NULL);

	if (st != ENVELOPE_OK || m.kind == ENVELOPE_INVALID) {
		diag_debug("the server sent something that is no JSON-RPC message: %s", m.why);
		if (from)
			from->junk = true;
		return;
	}
	switch (m.kind) {
	case ENVELOPE_RESPONSE:
		if (from && from->kind == POST_REPLAY)
			replayed(s, from, &m);
		else
			response(s, in, from, &m);
		break;
	case ENVELOPE_REQUEST:
		s->questions++;
		say(s, in, m.whole);
		break;
	case ENVELOPE_NOTIFICATION:
		say(s, in, m.whole);
		break;
	case ENVELOPE_BATCH:
		batch(s, in, from, &m);
		break;
	case ENVELOPE_INVALID:
		break;
	}
}

/* Each element goes on as a message of its own, which every client understands. Elements lie inside
 * in's bytes, so none can be taken as a whole: they are copied. */
static void batch(
	struct session *s, struct incoming *in, struct post *from, const struct envelope *m)
{
	struct walk w;
	struct walk_item it;

	if (!walk_open(&w, m->whole))
		return;
	while (walk_next(&w, &it)) {
		char *p = in->p + (it.value.p - in->p);
		struct incoming part = { .p = p, .n = it.value.n, .from = in->from };

		if (*p == '[')
			diag_debug("the server sent a batch inside a batch: dropped");
		else
			message(s, &part, from, p, it.value.n);
	}
}

static void on_message(void *ctx, struct incoming *in)
{
	struct post *from = in->from ? exchange_ctx(in->from) : NULL;

	message(ctx, in, from, in->p, in->n);
}

/* An error status whose body is the server's own JSON-RPC error: that is the answer. */
static bool pass_error(struct session *s, struct post *p, const struct exchange_end *end)
{
	struct incoming in = { .p = end->body->p, .n = end->body->len, .whole = end->body };
	struct envelope m;

	if (end->status == 401 || !end->json || !end->body->len ||
		envelope_scan(end->body->p, end->body->len, &m, NULL) != ENVELOPE_OK)
		return false;
	return m.kind == ENVELOPE_RESPONSE && m.error.p && response(s, &in, p, &m);
}

/* What is still owed when an exchange is over. */
static void answer_rest(struct session *s, struct post *p, const struct exchange_end *end)
{
	struct reply_data d = { .status = end->status, .retry_after_s = end->retry_after_s };
	struct err e = { 0 };

	if (end->body && pass_error(s, p, end) && !p->owed)
		return;
	if (end->e)
		e = *end->e;
	else if (p->junk)
		err_set(&e, ERR_PROTO,
			"the server answered with something that is no JSON-RPC message");
	else if (end->stream)
		err_set(&e, ERR_SERVER,
			"the server ended its stream without an answer; whether it acted on the "
			"request is unknown");
	else
		err_set(&e, ERR_PROTO,
			"the server accepted the request (HTTP %ld) but sent no answer",
			end->status);
	fail_post(p, &e, &d);
}

static void initialized_over(struct session *s, bool taken)
{
	s->state = STATE_OPEN;
	if (taken)
		transport_listen(s->transport);
}

static void replay_failed(struct session *s, const struct exchange_end *end)
{
	struct err e = { 0 };

	if (end->e)
		e = *end->e;
	else
		err_set(&e, ERR_PROTO, "no answer to initialize");
	err_prefix(&e, "the server ended the session and a new one cannot be opened");
	replay_over(s, &e);
}

static void on_ended(void *ctx, struct exchange *x, const struct exchange_end *end)
{
	struct session *s = ctx;
	struct post *p = exchange_ctx(x);

	if (!end->ok && !p->ncalls)
		diag_debug("a notification or response was not taken: %s", end->e->msg);
	if (!end->ok && session_is_lost(s, p, end)) {
		send_again(s, p);
		return;
	}
	if (p->owed)
		answer_rest(s, p, end);
	p->x = NULL;
	if (p->kind == POST_INITIALIZE && s->state == STATE_INITIALIZE)
		s->state = STATE_OPEN;
	else if (p->kind == POST_INITIALIZED && s->state == STATE_INITIALIZED)
		initialized_over(s, end->ok);
	else if (p->kind == POST_REPLAY && s->state == STATE_REPLAY && !p->answered)
		replay_failed(s, end);
	else if (p->kind == POST_REPLAY_INITIALIZED) {
		replay_over(s, NULL);
		transport_listen(s->transport);
	}
	post_finish(s, p);
}

const struct transport_events session_transport_events = { on_message, on_ended };

/* ---- from the client ---- */

static bool over_hard_limit(const struct session *s, size_t n)
{
	return s->queued > QUEUE_MESSAGES_HARD || s->queued_bytes + n > QUEUE_BYTES_HARD;
}

/* Takes the line over into a post and moves the spans along. */
static struct post *keep(
	struct session *s, struct wire_in *in, struct envelope *m, enum post_kind kind)
{
	struct post *p = post_new(s, kind);
	const char *old = m->whole.p;

	if (!wire_in_take(in, m->whole.p, m->whole.n, &p->body)) {
		post_free(p);
		return NULL;
	}
	if (m->id.p)
		m->id.p = p->body.p + (m->id.p - old);
	m->whole.p = p->body.p;
	return p;
}

static bool refuse_when_full(struct session *s, struct span id, size_t n)
{
	struct err e = { 0 };

	if (!over_hard_limit(s, n))
		return false;
	err_set(&e, ERR_LIMIT,
		"too many requests are waiting to be sent: wait for answers before sending more");
	if (id.p)
		say_error(s, id, &e, NULL);
	return true;
}

static enum post_kind kind_of(const struct envelope *m)
{
	if (m->kind == ENVELOPE_REQUEST && envelope_method_is(m, "initialize"))
		return POST_INITIALIZE;
	if (m->kind == ENVELOPE_NOTIFICATION && envelope_method_is(m, "notifications/initialized"))
		return POST_INITIALIZED;
	return POST_MESSAGE;
}

/* While a person signs in, the client may want to know whether anybody is there. */
static bool answer_ping(struct session *s, const struct envelope *m)
{
	struct wire_part parts[] = { { "{\"jsonrpc\":\"2.0\",\"id\":", 23 }, { m->id.p, m->id.n },
		{ ",\"result\":{}}", 13 } };

	if (!transport_waiting(s->transport) || !envelope_method_is(m, "ping"))
		return false;
	parts[0].n = strlen(parts[0].p);
	say_parts(s, parts, 3);
	return true;
}

static void send_message(struct session *s, struct wire_in *in, struct envelope *m)
{
	struct http_fields *fields = NULL;
	bool modern = mirror_is_modern(m),
	     listen = modern && envelope_method_is(m, "subscriptions/listen");
	struct post *p;
	struct err e = { 0 };

	if (modern && !mirror_fields(m, &fields, &e)) {
		http_fields_free(fields);
		say_error(s, m->id, &e, NULL);
		return;
	}
	p = keep(s, in, m, kind_of(m));
	if (!p)
		http_fields_free(fields);
	if (!p) {
		err_set(&e, ERR_LIMIT, "out of memory");
		if (m->kind == ENVELOPE_REQUEST)
			say_error(s, m->id, &e, NULL);
		return;
	}
	p->modern = modern;
	p->endless = listen;
	p->own = fields;
	if (m->kind == ENVELOPE_REQUEST) {
		p->ncalls = 1;
		p->one.list = s->policy && envelope_method_is(m, "tools/list");
		owe(p, &p->one, m->id);
	}
	if (p->kind == POST_INITIALIZE) {
		buf_free(&s->initialize);
		if (!buf_add(&s->initialize, p->body.p, p->body.len))
			diag_debug("no memory to keep initialize for later");
	}
	enqueue(s, p, false);
}

/* True when a rule of the person forbids it; a request is answered. */
static bool forbidden(struct session *s, const struct envelope *m)
{
	struct err e = { 0 };

	if (!s->policy || policy_request(s->policy, m, &e))
		return false;
	if (m->kind == ENVELOPE_REQUEST)
		say_error(s, m->id, &e, NULL);
	return true;
}

static void request(struct session *s, struct wire_in *in, struct envelope *m)
{
	if (forbidden(s, m))
		return;
	if (pending_find(&s->calls, m->id))
		say_invalid(s, m->id, ENVELOPE_INVALID_REQUEST,
			"a request with this id is still waiting for its answer");
	else if (!answer_ping(s, m) && !refuse_when_full(s, m->id, m->whole.n))
		send_message(s, in, m);
}

/* MCP, Cancellation: the slot is freed at once; the client expects no answer any more. True when the
 * notification is of no use to the server. */
static bool cancel(struct session *s, const struct envelope *m)
{
	struct span id = walk_get(m->params, "requestId", NULL);
	struct call *c = id.p ? (struct call *)pending_find(&s->calls, id) : NULL;
	struct post *p = c ? c->post : NULL;
	bool unsent, modern;

	if (!p || p->kind == POST_INITIALIZE)
		return false;
	unsent = !p->x;
	settle(c);
	if (p->owed)
		return false;
	if (unsent) {
		unqueue(s, p);
		post_free(p);
		loop_task_queue(&s->pump_task);
		return true;
	}
	/* 2026-07-28: closing the stream is the cancellation. */
	modern = p->modern;
	exchange_cancel(p->x);
	post_finish(s, p);
	return modern;
}

static void notification(struct session *s, struct wire_in *in, struct envelope *m)
{
	if (forbidden(s, m) || (envelope_method_is(m, "notifications/cancelled") && cancel(s, m)))
		return;
	if (!refuse_when_full(s, (struct span){ 0 }, m->whole.n))
		send_message(s, in, m);
}

static void client_response(struct session *s, struct wire_in *in, struct envelope *m)
{
	if (s->questions)
		s->questions--;
	send_message(s, in, m);
}

/* ---- batches of the client (MCP 2025-03-26) ---- */

/* Counts the requests; false when an element is no message or an id is taken. */
static bool check_batch(struct session *s, const struct envelope *m, size_t *requests)
{
	struct walk w;
	struct walk_item it;

	*requests = 0;
	if (!walk_open(&w, m->whole))
		return false;
	while (walk_next(&w, &it)) {
		struct envelope e;

		if (envelope_scan((char *)it.value.p, it.value.n, &e, NULL) != ENVELOPE_OK ||
			e.kind == ENVELOPE_INVALID || e.kind == ENVELOPE_BATCH)
			return false;
		if (e.kind != ENVELOPE_REQUEST)
			continue;
		++*requests;
		if (pending_find(&s->calls, e.id) || envelope_method_is(&e, "initialize"))
			return false;
	}
	return true;
}

static bool owe_batch(struct post *p, size_t requests)
{
	struct walk w;
	struct walk_item it;
	struct span whole = { p->body.p, p->body.len };

	p->calls = mem_new((requests + 1) * sizeof(*p->calls));
	if (!walk_open(&w, whole))
		return false;
	while (walk_next(&w, &it)) {
		struct envelope e;

		if (envelope_scan((char *)it.value.p, it.value.n, &e, NULL) != ENVELOPE_OK ||
			e.kind != ENVELOPE_REQUEST)
			continue;
		if (pending_find(&p->s->calls, e.id))
			return false;
		p->calls[p->ncalls].list = p->s->policy && envelope_method_is(&e, "tools/list");
		owe(p, &p->calls[p->ncalls++], e.id);
	}
	return true;
}

/* One forbidden message and none of the batch leaves: each request is told so. */
static bool batch_forbidden(struct session *s, const struct envelope *m)
{
	struct err why = { 0 };
	bool found = false;

	for (int pass = 0; pass < 2; pass++) {
		struct walk w;
		struct walk_item it;

		if (!s->policy || (pass && !found) || !walk_open(&w, m->whole))
			return false;
		while (walk_next(&w, &it)) {
			struct envelope e;

			if (envelope_scan((char *)(uintptr_t)it.value.p, it.value.n, &e, NULL) !=
				ENVELOPE_OK)
				continue;
			if (!pass)
				found = !policy_request(s->policy, &e, found ? NULL : &why) ||
					found;
			else if (e.kind == ENVELOPE_REQUEST)
				say_error(s, e.id, &why, NULL);
		}
	}
	return found;
}

static void client_batch(struct session *s, struct wire_in *in, struct envelope *m)
{
	struct span none = { 0 };
	size_t requests;
	struct post *p;

	if (!s->batches) {
		say_invalid(s, none, ENVELOPE_INVALID_REQUEST,
			"batches exist in revision 2025-03-26 only: send the messages one by one");
		return;
	}
	if (!check_batch(s, m, &requests)) {
		say_invalid(s, none, ENVELOPE_INVALID_REQUEST,
			"the batch holds something that is no message, an id in use, or an "
			"initialize");
		return;
	}
	if (batch_forbidden(s, m) || refuse_when_full(s, none, m->whole.n))
		return;
	p = keep(s, in, m, POST_MESSAGE);
	if (!p || !owe_batch(p, requests)) {
		say_invalid(s, none, ENVELOPE_INVALID_REQUEST, "the batch uses an id twice");
		if (p)
			post_free(p);
		return;
	}
	enqueue(s, p, false);
}

/* ---- lines ---- */

static struct span usable_id(struct span id)
{
	enum walk_type t = walk_type(id);

	return t == WALK_STRING || t == WALK_NUMBER ? id : (struct span){ 0 };
}

void session_line(struct session *s, struct wire_in *in, char *p, size_t n)
{
	struct envelope m;
	struct span none = { 0 };

	switch (envelope_scan(p, n, &m, NULL)) {
	case ENVELOPE_OK:
		break;
	case ENVELOPE_BAD_JSON:
	case ENVELOPE_BAD_UTF8:
		say_invalid(s, none, ENVELOPE_PARSE_ERROR, m.why);
		return;
	case ENVELOPE_TOO_DEEP:
		say_invalid(s, none, ENVELOPE_INVALID_REQUEST, m.why);
		return;
	}
	switch (m.kind) {
	case ENVELOPE_REQUEST:
		request(s, in, &m);
		break;
	case ENVELOPE_NOTIFICATION:
		notification(s, in, &m);
		break;
	case ENVELOPE_RESPONSE:
		client_response(s, in, &m);
		break;
	case ENVELOPE_BATCH:
		client_batch(s, in, &m);
		break;
	case ENVELOPE_INVALID:
		say_invalid(s, usable_id(m.id), ENVELOPE_INVALID_REQUEST, m.why);
		break;
	}
}

void session_line_too_long(struct session *s)
{
	char why[80];

	snprintf(why, sizeof(why), "the message is longer than %zu MiB", ENVELOPE_MAX >> 20);
	say_invalid(s, (struct span){ 0 }, ENVELOPE_INVALID_REQUEST, why);
}

/* ---- the end ---- */

/* MCP 2026-07-28, Subscriptions, Graceful Closure: the answer to a request that only ends with us. */
static void close_subscription(struct session *s, struct post *p)
{
	struct span id = p->one.pending.id;
	struct wire_part parts[] = { { "{\"jsonrpc\":\"2.0\",\"id\":", 0 }, { id.p, id.n },
		{ ",\"result\":{\"resultType\":\"complete\",\"_meta\":{\"io.modelcontextprotocol/"
		  "subscriptionId\":",
			0 },
		{ id.p, id.n }, { "}}}", 3 } };

	parts[0].n = strlen(parts[0].p);
	parts[2].n = strlen(parts[2].p);
	if (p->one.pending.listed)
		say_parts(s, parts, 5);
	settle(&p->one);
}

void session_end_input(struct session *s)
{
	for (struct post *p = s->active.next, *next; p != &s->active; p = next) {
		next = p->next;
		if (!p->endless)
			continue;
		close_subscription(s, p);
		exchange_cancel(p->x);
		post_finish(s, p);
	}
}

void session_fail_all(struct session *s, const struct err *e)
{
	for (struct post *p = s->active.next; p != &s->active; p = p->next)
		fail_post(p, e, NULL);
	for (struct post *p = s->queue.next; p != &s->queue; p = p->next)
		fail_post(p, e, NULL);
}

static void free_list(struct post *sentinel)
{
	for (struct post *p = sentinel->next, *next; p != sentinel; p = next) {
		next = p->next;
		exchange_cancel(p->x);
		post_free(p);
	}
}

void session_free(struct session *s)
{
	if (!s)
		return;
	free_list(&s->active);
	free_list(&s->queue);
	loop_task_clear(&s->pump_task);
	pending_clear(&s->calls);
	buf_free(&s->initialize);
	free(s);
}
