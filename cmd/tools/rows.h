/*
 * Rows and columns in JSON text: a list of objects, an object of objects that are alike, a series of
 * numbers by date, several of them. Values stay as they stand in the text: numbers of any size do.
 */
#ifndef MPMCP_ROWS_H
#define MPMCP_ROWS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "mcp/json/message.h"

/* More columns are no table that anybody reads; more cells would take more than this machine may give
 * to a server's answer. */
#define ROWS_COLUMNS_MAX 100
#define ROWS_CELLS_MAX ((size_t)1 << 21)

struct rows {
	char **columns; /* their names, as they are in the text: not fit for a terminal yet */
	size_t ncolumns, n;
	struct span *cells; /* n * ncolumns; {NULL,0} where a row has no such member. Borrowed */
	bool series;        /* the first column is a date, the others are numbers or null */
	bool flat;          /* no cell is an object, or a list of anything but plain values */
};

/* False when v holds no rows; *r is empty then. rows_clear() either way. */
bool rows_read(struct span v, struct rows *r);
void rows_clear(struct rows *r);

struct span rows_cell(const struct rows *r, size_t row, size_t column);

/* A value as text: a string without quotes and escapes, nothing for null, plain values of a list with
 * ", " between them, anything else as JSON. */
bool rows_text(struct span v, struct buf *out) BUF_MUST;

/* The number in the text of v, for comparing alone; 0 when it is none. */
double rows_number(struct span v);

/* The key (between its quotes) as text. */
bool rows_key(struct span key, struct buf *out) BUF_MUST;

#endif
