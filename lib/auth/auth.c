#include "auth/auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/secret.h"

/* ---- what all sources share ---- */

enum auth_state auth_value(struct auth *a, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	return a->source->value(a, v, w, e);
}

enum auth_state auth_challenged(struct auth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	return a->source->challenged(a, r, w, e);
}

void auth_accepted(struct auth *a, unsigned long gen)
{
	if (a->source->accepted)
		a->source->accepted(a, gen);
}

void auth_wait(struct auth *a, struct auth_waiter *w)
{
	auth_unwait(w);
	w->auth = a;
	w->prev = NULL;
	w->next = a->waiters;
	if (w->next)
		w->next->prev = w;
	a->waiters = w;
}

void auth_unwait(struct auth_waiter *w)
{
	if (!w->auth)
		return;
	if (w->prev)
		w->prev->next = w->next;
	else
		w->auth->waiters = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->auth = NULL;
	w->prev = w->next = NULL;
}

/* A waiter that is called may wait again or take others off the list, so those of now are moved to a
 * list of their own, oldest first. */
void auth_wake(struct auth *a, enum auth_state state, const struct err *e)
{
	struct auth round = { .waiters = NULL };

	while (a->waiters) {
		struct auth_waiter *w = a->waiters;

		auth_unwait(w);
		auth_wait(&round, w);
	}
	while (round.waiters) {
		struct auth_waiter *w = round.waiters;

		auth_unwait(w);
		w->fn(w->ctx, state, e);
	}
}

void auth_free(struct auth *a)
{
	if (!a)
		return;
	while (a->waiters)
		auth_unwait(a->waiters);
	a->source->free(a);
}

/* ---- a value that never changes ---- */

struct fixed {
	struct auth auth;
	struct secret value;
	char *what, *hint;
};

static enum auth_state fixed_value(struct auth *a, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	struct fixed *f = (struct fixed *)a;

	(void)w, (void)e;
	*v = (struct auth_value){ .field = secret_isset(&f->value) ? secret_str(&f->value) : NULL, .gen = 1 };
	return AUTH_READY;
}

static enum auth_state fixed_challenged(struct auth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	struct fixed *f = (struct fixed *)a;

	(void)w;
	err_set(e, r->status == 403 ? ERR_FORBIDDEN : ERR_AUTH, "the service refuses %s (HTTP %ld)%s%s. %s", f->what,
		r->status, *r->words ? ": " : "", r->words, f->hint);
	return AUTH_FAILED;
}

static void fixed_free(struct auth *a)
{
	struct fixed *f = (struct fixed *)a;

	secret_clear(&f->value);
	free(f->what);
	free(f->hint);
	free(f);
}

static const struct auth_source fixed_source = { .value = fixed_value, .challenged = fixed_challenged, .free = fixed_free };

struct auth *auth_new_fixed(const char *value, const char *what, const char *hint)
{
	struct fixed *f = mem_new(sizeof(*f));

	f->auth.source = &fixed_source;
	if (value)
		secret_set(&f->value, value, strlen(value));
	f->what = mem_dup(what);
	f->hint = mem_dup(hint);
	return &f->auth;
}
