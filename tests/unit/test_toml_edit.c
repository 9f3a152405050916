#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "setup/toml_edit.h"

#define CAP ((size_t)1 << 20)

static const struct toml_edit_pair pairs[] = { { "command", "\"mpmcp\"" },
	{ "args", "[\"--region\", \"eu\"]" }, { "env_vars", NULL } };

static struct buf doc_of(const char *text)
{
	struct buf doc;

	buf_init(&doc, CAP);
	assert_true(buf_adds(&doc, text));
	return doc;
}

static bool find(const struct buf *doc, struct err *e)
{
	struct toml_edit_found f;
	bool good = toml_edit_find(doc, "mcp_servers", "mixpanel", &f, e);

	toml_edit_found_clear(&f);
	return good;
}

static bool set(struct buf *doc, bool whole, bool *changed)
{
	struct err e = { 0 };

	return toml_edit_set(doc, "mcp_servers", "mixpanel", pairs, 3, whole, changed, &e);
}

#define TABLE "[mcp_servers.mixpanel]\ncommand = \"mpmcp\"\nargs = [\"--region\", \"eu\"]\n"

static const struct {
	const char *what, *before, *after;
	bool whole;
} rows[] = {
	{ "nothing in the file", "", TABLE, false },
	{ "a last line without a break", "model = \"o3\" # mine", "model = \"o3\" # mine\n\n" TABLE,
		false },
	{ "other tables, with what looks like ours in strings",
		"x = \"\"\"\n[mcp_servers.mixpanel]\ncommand = 'a'\n\"\"\"\"\n[a]\nb = [ # ]\n  "
		"'[', {c = \"}\"},\n]\n",
		"x = \"\"\"\n[mcp_servers.mixpanel]\ncommand = 'a'\n\"\"\"\"\n[a]\nb = [ # ]\n  "
		"'[', {c = \"}\"},\n]\n\n" TABLE,
		false },
	{ "carriage returns", "[mcp_servers.a]\r\ncommand = \"x\"\r\n",
		"[mcp_servers.a]\r\ncommand = \"x\"\r\n\r\n[mcp_servers.mixpanel]\r\ncommand = "
		"\"mpmcp\"\r\n"
		"args = [\"--region\", \"eu\"]\r\n",
		false },
	{ "an entry of ours with more in it",
		"[mcp_servers.mixpanel] # ours\nstartup_timeout_sec = 9\nargs = [\n  \"--region\", "
		"# old\n  \"us\",\n] # a\n"
		"env_vars = [\"X\"]\n# note\n\n[mcp_servers.mixpanel.env]\nA = \"1\"\n[b]\nargs = "
		"1\n",
		"[mcp_servers.mixpanel] # ours\ncommand = \"mpmcp\"\nstartup_timeout_sec = 9\nargs "
		"= [\"--region\", \"eu\"] # a\n"
		"# note\n\n[mcp_servers.mixpanel.env]\nA = \"1\"\n[b]\nargs = 1\n",
		false },
	{ "another program's entry, whole",
		"[a]\n[mcp_servers.\"mixpanel\"]\nurl = 'https://x'\n# "
		"note\n[mcp_servers.mixpanel.env]\nA = 1\n[b]\nc = 2\n",
		"[a]\n[mcp_servers.\"mixpanel\"]\ncommand = \"mpmcp\"\nargs = [\"--region\", "
		"\"eu\"]\n# note\n[b]\nc = 2\n",
		true },
	{ "a header alone, without a break", "[ mcp_servers . mixpanel ]",
		"[ mcp_servers . mixpanel ]\ncommand = \"mpmcp\"\nargs = [\"--region\", \"eu\"]\n",
		false },
	{ "all as it should be", "[z]\n" TABLE "enabled = true\n", "[z]\n" TABLE "enabled = true\n",
		false },
	{ "names in another table that are not ours",
		"[mcp_servers]\nother.command = \"x\"\n[x.mcp_servers.mixpanel]\na = 1\n",
		"[mcp_servers]\nother.command = \"x\"\n[x.mcp_servers.mixpanel]\na = 1\n\n" TABLE,
		false },
	{ "dates and numbers", "d = 1979-05-27 07:32:00 # x\nn = -1_000.5e+3\nt = true\n",
		"d = 1979-05-27 07:32:00 # x\nn = -1_000.5e+3\nt = true\n\n" TABLE, false },
};

