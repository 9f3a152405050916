/*
 * What an entry in a client's file says: whose command it starts, where that leads, and which options it
 * has. Read so that a new entry can keep it. Values may be secrets; names and URLs are what is printed.
 */
#ifndef MPMCP_OLD_ENTRY_H
#define MPMCP_OLD_ENTRY_H

#include <jansson.h>

#include "options.h"

enum old_kind {
	OLD_OURS,       /* starts mpmcp */
	OLD_MCP_REMOTE, /* starts what we replace */
	OLD_DIRECT,     /* no command: the client connects by itself */
	OLD_OTHER,      /* starts something else, or cannot be read */
};

struct old_entry {
	enum old_kind kind;
	char *name;
	json_t *value; /* the members; TOML in JSON's terms, a value that jansson cannot hold as null */
	const char *command; /* borrowed from value, or NULL */
	char **argv;         /* "mpmcp" and the words for mpmcp or mcp-remote */
	int argc;
	struct options args; /* what they say */
	struct err unread;   /* kind set: they could not be read, and why */
	const char *url;     /* where it leads, or NULL when it does not say; borrowed or static */
};

/* Takes over name and value. old_entry_clear() when done. */
void old_entry_read(struct old_entry *o, char *name, json_t *value);
void old_entry_clear(struct old_entry *o);

/* The entry leads to the service: its host, or the name "mixpanel" on a command of ours. */
bool old_entry_is_service(const struct old_entry *o);

/* The object with variables, whatever the client calls it; borrowed, or NULL. */
json_t *old_entry_env(const json_t *value);

/* The entry's "env" names this variable. */
bool old_entry_has_env(const struct old_entry *o, const char *variable);

/* The entry's credential is a service account or a header, not a person's sign-in. */
bool old_entry_has_credential(const struct old_entry *o);

/* A secret stands in the entry itself, not a reference to one. */
bool old_entry_holds_secret(const struct old_entry *o);

/* A copy for people: secrets in "env", headers and arguments as "***". The caller frees it. */
json_t *old_entry_masked(const json_t *value);

/* The name of a variable or header, n bytes, sounds as if its value were a secret. */
bool sounds_secret(const char *name, size_t n);

#endif
