#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fnmatch.h>

#include <cmocka.h>

#include "base/glob.h"

static void rows(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} row[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "Get-*", "Get-Projects", true },
		{ "Get-*", "get-Projects", false },
		{ "*-Report*", "Run-Report", true },
		{ "*a*b*c", "xaxbxc", true },
		{ "*a*b*c", "xaxbx", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "[a-c]x", "bx", true },
		{ "[!a-c]x", "bx", false },
		{ "[^a-c]x", "dx", true },
		{ "[]x]", "]", true },
		{ "[a-]", "-", true },
		{ "[c-a]", "b", false },
		{ "[ab", "[ab", true },
		{ "[ab", "a", false },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "[\\]]", "]", true },
		{ "a\\", "a\\", false },
		{ "*\xe9", "caf\xe9", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (glob_matches(row[i].pattern, row[i].text) != row[i].matches)
			fail_msg("%s on %s", row[i].pattern, row[i].text);
}

static void random_text(char *out, size_t most, const char *letters)
{
	size_t n = (size_t)rand() % most;

	for (size_t i = 0; i < n; i++)
		out[i] = letters[(size_t)rand() % strlen(letters)];
	out[n] = 0;
}

static void as_fnmatch_has_it(void **state)
{
	char pattern[12], text[10];

	(void)state;
	srand(20261130);
	for (int i = 0; i < 200000; i++) {
		random_text(pattern, sizeof(pattern), "aabc**?[]!-\\");
		random_text(text, sizeof(text), "aabc-]");
		if (glob_matches(pattern, text) != (fnmatch(pattern, text, 0) == 0))
			fail_msg("'%s' on '%s': %d", pattern, text, glob_matches(pattern, text));
	}
}

static void many_stars_take_no_time(void **state)
{
	char text[20001], pattern[2001];

	(void)state;
	memset(text, 'a', 20000);
	text[20000] = 0;
	for (size_t i = 0; i < 2000; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[1999] = 'b';
	pattern[2000] = 0;
	assert_false(glob_matches(pattern, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(as_fnmatch_has_it),
		cmocka_unit_test(many_stars_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
