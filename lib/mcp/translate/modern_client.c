/*
 * A client of 2026-07-28 in front of a server that knows only sessions. One
 * session is opened on the client's behalf and kept for the process;
 * server/discover is answered from it, requests lose what only the modern era
 * knows, results gain what it demands. A question of the server becomes a
 * result that requires input, and goes on when the client comes back with it
 * (Multi Round-Trip Requests); subscriptions are served from the GET stream.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/modern_impl.h"
#include "mcp/json/walk.h"

static struct modern_client *get(struct session *s)
{
	if (!s->modern) {
		s->modern = mem_new(sizeof(*s->modern));
		s->modern->s = s;
		s->modern->log_level = 8;
	}
	return s->modern;
}

/* Of the legacy server. */
struct span modern_capabilities(const struct session *s)
{
	return walk_get((struct span){ s->hello.p, s->hello.len }, "capabilities", NULL);
}

static bool body_envelope(struct post *p, struct message *m)
{
	return message_scan(p->body.p, p->body.len, m, NULL) == MESSAGE_OK;
}

/* ---- a session for a client that knows none ---- */

static bool make_initialize(struct post *p)
{
	struct session *s = p->s;
	struct message m;

	buf_free(&s->initialize);
	buf_reset(&s->hello);
	s->greeted = true;
	return body_envelope(p, &m) && era_initialize(&s->initialize, "mpmcp:initialize", m.params);
}

/* p was answered. One that is under way ends with its exchange, whose callback may be running. */
static void over(struct post *p)
{
	if (p->place == PLACE_ACTIVE)
		post_answered(p);
	else
		post_drop(p);
}

/* False when p was answered: Protocol Version Negotiation. */
static bool check_revision(struct post *p)
{
	struct message m;
	struct span version = { 0 };
	struct buf b;

	if (body_envelope(p, &m))
		version = walk_path(m.params, "_meta", era_version_key, (char *)NULL);
	if (!p->ncalls || walk_string_is(version, ERA_MODERN_VERSION))
		return true;
	buf_init(&b, MESSAGE_MAX);
	owed_text(&p->one, era_unsupported(&b, p->one.pending.id, version) ? &b : NULL);
	buf_free(&b);
	over(p);
	return false;
}

void modern_client_fall_back(struct post *p)
{
	struct session *s = p->s;
	struct err e = { 0 };

	session_server_is(s, ERA_LEGACY);
	if (!check_revision(p))
		return;
	get(s);
	p->reopened = true;
	if (!s->hello.len && !s->lost && !make_initialize(p)) {
		err_set(&e, ERR_LIMIT, "out of memory");
		post_fail(p, &e, NULL);
		over(p);
		return;
	}
	post_enqueue(p, true);
	if (!s->hello.len && s->state == STATE_OPEN && !s->lost)
		session_reopen(s);
}

/* ---- other notifications of the server ---- */

/* Log messages are for requests that asked for them. One on the GET stream may belong to any, also to
 * one whose answer was quicker on its own stream: it is for whoever asked before. */
static bool wants_log(const struct session *s, const struct post *from, const struct message *m)
{
	int level = era_log_level(walk_get(m->params, "level", NULL));

	if (from)
		return from->log_level >= 0 && level >= from->log_level;
	return level >= s->modern->log_level;
}

bool modern_client_notified(
	struct session *s, struct incoming *in, struct post *from, const struct message *m)
{
	if (modern_subscriptions_changed(s->modern, m))
		return true;
	if (message_method_is(m, "notifications/progress"))
		return modern_input_progress(s, in, from, m);
	if (message_method_is(m, "notifications/message"))
		return !wants_log(s, from, m);
	if (message_method_is(m, "notifications/cancelled")) {
		modern_input_withdrawn(from, m);
		return true;
	}
	/* Only what belongs to a request may be said to a modern client without its asking. */
	return !from || message_method_is(m, "notifications/elicitation/complete") ||
	       message_method_is(m, "notifications/tasks/status");
}

/* ---- requests of the client ---- */

static void level_set(struct post *p, const struct message *m, const struct err *why)
{
	(void)p, (void)m, (void)why; /* whoever waits goes on, with fewer messages at worst */
}

