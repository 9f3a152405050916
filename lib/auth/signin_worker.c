#include "auth/signin_worker.h"

#include <stdlib.h>
#include <string.h>

#include "auth/flow.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "net/loop.h"

/* Between two tries for the lock that saving needs; whoever refreshes holds it for seconds at most. */
#define LOCK_MS 50
#define LOCK_TRIES 600

/* The page of the browser is still being sent when the tokens are safe. */
#define LAST_PAGE_MS 200

struct process {
	const struct worker_job *job;
	const json_t *said; /* the job as it came */
	struct loop *loop;
	struct flow *flow;
	struct loop_timer deadline, save, last;
	const struct signin_record *g; /* what came of it */
	bool kept;
	struct err e; /* how it ended, or why g could not be kept */
	unsigned tries;
};

/* For those who watch the store. */
static void note(const struct process *p, const char *url, const char *code)
{
	struct store_note n = { .at_s = clock_wall_s() };
	struct err e = { 0 };

	if (p->e.kind) {
		n.kind = p->e.kind;
		n.reason = p->e.reason;
		n.message = mem_dup(p->e.msg);
		n.advice = mem_dup(p->e.advice);
	}
	n.url = url ? mem_dup(url) : NULL;
	n.code = code ? mem_dup(code) : NULL;
	if (!store_note_write(p->job->store, &n, &e))
		diag_debug("%s", err_text(&e));
	store_note_clear(&n);
}

/* For the bridge that started this. */
static void tell(const struct process *p)
{
	struct worker_report r = {
		.over = true, .e = p->e, .kept = p->kept, .has_record = p->g != NULL
	};

	if (p->g)
		signin_record_copy(&r.g, p->g);
	worker_report_say(&r);
	worker_report_clear(&r);
}

static void over(struct process *p)
{
	note(p, NULL, NULL);
	tell(p);
	if (p->loop)
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
	int lock = store_lock(p->job->store, &busy, &p->e);

	if (lock < 0 && busy && ++p->tries < LOCK_TRIES) {
		loop_timer_set(&p->save, LOCK_MS);
		return;
	}
	p->kept = store_save(p->job->store, p->g, &p->e);
	if (p->kept)
		p->e = (struct err){ 0 };
	store_unlock(lock);
	over(p);
}

static void on_url(void *ctx, const char *url, const char *code)
{
	struct process *p = ctx;
	struct worker_report r = { .url = mem_dup(url), .code = code ? mem_dup(code) : NULL };

	note(p, url, code);
	worker_report_say(&r);
	worker_report_clear(&r);
}

static void on_done(void *ctx, const struct signin_record *g, const struct err *e)
{
	struct process *p = ctx;

	loop_timer_clear(&p->deadline);
	loop_timer_clear(&p->last);
	p->g = g;
	if (g) {
		save(p);
	} else {
		p->e = *e;
		over(p);
	}
}

static const struct flow_events events = { .url = on_url, .done = on_done };

/* The registration is given up where nothing else depends on it. */
static void forget_client(struct process *p)
{
	struct signin_record g = { 0 };
	bool busy = false;
	struct err e = { 0 };
	int lock = store_lock(p->job->store, &busy, &e);

	if (lock >= 0 && store_load(p->job->store, &g, &e) == STORE_OK &&
		!secret_isset(&g.refresh)) {
		free(g.client_id);
		g.client_id = NULL;
		if (!store_save(p->job->store, &g, &e))
			diag_debug("%s", err_text(&e));
	}
	store_unlock(lock);
	signin_record_clear(&g);
}

static void too_late(void *ctx)
{
	struct process *p = ctx;
	char *command = oauth_command(&p->job->opts, NULL);

	err_set(&p->e, ERR_AUTH, "nobody completed the sign-in within %lld second%s",
		(long long)p->job->opts.timeout_s, p->job->opts.timeout_s == 1 ? "" : "s");
	err_advise(&p->e, REASON_SIGN_IN, "Run \"%s\".", command);
	free(command);
	if (flow_may_be_forgotten(p->flow))
		forget_client(p);
	over(p);
}

static void run_flow(struct process *p)
{
	const struct worker_job *j = p->job;
	struct flow_start start = { .opts = &j->opts,
		.known = j->has_record ? &j->g : NULL,
		.resource_metadata = worker_job_text(p->said, "resource_metadata"),
		.scope = worker_job_text(p->said, "scope"),
		.step_up = worker_job_flag(p->said, "step_up"),
		.hidden = true };
	struct http *http = http_new(p->loop, &j->http, &p->e);

	loop_timer_init(&p->deadline, p->loop, too_late, p);
	loop_timer_init(&p->save, p->loop, save, p);
	loop_timer_init(&p->last, p->loop, last_page_sent, p);
	loop_timer_set(&p->deadline, j->opts.timeout_s * 1000);
	p->flow = http ? flow_new(p->loop, http, &start, &events, p, &p->e) : NULL;
	if (!p->flow || !loop_run(p->loop, &p->e))
		over(p);
	flow_free(p->flow);
	loop_timer_clear(&p->deadline);
	loop_timer_clear(&p->save);
	loop_timer_clear(&p->last);
	http_free(http);
}

void signin_worker_run(struct worker_job *j, const json_t *job)
{
	struct process p = { .job = j, .said = job };
	struct worker_report again = { .over = true, .again = true };
	bool busy = false;
	struct err why = { 0 };
	int lock = store_lock_signin(j->store, &busy, &why);

	if (busy) {
		worker_report_say(&again);
		return;
	}
	note(&p, NULL, NULL); /* that of a sign-in that was killed is nobody's */
	p.loop = loop_new(&p.e);
	if (p.loop)
		run_flow(&p);
	else
		over(&p);
	loop_free(p.loop);
	store_unlock(lock);
}

/* ---- its starter ---- */

struct worker *signin_worker_start(struct loop *l, const struct signin_worker *s,
	const struct worker_events *on, void *ctx, struct err *e)
{
	json_t *job = worker_job_new(SIGNIN_WORK, s->opts, s->http, s->known);

	if (job && s->resource_metadata)
		json_object_set_new(job, "resource_metadata", json_string(s->resource_metadata));
	if (job && s->scope)
		json_object_set_new(job, "scope", json_string(s->scope));
	if (job)
		json_object_set_new(job, "step_up", json_boolean(s->step_up));
	return worker_job_start(l, job, s->opts, on, ctx, e);
}
