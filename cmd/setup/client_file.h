/*
 * The file in which a client keeps its entries: read whole, changed member by member, written in one step
 * with a copy of what it was beside it. Everything that is not ours stays byte for byte.
 */
#ifndef MPMCP_CLIENT_FILE_H
#define MPMCP_CLIENT_FILE_H

#include "base/buf.h"
#include "base/userfile.h"
#include "setup/entry.h"

struct client_file {
	const struct app *app;
	bool project; /* the file of this folder, not the person's own */
	char *path;   /* NULL: a client without a file of its own */
	struct userfile file;
	struct buf doc; /* what it is to hold */
	struct old_entry *entries;
	size_t nentries;
	bool changed; /* doc differs from the file */
	char *backup; /* where its old content is, or NULL */
};

#define CLIENT_FILE_MUST __attribute__((warn_unused_result))

/* False with e set when the file cannot be read or is not plain JSON or TOML; client_file_clear() either
 * way. */
bool client_file_open(struct client_file *cf, const struct app *app, bool project,
	struct err *e) CLIENT_FILE_MUST;
/* One that does not exist, for showing: doc is initialised, nothing else is. */
bool client_file_fresh(struct client_file *cf, struct err *e) CLIENT_FILE_MUST;
void client_file_clear(struct client_file *cf);

/*
 * The entry that a call is about; *found is NULL when there is none. By name when one is given. Else by URL
 * and command: one that leads to url, or without url to the service, whatever its name. False with e set
 * when several would do.
 */
bool client_file_find(const struct client_file *cf, const char *name, const char *url,
	const struct old_entry **found, struct err *e) CLIENT_FILE_MUST;

/* Puts the entry into doc: over the members of one of ours or mcp-remote's, in place of it when `whole`.
 * An entry that starts or does something else is replaced only when `whole`. */
bool client_file_put(struct client_file *cf, const struct entry *en, const struct old_entry *old,
	bool whole, struct err *e) CLIENT_FILE_MUST;

/* Takes the entry out of doc, with what only it refers to (VS Code's inputs); one that does not start mpmcp
 * only when `force`. */
bool client_file_remove(struct client_file *cf, const struct old_entry *old, bool force,
	struct err *e) CLIENT_FILE_MUST;

/* What doc says now: the members of the entry, or NULL. The caller frees it. */
json_t *client_file_entry(const struct client_file *cf, const char *name);

/* Puts the newest copy back in place of the file, which becomes the newest copy; *from gets its path. */
bool client_file_undo(struct client_file *cf, char **from, struct err *e) CLIENT_FILE_MUST;

/* Writes doc when it changed. */
bool client_file_save(struct client_file *cf, struct err *e) CLIENT_FILE_MUST;

#endif
