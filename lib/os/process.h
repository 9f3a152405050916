/*
 * Processes: this one, and those that it starts.
 */
#ifndef MPMCP_OS_PROCESS_H
#define MPMCP_OS_PROCESS_H

#include <stdbool.h>

long os_process_number(void); /* ours, for people */

/*
 * The first process of a container is given what others leave behind: nobody else can take note of their ends.
 * os_take_orphans() does so, after OS_CHILD_ENDED; who waits for a child of his own does so in one go.
 */
bool os_is_first_process(void);
void os_take_orphans(void);

#endif
