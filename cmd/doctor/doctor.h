/*
 * mpmcp doctor: checks in the order in which a connection comes about, each a
 * short function that looks at one thing and says what it found. cmd_doctor.c
 * has the table and the printing; the functions are in doctor_*.c by subject.
 *
 * A check may use what earlier ones left in struct doctor; the table says whose
 * success it depends on, so that nothing pointless is asked.
 */
#ifndef MPMCP_DOCTOR_H
#define MPMCP_DOCTOR_H

#include <jansson.h>

#include "auth/documents.h"
#include "auth/store.h"
#include "mcp_client.h"
#include "setup/client_file.h"
#include "context.h"
#include "net/url.h"
#include "net/connect_report.h"

enum finding_state {
	FOUND_OK,
	FOUND_WARNING, /* works, but a person will want to know */
	FOUND_FAILURE,
	FOUND_SKIP, /* not looked at, or nothing to look at */
};

struct finding {
	enum finding_state state;
	enum err_kind kind;       /* with FOUND_FAILURE: decides the exit status */
	char detail[ERR_MSG_MAX]; /* one line: what was found */
	char advice[ERR_MSG_MAX]; /* one line: what to do; "" when nothing */
};

#define SAYS(n) __attribute__((format(printf, n, n + 1)))
void found(struct finding *f, const char *fmt, ...) SAYS(2);   /* FOUND_OK */
void warn_of(struct finding *f, const char *fmt, ...) SAYS(2); /* FOUND_WARNING */
void skipped(struct finding *f, const char *fmt, ...) SAYS(2); /* FOUND_SKIP */
void failed(struct finding *f, enum err_kind kind, const char *fmt, ...) SAYS(3);
void failed_as(
	struct finding *f, const struct err *e); /* with its advice, which advise() replaces */
void advise(struct finding *f, const char *fmt, ...) SAYS(2); /* what to do, beside any of them */

/* The first answer of the server; heard_s is this machine's time then. */
struct heard {
	bool something;          /* an answer, or why there was none */
	long status;             /* 0: there was none */
	int64_t date_s, heard_s; /* date_s: its Date, -1 when it had none */
	struct err e;
};

/* What a sign-in sees of one document. */
struct seen {
	long first; /* status of the first answer; 0: there was none */
	bool found; /* and if not: */
	/* The first thing that was wrong; the rest is about that, else about the last step. */
	struct err e;
	bool unusable; /* the address that a challenge names */
	long status;
	char *issuer; /* this and guessed: see discover.h */
	bool guessed;
};

/* What the checks share. */
struct doctor {
	/* Where a client was named: its file, its entry, and what that says in place of a. */
	const struct app *app;
	struct client_file file;
	const struct old_entry *entry;
	struct options entry_args;
	const struct options *a;
	struct context c;
	bool opened; /* c is good, u is its URL */
	struct url u;
	char *shown; /* the URL without its query, which may hold a secret */
	struct auth *auth;
	struct store *store;
	struct signin_record record; /* the sign-in that is kept; empty when there is none */
	enum store_status kept;
	struct err kept_why; /* STORE_BROKEN, STORE_FAILED */
	struct connect_report way;
	struct err way_why; /* how that attempt failed */
	bool proxied;
	/* What the discovery of a sign-in saw. */
	struct heard first;
	struct seen resource, server;
	struct signin_record offered; /* what the documents say */
	struct server_traits traits;
	struct mcp_client *client;
	json_t *tools;
	bool interrupted;
};

/* Looks for the sign-in server, as a sign-in does; named: resource_metadata of a challenge, or NULL. */
void doctor_discover(struct doctor *d, const char *named);

/* Advice: the command that signs in where the arguments point; more as oauth_command() has it. */
void doctor_login(const struct doctor *d, const char *more, struct finding *f);

/* The checks. The first three only where a client was named; the second takes its entry's arguments and the
 * variables that it passes on for all that follow. */
void doctor_client(struct doctor *d, struct finding *f);
void doctor_entry(struct doctor *d, struct finding *f);
void doctor_command(struct doctor *d, struct finding *f);
void doctor_arguments(struct doctor *d, struct finding *f);
void doctor_credential(struct doctor *d, struct finding *f);
void doctor_folder(struct doctor *d, struct finding *f);
void doctor_proxy(struct doctor *d, struct finding *f);
void doctor_name(struct doctor *d, struct finding *f);
void doctor_connection(struct doctor *d, struct finding *f);
void doctor_tls(struct doctor *d, struct finding *f);
void doctor_http(struct doctor *d, struct finding *f);
void doctor_clock(struct doctor *d, struct finding *f);
void doctor_resource(struct doctor *d, struct finding *f);
void doctor_server(struct doctor *d, struct finding *f);
void doctor_token(struct doctor *d, struct finding *f);
void doctor_scopes(struct doctor *d, struct finding *f);
void doctor_initialize(struct doctor *d, struct finding *f);
void doctor_tools(struct doctor *d, struct finding *f);
void doctor_access(struct doctor *d, struct finding *f);
void doctor_requests(struct doctor *d, struct finding *f);

#endif
