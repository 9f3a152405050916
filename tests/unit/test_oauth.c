/* OAuth as a source of the Authorization value: what it does with a sign-in that is kept. Signing in itself is shown by
 * the cases; here nobody is there. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "auth/oauth.h"
#include "auth/worker_main.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "os/start.h"
#include "origin.h"

static char folder[64], endpoint[128];
static struct rlimit file_limit; /* as it was before a test changed it */
static struct loop *loop;
static struct http *http;
static struct http_opts http_opts;
static struct oauth_options opts;
static struct store *store;
static struct auth *auth;
static char *params;

/* What the token endpoint answers. */
static int status;
static const char *answer_text, *answer_fields;

static char asked[1024]; /* the last request's form */

/* What another process does while the server thinks about it; NULL: nothing. */
static void (*meanwhile)(void);

static void answer(const struct origin_request *r, struct origin_answer *a)
{
	snprintf(asked, sizeof(asked), "%s", r->body);
	if (meanwhile)
		meanwhile();
	a->status = status;
	a->fields = answer_fields;
	snprintf(a->body, sizeof(a->body), "%s", answer_text);
}

/* A network file system answers stat() from memory for a while. */
static struct stat stale;

int fstatat(int at, const char *path, struct stat *st, int flags)
{
	int (*real)(int, const char *, struct stat *, int);

	if (stale.st_ino && flags == 0) {
		*st = stale;
		return 0;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "fstatat");
	return real(at, path, st, flags);
}

static int start(void **state)
{
	struct store_key key;
	struct err e = { 0 };

	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/mpmcp-oauth-XXXXXX");
	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_FSIZE, &file_limit) != 0 || !mkdtemp(folder))
		return -1;
	loop = loop_new(NULL);
	http_opts = (struct http_opts){ .connect_timeout_ms = 10000 };
	http = http_new(loop, &http_opts, NULL);
	origin_start(loop, answer);
	snprintf(endpoint, sizeof(endpoint), "%s/mcp", origin.url);
	opts = (struct oauth_options){
		.url = endpoint, .auth_dir = folder, .no_browser = true, .timeout_s = 300
	};
	key = oauth_key(&opts, &params);
	store = store_new(folder, &key, &e);
	auth = auth_new_oauth(loop, http, &http_opts, &opts, &e);
	status = 500;
	answer_text = "";
	answer_fields = NULL;
	meanwhile = NULL;
	return auth ? 0 : -1;
}

