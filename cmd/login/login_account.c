/* login --service-account: asks for one, tries it, keeps it in the token folder. */
#include <stdio.h>
#include <string.h>

#include "auth/kept_account.h"
#include "auth/service_account.h"
#include "base/diag.h"
#include "base/given.h"
#include "base/mem.h"
#include "base/text.h"
#include "format.h"
#include "login/login.h"
#include "login/question.h"
#include "probe.h"
#include "projects.h"
#include "os/file.h"
#include "os/start.h"
#include "os/terminal.h"

/* ---- asking ---- */

static bool read_input(struct buf *text, struct err *e)
{
	char piece[1024];
	int64_t n;

	while ((n = os_read(OS_STDIN, piece, sizeof(piece))) > 0)
		if (!buf_add(text, piece, (size_t)n))
			return err_set(e, ERR_USAGE,
				"standard input is longer than %d bytes, too long for a service "
				"account",
				SERVICE_ACCOUNT_MAX);
	secret_wipe(piece, sizeof(piece));
	return (n == 0 || err_set(e, ERR_IO, "cannot read standard input")) &&
	       text_plain(text, "standard input", e);
}

static bool ask(struct login *l, struct buf *text)
{
	char service[FORMAT_SERVICE], *prompt;
	bool good;

	if (!os_is_terminal(stdin))
		return read_input(text, &l->e);
	format_service(l->c->url, service);
	prompt = mem_printf(
		"Service account for %s, as username:secret or base64 (not shown): ", service);
	good = question_hidden(l->c->loop, prompt, text) ||
	       err_set(&l->e, ERR_USAGE, "nothing was typed");
	free(prompt);
	return good && !l->signal;
}

static bool read_account(struct login *l, struct secret *value)
{
	const char *repaired = NULL;
	struct buf text, field;
	bool good;

	buf_init(&text, SERVICE_ACCOUNT_MAX);
	buf_init(&field, 2 * SERVICE_ACCOUNT_MAX);
	good = ask(l, &text);
	given_value(buf_str(&text), text.len);
	good = good && service_account_from_token(
			       buf_str(&text), "the service account", &field, &repaired, &l->e);
	if (good && repaired)
		diag_note("the service account: %s", repaired);
	if (good)
		secret_set(value, field.p, field.len);
	buf_wipe(&text);
	buf_wipe(&field);
	return good;
}

/* ---- trying ---- */

struct trying {
	struct login *l;
	struct probe *probe;
};

static void tried(void *ctx, enum probe_result how, const struct err *e, const char *said,
	struct challenge *wants)
{
	struct trying *t = ctx;

	(void)how;
	(void)wants;
	t->probe = NULL;
	if (e)
		t->l->e = *e;
	else if (said)
		err_set(&t->l->e, ERR_NOT_FOUND, "%s", said);
	loop_stop(t->l->c->loop);
}

static bool try_account(struct login *l, const struct secret *value)
{
	struct trying t = { .l = l };

	t.probe = probe_start(l->c, secret_str(value), tried, &t, &l->e);
	if (t.probe && !loop_run(l->c->loop, &l->e))
		loop_stop(l->c->loop);
	probe_cancel(t.probe);
	if (!l->e.kind || l->signal)
		return !l->signal;
	if (l->e.kind == ERR_AUTH)
		err_advise(&l->e, l->e.reason,
			"Check that the account exists, has not expired, and that the region is "
			"right (login us, eu or in).");
	return err_prefix(&l->e, "nothing was saved: the service account was tried");
}

/* ---- the whole ---- */

bool login_account(struct login *l)
{
	struct secret value = { 0 };
	bool good;

	if (!service_account_may_go_to(l->c->url, &l->e))
		return false;
	login_warn_of_other(l);
	good = read_account(l, &value);
	if (good)
		context_use_account(l->c, secret_str(&value));
	good = good && try_account(l, &value) &&
	       kept_account_save(
		       l->c->oauth.auth_dir, l->c->url, l->c->oauth.profile, &value, &l->e);
	if (good)
		login_say_account(l, &value);
	secret_clear(&value);
	return good;
}
