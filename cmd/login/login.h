/*
 * mpmcp login: what its parts share. cmd_login.c decides what is to be done;
 * login_flow.c signs in with a person (paste_input.h where their browser is on
 * another machine), login_import.c takes over mcp-remote's sign-in,
 * login_account.c keeps a service account,
 * login_offer.c asks the server what it offers, login_keep.c saves what either
 * brought and proves it, login_text.c has the words.
 */
#ifndef MPMCP_LOGIN_H
#define MPMCP_LOGIN_H

#include <stdbool.h>

#include "auth/discover.h"
#include "auth/store.h"
#include "context.h"

struct login {
	struct context *c;
	struct store *store;
	struct signin_record known, g; /* the sign-in before, and the new one */
	bool json;
	int lock; /* of the sign-in: bridges wait for this one and open no page of their own */
	enum os_signal signal; /* that ended it */
	/* The wait that is under way is over; l->e says whether it was in vain. */
	bool done;
	struct err e;
};

/* All of these return false with l->e set. */

/* In a browser, by paste, with a device code or as a client: l->g is new, kept and proven. */
bool login_flow(struct login *l);
/* Copies mcp-remote's. */
bool login_import(struct login *l);
/* Reads a service account from the terminal or standard input, tries it and keeps it. */
bool login_account(struct login *l);
/* Saves l->g, asks the service whether it accepts it, and says so. outcome: for --json. */
bool login_keep(struct login *l, const char *outcome);

/* The note to those who wait for this sign-in: where the person is sent to, or with NULL how it ended. */
void login_note(const struct login *l, const char *url, const char *code);
/* They go on. */
void login_is_over(struct login *l);

/* What the server says about signing in; offered must be cleared either way. False where nothing is known,
 * after within_ms (0: as long as it takes). */
bool login_discover(struct login *l, const struct discover_call *c, int64_t within_ms,
	struct signin_record *offered);
/* Scopes that a new sign-in would add: malloc'ed, or NULL. */
char *login_scopes_to_gain(struct login *l);

/* ---- login_text.c ---- */

/* The row of --json that comes first. */
void login_say_address(const char *url, const char *code);
/* projects: how many the account sees; -1 when that is not known. */
void login_say_signed_in(const struct login *l, const char *outcome, long projects);
/* more: what a new sign-in would add; or NULL. */
void login_say_already(const struct login *l, const char *more);
void login_say_failure(struct login *l);
/* A service account that is kept now. */
void login_say_account(const struct login *l, const struct secret *value);
/* Another credential goes before what is about to be kept; people forget that it is there. */
void login_warn_of_other(const struct login *l);

#endif
