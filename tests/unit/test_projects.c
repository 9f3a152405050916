#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "mcp/policy/projects.h"

static struct projects *made(const char *a, const char *b, const char *also, const char *wrong)
{
	char *word[] = { (char *)(uintptr_t)a, (char *)(uintptr_t)b };
	struct err e = { 0 };
	struct projects *p = projects_new(word, a ? b ? 2 : 1 : 0, also, &e);

	assert_int_equal(e.kind, wrong ? ERR_USAGE : ERR_NONE);
	if (wrong && (p || !strstr(e.msg, wrong)))
		fail_msg("%s", e.msg);
	return p;
}

static void assert_ids(const char *a, const char *b, const char *also, const char *want)
{
	struct projects *p = made(a, b, also, NULL);
	struct buf text;

	assert_non_null(p);
	buf_init(&text, 100);
	assert_true(projects_list(p, &text));
	assert_string_equal(buf_str(&text), want);
	buf_free(&text);
	projects_free(p);
}

static void ids_are_read_and_narrowed_by_the_variable(void **state)
{
	static const char *const bad[] = { "x", "1,", ",1", "1,,2", "1 2", "01", "0", "-1", "1.0",
		"1e3", "${PROJECT}", "1234567890123456789", "1;2", " " };

	(void)state;
	assert_null(made(NULL, NULL, NULL, NULL));
	assert_null(made(NULL, NULL, "", NULL));
	assert_ids("1,2", "3", NULL, "1,2,3");
	assert_ids(" 1 , 2 ,1", NULL, "", "1,2");
	assert_ids(NULL, NULL, "7,8", "7,8");
	assert_ids("1,2,3", "4", "4,2,9", "2,4");
	assert_null(made("1", NULL, "2", "in common"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_null(made(bad[i], NULL, NULL, "--only-project"));
		assert_null(made(NULL, NULL, bad[i], "MPMCP_ONLY_PROJECT"));
	}
	assert_null(made("", NULL, NULL, "--only-project"));
}

static bool calls(const char *tool, const char *arguments)
{
	struct projects *p = made("11,12", NULL, NULL, NULL);
	struct err e = { 0 };
	char *text = mem_printf("{\"name\":\"%s\"%s%s,\"_meta\":{\"project_id\":99}}", tool,
		*arguments ? ",\"arguments\":" : "", arguments);
	bool good;

	good = projects_call(p, tool, (struct span){ text, strlen(text) }, &e);
	assert_int_equal(e.kind, good ? ERR_NONE : ERR_POLICY);
	if (!good && !strstr(e.msg, "--only-project 11,12"))
		fail_msg("%s", e.msg);
	free(text);
	projects_free(p);
	return good;
}

static void calls_must_name_an_allowed_project(void **state)
{
	static const char *const good[] = { "{\"project_id\":11}", "{\"project_id\":\"12\"}",
		"{\"project\\u005fid\":12,\"x\":[1]}", "{\"project_ids\":[11,\"12\"]}",
		"{ \"x\" : {\"project_id\":null} , \"project_id\" : 11 }",
		"{\"project_id\":11,\"report\":{\"project_id\":12,\"a\":[{\"projectId\":\"11\"}]}}",
		"{\"project_id\":11,\"workspace_id\":5}",
		"{\"project_id\":11,\"text\":\"project_id 5\",\"t\":\"[see] {\"}",
		"{\"project_id\":11,\"report\":\"{\\\"project_id\\\": 12}\"}",
		"{\"project_id\":11,\"organization_id\":null}" };
	static const char *const bad[] = { "", "{}", "null", "[]", "\"{\\\"project_id\\\":11}\"",
		"{\"project_id\":13}", "{\"project_id\":null}", "{\"project_id\":\"13\"}",
		"{\"project_id\":11,\"project_id\":13}", "{\"project_id\":13,\"project_id\":11}",
		"{\"project_id\":11,\"project_id\":11}", "{\"project_id\":11,\"project_id\":null}",
		"{\"project_id\":11,\"project\\u005fid\":13}", "{\"x\":{\"project_id\":11}}",
		"{\"Project_Id\":11}", "{\"projectId\":11}", "{\"project\":11}",
		/* numbers and strings that only a lax reader takes for an id */
		"{\"project_id\":11.0}", "{\"project_id\":1.1e1}", "{\"project_id\":11e0}",
		"{\"project_id\":\"011\"}", "{\"project_id\":\"11 \"}",
		"{\"project_id\":\"\\u00311\"}", "{\"project_id\":-11}", "{\"project_id\":\"+11\"}",
		"{\"project_id\":true}", "{\"project_id\":{\"$in\":[13]}}", "{\"project_id\":\"\"}",
		"{\"project_id\":1100000000000000000000}",
		/* another project elsewhere */
		"{\"project_id\":11,\"report\":{\"project_id\":13}}",
		"{\"project_id\":11,\"a\":[[{\"b\":{\"PROJECT-ID\":13}}]]}",
		"{\"project_id\":11,\"project_ids\":[11,13]}",
		"{\"project_id\":11,\"project_ids\":[]}", "{\"project_ids\":[[11]]}",
		"{\"project_id\":11,\"target_project_id\":13}",
		"{\"project_id\":11,\"projects\":[\"13\"]}",
		"{\"project_id\":11,\"project\":\"Shop\"}",
		"{\"project_id\":11,\"project_id\\u0000\":13}",
		"{\"project_id\":11,\"report\":\"{\\\"project_id\\\": 13}\"}",
		"{\"project_id\":11,\"report\":\" \\n[{\\\"project\\\\u005fid\\\": 13}]\"}",
		"{\"project_id\":11,\"report\":\"\\u007b\\\"project_id\\\": NaN}\"}",
		"{\"project_id\":11,\"r\":\"{\\\"r\\\":\\\"{\\\\\\\"project_id\\\\\\\":13}\\\"}\"}",
		"{\"project_id\":11,\"organization_id\":1}", "{\"workspace_id\":5}" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!calls("Run-Query", good[i]) || !calls("New-Tool", good[i]))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (calls("Run-Query", bad[i]) || calls("New-Tool", bad[i]) ||
			calls("Get-Business-Context", bad[i]))
			fail_msg("allowed: %s", bad[i]);
}

static void tools_of_no_project_need_none(void **state)
{
	(void)state;
	assert_true(calls("Get-Projects", ""));
	assert_true(calls("Get-Projects", "{}"));
	assert_true(calls("Get-Projects", "null"));
	assert_true(calls("List-Organizations", "{\"organization_id\":1}"));
	assert_true(calls("Display-Query", "{\"query_id\":\"q\"}"));
	assert_true(calls("Get-Projects", "{\"project_id\":11}"));
	assert_false(calls("Get-Projects", "{\"project_id\":13}"));
	assert_false(calls("Get-Projects", "{\"workspace_id\":5}"));
	assert_true(calls("Get-Projects", "{\"workspace_id\":5,\"project_id\":11}"));
	assert_false(calls("Get-Projects", "[]"));
	assert_false(calls("get-projects", "{}"));
}

static void text_inside_text_is_looked_through_so_far(void **state)
{
	struct buf in, out;

	(void)state;
	buf_init(&in, 1 << 20);
	assert_true(buf_adds(&in, "{\"a\":1}"));
	for (int level = 1; level <= 5; level++) {
		buf_init(&out, 1 << 20);
		assert_true(buf_adds(&out, "{\"project_id\":11,\"t\":") &&
			    message_quote(&out, in.p, in.len) && buf_adds(&out, "}"));
		assert_int_equal(calls("Run-Query", out.p), level <= 4);
		buf_move(&in, &out);
	}
	buf_free(&in);
}

static bool asks(const char *method, const char *params)
{
	struct projects *p = made("11,12", NULL, NULL, NULL);
	struct message m;
	char text[300];
	bool good;

	snprintf(text, sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":%s}", method, params);
	assert_int_equal(message_scan(text, strlen(text), &m, NULL), MESSAGE_OK);
	good = projects_request(p, &m, NULL);
	projects_free(p);
	return good;
}

static void other_requests_name_no_other_project(void **state)
{
	(void)state;
	assert_true(asks("prompts/get", "{\"name\":\"x\"}"));
	assert_true(asks("prompts/get", "{\"name\":\"x\",\"arguments\":{\"project_id\":\"11\"}}"));
	assert_false(asks("prompts/get", "{\"name\":\"x\",\"arguments\":{\"project_id\":\"13\"}}"));
	assert_false(asks(
		"completion/complete", "{\"context\":{\"arguments\":{\"project_id\":\"13\"}}}"));
	assert_false(asks("tasks/update", "{\"inputResponses\":{\"a\":{\"project_id\":13}}}"));
	assert_true(asks("resources/read", "{\"uri\":\"ui://mixpanel/query\"}"));
	assert_false(asks("resources/read", "{\"uri\":\"mixpanel://project/13\"}"));
	assert_false(asks("resources/subscribe", "{}"));
	assert_true(asks("initialize", "{\"capabilities\":{\"experimental\":{\"project\":{}}}}"));
	assert_true(asks("tools/list", "{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_read_and_narrowed_by_the_variable),
		cmocka_unit_test(calls_must_name_an_allowed_project),
		cmocka_unit_test(tools_of_no_project_need_none),
		cmocka_unit_test(text_inside_text_is_looked_through_so_far),
		cmocka_unit_test(other_requests_name_no_other_project),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
