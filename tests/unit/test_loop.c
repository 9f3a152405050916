#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/loop.h"

static struct loop *loop;

/* So many poll() fail with this, in place of the system's. */
static unsigned polls_failing, pauses;
static int poll_error;

int poll(struct pollfd *fds, nfds_t n, int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	if (polls_failing) {
		polls_failing--;
		errno = poll_error;
		return -1;
	}
	return ppoll(fds, n, ms < 0 ? NULL : &t, NULL);
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)t, (void)left;
	pauses++;
	return 0;
}

/* What happened, a letter each. */
static char trace[200];

static void note(char c)
{
	size_t n = strlen(trace);

	assert_true(n + 1 < sizeof(trace));
	trace[n] = c;
	trace[n + 1] = 0;
}

static void start(void)
{
	loop = loop_new(NULL);
	trace[0] = 0;
}

static void run(const char *want)
{
	struct err e = { 0 };

	assert_true(loop_run(loop, &e));
	assert_string_equal(trace, want);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void letter(void *ctx)
{
	note(*(const char *)ctx);
}

/* ---- a system without memory ---- */

static void shortage_of_memory_that_passes_is_waited_for(void **state)
{
	static const int passing[] = { ENOMEM, EAGAIN };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct loop_timer t;

		start();
		loop_timer_init(&t, loop, stop, NULL);
		loop_timer_set(&t, 1);
		poll_error = passing[i];
		polls_failing = 3;
		pauses = 0;
		run("");
		assert_int_equal(polls_failing, 0);
		assert_int_equal(pauses, 3);
		loop_free(loop);
	}
}

static void shortage_of_memory_that_stays_ends_the_loop(void **state)
{
	struct err e = { 0 };

	(void)state;
	start();
	poll_error = ENOMEM;
	polls_failing = UINT_MAX;
	assert_false(loop_run(loop, &e));
	assert_non_null(strstr(e.msg, strerror(ENOMEM)));
	poll_error = EINVAL; /* no shortage at all */
	pauses = 0;
	assert_false(loop_run(loop, &e));
	assert_int_equal(pauses, 0);
	polls_failing = 0;
	loop_free(loop);
}

/* ---- timers ---- */

static void timers_fire_in_the_order_of_their_time(void **state)
{
	struct loop_timer t[5];
	const char *letters = "abcde";
	static const int ms[] = { 3, 1, 2, 1, 5 };

	(void)state;
	start();
	for (int i = 0; i < 5; i++) {
		loop_timer_init(
			&t[i], loop, i == 4 ? stop : letter, (void *)(uintptr_t)(letters + i));
		loop_timer_set(&t[i], 100);
		loop_timer_set(&t[i], ms[i]); /* takes the place of the first */
	}
	run("bdca");
	loop_free(loop);
}

static void cleared_timer_does_not_fire(void **state)
{
	struct loop_timer a, b, never = { 0 };

	(void)state;
	start();
	loop_timer_init(&a, loop, letter, (void *)(uintptr_t) "a");
	loop_timer_init(&b, loop, stop, NULL);
	loop_timer_set(&a, 0);
	loop_timer_set(&b, 1);
	loop_timer_clear(&a);
	loop_timer_clear(&a);
	loop_timer_clear(&never);
	assert_false(a.set);
	run("");
	loop_free(loop);
}

static void again(void *ctx)
{
	struct loop_timer *t = ctx;

	note('x');
	if (strlen(trace) < 3)
		loop_timer_set(t, 0);
	else
		loop_stop(loop);
}

static void timer_can_be_set_again_from_its_own_callback(void **state)
{
	struct loop_timer t;

	(void)state;
	start();
	loop_timer_init(&t, loop, again, &t);
	loop_timer_set(&t, -5);
	run("xxx");
	loop_free(loop);
}

static struct loop_watch *first, *second;
static int fds[2];

