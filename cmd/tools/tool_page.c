#include "tools/tool_page.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/shell.h"
#include "columns.h"
#include "command_line.h"
#include "tools/schema.h"
#include "tools/table.h"
#include "tools/tool_args.h"
#include "tools/tool_list.h"
#include "wrap.h"

/* Arguments that a page shows, those inside others among them: more than a person reads. */
#define ARGUMENTS_MAX 200
/* Levels of them: as "a.b.c=value" is typed. */
#define LEVELS_MAX 3
/* A list of values that is longer is cut. */
#define VALUES_MAX 300

/* ---- the columns of one argument ---- */

static bool add_type(struct schema *s, const json_t *schema, struct buf *b)
{
	unsigned types = schema_types(s, schema);
	const json_t *items = schema_part(s, schema, "items");

	if (types == SCHEMA_ARRAY && items && schema_types(s, items))
		return buf_adds(b, "array of ") && schema_add_type_names(b, schema_types(s, items));
	return types ? schema_add_type_names(b, types) : buf_adds(b, "any");
}

static bool add_choices(const json_t *choices, struct buf *b)
{
	size_t n = json_array_size(choices);

	for (size_t i = 0; i < n; i++) {
		char *choice = schema_shown(json_array_get(choices, i));
		bool room = buf_addf(b, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", choice);

		free(choice);
		if (!room)
			return false;
	}
	return true;
}

static bool add_limits(struct schema *s, const json_t *schema, struct buf *b)
{
	const json_t *least = schema_part(s, schema, "minimum"),
		     *most = schema_part(s, schema, "maximum");

	if (json_is_number(least) && json_is_number(most))
		return buf_addf(
			b, "%.15g to %.15g", json_number_value(least), json_number_value(most));
	if (json_is_number(least))
		return buf_addf(b, "at least %.15g", json_number_value(least));
	return !json_is_number(most) || buf_addf(b, "at most %.15g", json_number_value(most));
}

static bool add_values(struct schema *s, const json_t *schema, struct buf *b)
{
	const json_t *items = schema_part(s, schema, "items"),
		     *choices = schema_part(s, schema, "enum");
	const char *format = json_string_value(schema_part(s, schema, "format")),
		   *pattern = json_string_value(schema_part(s, schema, "pattern"));

	if (!choices && items)
		choices = schema_part(s, items, "enum");
	if (choices)
		return add_choices(choices, b);
	if (pattern)
		return buf_addf(b, "like %.100s", pattern);
	return format ? buf_addf(b, "%.60s", format) : add_limits(s, schema, b);
}

static bool is_required(const json_t *schema, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(schema, "required"), i, one)
	{
		const char *text = json_string_value(one);

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* ---- the table ---- */

struct page {
	struct schema schema;
	struct table *table;
	size_t left; /* arguments that may still be shown */
};

/* What does not fit beside the others stands below them: a choice that is cut cannot be typed. */
#define VALUES_COLUMNS 40

static void add_note(struct page *p, const json_t *schema, const char *values)
{
	const json_t *about = json_object_get(schema, "description");
	const char *text;
	char *note;

	if (!about)
		about = json_object_get(schema_resolve(&p->schema, schema), "description");
	text = json_is_string(about) ? json_string_value(about) : "";
	note = *values ? mem_printf("%s%sValues: %s", text, *text ? " " : "", values)
		       : mem_dup(text);
	if (*note)
		table_note(p->table, note);
	free(note);
}

/* malloc'ed */
static char *values_text(struct schema *s, const json_t *schema)
{
	struct buf b;
	char *text;

	buf_init(&b, VALUES_MAX);
	text = add_values(s, schema, &b) ? mem_dup(buf_str(&b))
					 : mem_printf("%s, ...", buf_str(&b));
	buf_free(&b);
	return text;
}

static void add_argument(struct page *p, const char *name, const json_t *schema, bool required)
{
	const json_t *usual = schema_part(&p->schema, schema, "default");
	char *shown = usual && !json_is_null(usual) ? schema_shown(usual) : mem_dup(""),
	     *values = values_text(&p->schema, schema);
	size_t n = strlen(values);
	bool beside = columns_of(values, n) <= VALUES_COLUMNS;
	struct buf type;

	buf_init(&type, VALUES_MAX);
	if (!add_type(&p->schema, schema, &type))
		buf_reset(&type);
	table_cell(p->table, name, strlen(name));
	table_cell(p->table, buf_str(&type), type.len);
	table_cell(p->table, "yes", required ? 3 : 0);
	table_cell(p->table, values, beside ? n : 0);
	table_cell(p->table, shown, strlen(shown));
	add_note(p, schema, beside ? "" : values);
	free(values);
	free(shown);
	buf_free(&type);
}

static void add_arguments(struct page *p, const json_t *schema, const char *before, int level)
{
	const json_t *properties = schema_part(&p->schema, schema, "properties");
	const char *name;
	json_t *one;

	if (level == LEVELS_MAX)
		return;
	json_object_foreach((json_t *)properties, name, one)
	{
		char *path = mem_printf("%s%s%s", before, *before ? "." : "", name);

		p->schema.looks = 0;
		if (p->left) {
			p->left--;
			add_argument(p, path, one,
				is_required(schema_resolve(&p->schema, schema), name));
			add_arguments(p, one, path, level + 1);
		}
		free(path);
	}
}

static void print_arguments(FILE *f, const json_t *schema)
{
	static const char *const heads[] = { "ARGUMENT", "TYPE", "REQUIRED", "VALUES", "DEFAULT" };
	const size_t columns = sizeof(heads) / sizeof(heads[0]);
	struct page p = {
		.schema.root = schema, .table = table_new(columns), .left = ARGUMENTS_MAX
	};

	for (size_t i = 0; i < columns; i++)
		table_cell(p.table, heads[i], strlen(heads[i]));
	add_arguments(&p, schema, "", 0);
	if (p.left == ARGUMENTS_MAX)
		fprintf(f, "It takes no arguments.\n");
	else
		table_print(f, p.table, wrap_width(f));
	if (!p.left)
		fprintf(f, "... and more; --json prints the whole schema.\n");
	table_free(p.table);
}

/* ---- the example ---- */

/* A value that the schema takes; malloc'ed. */
static char *example_value(struct schema *s, const json_t *schema, const char *name)
{
	static const char *const told[] = { "examples", "enum" };
	const json_t *v = schema_part(s, schema, "default");
	unsigned types = schema_types(s, schema);

	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]) && (!v || json_is_null(v)); i++)
		v = json_array_get(schema_part(s, schema, told[i]), 0);
	if (json_is_string(v))
		return mem_dup(json_string_value(v));
	if (v && !json_is_null(v))
		return json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
	if (types & (SCHEMA_INTEGER | SCHEMA_NUMBER)) {
		v = schema_part(s, schema, "minimum");
		return mem_printf("%.15g", json_is_number(v)                 ? json_number_value(v)
					   : strcmp(name, "project_id") == 0 ? 2195193
									     : 1);
	}
	if (types & SCHEMA_BOOLEAN)
		return mem_dup("true");
	if (types & SCHEMA_STRING || !types)
		return mem_dup("...");
	return mem_dup(types & SCHEMA_ARRAY ? "[]" : "{}");
}

