/* Who we are to an authorization server. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/register.h"
#include "base/clock.h"
#include "base/mem.h"
#include "origin.h"

static struct loop *loop;
static struct http *http;
static struct oauth_options opts;
static struct signin_record g, known;
static struct server_traits traits;

struct step {
	int status;
	const char *body, *fields;
};
static const struct step *steps;
static char asked[4096];

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	snprintf(asked, sizeof(asked), "%s", r->body);
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
	traits = (struct server_traits){ 0 };
	g = (struct signin_record){ .url = mem_dup(origin.url),
		.issuer = mem_dup("https://as.example"),
		.redirect_uri = mem_dup("http://localhost:1/cb"),
		.scope_asked = mem_dup("a b") };
	g.registration_endpoint = mem_printf("%s/register/", origin.url);
	known = (struct signin_record){ .url = mem_dup(origin.url),
		.issuer = mem_dup("https://as.example"),
		.redirect_uri = mem_dup("http://localhost:1/cb"),
		.client_id = mem_dup("of-earlier"),
		.client_method = mem_dup("none") };
	return http ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	origin_stop();
	loop_free(loop);
	signin_record_clear(&g);
	signin_record_clear(&known);
	return 0;
}

static bool was_kept;
static struct err why;

static void done(void *ctx, bool kept, const struct err *e)
{
	(void)ctx;
	was_kept = kept;
	why = (struct err){ 0 };
	if (e)
		why = *e;
	loop_stop(loop);
}

static const struct step good[] = { { 201, "{\"client_id\":\"new\"}", NULL }, { 0 } };

/* The client that comes of it; NULL when none. */
static const char *client(bool with_known, bool fresh, const struct step *s)
{
	struct register_call c = { .opts = &opts,
		.traits = &traits,
		.known = with_known ? &known : NULL,
		.fresh = fresh };

	steps = s;
	origin.requests = 0;
	(void)register_start(loop, http, &c, &g, done, NULL);
	assert_true(loop_run(loop, NULL));
	return why.kind ? NULL : g.client_id;
}

static void change(char **text, const char *value)
{
	free(*text);
	*text = mem_dup(value);
}

static void earlier_registration_serves_its_server_and_its_redirect_uri(void **state)
{
	(void)state;
	assert_string_equal(client(true, false, good), "of-earlier");
	assert_true(was_kept);
	assert_int_equal(origin.requests, 0);
	assert_string_equal(client(true, true, good), "new"); /* --force */
	assert_false(was_kept);
	assert_string_equal(client(false, false, good), "new");
	change(&known.issuer, "https://as.example/t");
	assert_string_equal(client(true, false, good), "new");
	change(&known.issuer, "https://as.example");
	change(&known.redirect_uri, "http://localhost:2/cb");
	assert_string_equal(client(true, false, good), "new");
}

static void secret_of_an_earlier_registration_may_have_ended(void **state)
{
	(void)state;
	clock_set(1000, 5000);
	secret_set(&known.client_secret, "s3cret-1", 8);
	known.client_expires_s = 5001;
	assert_string_equal(client(true, false, good), "of-earlier");
	assert_string_equal(secret_str(&g.client_secret), "s3cret-1");
	known.client_expires_s = 5000;
	assert_string_equal(client(true, false, good), "new");
	assert_false(secret_isset(&g.client_secret));
	clock_set(-1, -1);
}

static void given_client_comes_before_all(void **state)
{
	(void)state;
	opts.client_info = "{\"client_id\":\"given\",\"client_secret\":\"s3cret-2\"}";
	opts.client_metadata = "{\"token_endpoint_auth_method\":\"client_secret_post\"}";
	opts.client_metadata_url = "https://c.example/x";
	traits.client_documents = true;
	assert_string_equal(client(true, false, good), "given");
	assert_string_equal(g.client_method, "client_secret_post");
	assert_int_equal(origin.requests, 0);
	opts.client_info = "{\"client_id\":\"a\\tb\"}";
	assert_null(client(true, false, good));
	assert_int_equal(why.kind, ERR_USAGE);
}

