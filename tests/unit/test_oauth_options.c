/* What a person may say about signing in: names, the command to run, what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/oauth_options.h"
#include "base/buf.h"

#define US "https://mcp.mixpanel.com/mcp"

/* Options are words of argv, which is not const. */
static char p_consent[] = "prompt=consent", p_offline[] = "access_type=offline",
	    p_equals[] = "prompt=a=b", p_state[] = "state=x", p_bare[] = "prompt";
static char h_org_blank[] = "X-Org: 1", h_token[] = "A-b:${TOKEN}/\xc3\xa9\"q\"",
	    h_odd[] = "Odd Name: x", h_org[] = "X-Org:1";
static char *const consent[] = { p_consent, p_offline };
static char *const equals[] = { p_equals };
static char *const headers[] = { h_org_blank, h_token, h_odd };
static char *const org[] = { h_org };
static char *const own[] = { p_state };
static char *const no_value[] = { p_bare };

static const struct {
	struct oauth_options o;
	const char *hash;
	unsigned port;
} names[] = {
	{ { .url = US }, "a7a748c525355285bfc4d1a25362b3c3", 46254 },
	{ { .url = "https://mcp-eu.mixpanel.com/mcp" }, "3065cf731663c42934bf7010c8448949", 15724 },
	{ { .url = "https://mcp-in.mixpanel.com/mcp" }, "1c3a325176fc0717fbcb7052017ac42d", 10561 },
	{ { .url = US, .resource = "https://r.example/" }, "f9841b1313d0c3b6e2cc5eb5577e1035", 0 },
	{ { .url = US, .params = consent, .nparams = 2 }, "bf4065ed565e33d56c38772bc0250be7", 0 },
	{ { .url = US, .headers = headers, .nheaders = 3 }, "5201f8e31f7bbe7803be30ad92ba8a34", 0 },
	{ { .url = US,
		  .resource = "https://r.example/",
		  .params = equals,
		  .nparams = 1,
		  .headers = org,
		  .nheaders = 1,
		  .client_metadata_url = "https://c.example/x",
		  .token_endpoint = "https://t.example/t" },
		"34b166fe105020464d02a60dc6fa4001", 0 },
};

static void names_are_those_of_mcp_remote(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		unsigned char sum[CRYPT_MD5_LEN];
		struct buf hex;

		buf_init(&hex, 64);
		assert_true(oauth_hash(&names[i].o, sum));
		assert_true(crypt_hex(&hex, sum, sizeof(sum)));
		assert_string_equal(hex.p, names[i].hash);
		if (names[i].port)
			assert_int_equal(oauth_port(&names[i].o), names[i].port);
		buf_free(&hex);
	}
}

/* ---- keys ---- */

