#include "base/diag.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/time.h"

/* One message: an authorization URL of URL_MAX bytes and some words around it. */
#define LINE_MAX_BYTES 16384

/* Shorter strings are words, not secrets. */
#define HIDE_MIN 6

/*
 * Secrets that are remembered although nobody holds them any more. A process meets a handful, and two
 * or three more with every refresh; a bridge that runs for weeks forgets those that were replaced
 * hundreds of refreshes ago.
 */
#define HIDE_SLOTS 512

static const char mask[] = "[hidden]";
#define MASK_LEN (sizeof(mask) - 1)

static const char *const level_names[] = {
	[DIAG_ERROR] = "error",
	[DIAG_NOTE] = "note",
	[DIAG_DEBUG] = "debug",
};

static enum diag_level shown = DIAG_NOTE;
static int log_fd = -1;
static diag_before_fn *before;
static void *before_ctx;
static bool torn; /* the last message on standard error ended in the middle of its line */

static struct hidden {
	char *text;
	size_t len;
	size_t holders;
	bool pinned;
} * hidden; /* in the order of registration */
static size_t nhidden, room;
static size_t nloose; /* neither held nor pinned */

void diag_set_level(enum diag_level most)
{
	shown = most;
}

bool diag_debugging(void)
{
	return shown >= DIAG_DEBUG;
}

/* ---- what must not be seen ---- */

static bool is_loose(const struct hidden *h)
{
	return !h->pinned && h->holders == 0;
}

/* Takes the secret at i out of the row. */
static struct hidden unlist(size_t i)
{
	struct hidden h = hidden[i];

	nloose -= is_loose(&h);
	nhidden--;
	memmove(&hidden[i], &hidden[i + 1], (nhidden - i) * sizeof(hidden[0]));
	return h;
}

/* Puts h at the end, so that the newest is always the last; the oldest one that nobody needs goes. */
static void enlist(struct hidden h)
{
	size_t i = 0;

	if (is_loose(&h) && nloose == HIDE_SLOTS) {
		struct hidden old;

		while (!is_loose(&hidden[i]))
			i++;
		old = unlist(i);
		secret_wipe(old.text, old.len);
		free(old.text);
	}
	if (nhidden == room) {
		room = room ? 2 * room : 64;
		hidden = mem_grow(hidden, room, sizeof(hidden[0]));
	}
	nloose += is_loose(&h);
	hidden[nhidden++] = h;
}

/* The entry of this text, not in the row; a new one when it was not there. */
static struct hidden entry_of(const char *secret, size_t n)
{
	for (size_t i = 0; i < nhidden; i++)
		if (hidden[i].len == n && memcmp(hidden[i].text, secret, n) == 0)
			return unlist(i);
	return (struct hidden){ .text = mem_ndup(secret, n), .len = n };
}

void diag_hide(const char *secret, size_t n)
{
	if (n >= HIDE_MIN)
		enlist(entry_of(secret, n));
}

void diag_hold(const char *secret, size_t n)
{
	struct hidden h;

	if (n < HIDE_MIN)
		return;
	h = entry_of(secret, n);
	h.holders++;
	enlist(h);
}

void diag_release(const char *secret, size_t n)
{
	struct hidden h;

	if (n < HIDE_MIN)
		return;
	h = entry_of(secret, n);
	h.holders -= h.holders > 0;
	enlist(h);
}

void diag_pin(const char *secret, size_t n)
{
	struct hidden h;

	if (n < HIDE_MIN)
		return;
	h = entry_of(secret, n);
	h.pinned = true;
	enlist(h);
}

