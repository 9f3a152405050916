#include "net/origin.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/mem.h"
#include "net/here.h"
#include "net/url.h"
#include "os/socket.h"
#include "os/start.h"

/* Cookies of one origin: browsers keep 180. Looked at every so many that came, because some load
 * balancers renew theirs with every answer. */
#define COOKIES_MAX 200
#define COOKIES_LOOK 500

/* Longest proxy variable: a URL with a long password in it. */
#define PROXY_MAX 2048

struct origin {
	char *origin; /* as the URL spells it; one spelled otherwise is another site, which is safe */
	size_t len;
	CURLSH *jar;
	unsigned came;        /* cookies since the last look */
	const char *variable; /* NULL: none is set for this scheme */
	char *proxy;          /* "" for none */
	char *shown, *words;  /* NULL for none */
	bool watched;         /* not the endpoint, and without a proxy */
	bool shares;          /* origin_shares() */
	enum here from;       /* the endpoint */
	struct origin *next;
};

struct variable {
	const char *name, *value; /* NULL: not set */
};

struct origins {
	bool cookies;
	struct variable http, https;
	const char *except;
	char *endpoint; /* NULL: not known */
	enum here from;
	struct origin *first; /* a handful: the endpoint, and where its sign-in leads */
};

/* ---- the environment ---- */

static struct variable env(const char *name)
{
	return (struct variable){ name, os_variable(name) };
}

static struct variable either(struct variable a, struct variable b)
{
	return a.value ? a : b;
}

/* Without a scheme too: "user:password@host:port". */
static void hide_credentials(const char *proxy)
{
	const char *start = strstr(proxy, "://"), *at = strrchr(proxy, '@');

	start = start ? start + 3 : proxy;
	if (at && at > start)
		given_userinfo(start, (size_t)(at - start));
}

static void note_endpoint(struct origins *s, const char *endpoint)
{
	struct url u;

	if (!endpoint || !url_parse(endpoint, &u, NULL))
		return;
	s->endpoint = mem_dup(endpoint);
	s->from = here_host(u.host);
	url_clear(&u);
}

struct origins *origins_new(bool cookies, bool one_proxy, const char *endpoint)
{
	struct origins *s = mem_new(sizeof(*s));
	struct variable all = either(env("all_proxy"), env("ALL_PROXY"));

	note_endpoint(s, endpoint);
	s->cookies = cookies;
	s->http = env("http_proxy");
	if (!env("REQUEST_METHOD").value)
		s->http = either(s->http, env("HTTP_PROXY"));
	s->https = either(env("https_proxy"), env("HTTPS_PROXY"));
	if (one_proxy)
		s->https = either(s->https, s->http);
	s->http = either(s->http, all);
	s->https = either(s->https, all);
	s->except = either(env("no_proxy"), env("NO_PROXY")).value;
	if (s->http.value)
		hide_credentials(s->http.value);
	if (s->https.value)
		hide_credentials(s->https.value);
	return s;
}

/* ---- NO_PROXY ---- */

struct address {
	unsigned char bytes[16];
	size_t len; /* 0: not an address */
};

static struct address read_address(const char *p, size_t n)
{
	struct address a = { 0 };
	char text[64];

	if (n > 1 && p[0] == '[' && p[n - 1] == ']') {
		p++;
		n -= 2;
	}
	if (!n || n >= sizeof(text))
		return a;
	memcpy(text, p, n);
	text[n] = 0;
	if (inet_pton(AF_INET, text, a.bytes) == 1)
		a.len = 4;
	else if (inet_pton(AF_INET6, text, a.bytes) == 1)
		a.len = 16;
	return a;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned bits)
{
	size_t whole = bits / 8;
	unsigned rest = bits % 8, mask = 0xff00u >> rest & 0xff;

	if (a->len != b->len || bits > a->len * 8 || memcmp(a->bytes, b->bytes, whole) != 0)
		return false;
	return !rest || (a->bytes[whole] & mask) == (b->bytes[whole] & mask);
}

