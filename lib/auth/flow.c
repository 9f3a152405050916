#include "auth/flow.h"

#include <stdlib.h>
#include <string.h>

#include "auth/authorize.h"
#include "auth/browser.h"
#include "auth/callback.h"
#include "auth/device.h"
#include "auth/discover.h"
#include "auth/paste.h"
#include "auth/pkce.h"
#include "auth/register.h"
#include "auth/scope.h"
#include "auth/documents.h"
#include "auth/token.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/url.h"

/* As long as resolvers take at the worst; then the browser may try. */
#define LOOK_UP_MS 5000

/* What is under way. advance() tells which step follows which. */
enum step {
	STEP_DISCOVER, /* RFC 9728 section 3, RFC 8414 section 3: where to sign in */
	STEP_LISTEN,   /* RFC 8252 section 7.3: a redirect URI on loopback */
	STEP_REGISTER, /* RFC 7591 section 3: as which client */
	STEP_LOOK_UP,  /* where the name of the sign-in page leads */
	STEP_AUTHORIZE, /* RFC 6749 section 4.1.1, RFC 7636: the browser is open, the redirect awaited */
	STEP_DEVICE,   /* RFC 8628 section 3: a code is shown, and the token endpoint polled */
	STEP_EXCHANGE, /* RFC 6749 section 4.1.3, or section 4.4 with client credentials */
	STEP_OVER,
};

/* What a step that failed may be tried again with. */
enum remedy {
	REMEDY_NONE,
	REMEDY_NEW_CLIENT, /* the server has forgotten the registration that was kept */
	REMEDY_LESS_SCOPE, /* the sign-in server does not know a scope that the service asked for */
	REMEDY_NEW_PASTE,  /* a word that was typed, or half of a code */
};

struct flow {
	struct loop *loop;
	struct http *http;
	const struct oauth_options *o;
	const struct flow_events *on;
	void *ctx;
	enum step step;
	struct err e; /* why the step failed; no kind: it did not */
	enum remedy remedy;
	/* what was known at the start */
	struct signin_record known;
	bool fresh, step_up, widest, no_guess, hidden;
	char *resource_metadata, *wanted, *only_issuer;
	/* what came of the steps so far */
	struct signin_record g;
	struct server_traits traits;
	bool kept; /* the client is from an earlier registration */
	struct secret verifier, state, code;
	const char *response; /* the query of the redirect, while it is read */
	bool pasted;          /* the code is what a person typed or copied */
	enum token_outcome how;
	/* what the steps work with */
	struct discover *discover;
	struct callback *callback;
	struct registration *registration;
	struct http_req *look_up;
	struct browser *browser;
	struct device *device;
	struct token_request *token;
	struct loop_task over; /* done() from the loop, never from a call of ours */
};

static void advance(struct flow *f);

/* A callback brings an error, or NULL. */
static void advance_with(struct flow *f, const struct err *e)
{
	if (e)
		f->e = *e;
	advance(f);
}

static bool went_well(const struct flow *f)
{
	return !f->e.kind;
}

/* ---- discover ---- */

