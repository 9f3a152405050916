#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "setup/json_edit.h"

#define CAP ((size_t)1 << 20)

static struct buf doc_of(const char *text)
{
	struct buf doc;

	buf_init(&doc, CAP);
	assert_true(buf_adds(&doc, text));
	return doc;
}

static json_t *entry(void)
{
	return json_pack("{s:s, s:[s,s]}", "command", "mpmcp", "args", "--region", "eu");
}

static const char *const path[] = { "mcpServers", "mixpanel" };

/* ---- rows: a file before and after ---- */

static const struct {
	const char *what, *before, *after;
} rows[] = {
	{ "nothing in the file", "",
		"{\n  \"mcpServers\": {\n    \"mixpanel\": {\n      \"command\": \"mpmcp\",\n"
		"      \"args\": [\"--region\", \"eu\"]\n    }\n  }\n}\n" },
	{ "white space alone", " \n\n",
		"{\n  \"mcpServers\": {\n    \"mixpanel\": {\n      \"command\": \"mpmcp\",\n"
		"      \"args\": [\"--region\", \"eu\"]\n    }\n  }\n}\n" },
	{ "an empty object without a last line break", "{}",
		"{\n  \"mcpServers\": {\n    \"mixpanel\": {\n      \"command\": \"mpmcp\",\n"
		"      \"args\": [\"--region\", \"eu\"]\n    }\n  }\n}" },
	{ "a mark in front", "\xEF\xBB\xBF{}\n",
		"\xEF\xBB\xBF{\n  \"mcpServers\": {\n    \"mixpanel\": {\n      \"command\": "
		"\"mpmcp\",\n"
		"      \"args\": [\"--region\", \"eu\"]\n    }\n  }\n}\n" },
	{ "other members, four blanks", "{\n    \"theme\": 1e400\n}\n",
		"{\n    \"theme\": 1e400,\n    \"mcpServers\": {\n        \"mixpanel\": {\n"
		"            \"command\": \"mpmcp\",\n            \"args\": [\"--region\", "
		"\"eu\"]\n"
		"        }\n    }\n}\n" },
	{ "tabs, and another server",
		"{\n\t\"mcpServers\": {\n\t\t\"a\": {}\n\t},\n\t\"z\": [ ]\n}",
		"{\n\t\"mcpServers\": {\n\t\t\"a\": {},\n\t\t\"mixpanel\": {\n\t\t\t\"command\": "
		"\"mpmcp\",\n"
		"\t\t\t\"args\": [\"--region\", \"eu\"]\n\t\t}\n\t},\n\t\"z\": [ ]\n}" },
	{ "carriage returns", "{\r\n  \"mcpServers\": {}\r\n}\r\n",
		"{\r\n  \"mcpServers\": {\r\n    \"mixpanel\": {\r\n      \"command\": "
		"\"mpmcp\",\r\n"
		"      \"args\": [\"--region\", \"eu\"]\r\n    }\r\n  }\r\n}\r\n" },
	{ "one line", "{\"mcpServers\":{\"a\":{\"command\":\"x\"}},\"n\":1}",
		"{\"mcpServers\":{\"a\":{\"command\":\"x\"},\"mixpanel\":{\"command\":\"mpmcp\","
		"\"args\":["
		"\"--region\",\"eu\"]}},\"n\":1}" },
	{ "one line with blanks", "{ \"mcpServers\": { \"a\": 1 } }",
		"{ \"mcpServers\": { \"a\": 1, \"mixpanel\": {\"command\": \"mpmcp\", \"args\": "
		"[\"--region\", \"eu\"]} } }" },
	{ "one line, no servers yet", "{\"mcpServers\":{}}",
		"{\"mcpServers\":{\"mixpanel\":{\"command\":\"mpmcp\",\"args\":[\"--region\","
		"\"eu\"]}}}" },
	{ "an entry in the middle",
		"{\n \"mcpServers\": {\n  \"a\": 1,\n  \"mixpanel\": null,\n  \"b\": 2\n }\n}",
		"{\n \"mcpServers\": {\n  \"a\": 1,\n  \"mixpanel\": {\n   \"command\": "
		"\"mpmcp\",\n"
		"   \"args\": [\"--region\", \"eu\"]\n  },\n  \"b\": 2\n }\n}" },
	{ "the entry as it should be, in another order and layout",
		"{\"mcpServers\": {\"mixpanel\": {\"args\" : [ \"--region\",\"\\u0065u\" "
		"],\n\"command\":\"mpmcp\"}}}",
		"{\"mcpServers\": {\"mixpanel\": {\"args\" : [ \"--region\",\"\\u0065u\" "
		"],\n\"command\":\"mpmcp\"}}}" },
	{ "names with escapes", "{\"mcp\\u0053ervers\":{\"mix\\u0070anel\":1}}",
		"{\"mcp\\u0053ervers\":{\"mix\\u0070anel\":{\"command\":\"mpmcp\",\"args\":[\"--"
		"region\",\"eu\"]}}}" },
	{ "the same names elsewhere",
		"{\"p\":{\"mcpServers\":{\"mixpanel\":1}},\"s\":\"\\\"mcpServers\\\":{\","
		"\"mcpServers\":{\"x\":{\"mixpanel\":{}}}}",
		"{\"p\":{\"mcpServers\":{\"mixpanel\":1}},\"s\":\"\\\"mcpServers\\\":{\","
		"\"mcpServers\":{\"x\":{\"mixpanel\":{}},"
		"\"mixpanel\":{\"command\":\"mpmcp\",\"args\":[\"--region\",\"eu\"]}}}" },
	{ "duplicates that do not matter", "{\"a\":1,\"a\":2,\"mcpServers\":{\"mixpanel\":0}}",
		"{\"a\":1,\"a\":2,\"mcpServers\":{\"mixpanel\":{\"command\":\"mpmcp\",\"args\":[\"-"
		"-region\",\"eu\"]}}}" },
	{ "letters beyond ASCII", "{\n  \"größe\": \"☕ \\ud83d\",\n  \"mcpServers\": {\n  }\n}\n",
		"{\n  \"größe\": \"☕ \\ud83d\",\n  \"mcpServers\": {\n    \"mixpanel\": {\n"
		"      \"command\": \"mpmcp\",\n      \"args\": [\"--region\", \"eu\"]\n    }\n  "
		"}\n}\n" },
};

