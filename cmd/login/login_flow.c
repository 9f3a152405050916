/* A new sign-in: in a browser, by paste, with a device code or as a client; flow.h has the protocol. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/browser.h"
#include "auth/flow.h"
#include "auth/oauth.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "format.h"
#include "login/login.h"
#include "login/paste_input.h"
#include "probe.h"
#include "wrap.h"
#include "os/terminal.h"

struct signing_in {
	struct login *l;
	struct flow *flow;
	struct loop_timer deadline;
	struct paste_input *input; /* NULL until the address is shown */
};

/* ---- words ---- */

static bool opens_browser(const struct oauth_options *o)
{
	return !o->no_browser && browser_possible();
}

static void say(const char *text)
{
	wrap_text(stderr, wrap_width(stderr), 0, 0, text);
}

static void say_what_is_awaited(const struct login *l, const char *code)
{
	const struct oauth_options *o = &l->c->oauth;
	bool terminal = os_is_terminal(stdin) || os_is_terminal(stderr);
	char service[FORMAT_SERVICE], wait[FORMAT_SPAN], *text;

	format_service(l->c->url, service);
	format_wait(o->timeout_s, wait);
	text = mem_printf("%s to sign in to %s. Waiting up to %s%s.%s",
		code               ? "Open this address on any device"
		: opens_browser(o) ? "Opening your browser"
				   : "Open this address in a browser",
		service, wait, terminal ? "; Ctrl-C cancels" : "",
		!code && opens_browser(o) ? " If no browser opens, open this address:" : "");
	say(text);
	free(text);
}

static void say_address(const struct login *l, const char *url, const char *code)
{
	say_what_is_awaited(l, code);
	fprintf(stderr, "\n    ");
	format_link(stderr, url);
	fprintf(stderr, "\n\n");
	if (code)
		fprintf(stderr, "and type the code  %s\n\n", code);
	else if (os_is_terminal(stdin))
		say("If the browser is on another machine, its last page will not load there. "
		    "Paste the address of that page here, or the code in it:");
}

/* ---- events ---- */

static bool take_paste(void *ctx, const char *text, struct err *e)
{
	struct signing_in *s = ctx;

	return flow_paste(s->flow, text, e);
}

static void open_input(struct signing_in *s, bool pastes)
{
	if (!s->input)
		s->input = paste_input_new(
			s->l->c->loop, s->deadline.due_ms, pastes ? take_paste : NULL, s);
}

static void on_url(void *ctx, const char *url, const char *code)
{
	struct signing_in *s = ctx;

	if (s->l->json) {
		login_say_address(url, code);
	} else {
		paste_input_hide(s->input);
		say_address(s->l, url, code);
		open_input(s, !code);
		paste_input_prompt(s->input);
	}
	login_note(s->l, url, code);
}

static void on_done(void *ctx, const struct signin_record *g, const struct err *e)
{
	struct signing_in *s = ctx;

	if (g)
		signin_record_copy(&s->l->g, g);
	else
		s->l->e = *e;
	s->l->done = true;
	loop_stop(s->l->c->loop);
}

static void on_again(void *ctx, const struct err *e)
{
	struct signing_in *s = ctx;

	paste_input_hide(s->input);
	fprintf(stderr, "mpmcp: %s\n", err_text(e));
	paste_input_prompt(s->input);
}

static const struct flow_events events = { .url = on_url, .again = on_again, .done = on_done };

/* Messages come between: the countdown stands below them again a second later. */
static void hide_input(void *ctx)
{
	struct signing_in *s = ctx;

	paste_input_hide(s->input);
}

/* ---- the end that is no end ---- */

/* A page that knows no client of this name tells the person alone: only they can say so. */
static void advise_force(struct signing_in *s)
{
	char *command;

	if (!s->flow || !flow_may_be_forgotten(s->flow))
		return;
	command = oauth_command(&s->l->c->oauth, "--force");
	err_advise(&s->l->e, REASON_SIGN_IN,
		"If the page did not recognise this program, run \"%s\".", command);
	free(command);
}

static void too_late(void *ctx)
{
	struct signing_in *s = ctx;
	char wait[FORMAT_SPAN];

	format_wait(s->l->c->oauth.timeout_s, wait);
	err_set(&s->l->e, ERR_AUTH, "nobody completed the sign-in within %s", wait);
	advise_force(s);
	loop_stop(s->l->c->loop);
}

/* ---- the whole ---- */

/* Nobody is asked to sign in for nothing: what could not be kept later is told before. The note is ours
 * then; that of a sign-in that was killed is nobody's. */
static bool take_place(struct login *l)
{
	struct store_note n = { .at_s = clock_wall_s() };
	bool busy = false;

	l->lock = store_lock_signin(l->store, &busy, &l->e);
	if (busy || (l->lock >= 0 && store_note_write(l->store, &n, &l->e)))
		return true;
	return err_prefix(&l->e, "a sign-in cannot be saved");
}

/* As a bridge's sign-in, which begins with a challenge. */
static bool start(struct signing_in *s)
{
	struct login *l = s->l;
	struct flow_start start = { .opts = &l->c->oauth,
		.known = l->known.url ? &l->known : NULL,
		.fresh = l->c->a->force,
		.widest = l->c->a->force };
	struct challenge wants;

	probe_wants(l->c, &wants);
	start.resource_metadata = wants.resource_metadata;
	start.scope = wants.scope;
	if (!l->e.kind)
		s->flow = flow_new(l->c->loop, l->c->http, &start, &events, s, &l->e);
	challenge_clear(&wants);
	return s->flow != NULL;
}

bool login_flow(struct login *l)
{
	struct signing_in s = { .l = l };
	bool good;

	if (!take_place(l))
		return false;
	loop_timer_init(&s.deadline, l->c->loop, too_late, &s);
	loop_timer_set(&s.deadline, l->c->oauth.timeout_s * 1000);
	diag_before(hide_input, &s);
	good = start(&s) && loop_run(l->c->loop, &l->e) && !l->e.kind && l->done;
	if (l->signal)
		advise_force(&s);
	diag_before(NULL, NULL);
	loop_timer_clear(&s.deadline);
	paste_input_free(s.input);
	good = good && login_keep(l, "signed_in");
	login_is_over(l);
	flow_free(s.flow);
	return good;
}
