/*
 * A service account in the token folder: one file beside the sign-ins for each
 * endpoint and profile, 0600, replaced in one step (base/file.h). It holds what
 * stands behind "Bearer Basic " in clear text, as the folder holds tokens.
 */
#ifndef MPMCP_KEPT_ACCOUNT_H
#define MPMCP_KEPT_ACCOUNT_H

#include <stdbool.h>

#include "auth/store.h"
#include "base/secret.h"

/* All strings owned. */
struct kept_account {
	char *url, *profile; /* profile NULL: none */
	struct secret value; /* of the Authorization field */
	char *path;          /* of the file */
};
void kept_account_clear(struct kept_account *k);

/* STORE_OK: *k is filled and must be cleared. STORE_NONE: there is none, or no folder that could hold one.
 * STORE_BROKEN, STORE_FAILED: there is one that cannot be used; e says so. Never STORE_CLOSED. */
enum store_status kept_account_load(const char *auth_dir, const char *url, const char *profile,
	struct kept_account *k, struct err *e) __attribute__((warn_unused_result));
/* value: "Bearer Basic ...". Takes the place of one that is there. */
bool kept_account_save(const char *auth_dir, const char *url, const char *profile,
	const struct secret *value, struct err *e) __attribute__((warn_unused_result));
/* Where it would be: malloc'ed; NULL with e set. */
char *kept_account_path(const char *auth_dir, const char *url, const char *profile, struct err *e);

/* Every one in the folder, in the order of file names; fn returns false to stop. What cannot be read is said
 * and left out. */
void kept_account_each(
	const char *auth_dir, bool (*fn)(void *ctx, const struct kept_account *k), void *ctx);

#endif
