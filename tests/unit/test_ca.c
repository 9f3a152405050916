#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/ca.h"

static char folder[] = "/tmp/mpmcp-ca-XXXXXX";

static char *in_folder(const char *name)
{
	char *path = malloc(200);

	snprintf(path, 200, "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	char *path;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	path = in_folder("a.pem");
	close(open(path, O_WRONLY | O_CREAT, 0600));
	free(path);
	return 0;
}

static int remove_folder(void **state)
{
	char *path = in_folder("a.pem");

	(void)state;
	unlink(path);
	free(path);
	return rmdir(folder);
}

static void no_environment(void)
{
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	unsetenv("NODE_EXTRA_CA_CERTS");
}

static void check(const char *cacert, const char *words, const char *other_words)
{
	struct err e = { 0 };
	struct ca *c = ca_new(cacert, &e);

	assert_non_null(c);
	assert_non_null(strstr(ca_describe(c), words));
	if (other_words)
		assert_null(strstr(ca_describe(c), other_words));
	ca_free(c);
}

static void an_option_wins_over_the_environment(void **state)
{
	char *path = in_folder("a.pem");

	(void)state;
	no_environment();
	setenv("SSL_CERT_FILE", "/nonexistent", 1);
	check(path, path, "/nonexistent");
	free(path);
}

static void variables_win_over_the_system(void **state)
{
	char *path = in_folder("a.pem");

	(void)state;
	no_environment();
	setenv("SSL_CERT_FILE", path, 1);
	check(NULL, path, "/etc");
	setenv("SSL_CERT_FILE", "", 1); /* as some clients make of an unset one */
	setenv("SSL_CERT_DIR", folder, 1);
	check(NULL, folder, "/etc");
	setenv("SSL_CERT_DIR", "", 1);
	check(NULL, "", folder);
	free(path);
}

static void extra_file_is_added_to_the_system(void **state)
{
	char *path = in_folder("a.pem");

	(void)state;
	no_environment();
	setenv("NODE_EXTRA_CA_CERTS", path, 1);
	check(NULL, path, NULL);
	check(NULL, "NODE_EXTRA_CA_CERTS", NULL);
	no_environment();
	free(path);
}

static void file_that_cannot_be_read_is_named(void **state)
{
	static const char *const names[] = { "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS" };
	struct err e = { 0 };

	(void)state;
	no_environment();
	assert_null(ca_new("/nonexistent/ca.pem", &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "--cacert"));
	assert_non_null(strstr(e.msg, "/nonexistent/ca.pem"));
	for (size_t i = 0; i < 2; i++) {
		no_environment();
		setenv(names[i], "/nonexistent/x.pem", 1);
		assert_null(ca_new(NULL, &e));
		assert_int_equal(e.kind, ERR_USAGE);
		assert_non_null(strstr(e.msg, names[i]));
	}
	no_environment();
	ca_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_wins_over_the_environment),
		cmocka_unit_test(variables_win_over_the_system),
		cmocka_unit_test(extra_file_is_added_to_the_system),
		cmocka_unit_test(file_that_cannot_be_read_is_named),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
