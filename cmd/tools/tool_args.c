#include "tools/tool_args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "base/mem.h"
#include "base/text.h"
#include "mcp/json/message.h"
#include "mcp/json/walk.h"
#include "tools/pattern.h"
#include "tools/schema.h"
#include "os/file.h"
#include "os/start.h"

/* ---- JSON as it stands ---- */

bool tool_args_is_text(const char *word)
{
	word += strspn(word, " \t\r\n");
	return *word == '{' || *word == '[' || *word == '@' || strcmp(word, "-") == 0;
}

static bool read_stdin(struct buf *out, struct err *e)
{
	char piece[16384];
	int64_t n;

	while ((n = os_read(OS_STDIN, piece, sizeof(piece))) > 0)
		if (!buf_add(out, piece, (size_t)n))
			return err_set(e, ERR_LIMIT, "standard input is too long");
	return n == 0 || err_set(e, ERR_IO, "cannot read standard input");
}

static bool no_json(
	const struct buf *b, const struct message *m, size_t at, const char *what, struct err *e)
{
	if (!b->len)
		err_set(e, ERR_USAGE, "%.200s is empty; {\"key\": value} is needed", what);
	else
		err_set(e, ERR_USAGE, "%.200s is not valid JSON: %s, at byte %zu", what,
			m->why ? m->why : "it cannot be read", at + 1);
	err_clean(e->msg);
	return false;
}

/* Leaves the object alone in b, as UTF-8 without blanks around it. */
static bool take_object(struct buf *b, const char *what, struct err *e)
{
	struct message m = { 0 };
	size_t at = 0;

	if (!text_plain(b, what, e))
		return false;
	if (!b->len || message_scan(b->p, b->len, &m, &at) != MESSAGE_OK)
		return no_json(b, &m, at, what, e);
	if (*m.whole.p != '{')
		return err_set(e, ERR_USAGE,
			"%.200s is JSON but not an object: {\"key\": value} is needed", what);
	at = (size_t)(m.whole.p - b->p) + m.whole.n;
	return buf_splice(b, at, b->len - at, "", 0) &&
	       buf_splice(b, 0, (size_t)(m.whole.p - b->p), "", 0);
}

bool tool_args_text(const char *word, struct buf *out, struct err *e)
{
	word += strspn(word, " \t\r\n");
	if (strcmp(word, "-") == 0)
		return read_stdin(out, e) && take_object(out, "standard input", e);
	if (*word == '@')
		return text_read(word + 1, out, e) && take_object(out, word + 1, e);
	if (!buf_adds(out, word))
		return err_set(e, ERR_LIMIT, "the arguments are too long");
	return take_object(out, "the text of the arguments", e);
}

/* ---- pairs ---- */

struct typing {
	struct schema schema;
	struct err *e;
};

static bool wrong_type(unsigned may, const char *name, const char *text, struct err *e)
{
	struct buf words;

	buf_init(&words, 256);
	if (!schema_add_types(&words, may))
		buf_reset(&words);
	err_set(e, ERR_USAGE, "%.100s must be %s, not \"%.60s\"%s", name, buf_str(&words), text,
		may & (SCHEMA_OBJECT | SCHEMA_ARRAY) ? "; give that as JSON" : "");
	err_clean(e->msg);
	buf_free(&words);
	return false;
}

/* What the text is when it is read as JSON; 0 when it is none. *m refers into copy. */
static unsigned type_of_text(struct buf *copy, struct span *whole)
{
	struct message m;

	if (!copy->len || message_scan(copy->p, copy->len, &m, NULL) != MESSAGE_OK)
		return 0;
	*whole = m.whole;
	switch (walk_type(m.whole)) {
	case WALK_OBJECT:
		return SCHEMA_OBJECT;
	case WALK_ARRAY:
		return SCHEMA_ARRAY;
	case WALK_STRING:
		return SCHEMA_STRING;
	case WALK_NUMBER:
		for (size_t i = 0; i < m.whole.n; i++)
			if (strchr(".eE", m.whole.p[i]))
				return SCHEMA_NUMBER;
		return SCHEMA_INTEGER | SCHEMA_NUMBER;
	case WALK_TRUE:
	case WALK_FALSE:
		return SCHEMA_BOOLEAN;
	case WALK_NULL:
		return SCHEMA_NULL;
	case WALK_NONE:
		break;
	}
	return 0;
}

