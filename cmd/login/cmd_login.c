#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include "auth/browser.h"
#include "auth/discover.h"
#include "auth/flow.h"
#include "auth/mcp_remote.h"
#include "auth/oauth.h"
#include "auth/scope.h"
#include "auth/store.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "probe.h"
#include "endpoint.h"
#include "format.h"
#include "os/file.h"
#include "os/start.h"

/* A pasted address: as long as a URL may be, with room for the blanks of an indented one. */
#define PASTE_MAX 16384

/* Longest wait for news of more scopes: who is signed in already wants one line, soon. */
#define NEWS_MS 10000

struct login {
	struct context *c;
	struct store *store;
	struct signin_record known, g; /* the sign-in before, and the new one */
	struct flow *flow;
	struct loop_timer deadline;
	struct loop_watch *input;
	char paste
		[PASTE_MAX]; /* what was typed and pasted, from the address on that is not whole yet */
	size_t paste_len, line; /* where the last line begins */
	bool too_long, done;
	struct termios terminal; /* as it was */
	bool terminal_changed;
	bool json;
	int lock; /* of the sign-in: bridges wait for this one and open no page of their own */
	struct err e;
};

/* ---- words ---- */

static void say_json(json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT);

	if (text)
		printf("%s\n", text);
	fflush(stdout);
	free(text);
	json_decref(o);
}

/* missing: scopes that were asked for and not given, or are to be had beyond those; or NULL. */
static void say_json_outcome(const struct login *l, const char *outcome,
	const struct signin_record *g, const char *missing)
{
	say_json(json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:s*, s:I, s:b, s:s}", "outcome", outcome,
		"url", l->c->url, "region", endpoint_region(l->c->url), "profile", g->profile,
		"scope", g->scope_granted, "scope_missing", missing, "expires",
		(json_int_t)g->expires_s, "refreshable", secret_isset(&g->refresh), "file",
		store_path(l->store)));
}

static void say_scopes(const struct login *l)
{
	const struct signin_record *g = &l->g;
	char *lacking = scope_missing(g->scope_asked, g->scope_granted);
	const char *before = l->known.scope_granted ? l->known.scope_granted : l->known.scope_asked;
	char *gained = before ? scope_missing(g->scope_granted, before) : NULL;

	printf("  scopes  %s\n", g->scope_granted ? g->scope_granted : "not said");
	if (gained)
		printf("  new     %s\n", gained);
	if (lacking)
		printf("  without %s (asked for, not given)\n", lacking);
	free(lacking);
	free(gained);
}

static void say_signed_in(const struct login *l, const char *outcome)
{
	const struct signin_record *g = &l->g;
	const char *region = endpoint_region(l->c->url);
	char *lacking, until[64];

	if (l->json) {
		lacking = scope_missing(g->scope_asked, g->scope_granted);
		say_json_outcome(l, outcome, g, lacking);
		free(lacking);
		return;
	}
	format_expiry(g, until);
	printf("Signed in to %s%s%s%s.\n", l->c->url, region ? " (region " : "",
		region ? region : "", region ? ")" : "");
	if (g->profile)
		printf("  profile %s\n", g->profile);
	say_scopes(l);
	printf("  token   %s\n  kept    %s\n", until, store_path(l->store));
	fflush(stdout);
}

/* One line. more: what a new sign-in would add; or NULL. */
static void say_already(const struct login *l, const char *more)
{
	char *command = oauth_command(&l->c->oauth, "--force"), until[64];

	format_expiry(&l->known, until);
	if (l->json)
		say_json_outcome(l, "already_signed_in", &l->known, more);
	else if (more)
		printf("Already signed in to %s (%s), without these scopes that are to be had now: "
		       "%s. \"%s\" asks for them.\n",
			l->c->url, until, more, command);
	else
		printf("Already signed in to %s (%s); --force signs in anew.\n", l->c->url, until);
	free(command);
}

static void say_failure(struct login *l)
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

/* A service account in the environment goes before any sign-in; people forget that it is there. */
static void say_what_is_used(struct login *l)
{
	struct err e = { 0 };
	struct auth *auth = context_credential(l->c, &e);

	if (auth && !l->c->signs_in)
		diag_note("with these options and variables, bridges use %s, not this sign-in",
			l->c->why);
	auth_free(auth);
}

/* ---- the flow ---- */

static void stop(struct login *l)
{
	loop_stop(l->c->loop);
}

static void note(const struct login *l, const char *url, const char *code)
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

