/* flock(2), see replace.c. */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/replace.h"
#include "base/secret.h"

#define PRIVATE_FILE 0600
#define PRIVATE_DIR 0700

/* How often to begin again when somebody takes a file away under our hands. */
#define ATTEMPTS 8

/* ---- words ---- */

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
	return replace_fail(e, verb, path, error);
}

/* A folder in one's own home that root owns is what a "sudo mpmcp login" leaves. */
static bool in_home(const char *path)
{
	const char *home = getenv("HOME");
	size_t n = home ? strlen(home) : 0;

	return n > 1 && strncmp(path, home, n) == 0 && path[n] == '/';
}

static bool fail_foreign(struct err *e, const char *path, long owner)
{
	long me = (long)geteuid();

	if (me != 0 && owner == 0 && in_home(path))
		return err_set(e, ERR_IO,
			"%s belongs to user 0 (root), perhaps since a \"sudo mpmcp login\"; run "
			"\"sudo chown -R %ld '%s'\" or choose another folder with --auth-dir",
			path, me, path);
	return err_set(e, ERR_IO,
		"%s belongs to user %ld, but this is run by user %ld%s; %schoose another folder "
		"with --auth-dir",
		path, owner, me, me == 0 ? " (root, perhaps by sudo)" : "",
		owner == 0 ? "" : "run it as its owner or ");
}

static bool check_owner(const struct stat *st, const char *path, struct err *e)
{
	return st->st_uid == geteuid() || fail_foreign(e, path, (long)st->st_uid);
}