static void document_comes_before_registrations_where_it_is_taken(void **state)
{
	(void)state;
	opts.client_metadata_url = "https://c.example/x";
	assert_string_equal(client(true, false, good), "of-earlier");
	traits.client_documents = true;
	assert_string_equal(client(true, false, good), "https://c.example/x");
	assert_false(was_kept);
	/* A server that takes none any more: the URL is no registration. */
	traits.client_documents = false;
	change(&known.client_id, "https://c.example/x");
	assert_string_equal(client(true, false, good), "new");
}

static void registration_is_a_json_document(void **state)
{
	(void)state;
	assert_string_equal(client(false, false, good), "new");
	assert_non_null(strstr(asked, "\"scope\":\"a b\""));
	assert_non_null(strstr(asked, "\"application_type\":\"native\""));
	opts.client_metadata = "{\"scope\":\"x\",\"software_id\":\"y\"}";
	client(false, false, good);
	assert_non_null(strstr(asked, "\"scope\":\"x\""));
	assert_non_null(strstr(asked, "\"software_id\":\"y\""));
}

static void refusals_are_told(void **state)
{
	static const struct {
		struct step s;
		enum err_kind kind;
		const char *says;
	} rows[] = {
		{ { 400,
			  "{\"error\":\"invalid_redirect_uri\",\"error_description\":\"No "
			  "localhost\"}",
			  NULL },
			ERR_AUTH, "HTTP 400): No localhost" },
		{ { 422, "{\"errors\":[]}", NULL }, ERR_AUTH, "HTTP 422" },
		{ { 429, "", "Retry-After: 120\r\n" }, ERR_RATE, "120 seconds" },
		{ { 403, "<html>", NULL }, ERR_AUTH, "HTTP 403" },
		{ { 404, "<html>", NULL }, ERR_AUTH, "may not use OAuth" },
		{ { 201, "<html>", NULL }, ERR_PROTO, "JSON" },
		{ { 200, "{}", NULL }, ERR_PROTO, "client_id" },
	};

	(void)state;
	opts.client_metadata = "{\"scope\":\"a\"}"; /* pinned: not tried without */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step s[2] = { rows[i].s, { 0 } };

		assert_null(client(false, false, s));
		assert_int_equal(why.kind, rows[i].kind);
		if (!strstr(err_text(&why), rows[i].says))
			fail_msg("%s is not in %s", rows[i].says, err_text(&why));
		assert_int_equal(origin.requests, 1);
	}
	free(g.registration_endpoint);
	g.registration_endpoint = NULL;
	assert_null(client(false, false, good));
	assert_non_null(strstr(err_text(&why), "--static-oauth-client-info"));
}

static void refused_scope_is_left_out_once(void **state)
{
	static const struct step s[] = { { 400, "{\"error\":\"invalid_client_metadata\"}", NULL },
		{ 201, "{\"client_id\":\"new\"}", NULL }, { 0 } };
	static const struct step never[] = {
		{ 400, "{\"error\":\"invalid_client_metadata\"}", NULL }, { 0 }
	};

	(void)state;
	assert_string_equal(client(false, false, s), "new");
	assert_null(strstr(asked, "\"scope\""));
	assert_null(client(false, false, never));
	assert_int_equal(origin.requests, 2);
}

static void cancelling_calls_nobody(void **state)
{
	struct register_call c = { .opts = &opts, .traits = &traits };

	(void)state;
	steps = good;
	register_cancel(register_start(loop, http, &c, &g, done, NULL));
	register_cancel(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(earlier_registration_serves_its_server_and_its_redirect_uri),
		T(secret_of_an_earlier_registration_may_have_ended),
		T(given_client_comes_before_all),
		T(document_comes_before_registrations_where_it_is_taken),
		T(registration_is_a_json_document),
		T(refusals_are_told),
		T(refused_scope_is_left_out_once),
		T(cancelling_calls_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