static void an_entry_changes_its_own_span_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf doc = doc_of(rows[i].before);
		struct err e = { 0 };
		bool changed = false, again = false;
		json_t *value = entry();

		if (!merge_check(&doc, &e) || !merge_set(&doc, path, 2, value, &changed, &e))
			fail_msg("%s: %s", rows[i].what, e.msg);
		if (strcmp(buf_str(&doc), rows[i].after) != 0)
			fail_msg("%s: %s", rows[i].what, buf_str(&doc));
		assert_int_equal(changed, strcmp(rows[i].before, rows[i].after) != 0);
		assert_true(merge_set(&doc, path, 2, value, &again, &e));
		assert_false(again);
		json_decref(value);
		buf_free(&doc);
	}
}

/* ---- what is left alone ---- */

static const struct {
	const char *text, *says;
} refused[] = {
	{ "{\n # note\n}", "line 2 is not valid JSON (it holds comments that begin with #)" },
	{ "{\n\"a\": 1,,\n}", "line 2 is not valid JSON" },
	{ "{/* \"a\": 1}", "line 1 is not valid JSON" },
	{ "{\"a\": 1", "not valid JSON" },
	{ "{\"a\": 1} x", "not valid JSON" },
	{ "{'a': 1}", "not valid JSON" },
	{ "{\"a\": \"\xFF\"}", "not valid JSON" },
	{ "[]", "does not hold a JSON object" },
	{ "null", "does not hold a JSON object" },
	{ "\"mcpServers\"", "does not hold a JSON object" },
	{ "{\"mcpServers\": []}", "\"mcpServers\" in it is not an object" },
	{ "{\"mcpServers\": null}", "\"mcpServers\" in it is not an object" },
	{ "{\"mcpServers\": {}, \"mcpServers\": {}}", "\"mcpServers\" appears twice" },
	{ "{\"mcpServers\": {\"mixpanel\": 1, \"mix\\u0070anel\": 2}}",
		"\"mixpanel\" appears twice" },
};

