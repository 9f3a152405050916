#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/start.h"
#include "os/time.h"

/* A folder of its own for each test. */
static int set_up(void **state)
{
	char path[] = "/tmp/mpmcp-os-XXXXXX";
	char *made = mkdtemp(path);

	if (!made)
		return -1;
	*state = mem_dup(made);
	return 0;
}

static int tear_down(void **state)
{
	char *command = mem_printf("rm -rf '%s'", (char *)*state);
	int status = system(command);

	free(command);
	free(*state);
	return status;
}

static int folder_of(void **state)
{
	int fd = os_open_folder(OS_HERE, *state, true, true);

	assert_true(fd >= 0);
	return fd;
}

static void put(int folder, const char *name, const char *text)
{
	int fd = os_open(folder, name, OS_WRITE | OS_CREATE, 0600);

	assert_true(fd >= 0);
	assert_true(os_rewrite(fd, text, strlen(text)));
	os_close(fd);
}

static void test_a_new_file_must_be_new(void **state)
{
	int folder = folder_of(state), fd;

	fd = os_open(folder, "a", OS_WRITE | OS_CREATE | OS_NEW, 0600);
	assert_true(fd >= 0);
	os_close(fd);
	assert_int_equal(os_open(folder, "a", OS_WRITE | OS_CREATE | OS_NEW, 0600), -1);
	assert_int_equal(errno, EEXIST);
	os_close(folder);
}

static void test_links_are_refused_where_asked(void **state)
{
	char *link = mem_printf("ln -s a '%s/l' && ln -s . '%s/f'", (char *)*state, (char *)*state);
	int folder = folder_of(state), fd;
	struct os_info i;
	char to[16];

	put(folder, "a", "x");
	assert_int_equal(system(link), 0);
	free(link);
	assert_int_equal(os_open(folder, "l", OS_READ | OS_NOFOLLOW, 0), -1);
	assert_true(os_is_link_refusal(errno));
	assert_int_equal(os_open_folder(folder, "f", false, false), -1);
	assert_true(errno == ENOTDIR || os_is_link_refusal(errno));
	fd = os_open(folder, "l", OS_READ, 0);
	assert_true(fd >= 0);
	os_close(fd);
	assert_true(os_info_at(folder, "l", false, &i));
	assert_int_equal(i.kind, OS_LINK);
	assert_true(os_info_at(folder, "l", true, &i));
	assert_int_equal(i.kind, OS_FILE);
	assert_true(os_read_link(folder, "l", to, sizeof(to)));
	assert_string_equal(to, "a");
	assert_false(os_read_link(folder, "a", to, sizeof(to)));
	os_close(folder);
}

static void test_content(void **state)
{
	int folder = folder_of(state), fd;
	char text[16];

	put(folder, "a", "longer");
	put(folder, "a", "short");
	fd = os_open(folder, "a", OS_READ, 0);
	assert_int_equal(os_read(fd, text, sizeof(text)), 5);
	assert_memory_equal(text, "short", 5);
	assert_int_equal(os_read(fd, text, sizeof(text)), 0);
	os_close(fd);
	fd = os_open(folder, "a", OS_WRITE | OS_APPEND, 0);
	assert_true(os_write(fd, "er", 2) && os_flush(fd));
	os_close(fd);
	fd = os_open(folder, "a", OS_READ, 0);
	assert_int_equal(os_read(fd, text, sizeof(text)), 7);
	os_close(fd);
	os_close(folder);
}

static void test_identity_survives_renaming(void **state)
{
	int folder = folder_of(state), fd;
	struct os_info held, named;

	put(folder, "a", "x");
	put(folder, "b", "y");
	fd = os_open(folder, "a", OS_READ, 0);
	assert_true(os_info(fd, &held) && os_info_at(folder, "a", false, &named));
	assert_true(os_same(&held, &named));
	assert_true(held.ours && held.kind == OS_FILE && held.size == 1);
	assert_true(os_info_at(folder, "b", false, &named));
	assert_false(os_same(&held, &named));
	assert_true(os_rename(folder, "a", "b"));
	assert_true(os_info_at(folder, "b", false, &named));
	assert_true(os_same(&held, &named));
	assert_false(os_info_at(folder, "a", false, &named));
	assert_int_equal(errno, ENOENT);
	assert_true(os_remove(folder, "b"));
	os_close(fd);
	os_close(folder);
}

