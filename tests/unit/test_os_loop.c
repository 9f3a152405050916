#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <string.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "os/loop.h"
#include "os/socket.h"

/* Whatever a slow machine does: the tests wait for events. */
#define LONG_MS 60000

static void test_a_pipe_is_not_inherited_and_ends(void **state)
{
	struct os_wait w = { .want = OS_CAN_READ };
	char text[8];
	int ends[2];

	(void)state;
	assert_true(os_pipe(ends));
	assert_true(fcntl(ends[0], F_GETFD) & FD_CLOEXEC);
	assert_true(fcntl(ends[1], F_GETFD) & FD_CLOEXEC);
	w.fd = ends[0];
	assert_int_equal(os_wait(&w, 1, 0), 0);
	assert_true(os_send_all(ends[1], "abc", 3));
	assert_int_equal(os_wait(&w, 1, LONG_MS), 1);
	assert_true(w.got & OS_CAN_READ);
	assert_int_equal(os_receive(ends[0], text, sizeof(text)), 3);
	os_stream_close(ends[1]);
	assert_int_equal(os_wait(&w, 1, LONG_MS), 1);
	assert_true(w.got & OS_HUNG_UP);
	assert_int_equal(os_receive(ends[0], text, sizeof(text)), 0);
	os_stream_close(ends[0]);
}

static void test_a_stream_does_not_block_and_is_given_back(void **state)
{
	struct os_stream in, out;
	bool blocks;
	char text[4096] = { 0 };
	struct os_part parts[2] = { { text, 1 }, { text, sizeof(text) } };
	int ends[2];

	(void)state;
	assert_true(os_pipe(ends));
	assert_true(os_stream_open(ends[0], OS_STREAM_INPUT, &in));
	assert_true(os_stream_open(ends[1], OS_STREAM_OUTPUT, &out));
	assert_int_equal(os_receive(in.fd, text, sizeof(text)), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(os_send(out.fd, parts, 2), 4097);
	while (os_send(out.fd, parts, 2) > 0)
		;
	assert_int_equal(errno, EAGAIN);
	os_stream_end(&in);
	assert_true(os_set_blocking(ends[0], true, &blocks));
	assert_true(blocks);
	signal(SIGPIPE, SIG_IGN);
	os_stream_close(ends[0]);
	assert_int_equal(os_send(out.fd, parts, 2), -1);
	assert_int_equal(errno, EPIPE);
	os_stream_end(&out);
	os_stream_close(ends[1]);
	assert_false(os_stream_open(ends[1], OS_STREAM_OUTPUT, &out));
}

static void test_why_a_write_failed_is_asked_again(void **state)
{
	int ends[2], full = open("/dev/full", O_WRONLY);

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_true(os_pipe(ends));
	assert_int_equal(os_write_error(ends[1]), 0);
	os_stream_close(ends[0]);
	assert_int_equal(os_write_error(ends[1]), EPIPE);
	os_stream_close(ends[1]);
	if (full >= 0)
		assert_int_equal(os_write_error(full), ENOSPC);
	os_stream_close(full);
}

static void test_signals_come_through_a_descriptor(void **state)
{
	struct os_wait w = { .want = OS_CAN_READ };

	(void)state;
	signal(SIGTERM, SIG_IGN);
	assert_true(os_signal_is_ignored(OS_TERMINATE));
	w.fd = os_signals_open();
	assert_true(w.fd >= 0);
	assert_true(os_signal_catch(OS_TERMINATE) && os_signal_catch(OS_CHILD_ENDED));
	assert_false(os_signal_is_ignored(OS_TERMINATE));
	assert_int_equal(os_signal_next(), OS_NO_SIGNAL);
	raise(SIGTERM);
	raise(SIGCHLD);
	assert_int_equal(os_wait(&w, 1, LONG_MS), 1);
	assert_int_equal(os_signal_next(), OS_TERMINATE);
	assert_int_equal(os_signal_next(), OS_CHILD_ENDED);
	assert_int_equal(os_signal_next(), OS_NO_SIGNAL);
	os_signals_close();
	assert_true(os_signal_is_ignored(OS_TERMINATE));
	os_signals_close(); /* once is enough */
}

/* The process between: it starts one that watches it, and ends when that is ready. */
static void start_and_end(int says)
{
	int ready[2];
	char c;

	if (!os_pipe(ready))
		_exit(1);
	if (fork() == 0) {
		struct os_wait w = { .want = OS_CAN_READ };

		w.fd = os_parent_watch();
		os_stream_close(ready[0]);
		if (w.fd < 0 || os_wait(&w, 1, 0) != 0 || !os_send_all(ready[1], "r", 1))
			_exit(1);
		while (os_wait(&w, 1, LONG_MS) < 0 && errno == EINTR)
			;
		if (w.got)
			(void)!os_send_all(says, "e", 1);
		os_parent_end(w.fd);
		_exit(0);
	}
	_exit(os_receive(ready[0], &c, 1) == 1 ? 0 : 1);
}

static void test_the_end_of_the_parent_is_noticed(void **state)
{
	int says[2], status;
	char c = 0;
	pid_t pid;

	(void)state;
	assert_true(os_pipe(says));
	pid = fork();
	if (pid == 0)
		start_and_end(says[1]);
	os_stream_close(says[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(os_receive(says[0], &c, 1), 1);
	assert_int_equal(c, 'e');
	os_stream_close(says[0]);
}

static void test_changes_of_the_network_can_be_waited_for(void **state)
{
	struct os_wait w = { .want = OS_CAN_READ };

	(void)state;
	w.fd = os_network_changes();
	if (w.fd < 0)
		skip(); /* a sandbox */
	assert_true(os_wait(&w, 1, 0) >= 0);
	assert_false(w.got & (OS_NOT_OPEN | OS_FAILED));
	os_socket_close(w.fd);
}

static void test_what_is_known_of_a_connection(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int listener = os_socket(AF_INET, SOCK_STREAM, 0), fd = os_socket(AF_INET, SOCK_STREAM, 0),
	    other, copy;
	int64_t owed, heard;
	uint64_t written = 0;
	socklen_t n = sizeof(at);

	(void)state;
	assert_true(os_socket_own_port(listener));
	assert_int_equal(bind(listener, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
	assert_false(os_tcp_look(fd, &owed, &heard, &written));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, n), 0);
	other = os_socket_accept(listener);
	assert_true(other >= 0);
	assert_true(fcntl(other, F_GETFD) & FD_CLOEXEC);
	os_tcp_probe(fd, 15, 5, 3);
	os_tcp_give_up_after(fd, 15);
	assert_int_equal(os_socket_send(fd, "abc", 3), 3);
	if (os_tcp_look(fd, &owed, &heard, &written))
		assert_int_equal(written, 3);
	copy = os_socket_dup(fd);
	assert_true(copy >= 0 && copy != fd);
	assert_true(os_socket_set_blocking(other, false));
	os_socket_close(copy);
	os_socket_close(fd);
	os_socket_close(other);
	os_socket_close(listener);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_pipe_is_not_inherited_and_ends),
		cmocka_unit_test(test_a_stream_does_not_block_and_is_given_back),
		cmocka_unit_test(test_why_a_write_failed_is_asked_again),
		cmocka_unit_test(test_signals_come_through_a_descriptor),
		cmocka_unit_test(test_the_end_of_the_parent_is_noticed),
		cmocka_unit_test(test_changes_of_the_network_can_be_waited_for),
		cmocka_unit_test(test_what_is_known_of_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
