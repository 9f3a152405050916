/*
 * What process_posix.c needs of the system it runs on.
 */
#ifndef MPMCP_OS_PROCESS_IMPL_H
#define MPMCP_OS_PROCESS_IMPL_H

/* A folder that has the open descriptors as names. */
extern const char os_open_descriptors[];

/* Only calls that are safe after fork(); returns when it cannot. */
void os_exec_itself(char *const *args, char *const *variables);

/* No program that takes core files from a pipe gets ours, and no process of the same user reads our memory. */
void os_no_dump(void);

#endif
