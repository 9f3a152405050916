/*
 * What a client is told to start: command, arguments, variables to hand on.
 * Made from the arguments of "mpmcp setup", which it repeats; holds no secret.
 */
#ifndef MPMCP_ENTRY_H
#define MPMCP_ENTRY_H

#include <jansson.h>

#include "setup/clients.h"
#include "options.h"
#include "setup/old_entry.h"

struct entry {
	const struct app *app;
	const char *name; /* what the client calls it; borrowed */
	char *command;
	const char *url;          /* where it leads; borrowed from the arguments or the old entry */
	struct options_list args; /* after the command */
	struct options_list
		kept; /* for people: what the old entry says and this one still does, ... */
	struct options_list dropped; /* ... and no longer does */
	struct options_list
		secrets;         /* names of variables with a service account that it refers to */
	struct options_list env; /* names of the other variables that it refers to */
	struct options_list withheld; /* set here, of use, and not available in this client */
	const struct old_entry *old;  /* what it keeps, or NULL; borrowed */
	char *token_file;             /* where the service-account token is expected, or NULL */
	bool kept_account; /* the service account is the one that login keeps: the entry says nothing */
	bool service_account; /* rather than a sign-in of a person */
	bool plain;           /* command is the bare name, to be found in PATH */
};

/*
 * What the entry that is there says (old, or NULL) holds unless it is given again: URL, options, variables
 * and members; with --force the URL alone. False with e set for arguments that do not go together, or that
 * would put a new secret into the client's file. entry_clear() either way, before what it borrows from.
 */
bool entry_make(const struct options *a, const struct app *app, const struct old_entry *old,
	struct entry *en, struct err *e) __attribute__((warn_unused_result));
void entry_clear(struct entry *en);

/* A member for a client that connects by itself: some prefer it to "command", so it goes. */
bool entry_is_direct_member(const char *name);

/* The entry refers to this variable. */
bool entry_refers(const struct entry *en, const char *variable);

/* What a variable is referred to by, in the client's own syntax; "" where it has none. malloc'ed. */
char *entry_reference(const struct entry *en, const char *variable);

/* The value of the entry, without its name; the caller frees it. */
json_t *entry_json(const struct entry *en);

/* What the client is to ask the person for; NULL when nothing. The caller frees it. */
json_t *entry_input(const struct entry *en);

#endif
