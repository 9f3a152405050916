#include "base/x509_store.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/x509_bundle.h"
#include "os/file.h"

/* --cacert or SSL_CERT_FILE, and NODE_EXTRA_CA_CERTS. */
#define FILES_MAX 2

/* Of a file that is indexed; a system's whole bundle is 200 KiB. Larger ones OpenSSL reads. */
#define INDEXED_MAX ((size_t)16 << 20)

/* A file of certificates. Those in the index come into the store when their subject is asked for. */
struct file {
	char *path;
	struct buf text;
	struct x509_bundle index; /* of text; empty: OpenSSL has read the file */
	bool *taken;              /* for each in the index: it is in the store */
};

struct x509_store {
	X509_STORE *store;
	struct file files[FILES_MAX];
	int nfiles;
	bool used, loaded;
	const char *bad; /* a file's path */
};

const char *x509_store_library(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "OpenSSL/%s", OpenSSL_version(OPENSSL_VERSION_STRING));
	return name;
}

const char *x509_store_default_folder(void)
{
	return X509_get_default_cert_dir();
}

const char *x509_store_default_file(void)
{
	return X509_get_default_cert_file();
}

static void file_forget(struct file *f)
{
	x509_bundle_free(&f->index);
	buf_free(&f->text);
	free(f->taken);
	f->taken = NULL;
}

/* ---- certificates that are asked for ---- */

static X509 *parse(const struct x509_bundle_cert *c)
{
	const unsigned char *p = c->der;

	return d2i_X509(NULL, &p, (long)c->len);
}

/* One that cannot be parsed, or for which there is no memory, is not trusted. */
static void take(X509_STORE *store, struct file *f, size_t i)
{
	X509 *x = f->taken[i] ? NULL : parse(&f->index.certs[i]);

	f->taken[i] = true;
	if (x && X509_STORE_add_cert(store, x) != 1)
		f->taken[i] = false;
	X509_free(x);
}

/* All that may have this subject, so that OpenSSL has the choice that it would have of the whole file. */
static void take_named(struct x509_store *t, const X509_NAME *name)
{
	const unsigned char *der = NULL;
	size_t n = 0;
	uint64_t key = X509_BUNDLE_ANY;

	if (X509_NAME_get0_der(name, &der, &n) == 1)
		key = x509_bundle_key(der, n);
	for (int k = 0; k < t->nfiles; k++) {
		struct file *f = &t->files[k];

		for (size_t i = 0; i < f->index.n; i++)
			if (key == X509_BUNDLE_ANY || f->index.certs[i].key == key)
				take(t->store, f, i);
	}
	/* Whoever looks for an error of the connection must not find one of these. */
	ERR_clear_error();
}

/*
 * The store's two questions, each with the certificates brought first. A look-up
 * method (X509_LOOKUP_METHOD) would be asked only while the store has none of
 * that name, so what another file or folder brought would hide ours.
 */
static int store_index = -1;

static struct x509_store *asked(X509_STORE_CTX *chain)
{
	return X509_STORE_get_ex_data(X509_STORE_CTX_get0_store(chain), store_index);
}

static int get_issuer(X509 **issuer, X509_STORE_CTX *chain, X509 *x)
{
	take_named(asked(chain), X509_get_issuer_name(x));
	return X509_STORE_CTX_get1_issuer(issuer, chain, x);
}

static STACK_OF(X509) * lookup_certs(X509_STORE_CTX *chain, const X509_NAME *name)
{
	take_named(asked(chain), name);
	return X509_STORE_CTX_get1_certs(chain, name);
}

static bool answer_from(struct x509_store *t)
{
	if (store_index < 0)
		store_index = X509_STORE_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	X509_STORE_set_get_issuer(t->store, get_issuer);
	X509_STORE_set_lookup_certs(t->store, lookup_certs);
	return store_index >= 0 && X509_STORE_set_ex_data(t->store, store_index, t) == 1;
}

/* ---- the store ---- */

struct x509_store *x509_store_new(void)
{
	struct x509_store *t = mem_new(sizeof(*t));

	t->store = X509_STORE_new();
	if (t->store && answer_from(t)) {
		/* As libcurl and browsers do: an authority need not be a root. */
		X509_STORE_set_flags(
			t->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
		return t;
	}
	x509_store_free(t);
	return NULL;
}

void x509_store_free(struct x509_store *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	for (int i = 0; i < t->nfiles; i++) {
		file_forget(&t->files[i]);
		free(t->files[i].path);
	}
	free(t);
}

void x509_store_add_folder(struct x509_store *t, const char *path)
{
	/* Fails for want of memory only: the folder is not looked at yet. */
	if (X509_STORE_load_path(t->store, path) != 1)
		ERR_clear_error();
}

void x509_store_add_file(struct x509_store *t, const char *path)
{
	struct file *f = &t->files[t->nfiles];

	if (t->nfiles == FILES_MAX)
		return;
	f->path = mem_dup(path);
	buf_init(&f->text, INDEXED_MAX);
	t->nfiles++;
}

/* ---- reading files ---- */

/* Those that the index leaves to OpenSSL. One of them broken, and OpenSSL takes nothing of the file. */
static bool take_odd(X509_STORE *store, struct file *f)
{
	for (size_t i = 0; i < f->index.n; i++) {
		X509 *x =
			f->index.certs[i].key == X509_BUNDLE_ANY ? parse(&f->index.certs[i]) : NULL;

		if (!x && f->index.certs[i].key == X509_BUNDLE_ANY)
			return false;
		X509_free(x);
	}
	for (size_t i = 0; i < f->index.n; i++)
		if (f->index.certs[i].key == X509_BUNDLE_ANY)
			take(store, f, i);
	return true;
}

/* A pipe can be read once: that is OpenSSL's. */
static bool index_file(X509_STORE *store, struct file *f)
{
	struct os_info info;

	if (!os_info_at(OS_HERE, f->path, true, &info) || info.kind != OS_FILE ||
		!file_read(f->path, &f->text, NULL) || !f->text.len ||
		!x509_bundle_index(&f->index, f->text.p, f->text.len))
		return false;
	f->taken = mem_grow(NULL, f->index.n, sizeof(*f->taken));
	for (size_t i = 0; i < f->index.n; i++)
		f->taken[i] = false;
	return take_odd(store, f);
}

void x509_store_warm(void)
{
	SSL_CTX *ctx = RAND_status() == 1 ? SSL_CTX_new(TLS_client_method()) : NULL;

	SSL_CTX_free(ctx);
	ERR_clear_error();
}

void x509_store_load(struct x509_store *t)
{
	if (t->loaded || !t->used)
		return;
	t->loaded = true;
	for (int i = 0; i < t->nfiles; i++) {
		struct file *f = &t->files[i];

		if (index_file(t->store, f))
			continue;
		file_forget(f);
		if (X509_STORE_load_file(t->store, f->path) != 1)
			t->bad = f->path;
	}
	/* Whoever looks for an error of the connection must not find this one. */
	ERR_clear_error();
}

/* The first answer may come before x509_store_load() was called from outside. */
static int verify(X509_STORE_CTX *chain, void *ctx)
{
	x509_store_load(ctx);
	return X509_verify_cert(chain);
}

bool x509_store_use(struct x509_store *t, void *ssl_ctx)
{
	if (SSL_CTX_set1_verify_cert_store(ssl_ctx, t->store) != 1)
		return false;
	SSL_CTX_set_cert_verify_callback(ssl_ctx, verify, t);
	t->used = true;
	return true;
}

const char *x509_store_bad_file(const struct x509_store *t)
{
	return t->bad;
}
