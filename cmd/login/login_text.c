/* What mpmcp login says, in words and as JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/oauth.h"
#include "auth/scope.h"
#include "base/diag.h"
#include "base/mem.h"
#include "endpoint.h"
#include "format.h"
#include "login/login.h"
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
	json_t *o = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:s}", "outcome",
		outcome, "url", l->c->url, "region", endpoint_region(l->c->url), "profile",
		g->profile, "scope", g->scope_granted, "scope_missing", missing, "expires",
		(json_int_t)g->expires_s, "refreshable", secret_isset(&g->refresh), "file",
		store_path(l->store));

	if (projects >= 0)
		json_object_set_new(o, "projects", json_integer(projects));
	say_json(o);
}

void login_say_address(const char *url, const char *code)
{
	say_json(json_pack("{s:s, s:s*}", "authorize_url", url, "user_code", code));
}

/* ---- words ---- */

/* "  name     text", broken at the width of the terminal. */
static void say_row(const char *name, const char *text)
{
	enum { INDENT = 11 };

	printf("  %-8s ", name);
	wrap_text(stdout, wrap_width(stdout), INDENT, INDENT, text);
}

static void say_scopes(const struct login *l)
{
	const struct signin_record *g = &l->g;
	char *lacking = scope_missing(g->scope_asked, g->scope_granted);
	const char *before = l->known.scope_granted ? l->known.scope_granted : l->known.scope_asked;
	char *gained = before ? scope_missing(g->scope_granted, before) : NULL;

	say_row("scopes", g->scope_granted ? g->scope_granted : "not named by the server");
	if (gained)
		say_row("new", gained);
	if (lacking)
		say_row("missing", lacking);
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

static void say_signed_in_words(const struct login *l, long projects)
{
	const struct signin_record *g = &l->g;
	char service[FORMAT_SERVICE], seen[64] = "", until[64];

	format_service(l->c->url, service);
	if (projects >= 0)
		snprintf(seen, sizeof(seen), "; %ld project%s visible", projects,
			projects == 1 ? "" : "s");
	printf("Signed in to %s%s.\n", service, seen);
	say_row("URL", l->c->url);
	if (g->profile)
		say_row("profile", g->profile);
	say_scopes(l);
	format_expiry(g, until);
	say_row("token", until);
	say_row("file", store_path(l->store));
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

void login_warn_of_other(const struct login *l)
{
	struct err e = { 0 };
	struct auth *auth = context_credential(l->c, &e);

	if (!auth)
		diag_note("bridges will not use this sign-in, and fail: %s", err_text(&e));
	else if (!l->c->signs_in)
		diag_note("with these options and variables, bridges use %s, not this sign-in. "
			  "Remove it to use the sign-in",
			l->c->why);
	auth_free(auth);
}