static void a_file_that_is_in_doubt_is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct buf doc = doc_of(refused[i].text);
		struct err e = { 0 };
		bool changed = false;
		json_t *value = entry();

		assert_false(
			merge_check(&doc, &e) && merge_set(&doc, path, 2, value, &changed, &e));
		assert_string_equal(buf_str(&doc), refused[i].text);
		assert_false(changed);
		if (!strstr(e.msg, refused[i].says))
			fail_msg("%s: %s", refused[i].text, e.msg);
		json_decref(value);
		buf_free(&doc);
	}
}

static void a_file_that_grows_too_large_is_left_alone(void **state)
{
	struct buf doc = doc_of("{\"mcpServers\":{}}");
	struct err e = { 0 };
	bool changed = false;
	json_t *value = entry();

	(void)state;
	doc.cap = 30;
	assert_false(merge_set(&doc, path, 2, value, &changed, &e));
	assert_string_equal(buf_str(&doc), "{\"mcpServers\":{}}");
	assert_int_equal(e.kind, ERR_LIMIT);
	json_decref(value);
	buf_free(&doc);
}

/* ---- taking away ---- */

static void a_member_goes_with_its_comma(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"x\": {\"m\": 1}}", "{\"x\": {}}" },
		{ "{\"x\": { \"m\" : 1 , \"b\": 2 }}", "{\"x\": { \"b\": 2 }}" },
		{ "{\"x\": {\"a\": 0,\n  \"m\": 1,\n  \"b\": 2}}",
			"{\"x\": {\"a\": 0,\n  \"b\": 2}}" },
		{ "{\"x\": {\n  \"a\": 0,\n  \"m\": 1\n}}", "{\"x\": {\n  \"a\": 0\n}}" },
		{ "{\"x\": {\"a\": 0}}", "{\"x\": {\"a\": 0}}" },
		{ "{\"x\": 5}", "{\"x\": 5}" },
		{ "{}", "{}" },
	};
	static const char *const m[] = { "x", "m" };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf doc = doc_of(cases[i][0]);
		struct err e = { 0 };
		bool changed = false;

		assert_true(merge_check(&doc, &e));
		assert_true(merge_unset(&doc, m, 2, &changed, &e));
		assert_string_equal(buf_str(&doc), cases[i][1]);
		assert_int_equal(changed, strcmp(cases[i][0], cases[i][1]) != 0);
		buf_free(&doc);
	}
}

/* ---- comments ---- */