static void read_one(void *ctx, int happened)
{
	char c;

	(void)happened;
	assert_int_equal(read(fds[0], &c, 1), 1);
	note(c);
	if (ctx)
		loop_task_queue(ctx);
}

static void pause_ms(long ms)
{
	struct timespec t = { 0, ms * 1000000L };

	ppoll(NULL, 0, &t, NULL);
}

static void task_after_a_pause(void *ctx)
{
	note('t');
	pause_ms(5);
	loop_timer_clear(ctx);
	loop_stop(loop);
}

/* Like an answer whose time-out passes while the process is stopped or has no processor. */
static void timer_waits_for_what_the_descriptors_brought_before_it_was_due(void **state)
{
	struct loop_timer limit;
	struct loop_task after;

	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	first = loop_watch(loop, fds[0], LOOP_READ, read_one, &after);
	loop_timer_init(&limit, loop, letter, (void *)(uintptr_t) "!");
	loop_timer_set(&limit, 1);
	loop_task_init(&after, loop, task_after_a_pause, &limit);
	assert_int_equal(write(fds[1], "w", 1), 1);
	pause_ms(5);
	run("wt");
	loop_watch_free(first);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

static int other[2];

static void write_late(void *ctx, int happened)
{
	read_one(NULL, happened);
	loop_timer_set(ctx, 1);
	pause_ms(5);
	assert_int_equal(write(other[1], "x", 1), 1);
}

static void clear_and_stop(void *ctx, int happened)
{
	(void)happened;
	note('x');
	loop_timer_clear(ctx);
	loop_stop(loop);
}

/* The time that callbacks take is time in which nobody looks at the descriptors. */
static void timer_due_while_a_callback_ran_waits_for_the_descriptors(void **state)
{
	struct loop_timer limit;

	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(pipe(other), 0);
	first = loop_watch(loop, fds[0], LOOP_READ, write_late, &limit);
	second = loop_watch(loop, other[0], LOOP_READ, clear_and_stop, &limit);
	loop_timer_init(&limit, loop, letter, (void *)(uintptr_t) "!");
	assert_int_equal(write(fds[1], "w", 1), 1);
	run("wx");
	loop_watch_free(first);
	loop_watch_free(second);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(other[i]);
	}
	loop_free(loop);
}

static void note_ready(void *ctx, int happened)
{
	(void)happened;
	assert_true(++*(int *)ctx < 1000000);
}

static void descriptor_that_is_always_ready_starves_no_timer(void **state)
{
	struct loop_timer end;
	int rounds = 0;

	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	first = loop_watch(loop, fds[1], LOOP_WRITE, note_ready, &rounds);
	loop_timer_init(&end, loop, stop, NULL);
	loop_timer_set(&end, 2);
	run("");
	loop_watch_free(first);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

/* ---- tasks ---- */

static struct loop_task one, two;

static void queue_two(void *ctx)
{
	(void)ctx;
	note('1');
	loop_task_queue(&two);
}

static void queue_again(void *ctx)
{
	(void)ctx;
	note('1');
	loop_task_queue(&one);
}

static void note_readable(void *ctx, int happened)
{
	(void)ctx, (void)happened;
	note('w');
	loop_stop(loop);
}

/* Runs until the descriptor, which is readable from the beginning, has its turn. */
static void run_beside_descriptor(const char *want)
{
	struct loop_watch *w;
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], "x", 1), 1);
	w = loop_watch(loop, p[0], LOOP_READ, note_readable, NULL);
	run(want);
	loop_watch_free(w);
	close(p[0]);
	close(p[1]);
}

static void tasks_run_once_and_before_the_round_is_over_also_those_they_queue(void **state)
{
	(void)state;
	start();
	loop_task_init(&one, loop, queue_two, NULL);
	loop_task_init(&two, loop, letter, (void *)(uintptr_t) "2");
	loop_task_queue(&one);
	loop_task_queue(&one);
	run_beside_descriptor("12w");
	loop_free(loop);
}

