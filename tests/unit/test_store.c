#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "auth/store.h"
#include "base/mem.h"

static char folder[64];
static struct store *store;
static struct err e;

static const struct store_key key = { .url = "https://mcp.example:8443/mcp" };

static int start(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mpmcp-store-XXXXXX");
	e = (struct err){ 0 };
	if (!mkdtemp(folder))
		return -1;
	store = store_new(folder, &key, &e);
	return store ? 0 : -1;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	store_free(store);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static struct signin_record sample(const char *access)
{
	struct signin_record g = { .url = mem_dup(key.url), .scope_asked = mem_dup("a b") };

	secret_set(&g.access, access, strlen(access));
	g.expires_s = 5000;
	return g;
}

static void save(const char *access)
{
	struct signin_record g = sample(access);

	assert_true(store_save(store, &g, &e));
	signin_record_clear(&g);
}

static enum store_status load(char access[64])
{
	struct signin_record g;
	enum store_status st = store_load(store, &g, &e);

	snprintf(access, 64, "%s", secret_str(&g.access));
	signin_record_clear(&g);
	return st;
}

static void write_raw(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static bool exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static unsigned mode(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static int count_files(void)
{
	char path[100];
	struct dirent *f;
	DIR *d;
	int n = 0;

	snprintf(path, sizeof(path), "%s/mpmcp", folder);
	d = opendir(path);
	while (d && (f = readdir(d)))
		n += f->d_name[0] != '.';
	closedir(d);
	return n;
}

static void what_is_kept_comes_back(void **state)
{
	char access[64];

	(void)state;
	assert_int_equal(load(access), STORE_NONE);
	save("token-one");
	assert_int_equal(load(access), STORE_OK);
	assert_string_equal(access, "token-one");
	save("token-two");
	assert_int_equal(load(access), STORE_OK);
	assert_string_equal(access, "token-two");
}

static void nobody_else_can_read_it(void **state)
{
	mode_t before = umask(0);
	struct store_note n = { .at_s = 1 };
	bool busy;
	char path[200];
	int fd;

	(void)state;
	save("token-one");
	assert_true(store_note_write(store, &n, &e));
	fd = store_lock(store, &busy, &e);
	umask(before);
	assert_int_equal(mode(store_path(store)), 0600);
	snprintf(path, sizeof(path), "%s/mpmcp", folder);
	assert_int_equal(mode(path), 0700);
	snprintf(path, sizeof(path), "%.*slock", (int)(strlen(store_path(store)) - 4),
		store_path(store));
	assert_int_equal(mode(path), 0600);
	snprintf(path, sizeof(path), "%.*snote", (int)(strlen(store_path(store)) - 4),
		store_path(store));
	assert_int_equal(mode(path), 0600);
	store_unlock(fd);
}

static void names_say_which_host_and_differ_by_key(void **state)
{
	static const struct store_key keys[] = { { .url = "https://mcp.example:8443/mcp" },
		{ .url = "https://mcp.example:8443/mcp2" },
		{ .url = "https://mcp.example:8443/mcp", .profile = "a" },
		{ .url = "https://mcp.example:8443/mcp", .resource = "a" },
		{ .url = "https://mcp.example:8443/mcp", .client = "a" },
		{ .url = "https://mcp.example:8443/mcp", .params = "a" },
		{ .url = "https://../../etc/passwd" } };
	struct store *s[7];

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		s[i] = store_new(folder, &keys[i], &e);
		assert_null(strstr(store_path(s[i]) + strlen(folder) + 7, "/"));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(store_path(s[i]), store_path(s[k]));
	}
	assert_non_null(strstr(store_path(s[0]), "/mcp.example_8443-"));
	for (size_t i = 0; i < 7; i++)
		store_free(s[i]);
}

static void paths_are_absolute(void **state)
{
	struct store *s;
	char here[4096];

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(folder), 0);
	s = store_new("auth", &key, &e);
	assert_int_equal(chdir(here), 0);
	assert_int_equal(store_path(s)[0], '/');
	assert_non_null(strstr(store_path(s), "/auth/mpmcp/"));
	store_free(s);
}

static void broken_files_are_set_aside(void **state)
{
	static const char *const rows[] = { "", "{", "[]", "{}", "{\"format\":1}",
		"{\"format\":0,\"url\":\"x\"}", "{\"format\":\"1\",\"url\":\"x\"}",
		"{\"format\":1,\"url\":7}", "{\"format\":1,\"url\":\"x\",\"url\":\"y\"}" };
	char access[64], aside[300];

	(void)state;
	save("token-one");
	snprintf(aside, sizeof(aside), "%s.broken", store_path(store));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		write_raw(store_path(store), rows[i]);
		if (load(access) != STORE_BROKEN)
			fail_msg("%s is taken", rows[i]);
		assert_false(exists(store_path(store)));
		assert_true(exists(aside));
		assert_non_null(strstr(e.msg, "set aside"));
		assert_int_equal(load(access), STORE_NONE);
	}
}

