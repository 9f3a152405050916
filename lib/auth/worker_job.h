/*
 * What a worker needs to know of the person's options, as members of its job
 * (worker.h). Strings that are read are borrowed from the job.
 */
#ifndef MPMCP_WORKER_JOB_H
#define MPMCP_WORKER_JOB_H

#include <jansson.h>

#include "auth/oauth_options.h"
#include "auth/signin_record.h"
#include "auth/worker.h"
#include "net/http.h"

struct worker_job {
	struct oauth_options opts;
	struct http_opts http;
	struct store *store; /* owned */
	struct signin_record g;
	bool has_record;
};

/* A job of this kind, with a record or without (NULL); NULL when there is no memory. */
json_t *worker_job_new(const char *work, const struct oauth_options *opts,
	const struct http_opts *http, const struct signin_record *g);
/* Starts it; people see the origin that it is about. */
struct worker *worker_job_start(struct loop *l, json_t *job, const struct oauth_options *opts,
	const struct worker_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));
/* False with e set when it is none; worker_job_clear() either way. */
bool worker_job_read(const json_t *job, struct worker_job *out, struct err *e)
	__attribute__((warn_unused_result));
void worker_job_clear(struct worker_job *j);

/* Is it of this kind? */
bool worker_job_is(const json_t *job, const char *work);
/* A text or a switch of its own; NULL and false when it is not there. */
const char *worker_job_text(const json_t *job, const char *name);
bool worker_job_flag(const json_t *job, const char *name);

#endif
