#include "mcp/session/call_log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/mem.h"
#include "mcp/json/walk.h"
#include "os/file.h"
#include "os/time.h"

/* MCP recommends at most 128 for a tool's name; a line stays small enough to be written at once. */
#define TOOL_MAX 512
/* What is under way at once is bounded by the session's queue; more than that is not looked at. */
#define OPEN_MAX 4096

/* A call that has no answer yet. */
struct open_call {
	struct open_call *next;
	char *id, *tool, *client;
	long long project; /* 0: none was named */
	int64_t began_ms, at_s;
};

struct call_log {
	char *path, *before; /* FILE and FILE.1 */
	int fd;
	struct open_call *open; /* the newest first */
	size_t nopen;
	bool failed; /* it was said that lines are lost */
};

/* ---- the file ---- */

static bool is_safe(const char *path, const struct os_info *i, struct err *e)
{
	if (i->kind != OS_FILE)
		return err_set(e, ERR_USAGE, "--log-calls %s is not a regular file", path);
	if (!i->ours)
		return err_set(e, ERR_USAGE, "--log-calls %s belongs to another user", path);
	return !(i->mode & 022) || err_set(e, ERR_USAGE,
					   "--log-calls %s can be written by other users (mode "
					   "%04o): run \"chmod 600\" "
					   "on it",
					   path, i->mode & 07777);
}

static int open_file(const char *path, struct err *e)
{
	int fd = os_open(
		OS_HERE, path, OS_WRITE | OS_APPEND | OS_CREATE | OS_NOFOLLOW | OS_AT_ONCE, 0600);
	struct os_info i;

	if (fd < 0 && os_is_link_refusal(errno)) {
		err_set(e, ERR_USAGE, "--log-calls %s is a symbolic link: give the file itself",
			path);
	} else if (fd < 0 || !os_info(fd, &i)) {
		err_set(e, ERR_USAGE, "cannot open --log-calls %s: %s", path, strerror(errno));
	} else if (is_safe(path, &i, e)) {
		/* A file system without permissions keeps its own. */
		if (!os_set_mode(fd, 0600))
			diag_debug("%s: %s", path, strerror(errno));
		return fd;
	}
	os_close(fd);
	return -1;
}

/* Another bridge may have moved the file away, or a person. */
static bool is_current(const struct call_log *l, struct os_info *held)
{
	struct os_info named;

	return os_info(l->fd, held) && os_info_at(OS_HERE, l->path, false, &named) &&
	       os_same(held, &named);
}

static bool make_room(struct call_log *l, size_t n, struct err *e)
{
	struct os_info i;
	bool current = l->fd >= 0 && is_current(l, &i);

	if (current && i.size + (int64_t)n > CALL_LOG_MAX) {
		if (!os_rename(OS_HERE, l->path, l->before))
			return err_set(e, ERR_IO, "cannot rename %s: %s", l->path, strerror(errno));
		current = false;
	}
	if (!current) {
		os_close(l->fd);
		l->fd = open_file(l->path, e);
	}
	return l->fd >= 0;
}

static void write_line(struct call_log *l, const struct buf *line)
{
	struct os_part part = { line->p, line->len };
	struct err e = { 0 };

	if (make_room(l, line->len, &e)) {
		if (os_write_line(l->fd, &part, 1)) {
			l->failed = false;
			return;
		}
		err_set(&e, ERR_IO, "cannot write %s: %s", l->path, strerror(errno));
	}
	if (!l->failed)
		diag_error("%s; calls are not logged", err_text(&e));
	l->failed = true;
}

/* ---- calls ---- */

static void free_call(struct open_call *c)
{
	free(c->id);
	free(c->tool);
	free(c->client);
	free(c);
}

struct call_log *call_log_open(const char *path, struct err *e)
{
	struct call_log *l;
	int fd = open_file(path, e);

	if (fd < 0)
		return NULL;
	l = mem_new(sizeof(*l));
	l->path = mem_dup(path);
	l->before = mem_printf("%s.1", path);
	l->fd = fd;
	return l;
}

void call_log_close(struct call_log *l)
{
	if (!l)
		return;
	while (l->open) {
		struct open_call *c = l->open;

		l->open = c->next;
		free_call(c);
	}
	os_close(l->fd);
	free(l->path);
	free(l->before);
	free(l);
}

