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

#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/session_impl.h"
#include "mcp/walk.h"

/* Calls whose client owes an answer to a question. A client may drop them without a word, so the
 * oldest make room. */
#define DIALOGS_MAX 32
/* Questions of one call that wait behind the first one. */
#define QUESTIONS_MAX 64
/* Resources in one subscription; more than a client watches. */
#define URIS_MAX 1024

#define TOKEN_BYTES 16
static const char token_prefix[] = "mpmcp-";

struct question {
	struct question *next;
	struct buf id;      /* raw: the server's */
	struct buf request; /* {"method":...,"params":...} */
};

/* What goes on between a call's two ends while the server has questions. */
struct dialog {
	struct question *first;
	size_t nquestions;
	unsigned long serial; /* of the question that was put last: its key */
	struct buf token;     /* raw requestState that the client is to bring back */
	bool away;            /* the client has the question and nobody waits for the call */
	unsigned long since;  /* for finding the oldest */
	struct buf late;      /* an answer that came while the client was away */
	struct buf progress;  /* raw progressToken of the client's latest request; empty: none */
};

struct sub {
	struct sub *next;
	struct post *p; /* the client's subscriptions/listen: parked, owed until the end */
	bool lists[3];
	char **uris; /* raw JSON strings */
	size_t nuris;
	size_t asked; /* resources/subscribe under way */
	bool acknowledged;
};

struct modern_client {
	struct session *s;
	struct sub *subs;
	unsigned long clock;
	int log_level; /* what the server was told; 8: nothing yet */
};

static const char *const list_names[] = { "tools", "prompts", "resources" };
static const char *const list_members[] = { "toolsListChanged", "promptsListChanged",
	"resourcesListChanged" };
static const char *const list_methods[] = { "notifications/tools/list_changed",
	"notifications/prompts/list_changed", "notifications/resources/list_changed" };

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
static struct span capabilities(const struct session *s)
{
	return walk_get((struct span){ s->hello.p, s->hello.len }, "capabilities", NULL);
}

static bool body_envelope(struct post *p, struct envelope *m)
{
	return envelope_scan(p->body.p, p->body.len, m, NULL) == ENVELOPE_OK;
}

/* ---- a session for a client that knows none ---- */

static bool make_initialize(struct post *p)
{
	struct session *s = p->s;
	struct envelope m;

	buf_free(&s->initialize);
	buf_reset(&s->hello);
	s->greeted = true;
	return body_envelope(p, &m) && era_initialize(&s->initialize, "mpmcp:initialize", m.params);
}

void modern_client_fall_back(struct post *p)
{
	struct session *s = p->s;
	struct err e = { 0 };

	get(s);
	session_server_is(s, ERA_LEGACY);
	p->reopened = true;
	if (!s->hello.len && s->state != STATE_REPLAY && !make_initialize(p)) {
		err_set(&e, ERR_LIMIT, "out of memory");
		post_fail(p, &e, NULL);
		post_drop(p);
		return;
	}
	post_enqueue(p, true);
	if (!s->hello.len && s->state == STATE_OPEN)
		session_reopen(s);
}

/* ---- dialogs ---- */

static void question_free(struct question *q)
{
	buf_free(&q->id);
	buf_free(&q->request);
	free(q);
}

static struct dialog *dialog_of(struct post *p)
{
	if (!p->dialog) {
		p->dialog = mem_new(sizeof(*p->dialog));
		buf_init(&p->dialog->token, 128);
		buf_init(&p->dialog->late, ENVELOPE_MAX);
		buf_init(&p->dialog->progress, ENVELOPE_MAX);
	}
	return p->dialog;
}

static void pop_question(struct dialog *d)
{
	struct question *q = d->first;

	d->first = q->next;
	d->nquestions--;
	question_free(q);
}

static void dialog_free(struct post *p)
{
	struct dialog *d = p->dialog;

	if (!d)
		return;
	while (d->first)
		pop_question(d);
	buf_free(&d->token);
	buf_free(&d->late);
	buf_free(&d->progress);
	free(d);
	p->dialog = NULL;
}

