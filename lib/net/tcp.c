#include "net/tcp.h"

#include <errno.h>
#include <string.h>

#include "os/loop.h"

#define UNACKNOWLEDGED_S 15

#define PROBES 3

void tcp_guard(int fd)
{
	os_tcp_give_up_after(fd, UNACKNOWLEDGED_S);
	tcp_await(fd, false);
}

void tcp_await(int fd, bool awaited)
{
	os_tcp_probe(fd, awaited ? 6 : 15, awaited ? 3 : 5, PROBES);
}

bool tcp_look(int fd, struct tcp_look *out)
{
	return os_tcp_look(fd, &out->owed_ms, &out->heard_ms, &out->written);
}

void tcp_break(int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };

	/* Or the kernel would go on sending what nobody wants answered any more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, (const void *)&at_once, sizeof(at_once));
	(void)shutdown(fd, OS_SHUT_BOTH);
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
	int fd = os_socket(e->there.ss_family, SOCK_DGRAM, 0);
	socklen_t n = sizeof(*now);
	bool good = fd >= 0 && connect(fd, (const struct sockaddr *)&e->there, e->n) == 0 &&
		    getsockname(fd, (struct sockaddr *)now, &n) == 0;

	os_socket_close(fd);
	return good;
}

static bool is_ours(const struct tcp_ends *e)
{
	struct sockaddr_storage here = e->here;
	int fd = os_socket(here.ss_family, SOCK_DGRAM, 0);
	bool ours;

	if (here.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&here)->sin6_port = 0;
	else
		((struct sockaddr_in *)&here)->sin_port = 0;
	ours = fd < 0 || bind(fd, (const struct sockaddr *)&here, e->n) == 0 ||
	       os_socket_error() != EADDRNOTAVAIL;
	os_socket_close(fd);
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
	return os_network_changes();
}

void tcp_drain(int fd)
{
	char junk[8192];

	/* Not what it says, only that it says something: what was lost (ENOBUFS) is no loss. */
	while (recv(fd, junk, sizeof(junk), 0) >= 0 || os_socket_error() == ENOBUFS)
		;
}