static int end(void **state)
{
	char command[100];

	(void)state;
	setrlimit(RLIMIT_FSIZE, &file_limit);
	stale = (struct stat){ 0 };
	auth_free(auth);
	store_free(store);
	free(params);
	http_free(http);
	origin_stop();
	loop_free(loop);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

/* ---- what is kept ---- */

static struct signin_record kept(const char *access, const char *refresh, int64_t from_now_s)
{
	struct signin_record g = { .url = mem_dup(endpoint),
		.client_id = mem_dup("me"),
		.scope_asked = mem_dup("a"),
		.scope_granted = mem_dup("a"),
		.scopes_offered = mem_dup("a b") };

	g.token_endpoint = mem_printf("%s/token", origin.url);
	if (access)
		secret_set(&g.access, access, strlen(access));
	if (refresh)
		secret_set(&g.refresh, refresh, strlen(refresh));
	g.obtained_s = clock_wall_s() - 3600;
	g.expires_s = clock_wall_s() + from_now_s;
	return g;
}

static void keep(const char *access, const char *refresh, int64_t from_now_s)
{
	struct signin_record g = kept(access, refresh, from_now_s);

	assert_true(store_save(store, &g, NULL));
	signin_record_clear(&g);
}

static struct signin_record look(void)
{
	struct signin_record g;

	assert_int_equal(store_load(store, &g, NULL), STORE_OK);
	return g;
}

/* ---- who asks ---- */

static struct auth_waiter waiter;
static struct auth_value value;
static struct err why;
static enum auth_state last;

static void called(void *ctx, enum auth_state state, const struct err *e)
{
	(void)ctx;
	last = state;
	why = (struct err){ 0 };
	if (e)
		why = *e;
	loop_stop(loop);
}

static void stop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

/* Waits where that is said, and takes the value anew. */
static enum auth_state settle(enum auth_state state)
{
	if (state == AUTH_WAIT) {
		assert_true(loop_run(loop, NULL));
		state = last;
	}
	return state;
}

static enum auth_state take(void)
{
	why = (struct err){ 0 };
	waiter = (struct auth_waiter){ .fn = called };
	last = settle(auth_value(auth, &value, &waiter, &why));
	if (last == AUTH_READY)
		last = auth_value(auth, &value, &waiter, &why);
	return last;
}

static enum auth_state refuse(long code, const char *challenge, unsigned tries)
{
	const char *fields[] = { challenge };
	struct auth_refusal r = { .gen = value.gen,
		.status = code,
		.challenges = fields,
		.nchallenges = challenge ? 1 : 0,
		.words = "words",
		.tries = tries };

	why = (struct err){ 0 };
	waiter = (struct auth_waiter){ .fn = called };
	last = settle(auth_challenged(auth, &r, &waiter, &why));
	if (last == AUTH_READY && auth_value(auth, &value, &waiter, &why) != AUTH_READY)
		fail_msg("no value");
	return last;
}

static void says(const char *text)
{
	if (!strstr(err_text(&why), text))
		fail_msg("\"%s\" is not in \"%s\"", text, err_text(&why));
}

#define NEW \
	"{\"access_token\":\"access-new\",\"refresh_token\":\"refresh-new\",\"expires_in\":3600}"

/* ---- values ---- */

static void without_a_sign_in_nothing_is_sent(void **state)
{
	(void)state;
	assert_int_equal(take(), AUTH_READY);
	assert_null(value.field);
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	assert_int_equal(why.kind, ERR_AUTH);
	says("mpmcp login http://127.0.0.1");
}

static void token_that_is_good_is_sent(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-old");
	assert_int_equal(origin.requests, 0);
}

static void nobody_waits_without_a_waiter(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", -10);
	assert_int_equal(auth_value(auth, &value, NULL, &why), AUTH_FAILED);
	assert_int_equal(origin.requests, 0);
}

static void ended_token_is_renewed_first(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", -10);
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	g = look();
	assert_string_equal(secret_str(&g.refresh), "refresh-new");
	signin_record_clear(&g);
	assert_int_equal(origin.requests, 1);
}

static void token_near_its_end_is_sent_while_it_is_renewed(void **state)
{
	struct loop_timer t;

	(void)state;
	keep("access-old", "refresh-old", 30);
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-old");
	loop_timer_init(&t, loop, stop, NULL);
	for (int i = 0; i < 500 && strcmp(value.field, "Bearer access-new") != 0; i++) {
		loop_timer_set(&t, 20);
		assert_true(loop_run(loop, NULL));
		assert_int_equal(auth_value(auth, &value, &waiter, &why), AUTH_READY);
	}
	loop_timer_clear(&t);
	assert_string_equal(value.field, "Bearer access-new");
	assert_int_equal(origin.requests, 1);
}

static void token_of_another_process_is_taken(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	keep("access-other", "refresh-other", 3600);
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-other");
	assert_int_equal(origin.requests, 0);
}

static void ended_token_without_a_successor_is_left_to_the_service(void **state)
{
	(void)state;
	keep("access-old", NULL, -10);
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-old"); /* our clock may be wrong */
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	says("mpmcp login");
}

/* ---- refusals ---- */

static void refused_token_is_renewed_once(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", 3600);
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	assert_int_equal(refuse(401, "Bearer", 1), AUTH_FAILED); /* now a person is needed */
	says("mpmcp login");
	assert_int_equal(origin.requests, 1);
}

static void refusal_of_an_older_value_is_answered_by_the_present_one(void **state)
{
	struct auth_refusal r = { .status = 401, .words = "" };

	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	r.gen = value.gen - 1;
	assert_int_equal(auth_challenged(auth, &r, &waiter, &why), AUTH_READY);
	assert_int_equal(origin.requests, 0);
}

static void failures_keep_what_there_is(void **state)
{
	static const struct {
		int status;
		const char *text;
		enum err_kind kind;
		const char *says, *refresh;
	} rows[] = { { 500, "", ERR_SERVER, "still saved", "refresh-old" },
		{ 400, "{\"error\":\"invalid_request\",\"error_description\":\"No such token\"}",
			ERR_AUTH, "refuses (HTTP 400): No such token", "refresh-2" },
		{ 200, "{\"error\":\"bad_refresh_token\"}", ERR_AUTH,
			"refuses (HTTP 200): bad_refresh_token", "refresh-3" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct signin_record g;

		keep("access-old", rows[i].refresh, -10);
		status = rows[i].status;
		answer_text = rows[i].text;
		origin.requests = 0;
		assert_int_equal(take(), AUTH_FAILED);
		assert_int_equal(why.kind, rows[i].kind);
		says(rows[i].says);
		says("mpmcp login --force");
		g = look();
		assert_string_equal(secret_str(&g.refresh), rows[i].refresh);
		assert_string_equal(secret_str(&g.access), "access-old");
		signin_record_clear(&g);
		/* Only what may be over soon is tried again. */
		assert_int_equal(origin.requests, rows[i].status == 500 ? 3 : 1);
	}
}

/* Another page may be asked for by the person alone; the server has said what it thinks of this token. */
static void refresh_token_that_was_refused_is_not_sent_again(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", -10);
	status = 401;
	answer_text = "{\"error\":\"invalid_token\"}";
	assert_int_equal(take(), AUTH_FAILED);
	assert_int_equal(origin.requests, 1);
	assert_int_equal(take(), AUTH_READY); /* the service says where to sign in */
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	says("mpmcp login --force");
	assert_int_equal(origin.requests, 1);
	keep("access-old", "refresh-other", -10); /* another process got another one */
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	assert_int_equal(origin.requests, 2);
}

/* A full disk: the file keeps the tokens that the server has replaced. */
static void renewed_token_that_cannot_be_kept_serves_all_the_same(void **state)
{
	struct rlimit none = file_limit;

	(void)state;
	keep("access-old", "refresh-old", -10);
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	answer_text = "{\"access_token\":\"access-next\",\"expires_in\":3600}";
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-next");
	assert_non_null(strstr(asked, "refresh_token=refresh-new"));
}

static void dead_refresh_token_is_forgotten(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", -10);
	status = 400;
	answer_text = "{\"error\":\"invalid_grant\"}";
	assert_int_equal(take(), AUTH_FAILED);
	says("mpmcp login");
	g = look();
	assert_false(secret_isset(&g.refresh) || secret_isset(&g.access));
	assert_string_equal(g.client_id, "me");
	signin_record_clear(&g);
}

static void refused_token_does_not_serve_on_without_a_successor(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	status = 400;
	answer_text = "{\"error\":\"invalid_grant\"}";
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	says("mpmcp login");
	g = look();
	assert_false(secret_isset(&g.refresh) || secret_isset(&g.access));
	signin_record_clear(&g);
}

/* ---- locks that keep nobody out, as on some network file systems ---- */

static void another_signs_in(void)
{
	keep("access-other", "refresh-other", 3600);
}

static void another_signs_out(void)
{
	assert_true(store_forget(store, NULL));
}

static void assert_kept(const char *access, const char *refresh)
{
	struct signin_record g = look();

	assert_string_equal(secret_str(&g.access), access);
	assert_string_equal(secret_str(&g.refresh), refresh);
	signin_record_clear(&g);
}

/* Refused, or renewed: the file is another process's by now. */
static void sign_in_that_was_saved_meanwhile_stays_and_is_used(void **state)
{
	static const struct {
		int status;
		const char *text;
	} rows[] = { { 400, "{\"error\":\"invalid_grant\"}" },
		{ 401, "{\"error\":\"invalid_client\"}" }, { 200, NEW } };

	(void)state;
	meanwhile = another_signs_in;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		keep("access-old", "refresh-old", -10);
		status = rows[i].status;
		answer_text = rows[i].text;
		assert_int_equal(take(), AUTH_READY);
		assert_string_equal(value.field, "Bearer access-other");
		assert_kept("access-other", "refresh-other");
		auth_free(auth); /* the next one has nothing in memory */
		auth = auth_new_oauth(loop, http, &http_opts, &opts, &why);
	}
}

static void sign_in_that_was_removed_meanwhile_does_not_come_back(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", -10);
	meanwhile = another_signs_out;
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	assert_int_equal(store_load(store, &g, NULL), STORE_NONE);
	meanwhile = NULL;
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	says("mpmcp login");
	assert_int_equal(store_load(store, &g, NULL), STORE_NONE);
	assert_int_equal(origin.requests, 1);
}

static void refused_token_whose_file_was_removed_meanwhile_is_given_up(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", -10);
	meanwhile = another_signs_out;
	status = 400;
	answer_text = "{\"error\":\"invalid_grant\"}";
	assert_int_equal(take(), AUTH_FAILED);
	says("a sign-in is needed");
	assert_int_equal(store_load(store, &g, NULL), STORE_NONE);
}

/* What another process gave up is no sign-in that could take the place of the new one. */
static void another_gives_up(void)
{
	keep(NULL, NULL, 0);
}

static void token_that_another_gave_up_and_we_renewed_is_kept(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", -10);
	meanwhile = another_gives_up;
	status = 200;
	answer_text = NEW;
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-new");
	assert_kept("access-new", "refresh-new");
}

static void refresh_and_notes_read_the_file_whatever_its_date_says(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	assert_int_equal(stat(store_path(store), &stale), 0);
	another_signs_in();
	auth_remember(auth, "modern");
	assert_kept("access-other", "refresh-other");
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-other");
	keep("access-third", "refresh-third", 3600);
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-third");
	assert_int_equal(origin.requests, 0);
}

/* The guard stops only a program that waits as long as it was told. */
static void server_that_wants_more_than_half_a_minute_is_not_waited_for(void **state)
{
	struct loop_timer guard;

	(void)state;
	keep("access-old", "refresh-old", -10);
	status = 503;
	answer_fields = "Retry-After: 31\r\n";
	loop_timer_init(&guard, loop, stop, NULL);
	loop_timer_set(&guard, 20000);
	waiter = (struct auth_waiter){ .fn = called };
	last = AUTH_WAIT;
	assert_int_equal(auth_value(auth, &value, &waiter, &why), AUTH_WAIT);
	assert_true(loop_run(loop, NULL));
	loop_timer_clear(&guard);
	assert_int_equal(last, AUTH_FAILED);
	says("still saved");
	assert_int_equal(origin.requests, 1);
}

static void unknown_client_is_forgotten_unless_it_was_given(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", -10);
	status = 401;
	answer_text = "{\"error\":\"invalid_client\"}";
	opts.client_info = "{\"client_id\":\"me\"}";
	assert_int_equal(take(), AUTH_FAILED);
	says("still saved");
	g = look();
	assert_true(secret_isset(&g.refresh));
	signin_record_clear(&g);
	opts.client_info = NULL;
	assert_int_equal(take(), AUTH_FAILED);
	g = look();
	assert_null(g.client_id);
	assert_false(secret_isset(&g.refresh));
	signin_record_clear(&g);
}

static void sign_in_that_is_gone_means_a_new_one(void **state)
{
	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	assert_true(store_forget(store, NULL));
	assert_int_equal(take(), AUTH_READY); /* in memory it still serves */
	assert_int_equal(refuse(401, "Bearer", 0), AUTH_FAILED);
	says("mpmcp login");
	assert_int_equal(
		origin.requests, 0); /* the refresh token of a sign-in that is gone is not used */
}

static void lock_of_another_process_is_waited_for(void **state)
{
	struct loop_timer t;
	bool busy;
	int lock;

	(void)state;
	keep("access-old", "refresh-old", -10);
	lock = store_lock(store, &busy, NULL);
	assert_true(lock >= 0);
	waiter = (struct auth_waiter){ .fn = called };
	last = AUTH_WAIT;
	assert_int_equal(auth_value(auth, &value, &waiter, &why), AUTH_WAIT);
	loop_timer_init(&t, loop, stop, NULL);
	loop_timer_set(&t, 150);
	assert_true(loop_run(loop, NULL));
	assert_int_equal(last, AUTH_WAIT);
	assert_int_equal(origin.requests, 0);
	keep("access-other", "refresh-other", 3600);
	store_unlock(lock);
	assert_true(loop_run(loop, NULL));
	assert_int_equal(last, AUTH_READY);
	assert_int_equal(origin.requests, 0);
	loop_timer_clear(&t);
}

/* ---- scopes ---- */

static void scope_that_is_missing_is_kept_for_the_next_sign_in(void **state)
{
	struct signin_record g;

	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	assert_int_equal(refuse(403, "Bearer error=\"insufficient_scope\", scope=\"a c d\"", 0),
		AUTH_FAILED);
	says("(c d)");
	says("mpmcp login --force");
	g = look();
	assert_string_equal(g.scope_wanted, "c d");
	assert_string_equal(secret_str(&g.access), "access-old");
	signin_record_clear(&g);
	assert_int_equal(take(), AUTH_READY);
	assert_string_equal(value.field, "Bearer access-old");
}

static void refusals_that_no_sign_in_helps_are_told(void **state)
{
	static const struct {
		const char *challenge, *says;
		unsigned tries;
	} rows[] = {
		{ NULL, "refuses this (HTTP 403): words", 0 },
		{ "Bearer error=\"access_denied\"", "refuses this (HTTP 403): words", 0 },
		{ "Bearer error=\"insufficient_scope\", scope=\"a\"", "which the sign-in has", 0 },
		{ "Bearer error=\"insufficient_scope\", scope=\"c\"", "mpmcp login --force", 2 },
	};

	(void)state;
	keep("access-old", "refresh-old", 3600);
	assert_int_equal(take(), AUTH_READY);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(refuse(403, rows[i].challenge, rows[i].tries), AUTH_FAILED);
		assert_int_equal(why.kind, ERR_FORBIDDEN);
		says(rows[i].says);
	}
}

