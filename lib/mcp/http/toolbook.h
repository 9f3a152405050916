/*
 * Which parameters of a server's tools are repeated in header fields: the
 * x-mcp-header annotations of its latest tools/list (MCP 2026-07-28,
 * Streamable HTTP, Custom Headers from Tool Parameters).
 */
#ifndef MPMCP_TOOLBOOK_H
#define MPMCP_TOOLBOOK_H

#include <stdbool.h>

#include "base/err.h"
#include "mcp/json/message.h"
#include "net/http.h"

/* More tools or parameters with annotations than any server has; a list with more is not kept. */
#define TOOLBOOK_TOOLS_MAX 4096
#define TOOLBOOK_PARAMS_MAX 64

struct toolbook;

struct toolbook *toolbook_new(void);
void toolbook_free(struct toolbook *b); /* NULL is fine */

/*
 * Reads one tool definition and remembers its annotations in place of earlier ones of that name.
 * False when they break the rules, with why in words: such a tool must not reach the client.
 */
bool toolbook_learn(struct toolbook *b, struct span tool, const char **why)
	__attribute__((warn_unused_result));

/* Adds Mcp-Param-* for a call with these params. False with e set when a value cannot be a field. */
bool toolbook_fields(const struct toolbook *b, struct span params, struct http_fields **f,
	struct err *e) __attribute__((warn_unused_result));

#endif
