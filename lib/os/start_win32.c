#include "os/start.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/process.h"
#include "os/win32_impl.h"

const char os_list_separator = ';';

/* A client that starts us with a closed descriptor would otherwise have some file of ours there. */
static bool open_standard(void)
{
	static const DWORD names[] = { STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE };

	for (int fd = 0; fd < 3; fd++) {
		int null;

		if (win32_handle(fd) == INVALID_HANDLE_VALUE) {
			null = _open("NUL", O_RDWR | O_BINARY | O_NOINHERIT);
			if (null < 0 || (null != fd && _dup2(null, fd) != 0))
				return false;
			if (null != fd)
				_close(null);
			SetStdHandle(names[fd], win32_handle(fd));
		}
		if (_setmode(fd, O_BINARY) < 0) /* bytes as they are: no CR, and no end at Ctrl-Z */
			return false;
	}
	return true;
}

/* How the console shows bytes belongs to everybody who uses it. */
static UINT shown_before;

static void show_as_before(void)
{
	SetConsoleOutputCP(shown_before);
}

static void show_utf8(void)
{
	shown_before = GetConsoleOutputCP();
	if (shown_before && shown_before != CP_UTF8 && SetConsoleOutputCP(CP_UTF8))
		atexit(show_as_before);
}

bool os_start(void)
{
	WSADATA sockets;

	if (WSAStartup(MAKEWORD(2, 2), &sockets) != 0) {
		errno = ENOTSUP;
		return false;
	}
	if (!open_standard())
		return false;
	setvbuf(stderr, NULL, _IONBF, 0); /* not every C library takes it for that */
	show_utf8();
	os_no_core();
	return true;
}

char *os_program_path(void)
{
	wchar_t path[32768];
	DWORD n = GetModuleFileNameW(NULL, path, sizeof(path) / sizeof(path[0]));

	return n > 0 && n < sizeof(path) / sizeof(path[0]) ? win32_narrow_path(path) : NULL;
}

const char *os_variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

bool os_is_absolute(const char *path)
{
	bool drive = ((*path >= 'a' && *path <= 'z') || (*path >= 'A' && *path <= 'Z')) &&
		     path[1] == ':';

	return drive || *path == '/' || *path == '\\';
}

static char *folder_in(const char *name)
{
	const char *v = os_variable(name);
	wchar_t *wide = v && os_is_absolute(v) ? win32_wide(v) : NULL;
	char *path = wide ? win32_narrow_path(wide) : NULL;

	free(wide);
	return path;
}

const char *os_home(void)
{
	static char *home; /* until the variable says something else */
	char *now = folder_in("USERPROFILE");

	if (home && now && strcmp(home, now) == 0) {
		free(now);
		return home;
	}
	free(home);
	return home = now;
}

char *os_settings_folder(void)
{
	return folder_in("APPDATA");
}

char *os_current_folder(void)
{
	DWORD n = GetCurrentDirectoryW(0, NULL);
	wchar_t *wide = n ? malloc(n * sizeof(*wide)) : NULL;
	char *path = wide && GetCurrentDirectoryW(n, wide) ? win32_narrow_path(wide) : NULL;

	free(wide);
	return path;
}

/* An empty one cannot be set here, and means the same as none to everybody. */
bool os_set_variable(const char *name, const char *value)
{
	return _putenv_s(name, value ? value : "") == 0;
}

char **os_variables(void)
{
	return _environ;
}
