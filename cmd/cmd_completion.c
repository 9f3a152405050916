#include <stdio.h>
#include <string.h>

#include "setup/clients.h"
#include "options.h"
#include "base/diag.h"
#include "commands.h"
#include "exit.h"
#include "mcp/policy/mixpanel_tools.h"

/*
 * Completion for three shells, printed from the same tables as --help. The
 * scripts hold words alone and ask no program while somebody types.
 */

/* ---- what may stand where ---- */

enum kind {
	ANYTHING, /* nothing can be offered */
	FILES,
	FOLDERS,
	AT_FILES, /* a file behind "@" */
	WORDS,
};

static const struct {
	const char *option, *words;
} choices[] = {
	{ "region", "us eu in" },
	{ "protocol", "auto legacy modern" },
	{ "transport", "http-first http-only sse-first sse-only" },
};

static const char *choices_of(const struct opt *o)
{
	for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		if (strcmp(o->name, choices[i].option) == 0)
			return choices[i].words;
	return NULL;
}

static bool takes_tools(const struct opt *o)
{
	return o->arg && strcmp(o->arg, "GLOB") == 0;
}

static enum kind kind_of(const struct opt *o)
{
	if (strcmp(o->arg, "FILE") == 0)
		return FILES;
	if (strcmp(o->arg, "DIR") == 0)
		return FOLDERS;
	if (strcmp(o->arg, "JSON") == 0)
		return AT_FILES;
	return choices_of(o) || takes_tools(o) ? WORDS : ANYTHING;
}

static void print_tools(const char *between)
{
	size_t n;
	const struct mixpanel_tools_tool *all = mixpanel_tools_all(&n);

	for (size_t i = 0; i < n; i++)
		printf("%s%s", i ? between : "", all[i].name);
}

static void print_sets(void)
{
	size_t n;
	const struct mixpanel_tools_tool *all = mixpanel_tools_all(&n);

	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		while (strcmp(all[k].set, all[i].set) != 0)
			k++;
		if (k == i)
			printf("@%s ", all[i].set);
	}
}

/* The words that an option takes. */
static void print_values(const struct opt *o)
{
	if (takes_tools(o)) {
		print_sets();
		print_tools(" ");
	} else {
		printf("%s", choices_of(o));
	}
}

static void print_commands(void)
{
	for (size_t i = 0; i < options_ncommands; i++)
		if (options_commands[i].name)
			printf("%s%s", i > 1 ? " " : "", options_commands[i].name);
}

static const char shells[] = "bash zsh fish";

/* The words that may follow a command; false when none are known. */
static bool print_operands(const struct command *c)
{
	if (!c->name || c->bit == FOR_HELP) {
		print_commands();
	} else if (c->bit == FOR_TOOLS || c->bit == FOR_CALL) {
		print_tools(" ");
	} else if (c->bit == FOR_SETUP) {
		for (size_t i = 0; i < napps; i++)
			printf("%s%s", i ? " " : "", apps[i].name);
	} else if (c->bit == FOR_COMPLETION) {
		printf("%s", shells);
	} else {
		return false;
	}
	return true;
}

static const char *name_of(const struct command *c)
{
	return c->name ? c->name : "bridge";
}

/* ---- bash ---- */

static void bash_options(enum kind kind)
{
	const char *between = "";

	for (size_t i = 0; i < options_noptions; i++) {
		if (!options_options[i].arg || kind_of(&options_options[i]) != kind)
			continue;
		printf("%s--%s", between, options_options[i].name);
		between = "|";
	}
}

static void bash_values(void)
{
	printf("\tcase $option in\n\t");
	bash_options(FILES);
	printf(")\n\t\t_mpmcp_files \"$value\" -f\n\t\treturn ;;\n\t");
	bash_options(FOLDERS);
	printf(")\n\t\t_mpmcp_files \"$value\" -d\n\t\treturn ;;\n\t");
	bash_options(AT_FILES);
	printf(")\n\t\t_mpmcp_at_files\n\t\treturn ;;\n");
	for (size_t i = 0; i < options_noptions; i++) {
		const struct opt *o = &options_options[i];

		if (!o->arg || kind_of(o) != WORDS)
			continue;
		printf("\t--%s)\n\t\t_mpmcp_words \"", o->name);
		print_values(o);
		printf("\"\n\t\treturn ;;\n");
	}
	printf("\t");
	bash_options(ANYTHING);
	printf(")\n\t\treturn ;;\n\tesac\n");
}

