#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/utf8.h"

/* Room to work in before the cut: a secret is found whole even where the message then ends. */
#define WORK_MAX (4 * ERR_MSG_MAX)

static const char *const kind_names[] = {
	[ERR_NONE] = "none",
	[ERR_USAGE] = "usage",
	[ERR_IO] = "io",
	[ERR_NET] = "network",
	[ERR_PROTO] = "protocol",
	[ERR_AUTH] = "auth",
	[ERR_FORBIDDEN] = "forbidden",
	[ERR_NOT_FOUND] = "not-found",
	[ERR_RATE] = "rate-limited",
	[ERR_SERVER] = "server",
	[ERR_LIMIT] = "too-large",
	[ERR_POLICY] = "policy",
	[ERR_CANCELLED] = "cancelled",
};
_Static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == ERR_KINDS, "every kind has a name");

static const char *const reason_names[] = {
	[REASON_SESSION_LOST] = "session-lost",
	[REASON_SIGN_IN] = "sign-in-needed",
	[REASON_DECLINED] = "declined",
	[REASON_SCOPE_MISSING] = "scope-missing",
	[REASON_MCP_DISABLED] = "mcp-not-enabled",
	[REASON_PLAN] = "plan",
	[REASON_PERMISSION] = "permission",
	[REASON_FIREWALL] = "firewall",
	[REASON_RATE_LIMITED] = "rate-limited",
	[REASON_NOT_FOUND] = "not-found",
	[REASON_NOT_MCP] = "not-mcp",
	[REASON_REDIRECT] = "redirect",
	[REASON_MISDIRECTED] = "misdirected",
	[REASON_BAD_REQUEST] = "bad-request",
	[REASON_SERVER_DOWN] = "server-down",
	[REASON_SERVER_SLOW] = "server-slow",
	[REASON_CAPTIVE] = "captive-portal",
	[REASON_UNREACHABLE] = "unreachable",
	[REASON_INTERRUPTED] = "interrupted",
	[REASON_PROXY_SIGN_IN] = "proxy-sign-in",
	[REASON_PROXY_REFUSED] = "proxy-refused",
	[REASON_PROXY_SCHEME] = "proxy-scheme",
	[REASON_CERT_DATES] = "certificate-dates",
	[REASON_CERT_NAME] = "certificate-name",
	[REASON_CERT_UNKNOWN] = "certificate-unknown",
	[REASON_TLS] = "tls",
};
_Static_assert(
	sizeof(reason_names) / sizeof(reason_names[0]) == ERR_REASONS, "every reason has a name");

const char *err_kind_name(enum err_kind kind)
{
	return (unsigned)kind < ERR_KINDS ? kind_names[kind] : "unknown";
}

const char *err_reason_name(enum err_reason reason)
{
	return (unsigned)reason < ERR_REASONS ? reason_names[reason] : NULL;
}

enum err_reason err_reason_named(const char *name)
{
	for (unsigned i = REASON_NONE + 1; name && i < ERR_REASONS; i++)
		if (strcmp(reason_names[i], name) == 0)
			return (enum err_reason)i;
	return REASON_NONE;
}

