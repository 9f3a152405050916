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

/* A client may try the other way to open when one fails, and has one time-out for all of it: Claude Code's is
 * 30 s for server/discover, initialize 3 s later, server/discover again, and another process. */
#define SAME_OPENING_MS 2000

static bool opens(const struct outgoing *p)
{
	return p->message.method == METHOD_SERVER_DISCOVER ||
	       p->message.method == METHOD_INITIALIZE;
}

static bool is_other_way(const struct person *who, const struct outgoing *p)
{
	return who->late_ms && opens(p) && p->message.method != who->late &&
	       p->owed.arrived_ms <= who->late_ms + SAME_OPENING_MS;
}

static struct outgoing *first_out_of_patience(
	const struct session *s, const struct outgoing_list *l)
{
	const struct client_info *who = &s->client.info;
	int64_t now = clock_ms();

	for (struct outgoing *p = l->first; p; p = p->at.next)
		if (waits(p) && (is_other_way(&s->person, p) ||
					p->owed.arrived_ms + (opens(p) ? who->opening_ms
								       : who->patience_ms) <=
						now))
			return p;
	return NULL;
}

static void note_late(struct person *who, const struct outgoing *p)
{
	if (!opens(p))
		return;
	if (!is_other_way(who, p))
		who->late_ms = clock_ms();
	who->late = p->message.method;
}

/* Each is gone before the next is looked for: others may move meanwhile. */
static void answer_late(struct session *s, struct outgoing_list *l, const struct err *e)
{
	struct outgoing *p;

	while (s->client.info.patience_ms && (p = first_out_of_patience(s, l))) {
		note_late(&s->person, p);
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
	struct err e = { 0 };

	loop_timer_clear(&s->person.timer);
	if (!s->on->awaits_person(s->ctx, &e))
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		answer_late(s, lists[i], &e);
		tell_waiting(s, lists[i]);
	}
	loop_timer_set(&s->person.timer, LOOK_MS);
}

void session_patience_due(void *ctx)
{
	session_person(ctx);
}
