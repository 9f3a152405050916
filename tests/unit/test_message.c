/* What kind of message, whose id, where its members are; and that nothing else is taken for one. */
#define _DEFAULT_SOURCE 1 /* MAP_ANONYMOUS */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "mcp/json/message.h"
#include "mcp/json/walk.h"

#define R MESSAGE_REQUEST
#define N MESSAGE_NOTIFICATION
#define A MESSAGE_RESPONSE
#define B MESSAGE_BATCH
#define X MESSAGE_INVALID

static const struct {
	const char *what, *text;
	enum message_kind kind;
	const char *id, *method;
} messages[] = {
	{ "request", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a/b\"}", R, "1", "a/b" },
	{ "blanks everywhere",
		" { \"jsonrpc\" : \"2.0\" , \"id\" : \"x\" , \"method\" : \"m\" , \"params\" : { } "
		"} ",
		R, "\"x\"", "m" },
	{ "odd ids", "{\"id\":-1.5e3,\"method\":\"m\",\"jsonrpc\":\"2.0\"}", R, "-1.5e3", "m" },
	{ "notification", "{\"jsonrpc\":\"2.0\",\"method\":\"n\"}", N, NULL, "n" },
	{ "escaped member name", "{\"jsonrpc\":\"2.0\",\"id\":1,\"m\\u0065thod\":\"m\"}", R, "1",
		"m" },
	{ "result", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", A, "1", NULL },
	{ "error without id", "{\"jsonrpc\":\"2.0\",\"error\":{}}", A, NULL, NULL },
	{ "error with null id", "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}", A, "null", NULL },
	{ "batch", "[{\"jsonrpc\":\"2.0\",\"method\":\"n\"}]", B, NULL, NULL },
	{ "empty batch", "[ ]", X, NULL, NULL },
	{ "no version", "{\"id\":1,\"method\":\"m\"}", X, "1", NULL },
	{ "old version", "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"m\"}", X, "1", NULL },
	{ "two ids", "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":2,\"method\":\"m\"}", X, NULL, NULL },
	{ "two methods, one escaped",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"\\u006dethod\":\"m\"}", X, NULL,
		NULL },
	{ "two params",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{},\"params\":{}}", X,
		NULL, NULL },
	{ "null id of a request", "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"m\"}", X, "null",
		"m" },
	{ "object as id", "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"m\"}", X, "{}", "m" },
	{ "result and error", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}", X, "1",
		NULL },
	{ "method and result", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"result\":1}", X,
		"1", "m" },
	{ "object as id of an error", "{\"jsonrpc\":\"2.0\",\"id\":{},\"error\":{}}", X, "{}",
		NULL },
	{ "neither", "{\"jsonrpc\":\"2.0\",\"id\":1}", X, "1", NULL },
	{ "result without id", "{\"jsonrpc\":\"2.0\",\"result\":1}", X, NULL, NULL },
	{ "text as params", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":\"x\"}", X,
		"1", "m" },
	{ "number as method", "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", X, "1", NULL },
	{ "a number alone", "42", X, NULL, NULL },
};

static void assert_span(const char *what, struct span s, const char *want)
{
	if ((s.p != NULL) != (want != NULL) ||
		(want && (s.n != strlen(want) || memcmp(s.p, want, s.n) != 0)))
		fail_msg("%s: \"%.*s\", not \"%s\"", what, (int)s.n, s.p ? s.p : "",
			want ? want : "(none)");
}

static void messages_are_told_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		char *text = strdup(messages[i].text);
		struct message m;

		if (message_scan(text, strlen(text), &m, NULL) != MESSAGE_OK ||
			m.kind != messages[i].kind)
			fail_msg("%s: kind %d (%s)", messages[i].what, m.kind, m.why ? m.why : "");
		assert_span(messages[i].what, m.id, messages[i].id);
		if (m.kind != X)
			assert_span(messages[i].what, m.name, messages[i].method);
		if (m.kind == X)
			assert_non_null(m.why);
		free(text);
	}
}