static void say_url(const struct login *l, const char *url, const char *code)
{
	bool opens = !l->c->oauth.no_browser && browser_possible();

	if (code)
		fprintf(stderr,
			"Open this address on any device:\n\n    %s\n\nand type the code  %s\n\n",
			url, code);
	else
		fprintf(stderr, "%s\n\n    %s\n\n",
			opens ? "Your browser opens. If it does not, open this address to sign in:"
			      : "Open this address in a browser to sign in:",
			url);
	if (!code && isatty(STDIN_FILENO))
		fprintf(stderr,
			"If the browser is on another machine, its last page will not load there. "
			"Paste the address\nof that page here, or the code in it:\n");
}

static void on_url(void *ctx, const char *url, const char *code)
{
	struct login *l = ctx;

	if (l->json)
		say_json(json_pack("{s:s, s:s*}", "authorize_url", url, "user_code", code));
	else
		say_url(l, url, code);
	note(l, url, code);
}

static void on_done(void *ctx, const struct signin_record *g, const struct err *e)
{
	struct login *l = ctx;

	if (g)
		signin_record_copy(&l->g, g);
	else
		l->e = *e;
	l->done = true;
	stop(l);
}

static void on_again(void *ctx, const struct err *e)
{
	(void)ctx;
	fprintf(stderr, "mpmcp: %s\n", err_text(e));
}

static const struct flow_events events = { .url = on_url, .again = on_again, .done = on_done };

/* A page that knows no client of this name tells the person alone: only they can say so. "" or owned words. */
static char *advice(const struct login *l)
{
	char *command, *words;

	if (!l->flow || !flow_may_be_forgotten(l->flow))
		return mem_dup("");
	command = oauth_command(&l->c->oauth, "--force");
	words = mem_printf(". If the page did not know this program, run \"%s\"", command);
	free(command);
	return words;
}

static void too_late(void *ctx)
{
	struct login *l = ctx;
	long long n = (long long)l->c->oauth.timeout_s;
	char *more = advice(l);

	err_set(&l->e, ERR_AUTH, "nobody completed the sign-in within %lld second%s%s", n,
		n == 1 ? "" : "s", more);
	free(more);
	stop(l);
}

/* Whoever sees an error on the page does not wait for the end: they interrupt, and try again. */
static void interrupted(void *ctx, int signo)
{
	struct login *l = ctx;
	char *more = advice(l);

	(void)signo;
	err_set(&l->e, ERR_CANCELLED, "interrupted%s", more);
	free(more);
	stop(l);
}

/* ---- pasting ---- */

static void forget_paste(struct login *l)
{
	secret_wipe(l->paste, sizeof(l->paste));
	l->paste_len = l->line = 0;
	l->too_long = false;
}

static bool begins_address(const char *text)
{
	text += strspn(text, " \t\r\n\"'<\033[20~");
	return strncmp(text, "http", 4) == 0;
}

/* The last line may be the rest of an address, or stand for itself. */
static bool take_paste(struct login *l, struct err *e)
{
	const char *last = l->paste + l->line;

	return flow_paste(l->flow, l->paste, e) ||
	       (l->line && !strchr(last, '&') && flow_paste(l->flow, last, e));
}

static void end_of_paste(struct login *l)
{
	const char *last = l->paste + l->line;
	struct err e = { 0 };

	if (!last[strspn(last, " \t\r\n")]) {
		l->paste_len = l->line;
		return;
	}
	if (begins_address(last)) { /* another one */
		l->paste_len -= l->line;
		memmove(l->paste, last, l->paste_len + 1);
		l->line = 0;
	}
	if (l->too_long)
		err_set(&e, ERR_USAGE, "that is too long for an address: paste it again, alone");
	else if (take_paste(l, &e))
		e = (struct err){ 0 };
	if (e.kind)
		fprintf(stderr, "mpmcp: %s\n", err_text(&e));
	if (e.kind && !l->too_long && begins_address(l->paste))
		l->line = l->paste_len; /* its rest may follow */
	else
		forget_paste(l);
}

/* Editing, since the terminal leaves it to us. */
static void take_byte(struct login *l, char c)
{
	if (c == 0x7f || c == '\b')
		l->paste_len -= l->paste_len > l->line;
	else if (c == 0x15) /* ^U */
		l->paste_len = l->line;
	else if (l->paste_len + 1 < sizeof(l->paste))
		l->paste[l->paste_len++] = c;
	else
		l->too_long = true;
}

