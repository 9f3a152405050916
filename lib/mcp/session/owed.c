/*
 * What the client is owed: one answer for each request. A call is settled by
 * being answered, or because the client wants no answer any more; there is no
 * third way. A post that is freed with calls unsettled answers them itself.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"

void owed_add(struct post *p, struct call *c, struct span id)
{
	c->post = p;
	pending_add(&p->s->calls, &c->pending, id);
	p->owed++;
	p->arrived_ms = clock_ms();
	p->s->arriving = (struct span){ 0 };
}

static void settle(struct call *c)
{
	pending_remove(&c->post->s->calls, &c->pending);
	if (!--c->post->owed)
		post_uncount(c->post);
}

void owed_move(struct call *from, struct post *p, struct call *to, struct span id)
{
	to->list = from->list;
	settle(from);
	owed_add(p, to, id);
}

void owed_cancelled(struct call *c)
{
	if (c->pending.listed)
		settle(c);
}

void owed_fail(struct call *c, const struct err *e, const struct error_reply_data *d)
{
	if (!c->pending.listed)
		return;
	to_client_error(c->post->s, c->pending.id, e, d);
	settle(c);
}

void owed_no_memory(struct call *c)
{
	struct err e = { 0 };

	err_set(&e, ERR_LIMIT, "out of memory: close other programs, then try again");
	owed_fail(c, &e, NULL);
}

void owed_invalid(struct call *c, long code, const char *why)
{
	if (!c->pending.listed)
		return;
	to_client_invalid(c->post->s, c->pending.id, code, why);
	settle(c);
}

void owed_empty(struct call *c)
{
	if (!c->pending.listed)
		return;
	to_client_empty(c->post->s, c->pending.id);
	settle(c);
}

void owed_text(struct call *c, const struct buf *m)
{
	if (!c->pending.listed)
		return;
	if (m && to_client_text(c->post->s, m))
		settle(c);
	else
		owed_no_memory(c);
}

void owed_answer(struct call *c, struct incoming *in, const struct message *m, struct edits *e)
{
	struct edits none = { 0 };
	struct span id = c->pending.id;
	struct post *p = c->post;

	if (!c->pending.listed)
		return;
	e = e ? e : &none;
	if (!m->id.p) {
		edit_put(e, m->whole.p + 1, "\"id\":");
		edit_replace(e, (struct span){ m->whole.p + 1, 0 }, id);
		edit_put(e, m->whole.p + 1, ",");
	} else if (m->id.n != id.n || memcmp(m->id.p, id.p, id.n) != 0) {
		/* Same value, other spelling (or null, or ours): the client gets its own id back. */
		edit_replace(e, m->id, id);
	}
	/* One that is too large for what memory there is leaves room for one that says so. */
	if (to_client_edited(p->s, in, m->whole, e))
		settle(c);
	else
		owed_no_memory(c);
	post_answered(p);
}

/* ---- all calls of a post ---- */

void post_fail(struct post *p, const struct err *e, const struct error_reply_data *d)
{
	for (size_t i = 0; i < p->ncalls; i++)
		owed_fail(&p->calls[i], e, d);
}

void owed_give_up(struct post *p)
{
	struct err e = { 0 };

	err_set(&e, ERR_CANCELLED,
		"the connection ended before the answer came; whether the server acted on the "
		"request is unknown");
	post_fail(p, &e, NULL);
}
