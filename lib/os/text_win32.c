#include "os/win32_impl.h"

#include <errno.h>
#include <io.h>
#include <stdlib.h>

#include "os/file.h"
#include "os/socket.h"

/* ---- errors ---- */

static int errno_of(DWORD error)
{
	switch (error) {
	case ERROR_FILE_NOT_FOUND:
	case ERROR_PATH_NOT_FOUND:
	case ERROR_INVALID_NAME:
	case ERROR_BAD_PATHNAME:
	case ERROR_INVALID_DRIVE:
	case ERROR_BAD_NETPATH:
	case ERROR_BAD_NET_NAME:
	case ERROR_NOT_READY:
		return ENOENT;
	case ERROR_DIRECTORY:
		return ENOTDIR;
	case ERROR_ACCESS_DENIED:
	case ERROR_SHARING_VIOLATION:
	case ERROR_NETWORK_ACCESS_DENIED:
	case ERROR_CANT_ACCESS_FILE:
	case ERROR_DELETE_PENDING:
		return EACCES;
	case ERROR_PRIVILEGE_NOT_HELD:
	case ERROR_INVALID_OWNER:
		return EPERM;
	case ERROR_LOCK_VIOLATION:
	case ERROR_IO_PENDING:
		return EWOULDBLOCK;
	case ERROR_FILE_EXISTS:
	case ERROR_ALREADY_EXISTS:
		return EEXIST;
	case ERROR_TOO_MANY_OPEN_FILES:
		return EMFILE;
	case ERROR_NOT_ENOUGH_MEMORY:
	case ERROR_OUTOFMEMORY:
	case ERROR_COMMITMENT_LIMIT:
	case ERROR_NO_SYSTEM_RESOURCES:
		return ENOMEM;
	case ERROR_DISK_FULL:
	case ERROR_HANDLE_DISK_FULL:
		return ENOSPC;
	case ERROR_WRITE_PROTECT:
		return EROFS;
	case ERROR_BROKEN_PIPE:
	case ERROR_NO_DATA:
	case ERROR_PIPE_NOT_CONNECTED:
		return EPIPE;
	case ERROR_INVALID_HANDLE:
		return EBADF;
	case ERROR_NOT_SAME_DEVICE:
		return EXDEV;
	case ERROR_FILENAME_EXCED_RANGE:
	case ERROR_BUFFER_OVERFLOW:
		return ENAMETOOLONG;
	case ERROR_NOT_SUPPORTED:
	case ERROR_INVALID_FUNCTION:
	case ERROR_CALL_NOT_IMPLEMENTED:
		return ENOTSUP;
	case ERROR_CANT_RESOLVE_FILENAME:
		return ELOOP;
	case ERROR_BAD_EXE_FORMAT:
		return ENOEXEC;
	case ERROR_INVALID_PARAMETER:
		return EINVAL;
	default:
		return EIO;
	}
}

bool win32_fail(DWORD error)
{
	errno = errno_of(error);
	return false;
}

bool win32_failed(void)
{
	return win32_fail(GetLastError());
}

int win32_socket_errno(int error)
{
	static const struct {
		int theirs, ours;
	} known[] = { { WSAEWOULDBLOCK, EAGAIN }, { WSAEINTR, EAGAIN },
		{ WSAEINPROGRESS, EINPROGRESS }, { WSAEALREADY, EALREADY },
		{ WSAENOTSOCK, ENOTSOCK }, { WSAEBADF, EBADF }, { WSAEACCES, EACCES },
		{ WSAEFAULT, EFAULT }, { WSAEINVAL, EINVAL }, { WSAEMFILE, EMFILE },
		{ WSAEMSGSIZE, EMSGSIZE }, { WSAENOPROTOOPT, ENOPROTOOPT },
		{ WSAEPROTONOSUPPORT, EPROTONOSUPPORT }, { WSAEOPNOTSUPP, EOPNOTSUPP },
		{ WSAEAFNOSUPPORT, EAFNOSUPPORT }, { WSAEADDRINUSE, EADDRINUSE },
		{ WSAEADDRNOTAVAIL, EADDRNOTAVAIL }, { WSAENETDOWN, ENETDOWN },
		{ WSAENETUNREACH, ENETUNREACH }, { WSAENETRESET, ENETRESET },
		{ WSAECONNABORTED, ECONNABORTED }, { WSAECONNRESET, ECONNRESET },
		{ WSAENOBUFS, ENOBUFS }, { WSAEISCONN, EISCONN }, { WSAENOTCONN, ENOTCONN },
		{ WSAESHUTDOWN, EPIPE }, { WSAETIMEDOUT, ETIMEDOUT },
		{ WSAECONNREFUSED, ECONNREFUSED }, { WSAEHOSTUNREACH, EHOSTUNREACH },
		{ WSA_NOT_ENOUGH_MEMORY, ENOMEM } };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].theirs == error)
			return known[i].ours;
	return EIO;
}

