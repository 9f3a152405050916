#include "mcp/policy/mixpanel_tools.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off: one row a line */
/* Sorted by name (the check in mixpanel_tools_find() relies on it; tests/unit/test_policy.c proves it). */
static const struct mixpanel_tools_tool known[] = {
	{ "Bulk-Edit-Events", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Bulk-Edit-Properties", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Cohort", MIXPANEL_TOOLS_ADD, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Custom-Property", MIXPANEL_TOOLS_ADD, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Dashboard", MIXPANEL_TOOLS_ADD, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Experiment", MIXPANEL_TOOLS_ADD, "experiments", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Feature-Flag", MIXPANEL_TOOLS_ADD, "flags", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Lookup-Table", MIXPANEL_TOOLS_ADD, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Metric", MIXPANEL_TOOLS_ADD, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Create-Tag", MIXPANEL_TOOLS_ADD, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Delete-Cohort", MIXPANEL_TOOLS_DELETE, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Delete-Dashboard", MIXPANEL_TOOLS_DELETE, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "Delete-Tag", MIXPANEL_TOOLS_DELETE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Describe-Cohort-Schema", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_NO_PROJECT },
	{ "Dismiss-Duplicate-Group", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Dismiss-Issues", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Display-Query", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_NO_PROJECT },
	{ "Duplicate-Dashboard", MIXPANEL_TOOLS_ADD, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "Edit-Event", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Edit-Property", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Explain-Experiment-Health-Check", MIXPANEL_TOOLS_READ, "experiments",
		MIXPANEL_TOOLS_PROJECT },
	{ "Fill-Event-Metadata", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Find-Duplicate-Groups", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Audit-Log", MIXPANEL_TOOLS_READ, "audit", MIXPANEL_TOOLS_ORGANIZATION },
	{ "Get-Business-Context", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Cohort", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Custom-Property", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Dashboard", MIXPANEL_TOOLS_READ, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Events", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Experiment", MIXPANEL_TOOLS_READ, "experiments", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Experiment-Results-Interpretation-Guidance", MIXPANEL_TOOLS_READ, "experiments",
		MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Experiment-Setup-Guidance", MIXPANEL_TOOLS_READ, "experiments",
		MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Feature-Flag", MIXPANEL_TOOLS_READ, "flags", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Feature-Flag-Lifecycle-Guidance", MIXPANEL_TOOLS_READ, "flags",
		MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Feature-Flag-Setup-Guidance", MIXPANEL_TOOLS_READ, "flags",
		MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Issues", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Lexicon-URL", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Lookup-Table", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Metric", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Projects", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Property-Values", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Get-Query-Schema", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_NO_PROJECT },
	{ "Get-Report", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Get-User-Replays-Data", MIXPANEL_TOOLS_READ, "replays", MIXPANEL_TOOLS_PROJECT },
	{ "List-Cohorts", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "List-Dashboards", MIXPANEL_TOOLS_READ, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "List-Experiments", MIXPANEL_TOOLS_READ, "experiments", MIXPANEL_TOOLS_PROJECT },
	{ "List-Feature-Flags", MIXPANEL_TOOLS_READ, "flags", MIXPANEL_TOOLS_PROJECT },
	{ "List-Metrics", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "List-Organizations", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_NO_PROJECT },
	{ "List-Properties", MIXPANEL_TOOLS_READ, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Merge-Group", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Rename-Tag", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Run-Experiment-Pre-Launch-Checks", MIXPANEL_TOOLS_READ, "experiments",
		MIXPANEL_TOOLS_PROJECT },
	{ "Run-Query", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Search-Entities", MIXPANEL_TOOLS_READ, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Search-Prior-Experiments", MIXPANEL_TOOLS_READ, "experiments", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Business-Context", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Cohort", MIXPANEL_TOOLS_CHANGE, "analytics", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Custom-Property", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Dashboard", MIXPANEL_TOOLS_CHANGE, "boards", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Experiment", MIXPANEL_TOOLS_CHANGE, "experiments", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Feature-Flag", MIXPANEL_TOOLS_CHANGE, "flags", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Lookup-Table", MIXPANEL_TOOLS_CHANGE, "lexicon", MIXPANEL_TOOLS_PROJECT },
	{ "Update-Metric", MIXPANEL_TOOLS_CHANGE, "analytics", MIXPANEL_TOOLS_PROJECT },
};
/* clang-format on */

static int compare(const void *key, const void *element)
{
	return strcmp(key, ((const struct mixpanel_tools_tool *)element)->name);
}

const struct mixpanel_tools_tool *mixpanel_tools_find(const char *name)
{
	return bsearch(name, known, sizeof(known) / sizeof(known[0]), sizeof(known[0]), compare);
}

const struct mixpanel_tools_tool *mixpanel_tools_all(size_t *n)
{
	*n = sizeof(known) / sizeof(known[0]);
	return known;
}

bool mixpanel_tools_is_set(const char *set)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].set, set) == 0)
			return true;
	return false;
}
