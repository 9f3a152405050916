/* Signals of a console, the end of the parent, and changes of the network: the system calls back in threads of its own,
 * which write a byte into a pair of sockets. */
#include <winsock2.h>
#include <ws2tcpip.h>

#include <iphlpapi.h>
#include <netioapi.h>

#include <errno.h>
#include <stdlib.h>
#include <tlhelp32.h>

#include "os/loop.h"
#include "os/win32_impl.h"

/* ---- signals ---- */

/* As POSIX numbers them, for exit statuses. */
static const int numbers[OS_SIGNALS] = { [OS_NO_SIGNAL] = 0,
	[OS_INTERRUPT] = 2,
	[OS_TERMINATE] = 15,
	[OS_HANG_UP] = 1,
	[OS_CHILD_ENDED] = 17 };

static struct {
	int ends[2];
	bool open;
	volatile LONG caught[OS_SIGNALS], ignored;
} signals;

static enum os_signal signal_of(DWORD event)
{
	switch (event) {
	case CTRL_C_EVENT:
		return OS_INTERRUPT;
	case CTRL_BREAK_EVENT:
		return OS_TERMINATE;
	default:
		return OS_HANG_UP; /* the window is closed, the person logs off, the machine shuts down */
	}
}

static BOOL WINAPI on_event(DWORD event)
{
	enum os_signal s = signal_of(event);
	unsigned char b = (unsigned char)s;

	if (!signals.caught[s])
		return FALSE;
	if (!signals.ignored)
		(void)send((SOCKET)signals.ends[1], (const char *)&b, 1, 0);
	/* Returning would end the process at once: there are seconds to end it well. */
	if (s == OS_HANG_UP)
		Sleep(INFINITE);
	return TRUE;
}

int os_signals_open(void)
{
	if (!win32_pair(signals.ends))
		return -1;
	if (!os_set_blocking(signals.ends[0], false, NULL) ||
		!os_set_blocking(signals.ends[1], false, NULL) ||
		!SetConsoleCtrlHandler(on_event, TRUE)) {
		os_stream_close(signals.ends[0]);
		os_stream_close(signals.ends[1]);
		errno = EIO;
		return -1;
	}
	signals.open = true;
	signals.ignored = 0;
	return signals.ends[0];
}

bool os_signal_catch(enum os_signal s)
{
	/* Whoever started us may have it switched off for all that descend from it. */
	if (s == OS_INTERRUPT)
		SetConsoleCtrlHandler(NULL, FALSE);
	InterlockedExchange(&signals.caught[s], 1);
	return true;
}

enum os_signal os_signal_next(void)
{
	unsigned char b;

	return os_receive(signals.ends[0], &b, 1) == 1 && b < OS_SIGNALS ? (enum os_signal)b
									 : OS_NO_SIGNAL;
}

void os_signals_ignore(void)
{
	InterlockedExchange(&signals.ignored, 1);
}

/* Those that are ignored stay so: the handler stays, and has nowhere to write. */
void os_signals_close(void)
{
	if (!signals.open)
		return;
	if (!signals.ignored) {
		SetConsoleCtrlHandler(on_event, FALSE);
		for (int s = 0; s < OS_SIGNALS; s++)
			InterlockedExchange(&signals.caught[s], 0);
	}
	os_stream_close(signals.ends[0]);
	os_stream_close(signals.ends[1]);
	signals.open = false;
}

/* A console has no such wish that could be asked for. */
bool os_signal_is_ignored(enum os_signal s)
{
	(void)s;
	return false;
}

int os_signal_number(enum os_signal s)
{
	return numbers[s];
}

/* Processes end with a status here, and no other way: the caller's next step. */
void os_end_by_signal(int number)
{
	(void)number;
}

/* ---- who started us ---- */

static struct {
	int ends[2];
	HANDLE process, wait;
} parent;

