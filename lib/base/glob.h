/*
 * Patterns for names, as fnmatch(3) has them without flags: "*", "?", "[a-z]",
 * "[!a-z]", and a backslash before what is meant as it is. Bytes are compared;
 * classes such as [:alpha:] mean nothing special. Takes time in proportion to both
 * lengths at most, whatever the pattern.
 */
#ifndef MPMCP_GLOB_H
#define MPMCP_GLOB_H

#include <stdbool.h>

bool glob_matches(const char *pattern, const char *text);

#endif