/* What is left of a message that was written with all members of its type, blanks apart. */
static const struct {
	const char *text, *left;
	enum message_kind kind;
} nulls[] = {
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{},\"error\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", A },
	{ "{\"error\":null,\"result\":{\"error\":null},\"id\":1,\"jsonrpc\":\"2.0\"}",
		"{\"result\":{\"error\":null},\"id\":1,\"jsonrpc\":\"2.0\"}", A },
	{ "{\"jsonrpc\":\"2.0\", \"error\" : null\t,\"result\":null ,\"id\":1}",
		"{\"jsonrpc\":\"2.0\",\"result\":null,\"id\":1}", A },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", A },
	{ "{\"jsonrpc\":\"2.0\",\"result\":null,\"error\":{\"code\":1},\"id\":null}",
		"{\"jsonrpc\":\"2.0\",\"error\":{\"code\":1},\"id\":null}", A },
	{ "{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1 , "
	  "\"err\\u006fr\":null,\"method\":null,\"params\":"
	  "null}",
		"{\"jsonrpc\":\"2.0\",\"result\":1,\"id\":1"
		"}",
		A },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":null,\"result\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}", R },
	{ "{\"result\":null,\"jsonrpc\":\"2.0\",\"method\":\"m\",\"error\":null,\"x\":null}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"x\":null}", N },
	/* Nothing is left that would mean something: the bytes stay. */
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null}", X },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":null}", X },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null,\"error\":{},\"result\":1}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":null,\"error\":{},\"result\":1}", X },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{},\"result\":false}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{},\"result\":false}", X },
};

static const char *squeeze(const char *text, char *out)
{
	char *to = out;

	for (; *text; text++)
		if (*text != ' ' && *text != '\t')
			*to++ = *text;
	*to = '\0';
	return out;
}

static void members_that_are_null_beside_the_real_one_are_absent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(nulls) / sizeof(nulls[0]); i++) {
		char *text = strdup(nulls[i].text);
		char *left = calloc(1, strlen(text) + 1);
		struct message m;

		/* Twice: what is left reads as the same message. */
		for (int pass = 0; pass < 2; pass++) {
			if (message_scan(text, strlen(text), &m, NULL) != MESSAGE_OK ||
				m.kind != nulls[i].kind || strlen(text) != strlen(nulls[i].text) ||
				strcmp(squeeze(text, left), nulls[i].left) != 0)
				fail_msg("%s: kind %d (%s), left is %s", nulls[i].text, m.kind,
					m.why ? m.why : "", text);
			if (m.kind == A && (m.result.p != NULL) == (m.error.p != NULL))
				fail_msg("%s: not one answer", nulls[i].text);
		}
		free(left);
		free(text);
	}
}

static void message_cut_anywhere_is_no_json(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		size_t n = strlen(messages[i].text);

		for (size_t cut = 0; cut < n; cut++) {
			char *text = malloc(cut + 1);
			struct message m;

			memcpy(text, messages[i].text, cut);
			if (messages[i].text[0] == '4' ||
				strspn(messages[i].text + cut, " ") == n - cut) {
				free(text);
				continue;
			}
			if (message_scan(text, cut, &m, NULL) != MESSAGE_BAD_JSON)
				fail_msg("%s cut at %zu is taken", messages[i].what, cut);
			free(text);
		}
	}
}

static const char *const good_json[] = { "0", "-0", "-0.0", "1e400",
	"123456789012345678901234567890", "\"\\u0000\\ud800\\/\\b\"", "{\"a\":1,\"a\":2}",
	"[[],{},\"\",null,true,false]", "\"\xf0\x9d\x84\x9e \xe2\x82\xac \xc3\xa4\"",
	"\t[\r\n1 ,\n2\r]\n" };
static const char *const bad_json[] = { "", " ", "01", "-", "+1", "1.", ".5", "1e", "0x1", "nul",
	"True", "'a'", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:2}", "[1 2]",
	"]", "{]", "[}", "\"\\x\"", "\"\\u12g4\"", "\"a", "\"\t\"", "1 2", "{} x", "//",
	"\xEF\xBB\xBF{}" };
static const char *const bad_utf8[] = { "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"",
	"\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"", "\"\x80\"", "\"\xf8\x88\x80\x80\x80\"" };

static enum message_status scan_copy(const char *text)
{
	char *copy = strdup(text);
	struct message m;
	enum message_status st = message_scan(copy, strlen(copy), &m, NULL);

	free(copy);
	return st;
}

static void grammar_is_that_of_rfc_8259(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_json) / sizeof(good_json[0]); i++)
		if (scan_copy(good_json[i]) != MESSAGE_OK)
			fail_msg("refused: %s", good_json[i]);
	for (size_t i = 0; i < sizeof(bad_json) / sizeof(bad_json[0]); i++)
		if (scan_copy(bad_json[i]) == MESSAGE_OK)
			fail_msg("taken: %s", bad_json[i]);
	for (size_t i = 0; i < sizeof(bad_utf8) / sizeof(bad_utf8[0]); i++)
		if (scan_copy(bad_utf8[i]) != MESSAGE_BAD_UTF8)
			fail_msg("row %zu of bad UTF-8 is taken", i);
}

