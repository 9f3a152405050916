/*
 * TCP connections whose other end may go without a word: a laptop slept, a NAT
 * forgot, the way changed (RFC 1122 section 4.2.3.6, RFC 5482). What the kernel is
 * told to do about it, and what it knows (os/socket.h); where a system knows less,
 * less is noticed, later.
 */
#ifndef MPMCP_TCP_H
#define MPMCP_TCP_H

#include <stdbool.h>
#include <stdint.h>

#include "os/socket.h"

/* The kernel gives a connection up when what was sent stays without an acknowledgement for 15 s, or when
 * three probes of a silent one do, which begin after 15 s, one every 5 s. */
void tcp_guard(int fd);

/* An answer is awaited: probes of a silent one begin after 6 s, one every 3 s; or as before. */
void tcp_await(int fd, bool awaited);

struct tcp_look {
	int64_t owed_ms; /* since the last acknowledgement, which may be older than what is under way to
			   * the other end; -1: nothing is */
	int64_t heard_ms; /* since the last piece of data */
	uint64_t written; /* bytes, so far */
};
/* What is known of a connection that stands; false: nothing. */
bool tcp_look(int fd, struct tcp_look *out) __attribute__((warn_unused_result));

/* Whoever uses it sees its end; what was not sent yet never will be. */
void tcp_break(int fd);

/* The addresses of a connection. */
struct tcp_ends {
	struct sockaddr_storage here, there;
	socklen_t n; /* 0: not known */
};
void tcp_ends(int fd, struct tcp_ends *out);
int tcp_port(const struct sockaddr_storage *s); /* 0: none */
bool tcp_is_loopback(const struct tcp_ends *e);

/* How the kernel would reach the other end now. No packet is sent. */
enum tcp_way {
	TCP_AS_BEFORE,
	TCP_OTHERWISE, /* from another address, or not at all: connections may still live or live again */
	TCP_CUT,       /* from another address, and the old one is no longer one of this host */
};
enum tcp_way tcp_way(const struct tcp_ends *e);

/* A descriptor that can be read when addresses or routes of this host may have changed; -1: there is no
 * such thing here. tcp_drain() before it is waited for again. */
int tcp_changes(void);
void tcp_drain(int fd);

#endif
