#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth/auth.h"
#include "base/mem.h"

/* ---- a source that does nothing ---- */

static unsigned accepted, freed;

static void note_accepted(struct auth *a, unsigned long gen)
{
	(void)a;
	accepted += (unsigned)gen;
}

static void note_freed(struct auth *a)
{
	freed++;
	free(a);
}

static const struct auth_source idle = { .accepted = note_accepted, .free = note_freed };
static const struct auth_source mute = { .free = note_freed };

static struct auth *new_source(const struct auth_source *source)
{
	struct auth *a = mem_new(sizeof(*a));

	a->source = source;
	return a;
}

/* ---- waiters that write down who was called, and then do something ---- */

static char called[64];
static const struct err *seen;

struct man {
	struct auth_waiter w;
	struct auth *auth;
	char name;
	void (*then)(struct man *m);
	struct man *other;
};

static void on_call(void *ctx, enum auth_state state, const struct err *e)
{
	struct man *m = ctx;

	assert_null(m->w.auth); /* off the list before it is called */
	assert_int_equal(state, AUTH_READY);
	seen = e;
	called[strlen(called)] = m->name;
	if (m->then)
		m->then(m);
}

static void line_up(struct auth *a, struct man *men, size_t n)
{
	memset(called, 0, sizeof(called));
	for (size_t i = 0; i < n; i++) {
		men[i] = (struct man){ .auth = a, .name = (char)('a' + i) };
		men[i].w.fn = on_call;
		men[i].w.ctx = &men[i];
		auth_wait(a, &men[i].w);
	}
}

static void wake(struct auth *a)
{
	auth_wake(a, AUTH_READY, NULL);
}

static void all_are_called_once_in_the_order_in_which_they_came(void **state)
{
	struct auth *a = new_source(&idle);
	struct err e = { 0 };
	struct man men[4];

	(void)state;
	line_up(a, men, 4);
	auth_wake(a, AUTH_READY, &e);
	assert_string_equal(called, "abcd");
	assert_ptr_equal(seen, &e);
	assert_null(a->waiters);
	wake(a);
	assert_string_equal(called, "abcd");
	auth_free(a);
}

static void who_left_is_not_called(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[5];

	(void)state;
	for (unsigned mask = 0; mask < 32; mask++) {
		char want[6] = "";

		line_up(a, men, 5);
		for (int i = 0; i < 5; i++) {
			if (mask & 1u << i)
				auth_unwait(&men[i].w);
			else
				want[strlen(want)] = (char)('a' + i);
		}
		wake(a);
		assert_string_equal(called, want);
	}
	auth_unwait(&men[0].w); /* fine when not waiting */
	auth_free(a);
}

static void waiting_twice_is_waiting_once_at_the_end(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[3];

	(void)state;
	line_up(a, men, 3);
	auth_wait(a, &men[0].w);
	wake(a);
	assert_string_equal(called, "bca");
	auth_free(a);
}

static void wait_again(struct man *m)
{
	auth_wait(m->auth, &m->w);
}

static void who_waits_again_while_called_is_called_the_next_time(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[2];

	(void)state;
	line_up(a, men, 2);
	men[0].then = wait_again;
	wake(a);
	assert_string_equal(called, "ab");
	wake(a);
	assert_string_equal(called, "aba");
	auth_free(a);
}

static void send_off(struct man *m)
{
	auth_unwait(&m->other->w);
}

static void who_is_taken_off_by_another_is_not_called(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[4];

	(void)state;
	line_up(a, men, 4);
	men[0].then = send_off;
	men[0].other = &men[1];
	men[2].then = send_off;
	men[2].other = &men[3];
	wake(a);
	assert_string_equal(called, "ac");
	assert_null(a->waiters);
	auth_free(a);
}

static void wake_rest(struct man *m)
{
	auth_wait(m->auth, &m->other->w); /* new: may be called by the inner call only */
	wake(m->auth);
}

static void waking_while_waking_calls_nobody_twice(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[3], late;

	(void)state;
	line_up(a, &late, 1);
	auth_unwait(&late.w);
	late.name = 'z';
	line_up(a, men, 3);
	men[0].then = wake_rest;
	men[0].other = &late;
	wake(a);
	assert_string_equal(called, "abcz");
	assert_null(a->waiters);
	auth_free(a);
}

static void free_source(struct man *m)
{
	auth_free(m->auth);
}

static void nobody_is_called_once_the_source_is_gone(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[3];

	(void)state;
	freed = 0;
	line_up(a, men, 3);
	men[1].then = free_source;
	wake(a);
	assert_string_equal(called, "ab");
	assert_int_equal(freed, 1);
	auth_unwait(&men[2].w); /* it was forgotten, so this touches nothing */
}

static void freeing_forgets_waiters_without_calling_them(void **state)
{
	struct auth *a = new_source(&idle);
	struct man men[2];

	(void)state;
	freed = 0;
	line_up(a, men, 2);
	auth_free(a);
	assert_string_equal(called, "");
	assert_null(men[0].w.auth);
	assert_null(men[1].w.auth);
	assert_int_equal(freed, 1);
	auth_free(NULL);
}

