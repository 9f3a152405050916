/* The same tests for the scan that is used where there is no SSE2. */
#define SCAN_PORTABLE
#include "../../lib/mcp/http/sse.c"
#include "test_sse.c"
