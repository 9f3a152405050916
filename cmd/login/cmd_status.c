#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct status {
	struct context *c;
	json_t *json; /* the list of sign-ins, with --json */
	size_t count;
	bool needed;
	bool unread; /* some sign-in, or the whole folder */
	struct err e;
};

static bool can_be_used(const struct signin_record *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s()));
}

static void show_json(
	struct status *s, const char *path, const struct signin_record *g, const char *more)
{
	json_array_append_new(s->json,
		json_pack("{s:s, s:s*, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:b, s:s}", "url", g->url,
			"region", endpoint_region(g->url), "profile", g->profile, "scope_asked",
			g->scope_asked, "scope_granted", g->scope_granted, "scope_missing", more,
			"expires", (json_int_t)g->expires_s, "refreshable",
			secret_isset(&g->refresh), "signed_in", can_be_used(g), "file", path));
}

static void show_scopes(const struct signin_record *g)
{
	const char *asked = g->scope_asked, *granted = g->scope_granted;

	if (asked && granted && strcmp(asked, granted) == 0)
		printf("  scopes   %s\n", granted);
	else
		printf("  asked    %s\n  granted  %s\n", asked ? asked : "no scope in particular",
			granted ? granted : "not said");
}

static void show_words(const char *path, const struct signin_record *g, const char *more)
{
	const char *region = endpoint_region(g->url);
	char until[64];

	format_expiry(g, until);
	printf("%s%s%s%s\n", g->url, region ? "  (region " : "", region ? region : "",
		region ? ")" : "");
	if (g->profile)
		printf("  profile  %s\n", g->profile);
	if (!secret_isset(&g->access) && !secret_isset(&g->refresh))
		printf("  token    none: sign in again\n");
	else
		printf("  token    %s\n  refresh  %s\n", until,
			secret_isset(&g->refresh) ? "yes"
						  : "no: sign in again when the token ends");
	show_scopes(g);
	if (more)
		printf("  lacks    %s (to be had by a new sign-in)\n", more);
	printf("  file     %s\n\n", path);
}

static bool show(void *ctx, const struct store *st, const struct signin_record *g)
{
	static const struct oauth_options nothing_pinned;
	struct status *s = ctx;
	char *more = oauth_scopes_to_gain(&nothing_pinned, g->scopes_offered, g);

	s->count++;
	if (s->json)
		show_json(s, store_path(st), g, more);
	else
		show_words(store_path(st), g, more);
	free(more);
	return true;
}

/* The one that the bridge would use. */
static bool find_credential(struct status *s)
{
	struct auth *auth = context_credential(s->c, &s->e);
	struct store *store;
	struct signin_record g;

	if (!auth)
		return false;
	auth_free(auth);
	if (!s->c->signs_in || s->c->oauth.client_credentials)
		return true;
	store = context_store(s->c, &s->e);
	if (!store)
		return false;
	s->needed = true;
	switch (store_load(store, &g, &s->e)) {
	case STORE_OK:
		s->needed = !can_be_used(&g);
		signin_record_clear(&g);
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

/* As a bridge does: a token that has ended is renewed, a server of any era is understood. */
static void check(struct status *s)
{
	struct mcp_client *client;

	if (s->needed || s->e.kind)
		return;
	s->c->oauth.no_browser = true;
	client = mcp_client_new(s->c, s->c->a, &s->e);
	mcp_client_free(client);
}

/* ---- the command ---- */

/* What cannot be read of others changes nothing for the one that is asked about, which has its own word. */
static void list(struct status *s, const char *auth_dir)
{
	struct err e = { 0 };

	s->unread = !store_each(auth_dir, show, s, &e);
	if (s->unread && strcmp(e.msg, s->e.msg) != 0)
		diag_note("%s", err_text(&e));
}

static void say_credential(const struct status *s)
{
	char *command = oauth_command(&s->c->oauth, NULL);

	printf("For %s the bridge uses %s", s->c->url, s->c->why);
	if (s->needed)
		printf(", and none is at hand: run \"%s\".\n", command);
	else
		printf("%s.\n", s->c->signs_in ? "" : "; sign-ins are not used");
	free(command);
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

static void say(const struct status *s)
{
	const char *works = verdict(s);
	struct request_count_seen seen;
	char requests[256];

	request_count_look(s->c->rate, &seen);
	if (s->json) {
		json_t *o = json_pack("{s:s, s:s, s:b, s:s*, s:s*, s:I, s:O}", "url", s->c->url,
			"credential", s->c->why, "sign_in_needed", s->needed, "works", works,
			"message", s->e.kind ? err_text(&s->e) : NULL, "requests_last_hour",
			(json_int_t)seen.requests, "sign_ins", s->json);
		char *text = json_dumps(o, JSON_COMPACT);

		printf("%s\n", text ? text : "{}");
		free(text);
		json_decref(o);
		return;
	}
	if (!s->count && !s->unread)
		printf("No sign-in is kept.\n\n");
	say_credential(s);
	format_requests(s->c->url, &seen, requests);
	printf("%s.\n", requests);
	if (works && !s->e.kind)
		printf("The service takes it.\n");
}

int cmd_status(const struct options *a)
{
	struct context c;
	struct status s = { .c = &c, .json = a->json ? json_array() : NULL };
	bool good = context_open(a, &c, &s.e) && find_credential(&s);
	enum exit_status status;

	/* Before the list: it may renew a token, or find out that there is nothing to renew. */
	if (good && a->check)
		check(&s);
	if (good) {
		list(&s, a->auth_dir);
		say(&s);
	}
	if (s.e.kind && (!good || !a->json))
		diag_error("%s", err_text(&s.e));
	status = s.e.kind ? exit_for(s.e.kind) : s.needed ? EXIT_SIGN_IN : EXIT_DONE;
	json_decref(s.json);
	context_close(&c);
	return (int)status;
}
