/*
 * How much room text takes on a terminal: wide characters (East Asian Width W and F, Unicode Annex 11)
 * take two columns, combining ones none. Text is UTF-8; a byte that is not takes one. Pure.
 */
#ifndef MPMCP_COLUMNS_H
#define MPMCP_COLUMNS_H

#include <stddef.h>

size_t columns_of(const char *p, size_t n); /* columns of n bytes */

/* The longest beginning of the n bytes, in bytes, that takes at most max columns. */
size_t columns_fit(const char *p, size_t n, size_t max);

#endif
