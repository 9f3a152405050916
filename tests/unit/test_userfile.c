#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/userfile.h"
#include "between.h"

#define CAP ((size_t)4096)

static char dir[64];

static const char *in_dir(const char *name)
{
	static char names[8][320];
	static unsigned next;
	char *p = names[next++ % 8];

	snprintf(p, sizeof(names[0]), "%s/%s", dir, name);
	return p;
}

static int enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mpmcp-user-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static void remove_tree(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *entry;
	char name[512];

	while (d && (entry = readdir(d))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", folder, entry->d_name);
		if (unlink(name) != 0)
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(folder);
}

static int leave(void **state)
{
	(void)state;
	memset(&between, 0, sizeof(between));
	umask(022);
	remove_tree(dir);
	return 0;
}

static void put(const char *name, const char *text, mode_t mode)
{
	FILE *f = fopen(in_dir(name), "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(in_dir(name), mode), 0);
}

static void assert_holds(const char *name, const char *text)
{
	char have[256] = "";
	FILE *f = fopen(in_dir(name), "r");

	assert_non_null(f);
	assert_true(fread(have, 1, sizeof(have) - 1, f) < sizeof(have));
	fclose(f);
	assert_string_equal(have, text);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(stat(in_dir(name), &st), 0);
	return st.st_mode & 07777;
}

static unsigned files(void)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Opens name and replaces its content by "new". */
static bool change(const char *name, const char *inside, bool closed, char **backup, struct err *e)
{
	struct userfile f;
	bool good = userfile_open(&f, in_dir(name), inside, CAP, e) &&
		    userfile_replace(&f, "new", 3, closed, backup, e);

	userfile_clear(&f);
	return good;
}

static void a_file_keeps_its_mode_and_a_copy(void **state)
{
	static const mode_t modes[] = { 0600, 0644, 0640, 0755 };
	struct err e = { 0 };
	char *backup;

	(void)state;
	umask(077);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		put("f", "old", modes[i]);
		assert_true(change("f", NULL, true, &backup, &e));
		assert_holds("f", "new");
		assert_int_equal(mode_of("f"), modes[i]);
		assert_string_equal(backup, in_dir("f.mpmcp-bak"));
		assert_holds("f.mpmcp-bak", "old");
		assert_int_equal(mode_of("f.mpmcp-bak"), modes[i]);
		assert_int_equal(files(), 2);
		unlink(backup);
		free(backup);
	}
}

static void an_older_copy_is_kept(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	put("f", "first", 0600);
	assert_true(change("f", NULL, true, &backup, &e));
	free(backup);
	assert_true(change("f", NULL, true, &backup, &e));
	assert_string_equal(backup, in_dir("f.mpmcp-bak2"));
	free(backup);
	assert_holds("f.mpmcp-bak", "first");
	assert_holds("f.mpmcp-bak2", "new");
}

static void a_missing_file_is_made_with_its_folders(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	umask(022);
	assert_true(change("a/b/f", NULL, true, &backup, &e));
	assert_null(backup);
	assert_holds("a/b/f", "new");
	assert_int_equal(mode_of("a"), 0700);
	assert_int_equal(mode_of("a/b/f"), 0600);
	assert_true(change("c/f", NULL, false, &backup, &e));
	assert_int_equal(mode_of("c"), 0755);
	assert_int_equal(mode_of("c/f"), 0644);
}

static void links_stay_and_lead_to_the_new_content(void **state)
{
	struct err e = { 0 };
	struct stat st;
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("repo"), 0755), 0);
	put("repo/f", "old", 0640);
	assert_int_equal(symlink("repo/f", in_dir("one")), 0);
	assert_int_equal(symlink(in_dir("one"), in_dir("two")), 0);
	assert_true(change("two", NULL, true, &backup, &e));
	assert_holds("repo/f", "new");
	assert_int_equal(mode_of("repo/f"), 0640);
	assert_int_equal(lstat(in_dir("two"), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(backup, in_dir("two.mpmcp-bak"));
	free(backup);
}

static void a_link_to_what_is_missing_makes_that(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("repo"), 0755), 0);
	assert_int_equal(symlink("repo/f", in_dir("l")), 0);
	assert_true(change("l", NULL, true, &backup, &e));
	assert_null(backup);
	assert_holds("repo/f", "new");
}