static bool check_utf8(const char *name, const char *text, struct err *e)
{
	json_t *s = json_string(text);
	bool good = s != NULL;

	json_decref(s);
	if (!good) {
		err_set(e, ERR_USAGE, "%.100s is not valid UTF-8", name);
		err_clean(e->msg);
	}
	return good;
}

static bool add_value(struct typing *t, const json_t *schema, const char *name, const char *text,
	bool element, struct buf *out);

/* "a,b,c" for an array. */
static bool add_elements(
	struct typing *t, const json_t *schema, const char *name, const char *text, struct buf *out)
{
	const json_t *items = schema_part(&t->schema, schema, "items");
	bool good = buf_addc(out, '[');

	for (const char *p = text; good && *p;) {
		char *item = mem_printf("%.*s", (int)strcspn(p, ","), p);

		good = (p == text || buf_addc(out, ',')) &&
		       add_value(t, items, name, item, true, out);
		free(item);
		p += strcspn(p, ",");
		p += *p == ',';
	}
	return good && buf_addc(out, ']');
}

static bool add_value(struct typing *t, const json_t *schema, const char *name, const char *text,
	bool element, struct buf *out)
{
	struct span whole = { 0 };
	struct buf copy;
	unsigned may, is;
	bool good;

	t->schema.looks = 0;
	may = schema_types(&t->schema, schema);
	buf_init(&copy, MESSAGE_MAX);
	good = check_utf8(name, text, t->e) && buf_adds(&copy, text);
	is = type_of_text(&copy, &whole);
	if (may ? is & may & ~(unsigned)SCHEMA_STRING : is)
		good = good && buf_add(out, whole.p, whole.n);
	else if (!good || !may || may & SCHEMA_STRING)
		good = good && message_quote(out, text, strlen(text)); /* quotes are part of it */
	else if (may & SCHEMA_ARRAY && !element && !(is & SCHEMA_OBJECT) && *text != '[' &&
		 *text != '{')
		good = good && add_elements(t, schema, name, text, out);
	else
		good = wrong_type(may, name, text, t->e);
	buf_free(&copy);
	if (!good && !t->e->kind)
		err_set(t->e, ERR_LIMIT, "the arguments are too long");
	return good;
}

