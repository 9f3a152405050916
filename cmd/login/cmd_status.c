/* mpmcp status: what a bridge would use, and what is saved. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/kept_account.h"
#include "auth/oauth.h"
#include "auth/service_account.h"
#include "auth/store.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp_client.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "endpoint.h"
#include "format.h"
#include "wrap.h"

struct status {
	struct context *c;
	json_t *json, *accounts; /* lists of what is saved, with --json */
	size_t count;            /* of what was listed */
	struct signin_record
		used; /* the sign-in that a bridge would use; empty when there is none */
	bool needed;
	struct err e;
};

static bool can_be_used(const struct signin_record *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s()));
}

/* ---- what is saved ---- */

static void show_json(
	struct status *s, const char *path, const struct signin_record *g, const char *more)
{
	json_array_append_new(s->json,
		json_pack("{s:o, s:s*, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:b, s:s}", "url",
			format_json_url(g->url), "region", endpoint_region(g->url), "profile",
			g->profile, "scope_asked", g->scope_asked, "scope_granted",
			g->scope_granted, "scope_missing", more, "expires",
			(json_int_t)g->expires_s, "refreshable", secret_isset(&g->refresh),
			"signed_in", can_be_used(g), "file", path));
}

static void show_head(struct status *s, const char *url, const char *profile)
{
	char service[FORMAT_SERVICE];

	if (!s->count++)
		printf("\nSaved:\n");
	format_service(url, service);
	printf("%s", service);
	if (profile)
		printf(", profile %s", profile);
	printf("\n");
	format_url("URL", url);
}

static void show_scopes(const struct signin_record *g)
{
	const char *asked = g->scope_asked, *granted = g->scope_granted;

	if (!asked || !granted || strcmp(asked, granted) != 0)
		format_row("asked", asked ? asked : "no scope in particular");
	format_row("scopes", granted ? granted : "not named by the server");
}

static void show_words(
	struct status *s, const char *path, const struct signin_record *g, const char *more)
{
	char until[64];

	show_head(s, g->url, g->profile);
	format_expiry(g, until);
	if (!secret_isset(&g->access) && !secret_isset(&g->refresh))
		format_row("token", "none: sign in again");
	else
		format_row("token", until);
	if (s->c->a->verbose)
		show_scopes(g);
	if (more) {
		char *text = mem_printf("%s (\"mpmcp login --force\" requests them)", more);

		format_row("new", text);
		free(text);
	}
	if (s->c->a->verbose)
		format_row("file", path);
}

static bool show(void *ctx, const struct store *st, const struct signin_record *g)
{
	static const struct oauth_options nothing_pinned;
	struct status *s = ctx;
	char *more = oauth_scopes_to_gain(&nothing_pinned, g->scopes_offered, g);

	if (s->json)
		show_json(s, store_path(st), g, more);
	else
		show_words(s, store_path(st), g, more);
	free(more);
	return true;
}

static bool show_account(void *ctx, const struct kept_account *k)
{
	struct status *s = ctx;
	char name[SERVICE_ACCOUNT_NAME];

	service_account_name(secret_str(&k->value), name);
	if (s->json) {
		json_array_append_new(s->accounts,
			json_pack("{s:o, s:s*, s:s*, s:s, s:s}", "url", format_json_url(k->url),
				"region", endpoint_region(k->url), "profile", k->profile,
				"username", name, "file", k->path));
		return true;
	}
	show_head(s, k->url, k->profile);
	format_row("account", name);
	if (s->c->a->verbose)
		format_row("file", k->path);
	return true;
}

/* ---- what is used ---- */

/* Reads it again, too, after --check. */
static bool find_sign_in(struct status *s)
{
	struct store *store = context_store(s->c, &s->e);

	if (!store)
		return false;
	signin_record_clear(&s->used);
	s->needed = true;
	switch (store_load(store, &s->used, &s->e)) {
	case STORE_OK:
		s->needed = !can_be_used(&s->used);
		break;
	case STORE_BROKEN:
		diag_note("%s", err_text(&s->e));
		s->e = (struct err){ 0 };
		break;
	case STORE_NONE:
	case STORE_FAILED:
	case STORE_CLOSED:
		break;
	}
	store_free(store);
	return true;
}

/* The one that the bridge would use. */
static bool find_credential(struct status *s)
{
	struct auth *auth = context_credential(s->c, &s->e);

	if (!auth)
		return false;
	auth_free(auth);
	if (!s->c->signs_in || s->c->oauth.client_credentials)
		return true;
	return find_sign_in(s);
}

/* The check may have renewed the token, or found that there is nothing to renew. */
static void read_again(struct status *s)
{
	struct err e = s->e;

	if (s->c->signs_in && !s->c->oauth.client_credentials && find_sign_in(s))
		s->needed = false; /* the check has its own word about that */
	s->e = e;
}

