#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/terminal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

bool os_is_terminal(FILE *f)
{
	return isatty(fileno(f)) == 1;
}

unsigned os_terminal_width(FILE *f)
{
	struct winsize size = { 0 };

	return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool os_terminal_obeys(FILE *f)
{
	const char *term = getenv("TERM");

	return os_is_terminal(f) && term && *term && strcmp(term, "dumb") != 0;
}

struct os_terminal {
	struct termios before;
	int when; /* it changes */
};

struct os_terminal *os_terminal_take(enum os_typing how)
{
	struct os_terminal *t = malloc(sizeof(*t));
	pid_t owner = tcgetpgrp(STDIN_FILENO);
	struct termios changed;

	signal(SIGTTIN, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	if (t && (owner < 0 || owner == getpgrp()) && tcgetattr(STDIN_FILENO, &t->before) == 0) {
		changed = t->before;
		t->when = how == OS_HIDDEN ? TCSAFLUSH : TCSANOW;
		changed.c_lflag &= ~(tcflag_t)(how == OS_HIDDEN ? ECHO : ICANON | ECHO);
		if (how == OS_HIDDEN)
			changed.c_lflag |= ICANON;
		else
			changed.c_cc[VMIN] = 1, changed.c_cc[VTIME] = 0;
		if (tcsetattr(STDIN_FILENO, t->when, &changed) == 0)
			return t;
	}
	free(t);
	return NULL;
}

void os_terminal_give_back(struct os_terminal *t)
{
	if (t)
		tcsetattr(STDIN_FILENO, t->when, &t->before);
	free(t);
}
