#include "mcp/json/error_reply.h"

#include <string.h>

static const long codes[] = {
	[ERR_NONE] = ERROR_REPLY_SERVER,
	[ERR_USAGE] = ERROR_REPLY_LOCAL,
	[ERR_IO] = ERROR_REPLY_LOCAL,
	[ERR_NET] = ERROR_REPLY_UNREACHABLE,
	[ERR_PROTO] = ERROR_REPLY_SERVER,
	[ERR_AUTH] = ERROR_REPLY_AUTH,
	[ERR_FORBIDDEN] = ERROR_REPLY_FORBIDDEN,
	[ERR_NOT_FOUND] = ERROR_REPLY_NOT_FOUND,
	[ERR_RATE] = ERROR_REPLY_RATE,
	[ERR_SERVER] = ERROR_REPLY_SERVER,
	[ERR_LIMIT] = ERROR_REPLY_LOCAL,
	[ERR_POLICY] = ERROR_REPLY_POLICY,
	[ERR_CANCELLED] = ERROR_REPLY_LOCAL,
};
_Static_assert(sizeof(codes) / sizeof(codes[0]) == ERR_KINDS, "a code for each kind of failure");

static const char *const hints[ERR_KINDS] = {
	[ERR_NET] = "mpmcp doctor",
	[ERR_AUTH] = "mpmcp login",
	[ERR_FORBIDDEN] = "mpmcp doctor",
	[ERR_NOT_FOUND] = "mpmcp doctor",
	[ERR_PROTO] = "mpmcp doctor",
	[ERR_SERVER] = "mpmcp doctor",
};

/* Room for a message and a URL, both escaped at their worst. */
#define DATA_MAX 65536

long error_reply_code(enum err_kind kind)
{
	return codes[kind];
}

bool reply_is_own(long code)
{
	for (size_t i = 0; i < ERR_KINDS; i++)
		if (codes[i] == code)
			return true;
	return false;
}

enum err_kind error_reply_kind(long code)
{
	switch (code) {
	case ERROR_REPLY_AUTH:
		return ERR_AUTH;
	case ERROR_REPLY_FORBIDDEN:
		return ERR_FORBIDDEN;
	case ERROR_REPLY_NOT_FOUND:
		return ERR_NOT_FOUND;
	case ERROR_REPLY_RATE:
		return ERR_RATE;
	case ERROR_REPLY_UNREACHABLE:
		return ERR_NET;
	case ERROR_REPLY_POLICY:
		return ERR_POLICY;
	case ERROR_REPLY_LOCAL:
		return ERR_LIMIT;
	default:
		return ERR_SERVER;
	}
}

/* A credential that was given is no matter of signing in. */
static const char *hint_of(const struct err *e)
{
	bool other = e->kind == ERR_AUTH && e->reason != REASON_SIGN_IN &&
		     e->reason != REASON_SCOPE_MISSING;

	return hints[other ? ERR_SERVER : e->kind];
}

static bool add_text(struct buf *b, const char **comma, const char *name, const char *text)
{
	bool good =
		!text || !*text ||
		(buf_addf(b, "%s\"%s\":", *comma, name) && message_quote(b, text, strlen(text)));

	if (text && *text)
		*comma = ",";
	return good;
}

static bool add_data(struct buf *b, const struct err *e, const struct error_reply_data *d)
{
	const char *comma = "";
	bool good = buf_addc(b, '{');

	if (d && d->status) {
		good = good && buf_addf(b, "\"httpStatus\":%ld", d->status);
		comma = ",";
	}
	if (d && d->retry_after_s >= 0) {
		good = good && buf_addf(b, "%s\"retryAfter\":%ld", comma, d->retry_after_s);
		comma = ",";
	}
	good = good && add_text(b, &comma, "url", d ? d->url : NULL) &&
	       add_text(b, &comma, "hint", hint_of(e)) &&
	       add_text(b, &comma, "reason", err_reason_name(e->reason)) &&
	       add_text(b, &comma, "advice", e->advice);
	return good && buf_addc(b, '}');
}

bool error_reply(
	struct buf *out, struct span id, const struct err *e, const struct error_reply_data *d)
{
	struct buf data;
	bool good;

	buf_init(&data, DATA_MAX);
	good = add_data(&data, e, d) && message_error(out, id, error_reply_code(e->kind),
						err_text(e), data.len > 2 ? data.p : NULL);
	buf_free(&data);
	return good;
}
