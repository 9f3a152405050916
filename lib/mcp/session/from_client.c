#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/mem.h"
#include "mcp/http/request_headers.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

/* As long as the server waits for an answer of the client, input is read all the same (the answer
 * may come next); then this is where requests are refused. */
#define QUEUE_MESSAGES_HARD 65536
#define QUEUE_BYTES_HARD ((size_t)512 << 20)

static const struct span no_id;

static struct span usable_id(struct span id)
{
	enum walk_type t = walk_type(id);

	return t == WALK_STRING || t == WALK_NUMBER ? id : no_id;
}

static bool refuse_when_full(struct session *s, struct span id, size_t n)
{
	struct err e = { 0 };

	if (s->queued <= QUEUE_MESSAGES_HARD && s->queued_bytes + n <= QUEUE_BYTES_HARD)
		return false;
	err_set(&e, ERR_LIMIT,
		"too many requests are waiting to be sent: wait for answers before sending more");
	if (id.p)
		to_client_error(s, id, &e, NULL);
	return true;
}

static enum post_kind kind_of(const struct message *m)
{
	if (m->kind == MESSAGE_REQUEST && message_method_is(m, "initialize"))
		return POST_INITIALIZE;
	if (m->kind == MESSAGE_NOTIFICATION && message_method_is(m, "notifications/initialized"))
		return POST_INITIALIZED;
	return POST_MESSAGE;
}

/* Takes the line over into a post, and of the spans moves those of the whole and the id along: the others
 * lead nowhere afterwards. in NULL: the bytes stay whose they are. */
static struct post *keep(
	struct session *s, struct lines_in *in, struct message *m, enum post_kind kind)
{
	struct post *p = post_new(s, kind);
	const char *old = m->whole.p;

	if (in ? !lines_in_take(in, m->whole.p, m->whole.n, &p->body)
	       : !buf_add(&p->body, m->whole.p, m->whole.n)) {
		post_free(p);
		return NULL;
	}
	if (m->id.p)
		m->id.p = p->body.p + (m->id.p - old);
	if (s->arriving.p)
		s->arriving = m->id;
	m->whole.p = p->body.p;
	m->method = m->params = m->result = m->error = no_id;
	return p;
}

static void keep_initialize(struct session *s, const struct post *p)
{
	kept_clear(&s->kept);
	buf_free(&s->initialize);
	if (!buf_add(&s->initialize, p->body.p, p->body.len))
		diag_debug("no memory to keep initialize for later");
}

/* The fields that a stateless message needs, made before its bytes move. TAKEN: it was answered instead. */
static enum taken make_fields(struct session *s, const struct message *m, struct http_fields **own)
{
	struct err e = { 0 };

	if (request_headers_fields(m, s->tools, own, &e))
		return NOT_TAKEN;
	http_fields_free(*own);
	if (m->kind == MESSAGE_REQUEST)
		to_client_error(s, m->id, &e, NULL);
	else
		diag_debug("a notification of the client is dropped: %s", e.msg);
	return TAKEN;
}

/* The first request says who asks; an initialize says it anew. */
static void learn_client(struct session *s, const struct message *m, bool stateless)
{
	bool opens = m->kind == MESSAGE_REQUEST && message_method_is(m, "initialize");
	struct span info;

	if (!opens && (s->client_known || !stateless))
		return;
	info = opens ? walk_get(m->params, "clientInfo", NULL)
		     : walk_get(walk_get(m->params, "_meta", NULL), era_info_key, NULL);
	if (walk_type(info) != WALK_OBJECT)
		return;
	s->client_known = true;
	client_info_read(info, &s->client);
	transport_set_agent(s->transport, s->client.agent);
}