/* Digits alone, at most five of them. */
static bool read_number(const char *p, size_t n, unsigned *out)
{
	if (!n || n > 5 || strspn(p, "0123456789") < n)
		return false;
	*out = (unsigned)strtoul(p, NULL, 10);
	return true;
}

static bool address_is_meant(const char *p, size_t n, const struct address *host)
{
	const char *slash = memchr(p, '/', n);
	size_t len = slash ? (size_t)(slash - p) : n;
	struct address a = read_address(p, len);
	unsigned bits = (unsigned)a.len * 8;

	if (!a.len || (slash && !read_number(slash + 1, n - len - 1, &bits)))
		return false;
	return same_bits(&a, host, bits);
}

static bool name_is_meant(const char *p, size_t n, const char *host)
{
	size_t len = strlen(host);

	if (n && *p == '*')
		p++, n--;
	if (n && *p == '.')
		p++, n--;
	/* A terminating dot only says that the name is complete. */
	if (n > 1 && p[n - 1] == '.')
		n--;
	if (len > 1 && host[len - 1] == '.')
		len--;
	if (!n || len < n || strncasecmp(host + len - n, p, n) != 0)
		return false;
	return len == n || host[len - n - 1] == '.';
}

static bool is_meant(const char *p, size_t n, const char *host, unsigned port)
{
	struct address address = read_address(host, strlen(host));
	const char *colon = NULL;
	unsigned only;

	if (n == 1 && *p == '*')
		return true;
	for (size_t i = 0; i < n; i++)
		colon = p[i] == ':' ? p + i : colon;
	/* Not the colons inside an IPv6 address. */
	if (colon && (memchr(p, ':', n) == colon || (colon > p && colon[-1] == ']'))) {
		size_t len = (size_t)(colon - p);

		if (!read_number(colon + 1, n - len - 1, &only) || only != port)
			return false;
		n = len;
	}
	return address.len ? address_is_meant(p, n, &address) : name_is_meant(p, n, host);
}

bool origin_is_listed(const char *list, const char *host, unsigned port)
{
	while (*list) {
		size_t n = strcspn(list, ", \t");

		if (n && is_meant(list, n, host, port))
			return true;
		list += n;
		list += strspn(list, ", \t");
	}
	return false;
}

/* ---- the proxy of one origin ---- */

static bool scheme_is_known(const char *scheme)
{
	static const char *const known[] = { "http", "https", "socks4", "socks4a", "socks5",
		"socks5h" };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(known[i], scheme) == 0)
			return true;
	return false;
}

/* "host:port" of what a proxy variable holds; NULL when libcurl would not take it. */
static char *proxy_host(const char *proxy)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *host = NULL, *port = NULL, *text = NULL;
	bool good = u && strlen(proxy) < PROXY_MAX &&
		    curl_url_set(u, CURLUPART_URL, proxy,
			    CURLU_NON_SUPPORT_SCHEME |
				    (strstr(proxy, "://") ? 0 : CURLU_GUESS_SCHEME)) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK;

	if (good && (!strstr(proxy, "://") || scheme_is_known(scheme))) {
		/* Without a port libcurl takes 1080. */
		if (curl_url_get(u, CURLUPART_PORT, &port, 0) != CURLUE_OK)
			port = NULL;
		text = mem_printf("%s:%s", host, port ? port : "1080");
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return text;
}

static char *without_user(const char *proxy)
{
	const char *host = strstr(proxy, "://"), *at = strrchr(proxy, '@');
	size_t scheme = host ? (size_t)(host - proxy) + 3 : 0;

	host = at ? at + 1 : proxy + scheme;
	return mem_printf("%.*s%.*s", (int)scheme, proxy, (int)strcspn(host, "/"), host);
}

