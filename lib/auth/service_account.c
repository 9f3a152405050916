#include "auth/service_account.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/crypt.h"
#include "base/pasted.h"
#include "net/url.h"

struct job {
	const char *where;  /* names the source in messages */
	const char *mended; /* what was repaired, NULL so far */
	struct buf *out;
	struct err *e;
};

/* What the service wants in front, single blanks. */
#define SCHEMES "Bearer Basic "

static bool complain(const struct job *j, const char *what)
{
	return err_set(j->e, ERR_USAGE,
		"%s %s. It should hold the base64 text of \"username:secret\", or that pair itself",
		j->where, what);
}

static bool starts(struct pasted s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static struct pasted skip(struct pasted s, size_t n)
{
	return (struct pasted){ s.p + n, s.n - n };
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A line break written as an escape, which files of variables leave as it stands. */
static bool is_escaped_break(const char *p)
{
	return p[0] == '\\' && (p[1] == 'n' || p[1] == 'r');
}

/* ---- what stands around the text ---- */

/* A scheme with what separates it, or with nothing behind it at all: then the variable that was to
 * follow was empty. */
static bool take_scheme(struct pasted *s, const char *word)
{
	struct pasted rest;

	if (!starts(*s, word))
		return false;
	rest = skip(*s, strlen(word));
	if (starts(rest, "%20"))
		rest = skip(rest, 3);
	else if (rest.n && pasted_trim(rest).p == rest.p)
		return false;
	*s = rest;
	return true;
}

static bool take_word(struct pasted *s, const char *word)
{
	if (!starts(*s, word))
		return false;
	*s = skip(*s, strlen(word));
	return true;
}

/* Takes off what people copy along: schemes, quotes, the name of the field or variable. All of it
 * ends in a character that base64 has not and no user name has, so nothing is lost by mistake. */
static struct pasted strip(struct pasted s, struct job *j)
{
	for (;;) {
		s = pasted_trim(s);
		if (pasted_unquote(&s))
			j->mended = "the quotes around it were removed";
		else if (take_word(&s, "export ") || take_word(&s, "MIXPANEL_SA_TOKEN="))
			j->mended = "the name of the variable in front of it was removed";
		else if (!take_word(&s, "Authorization:") && !take_scheme(&s, "Bearer") &&
			 !take_scheme(&s, "Basic"))
			return s;
	}
}

/* ---- the pair ---- */

/* One half, not empty. The service makes names and secrets of letters, digits, dots and dashes;
 * more is let through, but not what cannot have been meant. */
static bool check_half(const struct job *j, struct pasted s)
{
	if (pasted_unfilled(s, j->where, j->e))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= 0x80)
			return complain(
				j, "holds a character outside ASCII, which copying often adds");
		if (c == '\r' || c == '\n')
			return complain(j, "holds a line break in the middle");
		if (c == ' ' || c == '\t')
			return complain(j, "holds a blank in the middle");
		if (c < ' ' || c == 0x7f)
			return complain(j, "holds a control character");
	}
	if (strchr("\"'`{<", s.p[0]) || strchr("\"'`}>", s.p[s.n - 1]))
		return complain(j, "holds quotes or brackets around one half");
	return true;
}

static bool add_pair(struct job *j, struct pasted user, struct pasted secret)
{
	struct buf pair, text;
	bool good;

	buf_init(&pair, 2 * SERVICE_ACCOUNT_MAX + 1);
	buf_init(&text, 4 * SERVICE_ACCOUNT_MAX);
	good = buf_add(&pair, user.p, user.n) && buf_addc(&pair, ':') &&
	       buf_add(&pair, secret.p, secret.n) && crypt_base64(&text, pair.p, pair.len) &&
	       buf_reserve(j->out, sizeof(SCHEMES) - 1 + text.len) && buf_adds(j->out, SCHEMES) &&
	       buf_add(j->out, text.p, text.len);
	if (!good)
		err_set(j->e, ERR_LIMIT, "%s is too long for a service account", j->where);
	buf_wipe(&pair);
	buf_wipe(&text);
	return good;
}

