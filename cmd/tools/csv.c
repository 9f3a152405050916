#include "tools/csv.h"

#include <string.h>

#include "base/buf.h"
#include "mcp/json/walk.h"
#include "tools/pretty.h"
#include "tools/rows.h"

/* Spreadsheets take a text for a formula by what it begins with; those of countries where a comma stands in
 * numbers begin a cell behind ";". */
static void put_text(FILE *f, const char *text, size_t n, bool number)
{
	bool formula = !number && n && strchr("=+-@\t\r\n", *text),
	     quoted = formula || memchr(text, ',', n) || memchr(text, ';', n) ||
		      memchr(text, '"', n) || memchr(text, '\n', n) || memchr(text, '\r', n);
	const char *quote;

	if (quoted)
		fputs(formula ? "\"'" : "\"", f);
	for (; n && (quote = memchr(text, '"', n)) != NULL;) {
		size_t before = (size_t)(quote - text) + 1;

		pretty_put(f, text, before);
		fputc('"', f);
		text += before;
		n -= before;
	}
	pretty_put(f, text, n);
	if (quoted)
		fputc('"', f);
}

static void put_value(FILE *f, struct span v)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (rows_text(v, &b))
		put_text(f, buf_str(&b), b.len, walk_type(v) == WALK_NUMBER);
	buf_free(&b);
}

static void print_rows(FILE *f, const struct rows *r)
{
	for (size_t c = 0; c < r->ncolumns; c++) {
		const char *name = *r->columns[c] ? r->columns[c] : "key";

		fputs(c ? "," : "", f);
		put_text(f, name, strlen(name), false);
	}
	fputs("\r\n", f);
	for (size_t i = 0; i < r->n; i++) {
		for (size_t c = 0; c < r->ncolumns; c++) {
			fputs(c ? "," : "", f);
			put_value(f, rows_cell(r, i, c));
		}
		fputs("\r\n", f);
	}
}

/* The first rows: of v itself, else of its members in their order. */
static bool find_rows(FILE *f, struct span v, bool *list)
{
	struct walk_item it;
	struct rows r;
	struct walk w;
	bool found = rows_read(v, &r);

	if (found)
		print_rows(f, &r);
	rows_clear(&r);
	*list = !found && walk_type(v) == WALK_ARRAY;
	if (found || walk_type(v) != WALK_OBJECT || !walk_open(&w, v))
		return found;
	while (!found && walk_next(&w, &it)) {
		found = rows_read(it.value, &r);
		if (found)
			print_rows(f, &r);
		rows_clear(&r);
	}
	return found;
}

/* One column. */
static bool print_list(FILE *f, struct span v, const char *name)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(v) != WALK_ARRAY || !walk_open(&w, v))
		return false;
	put_text(f, name, strlen(name), false);
	fputs("\r\n", f);
	while (walk_next(&w, &it)) {
		put_value(f, it.value);
		fputs("\r\n", f);
	}
	return true;
}

/* A list that is the only one in an object, as the service has them: {"events": ["a", "b"]}. */
static bool print_member_list(FILE *f, struct span v)
{
	struct walk_item it;
	struct buf name;
	struct walk w;
	bool found = false;

	if (!walk_open(&w, v))
		return false;
	while (!found && walk_next(&w, &it)) {
		buf_init(&name, MESSAGE_MAX);
		found = walk_type(it.value) == WALK_ARRAY && rows_key(it.key, &name) &&
			print_list(f, it.value, buf_str(&name));
		buf_free(&name);
	}
	return found;
}

/* Names of the members, and their values. */
static bool print_object(FILE *f, struct span v)
{
	struct walk_item it;
	struct walk w;
	struct buf b;

	for (int pass = 0; pass < 2; pass++) {
		size_t n = 0;

		if (walk_type(v) != WALK_OBJECT || !walk_open(&w, v))
			return false;
		while (walk_next(&w, &it)) {
			fputs(n++ ? "," : "", f);
			buf_init(&b, MESSAGE_MAX);
			if (pass)
				put_value(f, it.value);
			else if (rows_key(it.key, &b))
				put_text(f, buf_str(&b), b.len, false);
			buf_free(&b);
		}
		fputs("\r\n", f);
	}
	return true;
}

bool csv_print(FILE *f, struct span v)
{
	bool list;

	if (find_rows(f, v, &list))
		return true;
	if (list)
		return print_list(f, v, "value");
	return print_member_list(f, v) || print_object(f, v);
}
