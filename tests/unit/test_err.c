#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/err.h"

static void a_failure_is_one_line(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_false(err_set(&e, ERR_NET, "%s: port %d", "host", 7));
	assert_int_equal(e.kind, ERR_NET);
	assert_string_equal(e.msg, "host: port 7");
	assert_false(err_set(NULL, ERR_NET, "nobody asks"));
	assert_false(err_prefix(NULL, "nobody asks"));
}

static void the_old_message_may_be_part_of_the_new(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_IO, "inner");
	err_set(&e, ERR_USAGE, "outer (%s)", e.msg);
	assert_string_equal(e.msg, "outer (inner)");
	assert_false(err_prefix(&e, "step %d", 2));
	assert_string_equal(e.msg, "step 2: outer (inner)");
	assert_int_equal(e.kind, ERR_USAGE);
}

static void advice_stays_beside_the_message_until_it_is_printed(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_NET, "cause");
	assert_string_equal(err_text(&e), "cause");
	assert_false(err_advise(&e, REASON_TLS, "Do %s\n.", "this"));
	assert_string_equal(e.msg, "cause");
	assert_string_equal(err_text(&e), "cause. Do this .");
	err_prefix(&e, "step");
	err_append(&e, "; %d", 7);
	assert_int_equal(e.reason, REASON_TLS);
	assert_string_equal(err_text(&e), "step: cause; 7. Do this .");
	err_set(&e, ERR_NET, "why?");
	assert_int_equal(e.reason, REASON_NONE);
	assert_string_equal(err_text(&e), "why?");
	err_advise(&e, REASON_NONE, "So.");
	assert_string_equal(err_text(&e), "why? So.");
	assert_false(err_advise(NULL, REASON_NONE, "nobody asks"));
	assert_false(err_append(NULL, "nobody asks"));
}

