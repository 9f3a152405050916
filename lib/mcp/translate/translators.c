#include "mcp/translate/translators.h"

struct between *translator_new(struct session *s, enum era client)
{
	switch (client) {
	case ERA_LEGACY:
		return legacy_client_new(s);
	case ERA_MODERN:
		return modern_client_new(s);
	case ERA_UNKNOWN:
		break;
	}
	return NULL;
}
