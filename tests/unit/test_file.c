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
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "between.h"

/* A test that hangs is ended by this; none is meant to take a noticeable time. */
#define DEADLINE_S 120

/* The user who may do nothing: root would pass every check of permissions. */
#define NOBODY 65534

static char dir[64];   /* a new folder for each test */
static char path[128]; /* dir/file */

static const char *in_dir(const char *name)
{
	static char names[4][128];
	static unsigned next;
	char *p = names[next++ % 4];

	snprintf(p, sizeof(names[0]), "%s/%s", dir, name);
	return p;
}

static int enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mpmcp-file-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/file", dir);
	return 0;
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

/* ---- helpers ---- */

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	fclose(f);
}

static void assert_content(const char *name, const char *want)
{
	struct buf b;

	buf_init(&b, 1024);
	assert_true(file_read(name, &b, NULL));
	assert_string_equal(buf_str(&b), want);
	buf_free(&b);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(lstat(name, &st), 0);
	return st.st_mode & 07777;
}

static size_t entries(const char *folder)
{
	DIR *d = opendir(folder);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void assert_says(const struct err *e, enum err_kind kind, const char *name, const char *why)
{
	assert_int_equal(e->kind, kind);
	if (!strstr(e->msg, name) || !strstr(e->msg, why))
		fail_msg("message without \"%s\" or \"%s\": %s", name, why, e->msg);
}

/* Runs the check in a child without privileges. The check returns NULL or what went wrong. */
static void as_nobody(const char *(*check)(void))
{
	int status;
	pid_t pid;

	if (geteuid() == 0)
		assert_int_equal(chown(dir, NOBODY, NOBODY), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const char *wrong;

		if (geteuid() == 0 && (setgid(NOBODY) != 0 || setuid(NOBODY) != 0))
			_exit(2);
		wrong = check();
		if (wrong)
			fprintf(stderr, "as nobody: %s\n", wrong);
		_exit(wrong ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* ---- reading ---- */

static void a_file_is_read_up_to_the_cap(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	put(path, "12345678");
	buf_init(&b, 8);
	assert_true(file_read(path, &b, &e));
	assert_string_equal(buf_str(&b), "12345678");
	buf_free(&b);

	buf_init(&b, 9);
	assert_true(buf_adds(&b, "ab"));
	assert_false(file_read(path, &b, &e));
	assert_says(&e, ERR_LIMIT, path, "9 bytes");
	assert_string_equal(buf_str(&b), "ab");
	assert_int_equal(b.len, 2);
	buf_free(&b);

	put(path, "");
	buf_init(&b, 8);
	assert_true(file_read(path, &b, &e));
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void what_cannot_be_read_is_named(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 8);
	assert_false(file_read(path, &b, &e));
	assert_says(&e, ERR_IO, path, strerror(ENOENT));
	assert_false(file_read(dir, &b, &e));
	assert_says(&e, ERR_IO, dir, strerror(EISDIR));
	buf_free(&b);
}

/* "--header-file <(command)" of a shell */
static void a_pipe_that_a_person_names_is_read(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	pid = fork();
	if (pid == 0) {
		int fd = open(path, O_WRONLY);

		_exit(write(fd, "from afar", 9) == 9 ? 0 : 1);
	}
	assert_content(path, "from afar");
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void a_link_that_a_person_names_is_followed(void **state)
{
	(void)state;
	put(in_dir("target"), "content");
	assert_int_equal(symlink("target", path), 0);
	assert_content(path, "content");
}

static void assert_not_own(const char *name, const char *why)
{
	struct err e = { 0 };
	struct buf b;

	buf_init(&b, 64);
	assert_int_equal(file_read_own(name, &b, &e), FILE_FAILED);
	assert_says(&e, ERR_IO, name, why);
	assert_int_equal(b.len, 0);
	buf_free(&b);
}

static void a_file_of_ours_is_plain_and_ours(void **state)
{
	struct buf b;

	(void)state;
	put(in_dir("target"), "content");
	buf_init(&b, 64);
	assert_int_equal(file_read_own(in_dir("target"), &b, NULL), FILE_OK);
	assert_string_equal(buf_str(&b), "content");
	buf_free(&b);

	assert_int_equal(symlink("target", path), 0);
	assert_not_own(path, "symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_not_own(path, "plain file"); /* and nobody waits for a writer */
	assert_not_own(dir, "plain file");
	if (geteuid() == 0) {
		assert_int_equal(chown(in_dir("target"), NOBODY, NOBODY), 0);
		assert_not_own(in_dir("target"), "belongs to user 65534");
	}
}

static void missing_is_told_apart_and_is_no_error(void **state)
{
	struct err e = { 0 };
	struct buf b;

	(void)state;
	buf_init(&b, 64);
	assert_int_equal(file_read_own(path, &b, &e), FILE_MISSING);
	assert_int_equal(file_read_own(in_dir("none/file"), &b, &e), FILE_MISSING);
	assert_int_equal(e.kind, ERR_NONE);
}

/* ---- replacing ---- */

static void a_written_file_is_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		umask(masks[i]);
		assert_true(file_replace(path, "secret", 6, NULL));
		umask(022);
		assert_int_equal(mode_of(path), 0600);
		assert_content(path, "secret");
		assert_int_equal(entries(dir), 1);
		unlink(path);
	}
}

static void a_file_that_others_could_read_becomes_private(void **state)
{
	(void)state;
	put(path, "old");
	assert_int_equal(chmod(path, 0666), 0);
	assert_true(file_replace(path, "", 0, NULL));
	assert_int_equal(mode_of(path), 0600);
	assert_content(path, "");
}

static void a_link_is_replaced_and_not_followed(void **state)
{
	struct stat st;

	(void)state;
	put(in_dir("target"), "untouched");
	assert_int_equal(symlink("target", path), 0);
	assert_true(file_replace(path, "new", 3, NULL));
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_content(path, "new");
	assert_content(in_dir("target"), "untouched");
}

static void a_name_without_folder_is_in_the_current_one(void **state)
{
	char old[1024];

	(void)state;
	assert_non_null(getcwd(old, sizeof(old)));
	assert_int_equal(chdir(dir), 0);
	assert_true(file_replace("file", "here", 4, NULL));
	assert_int_equal(chdir(old), 0);
	assert_content(path, "here");
}

static void what_cannot_be_replaced_stays_and_leaves_nothing_beside(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_false(file_replace(in_dir("none/file"), "x", 1, &e));
	assert_says(&e, ERR_IO, in_dir("none"), strerror(ENOENT));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_false(file_replace(path, "x", 1, &e));
	assert_says(&e, ERR_IO, path, "cannot write");
	assert_int_equal(entries(dir), 1);
}

static const char *replace_in_read_only_folder(void)
{
	struct err e = { 0 };

	if (!file_replace(path, "old", 3, &e))
		return e.msg[0] ? "first write failed" : "no message";
	chmod(dir, 0500);
	if (file_replace(path, "new", 3, &e))
		return "wrote into a read-only folder";
	chmod(dir, 0700);
	if (e.kind != ERR_IO || !strstr(e.msg, path) || !strstr(e.msg, strerror(EACCES)) ||
		!strstr(e.msg, "permissions"))
		return "message does not say what and why";
	return entries(dir) == 1 ? NULL : "something was left beside";
}

static void a_read_only_folder_is_an_error_that_says_so(void **state)
{
	(void)state;
	as_nobody(replace_in_read_only_folder);
	assert_content(path, "old");
}

/* A limit of the file size stands for the full disk: write(2) fails in the same place. */
static void a_full_disk_keeps_the_old_content_and_leaves_nothing_beside(void **state)
{
	static char much[20000];
	struct rlimit old, small;
	struct err e = { 0 };
	bool good;

	(void)state;
	assert_true(file_replace(path, "old", 3, NULL));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	small = (struct rlimit){ 8192, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &small);
	good = file_replace(path, much, sizeof(much), &e);
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	assert_false(good);
	assert_says(&e, ERR_IO, path, strerror(EFBIG));
	assert_content(path, "old");
	assert_int_equal(entries(dir), 1);
}

#define BIG 65536
static char full_of_a[BIG], full_of_b[BIG];

/* One of the two, and whole. */
static void assert_one_of_both(void)
{
	struct buf b;

	buf_init(&b, BIG);
	assert_int_equal(file_read_own(path, &b, NULL), FILE_OK);
	assert_int_equal(b.len, BIG);
	assert_true(memcmp(b.p, full_of_a, BIG) == 0 || memcmp(b.p, full_of_b, BIG) == 0);
	assert_int_equal(mode_of(path), 0600);
	buf_free(&b);
}

/* Writes one and the other for ever, a byte to `told` before each, so that the parent knows that
 * some replacing is under way. */
static _Noreturn void keep_replacing(int told)
{
	for (unsigned i = 0; write(told, ".", 1) == 1; i++)
		if (!file_replace(path, i % 2 ? full_of_b : full_of_a, BIG, NULL))
			break;
	_exit(1);
}

static void a_killed_writer_leaves_the_old_content_or_the_new(void **state)
{
	size_t left_behind = 0;

	(void)state;
	assert_true(file_replace(path, full_of_a, BIG, NULL));
	for (int round = 0; round < 100; round++) {
		int ends[2], status;
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (pid == 0)
			keep_replacing(ends[1]);
		close(ends[1]);
		for (int i = 0; i <= round % 5; i++)
			assert_int_equal(read(ends[0], &byte, 1), 1);
		kill(pid, SIGKILL);
		close(ends[0]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		assert_one_of_both();
		left_behind += entries(dir) - 1;
	}
	print_message("%zu kills struck in the middle of a write\n", left_behind);
	/* What they left behind holds the secret too, so the next writer takes it away. */
	assert_true(file_replace(path, full_of_b, BIG, NULL));
	assert_int_equal(entries(dir), 1);
}

static void only_abandoned_copies_are_swept(void **state)
{
	char abandoned[128];
	const char *others[] = { "file.0123456789abcde.tmp", "file.0123456789abcdeX.tmp",
		"file.0123456789abcdef.tmp2", "file2.0123456789abcdef.tmp", "file.tmp",
		"file.json" };

	(void)state;
	snprintf(abandoned, sizeof(abandoned), "%s/file.0123456789abcdef.tmp", dir);
	put(abandoned, "token");
	for (size_t i = 0; i < 6; i++)
		put(in_dir(others[i]), "other");
	assert_true(file_replace(path, "new", 3, NULL));
	assert_int_equal(access(abandoned, F_OK), -1);
	assert_int_equal(entries(dir), 7);
	put(abandoned, "token");
	assert_true(file_remove(path, NULL));
	assert_int_equal(entries(dir), 6);
}

static void a_copy_that_is_being_written_is_not_swept(void **state)
{
	char temp[128];
	bool busy;
	int fd;

	(void)state;
	snprintf(temp, sizeof(temp), "%s/file.0123456789abcdef.tmp", dir);
	fd = file_trylock(temp, &busy, NULL); /* as its writer holds it */
	assert_true(fd >= 0);
	assert_true(file_replace(path, "new", 3, NULL));
	assert_int_equal(access(temp, F_OK), 0);
	file_unlock(fd);
	assert_true(file_replace(path, "new", 3, NULL));
	assert_int_equal(access(temp, F_OK), -1);
}

static void writers_side_by_side_all_succeed(void **state)
{
	pid_t pids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (int k = 0; k < 25; k++)
				if (!file_replace(path, i % 2 ? full_of_b : full_of_a, BIG, NULL))
					_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_one_of_both();
	assert_int_equal(entries(dir), 1);
}

static void move_folder(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	assert_int_equal(rename(in_dir("ours"), in_dir("moved")), 0);
	assert_int_equal(symlink("theirs", in_dir("ours")), 0);
}

static void a_folder_that_is_swapped_meanwhile_gets_nothing(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("ours"), 0700), 0);
	assert_int_equal(mkdir(in_dir("theirs"), 0700), 0);
	between.after_fsync = move_folder;
	assert_true(file_replace(in_dir("ours/file"), "new", 3, NULL));
	assert_content(in_dir("moved/file"), "new");
	assert_int_equal(entries(in_dir("theirs")), 0);
	assert_int_equal(entries(in_dir("moved")), 1);
}

/* FAT, and Windows drives in WSL: the modes of files are what they are. */
static void a_file_system_without_permissions_keeps_no_secrets(void **state)
{
	static const int refusals[] = { 0, EPERM, ENOTSUP };
	struct err e = { 0 };

	(void)state;
	between.more = 0777;
	for (size_t i = 0; i < 3; i++) {
		between.fchmod_error = refusals[i]; /* 0: it is ignored */
		assert_false(file_replace(path, "secret", 6, &e));
		assert_says(&e, ERR_IO, path, "has no permissions");
		assert_int_equal(entries(dir), 0);
		assert_false(file_make_dir(dir, &e));
		assert_says(&e, ERR_IO, dir, "has no permissions");
		assert_says(&e, ERR_IO, dir, "--auth-dir");
	}
	between.more = 0; /* mounted for one person */
	assert_true(file_make_dir(dir, &e));
	assert_true(file_replace(path, "secret", 6, &e));
}

static void removing_what_is_not_there_is_success(void **state)
{
	struct err e = { 0 };

	(void)state;
	put(path, "x");
	assert_true(file_remove(path, &e));
	assert_int_equal(entries(dir), 0);
	assert_true(file_remove(path, &e));
	assert_true(file_remove(in_dir("none/file"), &e));
	assert_false(file_remove(dir, &e));
	assert_says(&e, ERR_IO, dir, "cannot remove");
}

/* ---- folders ---- */

static void folders_are_made_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		umask(masks[i]);
		assert_true(file_make_dir(in_dir("a//b/c/"), NULL));
		umask(022);
		assert_int_equal(mode_of(in_dir("a")), 0700);
		assert_int_equal(mode_of(in_dir("a/b")), 0700);
		assert_int_equal(mode_of(in_dir("a/b/c")), 0700);
		assert_true(file_make_dir(in_dir("a/b/c"), NULL));
		remove_tree(in_dir("a"));
	}
}

static void only_the_last_folder_is_tightened(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("a"), 0755), 0);
	assert_int_equal(mkdir(in_dir("a/b"), 0755), 0);
	assert_true(file_make_dir(in_dir("a/b"), NULL));
	assert_int_equal(mode_of(in_dir("a")), 0755);
	assert_int_equal(mode_of(in_dir("a/b")), 0700);
}

