#include "os/terminal.h"

#include <io.h>
#include <stdlib.h>

#include "os/win32_impl.h"

#ifndef ENABLE_VIRTUAL_TERMINAL_PROCESSING
#define ENABLE_VIRTUAL_TERMINAL_PROCESSING 4
#endif

static bool console_mode(FILE *f, DWORD *mode)
{
	return GetConsoleMode(win32_handle(_fileno(f)), mode);
}

bool os_is_terminal(FILE *f)
{
	DWORD mode;

	return console_mode(f, &mode);
}

unsigned os_terminal_width(FILE *f)
{
	CONSOLE_SCREEN_BUFFER_INFO i;

	return GetConsoleScreenBufferInfo(win32_handle(_fileno(f)), &i)
		       ? (unsigned)(i.srWindow.Right - i.srWindow.Left + 1)
		       : 0;
}

bool os_terminal_obeys(FILE *f)
{
	DWORD mode;

	if (!console_mode(f, &mode))
		return false;
	return mode & ENABLE_VIRTUAL_TERMINAL_PROCESSING ||
	       SetConsoleMode(win32_handle(_fileno(f)), mode | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

struct os_terminal {
	HANDLE console;
	DWORD before;
};

struct os_terminal *os_terminal_take(enum os_typing how)
{
	struct os_terminal *t = malloc(sizeof(*t));
	DWORD changed;

	if (t && (t->console = win32_handle(0)) != INVALID_HANDLE_VALUE &&
		GetConsoleMode(t->console, &t->before)) {
		changed = t->before & ~(DWORD)ENABLE_ECHO_INPUT;
		if (how == OS_HIDDEN)
			changed |= ENABLE_LINE_INPUT;
		else
			changed &= ~(DWORD)ENABLE_LINE_INPUT;
		if (how == OS_HIDDEN)
			FlushConsoleInputBuffer(t->console);
		if (SetConsoleMode(t->console, changed | ENABLE_PROCESSED_INPUT))
			return t;
	}
	free(t);
	return NULL;
}

void os_terminal_give_back(struct os_terminal *t)
{
	if (t)
		SetConsoleMode(t->console, t->before);
	free(t);
}
