#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/mem.h"
#include "client.h"
#include "commands.h"
#include "exit.h"

/* The first n bytes, without what a terminal would obey; malloc'ed. */
static char *cleaned(const char *text, size_t n)
{
	return err_clean(mem_ndup(text, n));
}

/* What is shown may come from anybody who sends the service events. A file or another program gets it as it
 * is. */
static void print_text(const char *text)
{
	bool as_it_is = !isatty(STDOUT_FILENO);

	while (!as_it_is && *text) {
		size_t n = strcspn(text, "\n\t");
		char *piece = cleaned(text, n);

		fputs(piece, stdout);
		free(piece);
		if (text[n])
			putchar(text[n++]);
		text += n;
	}
	printf("%s\n", text);
}

static void print_json(const json_t *o, size_t flags)
{
	char *text = json_dumps(o, flags | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);

	if (text)
		print_text(text);
	free(text);
}

/* One line. */
static void print_tool(const json_t *tool)
{
	const char *name = json_string_value(json_object_get(tool, "name")),
		   *text = json_string_value(json_object_get(tool, "description"));
	char *shown = cleaned(name ? name : "", name ? strlen(name) : 0);
	char *words = cleaned(text ? text : "", text ? strcspn(text, "\n") : 0);

	printf("%-40s %s\n", shown, words);
	free(shown);
	free(words);
}

