#include "mcp/http/error_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "mcp/json/message.h"
#include "mcp/json/walk.h"
#include "net/url.h"

/* Looked for in this order in a JSON error document. */
static const char *const members[] = { "error_description", "message", "detail", "msg", "title",
	"reason", "error", "errors" };

/* Words lie at the top, or inside "error", or a level below. */
#define WORDS_DEPTH 4

/* Of a list of errors, so many are told: one rarely says all, and twenty say no more than three. */
#define WORDS_LISTED 3

/* Room for what is listed before it is cut to ERROR_TEXT_MAX. */
#define WORDS_ROOM ((size_t)64 << 10)

static bool add_words(struct span v, int depth, struct buf *out);

/* FastAPI's {"loc": ["body", "name"], "msg": "field required"}: the last part says which field. */
static bool add_place(struct span entry, struct buf *out)
{
	struct span last = { 0 };
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, walk_get(entry, "loc", NULL)))
		return true;
	while (walk_next(&w, &it))
		last = it.value;
	return walk_type(last) != WALK_STRING || (walk_string(last, out) && buf_adds(out, ": "));
}

static bool add_entry(struct span entry, int depth, bool first, struct buf *out)
{
	struct buf one;
	bool good;

	buf_init(&one, WORDS_ROOM);
	good = (walk_type(entry) != WALK_OBJECT || add_place(entry, &one)) &&
	       add_words(entry, depth, &one) && (first || buf_adds(out, "; ")) &&
	       buf_add(out, one.p, one.len);
	buf_free(&one);
	return good;
}

static bool add_list(struct span list, int depth, struct buf *out)
{
	size_t told = 0;
	struct walk_item it;
	struct walk w;

	if (!walk_open(&w, list))
		return false;
	while (told < WORDS_LISTED && walk_next(&w, &it))
		told += add_entry(it.value, depth + 1, told == 0, out);
	return told > 0;
}

static bool add_members(struct span doc, int depth, struct buf *out)
{
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (add_words(walk_get(doc, members[i], NULL), depth + 1, out))
			return true;
	return false;
}

/* The words that v holds; false, with nothing added, when it holds none. */
static bool add_words(struct span v, int depth, struct buf *out)
{
	if (depth > WORDS_DEPTH)
		return false;
	switch (walk_type(v)) {
	case WALK_STRING:
		return v.n > 2 && walk_string(v, out);
	case WALK_OBJECT:
		return add_members(v, depth, out);
	case WALK_ARRAY:
		return add_list(v, depth, out);
	default:
		return false;
	}
}

static const char *find_nocase(const char *p, size_t n, const char *what)
{
	size_t m = strlen(what);

	for (size_t i = 0; i + m <= n; i++)
		if (strncasecmp(p + i, what, m) == 0)
			return p + i;
	return NULL;
}

/* What stands in the first element of this name. */
static struct span html_element(const char *p, size_t n, const char *tag)
{
	const char *open = find_nocase(p, n, tag), *end = p + n, *close;

	open = open ? memchr(open, '>', (size_t)(end - open)) : NULL;
	if (!open)
		return (struct span){ 0 };
	open++;
	close = memchr(open, '<', (size_t)(end - open));
	return close ? (struct span){ open, (size_t)(close - open) } : (struct span){ 0 };
}

/* FastMCP tells clients that sign in by themselves what to do. Here the bridge does it, and its own advice follows. */
static const char fastmcp_advice[] = " To resolve: clear authentication tokens";

/* A full line that goes on ends at a word; one without blanks stays as it is. Its length. */
static size_t end_at_word(char out[ERROR_TEXT_MAX + 1])
{
	static const char more[] = "...";
	size_t end = ERROR_TEXT_MAX - strlen(more);

	while (end > 0 && out[end] != ' ')
		end--;
	if (!end)
		return ERROR_TEXT_MAX;
	memcpy(out + end, more, strlen(more));
	return end + strlen(more);
}

/* Cuts at ERROR_TEXT_MAX, folds white space, cleans. */
static void put(char out[ERROR_TEXT_MAX + 1], const char *p, size_t n)
{
	const char *advice = find_nocase(p, n, fastmcp_advice);
	size_t k = 0, i = 0;

	if (advice)
		n = (size_t)(advice - p);
	while (n > 0 && strchr(" \t\r\n", p[n - 1]))
		n--;
	for (; i < n && k < ERROR_TEXT_MAX; i++) {
		char c = p[i] == '\n' || p[i] == '\r' || p[i] == '\t' ? ' ' : p[i];

		if (c == ' ' && (k == 0 || out[k - 1] == ' '))
			continue;
		out[k++] = c ? c : '?';
	}
	if (i < n)
		k = end_at_word(out);
	/* Not in the middle of a character. */
	if (k == ERROR_TEXT_MAX)
		while (k > 0 && ((unsigned char)out[k - 1] & 0xC0) == 0x80)
			k--;
	if (k > 0 && (unsigned char)out[k - 1] >= 0xC0)
		k--;
	out[k] = 0;
	err_clean(diag_redact(out));
}

