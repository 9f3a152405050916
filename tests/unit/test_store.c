#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/store.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

static char dir[64];

static int enter(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/mpmcp-store-XXXXXX");
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
	umask(022);
	remove_tree(dir);
	return 0;
}

static const struct store_key plain = { .url = "https://mcp.example.com/mcp" };

static struct store *make(const struct store_key *key)
{
	struct err e = { 0 };
	struct store *s = store_new(dir, key, &e);

	assert_non_null(s);
	return s;
}

static struct grant some_grant(void)
{
	struct grant g = { .url = mem_dup("https://mcp.example.com/mcp"),
		.issuer = mem_dup("https://id.example.com/"),
		.token_endpoint = mem_dup("https://id.example.com/t?x=1"),
		.client_id = mem_dup("an \"id\""),
		.client_method = mem_dup("none"),
		.iss_promised = true,
		.obtained_s = 1795512600,
		.expires_s = 1795516200,
		.scope_asked = mem_dup("a b"),
		.scope_granted = mem_dup("a") };

	secret_set(&g.access, "access-token-value", 18);
	secret_set(&g.refresh, "refresh-token-value", 19);
	return g;
}

static void save(const struct store *s)
{
	struct grant g = some_grant();
	struct err e = { 0 };

	assert_true(store_save(s, &g, &e));
	grant_clear(&g);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

static void what_was_saved_is_loaded(void **state)
{
	struct store *s = make(&plain);
	struct grant g = { 0 }, want = some_grant();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(store_load(s, &g, &e), STORE_NONE);
	save(s);
	assert_int_equal(store_load(s, &g, &e), STORE_OK);
	assert_string_equal(g.url, want.url);
	assert_string_equal(g.issuer, want.issuer);
	assert_string_equal(g.token_endpoint, want.token_endpoint);
	assert_string_equal(g.client_id, want.client_id);
	assert_string_equal(g.scope_asked, want.scope_asked);
	assert_string_equal(g.scope_granted, want.scope_granted);
	assert_string_equal(secret_str(&g.access), "access-token-value");
	assert_string_equal(secret_str(&g.refresh), "refresh-token-value");
	assert_true(
		g.iss_promised && g.obtained_s == want.obtained_s && g.expires_s == want.expires_s);
	assert_null(g.registration_endpoint);
	assert_false(secret_isset(&g.client_secret));
	grant_clear(&g);
	grant_clear(&want);
	store_free(s);
}

static void nobody_else_can_read_it_whatever_the_umask(void **state)
{
	struct store *s = make(&plain);
	struct stat st;
	char folder[128];

	(void)state;
	umask(0);
	save(s);
	assert_int_equal(stat(store_path(s), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(folder, sizeof(folder), "%s/mpmcp", dir);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	store_free(s);
}

static void different_sign_ins_have_different_files(void **state)
{
	static const struct store_key keys[] = { { .url = "https://mcp.example.com/mcp" },
		{ .url = "https://mcp.example.com/mcp/" },
		{ .url = "https://mcp.example.com/mcp", .resource = "r" },
		{ .url = "https://mcp.example.com/mcp", .profile = "r" },
		{ .url = "https://mcp.example.com/mcp", .client = "r" },
		{ .url = "https://mcp.example.com/mcp", .params = "r" },
		{ .url = "https://mcp.example.com/mcp", .profile = "../../x" } };
	char *paths[7];
	char prefix[128];

	(void)state;
	snprintf(prefix, sizeof(prefix), "%s/mpmcp/", dir);
	for (int i = 0; i < 7; i++) {
		struct store *s = make(&keys[i]);

		paths[i] = mem_dup(store_path(s));
		assert_ptr_equal(strstr(paths[i], prefix), paths[i]);
		assert_null(strchr(paths[i] + strlen(prefix), '/'));
		for (int k = 0; k < i; k++)
			assert_string_not_equal(paths[i], paths[k]);
		store_free(s);
	}
	for (int i = 0; i < 7; i++)
		free(paths[i]);
}

static void broken_file_is_set_aside_and_signing_in_goes_on(void **state)
{
	static const char *const bad[] = { "", "not json", "[]", "{}",
		"{\"version\":", "{\"url\":7}", "\x80\xff" };
	char aside[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct store *s = make(&plain);
		struct grant g = { 0 };
		struct err e = { 0 };

		save(s);
		write_file(store_path(s), bad[i]);
		assert_int_equal(store_load(s, &g, &e), STORE_BROKEN);
		assert_non_null(strstr(e.msg, store_path(s)));
		snprintf(aside, sizeof(aside), "%s.broken", store_path(s));
		assert_int_equal(access(aside, F_OK), 0);
		assert_int_equal(store_load(s, &g, &e), STORE_NONE);
		save(s);
		assert_int_equal(store_load(s, &g, &e), STORE_OK);
		grant_clear(&g);
		store_free(s);
	}
}

static void links_are_refused_and_left_alone(void **state)
{
	struct store *s = make(&plain);
	struct grant g = { 0 };
	struct err e = { 0 };
	struct stat st;
	char elsewhere[128];

	(void)state;
	save(s);
	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", dir);
	assert_int_equal(rename(store_path(s), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, store_path(s)), 0);
	assert_int_equal(store_load(s, &g, &e), STORE_FAILED);
	assert_non_null(strstr(e.msg, "link"));
	assert_int_equal(lstat(store_path(s), &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	store_free(s);
}

static void forgetting_removes_it_and_may_be_repeated(void **state)
{
	struct store *s = make(&plain);
	struct grant g = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_true(store_forget(s, &e));
	save(s);
	assert_true(store_forget(s, &e));
	assert_int_equal(access(store_path(s), F_OK), -1);
	assert_int_equal(store_load(s, &g, &e), STORE_NONE);
	assert_true(store_forget(s, &e));
	store_free(s);
}

static void stamp_tells_of_every_change(void **state)
{
	struct store *s = make(&plain);
	uint64_t before, after;

	(void)state;
	assert_int_equal(store_stamp(s), 0);
	save(s);
	before = store_stamp(s);
	assert_true(before != 0);
	assert_true(store_stamp(s) == before);
	for (int i = 0; i < 20; i++) {
		save(s);
		after = store_stamp(s);
		assert_true(after != before && after != 0);
		before = after;
	}
	store_free(s);
}

static void locks_keep_others_out_and_each_other_in(void **state)
{
	struct store *s = make(&plain);
	struct err e = { 0 };
	bool busy = true;
	int first, second, third;

	(void)state;
	first = store_lock(s, &busy, &e);
	assert_true(first >= 0);
	second = store_lock(s, &busy, &e);
	assert_true(second < 0 && busy);
	third = store_lock_signin(s, &busy, &e);
	assert_true(third >= 0);
	store_unlock(first);
	second = store_lock(s, &busy, &e);
	assert_true(second >= 0);
	store_unlock(second);
	store_unlock(third);
	store_free(s);
}

static void note_of_a_sign_in_reaches_those_who_wait(void **state)
{
	struct store_note out = { .at_s = 7,
		.kind = ERR_AUTH,
		.message = (char[]){ "a \"message\"\n" },
		.url = (char[]){ "https://id.example.com/authorize?x=1" } };
	struct store *s = make(&plain);
	struct store_note in = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_false(store_note_read(s, &in));
	assert_true(store_note_write(s, &out, &e));
	assert_true(store_note_read(s, &in));
	assert_true(in.at_s == 7 && in.kind == ERR_AUTH);
	assert_string_equal(in.url, out.url);
	assert_non_null(strstr(in.message, "message"));
	store_note_clear(&in);
	store_free(s);
}

static bool count(void *ctx, const char *path, const struct grant *g)
{
	assert_non_null(path);
	assert_non_null(g->url);
	return ++*(int *)ctx < 3;
}

static void every_sign_in_is_shown_and_strangers_are_passed_over(void **state)
{
	static const char *const profiles[] = { "a", "b", "c", "d" };
	struct err e = { 0 };
	char stranger[128];
	int n = 0;

	(void)state;
	assert_true(store_each(dir, count, &n, &e));
	assert_int_equal(n, 0);
	for (int i = 0; i < 2; i++) {
		struct store_key key = { .url = plain.url, .profile = profiles[i] };
		struct store *s = make(&key);

		save(s);
		store_free(s);
	}
	snprintf(stranger, sizeof(stranger), "%s/mpmcp/stranger.txt", dir);
	write_file(stranger, "hello");
	assert_true(store_each(dir, count, &n, &e));
	assert_int_equal(n, 2);
	for (int i = 2; i < 4; i++) {
		struct store_key key = { .url = plain.url, .profile = profiles[i] };
		struct store *s = make(&key);

		save(s);
		store_free(s);
	}
	n = 0;
	assert_true(store_each(dir, count, &n, &e)); /* until it is told to stop */
	assert_int_equal(n, 3);
}

int main(void)
{
#define ONE(f) cmocka_unit_test_setup_teardown(f, enter, leave)
	const struct CMUnitTest tests[] = {
		ONE(what_was_saved_is_loaded),
		ONE(nobody_else_can_read_it_whatever_the_umask),
		ONE(different_sign_ins_have_different_files),
		ONE(broken_file_is_set_aside_and_signing_in_goes_on),
		ONE(links_are_refused_and_left_alone),
		ONE(forgetting_removes_it_and_may_be_repeated),
		ONE(stamp_tells_of_every_change),
		ONE(locks_keep_others_out_and_each_other_in),
		ONE(note_of_a_sign_in_reaches_those_who_wait),
		ONE(every_sign_in_is_shown_and_strangers_are_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
