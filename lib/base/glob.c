#include "base/glob.h"

#include <stddef.h>

/* One character of a set, which may be escaped; NULL: the pattern ends. */
static const char *set_member(const char *p, unsigned char *c)
{
	if (*p == '\\')
		p++;
	*c = (unsigned char)*p;
	return *p ? p + 1 : NULL;
}

/* p is behind the bracket. Returns what follows the set; NULL when it does not end, so that it is none. */
static const char *in_set(const char *p, unsigned char c, bool *found)
{
	bool negated = *p == '!' || *p == '^', any = false;
	unsigned char from, to;

	p += negated;
	for (bool first = true; *p != ']' || first; first = false) {
		if (!(p = set_member(p, &from)))
			return NULL;
		to = from;
		if (p[0] == '-' && p[1] && p[1] != ']' && !(p = set_member(p + 1, &to)))
			return NULL;
		any = any || (c >= from && c <= to);
	}
	*found = any != negated;
	return p + 1;
}

/* Behind the part of the pattern that takes c; NULL: none does. */
static const char *take_one(const char *p, unsigned char c)
{
	const char *behind;
	bool found = false;

	if (*p == '?')
		return p + 1;
	if (*p == '[' && (behind = in_set(p + 1, c, &found)))
		return found ? behind : NULL;
	if (*p == '\\')
		p++;
	return *p && (unsigned char)*p == c ? p + 1 : NULL;
}

bool glob_matches(const char *pattern, const char *text)
{
	/* Behind the last star, and where it stops taking: only that one is tried again. */
	const char *star = NULL, *from = NULL, *next;

	while (*text || *pattern == '*') {
		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if ((next = take_one(pattern, (unsigned char)*text))) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			return false;
		}
	}
	return !*pattern;
}
