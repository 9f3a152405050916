#include "base/place.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/replace.h"
#include "os/file.h"

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
	long owner; /* of a link that was followed and is neither root's nor ours */
	bool foreign;
};

void place_free(struct place *p)
{
	if (!p)
		return;
	os_close(p->folder);
	os_close(p->beside);
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
	os_close(w->p->folder);
	w->p->folder = fd;
	return true;
}

/* Where the last component stands before the first link in its place is followed. */
static bool note_beside(struct walk_path *w, struct err *e)
{
	struct place *p = w->p;

	if (p->beside < 0)
		p->beside = os_dup(p->folder);
	return p->beside >= 0 || replace_fail(e, "follow", w->path, errno);
}

static bool follow(struct walk_path *w, const char *text, struct err *e)
{
	struct place *p = w->p;
	struct os_info i;
	char *rest;

	if (++w->links > LINKS_MAX)
		return err_set(
			e, ERR_IO, "%s is a link that leads back to itself; repair it", w->path);
	if (!os_info_at(p->folder, w->part, false, &i))
		return replace_fail(e, "follow the link", w->path, errno);
	if (i.owner != 0 && !i.ours) {
		if (w->foreign && w->owner != i.owner)
			return replace_fail(e, "follow the links of", w->path, EPERM);
		w->foreign = true;
		w->owner = i.owner;
	}
	if (w->last && !note_beside(w, e))
		return false;
	rest = mem_printf("%s/%s", text, w->rest);
	free(w->rest);
	w->rest = rest;
	return *text != '/' || move_to(w, os_open_folder(OS_HERE, "/", true, false), e);
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
	return move_to(w, os_open_folder(w->p->folder, "..", true, false), e);
}

static bool step(struct walk_path *w, struct err *e)
{
	struct place *p = w->p;
	char text[LINK_MAX];
	int fd;

	if (strcmp(w->part, ".") == 0)
		return true;
	if (strcmp(w->part, "..") == 0)
		return climb(w, e);
	if (!p->missing && os_read_link(p->folder, w->part, text, sizeof(text)))
		return follow(w, text, e);
	if (w->last) {
		p->name = mem_dup(w->part);
		return p->missing || note_beside(w, e);
	}
	if (p->missing)
		return add_missing(w);
	fd = os_open_folder(p->folder, w->part, false, false);
	return fd < 0 && errno == ENOENT ? add_missing(w) : move_to(w, fd, e);
}

/* ---- where it came to ---- */

static bool same(int a, int b)
{
	struct os_info x, y;

	return os_info(a, &x) && os_info(b, &y) && os_same(&x, &y);
}

/* By climbing from the folder itself: its path may be another one in the next moment. */
static bool is_below(int folder, int root)
{
	int at = os_dup(folder), up;
	bool found = false, top = false;

	while (at >= 0 && !found && !top) {
		found = same(at, root);
		up = os_open_folder(at, "..", true, false);
		top = up < 0 || same(at, up);
		os_close(at);
		at = up;
	}
	os_close(at);
	return found;
}

/* A project comes from elsewhere: its links must not make us edit other files of the person. */
static bool check_inside(const struct walk_path *w, const char *inside, struct err *e)
{
	const struct place *p = w->p;
	int root = os_open_folder(OS_HERE, inside, true, false);
	bool good = root >= 0 && is_below(p->folder, root) &&
		    (p->beside < 0 || is_below(p->beside, root));

	os_close(root);
	return good ||
	       err_set(e, ERR_IO,
		       "%s points outside this folder through a symbolic link; not modified. Make "
		       "the change by hand if the link is yours",
		       w->path);
}

/* What root may write anywhere, the owner of a link may not: they would choose a file of somebody else. */
static bool check_links(const struct walk_path *w, struct err *e)
{
	struct os_info i;

	if (!w->foreign || os_user() != 0)
		return true;
	if (os_info(w->p->folder, &i) && i.owner == w->owner)
		return true;
	return err_set(e, ERR_IO,
		"%s is a link of user %ld that points to a folder of somebody else, which root "
		"does not follow; run this as that user",
		w->path, w->owner);
}

struct place *place_find(const char *path, const char *inside, struct err *e)
{
	struct place *p = mem_new(sizeof(*p));
	struct walk_path w = { .p = p, .path = path, .rest = mem_dup(path) };
	bool good;

	p->folder = p->beside = -1;
	good = move_to(&w, os_open_folder(OS_HERE, *path == '/' ? "/" : ".", true, false), e);
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

bool place_make(struct place *p, unsigned mode, const char *shown, struct err *e)
{
	char *at = p->missing, *end;
	int fd;

	for (; at && *at; at = end) {
		end = at + strcspn(at, "/");
		if (*end)
			*end++ = 0;
		if (!os_make_folder(p->folder, at, mode, false) && errno != EEXIST)
			return replace_fail(e, "make the folder of", shown, errno);
		fd = os_open_folder(p->folder, at, false, false);
		if (fd < 0)
			return replace_fail(e, "open the folder of", shown, errno);
		os_close(p->folder);
		p->folder = fd;
	}
	free(p->missing);
	p->missing = NULL;
	return true;
}
