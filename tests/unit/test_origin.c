#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "net/origin.h"

static void no_proxy_lists_names_addresses_and_networks(void **state)
{
	static const struct {
		const char *list, *host;
		unsigned port;
		bool listed;
	} rows[] = {
		{ "", "example.com", 443, false },
		{ " , ,,", "example.com", 443, false },
		{ "*", "example.com", 443, true },
		{ "*", "10.0.0.1", 443, true },
		{ "a.com,*", "example.com", 443, true },
		{ "example.com", "example.com", 443, true },
		{ "EXAMPLE.com", "example.com", 443, true },
		{ "example.com", "mcp.example.com", 443, true },
		{ ".example.com", "mcp.example.com", 443, true },
		{ ".example.com", "example.com", 443, true },
		{ "*.example.com", "mcp.example.com", 443, true },
		{ "*example.com", "mcp.example.com", 443, true },
		{ "example.com", "badexample.com", 443, false },
		{ "*.example.com", "badexample.com", 443, false },
		{ "mcp.example.com", "example.com", 443, false },
		{ "example.com.", "example.com", 443, true },
		{ "example.com", "example.com.", 443, true },
		{ "xample.com", "example.com", 443, false },
		{ "com", "example.com", 443, true },
		{ ".", "example.com", 443, false },
		{ "*.", "example.com", 443, false },
		{ "a.com b.com\tc.com,d.com", "x.c.com", 443, true },
		{ "a.com b.com", "a.com b.com", 443, false },
		{ "example.com:443", "mcp.example.com", 443, true },
		{ "example.com:8443", "mcp.example.com", 443, false },
		{ "example.com:", "example.com", 443, false },
		{ "example.com:x", "example.com", 443, false },
		{ "example.com:443443", "example.com", 443443 % 65536, false },
		{ ":443", "example.com", 443, false },
		{ "10.0.0.1", "10.0.0.1", 80, true },
		{ "10.0.0.1:80", "10.0.0.1", 80, true },
		{ "10.0.0.1:81", "10.0.0.1", 80, false },
		{ "10.0.0.1", "10.0.0.10", 80, false },
		{ "0.0.1", "10.0.0.1", 80, false },
		{ "10.0.0.0/8", "10.1.2.3", 80, true },
		{ "10.0.0.0/8", "11.1.2.3", 80, false },
		{ "10.0.0.0/9", "10.127.2.3", 80, true },
		{ "10.0.0.0/9", "10.128.2.3", 80, false },
		{ "10.1.2.3/32", "10.1.2.3", 80, true },
		{ "0.0.0.0/0", "10.1.2.3", 80, true },
		{ "10.0.0.0/33", "10.0.0.0", 80, false },
		{ "10.0.0.0/", "10.0.0.0", 80, false },
		{ "10.0.0.0/x", "10.0.0.0", 80, false },
		{ "10.0.0.0/8", "ten.example.com", 80, false },
		{ "fd00::1", "[fd00::1]", 80, true },
		{ "[fd00::1]", "[fd00::1]", 80, true },
		{ "[fd00::1]:80", "[fd00::1]", 80, true },
		{ "[fd00::1]:81", "[fd00::1]", 80, false },
		{ "fd00::/8", "[fdff::1]", 80, true },
		{ "fd00::/8", "[fe80::1]", 80, false },
		{ "fd00:0:0::1", "[fd00::1]", 80, true },
		{ "fd00::1", "10.0.0.1", 80, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (origin_is_listed(rows[i].list, rows[i].host, rows[i].port) != rows[i].listed)
			fail_msg("\"%s\" and %s:%u: %s", rows[i].list, rows[i].host, rows[i].port,
				rows[i].listed ? "not found" : "found");
}

static const char *const names[] = { "http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD" };

static void forget_variables(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* "a=1 b=2" into the environment. */
static void set_variables(const char *text)
{
	char copy[400], *save = NULL;

	forget_variables();
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *p = strtok_r(copy, " ", &save); p; p = strtok_r(NULL, " ", &save)) {
		char *eq = strchr(p, '=');

		*eq = 0;
		setenv(p, eq + 1, 1);
	}
}

static void variables_decide_by_scheme_case_and_target(void **state)
{
	static const struct {
		const char *variables, *url, *proxy;
		bool one;
	} rows[] = {
		{ "", "https://h/", "", false },
		{ "http_proxy=http://p:1", "http://h/", "http://p:1", false },
		{ "http_proxy=http://p:1", "https://h/", "", false },
		{ "http_proxy=http://p:1", "https://h/", "http://p:1", true },
		{ "HTTP_PROXY=http://p:1", "https://h/", "http://p:1", true },
		{ "HTTP_PROXY=http://p:1 HTTPS_PROXY=http://q:2", "https://h/", "http://q:2",
			true },
		{ "HTTPS_PROXY=http://q:2", "http://h/", "", true },
		{ "HTTP_PROXY=http://p:1", "http://h/", "http://p:1", false },
		{ "HTTP_PROXY=http://p:1 REQUEST_METHOD=GET", "http://h/", "", false },
		{ "http_proxy=http://p:1 REQUEST_METHOD=GET", "http://h/", "http://p:1", false },
		{ "http_proxy=http://p:1 HTTP_PROXY=http://q:2", "http://h/", "http://p:1", false },
		{ "http_proxy= HTTP_PROXY=http://q:2", "http://h/", "http://q:2", false },
		{ "https_proxy=p:1 HTTPS_PROXY=q:2", "https://h/", "p:1", false },
		{ "ALL_PROXY=socks5h://p:1", "https://h/", "socks5h://p:1", false },
		{ "ALL_PROXY=socks5h://p:1 https_proxy=q:2", "https://h/", "q:2", false },
		{ "ALL_PROXY=socks5h://p:1", "http://h/", "socks5h://p:1", false },
		{ "https_proxy=p:1 NO_PROXY=h", "https://h/", "", false },
		{ "https_proxy=p:1 no_proxy=x NO_PROXY=h", "https://h/", "p:1", false },
		{ "https_proxy=p:1", "https://localhost/", "", false },
		{ "https_proxy=p:1", "https://a.localhost/", "", false },
		{ "https_proxy=p:1", "https://127.8.9.10/", "", false },
		{ "https_proxy=p:1", "https://[::1]:3/", "", false },
		{ "https_proxy=p:1", "https://localhost.example/", "p:1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct origins *s;
		struct origin *one;
		struct err e = { 0 };

		set_variables(rows[i].variables);
		s = origins_new(false, rows[i].one, NULL);
		one = origins_of(s, rows[i].url, &e);
		if (!one)
			fail_msg("%s: %s", rows[i].variables, e.msg);
		if (strcmp(origin_proxy(one), rows[i].proxy) != 0)
			fail_msg("%s, %s: \"%s\" instead of \"%s\"", rows[i].variables, rows[i].url,
				origin_proxy(one), rows[i].proxy);
		assert_true((origin_proxy_words(one) != NULL) == (*rows[i].proxy != 0));
		origins_free(s);
	}
	forget_variables();
}

static void what_is_no_proxy_is_named_without_its_password(void **state)
{
	static const char *const bad[] = { "ftp://user:pa55word1@h:1", "http://",
		"http://user:pa55word1@", "http://h:99999", "h h", "://x", "javascript:x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err e = { 0 };
		struct origins *s;

		forget_variables();
		setenv("https_proxy", bad[i], 1);
		s = origins_new(false, false, NULL);
		if (origins_of(s, "https://h/", &e))
			fail_msg("\"%s\" is taken: %s", bad[i],
				origin_proxy(origins_of(s, "https://h/", &e)));
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, "https_proxy"));
		assert_null(strstr(e.msg, "pa55word1"));
		/* Nothing of it is needed for this machine. */
		assert_non_null(origins_of(s, "https://localhost/", &e));
		origins_free(s);
	}
	forget_variables();
}

static void passwords_are_hidden_as_written_decoded_and_encoded(void **state)
{
	char text[] = "p%40ssw0rd! p@ssw0rd! us3r:p%40ssw0rd! dXMzcjpwQHNzdzByZCE= proxy.example";
	struct err e = { 0 };
	struct origins *s;

	(void)state;
	set_variables("https_proxy=http://us3r:p%40ssw0rd!@proxy.example:3128");
	s = origins_new(false, false, NULL);
	assert_string_equal(origin_proxy_words(origins_of(s, "https://h/", &e)),
		"the proxy proxy.example:3128 (https_proxy)");
	assert_string_equal(
		origin_way(origins_of(s, "https://h/", &e)).proxy, "http://proxy.example:3128");
	diag_redact(text);
	assert_null(strstr(text, "ssw0rd"));
	assert_null(strstr(text, "dXMzcjpw"));
	assert_non_null(strstr(text, "proxy.example"));
	origins_free(s);
	forget_variables();
}

static void sites_are_told_apart_by_origin(void **state)
{
	struct err e = { 0 };
	struct origins *s = origins_new(true, false, NULL);
	struct origin *one = origins_of(s, "https://h:1/a?b#c", &e);

	(void)state;
	assert_non_null(origin_jar(one));
	assert_ptr_equal(origins_of(s, "https://h:1", &e), one);
	assert_ptr_equal(origins_of(s, "https://h:1/x", &e), one);
	assert_ptr_not_equal(origins_of(s, "https://h:2/a", &e), one);
	assert_ptr_not_equal(origins_of(s, "http://h:1/a", &e), one);
	assert_ptr_not_equal(origin_jar(origins_of(s, "https://h:2/a", &e)), origin_jar(one));
	origins_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_proxy_lists_names_addresses_and_networks),
		cmocka_unit_test(variables_decide_by_scheme_case_and_target),
		cmocka_unit_test(what_is_no_proxy_is_named_without_its_password),
		cmocka_unit_test(passwords_are_hidden_as_written_decoded_and_encoded),
		cmocka_unit_test(sites_are_told_apart_by_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
