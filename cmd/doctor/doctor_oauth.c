/* Signing in: what the servers publish, what is kept, and whether that is what they want now. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/service_account.h"
#include "auth/discover.h"
#include "auth/scope.h"
#include "auth/documents.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "probe.h"
#include "endpoint.h"
#include "format.h"

void doctor_login(const struct doctor *d, const char *more, struct finding *f)
{
	char *command = oauth_command(&d->c.oauth, more);

	advise(f, "Run \"%s\".", command);
	free(command);
}

/* ---- the discovery ---- */

static void note_first(struct doctor *d, const struct discover_step *s)
{
	struct heard *h = &d->first;

	if (h->something || !s->answer)
		return;
	*h = (struct heard){ .something = true,
		.status = s->answer->status,
		.date_s = s->answer->status ? http_date_s(s->answer->req) : -1,
		.heard_s = clock_wall_s() };
	if (s->e)
		h->e = *s->e;
}

/* What was wrong first is told, unless the document is found elsewhere. */
static void note_step(void *ctx, const struct discover_step *s)
{
	struct doctor *d = ctx;
	struct seen *seen = s->document == DISCOVER_SERVER ? &d->server : &d->resource;
	long status = s->answer ? s->answer->status : 0;

	note_first(d, s);
	if (!seen->first)
		seen->first = status;
	if (s->found)
		seen->e = (struct err){ 0 };
	if (seen->e.kind)
		return;
	free(seen->issuer);
	seen->issuer = s->issuer ? mem_dup(s->issuer) : NULL;
	seen->guessed = s->guessed;
	seen->found = s->found;
	seen->unusable = !s->answer;
	seen->status = status;
	if (s->e)
		seen->e = *s->e;
}

struct search {
	struct doctor *d;
	struct discover *discover;
};

static void searched(void *ctx, const struct err *e)
{
	struct search *s = ctx;

	if (e)
		diag_debug("%s", err_text(e));
	s->discover = NULL;
	loop_stop(s->d->c.loop);
}

static void forget_search(struct doctor *d)
{
	free(d->resource.issuer);
	free(d->server.issuer);
	d->resource = d->server = (struct seen){ 0 };
	signin_record_clear(&d->offered);
	d->offered = (struct signin_record){ 0 };
	d->traits = (struct server_traits){ 0 };
}

void doctor_discover(struct doctor *d, const char *named)
{
	/* A credential that is given needs no sign-in server. */
	struct discover_call c = { .endpoint = d->c.url,
		.named = named,
		.needs_pkce = oauth_needs_pkce(&d->c.oauth),
		.no_guess = !d->c.signs_in,
		.resource_only = !d->c.signs_in,
		.impatient = true,
		.step = note_step,
		.step_ctx = d };
	struct search s = { .d = d };
	struct err e = { 0 };

	forget_search(d);
	s.discover = discover_start(d->c.http, &c, &d->offered, &d->traits, searched, &s, &e);
	if (s.discover && loop_run(d->c.loop, &e) && s.discover)
		err_set(&e, ERR_CANCELLED, "interrupted");
	discover_cancel(s.discover);
	if (!d->first.something)
		d->first = (struct heard){ .date_s = -1, .e = e };
}

static size_t count_words(const char *list)
{
	size_t n = 0;

	for (const char *p = list; p && *p; n++) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	return n;
}

/* The document is there, and wrong; or neither it nor a plain "there is none". */
static bool is_wrong(const struct seen *seen)
{
	return seen->e.kind && seen->status == 200;
}

static void no_document(const struct seen *seen, const char *what, struct finding *f)
{
	if (seen->status)
		failed(f, ERR_SERVER, "cannot fetch %s (HTTP %ld)", what, seen->status);
	else
		failed(f, seen->e.kind, "cannot fetch %s: %s", what, seen->e.msg);
	advise(f, "Try again later; a sign-in cannot begin without it.");
}

/* ---- resource metadata ---- */

static void describe_resource(const struct doctor *d, struct finding *f)
{
	size_t n = count_words(d->offered.scopes_offered);

	found(f, "%zu scope%s; sign-in server %s", n, n == 1 ? "" : "s",
		d->resource.issuer ? d->resource.issuer : "of the same origin");
}

static void say_resource(const struct doctor *d, const char *what, struct finding *f)
{
	if (d->resource.found) {
		describe_resource(d, f);
	} else if (is_wrong(&d->resource)) {
		failed_as(f, &d->resource.e);
		advise(f,
			"Check the URL: it must be the one that the server names as its resource.");
	} else {
		no_document(&d->resource, what, f);
	}
}

