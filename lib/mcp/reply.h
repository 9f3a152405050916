/*
 * Error answers that the bridge itself gives: one shape for all. JSON-RPC 2.0
 * section 5.1; codes outside the reserved range.
 */
#ifndef MPMCP_REPLY_H
#define MPMCP_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/envelope.h"

enum {
	REPLY_AUTH = -31401, /* sign-in needed, or the credential was refused */
	REPLY_FORBIDDEN = -31403,
	REPLY_NOT_FOUND = -31404,
	REPLY_RATE = -31429,
	REPLY_SERVER = -31500, /* the server failed, or broke the protocol */
	REPLY_UNREACHABLE = -31503,
	REPLY_POLICY = -31600,
	REPLY_LOCAL = -31000, /* this program: its arguments, files, limits */
};

long reply_code(enum err_kind kind);
bool reply_is_own(long code); /* one of the above */
/* The other way round; ERR_SERVER for codes that are not ours. */
enum err_kind reply_kind(long code);

struct reply_data {
	long status;        /* HTTP status; 0: none */
	long retry_after_s; /* -1: none */
	const char *url;    /* NULL: none */
};

/* Appends the error response for id ({NULL,0}: null), without a line break. d may be NULL. */
bool reply_error(
	struct buf *out, struct span id, const struct err *e, const struct reply_data *d) BUF_MUST;

#endif
