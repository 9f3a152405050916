/*
 * The command line: one table of options drives the parser, --help, the check
 * of man page and README, and shell completion. A new option is a new row.
 */
#ifndef MPMCP_OPTIONS_H
#define MPMCP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Words of one repeated option. */
struct options_list {
	char **item;
	size_t n;
};

void options_list_add(struct options_list *l, char *owned);
void options_list_clear(struct options_list *l);

/* What was said. Lists are owned (options_clear), other strings borrowed from the given words. */
struct options {
	const char *program; /* argv[0] */
	struct options_list
		given; /* what follows it, without the words around the bridge (wrapper.h) */
	const struct command *command; /* the bridge when no command was named */
	const char *url;               /* NULL: by region */
	const char *callback_port;     /* NULL: by rule */
	struct options_list words;     /* what else the command got */

	const char *profile, *auth_dir;
	int region, protocol, output,
		transport; /* OPT_CHOICE: 0 when not given, else 1 + the choice's place */
	struct options_list headers, header_files;
	const char *sa_token_file;
	const char *cacert, *log_file, *log_calls;
	int64_t connect_timeout_ms, headers_timeout_ms, body_timeout_ms;
	int64_t ping_interval_ms; /* 0: by --keep-alive alone */
	const char *host, *callback_path, *auth_success_url, *resource;
	const char *client_metadata, *client_info, *client_metadata_url, *token_endpoint;
	struct options_list authorize_params, only_projects, only_tools, ignore_tools;
	int64_t auth_timeout_ms, timeout_ms;
	bool no_resource, assume_pkce, use_id_token, device_code, client_credentials, no_browser;
	bool read_only;
	bool force, json, import, all, check, verbose;
	const char *name; /* of the entry that setup makes */
	bool write, remove, undo, project, service_account, wsl;
	bool allow_http, ipv4, enable_proxy, no_cookies, keep_alive, debug, silent;
	bool complete; /* completion --words */
	bool help, version;
	const struct opt *lacking; /* the last word is this option, and its value is not there */
};

enum opt_type {
	OPT_FLAG,    /* bool */
	OPT_TEXT,    /* const char * */
	OPT_CHOICE,  /* int: 1 + the place among the choices, 0 when not given */
	OPT_LIST,    /* struct options_list */
	OPT_SECONDS, /* int64_t, milliseconds: 0 to 86400 seconds, a fraction is fine */
};

/* Which commands an option belongs to. */
enum {
	FOR_BRIDGE = 1 << 0,
	FOR_HELP = 1 << 1,
	FOR_LOGIN = 1 << 2,
	FOR_LOGOUT = 1 << 3,
	FOR_STATUS = 1 << 4,
	FOR_TOOLS = 1 << 5,
	FOR_CALL = 1 << 6,
	FOR_SETUP = 1 << 7,
	FOR_DOCTOR = 1 << 8,
	FOR_COMPLETION = 1 << 9,
};
#define FOR_ALL 0xffffu
/* Accepted there, since a command line is often another one changed, but of no effect: not offered. */
#define IDLE_IN(commands) ((unsigned)(commands) << 16)
/* Whatever has to do with a server. */
#define FOR_SERVICE (FOR_ALL & ~(unsigned)(FOR_HELP | FOR_COMPLETION))
/* Where a region is a word, too: "login eu". */
#define FOR_PLACE (FOR_LOGIN | FOR_LOGOUT | FOR_STATUS | FOR_DOCTOR)
/* Whatever may have to sign in. */
#define FOR_SIGN_IN (FOR_SERVICE | IDLE_IN(FOR_LOGOUT))
/* Whatever lists or calls tools. */
#define FOR_POLICY (FOR_BRIDGE | FOR_TOOLS | FOR_CALL | FOR_DOCTOR)

/* Under which heading help lists an option. */
enum opt_group {
	GROUP_COMMAND, /* of one command alone */
	GROUP_CONNECTION,
	GROUP_SIGN_IN,
	GROUP_RULES, /* what a model may see and do */
	GROUP_OUTPUT,
	GROUPS
};

struct opt {
	const char *name; /* without the dashes */
	const char *arg;  /* NULL for flags; how --help names the argument */
	enum opt_type type;
	size_t offset; /* in struct options */
	unsigned commands;
	enum opt_group group;
	const char *help;
	const char *const *choices; /* of OPT_CHOICE, up to a NULL */
};
extern const struct opt options_options[];
extern const size_t options_noptions;
extern const char *const options_regions[]; /* what --region takes */

struct command {
	const char *name; /* NULL: the bridge */
	unsigned bit;
	const char *words; /* synopsis after the name */
	const char *help;
	int (*run)(const struct options *a); /* returns an exit status */
	const char *const *examples;         /* what may stand behind "mpmcp ", up to a NULL */
};
extern const struct command options_commands[];
extern const size_t options_ncommands;

/*
 * Reads the words after the program's name. On failure *a holds what was read so far (a->command
 * is right), and e names the word that is wrong and what was probably meant. options_clear() either
 * way.
 */
bool options_parse(int argc, char *const *argv, struct options *a, struct err *e)
	__attribute__((warn_unused_result));
void options_clear(struct options *a);

/* MPMCP_READ_ONLY asks for --read-only: it is set, and not to 0, false, no or off. */
bool options_read_only_variable(void);

/* The option or command of this name (of n bytes); NULL: there is none. */
const struct opt *options_find(const char *name, size_t n);
const struct command *options_command(const char *name);

/* The option may stand after this command; and it does something there, so that it is worth offering. */
bool options_takes(const struct command *c, const struct opt *o);
bool options_offers(const struct command *c, const struct opt *o);

/* 1 + the word's place among the choices, 0 when it is none of them. */
int options_choice(const char *const *choices, const char *word);
/* "us, eu or in" */
#define OPTIONS_CHOICES_MAX 100
void options_choices(const char *const *choices, char out[OPTIONS_CHOICES_MAX]);

/* Calls put for each value that the option was given; once with NULL for a flag; never when the option
 * was not given, or says what holds anyway. */
void options_each(const struct options *a, const struct opt *o,
	void (*put)(void *ctx, const struct opt *o, const char *value), void *ctx);

/* The name in names (n pointers, step bytes apart) most like word; NULL when none is near. */
const char *options_nearest(const char *word, const char *const *names, size_t n);

#endif
