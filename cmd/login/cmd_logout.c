#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/kept_account.h"
#include "auth/store.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "net/fetch.h"
#include "net/url.h"
#include "format.h"

/* The files go whether or not the server answers. */
#define REVOKE_MS 10000

struct logout {
	struct context *c;
	struct fetch *fetch;
	size_t count;
	bool revoked;
	struct err e;
};

static void revoked(void *ctx, const struct fetch_answer *a)
{
	struct logout *l = ctx;

	l->fetch = NULL;
	l->revoked = a->how == HTTP_DONE && a->status < 300;
	if (a->how != HTTP_DONE)
		diag_debug("%s", err_text(a->e));
	loop_stop(l->c->loop);
}

/* RFC 7009: the refresh token, which takes the access tokens with it. */
static void revoke(struct logout *l, const struct signin_record *g)
{
	bool refresh = secret_isset(&g->refresh);
	struct fetch_call c = { .url = g->revocation_endpoint,
		.content_type = "application/x-www-form-urlencoded",
		.cap = 65536,
		.total_ms = REVOKE_MS };
	struct buf form, authorization;
	struct err e = { 0 };

	l->revoked = false;
	buf_init(&form, 65536);
	buf_init(&authorization, 65536);
	if (url_form_add(&form, "token", secret_str(refresh ? &g->refresh : &g->access)) &&
		url_form_add(
			&form, "token_type_hint", refresh ? "refresh_token" : "access_token") &&
		token_authenticate(g, &form, &authorization)) {
		c.body = buf_str(&form);
		c.authorization = authorization.len ? authorization.p : NULL;
		l->fetch = fetch_start(l->c->http, &c, revoked, l, &e);
	}
	if (!l->fetch || !loop_run(l->c->loop, &e))
		diag_debug("%s", err_text(&e));
	buf_wipe(&form);
	buf_wipe(&authorization);
}

static void say_what_remains(const struct logout *l, const struct signin_record *g)
{
	char until[64];

	format_expiry(g, until);
	if (g->revocation_endpoint && !l->revoked)
		diag_note("the server did not revoke the tokens; they are deleted here anyway");
	else if (!g->revocation_endpoint && secret_isset(&g->access) &&
		 g->expires_s > clock_wall_s())
		printf("The token was deleted here, but the server cannot revoke it: it remains "
		       "%s.\n",
			until);
}

/* With the lock held: whoever refreshes now would bring the sign-in back. */
static bool forget_locked(struct logout *l, const struct store *s)
{
	struct signin_record g;
	bool some = false;

	switch (store_load(s, &g, &l->e)) {
	case STORE_OK:
		some = secret_isset(&g.refresh) || secret_isset(&g.access);
		break;
	case STORE_NONE:
	case STORE_BROKEN:
		l->e = (struct err){ 0 };
		break;
	case STORE_FAILED:
	case STORE_CLOSED:
		return false;
	}
	if (some && g.revocation_endpoint)
		revoke(l, &g);
	if (store_forget(s, &l->e) && some) {
		char *url = url_shown(g.url);

		printf("Signed out of %s%s%s%s.\n", url, g.profile ? " (profile " : "",
			g.profile ? g.profile : "", g.profile ? ")" : "");
		free(url);
		secret_clear(&g.refresh); /* nothing is renewed any more */
		say_what_remains(l, &g);
		l->count++;
	}
	signin_record_clear(&g);
	return !l->e.kind;
}

static bool forget(struct logout *l, const struct store *s)
{
	struct err e = { 0 };
	int lock = context_lock(l->c, s, &e);
	bool good;

	if (lock < 0)
		diag_debug("%s", err_text(&e));
	good = forget_locked(l, s);
	store_unlock(lock);
	return good;
}

/* ---- service accounts ---- */

static bool forget_account(struct logout *l, const struct kept_account *k)
{
	char *url;

	if (!file_remove(k->path, &l->e))
		return false;
	url = url_shown(k->url);
	printf("Removed the service account of %s%s%s%s.\n", url, k->profile ? " (profile " : "",
		k->profile ? k->profile : "", k->profile ? ")" : "");
	free(url);
	l->count++;
	return true;
}

/* One that cannot be read goes, too. */
static bool forget_own_account(struct logout *l)
{
	const struct oauth_options *o = &l->c->oauth;
	struct kept_account k;
	struct err e = { 0 };
	enum store_status status = kept_account_load(o->auth_dir, o->url, o->profile, &k, &e);
	char *path = NULL;
	bool good = true;

	if (status == STORE_OK) {
		good = forget_account(l, &k);
	} else if (status != STORE_NONE) {
		path = kept_account_path(o->auth_dir, o->url, o->profile, &l->e);
		good = path && file_remove(path, &l->e);
	}
	kept_account_clear(&k);
	free(path);
	return good;
}

