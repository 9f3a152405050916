/*
 * The tools of Mixpanel's service that are known by name: what each does to
 * the data, and which set of the service's documentation it belongs to.
 */
#ifndef MPMCP_CATALOG_H
#define MPMCP_CATALOG_H

#include <stdbool.h>
#include <stddef.h>

enum catalog_class {
	CATALOG_READ,   /* changes nothing */
	CATALOG_ADD,    /* creates something */
	CATALOG_CHANGE, /* overwrites or hides what is there */
	CATALOG_DELETE,
};

struct catalog_tool {
	const char *name;
	enum catalog_class what;
	const char *set; /* analytics, boards, lexicon, experiments, flags, replays */
};

/* NULL when unknown. Names are compared exactly. */
const struct catalog_tool *catalog_find(const char *name);
const struct catalog_tool *catalog_all(size_t *n);
bool catalog_is_set(const char *set);

#endif
