#include "os/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/start.h"
#include "os/win32_impl.h"

/* ---- this one ---- */

long os_process_number(void)
{
	return (long)GetCurrentProcessId();
}

/* Sockets and handles have no limit that a program meets; the C library's files are few. */
long os_descriptors_possible(void)
{
	return -1;
}

/* No window that asks about a crash, and no report of it; inherited by programs that are started with it. */
void os_no_core(void)
{
	SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX);
}

/* Nobody is given what others leave behind. */
bool os_is_first_process(void)
{
	return false;
}

void os_take_orphans(void)
{
}

/* ---- programs that are there ---- */

static bool is_program(const char *file)
{
	struct os_info i;

	return os_info_at(OS_HERE, file, true, &i) && i.kind == OS_FILE && os_may(file, OS_MAY_RUN);
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && _stricmp(name + n - m, end) == 0;
}

static char *join(const char *folder, size_t n, const char *name, const char *end)
{
	size_t m = strlen(name), size = n + m + strlen(end) + 2;
	char *file = malloc(size);

	if (!file)
		return NULL;
	memcpy(file, folder, n);
	file[n] = '/';
	memcpy(file + n + 1, name, m);
	strcpy(file + n + 1 + m, end);
	return file;
}

/* Programs alone: a script's words are read by a shell, whose rules no quoting of ours could follow. */
char *os_find_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	const char *add = ends_in(name, ".exe") || ends_in(name, ".com") ? "" : ".exe";

	for (path = path ? path : ""; *path; path = *end ? end + 1 : end) {
		char *file;

		end = path + strcspn(path, ";");
		if (!os_is_absolute(path) || !(file = join(path, (size_t)(end - path), name, add)))
			continue;
		if (is_program(file))
			return file;
		free(file);
	}
	return NULL;
}

/* ---- words and variables ---- */

struct line {
	wchar_t *p;
	size_t n, room;
	bool failed;
};

static void add(struct line *l, wchar_t c)
{
	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 256;
		wchar_t *more = realloc(l->p, room * sizeof(*more));

		if (!more) {
			l->failed = true;
			return;
		}
		l->p = more;
		l->room = room;
	}
	l->p[l->n++] = c;
}

static void add_text(struct line *l, const wchar_t *text)
{
	for (; *text; text++)
		add(l, *text);
}

static wchar_t *finish(struct line *l)
{
	add(l, L'\0');
	if (!l->failed)
		return l->p;
	free(l->p);
	errno = ENOMEM;
	return NULL;
}

/* Backslashes count only before a quote: there they are doubled. */
static void add_quoted(struct line *l, const wchar_t *word)
{
	size_t slashes = 0;

	add(l, L'"');
	for (; *word; word++) {
		if (*word == L'"')
			for (slashes++; slashes > 0; slashes--)
				add(l, L'\\');
		slashes = *word == L'\\' ? slashes + 1 : 0;
		add(l, *word);
	}
	for (; slashes > 0; slashes--)
		add(l, L'\\');
	add(l, L'"');
}

wchar_t *win32_command_line(const char *const *args)
{
	struct line l = { 0 };

	for (; *args; args++) {
		wchar_t *word = win32_wide(*args);

		if (!word) {
			free(l.p);
			return NULL;
		}
		if (l.n)
			add(&l, L' ');
		add_quoted(&l, word);
		free(word);
	}
	return finish(&l);
}

static bool has(char *const *variables, const char *name)
{
	size_t n = strlen(name);

	for (; *variables; variables++)
		if (_strnicmp(*variables, name, n) == 0 && (*variables)[n] == '=')
			return true;
	return false;
}

static bool add_variable(struct line *l, const char *entry)
{
	wchar_t *wide = win32_wide(entry);

	if (!wide)
		return false;
	add_text(l, wide);
	add(l, L'\0');
	free(wide);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return _stricmp(*(char *const *)a, *(char *const *)b);
}

/* Sockets, random bytes, temporary files and the person's folders are found by these. */
static const char *const needed[] = { "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT",
	"TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "ProgramData", "ProgramFiles",
	"COMPUTERNAME", "USERNAME", "USERDOMAIN" };

wchar_t *win32_environment(char *const *variables)
{
	const size_t more = sizeof(needed) / sizeof(needed[0]);
	size_t n = 0, all = 0;
	struct line l = { 0 };
	char *const *ours = os_variables();
	const char **list;
	bool good = true;

	while (variables[n])
		n++;
	if (!(list = malloc((n + more) * sizeof(*list))))
		return NULL;
	for (; all < n; all++)
		list[all] = variables[all];
	for (size_t i = 0; i < more; i++)
		for (size_t k = 0; !has(variables, needed[i]) && ours[k]; k++)
			if (_strnicmp(ours[k], needed[i], strlen(needed[i])) == 0 &&
				ours[k][strlen(needed[i])] == '=') {
				list[all++] = ours[k];
				break;
			}
	qsort(list, all, sizeof(*list), by_name); /* as the system wants them */
	for (size_t i = 0; i < all && good; i++)
		good = add_variable(&l, list[i]);
	free(list);
	if (!good) {
		free(l.p);
		return NULL;
	}
	if (!l.n)
		add(&l, L'\0');
	return finish(&l);
}

/* ---- programs ---- */

