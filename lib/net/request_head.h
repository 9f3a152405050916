/*
 * The head of an HTTP request, as far as a loopback callback needs it
 * (RFC 9112 sections 2 to 5). Pure: touches nothing but the bytes.
 */
#ifndef MPMCP_REQUEST_HEAD_H
#define MPMCP_REQUEST_HEAD_H

#include <stddef.h>

/* Browsers send a few KiB of header; the target holds a code, a state and perhaps an issuer. */
#define REQUEST_HEAD_MAX 16384

struct request_head {
	char method[16];
	char target[8192];
	char host[264]; /* "" when there is none */
};

/* Bytes of the head when it is complete, 0 when more is needed, -1 when it is broken or too long. */
long request_head_parse(const char *p, size_t n, struct request_head *h);

#endif
