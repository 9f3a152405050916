#include "base/diag.h"
#include "mcp/http/error_text.h"
#include "mcp/json/walk.h"
#include "mcp/session/session_impl.h"

/* ---- what is known of it ---- */

struct between *server_era_between(struct session *s, enum era client)
{
	if (s->server == client || s->server == ERA_UNKNOWN || client == ERA_UNKNOWN)
		return NULL;
	return translator_use(s, client);
}

void server_era_is(struct session *s, enum era era)
{
	s->server_recalled = false;
	if (s->server == era || s->server_fixed)
		return;
	if (era_word(era))
		diag_debug("the server is of the %s era", era_word(era));
	s->server = era;
	if (s->between && (era == ERA_UNKNOWN || s->between->client == era))
		translator_leave(s);
}

void server_era_opened(struct session *s)
{
	server_era_is(s, ERA_LEGACY);
	if (s->translators)
		s->on->learned(s->ctx, ERA_LEGACY);
}

/* There are no sessions any more. A client that opened one is translated for from here on. */
static void went_modern(struct session *s, enum era client)
{
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	server_era_is(s, ERA_MODERN);
	s->on->learned(s->ctx, ERA_MODERN);
	buf_reset(&s->hello);
	if (server_era_between(s, client))
		translator_reopened(s);
}

enum taken server_era_refused_session(struct session *s, const struct message *m)
{
	if (!m->error.p || !era_refusal_is_modern(m->error) || s->server_fixed)
		return NOT_TAKEN;
	went_modern(s, s->between ? s->between->client : ERA_LEGACY);
	return TAKEN;
}

/* ---- what an answer shows ---- */

static bool is_discover(struct post *p)
{
	return p->message.method == METHOD_SERVER_DISCOVER;
}

/* It did not wait for what becomes of its modern request: nobody opens a session on its behalf. */
static bool client_opens(const struct session *s)
{
	return s->client_opened || (s->opener && s->opener->kind == POST_INITIALIZE);
}

/* Sent as a modern request, and not to a server that must be a modern one. */
static bool may_show_legacy(const struct post *p)
{
	const struct session *s = p->s;

	return p->wire == ERA_MODERN && p->kind == POST_MESSAGE && !p->reopened &&
	       !s->server_fixed &&
	       (p->era == ERA_MODERN ? !client_opens(s) : s->initialize.whole.n > 0);
}

/* Nothing sure is known of it; once there is, only the plainest words say that it has changed. */
static bool is_sure(const struct session *s)
{
	return s->server == ERA_MODERN && !s->server_recalled;
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
static bool shows_legacy(struct post *p, struct span error, long status)
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
static bool is_no_discovery(struct post *p, const struct message *m)
{
	return may_show_legacy(p) && !is_sure(p->s) && is_discover(p) &&
	       walk_type(walk_get(m->result, "supportedVersions", NULL)) != WALK_ARRAY;
}

/* It waits for a session. For a client that knows none, whoever translates opens one. */
static void fall_back(struct post *p)
{
	struct session *s = p->s;

	server_era_is(s, ERA_LEGACY);
	p->reopened = true;
	post_enqueue(p, true);
	if (p->era == ERA_LEGACY && s->state == STATE_OPEN && !s->lost &&
		!transport_version(s->transport))
		session_reopen(s);
}

/* Sent in a session, or without one to a server that once had them, and refused as no legacy server
 * refuses: another one stands there by now. */
static bool shows_modern(const struct post *p, struct span error, long status)
{
	return p->wire == ERA_LEGACY && p->kind == POST_MESSAGE && p->ncalls == 1 && !p->reopened &&
	       !p->s->server_fixed && p->s->initialize.whole.p &&
	       era_refusal_demands_modern(error, status);
}

/* A translated request was refused in our revision by a server that names this very revision: it was
 * not ready, perhaps. Once more; the client could make nothing of the error. */
static enum taken again_as_told(struct post *p, struct span error)
{
	if (p->corrected || p->wire != ERA_MODERN || p->era != ERA_LEGACY ||
		p->kind != POST_MESSAGE || era_error_code(error) != ERA_UNSUPPORTED_VERSION ||
		!era_supports(error, ERA_MODERN_VERSION))
		return NOT_TAKEN;
	p->corrected = true;
	post_enqueue(p, true);
	return TAKEN;
}

static void go_forward(struct post *p)
{
	struct session *s = p->s;

	p->reopened = true;
	post_enqueue(p, true);
	if (s->server != ERA_MODERN)
		went_modern(s, p->era);
}

/* Legacy servers know neither resultType nor these errors. */
void server_era_note(struct post *p, const struct message *m)
{
	if (p->era != ERA_MODERN || p->wire != ERA_MODERN || p->s->server == ERA_MODERN)
		return;
	if (m->result.p ? walk_get(m->result, "resultType", NULL).p != NULL
			: era_refusal_is_of_modern(m->error, 0, false))
		server_era_is(p->s, ERA_MODERN);
}

enum taken server_era_greeted(struct post *p, const struct message *m)
{
	struct session *s = p->s;
	struct between *b;

	if (m->result.p) {
		session_negotiated(p, m);
		s->client_opened = true;
		translator_leave(s);
	} else if (!s->server_fixed && era_refusal_is_modern(m->error) &&
		   (b = translator_use(s, ERA_LEGACY))) {
		p->between = b;
		b->by->refused(b, p, m);
		return TAKEN;
	}
	session_opened(s, p);
	return NOT_TAKEN;
}

enum taken server_era_turned(struct post *p, const struct message *m, long status)
{
	if (m->error.p ? shows_legacy(p, m->error, status) : is_no_discovery(p, m))
		fall_back(p);
	else if (m->error.p && shows_modern(p, m->error, status))
		go_forward(p);
	else
		return m->error.p ? again_as_told(p, m->error) : NOT_TAKEN;
	return TAKEN;
}

enum taken server_era_refused(struct post *p, long status)
{
	if (!shows_legacy(p, (struct span){ 0 }, status))
		return NOT_TAKEN;
	fall_back(p);
	return TAKEN;
}
