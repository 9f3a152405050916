/* Compiled for macOS, not run there by us. */
#define _DARWIN_C_SOURCE
#include "os/socket.h"

#include <netinet/tcp.h>

static void set(int fd, int level, int what, int value)
{
	/* One that the kernel does not know, or that is no TCP socket, is one of less use: no more. */
	(void)setsockopt(fd, level, what, &value, sizeof(value));
}

void os_tcp_probe(int fd, int idle_s, int every_s, int count)
{
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPALIVE, idle_s);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}

/* TCP_CONNECTIONTIMEOUT stays as it is: how long connecting may take is the person's choice. */
void os_tcp_give_up_after(int fd, int s)
{
	set(fd, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, s);
}

/* The system's TCP_CONNECTION_INFO has none of these ages. */
bool os_tcp_look(int fd, int64_t *owed_ms, int64_t *heard_ms, uint64_t *written)
{
	(void)fd, (void)owed_ms, (void)heard_ms, (void)written;
	return false;
}