/* The server says both, and the person pastes it: a text that begins with "@" is no file, and what can be no
 * pair is left out. */
static bool add_pair(struct buf *b, const char *name, const char *value)
{
	char *pair = mem_printf("%s=%s%s", name, *value == '@' ? "@" : "", value);
	bool is_pair = *name && !strchr(name, '=') && !tool_args_is_text(pair);
	bool good = !is_pair || (buf_addc(b, ' ') && shell_word(b, pair));

	free(pair);
	return good;
}

/* Words that would be options, behind which none are read. */
static bool needs_end_of_options(const json_t *tool, const json_t *required)
{
	bool needs = *tool_list_name(tool) == '-';
	const json_t *one;
	size_t i;

	json_array_foreach(required, i, one)
	{
		const char *name = json_string_value(one);

		needs = needs || (name && *name == '-');
	}
	return needs;
}

/* Required arguments; without any, one line that calls it. */
static bool add_example(
	struct buf *b, const json_t *tool, const json_t *schema, const struct options *a)
{
	struct schema s = { .root = schema };
	char *line = command_line(a, "call");
	const json_t *required = schema_part(&s, schema, "required"), *one;
	bool good = buf_adds(b, line) &&
		    buf_adds(b, needs_end_of_options(tool, required) ? " -- " : " ") &&
		    shell_word(b, tool_list_name(tool));
	size_t i;

	json_array_foreach(required, i, one)
	{
		const char *name = json_string_value(one);
		const json_t *member =
			name ? json_object_get(schema_part(&s, schema, "properties"), name) : NULL;
		bool kept = name && a->only_projects.n && strcmp(name, "project_id") == 0;
		char *value;

		s.looks = 0;
		if (!name)
			continue;
		value = kept ? mem_ndup(a->only_projects.item[0],
				       strcspn(a->only_projects.item[0], ","))
			     : example_value(&s, member, name);
		good = good && add_pair(b, name, value ? value : "");
		free(value);
	}
	free(line);
	return good;
}

static void print_example(
	FILE *f, const json_t *tool, const json_t *schema, const struct options *a)
{
	struct buf b;
	char *text;

	buf_init(&b, SIZE_MAX / 2);
	if (add_example(&b, tool, schema, a)) {
		text = err_clean(buf_take(&b, NULL));
		fprintf(f, "\nExample:\n  %s\n", text);
		free(text);
	}
	buf_free(&b);
}

/* ---- the whole ---- */

/* A line or paragraph of the description a line, wrapped. */
static void print_description(FILE *f, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, "\n");
		char *line = err_clean(mem_ndup(text, n));

		wrap_text(f, wrap_width(f), 0, 0, line);
		free(line);
		text += n;
		text += *text == '\n';
	}
}

/* "Run-Query (@analytics, read)", as much of it as is known. */
static void print_title(FILE *f, const json_t *tool)
{
	const char *group = tool_list_group(tool), *effect = tool_list_effect(tool);
	char *name = err_clean(mem_dup(tool_list_name(tool)));

	fprintf(f, "%s", name);
	if (strcmp(group, TOOL_LIST_OTHER) != 0)
		fprintf(f, " (@%s, %s)", group, effect);
	else if (*effect != '?')
		fprintf(f, " (%s)", effect);
	fprintf(f, "\n\n");
	free(name);
}

void tool_page_print(FILE *f, const json_t *tool, const struct options *a)
{
	const json_t *schema = json_object_get(tool, "inputSchema");
	const char *text = json_string_value(json_object_get(tool, "description"));

	print_title(f, tool);
	if (text && *text) {
		print_description(f, text);
		fputc('\n', f);
	}
	print_arguments(f, schema);
	print_example(f, tool, schema, a);
}
