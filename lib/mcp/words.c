#include "mcp/words.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "mcp/envelope.h"
#include "mcp/walk.h"

/* Looked for in this order in a JSON error document. */
static const char *const members[] = { "error_description", "message", "detail", "title", "error" };

/* Words lie at the top, or inside "error", or a level below. */
#define WORDS_DEPTH 3

static struct span json_words(struct span doc, int depth)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		struct span v = walk_get(doc, members[i], NULL);

		if (walk_type(v) == WALK_STRING)
			return v;
		if (walk_type(v) == WALK_OBJECT)
			return depth < WORDS_DEPTH ? json_words(v, depth + 1) : (struct span){ 0 };
	}
	return (struct span){ 0 };
}

static const char *find_nocase(const char *p, size_t n, const char *what)
{
	size_t m = strlen(what);

	for (size_t i = 0; i + m <= n; i++)
		if (strncasecmp(p + i, what, m) == 0)
			return p + i;
	return NULL;
}

static struct span html_title(const char *p, size_t n)
{
	const char *open = find_nocase(p, n, "<title"), *end = p + n, *close;

	open = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
	if (!open)
		return (struct span){ 0 };
	open++;
	close = memchr(open, '<', (size_t)(end - open));
	return close ? (struct span){ open, (size_t)(close - open) } : (struct span){ 0 };
}

/* Cuts at WORDS_MAX, folds white space, cleans. */
static void put(char out[WORDS_MAX + 1], const char *p, size_t n)
{
	size_t k = 0;

	for (size_t i = 0; i < n && k < WORDS_MAX; i++) {
		char c = p[i] == '\n' || p[i] == '\r' || p[i] == '\t' ? ' ' : p[i];

		if (c == ' ' && (k == 0 || out[k - 1] == ' '))
			continue;
		out[k++] = c ? c : '?';
	}
	while (k > 0 && out[k - 1] == ' ')
		k--;
	/* Not in the middle of a character. */
	if (k == WORDS_MAX)
		while (k > 0 && ((unsigned char)out[k - 1] & 0xC0) == 0x80)
			k--;
	if (k > 0 && (unsigned char)out[k - 1] >= 0xC0)
		k--;
	out[k] = 0;
	err_clean(diag_redact(out));
}

void words_from_body(char *body, size_t n, char out[WORDS_MAX + 1])
{
	struct envelope m;
	struct span s = { 0 };
	struct buf text;

	out[0] = 0;
	while (n && strchr(" \t\r\n", *body))
		body++, n--;
	if (!n)
		return;
	if (*body == '{' && envelope_scan(body, n, &m, NULL) == ENVELOPE_OK) {
		s = json_words((struct span){ body, n }, 0);
		buf_init(&text, (size_t)64 << 10);
		if (s.p && walk_string(s, &text))
			put(out, buf_str(&text), text.len);
		buf_free(&text);
	} else if (*body == '<') {
		s = html_title(body, n);
		if (s.p)
			put(out, s.p, s.n);
	} else if (*body != '{' && *body != '[') {
		put(out, body, n);
	}
}

static const struct {
	const char *text, *hint;
} known[] = {
	{ "MCP access is not enabled", "An organisation admin must enable MCP in Mixpanel's "
				       "organisation settings; it takes up to 15 minutes." },
	{ "requires scopes", "The sign-in lacks a scope: run \"mpmcp login --force\"." },
};

const char *words_hint(long status, const char *text)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (find_nocase(text, strlen(text), known[i].text))
			return known[i].hint;
	switch (status) {
	case 404:
		return "Check the URL, or leave it out and name the region: --region us, eu or in.";
	case 407:
		return "They are part of its variable: http_proxy=http://user:password@host:port.";
	case 405:
		return "The address answers, but is no MCP endpoint: check the path of the URL.";
	case 429:
		return "Requests are counted by the hour, those of all clients of a person "
		       "together (Mixpanel's limit is 600): ask for less at a time.";
	case 403:
		return "Check that this account may use MCP in this project; \"mpmcp doctor\" "
		       "shows what is allowed.";
	default:
		return status >= 500 ? "Try again; if it stays so, see Mixpanel's status page."
				     : "";
	}
}