/* A plain file of ours. */
static bool check_own(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return replace_fail(e, "examine", path, errno);
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
			good = replace_fail(e, "read", path, errno);
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
		return replace_fail(e, "read", path, errno);
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

/* ---- folders ---- */

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_dup(".");
	return mem_ndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

bool file_check_dir(const char *path, struct err *e)
{
	char *at = mem_dup(path), *up;
	bool there = true, good = true;
	struct stat st = { 0 };

	while (lstat(at, &st) != 0 && strcmp(at, "/") != 0 && strcmp(at, ".") != 0) {
		there = false;
		up = folder_of(at);
		free(at);
		at = up;
	}
	/* What is missing can be made where we may write. */
	if (there ? st.st_uid != geteuid() : access(at, W_OK | X_OK) != 0 && errno == EACCES)
		good = st.st_uid == geteuid() ? replace_fail(e, "use the folder", at, EACCES)
					      : fail_foreign(e, at, (long)st.st_uid);
	free(at);
	return good;
}

/* Somebody else's folder is the usual reason, and has a cure of its own. */
static bool fail_folder(struct err *e, const char *verb, const char *path, int error)
{
	if (error == EACCES && !file_check_dir(path, e))
		return false;
	return replace_fail(e, verb, path, error);
}

static bool claim_dir(int fd, const char *path, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return replace_fail(e, "examine", path, errno);
	if (!check_owner(&st, path, e))
		return false;
	if (!(st.st_mode & 077) || replace_mode(fd, st.st_mode & PRIVATE_DIR))
		return true;
	return err_set(e, ERR_IO,
		"%s cannot be kept from other users (%s): its file system has no permissions, as "
		"FAT and Windows drives have none; choose a folder on another one with --auth-dir",
		path, strerror(errno));
}

/* Not a link, and ours. -1 with e set. */
static int open_own(int at, const char *name, const char *path, struct err *e)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && (errno == ENOTDIR || is_link_refusal(errno))) {
		err_set(e, ERR_IO,
			"%s is not a folder (symbolic links are not followed here); "
			"remove it or choose another folder",
			path);
	} else if (fd < 0) {
		fail_folder(e, "open the folder", path, errno);
	} else if (fstat(fd, &st) != 0 || !check_owner(&st, path, e)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A new folder, private whatever the umask. -1 with e set. */
static int make_one(int at, const char *name, const char *path, struct err *e)
{
	mode_t mask = umask(0);
	bool made = mkdirat(at, name, PRIVATE_DIR) == 0;
	int error = errno, fd;

	umask(mask);
	if (!made && error != EEXIST) {
		fail_folder(e, "make the folder", path, error);
		return -1;
	}
	fd = open_own(at, name, path, e);
	if (fd >= 0 && !claim_dir(fd, path, e)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A parent that is there may be of any kind and owner, a link among it. */
static int enter(int at, const char *name, const char *path, struct err *e)
{
	int fd = replace_folder(at, name, true);

	if (fd < 0 && errno == ENOENT)
		return make_one(at, name, path, e);
	if (fd < 0)
		fail_folder(e, "open the folder", path, errno);
	return fd;
}

bool file_make_dir(const char *path, struct err *e)
{
	char *part = mem_dup(path), *name = part, *end;
	size_t n = strlen(part);
	int at = -1, next;

	while (n > 1 && part[n - 1] == '/') /* "link/" would be followed */
		part[--n] = '\0';
	if (!n)
		err_set(e, ERR_IO, "the name of the folder is empty; give one");
	else if ((at = replace_folder(AT_FDCWD, *part == '/' ? "/" : ".", true)) < 0)
		replace_fail(e, "open the folder", *part == '/' ? "/" : ".", errno);
	while (at >= 0 && *(name += strspn(name, "/"))) {
		end = name + strcspn(name, "/");
		n = strlen(end);
		*end = '\0';
		next = n ? enter(at, name, part, e) : make_one(at, name, part, e);
		if (n)
			*end = '/';
		close(at);
		at = next;
		name = end;
	}
	if (at >= 0)
		close(at);
	free(part);
	return at >= 0;
}

/* ---- replacing ---- */

/* The folder that a file of ours is in. -1 with e set. */
static int folder_for(const char *path, struct err *e)
{
	char *folder = folder_of(path);
	int fd = open_own(AT_FDCWD, folder, folder, e);

	free(folder);
	return fd;
}

bool file_replace(const char *path, const void *p, size_t n, struct err *e)
{
	struct replace r = { .folder = folder_for(path, e),
		.name = name_of(path),
		.shown = path,
		.as = { PRIVATE_FILE, REPLACE_UID, REPLACE_GID } };
	bool good = r.folder >= 0 && replace_file(&r, p, n, e);

	if (r.folder >= 0)
		close(r.folder);
	return good;
}

bool file_remove(const char *path, struct err *e)
{
	char *folder = folder_of(path);
	int fd = replace_folder(AT_FDCWD, folder, true);
	bool good = fd < 0 ? errno == ENOENT || errno == ENOTDIR
			   : unlinkat(fd, name_of(path), 0) == 0 || errno == ENOENT;

	if (!good)
		replace_fail(e, "remove", path, errno);
	if (fd >= 0) {
		replace_sweep(fd, name_of(path));
		close(fd);
	}
	free(folder);
	return good;
}

/* ---- locks ---- */

/* The file of that name is still the one that we hold: deleting the token folder is always allowed, and a
 * lock on a deleted file keeps nobody out. */
static bool still_there(int fd, int folder, const char *name)
{
	struct stat held, named;

	return fstat(fd, &held) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       held.st_dev == named.st_dev && held.st_ino == named.st_ino;
}

/* One try. *again: somebody removed the file. */
static int lock_once(int folder, const char *path, bool *again, bool *busy, struct err *e)
{
	int fd = openat(folder, name_of(path),
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, PRIVATE_FILE);

	*again = false;
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
			replace_fail(e, "lock", path, errno);
		close(fd);
		return -1;
	}
	/* For the next one, whatever the umask was; there is nothing in it. */
	(void)!replace_mode(fd, PRIVATE_FILE);
	if (still_there(fd, folder, name_of(path)))
		return fd;
	*again = true;
	close(fd);
	return -1;
}

int file_trylock(const char *path, bool *busy, struct err *e)
{
	int folder = folder_for(path, e), fd = -1;
	bool again = folder >= 0;

	*busy = false;
	for (int i = 0; i < ATTEMPTS && again; i++)
		fd = lock_once(folder, path, &again, busy, e);
	if (again)
		err_set(e, ERR_IO, "cannot lock %s: others keep removing it; try again", path);
	if (folder >= 0)
		close(folder);
	return fd;
}

void file_unlock(int fd)
{
	if (fd < 0)
		return;
	/* Also for a child that was forked and not yet replaced: its copy must not keep the lock. */
	flock(fd, LOCK_UN);
	close(fd);
}