static void skip_blanks(const char **p, size_t *n)
{
	while (*n && **p && strchr(" \t\r\n", **p))
		(*p)++, (*n)--;
}

/* A page without a title says it in its first heading. */
static struct span html_words(const char *p, size_t n)
{
	static const char *const tags[] = { "<title", "<h1", "<h2" };
	struct span s = { 0 };

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]) && !s.n; i++) {
		s = html_element(p, n, tags[i]);
		skip_blanks(&s.p, &s.n);
	}
	return s;
}

/* A document that is whole: what walks it relies on that. */
static bool is_json(char *p, size_t n)
{
	struct message m;

	return message_scan(p, n, &m, NULL) == MESSAGE_OK;
}

bool error_text_is_page(const char *body, size_t n)
{
	skip_blanks(&body, &n);
	return n && *body == '<' &&
	       (find_nocase(body, n, "<html") || find_nocase(body, n, "<!doctype html") ||
		       find_nocase(body, n, "<title"));
}

void error_text_read(char *body, size_t n, char out[ERROR_TEXT_MAX + 1])
{
	struct span s;
	struct buf text;

	out[0] = 0;
	while (n && strchr(" \t\r\n", *body))
		body++, n--;
	if (!n)
		return;
	if (*body == '<') {
		s = html_words(body, n);
		put(out, s.p, s.n);
	} else if (*body != '{' && *body != '[') {
		put(out, body, n);
	} else if (is_json(body, n)) {
		buf_init(&text, WORDS_ROOM);
		if (add_words((struct span){ body, n }, 0, &text))
			put(out, buf_str(&text), text.len);
		buf_free(&text);
	}
}

/* ---- what it means ---- */

/* Whose answer a row is about. */
enum whose { ANYBODY, MIXPANEL, PAGE, CHALLENGE };

/*
 * The first row that fits gives reason and advice, and the kind where it names one; the first that
 * has a cause gives that. 0, NULL: whatever it is. Texts are found anywhere and in any case.
 */
