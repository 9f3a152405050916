/*
 * The system's clocks, and waiting for a moment.
 */
#ifndef MPMCP_OS_TIME_H
#define MPMCP_OS_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

int64_t os_steady_ms(
	void); /* only moves forward; whether also while the machine sleeps is the system's matter */
int64_t os_wall_ms(void); /* since the epoch; people and other machines set it */
/* How long the machine has slept since it started, as far as the system can tell: else always the same. */
int64_t os_asleep_ms(void);

/* As gmtime(), into *out. */
bool os_utc(int64_t s, struct tm *out) __attribute__((warn_unused_result));

/* For the end of the program and for shortages: everything else is the loop's. */
void os_sleep_ms(int ms);

#endif
