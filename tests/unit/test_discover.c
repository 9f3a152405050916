#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/discover.h"
#include "origin.h"

static struct loop *loop;
static struct http *http;
static char endpoint[128];

/* What the origin has: path, status, field or NULL, body with %s for the origin. */
struct place {
	const char *path;
	int status;
	const char *fields, *body;
};
static const struct place *places;

#define SERVER(issuer) \
	"{\"issuer\":\"" issuer \
	"\",\"authorization_endpoint\":\"%s/authorize\",\"token_endpoint\":\"%s/" \
	"token\",\"code_challenge_methods_supported\":[\"S256\"]}"
#define RESOURCE(servers) "{\"resource\":\"%s/mcp\",\"authorization_servers\":[" servers "]}"

static void fill(char *to, size_t size, const char *from)
{
	size_t n = 0;

	for (; *from && n + 64 < size; from++) {
		if (from[0] == '%' && from[1] == 's') {
			n += (size_t)snprintf(to + n, size - n, "%s", origin.url);
			from++;
		} else {
			to[n++] = *from;
		}
	}
	to[n] = 0;
}

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	static char fields[512];

	for (const struct place *p = places; p->path; p++) {
		if (strcmp(p->path, r->path) != 0)
			continue;
		a->status = p->status;
		fill(a->body, sizeof(a->body), p->body ? p->body : "");
		if (p->fields) {
			fill(fields, sizeof(fields), p->fields);
			a->fields = fields;
		}
	}
}

static int start(void **state)
{
	struct http_opts o = { .connect_timeout_ms = 10000 };

	(void)state;
	loop = loop_new(NULL);
	http = http_new(loop, &o, NULL);
	origin_start(loop, answer);
	snprintf(endpoint, sizeof(endpoint), "%s/mcp", origin.url);
	return http ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	origin_stop();
	loop_free(loop);
	return 0;
}

/* ---- one search ---- */

static struct signin_record g;
static struct server_traits traits;
static struct err found;
static bool over;

static void done(void *ctx, const struct err *e)
{
	(void)ctx;
	over = true;
	found = (struct err){ 0 };
	if (e)
		found = *e;
	loop_stop(loop);
}

static bool search(const struct place *p, const struct discover_call *more)
{
	struct discover_call c = { 0 };
	struct discover *d;

	if (more)
		c = *more;
	c.endpoint = endpoint;
	places = p;
	signin_record_clear(&g);
	traits = (struct server_traits){ 0 };
	origin.log[0] = 0;
	over = false;
	found = (struct err){ 0 };
	d = discover_start(http, &c, &g, &traits, done, NULL, &found);
	if (!d)
		return false;
	assert_true(loop_run(loop, NULL));
	assert_true(over);
	return !found.kind;
}

static void says(const char *text)
{
	if (!strstr(found.msg, text))
		fail_msg("\"%s\" is not in \"%s\"", text, found.msg);
}

/* ---- cases ---- */

#define PRM "/.well-known/oauth-protected-resource"
#define ASM "/.well-known/oauth-authorization-server"
#define OIDC "/.well-known/openid-configuration"

static void places_are_asked_in_the_order_of_the_specification(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/tenant\"") },
		{ "/tenant" OIDC, 200, NULL, SERVER("%s/tenant") }, { 0 } };

	(void)state;
	assert_true(search(own, NULL));
	assert_string_equal(origin.log,
		"GET " PRM "/mcp\nGET " ASM "/tenant\nGET " OIDC "/tenant\nGET /tenant" OIDC "\n");
	assert_non_null(strstr(g.token_endpoint, "/token"));
}

static void servers_without_a_path_have_two_places(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s\"") },
		{ OIDC, 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(own, NULL));
	assert_string_equal(origin.log, "GET " PRM "/mcp\nGET " ASM "\nGET " OIDC "\n");
}

