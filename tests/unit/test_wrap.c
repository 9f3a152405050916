/* Text is broken between words, and never inside one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>

#include <cmocka.h>

#include "wrap.h"

static const struct {
	const char *what;
	size_t width, at, indent;
	const char *text, *want;
} rows[] = {
	{ "fits", 20, 0, 0, "one two", "one two\n" },
	{ "fits to the last column", 7, 0, 0, "one two", "one two\n" },
	{ "one column short", 6, 0, 0, "one two", "one\ntwo\n" },
	{ "further lines are indented", 12, 4, 4, "one two three", "one two\n    three\n" },
	{ "the first line begins later", 12, 10, 2, "a b", "a\n  b\n" },
	{ "a wide word stands alone", 10, 0, 2, "see https://example.com/x now",
		"see\n  https://example.com/x\n  now\n" },
	{ "blanks are one", 20, 0, 0, "  one   two ", "one two\n" },
	{ "characters count, not bytes", 8, 0, 0, "\u00fc\u00fc\u00fc \u00e9\u00e9\u00e9\u00e9",
		"\u00fc\u00fc\u00fc \u00e9\u00e9\u00e9\u00e9\n" },
	{ "nothing", 8, 0, 0, "", "\n" },
};

static void lines_break_between_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = NULL;
		size_t n = 0;
		FILE *f = open_memstream(&text, &n);

		assert_non_null(f);
		wrap_text(f, rows[i].width, rows[i].at, rows[i].indent, rows[i].text);
		fclose(f);
		assert_string_equal(text, rows[i].want);
		free(text);
	}
}

static void what_is_no_terminal_has_eighty_columns(void **state)
{
	FILE *f = tmpfile();

	(void)state;
	assert_non_null(f);
	assert_int_equal(wrap_width(f), WRAP_WIDTH);
	fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_break_between_words),
		cmocka_unit_test(what_is_no_terminal_has_eighty_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
