#include "base/x509_store.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

/* --cacert or SSL_CERT_FILE, and NODE_EXTRA_CA_CERTS. */
#define FILES_MAX 2

struct x509_store {
	X509_STORE *store;
	char *files[FILES_MAX];
	int nfiles;
	bool used, loaded;
	const char *bad; /* one of files */
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

struct x509_store *x509_store_new(void)
{
	struct x509_store *t = mem_new(sizeof(*t));

	t->store = X509_STORE_new();
	if (t->store) {
		/* As libcurl and browsers do: an authority need not be a root. */
		X509_STORE_set_flags(
			t->store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
		return t;
	}
	free(t);
	return NULL;
}

void x509_store_free(struct x509_store *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	for (int i = 0; i < t->nfiles; i++)
		free(t->files[i]);
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
	if (t->nfiles < FILES_MAX)
		t->files[t->nfiles++] = mem_dup(path);
}

void x509_store_load(struct x509_store *t)
{
	if (t->loaded || !t->used)
		return;
	t->loaded = true;
	for (int i = 0; i < t->nfiles; i++)
		if (X509_STORE_load_file(t->store, t->files[i]) != 1)
			t->bad = t->files[i];
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
