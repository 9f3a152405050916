/* The values of TOML tables in JSON's terms: strings, booleans, arrays and inline tables of them. What
 * has no like in JSON (numbers in TOML's forms, dates) is kept as its text. */
#include "setup/toml_edit.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Arrays in arrays: nothing of ours nests, and the reader calls itself. */
#define DEPTH_MAX 8

struct reader {
	const char *p, *end;
	size_t depth;
};

static json_t *read_value(struct reader *r);

static bool at(const struct reader *r, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(r->end - r->p) >= n && memcmp(r->p, what, n) == 0;
}

/* Blanks, line breaks and comments. */
static void skip(struct reader *r)
{
	while (r->p < r->end) {
		if (*r->p == '#')
			while (r->p < r->end && *r->p != '\n')
				r->p++;
		else if (strchr(" \t\r\n", *r->p) && *r->p)
			r->p++;
		else
			break;
	}
}

/* n hexadecimal digits as UTF-8. */
static bool read_code(struct reader *r, size_t n, struct buf *out)
{
	char digits[9] = "", *end;
	unsigned long c;

	if ((size_t)(r->end - r->p) < n)
		return false;
	memcpy(digits, r->p, n);
	c = strtoul(digits, &end, 16);
	r->p += n;
	if (*end || c > 0x10ffff)
		return false;
	if (c < 0x80)
		return buf_addc(out, (char)c);
	if (c < 0x800)
		return buf_addc(out, (char)(0xc0 | c >> 6)) &&
		       buf_addc(out, (char)(0x80 | (c & 63)));
	if (c < 0x10000)
		return buf_addc(out, (char)(0xe0 | c >> 12)) &&
		       buf_addc(out, (char)(0x80 | (c >> 6 & 63))) &&
		       buf_addc(out, (char)(0x80 | (c & 63)));
	return buf_addc(out, (char)(0xf0 | c >> 18)) &&
	       buf_addc(out, (char)(0x80 | (c >> 12 & 63))) &&
	       buf_addc(out, (char)(0x80 | (c >> 6 & 63))) &&
	       buf_addc(out, (char)(0x80 | (c & 63)));
}

static bool read_escape(struct reader *r, struct buf *out)
{
	static const char names[] = "btnfre\"\\", meant[] = "\b\t\n\f\r\033\"\\";
	char c = r->p < r->end ? *r->p++ : '\0';
	const char *found = c ? strchr(names, c) : NULL;

	if (found)
		return buf_addc(out, meant[found - names]);
	if (c == 'u' || c == 'U')
		return read_code(r, c == 'u' ? 4 : 8, out);
	/* A line break that is escaped goes, with the blanks after it. */
	while (r->p < r->end && strchr(" \t\r\n", *r->p))
		r->p++;
	return c == '\n' || c == '\r' || c == ' ';
}

static json_t *read_string(struct reader *r)
{
	bool basic = *r->p == '"', lasting = at(r, "\"\"\"") || at(r, "'''");
	const char *quotes = basic ? (lasting ? "\"\"\"" : "\"") : (lasting ? "'''" : "'");
	json_t *v = NULL;
	struct buf text;
	bool good = true;

	buf_init(&text, (size_t)(r->end - r->p));
	r->p += strlen(quotes);
	if (lasting && at(r, "\r\n"))
		r->p += 2;
	else if (lasting && at(r, "\n"))
		r->p++;
	while (good && r->p < r->end && !at(r, quotes)) {
		if (basic && *r->p == '\\')
			r->p++, good = read_escape(r, &text);
		else
			good = buf_addc(&text, *r->p++);
	}
	if (good && r->p < r->end) {
		r->p += strlen(quotes);
		while (lasting && r->p < r->end && *r->p == *quotes && good)
			good = buf_addc(&text, *r->p++);
		v = good ? json_stringn(buf_str(&text), text.len) : NULL;
	}
	buf_wipe(&text);
	return v;
}

static json_t *read_array(struct reader *r)
{
	json_t *list = json_array(), *one;

	for (r->p++, skip(r); r->p < r->end && *r->p != ']'; skip(r)) {
		if (!(one = read_value(r)))
			return json_decref(list), NULL;
		json_array_append_new(list, one);
		skip(r);
		if (r->p < r->end && *r->p == ',')
			r->p++;
		else
			break;
	}
	skip(r);
	if (r->p < r->end && *r->p == ']')
		return r->p++, list;
	json_decref(list);
	return NULL;
}

