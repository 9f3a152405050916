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
#include "mcp/session_impl.h"
#include "mcp/walk.h"

/* Rounds of questions for one request; a server that still wants more is asking in circles. */
#define ROUNDS_MAX 10
/* Questions in one round, and resources that are watched: more than a person or client deals with. */
#define ASKS_MAX 64
#define WATCHED_MAX 1024

/* Pauses before a subscription that ended is opened again; requests are counted by the service. */
#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000

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

/* A resources/subscribe or unsubscribe that waits for the server's acknowledgment. */
struct waiting {
	struct post *p;
	struct waiting *next;
};

struct legacy_client {
	struct session *s;
	struct buf meta;    /* members of _meta for every request */
	struct buf level;   /* raw, of logging/setLevel; empty: none asked for */
	struct buf refusal; /* the server's answer to initialize, in case discovery fails */
	struct post *hello; /* the client's initialize, waiting */
	bool corrected;     /* server/discover was repeated after a -32022 */
	bool sampling, roots, elicit_form, elicit_url;
	bool lists[3]; /* the server tells of changes: tools, prompts, resources */
	struct post *stream, *next_stream; /* subscriptions/listen: acknowledged, and not yet */
	char **watched;                    /* raw JSON strings */
	size_t nwatched;
	struct waiting *waiting;
	struct loop_timer timer;
	int64_t pause_ms;
	bool greeted; /* the client is ready to be notified */
};

static const char *const list_names[] = { "tools", "prompts", "resources" };

static void open_stream(struct legacy_client *l);

static void timer_due(void *ctx)
{
	open_stream(ctx);
}

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

static struct legacy_client *get(struct session *s)
{
	struct legacy_client *l = s->legacy;

	if (l)
		return l;
	l = s->legacy = mem_new(sizeof(*l));
	l->s = s;
	l->pause_ms = PAUSE_MIN_MS;
	buf_init(&l->meta, ENVELOPE_MAX);
	buf_init(&l->level, 64);
	buf_init(&l->refusal, ENVELOPE_MAX);
	loop_timer_init(&l->timer, s->loop, timer_due, l);
	note_client(l, (struct span){ 0 });
	return l;
}

void legacy_client_free(struct session *s)
{
	struct legacy_client *l = s->legacy;

	if (!l)
		return;
	loop_timer_clear(&l->timer);
	buf_free(&l->meta);
	buf_free(&l->level);
	buf_free(&l->refusal);
	for (size_t i = 0; i < l->nwatched; i++)
		free(l->watched[i]);
	free(l->watched);
	free(l);
	s->legacy = NULL;
}

/* ---- initialize ---- */

static bool ask_discover(struct legacy_client *l);

/* The client's initialize is answered with this message, whose id is put right. */
static void say_refusal(struct legacy_client *l)
{
	struct incoming in = { .p = l->refusal.p, .n = l->refusal.len, .whole = &l->refusal };
	struct post *p = l->hello;
	struct envelope m;

	if (envelope_scan(in.p, in.n, &m, NULL) == ENVELOPE_OK)
		answer_call(&p->one, &in, &m, NULL);
}

static void hello_over(struct legacy_client *l)
{
	struct post *p = l->hello;

	l->hello = NULL;
	post_drop(p); /* and messages go as they come again */
}

static void note_server(struct legacy_client *l, struct span discovered)
{
	struct span c = walk_get(discovered, "capabilities", NULL);

	for (size_t i = 0; i < 3; i++)
		l->lists[i] = walk_true(walk_path(c, list_names[i], "listChanged", (char *)NULL));
}

