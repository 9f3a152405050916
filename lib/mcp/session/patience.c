/*
 * While a person signs in: who waits for that is told so by progress where the
 * client asked for it, and is answered just before the client would give up.
 * The sign-in goes on, and serves whoever asks next.
 */
#include "base/clock.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

/* Between two looks. */
#define LOOK_MS 500

/* Between two notes about progress: clients that reset their time-out by them have one of 10 s at the least. */
#define PROGRESS_MS 5000

/* Held up by the sign-in, not by the server or by another question to the client. */
static bool waits(const struct outgoing *p)
{
	if (!p->owed.left || p->is.endless)
		return false;
	switch (p->at.place) {
	case PLACE_QUEUED:
		return true;
	case PLACE_ACTIVE:
		return exchange_waits(p->x);
	case PLACE_PARKED:
		return p->at.held_by && p->at.held_by->x && exchange_waits(p->at.held_by->x);
	case PLACE_NONE:
		break;
	}
	return false;
}

/* A server/discover that arrived by then waits. Claude Code sends initialize 3 s after it, on the same process,
 * and has one time-out for both. */
static bool discover_waits_since(const struct outgoing_list *l, int64_t before)
{
	for (struct outgoing *p = l->first; p; p = p->at.next)
		if (p->message.method == METHOD_SERVER_DISCOVER && waits(p) &&
			p->owed.arrived_ms <= before)
			return true;
	return false;
}

static struct outgoing *first_out_of_patience(
	const struct outgoing_list *l, int64_t before, bool initialize_too)
{
	for (struct outgoing *p = l->first; p; p = p->at.next)
		if (waits(p) && (p->owed.arrived_ms <= before ||
					(initialize_too && p->kind == OUTGOING_INITIALIZE)))
			return p;
	return NULL;
}

/* Each is gone before the next is looked for: others may move meanwhile. */
static void answer_late(
	struct outgoing_list *l, int64_t before, bool initialize_too, const struct err *e)
{
	struct outgoing *p;

	while ((p = first_out_of_patience(l, before, initialize_too))) {
		owed_fail_all(p, e, NULL);
		translator_forget(p, true);
		outgoing_drop(p);
	}
}

/* The number only has to grow, and to stay below what the server says later (MCP, Progress). */
static void tell_progress(struct session *s, struct span token)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	s->person.progress++;
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
			 "\"progressToken\":") &&
		buf_add(&b, token.p, token.n) &&
		buf_addf(&b,
			",\"progress\":%lu.%06lu,\"message\":\"waiting for the sign-in: complete "
			"it in your browser\"}}",
			s->person.progress / 1000000, s->person.progress % 1000000))
		(void)!to_client_text(s, &b);
	buf_free(&b);
}

static void tell_waiting(struct session *s, struct outgoing_list *l)
{
	int64_t now = clock_ms();

	for (struct outgoing *p = l->first; p; p = p->at.next) {
		struct span token;

		if (!waits(p) || p->owed.n != 1 || now < p->owed.tell_ms)
			continue;
		p->owed.tell_ms = now + PROGRESS_MS;
		token = walk_get(walk_get(p->message.params, "_meta", NULL), "progressToken", NULL);
		if (walk_type(token) == WALK_STRING || walk_type(token) == WALK_NUMBER)
			tell_progress(s, token);
	}
}

void session_person(struct session *s)
{
	struct outgoing_list *lists[] = { &s->queue.active, &s->queue.waiting, &s->queue.parked };
	int64_t before = clock_ms() - s->client.info.patience_ms;
	bool discover = false;
	struct err e = { 0 };

	loop_timer_clear(&s->person.timer);
	if (!s->on->awaits_person(s->ctx, &e))
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		discover |= discover_waits_since(lists[i], before);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		if (s->client.info.patience_ms)
			answer_late(lists[i], before, discover, &e);
		tell_waiting(s, lists[i]);
	}
	loop_timer_set(&s->person.timer, LOOK_MS);
}

void session_patience_due(void *ctx)
{
	session_person(ctx);
}
