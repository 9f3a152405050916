/*
 * Changes one table of a person's TOML file and leaves every other byte as it
 * is. Reads as much of TOML 1.0 as it takes to know where statements begin and
 * end; what it cannot be sure of is refused. Pure: bytes in, bytes out.
 */
#ifndef MPMCP_TOML_H
#define MPMCP_TOML_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define TOML_MUST __attribute__((warn_unused_result))

/* Names in a dotted key that are told apart, and bytes of each; longer ones match nothing of ours. */
#define TOML_PARTS 3
#define TOML_PART_MAX 64

enum toml_kind { TOML_TABLE, TOML_TABLE_ARRAY, TOML_PAIR, TOML_NOTHING };

/* One statement: a [header], a key = value, or a line with neither. Offsets into the text. */
struct toml_statement {
	enum toml_kind kind;
	size_t start, end;       /* whole lines, the line break included */
	size_t value, value_end; /* of a pair */
	size_t parts;            /* names in the key */
	char part[TOML_PARTS][TOML_PART_MAX];
};

struct toml {
	const char *p;
	size_t n, at;
	const char *why; /* static, after a false with at < n */
};

/* The next statement from t->at; false at the end (t->why NULL) or where the text is not TOML. */
bool toml_next(struct toml *t, struct toml_statement *s) TOML_MUST;

/* A key of the table and what it is to say. */
struct toml_pair {
	const char *key;
	const char *value; /* TOML; NULL: the key goes away */
};

/* What [a.b] holds now, for a look before the change. */
struct toml_found {
	bool there;
	struct buf command, args; /* raw values, or empty */
};
void toml_found_clear(struct toml_found *f);

/* False with e set when the text is not TOML or defines a.b in a form that is not edited here (inline,
 * dotted, an array of tables). */
bool toml_find(const struct buf *doc, const char *a, const char *b, struct toml_found *f,
	struct err *e) TOML_MUST;

/*
 * Makes [a.b] say the pairs: values are replaced where they stand, new keys go behind the header, a
 * table that is not there goes to the end. With `whole` nothing else of the table or of those below it
 * stays. *changed is set, never cleared. toml_find() must have passed.
 */
bool toml_set(struct buf *doc, const char *a, const char *b, const struct toml_pair *pairs,
	size_t npairs, bool whole, bool *changed, struct err *e) TOML_MUST;

/* Takes [a.b] and the tables below it out, with the comments inside; one that follows the last key belongs
 * to what comes next, and stays. Fine when it is not there. toml_find() must have passed. */
bool toml_unset(
	struct buf *doc, const char *a, const char *b, bool *changed, struct err *e) TOML_MUST;

/* A value as JSON: what has no like there (dates, odd numbers) as its text. NULL when it is none. */
json_t *toml_value(const char *p, size_t n) TOML_MUST;
/* The tables [a.NAME] as an object of objects, tables below them inside. As much as can be read. */
json_t *toml_tables(const struct buf *doc, const char *a) TOML_MUST;

/* Appends s as a basic string. */
bool toml_quote(struct buf *out, const char *s) BUF_MUST;

#endif
