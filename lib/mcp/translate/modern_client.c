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

/* What the server was told: nothing yet. */
#define LEVEL_NONE 8

static struct modern_client *get(struct between *b)
{
	return (struct modern_client *)b;
}

struct modern_client *modern_of(const struct outgoing *p)
{
	return get(outgoing_between(p));
}

struct between *modern_client_new(struct session *s)
{
	struct modern_client *c = mem_new(sizeof(*c));

	c->between =
		(struct between){ .by = &modern_client_translator, .s = s, .client = ERA_MODERN };
	c->log_level = LEVEL_NONE;
	return &c->between;
}

/* Of the legacy server. */
struct span modern_capabilities(const struct session *s)
{
	return walk_get(handshake_hello(s), "capabilities", NULL);
}

/* ---- a session for a client that knows none ---- */

/* p was answered. One that is under way ends with its exchange, whose callback may be running. */
static void over(struct outgoing *p)
{
	if (queue_place(p) == PLACE_ACTIVE)
		outgoing_answered(p);
	else
		outgoing_drop(p);
}

/* Protocol Version Negotiation. */
static enum prepared check_revision(struct outgoing *p)
{
	struct span version =
		walk_path(outgoing_message(p)->params, "_meta", era_version_key, (char *)NULL);
	struct buf b;

	if (!owed_is_call(p) || walk_string_is(version, ERA_MODERN_VERSION))
		return PREPARED;
	buf_init(&b, MESSAGE_MAX);
	owed_text(owed_request(p),
		era_unsupported(&b, owed_id(owed_request(p)), version) ? &b : NULL);
	buf_free(&b);
	over(p);
	return ELSEWHERE;
}

/* p waits for a session that is opened with what it says of its client. */
static void open_session(struct outgoing *p)
{
	struct err e = { 0 };
	struct buf body;

	server_era_is(outgoing_session(p), ERA_LEGACY);
	if (check_revision(p) == ELSEWHERE)
		return;
	buf_init(&body, MESSAGE_MAX);
	if (era_initialize(&body, "mpmcp:initialize", outgoing_message(p)->params) &&
		handshake_open_for(p, &body))
		return;
	buf_free(&body);
	err_set(&e, ERR_LIMIT, "out of memory");
	owed_fail_all(p, &e, NULL);
	over(p);
}

/* ---- other notifications of the server ---- */

/* Log messages are for requests that asked for them. One on the GET stream may belong to any, also to
 * one whose answer was quicker on its own stream: it is for whoever asked before. */
static bool wants_log(
	const struct modern_client *c, const struct outgoing *from, const struct message *m)
{
	int level = era_log_level(walk_get(m->params, "level", NULL));

	if (from)
		return modern_input_level(from) >= 0 && level >= modern_input_level(from);
	return level >= c->log_level;
}

static enum taken modern_notified(
	struct between *b, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct modern_client *c = get(b);

	if (modern_subscriptions_changed(c, m) == TAKEN)
		return TAKEN;
	if (m->method == METHOD_NOTICE_PROGRESS)
		return modern_input_progress(b->s, in, from, m);
	if (m->method == METHOD_NOTICE_MESSAGE)
		return wants_log(c, from, m) ? NOT_TAKEN : TAKEN;
	if (m->method == METHOD_NOTICE_CANCELLED) {
		modern_input_withdrawn(from, m);
		return TAKEN;
	}
	/* Only what belongs to a request may be said to a modern client without its asking. */
	return !from || m->method == METHOD_NOTICE_ELICITATION_COMPLETE ||
			       m->method == METHOD_NOTICE_TASKS_STATUS
		       ? TAKEN
		       : NOT_TAKEN;
}

/* ---- requests of the client ---- */

static void level_set(struct outgoing *p, const struct message *m, const struct err *why)
{
	(void)p, (void)m, (void)why; /* whoever waits goes on, with fewer messages at worst */
}

/* The server has one level for the session: it is told when a request wants more than that. */
static struct outgoing *ask_level(struct modern_client *c, struct span level, int n)
{
	struct session *s = c->between.s;
	struct outgoing *p = NULL;
	struct buf b;