static void a_link_out_of_the_folder_is_refused(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(mkdir(in_dir("project2"), 0755), 0);
	put("mine", "old", 0600);
	assert_int_equal(symlink("../mine", in_dir("project/f")), 0);
	assert_int_equal(symlink("../project2", in_dir("project/d")), 0);
	assert_int_equal(symlink("inner", in_dir("project/g")), 0);
	assert_false(change("project/f", in_dir("project"), false, &backup, &e));
	assert_non_null(strstr(e.msg, "points outside this folder"));
	assert_false(change("project/d/f", in_dir("project"), false, &backup, &e));
	assert_false(change("project/d/new/f", in_dir("project"), false, &backup, &e));
	assert_true(change("project/g", in_dir("project"), false, &backup, &e));
	assert_true(change("project/new/f", in_dir("project"), false, &backup, &e));
	assert_holds("mine", "old");
	assert_holds("project/inner", "new");
}

/* Made on the way, it would lead out of the project. */
static void a_link_through_dotdot_after_a_missing_folder_is_refused(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(symlink("new/../../outside/f", in_dir("project/f")), 0);
	assert_int_equal(symlink("new/../../g", in_dir("project/g")), 0);
	for (int i = 0; i < 4; i++) {
		assert_false(change(i % 2 ? "project/f" : "project/g",
			i < 2 ? in_dir("project") : NULL, false, &backup, &e));
		assert_non_null(strstr(e.msg, "after a folder that does not exist"));
	}
	assert_int_equal(files(), 1);
	assert_int_equal(access(in_dir("project/new"), F_OK), -1);
}

static void a_link_through_dotdot_may_stay_inside(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(mkdir(in_dir("project/a"), 0755), 0);
	put("project/g", "old", 0600);
	assert_int_equal(symlink("a/../g", in_dir("project/f")), 0);
	assert_true(change("project/f", in_dir("project"), false, &backup, &e));
	assert_holds("project/g", "new");
	free(backup);
}

/* Out by the folder and in again by the file: the copy would be outside. */
static void a_copy_does_not_go_outside_either(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(mkdir(in_dir("mine"), 0755), 0);
	put("project/g", "old", 0600);
	assert_int_equal(symlink("../mine", in_dir("project/d")), 0);
	assert_int_equal(symlink("../project/g", in_dir("mine/f")), 0);
	assert_false(change("project/d/f", in_dir("project"), false, &backup, &e));
	assert_holds("project/g", "old");
	assert_int_equal(access(in_dir("mine/f.mpmcp-bak"), F_OK), -1);
}

/* What was looked at is written, not what took its place. */
static void a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere(void **state)
{
	struct userfile f;
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(mkdir(in_dir("project/d"), 0755), 0);
	assert_int_equal(mkdir(in_dir("mine"), 0755), 0);
	assert_true(userfile_open(&f, in_dir("project/d/f"), in_dir("project"), CAP, &e));
	assert_int_equal(rename(in_dir("project/d"), in_dir("project/e")), 0);
	assert_int_equal(symlink("../mine", in_dir("project/d")), 0);
	assert_true(userfile_replace(&f, "new", 3, false, &backup, &e));
	assert_holds("project/e/f", "new");
	assert_int_equal(access(in_dir("mine/f"), F_OK), -1);
	userfile_clear(&f);
}

static void plant_link(const char *name)
{
	const char *made = strcmp(name, "new") == 0 ? in_dir("project/new") : name;

	assert_int_equal(rmdir(made), 0);
	assert_int_equal(symlink("../mine", made), 0);
}

static void a_new_folder_that_is_swapped_for_a_link_is_not_entered(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkdir(in_dir("project"), 0755), 0);
	assert_int_equal(mkdir(in_dir("mine"), 0755), 0);
	between.after_mkdir = plant_link;
	assert_false(change("project/new/f", in_dir("project"), false, &backup, &e));
	assert_int_equal(access(in_dir("mine/f"), F_OK), -1);
}

static void links_in_a_circle_end(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(symlink("b", in_dir("a")), 0);
	assert_int_equal(symlink("a", in_dir("b")), 0);
	assert_false(change("a", NULL, true, &backup, &e));
	assert_non_null(strstr(e.msg, "back to itself"));
}

