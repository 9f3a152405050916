#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "mcp/http/request_count.h"

#define NOW 1795512600 /* a full minute */

static char dir[64], path[128];
static struct loop *loop;

static char *where(void *ctx)
{
	return ctx ? mem_dup(ctx) : NULL;
}

static int enter(void **state)
{
	(void)state;
	clock_set(1000, NOW);
	snprintf(dir, sizeof(dir), "/tmp/mpmcp-rate-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/in/count", dir);
	loop = loop_new(NULL);
	return 0;
}

static int leave(void **state)
{
	char folder[80];

	(void)state;
	loop_free(loop);
	clock_set(-1, -1);
	snprintf(folder, sizeof(folder), "%s/in", dir);
	unlink(path);
	rmdir(folder);
	return rmdir(dir);
}

static void count(unsigned n)
{
	struct request_count *r = request_count_new(loop, where, path);

	while (n--)
		request_count_count(r);
	request_count_free(r);
}

static struct request_count_seen look(void)
{
	struct request_count *r = request_count_new(loop, where, path);
	struct request_count_seen seen;

	request_count_look(r, &seen);
	request_count_free(r);
	return seen;
}

static void put(const char *text)
{
	char folder[80];

	snprintf(folder, sizeof(folder), "%s/in", dir);
	assert_true(file_make_dir(folder, NULL));
	assert_true(file_replace(path, text, strlen(text), NULL));
}

static void requests_of_the_last_hour_are_added_up(void **state)
{
	(void)state;
	count(3);
	assert_int_equal(look().requests, 3);
	clock_set(1000, NOW + 1800);
	count(4);
	assert_int_equal(look().requests, 7);
	clock_set(1000, NOW + 3600);
	assert_int_equal(look().requests, 4);
	clock_set(1000, NOW + 1800 + 3600);
	assert_int_equal(look().requests, 0);
}

static void what_is_not_written_yet_is_seen_too(void **state)
{
	struct request_count *r = request_count_new(loop, where, path);
	struct request_count_seen seen;

	(void)state;
	count(2);
	request_count_count(r);
	request_count_look(r, &seen);
	assert_int_equal(seen.requests, 3);
	assert_int_equal(request_count_own(r), 1);
	assert_int_equal(look().requests, 2);
	request_count_free(r);
	assert_int_equal(look().requests, 3);
}

static void stop(void *ctx)
{
	loop_stop(ctx);
}

static void the_file_is_written_some_seconds_after_a_request_and_not_again(void **state)
{
	struct request_count *r = request_count_new(loop, where, path);
	struct loop_timer t = { 0 };

	(void)state;
	loop_timer_init(&t, loop, stop, loop);
	request_count_count(r);
	assert_int_equal(look().requests, 0);
	clock_set(1000 + 5000, NOW + 5);
	loop_timer_set(&t, 0);
	assert_true(loop_run(loop, NULL));
	assert_int_equal(look().requests, 1);
	assert_int_equal(unlink(path), 0);
	/* Idle: no timer is left that would bring it back. */
	clock_set(1000 + 600000, NOW + 600);
	loop_timer_set(&t, 0);
	assert_true(loop_run(loop, NULL));
	assert_int_equal(access(path, F_OK), -1);
	request_count_free(r);
}

static void the_file_stays_small_and_private(void **state)
{
	mode_t before = umask(0);
	struct stat st;

	(void)state;
	for (int minute = 0; minute < 200; minute++) {
		clock_set(1000, NOW + 60 * minute);
		count(1);
	}
	umask(before);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_size < 2048);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(look().requests, 60);
}

static void garbage_counts_as_nothing_and_is_replaced(void **state)
{
	static const char *const bad[] = { "", "x", "1", "1 0", "1 0 0", "2 0 0\n29925210 5\n",
		"1 -1 0\n29925210 5\n", "1 0 0\n29925210 99999999999999999999\n",
		"1 0 0\n29925210 5", "1 0 0\n29925210 \n", "1 0 0\n29925210\n", "1 0 0\n\n",
		"1 99999999999999999999 0\n", "\xff\xfe" };
	char *large = mem_new(100001);

	(void)state;
	memset(large, '7', 100000);
	for (size_t i = 0; i <= sizeof(bad) / sizeof(bad[0]); i++) {
		put(i < sizeof(bad) / sizeof(bad[0]) ? bad[i] : large);
		assert_int_equal(look().requests, 0);
		count(2);
		assert_int_equal(look().requests, 2);
	}
	free(large);
}

