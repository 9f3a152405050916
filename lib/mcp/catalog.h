/*
 * The tools of Mixpanel's service that are known by name: what each does to
 * the data, whose data those are, and which set of the service's documentation it
 * belongs to.
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

/* Whose data a tool reads or changes. */
enum catalog_reach {
	CATALOG_PROJECT,    /* those of one project, which the call must name */
	CATALOG_NO_PROJECT, /* of none: names of projects, schemas, fixed text, a result of before */
	CATALOG_ORGANIZATION, /* of all projects of an organization; takes no project as far as known */
};

struct catalog_tool {
	const char *name;
	enum catalog_class what;
	const char *set; /* analytics, audit, boards, lexicon, experiments, flags, replays */
	enum catalog_reach reach;
};

/* NULL when unknown. Names are compared exactly. */
const struct catalog_tool *catalog_find(const char *name);
const struct catalog_tool *catalog_all(size_t *n);
bool catalog_is_set(const char *set);

#endif
