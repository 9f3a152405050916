/* The token endpoint, and the device codes that are traded there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/device.h"
#include "auth/token.h"
#include "base/mem.h"
#include "origin.h"

static struct loop *loop;
static struct http *http;
static struct oauth_options opts;
static struct signin_record g;

/* What the endpoint answers, in turn; the last one again and again. */
struct step {
	int status;
	const char *body, *fields;
};
static const struct step *steps;
static char form[4096], head[4096];

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	snprintf(form, sizeof(form), "%s", r->body);
	snprintf(head, sizeof(head), "%.*s", (int)(r->body - r->head), r->head);
	if (!steps)
		return;
	a->status = steps->status;
	a->fields = steps->fields;
	snprintf(a->body, sizeof(a->body), "%s", steps->body);
	if (steps[1].status)
		steps++;
}

static int start(void **state)
{
	struct http_opts o = { .connect_timeout_ms = 10000 };

	(void)state;
	loop = loop_new(NULL);
	http = http_new(loop, &o, NULL);
	origin_start(loop, answer);
	opts = (struct oauth_options){ .url = origin.url };
	g = (struct signin_record){ .url = mem_dup(origin.url),
		.client_id = mem_dup("me & co"),
		.client_method = mem_dup("none"),
		.redirect_uri = mem_dup("http://localhost:1/cb"),
		.resource = mem_dup("https://r.example/mcp") };
	g.token_endpoint = mem_printf("%s/token/", origin.url);
	g.device_endpoint = mem_printf("%s/device", origin.url);
	return http ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	origin_stop();
	loop_free(loop);
	signin_record_clear(&g);
	return 0;
}

static enum token_outcome how;
static long retry_s;
static struct err why;

static void done(void *ctx, enum token_outcome o, long retry_after_s, const struct err *e)
{
	(void)ctx;
	how = o;
	retry_s = retry_after_s;
	why = (struct err){ 0 };
	if (e)
		why = *e;
	loop_stop(loop);
}

static enum token_outcome ask(const struct token_call *c, const struct step *s)
{
	struct err e = { 0 };

	steps = s;
	if (!token_start(http, &opts, &g, c, done, NULL, &e))
		fail_msg("%s", e.msg);
	assert_true(loop_run(loop, NULL));
	return how;
}

static const struct step good[] = {
	{ 200, "{\"access_token\":\"acc-new\",\"expires_in\":60}", NULL }, { 0 }
};

/* ---- what is sent ---- */

static void each_grant_has_its_form(void **state)
{
	static const struct token_call calls[] = {
		{ .kind = TOKEN_CODE, .secret = "c/1", .verifier = "v" },
		{ .kind = TOKEN_REFRESH },
		{ .kind = TOKEN_CLIENT, .scope = "a b" },
		{ .kind = TOKEN_CLIENT },
		{ .kind = TOKEN_DEVICE, .secret = "d" },
	};
	static const char *const forms[] = {
		"grant_type=authorization_code&code=c%2F1&redirect_uri=http%3A%2F%2Flocalhost%3A1%"
		"2Fcb&"
		"code_verifier=v&resource=https%3A%2F%2Fr.example%2Fmcp&client_id=me%20%26%20co",
		"grant_type=refresh_token&refresh_token=ref-old&resource=https%3A%2F%2Fr.example%"
		"2Fmcp&"
		"client_id=me%20%26%20co",
		"grant_type=client_credentials&scope=a%20b&resource=https%3A%2F%2Fr.example%2Fmcp&"
		"client_"
		"id=me%20%26%20co",
		"grant_type=client_credentials&resource=https%3A%2F%2Fr.example%2Fmcp&client_id=me%"
		"20%26%"
		"20co",
		"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=d&"
		"resource="
		"https%3A%2F%2Fr.example%2Fmcp&client_id=me%20%26%20co",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		secret_set(&g.refresh, "ref-old", 7);
		assert_int_equal(ask(&calls[i], good), TOKEN_OK);
		assert_string_equal(form, forms[i]);
		assert_null(strstr(head, "Authorization"));
	}
	assert_non_null(strstr(head, "POST /token/ HTTP"));
}

