#include "tools/view.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "columns.h"
#include "mcp/json/walk.h"
#include "tools/pretty.h"
#include "tools/rows.h"
#include "tools/table.h"
#include "wrap.h"

/* Objects inside objects that have a heading each; what is deeper is JSON. */
#define DEPTH_MAX 3

/* Bars: longer ones show no more, shorter ones hardly anything. */
#define BAR_MAX 40
#define BAR_MIN 8

/* malloc'ed; what a terminal would obey is "?". */
static char *text_of(struct span v)
{
	struct buf b;
	char *text;

	buf_init(&b, MESSAGE_MAX);
	if (!rows_text(v, &b))
		buf_reset(&b);
	text = err_clean(buf_take(&b, NULL));
	return text;
}

static char *text_of_key(struct span key)
{
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	if (!rows_key(key, &b))
		buf_reset(&b);
	return err_clean(buf_take(&b, NULL));
}

/* ---- tables ---- */

static void add_cell(struct table *t, struct span v)
{
	char *text = text_of(v);

	if (walk_type(v) == WALK_NUMBER)
		table_number(t, text, strlen(text));
	else
		table_cell(t, text, strlen(text));
	free(text);
}

static size_t widest(const struct rows *r, size_t column)
{
	size_t most = columns_of(r->columns[column], strlen(r->columns[column]));

	for (size_t i = 0; i < r->n; i++) {
		char *text = text_of(rows_cell(r, i, column));
		size_t n = columns_of(text, strlen(text));

		most = n > most ? n : most;
		free(text);
	}
	return most;
}

/* Columns that a bar beside one series may have; 0: none. */
static size_t bar_room(const struct rows *r, size_t width)
{
	size_t used;

	if (!r->series || r->ncolumns != 2)
		return 0;
	used = widest(r, 0) + 2 + widest(r, 1) + 2;
	if (used + BAR_MIN > width)
		return 0;
	return width - used < BAR_MAX ? width - used : BAR_MAX;
}

static double largest(const struct rows *r, size_t column)
{
	double most = 0;

	for (size_t i = 0; i < r->n; i++)
		if (rows_number(rows_cell(r, i, column)) > most)
			most = rows_number(rows_cell(r, i, column));
	return most;
}

static void add_bar(struct table *t, double n, double most, size_t room)
{
	char bar[BAR_MAX + 1];
	size_t len = n > 0 && most > 0 ? (size_t)(n / most * (double)room + 0.5) : 0;

	/* What is not nothing is seen. */
	len = len > room ? room : !len && n > 0 ? 1 : len;
	memset(bar, '#', len);
	table_cell(t, bar, len);
}

/* One character a value, from the lowest to the highest block. */
static void print_spark(FILE *f, const struct rows *r, size_t column, size_t room)
{
	double most = largest(r, column);
	char *name = err_clean(mem_dup(r->columns[column]));

	fprintf(f, "%s  ", name);
	free(name);
	for (size_t i = r->n > room ? r->n - room : 0; i < r->n; i++) {
		double n = rows_number(rows_cell(r, i, column));
		int step = n > 0 && most > 0 ? (int)(n / most * 7 + 0.5) : 0;

		fprintf(f, "\xe2\x96%c", (char)(0x81 + (step < 0 ? 0 : step > 7 ? 7 : step)));
	}
	fputc('\n', f);
}

static void print_sparks(FILE *f, const struct rows *r, size_t width)
{
	if (!r->series || r->ncolumns < 3)
		return;
	fputc('\n', f);
	for (size_t c = 1; c < r->ncolumns; c++) {
		size_t n = columns_of(r->columns[c], strlen(r->columns[c])) + 2;

		if (n + BAR_MIN <= width)
			print_spark(f, r, c, width - n);
	}
}

static void print_rows(FILE *f, const struct rows *r)
{
	size_t width = wrap_width(f), room = bar_room(r, width);
	struct table *t = table_new(r->ncolumns + (room > 0));
	double most = room ? largest(r, 1) : 0;

	for (size_t c = 0; c < r->ncolumns; c++)
		table_cell(t, r->columns[c], strlen(r->columns[c]));
	if (room)
		table_cell(t, "", 0);
	for (size_t i = 0; i < r->n; i++) {
		for (size_t c = 0; c < r->ncolumns; c++)
			add_cell(t, rows_cell(r, i, c));
		if (room)
			add_bar(t, rows_number(rows_cell(r, i, 1)), most, room);
	}
	table_print(f, t, width);
	table_free(t);
	print_sparks(f, r, width);
}

/* ---- objects and lists ---- */

static bool is_short(struct span v)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(v) == WALK_OBJECT)
		return false;
	if (walk_type(v) != WALK_ARRAY || !walk_open(&w, v))
		return true;
	/* A list of a few plain values stands on one line. */
	for (size_t n = 0; walk_next(&w, &it); n++)
		if (n == 8 || walk_type(it.value) == WALK_OBJECT ||
			walk_type(it.value) == WALK_ARRAY)
			return false;
	return true;
}

static void print_value(FILE *f, struct span v, const char *heading, int depth);

/* Plain members, names and values in two columns. */
static bool print_plain(FILE *f, struct span v)
{
	struct walk_item it;
	size_t column = 0, width = wrap_width(f);
	bool some = false;
	struct walk w;

	for (int pass = 0; pass < 2 && walk_open(&w, v); pass++) {
		while (walk_next(&w, &it)) {
			char *key = text_of_key(it.key);
			size_t n = columns_of(key, strlen(key));

			if (is_short(it.value) && pass == 0 && n > column)
				column = n;
			if (is_short(it.value) && pass == 1) {
				char *text = text_of(it.value);
				size_t at = column > width / 2 ? n : column;

				fprintf(f, "%s%*s  ", key, (int)(at - n), "");
				wrap_text(f, width, at + 2, column > width / 2 ? 2 : at + 2, text);
				free(text);
				some = true;
			}
			free(key);
		}
	}
	return some;
}

static void print_object(FILE *f, struct span v, const char *heading, int depth)
{
	struct walk_item it;
	struct walk w;
	bool some = print_plain(f, v);

	if (!walk_open(&w, v))
		return;
	while (walk_next(&w, &it)) {
		char *key, *path;

		if (is_short(it.value))
			continue;
		key = text_of_key(it.key);
		path = *heading ? mem_printf("%s.%s", heading, key) : mem_dup(key);
		fprintf(f, "%s%s:\n", some ? "\n" : "", path);
		print_value(f, it.value, path, depth + 1);
		some = true;
		free(key);
		free(path);
	}
}

/* Plain values, one a line. */
static bool print_list(FILE *f, struct span v)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(v) != WALK_ARRAY || !walk_open(&w, v))
		return false;
	while (walk_next(&w, &it))
		if (walk_type(it.value) == WALK_OBJECT || walk_type(it.value) == WALK_ARRAY)
			return false;
	if (!walk_open(&w, v))
		return false;
	while (walk_next(&w, &it)) {
		char *text = text_of(it.value);

		wrap_text(f, wrap_width(f), 0, 2, text);
		free(text);
	}
	return true;
}

static void print_value(FILE *f, struct span v, const char *heading, int depth)
{
	struct rows r;

	if (rows_read(v, &r) && r.flat)
		print_rows(f, &r);
	else if (walk_type(v) == WALK_OBJECT && depth < DEPTH_MAX && v.n > 2)
		print_object(f, v, heading, depth);
	else if (!print_list(f, v))
		pretty_print(f, v);
	rows_clear(&r);
}

void view_print(FILE *f, struct span v)
{
	print_value(f, v, "", 0);
}