/* s holds a colon; RFC 7617 section 2: the first one ends the name. */
static bool from_pair(struct job *j, struct pasted s)
{
	const char *colon = memchr(s.p, ':', s.n);
	struct pasted user = pasted_trim((struct pasted){ s.p, (size_t)(colon - s.p) });
	struct pasted secret = skip(s, (size_t)(colon + 1 - s.p));

	if (user.n == 0)
		return complain(j, "has no username before the colon");
	if (secret.n == 0)
		return complain(j, "has no secret after the colon; a variable may have been empty");
	if (starts(secret, "//"))
		return complain(j, "holds a URL");
	return check_half(j, user) && check_half(j, secret) && add_pair(j, user, secret);
}

/* ---- base64 ---- */

/* The letter or padding that the escape at s stands for, ' ' for a blank or line break, '\0' for
 * anything else. */
static char unescaped(struct pasted s)
{
	static const struct {
		char text[4], means;
	} rows[] = {
		{ "%3D", '=' },
		{ "%2B", '+' },
		{ "%2F", '/' },
		{ "%20", ' ' },
		{ "%0A", ' ' },
		{ "%0D", ' ' },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (starts(s, rows[i].text))
			return rows[i].means;
	return '\0';
}

/* s begins with a character that base64 has not. */
static const char *oddity(struct pasted s)
{
	if ((unsigned char)s.p[0] >= 0x80)
		return "holds a character outside ASCII, which copying often adds";
	if (memchr(s.p, '%', s.n))
		return "is percent-encoded; give it as it is";
	return "is neither base64 nor \"username:secret\"";
}

/* The letters without what may stand between them: base64(1) breaks lines, terminals break them
 * again, and files of variables keep "\n" as two characters. */
static bool gather(struct job *j, struct pasted s, struct buf *letters)
{
	while (s.n) {
		size_t n = s.p[0] == '%' ? 3 : s.n > 1 && is_escaped_break(s.p) ? 2 : 1;
		char c = n == 3 ? unescaped(s) : n == 2 ? ' ' : s.p[0];

		if (is_blank(c))
			j->mended = "blanks or line breaks inside the base64 text were removed";
		else if (c != '=' && !isalnum((unsigned char)c) &&
			 (c == '\0' || !strchr("+/-_", c)))
			return complain(j, oddity(s));
		else if (c != '=' && letters->len && letters->p[letters->len - 1] == '=')
			return complain(j, "continues after the '=' that ends base64 text");
		else if (!buf_addc(letters, c))
			return complain(j, "is too long");
		s = skip(s, n);
	}
	return true;
}

static bool decode(struct job *j, struct pasted s, struct buf *out)
{
	struct buf letters;
	bool good = false;

	buf_init(&letters, SERVICE_ACCOUNT_MAX);
	if (!gather(j, s, &letters))
		goto out;
	/* However many "=" are left (some clients eat them), the letters say the length. */
	while (letters.len && letters.p[letters.len - 1] == '=')
		letters.len--;
	good = letters.len && crypt_unbase64(out, letters.p, letters.len);
	if (!good)
		complain(j, "looks truncated: the base64 text is incomplete");
out:
	buf_wipe(&letters);
	return good;
}

/* PowerShell's Unicode encoding puts a zero behind every ASCII character. */
static void narrow(struct job *j, struct buf *b)
{
	size_t off = b->len > 1 && memcmp(b->p, "\xff\xfe", 2) == 0 ? 2 : 0, n = (b->len - off) / 2;

	if (b->len % 2 != 0 || n == 0)
		return;
	for (size_t i = 0; i < n; i++)
		if (b->p[off + 2 * i] == '\0' || b->p[off + 2 * i + 1] != '\0')
			return;
	for (size_t i = 0; i < n; i++)
		b->p[i] = b->p[off + 2 * i];
	b->len = n;
	b->p[n] = '\0';
	j->mended = "it was encoded as UTF-16 and is sent as ASCII";
}

static bool is_text(struct pasted s)
{
	for (size_t i = 0; i < s.n; i++)
		if (((unsigned char)s.p[i] < ' ' && !is_blank(s.p[i])) ||
			(unsigned char)s.p[i] >= 0x7f)
			return false;
	return true;
}

static bool from_base64(struct job *j, struct pasted s, bool again);

/* What the base64 text stood for. */
static bool from_decoded(struct job *j, struct pasted s, bool again)
{
	struct pasted bare = pasted_trim(s);

	if (bare.n < s.n)
		j->mended =
			"a line break that was encoded with the pair (echo without -n) was removed";
	bare = strip(bare, j);
	if (pasted_unfilled(bare, j->where, j->e))
		return false;
	if (bare.n && memchr(bare.p, ':', bare.n))
		return from_pair(j, bare);
	if (!is_text(bare))
		return complain(j, "is not base64 of username:secret; if it is only the secret, "
				   "set MIXPANEL_SA_USERNAME and MIXPANEL_SA_SECRET instead");
	if (again) {
		struct job twice = { j->where, "it was encoded twice", j->out, NULL };

		if (from_base64(&twice, bare, false)) {
			j->mended = twice.mended;
			return true;
		}
	}
	return complain(j, "is base64 text, but the decoded text has no colon");
}

/* again: what comes out may be base64 once more. */
static bool from_base64(struct job *j, struct pasted s, bool again)
{
	struct buf text;
	bool good = false;

	buf_init(&text, SERVICE_ACCOUNT_MAX);
	if (decode(j, s, &text)) {
		narrow(j, &text);
		good = from_decoded(j, (struct pasted){ text.p, text.len }, again);
	}
	buf_wipe(&text);
	return good;
}

/* ---- what callers see ---- */

bool service_account_from_token(
	const char *text, const char *where, struct buf *out, const char **repaired, struct err *e)
{
	struct job j = { where, NULL, out, e };
	struct pasted s = { text, strlen(text) };
	bool good;

	if (repaired)
		*repaired = NULL;
	if (s.n > SERVICE_ACCOUNT_MAX)
		return err_set(e, ERR_USAGE,
			"%s is longer than %d bytes, too long for a service-account token", where,
			SERVICE_ACCOUNT_MAX);
	if (starts(s, "\xff\xfe") || starts(s, "\xfe\xff"))
		return complain(&j, "is stored as UTF-16; save it as plain text");
	s = strip(s, &j);
	if (!s.n)
		return complain(&j, "is empty");
	if (pasted_unfilled(s, where, e))
		return false;
	/* A colon is no letter of base64, so the two forms cannot be confused. */
	good = memchr(s.p, ':', s.n) ? from_pair(&j, s) : from_base64(&j, s, true);
	if (good && repaired)
		*repaired = j.mended;
	return good;
}

bool service_account_from_header(
	const char *text, const char *where, struct buf *out, const char **repaired, struct err *e)
{
	struct job j = { where, NULL, out, e };
	struct pasted s = { text, strlen(text) }, scheme = { "", 0 };
	bool bearer = false, basic = false;

	*repaired = NULL;
	for (;;) {
		struct pasted before = s = pasted_trim(s);

		if (pasted_unquote(&s))
			j.mended = "the quotes around it were removed";
		else if (take_word(&s, "Authorization:"))
			j.mended = "the name of the field in front of it was removed";
		else if (take_scheme(&s, "Bearer"))
			bearer = true;
		else if (take_scheme(&s, "Basic"))
			basic = true;
		else
			break;
		if (!scheme.n && (bearer || basic))
			scheme = (struct pasted){ before.p, bearer ? 6 : 5 };
	}
	if (!s.n)
		return err_set(e, ERR_USAGE,
			"%s is empty; a variable may have been empty, too. Put the credential "
			"there",
			where);
	/* Nobody but Mixpanel has both. */
	if (bearer && basic)
		return service_account_from_token(text, where, out, repaired, e);
	if (pasted_unfilled(s, where, e))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] >= 0x80)
			return err_set(e, ERR_USAGE,
				"%s holds a character outside ASCII, which copying often adds: "
				"copy it again",
				where);
	*repaired = j.mended;
	return (buf_add(out, scheme.p, scheme.n) && (!scheme.n || buf_addc(out, ' ')) &&
		       buf_add(out, s.p, s.n)) ||
	       err_set(e, ERR_LIMIT, "%s is too long", where);
}

