/*
 * Standard descriptors as streams. Nothing can wait for a pipe of somebody else, for a file or for a console, so a thread
 * reads or writes it, and a pair of sockets lies between that thread and the loop. The thread touches nothing else, and
 * nobody else touches the descriptor while it runs.
 */
#include <errno.h>
#include <io.h>
#include <process.h>
#include <stdlib.h>
#include <string.h>

#include "os/loop.h"
#include "os/socket.h"
#include "os/win32_impl.h"

#define PIECE 65536
#define TYPED 512 /* characters at once */

/* How long a thread that reads may take to notice that it is to end: it waits for the system alone. */
#define END_MS 2000

struct pump {
	HANDLE thread, file;
	SOCKET there; /* the thread's end */
	int here;     /* the loop's */
	LONG holders; /* thread and stream: who is last frees it */
	volatile LONG ending;
	bool output;
	wchar_t high; /* first half of a character outside the plane */
	bool by_line;
};

static void let_go(struct pump *p)
{
	if (InterlockedDecrement(&p->holders) > 0)
		return;
	closesocket(p->there);
	free(p);
}

static bool give(SOCKET s, const char *bytes, int n)
{
	int done;

	for (; n > 0; bytes += done, n -= done)
		if ((done = send(s, bytes, n, 0)) <= 0)
			return false;
	return true;
}

/* ---- input ---- */

/* A line ends with CR and LF, the key alone is CR; Ctrl-Z at the beginning of a line is the end of the input. */
static bool give_typed(struct pump *p, const wchar_t *typed, DWORD n)
{
	wchar_t wide[TYPED + 1];
	char text[(TYPED + 1) * 3];
	int count = 0, bytes;

	if (p->by_line && n > 0 && typed[0] == 0x1a)
		return false;
	if (p->high)
		wide[count++] = p->high;
	p->high = 0;
	for (DWORD i = 0; i < n; i++) {
		if (typed[i] == L'\r' && p->by_line)
			continue;
		wide[count++] = typed[i] == L'\r' ? L'\n' : typed[i];
	}
	if (count > 0 && wide[count - 1] >= 0xd800 && wide[count - 1] < 0xdc00)
		p->high = wide[--count];
	bytes = count ? WideCharToMultiByte(CP_UTF8, 0, wide, count, text, sizeof(text), NULL, NULL)
		      : 0;
	count = give(p->there, text, bytes);
	SecureZeroMemory(wide, sizeof(wide));
	SecureZeroMemory(text, sizeof(text));
	return count;
}

static void read_console(struct pump *p)
{
	wchar_t typed[TYPED];
	DWORD n = 0;

	while (!p->ending && ReadConsoleW(p->file, typed, TYPED, &n, NULL)) {
		if (n == 0 &&
			GetLastError() ==
				ERROR_OPERATION_ABORTED) /* by Ctrl-C, which is a signal, too */
			continue;
		if (!give_typed(p, typed, n))
			break;
	}
	SecureZeroMemory(typed, sizeof(typed));
}

static void read_file(struct pump *p)
{
	char *piece = malloc(PIECE);
	DWORD n = 0;

	while (piece && !p->ending && ReadFile(p->file, piece, PIECE, &n, NULL) && n > 0)
		if (!give(p->there, piece, (int)n))
			break;
	if (piece)
		SecureZeroMemory(piece, PIECE);
	free(piece);
}

/* ---- output ---- */

static bool put(HANDLE file, const char *bytes, DWORD n)
{
	DWORD done;

	for (; n > 0; bytes += done, n -= done)
		if (!WriteFile(file, bytes, n, &done, NULL) || done == 0)
			return false;
	return true;
}

static void write_file(struct pump *p)
{
	char *piece = malloc(PIECE);
	int n;

	while (piece && (n = recv(p->there, piece, PIECE, 0)) > 0)
		if (!put(p->file, piece, (DWORD)n))
			break;
	if (piece)
		SecureZeroMemory(piece, PIECE);
	free(piece);
}

static unsigned __stdcall run(void *ctx)
{
	struct pump *p = ctx;
	DWORD mode;

	if (p->output) {
		write_file(p);
	} else if (GetConsoleMode(p->file, &mode)) {
		p->by_line = mode & ENABLE_LINE_INPUT;
		read_console(p);
	} else {
		read_file(p);
	}
	/* The other end reads to the end, or learns that nobody takes what it writes. */
	shutdown(p->there, p->output ? SD_BOTH : SD_SEND);
	let_go(p);
	return 0;
}

/* ---- opening, ending ---- */

static struct pump *start(HANDLE file, bool output)
{
	struct pump *p = calloc(1, sizeof(*p));
	int ends[2];

	if (!p || !win32_pair(ends)) {
		free(p);
		return NULL;
	}
	*p = (struct pump){ .file = file,
		.there = (SOCKET)ends[output ? 0 : 1],
		.here = ends[output ? 1 : 0],
		.holders = 2,
		.output = output };
	if (os_set_blocking(p->here, false, NULL) &&
		(p->thread = (HANDLE)_beginthreadex(NULL, 0, run, p, 0, NULL)))
		return p;
	closesocket(p->there);
	os_stream_close(p->here);
	free(p);
	errno = EAGAIN;
	return NULL;
}

