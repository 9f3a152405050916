#include "base/userfile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/replace.h"

/* Copies that may lie beside a file before we ask to tidy up. */
#define BACKUPS_MAX 100

/* Permissions that a replaced file keeps: no set-user-ID. */
#define KEPT_MODE 0777u

/* ---- reading ---- */

static bool read_all(struct userfile *f, int fd, struct err *e)
{
	char piece[8192];
	int64_t got;

	do {
		got = os_read(fd, piece, sizeof(piece));
		if (got > 0 && !buf_add(&f->text, piece, (size_t)got))
			return err_set(e, ERR_LIMIT,
				"%s is larger than %zu bytes; is it the right file?", f->path,
				f->text.cap);
	} while (got > 0);
	return got == 0 || replace_fail(e, "read", f->path, errno);
}

static bool examine(struct userfile *f, int fd, struct err *e)
{
	if (!os_info(fd, &f->read))
		return replace_fail(e, "examine", f->path, errno);
	if (f->read.kind != OS_FILE)
		return err_set(e, ERR_IO, "%s is not a plain file", f->path);
	f->exists = true;
	f->read.mode &= KEPT_MODE;
	return true;
}

bool userfile_open(
	struct userfile *f, const char *path, const char *inside, size_t cap, struct err *e)
{
	bool good;
	int fd;

	*f = (struct userfile){ .path = mem_dup(path) };
	buf_init(&f->text, cap);
	f->place = place_find(path, inside, e);
	if (!f->place)
		return false;
	if (f->place->missing)
		return true;
	fd = os_open(f->place->folder, f->place->name, OS_READ | OS_NOFOLLOW | OS_AT_ONCE, 0);
	if (fd < 0)
		return errno == ENOENT || replace_fail(e, "read", path, errno);
	good = examine(f, fd, e) && read_all(f, fd, e);
	os_close(fd);
	return good;
}

void userfile_clear(struct userfile *f)
{
	buf_wipe(&f->text); /* other entries may hold secrets */
	free(f->path);
	place_free(f->place);
	*f = (struct userfile){ 0 };
}

/* ---- writing ---- */

static struct replace_as as_it_was(const struct userfile *f)
{
	return (struct replace_as){ f->read.mode, f->read.owner, f->read.group };
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static char *copy_path(const struct userfile *f, int i)
{
	return i == 1 ? mem_printf("%s.mpmcp-bak", f->path)
		      : mem_printf("%s.mpmcp-bak%d", f->path, i);
}

static char *keep_copy(const struct userfile *f, struct err *e)
{
	bool there = true, good = false;
	char *path = NULL;

	for (int i = 1; i <= BACKUPS_MAX && there; i++) {
		struct replace r = { .folder = f->place->beside, .as = as_it_was(f) };

		free(path);
		path = copy_path(f, i);
		r.shown = path;
		r.name = name_of(path);
		good = replace_create(&r, buf_str(&f->text), f->text.len, &there, e);
	}
	if (good)
		return path;
	if (there)
		err_set(e, ERR_IO,
			"there are %d copies beside %s; delete the old ones (.mpmcp-bak)",
			BACKUPS_MAX, f->path);
	else
		err_prefix(e, "no copy of %s can be saved", f->path);
	free(path);
	return NULL;
}

static bool unchanged(void *ctx, struct err *e)
{
	const struct userfile *f = ctx;
	struct os_info now;
	bool same;

	if (!os_info_at(f->place->folder, f->place->name, false, &now))
		same = !f->exists && errno == ENOENT;
	else
		same = f->exists && os_same(&now, &f->read) && (size_t)now.size == f->text.len &&
		       now.changed_ns == f->read.changed_ns;
	return same || err_set(e, ERR_IO,
			       "%s was changed meanwhile, perhaps by the client itself; nothing "
			       "was written. Try again, best with the client closed",
			       f->path);
}

bool userfile_replace(
	struct userfile *f, const void *p, size_t n, bool closed, char **backup, struct err *e)
{
	struct replace r = { .shown = f->path, .may = unchanged, .ctx = f };
	char *copy = NULL;

	*backup = NULL;
	if (f->exists && !(f->read.mode & 0200))
		return err_set(e, ERR_IO,
			"%s is write-protected: it is managed elsewhere, so make the change there, "
			"or run chmod u+w on it",
			f->path);
	if (f->exists)
		r.as = as_it_was(f);
	else
		r.as = (struct replace_as){ closed ? 0600 : os_usual_mode(), OS_KEEP, OS_KEEP };
	if (!place_make(f->place, closed ? 0700 : 0777, f->path, e))
		return false;
	if (f->exists && !(copy = keep_copy(f, e)))
		return false;
	r.folder = f->place->folder;
	r.name = f->place->name;
	if (!replace_file(&r, p, n, e)) {
		if (copy)
			(void)!os_remove(f->place->beside, name_of(copy));
		free(copy);
		return false;
	}
	*backup = copy;
	return true;
}

/* ---- putting back ---- */

static char *newest_copy(const struct userfile *f)
{
	int64_t newest = 0;
	char *found = NULL;

	for (int i = 1; i <= BACKUPS_MAX && f->place->beside >= 0; i++) {
		char *path = copy_path(f, i);
		struct os_info at;

		if (os_info_at(f->place->beside, name_of(path), false, &at) && at.kind == OS_FILE &&
			(!found || at.changed_ns >= newest)) {
			newest = at.changed_ns;
			free(found);
			found = path;
			path = NULL;
		}
		free(path);
	}
	return found;
}

bool userfile_undo(struct userfile *f, const char *inside, size_t cap, char **from, char **backup,
	struct err *e)
{
	struct userfile copy = { 0 };
	bool good = false;

	*backup = NULL;
	*from = newest_copy(f);
	if (!*from)
		return err_set(e, ERR_IO, "there is no copy of %s to restore (%s.mpmcp-bak)",
			f->path, f->path);
	if (!userfile_open(&copy, *from, inside, cap, e))
		goto out;
	if (!userfile_replace(f, buf_str(&copy.text), copy.text.len, !inside, backup, e))
		goto out;
	/* What stays of it would be put back again. */
	good = os_remove(copy.place->beside, name_of(*from)) ||
	       replace_fail(e, "remove", *from, errno);
out:
	userfile_clear(&copy);
	return good;
}
