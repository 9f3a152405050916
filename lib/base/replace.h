/*
 * The one way in which files are written: all bytes or none, and no path after
 * the folder was opened. A new file beside the old one (O_EXCL, 0600) gets the
 * bytes, its owner and its permissions through its descriptor, is flushed and
 * renamed, and the folder is flushed. Whoever owns the folder and moves things
 * about in it meanwhile (links among them) moves only what is theirs.
 *
 * `folder` is a descriptor of the caller's; `name` is one component in it; `shown` is the path that messages name. Functions that fail
 * set e, leave the folder as it was and nothing beside.
 */
#ifndef MPMCP_REPLACE_H
#define MPMCP_REPLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define REPLACE_MUST __attribute__((warn_unused_result))

/* Opens a folder to write in, below `at` (or AT_FDCWD); one that may be passed but not listed will do.
 * Without `follow` a link in its place is refused (ENOTDIR). -1 with errno set. */
int replace_folder(int at, const char *path, bool follow) REPLACE_MUST;

/* Whose a file is to be. A group that cannot be kept loses its permissions, and others keep no more than it
 * had: nobody gains any. */
struct replace_as {
	mode_t mode;
	uid_t uid; /* REPLACE_UID: whoever writes it */
	gid_t gid; /* REPLACE_GID: as the system chooses */
};
#define REPLACE_UID ((uid_t)-1)
#define REPLACE_GID ((gid_t)-1)

struct replace {
	int folder;
	const char *name, *shown;
	struct replace_as as;
	/* Asked last, before the old file goes; false, with e set, leaves it. NULL: nobody. */
	bool (*may)(void *ctx, struct err *e);
	void *ctx;
};

/* Makes the file hold n bytes at p. A link of that name is replaced, not followed. What writers that were
 * killed have left beside it is taken away. */
bool replace_file(const struct replace *r, const void *p, size_t n, struct err *e) REPLACE_MUST;

/* The same where nothing of that name may be there: *there is then true, and e is left alone. */
bool replace_create(
	const struct replace *r, const void *p, size_t n, bool *there, struct err *e) REPLACE_MUST;

/* Takes away what killed writers of this name have left. What cannot be removed now is met again. */
void replace_sweep(int folder, const char *name);

/* All n bytes to a file or pipe that blocks; false, with errno set, when it takes them no more. */
bool replace_write(int fd, const void *bytes, size_t n) REPLACE_MUST;

/* Gives the file or folder this mode. False, with errno set, when others could do more with it than that:
 * some file systems (FAT, Windows drives) refuse or ignore it, which does no harm where it is private anyway. */
bool replace_mode(int fd, mode_t mode) REPLACE_MUST;

/* "cannot VERB PATH: why; what to do". Returns false. */
bool replace_fail(struct err *e, const char *verb, const char *path, int error);

#endif
