/* flock(2): the one lock that belongs to the open file, ends with it, and is not lost when some
 * other descriptor of the same file is closed, as those of fcntl(2) are. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/diag.h"
#include "base/mem.h"
#include "base/secret.h"

#define PRIVATE_FILE 0600
#define PRIVATE_DIR 0700

/* How often to begin again when somebody takes a file away under our hands. */
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
		return "; choose a folder that can be written";
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

static bool fail(struct err *e, const char *verb, const char *path, int error)
{
	return err_set(e, ERR_IO, "cannot %s %s: %s%s", verb, path, strerror(error), advice(error));
}

/* Links are refused by open(2) itself; systems differ in how they say so. */
static bool is_link_refusal(int error)
{
	return error == ELOOP || error == EMLINK;
}

static bool fail_open(struct err *e, const char *verb, const char *path, int error)
{
	if (is_link_refusal(error))
		return err_set(e, ERR_IO,
			"%s is a symbolic link, which is not followed here; remove it", path);
	return fail(e, verb, path, error);
}

static bool check_owner(const struct stat *st, const char *path, struct err *e)
{
	if (st->st_uid == geteuid())
		return true;
	return err_set(e, ERR_IO,
		"%s belongs to user %ld, but this is run by user %ld; "
		"run it as its owner or choose another folder",
		path, (long)st->st_uid, (long)geteuid());
}

/* A plain file of ours. */
static bool check_own(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(e, "examine", path, errno);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "%s is not a plain file; remove it", path);
	return check_owner(&st, path, e);
}

/* ---- reading ---- */

/* Room for the whole of a plain file at once, so that what may be secret is not left behind in
 * memory that a growing buffer gave back. Failing only costs that advantage. */
static void foresee(int fd, struct buf *out)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
		!buf_reserve(out, (size_t)st.st_size))
		return;
}

static ssize_t read_some(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

static bool read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	char piece[4096];
	size_t start = out->len;
	bool good = true;
	ssize_t got;

	foresee(fd, out);
	while (good && (got = read_some(fd, piece, sizeof(piece))) != 0) {
		if (got < 0)
			good = fail(e, "read", path, errno);
		else if (!buf_add(out, piece, (size_t)got))
			good = err_set(e, ERR_LIMIT,
				"%s is larger than %zu bytes, the most that is "
				"taken; is it the right file?",
				path, out->cap);
	}
	secret_wipe(piece, sizeof(piece));
	if (!good && out->p) {
		secret_wipe(out->p + start, out->len - start);
		out->len = start;
	}
	return good;
}

bool file_read(const char *path, struct buf *out, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	bool good;

	if (fd < 0)
		return fail(e, "read", path, errno);
	good = read_all(fd, path, out, e);
	close(fd);
	return good;
}

enum file_status file_read_own(const char *path, struct buf *out, struct err *e)
{
	/* O_NONBLOCK: a pipe put there must not hold us up before it is refused. */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool good;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return FILE_MISSING;
	if (fd < 0) {
		fail_open(e, "read", path, errno);
		return FILE_FAILED;
	}
	good = check_own(fd, path, e) && read_all(fd, path, out, e);
	close(fd);
	return good ? FILE_OK : FILE_FAILED;
}

/* ---- replacing ---- */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_dup(".");
	return mem_ndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static char *temp_name(const char *path)
{
	unsigned char random[TEMP_DIGITS / 2];
	struct buf name;

	buf_init(&name, strlen(path) + 1 + TEMP_DIGITS + sizeof(temp_end));
	crypt_random(random, sizeof(random));
	if (!buf_adds(&name, path) || !buf_addc(&name, '.') ||
		!crypt_hex(&name, random, sizeof(random)) || !buf_adds(&name, temp_end)) {
		buf_free(&name);
		return NULL;
	}
	return buf_take(&name, NULL);
}

static bool is_temp_of(const char *name, const char *base)
{
	size_t n = strlen(base);

	return strncmp(name, base, n) == 0 && name[n] == '.' &&
	       strspn(name + n + 1, "0123456789abcdef") == TEMP_DIGITS &&
	       strcmp(name + n + 1 + TEMP_DIGITS, temp_end) == 0;
}

/* Removes the file if nobody writes to it: a writer holds the lock until it renamed. */
static void remove_abandoned(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		unlinkat(dir, name, 0);
	close(fd);
}

/*
 * A process that is killed between writing and renaming leaves its copy behind, with tokens in it.
 * The next one to pass takes such copies away. Best effort: what cannot be removed now is met again.
 */
static void sweep(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = folder_of(path);
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_temp_of(entry->d_name, slash ? slash + 1 : path))
			remove_abandoned(dirfd(dir), entry->d_name);
	if (dir)
		closedir(dir);
	free(folder);
}

bool file_write(int fd, const void *bytes, size_t n)
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

/* Some file systems know no such thing for folders and say EINVAL. */
static void flush_folder(int dir, const char *path)
{
	if (fsync(dir) != 0 && errno != EINVAL && errno != ENOTSUP)
		diag_note("%s is written, but may be lost when the power fails now: %s", path,
			strerror(errno));
}

