/*
 * The tools of a server, kept for some minutes in the token folder (0600), so that a call need not ask for them: for one
 * endpoint, one credential and the same header fields. As the server gave them, without rules of the
 * person: those are for who reads. What cannot be kept or read is asked for again.
 */
#ifndef MPMCP_TOOLS_CACHE_H
#define MPMCP_TOOLS_CACHE_H

#include <jansson.h>

#include "context.h"

/* After context_credential(). How old it may be: completion takes what there is. */
enum tools_cache_age { TOOLS_CACHE_FRESH, TOOLS_CACHE_ANY };

/* An array that the caller frees; NULL when there is none. */
json_t *tools_cache_read(struct context *c, enum tools_cache_age age);

/* Keeps them, unless they are too long, or the server wants header fields that the bridge learns from the
 * list itself ("x-mcp-header"). */
void tools_cache_write(struct context *c, const json_t *tools);

/* They are not so any more. */
void tools_cache_drop(struct context *c);

#endif
