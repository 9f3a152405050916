#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "mcp/http/error_text.h"

static void check(const char *body, const char *want)
{
	char out[ERROR_TEXT_MAX + 1], *p = strdup(body);

	error_text_read(p, strlen(p), out);
	if (strcmp(out, want) != 0)
		fail_msg("%.100s gave \"%s\", not \"%s\"", body, out, want);
	free(p);
}

static void the_sentence_of_the_service_is_found(void **state)
{
	(void)state;
	check("", "");
	check(" \n\t", "");
	check("plain words", "plain words");
	check("  two\r\n  lines\t ", "two lines");
	check("{\"error\":\"invalid_token\",\"error_description\":\"it \\u0022expired\\u0022\"}",
		"it \"expired\"");
	check("{\"error\":{\"code\":-1,\"message\":\"inside\"}}", "inside");
	check("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"message\":\"m\"}}", "m");
	check("{\"detail\":\"d\",\"title\":\"t\"}", "d");
	check("{\"title\":\"t\",\"status\":400}", "t");
	check("{\"message\":7,\"error\":\"e\"}", "e");
	check("{\"x\":\"y\"}", "");
	check("{broken", "");
	check("[7,null]", "");
	check("{\"error\":{\"error\":{\"error\":{\"error\":{\"error\":{\"message\":\"deep\"}}}}}}",
		"");
	check("<html><head><TITLE lang=\"en\">Bad\n gateway</TITLE>", "Bad gateway");
	check("<html><title>never closed", "");
	check("<title", "");
	check("<html>no title</html>", "");
}

static void pages_of_any_size_become_one_short_line(void **state)
{
	char body[1000], out[ERROR_TEXT_MAX + 1];

	(void)state;
	for (size_t lead = 0; lead < 4; lead++) {
		size_t n = lead;

		memset(body, 'x', sizeof(body));
		for (; n + 4 <= sizeof(body); n += 4)
			memcpy(body + n, "\xf0\x9d\x84\x9e", 4);
		error_text_read(body, n, out);
		assert_true(strlen(out) <= ERROR_TEXT_MAX && strlen(out) > ERROR_TEXT_MAX - 8);
		assert_true((strlen(out) - lead) % 4 == 0); /* not in the middle of a character */
		assert_null(strchr(out, '?'));
	}
}

/* Half a word reads like the service's own mistake. */
static void a_long_text_ends_at_a_word_and_says_that_it_goes_on(void **state)
{
	static const char words[] = " word", end[] = "word...";
	char body[2 * ERROR_TEXT_MAX], out[ERROR_TEXT_MAX + 1];
	size_t n = strlen(words);

	(void)state;
	for (size_t lead = 1; lead <= n; lead++) {
		memset(body, 'x', lead);
		for (size_t at = lead; at + n < sizeof(body); at += n)
			memcpy(body + at, words, n);
		error_text_read(body, sizeof(body) - n, out);
		assert_in_range(strlen(out), ERROR_TEXT_MAX - n, ERROR_TEXT_MAX);
		assert_string_equal(out + strlen(out) - strlen(end), end);
	}
	memset(body, 'x', ERROR_TEXT_MAX);
	memcpy(body + ERROR_TEXT_MAX - n, words, n);
	strcpy(body + ERROR_TEXT_MAX, " \n");
	error_text_read(body, ERROR_TEXT_MAX + 2, out);
	assert_string_equal(out + ERROR_TEXT_MAX - n, words); /* it goes on with nothing */
}

static void advice_for_the_clients_own_sign_in_is_left_out(void **state)
{
	(void)state;
	check("{\"error\":\"invalid_token\",\"error_description\":\"Authentication failed. The "
	      "token is "
	      "invalid. To resolve: clear authentication tokens in your MCP client and reconnect. "
	      "Your client should automatically re-register and obtain new tokens.\"}",
		"Authentication failed. The token is invalid.");
}

