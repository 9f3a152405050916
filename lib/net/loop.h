/*
 * The one loop: a poll(2) set, timers, signals and work put off to the end of
 * a round. Nothing else in the program waits. Callbacks note and queue; they
 * may add, change and free any watch, timer or task, their own included.
 */
#ifndef MPMCP_LOOP_H
#define MPMCP_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "os/loop.h"

struct loop;
struct loop_watch;

enum { LOOP_READ = 1, LOOP_WRITE = 2 }; /* what to wait for, and what happened */
enum { LOOP_HANGUP = 4 };               /* reported always: the other end is gone, or an error */

struct loop *loop_new(struct err *e) __attribute__((warn_unused_result));
void loop_free(struct loop *l); /* after everything that was put on it is freed */

/* Runs callbacks until loop_stop() was called. False on a failure of poll itself. */
bool loop_run(struct loop *l, struct err *e) __attribute__((warn_unused_result));
void loop_stop(struct loop *l);

/* Descriptors. events 0 keeps the watch but waits for nothing; LOOP_HANGUP
 * alone waits for that only. */
typedef void loop_watch_fn(void *ctx, int happened);
struct loop_watch *loop_watch(struct loop *l, int fd, int events, loop_watch_fn *fn, void *ctx);
void loop_watch_set(struct loop_watch *w, int events);
void loop_watch_free(struct loop_watch *w); /* NULL is fine; does not close the descriptor */

/* Timers: embedded, one shot. A cleared or never set timer costs nothing. One fires only after the
 * descriptors were looked at when it was due and what they brought, tasks included, was handled: what came in
 * time is never called late because this process was stopped or had no processor meanwhile. */
typedef void loop_timer_fn(void *ctx);
struct loop_timer {
	struct loop *loop;
	loop_timer_fn *fn;
	void *ctx;
	int64_t due_ms; /* clock_ms() at which it fires; meaningful while set */
	struct loop_timer *prev, *next;
	bool set;
};
void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn, void *ctx);
void loop_timer_set(struct loop_timer *t, int64_t ms); /* from now; replaces an earlier setting */
void loop_timer_clear(struct loop_timer *t); /* also fine when never initialised (zeroed) */

/* Work for the end of the current round, before the loop waits again: once per scheduling, and at
 * most once in a round. */
struct loop_task {
	struct loop *loop;
	loop_timer_fn *fn;
	void *ctx;
	struct loop_task *prev, *next;
	unsigned long round; /* in which it ran last */
	bool queued;
};
void loop_task_init(struct loop_task *t, struct loop *l, loop_timer_fn *fn, void *ctx);
void loop_task_queue(struct loop_task *t);
void loop_task_clear(struct loop_task *t);

/* Signals, delivered on the loop, to all who asked for one. One loop at a time may own signals; loop_free()
 * restores the dispositions that loop_signal() replaced. */
typedef void loop_signal_fn(void *ctx, enum os_signal signal);
bool loop_signal(struct loop *l, enum os_signal signal, loop_signal_fn *fn, void *ctx,
	struct err *e) __attribute__((warn_unused_result));

/* Whoever goes before its loop takes its functions along: those with this ctx are not called any more. The
 * signals stay caught. */
void loop_signals_drop(struct loop *l, const void *ctx);

/* For a process that is about to end with a status of its own: the loop's signals have no effect any
 * more, after loop_free() neither. */
void loop_ignore_signals(struct loop *l);

#endif
