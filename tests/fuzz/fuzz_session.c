/*
 * A session between a client and a server that say anything in any order: the
 * transport and the two ends of the wire are made up here (this file's
 * functions take the place of those in the library).
 *
 * What must hold whatever happens: every line to the client is one message;
 * every request gets exactly one answer, by its own id, unless it was
 * cancelled; no answer comes to what was not asked; what goes out is valid and
 * one line; nothing is used after its end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "mcp/session/session.h"
#include "mcp/json/walk.h"
#include "mcp/translate/translators.h"

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* FUZZ_TRACE=1 shows what was said, to read a finding. */
static void trace(const char *what, const void *who, const char *p, size_t n)
{
	if (getenv("FUZZ_TRACE"))
		fprintf(stderr, "%-14s %p %.*s\n", what, who, (int)n, p ? p : "");
}

/* ---- the ledger: who is owed what ---- */

#define IDS_MAX 512

struct account {
	char *id;            /* as it was written */
	int asked, answered; /* requests and answers */
	int may;             /* requests that need not be answered by this id: they are invalid */
	int freed;           /* cancellations that came while it was owed an answer */
};

static struct account accounts[IDS_MAX];
static size_t naccounts;

static struct account *account(struct span id)
{
	for (size_t i = 0; i < naccounts; i++)
		if (strlen(accounts[i].id) == id.n && memcmp(accounts[i].id, id.p, id.n) == 0)
			return &accounts[i];
	if (naccounts == IDS_MAX)
		return NULL;
	accounts[naccounts] = (struct account){ .id = strndup(id.p, id.n) };
	return &accounts[naccounts++];
}

static void book_cancellation(struct span id)
{
	for (size_t i = 0; i < naccounts; i++) {
		struct account *a = &accounts[i];
		struct span own = { a->id, strlen(a->id) };

		if (message_id_equal(own, id) && a->asked + a->may > a->answered)
			a->freed++;
	}
}

static void book_line(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct account *a;
	struct message m;
	struct walk_item it;
	struct walk w;

	memcpy(copy, p, n);
	if (message_scan(copy, n, &m, NULL) == MESSAGE_OK) {
		if (m.kind == MESSAGE_REQUEST && (a = account(m.id)))
			a->asked++;
		else if (m.kind == MESSAGE_INVALID && m.id.p && (a = account(m.id)))
			a->may++;
		else if (m.kind == MESSAGE_NOTIFICATION && m.method == METHOD_NOTICE_CANCELLED)
			book_cancellation(walk_get(m.params, "requestId", NULL));
		else if (m.kind == MESSAGE_BATCH && walk_open(&w, m.whole))
			while (walk_next(&w, &it)) {
				struct message e;

				if (message_scan((char *)(uintptr_t)it.value.p, it.value.n, &e,
					    NULL) != MESSAGE_OK)
					continue;
				if (e.kind == MESSAGE_REQUEST && (a = account(e.id)))
					a->asked++;
				else if (e.kind == MESSAGE_INVALID && e.id.p && (a = account(e.id)))
					a->may++;
				else if (e.kind == MESSAGE_NOTIFICATION &&
					 e.method == METHOD_NOTICE_CANCELLED)
					book_cancellation(walk_get(e.params, "requestId", NULL));
			}
	}
	free(copy);
}

static void book_answer(const struct message *m)
{
	struct account *a;

	if (m->kind != MESSAGE_RESPONSE || !m->id.p || walk_type(m->id) == WALK_NULL)
		return;
	a = account(m->id);
	if (!a)
		return;
	a->answered++;
	check(a->answered <= a->asked + a->may, "an answer that nobody is owed");
}

static void close_accounts(void)
{
	for (size_t i = 0; i < naccounts; i++) {
		struct account *a = &accounts[i];

		check(naccounts == IDS_MAX || a->answered >= a->asked - a->freed,
			"a request without an answer");
		free(a->id);
	}
	naccounts = 0;
}

/* ---- the wire ---- */

struct lines_in {
	int unused;
};
struct lines_out {
	bool full;
};

bool lines_in_take(struct lines_in *w, const char *p, size_t n, struct buf *out)
{
	(void)w;
	buf_reset(out);
	return buf_add(out, p, n);
}

void lines_in_rest(struct lines_in *w, void (*fn)(void *ctx, char *p, size_t n), void *ctx)
{
	(void)w, (void)fn, (void)ctx;
}

