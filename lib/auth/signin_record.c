#include "auth/signin_record.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct field {
	const char *name;
	size_t offset;
};

/* clang-format off: one row a line */
#define T(n) \
	{ \
#n, offsetof(struct signin_record, n) \
	}
static const struct field texts[] = {
	T(url),
	T(resource),
	T(profile),
	T(issuer),
	T(authorization_endpoint),
	T(token_endpoint),
	T(registration_endpoint),
	T(revocation_endpoint),
	T(device_endpoint),
	T(auth_methods),
	T(scopes_offered),
	T(client_id),
	T(client_method),
	T(redirect_uri),
	T(scope_asked),
	T(scope_granted),
	T(scope_wanted),
	T(word),
};
static const struct field secrets[] = {
	{ "client_secret", offsetof(struct signin_record, client_secret) },
	{ "access_token", offsetof(struct signin_record, access) },
	{ "refresh_token", offsetof(struct signin_record, refresh) },
};
static const struct field times[] = {
	{ "client_secret_expires", offsetof(struct signin_record, client_expires_s) },
	{ "obtained", offsetof(struct signin_record, obtained_s) },
	{ "expires", offsetof(struct signin_record, expires_s) },
	{ "word_at", offsetof(struct signin_record, word_s) },
};
/* clang-format on */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void *at(const struct signin_record *g, const struct field *f)
{
	return (char *)(uintptr_t)g + f->offset;
}

static char **text_at(const struct signin_record *g, size_t i)
{
	return at(g, &texts[i]);
}

static struct secret *secret_at(const struct signin_record *g, size_t i)
{
	return at(g, &secrets[i]);
}

static int64_t *time_at(const struct signin_record *g, size_t i)
{
	return at(g, &times[i]);
}

void signin_record_clear(struct signin_record *g)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		free(*text_at(g, i));
	for (size_t i = 0; i < COUNT(secrets); i++)
		secret_clear(secret_at(g, i));
	*g = (struct signin_record){ 0 };
}

void signin_record_copy(struct signin_record *to, const struct signin_record *from)
{
	for (size_t i = 0; i < COUNT(texts); i++)
		if (*text_at(from, i))
			*text_at(to, i) = mem_dup(*text_at(from, i));
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (secret_isset(secret_at(from, i)))
			secret_set(secret_at(to, i), secret_str(secret_at(from, i)),
				secret_at(from, i)->len);
	for (size_t i = 0; i < COUNT(times); i++)
		*time_at(to, i) = *time_at(from, i);
	to->iss_promised = from->iss_promised;
}

void signin_record_add_places(struct signin_record *to, const struct signin_record *found)
{
	static const struct field places[] = { T(issuer), T(authorization_endpoint),
		T(token_endpoint), T(registration_endpoint), T(revocation_endpoint),
		T(device_endpoint), T(auth_methods), T(scopes_offered), T(resource) };

	for (size_t i = 0; i < COUNT(places); i++) {
		char **text = at(to, &places[i]), **new = at(found, &places[i]);

		free(*text);
		*text = *new ? mem_dup(*new) : NULL;
	}
	to->iss_promised = found->iss_promised;
}

json_t *signin_record_to_json(const struct signin_record *g)
{
	json_t *o = json_object();

	for (size_t i = 0; i < COUNT(texts); i++)
		if (*text_at(g, i))
			json_object_set_new(o, texts[i].name, json_string(*text_at(g, i)));
	for (size_t i = 0; i < COUNT(secrets); i++)
		if (secret_isset(secret_at(g, i)))
			json_object_set_new(
				o, secrets[i].name, json_string(secret_str(secret_at(g, i))));
	for (size_t i = 0; i < COUNT(times); i++)
		if (*time_at(g, i))
			json_object_set_new(o, times[i].name, json_integer(*time_at(g, i)));
	json_object_set_new(o, "iss_promised", json_boolean(g->iss_promised));
	return o;
}

bool signin_record_from_json(const json_t *o, struct signin_record *g)
{
	*g = (struct signin_record){ 0 };
	for (size_t i = 0; i < COUNT(texts); i++) {
		const char *v = json_string_value(json_object_get(o, texts[i].name));

		*text_at(g, i) = v ? mem_dup(v) : NULL;
	}
	for (size_t i = 0; i < COUNT(secrets); i++) {
		const char *v = json_string_value(json_object_get(o, secrets[i].name));

		if (v && *v)
			secret_set(secret_at(g, i), v, strlen(v));
	}
	for (size_t i = 0; i < COUNT(times); i++)
		*time_at(g, i) = json_integer_value(json_object_get(o, times[i].name));
	g->iss_promised = json_is_true(json_object_get(o, "iss_promised"));
	return g->url != NULL;
}