static void broken_file_stays_while_somebody_writes(void **state)
{
	bool busy;
	char access[64];
	int fd;

	(void)state;
	save("token-one");
	fd = store_lock(store, &busy, &e);
	write_raw(store_path(store), "{");
	assert_int_equal(load(access), STORE_BROKEN);
	assert_true(exists(store_path(store)));
	store_unlock(fd);
}

static void file_of_a_later_version_is_left_alone(void **state)
{
	char access[64];

	(void)state;
	save("token-one");
	write_raw(store_path(store), "{\"format\":2,\"url\":\"x\"}");
	assert_int_equal(load(access), STORE_FAILED);
	assert_non_null(strstr(e.msg, "later version"));
	assert_true(exists(store_path(store)));
}

static void links_are_not_followed(void **state)
{
	char access[64], other[300];

	(void)state;
	save("token-one");
	snprintf(other, sizeof(other), "%s/elsewhere", folder);
	assert_int_equal(rename(store_path(store), other), 0);
	assert_int_equal(symlink(other, store_path(store)), 0);
	assert_int_equal(load(access), STORE_FAILED);
	assert_non_null(strstr(e.msg, "symbolic link"));
	/* Saving takes the place of the link, not of what is behind it. */
	save("token-two");
	assert_int_equal(load(access), STORE_OK);
	assert_string_equal(access, "token-two");
}

static void linked_folder_is_refused(void **state)
{
	struct signin_record g = sample("token-one");
	char path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/mpmcp", folder);
	assert_int_equal(symlink("/tmp", path), 0);
	assert_false(store_save(store, &g, &e));
	assert_non_null(strstr(e.msg, "symbolic link"));
	signin_record_clear(&g);
}

static void unreadable_file_is_named(void **state)
{
	char access[64];

	(void)state;
	if (geteuid() == 0)
		skip(); /* root reads everything */
	save("token-one");
	assert_int_equal(chmod(store_path(store), 0), 0);
	assert_int_equal(load(access), STORE_FAILED);
	assert_non_null(strstr(e.msg, "permission"));
}

static void stamp_changes_with_the_file(void **state)
{
	uint64_t a, b;

	(void)state;
	assert_int_equal(store_stamp(store), 0);
	save("token-one");
	a = store_stamp(store);
	save("token-one");
	b = store_stamp(store);
	assert_int_not_equal(a, 0);
	assert_int_not_equal(a, b);
}

/* The old one holds the address of another sign-in. */
static void note_that_cannot_be_written_leaves_no_old_one(void **state)
{
	struct store_note n = { .at_s = 7, .url = mem_dup("https://sign.example/?state=x") };
	struct rlimit old, none;

	(void)state;
	assert_true(store_note_write(store, &n, &e));
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	assert_false(store_note_write(store, &n, &e));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	signal(SIGXFSZ, SIG_DFL);
	store_note_clear(&n);
	assert_false(store_note_read(store, &n));
	assert_int_equal(count_files(), 0);
}

