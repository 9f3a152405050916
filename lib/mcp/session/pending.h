/*
 * Requests that are owed an answer, found by JSON-RPC id. Intrusive: the
 * caller embeds struct pending_call and keeps the id's bytes alive.
 */
#ifndef MPMCP_PENDING_H
#define MPMCP_PENDING_H

#include <stdbool.h>
#include <stddef.h>

#include "mcp/json/message.h"

struct pending_call {
	struct pending_call *next; /* private: same bucket */
	size_t hash;               /* private */
	struct span id;            /* raw */
	bool listed;               /* in a table */
};

struct pending {
	struct pending_call **buckets;
	size_t nbuckets; /* a power of two */
	size_t count;
};

void pending_init(struct pending *t);
void pending_clear(struct pending *t); /* forgets all; the calls are the caller's */

void pending_add(
	struct pending *t, struct pending_call *c, struct span id); /* id must not be in it */
void pending_remove(struct pending *t, struct pending_call *c);     /* fine when not listed */
struct pending_call *pending_find(const struct pending *t, struct span id); /* NULL when none */
/* One whose id is at least alike (message_id_alike()). */
struct pending_call *pending_find_alike(const struct pending *t, struct span id);

/* fn for each, in any order; it must not change the table. */
void pending_each(const struct pending *t, void (*fn)(void *ctx, struct span id), void *ctx);

#endif
