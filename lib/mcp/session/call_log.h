/*
 * --log-calls: one line of JSON for each tools/call of the client: when, which client, tool and project, how
 * long, how it ended, how long the answer was. Never arguments or results, which may hold anybody's data. The file is
 * 0600 and has at most CALL_LOG_MAX bytes; then it becomes FILE.1 in place of the one before. Several
 * bridges may write the same file.
 */
#ifndef MPMCP_CALL_LOG_H
#define MPMCP_CALL_LOG_H

#include <stddef.h>

#include "base/err.h"
#include "mcp/json/message.h"

/* Some 50,000 calls. */
#define CALL_LOG_MAX ((int64_t)10 << 20)

struct call_log;

/* The file must be a regular one of this user that nobody else can write; a link is refused. NULL with e set. */
struct call_log *call_log_open(const char *path, struct err *e) __attribute__((warn_unused_result));
void call_log_close(struct call_log *l); /* NULL is fine */

/* l NULL: nothing is done. A request of the client, whatever its method; agent: as in client_info.h. */
void call_log_begins(struct call_log *l, const struct message *m, const char *agent);

enum call_log_end {
	CALL_LOG_OK,
	CALL_LOG_TOOL_ERROR, /* the result says that the tool failed */
	CALL_LOG_ERROR,      /* a JSON-RPC error of the server */
	CALL_LOG_FAILED,     /* an error of ours: unreachable, sign-in needed, ... */
	CALL_LOG_BLOCKED,    /* a rule of the person */
	CALL_LOG_CANCELLED,  /* by the client */
};
/* The answer to the request with this id; bytes: of the message that answers it. Fine when that was no tools/call. */
void call_log_ends(struct call_log *l, struct span id, enum call_log_end end, size_t bytes);
/* The same by the server's answer. */
void call_log_answered(struct call_log *l, struct span id, const struct message *m);
void call_log_answered_by(
	struct call_log *l, struct span id, struct span text); /* its text alone */

#endif