static void notes_come_back(void **state)
{
	struct store_note n = { .at_s = 7,
		.kind = ERR_AUTH,
		.message = mem_dup("no\x1b[31m"),
		.url = mem_dup("https://as.example/a?b=c"),
		.code = mem_dup("ABCD") };
	struct store_note m;

	(void)state;
	assert_false(store_note_read(store, &m));
	assert_true(store_note_write(store, &n, &e));
	assert_true(store_note_read(store, &m));
	assert_int_equal(m.at_s, 7);
	assert_int_equal(m.kind, ERR_AUTH);
	assert_string_equal(m.message, "no?[31m");
	assert_string_equal(m.url, n.url);
	assert_string_equal(m.code, n.code);
	store_note_clear(&n);
	store_note_clear(&m);
}

static void forgetting_takes_all_but_the_locks(void **state)
{
	struct store_note n = { .at_s = 7 };
	char access[64], aside[300];
	bool busy;
	int fd;

	(void)state;
	fd = store_lock(store, &busy, &e);
	store_unlock(fd);
	save("token-one");
	assert_true(store_note_write(store, &n, &e));
	write_raw(store_path(store), "{");
	assert_int_equal(load(access), STORE_BROKEN);
	save("token-two");
	snprintf(aside, sizeof(aside), "%s.broken", store_path(store));
	assert_true(exists(aside));
	assert_true(store_forget(store, &e));
	assert_false(exists(aside));
	assert_false(exists(store_path(store)));
	assert_false(store_note_read(store, &n));
	assert_true(store_forget(store, &e)); /* again */
}

static int seen;

static bool see(void *ctx, const struct store *s, const struct signin_record *g)
{
	(void)ctx;
	assert_non_null(g->url);
	assert_non_null(strstr(store_path(s), ".json"));
	seen++;
	return true;
}

static void all_of_them_are_shown(void **state)
{
	const struct store_key other = { .url = "https://other.example" };
	struct store *s = store_new(folder, &other, &e);
	struct signin_record g = sample("token-one");
	char path[200];

	(void)state;
	seen = 0;
	assert_true(store_each(folder, see, NULL, &e)); /* no folder yet */
	assert_int_equal(seen, 0);
	save("token-one");
	assert_true(store_save(s, &g, &e));
	snprintf(path, sizeof(path), "%s/mpmcp/broken.json", folder);
	write_raw(path, "{");
	assert_true(store_each(folder, see, NULL, &e));
	assert_int_equal(seen, 2);
	snprintf(path, sizeof(path), "%s/mpmcp/broken.json.broken", folder);
	assert_true(exists(path));
	store_sweep(folder);
	assert_false(exists(path));
	assert_true(exists(store_path(s)));
	signin_record_clear(&g);
	store_free(s);
}

static void folder_that_cannot_be_looked_into_is_not_an_empty_one(void **state)
{
	char path[200];

	(void)state;
	snprintf(path, sizeof(path), "%s/mpmcp", folder);
	assert_int_equal(symlink("mpmcp", path), 0); /* to itself */
	e = (struct err){ 0 };
	assert_false(store_each(folder, see, NULL, &e));
	assert_non_null(strstr(e.msg, path));
	assert_int_equal(unlink(path), 0);
}

static void one_holds_the_lock(void **state)
{
	bool busy;
	int a, b;

	(void)state;
	a = store_lock(store, &busy, &e);
	assert_true(a >= 0);
	b = store_lock(store, &busy, &e);
	assert_true(b < 0 && busy);
	b = store_lock_signin(store, &busy, &e); /* another one */
	assert_true(b >= 0);
	store_unlock(a);
	a = store_lock(store, &busy, &e);
	assert_true(a >= 0);
	store_unlock(a);
	store_unlock(b);
	store_unlock(-1);
}

