/*
 * Folders are opened so that nobody can move or remove them meanwhile: the path of an open one stays the way to it.
 * Files may be moved, replaced and removed while they are open, as elsewhere.
 */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "os/start.h"
#include "os/time.h"
#include "os/win32_impl.h"

#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)

/* 1601 to 1970, in units of 100 ns. */
#define EPOCH INT64_C(116444736000000000)

/* Longest path of the system's own, with the prefix for long ones. */
#define PATH_ROOM 32768

/* A file that a scanner or another program of ours has open can neither be replaced nor removed for a moment. */
#define TRIES 60
#define PAUSE_MS 25

/* ---- paths ---- */

static void turn_slashes(wchar_t *p)
{
	for (; *p; p++)
		if (*p == L'/')
			*p = L'\\';
}

static bool is_drive(const char *p)
{
	return ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')) && p[1] == ':';
}

/* "C:" stands for the drive's root: nobody means its current folder. */
static wchar_t *wide_path(const char *path)
{
	char root[4] = { *path, ':', '\\', '\0' };
	wchar_t *w = win32_wide(is_drive(path) && !path[2] ? root : path);

	if (w)
		turn_slashes(w);
	return w;
}

/* Any length: the prefix takes what is a whole path, without "." and "..". */
static wchar_t *whole_path(const char *path)
{
	static const wchar_t prefix[] = L"\\\\?\\", share[] = L"\\\\?\\UNC";
	wchar_t *given = wide_path(path), *out = NULL;
	const wchar_t *before;
	DWORD n = given ? GetFullPathNameW(given, 0, NULL, NULL) : 0;

	/* A name in the way of devices ("\\.\pipe\x") is as it is. */
	if (!given || n < MAX_PATH - 12 || wcsncmp(given, L"\\\\?\\", 4) == 0 ||
		wcsncmp(given, L"\\\\.\\", 4) == 0)
		return given;
	out = malloc((n + 8) * sizeof(*out));
	if (out) {
		before = given[0] == L'\\' && given[1] == L'\\' ? share : prefix;
		wcscpy(out, before);
		GetFullPathNameW(given, n, out + wcslen(before), NULL);
		if (before == share) /* "\\server" begins with one of them only */
			memmove(out + 7, out + 8, (wcslen(out + 8) + 1) * sizeof(*out));
	} else {
		errno = ENOMEM;
	}
	free(given);
	return out;
}

/* The path of an open folder, with room for `more` characters. */
static wchar_t *path_of(HANDLE h, size_t more)
{
	wchar_t *out = malloc((PATH_ROOM + more) * sizeof(*out));
	DWORD n = out ? GetFinalPathNameByHandleW(h, out, PATH_ROOM, FILE_NAME_NORMALIZED) : 0;

	if (out && (n == 0 || n >= PATH_ROOM)) {
		win32_failed();
		free(out);
		return NULL;
	}
	if (!out)
		errno = ENOMEM;
	return out;
}

static wchar_t *above(wchar_t *path)
{
	wchar_t *last = wcsrchr(path, L'\\');

	/* "\\?\C:\" is its own parent */
	if (last && last[1] && last > path + 4)
		last[last[-1] == L':' ? 1 : 0] = L'\0';
	return path;
}

/* Of `name` in the folder, as openat() takes it: a whole path stands for itself. */
static wchar_t *at(int folder, const char *name)
{
	wchar_t *path, *last;
	HANDLE h;

	if (folder == OS_HERE || os_is_absolute(name) || is_drive(name))
		return whole_path(name);
	if ((h = win32_handle(folder)) == INVALID_HANDLE_VALUE ||
		!(path = path_of(h, strlen(name) + 2)))
		return NULL;
	if (strcmp(name, ".") == 0)
		return path;
	if (strcmp(name, "..") == 0)
		return above(path);
	if (!(last = win32_wide(name))) {
		free(path);
		return NULL;
	}
	turn_slashes(last);
	if (*path && path[wcslen(path) - 1] != L'\\')
		wcscat(path, L"\\");
	wcscat(path, last);
	free(last);
	return path;
}

