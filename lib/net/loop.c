#include "net/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/loop.h"
#include "os/time.h"

struct loop_watch {
	struct loop *loop;
	size_t slot; /* index into loop's two arrays */
	loop_watch_fn *fn;
	void *ctx;
};

/* A program, its bridge and a command's own client, each with three signals: a fixed table does. */
#define SIGNALS_MAX 12

struct owned_signal {
	enum os_signal signal;
	loop_signal_fn *fn; /* NULL: nobody's */
	void *ctx;
};

struct loop {
	/* fds[i] belongs to watches[i]; a watch freed in the middle of a round leaves a hole (NULL)
	 * until the round is over, so that indices stay what they were. */
	struct os_wait *fds;
	struct loop_watch **watches;
	size_t n, room;
	size_t holes;
	struct mem_pool spare;    /* watches */
	struct loop_timer timers; /* sentinel of a list sorted by due_ms */
	struct loop_task tasks;   /* sentinel of a queue */
	unsigned long round;      /* of running tasks */
	struct owned_signal signals[SIGNALS_MAX];
	struct loop_watch *signal_watch; /* NULL until the first loop_signal() */
	bool stop;
};

struct loop *loop_new(struct err *e)
{
	struct loop *l = mem_new(sizeof(*l));

	(void)e;
	l->timers.prev = l->timers.next = &l->timers;
	l->tasks.prev = l->tasks.next = &l->tasks;
	return l;
}

void loop_free(struct loop *l)
{
	if (!l)
		return;
	if (l->signal_watch)
		os_signals_close();
	loop_watch_free(l->signal_watch);
	free(l->fds);
	free(l->watches);
	mem_pool_clear(&l->spare);
	free(l);
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}

/* ---- descriptors ---- */

static short poll_events(int events)
{
	return (short)((events & LOOP_READ ? OS_CAN_READ : 0) |
		       (events & LOOP_WRITE ? OS_CAN_WRITE : 0));
}

/* poll() reports errors and hang-ups even when nothing is asked for; a negative descriptor is how
 * it is told to look away. */
static void set_events(struct os_wait *p, int fd, int events)
{
	p->fd = events ? fd : -1 - fd;
	p->want = poll_events(events);
	p->got = 0;
}

static int slot_fd(const struct os_wait *p)
{
	return p->fd >= 0 ? p->fd : -1 - p->fd;
}

struct loop_watch *loop_watch(struct loop *l, int fd, int events, loop_watch_fn *fn, void *ctx)
{
	struct loop_watch *w = mem_pool_get(&l->spare, sizeof(*w));

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 16;
		l->fds = mem_grow(l->fds, l->room, sizeof(*l->fds));
		l->watches = mem_grow(l->watches, l->room, sizeof(struct loop_watch *));
	}
	*w = (struct loop_watch){ .loop = l, .slot = l->n, .fn = fn, .ctx = ctx };
	l->watches[l->n] = w;
	set_events(&l->fds[l->n], fd, events);
	l->n++;
	return w;
}

void loop_watch_set(struct loop_watch *w, int events)
{
	struct os_wait *p = &w->loop->fds[w->slot];
	short happened = p->got;

	set_events(p, slot_fd(p), events);
	/* Called in the middle of a round: what was found is still delivered, if still wanted. */
	p->got = events ? happened : 0;
}

void loop_watch_free(struct loop_watch *w)
{
	if (!w)
		return;
	w->loop->watches[w->slot] = NULL;
	w->loop->fds[w->slot].fd = -1;
	w->loop->fds[w->slot].got = 0;
	w->loop->holes++;
	mem_pool_put(&w->loop->spare, w);
}

static void close_holes(struct loop *l)
{
	size_t to = 0;

	for (size_t i = 0; i < l->n; i++) {
		if (!l->watches[i])
			continue;
		l->watches[to] = l->watches[i];
		l->fds[to] = l->fds[i];
		l->watches[to]->slot = to;
		to++;
	}
	l->n = to;
	l->holes = 0;
}

static void dispatch(struct loop *l, int ready)
{
	size_t n = l->n; /* watches added by a callback have to wait for the next round */

	for (size_t i = 0; i < n && ready > 0 && !l->stop; i++) {
		short r = l->fds[i].got;

		if (!r)
			continue;
		ready--;
		l->fds[i].got = 0;
		if (l->watches[i])
			l->watches[i]->fn(l->watches[i]->ctx,
				(r & OS_CAN_READ ? LOOP_READ : 0) |
					(r & OS_CAN_WRITE ? LOOP_WRITE : 0) |
					(r & (OS_HUNG_UP | OS_FAILED | OS_NOT_OPEN) ? LOOP_HANGUP
										    : 0));
	}
}

/* ---- timers ---- */

void loop_timer_init(struct loop_timer *t, struct loop *l, loop_timer_fn *fn, void *ctx)
{
	*t = (struct loop_timer){ .loop = l, .fn = fn, .ctx = ctx };
}

void loop_timer_clear(struct loop_timer *t)
{
	if (!t->set)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->set = false;
}

/* Most timers have the same length as the one set before, so the search starts at the far end. */
void loop_timer_set(struct loop_timer *t, int64_t ms)
{
	struct loop_timer *at;

	loop_timer_clear(t);
	t->due_ms = clock_ms() + (ms > 0 ? ms : 0);
	for (at = t->loop->timers.prev; at != &t->loop->timers && at->due_ms > t->due_ms;)
		at = at->prev;
	t->prev = at;
	t->next = at->next;
	at->next->prev = t;
	at->next = t;
	t->set = true;
}

