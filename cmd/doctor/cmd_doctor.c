#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/documents.h"
#include "base/diag.h"
#include "base/mem.h"
#include "commands.h"
#include "doctor/doctor.h"
#include "exit.h"
#include "format.h"
#include "wrap.h"

/* ---- findings ---- */

__attribute__((format(printf, 2, 0))) static void set_text(
	char out[ERR_MSG_MAX], const char *fmt, va_list ap)
{
	vsnprintf(out, ERR_MSG_MAX, fmt, ap);
	err_clean(diag_redact(out));
}

#define SET(f, s) \
	do { \
		va_list ap; \
\
		(f)->state = (s); \
		va_start(ap, fmt); \
		set_text((f)->detail, fmt, ap); \
		va_end(ap); \
	} while (0)

void found(struct finding *f, const char *fmt, ...)
{
	SET(f, FOUND_OK);
}

void warn_of(struct finding *f, const char *fmt, ...)
{
	SET(f, FOUND_WARNING);
}

void skipped(struct finding *f, const char *fmt, ...)
{
	SET(f, FOUND_SKIP);
}

void failed(struct finding *f, enum err_kind kind, const char *fmt, ...)
{
	SET(f, FOUND_FAILURE);
	f->kind = kind;
}

void failed_as(struct finding *f, const struct err *e)
{
	failed(f, e->kind, "%s", e->msg);
	snprintf(f->advice, sizeof(f->advice), "%s", e->advice);
}

void advise(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(f->advice, fmt, ap);
	va_end(ap);
}

/* ---- the table ---- */

enum id {
	CLIENT,
	ENTRY,
	COMMAND,
	ARGUMENTS,
	CREDENTIAL,
	FOLDER,
	PROXY,
	NAME,
	CONNECTION,
	TLS,
	HTTP,
	CLOCK,
	RESOURCE,
	SERVER,
	TOKEN,
	SCOPES,
	INITIALIZE,
	TOOLS,
	ACCESS,
	REQUESTS,
	CHECKS
};
#define ON(id) (1u << (id))

/* needs: without these the check is pointless, or could only repeat what they said. */
static const struct check {
	const char *id, *title;
	void (*look)(struct doctor *d, struct finding *f);
	unsigned needs;
} checks[] = {
	[CLIENT] = { "client", "client", doctor_client, 0 },
	[ENTRY] = { "entry", "entry", doctor_entry, ON(CLIENT) },
	[COMMAND] = { "command", "command", doctor_command, ON(ENTRY) },
	[ARGUMENTS] = { "arguments", "arguments", doctor_arguments, ON(ENTRY) },
	[CREDENTIAL] = { "credential", "credential", doctor_credential, ON(ARGUMENTS) },
	[FOLDER] = { "folder", "token folder", doctor_folder, 0 },
	[PROXY] = { "proxy", "proxy", doctor_proxy, ON(ARGUMENTS) },
	[NAME] = { "name", "name", doctor_name, ON(PROXY) },
	[CONNECTION] = { "connection", "connection", doctor_connection, ON(NAME) },
	[TLS] = { "tls", "TLS", doctor_tls, ON(CONNECTION) },
	[HTTP] = { "http", "HTTP", doctor_http, ON(TLS) },
	[CLOCK] = { "clock", "clock", doctor_clock, ON(HTTP) },
	[RESOURCE] = { "resource", "resource metadata", doctor_resource,
		ON(HTTP) | ON(CREDENTIAL) },
	[SERVER] = { "server", "server metadata", doctor_server, ON(RESOURCE) },
	[TOKEN] = { "token", "token", doctor_token, ON(HTTP) | ON(CREDENTIAL) },
	[SCOPES] = { "scopes", "scopes", doctor_scopes, ON(RESOURCE) | ON(TOKEN) },
	[INITIALIZE] = { "initialize", "initialize", doctor_initialize, ON(TOKEN) },
	[TOOLS] = { "tools", "tools", doctor_tools, ON(INITIALIZE) },
	[ACCESS] = { "access", "MCP access", doctor_access, ON(TOOLS) },
	[REQUESTS] = { "requests", "requests", doctor_requests, ON(CREDENTIAL) },
};
_Static_assert(sizeof(checks) / sizeof(checks[0]) == CHECKS, "a row for each check");

/* ---- looking ---- */

static void interrupted(void *ctx, enum os_signal signal)
{
	struct doctor *d = ctx;

	(void)signal;
	d->interrupted = true;
	loop_stop(d->c.loop);
}