/* After Enter, when nothing more of a paste is on its way; a bracketed one says itself where it ends. */
static bool is_over(struct login *l)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	const char *from, *next, *last = NULL;

	l->paste[l->paste_len] = 0;
	for (from = l->paste + l->line; (next = strstr(from, "\033[20")); from = next + 1)
		last = next;
	if (last && strncmp(last, "\033[200~", 6) == 0)
		return false;
	return l->paste_len > l->line && l->paste[l->paste_len - 1] == '\n' && poll(&p, 1, 0) <= 0;
}

static void on_input(void *ctx, int happened)
{
	struct login *l = ctx;
	char c[4096];
	ssize_t n = read(STDIN_FILENO, c, sizeof(c));

	(void)happened;
	if (n <= 0 || (n == 1 && *c == 0x04)) { /* ^D */
		loop_watch_set(l->input, 0);
		return;
	}
	for (ssize_t i = 0; i < n; i++)
		take_byte(l, c[i]);
	secret_wipe(c, sizeof(c));
	if (l->flow && is_over(l))
		end_of_paste(l);
}

/* A terminal that waits for whole lines cuts them after 4095 bytes. In the background it is not ours. */
static void open_terminal(struct login *l)
{
	pid_t owner = tcgetpgrp(STDIN_FILENO);
	struct termios raw;

	if ((owner >= 0 && owner != getpgrp()) || tcgetattr(STDIN_FILENO, &l->terminal) != 0)
		return;
	raw = l->terminal;
	raw.c_lflag &= ~(tcflag_t)ICANON;
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	l->terminal_changed = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

/* Reading from the background fails instead of stopping us: the browser's answer still comes. */
static void watch_input(struct login *l)
{
	if (!isatty(STDIN_FILENO))
		return;
	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	open_terminal(l);
	l->input = loop_watch(l->c->loop, STDIN_FILENO, LOOP_READ, on_input, l);
}

static void leave_input(struct login *l)
{
	loop_watch_free(l->input);
	l->input = NULL;
	if (l->terminal_changed)
		tcsetattr(STDIN_FILENO, TCSANOW, &l->terminal);
	l->terminal_changed = false;
	forget_paste(l);
}

/* ---- keeping and proving ---- */

/* Those who wait for this sign-in go on. */
static void sign_in_is_over(struct login *l)
{
	note(l, NULL, NULL);
	store_unlock(l->lock);
	l->lock = -1;
}

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
		"another sign-in was saved meanwhile, and stays; --force imports over it");
}

static bool keep(struct login *l)
{
	int lock = context_lock(l->c, l->store, &l->e);
	bool kept = lock >= 0 && may_keep(l) && store_save(l->store, &l->g, &l->e);

	store_unlock(lock);
	if (!kept)
		err_prefix(&l->e, "signed in, but that cannot be kept");
	sign_in_is_over(l);
	return kept;
}

struct proving {
	struct login *l;
	struct auth *auth;
	struct auth_waiter waiter;
	struct probe *proof;
	unsigned long gen;
	unsigned refused;
};

static void ask(struct proving *p);

static void finish_proof(struct proving *p, const struct err *e)
{
	struct login *l = p->l;

	if (e) {
		l->e = *e;
		err_prefix(&l->e, "signed in, and tried");
	}
	l->done = true;
	stop(l);
}

static void token_ready(void *ctx, enum auth_state state, const struct err *e)
{
	if (state == AUTH_READY)
		ask(ctx);
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
		ask(p);
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
	p->proof = NULL;
	if (how == PROBE_REFUSED && !p->refused) {
		renew(p, e);
		return;
	}
	if (said)
		diag_note("signed in, but %s", said);
	finish_proof(p, e);
}

/* As a bridge takes it: from the file, renewed when it has ended. */
static void ask(struct proving *p)
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
			p->proof = probe_start(p->l->c, v.field, proven, p, &e);
		else
			err_set(&e, ERR_AUTH, "the sign-in has ended already");
		break;
	case AUTH_FAILED:
		break;
	}
	if (!p->proof)
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
	ask(&p);
	if (!l->done && !loop_run(l->c->loop, &l->e))
		stop(l);
	auth_unwait(&p.waiter);
	probe_cancel(p.proof);
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

static bool keep_and_prove(struct login *l, const char *outcome)
{
	bool good = keep(l) && prove(l);

	if (!good)
		return false;
	read_back(l);
	say_signed_in(l, outcome);
	say_what_is_used(l);
	return true;
}