/* ---- opening ---- */

static int with_descriptor(HANDLE h, int flags)
{
	int fd = h == INVALID_HANDLE_VALUE
			 ? -1
			 : _open_osfhandle((intptr_t)h, flags | O_BINARY | O_NOINHERIT);

	if (fd < 0 && h != INVALID_HANDLE_VALUE) {
		CloseHandle(h);
		errno = EMFILE;
	}
	return fd;
}

/* With the right to change who may get at it, where we have that. */
static HANDLE open_handle(const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *a,
	DWORD how, DWORD flags)
{
	static const DWORD more[] = { READ_CONTROL | WRITE_DAC, READ_CONTROL, 0 };
	HANDLE h = INVALID_HANDLE_VALUE;

	for (size_t i = 0; i < 3 && h == INVALID_HANDLE_VALUE; i++) {
		h = CreateFileW(path, access | more[i], share, a, how, flags, NULL);
		if (h == INVALID_HANDLE_VALUE && GetLastError() != ERROR_ACCESS_DENIED)
			break;
	}
	return h;
}

/* Links and mount points lead elsewhere; other marks of that kind are the file system's own (files in a cloud). */
static bool is_link(HANDLE h)
{
	FILE_ATTRIBUTE_TAG_INFO i;

	return GetFileInformationByHandleEx(h, FileAttributeTagInfo, &i, sizeof(i)) &&
	       i.FileAttributes & FILE_ATTRIBUTE_REPARSE_POINT &&
	       (i.ReparseTag == IO_REPARSE_TAG_SYMLINK ||
		       i.ReparseTag == IO_REPARSE_TAG_MOUNT_POINT);
}

static bool is_marked(HANDLE h)
{
	BY_HANDLE_FILE_INFORMATION i;

	return GetFileInformationByHandle(h, &i) &&
	       i.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT;
}

/* As open_handle(), for what exists or is made now, and links refused. */
static HANDLE open_no_link(const wchar_t *path, DWORD access, DWORD share, SECURITY_ATTRIBUTES *a,
	DWORD how, DWORD flags)
{
	HANDLE h = open_handle(path, access, share, a, how, flags | FILE_FLAG_OPEN_REPARSE_POINT);

	if (h == INVALID_HANDLE_VALUE || !is_marked(h))
		return h;
	if (!is_link(h)) {
		CloseHandle(h);
		return open_handle(path, access, share, a, OPEN_EXISTING, flags);
	}
	CloseHandle(h);
	SetLastError(ERROR_CANT_RESOLVE_FILENAME);
	return INVALID_HANDLE_VALUE;
}

static void explain_open(const wchar_t *path, DWORD error)
{
	DWORD attributes =
		error == ERROR_ACCESS_DENIED ? GetFileAttributesW(path) : INVALID_FILE_ATTRIBUTES;

	win32_fail(error);
	if (attributes != INVALID_FILE_ATTRIBUTES && attributes & FILE_ATTRIBUTE_DIRECTORY)
		errno = EISDIR;
}