static void resource_is_the_one_that_was_given_or_none(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };

	(void)state;
	secret_set(&g.refresh, "ref-old", 7);
	opts.resource = "urn:x";
	ask(&c, good);
	assert_non_null(strstr(form, "&resource=urn%3Ax&"));
	opts.no_resource = true;
	ask(&c, good);
	assert_null(strstr(form, "resource="));
}

static void client_shows_itself_as_it_registered(void **state)
{
	static const struct token_call c = { .kind = TOKEN_CLIENT };

	(void)state;
	secret_set(&g.client_secret, "s3cret:+", 8);
	ask(&c, good); /* method none */
	assert_null(strstr(form, "client_secret"));
	free(g.client_method);
	g.client_method = mem_dup("client_secret_post");
	ask(&c, good);
	assert_non_null(strstr(form, "&client_id=me%20%26%20co&client_secret=s3cret%3A%2B"));
	free(g.client_method);
	g.client_method = mem_dup("client_secret_basic");
	ask(&c, good);
	assert_null(strstr(form, "client_id"));
	/* "me%20%26%20co:s3cret%3A%2B", RFC 6749 section 2.3.1 */
	assert_non_null(
		strstr(head, "Authorization: Basic bWUlMjAlMjYlMjBjbzpzM2NyZXQlM0ElMkI=\r\n"));
}

/* ---- what comes back ---- */

static const struct {
	struct step s;
	enum token_outcome how;
	enum err_kind kind;
} answers[] = {
	{ { 400, "{\"error\":\"invalid_grant\"}", NULL }, TOKEN_INVALID_GRANT, ERR_AUTH },
	{ { 401, "{\"error\":\"invalid_grant\"}", NULL }, TOKEN_INVALID_GRANT, ERR_AUTH },
	{ { 401, "{\"error\":\"invalid_client\"}", NULL }, TOKEN_INVALID_CLIENT, ERR_AUTH },
	{ { 400, "{\"error\":\"unauthorized_client\"}", NULL }, TOKEN_INVALID_CLIENT, ERR_AUTH },
	{ { 400, "{\"error\":\"invalid_scope\"}", NULL }, TOKEN_REFUSED, ERR_AUTH },
	{ { 400, "{\"error\":\"authorization_pending\"}", NULL }, TOKEN_PENDING, ERR_AUTH },
	{ { 400, "{\"error\":\"slow_down\"}", NULL }, TOKEN_SLOW_DOWN, ERR_AUTH },
	{ { 400, "", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 401, "<html>", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 403, "blocked", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 404, "", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 302, "", "Location: /elsewhere\r\n" }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 429, "{\"error\":\"slow\"}", "Retry-After: 7\r\n" }, TOKEN_TRANSIENT, ERR_RATE },
	{ { 500, "", NULL }, TOKEN_TRANSIENT, ERR_SERVER },
	{ { 503, "{\"error\":\"server_error\"}", NULL }, TOKEN_TRANSIENT, ERR_SERVER },
	{ { 400, "{\"error\":\"server_error\"}", NULL }, TOKEN_TRANSIENT, ERR_SERVER },
	{ { 400, "{\"error\":\"temporarily_unavailable\"}", NULL }, TOKEN_TRANSIENT, ERR_SERVER },
	{ { 200, "{\"error\":\"invalid_grant\"}", NULL }, TOKEN_INVALID_GRANT, ERR_AUTH },
	{ { 200, "{\"error\":\"bad_refresh_token\"}", NULL }, TOKEN_REFUSED, ERR_AUTH },
	{ { 200, "{\"error\":\"incorrect_client_credentials\"}", NULL }, TOKEN_REFUSED, ERR_AUTH },
	{ { 201, "{\"error\":\"invalid_request\"}", NULL }, TOKEN_REFUSED, ERR_AUTH },
	{ { 401, "{\"error\":\"invalid_token\"}", NULL }, TOKEN_REFUSED, ERR_AUTH },
	{ { 500, "{\"error\":\"invalid_grant\"}", NULL }, TOKEN_INVALID_GRANT, ERR_AUTH },
	{ { 500, "{\"error\":\"Internal Server Error\"}", NULL }, TOKEN_TRANSIENT, ERR_SERVER },
	{ { 429, "{\"error\":\"Too Many Requests\"}", NULL }, TOKEN_TRANSIENT, ERR_RATE },
	{ { 201, "", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 206, "{\"error\":null}", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 200, "<html>", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
	{ { 200, "{}", NULL }, TOKEN_TRANSIENT, ERR_PROTO },
};

static void only_oauth_errors_cost_a_token(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };

	(void)state;
	secret_set(&g.access, "acc-old", 7);
	secret_set(&g.refresh, "ref-old", 7);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		struct step s[2] = { answers[i].s, { 0 } };

		if (ask(&c, s) != answers[i].how || why.kind != answers[i].kind)
			fail_msg("%d %s: %d, %s", answers[i].s.status, answers[i].s.body, how,
				why.msg);
		assert_string_equal(secret_str(&g.access), "acc-old");
		assert_string_equal(secret_str(&g.refresh), "ref-old");
	}
}

