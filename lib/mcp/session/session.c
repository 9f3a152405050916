#include "mcp/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/request_headers.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

/* Requests on the wire at once. Slow calls must not make quick ones queue, yet a client that sends
 * thousands must not open thousands of connections. */
#define IN_FLIGHT_MAX 128
/* With notifications and responses: they pass waiting requests, yet have a bound of their own. */
#define IN_FLIGHT_WITH_NOTES_MAX 256

/* Queued behind that: no further input is read while more waits. Counted in messages and bytes. */
#define QUEUE_MESSAGES 1024
#define QUEUE_BYTES ((size_t)64 << 20)

/* What the bridge itself says to a client that does not read (answers to lines that are no messages,
 * above all): no further input is read while more of it waits. */
#define OUTPUT_BYTES ((size_t)8 << 20)

/* At the end of input, once nothing is owed any more: for the server to take what it need not answer. */
#define NOTES_MS 1000

/* Answers that the bridge gives on the client's behalf, under way at once: a server that asks faster
 * than it takes answers gets none. */
#define TELLING_MAX 1024

static void pump(void *ctx);
static void notes_due(void *ctx);

/* ---- life ---- */

static void list_init(struct post_list *l)
{
	l->head.next = l->head.prev = &l->head;
}

struct session *session_new(
	struct loop *l, struct lines_out *out, const struct session_events *on, void *ctx)
{
	struct session *s = mem_new(sizeof(*s));

	s->loop = l;
	s->out = out;
	s->on = on;
	s->ctx = ctx;
	client_info_read((struct span){ 0 }, &s->client);
	list_init(&s->queue);
	list_init(&s->active);
	list_init(&s->parked);
	pending_init(&s->calls);
	buf_init(&s->hello, MESSAGE_MAX);
	loop_task_init(&s->pump_task, l, pump, s);
	reopen_init(s);
	again_init(s);
	loop_timer_init(&s->patience, l, session_patience_due, s);
	loop_timer_init(&s->notes, l, notes_due, s);
	return s;
}

void session_attach(struct session *s, struct transport *t)
{
	s->transport = t;
}

void session_set_translators(struct session *s, translator_new_fn *fn)
{
	s->new_translator = fn;
}

void session_set_policy(struct session *s, struct policy *p)
{
	s->policy = p;
}

void session_set_era(struct session *s, enum era era, bool sure)
{
	s->server = era;
	s->server_fixed = sure;
	s->server_recalled = !sure && era != ERA_UNKNOWN;
}

void session_asks_only(struct session *s)
{
	s->asks_only = true;
}

void session_listen(struct session *s)
{
	if (!s->asks_only)
		transport_listen(s->transport);
}

enum era session_era(const struct session *s)
{
	return s->server;
}

/* A stream that stays open behind its answer is no work. */
bool session_idle(const struct session *s)
{
	return s->queue.head.next == &s->queue.head && s->parked.head.next == &s->parked.head &&
	       s->in_flight == 0;
}

void session_pump(struct session *s)
{
	loop_task_queue(&s->pump_task);
}

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

void post_uncount(struct post *p)
{
	if (!p->counted)
		return;
	p->counted = false;
	p->s->in_flight--;
	session_pump(p->s);
}

/* Out of whatever list it is in; its exchange, if any, ends. */
static void detach(struct post *p)
{
	struct session *s = p->s;

	switch (p->place) {
	case PLACE_NONE:
		return;
	case PLACE_QUEUED:
		s->queued--;
		s->queued_bytes -= p->message.whole.n;
		s->queued_notes -= !p->ncalls;
		break;
	case PLACE_ACTIVE:
		exchange_cancel(p->x);
		p->x = NULL;
		post_uncount(p);
		break;
	case PLACE_PARKED:
		break;
	}
	list_remove(p);
	p->place = PLACE_NONE;
	p->when_due = NULL;
	session_pump(s);
}

void post_enqueue(struct post *p, bool first)
{
	struct session *s = p->s;

	detach(p);
	p->place = PLACE_QUEUED;
	list_add(first ? s->queue.head.next : &s->queue.head, p);
	s->queued++;
	s->queued_bytes += p->message.whole.n;
	s->queued_notes += !p->ncalls;
	if (s->lost)
		reopen_awaited(p);
	session_pump(s);
}

void post_park(struct post *p)
{
	detach(p);
	p->place = PLACE_PARKED;
	list_add(&p->s->parked.head, p);
}

void post_unlist(struct post *p)
{
	detach(p);
}

void post_give_up(struct post *p, const struct err *why)
{
	post_answer_fn *fn = p->on_answer;

	post_fail(p, why, NULL);
	p->on_answer = NULL;
	if (fn)
		fn(p, NULL, why);
	post_drop(p);
}

void post_drop(struct post *p)
{
	detach(p);
	post_free(p);
}

void session_opened(struct session *s, const struct post *p)
{
	if (s->opener != p)
		return;
	s->opener = NULL;
	s->state = STATE_OPEN;
	loop_timer_clear(&s->handshake);
	session_pump(s);
}

