/*
 * What the parts of a session share; nobody else includes this.
 *
 *   session.c        posts and where they stand, the handshake
 *   reopen.c         a session that is opened behind the client's back
 *   again.c          what is sent once more, and what waits for a time
 *   kept.c           what the client has set in its session, for the next one
 *   from_client.c    lines of the client
 *   from_server.c    messages of the server and the ends of exchanges
 *   server_era.c     what they tell about its era, and who goes another way then
 *   owed.c           who is owed an answer, and how a request comes to its end
 *   translator.c     who translates, where client and server are of two eras
 *   to_client.c      what is written to the client
 *   patience.c       what becomes of those who wait for a person to sign in
 */
#ifndef MPMCP_SESSION_IMPL_H
#define MPMCP_SESSION_IMPL_H

#include "base/buf.h"
#include "base/strset.h"
#include "mcp/http/client_info.h"
#include "mcp/json/edit.h"
#include "mcp/json/message.h"
#include "mcp/json/era.h"
#include "mcp/session/pending.h"
#include "mcp/json/error_reply.h"
#include "mcp/session/session.h"
#include "mcp/session/translator.h"
#include "mcp/http/toolbook.h"

struct post;

/* One request that is owed an answer. */
struct call {
	struct pending_call pending; /* first: found through it */
	struct post *post;
	bool list; /* tools/list: its answer may be filtered */
	bool sets; /* it changes what the session holds, see kept.c */
};

enum post_kind {
	POST_MESSAGE,
	POST_INITIALIZE,  /* of the client */
	POST_INITIALIZED, /* of the client */
	POST_INTERNAL,    /* ours: on_answer is told */
};

/* Where a post stands: which list it is in. */
enum post_place {
	PLACE_NONE,
	PLACE_QUEUED, /* waits to be sent */
	PLACE_ACTIVE, /* an exchange is under way */
	PLACE_PARKED, /* waits for something else: an answer of the client, another post */
};

/* The answer to an internal request: m, or NULL and why there is none. The post is freed after. */
typedef void post_answer_fn(struct post *p, const struct message *m, const struct err *why);
/* The time that p waited for has come. */
typedef void post_due_fn(struct post *p);

/* One message (or batch) on its way to the server. */
struct post {
	struct session *s;
	struct post *prev, *next;
	enum post_place place;
	struct exchange *x; /* while active */
	enum post_kind kind;
	enum era era;           /* of the message */
	enum era wire;          /* in which it was sent; another one: answers are translated */
	struct message message; /* as the client sent it */
	struct message changed; /* as it goes out, when that differs */
	struct buf id;    /* the id that the server knows it by, when that is not the client's */
	struct buf owner; /* the id that the client knows it by, when message does not hold it */
	struct call one, *calls; /* calls: &one, or an array for a batch */
	size_t ncalls, owed;
	struct http_fields *own; /* mirrored fields; handed to the exchange */
	bool fresh;              /* an initialize: sent without session id and revision */
	bool response;           /* of the client, to a request of the server */
	bool again;              /* was sent before, in a session that the server has forgotten */
	bool endless;            /* a subscription: answered only when it is over */
	bool counted;            /* in s->in_flight: not yet answered in full, or not yet taken */
	bool junk;               /* the server sent something that is no message */
	bool reopened;           /* waited for a session that is opened on its client's behalf */
	bool refreshed;          /* the list of tools was fetched again because of this call */
	bool corrected;          /* sent again in the revision that the server asked for */
	bool taken;              /* its exchange ended as it should */
	bool late;               /* parked: its answer may still come on the GET stream */
	unsigned tries;          /* it was sent again so often because it had failed */
	unsigned long opening;   /* s->opening when it was sent */
	unsigned long unready;   /* and when it was refused because that session was not ready */
	post_due_fn *when_due;   /* queued or parked: called at due_ms; NULL: nothing is */
	int64_t due_ms;
	struct err *why;             /* late: what it is answered with when nothing comes */
	unsigned pages;              /* of a list that were fetched already */
	struct post *held_by;        /* parked until that one is answered */
	int64_t arrived_ms, tell_ms; /* the request; when it is told again that a sign-in goes on */
	void *ctx; /* POST_INTERNAL: for on_answer; NULL when that is gone, or a number */
	post_answer_fn *on_answer; /* POST_INTERNAL */
	struct between *between;   /* who translates it; NULL: nobody */
	void *translation;         /* what that one knows of it */
};

enum state {
	STATE_OPEN,        /* no handshake under way: messages go as they come */
	STATE_INITIALIZE,  /* the answer to initialize is awaited; all else waits */
	STATE_INITIALIZED, /* the server has not yet taken notifications/initialized */
	STATE_REPLAY,      /* a session is being opened behind the client's back */
};

struct post_list {
	struct post head; /* sentinel */
};

/* What the client has set in its session and believes to be in force. */
struct kept {
	char *level;    /* raw, of logging/setLevel; NULL: none */
	char **watched; /* raw JSON strings, of resources/subscribe */
	size_t nwatched;
};

