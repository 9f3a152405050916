#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mcp/http/transport_impl.h"

static void server_says_how_long_a_new_stream_waits_up_to_half_a_minute(void **state)
{
	static const struct {
		int64_t said, waits;
	} rows[] = { { -1, 0 }, { 0, 0 }, { 500, 500 }, { 30000, 30000 }, { 30001, 30000 },
		{ 86400000, 30000 } };
	struct transport t = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		http_sse_retry(&t, rows[i].said);
		assert_int_equal(t.channel.retry_ms, rows[i].waits);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_says_how_long_a_new_stream_waits_up_to_half_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
