#include "tools/tool_list.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/glob.h"
#include "base/mem.h"
#include "columns.h"
#include "command_line.h"
#include "mcp/policy/mixpanel_tools.h"
#include "wrap.h"
#include "os/terminal.h"

/* Bytes of JSON that models count as one token, about. */
#define TOKEN_BYTES 4

const char *tool_list_name(const json_t *tool)
{
	const char *name = json_string_value(json_object_get(tool, "name"));

	return name ? name : "";
}

const char *tool_list_group(const json_t *tool)
{
	const struct mixpanel_tools_tool *known = mixpanel_tools_find(tool_list_name(tool));

	return known ? known->set : TOOL_LIST_OTHER;
}

const char *tool_list_effect(const json_t *tool)
{
	static const char *const effects[] = {
		[MIXPANEL_TOOLS_READ] = "read",
		[MIXPANEL_TOOLS_ADD] = "write",
		[MIXPANEL_TOOLS_CHANGE] = "write",
		[MIXPANEL_TOOLS_DELETE] = "delete",
	};
	const struct mixpanel_tools_tool *known = mixpanel_tools_find(tool_list_name(tool));
	const json_t *hints = json_object_get(tool, "annotations"),
		     *reads = json_object_get(hints, "readOnlyHint"),
		     *destroys = json_object_get(hints, "destructiveHint");

	if (known)
		return effects[known->what];
	if (json_is_true(destroys))
		return "delete";
	return json_is_true(reads) ? "read" : json_is_false(reads) ? "write" : "?";
}

/* ---- which ---- */