/* ---- words about the server ---- */

static void word_is_kept_with_the_sign_in_for_a_day(void **state)
{
	(void)state;
	assert_null(auth_recall(auth));
	auth_remember(auth, "modern"); /* nothing is kept yet: no place for it */
	assert_null(auth_recall(auth));
	keep("access-old", "refresh-old", 3600);
	auth_remember(auth, "modern");
	assert_string_equal(auth_recall(auth), "modern");
	clock_set(1000, clock_wall_s() + 86399);
	assert_string_equal(auth_recall(auth), "modern");
	clock_set(1000, clock_wall_s() + 2);
	assert_null(auth_recall(auth));
	clock_set(-1, -1);
}

/* A file that cannot be taken is not ours to replace either. */
static void word_does_not_cost_a_sign_in_that_cannot_be_read(void **state)
{
	static const char *const files[] = { "{\"format\":2,\"url\":\"x\"}", "{" };
	struct buf text;
	FILE *f;

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		keep("access-old", "refresh-old", 3600);
		f = fopen(store_path(store), "w");
		assert_non_null(f);
		fputs(files[i], f);
		fclose(f);
		auth_remember(auth, "modern");
		buf_init(&text, 1000);
		if (file_read_own(store_path(store), &text, NULL) == FILE_OK)
			assert_string_equal(buf_str(&text), files[i]);
		buf_free(&text);
	}
}

