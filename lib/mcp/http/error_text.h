/*
 * What servers, gateways and proxies say about a failure: their words, and what
 * they mean. bridge, call and doctor read the one table in error_text.c; a new
 * text of the service is a row there. Pure.
 */
#ifndef MPMCP_ERROR_TEXT_H
#define MPMCP_ERROR_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "mcp/json/message.h"

/* Enough for one sentence of the service; a page is never repeated. */
#define ERROR_TEXT_MAX 240

/*
 * From the body of an error answer: error_description, message, detail, title, error or errors of a
 * JSON object (error.message of a JSON-RPC error; the first entries of an array, as FastAPI's
 * detail), the title or first heading of an HTML page, or the start of plain text. Cleaned of control
 * characters and of registered secrets, cut at a word with "..."; "" when nothing is worth repeating. The
 * body may be changed (white space).
 */
void error_text_read(char *body, size_t n, char out[ERROR_TEXT_MAX + 1]);

/* The body is a page for a browser. */
bool error_text_is_page(const char *body, size_t n);

/* All that is known of a failure; zero for what is not. */
struct error_said {
	long status;      /* HTTP; 0: none, or success */
	long code;        /* of a JSON-RPC error */
	const char *text; /* the words; NULL: none */
	bool page;        /* an HTML page came with them */
	bool challenge;   /* a field of the answer says that a browser has to prove itself */
	const char *url;  /* that was asked: Mixpanel's own places are named for its hosts alone */
};

/* what: the cause, for the beginning of a message; advice: whole sentences, or "". Static. */
struct error_meaning {
	enum err_kind kind;
	enum err_reason reason;
	const char *what, *advice;
};
struct error_meaning error_text_meaning(const struct error_said *s);

/* What the words of a JSON-RPC error, in its message or its data, tell about who says them. */
enum error_era {
	ERROR_ERA_UNTOLD,
	ERROR_ERA_INITIALIZE, /* a server that keeps sessions: it misses an initialize */
	ERROR_ERA_SESSIONS, /* such a server: it misses a session, or does not know the revision */
};
enum error_era error_text_era(struct span error);

/* Fills e with all that: cause, status, words; when to try again (-1: the server did not say) and what
 * else to do. Returns false. */
bool error_text_refusal(struct err *e, const struct error_said *s, long retry_after_s);

#endif
