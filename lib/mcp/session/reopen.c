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
	return s->queue.waiting.first != NULL;
}

/* ---- how it ends ---- */

static void is_open(struct session *s)
{
	s->handshake.state = STATE_OPEN;
	s->reopening.lost = s->reopening.deaf = s->reopening.anew = false;
	s->reopening.tries = s->reopening.refusals = 0;
	s->handshake.replay = s->handshake.greeter = NULL;
	loop_timer_clear(&s->handshake.timer);
	queue_pump(s);
}

static void is_greeted(struct session *s)
{
	bool anew = s->reopening.anew;

	is_open(s);
	handshake_listen(s);
	if (!anew)
		return;
	kept_restore(s);
	translator_reopened(s);
}

/* Nobody waits any longer; the next request tries again. */
static void tell_all(struct session *s)
{
	struct outgoing_list *l = &s->queue.waiting;

	for (struct outgoing *p = l->first, *next; p; p = next) {
		next = p->at.next;
		if (p->kind == OUTGOING_INITIALIZE)
			continue;
		outgoing_give_up(p, &s->reopening.why);
	}
}

/* refused: in so many words, and not because it could not be asked. */
static void try_failed(struct session *s, const struct err *why, bool refused)
{
	s->handshake.state = STATE_OPEN;
	s->handshake.replay = s->handshake.greeter = NULL;
	loop_timer_clear(&s->handshake.timer);
	s->reopening.why = *why;
	err_prefix(&s->reopening.why,
		s->handshake.hello.len || !s->translators.now
			? "the server ended the session and a new one cannot be opened"
			: "no session can be opened");
	diag_debug("%s", err_text(&s->reopening.why));
	s->reopening.tries++;
	s->reopening.refusals += refused;
	s->reopening.tried_ms = clock_ms();
	if (why->kind == ERR_AUTH || why->kind == ERR_LIMIT ||
		s->reopening.refusals >= REFUSALS_MAX)
		tell_all(s);
	queue_pump(s);
}

/* ---- waiting ---- */

static void patience_over(struct outgoing *p)
{
	struct session *s = p->s;
	struct err late = { 0 };

	if (!s->reopening.lost || transport_waiting(s->transport)) {
		/* A person who signs in is given the time. */
		if (s->reopening.lost)
			reopen_awaited(p);
		return;
	}
	if (s->reopening.why.kind == ERR_NONE)
		err_set(&late, ERR_NET,
			"the server ended the session and does not answer the request for a new "
			"one");
	outgoing_give_up(p, late.kind ? &late : &s->reopening.why);
}

void reopen_awaited(struct outgoing *p)
{
	if (p->kind != OUTGOING_INITIALIZE)
		queue_wait(p, PATIENCE_MS, patience_over);
}

static int64_t pause_ms(const struct session *s)
{
	int64_t most = anybody_waits(s) ? PAUSE_MAX_MS : PAUSE_DEAF_MAX_MS;
	unsigned doublings =
		s->reopening.tries && s->reopening.tries < 16 ? s->reopening.tries - 1 : 15;
	int64_t ms = s->reopening.tries ? (int64_t)PAUSE_MIN_MS << doublings : 0;

	return ms < most ? ms : most;
}

void reopen_pump(struct session *s)
{
	int64_t left = pause_ms(s) - (clock_ms() - s->reopening.tried_ms);

	if (s->handshake.state != STATE_OPEN || (!anybody_waits(s) && !s->reopening.deaf))
		return;
	if (s->reopening.tries && left > 0)
		loop_timer_set(&s->handshake.timer, left);
	else
		try_once(s);
}

/* ---- the steps ---- */

static void greet(struct session *s);

static void greeted(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct session *s = p->s;

	(void)m;
	if (p != s->handshake.greeter)
		return;
	if (p->sent.taken || why->kind != ERR_NOT_FOUND)
		is_greeted(s); /* a server that minds will say so to the next request */
	else
		try_failed(s, why, true);
}

