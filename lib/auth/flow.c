#include "auth/flow.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/browser.h"
#include "auth/pkce.h"
#include "auth/server.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/listen.h"
#include "net/url.h"

#define DOCUMENT_MS 15000

/* How many ports are tried from the one of the rule on, as mcp-remote does. */
#define PORTS 8

/* Addresses at which one document may be found. */
#define PLACES_MAX 4

/* RFC 8628 section 3.2: seconds between two questions when the server says nothing. */
#define DEVICE_INTERVAL_S 5
#define DEVICE_INTERVAL_MAX_S 120

enum step {
	STEP_RESOURCE, /* resource metadata, one place after the other */
	STEP_SERVER,   /* server metadata, likewise */
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
	struct grant g;
	char *known_issuer, *known_redirect; /* of a registration that may serve */
	struct server_traits traits;
	bool fresh, registered_before, discover_only;
	bool scope_refused; /* by the registration, which is tried once more without it */
	char *wanted;       /* scope of the challenge */
	char *issuer;       /* identifier of the authorization server */
	bool guessed;       /* nobody named it: it is the endpoint's origin */
	char *places[PLACES_MAX];
	size_t nplaces, place;
	struct fetch *fetch;
	struct token_request *token;
	struct listener *listener;
	struct listen_conn *conn; /* the browser waits for its page */
	struct secret verifier, state, code, device_code;
	int64_t interval_s;
	struct loop_timer timer;
	struct loop_task failed; /* done() from the loop, never from a call of ours */
	struct err e;
};

static void next_place(struct flow *f);
static void ask_person(struct flow *f);

/* ---- the end ---- */

static void report(void *ctx)
{
	struct flow *f = ctx;

	f->step = STEP_OVER;
	if (f->e.kind)
		f->on->done(f->ctx, NULL, &f->e);
	else
		f->on->done(f->ctx, &f->g, NULL);
}

static void finish(struct flow *f)
{
	f->step = STEP_OVER;
	loop_task_queue(&f->failed);
}

/* The page is all that a person sees of it who was sent here by a program. */
static void page_of_failure(struct flow *f)
{
	char *text = mem_printf("%c%s. Nothing was kept. Go back to your program and try again, or "
				"run \"mpmcp login\" in a terminal.",
		toupper((unsigned char)f->e.msg[0]), f->e.msg + (f->e.msg[0] != 0));

	listen_page(f->conn, 400, "Not signed in", text);
	free(text);
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
	f->conn = NULL;
	finish(f);
}

static void succeed(struct flow *f)
{
	if (f->conn && f->o->success_url)
		listen_redirect(f->conn, f->o->success_url);
	else if (f->conn)
		page_of_success(f);
	f->conn = NULL;
	finish(f);
}

/* ---- the scope to ask for ---- */

/* A text member of a JSON object that the person gave; NULL when there is none. */
static char *member_of(const char *document, const char *name)
{
	json_t *o = document ? json_loads(document, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(o, name));
	char *copy = text ? mem_dup(text) : NULL;

	json_decref(o);
	return copy;
}

/* How a given client shows itself at the token endpoint: as it says itself, else as the metadata that
 * were given with it say. */
static void heed_method(struct flow *f)
{
	static const char name[] = "token_endpoint_auth_method";
	char *own = member_of(f->o->client_info, name);
	char *wanted = own ? NULL : member_of(f->o->client_metadata, name);

	free(own);
	if (!wanted)
		return;
	free(f->g.client_method);
	f->g.client_method = wanted;
}

/* Pinned, else what the challenge wants (with what was held: a step-up), else what the resource offers,
 * else nothing at all. Never invented. */
static void choose_scope(struct flow *f)
{
	char *pinned = member_of(f->o->client_metadata, "scope"), *scope;

	if (pinned)
		scope = f->wanted ? server_scope_union(pinned, f->wanted) : mem_dup(pinned);
	else if (f->wanted)
		scope = server_scope_union(f->g.scope_asked, f->wanted);
	else
		scope = mem_dup(f->g.scopes_offered ? f->g.scopes_offered : "");
	if (f->traits.offline_access && !pinned && *scope) {
		char *more = server_scope_union(scope, "offline_access");

		free(scope);
		scope = more;
	}
	free(pinned);
	free(f->g.scope_asked);
	f->g.scope_asked = *scope ? mem_dup(scope) : NULL;
	free(scope);
}

