#include "program_line.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "os/loop.h"
#include "os/process.h"

char *program_line(const char *const *args, int64_t within_ms)
{
	char *program = strchr(args[0], '/') ? mem_dup(args[0]) : os_find_program(args[0]);
	struct os_command c = {
		.program = program, .args = args, .in = OS_NOTHING, .err = OS_NOTHING
	};
	int64_t until = clock_ms() + within_ms, left, got = 1;
	struct os_wait w = { .want = OS_CAN_READ };
	char text[4096] = ""; /* the rest is of no interest */
	struct os_process *child;
	int ends[2], status = -1;
	size_t n = 0;

	if (!program || !os_pipe(ends)) {
		free(program);
		return NULL;
	}
	c.out = ends[1];
	child = os_process_start(&c);
	os_stream_close(ends[1]);
	w.fd = ends[0];
	while (child && got > 0 && n < sizeof(text) - 1 && (left = until - clock_ms()) > 0) {
		if (os_wait(&w, 1, (int)left) <= 0)
			continue;
		got = os_receive(ends[0], text + n, sizeof(text) - 1 - n);
		n += got > 0 ? (size_t)got : 0;
	}
	os_stream_close(ends[0]);
	if (child && got > 0)
		os_process_stop(child);
	else if (child)
		status = os_process_wait(child);
	free(program);
	text[strcspn(text, "\r\n")] = '\0';
	return status == 0 && *text ? mem_dup(text) : NULL;
}