static void what_is_no_plain_file_is_refused(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_int_equal(mkfifo(in_dir("pipe"), 0600), 0);
	assert_false(change("pipe", NULL, true, &backup, &e));
	assert_int_equal(mkdir(in_dir("d"), 0700), 0);
	assert_false(change("d", NULL, true, &backup, &e));
	put("ro", "old", 0444);
	assert_false(change("ro", NULL, true, &backup, &e));
	assert_non_null(strstr(e.msg, "write-protected"));
	assert_holds("ro", "old");
	assert_int_equal(files(), 3);
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	struct userfile f;
	struct err e = { 0 };

	(void)state;
	put("f", "12345678", 0600);
	assert_false(userfile_open(&f, in_dir("f"), NULL, 7, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	userfile_clear(&f);
}

/* What a client writes between our reading and our writing is not lost. */
static void a_file_that_changed_meanwhile_is_left_alone(void **state)
{
	static const char *const meanwhile[] = { "theirs", "odd", NULL };
	struct err e = { 0 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct userfile f;
		char *backup;

		put("f", "old", 0600);
		assert_true(userfile_open(&f, in_dir("f"), NULL, CAP, &e));
		unlink(in_dir("f"));
		if (meanwhile[i])
			put("f", meanwhile[i], 0600);
		assert_false(userfile_replace(&f, "new", 3, true, &backup, &e));
		if (meanwhile[i])
			assert_holds("f", meanwhile[i]);
		assert_int_equal(files(), meanwhile[i] ? 1 : 0);
		assert_non_null(strstr(e.msg, "was changed meanwhile"));
		userfile_clear(&f);
		unlink(in_dir("f"));
	}
}

static void a_file_that_came_meanwhile_is_left_alone(void **state)
{
	struct userfile f;
	struct err e = { 0 };
	char *backup;

	(void)state;
	assert_true(userfile_open(&f, in_dir("f"), NULL, CAP, &e));
	put("f", "theirs", 0600);
	assert_false(userfile_replace(&f, "new", 3, true, &backup, &e));
	assert_holds("f", "theirs");
	assert_int_equal(files(), 1);
	userfile_clear(&f);
}

/* Root works for others now and then. */
static void the_owner_stays(void **state)
{
	struct err e = { 0 };
	struct stat st;
	char *backup;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("f", "old", 0600);
	assert_int_equal(chown(in_dir("f"), 65534, 65534), 0);
	assert_true(change("f", NULL, true, &backup, &e));
	assert_int_equal(stat(in_dir("f"), &st), 0);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65534);
	assert_int_equal(stat(backup, &st), 0);
	assert_int_equal(st.st_uid, 65534);
	free(backup);
}

/* The folder's owner puts a link to a file of root in the place of each new one, when it is written and
 * before it is given to its owner. */
static void swap_new_files(int fd)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	(void)fd;
	while ((entry = readdir(d))) {
		if (!strstr(entry->d_name, ".tmp") && !strstr(entry->d_name, ".mpmcp-bak"))
			continue;
		unlink(in_dir(entry->d_name));
		assert_int_equal(symlink("victim", in_dir(entry->d_name)), 0);
	}
	closedir(d);
}

static void root_gives_away_only_what_it_made(void **state)
{
	struct err e = { 0 };
	struct stat st;
	char *backup;

	(void)state;
	if (geteuid() != 0)
		skip();
	put("victim", "secret", 0600);
	put("f", "old", 0666);
	assert_int_equal(chown(in_dir("f"), 65534, 65534), 0);
	between.after_fsync = swap_new_files;
	if (change("f", NULL, true, &backup, &e))
		free(backup);
	assert_int_equal(stat(in_dir("victim"), &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_holds("victim", "secret");
}

/* Whoever owns the link chooses a file that they could not write themselves. */
static void root_follows_no_link_of_others_to_files_of_others(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_dir("home"), 0755), 0);
	assert_int_equal(mkdir(in_dir("home/repo"), 0755), 0);
	assert_int_equal(chown(in_dir("home"), 65534, 65534), 0);
	assert_int_equal(chown(in_dir("home/repo"), 65534, 65534), 0);
	put("roots", "old", 0600);
	assert_int_equal(symlink("../roots", in_dir("home/f")), 0);
	assert_int_equal(symlink("../new", in_dir("home/n")), 0);
	assert_int_equal(symlink("repo/g", in_dir("home/g")), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(lchown(in_dir(i == 0    ? "home/f"
						: i == 1 ? "home/n"
							 : "home/g"),
					 65534, 65534),
			0);
	assert_false(change("home/f", NULL, true, &backup, &e));
	assert_non_null(strstr(e.msg, "root does not follow"));
	assert_holds("roots", "old");
	assert_false(change("home/n", NULL, true, &backup, &e));
	assert_int_equal(access(in_dir("new"), F_OK), -1);
	assert_true(change("home/g", NULL, true, &backup, &e));
	assert_holds("home/repo/g", "new");
}

/* Runs the check in a child that is nobody and in no other group. */
static void as_nobody(bool (*check)(void))
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0 && check()
				? 0
				: 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static bool changes_f(void)
{
	struct err e = { 0 };
	char *backup;
	bool good = change("f", NULL, true, &backup, &e);

	free(backup);
	return good;
}

static void a_group_that_cannot_be_kept_loses_its_permissions(void **state)
{
	static const struct {
		mode_t mode, kept;
	} rows[] = { { 0660, 0600 }, { 0664, 0604 }, { 0644, 0604 }, { 0604, 0600 } };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(dir, 65534, 65534), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		put("f", "old", rows[i].mode);
		assert_int_equal(chown(in_dir("f"), 65534, 12345), 0);
		as_nobody(changes_f);
		assert_holds("f", "new");
		assert_int_equal(mode_of("f"), rows[i].kept);
		assert_int_equal(mode_of("f.mpmcp-bak"), rows[i].kept);
		unlink(in_dir("f.mpmcp-bak"));
		unlink(in_dir("f"));
	}
}

