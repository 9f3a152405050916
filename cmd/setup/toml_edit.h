/*
 * Changes one table of a person's TOML file and leaves every other byte as it
 * is. Reads as much of TOML 1.0 as it takes to know where statements begin and
 * end; what it cannot be sure of is refused. Pure: bytes in, bytes out.
 */
#ifndef MPMCP_TOML_EDIT_H
#define MPMCP_TOML_EDIT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define TOML_EDIT_MUST __attribute__((warn_unused_result))

/* Names in a dotted key that are told apart, and bytes of each; longer ones match nothing of ours. */
#define TOML_EDIT_PARTS 3
#define TOML_EDIT_PART_MAX 64

enum toml_edit_kind { TOML_EDIT_TABLE, TOML_EDIT_TABLE_ARRAY, TOML_EDIT_PAIR, TOML_EDIT_NOTHING };

/* One statement: a [header], a key = value, or a line with neither. Offsets into the text. */
struct toml_edit_statement {
	enum toml_edit_kind kind;
	size_t start, end;       /* whole lines, the line break included */
	size_t value, value_end; /* of a pair */
	size_t parts;            /* names in the key */
	char part[TOML_EDIT_PARTS][TOML_EDIT_PART_MAX];
};

struct toml_edit {
	const char *p;
	size_t n, at;
	const char *why; /* static, after a false with at < n */
};

/* The next statement from t->at; false at the end (t->why NULL) or where the text is not TOML. */
bool toml_edit_next(struct toml_edit *t, struct toml_edit_statement *s) TOML_EDIT_MUST;

/* A key of the table and what it is to say. */
struct toml_edit_pair {
	const char *key;
	const char *value; /* TOML; NULL: the key goes away */
};

/* What [a.b] holds now, for a look before the change. */
struct toml_edit_found {
	bool there;
	struct buf command, args; /* raw values, or empty */
};
void toml_edit_found_clear(struct toml_edit_found *f);

/* False with e set when the text is not TOML or defines a.b in a form that is not edited here (inline,
 * dotted, an array of tables). */
bool toml_edit_find(const struct buf *doc, const char *a, const char *b, struct toml_edit_found *f,
	struct err *e) TOML_EDIT_MUST;

/*
 * Makes [a.b] say the pairs: values are replaced where they stand, new keys go after the header, a
 * table that is not there goes to the end. With `whole` nothing else of the table or of those below it
 * stays. *changed is set, never cleared. toml_edit_find() must have passed.
 */
bool toml_edit_set(struct buf *doc, const char *a, const char *b,
	const struct toml_edit_pair *pairs, size_t npairs, bool whole, bool *changed,
	struct err *e) TOML_EDIT_MUST;

/* Takes [a.b] and the tables below it out, with the comments inside; one that follows the last key belongs
 * to what comes next, and stays. Fine when it is not there. toml_edit_find() must have passed. */
bool toml_edit_unset(
	struct buf *doc, const char *a, const char *b, bool *changed, struct err *e) TOML_EDIT_MUST;

/* A value as JSON: what has no like there (dates, odd numbers) as its text. NULL when it is none. */
json_t *toml_edit_value(const char *p, size_t n) TOML_EDIT_MUST;
/* The tables [a.NAME] as an object of objects, tables below them inside. As much as can be read. */
json_t *toml_edit_tables(const struct buf *doc, const char *a) TOML_EDIT_MUST;

/* Appends s as a basic string. */
bool toml_edit_quote(struct buf *out, const char *s) BUF_MUST;

#endif
