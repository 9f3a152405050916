/* O_PATH, fchown(2), flock(2): the one lock that belongs to the open file, ends with it, and is not lost when some
 * other descriptor of the same file is closed, as those of fcntl(2) are. */
#define _GNU_SOURCE
#define _DARWIN_C_SOURCE
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#if defined(O_PATH)
#define ENTER O_PATH
#elif defined(O_SEARCH)
#define ENTER O_SEARCH
#else
#define ENTER O_RDONLY
#endif

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

static int at(int folder)
{
	return folder == OS_HERE ? AT_FDCWD : folder;
}

/* ---- opening ---- */

int os_open(int folder, const char *path, unsigned how, unsigned mode)
{
	int flags = O_CLOEXEC | O_NOCTTY;

	flags |= how & OS_WRITE ? (how & OS_READ ? O_RDWR : O_WRONLY) : O_RDONLY;
	flags |= how & OS_APPEND ? O_APPEND : 0;
	flags |= how & OS_CREATE ? O_CREAT : 0;
	flags |= how & OS_NEW ? O_EXCL : 0;
	flags |= how & OS_NOFOLLOW ? O_NOFOLLOW : 0;
	flags |= how & OS_AT_ONCE ? O_NONBLOCK : 0;
	return openat(at(folder), path, flags, (mode_t)mode);
}

int os_open_folder(int folder, const char *path, bool follow, bool list)
{
	return openat(at(folder), path,
		(list ? O_RDONLY : ENTER) | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
}

int os_dup(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

void os_close(int fd)
{
	if (fd >= 0)
		close(fd);
}

bool os_is_link_refusal(int error)
{
	return error == ELOOP || error == EMLINK;
}

/* ---- content ---- */

int64_t os_read(int fd, void *p, size_t n)
{
	ssize_t got;

	do
		got = read(fd, p, n);
	while (got < 0 && errno == EINTR);
	return got;
}

bool os_write(int fd, const void *bytes, size_t n)
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

bool os_write_line(int fd, const struct os_part *parts, size_t count)
{
	struct iovec v[OS_PARTS_MAX];
	size_t n = 0;
	ssize_t done;

	for (size_t i = 0; i < count && i < OS_PARTS_MAX; i++) {
		v[i] = (struct iovec){ (void *)(uintptr_t)parts[i].p, parts[i].n };
		n += parts[i].n;
	}
	done = writev(fd, v, (int)count);
	if (done >= 0 && (size_t)done < n)
		errno = ENOSPC;
	return done >= 0 && (size_t)done == n;
}

bool os_flush(int fd)
{
	if (fsync(fd) == 0)
		return true;
	if (errno == EINVAL) /* some file systems know no such thing for folders */
		errno = ENOTSUP;
	return false;
}

bool os_rewrite(int fd, const void *p, size_t n)
{
	return pwrite(fd, p, n, 0) == (ssize_t)n && ftruncate(fd, (off_t)n) == 0;
}

/* ---- what is known of one ---- */

static enum os_kind kind_of(mode_t mode)
{
	return S_ISREG(mode)    ? OS_FILE
	       : S_ISDIR(mode)  ? OS_FOLDER
	       : S_ISLNK(mode)  ? OS_LINK
	       : S_ISSOCK(mode) ? OS_SOCKET
				: OS_OTHER;
}

static void fill(const struct stat *st, struct os_info *out)
{
	*out = (struct os_info){ .kind = kind_of(st->st_mode),
		.ours = st->st_uid == geteuid(),
		.mode = (unsigned)st->st_mode & 07777,
		.owner = (long)st->st_uid,
		.group = (long)st->st_gid,
		.size = (int64_t)st->st_size,
		.changed_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec,
		.device = (uint64_t)st->st_dev,
		.id = (uint64_t)st->st_ino };
}

bool os_info(int fd, struct os_info *out)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	fill(&st, out);
	return true;
}

bool os_info_at(int folder, const char *name, bool follow, struct os_info *out)
{
	struct stat st;

	if (fstatat(at(folder), name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
		return false;
	fill(&st, out);
	return true;
}

bool os_same(const struct os_info *a, const struct os_info *b)
{
	return a->device == b->device && a->id == b->id;
}

bool os_may(const char *path, enum os_may what)
{
	static const int modes[] = { [OS_MAY_SEE] = F_OK,
		[OS_MAY_READ] = R_OK,
		[OS_MAY_WRITE] = W_OK,
		[OS_MAY_RUN] = X_OK };

	return access(path, modes[what]) == 0;
}

char *os_real_path(const char *path)
{
	return realpath(path, NULL);
}

long os_user(void)
{
	return (long)geteuid();
}

/* ---- changing ---- */

bool os_set_mode(int fd, unsigned mode)
{
	return fchmod(fd, (mode_t)mode) == 0;
}

unsigned os_usual_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666u & ~(unsigned)mask;
}

bool os_give(int fd, long owner, long group)
{
	return fchown(fd, owner == OS_KEEP ? (uid_t)-1 : (uid_t)owner,
		       group == OS_KEEP ? (gid_t)-1 : (gid_t)group) == 0;
}

bool os_make_folder(int folder, const char *name, unsigned mode, bool exactly)
{
	mode_t mask = exactly ? umask(0) : 0;
	bool made = mkdirat(at(folder), name, (mode_t)mode) == 0;

	if (exactly)
		umask(mask);
	return made;
}

bool os_remove(int folder, const char *name)
{
	return unlinkat(at(folder), name, 0) == 0;
}

bool os_rename(int folder, const char *from, const char *to)
{
	return renameat(at(folder), from, at(folder), to) == 0;
}

bool os_read_link(int folder, const char *name, char *out, size_t size)
{
	ssize_t n = readlinkat(at(folder), name, out, size - 1);

	if (n >= 0)
		out[n] = '\0';
	return n >= 0;
}

/* ---- names in a folder ---- */

struct os_names {
	DIR *dir;
};

struct os_names *os_names(int folder)
{
	struct os_names *n = folder < 0 ? NULL : malloc(sizeof(*n));
	int error = errno;

	if (n && (n->dir = fdopendir(folder)))
		return n;
	if (n)
		error = errno;
	free(n);
	os_close(folder);
	errno = error;
	return NULL;
}

const char *os_next_name(struct os_names *n)
{
	struct dirent *f;

	do
		f = readdir(n->dir);
	while (f && (strcmp(f->d_name, ".") == 0 || strcmp(f->d_name, "..") == 0));
	return f ? f->d_name : NULL;
}

void os_names_free(struct os_names *n)
{
	if (!n)
		return;
	closedir(n->dir);
	free(n);
}

/* ---- locks ---- */

bool os_lock(int fd)
{
	return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

/* Not by closing alone: a process that was forked and not yet replaced has a copy, which must not keep it. */
void os_unlock(int fd)
{
	flock(fd, LOCK_UN);
}
