#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/secret.h"

static void text_is_reached_through_secret_str_only(void **state)
{
	struct secret s = { 0 };

	(void)state;
	assert_false(secret_isset(&s));
	assert_string_equal(secret_str(&s), "");
	secret_set(&s, "abcdefgh and more", 8);
	assert_true(secret_isset(&s));
	assert_string_equal(secret_str(&s), "abcdefgh");
	assert_int_equal(s.len, 8);
	secret_clear(&s);
	assert_false(secret_isset(&s));
	secret_clear(&s);
}

static void a_part_of_the_old_text_may_be_the_new_one(void **state)
{
	struct secret s = { 0 };

	(void)state;
	secret_set(&s, "Bearer abcdef", 13);
	secret_set(&s, secret_str(&s) + 7, 6);
	assert_string_equal(secret_str(&s), "abcdef");
	secret_clear(&s);
}

static void a_secret_that_was_set_stays_hidden_after_it_is_cleared(void **state)
{
	struct secret s = { 0 };
	char text[64] = "got Pq83kdWx71 from the server";

	(void)state;
	secret_set(&s, "Pq83kdWx71", 10);
	secret_clear(&s);
	assert_string_equal(diag_redact(text), "got [hidden] from the server");
}

static void equal_means_same_length_and_bytes(void **state)
{
	(void)state;
	assert_true(secret_equal("", 0, "", 0));
	assert_true(secret_equal("abc", 3, "abc", 3));
	assert_true(secret_equal("a\0c", 3, "a\0c", 3));
	assert_false(secret_equal("a\0c", 3, "a\0d", 3));
	assert_false(secret_equal("abc", 3, "abd", 3));
	assert_false(secret_equal("abc", 3, "abc", 2));
	assert_false(secret_equal("abc", 2, "abc", 3));
}

static void wipe_overwrites(void **state)
{
	char text[] = "secret";
	static const char zero[sizeof(text)];

	(void)state;
	secret_wipe(text, sizeof(text));
	assert_memory_equal(text, zero, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_reached_through_secret_str_only),
		cmocka_unit_test(a_part_of_the_old_text_may_be_the_new_one),
		cmocka_unit_test(a_secret_that_was_set_stays_hidden_after_it_is_cleared),
		cmocka_unit_test(equal_means_same_length_and_bytes),
		cmocka_unit_test(wipe_overwrites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