static void send_message(struct session *s, struct lines_in *in, struct message *m)
{
	struct http_fields *own = NULL;
	struct post *p;
	enum era era = s->client_opened ? ERA_UNNAMED : era_of(m);
	bool stateless = era_is_stateless(era), listen, list, sets;
	struct err e = { 0 };

	if (stateless && !era_has_sessions(s->server) && make_fields(s, m, &own) == TAKEN)
		return;
	learn_client(s, m, stateless);
	list = message_method_is(m, "tools/list");
	sets = !stateless && kept_is_set_by(m);
	listen = stateless && message_method_is(m, "subscriptions/listen");
	p = keep(s, in, m, kind_of(m));
	if (!p) {
		http_fields_free(own);
		err_set(&e, ERR_LIMIT, "out of memory");
		if (m->kind == MESSAGE_REQUEST)
			to_client_error(s, m->id, &e, NULL);
		return;
	}
	p->era = era;
	p->endless = listen;
	p->response = m->kind == MESSAGE_RESPONSE;
	p->own = own;
	if (m->kind == MESSAGE_REQUEST) {
		s->reopened_unasked = false;
		p->ncalls = 1;
		p->one.list = list;
		p->one.sets = sets;
		owed_add(p, &p->one, m->id);
	}
	if (p->kind == POST_INITIALIZE)
		keep_initialize(s, p);
	post_enqueue(p, false);
}

/* True when a rule of the person forbids it; a request is answered. */
static bool forbidden(struct session *s, const struct message *m)
{
	struct err e = { 0 };

	if (!s->policy || policy_request(s->policy, m, &e))
		return false;
	if (m->kind == MESSAGE_REQUEST)
		to_client_error(s, m->id, &e, NULL);
	return true;
}

/* While a person signs in, the client may want to know whether anybody is there. */
static enum taken answer_ping(struct session *s, const struct message *m)
{
	if (!transport_waiting(s->transport) || !message_method_is(m, "ping"))
		return NOT_TAKEN;
	to_client_empty(s, m->id);
	return TAKEN;
}

static void request(struct session *s, struct lines_in *in, struct message *m)
{
	if (forbidden(s, m))
		return;
	if (pending_find(&s->calls, m->id))
		to_client_invalid(s, m->id, MESSAGE_INVALID_REQUEST,
			"a request with this id is still waiting for its answer");
	else if (answer_ping(s, m) == NOT_TAKEN && !refuse_when_full(s, m->id, m->whole.n) &&
		 translator_resumed(s, m) == NOT_TAKEN)
		send_message(s, in, m);
}

/* ---- cancellation ---- */

/* The server knows the request by another id than the client. */
void tell_cancelled(struct session *s, struct span id)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (buf_adds(&b, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
			 "\"params\":{\"requestId\":") &&
		buf_add(&b, id.p, id.n) && buf_adds(&b, "}}"))
		session_tell(s, b.p, b.len);
	buf_free(&b);
}

void refuse_question(struct session *s, struct span id, const char *why)
{
	struct buf b;

	diag_debug("a question of the server is refused: %s", why);
	buf_init(&b, MESSAGE_MAX);
	if (message_error(&b, id, -32601, why, NULL))
		session_tell(s, b.p, b.len);
	buf_free(&b);
}

/* MCP, Cancellation: the slot is freed at once; the client expects no answer any more. TAKEN: the
 * notification itself is of no use to the server. */
static enum taken cancel(struct session *s, const struct message *m)
{
	struct span id = walk_get(m->params, "requestId", NULL);
	struct call *c = id.p ? (struct call *)pending_find(&s->calls, id) : NULL;
	struct post *p = c ? c->post : NULL;
	bool swallow;

	if (translator_cancelled(s, id) == TAKEN)
		return TAKEN;
	if (!p) /* it had its answer */
		return era_is_stateless(s->server) ||
				       (!era_has_sessions(s->server) && era_is_stateless(era_of(m)))
			       ? TAKEN
			       : NOT_TAKEN;
	if (p->kind == POST_INITIALIZE)
		return NOT_TAKEN;
	owed_cancelled(c);
	if (p->owed)
		return NOT_TAKEN;
	/* 2026-07-28: closing the stream is the cancellation. What was not sent needs none. */
	swallow = (p->place != PLACE_ACTIVE && !p->late) || era_is_stateless(p->wire) || p->id.len;
	if (p->place == PLACE_ACTIVE && era_has_sessions(p->wire) && p->id.len)
		tell_cancelled(s, (struct span){ p->id.p, p->id.len });
	translator_forget(p, true);
	post_drop(p);
	return swallow ? TAKEN : NOT_TAKEN;
}

