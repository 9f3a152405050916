#include "os/socket.h"

#include <mstcpip.h>

#include "os/loop.h"
#include "os/win32_impl.h"

/* Declared by the headers, and in no library of some compilers. */
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

int os_socket_error(void)
{
	return win32_socket_errno(WSAGetLastError());
}

static int ours_alone(SOCKET s)
{
	if (s == INVALID_SOCKET)
		return -1;
	SetHandleInformation((HANDLE)s, HANDLE_FLAG_INHERIT, 0);
	return (int)s;
}

int os_socket(int family, int type, int protocol)
{
	return ours_alone(socket(family, type, protocol));
}

int os_socket_accept(int listener)
{
	return ours_alone(accept((SOCKET)listener, NULL, NULL));
}

int os_socket_dup(int fd)
{
	WSAPROTOCOL_INFOW i;

	if (WSADuplicateSocketW((SOCKET)fd, GetCurrentProcessId(), &i) != 0)
		return -1;
	return ours_alone(WSASocketW(FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, FROM_PROTOCOL_INFO, &i,
		0, WSA_FLAG_OVERLAPPED));
}

void os_socket_close(int fd)
{
	if (fd >= 0)
		closesocket((SOCKET)fd);
}

bool os_socket_set_blocking(int fd, bool blocking)
{
	u_long off = !blocking;

	return ioctlsocket((SOCKET)fd, (long)FIONBIO, &off) == 0;
}

/* What SO_REUSEADDR gives elsewhere is the rule here; the option of that name would share the port with anybody. */
bool os_socket_own_port(int fd)
{
	const int on = 1;

	return setsockopt((SOCKET)fd, SOL_SOCKET, SO_EXCLUSIVEADDRUSE, (const char *)&on,
		       sizeof(on)) == 0;
}

int64_t os_socket_send(int fd, const void *p, size_t n)
{
	return send((SOCKET)fd, p, n > INT32_MAX ? INT32_MAX : (int)n, 0);
}

/* ---- TCP ---- */

/* Of later headers. */
#define KEEP_COUNT 16
#define MAXIMUM_RETRANSMITS_S 5 /* TCP_MAXRT */

/* The number of probes can be chosen since Windows 10; it is ten else. */
void os_tcp_probe(int fd, int idle_s, int every_s, int count)
{
	struct tcp_keepalive k = { 1, (ULONG)idle_s * 1000, (ULONG)every_s * 1000 };
	DWORD n;

	(void)WSAIoctl((SOCKET)fd, SIO_KEEPALIVE_VALS, &k, sizeof(k), NULL, 0, &n, NULL, NULL);
	(void)setsockopt((SOCKET)fd, IPPROTO_TCP, KEEP_COUNT, (const char *)&count, sizeof(count));
}

void os_tcp_give_up_after(int fd, int s)
{
	(void)setsockopt(
		(SOCKET)fd, IPPROTO_TCP, MAXIMUM_RETRANSMITS_S, (const char *)&s, sizeof(s));
}

/* The system tells what waits for an acknowledgement, but not since when. */
bool os_tcp_look(int fd, int64_t *owed_ms, int64_t *heard_ms, uint64_t *written)
{
	(void)fd, (void)owed_ms, (void)heard_ms, (void)written;
	return false;
}