static void token_with_any_2xx_is_taken(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };
	static const struct step rows[] = {
		{ 201, "{\"access_token\":\"acc-201\",\"refresh_token\":\"r\"}", NULL },
		{ 202, "{\"access_token\":\"acc-202\",\"error\":null}", NULL },
		{ 203, "{\"access_token\":\"acc-203\",\"error\":\"\"}", NULL },
		{ 299, "{\"access_token\":\"acc-299\",\"error\":\"none\"}", NULL },
	};

	(void)state;
	secret_set(&g.refresh, "ref-old", 7);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step s[2] = { rows[i], { 0 } };

		if (ask(&c, s) != TOKEN_OK)
			fail_msg("%d: %s", rows[i].status, why.msg);
		assert_non_null(strstr(rows[i].body, secret_str(&g.access)));
	}
}

static void words_of_an_error_document_are_shown_at_any_status(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };
	static const struct step s[] = { { 200,
						 "{\"error\":\"bad_refresh_token\",\"error_"
						 "description\":\"It is incorrect or expired.\"}",
						 NULL },
		{ 0 } };

	(void)state;
	secret_set(&g.refresh, "ref-old", 7);
	ask(&c, s);
	assert_non_null(strstr(why.msg, "refuses (HTTP 200): It is incorrect or expired."));
}

static void wait_that_was_asked_for_is_passed_on(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };
	static const struct step s[] = { { 503, "", "Retry-After: 7\r\n" }, { 0 } };

	(void)state;
	ask(&c, s);
	assert_int_equal(retry_s, 7);
	assert_non_null(strstr(why.msg, "7 seconds"));
}

static void secrets_do_not_come_back_in_messages(void **state)
{
	static const struct token_call c = { .kind = TOKEN_REFRESH };
	static const struct step s[] = { { 400,
						 "{\"error\":\"invalid_request\",\"error_"
						 "description\":\"bad token ref-old-1\"}",
						 NULL },
		{ 0 } };

	(void)state;
	secret_set(&g.refresh, "ref-old-1", 9);
	ask(&c, s);
	assert_null(strstr(why.msg, "ref-old-1"));
	assert_non_null(strstr(why.msg, "bad token [hidden]"));
}

static void refresh_without_an_id_token_needs_a_person(void **state)
{
	static const struct token_call refresh = { .kind = TOKEN_REFRESH };
	static const struct token_call code = {
		.kind = TOKEN_CODE, .secret = "c", .verifier = "v"
	};

	(void)state;
	opts.id_token = true;
	secret_set(&g.refresh, "ref-old", 7);
	assert_int_equal(ask(&refresh, good), TOKEN_INVALID_GRANT);
	assert_int_equal(ask(&code, good), TOKEN_TRANSIENT);
}

static void cancelling_calls_nobody(void **state)
{
	static const struct token_call c = { .kind = TOKEN_CLIENT };
	struct err e = { 0 };

	(void)state;
	token_cancel(token_start(http, &opts, &g, &c, done, NULL, &e));
	token_cancel(NULL);
}

/* ---- device codes ---- */

static char shown[200];

