/* Renewing the token at hand, once for all processes of the machine. */
#include "auth/oauth_impl.h"

#include <stdlib.h>

#include "auth/refresh_worker.h"
#include "base/clock.h"
#include "base/diag.h"

/* Between two looks at a lock that another process holds. */
#define LOCK_MS 50
#define LOCK_PATIENCE_MS 30000

/* Pauses between tries of a refresh that failed for no fault of the token. */
static const int64_t retry_ms[] = { 1000, 3000 };
#define RETRIES (sizeof(retry_ms) / sizeof(retry_ms[0]))
/* The server may make us wait so long by Retry-After, as with any request. */
#define RETRY_AFTER_MAX_S 30

/* Only a person can bring another token, once the access token has ended. why: what the server said. */
static void ask_person(struct oauth *a, const struct err *why)
{
	struct err e = { 0 };

	if (oauth_token_usable(&a->token)) {
		oauth_settle(a, AUTH_READY, NULL);
	} else if (!oauth_signin_start(a, &e)) {
		err_prefix(&e, "%s", why->msg);
		oauth_settle(a, AUTH_FAILED, &e);
	} else {
		diag_note("%s", err_text(why));
	}
}

/* The refresh token is worth nothing. */
static void refresh_is_dead(struct oauth *a, const struct err *e)
{
	struct err why = *e;

	oauth_token_report(&a->token, &a->report);
	oauth_stop_worker(a);
	ask_person(a, &why);
}

/* The server refuses in words that are not the standard's for that: what is held is kept until there is
 * something better. */
static void refresh_refused(struct oauth *a, const struct err *e)
{
	struct err why = *e;

	a->token.refresh_refused = true;
	oauth_stop_worker(a);
	ask_person(a, &why);
}

/* The tokens held are still worth something. */
static void refresh_failed(struct oauth *a, const struct err *e, bool again, long wait_s)
{
	struct err why = *e;
	int64_t pause = a->refresh.tries < RETRIES ? retry_ms[a->refresh.tries] : 0;
	char *command;

	a->refresh.rest_until_s = clock_wall_s() + OAUTH_REST_S;
	oauth_stop_worker(a);
	if (oauth_token_usable(&a->token)) {
		diag_debug("the token stays in use: %s", why.msg);
		oauth_settle(a, AUTH_READY, NULL);
	} else if (again && a->refresh.tries < RETRIES && wait_s <= RETRY_AFTER_MAX_S) {
		a->refresh.tries++;
		a->refresh.began_ms = clock_ms() + pause;
		loop_timer_set(&a->timer, wait_s * 1000 > pause ? wait_s * 1000 : pause);
	} else {
		command = oauth_command(a->o, "--force");
		err_prefix(&why, "could not refresh the access token");
		err_advise(&why, why.kind == ERR_AUTH ? REASON_SIGN_IN : why.reason,
			"Your sign-in is still saved. If this persists, run \"%s\".", command);
		free(command);
		oauth_settle(a, AUTH_FAILED, &why);
	}
}

static bool is_patient(const struct oauth *a)
{
	return clock_ms() - a->refresh.began_ms < LOCK_PATIENCE_MS;
}

static void refresh_ended(void *ctx)
{
	struct oauth *a = ctx;
	struct err e = a->report.e;

	a->worker = NULL;
	if (a->report.again && is_patient(a)) {
		worker_report_clear(&a->report);
		loop_timer_set(&a->timer, LOCK_MS);
		return;
	}
	if (!a->report.over || a->report.again) {
		err_set(&e, ERR_IO, "the process that refreshes it ended unexpectedly");
		refresh_failed(a, &e, true, 0);
		return;
	}
	switch (a->report.how) {
	case TOKEN_OK:
		oauth_token_report(&a->token, &a->report);
		oauth_settle(a, AUTH_READY, NULL);
		break;
	case TOKEN_INVALID_GRANT:
	case TOKEN_INVALID_CLIENT:
		if (secret_isset(&a->report.g.refresh))
			refresh_failed(a, &e, false, 0);
		else
			refresh_is_dead(a, &e);
		break;
	case TOKEN_REFUSED:
		refresh_refused(a, &e);
		break;
	case TOKEN_PENDING:
	case TOKEN_SLOW_DOWN:
	case TOKEN_TRANSIENT:
		refresh_failed(a, &e, true, a->report.retry_after_s);
		break;
	}
}

static void signed_out(struct oauth *a)
{
	struct signin_record none = { 0 };
	struct err e = { 0 };

	oauth_token_adopt(&a->token, &none);
	if (!oauth_signin_start(a, &e))
		oauth_settle(a, AUTH_FAILED, &e);
}

/* Nobody is at it. The lock is given back: the process that refreshes takes it, and looks at the file again. */
static void refresh_now(struct oauth *a, int lock)
{
	static const struct worker_events events = { oauth_worker_line, refresh_ended };
	struct refresh_worker r = { .opts = a->o, .http = a->http_opts };
	struct err e = { 0 };
	bool fresh = oauth_token_reread(&a->token) && oauth_token_usable(&a->token) &&
		     !oauth_token_near_end(&a->token);

	store_unlock(lock);
	if (fresh) {
		oauth_settle(a, AUTH_READY, NULL);
		return;
	}
	if (oauth_token_gone(&a->token)) {
		signed_out(a);
		return;
	}
	r.g = &a->token.g;
	r.stored = &a->token.stored;
	r.refused = a->token.rejected;
	a->worker = refresh_worker_start(a->loop, &r, &events, a, &e);
	if (!a->worker)
		refresh_failed(a, &e, true, 0);
}

void oauth_refresh_try(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };
	int lock = store_lock(a->token.store, &busy, &e);

	if (!busy) {
		if (lock < 0)
			diag_debug("refreshing without a lock: %s", e.msg);
		refresh_now(a, lock);
	} else if (oauth_token_reload(&a->token) && oauth_token_usable(&a->token)) {
		oauth_settle(a, AUTH_READY, NULL);
	} else if (is_patient(a)) {
		loop_timer_set(&a->timer, LOCK_MS);
	} else {
		/* Never without the lock: a refresh token that is used twice ends the sign-in. */
		err_set(&e, ERR_SERVER, "another process is refreshing it but has had no reply");
		refresh_failed(a, &e, false, 0);
	}
}

void oauth_refresh_start(struct oauth *a)
{
	a->state = STATE_REFRESH;
	a->refresh.tries = 0;
	a->refresh.began_ms = clock_ms();
	/* Not from inside auth_value(): whoever asked is not on the list of waiters yet. */
	loop_timer_set(&a->timer, 0);
}
