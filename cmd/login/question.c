#include "login/question.h"

#include <poll.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"

struct question {
	struct loop *loop;
	bool yes, otherwise;
};

static void on_answer(void *ctx, int happened)
{
	struct question *q = ctx;
	char line[256];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	(void)happened;
	q->yes = n > 0 && (*line == 'y' || *line == 'Y' || (*line == '\n' && q->otherwise));
	loop_stop(q->loop);
}

bool question_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool question_yes(struct loop *l, const char *text, bool otherwise)
{
	struct question q = { .loop = l, .otherwise = otherwise };
	struct loop_watch *input;
	struct err e = { 0 };

	fprintf(stderr, "%s [%s] ", text, otherwise ? "Y/n" : "y/N");
	input = loop_watch(l, STDIN_FILENO, LOOP_READ, on_answer, &q);
	if (!loop_run(l, &e))
		q.yes = false;
	loop_watch_free(input);
	return q.yes;
}

struct hidden {
	struct loop *loop;
	struct buf *out;
	bool ended;
};

static bool more_is_there(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 0) > 0;
}

/* A line at a time: base64 that was broken comes as several, and the shell is not to get the rest. */
static void on_line(void *ctx, int happened)
{
	struct hidden *h = ctx;
	char line[4096];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line));

	(void)happened;
	if (n <= 0 || !buf_add(h->out, line, (size_t)n))
		h->ended = true;
	secret_wipe(line, sizeof(line));
	if (h->ended || !more_is_there())
		loop_stop(h->loop);
}

bool question_hidden(struct loop *l, const char *text, struct buf *out)
{
	struct hidden h = { .loop = l, .out = out };
	struct termios before, quiet;
	struct loop_watch *input;
	struct err e = { 0 };
	bool good;

	if (tcgetattr(STDIN_FILENO, &before) != 0)
		return false;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_lflag |= ICANON;
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) != 0)
		return false;
	fprintf(stderr, "%s", text);
	input = loop_watch(l, STDIN_FILENO, LOOP_READ, on_line, &h);
	good = loop_run(l, &e) && !h.ended && out->len > 0;
	loop_watch_free(input);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	return good;
}
