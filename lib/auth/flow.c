#include "auth/flow.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/browser.h"
#include "auth/device.h"
#include "auth/discover.h"
#include "auth/pkce.h"
#include "auth/register.h"
#include "auth/scope.h"
#include "auth/server.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/listen.h"
#include "net/url.h"

/* How many ports are tried from the one of the rule on, as mcp-remote does. */
#define PORTS 8

/* A port that must be the one: systems give it to some outgoing connection now and then. */
#define PORT_MS 100
#define PORT_TRIES 20

/* The parameters may add some to an address that is as long as it can be. */
#define ADDRESS_MAX ((size_t)32 << 10)

enum step {
	STEP_DISCOVER,
	STEP_REGISTER,
	STEP_PERSON, /* the browser is open; the callback is awaited */
	STEP_DEVICE, /* a device code is shown and asked about */
	STEP_EXCHANGE,
	STEP_OVER,
};

struct flow {
	struct loop *loop;
	struct http *http;
	const struct oauth_opts *o;
	const struct flow_events *on;
	void *ctx;
	enum step step;
	struct grant g, known;
	struct server_traits traits;
	bool fresh, step_up, widest, hidden;
	bool kept;   /* the client is from an earlier registration */
	bool pasted; /* the code is what a person typed or copied */
	char *resource_metadata, *wanted, *only_issuer;
	struct discover *discover;
	struct registration *registration;
	struct device *device;
	struct token_request *token;
	struct browser *browser;
	struct http_req *look_up;
	struct listener *listener;
	struct listen_conn *conn; /* the browser waits for its page */
	struct secret verifier, state, code;
	struct loop_timer again; /* for the port */
	unsigned port_tries;
	struct loop_task over; /* done() from the loop, never from a call of ours */
	struct err e;
};

/* ---- the end ---- */

static void report(void *ctx)
{
	struct flow *f = ctx;

	if (f->e.kind)
		f->on->done(f->ctx, NULL, &f->e);
	else
		f->on->done(f->ctx, &f->g, NULL);
}

static void finish(struct flow *f)
{
	f->conn = NULL;
	f->step = STEP_OVER;
	loop_task_queue(&f->over);
}

/* The page is all that a person sees of it who was sent here by a program. */
static void page_of_failure(struct flow *f)
{
	char *command = oauth_command(f->o, NULL);
	char *text = mem_printf("%c%s. Nothing was kept. Go back to your program and try again, or "
				"run \"%s\" in a terminal.",
		toupper((unsigned char)f->e.msg[0]), f->e.msg + (f->e.msg[0] != 0), command);

	listen_page(f->conn, 400, "Not signed in", text);
	free(text);
	free(command);
}

static void page_of_success(struct flow *f)
{
	struct url u = { 0 };
	char *text = mem_printf("mpmcp may now use your account at %s. You can close this page and "
				"go back to your program: it goes on by itself.",
		url_parse(f->o->url, &u, NULL) ? u.host : "the service");

	listen_page(f->conn, 200, "You are signed in", text);
	free(text);
	url_clear(&u);
}

/* f->e says why. */
static void fail(struct flow *f)
{
	if (f->conn)
		page_of_failure(f);
	finish(f);
}

static void succeed(struct flow *f)
{
	if (f->conn && f->o->success_url)
		listen_redirect(f->conn, f->o->success_url);
	else if (f->conn)
		page_of_success(f);
	finish(f);
}

/* ---- the scope to ask for ---- */

/* What the person gave by --authorize-param; NULL when nothing. */
static const char *own_param(const struct flow *f, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < f->o->nparams; i++)
		if (strncmp(f->o->params[i], name, n) == 0 && f->o->params[i][n] == '=')
			return f->o->params[i] + n + 1;
	return NULL;
}

static void choose_scope(struct flow *f)
{
	const char *own = own_param(f, "scope");
	char *pinned = own ? mem_dup(own) : oauth_metadata_text(f->o, "scope");
	char *all = f->widest && f->wanted ? scope_union(f->wanted, f->g.scopes_offered) : NULL;
	struct scope_choice c = { .pinned = pinned,
		.challenge = all ? all : f->wanted,
		.step_up = f->step_up,
		.offered = f->g.scopes_offered,
		.offline_access = f->traits.offline_access,
		.asked = f->known.scope_asked,
		.granted = f->known.scope_granted,
		.wanted = f->known.scope_wanted };

	free(f->g.scope_asked);
	f->g.scope_asked = scope_choose(&c);
	free(pinned);
	free(all);
}

