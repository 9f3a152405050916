/* The same where the kernel has no descriptors of processes. */
#define OS_TOLD_BY_SIGNAL
#include "../../lib/os/loop_linux.c"
#include "test_os_loop.c"
