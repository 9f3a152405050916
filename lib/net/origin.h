/*
 * What is known of one origin that requests go to: its cookies and the proxy
 * on the way there.
 *
 * Cookies (RFC 6265) are kept in memory, in a jar for each origin, as load
 * balancers need them that pin a session to one machine. A jar is sent to its
 * own origin and nowhere else, whatever a cookie's Domain says and although
 * RFC 6265 itself does not tell ports apart.
 *
 * The proxy is that of http_proxy, https_proxy or all_proxy, in either case,
 * lower case first; HTTP_PROXY is left out when the program runs under a web
 * server (there a client's "Proxy:" field ends up in it). This machine and
 * what NO_PROXY lists are reached directly.
 */
#ifndef MPMCP_ORIGIN_H
#define MPMCP_ORIGIN_H

#include <stdbool.h>

#include "base/err.h"

struct origins;
struct origin;

/* Reads the environment; credentials in it are registered, see given.h. one_proxy: for https,
 * the proxy for http is taken when there is no other. endpoint: the URL that the person gave, or NULL;
 * borrowed during the call. */
struct origins *origins_new(bool cookies, bool one_proxy, const char *endpoint);
void origins_free(struct origins *s); /* after every handle that used a jar; NULL is fine */

/* The origin of this URL; kept until origins_free(). NULL with e set when its proxy variable holds
 * nothing that can be used. */
struct origin *origins_of(struct origins *s, const char *url, struct err *e)
	__attribute__((warn_unused_result));

void *origin_jar(const struct origin *s);         /* a CURLSH; NULL: no cookies */
const char *origin_proxy(const struct origin *s); /* for CURLOPT_PROXY: "" when there is none */
/* "the proxy host:port (https_proxy)", for messages; NULL when there is none. */
const char *origin_proxy_words(const struct origin *s);

/* The same in parts: for whom it matters that there would be one, and how it is spoken to. */
struct origin_way {
	const char *variable; /* that names a proxy for this scheme; NULL: none does */
	const char *proxy;    /* without user and password; NULL: this host is reached directly */
	bool socks;
};
struct origin_way origin_way(const struct origin *s);

/* Whether this site, which is not the endpoint, may not be at this address; never when a proxy leads
 * there. */
struct sockaddr;
bool origin_is_watched(const struct origin *s);
bool origin_is_barred(const struct origin *s, const struct sockaddr *a);

/* A Set-Cookie field came over this handle (a CURL): a jar that was overfilled is emptied. */
void origin_cookie_came(struct origin *s, void *easy);

/* Whether its last answer came on a connection that carries many exchanges at once (HTTP/2). */
void origin_set_shares(struct origin *s, bool shares);
bool origin_shares(const struct origin *s);

/* One host against a list as in NO_PROXY: names match their subdomains too, with or without "." or
 * "*." before them; addresses and networks ("10.0.0.0/8") match addresses; "name:port" that port
 * only; "*" everything. Blanks or commas between. host is lower case, IPv6 in brackets. Pure. */
bool origin_is_listed(const char *list, const char *host, unsigned port);

#endif
