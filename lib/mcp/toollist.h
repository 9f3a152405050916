/*
 * The answer to tools/list with some of the tools left out; everything else of
 * the message byte for byte.
 */
#ifndef MPMCP_TOOLLIST_H
#define MPMCP_TOOLLIST_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/envelope.h"

/* Pages of one list: more than any server has; a server that never ends is left. */
#define TOOLLIST_PAGES_MAX 200

/* Tools in one message: more than any server has. Nothing else goes on while they are looked at. */
#define TOOLLIST_TOOLS_MAX 16384

enum toollist {
	TOOLLIST_AS_IS,      /* nothing to leave out: out is empty */
	TOOLLIST_FILTERED,   /* out holds the message that is left */
	TOOLLIST_UNREADABLE, /* "tools" is no list, there twice, or too long; e says so */
};

typedef bool toollist_fn(void *ctx, struct span tool); /* false: leave it out */

enum toollist toollist_filter(const struct envelope *m, toollist_fn *keep, void *ctx,
	struct buf *out, struct err *e) __attribute__((warn_unused_result));

#endif