/* ---- discovery ---- */

static void clear_places(struct flow *f)
{
	for (size_t i = 0; i < f->nplaces; i++)
		free(f->places[i]);
	f->nplaces = f->place = 0;
}

static void add_place(struct flow *f, char *url)
{
	if (!url)
		return;
	for (size_t i = 0; i < f->nplaces; i++) {
		if (strcmp(f->places[i], url) == 0) {
			free(url);
			return;
		}
	}
	if (f->nplaces == PLACES_MAX)
		free(url);
	else
		f->places[f->nplaces++] = url;
}

static void look_for_server(struct flow *f)
{
	struct url u;
	bool path = url_parse(f->issuer, &u, NULL) && strcmp(u.path, "/") != 0;

	url_clear(&u);
	clear_places(f);
	f->step = STEP_SERVER;
	add_place(f, url_well_known(f->issuer, "oauth-authorization-server", NULL));
	add_place(f, url_well_known(f->issuer, "openid-configuration", NULL));
	if (path)
		add_place(f, url_well_known_behind(f->issuer, "openid-configuration", NULL));
	next_place(f);
}

/* MCP 2025-03-26: without resource metadata the endpoint's origin is the authorization server. */
static void fall_back_to_origin(struct flow *f)
{
	struct url u;
	struct buf origin;

	buf_init(&origin, URL_MAX);
	if (url_parse(f->o->url, &u, &f->e) && url_origin(&u, &origin)) {
		free(f->issuer);
		f->issuer = buf_take(&origin, NULL);
		f->guessed = true;
		look_for_server(f);
	} else {
		fail(f);
	}
	url_clear(&u);
	buf_free(&origin);
}

static char *origin_endpoint(const char *issuer, const char *path)
{
	return mem_printf("%s%s", issuer, path);
}

static void prepare_client(struct flow *f);

/* No metadata anywhere: the default endpoints of MCP 2025-03-26 on the endpoint's own origin, unless a
 * resource document named a server, which then has to describe itself. */
static void no_server_metadata(struct flow *f)
{
	if (f->g.resource) {
		err_set(&f->e, ERR_PROTO,
			"the sign-in server %.200s has no metadata that can be read", f->issuer);
		fail(f);
		return;
	}
	f->g.authorization_endpoint = origin_endpoint(f->issuer, "/authorize");
	f->g.token_endpoint = origin_endpoint(f->issuer, "/token");
	f->g.registration_endpoint = origin_endpoint(f->issuer, "/register");
	f->g.issuer = mem_dup(f->issuer);
	prepare_client(f);
}

static void read_resource(struct flow *f, const struct buf *body)
{
	if (!server_read_resource(buf_str(body), body->len, f->o->url, &f->g, &f->issuer, &f->e))
		fail(f);
	else if (f->issuer)
		look_for_server(f);
	else
		fall_back_to_origin(f);
}

static void read_server(struct flow *f, const struct buf *body)
{
	if (server_read_metadata(buf_str(body), body->len, f->issuer, f->guessed, f->o->url, &f->g,
		    &f->traits, &f->e))
		prepare_client(f);
	else
		fail(f);
}

static void got_document(void *ctx, const struct fetch_answer *a)
{
	struct flow *f = ctx;

	f->fetch = NULL;
	if (a->how != HTTP_DONE) {
		f->e = *a->e;
		err_prefix(&f->e, "looking for the sign-in server");
		fail(f);
	} else if (a->status == 200) {
		if (f->step == STEP_RESOURCE)
			read_resource(f, a->body);
		else
			read_server(f, a->body);
	} else if (a->status >= 500 || a->status == 429) {
		err_set(&f->e, ERR_SERVER,
			"looking for the sign-in server: the service answers HTTP %ld. Try again "
			"later",
			a->status);
		fail(f);
	} else {
		f->place++;
		next_place(f);
	}
}

static void next_place(struct flow *f)
{
	struct fetch_call c = { .cap = SERVER_DOCUMENT_MAX, .total_ms = DOCUMENT_MS };

	if (f->place == f->nplaces) {
		if (f->step == STEP_RESOURCE)
			fall_back_to_origin(f);
		else
			no_server_metadata(f);
		return;
	}
	c.url = f->places[f->place];
	f->fetch = fetch_start(f->http, &c, got_document, f, &f->e);
	if (!f->fetch)
		fail(f);
}

