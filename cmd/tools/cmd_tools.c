#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/tool_args.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp_client.h"
#include "commands.h"
#include "exit.h"
#include "mcp/policy/mixpanel_tools.h"
#include "mcp/http/error_text.h"
#include "mcp/json/walk.h"
#include "tools/pretty.h"

/* The first n bytes, without what a terminal would obey; malloc'ed. */
static char *cleaned(const char *text, size_t n)
{
	return err_clean(mem_ndup(text, n));
}

static void print_json(const json_t *o, size_t flags)
{
	char *text = json_dumps(o, flags | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);

	if (text)
		pretty_text(stdout, text, strlen(text));
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

static bool too_many(const char *word, struct err *e)
{
	err_set(e, ERR_USAGE, "unexpected argument \"%.40s\"", word);
	err_clean(e->msg);
	return false;
}

static const json_t *find_tool(const json_t *tools, const char *name, struct err *e)
{
	const char **names = mem_grow(NULL, json_array_size(tools) + 1, sizeof(char *));
	const json_t *found = NULL;
	const char *near;

	for (size_t i = 0; i < json_array_size(tools); i++) {
		names[i] = json_string_value(json_object_get(json_array_get(tools, i), "name"));
		if (names[i] && strcmp(names[i], name) == 0)
			found = json_array_get(tools, i);
	}
	if (!found) {
		near = options_nearest(name, names, json_array_size(tools));
		err_set(e, ERR_USAGE, "there is no tool \"%.100s\" here%s%s%s", name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		err_advise(e, REASON_NONE, "\"mpmcp tools\" lists them.");
	}
	free(names);
	return found;
}

static bool show(const struct options *a, const json_t *tools, struct err *e)
{
	const json_t *one;

	if (a->words.n > 1)
		return too_many(a->words.item[1], e);
	one = a->words.n ? find_tool(tools, a->words.item[0], e) : NULL;
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

int cmd_tools(const struct options *a)
{
	struct context c = { 0 };
	struct err e = { 0 };
	struct mcp_client *client = NULL;
	json_t *tools = NULL;

	if (a->words.n > 1)
		(void)!too_many(a->words.item[1], &e);
	else if (context_open(a, &c, &e) && (client = mcp_client_new(&c, a, &e)) != NULL)
		tools = mcp_client_tools(client, NULL, &e);
	if (!tools || !show(a, tools, &e))
		diag_error("%s", err_text(&e));
	json_decref(tools);
	mcp_client_free(client);
	context_close(&c);
	return (int)exit_for(e.kind);
}

/* ---- call ---- */

static bool advise_schema(const char *name, struct err *e)
{
	return err_advise(e, REASON_NONE, "\"mpmcp tools %.100s\" shows what it takes.", name);
}

/* JSON goes out as it stands; all else is read and checked by the tool's schema. */
static bool needs_schema(const struct options *a)
{
	return a->words.n == 1 || !tool_args_is_text(a->words.item[1]);
}

/* A list of tools is one request. A tool that is hidden by the person's own rules is not in it: then
 * the call itself is refused, and says by which. A server that has no list may have the tool all the
 * same: without arguments nothing need be known of it. */
static bool read_pairs(
	struct mcp_client *c, const struct options *a, struct buf *out, struct err *e)
{
	const char *name = a->words.item[0];
	json_t *tools = mcp_client_tools(c, NULL, e);
	const json_t *tool = tools ? find_tool(tools, name, e) : NULL;
	bool unlisted =
		!tools && a->words.n == 1 && (e->kind == ERR_PROTO || e->kind == ERR_SERVER);
	bool unseen = unlisted || (tools && !tool && mcp_client_restricted(c)),
	     good = tool || unseen;
	struct err why = { 0 };

	if (unseen)
		*e = (struct err){ 0 };
	if (good && !tool_args_pairs(a->words.item + 1, a->words.n - 1,
			    json_object_get(tool, "inputSchema"), out, &why))
		good = advise_schema(name, &why);
	if (why.kind)
		*e = why;
	json_decref(tools);
	return good;
}

/* What needs no schema is read before anything is asked of the server. */
static bool read_text(const struct options *a, struct buf *out, struct err *e)
{
	if (a->words.n > 2)
		return too_many(a->words.item[2], e);
	return tool_args_text(a->words.item[1], out, e);
}

static void show_content(FILE *f, struct walk *content)
{
	struct walk_item item;
	struct buf text;

	while (walk_next(content, &item)) {
		buf_init(&text, MESSAGE_MAX);
		if (walk_string(walk_get(item.value, "text", NULL), &text))
			pretty_text(f, buf_str(&text), text.len);
		else
			pretty_text(f, item.value.p, item.value.n);
		buf_free(&text);
	}
}

/* Of a failure its words, on standard error: who reads standard output takes that for the result. */
static void show_result(struct span result, bool failed)
{
	struct span structured = walk_get(result, "structuredContent", NULL);
	FILE *f = failed ? stderr : stdout;
	struct walk content;
	bool open = walk_open(&content, walk_get(result, "content", NULL));

	if (walk_type(structured) == WALK_OBJECT && !(failed && open))
		pretty_print(f, structured);
	else if (open)
		show_content(f, &content);
}

/* The words of a failed result; as much as known texts need. */
static void words_of(struct span result, char out[ERR_MSG_MAX])
{
	struct walk_item item;
	struct walk content;
	struct buf text;

	buf_init(&text, ERR_MSG_MAX - 1);
	if (walk_open(&content, walk_get(result, "content", NULL)))
		while (walk_next(&content, &item))
			(void)!walk_string(walk_get(item.value, "text", NULL), &text);
	snprintf(out, ERR_MSG_MAX, "%s", buf_str(&text));
	buf_free(&text);
}

/* The service does not always say that it has no such tool, and never which one was meant. */
static bool is_no_tool(struct mcp_client *c, const char *name, struct err *e)
{
	struct err why = { 0 };
	json_t *tools = mixpanel_tools_find(name) ? NULL : mcp_client_tools(c, NULL, &why);
	bool none = tools && !find_tool(tools, name, e);

	json_decref(tools);
	return none;
}

/* The result says that the call failed. */
static void failed_result(struct mcp_client *c, const char *name, struct span result, struct err *e)
{
	char text[ERR_MSG_MAX];
	struct error_said said = { .text = text };
	struct error_meaning m;

	words_of(result, text);
	m = error_text_meaning(&said);
	if (m.reason == REASON_NONE && is_no_tool(c, name, e))
		return;
	err_set(e, m.kind, "the tool reports an error");
	if (m.reason == REASON_NONE)
		advise_schema(name, e);
	else
		err_advise(e, m.reason, "%s", m.advice);
}

static void call(
	struct mcp_client *c, const struct options *a, const struct buf *arguments, struct err *e)
{
	const char *name = a->words.item[0];
	struct err missing = { 0 };
	struct span result;
	struct buf raw;
	bool failed;

	buf_init(&raw, MESSAGE_MAX);
	if (!mcp_client_call(c, name, arguments, &raw, e)) {
		if (e->kind == ERR_SERVER && e->reason == REASON_NONE &&
			is_no_tool(c, name, &missing))
			*e = missing;
		goto out;
	}
	result = (struct span){ buf_str(&raw), raw.len };
	failed = walk_true(walk_get(result, "isError", NULL));
	if (a->json)
		pretty_text(stdout, raw.p, raw.len);
	else
		show_result(result, failed);
	if (failed) {
		fflush(stdout);
		failed_result(c, name, result, e);
	}
out:
	buf_free(&raw);
}

int cmd_call(const struct options *a)
{
	struct context c = { 0 };
	struct err e = { 0 };
	struct mcp_client *client = NULL;
	struct buf arguments;

	if (!a->words.n) {
		diag_error("which tool? \"mpmcp tools\" lists them");
		return EXIT_USAGE;
	}
	buf_init(&arguments, MESSAGE_MAX);
	if ((needs_schema(a) || read_text(a, &arguments, &e)) && context_open(a, &c, &e) &&
		(client = mcp_client_new(&c, a, &e)) != NULL &&
		(!needs_schema(a) || read_pairs(client, a, &arguments, &e)))
		call(client, a, &arguments, &e);
	if (e.kind)
		diag_error("%s", err_text(&e));
	buf_free(&arguments);
	mcp_client_free(client);
	context_close(&c);
	return (int)exit_for(e.kind);
}
