#include "mcp/session/session.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/session/session_impl.h"

/* ---- life ---- */

struct session *session_new(
	struct loop *l, struct lines_out *out, const struct session_events *on, void *ctx)
{
	struct session *s = mem_new(sizeof(*s));

	s->loop = l;
	s->out = out;
	s->on = on;
	s->ctx = ctx;
	client_info_read((struct span){ 0 }, &s->client.info);
	pending_init(&s->calls);
	buf_init(&s->handshake.hello, MESSAGE_MAX);
	queue_init(s);
	reopen_init(s);
	loop_timer_init(&s->person.timer, l, session_patience_due, s);
	return s;
}

void session_attach(struct session *s, struct transport *t)
{
	s->transport = t;
}

void session_set_translators(struct session *s, translator_new_fn *fn)
{
	s->translators.make = fn;
}

void session_set_policy(struct session *s, struct policy *p)
{
	s->policy = p;
}

void session_set_era(struct session *s, enum era era, bool sure)
{
	s->server.era = era;
	s->server.fixed = sure;
	s->server.recalled = !sure && era != ERA_UNKNOWN;
}

void session_set_call_log(struct session *s, struct call_log *l)
{
	s->call_log = l;
}

void session_asks_only(struct session *s)
{
	s->server.asks_only = true;
}

enum era session_era(const struct session *s)
{
	return s->server.era;
}

bool session_own_id(struct session *s, struct buf *out)
{
	return buf_addf(out, "\"mpmcp:%lu\"", session_serial(s));
}

unsigned long session_serial(struct session *s)
{
	return ++s->serial;
}

struct loop *session_loop(const struct session *s)
{
	return s->loop;
}

struct kept *session_kept(struct session *s)
{
	return &s->client.kept;
}

bool session_input_ended(const struct session *s)
{
	return s->client.ended;
}

bool session_hears(const struct session *s)
{
	return !s->server.asks_only;
}

void session_question_put(struct session *s)
{
	s->client.questions++;
}

void session_question_over(struct session *s)
{
	if (s->client.questions)
		s->client.questions--;
}

void session_output_drained(struct session *s)
{
	s->queue.own_answers = 0;
	queue_check_input(s);
}

bool session_idle(const struct session *s)
{
	return queue_is_empty(&s->queue);
}

/* ---- the end ---- */

static void fail_list(struct outgoing_list *l, const struct err *e)
{
	for (struct outgoing *p = l->first; p; p = p->at.next)
		owed_fail_all(p, e, NULL);
}

void session_fail_all(struct session *s, const struct err *e)
{
	fail_list(&s->queue.active, e);
	fail_list(&s->queue.waiting, e);
	fail_list(&s->queue.parked, e);
}

void session_end_input(struct session *s)
{
	s->client.ended = true;
	for (struct outgoing *p = s->queue.active.first, *next; p; p = next) {
		next = p->at.next;
		if (!p->is.endless)
			continue;
		outgoing_close(p);
		outgoing_drop(p);
	}
	translator_end_input(s);
	queue_pump(s);
}

void session_free(struct session *s)
{
	if (!s)
		return;
	queue_drop_all(&s->queue);
	translators_free(s);
	toolbook_free(s->server.tools);
	strset_clear(&s->server.readers);
	queue_clear(&s->queue);
	handshake_clear(&s->handshake);
	loop_timer_clear(&s->person.timer);
	kept_clear(&s->client.kept);
	pending_clear(&s->calls);
	mem_pool_clear(&s->spare);
	free(s);
}
