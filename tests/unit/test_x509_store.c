/*
 * Files of certificates as our store reads them, beside how OpenSSL does: the
 * same verdict and the same chain for every certificate, whatever is in the file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/x509_store.h"

#define SYSTEM "/etc/ssl/certs/ca-certificates.crt"

static char path[] = "/tmp/mpmcp-x509-XXXXXX";

/* ---- certificates ---- */

struct party {
	EVP_PKEY *key;
	X509 *cert;
};

/* A name of one common name, as a string of this kind; a second attribute in the same set, if any. */
static X509_NAME *name_of(int kind, const char *cn, const char *with)
{
	unsigned char wide[64] = { 0 };
	size_t n_cn = strlen(cn);
	X509_NAME *n = X509_NAME_new();

	assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_organizationName, MBSTRING_ASC,
				 (const unsigned char *)"Test", -1, -1, 0),
		1);
	if (kind == V_ASN1_BMPSTRING) {
		for (size_t i = 0; i < n_cn; i++)
			wide[2 * i + 1] = (unsigned char)cn[i];
		n_cn *= 2;
	}
	assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_commonName, kind,
				 kind == V_ASN1_BMPSTRING ? wide : (const unsigned char *)cn,
				 (int)n_cn, -1, 0),
		1);
	if (with)
		assert_int_equal(X509_NAME_add_entry_by_NID(n, NID_organizationalUnitName,
					 MBSTRING_ASC, (const unsigned char *)with, -1, -1, 1),
			1);
	return n;
}

static EVP_PKEY *key_new(void)
{
	return EVP_EC_gen("P-256");
}

static void extend(X509 *x, const struct party *by, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;

	X509V3_set_ctx(&ctx, by ? by->cert : x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	assert_non_null(e);
	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* Takes over the names. by NULL: signed by itself. The issuer's name may be written in another way than
 * the issuer has it. */
static X509 *cert_new(
	X509_NAME *name, EVP_PKEY *key, X509_NAME *issuer, const struct party *by, long serial)
{
	X509 *x = X509_new();

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), serial);
	X509_gmtime_adj(X509_getm_notBefore(x), -3600);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600L * 24);
	X509_set_subject_name(x, name);
	X509_set_issuer_name(x, issuer ? issuer : name);
	X509_set_pubkey(x, key);
	extend(x, by, NID_basic_constraints, "critical,CA:TRUE");
	extend(x, by, NID_subject_key_identifier, "hash");
	extend(x, by, NID_authority_key_identifier, "keyid:always");
	assert_true(X509_sign(x, by ? by->key : key, EVP_sha256()) > 0);
	X509_NAME_free(name);
	X509_NAME_free(issuer);
	return x;
}

static struct party root_new(int kind, const char *cn, const char *with)
{
	struct party p = { .key = key_new() };

	p.cert = cert_new(name_of(kind, cn, with), p.key, NULL, NULL, 1);
	return p;
}

static void party_free(struct party *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}

/* ---- files ---- */

/* What goes into one, made with the test's hand. */
static BIO *file;

static void put_cert(X509 *x)
{
	assert_int_equal(PEM_write_bio_X509(file, x), 1);
}

static void put(const char *text)
{
	assert_true(BIO_puts(file, text) == (int)strlen(text));
}

/* The base64 of a block, in lines of n characters with this end. */
static void put_block(const unsigned char *der, int len, size_t n, const char *end)
{
	unsigned char *text = malloc((size_t)len * 2 + 4);
	size_t all = (size_t)EVP_EncodeBlock(text, der, len);

	BIO_printf(file, "-----BEGIN CERTIFICATE-----%s", end);
	for (size_t at = 0; at < all; at += n)
		BIO_printf(file, "%.*s%s", (int)(all - at < n ? all - at : n), text + at, end);
	BIO_printf(file, "-----END CERTIFICATE-----%s", end);
	free(text);
}

static void put_lines(X509 *x, size_t n, const char *end)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);

	put_block(der, len, n, end);
	OPENSSL_free(der);
}

static void save(void)
{
	char *p;
	long n = BIO_get_mem_data(file, &p);
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, (size_t)n, f), (size_t)n);
	fclose(f);
	(void)BIO_reset(file);
}

/* ---- verdicts ---- */

struct ours {
	struct x509_store *store;
	SSL_CTX *ctx;
};