/* What the new program gets: three handles, and nothing else of ours. */
struct handles {
	HANDLE standard[3], null;
	HANDLE list[3]; /* each once */
	DWORD flags[3]; /* as they were */
	DWORD n;
	LPPROC_THREAD_ATTRIBUTE_LIST attributes;
};

static void give_back(struct handles *h)
{
	for (DWORD i = 0; i < h->n; i++)
		SetHandleInformation(
			h->list[i], HANDLE_FLAG_INHERIT, h->flags[i] & HANDLE_FLAG_INHERIT);
	if (h->attributes) {
		DeleteProcThreadAttributeList(h->attributes);
		free(h->attributes);
	}
	if (h->null != INVALID_HANDLE_VALUE)
		CloseHandle(h->null);
}

static bool inherit(struct handles *h, HANDLE one)
{
	for (DWORD i = 0; i < h->n; i++)
		if (h->list[i] == one)
			return true;
	if (!GetHandleInformation(one, &h->flags[h->n]) ||
		!SetHandleInformation(one, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT))
		return win32_failed();
	h->list[h->n++] = one;
	return true;
}

static bool list_handles(struct handles *h)
{
	SIZE_T size = 0;

	InitializeProcThreadAttributeList(NULL, 1, 0, &size);
	if (!(h->attributes = malloc(size)))
		return false;
	if (!InitializeProcThreadAttributeList(h->attributes, 1, 0, &size)) {
		free(h->attributes);
		h->attributes = NULL;
		return win32_failed();
	}
	return UpdateProcThreadAttribute(h->attributes, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST,
		       h->list, h->n * sizeof(h->list[0]), NULL, NULL) ||
	       win32_failed();
}

static bool take(struct handles *h, const struct os_command *c)
{
	const int from[] = { c->in, c->out, c->err };
	SOCKET s;

	*h = (struct handles){ .null = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE,
				       FILE_SHARE_READ | FILE_SHARE_WRITE, NULL, OPEN_EXISTING, 0,
				       NULL) };
	if (h->null == INVALID_HANDLE_VALUE)
		return win32_failed();
	for (int i = 0; i < 3; i++) {
		h->standard[i] = from[i] < 0                    ? h->null
				 : win32_is_socket(from[i], &s) ? (HANDLE)s
								: win32_handle(from[i]);
		if (h->standard[i] == INVALID_HANDLE_VALUE || !inherit(h, h->standard[i])) {
			give_back(h);
			return false;
		}
	}
	if (list_handles(h))
		return true;
	give_back(h);
	return false;
}

bool win32_is_script(const char *program)
{
	return ends_in(program, ".bat") || ends_in(program, ".cmd");
}

static wchar_t *program_file(const char *program)
{
	char *itself = program ? NULL : os_program_path();
	wchar_t *wide = program || itself ? win32_wide(program ? program : itself) : NULL;

	free(itself);
	for (wchar_t *p = wide; p && *p; p++)
		if (*p == L'/')
			*p = L'\\';
	return wide;
}

/* NULL with errno set; else the process. */
static HANDLE create(const struct os_command *c, DWORD flags)
{
	wchar_t *file = program_file(c->program), *line = win32_command_line(c->args),
		*variables = win32_environment(c->variables ? c->variables : os_variables());
	STARTUPINFOEXW start = { .StartupInfo = {
					 .cb = sizeof(start), .dwFlags = STARTF_USESTDHANDLES } };
	PROCESS_INFORMATION made = { 0 };
	struct handles h;

	if (c->program && win32_is_script(c->program)) {
		errno = ENOEXEC;
	} else if (file && line && variables && take(&h, c)) {
		start.lpAttributeList = h.attributes;
		start.StartupInfo.hStdInput = h.standard[0];
		start.StartupInfo.hStdOutput = h.standard[1];
		start.StartupInfo.hStdError = h.standard[2];
		if (CreateProcessW(file, line, NULL, NULL, TRUE,
			    flags | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
			    variables, NULL, &start.StartupInfo, &made))
			CloseHandle(made.hThread);
		else
			win32_failed();
		give_back(&h);
	}
	free(file);
	free(line);
	free(variables);
	return made.hProcess;
}

struct os_process {
	HANDLE process;
};

struct os_process *os_process_start(const struct os_command *c)
{
	struct os_process *p = malloc(sizeof(*p));

	if (p && (p->process = create(c, CREATE_NO_WINDOW)))
		return p;
	free(p);
	return NULL;
}

/* Statuses of crashes and of TerminateProcess() below are no number that a program gives. */
#define STOPPED 0xC000013A

int os_process_wait(struct os_process *p)
{
	DWORD status = STOPPED;

	WaitForSingleObject(p->process, INFINITE);
	GetExitCodeProcess(p->process, &status);
	CloseHandle(p->process);
	free(p);
	return status > 0xffffff ? -1 : (int)status;
}

void os_process_stop(struct os_process *p)
{
	TerminateProcess(p->process, STOPPED);
	(void)os_process_wait(p);
}

/* A client may keep all that descend from it in a job, which ends them with it: out of that, where it is allowed. */
bool os_start_detached(const struct os_command *c)
{
	const DWORD apart = CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;
	HANDLE process = create(c, apart | CREATE_BREAKAWAY_FROM_JOB);

	if (!process && errno == EACCES)
		process = create(c, apart);
	if (process)
		CloseHandle(process);
	return process != NULL;
}
