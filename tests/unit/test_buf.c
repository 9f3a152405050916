#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static void fill(struct buf *b, size_t cap, const char *text)
{
	buf_init(b, cap);
	assert_true(buf_adds(b, text));
}

static void assert_holds(const struct buf *b, const char *want)
{
	assert_string_equal(buf_str(b), want);
	assert_int_equal(b->len, strlen(want));
}

static void an_empty_buffer_reads_as_an_empty_string(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 0);
	assert_holds(&b, "");
	assert_null(b.p);
	assert_true(buf_add(&b, NULL, 0));
	assert_holds(&b, "");
	assert_false(buf_addc(&b, 'x'));
	buf_free(&b);
}

static void content_grows_up_to_the_ceiling_and_stays_when_more_is_refused(void **state)
{
	for (size_t cap = 1; cap < 300; cap++) {
		struct buf b;

		(void)state;
		buf_init(&b, cap);
		for (size_t i = 0; i < cap; i++)
			assert_true(buf_addc(&b, (char)('a' + i % 26)));
		assert_false(buf_addc(&b, '!'));
		assert_false(buf_adds(&b, "!"));
		assert_false(buf_addf(&b, "%d", 1));
		assert_false(buf_reserve(&b, 1));
		assert_false(buf_splice(&b, 0, 1, "!!", 2));
		assert_int_equal(b.len, cap);
		for (size_t i = 0; i < cap; i++)
			assert_int_equal(b.p[i], 'a' + i % 26);
		assert_int_equal(b.p[cap], '\0');
		assert_true(b.size <= cap + 1);
		buf_free(&b);
	}
}

static void a_refused_addition_adds_nothing(void **state)
{
	struct buf b;

	(void)state;
	fill(&b, 8, "12345");
	assert_false(buf_adds(&b, "6789"));
	assert_false(buf_addf(&b, "%s-%d", "x", 99));
	assert_holds(&b, "12345");
	assert_true(buf_addf(&b, "%03d", 6));
	assert_holds(&b, "12345006");
	buf_free(&b);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, SIZE_MAX);
	assert_true(buf_adds(&b, "abc"));
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_false(buf_reserve(&b, SIZE_MAX - 3));
	assert_false(buf_splice(&b, SIZE_MAX, 1, "x", 1));
	assert_false(buf_splice(&b, 1, SIZE_MAX, "x", 1));
	assert_holds(&b, "abc");
	buf_free(&b);
}

static void splice_replaces_exactly_the_span(void **state)
{
	static const char text[] = "0123456789", with[] = "ABCDEFGHIJKLMN";

	(void)state;
	for (size_t off = 0; off <= 10; off++) {
		for (size_t n = 0; n <= 10 - off; n++) {
			for (size_t m = 0; m <= 14; m++) {
				char want[64];
				struct buf b;

				snprintf(want, sizeof(want), "%.*s%.*s%s", (int)off, text, (int)m,
					with, text + off + n);
				fill(&b, 24, text);
				assert_true(buf_splice(&b, off, n, with, m));
				assert_holds(&b, want);
				buf_free(&b);
			}
		}
	}
}

static void splice_outside_the_content_is_refused(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_true(buf_splice(&b, 0, 0, "", 0));
	assert_false(buf_splice(&b, 1, 0, "x", 1));
	assert_true(buf_splice(&b, 0, 0, "abc", 3));
	assert_false(buf_splice(&b, 2, 2, "x", 1));
	assert_false(buf_splice(&b, 4, 0, "x", 1));
	assert_holds(&b, "abc");
	buf_free(&b);
}

static void drop_takes_the_front(void **state)
{
	struct buf b;

	(void)state;
	fill(&b, 10, "abcdef");
	buf_drop(&b, 0);
	assert_holds(&b, "abcdef");
	buf_drop(&b, 2);
	assert_holds(&b, "cdef");
	buf_drop(&b, 9);
	assert_holds(&b, "");
	buf_drop(&b, 1);
	assert_true(buf_adds(&b, "again"));
	assert_holds(&b, "again");
	buf_free(&b);
	buf_drop(&b, 1);
}

static void bytes_of_any_value_are_kept(void **state)
{
	struct buf b;
	char *p;
	size_t n;

	(void)state;
	buf_init(&b, 16);
	assert_true(buf_add(&b, "a\0b\n\xff", 5));
	p = buf_take(&b, &n);
	assert_int_equal(n, 5);
	assert_memory_equal(p, "a\0b\n\xff", 6);
	free(p);
}

static void take_hands_over_and_leaves_an_empty_buffer(void **state)
{
	struct buf b;
	size_t n = 99;
	char *p;

	(void)state;
	buf_init(&b, 10);
	p = buf_take(&b, &n);
	assert_non_null(p);
	assert_string_equal(p, "");
	assert_int_equal(n, 0);
	free(p);
	assert_true(buf_adds(&b, "abc"));
	p = buf_take(&b, NULL);
	assert_string_equal(p, "abc");
	free(p);
	assert_holds(&b, "");
	assert_int_equal(b.cap, 10);
}

