#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/json/era.h"

#define V "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""

static struct span span(const char *s)
{
	return s ? (struct span){ s, strlen(s) } : (struct span){ 0 };
}

/* The message with the edits that fn notes for it. */
static void assert_edited(const char *text, const char *want,
	void (*fn)(struct edits *s, const struct message *m, struct buf *scratch))
{
	char *copy = strdup(text);
	struct edits s = { 0 };
	struct message m;
	struct buf scratch, out;

	buf_init(&scratch, 4096);
	buf_init(&out, 4096);
	assert_int_equal(message_scan(copy, strlen(copy), &m, NULL), MESSAGE_OK);
	fn(&s, &m, &scratch);
	assert_true(edit_apply(&s, m.whole, &out));
	assert_string_equal(buf_str(&out), want);
	/* What comes out is a message again. */
	assert_int_equal(message_scan(out.p, out.len, &m, NULL), MESSAGE_OK);
	buf_free(&scratch);
	buf_free(&out);
	free(copy);
}

static void add_meta(struct edits *s, const struct message *m, struct buf *scratch)
{
	assert_true(era_add_meta(s, m, span(V), span("\"inputResponses\":{}"), scratch));
}

static void meta_is_added_to_every_form_of_request(void **state)
{
	(void)state;
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		"},\"inputResponses\":{}}}",
		add_meta);
	assert_edited("{\"method\":\"x\",\"params\":{},\"jsonrpc\":\"2.0\",\"id\":1}",
		"{\"method\":\"x\",\"params\":{\"_meta\":{" V
		"},\"inputResponses\":{}},\"jsonrpc\":\"2.0\",\"id\":1}",
		add_meta);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{ \"a\" : 1 }}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		"},\"inputResponses\":{}, \"a\" : 1 }}",
		add_meta);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{"
		      "\"progressToken\":1}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"inputResponses\":{},"
		"\"_meta\":{" V ",\"progressToken\":1}}}",
		add_meta);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"inputResponses\":{},"
		"\"_meta\":{" V "}}}",
		add_meta);
}

static void meta_that_is_no_object_makes_room_for_ours(void **state)
{
	(void)state;
	assert_edited(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":\"a\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		"},\"inputResponses\":{}}}",
		add_meta);
	assert_edited(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":1,\"_meta\":null,"
		"\"b\":2}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		"},\"inputResponses\":{},\"a\":1,\"b\":2}}",
		add_meta);
}

static void drop_meta(struct edits *s, const struct message *m, struct buf *scratch)
{
	(void)scratch;
	era_drop_meta(s, m);
}

static void modern_members_of_meta_go_and_others_stay(void **state)
{
	(void)state;
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		      "}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{}}", drop_meta);
	assert_edited(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":1, \"_meta\":{" V
		"} }}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"a\":1 }}", drop_meta);
	assert_edited(
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{" V
		",\"progressToken\":1,\"io.modelcontextprotocol/logLevel\":\"info\"},\"a\":1}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{"
		"\"progressToken\":1},\"a\":1}}",
		drop_meta);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":1}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":1}}",
		drop_meta);
}

static void to_legacy(struct edits *s, const struct message *m, struct buf *scratch)
{
	(void)scratch;
	era_result_to_legacy(s, m->result);
}

static void to_modern(struct edits *s, const struct message *m, struct buf *scratch)
{
	static char list[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}";
	struct message request;

	(void)scratch;
	assert_int_equal(message_scan(list, sizeof(list) - 1, &request, NULL), MESSAGE_OK);
	era_result_to_modern(s, m->result, &request);
}

static void results_lose_and_gain_only_what_they_must(void **state)
{
	(void)state;
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", to_legacy);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[1], \"resultType\" : "
		      "\"complete\" , \"b\":2}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":[1], \"b\":2}}", to_legacy);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":{\"resultType\":1}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"a\":{\"resultType\":1}}}", to_legacy);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,"
		"\"cacheScope\":\"private\"}}",
		to_modern);
	assert_edited("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"ttlMs\":5,\"tools\":[],"
		      "\"resultType\":\"x\"}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,"
		"\"cacheScope\":"
		"\"private\",\"tools\":[]}}",
		to_modern);
}

static void tasks_are_not_declared_across_eras(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(era_meta(&out, span("{\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"},"
					"\"capabilities\":{\"tasks\":{\"list\":{}},"
					"\"roots\":{},\"extensions\":{\"io.modelcontextprotocol/"
					"tasks\":{},\"io.modelcontextprotocol/ui\":{}}}}")));
	assert_string_equal(buf_str(&out),
		V ",\"io.modelcontextprotocol/clientInfo\":{\"name\":\"c\",\"version\":\"1\"},"
		  "\"io.modelcontextprotocol/"
		  "clientCapabilities\":{\"roots\":{},\"extensions\":{\"io.modelcontextprotocol/"
		  "ui\":{}}}");
	buf_free(&out);
}