/* Where neither well-known place has a document, the challenge may name another. */
static void ask_named(struct doctor *d, struct finding *f)
{
	struct challenge wants = { 0 };
	const struct seen *seen = &d->resource;

	if (d->c.signs_in)
		probe_wants(&d->c, &wants);
	if (wants.resource_metadata)
		doctor_discover(d, wants.resource_metadata);
	if (!wants.resource_metadata) {
		skipped(f, "none is published (HTTP %ld)", seen->status);
	} else if (seen->unusable) {
		failed_as(f, &seen->e);
		advise(f, "Nobody can sign in there; tell whoever runs the server.");
	} else if (seen->found || seen->e.kind) {
		say_resource(d, "the resource metadata that the server names", f);
	} else {
		/* A sign-in passes over what is not there. */
		warn_of(f, "the server's challenge names a document that does not exist (HTTP %ld)",
			seen->first);
		advise(f, "Signing in works without it; tell the operator of the server.");
	}
	challenge_clear(&wants);
}

void doctor_resource(struct doctor *d, struct finding *f)
{
	if (d->resource.found || d->resource.e.kind)
		say_resource(d, "the resource metadata", f);
	else
		ask_named(d, f);
	/* A credential that is given needs no document. */
	if (f->state == FOUND_FAILURE && !d->c.signs_in)
		f->state = FOUND_WARNING;
}

/* ---- server metadata ---- */

static void found_server(const struct doctor *d, struct finding *f)
{
	const struct server_traits *t = &d->traits;
	const char *registers = d->offered.registration_endpoint
					? ", supports client registration"
					: ", does not support client registration";
	char names[200] = "";
	size_t len = 0;

	if (!t->nunused) {
		found(f, "%s%s", d->server.issuer, registers);
		return;
	}
	for (size_t i = 0; i < t->nunused && len < sizeof(names); i++)
		len += (size_t)snprintf(
			names + len, sizeof(names) - len, "%s%s", i ? ", " : "", t->unused[i]);
	warn_of(f, "%s%s; not used because they are not https URLs: %s", d->server.issuer,
		registers, names);
	advise(f, "Signing in works without them; tell the operator of the server.");
}

void doctor_server(struct doctor *d, struct finding *f)
{
	const struct seen *seen = &d->server;

	if (!d->c.signs_in) {
		skipped(f, "not needed with this credential");
	} else if (seen->found) {
		found_server(d, f);
	} else if (is_wrong(seen)) {
		failed(f, seen->e.kind, "%s (%s)", seen->e.msg, seen->issuer);
		advise(f, "Nobody can sign in there; tell whoever runs the server.");
	} else if (seen->e.kind) {
		no_document(seen, "the sign-in server's metadata", f);
	} else if (!seen->guessed) {
		failed(f, ERR_PROTO, "%s publishes no metadata (HTTP %ld)", seen->issuer,
			seen->status);
		advise(f, "Nobody can sign in there; tell whoever runs the server.");
	} else {
		skipped(f, "none is published (HTTP %ld)", seen->status);
	}
}

/* ---- token ---- */

struct waiting {
	struct doctor *d;
	enum auth_state state;
	struct err e;
};

static void token_came(void *ctx, enum auth_state state, const struct err *e)
{
	struct waiting *w = ctx;

	w->state = state;
	if (e)
		w->e = *e;
	loop_stop(w->d->c.loop);
}

/* As a bridge would: a token that is about to end is renewed. No page is opened. */
static enum auth_state token_at_hand(struct doctor *d, struct err *e)
{
	struct waiting w = { .d = d, .state = AUTH_FAILED };
	struct auth_waiter waiter = { .fn = token_came, .ctx = &w };
	struct auth_value v = { 0 };
	enum auth_state state = auth_value(d->auth, &v, &waiter, e);

	if (state != AUTH_WAIT)
		return state;
	err_set(&w.e, ERR_CANCELLED, "interrupted");
	if (!loop_run(d->c.loop, &w.e))
		diag_debug("%s", err_text(&w.e));
	auth_unwait(&waiter);
	*e = w.e;
	return w.state;
}

static bool has_token(struct doctor *d)
{
	struct auth_value v = { 0 };
	struct err e = { 0 };

	return auth_value(d->auth, &v, NULL, &e) == AUTH_READY && v.field;
}

struct other {
	const struct doctor *d;
	char url[300];
	const char *region;
};

static bool look_for_other(void *ctx, const struct store *s, const struct signin_record *g)
{
	struct other *o = ctx;

	(void)s;
	if (strcmp(g->url, o->d->c.url) == 0 || strchr(g->url, '?'))
		return true;
	snprintf(o->url, sizeof(o->url), "%.299s", g->url);
	o->region = endpoint_region(o->url);
	return false;
}