static void another_clock_does_not_add_up(void **state)
{
	char text[200];

	(void)state;
	/* A day ahead, out of order, and an hour and more ago. */
	snprintf(text, sizeof(text), "1 %d %d\n%d 7\n", NOW + 86400, NOW + 86400,
		(NOW + 86400) / 60);
	put(text);
	assert_int_equal(look().requests, 0);
	assert_int_equal(look().refused_s, 0);
	snprintf(text, sizeof(text), "1 0 0\n%d 1\n%d 2\n%d 4\n%d 8\n", NOW / 60 - 60,
		NOW / 60 - 59, NOW / 60 - 1, NOW / 60 - 2);
	put(text);
	assert_int_equal(look().requests, 6);
	/* Put back by an hour: what seemed to be known lies in the future now. */
	clock_set(1000, NOW - 3600 * 2);
	count(1);
	assert_int_equal(look().requests, 1);
}

static void a_refusal_is_remembered_for_the_hour(void **state)
{
	struct request_count *r = request_count_new(loop, where, path);

	(void)state;
	request_count_count(r);
	request_count_refused(r, 120);
	request_count_free(r);
	assert_int_equal(look().refused_s, NOW);
	assert_int_equal(look().until_s, NOW + 120);
	clock_set(1000, NOW + 121);
	count(1);
	assert_int_equal(look().refused_s, NOW);
	assert_int_equal(look().until_s, 0);
	clock_set(1000, NOW + 3600);
	assert_int_equal(look().refused_s, 0);
}

static void processes_do_not_spoil_the_count_for_each_other(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++) {
		if (fork() == 0) {
			for (int k = 0; k < 5; k++)
				count(3);
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++)
		wait(NULL);
	/* One that finds the file in use again and again leaves without its count: never in the way. */
	assert_in_range(look().requests, 15, 120);
	assert_int_equal(look().requests % 3, 0);
}

static void a_place_that_cannot_be_used_is_no_trouble(void **state)
{
	struct request_count *r = request_count_new(loop, where, NULL);
	struct request_count_seen seen;
	char target[128];

	(void)state;
	request_count_count(r);
	request_count_refused(r, -1);
	request_count_look(r, &seen);
	assert_int_equal(seen.requests, 1);
	assert_int_equal(seen.refused_s, NOW);
	request_count_free(r);
	request_count_count(NULL);
	request_count_refused(NULL, 1);
	request_count_look(NULL, &seen);
	assert_int_equal(seen.requests, 0);
	request_count_free(NULL);
	/* A symbolic link is not followed. */
	snprintf(target, sizeof(target), "%s/in/target", dir);
	put("1 0 0\n");
	assert_int_equal(rename(path, target), 0);
	assert_int_equal(symlink(target, path), 0);
	count(5);
	assert_int_equal(look().requests, 0);
	unlink(target);
}

static void refusals_over_200_are_recognised(void **state)
{
	static const struct {
		const char *error;
		bool is;
		long wait_s;
	} rows[] = {
		{ "{\"code\":-32000,\"message\":\"Global rate limit exceeded\"}", true, -1 },
		{ "{\"code\":-32000,\"message\":\"Rate Limit exceeded for client: x\","
		  "\"data\":{\"retryAfter\":7}}",
			true, 7 },
		{ "{\"data\":{\"retry_after\":99999},\"message\":\"Too many requests\","
		  "\"code\":-32000}",
			true, 3600 },
		{ "{\"code\":-32000,\"message\":\"rate limit\",\"data\":{\"retryAfter\":-7}}", true,
			-1 },
		{ "{\"code\":-32000,\"message\":\"\\u0072ate limit\"}", true, -1 },
		{ "{\"code\":-32000,\"message\":\"Server error\"}", false, -1 },
		{ "{\"code\":-32603,\"message\":\"rate limit\"}", false, -1 },
		{ "{\"code\":-32000}", false, -1 },
		{ "{\"code\":-32023,\"message\":\"Slow down\"}", true, -1 },
		{ "{\"code\":-32023,\"data\":{\"retryAfterMs\":1500}}", true, 2 },
		{ "{\"code\":-32023,\"data\":{\"retryAfterMs\":0,\"retryAfter\":9}}", true, 0 },
		{ "{\"code\":-32023,\"data\":{\"retryAfterMs\":1e3}}", true, -1 },
		{ "{\"code\":-32023,\"data\":{\"retryAfterMs\":99999999999}}", true, 3600 },
		{ "{}", false, -1 },
		{ "7", false, -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct span s = { rows[i].error, strlen(rows[i].error) };
		long wait_s = 1;

		assert_int_equal(request_count_is_refusal(s, &wait_s), rows[i].is);
		assert_int_equal(wait_s, rows[i].wait_s);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {
		T(requests_of_the_last_hour_are_added_up),
		T(what_is_not_written_yet_is_seen_too),
		T(the_file_is_written_some_seconds_after_a_request_and_not_again),
		T(the_file_stays_small_and_private),
		T(garbage_counts_as_nothing_and_is_replaced),
		T(another_clock_does_not_add_up),
		T(a_refusal_is_remembered_for_the_hour),
		T(processes_do_not_spoil_the_count_for_each_other),
		T(a_place_that_cannot_be_used_is_no_trouble),
		T(refusals_over_200_are_recognised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