static void only_line_breaks_between_tokens_change(void **state)
{
	char text[] = "{\r\n\"jsonrpc\":\"2.0\",\n\"id\":1,\r\"method\":\"a\\nb\"\n}\n";
	struct message m;

	(void)state;
	assert_int_equal(message_scan(text, strlen(text), &m, NULL), MESSAGE_OK);
	assert_string_equal(text, "{  \"jsonrpc\":\"2.0\", \"id\":1, \"method\":\"a\\nb\" } ");
}

static enum message_status scan_deep(size_t depth)
{
	char *text = malloc(2 * depth);
	struct message m;
	enum message_status st;

	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	st = message_scan(text, 2 * depth, &m, NULL);
	free(text);
	return st;
}

static void no_text_at_all_is_no_json(void **state)
{
	struct message m;
	size_t at = 7;

	(void)state;
	assert_int_equal(message_scan(NULL, 0, &m, &at), MESSAGE_BAD_JSON);
	assert_int_equal(at, 0);
	assert_non_null(m.why);
}

static void depth_has_a_cap(void **state)
{
	(void)state;
	assert_int_equal(scan_deep(MESSAGE_DEPTH), MESSAGE_OK);
	assert_int_equal(scan_deep(MESSAGE_DEPTH + 1), MESSAGE_TOO_DEEP);
	assert_int_equal(scan_deep(100000), MESSAGE_TOO_DEEP);
}

/* The bytes end where the page ends: reading one more kills the test. */
static void nothing_is_read_behind_the_end(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *map =
		mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		size_t n = strlen(messages[i].text);

		for (size_t cut = 0; cut <= n; cut++) {
			char *p = map + page - cut;
			struct message m;

			memcpy(p, messages[i].text, cut);
			(void)!message_scan(p, cut, &m, NULL);
			(void)walk_get((struct span){ p, cut }, "method", NULL);
		}
	}
	munmap(map, 2 * page);
}

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

#define D50 "12345678901234567890123456789012345678901234567890"
#define D200 D50 D50 D50 D50

static void ids_are_equal_when_they_mean_the_same(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = { { "1", "1", true }, { "1", "1.0", true }, { "100", "1e2", true },
		{ "0", "-0.0", true }, { "1", "\"1\"", false }, { "\"a\"", "\"\\u0061\"", true },
		{ "\"a\"", "\"b\"", false }, { "9007199254740993", "9007199254740992", false },
		{ "1e400", "1e401", false }, { "1e400", "1e400", true },
		{ "12345678901234567890123", "1.2345678901234567890123e22", true },
		{ "1732500000000000001", "1732500000000000002", false },
		{ "1732500000000000001", "1732500000000000001.0", true }, { "-0", "0", true },
		{ "-0", "0e5", true }, { "10", "-10", false }, { "0", "00", false },
		/* Too long for numbers: by their bytes. */
		{ D200 ".5", D200 ".50", false } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span a = span(rows[i].a), b = span(rows[i].b);

		if (message_id_equal(a, b) != rows[i].same ||
			message_id_equal(b, a) != rows[i].same)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
		if (rows[i].same)
			assert_int_equal(message_id_hash(a), message_id_hash(b));
		if (rows[i].same && !message_id_alike(a, b))
			fail_msg("%s and %s are not even alike", rows[i].a, rows[i].b);
	}
}

static void ids_are_alike_when_a_double_cannot_tell_them_apart(void **state)
{
	struct span sent = span("1732500000000000001"), rounded = span("1732500000000000000");

	(void)state;
	assert_true(message_id_alike(sent, rounded));
	assert_int_equal(message_id_hash(sent), message_id_hash(rounded));
	assert_false(message_id_alike(sent, span("1732500000000001000")));
	assert_false(message_id_alike(sent, span("\"1732500000000000001\"")));
	assert_false(message_id_alike(sent, (struct span){ 0 }));
}

static void errors_are_json_whatever_the_text(void **state)
{
	struct buf b;
	struct message m;
	struct span none = { 0 };

	(void)state;
	buf_init(&b, 4096);
	assert_true(message_error(&b, none, -32700, "a \"b\"\\\n\x01 \xff \xc3\xa4", "{\"x\":1}"));
	assert_int_equal(message_scan(b.p, b.len, &m, NULL), MESSAGE_OK);
	assert_int_equal(m.kind, MESSAGE_RESPONSE);
	buf_free(&b);
}