	if (n < 0 || n >= c->log_level ||
		walk_type(walk_get(modern_capabilities(s), "logging", NULL)) != WALK_OBJECT)
		return NULL;
	c->log_level = n;
	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
		buf_adds(&b, ",\"method\":\"logging/setLevel\",\"params\":{\"level\":") &&
		buf_add(&b, level.p, level.n) && buf_adds(&b, "}}")) {
		p = outgoing_ask(s, &b, level_set);
		outgoing_start(p);
	}
	buf_free(&b);
	return p;
}

static void answer_discover(struct outgoing *p)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (era_discover_answer(
		    &b, owed_id(owed_request(p)), handshake_hello(outgoing_session(p)))) {
		owed_text(owed_request(p), &b);
	} else {
		err_set(&e, ERR_LIMIT,
			"the server's description of itself is too long to be translated");
		owed_fail_all(p, &e, NULL);
	}
	buf_free(&b);
	outgoing_free(p);
}

static bool translate(struct outgoing *p, const struct message *m)
{
	struct edits e = { 0 };
	struct buf text;

	buf_init(&text, MESSAGE_MAX);
	era_drop_meta(&e, m);
	if (edit_apply(&e, m->whole, &text))
		return outgoing_change(p, &text);
	buf_free(&text);
	return false;
}

static enum prepared modern_prepare(struct between *b, struct outgoing *p)
{
	struct modern_client *c = get(b);
	const struct message *m = outgoing_message(p);
	struct span level;
	struct outgoing *first;
	struct err e = { 0 };
	int n;

	if (!handshake_hello(b->s).p) {
		open_session(p);
		return ELSEWHERE;
	}
	if (check_revision(p) == ELSEWHERE)
		return ELSEWHERE;
	if (m->method == METHOD_SERVER_DISCOVER) {
		answer_discover(p);
		return ELSEWHERE;
	}
	if (m->method == METHOD_SUBSCRIPTIONS_LISTEN) {
		modern_subscriptions_add(p, m);
		return ELSEWHERE;
	}
	level = walk_path(m->params, "_meta", era_log_key, (char *)NULL);
	n = era_log_level(level);
	modern_input_set_level(p, n);
	first = ask_level(c, level, n);
	if (first) {
		queue_park_behind(p, first);
		return ELSEWHERE;
	}
	if (translate(p, m))
		return PREPARED;
	err_set(&e, ERR_LIMIT, "the request is too long to be translated");
	owed_fail_all(p, &e, NULL);
	outgoing_free(p);
	return ELSEWHERE;
}

void modern_answer(struct owed_request *c, struct incoming *in, const struct message *m)
{
	static const char invalid_params[] = "-32602";
	struct edits e = { 0 };
	struct span code = walk_get(m->error, "code", NULL);

	if (m->result.p)
		era_result_to_modern(&e, m->result, outgoing_message(owed_of(c)));
	else if (walk_type(code) == WALK_NUMBER && era_error_code(m->error) == -32002)
		edit_replace(&e, code, (struct span){ invalid_params, sizeof(invalid_params) - 1 });
	owed_answer(c, in, m, &e);
}

static enum taken modern_answered(
	struct owed_request *c, struct incoming *in, const struct message *m)
{
	modern_answer(c, in, m);
	return TAKEN;
}

/* ---- the end ---- */

static void modern_forget(struct outgoing *p, bool tell)
{
	(void)tell; /* the client is told by its questions' end */
	modern_input_free(p);
	modern_subscriptions_forget(modern_of(p), p);
}

static void modern_reopened(struct between *b)
{
	get(b)->log_level = LEVEL_NONE;
	modern_subscriptions_watch_again(get(b));
}

/* What was made of the server's session is over. */
static void modern_end(struct between *b)
{
	modern_subscriptions_end(get(b));
	modern_input_end_all(b->s);
	get(b)->log_level = LEVEL_NONE;
}

static void modern_free(struct between *b)
{
	free(get(b));
}

const struct translator modern_client_translator = {
	.prepare = modern_prepare,
	.answer = modern_answered,
	.asked = modern_input_asked,
	.notified = modern_notified,
	.resumed = modern_input_resumed,
	.cancelled = modern_subscriptions_cancelled,
	.keep = modern_input_keep,
	.stays = modern_input_stays,
	.forget = modern_forget,
	.reopened = modern_reopened,
	.end_input = modern_end,
	.leave = modern_end,
	.free = modern_free,
};