static struct ours ours_new(void)
{
	struct ours o = { x509_store_new(), SSL_CTX_new(TLS_client_method()) };

	assert_non_null(o.store);
	x509_store_add_file(o.store, path);
	assert_true(x509_store_use(o.store, o.ctx));
	x509_store_load(o.store);
	return o;
}

static void ours_free(struct ours *o)
{
	SSL_CTX_free(o->ctx);
	x509_store_free(o->store);
}

static X509_STORE *x509_of(const struct ours *o)
{
	X509_STORE *s = NULL;

	SSL_CTX_get0_verify_cert_store(o->ctx, &s);
	return s;
}

static int objects(const struct ours *o)
{
	return sk_X509_OBJECT_num(X509_STORE_get0_objects(x509_of(o)));
}

static X509_STORE *theirs_new(bool *bad)
{
	X509_STORE *s = X509_STORE_new();

	X509_STORE_set_flags(s, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	*bad = X509_STORE_load_file(s, path) != 1;
	return s;
}

/* The verdict; the chain's certificates, one after the other, into out. */
static int verdict(X509_STORE *s, X509 *x, STACK_OF(X509) * between, BIO *out)
{
	X509_STORE_CTX *c = X509_STORE_CTX_new();
	STACK_OF(X509) * chain;
	int error;

	assert_int_equal(X509_STORE_CTX_init(c, s, x, between), 1);
	assert_int_equal(X509_STORE_CTX_set_default(c, "ssl_server"), 1);
	X509_verify_cert(c);
	error = X509_STORE_CTX_get_error(c);
	chain = X509_STORE_CTX_get0_chain(c);
	for (int i = 0; i < sk_X509_num(chain); i++)
		i2d_X509_bio(out, sk_X509_value(chain, i));
	X509_STORE_CTX_free(c);
	return error;
}

/* Both verdicts; returns the error, X509_V_OK among them. */
static int check_one(X509_STORE *a, X509_STORE *b, X509 *x, STACK_OF(X509) * between)
{
	BIO *one = BIO_new(BIO_s_mem()), *two = BIO_new(BIO_s_mem());
	char *p = NULL, *q = NULL;
	int theirs = verdict(b, x, between, two);
	int error = verdict(a, x, between, one);
	long n = BIO_get_mem_data(one, &p), m = BIO_get_mem_data(two, &q);

	assert_int_equal(error, theirs);
	assert_int_equal(n, m);
	assert_memory_equal(p ? p : "", q ? q : "", (size_t)n);
	BIO_free(one);
	BIO_free(two);
	return error;
}

/* The file that was put together: leaves are judged alike by both; ok[i] says how. */
static void check(X509 *const leaves[], const bool ok[], size_t n, bool bad)
{
	struct ours o;
	X509_STORE *theirs;
	bool theirs_bad;

	save();
	/* Each order of questions finds what it would find alone. */
	for (size_t first = 0; first < n; first++) {
		theirs = theirs_new(&theirs_bad);
		o = ours_new();
		for (size_t i = 0; i < n; i++) {
			size_t k = (first + i) % n;

			assert_int_equal(
				check_one(x509_of(&o), theirs, leaves[k], NULL) == X509_V_OK,
				ok[k]);
		}
		assert_int_equal(x509_store_bad_file(o.store) != NULL, theirs_bad);
		assert_int_equal(theirs_bad, bad);
		X509_STORE_free(theirs);
		ours_free(&o);
	}
}

/* ---- cases ---- */

static struct party root, other;
static X509 *leaf, *other_leaf;

static X509 *leaf_of(const struct party *p, X509_NAME *issuer)
{
	EVP_PKEY *key = key_new();
	X509 *x = cert_new(name_of(MBSTRING_UTF8, "leaf", NULL), key, issuer, p, 7);

	EVP_PKEY_free(key);
	return x;
}

static int make_parties(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0)
		return -1;
	close(fd);
	file = BIO_new(BIO_s_mem());
	root = root_new(MBSTRING_UTF8, "Root One", NULL);
	other = root_new(MBSTRING_UTF8, "Root Two", NULL);
	leaf = leaf_of(&root, name_of(MBSTRING_UTF8, "Root One", NULL));
	other_leaf = leaf_of(&other, name_of(MBSTRING_UTF8, "Root Two", NULL));
	return 0;
}

static int free_parties(void **state)
{
	(void)state;
	party_free(&root);
	party_free(&other);
	X509_free(leaf);
	X509_free(other_leaf);
	BIO_free(file);
	return unlink(path);
}

