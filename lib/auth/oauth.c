#include "auth/oauth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/browser.h"
#include "auth/challenge.h"
#include "auth/flow.h"
#include "auth/refresh.h"
#include "auth/server.h"
#include "auth/signin.h"
#include "auth/store.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* A token is renewed this long before its end, or a tenth of its life when that is shorter. */
#define EARLY_S 60

/* Between two looks at a lock that another process holds, and at the store during a sign-in. */
#define LOCK_MS 50
#define LOCK_PATIENCE_MS 30000
#define WATCH_MS 200

/* Pauses between tries of a refresh that failed for no fault of the token. */
static const int64_t retry_ms[] = { 1000, 3000 };
#define RETRIES (sizeof(retry_ms) / sizeof(retry_ms[0]))
/* The server may make us wait so long by Retry-After, as with any request. */
#define RETRY_AFTER_MAX_S 30
/* A token that still serves is not refreshed again for this long after a failure. */
#define REFRESH_REST_S 30

/* After a sign-in that came to nothing, no page is opened by itself for this long. */
#define DECLINED_MS ((int64_t)10 * 60 * 1000)

/* A token from a sign-in this young that is refused: another page would bring no better one. */
#define FRESH_MS ((int64_t)5 * 60 * 1000)

/* Step-ups for one request (MCP authorization, Scope Challenge Handling). */
#define STEP_UPS_MAX 2

/* How long a word about the server is believed: its operator may change it any day. */
#define WORD_S ((int64_t)24 * 60 * 60)

enum state { STATE_IDLE, STATE_REFRESH, STATE_SIGNIN };

struct oauth {
	struct auth auth;
	struct loop *loop;
	struct http *http;
	const struct http_opts *http_opts;
	const struct oauth_opts *o;
	char *params;
	struct store *store;
	struct grant g;
	uint64_t stamp;      /* of the file that g came from; 0: none, or look again */
	struct secret field; /* "Bearer ..." of g.access */
	unsigned long gen;
	bool loaded, rejected; /* rejected: the service refused g.access */
	bool unsaved;          /* the file does not hold what is at hand: it could not be written */
	struct err unreadable; /* the file is there, and not ours to read or replace */
	enum state state;
	struct loop_timer timer;
	struct worker *worker; /* refreshes or signs in; NULL when another process does */
	struct report report;  /* its last word */
	struct flow *flow;     /* client credentials: here, for nobody has to be asked */
	int64_t began_ms, began_s, rest_until_s, declined_ms;
	int64_t signed_in_ms; /* when a sign-in that we waited for succeeded; 0: never */
	unsigned tries;
	bool url_shown;
	bool joined;                     /* the sign-in under way was started by another process */
	char *resource_metadata, *scope; /* of the challenge */
	bool step_up;                    /* scope is more than what is held */
	char *stepped_up;                /* what step-ups of this run have asked for */
	char *command;                   /* for who cannot wait */
	struct err declined;
};

static void try_refresh(struct oauth *a);
static void watch_signin(struct oauth *a);
static bool start_signin(struct oauth *a, struct err *e);

/* ---- the token at hand ---- */

static void set_field(struct oauth *a)
{
	char *text = secret_isset(&a->g.access) ? mem_printf("Bearer %s", secret_str(&a->g.access))
						: NULL;

	secret_clear(&a->field);
	if (text) {
		secret_set(&a->field, text, strlen(text));
		secret_wipe(text, strlen(text));
	}
	free(text);
	a->gen++;
	a->rejected = false;
}

static bool same_access(const struct oauth *a, const struct grant *g)
{
	return secret_isset(&a->g.access) == secret_isset(&g->access) &&
	       secret_equal(secret_str(&a->g.access), a->g.access.len, secret_str(&g->access),
		       g->access.len);
}

/* Takes g over. True when that brings another token than the one at hand. */
static bool adopt(struct oauth *a, struct grant *g)
{
	bool same = same_access(a, g);

	grant_clear(&a->g);
	a->g = *g;
	*g = (struct grant){ 0 };
	if (!same)
		set_field(a);
	return !same && secret_isset(&a->g.access);
}

