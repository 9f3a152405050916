/*
 * What a program finds when it starts: itself, the person's folders, its
 * environment. Results that are malloc'ed are NULL when there is no memory.
 */
#ifndef MPMCP_OS_START_H
#define MPMCP_OS_START_H

#include <stdbool.h>

/* Before anything else: the three standard descriptors are open, so that no file of ours gets one of their numbers; a
 * reader that is gone and a file that may not grow are errors and not ends; memory of large messages goes back to the
 * system; there are no core files (process.h). False with errno set when a descriptor cannot be opened. */
bool os_start(void) __attribute__((warn_unused_result));

enum { OS_STDIN, OS_STDOUT, OS_STDERR }; /* descriptors */

/* The file of this program, malloc'ed; NULL when the system does not say. It may have been replaced since. */
char *os_program_path(void);

/* The person's folder as the environment names it; borrowed. NULL: it does not, or not by a whole path. */
const char *os_home(void);

/* Where desktop programs keep their settings; malloc'ed. NULL: nobody knows, or no memory. */
char *os_settings_folder(void);

char *os_current_folder(void); /* malloc'ed */
bool os_is_absolute(const char *path);

/* Between the folders in PATH, and where else the system's programs list some. */
extern const char os_list_separator;

/* What the variable says; NULL where it is unset or empty, since some clients set what they have no value for.
 * Borrowed, until it is set. */
const char *os_variable(const char *name);
/* NULL: takes it out. False when there is no memory. */
bool os_set_variable(const char *name, const char *value) __attribute__((warn_unused_result));
/* All of them, "NAME=value" each, NULL at the end; borrowed, until one is set. */
char **os_variables(void);

#endif