static void check_both(bool one, bool two, bool bad)
{
	X509 *const leaves[] = { leaf, other_leaf, root.cert, other.cert };
	const bool ok[] = { one, two, one, two };

	check(leaves, ok, 4, bad);
}

static void only_certificates_that_a_chain_asks_for_become_objects(void **state)
{
	struct ours o;
	BIO *none = BIO_new(BIO_s_null());

	(void)state;
	put_cert(root.cert);
	put_cert(other.cert);
	save();
	o = ours_new();
	assert_int_equal(objects(&o), 0);
	assert_int_equal(verdict(x509_of(&o), leaf, NULL, none), X509_V_OK);
	assert_int_equal(objects(&o), 1);
	assert_int_equal(verdict(x509_of(&o), leaf, NULL, none), X509_V_OK);
	assert_int_equal(objects(&o), 1);
	ours_free(&o);
	BIO_free(none);
}

static void certificates_of_the_system_get_the_verdicts_of_openssl(void **state)
{
	X509_STORE *theirs = X509_STORE_new(), *a;
	struct x509_store *store = x509_store_new();
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	STACK_OF(X509_OBJECT) * all;

	(void)state;
	if (access(SYSTEM, R_OK) != 0) {
		X509_STORE_free(theirs);
		x509_store_free(store);
		SSL_CTX_free(ctx);
		skip();
	}
	X509_STORE_set_flags(theirs, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN);
	assert_int_equal(X509_STORE_load_file(theirs, SYSTEM), 1);
	x509_store_add_file(store, SYSTEM);
	assert_true(x509_store_use(store, ctx));
	x509_store_load(store);
	SSL_CTX_get0_verify_cert_store(ctx, &a);
	/* None of them is left to OpenSSL, or reading the file would cost what it did. */
	assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(a)), 0);
	all = X509_STORE_get0_objects(theirs);
	for (int i = 0; i < sk_X509_OBJECT_num(all); i++)
		(void)check_one(
			a, theirs, X509_OBJECT_get0_X509(sk_X509_OBJECT_value(all, i)), NULL);
	/* An authority below another one is not always asked for. */
	assert_in_range(sk_X509_OBJECT_num(X509_STORE_get0_objects(a)),
		sk_X509_OBJECT_num(all) * 9 / 10, sk_X509_OBJECT_num(all));
	assert_int_not_equal(check_one(a, theirs, leaf, NULL), X509_V_OK);
	X509_STORE_free(theirs);
	SSL_CTX_free(ctx);
	x509_store_free(store);
}

static void words_and_line_ends_between_blocks_do_not_matter(void **state)
{
	(void)state;
	put("\xEF\xBB\xBF");
	put_lines(root.cert, 64, "\r\n");
	put("# Root Two\r\n=======\nsome words: -----BEGIN\n\n");
	put_lines(other.cert, 76, "  \n");
	put("an end without a line end");
	check_both(true, true, false);
	put("# words\n");
	put_lines(root.cert, 4, "\n");
	put_lines(other.cert, 248, "\t\n");
	check_both(true, true, false);
}

static void lines_that_openssl_would_cut_are_left_to_it(void **state)
{
	char words[300];

	(void)state;
	put_lines(root.cert, 2000, "\n");
	put_cert(other.cert);
	check_both(true, true, false);
	/* What comes after 254 bytes is a line of its own to OpenSSL. */
	memset(words, 'x', sizeof(words));
	strcpy(words + 254, "-----BEGIN X-----");
	put_cert(root.cert);
	put(words);
	put("\nQUJD\n-----END X-----\n");
	put_cert(other.cert);
	check_both(true, true, false);
}

static void marks_and_other_bytes_before_blocks_count_as_with_openssl(void **state)
{
	(void)state;
	put_cert(root.cert);
	put("\xEF\xBB\xBF");
	put_cert(other.cert);
	check_both(true, true, false);
	put_cert(root.cert);
	put(" ");
	put_cert(other.cert);
	check_both(true, false, false);
	put("\xFF\xFE");
	put_cert(root.cert);
	put_cert(other.cert);
	check_both(false, true, false);
	put_cert(root.cert);
	assert_int_equal(BIO_write(file, "\0\n", 2), 2);
	put_cert(other.cert);
	check_both(true, false, false);
}

