#include "os/time.h"

#include "os/win32_impl.h"

#include <realtimeapiset.h>

/* 1601 to 1970, in units of 100 ns, as all times are here. */
#define EPOCH INT64_C(116444736000000000)

int64_t os_steady_ms(void)
{
	static LARGE_INTEGER a_second;
	LARGE_INTEGER now;

	if (!a_second.QuadPart)
		QueryPerformanceFrequency(&a_second);
	QueryPerformanceCounter(&now);
	return now.QuadPart / a_second.QuadPart * 1000 +
	       now.QuadPart % a_second.QuadPart * 1000 / a_second.QuadPart;
}

int64_t os_wall_ms(void)
{
	FILETIME now;

	GetSystemTimeAsFileTime(&now);
	return ((int64_t)((uint64_t)now.dwHighDateTime << 32 | now.dwLowDateTime) - EPOCH) / 10000;
}

/* The first counts sleep, the second does not. */
int64_t os_asleep_ms(void)
{
	ULONGLONG awake = 0;

	return QueryUnbiasedInterruptTime(&awake) ? (int64_t)(GetTickCount64() - awake / 10000) : 0;
}

bool os_utc(int64_t s, struct tm *out)
{
	__time64_t t = s;
	const struct tm *found = _gmtime64(&t);

	if (found)
		*out = *found;
	return found != NULL;
}

void os_sleep_ms(int ms)
{
	Sleep(ms > 0 ? (DWORD)ms : 0);
}
