/* Challenges, request heads and PKCE: the small pure parts of signing in. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "auth/challenge.h"
#include "auth/pkce.h"
#include "net/request_head.h"

static const struct {
	const char *what, *fields[3];
	bool bearer;
	const char *error, *scope, *metadata;
} challenges[] = {
	{ "the service's own",
		{ "Bearer error=\"invalid_token\", error_description=\"Failed. Clear tokens, then: "
		  "reconnect.\", resource_metadata=\"https://m/.well-known/x\"" },
		true, "invalid_token", NULL, "https://m/.well-known/x" },
	{ "metadata alone", { "Bearer resource_metadata=\"https://m/x\"" }, true, NULL, NULL,
		"https://m/x" },
	{ "scheme alone", { "bearer" }, true, NULL, NULL, NULL },
	{ "escaped quotes",
		{ "Bearer error_description=\"say \\\"hi\\\", scope=\\\"no\\\"\", scope=\"a b\"" },
		true, NULL, "a b", NULL },
	{ "several in one field",
		{ "Basic realm=\"x, y\", Bearer scope=a, error=insufficient_scope" }, true,
		"insufficient_scope", "a", NULL },
	{ "several fields", { "Negotiate", "Digest nonce=\"=\"", "Bearer error=\"e\"" }, true, "e",
		NULL, NULL },
	{ "token68 before", { "Negotiate YWJj==, Bearer error=\"e\"" }, true, "e", NULL, NULL },
	{ "parameters of others", { "Basic scope=\"no\"" }, false, NULL, NULL, NULL },
	{ "quotes that never close", { "Bearer error=\"e", "Bearer scope=\"s\"" }, true, NULL, NULL,
		NULL },
	{ "names in any case", { "BEARER Error=\"e\" , SCOPE=\"s\"" }, true, "e", "s", NULL },
	{ "scopes that are none", { "Bearer error=\"e\", scope=\"a \x1b]0;b\"" }, true, "e", NULL,
		NULL },
	{ "scopes outside ASCII", { "Bearer scope=\"\xc2\x9b\", error=\"e\"" }, true, "e", NULL,
		NULL },
	{ "the same name twice", { "Bearer scope=\"a\", SCOPE=\"b\", error=e, error=f" }, true, "e",
		"a", NULL },
	{ "nothing", { "" }, false, NULL, NULL, NULL },
};

static void same(const char *what, const char *have, const char *want)
{
	if ((have != NULL) != (want != NULL) || (want && strcmp(have, want) != 0))
		fail_msg("%s: \"%s\", not \"%s\"", what, have ? have : "(none)",
			want ? want : "(none)");
}

static void challenges_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(challenges) / sizeof(challenges[0]); i++) {
		struct challenge c;
		size_t n = 0;

		while (n < 3 && challenges[i].fields[n])
			n++;
		challenge_parse(challenges[i].fields, n, &c);
		assert_int_equal(c.bearer, challenges[i].bearer);
		same(challenges[i].what, c.error, challenges[i].error);
		same(challenges[i].what, c.scope, challenges[i].scope);
		same(challenges[i].what, c.resource_metadata, challenges[i].metadata);
		challenge_clear(&c);
	}
}

static void values_that_are_too_long_are_left_out(void **state)
{
	char value[CHALLENGE_VALUE_MAX + 2] = { 0 }, field[CHALLENGE_VALUE_MAX + 64];
	const char *fields[] = { field };

	(void)state;
	for (size_t n = CHALLENGE_VALUE_MAX; n <= CHALLENGE_VALUE_MAX + 1; n++) {
		memset(value, 'a', n);
		for (int quoted = 0; quoted < 2; quoted++) {
			const char *quote = quoted ? "\"" : "";
			struct challenge c;

			snprintf(field, sizeof(field), "Bearer scope=%s%s%s, error=e", quote, value,
				quote);
			challenge_parse(fields, 1, &c);
			same("scope", c.scope, n > CHALLENGE_VALUE_MAX ? NULL : value);
			same("error", c.error, "e");
			challenge_clear(&c);
		}
	}
}

static void request_heads_are_read_at_any_cut(void **state)
{
	static const char text[] =
		"GET /cb?code=1 HTTP/1.1\r\nAccept: */*\r\nhOST:  localhost:1 \r\n\r\n";
	struct request_head h;
	size_t n = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(request_head_parse(text, cut, &h), 0);
	assert_int_equal(request_head_parse(text, n, &h), n);
	assert_string_equal(h.method, "GET");
	assert_string_equal(h.target, "/cb?code=1");
	assert_string_equal(h.host, "localhost:1");
}

static void broken_request_heads_are_refused(void **state)
{
	static const char *const rows[] = { "\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
		"GET /a b HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "\x16\x03\x01\r\n\r\n",
		"GET /\x01 HTTP/1.1\r\n\r\n", "GET /\xc3\xa4 HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.12\r\n\r\n", "GET / HTTP/1.2\r\n\r\n", "GET / xTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\n: nameless\r\n\r\n", "ABCDEFGHIJKLMNOP / HTTP/1.1\r\n\r\n" };
	static const char nul[] = "GET / HTTP/1.1\r\nHost: localhost:1\0.evil\r\n\r\n";
	char *endless = malloc(REQUEST_HEAD_MAX);
	struct request_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (request_head_parse(rows[i], strlen(rows[i]), &h) != -1)
			fail_msg("row %zu is taken", i);
	assert_int_equal(request_head_parse(nul, sizeof(nul) - 1, &h), -1);
	/* The longest that has room. */
	assert_true(request_head_parse("ABCDEFGHIJKLMNO / HTTP/1.1\r\n\r\n", 30, &h) == 30);
	memset(endless, 'a', REQUEST_HEAD_MAX);
	assert_int_equal(request_head_parse(endless, REQUEST_HEAD_MAX, &h), -1);
	free(endless);
}

static void pkce_vector_of_rfc_7636(void **state)
{
	char out[PKCE_CHALLENGE_MAX];
	struct secret a = { 0 }, b = { 0 };

	(void)state;
	assert_true(pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", out));
	assert_string_equal(out, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	pkce_verifier(&a);
	pkce_verifier(&b);
	assert_int_equal(a.len, 43);
	assert_string_not_equal(secret_str(&a), secret_str(&b));
	secret_clear(&a);
	secret_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(challenges_are_read),
		cmocka_unit_test(values_that_are_too_long_are_left_out),
		cmocka_unit_test(request_heads_are_read_at_any_cut),
		cmocka_unit_test(broken_request_heads_are_refused),
		cmocka_unit_test(pkce_vector_of_rfc_7636),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
