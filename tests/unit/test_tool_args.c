#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/tool_args.h"
#include "mcp/json/message.h"

static const char schema_text[] =
	"{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"id\"],"
	"\"$defs\":{\"Kind\":{\"enum\":[\"a\",\"b\"]},\"Range\":{\"type\":\"object\","
	"\"properties\":"
	"{\"from\":{\"type\":\"integer\"},\"note\":{\"type\":\"string\"}},\"additionalProperties\":"
	"false}},"
	"\"properties\":{"
	"\"id\":{\"type\":\"integer\"},"
	"\"maybe\":{\"anyOf\":[{\"type\":\"null\"},{\"type\":\"integer\"}],\"default\":null},"
	"\"ratio\":{\"type\":\"number\"},"
	"\"on\":{\"type\":\"boolean\"},"
	"\"title\":{\"type\":\"string\"},"
	"\"either\":{\"type\":[\"string\",\"integer\"]},"
	"\"kind\":{\"$ref\":\"#/$defs/Kind\"},"
	"\"range\":{\"anyOf\":[{\"$ref\":\"#/$defs/Range\"},{\"type\":\"null\"}]},"
	"\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
	"\"names\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
	"\"free\":{\"type\":\"object\"},"
	"\"any\":{},"
	"\"day\":{\"type\":\"string\",\"pattern\":\"^\\\\d{4}-\\\\d\\\\d-\\\\d\\\\d$\"},"
	"\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100},"
	"\"part\":{\"anyOf\":[{\"type\":\"number\",\"maximum\":0.5},{\"type\":\"null\"}]},"
	"\"unit\":{\"anyOf\":[{\"enum\":[\"day\",\"week\",1]},{\"type\":\"null\"}]},"
	"\"steps\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"event\"],"
	"\"properties\":{\"event\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}},"
	"\"additionalProperties\":false}},"
	"\"loop\":{\"$ref\":\"#/properties/loop\"},"
	"\"a.b\":{\"type\":\"string\"}}}";

/* The pairs (up to a NULL) become this, or fail with these words. */
static void pairs(const char *want, const char *const *in)
{
	json_t *schema = json_loads(schema_text, 0, NULL);
	struct err e = { 0 };
	struct buf out;
	char *words[8];
	size_t n = 0;
	bool good;

	assert_non_null(schema);
	for (; in[n]; n++)
		words[n] = strdup(in[n]);
	buf_init(&out, 4096);
	good = tool_args_pairs(words, n, schema, &out, &e);
	if (*want == '{' ? !good || strcmp(buf_str(&out), want) != 0
			 : good || e.kind != ERR_USAGE || !strstr(e.msg, want))
		fail_msg("%s became %s%s, not %s", in[0], good ? buf_str(&out) : "", e.msg, want);
	while (n)
		free(words[--n]);
	buf_free(&out);
	json_decref(schema);
}
#define PAIRS(want, ...) pairs(want, (const char *const[]){ "id=1", __VA_ARGS__, NULL })

static void values_get_the_type_of_the_schema(void **state)
{
	(void)state;
	PAIRS("{\"id\":1,\"ratio\":-0.50}", "ratio=-0.50");
	PAIRS("{\"id\":1,\"ratio\":1e400}", "ratio=1e400");
	PAIRS("{\"id\":1,\"maybe\":-12345678901234567890}", "maybe=-12345678901234567890");
	PAIRS("{\"id\":1,\"maybe\":null}", "maybe=null");
	PAIRS("{\"id\":1,\"on\":true}", "on=true");
	PAIRS("{\"id\":1,\"title\":\"12\"}", "title=12");
	PAIRS("{\"id\":1,\"title\":\"a=b \\\"c\\\"\"}", "title=a=b \"c\"");
	PAIRS("{\"id\":1,\"title\":\"\"}", "title=");
	PAIRS("{\"id\":1,\"title\":\"null\"}", "title=null");
	PAIRS("{\"id\":1,\"either\":7}", "either=7");
	PAIRS("{\"id\":1,\"either\":\"7a\"}", "either=7a");
	PAIRS("{\"id\":1,\"kind\":\"a\"}", "kind=a");
	PAIRS("{\"id\":1,\"a.b\":\"5\"}", "a.b=5");
	pairs("id must be an integer", (const char *const[]){ "id=x", NULL });
	PAIRS("maybe must be an integer or null", "maybe=x");
	PAIRS("maybe must be an integer or null", "maybe=1.5");
	PAIRS("on must be true or false", "on=True");
	PAIRS("ratio must be a number", "ratio=");
}

