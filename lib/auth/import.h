/*
 * A sign-in of mcp-remote, read from its files: mcp-remote-v1/ or the folder
 * of an older version, <hash>_tokens.json and <hash>_client_info.json, where
 * the hash is the MD5 of the URL and what else that program counts in.
 */
#ifndef MPMCP_IMPORT_H
#define MPMCP_IMPORT_H

#include "auth/options.h"

/* Fills g (clear it either way). False with e set when there is nothing to import. */
bool import_mcp_remote(const struct oauth_opts *o, struct grant *g, struct err *e)
	__attribute__((warn_unused_result));

#endif
