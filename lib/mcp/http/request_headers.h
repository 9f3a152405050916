/*
 * Header fields that repeat parts of a message's body, as the Streamable HTTP
 * transport of MCP 2026-07-28 wants them (Request Metadata): intermediaries
 * read these without parsing the body.
 */
#ifndef MPMCP_REQUEST_HEADERS_H
#define MPMCP_REQUEST_HEADERS_H

#include <stdbool.h>

#include "base/err.h"
#include "mcp/json/message.h"
#include "mcp/http/toolbook.h"
#include "net/http.h"

/* Longest value that is mirrored; resource URIs are the long ones. Servers refuse more header
 * anyway. */
#define REQUEST_HEADERS_VALUE_MAX 8192

/* Adds MCP-Protocol-Version, Mcp-Method and, for tools/call, prompts/get and resources/read, Mcp-Name;
 * for tools/call Mcp-Param-* as b (NULL: nothing is known) says. False with e set when one of them
 * cannot be a field value. */
bool request_headers_fields(const struct message *m, const struct toolbook *b,
	struct http_fields **f, struct err *e) __attribute__((warn_unused_result));

/* Value Encoding: as it is, or "=?base64?...?=" when it holds anything but visible ASCII, blanks and tabs,
 * begins or ends with one of those, or looks encoded already. Appended to out. */
bool request_headers_encode(struct buf *out, const char *p, size_t n) BUF_MUST;

#endif
