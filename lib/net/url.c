#include "net/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "net/here.h"

/* Well-known path prefix, RFC 8615. */
#define WELL_KNOWN "/.well-known/"

static bool is_clean(const char *s, struct err *e)
{
	size_t n = strlen(s);

	if (n == 0)
		return err_set(e, ERR_USAGE, "the URL is empty");
	if (n > URL_MAX)
		return err_set(e, ERR_USAGE, "the URL is longer than %d bytes", URL_MAX);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 127 || s[i] == '\\')
			return err_set(e, ERR_USAGE,
				"the URL holds a blank, a backslash or a control character");
	return true;
}

/*
 * libcurl decodes %-escapes in host names, drops the zone of an IPv6 address and maps other
 * scripts to ASCII only when it connects: then what is checked here would not be where the bytes
 * go. No host that is meant well needs any of that.
 */
static bool is_plain_host(const char *authority, struct err *e)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:[]";
	size_t n = strcspn(authority, "/?#");
	size_t host = n;

	while (host > 0 && authority[host - 1] != '@')
		host--;
	if (host == n)
		return err_set(e, ERR_USAGE, "the URL has no host");
	if (host + strspn(authority + host, good) < n)
		return err_set(e, ERR_USAGE,
			"the URL's host has a character that host names do not have "
			"(other scripts: write the form that starts with xn--)");
	return true;
}

/* Moves a part out of libcurl's memory; NULL when the URL has none. */
static char *part(CURLU *u, CURLUPart what, unsigned flags)
{
	char *text = NULL, *copy;

	if (curl_url_get(u, what, &text, flags) != CURLUE_OK)
		return NULL;
	copy = mem_dup(text);
	curl_free(text);
	return copy;
}

static void lower(char *s)
{
	for (; s && *s; s++)
		*s = (char)tolower((unsigned char)*s);
}

static bool take_parts(CURLU *h, struct url *u, struct err *e)
{
	char *port = part(h, CURLUPART_PORT, CURLU_DEFAULT_PORT);
	char *user = part(h, CURLUPART_USER, 0), *password = part(h, CURLUPART_PASSWORD, 0);

	u->scheme = part(h, CURLUPART_SCHEME, 0);
	u->host = part(h, CURLUPART_HOST, 0);
	u->path = part(h, CURLUPART_PATH, 0);
	u->query = part(h, CURLUPART_QUERY, 0);
	u->fragment = part(h, CURLUPART_FRAGMENT, 0);
	u->userinfo = user || password;
	u->port = port ? (unsigned)strtoul(port, NULL, 10) : 0;
	free(port);
	free(user);
	free(password);
	lower(u->scheme);
	lower(u->host);
	if (!u->scheme || !u->host || !u->path)
		return err_set(e, ERR_USAGE, "the URL has no host");
	return u->port || err_set(e, ERR_USAGE, "the URL's port must be 1 to 65535");
}

bool url_parse(const char *s, struct url *u, struct err *e)
{
	CURLU *h;
	bool good = false;

	*u = (struct url){ 0 };
	if (!is_clean(s, e))
		return false;
	if (strncasecmp(s, "http://", 7) != 0 && strncasecmp(s, "https://", 8) != 0)
		return err_set(e, ERR_USAGE, "the URL must start with https:// or http://");
	if (!is_plain_host(strstr(s, "://") + 3, e))
		return false;
	h = curl_url();
	if (!h)
		return err_set(e, ERR_LIMIT, "out of memory");
	if (curl_url_set(h, CURLUPART_URL, s, CURLU_PATH_AS_IS) != CURLUE_OK)
		err_set(e, ERR_USAGE, "the URL is not of the form https://host[:port]/path");
	else
		good = take_parts(h, u, e);
	curl_url_cleanup(h);
	if (!good)
		url_clear(u);
	return good;
}

void url_clear(struct url *u)
{
	free(u->scheme);
	free(u->host);
	free(u->path);
	free(u->query);
	free(u->fragment);
	*u = (struct url){ 0 };
}

bool url_same_origin(const char *a, const char *b)
{
	struct url x = { 0 }, y = { 0 };
	bool same = url_parse(a, &x, NULL) && url_parse(b, &y, NULL) &&
		    strcmp(x.scheme, y.scheme) == 0 && strcmp(x.host, y.host) == 0 &&
		    x.port == y.port;

	url_clear(&x);
	url_clear(&y);
	return same;
}

static unsigned default_port(const struct url *u)
{
	return strcmp(u->scheme, "https") == 0 ? 443 : 80;
}

bool url_origin(const struct url *u, struct buf *out)
{
	return buf_addf(out, "%s://%s", u->scheme, u->host) &&
	       (u->port == default_port(u) || buf_addf(out, ":%u", u->port));
}

bool url_is_loopback(const struct url *u)
{
	return here_host(u->host) == HERE;
}

char *url_shown(const char *url)
{
	size_t n = strcspn(url, "?");
	const char *host = strstr(url, "://"), *at = NULL;

	host = host && host < url + n ? host + 3 : url;
	for (const char *p = host; p < host + strcspn(host, "/?#"); p++)
		at = *p == '@' ? p : at;
	return mem_printf("%.*s%s%.*s%s", (int)(host - url), url, at ? "***" : "",
		(int)(url + n - (at ? at : host)), at ? at : host, url[n] ? "?***" : "");
}

bool url_is_safe(const struct url *u)
{
	return strcmp(u->scheme, "https") == 0 || url_is_loopback(u);
}

