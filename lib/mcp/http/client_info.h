/*
 * What a client says about itself (Implementation in MCP: clientInfo of
 * initialize, or of _meta since 2026-07-28), and what follows from it: how it
 * is named to the server, and how long it waits.
 */
#ifndef MPMCP_CLIENT_INFO_H
#define MPMCP_CLIENT_INFO_H

#include <stdint.h>

#include "mcp/json/message.h"

/* Of name and version: longer ones than any client has. */
#define CLIENT_INFO_WORD_MAX 64

struct client_info {
	/* "mpmcp/VERSION (name/version)", a value of User-Agent (RFC 9110 section 10.1.5). Characters
	 * that a token does not have become "-". Without a name: "mpmcp/VERSION". */
	char agent[sizeof("mpmcp/" MPMCP_VERSION " (/)") + 2 * CLIENT_INFO_WORD_MAX];
	/* How long the client may be left without an answer while a person signs in: a little less than
	 * it waits. 0: it waits for minutes, longer than a sign-in lasts. */
	int64_t patience_ms;
	int64_t opening_ms; /* for initialize and server/discover */
};

/* info: the object; anything else is a client that does not say. */
void client_info_read(struct span info, struct client_info *out);

#endif
