/* Text for people, broken between words at the width of their terminal. */
#ifndef MPMCP_WRAP_H
#define MPMCP_WRAP_H

#include <stddef.h>
#include <stdio.h>

/* Columns of the terminal behind f, from WRAP_WIDTH_MIN on; WRAP_WIDTH when f is no terminal. */
#define WRAP_WIDTH ((size_t)80)
#define WRAP_WIDTH_MIN ((size_t)20)
size_t wrap_width(FILE *f);

/*
 * Prints text (UTF-8, one paragraph) and a line break. The first line begins in column `at`, where the
 * cursor stands; further lines are indented by `indent` columns. A word that is wider than the line
 * stands alone and passes it: addresses and commands are copied whole.
 */
void wrap_text(FILE *to, size_t width, size_t at, size_t indent, const char *text);

/* The same from column 0, with the first n bytes in a colour (the numbers of SGR); NULL: none. */
void wrap_marked(FILE *to, size_t width, const char *text, size_t n, const char *colour);

#endif
