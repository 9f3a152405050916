#include "auth/auth.h"

#include <stdlib.h>
#include <string.h>

#include "base/given.h"
#include "base/mem.h"
#include "base/secret.h"

/* ---- what all sources share ---- */

enum auth_state auth_value(
	struct auth *a, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	return a->source->value(a, v, w, e);
}

enum auth_state auth_challenged(
	struct auth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	return a->source->challenged(a, r, w, e);
}

void auth_accepted(struct auth *a, unsigned long gen)
{
	if (a->source->accepted)
		a->source->accepted(a, gen);
}

const char *auth_awaits_person(struct auth *a, const char **act)
{
	*act = NULL;
	return a->source->awaits_person ? a->source->awaits_person(a, act) : NULL;
}

void auth_on_person(struct auth *a, struct loop_task *task)
{
	a->person = task;
}

const char *auth_recall(struct auth *a)
{
	return a->source->recall ? a->source->recall(a) : NULL;
}

void auth_remember(struct auth *a, const char *word)
{
	if (a->source->remember)
		a->source->remember(a, word);
}

/* The first one's prev is the last, so that those who came first are called first. */
void auth_wait(struct auth *a, struct auth_waiter *w)
{
	auth_unwait(w);
	w->auth = a;
	w->next = NULL;
	if (a->waiters) {
		w->prev = a->waiters->prev;
		w->prev->next = w;
		a->waiters->prev = w;
	} else {
		w->prev = w;
		a->waiters = w;
	}
}

void auth_unwait(struct auth_waiter *w)
{
	struct auth *a = w->auth;

	if (!a)
		return;
	if (w->next)
		w->next->prev = w->prev;
	else
		a->waiters->prev = w->prev;
	if (a->waiters == w)
		a->waiters = w->next;
	else
		w->prev->next = w->next;
	w->auth = NULL;
	w->prev = w->next = NULL;
}

/*
 * Who is called may wait again, take others off the list, wake the rest or free a. A mark at the
 * end tells those of now from those to come; when it is off the list, somebody else did the work.
 */
void auth_wake(struct auth *a, enum auth_state state, const struct err *e)
{
	struct auth_waiter *mark = mem_new(sizeof(*mark));

	auth_wait(a, mark);
	while (mark->auth) {
		struct auth_waiter *w = a->waiters;

		auth_unwait(w);
		if (w->fn)
			w->fn(w->ctx, state, e);
	}
	free(mark);
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

static enum auth_state fixed_value(
	struct auth *a, struct auth_value *v, struct auth_waiter *w, struct err *e)
{
	struct fixed *f = (struct fixed *)a;

	(void)w, (void)e;
	*v = (struct auth_value){ .gen = 1 };
	if (secret_isset(&f->value))
		v->field = secret_str(&f->value);
	return AUTH_READY;
}

/* Final: nobody can change the value while we run. */
static enum auth_state fixed_challenged(
	struct auth *a, const struct auth_refusal *r, struct auth_waiter *w, struct err *e)
{
	struct fixed *f = (struct fixed *)a;

	(void)w;
	err_set(e, r->status == 403 ? ERR_FORBIDDEN : ERR_AUTH, "the service %s %s (HTTP %ld)%s%s",
		secret_isset(&f->value) ? "refuses" : "wants a credential and got", f->what,
		r->status, *r->words ? ": " : "", r->words);
	err_advise(e, REASON_NONE, "%s", f->hint);
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

static const struct auth_source fixed_source = {
	.value = fixed_value,
	.challenged = fixed_challenged,
	.free = fixed_free,
};

/* The credential behind its schemes is as secret as the whole; servers repeat it without them. */
static void hide_bare(const char *value)
{
	const char *blank = strrchr(value, ' ');

	if (blank)
		given_secret(blank + 1, strlen(blank + 1));
}

struct auth *auth_new_fixed(const char *value, const char *what, const char *hint)
{
	struct fixed *f = mem_new(sizeof(*f));

	f->auth.source = &fixed_source;
	if (value) {
		secret_set(&f->value, value, strlen(value));
		given_value(value, strlen(value));
		hide_bare(value);
	}
	f->what = mem_dup(what);
	f->hint = mem_dup(hint);
	return &f->auth;
}
