#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/diag.h"

/* A test that hangs is ended by this; none is meant to take a noticeable time. */
#define DEADLINE_S 60

static int real_stderr;
static int out; /* our end of what is standard error during a test */
static char dir[64], log_path[96];

static int enter(int ends[2])
{
	out = ends[0];
	if (dup2(ends[1], STDERR_FILENO) < 0)
		return -1;
	close(ends[1]);
	diag_set_level(DIAG_NOTE);
	return 0;
}

static int on_pipe(void **state)
{
	int ends[2];

	(void)state;
	return pipe(ends) != 0 ? -1 : enter(ends);
}

static int on_socket(void **state)
{
	int ends[2];

	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 ? -1 : enter(ends);
}

/* A folder for each test, so that nothing of one is met by the next. */
static int with_folder(void **state)
{
	snprintf(dir, sizeof(dir), "/tmp/mpmcp-diag-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(log_path, sizeof(log_path), "%s/log", dir);
	return on_pipe(state);
}

static int leave(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(out);
	diag_close();
	diag_set_level(DIAG_NOTE);
	clock_set(-1, -1);
	if (dir[0]) {
		unlink(log_path);
		rmdir(dir);
		dir[0] = '\0';
	}
	return 0;
}

static void set_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* All that was written so far. */
static size_t drain(char *text, size_t size)
{
	size_t n = 0;
	ssize_t got;

	set_nonblock(out, true);
	while (n + 1 < size && (got = read(out, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	return n;
}

static void assert_shown(const char *want)
{
	char text[4096];

	drain(text, sizeof(text));
	assert_string_equal(text, want);
}

static void discard(void)
{
	char text[65536];

	while (drain(text, sizeof(text)) > 0)
		;
}

static void stuff(void)
{
	static const char filler[4096];

	set_nonblock(STDERR_FILENO, true);
	while (write(STDERR_FILENO, filler, sizeof(filler)) > 0)
		;
	while (write(STDERR_FILENO, filler, 1) > 0)
		;
	set_nonblock(STDERR_FILENO, false);
}

/* ---- lines ---- */

static void a_message_is_one_clean_line(void **state)
{
	(void)state;
	diag_note("sign in: %s", "first\nsecond\033[2J\tend");
	assert_shown("mpmcp: sign in: first second?[2J end\n");
	diag_note("%s", "");
	assert_shown("mpmcp: \n");
}

static void levels_say_what_is_shown(void **state)
{
	static const struct {
		enum diag_level most;
		const char *want;
	} rows[] = {
		{ DIAG_ERROR, "mpmcp: bad\n" },
		{ DIAG_NOTE, "mpmcp: bad\nmpmcp: do this\n" },
		{ DIAG_DEBUG, "mpmcp: bad\nmpmcp: do this\nmpmcp: detail\n" },
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		diag_set_level(rows[i].most);
		assert_int_equal(diag_debugging(), rows[i].most == DIAG_DEBUG);
		diag_error("bad");
		diag_note("do this");
		diag_debug("detail");
		assert_shown(rows[i].want);
	}
}

static void an_authorization_url_is_shown_whole_and_more_is_cut(void **state)
{
	static char url[40000], text[60000];
	size_t n;

	(void)state;
	memset(url, 'u', sizeof(url) - 1);
	diag_note("open %.8192s now", url);
	n = drain(text, sizeof(text));
	assert_int_equal(n, strlen("mpmcp: open  now\n") + 8192);
	assert_string_equal(text + n - 5, " now\n");
	diag_note("%s", url);
	n = drain(text, sizeof(text));
	assert_true(n < sizeof(url));
	assert_string_equal(text + n - 5, "u...\n");
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	stuff();
	errno = ENOENT;
	diag_note("dropped");
	assert_int_equal(errno, ENOENT);
	dup2(real_stderr, STDERR_FILENO);
	close(STDERR_FILENO);
	diag_note("nobody there");
	assert_int_equal(errno, ENOENT);
}

/* ---- never blocking ---- */

static void a_full_reader_drops_messages_and_stops_nobody(void **state)
{
	int before;

	(void)state;
	stuff();
	before = fcntl(STDERR_FILENO, F_GETFL);
	for (int i = 0; i < 1000; i++)
		diag_note("message %d", i); /* the watchdog ends a test that blocks here */
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL), before);
	discard();
	diag_note("heard again");
	assert_shown("mpmcp: heard again\n");
}

static void flags_shared_with_other_programs_stay(void **state)
{
	int before = fcntl(STDERR_FILENO, F_GETFL);

	(void)state;
	assert_false(before & O_NONBLOCK);
	diag_note("x");
	assert_int_equal(fcntl(STDERR_FILENO, F_GETFL), before);
}

static void a_line_that_was_torn_is_ended_before_the_next(void **state)
{
	static char words[2 * PIPE_BUF], text[4 * PIPE_BUF];
	char room[PIPE_BUF];
	size_t n;

	(void)state;
	memset(words, 'w', sizeof(words) - 1);
	stuff();
	/* Room for one piece, so that the second of this message is dropped. */
	assert_int_equal(read(out, room, sizeof(room)), sizeof(room));
	diag_note("%s", words);
	discard();
	diag_note("next");
	n = drain(text, sizeof(text));
	assert_true(n > 0);
	assert_string_equal(text, "\nmpmcp: next\n");
}

static void a_reader_that_left_is_no_error(void **state)
{
	(void)state;
	close(out);
	out = open("/dev/null", O_RDONLY);
	signal(SIGPIPE, SIG_IGN); /* as main does */
	diag_note("nobody listens");
	signal(SIGPIPE, SIG_DFL);
}

/* ---- secrets ---- */

static void assert_redacted(const char *what, const char *in, const char *want)
{
	char text[256];

	snprintf(text, sizeof(text), "%s", in);
	assert_ptr_equal(diag_redact(text), text);
	if (strcmp(text, want) != 0)
		fail_msg("%s: got \"%s\"", what, text);
}

static void hide(const char *s)
{
	diag_hide(s, strlen(s));
}

static void registered_secrets_are_replaced(void **state)
{
	(void)state;
	hide("Tq3-token-value");
	hide("Tq3-token-value-and-longer");
	hide("short!");
	hide("tiny5");
	hide("overlap-ONE-");
	hide("ONE-overlaps");
	hide("quite\nbroken");
	assert_redacted("none", "nothing here", "nothing here");
	assert_redacted("empty", "", "");
	assert_redacted("alone", "Tq3-token-value", "[hidden]");
	assert_redacted("in words", "a Tq3-token-value, b", "a [hidden], b");
	assert_redacted("twice", "Tq3-token-value Tq3-token-value", "[hidden] [hidden]");
	assert_redacted("side by side", "Tq3-token-valueTq3-token-value", "[hidden][hidden]");
	assert_redacted("the longer one", "x Tq3-token-value-and-longer x", "x [hidden] x");
	assert_redacted("shorter than the mask", "a short! b", "a ****** b");
	assert_redacted("too short to be one", "a tiny5 b", "a tiny5 b");
	assert_redacted("overlapping", "<overlap-ONE-overlaps>", "<[hidden]>");
	assert_redacted("cut inside", "ends in Tq3-toke", "ends in [hidden]");
	assert_redacted("cut after six", "ends in Tq3-to", "ends in ******");
	assert_redacted("cut too early to matter", "ends in Tq3-t", "ends in Tq3-t");
	assert_redacted("a beginning alone, not at the end", "Tq3-toke n", "Tq3-toke n");
	diag_note("got %s and %s", "Tq3-token-value", "quite\nbroken");
	assert_shown("mpmcp: got [hidden] and [hidden]\n");
}

static void a_secret_across_the_cut_of_a_message_is_hidden(void **state)
{
	static char text[20000];
	static const char secret[] = "Vv8-straddling-the-cut";

	(void)state;
	hide(secret);
	for (size_t pad = 16384 - 30; pad < 16384 + 4; pad++) {
		static char words[20000];

		memset(words, '.', pad);
		snprintf(words + pad, sizeof(words) - pad, "%s and more words", secret);
		diag_note("%s", words);
		drain(text, sizeof(text));
		assert_null(strstr(text, "Vv8"));
	}
}

static void the_last_512_secrets_are_kept(void **state)
{
	char secret[32], text[64];

	(void)state;
	hide("the-first-of-all");
	hide("the-one-in-use");
	for (int i = 0; i < 600; i++) {
		snprintf(secret, sizeof(secret), "numbered-secret-%04d", i);
		hide(secret);
		if (i == 300)
			hide("the-one-in-use");
	}
	for (int i = 600 - 511; i < 600; i++) {
		snprintf(text, sizeof(text), "<numbered-secret-%04d>", i);
		assert_string_equal(diag_redact(text), "<[hidden]>");
	}
	assert_redacted("named again", "<the-one-in-use>", "<[hidden]>");
	assert_redacted("forgotten", "<the-first-of-all>", "<the-first-of-all>");
	assert_redacted("one too many", "<numbered-secret-0088>", "<numbered-secret-0088>");
}

static void hide_many(const char *what)
{
	char secret[64];

	for (int i = 0; i < 600; i++) {
		snprintf(secret, sizeof(secret), "%s-%04d", what, i);
		hide(secret);
	}
}

static void what_is_pinned_or_held_outlives_any_number_of_others(void **state)
{
	static const char given[] = "given-by-the-person", held[] = "held-by-two";

	(void)state;
	hide(given);
	diag_pin(given, strlen(given));
	diag_hold(held, strlen(held));
	diag_hold(held, strlen(held));
	hide_many("session-one");
	assert_redacted("pinned", "<given-by-the-person>", "<[hidden]>");
	assert_redacted("held", "<held-by-two>", "<[hidden]>");
	assert_redacted("the newest", "<session-one-0599>", "<[hidden]>");
	assert_redacted("512 back", "<session-one-0088>", "<[hidden]>");
	diag_release(held, strlen(held));
	hide_many("session-two");
	assert_redacted("held by one", "<held-by-two>", "<[hidden]>");
	diag_release(held, strlen(held));
	assert_redacted("just let go", "<held-by-two>", "<[hidden]>");
	hide_many("session-three");
	assert_redacted("let go long ago", "<held-by-two>", "<held-by-two>");
	assert_redacted("still pinned", "<given-by-the-person>", "<[hidden]>");
}

static void secrets_are_found_percent_encoded_too(void **state)
{
	(void)state;
	hide("s/cret va=lue%41");
	assert_redacted("as it is", "<s/cret va=lue%41>", "<[hidden]>");
	assert_redacted("a form", "<s%2Fcret+va%3Dlue%2541>", "<[hidden]>");
	assert_redacted("a URL", "<s%2fcret%20va%3dlue%2541>", "<[hidden]>");
	assert_redacted(
		"all of it", "%73%2F%63%72%65%74%20%76%61%3D%6C%75%65%25%34%31", "[hidden]");
	assert_redacted("cut", "ends in s%2Fcret+va%3", "ends in [hidden]");
	assert_redacted("something else", "s%2Fcret+va%3Elue%2541", "s%2Fcret+va%3Elue%2541");
}

static void a_link_for_the_person_stays_whole(void **state)
{
	(void)state;
	hide("key-in-the-address");
	diag_link("open %s", "https://h/?k=key-in-the-address\033");
	assert_shown("mpmcp: open https://h/?k=key-in-the-address?\n");
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16 & 0x7fff;
}

/* Against the plain definition: a byte is covered when some secret, or the beginning of one at the
 * end of the text, lies on it; the others stay, in order. */
static void exactly_the_bytes_of_secrets_are_replaced(void **state)
{
	static char secrets[8][10];
	unsigned seed = 4711;

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		size_t n = 6 + next_random(&seed) % 3;

		for (size_t k = 0; k < n; k++)
			secrets[i][k] = next_random(&seed) % 2 ? 'X' : 'Y';
		hide(secrets[i]);
	}
	for (int round = 0; round < 5000; round++) {
		char text[41], want[41], got[41];
		bool covered[41] = { false };
		size_t n = next_random(&seed) % 40, left = 0, kept = 0;

		for (size_t k = 0; k < n; k++)
			text[k] = next_random(&seed) % 2 ? 'X' : 'Y';
		text[n] = '\0';
		for (size_t at = 0; at < n; at++) {
			for (size_t i = 0; i < 8; i++) {
				size_t len = strlen(secrets[i]);

				if (len > n - at)
					len = n - at;
				if (len >= 6 && memcmp(text + at, secrets[i], len) == 0)
					memset(covered + at, true, len);
			}
		}
		for (size_t k = 0; k < n; k++)
			if (!covered[k])
				want[left++] = text[k];
		diag_redact(text);
		assert_true(strlen(text) <= n);
		for (size_t k = 0; text[k]; k++)
			if (text[k] == 'X' || text[k] == 'Y')
				got[kept++] = text[k];
		assert_int_equal(kept, left);
		assert_memory_equal(got, want, left);
	}
}

/* ---- the log file ---- */

static void assert_logged(const char *want)
{
	char text[4096];
	FILE *f = fopen(log_path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void the_log_is_private_whatever_the_umask(void **state)
{
	static const mode_t masks[] = { 0, 022, 077 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		mode_t old = umask(masks[i]);
		struct stat st;

		assert_true(diag_open_log(log_path, NULL));
		umask(old);
		assert_int_equal(stat(log_path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		/* So must be one that is there already. */
		assert_int_equal(chmod(log_path, 0644), 0);
		assert_true(diag_open_log(log_path, NULL));
		assert_int_equal(stat(log_path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		unlink(log_path);
	}
}

static void lines_of_the_log_say_when_who_and_how_bad(void **state)
{
	char want[512];
	long pid = (long)getpid();

	(void)state;
	clock_set(0, 1795512600); /* 2026-11-24T09:30:00Z */
	hide("Lg5-in-the-log");
	assert_true(diag_open_log(log_path, NULL));
	diag_error("got Lg5-in-the-log\nback");
	diag_note("do this");
	diag_debug("not asked for");
	diag_close();
	diag_note("closed");
	assert_true(diag_open_log(log_path, NULL));
	diag_set_level(DIAG_DEBUG);
	diag_debug("detail");
	snprintf(want, sizeof(want),
		"2026-11-24T09:30:00Z %ld error: got [hidden] back\n"
		"2026-11-24T09:30:00Z %ld note: do this\n"
		"2026-11-24T09:30:00Z %ld debug: detail\n",
		pid, pid, pid);
	assert_logged(want);
}

static void a_silent_program_still_logs_notes(void **state)
{
	char want[128];

	(void)state;
	clock_set(0, 0);
	diag_set_level(DIAG_ERROR);
	assert_true(diag_open_log(log_path, NULL));
	diag_note("do this");
	snprintf(want, sizeof(want), "1970-01-01T00:00:00Z %ld note: do this\n", (long)getpid());
	assert_logged(want);
	assert_shown("");
}

static void assert_no_log(const char *path, const char *why)
{
	struct err e = { 0 };

	assert_false(diag_open_log(path, &e));
	assert_int_equal(e.kind, ERR_USAGE);
	assert_non_null(strstr(e.msg, path));
	assert_non_null(strstr(e.msg, why));
	assert_non_null(strstr(e.msg, "--log-file"));
}

static void only_a_plain_file_becomes_the_log(void **state)
{
	char missing[128];

	(void)state;
	assert_no_log(dir, strerror(EISDIR));
	assert_int_equal(symlink("/etc/passwd", log_path), 0);
	assert_no_log(log_path, "symbolic link");
	unlink(log_path);
	assert_int_equal(mkfifo(log_path, 0600), 0);
	assert_no_log(log_path, ""); /* and nobody waits for a reader */
	snprintf(missing, sizeof(missing), "%s/none/log", dir);
	assert_no_log(missing, strerror(ENOENT));
	assert_no_log("/dev/null", "plain file");
}

static void a_failed_open_keeps_the_old_log(void **state)
{
	struct stat st;

	(void)state;
	assert_true(diag_open_log(log_path, NULL));
	assert_false(diag_open_log(dir, NULL));
	diag_note("still here");
	assert_int_equal(stat(log_path, &st), 0);
	assert_true(st.st_size > 0);
}

static void a_full_disk_is_told_once_and_ends_the_log(void **state)
{
	struct rlimit old, none;
	char text[512];

	(void)state;
	assert_true(diag_open_log(log_path, NULL));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	none = (struct rlimit){ 10, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &none);
	diag_note("one");
	diag_note("two");
	setrlimit(RLIMIT_FSIZE, &old);
	signal(SIGXFSZ, SIG_DFL);
	drain(text, sizeof(text));
	assert_memory_equal(text, "mpmcp: cannot write to the log file: ", 37);
	assert_string_equal(strchr(text, '\n'), "\nmpmcp: one\nmpmcp: two\n");
}

#define ON(test, setup) cmocka_unit_test_setup_teardown(test, setup, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON(a_message_is_one_clean_line, on_pipe),
		ON(levels_say_what_is_shown, on_pipe),
		ON(an_authorization_url_is_shown_whole_and_more_is_cut, on_pipe),
		ON(errno_is_left_alone, on_pipe),
		{ "a_full_pipe_drops_messages_and_stops_nobody",
			a_full_reader_drops_messages_and_stops_nobody, on_pipe, leave, NULL },
		{ "a_full_socket_drops_messages_and_stops_nobody",
			a_full_reader_drops_messages_and_stops_nobody, on_socket, leave, NULL },
		ON(flags_shared_with_other_programs_stay, on_pipe),
		ON(a_line_that_was_torn_is_ended_before_the_next, on_pipe),
		{ "a_pipe_without_reader_is_no_error", a_reader_that_left_is_no_error, on_pipe,
			leave, NULL },
		{ "a_socket_without_reader_is_no_error", a_reader_that_left_is_no_error, on_socket,
			leave, NULL },
		ON(registered_secrets_are_replaced, on_pipe),
		ON(a_secret_across_the_cut_of_a_message_is_hidden, on_pipe),
		ON(the_log_is_private_whatever_the_umask, with_folder),
		ON(lines_of_the_log_say_when_who_and_how_bad, with_folder),
		ON(a_silent_program_still_logs_notes, with_folder),
		ON(only_a_plain_file_becomes_the_log, with_folder),
		ON(a_failed_open_keeps_the_old_log, with_folder),
		ON(a_full_disk_is_told_once_and_ends_the_log, with_folder),
		/* Last: they fill the table. */
		ON(exactly_the_bytes_of_secrets_are_replaced, on_pipe),
		ON(the_last_512_secrets_are_kept, on_pipe),
		ON(what_is_pinned_or_held_outlives_any_number_of_others, on_pipe),
		ON(secrets_are_found_percent_encoded_too, on_pipe),
		ON(a_link_for_the_person_stays_whole, on_pipe),
	};

	real_stderr = dup(STDERR_FILENO);
	alarm(DEADLINE_S);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
