#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/policy/tools_list.h"
#include "mcp/json/walk.h"

/* Leaves out the tools whose name is in the context. */
static bool keep(void *ctx, struct span tool)
{
	return !walk_string_is(walk_get(tool, "name", NULL), ctx);
}

static void check(const char *text, char *without, enum tools_list want, const char *left)
{
	char *copy = strdup(text);
	struct message m;
	struct err e = { 0 };
	struct buf out;

	buf_init(&out, 1 << 16);
	assert_int_equal(message_scan(copy, strlen(copy), &m, NULL), MESSAGE_OK);
	assert_int_equal(tools_list_filter(&m, keep, without, &out, &e), want);
	assert_int_equal(e.kind != ERR_NONE, want == TOOLS_LIST_UNREADABLE);
	if (left)
		assert_string_equal(buf_str(&out), left);
	buf_free(&out);
	free(copy);
}

#define LIST(tools) \
	"{\"id\":1,\"jsonrpc\":\"2.0\",\"result\":{\"a\":1.0 ,\"tools\":" tools ",\"z\":[ ]}}"

static void what_is_left_stays_byte_for_byte(void **state)
{
	(void)state;
	check(LIST("[{\"name\":\"a\"} , {\"name\":\"b\",\"n\":1e400}]"), (char[]){ "c" },
		TOOLS_LIST_AS_IS, NULL);
	check(LIST("[{\"name\":\"a\"} , {\"name\":\"b\",\"n\":1e400}]"), (char[]){ "a" },
		TOOLS_LIST_FILTERED, LIST("[{\"name\":\"b\",\"n\":1e400}]"));
	check(LIST("[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"a\"}]"), (char[]){ "a" },
		TOOLS_LIST_FILTERED, LIST("[{\"name\":\"b\"}]"));
	check(LIST("[{\"name\":\"a\"}]"), (char[]){ "a" }, TOOLS_LIST_FILTERED, LIST("[]"));
	check(LIST("[ ]"), (char[]){ "a" }, TOOLS_LIST_AS_IS, NULL);
}

static void what_is_no_list_is_told_apart(void **state)
{
	(void)state;
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"tools\":7}}", (char[]){ "a" },
		TOOLS_LIST_AS_IS, NULL);
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", (char[]){ "a" }, TOOLS_LIST_AS_IS,
		NULL);
	check(LIST("{}"), (char[]){ "a" }, TOOLS_LIST_UNREADABLE, NULL);
	check(LIST("[],\"tools\":[]"), (char[]){ "a" }, TOOLS_LIST_UNREADABLE, NULL);
	check("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":[]}", (char[]){ "a" },
		TOOLS_LIST_UNREADABLE, NULL);
}

/* Each tool costs time, in which nothing else is done. */
static void list_without_end_is_not_looked_through(void **state)
{
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 16);
	for (size_t n = 0; n <= TOOLS_LIST_TOOLS_MAX; n++) {
		assert_true(buf_adds(&text, n ? ",1" : "{\"result\":{\"tools\":[1"));
		if (n + 1 < TOOLS_LIST_TOOLS_MAX)
			continue;
		assert_true(buf_adds(&text, "]},\"id\":1,\"jsonrpc\":\"2.0\"}"));
		check(buf_str(&text), (char[]){ "a" },
			n < TOOLS_LIST_TOOLS_MAX ? TOOLS_LIST_AS_IS : TOOLS_LIST_UNREADABLE, NULL);
		text.len -= strlen("]},\"id\":1,\"jsonrpc\":\"2.0\"}");
	}
	buf_free(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_stays_byte_for_byte),
		cmocka_unit_test(what_is_no_list_is_told_apart),
		cmocka_unit_test(list_without_end_is_not_looked_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
