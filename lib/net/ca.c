#include "net/ca.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/x509_store.h"
#include "os/file.h"
#include "os/start.h"

/* A system's whole bundle is 200 KiB; the largest company ones known are a few MiB. */
#define BUNDLE_MAX ((size_t)16 << 20)

/* What libcurl's TLS library has to be for a store to be shared with it; CA_PORTABLE: no such (for
 * tests). */
#ifdef CA_PORTABLE
#define OUR_LIBRARY ""
#else
#define OUR_LIBRARY x509_store_library()
#endif

struct ca {
	char *file, *dir, *extra;     /* each may be NULL; extra: NODE_EXTRA_CA_CERTS */
	const char *file_by, *dir_by; /* the option or variable that named it; NULL: the system's */
	bool expected;                /* ca_expect() */
	bool warm;                    /* x509_store_warm(), or there was no need to */
	bool ours;                    /* libcurl's TLS library is that of x509_store.h */
	bool system;                  /* the system's store is meant and not looked for yet */
	struct x509_store *trust;     /* NULL before the first connection */
	struct buf bundle;            /* for another TLS library: file and extra together */
	char *words, *trouble;
	const char *remedy; /* of that trouble */
};

/* Does the folder hold links named by hash (c_rehash)? Looks at the first few hundred names. */
static bool is_hashed(const char *path)
{
	struct os_names *names = os_names(os_open_folder(OS_HERE, path, true, true));
	const char *n;
	bool found = false;

	if (!names)
		return false;
	for (int i = 0; i < 500 && !found && (n = os_next_name(names)); i++)
		found = strlen(n) == 10 && strspn(n, "0123456789abcdef") == 8 && n[8] == '.' &&
			isdigit((unsigned char)n[9]);
	os_names_free(names);
	return found;
}

/* macOS has /etc/ssl/cert.pem; what was added to a keychain is told by a framework alone, which is not linked: the man page
 * says how to get it into NODE_EXTRA_CA_CERTS. */
static const char *system_file(void)
{
	const char *const known[] = { curl_version_info(CURLVERSION_NOW)->cainfo,
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
		"/usr/local/share/certs/ca-root-nss.crt", x509_store_default_file() };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] && os_may(known[i], OS_MAY_READ))
			return known[i];
	return NULL;
}

static const char *system_dir(void)
{
	const char *const known[] = { curl_version_info(CURLVERSION_NOW)->capath, "/etc/ssl/certs",
		"/etc/pki/ca-trust/extracted/pem/directory-hash", "/etc/pki/tls/certs",
		x509_store_default_folder() };

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i] && is_hashed(known[i]))
			return known[i];
	return NULL;
}

static bool from_option(struct ca *c, const char *cacert, struct err *e)
{
	c->file = mem_dup(cacert);
	c->file_by = "--cacert";
	c->words = mem_printf("the file %s (--cacert)", cacert);
	return os_may(cacert, OS_MAY_READ) ||
	       err_set(e, ERR_USAGE, "--cacert: cannot read %s: %s", cacert, strerror(errno));
}

/* Variables are often set for the whole machine or by a parent: what they name is looked at by the
 * first TLS connection, which may never come. */
static void from_environment(struct ca *c)
{
	const char *file = os_variable("SSL_CERT_FILE"), *dir = os_variable("SSL_CERT_DIR");

	c->file = file ? mem_dup(file) : NULL;
	c->file_by = "SSL_CERT_FILE";
	c->dir = dir ? mem_dup(dir) : NULL;
	c->dir_by = "SSL_CERT_DIR";
	c->words = mem_printf("%s%s%s%s%s", file ? "the file " : "", file ? file : "",
		file && dir ? " and " : "", dir ? "the folder " : "", dir ? dir : "");
}

static void system_extra(struct ca *c)
{
	const char *extra = os_variable("NODE_EXTRA_CA_CERTS");

	c->system = true;
	c->extra = extra ? mem_dup(extra) : NULL;
}

/* Looking through a folder of a thousand names takes as long as the rest of a start; plain http
 * never needs it. */
static void find_system(struct ca *c)
{
	const char *dir, *file;

	if (!c->system)
		return;
	c->system = false;
	dir = system_dir();
	file = dir ? NULL : system_file();
	c->dir = dir ? mem_dup(dir) : NULL;
	c->file = file ? mem_dup(file) : NULL;
	c->words = mem_printf("%s%s%s%s%s",
		dir    ? "the folder "
		: file ? "the file "
		       : "no system store",
		dir    ? dir
		: file ? file
		       : "",
		c->extra ? " and the file " : "", c->extra ? c->extra : "",
		c->extra ? " (NODE_EXTRA_CA_CERTS)" : "");
}

struct ca *ca_new(const char *cacert, struct err *e)
{
	struct ca *c = mem_new(sizeof(*c));
	bool good = true;

	buf_init(&c->bundle, BUNDLE_MAX);
	if (cacert)
		good = from_option(c, cacert, e);
	else if (os_variable("SSL_CERT_FILE") || os_variable("SSL_CERT_DIR"))
		from_environment(c);
	else
		system_extra(c);
	if (good)
		return c;
	ca_free(c);
	return NULL;
}

void ca_free(struct ca *c)
{
	if (!c)
		return;
	x509_store_free(c->trust);
	free(c->file);
	free(c->dir);
	free(c->extra);
	buf_free(&c->bundle);
	free(c->words);
	free(c->trouble);
	free(c);
}

/* ---- what is wrong with it ---- */

