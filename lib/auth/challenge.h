/*
 * WWW-Authenticate fields (RFC 9110 section 11.6.1) and what OAuth puts there:
 * RFC 6750 section 3 (error, scope), RFC 9728 section 5.1 (resource_metadata).
 * Pure.
 */
#ifndef MPMCP_CHALLENGE_H
#define MPMCP_CHALLENGE_H

#include <stdbool.h>
#include <stddef.h>

/* Longest value of a parameter that is kept: a URL, or a list of scopes. */
#define CHALLENGE_VALUE_MAX 8192

/* The first Bearer challenge; each string is owned and NULL when absent. */
struct challenge {
	bool bearer; /* there was one */
	char *error, *error_description, *scope, *resource_metadata;
};

/* Reads the fields in order; a field may hold several challenges. What cannot be read ends its field
 * and never fails the rest. challenge_clear() afterwards. */
void challenge_parse(const char *const *fields, size_t n, struct challenge *c);
void challenge_clear(struct challenge *c);

#endif
