/*
 * The states of oauth.h. oauth.c is the source of the value and answers
 * refusals; from STATE_IDLE it enters one of the two others, which oauth_refresh.c
 * and oauth_signin.c are; each ends with oauth_settle(), which is idle again.
 */
#ifndef MPMCP_OAUTH_IMPL_H
#define MPMCP_OAUTH_IMPL_H

#include "auth/flow.h"
#include "auth/oauth.h"
#include "auth/oauth_token.h"
#include "auth/worker.h"

/* A token that still serves is not refreshed again for this long after a failure. */
#define OAUTH_REST_S 30

enum state { STATE_IDLE, STATE_REFRESH, STATE_SIGNIN };

/* What the service has said about what it wants; a sign-in is told. */
struct oauth_challenge {
	bool seen;        /* it has said something */
	bool ask_service; /* client credentials: it must, for nothing is published */
	char *resource_metadata, *scope;
	bool step_up;     /* scope is more than what is held */
	char *stepped_up; /* what step-ups of this run have asked for */
};

struct oauth_refresh {
	int64_t began_ms; /* this try */
	unsigned tries;
	int64_t rest_until_s; /* none before that while the token serves */
};

struct oauth_signin {
	int64_t began_ms, began_s;
	bool joined;         /* it was started by another process */
	bool url_shown;      /* so somebody was asked */
	struct flow *flow;   /* client credentials: here, for nobody has to be asked */
	char *command;       /* for who cannot wait */
	char *act;           /* auth_awaits_person() */
	struct err declined; /* how the last one ended: so does the next until then */
	int64_t declined_until_ms;
	int64_t succeeded_ms; /* one that we waited for; 0: never */
};

struct oauth {
	struct auth auth;
	struct loop *loop;
	struct http *http;
	const struct http_opts *http_opts;
	const struct oauth_options *o;
	char *params;
	struct oauth_token token;
	struct oauth_challenge challenge;
	enum state state;
	struct oauth_refresh refresh;
	struct oauth_signin signin;
	struct loop_timer timer;     /* of the state */
	struct worker *worker;       /* refreshes or signs in; NULL when another process does */
	struct worker_report report; /* its last word */
};

/* ---- oauth.c ---- */

/* The work is over: whoever waits is told. a may be gone afterwards. */
void oauth_settle(struct oauth *a, enum auth_state state, const struct err *e);
void oauth_stop_worker(struct oauth *a);
/* Of a worker: keeps its last word in a->report, shows the address that it names. */
void oauth_worker_line(void *ctx, char *text, size_t n);
void oauth_show_url(struct oauth *a, const char *url, const char *code);

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
