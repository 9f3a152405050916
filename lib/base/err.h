/*
 * How a failure travels: a bool result and a struct err that only the failing
 * callee fills. Library code never prints and never exits; cmd/ turns the kind
 * into an exit status, lib/mcp into a JSON-RPC error code.
 *
 * What a failure is, for whoever decides: kind and reason. What a person reads:
 * msg (the cause) and advice (what to do), joined by err_text(). No decision
 * reads msg or advice.
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

/* Why, where a program may do something about it or has better advice than the callee. */
enum err_reason {
	REASON_NONE,          /* the kind says it all */
	REASON_SESSION_LOST,  /* the server does not know the session */
	REASON_SIGN_IN,       /* a person has to sign in; the advice names the command */
	REASON_DECLINED,      /* the person said no at the sign-in page */
	REASON_SCOPE_MISSING, /* the sign-in lacks a scope */
	REASON_MCP_DISABLED,  /* MCP is not enabled for the project */
	REASON_PLAN,          /* the account's plan leaves it out */
	REASON_PERMISSION,    /* this account may not */
	REASON_FIREWALL, /* something in front of the server refuses; no permission of the account */
	REASON_RATE_LIMITED,
	REASON_NOT_FOUND,     /* nothing at this address */
	REASON_NOT_MCP,       /* what answers is not an MCP endpoint */
	REASON_REDIRECT,      /* it leads elsewhere, where no credential goes */
	REASON_MISDIRECTED,   /* the server that answers does not serve this host */
	REASON_BAD_REQUEST,   /* understood and refused */
	REASON_SERVER_DOWN,   /* failed, or not available now */
	REASON_SERVER_SLOW,   /* a gateway in between gave up waiting */
	REASON_CAPTIVE,       /* the network wants a sign-in of its own */
	REASON_UNREACHABLE,   /* no name, no address, no connection */
	REASON_INTERRUPTED,   /* the connection was lost, or was silent for too long */
	REASON_PROXY_SIGN_IN, /* the proxy wants a user name and password */
	REASON_PROXY_REFUSED, /* the proxy does not let this host through */
	REASON_PROXY_SCHEME,  /* the proxy is spoken to in TLS and does not speak it */
	REASON_CERT_DATES,    /* a certificate has expired, or is not valid yet */
	REASON_CERT_NAME,     /* a certificate is for other hosts */
	REASON_CERT_UNKNOWN,  /* a certificate by nobody who is trusted here */
	REASON_TLS,           /* the handshake failed */
	ERR_REASONS
};

/* Enough for what was done, what went wrong and what to do, with a URL in it. */
#define ERR_MSG_MAX 1024
/* A sentence or two with a command and a URL in it. */
#define ERR_ADVICE_MAX 640

/* Texts: one line, no control characters or secrets, cut at a UTF-8 boundary. */
struct err {
	enum err_kind kind;
	enum err_reason reason;
	char msg[ERR_MSG_MAX]; /* the cause, without a full stop */
	char advice
		[ERR_ADVICE_MAX]; /* what to do: whole sentences; "" when there is nothing to do */
};

/* Fills e (may be NULL) and returns false, so that a failure is one line. No reason, no advice. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Adds the reason and, in place of what e has, the advice; fmt may be "". Returns false. */
bool err_advise(struct err *e, enum err_reason reason, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the message that e holds, or the text after it. Both return false. */
bool err_prefix(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool err_append(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Message and advice as one text, for a person: err_text(e) on the stack of the caller. */
#define ERR_TEXT_MAX (ERR_MSG_MAX + ERR_ADVICE_MAX + 2)
char *err_join(const struct err *e, char out[ERR_TEXT_MAX]);
#define err_text(e) err_join((e), (char[ERR_TEXT_MAX]){ 0 })

/* "usage", "network", ...: for --debug and --json. */
const char *err_kind_name(enum err_kind kind);
/* "session-lost", ...; NULL for REASON_NONE. */
const char *err_reason_name(enum err_reason reason);
/* REASON_NONE for what is no name. */
enum err_reason err_reason_named(const char *name);

/*
 * Makes text from elsewhere fit for a terminal or a JSON-RPC message, in place:
 * control characters (C0, DEL, C1), those that turn the reading direction or
 * show nothing, and bytes that are not UTF-8 become '?', line breaks and tabs
 * become blanks.
 * Returns s.
 */
char *err_clean(char *s);

#endif