/* Takes what the file holds now. True when that is another token than the one at hand. Where the file is
 * gone, the token in memory still serves. */
static bool reload(struct oauth *a)
{
	uint64_t stamp = store_stamp(a->store);
	struct grant g;
	struct err e = { 0 };

	if (a->loaded && stamp == a->stamp)
		return false;
	a->loaded = true;
	a->stamp = stamp;
	a->unreadable = e;
	switch (store_load(a->store, &g, &e)) {
	case STORE_OK:
		a->unsaved = false;
		return adopt(a, &g);
	case STORE_NONE:
		break;
	case STORE_FAILED:
		a->unreadable = e;
		diag_note("%s", e.msg);
		break;
	case STORE_BROKEN:
		diag_note("%s", e.msg);
		break;
	}
	return false;
}

/* What a worker brought: from the pipe, since there may be no file. */
static void take_report(struct oauth *a)
{
	adopt(a, &a->report.g);
	a->stamp = 0;
	a->unsaved = !a->report.kept;
	if (a->unsaved)
		diag_note("the sign-in serves this run, but cannot be kept: %s", a->report.e.msg);
}

static int64_t early_s(const struct grant *g)
{
	int64_t tenth = (g->expires_s - g->obtained_s) / 10;

	return tenth < EARLY_S ? tenth : EARLY_S;
}

static bool expired(const struct oauth *a, int64_t early)
{
	return a->g.expires_s && clock_wall_s() >= a->g.expires_s - early;
}

static bool usable(const struct oauth *a)
{
	return secret_isset(&a->g.access) && !a->rejected && !expired(a, 0);
}

static void stop_worker(struct oauth *a)
{
	worker_leave(a->worker);
	a->worker = NULL;
	report_clear(&a->report);
}

static void settle(struct oauth *a, enum auth_state state, const struct err *e)
{
	struct err why = { 0 };

	if (e)
		why = *e;
	a->state = STATE_IDLE;
	loop_timer_clear(&a->timer);
	stop_worker(a);
	auth_wake(&a->auth, state, e ? &why : NULL);
}

/* ---- what workers say ---- */

static void show_url(struct oauth *a, const char *url, const char *code)
{
	if (a->url_shown)
		return;
	a->url_shown = true;
	if (code)
		diag_note("sign in at %s and type the code %s", url, code);
	else
		diag_note("sign in at %s", url);
}

static void worker_line(void *ctx, char *text, size_t n)
{
	struct oauth *a = ctx;
	struct report r;

	if (report_read(text, n, &r) && r.over) {
		report_clear(&a->report);
		a->report = r;
		return;
	}
	if (r.url)
		show_url(a, r.url, r.code);
	report_clear(&r);
}

/* Whatever came of it: it was asked for. */
static void note_step_up(struct oauth *a, const char *scope)
{
	char *all = server_scope_union(a->stepped_up, scope);

	free(a->stepped_up);
	a->stepped_up = all;
}

/* ---- client credentials ---- */

static void client_url(void *ctx, const char *url, const char *code)
{
	(void)ctx, (void)url, (void)code;
}

static void client_done(void *ctx, const struct grant *g, const struct err *e)
{
	struct oauth *a = ctx;
	struct err why = { 0 };
	bool serves = usable(a);

	if (g) {
		secret_set(&a->g.access, secret_str(&g->access), g->access.len);
		a->g.expires_s = g->expires_s;
		a->g.obtained_s = g->obtained_s;
		if (a->step_up)
			note_step_up(a, a->scope);
		a->signed_in_ms = clock_ms();
		set_field(a);
	} else {
		why = *e;
		a->rest_until_s = clock_wall_s() + REFRESH_REST_S;
	}
	flow_free(a->flow);
	a->flow = NULL;
	if (g || serves)
		settle(a, AUTH_READY, NULL);
	else
		settle(a, AUTH_FAILED, &why);
}

static bool start_client(struct oauth *a, struct err *e)
{
	static const struct flow_events events = { client_url, client_done };
	struct flow_start s = { .opts = a->o,
		.resource_metadata = a->resource_metadata,
		.scope = a->scope,
		.step_up = a->step_up };

	a->flow = flow_new(a->loop, a->http, &s, &events, a, e);
	a->state = a->flow ? STATE_SIGNIN : STATE_IDLE;
	return a->flow != NULL;
}

