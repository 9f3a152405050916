/* Each way to scan 64 bytes a step: what is JSON and what is not, wherever a block begins. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mcp/json/message.h"
#include "mcp/json/scan_wide.h"

static const char *const good[] = {
	"{}",
	"[]",
	" { } ",
	"[[],{},[{}],\"\"]",
	"{\"a\":1,\"b\":[true,false,null],\"c\":{\"d\":\"e\"}}",
	"[0,-0,10,-1.5,0.25,1e9,1E+2,1.5e-3,123456789012345678901234567890]",
	"{\"a\" : 1 ,\n\t\"b\"\r\n: [ 1 , 2 ] }",
	"[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83C\\uDF89\"]",
	"[\"\\\\\",\"\\\\\\\"\",\"\\\\\\\\\"]",
	"[\"{[:,]}\",\"\\\"{\"]",
	"[\"\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xf0\x90\x80\x80\xf4\x8f\xbf"
	"\xbf\"]",
	"{\"\":\"\",\"a\":{\"\":{}}}",
};

static const char *const broken[] = {
	"",
	" ",
	"1",
	"\"a\"",
	"{",
	"[",
	"]",
	"{]",
	"[}",
	"[1}",
	"{\"a\":1]",
	"[[1]",
	"[1]]",
	"[1] 2",
	"{} {}",
	"[,]",
	"[1,]",
	"[,1]",
	"[1,,2]",
	"[1 2]",
	"[1:2]",
	"[\"a\":1]",
	"[\"a\" \"b\"]",
	"[\"a\"1]",
	"[1\"a\"]",
	"[{}{}]",
	"[{}[]]",
	"[[]1]",
	"{,}",
	"{\"a\"}",
	"{\"a\",}",
	"{\"a\":}",
	"{\"a\":,}",
	"{\"a\":1,}",
	"{\"a\":1,\"b\"}",
	"{\"a\":1 \"b\":2}",
	"{\"a\" \"b\":1}",
	"{\"a\":1:2}",
	"{\"a\":\"b\":2}",
	"{\"a\"::1}",
	"{:1}",
	"{1:2}",
	"{null:1}",
	"{[]:1}",
	"{\"a\":1,[]}",
	"{\"a\"{}}",
	"{[1]}",
	"{{}}",
	"[01]",
	"[-]",
	"[-01]",
	"[1.]",
	"[.5]",
	"[1e]",
	"[1e+]",
	"[+1]",
	"[0x1]",
	"[1a]",
	"[1.2.3]",
	"[--1]",
	"[tru]",
	"[truex]",
	"[true1]",
	"[nul]",
	"[NaN]",
	"[falsE]",
	"[a]",
	"[\\n]",
	"[\"\\x\"]",
	"[\"\\u12g4\"]",
	"[\"\\u123\"]",
	"[\"\\",
	"[\"a]",
	"[\"a\tb\"]",
	"[\"a\nb\"]",
	"[\"a\x01\"]",
	"[\x01]",
	"[\x0c]",
	"{\"a\"\x1a\"b\"}",
	"[\x7f]",
	"[\xc3\xa9]",
	"[\"\x80\"]",
	"[\"\xc2\"]",
	"[\"\xc2\xc2\"]",
	"[\"\xc0\x80\"]",
	"[\"\xc1\xbf\"]",
	"[\"\xe0\x9f\xbf\"]",
	"[\"\xed\xa0\x80\"]",
	"[\"\xf0\x8f\xbf\xbf\"]",
	"[\"\xf4\x90\x80\x80\"]",
	"[\"\xf5\x80\x80\x80\"]",
	"[\"\xe2\x82\"]",
	"[\"\xf0\x9f\x8e\"]",
	"[\"\xc2\x80\x80\"]",
};

/* Memory whose last byte is the last one that may be read. */
#define ROOM ((size_t)8192)
static char *edge;

static int set_up(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (ROOM + page - 1) / page * page;
	char *map =
		mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	if (map == MAP_FAILED || mprotect(map + room, page, PROT_NONE) != 0)
		return -1;
	edge = map + room;
	return 0;
}

