#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "mcp/http/error_text.h"
#include "mcp/http/request_count.h"
#include "mcp/session/repeat.h"
#include "mcp/session/session_impl.h"
#include "mcp/policy/tools_list.h"
#include "mcp/json/walk.h"

/* ---- a session that the server has forgotten ---- */

static bool is_null_id(const struct message *m)
{
	return !m->id.p || walk_type(m->id) == WALK_NULL;
}

/* The id that the server knows p by. */
static struct span wire_id(const struct outgoing *p)
{
	return p->sent.id.len ? (struct span){ p->sent.id.p, p->sent.id.len }
			      : p->owed.calls[0].pending.id;
}

static bool has_error(const struct exchange_end *end)
{
	return end->said && end->said->kind == MESSAGE_RESPONSE && end->said->error.p;
}

/* It was sent in a session that was opened. */
static bool is_in_session(const struct outgoing *p)
{
	return era_has_sessions(p->sent.era) && !p->is.fresh && p->sent.opening &&
	       p->s->handshake.initialize.whole.p;
}

/* A request in this session showed that the server has forgotten it. */
static void forgotten(struct session *s, unsigned long opening)
{
	if (s->handshake.state == STATE_OPEN && !s->reopening.lost &&
		s->handshake.opening == opening)
		session_reopen(s);
}

/* Only what the server did not take: once it opened a stream for the answer, it may have acted. p may be
 * gone afterwards. */
static enum taken send_again(struct outgoing *p, bool stream)
{
	struct session *s = p->s;
	unsigned long opening = p->sent.opening;
	bool again = p->owed.left && !stream && p->kind == OUTGOING_MESSAGE;

	if (again) {
		p->tried.again = true;
		queue_add(p, true); /* its exchange goes */
	}
	forgotten(s, opening);
	return again ? TAKEN : NOT_TAKEN;
}

/*
 * The session is there and refuses what is asked in it: the server does not know that it was initialized.
 * notifications/initialized was lost, or what it said was. Nothing was done for a request that is refused
 * with these codes. Where the words say it, another session is opened. Where only the code does, and nothing
 * has worked in this session yet, the server is told once more. TAKEN: p goes again, then.
 */
static enum taken not_ready(struct outgoing *p, const struct message *m, long status)
{
	struct session *s = p->s;
	long code = era_error_code(m->error);
	bool words, known = p->sent.opening == s->handshake.unready;

	if ((code != MESSAGE_INVALID_REQUEST && code != -32602) || !is_in_session(p) ||
		!s->handshake.greeted || p->tried.unready == p->sent.opening)
		return NOT_TAKEN;
	words = error_text_era(m->error) == ERROR_ERA_INITIALIZE;
	if (status == 404 || (!words && status >= 400))
		return NOT_TAKEN;
	if (!known && (p->sent.opening != s->handshake.opening ||
			      ((s->handshake.proven || s->handshake.unready) &&
				      (p->tried.again || !words))))
		return NOT_TAKEN;
	s->handshake.unready = p->tried.unready = p->sent.opening;
	p->tried.again = true;
	queue_add(p, true); /* its exchange goes */
	if (!known && words)
		forgotten(s, p->sent.opening);
	else if (!known)
		session_greet_again(s);
	return TAKEN;
}

/* What comes on its stream as an error is its answer, or nobody's. */
static bool is_only_call(const struct outgoing *p)
{
	return p->ask.fn ||
	       (p->owed.n == 1 && p->owed.calls[0].pending.listed && p->kind == OUTGOING_MESSAGE);
}

/* A ping is answered before, too. */
static void note_proof(struct session *s, struct outgoing *p)
{
	if (s->handshake.proven || p->sent.opening != s->handshake.opening ||
		p->message.method == METHOD_PING)
		return;
	s->handshake.proven = true;
	s->handshake.unready = 0;
}

/* ---- answers ---- */