static const json_t *find_tool(const json_t *tools, const char *name, struct err *e)
{
	const char **names = calloc(json_array_size(tools) + 1, sizeof(char *));
	const json_t *found = NULL;
	const char *near;

	for (size_t i = 0; i < json_array_size(tools); i++) {
		names[i] = json_string_value(json_object_get(json_array_get(tools, i), "name"));
		if (names[i] && strcmp(names[i], name) == 0)
			found = json_array_get(tools, i);
	}
	if (!found) {
		near = args_nearest(name, names, json_array_size(tools));
		err_set(e, ERR_USAGE,
			"there is no tool \"%.100s\" here%s%s%s. \"mpmcp tools\" lists them", name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		err_clean(e->msg);
	}
	free(names);
	return found;
}

static bool show(const struct args *a, const json_t *tools, struct err *e)
{
	const json_t *one = a->words.n ? find_tool(tools, a->words.item[0], e) : NULL;

	if (a->words.n && !one)
		return false;
	if (a->json)
		print_json(one ? one : tools, JSON_COMPACT);
	else if (one)
		print_json(one, JSON_INDENT(2));
	else
		for (size_t i = 0; i < json_array_size(tools); i++)
			print_tool(json_array_get(tools, i));
	return true;
}

int cmd_tools(const struct args *a)
{
	struct context c;
	struct err e = { 0 };
	struct client *client = context_open(a, &c, &e) ? client_new(&c, a, &e) : NULL;
	json_t *tools = client ? client_tools(client, NULL, &e) : NULL;

	if (!tools || !show(a, tools, &e))
		diag_error("%s", e.msg);
	json_decref(tools);
	client_free(client);
	context_close(&c);
	return (int)exit_for(e.kind);
}

/* ---- call ---- */

/* What a schema says that the value of a property is; "string" when it says nothing. */
static const char *type_of(const json_t *schema)
{
	const char *type = json_string_value(json_object_get(schema, "type"));
	const json_t *any = json_object_get(schema, "anyOf");

	if (!type && any)
		return type_of(json_array_get(any, 0));
	if (!type)
		type = json_string_value(json_array_get(json_object_get(schema, "type"), 0));
	return type ? type : "string";
}

static json_t *typed(const char *text, const json_t *schema, const char *name, struct err *e)
{
	const char *type = type_of(schema);
	json_t *v;

	if (strcmp(type, "string") == 0)
		return json_string(text);
	v = json_loads(text, JSON_DECODE_ANY, NULL);
	if (strcmp(type, "array") == 0 && !json_is_array(v)) {
		json_decref(v);
		v = json_array();
		for (const char *p = text; *p;) {
			char *item = strndup(p, strcspn(p, ","));
			json_t *one = item ? typed(item, json_object_get(schema, "items"), name, e)
					   : NULL;

			free(item);
			if (one)
				json_array_append_new(v, one);
			p += strcspn(p, ",");
			p += *p == ',';
		}
		return v;
	}
	if ((strcmp(type, "integer") == 0 && json_is_integer(v)) ||
		(strcmp(type, "number") == 0 && json_is_number(v)) ||
		(strcmp(type, "boolean") == 0 && json_is_boolean(v)) ||
		(strcmp(type, "object") == 0 && json_is_object(v)) ||
		(strcmp(type, "array") == 0 && json_is_array(v)) || strcmp(type, "null") == 0)
		return v;
	json_decref(v);
	err_set(e, ERR_USAGE, "%.100s must be of type %.40s", name, type);
	return NULL;
}

/* "a.b=value" into arguments, by the schema. */
static bool set_pair(json_t *arguments, const json_t *schema, const char *pair, struct err *e)
{
	size_t n = strcspn(pair, "=");
	char *path = strndup(pair, n), *key = path, *dot;
	json_t *at = arguments, *value;
	bool good = false;

	if (!path || !pair[n] || !n) {
		err_set(e, ERR_USAGE,
			"\"%.100s\" is no key=value; arguments can also be one JSON object, @FILE "
			"or -",
			pair);
		goto out;
	}
	schema = json_object_get(json_object_get(schema, "properties"), key);
	while ((dot = strchr(key, '.')) && !schema) {
		json_t *next;

		*dot = 0;
		next = json_object_get(at, key);
		if (!json_is_object(next)) {
			next = json_object();
			json_object_set_new(at, key, next);
		}
		at = next;
		key = dot + 1;
	}
	value = typed(pair + n + 1, schema, key, e);
	good = value != NULL;
	if (good)
		json_object_set_new(at, key, value);
out:
	free(path);
	return good;
}

static json_t *read_stream(FILE *f, const char *what, struct err *e)
{
	json_error_t why;
	json_t *o = f ? json_loadf(f, 0, &why) : NULL;

	if (json_is_object(o))
		return o;
	json_decref(o);
	err_set(e, ERR_USAGE, "%.200s is no file with a JSON object", what);
	return NULL;
}

static json_t *read_arguments(
	struct client *c, const struct args *a, const char *tool, struct err *e)
{
	const char *first = a->words.n > 1 ? a->words.item[1] : "{}";
	json_t *tools, *arguments;
	const json_t *t;

	if (strcmp(first, "-") == 0)
		return read_stream(stdin, "standard input", e);
	if (*first == '@') {
		FILE *f = fopen(first + 1, "r");

		arguments = read_stream(f, first + 1, e);
		if (f)
			fclose(f);
		return arguments;
	}
	if (*first == '{') {
		arguments = json_loads(first, 0, NULL);
		if (!json_is_object(arguments))
			err_set(e, ERR_USAGE, "the arguments are no JSON object");
		return arguments;
	}
	tools = client_tools(c, NULL, e);
	t = tools ? find_tool(tools, tool, e) : NULL;
	arguments = t ? json_object() : NULL;
	for (size_t i = 1; arguments && i < a->words.n; i++) {
		if (set_pair(arguments, json_object_get(t, "inputSchema"), a->words.item[i], e))
			continue;
		json_decref(arguments);
		arguments = NULL;
	}
	json_decref(tools);
	return arguments;
}

static void show_result(const json_t *result)
{
	const json_t *content = json_object_get(result, "content"),
		     *structured = json_object_get(result, "structuredContent");

	if (structured) {
		print_json(structured, JSON_INDENT(2));
		return;
	}
	for (size_t i = 0; i < json_array_size(content); i++) {
		const json_t *item = json_array_get(content, i);
		const char *text = json_string_value(json_object_get(item, "text"));

		if (text)
			print_text(text);
		else
			print_json(item, JSON_COMPACT);
	}
}

static bool call(struct client *c, const struct args *a, struct err *e)
{
	const char *tool = a->words.item[0];
	json_t *arguments = read_arguments(c, a, tool, e), *result = NULL;
	struct buf raw;
	bool good;

	buf_init(&raw, ENVELOPE_MAX);
	if (arguments)
		result = client_request(c, "tools/call",
			json_pack("{s:s, s:o, s:{s:i}}", "name", tool, "arguments", arguments,
				"_meta", "progressToken", 1),
			&raw, e);
	good = result != NULL;
	if (good && a->json)
		printf("%s\n", buf_str(&raw));
	else if (good)
		show_result(result);
	if (good && json_is_true(json_object_get(result, "isError")))
		good = err_set(e, ERR_SERVER, "the tool reports an error");
	json_decref(result);
	buf_free(&raw);
	return good;
}

int cmd_call(const struct args *a)
{
	struct context c;
	struct err e = { 0 };
	struct client *client = NULL;

	if (!a->words.n) {
		diag_error("which tool? \"mpmcp tools\" lists them");
		return EXIT_USAGE;
	}
	if (context_open(a, &c, &e) && (client = client_new(&c, a, &e)) != NULL)
		(void)!call(client, a, &e);
	if (e.kind)
		diag_error("%s", e.msg);
	client_free(client);
	context_close(&c);
	return (int)exit_for(e.kind);
}