int os_open(int folder, const char *path, unsigned how, unsigned mode)
{
	wchar_t *p = at(folder, path);
	SECURITY_ATTRIBUTES *a = how & OS_CREATE && !(mode & 077) ? win32_private(false) : NULL;
	DWORD access = FILE_READ_ATTRIBUTES | SYNCHRONIZE, disposition = OPEN_EXISTING, error;
	HANDLE h = INVALID_HANDLE_VALUE;

	if (!p || (how & OS_CREATE && !(mode & 077) && !a)) {
		free(p);
		win32_private_free(a);
		return -1;
	}
	access |= !(how & OS_WRITE) || how & OS_READ ? FILE_READ_DATA | FILE_READ_EA : 0;
	/* Without the right to write elsewhere the system itself puts each write at the end. */
	access |= how & OS_APPEND  ? FILE_APPEND_DATA
		  : how & OS_WRITE ? FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_ATTRIBUTES
				   : 0;
	if (how & OS_CREATE)
		disposition = how & OS_NEW ? CREATE_NEW : OPEN_ALWAYS;
	h = (how & OS_NOFOLLOW ? open_no_link : open_handle)(
		p, access, SHARE_ALL, a, disposition, FILE_ATTRIBUTE_NORMAL);
	error = GetLastError();
	if (h == INVALID_HANDLE_VALUE)
		explain_open(p, error);
	free(p);
	win32_private_free(a);
	return with_descriptor(h, how & OS_WRITE ? (how & OS_READ ? O_RDWR : O_WRONLY) : O_RDONLY);
}

static bool is_folder(HANDLE h)
{
	BY_HANDLE_FILE_INFORMATION i;

	return GetFileInformationByHandle(h, &i) && i.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
}

int os_open_folder(int folder, const char *path, bool follow, bool list)
{
	const DWORD access = FILE_READ_ATTRIBUTES | FILE_TRAVERSE | SYNCHRONIZE |
			     (list ? FILE_LIST_DIRECTORY : 0);
	wchar_t *p = at(folder, path);
	HANDLE h;

	if (!p)
		return -1;
	h = (follow ? open_handle : open_no_link)(p, access, FILE_SHARE_READ | FILE_SHARE_WRITE,
		NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS);
	if (h == INVALID_HANDLE_VALUE) {
		win32_failed();
	} else if (!is_folder(h)) {
		CloseHandle(h);
		h = INVALID_HANDLE_VALUE;
		errno = ENOTDIR;
	}
	free(p);
	return with_descriptor(h, O_RDONLY);
}

int os_dup(int fd)
{
	HANDLE h = win32_handle(fd), copy;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (!DuplicateHandle(GetCurrentProcess(), h, GetCurrentProcess(), &copy, 0, FALSE,
		    DUPLICATE_SAME_ACCESS)) {
		win32_failed();
		return -1;
	}
	return with_descriptor(copy, O_RDWR);
}

void os_close(int fd)
{
	if (fd >= 0)
		_close(fd);
}

bool os_is_link_refusal(int error)
{
	return error == ELOOP;
}

/* ---- content ---- */

#define PIECE ((size_t)1 << 30)

int64_t os_read(int fd, void *p, size_t n)
{
	HANDLE h = win32_handle(fd);
	DWORD got = 0;

	if (h == INVALID_HANDLE_VALUE)
		return -1;
	if (ReadFile(h, p, (DWORD)(n < PIECE ? n : PIECE), &got, NULL))
		return got;
	if (GetLastError() == ERROR_BROKEN_PIPE || GetLastError() == ERROR_HANDLE_EOF)
		return 0;
	win32_failed();
	return -1;
}

bool os_write(int fd, const void *bytes, size_t n)
{
	HANDLE h = win32_handle(fd);
	const char *p = bytes;
	DWORD done;

	if (h == INVALID_HANDLE_VALUE)
		return false;
	for (; n > 0; p += done, n -= done) {
		if (!WriteFile(h, p, (DWORD)(n < PIECE ? n : PIECE), &done, NULL))
			return win32_failed();
		if (done == 0) {
			errno = ENOSPC;
			return false;
		}
	}
	return true;
}