static void comments_and_trailing_commas_stay(void **state)
{
	static const struct {
		const char *before, *set, *unset; /* after adding x.m, after taking x.m away */
	} files[] = {
		{ "// c\n", "// c\n{\n  \"x\": {\n    \"m\": 1\n  }\n}\n", "// c\n{}\n" },
		{ "{\n  // c\n}\n", "{\n  // c\n  \"x\": {\n    \"m\": 1\n  }\n}\n",
			"{\n  // c\n}\n" },
		{ "{ /* c */ }", "{ /* c */\n  \"x\": {\n    \"m\": 1\n  }\n}", "{ /* c */ }" },
		{ "{\n  \"a\": 1 // of a\n}\n",
			"{\n  \"a\": 1, // of a\n  \"x\": {\n    \"m\": 1\n  }\n}\n",
			"{\n  \"a\": 1 // of a\n}\n" },
		{ "{\n  \"a\": 1, // of a\n}\n",
			"{\n  \"a\": 1, // of a\n  \"x\": {\n    \"m\": 1\n  },\n}\n",
			"{\n  \"a\": 1, // of a\n}\n" },
		{ "{\n  \"x\": {\n    \"m\": 2, // of m\n    // of b\n    \"b\": [1, 2,],\n  },\n}",
			"{\n  \"x\": {\n    \"m\": 1, // of m\n    // of b\n    \"b\": [1, 2,],\n  "
			"},\n}",
			"{\n  \"x\": {\n    // of b\n    \"b\": [1, 2,],\n  },\n}" },
		{ "{\n  \"x\": {\n    \"a\": \"// no\", /* of a */\n    // of m\n    \"m\": 2 // "
		  "m\n  }\n}",
			"{\n  \"x\": {\n    \"a\": \"// no\", /* of a */\n    // of m\n    \"m\": "
			"1 // m\n  }\n}",
			"{\n  \"x\": {\n    \"a\": \"// no\" /* of a */\n    // of m\n  }\n}" },
		{ "{\"x\": {\"a\": 0, /* m */ \"m\": 2, \"b\": 3}}",
			"{\"x\": {\"a\": 0, /* m */ \"m\": 1, \"b\": 3}}",
			"{\"x\": {\"a\": 0, /* m */  \"b\": 3}}" },
		{ "{\"x\": {\"a\": 0 /* a */}}", "{\"x\": {\"a\": 0, /* a */ \"m\": 1}}",
			"{\"x\": {\"a\": 0 /* a */}}" },
		{ "{\"x\": {\"a\": 0 // a */\n}}", "{\"x\": {\"a\": 0, // a */\n\"m\": 1\n}}",
			"{\"x\": {\"a\": 0 // a */\n}}" },
		{ "{\r\n\t\"x\": {\r\n\t\t\"a\": 0 // a\r\n\t}\r\n}",
			"{\r\n\t\"x\": {\r\n\t\t\"a\": 0, // a\r\n\t\t\"m\": 1\r\n\t}\r\n}",
			"{\r\n\t\"x\": {\r\n\t\t\"a\": 0 // a\r\n\t}\r\n}" },
	};
	static const char *const m[] = { "x", "m" };
	json_t *one = json_integer(1);

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		for (int unset = 0; unset < 2; unset++) {
			struct buf doc = doc_of(files[i].before);
			const char *want = unset ? files[i].unset : files[i].set;
			struct err e = { 0 };
			bool changed = false;

			if (!merge_check(&doc, &e) ||
				!(unset ? merge_unset(&doc, m, 2, &changed, &e)
					: merge_set(&doc, m, 2, one, &changed, &e)) ||
				!merge_check(&doc, &e))
				fail_msg("%zu: %s", i, e.msg);
			if (strcmp(buf_str(&doc), want) != 0)
				fail_msg("%zu: %s", i, buf_str(&doc));
			buf_free(&doc);
		}
	}
	json_decref(one);
}

static void strict_json_has_every_byte_at_its_place(void **state)
{
	static const char *const files[][2] = {
		{ "{\"a\": 1, // x\n}", "{\"a\": 1      \n}" },
		{ "{\"a\": [1, /* ] */ ] ,}", "{\"a\": [1          ]  }" },
		{ "{\"a//\": \"\\\"/*\" }", "{\"a//\": \"\\\"/*\" }" },
		{ "[,]", "[,]" },
		{ "[1,,]", "[1,,]" },
		{ "{/* open", "{/* open" },
		{ "{/", "{/" },
		{ "{\"open\\", "{\"open\\" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct buf doc = doc_of(files[i][0]), plain;

		assert_true(json_plain(&doc, &plain));
		assert_int_equal(plain.len, doc.len);
		if (i != 4)
			assert_string_equal(buf_str(&plain), files[i][1]);
		else
			assert_null(json_loads(buf_str(&plain), 0, NULL));
		buf_free(&doc);
		buf_free(&plain);
	}
}

/* ---- arrays ---- */

static void an_element_goes_to_the_end_once(void **state)
{
	static const char *const cases[][2] = {
		{ "{}\n", "{\n  \"inputs\": [\n    {\n      \"id\": \"t\",\n      \"n\": 1\n    "
			  "}\n  ]\n}\n" },
		{ "{\"inputs\":[]}", "{\"inputs\":[{\"id\":\"t\",\"n\":1}]}" },
		{ "{\n  \"inputs\": [\n    {\"id\": \"s\"}\n  ]\n}",
			"{\n  \"inputs\": [\n    {\"id\": \"s\"},\n    {\n      \"id\": \"t\",\n   "
			"   \"n\": 1\n    }\n  ]\n}" },
		{ "{\"inputs\":[7, {\"id\":\"\\u0074\",\"n\":2}]}",
			"{\"inputs\":[7, {\"id\":\"\\u0074\",\"n\":2}]}" },
	};
	json_t *value = json_pack("{s:s, s:i}", "id", "t", "n", 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf doc = doc_of(cases[i][0]);
		struct err e = { 0 };
		bool changed = false;

		assert_true(merge_check(&doc, &e));
		assert_true(merge_append(&doc, "inputs", "id", value, &changed, &e));
		assert_string_equal(buf_str(&doc), cases[i][1]);
		assert_int_equal(changed, strcmp(cases[i][0], cases[i][1]) != 0);
		buf_free(&doc);
	}
	json_decref(value);
}

static void an_array_that_is_none_is_left_alone(void **state)
{
	static const char *const cases[] = { "{\"inputs\":{}}", "{\"inputs\":[],\"inputs\":[]}" };
	json_t *value = json_pack("{s:s}", "id", "t");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf doc = doc_of(cases[i]);
		struct err e = { 0 };
		bool changed = false;

		assert_false(merge_append(&doc, "inputs", "id", value, &changed, &e));
		assert_string_equal(buf_str(&doc), cases[i]);
		buf_free(&doc);
	}
	json_decref(value);
}

