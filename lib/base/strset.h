/*
 * A set of strings, kept sorted. Looking one up takes a dozen comparisons
 * whatever the strings are: a peer that chooses them can make no hash collide.
 */
#ifndef MPMCP_STRSET_H
#define MPMCP_STRSET_H

#include <stdbool.h>
#include <stddef.h>

struct strset {      /* zero: empty */
	char **item; /* owned, in the order of strcmp() */
	size_t n;
};

bool strset_has(const struct strset *s, const char *text);
/* Nothing happens when it is there already. False when that would make more than max. */
bool strset_add(struct strset *s, const char *text, size_t max);
void strset_remove(struct strset *s, const char *text);
void strset_clear(struct strset *s); /* to the empty set */

#endif
