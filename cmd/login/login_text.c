/* What mpmcp login says, in words and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/kept_account.h"
#include "auth/oauth.h"
#include "auth/scope.h"
#include "auth/service_account.h"
#include "base/diag.h"
#include "base/mem.h"
#include "endpoint.h"
#include "format.h"
#include "login/login.h"
#include "projects.h"
#include "wrap.h"

/* ---- JSON ---- */

static void say_json(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (text)
		printf("%s\n", text);
	fflush(stdout);
	free(text);
	json_decref(o);
}

/* missing: scopes that were asked for and not granted, or that are new at the server; or NULL. projects: -1
 * when they were not counted. */
static void say_json_outcome(const struct login *l, const char *outcome,
	const struct signin_record *g, const char *missing, long projects)
{
	json_t *o = json_pack("{s:s, s:o, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:s}", "outcome",
		outcome, "url", format_json_url(l->c->url), "region", endpoint_region(l->c->url),
		"profile", g->profile, "scope", g->scope_granted, "scope_missing", missing,
		"expires", (json_int_t)g->expires_s, "refreshable", secret_isset(&g->refresh),
		"file", store_path(l->store));

	if (projects >= 0)
		json_object_set_new(o, "projects", json_integer(projects));
	say_json(o);
}

void login_say_address(const char *url, const char *code)
{
	say_json(json_pack("{s:s, s:s*}", "authorize_url", url, "user_code", code));
}

/* ---- words ---- */

static void say_scopes(const struct login *l)
{
	const struct signin_record *g = &l->g;
	char *lacking = scope_missing(g->scope_asked, g->scope_granted);
	const char *before = l->known.scope_granted ? l->known.scope_granted : l->known.scope_asked;
	char *gained = before ? scope_missing(g->scope_granted, before) : NULL;

	format_row("scopes", g->scope_granted ? g->scope_granted : "not named by the server");
	if (gained)
		format_row("new", gained);
	if (lacking)
		format_row("missing", lacking);
	free(lacking);
	free(gained);
}

/* What to run now: nothing reads a sign-in but a client's entry and our own commands. */
static void say_next(const struct login *l)
{
	char *command = oauth_command_for(&l->c->oauth, "setup CLIENT --write");
	char *text = mem_printf("Next: \"mpmcp setup\" lists your clients; \"%s\" adds this "
				"server to one.",
		command);

	wrap_text(stdout, wrap_width(stdout), 0, 0, text);
	free(text);
	free(command);
}

/* "; 3 projects visible"; "" when that is not known. */
static void visible(long n, char out[64])
{
	*out = 0;
	if (n >= 0)
		snprintf(out, 64, "; %ld project%s visible", n, n == 1 ? "" : "s");
}

static void say_signed_in_words(const struct login *l, long projects)
{
	const struct signin_record *g = &l->g;
	char service[FORMAT_SERVICE], seen[64], until[64], *text;

	format_service(l->c->url, service);
	visible(projects, seen);
	text = mem_printf("Signed in to %s%s.", service, seen);
	wrap_text(stdout, wrap_width(stdout), 0, 0, text);
	free(text);
	format_url("URL", l->c->url);
	if (g->profile)
		format_row("profile", g->profile);
	say_scopes(l);
	format_expiry(g, until);
	format_row("token", until);
	format_row("file", store_path(l->store));
	say_next(l);
	fflush(stdout);
}

void login_say_signed_in(const struct login *l, const char *outcome, long projects)
{
	char *lacking;

	if (!l->json) {
		say_signed_in_words(l, projects);
		return;
	}
	lacking = scope_missing(l->g.scope_asked, l->g.scope_granted);
	say_json_outcome(l, outcome, &l->g, lacking, projects);
	free(lacking);
}

static void say_already_words(const struct login *l, const char *more)
{
	char *command = oauth_command(&l->c->oauth, "--force"), *text;
	char service[FORMAT_SERVICE], until[64];

	format_service(l->c->url, service);
	format_expiry(&l->known, until);
	if (more)
		text = mem_printf("Already signed in to %s (%s). New scopes are available: %s. Run "
				  "\"%s\" to request them.",
			service, until, more, command);
	else
		text = mem_printf(
			"Already signed in to %s (%s); --force signs in again.", service, until);
	wrap_text(stdout, wrap_width(stdout), 0, 0, text);
	free(text);
	free(command);
}

void login_say_already(const struct login *l, const char *more)
{
	if (l->json)
		say_json_outcome(l, "already_signed_in", &l->known, more, -1);
	else
		say_already_words(l, more);
}

void login_say_failure(struct login *l)
{
	struct err so_far = l->e;

	if (so_far.kind == ERR_NET)
		err_advise(&l->e, so_far.reason,
			"%s \"mpmcp doctor\" with the same URL and options shows where it fails.",
			*so_far.advice ? so_far.advice : "Check the address and the network.");
	if (l->json)
		say_json(json_pack("{s:s, s:s, s:s}", "outcome", "failed", "kind",
			err_kind_name(l->e.kind), "message", err_text(&l->e)));
	else
		diag_error("%s", err_text(&l->e));
}

/* The count is asked with the credential that bridges use, which must be this one. */
static long account_projects(const struct login *l)
{
	struct err e = { 0 };
	struct auth *auth = context_credential(l->c, &e);
	long n = auth && l->c->kept_account ? projects_visible(l->c) : -1;

	auth_free(auth);
	return n;
}

void login_say_account(const struct login *l, const struct secret *value)
{
	const char *url = l->c->url, *profile = l->c->oauth.profile;
	char name[SERVICE_ACCOUNT_NAME], service[FORMAT_SERVICE], seen[64];
	char *path = kept_account_path(l->c->oauth.auth_dir, url, profile, NULL);
	long projects = account_projects(l);

	service_account_name(secret_str(value), name);
	if (l->json) {
		json_t *o = json_pack("{s:s, s:o, s:s*, s:s*, s:s, s:s*}", "outcome",
			"service_account_kept", "url", format_json_url(url), "region",
			endpoint_region(url), "profile", profile, "username", name, "file", path);

		if (projects >= 0)
			json_object_set_new(o, "projects", json_integer(projects));
		say_json(o);
	} else {
		format_service(url, service);
		visible(projects, seen);
		printf("The service account works with %s%s.\n", service, seen);
		format_row("account", name);
		format_url("URL", url);
		if (profile)
			format_row("profile", profile);
		format_row("file", path ? path : "");
		say_next(l);
		fflush(stdout);
	}
	free(path);
}

void login_warn_of_other(const struct login *l)
{
	struct err e = { 0 };
	struct auth *auth = context_credential(l->c, &e);
	bool account = l->c->a->service_account;

	if (!auth && !account)
		diag_note("bridges will not use this sign-in, and fail: %s", err_text(&e));
	else if (auth && !l->c->signs_in && !(account && l->c->kept_account))
		diag_note(
			"with these options and variables, bridges use %s, not this %s. Remove it "
			"to use the %s",
			l->c->why, account ? "one" : "sign-in", account ? "other" : "sign-in");
	auth_free(auth);
}
