#include "auth/discover.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "net/url.h"

#define DOCUMENT_MS 15000

/* Addresses at which one document may be found. */
#define PLACES_MAX 4

/* A well-known address may point to where the document really is. */
#define REDIRECTS_MAX 3

/* MCP 2025-03-26, Server Metadata Discovery Headers: servers of that time may answer by it. */
#define PROTOCOL_VERSION "2025-11-25"

enum step {
	STEP_RESOURCE, /* resource metadata, one place after the other */
	STEP_SERVER,   /* server metadata, likewise, one server after the other */
};

struct discover {
	struct http *http;
	struct discover_call c;
	struct signin_record *g;
	struct server_traits *t;
	discover_fn *fn;
	void *ctx;
	enum step step;
	struct documents_issuers issuers;
	size_t issuer; /* the one that is looked at */
	bool guessed;  /* nobody named it: it is the endpoint's origin */
	bool named;    /* the first place is the challenge's */
	char *places[PLACES_MAX];
	size_t nplaces, place;
	unsigned redirects;
	int64_t until_ms; /* patience with servers that fail for a moment ends */
	struct fetch *fetch;
	struct err complaint; /* the first thing that was wrong where something should have been */
};

static void next_place(struct discover *d);

/* ---- the end ---- */

static void clear_places(struct discover *d)
{
	for (size_t i = 0; i < d->nplaces; i++)
		free(d->places[i]);
	d->nplaces = d->place = 0;
}

static void discover_free(struct discover *d)
{
	fetch_cancel(d->fetch);
	clear_places(d);
	documents_issuers_clear(&d->issuers);
	free(d);
}

static void finish(struct discover *d, const struct err *e)
{
	discover_fn *fn = d->fn;
	void *ctx = d->ctx;
	struct err why = { 0 };

	if (e)
		why = *e;
	discover_free(d);
	fn(ctx, e ? &why : NULL);
}

static void complain(struct discover *d, const struct err *e)
{
	if (!d->complaint.kind)
		d->complaint = *e;
}

/* A look at the place whose turn it is; a NULL: at the one that a challenge names, which cannot be used. */
static void tell_step(
	const struct discover *d, const struct fetch_answer *a, const struct err *e, bool was_found)
{
	struct discover_step s = { .document = d->step == STEP_SERVER ? DISCOVER_SERVER
								      : DISCOVER_RESOURCE,
		.url = a ? d->places[d->place] : d->c.named,
		.issuer = d->issuers.n ? d->issuers.item[d->issuer] : NULL,
		.guessed = d->guessed,
		.answer = a,
		.found = was_found,
		.e = e->kind ? e : NULL };

	if (d->c.step)
		d->c.step(d->c.step_ctx, &s);
}

/* ---- places ---- */

static void add_place(struct discover *d, char *url)
{
	if (!url)
		return;
	for (size_t i = 0; i < d->nplaces; i++) {
		if (strcmp(d->places[i], url) == 0) {
			free(url);
			return;
		}
	}
	if (d->nplaces == PLACES_MAX)
		free(url);
	else
		d->places[d->nplaces++] = url;
}

static const char *issuer(const struct discover *d)
{
	return d->issuers.item[d->issuer];
}

static void look_for_server(struct discover *d)
{
	struct url u;
	bool path = url_parse(issuer(d), &u, NULL) && strcmp(u.path, "/") != 0;

	url_clear(&u);
	clear_places(d);
	d->redirects = 0;
	d->step = STEP_SERVER;
	add_place(d, url_well_known(issuer(d), "oauth-authorization-server", NULL));
	add_place(d, url_well_known(issuer(d), "openid-configuration", NULL));
	if (path) {
		add_place(d, url_well_known_behind(issuer(d), "openid-configuration", NULL));
		/* No place by the standard, and seen; what it says of the issuer decides. */
		add_place(d, url_well_known_root(issuer(d), "oauth-authorization-server", NULL));
	}
	next_place(d);
}

/* MCP 2025-03-26: without resource metadata the endpoint's origin is the authorization server. */
static void fall_back_to_origin(struct discover *d)
{
	struct url u;
	struct buf origin;
	struct err e = { 0 };

	buf_init(&origin, URL_MAX);
	if (url_parse(d->c.endpoint, &u, &e) && url_origin(&u, &origin)) {
		d->guessed = true;
		d->issuer = 0;
		documents_issuers_clear(&d->issuers);
		d->issuers.item[d->issuers.n++] = buf_take(&origin, NULL);
		look_for_server(d);
	} else {
		finish(d, &e);
	}
	url_clear(&u);
	buf_free(&origin);
}

