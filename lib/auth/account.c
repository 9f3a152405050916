#include "auth/account.h"

#include <string.h>
#include <strings.h>

#include "base/crypt.h"
#include "base/secret.h"
#include "net/url.h"

static const char advice[] = "It should hold the base64 text of \"username:secret\", or that pair itself";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(const char **p, size_t *n)
{
	while (*n && is_blank(**p))
		++*p, --*n;
	while (*n && is_blank((*p)[*n - 1]))
		--*n;
}

/* Takes "Word " off the front; any case, as HTTP's schemes are. */
static bool take_word(const char **p, size_t *n, const char *word)
{
	size_t w = strlen(word);

	if (*n <= w || strncasecmp(*p, word, w) != 0 || !is_blank((*p)[w]))
		return false;
	*p += w;
	*n -= w;
	trim(p, n);
	return true;
}

static bool strip(const char **p, size_t *n)
{
	bool changed = false;

	trim(p, n);
	if (take_word(p, n, "Authorization:"))
		changed = true;
	if (*n >= 2 && ((*p)[0] == '"' || (*p)[0] == '\'') && (*p)[*n - 1] == (*p)[0]) {
		++*p;
		*n -= 2;
		trim(p, n);
		changed = true;
	}
	if (take_word(p, n, "Bearer"))
		changed = true;
	if (take_word(p, n, "Basic"))
		changed = true;
	return changed;
}

/* "user:secret" as the service knows them: printable, a colon, something on both sides. */
static bool is_pair(const char *p, size_t n)
{
	const char *colon = n ? memchr(p, ':', n) : NULL;

	if (!colon || colon == p || colon == p + n - 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] == 127)
			return false;
	return true;
}

static bool add_value(struct buf *out, const char *pair, size_t n, struct err *e)
{
	return (buf_adds(out, "Bearer Basic ") && crypt_base64(out, pair, n)) || err_set(e, ERR_LIMIT, "the token is too long");
}

/* Blanks and line breaks inside are what "base64" without -w0 and copying from a terminal put there. */
static bool decode(const char *p, size_t n, struct buf *pair, bool *blanks)
{
	struct buf text;
	bool good = true;

	buf_init(&text, ACCOUNT_MAX);
	for (size_t i = 0; i < n && good; i++) {
		if (is_blank(p[i]))
			*blanks = true;
		else
			good = buf_addc(&text, p[i]);
	}
	/* However many "=" are left (some clients eat them), the letters say the length. */
	while (text.len && text.p[text.len - 1] == '=')
		text.len--;
	good = good && text.len && crypt_unbase64(pair, text.p, text.len);
	buf_wipe(&text);
	return good;
}

static bool from_base64(const char *p, size_t n, const char *where, struct buf *out, const char **repaired, struct err *e)
{
	struct buf pair;
	bool blanks = false, good = false;

	buf_init(&pair, ACCOUNT_MAX);
	if (!decode(p, n, &pair, &blanks)) {
		err_set(e, ERR_USAGE, "%s is neither base64 nor \"username:secret\". %s", where, advice);
		goto out;
	}
	if (blanks)
		*repaired = "a blank or line break inside the base64 text was taken out";
	if (pair.len && (pair.p[pair.len - 1] == '\n' || pair.p[pair.len - 1] == '\r')) {
		while (pair.len && is_blank(pair.p[pair.len - 1]))
			pair.len--;
		*repaired = "a line break that was encoded behind the secret (echo without -n) was taken off";
	}
	if (!is_pair(pair.p, pair.len))
		err_set(e, ERR_USAGE, "%s is base64, but not of \"username:secret\": %s. %s", where,
			pair.len && memchr(pair.p, ':', pair.len) ? "it holds a blank, a control character or an empty part" : "there is no colon in it", advice);
	else
		good = add_value(out, pair.p, pair.len, e);
out:
	buf_wipe(&pair);
	return good;
}

static bool left_over_variable(const char *p, size_t n, const char *where, struct err *e)
{
	const char *open = NULL, *close;

	for (size_t i = 0; i + 1 < n && !open; i++)
		if (p[i] == '$' && p[i + 1] == '{')
			open = p + i + 2;
	close = open ? memchr(open, '}', (size_t)(p + n - open)) : NULL;
	if (!close || close - open > 80)
		return false;
	err_set(e, ERR_USAGE, "%s holds the text \"${%.*s}\" itself: the client did not replace it, because that variable "
		"is not set where the client runs. Set it there", where, (int)(close - open), open);
	err_clean(e->msg);
	return true;
}

bool account_from_token(const char *text, const char *where, struct buf *out, const char **repaired, struct err *e)
{
	const char *p = text, *fixed = NULL;
	size_t n = strlen(text);
	bool good;

	if (!repaired)
		repaired = &fixed;
	*repaired = NULL;
	if (n > ACCOUNT_MAX)
		return err_set(e, ERR_USAGE, "%s is longer than %d bytes: that is no service-account token", where, ACCOUNT_MAX);
	if (left_over_variable(p, n, where, e))
		return false;
	if (strip(&p, &n))
		*repaired = "what stood around the token was taken off";
	if (!n)
		return err_set(e, ERR_USAGE, "%s is empty. %s", where, advice);
	/* A colon is no letter of base64, so the two forms cannot be confused. */
	if (!memchr(p, ':', n))
		return from_base64(p, n, where, out, repaired, e);
	good = is_pair(p, n);
	if (!good)
		return err_set(e, ERR_USAGE, "%s holds a blank, a control character or an empty part. %s", where, advice);
	return add_value(out, p, n, e);
}

bool account_from_pair(const char *user, const char *secret, struct buf *out, struct err *e)
{
	struct buf pair;
	bool good;

	buf_init(&pair, ACCOUNT_MAX);
	good = buf_addf(&pair, "%s:%s", user, secret) && is_pair(pair.p, pair.len) && !strchr(user, ':');
	if (!good)
		err_set(e, ERR_USAGE, "MIXPANEL_SA_USERNAME and MIXPANEL_SA_SECRET are empty, too long, or hold blanks or control "
			"characters: copy both again from Mixpanel's service-account page");
	else
		good = add_value(out, pair.p, pair.len, e);
	buf_wipe(&pair);
	return good;
}

bool account_may_go_to(const char *url, struct err *e)
{
	struct url u;
	bool good;

	if (!url_parse(url, &u, e))
		return false;
	good = url_is_loopback(&u) || (strcmp(u.scheme, "https") == 0 && url_in_domain(&u, "mixpanel.com"));
	if (!good)
		err_set(e, ERR_USAGE, "the service account from the environment is for mixpanel.com over https, not for %s://%s. "
			"To send a credential there all the same, name it with --header", u.scheme, u.host);
	url_clear(&u);
	return good;
}