static bool set_proxy(struct origins *all, struct origin *s, const struct url *u, struct err *e)
{
	const struct variable *v = strcmp(u->scheme, "https") == 0 ? &all->https : &all->http;
	char *host;

	s->proxy = mem_dup("");
	s->variable = v->value ? v->name : NULL;
	if (!v->value || url_is_loopback(u) ||
		(all->except && origin_is_listed(all->except, u->host, u->port)))
		return true;
	host = proxy_host(v->value);
	if (!host)
		return err_set(e, ERR_USAGE,
			"%s does not hold the address of a proxy, such as http://host:3128",
			v->name);
	free(s->proxy);
	s->proxy = mem_dup(v->value);
	s->words = mem_printf("the proxy %s (%s)", host, v->name);
	s->shown = without_user(v->value);
	free(host);
	return true;
}

/* ---- origins ---- */

static void origin_free(struct origin *s)
{
	if (s->jar)
		curl_share_cleanup(s->jar);
	free(s->origin);
	free(s->proxy);
	free(s->shown);
	free(s->words);
	free(s);
}

/* "https://host:port" of a URL, without what follows. */
static size_t origin_len(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? (size_t)(p + 3 - url) + strcspn(p + 3, "/?#") : strlen(url);
}

static struct origin *origin_new(struct origins *all, const char *url, size_t n, struct err *e)
{
	struct origin *s = mem_new(sizeof(*s));
	struct url u;
	bool good = false;

	s->origin = mem_ndup(url, n);
	s->len = n;
	if (all->cookies && (s->jar = curl_share_init()))
		curl_share_setopt(s->jar, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE);
	if (url_parse(url, &u, e)) {
		good = set_proxy(all, s, &u, e);
		url_clear(&u);
	}
	s->from = all->from;
	s->watched = good && !*s->proxy && all->endpoint && !url_same_origin(url, all->endpoint);
	if (good)
		return s;
	origin_free(s);
	return NULL;
}

struct origin *origins_of(struct origins *all, const char *url, struct err *e)
{
	size_t n = origin_len(url);
	struct origin *s = all->first;

	while (s && (s->len != n || memcmp(s->origin, url, n) != 0))
		s = s->next;
	if (!s && (s = origin_new(all, url, n, e))) {
		s->next = all->first;
		all->first = s;
	}
	return s;
}

void origins_free(struct origins *all)
{
	if (!all)
		return;
	for (struct origin *s = all->first, *next; s; s = next) {
		next = s->next;
		origin_free(s);
	}
	free(all->endpoint);
	free(all);
}

void *origin_jar(const struct origin *s)
{
	return s->jar;
}

void origin_set_shares(struct origin *s, bool shares)
{
	s->shares = shares;
}

bool origin_shares(const struct origin *s)
{
	return s->shares;
}

const char *origin_proxy(const struct origin *s)
{
	return s->proxy;
}

const char *origin_proxy_words(const struct origin *s)
{
	return s->words;
}

struct origin_way origin_way(const struct origin *s)
{
	return (struct origin_way){ .variable = s->variable,
		.proxy = s->shown,
		.socks = strncasecmp(s->proxy, "socks", 5) == 0 };
}

bool origin_is_watched(const struct origin *s)
{
	return s->watched;
}

bool origin_is_barred(const struct origin *s, const struct sockaddr *a)
{
	return s->watched && here_is_barred(here_address(a), s->from);
}

void origin_cookie_came(struct origin *s, void *easy)
{
	struct curl_slist *list = NULL;
	size_t n = 0;

	if (!s->jar || ++s->came < COOKIES_LOOK)
		return;
	s->came = 0;
	if (curl_easy_getinfo(easy, CURLINFO_COOKIELIST, &list) != CURLE_OK)
		return;
	for (struct curl_slist *i = list; i; i = i->next)
		n++;
	curl_slist_free_all(list);
	if (n <= COOKIES_MAX)
		return;
	diag_debug("%zu cookies from one origin: all are dropped", n);
	curl_easy_setopt(easy, CURLOPT_COOKIELIST, "ALL");
}