static void notification(struct session *s, struct lines_in *in, struct message *m)
{
	if (forbidden(s, m) ||
		(message_method_is(m, "notifications/cancelled") && cancel(s, m) == TAKEN))
		return;
	if (!refuse_when_full(s, no_id, m->whole.n))
		send_message(s, in, m);
}

static void client_response(struct session *s, struct lines_in *in, struct message *m)
{
	if (forbidden(s, m) || translator_responded(s, m) == TAKEN)
		return;
	if (s->questions)
		s->questions--;
	send_message(s, in, m);
}

/* ---- batches (MCP 2025-03-26) ---- */

static bool element(const struct walk_item *it, struct message *e)
{
	return message_scan((char *)(uintptr_t)it->value.p, it->value.n, e, NULL) == MESSAGE_OK;
}

/* Counts the requests; false when an element is no message or an id is taken. */
static bool check_batch(struct session *s, const struct message *m, size_t *requests)
{
	struct walk w;
	struct walk_item it;

	*requests = 0;
	if (!walk_open(&w, m->whole))
		return false;
	while (walk_next(&w, &it)) {
		struct message e;

		if (!element(&it, &e) || e.kind == MESSAGE_INVALID || e.kind == MESSAGE_BATCH)
			return false;
		if (e.kind != MESSAGE_REQUEST)
			continue;
		++*requests;
		if (pending_find(&s->calls, e.id) || message_method_is(&e, "initialize"))
			return false;
	}
	return true;
}

#define BATCH_TWICE "the batch uses an id twice"

/* False when an id stands there twice: that request has its answer then, the others are still owed theirs. */
static bool owe_batch(struct post *p, size_t requests)
{
	struct walk w;
	struct walk_item it;
	struct span whole = { p->body.p, p->body.len };
	bool good = walk_open(&w, whole);

	p->calls = mem_new((requests + 1) * sizeof(*p->calls));
	while (walk_next(&w, &it)) {
		struct message e;

		if (!element(&it, &e) || e.kind != MESSAGE_REQUEST)
			continue;
		if (pending_find(&p->s->calls, e.id)) {
			to_client_invalid(p->s, e.id, MESSAGE_INVALID_REQUEST, BATCH_TWICE);
			good = false;
			continue;
		}
		p->calls[p->ncalls].list = message_method_is(&e, "tools/list");
		owed_add(p, &p->calls[p->ncalls++], e.id);
	}
	return good;
}

/* None of it leaves. An id that nobody looks at helps no request, so each is told; where there is none, it
 * is the client. */
static void refuse_batch(struct session *s, const struct message *m, const char *why)
{
	struct walk w;
	struct walk_item it;
	bool told = false;

	for (bool more = walk_open(&w, m->whole); more && walk_next(&w, &it);) {
		struct message e;

		if (!element(&it, &e) || !usable_id(e.id).p ||
			(e.kind != MESSAGE_REQUEST && e.kind != MESSAGE_INVALID))
			continue;
		to_client_invalid(s, e.id, MESSAGE_INVALID_REQUEST, why);
		told = true;
	}
	if (!told)
		to_client_invalid(s, no_id, MESSAGE_INVALID_REQUEST, why);
}

/* One forbidden message and none of the batch leaves: each request is told so. */
static bool batch_forbidden(struct session *s, const struct message *m)
{
	struct err why = { 0 };
	bool found = false;

	for (int pass = 0; pass < 2; pass++) {
		struct walk w;
		struct walk_item it;

		if (!s->policy || (pass && !found) || !walk_open(&w, m->whole))
			return false;
		while (walk_next(&w, &it)) {
			struct message e;

			if (!element(&it, &e))
				continue;
			if (!pass)
				found = !policy_request(s->policy, &e, found ? NULL : &why) ||
					found;
			else if (e.kind == MESSAGE_REQUEST)
				to_client_error(s, e.id, &why, NULL);
		}
	}
	return found;
}

static void message(struct session *s, struct lines_in *in, struct message *m);

