/*
 * What a JSON schema says of a value, as far as people need it to type arguments: references inside the
 * document and choices (anyOf, oneOf, allOf) are followed.
 */
#ifndef MPMCP_SCHEMA_H
#define MPMCP_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

enum {
	SCHEMA_STRING = 1 << 0,
	SCHEMA_INTEGER = 1 << 1,
	SCHEMA_NUMBER = 1 << 2,
	SCHEMA_BOOLEAN = 1 << 3,
	SCHEMA_OBJECT = 1 << 4,
	SCHEMA_ARRAY = 1 << 5,
	SCHEMA_NULL = 1 << 6,
};

/* Schemas inside each other that are looked at: a server's may refer to itself. */
#define SCHEMA_DEPTH_MAX 16

/* A document, and how often it was looked at: set looks to 0 before each question. */
struct schema {
	const json_t *root;
	int looks;
};

extern const char *const schema_unions[]; /* "anyOf", "oneOf", "allOf" */

/* The schema itself, or what its "$ref" means. */
const json_t *schema_resolve(struct schema *t, const json_t *schema);

/* All types that a value may have (bits); 0 when the schema does not say. */
unsigned schema_types(struct schema *t, const json_t *schema);

/* The member `what` of the schema, or of one of its choices; NULL when there is none. */
const json_t *schema_part(struct schema *t, const json_t *schema, const char *what);

unsigned schema_type_of(const json_t *value);
unsigned schema_type_named(const json_t *name); /* 0: no type has this name */

/* "an integer or null"; and "integer or null" */
bool schema_add_types(struct buf *b, unsigned types) BUF_MUST;
bool schema_add_type_names(struct buf *b, unsigned types) BUF_MUST;

/* A value in a text for people: a string without quotes, the beginning of what is long; malloc'ed. */
char *schema_shown(const json_t *value);

#endif
