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
	struct error_said said = { .status = x->status,
		.text = words,
		.page = error_text_is_page(x->body.p, x->body.len),
		.challenge = is_challenge(r),
		.url = x->t->given };
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
	err_set(&x->e, ERR_AUTH, "the service keeps refusing the sign-in (HTTP %ld)%s%s", x->status,
		*words ? ": " : "", words);
	return err_advise(&x->e, REASON_SIGN_IN, "Run \"mpmcp login --force\".");
}

/* True when the exchange goes on. */
static bool answer_challenge(struct exchange *x, struct http_req *r, const char *words)
{
	const char *fields[HTTP_CHALLENGES];
	struct auth_refusal refusal = { .gen = x->gen,
		.status = x->status,
		.challenges = fields,
		.nchallenges = http_challenges(r, fields),
		.words = words,
		.tries = x->challenges };

	if (x->status == 403 && !refusal.nchallenges)
		return false;
	if (x->challenges++ >= CHALLENGES_MAX)
		return keeps_refusing(x, words);
	x->waiter.fn = exchange_authorized;
	x->waiter.ctx = x;
	switch (auth_challenged(x->t->auth, &refusal, &x->waiter, &x->e)) {
	case AUTH_READY:
		exchange_pause(x, 0);
		return true;
	case AUTH_WAIT:
		x->step = STEP_AUTH;
		x->t->waiting++;
		return true;
	case AUTH_FAILED:
		break;
	}
	return false;
}

/* How long the server wants to be left alone: what its error says is more precise than Retry-After, which a proxy
 * may have added. -1: it does not say. */
static int64_t told_to_wait_ms(const struct exchange *x, const struct http_req *r)
{
	long s = http_retry_after_s(r);
	struct message m;
	int64_t ms = -1;

	if (x->body.len && message_scan(x->body.p, x->body.len, &m, NULL) == MESSAGE_OK)
		ms = rate_retry_after_ms(m.error);
	return ms >= 0 ? ms : s < 0 ? -1 : (int64_t)s * 1000;
}

static bool wait_as_told(struct exchange *x, int64_t ms)
{
	int64_t least = (int64_t)RETRY_LEAST_MS << x->waits;

	if ((x->status != 429 && x->status != 503) || ms < 0)
		return false;
	/* A server that says "0" again and again is asked less and less often. */
	if (ms < least)
		ms = least;
	if (x->waited_ms + ms > RETRY_WAIT_MAX_MS)
		return false;
	x->waited_ms += ms;
	x->waits++;
	diag_debug("HTTP %ld: waiting %lld ms as the server says", x->status, (long long)ms);
	exchange_pause(x, ms);
	return true;
}

static bool follow_redirect(struct exchange *x, struct http_req *r)
{
	if (x->redirects++ >= REDIRECTS_MAX)
		return err_set(&x->e, ERR_PROTO, "the server redirects in circles: check the URL");
	if (!transport_redirect(x->t, exchange_target(x), !x->channel && !x->resuming,
		    http_answer_field(r, "Location", 0), x->status, &x->e))
		return false;
	exchange_pause(x, 0);
	return true;
}

/*
 * MCP 2025-11-25, Backwards Compatibility: a server that knows only HTTP+SSE refuses the POST of
 * initialize with 400, 404 or 405. One that explains itself by a JSON-RPC error understood the
 * message, unless POST itself is what it does not know.
 */
static bool may_fall_back(const struct exchange *x)
{
	struct message m;

	if (x->t->sse || !x->t->undecided || !x->initialize)
		return false;
	if (x->status == 405)
		return true;
	return (x->status == 400 || x->status == 404) &&
	       !(message_scan(x->body.p, x->body.len, &m, NULL) == MESSAGE_OK &&
		       m.kind == MESSAGE_RESPONSE && m.error.p);
}

/* x->e and the body keep what the refusal was, in case the GET brings nothing. */
static void fall_back(struct exchange *x)
{
	diag_debug("initialize was refused (HTTP %ld): is it a server of HTTP+SSE?", x->status);
	x->fallback = true;
	x->step = STEP_CHANNEL;
	http_sse_open(x->t);
}

/* The JSON-RPC error is the answer to the request itself, and not one of the layer before it, which has
 * no id to give: null there, or a word of its own ("server-error"). */
static bool answers_request(const struct exchange *x, const struct message *error)
{
	struct message m;

	/* Scanned before, so nothing is left in it that the scan would change. */
	return message_scan((char *)(uintptr_t)x->c.body, x->c.len, &m, NULL) == MESSAGE_OK &&
	       m.kind == MESSAGE_REQUEST && error->id.p && message_id_equal(m.id, error->id);
}

/*
 * MCP 2025-11-25, Session Management 3 and 4: 404 says that the session is gone. Many servers made
 * after the SDKs' examples say 400 instead, with words about the session.
 */
static bool is_session_lost(struct exchange *x)
{
	struct message m;
	bool about = x->e.reason == REASON_SESSION_LOST;
	/* What refuses the GET of a resumption does not answer the request. */
	bool error = !x->resuming && message_scan(x->body.p, x->body.len, &m, NULL) == MESSAGE_OK &&
		     m.kind == MESSAGE_RESPONSE && m.error.p;
	bool answers = error && answers_request(x, &m);
	long code = error ? era_error_code(m.error) : 0;

	if (x->status == 400)
		return about && !answers;
	if (x->status != 404 || !x->in_session)
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
	bool redirect = x->status >= 300 && x->status < 400;

	x->e.kind = ERR_NONE;
	if (x->status == 429)
		request_count_refused(x->t->rate, retry_after_s);
	error_text_read(x->body.p, x->body.len, words);
	if (!x->c.quiet) {
		if ((x->status == 401 || x->status == 403) && answer_challenge(x, r, words))
			return;
		if (wait_as_told(x, wait_ms))
			return;
		if (redirect && follow_redirect(x, r))
			return;
	}
	describe_refusal(x, r, words, retry_after_s);
	if (may_fall_back(x)) {
		fall_back(x);
		return;
	}
	x->session_lost = is_session_lost(x);
	if (x->resuming)
		err_prefix(&x->e, "the answer's stream broke off and could not be resumed, so "
				  "whether the server acted on the request is unknown");
	exchange_end_failed(x, retry_after_s);
}