/* ---- signing in ---- */

static bool no_person(const struct oauth *a, struct err *e)
{
	char *command = oauth_command(a->o, a->step_up ? "--force" : NULL);

	if (a->step_up)
		err_set(e, ERR_AUTH,
			"this needs a scope that the sign-in lacks (%.200s), and no browser can be "
			"opened from here: run \"%s\" in a terminal, then try again",
			a->scope, command);
	else
		err_set(e, ERR_AUTH,
			"a sign-in is needed, and no browser can be opened from here: run \"%s\" "
			"in a terminal, then try again; or use a service account",
			command);
	free(command);
	return false;
}

/* A device code is read in a log, too. */
static bool can_ask(const struct oauth *a)
{
	return !a->o->no_browser && (a->o->device_code || browser_possible());
}

static void signin_failed(struct oauth *a, const struct err *e)
{
	struct err why = *e;

	if (!strstr(why.msg, "mpmcp login")) {
		char *command = oauth_command(a->o, NULL);

		err_set(&why, e->kind, "%s. To try again, run \"%s\"", e->msg, command);
		free(command);
	}
	/* What failed before anybody was asked may be over with the next request. */
	if (a->url_shown || e->kind == ERR_AUTH || e->kind == ERR_RATE) {
		a->declined = why;
		a->declined_ms = clock_ms();
	}
	settle(a, AUTH_FAILED, &why);
}

static void signed_in(struct oauth *a)
{
	if (a->step_up)
		note_step_up(a, a->scope);
	a->signed_in_ms = clock_ms();
	settle(a, AUTH_READY, NULL);
}

static void not_completed(const struct oauth *a, struct err *e)
{
	char *command = oauth_command(a->o, NULL);

	err_set(e, ERR_AUTH, "the sign-in was not completed. Run \"%s\"", command);
	free(command);
}

/* The process that we started is gone. */
static void signin_ended(void *ctx)
{
	struct oauth *a = ctx;
	struct err e = { 0 };

	a->worker = NULL;
	if (a->report.has_grant) {
		take_report(a);
		signed_in(a);
		return;
	}
	if (reload(a)) {
		signed_in(a);
		return;
	}
	if (a->report.e.kind)
		e = a->report.e;
	else
		not_completed(a, &e);
	signin_failed(a, &e);
}

static bool spawn(struct oauth *a, int lock, struct err *e)
{
	static const struct worker_events events = { worker_line, signin_ended };
	struct signin s = { .opts = a->o,
		.http = a->http_opts,
		.store = a->store,
		.known = a->g.url ? &a->g : NULL,
		.resource_metadata = a->resource_metadata,
		.scope = a->scope,
		.step_up = a->step_up };
	struct store_note n = { .at_s = clock_wall_s() };
	struct err why = { 0 };

	if (!store_note_write(a->store, &n, &why))
		diag_debug("%s", why.msg);
	a->worker = signin_start(a->loop, &s, lock, &events, a, e);
	/* Only closed: unlocking would take it from the new process, too. */
	if (lock >= 0)
		close(lock);
	return a->worker != NULL;
}

/* Joins the sign-in under way, or starts it. Where there is no place for a lock, everybody signs in for
 * himself. */
static bool start_signin(struct oauth *a, struct err *e)
{
	bool busy = false;
	struct err why = { 0 };
	int lock;

	if (a->o->client_credentials)
		return start_client(a, e);
	if (a->unreadable.kind) {
		*e = a->unreadable;
		return err_prefix(e, "a sign-in is needed, but its place cannot be used");
	}
	if (a->declined.kind && clock_ms() - a->declined_ms < DECLINED_MS) {
		*e = a->declined;
		return false;
	}
	lock = store_lock_signin(a->store, &busy, &why);
	if (!busy && !can_ask(a)) {
		store_unlock(lock);
		return no_person(a, e);
	}
	if (lock < 0 && !busy)
		diag_debug("signing in without a lock: %s", why.msg);
	a->began_ms = clock_ms();
	a->began_s = clock_wall_s();
	a->url_shown = false;
	if (!busy && !spawn(a, lock, e))
		return false;
	a->joined = busy;
	a->state = STATE_SIGNIN;
	loop_timer_set(&a->timer, WATCH_MS);
	if (a->auth.person)
		loop_task_queue(a->auth.person);
	return true;
}