static char *read_name(struct reader *r)
{
	const char *from = r->p;
	json_t *text;
	char *name;

	if (r->p < r->end && (*r->p == '"' || *r->p == '\'')) {
		text = read_string(r);
		name = text ? mem_dup(json_string_value(text)) : NULL;
		json_decref(text);
		return name;
	}
	while (r->p < r->end && !strchr(" \t\r\n=,}", *r->p))
		r->p++;
	return r->p > from ? mem_ndup(from, (size_t)(r->p - from)) : NULL;
}

static bool read_pair(struct reader *r, json_t *table)
{
	char *name = read_name(r);
	json_t *value = NULL;

	skip(r);
	if (name && r->p < r->end && *r->p == '=') {
		r->p++;
		skip(r);
		value = read_value(r);
	}
	if (value)
		json_object_set_new(table, name, value);
	free(name);
	return value != NULL;
}

static json_t *read_table(struct reader *r)
{
	json_t *table = json_object();

	for (r->p++, skip(r); r->p < r->end && *r->p != '}'; skip(r)) {
		if (!read_pair(r, table))
			return json_decref(table), NULL;
		skip(r);
		if (r->p < r->end && *r->p == ',')
			r->p++;
		else
			break;
	}
	skip(r);
	if (r->p < r->end && *r->p == '}')
		return r->p++, table;
	json_decref(table);
	return NULL;
}

static json_t *read_bare(struct reader *r)
{
	const char *from = r->p;
	size_t n;

	while (r->p < r->end && !strchr(",]}#\r\n", *r->p))
		r->p++;
	for (n = (size_t)(r->p - from); n && (from[n - 1] == ' ' || from[n - 1] == '\t'); n--)
		;
	if (n == 4 && memcmp(from, "true", 4) == 0)
		return json_true();
	if (n == 5 && memcmp(from, "false", 5) == 0)
		return json_false();
	if (n && n < 18 && strspn(from, "0123456789") == n)
		return json_integer(strtoll(from, NULL, 10));
	return n ? json_stringn(from, n) : NULL;
}

static json_t *read_value(struct reader *r)
{
	json_t *v = NULL;

	if (r->p == r->end || r->depth == DEPTH_MAX)
		return NULL;
	r->depth++;
	if (*r->p == '"' || *r->p == '\'')
		v = read_string(r);
	else if (*r->p == '[')
		v = read_array(r);
	else if (*r->p == '{')
		v = read_table(r);
	else
		v = read_bare(r);
	r->depth--;
	return v;
}

json_t *toml_edit_value(const char *p, size_t n)
{
	struct reader r = { .p = p, .end = p + n };

	return read_value(&r);
}

static json_t *member(json_t *o, const char *name)
{
	json_t *m = json_object_get(o, name);

	if (!json_is_object(m)) {
		m = json_object();
		json_object_set_new(o, name, m);
	}
	return m;
}

json_t *toml_edit_tables(const struct buf *doc, const char *a)
{
	struct toml_edit t = { .p = buf_str(doc), .n = doc->len };
	json_t *all = json_object(), *table = NULL, *into, *value;
	struct toml_edit_statement s;

	while (toml_edit_next(&t, &s)) {
		size_t i = 0;

		if (s.kind == TOML_EDIT_TABLE || s.kind == TOML_EDIT_TABLE_ARRAY) {
			table = NULL;
			if (s.kind == TOML_EDIT_TABLE && s.parts <= TOML_EDIT_PARTS &&
				strcmp(s.part[0], a) == 0)
				table = all;
			for (i = 1; table && i < s.parts; i++)
				table = member(table, s.part[i]);
			continue;
		}
		if (s.kind != TOML_EDIT_PAIR || !table || table == all || s.parts > TOML_EDIT_PARTS)
			continue;
		for (into = table; i + 1 < s.parts; i++)
			into = member(into, s.part[i]);
		value = toml_edit_value(t.p + s.value, s.value_end - s.value);
		json_object_set_new(into, s.part[i], value ? value : json_null());
	}
	return all;
}
