#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mcp/http/toolbook.h"
#include "recorded_fields.h"

static struct span span(const char *s)
{
	return (struct span){ s, strlen(s) };
}

/* A tool of this name with these properties; why is what is wrong with it, NULL: nothing. */
static void learn(struct toolbook *b, const char *name, const char *properties, const char *why)
{
	char text[4000];
	const char *said = NULL;

	snprintf(text, sizeof(text),
		"{\"name\":\"%s\",\"inputSchema\":{\"type\":\"object\",\"properties\":{%s}}}", name,
		properties);
	assert_int_equal(toolbook_learn(b, span(text), &said), why == NULL);
	if (why && (!said || !strstr(said, why)))
		fail_msg("%s: %s", properties, said ? said : "nothing was said");
}

static void check(const struct toolbook *b, const char *params, const char *want)
{
	struct http_fields *f = NULL;
	struct err e = { 0 };

	assert_int_equal(toolbook_fields(b, span(params), &f, &e), want != NULL);
	if (want)
		assert_string_equal(recorded(f), want);
	else
		assert_int_not_equal(e.kind, ERR_NONE);
	http_fields_free(f);
}

static void annotated_parameters_become_fields(void **state)
{
	struct toolbook *b = toolbook_new();

	(void)state;
	learn(b, "t",
		"\"r\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},\"n\":{\"type\":"
		"\"integer\",\"x-mcp-header\":\"N\"},"
		"\"f\":{\"type\":[\"boolean\",\"null\"],\"x-mcp-header\":\"F\"},\"o\":{\"type\":"
		"\"object\",\"properties\":{\"p\":{\"type\":\"string\",\"x-mcp-header\":\"P\"}}},"
		"\"z\":{\"type\":\"string\"}",
		NULL);
	check(b,
		"{\"name\":\"t\",\"arguments\":{\"r\":\"us\",\"n\":42,\"f\":true,\"o\":{\"p\":"
		"\"deep\"},\"z\":\"no\"}}",
		"Mcp-Param-Region: us\nMcp-Param-N: 42\nMcp-Param-F: true\nMcp-Param-P: deep\n");
	check(b,
		"{\"name\":\"t\",\"arguments\":{\"r\":\" "
		"\xc3\xa4\",\"n\":4.2e1,\"f\":null,\"o\":[]}}",
		"Mcp-Param-Region: =?base64?IMOk?=\nMcp-Param-N: 42\n");
	check(b, "{\"name\":\"t\",\"arguments\":{\"n\":-9007199254740993,\"r\":\"\"}}",
		"Mcp-Param-Region: \nMcp-Param-N: -9007199254740993\n");
	check(b, "{\"name\":\"t\",\"arguments\":{\"n\":1.5,\"r\":{\"a\":1}}}",
		"Mcp-Param-N: 1.5\n");
	check(b, "{\"name\":\"t\"}", "");
	check(b, "{\"name\":\"T\",\"arguments\":{\"r\":\"us\"}}", "");
	check(b, "{\"arguments\":{\"r\":\"us\"}}", "");
	check(b, "{\"name\":\"\\u0074\",\"arguments\":{\"\\u0072\":\"us\"}}",
		"Mcp-Param-Region: us\n");
	toolbook_free(b);
}

static void value_that_is_too_long_is_refused(void **state)
{
	struct toolbook *b = toolbook_new();
	char params[20000] = "{\"name\":\"t\",\"arguments\":{\"r\":\"";
	size_t n = strlen(params);

	(void)state;
	learn(b, "t", "\"r\":{\"type\":\"string\",\"x-mcp-header\":\"R\"}", NULL);
	memset(params + n, 'x', 9000);
	strcpy(params + n + 9000, "\"}}");
	check(b, params, NULL);
	toolbook_free(b);
}

