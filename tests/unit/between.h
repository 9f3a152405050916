/*
 * What somebody else does between two steps of ours: system calls of the module under test come through here
 * first. An attacker who wins every race, and a file system that keeps no permissions. Include once.
 */
#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	void (*after_mkdir)(const char *name); /* a folder was made */
	void (*after_fsync)(int fd);           /* all is written, and not yet in its place */
	int fchmod_error;                      /* fchmod() is refused with this */
	mode_t more;                           /* what fstat() shows beyond what was set */
} between;

static bool between_busy; /* the attacker's own calls are not watched */

/* ISO C knows no way from an object to a function. */
#define BETWEEN_REAL(name, real) (*(void **)&(real) = dlsym(RTLD_NEXT, name))

static void between_made(const char *name)
{
	if (!between.after_mkdir || between_busy)
		return;
	between_busy = true;
	between.after_mkdir(name);
	between_busy = false;
}

int mkdir(const char *name, mode_t mode)
{
	int (*real)(const char *, mode_t), result;

	BETWEEN_REAL("mkdir", real);
	result = real(name, mode);
	if (result == 0)
		between_made(name);
	return result;
}

int mkdirat(int at, const char *name, mode_t mode)
{
	int (*real)(int, const char *, mode_t), result;

	BETWEEN_REAL("mkdirat", real);
	result = real(at, name, mode);
	if (result == 0)
		between_made(name);
	return result;
}

int fsync(int fd)
{
	int (*real)(int), result;

	BETWEEN_REAL("fsync", real);
	result = real(fd);
	if (between.after_fsync && !between_busy) {
		between_busy = true;
		between.after_fsync(fd);
		between_busy = false;
	}
	return result;
}

int fchmod(int fd, mode_t mode)
{
	int (*real)(int, mode_t);

	BETWEEN_REAL("fchmod", real);
	if (!between.fchmod_error)
		return real(fd, mode);
	errno = between.fchmod_error;
	return -1;
}

int fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *), result;

	BETWEEN_REAL("fstat", real);
	result = real(fd, st);
	if (result == 0)
		st->st_mode |= between.more;
	return result;
}