static void show_url_of_note(struct oauth *a)
{
	struct store_note n;

	if (a->url_shown || !store_note_read(a->store, &n))
		return;
	if (n.url)
		show_url(a, n.url, n.code);
	store_note_clear(&n);
}

/* How the sign-in that just ended failed; false when it left no word about that. */
static bool read_failure(const struct oauth *a, struct err *e)
{
	struct store_note n;
	bool failed = false;

	if (!store_note_read(a->store, &n))
		return false;
	if (n.kind != ERR_NONE && n.message && n.at_s >= a->began_s) {
		err_set(e, n.kind, "%s", n.message);
		failed = true;
	}
	store_note_clear(&n);
	return failed;
}

/* Nobody holds the lock any more: how did it end? */
static void joined_is_over(struct oauth *a)
{
	struct err e = { 0 };

	if (reload(a)) {
		signed_in(a);
		return;
	}
	if (!read_failure(a, &e)) {
		/* One that was joined when it was as good as over says nothing about us. */
		if (start_signin(a, &e))
			return;
		if (!e.kind)
			not_completed(a, &e);
	}
	signin_failed(a, &e);
}

/* The lock is free. */
static bool is_over(const struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };

	store_unlock(store_lock_signin(a->store, &busy, &e));
	return !busy;
}

static void watch_signin(struct oauth *a)
{
	struct err e = { 0 };

	if (reload(a)) {
		signed_in(a);
		return;
	}
	if (a->joined)
		show_url_of_note(a);
	if (a->joined && is_over(a)) {
		joined_is_over(a);
	} else if (clock_ms() - a->began_ms > (a->o->timeout_s + 5) * 1000) {
		not_completed(a, &e);
		signin_failed(a, &e);
	} else {
		loop_timer_set(&a->timer, WATCH_MS);
	}
}

/* ---- refreshing ---- */

/* The refresh token is worth nothing: the person has to sign in, once the access token has ended. */
static void refresh_refused(struct oauth *a)
{
	struct err e = { 0 };

	take_report(a);
	stop_worker(a);
	if (usable(a))
		settle(a, AUTH_READY, NULL);
	else if (!start_signin(a, &e))
		settle(a, AUTH_FAILED, &e);
}

/* The tokens held are still worth something. */
static void refresh_failed(struct oauth *a, const struct err *e, bool again, long wait_s)
{
	struct err why = *e;
	int64_t pause = a->tries < RETRIES ? retry_ms[a->tries] : 0;
	char *command;

	a->rest_until_s = clock_wall_s() + REFRESH_REST_S;
	stop_worker(a);
	if (usable(a)) {
		diag_debug("the token serves on: %s", why.msg);
		settle(a, AUTH_READY, NULL);
	} else if (again && a->tries < RETRIES && wait_s <= RETRY_AFTER_MAX_S) {
		a->tries++;
		a->began_ms = clock_ms() + pause;
		loop_timer_set(&a->timer, wait_s * 1000 > pause ? wait_s * 1000 : pause);
	} else {
		command = oauth_command(a->o, "--force");
		err_set(&why, why.kind,
			"the sign-in could not be refreshed (it is kept): %s. If that stays so, "
			"run \"%s\"",
			e->msg, command);
		free(command);
		settle(a, AUTH_FAILED, &why);
	}
}