bool os_write_line(int fd, const struct os_part *parts, size_t count)
{
	HANDLE h = win32_handle(fd);
	size_t n = 0, to = 0;
	DWORD done = 0;
	char *line;
	BOOL good;

	if (h == INVALID_HANDLE_VALUE)
		return false;
	for (size_t i = 0; i < count && i < OS_PARTS_MAX; i++)
		n += parts[i].n;
	if (!(line = malloc(n + 1)))
		return false;
	for (size_t i = 0; i < count && i < OS_PARTS_MAX; to += parts[i++].n)
		memcpy(line + to, parts[i].p, parts[i].n);
	good = WriteFile(h, line, (DWORD)n, &done, NULL);
	if (!good)
		win32_failed();
	else if (done < n)
		errno = ENOSPC;
	free(line);
	return good && done == n;
}

bool os_flush(int fd)
{
	HANDLE h = win32_handle(fd);

	if (h == INVALID_HANDLE_VALUE)
		return false;
	if (FlushFileBuffers(h))
		return true;
	win32_failed();
	if (is_folder(h)) /* the file system keeps a journal of names */
		errno = ENOTSUP;
	return false;
}

bool os_rewrite(int fd, const void *p, size_t n)
{
	HANDLE h = win32_handle(fd);
	LARGE_INTEGER start = { .QuadPart = 0 };
	DWORD done;

	if (h == INVALID_HANDLE_VALUE)
		return false;
	if (!SetFilePointerEx(h, start, NULL, FILE_BEGIN) ||
		!WriteFile(h, p, (DWORD)n, &done, NULL) || !SetEndOfFile(h))
		return win32_failed();
	errno = done == n ? errno : ENOSPC;
	return done == n;
}

/* ---- what is known of one ---- */

static bool info(HANDLE h, struct os_info *out)
{
	BY_HANDLE_FILE_INFORMATION i;
	bool folder;

	*out = (struct os_info){ .kind = OS_OTHER, .ours = true, .mode = 0600, .owner = os_user() };
	if (GetFileType(h) != FILE_TYPE_DISK)
		return true; /* a pipe, a socket or a console: whose it is does not matter */
	if (!GetFileInformationByHandle(h, &i))
		return win32_failed();
	folder = i.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY;
	*out = (struct os_info){ .kind = is_link(h) ? OS_LINK
					 : folder   ? OS_FOLDER
						    : OS_FILE,
		.size = (int64_t)((uint64_t)i.nFileSizeHigh << 32 | i.nFileSizeLow),
		.changed_ns = ((int64_t)((uint64_t)i.ftLastWriteTime.dwHighDateTime << 32 |
					 i.ftLastWriteTime.dwLowDateTime) -
				      EPOCH) *
			      100,
		.device = i.dwVolumeSerialNumber,
		.id = (uint64_t)i.nFileIndexHigh << 32 | i.nFileIndexLow };
	win32_fill_access(h, folder, out);
	return true;
}

bool os_info(int fd, struct os_info *out)
{
	HANDLE h = win32_handle(fd);

	return h != INVALID_HANDLE_VALUE && info(h, out);
}

bool os_info_at(int folder, const char *name, bool follow, struct os_info *out)
{
	wchar_t *p = at(folder, name);
	HANDLE h;
	bool good;

	if (!p)
		return false;
	h = open_handle(p, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
		FILE_FLAG_BACKUP_SEMANTICS | (follow ? 0 : FILE_FLAG_OPEN_REPARSE_POINT));
	free(p);
	if (h == INVALID_HANDLE_VALUE)
		return win32_failed();
	good = info(h, out);
	CloseHandle(h);
	return good;
}

bool os_same(const struct os_info *a, const struct os_info *b)
{
	return a->device == b->device && a->id == b->id;
}

