#include "mcp/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/json/message.h"
#include "mcp/keepalive.h"
#include "mcp/json/error_reply.h"
#include "mcp/session/session.h"
#include "mcp/http/transport.h"
#include "mcp/stdio/lines.h"
#include "mcp/translate/translators.h"
#include "os/loop.h"
#include "os/process.h"

/* After the end of input, answers still due are waited for this long: more than a client that closes
 * its end ever waits, and long enough for a script that pipes its requests in. So is a reader that
 * takes nothing. */
#define DRAIN_MS 30000

/* What is left of the time once all is answered: the DELETE of the session must reach the server,
 * its answer matters little. "Gone within 100 ms" has to hold on a busy machine. */
#define FAREWELL_MS 60

/* The last bytes for a reader that is slow but there. */
#define FLUSH_MS 30
/* When the loop itself has failed, with whatever is still unwritten. */
#define LAST_FLUSH_MS 1000

/* How it ends. */
struct ending {
	struct loop_timer drain;
	uint64_t written; /* when that was last looked at */
	enum bridge_end how;
	struct err e;  /* BRIDGE_END_FAILED: why */
	bool no_input; /* nothing more will be read */
	bool begun;    /* the session is being deleted; then the loop stops */
	bool deleted;  /* and that is done: only output is still to be written */
	bool over;
};

/* The era of the server, as an earlier process knew it. */
struct recall {
	bool done;  /* said by the person, or looked up */
	char *line; /* the first one, while that is looked up; NULL: none */
	size_t len;
};

struct bridge {
	struct loop *loop;
	struct lines_in *in;
	struct lines_out *out;
	struct transport *transport;
	struct session *session;
	struct keepalive *keepalive; /* NULL: none */
	struct loop_task person;     /* somebody would have to sign in now */
	int parent_fd;               /* can be read when who started us is gone; -1: unknown */
	struct loop_watch *parent;
	struct auth *auth;
	struct http_fields *fields;
	struct ending ending;
	struct recall recall;
};

static void stop(struct bridge *b)
{
	b->ending.over = true;
	loop_stop(b->loop);
}

/* ---- leaving ---- */

/* Only at the end of input is it worth waiting for a slow reader. */
static void stop_when_written(struct bridge *b)
{
	if (b->ending.deleted && (b->ending.how != BRIDGE_END_INPUT || !lines_out_backlog(b->out)))
		stop(b);
}

static void deleted(void *ctx)
{
	struct bridge *b = ctx;

	b->ending.deleted = true;
	stop_when_written(b);
}

static void start_drain(struct bridge *b)
{
	b->ending.written = lines_out_written(b->out);
	loop_timer_set(&b->ending.drain, DRAIN_MS);
}

/* It is the reader that is slow, and it does read. */
static bool is_being_read(const struct bridge *b)
{
	return lines_out_backlog(b->out) && lines_out_written(b->out) != b->ending.written;
}

static void leave(struct bridge *b, enum bridge_end how)
{
	if (b->ending.begun)
		return;
	b->ending.begun = true;
	b->ending.how = how;
	loop_timer_clear(&b->ending.drain);
	if (how == BRIDGE_END_INPUT)
		start_drain(b);
	if (b->in)
		lines_in_pause(b->in, true);
	keepalive_stop(b->keepalive);
	transport_hold(b->transport, false);
	transport_unlisten(b->transport);
	transport_delete(b->transport, FAREWELL_MS, deleted, b);
}

/* Whoever still waits gets an answer, should anybody still read. */
static void leave_owing(struct bridge *b, enum bridge_end how, const char *why)
{
	struct err e = { 0 };

	err_set(&e, ERR_CANCELLED, "%s", why);
	session_fail_all(b->session, &e);
	leave(b, how);
}

static void drain_over(void *ctx)
{
	struct bridge *b = ctx;

	if (is_being_read(b))
		start_drain(b);
	else if (b->ending.begun)
		stop(b);
	else
		leave_owing(b, BRIDGE_END_INPUT,
			"the input ended and the server did not answer in time");
}

