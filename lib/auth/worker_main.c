#include "auth/worker_main.h"

#include "auth/refresh_worker.h"
#include "auth/signin_worker.h"
#include "base/diag.h"

static bool do_job(const json_t *job, struct err *e)
{
	struct worker_job j;
	bool good = worker_job_read(job, &j, e);

	if (good && worker_job_is(job, REFRESH_WORK))
		good = refresh_worker_run(&j, job, e);
	else if (good && worker_job_is(job, SIGNIN_WORK))
		signin_worker_run(&j, job);
	else if (good)
		good = err_set(e, ERR_USAGE, "this is no job of a worker");
	worker_job_clear(&j);
	return good;
}

bool worker_main(void)
{
	struct worker_report r = { .over = true, .how = TOKEN_TRANSIENT, .retry_after_s = -1 };
	bool other, good = false;
	json_t *job = worker_job(&other, &r.e);

	if (job)
		good = do_job(job, &r.e);
	else if (other)
		worker_report_say(&r);
	if (!good)
		diag_error("%s", err_text(&r.e));
	json_decref(job);
	return good;
}