struct seen {
	char text[256];
};

static bool see(void *ctx, char *key, size_t key_n, char *value, size_t value_n)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%.*s=%.*s;", (int)key_n, key, (int)value_n,
		value);
	return true;
}

/* The text with blanks before and behind it, so that it ends at the edge. */
static bool scan(const char *text, size_t n, size_t lead, size_t trail, struct seen *s)
{
	char *p = edge - (lead + n + trail), *first, *behind;
	bool good_text;

	memset(p, ' ', lead);
	memcpy(p + lead, text, n);
	memset(edge - trail, ' ', trail);
	*s = (struct seen){ 0 };
	good_text = scan_wide(p, edge, &first, &behind, see, s);
	if (good_text)
		assert_in_range(behind - first, 2, n);
	return good_text;
}

static void expect(const char *text, size_t n, bool want)
{
	struct seen s;

	for (size_t lead = 0; lead < 130; lead++)
		for (size_t trail = 0; trail < 3; trail++)
			if (scan(text, n, lead, trail, &s) != want)
				fail_msg("%s: \"%s\" behind %zu blanks", want ? "refused" : "taken",
					text, lead);
}

/* [1,2,"...",...] of this many bytes; strings of `run` bytes, one in every KiB. */
static struct buf numbers(size_t n, size_t run)
{
	struct buf b;

	buf_init(&b, n + 4096);
	assert_true(buf_adds(&b, "[0"));
	while (b.len < n) {
		for (int i = 0; i < 100; i++)
			assert_true(buf_addf(&b, ",%d", 1000 + i));
		assert_true(buf_addf(&b, ",\"%0*d\"", (int)run, 0));
	}
	assert_true(buf_addc(&b, ']'));
	return b;
}

static bool taken(size_t way, size_t n, size_t run)
{
	struct buf b = numbers(n, run);
	char *first, *behind;
	struct message m;
	bool wide;

	scan_wide_choose(way);
	wide = scan_wide(b.p, b.p + b.len, &first, &behind, see, NULL);
	/* Whoever reads it, it is the same message. */
	assert_int_equal(message_scan(b.p, b.len, &m, NULL), MESSAGE_OK);
	assert_int_equal(m.kind, MESSAGE_BATCH);
	buf_free(&b);
	return wide;
}

static void text_without_long_strings_is_left_to_the_plain_scanner_by_sse2(void **state)
{
	(void)state;
	for (size_t i = 0; scan_wide_name(i); i++) {
		assert_true(taken(i, 4096, 10));
		assert_int_equal(taken(i, 65536, 10), strcmp(scan_wide_name(i), "sse2") != 0);
		assert_true(taken(i, 65536, 200));
	}
}

static void every_way(void (*test)(void))
{
	for (size_t i = 0; scan_wide_name(i); i++) {
		scan_wide_choose(i);
		test();
	}
}

static void texts(void)
{
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		expect(good[i], strlen(good[i]), true);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		expect(broken[i], strlen(broken[i]), false);
}

static void json_and_nothing_else_is_taken_wherever_a_block_begins(void **state)
{
	(void)state;
	every_way(texts);
}

static void cuts(void)
{
	struct seen s;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		size_t n = strlen(good[i]), end = n;

		while (good[i][end - 1] == ' ')
			end--;
		for (size_t cut = 0; cut < end; cut++)
			for (size_t lead = 0; lead < 64; lead += 7)
				assert_false(scan(good[i], cut, lead, 0, &s));
	}
}

static void a_text_cut_anywhere_is_refused(void **state)
{
	(void)state;
	every_way(cuts);
}

static void members_of(void)
{
	static const char text[] =
		"{ \"id\" : 7 ,\"a\":{\"x\":[1,2]},\"b\" :\"c\\\"\", \"d\":[ ] }";
	struct seen s;

	for (size_t lead = 0; lead < 130; lead++) {
		assert_true(scan(text, sizeof(text) - 1, lead, 1, &s));
		assert_string_equal(
			s.text, "\"id\"=7;\"a\"={\"x\":[1,2]};\"b\"=\"c\\\"\";\"d\"=[ ];");
	}
	assert_true(scan("[{\"a\":1}]", 9, 3, 0, &s));
	assert_string_equal(s.text, "");
}

