#include "mcp/session/queue.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "mcp/session/session_impl.h"

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

/* ---- lists ---- */

static void list_add(struct outgoing_list *l, struct outgoing *p, bool first)
{
	struct outgoing *next = first ? l->first : NULL, *prev = first ? NULL : l->last;

	p->at.next = next;
	p->at.prev = prev;
	*(next ? &next->at.prev : &l->last) = p;
	*(prev ? &prev->at.next : &l->first) = p;
}

static void list_remove(struct outgoing_list *l, struct outgoing *p)
{
	*(p->at.next ? &p->at.next->at.prev : &l->last) = p->at.prev;
	*(p->at.prev ? &p->at.prev->at.next : &l->first) = p->at.next;
}

static struct outgoing_list *list_of(struct queue *q, enum place place)
{
	return place == PLACE_QUEUED   ? &q->waiting
	       : place == PLACE_ACTIVE ? &q->active
				       : &q->parked;
}

static void drop_list(struct outgoing_list *l)
{
	while (l->first)
		outgoing_drop(l->first);
}

void queue_drop_all(struct queue *q)
{
	drop_list(&q->active);
	drop_list(&q->parked);
	drop_list(&q->waiting);
}

bool queue_is_empty(const struct queue *q)
{
	return !q->waiting.first && !q->parked.first && q->in_flight == 0;
}

/* ---- places ---- */

void queue_pump(struct session *s)
{
	loop_task_queue(&s->queue.pump);
}

void queue_uncount(struct outgoing *p)
{
	if (!p->at.counted)
		return;
	p->at.counted = false;
	p->s->queue.in_flight--;
	queue_pump(p->s);
}

/* Out of whatever list it is in; its exchange, if any, ends. */
static void detach(struct outgoing *p)
{
	struct session *s = p->s;
	struct queue *q = &s->queue;

	if (p->at.place == PLACE_NONE)
		return;
	if (q->next == p)
		q->next = p->at.next;
	list_remove(list_of(q, p->at.place), p);
	if (p->at.place == PLACE_QUEUED) {
		q->n--;
		q->bytes -= p->message.whole.n;
		q->notes -= !p->owed.n;
	} else if (p->at.place == PLACE_ACTIVE) {
		exchange_cancel(p->x);
		p->x = NULL;
		queue_uncount(p);
	}
	p->at.place = PLACE_NONE;
	p->at.when_due = NULL;
	queue_pump(s);
}

static void place(struct outgoing *p, enum place where, bool first)
{
	detach(p);
	p->at.place = where;
	list_add(list_of(&p->s->queue, where), p, first);
}

void queue_add(struct outgoing *p, bool first)
{
	struct session *s = p->s;

	place(p, PLACE_QUEUED, first);
	s->queue.n++;
	s->queue.bytes += p->message.whole.n;
	s->queue.notes += !p->owed.n;
	if (s->reopening.lost)
		reopen_awaited(p);
	queue_pump(s);
}

void queue_park(struct outgoing *p)
{
	place(p, PLACE_PARKED, false);
}

void queue_activate(struct outgoing *p)
{
	place(p, PLACE_ACTIVE, false);
	queue_count(p);
}

void queue_count(struct outgoing *p)
{
	if (p->at.counted || p->is.endless)
		return;
	p->at.counted = true;
	p->s->queue.in_flight++;
}

void queue_unlist(struct outgoing *p)
{
	detach(p);
}

struct outgoing *queue_first(const struct session *s, enum place place)
{
	switch (place) {
	case PLACE_QUEUED:
		return s->queue.waiting.first;
	case PLACE_ACTIVE:
		return s->queue.active.first;
	case PLACE_PARKED:
		return s->queue.parked.first;
	case PLACE_NONE:
		break;
	}
	return NULL;
}

struct outgoing *queue_next(const struct outgoing *p)
{
	return p->at.next;
}

enum place queue_place(const struct outgoing *p)
{
	return p->at.place;
}

/* ---- waiting for one another ---- */

void queue_park_behind(struct outgoing *p, struct outgoing *first)
{
	queue_park(p);
	p->at.held_by = first;
}

void queue_hold(struct outgoing *before, struct outgoing *next)
{
	struct outgoing_list *l = &before->s->queue.parked;

	for (struct outgoing *q = l->first; next && q; q = q->at.next)
		if (q->at.held_by == before)
			q->at.held_by = next;
}