static void assert_no_dir(const char *name, const char *why)
{
	struct err e = { 0 };

	assert_false(file_make_dir(name, &e));
	assert_says(&e, ERR_IO, name, why);
}

static void what_is_no_folder_of_ours_is_refused(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_dir("real"), 0700), 0);
	assert_int_equal(symlink("real", in_dir("link")), 0);
	assert_no_dir(in_dir("link"), "not a folder");
	assert_false(file_make_dir(in_dir("link/"), NULL));
	assert_int_equal(symlink("nowhere", in_dir("dangling")), 0);
	assert_no_dir(in_dir("dangling"), "not a folder");
	put(path, "x");
	assert_no_dir(path, "not a folder");
	assert_false(file_make_dir(in_dir("file/below"), NULL));
	assert_false(file_make_dir("", NULL));
	assert_true(file_make_dir(in_dir("link/below"), NULL)); /* a parent may be a link */
	if (geteuid() == 0) {
		assert_int_equal(chown(in_dir("real"), NOBODY, NOBODY), 0);
		assert_no_dir(in_dir("real"), "belongs to user 65534");
	}
}

static void plant_link(const char *name)
{
	const char *made = strcmp(name, "new") == 0 ? in_dir("new") : name;

	assert_int_equal(rmdir(made), 0);
	assert_int_equal(symlink("theirs", made), 0);
}

