/*
 * Lists of scopes (RFC 6749 section 3.3), and the one to ask for. Pure.
 */
#ifndef MPMCP_SCOPE_H
#define MPMCP_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

/* Lists from servers are cut there: no address of a sign-in with more than that is taken anywhere, and a
 * list is compared with another one name by name. */
#define SCOPE_LIST_MAX ((size_t)16 << 10)

bool scope_has(const char *list, const char *scope, size_t n);
/* "a b" and "b c" give "a b c"; malloc'ed. Either may be NULL. */
char *scope_union(const char *a, const char *b) __attribute__((warn_unused_result));
/* What of wanted is not in held, as such a text; NULL when nothing is missing. malloc'ed. */
char *scope_missing(const char *wanted, const char *held) __attribute__((warn_unused_result));

/* NULL: not known, not said. */
struct scope_choice {
	const char *pinned;          /* by the person */
	const char *challenge;       /* by the service's refusal */
	bool step_up;                /* which wants that beyond what is held */
	const char *offered;         /* by the resource metadata */
	bool offline_access;         /* offered by the sign-in server */
	const char *asked, *granted; /* by the sign-in before */
	const char *wanted;          /* by the service, in vain until now */
};

/*
 * Pinned, else what the challenge wants (with what was asked for before), else what the resource offers,
 * else nothing at all: NULL. A step-up keeps what is held, and adds to what is pinned. Never invented.
 * malloc'ed.
 */
char *scope_choose(const struct scope_choice *c) __attribute__((warn_unused_result));

#endif
