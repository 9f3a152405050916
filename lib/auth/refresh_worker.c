#include "auth/refresh_worker.h"

#include <stdlib.h>
#include <string.h>

#include "auth/token.h"
#include "base/clock.h"
#include "net/loop.h"

struct process {
	const struct worker_job *job;
	struct secret stored;
	bool refused;
	struct loop *loop;
	struct worker_report report; /* its record is what is asked with and what comes of it */
};

/* The refresh token is worth nothing. What else is known stays: the registration, the scopes. */
static void forget_tokens(struct process *p)
{
	struct signin_record *g = &p->report.g;
	bool serves = !p->refused && g->expires_s > clock_wall_s();

	secret_clear(&g->refresh);
	if (!serves)
		secret_clear(&g->access);
	if (p->report.how == TOKEN_INVALID_CLIENT) {
		free(g->client_id);
		g->client_id = NULL;
	}
}

/* A client that was given is not to be had anew: who gave it has to know, and nothing is thrown away. */
static bool is_for_good(const struct process *p)
{
	return p->report.how == TOKEN_INVALID_GRANT ||
	       (p->report.how == TOKEN_INVALID_CLIENT && !p->job->opts.client_info);
}

/* What another process saved meanwhile is a sign-in that nobody has refused: it stays, and serves. */
static void take_over(struct worker_report *r, const struct signin_record *now)
{
	signin_record_clear(&r->g);
	r->g = *now;
	r->how = TOKEN_OK;
	r->e = (struct err){ 0 };
	r->kept = true;
}

/* The file, unless it holds by now what is not ours to replace. */
static void keep(struct process *p)
{
	struct worker_report *r = &p->report;
	struct signin_record now;
	struct err e = { 0 };

	switch (store_since(p->job->store, &p->stored, &now)) {
	case STORE_OTHER:
		take_over(r, &now);
		return;
	case STORE_GONE:
		if (r->how != TOKEN_OK)
			forget_tokens(p);
		else
			err_set(&e, ERR_IO, "another process has removed %s",
				store_path(p->job->store));
		break;
	case STORE_SAME:
		if (r->how != TOKEN_OK)
			forget_tokens(p);
		r->kept = store_save(p->job->store, &r->g, &e);
		break;
	}
	if (e.kind)
		r->e = e;
}

static void finish(struct process *p)
{
	struct worker_report *r = &p->report;

	if (r->how == TOKEN_OK || is_for_good(p))
		keep(p);
	r->over = r->has_record = true;
	worker_report_say(r);
}

static void answered(void *ctx, enum token_outcome how, long retry_after_s, const struct err *e)
{
	struct process *p = ctx;

	p->report.how = how;
	p->report.retry_after_s = retry_after_s;
	if (e)
		p->report.e = *e;
	finish(p);
	loop_stop(p->loop);
}

static void ask(struct process *p)
{
	struct token_call c = { .kind = TOKEN_REFRESH };
	struct http *http = http_new(p->loop, &p->job->http, &p->report.e);
	struct token_request *t =
		http ? token_start(http, &p->job->opts, &p->report.g, &c, answered, p, &p->report.e)
		     : NULL;

	p->report.how = TOKEN_TRANSIENT;
	if (!t || !loop_run(p->loop, &p->report.e))
		finish(p);
	http_free(http);
}

/* Under the lock, or with no place for it: another process has saved tokens since the starter looked. */
static bool is_late(const struct process *p)
{
	struct signin_record now;
	bool other = store_since(p->job->store, &p->stored, &now) == STORE_OTHER;

	if (other)
		signin_record_clear(&now);
	return other;
}

bool refresh_worker_run(struct worker_job *j, const json_t *job, struct err *e)
{
	const char *stored = worker_job_text(job, "stored");
	struct process p = { .job = j, .refused = worker_job_flag(job, "refused") };
	bool busy = false;
	struct err why = { 0 };
	int lock;

	if (!j->has_record || !secret_isset(&j->g.refresh))
		return err_set(e, ERR_USAGE, "this is no job of a worker");
	secret_set(&p.stored, stored, stored ? strlen(stored) : 0);
	signin_record_copy(&p.report.g, &j->g);
	lock = store_lock(j->store, &busy, &why);
	p.report.again = busy || is_late(&p);
	p.report.over = p.report.again;
	if (p.report.again)
		worker_report_say(&p.report);
	else if ((p.loop = loop_new(&p.report.e)))
		ask(&p);
	store_unlock(lock);
	loop_free(p.loop);
	secret_clear(&p.stored);
	worker_report_clear(&p.report);
	return true;
}

/* ---- its starter ---- */

struct worker *refresh_worker_start(struct loop *l, const struct refresh_worker *r,
	const struct worker_events *on, void *ctx, struct err *e)
{
	json_t *job = worker_job_new(REFRESH_WORK, r->opts, r->http, r->g);

	if (job && secret_isset(r->stored))
		json_object_set_new(job, "stored", json_string(secret_str(r->stored)));
	if (job)
		json_object_set_new(job, "refused", json_boolean(r->refused));
	return worker_job_start(l, job, r->opts, on, ctx, e);
}