static void answers_of_one_handshake_are_made_of_the_other(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 4096);
	assert_true(era_initialize_answer(&out, span("\"i\""),
		span("{\"protocolVersion\":\"2024-11-05\"}"),
		span("{\"capabilities\":{\"tools\":{}},\"instructions\":\"x\",\"_meta\":{"
		     "\"io.modelcontextprotocol/serverInfo\":{\"name\":\"s\",\"version\":\"2\"}}}"),
		"fallback"));
	assert_string_equal(buf_str(&out), "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":{"
					   "\"protocolVersion\":\"2024-11-05\",\"capabilities\":"
					   "{\"tools\":{}},\"serverInfo\":{\"name\":\"s\","
					   "\"version\":\"2\"},\"instructions\":\"x\"}}");
	buf_reset(&out);
	/* A revision that nobody knows is answered with the newest of the era, as MCP says. */
	assert_true(era_initialize_answer(&out, span("1"),
		span("{\"protocolVersion\":\"1900-01-01\"}"), span("{}"), "fallback"));
	assert_string_equal(buf_str(&out),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":\"2025-11-25\","
		"\"capabilities\":{},"
		"\"serverInfo\":{\"name\":\"fallback\",\"version\":\"\"}}}");
	buf_reset(&out);
	assert_true(era_discover_answer(
		&out, span("1"), span("{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{}}")));
	assert_string_equal(buf_str(&out),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,"
		"\"cacheScope\":\"private\","
		"\"supportedVersions\":[\"2026-07-28\",\"2025-06-18\"],\"capabilities\":{}}}");
	buf_free(&out);
}

static void refusals_tell_the_era(void **state)
{
	static const struct {
		const char *error;
		long status;
		bool modern_to_initialize, modern_to_request, modern_to_discover;
	} rows[] = {
		{ "{\"code\":-32020}", 400, true, true, true },
		{ "{\"code\":-32021}", 400, true, true, true },
		{ "{\"code\":-32022,\"data\":{\"supported\":[\"2026-07-28\"]}}", 400, true, true,
			true },
		{ "{\"code\":-32022,\"data\":{\"supported\":[\"2030-01-01\"]}}", 400, true, true,
			true },
		{ "{\"code\":-32022,\"data\":{\"supported\":[\"2025-06-18\"]}}", 400, true, false,
			false },
		{ "{\"code\":-32022}", 400, true, false, false },
		{ "{\"code\":-32601}", 404, true, true, false },
		{ "{\"code\":-32601}", 200, true, false, false },
		{ "{\"code\":-32602,\"message\":\"_meta needs "
		  "io.modelcontextprotocol/protocolVersion\"}",
			400, true, false, false },
		{ "{\"code\":-32602,\"message\":\"no\"}", 400, false, false, false },
		{ "{\"code\":1e99}", 400, false, false, false },
		{ "{}", 400, false, false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span e = span(rows[i].error);

		if (era_refusal_is_modern(e) != rows[i].modern_to_initialize ||
			era_refusal_is_of_modern(e, rows[i].status, false) !=
				rows[i].modern_to_request ||
			era_refusal_is_of_modern(e, rows[i].status, true) !=
				rows[i].modern_to_discover)
			fail_msg("%s with HTTP %ld", rows[i].error, rows[i].status);
	}
	assert_true(era_supports(span(rows[2].error), ERA_MODERN_VERSION));
	assert_false(era_supports(span(rows[4].error), ERA_MODERN_VERSION));
}

static void log_levels_are_in_order(void **state)
{
	(void)state;
	assert_int_equal(era_log_level(span("\"debug\"")), 0);
	assert_int_equal(era_log_level(span("\"emergency\"")), 7);
	assert_int_equal(era_log_level(span("\"loud\"")), -1);
	assert_int_equal(era_log_level(span(NULL)), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meta_is_added_to_every_form_of_request),
		cmocka_unit_test(meta_that_is_no_object_makes_room_for_ours),
		cmocka_unit_test(modern_members_of_meta_go_and_others_stay),
		cmocka_unit_test(results_lose_and_gain_only_what_they_must),
		cmocka_unit_test(tasks_are_not_declared_across_eras),
		cmocka_unit_test(answers_of_one_handshake_are_made_of_the_other),
		cmocka_unit_test(refusals_tell_the_era),
		cmocka_unit_test(log_levels_are_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