/* ---- the client ---- */

static void on_callback(void *ctx, struct listen_conn *c, const char *query);
static void begin(struct flow *f);

/* A registration is for one redirect URI: its port is tried before others. 0: there is none. */
static unsigned known_port(const struct flow *f, const char *host, const char *path)
{
	struct url u = { 0 };
	unsigned port = f->known.redirect_uri && !f->fresh &&
					url_parse(f->known.redirect_uri, &u, NULL) &&
					strcmp(u.host, host) == 0 && strcmp(u.path, path) == 0
				? u.port
				: 0;

	url_clear(&u);
	return port;
}

/* A port that somebody was told must be the one that is used. */
static bool port_is_fixed(const struct flow *f)
{
	return f->o->callback_port || f->o->client_info || f->o->client_metadata_url;
}

static bool open_listener(struct flow *f)
{
	const char *host = f->o->host ? f->o->host : "localhost",
		   *path = f->o->callback_path ? f->o->callback_path : "/oauth/callback";
	bool fixed = port_is_fixed(f);
	unsigned port = f->o->callback_port ? f->o->callback_port : oauth_port(f->o);
	unsigned before = fixed ? 0 : known_port(f, host, path);

	if (before)
		f->listener = listen_new(f->loop, host, before, 1, path, on_callback, f, NULL);
	if (!f->listener)
		f->listener = listen_new(
			f->loop, host, port, fixed ? 1 : PORTS, path, on_callback, f, &f->e);
	if (!f->listener)
		return false;
	free(f->g.redirect_uri);
	f->g.redirect_uri = mem_printf("http://%s:%u%s", host, listen_port(f->listener), path);
	return true;
}

static void have_client(void *ctx, bool kept, const struct err *e)
{
	struct flow *f = ctx;

	f->registration = NULL;
	f->kept = kept;
	if (e) {
		f->e = *e;
		fail(f);
	} else {
		begin(f);
	}
}

static void get_client(struct flow *f)
{
	struct register_call c = {
		.opts = f->o, .traits = &f->traits, .known = &f->known, .fresh = f->fresh
	};

	f->step = STEP_REGISTER;
	f->registration = register_start(f->loop, f->http, &c, &f->g, have_client, f);
}

static void once_more(struct flow *f, const char *why)
{
	if (f->conn)
		listen_page(f->conn, 400, "Once more, please", why);
	f->conn = NULL;
	f->e = (struct err){ 0 };
}

/* The server has forgotten the registration that was kept: once more with a new one. */
static bool registers_anew(struct flow *f)
{
	if (!f->kept || !f->g.registration_endpoint)
		return false;
	f->fresh = true;
	once_more(f, "The sign-in server had forgotten this program. A new page opens.");
	get_client(f);
	return true;
}

/* The service asked for a scope that the sign-in server does not know: once more without. */
static bool asks_for_less(struct flow *f)
{
	if (!f->known.scope_wanted)
		return false;
	free(f->known.scope_wanted);
	f->known.scope_wanted = NULL;
	once_more(f, "The sign-in server does not know all that was asked for. A new page opens.");
	choose_scope(f);
	begin(f);
	return true;
}

/* The listener is there before anybody hears of its address. */
static void try_port(void *ctx)
{
	struct flow *f = ctx;

	if (open_listener(f)) {
		f->e = (struct err){ 0 };
		get_client(f);
	} else if (port_is_fixed(f) && f->port_tries++ < PORT_TRIES) {
		loop_timer_set(&f->again, PORT_MS);
	} else {
		fail(f);
	}
}

static void prepare(struct flow *f)
{
	choose_scope(f);
	if (f->o->client_credentials || f->o->device_code) {
		if (!f->g.redirect_uri)
			f->g.redirect_uri = mem_dup("http://localhost/oauth/callback");
		get_client(f);
	} else if (!f->g.authorization_endpoint) {
		err_set(&f->e, ERR_PROTO,
			"the sign-in server's metadata has no authorization_endpoint");
		fail(f);
	} else {
		try_port(f);
	}
}