/* One line to the client. */
static void said(const char *p, size_t n)
{
	char *copy = malloc(n ? n : 1);
	struct message m;

	trace("to client", NULL, p, n);
	check(!memchr(p, '\n', n), "a line break in a message to the client");
	memcpy(copy, p, n);
	check(message_scan(copy, n, &m, NULL) == MESSAGE_OK && m.kind != MESSAGE_INVALID &&
			m.kind != MESSAGE_BATCH,
		"something that is no message went to the client");
	book_answer(&m);
	free(copy);
}

bool lines_out_addv(struct lines_out *w, const struct lines_part *parts, size_t count)
{
	struct buf b;

	(void)w;
	buf_init(&b, MESSAGE_MAX);
	for (size_t i = 0; i < count; i++)
		check(buf_add(&b, parts[i].p, parts[i].n), "memory");
	said(buf_str(&b), b.len);
	buf_free(&b);
	return true;
}

bool lines_out_add(struct lines_out *w, const char *p, size_t n)
{
	(void)w;
	said(p, n);
	return true;
}

bool lines_out_take(struct lines_out *w, struct buf *m)
{
	(void)w;
	said(buf_str(m), m->len);
	buf_free(m);
	return true;
}

bool lines_out_take_behind(struct lines_out *w, struct buf *head, struct buf *m, size_t from)
{
	struct lines_part parts[] = { { buf_str(head), head->len },
		{ buf_str(m) + from, m->len - from } };
	bool good = lines_out_addv(w, parts, 2);

	buf_free(head);
	buf_free(m);
	return good;
}

bool lines_out_full(const struct lines_out *w)
{
	return w->full;
}

/* Only for the end of a program without memory. */
bool lines_out_now(struct lines_out *w, const struct lines_part *parts, size_t count, int ms)
{
	(void)ms;
	return lines_out_addv(w, parts, count);
}

/* ---- the transport ---- */

struct exchange {
	struct exchange *next;
	struct exchange_call c;
	struct buf sent; /* a copy of the body: it must stay what it was */
	bool in_session;
	char *new_session;
	bool busy, dead, lingering;
	bool over; /* ended() was called: the body is the owner's again */
};

struct transport {
	struct session *owner;
	struct exchange *all;
	char *session, *version;
	size_t waiting, n;
	bool listening;
};

struct exchange *transport_post(struct transport *t, const struct exchange_call *c)
{
	struct exchange *x = calloc(1, sizeof(*x));
	struct message m;

	x->c = *c;
	x->in_session = t->session && !c->fresh;
	buf_init(&x->sent, MESSAGE_MAX);
	trace("to server", x, c->message->whole.p, c->message->whole.n);
	check(buf_add(&x->sent, c->message->whole.p, c->message->whole.n), "memory");
	check(message_scan(x->sent.p, x->sent.len, &m, NULL) == MESSAGE_OK &&
			m.kind != MESSAGE_INVALID,
		"something that is no message went to the server");
	check(memcmp(x->sent.p, c->message->whole.p, c->message->whole.n) == 0,
		"a line break went to the server");
	x->next = t->all;
	t->all = x;
	t->n++;
	return x;
}

void *exchange_ctx(const struct exchange *x)
{
	return x->c.ctx;
}

static struct transport fake;

static void exchange_free(struct exchange *x)
{
	struct exchange **at = &fake.all;

	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	fake.n--;
	http_fields_free(x->c.own);
	buf_free(&x->sent);
	free(x->new_session);
	free(x);
}

void exchange_cancel(struct exchange *x)
{
	if (!x || x->dead)
		return;
	if (!x->over)
		check(memcmp(x->sent.p, x->c.message->whole.p, x->c.message->whole.n) == 0,
			"a body changed while it was sent");
	trace("cancel", x, NULL, 0);
	x->dead = true;
	if (!x->busy)
		exchange_free(x);
}

bool exchange_cancelled(const struct exchange *x)
{
	return x->dead;
}

void exchange_linger(struct exchange *x)
{
	check(!x->dead, "a dead exchange lingers");
	x->lingering = true;
}

const char *exchange_new_session(const struct exchange *x)
{
	return x->new_session;
}

enum message_status incoming_read(struct incoming *in)
{
	if (!in->read)
		in->status = message_scan(in->p, in->n, &in->message, NULL);
	in->read = true;
	return in->status;
}

bool incoming_take(struct incoming *in, struct buf *out)
{
	return buf_add(out, in->p, in->n);
}