struct session {
	struct loop *loop;
	struct lines_out *out;
	struct transport *transport;
	const struct session_events *on;
	void *ctx;
	enum state state;
	struct post
		*opener; /* STATE_INITIALIZE, STATE_INITIALIZED: who brought it about and ends it */
	struct post *replay;   /* STATE_REPLAY: the initialize of ours, */
	struct post *greeter;  /* and then our notifications/initialized */
	unsigned long opening; /* sessions that were opened so far */
	bool lost;             /* the client believes in a session, and there is none */
	bool proven;           /* a request has had a result in this one */
	bool deaf; /* lost, and the client may be waiting for what the server tells unasked */
	unsigned long unready; /* the opening that turned out not to be ready */
	bool anew;             /* STATE_REPLAY: it is another session than the client's last one */
	bool twice;            /* notifications/initialized was sent a second time */
	unsigned reopens, refusals; /* lost: tries in a row; those that the server refused */
	int64_t reopened_ms;        /* when the last one ended */
	struct err no_session;      /* and how */
	int64_t unasked_ms;         /* when reopened_unasked was set */
	struct kept kept;
	enum era server;           /* what it turned out to be */
	bool server_fixed;         /* said by the person: no refusal changes it */
	bool server_recalled;      /* from an earlier process: the first refusal changes it */
	bool asks_only;            /* session_asks_only() */
	struct client_info client; /* who asks */
	bool client_known;         /* it has said so */
	bool client_opened; /* it opened a session: its requests need not be looked through */
	struct post_list queue, active, parked;
	size_t queued, queued_bytes; /* of the queue */
	size_t queued_notes; /* how many of them are owed nothing: notifications, responses */
	size_t in_flight;
	struct pending calls;
	struct span
		arriving; /* id of a request that is being read and neither owed nor answered yet */
	size_t questions; /* requests of the server that the client has not answered */
	struct message initialize; /* the client's own, or ours for it: kept for a replay */
	struct buf hello;          /* the server's answer to our initialize */
	bool greeted;              /* the client sent notifications/initialized */
	bool reopened_unasked; /* the session was opened again, and no request of the client came since */
	bool batches;          /* the negotiated revision knows batches (2025-03-26) */
	size_t own_answers; /* bytes of ours that were said since the client stopped reading */
	bool input_stopped;
	bool input_ended; /* no line will come any more: nothing endless is begun, nobody is asked */
	struct policy *policy;
	struct toolbook *tools; /* which fields they ask for; NULL until some were listed */
	struct strset readers;  /* repeat_learn() */
	unsigned long serial;   /* of ids of ours */
	struct loop_task pump_task;
	struct loop_timer notes;     /* the input ended, and nothing is owed */
	struct loop_timer handshake; /* the step of it that is under way has so long; or the pause
				      * before the next try to open a session */
	struct loop_timer due;       /* the first of the posts that wait for a time */
	struct loop_timer patience;  /* set while a person signs in */
	unsigned long progress;      /* notes about that */
	translator_new_fn *new_translator;
	struct between *between;     /* client and server are of two eras; NULL: they are not */
	struct between *translators; /* all that there ever were */
};

/* ---- session.c ---- */

struct post *post_new(struct session *s, enum post_kind kind);
void post_free(
	struct post *p); /* in no list any more; what it still owes is answered with an error */

void post_enqueue(struct post *p, bool first); /* from wherever it stands but active */
void post_park(struct post *p);                /* from wherever it stands; ends its exchange */
void post_unlist(struct post *p);              /* the same, into no list */
void post_drop(struct post *p); /* takes it out of its list, ends its exchange, frees */
void post_give_up(struct post *p, const struct err *why); /* the same; whoever waits is told why */
void post_start(struct post *p);                          /* sends it at once; p is in no list */
void post_answered(struct post *p); /* nothing more is owed: its stream may end */
void post_uncount(struct post *p);  /* in flight no more: another one may start */

/* An id of ours, unlike any that a client uses; appended with quotes. */
bool session_own_id(struct session *s, struct buf *out) BUF_MUST;

/* A request of ours, to be sent with post_start(); body is taken over. fn is called once, later. */
struct post *session_ask(struct session *s, struct buf *body, post_answer_fn *fn);
/* Whoever waits for `before` waits for `next` instead; NULL: stays as it is. */
void session_hold(struct post *before, struct post *next);
/* A message that wants no answer. */
void session_tell(struct session *s, const char *body, size_t n);

/* m answers an initialize: revision and session id are the session's from now on. */
void session_negotiated(struct post *p, const struct message *m);
void session_pump(struct session *s);
void session_check_input(struct session *s);

/* p was answered, or is over: if the state is of its making, messages go as they come again. */
void session_opened(struct session *s, const struct post *p);
/* The standalone GET stream, for a client that listens. */
void session_listen(struct session *s);

/* The message of p as it goes out. */
const struct message *post_sent(const struct post *p);

/* ---- reopen.c ---- */

void reopen_init(struct session *s);
/* There is no session any more, or none yet, and the client believes in one: opens it with what
 * s->initialize holds. Until that has worked each message waits for the next try. */
