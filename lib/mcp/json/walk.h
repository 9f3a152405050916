/*
 * Reads members of JSON text that message_scan() has passed, on demand and
 * without a tree. Given any other bytes it stays inside them and finds
 * nothing, or something; it never reads beyond the span.
 */
#ifndef MPMCP_WALK_H
#define MPMCP_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "mcp/json/message.h"

struct walk {
	const char *p, *end; /* where the next member or element starts */
	bool object;
};

struct walk_item {
	struct span key;   /* between the quotes; {NULL,0} for array elements */
	bool key_escaped;  /* key holds a backslash */
	struct span value; /* raw text */
	const char *start; /* first byte of the item: the key's quote, or the value */
};

/* Starts over the members of an object or the elements of an array; false for anything else. */
bool walk_open(struct walk *w, struct span v);
/* The next one; false at the end. */
bool walk_next(struct walk *w, struct walk_item *it);

/* The item's key is this name, escapes undone. */
bool walk_key_is(const struct walk_item *it, const char *name);

/*
 * The value of a member of an object. *count (may be NULL) gets how many members
 * have that name; the last one is returned, as JavaScript and Python do.
 * {NULL,0} when v is not an object or has none.
 */
struct span walk_get(struct span v, const char *name, unsigned *count);
/* The same down a path: walk_path(v, "params", "_meta", NULL). */
struct span walk_path(struct span v, ...) __attribute__((sentinel));

/*
 * Every string in the text of v, at whatever depth, in the order of the text: a member's name has the
 * key, and as value all that follows the colon (walk_first() is the member's own); any other string
 * has no key and is the value. One pass, whatever the nesting. Text that is not JSON is read the same.
 */
void walk_strings(struct walk *w, struct span v);
bool walk_strings_next(struct walk *w, struct walk_item *it);
/* The one value that this text begins with. */
struct span walk_first(struct span text);

enum walk_type {
	WALK_NONE,
	WALK_OBJECT,
	WALK_ARRAY,
	WALK_STRING,
	WALK_NUMBER,
	WALK_TRUE,
	WALK_FALSE,
	WALK_NULL
};
enum walk_type walk_type(struct span v);

/* Appends the text of a raw JSON string (quotes included), escapes undone; lone surrogates become
 * U+FFFD, \u0000 a NUL byte. False when v is no string or out is full. */
bool walk_string(struct span v, struct buf *out) BUF_MUST;
/* v is a string and means this text, escapes undone. */
bool walk_string_is(struct span v, const char *text);
/* v is an integer number that fits; leaves *out alone otherwise. */
bool walk_integer(struct span v, long long *out);
/* v is the literal true. */
bool walk_true(struct span v);

#endif