static void greet(struct session *s)
{
	struct outgoing *p = outgoing_new(s, OUTGOING_INTERNAL);
	struct buf body;

	buf_init(&body, MESSAGE_MAX);
	if (!buf_adds(&body, initialized_message) || !message_read(&p->message, &body))
		diag_error("out of memory");
	p->ask.fn = greeted;
	s->handshake.greeter = p;
	greeting_begins(s);
	outgoing_start(p);
}

void greeting_begins(struct session *s)
{
	s->handshake.twice = false;
	loop_timer_set(&s->handshake.timer, GREETING_MS);
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

static void replayed(struct outgoing *p, const struct message *m, const struct err *why)
{
	struct session *s = p->s;

	if (p != s->handshake.replay)
		return;
	if (!m || !m->result.p) {
		refused(s, m, why);
		return;
	}
	s->handshake.replay = NULL;
	s->reopening.anew = true;
	handshake_negotiated(p, m);
	if (s->handshake.greeted)
		greet(s);
	else
		is_open(s);
}

static void try_once(struct session *s)
{
	unsigned doublings =
		s->reopening.tries < TRY_DOUBLINGS ? s->reopening.tries : TRY_DOUBLINGS;
	struct buf body;

	diag_debug("a session is opened without the client");
	s->handshake.state = STATE_REPLAY;
	s->handshake.opener = NULL;
	transport_unlisten(s->transport);
	transport_forget_session(s->transport);
	buf_init(&body, MESSAGE_MAX);
	if (!buf_add(&body, s->handshake.initialize.whole.p, s->handshake.initialize.whole.n))
		diag_error("out of memory");
	s->handshake.replay = outgoing_ask(s, &body, replayed);
	s->handshake.replay->is.fresh = true;
	loop_timer_set(&s->handshake.timer, (int64_t)TRY_MS << doublings);
	outgoing_start(s->handshake.replay);
}

static void is_lost(struct session *s)
{
	struct outgoing_list *l = &s->queue.waiting;

	s->reopening.lost = true;
	s->reopening.tries = s->reopening.refusals = 0;
	s->reopening.why.kind = ERR_NONE;
	for (struct outgoing *p = l->first; p; p = p->at.next)
		reopen_awaited(p);
}

void session_reopen(struct session *s)
{
	is_lost(s);
	try_once(s);
}

void session_greet_again(struct session *s)
{
	if (s->handshake.state != STATE_OPEN || s->reopening.lost)
		return;
	is_lost(s);
	s->handshake.state = STATE_REPLAY;
	greet(s);
}

/* ---- steps that take too long ---- */

static void try_takes_too_long(struct session *s)
{
	struct outgoing *p = s->handshake.replay;
	struct err e = { 0 };

	if (transport_waiting(s->transport)) {
		loop_timer_set(&s->handshake.timer, TRY_MS);
		return;
	}
	err_set(&e, ERR_NET, "the server did not answer initialize");
	s->handshake.replay = NULL;
	try_failed(s, &e, false);
	outgoing_drop(p);
}

/* It may have been lost; whoever gets it twice takes it once. Then requests go on without. */
static void greeting_takes_too_long(struct session *s)
{
	if (!s->handshake.twice) {
		s->handshake.twice = true;
		loop_timer_set(&s->handshake.timer, GREETING_MS);
		outgoing_tell(s, initialized_message, sizeof(initialized_message) - 1);
		return;
	}
	diag_debug("notifications/initialized is not accepted: requests continue without it");
	if (s->handshake.state == STATE_REPLAY) {
		is_greeted(s);
	} else if (s->handshake.opener) {
		handshake_over(s, s->handshake.opener);
		handshake_listen(s);
	}
}

static void handshake_due(void *ctx)
{
	struct session *s = ctx;

	if (s->handshake.state == STATE_REPLAY && s->handshake.replay)
		try_takes_too_long(s);
	else if (s->handshake.state == STATE_REPLAY || s->handshake.state == STATE_INITIALIZED)
		greeting_takes_too_long(s);
	else
		queue_pump(s);
}

void reopen_init(struct session *s)
{
	loop_timer_init(&s->handshake.timer, s->loop, handshake_due, s);
}