static bool set(char **where, const char *value, struct err *e)
{
	if (value && !*value)
		return err_set(e, ERR_PROTO, "empty");
	free(*where);
	*where = value ? strdup(value) : NULL;
	return true;
}

bool transport_set_session(struct transport *t, const char *id, struct err *e)
{
	return set(&t->session, id, e);
}

bool transport_set_version(struct transport *t, const char *version, struct err *e)
{
	return set(&t->version, version, e);
}

void transport_forget_session(struct transport *t)
{
	(void)set(&t->session, NULL, NULL);
	(void)set(&t->version, NULL, NULL);
}

const char *transport_session(const struct transport *t)
{
	return t->session;
}

const char *transport_version(const struct transport *t)
{
	return t->version;
}

void transport_set_agent(struct transport *t, const char *agent)
{
	(void)t, (void)agent;
}

/* The GET stream is played by the harness and never waited for. */
bool transport_hears(const struct transport *t)
{
	(void)t;
	return false;
}

/* Nobody has to sign in here. */
bool exchange_waits(const struct exchange *x)
{
	(void)x;
	return false;
}

void transport_limited(struct transport *t, long wait_s)
{
	(void)t, (void)wait_s;
}

size_t transport_waiting(const struct transport *t)
{
	return t->waiting;
}

void transport_listen(struct transport *t)
{
	t->listening = true;
}

void transport_unlisten(struct transport *t)
{
	t->listening = false;
}

void transport_hold(struct transport *t, bool held)
{
	(void)t, (void)held;
}

/* ---- the input: a list of what happens ---- */

struct reader {
	const uint8_t *p, *end;
};

static unsigned next(struct reader *r)
{
	return r->p < r->end ? *r->p++ : 0;
}

static const char *const ids[] = { "1", "2", "3", "1.0", "\"1\"", "\"a\"", "\"\\u0061\"",
	"1732500000000000001", "1732500000000000002", "\"mpmcp-1\"", "-0", "0" };
#define NIDS (sizeof(ids) / sizeof(ids[0]))

#define META \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"," \
	"\"io.modelcontextprotocol/clientCapabilities\":{\"elicitation\":{},\"sampling\":{}}," \
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"f\"},\"progressToken\":7}"

static const char *const requests[] = {
	"\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":"
	"{"
	"\"roots\":{}},\"clientInfo\":{\"name\":\"f\",\"version\":\"1\"}}",
	"\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-03-26\"}",
	"\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"Get-Projects\",\"arguments\":{\"a\":\"b\"}}",
	"\"method\":\"tools/call\",\"params\":{\"name\":\"Delete-Tag\"}",
	"\"method\":\"tools/list\"",
	"\"method\":\"ping\"",
	"\"params\":{" META "},\"method\":\"server/discover\"",
	"\"method\":\"tools/call\",\"params\":{\"name\":\"Get-Projects\"," META "}",
	"\"method\":\"tools/"
	"call\",\"params\":{\"name\":\"Get-Projects\",\"inputResponses\":{\"q\":{"
	"\"action\":\"accept\"}},\"requestState\":\"s\"," META "}",
	"\"method\":\"tools/list\",\"params\":{" META "}",
	"\"method\":\"subscriptions/"
	"listen\",\"params\":{\"notifications\":{\"toolsListChanged\":true,"
	"\"resourceSubscriptions\":[\"x:y\"]}," META "}",
	"\"method\":\"resources/subscribe\",\"params\":{\"uri\":\"x:y\"}",
	"\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":\"x:y\"}",
	"\"method\":\"logging/setLevel\",\"params\":{\"level\":\"info\"}",
	"\"method\":\"roots/list\"",
	"\"method\":\"elicitation/create\",\"params\":{\"message\":\"m\"}",
};
#define NREQUESTS (sizeof(requests) / sizeof(requests[0]))

static const char *const notes[] = {
	"\"method\":\"notifications/initialized\"",
	"\"method\":\"notifications/progress\",\"params\":{\"progressToken\":7,\"progress\":1}",
	"\"method\":\"notifications/tools/list_changed\"",
	"\"method\":\"notifications/message\",\"params\":{\"level\":\"info\",\"data\":1}",
	"\"method\":\"notifications/subscriptions/acknowledged\",\"params\":{\"_meta\":{\"io."
	"modelcontextprotocol/subscriptionId\":1}}",
	"\"method\":\"notifications/resources/updated\",\"params\":{\"uri\":\"x:y\"}",
	"\"method\":\"notifications/roots/list_changed\"",
};
#define NNOTES (sizeof(notes) / sizeof(notes[0]))

