/*
 * What may come next on a command line, for all shells: "completion --words -- WORD..." answers for
 * the last word, which may be empty, one answer a line, as WORD TAB EXPLANATION. The line ":files LEAD"
 * or ":folders LEAD" leaves it to the shell to complete the path after the first LEAD bytes of the word.
 * Nothing is asked of a server while somebody types.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/store.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/mem.h"
#include "commands.h"
#include "context.h"
#include "endpoint.h"
#include "exit.h"
#include "mcp/policy/mixpanel_tools.h"
#include "options.h"
#include "setup/clients.h"
#include "tools/schema.h"
#include "tools/tool_list.h"
#include "tools_cache.h"

struct question {
	struct options line; /* what stands before the word */
	const char *word;    /* as far as it is typed */
	size_t lead;         /* bytes of it before the value that is completed: "--region=" */
};

/* ---- answers ---- */

/* Shells put an answer on the command line as it stands. */
static bool is_harmless(const char *word)
{
	static const char also[] = "@%+=:,./_-";

	for (; *word; word++)
		if (!((*word >= 'a' && *word <= 'z') || (*word >= 'A' && *word <= 'Z') ||
			    (*word >= '0' && *word <= '9') || strchr(also, *word)))
			return false;
	return true;
}

/* Offers a value, "" or "=" after it, when it goes on from what is typed. */
static void offer(
	const struct question *q, const char *value, const char *after, const char *explanation)
{
	const char *typed = q->word + q->lead;
	char *text;

	if (strncmp(value, typed, strlen(typed)) != 0 || !is_harmless(value))
		return;
	text = err_clean(mem_ndup(explanation, strcspn(explanation, "\t\r\n")));
	printf("%.*s%s%s\t%s\n", (int)q->lead, q->word, value, after, text);
	free(text);
}

/* A word of the server's: it must not be an option, a file ("@FILE") or one of our own lines (":files"). */
static void offer_told(
	const struct question *q, const char *value, const char *after, const char *explanation)
{
	if (*value && !strchr("-@:=", *value))
		offer(q, value, after, explanation);
}

static void offer_path(const char *kind, size_t lead)
{
	printf(":%s %zu\n", kind, lead);
}

/* "@FILE", where JSON is taken. */
static void offer_at_file(const struct question *q)
{
	if (q->word[q->lead] == '@')
		offer_path("files", q->lead + 1);
}

static void offer_commands(const struct question *q)
{
	for (size_t i = 0; i < options_ncommands; i++)
		if (options_commands[i].name)
			offer(q, options_commands[i].name, "", options_commands[i].help);
}

static const char *class_of(const struct mixpanel_tools_tool *t)
{
	static const char *const words[] = {
		[MIXPANEL_TOOLS_READ] = "reads",
		[MIXPANEL_TOOLS_ADD] = "creates",
		[MIXPANEL_TOOLS_CHANGE] = "changes",
		[MIXPANEL_TOOLS_DELETE] = "deletes",
	};
	return words[t->what];
}

/* What the server was last seen to have, for the endpoint and the credential of the line. NULL: nothing is kept. */
static json_t *kept_tools(const struct question *q)
{
	struct context c = { 0 };
	struct err e = { 0 };
	struct auth *auth = NULL;
	json_t *tools = NULL;

	if (context_open(&q->line, &c, &e) && (auth = context_credential(&c, &e)) != NULL)
		tools = tools_cache_read(&c, TOOLS_CACHE_ANY);
	else
		diag_debug("%s", err_text(&e));
	auth_free(auth);
	context_close(&c);
	return tools;
}

static void offer_tools(const struct question *q)
{
	size_t n, i;
	const struct mixpanel_tools_tool *all = mixpanel_tools_all(&n);
	json_t *kept = kept_tools(q), *tool;

	json_array_foreach(kept, i, tool)
	{
		const char *text = json_string_value(json_object_get(tool, "description"));

		offer_told(q, tool_list_name(tool), "", text ? text : "");
	}
	for (i = 0; !kept && i < n; i++)
		offer(q, all[i].name, "", class_of(&all[i]));
	json_decref(kept);
}

/* Choices of an argument that has some. */
static void offer_choices(struct question *q, struct schema *s, const json_t *schema)
{
	const json_t *one;
	size_t i;

	json_array_foreach(schema_part(s, schema, "enum"), i, one)
	{
		char *text = schema_shown(one);

		offer_told(q, text, "", "");
		free(text);
	}
	if (schema_types(s, schema) & SCHEMA_BOOLEAN) {
		offer(q, "true", "", "");
		offer(q, "false", "", "");
	}
}

static bool is_given(const struct question *q, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i < q->line.words.n; i++)
		if (strncmp(q->line.words.item[i], name, n) == 0 && q->line.words.item[i][n] == '=')
			return true;
	return false;
}

