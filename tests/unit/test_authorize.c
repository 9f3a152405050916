#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/authorize.h"

static char p_scope[] = "scope=a b", p_prompt[] = "prompt=login";
static char *const params[] = { p_scope, p_prompt };

static char *address(const struct oauth_options *o, const char *endpoint, const char *scope)
{
	struct signin_record g = { .authorization_endpoint = (char *)endpoint,
		.client_id = (char *)"c",
		.redirect_uri = (char *)"http://localhost:1/cb",
		.resource = (char *)"https://r.example/mcp",
		.scope_asked = (char *)scope };
	struct secret verifier = { 0 }, state = { 0 };
	struct buf url;
	char *text;

	/* RFC 7636, Appendix B. */
	secret_set(&verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", 43);
	secret_set(&state, "s+1", 3);
	buf_init(&url, AUTHORIZE_URL_MAX);
	assert_true(authorize_url(o, &g, &verifier, &state, &url));
	text = buf_take(&url, NULL);
	buf_free(&url);
	secret_clear(&verifier);
	secret_clear(&state);
	return text;
}

#define CHALLENGE \
	"code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" \
	"&code_challenge_method=S256"
#define BEGIN \
	"response_type=code&client_id=c&redirect_uri=http%3A%2F%2Flocalhost" \
	"%3A1%2Fcb&state=s%2B1&" CHALLENGE

static void request_holds_what_the_specifications_ask_for(void **state)
{
	static const struct {
		struct oauth_options o;
		const char *endpoint, *scope, *want;
	} rows[] = {
		{ { .url = NULL }, "https://as.example/a", NULL,
			"https://as.example/a?" BEGIN "&resource=https%3A%2F%2Fr.example%2Fmcp" },
		{ { .no_resource = true }, "https://as.example/a?x=1", "a offline_access",
			"https://as.example/a?x=1&" BEGIN
			"&scope=a%20offline_access&prompt=consent" },
		{ { .resource = "urn:x", .params = params, .nparams = 2 }, "https://as.example/a",
			"a offline_access",
			"https://as.example/a?" BEGIN
			"&resource=urn%3Ax&scope=a%20b&prompt=login" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *have = address(&rows[i].o, rows[i].endpoint, rows[i].scope);

		assert_string_equal(have, rows[i].want);
		free(have);
	}
}

static void response_is_read_strictly(void **state)
{
	static const struct {
		const char *query;
		bool promised;
		enum authorize_outcome how;
	} rows[] = {
		{ "code=c0de", false, AUTHORIZE_OK },
		{ "code=c0de", true, AUTHORIZE_FAILED },
		{ "code=c0de&iss=https%3A%2F%2Fas.example", true, AUTHORIZE_OK },
		{ "code=c0de&iss=https%3A%2F%2Fas.example%2F", false, AUTHORIZE_FAILED },
		{ "code=a&code=b", false, AUTHORIZE_FAILED },
		{ "code=", false, AUTHORIZE_FAILED },
		{ "", false, AUTHORIZE_FAILED },
		{ "error=access_denied&code=c0de", false, AUTHORIZE_FAILED },
		{ "error=invalid_client", false, AUTHORIZE_CLIENT_UNKNOWN },
		{ "error=unauthorized_client", false, AUTHORIZE_CLIENT_UNKNOWN },
		{ "error=invalid_scope", false, AUTHORIZE_SCOPE_UNKNOWN },
		{ "error=invalid_client", true, AUTHORIZE_FAILED },
	};
	static const struct oauth_options o = { .url = "https://r.example/mcp" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signin_record g = { .issuer = (char *)"https://as.example",
			.iss_promised = rows[i].promised };
		struct secret code = { 0 };
		struct err e = { 0 };

		if (authorize_read(rows[i].query, &o, &g, &code, &e) != rows[i].how)
			fail_msg("%s: %s", rows[i].query, e.msg);
		assert_int_equal(secret_isset(&code), rows[i].how == AUTHORIZE_OK);
		assert_int_equal(e.kind != 0, rows[i].how != AUTHORIZE_OK);
		secret_clear(&code);
	}
}

static void state_is_compared_whole_and_once(void **state)
{
	struct secret want = { 0 }, none = { 0 };

	(void)state;
	secret_set(&want, "s+1", 3);
	assert_true(authorize_is_ours("code=x&state=s%2B1", &want));
	assert_false(authorize_is_ours("state=s%2B1&state=s%2B1", &want));
	assert_false(authorize_is_ours("state=s%2B", &want));
	assert_false(authorize_is_ours("code=x", &want));
	assert_false(authorize_is_ours("state=", &none));
	secret_clear(&want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_holds_what_the_specifications_ask_for),
		cmocka_unit_test(response_is_read_strictly),
		cmocka_unit_test(state_is_compared_whole_and_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
