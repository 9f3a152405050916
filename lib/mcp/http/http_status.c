/* A status of 300 and more: what the server wants is done, or what it says is told. */
#include <stdint.h>

#include "base/diag.h"
#include "mcp/json/era.h"
#include "mcp/json/message.h"
#include "mcp/http/exchange_impl.h"
#include "mcp/http/error_text.h"

/* How long a server may make one request wait by Retry-After before it is answered with the error. */
#define RETRY_WAIT_MAX_MS 30000
#define RETRY_LEAST_MS 250 /* the first time; twice as long each time that follows */

/* Redirects inside one origin; two are known to happen (scheme of path, trailing slash). */
#define REDIRECTS_MAX 5

/* Refusals of one request that authentication may answer: refresh, sign-in, two step-ups. */
#define CHALLENGES_MAX 5

/* Fields by which a CDN says that its page is a test for browsers. */
static bool is_challenge(const struct http_req *r)
{
	return http_answer_field(r, "cf-mitigated", 0) ||
	       http_answer_field(r, "x-amzn-waf-action", 0);
}

/* What authentication says of a refusal is kept; without advice, that of the table fits. */
static void describe_refusal(
	struct exchange *x, const struct http_req *r, const char *words, long retry_after_s)
{
	struct error_said said = { .status = x->answer.status,
		.text = words,
		.page = error_text_is_page(x->answer.body.p, x->answer.body.len),
		.challenge = is_challenge(r),
		.url = x->t->at.given };
	struct error_meaning m;

	if (x->e.kind == ERR_NONE) {
		error_text_refusal(&x->e, &said, retry_after_s);
	} else if (x->e.reason == REASON_NONE && !*x->e.advice) {
		m = error_text_meaning(&said);
		err_advise(&x->e, m.reason, "%s", m.advice);
	}
}

static bool keeps_refusing(struct exchange *x, const char *words)
{
	err_set(&x->e, ERR_AUTH, "the service keeps refusing the sign-in (HTTP %ld)%s%s",
		x->answer.status, *words ? ": " : "", words);
	return err_advise(&x->e, REASON_SIGN_IN, "Run \"mpmcp login --force\".");
}

/* True when the exchange goes on. */
static bool answer_challenge(struct exchange *x, struct http_req *r, const char *words)
{
	const char *fields[HTTP_CHALLENGES];
	struct auth_refusal refusal = { .gen = x->request.gen,
		.status = x->answer.status,
		.challenges = fields,
		.nchallenges = http_challenges(r, fields),
		.words = words,
		.tries = x->tries.challenges };

	if (x->answer.status == 403 && !refusal.nchallenges)
		return false;
	if (x->tries.challenges++ >= CHALLENGES_MAX)
		return keeps_refusing(x, words);
	x->request.waiter.fn = exchange_authorized;
	x->request.waiter.ctx = x;
	switch (auth_challenged(x->t->auth, &refusal, &x->request.waiter, &x->e)) {
	case AUTH_READY:
		exchange_pause(x, 0);
		return true;
	case AUTH_WAIT:
		exchange_wait_for_auth(x);
		return true;
	case AUTH_FAILED:
		break;
	}
	return false;
}

/* How long the server wants to be left alone: what its error says is more precise than Retry-After, which a proxy
 * may have added. -1: it does not say. */
static int64_t told_to_wait_ms(struct exchange *x, const struct http_req *r)
{
	long s = http_retry_after_s(r);
	const struct message *m = answer_said(x);
	int64_t ms = m ? rate_retry_after_ms(m->error) : -1;

	return ms >= 0 ? ms : s < 0 ? -1 : (int64_t)s * 1000;
}

static bool wait_as_told(struct exchange *x, int64_t ms)
{
	int64_t least = (int64_t)RETRY_LEAST_MS << x->tries.waits;

	if ((x->answer.status != 429 && x->answer.status != 503) || ms < 0)
		return false;
	/* A server that says "0" again and again is asked less and less often. */
	if (ms < least)
		ms = least;
	if (x->tries.waited_ms + ms > RETRY_WAIT_MAX_MS)
		return false;
	x->tries.waited_ms += ms;
	x->tries.waits++;
	diag_debug("HTTP %ld: waiting %lld ms as the server says", x->answer.status, (long long)ms);
	exchange_pause(x, ms);
	return true;
}

static bool follow_redirect(struct exchange *x, struct http_req *r)
{
	if (x->tries.redirects++ >= REDIRECTS_MAX)
		return err_set(&x->e, ERR_PROTO, "the server redirects in a loop: check the URL");
	if (!transport_redirect(x->t, x->kind->target(x), x->c.message && !x->resumption.on,
		    http_answer_field(r, "Location", 0), x->answer.status, &x->e))
		return false;
	exchange_pause(x, 0);
	return true;
}

/* The JSON-RPC error is the answer to the request itself, and not one of the layer before it, which has
 * no id to give: null there, or a word of its own ("server-error"). */
static bool answers_request(const struct exchange *x, const struct message *error)
{
	const struct message *m = x->c.message;

	return m && m->kind == MESSAGE_REQUEST && error->id.p && message_id_equal(m->id, error->id);
}

/*
 * MCP 2025-11-25, Session Management 3 and 4: 404 says that the session is gone. Many servers made
 * after the SDKs' examples say 400 instead, with words about the session.
 */
bool refusal_loses_session(struct exchange *x)
{
	bool about = x->e.reason == REASON_SESSION_LOST;
	/* What refuses the GET of a resumption does not answer the request. */
	const struct message *error = x->resumption.on ? NULL : answer_error(x);
	bool answers = error && answers_request(x, error);
	long code = error ? era_error_code(error->error) : 0;

	if (x->answer.status == 400)
		return about && !answers;
	if (x->answer.status != 404 || !x->request.in_session)
		return false;
	/* "Method not found" and what answers this very request come from a session that lives. */
	return code != -32601 && (!answers || (about && code != -32602));
}

/* The answer was 3xx, 4xx or 5xx and is there. */
void exchange_refused(struct exchange *x, struct http_req *r)
{
	char words[ERROR_TEXT_MAX + 1];
	int64_t wait_ms = told_to_wait_ms(x, r);
	long retry_after_s = wait_ms < 0 ? -1 : (long)((wait_ms + 999) / 1000);
	bool redirect = x->answer.status >= 300 && x->answer.status < 400;

	x->e.kind = ERR_NONE;
	if (x->answer.status == 429)
		request_count_refused(x->t->rate, retry_after_s);
	error_text_read(x->answer.body.p, x->answer.body.len, words);
	if (!x->c.quiet) {
		if ((x->answer.status == 401 || x->answer.status == 403) &&
			answer_challenge(x, r, words))
			return;
		if (wait_as_told(x, wait_ms))
			return;
		if (redirect && follow_redirect(x, r))
			return;
	}
	describe_refusal(x, r, words, retry_after_s);
	if (x->kind->falls_back && x->kind->falls_back(x))
		return;
	x->answer.session_lost = refusal_loses_session(x);
	if (x->resumption.on)
		err_prefix(&x->e, "the response stream was interrupted and could not be resumed; "
				  "whether the server acted on the request is unknown");
	exchange_end_failed(x, retry_after_s);
}
