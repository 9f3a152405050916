#include "auth/refresh_worker.h"

#include <stdlib.h>

#include "auth/token.h"
#include "base/clock.h"
#include "net/loop.h"

struct process {
	const struct refresh_worker *r;
	struct worker_out *out;
	struct loop *loop;
	struct worker_report report; /* its record is what is asked with and what comes of it */
};

/* The refresh token is worth nothing. What else is known stays: the registration, the scopes. */
static void forget_tokens(struct process *p)
{
	struct signin_record *g = &p->report.g;
	bool serves = !p->r->refused && g->expires_s > clock_wall_s();

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
	       (p->report.how == TOKEN_INVALID_CLIENT && !p->r->opts->client_info);
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

	switch (store_since(p->r->store, p->r->stored, &now)) {
	case STORE_OTHER:
		take_over(r, &now);
		return;
	case STORE_GONE:
		if (r->how != TOKEN_OK)
			forget_tokens(p);
		else
			err_set(&e, ERR_IO, "another process has removed %s",
				store_path(p->r->store));
		break;
	case STORE_SAME:
		if (r->how != TOKEN_OK)
			forget_tokens(p);
		r->kept = store_save(p->r->store, &r->g, &e);
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
	worker_report_say(p->out, r);
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
	struct http *http = http_new(p->loop, p->r->http, &p->report.e);
	struct token_request *t =
		http ? token_start(http, p->r->opts, &p->report.g, &c, answered, p, &p->report.e)
		     : NULL;

	p->report.how = TOKEN_TRANSIENT;
	if (!t || !loop_run(p->loop, &p->report.e))
		finish(p);
	http_free(http);
}

static void run(void *ctx, struct worker_out *out)
{
	struct process p = { .r = ctx, .out = out };

	signin_record_copy(&p.report.g, p.r->g);
	p.loop = loop_new(&p.report.e);
	if (p.loop)
		ask(&p);
	loop_free(p.loop);
	worker_report_clear(&p.report);
}

struct worker *refresh_worker_start(struct loop *l, const struct refresh_worker *r, int lock,
	const struct worker_events *on, void *ctx, struct err *e)
{
	struct refresh_worker copy = *r;

	return worker_start(l, lock, run, &copy, on, ctx, e);
}
