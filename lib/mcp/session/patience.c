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
static bool waits(const struct post *p)
{
	if (!p->owed || p->endless)
		return false;
	switch (p->place) {
	case PLACE_QUEUED:
		return true;
	case PLACE_ACTIVE:
		return exchange_waits(p->x);
	case PLACE_PARKED:
		return p->held_by && p->held_by->x && exchange_waits(p->held_by->x);
	case PLACE_NONE:
		break;
	}
	return false;
}

static struct post *first_out_of_patience(const struct session *s, const struct post_list *l)
{
	int64_t before = clock_ms() - s->client.patience_ms;

	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		if (waits(p) && p->arrived_ms <= before)
			return p;
	return NULL;
}

/* Each is gone before the next is looked for: others may move meanwhile. */
static void answer_late(struct session *s, struct post_list *l, const struct err *e)
{
	struct post *p;

	while (s->client.patience_ms && (p = first_out_of_patience(s, l))) {
		post_fail(p, e, NULL);
		translator_forget(p, true);
		post_drop(p);
	}
}

/* The number only has to grow, and to stay below what the server says later (MCP, Progress). */
static void tell_progress(struct session *s, struct span token)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	s->progress++;
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{"
			 "\"progressToken\":") &&
		buf_add(&b, token.p, token.n) &&
		buf_addf(&b,
			",\"progress\":%lu.%06lu,\"message\":\"waiting for the sign-in: complete "
			"it in your browser\"}}",
			s->progress / 1000000, s->progress % 1000000))
		(void)!to_client_text(s, &b);
	buf_free(&b);
}

static void tell_waiting(struct session *s, struct post_list *l)
{
	int64_t now = clock_ms();

	for (struct post *p = l->head.next; p != &l->head; p = p->next) {
		struct span token;

		if (!waits(p) || p->ncalls != 1 || now < p->tell_ms)
			continue;
		p->tell_ms = now + PROGRESS_MS;
		token = walk_get(walk_get(p->message.params, "_meta", NULL), "progressToken", NULL);
		if (walk_type(token) == WALK_STRING || walk_type(token) == WALK_NUMBER)
			tell_progress(s, token);
	}
}

void session_person(struct session *s)
{
	struct post_list *lists[] = { &s->active, &s->queue, &s->parked };
	struct err e = { 0 };

	loop_timer_clear(&s->patience);
	if (!s->on->awaits_person(s->ctx, &e))
		return;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		answer_late(s, lists[i], &e);
		tell_waiting(s, lists[i]);
	}
	loop_timer_set(&s->patience, LOOK_MS);
}

void session_patience_due(void *ctx)
{
	session_person(ctx);
}
