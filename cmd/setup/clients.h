/*
 * The applications that start us as a command: where each keeps its entries,
 * how an entry refers to the environment, what it hands on to its commands.
 * A fact here is measured or documented; the wrong one costs a person an hour.
 */
#ifndef MPMCP_CLIENTS_H
#define MPMCP_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum app_format { APP_JSON, APP_TOML };

/* How an entry comes by a secret without holding it. */
enum app_secret {
	APP_REFERENCE, /* "env" holds NAME and a reference to it */
	APP_NAMES,     /* "env_vars" lists the names to hand on */
	APP_INPUT,     /* the application asks the person and keeps it */
	APP_FILE,      /* neither: the token folder, or a file that --sa-token-file names */
};

/* Which variables of its own environment an application hands on. */
enum app_hands_on {
	APP_ALL,
	APP_HARMLESS, /* none whose name sounds like a secret, no proxy with a password */
	APP_FEW,      /* HOME, PATH, SHELL, TERM, USER and hardly more */
};

struct app {
	const char *name, *title;
	const char *alias; /* what else people call it, or NULL */
	enum app_format format;
	const char *container; /* the object that holds the entries */
	const char *type;      /* value of "type", or NULL where there is none */
	bool tools;            /* wants "tools" */
	bool comments;         /* takes JSON with comments and trailing commas */
	bool enabled;          /* wants "enabled" */
	bool joined;           /* "command" is an array that holds the arguments, too */
	const char *env_member, *command_member; /* NULL: "env" (or "env_vars"), "command" */
	bool desktop; /* started from a desktop, so PATH is not the shell's */
	bool tears;   /* tears arguments apart at blanks */
	enum app_secret secret;
	const char *reference; /* what stands for a variable: text before and after the name; */
	const char *behind;    /* NULL: nothing is replaced */
	enum app_hands_on hands_on;
	const char *variable; /* moves `folder`, or NULL */
	bool config;          /* `folder` is in the folder of configurations, not in HOME */
	const char *folder, *file;
	const char *project;               /* the file below the project's folder, or NULL */
	const char *program;               /* its own command, to see whether it is installed */
	const char *add;                   /* its own command that adds an entry, or NULL ... */
	const char *add_project, *add_env; /* ... in a project; its option for a variable */
	bool add_after;                    /* our command stands before, not behind, its "--" */
	const char *restart, *restart_project;
	const char *
		windows; /* the person's folder there, for a client on Windows that starts us in WSL; or NULL */
	const char *why; /* about its way with the environment, when a secret is referred to */
	const char *note;
};

/* NULL with e set, the nearest name in it. */
const struct app *app_find(const char *name, struct err *e) __attribute__((warn_unused_result));
extern const struct app apps[];
extern const size_t napps;

/* Path of the person's own file, or of the one in this folder. malloc'ed; NULL with e set. */
char *app_path(const struct app *a, bool project, struct err *e)
	__attribute__((warn_unused_result));

/* Whether a command of that application would be started without this variable. */
bool app_withholds(const struct app *a, const char *variable);

/* Seems to be there: its folder, its file, or its command in PATH. */
bool app_installed(const struct app *a);

/* The first file of that name in the absolute folders of PATH that can be run. malloc'ed or NULL. */
char *app_which(const char *program);

#endif
