#include "mcp/catalog.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off: one row a line */
/* Sorted by name (the check in catalog_find() relies on it; tests/unit/test_policy.c proves it). */
static const struct catalog_tool known[] = {
	{ "Bulk-Edit-Events", CATALOG_CHANGE, "lexicon" },
	{ "Bulk-Edit-Properties", CATALOG_CHANGE, "lexicon" },
	{ "Create-Cohort", CATALOG_ADD, "analytics" },
	{ "Create-Custom-Property", CATALOG_ADD, "lexicon" },
	{ "Create-Dashboard", CATALOG_ADD, "boards" },
	{ "Create-Experiment", CATALOG_ADD, "experiments" },
	{ "Create-Feature-Flag", CATALOG_ADD, "flags" },
	{ "Create-Lookup-Table", CATALOG_ADD, "lexicon" },
	{ "Create-Metric", CATALOG_ADD, "analytics" },
	{ "Create-Tag", CATALOG_ADD, "lexicon" },
	{ "Delete-Cohort", CATALOG_DELETE, "analytics" },
	{ "Delete-Dashboard", CATALOG_DELETE, "boards" },
	{ "Delete-Tag", CATALOG_DELETE, "lexicon" },
	{ "Describe-Cohort-Schema", CATALOG_READ, "analytics" },
	{ "Dismiss-Duplicate-Group", CATALOG_CHANGE, "lexicon" },
	{ "Dismiss-Issues", CATALOG_CHANGE, "lexicon" },
	{ "Display-Query", CATALOG_READ, "analytics" },
	{ "Duplicate-Dashboard", CATALOG_ADD, "boards" },
	{ "Edit-Event", CATALOG_CHANGE, "lexicon" },
	{ "Edit-Property", CATALOG_CHANGE, "lexicon" },
	{ "Explain-Experiment-Health-Check", CATALOG_READ, "experiments" },
	{ "Fill-Event-Metadata", CATALOG_CHANGE, "lexicon" },
	{ "Find-Duplicate-Groups", CATALOG_READ, "lexicon" },
	{ "Get-Business-Context", CATALOG_READ, "lexicon" },
	{ "Get-Cohort", CATALOG_READ, "analytics" },
	{ "Get-Custom-Property", CATALOG_READ, "lexicon" },
	{ "Get-Dashboard", CATALOG_READ, "boards" },
	{ "Get-Events", CATALOG_READ, "lexicon" },
	{ "Get-Experiment", CATALOG_READ, "experiments" },
	{ "Get-Experiment-Results-Interpretation-Guidance", CATALOG_READ, "experiments" },
	{ "Get-Experiment-Setup-Guidance", CATALOG_READ, "experiments" },
	{ "Get-Feature-Flag", CATALOG_READ, "flags" },
	{ "Get-Feature-Flag-Lifecycle-Guidance", CATALOG_READ, "flags" },
	{ "Get-Feature-Flag-Setup-Guidance", CATALOG_READ, "flags" },
	{ "Get-Issues", CATALOG_READ, "lexicon" },
	{ "Get-Lexicon-URL", CATALOG_READ, "lexicon" },
	{ "Get-Lookup-Table", CATALOG_READ, "lexicon" },
	{ "Get-Metric", CATALOG_READ, "analytics" },
	{ "Get-Projects", CATALOG_READ, "analytics" },
	{ "Get-Property-Values", CATALOG_READ, "lexicon" },
	{ "Get-Query-Schema", CATALOG_READ, "analytics" },
	{ "Get-Report", CATALOG_READ, "analytics" },
	{ "Get-User-Replays-Data", CATALOG_READ, "replays" },
	{ "List-Cohorts", CATALOG_READ, "analytics" },
	{ "List-Dashboards", CATALOG_READ, "boards" },
	{ "List-Experiments", CATALOG_READ, "experiments" },
	{ "List-Feature-Flags", CATALOG_READ, "flags" },
	{ "List-Metrics", CATALOG_READ, "analytics" },
	{ "List-Organizations", CATALOG_READ, "analytics" },
	{ "List-Properties", CATALOG_READ, "lexicon" },
	{ "Merge-Group", CATALOG_CHANGE, "lexicon" },
	{ "Rename-Tag", CATALOG_CHANGE, "lexicon" },
	{ "Run-Experiment-Pre-Launch-Checks", CATALOG_READ, "experiments" },
	{ "Run-Query", CATALOG_READ, "analytics" },
	{ "Search-Entities", CATALOG_READ, "analytics" },
	{ "Search-Prior-Experiments", CATALOG_READ, "experiments" },
	{ "Update-Business-Context", CATALOG_CHANGE, "lexicon" },
	{ "Update-Cohort", CATALOG_CHANGE, "analytics" },
	{ "Update-Custom-Property", CATALOG_CHANGE, "lexicon" },
	{ "Update-Dashboard", CATALOG_CHANGE, "boards" },
	{ "Update-Experiment", CATALOG_CHANGE, "experiments" },
	{ "Update-Feature-Flag", CATALOG_CHANGE, "flags" },
	{ "Update-Lookup-Table", CATALOG_CHANGE, "lexicon" },
	{ "Update-Metric", CATALOG_CHANGE, "analytics" },
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
