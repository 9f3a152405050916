/*
 * Files and folders as the system has them, by descriptors: what was opened is
 * what is used, whatever is moved meanwhile. How files of ours are read, written
 * and locked is decided above (base/file.h, base/replace.h).
 *
 * Descriptors are the C library's: where the system has handles, one stands
 * for a handle, of a folder too. None is inherited by programs that are
 * started. Functions that fail return -1, false or NULL and set errno to what
 * POSIX has for it; interrupted ones go on. Texts are UTF-8; paths are
 * separated by '/', where the system has '\\' that is understood, too.
 */
#ifndef MPMCP_OS_FILE_H
#define MPMCP_OS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OS_MUST __attribute__((warn_unused_result))

/* In place of a folder's descriptor: paths that are not absolute begin at the current folder. */
#define OS_HERE (-1000)

/* ---- opening ---- */

enum {
	OS_READ = 1,
	OS_WRITE = 2,
	OS_APPEND = 4,    /* each write goes to the end, whole, whoever else writes */
	OS_CREATE = 8,    /* when missing; with the mode given, less what the umask takes */
	OS_NEW = 16,      /* it must not exist (EEXIST); with OS_CREATE */
	OS_NOFOLLOW = 32, /* a link as the last component is refused: os_is_link_refusal() */
	OS_AT_ONCE = 64,  /* a pipe or a device there must not hold us up */
};
int os_open(int folder, const char *path, unsigned how, unsigned mode) OS_MUST;

/* A folder to work in. Without `follow` a link in its place is refused (ENOTDIR or os_is_link_refusal());
 * without `list` one that may be passed but not read will do, and it can be neither listed nor flushed. */
int os_open_folder(int folder, const char *path, bool follow, bool list) OS_MUST;

int os_dup(int fd) OS_MUST;
void os_close(int fd); /* negative: nothing */
bool os_is_link_refusal(int error);

/* ---- content ---- */

/* Bytes read, at most n; 0 at the end. */
int64_t os_read(int fd, void *p, size_t n) OS_MUST;
/* All n bytes, to a file or a pipe that blocks. */
bool os_write(int fd, const void *p, size_t n) OS_MUST;
struct os_part {
	const void *p;
	size_t n;
};
/* These parts in one go, so that lines of others who append to the same file stay whole, too. ENOSPC: not all. */
#define OS_PARTS_MAX 16
bool os_write_line(int fd, const struct os_part *parts, size_t count) OS_MUST;
/* What was written is on the disk afterwards. ENOTSUP: there is no such thing for this one. */
bool os_flush(int fd) OS_MUST;
/* The file holds these bytes alone from now on; not in one step for who reads it meanwhile. */
bool os_rewrite(int fd, const void *p, size_t n) OS_MUST;

/* ---- what is known of one ---- */

enum os_kind { OS_FILE, OS_FOLDER, OS_LINK, OS_SOCKET, OS_OTHER };

struct os_info {
	enum os_kind kind;
	bool ours; /* owned by the user as whom this runs */
	/* Permissions as POSIX has them. Where the system has none of that kind: 0600 or 0700 while nobody but
	 * its owner and the system gets at it, else with those of others. */
	unsigned mode;
	long owner, group; /* numbers for messages, and for os_give() */
	int64_t size;
	int64_t changed_ns;  /* its content, since the epoch */
	uint64_t device, id; /* together they tell files apart as long as one of them is open */
};
bool os_info(int fd, struct os_info *out) OS_MUST;
/* name: one component, or a path with OS_HERE. */
bool os_info_at(int folder, const char *name, bool follow, struct os_info *out) OS_MUST;
bool os_same(const struct os_info *a, const struct os_info *b);

enum os_may { OS_MAY_SEE, OS_MAY_READ, OS_MAY_WRITE, OS_MAY_RUN }; /* of a folder, RUN: pass it */
bool os_may(const char *path, enum os_may what) OS_MUST;

/* The path without links, "." and ".."; malloc'ed. */
char *os_real_path(const char *path) OS_MUST;

/* A number for the user as whom this runs, to compare with os_info.owner; 0: who may do everything. */
long os_user(void);

/* ---- changing ---- */

/* Exactly these permissions. ENOTSUP where the file system has none. */
bool os_set_mode(int fd, unsigned mode) OS_MUST;
/* What a new file has that is open to everybody who may by custom: 0666 less the umask. */
unsigned os_usual_mode(void);
/* Owner and group, OS_KEEP one of them as it is. */
#define OS_KEEP (-1L)
bool os_give(int fd, long owner, long group) OS_MUST;

/* One component each. A folder gets the mode; with `exactly` whatever the umask. */
bool os_make_folder(int folder, const char *name, unsigned mode, bool exactly) OS_MUST;
bool os_remove(int folder, const char *name) OS_MUST; /* a file, or a link itself */
/* In one step; what has the name `to` is replaced, also while others have it open. */
bool os_rename(int folder, const char *from, const char *to) OS_MUST;
/* Where a link leads, terminated. False when it is none, or longer than that. */
bool os_read_link(int folder, const char *name, char *out, size_t size) OS_MUST;

/* ---- names in a folder ---- */

/* Takes over the descriptor of a folder (opened with `list`), also when it fails. */
struct os_names;
struct os_names *os_names(int folder) OS_MUST;
const char *os_next_name(
	struct os_names *n); /* without "." and ".."; NULL: no more. Until the next call */
void os_names_free(struct os_names *n); /* NULL is fine */

/* ---- locks ---- */

/*
 * An exclusive lock of the whole file, tried, not waited for. It belongs to the open file: closing another
 * descriptor of the same file does not lose it, the end of the process does. False with EWOULDBLOCK: somebody
 * else holds it, another descriptor of this process among them.
 */
bool os_lock(int fd) OS_MUST;
void os_unlock(int fd);

#endif