static void choose_scope(struct flow *f)
{
	const char *own = authorize_param(f->o, "scope");
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

static void discovered(void *ctx, const struct err *e)
{
	struct flow *f = ctx;

	f->discover = NULL;
	advance_with(f, e);
}

static bool start_discovery(struct flow *f)
{
	struct discover_call c = { .endpoint = f->o->url,
		.named = f->resource_metadata,
		.known_issuer = f->known.issuer,
		.only_issuer = f->only_issuer,
		.needs_pkce = oauth_needs_pkce(f->o),
		.no_guess = f->no_guess };

	f->step = STEP_DISCOVER;
	f->discover = discover_start(f->http, &c, &f->g, &f->traits, discovered, f, &f->e);
	return f->discover != NULL;
}

static bool needs_browser(const struct flow *f)
{
	return !f->o->client_credentials && !f->o->device_code;
}

static bool finish_discovery(struct flow *f)
{
	if (!went_well(f))
		return false;
	choose_scope(f);
	return f->g.authorization_endpoint || !needs_browser(f) ||
	       err_set(&f->e, ERR_PROTO,
		       "the sign-in server's metadata has no authorization_endpoint");
}

/* ---- listen ---- */

static void listens(void *ctx, const struct err *e)
{
	advance_with(ctx, e);
}

static bool is_ours(void *ctx, const char *query)
{
	struct flow *f = ctx;

	return f->step == STEP_AUTHORIZE && authorize_is_ours(query, &f->state);
}

static void take_response(struct flow *f, const char *query, bool pasted)
{
	f->pasted = pasted;
	f->response = query;
	advance(f);
	f->response = NULL;
}

static void browser_returned(void *ctx, const char *query)
{
	take_response(ctx, query, false);
}

static const struct callback_events callback_events = { listens, is_ours, browser_returned };

/* The listener is there before anybody hears of its address. */
static bool start_listening(struct flow *f)
{
	f->step = STEP_LISTEN;
	f->callback = callback_start(
		f->loop, f->o, f->fresh ? NULL : f->known.redirect_uri, &callback_events, f);
	return true;
}

static bool finish_listening(struct flow *f)
{
	if (!went_well(f))
		return false;
	free(f->g.redirect_uri);
	f->g.redirect_uri = callback_uri(f->callback);
	return true;
}

/* ---- register ---- */

static void registered(void *ctx, bool kept, const struct err *e)
{
	struct flow *f = ctx;

	f->registration = NULL;
	f->kept = kept;
	advance_with(f, e);
}

static bool start_registration(struct flow *f)
{
	struct register_call c = {
		.opts = f->o, .traits = &f->traits, .known = &f->known, .fresh = f->fresh
	};

	f->step = STEP_REGISTER;
	if (!f->g.redirect_uri)
		f->g.redirect_uri = mem_dup("http://localhost/oauth/callback");
	f->registration = register_start(f->loop, f->http, &c, &f->g, registered, f);
	return true;
}

static bool finish_registration(struct flow *f)
{
	return went_well(f);
}

/* ---- look up the page ---- */

static void looked_up(void *ctx, struct http_req *r, enum http_outcome how, const struct err *e)
{
	struct flow *f = ctx;

	(void)how;
	f->look_up = NULL;
	advance_with(f, http_was_barred(r) ? e : NULL);
}

static const struct http_events look_up_events = { .done = looked_up };

/* Where the page's name leads, before the browser goes there. The browser looks for itself, too: what it
 * finds may be another address by then, and behind a proxy nothing is found here. */
static bool start_look_up(struct flow *f)
{
	struct http_call c = { .method = "GET",
		.url = f->g.authorization_endpoint,
		.look_up_only = true,
		.total_ms = LOOK_UP_MS,
		.on = &look_up_events,
		.ctx = f };

	f->step = STEP_LOOK_UP;
	f->look_up = http_start(f->http, &c, &f->e);
	return f->look_up != NULL;
}

static bool finish_look_up(struct flow *f)
{
	if (went_well(f))
		return true;
	err_prefix(&f->e, "the page of the sign-in server is not opened");
	f->e.kind = ERR_PROTO;
	return false;
}

/* ---- ask the browser ---- */

/* Nobody sees the address, so nobody will come; on a terminal it can be opened by hand. */
static bool browser_matters(struct flow *f, const struct err *e)
{
	if (!f->hidden) {
		diag_note("%s", err_text(e));
		return false;
	}
	f->e = *e;
	err_prefix(&f->e, "a sign-in is needed");
	f->e.kind = ERR_AUTH;
	return true;
}

static void browser_failed(void *ctx, const struct err *e)
{
	struct flow *f = ctx;

	if (f->step == STEP_AUTHORIZE && browser_matters(f, e))
		advance(f);
}

static bool open_browser(struct flow *f, const char *url)
{
	struct err e = { 0 };

	if (f->o->no_browser || !browser_possible())
		return true;
	browser_free(f->browser);
	f->browser = browser_open(f->loop, url, browser_failed, f, &e);
	return f->browser || !browser_matters(f, &e);
}

static bool show_page(struct flow *f, const char *url)
{
	f->on->url(f->ctx, url, NULL);
	return open_browser(f, url);
}

static bool start_authorization(struct flow *f)
{
	struct buf url;
	bool good;

	f->step = STEP_AUTHORIZE;
	pkce_verifier(&f->verifier);
	pkce_random(&f->state, 24);
	buf_init(&url, AUTHORIZE_URL_MAX);
	good = authorize_url(f->o, &f->g, &f->verifier, &f->state, &url)
		       ? show_page(f, url.p)
		       : err_set(&f->e, ERR_LIMIT, "the sign-in address is too long");
	buf_wipe(&url);
	return good;
}

static bool finish_authorization(struct flow *f)
{
	if (!went_well(f))
		return false;
	if (!f->response) /* a code was pasted without its address */
		return true;
	switch (authorize_read(f->response, f->o, &f->g, &f->code, &f->e)) {
	case AUTHORIZE_OK:
		return true;
	case AUTHORIZE_CLIENT_UNKNOWN:
		f->remedy = REMEDY_NEW_CLIENT;
		break;
	case AUTHORIZE_SCOPE_UNKNOWN:
		f->remedy = REMEDY_LESS_SCOPE;
		break;
	case AUTHORIZE_FAILED:
		break;
	}
	return false;
}

/* ---- exchange ---- */

static void got_tokens(void *ctx, enum token_outcome how, long retry_after_s, const struct err *e)
{
	struct flow *f = ctx;

	(void)retry_after_s;
	f->token = NULL;
	f->how = how;
	advance_with(f, e);
}

static bool request_tokens(struct flow *f, const struct token_call *c)
{
	f->step = STEP_EXCHANGE;
	f->token = token_start(f->http, f->o, &f->g, c, got_tokens, f, &f->e);
	return f->token != NULL;
}

static bool start_exchange(struct flow *f)
{
	struct token_call c = { .kind = TOKEN_CODE,
		.secret = secret_str(&f->code),
		.verifier = secret_str(&f->verifier) };

	return request_tokens(f, &c);
}

static bool start_client_exchange(struct flow *f)
{
	struct token_call c = { .kind = TOKEN_CLIENT, .scope = f->g.scope_asked };

	return request_tokens(f, &c);
}

static bool can_paste_again(const struct flow *f)
{
	return f->pasted && f->on->again &&
	       (f->how == TOKEN_INVALID_GRANT || f->how == TOKEN_REFUSED);
}

static bool finish_exchange(struct flow *f)
{
	if (f->how == TOKEN_OK)
		return true;
	if (can_paste_again(f)) {
		f->remedy = REMEDY_NEW_PASTE;
		return err_advise(
			&f->e, f->e.reason, "Paste the complete address of the last page.");
	}
	if (f->how == TOKEN_INVALID_CLIENT)
		f->remedy = REMEDY_NEW_CLIENT;
	return err_prefix(&f->e, "signing in");
}

/* ---- device code ---- */

static void show_code(void *ctx, const char *url, const char *code)
{
	struct flow *f = ctx;
	struct buf shown;

	buf_init(&shown, AUTHORIZE_URL_MAX);
	if (url_add_escaped(&shown, url)) {
		f->on->url(f->ctx, buf_str(&shown), code);
	} else {
		err_set(&f->e, ERR_LIMIT, "the sign-in address is too long");
		advance(f);
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

static bool start_device(struct flow *f)
{
	f->step = STEP_DEVICE;
	f->device = device_start(f->loop, f->http, f->o, &f->g, &device_events, f, &f->e);
	return f->device != NULL;
}

static bool finish_device(struct flow *f)
{
	/* Still there: its code could not be shown. */
	return f->device ? false : finish_exchange(f);
}

/* ---- the end ---- */

static void tell_owner(void *ctx)
{
	struct flow *f = ctx;

	f->on->done(f->ctx, went_well(f) ? &f->g : NULL, went_well(f) ? NULL : &f->e);
}

static bool succeed(struct flow *f)
{
	callback_succeed(f->callback);
	f->step = STEP_OVER;
	loop_task_queue(&f->over);
	return true;
}

/* f->e says why. */
static void fail(struct flow *f)
{
	callback_fail(f->callback, &f->e);
	f->step = STEP_OVER;
	loop_task_queue(&f->over);
}

/* ---- the protocol ---- */

/* The grants of RFC 6749 section 1.3 and RFC 8628. */
static bool start_grant(struct flow *f)
{
	if (f->o->client_credentials)
		return start_client_exchange(f);
	if (f->o->device_code)
		return start_device(f);
	return start_look_up(f);
}

static void once_more(struct flow *f, const char *why)
{
	callback_retry(f->callback, why);
	f->e = (struct err){ 0 };
}

static bool register_anew(struct flow *f)
{
	if (!f->kept || !f->g.registration_endpoint)
		return false;
	f->fresh = true;
	once_more(f, "The sign-in server no longer knows this program. A new page opens.");
	return start_registration(f);
}

static bool ask_for_less(struct flow *f)
{
	if (!f->known.scope_wanted)
		return false;
	free(f->known.scope_wanted);
	f->known.scope_wanted = NULL;
	once_more(f, "The sign-in server does not know all requested scopes. A new page opens.");
	choose_scope(f);
	return start_grant(f);
}

static bool ask_for_another_paste(struct flow *f)
{
	struct err e = f->e;

	f->step = STEP_AUTHORIZE;
	f->e = (struct err){ 0 };
	f->on->again(f->ctx, &e);
	return true;
}

/* False when that fails, too, or there is nothing to try. */
static bool try_remedy(struct flow *f)
{
	enum remedy remedy = f->remedy;

	f->remedy = REMEDY_NONE;
	switch (remedy) {
	case REMEDY_NEW_CLIENT:
		return register_anew(f);
	case REMEDY_LESS_SCOPE:
		return ask_for_less(f);
	case REMEDY_NEW_PASTE:
		return ask_for_another_paste(f);
	case REMEDY_NONE:
		break;
	}
	return false;
}

/* Called by every callback: reads what came of the step under way, and begins the one that follows. */
static void advance(struct flow *f)
{
	bool good = false;

	switch (f->step) {
	case STEP_DISCOVER:
		good = finish_discovery(f) &&
		       (needs_browser(f) ? start_listening(f) : start_registration(f));
		break;
	case STEP_LISTEN:
		good = finish_listening(f) && start_registration(f);
		break;
	case STEP_REGISTER:
		good = finish_registration(f) && start_grant(f);
		break;
	case STEP_LOOK_UP:
		good = finish_look_up(f) && start_authorization(f);
		break;
	case STEP_AUTHORIZE:
		good = finish_authorization(f) && start_exchange(f);
		break;
	case STEP_DEVICE:
		good = finish_device(f) && succeed(f);
		break;
	case STEP_EXCHANGE:
		good = finish_exchange(f) && succeed(f);
		break;
	case STEP_OVER:
		return;
	}
	if (!good && !try_remedy(f))
		fail(f);
}

/* ---- pasting ---- */

static bool take_query(struct flow *f, const char *query, struct err *e)
{
	if (!authorize_is_ours(query, &f->state) || !authorize_is_response(query))
		return err_set(
			e, ERR_USAGE, "that address belongs to another sign-in or is incomplete");
	take_response(f, query, true);
	return true;
}

static bool take_code(struct flow *f, const char *text, struct err *e)
{
	if (f->g.iss_promised)
		return err_set(e, ERR_USAGE,
			"this sign-in server signs its answers: paste the whole address");
	if (!paste_code(text, &f->code, e))
		return false;
	take_response(f, NULL, true);
	return true;
}

static bool take_paste(struct flow *f, char *text, struct err *e)
{
	char *found;

	if (!*text)
		return err_set(e, ERR_USAGE, "nothing was pasted");
	if (f->step != STEP_AUTHORIZE)
		return err_set(e, ERR_USAGE, "no sign-in is waiting for an address");
	switch (paste_read(text, &found, e)) {
	case PASTE_QUERY:
		return take_query(f, found, e);
	case PASTE_CODE:
		return take_code(f, found, e);
	case PASTE_NEITHER:
		break;
	}
	return false;
}

bool flow_paste(struct flow *f, const char *text, struct err *e)
{
	char *copy = mem_dup(text);
	size_t n = strlen(copy);
	bool taken = take_paste(f, paste_trim(copy), e);

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

struct flow *flow_new(struct loop *l, struct http *h, const struct flow_start *s,
	const struct flow_events *on, void *ctx, struct err *e)
{
	struct flow *f = mem_new(sizeof(*f));

	*f = (struct flow){ .loop = l,
		.http = h,
		.o = s->opts,
		.on = on,
		.ctx = ctx,
		.fresh = s->fresh,
		.step_up = s->step_up,
		.widest = s->widest,
		.no_guess = s->no_guess,
		.hidden = s->hidden,
		.wanted = s->scope ? mem_dup(s->scope) : NULL,
		.resource_metadata = s->resource_metadata ? mem_dup(s->resource_metadata) : NULL };
	loop_task_init(&f->over, l, tell_owner, f);
	if (s->known)
		signin_record_copy(&f->known, s->known);
	f->g.url = mem_dup(f->o->url);
	f->g.profile = f->o->profile ? mem_dup(f->o->profile) : NULL;
	f->only_issuer = issuer_of_given(f);
	if (f->o->token_endpoint) { /* was given: nothing is left to discover */
		f->g.token_endpoint = mem_dup(f->o->token_endpoint);
		advance(f);
	} else if (!start_discovery(f)) {
		*e = f->e;
		flow_free(f);
		return NULL;
	}
	return f;
}

bool flow_may_be_forgotten(const struct flow *f)
{
	return f->kept && f->step == STEP_AUTHORIZE;
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
	callback_free(f->callback);
	loop_task_clear(&f->over);
	signin_record_clear(&f->g);
	signin_record_clear(&f->known);
	secret_clear(&f->verifier);
	secret_clear(&f->state);
	secret_clear(&f->code);
	free(f->resource_metadata);
	free(f->wanted);
	free(f->only_issuer);
	free(f);
}