/* ---- texts ---- */

wchar_t *win32_wide(const char *text)
{
	int n = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
	wchar_t *wide = n > 0 ? malloc((size_t)n * sizeof(*wide)) : NULL;

	if (wide)
		MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, n);
	else
		errno = n > 0 ? ENOMEM : EILSEQ;
	return wide;
}

char *win32_narrow(const wchar_t *text)
{
	int n = WideCharToMultiByte(CP_UTF8, 0, text, -1, NULL, 0, NULL, NULL);
	char *narrow = n > 0 ? malloc((size_t)n) : NULL;

	if (narrow)
		WideCharToMultiByte(CP_UTF8, 0, text, -1, narrow, n, NULL, NULL);
	else
		errno = n > 0 ? ENOMEM : EILSEQ;
	return narrow;
}

char *win32_narrow_path(const wchar_t *text)
{
	char *path = win32_narrow(text);

	for (char *p = path; p && *p; p++)
		if (*p == '\\')
			*p = '/';
	return path;
}

/* ---- descriptors ---- */

HANDLE win32_handle(int fd)
{
	HANDLE h = fd < 0 ? INVALID_HANDLE_VALUE : (HANDLE)_get_osfhandle(fd);

	if (h == (HANDLE)-2) /* the C library's word for a standard descriptor without a file */
		h = INVALID_HANDLE_VALUE;
	if (h == INVALID_HANDLE_VALUE)
		errno = EBADF;
	return h;
}

/* Handles are multiples of four, so no socket has the number of a standard descriptor. */
bool win32_is_socket(int fd, SOCKET *out)
{
	int type, n = sizeof(type);

	if (fd < 0)
		return false;
	*out = fd > 2 ? (SOCKET)fd : (SOCKET)win32_handle(fd);
	return fd > 2 || (*out != INVALID_SOCKET &&
				 getsockopt(*out, SOL_SOCKET, SO_TYPE, (char *)&type, &n) == 0);
}

static SOCKET plain_socket(void)
{
	/* Not overlapped: programs that are started read and write it as a file. */
	return WSASocketW(AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0, WSA_FLAG_NO_HANDLE_INHERIT);
}

static bool same_end(SOCKET a, SOCKET b)
{
	struct sockaddr_in x = { 0 }, y = { 0 };
	int n = sizeof(x), m = sizeof(y);

	return getsockname(a, (struct sockaddr *)&x, &n) == 0 &&
	       getpeername(b, (struct sockaddr *)&y, &m) == 0 && x.sin_port == y.sin_port &&
	       x.sin_addr.s_addr == y.sin_addr.s_addr;
}

/* Another process may connect to the port in the moment that it listens: it is sent away. */
static SOCKET accept_from(SOCKET listener, SOCKET other)
{
	SOCKET s;

	while ((s = accept(listener, NULL, NULL)) != INVALID_SOCKET && !same_end(other, s))
		closesocket(s);
	if (s != INVALID_SOCKET)
		SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
	return s;
}

bool win32_pair(int ends[2])
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	SOCKET listener = plain_socket(), x = plain_socket(), y = INVALID_SOCKET;
	int n = sizeof(a), on = 1, error;

	if (listener != INVALID_SOCKET && x != INVALID_SOCKET &&
		setsockopt(listener, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (char *)&on, sizeof(on)) ==
			0 &&
		bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 8) == 0 &&
		getsockname(listener, (struct sockaddr *)&a, &n) == 0 &&
		connect(x, (struct sockaddr *)&a, sizeof(a)) == 0)
		y = accept_from(listener, x);
	error = WSAGetLastError();
	closesocket(listener);
	if (y == INVALID_SOCKET) {
		closesocket(x);
		errno = win32_socket_errno(error);
		return false;
	}
	setsockopt(x, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof(on));
	setsockopt(y, IPPROTO_TCP, TCP_NODELAY, (char *)&on, sizeof(on));
	ends[0] = (int)y;
	ends[1] = (int)x;
	return true;
}
