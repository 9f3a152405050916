/* Getting a token where there is none: from a person, by the sign-in process of this machine, or as a client. */
#include "auth/oauth_impl.h"

#include <stdlib.h>
#include <string.h>

#include "auth/browser.h"
#include "auth/scope.h"
#include "auth/service_account.h"
#include "auth/signin_worker.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* Between two looks at the store during a sign-in. */
#define WATCH_MS 200

/* After a sign-in that came to nothing, no page is opened by itself for this long. */
#define DECLINED_MS ((int64_t)10 * 60 * 1000)
/* After one that failed before anybody was asked: it may be over soon, and a burst of requests is to cost one
 * attempt. A server that counts them gets a longer rest. */
#define FAILED_MS 1000
#define LIMITED_MS 30000

/* ---- either way ---- */

/* Whatever comes of a step-up: it was asked for. */
static void signin_succeeded(struct oauth *a)
{
	struct oauth_challenge *c = &a->challenge;
	char *all = c->step_up ? scope_union(c->stepped_up, c->scope) : NULL;

	if (all) {
		free(c->stepped_up);
		c->stepped_up = all;
	}
	a->signin.succeeded_ms = clock_ms();
}

/* ---- client credentials ---- */

static void client_url(void *ctx, const char *url, const char *code)
{
	(void)ctx, (void)url, (void)code;
}

static void client_done(void *ctx, const struct signin_record *g, const struct err *e)
{
	struct oauth *a = ctx;
	struct err why = { 0 };
	bool serves = oauth_token_usable(&a->token);

	if (g) {
		oauth_token_take_client(&a->token, g);
		signin_succeeded(a);
	} else {
		why = *e;
		a->refresh.rest_until_s = clock_wall_s() + OAUTH_REST_S;
		/* The request goes without a credential, for the challenge in its refusal. */
		a->challenge.ask_service = !a->challenge.seen && e->kind == ERR_NOT_FOUND;
	}
	flow_free(a->signin.flow);
	a->signin.flow = NULL;
	if (g || serves || a->challenge.ask_service)
		oauth_settle(a, AUTH_READY, NULL);
	else
		oauth_settle(a, AUTH_FAILED, &why);
}

bool oauth_signin_client(struct oauth *a, struct err *e)
{
	static const struct flow_events events = { .url = client_url, .done = client_done };
	/* Where it was used before: the secret goes nowhere else. */
	struct signin_record known = { .issuer = a->token.g.issuer,
		.client_id = a->token.g.client_id };
	struct flow_start s = { .opts = a->o,
		.known = &known,
		.resource_metadata = a->challenge.resource_metadata,
		.scope = a->challenge.scope,
		.step_up = a->challenge.step_up,
		.no_guess = !a->challenge.seen };

	a->signin.flow = flow_new(a->loop, a->http, &s, &events, a, e);
	a->state = a->signin.flow ? STATE_SIGNIN : STATE_IDLE;
	return a->signin.flow != NULL;
}

/* ---- with a person ---- */

/* Without --force, login is content with a refresh token that is kept. */
char *oauth_signin_command(const struct oauth *a)
{
	return oauth_command(
		a->o, a->challenge.step_up || a->token.refresh_refused ? "--force" : NULL);
}

static bool no_person(const struct oauth *a, struct err *e)
{
	char *command = oauth_signin_command(a);

	if (a->challenge.step_up)
		err_set(e, ERR_AUTH,
			"this needs a scope that the sign-in lacks (%.200s), and no browser can be "
			"opened from here",
			a->challenge.scope);
	else
		err_set(e, ERR_AUTH, "a sign-in is needed, and no browser can be opened from here");
	if (!a->challenge.step_up && service_account_empty())
		err_advise(e, REASON_SIGN_IN, "%s", service_account_empty());
	else
		err_advise(e, a->challenge.step_up ? REASON_SCOPE_MISSING : REASON_SIGN_IN,
			"Run \"%s\" in a terminal, then try again%s.", command,
			a->challenge.step_up
				? ""
				: "; or use a service account: \"env\": { \"MIXPANEL_SA_TOKEN\": "
				  "\"...\" } in the client's entry");
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

	if (why.reason != REASON_SIGN_IN) {
		char *command = oauth_signin_command(a);

		err_advise(&why, e->kind == ERR_AUTH ? REASON_SIGN_IN : e->reason,
			"%s%sTo try again, run \"%s\".", e->advice, *e->advice ? " " : "", command);
		free(command);
	}
	/* What failed before anybody was asked may be over with the next request. */
	if (a->signin.url_shown || e->kind == ERR_AUTH || e->kind == ERR_RATE) {
		a->signin.declined = why;
		a->signin.declined_until_ms =
			clock_ms() + (a->signin.url_shown          ? DECLINED_MS
					     : e->kind == ERR_RATE ? LIMITED_MS
								   : FAILED_MS);
	}
	oauth_settle(a, AUTH_FAILED, &why);
}

