/* Showing a page to the person, and whether there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/browser.h"

#define GIVEN "https://as.example/a?b=c&d='$(id)';`x`"
#define ADDRESS "https://as.example/a?b=c&d=%27%24%28id%29%27%3B%60x%60"

static char folder[64];

static int start(void **state)
{
	static const char *const names[] = { "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "CI",
		"SSH_CONNECTION", "SSH_TTY" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	snprintf(folder, sizeof(folder), "/tmp/mpmcp-browser-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* A program that writes its arguments, one a line, and more, into a FIFO. */
static void make_browser(const char *name)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/out", folder);
	(void)!mkfifo(path, 0600);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f,
		"#!/bin/sh\nexec >%s/out\necho %s\nfor a; do echo \"$a\"; done\n"
		"grep SigIgn /proc/self/status\nreadlink /proc/$$/fd/0\nls /proc/$$/fd | tr '\\n' "
		"' '\n",
		folder, name);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0700), 0);
}

static struct browser *opened;
static struct err failure;

static void failed(void *ctx, const struct err *e)
{
	failure = *e;
	loop_stop(ctx);
}

/* Runs until every program has failed; the words about that. */
static const char *fails(void)
{
	struct loop *loop = loop_new(NULL);
	struct err e = { 0 };

	failure = (struct err){ 0 };
	opened = browser_open(loop, GIVEN, failed, loop, &e);
	assert_non_null(opened);
	assert_true(loop_run(loop, NULL));
	browser_free(opened);
	loop_free(loop);
	return failure.msg;
}

/* $BROWSER: before, the folder of the test, after. */
static const char *open_it(const char *before, const char *after)
{
	static char said[4096];
	char path[128], list[512];
	struct loop *loop = loop_new(NULL);
	struct err e = { 0 };
	size_t n = 0;
	ssize_t got;
	int fd;

	snprintf(list, sizeof(list), "%s%s%s", before, folder, after);
	setenv("BROWSER", list, 1);
	opened = browser_open(loop, GIVEN, failed, loop, &e);
	if (!opened)
		fail_msg("%s", e.msg);
	snprintf(path, sizeof(path), "%s/out", folder);
	fd = open(path, O_RDONLY);
	while ((got = read(fd, said + n, sizeof(said) - 1 - n)) > 0)
		n += (size_t)got;
	said[n] = 0;
	close(fd);
	browser_free(opened);
	loop_free(loop);
	return said;
}

static void address_is_one_argument_and_no_shell_reads_it(void **state)
{
	(void)state;
	make_browser("one");
	assert_non_null(strstr(open_it("", "/one"), "one\n" ADDRESS "\nSig"));
}

static void programs_that_are_missing_are_passed_over(void **state)
{
	(void)state;
	make_browser("two");
	assert_non_null(strstr(open_it("/nonexistent:", "/two"), "two\n" ADDRESS "\n"));
}

static void arguments_and_the_place_of_the_address_are_heeded(void **state)
{
	(void)state;
	make_browser("three");
	assert_non_null(strstr(open_it("", "/three --new  -x"), "three\n--new\n-x\n" ADDRESS "\n"));
	assert_non_null(
		strstr(open_it("", "/three --url=%s -x"), "three\n--url=" ADDRESS "\n-x\nSig"));
}

static void browser_starts_as_programs_do(void **state)
{
	const char *said, *ignored;

	(void)state;
	make_browser("four");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	said = open_it("", "/four");
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	ignored = strstr(said, "SigIgn:\t");
	assert_non_null(ignored);
	assert_int_equal(
		strtoull(ignored + 8, NULL, 16) & (1u << (SIGPIPE - 1) | 1u << (SIGHUP - 1)), 0);
	assert_non_null(strstr(said, "/dev/null\n"));
}

static void descriptors_stay_here(void **state)
{
	int fds[2];
	const char *said;
	char name[32];

	(void)state;
	make_browser("five");
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(dup2(fds[0], 900), 900);
	said = open_it("", "/five");
	snprintf(name, sizeof(name), " %d ", 900);
	assert_null(strstr(said, name));
	close(900);
	close(fds[0]);
	close(fds[1]);
}

static void what_is_no_web_address_is_not_opened(void **state)
{
	static const char *const rows[] = { "javascript:alert(1)", "file:///etc/passwd", "--help",
		"", "https://as.example/\n--help" };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_null(browser_open(NULL, rows[i], failed, NULL, &e));
}

static void browser_that_cannot_be_started_is_named(void **state)
{
	(void)state;
	setenv("BROWSER", "/nonexistent:::  :", 1);
	assert_non_null(strstr(fails(), "program in BROWSER does not exist"));
	unsetenv("BROWSER");
	setenv("PATH", "/nonexistent", 1);
	assert_non_null(strstr(fails(), "xdg-open is not installed"));
	setenv("PATH", "/usr/bin:/bin", 1);
}

static void browser_that_fails_at_once_has_opened_nothing(void **state)
{
	(void)state;
	setenv("BROWSER", "false:/nonexistent", 1);
	assert_non_null(strstr(fails(), "program in BROWSER failed"));
	make_browser("seven");
	assert_non_null(strstr(open_it("false:/nonexistent:", "/seven"), "seven\n" ADDRESS "\n"));
}

static void name_with_blanks_may_be_a_program(void **state)
{
	(void)state;
	make_browser("my browser");
	assert_non_null(strstr(open_it("", "/my browser"), "my browser\n" ADDRESS "\n"));
}

static void session_is_found_for_the_browser(void **state)
{
	char want[64];
	const char *said;

	(void)state;
	make_browser("six");
	unsetenv("XDG_RUNTIME_DIR");
	said = open_it("", "/six");
	snprintf(want, sizeof(want), "/run/user/%lu", (unsigned long)getuid());
	assert_true(access(want, X_OK) != 0 || strstr(said, want));
}

static void who_is_there_is_seen_by_the_environment(void **state)
{
	static const struct {
		const char *name, *second;
		bool possible;
	} rows[] = {
		{ "BROWSER", NULL, true },
		{ "DISPLAY", NULL, true },
		{ "WAYLAND_DISPLAY", NULL, true },
		{ "BROWSER", "CI", false },
		{ "DISPLAY", "SSH_CONNECTION", true }, /* forwarded */
		{ "SSH_CONNECTION", NULL, false },
		{ "SSH_TTY", NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv(rows[i].name, "x", 1);
		if (rows[i].second)
			setenv(rows[i].second, "x", 1);
		if (browser_possible() != rows[i].possible)
			fail_msg("%s %s", rows[i].name, rows[i].second ? rows[i].second : "");
		unsetenv(rows[i].name);
		if (rows[i].second)
			unsetenv(rows[i].second);
	}
	setenv("DISPLAY", "", 1); /* as good as unset */
	setenv("SSH_TTY", "x", 1);
	assert_false(browser_possible());
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(address_is_one_argument_and_no_shell_reads_it),
		T(programs_that_are_missing_are_passed_over),
		T(arguments_and_the_place_of_the_address_are_heeded),
		T(browser_starts_as_programs_do),
		T(descriptors_stay_here),
		T(what_is_no_web_address_is_not_opened),
		T(browser_that_cannot_be_started_is_named),
		T(browser_that_fails_at_once_has_opened_nothing),
		T(name_with_blanks_may_be_a_program),
		T(session_is_found_for_the_browser),
		T(who_is_there_is_seen_by_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
