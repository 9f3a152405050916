/*
 * Certificate authorities as one store of OpenSSL's, made once and shared by
 * all TLS connections of the process. Folders are looked into when a
 * certificate is verified, files are read late, while the first server is
 * thinking about our greeting, and of plain PEM files only the certificates
 * that a chain asks for become objects (x509_bundle.h).
 */
#ifndef MPMCP_X509_STORE_H
#define MPMCP_X509_STORE_H

#include <stdbool.h>

struct x509_store;

/* "OpenSSL/3.0.19": whoever uses another TLS library cannot use these stores. Static. */
const char *x509_store_library(void);

/* Where that library was built to look: the system's store on systems that are unlike the known ones.
 * Static; need not exist. */
const char *x509_store_default_folder(void);
const char *x509_store_default_file(void);

/* NULL when there is no memory. */
struct x509_store *x509_store_new(void) __attribute__((warn_unused_result));
void x509_store_free(struct x509_store *t); /* after the connections that use it; NULL is fine */

/* A folder named by hash (several, with colons between), a file of PEM certificates; copied. */
void x509_store_add_folder(struct x509_store *t, const char *path);
void x509_store_add_file(struct x509_store *t, const char *path);

/* Peers of connections made from this SSL_CTX are verified against t, and nothing else. */
bool x509_store_use(struct x509_store *t, void *ssl_ctx) __attribute__((warn_unused_result));

/* What OpenSSL does once in a process, for its first connection: to find its algorithms and seed its random
 * numbers. Takes a millisecond and more, so it is for the time in which a name is looked up. */
void x509_store_warm(void);

/* Reads the files that were not read yet, when x509_store_use() was called. */
void x509_store_load(struct x509_store *t);

/* The path of a file in which no certificate could be read; NULL when there is none. Borrowed. */
const char *x509_store_bad_file(const struct x509_store *t);

#endif
