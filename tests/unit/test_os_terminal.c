#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/start.h"
#include "os/terminal.h"

/* The program's end of a pseudo-terminal; -1: there are none here. */
static int open_pair(int *ours)
{
	int theirs = -1;

	*ours = posix_openpt(O_RDWR | O_NOCTTY);
	if (*ours >= 0 && grantpt(*ours) == 0 && unlockpt(*ours) == 0)
		theirs = open(ptsname(*ours), O_RDWR | O_NOCTTY);
	return theirs;
}

static void test_width_and_colours(void **state)
{
	struct winsize size = { .ws_col = 77, .ws_row = 20 };
	FILE *plain = tmpfile(), *f;
	int ours, theirs = open_pair(&ours);

	(void)state;
	assert_false(os_is_terminal(plain));
	assert_int_equal(os_terminal_width(plain), 0);
	assert_false(os_terminal_obeys(plain));
	fclose(plain);
	if (theirs < 0)
		skip();
	f = fdopen(theirs, "r+");
	assert_true(os_is_terminal(f));
	assert_int_equal(ioctl(theirs, TIOCSWINSZ, &size), 0);
	assert_int_equal(os_terminal_width(f), 77);
	assert_true(os_set_variable("TERM", "xterm") && os_terminal_obeys(f));
	assert_true(os_set_variable("TERM", "dumb") && !os_terminal_obeys(f));
	assert_true(os_set_variable("TERM", NULL) && !os_terminal_obeys(f));
	fclose(f);
	close(ours);
}

static void test_it_is_taken_and_given_back(void **state)
{
	struct termios before, now;
	int ours, theirs = open_pair(&ours), saved = dup(0);
	struct os_terminal *t;

	(void)state;
	if (theirs < 0)
		skip();
	dup2(theirs, 0);
	tcgetattr(0, &before);
	t = os_terminal_take(OS_BY_KEY);
	assert_non_null(t);
	tcgetattr(0, &now);
	assert_false(now.c_lflag & ICANON);
	assert_false(now.c_lflag & ECHO);
	os_terminal_give_back(t);
	t = os_terminal_take(OS_HIDDEN);
	assert_non_null(t);
	tcgetattr(0, &now);
	assert_true(now.c_lflag & ICANON);
	assert_false(now.c_lflag & ECHO);
	os_terminal_give_back(t);
	tcgetattr(0, &now);
	assert_int_equal(now.c_lflag, before.c_lflag);
	dup2(saved, 0);
	close(saved);
	close(theirs);
	close(ours);
	os_terminal_give_back(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_width_and_colours),
		cmocka_unit_test(test_it_is_taken_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
