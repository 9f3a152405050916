/*
 * The authorization request, as an address that the browser opens, and its
 * response, as the query of the redirect that ends it. RFC 6749 sections 4.1.1
 * and 4.1.2, with RFC 7636 (PKCE), RFC 8707 (resource) and RFC 9207 (iss). Pure.
 */
#ifndef MPMCP_AUTHORIZE_H
#define MPMCP_AUTHORIZE_H

#include "auth/oauth_options.h"
#include "base/buf.h"
#include "base/secret.h"

/* The parameters may add some to an address that is as long as it can be. */
#define AUTHORIZE_URL_MAX ((size_t)32 << 10)

/* What --authorize-param gives for this name; borrowed, NULL when nothing. */
const char *authorize_param(const struct oauth_options *o, const char *name);

/* Appends the address. g: authorization_endpoint, client_id, redirect_uri and scope_asked are set. False
 * when it does not fit into url. */
bool authorize_url(const struct oauth_options *o, const struct signin_record *g,
	const struct secret *verifier, const struct secret *state, struct buf *url)
	__attribute__((warn_unused_result));

/* The query carries our state, once (RFC 6749 section 10.12). */
bool authorize_is_ours(const char *query, const struct secret *state);
/* It carries a code or an error. */
bool authorize_is_response(const char *query);

enum authorize_outcome {
	AUTHORIZE_OK,
	AUTHORIZE_CLIENT_UNKNOWN, /* the server may have forgotten the registration */
	AUTHORIZE_SCOPE_UNKNOWN,  /* the server does not know a scope that was asked for */
	AUTHORIZE_FAILED,
};

/* Reads a query that is ours. code is set with AUTHORIZE_OK, e with every other outcome. */
enum authorize_outcome authorize_read(const char *query, const struct oauth_options *o,
	const struct signin_record *g, struct secret *code, struct err *e)
	__attribute__((warn_unused_result));

#endif
