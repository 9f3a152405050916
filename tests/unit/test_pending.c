#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/session/pending.h"

#define MANY 5000

static struct span text(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static void many_are_found_each_by_its_own_id(void **state)
{
	static struct pending_call calls[MANY];
	static char ids[MANY][24];
	struct pending t;

	(void)state;
	pending_init(&t);
	for (int i = 0; i < MANY; i++) {
		snprintf(ids[i], sizeof(ids[i]), i % 2 ? "%d" : "\"%d\"", i);
		assert_null(pending_find(&t, text(ids[i])));
		pending_add(&t, &calls[i], text(ids[i]));
	}
	assert_int_equal(t.count, MANY);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(pending_find(&t, text(ids[i])), &calls[i]);
	for (int i = 0; i < MANY; i += 3) {
		pending_remove(&t, &calls[i]);
		pending_remove(&t, &calls[i]); /* nothing happens */
		assert_false(calls[i].listed);
	}
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(pending_find(&t, text(ids[i])), i % 3 ? &calls[i] : NULL);
	assert_int_equal(t.count, MANY - (MANY + 2) / 3);
	pending_clear(&t);
}

static void another_spelling_finds_the_same_call(void **state)
{
	struct pending_call one = { 0 }, two = { 0 };
	struct pending t;

	(void)state;
	pending_init(&t);
	pending_add(&t, &one, text("100"));
	pending_add(&t, &two, text("\"a\""));
	assert_ptr_equal(pending_find(&t, text("1e2")), &one);
	assert_ptr_equal(pending_find(&t, text("100.0")), &one);
	assert_null(pending_find(&t, text("\"100\"")));
	assert_ptr_equal(pending_find(&t, text("\"\\u0061\"")), &two);
	assert_null(pending_find(&t, (struct span){ 0 }));
	assert_null(pending_find_alike(&t, (struct span){ 0 }));
	pending_clear(&t);
}

/* What a server in JavaScript makes of a long id is good enough only when nothing fits better. */
static void long_ids_are_told_apart_and_rounded_ones_still_found(void **state)
{
	struct pending_call a = { 0 }, b = { 0 };
	struct pending t;

	(void)state;
	pending_init(&t);
	pending_add(&t, &a, text("1732500000000000001"));
	pending_add(&t, &b, text("1732500000000000002"));
	assert_ptr_equal(pending_find(&t, text("1732500000000000001")), &a);
	assert_ptr_equal(pending_find(&t, text("1732500000000000002")), &b);
	assert_null(pending_find(&t, text("1732500000000000000")));
	assert_non_null(pending_find_alike(&t, text("1732500000000000000")));
	assert_null(pending_find_alike(&t, text("1732500000000009000")));
	pending_clear(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_are_found_each_by_its_own_id),
		cmocka_unit_test(another_spelling_finds_the_same_call),
		cmocka_unit_test(long_ids_are_told_apart_and_rounded_ones_still_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