/* ---- all of them ---- */

/* --all is narrowed by a URL or region, and by a profile. */
static bool is_meant(const struct logout *l, const char *url, const char *profile)
{
	const struct options *a = l->c->a;

	return (!(a->url || a->region) || strcmp(url, l->c->url) == 0) &&
	       (!a->profile || (profile && strcmp(profile, a->profile) == 0));
}

static bool forget_each(void *ctx, const struct store *s, const struct signin_record *g)
{
	return !is_meant(ctx, g->url, g->profile) || forget(ctx, s);
}

static bool forget_each_account(void *ctx, const struct kept_account *k)
{
	return !is_meant(ctx, k->url, k->profile) || forget_account(ctx, k);
}

/* What it is not narrowed by would be forgotten against the person's word. */
static bool check_all(const struct options *a, struct err *e)
{
	return !(a->resource || a->client_metadata_url || a->client_info || a->authorize_params.n ||
		       a->use_id_token) ||
	       err_set(e, ERR_USAGE,
		       "--all can be combined with a URL, --region or --profile, but not with "
		       "other options that select a sign-in: remove --all to delete that one");
}

/* The whole folder, as it was asked for: also what sign-ins that are gone left behind. */
static bool forget_all(struct logout *l, struct err *unread)
{
	const struct options *a = l->c->a;

	if (!check_all(a, &l->e))
		return false;
	if (!a->url && !a->region && !a->profile)
		store_sweep(a->auth_dir);
	kept_account_each(a->auth_dir, forget_each_account, l);
	return !l->e.kind && store_each(a->auth_dir, forget_each, l, unread) && !l->e.kind;
}

static bool forget_one(struct logout *l)
{
	struct store *s = context_store(l->c, &l->e);
	bool good = s && forget(l, s) && forget_own_account(l);

	store_free(s);
	return good;
}

struct kept {
	const char *url;
	size_t of_url, others;
};

static bool count_one(void *ctx, const struct store *s, const struct signin_record *g)
{
	struct kept *k = ctx;

	(void)s;
	if (!secret_isset(&g->refresh) && !secret_isset(&g->access))
		return true;
	if (strcmp(g->url, k->url) == 0)
		k->of_url++;
	else
		k->others++;
	return true;
}

/* The same address with other options is another sign-in, and bridges go on with it. */
static void say_what_is_kept(const struct kept *k)
{
	bool one = k->of_url == 1;

	if (k->of_url)
		printf("%zu other%s for this address %s still saved: \"mpmcp logout\" deletes %s "
		       "with the "
		       "options that %s made with (--profile, --resource, --authorize-param, "
		       "--static-oauth-client-info, --client-metadata-url).\n",
			k->of_url, one ? "" : "s", one ? "is" : "are", one ? "it" : "each",
			one ? "it was" : "they were");
	if (k->others)
		printf("%zu other%s still saved.\n", k->others, k->others == 1 ? " is" : "s are");
	if (k->of_url || k->others)
		printf("\"mpmcp status\" lists what is saved, \"mpmcp logout --all\" deletes "
		       "all.\n");
}

/* Whoever names the wrong region or profile would believe to be signed out. */
static void say_nothing_was_there(const struct logout *l)
{
	const struct options *a = l->c->a;
	struct kept k = { .url = l->c->url };
	struct err e = { 0 };

	if (a->all && !a->url && !a->region && !a->profile) {
		printf("There is no sign-in to delete.\n");
		return;
	}
	printf("There is no sign-in to delete for %s%s%s%s.\n", l->c->shown,
		a->profile ? " (profile " : "", a->profile ? a->profile : "",
		a->profile ? ")" : "");
	if (!store_each(a->auth_dir, count_one, &k, &e))
		diag_debug("%s", err_text(&e));
	say_what_is_kept(&k);
}

int cmd_logout(const struct options *a)
{
	struct context c;
	struct logout l = { .c = &c };
	struct err unread = { 0 };
	bool good = context_open(a, &c, &l.e);

	if (good)
		good = a->all ? forget_all(&l, &unread) : forget_one(&l);
	if (!l.e.kind)
		l.e = unread;
	if (!good)
		diag_error("%s", err_text(&l.e));
	else if (!l.count)
		say_nothing_was_there(&l);
	fetch_cancel(l.fetch);
	context_close(&c);
	return (int)exit_for(l.e.kind);
}