static void found_server(void *ctx, const struct err *e)
{
	struct flow *f = ctx;

	f->discover = NULL;
	if (e) {
		f->e = *e;
		fail(f);
	} else {
		prepare(f);
	}
}

/* ---- tokens ---- */

/* A word that was typed, or half of a code, is no end of the sign-in. */
static bool asks_for_another_paste(struct flow *f, enum token_outcome how, const struct err *e)
{
	struct err why = *e;

	f->pasted = false;
	if (!f->on->again || (how != TOKEN_INVALID_GRANT && how != TOKEN_REFUSED))
		return false;
	f->step = STEP_PERSON;
	err_set(&why, e->kind, "%s. Paste the complete address of the last page", e->msg);
	f->on->again(f->ctx, &why);
	return true;
}

static void got_tokens(void *ctx, enum token_outcome how, long retry_after_s, const struct err *e)
{
	struct flow *f = ctx;

	(void)retry_after_s;
	f->token = NULL;
	if (how == TOKEN_OK) {
		succeed(f);
	} else if (f->pasted && asks_for_another_paste(f, how, e)) {
		return;
	} else if (how != TOKEN_INVALID_CLIENT || !registers_anew(f)) {
		f->e = *e;
		err_prefix(&f->e, "signing in");
		fail(f);
	}
}

static void request_tokens(struct flow *f, const struct token_call *c)
{
	f->step = STEP_EXCHANGE;
	f->token = token_start(f->http, f->o, &f->g, c, got_tokens, f, &f->e);
	if (!f->token)
		fail(f);
}

static void exchange_code(struct flow *f)
{
	struct token_call c = { .kind = TOKEN_CODE,
		.secret = secret_str(&f->code),
		.verifier = secret_str(&f->verifier) };

	request_tokens(f, &c);
}

/* ---- the person ---- */

static bool add_params(const struct flow *f, struct buf *url)
{
	for (size_t i = 0; i < f->o->nparams; i++) {
		size_t n = strcspn(f->o->params[i], "=");
		char *name = mem_ndup(f->o->params[i], n);
		bool good = url_form_add(url, name, f->o->params[i] + n + 1);

		free(name);
		if (!good)
			return false;
	}
	return true;
}

/* OpenID Connect Core section 11: without it a server ignores offline_access. */
static bool wants_consent(const struct flow *f)
{
	return f->g.scope_asked && scope_has(f->g.scope_asked, "offline_access", 14) &&
	       !own_param(f, "prompt");
}

static bool authorize_url(const struct flow *f, struct buf *url)
{
	const char *resource = f->o->resource ? f->o->resource : f->g.resource;
	const char *scope = f->g.scope_asked;
	char challenge[PKCE_CHALLENGE_MAX];

	if (f->o->no_resource || own_param(f, "resource"))
		resource = NULL;
	if (own_param(f, "scope"))
		scope = NULL;
	return pkce_challenge(secret_str(&f->verifier), challenge) &&
	       url_add_escaped(url, f->g.authorization_endpoint) &&
	       buf_addc(url, strchr(f->g.authorization_endpoint, '?') ? '&' : '?') &&
	       url_form_add(url, "response_type", "code") &&
	       url_form_add(url, "client_id", f->g.client_id) &&
	       url_form_add(url, "redirect_uri", f->g.redirect_uri) &&
	       url_form_add(url, "state", secret_str(&f->state)) &&
	       url_form_add(url, "code_challenge", challenge) &&
	       url_form_add(url, "code_challenge_method", "S256") &&
	       (!scope || url_form_add(url, "scope", scope)) &&
	       (!wants_consent(f) || url_form_add(url, "prompt", "consent")) &&
	       (!resource || url_form_add(url, "resource", resource)) && add_params(f, url);
}

/* Nobody sees the address, so nobody will come; on a terminal it can be opened by hand. */
static void browser_failed(void *ctx, const struct err *e)
{
	struct flow *f = ctx;

	if (f->step != STEP_PERSON)
		return;
	if (f->hidden) {
		f->e = *e;
		err_prefix(&f->e, "a sign-in is needed");
		f->e.kind = ERR_AUTH;
		fail(f);
	} else {
		diag_note("%s", e->msg);
	}
}

