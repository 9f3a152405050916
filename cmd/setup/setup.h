/* What "mpmcp setup" says to a person, apart from its flow (cmd_setup.c). */
#ifndef MPMCP_SETUP_H
#define MPMCP_SETUP_H

#include "setup/client_file.h"

/* HOME as ~. */
void setup_print_path(const char *path);
/* The client's own command line for the same entry. */
void setup_print_add(const struct entry *en, bool project);
/* What else a person has to know or do. */
void setup_print_notes(const struct options *a, const struct entry *en);
/* The members of an entry, "-" before what goes and "+" before what comes, secrets hidden. */
void setup_print_change(const json_t *old, const json_t *now);
/* What stays of the old entry, and what does not. */
void setup_print_carried(const struct entry *en);
/* Where the old file is, and why it deserves care. */
void setup_print_backup(const struct client_file *cf);

/* The table of clients, printed, or as JSON (the caller frees it). */
bool setup_list(const struct options *a, struct err *e) __attribute__((warn_unused_result));
json_t *setup_list_json(const struct options *a, struct err *e) __attribute__((warn_unused_result));

#endif
