#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/store.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "net/fetch.h"
#include "target.h"
#include "words.h"

#define CHECK_MS 30000

static const char check_message[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"mpmcp "
	"status\",\"version\":\"" MPMCP_VERSION "\"}}}";

struct status {
	struct context *c;
	json_t *json; /* the list of sign-ins, with --json */
	size_t count;
	bool oauth, needed;
	/* --check */
	struct auth *auth;
	struct auth_waiter waiter;
	struct fetch *fetch;
	struct err e;
};

static bool can_be_used(const struct grant *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s()));
}

static bool show(void *ctx, const char *path, const struct grant *g)
{
	struct status *s = ctx;
	const char *region = target_region(g->url);
	char until[64];

	s->count++;
	words_expiry(g, until);
	if (s->json) {
		json_array_append_new(s->json,
			json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:b, s:s}", "url",
				g->url, "region", region, "profile", g->profile, "scope_asked",
				g->scope_asked, "scope_granted", g->scope_granted, "expires",
				(json_int_t)g->expires_s, "refreshable", secret_isset(&g->refresh),
				"signed_in", can_be_used(g), "file", path));
		return true;
	}
	printf("%s%s%s%s\n", g->url, region ? "  (region " : "", region ? region : "",
		region ? ")" : "");
	if (g->profile)
		printf("  profile  %s\n", g->profile);
	printf("  token    %s\n  refresh  %s\n  asked    %s\n  granted  %s\n  file     %s\n\n",
		until, secret_isset(&g->refresh) ? "yes" : "no: sign in again when the token ends",
		g->scope_asked ? g->scope_asked : "no scope",
		g->scope_granted ? g->scope_granted : "not said", path);
	return true;
}

/* The one that the bridge would use. */
static bool find_credential(struct status *s)
{
	struct store *store;
	struct grant g;

	s->auth = context_credential(s->c, &s->e);
	if (!s->auth)
		return false;
	s->oauth = strstr(s->c->why, "OAuth") != NULL;
	if (!s->oauth || s->c->oauth.client_credentials)
		return true;
	store = context_store(s->c, &s->e);
	if (!store)
		return false;
	s->needed = true;
	if (store_load(store, &g, &s->e) == STORE_OK) {
		s->needed = !can_be_used(&g);
		grant_clear(&g);
	}
	store_free(store);
	return true;
}

/* ---- --check ---- */

static void limited(struct status *s, long wait_s)
{
	rate_refused(s->c->rate, wait_s);
	if (wait_s >= 0)
		err_set(&s->e, ERR_RATE, "too many requests (HTTP 429); try again in %ld seconds",
			wait_s);
	else
		err_set(&s->e, ERR_RATE, "too many requests (HTTP 429)");
}

static void checked(void *ctx, const struct fetch_answer *a)
{
	struct status *s = ctx;

	s->fetch = NULL;
	if (a->how != HTTP_DONE)
		s->e = *a->e;
	else if (a->status == 401)
		err_set(&s->e, ERR_AUTH, "the service refuses the credential (HTTP 401)");
	else if (a->status == 403)
		err_set(&s->e, ERR_FORBIDDEN, "the service refuses this account (HTTP 403)");
	else if (a->status == 429)
		limited(s, a->retry_after_s);
	else if (a->status >= 400)
		err_set(&s->e, ERR_SERVER, "the service answers HTTP %ld", a->status);
	loop_stop(s->c->loop);
}

static void ask(struct status *s);

static void token_ready(void *ctx, enum auth_state state, const struct err *e)
{
	struct status *s = ctx;

	if (state == AUTH_READY) {
		ask(s);
		return;
	}
	s->e = *e;
	loop_stop(s->c->loop);
}

static void ask(struct status *s)
{
	struct fetch_call c = { .url = s->c->url,
		.content_type = "application/json",
		.body = check_message,
		.accept = "application/json, text/event-stream",
		.cap = (size_t)4 << 20,
		.total_ms = CHECK_MS };
	struct auth_value v = { 0 };

	s->waiter.fn = token_ready;
	s->waiter.ctx = s;
	switch (auth_value(s->auth, &v, &s->waiter, &s->e)) {
	case AUTH_WAIT:
		return;
	case AUTH_READY:
		c.authorization = v.field;
		s->fetch = fetch_start(s->c->http, &c, checked, s, &s->e);
		break;
	case AUTH_FAILED:
		break;
	}
	if (s->fetch)
		rate_count(s->c->rate);
	else
		loop_stop(s->c->loop);
}

static void check(struct status *s)
{
	struct err e = { 0 };

	if (s->needed)
		return;
	ask(s);
	if ((s->fetch || s->waiter.auth) && !loop_run(s->c->loop, &e))
		s->e = e;
}

/* ---- the command ---- */

static void say(const struct status *s)
{
	const char *works = !s->c->a->check || s->needed ? NULL : s->e.kind ? "no" : "yes";
	struct rate_seen seen;
	char requests[256];

	rate_look(s->c->rate, &seen);
	if (s->json) {
		json_t *o = json_pack("{s:s, s:s, s:b, s:s*, s:s*, s:I, s:O}", "url", s->c->url,
			"credential", s->c->why, "sign_in_needed", s->needed, "works", works,
			"message", s->e.kind ? s->e.msg : NULL, "requests_last_hour",
			(json_int_t)seen.requests, "sign_ins", s->json);
		char *text = json_dumps(o, JSON_COMPACT);

		printf("%s\n", text ? text : "{}");
		free(text);
		json_decref(o);
		return;
	}
	if (!s->count)
		printf("No sign-in is kept.\n\n");
	printf("For %s the bridge uses %s%s.\n", s->c->url, s->c->why,
		s->needed  ? ", and none is at hand: run \"mpmcp login\""
		: s->oauth ? ""
			   : "; sign-ins are not used");
	words_requests(s->c->url, &seen, requests);
	printf("%s.\n", requests);
	if (works && !s->e.kind)
		printf("The service takes it.\n");
}

int cmd_status(const struct args *a)
{
	struct context c;
	struct status s = { .c = &c, .json = a->json ? json_array() : NULL };
	bool good = context_open(a, &c, &s.e) && store_each(a->auth_dir, show, &s, &s.e) &&
		    find_credential(&s);
	enum exit_status status;

	if (good && a->check)
		check(&s);
	if (good)
		say(&s);
	if (s.e.kind && (!good || !a->json))
		diag_error("%s", s.e.msg);
	status = s.e.kind ? exit_for(s.e.kind) : s.needed ? EXIT_SIGN_IN : EXIT_DONE;
	auth_unwait(&s.waiter);
	fetch_cancel(s.fetch);
	auth_free(s.auth);
	json_decref(s.json);
	context_close(&c);
	return (int)status;
}
