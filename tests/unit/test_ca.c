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

static void file_of_an_option_that_cannot_be_read_is_an_error(void **state)
{
	struct err e = { 0 };

	(void)state;
	no_environment();
	assert_null(ca_new("/nonexistent/ca.pem", &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, "--cacert"));
	assert_non_null(strstr(e.msg, "/nonexistent/ca.pem"));
	ca_free(NULL);
}

static void trouble(const char *name, const char *value, bool expected)
{
	struct err e = { 0 };
	struct ca *c;
	const char *words;

	setenv(name, value, 1);
	c = ca_new(NULL, &e);
	assert_non_null(c);
	words = ca_trouble(c);
	assert_int_equal(words != NULL, expected);
	if (words) {
		assert_non_null(strstr(words, name));
		assert_non_null(strstr(words, value));
	}
	ca_free(c);
}

static void what_a_variable_names_is_looked_at_late(void **state)
{
	char *path = in_folder("a.pem"), *two = in_folder("");

	(void)state;
	no_environment();
	trouble("NODE_EXTRA_CA_CERTS", "/nonexistent/x.pem", true);
	trouble("NODE_EXTRA_CA_CERTS", path, false);
	trouble("SSL_CERT_DIR", "/nonexistent", true);
	trouble("SSL_CERT_DIR", "/nonexistent:/nonexistent/2", true);
	snprintf(two, 200, "/nonexistent:%s", folder);
	trouble("SSL_CERT_DIR", two, false); /* one folder of several is enough */
	trouble("SSL_CERT_FILE", "/nonexistent/x.pem", true);
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	trouble("SSL_CERT_FILE", path, false); /* as OpenSSL has it: the file serves */
	no_environment();
	free(path);
	free(two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_option_wins_over_the_environment),
		cmocka_unit_test(variables_win_over_the_system),
		cmocka_unit_test(extra_file_is_added_to_the_system),
		cmocka_unit_test(file_of_an_option_that_cannot_be_read_is_an_error),
		cmocka_unit_test(what_a_variable_names_is_looked_at_late),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
