#include "help.h"

#include <jansson.h>
#include <string.h>

#include "commands.h"
#include "exit.h"
#include "net/http.h"
#include "wrap.h"

/* Column at which explanations start; what is longer gets a line of its own. On a terminal narrower than
 * twice that they stand below, a little to the right. */
#define COLUMN 31
#define NARROW_INDENT 6

/* What most people need; the rest is in the help of each command. */
static const char *const common[] = { "region", "read-only", "only-tool", "profile",
	"sa-token-file", "header", "no-browser", "debug" };

static const char *const headings[] = {
	[GROUP_COMMAND] = "Options",
	[GROUP_CONNECTION] = "Connection",
	[GROUP_SIGN_IN] = "Sign-in",
	[GROUP_RULES] = "Rules",
	[GROUP_OUTPUT] = "Output",
};
_Static_assert(sizeof(headings) / sizeof(headings[0]) == GROUPS, "a heading for each group");

/* A name of n columns was printed: its explanation, from a column on. */
static void explain(FILE *to, size_t n, size_t column, const char *text)
{
	size_t width = wrap_width(to);

	if (width < 2 * column)
		column = NARROW_INDENT;
	if (n >= column) {
		fputc('\n', to);
		n = 0;
	}
	fprintf(to, "%*s", (int)(column - n), "");
	wrap_text(to, width, column, column, text);
}

static void print_option(FILE *to, const struct opt *o)
{
	int n = fprintf(to, "  --%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");

	char words[OPTIONS_CHOICES_MAX], text[2 * OPTIONS_CHOICES_MAX];

	if (o->choices) {
		options_choices(o->choices, words);
		snprintf(text, sizeof(text), "%s; %s", words, o->help);
	}
	explain(to, n > 0 ? (size_t)n : 0, COLUMN, o->choices ? text : o->help);
}

static void print_usage(FILE *to, const struct command *c)
{
	int n = fprintf(to, "usage: mpmcp %s%s", c->name ? c->name : "", c->name ? " " : "");

	wrap_text(to, wrap_width(to), n > 0 ? (size_t)n : 0, 7, c->words);
}

static void print_examples(FILE *to, const struct command *c)
{
	fprintf(to, "\nExamples:\n");
	for (const char *const *e = c->examples; *e; e++)
		fprintf(to, "  mpmcp %s\n", *e);
}

void help_short(FILE *to)
{
	wrap_text(to, wrap_width(to), 0, 0,
		"mpmcp connects MCP clients to Mixpanel's MCP server, or to any other over HTTP.");
	fprintf(to, "\nusage: mpmcp [OPTION...] [URL]   what a client runs\n"
		    "       mpmcp COMMAND ...\n\nCommands:\n");
	for (size_t i = 0; i < options_ncommands; i++) {
		if (!options_commands[i].name)
			continue;
		explain(to, (size_t)fprintf(to, "  %s", options_commands[i].name), 14,
			options_commands[i].help);
	}
	fprintf(to, "\nCommon options:\n");
	for (size_t c = 0; c < sizeof(common) / sizeof(common[0]); c++)
		for (size_t i = 0; i < options_noptions; i++)
			if (strcmp(options_options[i].name, common[c]) == 0)
				print_option(to, &options_options[i]);
	fprintf(to, "\nExamples:\n  mpmcp login --region eu\n  mpmcp setup cursor --write\n"
		    "  mpmcp call Get-Events project_id=2195193\n\n");
	wrap_text(to, wrap_width(to), 0, 0,
		"\"mpmcp help COMMAND\" shows the options of a command, \"mpmcp --help --all\" "
		"shows all of them, \"man mpmcp\" explains them.");
}

/* The options of one command (NULL: of all), under their headings. */
static void print_options(FILE *to, const struct command *c)
{
	for (int g = 0; g < GROUPS; g++) {
		bool begun = false;

		for (size_t i = 0; i < options_noptions; i++) {
			const struct opt *o = &options_options[i];

			if ((int)o->group != g || (c && !options_offers(c, o)))
				continue;
			if (!begun)
				fprintf(to, "\n%s:\n", headings[g]);
			begun = true;
			print_option(to, o);
		}
	}
}

void help_command(FILE *to, const struct command *c)
{
	print_usage(to, c);
	fprintf(to, "\n");
	wrap_text(to, wrap_width(to), 0, 0, c->help);
	print_options(to, c);
	print_examples(to, c);
}

void help_all(FILE *to)
{
	for (size_t i = 0; i < options_ncommands; i++)
		print_usage(to, &options_commands[i]);
	print_options(to, NULL);
}

void help_version(FILE *to)
{
	fprintf(to,
		"mpmcp %s\n%s\njansson/%s\nMCP revisions 2024-11-05 2025-03-26 2025-06-18 "
		"2025-11-25 2026-07-28\n",
		MPMCP_VERSION, http_version(), jansson_version_str());
}

void help_asked(FILE *to, const struct options *a)
{
	if (a->all && !a->command->name)
		help_all(to);
	else if (a->command->name && a->command->bit != FOR_HELP)
		help_command(to, a->command);
	else
		help_short(to);
}

int cmd_help(const struct options *a)
{
	if (!a->words.n) {
		(a->all ? help_all : help_short)(stdout);
		return EXIT_DONE;
	}
	for (size_t i = 0; i < options_ncommands; i++) {
		const struct command *c = &options_commands[i];

		/* The bridge has no name of its own. */
		if (strcmp(c->name ? c->name : "bridge", a->words.item[0]) == 0) {
			help_command(stdout, c);
			return EXIT_DONE;
		}
	}
	fprintf(stderr, "mpmcp: there is no command of that name; \"mpmcp help\" lists them\n");
	return EXIT_USAGE;
}