static void acceptance_is_passed_on_where_somebody_listens(void **state)
{
	struct auth *a = new_source(&idle), *b = new_source(&mute);

	(void)state;
	accepted = 0;
	auth_accepted(a, 7);
	auth_accepted(b, 7);
	assert_int_equal(accepted, 7);
	auth_free(a);
	auth_free(b);
}

/* ---- a value that never changes ---- */

static void a_fixed_value_is_always_ready(void **state)
{
	struct auth *a = auth_new_fixed("Bearer Basic QUJD", "it", "Look.");
	struct auth_value v = { 0 };
	struct err e = { 0 };

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(auth_value(a, &v, NULL, &e), AUTH_READY);
		assert_string_equal(v.field, "Bearer Basic QUJD");
		assert_int_equal(v.gen, 1);
		auth_accepted(a, v.gen);
	}
	auth_free(a);
}

static void no_value_sends_none(void **state)
{
	struct auth *a = auth_new_fixed(NULL, "a request without a credential", "Sign in.");
	struct auth_refusal r = { .gen = 1, .status = 401, .words = "" };
	struct auth_value v = { .field = "old" };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(auth_value(a, &v, NULL, &e), AUTH_READY);
	assert_null(v.field);
	assert_int_equal(auth_challenged(a, &r, NULL, &e), AUTH_FAILED);
	assert_string_equal(err_text(&e),
		"the service wants a credential and got a request without a "
		"credential (HTTP 401). Sign in.");
	auth_free(a);
}

static void a_refusal_is_final_and_says_what_to_do(void **state)
{
	static const struct {
		const char *what;
		long status;
		const char *words;
		enum err_kind kind;
		const char *want;
	} rows[] = {
		{ "401 without words", 401, "", ERR_AUTH,
			"the service refuses the account (HTTP 401). Check its date." },
		{ "401 with words", 401, "account expired", ERR_AUTH,
			"the service refuses the account (HTTP 401): account expired. Check "
			"its date." },
		{ "403", 403, "no access", ERR_FORBIDDEN,
			"the service refuses the account (HTTP 403): no access. Check its "
			"date." },
		{ "value in the words", 401, "bad token WnhYdnV0c3Jx", ERR_AUTH,
			"the service refuses the account (HTTP 401): bad token [hidden]. "
			"Check its date." },
	};
	struct auth *a =
		auth_new_fixed("Bearer Basic WnhYdnV0c3Jx", "the account", "Check its date.");
	struct auth_waiter w = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (unsigned tries = 0; tries < 3; tries++) {
			struct auth_refusal r = { .gen = 1,
				.status = rows[i].status,
				.words = rows[i].words,
				.tries = tries };
			struct err e = { 0 };

			assert_int_equal(auth_challenged(a, &r, &w, &e), AUTH_FAILED);
			assert_null(w.auth); /* nobody waits for what will not change */
			assert_int_equal(e.kind, rows[i].kind);
			if (strcmp(err_text(&e), rows[i].want) != 0)
				fail_msg("%s: %s", rows[i].what, err_text(&e));
		}
	}
	auth_free(a);
}

static void long_words_leave_the_hint_whole(void **state)
{
	struct auth *a = auth_new_fixed("x", "the account", "Check its date.");
	char words[4 * ERR_MSG_MAX];
	struct auth_refusal r = { .gen = 1, .status = 401, .words = words };
	struct err e = { 0 };

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(auth_challenged(a, &r, NULL, &e), AUTH_FAILED);
	assert_non_null(strstr(err_text(&e), "(HTTP 401): www"));
	assert_non_null(strstr(err_text(&e), "www. Check its date."));
	auth_free(a);
}

static void what_was_given_is_copied(void **state)
{
	char value[] = "Bearer one", what[] = "it", hint[] = "Look.";
	struct auth *a = auth_new_fixed(value, what, hint);
	struct auth_refusal r = { .gen = 1, .status = 401, .words = "" };
	struct auth_value v;
	struct err e = { 0 };

	(void)state;
	memset(value, 'x', sizeof(value) - 1);
	memset(what, 'x', sizeof(what) - 1);
	memset(hint, 'x', sizeof(hint) - 1);
	assert_int_equal(auth_value(a, &v, NULL, &e), AUTH_READY);
	assert_string_equal(v.field, "Bearer one");
	assert_int_equal(auth_challenged(a, &r, NULL, &e), AUTH_FAILED);
	assert_string_equal(err_text(&e), "the service refuses it (HTTP 401). Look.");
	auth_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_called_once_in_the_order_in_which_they_came),
		cmocka_unit_test(who_left_is_not_called),
		cmocka_unit_test(waiting_twice_is_waiting_once_at_the_end),
		cmocka_unit_test(who_waits_again_while_called_is_called_the_next_time),
		cmocka_unit_test(who_is_taken_off_by_another_is_not_called),
		cmocka_unit_test(waking_while_waking_calls_nobody_twice),
		cmocka_unit_test(nobody_is_called_once_the_source_is_gone),
		cmocka_unit_test(freeing_forgets_waiters_without_calling_them),
		cmocka_unit_test(acceptance_is_passed_on_where_somebody_listens),
		cmocka_unit_test(a_fixed_value_is_always_ready),
		cmocka_unit_test(no_value_sends_none),
		cmocka_unit_test(a_refusal_is_final_and_says_what_to_do),
		cmocka_unit_test(long_words_leave_the_hint_whole),
		cmocka_unit_test(what_was_given_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
