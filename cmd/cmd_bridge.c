#include <stdio.h>
#include <unistd.h>

#include "args.h"
#include "auth/auth.h"
#include "base/diag.h"
#include "commands.h"
#include "exit.h"
#include "headers.h"
#include "help.h"
#include "mcp/bridge.h"
#include "net/http.h"
#include "net/loop.h"
#include "target.h"

static const char no_credential[] = "a request without a credential";
static const char credential_hint[] =
	"Set MIXPANEL_SA_TOKEN in the \"env\" block of the client's entry, or give --header or --sa-token-file";

static struct http *open_http(const struct args *a, struct loop *l, struct err *e)
{
	struct http_opts o = { .cacert = a->cacert, .connect_timeout_ms = a->connect_timeout_s * 1000,
		.headers_timeout_ms = a->headers_timeout_s * 1000, .body_timeout_ms = a->body_timeout_s * 1000, .ipv4 = a->ipv4 };

	return http_new(l, &o, e);
}

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

/* Everything that can fail before the first message; then the bridge itself. */
static bool run(const struct args *a, const char *url, struct headers *h, enum exit_status *status, struct err *e)
{
	struct bridge_opts o = { .url = url, .headers = h->item, .nheaders = h->n, .in_fd = STDIN_FILENO, .out_fd = STDOUT_FILENO };
	struct loop *l = loop_new(e);
	struct http *http = l ? open_http(a, l, e) : NULL;
	struct auth *auth = NULL;
	const char *why;
	bool started = false;

	if (!http || !target_credential(a, url, h, &auth, &why, e))
		goto out;
	if (!auth)
		auth = auth_new_fixed(NULL, no_credential, credential_hint);
	diag_debug("%s, with %s", url, why);
	started = true;
	*status = status_of(bridge_run(l, http, auth, &o, e), e);
	if (e->kind)
		diag_error("%s", e->msg);
out:
	auth_free(auth);
	http_free(http);
	loop_free(l);
	return started;
}

int cmd_bridge(const struct args *a)
{
	struct headers h = { 0 };
	struct err e = { 0 };
	enum exit_status status = EXIT_FAILED;
	const char *url;
	bool started = false;

	if (!a->url && isatty(STDIN_FILENO)) {
		help_short(stderr);
		return EXIT_USAGE;
	}
	url = target_url(a, &e);
	if (url && headers_read(a, &h, &e))
		started = run(a, url, &h, &status, &e);
	headers_clear(&h);
	if (started)
		return status;
	diag_error("%s", e.msg);
	bridge_refuse(STDIN_FILENO, STDOUT_FILENO, &e);
	return exit_for(e.kind);
}