static void members_of_the_outermost_object_are_told(void **state)
{
	(void)state;
	every_way(members_of);
}

static void strings(void)
{
	char text[1024];
	struct seen s;

	/* Lengths around one, two and many blocks, with the one odd byte anywhere in them. */
	for (size_t n = 0; n < 300; n += 1 + n / 40) {
		for (size_t at = 0; at < n; at += 1 + n / 20) {
			size_t len = n + 4;

			memset(text, 'x', sizeof(text));
			memcpy(text, "[\"", 2);
			memcpy(text + 2 + n, "\"]", 2);
			assert_true(scan(text, len, at % 64, 0, &s));
			text[2 + at] = '\n';
			assert_false(scan(text, len, at % 64, 0, &s));
			text[2 + at] = '\xFF';
			assert_false(scan(text, len, at % 64, 0, &s));
			text[2 + at] = '"';
			assert_false(scan(text, len, at % 64, 0, &s));
		}
	}
}

static void long_strings_are_looked_at_to_their_last_byte(void **state)
{
	(void)state;
	every_way(strings);
}

static void backslashes(void)
{
	char text[256];
	struct seen s;

	/* An even run ends the string, an odd one escapes its quote. */
	for (size_t run = 0; run < 140; run++) {
		size_t n = 0;

		memcpy(text, "[\"", 2);
		n += 2;
		memset(text + n, '\\', run);
		n += run;
		memcpy(text + n, "\"]", 2);
		n += 2;
		for (size_t lead = 0; lead < 64; lead += 5)
			assert_int_equal(scan(text, n, lead, 0, &s), run % 2 == 0);
	}
}

static void runs_of_backslashes_count(void **state)
{
	(void)state;
	every_way(backslashes);
}

static void depths(void)
{
	char text[2 * SCAN_WIDE_DEPTH + 4];
	struct seen s;

	memset(text, '[', SCAN_WIDE_DEPTH + 1);
	memset(text + SCAN_WIDE_DEPTH + 1, ']', SCAN_WIDE_DEPTH + 1);
	assert_true(scan(text + 1, 2 * (size_t)SCAN_WIDE_DEPTH, 0, 0, &s));
	assert_false(scan(text, 2 * (size_t)SCAN_WIDE_DEPTH + 2, 0, 0, &s));
	memset(text, '[', sizeof(text));
	assert_false(scan(text, sizeof(text), 0, 0, &s));
}

static void depth_is_bounded(void **state)
{
	(void)state;
	every_way(depths);
}

static void lines(void)
{
	static const char text[] = "\n{\r\n\t\"a\":\n\"\\n\" ,\r\"b\":[\n1\n]\n}\n";
	static const char want[] = " {  \t\"a\": \"\\n\" , \"b\":[ 1 ] } ";
	struct seen s;

	for (size_t lead = 0; lead < 130; lead++) {
		assert_true(scan(text, sizeof(text) - 1, lead, 0, &s));
		assert_memory_equal(edge - (sizeof(text) - 1), want, sizeof(text) - 1);
	}
}

static void line_breaks_between_tokens_become_blanks(void **state)
{
	(void)state;
	every_way(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_and_nothing_else_is_taken_wherever_a_block_begins),
		cmocka_unit_test(a_text_cut_anywhere_is_refused),
		cmocka_unit_test(members_of_the_outermost_object_are_told),
		cmocka_unit_test(long_strings_are_looked_at_to_their_last_byte),
		cmocka_unit_test(runs_of_backslashes_count),
		cmocka_unit_test(depth_is_bounded),
		cmocka_unit_test(line_breaks_between_tokens_become_blanks),
		cmocka_unit_test(text_without_long_strings_is_left_to_the_plain_scanner_by_sse2),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
