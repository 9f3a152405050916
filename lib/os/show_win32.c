/* Showing a page: a thread starts what is to be tried and sees how it ends, since the system itself may take seconds. */
#include <winsock2.h>

#include <windows.h>

#include <errno.h>
#include <objbase.h>
#include <process.h>
#include <shellapi.h>
#include <stdlib.h>
#include <string.h>

#include "os/loop.h"
#include "os/process.h"
#include "os/start.h"
#include "os/win32_impl.h"

const char *const os_default_browsers = "";

bool os_has_desktop(void)
{
	USEROBJECTFLAGS flags = { 0 };
	DWORD n;

	if (os_variable("SSH_CONNECTION") || os_variable("SSH_TTY"))
		return false;
	return GetUserObjectInformationW(
		       GetProcessWindowStation(), UOI_FLAGS, &flags, sizeof(flags), &n) &&
	       flags.dwFlags & WSF_VISIBLE;
}

/* A desktop's programs find it without variables. */
char **os_desktop_variables(void)
{
	return calloc(1, sizeof(char *));
}

void os_free_variables(char **v)
{
	for (char **p = v; p && *p; p++)
		free(*p);
	free(v);
}

/* What the thread reports, as one byte; nothing: a program runs, or ended well. */
enum { REPORT_MISSING = 'm', REPORT_FAILED = 'f' };

struct program {
	wchar_t *file, *line;
};

struct os_showing {
	int fd;
	SOCKET report;
	HANDLE enough; /* nobody asks any more */
	LONG holders;  /* the thread, and who looks at the result */
	wchar_t *address, *variables;
	struct program *programs;
	size_t n;
	DWORD fails_ms;
};

static void let_go(struct os_showing *s)
{
	if (InterlockedDecrement(&s->holders) > 0)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->programs[i].file);
		free(s->programs[i].line);
	}
	free(s->programs);
	free(s->address);
	free(s->variables);
	if (s->enough)
		CloseHandle(s->enough);
	if (s->report != INVALID_SOCKET)
		closesocket(s->report);
	free(s);
}

static bool show_itself(const struct os_showing *s)
{
	HRESULT ready = CoInitializeEx(NULL, COINIT_APARTMENTTHREADED | COINIT_DISABLE_OLE1DDE);
	SHELLEXECUTEINFOW what = { .cbSize = sizeof(what),
		.fMask = SEE_MASK_NOASYNC | SEE_MASK_FLAG_NO_UI,
		.lpVerb = L"open",
		.lpFile = s->address,
		.nShow = SW_SHOWNORMAL };
	BOOL done = ShellExecuteExW(&what);

	if (SUCCEEDED(ready))
		CoUninitialize();
	return done;
}

/* False when the program ended with a failure, *report says which. */
static bool run_one(const struct os_showing *s, const struct program *p, char *report)
{
	STARTUPINFOW start = { .cb = sizeof(start) };
	PROCESS_INFORMATION made;
	HANDLE either[2] = { NULL, s->enough };
	DWORD status = 0;

	if (!CreateProcessW(p->file, p->line, NULL, NULL, FALSE,
		    CREATE_UNICODE_ENVIRONMENT | CREATE_NEW_PROCESS_GROUP | CREATE_NO_WINDOW,
		    s->variables, NULL, &start, &made))
		return false;
	CloseHandle(made.hThread);
	either[0] = made.hProcess;
	if (WaitForMultipleObjects(2, either, FALSE, s->fails_ms) == WAIT_OBJECT_0)
		GetExitCodeProcess(made.hProcess, &status);
	CloseHandle(made.hProcess);
	if (status != 0)
		*report = REPORT_FAILED;
	return status == 0;
}

static unsigned __stdcall attend(void *ctx)
{
	struct os_showing *s = ctx;
	char report = s->n ? REPORT_MISSING : REPORT_FAILED;
	bool shown = !s->n && show_itself(s);

	for (size_t i = 0; i < s->n && !shown; i++)
		shown = run_one(s, &s->programs[i], &report);
	if (!shown)
		(void)send(s->report, &report, 1, 0);
	shutdown(s->report, SD_SEND);
	let_go(s);
	return 0;
}

/* All that the thread needs, made here: what was given is gone when it runs. A script's words would be a shell's. */
static bool prepare(
	struct os_showing *s, const char *address, char **const *programs, char *const *variables)
{
	size_t n = 0;

	while (programs && programs[n])
		n++;
	s->address = win32_wide(address);
	s->variables = win32_environment(variables ? variables : os_variables());
	s->programs = calloc(n + 1, sizeof(*s->programs));
	if (!s->address || !s->variables || !s->programs)
		return false;
	for (size_t i = 0; i < n; i++) {
		if (win32_is_script(programs[i][0]))
			continue;
		s->programs[s->n].file = win32_wide(programs[i][0]);
		s->programs[s->n].line = win32_command_line((const char *const *)programs[i]);
		s->n++;
		if (!s->programs[s->n - 1].file || !s->programs[s->n - 1].line)
			return false;
	}
	return true;
}

struct os_showing *os_show(
	const char *address, char **const *programs, char *const *variables, int fails_s)
{
	struct os_showing *s = calloc(1, sizeof(*s));
	int ends[2] = { -1, -1 }, error;
	HANDLE thread;

	if (!s)
		return NULL;
	s->report = INVALID_SOCKET;
	s->holders = 2;
	s->fails_ms = (DWORD)fails_s * 1000;
	if (!prepare(s, address, programs, variables) || !win32_pair(ends))
		goto fail;
	s->fd = ends[0];
	s->report = (SOCKET)ends[1];
	s->enough = CreateEventW(NULL, TRUE, FALSE, NULL);
	errno = EAGAIN;
	if (!s->enough || !os_set_blocking(s->fd, false, NULL) ||
		!(thread = (HANDLE)_beginthreadex(NULL, 0, attend, s, 0, NULL)))
		goto fail;
	CloseHandle(thread);
	return s;
fail:
	error = errno;
	os_stream_close(ends[0]);
	s->holders = 1;
	let_go(s);
	errno = error;
	return NULL;
}

int os_showing_fd(const struct os_showing *s)
{
	return s->fd;
}

enum os_shown os_showing_result(struct os_showing *s)
{
	char report = 0;
	int64_t n = os_receive(s->fd, &report, 1);

	if (n < 0 && errno == EAGAIN)
		return OS_SHOW_AGAIN;
	if (n != 1)
		return OS_SHOWN;
	return report == REPORT_FAILED ? OS_SHOW_FAILED : OS_SHOW_MISSING;
}

void os_showing_free(struct os_showing *s)
{
	if (!s)
		return;
	SetEvent(s->enough);
	os_stream_close(s->fd);
	let_go(s);
}
