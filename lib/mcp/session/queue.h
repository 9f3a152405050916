/*
 * Where messages stand on their way to the server: three lists, what they
 * amount to, and when no further input is read because of that. A message is in
 * one of them or in none; a list holds messages of one session.
 */
#ifndef MPMCP_QUEUE_H
#define MPMCP_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct queue;
struct session;
struct outgoing;

enum place {
	PLACE_NONE,
	PLACE_QUEUED, /* waits to be sent */
	PLACE_ACTIVE, /* an exchange is under way */
	PLACE_PARKED, /* waits for something else: an answer of the client, another message */
};

/* The time that p waited for has come. */
typedef void queue_due_fn(struct outgoing *p);

void queue_init(struct session *s);
void queue_clear(struct queue *q);
void queue_drop_all(struct queue *q);
bool queue_is_empty(
	const struct queue *q); /* a stream that stays open behind its answer is no work */

void queue_add(struct outgoing *p, bool first); /* to wait; from wherever it stands but active */
void queue_park(struct outgoing *p);            /* from wherever it stands; ends its exchange */
void queue_unlist(struct outgoing *p);          /* the same, into no list */
void queue_activate(struct outgoing *p);        /* an exchange begins */
void queue_count(struct outgoing *p);           /* active, and somebody waits for it (again) */
void queue_uncount(struct outgoing *p);         /* in flight no more: another one may start */

/* Whoever waits for `before` waits for `next` instead; NULL: stays as it is. */
void queue_hold(struct outgoing *before, struct outgoing *next);
/* p is parked until `first` is answered. */
void queue_park_behind(struct outgoing *p, struct outgoing *first);
void queue_release(struct outgoing *p); /* p goes: whoever waits for it is sent */
/* p is queued or parked; fn is called after ms, unless it went elsewhere before. */
void queue_wait(struct outgoing *p, int64_t ms, queue_due_fn *fn);

/* All that stand in a place, one after the other; NULL at the end. Take the next one before p moves. */
struct outgoing *queue_first(const struct session *s, enum place place);
struct outgoing *queue_next(const struct outgoing *p);
enum place queue_place(const struct outgoing *p);

void queue_pump(struct session *s); /* sends what may be sent, soon */
void queue_check_input(struct session *s);

#endif
