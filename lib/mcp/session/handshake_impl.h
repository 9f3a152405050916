/*
 * The inside of the handshake, for the parts of a session.
 */
#ifndef MPMCP_HANDSHAKE_IMPL_H
#define MPMCP_HANDSHAKE_IMPL_H

#include "base/err.h"
#include "mcp/session/handshake.h"
#include "net/loop.h"

enum handshake_state {
	STATE_OPEN,        /* no handshake under way: messages go as they come */
	STATE_INITIALIZE,  /* the answer to initialize is awaited; all else waits */
	STATE_INITIALIZED, /* the server has not yet taken notifications/initialized */
	STATE_REPLAY,      /* a session is being opened behind the client's back */
};

struct handshake {
	enum handshake_state state;
	struct outgoing
		*opener; /* STATE_INITIALIZE, STATE_INITIALIZED: who brought it about and ends it */
	struct outgoing *replay;  /* STATE_REPLAY: the initialize of ours, */
	struct outgoing *greeter; /* and then our notifications/initialized */
	struct loop_timer timer;  /* the step that is under way has so long; or the pause before the
				    * next try to open a session */
	struct message initialize; /* the client's own, or ours for it: kept for a replay */
	struct buf hello;          /* the server's answer to our initialize */
	unsigned long opening;     /* sessions that were opened so far */
	unsigned long unready;     /* the one of them that turned out not to be ready */
	bool proven;               /* a request has had a result in this one */
	bool greeted;              /* the client sent notifications/initialized */
	bool twice;                /* which was sent a second time */
	bool batches;              /* the negotiated revision knows batches (2025-03-26) */
};

/* A session that is opened behind the client's back: reopen.c. */
struct reopening {
	bool lost; /* the client believes in a session, and there is none */
	bool deaf; /* and it may be waiting for what the server tells unasked */
	bool anew; /* STATE_REPLAY: it is another session than the client's last one */
	unsigned tries, refusals; /* in a row; those that the server refused */
	int64_t tried_ms;         /* when the last one ended */
	struct err why;           /* and how */
	bool unasked;             /* it was opened again, and no request of the client came since */
	int64_t unasked_ms;       /* when that was set */
};

#endif
