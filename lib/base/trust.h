/*
 * Certificate authorities as one store of OpenSSL's, made once and shared by
 * all TLS connections of the process. Folders are looked into when a
 * certificate is verified, files are read whole, and late: while the first
 * server is thinking about our greeting.
 */
#ifndef MPMCP_TRUST_H
#define MPMCP_TRUST_H

#include <stdbool.h>

struct trust;

/* "OpenSSL/3.0.19": whoever uses another TLS library cannot use these stores. Static. */
const char *trust_library(void);

/* Where that library was built to look: the system's store on systems that are unlike the known ones.
 * Static; need not exist. */
const char *trust_default_folder(void);
const char *trust_default_file(void);

/* NULL when there is no memory. */
struct trust *trust_new(void) __attribute__((warn_unused_result));
void trust_free(struct trust *t); /* after the connections that use it; NULL is fine */

/* A folder named by hash (several, with colons between), a file of PEM certificates; copied. */
void trust_add_folder(struct trust *t, const char *path);
void trust_add_file(struct trust *t, const char *path);

/* Peers of connections made from this SSL_CTX are verified against t, and nothing else. */
bool trust_use(struct trust *t, void *ssl_ctx) __attribute__((warn_unused_result));

/* Reads the files that were not read yet, when trust_use() was called. */
void trust_load(struct trust *t);

/* The path of a file in which no certificate could be read; NULL when there is none. Borrowed. */
const char *trust_bad_file(const struct trust *t);

#endif
