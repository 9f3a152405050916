#include "setup/wsl.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "os/file.h"
#include "program_line.h"

/* Windows starts a program within a second or two, the first time after its own start in some more. */
#define WINDOWS_MS 20000

/* Where it is when Windows' folders are not in PATH. */
#define COMMAND "/mnt/c/Windows/System32/cmd.exe"

static char *windows_folder(void)
{
	static const char *const args[] = { "cmd.exe", "/c", "echo %USERPROFILE%", NULL };
	static const char *const far[] = { COMMAND, "/c", "echo %USERPROFILE%", NULL };
	char *folder = program_line(args, WINDOWS_MS);

	return folder || !os_may(COMMAND, OS_MAY_RUN) ? folder : program_line(far, WINDOWS_MS);
}

char *wsl_profile(struct err *e)
{
	const char *distribution = getenv("WSL_DISTRO_NAME");
	char *there, *here;

	if (!distribution || !*distribution) {
		err_set(e, ERR_USAGE,
			"--wsl works inside WSL, where WSL_DISTRO_NAME is set; on Windows itself, "
			"remove it");
		return NULL;
	}
	there = windows_folder();
	here = there ? program_line(
			       (const char *const[]){ "wslpath", "-u", there, NULL }, WINDOWS_MS)
		     : NULL;
	if (!here || *here != '/') {
		err_set(e, ERR_IO,
			"cannot find your folder on Windows: %s printed nothing. Is starting "
			"Windows programs switched off in /etc/wsl.conf?",
			there ? "wslpath" : "cmd.exe");
		free(here);
		here = NULL;
	}
	free(there);
	return here;
}

struct app *wsl_app(const struct app *a, const char *profile)
{
	struct app *w = mem_new(sizeof(*w));

	*w = *a;
	w->windows = profile;
	/* wsl.exe passes on what WSLENV lists and nothing else. */
	w->secret = APP_FILE;
	w->reference = w->behind = NULL;
	w->hands_on = APP_FEW;
	/* Of this side: another file, and a command that knows nothing of that one. */
	w->variable = w->program = w->add = w->add_project = NULL;
	w->why = "wsl.exe passes on no variables, so the service account is read from the token "
		 "folder in WSL.";
	return w;
}