/* Blanks and quotes around a half come from files of variables, which keep them. */
static bool half_from(const char *text, const char *where, struct pasted *half, struct err *e)
{
	struct job j = { where, NULL, NULL, e };
	struct pasted s = { text, strlen(text) };

	if (s.n > SERVICE_ACCOUNT_MAX)
		return err_set(e, ERR_USAGE, "%s is longer than %d bytes: copy it again", where,
			SERVICE_ACCOUNT_MAX);
	s = pasted_trim(s);
	if (pasted_unquote(&s))
		s = pasted_trim(s);
	if (!s.n)
		return err_set(
			e, ERR_USAGE, "%s is empty: set it, or use MIXPANEL_SA_TOKEN", where);
	*half = s;
	return check_half(&j, s);
}

bool service_account_from_pair(const char *user, const char *secret, struct buf *out, struct err *e)
{
	static const char user_name[] = "MIXPANEL_SA_USERNAME",
			  secret_name[] = "MIXPANEL_SA_SECRET";
	struct job j = { secret_name, NULL, out, e };
	struct pasted u, s;

	if (!half_from(user, user_name, &u, e) || !half_from(secret, secret_name, &s, e))
		return false;
	if (memchr(u.p, ':', u.n))
		return err_set(e, ERR_USAGE,
			"%s holds a colon: give the name alone there, or the whole "
			"\"username:secret\" in MIXPANEL_SA_TOKEN",
			user_name);
	if (s.n > u.n && s.p[u.n] == ':' && memcmp(s.p, u.p, u.n) == 0)
		return err_set(e, ERR_USAGE,
			"%s begins with the username and a colon: give the secret "
			"alone there",
			secret_name);
	return add_pair(&j, u, s);
}

