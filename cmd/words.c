#include "words.h"

#include <stdio.h>

#include "base/clock.h"

void words_expiry(const struct grant *g, char out[64])
{
	const char *renewed = secret_isset(&g->refresh) ? ", renewed by itself" : "";
	long long left = (long long)g->expires_s - (long long)clock_wall_s();

	if (!secret_isset(&g->access))
		snprintf(out, 64, "none");
	else if (!g->expires_s)
		snprintf(out, 64, "good until the service refuses it%s", renewed);
	else if (left <= 0)
		snprintf(out, 64, "ended%s",
			secret_isset(&g->refresh) ? ", renewed at the next use"
						  : "; sign in again");
	else if (left < 3600)
		snprintf(out, 64, "good for %lld min%s", left / 60 + 1, renewed);
	else if (left < 48 * 3600)
		snprintf(out, 64, "good for %lld h %lld min%s", left / 3600, left / 60 % 60,
			renewed);
	else
		snprintf(out, 64, "good for %lld days%s", left / 86400, renewed);
}
