#include "help.h"

#include <jansson.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "net/http.h"

/* Column at which explanations start; what is longer gets a line of its own. */
#define COLUMN 31

static void print_commands(FILE *to)
{
	for (size_t i = 0; i < args_ncommands; i++)
		fprintf(to, "  mpmcp %s%s%s\n        %s\n",
			args_commands[i].name ? args_commands[i].name : "",
			args_commands[i].name ? " " : "", args_commands[i].words,
			args_commands[i].help);
}

void help_short(FILE *to)
{
	fprintf(to, "mpmcp is an MCP bridge: a client starts it and speaks MCP over its standard "
		    "input and output.\n\n");
	print_commands(to);
	fprintf(to, "\n\"mpmcp --help\" lists the options, \"man mpmcp\" explains them.\n");
}

static void print_option(FILE *to, const struct opt *o)
{
	int n = fprintf(to, "  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");

	if (n >= COLUMN)
		n = fprintf(to, "\n") - 1;
	fprintf(to, "%*s%s\n", COLUMN - n, "", o->help);
}

void help_command(FILE *to, const struct command *c)
{
	fprintf(to, "usage: mpmcp %s%s%s\n%s\n\n", c->name ? c->name : "", c->name ? " " : "",
		c->words, c->help);
	if (!c->name) {
		print_commands(to);
		fprintf(to, "\n");
	}
	fprintf(to, "options:\n");
	for (size_t i = 0; i < args_noptions; i++)
		if (args_takes(c, &args_options[i]))
			print_option(to, &args_options[i]);
}

void help_version(FILE *to)
{
	fprintf(to,
		"mpmcp %s\n%s\njansson/%s\nMCP revisions 2024-11-05 2025-03-26 2025-06-18 "
		"2025-11-25 2026-07-28\n",
		MPMCP_VERSION, http_version(), jansson_version_str());
}

int cmd_help(const struct args *a)
{
	if (!a->words.n) {
		help_command(stdout, &args_commands[0]);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < args_ncommands; i++) {
		if (args_commands[i].name && strcmp(args_commands[i].name, a->words.item[0]) == 0) {
			help_command(stdout, &args_commands[i]);
			return EXIT_DONE;
		}
	}
	fprintf(stderr, "mpmcp: there is no command of that name; \"mpmcp help\" lists them\n");
	return EXIT_USAGE;
}
