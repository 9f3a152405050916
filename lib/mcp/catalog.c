#include "mcp/catalog.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off: one row a line */
/* Sorted by name (the check in catalog_find() relies on it; tests/unit/test_policy.c proves it). */
static const struct catalog_tool known[] = {
	{ "Bulk-Edit-Events", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Bulk-Edit-Properties", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Create-Cohort", CATALOG_ADD, "analytics", CATALOG_PROJECT },
	{ "Create-Custom-Property", CATALOG_ADD, "lexicon", CATALOG_PROJECT },
	{ "Create-Dashboard", CATALOG_ADD, "boards", CATALOG_PROJECT },
	{ "Create-Experiment", CATALOG_ADD, "experiments", CATALOG_PROJECT },
	{ "Create-Feature-Flag", CATALOG_ADD, "flags", CATALOG_PROJECT },
	{ "Create-Lookup-Table", CATALOG_ADD, "lexicon", CATALOG_PROJECT },
	{ "Create-Metric", CATALOG_ADD, "analytics", CATALOG_PROJECT },
	{ "Create-Tag", CATALOG_ADD, "lexicon", CATALOG_PROJECT },
	{ "Delete-Cohort", CATALOG_DELETE, "analytics", CATALOG_PROJECT },
	{ "Delete-Dashboard", CATALOG_DELETE, "boards", CATALOG_PROJECT },
	{ "Delete-Tag", CATALOG_DELETE, "lexicon", CATALOG_PROJECT },
	{ "Describe-Cohort-Schema", CATALOG_READ, "analytics", CATALOG_NO_PROJECT },
	{ "Dismiss-Duplicate-Group", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Dismiss-Issues", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Display-Query", CATALOG_READ, "analytics", CATALOG_NO_PROJECT },
	{ "Duplicate-Dashboard", CATALOG_ADD, "boards", CATALOG_PROJECT },
	{ "Edit-Event", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Edit-Property", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Explain-Experiment-Health-Check", CATALOG_READ, "experiments", CATALOG_PROJECT },
	{ "Fill-Event-Metadata", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Find-Duplicate-Groups", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Audit-Log", CATALOG_READ, "audit", CATALOG_ORGANIZATION },
	{ "Get-Business-Context", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Cohort", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "Get-Custom-Property", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Dashboard", CATALOG_READ, "boards", CATALOG_PROJECT },
	{ "Get-Events", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Experiment", CATALOG_READ, "experiments", CATALOG_PROJECT },
	{ "Get-Experiment-Results-Interpretation-Guidance", CATALOG_READ, "experiments",
		CATALOG_NO_PROJECT },
	{ "Get-Experiment-Setup-Guidance", CATALOG_READ, "experiments", CATALOG_NO_PROJECT },
	{ "Get-Feature-Flag", CATALOG_READ, "flags", CATALOG_PROJECT },
	{ "Get-Feature-Flag-Lifecycle-Guidance", CATALOG_READ, "flags", CATALOG_NO_PROJECT },
	{ "Get-Feature-Flag-Setup-Guidance", CATALOG_READ, "flags", CATALOG_NO_PROJECT },
	{ "Get-Issues", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Lexicon-URL", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Lookup-Table", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Metric", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "Get-Projects", CATALOG_READ, "analytics", CATALOG_NO_PROJECT },
	{ "Get-Property-Values", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Get-Query-Schema", CATALOG_READ, "analytics", CATALOG_NO_PROJECT },
	{ "Get-Report", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "Get-User-Replays-Data", CATALOG_READ, "replays", CATALOG_PROJECT },
	{ "List-Cohorts", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "List-Dashboards", CATALOG_READ, "boards", CATALOG_PROJECT },
	{ "List-Experiments", CATALOG_READ, "experiments", CATALOG_PROJECT },
	{ "List-Feature-Flags", CATALOG_READ, "flags", CATALOG_PROJECT },
	{ "List-Metrics", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "List-Organizations", CATALOG_READ, "analytics", CATALOG_NO_PROJECT },
	{ "List-Properties", CATALOG_READ, "lexicon", CATALOG_PROJECT },
	{ "Merge-Group", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Rename-Tag", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Run-Experiment-Pre-Launch-Checks", CATALOG_READ, "experiments", CATALOG_PROJECT },
	{ "Run-Query", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "Search-Entities", CATALOG_READ, "analytics", CATALOG_PROJECT },
	{ "Search-Prior-Experiments", CATALOG_READ, "experiments", CATALOG_PROJECT },
	{ "Update-Business-Context", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Update-Cohort", CATALOG_CHANGE, "analytics", CATALOG_PROJECT },
	{ "Update-Custom-Property", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Update-Dashboard", CATALOG_CHANGE, "boards", CATALOG_PROJECT },
	{ "Update-Experiment", CATALOG_CHANGE, "experiments", CATALOG_PROJECT },
	{ "Update-Feature-Flag", CATALOG_CHANGE, "flags", CATALOG_PROJECT },
	{ "Update-Lookup-Table", CATALOG_CHANGE, "lexicon", CATALOG_PROJECT },
	{ "Update-Metric", CATALOG_CHANGE, "analytics", CATALOG_PROJECT },
};
/* clang-format on */

static int compare(const void *key, const void *element)
{
	return strcmp(key, ((const struct catalog_tool *)element)->name);
}

const struct catalog_tool *catalog_find(const char *name)
{
	return bsearch(name, known, sizeof(known) / sizeof(known[0]), sizeof(known[0]), compare);
}

const struct catalog_tool *catalog_all(size_t *n)
{
	*n = sizeof(known) / sizeof(known[0]);
	return known;
}

bool catalog_is_set(const char *set)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].set, set) == 0)
			return true;
	return false;
}
