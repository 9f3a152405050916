#include <stdio.h>

#include "options.h"
#include "base/diag.h"
#include "mcp_client.h"
#include "commands.h"
#include "context.h"
#include "exit.h"
#include "help.h"
#include "mcp/session/call_log.h"
#include "mcp/bridge.h"
#include "os/start.h"
#include "os/terminal.h"

static enum exit_status status_of(enum bridge_end how, const struct err *e)
{
	switch (how) {
	case BRIDGE_END_INTERRUPT:
		return EXIT_INTERRUPTED;
	case BRIDGE_END_FAILED:
		return exit_for(e->kind);
	case BRIDGE_END_INPUT:
	case BRIDGE_END_SIGNAL:
	case BRIDGE_END_OUTPUT:
	case BRIDGE_END_PARENT:
		break;
	}
	return EXIT_DONE;
}

/* As mcp-remote has it. */
#define PING_INTERVAL_MS 30000

/* Clients show an answer, not standard error. */
static void refuse(const struct err *e)
{
	diag_error("%s", err_text(e));
	if (!os_is_terminal(stdin))
		bridge_refuse(OS_STDIN, OS_STDOUT, e);
}

static enum exit_status run(struct context *c, struct auth *auth, struct policy *policy,
	const struct bridge_opts *given)
{
	struct bridge_opts o = { .url = c->url,
		.era = given->era,
		.era_sure = given->era_sure,
		.call_log = given->call_log,
		.headers = c->headers.item,
		.nheaders = c->headers.n,
		.transport = c->transport,
		.ping_interval_ms = c->a->ping_interval_ms,
		.policy = policy,
		.rate = c->rate,
		.in_fd = OS_STDIN,
		.out_fd = OS_STDOUT };
	enum bridge_end how = BRIDGE_END_FAILED;
	struct err e = { 0 };
	struct bridge *b;

	if (c->a->keep_alive && !o.ping_interval_ms)
		o.ping_interval_ms = PING_INTERVAL_MS;
	diag_debug("%s, with %s", c->url, c->why);
	b = bridge_new(c->loop, c->http, auth, &o, &e);
	if (!b) {
		refuse(&e);
		return status_of(how, &e);
	}
	how = bridge_run(b, &e);
	bridge_free(b);
	if (e.kind)
		diag_error("%s", err_text(&e));
	return status_of(how, &e);
}

int cmd_bridge(const struct options *a)
{
	struct context c = { 0 };
	struct err e = { 0 };
	struct auth *auth = NULL;
	struct policy *policy = NULL;
	struct bridge_opts given = { 0 };
	enum exit_status status;

	if (!a->url && os_is_terminal(stdin)) {
		help_short(stderr);
		return EXIT_USAGE;
	}
	/* What goes wrong first is what the client is told; nothing is looked at after it. */
	mcp_client_protocol(a, &given);
	policy = mcp_client_policy(a, &e);
	if (!e.kind && a->log_calls)
		given.call_log = call_log_open(a->log_calls, &e);
	if (!e.kind && context_open(a, &c, &e))
		auth = context_credential(&c, &e);
	if (auth) {
		status = run(&c, auth, policy, &given);
	} else {
		refuse(&e);
		status = exit_for(e.kind);
	}
	auth_free(auth);
	policy_free(policy);
	call_log_close(given.call_log);
	context_close(&c);
	return (int)status;
}
