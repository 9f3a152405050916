/* Signing in: what the servers publish, what is kept, and whether that is what they want now. */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/scope.h"
#include "auth/server.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "proof.h"
#include "target.h"
#include "words.h"

#define PLACES_MAX 4

void doctor_login(const struct doctor *d, const char *more, struct finding *f)
{
	char *command = oauth_command(&d->c.oauth, more);

	advise(f, "Run \"%s\".", command);
	free(command);
}

/* Not a page that a server has for every address. */
static bool has_document(const struct doctor *d)
{
	return d->status == 200 && server_is_document(buf_str(&d->body), d->body.len);
}

static bool is_known(char *places[PLACES_MAX], size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (places[k] && strcmp(places[k], places[i]) == 0)
			return true;
	return false;
}

/* Asks one place after the other from *at on, as a sign-in does. True when the one at *at has a document;
 * false with d->status 0 and d->answer_e, or with the last status. */
static bool ask_places(struct doctor *d, char *places[PLACES_MAX], size_t *at)
{
	for (; *at < PLACES_MAX; ++*at) {
		if (!places[*at] || is_known(places, *at))
			continue;
		doctor_get(d, places[*at]);
		if (has_document(d))
			return true;
		if (!d->status || d->status == 429 || d->status >= 500)
			break;
	}
	return false;
}

