/*
 * A PEM file of many certificates (RFC 7468), indexed by subject without making
 * an object of any of them. Of a system's 140 authorities a chain asks for one
 * or two; to have OpenSSL parse the others takes longer than the rest of a
 * start.
 *
 * The index only selects candidates: OpenSSL parses, compares and verifies
 * them. It vouches for one thing, that OpenSSL can read the file, since it
 * refuses a file whole when one of its certificates cannot be read. So it
 * knows a strict subset of what OpenSSL reads, and says when it has met
 * anything else: OpenSSL is to read that itself.
 */
#ifndef MPMCP_X509_BUNDLE_H
#define MPMCP_X509_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No statement about a name: it may be equal to any other. */
#define X509_BUNDLE_ANY 0u

struct x509_bundle_cert {
	const unsigned char *der; /* in the text that was indexed */
	size_t len;
	/* Of its subject, see below. X509_BUNDLE_ANY: OpenSSL has to say whether this is a
	 * certificate, and what its subject is. */
	uint64_t key;
};

struct x509_bundle {
	struct x509_bundle_cert *certs; /* in the order of the file */
	size_t n;
};

/*
 * Overwrites the text with what its blocks encode, to which b then points. False, with nothing in b
 * and the text destroyed, when it holds anything but certificates and words between them: other kinds
 * of blocks, headers, base64 in odd lines, no certificate at all.
 */
bool x509_bundle_index(struct x509_bundle *b, char *text, size_t n)
	__attribute__((warn_unused_result));
void x509_bundle_free(struct x509_bundle *b); /* not the text */

/*
 * The same for all names that OpenSSL takes for equal (RFC 5280 section 7.1: letters, blanks and kinds
 * of strings that differ); mostly different for others. der is one Name, with nothing after it.
 */
uint64_t x509_bundle_key(const unsigned char *der, size_t n);

#endif
