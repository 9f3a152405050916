#include "mcp/session/handshake.h"

#include <string.h>

#include "base/diag.h"
#include "mcp/json/walk.h"
#include "mcp/session/session_impl.h"

void handshake_begin(struct outgoing *p)
{
	struct session *s = p->s;

	if (p->kind == OUTGOING_INITIALIZE) {
		transport_unlisten(s->transport);
		transport_forget_session(s->transport);
		s->handshake.state = STATE_INITIALIZE;
		s->handshake.opener = p;
		s->handshake.greeted = false;
		s->reopening.lost = false;
	} else if (p->kind == OUTGOING_INITIALIZED && !era_is_stateless(s->server.era) &&
		   !p->tried.times) {
		s->handshake.state = STATE_INITIALIZED;
		s->handshake.opener = p;
		s->handshake.greeted = true;
		greeting_begins(s);
	}
}

void handshake_over(struct session *s, const struct outgoing *p)
{
	if (s->handshake.opener != p)
		return;
	s->handshake.opener = NULL;
	s->handshake.state = STATE_OPEN;
	loop_timer_clear(&s->handshake.timer);
	queue_pump(s);
}

void handshake_negotiated(struct outgoing *p, const struct message *m)
{
	struct session *s = p->s;
	struct span v = walk_get(m->result, "protocolVersion", NULL);
	const char *id = exchange_new_session(p->x);
	struct buf version;
	struct err e = { 0 };

	buf_init(&version, 64);
	if (v.p && walk_string(v, &version) &&
		!transport_set_version(s->transport, buf_str(&version), &e))
		diag_note("%s", err_text(&e));
	if (!transport_set_session(s->transport, id, &e))
		diag_note("%s", err_text(&e));
	s->handshake.batches = strcmp(buf_str(&version), "2025-03-26") == 0;
	s->handshake.opening++;
	s->handshake.proven = false;
	server_era_opened(s);
	strset_clear(&s->server.readers);
	if (s->policy)
		policy_forget(s->policy);
	buf_reset(&s->handshake.hello);
	if (s->translators.now && !buf_add(&s->handshake.hello, m->result.p, m->result.n))
		diag_error("out of memory");
	diag_debug("revision %s, %s session id", buf_str(&version), id ? "with" : "no");
	buf_free(&version);
}

void handshake_listen(struct session *s)
{
	if (!s->server.asks_only)
		transport_listen(s->transport);
}

void handshake_clear(struct handshake *h)
{
	loop_timer_clear(&h->timer);
	message_free(&h->initialize);
	buf_free(&h->hello);
}

/* ---- for clients of the other era ---- */

const struct message *handshake_initialize(const struct session *s)
{
	return s->handshake.initialize.whole.p ? &s->handshake.initialize : NULL;
}

struct span handshake_hello(const struct session *s)
{
	const struct buf *b = &s->handshake.hello;

	return b->len ? (struct span){ b->p, b->len } : (struct span){ 0 };
}

bool handshake_is_greeted(const struct session *s)
{
	return s->handshake.greeted;
}

void handshake_greet(struct session *s)
{
	s->handshake.greeted = true;
}

void handshake_answered(struct session *s, struct span version)
{
	s->handshake.batches = walk_string_is(version, "2025-03-26");
	s->client.opened = true;
}

bool handshake_open_for(struct outgoing *p, struct buf *initialize)
{
	struct session *s = p->s;

	p->tried.reopened = true;
	if (s->reopening.lost) {
		buf_free(initialize);
	} else {
		buf_reset(&s->handshake.hello);
		s->handshake.greeted = true;
		if (!message_read(&s->handshake.initialize, initialize))
			return false;
	}
	queue_add(p, true);
	if (s->handshake.state == STATE_OPEN && !s->reopening.lost)
		session_reopen(s);
	return true;
}
