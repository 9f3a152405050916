/* Which requests may be sent twice: the ones that the rule is made of, and what cannot be read for sure. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/session/repeat.h"

static bool may(const char *text, const struct strset *readers)
{
	char bytes[1024];
	struct message m;

	strcpy(bytes, text);
	assert_int_equal(message_scan(bytes, strlen(bytes), &m, NULL), MESSAGE_OK);
	return repeat_may(&m, readers);
}

static void rule_is_the_method(void **state)
{
	static const struct {
		const char *text;
		bool again;
	} rows[] = {
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}", true },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools\\/list\"}", true },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}", true },
		{ "{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}", false }, /* nobody waits for it */
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", false },
		{ "[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}]", false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"vendor/list\"}", false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"subscriptions/listen\"}", false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\"}", false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"Get-Events\"}}",
			true },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"Create-Cohort\"}}",
			false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":\"Get-Events\","
		  "\"name\":\"Create-Cohort\"}}",
			false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":{\"name\":7}}",
			false },
		{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		  "call\",\"params\":[\"Get-Events\"]}",
			false },
	};
	struct strset none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (may(rows[i].text, &none) != rows[i].again)
			fail_msg("%s", rows[i].text);
}

static void learn(struct strset *readers, const char *result)
{
	char bytes[1024];
	struct message m;

	strcpy(bytes, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":");
	strcat(strcat(bytes, result), "}");
	assert_int_equal(message_scan(bytes, strlen(bytes), &m, NULL), MESSAGE_OK);
	repeat_learn(readers, m.result);
}

static void last_definition_of_a_tool_counts(void **state)
{
	static const char call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
				   "call\",\"params\":{\"name\":\"a\\u0062\"}}";
	struct strset readers = { 0 };

	(void)state;
	learn(&readers, "{\"tools\":7}");
	learn(&readers, "{\"tools\":[7,{},{\"name\":\"ab\"}]}");
	assert_false(may(call, &readers));
	learn(&readers, "{\"tools\":[{\"name\":\"ab\",\"annotations\":{\"readOnlyHint\":true,"
			"\"idempotentHint\":true}}]}");
	assert_true(may(call, &readers));
	learn(&readers, "{\"tools\":[{\"name\":\"ab\",\"annotations\":{\"readOnlyHint\":true,"
			"\"readOnlyHint\":true,\"idempotentHint\":true}}]}");
	assert_false(may(call, &readers));
	strset_clear(&readers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rule_is_the_method),
		cmocka_unit_test(last_definition_of_a_tool_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
