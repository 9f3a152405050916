#include "auth/token.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "base/buf.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/url.h"

/* Longer than any token endpoint takes, shorter than a client's patience. */
#define TOKEN_MS 20000
/* A code costs a person: no answer of an endpoint that never heard of it costs the code. */
#define CODE_MS 12000
#define CODE_PATIENCE_MS 15000

#define FORM_MAX ((size_t)64 << 10)

struct token_request {
	struct fetch *fetch;
	struct signin_record *g;
	bool id_token;
	enum token_kind kind;
	token_fn *fn;
	void *ctx;
};

/* RFC 6749 section 2.3.1: both are form-encoded before they are joined. */
static bool add_basic(const struct signin_record *g, struct buf *authorization)
{
	struct buf pair, id, secret;
	bool good;

	buf_init(&pair, FORM_MAX);
	buf_init(&id, FORM_MAX);
	buf_init(&secret, FORM_MAX);
	good = url_form_add(&id, "", g->client_id) &&
	       url_form_add(&secret, "", secret_str(&g->client_secret)) &&
	       buf_addf(&pair, "%s:%s", id.p + 1, secret.p + 1) &&
	       buf_adds(authorization, "Basic ") && crypt_base64(authorization, pair.p, pair.len);
	/* A server may repeat what it got. */
	if (good)
		diag_hide(authorization->p + 6, authorization->len - 6);
	buf_wipe(&pair);
	buf_wipe(&id);
	buf_wipe(&secret);
	return good;
}

bool token_authenticate(const struct signin_record *g, struct buf *form, struct buf *authorization)
{
	const char *method = g->client_method ? g->client_method : "none";

	if (secret_isset(&g->client_secret) && strcmp(method, "client_secret_basic") == 0)
		return add_basic(g, authorization);
	if (!url_form_add(form, "client_id", g->client_id))
		return false;
	return !secret_isset(&g->client_secret) || strcmp(method, "none") == 0 ||
	       url_form_add(form, "client_secret", secret_str(&g->client_secret));
}

static bool make_form(const struct oauth_options *o, const struct signin_record *g,
	const struct token_call *c, struct buf *form)
{
	const char *resource = o->resource ? o->resource : g->resource;
	bool good = false;

	switch (c->kind) {
	case TOKEN_CODE:
		good = url_form_add(form, "grant_type", "authorization_code") &&
		       url_form_add(form, "code", c->secret) &&
		       url_form_add(form, "redirect_uri", g->redirect_uri) &&
		       url_form_add(form, "code_verifier", c->verifier);
		break;
	case TOKEN_REFRESH:
		good = url_form_add(form, "grant_type", "refresh_token") &&
		       url_form_add(form, "refresh_token", secret_str(&g->refresh));
		break;
	case TOKEN_CLIENT:
		good = url_form_add(form, "grant_type", "client_credentials") &&
		       (!c->scope || url_form_add(form, "scope", c->scope));
		break;
	case TOKEN_DEVICE:
		good = url_form_add(form, "grant_type",
			       "urn:ietf:params:oauth:grant-type:device_code") &&
		       url_form_add(form, "device_code", c->secret);
		break;
	}
	return good && (o->no_resource || !resource || url_form_add(form, "resource", resource));
}

/* RFC 6749 sections 4.1.2.1 and 5.2, RFC 8628 section 3.5; these mean the same at every status, since servers
 * are known to send them with 200, 401, 403 and 500. Tokens are given up for the standard's words alone. */
static enum token_outcome outcome_of_error(const char *code, long status)
{
	static const struct {
		const char *code;
		enum token_outcome how;
	} known[] = { { "invalid_grant", TOKEN_INVALID_GRANT },
		{ "invalid_client", TOKEN_INVALID_CLIENT },
		{ "unauthorized_client", TOKEN_INVALID_CLIENT },
		{ "authorization_pending", TOKEN_PENDING }, { "slow_down", TOKEN_SLOW_DOWN },
		{ "server_error", TOKEN_TRANSIENT },
		{ "temporarily_unavailable", TOKEN_TRANSIENT } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i].how;
	/* A status alone says nothing about the grant; only an OAuth error document does. */
	return *code && status < 500 && status != 429 ? TOKEN_REFUSED : TOKEN_TRANSIENT;
}

static enum err_kind kind_of(enum token_outcome how, const char *code, long status)
{
	if (how != TOKEN_TRANSIENT)
		return ERR_AUTH;
	return status == 429 ? ERR_RATE : *code || status >= 500 ? ERR_SERVER : ERR_PROTO;
}

