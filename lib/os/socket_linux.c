/* For u_int and friends in the system's headers. */
#define _GNU_SOURCE
#include "os/socket.h"

#include <linux/tcp.h> /* knows more than <netinet/tcp.h> */

static void set(int fd, int level, int what, int value)
{
	/* One that the kernel does not know, or that is no TCP socket, is one of less use: no more. */
	(void)setsockopt(fd, level, what, &value, sizeof(value));
}

void os_tcp_probe(int fd, int idle_s, int every_s, int count)
{
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, count);
}

/* It counts for probes, too. */
void os_tcp_give_up_after(int fd, int s)
{
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, s * 1000);
}

bool os_tcp_look(int fd, int64_t *owed_ms, int64_t *heard_ms, uint64_t *written)
{
	struct tcp_info i = { 0 };
	socklen_t n = sizeof(i);

	/* 1: established. Before that it is the deadline for connecting that counts. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n) != 0 || i.tcpi_state != 1)
		return false;
	*owed_ms = i.tcpi_unacked ? (int64_t)i.tcpi_last_ack_recv : -1;
	*heard_ms = (int64_t)i.tcpi_last_data_recv;
	*written = i.tcpi_bytes_sent - i.tcpi_bytes_retrans + i.tcpi_notsent_bytes;
	return true;
}
