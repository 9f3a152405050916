#include "auth/oauth_impl.h"

#include <stdlib.h>
#include <string.h>

#include "auth/challenge.h"
#include "auth/scope.h"
#include "auth/documents.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* A token from a sign-in this young that is refused: another page would bring no better one. */
#define FRESH_MS ((int64_t)5 * 60 * 1000)

/* Step-ups for one request (MCP authorization, Scope Challenge Handling). */
#define STEP_UPS_MAX 2

/* How long a word about the server is believed: its operator may change it any day. */
#define WORD_S ((int64_t)24 * 60 * 60)

/* ---- what all parts share ---- */

void oauth_stop_worker(struct oauth *a)
{
	worker_leave(a->worker);
	a->worker = NULL;
	worker_report_clear(&a->report);
}

void oauth_settle(struct oauth *a, enum auth_state state, const struct err *e)
{
	struct err why = { 0 };

	if (e)
		why = *e;
	a->state = STATE_IDLE;
	loop_timer_clear(&a->timer);
	oauth_stop_worker(a);
	auth_wake(&a->auth, state, e ? &why : NULL);
}

void oauth_show_url(struct oauth *a, const char *url, const char *code)
{
	if (a->signin.url_shown)
		return;
	a->signin.url_shown = true;
	if (code) {
		a->signin.act = mem_printf("open %s and type the code %s", url, code);
		diag_link("sign in at %s and type the code %s", url, code);
	} else {
		diag_link("sign in at %s", url);
	}
}

void oauth_worker_line(void *ctx, char *text, size_t n)
{
	struct oauth *a = ctx;
	struct worker_report r;

	if (worker_report_read(text, n, &r) && r.over) {
		worker_report_clear(&a->report);
		a->report = r;
		return;
	}
	if (r.url)
		oauth_show_url(a, r.url, r.code);
	worker_report_clear(&r);
}

static void timer_due(void *ctx)
{
	struct oauth *a = ctx;

	if (a->state == STATE_REFRESH)
		oauth_refresh_try(a);
	else if (a->state == STATE_SIGNIN)
		oauth_signin_watch(a);
}

/* ---- the source ---- */

static enum auth_state ready(struct oauth *a, struct auth_value *v)
{
	*v = (struct auth_value){
		.field = secret_isset(&a->token.field) ? secret_str(&a->token.field) : NULL,
		.gen = a->token.gen
	};
	return AUTH_READY;
}

static enum auth_state wait_for(struct oauth *a, struct auth_waiter *w, struct err *e)
{
	if (!w) {
		err_set(e, ERR_AUTH, "there is no access token");
		return AUTH_FAILED;
	}
	auth_wait(&a->auth, w);
	return AUTH_WAIT;
}

/* Before the token ends, and beside the requests that it still serves. */
static void renew_early(struct oauth *a)
{
	struct err e = { 0 };

	if (a->state != STATE_IDLE || !oauth_token_near_end(&a->token) ||
		clock_wall_s() < a->refresh.rest_until_s)
		return;
	if (oauth_token_renewable(&a->token))
		oauth_refresh_start(a);
	else if (a->o->client_credentials && !oauth_signin_client(a, &e))
		diag_debug("%s", err_text(&e));
}

static enum auth_state oauth_value(
	struct auth *base, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	struct oauth *a = (struct oauth *)base;

	/* Another process may have what this one cannot get. */
	if (!a->token.loaded || a->token.refresh_refused)
		oauth_token_reload(&a->token);
	if (oauth_token_usable(&a->token)) {
		if (w)
			renew_early(a);
		return ready(a, v);
	}
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	if (oauth_token_renewable(&a->token)) {
		if (w)
			oauth_refresh_start(a);
		return wait_for(a, w, e);
	}
	if (a->o->client_credentials && w && !a->challenge.ask_service)
		return oauth_signin_client(a, e) ? wait_for(a, w, e) : AUTH_FAILED;
	/* No token, or one that has ended without a successor: the service says where to sign in. */
	return ready(a, v);
}

static void keep_challenge(
	struct oauth *a, const struct challenge *c, const char *scope, bool step_up)
{
	a->challenge.seen = true;
	a->challenge.ask_service = false;
	free(a->challenge.resource_metadata);
	free(a->challenge.scope);
	a->challenge.resource_metadata =
		c->resource_metadata ? mem_dup(c->resource_metadata) : NULL;
	a->challenge.scope = scope ? mem_dup(scope) : NULL;
	a->challenge.step_up = step_up;
}

static enum auth_state sign_in(struct oauth *a, struct auth_waiter *w, struct err *e)
{
	if (a->state == STATE_IDLE && !oauth_signin_start(a, e))
		return AUTH_FAILED;
	return wait_for(a, w, e);
}

/* ---- 403 ---- */

/* So that a person who signs in by hand is asked for it, too. */
static void remember_wanted(struct oauth *a, const char *scope)
{
	char *missing = scope_missing(scope, a->token.g.scope_wanted), *all;
	int lock = missing ? oauth_token_lock(&a->token) : -1;

	if (lock >= 0) {
		all = scope_union(a->token.g.scope_wanted, scope);
		free(a->token.g.scope_wanted);
		a->token.g.scope_wanted = all;
		oauth_token_write(&a->token, lock);
	}
	free(missing);
}

static bool refuse(struct err *e, const struct auth_refusal *r)
{
	return err_set(e, ERR_FORBIDDEN, "the service refuses this (HTTP 403)%s%s",
		*r->words ? ": " : "", r->words);
}

