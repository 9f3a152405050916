/*
 * The answer to tools/list with some of the tools left out; everything else of
 * the message byte for byte.
 */
#ifndef MPMCP_TOOLS_LIST_H
#define MPMCP_TOOLS_LIST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/message.h"

/* Pages of one list: more than any server has; a server that never ends is left. */
#define TOOLS_LIST_PAGES_MAX 200

/* Tools in one message: more than any server has. Nothing else goes on while they are looked at. */
#define TOOLS_LIST_TOOLS_MAX 16384

enum tools_list {
	TOOLS_LIST_AS_IS,      /* nothing to leave out: out is empty */
	TOOLS_LIST_FILTERED,   /* out holds the message that is left */
	TOOLS_LIST_UNREADABLE, /* "tools" is no list, there twice, or too long; e says so */
};

typedef bool tools_list_fn(void *ctx, struct span tool); /* false: leave it out */

enum tools_list tools_list_filter(const struct message *m, tools_list_fn *keep, void *ctx,
	struct buf *out, struct err *e) __attribute__((warn_unused_result));

#endif
