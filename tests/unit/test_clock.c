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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_clock_stands_until_it_is_released),
		cmocka_unit_test(time_does_not_go_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
