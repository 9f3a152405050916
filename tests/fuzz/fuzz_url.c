/*
 * URLs: what the parser says must be what stands there, read naively; what is
 * built from the parts must parse to the same; a reference must not change
 * more than it may; what is encoded must come back.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "net/url.h"

static void must(bool good, const char *what, const char *url)
{
	if (good)
		return;
	fprintf(stderr, "not so: %s (%s)\n", what, url);
	abort();
}

static bool is_printable(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 127)
			return false;
	return true;
}

static bool equals(const char *text, const char *p, size_t n)
{
	return strlen(text) == n && memcmp(text, p, n) == 0;
}

/* Scheme, path, query and fragment by hand: they are as written. */
static void check_text(const char *s, const struct url *u)
{
	const char *rest = strstr(s, "://") + 3;
	const char *path = rest + strcspn(rest, "/?#");
	size_t n = strcspn(path, "?#");
	const char *query = path[n] == '?' ? path + n + 1 : NULL;
	const char *hash = strchr(path, '#');

	must(strcmp(u->scheme, "http") == 0 || strcmp(u->scheme, "https") == 0, "web scheme", s);
	must(strncasecmp(s, u->scheme, strlen(u->scheme)) == 0, "scheme as written", s);
	must(n ? equals(u->path, path, n) : strcmp(u->path, "/") == 0, "path as written", s);
	/* Of empty ones libcurl's versions say either. */
	if (query && query[0] && query[0] != '#')
		must(u->query && equals(u->query, query, strcspn(query, "#")), "query as written",
			s);
	else
		must(!u->query || !*u->query, "no query", s);
	if (hash && hash[1])
		must(u->fragment && strcmp(u->fragment, hash + 1) == 0, "fragment as written", s);
	else
		must(!u->fragment || !*u->fragment, "no fragment", s);
}

/* User, host and port by hand. Addresses may be written anew, names may not. */
static void check_authority(const char *s, const struct url *u)
{
	const char *from = strstr(s, "://") + 3, *end = from + strcspn(from, "/?#");
	const char *at = NULL, *colon = NULL;
	bool is_name = false;

	for (const char *p = from; p < end; p++)
		if (*p == '@')
			at = p;
	must(u->userinfo == (at != NULL), "user", s);
	if (at)
		from = at + 1;
	for (const char *p = from; p < end && *from != '['; p++)
		if (*p == ':')
			colon = p;
	if (*from == '[')
		colon = strstr(from, "]:") ? strstr(from, "]:") + 1 : NULL;
	if (colon && colon < end && colon + 1 < end)
		must(u->port == strtoul(colon + 1, NULL, 10), "port as written", s);
	else
		must(u->port == (u->scheme[4] ? 443u : 80u), "default port", s);
	if (colon && colon < end)
		end = colon;
	must(u->host[0] && strspn(u->host, "abcdefghijklmnopqrstuvwxyz0123456789-._:[]") ==
				   strlen(u->host),
		"plain host", s);
	for (const char *p = from; p < end; p++)
		is_name |= !strchr("0123456789abcdefABCDEFxX.:[]", *p);
	if (is_name)
		must(strlen(u->host) == (size_t)(end - from) &&
				strncasecmp(u->host, from, (size_t)(end - from)) == 0,
			"host as written", s);
}

static void check_loopback(const char *s, const struct url *u)
{
	size_t n = strlen(u->host);
	struct in_addr v4;
	bool local = strcmp(u->host, "localhost") == 0 || strcmp(u->host, "[::1]") == 0 ||
		     (n > 10 && strcmp(u->host + n - 10, ".localhost") == 0);

	if (inet_pton(AF_INET, u->host, &v4) == 1)
		local = ntohl(v4.s_addr) >> 24 == 127;
	must(url_is_loopback(u) == local, "loopback", s);
	must(url_is_safe(u) == (local || u->scheme[4] == 's'), "safe", s);
}

