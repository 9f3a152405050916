/* Puts an entry into the file of its client, and sees what is there. */
#ifndef MPMCP_INSTALL_H
#define MPMCP_INSTALL_H

#include "base/buf.h"
#include "entry.h"

/* Whose entry of the name is in a client's file. */
enum install_owner {
	INSTALL_NONE,
	INSTALL_OURS,       /* it starts mpmcp */
	INSTALL_MCP_REMOTE, /* it starts what we replace */
	INSTALL_OTHER,
};

struct install {
	char *path;   /* the client's file */
	char *backup; /* where its old content is, or NULL */
	enum install_owner before;
	bool changed;
	bool was_read_only; /* the old entry said --read-only, the new one does not */
	bool kept_secret;   /* the old entry's own service account stays in it */
};

/* Only looks. False with e set when the file cannot be read. */
bool install_look(const struct app *app, const char *name, bool project, enum install_owner *owner,
	struct err *e) __attribute__((warn_unused_result));

/*
 * An entry of ours keeps what others put into it, unless `force`; one of mcp-remote is replaced; any
 * other only with `force`. A file that is not plain JSON or TOML is left alone. False with e set and
 * nothing written; install_clear() either way.
 */
bool install_entry(const struct entry *en, bool project, bool force, struct install *in,
	struct err *e) __attribute__((warn_unused_result));
void install_clear(struct install *in);

/* What a file with nothing else in it would hold: for showing. */
bool install_example(const struct entry *en, struct buf *out, struct err *e)
	__attribute__((warn_unused_result));

#endif
