/* Processes that outlive their starter, and what they report. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/worker_report.h"
#include "auth/worker.h"
#include "base/diag.h"
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

/* Starts work of that name, see the end of this file. */
static struct worker *run(const char *work, const char *path)
{
	json_t *job =
		json_pack("{s:s, s:o*}", "work", work, "path", path ? worker_text(path) : NULL);
	struct worker *w = worker_start(loop, job, "https://here.example", &events, NULL, &e);

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

static void say_two(const char *path)
{
	(void)path;
	worker_say("one");
	worker_say("");
	worker_say("three");
}

static void lines_come_in_order_and_then_the_end(void **state)
{
	(void)state;
	run("say_two", NULL);
	wait_for_end();
	assert_int_equal(nlines, 3);
	assert_string_equal(lines[0], "one");
	assert_string_equal(lines[1], "");
	assert_string_equal(lines[2], "three");
}

static void say_nothing(const char *path)
{
	(void)path;
}

static void end_comes_without_a_word(void **state)
{
	(void)state;
	run("say_nothing", NULL);
	wait_for_end();
	assert_int_equal(nlines, 0);
}

static void say_much(const char *path)
{
	char *text = malloc(60001);

	(void)path;
	memset(text, 'x', 60000);
	text[60000] = 0;
	for (int i = 0; i < 10; i++)
		worker_say(text);
	free(text);
}

static void more_than_a_pipe_holds_comes_through(void **state)
{
	(void)state;
	run("say_much", NULL);
	wait_for_end();
	assert_int_equal(nlines, 10);
	assert_int_equal(strlen(lines[9]), 60000);
}

static void say_far_too_much(const char *path)
{
	char *text = malloc(2 * WORKER_LINE_MAX);

	(void)path;
	memset(text, 'x', 2 * WORKER_LINE_MAX);
	text[2 * WORKER_LINE_MAX - 1] = 0;
	worker_say(text);
	free(text);
}

static void endless_line_is_the_end(void **state)
{
	(void)state;
	run("say_far_too_much", NULL);
	wait_for_end();
	assert_int_equal(nlines, 0);
}

/* ---- what it takes along ---- */

static void say_surroundings(const char *path)
{
	char text[1000], seen[200] = "";
	struct stat err, null;
	FILE *f;
	DIR *d = opendir("/proc/self/fd");
	struct dirent *fd;
	int open = 0;

	(void)path;
	while ((fd = readdir(d)))
		open += atoi(fd->d_name) > 2 && atoi(fd->d_name) != dirfd(d);
	closedir(d);
	fstat(2, &err);
	stat("/dev/null", &null);
	snprintf(text, sizeof(text), "%d %d %ld %ld %ld", open, err.st_rdev == null.st_rdev,
		(long)getpgrp(), (long)getsid(0), (long)getppid());
	worker_say(text);
	f = fopen("/proc/self/cmdline", "r");
	(void)!fread(seen, 1, sizeof(seen) - 1, f);
	fclose(f);
	worker_say(seen);
	worker_say(seen + strlen(seen) + 1);
	worker_say(seen + strlen(seen) + 1 + strlen(WORKER_WORD) + 1);
	worker_say(getenv("MIXPANEL_SA_TOKEN") ? "a secret" : "nothing");
	worker_say(getenv("https_proxy"));
	err_set(&e, ERR_IO, "%s", "this tells hidden-from-all to all");
	worker_say(e.msg);
}

static void nothing_is_inherited_but_what_it_needs(void **state)
{
	int fds[2], open, null;
	long group, session, parent;

	(void)state;
	assert_int_equal(pipe(fds), 0); /* without close-on-exec, as they come from elsewhere */
	setenv("MIXPANEL_SA_TOKEN", "x", 1);
	setenv("https_proxy", "http://user:password@proxy.example", 1);
	diag_pin("hidden-from-all", strlen("hidden-from-all"));
	run("say_surroundings", NULL);
	wait_for_end();
	assert_int_equal(
		sscanf(lines[0], "%d %d %ld %ld %ld", &open, &null, &group, &session, &parent), 5);
	assert_int_equal(open, 0);
	assert_true(null);
	assert_true(group != (long)getpgrp() && session != (long)getsid(0));
	assert_true(parent != (long)getpid());
	assert_string_equal(lines[1], "mpmcp");
	assert_string_equal(lines[2], WORKER_WORD);
	assert_string_equal(lines[3], "https://here.example");
	assert_string_equal(lines[4], "nothing");
	assert_string_equal(lines[5], "http://user:password@proxy.example");
	assert_string_equal(lines[6], "this tells [hidden] to all");
	close(fds[0]);
	close(fds[1]);
}

static void say_path(const char *path)
{
	worker_say(path);
}

static void a_job_of_any_size_and_with_any_bytes_comes_through(void **state)
{
	/* More than a pipe holds; no UTF-8. The line is the cap of what may come back. */
	size_t n = 60000;
	char *text = malloc(n + 1);
	json_t *job;

	(void)state;
	memset(text, 0xe9, n);
	text[n] = 0;
	job = json_pack("{s:s, s:o, s:[o, o, o]}", "work", "say_path", "path", worker_text(text),
		"more", worker_text(text), worker_text(text), worker_text(text));
	assert_non_null(worker_start(loop, job, "https://here.example", &events, NULL, &e));
	wait_for_end();
	assert_int_equal(nlines, 1);
	assert_string_equal(lines[0], text);
	free(text);
}

/* ---- its own life ---- */

static char lock_path[64];

static void wait_for_gate(const char *path)
{
	char other[100];
	bool busy;
	int fd, lock;

	snprintf(lock_path, sizeof(lock_path), "%s", path);
	lock = file_trylock(lock_path, &busy, &e);
	worker_say(lock >= 0 ? "started" : "no lock");
	snprintf(other, sizeof(other), "%s.gate", lock_path);
	fd = open(other, O_RDONLY); /* a FIFO: waits for the other end */
	close(fd);
	worker_say("nobody reads this");
	snprintf(other, sizeof(other), "%s.done", lock_path);
	fd = open(other, O_WRONLY | O_CREAT, 0600);
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
	struct stat st;
	int fd;

	(void)state;
	/* A folder of this user's: /tmp itself is somebody else's, and no lock is taken there. */
	assert_non_null(mkdtemp(folder));
	snprintf(lock_path, sizeof(lock_path), "%s/lock", folder);
	snprintf(gate, sizeof(gate), "%s.gate", lock_path);
	snprintf(done, sizeof(done), "%s.done", lock_path);
	assert_int_equal(mkfifo(gate, 0600), 0);
	leave_at_line = run("wait_for_gate", lock_path);
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

static void say_report(const char *path)
{
	struct worker_report r = { .over = true,
		.how = TOKEN_INVALID_GRANT,
		.retry_after_s = -1,
		.has_record = true,
		.kept = true };

	if (path) {
		r = (struct worker_report){ .url = mem_dup("https://as.example/a?state=x"),
			.code = mem_dup("ABCD-EFGH") };
	} else {
		r.g.url = mem_dup("https://mcp.example/mcp");
		secret_set(&r.g.refresh, "refresh-token", 13);
		err_set(&r.e, ERR_AUTH, "no \"way\"\nat all");
	}
	worker_report_say(&r);
	worker_report_clear(&r);
}

static struct worker_report pass_on(const char *which)
{
	struct worker_report got;

	nlines = ends = 0;
	run("say_report", which);
	wait_for_end();
	assert_int_equal(nlines, 1);
	assert_true(worker_report_read(lines[0], strlen(lines[0]), &got));
	return got;
}

static void reports_come_through(void **state)
{
	struct worker_report got;

	(void)state;
	got = pass_on(NULL);
	assert_true(got.over && got.has_record && got.kept && !got.again);
	assert_int_equal(got.how, TOKEN_INVALID_GRANT);
	assert_int_equal(got.retry_after_s, -1);
	assert_int_equal(got.e.kind, ERR_AUTH);
	assert_string_equal(got.e.msg, "no \"way\" at all");
	assert_string_equal(secret_str(&got.g.refresh), "refresh-token");
	worker_report_clear(&got);
	got = pass_on("address");
	assert_false(got.over || got.has_record || got.kept || got.e.kind);
	assert_string_equal(got.url, "https://as.example/a?state=x");
	assert_string_equal(got.code, "ABCD-EFGH");
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

/* ---- as a worker ---- */

static const struct {
	const char *name;
	void (*fn)(const char *path);
} works[] = { { "say_two", say_two }, { "say_nothing", say_nothing }, { "say_much", say_much },
	{ "say_far_too_much", say_far_too_much }, { "say_surroundings", say_surroundings },
	{ "say_path", say_path }, { "wait_for_gate", wait_for_gate },
	{ "say_report", say_report } };

/* This program is what worker_start() starts once more. */
static int work(void)
{
	bool other;
	json_t *job;

	signal(SIGPIPE, SIG_IGN);
	job = worker_job(&other, &e);
	for (size_t i = 0; job && i < sizeof(works) / sizeof(works[0]); i++)
		if (strcmp(works[i].name, json_string_value(json_object_get(job, "work"))) == 0)
			works[i].fn(json_string_value(json_object_get(job, "path")));
	json_decref(job);
	return job ? 0 : 2;
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(lines_come_in_order_and_then_the_end),
		T(end_comes_without_a_word),
		T(more_than_a_pipe_holds_comes_through),
		T(endless_line_is_the_end),
		T(nothing_is_inherited_but_what_it_needs),
		T(a_job_of_any_size_and_with_any_bytes_comes_through),
		T(it_goes_on_with_its_lock_when_it_is_left),
		T(leaving_nobody_is_fine),
		T(reports_come_through),
		T(what_is_no_report_is_refused),
	};

	if (argc > 1 && strcmp(argv[1], WORKER_WORD) == 0)
		return work();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