static void nobody_is_awaited_while_a_token_is_renewed(void **state)
{
	const char *act;

	(void)state;
	keep("access-old", "refresh-old", -10);
	waiter = (struct auth_waiter){ .fn = called };
	assert_int_equal(auth_value(auth, &value, &waiter, &why), AUTH_WAIT);
	assert_null(auth_awaits_person(auth, &act));
}

#define T(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(without_a_sign_in_nothing_is_sent),
		T(token_that_is_good_is_sent),
		T(nobody_waits_without_a_waiter),
		T(ended_token_is_renewed_first),
		T(token_near_its_end_is_sent_while_it_is_renewed),
		T(token_of_another_process_is_taken),
		T(ended_token_without_a_successor_is_left_to_the_service),
		T(refused_token_is_renewed_once),
		T(refusal_of_an_older_value_is_answered_by_the_present_one),
		T(failures_keep_what_there_is),
		T(refresh_token_that_was_refused_is_not_sent_again),
		T(renewed_token_that_cannot_be_kept_serves_all_the_same),
		T(dead_refresh_token_is_forgotten),
		T(refused_token_does_not_serve_on_without_a_successor),
		T(sign_in_that_was_saved_meanwhile_stays_and_is_used),
		T(sign_in_that_was_removed_meanwhile_does_not_come_back),
		T(refused_token_whose_file_was_removed_meanwhile_is_given_up),
		T(token_that_another_gave_up_and_we_renewed_is_kept),
		T(refresh_and_notes_read_the_file_whatever_its_date_says),
		T(server_that_wants_more_than_half_a_minute_is_not_waited_for),
		T(unknown_client_is_forgotten_unless_it_was_given),
		T(sign_in_that_is_gone_means_a_new_one),
		T(lock_of_another_process_is_waited_for),
		T(scope_that_is_missing_is_kept_for_the_next_sign_in),
		T(refusals_that_no_sign_in_helps_are_told),
		T(word_is_kept_with_the_sign_in_for_a_day),
		T(word_does_not_cost_a_sign_in_that_cannot_be_read),
		T(nobody_is_awaited_while_a_token_is_renewed),
	};

	if (argc > 1 && strcmp(argv[1], WORKER_WORD) == 0)
		return os_start() && worker_main() ? 0 : 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