/* One byte of a block that is otherwise whole. */
static void put_changed(X509 *x, size_t at, unsigned char byte)
{
	unsigned char *der = NULL;
	int len = i2d_X509(x, &der);

	der[at] = byte;
	put_block(der, len, 64, "\n");
	OPENSSL_free(der);
}

static void file_with_a_broken_block_is_refused_whole(void **state)
{
	static const char *const broken[] = {
		"-----BEGIN CERTIFICATE-----\nQUJD\n-----END CERTIFICATE-----\n", /* not DER */
		"-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", /* not base64 */
		"-----BEGIN CERTIFICATE-----\nQUJ\n-----END CERTIFICATE-----\n",  /* cut base64 */
		"-----BEGIN CERTIFICATE-----\nQQ==\nQUJD\n-----END CERTIFICATE-----\n",
		"-----BEGIN CERTIFICATE-----\nQUJD\n", /* no end */
		"-----BEGIN CERTIFICATE-----\nQUJD\n-----END OTHER-----\n",
		"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", /* empty */
		"-----BEGIN X509 CRL-----\nQUJD\n-----END X509 CRL-----\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		put_cert(root.cert);
		put(broken[i]);
		put_cert(other.cert);
		check_both(false, false, true);
	}
	put("no certificate at all\n");
	check_both(false, false, true);
	check_both(false, false, true); /* an empty file */
}

/* Every byte of a certificate, changed in one of three ways: whatever OpenSSL makes of it. */
static void changed_certificate_gets_the_verdict_of_openssl(void **state)
{
	static const unsigned char changes[] = { 0x01, 0x80, 0xFF };
	unsigned char *der = NULL;
	int len = i2d_X509(other.cert, &der);
	size_t refused = 0, taken = 0;

	(void)state;
	for (int at = 0; at < len; at++) {
		struct ours o;
		X509_STORE *theirs;
		bool bad;

		put_cert(root.cert);
		put_changed(other.cert, (size_t)at, der[at] ^ changes[at % 3]);
		save();
		theirs = theirs_new(&bad);
		o = ours_new();
		assert_int_equal(x509_store_bad_file(o.store) != NULL, bad);
		(void)check_one(x509_of(&o), theirs, leaf, NULL);
		(void)check_one(x509_of(&o), theirs, other_leaf, NULL);
		refused += bad;
		taken += !bad;
		X509_STORE_free(theirs);
		ours_free(&o);
	}
	assert_true(refused > 30 && taken > 30);
	OPENSSL_free(der);
}

static void duplicates_are_one(void **state)
{
	(void)state;
	put_cert(root.cert);
	put_cert(root.cert);
	put_cert(other.cert);
	put_cert(root.cert);
	check_both(true, true, false);
}

static void trusted_certificates_and_other_blocks_are_read_by_openssl(void **state)
{
	X509 *no_server = X509_dup(other.cert), *anything = X509_dup(other.cert);

	(void)state;
	X509_add1_trust_object(anything, OBJ_nid2obj(NID_server_auth));
	put_cert(root.cert);
	assert_int_equal(PEM_write_bio_X509_AUX(file, anything), 1);
	check_both(true, true, false);
	/* What is rejected for servers is no authority for one. */
	X509_add1_reject_object(no_server, OBJ_nid2obj(NID_server_auth));
	put_cert(root.cert);
	assert_int_equal(PEM_write_bio_X509_AUX(file, no_server), 1);
	check_both(true, false, false);
	put_cert(root.cert);
	assert_int_equal(PEM_write_bio_PrivateKey(file, root.key, NULL, NULL, 0, NULL, NULL), 1);
	put("-----BEGIN OTHER-----\nQUJD\n-----END OTHER-----\n");
	put_cert(other.cert);
	check_both(true, true, false);
	X509_free(no_server);
	X509_free(anything);
}

/* Two authorities of one name, with keys of their own, each with a leaf; written in two ways. */
static void check_one_name(int kind, const char *cn, const char *with)
{
	struct party second = root_new(kind, cn, with);
	X509 *second_leaf =
		leaf_of(&second, name_of(MBSTRING_UTF8, "Root One", with ? "Unit" : NULL));
	X509 *const leaves[] = { leaf, second_leaf, other_leaf };
	const bool both[] = { true, true, true }, first[] = { true, false, true };

	if (with) {
		struct party unit = root_new(MBSTRING_UTF8, "Root One", "Unit");

		put_cert(unit.cert);
		party_free(&unit);
	}
	put_cert(root.cert);
	put_cert(other.cert);
	put_cert(second.cert);
	check(leaves, both, 3, false);
	put_cert(root.cert);
	put_cert(other.cert);
	check(leaves, first, 3, false);
	X509_free(second_leaf);
	party_free(&second);
}