bool os_stream_open(int fd, enum os_stream_use use, struct os_stream *s)
{
	HANDLE file;
	SOCKET socket;
	struct pump *p;

	*s = (struct os_stream){ .fd = -1 };
	if (win32_is_socket(fd, &socket)) {
		if (!os_set_blocking(fd, false, &s->blocked))
			return false;
		s->fd = fd;
		return true;
	}
	if ((file = win32_handle(fd)) == INVALID_HANDLE_VALUE ||
		!(p = start(file, use == OS_STREAM_OUTPUT)))
		return false;
	*s = (struct os_stream){ .fd = p->here, .more = p };
	return true;
}

/* What was written is still to go its way, however long who reads it takes. */
static void end_output(struct pump *p)
{
	shutdown((SOCKET)p->here, SD_SEND);
	WaitForSingleObject(p->thread, INFINITE);
}

/* Between two calls of the thread there is nothing to cancel, so until it has noticed. */
static void end_input(struct pump *p)
{
	DWORD until = GetTickCount() + END_MS;

	InterlockedExchange(&p->ending, 1);
	shutdown((SOCKET)p->here, SD_BOTH);
	while (WaitForSingleObject(p->thread, 10) == WAIT_TIMEOUT &&
		(int)(until - GetTickCount()) > 0)
		CancelSynchronousIo(p->thread);
}

void os_stream_end(struct os_stream *s)
{
	struct pump *p = s->more;

	if (s->fd >= 0 && !p && s->blocked && !os_set_blocking(s->fd, true, NULL))
		s->blocked = false; /* it is closed already */
	if (p) {
		if (p->output)
			end_output(p);
		else
			end_input(p);
		CloseHandle(p->thread);
		os_stream_close(p->here);
		let_go(p);
	}
	*s = (struct os_stream){ .fd = -1 };
}

/* ---- without a stream ---- */

int os_write_error(int fd)
{
	HANDLE h = win32_handle(fd);
	DWORD done;

	if (h == INVALID_HANDLE_VALUE)
		return EBADF;
	if (WriteFile(h, "\n", 1, &done, NULL))
		return 0;
	win32_failed();
	return errno;
}

/*
 * Nothing says how much a pipe of others takes at once, and a full one would hold up the whole session: a thread writes,
 * and what it has no room for is not taken.
 */
static struct {
	SRWLOCK lock;
	CONDITION_VARIABLE some, none;
	char bytes[PIECE];
	DWORD n;
	bool started, failed, busy;
} errors = {
	.lock = SRWLOCK_INIT, .some = CONDITION_VARIABLE_INIT, .none = CONDITION_VARIABLE_INIT
};

static unsigned __stdcall write_errors(void *ctx)
{
	static char piece[PIECE];
	HANDLE h = win32_handle(2);
	bool good = true;

	(void)ctx;
	while (good) {
		DWORD n;

		AcquireSRWLockExclusive(&errors.lock);
		errors.busy = false;
		WakeAllConditionVariable(&errors.none);
		while (errors.n == 0)
			SleepConditionVariableSRW(&errors.some, &errors.lock, INFINITE, 0);
		n = errors.n;
		memcpy(piece, errors.bytes, n);
		errors.n = 0;
		errors.busy = true;
		ReleaseSRWLockExclusive(&errors.lock);
		good = put(h, piece, n);
	}
	AcquireSRWLockExclusive(&errors.lock);
	errors.failed = true;
	errors.busy = false;
	WakeAllConditionVariable(&errors.none);
	ReleaseSRWLockExclusive(&errors.lock);
	return 0;
}

/* At the end of the program: what was taken is written, by a reader who is there within a moment. */
static void finish_errors(void)
{
	AcquireSRWLockExclusive(&errors.lock);
	while ((errors.n || errors.busy) && !errors.failed &&
		SleepConditionVariableSRW(&errors.none, &errors.lock, END_MS, 0))
		;
	ReleaseSRWLockExclusive(&errors.lock);
}

static bool start_errors(void)
{
	HANDLE thread = (HANDLE)_beginthreadex(NULL, 0, write_errors, NULL, 0, NULL);

	if (!thread)
		return false;
	CloseHandle(thread);
	atexit(finish_errors);
	return true;
}

int64_t os_write_at_once(const void *p, size_t n)
{
	HANDLE h = win32_handle(2);
	int64_t taken = -1;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (GetFileType(h) != FILE_TYPE_PIPE)
		return os_write(2, p, n) ? (int64_t)n : -1;
	AcquireSRWLockExclusive(&errors.lock);
	if (!errors.started)
		errors.started = start_errors();
	if (!errors.started || errors.failed) {
		errno = errors.failed ? EPIPE : EAGAIN;
	} else if (errors.n == PIECE) {
		errno = EAGAIN;
	} else {
		taken = (int64_t)(n < PIECE - errors.n ? n : PIECE - errors.n);
		memcpy(errors.bytes + errors.n, p, (size_t)taken);
		errors.n += (DWORD)taken;
		errors.busy = true;
		WakeConditionVariable(&errors.some);
	}
	ReleaseSRWLockExclusive(&errors.lock);
	return taken;
}