static void offer_names(const struct question *q, struct schema *s)
{
	const char *name;
	json_t *one;

	json_object_foreach((json_t *)schema_part(s, s->root, "properties"), name, one)
	{
		const char *text = json_string_value(json_object_get(one, "description"));

		if (!is_given(q, name))
			offer_told(q, name, "=", text ? text : "");
	}
}

/* "key=", then its values. */
static void offer_arguments(struct question *q)
{
	json_t *kept = kept_tools(q), *tool;
	size_t n = strcspn(q->word, "="), i;
	struct schema s = { 0 };
	char *name = mem_ndup(q->word, n);

	json_array_foreach(kept, i, tool)
	{
		if (strcmp(tool_list_name(tool), q->line.words.item[0]) == 0)
			s.root = json_object_get(tool, "inputSchema");
	}
	if (q->word[n] && q->word[n + 1] == '@') {
		offer_path("files", n + 2);
	} else if (q->word[n]) {
		q->lead = n + 1;
		offer_choices(q, &s, json_object_get(schema_part(&s, s.root, "properties"), name));
	} else {
		offer_names(q, &s);
	}
	free(name);
	json_decref(kept);
}

static void offer_sets(const struct question *q)
{
	size_t n;
	const struct mixpanel_tools_tool *all = mixpanel_tools_all(&n);

	for (size_t i = 0; i < n; i++) {
		size_t first = 0;
		char name[32];

		while (strcmp(all[first].set, all[i].set) != 0)
			first++;
		snprintf(name, sizeof(name), "@%s", all[i].set);
		if (first == i)
			offer(q, name, "", "a group of tools");
	}
}

static void offer_clients(const struct question *q)
{
	const struct options_list *named = &q->line.words;

	for (size_t i = 0; i < napps; i++) {
		bool again = false;

		for (size_t k = 0; k < named->n; k++)
			again = again || strcmp(named->item[k], apps[i].name) == 0;
		if (!again)
			offer(q, apps[i].name, "", apps[i].title);
	}
}

static bool offer_profile(void *ctx, const struct store *s, const struct signin_record *g)
{
	(void)s;
	if (g->profile)
		offer(ctx, g->profile, "", g->url);
	return true;
}

static void offer_profiles(struct question *q)
{
	struct err e = { 0 };

	if (!store_each(q->line.auth_dir, offer_profile, q, &e))
		diag_debug("%s", err_text(&e));
}

/* ---- what may stand where ---- */

static void offer_values(struct question *q, const struct opt *o)
{
	for (size_t i = 0; o->choices && o->choices[i]; i++)
		offer(q, o->choices[i], "", "");
	if (strcmp(o->arg, "FILE") == 0) {
		offer_path("files", q->lead);
	} else if (strcmp(o->arg, "DIR") == 0) {
		offer_path("folders", q->lead);
	} else if (strcmp(o->arg, "JSON") == 0) {
		offer_at_file(q);
	} else if (strcmp(o->arg, "GLOB") == 0) {
		offer_sets(q);
		offer_tools(q);
	} else if (strcmp(o->name, "profile") == 0) {
		offer_profiles(q);
	}
}

static void offer_options(const struct question *q)
{
	for (size_t i = 0; i < options_noptions; i++) {
		const struct opt *o = &options_options[i];
		char *name = mem_printf("--%s", o->name);

		if (options_offers(q->line.command, o))
			offer(q, name, "", o->help);
		free(name);
	}
}

static const char *const shells[] = { "bash", "zsh", "fish" };
#define SHELLS (sizeof(shells) / sizeof(shells[0]))

static void offer_operands(struct question *q)
{
	size_t before = q->line.words.n;

	if ((q->line.command->bit & FOR_PLACE) && !q->line.url && !q->line.region)
		for (size_t i = 0; options_regions[i]; i++)
			offer(q, options_regions[i], "", target_region_url(options_regions[i]));
	switch (q->line.command->bit) {
	case FOR_BRIDGE:
		if (!q->line.url)
			offer_commands(q);
		break;
	case FOR_HELP:
		offer_commands(q);
		break;
	case FOR_TOOLS:
		offer_sets(q);
		offer_tools(q);
		break;
	case FOR_CALL:
		if (!before)
			offer_tools(q);
		else if (before == 1 && *q->word == '@')
			offer_at_file(q);
		else
			offer_arguments(q);
		break;
	case FOR_SETUP:
	case FOR_DOCTOR:
		offer_clients(q);
		break;
	case FOR_COMPLETION:
		for (size_t i = 0; i < SHELLS; i++)
			offer(q, shells[i], "", "");
		break;
	}
}

static void answer(struct question *q)
{
	size_t n = strcspn(q->word, "=");
	const struct opt *o = NULL;

	if (strncmp(q->word, "--", 2) == 0 && q->word[n])
		o = options_find(q->word + 2, n - 2);
	if (q->line.lacking) {
		offer_values(q, q->line.lacking);
	} else if (o && o->arg) {
		q->lead = n + 1;
		offer_values(q, o);
	} else if (*q->word == '-') {
		offer_options(q);
	} else {
		offer_operands(q);
	}
}

