/*
 * A legacy client in front of a server that knows only 2026-07-28. What the
 * client is used to is made of what the server has: initialize of
 * server/discover, revision and capabilities in every request, questions of
 * the server of results that require input (Multi Round-Trip Requests),
 * notifications of a subscription opened on the client's behalf.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/legacy_impl.h"
#include "mcp/json/walk.h"

static bool declares(struct span capabilities, const char *a, const char *b)
{
	struct span v = walk_get(capabilities, a, NULL);

	return walk_type(b ? walk_get(v, b, NULL) : v) == WALK_OBJECT;
}

/* What the client said of itself; params {NULL} when it never did. */
static void note_client(struct legacy_client *l, struct span params)
{
	struct span capabilities = walk_get(params, "capabilities", NULL);

	l->sampling = declares(capabilities, "sampling", NULL);
	l->roots = declares(capabilities, "roots", NULL);
	l->elicit_url = declares(capabilities, "elicitation", "url");
	/* An empty object means forms: that is all there was at first. */
	l->elicit_form = declares(capabilities, "elicitation", "form") ||
			 (declares(capabilities, "elicitation", NULL) && !l->elicit_url);
	buf_reset(&l->meta);
	if (!era_meta(&l->meta, params))
		diag_error("out of memory");
}

static struct legacy_client *get(struct between *b)
{
	return (struct legacy_client *)b;
}

struct legacy_client *legacy_of(const struct outgoing *p)
{
	return get(outgoing_between(p));
}

struct between *legacy_client_new(struct session *s)
{
	struct legacy_client *l = mem_new(sizeof(*l));

	l->between =
		(struct between){ .by = &legacy_client_translator, .s = s, .client = ERA_LEGACY };
	buf_init(&l->meta, MESSAGE_MAX);
	legacy_subscriptions_init(l);
	note_client(l, (struct span){ 0 });
	return &l->between;
}

static void legacy_free(struct between *b)
{
	struct legacy_client *l = get(b);

	loop_timer_clear(&l->timer);
	buf_free(&l->meta);
	message_free(&l->refusal);
	free(l);
}

/* ---- initialize ---- */

static bool ask_discover(struct legacy_client *l);

/* The client's initialize is answered with this message, whose id is put right. */
static void say_refusal(struct legacy_client *l)
{
	struct buf *bytes = &l->refusal.bytes;
	struct incoming in = { .p = bytes->p, .n = bytes->len, .whole = bytes };

	owed_answer(owed_request(l->hello), &in, &l->refusal, NULL);
}

static void hello_over(struct legacy_client *l)
{
	struct outgoing *p = l->hello;
	struct err e = { 0 };

	l->hello = NULL;
	err_set(&e, ERR_LIMIT,
		"initialize or its answer is too long to be translated, or there is no memory for "
		"it");
	owed_fail_all(p, &e, NULL); /* only when nothing else could be said */
	outgoing_drop(p);           /* and messages go as they come again */
}

static void note_server(struct legacy_client *l, struct span discovered)
{
	struct span c = walk_get(discovered, "capabilities", NULL);

	for (size_t i = 0; i < 3; i++)
		l->lists[i] = walk_true(
			walk_path(c, legacy_subscriptions_lists[i], "listChanged", (char *)NULL));
}

static void welcome(struct legacy_client *l, const struct message *m)
{
	struct session *s = l->between.s;
	struct span params = outgoing_message(l->hello)->params;
	struct buf b;

	server_era_is(s, ERA_MODERN);
	server_era_learned(s, ERA_MODERN);
	note_server(l, m->result);
	buf_init(&b, MESSAGE_MAX);
	if (era_initialize_answer(
		    &b, owed_id(owed_request(l->hello)), params, m->result, "an MCP server")) {
		owed_text(owed_request(l->hello), &b);
		handshake_answered(s, walk_get(params, "protocolVersion", NULL));
	}
	buf_free(&b);
	hello_over(l);
}

/* Says nothing about the era of the server. */
static bool is_no_evidence(const struct err *why)
{
	return why->kind == ERR_NET || why->kind == ERR_AUTH || why->kind == ERR_RATE ||
	       why->kind == ERR_SERVER || why->kind == ERR_FORBIDDEN;
}

static void discovered(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct legacy_client *l = legacy_of(p);
	struct session *s = outgoing_session(p);
	struct outgoing *hello = l->hello;

	if (!hello)
		return;
	if (m && era_is_discovery(m->result)) {
		welcome(l, m);
		return;
	}
	if (m && era_error_code(m->error) == ERA_UNSUPPORTED_VERSION && !l->corrected &&
		era_supports(m->error, ERA_MODERN_VERSION)) {
		l->corrected = true;
		if (ask_discover(l))
			return;
	}
	if (!l->refusal.whole.p && !server_era_is_fixed(s) && (m || !is_no_evidence(why))) {
		/* It was remembered as modern and is not, any more: the client's own words decide. */
		l->hello = NULL;
		server_era_is(s, ERA_UNKNOWN);
		handshake_over(s, hello);
		queue_add(hello, true);
		return;
	}
	if (l->refusal.whole.p)
		say_refusal(l);
	else if (why)
		owed_fail_all(hello, why, NULL);
	else if (message_keep(&l->refusal, m))
		say_refusal(l);
	hello_over(l);
}

