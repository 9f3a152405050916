#include "auth/browser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/given.h"
#include "base/mem.h"
#include "net/url.h"
#include "os/file.h"
#include "os/process.h"
#include "os/start.h"

/* A failure after this long is no failure to open: a browser that runs until it is closed may end with any
 * status. */
#define FAILS_S 10

/* Inside WSL the browser is on Windows. The address holds no quote (url_add_escaped()). */
static const char windows_browsers[] =
	"wslview:powershell.exe -NoProfile -NonInteractive -Command Start-Process '%s':xdg-open";

static bool in_wsl(void)
{
	return os_variable("WSL_DISTRO_NAME") && !os_variable("SSH_CONNECTION") &&
	       !os_variable("SSH_TTY");
}

static bool program_is_there(const char *name)
{
	char *path = os_find_program(name);

	free(path);
	return path != NULL;
}

static const char *default_browsers(void)
{
	return in_wsl() ? windows_browsers : os_default_browsers;
}

bool browser_possible(void)
{
	if (os_variable("CI"))
		return false;
	return os_variable("BROWSER") || os_variable("DISPLAY") || os_variable("WAYLAND_DISPLAY") ||
	       os_has_desktop() ||
	       (in_wsl() && (program_is_there("wslview") || program_is_there("powershell.exe")));
}

/* Three bytes for each of the longest URL: a cap that url_add_escaped() cannot meet. */
#define ADDRESS_MAX ((size_t)3 * URL_MAX)

/* Words of one entry; more than that is no command line. */
#define WORDS_MAX 16

/* word with every %s replaced. */
static char *fill_in(const char *word, const char *url)
{
	struct buf b;
	char *text;

	buf_init(&b, (size_t)1 << 20);
	while (*word) {
		bool place = word[0] == '%' && word[1] == 's';

		if (place ? !buf_adds(&b, url) : !buf_addc(&b, *word))
			break;
		word += place ? 2 : 1;
	}
	text = buf_take(&b, NULL);
	return text;
}

static char *found(const char *name)
{
	return strchr(name, '/') ? mem_dup(name) : os_find_program(name);
}

