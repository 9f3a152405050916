#include "tools/rows.h"

#include <ctype.h>
#include <float.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp/json/walk.h"

bool rows_key(struct span key, struct buf *out)
{
	struct span quoted = { key.p - 1, key.n + 2 };

	return walk_string(quoted, out);
}

static bool is_plain(struct span v)
{
	enum walk_type type = walk_type(v);

	return type != WALK_OBJECT && type != WALK_ARRAY;
}

static bool is_flat(struct span v)
{
	struct walk_item it;
	struct walk w;

	if (walk_type(v) == WALK_OBJECT)
		return false;
	if (walk_open(&w, v))
		while (walk_next(&w, &it))
			if (!is_plain(it.value))
				return false;
	return true;
}

/* "2026-11-20", or a time of that day. */
static bool is_date(struct span key)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	for (i = 0; i < key.n && form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)key.p[i]) : key.p[i] != form[i])
			return false;
	return !form[i] && (key.n == i || key.p[i] == 'T' || key.p[i] == ' ');
}

static bool is_series(struct span v)
{
	struct walk_item it;
	struct walk w;
	bool some = false;

	if (walk_type(v) != WALK_OBJECT || !walk_open(&w, v))
		return false;
	while (walk_next(&w, &it)) {
		enum walk_type type = walk_type(it.value);

		if (!is_date(it.key) || (type != WALK_NUMBER && type != WALK_NULL))
			return false;
		some = some || type == WALK_NUMBER;
	}
	return some;
}

/* ---- building ---- */

static size_t add_column(struct rows *r, struct span key)
{
	struct buf name;

	buf_init(&name, MESSAGE_MAX);
	if (!rows_key(key, &name))
		buf_reset(&name);
	r->columns = mem_grow(r->columns, r->ncolumns + 1, sizeof(*r->columns));
	r->columns[r->ncolumns] = mem_dup(buf_str(&name));
	buf_free(&name);
	return r->ncolumns++;
}

/* Columns are found by their names; the next one of the row is mostly the next one of all. */
static size_t column_of(const struct rows *r, const struct walk_item *it, size_t guess)
{
	if (guess < r->ncolumns && walk_key_is(it, r->columns[guess]))
		return guess;
	for (size_t c = 0; c < r->ncolumns; c++)
		if (walk_key_is(it, r->columns[c]))
			return c;
	return r->ncolumns;
}

/* All names that the members of these objects have. */
static bool add_columns(struct rows *r, struct span object)
{
	struct walk_item it;
	struct walk w;
	size_t at = 0;

	if (!walk_open(&w, object))
		return false;
	while (walk_next(&w, &it)) {
		at = column_of(r, &it, at);
		if (at == r->ncolumns && r->ncolumns == ROWS_COLUMNS_MAX)
			return false;
		if (at == r->ncolumns)
			add_column(r, it.key);
		at++;
	}
	return true;
}

static void fill_row(struct rows *r, struct span *row, size_t first, struct span object)
{
	struct walk_item it;
	struct walk w;
	size_t at = first;

	if (!walk_open(&w, object))
		return;
	while (walk_next(&w, &it)) {
		at = column_of(r, &it, at);
		if (at < r->ncolumns) {
			row[at] = it.value;
			r->flat = r->flat && is_flat(it.value);
		}
		at++;
	}
}

static bool alloc_cells(struct rows *r)
{
	size_t n = r->n * r->ncolumns;

	if (!r->n || !r->ncolumns || r->n > ROWS_CELLS_MAX || n > ROWS_CELLS_MAX)
		return false;
	r->cells = mem_grow(NULL, n, sizeof(*r->cells));
	memset(r->cells, 0, n * sizeof(*r->cells));
	return true;
}

/* The elements are objects (of an object: with its keys as the first column, without a name). */
static bool read_objects(struct span v, bool keyed, struct rows *r)
{
	struct walk_item it;
	struct walk w;

	if (keyed) {
		r->columns = mem_grow(NULL, 1, sizeof(*r->columns));
		r->columns[r->ncolumns++] = mem_dup("");
	}
	if (!walk_open(&w, v))
		return false;
	for (; walk_next(&w, &it); r->n++)
		if (walk_type(it.value) != WALK_OBJECT || !add_columns(r, it.value))
			return false;
	if (!alloc_cells(r) || !walk_open(&w, v))
		return false;
	r->flat = true;
	for (size_t i = 0; walk_next(&w, &it); i++) {
		struct span *row = r->cells + i * r->ncolumns;

		if (keyed)
			row[0] = (struct span){ it.key.p - 1, it.key.n + 2 };
		fill_row(r, row, keyed, it.value);
	}
	return true;
}

/* An object of objects is a table when those are alike: each column is there in half of them. */
static bool is_table(const struct rows *r)
{
	size_t there = 0;

	for (size_t i = 0; i < r->n * r->ncolumns; i++)
		there += r->cells[i].p != NULL;
	return r->flat && 2 * there >= r->n * r->ncolumns && r->ncolumns > 1;
}

