/* A sign-in, step by step, with a person who pastes. The callback in a browser is shown by the cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/flow.h"
#include "base/mem.h"
#include "net/url.h"
#include "origin.h"

static struct loop *loop;
static struct http *http;
static struct oauth_options opts;
static char endpoint[128];

/* How the server is. */
static struct {
	const char *scopes, *metadata; /* members of the two documents, with a comma before */
	const char *forgotten;         /* a client that the token endpoint does not know */
	const char *token;             /* its answer; NULL: a good one */
	int registrations;
} srv;

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	const char *u = origin.url;

	a->status = 200;
	if (strstr(r->path, "oauth-protected-resource")) {
		snprintf(a->body, sizeof(a->body),
			"{\"resource\":\"%s\",\"authorization_servers\":[\"%s\"]%s}", endpoint, u,
			srv.scopes);
	} else if (strstr(r->path, "oauth-authorization-server")) {
		snprintf(a->body, sizeof(a->body),
			"{\"issuer\":\"%s\",\"authorization_endpoint\":\"%s/authorize\",\"token_"
			"endpoint\":\"%s/token\",\"registration_endpoint\":\"%s/register\",\"code_"
			"challenge_methods_supported\":[\"S256\"]%s}",
			u, u, u, u, srv.metadata);
	} else if (strcmp(r->path, "/register") == 0) {
		snprintf(a->body, sizeof(a->body), "{\"client_id\":\"client-%d\"}",
			++srv.registrations);
	} else if (srv.forgotten && strstr(r->body, srv.forgotten)) {
		a->status = 401;
		snprintf(a->body, sizeof(a->body), "{\"error\":\"invalid_client\"}");
	} else {
		a->status = srv.token ? 400 : 200;
		snprintf(a->body, sizeof(a->body), "%s",
			srv.token ? srv.token : "{\"access_token\":\"access-token-1\"}");
	}
}

/* ---- the person ---- */

static struct flow *flow;
static char *address; /* of the sign-in page */
static int pages;
static const char *paste; /* %s in it: the state; NULL: nothing */
static struct loop_task paste_task;
static struct err paste_e;
static bool pasted;

static char *param(const char *name)
{
	return url_form_get(strchr(address, '?') + 1, name, NULL);
}

static void do_paste(void *ctx)
{
	char text[1024], *state = param("state");
	const char *place = strstr(paste, "%s");

	(void)ctx;
	if (place)
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - paste), paste, state,
			place + 2);
	else
		snprintf(text, sizeof(text), "%s", paste);
	free(state);
	paste_e = (struct err){ 0 };
	pasted = flow_paste(flow, text, &paste_e);
	if (!pasted)
		loop_stop(loop);
}

static void on_url(void *ctx, const char *url, const char *code)
{
	(void)ctx, (void)code;
	pages++;
	free(address);
	address = mem_dup(url);
	if (paste)
		loop_task_queue(&paste_task);
	else
		loop_stop(loop);
}

static struct signin_record got;
static struct err why;
static bool over;

static void on_done(void *ctx, const struct signin_record *g, const struct err *e)
{
	(void)ctx;
	over = true;
	if (g)
		signin_record_copy(&got, g);
	if (e)
		why = *e;
	loop_stop(loop);
}

static const struct flow_events events = { .url = on_url, .done = on_done };

static void clear(void)
{
	flow_free(flow);
	flow = NULL;
	signin_record_clear(&got);
	free(address);
	address = NULL;
	why = (struct err){ 0 };
	over = false;
	pages = 0;
}

/* Until the page is open and nothing is pasted, or to the end. */
static bool sign_in(const struct flow_start *more, const char *text)
{
	struct flow_start s = { 0 };

	clear();
	if (more)
		s = *more;
	s.opts = &opts;
	paste = text;
	flow = flow_new(loop, http, &s, &events, NULL, &why);
	if (flow && !loop_run(loop, NULL))
		fail_msg("loop");
	return over && !why.kind;
}

