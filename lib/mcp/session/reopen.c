/*
 * A session that is opened behind the client's back: the server has forgotten
 * the one that the client opened, or the client is of an era that knows none.
 * The client believes in it, so it is owed one. Until it is there again every
 * message waits in the queue; one try is under way at a time, the pauses
 * between them grow, and each request has a patience of its own.
 */
#include "base/clock.h"
#include "base/diag.h"
#include "mcp/session/session_impl.h"
#include "mcp/json/walk.h"

/* A request waits so long for a session: as long as for a server that says Retry-After. */
#define PATIENCE_MS 30000

/* Pauses between tries: while somebody waits, and while the client can only be listening. */
#define PAUSE_MIN_MS 250
#define PAUSE_MAX_MS 5000
#define PAUSE_DEAF_MAX_MS 300000

/* What answers in words may have failed for a moment, too. So many of them are a verdict. */
#define REFUSALS_MAX 3

/* The first try may take so long, later ones twice as long each: a server may be slow to start. */
#define TRY_MS 10000
#define TRY_DOUBLINGS 2

/* A server that leaves notifications/initialized without an answer keeps requests waiting twice that. */
#define GREETING_MS 2500

static const char initialized_message[] =
	"{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";

static void try_once(struct session *s);

static bool anybody_waits(const struct session *s)
{
	return s->queue.head.next != &s->queue.head;
}

/* ---- how it ends ---- */

static void is_open(struct session *s)
{
	s->state = STATE_OPEN;
	s->lost = s->deaf = s->anew = false;
	s->reopens = s->refusals = 0;
	s->replay = s->greeter = NULL;
	loop_timer_clear(&s->handshake);
	session_pump(s);
}

static void is_greeted(struct session *s)
{
	bool anew = s->anew;

	is_open(s);
	session_listen(s);
	if (!anew)
		return;
	kept_restore(s);
	translator_reopened(s);
}

/* Nobody waits any longer; the next request tries again. */
static void tell_all(struct session *s)
{
	struct post_list *l = &s->queue;

	for (struct post *p = l->head.next, *next; p != &l->head; p = next) {
		next = p->next;
		if (p->kind == POST_INITIALIZE)
			continue;
		post_give_up(p, &s->no_session);
	}
}

/* refused: in so many words, and not because it could not be asked. */
static void try_failed(struct session *s, const struct err *why, bool refused)
{
	s->state = STATE_OPEN;
	s->replay = s->greeter = NULL;
	loop_timer_clear(&s->handshake);
	s->no_session = *why;
	err_prefix(&s->no_session,
		s->hello.len || !s->between
			? "the server ended the session and a new one cannot be opened"
			: "no session can be opened");
	diag_debug("%s", err_text(&s->no_session));
	s->reopens++;
	s->refusals += refused;
	s->reopened_ms = clock_ms();
	if (why->kind == ERR_AUTH || why->kind == ERR_LIMIT || s->refusals >= REFUSALS_MAX)
		tell_all(s);
	session_pump(s);
}

/* ---- waiting ---- */

static void patience_over(struct post *p)
{
	struct session *s = p->s;
	struct err late = { 0 };

	if (!s->lost || transport_waiting(s->transport)) {
		/* A person who signs in is given the time. */
		if (s->lost)
			reopen_awaited(p);
		return;
	}
	if (s->no_session.kind == ERR_NONE)
		err_set(&late, ERR_NET,
			"the server ended the session and does not answer when a new one is to be "
			"opened");
	post_give_up(p, late.kind ? &late : &s->no_session);
}

void reopen_awaited(struct post *p)
{
	if (p->kind != POST_INITIALIZE)
		post_wait(p, PATIENCE_MS, patience_over);
}

static int64_t pause_ms(const struct session *s)
{
	int64_t most = anybody_waits(s) ? PAUSE_MAX_MS : PAUSE_DEAF_MAX_MS;
	unsigned doublings = s->reopens && s->reopens < 16 ? s->reopens - 1 : 15;
	int64_t ms = s->reopens ? (int64_t)PAUSE_MIN_MS << doublings : 0;

	return ms < most ? ms : most;
}

void reopen_pump(struct session *s)
{
	int64_t left = pause_ms(s) - (clock_ms() - s->reopened_ms);

	if (s->state != STATE_OPEN || (!anybody_waits(s) && !s->deaf))
		return;
	if (s->reopens && left > 0)
		loop_timer_set(&s->handshake, left);
	else
		try_once(s);
}

/* ---- the steps ---- */

static void greet(struct session *s);

