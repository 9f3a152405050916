/*
 * Files of certificates: what the index vouches for OpenSSL must read, as the
 * same certificates; and names that OpenSSL takes for equal must have the same
 * key. The first byte says what the rest is: a file, the DER of one certificate,
 * or two names.
 */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/x509_bundle.h"

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

/* What the index says about one certificate, beside the certificate. */
static void check_cert(const struct x509_bundle_cert *c, X509 *x)
{
	const unsigned char *name;
	unsigned char *der = NULL;
	size_t n;
	int len = i2d_X509(x, &der);

	if (c->key == X509_BUNDLE_ANY) {
		OPENSSL_free(der);
		return;
	}
	must(len > 0 && (size_t)len == c->len && memcmp(der, c->der, c->len) == 0,
		"the same certificate");
	must(X509_NAME_get0_der(X509_get_subject_name(x), &name, &n) == 1, "a subject");
	must(x509_bundle_key(name, n) == c->key, "the key of its subject");
	OPENSSL_free(der);
}

static int all_vouched_for(const struct x509_bundle *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->certs[i].key == X509_BUNDLE_ANY)
			return 0;
	return 1;
}

static void check_file(const char *p, size_t n)
{
	char *text = malloc(n + 1);
	BIO *in = BIO_new_mem_buf(p, (int)n);
	STACK_OF(X509_INFO) * theirs;
	struct x509_bundle b;

	memcpy(text, p, n);
	if (x509_bundle_index(&b, text, n)) {
		theirs = PEM_X509_INFO_read_bio(in, NULL, NULL, (void *)(size_t) "");
		must(theirs || !all_vouched_for(&b), "OpenSSL reads the file");
		must(!theirs || (size_t)sk_X509_INFO_num(theirs) == b.n, "as many certificates");
		for (int i = 0; i < sk_X509_INFO_num(theirs); i++)
			check_cert(&b.certs[i], sk_X509_INFO_value(theirs, i)->x509);
		sk_X509_INFO_pop_free(theirs, X509_INFO_free);
		x509_bundle_free(&b);
	}
	BIO_free(in);
	free(text);
	ERR_clear_error();
}

/* In lines of a length that the first byte gives. */
static void check_der(const unsigned char *p, size_t n)
{
	size_t line = n ? 4 * (1 + *p % 62u) : 64, len;
	unsigned char *coded;
	BIO *out;
	char *text;

	if (n < 2)
		return;
	coded = malloc(2 * n + 8);
	out = BIO_new(BIO_s_mem());
	len = (size_t)EVP_EncodeBlock(coded, p + 1, (int)n - 1);
	BIO_puts(out, "words\n-----BEGIN CERTIFICATE-----\r\n");
	for (size_t at = 0; at < len; at += line)
		BIO_printf(out, "%.*s\n", (int)(len - at < line ? len - at : line), coded + at);
	BIO_puts(out, "-----END CERTIFICATE-----");
	len = (size_t)BIO_get_mem_data(out, &text);
	check_file(text, len);
	BIO_free(out);
	free(coded);
}

static void check_names(const unsigned char *p, size_t n)
{
	size_t first = n ? *p : 0;
	const unsigned char *a = p + 1, *b = a + first;
	X509_NAME *x, *y;
	uint64_t key, other;

	if (n < 1 || first > n - 1)
		return;
	key = x509_bundle_key(a, first);
	other = x509_bundle_key(b, n - 1 - first);
	x = d2i_X509_NAME(NULL, &a, (long)first);
	y = d2i_X509_NAME(NULL, &b, (long)(n - 1 - first));
	must(x || key == X509_BUNDLE_ANY, "OpenSSL reads the name");
	if (x && y && key != X509_BUNDLE_ANY && other != X509_BUNDLE_ANY &&
		X509_NAME_cmp(x, y) == 0)
		must(key == other, "equal names have the same key");
	X509_NAME_free(x);
	X509_NAME_free(y);
	ERR_clear_error();
}

int LLVMFuzzerTestOneInput(const unsigned char *p, size_t n)
{
	if (!n)
		return 0;
	if (*p % 3 == 0)
		check_file((const char *)p + 1, n - 1);
	else if (*p % 3 == 1)
		check_der(p + 1, n - 1);
	else
		check_names(p + 1, n - 1);
	return 0;
}