/* The exact id first: some peers have ids that only look different (1, 1.0, "1"). */
static struct owed_request *find_call(
	struct session *s, struct outgoing *from, const struct message *m, long status)
{
	struct owed_request *own = from && from->owed.n == 1 && from->owed.calls[0].pending.listed
					   ? &from->owed.calls[0]
					   : NULL;
	struct pending_call *c;
	struct outgoing *p;

	if (own && (message_id_equal(wire_id(from), m->id) ||
			   /* The server did not get as far as reading the id. */
			   (m->error.p && (is_null_id(m) || status >= 400))))
		return own;
	if (is_null_id(m))
		return NULL;
	c = pending_find(&s->calls, m->id);
	if (!c && own && message_id_alike(wire_id(from), m->id))
		return own;
	c = c ? c : pending_find_alike(&s->calls, m->id);
	p = c ? ((struct owed_request *)c)->of : NULL;
	/* Not one that is not under way, nor one that the server knows by another id. */
	return p && (p->at.place == PLACE_ACTIVE || p->at.late) && !p->sent.id.len
		       ? (struct owed_request *)c
		       : NULL;
}

/* ---- lists of tools ---- */

struct sieve {
	struct session *s;
	bool fields; /* tools name their fields: they are learned */
};

static bool passes(void *ctx, struct span tool)
{
	struct sieve *v = ctx;
	const char *why = NULL;
	struct buf name;

	if (v->s->policy && !policy_shows(v->s->policy, tool))
		return false;
	if (!v->fields || toolbook_learn(v->s->server.tools, tool, &why))
		return true;
	buf_init(&name, 512);
	if (!walk_string(walk_get(tool, "name", NULL), &name))
		buf_reset(&name);
	diag_note("the tool \"%s\" is removed from the list: %s", buf_str(&name), why);
	buf_free(&name);
	return false;
}

static bool needs_sieve(struct session *s, const struct owed_request *c)
{
	bool fields = era_is_stateless(c->of->sent.era);

	if (!c->list || (!s->policy && !fields))
		return false;
	if (fields && !s->server.tools)
		s->server.tools = toolbook_new();
	return true;
}

/* ---- the answer to a call ---- */

static void pass_on(struct owed_request *c, struct incoming *in, const struct message *m)
{
	if (translator_answer(c, in, m) == NOT_TAKEN)
		owed_answer(c, in, m, NULL);
}

/* The same for a list of tools of which some must not be seen. */
static void pass_on_filtered(struct owed_request *c, struct incoming *in, const struct message *m)
{
	struct session *s = c->of->s;
	struct sieve v = { .s = s, .fields = era_is_stateless(c->of->sent.era) };
	struct incoming left = { .from = in->from };
	struct message again;
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, MESSAGE_MAX);
	switch (tools_list_filter(m, passes, &v, &out, &e)) {
	case TOOLS_LIST_AS_IS:
		pass_on(c, in, m);
		break;
	case TOOLS_LIST_FILTERED:
		left.p = out.p;
		left.n = out.len;
		left.whole = &out;
		if (message_scan(out.p, out.len, &again, NULL) == MESSAGE_OK)
			pass_on(c, &left, &again);
		break;
	case TOOLS_LIST_UNREADABLE:
		if (!s->policy) {
			pass_on(c, in, m);
			break;
		}
		owed_fail(c, &e, NULL);
		outgoing_answered(c->of);
		break;
	}
	buf_free(&out);
}

/* ---- tools whose parameters have changed ---- */

static struct outgoing *new_tools_request(struct outgoing *before, struct span cursor);

/* Whatever came of it: the call goes out again, with the fields that are known now. */
static void tools_listed(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct sieve v = { .s = p->s, .fields = true };
	struct span tools = m ? walk_get(m->result, "tools", NULL) : (struct span){ 0 };
	struct span cursor = m ? walk_get(m->result, "nextCursor", NULL) : (struct span){ 0 };
	struct outgoing *next;
	struct walk_item it;
	struct walk w;

	(void)why;
	if (walk_type(tools) != WALK_ARRAY || !walk_open(&w, tools))
		return;
	for (size_t n = 0; n < TOOLS_LIST_TOOLS_MAX && walk_next(&w, &it); n++)
		(void)passes(&v, it.value);
	if (walk_type(cursor) != WALK_STRING || p->ask.pages >= TOOLS_LIST_PAGES_MAX)
		return;
	next = new_tools_request(p, cursor);
	queue_hold(p, next);
	if (next)
		outgoing_start(next);
}

