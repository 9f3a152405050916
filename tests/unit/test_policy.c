#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/policy/policy.h"

/* A message is scanned in a copy that lives until the next one. */
static struct message message(const char *text)
{
	static char *copy;
	struct message m;

	free(copy);
	copy = strdup(text);
	assert_int_equal(message_scan(copy, strlen(copy), &m, NULL), MESSAGE_OK);
	return m;
}

static bool asks(struct policy *p, const char *text)
{
	struct message m = message(text);
	struct err e = { 0 };
	bool good = policy_request(p, &m, &e);

	assert_int_equal(e.kind, good ? ERR_NONE : ERR_POLICY);
	return good;
}

static bool calls(struct policy *p, const char *name)
{
	char text[2000];

	snprintf(text, sizeof(text),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"%s\"}}",
		name);
	return asks(p, text);
}

#define REQUEST(method) "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method "\"}"
#define NOTICE(method) "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\"}"

static void nothing_restricted_is_no_policy(void **state)
{
	struct policy_opts o = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_null(policy_new(&o, &e));
	assert_int_equal(e.kind, ERR_NONE);
	policy_free(NULL);
}

static void unknown_set_is_an_error_that_names_the_known_ones(void **state)
{
	char set[] = "@bords", *only[] = { set };
	struct policy_opts o = { .only = only, .nonly = 1 };
	struct err e = { 0 };

	(void)state;
	assert_null(policy_new(&o, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "@bords"));
	assert_non_null(strstr(e.msg, "@boards"));
}

static void read_only_lets_known_readers_through(void **state)
{
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	assert_true(calls(p, "Get-Projects"));
	assert_true(calls(p, "Get\\u002dProjects"));
	assert_false(calls(p, "Delete-Dashboard"));
	assert_false(calls(p, "Create-Cohort"));
	assert_false(calls(p, "Update-Cohort"));
	assert_false(calls(p, "Something-Else"));
	assert_false(calls(p, "get-projects"));
	assert_false(calls(p, "Get-Projects "));
	assert_false(calls(p, "Get-Projects\\u0000"));
	assert_false(calls(p, ""));
	policy_free(p);
}

/* Every rule must hold: with one of them alone, a method that is not known could be another way to call a tool. */
static void methods_are_the_known_ones_whatever_the_rule(void **state)
{
	static const char *const known[] = { "initialize", "ping", "server/discover",
		"subscriptions/listen", "tools/list", "resources/list", "resources/templates/list",
		"resources/read", "resources/subscribe", "resources/unsubscribe", "prompts/list",
		"prompts/get", "completion/complete", "logging/setLevel", "tasks/get", "tasks/list",
		"tasks/result", "tasks/update", "tasks/cancel", "tools\\/list", "\\u0070ing" };
	static const char *const notices[] = { "notifications/initialized",
		"notifications/cancelled", "notifications/progress",
		"notifications/roots/list_changed", "notifications/tasks/status",
		"notifications\\/cancelled" };
	static const char *const others[] = { "Tools/Call", "TOOLS/CALL", "tools/Call",
		"tools/call ", " tools/call", "tools/call\xe2\x80\x8b", "tools/call\\u200b",
		"tools/call\\u0000", "tools/call\\u0000x", "ping\\u0000", "/tools/call",
		"tools//call", "tools.call", "tools\\\\/call", "tasks/create", "tools/delete",
		"Tools/list", "tools/list ", "x", "", "notifications/x", "notifications/tools/call",
		"sampling/createMessage" };
	char all[] = "*", none[] = "zz", *only[] = { all }, *ignore[] = { none };
	const struct policy_opts rules[] = { { .read_only = true }, { .only = only, .nonly = 1 },
		{ .ignore = ignore, .nignore = 1 } };
	char text[200];

	(void)state;
	for (size_t r = 0; r < sizeof(rules) / sizeof(rules[0]); r++) {
		struct policy *p = policy_new(&rules[r], NULL);

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
			snprintf(text, sizeof(text), REQUEST("%s"), known[i]);
			assert_true(asks(p, text));
			snprintf(text, sizeof(text), NOTICE("%s"), known[i]);
			assert_true(asks(p, text));
		}
		for (size_t i = 0; i < sizeof(notices) / sizeof(notices[0]); i++) {
			snprintf(text, sizeof(text), NOTICE("%s"), notices[i]);
			assert_true(asks(p, text));
			snprintf(text, sizeof(text), REQUEST("%s"), notices[i]);
			assert_false(asks(p, text));
		}
		for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
			snprintf(text, sizeof(text), REQUEST("%s"), others[i]);
			assert_false(asks(p, text));
			snprintf(text, sizeof(text), NOTICE("%s"), others[i]);
			assert_false(asks(p, text));
		}
		assert_true(asks(p, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"name\":\"Delete-"
				    "Dashboard\"}}"));
		policy_free(p);
	}
}

