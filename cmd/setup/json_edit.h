/*
 * Changes single members of a person's JSON file and leaves every other byte
 * as it is: a change replaces a span, in the file's own indentation and line
 * ends, and never prints the document again. Pure: bytes in, bytes out.
 *
 * A document is what merge_check() has passed: JSON, perhaps with comments and
 * trailing commas, which stay. Names are compared with escapes
 * undone; a name that stands twice where it matters is refused, because
 * programs disagree on which of the two counts.
 */
#ifndef MPMCP_JSON_EDIT_H
#define MPMCP_JSON_EDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/message.h"

#define MERGE_MUST __attribute__((warn_unused_result))

/* One JSON object, perhaps after a byte order mark, with comments of JavaScript and trailing commas. A
 * document of nothing but white space and comments gets "{}". On failure e says where and why. */
bool merge_check(struct buf *doc, struct err *e) MERGE_MUST;

/* The document in strict JSON for reading: comments and trailing commas blank, every other byte at its place.
 * False when plain has no room; buf_wipe(plain) either way. */
bool json_plain(const struct buf *doc, struct buf *plain) MERGE_MUST;

/* The value that the path leads to in strict JSON, n names deep; {NULL,0} when there is none. Borrowed. */
struct span merge_get(const struct buf *doc, const char *const *path, size_t n);

/*
 * Makes the path lead to the value: a value that is there is replaced unless it means the same, a
 * member that is not there goes after the last one, objects on the way are made. *changed is set,
 * never cleared. False with e set, and doc as it was, when something on the way is no object or a name
 * stands twice.
 */
bool merge_set(struct buf *doc, const char *const *path, size_t n, const json_t *value,
	bool *changed, struct err *e) MERGE_MUST;

/* Takes the member away, with its comma; fine when it is not there. */
bool merge_unset(struct buf *doc, const char *const *path, size_t n, bool *changed,
	struct err *e) MERGE_MUST;

/* Makes the array `name` of the outermost object hold an object whose member `key` is that of value:
 * one that is there stays as it is, else value goes to the end. */
bool merge_append(struct buf *doc, const char *name, const char *key, const json_t *value,
	bool *changed, struct err *e) MERGE_MUST;

/* Takes the objects whose member `key` is id out of that array, and the array when nothing is left in it. */
bool merge_remove(struct buf *doc, const char *name, const char *key, const char *id, bool *changed,
	struct err *e) MERGE_MUST;

#endif