/* The failure that stands in the way of check i; CHECKS when there is none. */
static size_t obstacle(const size_t roots[CHECKS], size_t i)
{
	for (size_t k = 0; k < i; k++)
		if ((checks[i].needs & ON(k)) && roots[k] != CHECKS)
			return roots[k];
	return CHECKS;
}

/* Those of a client are not there unless one was named. */
static size_t first_check(const struct doctor *d)
{
	return d->app ? CLIENT : ARGUMENTS;
}

/* roots: which failure a check fell to; CHECKS: none. */
static void look(struct doctor *d, struct finding all[CHECKS], size_t roots[CHECKS],
	void (*say)(const struct doctor *d, const struct check *c, const struct finding *f))
{
	struct err e = { 0 };

	for (size_t i = 0; i < first_check(d); i++)
		roots[i] = CHECKS;
	for (size_t i = first_check(d); i < CHECKS; i++) {
		struct finding *f = &all[i];

		if (i == CREDENTIAL && d->opened &&
			!loop_signal(d->c.loop, OS_INTERRUPT, interrupted, d, &e))
			diag_debug("%s", err_text(&e));
		roots[i] = obstacle(roots, i);
		if (d->interrupted)
			skipped(f, "interrupted");
		else if (roots[i] != CHECKS)
			skipped(f, "\"%s\" must pass first", checks[roots[i]].title);
		else
			checks[i].look(d, f);
		if (f->state == FOUND_FAILURE)
			roots[i] = i;
		if (say)
			say(d, &checks[i], f);
	}
}

/* ---- saying ---- */

static const struct {
	const char *mark, *colour, *json;
} states[] = {
	[FOUND_OK] = { "ok", "32", "ok" },
	[FOUND_WARNING] = { "warn", "33", "warning" },
	[FOUND_FAILURE] = { "FAIL", "1;31", "failed" },
	[FOUND_SKIP] = { "skip", "2", "skipped" },
};
_Static_assert(sizeof(states) / sizeof(states[0]) == FOUND_SKIP + 1, "a mark for each state");

/* Columns: of the mark, and where the text begins behind mark and title. On a narrow terminal it begins below. */
#define MARK 6
#define TEXT 25
#define NARROW 60

static void say_text(const char *text)
{
	size_t width = wrap_width(stdout), at = width < NARROW ? MARK : TEXT;

	wrap_text(stdout, width, at, at, text);
}

static void say_line(enum finding_state state, const char *title, const char *detail)
{
	bool colour = format_coloured(stdout), narrow = wrap_width(stdout) < NARROW;

	printf("%s%s%s%-5s%s %s", colour ? "\033[" : "", colour ? states[state].colour : "",
		colour ? "m" : "", states[state].mark, colour ? "\033[0m" : "", title);
	if (narrow)
		printf("\n%*s", MARK, "");
	else
		printf("%*s", TEXT - MARK - (int)strlen(title), "");
	say_text(detail);
}

/* What is to be done about a failure comes at the end, and what was not looked at in one line. */
static void say_finding(const struct doctor *d, const struct check *c, const struct finding *f)
{
	if (f->state == FOUND_SKIP && !d->a->all)
		return;
	say_line(f->state, c->title, f->detail);
	if (*f->advice && f->state != FOUND_FAILURE) {
		char *advice = mem_printf("-> %s", f->advice);

		printf("%*s", wrap_width(stdout) < NARROW ? MARK : TEXT, "");
		say_text(advice);
		free(advice);
	}
	/* Each as it is found: some take their time. */
	fflush(stdout);
}

/* Which checks await this one. */
static void say_folded(const size_t roots[CHECKS], size_t root)
{
	char title[32], detail[80];
	size_t n = 0;

	for (size_t i = 0; i < CHECKS; i++)
		n += i != root && roots[i] == root;
	if (!n)
		return;
	snprintf(title, sizeof(title), "%zu check%s", n, n == 1 ? "" : "s");
	snprintf(detail, sizeof(detail), "\"%s\" must pass first; --all lists %s",
		checks[root].title, n == 1 ? "it" : "them");
	say_line(FOUND_SKIP, title, detail);
}

static size_t count_state(const struct finding all[CHECKS], enum finding_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < CHECKS; i++)
		n += all[i].state == state;
	return n;
}