static bool same_text(const char *a, const char *b)
{
	return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static bool same_key(const struct oauth_options *a, const struct oauth_options *b)
{
	char *p, *q;
	struct store_key x = oauth_key(a, &p), y = oauth_key(b, &q);
	bool same = same_text(x.url, y.url) && same_text(x.resource, y.resource) &&
		    same_text(x.profile, y.profile) && same_text(x.client, y.client) &&
		    same_text(x.params, y.params);

	free(p);
	free(q);
	return same;
}

static void tokens_that_are_not_interchangeable_have_keys_of_their_own(void **state)
{
	static const struct oauth_options plain = { .url = US };
	static const struct oauth_options others[] = {
		{ .url = "https://mcp-eu.mixpanel.com/mcp" },
		{ .url = US, .profile = "x" },
		{ .url = US, .resource = "https://r.example" },
		{ .url = US, .params = consent, .nparams = 2 },
		{ .url = US, .id_token = true },
		{ .url = US, .client_metadata_url = "https://c.example/x" },
		{ .url = US, .client_info = "{\"client_id\":\"a\"}" },
		{ .url = US, .client_info = "{\"client_id\":\"b\"}" },
	};
	static const struct oauth_options alike[] = {
		{ .url = US, .host = "127.0.0.1", .callback_port = 7, .timeout_s = 5 },
		{ .url = US, .client_metadata = "{\"scope\":\"x\"}", .no_browser = true },
		{ .url = US, .auth_dir = "/elsewhere", .headers = org, .nheaders = 1 },
	};
	size_t n = sizeof(others) / sizeof(others[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_false(same_key(&plain, &others[i]));
		for (size_t k = 0; k < i; k++)
			if (same_key(&others[k], &others[i]))
				fail_msg("%zu and %zu", k, i);
	}
	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		assert_true(same_key(&plain, &alike[i]));
}

static void secret_of_a_client_is_no_part_of_a_key(void **state)
{
	static const struct oauth_options a = { .url = US,
		.client_info = "{\"client_id\":\"a\",\"client_secret\":\"one\"}" };
	static const struct oauth_options b = { .url = US,
		.client_info = "{\"client_id\":\"a\",\"client_secret\":\"two\"}" };

	(void)state;
	assert_true(same_key(&a, &b));
}

/* ---- the command ---- */

static const struct {
	struct oauth_options o;
	const char *more, *command;
} commands[] = {
	{ { .url = US }, NULL, "mpmcp login " US },
	{ { .url = US, .profile = "work" }, "--force",
		"mpmcp login --force " US " --profile work" },
	{ { .url = US, .place = "" }, "--force", "mpmcp login --force" },
	{ { .url = US, .place = "--region eu", .profile = "x" }, NULL,
		"mpmcp login --region eu --profile x" },
	{ { .url = "https://h/a&b", .profile = "it's me" }, NULL,
		"mpmcp login 'https://h/a&b' --profile 'it'\\''s me'" },
	{ { .url = US, .callback_port = 3334, .host = "127.0.0.1", .callback_path = "/cb" }, NULL,
		"mpmcp login " US " 3334 --host 127.0.0.1 --callback-path /cb" },
	{ { .url = US, .auth_dir = "/a b", .resource = "https://r" }, NULL,
		"mpmcp login " US " --auth-dir '/a b' --resource https://r" },
	{ { .url = "http://h.lan/mcp", .id_token = true, .no_resource = true }, NULL,
		"mpmcp login http://h.lan/mcp --disable-resource-parameter --use-id-token "
		"--allow-http" },
	{ { .url = US, .profile = "" }, NULL, "mpmcp login " US " --profile ''" },
	{ { .url = US,
		  .client_info = "{\"client_id\":\"a\",\"client_secret\":\"hush\"}",
		  .client_metadata = "{\"scope\":\"x\"}",
		  .params = consent,
		  .nparams = 2 },
		NULL,
		"mpmcp login " US " --authorize-param prompt=consent "
		"--authorize-param access_type=offline "
		"--static-oauth-client-metadata ... --static-oauth-client-info ..." },
};

static void command_to_run_is_for_this_sign_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char *text = oauth_command(&commands[i].o, commands[i].more);

		assert_string_equal(text, commands[i].command);
		free(text);
	}
}

/* ---- scopes ---- */