static void authorities_of_one_name_are_all_found(void **state)
{
	(void)state;
	check_one_name(MBSTRING_UTF8, "Root One", NULL);
	check_one_name(V_ASN1_PRINTABLESTRING, "ROOT  one ", NULL);
	check_one_name(V_ASN1_T61STRING, " root One", NULL);
	check_one_name(V_ASN1_BMPSTRING, "Root One", NULL);
	check_one_name(MBSTRING_UTF8, "root one", "UNIT");
}

static void names_in_other_alphabets_are_found(void **state)
{
	struct party p = root_new(MBSTRING_UTF8, "\xC3\x84rzte \xE6\x97\xA5\xE6\x9C\xAC", NULL);
	X509 *under =
		leaf_of(&p, name_of(MBSTRING_UTF8, "\xC3\x84RZTE  \xE6\x97\xA5\xE6\x9C\xAC", NULL));
	X509 *const leaves[] = { under, leaf };
	const bool ok[] = { true, true };

	(void)state;
	put_cert(p.cert);
	put_cert(root.cert);
	check(leaves, ok, 2, false);
	X509_free(under);
	party_free(&p);
}

/* root.cert's name and key, certified by another one: a chain may end at either. */
static void cross_signed_authority_is_found_by_its_name(void **state)
{
	X509 *cross = cert_new(name_of(MBSTRING_UTF8, "Root One", NULL), root.key,
		name_of(MBSTRING_UTF8, "Root Two", NULL), &other, 9);
	STACK_OF(X509) *between = sk_X509_new_null();
	X509_STORE *theirs;
	struct ours o;
	bool bad;

	(void)state;
	sk_X509_push(between, cross);
	for (int files = 0; files < 3; files++) {
		if (files != 1)
			put_cert(root.cert);
		if (files != 0)
			put_cert(other.cert);
		if (files == 2)
			put_cert(cross);
		save();
		theirs = theirs_new(&bad);
		o = ours_new();
		assert_int_equal(check_one(x509_of(&o), theirs, leaf, between), X509_V_OK);
		assert_int_equal(
			check_one(x509_of(&o), theirs, cross, NULL) == X509_V_OK, files != 0);
		X509_STORE_free(theirs);
		ours_free(&o);
	}
	sk_X509_free(between);
	X509_free(cross);
}

static void name_in_a_kind_of_string_that_is_not_indexed_is_looked_for_everywhere(void **state)
{
	struct party wide = root_new(MBSTRING_UTF8, "Root One", NULL);
	X509 *under = leaf_of(&wide, name_of(V_ASN1_BMPSTRING, "Root One", NULL));

	(void)state;
	put_cert(root.cert);
	put_cert(other.cert);
	put_cert(wide.cert);
	check((X509 *const[]){ under, leaf }, (const bool[]){ true, true }, 2, false);
	X509_free(under);
	party_free(&wide);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_certificates_that_a_chain_asks_for_become_objects),
		cmocka_unit_test(certificates_of_the_system_get_the_verdicts_of_openssl),
		cmocka_unit_test(words_and_line_ends_between_blocks_do_not_matter),
		cmocka_unit_test(lines_that_openssl_would_cut_are_left_to_it),
		cmocka_unit_test(marks_and_other_bytes_before_blocks_count_as_with_openssl),
		cmocka_unit_test(file_with_a_broken_block_is_refused_whole),
		cmocka_unit_test(changed_certificate_gets_the_verdict_of_openssl),
		cmocka_unit_test(duplicates_are_one),
		cmocka_unit_test(trusted_certificates_and_other_blocks_are_read_by_openssl),
		cmocka_unit_test(authorities_of_one_name_are_all_found),
		cmocka_unit_test(names_in_other_alphabets_are_found),
		cmocka_unit_test(cross_signed_authority_is_found_by_its_name),
		cmocka_unit_test(
			name_in_a_kind_of_string_that_is_not_indexed_is_looked_for_everywhere),
	};

	return cmocka_run_group_tests(tests, make_parties, free_parties);
}
