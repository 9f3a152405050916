/* Tables and the width of text. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "columns.h"
#include "tools/table.h"

#define CJK "\u8cc7\u6599"

static void characters_take_their_columns(void **state)
{
	static const struct {
		const char *text;
		size_t columns, fits_3; /* bytes that fit into three columns */
	} rows[] = {
		{ "", 0, 0 }, { "abc", 3, 3 }, { "abcd", 4, 3 }, { CJK, 4, 3 },
		{ "e\u0301te\u0301", 3, 7 },                /* combining accents */
		{ "\U0001F389x\U0001F389", 5, 5 },          /* emoji */
		{ "\xff\xfe", 2, 2 }, { "\xe8\xb3", 2, 2 }, /* the rest is missing */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = strlen(rows[i].text);

		assert_int_equal(columns_of(rows[i].text, n), rows[i].columns);
		assert_int_equal(columns_fit(rows[i].text, n, 3), rows[i].fits_3);
	}
}

static void cells(struct table *t, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (*texts[i] >= '0' && *texts[i] <= '9')
			table_number(t, texts[i], strlen(texts[i]));
		else
			table_cell(t, texts[i], strlen(texts[i]));
}

/* The last row is there times times. */
static void assert_table(const char *const *texts, size_t n, size_t columns, size_t width,
	size_t times, const char *want)
{
	struct table *t = table_new(columns);
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	cells(t, texts, n);
	for (size_t i = 1; i < times; i++)
		cells(t, texts + n - columns, columns);
	table_print(f, t, width);
	fclose(f);
	assert_int_equal(strncmp(text, want, strlen(want)), 0);
	if (times == 1)
		assert_string_equal(text, want);
	free(text);
	table_free(t);
}

#define TABLE_OF(times, columns, width, want, ...) \
	assert_table((const char *const[]){ __VA_ARGS__ }, \
		sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *), columns, width, \
		times, want)
#define TABLE(columns, width, want, ...) TABLE_OF(1, columns, width, want, __VA_ARGS__)

static void columns_stand_side_by_side(void **state)
{
	(void)state;
	TABLE(3, 80, "name     n  x\nab       7  y\n" CJK "  1234\n", "name", "n", "x", "ab", "7",
		"y", CJK, "1234", "");
	TABLE(2, 80, "a\nb\n", "a", "empty", "b", "");
}

static void widest_column_is_cut_and_no_number(void **state)
{
	(void)state;
	TABLE_OF(6, 2, 20, "name          number\nwhat is l\u2026  12345678\n", "name", "number",
		"what is longer than that", "12345678");
	TABLE_OF(6, 2, 12, "w          n\n\u8cc7\u6599\u8cc7\u2026   12\n", "w", "n",
		CJK CJK CJK CJK, "12");
}

static void narrow_terminal_gets_a_cell_a_line(void **state)
{
	(void)state;
	TABLE_OF(6, 2, 18, "a  one two three\n    four\nb  1234567890123\n\na  one", "a", "b",
		"one two three four", "1234567890123");
	TABLE(2, 20, "a  one two three\n    four\nb  1234567890123\n\na  x\nb  1\n", "a", "b",
		"one two three four", "1234567890123", "x", "1");
}

static void control_characters_are_replaced(void **state)
{
	(void)state;
	TABLE(1, 20, "a\n?]0;x?\n", "a", "\033]0;x\a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(characters_take_their_columns),
		cmocka_unit_test(columns_stand_side_by_side),
		cmocka_unit_test(widest_column_is_cut_and_no_number),
		cmocka_unit_test(narrow_terminal_gets_a_cell_a_line),
		cmocka_unit_test(control_characters_are_replaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
