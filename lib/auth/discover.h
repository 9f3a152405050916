/*
 * Finding the authorization server of an endpoint: resource metadata, then the
 * metadata of a server that it names, each at the places where it may be, in
 * the order of the MCP specification. RFC 9728 sections 3 and 5, RFC 8414
 * section 3, OpenID Connect Discovery 1.0 section 4; MCP 2025-03-26 for servers
 * without resource metadata.
 *
 * A place that has nothing, or a page instead of a document, is passed over, and
 * so is a place that a challenge names and that cannot be used. A document that
 * is wrong about who it is for ends the search. A server that fails for a moment
 * is asked again, within FETCH_PATIENCE_MS for the whole search.
 */
#ifndef MPMCP_DISCOVER_H
#define MPMCP_DISCOVER_H

#include "auth/signin_record.h"
#include "auth/documents.h"
#include "net/fetch.h"
#include "net/http.h"

struct discover;

/* One look at one place, as it ends. All is borrowed. */
struct discover_step {
	enum { DISCOVER_RESOURCE, DISCOVER_SERVER } document;
	const char *url;
	const char *issuer; /* whose metadata are looked for; of resource metadata that were
					      found: the first server that they name, or NULL */
	bool guessed;       /* nobody named it: it is the endpoint's origin */
	const struct fetch_answer *answer; /* NULL: the address cannot be used */
	bool found;                        /* it was the document, and the search took it */
	const struct err
		*e; /* what is wrong with the address, the answer or the document; NULL: the
				server has none there */
};
typedef void discover_step_fn(void *ctx, const struct discover_step *s);

struct discover_call {
	const char *endpoint;     /* the MCP server */
	const char *named;        /* resource_metadata of the challenge, whatever it is; or NULL */
	const char *known_issuer; /* taken when it is still among several; or NULL */
	const char *
		only_issuer; /* another one is an error: the client is known there alone; or NULL */
	bool needs_pkce;     /* a server that does not announce S256 is passed over */
	bool no_guess;       /* without resource metadata it ends with ERR_NOT_FOUND */
	bool resource_only;  /* resource metadata end it; with no_guess: in any case */
	bool impatient;      /* a server that fails for a moment is not asked again */
	discover_step_fn *step; /* told of each step, for who explains the search; or NULL */
	void *step_ctx;
};

/* e NULL: g and t are filled. */
typedef void discover_fn(void *ctx, const struct err *e);

/* Strings of c, g and t must live until fn is called, which happens once, later, unless
 * discover_cancel() comes first; then the search is freed. NULL with e set when it cannot begin. */
struct discover *discover_start(struct http *h, const struct discover_call *c,
	struct signin_record *g, struct server_traits *t, discover_fn *fn, void *ctx, struct err *e)
	__attribute__((warn_unused_result));
void discover_cancel(struct discover *d); /* NULL is fine */

#endif
