/* mpmcp login: what is to be done for this endpoint, and whether anybody is there to do it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/browser.h"
#include "auth/oauth.h"
#include "auth/service_account.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "endpoint.h"
#include "exit.h"
#include "login/login.h"
#include "login/question.h"
#include "os/file.h"
#include "os/start.h"
#include "os/terminal.h"

/* ---- who is there ---- */

/* Somebody can see the address, or a browser. A program that shows it itself says --no-browser. */
static bool somebody_is_there(struct login *l)
{
	const struct oauth_options *o = &l->c->oauth;
	const char *why = NULL;

	if (o->no_browser || o->device_code || o->client_credentials)
		return true;
	if (os_variable("CI"))
		why = "CI is set";
	else if (!os_is_terminal(stdin) && !os_is_terminal(stderr) && !browser_possible())
		why = "there is neither a terminal nor a display";
	if (!why)
		return true;
	err_set(&l->e, ERR_AUTH, "nobody can sign in here: %s", why);
	if (service_account_empty())
		return err_advise(&l->e, REASON_SIGN_IN, "%s", service_account_empty());
	return err_advise(&l->e, REASON_SIGN_IN,
		"Use a service account (MIXPANEL_SA_TOKEN), or give --no-browser to get the "
		"address to sign in at, or --device-code.");
}

/* What root keeps in somebody's home is in the way of their own sign-in; what it keeps in its own they do not
 * see. */
static void warn_root(const struct login *l)
{
	const char *home = os_home(), *person = getenv("SUDO_USER");
	size_t n = home ? strlen(home) : 0;
	struct os_info i;

	if (os_user() != 0)
		return;
	if (n && strncmp(store_path(l->store), home, n) == 0 &&
		os_info_at(OS_HERE, home, true, &i) && i.owner != 0)
		diag_note("this runs as root, but %s belongs to user %ld, who cannot use a sign-in "
			  "that root saves there. Run \"mpmcp login\" without sudo",
			home, i.owner);
	else if (person && *person && strcmp(person, "root") != 0)
		diag_note("this runs as root: the sign-in will be root's, and programs of %s "
			  "cannot use it. Run \"mpmcp login\" without sudo",
			person);
}

/* ---- what is there ---- */

static bool load_known(struct login *l)
{
	switch (store_load(l->store, &l->known, &l->e)) {
	case STORE_OK:
	case STORE_NONE:
		break;
	case STORE_BROKEN:
		diag_note("%s", err_text(&l->e));
		break;
	case STORE_FAILED:
	case STORE_CLOSED:
		return false;
	}
	l->e = (struct err){ 0 };
	return true;
}

static bool still_signed_in(const struct signin_record *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s() + 60));
}

/* ---- which endpoint ---- */

/* "https://mcp-eu.mixpanel.com" is where nothing answers, and what people have in mind. */
static void take_meant_url(struct options *a)
{
	const char *meant = a->url ? endpoint_meant(a->url) : NULL;
	struct err e = { 0 };
	struct loop *loop;
	bool yes = true;
	char *text;

	if (!meant)
		return;
	if (question_possible() && !a->json) {
		loop = loop_new(&e);
		text = mem_printf("Nothing answers at %s. Did you mean %s?", a->url, meant);
		yes = question_yes(loop, text, true);
		free(text);
		loop_free(loop);
	} else {
		diag_note("signing in at %s, the endpoint of %s", meant, a->url);
	}
	if (yes)
		a->url = meant;
}

/* ---- the command ---- */

/* Whoever sees an error on the page does not wait for the end: they interrupt, and try again. */
static void interrupted(void *ctx, enum os_signal signal)
{
	struct login *l = ctx;

	l->signal = signal;
	err_set(&l->e, ERR_CANCELLED, "interrupted");
	loop_stop(l->c->loop);
}

static bool login(struct login *l)
{
	char *more;

	warn_root(l);
	if (l->c->a->service_account && l->c->a->import)
		return err_set(&l->e, ERR_USAGE, "give --service-account or --import, not both");
	if ((!l->c->a->service_account && !load_known(l)) ||
		!loop_signal(l->c->loop, OS_INTERRUPT, interrupted, l, &l->e) ||
		!loop_signal(l->c->loop, OS_TERMINATE, interrupted, l, &l->e))
		return false;
	if (l->c->a->service_account)
		return login_account(l);
	login_warn_of_other(l);
	if (l->known.url && still_signed_in(&l->known) && !l->c->a->force) {
		more = login_scopes_to_gain(l);
		if (!l->signal)
			login_say_already(l, more);
		free(more);
		return !l->signal;
	}
	if (l->c->a->import)
		return login_import(l);
	return somebody_is_there(l) && login_flow(l);
}

int cmd_login(const struct options *given)
{
	struct options a = *given;
	struct context c;
	struct login l = { .c = &c, .json = a.json, .lock = -1 };
	bool good;

	take_meant_url(&a);
	good = context_open(&a, &c, &l.e) && (l.store = context_store(&c, &l.e)) && login(&l);
	if (!good)
		login_say_failure(&l);
	store_unlock(l.lock);
	signin_record_clear(&l.known);
	signin_record_clear(&l.g);
	store_free(l.store);
	context_close(&c);
	return l.signal ? exit_by_signal(l.signal) : (int)exit_for(l.e.kind);
}
