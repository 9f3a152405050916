#include "mcp/session/translator.h"

#include "mcp/session/session_impl.h"

/* ---- the operations ---- */

enum taken translator_answer(struct owed_request *c, struct incoming *in, const struct message *m)
{
	const struct between *b = c->of->between;

	return b && b->by->answer ? b->by->answer(c, in, m) : NOT_TAKEN;
}

enum taken translator_asked(struct session *s, struct outgoing *from, const struct message *m)
{
	struct between *b = s->translators.now;

	return b && b->by->asked ? b->by->asked(b, from, m) : NOT_TAKEN;
}

enum taken translator_notified(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct between *b = s->translators.now;

	return b && b->by->notified ? b->by->notified(b, in, from, m) : NOT_TAKEN;
}

/* One that has left may have questions open, put after that. */
enum taken translator_responded(struct session *s, const struct message *m)
{
	for (struct between *b = s->translators.all; b; b = b->next)
		if (b->by->responded && b->by->responded(b, m) == TAKEN)
			return TAKEN;
	return NOT_TAKEN;
}

enum taken translator_resumed(struct session *s, const struct message *m)
{
	struct between *b = s->translators.now;

	return b && b->by->resumed ? b->by->resumed(b, m) : NOT_TAKEN;
}

enum taken translator_cancelled(struct session *s, struct span id)
{
	struct between *b = s->translators.now;

	return b && b->by->cancelled ? b->by->cancelled(b, id) : NOT_TAKEN;
}

enum taken translator_keep(struct outgoing *p, const struct message *m)
{
	return p->between && p->between->by->keep ? p->between->by->keep(p, m) : NOT_TAKEN;
}

enum taken translator_stays(struct outgoing *p)
{
	return p->between && p->between->by->stays ? p->between->by->stays(p) : NOT_TAKEN;
}

void translator_forget(struct outgoing *p, bool tell)
{
	if (p->between && p->between->by->forget)
		p->between->by->forget(p, tell);
}

void translator_reopened(struct session *s)
{
	if (s->translators.now && s->translators.now->by->reopened)
		s->translators.now->by->reopened(s->translators.now);
}

void translator_end_input(struct session *s)
{
	for (struct between *b = s->translators.all; b; b = b->next)
		if (b->by->end_input)
			b->by->end_input(b);
}

/* ---- who translates ---- */

static struct between *find(struct session *s, enum era client)
{
	struct between *b = s->translators.all;

	while (b && b->client != client)
		b = b->next;
	if (b || !s->translators.make)
		return b;
	b = s->translators.make(s, client);
	if (b) {
		b->next = s->translators.all;
		s->translators.all = b;
	}
	return b;
}

void translator_leave(struct session *s)
{
	struct between *b = s->translators.now;

	s->translators.now = NULL;
	if (b && b->by->leave)
		b->by->leave(b);
}

struct between *translator_use(struct session *s, enum era client)
{
	struct between *b = find(s, client);

	if (b != s->translators.now)
		translator_leave(s);
	return s->translators.now = b;
}

bool translator_is_used(const struct between *b)
{
	return b->s->translators.now == b;
}

void translators_free(struct session *s)
{
	s->translators.now = NULL;
	while (s->translators.all) {
		struct between *b = s->translators.all;

		s->translators.all = b->next;
		b->by->free(b);
	}
}