static void say_remedies(const struct finding all[CHECKS], size_t failures)
{
	bool first = true;

	printf("%zu problem%s.", failures, failures == 1 ? "" : "s");
	for (size_t i = 0; i < CHECKS; i++) {
		char *text;

		if (all[i].state != FOUND_FAILURE || !*all[i].advice)
			continue;
		text = mem_printf("%s: %s", first ? "Next" : "Then", all[i].advice);
		if (first)
			printf(" ");
		wrap_text(stdout, wrap_width(stdout), first ? sizeof("1 problem.") : 0, 0, text);
		free(text);
		first = false;
	}
	if (first)
		printf("\n");
}

static void say_end(
	const struct doctor *d, const struct finding all[CHECKS], const size_t roots[CHECKS])
{
	size_t failures = count_state(all, FOUND_FAILURE),
	       warnings = count_state(all, FOUND_WARNING);
	unsigned long used = request_count_own(d->c.rate);
	char *text;

	for (size_t i = first_check(d); i < CHECKS && !d->a->all; i++)
		if (all[i].state == FOUND_FAILURE)
			say_folded(roots, i);
	text = mem_printf("%sThese checks used %lu of this hour's requests.",
		d->interrupted  ? "Interrupted. "
		: failures      ? ""
		: warnings == 1 ? "It works, with 1 warning. "
		: warnings      ? "It works, with several warnings. "
				: "No problems. ",
		used);
	printf("\n");
	wrap_text(stdout, wrap_width(stdout), 0, 0, text);
	free(text);
	if (failures)
		say_remedies(all, failures);
}

static void say_json(const struct doctor *d, const struct finding all[CHECKS], int status)
{
	json_t *list = json_array(), *o;
	char *text;

	for (size_t i = first_check(d); i < CHECKS; i++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s*}", "id", checks[i].id, "state",
				      states[all[i].state].json, "detail", all[i].detail, "advice",
				      *all[i].advice ? all[i].advice : NULL));
	o = json_pack("{s:s*, s:s, s:i, s:I, s:o}", "url", d->shown, "version", MPMCP_VERSION,
		"status", status, "requests_used", (json_int_t)request_count_own(d->c.rate),
		"checks", list);
	text = json_dumps(o, format_json(stdout));
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(o);
}

/* ---- the command ---- */

static int status_of(const struct doctor *d, const struct finding all[CHECKS])
{
	if (d->interrupted)
		return EXIT_INTERRUPTED;
	for (size_t i = 0; i < CHECKS; i++)
		if (all[i].state == FOUND_FAILURE)
			return (int)exit_for(all[i].kind);
	return EXIT_DONE;
}

static void doctor_clear(struct doctor *d)
{
	json_decref(d->tools);
	auth_free(d->auth);
	signin_record_clear(&d->record);
	signin_record_clear(&d->offered);
	free(d->resource.issuer);
	free(d->server.issuer);
	store_free(d->store);
	connect_report_clear(&d->way);
	free(d->shown);
	url_clear(&d->u);
	context_close(&d->c);
	client_file_clear(&d->file);
}

/* A word is a client's name. */
static bool find_client(struct doctor *d)
{
	const struct options_list *words = &d->a->words;
	const char *word = words->n ? words->item[words->n - 1] : "";
	struct err e = { 0 };

	if (!words->n)
		return true;
	if (words->n > 1 || d->a->url || strpbrk(word, "./:"))
		err_set(&e, ERR_USAGE,
			"unexpected argument \"%.*s\": doctor takes a URL or a client%s",
			(int)strcspn(word, "?"), word,
			strpbrk(word, "./:") ? "; a URL starts with https://" : "");
	else
		d->app = app_find(word, &e);
	if (d->app && !d->app->file)
		err_set(&e, ERR_USAGE, "\"%s\" has no file to check", d->app->name);
	if (e.kind)
		diag_error("%s", err_text(&e));
	return !e.kind;
}

int cmd_doctor(const struct options *a)
{
	struct finding all[CHECKS] = { 0 };
	size_t roots[CHECKS];
	struct doctor d = { .a = a };
	int status;

	if (!find_client(&d))
		return EXIT_USAGE;
	look(&d, all, roots, a->json ? NULL : say_finding);
	status = status_of(&d, all);
	mcp_client_free(d.client); /* its last request counts, too */
	d.client = NULL;
	if (a->json)
		say_json(&d, all, status);
	else
		say_end(&d, all, roots);
	doctor_clear(&d);
	return status;
}
