/* How the choice of certificate authorities is told to a libcurl whose TLS is not ours. */
#define CA_PORTABLE
#include "../../lib/net/ca.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char one[64], two[64];

static void write_file(char path[64], const char *text)
{
	int fd;

	strcpy(path, "/tmp/mpmcp-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	write_file(one, "first");
	write_file(two, "second\n");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(one);
	unlink(two);
	return 0;
}

/* Where the system has a bundle and no folder, libcurl has to get both files as one text. */
static void two_files_become_one_text(void **state)
{
	struct ca c = { .file = one, .extra = two };
	CURL *easy = curl_easy_init();

	(void)state;
	buf_init(&c.bundle, BUNDLE_MAX);
	for (int i = 0; i < 2; i++) {
		ca_apply(&c, easy);
		assert_string_equal(buf_str(&c.bundle), "first\nsecond\n");
	}
	curl_easy_cleanup(easy);
	buf_free(&c.bundle);
}

static void one_file_needs_no_text(void **state)
{
	struct ca c = { .extra = two };
	CURL *easy = curl_easy_init();

	(void)state;
	buf_init(&c.bundle, BUNDLE_MAX);
	ca_apply(&c, easy);
	assert_int_equal(c.bundle.len, 0);
	curl_easy_cleanup(easy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_files_become_one_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_file_needs_no_text, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