static void arrays_are_json_or_have_commas(void **state)
{
	(void)state;
	PAIRS("{\"id\":1,\"ids\":[1,-2,3]}", "ids=1,-2,3");
	PAIRS("{\"id\":1,\"ids\":[5]}", "ids=5");
	PAIRS("{\"id\":1,\"ids\":[1, 2]}", "ids=[1, 2]");
	PAIRS("{\"id\":1,\"ids\":[]}", "ids=");
	PAIRS("{\"id\":1,\"names\":[\"a\",\"true\",\"b c\"]}", "names=a,true,b c");
	PAIRS("{\"id\":1,\"names\":[\"a,b\"]}", "names=[\"a,b\"]");
	PAIRS("ids must be an integer, not \"x\"", "ids=1,x");
	PAIRS("ids must be an array", "ids=[1,");
	PAIRS("ids must be an array", "ids={}");
}

static void dots_lead_into_objects(void **state)
{
	(void)state;
	PAIRS("{\"id\":1,\"range\":{\"from\":5,\"note\":\"6\"}}", "range.from=5", "range.note=6");
	PAIRS("{\"id\":1,\"range\":null}", "range=null");
	PAIRS("{\"id\":1,\"free\":{\"a\":{\"b\":5,\"c\":\"x y\"},\"d\":[1]}}", "free.a.b=5",
		"free.a.c=x y", "free.d=[1]");
	PAIRS("{\"id\":1,\"free\":{\"a\":\"5\"}}", "free={\"a\":\"5\"}");
	PAIRS("from must be an integer", "range.from=x");
	PAIRS("did you mean \"from\"", "range.form=1");
	PAIRS("title must be text", "title.x=1");
	PAIRS("free is given twice", "free={}", "free.a=1");
	PAIRS("free is given twice", "free.a=1", "free={}");
}

static void what_the_schema_leaves_open_is_json_or_text(void **state)
{
	(void)state;
	PAIRS("{\"id\":1,\"any\":5}", "any=5");
	PAIRS("{\"id\":1,\"any\":\"5\"}", "any=\"5\"");
	PAIRS("{\"id\":1,\"any\":\"five\"}", "any=five");
	PAIRS("{\"id\":1,\"any\":\"\"}", "any=");
	PAIRS("{\"id\":1,\"loop\":1}", "loop=1");
}

/* A server may answer with anything; it does not keep us busy. */
static void schema_that_refers_to_itself_ends(void **state)
{
	struct err e = { 0 };
	char word[] = "x=1", *words[] = { word };
	struct buf text, out;
	json_t *schema;

	(void)state;
	buf_init(&text, 1 << 20);
	buf_init(&out, 4096);
	assert_true(buf_adds(&text, "{\"anyOf\":[{\"$ref\":\"#\"}"));
	for (int i = 0; i < 1000; i++)
		assert_true(buf_adds(&text, ",{\"$ref\":\"#\"}"));
	assert_true(buf_adds(&text, "]}"));
	schema = json_loads(buf_str(&text), 0, NULL);
	assert_non_null(schema);
	assert_true(tool_args_pairs(words, 1, schema, &out, &e));
	assert_string_equal(buf_str(&out), "{\"x\":1}");
	json_decref(schema);
	buf_free(&text);
	buf_free(&out);
}

static void wrong_pairs_are_named(void **state)
{
	(void)state;
	pairs("id is missing", (const char *const[]){ "title=x", NULL });
	PAIRS("did you mean \"title\"", "titel=x");
	PAIRS("id is given twice", "id=2");
	PAIRS("\"title\" is not key=value", "title");
	PAIRS("\"=x\" is not key=value", "=x");
	PAIRS("title is not valid UTF-8", "title=caf\xe9");
	PAIRS("not valid UTF-8", "free.caf\xe9=1");
}

