#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "auth/flow.h"
#include "auth/import.h"
#include "auth/store.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "net/fetch.h"
#include "target.h"
#include "words.h"

/* A pasted address: as long as a URL may be. */
#define PASTE_MAX 8192

#define PROOF_MS 30000
/* Between two tries for the lock that saving needs. */
#define LOCK_MS 50
#define LOCK_TRIES 600

static const char proof_message[] =
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"
	"\"2025-06-18\",\"capabilities\":{},\"clientInfo\":{\"name\":\"mpmcp "
	"login\",\"version\":\"" MPMCP_VERSION "\"}}}";

struct login {
	struct context *c;
	struct store *store;
	struct grant known;
	struct flow *flow;
	struct fetch *proof;
	struct loop_timer deadline, save;
	struct loop_watch *input;
	const struct grant *g;
	struct grant *imported;
	char line[PASTE_MAX];
	size_t line_len;
	bool skip_line, saved;
	unsigned tries;
	bool json;
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

static void say_outcome(const struct login *l, const struct grant *g, bool already)
{
	const char *region = target_region(l->c->url);
	char until[64];

	words_expiry(g, until);
	if (l->json) {
		say_json(json_pack("{s:s, s:s, s:s*, s:s*, s:I, s:b, s:b, s:s*}", "outcome",
			already ? "already_signed_in" : "signed_in", "url", l->c->url, "region",
			region, "scope", g->scope_granted, "expires", (json_int_t)g->expires_s,
			"refreshable", secret_isset(&g->refresh), "kept", already || l->saved,
			"file", already || l->saved ? store_path(l->store) : NULL));
		return;
	}
	if (already) {
		printf("Already signed in to %s (%s); --force signs in anew.\n", l->c->url, until);
		return;
	}
	printf("Signed in to %s%s%s%s.\n", l->c->url, region ? " (region " : "",
		region ? region : "", region ? ")" : "");
	printf("  scopes  %s\n  token   %s\n  kept    %s\n",
		g->scope_granted ? g->scope_granted : "not said", until,
		l->saved ? store_path(l->store) : "nowhere: the folder cannot be written");
}

static void say_failure(const struct login *l)
{
	if (l->json)
		say_json(json_pack("{s:s, s:s, s:s}", "outcome", "failed", "kind",
			err_kind_name(l->e.kind), "message", l->e.msg));
	else
		diag_error("%s", l->e.msg);
}

/* ---- the flow ---- */

static void stop(struct login *l)
{
	loop_stop(l->c->loop);
}

static void on_url(void *ctx, const char *url, const char *code)
{
	struct login *l = ctx;

	if (l->json) {
		say_json(json_pack("{s:s, s:s*}", "authorize_url", url, "user_code", code));
		return;
	}
	if (code)
		fprintf(stderr,
			"Open this address on any device:\n\n    %s\n\nand type the code  %s\n\n",
			url, code);
	else
		fprintf(stderr, "%s this address to sign in:\n\n    %s\n\n",
			l->c->oauth.no_browser ? "Open"
					       : "Your browser opens. If it does not, open",
			url);
	if (!code && isatty(STDIN_FILENO))
		fprintf(stderr, "On another machine? Paste the address that the browser ends at, "
				"or the code in it:\n");
}

/* One request with the new token; then it is known to work. */
static void proven(void *ctx, const struct fetch_answer *a)
{
	struct login *l = ctx;

	l->proof = NULL;
	if (a->how != HTTP_DONE) {
		l->e = *a->e;
		err_prefix(&l->e, "signed in, but the service cannot be asked");
	} else if (a->status == 401 || a->status == 403) {
		err_set(&l->e, ERR_AUTH,
			"signed in, but the service refuses the new token (HTTP %ld). Check "
			"account and region",
			a->status);
	} else if (a->status >= 500) {
		err_set(&l->e, ERR_SERVER,
			"signed in, but the service fails at the moment (HTTP %ld)", a->status);
	}
	stop(l);
}

static void prove(struct login *l)
{
	char *value = mem_printf("Bearer %s", secret_str(&l->g->access));
	struct fetch_call c = { .url = l->c->url,
		.content_type = "application/json",
		.body = proof_message,
		.accept = "application/json, text/event-stream",
		.authorization = value,
		.cap = (size_t)4 << 20,
		.total_ms = PROOF_MS };

	l->proof = fetch_start(l->c->http, &c, proven, l, &l->e);
	secret_wipe(value, strlen(value));
	free(value);
	if (!l->proof)
		stop(l);
}

static void save(void *ctx)
{
	struct login *l = ctx;
	bool busy = false;
	struct err e = { 0 };
	int lock = store_lock(l->store, &busy, &e);

	if (lock < 0 && busy && ++l->tries < LOCK_TRIES) {
		loop_timer_set(&l->save, LOCK_MS);
		return;
	}
	l->saved = lock >= 0 && store_save(l->store, l->g, &e);
	store_unlock(lock);
	if (!l->saved)
		diag_note("the sign-in cannot be kept: %s", e.msg);
	prove(l);
}

static void on_done(void *ctx, const struct grant *g, const struct err *e)
{
	struct login *l = ctx;

	loop_timer_clear(&l->deadline);
	l->g = g;
	if (g) {
		save(l);
		return;
	}
	l->e = *e;
	stop(l);
}

static const struct flow_events events = { on_url, on_done };

static void too_late(void *ctx)
{
	struct login *l = ctx;

	err_set(&l->e, ERR_AUTH, "nobody completed the sign-in within %lld seconds",
		(long long)l->c->oauth.timeout_s);
	stop(l);
}

static void interrupted(void *ctx, int signo)
{
	struct login *l = ctx;

	(void)signo;
	err_set(&l->e, ERR_CANCELLED, "interrupted");
	stop(l);
}

/* ---- pasting ---- */

static void take_line(struct login *l)
{
	struct err e = { 0 };

	l->line[l->line_len] = 0;
	if (l->line_len && !flow_paste(l->flow, l->line, &e))
		fprintf(stderr, "mpmcp: %s\n", e.msg);
	secret_wipe(l->line, sizeof(l->line));
	l->line_len = 0;
}

static void on_input(void *ctx, int happened)
{
	struct login *l = ctx;
	char c[256];
	ssize_t n = read(STDIN_FILENO, c, sizeof(c));

	(void)happened;
	if (n <= 0) {
		loop_watch_set(l->input, 0);
		return;
	}
	for (ssize_t i = 0; i < n && l->flow; i++) {
		if (c[i] == '\n') {
			if (!l->skip_line)
				take_line(l);
			l->skip_line = false;
			l->line_len = 0;
		} else if (l->line_len + 1 < sizeof(l->line)) {
			l->line[l->line_len++] = c[i];
		} else {
			l->skip_line = true;
		}
	}
}

/* ---- the command ---- */

static bool run_flow(struct login *l)
{
	struct flow_start s = { .opts = &l->c->oauth,
		.known = l->known.url ? &l->known : NULL,
		.fresh = l->c->a->force };

	loop_timer_init(&l->deadline, l->c->loop, too_late, l);
	loop_timer_init(&l->save, l->c->loop, save, l);
	loop_timer_set(&l->deadline, l->c->oauth.timeout_s * 1000);
	if (!loop_signal(l->c->loop, SIGINT, interrupted, l, &l->e) ||
		!loop_signal(l->c->loop, SIGTERM, interrupted, l, &l->e))
		return false;
	if (isatty(STDIN_FILENO))
		l->input = loop_watch(l->c->loop, STDIN_FILENO, LOOP_READ, on_input, l);
	l->flow = flow_new(l->c->loop, l->c->http, &s, &events, l, &l->e);
	return l->flow && loop_run(l->c->loop, &l->e) && !l->e.kind;
}

static bool still_signed_in(const struct grant *g)
{
	return secret_isset(&g->refresh) ||
	       (secret_isset(&g->access) && (!g->expires_s || g->expires_s > clock_wall_s() + 60));
}

/* mcp-remote keeps no endpoints: they are looked up. */
static void add_endpoints(struct login *l, struct grant *g, const struct grant *found)
{
	if (g->issuer && strcmp(g->issuer, found->issuer) != 0) {
		err_set(&l->e, ERR_AUTH,
			"the sign-in of mcp-remote is of another issuer: run \"mpmcp login\"");
		return;
	}
	free(g->issuer);
	g->issuer = mem_dup(found->issuer);
	g->token_endpoint = mem_dup(found->token_endpoint);
	g->authorization_endpoint =
		found->authorization_endpoint ? mem_dup(found->authorization_endpoint) : NULL;
	g->registration_endpoint =
		found->registration_endpoint ? mem_dup(found->registration_endpoint) : NULL;
	g->revocation_endpoint =
		found->revocation_endpoint ? mem_dup(found->revocation_endpoint) : NULL;
	g->resource = found->resource ? mem_dup(found->resource) : NULL;
}

static void import_done(void *ctx, const struct grant *g, const struct err *e)
{
	struct login *l = ctx;

	if (g)
		add_endpoints(l, l->imported, g);
	else
		l->e = *e;
	stop(l);
}

static bool run_import(struct login *l)
{
	static const struct flow_events discovery = { on_url, import_done };
	struct flow_start s = { .opts = &l->c->oauth, .discover_only = true };
	struct grant g = { 0 };
	bool good;

	l->imported = &g;
	good = import_mcp_remote(&l->c->oauth, &g, &l->e);
	l->flow = good ? flow_new(l->c->loop, l->c->http, &s, &discovery, l, &l->e) : NULL;
	good = l->flow && loop_run(l->c->loop, &l->e) && !l->e.kind &&
	       store_save(l->store, &g, &l->e);
	if (good) {
		l->saved = true;
		say_outcome(l, &g, false);
		diag_note("mcp-remote must sign in again when it is used next: refresh tokens are "
			  "good for one use");
	}
	l->imported = NULL;
	grant_clear(&g);
	return good;
}

static bool login(struct login *l)
{
	switch (store_load(l->store, &l->known, &l->e)) {
	case STORE_OK:
	case STORE_NONE:
		break;
	case STORE_BROKEN:
		diag_note("%s", l->e.msg);
		break;
	case STORE_FAILED:
		return false;
	}
	l->e = (struct err){ 0 };
	if (l->c->a->import)
		return run_import(l);
	if (l->known.url && still_signed_in(&l->known) && !l->c->a->force) {
		say_outcome(l, &l->known, true);
		return true;
	}
	if (!run_flow(l))
		return false;
	say_outcome(l, l->g, false);
	return true;
}

int cmd_login(const struct args *a)
{
	struct context c;
	struct login l = { .c = &c, .json = a->json };
	bool good = context_open(a, &c, &l.e) && (l.store = context_store(&c, &l.e)) && login(&l);

	if (!good)
		say_failure(&l);
	fetch_cancel(l.proof);
	loop_watch_free(l.input);
	flow_free(l.flow);
	loop_timer_clear(&l.deadline);
	loop_timer_clear(&l.save);
	grant_clear(&l.known);
	store_free(l.store);
	context_close(&c);
	return (int)exit_for(l.e.kind);
}