/* The code point of the well-formed sequence of n bytes at p. */
static uint32_t code_point(const unsigned char *p, size_t n)
{
	static const unsigned char first_bits[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = p[0] & first_bits[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3f);
	return c;
}

/*
 * Characters by which a peer could make a terminal show something other than what was said: those
 * that move the cursor, end the line, turn the reading direction, or show nothing at all. U+200C and
 * U+200D pass: several scripts and most composed emoji need them.
 */
static bool misleads(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} held_back[] = {
		{ 0x00, 0x1f },       /* C0 */
		{ 0x7f, 0x9f },       /* DEL, C1 */
		{ 0x61c, 0x61c },     /* Arabic letter mark */
		{ 0x180e, 0x180e },   /* Mongolian vowel separator */
		{ 0x200b, 0x200b },   /* zero-width space */
		{ 0x200e, 0x200f },   /* direction marks */
		{ 0x2028, 0x202e },   /* line and paragraph separators, embeddings and overrides */
		{ 0x2060, 0x206f },   /* word joiner, invisible operators, isolates */
		{ 0xfeff, 0xfeff },   /* byte order mark */
		{ 0xfff9, 0xfffb },   /* interlinear annotation */
		{ 0x1bca0, 0x1bca3 }, /* shorthand controls */
		{ 0x1d173, 0x1d17a }, /* musical controls */
		{ 0xe0000, 0xe007f }, /* tags: ASCII that nobody sees */
	};

	for (size_t i = 0; i < sizeof(held_back) / sizeof(held_back[0]); i++)
		if (c >= held_back[i].first && c <= held_back[i].last)
			return true;
	return false;
}

char *err_clean(char *s)
{
	const char *from = s, *end = s + strlen(s);
	char *to = s;

	while (*from) {
		size_t n = utf8_length(from, end);

		if (n == 0 || misleads(code_point((const unsigned char *)from, n))) {
			*to++ = *from == '\n' || *from == '\r' || *from == '\t' ? ' ' : '?';
			from += n ? n : 1;
			continue;
		}
		memmove(to, from, n);
		to += n;
		from += n;
	}
	*to = '\0';
	return s;
}

/* Ends s after at most max bytes, and not inside a character. */
static void cut(char *s, size_t max)
{
	if (strlen(s) <= max)
		return;
	while (max > 0 && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	s[max] = '\0';
}

static void store(char *to, size_t size, char *work)
{
	err_clean(diag_redact(work));
	cut(work, size - 1);
	memcpy(to, work, strlen(work) + 1);
}

bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
	char work[WORK_MAX]; /* not e->msg itself: that may be among the arguments */
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	if (vsnprintf(work, sizeof(work), fmt, ap) < 0)
		work[0] = '\0';
	va_end(ap);
	e->kind = kind;
	e->reason = REASON_NONE;
	e->advice[0] = '\0';
	store(e->msg, sizeof(e->msg), work);
	return false;
}

bool err_advise(struct err *e, enum err_reason reason, const char *fmt, ...)
{
	char work[WORK_MAX];
	va_list ap;

	if (!e)
		return false;
	va_start(ap, fmt);
	if (vsnprintf(work, sizeof(work), fmt, ap) < 0)
		work[0] = '\0';
	va_end(ap);
	e->reason = reason;
	store(e->advice, sizeof(e->advice), work);
	return false;
}

bool err_prefix(struct err *e, const char *fmt, ...)
{
	char work[WORK_MAX];
	va_list ap;
	int n;

	if (!e)
		return false;
	va_start(ap, fmt);
	n = vsnprintf(work, sizeof(work), fmt, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(work))
		return false; /* a prefix without end helps nobody; the message stays as it was */
	snprintf(work + n, sizeof(work) - (size_t)n, ": %s", e->msg);
	store(e->msg, sizeof(e->msg), work);
	return false;
}

bool err_append(struct err *e, const char *fmt, ...)
{
	char work[WORK_MAX];
	va_list ap;
	size_t n;

	if (!e)
		return false;
	n = strlen(e->msg);
	memcpy(work, e->msg, n + 1);
	va_start(ap, fmt);
	if (vsnprintf(work + n, sizeof(work) - n, fmt, ap) < 0)
		work[n] = '\0';
	va_end(ap);
	store(e->msg, sizeof(e->msg), work);
	return false;
}

char *err_join(const struct err *e, char out[ERR_TEXT_MAX])
{
	size_t n = strlen(e->msg);
	bool ended = n && strchr(".?!", e->msg[n - 1]);

	snprintf(out, ERR_TEXT_MAX, "%s%s%s", e->msg,
		!*e->advice || !n ? ""
		: ended           ? " "
				  : ". ",
		e->advice);
	return out;
}