/*
 * One try. *again: somebody swept the new file away in the moment between making and locking it.
 * The folder is opened first, for after the rename there is no way back and nothing may fail.
 */
static bool replace_once(const char *path, const void *p, size_t n, bool *again, struct err *e)
{
	char *folder = folder_of(path);
	char *temp = temp_name(path);
	int dir = -1, fd = -1;
	bool good = false;

	*again = false;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!temp) {
		fail(e, "write", path, ENOMEM);
	} else if (dir < 0) {
		fail(e, "open the folder", folder, errno);
	} else if ((fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			    PRIVATE_FILE)) < 0) {
		fail(e, "write", path, errno);
	} else if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
		*again = true;
	} else if (fchmod(fd, PRIVATE_FILE) != 0 || !file_write(fd, p, n) || fsync(fd) != 0) {
		fail(e, "write", path, errno);
	} else if (rename(temp, path) != 0) {
		*again = errno == ENOENT;
		if (!*again)
			fail(e, "write", path, errno);
	} else {
		flush_folder(dir, path);
		good = true;
	}
	if (fd >= 0 && !good)
		unlink(temp);
	if (fd >= 0)
		close(fd); /* its data is on disk since fsync: nothing is left to go wrong */
	if (dir >= 0)
		close(dir);
	free(temp);
	free(folder);
	return good;
}

bool file_replace(const char *path, const void *p, size_t n, struct err *e)
{
	bool again = true, good = false;

	for (int i = 0; i < ATTEMPTS && again; i++)
		good = replace_once(path, p, n, &again, e);
	if (!good && again)
		return err_set(e, ERR_IO,
			"cannot write %s: others keep removing the new file; try again", path);
	if (good)
		sweep(path);
	return good;
}

bool file_remove(const char *path, struct err *e)
{
	sweep(path);
	if (unlink(path) != 0 && errno != ENOENT && errno != ENOTDIR)
		return fail(e, "remove", path, errno);
	return true;
}

/* ---- folders ---- */

/* Made by us this moment, so chmod cannot hit anything else; mkdir alone obeys the umask. */
static bool make_one(const char *path, struct err *e)
{
	if (mkdir(path, PRIVATE_DIR) != 0)
		return errno == EEXIST ? true : fail(e, "make the folder", path, errno);
	return chmod(path, PRIVATE_DIR) == 0 ? true : fail(e, "protect the folder", path, errno);
}

static bool claim_dir(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool good = false;

	if (fd < 0 && errno == ENOTDIR)
		return err_set(e, ERR_IO,
			"%s is not a folder (symbolic links are not followed here); "
			"remove it or choose another folder",
			path);
	if (fd < 0)
		return fail_open(e, "open the folder", path, errno);
	if (fstat(fd, &st) != 0)
		fail(e, "examine", path, errno);
	else if (!check_owner(&st, path, e))
		good = false;
	else if ((st.st_mode & 077) && fchmod(fd, st.st_mode & PRIVATE_DIR) != 0)
		fail(e, "protect the folder", path, errno);
	else
		good = true;
	close(fd);
	return good;
}

bool file_make_dir(const char *path, struct err *e)
{
	char *part = mem_dup(path);
	size_t n = strlen(part);
	bool good = n > 0;

	if (!good)
		err_set(e, ERR_IO, "the name of the folder is empty; give one");
	while (n > 1 && part[n - 1] == '/') /* "link/" would be followed */
		part[--n] = '\0';
	for (size_t i = 1; i < n && good; i++) {
		if (part[i] != '/' || part[i - 1] == '/')
			continue;
		part[i] = '\0';
		/* A parent that is there may be of any kind and owner; EROFS and EACCES come before EEXIST
		 * on some systems. */
		good = access(part, F_OK) == 0 || make_one(part, e);
		part[i] = '/';
	}
	good = good && (access(part, F_OK) == 0 || make_one(part, e)) && claim_dir(part, e);
	free(part);
	return good;
}

/* ---- locks ---- */

/* The file at path is still the one that we hold: deleting the token folder is always allowed, and
 * a lock on a deleted file keeps nobody out. */
static bool still_there(int fd, const char *path)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
	       held.st_ino == named.st_ino;
}

int file_trylock(const char *path, bool *busy, struct err *e)
{
	*busy = false;
	for (int i = 0; i < ATTEMPTS; i++) {
		int fd = open(
			path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, PRIVATE_FILE);

		if (fd < 0) {
			fail_open(e, "lock", path, errno);
			return -1;
		}
		if (!check_own(fd, path, e)) {
			close(fd);
			return -1;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
			*busy = errno == EWOULDBLOCK;
			if (!*busy)
				fail(e, "lock", path, errno);
			close(fd);
			return -1;
		}
		if (fchmod(fd, PRIVATE_FILE) == 0 && still_there(fd, path))
			return fd;
		close(fd);
	}
	err_set(e, ERR_IO, "cannot lock %s: others keep removing it; try again", path);
	return -1;
}

void file_unlock(int fd)
{
	if (fd < 0)
		return;
	/* Also for a child that was forked and not yet replaced: its copy must not keep the lock. */
	flock(fd, LOCK_UN);
	close(fd);
}