static void bash_commands(void)
{
	printf("\tcase $command in\n");
	for (size_t c = 0; c < options_ncommands; c++) {
		printf("\t%s)\n\t\toptions=\"", name_of(&options_commands[c]));
		for (size_t i = 0; i < options_noptions; i++)
			if (options_takes(&options_commands[c], &options_options[i]))
				printf("--%s ", options_options[i].name);
		printf("\"\n\t\toperands=\"");
		print_operands(&options_commands[c]);
		printf("\" ;;\n");
	}
	printf("\tesac\n");
}

static void print_bash(void)
{
	printf("# bash completion for mpmcp, printed by \"mpmcp completion bash\"\n\n"
	       "# Readline replaces what is behind the last break character alone; an @ it "
	       "replaces too.\n"
	       "_mpmcp_reply() {\n"
	       "\tlocal behind=${current##*[\"$COMP_WORDBREAKS\"]} reply\n"
	       "\tlocal before=${current%%\"$behind\"}\n"
	       "\tbefore=${before%%@}\n"
	       "\tCOMPREPLY=()\n"
	       "\twhile IFS= read -r reply; do\n"
	       "\t\t[[ -n $reply ]] && COMPREPLY+=(\"${reply#\"$before\"}\")\n"
	       "\tdone\n"
	       "}\n\n"
	       "_mpmcp_words() {\n"
	       "\t_mpmcp_reply < <(compgen -P \"$lead\" -W \"$1\" -- \"$value\")\n"
	       "}\n\n"
	       "_mpmcp_files() {\n"
	       "\tcompopt -o filenames 2>/dev/null\n"
	       "\t_mpmcp_reply < <(compgen -P \"$lead\" \"$2\" -- \"$1\")\n"
	       "}\n\n"
	       "_mpmcp_at_files() {\n"
	       "\t[[ $value == @* ]] || return\n"
	       "\tlead=$lead@\n"
	       "\t_mpmcp_files \"${value#@}\" -f\n"
	       "}\n\n");
	printf("_mpmcp() {\n"
	       "\tlocal line=${COMP_LINE:0:COMP_POINT} command=bridge option= lead= options "
	       "operands\n"
	       "\tlocal current value word words\n"
	       "\tcurrent=${line##*[[:space:]]}\n"
	       "\tvalue=$current\n"
	       "\tread -ra words <<<\"${line%%\"$current\"}\"\n"
	       "\tfor word in \"${words[@]:1}\"; do\n"
	       "\t\tif [[ -n $option ]]; then\n"
	       "\t\t\toption=\n"
	       "\t\telif [[ $word == --*=* ]]; then\n"
	       "\t\t\t:\n"
	       "\t\telse\n"
	       "\t\t\tcase $word in\n"
	       "\t\t\t");
	bash_options(FILES);
	printf("|");
	bash_options(FOLDERS);
	printf("|");
	bash_options(AT_FILES);
	printf("|");
	bash_options(WORDS);
	printf("|");
	bash_options(ANYTHING);
	printf(")\n\t\t\t\toption=$word ;;\n\t\t\t*)\n\t\t\t\tif [[ $command == bridge && \" ");
	print_commands();
	printf(" \" == *\" $word \"* ]]; then\n\t\t\t\t\tcommand=$word\n\t\t\t\tfi ;;\n\t\t\tesac\n"
	       "\t\tfi\n\tdone\n"
	       "\tif [[ -z $option && $current == --*=* ]]; then\n"
	       "\t\toption=${current%%%%=*} value=${current#*=}\n"
	       "\t\tlead=$option=\n"
	       "\tfi\n");
	bash_values();
	bash_commands();
	printf("\tif [[ $current == -* ]]; then\n"
	       "\t\t_mpmcp_words \"$options\"\n"
	       "\telif [[ $command == call && $current == @* ]]; then\n"
	       "\t\t_mpmcp_at_files\n"
	       "\telse\n"
	       "\t\t_mpmcp_words \"$operands\"\n"
	       "\tfi\n"
	       "}\n"
	       "complete -F _mpmcp mpmcp\n");
}

