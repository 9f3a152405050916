#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/pattern.h"

static void patterns_that_posix_has_are_looked_at(void **state)
{
	static const struct {
		const char *pattern, *fits, *not ;
	} rows[] = {
		{ "^\\d{4}-\\d{2}-\\d{2}$", "2026-11-30", "30.11.2026" },
		{ "^[\\w.-]+@[\\w-]+$", "a.b-c@d_e", "a b@c" },
		{ "^(?:us|eu|in)$", "eu", "de" },
		{ "^\\S+$", "a-b", "a b" },
		{ "^a\\.b\\/c\\-d\\{\\}$", "a.b/c-d{}", "axb/c-d{}" },
		{ "^[^\\s,]*$", "ab", "a,b" },
		{ "^a{2,}$", "aaa", "a" },
		{ "^[a\\\\]$", "\\", "b" },
		{ "b", "abc", "ac" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (pattern_refuses(rows[i].pattern, rows[i].fits))
			fail_msg("%s refuses %s", rows[i].pattern, rows[i].fits);
		if (!pattern_refuses(rows[i].pattern, rows[i].not ))
			fail_msg("%s takes %s", rows[i].pattern, rows[i].not );
	}
}

/* Whatever the text: these say another thing in POSIX, none, or one that is dear. */
static void other_patterns_refuse_nothing(void **state)
{
	static const char *const patterns[] = { "^(?=x)", "^(?!a)", "\\bx\\b", "^\\u0041$",
		"^(a)\\1x$", "^x*?$", "^x+?$", "^x??$", "^x{1}?$", "^[]", "^[^]", "^[[:alpha:]]$",
		"^[\\w-x]z$", "^[!-\\d]z$", "^[\\]x]$", "^(x{255}){255}$", "^x{256}$", "^x{1",
		"^x{,3}$", "^{", "(", "^x{a}$", "\\", "[\\", "[a", "^\\p{L}$", "^\xc3\xa9$",
		"^x{1}{255}$" };

	(void)state;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		if (pattern_refuses(patterns[i], "aaaa"))
			fail_msg("%s refuses", patterns[i]);
	assert_false(pattern_refuses("^.$", "\xc3\xa9"));
	assert_false(pattern_refuses("^.x$", "\nx"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_that_posix_has_are_looked_at),
		cmocka_unit_test(other_patterns_refuse_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