static void task_that_queues_itself_leaves_the_descriptors_their_turn(void **state)
{
	(void)state;
	start();
	loop_task_init(&one, loop, queue_again, NULL);
	loop_task_queue(&one);
	run_beside_descriptor("1w");
	loop_task_clear(&one);
	loop_free(loop);
}

static void stopped_loop_runs_no_further_task(void **state)
{
	struct loop_task end;

	(void)state;
	start();
	loop_task_init(&end, loop, stop, NULL);
	loop_task_init(&two, loop, letter, (void *)(uintptr_t) "2");
	loop_task_queue(&end);
	loop_task_queue(&two);
	run("");
	loop_task_clear(&two);
	loop_free(loop);
}

static void clear_two(void *ctx)
{
	(void)ctx;
	note('1');
	loop_task_clear(&two);
	loop_task_clear(&two);
	loop_stop(loop);
}

static void task_cleared_by_another_does_not_run(void **state)
{
	(void)state;
	start();
	loop_task_init(&one, loop, clear_two, NULL);
	loop_task_init(&two, loop, letter, (void *)(uintptr_t) "2");
	loop_task_queue(&one);
	loop_task_queue(&two);
	run("1");
	loop_free(loop);
}

/* ---- descriptors ---- */

static void free_second(void *ctx, int happened)
{
	(void)ctx;
	assert_true(happened & LOOP_READ);
	note('f');
	loop_watch_free(second);
	loop_watch_free(first);
	first = second = NULL;
	loop_stop(loop);
}

static void never(void *ctx, int happened)
{
	(void)ctx, (void)happened;
	note('!');
}

