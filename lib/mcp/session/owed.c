/*
 * What the client is owed: one answer for each request. A call is settled by
 * being answered, or because the client wants no answer any more; there is no
 * third way. A message that is freed with calls unsettled answers them itself.
 */
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"

void owed_add(struct outgoing *p, struct owed_request *c, struct span id)
{
	c->of = p;
	pending_add(&p->s->calls, &c->pending, id);
	p->owed.left++;
	p->owed.arrived_ms = clock_ms();
	p->s->client.arriving = (struct span){ 0 };
}

static void settle(struct owed_request *c)
{
	pending_remove(&c->of->s->calls, &c->pending);
	if (!--c->of->owed.left)
		queue_uncount(c->of);
}

void owed_move(
	struct owed_request *from, struct outgoing *p, struct owed_request *to, struct span id)
{
	to->list = from->list;
	settle(from);
	owed_add(p, to, id);
}

void owed_cancelled(struct owed_request *c)
{
	if (!c->pending.listed)
		return;
	call_log_ends(c->of->s->call_log, c->pending.id, CALL_LOG_CANCELLED, 0);
	settle(c);
}

void owed_fail(struct owed_request *c, const struct err *e, const struct error_reply_data *d)
{
	if (!c->pending.listed)
		return;
	to_client_error(c->of->s, c->pending.id, e, d);
	settle(c);
}

void owed_no_memory(struct owed_request *c)
{
	struct err e = { 0 };

	err_set(&e, ERR_LIMIT, "out of memory: close other programs, then try again");
	owed_fail(c, &e, NULL);
}

void owed_invalid(struct owed_request *c, long code, const char *why)
{
	if (!c->pending.listed)
		return;
	to_client_invalid(c->of->s, c->pending.id, code, why);
	call_log_ends(c->of->s->call_log, c->pending.id, CALL_LOG_ERROR, 0);
	settle(c);
}

void owed_empty(struct owed_request *c)
{
	if (!c->pending.listed)
		return;
	to_client_empty(c->of->s, c->pending.id);
	settle(c);
}

void owed_text(struct owed_request *c, const struct buf *m)
{
	if (!c->pending.listed)
		return;
	if (m)
		call_log_answered_by(
			c->of->s->call_log, c->pending.id, (struct span){ buf_str(m), m->len });
	if (m && to_client_text(c->of->s, m))
		settle(c);
	else
		owed_no_memory(c);
}

void owed_answer(
	struct owed_request *c, struct incoming *in, const struct message *m, struct edits *e)
{
	struct edits none = { 0 };
	struct span id = c->pending.id;
	struct outgoing *p = c->of;

	if (!c->pending.listed)
		return;
	call_log_answered(p->s->call_log, id, m);
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
	outgoing_answered(p);
}

/* ---- all calls of a message ---- */

void owed_fail_all(struct outgoing *p, const struct err *e, const struct error_reply_data *d)
{
	for (size_t i = 0; i < p->owed.n; i++)
		owed_fail(&p->owed.calls[i], e, d);
}

void owed_give_up(struct outgoing *p)
{
	struct err e = { 0 };

	err_set(&e, ERR_CANCELLED,
		"the connection ended before the answer came; whether the server acted on the "
		"request is unknown");
	owed_fail_all(p, &e, NULL);
}

/* ---- for translators ---- */

struct owed_request *owed_request(struct outgoing *p)
{
	return &p->owed.one;
}

bool owed_is_call(const struct outgoing *p)
{
	return p->owed.n == 1;
}

struct outgoing *owed_of(const struct owed_request *c)
{
	return c->of;
}

struct span owed_id(const struct owed_request *c)
{
	return c->pending.id;
}

bool owed_waits(const struct owed_request *c)
{
	return c->pending.listed;
}

bool owed_take_up(struct outgoing *p, struct span id)
{
	buf_reset(&p->owed.id);
	if (!buf_add(&p->owed.id, id.p, id.n))
		return false;
	owed_add(p, &p->owed.one, (struct span){ p->owed.id.p, p->owed.id.len });
	if (p->at.place == PLACE_ACTIVE)
		queue_count(p);
	return true;
}

bool owed_is_taken_up(const struct outgoing *p)
{
	return p->owed.id.len > 0;
}