static void root_document_serves_when_there_is_no_other(void **state)
{
	static const struct place own[] = { { PRM, 200, NULL, RESOURCE("\"%s\"") },
		{ ASM, 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(own, NULL));
	assert_string_equal(origin.log, "GET " PRM "/mcp\nGET " PRM "\nGET " ASM "\n");
}

static void named_document_comes_first(void **state)
{
	static const struct place own[] = { { "/meta", 200, NULL, RESOURCE("\"%s\"") },
		{ ASM, 200, NULL, SERVER("%s") }, { 0 } };
	char named[128];

	(void)state;
	snprintf(named, sizeof(named), "%s/meta", origin.url);
	assert_true(search(own, &(struct discover_call){ .named = named }));
	assert_string_equal(origin.log, "GET /meta\nGET " ASM "\n");
}

static void pages_and_failures_are_passed_over(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, "<html>hello" },
		{ PRM, 200, NULL, RESOURCE("\"%s\"") }, { ASM, 503, NULL, "down" },
		{ OIDC, 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(own, NULL));
}

static void failure_is_told_when_there_is_no_better_place(void **state)
{
	static const struct place resource[] = { { PRM "/mcp", 500, NULL, "" }, { 0 } };
	static const struct place limited[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s\"") },
		{ ASM, 429, NULL, "" }, { 0 } };

	(void)state;
	assert_false(search(resource, NULL));
	assert_int_equal(found.kind, ERR_SERVER);
	says("HTTP 500");
	assert_false(search(limited, NULL));
	assert_int_equal(found.kind, ERR_RATE);
}

static void redirects_are_followed_a_few_times(void **state)
{
	static const struct place moved[] = { { PRM "/mcp", 302, "Location: /elsewhere\r\n", "" },
		{ "/elsewhere", 307, "Location: %s/there\r\n", "" },
		{ "/there", 200, NULL, RESOURCE("\"%s\"") }, { ASM, 200, NULL, SERVER("%s") },
		{ 0 } };
	static const struct place round[] = { { PRM "/mcp", 302, "Location: " PRM "/mcp\r\n", "" },
		{ PRM, 200, NULL, RESOURCE("\"%s\"") }, { ASM, 200, NULL, SERVER("%s") }, { 0 } };
	static const struct place away[] = { { PRM "/mcp", 302, "Location: file:///etc/passwd\r\n",
						     "" },
		{ PRM, 200, NULL, RESOURCE("\"%s\"") }, { ASM, 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(moved, NULL));
	assert_true(search(round, NULL));
	assert_true(search(away, NULL));
}

static void each_document_may_be_redirected_anew(void **state)
{
	static const struct place moved[] = { { PRM "/mcp", 302, "Location: /a\r\n", "" },
		{ "/a", 302, "Location: /b\r\n", "" }, { "/b", 302, "Location: /c\r\n", "" },
		{ "/c", 200, NULL, RESOURCE("\"%s/t\"") },
		{ ASM "/t", 302, "Location: /there\r\n", "" },
		{ "/there", 200, NULL, SERVER("%s/t") }, { 0 } };

	(void)state;
	assert_true(search(moved, NULL));
}

static void wrong_resource_ends_the_search(void **state)
{
	static const struct place own[] = {
		{ PRM "/mcp", 200, NULL, "{\"resource\":\"https://other.example/mcp\"}" },
		{ PRM, 200, NULL, RESOURCE("\"%s\"") }, { ASM, 200, NULL, SERVER("%s") }, { 0 }
	};

	(void)state;
	assert_false(search(own, NULL));
	says("another server");
	assert_string_equal(origin.log, "GET " PRM "/mcp\n");
}

static void root_document_is_for_an_issuer_with_a_path_when_it_says_so(void **state)
{
	static const struct place good[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/t\"") },
		{ ASM, 200, NULL, SERVER("%s/t") }, { 0 } };
	static const struct place bad[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/t\"") },
		{ ASM, 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(good, NULL));
	assert_false(search(bad, NULL));
	says("another issuer");
}

static void wrong_issuer_is_passed_over_and_told_in_the_end(void **state)
{
	static const struct place good[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/t\"") },
		{ ASM "/t", 200, NULL, SERVER("%s") }, { "/t" OIDC, 200, NULL, SERVER("%s/t") },
		{ 0 } };
	static const struct place bad[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/t\"") },
		{ ASM "/t", 200, NULL, SERVER("%s") }, { 0 } };

	(void)state;
	assert_true(search(good, NULL));
	assert_false(search(bad, NULL));
	says("another issuer");
}