static char *origin_endpoint(const struct discover *d, const char *path)
{
	return mem_printf("%s%s", issuer(d), path);
}

/* MCP authorization, Authorization Server Binding: the secret of a client goes to nobody else. */
static bool is_allowed(const struct discover *d, struct err *e)
{
	return !d->c.only_issuer || documents_same_issuer(d->c.only_issuer, d->g->issuer) ||
	       err_set(e, ERR_AUTH,
		       "the sign-in server is now %.200s, but the given client belongs to %.200s. "
		       "If the change is intended, run \"mpmcp logout\" and sign in again",
		       d->g->issuer, d->c.only_issuer);
}

/* No metadata anywhere: the default endpoints of MCP 2025-03-26 on the endpoint's own origin. */
static void use_defaults(struct discover *d)
{
	struct err e = { 0 };

	d->g->authorization_endpoint = origin_endpoint(d, "/authorize");
	d->g->token_endpoint = origin_endpoint(d, "/token");
	d->g->registration_endpoint = origin_endpoint(d, "/register");
	d->g->issuer = mem_dup(issuer(d));
	finish(d, is_allowed(d, &e) ? NULL : &e);
}

/* The places of one document have all been tried. A server that a resource named has to describe
 * itself. */
static void no_document(struct discover *d)
{
	struct err e = { 0 };

	if (d->step == STEP_SERVER && d->issuer + 1 < d->issuers.n) {
		d->issuer++;
		look_for_server(d);
	} else if (d->complaint.kind) {
		e = d->complaint;
		finish(d, &e);
	} else if (d->step == STEP_RESOURCE && d->c.no_guess) {
		err_set(&e, ERR_NOT_FOUND, "the service publishes no resource metadata");
		finish(d, &e);
	} else if (d->step == STEP_RESOURCE) {
		fall_back_to_origin(d);
	} else if (d->guessed) {
		use_defaults(d);
	} else {
		err_set(&e, ERR_PROTO, "the sign-in server %.200s has no readable metadata",
			issuer(d));
		finish(d, &e);
	}
}

/* ---- documents ---- */

/* The server whose client we are comes first. */
static void order_issuers(struct discover *d)
{
	const char *first = d->c.only_issuer ? d->c.only_issuer : d->c.known_issuer;
	struct documents_issuers *i = &d->issuers;

	for (size_t k = 0; first && k < i->n; k++) {
		char *found = i->item[k];

		if (!documents_same_issuer(found, first))
			continue;
		memmove(&i->item[1], &i->item[0], k * sizeof(i->item[0]));
		i->item[0] = found;
		return;
	}
}

static void pass_over(struct discover *d)
{
	d->redirects = 0;
	d->place++;
	next_place(d);
}

static void read_resource(struct discover *d, const struct fetch_answer *a)
{
	const struct buf *body = a->body;
	bool document = documents_is_document(buf_str(body), body->len), good;
	struct err e = { 0 };

	good = document && documents_read_resource(
				   buf_str(body), body->len, d->c.endpoint, d->g, &d->issuers, &e);
	tell_step(d, a, &e, good);
	if (!document) {
		pass_over(d);
	} else if (!good || d->c.resource_only) {
		finish(d, good ? NULL : &e);
	} else if (d->issuers.n) {
		d->complaint.kind = ERR_NONE;
		order_issuers(d);
		look_for_server(d);
	} else {
		fall_back_to_origin(d);
	}
}

static void read_server(struct discover *d, const struct fetch_answer *a)
{
	const struct buf *body = a->body;
	struct err e = { 0 };
	bool good = documents_read_metadata(buf_str(body), body->len, issuer(d), d->guessed,
			    d->c.endpoint, d->g, d->t, &e) &&
		    (!d->c.needs_pkce || documents_takes_pkce(d->t, &e));

	tell_step(d, a, &e, good);
	if (!good) {
		complain(d, &e);
		pass_over(d);
	} else {
		finish(d, is_allowed(d, &e) ? NULL : &e);
	}
}

