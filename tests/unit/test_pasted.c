#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/pasted.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct pasted piece(const char *s)
{
	return (struct pasted){ s, strlen(s) };
}

static void what_nobody_filled_in_is_named(void **state)
{
	static const struct {
		const char *text, *said; /* NULL: it is a value */
		bool shown;
	} rows[] = {
		{ "${NAME_1}", "${NAME_1}", true },
		{ "a ${NAME} b", "${NAME}", false },
		{ "${env:TOKEN}", "${TOKEN}", true },
		{ "${input:some-id}", "${input:...}", false },
		{ "${a1B2c3D4}", "like ${NAME}", false },
		{ "${", "like ${NAME}", false },
		{ "$NAME", "${NAME}", true },
		{ "$my_name", "${my_name}", true },
		{ "%NAME%", "${NAME}", true },
		{ "$(cat f)", "no shell", false },
		{ "{{name}}", "brackets", false },
		{ "{name}", "brackets", false },
		{ "<s0me th1ng>", "brackets", false },
		{ "your-token-here", "\"your-token-here\"", true },
		{ "YOURTOKEN", "\"YOURTOKEN\"", true },
		{ "Bearer YOUR_API_KEY", "\"Bearer YOUR_API_KEY\"", true },
		{ "<base64 of username:secret>", "\"<base64 of username:secret>\"", true },
		{ "base64-encoded-credentials", "placeholder", true },
		{ "<replace with your own key>", "placeholder", true },
		{ "username:secret", "placeholder", true },
		{ "xxxxxxxxx", "placeholder", true },
		{ "***", "placeholder", true },
		{ "", NULL, false },
		{ "$", NULL, false },
		{ "$x1", NULL, false },
		{ "$5", NULL, false },
		{ "100%", NULL, false },
		{ "%%", NULL, false },
		{ "{}", "brackets", false },
		{ "{\"a\":1}", NULL, false },
		{ "<https://example.com/>", NULL, false },
		{ "token", NULL, false },
		{ "the-secret-account", NULL, false },
		{ "your-t0ken", NULL, false },
		{ "yourself", NULL, false },
		{ "xx", NULL, false },
		{ "dXNlcjpzZWNyZXQ=", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		bool is = pasted_unfilled(piece(rows[i].text), "PLACE", &e);

		if (is != (rows[i].said != NULL))
			fail_msg("%s: %s", rows[i].text, is ? e.msg : "taken");
		if (is && (!strstr(e.msg, rows[i].said) || strncmp(e.msg, "PLACE ", 6) != 0))
			fail_msg("%s: %s", rows[i].text, e.msg);
		assert_int_equal(e.kind, is ? ERR_USAGE : ERR_NONE);
		if (pasted_may_be_shown(piece(rows[i].text)) != rows[i].shown)
			fail_msg("%s: shown", rows[i].text);
	}
}

/* The comparison with examples is bounded, and a long text is no example. */
static void texts_of_any_length_are_compared(void **state)
{
	char text[300];

	(void)state;
	for (size_t n = 3; n < sizeof(text); n++) {
		memset(text, 'x', n);
		assert_int_equal(
			pasted_unfilled((struct pasted){ text, n }, "PLACE", NULL), n <= 96);
	}
}

static void what_stands_around_a_value_is_taken_off(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ " a ", "a" },
		{ "\xef\xbb\xbf\xc2\xa0 a\\n\r\n", "a" },
		{ "\xe2\x80\x8b", "" },
		{ "a\xe2\x80", "a\xe2\x80" },
		{ "\\n", "" },
		{ "\\na", "\\na" },
	};
	struct pasted s = piece("\"");

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		s = pasted_trim(piece(rows[i].in));
		assert_int_equal(s.n, strlen(rows[i].out));
		assert_memory_equal(s.p, rows[i].out, s.n);
	}
	s = piece("\"");
	assert_false(pasted_unquote(&s));
	s = piece("\"a'");
	assert_false(pasted_unquote(&s));
	s = piece("''");
	assert_true(pasted_unquote(&s));
	assert_int_equal(s.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_filled_in_is_named),
		cmocka_unit_test(texts_of_any_length_are_compared),
		cmocka_unit_test(what_stands_around_a_value_is_taken_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
