#include "auth/callback.h"

#include <ctype.h>
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

static void browser_came(void *ctx, struct listen_conn *conn, const char *query)
{
	struct callback *c = ctx;

	if (!c->on->is_ours(c->ctx, query)) {
		loopback_page(conn, 400, "This is not the sign-in that is awaited",
			"The page may be from an earlier attempt. Go back to your program and use "
			"the address that it shows now.");
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

static void page_of_success(const struct callback *c, struct listen_conn *conn)
{
	struct url u = { 0 };
	char *text = mem_printf("mpmcp may now use your account at %s. You can close this page and "
				"go back to your program: it goes on by itself.",
		url_parse(c->o->url, &u, NULL) ? u.host : "the service");

	loopback_page(conn, 200, "You are signed in", text);
	free(text);
	url_clear(&u);
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
	char *command, *text;

	if (!conn)
		return;
	command = oauth_command(c->o, NULL);
	text = mem_printf("%c%s. Nothing was kept. Go back to your program and try again, or "
			  "run \"%s\" in a terminal.",
		toupper((unsigned char)e->msg[0]), e->msg + (e->msg[0] != 0), command);
	loopback_page(conn, 400, "Not signed in", text);
	free(text);
	free(command);
}

void callback_retry(struct callback *c, const char *why)
{
	struct listen_conn *conn = take_browser(c);

	if (conn)
		loopback_page(conn, 400, "Once more, please", why);
}
