#include "tools/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "columns.h"
#include "wrap.h"

#define GAP 2        /* blanks between columns */
#define COLUMN_MIN 8 /* what is narrower than that is not cut any more */
#define NOTE_INDENT 4
/* Fewer rows than that are shown whole, however wide they are. */
#define CUT_ROWS 6
#define ELLIPSIS "\xe2\x80\xa6"

struct cell {
	char *text;
	size_t width;
	bool number;
};

struct table {
	size_t columns, n; /* cells; whole rows, once all were added */
	struct cell *cells;
	char **notes; /* of rows; NULL: none */
	size_t nnotes;
};

struct table *table_new(size_t columns)
{
	struct table *t = mem_new(sizeof(*t));

	t->columns = columns;
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	for (size_t i = 0; i < t->nnotes; i++)
		free(t->notes[i]);
	free(t->cells);
	free(t->notes);
	free(t);
}

static void add(struct table *t, const char *text, size_t n, bool number)
{
	char *clean = err_clean(mem_ndup(text, n));

	t->cells = mem_grow(t->cells, t->n + 1, sizeof(*t->cells));
	t->cells[t->n++] = (struct cell){ clean, columns_of(clean, strlen(clean)), number };
}

void table_cell(struct table *t, const char *text, size_t n)
{
	add(t, text, n, false);
}

void table_number(struct table *t, const char *text, size_t n)
{
	add(t, text, n, true);
}

void table_note(struct table *t, const char *text)
{
	size_t row = (t->n - 1) / t->columns;

	while (t->nnotes <= row) {
		t->notes = mem_grow(t->notes, t->nnotes + 1, sizeof(*t->notes));
		t->notes[t->nnotes++] = NULL;
	}
	free(t->notes[row]);
	t->notes[row] = err_clean(mem_dup(text));
}

static const struct cell *cell_at(const struct table *t, size_t row, size_t column)
{
	return &t->cells[row * t->columns + column];
}

static size_t rows_of(const struct table *t)
{
	return t->n / t->columns;
}

/* ---- how wide ---- */

struct layout {
	size_t *width; /* of each column; 0: left out */
	bool *numbers; /* it holds nothing else */
	size_t sum;    /* with the gaps */
};

static void measure(const struct table *t, struct layout *l)
{
	l->width = mem_grow(NULL, t->columns, sizeof(*l->width));
	l->numbers = mem_grow(NULL, t->columns, sizeof(*l->numbers));
	l->sum = 0;
	for (size_t c = 0; c < t->columns; c++) {
		bool empty = true;

		l->width[c] = 0;
		l->numbers[c] = true;
		for (size_t r = 1; r < rows_of(t); r++) {
			const struct cell *cell = cell_at(t, r, c);

			empty = empty && !cell->width;
			l->numbers[c] = l->numbers[c] && (cell->number || !cell->width);
			if (cell->width > l->width[c])
				l->width[c] = cell->width;
		}
		if (empty)
			continue;
		if (cell_at(t, 0, c)->width > l->width[c])
			l->width[c] = cell_at(t, 0, c)->width;
		l->sum += l->width[c] + (l->sum ? GAP : 0);
	}
}

/* Columns that may go: a number that is cut would be another one. */
static size_t spare(const struct layout *l, size_t c)
{
	return l->numbers[c] || l->width[c] <= COLUMN_MIN ? 0 : l->width[c] - COLUMN_MIN;
}

/* Takes from the widest until it fits; false when all are narrow already. */
static bool squeeze(const struct table *t, struct layout *l, size_t width)
{
	for (size_t c = 0; c < t->columns; c++) {
		size_t over = l->width[c] > width ? l->width[c] - width : 0;

		if (over < spare(l, c)) {
			l->width[c] -= over;
			l->sum -= over;
		}
	}
	while (l->sum > width) {
		size_t widest = 0;

		for (size_t c = 1; c < t->columns; c++)
			if (spare(l, c) > spare(l, widest))
				widest = c;
		if (!spare(l, widest))
			return false;
		l->width[widest]--;
		l->sum--;
	}
	return true;
}

/* ---- drawing ---- */

static void print_cut(FILE *f, const struct cell *c, size_t width)
{
	size_t n = strlen(c->text);

	if (c->width <= width) {
		fputs(c->text, f);
		return;
	}
	n = columns_fit(c->text, n, width - 1);
	fprintf(f, "%.*s%s%*s", (int)n, c->text, ELLIPSIS,
		(int)(width - 1 - columns_of(c->text, n)), "");
}

static void print_row(FILE *f, const struct table *t, const struct layout *l, size_t row)
{
	size_t blanks = 0;
	bool first = true;

	for (size_t c = 0; c < t->columns; c++) {
		const struct cell *cell = cell_at(t, row, c);
		size_t room = l->width[c] > cell->width ? l->width[c] - cell->width : 0;
		bool right = cell->number || (row == 0 && l->numbers[c]);

		if (!l->width[c])
			continue;
		blanks += first ? 0 : GAP;
		first = false;
		if (cell->width) {
			/* No blanks at the end of a line. */
			fprintf(f, "%*s", (int)(blanks + (right ? room : 0)), "");
			print_cut(f, cell, l->width[c]);
			blanks = right ? 0 : room;
		} else {
			blanks += l->width[c];
		}
	}
	fputc('\n', f);
}

static void print_note(FILE *f, const struct table *t, size_t row, size_t width)
{
	if (row >= t->nnotes || !t->notes[row])
		return;
	fprintf(f, "%*s", NOTE_INDENT, "");
	wrap_text(f, width, NOTE_INDENT, NOTE_INDENT, t->notes[row]);
}

static void print_grid(FILE *f, const struct table *t, const struct layout *l, size_t width)
{
	for (size_t r = 0; r < rows_of(t); r++) {
		print_row(f, t, l, r);
		print_note(f, t, r, width);
	}
}

static void print_records(FILE *f, const struct table *t, const struct layout *l, size_t width)
{
	for (size_t r = 1; r < rows_of(t); r++) {
		if (r > 1)
			fputc('\n', f);
		for (size_t c = 0; c < t->columns; c++) {
			const struct cell *cell = cell_at(t, r, c), *head = cell_at(t, 0, c);

			if (!l->width[c] || !cell->width)
				continue;
			fprintf(f, "%s  ", head->text);
			wrap_text(f, width, head->width + GAP, NOTE_INDENT, cell->text);
		}
		print_note(f, t, r, width);
	}
}

void table_print(FILE *f, const struct table *t, size_t width)
{
	struct layout l;

	measure(t, &l);
	if (l.sum <= width || (rows_of(t) - 1 >= CUT_ROWS && squeeze(t, &l, width)))
		print_grid(f, t, &l, width);
	else
		print_records(f, t, &l, width);
	free(l.width);
	free(l.numbers);
}
