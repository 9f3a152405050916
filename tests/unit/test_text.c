#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A string literal with its length, NULs and all. */
#define TEXT(s) s, sizeof(s) - 1

static void text_in_each_encoding_becomes_plain(void **state)
{
	static const struct {
		const char *what, *in;
		size_t n;
		const char *want;
	} rows[] = {
		{ "nothing", TEXT(""), "" },
		{ "ASCII", TEXT("a: b\r\n"), "a: b\r\n" },
		{ "UTF-8", TEXT("\xc3\xa4\xf0\x9f\x98\x80"), "\xc3\xa4\xf0\x9f\x98\x80" },
		{ "a mark", TEXT("\xef\xbb\xbf"), "" },
		{ "UTF-8 with its mark", TEXT("\xef\xbb\xbf{}"), "{}" },
		{ "a mark inside stays", TEXT("a\xef\xbb\xbf"), "a\xef\xbb\xbf" },
		{ "UTF-16LE, nothing", TEXT("\xff\xfe"), "" },
		{ "UTF-16LE", TEXT("\xff\xfe{\0}\0\r\0\n\0"), "{}\r\n" },
		{ "UTF-16BE", TEXT("\xfe\xff\0{\0}"), "{}" },
		{ "two bytes", TEXT("\xff\xfe\xe4\0\xff\x07"), "\xc3\xa4\xdf\xbf" },
		{ "three bytes", TEXT("\xfe\xff\x20\xac\xff\xff\x08\0"),
			"\xe2\x82\xac\xef\xbf\xbf\xe0\xa0\x80" },
		{ "surrogates", TEXT("\xff\xfe\x3d\xd8\0\xde"), "\xf0\x9f\x98\x80" },
		{ "the last character there is", TEXT("\xfe\xff\xdb\xff\xdf\xff"),
			"\xf4\x8f\xbf\xbf" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 64);
		assert_true(buf_add(&b, rows[i].in, rows[i].n));
		if (!text_plain(&b, "x", &e))
			fail_msg("%s: %s", rows[i].what, e.msg);
		if (strcmp(buf_str(&b), rows[i].want) != 0 || b.len != strlen(rows[i].want))
			fail_msg("%s: %s", rows[i].what, buf_str(&b));
		assert_int_equal(b.cap, 64);
		buf_wipe(&b);
	}
}

static void what_is_no_text_is_named_with_its_byte(void **state)
{
	static const struct {
		const char *what, *in;
		size_t n;
		const char *why;
	} rows[] = {
		{ "Latin-1", TEXT("a\xe9z"), "f is not text: byte 2 is not UTF-8" },
		{ "behind a mark", TEXT("\xef\xbb\xbf\xff"), "byte 4 is not UTF-8" },
		{ "cut", TEXT("a\xe2\x82"), "byte 2 is not UTF-8" },
		{ "overlong", TEXT("\xc0\x80"), "byte 1 is not UTF-8" },
		{ "a surrogate", TEXT("\xed\xa0\x80"), "byte 1 is not UTF-8" },
		{ "NUL", TEXT("ab\0"), "byte 3 is a NUL" },
		{ "UTF-16 without a mark", TEXT("a\0b\0"), "byte 2 is a NUL" },
		{ "half a character",
			TEXT("\xff\xfe"
			     "a\0b"),
			"byte 5 is half" },
		{ "half a pair", TEXT("\xff\xfe\x3d\xd8"), "byte 3 is not UTF-16" },
		{ "first half twice", TEXT("\xfe\xff\xd8\x3d\xd8\x3d"), "byte 3 is not UTF-16" },
		{ "second half alone", TEXT("\xfe\xff\0a\xde\0"), "byte 5 is not UTF-16" },
		{ "UTF-32", TEXT("\xff\xfe\0\0a\0\0\0"), "byte 3 is not UTF-16" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 64);
		assert_true(buf_add(&b, rows[i].in, rows[i].n));
		if (text_plain(&b, "f", &e))
			fail_msg("%s: taken", rows[i].what);
		assert_int_equal(e.kind, ERR_USAGE);
		if (!strstr(e.msg, rows[i].why) || !strstr(e.msg, "Save it as UTF-8"))
			fail_msg("%s: %s", rows[i].what, e.msg);
		buf_free(&b);
	}
}

/* Three bytes of UTF-8 for two of UTF-16. */
static void the_ceiling_holds_for_what_it_becomes(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 6);
	assert_true(buf_add(&b, "\xfe\xff\x20\xac\x20\xac", 6));
	assert_true(text_plain(&b, "f", &e));
	buf_free(&b);
	buf_init(&b, 5);
	assert_true(buf_add(&b, "\xfe\xff\x20\xac", 4));
	assert_true(text_plain(&b, "f", &e));
	buf_free(&b);
	buf_init(&b, 8);
	assert_true(buf_add(&b, "\xfe\xff\x20\xac\x20\xac\x20\xac", 8));
	assert_false(text_plain(&b, "f", &e));
	assert_non_null(strstr(e.msg, "f is larger than 8 bytes"));
	buf_free(&b);
}

static void a_file_to_edit_is_checked_as_it_stands(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_true(text_check("", 0, "f", &e));
	assert_true(text_check(TEXT("\xef\xbb\xbf{\r\n}"), "f", &e));
	assert_false(text_check(TEXT("\xff\xfe{\0}\0"), "f", &e));
	assert_non_null(strstr(e.msg, "f is encoded as UTF-16; save it as UTF-8"));
	assert_false(text_check(TEXT("{\"\xe9\"}"), "f", &e));
	assert_non_null(strstr(e.msg, "byte 3 is not UTF-8"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_in_each_encoding_becomes_plain),
		cmocka_unit_test(what_is_no_text_is_named_with_its_byte),
		cmocka_unit_test(the_ceiling_holds_for_what_it_becomes),
		cmocka_unit_test(a_file_to_edit_is_checked_as_it_stands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