static void control_characters_and_secrets_do_not_get_through(void **state)
{
	char body[] = "a\x1b[31mb \x07 topsecret99 \xff end", zero[] = "a\0b";
	char out[ERROR_TEXT_MAX + 1];

	(void)state;
	diag_hide("topsecret99", 11);
	error_text_read(body, sizeof(body) - 1, out);
	assert_null(strstr(out, "topsecret99"));
	assert_null(strchr(out, 0x1b));
	assert_null(strchr(out, 0x07));
	assert_null(strchr(out, (char)0xff));
	assert_non_null(strstr(out, "end"));
	error_text_read(zero, 3, out);
	assert_string_equal(out, "a?b");
}

static void nothing_is_read_behind_the_end(void **state)
{
	static const char body[] = "{\"error\":{\"message\":\"m\"}}<title>x</title>";
	char out[ERROR_TEXT_MAX + 1];

	(void)state;
	for (size_t n = 0; n <= sizeof(body) - 1; n++) {
		char *p = malloc(n ? n : 1); /* valgrind and ASan watch its end */

		memcpy(p, body, n);
		error_text_read(p, n, out);
		free(p);
		for (size_t from = 24; from < n; from++) {
			p = malloc(n - from);
			memcpy(p, body + from, n - from);
			error_text_read(p, n - from, out);
			free(p);
		}
	}
}

static void lists_of_errors_are_told_in_part(void **state)
{
	(void)state;
	check("[\"x\"]", "x");
	check("{\"errors\":[{\"message\":\"a\"},{\"message\":\"b\"}]}", "a; b");
	check("{\"errors\":[\"a\",\"b\",\"c\",\"d\"]}", "a; b; c");
	check("{\"errors\":[{\"code\":7},{\"title\":\"t\",\"detail\":\"d\"}]}", "d");
	check("{\"errors\":[],\"error\":\"e\"}", "e");
	check("{\"detail\":[{\"loc\":[\"body\",\"params\",\"name\"],\"msg\":\"field required\","
	      "\"type\":\"value_error.missing\"},{\"loc\":[\"query\",0],\"msg\":\"too long\"}]}",
		"name: field required; too long");
	check("{\"error\":{\"errors\":[{\"reason\":\"r\"}]}}", "r");
	check("[[[[[[[[\"deep\"]]]]]]]]", "");
}

static void a_page_says_it_in_its_title_or_first_heading(void **state)
{
	static const char page[] = "<!DOCTYPE html><title>x</title>", xml[] = "<?xml?><a/>";

	(void)state;
	check("<html><title> </title><h1>ERROR</h1><h2>The requested URL</h2>", "ERROR");
	check("<html><H2 class=x>Access Denied</H2>", "Access Denied");
	assert_true(error_text_is_page(page, sizeof(page) - 1));
	assert_false(error_text_is_page(xml, sizeof(xml) - 1));
	assert_false(error_text_is_page("plain", 5));
	assert_false(error_text_is_page(NULL, 0));
}

#define MP "https://mcp-eu.mixpanel.com/mcp"
#define OWN "https://mcp.example/mcp"

