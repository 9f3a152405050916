/* The token at hand, and the file that it comes from. */
#include "auth/oauth_impl.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* A token is renewed this long before its end, or a tenth of its life when that is shorter. */
#define EARLY_S 60

void oauth_held_changed(struct oauth *a)
{
	char *text = secret_isset(&a->g.access) ? mem_printf("Bearer %s", secret_str(&a->g.access))
						: NULL;

	secret_clear(&a->field);
	if (text) {
		secret_set(&a->field, text, strlen(text));
		secret_wipe(text, strlen(text));
	}
	free(text);
	a->gen++;
	a->rejected = false;
}

static bool same(const struct secret *a, const struct secret *b)
{
	return secret_isset(a) == secret_isset(b) &&
	       secret_equal(secret_str(a), a->len, secret_str(b), b->len);
}

bool oauth_held_adopt(struct oauth *a, struct grant *g)
{
	bool same_access = same(&a->g.access, &g->access);

	if (!same(&a->g.refresh, &g->refresh))
		a->refresh_refused = false;
	grant_clear(&a->g);
	a->g = *g;
	*g = (struct grant){ 0 };
	if (!same_access)
		oauth_held_changed(a);
	return !same_access && secret_isset(&a->g.access);
}

static bool same_secret(const struct secret *a, const struct secret *b)
{
	return secret_equal(secret_str(a), a->len, secret_str(b), b->len);
}

/* A file that could not be written holds tokens that the server has replaced: it counts again when somebody
 * else changes it. */
static bool take_stored(struct oauth *a, struct grant *g)
{
	bool replaced = a->unsaved && same_secret(&g->refresh, &a->stored);

	a->taken = true;
	if (replaced) {
		grant_clear(g);
		return false;
	}
	a->unsaved = false;
	secret_clear(&a->stored);
	if (secret_isset(&g->refresh))
		secret_set(&a->stored, secret_str(&g->refresh), g->refresh.len);
	return oauth_held_adopt(a, g);
}

bool oauth_held_reload(struct oauth *a)
{
	return (!a->loaded || store_stamp(a->store) != a->stamp) && oauth_held_reread(a);
}

/* Where the file is gone, the token in memory still serves. */
bool oauth_held_reread(struct oauth *a)
{
	struct grant g;
	struct err e = { 0 };

	a->loaded = true;
	a->stamp = store_stamp(a->store);
	a->taken = false;
	a->unreadable = a->closed = e;
	switch (store_load(a->store, &g, &e)) {
	case STORE_OK:
		return take_stored(a, &g);
	case STORE_NONE:
		secret_clear(&a->stored);
		break;
	case STORE_FAILED:
		a->unreadable = e;
		diag_note("%s", e.msg);
		break;
	case STORE_CLOSED:
		a->closed = e;
		break;
	case STORE_BROKEN:
		diag_note("%s", e.msg);
		break;
	}
	return false;
}

void oauth_held_report(struct oauth *a)
{
	bool removed;

	oauth_held_adopt(a, &a->report.g);
	a->stamp = a->report.kept ? 0 : store_stamp(a->store);
	/* A sign-in that somebody removed while it was renewed is not brought back: it ends with its token. */
	removed = !a->stamp && secret_isset(&a->stored);
	a->unsaved = !a->report.kept && !removed;
	if (a->unsaved)
		diag_note("the sign-in serves this run, but cannot be kept: %s", a->report.e.msg);
}

static bool ends_within(const struct oauth *a, int64_t s)
{
	return a->g.expires_s && clock_wall_s() >= a->g.expires_s - s;
}

bool oauth_held_ended(const struct oauth *a)
{
	return ends_within(a, 0);
}

bool oauth_held_near_end(const struct oauth *a)
{
	int64_t tenth = (a->g.expires_s - a->g.obtained_s) / 10;

	return ends_within(a, tenth < EARLY_S ? tenth : EARLY_S);
}

bool oauth_held_usable(const struct oauth *a)
{
	return secret_isset(&a->g.access) && !a->rejected && !oauth_held_ended(a);
}

bool oauth_held_renewable(const struct oauth *a)
{
	return secret_isset(&a->g.refresh) && !a->refresh_refused;
}

/* ---- changes to the file ---- */

int oauth_held_lock(struct oauth *a)
{
	bool busy = false;
	struct err e = { 0 };
	int lock;

	oauth_held_reload(a); /* one that is broken is set aside under the lock */
	lock = store_lock(a->store, &busy, &e);
	if (lock < 0)
		return -1;
	oauth_held_reread(a);
	if (a->stamp && a->taken)
		return lock;
	store_unlock(lock);
	return -1;
}

void oauth_held_write(struct oauth *a, int lock)
{
	struct err e = { 0 };

	if (!store_save(a->store, &a->g, &e))
		diag_debug("%s", e.msg);
	a->stamp = store_stamp(a->store);
	store_unlock(lock);
}
