/*
 * Which requests may be sent a second time when a connection was lost before
 * the answer came: those that change nothing (RFC 9110 section 9.2.2 says so of
 * methods of HTTP; here it is what the message asks for that counts).
 */
#ifndef MPMCP_REPEAT_H
#define MPMCP_REPEAT_H

#include <stdbool.h>

#include "base/strset.h"
#include "mcp/json/message.h"

/* Notes in `readers` which tools of this tools/list result say that they only read and may be called
 * twice (readOnlyHint with idempotentHint). The last definition of a name counts. */
void repeat_learn(struct strset *readers, struct span result);

/* m may be sent again. Of a tool the catalog knows best, then the server's hints; what cannot be read
 * for sure is not repeated. */
bool repeat_may(const struct message *m, const struct strset *readers)
	__attribute__((warn_unused_result));

#endif
