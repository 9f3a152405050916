/* A service account in the token folder: what comes back, what is refused, who may read it. */
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

#include "auth/kept_account.h"

#define URL "https://mcp.mixpanel.com/mcp"
#define VALUE "Bearer Basic YTpi"

static char folder[64];
static struct err e;

static int start(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mpmcp-account-XXXXXX");
	e = (struct err){ 0 };
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static char *saved(const char *profile)
{
	struct secret value = { 0 };

	secret_set(&value, VALUE, strlen(VALUE));
	assert_true(kept_account_save(folder, URL, profile, &value, &e));
	secret_clear(&value);
	return kept_account_path(folder, URL, profile, &e);
}

static enum store_status status_of(const char *url, const char *profile)
{
	struct kept_account k;
	enum store_status status = kept_account_load(folder, url, profile, &k, &e);

	kept_account_clear(&k);
	return status;
}

static void what_is_saved_comes_back(void **state)
{
	struct kept_account k;
	char *path = saved("work");
	struct stat st;

	(void)state;
	assert_int_equal(kept_account_load(folder, URL, "work", &k, &e), STORE_OK);
	assert_string_equal(secret_str(&k.value), VALUE);
	assert_string_equal(k.url, URL);
	assert_string_equal(k.profile, "work");
	assert_string_equal(k.path, path);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	kept_account_clear(&k);
	free(path);
}

static void another_profile_or_endpoint_has_none(void **state)
{
	(void)state;
	free(saved("work"));
	assert_int_equal(status_of(URL, NULL), STORE_NONE);
	assert_int_equal(status_of(URL, "other"), STORE_NONE);
	assert_int_equal(status_of("https://mcp-eu.mixpanel.com/mcp", "work"), STORE_NONE);
}

static void a_file_that_says_something_else_is_refused(void **state)
{
	static const char *const contents[] = { "", "{}", "[]",
		"{\"format\":1,\"url\":\"" URL "\"}",
		"{\"format\":2,\"url\":\"" URL "\",\"token\":\"YTpi\"}",
		"{\"format\":1,\"url\":\"" URL "\",\"token\":\"a\\nb\"}",
		"{\"format\":1,\"url\":\"https://elsewhere/\",\"token\":\"YTpi\"}" };
	char *path = saved(NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
		FILE *f = fopen(path, "w");

		assert_non_null(f);
		fputs(contents[i], f);
		fclose(f);
		e = (struct err){ 0 };
		assert_int_equal(status_of(URL, NULL), STORE_BROKEN);
		assert_int_equal(e.kind, ERR_USAGE);
	}
	free(path);
}

static void a_link_is_not_followed(void **state)
{
	char *path = saved(NULL);

	(void)state;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/etc/passwd", path), 0);
	assert_int_equal(status_of(URL, NULL), STORE_FAILED);
	assert_non_null(strstr(e.advice, "login --service-account"));
	free(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_saved_comes_back, start, end),
		cmocka_unit_test_setup_teardown(another_profile_or_endpoint_has_none, start, end),
		cmocka_unit_test_setup_teardown(
			a_file_that_says_something_else_is_refused, start, end),
		cmocka_unit_test_setup_teardown(a_link_is_not_followed, start, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
