/*
 * What the files for Windows share: texts, errors, and the handles behind
 * descriptors. Texts are UTF-8 outside and UTF-16 towards the system; what is
 * malloc'ed is NULL with errno set when it cannot be made.
 */
#ifndef MPMCP_OS_WIN32_IMPL_H
#define MPMCP_OS_WIN32_IMPL_H

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <windows.h>

#include <stdbool.h>
#include <stddef.h>

#include "os/file.h"

/* Sets errno to what POSIX has for the system's number. Always false. */
bool win32_fail(DWORD error);
bool win32_failed(void); /* the last one */
int win32_socket_errno(int error);

wchar_t *win32_wide(const char *text);
char *win32_narrow(const wchar_t *text);
char *win32_narrow_path(const wchar_t *text); /* with '/' */

HANDLE win32_handle(int fd); /* INVALID_HANDLE_VALUE with EBADF */

/* Is the descriptor a socket: a stream of ours, or a standard one that whoever started us made of a socket? */
bool win32_is_socket(int fd, SOCKET *out);

/* Two sockets that are connected to each other, of this machine alone; neither is inherited. */
bool win32_pair(int ends[2]);

/* ---- access (access_win32.c) ---- */

/* For the owner and the system alone; inherited by what is made in it when it is a folder. NULL with errno set. */
SECURITY_ATTRIBUTES *win32_private(bool folder);
void win32_private_free(SECURITY_ATTRIBUTES *a);

/* Owner and permissions; what cannot be read is somebody else's. */
void win32_fill_access(HANDLE h, bool folder, struct os_info *out);

/* ---- programs (process_win32.c) ---- */

/* One that a shell runs: no quoting follows its rules, so none is started. */
bool win32_is_script(const char *program);

/* The whole line for CreateProcessW, each argument quoted as the C library of the new program reads it. */
wchar_t *win32_command_line(const char *const *args);
/* Variables as CreateProcessW takes them, with those that no program does without. */
wchar_t *win32_environment(char *const *variables);

#endif
