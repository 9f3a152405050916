/*
 * The current token, and the file of the store that it comes from and goes to:
 * what the idle state of oauth.h consists of. It knows nothing of requests or
 * of people; who renews a token or gets one hands it over here.
 */
#ifndef MPMCP_OAUTH_TOKEN_H
#define MPMCP_OAUTH_TOKEN_H

#include "auth/worker_report.h"
#include "auth/store.h"

/* Embedded, zeroed at first but for store and gen. */
struct oauth_token {
	struct store *store; /* owned */
	struct signin_record g;
	struct secret field;  /* "Bearer ..." of g.access */
	unsigned long gen;    /* names field, see auth.h */
	bool rejected;        /* the service refused g.access */
	bool refresh_refused; /* the token endpoint refuses g.refresh; what it says leaves a doubt */
	/* the file */
	bool loaded;          /* it was looked at */
	uint64_t stamp;       /* of the file that was looked at; 0: none, or look again */
	bool taken;           /* that file held a sign-in, which was taken over */
	struct secret stored; /* the refresh token of that file */
	bool unsaved; /* the file does not hold the current token: it could not be written */
	struct err unreadable; /* the file is there, and not ours to read or replace */
	struct err closed;     /* the folder is not ours: a sign-in serves this run */
};
void oauth_token_clear(struct oauth_token *t);

/* ---- taking one over ---- */

/* Takes g over. True when that brings another token than the current one. */
bool oauth_token_adopt(struct oauth_token *t, struct signin_record *g);
/* Takes what the file holds now. True as above. The first looks at its date only, which a network file
 * system may tell late; the second always reads it. Where the file is gone, the token in memory still
 * serves. */
bool oauth_token_reload(struct oauth_token *t);
bool oauth_token_reread(struct oauth_token *t);
/* Takes what a worker brought: from the pipe, since there may be no file. */
void oauth_token_report(struct oauth_token *t, struct worker_report *r);
/* Takes what client credentials brought, which is kept nowhere. */
void oauth_token_take_client(struct oauth_token *t, const struct signin_record *g);

/* ---- what it is worth ---- */

bool oauth_token_usable(const struct oauth_token *t);
bool oauth_token_renewable(
	const struct oauth_token *t);                /* by a refresh token that was not refused */
bool oauth_token_ended(const struct oauth_token *t); /* by its date */
bool oauth_token_near_end(const struct oauth_token *t); /* to be renewed */
bool oauth_token_gone(const struct oauth_token *t);     /* signed out, or without a refresh token */

/* ---- changes to the file ---- */

/* For a change of what the file holds now: another process may have refreshed the token meanwhile. -1
 * when that cannot be, or there is no file. oauth_token_write() unlocks. */
int oauth_token_lock(struct oauth_token *t);
void oauth_token_write(struct oauth_token *t, int lock);

#endif