static void refresh_ended(void *ctx)
{
	struct oauth *a = ctx;
	struct err e = a->report.e;

	a->worker = NULL;
	if (!a->report.over) {
		err_set(&e, ERR_IO, "the process that refreshes it ended before its time");
		refresh_failed(a, &e, true, 0);
		return;
	}
	switch (a->report.how) {
	case TOKEN_OK:
		take_report(a);
		settle(a, AUTH_READY, NULL);
		break;
	case TOKEN_INVALID_GRANT:
	case TOKEN_INVALID_CLIENT:
		if (secret_isset(&a->report.g.refresh))
			refresh_failed(a, &e, false, 0);
		else
			refresh_refused(a);
		break;
	case TOKEN_PENDING:
	case TOKEN_SLOW_DOWN:
	case TOKEN_REFUSED:
		refresh_failed(a, &e, false, 0);
		break;
	case TOKEN_TRANSIENT:
		refresh_failed(a, &e, true, a->report.retry_after_s);
		break;
	}
}

static void signed_out(struct oauth *a)
{
	struct grant none = { 0 };
	struct err e = { 0 };

	adopt(a, &none);
	if (!start_signin(a, &e))
		settle(a, AUTH_FAILED, &e);
}

/* With the lock held, or with no lock to be had. */
static void refresh_now(struct oauth *a, int lock)
{
	static const struct worker_events events = { worker_line, refresh_ended };
	struct refresh r = { .opts = a->o, .http = a->http_opts, .store = a->store };
	struct err e = { 0 };

	if (reload(a) && usable(a) && !expired(a, early_s(&a->g))) {
		store_unlock(lock);
		settle(a, AUTH_READY, NULL);
		return;
	}
	if ((!a->stamp && !a->unsaved) || !secret_isset(&a->g.refresh)) {
		store_unlock(lock);
		signed_out(a);
		return;
	}
	r.g = &a->g;
	r.refused = a->rejected;
	a->worker = refresh_start(a->loop, &r, lock, &events, a, &e);
	/* Only closed: unlocking would take it from the new process, too. */
	if (lock >= 0)
		close(lock);
	if (!a->worker)
		refresh_failed(a, &e, true, 0);
}

static void try_refresh(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };
	int lock = store_lock(a->store, &busy, &e);

	if (!busy) {
		if (lock < 0)
			diag_debug("refreshing without a lock: %s", e.msg);
		refresh_now(a, lock);
	} else if (reload(a) && usable(a)) {
		settle(a, AUTH_READY, NULL);
	} else if (clock_ms() - a->began_ms < LOCK_PATIENCE_MS) {
		loop_timer_set(&a->timer, LOCK_MS);
	} else {
		/* Never without the lock: a refresh token that is used twice ends the sign-in. */
		err_set(&e, ERR_SERVER, "another process is at it, and gets no answer");
		refresh_failed(a, &e, false, 0);
	}
}

static void start_refresh(struct oauth *a)
{
	a->state = STATE_REFRESH;
	a->tries = 0;
	a->began_ms = clock_ms();
	/* Not from inside auth_value(): whoever asked is not on the list of waiters yet. */
	loop_timer_set(&a->timer, 0);
}

static void timer_due(void *ctx)
{
	struct oauth *a = ctx;

	if (a->state == STATE_REFRESH)
		try_refresh(a);
	else if (a->state == STATE_SIGNIN)
		watch_signin(a);
}

/* ---- the source ---- */

static enum auth_state ready(struct oauth *a, struct auth_value *v)
{
	*v = (struct auth_value){ .field = secret_isset(&a->field) ? secret_str(&a->field) : NULL,
		.gen = a->gen };
	return AUTH_READY;
}

static enum auth_state wait_for(struct oauth *a, struct auth_waiter *w, struct err *e)
{
	if (!w) {
		err_set(e, ERR_AUTH, "no token is at hand");
		return AUTH_FAILED;
	}
	auth_wait(&a->auth, w);
	return AUTH_WAIT;
}

/* Before the token ends, and beside the requests that it still serves. */
static void renew_early(struct oauth *a)
{
	struct err e = { 0 };

	if (a->state != STATE_IDLE || !expired(a, early_s(&a->g)) ||
		clock_wall_s() < a->rest_until_s)
		return;
	if (secret_isset(&a->g.refresh))
		start_refresh(a);
	else if (a->o->client_credentials && !start_client(a, &e))
		diag_debug("%s", e.msg);
}

