/*
 * Which certificate authorities are trusted. In order: --cacert; SSL_CERT_FILE
 * and SSL_CERT_DIR, as OpenSSL defines them; else the system's store, preferably
 * as a hashed folder: parsing a whole bundle costs tens of milliseconds at the
 * first connection, looking one certificate up costs none. The file in
 * NODE_EXTRA_CA_CERTS is added to the system's store, as Node does.
 */
#ifndef MPMCP_CA_H
#define MPMCP_CA_H

#include "base/err.h"

struct ca;

/* Reads the environment. NULL with e set (ERR_USAGE) when cacert cannot be read. The system's store,
 * and what variables name, is looked at when it is first needed. */
struct ca *ca_new(const char *cacert, struct err *e) __attribute__((warn_unused_result));
void ca_free(struct ca *c); /* NULL is fine */

/*
 * Sets the store on a libcurl easy handle; c must live as long as the handle and its connections.
 * All of them share one store, made for the first: with a folder libcurl would make one for each,
 * and read a whole bundle again and again.
 */
void ca_apply(struct ca *c, void *easy);

/* A request over TLS is about to start, and the name to be looked up. */
void ca_expect(struct ca *c);

/* To be called when libcurl returns: what takes long is done while others work, who look up the name, make
 * the connection, answer the greeting. */
void ca_settle(struct ca *c);

/* After a TLS connection failed: which file or folder cannot be read, and who named it, or that this machine
 * has no authorities at all; NULL when none is known. A clause for a message, borrowed until the next call. */
const char *ca_trouble(struct ca *c);
/* What to do about that trouble, a sentence or two. */
const char *ca_remedy(const struct ca *c);

/* "the folder /etc/ssl/certs and the file /x.pem (NODE_EXTRA_CA_CERTS)": for doctor. Borrowed. */
const char *ca_describe(struct ca *c);

#endif
