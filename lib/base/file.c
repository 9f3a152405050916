#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/replace.h"
#include "base/secret.h"
#include "os/file.h"
#include "os/start.h"

#define PRIVATE_FILE 0600
#define PRIVATE_DIR 0700

/* How often to begin again when somebody takes a file away under our hands. */
#define ATTEMPTS 8

/* ---- words ---- */

static bool fail_open(struct err *e, const char *verb, const char *path, int error)
{
	if (os_is_link_refusal(error))
		return err_set(e, ERR_IO,
			"%s is a symbolic link, which is not followed here; remove it", path);
	return replace_fail(e, verb, path, error);
}

/* A folder in one's own home that root owns is what a "sudo mpmcp login" leaves. */
static bool in_home(const char *path)
{
	const char *home = os_home();
	size_t n = home ? strlen(home) : 0;

	return n > 1 && strncmp(path, home, n) == 0 && path[n] == '/';
}

static bool fail_foreign(struct err *e, const char *path, long owner)
{
	long me = os_user();

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

static bool check_owner(const struct os_info *i, const char *path, struct err *e)
{
	return i->ours || fail_foreign(e, path, i->owner);
}

/* A plain file of ours. */
static bool check_own(int fd, const char *path, struct err *e)
{
	struct os_info i;

	if (!os_info(fd, &i))
		return replace_fail(e, "examine", path, errno);
	if (i.kind != OS_FILE)
		return err_set(e, ERR_IO, "%s is not a plain file; remove it", path);
	return check_owner(&i, path, e);
}

/* ---- reading ---- */

/* Room for the whole of a plain file at once, so that what may be secret is not left behind in
 * memory that a growing buffer gave back. Failing only costs that advantage. */
static void foresee(int fd, struct buf *out)
{
	struct os_info i;

	if (os_info(fd, &i) && i.kind == OS_FILE && i.size > 0 && !buf_reserve(out, (size_t)i.size))
		return;
}

static bool read_all(int fd, const char *path, struct buf *out, struct err *e)
{
	char piece[4096];
	size_t start = out->len;
	bool good = true;
	int64_t got;

	foresee(fd, out);
	while (good && (got = os_read(fd, piece, sizeof(piece))) != 0) {
		if (got < 0)
			good = replace_fail(e, "read", path, errno);
		else if (!buf_add(out, piece, (size_t)got))
			good = err_set(e, ERR_LIMIT,
				"%s is larger than %zu bytes, the limit; is it the right file?",
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
	int fd = os_open(OS_HERE, path, OS_READ, 0);
	bool good;

	if (fd < 0)
		return replace_fail(e, "read", path, errno);
	good = read_all(fd, path, out, e);
	os_close(fd);
	return good;
}

enum file_status file_read_own(const char *path, struct buf *out, struct err *e)
{
	int fd = os_open(OS_HERE, path, OS_READ | OS_NOFOLLOW | OS_AT_ONCE, 0);
	bool good;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return FILE_MISSING;
	if (fd < 0) {
		fail_open(e, "read", path, errno);
		return FILE_FAILED;
	}
	good = check_own(fd, path, e) && read_all(fd, path, out, e);
	os_close(fd);
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

static bool may_make_in(const char *folder)
{
	return os_may(folder, OS_MAY_WRITE) && os_may(folder, OS_MAY_RUN);
}

bool file_check_dir(const char *path, struct err *e)
{
	char *at = mem_dup(path), *up;
	bool there = true, good = true;
	struct os_info i = { 0 };

	while (!os_info_at(OS_HERE, at, false, &i) && strcmp(at, "/") != 0 &&
		strcmp(at, ".") != 0) {
		there = false;
		up = folder_of(at);
		free(at);
		at = up;
	}
	/* What is missing can be made where we may write. */
	if (there ? !i.ours : !may_make_in(at) && errno == EACCES)
		good = i.ours ? replace_fail(e, "use the folder", at, EACCES)
			      : fail_foreign(e, at, i.owner);
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
	struct os_info i;

	if (!os_info(fd, &i))
		return replace_fail(e, "examine", path, errno);
	if (!check_owner(&i, path, e))
		return false;
	if (!(i.mode & 077) || replace_mode(fd, i.mode & PRIVATE_DIR))
		return true;
	return err_set(e, ERR_IO,
		"%s cannot be kept from other users (%s): its file system has no permissions, as "
		"FAT and Windows drives have none; choose a folder on another one with --auth-dir",
		path, strerror(errno));
}

/* Not a link, and ours. -1 with e set. */
static int open_own(int at, const char *name, const char *path, struct err *e)
{
	int fd = os_open_folder(at, name, false, true);
	struct os_info i;

	if (fd < 0 && (errno == ENOTDIR || os_is_link_refusal(errno))) {
		err_set(e, ERR_IO,
			"%s is not a folder (symbolic links are not followed here); "
			"remove it or choose another folder",
			path);
	} else if (fd < 0) {
		fail_folder(e, "open the folder", path, errno);
	} else if (!os_info(fd, &i) || !check_owner(&i, path, e)) {
		os_close(fd);
		fd = -1;
	}
	return fd;
}

/* A new folder, private whatever the umask. -1 with e set. */
static int make_one(int at, const char *name, const char *path, struct err *e)
{
	bool made = os_make_folder(at, name, PRIVATE_DIR, true);
	int error = errno, fd;

	if (!made && error != EEXIST) {
		fail_folder(e, "make the folder", path, error);
		return -1;
	}
	fd = open_own(at, name, path, e);
	if (fd >= 0 && !claim_dir(fd, path, e)) {
		os_close(fd);
		fd = -1;
	}
	return fd;
}

/* A parent that is there may be of any kind and owner, a link among it. */
static int enter(int at, const char *name, const char *path, struct err *e)
{
	int fd = os_open_folder(at, name, true, false);

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
	else if ((at = os_open_folder(OS_HERE, *part == '/' ? "/" : ".", true, false)) < 0)
		replace_fail(e, "open the folder", *part == '/' ? "/" : ".", errno);
	while (at >= 0 && *(name += strspn(name, "/"))) {
		end = name + strcspn(name, "/");
		n = strlen(end);
		*end = '\0';
		next = n ? enter(at, name, part, e) : make_one(at, name, part, e);
		if (n)
			*end = '/';
		os_close(at);
		at = next;
		name = end;
	}
	os_close(at);
	free(part);
	return at >= 0;
}

/* As many as nobody has. */
#define NAMES_MAX ((size_t)100000)

bool file_names(const char *path, bool (*wanted)(const char *name), struct strset *out)
{
	struct os_names *names = os_names(os_open_folder(OS_HERE, path, true, true));
	const char *name;

	*out = (struct strset){ 0 };
	if (!names)
		return false;
	while ((name = os_next_name(names)) && (!wanted(name) || strset_add(out, name, NAMES_MAX)))
		;
	os_names_free(names);
	return true;
}

/* ---- replacing ---- */

/* The folder that a file of ours is in. -1 with e set. */
static int folder_for(const char *path, struct err *e)
{
	char *folder = folder_of(path);
	int fd = open_own(OS_HERE, folder, folder, e);

	free(folder);
	return fd;
}

bool file_replace(const char *path, const void *p, size_t n, struct err *e)
{
	struct replace r = { .folder = folder_for(path, e),
		.name = name_of(path),
		.shown = path,
		.as = { PRIVATE_FILE, OS_KEEP, OS_KEEP } };
	bool good = r.folder >= 0 && replace_file(&r, p, n, e);

	os_close(r.folder);
	return good;
}

bool file_remove(const char *path, struct err *e)
{
	char *folder = folder_of(path);
	int fd = os_open_folder(OS_HERE, folder, true, false);
	bool good = fd < 0 ? errno == ENOENT || errno == ENOTDIR
			   : os_remove(fd, name_of(path)) || errno == ENOENT;

	if (!good)
		replace_fail(e, "remove", path, errno);
	if (fd >= 0) {
		replace_sweep(fd, name_of(path));
		os_close(fd);
	}
	free(folder);
	return good;
}

/* ---- locks ---- */

/* The file of that name is still the one that we hold: deleting the token folder is always allowed, and a
 * lock on a deleted file keeps nobody out. */
static bool still_there(int fd, int folder, const char *name)
{
	struct os_info held, named;

	return os_info(fd, &held) && os_info_at(folder, name, false, &named) &&
	       os_same(&held, &named);
}

/* One try. *again: somebody removed the file. */
static int lock_once(int folder, const char *path, bool *again, bool *busy, struct err *e)
{
	int fd = os_open(folder, name_of(path),
		OS_READ | OS_WRITE | OS_CREATE | OS_NOFOLLOW | OS_AT_ONCE, PRIVATE_FILE);

	*again = false;
	if (fd < 0) {
		fail_open(e, "lock", path, errno);
		return -1;
	}
	if (!check_own(fd, path, e)) {
		os_close(fd);
		return -1;
	}
	if (!os_lock(fd)) {
		*busy = errno == EWOULDBLOCK;
		if (!*busy)
			replace_fail(e, "lock", path, errno);
		os_close(fd);
		return -1;
	}
	/* For the next one, whatever the umask was; there is nothing in it. */
	(void)!replace_mode(fd, PRIVATE_FILE);
	if (still_there(fd, folder, name_of(path)))
		return fd;
	*again = true;
	os_close(fd);
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
	os_close(folder);
	return fd;
}

void file_unlock(int fd)
{
	if (fd < 0)
		return;
	os_unlock(fd);
	os_close(fd);
}