/* ---- any document ---- */

static uint32_t seed;

static unsigned pick(unsigned n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static void put_space(struct buf *out)
{
	static const char *const spaces[] = { "", "", " ", "\n", "\r\n", "\t", "\n  ", "\n\t\t",
		"   " };

	assert_true(buf_adds(out, spaces[pick(sizeof(spaces) / sizeof(spaces[0]))]));
}

static void put_any(struct buf *out, unsigned depth);

/* Names that matter turn up in all places; as members of one object only once. */
static void put_members(struct buf *out, unsigned depth)
{
	static const char *const names[] = { "\"mcpServers\"", "\"mixpanel\"", "\"a\"",
		"\"m\\u0069xpanel2\"", "\"\"", "\"command\"", "\"{\\\"x\\\"\"", "\"größe\"" };
	unsigned from = pick(8), n = pick(4);

	for (unsigned i = 0; i < n; i++) {
		assert_true(!i || buf_addc(out, ','));
		put_space(out);
		assert_true(buf_adds(out, names[(from + i) % 8]));
		put_space(out);
		assert_true(buf_addc(out, ':'));
		put_space(out);
		put_any(out, depth + 1);
		put_space(out);
	}
	if (!n)
		put_space(out);
}

static void put_any(struct buf *out, unsigned depth)
{
	static const char *const scalars[] = { "1", "-0.5e-7", "true", "null", "\"\"",
		"\"}]{[ \\\\ \\\" , \\n\"", "12345678901234567", "\"\xE2\x98\x95\"" };
	unsigned kind = depth < 5 ? pick(depth ? 5 : 1) : 4;

	if (kind <= 2) {
		assert_true(buf_addc(out, '{'));
		put_members(out, depth);
		assert_true(buf_addc(out, '}'));
	} else if (kind == 3) {
		unsigned n = pick(3);

		assert_true(buf_addc(out, '['));
		for (unsigned i = 0; i < n; i++) {
			assert_true(!i || buf_addc(out, ','));
			put_space(out);
			put_any(out, depth + 1);
		}
		put_space(out);
		assert_true(buf_addc(out, ']'));
	} else {
		assert_true(buf_adds(out, scalars[pick(8)]));
	}
}

/* The old document with the path set, as a parser sees it; NULL when something on the way is no object. */
static json_t *set_in_tree(const char *text, const json_t *value)
{
	json_t *root = json_loads(text, 0, NULL), *servers = json_object_get(root, path[0]);

	assert_non_null(root);
	if (servers && !json_is_object(servers)) {
		json_decref(root);
		return NULL;
	}
	if (!servers)
		json_object_set_new(root, path[0], servers = json_object());
	json_object_set_new(servers, path[1], json_deep_copy(value));
	return root;
}

static size_t common_start(const struct buf *a, const struct buf *b)
{
	size_t n = 0;

	while (n < a->len && n < b->len && a->p[n] == b->p[n])
		n++;
	return n;
}

static size_t common_end(const struct buf *a, const struct buf *b, size_t spared)
{
	size_t n = 0;

	while (n + spared < a->len && n + spared < b->len &&
		a->p[a->len - 1 - n] == b->p[b->len - 1 - n])
		n++;
	return n;
}

/* What is neither in front of nor behind the change was the old value of the entry, or white space
 * between brackets. */
static void only_the_span_changed(const struct buf *old, const struct buf *new, struct span was)
{
	size_t start = common_start(old, new), end = old->len - common_end(old, new, start);

	if (was.p) {
		assert_true(start >= (size_t)(was.p - old->p));
		assert_true(end <= (size_t)(was.p - old->p) + was.n);
		return;
	}
	for (size_t i = start; i < end; i++)
		assert_non_null(strchr(" \t\r\n", old->p[i]));
}

static void any_document_keeps_all_but_the_entry(void **state)
{
	json_t *value = entry();
	unsigned done = 0;

	(void)state;
	for (seed = 1; done < 4000; seed++) {
		uint32_t began = seed;
		struct buf old, doc;
		struct err e = { 0 };
		bool changed = false, good;
		json_t *want, *have;

		buf_init(&old, CAP);
		put_space(&old);
		put_any(&old, 0);
		put_space(&old);
		doc = doc_of(buf_str(&old));
		want = set_in_tree(buf_str(&old), value);
		assert_true(merge_check(&doc, &e));
		good = merge_set(&doc, path, 2, value, &changed, &e);
		assert_int_equal(good, want != NULL);
		if (good) {
			have = json_loads(buf_str(&doc), 0, NULL);
			if (!have || !json_equal(have, want))
				fail_msg("%s\nbecame\n%s", buf_str(&old), buf_str(&doc));
			if (changed)
				only_the_span_changed(&old, &doc, merge_get(&old, path, 2));
			else
				assert_string_equal(buf_str(&old), buf_str(&doc));
			assert_true(merge_unset(&doc, path, 2, &changed, &e));
			json_decref(have);
			have = json_loads(buf_str(&doc), 0, NULL);
			json_object_del(json_object_get(want, path[0]), path[1]);
			assert_true(have && json_equal(have, want));
			json_decref(have);
		} else {
			assert_string_equal(buf_str(&old), buf_str(&doc));
		}
		json_decref(want);
		buf_free(&old);
		buf_free(&doc);
		seed = began;
		done++;
	}
	json_decref(value);
}

static void elements_are_taken_out_by_their_id(void **state)
{
	static const struct {
		const char *before, *after;
	} files[] = {
		{ "{\"n\": 1}", "{\"n\": 1}" },
		{ "{\"inputs\": 1}", "{\"inputs\": 1}" },
		{ "{\"n\": 1, \"inputs\": [{\"id\": \"t\"}]}", "{\"n\": 1}" },
		{ "{\"inputs\": [\n {\"id\": \"t\"},\n {\"id\": \"a\"},\n {\"id\": "
		  "\"\\u0074\"}\n]}",
			"{\"inputs\": [\n {\"id\": \"a\"}\n]}" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct buf doc = doc_of(files[i].before);
		bool changed = false;

		assert_true(merge_remove(&doc, "inputs", "id", "t", &changed, NULL));
		assert_string_equal(buf_str(&doc), files[i].after);
		buf_free(&doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_are_taken_out_by_their_id),
		cmocka_unit_test(an_entry_changes_its_own_span_alone),
		cmocka_unit_test(a_file_that_is_in_doubt_is_left_alone),
		cmocka_unit_test(a_file_that_grows_too_large_is_left_alone),
		cmocka_unit_test(a_member_goes_with_its_comma),
		cmocka_unit_test(comments_and_trailing_commas_stay),
		cmocka_unit_test(strict_json_has_every_byte_at_its_place),
		cmocka_unit_test(an_element_goes_to_the_end_once),
		cmocka_unit_test(an_array_that_is_none_is_left_alone),
		cmocka_unit_test(any_document_keeps_all_but_the_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