static void text_that_is_too_long_is_cut(void **state)
{
	struct err e = { 0 };
	char many[ERR_MSG_MAX + 100];

	(void)state;
	memset(many, 'x', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	err_set(&e, ERR_IO, "a");
	err_append(&e, "%s", many);
	err_advise(&e, REASON_NONE, "%s", many);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	assert_int_equal(strlen(e.advice), ERR_ADVICE_MAX - 1);
	assert_int_equal(strlen(err_text(&e)), ERR_MSG_MAX + ERR_ADVICE_MAX);
}

static void reasons_have_names_that_lead_back(void **state)
{
	(void)state;
	for (unsigned i = REASON_NONE + 1; i < ERR_REASONS; i++)
		assert_int_equal(err_reason_named(err_reason_name((enum err_reason)i)), i);
	assert_null(err_reason_name(REASON_NONE));
	assert_null(err_reason_name((enum err_reason)ERR_REASONS));
	assert_int_equal(err_reason_named("?"), REASON_NONE);
	assert_int_equal(err_reason_named(NULL), REASON_NONE);
}

static void text_from_elsewhere_cannot_steer_a_terminal(void **state)
{
	static const struct {
		const char *what, *in, *want;
	} rows[] = {
		{ "plain", "all fine", "all fine" },
		{ "empty", "", "" },
		{ "line breaks and tabs", "a\r\nb\tc", "a  b c" },
		{ "escape sequence", "\033[31mred", "?[31mred" },
		{ "bell and delete", "\a\177", "??" },
		{ "C1 controls",
			"a\xc2\x80\xc2\x9f"
			"b",
			"a??b" },
		{ "first character behind C1", "\xc2\xa0", "\xc2\xa0" },
		{ "right-to-left override",
			"a\xe2\x80\xae"
			"b",
			"a?b" },
		{ "isolates", "\xe2\x81\xa6\xe2\x81\xa9", "??" },
		{ "line separator", "\xe2\x80\xa8", "?" },
		{ "neighbours of those", "\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\x9f\xe2\x81\xb0",
			"\xe2\x80\xa7\xe2\x80\xaf\xe2\x81\x9f\xe2\x81\xb0" },
		{ "direction marks", "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "???" },
		{ "neighbours of the marks", "\xe2\x80\x90\xd8\x9b\xd8\x9d",
			"\xe2\x80\x90\xd8\x9b\xd8\x9d" },
		{ "what shows nothing",
			"\xe2\x80\x8b\xe2\x81\xa0\xe2\x81\xaf\xef\xbb\xbf\xe1\xa0\x8e", "?????" },
		{ "tags", "\xf3\xa0\x80\x81\xf3\xa0\x81\xa1\xf3\xa0\x81\xbf", "???" },
		{ "behind the tags", "\xf3\xa0\x82\x80", "\xf3\xa0\x82\x80" },
		{ "joiners of Persian and of emoji", "\xe2\x80\x8c\xe2\x80\x8d",
			"\xe2\x80\x8c\xe2\x80\x8d" },
		{ "letters of every length", "z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
			"z\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
		{ "lone continuation", "a\x80z", "a?z" },
		{ "overlong slash", "\xc0\xaf\xe0\x80\xaf\xf0\x80\x80\xaf", "?????????" },
		{ "surrogate", "\xed\xa0\x80", "???" },
		{ "last before surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf" },
		{ "above U+10FFFF", "\xf4\x90\x80\x80\xf5\x80\x80\x80", "????????" },
		{ "U+10FFFF", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
		{ "cut at the end", "a\xe2\x82", "a??" },
		{ "cut in the middle", "\xf0\x9f\x98z", "???z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s", rows[i].in);
		assert_ptr_equal(err_clean(text), text);
		if (strcmp(text, rows[i].want) != 0)
			fail_msg("%s: got \"%s\"", rows[i].what, text);
	}
}

static void messages_are_cleaned_too(void **state)
{
	struct err e = { 0 };

	(void)state;
	err_set(&e, ERR_SERVER, "it says: %s", "no\n\033[2J");
	assert_string_equal(e.msg, "it says: no ?[2J");
}

static void a_long_message_is_cut_between_characters(void **state)
{
	static const char *const letters[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		for (size_t shift = 0; shift < 4; shift++) {
			char text[2 * ERR_MSG_MAX] = "";
			size_t n = strlen(letters[i]), len = shift;
			struct err e = { 0 };

			memset(text, '.', shift);
			for (; len + n < sizeof(text); len += n)
				memcpy(text + len, letters[i], n);
			err_set(&e, ERR_SERVER, "%s", text);
			assert_true(strlen(e.msg) < sizeof(e.msg));
			assert_true(strlen(e.msg) >= sizeof(e.msg) - 4);
			assert_int_equal((strlen(e.msg) - shift) % n, 0);
			assert_memory_equal(e.msg, text, strlen(e.msg));
		}
	}
}

static void a_prefix_does_not_lose_the_message_or_overrun(void **state)
{
	char text[2 * ERR_MSG_MAX];
	struct err e = { 0 };

	(void)state;
	memset(text, 'm', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, ERR_IO, "%s", text);
	err_prefix(&e, "reading");
	assert_memory_equal(e.msg, "reading: mmm", 12);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
}

static void a_secret_is_not_in_a_message_wherever_the_cut_falls(void **state)
{
	static const char secret[] = "Kq7-hidden-value-9Zt";

	(void)state;
	diag_hide(secret, strlen(secret));
	for (size_t pad = ERR_MSG_MAX - 40; pad < ERR_MSG_MAX + 10; pad++) {
		char text[ERR_MSG_MAX + 64];
		struct err e = { 0 };

		memset(text, '.', pad);
		snprintf(text + pad, sizeof(text) - pad, "%s tail", secret);
		err_set(&e, ERR_SERVER, "%s", text);
		assert_null(strstr(e.msg, "Kq7"));
		assert_null(strstr(e.msg, "9Zt"));
	}
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a < ERR_KINDS; a++)
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				err_kind_name((enum err_kind)a), err_kind_name((enum err_kind)b));
	assert_string_equal(err_kind_name(ERR_KINDS), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_one_line),
		cmocka_unit_test(the_old_message_may_be_part_of_the_new),
		cmocka_unit_test(advice_stays_beside_the_message_until_it_is_printed),
		cmocka_unit_test(text_that_is_too_long_is_cut),
		cmocka_unit_test(reasons_have_names_that_lead_back),
		cmocka_unit_test(text_from_elsewhere_cannot_steer_a_terminal),
		cmocka_unit_test(messages_are_cleaned_too),
		cmocka_unit_test(a_long_message_is_cut_between_characters),
		cmocka_unit_test(a_prefix_does_not_lose_the_message_or_overrun),
		cmocka_unit_test(a_secret_is_not_in_a_message_wherever_the_cut_falls),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