static void nothing_kept(struct doctor *d, struct finding *f)
{
	struct other o = { .d = d };
	struct err e = { 0 };
	char *command;

	if (!d->resource.found && !d->server.found) {
		skipped(f, "none is saved, and the server publishes no OAuth metadata");
		return;
	}
	if (!store_each(d->a->auth_dir, look_for_other, &o, &e))
		diag_debug("%s", err_text(&e));
	failed(f, ERR_AUTH, "no sign-in is saved for %s%s%s", d->shown,
		*o.url ? ", only for others, such as " : "", err_clean(o.url));
	command = oauth_command(&d->c.oauth, NULL);
	if (o.region && endpoint_region(d->c.url))
		advise(f, "Run \"%s\", or did you mean --region %s?", command, o.region);
	else
		advise(f, "Run \"%s\"; if nobody can sign in, set MIXPANEL_SA_TOKEN.", command);
	free(command);
}

static void describe_token(struct doctor *d, bool renewed, struct finding *f)
{
	char until[64];

	format_expiry(&d->record, until);
	found(f, "%s%s", until, renewed ? "; refreshed just now" : "");
}

static void reload(struct doctor *d)
{
	signin_record_clear(&d->record);
	d->kept = store_load(d->store, &d->record, &d->kept_why);
}

static void try_token(struct doctor *d, struct finding *f)
{
	uint64_t before = store_stamp(d->store);
	struct err e = { 0 };

	if (token_at_hand(d, &e) == AUTH_READY) {
		reload(d);
		if (d->c.oauth.client_credentials && !has_token(d))
			skipped(f, "none until the service says where to get one");
		else if (d->c.oauth.client_credentials)
			found(f, "the server gave one");
		else
			describe_token(d, store_stamp(d->store) != before, f);
		return;
	}
	failed_as(f, &e);
	if (e.kind == ERR_AUTH && !d->c.oauth.client_credentials) {
		failed(f, e.kind, "the sign-in has expired, and the server does not refresh it");
		doctor_login(d, NULL, f);
	} else if (e.kind == ERR_AUTH) {
		advise(f, "Check the client of --static-oauth-client-info.");
	} else {
		advise(f, "Try again later; the sign-in is still saved.");
	}
}

void doctor_token(struct doctor *d, struct finding *f)
{
	bool some = secret_isset(&d->record.access) || secret_isset(&d->record.refresh);

	if (!d->c.signs_in) {
		skipped(f, "not needed with this credential");
	} else if (d->c.oauth.client_credentials) {
		try_token(d, f);
	} else if (d->kept == STORE_BROKEN || d->kept == STORE_FAILED || d->kept == STORE_CLOSED) {
		failed(f, d->kept == STORE_BROKEN ? ERR_AUTH : d->kept_why.kind, "%s",
			d->kept_why.msg);
		doctor_login(d, NULL, f);
	} else if (!some) {
		nothing_kept(d, f);
		if (service_account_empty())
			advise(f, "%s", service_account_empty());
	} else if (!secret_isset(&d->record.refresh) && d->record.expires_s &&
		   d->record.expires_s <= clock_wall_s()) {
		failed(f, ERR_AUTH, "the sign-in has expired and has no refresh token");
		doctor_login(d, NULL, f);
	} else {
		try_token(d, f);
	}
}

/* ---- scopes ---- */

static char *pinned_scope(const struct doctor *d)
{
	const char *text = d->c.client_metadata;
	json_t *m = text ? json_loads(text, 0, NULL) : NULL;
	const char *scope = json_string_value(json_object_get(m, "scope"));
	char *copy = scope ? mem_dup(scope) : NULL;

	json_decref(m);
	return copy;
}

/* The words of `wanted` that are not in `held`, with commas; as many as go in, the last one cut. */
static size_t missing_scopes(const char *wanted, const char *held, char *out, size_t size)
{
	size_t count = 0, len = 0;

	for (const char *p = wanted; *p;) {
		size_t n = strcspn(p, " ");

		if (n && !scope_has(held, p, n)) {
			snprintf(out + len, size - len, "%s%.*s", count++ ? ", " : "", (int)n, p);
			len += strlen(out + len);
		}
		p += n + strspn(p + n, " ");
	}
	return count;
}

void doctor_scopes(struct doctor *d, struct finding *f)
{
	char *pinned = pinned_scope(d);
	const char *wanted = pinned ? pinned : d->offered.scopes_offered,
		   *held = d->record.scope_granted, *by = pinned ? "requested" : "offered";
	size_t all = count_words(wanted), without;
	char names[ERR_MSG_MAX / 2] = "";

	if (!d->c.signs_in || d->kept != STORE_OK) {
		skipped(f, "there is no sign-in to compare");
	} else if (!wanted || !all) {
		skipped(f, "the server names none");
	} else if (!held) {
		skipped(f, "the server did not say which it granted");
	} else if (!(without = missing_scopes(wanted, held, names, sizeof(names)))) {
		found(f, "all %zu that are %s", all, by);
	} else {
		warn_of(f, "%zu of the %zu that are %s; missing: %s", all - without, all, by,
			err_clean(names));
		doctor_login(d, "--force", f);
	}
	free(pinned);
}
