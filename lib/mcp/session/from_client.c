#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

	if (s->queue.n <= QUEUE_MESSAGES_HARD && s->queue.bytes + n <= QUEUE_BYTES_HARD)
		return false;
	err_set(&e, ERR_LIMIT,
		"too many requests are waiting to be sent: wait for answers before sending more");
	if (id.p)
		to_client_error(s, id, &e, NULL);
	return true;
}

static enum outgoing_kind kind_of(const struct message *m)
{
	if (m->kind == MESSAGE_REQUEST && m->method == METHOD_INITIALIZE)
		return OUTGOING_INITIALIZE;
	if (m->kind == MESSAGE_NOTIFICATION && m->method == METHOD_NOTICE_INITIALIZED)
		return OUTGOING_INITIALIZED;
	return OUTGOING_MESSAGE;
}

/* Takes the line over, to be sent: m leads nowhere afterwards. in NULL: the
 * bytes stay whose they are. NULL when there is no memory; m is what it was. */
static struct outgoing *keep(
	struct session *s, struct lines_in *in, const struct message *m, enum outgoing_kind kind)
{
	struct outgoing *p = outgoing_new(s, kind);
	struct buf bytes;

	buf_init(&bytes, MESSAGE_MAX);
	if (in ? !lines_in_take(in, m->whole.p, m->whole.n, &bytes)
	       : !buf_add(&bytes, m->whole.p, m->whole.n)) {
		buf_free(&bytes);
		outgoing_free(p);
		return NULL;
	}
	message_own(&p->message, m, &bytes);
	if (s->client.arriving.p)
		s->client.arriving = p->message.id;
	return p;
}

static void keep_initialize(struct session *s, const struct outgoing *p)
{
	kept_clear(&s->client.kept);
	message_free(&s->handshake.initialize);
	if (!message_keep(&s->handshake.initialize, &p->message))
		diag_debug("no memory to keep initialize for later");
}

/* The fields that a stateless message needs, made before its bytes move. TAKEN: it was answered instead. */
static enum taken make_fields(struct session *s, const struct message *m, struct http_fields **own)
{
	struct err e = { 0 };

	if (request_headers_fields(m, s->server.tools, own, &e))
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
	bool opens = m->kind == MESSAGE_REQUEST && m->method == METHOD_INITIALIZE;
	struct span info;

	if (!opens && (s->client.known || !stateless))
		return;
	info = opens ? walk_get(m->params, "clientInfo", NULL)
		     : walk_get(walk_get(m->params, "_meta", NULL), era_info_key, NULL);
	if (walk_type(info) != WALK_OBJECT)
		return;
	s->client.known = true;
	client_info_read(info, &s->client.info);
	transport_set_agent(s->transport, s->client.info.agent);
}

static void send_message(struct session *s, struct lines_in *in, struct message *m)
{
	struct http_fields *own = NULL;
	struct outgoing *p;
	enum era era = s->client.opened ? ERA_UNNAMED : era_of(m);
	bool stateless = era_is_stateless(era), listen, list, sets;
	struct err e = { 0 };

	if (stateless && !era_has_sessions(s->server.era) && make_fields(s, m, &own) == TAKEN)
		return;
	learn_client(s, m, stateless);
	call_log_begins(s->call_log, m, s->client.info.agent);
	list = m->method == METHOD_TOOLS_LIST;
	sets = !stateless && kept_is_set_by(m);
	listen = stateless && m->method == METHOD_SUBSCRIPTIONS_LISTEN;
	p = keep(s, in, m, kind_of(m));
	if (!p) {
		http_fields_free(own);
		err_set(&e, ERR_LIMIT, "out of memory");
		if (m->kind == MESSAGE_REQUEST)
			to_client_error(s, m->id, &e, NULL);
		return;
	}
	p->era = era;
	p->is.endless = listen;
	p->is.response = m->kind == MESSAGE_RESPONSE;
	p->sent.fields = own;
	if (m->kind == MESSAGE_REQUEST) {
		s->reopening.unasked = false;
		p->owed.n = 1;
		p->owed.one.list = list;
		p->owed.one.sets = sets;
		owed_add(p, &p->owed.one, p->message.id);
	}
	if (p->kind == OUTGOING_INITIALIZE)
		keep_initialize(s, p);
	queue_add(p, false);
}

/* True when a rule of the person forbids it; a request is answered. */
static bool forbidden(struct session *s, const struct message *m)
{
	struct err e = { 0 };

	if (!s->policy || policy_request(s->policy, m, &e))
		return false;
	call_log_begins(s->call_log, m, s->client.info.agent);
	if (m->kind == MESSAGE_REQUEST)
		to_client_error(s, m->id, &e, NULL);
	return true;
}

/* While a person signs in, the client may want to know whether anybody is there. */
static enum taken answer_ping(struct session *s, const struct message *m)
{
	if (!transport_waiting(s->transport) || m->method != METHOD_PING)
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
		outgoing_tell(s, b.p, b.len);
	buf_free(&b);
}

