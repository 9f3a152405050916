#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

static void new_memory_is_zeroed_and_never_null(void **state)
{
	static const char zero[100];
	char *p = mem_new(sizeof(zero));

	(void)state;
	assert_memory_equal(p, zero, sizeof(zero));
	free(p);
	p = mem_new(0);
	assert_non_null(p);
	free(p);
}

static void grown_memory_keeps_its_content(void **state)
{
	int *p = mem_grow(NULL, 2, sizeof(*p));

	(void)state;
	p[0] = 1;
	p[1] = 2;
	p = mem_grow(p, 1000, sizeof(*p));
	assert_int_equal(p[0], 1);
	assert_int_equal(p[1], 2);
	p[999] = 3;
	free(mem_grow(p, 0, sizeof(*p)));
}

static void copies_are_strings_of_their_own(void **state)
{
	char text[] = "abcdef";
	char *all = mem_dup(text), *part = mem_ndup(text, 3), *none = mem_ndup(NULL, 0);

	(void)state;
	memset(text, 'x', 6);
	assert_string_equal(all, "abcdef");
	assert_string_equal(part, "abc");
	assert_string_equal(none, "");
	free(all);
	free(part);
	free(none);
}

static void printed_strings_are_as_long_as_they_need(void **state)
{
	char *p = mem_printf("%s-%05d-%300s", "a", 42, "end");

	(void)state;
	assert_int_equal(strlen(p), 2 + 5 + 1 + 300);
	assert_memory_equal(p, "a-00042- ", 9);
	free(p);
	p = mem_printf("%s", "");
	assert_string_equal(p, "");
	free(p);
}

/* Sizes whose product does not fit must not become a small allocation. */
static void a_size_that_overflows_ends_the_program_with_a_word(void **state)
{
	char text[64] = "";
	int ends[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		free(mem_grow(NULL, SIZE_MAX / 2 + 2, 2));
		_exit(42);
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_true(read(ends[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "mpmcp: out of memory\n");
	close(ends[0]);
}

static void speak(void *ctx)
{
	if (write(STDERR_FILENO, ctx, strlen(ctx)) < 0)
		_exit(43);
	free(mem_grow(NULL, SIZE_MAX / 2 + 2, 2)); /* against the rule: must not begin again */
}

static void last_words_are_said_once_before_the_end(void **state)
{
	static char words[] = "last words\n";
	char text[64] = "";
	int ends[2], status;
	size_t n = 0;
	ssize_t got;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		mem_set_last_words(speak, words);
		mem_exhausted();
	}
	close(ends[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	while ((got = read(ends[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	assert_string_equal(text, "last words\nmpmcp: out of memory\n");
	close(ends[0]);
}

static void blocks_of_a_pool_come_back_zeroed(void **state)
{
	struct mem_pool pool = { 0 };
	void *blocks[200];

	(void)state;
	for (size_t size = 1; size < 100; size += 40) {
		for (int round = 0; round < 3; round++) {
			static const char zero[100];

			for (size_t i = 0; i < 200; i++) {
				blocks[i] = mem_pool_get(&pool, size);
				assert_memory_equal(blocks[i], zero, size);
				memset(blocks[i], 'x', size);
			}
			for (size_t i = 0; i < 200; i++)
				mem_pool_put(&pool, blocks[i]);
			assert_true(pool.n < 200);
			assert_true(MEM_WATCHED ? pool.n == 0 : pool.n > 0);
		}
		mem_pool_put(&pool, NULL);
		mem_pool_clear(&pool);
		assert_null(pool.first);
		assert_int_equal(pool.n, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_memory_is_zeroed_and_never_null),
		cmocka_unit_test(grown_memory_keeps_its_content),
		cmocka_unit_test(copies_are_strings_of_their_own),
		cmocka_unit_test(printed_strings_are_as_long_as_they_need),
		cmocka_unit_test(a_size_that_overflows_ends_the_program_with_a_word),
		cmocka_unit_test(last_words_are_said_once_before_the_end),
		cmocka_unit_test(blocks_of_a_pool_come_back_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
