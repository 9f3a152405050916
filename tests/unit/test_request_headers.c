#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/http/request_headers.h"
#include "mcp/json/era.h"
#include "recorded_fields.h"

static void values_are_written_as_they_are_or_packed(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = { { "", "" }, { "plain", "plain" }, { "a b\tc", "a b\tc" },
		{ " a", "=?base64?IGE=?=" }, { "a ", "=?base64?YSA=?=" },
		{ "\ta", "=?base64?CWE=?=" }, { "a\nb", "=?base64?YQpi?=" },
		{ "\x7f", "=?base64?fw==?=" }, { "\xc3\xa4", "=?base64?w6Q=?=" },
		{ "=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?=" },
		{ "=?base64?"
		  "?=",
			"=?base64?PT9iYXNlNjQ/Pz0=?=" },
		{ "=?base64?x", "=?base64?x" }, { "=?base64?=", "=?base64?PT9iYXNlNjQ/PQ==?=" },
		{ "x=?base64?x?=", "x=?base64?x?=" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf b;

		buf_init(&b, 100);
		assert_true(request_headers_encode(&b, rows[i].in, strlen(rows[i].in)));
		assert_string_equal(buf_str(&b), rows[i].out);
		buf_free(&b);
	}
}

static void value_that_does_not_fit_is_refused(void **state)
{
	struct buf b;

	(void)state;
	buf_init(&b, 10);
	assert_false(request_headers_encode(&b, "01234567890", 11));
	buf_reset(&b);
	assert_false(request_headers_encode(&b, "\xc3\xa4", 2));
	buf_free(&b);
}

#define META "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\"}"

/* The fields of a message; NULL when it is refused. */
static void check(const char *text, const char *want)
{
	char *copy = strdup(text);
	struct http_fields *f = NULL;
	struct message m;
	struct err e = { 0 };

	assert_int_equal(message_scan(copy, strlen(copy), &m, NULL), MESSAGE_OK);
	assert_int_equal(era_of(&m), ERA_MODERN);
	assert_int_equal(request_headers_fields(&m, NULL, &f, &e), want != NULL);
	if (want)
		assert_string_equal(recorded(f), want);
	else
		assert_int_not_equal(e.kind, ERR_NONE);
	http_fields_free(f);
	free(copy);
}

static void what_a_request_says_is_repeated_in_its_fields(void **state)
{
#define VERSION "MCP-Protocol-Version: 2026-07-28\n"
	(void)state;
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{" META
	      ",\"name\":\"x\"}}",
		VERSION "Mcp-Method: tools/list\n");
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools\\/call\",\"params\":{" META
	      ",\"name\":\"a\\u0062\"}}",
		VERSION "Mcp-Method: tools/call\nMcp-Name: ab\n");
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\",\"params\":{\"name\":\" "
	      "\"," META "}}",
		VERSION "Mcp-Method: prompts/get\nMcp-Name: =?base64?IA==?=\n");
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/"
	      "read\",\"params\":{\"uri\":\"file:///a\",\"name\":\"n\"," META "}}",
		VERSION "Mcp-Method: resources/read\nMcp-Name: file:///a\n");
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" META
	      ",\"name\":7}}",
		VERSION "Mcp-Method: tools/call\n");
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" META
	      ",\"name\":\"a\\nb\"}}",
		VERSION "Mcp-Method: tools/call\nMcp-Name: =?base64?YQpi?=\n");
}

static void what_no_field_can_hold_is_refused(void **state)
{
	(void)state;
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\nb\",\"params\":{" META "}}", NULL);
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\",\"params\":{" META "}}",
		NULL);
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"io."
	      "modelcontextprotocol/protocolVersion\":\"2026\\r\\nX: y\"}}}",
		NULL);
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"io."
	      "modelcontextprotocol/protocolVersion\":\"\\u0000\"}}}",
		NULL);
}

static void only_messages_that_name_their_revision_are_modern(void **state)
{
	static const char *const legacy[] = { "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\"}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[{" META "}]}",
		"{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":{}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"_meta\":{\"io."
		"modelcontextprotocol/protocolVersion\":1}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":{\"x\":{" META "}}}",
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{" META "}}" };

	(void)state;
	for (size_t i = 0; i < sizeof(legacy) / sizeof(legacy[0]); i++) {
		char *copy = strdup(legacy[i]);
		struct message m;

		assert_int_equal(message_scan(copy, strlen(copy), &m, NULL), MESSAGE_OK);
		assert_int_equal(era_of(&m), ERA_LEGACY);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_written_as_they_are_or_packed),
		cmocka_unit_test(value_that_does_not_fit_is_refused),
		cmocka_unit_test(what_a_request_says_is_repeated_in_its_fields),
		cmocka_unit_test(what_no_field_can_hold_is_refused),
		cmocka_unit_test(only_messages_that_name_their_revision_are_modern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