static void a_new_folder_that_is_swapped_for_a_link_changes_nothing_else(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(mkdir(in_dir("theirs"), 0755), 0);
	between.after_mkdir = plant_link;
	assert_false(file_make_dir(in_dir("new"), &e));
	assert_int_equal(mode_of(in_dir("theirs")), 0755);
}

/* What a "sudo mpmcp login" leaves in somebody's home. */
static const char *use_folder_of_root(void)
{
	static char want[256];
	struct err e = { 0 };

	setenv("HOME", dir, 1);
	snprintf(want, sizeof(want), "sudo chown -R %d '%s/auth'", NOBODY, dir);
	if (file_make_dir(in_dir("auth/mpmcp"), &e))
		return "made a folder in root's";
	if (!strstr(e.msg, "belongs to user 0 (root)") || !strstr(e.msg, want) ||
		!strstr(e.msg, "--auth-dir"))
		return "making: no word of whose it is and what to do";
	e = (struct err){ 0 };
	if (file_check_dir(in_dir("auth/mpmcp"), &e) || !strstr(e.msg, want))
		return "checking: no word of whose it is and what to do";
	setenv("HOME", "/elsewhere", 1);
	if (file_check_dir(in_dir("auth/mpmcp"), &e) || strstr(e.msg, "chown"))
		return "a folder that is nobody's home is to be given away";
	return file_check_dir(in_dir("own/new"), &e) ? NULL : "what can be made is refused";
}

