/*
 * What is sent once more, and what waits for a time. A message that nobody
 * waits for, or only the bridge, changes what the server believes: it says
 * that the client is ready, that a call is not wanted any more, what the client
 * answers to a question. It may arrive twice; lost, it would leave server and
 * client of two opinions.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"

/* Pauses: 0.25, 0.5 and 1 s. */
#define PAUSE_MS 250
#define TRIES_MAX 3
/* What is refused in so many words is asked once more: it may have been another server's word. */
#define REFUSED_TRIES_MAX 1

/* An answer that the server puts on another stream than the one that it ended comes behind it at once. */
#define LATE_MS 5000

/* ---- posts that wait for a time ---- */

void post_wait(struct post *p, int64_t ms, post_due_fn *fn)
{
	struct session *s = p->s;

	p->when_due = fn;
	p->due_ms = clock_ms() + ms;
	if (!s->due.set || p->due_ms < s->due.due_ms)
		loop_timer_set(&s->due, ms);
}

static struct post *first_due(struct post_list *l, struct post *first)
{
	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		if (p->when_due && (!first || p->due_ms < first->due_ms))
			first = p;
	return first;
}

static void due(void *ctx)
{
	struct session *s = ctx;
	post_due_fn *fn;
	struct post *p;

	while ((p = first_due(&s->parked, first_due(&s->queue, NULL)))) {
		int64_t left = p->due_ms - clock_ms();

		if (left > 0) {
			loop_timer_set(&s->due, left);
			return;
		}
		fn = p->when_due;
		p->when_due = NULL;
		fn(p);
	}
}

void again_init(struct session *s)
{
	loop_timer_init(&s->due, s->loop, due, s);
}

/* ---- messages that may arrive twice ---- */

static bool passes(const struct exchange_end *end)
{
	if (exchange_succeeded(end) || end->outcome == EXCHANGE_INTERRUPTED)
		return true;
	switch (end->status) {
	case 0:
		return end->outcome != EXCHANGE_SESSION_LOST && end->e->kind == ERR_NET;
	case 408:
	case 429:
		return true;
	case 501:
	case 505:
		return false;
	default:
		return end->status >= 500;
	}
}

/* ok and nobody waits: it was taken. */
static bool may_go_again(const struct post *p, const struct exchange_end *end)
{
	bool refused = end->status || end->outcome == EXCHANGE_SESSION_LOST;

	if (p->ncalls || p->endless || p->fresh || p->opening != p->s->opening)
		return false;
	if (exchange_succeeded(end) && (!p->on_answer || p == p->s->greeter))
		return false;
	return p->tries < (passes(end) ? TRIES_MAX : refused ? REFUSED_TRIES_MAX : 0);
}

/* Ours of an earlier session has no place in this one. */
static void go_again(struct post *p)
{
	struct err e = { 0 };

	if (p->kind != POST_INTERNAL) {
		post_enqueue(p, true);
	} else if (p->opening == p->s->opening && (!p->s->lost || p == p->s->greeter)) {
		post_unlist(p);
		post_start(p);
	} else {
		err_set(&e, ERR_CANCELLED, "the session ended");
		post_give_up(p, &e);
	}
}

enum taken again_sent(struct post *p, const struct exchange_end *end)
{
	int64_t ms = (int64_t)PAUSE_MS << p->tries;

	if (!may_go_again(p, end))
		return NOT_TAKEN;
	p->tries++;
	diag_debug("a message that may arrive twice is sent again in %lld ms", (long long)ms);
	post_park(p);
	post_wait(p, ms, go_again);
	return TAKEN;
}

/* ---- answers that may come on the GET stream ---- */

static void late(struct post *p)
{
	post_give_up(p, p->why);
}

enum taken again_awaited(struct post *p, const struct exchange_end *end, const struct err *why)
{
	if (!exchange_succeeded(end) || !p->owed || p->junk || !era_has_sessions(p->wire) ||
		p->kind != POST_MESSAGE || !transport_hears(p->s->transport))
		return NOT_TAKEN;
	p->late = true;
	p->why = mem_new(sizeof(*p->why));
	*p->why = *why;
	post_park(p);
	post_wait(p, LATE_MS, late);
	return TAKEN;
}