static bool tools_request(struct outgoing *before, struct span cursor, struct buf *out)
{
	static const char *const own[] = { "progressToken", NULL };
	struct edits cuts = { 0 };
	struct span meta = walk_get(outgoing_sent(before)->params, "_meta", NULL);

	edit_object(&cuts, meta, own, (struct span){ 0 });
	return buf_adds(out, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(before->s, out) &&
	       buf_adds(out, ",\"method\":\"tools/list\",\"params\":{\"_meta\":") &&
	       edit_apply(&cuts, meta, out) &&
	       (!cursor.p || (buf_adds(out, ",\"cursor\":") && buf_add(out, cursor.p, cursor.n))) &&
	       buf_adds(out, "}}");
}

/* tools/list with what the call said about its client, to be started when somebody waits for it: it may
 * be over at once. NULL when there is no memory. */
static struct outgoing *new_tools_request(struct outgoing *before, struct span cursor)
{
	struct outgoing *p = NULL;
	struct buf body;

	buf_init(&body, MESSAGE_MAX);
	if (tools_request(before, cursor, &body)) {
		p = outgoing_ask(before->s, &body, tools_listed);
		p->ask.pages = before->ask.pages + 1;
	}
	buf_free(&body);
	return p;
}

/* Client Behavior: fields that do not match call for a look at the list of tools, and one more try. */
static enum taken refresh_tools(struct outgoing *p, const struct message *m)
{
	struct session *s = p->s;
	struct outgoing *list;

	if (p->tried.refreshed || !era_is_stateless(p->sent.era) ||
		era_error_code(m->error) != ERA_HEADER_MISMATCH || p->kind != OUTGOING_MESSAGE ||
		p->message.method != METHOD_TOOLS_CALL)
		return NOT_TAKEN;
	if (!s->server.tools)
		s->server.tools = toolbook_new();
	p->tried.refreshed = true;
	list = new_tools_request(p, (struct span){ 0 });
	if (!list)
		return NOT_TAKEN;
	queue_park(p);
	p->at.held_by = list;
	outgoing_start(list);
	return TAKEN;
}

/* ---- responses ---- */

static enum taken internal_answered(struct outgoing *p, const struct message *m, long status)
{
	outgoing_answer_fn *fn = p->ask.fn;
	struct span id = p->message.id;

	if (p->kind != OUTGOING_INTERNAL || !fn || !id.p ||
		(!message_id_equal(id, m->id) && !(m->error.p && (is_null_id(m) || status >= 400))))
		return NOT_TAKEN;
	p->ask.fn = NULL;
	fn(p, m, NULL);
	outgoing_answered(p);
	return TAKEN;
}

/* The error passes as it is; only the count of requests is told. */
static void note_limit(struct session *s, struct span error)
{
	long wait_s;

	if (error.p && request_count_is_refusal(error, &wait_s))
		transport_limited(s->transport, wait_s);
}

/* A response: delivered when somebody waits for it. */
static void response(struct session *s, struct incoming *in, struct outgoing *from,
	const struct message *m, long status)
{
	struct owed_request *c;
	struct outgoing *p;
	bool late;

	if (from && is_only_call(from) && m->error.p && not_ready(from, m, status) == TAKEN)
		return;
	if (from && internal_answered(from, m, status) == TAKEN)
		return;
	c = find_call(s, from, m, status);
	if (!c) {
		if (!from || translator_keep(from, m) == NOT_TAKEN)
			diag_debug("an answer that nobody waits for is dropped");
		return;
	}
	p = c->of;
	late = p->at.late;
	note_limit(s, m->error);
	if (p->kind == OUTGOING_INITIALIZE && p == from && server_era_greeted(p, m) == TAKEN)
		return;
	server_era_note(p, m);
	if (p == from && (server_era_turned(p, m, status) == TAKEN ||
				 (m->error.p && refresh_tools(p, m) == TAKEN)))
		return;
	if (c->list)
		repeat_learn(&s->server.readers, m->result);
	if (m->result.p && era_has_sessions(p->sent.era))
		note_proof(s, p);
	if (m->result.p && c->sets && era_has_sessions(p->sent.era))
		kept_note(s, p);
	if (needs_sieve(s, c))
		pass_on_filtered(c, in, m);
	else
		pass_on(c, in, m);
	if (late && !p->owed.left)
		outgoing_drop(p);
}

/* ---- messages ---- */

/* Asked before initialize is answered: the client's response belongs to the session all the same. */
static void note_early_session(struct outgoing *p)
{
	const char *id = exchange_new_session(p->x);
	struct err e = { 0 };

	if (id && !transport_set_session(p->s->transport, id, &e))
		diag_debug("%s", err_text(&e));
}

static void question(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct buf id;

	if (translator_asked(s, from, m) == TAKEN)
		return;
	if (era_is_stateless(s->server.era)) {
		/* Receiving Messages: it must not. Nobody downstream could answer. */
		diag_debug("a server without sessions sent a request: dropped");
		return;
	}
	if (from && from == s->handshake.opener)
		note_early_session(from);
	buf_init(&id, MESSAGE_MAX); /* a large message that could not be said is gone afterwards */
	if (buf_add(&id, m->id.p, m->id.n) && to_client_span(s, in, m->whole))
		session_question_put(s);
	else if (id.len)
		refuse_question(s, (struct span){ id.p, id.len }, "out of memory");
	buf_free(&id);
}

static void notification(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m)
{
	if (m->method == METHOD_NOTICE_TOOLS_LIST_CHANGED) {
		strset_clear(&s->server.readers);
		if (s->policy)
			policy_forget(s->policy);
	}
	if (translator_notified(s, in, from, m) == NOT_TAKEN)
		to_client_span(s, in, m->whole);
}

static void batch(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m);

static void message(struct session *s, struct incoming *in, struct outgoing *from)
{
	const struct message *m = &in->message;

	if (incoming_read(in) != MESSAGE_OK || m->kind == MESSAGE_INVALID) {
		diag_debug("the server sent something that is not a JSON-RPC message: %s", m->why);
		if (from)
			from->sent.junk = true;
		return;
	}
	switch (m->kind) {
	case MESSAGE_RESPONSE:
		response(s, in, from, m, 200);
		break;
	case MESSAGE_REQUEST:
		question(s, in, from, m);
		break;
	case MESSAGE_NOTIFICATION:
		notification(s, in, from, m);
		break;
	case MESSAGE_BATCH:
		batch(s, in, from, m);
		break;
	case MESSAGE_INVALID:
		break;
	}
}

/* Each element goes on as a message of its own, which every client understands. Elements lie inside
 * in's bytes, so none can be taken as a whole: they are copied. */
static void batch(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct walk w;
	struct walk_item it;

	if (!walk_open(&w, m->whole))
		return;
	while (!(in->from && exchange_cancelled(in->from)) && walk_next(&w, &it)) {
		char *p = in->p + (it.value.p - in->p);
		struct incoming part = { .p = p, .n = it.value.n, .from = in->from };

		if (*p == '[')
			diag_debug("the server sent a batch inside a batch: dropped");
		else
			message(s, &part, from);
	}
}

static void on_message(void *ctx, struct incoming *in)
{
	struct outgoing *from = in->from ? exchange_ctx(in->from) : NULL;

	message(ctx, in, from);
}

/* ---- the end of an exchange ---- */

/* An error status whose body is the server's own JSON-RPC error: that is the answer. */
static void pass_error(struct outgoing *p, const struct exchange_end *end)
{
	struct incoming in = { .p = end->body->p, .n = end->body->len, .whole = end->body };

	if (end->status != 401 && has_error(end))
		response(p->s, &in, p, end->said, end->status);
}

/* Whoever reads this has to decide whether to ask again. */
static void describe_failure(const struct exchange_end *end, struct err *e)
{
	*e = *end->e;
	if (end->outcome == EXCHANGE_INTERRUPTED)
		err_append(e, "; whether the server acted on the request is unknown");
}

static void describe_silence(
	const struct outgoing *p, const struct exchange_end *end, struct err *e)
{
	if (end->e)
		describe_failure(end, e);
	else if (p->sent.junk)
		err_set(e, ERR_PROTO,
			"the server answered with something that is not a JSON-RPC message");
	else if (end->stream)
		err_set(e, ERR_SERVER,
			"the server ended its stream without an answer; whether it acted on the "
			"request "
			"is unknown");
	else
		err_set(e, ERR_PROTO,
			"the server accepted the request (HTTP %ld) but sent no answer",
			end->status);
}

static bool waits(const struct outgoing *p)
{
	return p->owed.left || p->ask.fn;
}

/* What is still owed when an exchange is over. p may stand elsewhere afterwards, or be gone: then x is
 * cancelled. */
static void answer_rest(struct outgoing *p, struct exchange *x, const struct exchange_end *end)
{
	struct error_reply_data d = { .status = end->status, .retry_after_s = end->retry_after_s };
	outgoing_answer_fn *fn;
	struct err e = { 0 };

	if (end->body)
		pass_error(p, end);
	if (exchange_cancelled(x) || !waits(p))
		return;
	if (!exchange_succeeded(end) && server_era_refused(p, end->status) == TAKEN)
		return;
	if (again_sent(p, end) == TAKEN)
		return;
	describe_silence(p, end, &e);
	if (again_awaited(p, end, &e) == TAKEN)
		return;
	owed_fail_all(p, &e, &d);
	fn = p->ask.fn;
	p->ask.fn = NULL;
	if (fn)
		fn(p, NULL, &e);
}

static void on_ended(void *ctx, struct exchange *x, const struct exchange_end *end)
{
	struct session *s = ctx;
	struct outgoing *p = exchange_ctx(x);
	bool listen;

	p->sent.taken = exchange_succeeded(end);
	if (!p->sent.taken && !waits(p))
		diag_debug("a notification or response was not accepted: %s", end->e->msg);
	if (end->outcome == EXCHANGE_SESSION_LOST && p->kind != OUTGOING_INITIALIZED &&
		!p->tried.again && is_in_session(p) && send_again(p, end->stream) == TAKEN)
		return;
	if (waits(p))
		answer_rest(p, x, end);
	else if (again_sent(p, end) == TAKEN)
		return;
	if (exchange_cancelled(x) || translator_stays(p) == TAKEN)
		return;
	listen = p->kind == OUTGOING_INITIALIZED && !era_is_stateless(s->server.era) &&
		 p->sent.opening == s->handshake.opening;
	outgoing_drop(p); /* ends the state of its making */
	if (listen)
		handshake_listen(s); /* a server that minds will say so to the next request */
}

/* A client that only listens would hear nothing any more. Once in a while, until it asks for something:
 * there are servers that end the session with its stream. */
#define UNASKED_MS ((int64_t)10 * 60 * 1000)

static void on_session_lost(void *ctx, const char *id)
{
	struct session *s = ctx;

	const char *now = transport_session(s->transport);

	if (!s->handshake.initialize.whole.p || s->handshake.state != STATE_OPEN ||
		s->reopening.lost || !now || strcmp(now, id) != 0 ||
		(s->reopening.unasked && clock_ms() - s->reopening.unasked_ms < UNASKED_MS))
		return;
	s->reopening.unasked = true;
	s->reopening.unasked_ms = clock_ms();
	s->reopening.deaf = true;
	session_reopen(s);
}

static bool on_repeats(void *ctx, struct exchange *x)
{
	struct session *s = ctx;
	struct outgoing *p = exchange_ctx(x);
	return waits(p) && repeat_may(outgoing_sent(p), &s->server.readers);
}

const struct transport_events session_transport_events = { on_message, on_ended, on_session_lost,
	on_repeats };
