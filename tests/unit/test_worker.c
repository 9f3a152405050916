/* Processes that outlive their starter, and what they report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/worker_report.h"
#include "auth/worker.h"
#include "base/file.h"
#include "base/mem.h"

static struct loop *loop;
static struct err e;

/* What came. */
static char lines[16][65536];
static int nlines, ends;
static struct worker *leave_at_line;

static void on_line(void *ctx, char *text, size_t n)
{
	(void)ctx;
	assert_int_equal(strlen(text), n);
	snprintf(lines[nlines++ % 16], sizeof(lines[0]), "%s", text);
	if (leave_at_line) {
		worker_leave(leave_at_line);
		leave_at_line = NULL;
		loop_stop(loop);
	}
}

static void on_end(void *ctx)
{
	(void)ctx;
	ends++;
	loop_stop(loop);
}

static const struct worker_events events = { on_line, on_end };

static int start(void **state)
{
	(void)state;
	loop = loop_new(NULL);
	nlines = ends = 0;
	leave_at_line = NULL;
	e = (struct err){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

static struct worker *run(worker_fn *work, void *ctx, int lock)
{
	struct worker *w = worker_start(loop, lock, work, ctx, &events, NULL, &e);

	if (!w)
		fail_msg("%s", e.msg);
	return w;
}

static void wait_for_end(void)
{
	assert_true(loop_run(loop, &e));
	assert_int_equal(ends, 1);
}

/* ---- reports of a kind ---- */

static void say_two(void *ctx, struct worker_out *out)
{
	(void)ctx;
	worker_say(out, "one");
	worker_say(out, "");
	worker_say(out, "three");
}

static void lines_come_in_order_and_then_the_end(void **state)
{
	(void)state;
	run(say_two, NULL, -1);
	wait_for_end();
	assert_int_equal(nlines, 3);
	assert_string_equal(lines[0], "one");
	assert_string_equal(lines[1], "");
	assert_string_equal(lines[2], "three");
}

static void say_nothing(void *ctx, struct worker_out *out)
{
	(void)ctx, (void)out;
}

static void end_comes_without_a_word(void **state)
{
	(void)state;
	run(say_nothing, NULL, -1);
	wait_for_end();
	assert_int_equal(nlines, 0);
}

static void say_much(void *ctx, struct worker_out *out)
{
	char *text = malloc(60001);

	(void)ctx;
	memset(text, 'x', 60000);
	text[60000] = 0;
	for (int i = 0; i < 10; i++)
		worker_say(out, text);
	free(text);
}

static void more_than_a_pipe_holds_comes_through(void **state)
{
	(void)state;
	run(say_much, NULL, -1);
	wait_for_end();
	assert_int_equal(nlines, 10);
	assert_int_equal(strlen(lines[9]), 60000);
}

static void say_far_too_much(void *ctx, struct worker_out *out)
{
	char *text = malloc(2 * WORKER_LINE_MAX);

	(void)ctx;
	memset(text, 'x', 2 * WORKER_LINE_MAX);
	text[2 * WORKER_LINE_MAX - 1] = 0;
	worker_say(out, text);
	free(text);
}

static void endless_line_is_the_end(void **state)
{
	(void)state;
	run(say_far_too_much, NULL, -1);
	wait_for_end();
	assert_int_equal(nlines, 0);
}

/* ---- what it takes along ---- */

static void say_surroundings(void *ctx, struct worker_out *out)
{
	struct stat in, null;
	char text[200];
	int *fd = ctx;

	fstat(0, &in);
	stat("/dev/null", &null);
	snprintf(text, sizeof(text), "%d %d %ld %ld", fcntl(*fd, F_GETFD) >= 0,
		in.st_rdev != null.st_rdev, (long)getpgrp(), (long)getsid(0));
	worker_say(out, text);
}

static void nothing_is_inherited(void **state)
{
	int fds[2], open, input;
	long group, session;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	run(say_surroundings, &fds[1], -1);
	wait_for_end();
	assert_int_equal(sscanf(lines[0], "%d %d %ld %ld", &open, &input, &group, &session), 4);
	assert_false(open || input);
	assert_true(group != (long)getpgrp() && session != (long)getsid(0));
	close(fds[0]);
	close(fds[1]);
}

/* ---- its own life ---- */

static char lock_path[64];

static void wait_for_gate(void *ctx, struct worker_out *out)
{
	char path[100];
	int fd;

	worker_say(out, "started");
	fd = open(ctx, O_RDONLY); /* a FIFO: waits for the other end */
	close(fd);
	worker_say(out, "nobody reads this");
	snprintf(path, sizeof(path), "%s.done", lock_path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
}

static bool is_locked(void)
{
	bool busy;

	file_unlock(file_trylock(lock_path, &busy, NULL));
	return busy;
}

static void wait_until(bool (*what)(void), bool wanted)
{
	while (what() != wanted)
		poll(NULL, 0, 10);
}

static void it_goes_on_with_its_lock_when_it_is_left(void **state)
{
	char folder[] = "/tmp/mpmcp-worker-XXXXXX", gate[80], done[80];
	bool busy;
	struct stat st;
	int lock, fd;

	(void)state;
	/* A folder of this user's: /tmp itself is somebody else's, and no lock is taken there. */
	assert_non_null(mkdtemp(folder));
	snprintf(lock_path, sizeof(lock_path), "%s/lock", folder);
	snprintf(gate, sizeof(gate), "%s.gate", lock_path);
	snprintf(done, sizeof(done), "%s.done", lock_path);
	assert_int_equal(mkfifo(gate, 0600), 0);
	lock = file_trylock(lock_path, &busy, &e);
	assert_true(lock >= 0);
	leave_at_line = run(wait_for_gate, gate, lock);
	close(lock);
	assert_true(loop_run(loop, &e));
	assert_string_equal(lines[0], "started");
	assert_true(is_locked());
	fd = open(gate, O_WRONLY);
	close(fd);
	wait_until(is_locked, false);
	assert_int_equal(stat(done, &st), 0);
	assert_int_equal(ends, 0);
	unlink(gate);
	unlink(done);
	unlink(lock_path);
	rmdir(folder);
}

static void leaving_nobody_is_fine(void **state)
{
	(void)state;
	worker_leave(NULL);
}

/* ---- the report of a sign-in ---- */

static struct worker_report sent;

static void say_report(void *ctx, struct worker_out *out)
{
	(void)ctx;
	worker_report_say(out, &sent);
}

static struct worker_report pass_on(void)
{
	struct worker_report got;

	nlines = ends = 0;
	run(say_report, NULL, -1);
	wait_for_end();
	assert_int_equal(nlines, 1);
	assert_true(worker_report_read(lines[0], strlen(lines[0]), &got));
	return got;
}

static void reports_come_through(void **state)
{
	struct worker_report got;

	(void)state;
	sent = (struct worker_report){ .over = true,
		.how = TOKEN_INVALID_GRANT,
		.retry_after_s = -1,
		.has_record = true,
		.kept = true };
	sent.g.url = mem_dup("https://mcp.example/mcp");
	secret_set(&sent.g.refresh, "refresh-token", 13);
	err_set(&sent.e, ERR_AUTH, "no \"way\"\nat all");
	got = pass_on();
	assert_true(got.over && got.has_record && got.kept);
	assert_int_equal(got.how, TOKEN_INVALID_GRANT);
	assert_int_equal(got.retry_after_s, -1);
	assert_int_equal(got.e.kind, ERR_AUTH);
	assert_string_equal(got.e.msg, sent.e.msg);
	assert_string_equal(secret_str(&got.g.refresh), "refresh-token");
	worker_report_clear(&sent);
	worker_report_clear(&got);
	sent.url = mem_dup("https://as.example/a?state=x");
	sent.code = mem_dup("ABCD-EFGH");
	got = pass_on();
	assert_false(got.over || got.has_record || got.kept || got.e.kind);
	assert_string_equal(got.url, sent.url);
	assert_string_equal(got.code, sent.code);
	worker_report_clear(&sent);
	worker_report_clear(&got);
}

static void what_is_no_report_is_refused(void **state)
{
	static const char *const rows[] = { "", "x", "[]", "7" };
	struct worker_report r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(worker_report_read(rows[i], strlen(rows[i]), &r));
		worker_report_clear(&r);
	}
	assert_true(worker_report_read("{\"how\":99,\"kind\":-5}", 20, &r));
	assert_int_equal(r.how, TOKEN_TRANSIENT);
	worker_report_clear(&r);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lines_come_in_order_and_then_the_end),
		T(end_comes_without_a_word),
		T(more_than_a_pipe_holds_comes_through),
		T(endless_line_is_the_end),
		T(nothing_is_inherited),
		T(it_goes_on_with_its_lock_when_it_is_left),
		T(leaving_nobody_is_fine),
		T(reports_come_through),
		T(what_is_no_report_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
