/*
 * The token folder: one JSON file for each sign-in, in DIR/mpmcp. Files are
 * 0600 and replaced atomically, the folder is 0700; locks are flock(2) on files
 * of their own. Deleting the folder is always safe.
 */
#ifndef MPMCP_STORE_H
#define MPMCP_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/signin_record.h"
#include "base/err.h"

/* What makes tokens not interchangeable. Borrowed strings. */
struct store_key {
	const char *url;      /* the MCP endpoint as given */
	const char *resource; /* --resource, or NULL */
	const char *profile;  /* --profile, or NULL */
	const char *client;   /* given client id or metadata URL, or NULL */
	const char *params;   /* extra authorization parameters as one text, or NULL */
};

struct store; /* one sign-in's place in the folder */

/* auth_dir: --auth-dir or NULL for MPMCP_AUTH_DIR, MCP_REMOTE_CONFIG_DIR, ~/.mcp-auth. Touches no
 * file. Paths are absolute. */
struct store *store_new(const char *auth_dir, const struct store_key *key, struct err *e)
	__attribute__((warn_unused_result));
void store_free(struct store *s);
const char *store_path(const struct store *s); /* of the file; borrowed */
/* Of the file that counts the requests made with it, see mcp/http/request_count.h; borrowed. */
const char *store_count(const struct store *s);
/* Of the file that keeps the server's tools for some minutes; borrowed. */
const char *store_tools(const struct store *s);

/* STORE_NONE: no file. STORE_BROKEN: it holds no sign-in and was set aside as FILE.broken; e says so.
 * STORE_FAILED: it cannot be read (owner, link, permission, made by a later version). STORE_CLOSED: the
 * folder is another user's, or lies in one that may not be entered; nothing can be read or kept there. *g is
 * filled on STORE_OK and must be cleared. */
enum store_status { STORE_OK, STORE_NONE, STORE_BROKEN, STORE_FAILED, STORE_CLOSED };
enum store_status store_load(const struct store *s, struct signin_record *g, struct err *e)
	__attribute__((warn_unused_result));
bool store_save(const struct store *s, const struct signin_record *g, struct err *e)
	__attribute__((warn_unused_result));
/*
 * What became of the file since it held this refresh token (unset: since it held none, or was missing). For
 * who is about to replace it after a while: there are file systems whose locks keep nobody out. STORE_OTHER:
 * another process has saved tokens of its own; *now is filled and must be cleared. STORE_GONE: it was
 * removed. An unreadable file is STORE_SAME: saving says what is wrong with it.
 */
enum store_since { STORE_SAME, STORE_OTHER, STORE_GONE };
enum store_since store_since(const struct store *s, const struct secret *refresh,
	struct signin_record *now) __attribute__((warn_unused_result));
/* Removes the file and what belongs to it, copies that were set aside among it. The lock files stay:
 * somebody may hold them, and a new one would not be the same lock. Missing is success. */
bool store_forget(const struct store *s, struct err *e) __attribute__((warn_unused_result));

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
	enum err_reason reason;
	char *message, *advice; /* as in struct err */
	char *url, *code; /* to sign in at, with a device code to type there; NULL when over */
};
bool store_note_write(const struct store *s, const struct store_note *n, struct err *e)
	__attribute__((warn_unused_result));
bool store_note_read(const struct store *s, struct store_note *n); /* false when there is none */
void store_note_clear(struct store_note *n);

/* Every sign-in in the folder, in the order of file names; s is borrowed. fn returns false to stop. False
 * with e set when the folder, or one of them, is there and cannot be looked into; the others are shown. */
bool store_each(const char *auth_dir,
	bool (*fn)(void *ctx, const struct store *s, const struct signin_record *g), void *ctx,
	struct err *e) __attribute__((warn_unused_result));
/* Removes what was left behind by sign-ins that are gone. */
void store_sweep(const char *auth_dir);

#endif