/* What a step-up would ask for beyond what is held; malloc'ed. NULL with e set when it would be in vain:
 * the service does not say what is missing, or we have it, or were not given it when we asked. */
static char *scope_to_gain(const struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct err *e)
{
	const char *held =
		a->token.g.scope_granted ? a->token.g.scope_granted : a->token.g.scope_asked;
	char *missing = scope_missing(c->scope ? c->scope : a->token.g.scopes_offered, held);
	char *rest = missing ? scope_missing(missing, a->challenge.stepped_up) : NULL;
	char *command = oauth_command(a->o, "--force");
	char *advice = NULL;

	if (r->tries >= STEP_UPS_MAX)
		advice = mem_printf("Run \"%s\".", command);
	else if (!missing && c->scope)
		advice = mem_printf("It requires the scope %.200s, which the sign-in has; ask an "
				    "admin what else this account needs.",
			c->scope);
	else if (!missing)
		advice = mem_dup("A scope is missing, but the service does not say which.");
	else if (!rest)
		advice = mem_printf("The sign-in was not granted the scope %.200s; ask an admin "
				    "for it, then run \"%s\".",
			missing, command);
	if (advice) {
		refuse(e, r);
		err_advise(e, REASON_SCOPE_MISSING, "%s", advice);
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
		refuse(e, r);
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
	return a->signin.succeeded_ms && clock_ms() - a->signin.succeeded_ms < FRESH_MS &&
	       !oauth_token_ended(&a->token);
}

static enum auth_state unauthorized(struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct auth_waiter *w, struct err *e)
{
	char *command;

	a->token.rejected = true;
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	keep_challenge(a, c, c->scope, false);
	/* Refresh once; a token that is refused right after that needs a person. A client that has no person
	 * asks once, too. */
	if (oauth_token_renewable(&a->token) && r->tries == 0) {
		oauth_refresh_start(a);
		return wait_for(a, w, e);
	}
	if (a->o->client_credentials ? r->tries == 0 : r->tries <= 2 && !is_fresh(a))
		return sign_in(a, w, e);
	command = oauth_command(a->o, "--force");
	err_set(e, ERR_AUTH, "the service refuses a fresh sign-in (HTTP 401)%s%s",
		*r->words ? ": " : "", r->words);
	err_advise(
		e, REASON_SIGN_IN, "Check the region and the account, then run \"%s\".", command);
	free(command);
	return AUTH_FAILED;
}

static enum auth_state oauth_challenged(
	struct auth *base, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	struct oauth *a = (struct oauth *)base;
	struct challenge c;
	enum auth_state state;

	if (r->gen != a->token.gen || oauth_token_reload(&a->token))
		return AUTH_READY;
	challenge_parse(r->challenges, r->nchallenges, &c);
	state = r->status == 403 ? forbidden(a, r, &c, w, e) : unauthorized(a, r, &c, w, e);
	challenge_clear(&c);
	return state;
}

static const char *oauth_awaits_person(struct auth *base, const char **act)
{
	struct oauth *a = (struct oauth *)base;

	if (a->state != STATE_SIGNIN || a->signin.flow)
		return NULL;
	if (!a->signin.command)
		a->signin.command = oauth_signin_command(a);
	*act = a->signin.act;
	return a->signin.command;
}

static const char *oauth_recall(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;
	int64_t age;

	if (!a->token.loaded)
		oauth_token_reload(&a->token);
	age = clock_wall_s() - a->token.g.word_s;
	return a->token.g.word && age >= 0 && age < WORD_S ? a->token.g.word : NULL;
}

static void oauth_remember(struct auth *base, const char *word)
{
	struct oauth *a = (struct oauth *)base;
	const char *known = oauth_recall(base);
	int lock;

	if (known && strcmp(known, word) == 0)
		return;
	lock = oauth_token_lock(&a->token);
	if (lock < 0)
		return;
	free(a->token.g.word);
	a->token.g.word = mem_dup(word);
	a->token.g.word_s = clock_wall_s();
	oauth_token_write(&a->token, lock);
}

static void oauth_free(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;

	loop_timer_clear(&a->timer);
	oauth_stop_worker(a);
	flow_free(a->signin.flow);
	oauth_token_clear(&a->token);
	free(a->params);
	free(a->challenge.resource_metadata);
	free(a->challenge.scope);
	free(a->challenge.stepped_up);
	free(a->signin.command);
	free(a->signin.act);
	free(a);
}

static const struct auth_source source = { .awaits_person = oauth_awaits_person,
	.recall = oauth_recall,
	.remember = oauth_remember,
	.value = oauth_value,
	.challenged = oauth_challenged,
	.free = oauth_free };

struct auth *auth_new_oauth(struct loop *l, struct http *h, const struct http_opts *ho,
	const struct oauth_options *o, struct err *e)
{
	struct oauth *a = mem_new(sizeof(*a));
	struct store_key key;

	a->auth.source = &source;
	a->loop = l;
	a->http = h;
	a->http_opts = ho;
	a->o = o;
	a->token.gen = 1;
	loop_timer_init(&a->timer, l, timer_due, a);
	key = oauth_key(o, &a->params);
	a->token.store = store_new(o->auth_dir, &key, e);
	if (a->token.store)
		return &a->auth;
	oauth_free(&a->auth);
	return NULL;
}
