#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/store.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "net/fetch.h"
#include "net/url.h"

/* The files go whether or not the server answers. */
#define REVOKE_MS 10000

struct logout {
	struct context *c;
	struct fetch *fetch;
	size_t count;
	struct err e;
};

static void revoked(void *ctx, const struct fetch_answer *a)
{
	struct logout *l = ctx;

	l->fetch = NULL;
	if (a->how != HTTP_DONE || a->status >= 400)
		diag_note("the server did not revoke the token; it is forgotten here all the same");
	loop_stop(l->c->loop);
}

/* RFC 7009: the refresh token, which takes the access tokens with it. */
static void revoke(struct logout *l, const struct grant *g)
{
	bool refresh = secret_isset(&g->refresh);
	struct fetch_call c = { .url = g->revocation_endpoint,
		.content_type = "application/x-www-form-urlencoded",
		.cap = 65536,
		.total_ms = REVOKE_MS };
	struct buf form, authorization;
	struct err e = { 0 };

	if (!g->revocation_endpoint || (!refresh && !secret_isset(&g->access)))
		return;
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
		diag_note("the token could not be revoked: %s", e.msg);
	buf_wipe(&form);
	buf_wipe(&authorization);
}

static bool forget(void *ctx, const char *path, const struct grant *g)
{
	struct logout *l = ctx;

	revoke(l, g);
	if (!store_remove(path, &l->e))
		return false;
	printf("Signed out of %s.\n", g->url);
	l->count++;
	return true;
}

static bool forget_one(struct logout *l)
{
	struct store *s = context_store(l->c, &l->e);
	struct grant g;
	bool good = false;

	if (!s)
		return false;
	switch (store_load(s, &g, &l->e)) {
	case STORE_OK:
		good = forget(l, store_path(s), &g);
		grant_clear(&g);
		break;
	case STORE_NONE:
	case STORE_BROKEN:
		l->e = (struct err){ 0 };
		good = true;
		break;
	case STORE_FAILED:
		break;
	}
	store_free(s);
	return good;
}

int cmd_logout(const struct args *a)
{
	struct context c;
	struct logout l = { .c = &c };
	bool good = context_open(a, &c, &l.e);

	if (good)
		good = a->all ? store_each(a->auth_dir, forget, &l, &l.e) && !l.e.kind
			      : forget_one(&l);
	if (!good)
		diag_error("%s", l.e.msg);
	else if (!l.count)
		printf("There is no sign-in to forget.\n");
	fetch_cancel(l.fetch);
	context_close(&c);
	return (int)exit_for(l.e.kind);
}
