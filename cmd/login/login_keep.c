/* Saves a sign-in that is new, and has the service accept it: one request as a bridge sends it. */
#include <stdlib.h>
#include <string.h>

#include "auth/oauth.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "login/login.h"
#include "probe.h"
#include "projects.h"

/* ---- the note ---- */

void login_note(const struct login *l, const char *url, const char *code)
{
	struct store_note n = { .at_s = clock_wall_s(),
		.kind = l->e.kind,
		.reason = l->e.reason,
		.message = l->e.kind ? mem_dup(l->e.msg) : NULL,
		.advice = l->e.kind ? mem_dup(l->e.advice) : NULL,
		.url = url ? mem_dup(url) : NULL,
		.code = code ? mem_dup(code) : NULL };
	struct err e = { 0 };

	if (l->lock >= 0 && !store_note_write(l->store, &n, &e))
		diag_debug("%s", err_text(&e));
	store_note_clear(&n);
}

void login_is_over(struct login *l)
{
	login_note(l, NULL, NULL);
	store_unlock(l->lock);
	l->lock = -1;
}

/* ---- saving ---- */

/* A person's new sign-in takes the place of any other. One that is imported does not, unless it was asked for:
 * finding its server takes a while. */
static bool may_keep(struct login *l)
{
	struct signin_record now;

	if (!l->c->a->import || l->c->a->force ||
		store_since(l->store, &l->known.refresh, &now) != STORE_OTHER)
		return true;
	signin_record_clear(&now);
	return err_set(&l->e, ERR_IO,
		"another sign-in was saved meanwhile and stays; --force imports over it");
}

static bool keep(struct login *l)
{
	int lock = context_lock(l->c, l->store, &l->e);
	bool kept = lock >= 0 && may_keep(l) && store_save(l->store, &l->g, &l->e);

	store_unlock(lock);
	if (!kept)
		err_prefix(&l->e, "signed in, but the sign-in cannot be saved");
	login_is_over(l);
	return kept;
}

/* ---- proving ---- */

struct proving {
	struct login *l;
	struct auth *auth;
	struct auth_waiter waiter;
	struct probe *probe;
	unsigned long gen;
	unsigned refused;
};

static void ask_service(struct proving *p);

static void finish_proof(struct proving *p, const struct err *e)
{
	struct login *l = p->l;

	if (e) {
		l->e = *e;
		err_prefix(&l->e, "signed in, and tried");
	}
	l->done = true;
	loop_stop(l->c->loop);
}

static void token_ready(void *ctx, enum auth_state state, const struct err *e)
{
	if (state == AUTH_READY)
		ask_service(ctx);
	else
		finish_proof(ctx, e);
}

/* A token from elsewhere may have been given up, and be renewed all the same. */
static void renew(struct proving *p, const struct err *e)
{
	const struct auth_refusal r = {
		.gen = p->gen, .status = 401, .words = "", .tries = p->refused++
	};
	struct err why = { 0 };

	switch (auth_challenged(p->auth, &r, &p->waiter, &why)) {
	case AUTH_WAIT:
		break;
	case AUTH_READY:
		ask_service(p);
		break;
	case AUTH_FAILED:
		finish_proof(p, e);
		break;
	}
}

static void proven(void *ctx, enum probe_result how, const struct err *e, const char *said,
	struct challenge *wants)
{
	struct proving *p = ctx;

	(void)wants;
	p->probe = NULL;
	if (how == PROBE_REFUSED && !p->refused) {
		renew(p, e);
		return;
	}
	if (said)
		diag_note("signed in, but %s", said);
	finish_proof(p, e);
}

/* As a bridge takes it: from the file, renewed when it has ended. */
static void ask_service(struct proving *p)
{
	struct auth_value v = { 0 };
	struct err e = { 0 };

	p->waiter = (struct auth_waiter){ .fn = token_ready, .ctx = p };
	switch (auth_value(p->auth, &v, &p->waiter, &e)) {
	case AUTH_WAIT:
		return;
	case AUTH_READY:
		p->gen = v.gen;
		if (v.field)
			p->probe = probe_start(p->l->c, v.field, proven, p, &e);
		else
			err_set(&e, ERR_AUTH, "the sign-in has already expired");
		break;
	case AUTH_FAILED:
		break;
	}
	if (!p->probe)
		finish_proof(p, &e);
}

static bool prove(struct login *l)
{
	struct proving p = { .l = l };

	l->c->oauth.no_browser = true; /* one page is enough */
	p.auth = auth_new_oauth(l->c->loop, l->c->http, &l->c->http_opts, &l->c->oauth, &l->e);
	if (!p.auth)
		return false;
	l->done = false;
	ask_service(&p);
	if (!l->done && !loop_run(l->c->loop, &l->e))
		loop_stop(l->c->loop);
	auth_unwait(&p.waiter);
	probe_cancel(p.probe);
	auth_free(p.auth);
	return !l->e.kind;
}

/* What is kept now: a proof may have renewed it. */
static void read_back(struct login *l)
{
	struct signin_record g = { 0 };
	struct err e = { 0 };

	if (store_load(l->store, &g, &e) == STORE_OK) {
		signin_record_clear(&l->g);
		l->g = g;
	} else {
		signin_record_clear(&g);
	}
}

bool login_keep(struct login *l, const char *outcome)
{
	bool good = keep(l) && prove(l);

	if (!good)
		return false;
	read_back(l);
	login_say_signed_in(l, outcome, projects_visible(l->c));
	return true;
}