static void open_browser(struct flow *f, const char *url)
{
	struct err e = { 0 };

	if (f->o->no_browser || !browser_possible())
		return;
	browser_free(f->browser);
	f->browser = browser_open(f->loop, url, browser_failed, f, &e);
	if (!f->browser)
		browser_failed(f, &e);
}

static void ask_person(struct flow *f)
{
	struct buf url;

	pkce_verifier(&f->verifier);
	pkce_random(&f->state, 24);
	buf_init(&url, ADDRESS_MAX);
	if (!authorize_url(f, &url)) {
		err_set(&f->e, ERR_LIMIT, "the sign-in address is too long");
		fail(f);
	} else {
		f->step = STEP_PERSON;
		f->on->url(f->ctx, url.p, NULL);
		open_browser(f, url.p);
	}
	buf_wipe(&url);
}

/* As long as resolvers take at the worst; then the browser may try. */
#define LOOK_UP_MS 5000

static void looked_up(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct flow *f = ctx;

	(void)how;
	f->look_up = NULL;
	if (!http_was_barred(r)) {
		ask_person(f);
		return;
	}
	f->e = *e;
	err_prefix(&f->e, "the page of the sign-in server is not opened");
	f->e.kind = ERR_PROTO;
	fail(f);
}

static const struct http_events look_up_events = { .done = looked_up };

/* Where the page's name leads, before the browser goes there. The browser looks for itself, too: what it
 * finds may be another address by then, and behind a proxy nothing is found here. */
static void look_up_page(struct flow *f)
{
	struct http_call c = { .method = "GET",
		.url = f->g.authorization_endpoint,
		.look_up_only = true,
		.total_ms = LOOK_UP_MS,
		.on = &look_up_events,
		.ctx = f };

	f->look_up = http_start(f->http, &c, &f->e);
	if (!f->look_up)
		fail(f);
}

/* ---- device code ---- */

static void show_code(void *ctx, const char *url, const char *code)
{
	struct flow *f = ctx;
	struct buf shown;

	buf_init(&shown, ADDRESS_MAX);
	if (url_add_escaped(&shown, url)) {
		f->on->url(f->ctx, buf_str(&shown), code);
	} else {
		err_set(&f->e, ERR_LIMIT, "the sign-in address is too long");
		fail(f);
	}
	buf_free(&shown);
}

static void device_done(void *ctx, enum token_outcome how, const struct err *e)
{
	struct flow *f = ctx;

	device_free(f->device);
	f->device = NULL;
	got_tokens(f, how, -1, e);
}

static const struct device_events device_events = { show_code, device_done };

static void start_device(struct flow *f)
{
	f->step = STEP_DEVICE;
	f->device = device_start(f->loop, f->http, f->o, &f->g, &device_events, f, &f->e);
	if (!f->device)
		fail(f);
}

static void begin(struct flow *f)
{
	struct token_call c = { .kind = TOKEN_CLIENT, .scope = f->g.scope_asked };

	if (f->o->client_credentials)
		request_tokens(f, &c);
	else if (f->o->device_code)
		start_device(f);
	else
		look_up_page(f);
}

/* ---- the callback ---- */

/* RFC 9207, and MCP 2026-07-28: promised must be there, and what is there must be right. */
static bool check_iss(struct flow *f, const char *query)
{
	unsigned count = 0;
	char *iss = url_form_get(query, "iss", &count);
	bool good = count == 0 ? !f->g.iss_promised
			       : count == 1 && iss && strcmp(iss, f->g.issuer) == 0;

	free(iss);
	return good || err_set(&f->e, ERR_AUTH,
			       "the answer of the sign-in comes from another issuer, or from none "
			       "that can be checked");
}

static void denied(struct flow *f, const char *error, const char *description)
{
	char *anew = oauth_command(f->o, "--force");

	err_set(&f->e, ERR_AUTH, "the sign-in was refused: %.80s%s%.300s", error,
		description && *description ? ": " : "", description ? description : "");
	/* A scope that was held before may be known no more. */
	if (strcmp(error, "invalid_scope") == 0) {
		struct err so_far = f->e;

		err_set(&f->e, ERR_AUTH, "%s. Run \"%s\"", so_far.msg, anew);
	}
	free(anew);
}