static void show(void *ctx, const char *url, const char *code)
{
	(void)ctx;
	snprintf(shown, sizeof(shown), "%s %s", url, code);
}

static void device_done(void *ctx, enum token_outcome o, const struct err *e)
{
	done(ctx, o, -1, e);
}

static const struct device_events device_events = { show, device_done };

static bool trade(const struct step *s, const char *scope)
{
	struct device *d;
	struct err e = { 0 };

	steps = s;
	shown[0] = 0;
	free(g.scope_asked);
	g.scope_asked = scope ? mem_dup(scope) : NULL;
	d = device_start(loop, http, &opts, &g, &device_events, NULL, &e);
	if (!d) {
		why = e;
		return false;
	}
	assert_true(loop_run(loop, NULL));
	device_free(d);
	return how == TOKEN_OK;
}

#define CODES(more) \
	"{\"device_code\":\"dev-code\",\"user_code\":\"AB-\\u001bCD\",\"verification_uri\":" \
	"\"https://" \
	"as.example/go\"" more "}"

static void device_code_is_traded_when_the_person_is_done(void **state)
{
	static const struct step s[] = { { 201, CODES(",\"interval\":1"), NULL },
		{ 200, "{\"error\":\"authorization_pending\"}", NULL },
		{ 201, "{\"access_token\":\"acc-new\"}", NULL }, { 0 } };

	(void)state;
	assert_true(trade(s, "a b"));
	assert_string_equal(shown, "https://as.example/go AB-?CD");
	assert_string_equal(secret_str(&g.access), "acc-new");
	assert_non_null(strstr(form, "device_code=dev-code"));
	assert_int_equal(origin.requests, 3);
}

static void device_request_says_scope_and_resource(void **state)
{
	static const struct step s[] = { { 400, "{\"error\":\"invalid_client\"}", NULL }, { 0 } };

	(void)state;
	assert_false(trade(s, "a b"));
	assert_string_equal(
		form, "client_id=me%20%26%20co&scope=a%20b&resource=https%3A%2F%2Fr.example%2Fmcp");
	assert_non_null(strstr(why.msg, "invalid_client"));
}

static void device_code_that_was_declined_is_an_end(void **state)
{
	static const struct step s[] = { { 200, CODES(",\"interval\":1"), NULL },
		{ 400, "{\"error\":\"access_denied\"}", NULL }, { 0 } };

	(void)state;
	assert_false(trade(s, NULL));
	assert_int_equal(how, TOKEN_REFUSED);
	assert_non_null(strstr(why.msg, "access_denied"));
}

static void device_answers_that_are_wrong_are_refused(void **state)
{
	static const char *const rows[] = { "", "{}",
		"{\"device_code\":\"\",\"user_code\":\"A\",\"verification_uri\":\"https://"
		"as.example/go\"}",
		"{\"device_code\":\"d\",\"user_code\":\"\",\"verification_uri\":\"https://"
		"as.example/go\"}",
		"{\"device_code\":\"d\",\"user_code\":\"A\"}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"verification_uri\":\"javascript:x\"}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"verification_uri\":\"http://"
		"as.example/\"}" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step s[2] = { { 200, rows[i], NULL }, { 0 } };

		if (trade(s, NULL))
			fail_msg("%s is taken", rows[i]);
		assert_string_equal(shown, "");
	}
	free(g.device_endpoint);
	g.device_endpoint = NULL;
	assert_false(trade(good, NULL));
	assert_non_null(strstr(why.msg, "without --device-code"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(each_grant_has_its_form),
		T(resource_is_the_one_that_was_given_or_none),
		T(client_shows_itself_as_it_registered),
		T(only_oauth_errors_cost_a_token),
		T(token_with_any_2xx_is_taken),
		T(words_of_an_error_document_are_shown_at_any_status),
		T(wait_that_was_asked_for_is_passed_on),
		T(secrets_do_not_come_back_in_messages),
		T(refresh_without_an_id_token_needs_a_person),
		T(cancelling_calls_nobody),
		T(device_code_is_traded_when_the_person_is_done),
		T(device_request_says_scope_and_resource),
		T(device_code_that_was_declined_is_an_end),
		T(device_answers_that_are_wrong_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
