/*
 * URL work, on libcurl's parser (RFC 3986 as browsers and curl read it). Pure:
 * no network.
 */
#ifndef MPMCP_URL_H
#define MPMCP_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* Longest URL that is taken from anywhere: what servers and browsers accept in practice. */
#define URL_MAX 8192

struct url {
	char *scheme;   /* lower case */
	char *host;     /* lower case, IPv6 in brackets */
	char *path;     /* at least "/", as written */
	char *query;    /* without '?', NULL when none */
	char *fragment; /* without '#', NULL when none */
	unsigned port;  /* the default one filled in */
	bool userinfo;  /* user or password was given: callers refuse such URLs */
};

/* http and https only; control characters, blanks, backslashes, anything over URL_MAX and hosts
 * that are not plain ASCII names or addresses (%-escapes, zones) are refused.
 * On success url_clear() frees. */
bool url_parse(const char *s, struct url *u, struct err *e) __attribute__((warn_unused_result));
void url_clear(struct url *u);

/* RFC 6454: scheme, host and port are the same. False when either does not parse. */
bool url_same_origin(const char *a, const char *b);

/* "https://host[:port]" without the default port; appended to out. */
bool url_origin(const struct url *u, struct buf *out) BUF_MUST;

/* This machine for certain (here.h): localhost, *.localhost, 127.0.0.0/8, [::1] and their kin. */
bool url_is_loopback(const struct url *u);

/* A URL, or a text that holds one, as people may see it: userinfo and query, where services take keys, are
 * "***". malloc'ed. */
char *url_shown(const char *url) __attribute__((warn_unused_result));

/* https, or http to loopback: where a credential may go. */
bool url_is_safe(const struct url *u);

/* host is domain, or ends in "." domain. */
bool url_in_domain(const struct url *u, const char *domain);

/* What a Location field means when it came from base (RFC 9110 section 10.2.2): a URL that
 * url_parse() takes. malloc'ed, or NULL with e set. */
char *url_join(const char *base, const char *ref, struct err *e)
	__attribute__((warn_unused_result));

/*
 * RFC 8414 section 3.1, RFC 9728 section 3.1: "https://h/p" and "oauth-protected-resource" give
 * "https://h/.well-known/oauth-protected-resource/p". A path of "/" adds nothing, a resource's
 * query stays behind its path, and any other document than a resource's loses the path's
 * terminating slash; the fragment is left off. malloc'ed, or NULL with e set.
 */
char *url_well_known(const char *base, const char *name, struct err *e)
	__attribute__((warn_unused_result));
/* The same without path and query, and OpenID Connect Discovery's form after the path. */
char *url_well_known_root(const char *base, const char *name, struct err *e)
	__attribute__((warn_unused_result));
char *url_well_known_behind(const char *base, const char *name, struct err *e)
	__attribute__((warn_unused_result));

/*
 * Appends a URL from elsewhere as another program may get it: what is neither unreserved nor reserved
 * (RFC 3986 section 2) is percent-encoded, and so are $ ( ) ' ; and a '%' that begins no escape, since
 * an opener may be a shell script. To the server it means the same.
 */
bool url_add_escaped(struct buf *out, const char *url) BUF_MUST;

/* application/x-www-form-urlencoded: appends "name=value", with '&' before it when out is not
 * empty and does not end in '?' . */
bool url_form_add(struct buf *out, const char *name, const char *value) BUF_MUST;
/* Decodes '+' and %XX in place of a copy; malloc'ed. NULL for a bad escape or a NUL. */
char *url_form_decode(const char *p, size_t n) __attribute__((warn_unused_result));
/* The decoded value of the first `name` in a query string; *count (may be NULL) says how often the
 * name appears. NULL when absent or undecodable. malloc'ed. */
char *url_form_get(const char *query, const char *name, unsigned *count)
	__attribute__((warn_unused_result));

#endif
