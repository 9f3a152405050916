#include "mcp/http/toolbook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "mcp/http/request_headers.h"
#include "mcp/json/walk.h"

/* Names of tools, properties and fields; longer ones would not fit a header anyway. */
#define NAME_MAX_LEN 512

/* Steps of `properties` from the root of a schema to a parameter. */
#define DEPTH_MAX 32

/* Levels of schemas that are looked at. Each is read again for the one above it, so without a bound a
 * deep and long definition takes minutes; no parameter lies below DEPTH_MAX steps. */
#define LEVELS_MAX (3 * DEPTH_MAX)

static const char annotation[] = "x-mcp-header";

/* One annotated parameter. */
struct param {
	char *field;           /* "Mcp-Param-..." */
	char *path[DEPTH_MAX]; /* names of properties from the root on */
	size_t depth;
	bool integer;
};

struct tool {
	char *name;
	struct param *params;
	size_t nparams;
};

struct toolbook {
	struct tool *tools; /* only those with annotations; sorted by name */
	size_t n;
};

struct toolbook *toolbook_new(void)
{
	return mem_new(sizeof(struct toolbook));
}

static void clear_tool(struct tool *t)
{
	for (size_t i = 0; i < t->nparams; i++) {
		for (size_t k = 0; k < t->params[i].depth; k++)
			free(t->params[i].path[k]);
		free(t->params[i].field);
	}
	free(t->params);
	free(t->name);
	*t = (struct tool){ 0 };
}

void toolbook_free(struct toolbook *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->n; i++)
		clear_tool(&b->tools[i]);
	free(b->tools);
	free(b);
}

/* The text of a JSON string; NULL when it is none, too long, or holds a NUL. */
static char *text_of(struct span v)
{
	struct buf b;
	char *text = NULL;

	buf_init(&b, NAME_MAX_LEN);
	if (walk_string(v, &b) && !(b.len && memchr(b.p, 0, b.len)))
		text = mem_dup(buf_str(&b));
	buf_free(&b);
	return text;
}

/* ---- reading a definition ---- */

struct reader {
	struct tool *tool;
	const char *why;
	struct span path[DEPTH_MAX]; /* quoted names */
	size_t depth, level;
};

static bool refuse(struct reader *r, const char *why)
{
	r->why = why;
	return false;
}

static bool is_primitive(struct span type)
{
	return walk_string_is(type, "string") || walk_string_is(type, "integer") ||
	       walk_string_is(type, "boolean");
}

/* "type": one of the three, or a list of those and null (null is left out of the header). */
static bool has_primitive_type(struct span schema, bool *integer)
{
	struct span type = walk_get(schema, "type", NULL);
	struct walk_item it;
	struct walk w;
	size_t n = 0;

	*integer = walk_string_is(type, "integer");
	if (walk_type(type) == WALK_STRING)
		return is_primitive(type);
	if (walk_type(type) != WALK_ARRAY || !walk_open(&w, type))
		return false;
	while (walk_next(&w, &it)) {
		if (walk_string_is(it.value, "null"))
			continue;
		if (!is_primitive(it.value))
			return false;
		*integer = *integer || walk_string_is(it.value, "integer");
		n++;
	}
	return n > 0;
}

