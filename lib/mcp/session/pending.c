#include "mcp/session/pending.h"

#include <stdlib.h>

#include "base/mem.h"

#define BUCKETS_FIRST 64

void pending_init(struct pending *t)
{
	*t = (struct pending){ .nbuckets = BUCKETS_FIRST };
	t->buckets = mem_new(BUCKETS_FIRST * sizeof(struct pending_call *));
}

void pending_clear(struct pending *t)
{
	free(t->buckets);
	*t = (struct pending){ 0 };
}

static struct pending_call **bucket(const struct pending *t, size_t hash)
{
	return &t->buckets[hash & (t->nbuckets - 1)];
}

static void grow(struct pending *t)
{
	struct pending bigger = { .nbuckets = 2 * t->nbuckets, .count = t->count };

	bigger.buckets = mem_new(bigger.nbuckets * sizeof(struct pending_call *));
	for (size_t i = 0; i < t->nbuckets; i++) {
		for (struct pending_call *c = t->buckets[i], *next; c; c = next) {
			struct pending_call **b = bucket(&bigger, c->hash);

			next = c->next;
			c->next = *b;
			*b = c;
		}
	}
	free(t->buckets);
	*t = bigger;
}

void pending_add(struct pending *t, struct pending_call *c, struct span id)
{
	struct pending_call **b;

	if (t->count >= t->nbuckets)
		grow(t);
	c->id = id;
	c->hash = message_id_hash(id);
	b = bucket(t, c->hash);
	c->next = *b;
	*b = c;
	c->listed = true;
	t->count++;
}

void pending_remove(struct pending *t, struct pending_call *c)
{
	struct pending_call **at;

	if (!c->listed)
		return;
	for (at = bucket(t, c->hash); *at != c;)
		at = &(*at)->next;
	*at = c->next;
	c->listed = false;
	t->count--;
}

static struct pending_call *find(
	const struct pending *t, struct span id, bool (*same)(struct span a, struct span b))
{
	size_t hash = message_id_hash(id);
	struct pending_call *c;

	for (c = *bucket(t, hash); c; c = c->next)
		if (c->hash == hash && same(c->id, id))
			return c;
	return NULL;
}

struct pending_call *pending_find(const struct pending *t, struct span id)
{
	return id.p ? find(t, id, message_id_equal) : NULL;
}

struct pending_call *pending_find_alike(const struct pending *t, struct span id)
{
	return id.p ? find(t, id, message_id_alike) : NULL;
}

void pending_each(const struct pending *t, void (*fn)(void *ctx, struct span id), void *ctx)
{
	for (size_t i = 0; i < t->nbuckets; i++)
		for (struct pending_call *c = t->buckets[i]; c; c = c->next)
			fn(ctx, c->id);
}
