/*
 * Questions that a legacy server asks while a modern client's call is under
 * way. The client's request is answered with the question (a result that
 * requires input), the call goes on without anybody to answer to, and belongs
 * to the request with which the client comes back (Multi Round-Trip Requests).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/translate/modern_impl.h"
#include "mcp/json/walk.h"

/* Calls whose client owes an answer to a question. A client may drop them without a word, so the
 * oldest make room. */
#define DIALOGS_MAX 32
/* Questions of one call that wait behind the first one. */
#define QUESTIONS_MAX 64

#define TOKEN_BYTES 16
static const char token_prefix[] = "mpmcp-";

struct question {
	struct question *next;
	struct buf id;      /* raw: the server's */
	struct buf request; /* {"method":...,"params":...} */
	bool withdrawn;     /* while the client has it: its answer goes nowhere */
};

/* What goes on between a call's two ends while the server has questions. */
struct dialog {
	struct question *first;
	size_t nquestions;
	unsigned long serial; /* of the question that was put last: its key */
	struct buf token;     /* raw requestState that the client is to bring back */
	bool away;            /* the client has the question and nobody waits for the call */
	unsigned long since;  /* for finding the oldest */
	struct message late;  /* an answer that came while the client was away */
	struct buf progress;  /* raw progressToken of the client's latest request; empty: none */
	int log_level;        /* asked for by the request; -1: none */
};

static void question_free(struct question *q)
{
	buf_free(&q->id);
	buf_free(&q->request);
	free(q);
}

/* NULL: there is none, or somebody else translates p. */
static struct dialog *dialog_of(const struct outgoing *p)
{
	const struct between *b = outgoing_between(p);

	return b && b->by == &modern_client_translator ? outgoing_translation(p) : NULL;
}

static struct dialog *make_dialog(struct outgoing *p)
{
	struct dialog *d = dialog_of(p);

	if (d)
		return d;
	d = mem_new(sizeof(*d));
	outgoing_set_translation(p, d);
	buf_init(&d->token, 128);
	buf_init(&d->progress, MESSAGE_MAX);
	d->log_level = -1;
	return d;
}

/* Most requests ask for none: nothing is kept for them. */
void modern_input_set_level(struct outgoing *p, int level)
{
	if (level >= 0 || dialog_of(p))
		make_dialog(p)->log_level = level;
}

int modern_input_level(const struct outgoing *p)
{
	const struct dialog *d = dialog_of(p);

	return d ? d->log_level : -1;
}

static void pop_question(struct dialog *d)
{
	struct question *q = d->first;

	d->first = q->next;
	d->nquestions--;
	question_free(q);
}

void modern_input_free(struct outgoing *p)
{
	struct dialog *d = dialog_of(p);

	if (!d)
		return;
	while (d->first)
		pop_question(d);
	buf_free(&d->token);
	message_free(&d->late);
	buf_free(&d->progress);
	free(d);
	outgoing_set_translation(p, NULL);
}

static bool new_token(struct dialog *d)
{
	unsigned char random[TOKEN_BYTES];

	crypt_random(random, sizeof(random));
	buf_reset(&d->token);
	return buf_addc(&d->token, '"') && buf_adds(&d->token, token_prefix) &&
	       crypt_hex(&d->token, random, sizeof(random)) && buf_addc(&d->token, '"');
}