static bool is_token(const char *s)
{
	return *s && s[strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
				 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == 0;
}

static bool add_param(struct reader *r, const char *name, bool integer)
{
	struct tool *t = r->tool;
	struct param p = { .field = mem_printf("Mcp-Param-%s", name), .integer = integer };
	bool good = true;

	for (size_t i = 0; i < t->nparams && good; i++)
		if (strcasecmp(t->params[i].field, p.field) == 0)
			good = refuse(r, "two parameters share one x-mcp-header");
	for (; p.depth < r->depth && good; p.depth++)
		if (!(p.path[p.depth] = text_of(r->path[p.depth])))
			good = refuse(r, "a parameter's name is too long");
	if (t->nparams == TOOLBOOK_PARAMS_MAX)
		good = refuse(r, "too many x-mcp-header annotations");
	/* Kept even when refused: clear_tool() frees it. */
	t->params = mem_grow(t->params, t->nparams + 1, sizeof(*t->params));
	t->params[t->nparams++] = p;
	return good;
}

static bool annotated(struct reader *r, struct span schema, struct span value, bool reachable)
{
	char *name = NULL;
	bool integer = false, good;

	if (!reachable || !r->depth)
		return refuse(r, "x-mcp-header stands where no plain parameter is");
	if (walk_type(value) != WALK_STRING || !(name = text_of(value)) || !is_token(name))
		good = refuse(r, "x-mcp-header is not a name that a header field can have");
	else if (!has_primitive_type(schema, &integer))
		good = refuse(
			r, "x-mcp-header is on a parameter that is no string, integer or boolean");
	else
		good = add_param(r, name, integer);
	free(name);
	return good;
}

/* Keywords whose value is data, not schema. */
static bool holds_data(const struct walk_item *it)
{
	return walk_key_is(it, "default") || walk_key_is(it, "const") || walk_key_is(it, "enum") ||
	       walk_key_is(it, "examples");
}

static bool read_schema(struct reader *r, struct span schema, bool reachable);

static bool read_properties(struct reader *r, struct span properties, bool reachable)
{
	struct walk_item it;
	struct walk w;
	bool good = true;

	if (walk_type(properties) != WALK_OBJECT || !walk_open(&w, properties))
		return true;
	while (good && walk_next(&w, &it)) {
		bool deeper = reachable && r->depth < DEPTH_MAX;

		if (deeper)
			r->path[r->depth++] = (struct span){ it.key.p - 1, it.key.n + 2 };
		good = read_schema(r, it.value, deeper);
		if (deeper)
			r->depth--;
	}
	return good;
}

/* v: a schema, or a list or map of schemas. */
static bool read_schema(struct reader *r, struct span v, bool reachable)
{
	struct walk_item it;
	struct walk w;
	bool good = true;

	if (r->level == LEVELS_MAX || !walk_open(&w, v))
		return true;
	r->level++;
	while (good && walk_next(&w, &it)) {
		if (walk_key_is(&it, annotation))
			good = annotated(r, v, it.value, reachable);
		else if (walk_key_is(&it, "properties"))
			good = read_properties(r, it.value, reachable);
		else if (!holds_data(&it))
			good = read_schema(r, it.value, false);
	}
	r->level--;
	return good;
}

/* Where a tool of this name stands, or would stand: a server may list thousands at once. */
static size_t place(const struct toolbook *b, const char *name, bool *there)
{
	size_t low = 0, high = b->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(b->tools[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*there = low < b->n && strcmp(b->tools[low].name, name) == 0;
	return low;
}

static void forget(struct toolbook *b, const char *name)
{
	bool there;
	size_t at = place(b, name, &there);

	if (!there)
		return;
	clear_tool(&b->tools[at]);
	memmove(&b->tools[at], &b->tools[at + 1], (--b->n - at) * sizeof(*b->tools));
}

static void keep(struct toolbook *b, struct tool *t)
{
	bool there;
	size_t at = place(b, t->name, &there);

	b->tools = mem_grow(b->tools, b->n + 1, sizeof(*b->tools));
	memmove(&b->tools[at + 1], &b->tools[at], (b->n++ - at) * sizeof(*b->tools));
	b->tools[at] = *t;
}

bool toolbook_learn(struct toolbook *b, struct span tool, const char **why)
{
	struct tool t = { .name = text_of(walk_get(tool, "name", NULL)) };
	struct reader r = { .tool = &t };
	bool good = read_schema(&r, walk_get(tool, "inputSchema", NULL), true);

	*why = r.why;
	if (t.name)
		forget(b, t.name);
	if (!good || !t.name || !t.nparams || b->n == TOOLBOOK_TOOLS_MAX) {
		clear_tool(&t);
		return good;
	}
	keep(b, &t);
	return true;
}

/* ---- fields of a call ---- */

/* "42" for 42.0 and 4.2e1: what the schema calls an integer is written as one. */
static bool add_integer(struct span v, struct buf *out)
{
	char text[64], *end;
	long long whole;
	double d;

	if (walk_integer(v, &whole) || v.n >= sizeof(text))
		return buf_add(out, v.p, v.n);
	memcpy(text, v.p, v.n);
	text[v.n] = 0;
	errno = 0;
	d = strtod(text, &end);
	/* The range in which every integer has a double of its own. */
	if (errno || *end || d < -9007199254740991.0 || d > 9007199254740991.0 ||
		(double)(long long)d < d || (double)(long long)d > d)
		return buf_add(out, v.p, v.n);
	return buf_addf(out, "%lld", (long long)d);
}

static bool add_value(const struct param *p, struct span v, struct buf *out)
{
	struct buf text;
	bool good;

	if (walk_type(v) != WALK_STRING)
		return p->integer && walk_type(v) == WALK_NUMBER ? add_integer(v, out)
								 : buf_add(out, v.p, v.n);
	buf_init(&text, REQUEST_HEADERS_VALUE_MAX);
	good = walk_string(v, &text) && request_headers_encode(out, buf_str(&text), text.len);
	buf_free(&text);
	return good;
}

static bool add_field(
	const struct param *p, struct span arguments, struct http_fields **f, struct err *e)
{
	struct span v = arguments;
	struct buf value;
	enum walk_type t;
	bool good;

	for (size_t i = 0; i < p->depth; i++)
		v = walk_get(v, p->path[i], NULL);
	t = walk_type(v);
	/* Nothing there, null, or what no header can say: the server judges by the body alone. */
	if (t == WALK_NONE || t == WALK_NULL || t == WALK_OBJECT || t == WALK_ARRAY)
		return true;
	buf_init(&value, 2 * REQUEST_HEADERS_VALUE_MAX);
	good = add_value(p, v, &value)
		       ? http_fields_add(f, p->field, buf_str(&value), e)
		       : err_set(e, ERR_LIMIT, "the value for the header %.80s is too long",
				 p->field);
	buf_free(&value);
	return good;
}

bool toolbook_fields(
	const struct toolbook *b, struct span params, struct http_fields **f, struct err *e)
{
	struct span name = walk_get(params, "name", NULL);
	struct span arguments = walk_get(params, "arguments", NULL);

	for (size_t i = 0; i < b->n; i++) {
		const struct tool *t = &b->tools[i];

		if (!walk_string_is(name, t->name))
			continue;
		for (size_t k = 0; k < t->nparams; k++)
			if (!add_field(&t->params[k], arguments, f, e))
				return false;
		break;
	}
	return true;
}
