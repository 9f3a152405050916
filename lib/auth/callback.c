#include "auth/callback.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "net/loopback.h"
#include "net/url.h"

/* How many ports are tried from the one of the rule on, as mcp-remote does. */
#define PORTS 8

/* A port that must be the one: systems give it to some outgoing connection now and then. */
#define PORT_MS 100
#define PORT_TRIES 20

struct callback {
	struct loop *loop;
	const struct oauth_options *o;
	const char *known_uri;
	const struct callback_events *on;
	void *ctx;
	struct listener *listener;
	struct listen_conn *conn; /* the browser waits for its page */
	struct loop_timer again;
	unsigned tries;
};

static const char *host_of(const struct callback *c)
{
	return c->o->host ? c->o->host : "localhost";
}

static const char *path_of(const struct callback *c)
{
	return c->o->callback_path ? c->o->callback_path : "/oauth/callback";
}

/* ---- the port ---- */

static const struct page earlier = { .mark = PAGE_ASIDE,
	.title = "This page belongs to an earlier sign-in attempt",
	.todo = "Use the page that your app opened last, or start again from there." };

static void browser_came(void *ctx, struct listen_conn *conn, const char *query)
{
	struct callback *c = ctx;

	if (!c->on->is_ours(c->ctx, query)) {
		loopback_page(conn, 400, &earlier);
		return;
	}
	c->conn = conn;
	c->on->response(c->ctx, query);
}

/* A registration is for one redirect URI: its port is tried before others. 0: there is none. */
static unsigned known_port(const struct callback *c)
{
	struct url u = { 0 };
	unsigned port = c->known_uri && url_parse(c->known_uri, &u, NULL) &&
					strcmp(u.host, host_of(c)) == 0 &&
					strcmp(u.path, path_of(c)) == 0
				? u.port
				: 0;

	url_clear(&u);
	return port;
}

/* A port that somebody was told must be the one that is used. */
static bool port_is_fixed(const struct callback *c)
{
	return c->o->callback_port || c->o->client_info || c->o->client_metadata_url;
}

static void listen_on(struct callback *c, unsigned port, unsigned tries, struct err *e)
{
	c->listener =
		loopback_new(c->loop, host_of(c), port, tries, path_of(c), browser_came, c, e);
}

static bool open_listener(struct callback *c, struct err *e)
{
	bool fixed = port_is_fixed(c);
	unsigned port = c->o->callback_port ? c->o->callback_port : oauth_port(c->o);
	unsigned before = fixed ? 0 : known_port(c);

	if (before)
		listen_on(c, before, 1, NULL);
	if (!c->listener)
		listen_on(c, port, fixed ? 1 : PORTS, e);
	return c->listener != NULL;
}

static void try_port(void *ctx)
{
	struct callback *c = ctx;
	struct err e = { 0 };

	if (open_listener(c, &e))
		c->on->ready(c->ctx, NULL);
	else if (port_is_fixed(c) && c->tries++ < PORT_TRIES)
		loop_timer_set(&c->again, PORT_MS);
	else
		c->on->ready(c->ctx, &e);
}

struct callback *callback_start(struct loop *l, const struct oauth_options *o,
	const char *known_uri, const struct callback_events *on, void *ctx)
{
	struct callback *c = mem_new(sizeof(*c));

	*c = (struct callback){ .loop = l, .o = o, .known_uri = known_uri, .on = on, .ctx = ctx };
	loop_timer_init(&c->again, l, try_port, c);
	loop_timer_set(&c->again, 0);
	return c;
}

void callback_free(struct callback *c)
{
	if (!c)
		return;
	loopback_free(c->listener);
	loop_timer_clear(&c->again);
	free(c);
}

char *callback_uri(const struct callback *c)
{
	return mem_printf("http://%s:%u%s", host_of(c), loopback_port(c->listener), path_of(c));
}

/* ---- the page ---- */

static struct listen_conn *take_browser(struct callback *c)
{
	struct listen_conn *conn = c ? c->conn : NULL;

	if (c)
		c->conn = NULL;
	return conn;
}

/* Whose account it is: "Mixpanel (European Union)", or the host. malloc'ed. */
static char *service(const struct callback *c)
{
	static const struct {
		const char *host, *where;
	} regions[] = { { "mcp.mixpanel.com", "United States" },
		{ "mcp-eu.mixpanel.com", "European Union" }, { "mcp-in.mixpanel.com", "India" } };
	struct url u = { 0 };
	char *name = NULL;

	if (url_parse(c->o->url, &u, NULL))
		for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]) && !name; i++)
			if (strcmp(u.host, regions[i].host) == 0)
				name = mem_printf("Mixpanel (%s)", regions[i].where);
	if (!name)
		name = mem_dup(u.host ? u.host : "the service");
	url_clear(&u);
	return name;
}

static void page_of_success(const struct callback *c, struct listen_conn *conn)
{
	char *name = service(c);
	char *more = mem_printf("mpmcp may now use your account at %s.", name);
	const struct page p = { .mark = PAGE_DONE,
		.title = "You are signed in",
		.todo = "You can close this tab; your app continues on its own.",
		.more = more };

	loopback_page(conn, 200, &p);
	free(more);
	free(name);
}

void callback_succeed(struct callback *c)
{
	struct listen_conn *conn = take_browser(c);

	if (conn && c->o->success_url)
		loopback_redirect(conn, c->o->success_url);
	else if (conn)
		page_of_success(c, conn);
}

/* The page is all that a person sees of it who was sent here by a program. */
void callback_fail(struct callback *c, const struct err *e)
{
	struct listen_conn *conn = take_browser(c);
	bool declined = e->reason == REASON_DECLINED;
	struct page p = { .mark = declined ? PAGE_ASIDE : PAGE_FAILED,
		.title = declined ? "You declined. Nothing was stored." : "Not signed in",
		.todo = declined ? "You can close this tab. To sign in later, start again from "
				   "your app, or run this in a terminal:"
				 : "Nothing was stored. Try again from your app, or run this in a "
				   "terminal:" };
	char *command, *more, *name;

	if (!conn)
		return;
	name = service(c);
	command = oauth_command(c->o, NULL);
	more = mem_printf("%s: %s.", name, e->msg);
	p.command = command;
	p.more = more;
	loopback_page(conn, 400, &p);
	free(more);
	free(command);
	free(name);
}

void callback_retry(struct callback *c, const char *why)
{
	struct listen_conn *conn = take_browser(c);

	const struct page p = { .mark = PAGE_ASIDE, .title = "One more step", .todo = why };

	if (conn)
		loopback_page(conn, 400, &p);
}
