#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

static void a_set_clock_stands_until_it_is_released(void **state)
{
	(void)state;
	clock_set(5, 1795512600);
	assert_int_equal(clock_ms(), 5);
	assert_int_equal(clock_wall_s(), 1795512600);
	assert_int_equal(clock_ms(), 5);
	clock_set(0, 0);
	assert_int_equal(clock_ms(), 0);
	assert_int_equal(clock_wall_s(), 0);
	clock_set(-1, -1);
	assert_true(clock_wall_s() > 1700000000); /* a date after this was written */
}

static void time_does_not_go_back(void **state)
{
	int64_t before = clock_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_ms();

		assert_true(now >= before);
		before = now;
	}
}

static void jump_of_the_wall_clock_is_told_once(void **state)
{
	static const struct {
		int64_t ms, wall_s;
		bool jumped;
	} rows[] = {
		{ 1000, 1795512600, false }, /* the first look */
		{ 2000, 1795512601, false },
		{ 3000, 1795512605, false }, /* set right */
		{ 4000, 1795512700, true },  /* slept */
		{ 5000, 1795512701, false },
		{ 6000, 1795512601, true }, /* set back */
		{ 600000000, 1796112595, false },
	};
	struct clock_mark m = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		clock_set(rows[i].ms, rows[i].wall_s);
		assert_int_equal(clock_jumped(&m), rows[i].jumped);
	}
	clock_set(-1, -1);
}

static void clocks_that_run_have_not_jumped(void **state)
{
	struct clock_mark m = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_false(clock_jumped(&m));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_clock_stands_until_it_is_released),
		cmocka_unit_test(time_does_not_go_back),
		cmocka_unit_test(jump_of_the_wall_clock_is_told_once),
		cmocka_unit_test(clocks_that_run_have_not_jumped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