static void check_origin(const char *s, const struct url *u)
{
	struct url again;
	struct buf b;

	buf_init(&b, 2 * URL_MAX);
	must(url_origin(u, &b), "origin fits", s);
	must(url_parse(b.p, &again, NULL), "origin parses", b.p);
	must(strcmp(again.host, u->host) == 0 && again.port == u->port &&
			strcmp(again.scheme, u->scheme) == 0,
		"origin is the same again", b.p);
	must(!again.userinfo && strcmp(again.path, "/") == 0 && !again.query, "origin is bare",
		b.p);
	must(url_same_origin(s, b.p) && url_same_origin(b.p, s), "same origin", s);
	url_clear(&again);
	buf_free(&b);
}

static void check_well_known(const char *s, const struct url *u)
{
	char *made[] = {
		url_well_known(s, "oauth-protected-resource", NULL),
		url_well_known(s, "oauth-authorization-server", NULL),
		url_well_known_root(s, "openid-configuration", NULL),
		url_well_known_behind(s, "openid-configuration", NULL),
	};
	struct url w;

	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
		must(made[i], "well-known URL", s);
		/* It may have become longer than what is taken. */
		if (strlen(made[i]) <= URL_MAX) {
			must(url_parse(made[i], &w, NULL), "well-known URL parses", made[i]);
			must(url_same_origin(s, made[i]) && !w.userinfo,
				"well-known URL stays at home", made[i]);
			must(strstr(w.path, "/.well-known/") != NULL, "well-known path", made[i]);
			if (i == 0)
				must(strlen(w.path) ==
						strlen("/.well-known/oauth-protected-resource") +
							(strcmp(u->path, "/") == 0
									? 0
									: strlen(u->path)),
					"resource path", made[i]);
			url_clear(&w);
		}
		free(made[i]);
	}
}

static void check_url(const char *s)
{
	struct err e = { 0 };
	struct url u;

	if (!url_parse(s, &u, &e)) {
		must(e.kind != ERR_NONE && e.msg[0], "a refusal has a reason", s);
		must(!u.host && !u.path, "a refusal leaves nothing", s);
		return;
	}
	must(is_printable(s), "no blanks and no control characters", s);
	check_text(s, &u);
	check_authority(s, &u);
	check_loopback(s, &u);
	check_origin(s, &u);
	check_well_known(s, &u);
	url_clear(&u);
}

static void check_join(const char *base, const char *ref)
{
	char *to = url_join(base, ref, NULL);
	struct url b;

	if (!to)
		return;
	must(url_parse(to, &b, NULL), "what is joined is a URL", to);
	url_clear(&b);
	if (url_parse(base, &b, NULL)) {
		if (ref[0] == '?' || ref[0] == '#' || (ref[0] == '/' && ref[1] != '/'))
			must(url_same_origin(base, to), "a path stays at home", to);
		url_clear(&b);
	}
	free(to);
}

static void check_form(const char *p, size_t n)
{
	char *value = url_form_decode(p, n), *again;
	struct buf b;

	if (!value)
		return;
	must(strlen(value) <= n, "decoding does not grow", value);
	buf_init(&b, (size_t)1 << 24);
	must(url_form_add(&b, "x", "1") && url_form_add(&b, value, value) &&
			url_form_add(&b, "y", ""),
		"memory", value);
	must(is_printable(buf_str(&b)), "a form is printable", b.p);
	again = url_form_get(b.p, value, NULL);
	must(again && (strcmp(again, value) == 0 || strcmp(value, "x") == 0), "a form comes back",
		value);
	free(again);
	free(value);
	buf_free(&b);
}

/* A URL, a reference and a form, one a line. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *text = malloc(size + 1), *ref, *form;
	unsigned count;

	if (!text)
		return 0;
	memcpy(text, bytes, size);
	text[size] = 0;
	ref = strchr(text, '\n');
	if (ref)
		*ref++ = 0;
	form = ref ? strchr(ref, '\n') : NULL;
	if (form)
		*form++ = 0;
	check_url(text);
	if (ref) {
		check_url(ref);
		check_join(text, ref);
		check_join("https://home.example:8443/a/b?c", ref);
	}
	if (form) {
		check_form(form, size - (size_t)(form - text));
		free(url_form_get(form, "code", &count));
	}
	free(text);
	return 0;
}