/* The server has one level for the session: it is told when a request wants more than that. */
static struct post *ask_level(struct modern_client *c, struct span level, int n)
{
	struct post *p = NULL;
	struct buf b;

	if (n < 0 || n >= c->log_level ||
		walk_type(walk_get(modern_capabilities(c->s), "logging", NULL)) != WALK_OBJECT)
		return NULL;
	c->log_level = n;
	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(c->s, &b) &&
		buf_adds(&b, ",\"method\":\"logging/setLevel\",\"params\":{\"level\":") &&
		buf_add(&b, level.p, level.n) && buf_adds(&b, "}}")) {
		p = session_ask(c->s, &b, ERA_LEGACY, level_set);
		post_start(p);
	}
	buf_free(&b);
	return p;
}

static void answer_discover(struct post *p)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (era_discover_answer(
		    &b, p->one.pending.id, (struct span){ p->s->hello.p, p->s->hello.len })) {
		owed_text(&p->one, &b);
	} else {
		err_set(&e, ERR_LIMIT,
			"what the server says of itself is too long to be translated");
		post_fail(p, &e, NULL);
	}
	buf_free(&b);
	post_free(p);
}

static bool translate(struct post *p, const struct message *m)
{
	struct edits e = { 0 };

	buf_reset(&p->sent);
	era_drop_meta(&e, m);
	return edit_apply(&e, m->whole, &p->sent);
}

bool modern_client_prepare(struct post *p)
{
	struct modern_client *c = get(p->s);
	struct session *s = p->s;
	struct message m;
	struct span level;
	struct post *first;
	struct err e = { 0 };

	if (!s->hello.len) {
		modern_client_fall_back(p);
		return false;
	}
	if (!body_envelope(p, &m))
		return true; /* never: it was scanned before */
	if (!check_revision(p))
		return false;
	if (message_method_is(&m, "server/discover")) {
		answer_discover(p);
		return false;
	}
	if (message_method_is(&m, "subscriptions/listen")) {
		modern_subscriptions_add(p, &m);
		return false;
	}
	level = walk_path(m.params, "_meta", era_log_key, (char *)NULL);
	p->log_level = era_log_level(level);
	first = ask_level(c, level, p->log_level);
	if (first) {
		post_park(p);
		p->held_by = first;
		return false;
	}
	if (translate(p, &m))
		return true;
	err_set(&e, ERR_LIMIT, "the request is too long to be translated");
	post_fail(p, &e, NULL);
	post_free(p);
	return false;
}

bool modern_client_answer(struct call *c, struct incoming *in, const struct message *m)
{
	static const char invalid_params[] = "-32602";
	struct edits e = { 0 };
	struct message request;
	struct span code = walk_get(m->error, "code", NULL);

	if (!body_envelope(c->post, &request))
		return false;
	if (m->result.p)
		era_result_to_modern(&e, m->result, &request);
	else if (walk_type(code) == WALK_NUMBER && era_error_code(m->error) == -32002)
		edit_replace(&e, code, (struct span){ invalid_params, sizeof(invalid_params) - 1 });
	owed_answer(c, in, m, &e);
	return true;
}

/* ---- the end ---- */

void modern_client_forget(struct post *p)
{
	modern_input_free(p);
	if (p->s->modern)
		modern_subscriptions_forget(p->s->modern, p);
}

void modern_client_reopened(struct session *s)
{
	s->modern->log_level = 8;
	modern_subscriptions_watch_again(s->modern);
}

void modern_client_end_input(struct session *s)
{
	if (!s->modern)
		return;
	modern_subscriptions_end(s->modern);
	modern_input_end_all(s);
}

void modern_client_leave(struct session *s)
{
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	session_server_is(s, ERA_MODERN);
	s->on->learned(s->ctx, ERA_MODERN);
	buf_reset(&s->hello);
	modern_client_end_input(s);
}

void modern_client_free(struct session *s)
{
	struct modern_client *c = s->modern;

	if (!c)
		return;
	modern_subscriptions_end(c);
	modern_input_end_all(s);
	free(c);
	s->modern = NULL;
}