static int start(void **state)
{
	struct http_opts o = { .connect_timeout_ms = 10000 };

	(void)state;
	loop = loop_new(NULL);
	http = http_new(loop, &o, NULL);
	origin_start(loop, answer);
	snprintf(endpoint, sizeof(endpoint), "%s/mcp", origin.url);
	opts = (struct oauth_options){ .url = endpoint, .no_browser = true };
	memset(&srv, 0, sizeof(srv));
	srv.scopes = srv.metadata = "";
	loop_task_init(&paste_task, loop, do_paste, NULL);
	return http ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	clear();
	loop_task_clear(&paste_task);
	http_free(http);
	origin_stop();
	loop_free(loop);
	return 0;
}

#define ANSWER "http://localhost:1/oauth/callback?code=c0de&state=%s"

/* ---- the page ---- */

static void has_param(const char *name, const char *want)
{
	char *have = param(name);

	if ((have != NULL) != (want != NULL) || (want && strcmp(have, want) != 0))
		fail_msg("%s is %s, not %s", name, have ? have : "(none)", want ? want : "(none)");
	free(have);
}

static void page_has_what_the_standards_ask_for(void **state)
{
	char *verifier_hash, *state_text;

	(void)state;
	srv.scopes = ",\"scopes_supported\":[\"a\",\"b\"]";
	sign_in(NULL, NULL);
	has_param("response_type", "code");
	has_param("client_id", "client-1");
	has_param("code_challenge_method", "S256");
	has_param("scope", "a b");
	has_param("resource", endpoint);
	has_param("prompt", NULL);
	verifier_hash = param("code_challenge");
	state_text = param("state");
	assert_int_equal(strlen(verifier_hash), 43);
	assert_int_equal(strlen(state_text), 32);
	free(verifier_hash);
	free(state_text);
}

static void parameters_of_the_person_are_added_or_win(void **state)
{
	static char p1[] = "audience=x y", p2[] = "scope=mine", p3[] = "resource=urn:mine";
	static char *const params[] = { p1, p2, p3 };

	(void)state;
	srv.scopes = ",\"scopes_supported\":[\"a\"]";
	opts.params = params;
	opts.nparams = 3;
	sign_in(NULL, NULL);
	has_param("audience", "x y");
	has_param("scope", "mine");
	has_param("resource", "urn:mine");
	assert_null(strstr(strstr(address, "scope=") + 1, "scope="));
}

static void scopes_of_before_are_heeded(void **state)
{
	struct signin_record known = { .url = mem_dup(endpoint),
		.scope_asked = mem_dup("x"),
		.scope_granted = mem_dup("x y"),
		.scope_wanted = mem_dup("w") };
	struct flow_start s = { .known = &known, .scope = "c", .step_up = true };

	(void)state;
	sign_in(&s, NULL);
	has_param("scope", "x y c w");
	signin_record_clear(&known);
}

/* ---- pasting ---- */

static void answers_that_are_pasted_complete_it(void **state)
{
	static const char *const rows[] = { ANSWER, "  " ANSWER "  ", "\"" ANSWER "\"",
		"<" ANSWER ">", ANSWER "#fragment", "code=c0de&state=%s", "c0de", "c%30de",
		"https://elsewhere.example/?state=%s&code=c0de" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!sign_in(NULL, rows[i]))
			fail_msg("%s: %s %s", rows[i], why.msg, paste_e.msg);
		assert_string_equal(secret_str(&got.access), "access-token-1");
		assert_non_null(strstr(origin_peers->got, "code=c0de&"));
	}
}

