/*
 * Documents of the OAuth servers: checked, and turned into fields of a struct
 * signin_record. Each function below reads one document, which discover.c,
 * register.c, device.c or token.c has fetched, or writes one. RFC 9728 section
 * 3, RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4, RFC 7591
 * section 3, RFC 6749 section 5.
 */
#ifndef MPMCP_DOCUMENTS_H
#define MPMCP_DOCUMENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "auth/signin_record.h"
#include "base/err.h"

/* Longest document: real ones are under 8 KiB. */
#define DOCUMENTS_BYTES_MAX ((size_t)256 << 10)

/*
 * The JSON value that a document holds, in any encoding that text.h reads; flags: jansson's. NULL with e
 * (may be NULL) set, ERR_PROTO or ERR_USAGE: what, and the byte where it goes wrong.
 */
struct json_t *documents_json(const char *text, size_t n, size_t flags, const char *what,
	struct err *e) __attribute__((warn_unused_result));

/* A JSON object; web servers answer any address with a page, and status 200. */
bool documents_is_document(const char *text, size_t n);

/* Where requests and people may be sent: https; http to loopback when the endpoint itself is on
 * loopback, http elsewhere when the endpoint itself is such an address, which takes --allow-http. Never
 * into this machine or to a link-local address when the endpoint is elsewhere (here.h); what a name stands
 * for is looked at when it is connected to (http_opts.endpoint). No user name, no fragment. */
bool documents_url_ok(const char *url, const char *endpoint, const char *what, struct err *e)
	__attribute__((warn_unused_result));

/* Authorization servers that are looked at: who names more wants to keep us busy. */
#define DOCUMENTS_ISSUERS_MAX 4

struct documents_issuers {
	char *item[DOCUMENTS_ISSUERS_MAX]; /* owned */
	size_t n;
};
void documents_issuers_clear(struct documents_issuers *i);

/* Resource metadata for the endpoint. Fills g->resource (unless set), g->scopes_offered; *issuers gets
 * the authorization servers that it names, none when it names none. False when it is for another
 * resource, or names only servers that cannot be used. */
bool documents_read_resource(const char *text, size_t n, const char *endpoint,
	struct signin_record *g, struct documents_issuers *issuers, struct err *e)
	__attribute__((warn_unused_result));

struct server_traits {
	bool offline_access;   /* the scope of that name is offered */
	bool client_documents; /* a client_id may be the URL of a document about the client */
	bool pkce;             /* S256 is offered (RFC 8414: code_challenge_methods_supported) */
	const char *unused[4]; /* names of optional endpoints that cannot be used; static */
	size_t nunused;
};

/* RFC 8414 section 3.3 compares issuers as strings; those that differ by the slash of an empty path alone
 * are the same here, since some servers write one and their resources the other. */
bool documents_same_issuer(const char *a, const char *b);

/* Server metadata; issuer is the identifier it was looked up by and must be the document's own. With
 * guessed nobody named an issuer: it is the endpoint's origin, as in MCP 2025-03-26, and the document
 * may name any issuer of that origin. Fills the endpoints of g. */
bool documents_read_metadata(const char *text, size_t n, const char *issuer, bool guessed,
	const char *endpoint, struct signin_record *g, struct server_traits *t, struct err *e)
	__attribute__((warn_unused_result));

/* MCP: no authorization code without PKCE. False with e set when it is not offered. */
bool documents_takes_pkce(const struct server_traits *t, struct err *e)
	__attribute__((warn_unused_result));

/* The registration's answer, or what a person gave as the client. Fills client_id, client_secret,
 * client_expires_s, client_method; method: what to use when the document names none, or NULL. */
bool documents_read_client(const char *text, size_t n, const char *method, struct signin_record *g,
	struct err *e) __attribute__((warn_unused_result));

/* A token answer with status 2xx. Fills access, refresh (kept when absent), scope_granted, times. With
 * id_token true the access token is taken from id_token, and its end from that. */
bool documents_read_tokens(const char *text, size_t n, bool id_token, struct signin_record *g,
	struct err *e) __attribute__((warn_unused_result));

/* An OAuth error document (RFC 6749 section 5.2): code is its "error", words what can be shown; both may
 * be NULL. False when it is none. */
bool documents_read_error(const char *text, size_t n, char code[64], char words[241]);

/* The registration request for g (redirect_uri set); metadata: --static-oauth-client-metadata or
 * NULL. malloc'ed. */
char *documents_registration(const struct signin_record *g, const char *metadata, const char *scope,
	struct err *e) __attribute__((warn_unused_result));

#endif
