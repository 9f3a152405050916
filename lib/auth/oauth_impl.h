/*
 * The parts of oauth.h: oauth.c is the source of the value and answers
 * refusals, oauth_held.c has the token at hand, oauth_refresh.c renews it,
 * oauth_signin.c gets one where there is none. One of the last two is at work
 * at a time; each ends with oauth_settle().
 */
#ifndef MPMCP_OAUTH_IMPL_H
#define MPMCP_OAUTH_IMPL_H

#include "auth/flow.h"
#include "auth/oauth.h"
#include "auth/report.h"
#include "auth/store.h"
#include "auth/worker.h"

/* A token that still serves is not refreshed again for this long after a failure. */
#define OAUTH_REST_S 30

enum state { STATE_IDLE, STATE_REFRESH, STATE_SIGNIN };

struct oauth {
	struct auth auth;
	struct loop *loop;
	struct http *http;
	const struct http_opts *http_opts;
	const struct oauth_opts *o;
	char *params;
	struct store *store;
	struct grant g;
	uint64_t stamp;       /* of the file that was looked at; 0: none, or look again */
	bool taken;           /* that file held a sign-in, which was taken over */
	struct secret stored; /* the refresh token of that file */
	struct secret field;  /* "Bearer ..." of g.access */
	unsigned long gen;
	bool loaded, rejected; /* rejected: the service refused g.access */
	bool refresh_refused; /* the token endpoint refuses g.refresh; what it says leaves a doubt */
	bool unsaved;         /* the file does not hold what is at hand: it could not be written */
	struct err unreadable; /* the file is there, and not ours to read or replace */
	struct err closed;     /* the folder is not ours: a sign-in serves this run */
	enum state state;
	struct loop_timer timer;
	struct worker *worker; /* refreshes or signs in; NULL when another process does */
	struct report report;  /* its last word */
	struct flow *flow;     /* client credentials: here, for nobody has to be asked */
	int64_t began_ms, began_s, rest_until_s, declined_until_ms;
	int64_t signed_in_ms; /* when a sign-in that we waited for succeeded; 0: never */
	unsigned tries;
	bool url_shown;
	bool joined;                     /* the sign-in under way was started by another process */
	bool challenged;                 /* the service has said what it wants */
	bool ask_service;                /* client credentials: it must, for nothing is published */
	char *resource_metadata, *scope; /* of the challenge */
	bool step_up;                    /* scope is more than what is held */
	char *stepped_up;                /* what step-ups of this run have asked for */
	char *command;                   /* for who cannot wait */
	struct err declined;
};

/* ---- oauth.c ---- */

/* The work is over: whoever waits is told. a may be gone afterwards. */
void oauth_settle(struct oauth *a, enum auth_state state, const struct err *e);
void oauth_stop_worker(struct oauth *a);
/* Of a worker: keeps its last word in a->report, shows the address that it names. */
void oauth_worker_line(void *ctx, char *text, size_t n);
void oauth_show_url(struct oauth *a, const char *url, const char *code);
/* Whatever came of it: it was asked for. */
void oauth_stepped_up(struct oauth *a, const char *scope);

/* ---- oauth_held.c ---- */

void oauth_held_changed(struct oauth *a); /* a->g.access is another one */
/* Takes g over. True when that brings another token than the one at hand. */
bool oauth_held_adopt(struct oauth *a, struct grant *g);
/* Takes what the file holds now. True as above. The first looks at its date only, which a network file
 * system may tell late; the second always reads it. */
bool oauth_held_reload(struct oauth *a);
bool oauth_held_reread(struct oauth *a);
/* Takes what a worker brought: from the pipe, since there may be no file. */
void oauth_held_report(struct oauth *a);
bool oauth_held_usable(const struct oauth *a);
bool oauth_held_renewable(const struct oauth *a); /* by a refresh token that was not refused */
bool oauth_held_ended(const struct oauth *a);     /* by its date */
bool oauth_held_near_end(const struct oauth *a);  /* to be renewed */
/* For a change of what the file holds now: another process may have refreshed the token meanwhile. -1
 * when that cannot be, or there is no file. oauth_held_write() unlocks. */
int oauth_held_lock(struct oauth *a);
void oauth_held_write(struct oauth *a, int lock);

/* ---- oauth_refresh.c ---- */

void oauth_refresh_start(struct oauth *a);
void oauth_refresh_try(struct oauth *a); /* when a->timer is due */

/* ---- oauth_signin.c ---- */

/* The command for a person who is to sign in; malloc'ed. */
char *oauth_signin_command(const struct oauth *a);
/* Joins the sign-in under way, or starts it. False with e set when nobody can be asked. */
bool oauth_signin_start(struct oauth *a, struct err *e);
void oauth_signin_watch(struct oauth *a); /* when a->timer is due */
/* Client credentials: in this process, for nobody has to be asked. */
bool oauth_signin_client(struct oauth *a, struct err *e);

#endif