/* A server in C may read no further than the zero. */
static void keys_with_a_zero_character_are_refused(void **state)
{
	static const char *const bad[] = {
		"\"id\":1,\"method\":\"ping\",\"method\\u0000\":\"tools/call\"",
		"\"id\":1,\"method\":\"ping\",\"\\u0000\":1",
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"a\",\"name\\u0000\":\"b\"}",
		"\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\","
		"\"arguments\":{\"x\":[{\"y\\u0000z\":1}]}}",
		"\"method\":\"notifications/cancelled\",\"params\":{\"requestId\\u0000\":1}",
		"\"id\":1,\"result\":{\"a\\u0000\":1}",
	};
	static const char good[] = "\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\","
				   "\"arguments\":{\"x\":\"y\\u0000\",\"\\\\u0000\":1}}";
	char only_a[] = "a*", *only[] = { only_a }, text[300];
	struct policy_opts o = { .only = only, .nonly = 1 };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",%s}", bad[i]);
		assert_false(asks(p, text));
	}
	snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",%s}", good);
	assert_true(asks(p, text));
	policy_free(p);
}

static void calls_whose_name_is_not_sure_are_refused(void **state)
{
	static const char *const params[] = { "", ",\"params\":[]", ",\"params\":{}",
		",\"params\":[\"Get-Projects\"]", ",\"params\":{\"name\":1}",
		",\"params\":{\"name\":null}",
		",\"params\":{\"name\":\"Get-Projects\",\"name\":\"Get-Projects\"}",
		",\"params\":{\"name\":\"Get-Projects\",\"n\\u0061me\":\"Delete-Tag\"}",
		",\"params\":{\"Name\":\"Get-Projects\"}" };
	static const char *const methods[] = { "tools/call", "tools\\/call", "\\u0074ools/call" };
	char only_all[] = "*", *only[] = { only_all };
	struct policy_opts o = { .only = only, .nonly = 1 };
	struct policy *p = policy_new(&o, NULL);
	char text[400];

	(void)state;
	assert_true(calls(p, "Whatever"));
	for (size_t i = 0; i < sizeof(params) / sizeof(params[0]); i++) {
		for (size_t k = 0; k < 3; k++) {
			snprintf(text, sizeof(text),
				"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\"%s}", methods[k],
				params[i]);
			assert_false(asks(p, text));
			snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"method\":\"%s\"%s}",
				methods[k], params[i]);
			assert_false(asks(p, text));
		}
	}
	policy_free(p);
}

/* A server may read these as another call. */
static void names_in_other_letters_are_refused(void **state)
{
	static const char *const bad[] = {
		"\"id\":1,\"method\":\"ping\",\"Method\":\"tools/"
		"call\",\"params\":{\"name\":\"x\"}",
		"\"METHOD\":\"tools/call\",\"method\":\"notifications/cancelled\"",
		"\"id\":1,\"result\":{},\"mEthod\":\"tools/call\",\"params\":{\"name\":\"x\"}",
		"\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\"},\"Params\":{}",
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"a\"},\"param\xc5\xbf\":{}",
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"a\"},\"PARAM\\u017f\":{}",
		"\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"a\",\"Name\":\"x\"}",
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"n\\u0041me\":\"x\",\"name\":\"a\"}",
	};
	static const char *const good[] = {
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"a\",\"arguments\":{\"Name\":1}}",
		"\"id\":1,\"method\":\"tools/"
		"call\",\"params\":{\"name\":\"a\",\"named\":1,\"nam\":2}",
		"\"id\":1,\"method\":\"ping\",\"methods\":1,\"param\":2,\"\":3,\"ID\":4",
		"\"id\":1,\"result\":{\"Method\":\"tools/call\"}",
	};
	char only_a[] = "a*", *only[] = { only_a }, text[300];
	struct policy_opts o = { .only = only, .nonly = 1 };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",%s}", bad[i]);
		assert_false(asks(p, text));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",%s}", good[i]);
		assert_true(asks(p, text));
	}
	policy_free(p);
}