/* For each row of the table what it is for: what is said, and what that comes to. */
static const struct {
	struct error_said said;
	enum err_kind kind;
	enum err_reason reason;
	const char *advice; /* a part of it; "" when there is none */
} meanings[] = {
	{ { .text = "MCP access is NOT ENABLED for x" }, ERR_FORBIDDEN, REASON_MCP_DISABLED,
		"organisation settings" },
	{ { .text = "MCP is not enabled" }, ERR_FORBIDDEN, REASON_MCP_DISABLED, "15 minutes" },
	{ { .status = 403, .text = "Tool 'X' requires scopes: y" }, ERR_AUTH, REASON_SCOPE_MISSING,
		"mpmcp login --force" },
	{ { .status = 402, .text = "Your plan does not allow API calls", .url = MP }, ERR_FORBIDDEN,
		REASON_PLAN, "plan" },
	{ { .status = 402 }, ERR_FORBIDDEN, REASON_PLAN, "billing" },
	{ { .code = -32000, .text = "Rate limit exceeded" }, ERR_RATE, REASON_RATE_LIMITED, "" },
	{ { .code = -32000, .text = "Too many requests" }, ERR_RATE, REASON_RATE_LIMITED, "" },
	{ { .code = -32000, .text = "Something else" }, ERR_SERVER, REASON_NONE, "" },
	{ { .code = -32023 }, ERR_RATE, REASON_RATE_LIMITED, "" },
	{ { .status = 400, .text = "Bad Request: No valid session ID provided" }, ERR_PROTO,
		REASON_SESSION_LOST, "new session" },
	{ { .status = 400, .text = "Bad Request: Server not initialized" }, ERR_PROTO,
		REASON_SESSION_LOST, "new session" },
	{ { .status = 400, .text = "before initialization was complete" }, ERR_PROTO,
		REASON_SESSION_LOST, "new session" },
	{ { .status = 404, .text = "Not initialized" }, ERR_NOT_FOUND, REASON_SESSION_LOST,
		"new session" },
	{ { .status = 404, .text = "Session not found" }, ERR_NOT_FOUND, REASON_SESSION_LOST,
		"new session" },
	{ { .status = 400, .text = "expression expected" }, ERR_PROTO, REASON_NONE, "" },
	{ { .status = 503, .challenge = true }, ERR_FORBIDDEN, REASON_FIREWALL, "another network" },
	{ { .status = 503, .text = "Just a moment...", .page = true }, ERR_FORBIDDEN,
		REASON_FIREWALL, "A program cannot" },
	{ { .status = 403, .text = "Access denied", .page = true, .url = MP }, ERR_FORBIDDEN,
		REASON_FIREWALL, "not a permission" },
	{ { .status = 403, .url = MP }, ERR_FORBIDDEN, REASON_PERMISSION, "Mixpanel" },
	{ { .status = 403, .url = OWN }, ERR_FORBIDDEN, REASON_PERMISSION, "this account" },
	{ { .status = 401 }, ERR_AUTH, REASON_NONE, "" },
	{ { .status = 404, .url = MP }, ERR_NOT_FOUND, REASON_NOT_FOUND, "--region" },
	{ { .status = 404 }, ERR_NOT_FOUND, REASON_NOT_FOUND, "path of the URL" },
	{ { .status = 405 }, ERR_NOT_FOUND, REASON_NOT_MCP, "not an MCP endpoint" },
	{ { .status = 407 }, ERR_NET, REASON_PROXY_SIGN_IN, "http_proxy=" },
	{ { .status = 421 }, ERR_PROTO, REASON_MISDIRECTED, "host in the URL" },
	{ { .status = 422 }, ERR_PROTO, REASON_BAD_REQUEST, "Correct what it names" },
	{ { .status = 429, .url = MP }, ERR_RATE, REASON_RATE_LIMITED, "600" },
	{ { .status = 429, .url = OWN }, ERR_RATE, REASON_RATE_LIMITED, "other clients" },
	{ { .status = 451 }, ERR_FORBIDDEN, REASON_PERMISSION, "country" },
	{ { .status = 500, .url = MP }, ERR_SERVER, REASON_SERVER_DOWN, "mixpanelstatus.com" },
	{ { .status = 500, .url = OWN }, ERR_SERVER, REASON_SERVER_DOWN, "whoever runs" },
	{ { .status = 503, .url = MP }, ERR_SERVER, REASON_SERVER_DOWN, "mixpanelstatus.com" },
	{ { .status = 503, .url = OWN }, ERR_SERVER, REASON_SERVER_DOWN, "whoever runs" },
	{ { .status = 504 }, ERR_SERVER, REASON_SERVER_SLOW, "may still have acted" },
	{ { .status = 511 }, ERR_NET, REASON_CAPTIVE, "in a browser" },
	{ { .status = 524 }, ERR_SERVER, REASON_SERVER_SLOW, "less at a time" },
	{ { .status = 530 }, ERR_SERVER, REASON_SERVER_DOWN, "host in the URL" },
	{ { .status = 400 }, ERR_PROTO, REASON_NONE, "" },
	{ { .status = 302 }, ERR_PROTO, REASON_NONE, "" },
	{ { .text = "nothing known" }, ERR_SERVER, REASON_NONE, "" },
};