static void welcome(struct legacy_client *l, const struct envelope *m)
{
	struct session *s = l->s;
	struct envelope hello;
	struct buf b;

	session_server_is(s, ERA_MODERN);
	s->on->learned(s->ctx, ERA_MODERN);
	note_server(l, m->result);
	buf_init(&b, ENVELOPE_MAX);
	if (post_envelope(l->hello, &hello) && era_initialize_answer(&b, l->hello->one.pending.id,
						       hello.params, m->result, "an MCP server")) {
		if (l->hello->one.pending.listed)
			say_text(s, &b);
		post_settle(&l->hello->one);
		s->batches = walk_string_is(
			walk_get(hello.params, "protocolVersion", NULL), "2025-03-26");
		s->client_legacy = true;
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

static void discovered(struct post *p, const struct envelope *m, const struct err *why)
{
	struct legacy_client *l = p->s->legacy;
	struct post *hello = l->hello;

	if (!hello)
		return;
	if (m && m->result.p) {
		welcome(l, m);
		return;
	}
	if (m && era_error_code(m->error) == ERA_UNSUPPORTED_VERSION && !l->corrected &&
		era_supports(m->error, ERA_MODERN_VERSION)) {
		l->corrected = true;
		if (ask_discover(l))
			return;
	}
	if (!l->refusal.len && !l->s->server_fixed && (m || !is_no_evidence(why))) {
		/* It was remembered as modern and is not, any more: the client's own words decide. */
		l->hello = NULL;
		session_server_is(l->s, ERA_UNKNOWN);
		session_opened(l->s, hello);
		post_enqueue(hello, true);
		return;
	}
	if (l->refusal.len)
		say_refusal(l);
	else if (why)
		post_fail(hello, why, NULL);
	else if (buf_add(&l->refusal, m->whole.p, m->whole.n))
		say_refusal(l);
	hello_over(l);
}

static bool ask_discover(struct legacy_client *l)
{
	struct buf b;
	bool good;

	buf_init(&b, ENVELOPE_MAX);
	good = buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(l->s, &b) &&
	       buf_adds(&b, ",\"method\":\"server/discover\",\"params\":{\"_meta\":{") &&
	       buf_add(&b, l->meta.p, l->meta.len) && buf_adds(&b, "}}}");
	if (good)
		post_start(session_ask(l->s, &b, ERA_MODERN, discovered));
	buf_free(&b);
	return good;
}

void legacy_client_discover(struct post *p, const struct envelope *refusal)
{
	struct legacy_client *l = get(p->s);
	struct envelope m;

	buf_reset(&l->refusal);
	if (refusal && !buf_add(&l->refusal, refusal->whole.p, refusal->whole.n))
		diag_error("out of memory");
	post_park(p);
	l->hello = p;
	l->corrected = false;
	l->greeted = false;
	if (post_envelope(p, &m))
		note_client(l, m.params);
	diag_debug("initialize is translated: server/discover is asked for");
	if (!ask_discover(l))
		hello_over(l);
}

/* ---- rounds of questions ---- */

static void clear_asks(struct round *r, struct session *s)
{
	for (size_t i = 0; i < r->nasks; i++) {
		if (!r->asks[i].result.len && s->questions)
			s->questions--;
		buf_free(&r->asks[i].key);
		buf_free(&r->asks[i].id);
		buf_free(&r->asks[i].result);
	}
	r->nasks = r->open = 0;
	buf_free(&r->state);
}

static void round_free(struct post *p)
{
	if (!p->round)
		return;
	clear_asks(p->round, p->s);
	free(p->round);
	p->round = NULL;
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

static bool add_ask(struct post *p, const struct walk_item *it, struct buf *out)
{
	struct round *r = p->round;
	struct ask *a = &r->asks[r->nasks];

	buf_init(&a->key, ENVELOPE_MAX);
	buf_init(&a->id, 64);
	buf_init(&a->result, ENVELOPE_MAX);
	r->nasks++;
	r->open++;
	p->s->questions++;
	return buf_add(&a->key, it->key.p - 1, it->key.n + 2) && session_own_id(p->s, &a->id) &&
	       ask_message(out, a, it->value);
}

/* All questions of a round, or none: the messages are collected before the first is said. */
static bool read_asks(struct post *p, struct span requests, struct buf *out, struct err *e)
{
	struct legacy_client *l = p->s->legacy;
	struct walk_item it;
	struct walk w;

	if (requests.p && walk_type(requests) != WALK_OBJECT)
		return err_set(e, ERR_PROTO, "the server's questions cannot be read");
	if (!requests.p || !walk_open(&w, requests))
		return true;
	while (walk_next(&w, &it)) {
		if (!may_ask(l, it.value))
			return err_set(e, ERR_PROTO,
				"the server asks something that this client never offered to "
				"answer");
		if (p->round->nasks == ASKS_MAX)
			return err_set(e, ERR_LIMIT,
				"the server asks more than %d questions at once", ASKS_MAX);
		if (out->len && !buf_addc(out, '\n'))
			return err_set(e, ERR_LIMIT, "out of memory");
		if (!add_ask(p, &it, out))
			return err_set(e, ERR_LIMIT, "the server's questions are too long");
	}
	return true;
}

static bool may_require_input(struct post *p)
{
	struct envelope m;

	return envelope_scan(p->body.p, p->body.len, &m, NULL) == ENVELOPE_OK &&
	       (envelope_method_is(&m, "tools/call") || envelope_method_is(&m, "prompts/get") ||
		       envelope_method_is(&m, "resources/read"));
}

static bool begin_round(struct post *p, const struct envelope *m, struct buf *out, struct err *e)
{
	struct span state = walk_get(m->result, "requestState", NULL);
	struct span requests = walk_get(m->result, "inputRequests", NULL);

	if (!p->round)
		p->round = mem_new(sizeof(*p->round));
	clear_asks(p->round, p->s);
	buf_init(&p->round->state, ENVELOPE_MAX);
	if (!may_require_input(p))
		return err_set(
			e, ERR_PROTO, "the server wants input for a request that takes none");
	if (p->round->n++ == ROUNDS_MAX)
		return err_set(e, ERR_PROTO,
			"the server keeps asking: %d rounds of questions for one request, none of "
			"which "
			"was enough",
			ROUNDS_MAX);
	if (!requests.p && !state.p)
		return err_set(e, ERR_PROTO, "the server wants input, but does not say which");
	if (state.p && !buf_add(&p->round->state, state.p, state.n))
		return err_set(e, ERR_LIMIT, "out of memory");
	return read_asks(p, requests, out, e);
}

static bool is_anybody_there(const struct session *s, struct err *e)
{
	return !s->input_ended ||
	       err_set(e, ERR_CANCELLED,
		       "the input ended before the server's question was answered");
}

/* result: input_required. The call stays owed; its questions go to the client. */
static void ask_client(struct call *c, const struct envelope *m)
{
	struct post *p = c->post;
	struct session *s = p->s;
	struct buf out;
	struct err e = { 0 };

	buf_init(&out, ENVELOPE_MAX);
	if (!begin_round(p, m, &out, &e) || (p->round->nasks && !is_anybody_there(s, &e))) {
		post_fail(p, &e, NULL);
		post_answered(p);
	} else if (!p->round->nasks) {
		post_enqueue(p, true);
	} else {
		post_park(p);
		say_text(s, &out);
	}
	buf_free(&out);
}

static struct ask *find_ask(struct session *s, struct span id, struct post **of)
{
	struct post_list *l = &s->parked;

	for (struct post *p = l->head.next; p != &l->head; p = p->next) {
		for (size_t i = 0; p->round && i < p->round->nasks; i++) {
			struct ask *a = &p->round->asks[i];

			if (a->result.len ||
				!envelope_id_equal((struct span){ a->id.p, a->id.len }, id))
				continue;
			*of = p;
			return a;
		}
	}
	return NULL;
}

bool legacy_client_responded(struct session *s, const struct envelope *m)
{
	struct post *p;
	struct ask *a = find_ask(s, m->id, &p);
	struct err e = { 0 };

	if (!a)
		return false;
	if (m->error.p || !buf_add(&a->result, m->result.p, m->result.n)) {
		if (m->error.p)
			era_error_words(m->error, &e);
		else
			err_set(&e, ERR_LIMIT, "out of memory");
		err_prefix(&e, "the server asked something, and this client did not answer it");
		legacy_client_forget(p, true);
		post_fail(p, &e, NULL);
		post_drop(p);
		return true;
	}
	if (s->questions)
		s->questions--;
	if (!--p->round->open)
		post_enqueue(p, true);
	return true;
}

/* Tells the client that questions which it has not answered are void. */
static void withdraw(struct post *p)
{
	struct buf b;

	buf_init(&b, ENVELOPE_MAX);
	for (size_t i = 0; p->round && i < p->round->nasks; i++) {
		const struct ask *a = &p->round->asks[i];

		buf_reset(&b);
		if (!a->result.len &&
			buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
				     "\"params\":{\"requestId\":") &&
			buf_add(&b, a->id.p, a->id.len) && buf_adds(&b, "}}"))
			say_text(p->s, &b);
	}
	buf_free(&b);
}

void legacy_client_forget(struct post *p, bool tell)
{
	struct legacy_client *l = p->s->legacy;

	if (!l)
		return;
	if (tell)
		withdraw(p);
	round_free(p);
	if (l->stream == p)
		l->stream = NULL;
	if (l->next_stream == p)
		l->next_stream = NULL;
	if (l->hello == p)
		l->hello = NULL;
	for (struct waiting **at = &l->waiting, *w; (w = *at);) {
		if (w->p != p) {
			at = &w->next;
			continue;
		}
		*at = w->next;
		free(w);
	}
}

/* ---- the subscription ---- */

static bool add_filter(const struct legacy_client *l, struct buf *b)
{
	static const char *const members[] = { "\"toolsListChanged\":true",
		"\"promptsListChanged\":true", "\"resourcesListChanged\":true" };
	bool good = buf_addc(b, '{');
	size_t n = 0;

	for (size_t i = 0; i < 3 && good; i++)
		if (l->lists[i])
			good = (!n++ || buf_addc(b, ',')) && buf_adds(b, members[i]);
	if (l->nwatched)
		good = good && (!n || buf_addc(b, ',')) &&
		       buf_adds(b, "\"resourceSubscriptions\":[");
	for (size_t i = 0; i < l->nwatched && good; i++)
		good = (!i || buf_addc(b, ',')) && buf_adds(b, l->watched[i]);
	return good && (!l->nwatched || buf_addc(b, ']')) && buf_addc(b, '}');
}

/* Whoever waits to watch something is told how that went. honoured: the list that the server
 * acknowledged; {NULL} with why when it refused. */
static void answer_waiting(struct legacy_client *l, struct span honoured, const struct err *why)
{
	while (l->waiting) {
		struct post *p = l->waiting->p;
		struct envelope m;
		struct walk_item it;
		struct walk w;
		struct buf uri;
		bool found = false;

		buf_init(&uri, ENVELOPE_MAX);
		if (!why && post_envelope(p, &m) &&
			walk_string(walk_get(m.params, "uri", NULL), &uri) &&
			walk_open(&w, honoured))
			while (!found && walk_next(&w, &it))
				found = walk_string_is(it.value, buf_str(&uri));
		buf_free(&uri);
		if (why)
			post_fail(p, why, NULL);
		else if (found)
			say_empty(l->s, p->one.pending.id);
		else
			say_invalid(l->s, p->one.pending.id, -32602,
				"the server does not tell of changes of this resource");
		post_settle(&p->one);
		post_drop(p); /* takes it off the list */
	}
}

static void acknowledged(struct legacy_client *l, const struct envelope *m)
{
	struct post *old = l->stream;

	l->stream = l->next_stream;
	l->next_stream = NULL;
	l->pause_ms = PAUSE_MIN_MS;
	if (old)
		post_drop(old);
	answer_waiting(l,
		walk_path(m->params, "notifications", "resourceSubscriptions", (char *)NULL), NULL);
}

/* A stream is over: again after a while, unless the server will have none of it. */
static void stream_over(struct post *p, const struct envelope *m, const struct err *why)
{
	struct legacy_client *l = p->s->legacy;
	bool refused = m && m->error.p;
	bool unacknowledged = p == l->next_stream;
	struct err e = { 0 };

	if (p != l->stream && p != l->next_stream)
		return;
	if (refused)
		era_error_words(m->error, &e);
	else if (why)
		e = *why;
	else
		err_set(&e, ERR_SERVER, "the server ended its stream");
	diag_debug("subscription: %s", e.msg);
	if (p == l->stream)
		l->stream = NULL;
	else
		l->next_stream = NULL;
	if (unacknowledged)
		answer_waiting(l, (struct span){ 0 }, &e);
	if (refused || e.kind == ERR_NOT_FOUND || e.kind == ERR_PROTO || l->stream ||
		l->next_stream)
		return;
	loop_timer_set(&l->timer, l->pause_ms);
	l->pause_ms = l->pause_ms * 2 < PAUSE_MAX_MS ? l->pause_ms * 2 : PAUSE_MAX_MS;
}

static bool wants_stream(const struct legacy_client *l)
{
	return l->greeted && (l->lists[0] || l->lists[1] || l->lists[2] || l->nwatched);
}

/* With the filter as it is now; the one before goes on until this one is acknowledged. */
static void open_stream(struct legacy_client *l)
{
	struct post *old = l->next_stream, *p;
	struct buf b;

	loop_timer_clear(&l->timer);
	l->next_stream = NULL;
	if (old)
		post_drop(old);
	if (l->s->input_ended)
		return;
	if (!wants_stream(l)) {
		old = l->stream;
		l->stream = NULL;
		if (old)
			post_drop(old);
		return;
	}
	buf_init(&b, ENVELOPE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"id\":") && session_own_id(l->s, &b) &&
		buf_adds(&b, ",\"method\":\"subscriptions/listen\",\"params\":{\"_meta\":{") &&
		buf_add(&b, l->meta.p, l->meta.len) && buf_adds(&b, "},\"notifications\":") &&
		add_filter(l, &b) && buf_adds(&b, "}}")) {
		p = l->next_stream = session_ask(l->s, &b, ERA_MODERN, stream_over);
		p->endless = true;
		post_start(p);
	}
	buf_free(&b);
}

bool legacy_client_notified(struct session *s, const struct post *from, const struct envelope *m)
{
	struct legacy_client *l = s->legacy;

	bool opening = from && from == l->next_stream;

	if (envelope_method_is(m, "notifications/subscriptions/acknowledged")) {
		if (opening)
			acknowledged(l, m);
		return false;
	}
	/* A stream that is not acknowledged, and the end of one: nothing that a client knows. */
	return !opening && !envelope_method_is(m, "notifications/cancelled");
}

/* ---- requests of the client that mean something else now ---- */

static size_t find_watched(const struct legacy_client *l, struct span uri)
{
	size_t i = 0;

	while (i < l->nwatched &&
		!(strlen(l->watched[i]) == uri.n && memcmp(l->watched[i], uri.p, uri.n) == 0))
		i++;
	return i;
}

static void watch(struct legacy_client *l, struct post *p, struct span uri)
{
	struct waiting *w;
	struct err e = { 0 };

	if (!is_anybody_there(l->s, &e)) {
		post_fail(p, &e, NULL);
		post_free(p);
		return;
	}
	if (walk_type(uri) != WALK_STRING || l->nwatched == WATCHED_MAX) {
		say_invalid(l->s, p->one.pending.id, -32602,
			l->nwatched == WATCHED_MAX ? "too many resources are watched already"
						   : "\"uri\" must be a string");
		post_settle(&p->one);
		post_free(p);
		return;
	}
	if (find_watched(l, uri) == l->nwatched) {
		l->watched = mem_grow(l->watched, l->nwatched + 1, sizeof(char *));
		l->watched[l->nwatched++] = mem_ndup(uri.p, uri.n);
	}
	post_park(p);
	w = mem_new(sizeof(*w));
	*w = (struct waiting){ p, l->waiting };
	l->waiting = w;
	l->greeted = true;
	open_stream(l);
}

/* They asked to watch it and the server has not said yet whether they may: nobody will, now. */
static void forget_waiting(struct legacy_client *l, struct span uri)
{
	struct waiting *w = l->waiting;
	struct envelope m;

	while (w) {
		struct post *p = w->p;
		struct span own = { 0 };

		w = w->next;
		if (post_envelope(p, &m))
			own = walk_get(m.params, "uri", NULL);
		if (own.n != uri.n || memcmp(own.p, uri.p, uri.n) != 0)
			continue;
		say_empty(l->s, p->one.pending.id);
		post_settle(&p->one);
		post_drop(p); /* takes it off the list */
	}
}

static void unwatch(struct legacy_client *l, struct post *p, struct span uri)
{
	size_t i = find_watched(l, uri);

	say_empty(l->s, p->one.pending.id);
	post_settle(&p->one);
	if (i == l->nwatched) {
		post_free(p);
		return;
	}
	free(l->watched[i]);
	l->watched[i] = l->watched[--l->nwatched];
	forget_waiting(l, uri);
	post_free(p); /* uri lies in its body */
	open_stream(l);
}

static void set_level(struct legacy_client *l, struct post *p, struct span level)
{
	buf_reset(&l->level);
	if (era_log_level(level) < 0 || !buf_add(&l->level, level.p, level.n))
		say_invalid(l->s, p->one.pending.id, -32602, "\"level\" is no log level");
	else
		say_empty(l->s, p->one.pending.id);
	post_settle(&p->one);
	post_free(p);
}

/* True when the request is dealt with here. */
static bool is_ours(struct legacy_client *l, struct post *p, const struct envelope *m)
{
	if (envelope_method_is(m, "initialize")) {
		legacy_client_discover(p, NULL);
	} else if (envelope_method_is(m, "ping")) {
		say_empty(l->s, p->one.pending.id);
		post_settle(&p->one);
		post_free(p);
	} else if (envelope_method_is(m, "logging/setLevel")) {
		set_level(l, p, walk_get(m->params, "level", NULL));
	} else if (envelope_method_is(m, "resources/subscribe")) {
		watch(l, p, walk_get(m->params, "uri", NULL));
	} else if (envelope_method_is(m, "resources/unsubscribe")) {
		unwatch(l, p, walk_get(m->params, "uri", NULL));
	} else {
		return false;
	}
	return true;
}

/* 2026-07-28 knows no notifications of clients, and no responses. */
static void take_note(struct legacy_client *l, struct post *p)
{
	if (p->kind == POST_INITIALIZED) {
		l->greeted = true;
		open_stream(l);
	}
	post_free(p);
}

/* ---- requests ---- */

static bool add_members(const struct legacy_client *l, struct buf *out)
{
	return buf_add(out, l->meta.p, l->meta.len) &&
	       (!l->level.len ||
		       (buf_adds(out, ",\"") && buf_adds(out, era_log_key) &&
			       buf_adds(out, "\":") && buf_add(out, l->level.p, l->level.len)));
}

/* "inputResponses":{...},"requestState":... of the round that is complete. */
static bool add_inputs(const struct round *r, struct buf *out)
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

static bool translate(struct legacy_client *l, struct post *p, const struct envelope *m)
{
	struct edits e = { 0 };
	struct buf members, inputs, scratch;
	struct span more = { 0 };
	bool good;

	buf_init(&members, ENVELOPE_MAX);
	buf_init(&inputs, ENVELOPE_MAX);
	buf_init(&scratch, ENVELOPE_MAX);
	buf_reset(&p->sent);
	buf_reset(&p->id);
	good = add_members(l, &members) && (!p->round || add_inputs(p->round, &inputs));
	if (inputs.len)
		more = (struct span){ inputs.p, inputs.len };
	if (good && p->round) {
		/* Every round is a request of its own. */
		good = session_own_id(l->s, &p->id);
		edit_replace(&e, m->id, (struct span){ p->id.p, p->id.len });
	}
	good = good &&
	       era_add_meta(&e, m, (struct span){ members.p, members.len }, more, &scratch) &&
	       edit_apply(&e, m->whole, &p->sent);
	buf_free(&members);
	buf_free(&inputs);
	buf_free(&scratch);
	return good;
}

bool legacy_client_prepare(struct post *p)
{
	struct legacy_client *l = get(p->s);
	struct envelope m;
	struct err e = { 0 };

	if (envelope_scan(p->body.p, p->body.len, &m, NULL) != ENVELOPE_OK ||
		m.kind != ENVELOPE_REQUEST) {
		take_note(l, p);
		return false;
	}
	if (is_ours(l, p, &m))
		return false;
	if (translate(l, p, &m))
		return true;
	err_set(&e, ERR_LIMIT, "the request is too long to be translated");
	post_fail(p, &e, NULL);
	post_free(p);
	return false;
}

bool legacy_client_answer(struct call *c, struct incoming *in, const struct envelope *m)
{
	struct edits e = { 0 };
	struct err why = { 0 };

	if (!m->result.p)
		return false;
	switch (era_result_type(m->result)) {
	case ERA_COMPLETE:
		era_result_to_legacy(&e, m->result);
		answer_call(c, in, m, &e);
		break;
	case ERA_INPUT_REQUIRED:
		ask_client(c, m);
		break;
	case ERA_OTHER_RESULT:
		err_set(&why, ERR_PROTO,
			"the server answered with a kind of result that this client does not know");
		post_fail(c->post, &why, NULL);
		post_answered(c->post);
		break;
	}
	return true;
}

/* ---- the end ---- */

/* Nobody is there to answer questions any more. */
void legacy_client_end_input(struct session *s)
{
	struct post_list *list = &s->parked;
	struct err e = { 0 };

	if (!s->legacy)
		return;
	loop_timer_clear(&s->legacy->timer);
	(void)is_anybody_there(s, &e);
	for (struct post *p = list->head.next, *next; p != &list->head; p = next) {
		next = p->next;
		if (!p->round)
			continue;
		post_fail(p, &e, NULL);
		post_drop(p);
	}
	answer_waiting(s->legacy, (struct span){ 0 }, &e);
}
