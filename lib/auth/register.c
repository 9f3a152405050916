#include "auth/register.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch.h"

#define REGISTER_MS 15000

struct registration {
	struct http *http;
	struct register_call c;
	struct signin_record *g;
	register_fn *fn;
	void *ctx;
	struct loop_task done;
	struct fetch *fetch;
	bool kept;
	bool scope_refused; /* tried once more without it */
	struct err e;
};

static void registration_free(struct registration *r)
{
	fetch_cancel(r->fetch);
	loop_task_clear(&r->done);
	free(r);
}

static void report(void *ctx)
{
	struct registration *r = ctx;
	struct err e = r->e;
	register_fn *fn = r->fn;
	void *to = r->ctx;
	bool kept = r->kept;

	registration_free(r);
	fn(to, kept, e.kind ? &e : NULL);
}

/* r->e says how. */
static void finish(struct registration *r)
{
	loop_task_queue(&r->done);
}

static void forget_client(struct signin_record *g)
{
	free(g->client_id);
	free(g->client_method);
	g->client_id = g->client_method = NULL;
	g->client_expires_s = 0;
	secret_clear(&g->client_secret);
}

/* ---- without asking the server ---- */

static void use_given(struct registration *r)
{
	const struct oauth_options *o = r->c.opts;
	char *method = oauth_metadata_text(o, "token_endpoint_auth_method");

	if (!documents_read_client(o->client_info, strlen(o->client_info), method, r->g, &r->e)) {
		err_prefix(&r->e, "--static-oauth-client-info");
		r->e.kind = ERR_USAGE;
	}
	free(method);
	finish(r);
}

/* A Client ID Metadata Document: its URL is the client_id, nothing is registered. */
static void use_document(struct registration *r)
{
	forget_client(r->g);
	r->g->client_id = mem_dup(r->c.opts->client_metadata_url);
	r->g->client_method = mem_dup("none");
	finish(r);
}

static bool same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

/* A registration belongs to its issuer and its redirect URI. The URL of a document is none. */
static bool known_serves(const struct registration *r)
{
	const struct signin_record *k = r->c.known;

	return k && !r->c.fresh && k->client_id &&
	       !same(k->client_id, r->c.opts->client_metadata_url) &&
	       (!k->client_expires_s || k->client_expires_s > clock_wall_s()) && k->issuer &&
	       r->g->issuer && documents_same_issuer(k->issuer, r->g->issuer) &&
	       same(k->redirect_uri, r->g->redirect_uri);
}

static void use_known(struct registration *r)
{
	const struct signin_record *k = r->c.known;

	forget_client(r->g);
	r->g->client_id = mem_dup(k->client_id);
	r->g->client_method = k->client_method ? mem_dup(k->client_method) : NULL;
	r->g->client_expires_s = k->client_expires_s;
	if (secret_isset(&k->client_secret))
		secret_set(
			&r->g->client_secret, secret_str(&k->client_secret), k->client_secret.len);
	r->kept = true;
	finish(r);
}

/* ---- a new one ---- */

static void ask(struct registration *r);

/* A server may know the scopes of the resources behind it only at the authorize step, and refuse a
 * registration that names one (RFC 7591 has no error of its own for that). */
static bool asks_again(struct registration *r, long status)
{
	char *pinned = oauth_metadata_text(r->c.opts, "scope");
	bool again = status == 400 && !r->scope_refused && r->g->scope_asked && !pinned;

	free(pinned);
	if (!again)
		return false;
	r->scope_refused = true;
	ask(r);
	return true;
}

static void refused(struct registration *r, const struct fetch_answer *a)
{
	char code[64], words[241];
	struct err why = { 0 };

	documents_read_error(buf_str(a->body), a->body->len, code, words);
	if (a->status == 404 || a->status == 405) {
		err_set(&r->e, ERR_AUTH,
			"%.200s does not support client registration (HTTP %ld); the service may "
			"not use OAuth",
			r->g->registration_endpoint, a->status);
		err_advise(&r->e, REASON_NONE,
			"If it does, give a client with --static-oauth-client-info; if not, a "
			"credential with --header.");
		return;
	}
	err_set(&why, a->status == 429 ? ERR_RATE : ERR_AUTH,
		"the sign-in server refuses to register this program (HTTP %ld)%s%s", a->status,
		*words ? ": " : "", words);
	r->e = why;
	if (a->retry_after_s >= 0)
		err_advise(&r->e, why.kind == ERR_RATE ? REASON_RATE_LIMITED : REASON_NONE,
			"Try again in %ld seconds.", a->retry_after_s);
}

static void answered(void *ctx, const struct fetch_answer *a)
{
	struct registration *r = ctx;

	r->fetch = NULL;
	if (a->how != HTTP_DONE) {
		r->e = *a->e;
		err_prefix(&r->e, "registering with the sign-in server");
	} else if (a->status < 200 || a->status >= 300) {
		if (asks_again(r, a->status))
			return;
		refused(r, a);
	} else if (!documents_read_client(buf_str(a->body), a->body->len, NULL, r->g, &r->e)) {
		if (documents_read_error(buf_str(a->body), a->body->len, NULL, NULL))
			refused(r, a);
		else
			err_prefix(&r->e, "registering with the sign-in server");
	}
	finish(r);
}

static void ask(struct registration *r)
{
	const struct oauth_options *o = r->c.opts;
	struct fetch_call c = { .url = r->g->registration_endpoint,
		.content_type = "application/json",
		.cap = DOCUMENTS_BYTES_MAX,
		.total_ms = REGISTER_MS,
		.patience_ms = FETCH_PATIENCE_MS };
	char *text;

	forget_client(r->g);
	if (!c.url) {
		err_set(&r->e, ERR_AUTH,
			"the sign-in server registers no clients: give one with "
			"--static-oauth-client-info");
		finish(r);
		return;
	}
	text = documents_registration(
		r->g, o->client_metadata, r->scope_refused ? NULL : r->g->scope_asked, &r->e);
	c.body = text;
	r->fetch = text ? fetch_start(r->http, &c, answered, r, &r->e) : NULL;
	free(text);
	if (!r->fetch)
		finish(r);
}

struct registration *register_start(struct loop *l, struct http *h, const struct register_call *c,
	struct signin_record *g, register_fn *fn, void *ctx)
{
	struct registration *r = mem_new(sizeof(*r));

	*r = (struct registration){ .http = h, .c = *c, .g = g, .fn = fn, .ctx = ctx };
	loop_task_init(&r->done, l, report, r);
	if (c->opts->client_info)
		use_given(r);
	else if (c->traits->client_documents && c->opts->client_metadata_url)
		use_document(r);
	else if (known_serves(r))
		use_known(r);
	else
		ask(r);
	return r;
}

void register_cancel(struct registration *r)
{
	if (r)
		registration_free(r);
}