static enum auth_state oauth_value(
	struct auth *base, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	struct oauth *a = (struct oauth *)base;

	if (!a->loaded)
		reload(a);
	if (usable(a)) {
		if (w)
			renew_early(a);
		return ready(a, v);
	}
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	if (secret_isset(&a->g.refresh)) {
		if (w)
			start_refresh(a);
		return wait_for(a, w, e);
	}
	if (a->o->client_credentials && w)
		return start_client(a, e) ? wait_for(a, w, e) : AUTH_FAILED;
	/* No token, or one that has ended without a successor: the service says where to sign in. */
	return ready(a, v);
}

static void keep_challenge(
	struct oauth *a, const struct challenge *c, const char *scope, bool step_up)
{
	free(a->resource_metadata);
	free(a->scope);
	a->resource_metadata = c->resource_metadata ? mem_dup(c->resource_metadata) : NULL;
	a->scope = scope ? mem_dup(scope) : NULL;
	a->step_up = step_up;
}

static enum auth_state sign_in(struct oauth *a, struct auth_waiter *w, struct err *e)
{
	if (a->state == STATE_IDLE && !start_signin(a, e))
		return AUTH_FAILED;
	return wait_for(a, w, e);
}

/* ---- 403 ---- */

/* For a change of what the file holds now: another process may have refreshed the token meanwhile. -1 when
 * that cannot be, or there is no file. */
static int lock_file(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };
	int lock = store_lock(a->store, &busy, &e);

	if (lock < 0)
		return -1;
	reload(a);
	if (a->stamp)
		return lock;
	store_unlock(lock);
	return -1;
}

static void write_file(struct oauth *a, int lock)
{
	struct err e = { 0 };

	if (!store_save(a->store, &a->g, &e))
		diag_debug("%s", e.msg);
	a->stamp = store_stamp(a->store);
	store_unlock(lock);
}

/* So that a person who signs in by hand is asked for it, too. */
static void remember_wanted(struct oauth *a, const char *scope)
{
	char *missing = server_scope_missing(scope, a->g.scope_wanted), *all;
	int lock = missing ? lock_file(a) : -1;

	if (lock >= 0) {
		all = server_scope_union(a->g.scope_wanted, scope);
		free(a->g.scope_wanted);
		a->g.scope_wanted = all;
		write_file(a, lock);
	}
	free(missing);
}

static bool refuse(struct err *e, const struct auth_refusal *r, const char *more)
{
	return err_set(e, ERR_FORBIDDEN, "the service refuses this (HTTP 403)%s%s%s%s",
		*r->words ? ": " : "", r->words, *more ? ". " : "", more);
}

/* What a step-up would ask for beyond what is held; malloc'ed. NULL with e set when it would be in vain:
 * the service does not say what is missing, or we have it, or were not given it when we asked. */
static char *scope_to_gain(const struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct err *e)
{
	const char *held = a->g.scope_granted ? a->g.scope_granted : a->g.scope_asked;
	char *missing = server_scope_missing(c->scope ? c->scope : a->g.scopes_offered, held);
	char *rest = missing ? server_scope_missing(missing, a->stepped_up) : NULL;
	char *command = oauth_command(a->o, "--force");
	char *advice = NULL;

	if (r->tries >= STEP_UPS_MAX)
		advice = mem_printf("Run \"%s\"", command);
	else if (!missing && c->scope)
		advice =
			mem_printf("It wants the scope %.200s, which the sign-in has; ask an admin "
				   "what else this account needs",
				c->scope);
	else if (!missing)
		advice = mem_dup("A scope is missing, but it does not say which");
	else if (!rest)
		advice = mem_printf("The sign-in was not given the scope %.200s; ask an admin for "
				    "it, then run \"%s\"",
			missing, command);
	if (advice) {
		refuse(e, r, advice);
		free(missing);
		missing = NULL;
	}
	free(rest);
	free(command);
	free(advice);
	return missing;
}

static enum auth_state forbidden(struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct auth_waiter *w, struct err *e)
{
	enum auth_state state = AUTH_FAILED;
	char *scope;

