/*
 * A whole JSON text, 64 bytes a step: RFC 8259 grammar and RFC 3629 UTF-8, with
 * what stands in the outermost object noted on the way.
 *
 * Each step turns 64 bytes into bit masks (quotes, backslashes, control
 * characters, brackets), finds out by arithmetic on them which bytes lie inside
 * strings, and then visits only the bytes at which a token begins. Inside a
 * string nothing is visited at all, however many escapes it has.
 *
 * SSE2 or NEON is the base; AVX2 is chosen on the first call where the processor
 * has it. Machines with neither get none of it and scan_wide() is never true.
 */
#ifndef MPMCP_SCAN_WIDE_H
#define MPMCP_SCAN_WIDE_H

#include <stdbool.h>
#include <stddef.h>

/* Shorter texts are not worth the set-up; the plain scanner takes them. */
#define SCAN_WIDE_MIN ((size_t)256)

/* The deepest nesting that it follows; deeper text is left to the plain scanner and its cap. */
#define SCAN_WIDE_DEPTH 1024

/* A member of the outermost object: the key with its quotes, the value without white space around
 * it. False ends the scan. */
typedef bool scan_member_fn(void *ctx, char *key, size_t key_n, char *value, size_t value_n);

/*
 * True when all of p to end is one JSON object or array (white space around it is fine), nested at
 * most SCAN_WIDE_DEPTH deep; line breaks between tokens are blanks then, and *first and *behind
 * bound the value. Members are told in their order, for an object only.
 *
 * False says only that the plain scanner must look, from the start: for text that is no good, and
 * why; for scalars; where no wide instructions are available, or none that are faster: SSE2 leaves it
 * text that has no long string in 8 KiB. Some line breaks may have become blanks
 * by then, only between tokens.
 */
bool scan_wide(char *p, char *end, char **first, char **behind, scan_member_fn *member, void *ctx);

/* The ways to scan that this processor has, the one in use last, for tests and measurements:
 * names[i] for i from 0, NULL after the last. scan_wide_choose() takes one of them. */
const char *scan_wide_name(size_t i);
void scan_wide_choose(size_t i);

#endif
