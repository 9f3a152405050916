/* realpath(3), which glibc counts as X/Open's. */
#define _XOPEN_SOURCE 700
#define _DARWIN_C_SOURCE
#include "base/userfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypt.h"
#include "base/file.h"
#include "base/mem.h"

/* Links in a row; as many as systems follow. */
#define LINKS_MAX 40

/* Copies that may lie beside a file before we ask to tidy up. */
#define BACKUPS_MAX 100

/* Permissions that a replaced file keeps: no set-user-ID. */
#define KEPT_MODE 0777

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

static bool fail(struct err *e, const char *verb, const char *path, int error)
{
	const char *advice = error == EROFS ? "; it is managed elsewhere: make the change there"
			     : error == EACCES || error == EPERM
				     ? "; check its owner and permissions"
				     : "";

	return err_set(e, ERR_IO, "cannot %s %s: %s%s", verb, path, strerror(error), advice);
}

static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_dup(".");
	return mem_ndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* ---- links ---- */

/* What the link says, seen from where it lies. NULL with errno set. */
static char *behind(const char *link)
{
	char *folder, *full;
	char text[4096];
	ssize_t n = readlink(link, text, sizeof(text) - 1);

	if (n < 0)
		return NULL;
	text[n] = 0;
	if (*text == '/')
		return mem_dup(text);
	folder = folder_of(link);
	full = mem_printf("%s/%s", folder, text);
	free(folder);
	return full;
}

static char *follow(const char *path, struct err *e)
{
	char *at = mem_dup(path), *next;
	struct stat st;

	for (int i = 0; i < LINKS_MAX; i++) {
		if (lstat(at, &st) != 0 || !S_ISLNK(st.st_mode))
			return at;
		next = behind(at);
		if (!next) {
			fail(e, "follow the link", at, errno);
			free(at);
			return NULL;
		}
		free(at);
		at = next;
	}
	free(at);
	err_set(e, ERR_IO, "%s is a link that leads back to itself; repair it", path);
	return NULL;
}

/* The deepest folder above path that exists, without links. */
static char *existing_folder(const char *path)
{
	char *at = folder_of(path), *up, *real;

	while (!(real = realpath(at, NULL)) && errno == ENOENT && strcmp(at, ".") != 0 &&
		strcmp(at, "/") != 0) {
		up = folder_of(at);
		free(at);
		at = up;
	}
	free(at);
	return real;
}

/* A project comes from elsewhere: its links must not make us edit other files of the person. */
static bool check_inside(const char *path, const char *folder, struct err *e)
{
	char *root = realpath(folder, NULL), *at = existing_folder(path);
	size_t n = root ? strlen(root) : 0;
	bool good =
		root && at &&
		(strcmp(root, "/") == 0 || (strncmp(at, root, n) == 0 && (at[n] == '/' || !at[n])));

	if (!good)
		err_set(e, ERR_IO,
			"%s leads out of this folder by a link, and is left alone; make the change "
			"by "
			"hand if the link is yours",
			path);
	free(root);
	free(at);
	return good;
}

/* ---- reading ---- */

static bool read_all(struct userfile *f, int fd, struct err *e)
{
	char piece[8192];
	ssize_t got;

	do {
		got = read(fd, piece, sizeof(piece));
		if (got > 0 && !buf_add(&f->text, piece, (size_t)got))
			return err_set(e, ERR_LIMIT,
				"%s is larger than %zu bytes; is it the right file?", f->path,
				f->text.cap);
	} while (got > 0 || (got < 0 && errno == EINTR));
	return got == 0 || fail(e, "read", f->path, errno);
}

static bool examine(struct userfile *f, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return fail(e, "examine", f->path, errno);
	if (!S_ISREG(st.st_mode))
		return err_set(e, ERR_IO, "%s is not a plain file", f->path);
	f->exists = true;
	f->mode = st.st_mode & KEPT_MODE;
	f->uid = st.st_uid;
	f->gid = st.st_gid;
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->changed = st.st_mtim;
	return true;
}

bool userfile_open(
	struct userfile *f, const char *path, const char *inside, size_t cap, struct err *e)
{
	bool good;
	int fd;

	*f = (struct userfile){ .path = mem_dup(path) };
	buf_init(&f->text, cap);
	f->real = follow(path, e);
	if (!f->real || (inside && !check_inside(f->real, inside, e)))
		return false;
	/* O_NONBLOCK: a pipe there must not hold us up before it is refused. */
	fd = open(f->real, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT || fail(e, "read", path, errno);
	good = examine(f, fd, e) && read_all(f, fd, e);
	close(fd);
	return good;
}

void userfile_clear(struct userfile *f)
{
	buf_wipe(&f->text); /* other entries may hold secrets */
	free(f->path);
	free(f->real);
	*f = (struct userfile){ 0 };
}

/* ---- writing ---- */

/* A file of this name that was not there before, with this content. */
static bool write_new(const char *path, const void *p, size_t n, mode_t mode, int *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0600);
	bool good;

