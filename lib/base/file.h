/*
 * Files that matter: read with a cap; replaced in one step (replace.h), at 0600
 * whatever the umask; folders at 0700; locks that are tried, never waited for.
 * Symbolic links and foreign owners are refused where the content is ours alone.
 */
#ifndef MPMCP_FILE_H
#define MPMCP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/strset.h"

#define FILE_MUST __attribute__((warn_unused_result))

/* The whole file into out (its cap is the limit). "-" is not special. Follows symbolic links:
 * for files that a person names (--header-file, --cacert, @file). */
bool file_read(const char *path, struct buf *out, struct err *e) FILE_MUST;

enum file_status { FILE_OK, FILE_MISSING, FILE_FAILED };

/* Same for a file of ours: no symbolic link, a regular file owned by the effective user.
 * FILE_MISSING leaves e alone. */
enum file_status file_read_own(const char *path, struct buf *out, struct err *e) FILE_MUST;

/* Atomically makes path hold these bytes, at 0600 (replace.h). Its folder must be ours and not a link; a link
 * at path is replaced, not followed. On failure path is as it was and nothing is left beside it. */
bool file_replace(const char *path, const void *p, size_t n, struct err *e) FILE_MUST;

/* The folder and the last missing parents, each 0700 whatever the umask. An existing last
 * component must be a folder (not a link) of the effective user; group and other bits are
 * taken off it. */
bool file_make_dir(const char *path, struct err *e) FILE_MUST;

/* False with e set when the folder at path is another user's, or is missing and cannot be made, because the
 * nearest one above it is another user's or cannot be written. e says whose it is and what to do. */
bool file_check_dir(const char *path, struct err *e) FILE_MUST;

/* The names in a folder that wanted() takes, sorted. False with errno set when it cannot be looked into; out is to
 * be cleared either way. */
bool file_names(const char *path, bool (*wanted)(const char *name), struct strset *out) FILE_MUST;

/* Missing is success. */
bool file_remove(const char *path, struct err *e) FILE_MUST;

/*
 * An exclusive lock (flock) on a file of its own, made when missing.
 * Returns the descriptor (close-on-exec), -1 with *busy true when somebody else holds it,
 * -1 with *busy false and e set on failure. file_unlock() closes; the file stays.
 */
int file_trylock(const char *path, bool *busy, struct err *e) FILE_MUST;
void file_unlock(int fd);

#endif
