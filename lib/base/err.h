/*
 * How a failure travels: a bool result and a struct err that only the failing
 * callee fills. Library code never prints and never exits; cmd/ turns the kind
 * into an exit status, lib/mcp into a JSON-RPC error code.
 */
#ifndef MPMCP_ERR_H
#define MPMCP_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_kind {
	ERR_NONE,
	ERR_USAGE,     /* the person's arguments, environment or files */
	ERR_IO,        /* files, descriptors, processes */
	ERR_NET,       /* unreachable: name, connection, time-out, TLS */
	ERR_PROTO,     /* a peer answered with something the protocol does not allow */
	ERR_AUTH,      /* sign-in needed, refused or failed */
	ERR_FORBIDDEN, /* the service knows the caller and refuses */
	ERR_NOT_FOUND, /* nothing at that address */
	ERR_RATE,      /* too many requests */
	ERR_SERVER,    /* the server failed */
	ERR_LIMIT,     /* larger than a cap of ours */
	ERR_POLICY,    /* a rule given by the person forbids it */
	ERR_CANCELLED, /* interrupted by the person */
	ERR_KINDS
};

/* Enough for what was done, what went wrong and what to do, with a URL in it. */
#define ERR_MSG_MAX 1024

struct err {
	enum err_kind kind;
	char msg[ERR_MSG_MAX]; /* one line, no control characters or secrets, cut at a UTF-8 boundary */
};

/* Fills e (may be NULL) and returns false, so that a failure is one line. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that e holds. Returns false. */
bool err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "usage", "network", ...: for --debug and --json. */
const char *err_kind_name(enum err_kind kind);

/*
 * Makes text from elsewhere fit for a terminal or a JSON-RPC message, in place:
 * control characters (C0, DEL, C1), those that turn the reading direction or
 * show nothing, and bytes that are not UTF-8 become '?', line breaks and tabs
 * become blanks.
 * Returns s.
 */
char *err_clean(char *s);

#endif