static void what_does_not_fit_the_schema_is_named(void **state)
{
	(void)state;
	pairs("id is missing", (const char *const[]){ NULL });
	PAIRS("kind is c; it can be a or b", "kind=c");
	PAIRS("unit is month; it can be day, week or 1", "unit=month");
	PAIRS("{\"id\":1,\"unit\":1}", "unit=1");
	PAIRS("{\"id\":1,\"unit\":null}", "unit=null");
	PAIRS("limit is 0; it must be at least 1", "limit=0");
	PAIRS("limit is 101; it must be at most 100", "limit=101");
	PAIRS("{\"id\":1,\"limit\":100}", "limit=100");
	PAIRS("part is 0.75; it must be at most 0.5", "part=0.75");
	PAIRS("day is 1.2.2026; it must match ^\\d{4}-", "day=1.2.2026");
	PAIRS("{\"id\":1,\"day\":\"2026-02-01\"}", "day=2026-02-01");
	PAIRS("steps.event is missing", "steps=[{\"event\":\"a\"},{\"n\":1}]");
	PAIRS("steps.n must be an integer, not \"1.5\"", "steps=[{\"event\":\"a\",\"n\":1.5}]");
	PAIRS("no argument \"evnt\"; did you mean \"event\"",
		"steps=[{\"event\":\"a\",\"evnt\":1}]");
	PAIRS("steps must be an object, not \"5\"", "steps=[5]");
	PAIRS("range.from must be an integer", "range={\"from\":\"x\"}");
}

static void value_may_come_from_a_file(void **state)
{
	char name[] = "/tmp/mpmcp-arguments-XXXXXX", word[64], json[64];
	static const char file[] = "\xEF\xBB\xBF[1,\r\n 2]\r\n";
	int fd = mkstemp(name);

	(void)state;
	assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
	close(fd);
	snprintf(word, sizeof(word), "title=@%s", name);
	snprintf(json, sizeof(json), "ids=@%s", name);
	PAIRS("{\"id\":1,\"title\":\"[1,\\u000d\\n 2]\",\"ids\":[1,   2]}", word, json);
	assert_int_equal(truncate(name, 0), 0);
	PAIRS("{\"id\":1,\"title\":\"\"}", word);
	unlink(name);
	PAIRS("No such file", word);
	PAIRS("{\"id\":1,\"title\":\"@me\"}", "title=@@me");
}

/* The word becomes this, or fails with these words. */
static void text(const char *word, const char *want)
{
	struct err e = { 0 };
	struct buf out;
	bool good;

	buf_init(&out, 4096);
	assert_true(tool_args_is_text(word));
	good = tool_args_text(word, &out, &e);
	if (*want == '{' ? !good || strcmp(buf_str(&out), want) != 0
			 : good || e.kind != ERR_USAGE || !strstr(e.msg, want))
		fail_msg("%s became %s%s, not %s", word, good ? buf_str(&out) : "", e.msg, want);
	buf_free(&out);
}

static void json_goes_out_byte_for_byte(void **state)
{
	char name[] = "/tmp/mpmcp-arguments-XXXXXX", word[64];
	static const char file[] = "\xEF\xBB\xBF \r\n{\"a\":\r\n 1.0}\n";
	int fd = mkstemp(name);

	(void)state;
	text("{\"a\":12345678901234567890,\"a\":1e400,\"b\":0.1}",
		"{\"a\":12345678901234567890,\"a\":1e400,\"b\":0.1}");
	text(" {} ", "{}");
	assert_int_equal(write(fd, file, sizeof(file) - 1), sizeof(file) - 1);
	close(fd);
	snprintf(word, sizeof(word), "@%s", name);
	text(word, "{\"a\":   1.0}");
	assert_int_equal(truncate(name, 0), 0);
	text(word, "is empty");
	unlink(name);
	text(word, "No such file");
	text("{\"a\":1} b", "something follows");
	text("{\"a\":", "ends too early");
	text("{\"a\":\"\xff\"}", "UTF-8");
	text("[1]", "not an object");
	text("@/", "directory");
	assert_false(tool_args_is_text("a={}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_get_the_type_of_the_schema),
		cmocka_unit_test(arrays_are_json_or_have_commas),
		cmocka_unit_test(dots_lead_into_objects),
		cmocka_unit_test(what_the_schema_leaves_open_is_json_or_text),
		cmocka_unit_test(schema_that_refers_to_itself_ends),
		cmocka_unit_test(wrong_pairs_are_named),
		cmocka_unit_test(what_does_not_fit_the_schema_is_named),
		cmocka_unit_test(value_may_come_from_a_file),
		cmocka_unit_test(json_goes_out_byte_for_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