static const struct row {
	long from, to; /* HTTP status */
	long code;     /* JSON-RPC */
	const char *text;
	enum whose whose;
	struct error_meaning means;
	enum error_era era; /* who alone says so; such a row has nothing else but a text */
} rows[] = {
	/* Servers of the revisions that have sessions, when a request comes without one. */
	{ .text = "initializ", .era = ERROR_ERA_INITIALIZE },
	{ .text = "session id", .era = ERROR_ERA_SESSIONS },
	{ .text = "session-id", .era = ERROR_ERA_SESSIONS },
	{ .text = "protocol version", .era = ERROR_ERA_SESSIONS },

	/* What Mixpanel says, whoever passes it on. */
	{ .text = "MCP access is not enabled",
		.means = { ERR_FORBIDDEN, REASON_MCP_DISABLED, NULL,
			"An organisation admin must enable MCP in Mixpanel's organisation "
			"settings; "
			"it takes up to 15 minutes to take effect." } },
	{ .text = "MCP is not enabled",
		.means = { ERR_FORBIDDEN, REASON_MCP_DISABLED, NULL,
			"An organisation admin must enable MCP in Mixpanel's organisation "
			"settings; "
			"it takes up to 15 minutes to take effect." } },
	{ .text = "requires scope",
		.means = { ERR_AUTH, REASON_SCOPE_MISSING, NULL,
			"The sign-in lacks a scope: run \"mpmcp login --force\"." } },
	{ .text = "plan does not allow",
		.means = { ERR_FORBIDDEN, REASON_PLAN, "the account's plan does not include this",
			"Use an account whose plan includes API access, or upgrade the plan." } },

	/* Limits that come as JSON-RPC errors: FastMCP's, and SEP-3304's. */
	{ .code = -32000,
		.text = "rate limit",
		.means = { ERR_RATE, REASON_RATE_LIMITED, "too many requests", "" } },
	{ .code = -32000,
		.text = "too many requests",
		.means = { ERR_RATE, REASON_RATE_LIMITED, "too many requests", "" } },
	{ .code = -32023, .means = { ERR_RATE, REASON_RATE_LIMITED, "too many requests", "" } },

	/* MCP 2025-11-25, Session Management: 404. Servers made after the SDKs' examples say 400. */
	{ .from = 400,
		.to = 400,
		.text = "session",
		.means = { ERR_NONE, REASON_SESSION_LOST, NULL,
			"Start the client again to open a new session." } },
	{ .from = 400,
		.to = 400,
		.text = "initializ",
		.means = { ERR_NONE, REASON_SESSION_LOST, NULL,
			"Start the client again to open a new session." } },
	{ .from = 404,
		.to = 404,
		.text = "initializ",
		.means = { ERR_NONE, REASON_SESSION_LOST, NULL,
			"Start the client again to open a new session." } },
	{ .from = 404,
		.to = 404,
		.text = "session",
		.means = { ERR_NONE, REASON_SESSION_LOST, NULL,
			"Start the client again to open a new session." } },

	/* Something in front of the server: no permission of the account would help. */
	{ .whose = CHALLENGE,
		.means = { ERR_FORBIDDEN, REASON_FIREWALL,
			"a firewall in front of the server requires a browser check",
			"A program cannot do that: ask whoever runs the server to exclude its MCP "
			"path from the check, or try another network." } },
	{ .text = "just a moment",
		.whose = PAGE,
		.means = { ERR_FORBIDDEN, REASON_FIREWALL,
			"a firewall in front of the server requires a browser check",
			"A program cannot do that: ask whoever runs the server to exclude its MCP "
			"path from the check, or try another network." } },
	{ .from = 403,
		.to = 403,
		.whose = PAGE,
		.means = { ERR_FORBIDDEN, REASON_FIREWALL,
			"a proxy or firewall in front of the server refuses this",
			"It is not a permission of the account: ask whoever runs that proxy or "
			"firewall to let this address through, or try another network." } },

	{ .from = 402,
		.to = 402,
		.means = { ERR_FORBIDDEN, REASON_PLAN, "your plan does not allow API calls",
			"Check the plan and the billing of the account, or use another "
			"account." } },
	{ .from = 403,
		.to = 403,
		.whose = MIXPANEL,
		.means = { ERR_FORBIDDEN, REASON_PERMISSION, "the service refuses this",
			"Check in Mixpanel's organisation settings that this account may use MCP "
			"in "
			"this project." } },
	{ .from = 403,
		.to = 403,
		.means = { ERR_FORBIDDEN, REASON_PERMISSION, "the service refuses this",
			"Check that this account may use MCP here." } },
	{ .from = 401,
		.to = 401,
		.means = { ERR_AUTH, REASON_NONE, "the service refuses the credential", "" } },
	{ .from = 404,
		.to = 404,
		.whose = MIXPANEL,
		.means = { ERR_NOT_FOUND, REASON_NOT_FOUND, "nothing is at this address",
			"Check the URL, or remove it and give the region: --region us, eu or "
			"in." } },
	{ .from = 404,
		.to = 404,
		.means = { ERR_NOT_FOUND, REASON_NOT_FOUND, "nothing is at this address",
			"Check the path of the URL; for Mixpanel, remove the URL and give the "
			"region: --region us, eu or in." } },
	{ .from = 405,
		.to = 405,
		.means = { ERR_NOT_FOUND, REASON_NOT_MCP, "this address does not accept messages",
			"The address answers but is not an MCP endpoint: check the path of the "
			"URL." } },
	{ .from = 407,
		.to = 407,
		.means = { ERR_NET, REASON_PROXY_SIGN_IN,
			"the proxy requires a user name and password",
			"Put them into the proxy's variable: "
			"http_proxy=http://user:password@host:port." } },
	{ .from = 421,
		.to = 421,
		.means = { ERR_PROTO, REASON_MISDIRECTED,
			"the server that answers does not serve this host",
			"Check the host in the URL; a proxy or load balancer may lead to the wrong "
			"server." } },
	{ .from = 422,
		.to = 422,
		.means = { ERR_PROTO, REASON_BAD_REQUEST,
			"the server does not accept the content of the request",
			"Correct what it names; if it names nothing, check that the path of the "
			"URL is "
			"that of an MCP endpoint." } },
	{ .from = 429,
		.to = 429,
		.whose = MIXPANEL,
		.means = { ERR_RATE, REASON_RATE_LIMITED, "too many requests",
			"Mixpanel allows 600 requests an hour, counted over all clients of one "
			"user: "
			"send fewer, and check which other clients use this account." } },
	{ .from = 429,
		.to = 429,
		.means = { ERR_RATE, REASON_RATE_LIMITED, "too many requests",
			"Send fewer requests, and check which other clients use this account." } },
	{ .from = 451,
		.to = 451,
		.means = { ERR_FORBIDDEN, REASON_PERMISSION, "this is blocked for legal reasons",
			"Ask whoever runs the server; it may be blocked only from this country or "
			"network." } },
	{ .from = 511,
		.to = 511,
		.means = { ERR_NET, REASON_CAPTIVE, "this network requires its own sign-in",
			"Open any web page in a browser, sign in to the network there, and try "
			"again." } },
	{ .from = 504,
		.to = 504,
		.means = { ERR_SERVER, REASON_SERVER_SLOW,
			"a gateway waited too long for the server",
			"The server may still have acted. Ask for less at a time, such as a "
			"shorter "
			"date range, or try again." } },
	{ .from = 524,
		.to = 524,
		.means = { ERR_SERVER, REASON_SERVER_SLOW,
			"a gateway waited too long for the server",
			"The server may still have acted. Ask for less at a time, such as a "
			"shorter "
			"date range, or try again." } },
	{ .from = 520,
		.to = 530,
		.means = { ERR_SERVER, REASON_SERVER_DOWN,
			"the CDN in front of the server cannot reach it",
			"If this persists, check the host in the URL and tell whoever runs the "
			"server." } },
	{ .from = 503,
		.to = 503,
		.whose = MIXPANEL,
		.means = { ERR_SERVER, REASON_SERVER_DOWN,
			"the service is not available at the moment",
			"If this persists, see https://www.mixpanelstatus.com." } },
	{ .from = 503,
		.to = 503,
		.means = { ERR_SERVER, REASON_SERVER_DOWN,
			"the service is not available at the moment",
			"If this persists, tell whoever runs the server." } },
	{ .from = 500,
		.to = 599,
		.whose = MIXPANEL,
		.means = { ERR_SERVER, REASON_SERVER_DOWN, "the server failed",
			"If this persists, see https://www.mixpanelstatus.com." } },
	{ .from = 500,
		.to = 599,
		.means = { ERR_SERVER, REASON_SERVER_DOWN, "the server failed",
			"If this persists, tell whoever runs the server." } },
	{ .from = 300,
		.to = 499,
		.means = { ERR_PROTO, REASON_NONE, "the server does not accept the request", "" } },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_mixpanel(const char *url)
{
	struct url u;
	bool yes = url_parse(url, &u, NULL) && url_in_domain(&u, "mixpanel.com");

	url_clear(&u);
	return yes;
}

static bool is_about(const struct error_said *s, enum whose whose)
{
	switch (whose) {
	case MIXPANEL:
		return s->url && is_mixpanel(s->url);
	case PAGE:
		return s->page;
	case CHALLENGE:
		return s->challenge;
	case ANYBODY:
		break;
	}
	return true;
}

static bool fits(const struct row *r, const struct error_said *s)
{
	return (!r->to || (s->status >= r->from && s->status <= r->to)) &&
	       (!r->code || s->code == r->code) && is_about(s, r->whose) &&
	       (!r->text || (s->text && find_nocase(s->text, strlen(s->text), r->text)));
}

struct error_meaning error_text_meaning(const struct error_said *s)
{
	struct error_meaning m = { 0 };

	for (size_t i = 0; i < ROWS && !(m.advice && m.kind && m.what); i++) {
		if (!fits(&rows[i], s))
			continue;
		if (!m.advice) {
			m.reason = rows[i].means.reason;
			m.advice = rows[i].means.advice;
		}
		m.kind = m.kind ? m.kind : rows[i].means.kind;
		m.what = m.what ? m.what : rows[i].means.what;
	}
	m.kind = m.kind ? m.kind : ERR_SERVER;
	m.what = m.what ? m.what : "the server reports an error";
	m.advice = m.advice ? m.advice : "";
	return m;
}

enum error_era error_text_era(struct span error)
{
	for (size_t i = 0; error.p && i < ROWS; i++)
		if (rows[i].era && find_nocase(error.p, error.n, rows[i].text))
			return rows[i].era;
	return ERROR_ERA_UNTOLD;
}

bool error_text_refusal(struct err *e, const struct error_said *s, long retry_after_s)
{
	struct error_meaning m = error_text_meaning(s);
	const char *words = s->text ? s->text : "";
	char when[64] = "";

	err_set(e, m.kind, "%s (HTTP %ld)%s%s", m.what, s->status, *words ? ": " : "", words);
	if (retry_after_s >= 0)
		snprintf(when, sizeof(when), "Try again in %ld seconds.", retry_after_s);
	else if (m.reason == REASON_SERVER_DOWN)
		snprintf(when, sizeof(when), "Try again.");
	return err_advise(e, m.reason, "%s%s%s", when, *when && *m.advice ? " " : "", m.advice);
}