static void test_permissions(void **state)
{
	int folder = folder_of(state), fd;
	struct os_info i;

	put(folder, "a", "x");
	fd = os_open(folder, "a", OS_READ | OS_WRITE, 0);
	assert_true(os_set_mode(fd, 0640) && os_info(fd, &i));
	assert_int_equal(i.mode, 0640);
	assert_true(os_give(fd, OS_KEEP, OS_KEEP));
	assert_int_equal(i.owner, os_user());
	os_close(fd);
	assert_true(os_make_folder(folder, "d", 0777, true));
	assert_true(os_info_at(folder, "d", false, &i));
	assert_int_equal(i.kind, OS_FOLDER);
	assert_int_equal(i.mode, 0777);
	assert_false(os_make_folder(folder, "d", 0700, true));
	assert_int_equal(errno, EEXIST);
	os_close(folder);
}

static void test_a_lock_belongs_to_the_open_file(void **state)
{
	int folder = folder_of(state), a, b, c;

	put(folder, "a", "");
	a = os_open(folder, "a", OS_READ | OS_WRITE, 0);
	b = os_open(folder, "a", OS_READ | OS_WRITE, 0);
	c = os_open(folder, "a", OS_READ | OS_WRITE, 0);
	assert_true(os_lock(a));
	assert_false(os_lock(b));
	assert_int_equal(errno, EWOULDBLOCK);
	os_close(c); /* loses nothing */
	assert_false(os_lock(b));
	os_unlock(a);
	assert_true(os_lock(b));
	os_close(a);
	os_close(b);
	os_close(folder);
}

static bool is_wanted(const char *name)
{
	return *name != 'x';
}

static void test_names_come_sorted_and_chosen(void **state)
{
	int folder = folder_of(state);
	struct strset found;

	put(folder, "b", "");
	put(folder, "x", "");
	put(folder, "a", "");
	assert_true(file_names(*state, is_wanted, &found));
	assert_int_equal(found.n, 2);
	assert_string_equal(found.item[0], "a");
	assert_string_equal(found.item[1], "b");
	strset_clear(&found);
	assert_false(file_names("/nonexistent", is_wanted, &found));
	assert_int_equal(errno, ENOENT);
	os_close(folder);
}

static void test_start(void **state)
{
	char *path = os_program_path(), *here = os_current_folder(), *real;

	(void)state;
	assert_non_null(path);
	assert_true(os_is_absolute(path) && os_may(path, OS_MAY_RUN));
	assert_non_null(strstr(path, "test_os_file"));
	real = os_real_path(".");
	assert_string_equal(here, real);
	free(path);
	free(here);
	free(real);
	assert_true(os_set_variable("MPMCP_TEST_VARIABLE", "x"));
	assert_string_equal(getenv("MPMCP_TEST_VARIABLE"), "x");
	assert_true(os_set_variable("MPMCP_TEST_VARIABLE", NULL));
	assert_null(getenv("MPMCP_TEST_VARIABLE"));
	assert_true(os_set_variable("HOME", "relative"));
	assert_null(os_home());
	assert_true(os_set_variable("HOME", "/h"));
	assert_string_equal(os_home(), "/h");
}

static void test_clocks(void **state)
{
	int64_t before = os_steady_ms();

	(void)state;
	os_sleep_ms(2);
	assert_true(os_steady_ms() > before);
	assert_true(os_wall_ms() > (int64_t)1500000000 * 1000);
	assert_true(os_asleep_ms() >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_new_file_must_be_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_links_are_refused_where_asked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_content, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_identity_survives_renaming, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_permissions, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_a_lock_belongs_to_the_open_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_names_come_sorted_and_chosen, set_up, tear_down),
		cmocka_unit_test(test_start),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
