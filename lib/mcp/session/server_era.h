/* Which era the server is of, what shows it, and who goes another way then. */
#ifndef MPMCP_SERVER_ERA_H
#define MPMCP_SERVER_ERA_H

#include "mcp/json/era.h"
#include "mcp/json/message.h"
#include "mcp/session/translator.h"

struct session;
struct outgoing;

/* Who stands between a client of this era and the server; NULL: nobody need. */
struct between *server_era_between(struct session *s, enum era client);
/* The server turned out to be of this era: whoever translated for another one leaves. */
void server_era_is(struct session *s, enum era era);
bool server_era_is_fixed(const struct session *s); /* said by the person: no refusal changes it */
/* It is worth knowing next time. */
void server_era_learned(struct session *s, enum era era);
/* A session was opened: its server has such. */
void server_era_opened(struct session *s);
/* The answer to the client's initialize. TAKEN: somebody else answers the client. */
enum taken server_era_greeted(struct outgoing *p, const struct message *m)
	__attribute__((warn_unused_result));
/* m answers an initialize of ours. TAKEN: it shows that there are no sessions any more. */
enum taken server_era_refused_session(struct session *s, const struct message *m)
	__attribute__((warn_unused_result));
/* An answer that only servers of one era give is remembered. */
void server_era_note(struct outgoing *p, const struct message *m);
/* The answer to p, in its own exchange. TAKEN: it shows that p was sent in the wrong era or
 * revision; p goes another way, and the client does not see this answer. */
enum taken server_era_turned(struct outgoing *p, const struct message *m, long status)
	__attribute__((warn_unused_result));
/* The same for a refusal without a JSON-RPC error. */
enum taken server_era_refused(struct outgoing *p, long status) __attribute__((warn_unused_result));

#endif