static const char *const answers[] = {
	"\"result\":{}",
	"\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},"
	"\"serverInfo\":{"
	"\"name\":\"s\"}}",
	"\"result\":{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{}}",
	"\"result\":{\"resultType\":\"complete\",\"tools\":[{\"name\":\"Get-Projects\","
	"\"inputSchema\":{"
	"\"properties\":{\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}},{\"name\":\"Delete-"
	"Tag\"}],"
	"\"nextCursor\":\"c\"}",
	"\"result\":{\"tools\":[{\"name\":\"Get-Projects\"}]}",
	"\"result\":{\"tools\":{}}",
	"\"result\":{\"resultType\":\"complete\",\"supportedVersions\":[\"2026-07-28\"],"
	"\"capabilities\":{"
	"\"tools\":{}},\"serverInfo\":{\"name\":\"s\"}}",
	"\"result\":{\"resultType\":\"input_required\",\"inputRequests\":{\"q\":{\"method\":"
	"\"elicitation/create\",\"params\":{\"message\":\"m\"}},\"r\":{\"method\":\"roots/list\"}},"
	"\"requestState\":\"s\"}",
	"\"result\":{\"resultType\":\"input_required\"}",
	"\"result\":{\"resultType\":\"odd\"}",
	"\"error\":{\"code\":-32601,\"message\":\"Method not found\"}",
	"\"error\":{\"code\":-32022,\"message\":\"Unsupported\",\"data\":{\"supported\":[\"2026-07-"
	"28\"]}}",
	"\"error\":{\"code\":-32022,\"message\":\"Unsupported\",\"data\":{\"supported\":[\"2025-11-"
	"25\"]}}",
	"\"error\":{\"code\":-32020,\"message\":\"Header mismatch\"}",
	"\"error\":{\"code\":-32000,\"message\":\"Server not initialized\"}",
	"\"error\":{\"code\":-32001,\"message\":\"Session not found\"}",
	"\"result\":{\"action\":\"accept\",\"content\":{}}",
};
#define NANSWERS (sizeof(answers) / sizeof(answers[0]))

/* What the message of the reader's next bytes reads; a request, notification or response. */
static void compose(struct reader *r, struct buf *b, const char *id)
{
	unsigned what = next(r);
	bool good;

	if (!id)
		id = ids[next(r) % NIDS];
	switch (what % 4) {
	case 0:
	case 1:
		good = buf_addf(b, "{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", id,
			requests[what / 4 % NREQUESTS]);
		break;
	case 2:
		good = what / 4 % (NNOTES + 1) == NNOTES
			       ? buf_addf(b,
					 "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
					 "cancelled\",\"params\":{\"requestId\":%s}}",
					 id)
			       : buf_addf(b, "{\"jsonrpc\":\"2.0\",%s}", notes[what / 4 % NNOTES]);
		break;
	default:
		good = buf_addf(
			b, "{\"jsonrpc\":\"2.0\",%s,\"id\":%s}", answers[what / 4 % NANSWERS], id);
		break;
	}
	check(good, "memory");
}

static void compose_batch(struct reader *r, struct buf *b)
{
	unsigned n = next(r) % 5;

	check(buf_addc(b, '['), "memory");
	for (unsigned i = 0; i < n; i++) {
		check(!i || buf_addc(b, ','), "memory");
		compose(r, b, NULL);
	}
	check(buf_addc(b, ']'), "memory");
}

static void compose_raw(struct reader *r, struct buf *b)
{
	size_t n = next(r), left = (size_t)(r->end - r->p);

	n = n < left ? n : left;
	check(buf_add(b, r->p, n), "memory");
	r->p += n;
}

/* ---- what happens ---- */

struct play {
	struct loop *loop;
	struct session *s;
	struct lines_in in;
	struct lines_out out;
	bool paused, ended;
};

static void idle(void *ctx)
{
	(void)ctx;
}

static void input(void *ctx, bool wanted)
{
	((struct play *)ctx)->paused = !wanted;
}

static void learned(void *ctx, enum era server)
{
	(void)ctx, (void)server;
}

static const struct session_events session_events = { idle, input, learned };

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void set_timer(void *ctx)
{
	loop_timer_set(ctx, 0);
}