static bool question_message(struct outgoing *p, struct buf *b)
{
	struct dialog *d = dialog_of(p);
	struct span id = owed_id(owed_request(p));

	return buf_adds(b, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(b, id.p, id.n) &&
	       buf_addf(b,
		       ",\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"q%"
		       "lu\":",
		       d->serial) &&
	       buf_add(b, d->first->request.p, d->first->request.len) &&
	       buf_adds(b, "},\"requestState\":") && buf_add(b, d->token.p, d->token.len) &&
	       buf_adds(b, "}}");
}

static void drop_oldest(struct session *s);

/* The client's call is answered with the question; the server's own call goes on. */
static void put_question(struct outgoing *p)
{
	struct session *s = outgoing_session(p);
	struct dialog *d = dialog_of(p);
	struct buf b;

	d->serial = session_serial(s);
	buf_init(&b, MESSAGE_MAX);
	owed_text(owed_request(p), new_token(d) && question_message(p, &b) ? &b : NULL);
	buf_free(&b);
	d->away = true;
	d->since = ++modern_of(p)->clock;
	drop_oldest(s);
}

static void each_away(struct session *s, enum place place, size_t *n, struct outgoing **oldest)
{
	for (struct outgoing *p = queue_first(s, place); p; p = queue_next(p)) {
		struct dialog *d = dialog_of(p);

		if (!d || !d->away)
			continue;
		++*n;
		if (!*oldest || d->since < dialog_of(*oldest)->since)
			*oldest = p;
	}
}

/* The id that the server knows p by, raw. */
static struct span server_id(struct outgoing *p)
{
	struct span id = outgoing_id(p);

	return id.p ? id : outgoing_message(p)->id;
}

static void drop_oldest(struct session *s)
{
	struct outgoing *oldest = NULL;
	struct span id;
	size_t n = 0;

	each_away(s, PLACE_ACTIVE, &n, &oldest);
	each_away(s, PLACE_PARKED, &n, &oldest);
	if (n <= DIALOGS_MAX)
		return;
	diag_debug("a question that its client never answered is given up");
	id = server_id(oldest);
	if (queue_place(oldest) == PLACE_ACTIVE && id.p)
		tell_cancelled(s, id);
	outgoing_drop(oldest);
}

/* ---- questions of the server ---- */

static void reply_to_server(struct session *s, struct span id, const char *what, struct span value)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(&b, id.p, id.n) &&
		buf_addf(&b, ",\"%s\":", what) && buf_add(&b, value.p, value.n) &&
		buf_addc(&b, '}'))
		outgoing_tell(s, b.p, b.len);
	buf_free(&b);
}

/* Multi Round-Trip Requests, Supported Requests. */
static bool takes_questions(const struct outgoing *p)
{
	enum method m = outgoing_message(p)->method;
	const struct between *b = outgoing_between(p);

	return outgoing_kind(p) == OUTGOING_MESSAGE && b && b->by == &modern_client_translator &&
	       owed_is_call(p) &&
	       (m == METHOD_TOOLS_CALL || m == METHOD_PROMPTS_GET || m == METHOD_RESOURCES_READ);
}

/* A question on the GET stream names no call: the one that is under way longest it is. */
static struct outgoing *any_call(struct session *s)
{
	for (struct outgoing *p = queue_first(s, PLACE_ACTIVE); p; p = queue_next(p))
		if (takes_questions(p) && owed_waits(owed_request(p)))
			return p;
	return NULL;
}

static bool declared(struct outgoing *p, const struct message *question)
{
	struct span c, kind;

	c = walk_path(outgoing_message(p)->params, "_meta", era_capabilities_key, (char *)NULL);
	if (question->method == METHOD_SAMPLING_CREATE_MESSAGE)
		return walk_type(walk_get(c, "sampling", NULL)) == WALK_OBJECT;
	if (question->method == METHOD_ROOTS_LIST)
		return walk_type(walk_get(c, "roots", NULL)) == WALK_OBJECT;
	kind = walk_get(c, "elicitation", NULL);
	if (walk_string_is(walk_get(question->params, "mode", NULL), "url"))
		return walk_type(walk_get(kind, "url", NULL)) == WALK_OBJECT;
	return walk_type(walk_get(kind, "form", NULL)) == WALK_OBJECT ||
	       (walk_type(kind) == WALK_OBJECT && !walk_get(kind, "url", NULL).p);
}

