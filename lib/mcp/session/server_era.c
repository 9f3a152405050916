#include "base/diag.h"
#include "mcp/http/error_text.h"
#include "mcp/json/walk.h"
#include "mcp/session/session_impl.h"

/* ---- what is known of it ---- */

struct between *server_era_between(struct session *s, enum era client)
{
	if (s->server.era == client || s->server.era == ERA_UNKNOWN || client == ERA_UNKNOWN)
		return NULL;
	return translator_use(s, client);
}

void server_era_is(struct session *s, enum era era)
{
	s->server.recalled = false;
	if (s->server.era == era || s->server.fixed)
		return;
	if (era_word(era))
		diag_debug("the server is of the %s era", era_word(era));
	s->server.era = era;
	if (s->translators.now && (era == ERA_UNKNOWN || s->translators.now->client == era))
		translator_leave(s);
}

bool server_era_is_fixed(const struct session *s)
{
	return s->server.fixed;
}

void server_era_learned(struct session *s, enum era era)
{
	s->on->learned(s->ctx, era);
}

void server_era_opened(struct session *s)
{
	server_era_is(s, ERA_LEGACY);
	if (s->translators.all)
		s->on->learned(s->ctx, ERA_LEGACY);
}

/* There are no sessions any more. A client that opened one is translated for from here on. */
static void went_modern(struct session *s, enum era client)
{
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	server_era_is(s, ERA_MODERN);
	s->on->learned(s->ctx, ERA_MODERN);
	buf_reset(&s->handshake.hello);
	if (server_era_between(s, client))
		translator_reopened(s);
}

enum taken server_era_refused_session(struct session *s, const struct message *m)
{
	if (!m->error.p || !era_refusal_is_modern(m->error) || s->server.fixed)
		return NOT_TAKEN;
	went_modern(s, s->translators.now ? s->translators.now->client : ERA_LEGACY);
	return TAKEN;
}

/* ---- what an answer shows ---- */

static bool is_discover(struct outgoing *p)
{
	return p->message.method == METHOD_SERVER_DISCOVER;
}

/* It did not wait for what becomes of its modern request: nobody opens a session on its behalf. */
static bool client_opens(const struct session *s)
{
	return s->client.opened ||
	       (s->handshake.opener && s->handshake.opener->kind == OUTGOING_INITIALIZE);
}

/* Sent as a modern request, and not to a server that must be a modern one. */
static bool may_show_legacy(const struct outgoing *p)
{
	const struct session *s = p->s;

	return p->sent.era == ERA_MODERN && p->kind == OUTGOING_MESSAGE && !p->tried.reopened &&
	       !s->server.fixed &&
	       (p->era == ERA_MODERN ? !client_opens(s) : s->handshake.initialize.whole.n > 0);
}

/* Nothing sure is known of it; once there is, only the plainest words say that it has changed. */
static bool is_sure(const struct session *s)
{
	return s->server.era == ERA_MODERN && !s->server.recalled;
}

/* Its words are those of a server that knows only sessions. */
static bool is_of_legacy(struct span error)
{
	switch (era_error_code(error)) {
	case ERA_HEADER_MISMATCH:
	case ERA_MISSING_CAPABILITY:
	case ERA_UNSUPPORTED_VERSION:
	case -32601:
	case -32602:
	case -32603: /* these come from behind the transport, where words may be about anything */
		return false;
	default:
		return error_text_era(error) != ERROR_ERA_UNTOLD;
	}
}

/* Does this refusal of a modern request show that the server is a legacy one? error {NULL}: there
 * was no JSON-RPC error at all. */
static bool shows_legacy(struct outgoing *p, struct span error, long status)
{
	bool discover;

	if (!may_show_legacy(p))
		return false;
	if (is_sure(p->s) || p->era == ERA_LEGACY)
		return error.p && status >= 400 && status < 500 && is_of_legacy(error);
	discover = is_discover(p);
	if (error.p && era_refusal_is_of_modern(error, status, discover))
		return false;
	switch (status) {
	case 400:
	case 404:
	case 405:
	case 406:
	case 415:
	case 422:
	case 501:
		return true;
	case 200:
		return error.p && (discover || era_error_code(error) == -32601 ||
					  error_text_era(error) == ERROR_ERA_INITIALIZE);
	default:
		return false;
	}
}