/* Windows drives show 0777 and refuse to change that. */
static void a_file_system_without_permissions_keeps_what_it_has(void **state)
{
	struct err e = { 0 };
	char *backup;

	(void)state;
	put("f", "old", 0666);
	between.fchmod_error = EPERM;
	between.more = 0777;
	assert_true(change("f", NULL, true, &backup, &e));
	assert_holds("f", "new");
	free(backup);
	assert_false(change("g", NULL, true, &backup, &e)); /* it may get secrets */
	assert_non_null(strstr(e.msg, "has no permissions"));
	assert_int_equal(access(in_dir("g"), F_OK), -1);
	assert_int_equal(files(), 2);
}

static bool refuses_as_nobody(void)
{
	struct err e = { 0 };
	char *backup;

	return setgid(65534) == 0 && setuid(65534) == 0 &&
	       !change("d/f", NULL, true, &backup, &e) && strstr(e.msg, "permissions");
}

static void is_refused_in_a_folder_of(mode_t mode)
{
	int status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(dir, 0755), 0);
	assert_int_equal(mkdir(in_dir("d"), mode), 0);
	assert_int_equal(chmod(in_dir("d"), mode), 0); /* whatever the umask */
	put("d/f", "old", 0666);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(refuses_as_nobody() ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_holds("d/f", "old");
}

static void a_folder_that_cannot_be_written_is_said(void **state)
{
	(void)state;
	is_refused_in_a_folder_of(0755);
}

/* Where copies can be made but not given away. */
static void a_file_of_somebody_else_is_left_alone(void **state)
{
	(void)state;
	is_refused_in_a_folder_of(0777);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_keeps_its_mode_and_a_copy, enter, leave),
		cmocka_unit_test_setup_teardown(an_older_copy_is_kept, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_missing_file_is_made_with_its_folders, enter, leave),
		cmocka_unit_test_setup_teardown(
			links_stay_and_lead_to_the_new_content, enter, leave),
		cmocka_unit_test_setup_teardown(a_link_to_what_is_missing_makes_that, enter, leave),
		cmocka_unit_test_setup_teardown(a_link_out_of_the_folder_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_link_through_dotdot_after_a_missing_folder_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_link_through_dotdot_may_stay_inside, enter, leave),
		cmocka_unit_test_setup_teardown(a_copy_does_not_go_outside_either, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_folder_that_is_swapped_for_a_link_meanwhile_leads_nowhere, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_new_folder_that_is_swapped_for_a_link_is_not_entered, enter, leave),
		cmocka_unit_test_setup_teardown(root_gives_away_only_what_it_made, enter, leave),
		cmocka_unit_test_setup_teardown(
			root_follows_no_link_of_others_to_files_of_others, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_group_that_cannot_be_kept_loses_its_permissions, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_system_without_permissions_keeps_what_it_has, enter, leave),
		cmocka_unit_test_setup_teardown(links_in_a_circle_end, enter, leave),
		cmocka_unit_test_setup_teardown(what_is_no_plain_file_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(a_file_that_is_too_large_is_refused, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_that_changed_meanwhile_is_left_alone, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_that_came_meanwhile_is_left_alone, enter, leave),
		cmocka_unit_test_setup_teardown(the_owner_stays, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_folder_that_cannot_be_written_is_said, enter, leave),
		cmocka_unit_test_setup_teardown(
			a_file_of_somebody_else_is_left_alone, enter, leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