static void signed_in(struct oauth *a)
{
	signin_succeeded(a);
	oauth_settle(a, AUTH_READY, NULL);
}

static void not_completed(const struct oauth *a, struct err *e)
{
	char *command = oauth_signin_command(a);

	err_set(e, ERR_AUTH, "the sign-in was not completed");
	err_advise(e, REASON_SIGN_IN, "Run \"%s\".", command);
	free(command);
}

/* The process that we started is gone. */
static void signin_ended(void *ctx)
{
	struct oauth *a = ctx;
	struct err e = { 0 };

	a->worker = NULL;
	if (a->report.again) { /* another process was first: its sign-in is ours */
		worker_report_clear(&a->report);
		a->signin.joined = true;
		return;
	}
	if (a->report.has_record) {
		oauth_token_report(&a->token, &a->report);
		signed_in(a);
		return;
	}
	if (oauth_token_reload(&a->token)) {
		signed_in(a);
		return;
	}
	if (a->report.e.kind)
		e = a->report.e;
	else
		not_completed(a, &e);
	signin_failed(a, &e);
}

static bool spawn(struct oauth *a, struct err *e)
{
	static const struct worker_events events = { oauth_worker_line, signin_ended };
	struct signin_worker s = { .opts = a->o,
		.http = a->http_opts,
		.known = a->token.g.url ? &a->token.g : NULL,
		.resource_metadata = a->challenge.resource_metadata,
		.scope = a->challenge.scope,
		.step_up = a->challenge.step_up };

	a->worker = signin_worker_start(a->loop, &s, &events, a, e);
	return a->worker != NULL;
}

/* Joins the sign-in under way, or starts it. Where there is no place for a lock, everybody signs in for
 * himself. */
bool oauth_signin_start(struct oauth *a, struct err *e)
{
	bool busy = false;
	struct err why = { 0 };
	int lock;

	if (a->o->client_credentials)
		return oauth_signin_client(a, e);
	if (a->token.unreadable.kind) {
		*e = a->token.unreadable;
		return err_prefix(e, "a sign-in is needed, but the token folder cannot be used");
	}
	if (a->signin.declined.kind && clock_ms() < a->signin.declined_until_ms) {
		*e = a->signin.declined;
		return false;
	}
	/* Only a look: the process that signs in takes it. */
	lock = store_lock_signin(a->token.store, &busy, &why);
	store_unlock(lock);
	if (!busy && !can_ask(a)) {
		if (!a->token.closed.kind)
			return no_person(a, e);
		*e = a->token.closed;
		return err_prefix(e, "a sign-in is needed, but the token folder cannot be used");
	}
	if (lock < 0 && !busy)
		diag_debug("signing in without a lock: %s", why.msg);
	a->signin.began_ms = clock_ms();
	a->signin.began_s = clock_wall_s();
	a->signin.url_shown = false;
	free(a->signin.act);
	a->signin.act = NULL;
	if (!busy && !spawn(a, e))
		return false;
	a->signin.joined = busy;
	a->state = STATE_SIGNIN;
	loop_timer_set(&a->timer, WATCH_MS);
	if (a->auth.person)
		loop_task_queue(a->auth.person);
	return true;
}

static void show_url_of_note(struct oauth *a)
{
	struct store_note n;

	if (a->signin.url_shown || !store_note_read(a->token.store, &n))
		return;
	if (n.url)
		oauth_show_url(a, n.url, n.code);
	store_note_clear(&n);
}

/* How the sign-in that just ended failed; false when it left no word about that. */
static bool read_failure(const struct oauth *a, struct err *e)
{
	struct store_note n;
	bool failed = false;

	if (!store_note_read(a->token.store, &n))
		return false;
	if (n.kind != ERR_NONE && n.message && n.at_s >= a->signin.began_s) {
		err_set(e, n.kind, "%s", n.message);
		err_advise(e, n.reason, "%s", n.advice ? n.advice : "");
		failed = true;
	}
	store_note_clear(&n);
	return failed;
}

/* Nobody holds the lock any more: how did it end? */
static void joined_is_over(struct oauth *a)
{
	struct err e = { 0 };

	if (oauth_token_reload(&a->token)) {
		signed_in(a);
		return;
	}
	if (!read_failure(a, &e)) {
		/* One that was joined when it was as good as over says nothing about us. */
		if (oauth_signin_start(a, &e))
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

	store_unlock(store_lock_signin(a->token.store, &busy, &e));
	return !busy;
}

void oauth_signin_watch(struct oauth *a)
{
	struct err e = { 0 };

	if (oauth_token_reload(&a->token)) {
		signed_in(a);
		return;
	}
	if (a->signin.joined)
		show_url_of_note(a);
	if (a->signin.joined && is_over(a)) {
		joined_is_over(a);
	} else if (clock_ms() - a->signin.began_ms > (a->o->timeout_s + 5) * 1000) {
		not_completed(a, &e);
		signin_failed(a, &e);
	} else {
		loop_timer_set(&a->timer, WATCH_MS);
	}
}
