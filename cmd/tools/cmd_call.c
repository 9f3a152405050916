#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/shell.h"
#include "command_line.h"
#include "commands.h"
#include "exit.h"
#include "mcp/http/error_text.h"
#include "mcp/json/walk.h"
#include "mcp/policy/mixpanel_tools.h"
#include "mcp_client.h"
#include "tools/pretty.h"
#include "tools/result.h"
#include "tools/tool_args.h"
#include "tools/tool_list.h"
#include "os/terminal.h"

static bool too_many(const char *word, struct err *e)
{
	err_set(e, ERR_USAGE, "unexpected argument \"%.40s\"", word);
	err_clean(e->msg);
	return false;
}

static bool advise_schema(const struct options *a, struct err *e)
{
	char *line = command_line(a, "tools");
	struct buf name;

	buf_init(&name, ERR_ADVICE_MAX);
	if (shell_word(&name, a->words.item[0]))
		err_advise(e, REASON_NONE, "\"%s %s\" shows what it takes.", line, buf_str(&name));
	buf_free(&name);
	free(line);
	return false;
}

/* JSON goes out as it stands; all else is read and checked by the tool's schema. */
static bool needs_schema(const struct options *a)
{
	return a->words.n == 1 || !tool_args_is_text(a->words.item[1]);
}

/* A list of tools is one request. A tool that is hidden by the person's own rules is not in it: then
 * the call itself is refused, and says by which. A server that has no list may have the tool all the
 * same: without arguments nothing need be known of it. */
static bool read_listed_pairs(
	struct mcp_client *c, const struct options *a, struct buf *out, struct err *e)
{
	const char *name = a->words.item[0];
	json_t *tools = mcp_client_tools(c, NULL, e);
	const json_t *tool = tools ? tool_list_find(a, tools, name, e) : NULL;
	bool unlisted =
		!tools && a->words.n == 1 && (e->kind == ERR_PROTO || e->kind == ERR_SERVER);
	bool unseen = unlisted || (tools && !tool && mcp_client_restricted(c)),
	     good = tool || unseen;
	struct err why = { 0 };

	if (unseen)
		*e = (struct err){ 0 };
	if (good && !tool_args_pairs(a->words.item + 1, a->words.n - 1,
			    json_object_get(tool, "inputSchema"), out, &why))
		good = advise_schema(a, &why);
	if (why.kind)
		*e = why;
	json_decref(tools);
	return good;
}

/* "key=@-": that is there to be read once. */
static bool takes_stdin(const struct options *a)
{
	for (size_t i = 1; i < a->words.n; i++)
		if (strcmp(a->words.item[i] + strcspn(a->words.item[i], "="), "=@-") == 0)
			return true;
	return false;
}

/* By the list that is kept, where that has the tool and the arguments fit it; whatever does not is looked at again with
 * a list of now. */
static bool read_pairs(
	struct mcp_client *c, const struct options *a, struct buf *out, struct err *e)
{
	json_t *tools = takes_stdin(a) ? NULL : mcp_client_kept_tools(c);
	struct err why = { 0 };
	const json_t *tool = tools ? tool_list_find(a, tools, a->words.item[0], &why) : NULL;
	bool good = tool && tool_args_pairs(a->words.item + 1, a->words.n - 1,
				    json_object_get(tool, "inputSchema"), out, &why);

	json_decref(tools);
	if (good)
		return true;
	buf_reset(out);
	return read_listed_pairs(c, a, out, e);
}

/* What needs no schema is read before anything is asked of the server. */
static bool read_text(const struct options *a, struct buf *out, struct err *e)
{
	if (a->words.n > 2)
		return too_many(a->words.item[2], e);
	return tool_args_text(a->words.item[1], out, e);
}

/* As --output asks, else for people on a terminal, for programs elsewhere. */
static enum result_form form_of(const struct options *a)
{
	if (a->output)
		return (enum result_form)a->output;
	return os_is_terminal(stdout) ? RESULT_TABLE : RESULT_JSON;
}

/* Of a failure its words, on standard error: who reads standard output takes that for the result. */
static void show_result(const struct options *a, struct span result, bool failed, struct err *e)
{
	if (a->json)
		pretty_text(stdout, result.p, result.n);
	else if (!failed)
		(void)!result_print(stdout, result, form_of(a), e);
	else if (walk_type(walk_get(result, "content", NULL)) == WALK_ARRAY)
		result_print_text(stderr, result);
	else
		(void)!result_print(stderr, result, RESULT_JSON, e);
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
static bool is_no_tool(struct mcp_client *c, const struct options *a, struct err *e)
{
	const char *name = a->words.item[0];
	struct err why = { 0 };
	json_t *tools = mixpanel_tools_find(name) ? NULL : mcp_client_tools(c, NULL, &why);
	bool none = tools && !tool_list_find(a, tools, name, e);

	json_decref(tools);
	return none;
}

/* The result says that the call failed. */
static void failed_result(
	struct mcp_client *c, const struct options *a, struct span result, struct err *e)
{
	char text[ERR_MSG_MAX];
	struct error_said said = { .text = text };
	struct error_meaning m;

	words_of(result, text);
	m = error_text_meaning(&said);
	if (m.reason == REASON_NONE && is_no_tool(c, a, e))
		return;
	err_set(e, m.kind, "the tool reports an error");
	if (m.reason == REASON_NONE)
		advise_schema(a, e);
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
		if (e->kind == ERR_SERVER && e->reason == REASON_NONE && is_no_tool(c, a, &missing))
			*e = missing;
		goto out;
	}
	result = (struct span){ buf_str(&raw), raw.len };
	failed = walk_true(walk_get(result, "isError", NULL));
	show_result(a, result, failed, e);
	if (failed) {
		mcp_client_forget_tools(c); /* it may be another tool by now */
		fflush(stdout);
		failed_result(c, a, result, e);
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

	if (a->json && a->output) {
		diag_error("give --json or --output, not both");
		return EXIT_USAGE;
	}
	if (!a->words.n) {
		char *line = command_line(a, "tools");

		diag_error("which tool? \"%s\" lists them", line);
		free(line);
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