static bool look_for_resource(struct flow *f, const char *named, struct err *e)
{
	f->step = STEP_RESOURCE;
	if (named) {
		if (!server_url_ok(named, f->o->url, "resource metadata", e))
			return false;
		add_place(f, mem_dup(named));
	} else {
		add_place(f, url_well_known(f->o->url, "oauth-protected-resource", NULL));
		add_place(f, url_well_known_root(f->o->url, "oauth-protected-resource", NULL));
	}
	next_place(f);
	return true;
}

/* ---- the client ---- */

static void on_callback(void *ctx, struct listen_conn *c, const char *query);

static bool open_listener(struct flow *f)
{
	const char *host = f->o->host ? f->o->host : "localhost",
		   *path = f->o->callback_path ? f->o->callback_path : "/oauth/callback";
	/* A port that somebody was told must be the one that is used. */
	bool fixed = f->o->callback_port || f->o->client_info || f->o->client_metadata_url;
	unsigned port = f->o->callback_port ? f->o->callback_port : oauth_port(f->o->url);

	f->listener =
		listen_new(f->loop, host, port, fixed ? 1 : PORTS, path, on_callback, f, &f->e);
	if (!f->listener)
		return false;
	free(f->g.redirect_uri);
	f->g.redirect_uri = mem_printf("http://%s:%u%s", host, listen_port(f->listener), path);
	return true;
}

static void forget_client(struct flow *f)
{
	free(f->g.client_id);
	free(f->g.client_method);
	f->g.client_id = f->g.client_method = NULL;
	secret_clear(&f->g.client_secret);
}

/* A Client ID Metadata Document: its URL is the client_id, nothing is registered. */
static bool has_document(const struct flow *f)
{
	return f->traits.client_documents && f->o->client_metadata_url;
}

static void use_document(struct flow *f)
{
	forget_client(f);
	f->g.client_id = mem_dup(f->o->client_metadata_url);
	f->g.client_method = mem_dup("none");
}

/* A registration belongs to its issuer and its redirect URI. The URL of a document is none. */
static bool known_client_serves(const struct flow *f)
{
	const char *document = f->o->client_metadata_url;

	return !f->fresh && f->g.client_id && f->known_issuer &&
	       !(document && strcmp(f->g.client_id, document) == 0) &&
	       strcmp(f->known_issuer, f->g.issuer) == 0 && f->known_redirect &&
	       strcmp(f->known_redirect, f->g.redirect_uri) == 0;
}

static void client_ready(struct flow *f);
static void register_client(struct flow *f);

/* A server may know the scopes of the resources behind it only at the authorize step, and refuse a
 * registration that names one (RFC 7591 has no error of its own for that). */
static bool registers_again(struct flow *f, long status)
{
	char *pinned = member_of(f->o->client_metadata, "scope");
	bool again = status == 400 && !f->scope_refused && f->g.scope_asked && !pinned;

	free(pinned);
	if (!again)
		return false;
	f->scope_refused = true;
	register_client(f);
	return true;
}

static void got_client(void *ctx, const struct fetch_answer *a)
{
	struct flow *f = ctx;
	char code[64], words[241];

	f->fetch = NULL;
	if (a->how != HTTP_DONE) {
		f->e = *a->e;
		err_prefix(&f->e, "registering with the sign-in server");
	} else if (a->status == 200 || a->status == 201) {
		if (server_read_client(buf_str(a->body), a->body->len, &f->g, &f->e)) {
			client_ready(f);
			return;
		}
	} else if (registers_again(f, a->status)) {
		return;
	} else {
		server_read_error(buf_str(a->body), a->body->len, code, words);
		err_set(&f->e, a->status == 429 ? ERR_RATE : ERR_AUTH,
			"the sign-in server refuses to register this program (HTTP %ld)%s%s",
			a->status, *words ? ": " : "", words);
		if (a->retry_after_s >= 0) {
			char so_far[ERR_MSG_MAX];

			memcpy(so_far, f->e.msg, sizeof(so_far));
			err_set(&f->e, f->e.kind, "%.900s. Try again in %ld seconds", so_far,
				a->retry_after_s);
		}
	}
	fail(f);
}