/* Writes without end, until it is killed. */
static void write_for_ever(void)
{
	static const char *const tokens[] = { "token-one", "token-two" };

	for (int i = 0;; i++) {
		struct signin_record g = sample(tokens[i % 2]);

		(void)!store_save(store, &g, NULL);
		signin_record_clear(&g);
	}
}

static void kill_at_any_moment_of_a_write_leaves_the_old_or_the_new(void **state)
{
	char access[64];

	(void)state;
	save("token-one");
	for (int i = 0; i < 100; i++) {
		struct timespec pause = { .tv_nsec = 100000 + 73000 * (i % 50) };
		pid_t pid = fork();

		if (pid == 0)
			write_for_ever();
		nanosleep(&pause, NULL); /* the moment is what varies */
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (load(access) != STORE_OK)
			fail_msg("kill %d: %s", i, e.msg);
		assert_true(strcmp(access, "token-one") == 0 || strcmp(access, "token-two") == 0);
	}
	save("token-one"); /* takes away what the killed ones left behind */
	assert_int_equal(count_files(), 1);
}

static void folder_comes_from_the_environment(void **state)
{
	struct store *s;

	(void)state;
	unsetenv("MPMCP_AUTH_DIR");
	unsetenv("MCP_REMOTE_CONFIG_DIR");
	setenv("HOME", "/home/x", 1);
	s = store_new(NULL, &key, &e);
	assert_non_null(strstr(store_path(s), "/home/x/.mcp-auth/mpmcp/"));
	store_free(s);
	setenv("MCP_REMOTE_CONFIG_DIR", "/remote", 1);
	s = store_new(NULL, &key, &e);
	assert_non_null(strstr(store_path(s), "/remote/mpmcp/"));
	store_free(s);
	setenv("MPMCP_AUTH_DIR", "/own", 1);
	s = store_new(NULL, &key, &e);
	assert_non_null(strstr(store_path(s), "/own/mpmcp/"));
	store_free(s);
	unsetenv("MPMCP_AUTH_DIR");
	unsetenv("MCP_REMOTE_CONFIG_DIR");
	unsetenv("HOME");
	assert_null(store_new(NULL, &key, &e));
	assert_non_null(strstr(e.msg, "--auth-dir"));
}

static void sign_in_that_could_not_be_read_again_does_not_replace_one(void **state)
{
	struct signin_record g = sample("new");
	char access[64];

	(void)state;
	save("old");
	g.scope_granted = mem_new((512 << 10) + 1);
	memset(g.scope_granted, 's', 512 << 10);
	assert_false(store_save(store, &g, &e));
	assert_int_equal(e.kind, ERR_LIMIT);
	signin_record_clear(&g);
	assert_int_equal(load(access), STORE_OK);
	assert_string_equal(access, "old");
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_kept_comes_back),
		T(nobody_else_can_read_it),
		T(names_say_which_host_and_differ_by_key),
		T(paths_are_absolute),
		T(broken_files_are_set_aside),
		T(broken_file_stays_while_somebody_writes),
		T(file_of_a_later_version_is_left_alone),
		T(links_are_not_followed),
		T(linked_folder_is_refused),
		T(unreadable_file_is_named),
		T(stamp_changes_with_the_file),
		T(note_that_cannot_be_written_leaves_no_old_one),
		T(notes_come_back),
		T(forgetting_takes_all_but_the_locks),
		T(all_of_them_are_shown),
		T(folder_that_cannot_be_looked_into_is_not_an_empty_one),
		T(one_holds_the_lock),
		T(sign_in_that_could_not_be_read_again_does_not_replace_one),
		T(kill_at_any_moment_of_a_write_leaves_the_old_or_the_new),
		T(folder_comes_from_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