/* As it stands in inputRequests: no jsonrpc, no id; the modern era knows no elicitationId. */
static bool add_request(struct buf *b, const struct message *m)
{
	static const char *const gone[] = { "elicitationId", NULL };
	struct edits e = { 0 };
	struct span method = { m->name.p - 1, m->name.n + 2 };

	if (!buf_adds(b, "{\"method\":") || !buf_add(b, method.p, method.n))
		return false;
	if (walk_type(m->params) == WALK_OBJECT) {
		edit_object(&e, m->params, gone, (struct span){ 0 });
		if (!buf_adds(b, ",\"params\":") || !edit_apply(&e, m->params, b))
			return false;
	}
	return buf_addc(b, '}');
}

static void add_question(struct outgoing *p, const struct message *m)
{
	struct dialog *d = make_dialog(p);
	struct question *q = mem_new(sizeof(*q)), **at = &d->first;

	buf_init(&q->id, MESSAGE_MAX);
	buf_init(&q->request, MESSAGE_MAX);
	if (d->nquestions == QUESTIONS_MAX || !buf_add(&q->id, m->id.p, m->id.n) ||
		!add_request(&q->request, m)) {
		refuse_question(outgoing_session(p), m->id, "too many questions at once");
		question_free(q);
		return;
	}
	while (*at)
		at = &(*at)->next;
	*at = q;
	d->nquestions++;
	if (owed_waits(owed_request(p)))
		put_question(p);
}

enum taken modern_input_asked(struct between *b, struct outgoing *from, const struct message *m)
{
	static const char empty[] = "{}";
	struct session *s = b->s;
	struct outgoing *p = from && takes_questions(from) ? from : any_call(s);

	if (m->method == METHOD_PING)
		reply_to_server(s, m->id, "result", (struct span){ empty, 2 });
	else if (m->method != METHOD_ELICITATION_CREATE &&
		 m->method != METHOD_SAMPLING_CREATE_MESSAGE && m->method != METHOD_ROOTS_LIST)
		refuse_question(s, m->id, "this client knows no such request");
	else if (!p)
		refuse_question(s, m->id,
			"this client speaks MCP 2026-07-28 and can be asked only while a tool, a "
			"prompt or "
			"a resource is being used");
	else if (!declared(p, m))
		refuse_question(
			s, m->id, "this client did not declare that it answers such requests");
	else
		add_question(p, m);
	return TAKEN;
}

/* ---- the client comes back ---- */

static struct outgoing *find_away(struct session *s, enum place place, struct span token)
{
	for (struct outgoing *p = queue_first(s, place); p; p = queue_next(p)) {
		const struct dialog *d = dialog_of(p);

		if (d && d->away && d->token.len == token.n &&
			memcmp(d->token.p, token.p, token.n) == 0)
			return p;
	}
	return NULL;
}

/* From now on the call is answered to the request m. */
static bool rebind(struct outgoing *p, const struct message *m)
{
	struct dialog *d = dialog_of(p);
	struct span id = server_id(p);
	struct span progress = walk_path(m->params, "_meta", "progressToken", (char *)NULL);

	if (!outgoing_id(p).p && (!id.p || !outgoing_set_id(p, id)))
		return false;
	buf_reset(&d->progress);
	if ((progress.p && !buf_add(&d->progress, progress.p, progress.n)) ||
		!owed_take_up(p, m->id))
		return false;
	d->away = false;
	return true;
}

static void deliver_late(struct outgoing *p)
{
	struct dialog *d = dialog_of(p);
	struct message late = d->late;
	struct incoming in = { .p = late.bytes.p, .n = late.bytes.len, .whole = &late.bytes };

	d->late = (struct message){ 0 };
	modern_answer(owed_request(p), &in, &late);
	message_free(&late);
	if (queue_place(p) == PLACE_PARKED)
		outgoing_drop(p);
}