static enum token_outcome read_refusal(const struct fetch_answer *a, struct err *e)
{
	char code[64], words[241], when[64] = "";
	enum token_outcome how;

	documents_read_error(buf_str(a->body), a->body->len, code, words);
	how = outcome_of_error(code, a->status);
	/* It failed when it had taken the code. */
	if (how == TOKEN_INVALID_GRANT && a->failed >= 0) {
		err_set(e, ERR_SERVER,
			"the token endpoint %s (HTTP %ld) and no longer accepts the code%s%s",
			a->failed ? "failed" : "did not answer", a->failed ? a->failed : a->status,
			*words ? ": " : "", words);
		return TOKEN_TRANSIENT;
	}
	if (how == TOKEN_TRANSIENT && a->retry_after_s > 0)
		snprintf(when, sizeof(when), ". Try again in %ld seconds", a->retry_after_s);
	err_set(e, kind_of(how, code, a->status), "the token endpoint %s (HTTP %ld)%s%s%s",
		how == TOKEN_TRANSIENT ? "fails" : "refuses", a->status, *words ? ": " : "", words,
		when);
	return how;
}

/* OpenID Connect Core section 12.2: a refresh need not bring an ID token. Then nothing but a sign-in
 * brings another. */
static bool lacks_id_token(const struct token_request *t, const struct fetch_answer *a)
{
	json_t *o = t->id_token && t->kind == TOKEN_REFRESH
			    ? documents_json(buf_str(a->body), a->body->len, 0, "the answer", NULL)
			    : NULL;
	bool lacks = json_object_get(o, "access_token") && !json_object_get(o, "id_token");

	json_decref(o);
	return lacks;
}

static enum token_outcome read_answer(
	struct token_request *t, const struct fetch_answer *a, struct err *e)
{
	if (a->how != HTTP_DONE) {
		*e = *a->e;
		err_prefix(e, "the token endpoint did not answer");
		return TOKEN_TRANSIENT;
	}
	if (a->status < 200 || a->status >= 300)
		return read_refusal(a, e);
	/* RFC 6749 section 5.1 says 200; some servers answer 201, since something was made. */
	if (documents_read_tokens(buf_str(a->body), a->body->len, t->id_token, t->g, e))
		return TOKEN_OK;
	if (lacks_id_token(t, a))
		return TOKEN_INVALID_GRANT;
	return documents_read_error(buf_str(a->body), a->body->len, NULL, NULL) ? read_refusal(a, e)
										: TOKEN_TRANSIENT;
}

static void answered(void *ctx, const struct fetch_answer *a)
{
	struct token_request *t = ctx;
	struct err e = { 0 };
	enum token_outcome how = read_answer(t, a, &e);
	token_fn *fn = t->fn;
	void *to = t->ctx;

	free(t);
	fn(to, how, a->retry_after_s, how == TOKEN_OK ? NULL : &e);
}

struct token_request *token_start(struct http *h, const struct oauth_options *o,
	struct signin_record *g, const struct token_call *c, token_fn *fn, void *ctx, struct err *e)
{
	struct token_request *t = mem_new(sizeof(*t));
	struct fetch_call call = { .url = g->token_endpoint,
		.content_type = "application/x-www-form-urlencoded",
		.cap = DOCUMENTS_BYTES_MAX,
		.total_ms = c->kind == TOKEN_CODE ? CODE_MS : TOKEN_MS,
		.object = c->kind == TOKEN_CODE,
		.patience_ms = c->kind == TOKEN_CODE     ? CODE_PATIENCE_MS
			       : c->kind == TOKEN_CLIENT ? FETCH_PATIENCE_MS
							 : 0 };
	struct buf form, authorization;

	*t = (struct token_request){
		.g = g, .id_token = o->id_token, .kind = c->kind, .fn = fn, .ctx = ctx
	};
	buf_init(&form, FORM_MAX);
	buf_init(&authorization, 2 * FORM_MAX);
	if (!make_form(o, g, c, &form) || !token_authenticate(g, &form, &authorization)) {
		err_set(e, ERR_LIMIT, "the token request is too long");
	} else {
		call.body = form.p;
		call.authorization = authorization.len ? authorization.p : NULL;
		t->fetch = fetch_start(h, &call, answered, t, e);
	}
	buf_wipe(&form);
	buf_wipe(&authorization);
	if (t->fetch)
		return t;
	free(t);
	return NULL;
}

void token_cancel(struct token_request *t)
{
	if (!t)
		return;
	fetch_cancel(t->fetch);
	free(t);
}