static void last_of_equal_members_is_found_and_counted(void **state)
{
	struct span v = span("{ \"a\" : {\"a\":0}, \"b\":[1,\"]\"] ,\"\\u0061\": 2 }");
	unsigned n;

	(void)state;
	assert_span("a", walk_get(v, "a", &n), "2");
	assert_int_equal(n, 2);
	assert_span("b", walk_get(v, "b", &n), "[1,\"]\"]");
	assert_null(walk_get(v, "c", &n).p);
	assert_int_equal(n, 0);
	assert_null(walk_get(span("[1]"), "a", NULL).p);
}

static void methods_are_known_by_name(void **state)
{
	(void)state;
	for (int i = METHOD_OTHER + 1; i < METHODS; i++) {
		char text[200];
		struct message m;

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}",
			message_method_name((enum method)i));
		assert_int_equal(message_scan(text, strlen(text), &m, NULL), MESSAGE_OK);
		assert_int_equal(m.method, i);
	}
	assert_null(message_method_name(METHOD_OTHER));
}

static void names_of_methods_may_be_written_with_escapes(void **state)
{
	static const struct {
		const char *name;
		enum method method;
	} rows[] = { { "p\\u0069ng", METHOD_PING }, { "tools\\/call", METHOD_TOOLS_CALL },
		{ "Ping", METHOD_OTHER }, { "pin", METHOD_OTHER }, { "", METHOD_OTHER },
		{ "ping\\u0000", METHOD_OTHER } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[200];
		struct message m;

		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"}",
			rows[i].name);
		assert_int_equal(message_scan(text, strlen(text), &m, NULL), MESSAGE_OK);
		assert_int_equal(m.method, rows[i].method);
	}
}

static void what_was_read_moves_with_its_bytes(void **state)
{
	char text[] = "  {\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\",\"params\":{\"a\":1}} ";
	struct message read, kept = { 0 }, moved = { 0 };
	struct buf bytes;

	(void)state;
	assert_int_equal(message_scan(text, strlen(text), &read, NULL), MESSAGE_OK);
	assert_true(message_keep(&kept, &read));
	memset(text, 'x', sizeof(text));
	buf_init(&bytes, MESSAGE_MAX);
	buf_move(&bytes, &kept.bytes);
	message_own(&moved, &kept, &bytes);
	assert_int_equal(moved.kind, MESSAGE_REQUEST);
	assert_int_equal(moved.method, METHOD_PING);
	assert_span("id", moved.id, "7");
	assert_span("name", moved.name, "ping");
	assert_span("params", moved.params, "{\"a\":1}");
	assert_ptr_equal(moved.whole.p, moved.bytes.p);
	assert_null(moved.result.p);
	message_free(&moved);
	assert_null(moved.whole.p);
	message_free(&kept);
}

static void text_of_ours_is_read_where_it_is_kept(void **state)
{
	struct message m = { 0 };
	struct buf bytes;

	(void)state;
	buf_init(&bytes, MESSAGE_MAX);
	assert_true(buf_adds(&bytes, "{\"jsonrpc\":\"2.0\",\"method\":\"x\"}"));
	assert_true(message_read(&m, &bytes));
	assert_int_equal(m.kind, MESSAGE_NOTIFICATION);
	assert_null(bytes.p);
	assert_true(buf_adds(&bytes, "{"));
	assert_false(message_read(&m, &bytes));
	assert_null(bytes.p);
	assert_null(m.whole.p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_told_apart),
		cmocka_unit_test(members_that_are_null_beside_the_real_one_are_absent),
		cmocka_unit_test(message_cut_anywhere_is_no_json),
		cmocka_unit_test(grammar_is_that_of_rfc_8259),
		cmocka_unit_test(only_line_breaks_between_tokens_change),
		cmocka_unit_test(no_text_at_all_is_no_json),
		cmocka_unit_test(depth_has_a_cap),
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(ids_are_equal_when_they_mean_the_same),
		cmocka_unit_test(ids_are_alike_when_a_double_cannot_tell_them_apart),
		cmocka_unit_test(errors_are_json_whatever_the_text),
		cmocka_unit_test(last_of_equal_members_is_found_and_counted),
		cmocka_unit_test(methods_are_known_by_name),
		cmocka_unit_test(names_of_methods_may_be_written_with_escapes),
		cmocka_unit_test(what_was_read_moves_with_its_bytes),
		cmocka_unit_test(text_of_ours_is_read_where_it_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