static char *in_small_letters(const char *text)
{
	char *low = mem_dup(text ? text : "");

	for (char *c = low; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return low;
}

static bool fits(const json_t *tool, const char *word)
{
	char *low = in_small_letters(word), *name = in_small_letters(tool_list_name(tool)),
	     *text = in_small_letters(json_string_value(json_object_get(tool, "description")));
	bool fits = *low == '@'           ? strcmp(low + 1, tool_list_group(tool)) == 0
		    : strpbrk(low, "*?[") ? glob_matches(low, name)
					  : strstr(name, low) || strstr(text, low);

	free(low);
	free(name);
	free(text);
	return fits;
}

json_t *tool_list_matching(const json_t *tools, const struct options_list *words)
{
	json_t *found = json_array(), *tool;
	size_t i;

	json_array_foreach(tools, i, tool)
	{
		bool good = true;

		for (size_t w = 0; w < words->n; w++)
			good = good && fits(tool, words->item[w]);
		if (good)
			json_array_append(found, tool);
	}
	return found;
}

const json_t *tool_list_find(
	const struct options *a, const json_t *tools, const char *name, struct err *e)
{
	const char **names = mem_grow(NULL, json_array_size(tools) + 1, sizeof(char *));
	const json_t *found = NULL;
	const char *near;
	char *line;

	for (size_t i = 0; i < json_array_size(tools); i++) {
		names[i] = json_string_value(json_object_get(json_array_get(tools, i), "name"));
		if (names[i] && strcmp(names[i], name) == 0)
			found = json_array_get(tools, i);
	}
	if (!found) {
		near = options_nearest(name, names, json_array_size(tools));
		err_set(e, ERR_USAGE, "there is no tool \"%.100s\" here%s%.100s%s", name,
			near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
		err_clean(e->msg);
		line = command_line(a, "tools");
		err_advise(e, REASON_NONE, "\"%s\" lists them.", line);
		free(line);
	}
	free(names);
	return found;
}

/* ---- shown ---- */

/* Its first line, as a terminal may have it; malloc'ed. */
static char *description(const json_t *tool)
{
	const char *text = json_string_value(json_object_get(tool, "description"));

	text = text ? text + strspn(text, " \t\r\n") : "";
	return err_clean(mem_ndup(text, strcspn(text, "\r\n")));
}

static void print_cut(FILE *f, const char *text, size_t room)
{
	size_t n = strlen(text);

	if (columns_of(text, n) <= room)
		fprintf(f, "%s\n", text);
	else
		fprintf(f, "%.*s\xe2\x80\xa6\n", (int)columns_fit(text, n, room ? room - 1 : 0),
			text);
}

/* Names longer than that push their line to the right instead of all others. */
#define NAME_COLUMNS 32
#define EFFECT_COLUMNS 6
/* Below that a description has a line of its own. */
#define NARROW 64

static void print_tool(FILE *f, const json_t *tool, size_t name_columns, size_t width)
{
	char *name = err_clean(mem_dup(tool_list_name(tool))), *text = description(tool);
	size_t wide = columns_of(name, strlen(name)), at;

	if (width < NARROW) {
		fprintf(f, "  %s  %s\n    ", name, tool_list_effect(tool));
		print_cut(f, text, width - 4);
	} else {
		at = wide > name_columns ? wide : name_columns;
		fprintf(f, "  %s%*s  %-*s  ", name, (int)(at - wide), "", EFFECT_COLUMNS,
			tool_list_effect(tool));
		at += 2 + 2 + EFFECT_COLUMNS + 2;
		print_cut(f, text, width > at + 1 ? width - at : 1);
	}
	free(name);
	free(text);
}

static void print_line(FILE *f, const json_t *tool)
{
	char *name = err_clean(mem_dup(tool_list_name(tool))), *text = description(tool);

	fprintf(f, "%s\t%s\t%s\t%s\n", name, tool_list_effect(tool), tool_list_group(tool), text);
	free(name);
	free(text);
}

static size_t count(const json_t *tools, const char *effect)
{
	const json_t *tool;
	size_t n = 0, i;

	json_array_foreach(tools, i, tool) n += strcmp(tool_list_effect(tool), effect) == 0;
	return n;
}

/* 12345 as "12,300": more digits would be made up. */
static void print_tokens(FILE *f, size_t n)
{
	size_t unit = n >= 10000 ? 1000 : n >= 1000 ? 100 : 10;

	n = (n + unit / 2) / unit * unit;
	if (n >= 1000)
		fprintf(f, "%zu,%03zu", n / 1000, n % 1000);
	else
		fprintf(f, "%zu", n);
}

static void print_sum(FILE *f, const json_t *tools, size_t all)
{
	static const char *const effects[] = { "read", "write", "delete", "?" };
	size_t n = json_array_size(tools), bytes = json_dumpb(tools, NULL, 0, JSON_COMPACT);
	const char *comma = ": ";

	fprintf(f, "\n%zu", n);
	if (n != all)
		fprintf(f, " of %zu", all);
	fprintf(f, " tool%s", all == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		if (!count(tools, effects[i]))
			continue;
		fprintf(f, "%s%zu %s", comma, count(tools, effects[i]), effects[i]);
		comma = ", ";
	}
	fprintf(f, ".\nAbout ");
	print_tokens(f, bytes / TOKEN_BYTES);
	fprintf(f, " tokens of a model's context.\n");
}

/* The widest name that is not too wide. */
static size_t name_column(const json_t *tools)
{
	size_t widest = 0, i;
	const json_t *tool;

	json_array_foreach(tools, i, tool)
	{
		size_t n = columns_of(tool_list_name(tool), strlen(tool_list_name(tool)));

		if (n > widest && n <= NAME_COLUMNS)
			widest = n;
	}
	return widest;
}

static void print_group(FILE *f, const json_t *tools, const char *group, bool titled)
{
	size_t columns = name_column(tools), i;
	const json_t *tool;

	if (titled)
		fprintf(f, "%s%s\n", strcmp(group, TOOL_LIST_OTHER) == 0 ? "" : "@", group);
	json_array_foreach(tools, i, tool)
	{
		if (strcmp(tool_list_group(tool), group) == 0)
			print_tool(f, tool, columns, wrap_width(f));
	}
}

/* Distinct groups in the order of their names, those of no group at the end. */
static size_t groups_of(const json_t *tools, const char *groups[])
{
	size_t n = 0, i;
	const json_t *tool;

	json_array_foreach(tools, i, tool)
	{
		const char *group = tool_list_group(tool);
		size_t at = 0;

		while (at < n && strcmp(groups[at], TOOL_LIST_OTHER) != 0 &&
			(strcmp(group, TOOL_LIST_OTHER) == 0 || strcmp(groups[at], group) < 0))
			at++;
		if (at < n && strcmp(groups[at], group) == 0)
			continue;
		memmove(groups + at + 1, groups + at, (n - at) * sizeof(*groups));
		groups[at] = group;
		n++;
	}
	return n;
}

void tool_list_print(FILE *f, const json_t *tools, size_t all)
{
	const char **groups;
	size_t n, i;
	const json_t *tool;

	if (!os_is_terminal(f)) {
		json_array_foreach(tools, i, tool)
		{
			print_line(f, tool);
		}
		return;
	}
	groups = mem_grow(NULL, json_array_size(tools) + 1, sizeof(*groups));
	n = groups_of(tools, groups);
	for (size_t g = 0; g < n; g++) {
		if (g)
			fputc('\n', f);
		print_group(f, tools, groups[g], n > 1 || strcmp(groups[g], TOOL_LIST_OTHER) != 0);
	}
	print_sum(f, tools, all);
	free(groups);
}
