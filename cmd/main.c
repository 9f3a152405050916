#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "options.h"
#include "base/child.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "exit.h"
#include "help.h"
#include "mcp/bridge.h"

/* A client that starts us with a closed descriptor would otherwise have some file of ours there. */
static bool open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Wrong arguments in a client's entry: the client shows an answer, not standard error. */
static int usage_error(const struct options *a, const struct err *e)
{
	diag_error("%s", err_text(e));
	if (!a->command->name && !isatty(STDIN_FILENO))
		bridge_refuse(STDIN_FILENO, STDOUT_FILENO, e);
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

	if (!open_standard_fds()) {
		diag_error("cannot open /dev/null: %s", strerror(errno));
		return EXIT_FAILED;
	}
	child_no_core();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like any other */
	/* libcurl would write the keys of every connection there, for whoever can read the file. */
	unsetenv("SSLKEYLOGFILE");
#ifdef __GLIBC__
	/* Fixed, or freeing one large message would teach malloc to keep the memory of all later ones. */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
	/* A document that is short of memory looks like a broken one, or loses members when it is written: the
	 * sign-in that is kept would be set aside, or saved without its refresh token. */
	json_set_alloc_funcs(mem_new, free);
	status = options_parse(argc, argv, &a, &e) ? run(&a) : usage_error(&a, &e);
	options_clear(&a);
	status = finish_output(status);
	diag_close();
	if (status == EXIT_INTERRUPTED && a.command->name)
		status = exit_by_signal(OS_INTERRUPT);
	exit_if_signal(status);
	return status;
}
