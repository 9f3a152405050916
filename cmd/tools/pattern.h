/*
 * The "pattern" of a JSON schema (ECMA-262 regular expressions), as far as POSIX
 * extended ones say the same: most of those that schemas have. Pure.
 */
#ifndef MPMCP_PATTERN_H
#define MPMCP_PATTERN_H

#include <stdbool.h>

/* The text certainly does not match. False also where that cannot be told: look-ahead, \b, \u and the
 * like, text or pattern outside ASCII, and what would be dear to look at: the pattern is a server's. */
bool pattern_refuses(const char *pattern, const char *text);

#endif
