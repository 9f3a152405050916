/*
 * This program as a worker (worker.h): reads its job and does it.
 */
#ifndef MPMCP_WORKER_MAIN_H
#define MPMCP_WORKER_MAIN_H

#include <stdbool.h>

#include "auth/worker.h"

/* False, after a message, when nobody said what is to be done: somebody started it by hand. */
bool worker_main(void);

#endif
