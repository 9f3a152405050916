#include "login/question.h"

#include <stdio.h>
#include <unistd.h>

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
