/*
 * Who translates between a client and a server of two eras of MCP; what they
 * do is told in mcp/session/translator.h.
 */
#ifndef MPMCP_TRANSLATORS_H
#define MPMCP_TRANSLATORS_H

#include "mcp/session/translator.h"

/* For a client of one era in front of a server of the other. */
extern const struct translator legacy_client_translator, modern_client_translator;

struct between *legacy_client_new(struct session *s);
struct between *modern_client_new(struct session *s);

/* A translator_new_fn. */
struct between *translator_new(struct session *s, enum era client);

#endif
