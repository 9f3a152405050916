/*
 * What a worker process that signs in or refreshes tells its starter, as lines
 * of JSON. The tokens come along, since there may be no disk to keep them on.
 */
#ifndef MPMCP_WORKER_REPORT_H
#define MPMCP_WORKER_REPORT_H

#include "auth/signin_record.h"
#include "auth/token.h"
#include "auth/worker.h"

struct worker_report {
	/* Meanwhile: where the person can sign in, and the code to type there (or NULL). */
	char *url, *code;
	/* The end. */
	bool over;
	bool again; /* nothing was done: another process is at it, or has been; look once more */
	enum token_outcome how; /* of a refresh */
	long retry_after_s;     /* likewise; -1: not said */
	struct err e;           /* why it failed, or why g could not be kept */
	bool has_record;
	struct signin_record g;
	bool kept; /* g is in the store, too */
};

void worker_report_say(const struct worker_report *r); /* in the worker */
/* False when it is no report. worker_report_clear() either way. */
bool worker_report_read(const char *text, size_t n, struct worker_report *r)
	__attribute__((warn_unused_result));
void worker_report_clear(struct worker_report *r);

#endif