static void a_folder_of_root_is_said_to_be_and_how_to_get_it_back(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir(in_dir("auth"), 0700), 0);
	as_nobody(use_folder_of_root);
	assert_int_equal(chmod(in_dir("auth"), 0755), 0); /* to be seen, not to be written */
	as_nobody(use_folder_of_root);
	assert_int_equal(mkdir(in_dir("auth/mpmcp"), 0700), 0);
}

static const char *make_below_read_only_folder(void)
{
	struct err e = { 0 };

	chmod(dir, 0500);
	if (file_make_dir(in_dir("a/b"), &e))
		return "made a folder in a read-only one";
	chmod(dir, 0700);
	return strstr(e.msg, strerror(EACCES)) ? NULL : "message does not say why";
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	(void)state;
	as_nobody(make_below_read_only_folder);
}

/* ---- locks ---- */

static void a_lock_is_held_once(void **state)
{
	bool busy = true;
	int fd, again;

	(void)state;
	umask(0);
	fd = file_trylock(path, &busy, NULL);
	assert_true(fd >= 0);
	assert_false(busy);
	assert_int_equal(mode_of(path), 0600);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	again = file_trylock(path, &busy, NULL);
	assert_int_equal(again, -1);
	assert_true(busy);
	file_unlock(fd);
	file_unlock(-1);
	fd = file_trylock(path, &busy, NULL);
	assert_true(fd >= 0);
	file_unlock(fd);
	assert_int_equal(access(path, F_OK), 0);
}

