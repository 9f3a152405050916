/*
 * The tools of a server for people: which do what to the data, in groups, narrowed by words.
 */
#ifndef MPMCP_TOOL_LIST_H
#define MPMCP_TOOL_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "options.h"

/* "read", "write", "delete", or "?" when neither the table of the service's tools (mixpanel_tools.h) nor
 * the tool's annotations say. */
const char *tool_list_effect(const json_t *tool);

/* The group that --only-tool calls by this name, TOOL_LIST_OTHER for tools that are in none. */
#define TOOL_LIST_OTHER "other"
const char *tool_list_group(const json_t *tool);

/* "" when the tool has none. */
const char *tool_list_name(const json_t *tool);

/* The tools (array, borrowed) that fit all words: "@boards" is a group, 'Get-*' a pattern of names,
 * anything else is looked for in names and descriptions, in any case. The caller frees. */
json_t *tool_list_matching(const json_t *tools, const struct options_list *words);

/* The tool of that name; NULL with e set, the nearest name in it. a: what was said to the command. */
const json_t *tool_list_find(const struct options *a, const json_t *tools, const char *name,
	struct err *e) __attribute__((warn_unused_result));

/*
 * On a terminal: groups, effects, the first line of each description cut to the width; counts, of how
 * many (all), and what the definitions take of a model's context. Elsewhere one line a tool: name,
 * effect, group and description with tabs between them.
 */
void tool_list_print(FILE *f, const json_t *tools, size_t all);

#endif
