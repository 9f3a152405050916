/* O_PATH and flock(2): the one lock that belongs to the open file, ends with it, and is not lost when some
 * other descriptor of the same file is closed, as those of fcntl(2) are. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "base/replace.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/diag.h"

#ifdef O_PATH
#define ENTER O_PATH
#elif defined(O_SEARCH)
#define ENTER O_SEARCH
#else
#define ENTER O_RDONLY
#endif

#define PRIVATE_FILE 0600

/* How often to begin again when somebody takes the new file away under our hands. */
#define ATTEMPTS 8

/* ".", 16 hexadecimal digits, ".tmp" */
#define TEMP_DIGITS 16
static const char temp_end[] = ".tmp";

/* ---- words ---- */

static const char *advice(int error)
{
	switch (error) {
	case EACCES:
	case EPERM:
		return "; check its owner and permissions";
	case EROFS:
		return "; it is on a read-only file system: choose a place that can be written, or "
		       "make the change where it is managed";
	case ENOSPC:
	case EDQUOT:
		return "; free some space and try again";
	case EMFILE:
	case ENFILE:
		return "; close other programs or raise the limit of open files";
	default:
		return "";
	}
}

bool replace_fail(struct err *e, const char *verb, const char *path, int error)
{
	return err_set(e, ERR_IO, "cannot %s %s: %s%s", verb, path, strerror(error), advice(error));
}

/* ---- folders ---- */

int replace_folder(int at, const char *path, bool follow)
{
	return openat(at, path, ENTER | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
}

/* What is only entered can be neither listed nor flushed. -1 where that may not be. */
static int listed(int folder)
{
	return openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* ---- the new file ---- */

bool replace_write(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n > 0) {
		ssize_t done = write(fd, p, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		p += done;
		n -= (size_t)done;
	}
	return true;
}

bool replace_mode(int fd, mode_t mode)
{
	int error = fchmod(fd, mode) == 0 ? ENOTSUP : errno;
	struct stat st;

	if (fstat(fd, &st) == 0 && !(st.st_mode & 077 & ~mode))
		return true;
	errno = error;
	return false;
}

/* Root writes for somebody else now and then; the file stays that person's. */
static bool give(int fd, const struct replace_as *as, mode_t *mode)
{
	struct stat st;
	bool owner, group;

	if (fstat(fd, &st) != 0)
		return false;
	owner = as->uid == REPLACE_UID || as->uid == st.st_uid;
	group = as->gid == REPLACE_GID || as->gid == st.st_gid;
	if ((owner && group) || fchown(fd, as->uid, as->gid) == 0)
		return true;
	if (!owner && fchown(fd, as->uid, REPLACE_GID) != 0)
		return false;
	if (!group)
		*mode = (*mode & 0700) | (*mode & 07 & (*mode >> 3));
	return true;
}

/* Private until it is whole and belongs to its owner; then its mode, for a file that its owner may not write
 * could not be made otherwise. */
static bool fill(const struct replace *r, int fd, const void *p, size_t n, struct err *e)
{
	mode_t mode = r->as.mode;

	if (!replace_write(fd, p, n))
		return replace_fail(e, "write", r->shown, errno);
	if (!give(fd, &r->as, &mode))
		return replace_fail(e, "keep the owner of", r->shown, errno);
	if (!replace_mode(fd, mode))
		return err_set(e, ERR_IO,
			"%s cannot be kept from other users (%s): its file system has no "
			"permissions, as FAT and Windows drives have none; choose a folder on "
			"another one",
			r->shown, strerror(errno));
	return fsync(fd) == 0 || replace_fail(e, "write", r->shown, errno);
}

static int create(int folder, const char *name)
{
	return openat(
		folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, PRIVATE_FILE);
}

bool replace_create(const struct replace *r, const void *p, size_t n, bool *there, struct err *e)
{
	int fd = create(r->folder, r->name);
	bool good;

	*there = fd < 0 && errno == EEXIST;
	if (fd < 0)
		return !*there && replace_fail(e, "write", r->shown, errno);
	good = fill(r, fd, p, n, e);
	close(fd); /* its data is on disk since fsync: nothing is left to go wrong */
	if (!good)
		unlinkat(r->folder, r->name, 0);
	return good;
}

/* ---- what others left ---- */

static bool is_temp_of(const char *name, const char *base)
{
	size_t n = strlen(base);

	return strncmp(name, base, n) == 0 && name[n] == '.' &&
	       strspn(name + n + 1, "0123456789abcdef") == TEMP_DIGITS &&
	       strcmp(name + n + 1 + TEMP_DIGITS, temp_end) == 0;
}

/* Removes the file if nobody writes to it: a writer holds the lock until it renamed. */
static void remove_abandoned(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(folder, name, 0);
	close(fd);
}

/* A process that is killed between writing and renaming leaves its copy behind, with secrets in it. */
void replace_sweep(int folder, const char *name)
{
	int fd = listed(folder);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_temp_of(entry->d_name, name))
			remove_abandoned(folder, entry->d_name);
	if (dir)
		closedir(dir);
	else if (fd >= 0)
		close(fd);
}

/* ---- replacing ---- */

static char *temp_name(const char *name)
{
	unsigned char random[TEMP_DIGITS / 2];
	struct buf temp;

	buf_init(&temp, strlen(name) + 1 + TEMP_DIGITS + sizeof(temp_end));
	crypt_random(random, sizeof(random));
	if (!buf_adds(&temp, name) || !buf_addc(&temp, '.') ||
		!crypt_hex(&temp, random, sizeof(random)) || !buf_adds(&temp, temp_end)) {
		buf_free(&temp);
		return NULL;
	}
	return buf_take(&temp, NULL);
}

/* Some file systems know no such thing for folders and say EINVAL. */
static void flush_folder(const struct replace *r)
{
	int fd = listed(r->folder);

	if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
		diag_note("%s is written, but may be lost when the power fails now: %s", r->shown,
			strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* One try. *again: somebody swept the new file away in the moment between making and locking it. */
static bool replace_once(
	const struct replace *r, const void *p, size_t n, bool *again, struct err *e)
{
	char *temp = temp_name(r->name);
	int fd = temp ? create(r->folder, temp) : -1;
	bool good = false;

	*again = false;
	if (fd < 0) {
		replace_fail(e, "write", r->shown, temp ? errno : ENOMEM);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		*again = true;
	} else if (!fill(r, fd, p, n, e) || (r->may && !r->may(r->ctx, e))) {
		good = false;
	} else if (renameat(r->folder, temp, r->folder, r->name) != 0) {
		*again = errno == ENOENT;
		if (!*again)
			replace_fail(e, "write", r->shown, errno);
	} else {
		flush_folder(r);
		good = true;
	}
	if (fd >= 0 && !good)
		unlinkat(r->folder, temp, 0);
	if (fd >= 0)
		close(fd);
	free(temp);
	return good;
}

bool replace_file(const struct replace *r, const void *p, size_t n, struct err *e)
{
	bool again = true, good = false;

	for (int i = 0; i < ATTEMPTS && again; i++)
		good = replace_once(r, p, n, &again, e);
	if (!good && again)
		return err_set(e, ERR_IO,
			"cannot write %s: others keep removing the new file; try again", r->shown);
	if (good)
		replace_sweep(r->folder, r->name);
	return good;
}