static void scopes_to_gain_are_those_that_would_be_asked_for(void **state)
{
	static const struct {
		const char *pinned, *offered, *asked, *granted, *wanted, *gain;
	} rows[] = {
		{ NULL, "a b c", "a b", "a b", NULL, "c" },
		{ NULL, "a b", "a b", "a", NULL,
			NULL }, /* asked for, and not given: known already */
		{ NULL, "a b", "a b", "a b", "x", "x" },
		{ "{\"scope\":\"a\"}", "a b c", "a", "a", NULL, NULL },
		{ "{\"scope\":\"a d\"}", "a b c", "a", "a", NULL, "d" },
		{ NULL, "a b", NULL, NULL, NULL, NULL }, /* nobody knows what it holds */
		{ NULL, "a b", NULL, "a", NULL, "b" },
		{ NULL, NULL, "a", "a", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct oauth_options o = { .url = US, .client_metadata = rows[i].pinned };
		struct signin_record g = { .scope_asked = (char *)(uintptr_t)rows[i].asked,
			.scope_granted = (char *)(uintptr_t)rows[i].granted,
			.scope_wanted = (char *)(uintptr_t)rows[i].wanted };
		char *gain = oauth_scopes_to_gain(&o, rows[i].offered, &g);

		if (!same_text(gain, rows[i].gain))
			fail_msg("row %zu: %s", i, gain ? gain : "(none)");
		free(gain);
	}
}

/* ---- checks ---- */

static const struct {
	struct oauth_options o;
	const char *says; /* NULL: fine */
} checks[] = {
	{ { .url = US }, NULL },
	{ { .url = US, .callback_path = "/x/y", .host = "127.0.0.1" }, NULL },
	{ { .url = US, .callback_path = "x" }, "--callback-path" },
	{ { .url = US, .callback_path = "/x?y" }, "--callback-path" },
	{ { .url = US, .host = "a b" }, "--host" },
	{ { .url = US, .host = "evil/" }, "--host" },
	{ { .url = US, .resource = "https://r", .no_resource = true }, "not both" },
	{ { .url = US, .client_credentials = true }, "--static-oauth-client-info" },
	{ { .url = US, .token_endpoint = "https://t/t" }, "--client-credentials" },
	{ { .url = US, .device_code = true, .client_credentials = true }, "not both" },
	{ { .url = US,
		  .client_credentials = true,
		  .client_info = "{\"client_id\":\"a\"}",
		  .token_endpoint = "http://t/t" },
		"--token-endpoint" },
	{ { .url = US, .client_info = "{\"id\":\"a\"}" }, "no client_id" },
	{ { .url = US, .client_info = "{\"client_id\":\"\"}" }, "no client_id" },
	{ { .url = US, .client_metadata = "{\"scope\":[\"a\"]}" }, "one string" },
	{ { .url = US, .client_metadata = "{\"scope\":\"a\"}" }, NULL },
	{ { .url = US, .params = own, .nparams = 1 }, "sets this itself" },
	{ { .url = US, .params = no_value, .nparams = 1 }, "NAME=VALUE" },
	{ { .url = US, .params = equals, .nparams = 1 }, NULL },
	{ { .url = US, .success_url = "https://ok.example/x" }, NULL },
	{ { .url = US, .success_url = "http://127.0.0.1:1/x" }, NULL },
	{ { .url = US, .success_url = "http://ok.example/x" }, "--auth-success-url" },
	{ { .url = US, .success_url = "https://ok.example/x?y" }, "--auth-success-url" },
	{ { .url = US, .success_url = "javascript:x" }, "--auth-success-url" },
	{ { .url = US, .success_url = "https://me@ok.example/x" }, "--auth-success-url" },
	{ { .url = US, .success_url = "https://ok.example/x#y" }, "--auth-success-url" },
	{ { .url = US, .client_metadata_url = "https://c.example/x" }, NULL },
	{ { .url = US, .client_metadata_url = "https://c.example" }, "--client-metadata-url" },
	{ { .url = US, .client_metadata_url = "http://c.example/x" }, "--client-metadata-url" },
};

static void options_that_make_no_sense_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct err e = { 0 };

		if (oauth_check(&checks[i].o, &e) != !checks[i].says)
			fail_msg("row %zu: %s", i, e.msg);
		if (checks[i].says && !strstr(e.msg, checks[i].says))
			fail_msg("row %zu: %s", i, e.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_those_of_mcp_remote),
		cmocka_unit_test(tokens_that_are_not_interchangeable_have_keys_of_their_own),
		cmocka_unit_test(secret_of_a_client_is_no_part_of_a_key),
		cmocka_unit_test(command_to_run_is_for_this_sign_in),
		cmocka_unit_test(scopes_to_gain_are_those_that_would_be_asked_for),
		cmocka_unit_test(options_that_make_no_sense_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