/* What another process finds: 0 free, 1 busy, 2 an error. */
static int found_by_another(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		bool busy;
		int fd = file_trylock(path, &busy, NULL);

		_exit(fd >= 0 ? 0 : busy ? 1 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_lock_keeps_other_processes_out_until_it_is_given_back(void **state)
{
	bool busy;
	int fd;

	(void)state;
	fd = file_trylock(path, &busy, NULL);
	assert_int_equal(found_by_another(), 1);
	file_unlock(fd);
	assert_int_equal(found_by_another(), 0);
}

/* Starts a child that calls us back when it is ready, and then waits for its end. */
static pid_t start_child(void (*prepare)(void))
{
	int ends[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		if (prepare)
			prepare();
		if (write(ends[1], ".", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	return pid;
}

static void take_lock(void)
{
	bool busy;

	if (file_trylock(path, &busy, NULL) < 0)
		_exit(2);
}

static void a_lock_ends_with_a_killed_holder(void **state)
{
	pid_t pid;

	(void)state;
	pid = start_child(take_lock);
	assert_int_equal(found_by_another(), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(found_by_another(), 0);
}

static void a_child_that_inherits_the_lock_does_not_keep_it(void **state)
{
	bool busy;
	pid_t pid;
	int fd;

	(void)state;
	fd = file_trylock(path, &busy, NULL);
	pid = start_child(NULL);
	assert_int_equal(found_by_another(), 1);
	file_unlock(fd);
	assert_int_equal(found_by_another(), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_lock_whose_file_is_deleted_can_be_taken_anew(void **state)
{
	bool busy;
	int fd, again;

	(void)state;
	fd = file_trylock(path, &busy, NULL);
	assert_int_equal(unlink(path), 0);
	again = file_trylock(path, &busy, NULL);
	assert_true(again >= 0);
	file_unlock(fd);
	assert_int_equal(found_by_another(), 1);
	file_unlock(again);
}

/* Who is inside owns `inside`, and deletes the file of the lock on the way out, as "rm -r" of the
 * token folder may at any moment. False when somebody else was inside as well. */
static bool go_in_and_out(const char *inside)
{
	bool busy, alone;
	int fd = file_trylock(path, &busy, NULL), mark;

	if (fd < 0)
		return true;
	mark = open(inside, O_WRONLY | O_CREAT | O_EXCL, 0600);
	alone = mark >= 0;
	if (alone) {
		close(mark);
		unlink(inside);
	}
	unlink(path);
	file_unlock(fd);
	return alone;
}

static void a_lock_on_a_deleted_file_does_not_count(void **state)
{
	const char *inside = in_dir("inside");
	pid_t pids[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			for (int k = 0; k < 3000; k++)
				if (!go_in_and_out(inside))
					_exit(1);
			_exit(0);
		}
	}
	for (int i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

static void what_cannot_be_locked_is_named(void **state)
{
	const char *pipe = in_dir("pipe"), *foreign = in_dir("foreign");
	struct err e = { 0 };
	bool busy = true;

	(void)state;
	put(in_dir("target"), "");
	assert_int_equal(symlink("target", path), 0);
	assert_int_equal(file_trylock(path, &busy, &e), -1);
	assert_false(busy);
	assert_says(&e, ERR_IO, path, "symbolic link");
	assert_int_equal(file_trylock(in_dir("none/lock"), &busy, &e), -1);
	assert_says(&e, ERR_IO, in_dir("none"), strerror(ENOENT));
	assert_int_equal(file_trylock(dir, &busy, &e), -1);
	assert_false(busy);
	assert_int_equal(mkfifo(pipe, 0600), 0);
	assert_int_equal(file_trylock(pipe, &busy, &e), -1);
	assert_says(&e, ERR_IO, pipe, "not a plain file");
	if (geteuid() != 0)
		return; /* nobody else can give files away */
	put(foreign, "");
	assert_int_equal(chown(foreign, 65534, 65534), 0);
	assert_int_equal(file_trylock(foreign, &busy, &e), -1);
	assert_says(&e, ERR_IO, foreign, "belongs to user 65534");
}

/* Who can open it can hold it for ever. */
static void a_lock_that_others_could_take_becomes_private(void **state)
{
	struct stat st;
	bool busy;
	int fd;

	(void)state;
	put(path, "");
	assert_int_equal(chmod(path, 0666), 0);
	fd = file_trylock(path, &busy, NULL);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	file_unlock(fd);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(a_file_is_read_up_to_the_cap),
		IN_FOLDER(what_cannot_be_read_is_named),
		IN_FOLDER(a_pipe_that_a_person_names_is_read),
		IN_FOLDER(a_link_that_a_person_names_is_followed),
		IN_FOLDER(a_file_of_ours_is_plain_and_ours),
		IN_FOLDER(missing_is_told_apart_and_is_no_error),
		IN_FOLDER(a_written_file_is_private_whatever_the_umask),
		IN_FOLDER(a_file_that_others_could_read_becomes_private),
		IN_FOLDER(a_link_is_replaced_and_not_followed),
		IN_FOLDER(a_name_without_folder_is_in_the_current_one),
		IN_FOLDER(what_cannot_be_replaced_stays_and_leaves_nothing_beside),
		IN_FOLDER(a_read_only_folder_is_an_error_that_says_so),
		IN_FOLDER(a_full_disk_keeps_the_old_content_and_leaves_nothing_beside),
		IN_FOLDER(a_killed_writer_leaves_the_old_content_or_the_new),
		IN_FOLDER(only_abandoned_copies_are_swept),
		IN_FOLDER(a_copy_that_is_being_written_is_not_swept),
		IN_FOLDER(writers_side_by_side_all_succeed),
		IN_FOLDER(a_folder_that_is_swapped_meanwhile_gets_nothing),
		IN_FOLDER(a_file_system_without_permissions_keeps_no_secrets),
		IN_FOLDER(removing_what_is_not_there_is_success),
		IN_FOLDER(folders_are_made_private_whatever_the_umask),
		IN_FOLDER(only_the_last_folder_is_tightened),
		IN_FOLDER(what_is_no_folder_of_ours_is_refused),
		IN_FOLDER(a_new_folder_that_is_swapped_for_a_link_changes_nothing_else),
		IN_FOLDER(a_folder_of_root_is_said_to_be_and_how_to_get_it_back),
		IN_FOLDER(a_folder_that_cannot_be_made_is_named),
		IN_FOLDER(a_lock_is_held_once),
		IN_FOLDER(a_lock_keeps_other_processes_out_until_it_is_given_back),
		IN_FOLDER(a_lock_ends_with_a_killed_holder),
		IN_FOLDER(a_child_that_inherits_the_lock_does_not_keep_it),
		IN_FOLDER(a_lock_whose_file_is_deleted_can_be_taken_anew),
		IN_FOLDER(a_lock_on_a_deleted_file_does_not_count),
		IN_FOLDER(what_cannot_be_locked_is_named),
		IN_FOLDER(a_lock_that_others_could_take_becomes_private),
	};

	memset(full_of_a, 'a', BIG);
	memset(full_of_b, 'b', BIG);
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
