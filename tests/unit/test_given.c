/* What the person gave is hidden for good, and kept from other programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"
#include "base/given.h"
#include "os/process.h"

static void assert_redacted(const char *in, const char *want)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", in);
	if (strcmp(diag_redact(text), want) != 0)
		fail_msg("\"%s\" became \"%s\"", in, text);
}

static void value(const char *v)
{
	given_value(v, strlen(v));
}

static void values_are_hidden_as_a_whole_and_part_by_part(void **state)
{
	(void)state;
	value("Key alpha-111, sig=\"beta_222\"; theme=dark");
	value("user:gamma*333");
	assert_redacted("alpha-111 beta_222 gamma*333", "[hidden] [hidden] [hidden]");
	assert_redacted("<Key alpha-111, sig=\"beta_222\"; theme=dark>", "<[hidden]>");
	assert_redacted("dark user Key", "dark user Key");
}

static void what_base64_stands_for_is_hidden_too(void **state)
{
	(void)state;
	value("Bearer Basic dXNlcm5hbWU6czNjcjN0LXZhbHVl");
	assert_redacted("bad s3cr3t-value", "bad [hidden]");
	assert_redacted("bad dXNlcm5hbWU6czNjcjN0LXZhbHVl", "bad [hidden]");
	assert_redacted("a Bearer Basic value", "a Bearer Basic value");
}

static void words_stay_readable(void **state)
{
	static const char *const words[] = { "true", "false", "12345", "production", "Staging",
		"READONLY", "application", "base64", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		value(words[i]);
		assert_redacted(words[i], words[i]);
	}
	value("hunTer");
	value("correcthorsebattery");
	given_secret("letmein", 7);
	assert_redacted("hunTer correcthorsebattery letmein", "****** [hidden] *******");
}

static void keys_in_a_url_are_hidden_one_by_one(void **state)
{
	(void)state;
	given_url("https://us3r-name:pa%2Fss%40word@h.example/"
		  "p?key=k%3D1234567&mode=true;t=tok-99#frag-ment1");
	assert_redacted("k=1234567", "[hidden]");
	assert_redacted("?key=k%3D1234567&x", "?key=[hidden]&x");
	assert_redacted("tok-99", "******");
	assert_redacted("key=k%3D1234567&mode=true;t=tok-99", "[hidden]");
	assert_redacted("pa/ss@word pa%2Fss%40word us3r-name", "[hidden] [hidden] [hidden]");
	assert_redacted("dXMzci1uYW1lOnBhL3NzQHdvcmQ=", "[hidden]");
	assert_redacted("true h.example frag-ment1", "true h.example frag-ment1");
	given_url("not a url ?=&&;x=%zz%4");
	given_url("");
}

static void session_ids_do_not_push_them_out(void **state)
{
	char id[32];

	(void)state;
	value("kept-for-good-1");
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "session-%06d", i);
		diag_hide(id, strlen(id));
	}
	assert_redacted("kept-for-good-1", "[hidden]");
}

/* The value of a variable; NULL: it is not there. */
static const char *value_of(char **v, const char *name)
{
	size_t n = strlen(name);

	for (; *v; v++)
		if (strncmp(*v, name, n) == 0 && (*v)[n] == '=')
			return *v + n + 1;
	return NULL;
}

static void check_environment(char **v, const char *user)
{
	char proxy[100];

	snprintf(proxy, sizeof(proxy), "http://%sproxy.example:3128", user);
	assert_null(value_of(v, "MIXPANEL_SA_TOKEN"));
	assert_null(value_of(v, "MIXPANEL_SA_USERNAME"));
	assert_null(value_of(v, "MIXPANEL_SA_SECRET"));
	assert_null(value_of(v, "MY_KEY"));
	assert_string_equal(value_of(v, "MY_KEY_2"), "x");
	assert_string_equal(value_of(v, "HOME"), "/h");
	assert_string_equal(value_of(v, "https_proxy"), proxy);
	assert_string_equal(value_of(v, "ALL_PROXY"),
		*user ? "user:pass@proxy.example:3128" : "proxy.example:3128");
	assert_string_equal(value_of(v, "npm_config_proxy"),
		*user ? "http://user:pass@proxy.example/" : "http://proxy.example/");
	assert_string_equal(value_of(v, "http_proxy"), "http://proxy.example:3128");
	assert_string_equal(value_of(v, "MAIL"), "me@example.com");
	os_free_variables(v);
}

static void other_programs_get_no_credentials(void **state)
{
	(void)state;
	setenv("MIXPANEL_SA_TOKEN", "x", 1);
	setenv("MIXPANEL_SA_USERNAME", "x", 1);
	setenv("MIXPANEL_SA_SECRET", "x", 1);
	setenv("MY_KEY", "x", 1);
	setenv("MY_KEY_2", "x", 1);
	setenv("HOME", "/h", 1);
	setenv("https_proxy", "http://user:p@ss@proxy.example:3128", 1);
	setenv("ALL_PROXY", "user:pass@proxy.example:3128", 1);
	setenv("npm_config_proxy", "http://user:pass@proxy.example/", 1);
	setenv("http_proxy", "http://proxy.example:3128", 1);
	setenv("MAIL", "me@example.com", 1);
	given_variable("MY_KEY", 6);
	given_variable("HOME", 4);
	given_variable("NOT_SET", 7);
	check_environment(given_environment(false), "");
	check_environment(given_environment(true), "user:p@ss@");
	assert_string_equal(getenv("MIXPANEL_SA_TOKEN"), "x"); /* ours is as it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_hidden_as_a_whole_and_part_by_part),
		cmocka_unit_test(what_base64_stands_for_is_hidden_too),
		cmocka_unit_test(words_stay_readable),
		cmocka_unit_test(keys_in_a_url_are_hidden_one_by_one),
		cmocka_unit_test(session_ids_do_not_push_them_out),
		cmocka_unit_test(other_programs_get_no_credentials),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