/* A value that means the key: {"7": {"id": 7}}. */
static bool is_key(struct span key, struct span v)
{
	if (walk_type(v) == WALK_NUMBER)
		return v.n == key.n - 2 && memcmp(v.p, key.p + 1, v.n) == 0;
	return v.n == key.n && memcmp(v.p, key.p, v.n) == 0;
}

/* Keys that are repeated in a column say nothing. */
static void drop_keys(struct rows *r)
{
	for (size_t c = 1; c < r->ncolumns; c++) {
		bool same = true;

		for (size_t i = 0; same && i < r->n; i++)
			same = rows_cell(r, i, c).p &&
			       is_key(rows_cell(r, i, 0), rows_cell(r, i, c));
		if (!same)
			continue;
		for (size_t i = 0; i < r->n; i++)
			memmove(r->cells + i * (r->ncolumns - 1), r->cells + i * r->ncolumns + 1,
				(r->ncolumns - 1) * sizeof(*r->cells));
		free(r->columns[0]);
		memmove(r->columns, r->columns + 1, --r->ncolumns * sizeof(*r->columns));
		return;
	}
}

static size_t members(struct span v)
{
	struct walk_item it;
	struct walk w;
	size_t n = 0;

	if (walk_open(&w, v))
		while (walk_next(&w, &it))
			n++;
	return n;
}

/* Fills a column with a series; false when its dates are not those of the first one. */
static bool fill_series(struct rows *r, size_t column, struct span v)
{
	struct walk_item it;
	struct walk w;
	size_t i = 0;

	if (members(v) != r->n || !walk_open(&w, v))
		return false;
	for (; walk_next(&w, &it); i++) {
		struct span *row = r->cells + i * r->ncolumns,
			    date = { it.key.p - 1, it.key.n + 2 };

		if (!row[0].p)
			row[0] = date;
		else if (row[0].n != date.n || memcmp(row[0].p, date.p, date.n) != 0)
			return false;
		row[column] = it.value;
	}
	return true;
}

static bool read_one_series(struct span v, struct rows *r)
{
	r->columns = mem_grow(NULL, 2, sizeof(*r->columns));
	r->columns[r->ncolumns++] = mem_dup("date");
	r->columns[r->ncolumns++] = mem_dup("value");
	r->n = members(v);
	r->series = r->flat = true;
	return alloc_cells(r) && fill_series(r, 1, v);
}

/* An object of series: a column for each. */
static bool read_many_series(struct span v, struct rows *r)
{
	struct walk_item it;
	struct walk w;

	r->columns = mem_grow(NULL, 1, sizeof(*r->columns));
	r->columns[r->ncolumns++] = mem_dup("date");
	if (!walk_open(&w, v))
		return false;
	while (walk_next(&w, &it)) {
		if (!is_series(it.value) || r->ncolumns == ROWS_COLUMNS_MAX)
			return false;
		r->n = members(it.value);
		add_column(r, it.key);
	}
	r->series = r->flat = true;
	if (!alloc_cells(r) || !walk_open(&w, v))
		return false;
	for (size_t c = 1; walk_next(&w, &it); c++)
		if (!fill_series(r, c, it.value))
			return false;
	return true;
}

static bool try_read(struct span v, struct rows *r)
{
	if (walk_type(v) == WALK_ARRAY)
		return read_objects(v, false, r);
	if (walk_type(v) != WALK_OBJECT)
		return false;
	if (is_series(v))
		return read_one_series(v, r);
	if (read_many_series(v, r))
		return true;
	rows_clear(r);
	if (!read_objects(v, true, r) || !is_table(r))
		return false;
	drop_keys(r);
	return true;
}

bool rows_read(struct span v, struct rows *r)
{
	*r = (struct rows){ 0 };
	if (try_read(v, r))
		return true;
	rows_clear(r);
	return false;
}

void rows_clear(struct rows *r)
{
	for (size_t c = 0; c < r->ncolumns; c++)
		free(r->columns[c]);
	free(r->columns);
	free(r->cells);
	*r = (struct rows){ 0 };
}

struct span rows_cell(const struct rows *r, size_t row, size_t column)
{
	return r->cells[row * r->ncolumns + column];
}

/* ---- values as text ---- */

static bool add_list(struct span v, struct buf *out)
{
	struct walk_item it;
	struct walk w;
	size_t n = 0;

	if (!walk_open(&w, v))
		return false;
	while (walk_next(&w, &it))
		if ((n++ && !buf_adds(out, ", ")) || !rows_text(it.value, out))
			return false;
	return true;
}

bool rows_text(struct span v, struct buf *out)
{
	switch (walk_type(v)) {
	case WALK_STRING:
		return walk_string(v, out);
	case WALK_NONE:
	case WALK_NULL:
		return true;
	case WALK_ARRAY:
		if (is_flat(v))
			return add_list(v, out);
		break;
	default:
		break;
	}
	return buf_add(out, v.p, v.n);
}

double rows_number(struct span v)
{
	char text[64] = "";
	double n;

	if (walk_type(v) == WALK_NUMBER && v.n < sizeof(text))
		memcpy(text, v.p, v.n);
	n = strtod(text, NULL);
	return n > DBL_MAX ? DBL_MAX : n < -DBL_MAX ? -DBL_MAX : n;
}
