#include "auth/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypt.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/mem.h"
#include "base/secret.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/process.h"
#include "os/start.h"

/* A sign-in, and what was given to this program: both are bounded by far less. */
#define JOB_MAX ((size_t)4 << 20)

struct worker {
	int fd;
	struct loop_watch *watch;
	struct buf in;
	int job_fd; /* -1: it has all of its job */
	struct loop_watch *job_watch;
	struct buf job; /* what it has not yet */
	const struct worker_events *on;
	void *ctx;
	bool busy, left; /* a callback of its owner runs; it was left there */
};

/* ---- the new process ---- */

void worker_say(const char *line)
{
	/* It is no failure when nobody reads it any more. */
	if (os_write(OS_STDOUT, line, strlen(line)))
		(void)!os_write(OS_STDOUT, "\n", 1);
}

/* JSON has no place for bytes that are no UTF-8: they come as {"base64": "..."}. */
static const char as_base64[] = "base64";

json_t *worker_text(const char *text)
{
	json_t *plain = json_string(text), *coded;
	struct buf b;

	if (plain)
		return plain;
	buf_init(&b, JOB_MAX);
	coded = crypt_base64(&b, text, strlen(text)) ? json_pack("{s:s}", as_base64, buf_str(&b))
						     : NULL;
	buf_wipe(&b);
	return coded;
}

/* What v stands for, if it is such a text; else what is in it gets another look. A new reference, or NULL. */
static json_t *decoded(json_t *v)
{
	const char *name, *coded = json_string_value(json_object_get(v, as_base64));
	json_t *inner, *text = NULL;
	struct buf b;
	size_t i;
	void *next;

	if (coded) {
		buf_init(&b, JOB_MAX);
		if (crypt_unbase64(&b, coded, strlen(coded)))
			text = json_stringn_nocheck(buf_str(&b), strlen(buf_str(&b)));
		buf_wipe(&b);
		return text;
	}
	json_object_foreach_safe(v, next, name, inner)
	{
		if ((text = decoded(inner)))
			json_object_set_new(v, name, text);
	}
	json_array_foreach(v, i, inner)
	{
		if ((text = decoded(inner)))
			json_array_set_new(v, i, text);
	}
	return NULL;
}

static bool read_job(struct buf *text, struct err *e)
{
	char piece[4096];
	int64_t n;
	bool good = true;

	while (good && (n = os_read(OS_STDIN, piece, sizeof(piece))) > 0)
		good = buf_add(text, piece, (size_t)n);
	secret_wipe(piece, sizeof(piece));
	return good || err_set(e, ERR_LIMIT, "the job is too long");
}

