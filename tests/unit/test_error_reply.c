#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/json/error_reply.h"
#include "mcp/json/walk.h"

static void every_kind_of_failure_has_a_code_outside_the_reserved_range(void **state)
{
	(void)state;
	for (int k = ERR_NONE; k < ERR_KINDS; k++) {
		long code = error_reply_code((enum err_kind)k);

		if (!code || (code <= -32000 && code >= -32768))
			fail_msg("kind %d has code %ld", k, code);
	}
	assert_int_equal(error_reply_code(ERR_AUTH), -31401);
	assert_int_equal(error_reply_code(ERR_FORBIDDEN), -31403);
	assert_int_equal(error_reply_code(ERR_NOT_FOUND), -31404);
	assert_int_equal(error_reply_code(ERR_RATE), -31429);
	assert_int_equal(error_reply_code(ERR_SERVER), -31500);
	assert_int_equal(error_reply_code(ERR_NET), -31503);
	assert_int_equal(error_reply_code(ERR_POLICY), -31600);
}

static void codes_lead_back_to_a_kind_with_the_same_code(void **state)
{
	(void)state;
	for (int k = ERR_USAGE; k < ERR_KINDS; k++) {
		long code = error_reply_code((enum err_kind)k);

		assert_int_equal(error_reply_code(error_reply_kind(code)), code);
	}
	assert_true(reply_is_own(-31401) && reply_is_own(-31000));
	assert_false(reply_is_own(-32601) || reply_is_own(0));
	assert_int_equal(error_reply_kind(-32601), ERR_SERVER);
	assert_int_equal(error_reply_kind(0), ERR_SERVER);
}

static void check(
	struct span id, enum err_kind kind, const struct error_reply_data *d, const char *want)
{
	struct err e = { 0 };
	struct buf b;
	struct message m;

	err_set(&e, kind, "a \"b\"\\ \xc3\xa4");
	buf_init(&b, 1 << 20);
	assert_true(error_reply(&b, id, &e, d));
	assert_string_equal(buf_str(&b), want);
	assert_int_equal(message_scan(b.p, b.len, &m, NULL), MESSAGE_OK);
	assert_int_equal(m.kind, MESSAGE_RESPONSE);
	buf_free(&b);
}

static void data_holds_what_is_known_and_nothing_else(void **state)
{
	struct error_reply_data none = { .retry_after_s = -1 };
	struct error_reply_data all = { .status = 503, .retry_after_s = 0, .url = "https://a/\"b" };
	struct span id = { "\"x\"", 3 };

	(void)state;
#define HEAD(id, code) \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code \
	",\"message\":\"a \\\"b\\\"\\\\ \xc3\xa4\""
	check((struct span){ 0 }, ERR_USAGE, NULL, HEAD("null", "-31000") "}}");
	check(id, ERR_USAGE, &none, HEAD("\"x\"", "-31000") "}}");
	check(id, ERR_RATE, &none, HEAD("\"x\"", "-31429") "}}");
	check(id, ERR_AUTH, NULL,
		HEAD("\"x\"", "-31401") ",\"data\":{\"hint\":\"mpmcp doctor\"}}}");
	check(id, ERR_NET, &all,
		HEAD("\"x\"", "-31503") ",\"data\":{\"httpStatus\":503,\"retryAfter\":0,\"url\":"
					"\"https://a/\\\"b\",\"hint\":\"mpmcp doctor\"}}}");
}

static void hint_is_to_sign_in_only_where_the_reason_says_so(void **state)
{
	static const struct {
		enum err_reason reason;
		const char *data;
	} rows[] = {
		{ REASON_NONE, "\"data\":{\"hint\":\"mpmcp doctor\",\"advice\":\"Do it.\"}" },
		{ REASON_SIGN_IN, "\"data\":{\"hint\":\"mpmcp login\",\"reason\":"
				  "\"sign-in-needed\",\"advice\":\"Do it.\"}" },
		{ REASON_SCOPE_MISSING, "\"hint\":\"mpmcp login\",\"reason\":\"scope-missing\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = { 0 };
		struct buf b;

		buf_init(&b, 1 << 20);
		err_set(&e, ERR_AUTH, "the words say: run \"mpmcp login\"");
		err_advise(&e, rows[i].reason, "Do it.");
		assert_true(error_reply(&b, (struct span){ 0 }, &e, NULL));
		assert_non_null(strstr(buf_str(&b), rows[i].data));
		assert_non_null(strstr(buf_str(&b), "mpmcp login\\\". Do it.\""));
		buf_free(&b);
	}
}

static void answer_that_does_not_fit_is_refused(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	err_set(&e, ERR_NET, "some words");
	buf_init(&b, 40);
	assert_false(error_reply(&b, (struct span){ 0 }, &e, NULL));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_failure_has_a_code_outside_the_reserved_range),
		cmocka_unit_test(codes_lead_back_to_a_kind_with_the_same_code),
		cmocka_unit_test(data_holds_what_is_known_and_nothing_else),
		cmocka_unit_test(hint_is_to_sign_in_only_where_the_reason_says_so),
		cmocka_unit_test(answer_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
