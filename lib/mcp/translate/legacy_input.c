/*
 * Questions of a modern server, put to a legacy client: each result that
 * requires input becomes requests to the client, and when all are answered the
 * call is sent once more with the answers (Multi Round-Trip Requests).
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/legacy_impl.h"
#include "mcp/json/walk.h"

/* Rounds of questions for one request; a server that still wants more is asking in circles. */
#define ROUNDS_MAX 10
/* Questions in one round: more than a person or client deals with. */
#define ASKS_MAX 64

/* One question of the server, put to the client as a request. */
struct ask {
	struct buf key;    /* raw, with quotes: the server's name for it */
	struct buf id;     /* raw: ours for the client */
	struct buf result; /* raw; empty until the client answered */
};

struct round {
	unsigned n;
	struct ask asks[ASKS_MAX];
	size_t nasks, open;
	struct buf state; /* raw requestState; empty: there was none */
};

static void clear_asks(struct round *r, struct session *s)
{
	for (size_t i = 0; i < r->nasks; i++) {
		if (!r->asks[i].result.len)
			session_question_over(s);
		buf_free(&r->asks[i].key);
		buf_free(&r->asks[i].id);
		buf_free(&r->asks[i].result);
	}
	r->nasks = r->open = 0;
	buf_free(&r->state);
}

struct round *legacy_input_of(const struct legacy_client *l, const struct outgoing *p)
{
	return outgoing_between(p) == &l->between ? outgoing_translation(p) : NULL;
}

/* The rounds are void: should p be sent again, it goes under the client's own id. */
void legacy_input_free(struct outgoing *p)
{
	struct round *r = outgoing_translation(p);

	if (!r)
		return;
	clear_asks(r, outgoing_session(p));
	free(r);
	outgoing_set_translation(p, NULL);
	(void)!outgoing_set_id(p, (struct span){ 0 });
}

static bool may_ask(const struct legacy_client *l, struct span request)
{
	struct span method = walk_get(request, "method", NULL);

	if (walk_string_is(method, "sampling/createMessage"))
		return l->sampling;
	if (walk_string_is(method, "roots/list"))
		return l->roots;
	if (!walk_string_is(method, "elicitation/create"))
		return false;
	return walk_string_is(walk_path(request, "params", "mode", (char *)NULL), "url")
		       ? l->elicit_url
		       : l->elicit_form;
}

/* In 2025-11-25 a question with an address carries an id of its own. */
static bool add_params(struct buf *b, struct span params, const struct ask *a)
{
	struct edits e = { 0 };
	struct buf member;
	bool good = true;

	buf_init(&member, 256);
	if (walk_string_is(walk_get(params, "mode", NULL), "url") &&
		!walk_get(params, "elicitationId", NULL).p) {
		good = buf_adds(&member, "\"elicitationId\":") &&
		       buf_add(&member, a->id.p, a->id.len);
		edit_object(&e, params, NULL, (struct span){ member.p, member.len });
	}
	good = good && buf_adds(b, ",\"params\":") && edit_apply(&e, params, b);
	buf_free(&member);
	return good;
}