static bool new_token(struct dialog *d)
{
	unsigned char random[TOKEN_BYTES];

	crypt_random(random, sizeof(random));
	buf_reset(&d->token);
	return buf_addc(&d->token, '"') && buf_adds(&d->token, token_prefix) &&
	       crypt_hex(&d->token, random, sizeof(random)) && buf_addc(&d->token, '"');
}

static bool question_message(struct post *p, struct buf *b)
{
	struct dialog *d = p->dialog;
	struct span id = p->one.pending.id;

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
static void put_question(struct post *p)
{
	struct session *s = p->s;
	struct dialog *d = p->dialog;
	struct buf b;

	d->serial = ++s->serial;
	buf_init(&b, ENVELOPE_MAX);
	if (!new_token(d) || !question_message(p, &b))
		diag_error("out of memory: a question of the server is lost");
	else
		say_text(s, &b);
	buf_free(&b);
	d->away = true;
	d->since = ++s->modern->clock;
	post_settle(&p->one);
	drop_oldest(s);
}

static void each_away(struct post_list *l, size_t *n, struct post **oldest)
{
	for (struct post *p = l->head.next; p != &l->head; p = p->next) {
		if (!p->dialog || !p->dialog->away)
			continue;
		++*n;
		if (!*oldest || p->dialog->since < (*oldest)->dialog->since)
			*oldest = p;
	}
}

/* The id that the server knows p by, raw. */
static struct span server_id(struct post *p)
{
	struct envelope m;

	if (p->id.len)
		return (struct span){ p->id.p, p->id.len };
	return body_envelope(p, &m) ? m.id : (struct span){ 0 };
}

static void drop_oldest(struct session *s)
{
	struct post *oldest = NULL;
	struct span id;
	size_t n = 0;

	each_away(&s->active, &n, &oldest);
	each_away(&s->parked, &n, &oldest);
	if (n <= DIALOGS_MAX)
		return;
	diag_debug("a question that its client never answered is given up");
	id = server_id(oldest);
	if (oldest->place == PLACE_ACTIVE && id.p)
		tell_cancelled(s, id);
	post_drop(oldest);
}

/* ---- questions of the server ---- */

static void reply_to_server(struct session *s, struct span id, const char *what, struct span value)
{
	struct buf b;

	buf_init(&b, ENVELOPE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && buf_add(&b, id.p, id.n) &&
		buf_addf(&b, ",\"%s\":", what) && buf_add(&b, value.p, value.n) &&
		buf_addc(&b, '}'))
		session_tell(s, b.p, b.len);
	buf_free(&b);
}

static void refuse(struct session *s, struct span id, const char *why)
{
	struct buf b;

	diag_debug("a question of the server is refused: %s", why);
	buf_init(&b, ENVELOPE_MAX);
	if (envelope_error(&b, id, -32601, why, NULL))
		session_tell(s, b.p, b.len);
	buf_free(&b);
}

/* Multi Round-Trip Requests, Supported Requests. */
static bool takes_questions(struct post *p)
{
	struct envelope m;

	return p->kind == POST_MESSAGE && p->era == ERA_MODERN && p->wire == ERA_LEGACY &&
	       p->ncalls == 1 && body_envelope(p, &m) &&
	       (envelope_method_is(&m, "tools/call") || envelope_method_is(&m, "prompts/get") ||
		       envelope_method_is(&m, "resources/read"));
}

/* A question on the GET stream names no call: the one that is under way longest it is. */
static struct post *any_call(struct session *s)
{
	struct post_list *l = &s->active;

	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		if (takes_questions(p) && p->one.pending.listed)
			return p;
	return NULL;
}

static bool declared(struct post *p, const struct envelope *question)
{
	struct envelope m;
	struct span c, kind;

	if (!body_envelope(p, &m))
		return false;
	c = walk_path(m.params, "_meta", era_capabilities_key, (char *)NULL);
	if (envelope_method_is(question, "sampling/createMessage"))
		return walk_type(walk_get(c, "sampling", NULL)) == WALK_OBJECT;
	if (envelope_method_is(question, "roots/list"))
		return walk_type(walk_get(c, "roots", NULL)) == WALK_OBJECT;
	kind = walk_get(c, "elicitation", NULL);
	if (walk_string_is(walk_get(question->params, "mode", NULL), "url"))
		return walk_type(walk_get(kind, "url", NULL)) == WALK_OBJECT;
	return walk_type(walk_get(kind, "form", NULL)) == WALK_OBJECT ||
	       (walk_type(kind) == WALK_OBJECT && !walk_get(kind, "url", NULL).p);
}

/* As it stands in inputRequests: no jsonrpc, no id; the modern era knows no elicitationId. */
static bool add_request(struct buf *b, const struct envelope *m)
{
	static const char *const gone[] = { "elicitationId", NULL };
	struct edits e = { 0 };
	struct span method = { m->method.p - 1, m->method.n + 2 };

	if (!buf_adds(b, "{\"method\":") || !buf_add(b, method.p, method.n))
		return false;
	if (walk_type(m->params) == WALK_OBJECT) {
		edit_object(&e, m->params, gone, (struct span){ 0 });
		if (!buf_adds(b, ",\"params\":") || !edit_apply(&e, m->params, b))
			return false;
	}
	return buf_addc(b, '}');
}

static void add_question(struct post *p, const struct envelope *m)
{
	struct dialog *d = dialog_of(p);
	struct question *q = mem_new(sizeof(*q)), **at = &d->first;

	buf_init(&q->id, ENVELOPE_MAX);
	buf_init(&q->request, ENVELOPE_MAX);
	if (d->nquestions == QUESTIONS_MAX || !buf_add(&q->id, m->id.p, m->id.n) ||
		!add_request(&q->request, m)) {
		refuse(p->s, m->id, "too many questions at once");
		question_free(q);
		return;
	}
	while (*at)
		at = &(*at)->next;
	*at = q;
	d->nquestions++;
	if (p->one.pending.listed)
		put_question(p);
}

void modern_client_asked(struct session *s, struct post *from, const struct envelope *m)
{
	static const char empty[] = "{}";
	struct post *p = from && takes_questions(from) ? from : any_call(s);

	if (envelope_method_is(m, "ping"))
		reply_to_server(s, m->id, "result", (struct span){ empty, 2 });
	else if (!envelope_method_is(m, "elicitation/create") &&
		 !envelope_method_is(m, "sampling/createMessage") &&
		 !envelope_method_is(m, "roots/list"))
		refuse(s, m->id, "this client knows no such request");
	else if (!p)
		refuse(s, m->id,
			"this client speaks MCP 2026-07-28 and can be asked only while a tool, a "
			"prompt or "
			"a resource is being used");
	else if (!declared(p, m))
		refuse(s, m->id, "this client did not declare that it answers such requests");
	else
		add_question(p, m);
}

/* ---- the client comes back ---- */

static struct post *find_away(struct post_list *l, struct span token)
{
	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		if (p->dialog && p->dialog->away && p->dialog->token.len == token.n &&
			memcmp(p->dialog->token.p, token.p, token.n) == 0)
			return p;
	return NULL;
}

/* From now on the call is answered to the request m. */
static bool rebind(struct post *p, const struct envelope *m)
{
	struct dialog *d = p->dialog;
	struct span id = server_id(p);
	struct span progress = walk_path(m->params, "_meta", "progressToken", (char *)NULL);

	if (!p->id.len && (!id.p || !buf_add(&p->id, id.p, id.n)))
		return false;
	buf_reset(&p->owner);
	buf_reset(&d->progress);
	if (!buf_add(&p->owner, m->id.p, m->id.n) ||
		(progress.p && !buf_add(&d->progress, progress.p, progress.n)))
		return false;
	d->away = false;
	post_owe(p, &p->one, (struct span){ p->owner.p, p->owner.len });
	if (p->place == PLACE_ACTIVE && !p->counted) {
		p->counted = true;
		p->s->in_flight++;
	}
	return true;
}

static void deliver_late(struct post *p)
{
	struct buf late = p->dialog->late;
	struct incoming in = { .p = late.p, .n = late.len, .whole = &late };
	struct envelope m;

	buf_init(&p->dialog->late, ENVELOPE_MAX);
	if (envelope_scan(late.p, late.len, &m, NULL) == ENVELOPE_OK &&
		!modern_client_answer(&p->one, &in, &m))
		answer_call(&p->one, &in, &m, NULL);
	buf_free(&late);
	if (p->place == PLACE_PARKED)
		post_drop(p);
}

static bool same_method(struct post *p, const struct envelope *m)
{
	struct envelope first;
	struct span a, b;

	if (!body_envelope(p, &first) || first.method.n != m->method.n ||
		memcmp(first.method.p, m->method.p, m->method.n) != 0)
		return false;
	a = walk_get(first.params, "name", NULL);
	b = walk_get(m->params, "name", NULL);
	return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

bool modern_client_resumed(struct session *s, const struct envelope *m)
{
	struct span token = walk_get(m->params, "requestState", NULL), value;
	struct post *p;
	char key[32];

	if (walk_type(token) != WALK_STRING || token.n < sizeof(token_prefix) ||
		memcmp(token.p + 1, token_prefix, sizeof(token_prefix) - 1) != 0)
		return false;
	p = find_away(&s->active, token);
	p = p ? p : find_away(&s->parked, token);
	if (!p || !same_method(p, m) || !rebind(p, m)) {
		say_invalid(s, m->id, -32602,
			"the call that this question belongs to is over: make the call again");
		return true;
	}
	if (p->dialog->first) {
		snprintf(key, sizeof(key), "q%lu", p->dialog->serial);
		value = walk_path(m->params, "inputResponses", key, (char *)NULL);
		if (!value.p) {
			put_question(p);
			return true;
		}
		reply_to_server(s,
			(struct span){ p->dialog->first->id.p, p->dialog->first->id.len }, "result",
			value);
		pop_question(p->dialog);
	}
	if (p->dialog->late.len)
		deliver_late(p);
	else if (p->dialog->first)
		put_question(p);
	return true;
}

bool modern_client_keep(struct post *p, const struct envelope *m)
{
	return p->dialog && p->dialog->away && !p->dialog->late.len &&
	       buf_add(&p->dialog->late, m->whole.p, m->whole.n);
}

bool modern_client_stays(struct post *p)
{
	if (!p->dialog || !p->dialog->away || !p->dialog->late.len || p->s->input_ended)
		return false;
	post_park(p);
	return true;
}

void modern_client_forget(struct post *p)
{
	struct modern_client *c = p->s->modern;

	dialog_free(p);
	if (!c)
		return;
	for (struct sub **at = &c->subs, *b; (b = *at);) {
		if (b->p != p) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		for (size_t i = 0; i < b->nuris; i++)
			free(b->uris[i]);
		free(b->uris);
		free(b);
	}
}

/* ---- subscriptions ---- */

static bool add_honoured(const struct sub *b, struct buf *out)
{
	bool good = buf_addc(out, '{');
	size_t n = 0;

	for (size_t i = 0; i < 3 && good; i++)
		if (b->lists[i])
			good = (!n++ || buf_addc(out, ',')) &&
			       buf_addf(out, "\"%s\":true", list_members[i]);
	if (b->nuris)
		good = good && (!n || buf_addc(out, ',')) &&
		       buf_adds(out, "\"resourceSubscriptions\":[");
	for (size_t i = 0; i < b->nuris && good; i++)
		good = (!i || buf_addc(out, ',')) && buf_adds(out, b->uris[i]);
	return good && (!b->nuris || buf_addc(out, ']')) && buf_addc(out, '}');
}

static void acknowledge(struct modern_client *c, struct sub *b)
{
	struct span id = b->p->one.pending.id;
	struct buf m;

	b->acknowledged = true;
	buf_init(&m, ENVELOPE_MAX);
	if (buf_addf(&m,
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
		    "\"params\":{\"_meta\":{\"%s\":",
		    era_subscription_key) &&
		buf_add(&m, id.p, id.n) && buf_adds(&m, "},\"notifications\":") &&
		add_honoured(b, &m) && buf_adds(&m, "}}"))
		say_text(c->s, &m);
	buf_free(&m);
}

static void forget_uri(struct sub *b, struct span uri)
{
	for (size_t i = 0; i < b->nuris; i++) {
		if (strlen(b->uris[i]) != uri.n || memcmp(b->uris[i], uri.p, uri.n) != 0)
			continue;
		free(b->uris[i]);
		b->uris[i--] = b->uris[--b->nuris];
	}
}

static struct sub *find_sub(struct modern_client *c, const struct post *p)
{
	struct sub *b = c ? c->subs : NULL;

	while (b && b->p != p)
		b = b->next;
	return b;
}

/* What cannot be watched is not acknowledged. */
static void watched(struct post *p, const struct envelope *m, const struct err *why)
{
	struct session *s = p->s;
	/* The pointer is only compared: its post may be gone. */
	struct sub *b = find_sub(s->modern, p->ctx);
	struct envelope asked;

	(void)why;
	if (!b)
		return;
	if ((!m || m->error.p) && post_envelope(p, &asked))
		forget_uri(b, walk_get(asked.params, "uri", NULL));
	if (!--b->asked && !b->acknowledged)
		acknowledge(s->modern, b);
}

static void unwatched(struct post *p, const struct envelope *m, const struct err *why)
{
	(void)p, (void)m, (void)why;
}

static void ask_resource(
	struct session *s, const char *method, const char *uri, post_answer_fn *fn, void *ctx)
{
	struct buf b;
	struct post *p;

	buf_init(&b, ENVELOPE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(s, &b) &&
		buf_addf(&b, ",\"method\":\"%s\",\"params\":{\"uri\":", method) &&
		buf_adds(&b, uri) && buf_adds(&b, "}}")) {
		p = session_ask(s, &b, ERA_LEGACY, fn);
		p->ctx = ctx;
		post_start(p);
	}
	buf_free(&b);
}

static void watch_all(struct modern_client *c, struct sub *b)
{
	b->asked += b->nuris;
	for (size_t i = 0; i < b->nuris; i++)
		ask_resource(c->s, "resources/subscribe", b->uris[i], watched, b->p);
}

void modern_client_reopened(struct session *s)
{
	s->modern->log_level = 8;
	for (struct sub *b = s->modern->subs; b; b = b->next)
		watch_all(s->modern, b);
}

static void read_filter(struct modern_client *c, struct sub *b, struct span filter)
{
	struct span has = capabilities(c->s),
		    uris = walk_get(filter, "resourceSubscriptions", NULL);
	struct walk_item it;
	struct walk w;

	for (size_t i = 0; i < 3; i++)
		b->lists[i] = walk_true(walk_get(filter, list_members[i], NULL)) &&
			      walk_true(walk_path(has, list_names[i], "listChanged", (char *)NULL));
	if (!walk_true(walk_path(has, "resources", "subscribe", (char *)NULL)) ||
		!walk_open(&w, uris))
		return;
	while (walk_next(&w, &it) && b->nuris < URIS_MAX) {
		if (walk_type(it.value) != WALK_STRING)
			continue;
		b->uris = mem_grow(b->uris, b->nuris + 1, sizeof(char *));
		b->uris[b->nuris++] = mem_ndup(it.value.p, it.value.n);
	}
}

static void subscribe(struct post *p, const struct envelope *m)
{
	struct modern_client *c = p->s->modern;
	struct sub *b = mem_new(sizeof(*b));

	post_park(p);
	b->p = p;
	b->next = c->subs;
	c->subs = b;
	read_filter(c, b, walk_get(m->params, "notifications", NULL));
	watch_all(c, b);
	if (!b->asked)
		acknowledge(c, b);
}

static bool is_watched(const struct modern_client *c, const struct sub *but, const char *uri)
{
	for (const struct sub *b = c->subs; b; b = b->next)
		for (size_t i = 0; b != but && i < b->nuris; i++)
			if (strcmp(b->uris[i], uri) == 0)
				return true;
	return false;
}

static void end_sub(struct modern_client *c, struct sub *b)
{
	for (size_t i = 0; i < b->nuris; i++)
		if (!is_watched(c, b, b->uris[i]))
			ask_resource(c->s, "resources/unsubscribe", b->uris[i], unwatched, NULL);
	post_drop(b->p); /* b goes with it */
}

bool modern_client_unsubscribe(struct session *s, struct span id)
{
	struct modern_client *c = s->modern;

	for (struct sub *b = c->subs; b && id.p; b = b->next) {
		if (!envelope_id_equal(b->p->one.pending.id, id))
			continue;
		end_sub(c, b);
		return true;
	}
	return false;
}

static bool sub_wants(const struct sub *b, const struct envelope *m)
{
	struct span uri = walk_get(m->params, "uri", NULL);
	struct buf text;
	bool wants = false;

	for (size_t i = 0; i < 3; i++)
		if (b->lists[i] && envelope_method_is(m, list_methods[i]))
			return true;
	if (!envelope_method_is(m, "notifications/resources/updated"))
		return false;
	buf_init(&text, ENVELOPE_MAX);
	if (walk_string(uri, &text))
		for (size_t i = 0; i < b->nuris && !wants; i++)
			wants = walk_string_is(
				(struct span){ b->uris[i], strlen(b->uris[i]) }, buf_str(&text));
	buf_free(&text);
	return wants;
}

/* The notification with the id of the subscription in its _meta. */
static void notify(struct modern_client *c, const struct sub *b, const struct envelope *m)
{
	struct edits e = { 0 };
	struct span id = b->p->one.pending.id;
	struct buf members, scratch, out;

	buf_init(&members, ENVELOPE_MAX);
	buf_init(&scratch, ENVELOPE_MAX);
	buf_init(&out, ENVELOPE_MAX);
	if (buf_addf(&members, "\"%s\":", era_subscription_key) && buf_add(&members, id.p, id.n) &&
		era_add_meta(&e, m, (struct span){ members.p, members.len }, (struct span){ 0 },
			&scratch) &&
		edit_apply(&e, m->whole, &out))
		say_text(c->s, &out);
	buf_free(&members);
	buf_free(&scratch);
	buf_free(&out);
}

static bool is_change(const struct envelope *m)
{
	for (size_t i = 0; i < 3; i++)
		if (envelope_method_is(m, list_methods[i]))
			return true;
	return envelope_method_is(m, "notifications/resources/updated");
}

/* ---- other notifications of the server ---- */

/* Log messages are for requests that asked for them. One on the GET stream may belong to any, also to
 * one whose answer was quicker on its own stream: it is for whoever asked before. */
static bool wants_log(const struct session *s, const struct post *from, const struct envelope *m)
{
	int level = era_log_level(walk_get(m->params, "level", NULL));

	if (from)
		return from->log_level >= 0 && level >= from->log_level;
	return level >= s->modern->log_level;
}

/* Progress of a call that is answered to another request by now carries that one's token. */
static bool progressed(
	struct session *s, struct incoming *in, struct post *from, const struct envelope *m)
{
	struct span token = walk_get(m->params, "progressToken", NULL);
	struct edits e = { 0 };

	if (!from || !from->dialog || !from->owner.len)
		return false;
	if (from->dialog->progress.len && !from->dialog->away && token.p) {
		edit_replace(&e, token,
			(struct span){ from->dialog->progress.p, from->dialog->progress.len });
		say_edited(s, in, m->whole, &e);
	}
	return true;
}

/* The server takes a question back. The client may have it already; then nothing can be done. */
static void question_over(struct post *from, const struct envelope *m)
{
	struct span id = walk_get(m->params, "requestId", NULL);
	struct dialog *d = from ? from->dialog : NULL;

	if (!d)
		return;
	for (struct question **at = &d->first, *q; (q = *at); at = &q->next) {
		if (!envelope_id_equal((struct span){ q->id.p, q->id.len }, id))
			continue;
		*at = q->next;
		d->nquestions--;
		question_free(q);
		return;
	}
}

bool modern_client_notified(
	struct session *s, struct incoming *in, struct post *from, const struct envelope *m)
{
	if (is_change(m)) {
		for (struct sub *b = s->modern->subs; b; b = b->next)
			if (b->acknowledged && sub_wants(b, m))
				notify(s->modern, b, m);
		return true;
	}
	if (envelope_method_is(m, "notifications/progress"))
		return progressed(s, in, from, m);
	if (envelope_method_is(m, "notifications/message"))
		return !wants_log(s, from, m);
	if (envelope_method_is(m, "notifications/cancelled")) {
		question_over(from, m);
		return true;
	}
	/* Only what belongs to a request may be said to a modern client without its asking. */
	return !from || envelope_method_is(m, "notifications/elicitation/complete") ||
	       envelope_method_is(m, "notifications/tasks/status");
}

/* ---- requests of the client ---- */

static void level_set(struct post *p, const struct envelope *m, const struct err *why)
{
	(void)p, (void)m, (void)why; /* whoever waits goes on, with fewer messages at worst */
}

/* The server has one level for the session: it is told when a request wants more than that. */
static struct post *ask_level(struct modern_client *c, struct span level, int n)
{
	struct post *p = NULL;
	struct buf b;

	if (n < 0 || n >= c->log_level ||
		walk_type(walk_get(capabilities(c->s), "logging", NULL)) != WALK_OBJECT)
		return NULL;
	c->log_level = n;
	buf_init(&b, ENVELOPE_MAX);
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
	struct buf b;

	buf_init(&b, ENVELOPE_MAX);
	if (era_discover_answer(
		    &b, p->one.pending.id, (struct span){ p->s->hello.p, p->s->hello.len }))
		say_text(p->s, &b);
	buf_free(&b);
	post_settle(&p->one);
	post_free(p);
}

static bool translate(struct post *p, const struct envelope *m)
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
	struct envelope m;
	struct span level;
	struct post *first;
	struct err e = { 0 };

	if (!s->hello.len) {
		modern_client_fall_back(p);
		return false;
	}
	if (!body_envelope(p, &m))
		return true; /* never: it was scanned before */
	if (envelope_method_is(&m, "server/discover")) {
		answer_discover(p);
		return false;
	}
	if (envelope_method_is(&m, "subscriptions/listen")) {
		subscribe(p, &m);
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

bool modern_client_answer(struct call *c, struct incoming *in, const struct envelope *m)
{
	static const char invalid_params[] = "-32602";
	struct edits e = { 0 };
	struct envelope request;
	struct span code = walk_get(m->error, "code", NULL);

	if (!body_envelope(c->post, &request))
		return false;
	if (m->result.p)
		era_result_to_modern(&e, m->result, &request);
	else if (walk_type(code) == WALK_NUMBER && era_error_code(m->error) == -32002)
		edit_replace(&e, code, (struct span){ invalid_params, sizeof(invalid_params) - 1 });
	answer_call(c, in, m, &e);
	return true;
}

/* ---- the end ---- */

static void end_subs(struct modern_client *c)
{
	while (c->subs) {
		struct post *p = c->subs->p;
		struct buf b;

		buf_init(&b, ENVELOPE_MAX);
		if (p->one.pending.listed && era_subscription_end(&b, p->one.pending.id))
			say_text(c->s, &b);
		buf_free(&b);
		post_drop(p);
	}
}

void modern_client_end_input(struct session *s)
{
	struct modern_client *c = s->modern;
	struct post *oldest;
	size_t n;

	if (!c)
		return;
	end_subs(c);
	/* Nobody will come back for these. */
	for (;;) {
		oldest = NULL;
		n = 0;
		each_away(&s->active, &n, &oldest);
		each_away(&s->parked, &n, &oldest);
		if (!oldest)
			break;
		post_drop(oldest);
	}
}

void modern_client_free(struct session *s)
{
	struct modern_client *c = s->modern;

	if (!c)
		return;
	end_subs(c);
	free(c);
	s->modern = NULL;
}
