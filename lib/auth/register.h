/*
 * Who we are to the authorization server, by the order of the MCP
 * specification: a client that was given, a Client ID Metadata Document where
 * the server takes such, an earlier registration with the same server and
 * redirect URI, a new registration (RFC 7591).
 */
#ifndef MPMCP_REGISTER_H
#define MPMCP_REGISTER_H

#include "auth/signin_record.h"
#include "auth/oauth_options.h"
#include "auth/documents.h"
#include "net/http.h"

struct registration;

struct register_call {
	const struct oauth_options *opts;
	const struct server_traits *traits;
	const struct signin_record *known; /* whose client may serve; or NULL */
	bool fresh;                        /* register again in any case */
};

/* e NULL: g has a client. kept: it is from an earlier registration, which the server may have forgotten
 * since. */
typedef void register_fn(void *ctx, bool kept, const struct err *e);

/* g: endpoints, issuer, redirect_uri and scope_asked are set. All must live until fn is called, which
 * happens once, later, unless register_cancel() comes first; then the registration is freed. */
struct registration *register_start(struct loop *l, struct http *h, const struct register_call *c,
	struct signin_record *g, register_fn *fn, void *ctx);
void register_cancel(struct registration *r); /* NULL is fine */

#endif
