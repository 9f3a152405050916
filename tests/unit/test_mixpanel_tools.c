#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/policy/mixpanel_tools.h"

static void names_are_sorted_and_none_is_there_twice(void **state)
{
	size_t n;
	const struct mixpanel_tools_tool *t = mixpanel_tools_all(&n);

	(void)state;
	assert_true(n > 45);
	for (size_t i = 1; i < n; i++)
		if (strcmp(t[i - 1].name, t[i].name) >= 0)
			fail_msg("%s stands before %s", t[i - 1].name, t[i].name);
}

static void every_tool_is_found_by_its_exact_name_alone(void **state)
{
	size_t n;
	const struct mixpanel_tools_tool *t = mixpanel_tools_all(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		char other[80];

		assert_ptr_equal(mixpanel_tools_find(t[i].name), &t[i]);
		snprintf(other, sizeof(other), "%s ", t[i].name);
		assert_null(mixpanel_tools_find(other));
		snprintf(other, sizeof(other), "%c%s", t[i].name[0] | 32, t[i].name + 1);
		assert_null(mixpanel_tools_find(other));
		snprintf(other, sizeof(other), "%.*s", (int)strlen(t[i].name) - 1, t[i].name);
		assert_null(mixpanel_tools_find(other));
	}
	assert_null(mixpanel_tools_find(""));
	assert_null(mixpanel_tools_find("\xff"));
}

static void sets_are_those_of_the_documentation(void **state)
{
	static const char *const sets[] = { "analytics", "boards", "lexicon", "experiments",
		"flags", "replays", "audit" };
	size_t n;
	const struct mixpanel_tools_tool *t = mixpanel_tools_all(&n);

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_true(mixpanel_tools_is_set(sets[i]));
	assert_false(mixpanel_tools_is_set("Boards"));
	assert_false(mixpanel_tools_is_set(""));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (k < 7 && strcmp(sets[k], t[i].set) != 0)
			k++;
		if (k == 7)
			fail_msg("%s is in the unknown set %s", t[i].name, t[i].set);
	}
}

/* A name that says that it changes something must not count as harmless by a slip of the table. */
static void names_and_classes_agree(void **state)
{
	static const struct {
		const char *verb;
		enum mixpanel_tools_class what;
	} verbs[] = { { "Get-", MIXPANEL_TOOLS_READ }, { "List-", MIXPANEL_TOOLS_READ },
		{ "Search-", MIXPANEL_TOOLS_READ }, { "Find-", MIXPANEL_TOOLS_READ },
		{ "Describe-", MIXPANEL_TOOLS_READ }, { "Explain-", MIXPANEL_TOOLS_READ },
		{ "Run-", MIXPANEL_TOOLS_READ }, { "Display-", MIXPANEL_TOOLS_READ },
		{ "Create-", MIXPANEL_TOOLS_ADD }, { "Duplicate-", MIXPANEL_TOOLS_ADD },
		{ "Update-", MIXPANEL_TOOLS_CHANGE }, { "Edit-", MIXPANEL_TOOLS_CHANGE },
		{ "Bulk-Edit-", MIXPANEL_TOOLS_CHANGE }, { "Merge-", MIXPANEL_TOOLS_CHANGE },
		{ "Rename-", MIXPANEL_TOOLS_CHANGE }, { "Dismiss-", MIXPANEL_TOOLS_CHANGE },
		{ "Fill-", MIXPANEL_TOOLS_CHANGE }, { "Delete-", MIXPANEL_TOOLS_DELETE } };
	size_t n;
	const struct mixpanel_tools_tool *t = mixpanel_tools_all(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		size_t k = 0, rows = sizeof(verbs) / sizeof(verbs[0]);

		while (k < rows && strncmp(t[i].name, verbs[k].verb, strlen(verbs[k].verb)) != 0)
			k++;
		if (k == rows || t[i].what != verbs[k].what)
			fail_msg("%s", t[i].name);
	}
}

/* A tool of no project that changes or reads data would be a way around --only-project. */
static void tools_outside_projects_change_nothing(void **state)
{
	size_t n, none = 0;
	const struct mixpanel_tools_tool *t = mixpanel_tools_all(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		if (t[i].reach == MIXPANEL_TOOLS_PROJECT)
			continue;
		if (t[i].what != MIXPANEL_TOOLS_READ)
			fail_msg("%s", t[i].name);
		none += t[i].reach == MIXPANEL_TOOLS_NO_PROJECT;
	}
	assert_int_equal(none, 9);
	assert_int_equal(mixpanel_tools_find("Get-Audit-Log")->reach, MIXPANEL_TOOLS_ORGANIZATION);
	assert_int_equal(mixpanel_tools_find("Fill-Event-Metadata")->what, MIXPANEL_TOOLS_CHANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_sorted_and_none_is_there_twice),
		cmocka_unit_test(every_tool_is_found_by_its_exact_name_alone),
		cmocka_unit_test(sets_are_those_of_the_documentation),
		cmocka_unit_test(names_and_classes_agree),
		cmocka_unit_test(tools_outside_projects_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