/* By asking for it: the bits of files and folders are the same (to list, to add a file, to pass). */
bool os_may(const char *path, enum os_may what)
{
	static const DWORD access[] = { [OS_MAY_SEE] = FILE_READ_ATTRIBUTES,
		[OS_MAY_READ] = FILE_READ_DATA,
		[OS_MAY_WRITE] = FILE_WRITE_DATA,
		[OS_MAY_RUN] = FILE_EXECUTE };
	wchar_t *p = at(OS_HERE, path);
	HANDLE h;

	if (!p)
		return false;
	h = CreateFileW(
		p, access[what], SHARE_ALL, NULL, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
	free(p);
	if (h == INVALID_HANDLE_VALUE)
		return win32_failed() || errno == EBUSY;
	CloseHandle(h);
	return true;
}

/* Without the prefix for long ones: people and other programs read it. */
static char *shown(wchar_t *path)
{
	wchar_t *from = path;

	if (wcsncmp(path, L"\\\\?\\UNC\\", 8) == 0) {
		from = path + 6;
		*from = L'\\';
	} else if (wcsncmp(path, L"\\\\?\\", 4) == 0) {
		from = path + 4;
	}
	return win32_narrow_path(from);
}

char *os_real_path(const char *path)
{
	wchar_t *p = at(OS_HERE, path), *whole;
	HANDLE h = p ? CreateFileW(p, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
			       FILE_FLAG_BACKUP_SEMANTICS, NULL)
		     : INVALID_HANDLE_VALUE;
	char *real = NULL;

	if (p && h == INVALID_HANDLE_VALUE)
		win32_failed();
	free(p);
	if (h == INVALID_HANDLE_VALUE)
		return NULL;
	whole = path_of(h, 0);
	if (whole)
		real = shown(whole);
	free(whole);
	CloseHandle(h);
	return real;
}

/* ---- changing ---- */

/* It belongs to this user, or, for an administrator, to all of them; others do not get at it. */
bool os_make_folder(int folder, const char *name, unsigned mode, bool exactly)
{
	SECURITY_ATTRIBUTES *a = mode & 077 ? NULL : win32_private(true);
	wchar_t *p = at(folder, name);
	bool made = false;

	(void)exactly; /* there is no mask */
	if (p && (a || mode & 077))
		made = CreateDirectoryW(p, a) || win32_failed();
	win32_private_free(a);
	free(p);
	return made;
}

static bool is_held(void)
{
	DWORD error = GetLastError();

	return error == ERROR_SHARING_VIOLATION || error == ERROR_ACCESS_DENIED ||
	       error == ERROR_LOCK_VIOLATION;
}

static bool is_there(const wchar_t *path)
{
	return GetFileAttributesW(path) != INVALID_FILE_ATTRIBUTES;
}

bool os_remove(int folder, const char *name)
{
	wchar_t *p = at(folder, name);
	BOOL done = FALSE;
	DWORD error = 0;

	if (!p)
		return false;
	for (int i = 0; i < TRIES && !(done = DeleteFileW(p)); i++) {
		error = GetLastError();
		if (!is_held() || !is_there(p))
			break;
		os_sleep_ms(PAUSE_MS);
	}
	free(p);
	return done || win32_fail(error);
}

/* Windows 10 and later replace a file that others have open, as POSIX does. */
static bool replace_open(const wchar_t *from, const wchar_t *to)
{
	enum { REPLACE = 1, POSIX_WAY = 2, RENAME_EX = 22 };
	struct rename {
		DWORD flags;
		HANDLE root;
		DWORD bytes;
		wchar_t name[1];
	} * r;
	size_t n = wcslen(to) * sizeof(*to), size = sizeof(*r) + n;
	HANDLE h = CreateFileW(from, DELETE | SYNCHRONIZE, SHARE_ALL, NULL, OPEN_EXISTING,
		FILE_FLAG_OPEN_REPARSE_POINT, NULL);
	bool done = false;

	if (h == INVALID_HANDLE_VALUE)
		return false;
	if ((r = calloc(1, size))) {
		r->flags = REPLACE | POSIX_WAY;
		r->bytes = (DWORD)n;
		memcpy(r->name, to, n);
		done = SetFileInformationByHandle(
			h, (FILE_INFO_BY_HANDLE_CLASS)RENAME_EX, r, (DWORD)size);
	}
	free(r);
	CloseHandle(h);
	return done;
}

bool os_rename(int folder, const char *from, const char *to)
{
	wchar_t *a = at(folder, from), *b = at(folder, to);
	bool done = a && b && replace_open(a, b);
	DWORD error = 0;

	for (int i = 0; i < TRIES && a && b && !done; i++) {
		done = MoveFileExW(a, b, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH);
		error = GetLastError();
		if (done || !is_held())
			break;
		os_sleep_ms(PAUSE_MS);
	}
	free(a);
	free(b);
	return done || (error && win32_fail(error));
}

/* Where the handle ends up, through all links on the way. One that leads to nothing has no such place, and is refused where
 * it is opened. */
bool os_read_link(int folder, const char *name, char *out, size_t size)
{
	wchar_t *p = at(folder, name), *whole = NULL;
	HANDLE h = INVALID_HANDLE_VALUE;
	bool link = false;
	char *text = NULL;

	if (!p)
		return false;
	h = CreateFileW(p, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
		FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
	if (h == INVALID_HANDLE_VALUE) {
		win32_failed();
	} else {
		link = is_link(h);
		CloseHandle(h);
		errno = EINVAL;
	}
	h = INVALID_HANDLE_VALUE;
	if (link && (h = CreateFileW(p, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
			     FILE_FLAG_BACKUP_SEMANTICS, NULL)) == INVALID_HANDLE_VALUE)
		win32_failed();
	if (h != INVALID_HANDLE_VALUE) {
		whole = path_of(h, 0);
		text = whole ? shown(whole) : NULL;
		CloseHandle(h);
	}
	free(whole);
	free(p);
	link = text && strlen(text) < size;
	if (link)
		strcpy(out, text);
	free(text);
	return link;
}

/* ---- names in a folder ---- */

struct os_names {
	HANDLE find;
	WIN32_FIND_DATAW next;
	bool first;
	char *name;
};

struct os_names *os_names(int folder)
{
	struct os_names *n = folder < 0 ? NULL : calloc(1, sizeof(*n));
	wchar_t *pattern = n ? at(folder, "*") : NULL;
	int error = errno;

	if (pattern) {
		n->find = FindFirstFileW(pattern, &n->next);
		n->first = true;
		if (n->find == INVALID_HANDLE_VALUE) {
			win32_failed();
			error = errno;
			free(n);
			n = NULL;
		}
	} else {
		free(n);
		n = NULL;
	}
	free(pattern);
	os_close(folder);
	errno = error;
	return n;
}

const char *os_next_name(struct os_names *n)
{
	while (n->first || FindNextFileW(n->find, &n->next)) {
		n->first = false;
		if (wcscmp(n->next.cFileName, L".") == 0 || wcscmp(n->next.cFileName, L"..") == 0)
			continue;
		free(n->name);
		if ((n->name = win32_narrow(n->next.cFileName)))
			return n->name;
	}
	return NULL;
}

void os_names_free(struct os_names *n)
{
	if (!n)
		return;
	FindClose(n->find);
	free(n->name);
	free(n);
}

/* ---- locks ---- */

/* A byte that no file has: others can read the file meanwhile, since locks forbid what they cover. */
static OVERLAPPED lock_place(void)
{
	return (OVERLAPPED){ .Offset = 0xfffffffe, .OffsetHigh = 0x7fffffff };
}

bool os_lock(int fd)
{
	HANDLE h = win32_handle(fd);
	OVERLAPPED place = lock_place();

	if (h == INVALID_HANDLE_VALUE)
		return false;
	return LockFileEx(
		       h, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place) ||
	       win32_failed();
}

void os_unlock(int fd)
{
	HANDLE h = win32_handle(fd);
	OVERLAPPED place = lock_place();

	if (h != INVALID_HANDLE_VALUE)
		UnlockFileEx(h, 0, 1, 0, &place);
}