/* Some servers say by the redirect what the token endpoint would say. */
static bool can_be_mended(struct flow *f, const char *error)
{
	if (strcmp(error, "invalid_client") == 0 || strcmp(error, "unauthorized_client") == 0)
		return registers_anew(f);
	return strcmp(error, "invalid_scope") == 0 && asks_for_less(f);
}

/* The query is from the one who got our state. */
static void take_answer(struct flow *f, const char *query)
{
	unsigned codes = 0, errors = 0;
	char *code = url_form_get(query, "code", &codes),
	     *error = url_form_get(query, "error", &errors);
	char *description = url_form_get(query, "error_description", NULL);

	if (!check_iss(f, query)) {
		fail(f);
	} else if (errors && !error) {
		denied(f, "an error that cannot be read", NULL);
		fail(f);
	} else if (errors) {
		if (!can_be_mended(f, error)) {
			denied(f, error, description);
			fail(f);
		}
	} else if (codes != 1 || !code || !*code) {
		err_set(&f->e, ERR_AUTH, "the answer of the sign-in holds no code");
		fail(f);
	} else {
		secret_set(&f->code, code, strlen(code));
		exchange_code(f);
	}
	if (code)
		secret_wipe(code, strlen(code));
	free(code);
	free(error);
	free(description);
}

static bool state_is_ours(const struct flow *f, const char *query)
{
	unsigned count = 0;
	char *state = url_form_get(query, "state", &count);
	const char *want = secret_str(&f->state);
	bool good = count == 1 && state && secret_isset(&f->state) &&
		    secret_equal(state, strlen(state), want, strlen(want));

	free(state);
	return good;
}

static void on_callback(void *ctx, struct listen_conn *c, const char *query)
{
	struct flow *f = ctx;

	if (f->step != STEP_PERSON || !state_is_ours(f, query)) {
		listen_page(c, 400, "This is not the sign-in that is awaited",
			"The page may be from an earlier attempt. Go back to your program and use "
			"the address that it shows now.");
		return;
	}
	f->conn = c;
	f->pasted = false;
	take_answer(f, query);
}

/* ---- pasting ---- */

/* The code as it stands in an address is encoded. */
static bool paste_code(struct flow *f, const char *text, struct err *e)
{
	size_t n = strlen(text);
	char *code;

	if (f->g.iss_promised)
		return err_set(e, ERR_USAGE,
			"this sign-in server signs its answers: paste the whole address");
	code = url_form_decode(text, n);

	/* A plus sign may be itself here. */
	if (!code || !strchr(text, '%')) {
		free(code);
		code = mem_ndup(text, n);
	}
	for (const char *p = code; *p; p++) {
		if (*p >= ' ' && *p <= '~')
			continue;
		free(code);
		return err_set(e, ERR_USAGE, "that is neither an address nor a code");
	}
	secret_set(&f->code, code, strlen(code));
	secret_wipe(code, strlen(code));
	free(code);
	f->pasted = true;
	exchange_code(f);
	return true;
}

static bool holds_answer(const char *query)
{
	unsigned codes = 0, errors = 0;

	free(url_form_get(query, "code", &codes));
	free(url_form_get(query, "error", &errors));
	return codes || errors;
}

static bool paste_query(struct flow *f, char *query, struct err *e)
{
	query[strcspn(query, "#")] = 0;
	if (!state_is_ours(f, query) || !holds_answer(query))
		return err_set(
			e, ERR_USAGE, "that address belongs to another sign-in or is incomplete");
	f->pasted = true;
	take_answer(f, query);
	return true;
}