static void what_is_no_answer_is_named_and_the_flow_goes_on(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "", "nothing" },
		{ "   ", "nothing" },
		{ "two words", "alone" },
		{ "http://localhost:1/oauth/callback", "has no sign-in response" },
		{ "http://localhost:1/cb?code=c0de&state=wrong", "another sign-in" },
		{ "http://localhost:1/cb?code=c0de", "another sign-in" },
		{ "http://localhost:1/cb?code=c0de&state=%s&state=%s", "another sign-in" },
		{ "code=c0de", "another sign-in" },
		{ "c\x01"
		  "de",
			"neither" },
		{ "c%00de\xc3\xa4", "neither" },
		{ "http://h/?state=%s", "incomplete" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sign_in(NULL, rows[i].text);
		if (over || pasted || !strstr(err_text(&paste_e), rows[i].says))
			fail_msg("%s: %s", rows[i].text, paste_e.msg);
		assert_int_equal(paste_e.kind, ERR_USAGE);
		/* The right one still counts. */
		paste = ANSWER;
		loop_task_queue(&paste_task);
		assert_true(loop_run(loop, NULL));
		assert_true(over && !why.kind);
	}
}

/* A code serves once, and whoever sends it twice ends the sign-in (RFC 6749 section 4.1.2). */
static void one_answer_is_enough(void **state)
{
	struct err e = { 0 };
	char text[256], *ours;

	(void)state;
	sign_in(NULL, NULL);
	ours = param("state");
	snprintf(text, sizeof(text), "http://localhost:1/oauth/callback?code=c0de&state=%s", ours);
	free(ours);
	origin.requests = 0;
	assert_true(flow_paste(flow, text, &e));
	assert_false(flow_paste(flow, text, &e));
	assert_non_null(strstr(e.msg, "no sign-in is waiting"));
	assert_true(loop_run(loop, NULL));
	assert_true(over && !why.kind);
	assert_int_equal(origin.requests, 1);
}

static void refusals_that_are_pasted_end_it(void **state)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "http://h/?error=access_denied&error_description=No%1b[31m&state=%s",
			"access_denied: No?[31m" },
		{ "http://h/?error=access_denied&code=c0de&state=%s", "access_denied" },
		{ "http://h/?error&state=%s", "was refused" },
		{ "http://h/?error=%00&state=%s", "cannot be read" },
		{ "http://h/?error=invalid_scope&state=%s", "mpmcp login --force" },
		{ "http://h/?code=&state=%s", "no code" },
		{ "http://h/?code=a&code=b&state=%s", "no code" },
		{ "http://h/?code=c0de&state=%s&iss=https://evil.example", "another issuer" },
		{ "http://h/?error=x&error_description=hidden&state=%s&iss=https://evil.example",
			"another issuer" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_false(sign_in(NULL, rows[i].text));
		if (!over || !strstr(err_text(&why), rows[i].says))
			fail_msg("%s: %s", rows[i].text, err_text(&why));
		assert_null(strstr(err_text(&why), "hidden"));
	}
}

static void issuer_that_is_promised_must_come(void **state)
{
	char good[256];

	(void)state;
	srv.metadata = ",\"authorization_response_iss_parameter_supported\":true";
	assert_false(sign_in(NULL, ANSWER));
	assert_non_null(strstr(err_text(&why), "another issuer"));
	snprintf(good, sizeof(good), "http://h/?code=c0de&state=%%s&iss=%s", origin.url);
	assert_true(sign_in(NULL, good));
	snprintf(good, sizeof(good), "http://h/?code=c0de&state=%%s&iss=%s/", origin.url);
	assert_false(sign_in(NULL, good));
	snprintf(good, sizeof(good), "http://h/?code=c0de&state=%%s&iss=%s&iss=%s", origin.url,
		origin.url);
	assert_false(sign_in(NULL, good));
	sign_in(NULL, "c0de");
	assert_false(over || pasted); /* a code alone does not say where it is from */
	srv.metadata = "";
	snprintf(good, sizeof(good), "http://h/?code=c0de&state=%%s&iss=%s", origin.url);
	assert_true(sign_in(NULL, good)); /* unpromised, and right */
}

/* ---- the client ---- */

static struct signin_record earlier(const char *issuer)
{
	struct signin_record known = { .url = mem_dup(endpoint),
		.client_id = mem_dup("of-earlier") };

	known.issuer = mem_dup(issuer);
	/* The port is tried before the one of the rule. */
	sign_in(NULL, NULL);
	known.redirect_uri = param("redirect_uri");
	return known;
}