/* Those that were due at a time at which the descriptors were looked at afterwards. Judged by the clock of
 * now, a process that was stopped or starved would call an answer late that has been in the socket all along. */
static void run_timers(struct loop *l, int64_t looked_ms)
{
	while (l->timers.next != &l->timers && l->timers.next->due_ms <= looked_ms && !l->stop) {
		struct loop_timer *t = l->timers.next;

		loop_timer_clear(t);
		t->fn(t->ctx);
	}
}

/* ---- tasks ---- */

void loop_task_init(struct loop_task *t, struct loop *l, loop_timer_fn *fn, void *ctx)
{
	*t = (struct loop_task){ .loop = l, .fn = fn, .ctx = ctx };
}

void loop_task_queue(struct loop_task *t)
{
	struct loop_task *tail = &t->loop->tasks;

	if (t->queued)
		return;
	t->prev = tail->prev;
	t->next = tail;
	tail->prev->next = t;
	tail->prev = t;
	t->queued = true;
}

void loop_task_clear(struct loop_task *t)
{
	if (!t->queued)
		return;
	t->prev->next = t->next;
	t->next->prev = t->prev;
	t->queued = false;
}

static struct loop_task *next_task(const struct loop *l)
{
	for (struct loop_task *t = l->tasks.next; t != &l->tasks; t = t->next)
		if (t->round != l->round)
			return t;
	return NULL;
}

/* A message takes several steps on its way, each queued by the one before; to look at the descriptors
 * between them would cost as much as the steps. Each task runs once in a round: then the descriptors
 * have their turn. */
static void run_tasks(struct loop *l)
{
	struct loop_task *t;

	l->round++;
	while (!l->stop && (t = next_task(l))) {
		loop_task_clear(t);
		t->round = l->round;
		t->fn(t->ctx);
	}
}

/* ---- signals ---- */

static void read_signals(void *ctx, int happened)
{
	struct loop *l = ctx;
	enum os_signal s;

	(void)happened;
	while ((s = os_signal_next()) != OS_NO_SIGNAL)
		for (size_t i = 0; i < SIGNALS_MAX; i++)
			if (l->signals[i].fn && l->signals[i].signal == s)
				l->signals[i].fn(l->signals[i].ctx, s);
}

bool loop_signal(
	struct loop *l, enum os_signal signal, loop_signal_fn *fn, void *ctx, struct err *e)
{
	int fd = l->signal_watch ? -1 : os_signals_open();
	size_t i = 0;

	while (i < SIGNALS_MAX && l->signals[i].fn)
		i++;
	if (i == SIGNALS_MAX)
		return err_set(e, ERR_IO, "more than %d signals are handled", SIGNALS_MAX);
	if (!l->signal_watch && fd < 0)
		return err_set(e, ERR_IO, "cannot make a pipe: %s", strerror(errno));
	if (!l->signal_watch)
		l->signal_watch = loop_watch(l, fd, LOOP_READ, read_signals, l);
	if (!os_signal_catch(signal))
		return err_set(e, ERR_IO, "cannot handle signals: %s", strerror(errno));
	l->signals[i] = (struct owned_signal){ signal, fn, ctx };
	return true;
}

void loop_signals_drop(struct loop *l, const void *ctx)
{
	for (size_t i = 0; i < SIGNALS_MAX; i++)
		if (l->signals[i].ctx == ctx)
			l->signals[i] = (struct owned_signal){ .signal = OS_NO_SIGNAL };
}

void loop_ignore_signals(struct loop *l)
{
	if (l->signal_watch)
		os_signals_ignore();
}

/* ---- the loop ---- */

static int wait_ms(const struct loop *l, int64_t now)
{
	int64_t left;

	if (l->tasks.next != &l->tasks)
		return 0;
	if (l->timers.next == &l->timers)
		return -1;
	left = l->timers.next->due_ms - now;
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

/* Shortage of memory in the kernel, which passes or does not: two seconds, then somebody must be told. */
#define FAILURES_MAX 100
#define PAUSE_MS 20

static bool is_passing(int why)
{
	return why == ENOMEM || why == EAGAIN;
}

bool loop_run(struct loop *l, struct err *e)
{
	int64_t looked_ms = INT64_MIN; /* timers due by then may fire */
	int failures = 0;

	l->stop = false;
	for (;;) {
		int64_t before_ms;
		int wait, ready;

		run_tasks(l);
		run_timers(l, looked_ms);
		if (l->stop)
			return true;
		if (l->holes)
			close_holes(l);
		/* Not asked for when no timer is set: none can be due. */
		before_ms = l->timers.next != &l->timers ? clock_ms() : INT64_MIN;
		wait = wait_ms(l, before_ms);
		ready = os_wait(l->fds, l->n, wait);
		if (ready >= 0) {
			failures = 0;
			/* A wait without a sign is one that has passed. */
			looked_ms = ready ? before_ms : before_ms + wait;
			dispatch(l, ready);
		} else if (errno != EINTR && !(is_passing(errno) && failures++ < FAILURES_MAX)) {
			return err_set(e, ERR_IO, "cannot wait for input: %s", strerror(errno));
		} else if (errno != EINTR) {
			os_sleep_ms(PAUSE_MS);
		}
	}
}
