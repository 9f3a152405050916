/*
 * Error answers that the bridge itself gives: one shape for all. JSON-RPC 2.0
 * section 5.1; codes outside the reserved range.
 */
#ifndef MPMCP_ERROR_REPLY_H
#define MPMCP_ERROR_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/message.h"

enum {
	ERROR_REPLY_AUTH = -31401, /* sign-in needed, or the credential was refused */
	ERROR_REPLY_FORBIDDEN = -31403,
	ERROR_REPLY_NOT_FOUND = -31404,
	ERROR_REPLY_RATE = -31429,
	ERROR_REPLY_SERVER = -31500, /* the server failed, or broke the protocol */
	ERROR_REPLY_UNREACHABLE = -31503,
	ERROR_REPLY_POLICY = -31600,
	ERROR_REPLY_LOCAL = -31000, /* this program: its arguments, files, limits */
};

long error_reply_code(enum err_kind kind);
bool reply_is_own(long code); /* one of the above */
/* The other way round; ERR_SERVER for codes that are not ours. */
enum err_kind error_reply_kind(long code);

struct error_reply_data {
	long status;        /* HTTP status; 0: none */
	long retry_after_s; /* -1: none */
	const char *url;    /* NULL: none */
};

/* Appends the error response for id ({NULL,0}: null), without a line break. d may be NULL. */
bool error_reply(struct buf *out, struct span id, const struct err *e,
	const struct error_reply_data *d) BUF_MUST;

#endif
