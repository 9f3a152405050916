/*
 * What a person may say about signing in; borrowed strings, NULL when not
 * said. Shared by flow.h and oauth.h.
 */
#ifndef MPMCP_OAUTH_OPTIONS_H
#define MPMCP_OAUTH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/store.h"
#include "base/crypt.h"

struct oauth_options {
	const char *url;   /* the MCP endpoint */
	const char *place; /* what stands for it on a command line: "", "--region eu"; NULL: url */
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
	char *const *headers; /* --header and lines of --header-file as given, "Name: value" each */
	size_t nheaders;
	const char *token_endpoint; /* with client_credentials: no discovery */
	bool client_credentials, device_code, id_token, no_browser;
	bool assume_pkce;  /* --assume-pkce-s256 */
	bool allow_http;   /* the success page may be http elsewhere, too */
	int64_t timeout_s; /* of a sign-in */
};

/* A server has to announce S256: an authorization code is asked for, and the person does not know better. */
bool oauth_needs_pkce(const struct oauth_options *o);

/* The key of the sign-in that these options name; *params receives a text that must outlive it and is
 * freed by the caller. Part of it is what makes tokens not interchangeable, not what is merely asked for
 * when they are got. */
struct store_key oauth_key(const struct oauth_options *o, char **params);

/* What of opts is wrong, before anything starts. */
bool oauth_check(const struct oauth_options *o, struct err *e) __attribute__((warn_unused_result));

/* Which scopes a sign-in with these options would ask for beyond those of g; offered: what the server is
 * known to offer, or NULL. What was pinned is all that is wanted. malloc'ed, NULL when none. */
char *oauth_scopes_to_gain(const struct oauth_options *o, const char *offered,
	const struct signin_record *g) __attribute__((warn_unused_result));

/* The one command that signs in for these options, wherever one is advised: shell-quoted, with every option
 * that decides which sign-in it is or how the browser comes back. more: an option right after "login", or
 * NULL. Client documents may hold a secret and are only named. malloc'ed. */
char *oauth_command(const struct oauth_options *o, const char *more);
/* The same of another command: "mpmcp " and words, and then what names the sign-in. */
char *oauth_command_for(const struct oauth_options *o, const char *words);

/* A string member of --static-oauth-client-metadata or --static-oauth-client-info; malloc'ed, NULL when
 * it is not there. */
char *oauth_metadata_text(const struct oauth_options *o, const char *name);
char *oauth_info_text(const struct oauth_options *o, const char *name);

/* mcp-remote's name for a sign-in: the MD5 of the URL and of what else that program tells apart. */
bool oauth_hash(const struct oauth_options *o, unsigned char sum[CRYPT_MD5_LEN])
	__attribute__((warn_unused_result));

/* Its rule for the callback port: 3335 + the first four hex digits of that, mod 45816. */
unsigned oauth_port(const struct oauth_options *o);

#endif