static void watch_freed_by_another_in_the_same_round_is_not_called(void **state)
{
	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	first = loop_watch(loop, fds[0], LOOP_READ, free_second, NULL);
	second = loop_watch(loop, fds[0], LOOP_READ, never, NULL);
	run("f");
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

static void say_what(void *ctx, int happened)
{
	(void)ctx;
	note((char)('0' + happened));
	loop_stop(loop);
}

static void hang_ups_are_told_only_to_who_listens(void **state)
{
	struct loop_timer end;

	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	first = loop_watch(loop, fds[1], 0, never, NULL);
	loop_timer_init(&end, loop, stop, NULL);
	loop_timer_set(&end, 5);
	run("");
	loop_watch_free(first);
	first = loop_watch(loop, fds[1], LOOP_HANGUP, say_what, NULL);
	run("4");
	loop_watch_set(first, 0);
	loop_timer_set(&end, 5);
	run("4");
	loop_watch_free(first);
	loop_watch_free(NULL);
	close(fds[1]);
	loop_free(loop);
}

static void add_watches(void *ctx, int happened)
{
	struct loop_watch **w = ctx;

	(void)happened;
	note('a');
	loop_watch_set(first, 0);
	for (int i = 0; i < 100; i++)
		w[i] = loop_watch(loop, fds[1], 0, never, NULL);
	loop_watch_set(w[99], LOOP_WRITE); /* found in the next round only */
	loop_watch_free(w[99]);
	w[99] = loop_watch(loop, fds[1], LOOP_WRITE, say_what, NULL);
}

static void watches_can_be_added_while_others_are_called(void **state)
{
	struct loop_watch *w[100];

	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	first = loop_watch(loop, fds[0], LOOP_READ, add_watches, w);
	run("a2");
	for (int i = 0; i < 100; i += 2)
		loop_watch_free(w[i]);
	run("a22"); /* holes between them change nothing */
	for (int i = 1; i < 100; i += 2)
		loop_watch_free(w[i]);
	loop_watch_free(first);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

static void closed_descriptor_is_a_hang_up_and_no_failure(void **state)
{
	(void)state;
	start();
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	close(fds[1]);
	first = loop_watch(loop, fds[0], LOOP_READ, say_what, NULL);
	run("4");
	loop_watch_free(first);
	loop_free(loop);
}

/* ---- signals ---- */

static void on_signal(void *ctx, enum os_signal signal)
{
	assert_ptr_equal(ctx, trace);
	note(signal == OS_INTERRUPT ? '1' : '2');
	if (signal == OS_TERMINATE)
		loop_stop(loop);
}

static void signals_arrive_on_the_loop_and_are_given_back(void **state)
{
	struct sigaction before = { .sa_handler = SIG_IGN }, after;
	struct err e = { 0 };
	sigset_t set;

	(void)state;
	sigaction(SIGINT, &before, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL); /* as an unkind parent leaves it */
	start();
	assert_true(loop_signal(loop, OS_INTERRUPT, on_signal, trace, &e));
	assert_true(loop_signal(loop, OS_TERMINATE, on_signal, trace, &e));
	raise(SIGINT);
	raise(SIGTERM);
	run("12");
	loop_free(loop);
	sigaction(SIGINT, NULL, &after);
	assert_ptr_equal(after.sa_handler, SIG_IGN);
	raise(SIGINT); /* nothing happens */
}

static void say_that_it_came(void *ctx, enum os_signal signal)
{
	(void)signal;
	note(*(const char *)ctx);
}

static void everybody_who_asked_hears_of_a_signal_until_he_goes(void **state)
{
	static char a = 'a', b = 'b';
	struct err e = { 0 };

	(void)state;
	for (int round = 0; round < 2; round++) {
		start();
		assert_true(loop_signal(loop, OS_INTERRUPT, say_that_it_came, &a, &e));
		assert_true(loop_signal(loop, OS_INTERRUPT, say_that_it_came, &b, &e));
		assert_true(loop_signal(loop, OS_TERMINATE, on_signal, trace, &e));
		if (round)
			loop_signals_drop(loop, &a);
		raise(SIGINT);
		raise(SIGTERM);
		run(round ? "b2" : "ab2");
		loop_free(loop);
	}
}

static void signals_that_come_after_the_end_have_no_effect(void **state)
{
	struct err e = { 0 };

	(void)state;
	signal(SIGTERM, SIG_DFL); /* by which a process dies */
	start();
	assert_true(loop_signal(loop, OS_TERMINATE, on_signal, trace, &e));
	raise(SIGTERM);
	run("2");
	loop_ignore_signals(loop);
	raise(SIGTERM);
	loop_free(loop);
	raise(SIGTERM);
	assert_string_equal(trace, "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shortage_of_memory_that_passes_is_waited_for),
		cmocka_unit_test(shortage_of_memory_that_stays_ends_the_loop),
		cmocka_unit_test(timers_fire_in_the_order_of_their_time),
		cmocka_unit_test(cleared_timer_does_not_fire),
		cmocka_unit_test(timer_can_be_set_again_from_its_own_callback),
		cmocka_unit_test(timer_waits_for_what_the_descriptors_brought_before_it_was_due),
		cmocka_unit_test(timer_due_while_a_callback_ran_waits_for_the_descriptors),
		cmocka_unit_test(descriptor_that_is_always_ready_starves_no_timer),
		cmocka_unit_test(tasks_run_once_and_before_the_round_is_over_also_those_they_queue),
		cmocka_unit_test(task_that_queues_itself_leaves_the_descriptors_their_turn),
		cmocka_unit_test(stopped_loop_runs_no_further_task),
		cmocka_unit_test(task_cleared_by_another_does_not_run),
		cmocka_unit_test(watch_freed_by_another_in_the_same_round_is_not_called),
		cmocka_unit_test(hang_ups_are_told_only_to_who_listens),
		cmocka_unit_test(watches_can_be_added_while_others_are_called),
		cmocka_unit_test(closed_descriptor_is_a_hang_up_and_no_failure),
		cmocka_unit_test(signals_arrive_on_the_loop_and_are_given_back),
		cmocka_unit_test(everybody_who_asked_hears_of_a_signal_until_he_goes),
		cmocka_unit_test(signals_that_come_after_the_end_have_no_effect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
