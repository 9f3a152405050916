/*
 * Addresses that the server names: what they mean, whether messages and the
 * credential may follow them there, and what to do when they may not.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "mcp/http/transport_impl.h"
#include "net/url.h"

/* An address for a message: without its query, where services put what nobody else is to see. */
static char *shown(const struct url *u)
{
	struct buf b;
	char *text;

	buf_init(&b, URL_MAX);
	text = url_origin(u, &b) && buf_adds(&b, u->path) ? mem_dup(buf_str(&b)) : mem_dup("?");
	buf_free(&b);
	return text;
}

/* A page where a person signs in, as gateways lead to that know browsers only. */
static bool is_web_sign_in(const struct url *u)
{
	static const char *const marks[] = { "login", "signin", "sign-in", "sign_in", "logon",
		"sso", "saml", "adfs", "authorize" };

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		for (const char *p = u->path; *p; p++)
			if (strncasecmp(p, marks[i], strlen(marks[i])) == 0)
				return true;
	return false;
}

static bool is_https_to_http(const struct url *from, const struct url *to)
{
	return strcmp(from->scheme, "https") == 0 && strcmp(to->scheme, "http") == 0 &&
	       strcmp(from->host, to->host) == 0;
}

/* Behind a proxy that speaks TLS for it, a server often takes itself for one without. */
static bool other_scheme(const struct url *from, const struct url *to, long status, struct err *e)
{
	struct url https = *from;
	char *address;

	https.path = to->path;
	address = shown(&https);
	err_set(e, ERR_PROTO,
		"the server redirects (HTTP %ld) from https to http://%s%s, where this credential "
		"must not be sent",
		status, to->host, to->path);
	err_advise(e, REASON_REDIRECT,
		"Use %s as the URL. The server does not know that it is reached over TLS: whoever "
		"runs it has to pass the scheme on (X-Forwarded-Proto).",
		address);
	free(address);
	return false;
}

/* Where a message cannot follow: out of the origin, or as a GET. */
static bool leads_elsewhere(const struct transport *t, const char *to, long status, struct err *e)
{
	struct url from = { 0 }, u = { 0 };
	bool other = !url_same_origin(to, t->at.given);
	char *address;

	if (!url_parse(t->at.given, &from, NULL) || !url_parse(to, &u, NULL)) {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to another origin", status);
		goto out;
	}
	if (is_https_to_http(&from, &u)) {
		other_scheme(&from, &u, status, e);
		goto out;
	}
	address = shown(&u);
	if (is_web_sign_in(&u)) {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to a web sign-in, %.400s",
			status, address);
		err_advise(e, REASON_REDIRECT,
			"A program cannot pass it. Check that the URL is that of an MCP endpoint; "
			"if it is, give the credential that this gateway takes with --header.");
	} else {
		err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) to %s%.400s%s", status,
			other ? "another origin, " : "", address,
			other ? ", where this credential must not be sent"
			      : "; a message cannot be repeated there");
		err_advise(e, REASON_REDIRECT, "%s address as the URL.",
			other ? "If you trust it, use that" : "Use that");
	}
	free(address);
out:
	url_clear(&from);
	url_clear(&u);
	return false;
}

/* libcurl would take a user name in the address for a credential. */
static bool names_user(const char *url)
{
	struct url u;
	bool yes = url_parse(url, &u, NULL) && u.userinfo;

	url_clear(&u);
	return yes;
}

char *transport_join(const char *base, const char *ref, struct err *e)
{
	char *to = url_join(base, ref, e);

	if (to && names_user(to)) {
		err_set(e, ERR_PROTO, "the address holds a user name or password");
		free(to);
		return NULL;
	}
	return to;
}

bool transport_redirect(struct transport *t, char **url, bool post, const char *location,
	long status, struct err *e)
{
	char *to;

	if (!location)
		return err_set(e, ERR_PROTO, "the server redirects (HTTP %ld) without saying where",
			status);
	to = transport_join(*url, location, e);
	if (!to)
		return err_prefix(e,
			"the server redirects (HTTP %ld) to an address that cannot be used",
			status);
	if (url_same_origin(to, t->at.given) && (!post || status == 307 || status == 308)) {
		free(*url);
		*url = to;
		return true;
	}
	leads_elsewhere(t, to, status, e);
	free(to);
	return false;
}
