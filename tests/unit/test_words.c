#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "mcp/words.h"

static void check(const char *body, const char *want)
{
	char out[WORDS_MAX + 1], *p = strdup(body);

	words_from_body(p, strlen(p), out);
	if (strcmp(out, want) != 0)
		fail_msg("%.100s gave \"%s\", not \"%s\"", body, out, want);
	free(p);
}

static void the_sentence_of_the_service_is_found(void **state)
{
	(void)state;
	check("", "");
	check(" \n\t", "");
	check("plain words", "plain words");
	check("  two\r\n  lines\t ", "two lines");
	check("{\"error\":\"invalid_token\",\"error_description\":\"it \\u0022expired\\u0022\"}",
		"it \"expired\"");
	check("{\"error\":{\"code\":-1,\"message\":\"inside\"}}", "inside");
	check("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"message\":\"m\"}}", "m");
	check("{\"detail\":\"d\",\"title\":\"t\"}", "d");
	check("{\"title\":\"t\",\"status\":400}", "t");
	check("{\"message\":7,\"error\":\"e\"}", "e");
	check("{\"x\":\"y\"}", "");
	check("{broken", "");
	check("[\"x\"]", "");
	check("{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"message\":\"deep\"}}}}}}",
		"");
	check("<html><head><TITLE lang=\"en\">Bad\n gateway</TITLE>", "Bad gateway");
	check("<html><title>never closed", "");
	check("<title", "");
	check("<html>no title</html>", "");
}

static void pages_of_any_size_become_one_short_line(void **state)
{
	char body[1000], out[WORDS_MAX + 1];

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		size_t n = lead;

		memset(body, 'x', sizeof(body));
		for (; n + 4 <= sizeof(body); n += 4)
			memcpy(body + n, "\xf0\x9d\x84\x9e", 4);
		words_from_body(body, n, out);
		assert_true(strlen(out) <= WORDS_MAX && strlen(out) > WORDS_MAX - 8);
		assert_true((strlen(out) - lead) % 4 == 0); /* not in the middle of a character */
		assert_null(strchr(out, '?'));
	}
}

static void control_characters_and_secrets_do_not_get_through(void **state)
{
	char body[] = "a\x1b[31mb \x07 topsecret99 \xff end", zero[] = "a\0b";
	char out[WORDS_MAX + 1];

	(void)state;
	diag_hide("topsecret99", 11);
	words_from_body(body, sizeof(body) - 1, out);
	assert_null(strstr(out, "topsecret99"));
	assert_null(strchr(out, 0x1b));
	assert_null(strchr(out, 0x07));
	assert_null(strchr(out, (char)0xff));
	assert_non_null(strstr(out, "end"));
	words_from_body(zero, 3, out);
	assert_string_equal(out, "a?b");
}

static void nothing_is_read_behind_the_end(void **state)
{
	static const char body[] = "{\"error\":{\"message\":\"m\"}}<title>x</title>";
	char out[WORDS_MAX + 1];

	(void)state;
	for (size_t n = 0; n <= sizeof(body) - 1; n++) {
		char *p = malloc(n ? n : 1); /* valgrind and ASan watch its end */

		memcpy(p, body, n);
		words_from_body(p, n, out);
		free(p);
		for (size_t from = 24; from < n; from++) {
			p = malloc(n - from);
			memcpy(p, body + from, n - from);
			words_from_body(p, n - from, out);
			free(p);
		}
	}
}

static void known_texts_and_statuses_have_advice(void **state)
{
	(void)state;
	assert_non_null(strstr(words_hint(403, "MCP access is NOT ENABLED for x"), "organisation"));
	assert_non_null(strstr(words_hint(403, "requires scopes: x"), "login --force"));
	assert_non_null(strstr(words_hint(404, ""), "--region"));
	assert_true(*words_hint(405, "") && *words_hint(403, "") && *words_hint(500, "") &&
		    *words_hint(429, ""));
	assert_string_equal(words_hint(400, "nothing known"), "");
	assert_string_equal(words_hint(302, ""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sentence_of_the_service_is_found),
		cmocka_unit_test(pages_of_any_size_become_one_short_line),
		cmocka_unit_test(control_characters_and_secrets_do_not_get_through),
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(known_texts_and_statuses_have_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