/* ---- posts ---- */

struct post *post_new(struct session *s, enum post_kind kind)
{
	struct post *p = mem_new(sizeof(*p));

	p->s = s;
	p->kind = kind;
	p->era = ERA_UNNAMED;
	p->one.post = p;
	p->calls = &p->one;
	buf_init(&p->id, MESSAGE_MAX);
	buf_init(&p->owner, MESSAGE_MAX);
	return p;
}

/* Whoever waited for it goes on without. */
static void release_held(struct post *p)
{
	struct post_list *l = &p->s->parked;

	for (struct post *q = l->head.next, *next; q != &l->head; q = next) {
		next = q->next;
		if (q->held_by != p)
			continue;
		q->held_by = NULL;
		post_enqueue(q, true);
	}
}

void post_free(struct post *p)
{
	release_held(p);
	session_opened(p->s, p);
	if (p->owed)
		owed_give_up(p);
	if (p->calls != &p->one)
		free(p->calls);
	translator_forget(p, false);
	http_fields_free(p->own);
	free(p->why);
	message_free(&p->message);
	message_free(&p->changed);
	buf_free(&p->id);
	buf_free(&p->owner);
	free(p);
}

void post_answered(struct post *p)
{
	if (!p->owed && p->x)
		exchange_linger(p->x);
}

const struct message *post_sent(const struct post *p)
{
	return p->changed.whole.p ? &p->changed : &p->message;
}

/* ---- sending ---- */

static void start_exchange(struct post *p)
{
	struct session *s = p->s;
	struct exchange_call c = { .message = post_sent(p),
		.resumable = !era_is_stateless(p->wire),
		.ctx = p,
		.own = p->own,
		.one_way = !p->ncalls && !p->on_answer,
		.endless = p->endless,
		.fresh = era_is_stateless(p->wire) || p->fresh };

	p->own = NULL;
	p->opening = s->opening;
	p->place = PLACE_ACTIVE;
	list_add(&s->active.head, p);
	p->counted = !p->endless;
	s->in_flight += p->counted;
	p->x = transport_post(s->transport, &c);
}

/* MCP 2026-07-28, Subscriptions, Graceful Closure: the answer to a request that only ends with us. */
static void close_subscription(struct post *p)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (p->one.pending.listed)
		owed_text(&p->one, era_subscription_end(&b, p->one.pending.id) ? &b : NULL);
	buf_free(&b);
}

/* Fields for a message that needs them and has none yet: it was translated, or is sent once more. */
static bool add_fields(struct post *p, struct err *e)
{
	if (!era_is_stateless(p->wire) || p->own)
		return true;
	return request_headers_fields(post_sent(p), p->s->tools, &p->own, e);
}

/* Whether somebody translates it, and has more to do with it than that. */
static enum prepared settle_era(struct post *p)
{
	struct session *s = p->s;
	struct between *b;

	if (p->kind == POST_INTERNAL) {
		p->wire = p->era;
		return PREPARED;
	}
	if (s->client_opened && era_has_sessions(s->server))
		p->era = s->server; /* it came before the client opened a session */
	b = server_era_between(s, p->era);
	if (b != p->between)
		translator_forget(p, false);
	p->between = b;
	p->wire = b ? s->server : p->era;
	return b ? b->by->prepare(b, p) : PREPARED;
}

void post_start(struct post *p)
{
	struct session *s = p->s;
	struct err e = { 0 };

	if (s->input_ended && p->endless) {
		/* It was still waiting to be sent when the input ended. */
		close_subscription(p);
		post_free(p);
		return;
	}
	if (settle_era(p) == ELSEWHERE)
		return;
	/* What is left of a try in the other era. */
	if (p->wire == p->era)
		message_free(&p->changed);
	if (!era_is_stateless(p->wire)) {
		http_fields_free(p->own);
		p->own = NULL;
	}
	if (add_fields(p, &e)) {
		start_exchange(p);
		return;
	}
	post_give_up(p, &e);
}

/* Notifications and responses pass requests that wait for a place: one of them may be what the
 * requests in flight depend on. */
static bool may_start(const struct session *s, const struct post *p)
{
	if (s->lost && p->kind != POST_INITIALIZE)
		return false;
	switch (s->state) {
	case STATE_OPEN:
		return s->in_flight < (p->ncalls ? IN_FLIGHT_MAX : IN_FLIGHT_WITH_NOTES_MAX);
	case STATE_INITIALIZED:
		return !p->ncalls;
	case STATE_INITIALIZE:
		/* Lifecycle: the server may ping before it answers; it may also wait for the pong. */
		return p->response;
	case STATE_REPLAY:
		break;
	}
	return false;
}

/* Begins what the message means for the conversation, before it is sent. */
static void begin(struct post *p)
{
	struct session *s = p->s;

	if (p->kind == POST_INITIALIZE) {
		transport_unlisten(s->transport);
		transport_forget_session(s->transport);
		s->state = STATE_INITIALIZE;
		s->opener = p;
		s->greeted = false;
		s->lost = false;
	} else if (p->kind == POST_INITIALIZED && !era_is_stateless(s->server) && !p->tries) {
		s->state = STATE_INITIALIZED;
		s->opener = p;
		s->greeted = true;
		greeting_begins(s);
	}
}