static void definitions_that_cannot_be_obeyed_are_left_out(void **state)
{
	static const struct {
		const char *properties, *why;
	} rows[] = { { "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}", "name" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a b\"}", "name" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a\\r\\nb\"}", "name" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\xc3\xa4\"}", "name" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":7}", "name" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"x\\u0000y\"}", "name" },
		{ "\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"type\":\"object\",\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"type\":[],\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"type\":[\"null\"],\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"type\":[\"string\",\"array\"],\"x-mcp-header\":\"A\"}", "no string" },
		{ "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":\"string\","
		  "\"x-mcp-header\":\"a\"}",
			"share" },
		{ "\"a\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}"
		  "}",
			"no plain parameter" },
		{ "\"a\":{\"anyOf\":[{\"type\":\"string\",\"x-mcp-header\":\"A\"}]}",
			"no plain parameter" } };
	struct toolbook *b = toolbook_new();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		learn(b, "t", rows[i].properties, rows[i].why);
	/* In data it means nothing, and a parameter may have that name. */
	learn(b, "t",
		"\"a\":{\"type\":\"string\",\"default\":{\"x-mcp-header\":\"A\"},\"enum\":[{\"x-"
		"mcp-header\":7}]}",
		NULL);
	check(b, "{\"name\":\"t\",\"arguments\":{\"a\":\"v\"}}", "");
	toolbook_free(b);
}

static void newer_definition_takes_the_place_of_the_older(void **state)
{
	struct toolbook *b = toolbook_new();

	(void)state;
	learn(b, "t", "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}", NULL);
	learn(b, "u", "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"U\"}", NULL);
	learn(b, "t", "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"B\"}", NULL);
	check(b, "{\"name\":\"t\",\"arguments\":{\"a\":\"v\"}}", "Mcp-Param-B: v\n");
	learn(b, "t", "\"a\":{\"type\":\"string\"}", NULL);
	check(b, "{\"name\":\"t\",\"arguments\":{\"a\":\"v\"}}", "");
	check(b, "{\"name\":\"u\",\"arguments\":{\"a\":\"v\"}}", "Mcp-Param-U: v\n");
	learn(b, "u", "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a b\"}", "name");
	check(b, "{\"name\":\"u\",\"arguments\":{\"a\":\"v\"}}", "");
	toolbook_free(b);
}

static void more_than_anybody_has_is_bounded(void **state)
{
	struct toolbook *b = toolbook_new();
	char name[20], text[TOOLBOOK_PARAMS_MAX * 60 + 200] = "";
	const char *why;
	size_t n = 0;

	(void)state;
	for (int i = 0; i <= TOOLBOOK_PARAMS_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"%s\"p%d\":{\"type\":\"string\",\"x-mcp-header\":\"H%d\"}",
			i ? "," : "{\"name\":\"t\",\"inputSchema\":{\"properties\":{", i, i);
	snprintf(text + n, sizeof(text) - n, "}}}");
	assert_false(toolbook_learn(b, span(text), &why));
	for (int i = 0; i < TOOLBOOK_TOOLS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		learn(b, name, "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}", NULL);
	}
	check(b, "{\"name\":\"t0\",\"arguments\":{\"a\":\"v\"}}", "Mcp-Param-A: v\n");
	toolbook_free(b);
	toolbook_free(NULL);
}

/* An annotation where no parameter can be, so many levels down. */
static bool learns_at(size_t levels)
{
	static char text[4000];
	struct toolbook *b = toolbook_new();
	const char *why;
	size_t n = (size_t)snprintf(text, sizeof(text), "{\"name\":\"t\",\"inputSchema\":");
	bool good;

	for (size_t i = 0; i < levels; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"not\":");
	n += (size_t)snprintf(text + n, sizeof(text) - n, "{\"x-mcp-header\":\"A\"}");
	for (size_t i = 0; i <= levels; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "}");
	good = toolbook_learn(b, span(text), &why);
	toolbook_free(b);
	return good;
}

/* What lies deeper is read once for each level above it. */
static void depth_that_is_looked_into_is_bounded(void **state)
{
	(void)state;
	assert_false(learns_at(0));
	assert_false(learns_at(90));
	assert_true(learns_at(200));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(annotated_parameters_become_fields),
		cmocka_unit_test(value_that_is_too_long_is_refused),
		cmocka_unit_test(definitions_that_cannot_be_obeyed_are_left_out),
		cmocka_unit_test(newer_definition_takes_the_place_of_the_older),
		cmocka_unit_test(more_than_anybody_has_is_bounded),
		cmocka_unit_test(depth_that_is_looked_into_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
