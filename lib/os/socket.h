/*
 * Sockets as the system has them: its headers, and what it says of a TCP
 * connection beyond the standard calls. socket(), bind(), recv() and the like are
 * used as they are, with os_socket_error() in place of errno.
 */
#ifndef MPMCP_OS_SOCKET_H
#define MPMCP_OS_SOCKET_H

#ifdef _WIN32
#include <winsock2.h>
#include <ws2tcpip.h>
#define OS_SHUT_BOTH SD_BOTH
#define OS_SHUT_WRITE SD_SEND
#else
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#define OS_SHUT_BOTH SHUT_RDWR
#define OS_SHUT_WRITE SHUT_WR
#endif

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the last call that failed, as errno has it: EAGAIN, EADDRINUSE, EMFILE, ... */
int os_socket_error(void);

/* As socket() and accept(); no program that is started gets it. -1 on failure. */
int os_socket(int family, int type, int protocol) __attribute__((warn_unused_result));
int os_socket_accept(int listener) __attribute__((warn_unused_result));
/* The same socket once more: who closes one of them still has the other. */
int os_socket_dup(int fd) __attribute__((warn_unused_result));
void os_socket_close(int fd); /* negative: nothing */
bool os_socket_set_blocking(int fd, bool blocking) __attribute__((warn_unused_result));

/* Before bind(): a port that we had a moment ago can be had again, and none that somebody else has. */
bool os_socket_own_port(int fd) __attribute__((warn_unused_result));

/* As send(), and no signal when the other end is gone. */
int64_t os_socket_send(int fd, const void *p, size_t n) __attribute__((warn_unused_result));

/*
 * TCP. What the system does not know is left out: less is noticed then, or later.
 *
 * Probes of a silent connection: the first after idle_s, then one every every_s, `count` of them; and how long what
 * was sent may stay without an acknowledgement.
 */
void os_tcp_probe(int fd, int idle_s, int every_s, int count);
void os_tcp_give_up_after(int fd, int s);
/* What is known of a connection that stands, all in tcp_look's terms (net/tcp.h); false: nothing. */
bool os_tcp_look(int fd, int64_t *owed_ms, int64_t *heard_ms, uint64_t *written);

#endif