static bool ask(struct legacy_client *l, outgoing_answer_fn *fn)
{
	struct session *s = l->between.s;
	struct outgoing *p;
	struct buf b;
	bool good;

	buf_init(&b, MESSAGE_MAX);
	good = buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
	       buf_adds(&b, ",\"method\":\"server/discover\",\"params\":{\"_meta\":{") &&
	       buf_add(&b, l->meta.p, l->meta.len) && buf_adds(&b, "}}}");
	if (good) {
		p = outgoing_ask(s, &b, fn);
		outgoing_set_between(p, &l->between);
		outgoing_start(p);
	}
	buf_free(&b);
	return good;
}

static bool ask_discover(struct legacy_client *l)
{
	return ask(l, discovered);
}

/* What the client knows as initialize is server/discover. refusal: what the server said to initialize; NULL:
 * it was not asked. */
static void discover(struct between *b, struct outgoing *p, const struct message *refusal)
{
	struct legacy_client *l = get(b);

	message_free(&l->refusal);
	if (refusal && !message_keep(&l->refusal, refusal))
		diag_error("out of memory");
	queue_park(p);
	l->hello = p;
	l->corrected = false;
	note_client(l, outgoing_message(p)->params);
	diag_debug("initialize is translated: server/discover is asked for");
	if (!ask_discover(l))
		hello_over(l);
}

/* ---- a server that changes ---- */

/* Whoever asks gets translated answers already; this is for what the server tells unasked. */
static void adopted(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct legacy_client *l = legacy_of(p);

	(void)why;
	if (!m || !era_is_discovery(m->result))
		return;
	note_server(l, m->result);
	legacy_subscriptions_open(l);
}

static void legacy_reopened(struct between *b)
{
	struct legacy_client *l = get(b);
	const struct message *initialize = handshake_initialize(b->s);

	if (initialize)
		note_client(l, initialize->params);
	ask(l, adopted);
}

/* Whoever waits for the client asks the server anew, as the client did. */
static void legacy_leave(struct between *b)
{
	struct legacy_client *l = get(b);
	struct outgoing *hello = l->hello;

	for (struct outgoing *p = queue_first(b->s, PLACE_PARKED), *next; p; p = next) {
		next = queue_next(p);
		if (!legacy_input_of(l, p))
			continue;
		translator_forget(p, true);
		queue_add(p, false);
	}
	legacy_subscriptions_leave(l);
	l->hello = NULL;
	if (!hello)
		return;
	handshake_over(b->s, hello);
	queue_add(hello, true);
}

bool legacy_anybody(const struct session *s, struct err *e)
{
	return !session_input_ended(s) ||
	       err_set(e, ERR_CANCELLED,
		       "the input ended before the server's question was answered");
}

/* ---- requests of the client that mean something else now ---- */

static void set_level(struct legacy_client *l, struct outgoing *p, struct span level)
{
	if (era_log_level(level) < 0) {
		owed_invalid(owed_request(p), -32602, "\"level\" is not a log level");
	} else {
		kept_set_level(session_kept(l->between.s), level);
		owed_empty(owed_request(p));
	}
	outgoing_free(p);
}

/* TAKEN: the request is dealt with here. */
static enum taken take_ours(struct legacy_client *l, struct outgoing *p, const struct message *m)
{
	if (m->method == METHOD_INITIALIZE) {
		discover(&l->between, p, NULL);
	} else if (m->method == METHOD_PING) {
		owed_empty(owed_request(p));
		outgoing_free(p);
	} else if (m->method == METHOD_LOGGING_SET_LEVEL) {
		set_level(l, p, walk_get(m->params, "level", NULL));
	} else if (m->method == METHOD_RESOURCES_SUBSCRIBE) {
		legacy_subscriptions_add(l, p, walk_get(m->params, "uri", NULL));
	} else if (m->method == METHOD_RESOURCES_UNSUBSCRIBE) {
		legacy_subscriptions_remove(l, p, walk_get(m->params, "uri", NULL));
	} else {
		return NOT_TAKEN;
	}
	return TAKEN;
}

/* 2026-07-28 knows no notifications of clients, and no responses. */
static void take_note(struct legacy_client *l, struct outgoing *p)
{
	if (outgoing_kind(p) == OUTGOING_INITIALIZED) {
		handshake_greet(outgoing_session(p));
		legacy_subscriptions_open(l);
	}
	outgoing_free(p);
}