/* The arguments of a program, NULL at the end. */
static void free_words(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* A program whose name holds blanks: the entry as a whole is a file that can be run. */
static char **whole_entry(const char *entry, size_t n, const char *url)
{
	char *program = mem_ndup(entry, n), **words = NULL;

	if (strchr(program, '/') && strchr(program, ' ') && os_may(program, OS_MAY_RUN)) {
		words = mem_new(3 * sizeof(*words));
		words[0] = program;
		words[1] = mem_dup(url);
		return words;
	}
	free(program);
	return NULL;
}

/* One entry of the list, n bytes: a program and perhaps arguments, between blanks. NULL: there is no such program. */
static char **entry_words(const char *entry, size_t n, const char *url)
{
	char **words = mem_new((WORDS_MAX + 2) * sizeof(*words)), *program;
	const char *end = entry + n;
	bool placed = false;
	size_t count = 0;

	while (entry < end && count < WORDS_MAX) {
		size_t len = strcspn(entry, " \t");
		char *word;

		len = len > (size_t)(end - entry) ? (size_t)(end - entry) : len;
		if (len) {
			word = mem_ndup(entry, len);
			placed = placed || (count && strstr(word, "%s"));
			words[count] = count ? fill_in(word, url) : mem_dup(word);
			count++;
			free(word);
		}
		entry += len + 1;
	}
	if (!placed)
		words[count] = mem_dup(url);
	program = count ? found(words[0]) : NULL;
	if (!program) {
		free_words(words);
		return NULL;
	}
	free(words[0]);
	words[0] = program;
	return words;
}

/* $BROWSER is a list separated by colons; the address takes the place of %s in an entry, or is added to
 * it. No shell reads any of that. */
static char ***programs_of(const char *list, const char *url)
{
	char ***programs, **words;
	size_t n = 0;

	for (const char *p = list; *p; p++)
		n += *p == os_list_separator;
	programs = mem_new((2 * (n + 1) + 1) * sizeof(*programs));
	for (n = 0; *list;) {
		size_t len = 0;

		while (list[len] && list[len] != os_list_separator)
			len++;
		if ((words = whole_entry(list, len, url)))
			programs[n++] = words;
		if ((words = entry_words(list, len, url)))
			programs[n++] = words;
		list += len + (list[len] != 0);
	}
	return programs;
}

static void free_programs(char ***programs)
{
	for (char ***p = programs; *p; p++)
		free_words(*p);
	free(programs);
}

/* Without credentials, and with what clients withhold from us and a desktop's programs need. */
static char **variables(void)
{
	char **v = given_environment(false), **more = os_desktop_variables();
	size_t n = 0, nmore = 0;

	while (v[n])
		n++;
	while (more && more[nmore])
		nmore++;
	v = mem_grow(v, n + nmore + 1, sizeof(*v));
	for (size_t i = 0; i < nmore; i++)
		v[n + i] = more[i];
	v[n + nmore] = NULL;
	free(more);
	return v;
}

struct browser {
	struct os_showing *showing;
	struct loop_watch *watch;
	browser_failed_fn *failed;
	void *ctx;
};

static void dismiss(struct browser *b)
{
	loop_watch_free(b->watch);
	b->watch = NULL;
	os_showing_free(b->showing);
	b->showing = NULL;
}

static void explain(struct err *e, enum os_shown how)
{
	int first = (int)strcspn(default_browsers(), ":");

	if (os_variable("BROWSER"))
		err_set(e, ERR_IO, "no browser could be started: %s",
			how == OS_SHOW_FAILED ? "the program in BROWSER failed"
					      : "the program in BROWSER does not exist");
	else if (how == OS_SHOW_FAILED)
		err_set(e, ERR_IO, "no browser could be started: %.*s failed; set BROWSER", first,
			default_browsers());
	else
		err_set(e, ERR_IO,
			"no browser could be started: %.*s is not installed; set BROWSER", first,
			default_browsers());
}

static void reported(void *ctx, int happened)
{
	struct browser *b = ctx;
	enum os_shown how = os_showing_result(b->showing);
	struct err e = { 0 };

	(void)happened;
	if (how == OS_SHOW_AGAIN)
		return;
	dismiss(b);
	if (how == OS_SHOWN)
		return;
	explain(&e, how);
	b->failed(b->ctx, &e); /* b may be gone */
}

static struct os_showing *show(const char *url, struct err *e)
{
	const char *list = os_variable("BROWSER");
	char **with = variables(), ***programs;
	struct os_showing *showing = NULL;
	struct buf escaped;

	buf_init(&escaped, ADDRESS_MAX);
	if (url_add_escaped(&escaped, url)) {
		programs = programs_of(list ? list : default_browsers(), buf_str(&escaped));
		showing = os_show(buf_str(&escaped), programs, with, FAILS_S);
		free_programs(programs);
	}
	if (!showing)
		err_set(e, ERR_IO, "cannot start a browser: %s", strerror(errno));
	os_free_variables(with);
	buf_free(&escaped);
	return showing;
}

struct browser *browser_open(
	struct loop *l, const char *url, browser_failed_fn *failed, void *ctx, struct err *e)
{
	struct os_showing *showing;
	struct browser *b;
	struct url u;

	if (!url_parse(url, &u, e))
		return NULL;
	url_clear(&u);
	if (!(showing = show(url, e)))
		return NULL;
	b = mem_new(sizeof(*b));
	*b = (struct browser){ .showing = showing, .failed = failed, .ctx = ctx };
	b->watch = loop_watch(l, os_showing_fd(showing), LOOP_READ, reported, b);
	return b;
}

void browser_free(struct browser *b)
{
	if (!b)
		return;
	dismiss(b);
	free(b);
}