/* As a bridge does: a token that has ended is renewed, a server of any era is understood. */
static void check(struct status *s)
{
	struct mcp_client *client;

	if (s->needed || s->e.kind)
		return;
	s->c->oauth.no_browser = true;
	client = mcp_client_new(s->c, s->c->a, &s->e);
	mcp_client_free(client);
	read_again(s);
}

/* ---- the answer ---- */

/* What cannot be read of others changes nothing for the one that is asked about, which has its own word. */
static void list(struct status *s, const char *auth_dir)
{
	struct err e = { 0 };
	bool all = store_each(auth_dir, show, s, &e);

	kept_account_each(auth_dir, show_account, s);
	if (!all && strcmp(e.msg, s->e.msg) != 0)
		diag_note("%s", err_text(&e));
}

/* What --check found out; NULL: nothing was asked. A service that cannot be reached refuses nothing. */
static const char *verdict(const struct status *s)
{
	if (!s->c->a->check || s->needed)
		return NULL;
	if (!s->e.kind)
		return "yes";
	return s->e.kind == ERR_AUTH || s->e.kind == ERR_FORBIDDEN ? "no" : "unknown";
}

static char *lead(const struct status *s)
{
	char service[FORMAT_SERVICE];

	format_service(s->c->url, service);
	if (s->needed)
		return mem_printf("Not signed in to %s", service);
	if (s->c->signs_in && s->c->oauth.client_credentials)
		return mem_printf("%s: signs in as a client (--client-credentials)", service);
	if (s->c->signs_in)
		return mem_printf("Signed in to %s", service);
	return mem_printf("%s: bridges use %s", service, s->c->why);
}

static char *rest(const struct status *s)
{
	char *command, *text, until[64];

	if (s->needed) {
		command = oauth_command(&s->c->oauth, NULL);
		text = mem_printf(". Run \"%s\".", command);
		free(command);
		return text;
	}
	if (!s->c->signs_in)
		return mem_dup("; sign-ins are not used.");
	if (s->c->oauth.client_credentials)
		return mem_dup(".");
	format_left(&s->used, until);
	return mem_printf("%s.", until);
}

static void say_answer(const struct status *s)
{
	const char *works = verdict(s);
	char *first = lead(s), *more = rest(s);
	char *text = mem_printf("%s%s%s", first, more,
		!works                      ? ""
		: strcmp(works, "yes") == 0 ? " The service accepts it."
		: strcmp(works, "no") == 0  ? " The service does not accept it."
					    : " The service could not be asked.");
	bool bad = s->needed || (works && strcmp(works, "no") == 0);

	format_lead(stdout,
		bad                  ? FORMAT_BAD
		: works && s->e.kind ? FORMAT_DOUBT
				     : FORMAT_GOOD,
		text, strlen(first));
	free(text);
	free(first);
	free(more);
}

static void say_words(struct status *s)
{
	struct request_count_seen seen;
	char requests[FORMAT_REQUESTS], *text;

	say_answer(s);
	request_count_look(s->c->rate, &seen);
	format_requests(s->c->url, &seen, requests);
	text = mem_printf("%s.", requests);
	wrap_text(stdout, wrap_width(stdout), 0, 0, text);
	free(text);
	list(s, s->c->a->auth_dir);
}

static void say_json(struct status *s)
{
	struct request_count_seen seen;
	json_t *o;
	char *text;

	list(s, s->c->a->auth_dir);
	request_count_look(s->c->rate, &seen);
	o = json_pack("{s:o, s:s, s:b, s:s*, s:s*, s:I, s:O, s:O}", "url",
		format_json_url(s->c->url), "credential", s->c->why, "sign_in_needed", s->needed,
		"works", verdict(s), "message", s->e.kind ? err_text(&s->e) : NULL,
		"requests_last_hour", (json_int_t)seen.requests, "sign_ins", s->json,
		"service_accounts", s->accounts);
	text = json_dumps(o, format_json(stdout));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

int cmd_status(const struct options *a)
{
	struct context c;
	struct status s = { .c = &c,
		.json = a->json ? json_array() : NULL,
		.accounts = a->json ? json_array() : NULL };
	bool good = context_open(a, &c, &s.e) && find_credential(&s);
	enum exit_status status;

	/* Before anything is said: it may renew a token, or find out that there is nothing to renew. */
	if (good && a->check)
		check(&s);
	if (good && a->json)
		say_json(&s);
	else if (good)
		say_words(&s);
	if (s.e.kind && (!good || !a->json))
		diag_error("%s", err_text(&s.e));
	status = s.e.kind ? exit_for(s.e.kind) : s.needed ? EXIT_SIGN_IN : EXIT_DONE;
	signin_record_clear(&s.used);
	json_decref(s.json);
	json_decref(s.accounts);
	context_close(&c);
	return (int)status;
}
