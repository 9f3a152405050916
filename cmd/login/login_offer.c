/* What the server offers now: where to sign in, and with which scopes. */
#include <stdlib.h>
#include <string.h>

#include "auth/oauth.h"
#include "base/diag.h"
#include "base/mem.h"
#include "login/login.h"

/* Longest wait for news of more scopes: who is signed in already wants one line, soon. */
#define NEWS_MS 10000

struct offer {
	struct loop *loop;
	struct discover *discover;
	bool known;
};

static void discovered(void *ctx, const struct err *e)
{
	struct offer *o = ctx;

	o->discover = NULL;
	o->known = !e;
	if (e)
		diag_debug("%s", err_text(e));
	loop_stop(o->loop);
}

static void took_too_long(void *ctx)
{
	loop_stop(ctx);
}

bool login_discover(struct login *l, const struct discover_call *c, int64_t within_ms,
	struct signin_record *offered)
{
	struct offer o = { .loop = l->c->loop };
	struct server_traits traits;
	struct loop_timer timer;
	struct err e = { 0 };

	loop_timer_init(&timer, l->c->loop, took_too_long, l->c->loop);
	if (within_ms)
		loop_timer_set(&timer, within_ms);
	o.discover = discover_start(l->c->http, c, offered, &traits, discovered, &o, &e);
	if (!o.discover || !loop_run(l->c->loop, &e))
		diag_debug("%s", err_text(&e));
	discover_cancel(o.discover);
	loop_timer_clear(&timer);
	return o.known;
}

/* For status, which asks nobody. */
static void remember(struct login *l, const char *offered)
{
	bool busy = false;
	struct signin_record g = { 0 };
	struct err e = { 0 };
	int lock;

	if (!offered || (l->known.scopes_offered && strcmp(offered, l->known.scopes_offered) == 0))
		return;
	lock = store_lock(l->store, &busy, &e);
	if (lock >= 0 && store_load(l->store, &g, &e) == STORE_OK) {
		free(g.scopes_offered);
		g.scopes_offered = mem_dup(offered);
		if (!store_save(l->store, &g, &e))
			diag_debug("%s", err_text(&e));
	}
	store_unlock(lock);
	signin_record_clear(&g);
}

char *login_scopes_to_gain(struct login *l)
{
	struct discover_call c = { .endpoint = l->c->url, .known_issuer = l->known.issuer };
	struct signin_record offered = { 0 };
	bool known = login_discover(l, &c, NEWS_MS, &offered);
	char *more;

	if (known)
		remember(l, offered.scopes_offered);
	more = oauth_scopes_to_gain(
		&l->c->oauth, known ? offered.scopes_offered : l->known.scopes_offered, &l->known);
	signin_record_clear(&offered);
	return more;
}
