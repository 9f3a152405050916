/*
 * What a person may say about signing in; borrowed strings, NULL when not
 * said. Shared by flow.h and oauth.h.
 */
#ifndef MPMCP_AUTH_OPTIONS_H
#define MPMCP_AUTH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/store.h"

struct oauth_opts {
	const char *url;      /* the MCP endpoint */
	const char *resource; /* --resource */
	bool no_resource;     /* --disable-resource-parameter */
	const char *profile, *auth_dir;
	const char *host;            /* of the redirect URI; NULL: localhost */
	unsigned callback_port;      /* 0: by rule, walking on when taken */
	const char *callback_path;   /* NULL: /oauth/callback */
	const char *success_url;     /* --auth-success-url */
	const char *client_metadata; /* --static-oauth-client-metadata, JSON text */
	const char *client_info;     /* --static-oauth-client-info, JSON text; holds a secret */
	const char *client_metadata_url;
	char *const *params; /* --authorize-param, "name=value" each */
	size_t nparams;
	const char *token_endpoint; /* with client_credentials: no discovery */
	bool client_credentials, device_code, id_token, no_browser;
	bool allow_http;   /* the success page may be http elsewhere, too */
	int64_t timeout_s; /* of a sign-in */
};

/* The key of the sign-in that these options name; *params receives a text that must outlive it and is
 * freed by the caller. */
struct store_key oauth_key(const struct oauth_opts *o, char **params);

/* What of opts is wrong, before anything starts. */
bool oauth_check(const struct oauth_opts *o, struct err *e) __attribute__((warn_unused_result));

/* mcp-remote's port rule: 3335 + the first four hex digits of the MD5 of the URL, mod 45816. */
unsigned oauth_port(const char *url);

#endif
