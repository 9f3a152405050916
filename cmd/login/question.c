#include "login/question.h"

#include <errno.h>
#include <stdio.h>

#include "base/secret.h"
#include "os/loop.h"
#include "os/start.h"
#include "os/terminal.h"

struct question {
	struct loop *loop;
	struct os_stream input;
	bool yes, otherwise;
};

static void on_answer(void *ctx, int happened)
{
	struct question *q = ctx;
	char line[256];
	int64_t n = os_receive(q->input.fd, line, sizeof(line));

	(void)happened;
	if (n < 0 && errno == EAGAIN)
		return;
	q->yes = n > 0 && (*line == 'y' || *line == 'Y' || (*line == '\n' && q->otherwise));
	loop_stop(q->loop);
}

bool question_possible(void)
{
	return os_is_terminal(stdin) && os_is_terminal(stderr);
}

bool question_yes(struct loop *l, const char *text, bool otherwise)
{
	struct question q = { .loop = l, .otherwise = otherwise };
	struct loop_watch *input;
	struct err e = { 0 };

	fprintf(stderr, "%s [%s] ", text, otherwise ? "Y/n" : "y/N");
	if (!os_stream_open(OS_STDIN, OS_STREAM_TYPED, &q.input))
		return false;
	input = loop_watch(l, q.input.fd, LOOP_READ, on_answer, &q);
	if (!loop_run(l, &e))
		q.yes = false;
	loop_watch_free(input);
	os_stream_end(&q.input);
	return q.yes;
}

struct hidden {
	struct loop *loop;
	struct os_stream input;
	struct buf *out;
	bool ended;
};

static bool more_is_there(const struct hidden *h)
{
	struct os_wait in = { .fd = h->input.fd, .want = OS_CAN_READ };

	return os_wait(&in, 1, 0) > 0;
}

/* A line at a time: base64 that was broken comes as several, and the shell is not to get the rest. */
static void on_line(void *ctx, int happened)
{
	struct hidden *h = ctx;
	char line[4096];
	int64_t n = os_receive(h->input.fd, line, sizeof(line));

	(void)happened;
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0 || !buf_add(h->out, line, (size_t)n))
		h->ended = true;
	secret_wipe(line, sizeof(line));
	if (h->ended || !more_is_there(h))
		loop_stop(h->loop);
}

bool question_hidden(struct loop *l, const char *text, struct buf *out)
{
	struct hidden h = { .loop = l, .out = out };
	struct os_terminal *terminal;
	struct loop_watch *input;
	struct err e = { 0 };
	bool good = false;

	if (!os_stream_open(OS_STDIN, OS_STREAM_TYPED, &h.input))
		return false;
	terminal = os_terminal_take(OS_HIDDEN);
	if (terminal) {
		fprintf(stderr, "%s", text);
		input = loop_watch(l, h.input.fd, LOOP_READ, on_line, &h);
		good = loop_run(l, &e) && !h.ended && out->len > 0;
		loop_watch_free(input);
		os_terminal_give_back(terminal);
		fputc('\n', stderr);
	}
	os_stream_end(&h.input);
	return good;
}
