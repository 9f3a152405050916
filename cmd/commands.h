/*
 * The commands: each takes what was said and returns an exit status.
 */
#ifndef MPMCP_COMMANDS_H
#define MPMCP_COMMANDS_H

struct options;

int cmd_bridge(const struct options *a);
int cmd_login(const struct options *a);
int cmd_logout(const struct options *a);
int cmd_status(const struct options *a);
int cmd_tools(const struct options *a);
int cmd_call(const struct options *a);
int cmd_setup(const struct options *a);
int cmd_doctor(const struct options *a);
int cmd_completion(const struct options *a);
int cmd_help(const struct options *a);

#endif
