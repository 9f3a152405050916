#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/device.h"
#include "base/clock.h"
#include "base/mem.h"
#include "net/fetch.h"
#include "origin.h"

#define START_MS 1000

/* More of them than a question needs to arrive. */
#define OTHERS_MAX 100

static struct loop *loop;
static struct http *http;
static struct http_opts http_opts;
static struct oauth_options opts;
static struct signin_record g;
static char endpoint[128];
static struct loop_timer before;

/* What the server says of the pause, what the pause has to be, and the questions. */
static const char *interval;
static int64_t pause_ms;
static int asked, asked_early;
static enum token_outcome outcome;

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	if (strcmp(r->path, "/token") == 0) {
		asked++;
		asked_early += clock_ms() < START_MS + pause_ms;
		a->status = 200;
		snprintf(a->body, sizeof(a->body), "%s",
			"{\"access_token\":\"access\",\"token_type\":\"Bearer\"}");
	} else if (strcmp(r->path, "/device") == 0) {
		a->status = 200;
		snprintf(a->body, sizeof(a->body),
			"{\"device_code\":\"c\",\"user_code\":\"ABCD\",\"verification_uri\":"
			"\"%s/enter\"%s}",
			origin.url, interval);
	}
}

/* ---- the millisecond before the pause is over, and the one in which it is ---- */

static struct fetch *other;
static int others;

static void other_is_answered(void *ctx, const struct fetch_answer *a);

static void send_other(void)
{
	struct fetch_call c = { .url = endpoint, .cap = 1000, .total_ms = 10000 };

	other = fetch_start(http, &c, other_is_answered, NULL, NULL);
	assert_non_null(other);
}

/* A question that was sent is under way by now: others make their whole way behind it. */
static void other_is_answered(void *ctx, const struct fetch_answer *a)
{
	(void)ctx;
	assert_int_equal(a->how, HTTP_DONE);
	other = NULL;
	clock_set(START_MS + pause_ms, 5000);
	if (++others < OTHERS_MAX)
		send_other();
	else
		loop_stop(loop);
}

static void just_before(void *ctx)
{
	(void)ctx;
	send_other();
}

static void show(void *ctx, const char *url, const char *code)
{
	(void)ctx, (void)url;
	assert_string_equal(code, "ABCD");
	clock_set(START_MS + pause_ms - 1, 5000);
	loop_timer_set(&before, 0);
}

static void done(void *ctx, enum token_outcome how, const struct err *e)
{
	(void)ctx, (void)e;
	outcome = how;
	loop_stop(loop);
}

static int start(void **state)
{
	(void)state;
	clock_set(START_MS, 5000);
	loop = loop_new(NULL);
	http_opts = (struct http_opts){ .connect_timeout_ms = 10000 };
	http = http_new(loop, &http_opts, NULL);
	origin_start(loop, answer);
	snprintf(endpoint, sizeof(endpoint), "%s/mcp", origin.url);
	opts = (struct oauth_options){ .url = endpoint };
	g = (struct signin_record){ .client_id = mem_dup("me") };
	g.device_endpoint = mem_printf("%s/device", origin.url);
	g.token_endpoint = mem_printf("%s/token", origin.url);
	loop_timer_init(&before, loop, just_before, NULL);
	asked = asked_early = others = 0;
	other = NULL;
	outcome = TOKEN_PENDING;
	return http ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	loop_timer_clear(&before);
	fetch_cancel(other);
	signin_record_clear(&g);
	http_free(http);
	origin_stop();
	loop_free(loop);
	clock_set(-1, -1);
	return 0;
}

static void pause_between_questions_is(const char *said, int64_t s)
{
	static const struct device_events on = { show, done };
	struct device *d;

	interval = said;
	pause_ms = s * 1000;
	d = device_start(loop, http, &opts, &g, &on, NULL, NULL);
	assert_non_null(d);
	assert_true(loop_run(loop, NULL));
	device_free(d);
	if (outcome != TOKEN_OK || asked != 1 || asked_early)
		fail_msg("\"%s\": %d questions, %d of them early", said, asked, asked_early);
}

#define ROW(name, said, s) \
	static void name(void **state) \
	{ \
		(void)state; \
		pause_between_questions_is(said, s); \
	}

ROW(interval_of_the_server_is_kept, ",\"interval\":7", 7)
ROW(without_an_interval_it_is_five_seconds, "", 5)
ROW(interval_of_nothing_is_five_seconds, ",\"interval\":0", 5)
ROW(interval_below_nothing_is_five_seconds, ",\"interval\":-3", 5)
ROW(interval_of_days_is_five_seconds, ",\"interval\":864000", 5)
ROW(interval_in_words_is_five_seconds, ",\"interval\":\"1\"", 5)

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(interval_of_the_server_is_kept),
		T(without_an_interval_it_is_five_seconds),
		T(interval_of_nothing_is_five_seconds),
		T(interval_below_nothing_is_five_seconds),
		T(interval_of_days_is_five_seconds),
		T(interval_in_words_is_five_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