static void name_of_any_length_is_judged(void **state)
{
	char only_a[] = "a*", *only[] = { only_a }, name[1200];
	struct policy_opts o = { .only = only, .nonly = 1 };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	memset(name, 'a', sizeof(name));
	name[512] = 0;
	assert_true(calls(p, name));
	name[512] = 'a';
	name[513] = 0;
	assert_false(calls(p, name));
	policy_free(p);
}

static void globs_and_sets_choose(void **state)
{
	char boards[] = "@boards", get[] = "Get-*", q[] = "Run-Quer?", cls[] = "[X-Z]*",
	     *only[] = { boards, get, q, cls };
	char no[] = "*-FLAG*", *ignore[] = { no };
	struct policy_opts o = { .only = only, .nonly = 4, .ignore = ignore, .nignore = 1 };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	assert_true(calls(p, "Delete-Dashboard"));
	assert_true(calls(p, "Get-Anything"));
	assert_true(calls(p, "Run-Query"));
	assert_true(calls(p, "Yes"));
	assert_false(calls(p, "get-anything"));
	assert_false(calls(p, "Run-Query2"));
	assert_false(calls(p, "Delete-Cohort"));
	assert_false(calls(p, "Get-Feature-Flag"));
	assert_false(calls(p, "Get-feature-fLAGs"));
	assert_false(calls(p, "@boards"));
	policy_free(p);
}

/* The list as a policy leaves it; NULL: as it was. */
static char *filtered(struct policy *p, const char *text, enum policy_list want)
{
	struct message m = message(text);
	struct err e = { 0 };
	struct buf out;
	char *left = NULL;

	buf_init(&out, 1 << 20);
	assert_int_equal(policy_list(p, &m, &out, &e), want);
	assert_int_equal(e.kind, want == POLICY_UNREADABLE ? ERR_POLICY : ERR_NONE);
	if (want == POLICY_FILTERED)
		left = buf_take(&out, NULL);
	buf_free(&out);
	return left;
}

#define LIST(tools) \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":1e400, \"tools\" : [" tools \
	"] ,\"nextCursor\":\"n\"}}"

static void lists_lose_what_may_not_be_seen_and_nothing_else(void **state)
{
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);
	char *left;

	(void)state;
	(void)filtered(p, LIST("{\"name\":\"Get-Projects\"}"), POLICY_AS_IS);
	(void)filtered(p, LIST(""), POLICY_AS_IS);
	left = filtered(p,
		LIST(" {\"name\":\"Delete-Tag\"} , {\"name\":\"Get-Projects\", \"v\":1.0} "
		     ",7,{\"name\":\"U\"}, {\"n\\u0061me\":\"Run-Query\"}"),
		POLICY_FILTERED);
	assert_string_equal(left,
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":1e400, \"tools\" : "
		"[{\"name\":\"Get-Projects\", \"v\":1.0},{\"n\\u0061me\":\"Run-Query\"}] "
		",\"nextCursor\":\"n\"}}");
	free(left);
	left = filtered(
		p, LIST("{\"name\":\"Get-Projects\",\"name\":\"Get-Projects\"}"), POLICY_FILTERED);
	assert_string_equal(left, LIST(""));
	free(left);
	policy_free(p);
}

static void lists_that_are_not_sure_are_not_shown(void **state)
{
	static const char *const bad[] = { "{\"tools\":{}}", "{\"tools\":null}",
		"{\"tools\":[],\"tools\":[]}", "{\"tools\":[],\"t\\u006fols\":[]}", "[]", "1",
		"\"tools\"", "null" };
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(
			text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":%s}", bad[i]);
		(void)filtered(p, text, POLICY_UNREADABLE);
	}
	(void)filtered(p, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", POLICY_AS_IS);
	(void)filtered(p, "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"tools\":[7]}}", POLICY_AS_IS);
	policy_free(p);
}