const char *service_account_empty(void)
{
	const char *v = getenv("MIXPANEL_SA_TOKEN");

	return v && !*v ? "Put the service account into MIXPANEL_SA_TOKEN, which is set but empty; "
			  "CI "
			  "systems give a pull request from a fork no secrets."
			: NULL;
}

void service_account_name(const char *value, char out[SERVICE_ACCOUNT_NAME])
{
	static const char scheme[] = "Bearer Basic ";
	struct buf pair;
	const char *colon;

	*out = 0;
	buf_init(&pair, 2 * SERVICE_ACCOUNT_MAX);
	if (strncmp(value, scheme, sizeof(scheme) - 1) == 0) {
		value += sizeof(scheme) - 1;
		if (crypt_unbase64(&pair, value, strlen(value)) && pair.len &&
			(colon = memchr(pair.p, ':', pair.len)))
			snprintf(out, SERVICE_ACCOUNT_NAME, "%.*s", (int)(colon - pair.p), pair.p);
	}
	err_clean(out);
	buf_wipe(&pair);
}

bool service_account_may_go_to(const char *url, struct err *e)
{
	struct url u;
	bool good;

	if (!url_parse(url, &u, e))
		return false;
	good = url_is_loopback(&u) ||
	       (strcmp(u.scheme, "https") == 0 && url_in_domain(&u, "mixpanel.com"));
	if (!good)
		err_set(e, ERR_USAGE,
			"the service account from the environment is for mixpanel.com over https, "
			"not for %s://%s. To send a credential there anyway, give it with --header",
			u.scheme, u.host);
	url_clear(&u);
	return good;
}