/* One whole round: a timer that a task sets is due when the descriptors have had their turn. */
static void turn(struct play *y)
{
	struct loop_timer end;
	struct loop_task begin;
	struct err e = { 0 };

	loop_timer_init(&end, y->loop, stop, y->loop);
	loop_task_init(&begin, y->loop, set_timer, &end);
	loop_task_queue(&begin);
	check(loop_run(y->loop, &e), "the loop");
}

static void client_says(struct play *y, struct buf *b)
{
	char *line;

	if (y->paused || y->ended || !b->len)
		return;
	/* In memory of its own, which is gone afterwards. */
	line = malloc(b->len + 1);
	memcpy(line, b->p, b->len);
	line[b->len] = 0;
	trace("client", NULL, b->p, b->len);
	book_line(b->p, b->len);
	session_line(y->s, &y->in, line, b->len);
	free(line);
}

static struct exchange *pick(struct reader *r)
{
	struct exchange *x = fake.all;

	for (unsigned i = fake.n ? next(r) % fake.n : 0; x && i; i--)
		x = x->next;
	return x;
}

static void server_says(struct play *y, struct exchange *x, struct buf *b)
{
	char *copy;
	struct incoming in = { .from = x };

	if (!b->len || (!x && !fake.listening))
		return;
	copy = malloc(b->len + 1);
	memcpy(copy, b->p, b->len);
	copy[b->len] = 0;
	trace("server", x, b->p, b->len);
	in.p = copy;
	in.n = b->len;
	if (x)
		x->busy = true;
	session_transport_events.message(y->s, &in);
	free(copy);
	if (!x)
		return;
	x->busy = false;
	if (x->dead)
		exchange_free(x);
}

/* The session may be lost whatever the status was; it is, most of the time, with 404. */
static enum exchange_outcome outcome_of(const struct exchange *x, long status, bool other)
{
	switch (status) {
	case 200:
		return other ? EXCHANGE_FAILED : EXCHANGE_ANSWERED;
	case 202:
		return EXCHANGE_ACCEPTED;
	case 0:
		return other ? x->in_session ? EXCHANGE_SESSION_LOST : EXCHANGE_INTERRUPTED
			     : EXCHANGE_FAILED;
	case 400:
		return other ? EXCHANGE_SESSION_LOST : EXCHANGE_REFUSED;
	case 404:
		return other || !x->in_session ? EXCHANGE_REFUSED : EXCHANGE_SESSION_LOST;
	default:
		return EXCHANGE_REFUSED;
	}
}

static void exchange_ends(struct play *y, struct exchange *x, unsigned how, struct buf *body)
{
	static const long statuses[] = { 200, 202, 400, 401, 404, 405, 429, 500, 0 };
	struct exchange_end end = { .outcome = outcome_of(x, statuses[how % 9], how & 32),
		.status = statuses[how % 9],
		.stream = how & 16,
		.retry_after_s = -1 };
	struct message said;
	struct err e = { 0 };

	trace("end", x, body->p, body->len);
	if (!exchange_succeeded(&end)) {
		err_set(&e, ERR_SERVER, "Session or whatever");
		end.e = &e;
		end.body = end.status >= 300 ? body : NULL;
		if (end.body && message_scan(body->p, body->len, &said, NULL) == MESSAGE_OK)
			end.said = &said;
	}
	check(memcmp(x->sent.p, x->c.message->whole.p, x->c.message->whole.n) == 0,
		"a body changed while it was sent");
	x->busy = x->over = true;
	session_transport_events.ended(y->s, x, &end);
	x->busy = false;
	exchange_free(x);
}

/* The id that the server knows the exchange's request by. */
static char *wire_id(const struct exchange *x)
{
	char *copy = malloc(x->sent.len), *id;
	struct message m;

	memcpy(copy, x->sent.p, x->sent.len);
	if (message_scan(copy, x->sent.len, &m, NULL) == MESSAGE_OK && m.id.p)
		id = strndup(m.id.p, m.id.n);
	else
		id = strdup("null");
	free(copy);
	return id;
}

static void server_answers(struct play *y, struct reader *r, struct exchange *x)
{
	char *id = wire_id(x);
	unsigned how = next(r), end = next(r);
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	check(buf_addf(&b, "{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", id, answers[how % NANSWERS]),
		"memory");
	if (end & 128) {
		free(x->new_session);
		x->new_session = strdup(end & 64 ? "s1" : "s2");
	}
	if (how / NANSWERS % 2) {
		exchange_ends(y, x, end & 15, &b);
	} else {
		server_says(y, x, &b);
	}
	buf_free(&b);
	free(id);
}