/* ---- zsh ---- */

/* Inside single quotes and a specification of _arguments. */
static void zsh_text(const char *s)
{
	for (; *s; s++) {
		if (*s == '\'') {
			printf("'\\''");
			continue;
		}
		if (strchr("[]:\\", *s))
			putchar('\\');
		putchar(*s);
	}
}

static void zsh_option(const struct opt *o)
{
	printf("\t\t\t'%s--%s%s[", o->type == OPT_LIST ? "*" : "", o->name, o->arg ? "=" : "");
	zsh_text(o->help);
	printf("]");
	if (o->arg) {
		printf(":");
		zsh_text(o->arg);
		printf(":");
		switch (kind_of(o)) {
		case FILES:
			printf("_files");
			break;
		case FOLDERS:
			printf("_files -/");
			break;
		case AT_FILES:
			printf("_mpmcp_at_files");
			break;
		case WORDS:
			printf("(");
			print_values(o);
			printf(")");
			break;
		case ANYTHING:
			printf(" ");
			break;
		}
	}
	printf("' \\\n");
}

static void zsh_operands(void)
{
	printf("\tcase $command in\n");
	for (size_t c = 0; c < options_ncommands; c++) {
		if (!options_commands[c].name)
			continue;
		printf("\t%s)\n\t\twords_of=(", options_commands[c].name);
		print_operands(&options_commands[c]);
		printf(") ;;\n");
	}
	printf("\tesac\n");
}

static void zsh_commands(void)
{
	for (size_t c = 0; c < options_ncommands; c++) {
		if (!options_commands[c].name)
			continue;
		printf("\t\t\t'%s:", options_commands[c].name);
		zsh_text(options_commands[c].help);
		printf("'\n");
	}
}

static void print_zsh(void)
{
	printf("#compdef mpmcp\n"
	       "# zsh completion for mpmcp, printed by \"mpmcp completion zsh\"\n\n"
	       "_mpmcp_at_files() {\n"
	       "\tcompset -P @ && _files\n"
	       "}\n\n"
	       "_mpmcp_operands() {\n"
	       "\tlocal -a words_of\n"
	       "\tif [[ $command == bridge ]]; then\n"
	       "\t\twords_of=(\n");
	zsh_commands();
	printf("\t\t)\n"
	       "\t\t_describe command words_of\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\t[[ $command == call && $PREFIX == @* ]] && { _mpmcp_at_files; return }\n");
	zsh_operands();
	printf("\tcompadd -a words_of\n"
	       "}\n\n"
	       "_mpmcp() {\n"
	       "\tlocal command=bridge word skip=\n"
	       "\tfor word in ${words[2,CURRENT-1]}; do\n"
	       "\t\tif [[ -n $skip ]]; then\n"
	       "\t\t\tskip=\n"
	       "\t\telif [[ $word == (");
	for (size_t i = 0, n = 0; i < options_noptions; i++)
		if (options_options[i].arg)
			printf("%s--%s", n++ ? "|" : "", options_options[i].name);
	printf(") ]]; then\n"
	       "\t\t\tskip=1\n"
	       "\t\telif [[ $word == (");
	for (size_t c = 1; c < options_ncommands; c++)
		printf("%s%s", c > 1 ? "|" : "", options_commands[c].name);
	printf(") ]]; then\n"
	       "\t\t\tcommand=$word\n"
	       "\t\t\tbreak\n"
	       "\t\tfi\n"
	       "\tdone\n"
	       "\tcase $command in\n");
	for (size_t c = 0; c < options_ncommands; c++) {
		printf("\t%s)\n\t\t_arguments -S \\\n", name_of(&options_commands[c]));
		for (size_t i = 0; i < options_noptions; i++)
			if (options_takes(&options_commands[c], &options_options[i]))
				zsh_option(&options_options[i]);
		printf("\t\t\t'*:word:_mpmcp_operands' ;;\n");
	}
	printf("\tesac\n"
	       "}\n\n"
	       "if [[ $funcstack[1] == _mpmcp ]]; then\n"
	       "\t_mpmcp \"$@\"\n"
	       "else\n"
	       "\tcompdef _mpmcp mpmcp\n"
	       "fi\n");
}

