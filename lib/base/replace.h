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

#include "base/err.h"
#include "os/file.h"

#define REPLACE_MUST __attribute__((warn_unused_result))

/* Whose a file is to be. A group that cannot be kept loses its permissions, and others keep no more than it
 * had: nobody gains any. */
struct replace_as {
	unsigned mode;
	long owner; /* OS_KEEP: whoever writes it */
	long group; /* OS_KEEP: as the system chooses */
};

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

/* Gives the file or folder this mode. False, with errno set, when others could do more with it than that:
 * some file systems (FAT, Windows drives) refuse or ignore it, which does no harm where it is private anyway. */
bool replace_mode(int fd, unsigned mode) REPLACE_MUST;

/* "cannot VERB PATH: why; what to do". Returns false. */
bool replace_fail(struct err *e, const char *verb, const char *path, int error);

#endif