/* errno of reading the file; 0: it can be read. */
static int file_fault(const char *path)
{
	return os_may(path, OS_MAY_READ) ? 0 : errno;
}

/* The same of folders, with separators between them: one that can be searched is enough. */
static int folders_fault(const char *paths)
{
	const char separator[] = { os_list_separator, 0 };
	int fault = ENOENT;

	for (const char *p = paths; *p && fault; p += *p == os_list_separator) {
		size_t n = strcspn(p, separator);
		char *one = mem_printf("%.*s", (int)n, p);

		fault = os_may(one, OS_MAY_RUN) ? 0 : errno;
		free(one);
		p += n;
	}
	return fault;
}

static const char *blame(struct ca *c, const char *by, const char *path, int fault)
{
	c->remedy = "Correct that name, or remove it: the system's store is then used.";
	return c->trouble = mem_printf(
		       "%s names %s, which cannot be read: %s", by, path, strerror(fault));
}

/* The system's store is meant, and there is none. */
static bool has_none(const struct ca *c)
{
	return !c->system && !c->file && !c->dir && !c->extra;
}

const char *ca_trouble(struct ca *c)
{
	const char *bad = c->trust ? x509_store_bad_file(c->trust) : NULL;
	int fault;

	free(c->trouble);
	c->trouble = NULL;
	if (c->file && c->file_by && (fault = file_fault(c->file)))
		return blame(c, c->file_by, c->file, fault);
	if (c->extra && (fault = file_fault(c->extra)))
		return blame(c, "NODE_EXTRA_CA_CERTS", c->extra, fault);
	/* As OpenSSL has it, a folder that is missing beside a file is no fault. */
	if (!c->file && c->dir && c->dir_by && (fault = folders_fault(c->dir)))
		return blame(c, c->dir_by, c->dir, fault);
	if (bad) {
		c->trouble = mem_printf("no certificate can be read from %s", bad);
		c->remedy = "Give a file in PEM format.";
	} else if (has_none(c)) {
		c->trouble = mem_dup("no certificate authorities are installed on this machine");
		c->remedy =
			"Install them (the package is called ca-certificates on most systems), or "
			"name a file of them with --cacert or SSL_CERT_FILE.";
	}
	return c->trouble;
}

const char *ca_remedy(const struct ca *c)
{
	return c->remedy;
}

/* As Node and OpenSSL do, the connection goes on with the other source; who set the variable hears of it. */
static void warn_of_missing(struct ca *c)
{
	const char *trouble = c->extra || (c->file && c->dir) ? ca_trouble(c) : NULL;

	if (trouble)
		diag_note("%s", trouble);
}

/* ---- one store for all connections, when libcurl's TLS library is ours ---- */

static bool make_trust(struct ca *c)
{
	if (c->trust)
		return true;
	find_system(c);
	c->trust = x509_store_new();
	if (!c->trust)
		return false;
	if (c->dir)
		x509_store_add_folder(c->trust, c->dir);
	if (c->file)
		x509_store_add_file(c->trust, c->file);
	if (c->extra)
		x509_store_add_file(c->trust, c->extra);
	warn_of_missing(c);
	return true;
}

static CURLcode on_ssl_ctx(CURL *easy, void *ssl_ctx, void *ctx)
{
	struct ca *c = ctx;

	(void)easy;
	return make_trust(c) && x509_store_use(c->trust, ssl_ctx) ? CURLE_OK : CURLE_OUT_OF_MEMORY;
}

static bool share(struct ca *c, CURL *easy)
{
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if (!v->ssl_version || strcmp(v->ssl_version, OUR_LIBRARY) != 0)
		return false;
	/* Explicit NULLs: libcurl has a bundle built in and would parse it at every connection. */
	curl_easy_setopt(easy, CURLOPT_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL);
	c->ours = true;
	return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_ssl_ctx) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, c) == CURLE_OK;
}

void ca_expect(struct ca *c)
{
	c->expected = true;
}

void ca_settle(struct ca *c)
{
	if (c->expected && c->ours && !c->warm && !c->trust)
		x509_store_warm();
	c->warm = c->warm || c->expected;
	if (c->trust)
		x509_store_load(c->trust);
}

/* ---- libcurl's own way, for its other TLS libraries ---- */

/* libcurl takes one file: two go as one text. */
static void join_files(struct ca *c)
{
	struct buf more;

	if (c->bundle.len || !c->file || !c->extra)
		return;
	buf_init(&more, BUNDLE_MAX);
	if (!file_read(c->file, &c->bundle, NULL) || !file_read(c->extra, &more, NULL) ||
		!buf_addc(&c->bundle, '\n') || !buf_add(&c->bundle, more.p, more.len))
		buf_free(&c->bundle);
	buf_free(&more);
}

static void name_files(struct ca *c, CURL *easy)
{
	const char *file = c->file ? c->file : c->extra;

	join_files(c);
	curl_easy_setopt(easy, CURLOPT_CAINFO, file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, c->dir);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, file);
	curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, c->dir);
	if (c->bundle.len) {
		struct curl_blob blob = {
			.data = c->bundle.p, .len = c->bundle.len, .flags = CURL_BLOB_NOCOPY
		};

		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
		curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO_BLOB, &blob);
	}
}

void ca_apply(struct ca *c, void *easy)
{
	if (share(c, easy))
		return;
	find_system(c);
	name_files(c, easy);
}

const char *ca_describe(struct ca *c)
{
	find_system(c);
	return c->words;
}
