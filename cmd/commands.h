/*
 * The commands: each takes what was said and returns an exit status.
 */
#ifndef MPMCP_COMMANDS_H
#define MPMCP_COMMANDS_H

struct args;

int cmd_bridge(const struct args *a);
int cmd_login(const struct args *a);
int cmd_logout(const struct args *a);
int cmd_status(const struct args *a);
int cmd_tools(const struct args *a);
int cmd_call(const struct args *a);
int cmd_setup(const struct args *a);
int cmd_doctor(const struct args *a);
int cmd_completion(const struct args *a);
int cmd_help(const struct args *a);

#endif