static void what_is_said_has_a_reason_and_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(meanings) / sizeof(meanings[0]); i++) {
		const struct error_said *said = &meanings[i].said;
		struct error_meaning m = error_text_meaning(said);
		bool advised = *meanings[i].advice ? strstr(m.advice, meanings[i].advice) != NULL
						   : !*m.advice;
		bool elsewhere = said->url && strcmp(said->url, OWN) == 0;

		if (m.kind != meanings[i].kind || m.reason != meanings[i].reason || !advised)
			fail_msg("row %zu: %s, %d, \"%s\"", i, err_kind_name(m.kind), (int)m.reason,
				m.advice);
		if (elsewhere && strstr(m.advice, "Mixpanel"))
			fail_msg("row %zu names Mixpanel: %s", i, m.advice);
		assert_true(*m.what && !strchr(m.what, '.'));
	}
}

static void a_refusal_is_cause_words_and_what_to_do(void **state)
{
	static const struct {
		struct error_said said;
		long wait_s;
		const char *text;
	} rows[] = {
		{ { .status = 500, .text = "down", .url = OWN }, -1,
			"the server failed (HTTP 500): down. Try again. If this persists, tell "
			"whoever runs the server." },
		{ { .status = 503, .text = "", .url = MP }, 7,
			"the service is not available at the moment (HTTP 503). Try again in 7 "
			"seconds. If this persists, see https://www.mixpanelstatus.com." },
		{ { .status = 400, .text = "Bad thing." }, -1,
			"the server does not accept the request (HTTP 400): Bad thing." },
		{ { .status = 405, .text = "Only GET!" }, -1,
			"this address does not accept messages (HTTP 405): Only GET! The address "
			"answers "
			"but is not an MCP endpoint: check the path of the URL." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };

		assert_false(error_text_refusal(&e, &rows[i].said, rows[i].wait_s));
		assert_string_equal(err_text(&e), rows[i].text);
	}
}

static void words_of_servers_that_keep_sessions_are_known(void **state)
{
	static const struct {
		const char *error;
		enum error_era era;
	} rows[] = {
		{ "{\"code\":-32000,\"message\":\"Bad Request: Server not initialized\"}",
			ERROR_ERA_INITIALIZE },
		{ "{\"code\":-32600,\"message\":\"Initialize first\"}", ERROR_ERA_INITIALIZE },
		{ "{\"code\":-32600,\"message\":\"Invalid Request\",\"data\":\"received before "
		  "initialization was complete\"}",
			ERROR_ERA_INITIALIZE },
		{ "{\"code\":-32600,\"message\":\"Bad Request: Missing session ID\"}",
			ERROR_ERA_SESSIONS },
		{ "{\"code\":-32600,\"message\":\"Mcp-Session-Id header is required\"}",
			ERROR_ERA_SESSIONS },
		{ "{\"code\":-32000,\"message\":\"Bad Request: Unsupported protocol version\"}",
			ERROR_ERA_SESSIONS },
		{ "{\"code\":-32000,\"message\":\"the session has expired\"}", ERROR_ERA_UNTOLD },
		{ "{\"code\":-32000,\"message\":\"no such project\"}", ERROR_ERA_UNTOLD },
		{ "{}", ERROR_ERA_UNTOLD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (error_text_era((struct span){ rows[i].error, strlen(rows[i].error) }) !=
			rows[i].era)
			fail_msg("%s", rows[i].error);
	assert_int_equal(error_text_era((struct span){ 0 }), ERROR_ERA_UNTOLD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sentence_of_the_service_is_found),
		cmocka_unit_test(pages_of_any_size_become_one_short_line),
		cmocka_unit_test(a_long_text_ends_at_a_word_and_says_that_it_goes_on),
		cmocka_unit_test(advice_for_the_clients_own_sign_in_is_left_out),
		cmocka_unit_test(control_characters_and_secrets_do_not_get_through),
		cmocka_unit_test(nothing_is_read_behind_the_end),
		cmocka_unit_test(lists_of_errors_are_told_in_part),
		cmocka_unit_test(a_page_says_it_in_its_title_or_first_heading),
		cmocka_unit_test(what_is_said_has_a_reason_and_advice),
		cmocka_unit_test(a_refusal_is_cause_words_and_what_to_do),
		cmocka_unit_test(words_of_servers_that_keep_sessions_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
