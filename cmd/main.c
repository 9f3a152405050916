#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "auth/worker_main.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "exit.h"
#include "help.h"
#include "mcp/bridge.h"
#include "os/loop.h"
#include "os/start.h"
#include "os/terminal.h"

/* Wrong arguments in a client's entry: the client shows an answer, not standard error. */
static int usage_error(const struct options *a, const struct err *e)
{
	diag_error("%s", err_text(e));
	if (!a->command->name && !os_is_terminal(stdin))
		bridge_refuse(OS_STDIN, OS_STDOUT, e);
	return EXIT_USAGE;
}

static int run(const struct options *a)
{
	struct err e = { 0 };

	if (a->version) {
		help_version(stdout);
		return EXIT_DONE;
	}
	if (a->help) {
		help_asked(stdout, a);
		return EXIT_DONE;
	}
	/* What setup is told is for the entry that it makes. */
	if (a->command->run == cmd_setup)
		return cmd_setup(a);
	if (a->silent)
		diag_set_level(DIAG_ERROR);
	if (a->debug)
		diag_set_level(DIAG_DEBUG);
	if (a->log_file && !diag_open_log(a->log_file, &e))
		return usage_error(a, &e);
	return a->command->run(a);
}

/* Half a result in a file must not pass for a whole one. Whoever stops reading (head) knows it. */
static int finish_output(int status)
{
	bool failed = fflush(stdout) != 0;
	int why = failed ? errno : 0;

	if (!failed && !ferror(stdout))
		return status;
	if (!why) /* it was an earlier one, and C libraries forget why */
		why = os_write_error(OS_STDOUT);
	if (why != EPIPE)
		diag_error("cannot write standard output%s%s; what was written is incomplete",
			why ? ": " : "", why ? strerror(why) : "");
	return status == EXIT_DONE ? EXIT_FAILED : status;
}

int main(int argc, char **argv)
{
	struct options a;
	struct err e = { 0 };
	int status;

	if (!os_start()) {
		diag_error("cannot open /dev/null: %s", strerror(errno));
		return EXIT_FAILED;
	}
	/* libcurl would write the keys of every connection there, for whoever can read the file. */
	if (!os_set_variable("SSLKEYLOGFILE", NULL))
		mem_exhausted();
	/* A document that is short of memory looks like a broken one, or loses members when it is written: the
	 * sign-in that is kept would be set aside, or saved without its refresh token. */
	json_set_alloc_funcs(mem_new, free);
	if (argc > 1 && strcmp(argv[1], WORKER_WORD) == 0)
		return worker_main() ? EXIT_DONE : EXIT_USAGE;
	status = options_parse(argc, argv, &a, &e) ? run(&a) : usage_error(&a, &e);
	options_clear(&a);
	status = finish_output(status);
	diag_close();
	if (status == EXIT_INTERRUPTED && a.command->name)
		status = exit_by_signal(OS_INTERRUPT);
	exit_if_signal(status);
	return status;
}
