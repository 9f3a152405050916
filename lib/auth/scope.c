#include "auth/scope.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* What is offered, and as much again that was asked for or granted. */
#define SCOPES_MAX (2 * SCOPE_LIST_MAX)

bool scope_has(const char *list, const char *scope, size_t n)
{
	for (const char *p = list; p && *p;) {
		size_t m = strcspn(p, " ");

		if (m == n && memcmp(p, scope, n) == 0)
			return true;
		p += m + strspn(p + m, " ");
	}
	return false;
}

char *scope_union(const char *a, const char *b)
{
	struct buf out;

	buf_init(&out, SCOPES_MAX);
	for (int i = 0; i < 2; i++) {
		for (const char *p = i ? b : a; p && *p;) {
			size_t m = strcspn(p, " ");

			if (m && !scope_has(buf_str(&out), p, m) &&
				(!buf_adds(&out, out.len ? " " : "") || !buf_add(&out, p, m)))
				break;
			p += m + strspn(p + m, " ");
		}
	}
	return buf_take(&out, NULL);
}

char *scope_missing(const char *wanted, const char *held)
{
	struct buf out;
	char *text;

	buf_init(&out, SCOPES_MAX);
	for (const char *p = wanted; p && *p;) {
		size_t m = strcspn(p, " ");

		if (m && !scope_has(held, p, m) && !scope_has(buf_str(&out), p, m) &&
			(!buf_adds(&out, out.len ? " " : "") || !buf_add(&out, p, m)))
			break;
		p += m + strspn(p + m, " ");
	}
	text = out.len ? buf_take(&out, NULL) : NULL;
	buf_free(&out);
	return text;
}

/* In place of *scope. */
static void add(char **scope, const char *more)
{
	char *both = scope_union(*scope, more);

	free(*scope);
	*scope = both;
}

/* More than is held: what is held must not get lost by it. Who asked for none was given what the server
 * then said; who knows nothing of that asks for all that is offered. */
static char *beyond_held(const struct scope_choice *c, const char *more)
{
	char *scope = scope_union(c->asked, c->granted);

	if (!*scope)
		add(&scope, c->pinned ? c->pinned : c->offered);
	add(&scope, more);
	return scope;
}

static char *usual(const struct scope_choice *c)
{
	if (c->pinned)
		return mem_dup(c->pinned);
	if (c->challenge)
		return scope_union(c->asked, c->challenge);
	return mem_dup(c->offered ? c->offered : "");
}

char *scope_choose(const struct scope_choice *c)
{
	char *scope = c->step_up && c->challenge ? beyond_held(c, c->challenge) : usual(c);

	/* None at all would be made into that alone. */
	if (c->wanted && *scope) {
		add(&scope, c->wanted);
	} else if (c->wanted) {
		free(scope);
		scope = beyond_held(c, c->wanted);
	}
	if (c->offline_access && !c->pinned && *scope)
		add(&scope, "offline_access");
	if (*scope)
		return scope;
	free(scope);
	return NULL;
}
