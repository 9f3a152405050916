/* For u_int and friends in the system's headers. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE

#include "net/tcp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h> /* knows more than <netinet/tcp.h> */
#else
#include <netinet/tcp.h>
#endif

#define UNACKNOWLEDGED_S 15

static void set(int fd, int level, int what, int value)
{
	/* One that the system does not know, or that is no TCP socket, is one of less use: no more. */
	(void)setsockopt(fd, level, what, &value, sizeof(value));
}

static void set_probes(int fd, int idle_s, int every_s)
{
	set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
	set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
#elif defined(TCP_KEEPALIVE) /* macOS */
	set(fd, IPPROTO_TCP, TCP_KEEPALIVE, idle_s);
#endif
#if defined(TCP_KEEPINTVL) && defined(TCP_KEEPCNT)
	set(fd, IPPROTO_TCP, TCP_KEEPINTVL, every_s);
	set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
#endif
	(void)idle_s, (void)every_s;
}

void tcp_guard(int fd)
{
#if defined(TCP_USER_TIMEOUT) /* Linux: it counts for probes, too */
	set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_S * 1000);
#elif defined(TCP_RXT_CONNDROPTIME) /* macOS */
	set(fd, IPPROTO_TCP, TCP_RXT_CONNDROPTIME, UNACKNOWLEDGED_S);
#endif
	tcp_await(fd, false);
}

void tcp_await(int fd, bool awaited)
{
	set_probes(fd, awaited ? 6 : 15, awaited ? 3 : 5);
}

bool tcp_look(int fd, struct tcp_look *out)
{
#ifdef __linux__
	struct tcp_info i = { 0 };
	socklen_t n = sizeof(i);

	/* 1: established. Before that it is the deadline for connecting that counts. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n) != 0 || i.tcpi_state != 1)
		return false;
	*out = (struct tcp_look){
		.owed_ms = i.tcpi_unacked ? (int64_t)i.tcpi_last_ack_recv : -1,
		.heard_ms = (int64_t)i.tcpi_last_data_recv,
		.written = i.tcpi_bytes_sent - i.tcpi_bytes_retrans + i.tcpi_notsent_bytes,
	};
	return true;
#else
	(void)fd, (void)out;
	return false;
#endif
}

void tcp_break(int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };

	/* Or the kernel would go on sending what nobody wants answered any more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)shutdown(fd, SHUT_RDWR);
}

/* ---- the way ---- */

void tcp_ends(int fd, struct tcp_ends *out)
{
	socklen_t here = sizeof(out->here), there = sizeof(out->there);

	*out = (struct tcp_ends){ 0 };
	if (getsockname(fd, (struct sockaddr *)&out->here, &here) == 0 &&
		getpeername(fd, (struct sockaddr *)&out->there, &there) == 0 && here == there &&
		(out->here.ss_family == AF_INET || out->here.ss_family == AF_INET6))
		out->n = here;
}

static const void *address(const struct sockaddr_storage *s, size_t *n)
{
	if (s->ss_family == AF_INET6) {
		*n = sizeof(struct in6_addr);
		return &((const struct sockaddr_in6 *)s)->sin6_addr;
	}
	*n = sizeof(struct in_addr);
	return &((const struct sockaddr_in *)s)->sin_addr;
}

int tcp_port(const struct sockaddr_storage *s)
{
	if (s->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)s)->sin6_port);
	return s->ss_family == AF_INET ? ntohs(((const struct sockaddr_in *)s)->sin_port) : 0;
}

bool tcp_is_loopback(const struct tcp_ends *e)
{
	size_t n;
	const unsigned char *p = address(&e->there, &n);

	if (n == sizeof(struct in_addr))
		return *p == 127;
	return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)&e->there)->sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&((const struct sockaddr_in6 *)&e->there)->sin6_addr) &&
		       p[12] == 127);
}

/* A socket for datagrams that is connected sends nothing; the kernel only looks for the way. */
static bool address_now(const struct tcp_ends *e, struct sockaddr_storage *now)
{
	int fd = socket(e->there.ss_family, SOCK_DGRAM, 0);
	socklen_t n = sizeof(*now);
	bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&e->there, e->n) == 0 &&
		    getsockname(fd, (struct sockaddr *)now, &n) == 0;

	if (fd >= 0)
		close(fd);
	return good;
}

static bool is_ours(const struct tcp_ends *e)
{
	struct sockaddr_storage here = e->here;
	int fd = socket(here.ss_family, SOCK_DGRAM, 0);
	bool ours;

	if (here.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&here)->sin6_port = 0;
	else
		((struct sockaddr_in *)&here)->sin_port = 0;
	ours = fd < 0 || bind(fd, (const struct sockaddr *)&here, e->n) == 0 ||
	       errno != EADDRNOTAVAIL;
	if (fd >= 0)
		close(fd);
	return ours;
}

enum tcp_way tcp_way(const struct tcp_ends *e)
{
	struct sockaddr_storage now;
	size_t n = 0;

	if (!e->n)
		return TCP_AS_BEFORE;
	if (!address_now(e, &now))
		return TCP_OTHERWISE;
	if (memcmp(address(&now, &n), address(&e->here, &n), n) == 0)
		return TCP_AS_BEFORE;
	return is_ours(e) ? TCP_OTHERWISE : TCP_CUT;
}

int tcp_changes(void)
{
#if defined(__linux__)
	struct sockaddr_nl all = { .nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_IFADDR |
			     RTMGRP_IPV6_ROUTE };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&all, sizeof(all)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
#elif defined(PF_ROUTE)
	int fd = socket(PF_ROUTE, SOCK_RAW, 0);

	if (fd >= 0) {
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		fcntl(fd, F_SETFL, O_NONBLOCK);
	}
	return fd;
#else
	return -1;
#endif
}

void tcp_drain(int fd)
{
	char junk[8192];

	/* Not what it says, only that it says something: what was lost (ENOBUFS) is no loss. */
	while (recv(fd, junk, sizeof(junk), 0) >= 0 || errno == ENOBUFS || errno == EINTR)
		;
}