/* The GET stream was refused with 404: for the session of now, or for one before. */
static void stream_is_lost(struct play *y, struct reader *r)
{
	char *then;

	if (!fake.listening || !fake.session)
		return;
	then = strdup(next(r) % 2 ? fake.session : "s0");
	trace("session lost", NULL, then, strlen(then));
	fake.listening = false;
	session_transport_events.session_lost(y->s, then);
	free(then);
}

static void step(struct play *y, struct reader *r)
{
	unsigned what = next(r);
	struct exchange *x;
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	switch (what % 12) {
	case 0:
	case 1:
	case 2:
		compose(r, &b, NULL);
		client_says(y, &b);
		break;
	case 3:
		compose_batch(r, &b);
		client_says(y, &b);
		break;
	case 4:
		compose_raw(r, &b);
		client_says(y, &b);
		break;
	case 5:
	case 6:
		x = pick(r);
		if (x)
			server_answers(y, r, x);
		break;
	case 7:
		x = next(r) % 2 ? pick(r) : NULL;
		compose(r, &b, NULL);
		server_says(y, x, &b);
		break;
	case 8:
		x = next(r) % 2 ? pick(r) : NULL;
		what = next(r);
		if (what % 2)
			compose_batch(r, &b);
		else
			compose_raw(r, &b);
		server_says(y, x, &b);
		break;
	case 9:
		x = pick(r);
		what = next(r);
		if (x && what % 2)
			compose_raw(r, &b);
		if (x)
			exchange_ends(y, x, next(r), &b);
		break;
	case 10:
		fake.waiting = next(r) % 2;
		y->out.full = next(r) % 2;
		if (!y->out.full)
			session_output_drained(y->s);
		break;
	case 11:
		if (what & 64)
			stream_is_lost(y, r);
		else
			turn(y);
		break;
	}
	if (what & 128)
		turn(y);
	buf_free(&b);
}

/* Every exchange comes to its end, those too that follow from it. Nothing may be owed then. */
static void let_all_end(struct play *y, unsigned how)
{
	struct buf none;

	buf_init(&none, 1);
	fake.waiting = 0;
	for (int i = 0; i < 10000 && fake.all; i++) {
		exchange_ends(y, fake.all, how, &none);
		turn(y);
	}
	check(!fake.all, "exchanges without an end");
}

/* What waits for a time (a session that is opened again, a notification that is repeated) has its own end. */
#define WAIT_STEP_MS 5000
#define WAIT_STEPS 100

static void let_time_pass(struct play *y, unsigned how)
{
	int64_t now = clock_ms();

	for (int i = 0; i < WAIT_STEPS && !session_idle(y->s); i++) {
		clock_set(now += WAIT_STEP_MS, clock_wall_s());
		turn(y);
		let_all_end(y, how);
	}
	clock_set(-1, -1);
}

static struct policy *some_policy(unsigned what)
{
	struct policy_opts o = { .read_only = true };

	return what & 1 ? policy_new(&o, NULL) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = { data, data + size };
	struct play y = { .paused = false };
	struct err why = { 0 };
	unsigned flags = next(&r);
	struct policy *policy = some_policy(flags);

	err_set(&why, ERR_CANCELLED, "the end");
	diag_set_level(DIAG_ERROR);
	memset(&fake, 0, sizeof(fake));
	y.loop = loop_new(NULL);
	y.s = session_new(y.loop, &y.out, &session_events, &y);
	session_attach(y.s, &fake);
	session_set_translators(y.s, translator_new);
	session_set_policy(y.s, policy);
	session_set_era(y.s, (enum era)(flags / 2 % 3), flags & 8);
	for (int i = 0; r.p < r.end && i < 400; i++)
		step(&y, &r);
	turn(&y);
	session_end_input(y.s);
	turn(&y);
	if (flags & 16)
		session_fail_all(y.s, &why);
	else
		let_all_end(&y, flags & 32 ? 7 : 1);
	turn(&y);
	if (!(flags & 16))
		let_time_pass(&y, flags & 32 ? 7 : 1);
	check(naccounts == IDS_MAX || session_idle(y.s) || flags & 16, "work without an end");
	session_free(y.s);
	check(!fake.all, "an exchange without an owner");
	transport_forget_session(&fake);
	policy_free(policy);
	loop_free(y.loop);
	close_accounts();
	return 0;
}
