#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/json/edit.h"

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* The text after the edits, put together from the pieces as well. */
static void check(const struct edits *s, const char *text, const char *want)
{
	struct span parts[EDIT_PARTS];
	struct buf whole, pieces;
	size_t n = edit_parts(s, span(text), parts);

	buf_init(&whole, 1000);
	buf_init(&pieces, 1000);
	assert_true(edit_apply(s, span(text), &whole));
	assert_string_equal(buf_str(&whole), want);
	assert_true(n >= 1 && n <= EDIT_PARTS);
	for (size_t i = 0; i < n; i++)
		assert_true(buf_add(&pieces, parts[i].p, parts[i].n));
	assert_string_equal(buf_str(&pieces), want);
	/* The last piece is what stands behind the last change, so that it can go on as it lies there. */
	assert_ptr_equal(parts[n - 1].p + parts[n - 1].n, text + strlen(text));
	buf_free(&whole);
	buf_free(&pieces);
}

static void nothing_noted_changes_nothing(void **state)
{
	struct edits s = { 0 };

	(void)state;
	check(&s, "abc", "abc");
	check(&s, "", "");
}

static void changes_are_carried_out_in_the_order_of_the_text(void **state)
{
	static const char text[] = "0123456789";
	struct edits s = { 0 };

	(void)state;
	edit_replace(&s, (struct span){ text + 7, 2 }, span("X"));
	edit_cut(&s, (struct span){ text, 1 });
	edit_put(&s, text + 4, "a");
	edit_put(&s, text + 4, "b");
	edit_put(&s, text + 10, "end");
	check(&s, text, "123ab456X9end");
}

static void whole_text_can_be_replaced(void **state)
{
	static const char text[] = "abc";
	struct edits s = { 0 };

	(void)state;
	edit_replace(&s, span(text), span("x"));
	check(&s, text, "x");
}

static void too_many_changes_are_refused_and_not_lost(void **state)
{
	static const char text[] = "0123456789abcdefghij";
	struct span parts[EDIT_PARTS];
	struct edits s = { 0 };
	struct buf out;

	(void)state;
	for (size_t i = 0; i < EDITS_MAX; i++)
		edit_put(&s, text + i, "-");
	check(&s, text, "-0-1-2-3-4-5-6-7-8-9-a-bcdefghij");
	edit_put(&s, text + 15, "-");
	buf_init(&out, 100);
	assert_false(edit_apply(&s, span(text), &out));
	assert_int_equal(edit_parts(&s, span(text), parts), 0);
	buf_free(&out);
}

static void full_buffer_is_refused(void **state)
{
	static const char text[] = "abc";
	struct edits s = { 0 };
	struct buf out;

	(void)state;
	edit_put(&s, text, "12");
	buf_init(&out, 4);
	assert_false(edit_apply(&s, span(text), &out));
	buf_free(&out);
}

static void members_go_with_their_commas_and_others_come(void **state)
{
	static const char *const names[] = { "a", "b", NULL };
	static const struct {
		const char *in, *put, *out;
		size_t kept;
	} rows[] = { { "{}", NULL, "{}", 0 }, { "{\"a\":1}", NULL, "{}", 0 },
		{ "{ \"a\" : 1 , \"b\":2 }", NULL, "{  }", 0 },
		{ "{\"a\":1,\"c\":2}", NULL, "{\"c\":2}", 1 },
		{ "{\"c\":2,\"a\":1}", NULL, "{\"c\":2}", 1 },
		{ "{\"c\":2, \"a\":1 ,\"d\":3}", NULL, "{\"c\":2, \"d\":3}", 2 },
		{ "{\"a\":1,\"c\":{\"a\":1},\"b\":2}", NULL, "{\"c\":{\"a\":1}}", 1 },
		{ "{\"\\u0061\":1,\"A\":2}", NULL, "{\"A\":2}", 1 },
		{ "{\"a\":1,\"a\":2,\"c\":3,\"a\":4}", NULL, "{\"c\":3}", 1 },
		{ "{}", "\"n\":1", "{\"n\":1}", 0 }, { "{\"a\":1}", "\"n\":1", "{\"n\":1}", 0 },
		{ "{\"c\":1}", "\"n\":1", "{\"n\":1,\"c\":1}", 1 },
		{ "{\"a\":1,\"c\":1,\"b\":0}", "\"n\":1", "{\"n\":1,\"c\":1}", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span put = rows[i].put ? span(rows[i].put) : (struct span){ 0 };
		struct edits s = { 0 };

		assert_int_equal(edit_object(&s, span(rows[i].in), names, put), rows[i].kept);
		check(&s, rows[i].in, rows[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_noted_changes_nothing),
		cmocka_unit_test(changes_are_carried_out_in_the_order_of_the_text),
		cmocka_unit_test(whole_text_can_be_replaced),
		cmocka_unit_test(too_many_changes_are_refused_and_not_lost),
		cmocka_unit_test(full_buffer_is_refused),
		cmocka_unit_test(members_go_with_their_commas_and_others_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
