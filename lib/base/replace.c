#include "base/replace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/diag.h"

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

/* ---- the new file ---- */

bool replace_mode(int fd, unsigned mode)
{
	int error = os_set_mode(fd, mode) ? ENOTSUP : errno;
	struct os_info i;

	if (os_info(fd, &i) && !(i.mode & 077 & ~mode))
		return true;
	errno = error;
	return false;
}

/* Root writes for somebody else now and then; the file stays that person's. */
static bool give(int fd, const struct replace_as *as, unsigned *mode)
{
	struct os_info i;
	bool owner, group;

	if (!os_info(fd, &i))
		return false;
	owner = as->owner == OS_KEEP || as->owner == i.owner;
	group = as->group == OS_KEEP || as->group == i.group;
	if ((owner && group) || os_give(fd, as->owner, as->group))
		return true;
	if (!owner && !os_give(fd, as->owner, OS_KEEP))
		return false;
	if (!group)
		*mode = (*mode & 0700) | (*mode & 07 & (*mode >> 3));
	return true;
}

/* Private until it is whole and belongs to its owner; then its mode, for a file that its owner may not write
 * could not be made otherwise. */
static bool fill(const struct replace *r, int fd, const void *p, size_t n, struct err *e)
{
	unsigned mode = r->as.mode;

	if (!os_write(fd, p, n))
		return replace_fail(e, "write", r->shown, errno);
	if (!give(fd, &r->as, &mode))
		return replace_fail(e, "keep the owner of", r->shown, errno);
	if (!replace_mode(fd, mode))
		return err_set(e, ERR_IO,
			"%s cannot be kept from other users (%s): its file system has no "
			"permissions, as FAT and Windows drives have none; choose a folder on "
			"another one",
			r->shown, strerror(errno));
	return os_flush(fd) || replace_fail(e, "write", r->shown, errno);
}

static int create(int folder, const char *name)
{
	return os_open(folder, name, OS_WRITE | OS_CREATE | OS_NEW | OS_NOFOLLOW, PRIVATE_FILE);
}

bool replace_create(const struct replace *r, const void *p, size_t n, bool *there, struct err *e)
{
	int fd = create(r->folder, r->name);
	bool good;

	*there = fd < 0 && errno == EEXIST;
	if (fd < 0)
		return !*there && replace_fail(e, "write", r->shown, errno);
	good = fill(r, fd, p, n, e);
	os_close(fd); /* its data is on disk since fsync: nothing is left to go wrong */
	if (!good)
		(void)!os_remove(r->folder, r->name);
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
	int fd = os_open(folder, name, OS_READ | OS_NOFOLLOW | OS_AT_ONCE, 0);

	if (fd < 0)
		return;
	if (os_lock(fd))
		(void)!os_remove(folder, name);
	os_close(fd);
}

/* A process that is killed between writing and renaming leaves its copy behind, with secrets in it. */
void replace_sweep(int folder, const char *name)
{
	struct os_names *names = os_names(os_open_folder(folder, ".", true, true));
	const char *found;

	while (names && (found = os_next_name(names)))
		if (is_temp_of(found, name))
			remove_abandoned(folder, found);
	os_names_free(names);
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

/* There are file systems that know no such thing for folders. */
static void flush_folder(const struct replace *r)
{
	int fd = os_open_folder(r->folder, ".", true, true);

	if (fd >= 0 && !os_flush(fd) && errno != ENOTSUP)
		diag_note("%s is written, but may be lost when the power fails now: %s", r->shown,
			strerror(errno));
	os_close(fd);
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
	} else if (!os_lock(fd) && errno == EWOULDBLOCK) {
		*again = true;
	} else if (!fill(r, fd, p, n, e) || (r->may && !r->may(r->ctx, e))) {
		good = false;
	} else if (!os_rename(r->folder, temp, r->name)) {
		*again = errno == ENOENT;
		if (!*again)
			replace_fail(e, "write", r->shown, errno);
	} else {
		flush_folder(r);
		good = true;
	}
	if (fd >= 0 && !good)
		(void)!os_remove(r->folder, temp);
	os_close(fd);
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