void refuse_question(struct session *s, struct span id, const char *why)
{
	struct buf b;

	diag_debug("a question of the server is refused: %s", why);
	buf_init(&b, MESSAGE_MAX);
	if (message_error(&b, id, -32601, why, NULL))
		outgoing_tell(s, b.p, b.len);
	buf_free(&b);
}

/* MCP, Cancellation: the slot is freed at once; the client expects no answer any more. TAKEN: the
 * notification itself is of no use to the server. */
static enum taken cancel(struct session *s, const struct message *m)
{
	struct span id = walk_get(m->params, "requestId", NULL);
	struct owed_request *c = id.p ? (struct owed_request *)pending_find(&s->calls, id) : NULL;
	struct outgoing *p = c ? c->of : NULL;
	bool swallow;

	if (translator_cancelled(s, id) == TAKEN)
		return TAKEN;
	if (!p) /* it had its answer */
		return era_is_stateless(s->server.era) || (!era_has_sessions(s->server.era) &&
								  era_is_stateless(era_of(m)))
			       ? TAKEN
			       : NOT_TAKEN;
	if (p->kind == OUTGOING_INITIALIZE)
		return NOT_TAKEN;
	owed_cancelled(c);
	if (p->owed.left)
		return NOT_TAKEN;
	/* 2026-07-28: closing the stream is the cancellation. What was not sent needs none. */
	swallow = (p->at.place != PLACE_ACTIVE && !p->at.late) || era_is_stateless(p->sent.era) ||
		  p->sent.id.len;
	if (p->at.place == PLACE_ACTIVE && era_has_sessions(p->sent.era) && p->sent.id.len)
		tell_cancelled(s, (struct span){ p->sent.id.p, p->sent.id.len });
	translator_forget(p, true);
	outgoing_drop(p);
	return swallow ? TAKEN : NOT_TAKEN;
}

static void notification(struct session *s, struct lines_in *in, struct message *m)
{
	if (forbidden(s, m) || (m->method == METHOD_NOTICE_CANCELLED && cancel(s, m) == TAKEN))
		return;
	if (!refuse_when_full(s, no_id, m->whole.n))
		send_message(s, in, m);
}

static void client_response(struct session *s, struct lines_in *in, struct message *m)
{
	if (forbidden(s, m) || translator_responded(s, m) == TAKEN)
		return;
	session_question_over(s);
	send_message(s, in, m);
}

/* ---- batches (MCP 2025-03-26) ---- */

/* Messages in a batch: as many as may wait to be sent. */
#define BATCH_MAX QUEUE_MESSAGES_HARD

/* Its messages, each read once. */
struct elements {
	struct message *m;
	size_t n;
};

static bool read_element(const struct walk_item *it, struct message *m)
{
	return message_scan((char *)(uintptr_t)it->value.p, it->value.n, m, NULL) == MESSAGE_OK;
}

/* What lies in a message is JSON; whether it is a message, too, its kind says. False when there are too
 * many: there is an end to what each of them takes. */
static bool read_elements(struct span whole, struct elements *e)
{
	struct walk w;
	struct walk_item it;

	*e = (struct elements){ 0 };
	for (bool more = walk_open(&w, whole); more && walk_next(&w, &it);) {
		if (e->n == BATCH_MAX)
			return false;
		e->m = mem_grow(e->m, e->n + 1, sizeof(*e->m));
		e->n += read_element(&it, &e->m[e->n]);
	}
	return true;
}

/* Counts the requests; false when an element is no message or an id is taken. */
static bool check_batch(struct session *s, const struct elements *e, size_t *requests)
{
	*requests = 0;
	for (size_t i = 0; i < e->n; i++) {
		const struct message *m = &e->m[i];

		if (m->kind == MESSAGE_INVALID || m->kind == MESSAGE_BATCH)
			return false;
		if (m->kind != MESSAGE_REQUEST)
			continue;
		++*requests;
		if (pending_find(&s->calls, m->id) || m->method == METHOD_INITIALIZE)
			return false;
	}
	return true;
}

#define BATCH_TWICE "the batch uses an id twice"

/* False when an id appears twice: that request has its answer then, the others are still owed theirs. */
static bool owe_batch(struct outgoing *p, const struct elements *e, size_t requests)
{
	bool good = true;

	p->owed.calls = mem_new((requests + 1) * sizeof(*p->owed.calls));
	for (size_t i = 0; i < e->n; i++) {
		const struct message *m = &e->m[i];

		if (m->kind != MESSAGE_REQUEST)
			continue;
		if (pending_find(&p->s->calls, m->id)) {
			to_client_invalid(p->s, m->id, MESSAGE_INVALID_REQUEST, BATCH_TWICE);
			good = false;
			continue;
		}
		call_log_begins(p->s->call_log, m, p->s->client.info.agent);
		p->owed.calls[p->owed.n].list = m->method == METHOD_TOOLS_LIST;
		owed_add(p, &p->owed.calls[p->owed.n++], m->id);
	}
	return good;
}

