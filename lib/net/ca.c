#include "net/ca.h"

#include <ctype.h>
#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

/* A system's whole bundle is 200 KiB; the largest company ones known are a few MiB. */
#define BUNDLE_MAX ((size_t)16 << 20)

struct ca {
	char *file, *dir; /* either may be NULL */
	struct buf
		bundle; /* the system's bundle and NODE_EXTRA_CA_CERTS, when there is no folder */
	char *words;
};

/* Does the folder hold links named by hash (c_rehash)? Looks at the first few hundred names. */
static bool is_hashed(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *f;
	bool found = false;

	if (!d)
		return false;
	for (int i = 0; i < 500 && !found && (f = readdir(d)); i++) {
		const char *n = f->d_name;

		found = strlen(n) == 10 && strspn(n, "0123456789abcdef") == 8 && n[8] == '.' &&
			isdigit((unsigned char)n[9]);
	}
	closedir(d);
	return found;
}

static const char *first_readable(const char *const *paths)
{
	for (; *paths; paths++)
		if (access(*paths, R_OK) == 0)
			return *paths;
	return NULL;
}

static const char *system_file(void)
{
	static const char *const known[] = { "/etc/ssl/certs/ca-certificates.crt",
		"/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem",
		"/usr/local/share/certs/ca-root-nss.crt", NULL };
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if (v->cainfo && access(v->cainfo, R_OK) == 0)
		return v->cainfo;
	return first_readable(known);
}

static const char *system_dir(void)
{
	static const char *const known[] = { "/etc/ssl/certs", "/etc/pki/tls/certs", NULL };
	const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);

	if (v->capath && is_hashed(v->capath))
		return v->capath;
	for (const char *const *d = known; *d; d++)
		if (is_hashed(*d))
			return *d;
	return NULL;
}

static const char *env(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

static bool check_readable(const char *path, const char *what, struct err *e)
{
	return access(path, R_OK) == 0 ||
	       err_set(e, ERR_USAGE, "%s: cannot read %s: %s", what, path, strerror(errno));
}

static bool from_environment(struct ca *c, struct err *e)
{
	const char *file = env("SSL_CERT_FILE"), *dir = env("SSL_CERT_DIR");

	if (file && !check_readable(file, "SSL_CERT_FILE", e))
		return false;
	c->file = file ? mem_dup(file) : NULL;
	c->dir = dir ? mem_dup(dir) : NULL;
	c->words = mem_printf("%s%s%s%s%s", file ? "the file " : "", file ? file : "",
		file && dir ? " and " : "", dir ? "the folder " : "", dir ? dir : "");
	return true;
}

static bool join_bundles(struct ca *c, const char *file, const char *extra, struct err *e)
{
	struct buf more;
	bool good;

	buf_init(&more, BUNDLE_MAX);
	good = file_read(file, &c->bundle, e) && file_read(extra, &more, e) &&
	       ((buf_addc(&c->bundle, '\n') && buf_add(&c->bundle, more.p, more.len)) ||
		       err_set(e, ERR_LIMIT, "%s and %s together are too large", file, extra));
	buf_free(&more);
	return good;
}

static bool from_system(struct ca *c, struct err *e)
{
	const char *dir = system_dir(), *file = dir ? NULL : system_file();
	const char *extra = env("NODE_EXTRA_CA_CERTS");

	if (extra && !check_readable(extra, "NODE_EXTRA_CA_CERTS", e))
		return false;
	if (extra && file && !join_bundles(c, file, extra, e))
		return false;
	c->dir = dir ? mem_dup(dir) : NULL;
	if (!c->bundle.len)
		c->file = extra ? mem_dup(extra) : file ? mem_dup(file) : NULL;
	c->words = mem_printf("%s%s%s%s%s",
		dir    ? "the folder "
		: file ? "the file "
		       : "no system store",
		dir    ? dir
		: file ? file
		       : "",
		extra ? " and the file " : "", extra ? extra : "",
		extra ? " (NODE_EXTRA_CA_CERTS)" : "");
	return true;
}

struct ca *ca_new(const char *cacert, struct err *e)
{
	struct ca *c = mem_new(sizeof(*c));
	bool good;

	buf_init(&c->bundle, BUNDLE_MAX);
	if (cacert) {
		good = check_readable(cacert, "--cacert", e);
		c->file = mem_dup(cacert);
		c->words = mem_printf("the file %s (--cacert)", cacert);
	} else if (env("SSL_CERT_FILE") || env("SSL_CERT_DIR")) {
		good = from_environment(c, e);
	} else {
		good = from_system(c, e);
	}
	if (good)
		return c;
	ca_free(c);
	return NULL;
}

void ca_free(struct ca *c)
{
	if (!c)
		return;
	free(c->file);
	free(c->dir);
	buf_free(&c->bundle);
	free(c->words);
	free(c);
}

void ca_apply(const struct ca *c, void *easy)
{
	/* Explicit NULLs: libcurl has a bundle built in and would parse it at every connection. */
	curl_easy_setopt(easy, CURLOPT_CAINFO, c->file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, c->dir);
	if (c->bundle.len) {
		struct curl_blob blob = {
			.data = c->bundle.p, .len = c->bundle.len, .flags = CURL_BLOB_NOCOPY
		};

		curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &blob);
	}
}

const char *ca_describe(const struct ca *c)
{
	return c->words;
}