bool url_in_domain(const struct url *u, const char *domain)
{
	size_t n = strlen(u->host), d = strlen(domain);

	if (n == d)
		return strcmp(u->host, domain) == 0;
	return n > d && u->host[n - d - 1] == '.' && strcmp(u->host + n - d, domain) == 0;
}

static char *join(const char *base, const char *ref, struct err *e)
{
	CURLU *h = curl_url();
	char *text = NULL;

	if (!h || curl_url_set(h, CURLUPART_URL, base, 0) != CURLUE_OK ||
		curl_url_set(h, CURLUPART_URL, ref, 0) != CURLUE_OK)
		err_set(e, ERR_USAGE, "the address is neither a URL nor relative to one");
	else if (!(text = part(h, CURLUPART_URL, 0)))
		err_set(e, ERR_USAGE, "the address cannot be written as a URL");
	curl_url_cleanup(h);
	return text;
}

char *url_join(const char *base, const char *ref, struct err *e)
{
	struct url u;
	char *text;

	if (!is_clean(ref, e))
		return NULL;
	text = join(base, ref, e);
	/* Relative to nothing good, or with an escape undone in its host, it may be anything. */
	if (text && !url_parse(text, &u, e)) {
		free(text);
		return NULL;
	}
	if (text)
		url_clear(&u);
	return text;
}

enum place { BEFORE_PATH, WITHOUT_PATH, BEHIND_PATH };

/*
 * How much of the path counts. "/" is none. An issuer loses its terminating slash (RFC 8414
 * section 3.1, OpenID Connect Discovery section 4.1); a resource only one that follows the host
 * (RFC 9728 section 3.1).
 */
static size_t path_len(const struct url *u, const char *name)
{
	size_t n = strlen(u->path);

	if (n > 1 && strcmp(name, "oauth-protected-resource") == 0)
		return n;
	return n && u->path[n - 1] == '/' ? n - 1 : n;
}

static bool add_well_known(struct buf *b, const struct url *u, const char *name, enum place where)
{
	size_t n = path_len(u, name);

	if (!url_origin(u, b))
		return false;
	if (where == BEHIND_PATH)
		return buf_add(b, u->path, n) && buf_addf(b, WELL_KNOWN "%s", name);
	if (!buf_addf(b, WELL_KNOWN "%s", name))
		return false;
	if (where == WITHOUT_PATH)
		return true;
	return buf_add(b, u->path, n) && (!u->query || !*u->query || buf_addf(b, "?%s", u->query));
}

static char *well_known(const char *base, const char *name, enum place where, struct err *e)
{
	struct url u;
	struct buf b;
	char *text = NULL;

	if (!url_parse(base, &u, e))
		return NULL;
	buf_init(&b, 2 * URL_MAX);
	if (add_well_known(&b, &u, name, where))
		text = buf_take(&b, NULL);
	else
		err_set(e, ERR_LIMIT, "the URL is too long");
	buf_free(&b);
	url_clear(&u);
	return text;
}

char *url_well_known(const char *base, const char *name, struct err *e)
{
	return well_known(base, name, BEFORE_PATH, e);
}

char *url_well_known_root(const char *base, const char *name, struct err *e)
{
	return well_known(base, name, WITHOUT_PATH, e);
}

char *url_well_known_behind(const char *base, const char *name, struct err *e)
{
	return well_known(base, name, BEHIND_PATH, e);
}

/* ---- forms ---- */

static bool add_encoded(struct buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		bool good = isalnum(c) || strchr("-._~", c) ? buf_addc(out, *s)
							    : buf_addf(out, "%%%02X", c);

		if (!good)
			return false;
	}
	return true;
}

bool url_form_add(struct buf *out, const char *name, const char *value)
{
	if (out->len && out->p[out->len - 1] != '?' && out->p[out->len - 1] != '&' &&
		!buf_addc(out, '&'))
		return false;
	return add_encoded(out, name) && buf_addc(out, '=') && add_encoded(out, value);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool url_add_escaped(struct buf *out, const char *url)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~:/?#[]@!&*+,=";

	for (; *url; url++) {
		bool escape = url[0] == '%' && hex(url[1]) >= 0 && hex(url[2]) >= 0;

		if (escape || strchr(plain, *url) ? !buf_addc(out, *url)
						  : !buf_addf(out, "%%%02X", (unsigned char)*url))
			return false;
	}
	return true;
}

char *url_form_decode(const char *p, size_t n)
{
	char *out = mem_new(n + 1);
	size_t k = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i] == '+' ? ' ' : p[i];

		if (c == '%') {
			if (n - i < 3 || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
				goto bad;
			c = (char)(hex(p[i + 1]) * 16 + hex(p[i + 2]));
			i += 2;
		}
		if (!c)
			goto bad;
		out[k++] = c;
	}
	return out;
bad:
	free(out);
	return NULL;
}

static bool name_matches(const char *p, size_t n, const char *name)
{
	char *decoded = url_form_decode(p, n);
	bool same = decoded && strcmp(decoded, name) == 0;

	free(decoded);
	return same;
}

char *url_form_get(const char *query, const char *name, unsigned *count)
{
	char *first = NULL;
	unsigned n = 0;

	while (query && *query) {
		size_t len = strcspn(query, "&");
		const char *eq = memchr(query, '=', len);
		size_t key = eq ? (size_t)(eq - query) : len;

		if (name_matches(query, key, name) && n++ == 0)
			first = eq ? url_form_decode(eq + 1, len - key - 1) : mem_dup("");
		query += len;
		if (*query == '&')
			query++;
	}
	if (count)
		*count = n;
	return first;
}