/* ---- what there is to be had ---- */

struct news {
	struct login *l;
	struct discover *discover;
	struct signin_record offered;
	struct server_traits traits;
	bool known;
};

static void news_came(void *ctx, const struct err *e)
{
	struct news *n = ctx;

	n->discover = NULL;
	n->known = !e;
	if (e)
		diag_debug("%s", err_text(e));
	stop(n->l);
}

static void no_news(void *ctx)
{
	stop(ctx);
}

/* For status, which asks nobody. */
static void remember_offer(struct login *l, const char *offered)
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

/* Asks what the server offers now; no answer is no news. malloc'ed, or NULL. */
static char *scopes_to_gain(struct login *l)
{
	struct news n = { .l = l };
	struct discover_call c = { .endpoint = l->c->url, .known_issuer = l->known.issuer };
	struct loop_timer timer;
	struct err e = { 0 };
	char *more;

	loop_timer_init(&timer, l->c->loop, no_news, l);
	loop_timer_set(&timer, NEWS_MS);
	n.discover = discover_start(l->c->http, &c, &n.offered, &n.traits, news_came, &n, &e);
	if (n.discover && !loop_run(l->c->loop, &e))
		diag_debug("%s", err_text(&e));
	discover_cancel(n.discover);
	loop_timer_clear(&timer);
	if (n.known)
		remember_offer(l, n.offered.scopes_offered);
	more = oauth_scopes_to_gain(&l->c->oauth,
		n.known ? n.offered.scopes_offered : l->known.scopes_offered, &l->known);
	signin_record_clear(&n.offered);
	return more;
}

/* ---- the command ---- */

static bool somebody_is_there(struct login *l)
{
	const struct oauth_options *o = &l->c->oauth;
	const char *ci = getenv("CI");

	if (!ci || !*ci || isatty(STDIN_FILENO) || l->json || o->no_browser || o->device_code ||
		o->client_credentials)
		return true;
	return err_set(&l->e, ERR_AUTH,
		"nobody can sign in here: CI is set and there is no terminal. Use a service "
		"account (MIXPANEL_SA_TOKEN); or give --no-browser to get the address to sign in "
		"at, or --device-code");
}

/* Nobody is asked to sign in for nothing: what could not be kept later is told before. The note is ours
 * then; that of a sign-in that was killed is nobody's. */
static bool take_place(struct login *l)
{
	struct store_note n = { .at_s = clock_wall_s() };
	bool busy = false;

	l->lock = store_lock_signin(l->store, &busy, &l->e);
	if (busy || (l->lock >= 0 && store_note_write(l->store, &n, &l->e)))
		return true;
	return err_prefix(&l->e, "a sign-in cannot be kept");
}

static bool run_flow(struct login *l)
{
	struct flow_start s = { .opts = &l->c->oauth,
		.known = l->known.url ? &l->known : NULL,
		.fresh = l->c->a->force,
		.widest = l->c->a->force };
	struct challenge wants;
	bool ran;

	if (!take_place(l))
		return false;
	loop_timer_init(&l->deadline, l->c->loop, too_late, l);
	loop_timer_set(&l->deadline, l->c->oauth.timeout_s * 1000);
	/* As a bridge's sign-in, which begins with a challenge. */
	probe_wants(l->c, &wants);
	s.resource_metadata = wants.resource_metadata;
	s.scope = wants.scope;
	if (!l->e.kind) {
		watch_input(l);
		l->flow = flow_new(l->c->loop, l->c->http, &s, &events, l, &l->e);
	}
	challenge_clear(&wants);
	ran = l->flow && loop_run(l->c->loop, &l->e) && !l->e.kind && l->done;
	loop_timer_clear(&l->deadline);
	leave_input(l);
	ran = ran && keep_and_prove(l, "signed_in");
	sign_in_is_over(l);
	flow_free(l->flow);
	l->flow = NULL;
	return ran;
}

static bool still_signed_in(const struct signin_record *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s() + 60));
}

struct question {
	struct login *l;
	bool yes;
};

static void on_answer(void *ctx, int happened)
{
	struct question *q = ctx;
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	(void)happened;
	q->yes = n > 0 && (*line == 'y' || *line == 'Y');
	stop(q->l);
}

