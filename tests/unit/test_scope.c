#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/scope.h"

static void scopes_are_compared_as_words(void **state)
{
	char *u = scope_union("a b", "b  c a d"), *m;

	(void)state;
	assert_string_equal(u, "a b c d");
	free(u);
	assert_true(scope_has("data:read x", "x", 1));
	assert_false(scope_has("data:read", "data", 4));
	assert_false(scope_has(NULL, "data", 4));
	m = scope_missing("a b c b", "a x");
	assert_string_equal(m, "b c");
	free(m);
	assert_null(scope_missing("a", "a b"));
	assert_null(scope_missing(NULL, "a"));
	m = scope_missing("a", NULL);
	assert_string_equal(m, "a");
	free(m);
}

static const struct {
	const char *what;
	struct scope_choice c;
	const char *scope;
} rows[] = {
	{ "nothing known", { 0 }, NULL },
	{ "offered", { .offered = "a b" }, "a b" },
	{ "challenge before offered", { .offered = "a b", .challenge = "c" }, "c" },
	{ "challenge beside what was asked", { .challenge = "c", .asked = "x" }, "x c" },
	{ "pinned before all",
		{ .pinned = "p", .offered = "a", .challenge = "c", .asked = "x", .granted = "y" },
		"p" },
	{ "offered anew, not what was asked", { .offered = "a b", .asked = "x", .granted = "x" },
		"a b" },
	{ "step-up",
		{ .offered = "a",
			.challenge = "c",
			.step_up = true,
			.asked = "x",
			.granted = "x y" },
		"x y c" },
	{ "step-up from nothing asked", { .challenge = "c", .step_up = true, .granted = "x y" },
		"x y c" },
	{ "step-up from nothing known", { .offered = "a b", .challenge = "c", .step_up = true },
		"a b c" },
	{ "step-up from nothing known, pinned",
		{ .pinned = "p", .offered = "a b", .challenge = "c", .step_up = true }, "p c" },
	{ "step-up with a pin",
		{ .pinned = "p", .challenge = "c", .step_up = true, .asked = "p", .granted = "p" },
		"p c" },
	{ "wanted in vain", { .offered = "a b", .asked = "a", .granted = "a", .wanted = "w" },
		"a b w" },
	{ "wanted in vain, pinned", { .pinned = "p", .asked = "p", .wanted = "w" }, "p w" },
	{ "wanted, where none was asked", { .granted = "x", .wanted = "w" }, "x w" },
	{ "wanted already", { .offered = "a w", .wanted = "w" }, "a w" },
	{ "offline", { .offered = "a", .offline_access = true }, "a offline_access" },
	{ "offline, pinned", { .pinned = "p", .offline_access = true }, "p" },
	{ "offline, nothing asked", { .offline_access = true }, NULL },
};

static void scope_is_chosen_by_the_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *scope = scope_choose(&rows[i].c);

		if ((scope != NULL) != (rows[i].scope != NULL) ||
			(scope && strcmp(scope, rows[i].scope) != 0))
			fail_msg("%s: %s", rows[i].what, scope ? scope : "(none)");
		free(scope);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scopes_are_compared_as_words),
		cmocka_unit_test(scope_is_chosen_by_the_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
