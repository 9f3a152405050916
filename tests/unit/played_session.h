/*
 * A session whose transport and whose two ends of the wire are played: this
 * file's functions take the place of those in the library. What a script says
 * is compared with what the session does (play()).
 */
#ifndef MPMCP_TESTS_PLAYED_SESSION_H
#define MPMCP_TESTS_PLAYED_SESSION_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/diag.h"
#include "mcp/session/session.h"
#include "mcp/translate/translators.h"

struct lines_in {
	int unused;
};
struct lines_out {
	int unused;
};

/* What the session did and nobody has asked for yet, one a line: "> " to the server, "< " to the client. */
static struct buf done_lines;

static void did(const char *how, const char *p, size_t n)
{
	assert_true(buf_adds(&done_lines, how) && buf_add(&done_lines, p, n) &&
		    buf_addc(&done_lines, '\n'));
}

/* ---- the client's end ---- */

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

bool lines_out_addv(struct lines_out *w, const struct lines_part *parts, size_t count)
{
	struct buf b;

	(void)w;
	buf_init(&b, MESSAGE_MAX);
	for (size_t i = 0; i < count; i++)
		assert_true(buf_add(&b, parts[i].p, parts[i].n));
	did("< ", buf_str(&b), b.len);
	buf_free(&b);
	return true;
}

bool lines_out_add(struct lines_out *w, const char *p, size_t n)
{
	(void)w;
	did("< ", p, n);
	return true;
}

bool lines_out_take(struct lines_out *w, struct buf *m)
{
	(void)!lines_out_add(w, buf_str(m), m->len);
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
	(void)w;
	return false;
}

bool lines_out_now(struct lines_out *w, const struct lines_part *parts, size_t count, int ms)
{
	(void)ms;
	return lines_out_addv(w, parts, count);
}

/* ---- the server's end ---- */

struct exchange {
	struct exchange *older;
	struct exchange_call c;
	char *session;
	bool busy, dead, over;
};
struct transport {
	struct exchange *newest;
	char *session, *version;
};
static struct transport played;

struct exchange *transport_post(struct transport *t, const struct exchange_call *c)
{
	struct exchange *x = calloc(1, sizeof(*x));

	assert_non_null(x);
	x->c = *c;
	x->older = t->newest;
	t->newest = x;
	x->session = t->session && !c->fresh ? strdup(t->session) : NULL;
	did("> ", c->message->whole.p, c->message->whole.n);
	return x;
}

void *exchange_ctx(const struct exchange *x)
{
	return x->c.ctx;
}

static void exchange_gone(struct exchange *x)
{
	struct exchange **at = &played.newest;

	while (*at != x)
		at = &(*at)->older;
	*at = x->older;
	http_fields_free(x->c.own);
	free(x->session);
	free(x);
}

void exchange_cancel(struct exchange *x)
{
	if (!x || x->dead)
		return;
	if (!x->over)
		did("x ", x->c.message->whole.p, x->c.message->whole.n);
	x->dead = true;
	if (!x->busy)
		exchange_gone(x);
}

bool exchange_cancelled(const struct exchange *x)
{
	return x->dead;
}

void exchange_linger(struct exchange *x)
{
	(void)x;
}

const char *exchange_new_session(const struct exchange *x)
{
	(void)x;
	return "s";
}