/* None of it leaves. An id that nobody looks at helps no request, so each is told; where there is none, it
 * is the client. What is refused may be more than is kept: it is read as it is told. */
static void refuse_batch(struct session *s, struct span whole, const char *why)
{
	struct walk w;
	struct walk_item it;
	bool told = false;

	for (bool more = walk_open(&w, whole); more && walk_next(&w, &it);) {
		struct message m;

		if (!read_element(&it, &m) || !usable_id(m.id).p ||
			(m.kind != MESSAGE_REQUEST && m.kind != MESSAGE_INVALID))
			continue;
		to_client_invalid(s, m.id, MESSAGE_INVALID_REQUEST, why);
		told = true;
	}
	if (!told)
		to_client_invalid(s, no_id, MESSAGE_INVALID_REQUEST, why);
}

/* One forbidden message and none of the batch leaves: each request is told so. */
static bool batch_forbidden(struct session *s, const struct elements *e)
{
	struct err why = { 0 };
	bool found = false;

	for (size_t i = 0; s->policy && i < e->n; i++)
		found = !policy_request(s->policy, &e->m[i], found ? NULL : &why) || found;
	for (size_t i = 0; found && i < e->n; i++)
		if (e->m[i].kind == MESSAGE_REQUEST)
			to_client_error(s, e->m[i].id, &why, NULL);
	return found;
}

static void message(struct session *s, struct lines_in *in, struct message *m);

/* A server without sessions knows no batches: the messages go one by one. */
static void split_batch(struct session *s, const struct elements *e)
{
	for (size_t i = 0; i < e->n; i++)
		message(s, NULL, &e->m[i]);
}

/* The request m of a batch that was taken already: c stands for it until now. */
static void send_element(struct outgoing *batch, struct owed_request *c, const struct message *m)
{
	struct outgoing *p;

	if (!c->pending.listed) /* it was cancelled */
		return;
	p = keep(batch->s, NULL, m, OUTGOING_MESSAGE);
	if (!p) {
		owed_no_memory(c);
		return;
	}
	p->owed.n = 1;
	p->tried.again = batch->tried.again;
	owed_move(c, p, &p->owed.one, p->message.id);
	queue_add(p, false);
}

void client_batch_split(struct outgoing *p)
{
	struct elements e;
	struct owed_request *c = p->owed.calls;

	(void)!read_elements(p->message.whole, &e); /* not too many: it was taken */
	/* Requests first: a cancellation among the notes must not find one that still is of p. */
	for (size_t i = 0; i < e.n; i++)
		if (e.m[i].kind == MESSAGE_REQUEST)
			send_element(p, c++, &e.m[i]);
	for (size_t i = 0; i < e.n; i++)
		if (e.m[i].kind != MESSAGE_REQUEST)
			message(p->s, NULL, &e.m[i]);
	free(e.m);
	outgoing_free(p);
}

/* Takes the batch over, with its messages. */
static void send_batch(struct session *s, struct lines_in *in, const struct message *m,
	struct elements *e, size_t requests)
{
	const char *from = m->whole.p;
	struct outgoing *p = keep(s, in, m, OUTGOING_MESSAGE);

	if (!p) {
		refuse_batch(s, m->whole, "out of memory");
		return;
	}
	for (size_t i = 0; i < e->n; i++)
		message_moved(&e->m[i], from, p->message.whole.p);
	if (owe_batch(p, e, requests)) {
		queue_add(p, false);
		return;
	}
	for (size_t i = 0; i < p->owed.n; i++)
		owed_invalid(&p->owed.calls[i], MESSAGE_INVALID_REQUEST, BATCH_TWICE);
	outgoing_free(p);
}

static void take_batch(
	struct session *s, struct lines_in *in, const struct message *m, struct elements *e)
{
	size_t requests;

	if (!check_batch(s, e, &requests))
		refuse_batch(s, m->whole,
			"the batch holds something that is not a message, an id in use, or an "
			"initialize");
	else if (batch_forbidden(s, e))
		return;
	else if (refuse_when_full(s, no_id, m->whole.n))
		refuse_batch(s, m->whole, "too many requests are waiting to be sent");
	else if (era_is_stateless(s->server.era))
		split_batch(s, e);
	else
		send_batch(s, in, m, e, requests);
}

static void client_batch(struct session *s, struct lines_in *in, const struct message *m)
{
	struct elements e = { 0 };

	if (!s->handshake.batches)
		refuse_batch(s, m->whole,
			"batches exist in revision 2025-03-26 only: send the messages one by one");
	else if (!read_elements(m->whole, &e))
		refuse_batch(s, m->whole, "the batch holds too many messages: send several");
	else
		take_batch(s, in, m, &e);
	free(e.m);
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
		s->client.arriving = m.kind == MESSAGE_REQUEST ? m.id : no_id;
		message(s, in, &m);
		s->client.arriving = no_id;
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
