#include "auth/oauth.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/browser.h"
#include "auth/challenge.h"
#include "auth/flow.h"
#include "auth/server.h"
#include "auth/signin.h"
#include "auth/store.h"
#include "auth/token.h"
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
	uint64_t stamp;      /* of the file that g came from */
	struct secret field; /* "Bearer ..." of g.access */
	unsigned long gen;
	bool loaded, rejected; /* rejected: the service refused g.access */
	bool unsaved;          /* the file does not hold what is at hand: it could not be written */
	enum state state;
	struct loop_timer timer;
	struct token_request *token;
	struct flow *flow; /* client credentials: here, for nobody has to be asked */
	int lock;
	int64_t began_ms, began_s, rest_until_s, declined_ms;
	int64_t signed_in_ms; /* when a sign-in that we waited for succeeded; 0: never */
	unsigned tries;
	bool url_shown;
	bool joined;                     /* the sign-in under way was started by another process */
	char *resource_metadata, *scope; /* of the challenge */
	struct err declined;
};

static void try_refresh(struct oauth *a);
static void watch_signin(struct oauth *a);

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

/* Takes what the file holds now. True when that is another token than the one at hand. */
static bool reload(struct oauth *a)
{
	uint64_t stamp = store_stamp(a->store);
	struct grant g;
	struct err e = { 0 };
	bool other;

	if (a->loaded && stamp == a->stamp)
		return false;
	a->loaded = true;
	a->stamp = stamp;
	switch (store_load(a->store, &g, &e)) {
	case STORE_OK:
		other = secret_isset(&g.access) && !same_access(a, &g);
		if (!other && secret_isset(&a->g.access)) {
			grant_clear(&g);
			return false;
		}
		grant_clear(&a->g);
		a->g = g;
		set_field(a);
		return other;
	case STORE_NONE:
		break;
	case STORE_BROKEN:
	case STORE_FAILED:
		diag_note("%s", e.msg);
		break;
	}
	return false;
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

static void save(struct oauth *a)
{
	struct err e = { 0 };

	a->unsaved = !store_save(a->store, &a->g, &e);
	if (a->unsaved)
		diag_note("the sign-in serves this run, but cannot be kept: %s", e.msg);
	a->stamp = store_stamp(a->store);
}

static void settle(struct oauth *a, enum auth_state state, const struct err *e)
{
	a->state = STATE_IDLE;
	loop_timer_clear(&a->timer);
	auth_wake(&a->auth, state, e);
}

static void unlock(struct oauth *a)
{
	store_unlock(a->lock);
	a->lock = -1;
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

	if (g) {
		secret_set(&a->g.access, secret_str(&g->access), g->access.len);
		a->g.expires_s = g->expires_s;
		a->g.obtained_s = g->obtained_s;
		set_field(a);
	} else {
		why = *e;
	}
	flow_free(a->flow);
	a->flow = NULL;
	settle(a, g ? AUTH_READY : AUTH_FAILED, g ? NULL : &why);
}

static bool start_client(struct oauth *a, struct err *e)
{
	static const struct flow_events events = { client_url, client_done };
	struct flow_start s = {
		.opts = a->o, .resource_metadata = a->resource_metadata, .scope = a->scope
	};

	a->flow = flow_new(a->loop, a->http, &s, &events, a, e);
	a->state = a->flow ? STATE_SIGNIN : STATE_IDLE;
	return a->flow != NULL;
}

/* ---- signing in ---- */

static bool no_person(const struct oauth *a, struct err *e)
{
	return err_set(e, ERR_AUTH,
		"a sign-in is needed, and no browser can be opened from here: run \"mpmcp login "
		"%s\" in a terminal, "
		"then try again; or use a service account",
		a->o->url);
}

static void signin_failed(struct oauth *a, const struct err *e)
{
	a->declined = *e;
	a->declined_ms = clock_ms();
	settle(a, AUTH_FAILED, e);
}

static bool spawn(struct oauth *a, int lock, struct err *e)
{
	struct signin s = { .opts = a->o,
		.http = a->http_opts,
		.store = a->store,
		.known = a->g.url ? &a->g : NULL,
		.resource_metadata = a->resource_metadata,
		.scope = a->scope };
	struct store_note n = { .at_s = clock_wall_s() };
	bool good = store_note_write(a->store, &n, e) && signin_spawn(&s, lock, e);

	/* Only closed: unlocking would take it from the new process, too. */
	close(lock);
	return good;
}

/* Joins the sign-in under way, or starts it. */
static bool start_signin(struct oauth *a, struct err *e)
{
	bool busy = false;
	int lock;

	if (a->o->client_credentials)
		return start_client(a, e);
	if (a->declined.kind && clock_ms() - a->declined_ms < DECLINED_MS) {
		*e = a->declined;
		return false;
	}
	lock = store_lock_signin(a->store, &busy, e);
	if (lock < 0 && !busy)
		return err_prefix(e, "a sign-in is needed, but its place cannot be used");
	if (lock >= 0 && (a->o->no_browser || !browser_possible())) {
		store_unlock(lock);
		return no_person(a, e);
	}
	a->began_ms = clock_ms();
	a->began_s = clock_wall_s();
	a->url_shown = false;
	if (lock >= 0 && !spawn(a, lock, e))
		return false;
	a->joined = lock < 0;
	a->state = STATE_SIGNIN;
	loop_timer_set(&a->timer, WATCH_MS);
	return true;
}

static void show_url(struct oauth *a)
{
	struct store_note n;

	if (a->url_shown || !store_note_read(a->store, &n))
		return;
	if (n.url) {
		diag_note("sign in at %s", n.url);
		a->url_shown = true;
	}
	store_note_clear(&n);
}

static void signed_in(struct oauth *a)
{
	a->signed_in_ms = clock_ms();
	settle(a, AUTH_READY, NULL);
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
static void signin_over(struct oauth *a)
{
	struct err e = { 0 };

	if (reload(a)) {
		signed_in(a);
		return;
	}
	if (!read_failure(a, &e)) {
		/* One that was joined when it was as good as over says nothing about us. */
		if (a->joined && start_signin(a, &e))
			return;
		if (!e.kind)
			err_set(&e, ERR_AUTH, "the sign-in was not completed. Run \"mpmcp login\"");
	}
	signin_failed(a, &e);
}

static void watch_signin(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };
	int lock;

	if (reload(a)) {
		signed_in(a);
		return;
	}
	show_url(a);
	lock = store_lock_signin(a->store, &busy, &e);
	store_unlock(lock);
	if (!busy) {
		signin_over(a);
	} else if (clock_ms() - a->began_ms > (a->o->timeout_s + 5) * 1000) {
		err_set(&e, ERR_AUTH, "nobody completed the sign-in in time. Run \"mpmcp login\"");
		signin_failed(a, &e);
	} else {
		loop_timer_set(&a->timer, WATCH_MS);
	}
}

/* ---- refreshing ---- */

/* The refresh token is worth nothing: the person has to sign in. */
static void refresh_refused(struct oauth *a, bool client_unknown)
{
	struct err e = { 0 };

	secret_clear(&a->g.access);
	secret_clear(&a->g.refresh);
	if (client_unknown) {
		free(a->g.client_id);
		a->g.client_id = NULL;
	}
	save(a);
	unlock(a);
	set_field(a);
	if (!start_signin(a, &e))
		settle(a, AUTH_FAILED, &e);
}

static void refresh_failed(struct oauth *a, const struct err *e)
{
	struct err why = *e;

	unlock(a);
	a->rest_until_s = clock_wall_s() + REFRESH_REST_S;
	if (usable(a)) {
		diag_debug("the token serves on: %s", e->msg);
		settle(a, AUTH_READY, NULL);
	} else if (a->tries < RETRIES) {
		loop_timer_set(&a->timer, retry_ms[a->tries++]);
	} else {
		err_prefix(&why, "the sign-in could not be refreshed (it is kept)");
		settle(a, AUTH_FAILED, &why);
	}
}

static void refreshed(void *ctx, enum token_outcome how, const struct err *e)
{
	struct oauth *a = ctx;

	a->token = NULL;
	switch (how) {
	case TOKEN_OK:
		save(a);
		unlock(a);
		set_field(a);
		settle(a, AUTH_READY, NULL);
		break;
	case TOKEN_INVALID_GRANT:
		refresh_refused(a, false);
		break;
	case TOKEN_INVALID_CLIENT:
		refresh_refused(a, true);
		break;
	case TOKEN_PENDING:
	case TOKEN_SLOW_DOWN:
	case TOKEN_REFUSED:
		a->tries = RETRIES;
		refresh_failed(a, e);
		break;
	case TOKEN_TRANSIENT:
		refresh_failed(a, e);
		break;
	}
}

/* With the lock held, or with no lock to be had. */
static void refresh_now(struct oauth *a)
{
	struct token_call c = { .kind = TOKEN_REFRESH };
	struct err e = { 0 };

	if (reload(a) && usable(a) && !expired(a, early_s(&a->g))) {
		unlock(a);
		settle(a, AUTH_READY, NULL);
		return;
	}
	if ((!a->stamp && !a->unsaved) || !secret_isset(&a->g.refresh)) {
		/* The file is gone: somebody signed out. */
		unlock(a);
		grant_clear(&a->g);
		set_field(a);
		if (!start_signin(a, &e))
			settle(a, AUTH_FAILED, &e);
		return;
	}
	a->token = token_start(a->http, a->o, &a->g, &c, refreshed, a, &e);
	if (!a->token) {
		a->tries = RETRIES;
		refresh_failed(a, &e);
	}
}

static void try_refresh(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };

	a->lock = store_lock(a->store, &busy, &e);
	if (a->lock < 0 && busy && clock_ms() - a->began_ms < LOCK_PATIENCE_MS) {
		if (reload(a) && usable(a))
			settle(a, AUTH_READY, NULL);
		else
			loop_timer_set(&a->timer, LOCK_MS);
		return;
	}
	if (a->lock < 0 && !busy)
		diag_debug("refreshing without a lock: %s", e.msg);
	refresh_now(a);
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

static enum auth_state oauth_value(
	struct auth *base, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	struct oauth *a = (struct oauth *)base;
	bool early;

	if (!a->loaded)
		reload(a);
	early = secret_isset(&a->g.access) && expired(a, early_s(&a->g));
	if (usable(a) && (!early || clock_wall_s() < a->rest_until_s))
		return ready(a, v);
	if (a->state == STATE_SIGNIN && usable(a))
		return ready(a, v);
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

static void keep_challenge(struct oauth *a, const struct challenge *c)
{
	free(a->resource_metadata);
	free(a->scope);
	a->resource_metadata = c->resource_metadata ? mem_dup(c->resource_metadata) : NULL;
	a->scope = c->scope ? mem_dup(c->scope) : NULL;
}

static enum auth_state sign_in(struct oauth *a, struct auth_waiter *w, struct err *e)
{
	if (a->state == STATE_IDLE && !start_signin(a, e))
		return AUTH_FAILED;
	return wait_for(a, w, e);
}

static enum auth_state forbidden(struct oauth *a, const struct auth_refusal *r,
	const struct challenge *c, struct auth_waiter *w, struct err *e)
{
	if (!c->error || strcmp(c->error, "insufficient_scope") != 0 || r->tries >= STEP_UPS_MAX) {
		err_set(e, ERR_FORBIDDEN, "the service refuses this (HTTP 403)%s%s%s",
			*r->words ? ": " : "", r->words,
			c->error && r->tries >= STEP_UPS_MAX ? ". Run \"mpmcp login --force\""
							     : "");
		return AUTH_FAILED;
	}
	return sign_in(a, w, e);
}

static enum auth_state unauthorized(
	struct oauth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	a->rejected = true;
	if (a->state != STATE_IDLE)
		return wait_for(a, w, e);
	/* Refresh once; a token that is refused right after that needs a person. */
	if (secret_isset(&a->g.refresh) && r->tries == 0) {
		start_refresh(a);
		return wait_for(a, w, e);
	}
	if (r->tries > 2 || (a->signed_in_ms && clock_ms() - a->signed_in_ms < FRESH_MS)) {
		err_set(e, ERR_AUTH,
			"the service refuses a fresh sign-in (HTTP 401)%s%s. Check the region and "
			"the account, then run "
			"\"mpmcp login --force\"",
			*r->words ? ": " : "", r->words);
		return AUTH_FAILED;
	}
	return sign_in(a, w, e);
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
	keep_challenge(a, &c);
	state = r->status == 403 ? forbidden(a, r, &c, w, e) : unauthorized(a, r, w, e);
	challenge_clear(&c);
	return state;
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

/* Into what the file holds now: another process may have refreshed the token meanwhile. */
static void oauth_remember(struct auth *base, const char *word)
{
	struct oauth *a = (struct oauth *)base;
	const char *known = oauth_recall(base);
	bool busy = false;
	struct err e = { 0 };
	int lock;

	if (known && strcmp(known, word) == 0)
		return;
	lock = store_lock(a->store, &busy, &e);
	if (lock < 0)
		return;
	reload(a);
	if (a->stamp) {
		free(a->g.word);
		a->g.word = mem_dup(word);
		a->g.word_s = clock_wall_s();
		save(a);
	}
	store_unlock(lock);
}

static void oauth_free(struct auth *base)
{
	struct oauth *a = (struct oauth *)base;

	loop_timer_clear(&a->timer);
	token_cancel(a->token);
	flow_free(a->flow);
	unlock(a);
	grant_clear(&a->g);
	secret_clear(&a->field);
	store_free(a->store);
	free(a->params);
	free(a->resource_metadata);
	free(a->scope);
	free(a);
}

static const struct auth_source source = { .recall = oauth_recall,
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
	a->lock = -1;
	a->gen = 1;
	loop_timer_init(&a->timer, l, timer_due, a);
	key = oauth_key(o, &a->params);
	a->store = store_new(o->auth_dir, &key, e);
	if (a->store)
		return &a->auth;
	oauth_free(&a->auth);
	return NULL;
}