static void move_keeps_both_ceilings(void **state)
{
	struct buf big, small;

	(void)state;
	fill(&big, 100, "longer than ten bytes");
	fill(&small, 10, "old");
	buf_move(&small, &big);
	assert_holds(&small, "longer than ten bytes");
	assert_holds(&big, "");
	assert_int_equal(small.cap, 10);
	assert_int_equal(big.cap, 100);
	assert_false(buf_addc(&small, '!'));
	assert_false(buf_reserve(&small, 0));
	assert_true(buf_adds(&big, "usable"));
	buf_move(&big, &big);
	assert_holds(&big, "usable");
	buf_wipe(&small);
	buf_free(&big);
}

static void buffers_that_share_a_ceiling_stay_below_it_together(void **state)
{
	struct buf_share share = { .cap = 1000 };
	struct buf a, b, free_one;
	char *taken;

	(void)state;
	buf_init(&a, 10000);
	buf_init(&b, 600);
	buf_init(&free_one, 10000);
	a.share = b.share = &share;
	assert_true(buf_reserve(&a, 500)); /* 512 bytes */
	assert_int_equal(share.used, a.size);
	assert_false(buf_reserve(&b, 500));
	assert_true(share.refused);
	assert_true(buf_adds(&b, "as it was"));
	assert_false(buf_reserve(&b, 500));
	assert_holds(&b, "as it was");
	assert_int_equal(share.used, a.size + b.size);
	share.refused = false;
	assert_false(buf_reserve(&b, 700)); /* its own ceiling */
	assert_false(share.refused);
	buf_move(&free_one, &a);
	assert_int_equal(share.used, b.size);
	assert_true(buf_reserve(&b, 500));
	buf_move(&a, &free_one); /* it counts again, even if that is too much */
	assert_int_equal(share.used, a.size + b.size);
	assert_true(share.used > share.cap);
	assert_false(buf_reserve(&a, 2000));
	assert_true(buf_adds(&a, "in what it has"));
	taken = buf_take(&b, NULL);
	assert_string_equal(taken, "as it was");
	assert_int_equal(share.used, a.size);
	assert_true(b.share == &share);
	free(taken);
	buf_wipe(&a);
	buf_free(&b);
	buf_free(&free_one);
	assert_int_equal(share.used, 0);
}

static void reset_and_wipe_leave_a_usable_buffer(void **state)
{
	struct buf b;
	char *memory;

	(void)state;
	fill(&b, 10, "abc");
	memory = b.p;
	buf_reset(&b);
	assert_holds(&b, "");
	assert_true(buf_adds(&b, "xyz"));
	assert_ptr_equal(b.p, memory);
	buf_wipe(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 10);
	buf_wipe(&b);
	buf_reset(&b);
	assert_true(buf_adds(&b, "again"));
	buf_free(&b);
}

/* Whatever was freed: the next buffer is empty, counts what it has, and grows as any other. */
static void memory_that_is_used_again_holds_nothing_of_before(void **state)
{
	static const size_t sizes[] = { 1, 63, 64, 1000, 4095, 4096, 70000, 1 << 20 };
	struct buf_share share = { .cap = (size_t)1 << 22 };
	struct buf b[64];

	(void)state;
	for (size_t round = 0; round < 200; round++) {
		struct buf *one = &b[round % 64];
		size_t n = sizes[(round * 7) % 8];

		if (round >= 64)
			buf_free(one);
		buf_init(one, (size_t)1 << 21);
		one->share = &share;
		if (round % 3 && n < 1 << 20) {
			assert_true(buf_reserve(one, n));
			assert_string_equal(one->p, "");
		}
		for (size_t i = 0; i < n && share.used < 2 << 20; i += 100)
			assert_true(buf_add(one, "abcdefghij", 10));
		assert_true(one->len < one->size);
		assert_int_equal(one->len % 10, 0);
		assert_int_equal(one->p[one->len], 0);
	}
	for (size_t i = 0; i < 64; i++)
		buf_free(&b[i]);
	assert_int_equal(share.used, 0);
}

/* Somebody who knows the length asks for all of it: a mebibyte is not two. */
static void known_length_is_all_that_is_allocated(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, (size_t)8 << 20);
	assert_true(buf_reserve(&b, ((size_t)1 << 20) + 1));
	assert_true(b.size <= ((size_t)1 << 20) + 2);
	b.len = b.size - 1;
	assert_true(buf_addc(&b, 'x'));
	assert_true(b.size >= (size_t)2 << 20);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_buffer_reads_as_an_empty_string),
		cmocka_unit_test(content_grows_up_to_the_ceiling_and_stays_when_more_is_refused),
		cmocka_unit_test(a_refused_addition_adds_nothing),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(splice_replaces_exactly_the_span),
		cmocka_unit_test(splice_outside_the_content_is_refused),
		cmocka_unit_test(drop_takes_the_front),
		cmocka_unit_test(bytes_of_any_value_are_kept),
		cmocka_unit_test(take_hands_over_and_leaves_an_empty_buffer),
		cmocka_unit_test(move_keeps_both_ceilings),
		cmocka_unit_test(buffers_that_share_a_ceiling_stay_below_it_together),
		cmocka_unit_test(reset_and_wipe_leave_a_usable_buffer),
		cmocka_unit_test(memory_that_is_used_again_holds_nothing_of_before),
		cmocka_unit_test(known_length_is_all_that_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
