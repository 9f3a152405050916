#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/loop.h"
#include "os/process.h"

static const char script[] = "echo \"$A\"; echo err >&2; cat; exit 7";

/* What the program writes until its end. */
static const char *all_of(int fd)
{
	static char text[4096];
	size_t n = 0;
	int64_t got;

	while ((got = os_receive(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = 0;
	os_stream_close(fd);
	return text;
}

static void test_a_program_has_its_descriptors_variables_and_status(void **state)
{
	const char *const args[] = { "sh", "-c", script, NULL };
	char *variables[] = { strdup("A=a variable"), strdup("PATH=/usr/bin:/bin"), NULL };
	int in[2], out[2];
	struct os_command c = { .program = "/bin/sh", .args = args, .variables = variables };
	struct os_process *p;

	(void)state;
	assert_true(os_pipe(in) && os_pipe(out));
	c.in = in[0];
	c.out = out[1];
	c.err = out[1];
	p = os_process_start(&c);
	assert_non_null(p);
	os_stream_close(in[0]);
	os_stream_close(out[1]);
	assert_true(os_send_all(in[1], "given\n", 6));
	os_stream_close(in[1]);
	assert_string_equal(all_of(out[0]), "a variable\nerr\ngiven\n");
	assert_int_equal(os_process_wait(p), 7);
	free(variables[0]);
	free(variables[1]);
}

static void test_descriptors_that_change_places_are_kept_apart(void **state)
{
	const char *const args[] = { "sh", "-c", "echo out; echo err >&2", NULL };
	int out[2], err[2], saved_out = dup(1), saved_err = dup(2);
	struct os_command c = { .program = "/bin/sh", .args = args, .in = OS_NOTHING };
	struct os_process *p;

	(void)state;
	assert_true(os_pipe(out) && os_pipe(err));
	/* Ours are the program's in the other order. */
	assert_true(dup2(out[1], 2) == 2 && dup2(err[1], 1) == 1);
	c.out = 2;
	c.err = 1;
	p = os_process_start(&c);
	dup2(saved_out, 1);
	dup2(saved_err, 2);
	close(saved_out);
	close(saved_err);
	assert_non_null(p);
	os_stream_close(out[1]);
	os_stream_close(err[1]);
	assert_string_equal(all_of(out[0]), "out\n");
	assert_string_equal(all_of(err[0]), "err\n");
	assert_int_equal(os_process_wait(p), 0);
}

static void test_nothing_else_is_inherited(void **state)
{
	static const char asks[] = "for n; do [ ! -e /proc/$$/fd/$n ] || echo $n is open; done; "
				   "exec grep -E 'SigIgn|SigBlk' /proc/self/status";
	char first[12], second[12];
	const char *const args[] = { "sh", "-c", asks, "sh", first, second, NULL };
	int out[2], other[2];
	struct os_command c = {
		.program = "/bin/sh", .args = args, .in = OS_NOTHING, .err = OS_NOTHING
	};
	struct os_process *p;
	/* 32 and 33 are the C library's own: nobody can change them, and make hands them on ignored. */
	const unsigned long long library = 3ULL << 31;
	const char *said, *ignored;
	sigset_t set;

	(void)state;
	if (access("/proc/self/fd", X_OK) != 0)
		skip();
	assert_int_equal(pipe(other), 0); /* as one that came from elsewhere: not close-on-exec */
	snprintf(first, sizeof(first), "%d", other[0]);
	snprintf(second, sizeof(second), "%d", other[1]);
	signal(SIGUSR1, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	assert_true(os_pipe(out));
	c.out = out[1];
	p = os_process_start(&c);
	assert_non_null(p);
	os_stream_close(out[1]);
	said = all_of(out[0]);
	assert_int_equal(os_process_wait(p), 0);
	assert_null(strstr(said, "open"));
	assert_non_null(strstr(said, "SigBlk:\t0000000000000000"));
	ignored = strstr(said, "SigIgn:\t");
	assert_non_null(ignored);
	assert_int_equal(strtoull(ignored + strlen("SigIgn:\t"), NULL, 16) & ~library, 0);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	close(other[0]);
	close(other[1]);
}

static void test_a_program_that_is_missing_or_stopped_says_so(void **state)
{
	const char *const missing[] = { "x", NULL }, *const sleeps[] = { "sleep", "1000", NULL };
	struct os_command c = { .program = "/nonexistent/x",
		.args = missing,
		.in = OS_NOTHING,
		.out = OS_NOTHING,
		.err = OS_NOTHING };
	char *path = os_find_program("sleep");
	struct os_process *p = os_process_start(&c);

	(void)state;
	assert_non_null(p);
	assert_int_equal(os_process_wait(p), 127);
	assert_non_null(path);
	c.program = path;
	c.args = sleeps;
	p = os_process_start(&c);
	assert_non_null(p);
	os_process_stop(p);
	free(path);
	assert_null(os_find_program("mpmcp-no-such-program"));
}

static void test_a_detached_program_is_in_a_session_of_its_own(void **state)
{
	const char *const args[] = { "sh", "-c", "echo $$ $PPID; cat /proc/$$/stat", NULL };
	int out[2], pid, parent, group, session, has_parent;
	struct os_command c = {
		.program = "/bin/sh", .args = args, .in = OS_NOTHING, .err = OS_NOTHING
	};
	const char *said, *end;

	(void)state;
	if (access("/proc/self/stat", R_OK) != 0)
		skip();
	assert_true(os_pipe(out));
	c.out = out[1];
	assert_true(os_start_detached(&c));
	os_stream_close(out[1]);
	said = all_of(out[0]);
	assert_int_equal(sscanf(said, "%d %d", &pid, &parent), 2);
	assert_true(parent != (int)getpid());
	end = strrchr(said, ')');
	assert_non_null(end);
	assert_int_equal(sscanf(end, ") %*c %d %d %d", &has_parent, &group, &session), 3);
	assert_true(group != (int)getpgrp() && session != (int)getsid(0));
}

static char **programs_of(const char *path, const char *address)
{
	static char *words[2][3];
	static int next;
	char **w = words[next++ % 2];

	w[0] = strdup(path);
	w[1] = strdup(address);
	w[2] = NULL;
	return w;
}

static enum os_shown shown_by(const char *first, const char *second)
{
	char **programs[] = { programs_of(first, "page"),
		second ? programs_of(second, "page") : NULL, NULL };
	char *variables[] = { NULL };
	struct os_showing *s = os_show("page", programs, variables, 60);
	struct os_wait w = { .want = OS_CAN_READ };
	enum os_shown how;

	assert_non_null(s);
	w.fd = os_showing_fd(s);
	while (os_wait(&w, 1, 60000) < 0 && errno == EINTR)
		;
	how = os_showing_result(s);
	os_showing_free(s);
	for (size_t i = 0; programs[i]; i++) {
		free(programs[i][0]);
		free(programs[i][1]);
	}
	return how;
}

static void test_a_page_is_shown_by_the_first_program_that_does(void **state)
{
	(void)state;
	assert_int_equal(shown_by("/bin/true", NULL), OS_SHOWN);
	assert_int_equal(shown_by("/bin/false", NULL), OS_SHOW_FAILED);
	assert_int_equal(shown_by("/nonexistent", NULL), OS_SHOW_MISSING);
	assert_int_equal(shown_by("/bin/false", "/bin/true"), OS_SHOWN);
	assert_int_equal(shown_by("/nonexistent", "/bin/false"), OS_SHOW_FAILED);
	assert_int_equal(shown_by("/bin/false", "/nonexistent"), OS_SHOW_FAILED);
	os_showing_free(NULL);
}

static void test_this_process(void **state)
{
	(void)state;
	assert_int_equal(os_process_number(), getpid());
	assert_true(os_descriptors_possible() != 0);
	assert_false(os_is_first_process());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_program_has_its_descriptors_variables_and_status),
		cmocka_unit_test(test_descriptors_that_change_places_are_kept_apart),
		cmocka_unit_test(test_nothing_else_is_inherited),
		cmocka_unit_test(test_a_program_that_is_missing_or_stopped_says_so),
		cmocka_unit_test(test_a_detached_program_is_in_a_session_of_its_own),
		cmocka_unit_test(test_a_page_is_shown_by_the_first_program_that_does),
		cmocka_unit_test(test_this_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