const char *diag_pinned(size_t i)
{
	for (size_t k = 0; k < nhidden; k++)
		if (hidden[k].pinned && i-- == 0)
			return hidden[k].text;
	return NULL;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One character at s of n bytes, as forms write it; *len: how many bytes that takes. */
static int decoded(const char *s, size_t n, size_t *len)
{
	int high = n >= 3 && s[0] == '%' ? hex(s[1]) : -1, low = high < 0 ? -1 : hex(s[2]);

	*len = low < 0 ? 1 : 3;
	if (low >= 0)
		return high << 4 | low;
	return s[0] == '+' ? ' ' : (unsigned char)s[0];
}

/* How many of the n bytes at s are h's text, or the beginning of it where s ends; 0: none. */
static size_t covered(const struct hidden *h, const char *s, size_t n, bool encoded)
{
	size_t at = 0, i = 0, len = 1;

	while (i < h->len && at < n) {
		int c = encoded ? decoded(s + at, n - at, &len) : (unsigned char)s[at];

		if (encoded && s[at] == '%' && n - at < 3)
			return i < HIDE_MIN ? 0 : n; /* cut inside an escape */
		if (c != (unsigned char)h->text[i])
			return 0;
		at += len;
		i++;
	}
	return i < HIDE_MIN ? 0 : at;
}

/*
 * How many bytes of the n at s are a secret's. A text that ends inside a secret, because somebody
 * cut it, still gives the beginning away.
 */
static size_t secret_at(const char *s, size_t n)
{
	size_t most = 0;

	for (size_t i = 0; i < nhidden; i++) {
		size_t as_is, form;

		if (hidden[i].text[0] != s[0] && s[0] != '%' && s[0] != '+')
			continue;
		as_is = covered(&hidden[i], s, n, false);
		form = covered(&hidden[i], s, n, true);
		most = as_is > most ? as_is : most;
		most = form > most ? form : most;
	}
	return most;
}

/* Covers `run` bytes of secret; what is written is never longer. */
static char *put_mask(char *to, size_t run)
{
	if (run >= MASK_LEN) {
		memcpy(to, mask, MASK_LEN);
		return to + MASK_LEN;
	}
	memset(to, '*', run);
	return to + run;
}

char *diag_redact(char *s)
{
	size_t n = strlen(s), from = 0;
	char *to = s;

	while (nhidden && from < n) {
		size_t run = secret_at(s + from, n - from);

		if (run == 0) {
			*to++ = s[from++];
			continue;
		}
		/* Secrets may overlap: the run goes on as long as one begins inside it. */
		for (size_t i = 1; i < run; i++) {
			size_t other = secret_at(s + from + i, n - from - i);

			if (i + other > run)
				run = i + other;
		}
		from += run;
		to = put_mask(to, run);
	}
	if (nhidden)
		*to = '\0';
	return s;
}

/* ---- where messages go ---- */

static void show(const char *line, size_t n)
{
	size_t off = 0;

	if (before)
		before(before_ctx);
	if (torn && os_write_at_once("\n", 1) != 1)
		return;
	torn = false;
	while (off < n) {
		int64_t done = os_write_at_once(line + off, n - off);

		if (done <= 0)
			break; /* full or gone: the rest is dropped, as the header promises */
		off += (size_t)done;
	}
	torn = off > 0 && off < n;
}

void diag_before(diag_before_fn *fn, void *ctx)
{
	before = fn;
	before_ctx = ctx;
}

static void stop_log(int error)
{
	os_close(log_fd);
	log_fd = -1;
	diag_error("cannot write to the log file: %s; nothing more is logged", strerror(error));
}

/*
 * "2026-11-23T09:30:00Z 4711 note: text". The process id tells bridges apart that share a log; one
 * call with O_APPEND keeps their lines whole. No allocation: this also reports that there is no
 * memory.
 */
static void append_log(enum diag_level level, const char *text)
{
	char when[32], head[64];
	struct os_part parts[3];
	struct tm tm;

	if (!os_utc(clock_wall_s(), &tm) ||
		!strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm))
		when[0] = '\0';
	snprintf(head, sizeof(head), "%s %ld %s: ", when, os_process_number(), level_names[level]);
	parts[0] = (struct os_part){ head, strlen(head) };
	parts[1] = (struct os_part){ text, strlen(text) };
	parts[2] = (struct os_part){ "\n", 1 };
	if (!os_write_line(log_fd, parts, 3))
		stop_log(errno);
}

bool diag_open_log(const char *path, struct err *e)
{
	int fd = os_open(
		OS_HERE, path, OS_WRITE | OS_CREATE | OS_APPEND | OS_NOFOLLOW | OS_AT_ONCE, 0600);
	struct os_info i;

	if (fd < 0)
		return err_set(e, ERR_USAGE,
			"cannot open the log file %s: %s; give another one with --log-file", path,
			os_is_link_refusal(errno) ? "it is a symbolic link" : strerror(errno));
	if (!os_info(fd, &i) || i.kind != OS_FILE || !i.ours || !os_set_mode(fd, 0600)) {
		os_close(fd);
		return err_set(e, ERR_USAGE,
			"the log file %s is not a plain file of yours; "
			"give another one with --log-file",
			path);
	}
	diag_close();
	log_fd = fd;
	return true;
}

void diag_close(void)
{
	if (log_fd >= 0)
		os_close(log_fd);
	log_fd = -1;
}

/* ---- messages ---- */

/* Redacted while it is whole, then cleaned, then cut. */
static void finish(char *text, size_t max, bool as_it_is)
{
	err_clean(as_it_is ? text : diag_redact(text));
	if (strlen(text) <= max)
		return;
	max -= 3;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	memcpy(text + max, "...", sizeof("..."));
}

static void say(enum diag_level level, bool as_it_is, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void say(enum diag_level level, bool as_it_is, const char *fmt, va_list ap)
{
	static const char prefix[] = "mpmcp: ";
	const size_t plen = sizeof(prefix) - 1;
	bool to_stderr = level <= shown;
	bool to_log = log_fd >= 0 && (level < DIAG_DEBUG || diag_debugging());
	int saved = errno; /* a message must not change what the caller is about to look at */
	va_list again;
	char *line;
	int n;

	if (!to_stderr && !to_log)
		return;
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	line = n < 0 ? NULL : malloc(plen + (size_t)n + 2); /* not mem_new(): that reports here */
	if (line) {
		memcpy(line, prefix, plen);
		vsnprintf(line + plen, (size_t)n + 1, fmt, again);
		finish(line + plen, LINE_MAX_BYTES, as_it_is);
		if (to_log)
			append_log(level, line + plen);
		n = (int)strlen(line);
		line[n] = '\n';
		if (to_stderr)
			show(line, (size_t)n + 1);
		free(line);
	} else if (to_stderr) {
		show("mpmcp: out of memory\n", sizeof("mpmcp: out of memory\n") - 1);
	}
	va_end(again);
	errno = saved;
}

void diag_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(DIAG_ERROR, false, fmt, ap);
	va_end(ap);
}

void diag_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(DIAG_NOTE, false, fmt, ap);
	va_end(ap);
}

void diag_debug(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(DIAG_DEBUG, false, fmt, ap);
	va_end(ap);
}

void diag_link(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(DIAG_NOTE, true, fmt, ap);
	va_end(ap);
}