static void second_server_serves_when_the_first_does_not_describe_itself(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL,
						    RESOURCE("\"%s/gone\",7,\"%s/t\"") },
		{ ASM "/t", 200, NULL, SERVER("%s/t") }, { 0 } };

	(void)state;
	assert_true(search(own, NULL));
	assert_non_null(strstr(g.issuer, "/t"));
}

static void server_that_knows_us_is_preferred(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL,
						    RESOURCE("\"%s/a\",\"%s/b\"") },
		{ ASM "/a", 200, NULL, SERVER("%s/a") }, { ASM "/b", 200, NULL, SERVER("%s/b") },
		{ 0 } };
	char b[128];

	(void)state;
	snprintf(b, sizeof(b), "%s/b", origin.url);
	assert_true(search(own, &(struct discover_call){ .known_issuer = b }));
	assert_string_equal(g.issuer, b);
	assert_true(search(own, &(struct discover_call){ .known_issuer = "https://gone.example" }));
	assert_non_null(strstr(g.issuer, "/a"));
}

static void given_client_is_kept_to_its_server(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/a\"") },
		{ ASM "/a", 200, NULL, SERVER("%s/a") }, { 0 } };
	static const struct place bare[] = { { 0 } };

	(void)state;
	assert_false(search(own, &(struct discover_call){ .only_issuer = "https://old.example" }));
	says("belongs to https://old.example");
	/* The places that count where nothing is described are a server like any other. */
	assert_false(search(bare, &(struct discover_call){ .only_issuer = "https://old.example" }));
	says("belongs to https://old.example");
	assert_true(search(bare, &(struct discover_call){ .only_issuer = origin.url }));
}

static void without_resource_metadata_the_origin_is_the_server(void **state)
{
	static const struct place described[] = { { ASM, 200, NULL, SERVER("%s") }, { 0 } };
	static const struct place bare[] = { { 0 } };

	(void)state;
	assert_true(search(described, NULL));
	assert_null(g.resource);
	assert_true(search(bare, NULL));
	assert_non_null(strstr(g.registration_endpoint, "/register"));
	assert_string_equal(g.issuer, origin.url);
}

static void server_that_was_named_must_describe_itself(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s/a\"") },
		{ 0 } };

	(void)state;
	assert_false(search(own, NULL));
	says("no readable metadata");
}

/* Nor does it forbid the sign-in: what is at the well-known places counts. */
static void named_address_that_is_no_good_is_passed_over(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s\"") },
		{ ASM, 200, NULL, SERVER("%s") }, { 0 } };
	static const char *const named[] = { "http://elsewhere.example/x", "/relative", "",
		"file:///x", "http://127.0.0.1:1/" };

	(void)state;
	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (!search(own, &(struct discover_call){ .named = named[i] }))
			fail_msg("%s: %s", named[i], found.msg);
		assert_string_equal(origin.log, "GET " PRM "/mcp\nGET " ASM "\n");
	}
}

/* How often a place has failed; it is asked again while the request waits. */
static int failures, failing_status;
static const char *failing_fields;

static void fail_at_first(const struct origin_request *r, struct origin_answer *a)
{
	if (failures-- > 0) {
		a->status = failing_status;
		a->fields = failing_fields;
		a->body[0] = 0;
	} else {
		answer(r, a);
	}
}

static void failure_that_passes_is_asked_again(void **state)
{
	static const struct place own[] = { { PRM "/mcp", 200, NULL, RESOURCE("\"%s\"") },
		{ ASM, 200, NULL, SERVER("%s") }, { 0 } };
	static const struct {
		int status;
		const char *fields;
	} rows[] = { { 500, NULL }, { 502, NULL }, { 503, "Retry-After: 1\r\n" }, { 429, NULL },
		{ 429, "Retry-After: 1\r\n" } };

	(void)state;
	origin.fn = fail_at_first;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		failures = 1;
		failing_status = rows[i].status;
		failing_fields = rows[i].fields;
		if (!search(own, NULL))
			fail_msg("%d: %s", rows[i].status, found.msg);
		assert_string_equal(origin.log, "GET " PRM "/mcp\nGET " PRM "/mcp\nGET " ASM "\n");
	}
	/* One that asks for more time than anybody waits is not asked again. */
	failures = 100;
	failing_status = 429;
	failing_fields = "Retry-After: 100\r\n";
	assert_false(search(own, NULL));
	assert_string_equal(origin.log, "GET " PRM "/mcp\nGET " PRM "\n");
}

