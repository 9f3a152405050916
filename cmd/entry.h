/*
 * What a client is told to start: command, arguments, variables to hand on.
 * Made from the arguments of "mpmcp setup", which it repeats; holds no secret.
 */
#ifndef MPMCP_ENTRY_H
#define MPMCP_ENTRY_H

#include <jansson.h>

#include "apps.h"
#include "args.h"

struct entry {
	const struct app *app;
	const char *name; /* what the client calls it; borrowed */
	char *command;
	struct args_list args;     /* behind the command */
	struct args_list secrets;  /* names of variables with a service account that it refers to */
	struct args_list env;      /* names of the other variables that it refers to */
	struct args_list withheld; /* set here, of use, and not to be had in this client */
	char *token_file;          /* where the service-account token is expected, or NULL */
	bool service_account;      /* rather than a sign-in of a person */
	bool plain;                /* command is the bare name, to be found in PATH */
};

/* False with e set for arguments that do not go together, or that would put a secret into the client's
 * file. entry_clear() either way. */
bool entry_make(const struct args *a, const struct app *app, struct entry *en, struct err *e)
	__attribute__((warn_unused_result));
void entry_clear(struct entry *en);

/* The entry refers to this variable. */
bool entry_refers(const struct entry *en, const char *variable);

/* What a variable is referred to by, in the client's own syntax; "" where it has none. malloc'ed. */
char *entry_reference(const struct entry *en, const char *variable);

/* The value of the entry, without its name; the caller frees it. */
json_t *entry_json(const struct entry *en);

/* What the client is to ask the person for; NULL when nothing. The caller frees it. */
json_t *entry_input(const struct entry *en);

#endif