/* ---- requests ---- */

static bool add_members(const struct legacy_client *l, struct buf *out)
{
	struct span raw = kept_level(session_kept(l->between.s));

	/* One that another server took may be none here. */
	return buf_add(out, l->meta.p, l->meta.len) &&
	       (era_log_level(raw) < 0 ||
		       (buf_adds(out, ",\"") && buf_adds(out, era_log_key) &&
			       buf_adds(out, "\":") && buf_add(out, raw.p, raw.n)));
}

static bool translate(struct legacy_client *l, struct outgoing *p, const struct message *m)
{
	struct edits e = { 0 };
	struct buf members, inputs, scratch, text, id;
	struct round *round = legacy_input_of(l, p);
	struct span more = { 0 };
	bool good;

	buf_init(&members, MESSAGE_MAX);
	buf_init(&inputs, MESSAGE_MAX);
	buf_init(&scratch, MESSAGE_MAX);
	buf_init(&text, MESSAGE_MAX);
	buf_init(&id, 64);
	(void)!outgoing_set_id(p, (struct span){ 0 });
	good = add_members(l, &members) && (!round || legacy_input_inputs(round, &inputs));
	if (inputs.len)
		more = (struct span){ inputs.p, inputs.len };
	if (good && round) {
		/* Every round is a request of its own. */
		good = session_own_id(outgoing_session(p), &id) &&
		       outgoing_set_id(p, (struct span){ id.p, id.len });
		edit_replace(&e, m->id, (struct span){ id.p, id.len });
	}
	good = good &&
	       era_add_meta(&e, m, (struct span){ members.p, members.len }, more, &scratch) &&
	       edit_apply(&e, m->whole, &text) && outgoing_change(p, &text);
	buf_free(&members);
	buf_free(&inputs);
	buf_free(&scratch);
	buf_free(&text);
	buf_free(&id);
	return good;
}

static enum prepared legacy_prepare(struct between *b, struct outgoing *p)
{
	struct legacy_client *l = get(b);
	const struct message *m = outgoing_message(p);
	struct err e = { 0 };

	if (m->kind == MESSAGE_BATCH) {
		client_batch_split(p);
		return ELSEWHERE;
	}
	if (m->kind != MESSAGE_REQUEST) {
		take_note(l, p);
		return ELSEWHERE;
	}
	if (take_ours(l, p, m) == TAKEN)
		return ELSEWHERE;
	if (translate(l, p, m))
		return PREPARED;
	err_set(&e, ERR_LIMIT, "the request is too long to be translated");
	owed_fail_all(p, &e, NULL);
	outgoing_free(p);
	return ELSEWHERE;
}

static enum taken legacy_answer(
	struct owed_request *c, struct incoming *in, const struct message *m)
{
	struct edits e = { 0 };
	struct err why = { 0 };

	if (!m->result.p)
		return NOT_TAKEN;
	switch (era_result_type(m->result)) {
	case ERA_COMPLETE:
		era_result_to_legacy(&e, m->result);
		owed_answer(c, in, m, &e);
		break;
	case ERA_INPUT_REQUIRED:
		legacy_input_ask(c, m);
		break;
	case ERA_OTHER_RESULT:
		err_set(&why, ERR_PROTO,
			"the server answered with a kind of result that this client does not know");
		owed_fail_all(owed_of(c), &why, NULL);
		outgoing_answered(owed_of(c));
		break;
	}
	return TAKEN;
}

/* ---- the end ---- */

static void legacy_forget(struct outgoing *p, bool tell)
{
	struct legacy_client *l = legacy_of(p);

	if (tell)
		legacy_input_withdraw(p);
	legacy_input_free(p);
	legacy_subscriptions_forget(l, p);
	if (l->hello == p)
		l->hello = NULL;
}

/* Nobody is there to answer questions any more. */
static void legacy_end_input(struct between *b)
{
	struct err e = { 0 };

	if (legacy_anybody(b->s, &e))
		return;
	for (struct outgoing *p = queue_first(b->s, PLACE_PARKED), *next; p; p = next) {
		next = queue_next(p);
		if (!legacy_input_of(get(b), p))
			continue;
		owed_fail_all(p, &e, NULL);
		outgoing_drop(p);
	}
	legacy_subscriptions_end(get(b), &e);
}

const struct translator legacy_client_translator = {
	.prepare = legacy_prepare,
	.refused = discover,
	.answer = legacy_answer,
	.notified = legacy_subscriptions_notified,
	.responded = legacy_input_responded,
	.forget = legacy_forget,
	.reopened = legacy_reopened,
	.end_input = legacy_end_input,
	.leave = legacy_leave,
	.free = legacy_free,
};
