/*
 * A file that belongs to the person and that other programs write too, such as
 * a client's configuration: read whole, a copy kept beside it, replaced in one
 * step. Links are followed, since people keep such files in a repository of
 * theirs and link to them; the link stays and the file behind it keeps its
 * mode and owner. What was looked at is what is written (place.h, replace.h).
 */
#ifndef MPMCP_USERFILE_H
#define MPMCP_USERFILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/place.h"
#include "os/file.h"

#define USERFILE_MUST __attribute__((warn_unused_result))

struct userfile {
	char *path;          /* as named */
	struct place *place; /* behind the links; need not exist */
	struct buf text;     /* as read */
	bool exists;
	struct os_info read; /* what was known of it then */
};

/*
 * Reads path, of at most cap bytes; one that is missing has no text. With `inside`, a folder, a file
 * that links lead out of it is refused. False with e set; userfile_clear() either way.
 */
bool userfile_open(struct userfile *f, const char *path, const char *inside, size_t cap,
	struct err *e) USERFILE_MUST;
void userfile_clear(struct userfile *f);

/*
 * Makes the file hold n bytes at p, unless it changed since userfile_open(). Missing folders are made;
 * they and a new file are for the owner alone when `closed`, else as the umask says. Before a file that
 * was there is replaced, its content goes to a new file beside path, whose name *backup gets (NULL when
 * there was none; the caller frees it). On failure the file is as it was.
 */
bool userfile_replace(struct userfile *f, const void *p, size_t n, bool closed, char **backup,
	struct err *e) USERFILE_MUST;

/*
 * Puts the newest of those copies back in place of the file: what the file holds now becomes the newest copy,
 * so that doing it twice changes nothing. *from gets the path of the copy that was put back, which is gone
 * then, *backup that of the new one (NULL when there was no file). The caller frees both. `inside` as above.
 */
bool userfile_undo(struct userfile *f, const char *inside, size_t cap, char **from, char **backup,
	struct err *e) USERFILE_MUST;

#endif