static void a_table_changes_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf doc = doc_of(rows[i].before);
		struct err e = { 0 };
		bool changed = false, again = false;

		if (!find(&doc, &e))
			fail_msg("%s: %s", rows[i].what, e.msg);
		assert_true(set(&doc, rows[i].whole, &changed));
		if (strcmp(buf_str(&doc), rows[i].after) != 0)
			fail_msg("%s:\n%s", rows[i].what, buf_str(&doc));
		assert_int_equal(changed, strcmp(rows[i].before, rows[i].after) != 0);
		assert_true(find(&doc, &e) && set(&doc, rows[i].whole, &again));
		assert_false(again);
		buf_free(&doc);
	}
}

static void a_file_that_is_in_doubt_is_refused(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "mcp_servers = { mixpanel = { command = \"x\" } }",
			"line 1: the entry is an inline table" },
		{ "\nmcp_servers.mixpanel.command = \"x\"",
			"line 2: the entry is an inline table" },
		{ "mcp_servers.other.command = \"x\"", "inline" },
		{ "[mcp_servers]\nmixpanel = { command = \"x\" }",
			"line 2: the entry is an inline table" },
		{ "[mcp_servers]\n\"mixpanel\".command = 1", "inline" },
		{ "[[mcp_servers]]\na = 1", "array of tables" },
		{ "[[mcp_servers.mixpanel]]\na = 1", "array of tables" },
		{ "[mcp_servers.mixpanel]\n[mcp_servers.'mixpanel']",
			"line 2: the table appears twice" },
		{ "[mcp_servers.mixpanel]\nargs = []\nargs = []", "line 3: a key appears twice" },
		{ "[mcp_servers.mixpanel]\ncommand.x = 1", "\"command\"" },
		{ "[\"mcp\\u005fservers\".mixpanel]", "escapes" },
		{ "a = \"x", "a string is not closed" },
		{ "a = '''x", "a string is not closed" },
		{ "a = [1, 2\n", "a bracket is not closed" },
		{ "a = [\"]\n", "a string is not closed" },
		{ "a =\n", "a value is missing" },
		{ "a", "a key has no value" },
		{ "= 1", "a key is missing" },
		{ "[a\nb = 1", "a table header is not closed" },
		{ "[a] b", "unexpected text after" },
		{ "a = \"x\" y", "unexpected text after" },
		{ "{\"mcpServers\": {}}", "a key is missing" },
		{ "a = 1\rb = 2", "unexpected text after" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf doc = doc_of(cases[i].text);
		struct err e = { 0 };

		if (find(&doc, &e) || !strstr(e.msg, cases[i].says))
			fail_msg("%s: %s", cases[i].text, e.msg);
		buf_free(&doc);
	}
}

static void what_is_there_is_found(void **state)
{
	struct buf doc =
		doc_of("[mcp_servers.mixpanel]\nargs = [ 'a', # b\n 'c' ]\ncommand = '/x/mpmcp'\n");
	struct toml_edit_found f;
	struct err e = { 0 };

	(void)state;
	assert_true(toml_edit_find(&doc, "mcp_servers", "mixpanel", &f, &e));
	assert_true(f.there);
	assert_string_equal(buf_str(&f.command), "'/x/mpmcp'");
	assert_string_equal(buf_str(&f.args), "[ 'a', # b\n 'c' ]");
	toml_edit_found_clear(&f);
	assert_true(toml_edit_find(&doc, "mcp_servers", "mix", &f, &e));
	assert_false(f.there);
	toml_edit_found_clear(&f);
	buf_free(&doc);
}

static void a_string_is_quoted(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, CAP);
	assert_true(toml_edit_quote(&out, "a\"b\\c\td\x7f\xE2\x98\x95"));
	assert_string_equal(buf_str(&out), "\"a\\\"b\\\\c\\u0009d\\u007F\xE2\x98\x95\"");
	buf_free(&out);
}

/* Every cut of a file is either understood or refused; what is understood keeps its bytes. */
static void any_beginning_of_a_file_is_safe(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t n = 0; n <= strlen(rows[i].before); n++) {
			struct buf doc, old;
			struct err e = { 0 };
			bool changed = false;

			buf_init(&doc, CAP);
			assert_true(buf_add(&doc, rows[i].before, n));
			old = doc_of(buf_str(&doc));
			if (find(&doc, &e)) {
				assert_true(set(&doc, false, &changed));
				assert_true(find(&doc, &e));
				if (!strstr(buf_str(&old), "mixpanel"))
					assert_memory_equal(buf_str(&doc), buf_str(&old), old.len);
			}
			buf_free(&doc);
			buf_free(&old);
		}
	}
}

