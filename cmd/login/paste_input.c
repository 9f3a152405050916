#include "login/paste_input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/secret.h"
#include "format.h"
#include "os/loop.h"
#include "os/start.h"
#include "os/terminal.h"

/* A pasted address: as long as a URL may be, with room for the blanks of an indented one. */
#define PASTE_MAX 16384

#define COUNT_MS 1000

struct paste_input {
	struct loop *loop;
	struct loop_watch *watch; /* NULL: standard input is no terminal */
	struct loop_timer count;
	int64_t ends_ms;
	bool counts; /* standard error is a terminal that can rewrite a line */
	bool echoes; /* standard error is a terminal, so that what is typed is shown there */
	bool shown;  /* a prompt or a countdown stands on the last line */
	paste_input_fn *take;
	void *ctx;
	/* What was typed and pasted, from the address on that is not whole yet; line: where the last line of it
	 * begins. */
	char text[PASTE_MAX];
	size_t len, line;
	bool too_long;
	struct os_stream input;
	struct os_terminal *terminal;
};

/* ---- the countdown ---- */

void paste_input_hide(struct paste_input *p)
{
	if (p && p->shown && p->counts)
		fprintf(stderr, "\r\033[K");
	else if (p && p->shown)
		fputc('\n', stderr);
	if (p)
		p->shown = false;
}

/* "4:59 left > ", or before a browser alone "Waiting: 4:59 left". */
static void show(struct paste_input *p)
{
	long long left = (long long)(p->ends_ms - clock_ms() + 999) / 1000;
	char text[32] = "";

	left = left < 0 ? 0 : left;
	if (p->counts)
		snprintf(text, sizeof(text), "%lld:%02lld left", left / 60, left % 60);
	if (p->counts)
		fprintf(stderr, "\r\033[K%s%s", p->watch ? "" : "Waiting: ", text);
	if (p->watch)
		fprintf(stderr, "%s> ", p->counts ? " " : "");
	p->shown = p->counts || p->watch;
}

/* What is being typed stays where it is. */
static void counted(void *ctx)
{
	struct paste_input *p = ctx;

	if (p->len == p->line)
		show(p);
	loop_timer_set(&p->count, COUNT_MS);
}

void paste_input_prompt(struct paste_input *p)
{
	if (!p)
		return;
	show(p);
	if (p->counts && !p->count.set)
		loop_timer_set(&p->count, COUNT_MS);
}

/* ---- pasting ---- */

static void forget_paste(struct paste_input *p)
{
	secret_wipe(p->text, sizeof(p->text));
	p->len = p->line = 0;
	p->too_long = false;
}

static bool begins_address(const char *text)
{
	text += strspn(text, " \t\r\n\"'<\033[20~");
	return strncmp(text, "http", 4) == 0;
}

/* The last line may be the rest of an address, or stand for itself. */
static bool take_paste(struct paste_input *p, struct err *e)
{
	const char *last = p->text + p->line;

	return p->take(p->ctx, p->text, e) ||
	       (p->line && !strchr(last, '&') && p->take(p->ctx, last, e));
}

/* Enter went to a new line. */
static void refuse(struct paste_input *p, const struct err *e)
{
	p->shown = false;
	fprintf(stderr, "mpmcp: %s\n", err_text(e));
	if (!p->too_long && begins_address(p->text))
		p->line = p->len; /* its rest may follow */
	else
		forget_paste(p);
	show(p);
}

static void end_of_paste(struct paste_input *p)
{
	const char *last = p->text + p->line;
	struct err e = { 0 };

	if (!last[strspn(last, " \t\r\n")]) {
		p->len = p->line;
		p->shown = false;
		show(p);
		return;
	}
	if (begins_address(last)) { /* another one */
		p->len -= p->line;
		memmove(p->text, last, p->len + 1);
		p->line = 0;
	}
	if (p->too_long)
		err_set(&e, ERR_USAGE, "that is too long for an address: paste it again, alone");
	else if (take_paste(p, &e))
		e = (struct err){ 0 };
	if (e.kind) {
		refuse(p, &e);
		return;
	}
	p->shown = false;
	forget_paste(p);
}

/* What the last line shows of this byte. Control characters stay unseen: what is pasted steers no terminal. */
static void echo(struct paste_input *p, char c)
{
	if (!p->echoes)
		return;
	if (c == '\n' || ((unsigned char)c >= ' ' && c != 0x7f))
		fputc(c, stderr);
	else if ((c == 0x7f || c == '\b') && p->len > p->line)
		fprintf(stderr, "\b \b");
	else if (c == 0x15)
		for (size_t n = p->len; n > p->line; n--)
			fprintf(stderr, "\b \b");
}

/* Showing and editing, since the terminal leaves both to us. */
static void take_byte(struct paste_input *p, char c)
{
	echo(p, c);
	if (c == 0x7f || c == '\b')
		p->len -= p->len > p->line;
	else if (c == 0x15) /* ^U */
		p->len = p->line;
	else if (p->len + 1 < sizeof(p->text))
		p->text[p->len++] = c;
	else
		p->too_long = true;
}

/* After Enter, when nothing more of a paste is on its way; a bracketed one says itself where it ends. */
static bool is_over(struct paste_input *p)
{
	struct os_wait in = { .fd = p->input.fd, .want = OS_CAN_READ };
	const char *from, *next, *last = NULL;

	p->text[p->len] = 0;
	for (from = p->text + p->line; (next = strstr(from, "\033[20")); from = next + 1)
		last = next;
	if (last && strncmp(last, "\033[200~", 6) == 0)
		return false;
	return p->len > p->line && p->text[p->len - 1] == '\n' && os_wait(&in, 1, 0) <= 0;
}

static void on_input(void *ctx, int happened)
{
	struct paste_input *p = ctx;
	char c[4096];
	int64_t n = os_receive(p->input.fd, c, sizeof(c));

	(void)happened;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || (n == 1 && *c == 0x04)) { /* ^D */
		loop_watch_set(p->watch, 0);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		take_byte(p, c[i]);
	secret_wipe(c, sizeof(c));
	if (is_over(p))
		end_of_paste(p);
}

/* ---- the terminal ---- */

/* Where nothing can be read, the browser's answer still comes. */
struct paste_input *paste_input_new(
	struct loop *l, int64_t ends_ms, paste_input_fn *take, void *ctx)
{
	struct paste_input *p = mem_new(sizeof(*p));

	p->loop = l;
	p->ends_ms = ends_ms;
	p->take = take;
	p->ctx = ctx;
	p->counts = format_terminal(stderr);
	p->echoes = os_is_terminal(stderr);
	loop_timer_init(&p->count, l, counted, p);
	if (!take || !os_is_terminal(stdin) ||
		!os_stream_open(OS_STDIN, OS_STREAM_TYPED, &p->input))
		return p;
	p->terminal = os_terminal_take(OS_BY_KEY);
	p->watch = loop_watch(l, p->input.fd, LOOP_READ, on_input, p);
	return p;
}

void paste_input_free(struct paste_input *p)
{
	if (!p)
		return;
	paste_input_hide(p);
	loop_timer_clear(&p->count);
	if (p->watch)
		os_stream_end(&p->input);
	loop_watch_free(p->watch);
	os_terminal_give_back(p->terminal);
	forget_paste(p);
	free(p);
}