/* ---- requests ---- */

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where the answer points to, when we may go there. */
static bool follow(struct discover *d, const struct fetch_answer *a)
{
	const char *location = http_answer_field(a->req, "Location", 0);
	char *next = location && d->redirects < REDIRECTS_MAX
			     ? url_join(d->places[d->place], location, NULL)
			     : NULL;

	if (!next || !documents_url_ok(next, d->c.endpoint, "metadata", NULL)) {
		free(next);
		return false;
	}
	d->redirects++;
	free(d->places[d->place]);
	d->places[d->place] = next;
	return true;
}

static const char *what(const struct discover *d)
{
	return d->step == STEP_RESOURCE ? "looking for the sign-in server"
					: "asking the sign-in server about itself";
}

static bool is_named_place(const struct discover *d)
{
	return d->step == STEP_RESOURCE && d->place == 0 && d->named;
}

/* The endpoint's own host does not answer, or a document is too long: that is the end. A sign-in server
 * that cannot be reached may have others beside it, and so may a place that a challenge names. */
static void not_answered(struct discover *d, const struct err *why)
{
	struct err e = *why;

	err_prefix(&e, "%s", what(d));
	if (is_named_place(d)) {
		complain(d, &e);
		pass_over(d);
		return;
	}
	if (d->step == STEP_RESOURCE) {
		finish(d, &e);
		return;
	}
	complain(d, &e);
	d->place = d->nplaces;
	next_place(d);
}

static void got_document(void *ctx, const struct fetch_answer *a)
{
	struct discover *d = ctx;
	struct err e = { 0 };

	d->fetch = NULL;
	if (a->how != HTTP_DONE) {
		tell_step(d, a, a->e, false);
		not_answered(d, a->e);
		return;
	}
	if (a->status == 200) {
		if (d->step == STEP_RESOURCE)
			read_resource(d, a);
		else
			read_server(d, a);
		return;
	}
	if (is_redirect(a->status) && follow(d, a)) {
		next_place(d);
		return;
	}
	if (a->status >= 500 || a->status == 429) {
		err_set(&e, a->status == 429 ? ERR_RATE : ERR_SERVER,
			"%s: it answers HTTP %ld. Try again later", what(d), a->status);
		complain(d, &e);
	}
	tell_step(d, a, &e, false);
	pass_over(d);
}

static bool ask(struct discover *d, const char *url, struct err *e)
{
	int64_t left = d->until_ms - clock_ms();
	struct fetch_call c = { .url = url,
		.cap = DOCUMENTS_BYTES_MAX,
		.total_ms = DOCUMENT_MS,
		.patience_ms = left > 0 ? left : 0,
		.version = PROTOCOL_VERSION };

	d->fetch = fetch_start(d->http, &c, got_document, d, e);
	return d->fetch != NULL;
}

static void next_place(struct discover *d)
{
	struct err e = { 0 };

	if (d->place == d->nplaces)
		no_document(d);
	else if (!ask(d, d->places[d->place], &e))
		finish(d, &e);
}

/* What a challenge says may be of no use; that is told when there is nothing elsewhere. */
static void add_named(struct discover *d)
{
	struct err e = { 0 };

	if (!d->c.named)
		return;
	d->named = documents_url_ok(d->c.named, d->c.endpoint, "resource metadata", &e);
	if (d->named) {
		add_place(d, mem_dup(d->c.named));
	} else {
		complain(d, &e);
		tell_step(d, NULL, &e, false);
	}
}

struct discover *discover_start(struct http *h, const struct discover_call *c,
	struct signin_record *g, struct server_traits *t, discover_fn *fn, void *ctx, struct err *e)
{
	struct discover *d = mem_new(sizeof(*d));

	*d = (struct discover){ .http = h,
		.c = *c,
		.g = g,
		.t = t,
		.fn = fn,
		.ctx = ctx,
		.step = STEP_RESOURCE,
		.until_ms = clock_ms() + (c->impatient ? 0 : FETCH_PATIENCE_MS) };
	add_named(d);
	add_place(d, url_well_known(c->endpoint, "oauth-protected-resource", NULL));
	add_place(d, url_well_known_root(c->endpoint, "oauth-protected-resource", NULL));
	if (ask(d, d->nplaces ? d->places[0] : c->endpoint, e))
		return d;
	discover_free(d);
	return NULL;
}

void discover_cancel(struct discover *d)
{
	if (d)
		discover_free(d);
}