void session_reopen(struct session *s);
/* The server seems not to know that the client is ready: it is told again, and everything waits for that. */
void session_greet_again(struct session *s);
void reopen_awaited(struct post *p); /* p is queued, and there is no session */
void reopen_pump(struct session *s); /* the same for s: begins a try, or waits for its time */
/* notifications/initialized of the client is on its way: the server has so long to take it. */
void greeting_begins(struct session *s);

/* ---- again.c ---- */

void again_init(struct session *s);
/* p is queued or parked; fn is called after ms, unless it went elsewhere before. */
void post_wait(struct post *p, int64_t ms, post_due_fn *fn);
/* The exchange of p is over and brought no answer. TAKEN: p, a message that may arrive twice, is sent
 * again after a pause. */
enum taken again_sent(struct post *p, const struct exchange_end *end)
	__attribute__((warn_unused_result));
/* TAKEN: p waits for answers that may come on the GET stream; if none does, it gets why, which is copied. */
enum taken again_awaited(struct post *p, const struct exchange_end *end, const struct err *why)
	__attribute__((warn_unused_result));

/* ---- kept.c ---- */

/* Does a request of this method change what is kept? */
bool kept_is_set_by(const struct message *m);
/* It has, with a result. */
void kept_note(struct session *s, struct post *p);
/* Raw values; false when there is no place for one more. */
void kept_set_level(struct kept *k, struct span level);
bool kept_watch(struct kept *k, struct span uri) __attribute__((warn_unused_result));
bool kept_unwatch(struct kept *k, struct span uri); /* true when it was there */
/* Another session: what was set in the one before is set again. */
void kept_restore(struct session *s);
void kept_clear(struct kept *k);

/* ---- owed.c: each of these is for a call that waits for its answer; nothing happens to one that had it ---- */

void owed_add(struct post *p, struct call *c, struct span id);
/* It waits in another call from now on, of post p, where its id stands, too. */
void owed_move(struct call *from, struct post *p, struct call *to, struct span id);
void owed_cancelled(struct call *c); /* the client wants no answer any more */
void owed_fail(struct call *c, const struct err *e, const struct error_reply_data *d);
void owed_invalid(struct call *c, long code, const char *why);
void owed_empty(struct call *c); /* {"result":{}} */
void owed_text(
	struct call *c, const struct buf *m); /* its whole answer; NULL: there was no memory */
/* The answer m of the server, under the client's own id, with these edits. */
void owed_answer(struct call *c, struct incoming *in, const struct message *m, struct edits *e);
void owed_no_memory(struct call *c);
void owed_give_up(struct post *p); /* p goes, and nobody thought of its calls */

void post_fail(struct post *p, const struct err *e,
	const struct error_reply_data *d); /* all of its calls */

/* ---- to_client.c ---- */

/* False when there is no memory for it. */
bool to_client_span(struct session *s, struct incoming *in, struct span m);
bool to_client_edited(struct session *s, struct incoming *in, struct span m, const struct edits *e);
bool to_client_text(struct session *s, const struct buf *m);
void to_client_error(
	struct session *s, struct span id, const struct err *e, const struct error_reply_data *d);
void to_client_invalid(struct session *s, struct span id, long code, const char *why);
void to_client_empty(struct session *s, struct span id); /* {"result":{}} */

/* ---- patience.c ---- */

void session_patience_due(void *ctx); /* a timer */

/* ---- from_client.c ---- */

/* Tells the server that p, which it knows by another id than the client, is not wanted any more. */
void tell_cancelled(struct session *s, struct span id);
/* Answers a request of the server that the client never sees. */
void refuse_question(struct session *s, struct span id, const char *why);
/* A batch that waited while the server turned out to know none: its messages go on one by one. p goes. */
void client_batch_split(struct post *p);

/* ---- server_era.c ---- */

/* Who stands between the client of a post of this era and the server; NULL: nobody need. */
struct between *server_era_between(struct session *s, enum era client);
/* The server turned out to be of this era: whoever translated for another one leaves. */
void server_era_is(struct session *s, enum era era);
/* A session was opened: its server has such. */
void server_era_opened(struct session *s);
/* The answer to the client's initialize. TAKEN: somebody else answers the client. */
enum taken server_era_greeted(struct post *p, const struct message *m)
	__attribute__((warn_unused_result));
/* m answers an initialize of ours. TAKEN: it shows that there are no sessions any more. */
enum taken server_era_refused_session(struct session *s, const struct message *m)
	__attribute__((warn_unused_result));
/* An answer that only servers of one era give is remembered. */
void server_era_note(struct post *p, const struct message *m);
/* The answer to p, in its own exchange. TAKEN: it shows that p was sent in the wrong era or
 * revision; p goes another way, and the client does not see this answer. */
enum taken server_era_turned(struct post *p, const struct message *m, long status)
	__attribute__((warn_unused_result));
/* The same for a refusal without a JSON-RPC error. */
enum taken server_era_refused(struct post *p, long status) __attribute__((warn_unused_result));

#endif