static void register_client(struct flow *f)
{
	struct fetch_call c = { .url = f->g.registration_endpoint,
		.content_type = "application/json",
		.cap = SERVER_DOCUMENT_MAX,
		.total_ms = DOCUMENT_MS };
	char *text;

	f->step = STEP_REGISTER;
	forget_client(f);
	if (!c.url) {
		err_set(&f->e, ERR_AUTH,
			"the sign-in server registers no clients: give one with "
			"--static-oauth-client-info");
		fail(f);
		return;
	}
	text = server_registration(
		&f->g, f->o->client_metadata, f->scope_refused ? NULL : f->g.scope_asked, &f->e);
	c.body = text;
	f->fetch = text ? fetch_start(f->http, &c, got_client, f, &f->e) : NULL;
	free(text);
	if (!f->fetch)
		fail(f);
}

static void prepare_client(struct flow *f)
{
	if (f->discover_only) {
		finish(f);
		return;
	}
	choose_scope(f);
	if (!f->o->client_credentials && !f->o->device_code && !open_listener(f)) {
		fail(f);
		return;
	}
	if (!f->o->client_credentials && !f->o->device_code && !f->g.authorization_endpoint) {
		err_set(&f->e, ERR_PROTO,
			"the sign-in server's metadata has no authorization_endpoint");
		fail(f);
		return;
	}
	if (f->o->device_code && !f->g.redirect_uri)
		f->g.redirect_uri = mem_dup("http://localhost/oauth/callback");
	if (f->o->client_info) {
		if (server_read_client(
			    f->o->client_info, strlen(f->o->client_info), &f->g, &f->e)) {
			heed_method(f);
			client_ready(f);
			return;
		}
		err_prefix(&f->e, "--static-oauth-client-info");
		f->e.kind = ERR_USAGE;
		fail(f);
	} else if (has_document(f)) {
		use_document(f);
		client_ready(f);
	} else if (known_client_serves(f)) {
		f->registered_before = true;
		client_ready(f);
	} else {
		register_client(f);
	}
}

/* ---- tokens ---- */