static int answer_words(const struct options *a)
{
	const struct options_list *words = &a->words;
	struct question q = { .word = words->n ? words->item[words->n - 1] : "" };
	size_t before = words->n ? words->n - 1 : 0;
	char **argv = mem_grow(NULL, before + 2, sizeof(char *));
	struct err e = { 0 };

	argv[0] = mem_dup("mpmcp");
	for (size_t i = 0; i < before; i++)
		argv[i + 1] = mem_dup(words->item[i]);
	/* What is wrong in it is said when it is run. */
	if (!options_parse((int)before + 1, argv, &q.line, &e))
		diag_debug("%s", err_text(&e));
	answer(&q);
	options_clear(&q.line);
	for (size_t i = 0; i <= before; i++)
		free(argv[i]);
	free(argv);
	return EXIT_DONE;
}

/* ---- the scripts ---- */

/* Readline replaces what follows the last break character alone ("=", ":"), and replaces an "@" too. */
static const char bash[] =
	"_mpmcp() {\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} reply words lead kind\n"
	"\tlocal current=${line##*[[:space:]]}\n"
	"\tlocal before=${current%\"${current##*[\"$COMP_WORDBREAKS\"]}\"}\n"
	"\tbefore=${before%@}\n"
	"\tread -ra words <<<\"${line%\"$current\"}\"\n"
	"\twhile IFS=$'\\t' read -r reply _; do\n"
	"\t\t[[ $reply == *= ]] && compopt -o nospace 2>/dev/null\n"
	"\t\t[[ $reply == :* ]] || { COMPREPLY+=(\"${reply#\"$before\"}\"); continue; }\n"
	"\t\t[[ $reply == :files* ]] && kind=-f || kind=-d\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tlead=${current:0:${reply#* }}\n"
	"\t\twhile IFS= read -r reply; do\n"
	"\t\t\treply=$lead$reply COMPREPLY+=(\"${reply#\"$before\"}\")\n"
	"\t\tdone < <(compgen \"$kind\" -- \"${current:${#lead}}\")\n"
	"\tdone < <(command mpmcp completion --words -- \"${words[@]:1}\" \"$current\" "
	"2>/dev/null)\n"
	"}\n"
	"complete -F _mpmcp mpmcp\n";

static const char zsh[] =
	"_mpmcp() {\n"
	"\tlocal line; local -a plain open\n"
	"\tfor line in ${(f)\"$(command mpmcp completion --words -- "
	"\"${(@Q)words[2,CURRENT-1]}\" \"$PREFIX\" 2>/dev/null)\"}; do\n"
	"\t\tif [[ $line == :* ]]; then\n"
	"\t\t\tcompset -p ${line#* }\n"
	"\t\t\t[[ $line == :files* ]] && _files || _files -/\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tline=${${${line//:/\\\\:}/$'\\t'/:}%:} # as _describe takes it\n"
	"\t\t[[ ${line%%:*} == *= ]] && open+=($line) || plain+=($line)\n"
	"\tdone\n"
	"\t(( $#plain )) && _describe word plain\n"
	"\t(( $#open )) && _describe argument open -S ''\n"
	"}\n"
	"[[ $funcstack[1] == _mpmcp ]] && _mpmcp \"$@\" || compdef _mpmcp mpmcp\n";

static const char fish[] =
	"function __mpmcp_words\n"
	"\tset -l words (commandline -opc) (commandline -ct)\n"
	"\tfor line in (command mpmcp completion --words -- $words[2..-1] 2>/dev/null)\n"
	"\t\tif not string match -q ':*' -- $line\n"
	"\t\t\tprintf '%s\\n' $line\n"
	"\t\t\tcontinue\n"
	"\t\tend\n"
	"\t\tset -l at (string split ' ' -- $line)\n"
	"\t\tset -l path (string sub -s (math $at[2] + 1) -- $words[-1])\n"
	"\t\tset -l kind __fish_complete_path\n"
	"\t\ttest $at[1] = :folders; and set kind __fish_complete_directories\n"
	"\t\t$kind $path | string replace -r '^' -- (string sub -l $at[2] -- $words[-1])\n"
	"\tend\n"
	"end\n"
	"complete -c mpmcp -f -a '(__mpmcp_words)'\n";

static void print_script(const char *shell, const char *first, const char *script)
{
	printf("%s# %s completion for mpmcp, printed by \"mpmcp completion %s\"\n%s", first, shell,
		shell, script);
}

int cmd_completion(const struct options *a)
{
	const char *shell = a->words.n == 1 ? a->words.item[0] : "";

	if (a->complete)
		return answer_words(a);
	if (strcmp(shell, "bash") == 0) {
		print_script(shell, "", bash);
	} else if (strcmp(shell, "zsh") == 0) {
		print_script(shell, "#compdef mpmcp\n", zsh);
	} else if (strcmp(shell, "fish") == 0) {
		print_script(shell, "", fish);
	} else {
		diag_error("completion needs one shell: bash, zsh or fish");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
