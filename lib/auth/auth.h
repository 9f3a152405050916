/*
 * All that lib/mcp sees of authentication: the value of the Authorization
 * field, now or later, and somebody to tell of a refusal. Three sources stand
 * behind it: a header given by the person, a service account, OAuth.
 */
#ifndef MPMCP_AUTH_H
#define MPMCP_AUTH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "net/loop.h"

struct auth;

enum auth_state {
	AUTH_READY,  /* go on: take the value (again) */
	AUTH_WAIT,   /* the waiter is called later */
	AUTH_FAILED, /* e says why and what to do; kind ERR_AUTH, ERR_FORBIDDEN, ... */
};

/*
 * Somebody who waits for a value. Embedded by the caller, zeroed at first; fn is called once, from
 * the loop, never from inside auth_value() or auth_challenged(). With AUTH_READY the waiter calls
 * auth_value() again.
 */
struct auth_waiter {
	void (*fn)(void *ctx, enum auth_state state, const struct err *e);
	void *ctx;
	struct auth *auth; /* set while waiting */
	struct auth_waiter *prev, *next;
};
void auth_unwait(struct auth_waiter *w); /* fine when not waiting */

/* What the next request is to carry. */
struct auth_value {
	const char *
		field; /* value of Authorization, borrowed until the loop runs again; NULL: send none */
	unsigned long gen; /* names this value; to be given back to auth_challenged() */
};

/* AUTH_READY fills v. w may be NULL: then AUTH_WAIT is never started, and AUTH_FAILED says that
 * nothing is available. */
enum auth_state auth_value(struct auth *a, struct auth_value *v, struct auth_waiter *w,
	struct err *e) __attribute__((warn_unused_result));

/*
 * A 401, or a 403 with a challenge. gen: the value that was refused; challenges: the
 * WWW-Authenticate fields, in order; tries: how often this request was challenged before (a source
 * gives up when that makes no sense any more). AUTH_READY: another value is already available, send
 * again.
 */
struct auth_refusal {
	unsigned long gen;
	long status;
	const char *const *challenges;
	size_t nchallenges;
	const char *words; /* the service's own short text, cleaned; "" when none */
	unsigned tries;
};
enum auth_state auth_challenged(struct auth *a, const struct auth_refusal *r, struct auth_waiter *w,
	struct err *e) __attribute__((warn_unused_result));

/* Those who wait, wait for a person: the command by which one can sign in; borrowed. NULL when it is
 * something else, or nothing. *act: what else that person can do, "open URL and type the code CODE", where no
 * page opens by itself; NULL where one does. */
const char *auth_awaits_person(struct auth *a, const char **act)
	__attribute__((warn_unused_result));
/* task is queued whenever that begins; NULL: no more. */
void auth_on_person(struct auth *a, struct loop_task *task);

/* The value was accepted: for sources that keep statistics or dates. Cheap; called per answer. */
void auth_accepted(struct auth *a, unsigned long gen);

/*
 * A word about the server, kept with the sign-in: lib/mcp notes there what it had to find out. NULL
 * when there is none, when it is older than a day, or when the source keeps nothing. Remembering never
 * waits and may fail in silence: it only saves time.
 */
const char *auth_recall(struct auth *a) __attribute__((warn_unused_result)); /* borrowed */
void auth_remember(struct auth *a, const char *word);

void auth_free(struct auth *a); /* waiters are forgotten, not called; NULL is fine */

/* ---- sources ---- */

/* A value that never changes; `what` names it in messages ("the --header option", "the service
 * account in MIXPANEL_SA_TOKEN"); hint says what to do when it is refused. All copied. A NULL value
 * sends no Authorization at all. */
struct auth *auth_new_fixed(const char *value, const char *what, const char *hint);

/* The interface a source implements; the first member of its own struct. */
struct auth_source {
	enum auth_state (*value)(
		struct auth *a, struct auth_value *v, struct auth_waiter *w, struct err *e);
	enum auth_state (*challenged)(
		struct auth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e);
	void (*accepted)(struct auth *a, unsigned long gen);            /* may be NULL */
	const char *(*awaits_person)(struct auth *a, const char **act); /* may be NULL */
	const char *(*recall)(struct auth *a);                          /* may be NULL */
	void (*remember)(struct auth *a, const char *word);             /* may be NULL */
	void (*free)(struct auth *a);
};
struct auth {
	const struct auth_source *source;
	struct loop_task *person;    /* see auth_on_person() */
	struct auth_waiter *waiters; /* doubly linked */
};
/* For sources: puts w on the list; calls and forgets all that wait now. */
void auth_wait(struct auth *a, struct auth_waiter *w);
void auth_wake(struct auth *a, enum auth_state state, const struct err *e);

#endif
