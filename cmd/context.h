/*
 * What every command that talks to the service needs: the endpoint, headers,
 * HTTP, sign-in options. Opened from the arguments, closed as a whole.
 */
#ifndef MPMCP_CONTEXT_H
#define MPMCP_CONTEXT_H

#include "options.h"
#include "auth/auth.h"
#include "auth/oauth_options.h"
#include "auth/store.h"
#include "headers.h"
#include "base/secret.h"
#include "mcp/http/request_count.h"
#include "mcp/http/transport.h"
#include "net/http.h"
#include "net/loop.h"

struct context {
	const struct options *a;
	const char *url;
	char *shown; /* the URL for people: url_shown() */
	enum transport_kind transport;
	struct headers headers;
	struct http_opts http_opts;
	struct loop *loop;
	struct http *http;
	struct oauth_options oauth;
	char *client_info, *client_metadata, *params;
	/* Set by context_credential(): */
	const char *why;            /* which credential, in words */
	const char *repaired;       /* what was mended in the service account's token; or NULL */
	bool kept_account;          /* it is the service account of the token folder */
	bool signs_in;              /* it is OAuth: a sign-in */
	struct request_count *rate; /* counts the requests made with it */
	struct secret value;        /* of the Authorization field; unset with OAuth */
};

/* Arguments and files only; no network. False with e set; context_close() either way. */
bool context_open(const struct options *a, struct context *c, struct err *e)
	__attribute__((warn_unused_result));
void context_close(struct context *c);

/* The lock for changing what s holds, once whoever refreshes is done; runs the loop meanwhile, for half a
 * minute at most. -1 with e set when it cannot be had. */
int context_lock(struct context *c, const struct store *s, struct err *e)
	__attribute__((warn_unused_result));

/* Where the sign-in that the arguments name is kept. */
struct store *context_store(struct context *c, struct err *e) __attribute__((warn_unused_result));

/* The credential by the rule of the man page: header, service account, OAuth. May be called again.
 * NULL with e set. */
struct auth *context_credential(struct context *c, struct err *e)
	__attribute__((warn_unused_result));

/* Where is kept what holds for this credential alone: the sign-in, or the account that a value is of. After
 * context_credential(). NULL with e set. */
struct store *context_identity(struct context *c, struct err *e)
	__attribute__((warn_unused_result));

/* From now on requests are counted as this account's ("Bearer Basic ..."), whatever the rule says. */
void context_use_account(struct context *c, const char *value);

#endif