static void check_end(struct bridge *b)
{
	const char *command, *act;
	struct err e = { 0 };

	if (!b->ending.no_input || b->ending.begun)
		return;
	if (session_idle(b->session)) {
		leave(b, BRIDGE_END_INPUT);
	} else if (transport_waiting(b->transport) &&
		   (command = auth_awaits_person(b->auth, &act))) {
		/* Nobody is there to sign in for. The sign-in itself goes on without us. */
		err_set(&e, ERR_AUTH, "a sign-in is needed: run \"%s\", then try again", command);
		session_fail_all(b->session, &e);
		leave(b, BRIDGE_END_INPUT);
	}
}

/* ---- events ---- */

/* What an earlier process found out: looked up with the first message, not before. */
static void recall_era(struct bridge *b)
{
	const char *word = b->recall.done ? NULL : auth_recall(b->auth);

	b->recall.done = true;
	if (era_of_word(word) != ERA_UNKNOWN)
		session_set_era(b->session, era_of_word(word), false);
}

static void on_line(void *ctx, char *p, size_t n)
{
	struct bridge *b = ctx;

	if (!b->recall.done) {
		b->recall.line = p;
		b->recall.len = n;
		recall_era(b);
		b->recall.line = NULL;
	}
	session_line(b->session, b->in, p, n);
}

static void on_too_long(void *ctx)
{
	struct bridge *b = ctx;

	session_line_too_long(b->session);
}

static void on_input_end(void *ctx, const struct err *e)
{
	struct bridge *b = ctx;

	if (e)
		diag_note("%s", err_text(e));
	b->ending.no_input = true;
	session_end_input(b->session);
	start_drain(b);
	check_end(b);
}

static const struct lines_in_events in_events = { on_line, on_too_long, on_input_end };

static void on_drained(void *ctx)
{
	struct bridge *b = ctx;

	transport_hold(b->transport, false);
	session_output_drained(b->session);
}

static void on_broken(void *ctx, const struct err *e)
{
	struct bridge *b = ctx;

	diag_debug("%s", err_text(e));
	if (e->kind != ERR_CANCELLED)
		b->ending.e = *e;
	leave(b, e->kind == ERR_CANCELLED ? BRIDGE_END_OUTPUT : BRIDGE_END_FAILED);
}

static void on_emptied(void *ctx)
{
	stop_when_written(ctx);
}

static const struct lines_out_events out_events = { on_drained, on_emptied, on_broken };

static void on_idle(void *ctx)
{
	check_end(ctx);
}

static void on_person(void *ctx)
{
	struct bridge *b = ctx;

	check_end(b);
	if (!b->ending.begun)
		session_person(b->session);
}

static void on_input(void *ctx, bool wanted)
{
	struct bridge *b = ctx;

	lines_in_pause(b->in, !wanted);
}

static void on_learned(void *ctx, enum era server)
{
	struct bridge *b = ctx;

	auth_remember(b->auth, era_word(server));
}

/* For the client, which shows it, or for its model: the sign-in itself goes on. */
static bool on_awaits_person(void *ctx, struct err *e)
{
	struct bridge *b = ctx;
	const char *act, *command = auth_awaits_person(b->auth, &act);

	if (!command)
		return false;
	if (act)
		return !err_set(e, ERR_AUTH,
			"a sign-in is needed: %s, then try again (reconnect this server if your "
			"client "
			"does not do that by itself). Or run \"%s\" in a terminal",
			act, command);
	err_set(e, ERR_AUTH,
		"a sign-in is needed, and its page is open: complete it in your browser, then try "
		"again (reconnect this server if your client does not do that by itself). If you "
		"see "
		"no page, run \"%s\" in a terminal",
		command);
	return true;
}

static const struct session_events session_events = { on_idle, on_input, on_learned,
	on_awaits_person };

static void on_signal(void *ctx, enum os_signal signal)
{
	struct bridge *b = ctx;

	if (b->ending.begun)
		stop(b);
	leave_owing(b, signal == OS_INTERRUPT ? BRIDGE_END_INTERRUPT : BRIDGE_END_SIGNAL,
		"the bridge was told to end");
}

static void on_parent_end(void *ctx, int happened)
{
	struct bridge *b = ctx;

	(void)happened;
	loop_watch_set(b->parent, 0);
	leave(b, BRIDGE_END_PARENT);
}

