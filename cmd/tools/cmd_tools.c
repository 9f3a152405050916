#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "commands.h"
#include "exit.h"
#include "mcp_client.h"
#include "tools/pretty.h"
#include "tools/tool_list.h"
#include "tools/tool_page.h"

static void print_json(const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY | JSON_PRESERVE_ORDER);

	if (text)
		pretty_text(stdout, text, strlen(text));
	free(text);
}

/* One word that is a tool's name asks for that tool; all else narrows the list. */
static bool show(const struct options *a, const json_t *tools, struct err *e)
{
	const json_t *one = NULL;
	json_t *found;

	if (a->words.n == 1)
		one = tool_list_find(a, tools, a->words.item[0], e);
	found = one ? NULL : tool_list_matching(tools, &a->words);
	if (!one && a->words.n && !json_array_size(found)) {
		json_decref(found);
		return a->words.n == 1
			       ? false
			       : err_set(e, ERR_USAGE, "no tool matches all of these words");
	}
	*e = (struct err){ 0 };
	if (a->json)
		print_json(one ? one : found);
	else if (one)
		tool_page_print(stdout, one, a);
	else
		tool_list_print(stdout, found, json_array_size(tools));
	json_decref(found);
	return true;
}

int cmd_tools(const struct options *a)
{
	struct context c = { 0 };
	struct err e = { 0 };
	struct mcp_client *client = NULL;
	json_t *tools = NULL;

	if (context_open(a, &c, &e) && (client = mcp_client_new(&c, a, &e)) != NULL)
		tools = mcp_client_tools(client, NULL, &e);
	if (!tools || !show(a, tools, &e))
		diag_error("%s", err_text(&e));
	json_decref(tools);
	mcp_client_free(client);
	context_close(&c);
	return (int)exit_for(e.kind);
}
