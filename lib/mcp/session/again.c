/*
 * What is sent once more. A message that nobody
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
static bool may_go_again(const struct outgoing *p, const struct exchange_end *end)
{
	bool refused = end->status || end->outcome == EXCHANGE_SESSION_LOST;

	if (p->owed.n || p->is.endless || p->is.fresh || p->sent.opening != p->s->handshake.opening)
		return false;
	if (exchange_succeeded(end) && (!p->ask.fn || p == p->s->handshake.greeter))
		return false;
	return p->tried.times < (passes(end) ? TRIES_MAX : refused ? REFUSED_TRIES_MAX : 0);
}

/* Ours of an earlier session has no place in this one. */
static void go_again(struct outgoing *p)
{
	struct err e = { 0 };

	if (p->kind != OUTGOING_INTERNAL) {
		queue_add(p, true);
	} else if (p->sent.opening == p->s->handshake.opening &&
		   (!p->s->reopening.lost || p == p->s->handshake.greeter)) {
		queue_unlist(p);
		outgoing_start(p);
	} else {
		err_set(&e, ERR_CANCELLED, "the session ended");
		outgoing_give_up(p, &e);
	}
}

enum taken again_sent(struct outgoing *p, const struct exchange_end *end)
{
	int64_t ms = (int64_t)PAUSE_MS << p->tried.times;

	if (!may_go_again(p, end))
		return NOT_TAKEN;
	p->tried.times++;
	diag_debug("a message that may arrive twice is sent again in %lld ms", (long long)ms);
	queue_park(p);
	queue_wait(p, ms, go_again);
	return TAKEN;
}

/* ---- answers that may come on the GET stream ---- */

static void late(struct outgoing *p)
{
	outgoing_give_up(p, p->at.why);
}

enum taken again_awaited(struct outgoing *p, const struct exchange_end *end, const struct err *why)
{
	if (!exchange_succeeded(end) || !p->owed.left || p->sent.junk ||
		!era_has_sessions(p->sent.era) || p->kind != OUTGOING_MESSAGE ||
		!transport_hears(p->s->transport))
		return NOT_TAKEN;
	p->at.late = true;
	p->at.why = mem_new(sizeof(*p->at.why));
	*p->at.why = *why;
	queue_park(p);
	queue_wait(p, LATE_MS, late);
	return TAKEN;
}