static void earlier_registration_is_used_and_its_loss_noticed(void **state)
{
	struct signin_record known = earlier(origin.url);
	struct flow_start s = { .known = &known };

	(void)state;
	assert_true(sign_in(&s, ANSWER));
	assert_string_equal(got.client_id, "of-earlier");
	srv.forgotten = "of-earlier";
	srv.registrations = 0;
	assert_true(sign_in(&s, ANSWER));
	assert_string_equal(got.client_id, "client-1");
	assert_int_equal(pages, 2);
	srv.forgotten = "client"; /* nobody is known: once more is enough */
	assert_false(sign_in(&s, ANSWER));
	assert_int_equal(pages, 2);
	signin_record_clear(&known);
}

static void refusal_of_the_client_in_the_callback_registers_anew(void **state)
{
	static const char refused[] = "http://h/?error=unauthorized_client&state=%s";
	struct signin_record known = earlier(origin.url);
	struct flow_start s = { .known = &known };

	(void)state;
	srv.registrations = 0;
	assert_false(sign_in(&s, refused)); /* the same answer to the new page */
	assert_int_equal(pages, 2);
	assert_int_equal(srv.registrations, 1);
	assert_non_null(strstr(err_text(&why), "unauthorized_client"));
	signin_record_clear(&known);
}

static void registration_may_be_forgotten_only_while_the_page_is_open(void **state)
{
	struct signin_record known = earlier(origin.url);
	struct flow_start s = { .known = &known };

	(void)state;
	sign_in(&s, NULL);
	assert_true(flow_may_be_forgotten(flow));
	s.fresh = true;
	sign_in(&s, NULL);
	assert_false(flow_may_be_forgotten(flow));
	s.fresh = false;
	sign_in(&s, ANSWER);
	assert_false(flow_may_be_forgotten(flow));
	signin_record_clear(&known);
}

static void given_client_goes_to_its_own_server_alone(void **state)
{
	struct signin_record known = earlier("https://old.example");
	struct flow_start s = { .known = &known };

	(void)state;
	opts.client_info = "{\"client_id\":\"of-earlier\",\"client_secret\":\"s3cret-4\"}";
	opts.callback_port = 20000 + (unsigned)(getpid() % 20000);
	assert_false(sign_in(&s, ANSWER));
	assert_non_null(strstr(err_text(&why), "belongs to https://old.example"));
	opts.client_info = "{\"client_id\":\"another\",\"client_secret\":\"s3cret-4\"}";
	assert_true(sign_in(&s, ANSWER));
	opts.client_info = "{\"client_id\":\"another\",\"issuer\":\"https://own.example\"}";
	assert_false(sign_in(&s, ANSWER));
	signin_record_clear(&known);
}

static void token_refusals_end_it(void **state)
{
	(void)state;
	srv.token = "{\"error\":\"invalid_grant\",\"error_description\":\"too late\"}";
	assert_false(sign_in(NULL, ANSWER));
	assert_non_null(strstr(err_text(&why), "too late"));
	assert_int_equal(why.kind, ERR_AUTH);
}

static void leaving_in_the_middle_is_fine(void **state)
{
	(void)state;
	sign_in(NULL, NULL);
	clear();
	flow_free(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(page_has_what_the_standards_ask_for),
		T(parameters_of_the_person_are_added_or_win),
		T(scopes_of_before_are_heeded),
		T(answers_that_are_pasted_complete_it),
		T(what_is_no_answer_is_named_and_the_flow_goes_on),
		T(one_answer_is_enough),
		T(refusals_that_are_pasted_end_it),
		T(issuer_that_is_promised_must_come),
		T(earlier_registration_is_used_and_its_loss_noticed),
		T(refusal_of_the_client_in_the_callback_registers_anew),
		T(registration_may_be_forgotten_only_while_the_page_is_open),
		T(given_client_goes_to_its_own_server_alone),
		T(token_refusals_end_it),
		T(leaving_in_the_middle_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
