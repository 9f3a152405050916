/*
 * Header fields that repeat parts of a message's body, as the Streamable HTTP
 * transport of MCP 2026-07-28 wants them (Request Metadata): intermediaries
 * read these without parsing the body.
 */
#ifndef MPMCP_MIRROR_H
#define MPMCP_MIRROR_H

#include <stdbool.h>

#include "base/err.h"
#include "mcp/envelope.h"
#include "mcp/toolbook.h"
#include "net/http.h"

/* Longest value that is mirrored; resource URIs are the long ones. Servers refuse more header
 * anyway. */
#define MIRROR_VALUE_MAX 8192

/* A request or notification of 2026-07-28 or later: it names its revision in params._meta. */
bool mirror_is_modern(const struct envelope *m);

/* Adds MCP-Protocol-Version, Mcp-Method and, for tools/call, prompts/get and resources/read, Mcp-Name;
 * for tools/call Mcp-Param-* as b (NULL: nothing is known) says. False with e set when one of them
 * cannot be a field value. */
bool mirror_fields(const struct envelope *m, const struct toolbook *b, struct http_fields **f,
	struct err *e) __attribute__((warn_unused_result));

/* Value Encoding: as it is, or "=?base64?...?=" when it holds anything but visible ASCII, blanks and tabs,
 * begins or ends with one of those, or looks encoded already. Appended to out. */
bool mirror_encode(struct buf *out, const char *p, size_t n) BUF_MUST;

#endif