/* A number, or a text of one. */
static long long project_of(struct span arguments)
{
	struct span v = walk_get(arguments, "project_id", NULL);
	long long id = 0;

	if (walk_type(v) == WALK_STRING && v.n > 2)
		v = (struct span){ v.p + 1, v.n - 2 };
	return walk_integer(v, &id) ? id : 0;
}

/* "mpmcp/1 (name/version)": what is in the brackets. */
static char *client_of(const char *agent)
{
	const char *from = strchr(agent, '(');

	return from ? mem_ndup(from + 1, strcspn(from + 1, ")")) : mem_dup("");
}

static char *tool_of(struct span params)
{
	struct buf name;
	char *text;

	buf_init(&name, TOOL_MAX);
	if (!walk_string(walk_get(params, "name", NULL), &name))
		buf_reset(&name);
	text = err_clean(mem_dup(buf_str(&name)));
	buf_free(&name);
	return text;
}

void call_log_begins(struct call_log *l, const struct message *m, const char *agent)
{
	struct open_call *c;

	if (!l || m->kind != MESSAGE_REQUEST || m->method != METHOD_TOOLS_CALL ||
		l->nopen == OPEN_MAX)
		return;
	c = mem_new(sizeof(*c));
	c->id = mem_ndup(m->id.p, m->id.n);
	c->tool = tool_of(m->params);
	c->client = client_of(agent);
	c->project = project_of(walk_get(m->params, "arguments", NULL));
	c->began_ms = clock_ms();
	c->at_s = clock_wall_s();
	c->next = l->open;
	l->open = c;
	l->nopen++;
}

static const char *const ends[] = {
	[CALL_LOG_OK] = "ok",
	[CALL_LOG_TOOL_ERROR] = "tool_error",
	[CALL_LOG_ERROR] = "error",
	[CALL_LOG_FAILED] = "failed",
	[CALL_LOG_BLOCKED] = "blocked",
	[CALL_LOG_CANCELLED] = "cancelled",
};

static bool make_line(struct buf *b, const struct open_call *c, enum call_log_end end, size_t bytes)
{
	struct tm tm;
	char when[40] = "";
	bool good;

	if (os_utc(c->at_s, &tm))
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	good = buf_addf(b, "{\"time\":\"%s\",\"client\":", when) &&
	       message_quote(b, c->client, strlen(c->client)) && buf_adds(b, ",\"tool\":") &&
	       message_quote(b, c->tool, strlen(c->tool));
	if (c->project)
		good = good && buf_addf(b, ",\"project\":%lld", c->project);
	return good && buf_addf(b, ",\"ms\":%lld,\"outcome\":\"%s\",\"bytes\":%zu}\n",
			       (long long)(clock_ms() - c->began_ms), ends[end], bytes);
}

void call_log_ends(struct call_log *l, struct span id, enum call_log_end end, size_t bytes)
{
	struct open_call **at, *c;
	struct buf line;

	if (!l)
		return;
	for (at = &l->open; (c = *at); at = &c->next)
		if (strlen(c->id) == id.n && memcmp(c->id, id.p, id.n) == 0)
			break;
	if (!c)
		return;
	*at = c->next;
	l->nopen--;
	buf_init(&line, SIZE_MAX / 2);
	if (make_line(&line, c, end, bytes))
		write_line(l, &line);
	buf_free(&line);
	free_call(c);
}

void call_log_answered(struct call_log *l, struct span id, const struct message *m)
{
	enum call_log_end end = m->error.p ? CALL_LOG_ERROR : CALL_LOG_OK;

	if (!l || !l->open)
		return;
	if (walk_true(walk_get(m->result, "isError", NULL)))
		end = CALL_LOG_TOOL_ERROR;
	call_log_ends(l, id, end, m->whole.n);
}

void call_log_answered_by(struct call_log *l, struct span id, struct span text)
{
	struct message m = { .whole = text };

	if (!l || !l->open)
		return;
	m.error = walk_get(text, "error", NULL);
	m.result = walk_get(text, "result", NULL);
	call_log_answered(l, id, &m);
}