static void free_places(char *places[PLACES_MAX])
{
	for (size_t i = 0; i < PLACES_MAX; i++)
		free(places[i]);
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

/* Neither a document nor a plain "there is none". */
static void no_document(struct doctor *d, const char *what, struct finding *f)
{
	if (d->status)
		failed(f, ERR_SERVER, "%s cannot be had (HTTP %ld)", what, d->status);
	else
		failed(f, d->answer_e.kind, "%s cannot be had: %s", what, d->answer_e.msg);
	advise(f, "Try again later; a sign-in cannot begin without it.");
}

/* ---- resource metadata ---- */

static void read_resource(struct doctor *d, struct finding *f)
{
	struct server_issuers issuers;
	struct err e = { 0 };
	size_t n;

	if (!server_read_resource(
		    buf_str(&d->body), d->body.len, d->c.url, &d->offered, &issuers, &e)) {
		failed(f, e.kind, "%s", e.msg);
		advise(f, "Check the URL: it has to be the one that the server goes by.");
		return;
	}
	d->issuer = issuers.n ? mem_dup(issuers.item[0]) : NULL;
	server_issuers_clear(&issuers);
	n = count_words(d->offered.scopes_offered);
	found(f, "%zu scope%s; sign-in server %s", n, n == 1 ? "" : "s",
		d->issuer ? d->issuer : "of the same origin");
}

/* A sign-in passes over what is not there. */
static void not_where_named(struct doctor *d, struct finding *f)
{
	if (!d->status || d->status == 429 || d->status >= 500) {
		no_document(d, "the resource metadata that the server names", f);
		return;
	}
	warn_of(f, "the server's challenge names a document that does not exist (HTTP %ld)",
		d->status);
	advise(f, "Signing in works without it; tell the operator of the server.");
}

/* Where neither well-known place has a document, the challenge may name another. */
static bool ask_named(struct doctor *d, struct finding *f)
{
	long status = d->status;
	bool named = false;
	struct challenge wants = { 0 };
	struct err e = { 0 };

	if (d->c.signs_in)
		proof_wants(&d->c, &wants);
	if (!wants.resource_metadata) {
		skipped(f, "none is published (HTTP %ld)", status);
	} else if (!server_url_ok(wants.resource_metadata, d->c.url, "resource metadata", &e)) {
		failed(f, e.kind, "%s", e.msg);
		advise(f, "Nobody can sign in there; tell who runs the server.");
	} else {
		doctor_get(d, wants.resource_metadata);
		named = has_document(d);
		if (!named)
			not_where_named(d, f);
	}
	challenge_clear(&wants);
	return named;
}

void doctor_resource(struct doctor *d, struct finding *f)
{
	char *places[PLACES_MAX] = { NULL,
		url_well_known_root(d->c.url, "oauth-protected-resource", NULL) };
	size_t at = 1;

	/* The first place was asked by the check before. */
	if (has_document(d) || ask_places(d, places, &at))
		read_resource(d, f);
	else if (!d->status || d->status == 429 || d->status >= 500)
		no_document(d, "the resource metadata", f);
	else if (ask_named(d, f))
		read_resource(d, f);
	free_places(places);
	/* A credential that is given needs no document. */
	if (f->state == FOUND_FAILURE && !d->c.signs_in)
		f->state = FOUND_WARNING;
}

/* ---- server metadata ---- */

/* The first document that fits; *wrong is about the first one that does not. */
static bool find_server(
	struct doctor *d, char *places[PLACES_MAX], struct server_traits *traits, struct err *wrong)
{
	for (size_t at = 0; ask_places(d, places, &at); at++) {
		struct err e = { 0 };

		if (server_read_metadata(buf_str(&d->body), d->body.len, d->issuer, d->guessed,
			    d->c.url, &d->offered, traits, &e) &&
			(!oauth_needs_pkce(&d->c.oauth) || server_takes_pkce(traits, &e)))
			return true;
		if (!wrong->kind)
			*wrong = e;
	}
	return false;
}

/* MCP 2025-03-26: without a resource document the endpoint's origin, when it says so. */
static bool take_origin(struct doctor *d)
{
	struct buf origin;
	bool good;

	buf_init(&origin, URL_MAX);
	good = url_origin(&d->u, &origin);
	if (good)
		d->issuer = buf_take(&origin, NULL);
	d->guessed = good;
	buf_free(&origin);
	return good;
}

static void found_server(const struct doctor *d, const struct server_traits *t, struct finding *f)
{
	const char *registers = d->offered.registration_endpoint ? ", registers clients by itself"
								 : ", does not register clients";
	char names[200] = "";
	size_t len = 0;

	if (!t->nunused) {
		found(f, "%s%s", d->issuer, registers);
		return;
	}
	for (size_t i = 0; i < t->nunused && len < sizeof(names); i++)
		len += (size_t)snprintf(
			names + len, sizeof(names) - len, "%s%s", i ? ", " : "", t->unused[i]);
	warn_of(f, "%s%s; not used because they are not https URLs: %s", d->issuer, registers,
		names);
	advise(f, "Signing in works without them; tell the operator of the server.");
}

void doctor_server(struct doctor *d, struct finding *f)
{
	bool named = d->issuer != NULL;
	char *places[PLACES_MAX] = { NULL };
	struct server_traits traits = { 0 };
	struct err wrong = { 0 };

	if (!d->c.signs_in) {
		skipped(f, "not needed with this credential");
		return;
	}
	if (!named && !take_origin(d))
		return;
	places[0] = url_well_known(d->issuer, "oauth-authorization-server", NULL);
	places[1] = url_well_known(d->issuer, "openid-configuration", NULL);
	places[2] = url_well_known_behind(d->issuer, "openid-configuration", NULL);
	/* No place by the standard, and seen; what it says of the issuer decides. */
	places[3] = url_well_known_root(d->issuer, "oauth-authorization-server", NULL);
	if (find_server(d, places, &traits, &wrong)) {
		found_server(d, &traits, f);
	} else if (wrong.kind) {
		failed(f, wrong.kind, "%s (%s)", wrong.msg, d->issuer);
		advise(f, "Nobody can sign in there; tell who runs the server.");
	} else if (!d->status || d->status == 429 || d->status >= 500) {
		no_document(d, "the sign-in server's metadata", f);
	} else if (named) {
		failed(f, ERR_PROTO, "%s publishes no metadata (HTTP %ld)", d->issuer, d->status);
		advise(f, "Nobody can sign in there; tell who runs the server.");
	} else {
		skipped(f, "none is published (HTTP %ld)", d->status);
	}
	free_places(places);
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
		diag_debug("%s", w.e.msg);
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

static bool look_for_other(void *ctx, const struct store *s, const struct grant *g)
{
	struct other *o = ctx;

	(void)s;
	if (strcmp(g->url, o->d->c.url) == 0 || strchr(g->url, '?'))
		return true;
	snprintf(o->url, sizeof(o->url), "%.299s", g->url);
	o->region = target_region(o->url);
	return false;
}

static void nothing_kept(struct doctor *d, struct finding *f)
{
	struct other o = { .d = d };
	struct err e = { 0 };
	char *command;

	if (!d->offered.resource && !d->offered.token_endpoint) {
		skipped(f, "none is kept, and the server publishes nothing about sign-ins");
		return;
	}
	if (!store_each(d->a->auth_dir, look_for_other, &o, &e))
		diag_debug("%s", e.msg);
	failed(f, ERR_AUTH, "no sign-in is kept for %s%s%s", d->shown,
		*o.url ? ", only for others, such as " : "", err_clean(o.url));
	command = oauth_command(&d->c.oauth, NULL);
	if (o.region && target_region(d->c.url))
		advise(f, "Run \"%s\"; or is it --region %s that you want?", command, o.region);
	else
		advise(f, "Run \"%s\"; where nobody can sign in, set MIXPANEL_SA_TOKEN.", command);
	free(command);
}

static void describe_token(struct doctor *d, bool renewed, struct finding *f)
{
	char until[64];

	words_expiry(&d->grant, until);
	found(f, "%s%s", until, renewed ? "; renewed just now" : "");
}

static void reload(struct doctor *d)
{
	grant_clear(&d->grant);
	d->kept = store_load(d->store, &d->grant, &d->kept_why);
}

static void try_token(struct doctor *d, struct finding *f)
{
	uint64_t before = store_stamp(d->store);
	struct err e = { 0 };

	if (token_at_hand(d, &e) == AUTH_READY) {
		reload(d);
		if (d->c.oauth.client_credentials && !has_token(d))
			skipped(f, "none before the service has said where to get one");
		else if (d->c.oauth.client_credentials)
			found(f, "the server gave one");
		else
			describe_token(d, store_stamp(d->store) != before, f);
		return;
	}
	failed(f, e.kind, "%s", e.msg);
	if (e.kind == ERR_AUTH && !d->c.oauth.client_credentials) {
		failed(f, e.kind, "the sign-in has ended, and the server does not renew it");
		doctor_login(d, NULL, f);
	} else if (e.kind == ERR_AUTH) {
		advise(f, "Check the client of --static-oauth-client-info.");
	} else {
		advise(f, "Try again later: the sign-in is kept.");
	}
}

void doctor_token(struct doctor *d, struct finding *f)
{
	bool some = secret_isset(&d->grant.access) || secret_isset(&d->grant.refresh);

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
	} else if (!secret_isset(&d->grant.refresh) && d->grant.expires_s &&
		   d->grant.expires_s <= clock_wall_s()) {
		failed(f, ERR_AUTH, "the sign-in has ended, and it came without a way to renew it");
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
		   *held = d->grant.scope_granted, *by = pinned ? "asked for" : "offered";
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