/* A server without sessions knows no batches: the messages go one by one. */
static void split_batch(struct session *s, const struct message *m)
{
	struct walk w;
	struct walk_item it;

	if (!walk_open(&w, m->whole))
		return;
	while (walk_next(&w, &it)) {
		struct message e;

		if (element(&it, &e))
			message(s, NULL, &e);
	}
}

/* The request e of a batch that was taken already: c stands for it until now. */
static void send_element(struct post *batch, struct call *c, struct message *e)
{
	struct post *p;

	if (!c->pending.listed) /* it was cancelled */
		return;
	p = keep(batch->s, NULL, e, POST_MESSAGE);
	if (!p) {
		owed_no_memory(c);
		return;
	}
	p->ncalls = 1;
	p->again = batch->again;
	owed_move(c, p, &p->one, e->id);
	post_enqueue(p, false);
}

void client_batch_split(struct post *p)
{
	struct span whole = { p->body.p, p->body.len };
	struct call *c = p->calls;

	/* Requests first: a cancellation among the notes must not find one that still is of p. */
	for (int notes = 0; notes < 2; notes++) {
		struct walk w;
		struct walk_item it;

		for (bool more = walk_open(&w, whole); more && walk_next(&w, &it);) {
			struct message e;

			if (!element(&it, &e) || (e.kind != MESSAGE_REQUEST) != notes)
				continue;
			if (notes)
				message(p->s, NULL, &e);
			else
				send_element(p, c++, &e);
		}
	}
	post_free(p);
}

static void client_batch(struct session *s, struct lines_in *in, struct message *m)
{
	size_t requests;
	struct post *p;

	if (!s->batches) {
		refuse_batch(s, m,
			"batches exist in revision 2025-03-26 only: send the messages one by one");
		return;
	}
	if (!check_batch(s, m, &requests)) {
		refuse_batch(s, m,
			"the batch holds something that is no message, an id in use, or an "
			"initialize");
		return;
	}
	if (batch_forbidden(s, m))
		return;
	if (refuse_when_full(s, no_id, m->whole.n)) {
		refuse_batch(s, m, "too many requests are waiting to be sent");
		return;
	}
	if (era_is_stateless(s->server)) {
		split_batch(s, m);
		return;
	}
	p = keep(s, in, m, POST_MESSAGE);
	if (!p) {
		refuse_batch(s, m, "out of memory");
	} else if (owe_batch(p, requests)) {
		post_enqueue(p, false);
	} else {
		for (size_t i = 0; i < p->ncalls; i++)
			owed_invalid(&p->calls[i], MESSAGE_INVALID_REQUEST, BATCH_TWICE);
		post_free(p);
	}
}

/* ---- lines ---- */

static void message(struct session *s, struct lines_in *in, struct message *m)
{
	switch (m->kind) {
	case MESSAGE_REQUEST:
		request(s, in, m);
		break;
	case MESSAGE_NOTIFICATION:
		notification(s, in, m);
		break;
	case MESSAGE_RESPONSE:
		client_response(s, in, m);
		break;
	case MESSAGE_BATCH:
		client_batch(s, in, m);
		break;
	case MESSAGE_INVALID:
		to_client_invalid(s, usable_id(m->id), MESSAGE_INVALID_REQUEST, m->why);
		break;
	}
}

void session_line(struct session *s, struct lines_in *in, char *p, size_t n)
{
	struct message m;

	switch (message_scan(p, n, &m, NULL)) {
	case MESSAGE_OK:
		s->arriving = m.kind == MESSAGE_REQUEST ? m.id : no_id;
		message(s, in, &m);
		s->arriving = no_id;
		break;
	case MESSAGE_BAD_JSON:
	case MESSAGE_BAD_UTF8:
		to_client_invalid(s, no_id, MESSAGE_PARSE_ERROR, m.why);
		break;
	case MESSAGE_TOO_DEEP:
		to_client_invalid(s, no_id, MESSAGE_INVALID_REQUEST, m.why);
		break;
	}
}

void session_line_too_long(struct session *s)
{
	char why[100];

	snprintf(why, sizeof(why),
		"the message is longer than %zu MiB, or there is no memory for it",
		MESSAGE_MAX >> 20);
	to_client_invalid(s, no_id, MESSAGE_INVALID_REQUEST, why);
}
