#include "base/given.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/pasted.h"
#include "base/secret.h"
#include "os/start.h"

/* Longer ones are no words that messages of ours use. */
#define WORD_MAX 11

/* Variables that one run refers to: as many as the command line has room for names. */
static char **names;
static size_t nnames;

/* ---- what must not be seen ---- */

void given_secret(const char *p, size_t n)
{
	diag_pin(p, n);
}

/* Terms with a digit in them, which people write into a credential and our advice names. */
static bool is_term(const char *p, size_t n)
{
	static const char *const terms[] = { "base64", "OAuth2" };

	for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++)
		if (strlen(terms[i]) == n && strncasecmp(p, terms[i], n) == 0)
			return true;
	return false;
}

static bool is_word(const char *p, size_t n)
{
	size_t upper = 0;

	if (is_term(p, n))
		return true;
	for (size_t i = 0; i < n; i++) {
		if (!isalpha((unsigned char)p[i]))
			return false;
		upper += isupper((unsigned char)p[i]) != 0;
	}
	return n <= WORD_MAX &&
	       (upper == 0 || upper == n || (upper == 1 && isupper((unsigned char)p[0])));
}

static void pin_unless_word(const char *p, size_t n)
{
	if (!is_word(p, n))
		given_secret(p, n);
}

/* "user:secret" in base64, as Basic has it: a server may repeat what it stands for. */
static void pin_decoded(const char *p, size_t n)
{
	struct buf text;
	const char *colon;

	buf_init(&text, n);
	if (crypt_unbase64(&text, p, n) && text.len && (colon = memchr(text.p, ':', text.len))) {
		given_secret(text.p, text.len);
		given_secret(colon + 1, text.len - (size_t)(colon + 1 - text.p));
	}
	buf_wipe(&text);
}

static void pin_part(const char *p, size_t n)
{
	size_t name = 0;

	/* Messages name what was not filled in. */
	if (pasted_may_be_shown((struct pasted){ p, n }))
		return;
	pin_unless_word(p, n);
	pin_decoded(p, n);
	while (name < n && p[name] != '=' && p[name] != ':')
		name++;
	if (name < n)
		pin_unless_word(p + name + 1, n - name - 1);
}

void given_value(const char *p, size_t n)
{
	if (pasted_may_be_shown((struct pasted){ p, n }))
		return;
	pin_unless_word(p, n);
	for (size_t from = 0, to = 0; from < n; from = to + 1) {
		for (to = from; to < n && !strchr(" \t,;\"'", p[to]);)
			to++;
		pin_part(p + from, to - from);
	}
}

static int hex(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* %XX of the n bytes at p decoded, in place of a copy; *len: bytes of it. What is no escape stays. */
static char *decode(const char *p, size_t n, size_t *len)
{
	char *out = mem_ndup(p, n);

	*len = 0;
	for (size_t i = 0; i < n; i++) {
		bool escape = p[i] == '%' && n - i > 2 && hex(p[i + 1]) >= 0 && hex(p[i + 2]) >= 0;

		out[*len] = p[i];
		if (escape) {
			out[*len] = (char)(hex(p[i + 1]) << 4 | hex(p[i + 2]));
			i += 2;
		}
		++*len;
	}
	return out;
}

static void forget(char *p, size_t n)
{
	secret_wipe(p, n);
	free(p);
}

static void pin_pair(const char *p, size_t n)
{
	const char *colon = memchr(p, ':', n);
	struct buf sent;

	given_secret(p, n);
	if (colon)
		given_secret(colon + 1, n - (size_t)(colon + 1 - p));
	pin_unless_word(p, colon ? (size_t)(colon - p) : n);
	buf_init(&sent, 2 * n + 4);
	if (crypt_base64(&sent, p, n))
		given_secret(buf_str(&sent), sent.len);
	buf_wipe(&sent);
}

void given_userinfo(const char *p, size_t n)
{
	size_t len;
	char *plain = decode(p, n, &len);

	pin_pair(p, n); /* half an escape is not one */
	pin_pair(plain, len);
	forget(plain, len);
}

static void pin_parameter(const char *p, size_t n)
{
	const char *equals = memchr(p, '=', n);
	size_t name = equals ? (size_t)(equals + 1 - p) : 0, len;
	char *plain = decode(p + name, n - name, &len);

	pin_unless_word(p + name, n - name);
	given_value(plain, len);
	forget(plain, len);
}

void given_url(const char *url)
{
	const char *host = strstr(url, "://"), *end, *at = NULL;

	host = host ? host + 3 : url;
	end = host + strcspn(host, "/?#");
	for (const char *p = host; p < end; p++)
		at = *p == '@' ? p : at;
	if (at)
		given_userinfo(host, (size_t)(at - host));
	if (*(end += strcspn(end, "?#")) != '?')
		return;
	pin_unless_word(end + 1, strcspn(end + 1, "#"));
	for (const char *p = end + 1; *p && *p != '#';) {
		size_t n = strcspn(p, "&;#");

		pin_parameter(p, n);
		p += n + (p[n] == '&' || p[n] == ';');
	}
}

/* ---- what other programs need not know ---- */

void given_variable(const char *name, size_t n)
{
	names = mem_grow(names, nnames + 1, sizeof(*names));
	names[nnames++] = mem_ndup(name, n);
}

static bool is_of_desktop(const char *name)
{
	static const char *const needed[] = { "HOME", "PATH", "USER", "LOGNAME", "SHELL", "LANG",
		"TMPDIR", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "BROWSER" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (strcmp(needed[i], name) == 0)
			return true;
	return strncmp(name, "XDG_", 4) == 0 || strncmp(name, "DBUS_", 5) == 0;
}

/* npm_config_https_proxy among them. */
static bool is_proxy(const char *name, size_t n)
{
	for (size_t i = 0; i + 5 <= n; i++)
		if (strncasecmp(name + i, "proxy", 5) == 0)
			return true;
	return false;
}

/* "scheme://user:password@host" becomes "scheme://host". */
static void take_user_out(char *entry)
{
	char *value = strchr(entry, '='), *host, *at;

	if (!value || !is_proxy(entry, (size_t)(value - entry)) || !(at = strrchr(value, '@')))
		return;
	host = strstr(value, "://");
	host = host && host < at ? host + 3 : value + 1;
	memmove(host, at + 1, strlen(at + 1) + 1);
}

static bool is_named(const char *entry, const char *name)
{
	size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=';
}

static bool holds_credential(const char *entry)
{
	static const char *const account[] = { "MIXPANEL_SA_TOKEN", "MIXPANEL_SA_USERNAME",
		"MIXPANEL_SA_SECRET" };

	for (size_t i = 0; i < sizeof(account) / sizeof(account[0]); i++)
		if (is_named(entry, account[i]))
			return true;
	for (size_t i = 0; i < nnames; i++)
		if (!is_of_desktop(names[i]) && is_named(entry, names[i]))
			return true;
	return false;
}

char **given_environment(bool of_ours)
{
	char **all = os_variables(), **kept, **to;
	size_t n = 0;

	while (all && all[n])
		n++;
	to = kept = mem_new((n + 1) * sizeof(*kept));
	for (size_t i = 0; i < n; i++) {
		if (holds_credential(all[i]))
			continue;
		*to = mem_dup(all[i]);
		if (!of_ours)
			take_user_out(*to);
		to++;
	}
	return kept;
}
