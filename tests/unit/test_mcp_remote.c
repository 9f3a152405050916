/* Sign-ins of mcp-remote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "auth/mcp_remote.h"
#include "base/clock.h"

#define US "https://mcp.mixpanel.com/mcp"
#define US_HASH "a7a748c525355285bfc4d1a25362b3c3"
/* with the header X-Org:1, the parameter prompt=a=b and so on: see test_options.c */
#define ALL_HASH "34b166fe105020464d02a60dc6fa4001"

static char folder[64];
static struct err e;

static int start(void **state)
{
	(void)state;
	e = (struct err){ 0 };
	snprintf(folder, sizeof(folder), "/tmp/mpmcp-import-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	setenv("MCP_REMOTE_CONFIG_DIR", folder, 1);
	clock_set(1000, 5000);
	return 0;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	clock_set(-1, -1);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void put(const char *dir, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, dir);
	(void)!mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/%s.json", folder, dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

#define CLIENT \
	"{\"client_id\":\"me\",\"redirect_uris\":[\"http://localhost:1/cb\"],\"issuer\":\"https:/" \
	"/as\"}"
#define TOKENS(n, more) \
	"{\"access_token\":\"access-" n "\",\"refresh_token\":\"refresh-" n \
	"\",\"token_type\":\"Bearer\"" more "}"

static bool import(const struct oauth_options *o, struct signin_record *g)
{
	return mcp_remote_read(o, g, &e);
}

static void sign_in_of_now_is_read(void **state)
{
	static const struct oauth_options o = { .url = US, .profile = "p" };
	struct signin_record g;

	(void)state;
	put("mcp-remote-v1", US_HASH "_tokens",
		TOKENS("1", ",\"expires_at\":7000123,\"requested_scope\":\"a b\",\"scope\":\"a\""));
	put("mcp-remote-v1", US_HASH "_client_info", CLIENT);
	assert_true(import(&o, &g));
	assert_string_equal(g.url, US);
	assert_string_equal(g.profile, "p");
	assert_string_equal(g.issuer, "https://as");
	assert_string_equal(secret_str(&g.access), "access-1");
	assert_string_equal(secret_str(&g.refresh), "refresh-1");
	assert_string_equal(g.scope_asked, "a b");
	assert_string_equal(g.scope_granted, "a");
	assert_string_equal(g.client_id, "me");
	assert_string_equal(g.redirect_uri, "http://localhost:1/cb");
	assert_int_equal(g.expires_s, 7000);
	assert_int_equal(e.kind, ERR_NONE);
	signin_record_clear(&g);
}

static void newest_of_the_older_folders_counts(void **state)
{
	static const struct oauth_options o = { .url = US };
	struct signin_record g;

	(void)state;
	for (int i = 0; i < 3; i++) {
		static const char *const dirs[] = { "mcp-remote-0.1.9", "mcp-remote-0.1.29",
			"mcp-remote-0.0.100" };
		static const char *const tokens[] = { TOKENS("9", ""), TOKENS("29", ""),
			TOKENS("100", "") };

		put(dirs[i], US_HASH "_tokens", tokens[i]);
		put(dirs[i], US_HASH "_client_info", CLIENT);
	}
	assert_true(import(&o, &g));
	assert_string_equal(secret_str(&g.access), "access-29");
	assert_int_equal(g.expires_s, 5000); /* no date: as good as ended */
	signin_record_clear(&g);
	/* What took the place of all those. */
	put("mcp-remote-v1", US_HASH "_tokens", TOKENS("v1", ""));
	put("mcp-remote-v1", US_HASH "_client_info", CLIENT);
	assert_true(import(&o, &g));
	assert_string_equal(secret_str(&g.access), "access-v1");
	signin_record_clear(&g);
	put("mcp-remote-v1", US_HASH "_tokens", "broken");
	put("mcp-remote-v1", US_HASH "_client_info", CLIENT);
	assert_true(import(&o, &g));
	assert_string_equal(secret_str(&g.access), "access-29");
	assert_int_equal(e.kind, ERR_NONE);
	signin_record_clear(&g);
}

static void all_that_makes_the_name_is_heeded(void **state)
{
	static char param[] = "prompt=a=b", header[] = "X-Org:1";
	static char *const params[] = { param };
	static char *const headers[] = { header };
	static const struct oauth_options o = { .url = US,
		.resource = "https://r.example/",
		.params = params,
		.nparams = 1,
		.headers = headers,
		.nheaders = 1,
		.client_metadata_url = "https://c.example/x",
		.token_endpoint = "https://t.example/t" };
	struct signin_record g;

	(void)state;
	put("mcp-remote-v1", ALL_HASH "_tokens", TOKENS("1", ""));
	put("mcp-remote-v1", ALL_HASH "_client_info", CLIENT);
	assert_true(import(&o, &g));
	signin_record_clear(&g);
}

static void given_client_need_not_be_kept_there(void **state)
{
	static const struct oauth_options o = { .url = US,
		.client_info = "{\"client_id\":\"given\",\"client_secret\":\"s3cret-3\"}" };
	struct signin_record g;

	(void)state;
	put("mcp-remote-v1", US_HASH "_tokens", TOKENS("1", ""));
	assert_true(import(&o, &g));
	assert_string_equal(g.client_id, "given");
	assert_string_equal(g.client_method, "client_secret_basic");
	signin_record_clear(&g);
}

/* As with our own files: a link may lead to what somebody else can change. */
static void links_are_not_followed(void **state)
{
	static const struct oauth_options o = { .url = US };
	char file[256], link[256];
	struct signin_record g;

	(void)state;
	put("mcp-remote-v1", "elsewhere", TOKENS("1", ""));
	put("mcp-remote-v1", US_HASH "_client_info", CLIENT);
	snprintf(file, sizeof(file), "%s/mcp-remote-v1/elsewhere.json", folder);
	snprintf(link, sizeof(link), "%s/mcp-remote-v1/" US_HASH "_tokens.json", folder);
	assert_int_equal(symlink(file, link), 0);
	assert_false(import(&o, &g));
	assert_int_equal(unlink(link), 0);
	assert_int_equal(rename(file, link), 0);
	assert_true(import(&o, &g));
	signin_record_clear(&g);
}

static void nothing_to_import_is_said(void **state)
{
	static const struct oauth_options o = { .url = US };
	struct signin_record g;

	(void)state;
	assert_false(import(&o, &g));
	assert_int_equal(e.kind, ERR_AUTH);
	assert_non_null(strstr(e.msg, "mpmcp login"));
	put("mcp-remote-v1", US_HASH "_tokens", "{\"access_token\":\"a b\"}");
	put("mcp-remote-v1", US_HASH "_client_info", CLIENT);
	assert_false(import(&o, &g));
	assert_non_null(strstr(e.msg, "can be used"));
	assert_null(g.url);
}

/* Older files do not say whose tokens they hold. */
static void only_the_own_site_is_trusted_with_a_refresh_token(void **state)
{
	static const struct {
		const char *endpoint, *token, *revocation;
		bool stays;
	} rows[] = {
		{ US, "https://mixpanel.com/oauth/token/", NULL, true },
		{ "https://mcp-eu.mixpanel.com/mcp", "https://eu.mixpanel.com/oauth/token/", NULL,
			true },
		{ US, "https://mixpanel.com/t", "https://evil.example/r", false },
		{ US, "https://mixpanel.com.evil.example/t", NULL, false },
		{ US, "https://notmixpanel.com/t", NULL, false },
		{ "https://mcp.a.example/mcp", "https://mcp.a.example:8443/t", NULL, true },
		{ "https://mcp.a.example/mcp", "https://auth.mcp.a.example/t", NULL, true },
		{ "https://mcp.a.example/mcp", "https://a.example/t", "https://mcp.a.example/r",
			true },
		{ "https://mcp.a.example/mcp", "https://auth.a.example/t", NULL, false },
		{ "https://a.github.io/mcp", "https://b.github.io/t", NULL, false },
		{ "https://a.example/mcp", "https://example/t", NULL, false },
		{ "https://127.0.0.1:1/mcp", "https://127.0.0.1:2/t", NULL, true },
		{ "https://127.0.0.1:1/mcp", "https://localhost:2/t", NULL, false },
		{ US, NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signin_record g = { .token_endpoint = (char *)(uintptr_t)rows[i].token,
			.revocation_endpoint = (char *)(uintptr_t)rows[i].revocation };

		if (mcp_remote_stays_on_site(rows[i].endpoint, &g) != rows[i].stays)
			fail_msg("%s and %s", rows[i].endpoint, rows[i].token);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sign_in_of_now_is_read),
		T(newest_of_the_older_folders_counts),
		T(all_that_makes_the_name_is_heeded),
		T(given_client_need_not_be_kept_there),
		T(links_are_not_followed),
		T(nothing_to_import_is_said),
		T(only_the_own_site_is_trusted_with_a_refresh_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
