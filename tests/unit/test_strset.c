#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/strset.h"

static void strings_are_found_until_they_are_removed(void **state)
{
	static const char *const words[] = { "m", "b", "", "z", "ba", "b", "a" };
	struct strset s = { 0 };

	(void)state;
	assert_false(strset_has(&s, ""));
	for (size_t i = 0; i < 7; i++) {
		assert_true(strset_add(&s, words[i], 6));
		for (size_t k = 0; k < 7; k++) {
			bool there = false;

			for (size_t j = 0; j <= i; j++)
				there = there || strcmp(words[j], words[k]) == 0;
			assert_int_equal(strset_has(&s, words[k]), there);
		}
	}
	assert_int_equal(s.n, 6);
	strset_remove(&s, "b");
	strset_remove(&s, "b");
	strset_remove(&s, "zz");
	assert_int_equal(s.n, 5);
	assert_false(strset_has(&s, "b"));
	assert_true(strset_has(&s, "ba"));
	assert_true(strset_has(&s, "z"));
	strset_clear(&s);
	assert_false(strset_has(&s, "z"));
}

static void full_set_takes_only_what_it_has(void **state)
{
	struct strset s = { 0 };

	(void)state;
	assert_true(strset_add(&s, "one", 2));
	assert_true(strset_add(&s, "two", 2));
	assert_false(strset_add(&s, "three", 2));
	assert_true(strset_add(&s, "two", 2));
	assert_false(strset_has(&s, "three"));
	strset_remove(&s, "one");
	assert_true(strset_add(&s, "three", 2));
	strset_clear(&s);
}

static void many_strings_in_any_order_stay_sorted(void **state)
{
	struct strset s = { 0 };
	char text[20];

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "x%u", i * 379 % 1000);
		assert_true(strset_add(&s, text, 1000));
	}
	assert_int_equal(s.n, 1000);
	for (size_t i = 1; i < s.n; i++)
		assert_true(strcmp(s.item[i - 1], s.item[i]) < 0);
	strset_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_found_until_they_are_removed),
		cmocka_unit_test(full_set_takes_only_what_it_has),
		cmocka_unit_test(many_strings_in_any_order_stay_sorted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