static void annotations_speak_for_unknown_tools_until_taken_back(void **state)
{
	static const char *const no[] = { "", ",\"annotations\":{}",
		",\"annotations\":{\"readOnlyHint\":\"true\"}",
		",\"annotations\":{\"readOnlyHint\":1}",
		",\"annotations\":{\"readOnlyHint\":true,\"readOnlyHint\":true}",
		",\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":true}",
		",\"annotations\":{\"readOnlyHint\":true,\"destructiveHint\":true,"
		"\"destructiveHint\":false}",
		",\"annotations\":{\"readOnlyHint\":true},\"annotations\":{\"readOnlyHint\":true}",
		",\"annotations\":[true]", ",\"readOnlyHint\":true" };
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);
	char text[300], *left;

	(void)state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		assert_false(calls(p, "New"));
		(void)filtered(p,
			LIST("{\"name\":\"New\",\"annotations\":{\"destructiveHint\":false,"
			     "\"readOnlyHint\":true}}"),
			POLICY_AS_IS);
		assert_true(calls(p, "New"));
		assert_false(calls(p, "new"));
		snprintf(text, sizeof(text), LIST("{\"name\":\"New\"%s}"), no[i]);
		left = filtered(p, text, POLICY_FILTERED);
		free(left);
	}
	/* The table knows better than the server. */
	left = filtered(p,
		LIST("{\"name\":\"Delete-Tag\",\"annotations\":{\"readOnlyHint\":true}}"),
		POLICY_FILTERED);
	free(left);
	assert_false(calls(p, "Delete-Tag"));
	policy_free(p);
}

/* The next list may call the same name something else. */
static void what_annotations_allowed_can_be_forgotten(void **state)
{
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);

	(void)state;
	(void)filtered(p, LIST("{\"name\":\"New\",\"annotations\":{\"readOnlyHint\":true}}"),
		POLICY_AS_IS);
	assert_true(calls(p, "New"));
	policy_forget(p);
	assert_false(calls(p, "New"));
	assert_true(calls(p, "Get-Projects"));
	policy_forget(p);
	policy_free(p);
}

/* Tools of the server's own invention, each said to be read-only. */
#define MANY 4097

static void server_cannot_make_the_list_of_allowed_tools_grow_without_end(void **state)
{
	struct policy_opts o = { .read_only = true };
	struct policy *p = policy_new(&o, NULL);
	struct buf text;
	char *left;

	(void)state;
	buf_init(&text, 1 << 20);
	for (int i = 1; i <= MANY; i++)
		assert_true(buf_addf(&text,
			"%s{\"name\":\"New-%d\",\"annotations\":{\"readOnlyHint\":true}}",
			i == 1 ? "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[" : ",", i));
	assert_true(buf_adds(&text, "]}}"));
	left = filtered(p, buf_str(&text), POLICY_FILTERED);
	assert_non_null(strstr(left, "\"New-4096\""));
	assert_null(strstr(left, "\"New-4097\""));
	assert_true(calls(p, "New-1"));
	assert_true(calls(p, "New-4096"));
	assert_false(calls(p, "New-4097"));
	free(left);
	buf_free(&text);
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_restricted_is_no_policy),
		cmocka_unit_test(unknown_set_is_an_error_that_names_the_known_ones),
		cmocka_unit_test(read_only_lets_known_readers_through),
		cmocka_unit_test(methods_are_the_known_ones_whatever_the_rule),
		cmocka_unit_test(keys_with_a_zero_character_are_refused),
		cmocka_unit_test(what_annotations_allowed_can_be_forgotten),
		cmocka_unit_test(calls_whose_name_is_not_sure_are_refused),
		cmocka_unit_test(names_in_other_letters_are_refused),
		cmocka_unit_test(name_of_any_length_is_judged),
		cmocka_unit_test(globs_and_sets_choose),
		cmocka_unit_test(lists_lose_what_may_not_be_seen_and_nothing_else),
		cmocka_unit_test(lists_that_are_not_sure_are_not_shown),
		cmocka_unit_test(annotations_speak_for_unknown_tools_until_taken_back),
		cmocka_unit_test(server_cannot_make_the_list_of_allowed_tools_grow_without_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