	if (fd < 0) {
		*error = errno;
		return false;
	}
	/* Last, or a file that its owner may not write could not be made. */
	good = file_write(fd, p, n) && fchmod(fd, mode) == 0 && fsync(fd) == 0;
	*error = errno;
	close(fd);
	if (!good)
		unlink(path);
	return good;
}

/* Root writes for somebody else now and then; the file stays that person's. The group is kept where
 * that is allowed. */
static bool keep_owner(const struct userfile *f, const char *temp)
{
	if (!f->exists)
		return true;
	if (f->uid != geteuid())
		return chown(temp, f->uid, f->gid) == 0;
	return f->gid == getegid() || chown(temp, (uid_t)-1, f->gid) == 0 || errno == EPERM;
}

static char *keep_copy(const struct userfile *f, struct err *e)
{
	int error = EEXIST;

	for (int i = 1; i <= BACKUPS_MAX && error == EEXIST; i++) {
		char *name = i == 1 ? mem_printf("%s.mpmcp-bak", f->path)
				    : mem_printf("%s.mpmcp-bak%d", f->path, i);

		if (write_new(name, buf_str(&f->text), f->text.len, f->mode, &error)) {
			if (keep_owner(f, name))
				return name;
			error = errno;
			unlink(name);
		}
		free(name);
	}
	if (error == EEXIST)
		err_set(e, ERR_IO,
			"there are %d copies beside %s; delete the old ones (.mpmcp-bak)",
			BACKUPS_MAX, f->path);
	else
		fail(e, "keep a copy of", f->path, error);
	return NULL;
}

static bool make_folders(const char *path, mode_t mode, struct err *e)
{
	char *part = mem_dup(path);
	bool good = true;

	for (char *p = part + 1; good && (p = strchr(p, '/')); p++) {
		*p = 0;
		good = mkdir(part, mode) == 0 || errno == EEXIST || access(part, F_OK) == 0 ||
		       fail(e, "make the folder", part, errno);
		*p = '/';
	}
	free(part);
	return good;
}

static bool unchanged(const struct userfile *f)
{
	struct stat st;

	if (stat(f->real, &st) != 0)
		return !f->exists && errno == ENOENT;
	return f->exists && st.st_dev == f->dev && st.st_ino == f->ino &&
	       (size_t)st.st_size == f->text.len && st.st_mtim.tv_sec == f->changed.tv_sec &&
	       st.st_mtim.tv_nsec == f->changed.tv_nsec;
}

static char *temp_name(const char *path)
{
	unsigned char random[8];
	struct buf hex;
	char *name;

	crypt_random(random, sizeof(random));
	buf_init(&hex, 2 * sizeof(random));
	name = crypt_hex(&hex, random, sizeof(random))
		       ? mem_printf("%s.%s.tmp", path, buf_str(&hex))
		       : NULL;
	buf_free(&hex);
	return name;
}

static void flush_folder(const char *path)
{
	char *folder = folder_of(path);
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		fsync(fd); /* the content is on disk; at worst the old one comes back after a crash */
		close(fd);
	}
	free(folder);
}

static bool put_in_place(
	const struct userfile *f, const void *p, size_t n, mode_t mode, struct err *e)
{
	char *temp = temp_name(f->real);
	bool good = false;
	int error = ENOMEM;

	if (!temp || !write_new(temp, p, n, mode, &error)) {
		fail(e, "write", f->path, error);
		free(temp);
		return false;
	}
	if (!keep_owner(f, temp))
		fail(e, "keep the owner of", f->path, errno);
	else if (!unchanged(f))
		err_set(e, ERR_IO,
			"%s changed in this moment, perhaps by the client itself; nothing was "
			"written. "
			"Try again, best with the client closed",
			f->path);
	else if (rename(temp, f->real) != 0)
		fail(e, "write", f->path, errno);
	else
		good = true;
	if (good)
		flush_folder(f->real);
	else
		unlink(temp);
	free(temp);
	return good;
}

static mode_t usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

bool userfile_replace(
	struct userfile *f, const void *p, size_t n, bool closed, char **backup, struct err *e)
{
	mode_t mode = f->exists ? f->mode : closed ? 0600 : usual_mode();
	char *copy = NULL;

	*backup = NULL;
	if (f->exists && !(f->mode & 0200))
		return err_set(e, ERR_IO,
			"%s is write-protected: it is managed elsewhere, so make the change there, "
			"or "
			"run chmod u+w on it",
			f->path);
	if (!f->exists && !make_folders(f->real, closed ? 0700 : 0777, e))
		return false;
	if (f->exists && !(copy = keep_copy(f, e)))
		return false;
	if (!put_in_place(f, p, n, mode, e)) {
		if (copy)
			unlink(copy);
		free(copy);
		return false;
	}
	*backup = copy;
	return true;
}