/* Some legacy servers answer whatever they do not know with an empty result. */
static bool is_no_discovery(struct outgoing *p, const struct message *m)
{
	return may_show_legacy(p) && !is_sure(p->s) && is_discover(p) &&
	       walk_type(walk_get(m->result, "supportedVersions", NULL)) != WALK_ARRAY;
}

/* It waits for a session. For a client that knows none, whoever translates opens one. */
static void fall_back(struct outgoing *p)
{
	struct session *s = p->s;

	server_era_is(s, ERA_LEGACY);
	p->tried.reopened = true;
	queue_add(p, true);
	if (p->era == ERA_LEGACY && s->handshake.state == STATE_OPEN && !s->reopening.lost &&
		!transport_version(s->transport))
		session_reopen(s);
}

/* Sent in a session, or without one to a server that once had them, and refused as no legacy server
 * refuses: another one stands there by now. */
static bool shows_modern(const struct outgoing *p, struct span error, long status)
{
	return p->sent.era == ERA_LEGACY && p->kind == OUTGOING_MESSAGE && p->owed.n == 1 &&
	       !p->tried.reopened && !p->s->server.fixed && p->s->handshake.initialize.whole.p &&
	       era_refusal_demands_modern(error, status);
}

/* A translated request was refused in our revision by a server that names this very revision: it was
 * not ready, perhaps. Once more; the client could make nothing of the error. */
static enum taken again_as_told(struct outgoing *p, struct span error)
{
	if (p->tried.corrected || p->sent.era != ERA_MODERN || p->era != ERA_LEGACY ||
		p->kind != OUTGOING_MESSAGE || era_error_code(error) != ERA_UNSUPPORTED_VERSION ||
		!era_supports(error, ERA_MODERN_VERSION))
		return NOT_TAKEN;
	p->tried.corrected = true;
	queue_add(p, true);
	return TAKEN;
}

static void go_forward(struct outgoing *p)
{
	struct session *s = p->s;

	p->tried.reopened = true;
	queue_add(p, true);
	if (s->server.era != ERA_MODERN)
		went_modern(s, p->era);
}

/* Legacy servers know neither resultType nor these errors. */
void server_era_note(struct outgoing *p, const struct message *m)
{
	if (p->era != ERA_MODERN || p->sent.era != ERA_MODERN || p->s->server.era == ERA_MODERN)
		return;
	if (m->result.p ? walk_get(m->result, "resultType", NULL).p != NULL
			: era_refusal_is_of_modern(m->error, 0, false))
		server_era_is(p->s, ERA_MODERN);
}

enum taken server_era_greeted(struct outgoing *p, const struct message *m)
{
	struct session *s = p->s;
	struct between *b;

	if (m->result.p) {
		handshake_negotiated(p, m);
		s->client.opened = true;
		translator_leave(s);
	} else if (!s->server.fixed && era_refusal_is_modern(m->error) &&
		   (b = translator_use(s, ERA_LEGACY))) {
		p->between = b;
		b->by->refused(b, p, m);
		return TAKEN;
	}
	handshake_over(s, p);
	return NOT_TAKEN;
}

enum taken server_era_turned(struct outgoing *p, const struct message *m, long status)
{
	if (m->error.p ? shows_legacy(p, m->error, status) : is_no_discovery(p, m))
		fall_back(p);
	else if (m->error.p && shows_modern(p, m->error, status))
		go_forward(p);
	else
		return m->error.p ? again_as_told(p, m->error) : NOT_TAKEN;
	return TAKEN;
}

enum taken server_era_refused(struct outgoing *p, long status)
{
	if (!shows_legacy(p, (struct span){ 0 }, status))
		return NOT_TAKEN;
	fall_back(p);
	return TAKEN;
}
