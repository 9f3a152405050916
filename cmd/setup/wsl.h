/*
 * setup --wsl: clients on Windows that start us inside the Windows Subsystem for
 * Linux, where this runs. Their files are below the person's folder on Windows,
 * and what wsl.exe starts has none of the client's variables.
 */
#ifndef MPMCP_WSL_H
#define MPMCP_WSL_H

#include "base/err.h"
#include "setup/clients.h"

/* The person's folder on Windows as a path here; malloc'ed, NULL with e set. */
char *wsl_profile(struct err *e) __attribute__((warn_unused_result));

/* The client as it is on Windows; malloc'ed, profile and a are borrowed. */
struct app *wsl_app(const struct app *a, const char *profile);

#endif