static void greeted(struct post *p, const struct message *m, const struct err *why)
{
	struct session *s = p->s;

	(void)m;
	if (p != s->greeter)
		return;
	if (p->taken || why->kind != ERR_NOT_FOUND)
		is_greeted(s); /* a server that minds will say so to the next request */
	else
		try_failed(s, why, true);
}

static void greet(struct session *s)
{
	struct post *p = post_new(s, POST_INTERNAL);
	struct buf body;

	buf_init(&body, MESSAGE_MAX);
	if (!buf_adds(&body, initialized_message) || !message_read(&p->message, &body))
		diag_error("out of memory");
	p->on_answer = greeted;
	s->greeter = p;
	greeting_begins(s);
	post_start(p);
}

void greeting_begins(struct session *s)
{
	s->twice = false;
	loop_timer_set(&s->handshake, GREETING_MS);
}

static void refused(struct session *s, const struct message *m, const struct err *why)
{
	struct err e = { 0 };

	if (m && server_era_refused_session(s, m) == TAKEN) {
		is_open(s);
		return;
	}
	if (why)
		e = *why;
	else if (m->error.p)
		era_error_words(m->error, &e);
	else
		err_set(&e, ERR_PROTO, "initialize was answered without a result");
	try_failed(s, &e,
		m || why->kind == ERR_PROTO || why->kind == ERR_NOT_FOUND ||
			why->kind == ERR_FORBIDDEN);
}

static void replayed(struct post *p, const struct message *m, const struct err *why)
{
	struct session *s = p->s;

	if (p != s->replay)
		return;
	if (!m || !m->result.p) {
		refused(s, m, why);
		return;
	}
	s->replay = NULL;
	s->anew = true;
	session_negotiated(p, m);
	if (s->greeted)
		greet(s);
	else
		is_open(s);
}

static void try_once(struct session *s)
{
	unsigned doublings = s->reopens < TRY_DOUBLINGS ? s->reopens : TRY_DOUBLINGS;
	struct buf body;

	diag_debug("a session is opened behind the client's back");
	s->state = STATE_REPLAY;
	s->opener = NULL;
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	buf_init(&body, MESSAGE_MAX);
	if (!buf_add(&body, s->initialize.whole.p, s->initialize.whole.n))
		diag_error("out of memory");
	s->replay = session_ask(s, &body, replayed);
	s->replay->fresh = true;
	loop_timer_set(&s->handshake, (int64_t)TRY_MS << doublings);
	post_start(s->replay);
}

static void is_lost(struct session *s)
{
	struct post_list *l = &s->queue;

	s->lost = true;
	s->reopens = s->refusals = 0;
	s->no_session.kind = ERR_NONE;
	for (struct post *p = l->head.next; p != &l->head; p = p->next)
		reopen_awaited(p);
}

void session_reopen(struct session *s)
{
	is_lost(s);
	try_once(s);
}

void session_greet_again(struct session *s)
{
	if (s->state != STATE_OPEN || s->lost)
		return;
	is_lost(s);
	s->state = STATE_REPLAY;
	greet(s);
}

/* ---- steps that take too long ---- */

static void try_takes_too_long(struct session *s)
{
	struct post *p = s->replay;
	struct err e = { 0 };

	if (transport_waiting(s->transport)) {
		loop_timer_set(&s->handshake, TRY_MS);
		return;
	}
	err_set(&e, ERR_NET, "the server leaves initialize without an answer");
	s->replay = NULL;
	try_failed(s, &e, false);
	post_drop(p);
}

/* It may have been lost; whoever gets it twice takes it once. Then requests go on without. */
static void greeting_takes_too_long(struct session *s)
{
	if (!s->twice) {
		s->twice = true;
		loop_timer_set(&s->handshake, GREETING_MS);
		session_tell(s, initialized_message, sizeof(initialized_message) - 1);
		return;
	}
	diag_debug("notifications/initialized is not taken: requests go on without");
	if (s->state == STATE_REPLAY) {
		is_greeted(s);
	} else if (s->opener) {
		session_opened(s, s->opener);
		session_listen(s);
	}
}

static void handshake_due(void *ctx)
{
	struct session *s = ctx;

	if (s->state == STATE_REPLAY && s->replay)
		try_takes_too_long(s);
	else if (s->state == STATE_REPLAY || s->state == STATE_INITIALIZED)
		greeting_takes_too_long(s);
	else
		session_pump(s);
}

void reopen_init(struct session *s)
{
	loop_timer_init(&s->handshake, s->loop, handshake_due, s);
}