void session_check_input(struct session *s)
{
	bool full = (s->queued > QUEUE_MESSAGES || s->queued_bytes > QUEUE_BYTES) && !s->questions;

	full = full || s->own_answers > OUTPUT_BYTES;
	if (full == s->input_stopped)
		return;
	s->input_stopped = full;
	s->on->input(s->ctx, !full);
}

static void pump(void *ctx)
{
	struct session *s = ctx;
	struct post *p = s->queue.head.next, *next;

	for (; p != &s->queue.head; p = next) {
		next = p->next;
		if (!may_start(s, p)) {
			if (!s->queued_notes && !s->lost)
				break;
			continue;
		}
		detach(p);
		begin(p);
		post_start(p);
	}
	if (s->lost)
		reopen_pump(s);
	session_check_input(s);
	if (session_idle(s))
		s->on->idle(s->ctx);
	else if (s->input_ended && !s->calls.count && !s->notes.set)
		loop_timer_set(&s->notes, NOTES_MS);
}

/* ---- messages of our own ---- */

bool session_own_id(struct session *s, struct buf *out)
{
	return buf_addf(out, "\"mpmcp:%lu\"", ++s->serial);
}

struct post *session_ask(struct session *s, struct buf *body, post_answer_fn *fn)
{
	struct post *p = post_new(s, POST_INTERNAL);

	if (message_read(&p->message, body))
		p->era = era_of(&p->message);
	p->on_answer = fn;
	return p;
}

void session_hold(struct post *before, struct post *next)
{
	struct post_list *l = &before->s->parked;

	for (struct post *q = l->head.next; next && q != &l->head; q = q->next)
		if (q->held_by == before)
			q->held_by = next;
}

void session_tell(struct session *s, const char *body, size_t n)
{
	struct post *p = post_new(s, POST_INTERNAL);
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (s->in_flight >= TELLING_MAX || !buf_add(&b, body, n) ||
		!message_read(&p->message, &b)) {
		diag_note("a message to the server is lost: too many are under way");
		post_free(p);
		return;
	}
	post_start(p);
}

void session_negotiated(struct post *p, const struct message *m)
{
	struct session *s = p->s;
	struct span v = walk_get(m->result, "protocolVersion", NULL);
	const char *id = exchange_new_session(p->x);
	struct buf version;
	struct err e = { 0 };

	buf_init(&version, 64);
	if (v.p && walk_string(v, &version) &&
		!transport_set_version(s->transport, buf_str(&version), &e))
		diag_note("%s", err_text(&e));
	if (!transport_set_session(s->transport, id, &e))
		diag_note("%s", err_text(&e));
	s->batches = strcmp(buf_str(&version), "2025-03-26") == 0;
	s->opening++;
	s->proven = false;
	server_era_opened(s);
	strset_clear(&s->readers);
	if (s->policy)
		policy_forget(s->policy);
	buf_reset(&s->hello);
	if (s->between && !buf_add(&s->hello, m->result.p, m->result.n))
		diag_error("out of memory");
	diag_debug("revision %s, %s session id", buf_str(&version), id ? "with" : "no");
	buf_free(&version);
}

void session_output_drained(struct session *s)
{
	s->own_answers = 0;
	session_check_input(s);
}

/* ---- the end ---- */

static void fail_list(struct post_list *l, const struct err *e)
{
	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		post_fail(p, e, NULL);
}

void session_fail_all(struct session *s, const struct err *e)
{
	fail_list(&s->active, e);
	fail_list(&s->queue, e);
	fail_list(&s->parked, e);
}

void session_end_input(struct session *s)
{
	s->input_ended = true;
	for (struct post *p = s->active.head.next, *next; p != &s->active.head; p = next) {
		next = p->next;
		if (!p->endless)
			continue;
		close_subscription(p);
		post_drop(p);
	}
	translator_end_input(s);
	session_pump(s);
}

static void free_list(struct post_list *l)
{
	while (l->head.next != &l->head)
		post_drop(l->head.next);
}

/* Notifications that the server leaves without an answer hold nobody up. */
static void notes_due(void *ctx)
{
	struct session *s = ctx;

	if (s->calls.count)
		return;
	diag_debug("the input ended; what the server has not taken yet is given up");
	free_list(&s->active);
	free_list(&s->parked);
	free_list(&s->queue);
	session_pump(s);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	free_list(&s->active);
	free_list(&s->parked);
	free_list(&s->queue);
	translators_free(s);
	toolbook_free(s->tools);
	strset_clear(&s->readers);
	loop_task_clear(&s->pump_task);
	loop_timer_clear(&s->handshake);
	loop_timer_clear(&s->due);
	loop_timer_clear(&s->patience);
	loop_timer_clear(&s->notes);
	kept_clear(&s->kept);
	pending_clear(&s->calls);
	message_free(&s->initialize);
	buf_free(&s->hello);
	free(s);
}
