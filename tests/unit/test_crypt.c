#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypt.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool undo(struct buf *out, const char *text)
{
	return crypt_unbase64(out, text, strlen(text));
}

static void rfc_4648_section_10(void **state)
{
	static const struct {
		const char *bytes, *padded, *bare;
	} rows[] = {
		{ "", "", "" },
		{ "f", "Zg==", "Zg" },
		{ "fo", "Zm8=", "Zm8" },
		{ "foo", "Zm9v", "Zm9v" },
		{ "foob", "Zm9vYg==", "Zm9vYg" },
		{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
		{ "\xfb\xff\xfe", "+//+", "-__-" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b;

		buf_init(&b, 64);
		assert_true(crypt_base64(&b, rows[i].bytes, strlen(rows[i].bytes)));
		assert_string_equal(buf_str(&b), rows[i].padded);
		buf_reset(&b);
		assert_true(crypt_base64url(&b, rows[i].bytes, strlen(rows[i].bytes)));
		assert_string_equal(buf_str(&b), rows[i].bare);
		buf_reset(&b);
		assert_true(undo(&b, rows[i].padded));
		assert_string_equal(buf_str(&b), rows[i].bytes);
		buf_reset(&b);
		assert_true(undo(&b, rows[i].bare));
		assert_string_equal(buf_str(&b), rows[i].bytes);
		buf_free(&b);
	}
}

static void bytes_of_any_value_and_number_come_back(void **state)
{
	(void)state;
	for (size_t n = 0; n < 70; n++) {
		unsigned char bytes[70];
		struct buf text, back;

		for (size_t i = 0; i < n; i++)
			bytes[i] = (unsigned char)(i * 37 + n * 11);
		buf_init(&text, 200);
		buf_init(&back, 200);
		assert_true(crypt_base64(&text, bytes, n));
		assert_int_equal(text.len, (n + 2) / 3 * 4);
		assert_true(crypt_unbase64(&back, text.p, text.len));
		assert_int_equal(back.len, n);
		assert_memory_equal(back.p, bytes, n);
		buf_reset(&text);
		buf_reset(&back);
		assert_true(crypt_base64url(&text, bytes, n));
		assert_int_equal(text.len, (n * 4 + 2) / 3);
		assert_true(crypt_unbase64(&back, text.p, text.len));
		assert_memory_equal(back.p, bytes, n);
		buf_free(&text);
		buf_free(&back);
	}
}

static void what_is_not_base64_is_refused_and_adds_nothing(void **state)
{
	static const char *const rows[] = {
		"A", /* six bits are no byte */
		"AAAAA",
		"=",
		"==",
		"====",
		"A===",
		"Zg=", /* half the padding */
		"Zg===",
		"Zm8==",
		"Zm9v=",
		"Zm9v====",
		"Zg==Zg==", /* goes on behind the end */
		"Z=g=",
		"Zh==", /* bits set behind the last byte */
		"Zm9",
		"Zm 9v",
		"Zm9v\n",
		"Zm9v\r\n",
		"Zm9*",
		"Zm9\x80",
		"Zm9,",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf b;

		buf_init(&b, 64);
		assert_true(buf_adds(&b, "kept"));
		if (undo(&b, rows[i]))
			fail_msg("\"%s\" was taken", rows[i]);
		assert_string_equal(buf_str(&b), "kept");
		assert_int_equal(b.len, 4);
		buf_free(&b);
	}
}

static void the_letters_are_those_of_both_alphabets_and_no_others(void **state)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		"+/-_";

	(void)state;
	for (int c = 0; c < 256; c++) {
		char text[4] = { 'A', 'A', (char)c, 'A' };
		struct buf b;

		buf_init(&b, 8);
		assert_int_equal(crypt_unbase64(&b, text, 4), c != 0 && strchr(letters, c) != NULL);
		buf_free(&b);
	}
}

static void results_are_appended_or_refused_by_the_ceiling(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 9);
	assert_true(buf_adds(&b, "Basic"));
	assert_false(crypt_base64(&b, "four", 4));
	assert_false(crypt_base64url(&b, "four", 4));
	assert_false(crypt_hex(&b, "abc", 3));
	assert_false(undo(&b, "AAAAAAAA"));
	assert_string_equal(buf_str(&b), "Basic");
	assert_true(crypt_base64(&b, "foo", 3));
	assert_string_equal(buf_str(&b), "BasicZm9v");
	buf_free(&b);
}

static void digests_have_their_published_values(void **state)
{
	static const struct {
		const char *text, *sha256, *md5;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			"d41d8cd98f00b204e9800998ecf8427e" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
			"900150983cd24fb0d6963f7d28e17f72" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		unsigned char sha[CRYPT_SHA256_LEN], md5[CRYPT_MD5_LEN];
		struct buf b;

		buf_init(&b, 128);
		assert_true(crypt_sha256(rows[i].text, strlen(rows[i].text), sha));
		assert_true(crypt_hex(&b, sha, sizeof(sha)));
		assert_string_equal(buf_str(&b), rows[i].sha256);
		buf_reset(&b);
		assert_true(crypt_md5(rows[i].text, strlen(rows[i].text), md5));
		assert_true(crypt_hex(&b, md5, sizeof(md5)));
		assert_string_equal(buf_str(&b), rows[i].md5);
		buf_free(&b);
	}
}

/* Two draws agree once in 2^256; a byte that is never written would be the same in both. */
static void random_bytes_differ_and_fill_the_whole(void **state)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };
	unsigned char seen[sizeof(a)] = { 0 };

	(void)state;
	crypt_random(a, sizeof(a));
	crypt_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	for (int round = 0; round < 16; round++) {
		crypt_random(b, sizeof(b));
		for (size_t i = 0; i < sizeof(b); i++)
			seen[i] |= b[i];
	}
	for (size_t i = 0; i < sizeof(seen); i++)
		assert_int_not_equal(seen[i], 0);
	crypt_random(a, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc_4648_section_10),
		cmocka_unit_test(bytes_of_any_value_and_number_come_back),
		cmocka_unit_test(what_is_not_base64_is_refused_and_adds_nothing),
		cmocka_unit_test(the_letters_are_those_of_both_alphabets_and_no_others),
		cmocka_unit_test(results_are_appended_or_refused_by_the_ceiling),
		cmocka_unit_test(digests_have_their_published_values),
		cmocka_unit_test(random_bytes_differ_and_fill_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
