/*
 * What the loop waits for: descriptors, signals, the end of the process that
 * started us, changes of the network. The loop itself is net/loop.h.
 *
 * Descriptors to wait for are streams: sockets, the ends of os_pipe(), and
 * standard descriptors that os_stream_open() has taken. They are used with
 * os_receive() and os_send() (sockets: os/socket.h), not with os_read(), since
 * not every system can wait for a file. Functions that fail return -1 or
 * false and set errno to what POSIX has for it; EAGAIN: nothing now.
 */
#ifndef MPMCP_OS_LOOP_H
#define MPMCP_OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "os/file.h"

/* ---- waiting ---- */

/* What to wait for, and what happened; the last three need not be asked for. */
enum { OS_CAN_READ = 1, OS_CAN_WRITE = 4, OS_FAILED = 8, OS_HUNG_UP = 16, OS_NOT_OPEN = 32 };

struct os_wait {
	int fd; /* negative: nothing is waited for */
	short want, got;
};

/* Until something happened to one of them: how many have something in `got`. 0: nothing did for so long; ms -1:
 * without end. -1 with EINTR, or ENOMEM or EAGAIN when the system is short of memory. */
int os_wait(struct os_wait *fds, size_t n, int ms) OS_MUST;

/* ---- streams ---- */

/* ends[0] is read from, ends[1] written to; both block, and no program that is started gets one. */
bool os_pipe(int ends[2]) OS_MUST;
void os_stream_close(int fd); /* an end of a pipe; negative: nothing */

/* How it is for everybody who holds it. before: how it was, or NULL. */
bool os_set_blocking(int fd, bool blocking, bool *before) OS_MUST;

/* Bytes received, at most n; 0 at the end. */
int64_t os_receive(int fd, void *p, size_t n) OS_MUST;

/* What it takes now of these parts; EPIPE or ECONNRESET: nobody reads any more. */
int64_t os_send(int fd, const struct os_part *parts, size_t count) OS_MUST;
/* All of it, to a stream that blocks. */
bool os_send_all(int fd, const void *p, size_t n) OS_MUST;

/*
 * One of the standard descriptors (0 to 2), or an end of a pipe, as a stream that does not block; what others
 * who hold it see is given back at the end. More of such a one than was read through the stream may be gone
 * then, where the system cannot wait for it otherwise.
 */
struct os_stream {
	int fd;       /* to wait for, and to use; -1: none */
	bool blocked; /* as it was */
	void *more;   /* the system's own */
};
/* TYPED: input that a person types, on a terminal that others write to meanwhile: it stays as it is, and is read
 * when something is there. */
enum os_stream_use { OS_STREAM_INPUT, OS_STREAM_TYPED, OS_STREAM_OUTPUT };
bool os_stream_open(int fd, enum os_stream_use use, struct os_stream *s) OS_MUST;
void os_stream_end(struct os_stream *s);

/* Why a write to this descriptor failed, when whoever tried has forgotten: EPIPE, nobody reads any more; else a line end is
 * tried, which adds nothing where it fails again. 0: it is taken now. */
int os_write_error(int fd);

/* To standard error, which others share: only what it takes at once, without a change that others would see.
 * Bytes written; -1: none. */
int64_t os_write_at_once(const void *p, size_t n) OS_MUST;

/* ---- signals ---- */

/* From the terminal, from the client, from the session that ends, from a child (where there are such). */
enum os_signal { OS_NO_SIGNAL, OS_INTERRUPT, OS_TERMINATE, OS_HANG_UP, OS_CHILD_ENDED, OS_SIGNALS };

/* A descriptor that can be read when one that is caught has come. One at a time in a process. */
int os_signals_open(void) OS_MUST;
bool os_signal_catch(enum os_signal s) OS_MUST;
/* Takes one that has come. */
enum os_signal os_signal_next(void);
/* Caught ones have no effect from now on, after os_signals_close() neither. */
void os_signals_ignore(void);
void os_signals_close(void); /* they do again what they did before */
/* Whoever started us wanted it so (nohup). */
bool os_signal_is_ignored(enum os_signal s);

/* Its number, for a status as shells count them. */
int os_signal_number(enum os_signal s);
/* Ends the process by the signal of that number, as if nobody had caught it; returns where that is no way to end. */
void os_end_by_signal(int number);

/* ---- who started us ---- */

/* A descriptor that can be read once that process has ended, until os_parent_end(). -1: with ESRCH it has already,
 * else it goes unnoticed. */
int os_parent_watch(void) OS_MUST;
void os_parent_end(int fd); /* negative: nothing */

/* ---- the network ---- */

/* A socket that can be read when addresses or routes of this host may have changed; -1: there is no such thing. */
int os_network_changes(void) OS_MUST;

#endif