static bool unknown_key(const json_t *properties, const char *name, struct err *e)
{
	size_t n = 0;
	const char **names = mem_grow(NULL, json_object_size(properties) + 1, sizeof(char *));
	const char *key, *near;
	json_t *one;

	json_object_foreach((json_t *)properties, key, one) names[n++] = key;
	near = options_nearest(name, names, n);
	err_set(e, ERR_USAGE, "the tool has no argument \"%.100s\"%s%.100s%s", name,
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
	err_clean(e->msg);
	free(names);
	return false;
}

/* The schema of a member (NULL: nothing is said of it); false when there can be no such member. */
static bool member_of(
	struct typing *t, const json_t *schema, const char *name, const json_t **member)
{
	const json_t *properties = schema_part(&t->schema, schema, "properties"),
		     *others = schema_part(&t->schema, schema, "additionalProperties");

	*member = json_object_get(properties, name);
	if (!*member && json_is_object(others))
		*member = others;
	return *member || !json_is_false(others) || unknown_key(properties, name, t->e);
}

static bool said_twice(const char *name, struct err *e)
{
	err_set(e, ERR_USAGE, "%.100s is given twice", name);
	err_clean(e->msg);
	return false;
}

/* Puts the value into the tree, whose leaves are strings that hold JSON text: numbers of any size
 * stay as they are. */
static bool put(struct typing *t, json_t *at, const json_t *schema, const char *key,
	const char *path, const char *text)
{
	struct buf value;
	bool good;

	if (json_object_get(at, key))
		return said_twice(path, t->e);
	buf_init(&value, MESSAGE_MAX);
	good = add_value(t, schema, path, text, false, &value);
	if (good && json_object_set_new(at, key, json_stringn(buf_str(&value), value.len)) != 0)
		good = err_set(t->e, ERR_USAGE, "the name of an argument is not valid UTF-8");
	buf_free(&value);
	return good;
}

/* The object in which the rest of the path is looked for; NULL with e set. */
static json_t *enter(
	struct typing *t, json_t *at, const json_t *schema, const char *key, const char *rest)
{
	unsigned may = schema_types(&t->schema, schema);
	json_t *next = json_object_get(at, key);

	if (may && !(may & SCHEMA_OBJECT)) {
		(void)!wrong_type(may, key, rest, t->e);
		return NULL;
	}
	if (!next && json_object_set_new(at, key, json_object()) == 0)
		next = json_object_get(at, key);
	if (json_is_object(next))
		return next;
	if (next)
		(void)!said_twice(key, t->e);
	else
		err_set(t->e, ERR_USAGE, "the name of an argument is not valid UTF-8");
	return NULL;
}

/* Names with dots in them are those of the schema, else a way down. */
static bool add_at(struct typing *t, json_t *tree, char *key, const char *path, const char *text)
{
	const json_t *schema = t->schema.root, *member;
	char *dot;

	while (!json_object_get(schema_part(&t->schema, schema, "properties"), key) &&
		(dot = strchr(key, '.')) != NULL) {
		*dot = 0;
		if (!member_of(t, schema, key, &member))
			return false;
		tree = enter(t, tree, member, key, dot + 1);
		if (!tree)
			return false;
		schema = member;
		key = dot + 1;
	}
	return member_of(t, schema, key, &member) && put(t, tree, member, key, path, text);
}

/* The content of a file as a value: the line end that editors put behind the last line is none of it. */
static bool read_value(const char *path, struct buf *out, struct err *e)
{
	bool from_stdin = strcmp(path, "-") == 0;
	size_t n = 0;

	if (from_stdin ? !read_stdin(out, e) || !text_plain(out, "standard input", e)
		       : !text_read(path, out, e))
		return false;
	if (out->len && out->p[out->len - 1] == '\n')
		n = out->len > 1 && out->p[out->len - 2] == '\r' ? 2 : 1;
	return buf_splice(out, out->len - n, n, "", 0);
}

/* "@FILE", "@-", "@@" for a text that begins with one, or the text itself. */
static bool put_at(struct typing *t, json_t *tree, char *key, const char *path, const char *text)
{
	struct buf content;
	bool good;

	if (*text != '@')
		return add_at(t, tree, key, path, text);
	if (text[1] == '@')
		return add_at(t, tree, key, path, text + 1);
	buf_init(&content, MESSAGE_MAX);
	good = read_value(text + 1, &content, t->e) &&
	       add_at(t, tree, key, path, buf_str(&content));
	buf_free(&content);
	return good;
}

static bool add_pair(struct typing *t, json_t *tree, const char *pair)
{
	size_t n = strcspn(pair, "=");
	char *path, *key;
	bool good;

	if (!pair[n] || !n) {
		err_set(t->e, ERR_USAGE,
			"\"%.100s\" is not key=value; arguments can also be one JSON object, @FILE "
			"or -",
			pair);
		err_clean(t->e->msg);
		return false;
	}
	t->schema.looks = 0;
	path = mem_printf("%.*s", (int)n, pair);
	key = mem_dup(path);
	good = put_at(t, tree, key, path, pair + n + 1);
	free(key);
	free(path);
	return good;
}

static bool add_tree(struct buf *out, json_t *tree)
{
	const char *key, *comma = "";
	json_t *v;
	bool good = buf_addc(out, '{');

	json_object_foreach(tree, key, v)
	{
		good = good && buf_adds(out, comma) && message_quote(out, key, strlen(key)) &&
		       buf_addc(out, ':');
		if (good && json_is_object(v))
			good = add_tree(out, v);
		else
			good = good && buf_add(out, json_string_value(v), json_string_length(v));
		comma = ",";
	}
	return good && buf_addc(out, '}');
}

/* ---- whether they fit ---- */

static bool misfit(struct typing *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static bool misfit(struct typing *t, const char *fmt, ...)
{
	char text[ERR_MSG_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	err_set(t->e, ERR_USAGE, "%s", text);
	err_clean(t->e->msg);
	return false;
}

static bool same(const json_t *a, const json_t *b)
{
	return json_is_number(a) && json_is_number(b)
		       ? !(json_number_value(a) < json_number_value(b)) &&
				 !(json_number_value(a) > json_number_value(b))
		       : json_equal(a, b);
}

/* More choices than a person reads are cut. */
#define CHOICES_TEXT_MAX 400

static bool fits_enum(struct typing *t, const json_t *choices, const json_t *v, const char *path)
{
	size_t n = json_array_size(choices), i;
	const json_t *one;
	struct buf words;
	char *is;

	json_array_foreach(choices, i,
		one) if (json_is_object(one) || json_is_array(one) || same(one, v)) return true;
	if (!n)
		return true;
	buf_init(&words, CHOICES_TEXT_MAX);
	for (i = 0; i < n; i++) {
		char *choice = schema_shown(json_array_get(choices, i));
		bool room = buf_addf(&words, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", choice);

		free(choice);
		if (!room)
			break;
	}
	is = schema_shown(v);
	misfit(t, "%.100s is %s; it can be %s%s", path, is, buf_str(&words), i < n ? ", ..." : "");
	free(is);
	buf_free(&words);
	return false;
}

/* The bounds of numbers, the pattern of texts. */
static bool fits_limits(struct typing *t, const json_t *schema, const json_t *v, const char *path)
{
	const json_t *least = json_object_get(schema, "minimum"),
		     *most = json_object_get(schema, "maximum");
	const char *pattern = json_string_value(json_object_get(schema, "pattern")),
		   *text = json_string_value(v);
	double x = json_number_value(v);

	if (json_is_number(v) && json_is_number(least) && x < json_number_value(least))
		return misfit(t, "%.100s is %.15g; it must be at least %.15g", path, x,
			json_number_value(least));
	if (json_is_number(v) && json_is_number(most) && x > json_number_value(most))
		return misfit(t, "%.100s is %.15g; it must be at most %.15g", path, x,
			json_number_value(most));
	if (text && pattern && pattern_refuses(pattern, text))
		return misfit(t, "%.100s is %.60s; it must match %.200s", path, text, pattern);
	return true;
}

static bool fits(
	struct typing *t, const json_t *schema, const json_t *v, const char *path, int depth);

static bool is_whole(double x)
{
	double y;

	if (x > 1e15 || x < -1e15)
		return true;
	y = (double)(long long)x;
	return !(x < y) && !(x > y);
}

static bool fits_type(struct typing *t, const json_t *schema, const json_t *v, const char *path)
{
	const json_t *type = json_object_get(schema, "type"), *one;
	unsigned may = schema_type_named(type), is = schema_type_of(v);
	double x = json_number_value(v);
	size_t i;

	json_array_foreach(type, i, one) may |= schema_type_named(one);
	if (is == SCHEMA_NUMBER && is_whole(x))
		is |= SCHEMA_INTEGER;
	if (may & SCHEMA_NUMBER)
		may |= SCHEMA_INTEGER;
	if (may && !(is & may)) {
		char *text = schema_shown(v);

		(void)!wrong_type(may, path, text, t->e);
		free(text);
		return false;
	}
	return true;
}

static bool fits_members(
	struct typing *t, const json_t *schema, const json_t *v, const char *path, int depth)
{
	const json_t *properties = json_object_get(schema, "properties"), *one;
	const char *dot = *path ? "." : "", *name;
	bool good = true;
	json_t *member;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, one)
	{
		name = json_string_value(one);
		if (name && !json_object_get(v, name))
			return misfit(t, "%.100s%s%.100s is missing", path, dot, name);
	}
	json_object_foreach((json_t *)v, name, member)
	{
		one = json_object_get(properties, name);
		if (good && one) {
			char *below = mem_printf("%.100s%s%.100s", path, dot, name);

			good = fits(t, one, member, below, depth + 1);
			free(below);
		} else if (good && json_is_false(json_object_get(schema, "additionalProperties")) &&
			   !json_object_get(schema, "patternProperties")) {
			good = unknown_key(properties, name, t->e);
		}
	}
	return good;
}

/* One of the choices is enough; of several misfits that one is told whose type fits. */
static bool fits_one(
	struct typing *t, const json_t *choices, const json_t *v, const char *path, int depth)
{
	struct err nearest = { 0 }, *e = t->e;
	const json_t *one;
	bool good = false;
	size_t i;

	json_array_foreach(choices, i, one)
	{
		struct err why = { 0 }, ignored = { 0 };

		t->e = &why;
		good = good || fits(t, one, v, path, depth + 1);
		t->e = &ignored;
		if (!good &&
			(!nearest.kind || fits_type(t, schema_resolve(&t->schema, one), v, path)))
			nearest = why;
	}
	t->e = e;
	if (!good && nearest.kind)
		*e = nearest;
	return good || !nearest.kind;
}

/* What is said of it in forms that are not known here, or too deep, is for the server to judge. */
static bool fits(
	struct typing *t, const json_t *schema, const json_t *v, const char *path, int depth)
{
	const json_t *items, *one;
	bool good;
	size_t i;

	schema = schema_resolve(&t->schema, schema);
	if (!json_is_object(schema) || depth > SCHEMA_DEPTH_MAX)
		return true;
	items = json_object_get(schema, "items");
	good = fits_type(t, schema, v, path) &&
	       fits_enum(t, json_object_get(schema, "enum"), v, path) &&
	       fits_limits(t, schema, v, path) &&
	       (!json_is_object(v) || fits_members(t, schema, v, path, depth));
	json_array_foreach(v, i, one) good = good && fits(t, items, one, path, depth + 1);
	json_array_foreach(json_object_get(schema, "allOf"), i, one) good =
		good && fits(t, one, v, path, depth + 1);
	for (size_t u = 0; u < 2; u++)
		good = good &&
		       fits_one(t, json_object_get(schema, schema_unions[u]), v, path, depth);
	return good;
}

bool arguments_fit(const struct buf *arguments, const json_t *schema, struct err *e)
{
	struct typing t = { .schema.root = schema, .e = e };
	/* Integers of any size: to compare them, a double does. What is larger is for the server. */
	json_t *v = json_loadb(
		arguments->p, arguments->len, JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	bool good = !v || fits(&t, schema, v, "", 0);

	json_decref(v);
	return good;
}

bool tool_args_pairs(
	char *const *pairs, size_t n, const json_t *schema, struct buf *out, struct err *e)
{
	struct typing t = { .schema.root = schema, .e = e };
	json_t *tree = json_object();
	bool good = true;

	for (size_t i = 0; good && i < n; i++)
		good = add_pair(&t, tree, pairs[i]);
	if (good && !add_tree(out, tree))
		good = err_set(e, ERR_LIMIT, "the arguments are too long");
	good = good && arguments_fit(out, schema, e);
	json_decref(tree);
	return good;
}