static void got_tokens(void *ctx, enum token_outcome how, const struct err *e)
{
	struct flow *f = ctx;

	f->token = NULL;
	if (how == TOKEN_OK) {
		succeed(f);
	} else if (how == TOKEN_INVALID_CLIENT && f->registered_before &&
		   f->g.registration_endpoint) {
		/* The server has forgotten the registration that was kept: once more with a new one. */
		f->registered_before = false;
		f->fresh = true;
		if (f->conn)
			listen_page(f->conn, 400, "Once more, please",
				"The sign-in server had forgotten this program. A new page opens.");
		f->conn = NULL;
		register_client(f);
	} else {
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

/* The person gave this parameter a value of their own. */
static bool has_param(const struct flow *f, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < f->o->nparams; i++)
		if (strncmp(f->o->params[i], name, n) == 0 && f->o->params[i][n] == '=')
			return true;
	return false;
}

/* OpenID Connect Core section 11: without it a server ignores offline_access. */
static bool wants_consent(const struct flow *f)
{
	return f->g.scope_asked && server_scope_has(f->g.scope_asked, "offline_access", 14) &&
	       !has_param(f, "prompt");
}

static bool authorize_url(const struct flow *f, struct buf *url)
{
	const char *resource = f->o->resource ? f->o->resource : f->g.resource;
	const char *scope = f->g.scope_asked;
	char challenge[PKCE_CHALLENGE_MAX];

	if (f->o->no_resource || has_param(f, "resource"))
		resource = NULL;
	if (has_param(f, "scope"))
		scope = NULL;
	return pkce_challenge(secret_str(&f->verifier), challenge) &&
	       buf_adds(url, f->g.authorization_endpoint) &&
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

static void ask_person(struct flow *f)
{
	struct buf url;
	struct err e = { 0 };

	pkce_verifier(&f->verifier);
	pkce_random(&f->state, 24);
	buf_init(&url, (size_t)32 << 10);
	if (!authorize_url(f, &url)) {
		err_set(&f->e, ERR_LIMIT, "the sign-in address is too long");
		fail(f);
	} else {
		f->step = STEP_PERSON;
		f->on->url(f->ctx, url.p, NULL);
		if (!f->o->no_browser && !browser_open(url.p, &e))
			diag_note("%s", e.msg);
	}
	buf_wipe(&url);
}

/* ---- device code, RFC 8628 ---- */

static void device_asked(void *ctx, enum token_outcome how, const struct err *e)
{
	struct flow *f = ctx;

	f->token = NULL;
	if (how == TOKEN_SLOW_DOWN && f->interval_s < DEVICE_INTERVAL_MAX_S)
		f->interval_s += DEVICE_INTERVAL_S;
	if (how == TOKEN_PENDING || how == TOKEN_SLOW_DOWN || how == TOKEN_TRANSIENT)
		loop_timer_set(&f->timer, f->interval_s * 1000);
	else
		got_tokens(f, how, e);
}

static void ask_device(void *ctx)
{
	struct flow *f = ctx;
	struct token_call c = { .kind = TOKEN_DEVICE, .secret = secret_str(&f->device_code) };

	f->token = token_start(f->http, f->o, &f->g, &c, device_asked, f, &f->e);
	if (!f->token)
		fail(f);
}

static bool read_device(struct flow *f, const struct buf *body)
{
	json_t *o = json_loadb(buf_str(body), body->len, 0, NULL);
	const char *code = json_string_value(json_object_get(o, "device_code")),
		   *shown = json_string_value(json_object_get(o, "user_code"));
	const char *url = json_string_value(json_object_get(o, "verification_uri"));
	json_int_t interval = json_integer_value(json_object_get(o, "interval"));
	bool good = code && shown && strlen(shown) < 100 && url &&
		    server_url_ok(url, f->o->url, "verification_uri", &f->e);

	if (good) {
		char *clean = err_clean(mem_dup(shown));

		secret_set(&f->device_code, code, strlen(code));
		f->interval_s = interval > 0 && interval < DEVICE_INTERVAL_MAX_S
					? interval
					: DEVICE_INTERVAL_S;
		f->step = STEP_DEVICE;
		loop_timer_set(&f->timer, f->interval_s * 1000);
		f->on->url(f->ctx, url, clean);
		free(clean);
	} else if (!f->e.kind) {
		err_set(&f->e, ERR_PROTO,
			"the device authorization's answer lacks device_code, user_code or "
			"verification_uri");
	}
	json_decref(o);
	return good;
}

static void got_device(void *ctx, const struct fetch_answer *a)
{
	struct flow *f = ctx;

	f->fetch = NULL;
	if (a->how != HTTP_DONE)
		f->e = *a->e;
	else if (a->status != 200)
		err_set(&f->e, ERR_AUTH, "the sign-in server gives no device code (HTTP %ld)",
			a->status);
	else if (read_device(f, a->body))
		return;
	fail(f);
}

static void start_device(struct flow *f)
{
	struct fetch_call c = { .url = f->g.device_endpoint,
		.content_type = "application/x-www-form-urlencoded",
		.cap = SERVER_DOCUMENT_MAX,
		.total_ms = DOCUMENT_MS };
	struct buf form, authorization;

	buf_init(&form, (size_t)64 << 10);
	buf_init(&authorization, (size_t)64 << 10);
	if (!c.url) {
		err_set(&f->e, ERR_AUTH,
			"the sign-in server offers no device codes: sign in without --device-code");
	} else if (token_authenticate(&f->g, &form, &authorization) &&
		   (!f->g.scope_asked || url_form_add(&form, "scope", f->g.scope_asked))) {
		c.body = buf_str(&form);
		c.authorization = authorization.len ? authorization.p : NULL;
		f->fetch = fetch_start(f->http, &c, got_device, f, &f->e);
	}
	buf_wipe(&form);
	buf_wipe(&authorization);
	if (!f->fetch)
		fail(f);
}

static void client_ready(struct flow *f)
{
	struct token_call c = { .kind = TOKEN_CLIENT, .scope = f->g.scope_asked };

	if (f->o->client_credentials)
		request_tokens(f, &c);
	else if (f->o->device_code)
		start_device(f);
	else
		ask_person(f);
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
	err_set(&f->e, ERR_AUTH, "the sign-in was refused: %.80s%s%.300s", error,
		description ? ": " : "", description ? description : "");
	err_clean(diag_redact(f->e.msg));
}

/* The query is from the one who got our state. */
static bool take_answer(struct flow *f, const char *query)
{
	unsigned codes = 0, errors = 0;
	char *code = url_form_get(query, "code", &codes),
	     *error = url_form_get(query, "error", &errors);
	char *description = url_form_get(query, "error_description", NULL);
	bool good = false;

	if (!check_iss(f, query))
		good = false;
	else if (error)
		denied(f, error, description);
	else if (codes != 1 || !code || !*code)
		err_set(&f->e, ERR_AUTH, "the answer of the sign-in holds no code");
	else {
		secret_set(&f->code, code, strlen(code));
		good = true;
	}
	if (code)
		secret_wipe(code, strlen(code));
	free(code);
	free(error);
	free(description);
	return good;
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
	if (take_answer(f, query))
		exchange_code(f);
	else
		fail(f);
}

bool flow_paste(struct flow *f, const char *text, struct err *e)
{
	const char *query;
	size_t n;

	while (*text == ' ' || *text == '\t')
		text++;
	n = strcspn(text, " \t\r\n");
	if (!n)
		return err_set(e, ERR_USAGE, "nothing was pasted");
	if (f->step != STEP_PERSON)
		return err_set(e, ERR_USAGE, "nothing is awaited at the moment");
	query = memchr(text, '?', n);
	if (!query) {
		secret_set(&f->code, text, n);
		exchange_code(f);
		return true;
	}
	{
		char *copy = mem_ndup(query + 1, n - (size_t)(query + 1 - text));
		bool ours = state_is_ours(f, copy), good = ours && take_answer(f, copy);

		secret_wipe(copy, strlen(copy));
		free(copy);
		if (!ours)
			return err_set(e, ERR_USAGE, "that address belongs to another sign-in");
		if (good)
			exchange_code(f);
		else
			fail(f);
	}
	return true;
}

/* ---- the whole ---- */

static void take_known(struct flow *f, const struct flow_start *s)
{
	const struct grant *k = s->known;

	if (!k)
		return;
	f->known_issuer = k->issuer ? mem_dup(k->issuer) : NULL;
	f->known_redirect = k->redirect_uri ? mem_dup(k->redirect_uri) : NULL;
	f->g.client_id = k->client_id ? mem_dup(k->client_id) : NULL;
	f->g.client_method = k->client_method ? mem_dup(k->client_method) : NULL;
	f->g.scope_asked = k->scope_asked ? mem_dup(k->scope_asked) : NULL;
	if (secret_isset(&k->client_secret))
		secret_set(
			&f->g.client_secret, secret_str(&k->client_secret), k->client_secret.len);
}

struct flow *flow_new(struct loop *l, struct http *h, const struct flow_start *s,
	const struct flow_events *on, void *ctx, struct err *e)
{
	struct flow *f = mem_new(sizeof(*f));

	f->loop = l;
	f->http = h;
	f->o = s->opts;
	f->on = on;
	f->ctx = ctx;
	f->fresh = s->fresh;
	f->discover_only = s->discover_only;
	f->g.url = mem_dup(s->opts->url);
	f->g.profile = s->opts->profile ? mem_dup(s->opts->profile) : NULL;
	f->wanted = s->scope ? mem_dup(s->scope) : NULL;
	loop_timer_init(&f->timer, l, ask_device, f);
	loop_task_init(&f->failed, l, report, f);
	take_known(f, s);
	if (s->opts->token_endpoint) {
		f->g.token_endpoint = mem_dup(s->opts->token_endpoint);
		prepare_client(f);
	} else if (!look_for_resource(f, s->resource_metadata, e)) {
		flow_free(f);
		return NULL;
	}
	return f;
}

void flow_free(struct flow *f)
{
	if (!f)
		return;
	fetch_cancel(f->fetch);
	token_cancel(f->token);
	listen_free(f->listener);
	loop_timer_clear(&f->timer);
	loop_task_clear(&f->failed);
	clear_places(f);
	grant_clear(&f->g);
	secret_clear(&f->verifier);
	secret_clear(&f->state);
	secret_clear(&f->code);
	secret_clear(&f->device_code);
	free(f->known_issuer);
	free(f->known_redirect);
	free(f->wanted);
	free(f->issuer);
	free(f);
}
