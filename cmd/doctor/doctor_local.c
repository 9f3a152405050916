/* What can be looked at without a network: arguments, credential, token folder. */
#include "doctor/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/service_account.h"
#include "base/mem.h"
#include "endpoint.h"
#include "os/file.h"
#include "os/start.h"

/* ---- arguments ---- */

/* A query may hold a key, and no message repeats it either (endpoint_url()). */
static char *without_query(const char *url, const struct url *u)
{
	size_t n = strcspn(url, "?");

	return err_clean(mem_printf("%.*s%s", (int)n, url, u->query ? "?..." : ""));
}

static const char *chosen_by(const struct options *a)
{
	if (a->url)
		return "as given";
	if (a->region)
		return "by --region";
	return os_variable("MIXPANEL_REGION") ? "by MIXPANEL_REGION"
					      : "no URL and no region were given";
}

static void add_headers(const struct headers *h, struct finding *f)
{
	size_t n = strlen(f->detail);

	for (size_t i = 0; i < h->n && n < sizeof(f->detail) - 1; i++) {
		snprintf(f->detail + n, sizeof(f->detail) - n, "%s%s", i ? ", " : "; with header ",
			h->item[i].name);
		n = strlen(f->detail);
	}
	err_clean(f->detail);
}

void doctor_arguments(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };
	const char *region;

	if (!context_open(d->a, &d->c, &e) || !url_parse(d->c.url, &d->u, &e)) {
		failed_as(f, &e);
		advise(f, "Correct that argument, variable or file; \"mpmcp help\" lists the "
			  "options.");
		return;
	}
	d->opened = true;
	d->shown = without_query(d->c.url, &d->u);
	/* Whatever is found wanting, no page opens and nobody is waited for. */
	d->c.oauth.no_browser = true;
	d->c.oauth.timeout_s = 0;
	region = endpoint_region(d->c.url);
	if (url_in_domain(&d->u, "mixpanel.com") && !region) {
		warn_of(f, "%s, which is not one of Mixpanel's three endpoints", d->shown);
		advise(f, "Remove the URL and give the region: --region us, eu or in.");
	} else if (region) {
		found(f, "%s (region %s, %s)", d->shown, region, chosen_by(d->a));
	} else {
		found(f, "%s", d->shown);
	}
	add_headers(&d->c.headers, f);
}

/* ---- credential ---- */

static void describe_account(struct doctor *d, struct finding *f)
{
	static const char form[] = ".mp-service-account";
	char name[SERVICE_ACCOUNT_NAME];
	size_t n;

	service_account_name(secret_str(&d->c.value), name);
	n = strlen(name);
	if (n < sizeof(form) || strcmp(name + n - sizeof(form) + 1, form) != 0) {
		/* Not shown: where name and secret were swapped, it is the secret. */
		warn_of(f, "%s: the user name is not a service account's", d->c.why);
		advise(f, "Such a name ends in %s; a person signs in with \"mpmcp login\".", form);
	} else {
		/* The name is the beginning of what is hidden: it must not stand at the end. */
		found(f, "%s, %s%s%s", name, d->c.why, d->c.repaired ? "; corrected: " : "",
			d->c.repaired ? d->c.repaired : "");
	}
}

static void describe_header(struct doctor *d, struct finding *f)
{
	static const char *const schemes[] = { "Bearer Basic ", "Bearer ", "Basic " };
	const char *value = secret_str(&d->c.value), *scheme = "of another scheme ";
	const char *also = os_variable("MIXPANEL_SA_TOKEN") ? "MIXPANEL_SA_TOKEN"
			   : d->a->sa_token_file            ? "--sa-token-file"
							    : NULL;

	for (size_t i = sizeof(schemes) / sizeof(schemes[0]); i-- > 0;)
		if (strncasecmp(value, schemes[i], strlen(schemes[i])) == 0)
			scheme = schemes[i];
	if (strncasecmp(value, "Basic ", 6) == 0 && url_in_domain(&d->u, "mixpanel.com")) {
		warn_of(f, "%s, with the scheme Basic, which this service ignores", d->c.why);
		advise(f, "Write \"Bearer Basic <base64 of username:secret>\": both words are "
			  "needed.");
	} else if (!strchr(value, ' ')) {
		warn_of(f, "%s, without a scheme before the token", d->c.why);
		advise(f, "Write \"Authorization:Bearer TOKEN\".");
	} else {
		found(f, "%s (%s...)%s%s%s", d->c.why, scheme, also ? "; " : "", also ? also : "",
			also ? " is set, too, but not used" : "");
	}
}

/* As CI gives it to a pull request from a fork. */
static void empty_account(struct finding *f)
{
	warn_of(f, "a sign-in (OAuth), because MIXPANEL_SA_TOKEN is empty");
	advise(f, "%s", service_account_empty());
}

static void load_sign_in(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };

	d->store = context_store(&d->c, &e);
	if (!d->store) {
		failed_as(f, &e);
		return;
	}
	d->kept = store_load(d->store, &d->record, &d->kept_why);
	if (d->c.oauth.client_credentials)
		found(f, "OAuth client credentials (--client-credentials)");
	else if (service_account_empty())
		empty_account(f);
	else
		found(f,
			"a sign-in (OAuth)%s%s, because neither header nor service account is "
			"given",
			d->a->profile ? ", profile " : "", d->a->profile ? d->a->profile : "");
}

void doctor_credential(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };

	d->auth = context_credential(&d->c, &e);
	if (!d->auth) {
		failed_as(f, &e);
		if (*f->advice)
			return;
		if (service_account_may_go_to(d->c.url, NULL))
			advise(f, "Set it again: printf %%s 'username:secret' | base64 -w0 makes "
				  "the text.");
		else
			advise(f, "Unset it to sign in instead; or give --header "
				  "\"Authorization:Bearer Basic <base64>\" if that server should "
				  "get it.");
	} else if (d->c.signs_in) {
		load_sign_in(d, f);
	} else if (d->c.headers.authorization) {
		describe_header(d, f);
	} else {
		describe_account(d, f);
	}
}