bool exchange_waits(const struct exchange *x)
{
	(void)x;
	return false;
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

bool transport_set_session(struct transport *t, const char *id, struct err *e)
{
	(void)e;
	free(t->session);
	t->session = id ? strdup(id) : NULL;
	return true;
}

bool transport_set_version(struct transport *t, const char *version, struct err *e)
{
	(void)e;
	free(t->version);
	t->version = version ? strdup(version) : NULL;
	return true;
}

void transport_forget_session(struct transport *t)
{
	(void)!transport_set_session(t, NULL, NULL);
	(void)!transport_set_version(t, NULL, NULL);
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

bool transport_hears(const struct transport *t)
{
	(void)t;
	return false;
}

void transport_limited(struct transport *t, long wait_s)
{
	(void)t, (void)wait_s;
}

size_t transport_waiting(const struct transport *t)
{
	(void)t;
	return 0;
}

void transport_listen(struct transport *t)
{
	(void)t;
}

void transport_unlisten(struct transport *t)
{
	(void)t;
}

void transport_hold(struct transport *t, bool held)
{
	(void)t, (void)held;
}

/* ---- the script ---- */

struct play {
	struct loop *loop;
	struct session *s;
	struct lines_in in;
	struct lines_out out;
};

static void play_nothing(void *ctx)
{
	(void)ctx;
}

static void play_input(void *ctx, bool wanted)
{
	(void)ctx, (void)wanted;
}

static void play_learned(void *ctx, enum era server)
{
	(void)ctx;
	did("! ", era_word(server), strlen(era_word(server)));
}

static bool play_person(void *ctx, struct err *e)
{
	(void)ctx, (void)e;
	return false;
}

static const struct session_events play_events = { play_nothing, play_input, play_learned,
	play_person };

static void play_stop(void *ctx)
{
	loop_stop(ctx);
}

static void play_set_timer(void *ctx)
{
	loop_timer_set(ctx, 0);
}

/* All that is due now. */
static void play_turn(struct play *y)
{
	struct loop_timer end;
	struct loop_task begin;
	struct err e = { 0 };

	loop_timer_init(&end, y->loop, play_stop, y->loop);
	loop_task_init(&begin, y->loop, play_set_timer, &end);
	loop_task_queue(&begin);
	assert_true(loop_run(y->loop, &e));
}

static bool play_holds(const struct exchange *x, const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i + n <= x->c.message->whole.n; i++)
		if (memcmp(x->c.message->whole.p + i, text, n) == 0)
			return true;
	return false;
}

/* The newest exchange whose message holds this text. */
static struct exchange *play_find(const char *text)
{
	struct exchange *x = played.newest;

	while (x && (x->dead || !play_holds(x, text)))
		x = x->older;
	if (!x)
		fail_msg("no exchange is about %s", text);
	return x;
}

static void play_message(struct play *y, struct exchange *x, const char *text)
{
	char *copy = strdup(text);
	struct incoming in = { .p = copy, .n = strlen(text), .from = x };

	if (x)
		x->busy = true;
	session_transport_events.message(y->s, &in);
	free(copy);
	if (!x)
		return;
	x->busy = false;
	if (x->dead)
		exchange_gone(x);
}

static void play_end(struct play *y, struct exchange *x, long status, const char *text)
{
	struct err e = { 0 };
	struct message said;
	struct buf body;
	struct exchange_end end = { .status = status, .retry_after_s = -1 };

	buf_init(&body, MESSAGE_MAX);
	assert_true(buf_adds(&body, text));
	end.outcome = status == 202                 ? EXCHANGE_ACCEPTED
		      : status < 300                ? EXCHANGE_ANSWERED
		      : status == 404 && x->session ? EXCHANGE_SESSION_LOST
						    : EXCHANGE_REFUSED;
	if (!exchange_succeeded(&end)) {
		err_set(&e, ERR_SERVER, "HTTP %ld", status);
		end.e = &e;
		end.body = &body;
		if (message_scan(body.p, body.len, &said, NULL) == MESSAGE_OK)
			end.said = &said;
	}
	x->busy = x->over = true;
	session_transport_events.ended(y->s, x, &end);
	exchange_gone(x);
	buf_free(&body);
}

/* The last requestState that was seen; TOKEN in a script. */
static char play_token[64];

static void play_note_token(const char *line)
{
	static const char key[] = "\"requestState\":\"";
	const char *at = strstr(line, key);
	size_t n = at ? strcspn(at + sizeof(key) - 1, "\"") : 0;

	if (!at)
		return;
	assert_true(n < sizeof(play_token));
	memcpy(play_token, at + sizeof(key) - 1, n);
	play_token[n] = 0;
}

static char *play_fill(const char *written)
{
	const char *at = strstr(written, "TOKEN");
	size_t n = strlen(written) + sizeof(play_token);
	char *step = malloc(n);

	assert_non_null(step);
	snprintf(step, n, "%.*s%s%s", at ? (int)(at - written) : (int)strlen(written), written,
		at ? play_token : "", at ? at + strlen("TOKEN") : "");
	return step;
}

/* The next thing done begins with `how` and holds each piece of `want` (pieces between "..."). */
static void play_expect(const char *what, const char *step, const char *how, const char *want)
{
	char *line = strdup(buf_str(&done_lines)), *end = strchr(line, '\n'), *at = line;
	char *pieces = strdup(want), *rest = pieces;
	size_t n;

	if (!end)
		fail_msg("%s: at %s nothing was done", what, step);
	*end = 0;
	n = (size_t)(end - line) + 1;
	if (strncmp(line, how, 2) != 0)
		fail_msg("%s: at %s stands %s", what, step, line);
	play_note_token(line);
	while (rest) {
		char *piece = rest, *dots = strstr(rest, "...");

		rest = dots ? dots + 3 : NULL;
		if (dots)
			*dots = 0;
		at = strstr(at, piece);
		if (!at)
			fail_msg("%s: at %s stands %s", what, step, line);
		at += strlen(piece);
	}
	free(pieces);
	free(line);
	memmove(done_lines.p, done_lines.p + n, done_lines.len - n);
	done_lines.len -= n;
}

/* Cuts the first word off. */
static char *play_word(char **text)
{
	char *word = *text, *end = strchr(word, ' ');

	if (end)
		*end++ = 0;
	*text = end ? end : word + strlen(word);
	return word;
}

/*
 * One step of a script, its quotes written as ':
 *   C line            of the client            E status about ... the exchange ends, with this body
 *   A about message   on the exchange          G message          on the GET stream
 *   > < x !           what was done: sent, said, cancelled, learned; pieces between "..."
 *   -                 nothing more was done    I                  the input ends
 * "about" is a word in the message of the exchange that is meant.
 */
static void play_step(struct play *y, const char *what, const char *written)
{
	char *step = play_fill(written), *about, *text, *status;

	for (char *p = step; *p; p++)
		if (*p == '\'')
			*p = '"';
	text = strlen(step) > 1 ? step + 2 : step;
	switch (*step) {
	case 'C':
		session_line(y->s, &y->in, text, strlen(text));
		break;
	case 'A':
		about = play_word(&text);
		play_message(y, play_find(about), text);
		break;
	case 'E':
		status = play_word(&text);
		about = play_word(&text);
		play_end(y, play_find(about), atol(status), text);
		break;
	case 'G':
		play_message(y, NULL, text);
		break;
	case 'I':
		session_end_input(y->s);
		break;
	case '-':
		if (done_lines.len)
			fail_msg("%s: more was done: %s", what, buf_str(&done_lines));
		break;
	default: {
		char how[] = { *step, ' ', 0 };

		play_expect(what, step, how, text);
	}
	}
	play_turn(y);
	free(step);
}

#define STEPS 40

struct script {
	const char *what;
	const char *steps[STEPS];
};

static void play(enum era server, const char *const *before, const struct script *script)
{
	struct play y = { 0 };

	buf_init(&done_lines, MESSAGE_MAX);
	diag_set_level(DIAG_ERROR);
	y.loop = loop_new(NULL);
	y.s = session_new(y.loop, &y.out, &play_events, &y);
	session_attach(y.s, &played);
	session_set_translators(y.s, translator_new);
	session_set_era(y.s, server, false);
	while (*before)
		play_step(&y, script->what, *before++);
	for (size_t i = 0; i < STEPS && script->steps[i]; i++)
		play_step(&y, script->what, script->steps[i]);
	if (done_lines.len)
		fail_msg("%s: more was done: %s", script->what, buf_str(&done_lines));
	session_free(y.s);
	assert_null(played.newest);
	transport_forget_session(&played);
	loop_free(y.loop);
	buf_free(&done_lines);
}

#endif
