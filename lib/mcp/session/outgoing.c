#include "mcp/session/outgoing.h"

#include <stdlib.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/request_headers.h"
#include "mcp/session/session_impl.h"

/* Answers that the bridge gives on the client's behalf, under way at once: a server that asks faster
 * than it takes answers gets none. */
#define TELLING_MAX 1024

/* ---- life ---- */

struct outgoing *outgoing_new(struct session *s, enum outgoing_kind kind)
{
	struct outgoing *p = mem_pool_get(&s->spare, sizeof(*p));

	p->s = s;
	p->kind = kind;
	p->era = ERA_UNNAMED;
	p->owed.one.of = p;
	p->owed.calls = &p->owed.one;
	buf_init(&p->sent.id, MESSAGE_MAX);
	buf_init(&p->owed.id, MESSAGE_MAX);
	return p;
}

void outgoing_free(struct outgoing *p)
{
	queue_release(p);
	handshake_over(p->s, p);
	if (p->owed.left)
		owed_give_up(p);
	if (p->owed.calls != &p->owed.one)
		free(p->owed.calls);
	translator_forget(p, false);
	http_fields_free(p->sent.fields);
	free(p->at.why);
	message_free(&p->message);
	message_free(&p->sent.changed);
	buf_free(&p->sent.id);
	buf_free(&p->owed.id);
	mem_pool_put(&p->s->spare, p);
}

void outgoing_drop(struct outgoing *p)
{
	queue_unlist(p);
	outgoing_free(p);
}

void outgoing_give_up(struct outgoing *p, const struct err *why)
{
	outgoing_answer_fn *fn = p->ask.fn;

	owed_fail_all(p, why, NULL);
	p->ask.fn = NULL;
	if (fn)
		fn(p, NULL, why);
	outgoing_drop(p);
}

void outgoing_answered(struct outgoing *p)
{
	if (!p->owed.left && p->x)
		exchange_linger(p->x);
}

const struct message *outgoing_sent(const struct outgoing *p)
{
	return p->sent.changed.whole.p ? &p->sent.changed : &p->message;
}

/* ---- sending ---- */

static void start_exchange(struct outgoing *p)
{
	struct session *s = p->s;
	struct exchange_call c = { .message = outgoing_sent(p),
		.resumable = !era_is_stateless(p->sent.era),
		.ctx = p,
		.own = p->sent.fields,
		.one_way = !p->owed.n && !p->ask.fn,
		.endless = p->is.endless,
		.fresh = era_is_stateless(p->sent.era) || p->is.fresh };

	p->sent.fields = NULL;
	p->sent.opening = s->handshake.opening;
	queue_activate(p);
	p->x = transport_post(s->transport, &c);
}

/* MCP 2026-07-28, Subscriptions, Graceful Closure: the answer to a request that only ends with us. */
void outgoing_close(struct outgoing *p)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (p->owed.one.pending.listed)
		owed_text(
			&p->owed.one, era_subscription_end(&b, p->owed.one.pending.id) ? &b : NULL);
	buf_free(&b);
}

/* Fields for a message that needs them and has none yet: it was translated, or is sent once more. */
static bool add_fields(struct outgoing *p, struct err *e)
{
	if (!era_is_stateless(p->sent.era) || p->sent.fields)
		return true;
	return request_headers_fields(outgoing_sent(p), p->s->server.tools, &p->sent.fields, e);
}

/* Whether somebody translates it, and has more to do with it than that. */
static enum prepared settle_era(struct outgoing *p)
{
	struct session *s = p->s;
	struct between *b;

	if (p->kind == OUTGOING_INTERNAL) {
		p->sent.era = p->era;
		return PREPARED;
	}
	if (s->client.opened && era_has_sessions(s->server.era))
		p->era = s->server.era; /* it came before the client opened a session */
	b = server_era_between(s, p->era);
	if (b != p->between)
		translator_forget(p, false);
	p->between = b;
	p->sent.era = b ? s->server.era : p->era;
	return b ? b->by->prepare(b, p) : PREPARED;
}

void outgoing_start(struct outgoing *p)
{
	struct session *s = p->s;
	struct err e = { 0 };

	if (s->client.ended && p->is.endless) {
		/* It was still waiting to be sent when the input ended. */
		outgoing_close(p);
		outgoing_free(p);
		return;
	}
	if (settle_era(p) == ELSEWHERE)
		return;
	/* What is left of a try in the other era. */
	if (p->sent.era == p->era)
		message_free(&p->sent.changed);
	if (!era_is_stateless(p->sent.era)) {
		http_fields_free(p->sent.fields);
		p->sent.fields = NULL;
	}
	if (add_fields(p, &e)) {
		start_exchange(p);
		return;
	}
	outgoing_give_up(p, &e);
}

/* ---- messages of our own ---- */

struct outgoing *outgoing_ask(struct session *s, struct buf *body, outgoing_answer_fn *fn)
{
	struct outgoing *p = outgoing_new(s, OUTGOING_INTERNAL);

	if (message_read(&p->message, body))
		p->era = era_of(&p->message);
	p->ask.fn = fn;
	return p;
}

void outgoing_tell(struct session *s, const char *body, size_t n)
{
	struct outgoing *p = outgoing_new(s, OUTGOING_INTERNAL);
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (s->queue.in_flight >= TELLING_MAX || !buf_add(&b, body, n) ||
		!message_read(&p->message, &b)) {
		diag_note("a message to the server is lost: too many are under way");
		outgoing_free(p);
		return;
	}
	outgoing_start(p);
}

/* ---- for translators ---- */

struct session *outgoing_session(const struct outgoing *p)
{
	return p->s;
}

enum outgoing_kind outgoing_kind(const struct outgoing *p)
{
	return p->kind;
}

const struct message *outgoing_message(const struct outgoing *p)
{
	return &p->message;
}

bool outgoing_change(struct outgoing *p, struct buf *text)
{
	return message_read(&p->sent.changed, text);
}

struct span outgoing_id(const struct outgoing *p)
{
	const struct buf *id = &p->sent.id;

	return id->len ? (struct span){ id->p, id->len } : (struct span){ 0 };
}

bool outgoing_set_id(struct outgoing *p, struct span id)
{
	buf_reset(&p->sent.id);
	return !id.p || buf_add(&p->sent.id, id.p, id.n);
}

bool outgoing_in_this_session(const struct outgoing *p)
{
	return p->sent.opening == p->s->handshake.opening && !p->s->reopening.lost;
}

struct between *outgoing_between(const struct outgoing *p)
{
	return p->between;
}

void outgoing_set_between(struct outgoing *p, struct between *b)
{
	p->between = b;
}

void *outgoing_translation(const struct outgoing *p)
{
	return p->translation;
}

void outgoing_set_translation(struct outgoing *p, void *translation)
{
	p->translation = translation;
}

void outgoing_set_endless(struct outgoing *p)
{
	p->is.endless = true;
}

void outgoing_set_ctx(struct outgoing *p, void *ctx)
{
	p->ask.ctx = ctx;
}

void *outgoing_ctx(const struct outgoing *p)
{
	return p->ask.ctx;
}
