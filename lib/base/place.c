#define _XOPEN_SOURCE 700
#define _DARWIN_C_SOURCE
#include "base/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/replace.h"

/* Links on one way; as many as systems follow. */
#define LINKS_MAX 40

/* Longest text of a link that is followed. */
#define LINK_MAX ((size_t)4096)

struct walk_path {
	struct place *p;
	const char *path; /* as given, for messages */
	char *rest;       /* what is still to go */
	char *part;       /* the component at hand */
	bool last;
	unsigned links;
	uid_t owner; /* of a link that was followed and is neither root's nor ours */
	bool foreign;
};

void place_free(struct place *p)
{
	if (!p)
		return;
	if (p->folder >= 0)
		close(p->folder);
	if (p->beside >= 0)
		close(p->beside);
	free(p->missing);
	free(p->name);
	free(p);
}

/* ---- one component ---- */

static bool next_part(struct walk_path *w)
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");
	char *rest = mem_dup(from + n);

	free(w->part);
	w->part = mem_ndup(from, n);
	w->last = !rest[strspn(rest, "/")];
	free(w->rest);
	w->rest = rest;
	return n > 0;
}

/* Takes fd over. */
static bool move_to(struct walk_path *w, int fd, struct err *e)
{
	if (fd < 0)
		return replace_fail(e, "follow", w->path, errno);
	if (w->p->folder >= 0)
		close(w->p->folder);
	w->p->folder = fd;
	return true;
}

/* Where the last component stands before the first link in its place is followed. */
static bool note_beside(struct walk_path *w, struct err *e)
{
	struct place *p = w->p;

	if (p->beside < 0)
		p->beside = fcntl(p->folder, F_DUPFD_CLOEXEC, 0);
	return p->beside >= 0 || replace_fail(e, "follow", w->path, errno);
}

static bool follow(struct walk_path *w, const char *text, struct err *e)
{
	struct place *p = w->p;
	struct stat st;
	char *rest;

	if (++w->links > LINKS_MAX)
		return err_set(
			e, ERR_IO, "%s is a link that leads back to itself; repair it", w->path);
	if (fstatat(p->folder, w->part, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return replace_fail(e, "follow the link", w->path, errno);
	if (st.st_uid != 0 && st.st_uid != geteuid()) {
		if (w->foreign && w->owner != st.st_uid)
			return replace_fail(e, "follow the links of", w->path, EPERM);
		w->foreign = true;
		w->owner = st.st_uid;
	}
	if (w->last && !note_beside(w, e))
		return false;
	rest = mem_printf("%s/%s", text, w->rest);
	free(w->rest);
	w->rest = rest;
	return *text != '/' || move_to(w, replace_folder(AT_FDCWD, "/", true), e);
}

static bool add_missing(struct walk_path *w)
{
	struct place *p = w->p;
	char *all = p->missing ? mem_printf("%s/%s", p->missing, w->part) : mem_dup(w->part);

	free(p->missing);
	p->missing = all;
	return true;
}

static bool climb(struct walk_path *w, struct err *e)
{
	if (w->p->missing)
		return err_set(e, ERR_IO,
			"%s is a link that leads through \"..\" after a folder that does not exist "
			"(%s); repair it",
			w->path, w->p->missing);
	return move_to(w, replace_folder(w->p->folder, "..", true), e);
}

static bool step(struct walk_path *w, struct err *e)
{
	struct place *p = w->p;
	char text[LINK_MAX];
	ssize_t n = -1;
	int fd;

	if (strcmp(w->part, ".") == 0)
		return true;
	if (strcmp(w->part, "..") == 0)
		return climb(w, e);
	if (!p->missing)
		n = readlinkat(p->folder, w->part, text, sizeof(text) - 1);
	if (n >= 0) {
		text[n] = 0;
		return follow(w, text, e);
	}
	if (w->last) {
		p->name = mem_dup(w->part);
		return p->missing || note_beside(w, e);
	}
	if (p->missing)
		return add_missing(w);
	fd = replace_folder(p->folder, w->part, false);
	return fd < 0 && errno == ENOENT ? add_missing(w) : move_to(w, fd, e);
}

/* ---- where it came to ---- */

static bool same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* By climbing from the folder itself: its path may be another one in the next moment. */
static bool is_below(int folder, int root)
{
	int at = fcntl(folder, F_DUPFD_CLOEXEC, 0), up;
	bool found = false, top = false;

	while (at >= 0 && !found && !top) {
		found = same(at, root);
		up = replace_folder(at, "..", true);
		top = up < 0 || same(at, up);
		close(at);
		at = up;
	}
	if (at >= 0)
		close(at);
	return found;
}

/* A project comes from elsewhere: its links must not make us edit other files of the person. */
static bool check_inside(const struct walk_path *w, const char *inside, struct err *e)
{
	const struct place *p = w->p;
	int root = replace_folder(AT_FDCWD, inside, true);
	bool good = root >= 0 && is_below(p->folder, root) &&
		    (p->beside < 0 || is_below(p->beside, root));

	if (root >= 0)
		close(root);
	return good ||
	       err_set(e, ERR_IO,
		       "%s points outside this folder through a symbolic link; not modified. Make "
		       "the change by hand if the link is yours",
		       w->path);
}

/* What root may write anywhere, the owner of a link may not: they would choose a file of somebody else. */
static bool check_links(const struct walk_path *w, struct err *e)
{
	struct stat st;

	if (!w->foreign || geteuid() != 0)
		return true;
	if (fstat(w->p->folder, &st) == 0 && st.st_uid == w->owner)
		return true;
	return err_set(e, ERR_IO,
		"%s is a link of user %ld that points to a folder of somebody else, which root "
		"does not follow; run this as that user",
		w->path, (long)w->owner);
}

struct place *place_find(const char *path, const char *inside, struct err *e)
{
	struct place *p = mem_new(sizeof(*p));
	struct walk_path w = { .p = p, .path = path, .rest = mem_dup(path) };
	bool good;

	p->folder = p->beside = -1;
	good = move_to(&w, replace_folder(AT_FDCWD, *path == '/' ? "/" : ".", true), e);
	while (good && !p->name)
		good = next_part(&w) ? step(&w, e)
				     : err_set(e, ERR_IO, "%s is not a plain file", path);
	good = good && (!inside || check_inside(&w, inside, e)) && check_links(&w, e);
	free(w.rest);
	free(w.part);
	if (good)
		return p;
	place_free(p);
	return NULL;
}

bool place_make(struct place *p, mode_t mode, const char *shown, struct err *e)
{
	char *at = p->missing, *end;
	int fd;

	for (; at && *at; at = end) {
		end = at + strcspn(at, "/");
		if (*end)
			*end++ = 0;
		if (mkdirat(p->folder, at, mode) != 0 && errno != EEXIST)
			return replace_fail(e, "make the folder of", shown, errno);
		fd = replace_folder(p->folder, at, false);
		if (fd < 0)
			return replace_fail(e, "open the folder of", shown, errno);
		close(p->folder);
		p->folder = fd;
	}
	free(p->missing);
	p->missing = NULL;
	return true;
}
