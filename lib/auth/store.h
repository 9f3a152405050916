/*
 * The token folder: one JSON file for each sign-in, in DIR/mpmcp. Files are
 * 0600 and replaced atomically, the folder is 0700; locks are flock(2) on files
 * of their own. Deleting the folder is always safe.
 */
#ifndef MPMCP_STORE_H
#define MPMCP_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/secret.h"

/* What makes tokens not interchangeable. Borrowed strings. */
struct store_key {
	const char *url;      /* the MCP endpoint as given */
	const char *resource; /* --resource, or NULL */
	const char *profile;  /* --profile, or NULL */
	const char *client;   /* given client id or metadata URL, or NULL */
	const char *params;   /* extra authorization parameters as one text, or NULL */
};

/* A sign-in. All strings owned; NULL when unknown. */
struct grant {
	char *url, *resource, *profile;
	/* where */
	char *issuer, *authorization_endpoint, *token_endpoint, *registration_endpoint,
		*revocation_endpoint;
	char *device_endpoint;
	bool iss_promised;
	char *auth_methods; /* token_endpoint_auth_methods_supported, blank-separated; NULL: not said */
	char *scopes_offered; /* of the resource metadata, when last seen */
	/* who */
	char *client_id,
		*client_method; /* token endpoint authentication: none, client_secret_basic, client_secret_post */
	struct secret client_secret;
	char *redirect_uri;
	/* what */
	struct secret access, refresh;
	int64_t obtained_s, expires_s; /* since the epoch; expires_s 0: not known */
	char *scope_asked, *scope_granted;
	/* about the server, see auth_remember(); and when that was learnt */
	char *word;
	int64_t word_s;
};
void grant_clear(struct grant *g);

struct store; /* one sign-in's place in the folder */

/* auth_dir: --auth-dir or NULL for MPMCP_AUTH_DIR, MCP_REMOTE_CONFIG_DIR, ~/.mcp-auth. Touches no
 * file. */
struct store *store_new(const char *auth_dir, const struct store_key *key, struct err *e)
	__attribute__((warn_unused_result));
void store_free(struct store *s);
const char *store_path(const struct store *s); /* of the file; borrowed */
/* Of the file that counts the requests made with it, see mcp/rate.h; borrowed. */
const char *store_count(const struct store *s);

/* STORE_NONE: no file. STORE_BROKEN: it was set aside as FILE.broken, e says why. STORE_FAILED: it
 * cannot be read (owner, link, permission). *g is filled on STORE_OK and must be cleared. */
enum store_status { STORE_OK, STORE_NONE, STORE_BROKEN, STORE_FAILED };
enum store_status store_load(const struct store *s, struct grant *g, struct err *e)
	__attribute__((warn_unused_result));
bool store_save(const struct store *s, const struct grant *g, struct err *e)
	__attribute__((warn_unused_result));
bool store_forget(const struct store *s, struct err *e)
	__attribute__((warn_unused_result)); /* missing is success */

/* Changes whenever the file does; 0 when it is missing. For noticing what other processes did. */
uint64_t store_stamp(const struct store *s);

/* Locks of this sign-in: one for refreshing and saving, one that the sign-in process holds. As
 * file_trylock(). */
int store_lock(const struct store *s, bool *busy, struct err *e)
	__attribute__((warn_unused_result));
int store_lock_signin(const struct store *s, bool *busy, struct err *e)
	__attribute__((warn_unused_result));
void store_unlock(int fd);

/* The note of a sign-in process to those who wait: how it ended, and where to sign in meanwhile. */
struct store_note {
	int64_t at_s;
	enum err_kind kind; /* ERR_NONE: going on or successful */
	char *message;
	char *url; /* to sign in at; NULL when over */
};
bool store_note_write(const struct store *s, const struct store_note *n, struct err *e)
	__attribute__((warn_unused_result));
bool store_note_read(const struct store *s, struct store_note *n); /* false when there is none */
void store_note_clear(struct store_note *n);

/* Every sign-in in the folder, in the order of file names. fn returns false to stop. */
bool store_each(const char *auth_dir,
	bool (*fn)(void *ctx, const char *path, const struct grant *g), void *ctx, struct err *e)
	__attribute__((warn_unused_result));
/* Removes the file and what belongs to it, by path as given to store_each(). */
bool store_remove(const char *path, struct err *e) __attribute__((warn_unused_result));

#endif