/* Only the person can know whether that is where mcp-remote signed in. */
static bool may_be_sent(struct login *l, const struct signin_record *found)
{
	struct question q = { .l = l };
	struct loop_watch *input;

	if (l->json || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return false;
	fprintf(stderr,
		"mcp-remote did not record which server issued this sign-in. %s now names\n\n"
		"    %s\n\nSend the refresh token there? [y/N] ",
		l->c->url, found->token_endpoint);
	input = loop_watch(l->c->loop, STDIN_FILENO, LOOP_READ, on_answer, &q);
	if (!loop_run(l->c->loop, &l->e))
		q.yes = false;
	loop_watch_free(input);
	return q.yes && !l->e.kind;
}

static bool import_access(struct login *l, const struct signin_record *found)
{
	mcp_remote_access_alone(&l->g);
	if (l->e.kind)
		return false;
	if (l->g.expires_s <= clock_wall_s())
		return err_set(&l->e, ERR_AUTH,
			"mcp-remote did not record which server issued this sign-in, %s is "
			"elsewhere, and the access token has expired: run \"mpmcp login\" without "
			"--import",
			found->token_endpoint);
	diag_note("imported the access token alone: mcp-remote did not record which server issued "
		  "this sign-in, and %s is not on the endpoint's own site. Run \"mpmcp login\" "
		  "when it expires",
		found->token_endpoint);
	return true;
}

/* mcp-remote keeps no endpoints: they are looked up. */
static bool add_endpoints(struct login *l)
{
	struct news n = { .l = l };
	struct discover_call c = { .endpoint = l->c->url, .known_issuer = l->g.issuer };
	struct challenge wants;
	bool good = false;

	probe_wants(l->c, &wants);
	c.named = wants.resource_metadata;
	if (!l->e.kind)
		n.discover =
			discover_start(l->c->http, &c, &n.offered, &n.traits, news_came, &n, &l->e);
	if (!n.discover || !loop_run(l->c->loop, &l->e) || l->e.kind)
		good = false;
	else if (!n.known)
		err_set(&l->e, ERR_PROTO,
			"the sign-in server of %s cannot be found now; try again later", l->c->url);
	else if (l->g.issuer && !documents_same_issuer(l->g.issuer, n.offered.issuer))
		err_set(&l->e, ERR_AUTH,
			"the sign-in of mcp-remote is of another issuer than the server's of now: "
			"run \"mpmcp login\" without --import");
	else
		good = true;
	if (good && !l->g.issuer && !mcp_remote_stays_on_site(l->c->url, &n.offered) &&
		!may_be_sent(l, &n.offered))
		good = import_access(l, &n.offered);
	if (good)
		signin_record_add_places(&l->g, &n.offered);
	discover_cancel(n.discover);
	challenge_clear(&wants);
	signin_record_clear(&n.offered);
	return good;
}

static bool run_import(struct login *l)
{
	if (!mcp_remote_read(&l->c->oauth, &l->g, &l->e) || !add_endpoints(l) ||
		!keep_and_prove(l, "imported"))
		return false;
	if (secret_isset(&l->g.refresh))
		diag_note("mcp-remote must sign in again when it is used next: refresh tokens are "
			  "good for one use");
	return true;
}

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
			  "that root keeps there. Run \"mpmcp login\" without sudo",
			home, i.owner);
	else if (person && *person && strcmp(person, "root") != 0)
		diag_note("this runs as root: the sign-in will be root's, and programs of %s do "
			  "not see it. Run \"mpmcp login\" without sudo",
			person);
}

static bool login(struct login *l)
{
	char *more;

	warn_root(l);
	if (!load_known(l) || !loop_signal(l->c->loop, SIGINT, interrupted, l, &l->e) ||
		!loop_signal(l->c->loop, SIGTERM, interrupted, l, &l->e))
		return false;
	if (l->known.url && still_signed_in(&l->known) && !l->c->a->force) {
		more = scopes_to_gain(l);
		say_already(l, more);
		free(more);
		return true;
	}
	if (l->c->a->import)
		return run_import(l);
	return somebody_is_there(l) && run_flow(l);
}

int cmd_login(const struct options *a)
{
	struct context c;
	struct login l = { .c = &c, .json = a->json, .lock = -1 };
	bool good = context_open(a, &c, &l.e) && (l.store = context_store(&c, &l.e)) && login(&l);

	if (!good)
		say_failure(&l);
	store_unlock(l.lock);
	flow_free(l.flow);
	signin_record_clear(&l.known);
	signin_record_clear(&l.g);
	store_free(l.store);
	context_close(&c);
	return (int)exit_for(l.e.kind);
}