	if (!c->error || strcmp(c->error, "insufficient_scope") != 0) {
		refuse(e, r, "");
		return AUTH_FAILED;
	}
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	scope = scope_to_gain(a, r, c, e);
	if (scope) {
		keep_challenge(a, c, scope, true);
		remember_wanted(a, scope);
		state = sign_in(a, w, e);
	}
	free(scope);
	return state;
}

/* ---- 401 ---- */

/* A token that is refused though it is new and has not ended: another page would bring no better one. */
static bool is_fresh(const struct oauth *a)
{
	return a->signed_in_ms && clock_ms() - a->signed_in_ms < FRESH_MS && !expired(a, 0);
}

static enum auth_state unauthorized(struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct auth_waiter *w, struct err *e)
{
	char *command;

	a->rejected = true;
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	keep_challenge(a, c, c->scope, false);
	/* Refresh once; a token that is refused right after that needs a person. A client that has no person
	 * asks once, too. */
	if (secret_isset(&a->g.refresh) && r->tries == 0) {
		start_refresh(a);
		return wait_for(a, w, e);
	}
	if (a->o->client_credentials ? r->tries == 0 : r->tries <= 2 && !is_fresh(a))
		return sign_in(a, w, e);
	command = oauth_command(a->o, "--force");
	err_set(e, ERR_AUTH,
		"the service refuses a fresh sign-in (HTTP 401)%s%s. Check the region and the "
		"account, then run \"%s\"",
		*r->words ? ": " : "", r->words, command);
	free(command);
	return AUTH_FAILED;
}

static enum auth_state oauth_challenged(
	struct auth *base, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	struct oauth *a = (struct oauth *)base;
	struct challenge c;
	enum auth_state state;

	if (r->gen != a->gen || reload(a))
		return AUTH_READY;
	challenge_parse(r->challenges, r->nchallenges, &c);
	state = r->status == 403 ? forbidden(a, r, &c, w, e) : unauthorized(a, r, &c, w, e);
	challenge_clear(&c);
	return state;
}

static const char *oauth_awaits_person(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;

	if (a->state != STATE_SIGNIN || a->flow)
		return NULL;
	if (!a->command)
		a->command = oauth_command(a->o, a->step_up ? "--force" : NULL);
	return a->command;
}

static const char *oauth_recall(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;
	int64_t age;

	if (!a->loaded)
		reload(a);
	age = clock_wall_s() - a->g.word_s;
	return a->g.word && age >= 0 && age < WORD_S ? a->g.word : NULL;
}

static void oauth_remember(struct auth *base, const char *word)
{
	struct oauth *a = (struct oauth *)base;
	const char *known = oauth_recall(base);
	int lock;

	if (known && strcmp(known, word) == 0)
		return;
	lock = lock_file(a);
	if (lock < 0)
		return;
	free(a->g.word);
	a->g.word = mem_dup(word);
	a->g.word_s = clock_wall_s();
	write_file(a, lock);
}

static void oauth_free(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;

	loop_timer_clear(&a->timer);
	stop_worker(a);
	flow_free(a->flow);
	grant_clear(&a->g);
	secret_clear(&a->field);
	store_free(a->store);
	free(a->params);
	free(a->resource_metadata);
	free(a->scope);
	free(a->stepped_up);
	free(a->command);
	free(a);
}

static const struct auth_source source = { .awaits_person = oauth_awaits_person,
	.recall = oauth_recall,
	.remember = oauth_remember,
	.value = oauth_value,
	.challenged = oauth_challenged,
	.free = oauth_free };

struct auth *auth_new_oauth(struct loop *l, struct http *h, const struct http_opts *ho,
	const struct oauth_opts *o, struct err *e)
{
	struct oauth *a = mem_new(sizeof(*a));
	struct store_key key;

	a->auth.source = &source;
	a->loop = l;
	a->http = h;
	a->http_opts = ho;
	a->o = o;
	a->gen = 1;
	loop_timer_init(&a->timer, l, timer_due, a);
	key = oauth_key(o, &a->params);
	a->store = store_new(o->auth_dir, &key, e);
	if (a->store)
		return &a->auth;
	oauth_free(&a->auth);
	return NULL;
}