static void values_in_terms_of_json(void **state)
{
	static const struct {
		const char *toml, *json;
	} values[] = {
		{ "\"a\\u00e9\\U0001F600\\\"\\n\"", "\"a\\u00e9\\ud83d\\ude00\\\"\\n\"" },
		{ "'c:\\x'", "\"c:\\\\x\"" },
		{ "\"\"\"\na\\\n   b\"\"\"\"", "\"ab\\\"\"" },
		{ "'''a\n'''", "\"a\\n\"" },
		{ "[ 'a', # x]\n \"b\", ]", "[\"a\", \"b\"]" },
		{ "{ A = \"1\", 'b c' = [true, 20] }", "{\"A\": \"1\", \"b c\": [true, 20]}" },
		{ "2026-01-01", "\"2026-01-01\"" },
		{ "false", "false" },
		{ "[1", NULL },
		{ "{a=}", NULL },
		{ "\"a", NULL },
		{ "\"\\q\"", NULL },
		{ "[[[[[[[[[[1]]]]]]]]]]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		json_t *have = toml_edit_value(values[i].toml, strlen(values[i].toml));
		json_t *want =
			values[i].json ? json_loads(values[i].json, JSON_DECODE_ANY, NULL) : NULL;

		if (!(have && want ? json_equal(have, want) : have == want))
			fail_msg("%s", values[i].toml);
		json_decref(have);
		json_decref(want);
	}
}

static void tables_as_objects(void **state)
{
	static const char text[] =
		"k = 1\n[s.a]\ncommand='x' # c\nn=5\n[s.a.env]\nK='v'\n[other]\nz=1\n"
		"[s.b]\nenv.L = 'w'\n[[s.c]]\nq=1\n";
	json_t *have, *want = json_loads("{\"a\": {\"command\": \"x\", \"env\": {\"K\": \"v\"}, "
					 "\"n\": 5}, \"b\": {\"env\": {\"L\": \"w\"}}}",
			      0, NULL);
	struct buf doc = doc_of(text);

	(void)state;
	have = toml_edit_tables(&doc, "s");
	assert_true(json_equal(have, want));
	json_decref(have);
	json_decref(want);
	buf_free(&doc);
}

static void a_table_is_taken_out(void **state)
{
	static const struct {
		const char *before, *after;
	} files[] = {
		{ "", "" },
		{ "a = 1\n", "a = 1\n" },
		{ "a = 1\n\n[mcp_servers.mixpanel]\ncommand = 'x'\n", "a = 1\n" },
		{ "[mcp_servers.mixpanel]\ncommand = 'x'\n", "" },
		{ "a = 1\r\n\r\n[mcp_servers.mixpanel]\r\n# c\r\ncommand = 'x'\r\n\r\n[b]\r\n",
			"a = 1\r\n\r\n[b]\r\n" },
		{ "[a]\n\n[mcp_servers.mixpanel]\ncommand='x'\n\n# of b\n[b]\nc=1\n"
		  "[mcp_servers.mixpanel.env]\nK='v'\n[d]\n",
			"[a]\n\n# of b\n[b]\nc=1\n[d]\n" },
		{ "[mcp_servers.mixpanel2]\n[mcp_servers.mixpanel]\nx=1",
			"[mcp_servers.mixpanel2]\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct buf doc = doc_of(files[i].before);
		bool changed = false;

		assert_true(toml_edit_unset(&doc, "mcp_servers", "mixpanel", &changed, NULL));
		assert_string_equal(buf_str(&doc), files[i].after);
		assert_int_equal(changed, strcmp(files[i].before, files[i].after) != 0);
		buf_free(&doc);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_is_taken_out),
		cmocka_unit_test(values_in_terms_of_json),
		cmocka_unit_test(tables_as_objects),
		cmocka_unit_test(a_table_changes_alone),
		cmocka_unit_test(a_file_that_is_in_doubt_is_refused),
		cmocka_unit_test(what_is_there_is_found),
		cmocka_unit_test(a_string_is_quoted),
		cmocka_unit_test(any_beginning_of_a_file_is_safe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
