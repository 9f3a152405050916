/*
 * The inside of the queue, for the parts of a session.
 */
#ifndef MPMCP_QUEUE_IMPL_H
#define MPMCP_QUEUE_IMPL_H

#include "mcp/session/queue.h"
#include "net/loop.h"

/* A message's own part. */
struct standing {
	struct outgoing *prev, *next;
	enum place place;
	bool counted;           /* in flight: not yet answered in full, or not yet taken */
	queue_due_fn *when_due; /* queued or parked: called at due_ms; NULL: nothing is */
	int64_t due_ms;
	struct outgoing *held_by; /* parked until that one is answered */
	bool late;                /* parked: its answer may still come on the GET stream */
	struct err *why;          /* late: what it is answered with when nothing comes */
};

struct outgoing_list {
	struct outgoing *first, *last;
};

struct queue {
	struct outgoing_list waiting, active, parked;
	struct outgoing *next; /* waits, and is looked at next: what is started may end it */
	size_t n, bytes;       /* of those that wait */
	size_t notes;          /* how many of them are owed nothing: notifications, responses */
	size_t in_flight;
	size_t own_answers; /* bytes of ours that were said since the client stopped reading */
	bool stopped;       /* no input is read */
	struct loop_task pump;
	struct loop_timer due; /* the first of those that wait for a time */
	struct loop_timer end; /* the input ended, and nothing is owed */
};

#endif