/* ---- token folder ---- */

struct folder {
	char *path;
	struct os_info is;
	unsigned sign_ins, accounts, broken;
	char open[256]; /* a file that others can read or that is not ours */
	struct os_info open_is;
};

/* In a folder of sign-ins that nobody uses, trouble is worth no more than a warning. */
static void trouble(const struct doctor *d, struct finding *f)
{
	if (d->auth && !d->c.signs_in)
		f->state = FOUND_WARNING;
}

static char *folder_path(struct doctor *d, struct err *e)
{
	struct store_key any = { .url = "" };
	struct store *s = store_new(d->a->auth_dir, &any, e);
	const char *path = s ? store_path(s) : NULL;
	char *folder = path ? mem_ndup(path, (size_t)(strrchr(path, '/') - path)) : NULL;

	store_free(s);
	return folder;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && strcmp(name + n - m, end) == 0;
}

static void look_at_file(struct folder *o, const char *name)
{
	char *path = mem_printf("%s/%s", o->path, name);
	struct os_info i;
	bool known = os_info_at(OS_HERE, path, false, &i);

	o->sign_ins += ends_in(name, ".json");
	o->accounts += ends_in(name, ".account");
	o->broken += ends_in(name, ".broken");
	free(path);
	if (!(ends_in(name, ".json") || ends_in(name, ".account")) || !known)
		return;
	if (i.kind == OS_FILE && i.ours && !(i.mode & 077))
		return;
	snprintf(o->open, sizeof(o->open), "%.255s", name);
	o->open_is = i;
}

static void look_at_files(struct folder *o)
{
	struct os_names *names = os_names(os_open_folder(OS_HERE, o->path, true, true));
	const char *name;

	while (names && (name = os_next_name(names)))
		look_at_file(o, name);
	os_names_free(names);
}

/* The nearest parent that is there decides whether the folder can be made. */
static void not_there(struct folder *o, struct finding *f)
{
	char *parent = mem_dup(o->path), *slash;

	while ((slash = strrchr(parent, '/')) && slash != parent && !os_may(parent, OS_MAY_SEE))
		*slash = 0;
	if (os_may(*parent ? parent : "/", OS_MAY_WRITE) &&
		os_may(*parent ? parent : "/", OS_MAY_RUN)) {
		found(f, "%s does not exist yet; it is created when needed", o->path);
	} else {
		failed(f, ERR_IO, "%s does not exist and cannot be created in %s", o->path, parent);
		advise(f, "Choose a writable folder: --auth-dir DIR or MPMCP_AUTH_DIR.");
	}
	free(parent);
}

static void describe_folder(struct folder *o, struct finding *f)
{
	char aside[96] = "";
	int n = 0;

	look_at_files(o);
	if (o->accounts)
		n = snprintf(aside, sizeof(aside), ", %u service account%s", o->accounts,
			o->accounts == 1 ? "" : "s");
	if (o->broken)
		snprintf(aside + n, sizeof(aside) - (size_t)n, ", %u set aside as broken",
			o->broken);
	if (*o->open && o->open_is.kind != OS_FILE) {
		failed(f, ERR_IO, "%s/%s is not a plain file", o->path, o->open);
		advise(f, "Remove it and sign in again.");
	} else if (*o->open) {
		warn_of(f, "%s/%s has mode %04o: others can read the tokens", o->path, o->open,
			o->open_is.mode);
		advise(f, "Run \"chmod 600\" on it, and \"mpmcp login --force\" if somebody may "
			  "have read it.");
	} else if (o->is.mode & 077) {
		warn_of(f, "%s has mode %04o: others can access it", o->path, o->is.mode);
		advise(f, "chmod 700 %s", o->path);
	} else {
		found(f, "%s, mode %04o, %u sign-in%s%s", o->path, o->is.mode, o->sign_ins,
			o->sign_ins == 1 ? "" : "s", aside);
	}
}

void doctor_folder(struct doctor *d, struct finding *f)
{
	struct err e = { 0 };
	struct folder o = { .path = folder_path(d, &e) };

	if (!o.path) {
		failed_as(f, &e);
		advise(f, "Set HOME, or give --auth-dir DIR.");
	} else if (!os_info_at(OS_HERE, o.path, false, &o.is)) {
		not_there(&o, f);
	} else if (o.is.kind == OS_LINK) {
		failed(f, ERR_IO, "%s is a symbolic link, which is not followed", o.path);
		advise(f, "Replace it with a folder, or choose another with --auth-dir or "
			  "MPMCP_AUTH_DIR.");
	} else if (o.is.kind != OS_FOLDER) {
		failed(f, ERR_IO, "%s is not a folder", o.path);
		advise(f, "Remove it; the folder is created when needed.");
	} else if (!o.is.ours) {
		failed(f, ERR_IO, "%s belongs to user %ld, but this runs as user %ld", o.path,
			o.is.owner, os_user());
		advise(f, "Run as its owner (no sudo), or name another folder with --auth-dir.");
	} else if (!os_may(o.path, OS_MAY_READ) || !os_may(o.path, OS_MAY_WRITE) ||
		   !os_may(o.path, OS_MAY_RUN)) {
		failed(f, ERR_IO, "%s cannot be read and written", o.path);
		advise(f, "chmod 700 %s", o.path);
	} else {
		describe_folder(&o, f);
	}
	if (f->state == FOUND_FAILURE)
		trouble(d, f);
	free(o.path);
}