static void protocol_version_is_said(void **state)
{
	static const struct place own[] = { { 0 } };

	(void)state;
	assert_true(search(own, NULL));
	assert_non_null(strstr(origin_peers->got, "MCP-Protocol-Version: 20"));
}

static void cancelling_calls_nobody(void **state)
{
	static const struct place own[] = { { 0 } };
	struct discover_call c = { .endpoint = endpoint };
	struct err e = { 0 };

	(void)state;
	places = own;
	over = false;
	discover_cancel(discover_start(http, &c, &g, &traits, done, NULL, &e));
	discover_cancel(NULL);
	assert_false(over);
	signin_record_clear(&g);
}

/* ---- watched ---- */

static char seen[1024];

static void note_step(void *ctx, const struct discover_step *s)
{
	size_t n = strlen(seen);

	(void)ctx;
	snprintf(seen + n, sizeof(seen) - n, "%s %s %ld %s\n",
		s->document == DISCOVER_SERVER ? "server" : "resource",
		strstr(s->url, "/.well-known") ? strstr(s->url, "/.well-known") : s->url,
		s->answer ? s->answer->status : 0,
		s->found ? "found"
		: s->e   ? "wrong"
			 : "nothing");
}

static void watcher_is_told_of_each_step_and_why(void **state)
{
	static const struct place p[] = {
		{ "/.well-known/oauth-protected-resource", 200, NULL,
			RESOURCE("\"%s/a\",\"%s/b\"") },
		{ "/.well-known/oauth-authorization-server/a", 200, NULL, SERVER("%s/other") },
		{ "/.well-known/oauth-authorization-server/b", 200, NULL, SERVER("%s/b") },
		{ "/a/.well-known/openid-configuration", 503, NULL, NULL },
		{ 0 },
	};
	struct discover_call c = { .named = "ftp://x/named", .impatient = true, .step = note_step };

	(void)state;
	seen[0] = 0;
	assert_true(search(p, &c));
	assert_string_equal(seen, "resource ftp://x/named 0 wrong\n"
				  "resource /.well-known/oauth-protected-resource/mcp 404 nothing\n"
				  "resource /.well-known/oauth-protected-resource 200 found\n"
				  "server /.well-known/oauth-authorization-server/a 200 wrong\n"
				  "server /.well-known/openid-configuration/a 404 nothing\n"
				  "server /.well-known/openid-configuration 503 wrong\n"
				  "server /.well-known/oauth-authorization-server 404 nothing\n"
				  "server /.well-known/oauth-authorization-server/b 200 found\n");
}

static void search_for_the_resource_alone_asks_no_server(void **state)
{
	static const struct place p[] = {
		{ "/.well-known/oauth-protected-resource", 200, NULL, RESOURCE("\"%s/a\"") },
		{ 0 },
	};
	struct discover_call c = { .resource_only = true, .no_guess = true, .step = note_step };

	(void)state;
	seen[0] = 0;
	assert_true(search(p, &c));
	assert_null(strstr(seen, "server"));
	assert_non_null(g.resource);
	assert_null(g.token_endpoint);
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(places_are_asked_in_the_order_of_the_specification),
		T(servers_without_a_path_have_two_places),
		T(root_document_serves_when_there_is_no_other),
		T(named_document_comes_first),
		T(pages_and_failures_are_passed_over),
		T(failure_is_told_when_there_is_no_better_place),
		T(redirects_are_followed_a_few_times),
		T(each_document_may_be_redirected_anew),
		T(wrong_resource_ends_the_search),
		T(root_document_is_for_an_issuer_with_a_path_when_it_says_so),
		T(wrong_issuer_is_passed_over_and_told_in_the_end),
		T(second_server_serves_when_the_first_does_not_describe_itself),
		T(server_that_knows_us_is_preferred),
		T(given_client_is_kept_to_its_server),
		T(without_resource_metadata_the_origin_is_the_server),
		T(server_that_was_named_must_describe_itself),
		T(named_address_that_is_no_good_is_passed_over),
		T(failure_that_passes_is_asked_again),
		T(protocol_version_is_said),
		T(cancelling_calls_nobody),
		T(watcher_is_told_of_each_step_and_why),
		T(search_for_the_resource_alone_asks_no_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