/* Whoever waited for it goes on without. */
void queue_release(struct outgoing *p)
{
	for (struct outgoing *q = p->s->queue.parked.first, *next; q; q = next) {
		next = q->at.next;
		if (q->at.held_by != p)
			continue;
		q->at.held_by = NULL;
		queue_add(q, true);
	}
}

/* ---- waiting for a time ---- */

void queue_wait(struct outgoing *p, int64_t ms, queue_due_fn *fn)
{
	struct session *s = p->s;

	p->at.when_due = fn;
	p->at.due_ms = clock_ms() + ms;
	if (!s->queue.due.set || p->at.due_ms < s->queue.due.due_ms)
		loop_timer_set(&s->queue.due, ms);
}

static struct outgoing *first_due(struct outgoing_list *l, struct outgoing *first)
{
	for (struct outgoing *p = l->first; p; p = p->at.next)
		if (p->at.when_due && (!first || p->at.due_ms < first->at.due_ms))
			first = p;
	return first;
}

static void due(void *ctx)
{
	struct session *s = ctx;
	queue_due_fn *fn;
	struct outgoing *p;

	while ((p = first_due(&s->queue.parked, first_due(&s->queue.waiting, NULL)))) {
		int64_t left = p->at.due_ms - clock_ms();

		if (left > 0) {
			loop_timer_set(&s->queue.due, left);
			return;
		}
		fn = p->at.when_due;
		p->at.when_due = NULL;
		fn(p);
	}
}

/* ---- sending ---- */

/* Notifications and responses pass requests that wait for a place: one of them may be what the
 * requests in flight depend on. */
static bool may_start(const struct session *s, const struct outgoing *p)
{
	if (s->reopening.lost && p->kind != OUTGOING_INITIALIZE)
		return false;
	switch (s->handshake.state) {
	case STATE_OPEN:
		return s->queue.in_flight < (p->owed.n ? IN_FLIGHT_MAX : IN_FLIGHT_WITH_NOTES_MAX);
	case STATE_INITIALIZED:
		return !p->owed.n;
	case STATE_INITIALIZE:
		/* Lifecycle: the server may ping before it answers; it may also wait for the pong. */
		return p->is.response;
	case STATE_REPLAY:
		break;
	}
	return false;
}

void queue_check_input(struct session *s)
{
	bool full = (s->queue.n > QUEUE_MESSAGES || s->queue.bytes > QUEUE_BYTES) &&
		    !s->client.questions;

	full = full || s->queue.own_answers > OUTPUT_BYTES;
	if (full == s->queue.stopped)
		return;
	s->queue.stopped = full;
	s->on->input(s->ctx, !full);
}

static void pump(void *ctx)
{
	struct session *s = ctx;
	struct queue *q = &s->queue;

	q->next = q->waiting.first;
	for (struct outgoing *p; (p = q->next);) {
		q->next = p->at.next;
		if (!may_start(s, p)) {
			if (!s->queue.notes && !s->reopening.lost)
				break;
			continue;
		}
		detach(p);
		handshake_begin(p);
		outgoing_start(p);
	}
	q->next = NULL;
	if (s->reopening.lost)
		reopen_pump(s);
	queue_check_input(s);
	if (session_idle(s))
		s->on->idle(s->ctx);
	else if (s->client.ended && !s->calls.count && !s->queue.end.set)
		loop_timer_set(&s->queue.end, NOTES_MS);
}

/* Notifications that the server leaves without an answer hold nobody up. */
static void notes_due(void *ctx)
{
	struct session *s = ctx;

	if (s->calls.count)
		return;
	diag_debug("the input ended; messages that the server has not accepted are dropped");
	queue_drop_all(&s->queue);
	queue_pump(s);
}

void queue_init(struct session *s)
{
	loop_task_init(&s->queue.pump, s->loop, pump, s);
	loop_timer_init(&s->queue.due, s->loop, due, s);
	loop_timer_init(&s->queue.end, s->loop, notes_due, s);
}

void queue_clear(struct queue *q)
{
	loop_task_clear(&q->pump);
	loop_timer_clear(&q->due);
	loop_timer_clear(&q->end);
}
