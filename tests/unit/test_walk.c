#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/json/walk.h"

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

static void assert_text(const char *what, struct span have, const char *want)
{
	if (!want ? have.p != NULL
		  : !have.p || have.n != strlen(want) || memcmp(have.p, want, have.n) != 0)
		fail_msg("%s is \"%.*s\"", what, (int)have.n, have.p ? have.p : "");
}

static void members_and_elements_come_in_order(void **state)
{
	static const char object[] =
		" \t{ \"a\" : 1 ,\"b\":\"x,}\" , \"\" :[ {\"c\":[]} , 2 ],\"d\\\"\":null }";
	static const char *const keys[] = { "a", "b", "", "d\\\"" };
	static const char *const values[] = { "1", "\"x,}\"", "[ {\"c\":[]} , 2 ]", "null" };
	struct walk w, inner;
	struct walk_item it;
	size_t n = 0;

	(void)state;
	assert_true(walk_open(&w, span(object + 2)));
	for (; walk_next(&w, &it); n++) {
		assert_text("key", it.key, keys[n]);
		assert_text("value", it.value, values[n]);
		assert_int_equal(*it.start, '"');
		assert_int_equal(it.key_escaped, n == 3);
		if (n != 2)
			continue;
		assert_true(walk_open(&inner, it.value));
		assert_true(walk_next(&inner, &it));
		assert_text("element", it.value, "{\"c\":[]}");
		assert_null(it.key.p);
		assert_ptr_equal(it.start, it.value.p);
		assert_true(walk_next(&inner, &it));
		assert_text("element", it.value, "2");
		assert_false(walk_next(&inner, &it));
	}
	assert_int_equal(n, 4);
	assert_false(walk_next(&w, &it));
	assert_false(walk_open(&w, span("\"{}\"")));
	assert_false(walk_open(&w, span("1")));
	assert_false(walk_open(&w, (struct span){ 0 }));
	assert_true(walk_open(&w, span("{}")));
	assert_false(walk_next(&w, &it));
	assert_true(walk_open(&w, span("[ ]")));
	assert_false(walk_next(&w, &it));
}

static void keys_are_compared_with_escapes_undone(void **state)
{
	unsigned n;

	(void)state;
	assert_text("escaped", walk_get(span("{\"n\\u0061me\":1}"), "name", &n), "1");
	assert_text(
		"last of two", walk_get(span("{\"name\":1,\"n\\u0061me\":2}"), "name", &n), "2");
	assert_int_equal(n, 2);
	assert_text(
		"prefix", walk_get(span("{\"nam\":1,\"names\":2,\"Name\":3}"), "name", &n), NULL);
	assert_int_equal(n, 0);
	assert_text("NUL", walk_get(span("{\"name\\u0000\":1}"), "name", &n), NULL);
	assert_text("in an array", walk_get(span("[\"name\",1]"), "name", &n), NULL);
	assert_text("deeper", walk_get(span("{\"x\":{\"name\":1}}"), "name", &n), NULL);
	assert_text("nothing", walk_get((struct span){ 0 }, "name", NULL), NULL);
	assert_text("empty name", walk_get(span("{\"\":7}"), "", NULL), "7");
}

static void paths_lead_down_until_something_is_missing(void **state)
{
	struct span v = span("{\"a\":{\"b\":{\"c\":[1]}},\"x\":1}");

	(void)state;
	assert_text("all", walk_path(v, "a", "b", "c", (const char *)NULL), "[1]");
	assert_text("none", walk_path(v, (const char *)NULL), v.p);
	assert_text("missing", walk_path(v, "a", "z", "c", (const char *)NULL), NULL);
	assert_text("no object", walk_path(v, "x", "b", (const char *)NULL), NULL);
}

static void types_are_told_by_the_first_byte(void **state)
{
	static const struct {
		const char *text;
		enum walk_type type;
	} rows[] = { { "{}", WALK_OBJECT }, { "[]", WALK_ARRAY }, { "\"\"", WALK_STRING },
		{ "-1", WALK_NUMBER }, { "0", WALK_NUMBER }, { "9e9", WALK_NUMBER },
		{ "true", WALK_TRUE }, { "false", WALK_FALSE }, { "null", WALK_NULL },
		{ "", WALK_NONE }, { "+1", WALK_NONE } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(walk_type(span(rows[i].text)), rows[i].type);
	assert_int_equal(walk_type((struct span){ 0 }), WALK_NONE);
	assert_true(walk_true(span("true")));
	assert_false(walk_true(span("\"true\"")));
	assert_false(walk_true((struct span){ 0 }));
}

static void strings_lose_their_escapes(void **state)
{
	static const struct {
		const char *raw, *text;
		size_t n;
	} rows[] = { { "\"\"", "", 0 }, { "\"abc\"", "abc", 3 },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8 },
		{ "\"\\u0041\\u00e4\\u20AC\"", "A\xc3\xa4\xe2\x82\xac", 6 },
		{ "\"\\ud834\\uDD1E\"", "\xf0\x9d\x84\x9e", 4 },
		{ "\"\\ud834x\"", "\xef\xbf\xbdx", 4 },
		{ "\"\\udd1e\\ud834\"", "\xef\xbf\xbd\xef\xbf\xbd", 6 },
		{ "\"\\ud834\\u0041\"",
			"\xef\xbf\xbd"
			"A",
			4 },
		{ "\"a\\u0000b\"", "a\0b", 3 }, { "\"\xc3\xa4\"", "\xc3\xa4", 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;

		buf_init(&b, 64);
		assert_true(walk_string(span(rows[i].raw), &b));
		assert_int_equal(b.len, rows[i].n);
		assert_memory_equal(buf_str(&b), rows[i].text, rows[i].n);
		if (!memchr(rows[i].text, 0, rows[i].n))
			assert_true(walk_string_is(span(rows[i].raw), rows[i].text));
		assert_false(walk_string_is(span(rows[i].raw), "something else"));
		buf_free(&b);
	}
	assert_false(walk_string_is(span("\"a\\u0000b\""), "a"));
	assert_false(walk_string_is(span("\"ab\""), "a"));
	assert_false(walk_string_is(span("\"a\""), "ab"));
	assert_false(walk_string_is(span("a"), "a"));
	assert_false(walk_string_is((struct span){ 0 }, ""));
}

static void string_that_does_not_fit_is_refused(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 3);
	assert_true(walk_string(span("\"abc\""), &b));
	buf_reset(&b);
	assert_false(walk_string(span("\"abcd\""), &b));
	buf_reset(&b);
	assert_false(walk_string(span("\"ab\\u20ac\""), &b));
	buf_reset(&b);
	assert_false(walk_string(span("17"), &b));
	buf_free(&b);
}

