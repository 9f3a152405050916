/*
 * A sign-in with a code that the person types on another device (RFC 8628).
 */
#ifndef MPMCP_DEVICE_H
#define MPMCP_DEVICE_H

#include "auth/signin_record.h"
#include "auth/oauth_options.h"
#include "auth/token.h"
#include "net/http.h"
#include "net/loop.h"

struct device;

struct device_events {
	/* Where to type which code. */
	void (*show)(void *ctx, const char *url, const char *code);
	/* The end, once: as token_fn. */
	void (*done)(void *ctx, enum token_outcome how, const struct err *e);
};

/* g: device_endpoint, token_endpoint and the client are set; gets the tokens. All must live until
 * done(). NULL with e set when it cannot begin. */
struct device *device_start(struct loop *l, struct http *h, const struct oauth_options *o,
	struct signin_record *g, const struct device_events *on, void *ctx, struct err *e)
	__attribute__((warn_unused_result));
void device_free(struct device *d); /* NULL is fine; not from inside show() */

#endif