json_t *worker_job(bool *other, struct err *e)
{
	const char *version;
	struct buf text;
	json_t *job = NULL, *hidden;
	size_t i;

	*other = false;
	buf_init(&text, JOB_MAX);
	if (read_job(&text, e))
		job = json_loadb(buf_str(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	buf_wipe(&text);
	version = json_string_value(json_object_get(job, "version"));
	if (version && strcmp(version, MPMCP_VERSION) == 0) {
		json_decref(decoded(job));
		json_array_foreach(json_object_get(job, "hidden"), i, hidden)
		{
			if (json_is_string(hidden))
				diag_pin(json_string_value(hidden), json_string_length(hidden));
		}
		return job;
	}
	*other = version != NULL;
	if (version)
		err_set(e, ERR_IO,
			"mpmcp was replaced by version %s while it ran; restart the program that "
			"uses it",
			MPMCP_VERSION);
	else if (!e->kind)
		err_set(e, ERR_USAGE,
			WORKER_WORD " is for mpmcp itself, which says what is to be done");
	json_decref(job);
	return NULL;
}

/* ---- its starter ---- */

static void worker_free(struct worker *w)
{
	loop_watch_free(w->watch);
	os_stream_close(w->fd);
	loop_watch_free(w->job_watch);
	os_stream_close(w->job_fd);
	buf_wipe(&w->in);
	buf_wipe(&w->job);
	free(w);
}

void worker_leave(struct worker *w)
{
	if (!w)
		return;
	w->left = true;
	if (!w->busy)
		worker_free(w);
}

static void take_lines(struct worker *w)
{
	char *end;

	while (!w->left && w->in.len && (end = memchr(w->in.p, '\n', w->in.len))) {
		size_t n = (size_t)(end - w->in.p);

		*end = 0;
		w->on->line(w->ctx, w->in.p, n);
		secret_wipe(w->in.p, n);
		buf_drop(&w->in, n + 1);
	}
}

static void readable(void *ctx, int happened)
{
	struct worker *w = ctx;
	char piece[4096];
	int64_t n = os_receive(w->fd, piece, sizeof(piece));

	(void)happened;
	if (n < 0 && errno == EAGAIN)
		return;
	w->busy = true;
	if (n > 0 && buf_add(&w->in, piece, (size_t)n)) {
		take_lines(w);
		w->busy = false;
		secret_wipe(piece, sizeof(piece));
		if (w->left)
			worker_free(w);
		return;
	}
	if (!w->left)
		w->on->end(w->ctx);
	worker_free(w);
}

/* A pipe takes a job of the usual size at once: what becomes of us then is no matter. */
static void send_job(struct worker *w)
{
	while (w->job.len) {
		struct os_part rest = { w->job.p, w->job.len };
		int64_t n = os_send(w->job_fd, &rest, 1);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0)
			break; /* it is gone, and its end is seen */
		secret_wipe(w->job.p, (size_t)n);
		buf_drop(&w->job, (size_t)n);
	}
	loop_watch_free(w->job_watch);
	w->job_watch = NULL;
	os_stream_close(w->job_fd);
	w->job_fd = -1;
}

static void job_writable(void *ctx, int happened)
{
	(void)happened;
	send_job(ctx);
}

/* What the person gave is hidden there, too. */
static json_t *hidden_texts(void)
{
	json_t *all = json_array();
	const char *text;

	for (size_t i = 0; (text = diag_pinned(i)); i++)
		json_array_append_new(all, worker_text(text));
	return all;
}

static bool write_job(json_t *job, struct buf *out, struct err *e)
{
	char *text = NULL;
	bool good;

	if (job && json_object_set_new(job, "version", json_string(MPMCP_VERSION)) == 0 &&
		json_object_set_new(job, "hidden", hidden_texts()) == 0)
		text = json_dumps(job, JSON_COMPACT);
	good = text && buf_add(out, text, strlen(text));
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(job);
	return good || err_set(e, ERR_LIMIT, "the job of a new process is too long");
}

static bool start_process(int job, int report, const char *about)
{
	const char *const args[] = { "mpmcp", WORKER_WORD, about, NULL };
	char **variables = given_environment(true);
	struct os_command c = {
		.args = args, .variables = variables, .in = job, .out = report, .err = OS_NOTHING
	};
	bool good = os_start_detached(&c);
	int error = errno;

	os_free_variables(variables);
	errno = error;
	return good;
}

struct worker *worker_start(struct loop *l, json_t *job, const char *about,
	const struct worker_events *on, void *ctx, struct err *e)
{
	struct worker *w = mem_new(sizeof(*w));
	int there[2] = { -1, -1 }, back[2] = { -1, -1 };
	bool good;

	*w = (struct worker){ .fd = -1, .job_fd = -1, .on = on, .ctx = ctx };
	buf_init(&w->in, WORKER_LINE_MAX);
	buf_init(&w->job, JOB_MAX);
	good = write_job(job, &w->job, e);
	if (good && !(os_pipe(there) && os_pipe(back) && os_set_blocking(there[1], false, NULL) &&
			    os_set_blocking(back[0], false, NULL) &&
			    start_process(there[0], back[1], about)))
		good = err_set(e, ERR_IO,
			"cannot start a process: %s; close other programs and try again",
			strerror(errno));
	os_stream_close(there[0]);
	os_stream_close(back[1]);
	w->job_fd = there[1];
	w->fd = back[0];
	if (!good) {
		worker_free(w);
		return NULL;
	}
	w->watch = loop_watch(l, w->fd, LOOP_READ, readable, w);
	w->job_watch = loop_watch(l, w->job_fd, LOOP_WRITE, job_writable, w);
	send_job(w);
	return w;
}