static bool is_address(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text without what terminals put around a paste, and trimmed, in place. */
static char *trim_paste(char *text)
{
	static const char *const marks[] = { "\033[200~", "\033[201~" };
	static const char around[] = " \t\r\n\"'<>";
	size_t n;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (char *p = text; (p = strstr(p, marks[i]));)
			memmove(p, p + 6, strlen(p + 6) + 1);
	text += strspn(text, around);
	n = strlen(text);
	while (n && strchr(around, text[n - 1]))
		n--;
	text[n] = 0;
	return text;
}

/* An address holds no blanks: they are where it was broken. "&amp;" is "&" in the source of a page. */
static void mend_address(char *text)
{
	char *to = text;

	for (const char *p = text; *p; p++) {
		if (is_blank(*p))
			continue;
		*to++ = *p;
		if (strncmp(p, "&amp;", 5) == 0)
			p += 4;
	}
	*to = 0;
}

static bool paste(struct flow *f, char *text, struct err *e)
{
	char *query;

	if (!*text)
		return err_set(e, ERR_USAGE, "nothing was pasted");
	if (f->step != STEP_PERSON)
		return err_set(e, ERR_USAGE, "nothing is awaited at the moment");
	if (is_address(text) || strncmp(text, "code=", 5) == 0)
		mend_address(text);
	query = strchr(text, '?');
	if (is_address(text) && !query)
		return err_set(e, ERR_USAGE,
			"that address holds no answer: paste the one that the browser ends at");
	if (query)
		return paste_query(f, query + 1, e);
	if (strncmp(text, "code=", 5) == 0)
		return paste_query(f, text, e);
	if (text[strcspn(text, " \t\r\n")])
		return err_set(e, ERR_USAGE,
			"that is neither an address nor a code: paste one of them alone");
	return paste_code(f, text, e);
}

bool flow_paste(struct flow *f, const char *text, struct err *e)
{
	char *copy = mem_dup(text);
	size_t n = strlen(copy);
	bool taken = paste(f, trim_paste(copy), e);

	secret_wipe(copy, n);
	free(copy);
	return taken;
}

/* ---- the whole ---- */

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* A client that was given belongs to the server that it says, else to the one where it signed in. */
static char *issuer_of_given(const struct flow *f)
{
	char *issuer, *id;

	if (!f->o->client_info)
		return NULL;
	issuer = oauth_info_text(f->o, "issuer");
	id = oauth_info_text(f->o, "client_id");
	if (!issuer && same(id, f->known.client_id) && f->known.issuer)
		issuer = mem_dup(f->known.issuer);
	free(id);
	return issuer;
}

static bool look_for_server(struct flow *f, bool no_guess, struct err *e)
{
	struct discover_call c = { .endpoint = f->o->url,
		.named = f->resource_metadata,
		.known_issuer = f->known.issuer,
		.only_issuer = f->only_issuer,
		.needs_pkce = oauth_needs_pkce(f->o),
		.no_guess = no_guess };

	f->step = STEP_DISCOVER;
	f->discover = discover_start(f->http, &c, &f->g, &f->traits, found_server, f, e);
	return f->discover != NULL;
}

struct flow *flow_new(struct loop *l, struct http *h, const struct flow_start *s,
	const struct flow_events *on, void *ctx, struct err *e)
{
	struct flow *f = mem_new(sizeof(*f));
	const char *endpoint = s->opts->token_endpoint;

	*f = (struct flow){ .loop = l,
		.http = h,
		.o = s->opts,
		.on = on,
		.ctx = ctx,
		.fresh = s->fresh,
		.step_up = s->step_up,
		.widest = s->widest,
		.hidden = s->hidden,
		.wanted = s->scope ? mem_dup(s->scope) : NULL,
		.resource_metadata = s->resource_metadata ? mem_dup(s->resource_metadata) : NULL };
	loop_task_init(&f->over, l, report, f);
	loop_timer_init(&f->again, l, try_port, f);
	if (s->known)
		grant_copy(&f->known, s->known);
	f->g.url = mem_dup(f->o->url);
	f->g.profile = f->o->profile ? mem_dup(f->o->profile) : NULL;
	f->only_issuer = issuer_of_given(f);
	if (endpoint) {
		f->g.token_endpoint = mem_dup(endpoint);
		prepare(f);
	} else if (!look_for_server(f, s->no_guess, e)) {
		flow_free(f);
		return NULL;
	}
	return f;
}

bool flow_may_be_forgotten(const struct flow *f)
{
	return f->kept && f->step == STEP_PERSON;
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	discover_cancel(f->discover);
	register_cancel(f->registration);
	device_free(f->device);
	token_cancel(f->token);
	browser_free(f->browser);
	http_cancel(f->look_up);
	listen_free(f->listener);
	loop_timer_clear(&f->again);
	loop_task_clear(&f->over);
	grant_clear(&f->g);
	grant_clear(&f->known);
	secret_clear(&f->verifier);
	secret_clear(&f->state);
	secret_clear(&f->code);
	free(f->resource_metadata);
	free(f->wanted);
	free(f->only_issuer);
	free(f);
}
