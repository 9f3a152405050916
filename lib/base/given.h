/*
 * What the person gave: on the command line, in files, in variables. Registered
 * with diag_pin() in every form in which a message may repeat it, and kept from
 * the environment of programs that we start.
 */
#ifndef MPMCP_GIVEN_H
#define MPMCP_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

/* A token, a password: hidden whatever it looks like (from 6 bytes on, see diag.h). */
void given_secret(const char *p, size_t n);

/*
 * The value of a header or of a parameter, which may be a secret or anything else. Hidden as a whole
 * and part by part: what stands between blanks, commas, semicolons and quotes, after the first '=' or
 * ':' of a part, and "user:secret" in base64. A single word is left alone ("true", "Bearer",
 * "production": letters of one case, at most 11; "base64"), since hiding it would make other messages unreadable.
 */
void given_value(const char *p, size_t n);

/* "user:password" of a URL, percent-encoded: the pair, its password, and what Basic makes of them. */
void given_userinfo(const char *p, size_t n);

/* The userinfo and the values of the query, which is where services take keys. Any text will do. */
void given_url(const char *url);

/* The name of a variable that a credential was read from, n bytes. */
void given_variable(const char *name, size_t n);

/*
 * The environment for a program that we start, to be freed by os_free_variables(): without those variables and
 * the service account's. What a desktop program cannot start without (HOME, PATH, DISPLAY and the like) stays,
 * whoever referred to it. Proxies have no user and password there, but for this program itself (of_ours).
 */
char **given_environment(bool of_ours);

#endif
