/*
 * Rows of short texts, drawn for a terminal: columns side by side as far as they fit the width, the widest
 * cut with an ellipsis; where rows are few, or even that is too narrow, one cell a line beside its
 * column's name.
 */
#ifndef MPMCP_TABLE_H
#define MPMCP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct table;

struct table *table_new(size_t columns);
void table_free(struct table *t); /* NULL is fine */

/* The next cell, row by row; the first row is the head. What a terminal would obey becomes "?". A number is
 * set to the right, and so is the head of a column that holds nothing else. */
void table_cell(struct table *t, const char *text, size_t n);
void table_number(struct table *t, const char *text, size_t n);
/* A text below the row that was added last, wrapped. */
void table_note(struct table *t, const char *text);

/* Columns that are empty but for their head are left out. */
void table_print(FILE *f, const struct table *t, size_t width);

#endif
