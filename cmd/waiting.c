#include "waiting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/mem.h"
#include "columns.h"
#include "mcp/json/walk.h"
#include "os/terminal.h"
#include "wrap.h"

/* Who waits no longer than that is not disturbed. */
#define FIRST_MS 1000
#define TURN_MS 250

struct waiting {
	struct loop_timer timer;
	bool on;    /* somebody may see it */
	bool shown; /* the line stands there */
	int64_t since_ms;
	unsigned turns;
	char *text; /* of the server; NULL: none */
};

static void take_away(struct waiting *w)
{
	if (w->shown)
		fprintf(stderr, "\r\033[K");
	w->shown = false;
}

static void before_message(void *ctx)
{
	take_away(ctx);
}

static void show(struct waiting *w)
{
	int64_t ms = clock_ms() - w->since_ms;
	const char *text = w->text ? w->text : "";
	size_t width = wrap_width(stderr) - 1, used;
	char mark[32] = "";

	if (ms >= FIRST_MS)
		snprintf(mark, sizeof(mark), "%c %lld s%s", "|/-\\"[w->turns++ % 4],
			(long long)(ms / 1000), *text ? "  " : "");
	used = strlen(mark);
	if (used + 1 > width || (!*mark && !*text))
		return;
	fprintf(stderr, "\r\033[K%s%.*s", mark, (int)columns_fit(text, strlen(text), width - used),
		text);
	w->shown = true;
}

static void turn(void *ctx)
{
	struct waiting *w = ctx;

	show(w);
	loop_timer_set(&w->timer, TURN_MS);
}

struct waiting *waiting_new(struct loop *l, bool quiet)
{
	struct waiting *w = mem_new(sizeof(*w));

	w->on = !quiet && !diag_debugging() && os_is_terminal(stderr);
	loop_timer_init(&w->timer, l, turn, w);
	return w;
}

void waiting_free(struct waiting *w)
{
	if (!w)
		return;
	waiting_stop(w);
	free(w);
}

void waiting_start(struct waiting *w)
{
	if (!w->on)
		return;
	w->since_ms = clock_ms();
	diag_before(before_message, w);
	loop_timer_set(&w->timer, FIRST_MS);
}

void waiting_stop(struct waiting *w)
{
	if (!w->on)
		return;
	take_away(w);
	loop_timer_clear(&w->timer);
	diag_before(NULL, NULL);
	free(w->text);
	w->text = NULL;
}

/* "[3/6] ", "[50%] ", or nothing where the end is not known. */
static bool add_count(struct buf *b, struct span params)
{
	struct span progress = walk_get(params, "progress", NULL),
		    total = walk_get(params, "total", NULL);
	long long done = 0, all = 0;

	if (!walk_integer(total, &all))
		return true;
	if (walk_integer(progress, &done) && done >= 0 && all > 0)
		return buf_addf(b, "[%lld/%lld] ", done, all);
	return true;
}

void waiting_progress(struct waiting *w, struct span params)
{
	struct buf b;
	size_t count;

	if (!w->on)
		return;
	buf_init(&b, MESSAGE_MAX);
	if (!add_count(&b, params))
		buf_reset(&b);
	count = b.len;
	(void)!walk_string(walk_get(params, "message", NULL), &b);
	if (b.len == count && !buf_adds(&b, "working..."))
		buf_reset(&b);
	free(w->text);
	w->text = err_clean(buf_take(&b, NULL));
	show(w);
}