static bool ask_message(struct buf *b, const struct ask *a, struct span request)
{
	struct span method = walk_get(request, "method", NULL);
	struct span params = walk_get(request, "params", NULL);

	return buf_adds(b, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(b, a->id.p, a->id.len) &&
	       buf_adds(b, ",\"method\":") && buf_add(b, method.p, method.n) &&
	       (walk_type(params) != WALK_OBJECT || add_params(b, params, a)) && buf_addc(b, '}');
}

static bool add_ask(struct outgoing *p, const struct walk_item *it, struct buf *out)
{
	struct round *r = outgoing_translation(p);
	struct ask *a = &r->asks[r->nasks];

	buf_init(&a->key, MESSAGE_MAX);
	buf_init(&a->id, 64);
	buf_init(&a->result, MESSAGE_MAX);
	r->nasks++;
	r->open++;
	session_question_put(outgoing_session(p));
	return buf_add(&a->key, it->key.p - 1, it->key.n + 2) &&
	       session_own_id(outgoing_session(p), &a->id) && ask_message(out, a, it->value);
}

/* All questions of a round, or none: the messages are collected before the first is said. */
static bool read_asks(struct outgoing *p, struct span requests, struct buf *out, struct err *e)
{
	struct legacy_client *l = legacy_of(p);
	struct round *r = outgoing_translation(p);
	struct walk_item it;
	struct walk w;

	if (requests.p && walk_type(requests) != WALK_OBJECT)
		return err_set(e, ERR_PROTO, "the server's questions cannot be read");
	if (!requests.p || !walk_open(&w, requests))
		return true;
	while (walk_next(&w, &it)) {
		if (!may_ask(l, it.value))
			return err_set(e, ERR_PROTO,
				"the server sent a request that this client did not declare "
				"support for");
		if (r->nasks == ASKS_MAX)
			return err_set(e, ERR_LIMIT,
				"the server asks more than %d questions at once", ASKS_MAX);
		if (out->len && !buf_addc(out, '\n'))
			return err_set(e, ERR_LIMIT, "out of memory");
		if (!add_ask(p, &it, out))
			return err_set(e, ERR_LIMIT, "the server's questions are too long");
	}
	return true;
}

static bool may_require_input(const struct outgoing *p)
{
	enum method m = outgoing_message(p)->method;

	return (m == METHOD_TOOLS_CALL || m == METHOD_PROMPTS_GET || m == METHOD_RESOURCES_READ);
}

static bool begin_round(struct outgoing *p, const struct message *m, struct buf *out, struct err *e)
{
	struct span state = walk_get(m->result, "requestState", NULL);
	struct span requests = walk_get(m->result, "inputRequests", NULL);
	struct round *r = outgoing_translation(p);

	if (!r) {
		r = mem_new(sizeof(*r));
		outgoing_set_translation(p, r);
	}
	clear_asks(r, outgoing_session(p));
	buf_init(&r->state, MESSAGE_MAX);
	if (!may_require_input(p))
		return err_set(
			e, ERR_PROTO, "the server requires input for a request that accepts none");
	if (r->n++ == ROUNDS_MAX)
		return err_set(e, ERR_PROTO,
			"the server keeps asking: %d rounds of questions for one request, none of "
			"which "
			"was enough",
			ROUNDS_MAX);
	if (!requests.p && !state.p)
		return err_set(e, ERR_PROTO, "the server requires input but does not say which");
	if (state.p && !buf_add(&r->state, state.p, state.n))
		return err_set(e, ERR_LIMIT, "out of memory");
	return read_asks(p, requests, out, e);
}

/* result: input_required. The call stays owed; its questions go to the client. */
void legacy_input_ask(struct owed_request *c, const struct message *m)
{
	struct outgoing *p = owed_of(c);
	struct session *s = outgoing_session(p);
	struct round *r;
	struct buf out;
	struct err e = { 0 };
	bool good;

	buf_init(&out, MESSAGE_MAX);
	good = begin_round(p, m, &out, &e);
	r = outgoing_translation(p);
	if (!good || (r->nasks && !legacy_anybody(s, &e))) {
		owed_fail_all(p, &e, NULL);
		outgoing_answered(p);
	} else if (!r->nasks) {
		queue_add(p, true);
	} else if (to_client_text(s, &out)) {
		queue_park(p);
	} else {
		owed_no_memory(owed_request(p));
		outgoing_answered(p);
	}
	buf_free(&out);
}

static struct ask *find_ask(struct legacy_client *l, struct span id, struct outgoing **of)
{
	for (struct outgoing *p = queue_first(l->between.s, PLACE_PARKED); p; p = queue_next(p)) {
		struct round *r = legacy_input_of(l, p);

		for (size_t i = 0; r && i < r->nasks; i++) {
			struct ask *a = &r->asks[i];

			if (a->result.len ||
				!message_id_equal((struct span){ a->id.p, a->id.len }, id))
				continue;
			*of = p;
			return a;
		}
	}
	return NULL;
}

enum taken legacy_input_responded(struct between *b, const struct message *m)
{
	struct session *s = b->s;
	struct outgoing *p;
	struct ask *a = find_ask((struct legacy_client *)b, m->id, &p);
	struct round *r;
	struct err e = { 0 };

	if (!a)
		return NOT_TAKEN;
	if (m->error.p || !buf_add(&a->result, m->result.p, m->result.n)) {
		if (m->error.p)
			era_error_words(m->error, &e);
		else
			err_set(&e, ERR_LIMIT, "out of memory");
		err_prefix(&e, "the server asked something, and this client did not answer it");
		translator_forget(p, true);
		owed_fail_all(p, &e, NULL);
		outgoing_drop(p);
		return TAKEN;
	}
	session_question_over(s);
	r = outgoing_translation(p);
	if (!--r->open)
		queue_add(p, true);
	return TAKEN;
}

/* Tells the client that questions which it has not answered are void. */
void legacy_input_withdraw(struct outgoing *p)
{
	const struct round *r = outgoing_translation(p);
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	for (size_t i = 0; r && i < r->nasks; i++) {
		const struct ask *a = &r->asks[i];

		buf_reset(&b);
		if (!a->result.len &&
			buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
				     "\"params\":{\"requestId\":") &&
			buf_add(&b, a->id.p, a->id.len) && buf_adds(&b, "}}"))
			to_client_text(outgoing_session(p), &b);
	}
	buf_free(&b);
}

/* "inputResponses":{...},"requestState":... of the round that is complete. */
bool legacy_input_inputs(const struct round *r, struct buf *out)
{
	bool good = true;

	if (r->nasks)
		good = buf_adds(out, "\"inputResponses\":{");
	for (size_t i = 0; i < r->nasks && good; i++)
		good = (!i || buf_addc(out, ',')) &&
		       buf_add(out, r->asks[i].key.p, r->asks[i].key.len) && buf_addc(out, ':') &&
		       buf_add(out, r->asks[i].result.p, r->asks[i].result.len);
	if (r->nasks)
		good = good && buf_addc(out, '}');
	if (r->state.len)
		good = good && (!out->len || buf_addc(out, ',')) &&
		       buf_adds(out, "\"requestState\":") && buf_add(out, r->state.p, r->state.len);
	return good;
}
