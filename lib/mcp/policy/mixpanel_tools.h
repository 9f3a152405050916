/*
 * The tools of Mixpanel's service that are known by name: what each does to
 * the data, whose data those are, and which set of the service's documentation it
 * belongs to.
 */
#ifndef MPMCP_MIXPANEL_TOOLS_H
#define MPMCP_MIXPANEL_TOOLS_H

#include <stdbool.h>
#include <stddef.h>

enum mixpanel_tools_class {
	MIXPANEL_TOOLS_READ,   /* changes nothing */
	MIXPANEL_TOOLS_ADD,    /* creates something */
	MIXPANEL_TOOLS_CHANGE, /* overwrites or hides what is there */
	MIXPANEL_TOOLS_DELETE,
};

/* Whose data a tool reads or changes. */
enum mixpanel_tools_reach {
	MIXPANEL_TOOLS_PROJECT, /* those of one project, which the call must name */
	MIXPANEL_TOOLS_NO_PROJECT, /* of none: names of projects, schemas, fixed text, a result of before */
	MIXPANEL_TOOLS_ORGANIZATION, /* of all projects of an organization; takes no project as far as known */
};

struct mixpanel_tools_tool {
	const char *name;
	enum mixpanel_tools_class what;
	const char *set; /* analytics, audit, boards, lexicon, experiments, flags, replays */
	enum mixpanel_tools_reach reach;
};

/* NULL when unknown. Names are compared exactly. */
const struct mixpanel_tools_tool *mixpanel_tools_find(const char *name);
const struct mixpanel_tools_tool *mixpanel_tools_all(size_t *n);
bool mixpanel_tools_is_set(const char *set);

#endif
