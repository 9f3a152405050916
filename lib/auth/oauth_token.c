#include "auth/oauth_token.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"

/* A token is renewed this long before its end, or a tenth of its life when that is shorter. */
#define EARLY_S 60

/* t->g.access is another one. */
static void oauth_token_changed(struct oauth_token *t)
{
	char *text = secret_isset(&t->g.access) ? mem_printf("Bearer %s", secret_str(&t->g.access))
						: NULL;

	secret_clear(&t->field);
	if (text) {
		secret_set(&t->field, text, strlen(text));
		secret_wipe(text, strlen(text));
	}
	free(text);
	t->gen++;
	t->rejected = false;
}

static bool same(const struct secret *a, const struct secret *b)
{
	return secret_isset(a) == secret_isset(b) &&
	       secret_equal(secret_str(a), a->len, secret_str(b), b->len);
}

bool oauth_token_adopt(struct oauth_token *t, struct signin_record *g)
{
	bool same_access = same(&t->g.access, &g->access);

	if (!same(&t->g.refresh, &g->refresh))
		t->refresh_refused = false;
	signin_record_clear(&t->g);
	t->g = *g;
	*g = (struct signin_record){ 0 };
	if (!same_access)
		oauth_token_changed(t);
	return !same_access && secret_isset(&t->g.access);
}

/* A file that could not be written holds tokens that the server has replaced: it counts again when somebody
 * else changes it. */
static bool take_stored(struct oauth_token *t, struct signin_record *g)
{
	bool replaced = t->unsaved && same(&g->refresh, &t->stored);

	t->taken = true;
	if (replaced) {
		signin_record_clear(g);
		return false;
	}
	t->unsaved = false;
	secret_clear(&t->stored);
	if (secret_isset(&g->refresh))
		secret_set(&t->stored, secret_str(&g->refresh), g->refresh.len);
	return oauth_token_adopt(t, g);
}

bool oauth_token_reload(struct oauth_token *t)
{
	return (!t->loaded || store_stamp(t->store) != t->stamp) && oauth_token_reread(t);
}

/* Where the file is gone, the token in memory still serves. */
bool oauth_token_reread(struct oauth_token *t)
{
	struct signin_record g;
	struct err e = { 0 };

	t->loaded = true;
	t->stamp = store_stamp(t->store);
	t->taken = false;
	t->unreadable = t->closed = e;
	switch (store_load(t->store, &g, &e)) {
	case STORE_OK:
		return take_stored(t, &g);
	case STORE_NONE:
		secret_clear(&t->stored);
		break;
	case STORE_FAILED:
		t->unreadable = e;
		diag_note("%s", err_text(&e));
		break;
	case STORE_CLOSED:
		t->closed = e;
		break;
	case STORE_BROKEN:
		diag_note("%s", err_text(&e));
		break;
	}
	return false;
}

void oauth_token_report(struct oauth_token *t, struct worker_report *r)
{
	bool removed;

	oauth_token_adopt(t, &r->g);
	t->stamp = r->kept ? 0 : store_stamp(t->store);
	/* A sign-in that somebody removed while it was renewed is not brought back: it ends with its token. */
	removed = !t->stamp && secret_isset(&t->stored);
	t->unsaved = !r->kept && !removed;
	if (t->unsaved)
		diag_note("the sign-in is valid for this run but cannot be saved: %s", r->e.msg);
}

static void take_text(char **to, const char *from)
{
	free(*to);
	*to = from ? mem_dup(from) : NULL;
}

void oauth_token_take_client(struct oauth_token *t, const struct signin_record *g)
{
	secret_set(&t->g.access, secret_str(&g->access), g->access.len);
	t->g.expires_s = g->expires_s;
	t->g.obtained_s = g->obtained_s;
	take_text(&t->g.issuer, g->issuer);
	take_text(&t->g.client_id, g->client_id);
	oauth_token_changed(t);
}

static bool ends_within(const struct oauth_token *t, int64_t s)
{
	return t->g.expires_s && clock_wall_s() >= t->g.expires_s - s;
}

bool oauth_token_ended(const struct oauth_token *t)
{
	return ends_within(t, 0);
}

bool oauth_token_near_end(const struct oauth_token *t)
{
	int64_t tenth = (t->g.expires_s - t->g.obtained_s) / 10;

	return ends_within(t, tenth < EARLY_S ? tenth : EARLY_S);
}

bool oauth_token_gone(const struct oauth_token *t)
{
	return (!t->stamp && !t->unsaved) || !secret_isset(&t->g.refresh);
}

bool oauth_token_usable(const struct oauth_token *t)
{
	return secret_isset(&t->g.access) && !t->rejected && !oauth_token_ended(t);
}

bool oauth_token_renewable(const struct oauth_token *t)
{
	return secret_isset(&t->g.refresh) && !t->refresh_refused;
}

/* ---- changes to the file ---- */

int oauth_token_lock(struct oauth_token *t)
{
	bool busy = false;
	struct err e = { 0 };
	int lock;

	oauth_token_reload(t); /* one that is broken is set aside under the lock */
	lock = store_lock(t->store, &busy, &e);
	if (lock < 0)
		return -1;
	oauth_token_reread(t);
	if (t->stamp && t->taken)
		return lock;
	store_unlock(lock);
	return -1;
}

void oauth_token_write(struct oauth_token *t, int lock)
{
	struct err e = { 0 };

	if (!store_save(t->store, &t->g, &e))
		diag_debug("%s", err_text(&e));
	t->stamp = store_stamp(t->store);
	store_unlock(lock);
}

void oauth_token_clear(struct oauth_token *t)
{
	signin_record_clear(&t->g);
	secret_clear(&t->field);
	secret_clear(&t->stored);
	store_free(t->store);
}
