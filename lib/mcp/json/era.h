/*
 * The two eras of MCP and what a message of one looks like in the other. Legacy
 * revisions (up to 2025-11-25) open a session with initialize; modern ones
 * (2026-07-28) say revision, client and capabilities in every request
 * (Versioning and Compatibility, of 2026-07-28).
 *
 * Pure: everything here reads spans that message_scan() has passed and notes
 * edits or appends text. Who is of which era is session.c's business.
 */
#ifndef MPMCP_ERA_H
#define MPMCP_ERA_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "mcp/json/edit.h"
#include "mcp/json/message.h"

enum era { ERA_UNKNOWN, ERA_LEGACY, ERA_MODERN };

/* The word for an era, "modern" or "legacy", as people and files know it; NULL and ERA_UNKNOWN for
 * anything else. */
const char *era_word(enum era e);
enum era era_of_word(const char *word);

/* What sets them apart for whoever only carries messages. Both are false of an era that is not known.
 * Sessions: opened by initialize; the server may ask, too, and cancellation is a message. */
bool era_has_sessions(enum era e);
/* Each request says by itself what it needs, and repeats parts of that in header fields. */
bool era_is_stateless(enum era e);
/* Of a message that does not name its revision. */
#define ERA_UNNAMED ERA_LEGACY
/* The era of a message, by what it carries: a call that names its revision in params._meta is stateless. */
enum era era_of(const struct message *m);

#define ERA_MODERN_VERSION "2026-07-28"
#define ERA_LEGACY_VERSION "2025-11-25" /* the newest of its era, asked for on a client's behalf */

/* Error codes of 2026-07-28, Error Codes. */
enum {
	ERA_HEADER_MISMATCH = -32020,
	ERA_MISSING_CAPABILITY = -32021,
	ERA_UNSUPPORTED_VERSION = -32022,
};

/* Names of members that mean something here. */
extern const char era_version_key[];      /* io.modelcontextprotocol/protocolVersion */
extern const char era_info_key[];         /* .../clientInfo */
extern const char era_capabilities_key[]; /* .../clientCapabilities */
extern const char era_log_key[];          /* .../logLevel */
extern const char era_subscription_key[]; /* .../subscriptionId */

long era_error_code(struct span error); /* 0 when it has none */
/* The words of an error of the server, cleaned: ERR_SERVER. */
void era_error_words(struct span error, struct err *e);

/* What the error that answers an initialize says: only a server that knows no initialize speaks so. */
bool era_refusal_is_modern(struct span error);
/* What the error that answers a modern request says: a recognized modern error. discover: the
 * request was server/discover, which every modern server has. */
bool era_refusal_is_of_modern(struct span error, long status, bool discover);
/* An error says that a message without the fields and members of the modern era is of none that the
 * server knows. */
bool era_refusal_demands_modern(struct span error, long status);
/* A list of revisions under "supported" in an UnsupportedProtocolVersionError names this one. */
bool era_supports(struct span error, const char *version);

/* The result of server/discover, with our revision among those that are supported. */
bool era_is_discovery(struct span result);

/* Revisions of the legacy era that are known. */
bool era_is_legacy_version(struct span version);

/* ---- legacy client, modern server ---- */

/* Appends the _meta members that every request carries, from the params of the client's initialize:
 * revision, clientInfo, clientCapabilities. No comma at either end. */
bool era_meta(struct buf *out, struct span initialize_params) BUF_MUST;

/* Notes what gives m (a request) these _meta members, and its params more members beside (p NULL:
 * none). scratch holds texts until the edits are carried out. */
bool era_add_meta(struct edits *s, const struct message *m, struct span members, struct span more,
	struct buf *scratch) BUF_MUST;

/* Appends the answer to the client's initialize that a server's answer to server/discover stands
 * for. fallback: a name for servers that do not say theirs. */
bool era_initialize_answer(struct buf *out, struct span id, struct span initialize_params,
	struct span discovered, const char *fallback) BUF_MUST;

/* "complete" (also when it is missing), "input_required", or something that is neither. */
enum era_result { ERA_COMPLETE, ERA_INPUT_REQUIRED, ERA_OTHER_RESULT };
enum era_result era_result_type(struct span result);
void era_result_to_legacy(struct edits *s, struct span result);

/* ---- modern client, legacy server ---- */

/* Appends an initialize on behalf of a client whose request has these params. */
bool era_initialize(struct buf *out, const char *id, struct span modern_params) BUF_MUST;

/* Appends the refusal of a request in a revision that the translation does not know
 * (UnsupportedProtocolVersionError). */
bool era_unsupported(struct buf *out, struct span id, struct span version) BUF_MUST;

/* Notes what takes the modern members out of a request. */
void era_drop_meta(struct edits *s, const struct message *m);

/* Appends the answer to server/discover that a legacy server's answer to initialize stands for. */
bool era_discover_answer(struct buf *out, struct span id, struct span initialized) BUF_MUST;

/* Notes what a legacy result needs: resultType, and caching hints for the methods that must have
 * them. */
void era_result_to_modern(struct edits *s, struct span result, const struct message *request);

/* Appends the answer that ends the subscription of this id (Subscriptions, Graceful Closure). */
bool era_subscription_end(struct buf *out, struct span id) BUF_MUST;

/* The level's place in RFC 5424's order, "debug" 0 to "emergency" 7; -1 when it is none. */
int era_log_level(struct span level);

#endif