/* ---- fish ---- */

static void fish_text(const char *s)
{
	printf("'");
	for (; *s; s++) {
		if (*s == '\'' || *s == '\\')
			putchar('\\');
		putchar(*s);
	}
	printf("'");
}

static void fish_option(const struct opt *o)
{
	printf("complete -c mpmcp -n '__mpmcp_in");
	for (size_t c = 0; c < options_ncommands; c++)
		if (options_takes(&options_commands[c], o))
			printf(" %s", name_of(&options_commands[c]));
	printf("' -l %s -d ", o->name);
	fish_text(o->help);
	if (o->arg) {
		switch (kind_of(o)) {
		case FILES:
			printf(" -r -F");
			break;
		case FOLDERS:
			printf(" -x -a '(__fish_complete_directories)'");
			break;
		case AT_FILES:
			printf(" -x -a '(__mpmcp_at_files)'");
			break;
		case WORDS:
			printf(" -x -a '");
			print_values(o);
			printf("'");
			break;
		case ANYTHING:
			printf(" -x");
			break;
		}
	}
	printf("\n");
}

static void fish_operands(const struct command *c)
{
	printf("complete -c mpmcp -n '__mpmcp_in %s' -a '", c->name);
	print_operands(c);
	printf("'\n");
}

static void print_fish(void)
{
	printf("# fish completion for mpmcp, printed by \"mpmcp completion fish\"\n\n"
	       "function __mpmcp_command\n"
	       "\tset -l words (commandline -opc)\n"
	       "\tset -l skip 0\n"
	       "\tfor word in $words[2..-1]\n"
	       "\t\tif test $skip -eq 1\n"
	       "\t\t\tset skip 0\n"
	       "\t\t\tcontinue\n"
	       "\t\tend\n"
	       "\t\tswitch $word\n"
	       "\t\t\tcase");
	for (size_t i = 0; i < options_noptions; i++)
		if (options_options[i].arg)
			printf(" --%s", options_options[i].name);
	printf("\n\t\t\t\tset skip 1\n"
	       "\t\t\tcase ");
	print_commands();
	printf("\n\t\t\t\techo $word\n"
	       "\t\t\t\treturn\n"
	       "\t\tend\n"
	       "\tend\n"
	       "\techo bridge\n"
	       "end\n\n"
	       "function __mpmcp_in\n"
	       "\tcontains -- (__mpmcp_command) $argv\n"
	       "end\n\n"
	       "function __mpmcp_at_files\n"
	       "\tset -l word (commandline -ct | string replace -r '^--[^=]*=' '')\n"
	       "\tstring match -q '@*' -- $word; or return\n"
	       "\tfor file in (__fish_complete_path (string sub -s 2 -- $word))\n"
	       "\t\techo @$file\n"
	       "\tend\n"
	       "end\n\n"
	       "complete -c mpmcp -f\n");
	for (size_t c = 1; c < options_ncommands; c++) {
		printf("complete -c mpmcp -n '__mpmcp_in bridge' -a %s -d ",
			options_commands[c].name);
		fish_text(options_commands[c].help);
		printf("\n");
	}
	for (size_t c = 1; c < options_ncommands; c++)
		fish_operands(&options_commands[c]);
	printf("complete -c mpmcp -n '__mpmcp_in call' -a '(__mpmcp_at_files)'\n");
	for (size_t i = 0; i < options_noptions; i++)
		fish_option(&options_options[i]);
}

/* ---- the command ---- */

int cmd_completion(const struct options *a)
{
	const char *shell = a->words.n == 1 ? a->words.item[0] : "";

	if (strcmp(shell, "bash") == 0) {
		print_bash();
	} else if (strcmp(shell, "zsh") == 0) {
		print_zsh();
	} else if (strcmp(shell, "fish") == 0) {
		print_fish();
	} else {
		diag_error("completion needs one shell: bash, zsh or fish");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}
