#include "mcp/session/translator.h"

#include "mcp/session/session_impl.h"

/* ---- the operations ---- */

enum taken translator_answer(struct call *c, struct incoming *in, const struct message *m)
{
	const struct between *b = c->post->between;

	return b && b->by->answer ? b->by->answer(c, in, m) : NOT_TAKEN;
}

enum taken translator_asked(struct session *s, struct post *from, const struct message *m)
{
	struct between *b = s->between;

	return b && b->by->asked ? b->by->asked(b, from, m) : NOT_TAKEN;
}

enum taken translator_notified(
	struct session *s, struct incoming *in, struct post *from, const struct message *m)
{
	struct between *b = s->between;

	return b && b->by->notified ? b->by->notified(b, in, from, m) : NOT_TAKEN;
}

/* One that has left may have questions open, put after that. */
enum taken translator_responded(struct session *s, const struct message *m)
{
	for (struct between *b = s->translators; b; b = b->next)
		if (b->by->responded && b->by->responded(b, m) == TAKEN)
			return TAKEN;
	return NOT_TAKEN;
}

enum taken translator_resumed(struct session *s, const struct message *m)
{
	struct between *b = s->between;

	return b && b->by->resumed ? b->by->resumed(b, m) : NOT_TAKEN;
}

enum taken translator_cancelled(struct session *s, struct span id)
{
	struct between *b = s->between;

	return b && b->by->cancelled ? b->by->cancelled(b, id) : NOT_TAKEN;
}

enum taken translator_keep(struct post *p, const struct message *m)
{
	return p->between && p->between->by->keep ? p->between->by->keep(p, m) : NOT_TAKEN;
}

enum taken translator_stays(struct post *p)
{
	return p->between && p->between->by->stays ? p->between->by->stays(p) : NOT_TAKEN;
}

void translator_forget(struct post *p, bool tell)
{
	if (p->between && p->between->by->forget)
		p->between->by->forget(p, tell);
}

void translator_reopened(struct session *s)
{
	if (s->between && s->between->by->reopened)
		s->between->by->reopened(s->between);
}

void translator_end_input(struct session *s)
{
	for (struct between *b = s->translators; b; b = b->next)
		if (b->by->end_input)
			b->by->end_input(b);
}

/* ---- who translates ---- */

static struct between *find(struct session *s, enum era client)
{
	struct between *b = s->translators;

	while (b && b->client != client)
		b = b->next;
	if (b || !s->new_translator)
		return b;
	b = s->new_translator(s, client);
	if (b) {
		b->next = s->translators;
		s->translators = b;
	}
	return b;
}

void translator_leave(struct session *s)
{
	struct between *b = s->between;

	s->between = NULL;
	if (b && b->by->leave)
		b->by->leave(b);
}

struct between *translator_use(struct session *s, enum era client)
{
	struct between *b = find(s, client);

	if (b != s->between)
		translator_leave(s);
	return s->between = b;
}

void translators_free(struct session *s)
{
	s->between = NULL;
	while (s->translators) {
		struct between *b = s->translators;

		s->translators = b->next;
		b->by->free(b);
	}
}
