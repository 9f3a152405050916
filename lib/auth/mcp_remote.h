/*
 * A sign-in of mcp-remote, read from its files: mcp-remote-v1/ or the folder
 * of an older version, <hash>_tokens.json and <hash>_client_info.json, where
 * the hash is the MD5 of the URL and what else that program counts in.
 */
#ifndef MPMCP_MCP_REMOTE_H
#define MPMCP_MCP_REMOTE_H

#include "auth/oauth_options.h"

/* Fills g (clear it either way). False with e set when there is nothing to import. */
bool mcp_remote_read(const struct oauth_options *o, struct signin_record *g, struct err *e)
	__attribute__((warn_unused_result));

/*
 * Whether found, which a discovery filled, sends refresh token and client secret to endpoint's own site.
 * Older files of mcp-remote do not say which issuer they belong to, and a server can name any. Without a
 * list of public suffixes, the own site is: the same host, one above or below it (mcp.example.com and
 * example.com), or both in mixpanel.com, whose regions have one host for each.
 */
bool mcp_remote_stays_on_site(const char *endpoint, const struct signin_record *found);

/* Takes out what is sent to the issuer: refresh token and client. */
void mcp_remote_access_alone(struct signin_record *g);

#endif
