/*
 * Which addresses lead to this machine: loopback (RFC 1122 section 3.2.1.3, RFC
 * 4291 section 2.5.3), the unspecified address, which systems connect to
 * loopback, the IPv6 forms that carry such an IPv4 address, and the names that
 * resolvers keep for them (RFC 6761 section 6.3; the usual hosts files). Pure.
 *
 * A server elsewhere may not lead us here, nor to link-local addresses, where
 * clouds keep the credentials of a machine. Private networks stay open: the
 * sign-in server of a company is there while the MCP server may be hosted, and
 * over https it has to prove its name.
 */
#ifndef MPMCP_HERE_H
#define MPMCP_HERE_H

#include <stdbool.h>

struct sockaddr;

/* Wary decisions take everything but HERE_NOT for near; trust needs HERE. */
enum here {
	HERE_NOT,
	HERE_LINK,  /* link-local: a neighbour on the same wire, or the cloud's metadata service */
	HERE_MAYBE, /* usually this machine; another network or resolver may think otherwise */
	HERE,
};

/* A host as in struct url: lower case, IPv6 in brackets or not, IPv4 in any form that inet_aton() takes. */
enum here here_host(const char *host);
/* AF_INET and AF_INET6; HERE_NOT for others. */
enum here here_address(const struct sockaddr *a);

/* Whether a server whose own host is `from` must not lead us to `to`. */
bool here_is_barred(enum here to, enum here from);

#endif