/* A client that dies without closing our input (because another process holds it, too). */
static void watch_parent(struct bridge *b)
{
	b->parent_fd = os_parent_watch();
	if (b->parent_fd >= 0)
		b->parent = loop_watch(b->loop, b->parent_fd, LOOP_READ, on_parent_end, b);
	else if (errno == ESRCH)
		leave(b, BRIDGE_END_PARENT);
	else
		diag_debug("no notice when the parent ends: %s", strerror(errno));
}

/* What their parents left behind is ours where we are the first process, of a container, say. */
static void on_child(void *ctx, enum os_signal signal)
{
	(void)ctx, (void)signal;
	os_take_orphans();
}

static bool watch_signals(struct bridge *b, struct err *e)
{
	static const enum os_signal signals[] = { OS_TERMINATE, OS_INTERRUPT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (!loop_signal(b->loop, signals[i], on_signal, b, e))
			return false;
	if (os_is_first_process() && !loop_signal(b->loop, OS_CHILD_ENDED, on_child, b, e))
		return false;
	return os_signal_is_ignored(OS_HANG_UP) ||
	       loop_signal(b->loop, OS_HANG_UP, on_signal, b, e);
}

/* ---- the whole ---- */

static bool make_fields(const struct bridge_opts *o, struct http_fields **f, struct err *e)
{
	for (size_t i = 0; i < o->nheaders; i++)
		if (!http_fields_add(f, o->headers[i].name, o->headers[i].value, e))
			return false;
	return true;
}

/* The transport, with the keepalive before it when there is one. */
static void open_transport(
	struct bridge *b, struct http *h, struct auth *a, const struct bridge_opts *o)
{
	struct transport_opts topts = {
		.url = o->url, .kind = o->transport, .fields = b->fields, .rate = o->rate
	};

	if (o->ping_interval_ms > 0) {
		b->keepalive = keepalive_new(
			b->loop, o->ping_interval_ms, &session_transport_events, b->session);
		b->transport =
			transport_new(b->loop, h, a, &topts, &keepalive_events, b->keepalive);
		keepalive_start(b->keepalive, b->transport);
	} else {
		b->transport =
			transport_new(b->loop, h, a, &topts, &session_transport_events, b->session);
	}
	session_attach(b->session, b->transport);
}

static void last_words(void *ctx)
{
	struct bridge *b = ctx;

	lines_out_flush(b->out, LAST_FLUSH_MS); /* answers of this round wait for its end */
	session_last_words(b->session, b->in);
	if (b->recall.line)
		session_last_line(b->session, b->recall.line, b->recall.len);
}

static bool open_bridge(struct bridge *b, struct http *h, struct auth *a,
	const struct bridge_opts *o, struct err *e)
{
	if (!make_fields(o, &b->fields, e))
		return false;
	b->out = lines_out_new(b->loop, o->out_fd, &out_events, b, e);
	if (!b->out)
		return false;
	b->session = session_new(b->loop, b->out, &session_events, b);
	mem_set_last_words(last_words, b);
	open_transport(b, h, a, o);
	session_set_translators(b->session, translator_new);
	session_set_policy(b->session, o->policy);
	session_set_era(b->session, o->era, o->era_sure);
	b->recall.done = o->era_sure;
	session_set_call_log(b->session, o->call_log);
	if (o->asks_only)
		session_asks_only(b->session);
	b->in = lines_in_new(b->loop, o->in_fd, MESSAGE_MAX, &in_events, b, e);
	return b->in != NULL;
}

struct bridge *bridge_new(
	struct loop *l, struct http *h, struct auth *a, const struct bridge_opts *o, struct err *e)
{
	struct bridge *b = mem_new(sizeof(*b));

	b->loop = l;
	b->parent_fd = -1;
	b->auth = a;
	b->ending.how = BRIDGE_END_FAILED;
	loop_timer_init(&b->ending.drain, l, drain_over, b);
	loop_task_init(&b->person, l, on_person, b);
	auth_on_person(a, &b->person);
	if (open_bridge(b, h, a, o, e))
		return b;
	bridge_free(b);
	return NULL;
}

bool bridge_over(const struct bridge *b)
{
	return b->ending.over;
}

bool bridge_has_session(const struct bridge *b)
{
	return transport_session(b->transport) != NULL;
}

enum era bridge_era(const struct bridge *b)
{
	return session_era(b->session);
}

void bridge_free(struct bridge *b)
{
	if (!b)
		return;
	mem_set_last_words(NULL, NULL);
	loop_signals_drop(b->loop, b);
	session_free(b->session);
	transport_free(b->transport);
	keepalive_free(b->keepalive);
	auth_on_person(b->auth, NULL);
	loop_task_clear(&b->person);
	loop_timer_clear(&b->ending.drain);
	lines_in_free(b->in);
	lines_out_free(b->out);
	loop_watch_free(b->parent);
	os_parent_end(b->parent_fd);
	http_fields_free(b->fields);
	free(b);
}

enum bridge_end bridge_run(struct bridge *b, struct err *e)
{
	struct err unwatched = { 0 };

	/* Without descriptors for them, signals end the process as they end any other; the client is told
	 * by the answer to its first request. */
	if (!watch_signals(b, &unwatched))
		diag_note("%s", err_text(&unwatched));
	watch_parent(b);
	if (!loop_run(b->loop, e)) {
		session_fail_all(b->session, e);
		lines_out_flush(b->out, LAST_FLUSH_MS);
		return BRIDGE_END_FAILED;
	}
	/* How it ends is settled: a client that says it twice does not get another status. */
	loop_ignore_signals(b->loop);
	if (b->ending.how == BRIDGE_END_FAILED)
		*e = b->ending.e;
	else if (b->ending.how != BRIDGE_END_OUTPUT)
		lines_out_flush(b->out, FLUSH_MS);
	return b->ending.how;
}

/* ---- a bridge that cannot start ---- */

struct refusal {
	struct loop *loop;
	struct lines_out *out;
	const struct err *why;
	struct loop_task
		stop; /* at the end of the round: what came together is answered together */
};

static void refuse_line(void *ctx, char *p, size_t n)
{
	struct refusal *r = ctx;
	struct message m;
	struct buf b;

	if (message_scan(p, n, &m, NULL) != MESSAGE_OK || m.kind != MESSAGE_REQUEST)
		return;
	buf_init(&b, MESSAGE_MAX);
	if (!error_reply(&b, m.id, r->why, NULL) || !lines_out_add(r->out, b.p, b.len))
		diag_error("out of memory");
	buf_free(&b);
	loop_task_queue(&r->stop);
}

static void refuse_too_long(void *ctx)
{
	(void)ctx;
}

static void refuse_end(void *ctx, const struct err *e)
{
	struct refusal *r = ctx;

	(void)e;
	loop_stop(r->loop);
}

static void refuse_stop(void *ctx)
{
	struct refusal *r = ctx;

	loop_stop(r->loop);
}

static void refuse_signal(void *ctx, enum os_signal signal)
{
	(void)signal;
	refuse_stop(ctx);
}

static void refuse_drained(void *ctx)
{
	(void)ctx;
}

static void refuse_broken(void *ctx, const struct err *e)
{
	(void)e;
	refuse_stop(ctx);
}

void bridge_refuse(int in_fd, int out_fd, const struct err *why)
{
	static const struct lines_in_events in = { refuse_line, refuse_too_long, refuse_end };
	static const struct lines_out_events out = { refuse_drained, refuse_drained,
		refuse_broken };
	struct refusal r = { .why = why };
	struct lines_in *w = NULL;
	struct err e = { 0 };

	r.loop = loop_new(&e);
	if (!r.loop)
		goto fail;
	loop_task_init(&r.stop, r.loop, refuse_stop, &r);
	r.out = lines_out_new(r.loop, out_fd, &out, &r, &e);
	w = r.out ? lines_in_new(r.loop, in_fd, MESSAGE_MAX, &in, &r, &e) : NULL;
	/* Without descriptors for them, signals end the process as they end any other. */
	if (w && !(loop_signal(r.loop, OS_TERMINATE, refuse_signal, &r, &e) &&
			 loop_signal(r.loop, OS_INTERRUPT, refuse_signal, &r, &e)))
		diag_debug("%s", err_text(&e));
	if (!w || !loop_run(r.loop, &e))
		goto fail;
	loop_ignore_signals(r.loop);
	lines_out_flush(r.out, FLUSH_MS);
	goto out;
fail:
	diag_debug("%s", err_text(&e));
out:
	lines_in_free(w);
	lines_out_free(r.out);
	loop_free(r.loop);
}
