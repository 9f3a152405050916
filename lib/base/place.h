/*
 * Where a path leads: a folder, held open, and a name in it. Links are followed
 * here, one component after the other and from descriptors, so that what was
 * checked is what is used afterwards (replace.h), whatever is moved meanwhile.
 */
#ifndef MPMCP_PLACE_H
#define MPMCP_PLACE_H

#include <stdbool.h>

#include "base/err.h"

struct place {
	int folder;    /* of the file; while `missing`, the deepest one on the way that exists */
	char *missing; /* the folders between, "a/b", or NULL */
	char *name; /* of the file: one component, no link when it was looked at; need not exist */
	int beside; /* where the path as given has its last component; -1 while folders are missing */
};

/*
 * With `inside`, a path that links lead out of that folder is refused. So are ".." after a folder that does not
 * exist, for it may become a link to anywhere, and for root a link that its owner could not follow so far:
 * one in a folder of theirs that leads to files of others. NULL with e set; place_free(NULL) is fine.
 */
struct place *place_find(const char *path, const char *inside, struct err *e)
	__attribute__((warn_unused_result));
void place_free(struct place *p);

/* Makes the missing folders, with this mode as far as the umask allows. */
bool place_make(struct place *p, unsigned mode, const char *shown, struct err *e)
	__attribute__((warn_unused_result));

#endif