static bool same_method(struct outgoing *p, const struct message *m)
{
	struct span a, b;

	if (outgoing_message(p)->method != m->method)
		return false;
	a = walk_get(outgoing_message(p)->params, "name", NULL);
	b = walk_get(m->params, "name", NULL);
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

/* The answer to the first question is passed on. False when there is none. */
static bool take_answer(struct outgoing *p, const struct message *m)
{
	struct dialog *d = dialog_of(p);
	struct question *q = d->first;
	struct span value;
	char key[32];

	snprintf(key, sizeof(key), "q%lu", d->serial);
	value = walk_path(m->params, "inputResponses", key, (char *)NULL);
	if (!value.p && !q->withdrawn)
		return false;
	if (!q->withdrawn)
		reply_to_server(
			outgoing_session(p), (struct span){ q->id.p, q->id.len }, "result", value);
	pop_question(d);
	return true;
}

enum taken modern_input_resumed(struct between *b, const struct message *m)
{
	struct span token = walk_get(m->params, "requestState", NULL);
	struct session *s = b->s;
	struct dialog *d;
	struct outgoing *p;

	if (walk_type(token) != WALK_STRING || token.n < sizeof(token_prefix) ||
		memcmp(token.p + 1, token_prefix, sizeof(token_prefix) - 1) != 0)
		return NOT_TAKEN;
	p = find_away(s, PLACE_ACTIVE, token);
	p = p ? p : find_away(s, PLACE_PARKED, token);
	if (!p || !same_method(p, m) || !rebind(p, m)) {
		to_client_invalid(s, m->id, -32602,
			"the call that this question belongs to is over: make the call again");
		return TAKEN;
	}
	d = dialog_of(p);
	if (d->first && !take_answer(p, m))
		put_question(p);
	else if (d->late.whole.p)
		deliver_late(p);
	else if (d->first)
		put_question(p);
	return TAKEN;
}

enum taken modern_input_keep(struct outgoing *p, const struct message *m)
{
	struct dialog *d = dialog_of(p);

	return d && d->away && !d->late.whole.p && message_keep(&d->late, m) ? TAKEN : NOT_TAKEN;
}

enum taken modern_input_stays(struct outgoing *p)
{
	const struct dialog *d = dialog_of(p);

	if (!d || !d->away || !d->late.whole.p || session_input_ended(outgoing_session(p)))
		return NOT_TAKEN;
	queue_park(p);
	return TAKEN;
}

/* Progress of a call that is answered to another request by now carries that one's token. */
enum taken modern_input_progress(
	struct session *s, struct incoming *in, struct outgoing *from, const struct message *m)
{
	struct span token = walk_get(m->params, "progressToken", NULL);
	struct dialog *d = from ? dialog_of(from) : NULL;
	struct edits e = { 0 };

	if (!d || !owed_is_taken_up(from))
		return NOT_TAKEN;
	if (d->progress.len && !d->away && token.p) {
		edit_replace(&e, token, (struct span){ d->progress.p, d->progress.len });
		to_client_edited(s, in, m->whole, &e);
	}
	return TAKEN;
}

/* The server takes a question back. One that the client has stays until it comes back, or its answer would
 * be taken for that to the next one. */
void modern_input_withdrawn(struct outgoing *from, const struct message *m)
{
	struct span id = walk_get(m->params, "requestId", NULL);
	struct dialog *d = from ? dialog_of(from) : NULL;

	if (!d)
		return;
	for (struct question **at = &d->first, *q; (q = *at); at = &q->next) {
		if (!message_id_equal((struct span){ q->id.p, q->id.len }, id))
			continue;
		if (q == d->first && d->away) {
			q->withdrawn = true;
			return;
		}
		*at = q->next;
		d->nquestions--;
		question_free(q);
		return;
	}
}

void modern_input_end_all(struct session *s)
{
	struct outgoing *oldest;
	size_t n;

	for (;;) {
		oldest = NULL;
		n = 0;
		each_away(s, PLACE_ACTIVE, &n, &oldest);
		each_away(s, PLACE_PARKED, &n, &oldest);
		if (!oldest)
			return;
		outgoing_drop(oldest);
	}
}