static DWORD parent_number(void)
{
	HANDLE all = CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0);
	PROCESSENTRY32W p = { .dwSize = sizeof(p) };
	DWORD me = GetCurrentProcessId(), number = 0;
	BOOL more;

	if (all == INVALID_HANDLE_VALUE)
		return 0;
	for (more = Process32FirstW(all, &p); more && !number; more = Process32NextW(all, &p))
		number = p.th32ProcessID == me ? p.th32ParentProcessID : 0;
	CloseHandle(all);
	return number;
}

static ULONGLONG started(HANDLE process)
{
	FILETIME start = { 0 }, end, kernel, user;

	GetProcessTimes(process, &start, &end, &kernel, &user);
	return (ULONGLONG)start.dwHighDateTime << 32 | start.dwLowDateTime;
}

static void CALLBACK on_end(void *ctx, BOOLEAN timed_out)
{
	(void)ctx, (void)timed_out;
	(void)send((SOCKET)parent.ends[1], "e", 1, 0);
}

static int no_parent(int error)
{
	if (parent.process)
		CloseHandle(parent.process);
	parent.process = NULL;
	errno = error;
	return -1;
}

int os_parent_watch(void)
{
	DWORD number = parent_number();

	parent.process =
		number ? OpenProcess(SYNCHRONIZE | PROCESS_QUERY_LIMITED_INFORMATION, FALSE, number)
		       : NULL;
	/* A starter that starts and goes is usual here; who has its number now may be younger than we are. */
	if (!parent.process || started(parent.process) > started(GetCurrentProcess()))
		return no_parent(ENOTSUP);
	if (!win32_pair(parent.ends))
		return no_parent(errno);
	if (RegisterWaitForSingleObject(
		    &parent.wait, parent.process, on_end, NULL, INFINITE, WT_EXECUTEONLYONCE))
		return parent.ends[0];
	win32_failed();
	os_stream_close(parent.ends[0]);
	os_stream_close(parent.ends[1]);
	return no_parent(errno);
}

void os_parent_end(int fd)
{
	if (fd < 0 || !parent.process || fd != parent.ends[0])
		return;
	UnregisterWaitEx(parent.wait, INVALID_HANDLE_VALUE); /* until nobody calls back any more */
	CloseHandle(parent.process);
	parent.process = NULL;
	os_stream_close(parent.ends[0]);
	os_stream_close(parent.ends[1]);
}

/* ---- the network ---- */

/* The end to write to; the system's calls go on until the process ends, and others may have closed the other end. */
static volatile LONG network_fd = -1;

static void changed(void)
{
	LONG fd = network_fd;

	if (fd >= 0)
		(void)send((SOCKET)fd, "n", 1, 0);
}

static void WINAPI address_changed(
	void *ctx, MIB_UNICASTIPADDRESS_ROW *row, MIB_NOTIFICATION_TYPE how)
{
	(void)ctx, (void)row, (void)how;
	changed();
}

static void WINAPI route_changed(void *ctx, MIB_IPFORWARD_ROW2 *row, MIB_NOTIFICATION_TYPE how)
{
	(void)ctx, (void)row, (void)how;
	changed();
}

int os_network_changes(void)
{
	static bool asked;
	HANDLE addresses = NULL, routes = NULL;
	int ends[2];
	LONG old;

	if (!win32_pair(ends))
		return -1;
	if (!os_set_blocking(ends[0], false, NULL) || !os_set_blocking(ends[1], false, NULL))
		goto fail;
	old = InterlockedExchange(&network_fd, ends[1]);
	os_stream_close(old);
	if (!asked &&
		NotifyUnicastIpAddressChange(AF_UNSPEC, address_changed, NULL, FALSE, &addresses) !=
			NO_ERROR &&
		NotifyRouteChange2(AF_UNSPEC, route_changed, NULL, FALSE, &routes) != NO_ERROR) {
		InterlockedExchange(&network_fd, -1);
		goto fail;
	}
	asked = true;
	return ends[0];
fail:
	os_stream_close(ends[0]);
	os_stream_close(ends[1]);
	return -1;
}
