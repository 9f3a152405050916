/*
 * Processes: this one, and those that it starts. Programs are started without a
 * shell, with three descriptors and nothing else of ours: signals are as a new
 * program expects them, and other descriptors closed. Functions that fail
 * return NULL, -1 or false and set errno.
 */
#ifndef MPMCP_OS_PROCESS_H
#define MPMCP_OS_PROCESS_H

#include <stdbool.h>

#include "os/file.h"

/* ---- this one ---- */

long os_process_number(void); /* for people */

/* How many descriptors it may have open; -1: any number. */
long os_descriptors_possible(void);

/*
 * This process, and the same program started again, leave no core file: it would hold tokens, and lie in the
 * client's folder. Where the system can, no other process of the same user can read its memory either. Other
 * programs that are started have it as it was.
 */
void os_no_core(void);

/*
 * The first process of a container is given what others leave behind: nobody else can take note of their ends.
 * os_take_orphans() does so, after OS_CHILD_ENDED; who waits for a child of his own does so in one go.
 */
bool os_is_first_process(void);
void os_take_orphans(void);

/* ---- programs ---- */

/* The program of that name in the folders of PATH, malloc'ed; NULL: it is in none. */
char *os_find_program(const char *name);

#define OS_NOTHING (-1) /* in place of a descriptor: the system's null device */

struct os_command {
	const char *program; /* a path; NULL: this program, the very file that runs, also when its
				  * path holds another one by now, where the system can */
	const char *const *args; /* with the name of the program as the first, NULL at the end */
	char *const *variables;  /* "NAME=value", NULL at the end; NULL: ours */
	int in, out, err;        /* what it has as standard descriptors, ends of
				  * os_pipe() among them; they stay open here */
};

/* A program that we wait for. */
struct os_process;
struct os_process *os_process_start(const struct os_command *c) OS_MUST;
/* Waits for its end and frees it: its exit status; -1: it did not exit by itself. */
int os_process_wait(struct os_process *p);
/* The same for one that has to end now. */
void os_process_stop(struct os_process *p);

/* A program that outlives us: in a session of its own, child of nobody, so that whoever ends us, our group or all that
 * descend from us does not reach it. True: it was started, as far as can be known at once. */
bool os_start_detached(const struct os_command *c) OS_MUST;

/* ---- showing a page ---- */

/* Is there a desktop of this user on which a page could be shown, although no variable says so? Whose screen it is
 * matters: over SSH nobody sits in front of this one. */
bool os_has_desktop(void);
/* Variables that its programs need and that ours lack, "NAME=value" each, NULL at the end; malloc'ed, all of it. */
char **os_desktop_variables(void);
void os_free_variables(char **v); /* NULL is fine */

/* What shows a page here, as $BROWSER lists programs; "": the system itself, without a program. */
extern const char *const os_default_browsers;

/*
 * Programs that are tried in turn, each with its arguments as os_command has them (the path first: args[0] is what is
 * run, found by PATH); none: the system shows the page at `address`. One that runs for fails_s, or ends well, has shown it.
 */
struct os_showing;
struct os_showing *os_show(
	const char *address, char **const *programs, char *const *variables, int fails_s) OS_MUST;
enum os_shown {
	OS_SHOW_AGAIN,   /* nothing is known yet: look again when the descriptor can be read */
	OS_SHOWN,        /* by a program that runs on, or ended well */
	OS_SHOW_MISSING, /* none could be started */
	OS_SHOW_FAILED,  /* each that could ended with a failure */
};
int os_showing_fd(const struct os_showing *s); /* to wait for */
enum os_shown os_showing_result(struct os_showing *s);
void os_showing_free(struct os_showing *s); /* the program goes on; NULL is fine */

#endif
