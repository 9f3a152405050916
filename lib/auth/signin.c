#include "auth/signin.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/flow.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/loop.h"

/* Between two tries for the lock that saving needs; whoever refreshes holds it for seconds at most. */
#define LOCK_MS 50
#define LOCK_TRIES 600

/* Descriptors to look at when the limit is unlimited. */
#define FDS_MAX 65536

/* The page of the browser is still being sent when the tokens are safe. */
#define LAST_PAGE_MS 200

struct process {
	const struct signin *s;
	struct loop *loop;
	struct flow *flow;
	struct loop_timer deadline, save, last;
	const struct grant *g; /* to be saved */
	struct err e;          /* how it ended */
	unsigned tries;
};

static void note(struct process *p, const char *url)
{
	struct store_note n = { .at_s = clock_wall_s(),
		.kind = p->e.kind,
		.message = p->e.kind ? p->e.msg : NULL,
		.url = url ? mem_dup(url) : NULL };
	struct err e = { 0 };

	if (!store_note_write(p->s->store, &n, &e))
		diag_debug("%s", e.msg);
	free(n.url);
}

static void over(struct process *p)
{
	note(p, NULL);
	loop_timer_set(&p->last, LAST_PAGE_MS);
}

static void last_page_sent(void *ctx)
{
	struct process *p = ctx;

	loop_stop(p->loop);
}

static void save(void *ctx)
{
	struct process *p = ctx;
	bool busy = false;
	int lock = store_lock(p->s->store, &busy, &p->e);

	if (lock < 0 && busy && ++p->tries < LOCK_TRIES) {
		loop_timer_set(&p->save, LOCK_MS);
		return;
	}
	if (store_save(p->s->store, p->g, &p->e))
		p->e = (struct err){ 0 };
	store_unlock(lock);
	over(p);
}

static void on_url(void *ctx, const char *url, const char *code)
{
	(void)code;
	note(ctx, url);
}

static void on_done(void *ctx, const struct grant *g, const struct err *e)
{
	struct process *p = ctx;

	loop_timer_clear(&p->deadline);
	p->g = g;
	if (g) {
		save(p);
	} else {
		p->e = *e;
		over(p);
	}
}

static const struct flow_events events = { on_url, on_done };

static void too_late(void *ctx)
{
	struct process *p = ctx;

	err_set(&p->e, ERR_AUTH,
		"nobody completed the sign-in within %lld seconds. Run \"mpmcp login\"",
		(long long)p->s->opts->timeout_s);
	over(p);
}

static void run(const struct signin *s)
{
	struct process p = { .s = s };
	struct flow_start start = { .opts = s->opts,
		.known = s->known,
		.resource_metadata = s->resource_metadata,
		.scope = s->scope };
	struct http *http = NULL;

	p.loop = loop_new(&p.e);
	http = p.loop ? http_new(p.loop, s->http, &p.e) : NULL;
	if (!http) {
		note(&p, NULL);
		loop_free(p.loop);
		return;
	}
	loop_timer_init(&p.deadline, p.loop, too_late, &p);
	loop_timer_init(&p.save, p.loop, save, &p);
	loop_timer_init(&p.last, p.loop, last_page_sent, &p);
	loop_timer_set(&p.deadline, s->opts->timeout_s * 1000);
	p.flow = flow_new(p.loop, http, &start, &events, &p, &p.e);
	if (!p.flow)
		note(&p, NULL);
	else if (!loop_run(p.loop, &p.e))
		note(&p, NULL);
	flow_free(p.flow);
	loop_timer_clear(&p.deadline);
	loop_timer_clear(&p.save);
	loop_timer_clear(&p.last);
	http_free(http);
	loop_free(p.loop);
}

/* Descriptors of the bridge would keep its client waiting for the end of our output. */
static void let_go(int lock)
{
	struct rlimit limit = { .rlim_cur = FDS_MAX };
	int null = open("/dev/null", O_RDWR), most;

	getrlimit(RLIMIT_NOFILE, &limit);
	most = limit.rlim_cur > FDS_MAX ? FDS_MAX : (int)limit.rlim_cur;
	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	for (int fd = 3; fd < most; fd++)
		if (fd != lock)
			close(fd);
}

static void reset_signals(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGUSR2, SIGCHLD };

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
}

/* Two forks: the process in the middle ends at once, so that ours belongs to nobody's tree, and
 * setsid() takes it out of the client's process group. */
bool signin_spawn(const struct signin *s, int lock, struct err *e)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return err_set(e, ERR_IO, "cannot start the sign-in: %s", strerror(errno));
	if (pid == 0) {
		reset_signals();
		setsid();
		pid = fork();
		if (pid != 0)
			_exit(pid < 0);
		diag_close();
		let_go(lock);
		if (chdir("/") != 0)
			diag_debug("chdir: %s", strerror(errno));
		run(s);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0 || err_set(e, ERR_IO, "cannot start the sign-in: no more processes");
}
