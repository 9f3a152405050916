#include "tools/schema.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
	const char *name, *words;
	unsigned bit;
} types[] = {
	{ "string", "text", SCHEMA_STRING },
	{ "integer", "an integer", SCHEMA_INTEGER },
	{ "number", "a number", SCHEMA_NUMBER },
	{ "boolean", "true or false", SCHEMA_BOOLEAN },
	{ "object", "an object", SCHEMA_OBJECT },
	{ "array", "an array", SCHEMA_ARRAY },
	{ "null", "null", SCHEMA_NULL },
};
#define TYPES (sizeof(types) / sizeof(types[0]))

const char *const schema_unions[] = { "anyOf", "oneOf", "allOf" };
#define UNIONS (sizeof(schema_unions) / sizeof(schema_unions[0]))

/* Schemas that are looked at for one question: a server's may refer to itself. */
#define LOOKS_MAX 10000

/* "$ref": "#/$defs/Name", as schemas made from classes have them. */
const json_t *schema_resolve(struct schema *t, const json_t *schema)
{
	for (int i = 0; i < SCHEMA_DEPTH_MAX && t->looks < LOOKS_MAX; i++) {
		const char *ref = json_string_value(json_object_get(schema, "$ref"));
		const json_t *at = t->root;

		t->looks++;
		if (!ref || *ref != '#')
			return schema;
		for (ref += ref[1] == '/' ? 2 : 1; at && *ref; ref += *ref == '/') {
			char *name = mem_ndup(ref, strcspn(ref, "/"));

			ref += strcspn(ref, "/");
			at = name ? json_object_get(at, name) : NULL;
			free(name);
		}
		schema = at;
	}
	return NULL;
}

unsigned schema_type_of(const json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		return SCHEMA_OBJECT;
	case JSON_ARRAY:
		return SCHEMA_ARRAY;
	case JSON_STRING:
		return SCHEMA_STRING;
	case JSON_INTEGER:
		return SCHEMA_INTEGER;
	case JSON_REAL:
		return SCHEMA_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return SCHEMA_BOOLEAN;
	case JSON_NULL:
		break;
	}
	return SCHEMA_NULL;
}

unsigned schema_type_named(const json_t *name)
{
	const char *text = json_string_value(name);

	for (size_t i = 0; text && i < TYPES; i++)
		if (strcmp(types[i].name, text) == 0)
			return types[i].bit;
	return 0;
}

/* All types that a value may have; 0 when the schema does not say. */
static unsigned types_of(struct schema *t, const json_t *schema, int depth)
{
	const json_t *type, *of, *one;
	unsigned found = 0;
	size_t i;

	schema = schema_resolve(t, schema);
	type = json_object_get(schema, "type");
	found = schema_type_named(type);
	json_array_foreach(type, i, one) found |= schema_type_named(one);
	for (size_t u = 0; !found && depth < SCHEMA_DEPTH_MAX && u < UNIONS; u++) {
		of = json_object_get(schema, schema_unions[u]);
		json_array_foreach(of, i, one)
		{
			unsigned more = types_of(t, one, depth + 1);

			if (!more && u < 2)
				return 0; /* one of the choices may be anything */
			found |= more;
		}
	}
	of = json_object_get(schema, "enum");
	if (!found)
		json_array_foreach(of, i, one) found |= schema_type_of(one);
	one = json_object_get(schema, "const");
	return found || !one ? found : schema_type_of(one);
}

/* The member `what` of the schema, or of one of its choices. */
static const json_t *part_of(struct schema *t, const json_t *schema, const char *what, int depth)
{
	const json_t *found;

	schema = schema_resolve(t, schema);
	found = json_object_get(schema, what);
	for (size_t u = 0; !found && depth < SCHEMA_DEPTH_MAX && u < UNIONS; u++) {
		const json_t *of = json_object_get(schema, schema_unions[u]);

		for (size_t i = 0; !found && i < json_array_size(of); i++)
			found = part_of(t, json_array_get(of, i), what, depth + 1);
	}
	return found;
}

unsigned schema_types(struct schema *t, const json_t *schema)
{
	return types_of(t, schema, 0);
}

const json_t *schema_part(struct schema *t, const json_t *schema, const char *what)
{
	return part_of(t, schema, what, 0);
}

static bool add_types(struct buf *b, unsigned may, bool words)
{
	const char *comma = "";

	for (size_t i = 0; i < TYPES; i++) {
		if (!(may & types[i].bit))
			continue;
		if (!buf_addf(b, "%s%s", comma, words ? types[i].words : types[i].name))
			return false;
		comma = " or ";
	}
	return true;
}

bool schema_add_types(struct buf *b, unsigned may)
{
	return add_types(b, may, true);
}

bool schema_add_type_names(struct buf *b, unsigned may)
{
	return add_types(b, may, false);
}

/* A value in a message: text without quotes; malloc'ed. */
char *schema_shown(const json_t *v)
{
	const char *text = json_string_value(v);
	char *out, *json;

	if (text || json_is_object(v) || json_is_array(v))
		return mem_printf("%.60s", text                ? text
					   : json_is_object(v) ? "an object"
							       : "an array");
	if (json_is_number(v))
		return mem_printf("%.15g", json_number_value(v)); /* see arguments_fit() */
	json = json_dumps(v, JSON_ENCODE_ANY);
	out = mem_printf("%.60s", json ? json : "");
	free(json);
	return out;
}
