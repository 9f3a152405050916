/*
 * Changes to a message that touch only the spans they must: pieces to cut out
 * and texts to put in, noted while the message is read and carried out in one
 * go. Everything between them stays byte for byte.
 */
#ifndef MPMCP_EDIT_H
#define MPMCP_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "mcp/json/message.h"

/* The most changes to one message: a translation between revisions makes six. */
#define EDITS_MAX 12

struct edit {
	const char *at;  /* where, inside the text */
	size_t cut;      /* bytes that go */
	struct span put; /* what comes in their place; borrowed until the edits are carried out */
};

/* Zeroed at first. Kept in the order of `at`. */
struct edits {
	struct edit e[EDITS_MAX];
	size_t n;
	bool overflow; /* more than EDITS_MAX were noted: edit_apply() and edit_parts() refuse */
};

/* Notes a change. Spans of one message must not overlap; two texts put at the same place stand in
 * the order in which they were noted. */
void edit_replace(struct edits *s, struct span old, struct span put);
void edit_cut(struct edits *s, struct span old);
void edit_put(struct edits *s, const char *at, const char *text); /* NUL-terminated */

/*
 * Cuts the members of these names (a list that NULL ends; escapes in keys are undone) out of an
 * object, with the commas that go with them, and puts members (raw text, no comma at its ends; p
 * NULL: none) in front of what is left. Returns how many members are left, those put not counted.
 */
size_t edit_object(
	struct edits *s, struct span object, const char *const *names, struct span members);

/* Appends the changed text to out. False when out is full. */
bool edit_apply(const struct edits *s, struct span text, struct buf *out) BUF_MUST;

/* The changed text as pieces; the last one is what stands after the last change. At most
 * EDIT_PARTS; 0 when there were too many changes. */
#define EDIT_PARTS (2 * EDITS_MAX + 1)
size_t edit_parts(const struct edits *s, struct span text, struct span out[EDIT_PARTS]);

#endif