static void integers_that_fit_are_read(void **state)
{
	long long v = 5;

	(void)state;
	assert_true(walk_integer(span("-9223372036854775808"), &v));
	assert_true(v == INT64_MIN);
	assert_true(walk_integer(span("0"), &v));
	assert_int_equal(v, 0);
	v = 5;
	assert_false(walk_integer(span("9223372036854775808"), &v));
	assert_false(walk_integer(span("1.0"), &v));
	assert_false(walk_integer(span("1e2"), &v));
	assert_false(walk_integer(span("\"1\""), &v));
	assert_false(walk_integer(span("100000000000000000000000000000"), &v));
	assert_false(walk_integer((struct span){ 0 }, &v));
	assert_int_equal(v, 5);
}

/* Whatever stands there, the walk ends and stays inside; ASan and valgrind watch the end. */
static void text_cut_anywhere_is_walked_to_its_end(void **state)
{
	static const char whole[] =
		"{\"a\":[1,\"\\u00e4\\\"\",{\"b\":tru}],\"c\\\\\":-1.5e3 ,\"d\":[[[]]]}";

	(void)state;
	for (size_t from = 0; from < sizeof(whole) - 1; from++) {
		for (size_t to = from; to < sizeof(whole) - 1; to++) {
			size_t n = to - from, items = 0;
			char *p = malloc(n ? n : 1);
			struct walk_item it;
			struct walk w;
			struct buf b;

			memcpy(p, whole + from, n);
			if (walk_open(&w, (struct span){ p, n }))
				while (walk_next(&w, &it))
					assert_true(
						++items <= n && it.value.p + it.value.n <= p + n);
			buf_init(&b, 256);
			(void)!walk_string((struct span){ p, n }, &b);
			(void)walk_string_is((struct span){ p, n }, "a");
			(void)walk_get((struct span){ p, n }, "c\\", NULL);
			buf_free(&b);
			free(p);
		}
	}
}

static void every_string_of_a_text_is_found_in_one_pass(void **state)
{
	static const char text[] =
		"{\"a\" : [\"b\",1, {\"c\\\"\":{\"d\":\"e:\\\\\"}} ], \"f\":-2 }";
	static const char *const keys[] = { "a", NULL, "c\\\"", "d", NULL, "f" };
	static const char *const first[] = { "[\"b\",1, {\"c\\\"\":{\"d\":\"e:\\\\\"}} ]", "\"b\"",
		"{\"d\":\"e:\\\\\"}", "\"e:\\\\\"", "\"e:\\\\\"", "-2" };
	static const char *const none[] = { "", "1", "\"a", "\"a\\\"", "{'a':1}" };
	struct walk w;
	struct walk_item it;
	size_t n = 0;

	(void)state;
	walk_strings(&w, span(text));
	for (; walk_strings_next(&w, &it); n++) {
		assert_true(n < 6);
		assert_text("key", it.key, keys[n]);
		assert_text("value", walk_first(it.value), first[n]);
		assert_int_equal(it.key_escaped, n == 2);
	}
	assert_int_equal(n, 6);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		walk_strings(&w, span(none[i]));
		assert_false(walk_strings_next(&w, &it));
	}
	walk_strings(&w, (struct span){ 0 });
	assert_false(walk_strings_next(&w, &it));
	walk_strings(&w, span("\"a\":"));
	assert_true(walk_strings_next(&w, &it));
	assert_int_equal(walk_first(it.value).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_and_elements_come_in_order),
		cmocka_unit_test(keys_are_compared_with_escapes_undone),
		cmocka_unit_test(paths_lead_down_until_something_is_missing),
		cmocka_unit_test(types_are_told_by_the_first_byte),
		cmocka_unit_test(strings_lose_their_escapes),
		cmocka_unit_test(string_that_does_not_fit_is_refused),
		cmocka_unit_test(integers_that_fit_are_read),
		cmocka_unit_test(every_string_of_a_text_is_found_in_one_pass),
		cmocka_unit_test(text_cut_anywhere_is_walked_to_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
