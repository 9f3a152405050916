#include "apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "args.h"
#include "base/mem.h"

const struct app apps[] = {
	{
		.name = "gemini",
		.title = "Gemini CLI",
		.container = "mcpServers",
		.reference = "${",
		.behind = "}",
		.hands_on = APP_HARMLESS,
		.variable = "GEMINI_CLI_HOME",
		.folder = "",
		.file = ".gemini/settings.json",
		.project = ".gemini/settings.json",
		.program = "gemini",
		.add = "gemini mcp add -s user",
		.add_project = "gemini mcp add -s project",
		.add_env = "-e",
		.add_after = true,
		.restart = "Start gemini anew, or type /mcp reload in it. In a folder that is not "
			   "trusted "
			   "it starts no servers.",
		.why = "Gemini CLI hands no variable to a command whose name holds TOKEN, SECRET, "
		       "KEY, AUTH "
		       "or CERT, unless \"env\" names it. (Its \"mcp add -e\" takes the last \"=\" "
		       "off "
		       "a token, one more reason to refer to the variable.)",
	},
	{
		.name = "cursor",
		.title = "Cursor",
		.container = "mcpServers",
		.desktop = true,
		.tears = true,
		.reference = "${env:",
		.behind = "}",
		.hands_on = APP_FEW,
		.folder = "",
		.file = ".cursor/mcp.json",
		.project = ".cursor/mcp.json",
		.program = "cursor",
		.restart = "Cursor reads the file by itself; where it does not, switch mixpanel "
			   "off and on "
			   "under Settings, Tools & MCP.",
		.restart_project =
			"Cursor asks before it starts a server of a project: allow mixpanel "
			"under Settings, Tools & MCP.",
		.why = "Cursor hands on few variables, and replaces ${env:NAME} in \"env\".",
	},
	{
		.name = "claude",
		.title = "Claude Desktop",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.config = true,
		.folder = "Claude",
		.file = "claude_desktop_config.json",
		.program = "claude-desktop",
		.restart = "Quit Claude Desktop, not only its window, and start it again.",
		.why = "Claude Desktop hands on few variables and replaces none, so the token is "
		       "read from "
		       "a file.",
	},
	{
		.name = "claude-code",
		.title = "Claude Code",
		.container = "mcpServers",
		.type = "stdio",
		.reference = "${",
		.behind = "}",
		.variable = "CLAUDE_CONFIG_DIR",
		.folder = "",
		.file = ".claude.json",
		.project = ".mcp.json",
		.program = "claude",
		.add = "claude mcp add -s user",
		.add_project = "claude mcp add -s project",
		.add_env = "-e",
		.restart = "Start claude anew; /mcp in it shows the state.",
		.restart_project =
			"Start claude anew in this folder, and allow the server when it asks.",
		.why = "Claude Code replaces ${NAME} when it starts the command, and warns when "
		       "the "
		       "variable is not set.",
	},
	{
		.name = "codex",
		.title = "Codex",
		.format = APP_TOML,
		.container = "mcp_servers",
		.secret = APP_NAMES,
		.hands_on = APP_FEW,
		.variable = "CODEX_HOME",
		.folder = ".codex",
		.file = "config.toml",
		.project = ".codex/config.toml",
		.program = "codex",
		.add = "codex mcp add",
		.restart = "Start codex anew; /mcp in it shows the state.",
		.restart_project =
			"Start codex anew; it reads the file only in a folder that it trusts.",
		.why = "Codex hands on few variables and replaces no ${NAME}; \"env_vars\" lists "
		       "those to "
		       "hand on.",
	},
	{
		.name = "copilot",
		.title = "Copilot CLI",
		.container = "mcpServers",
		.type = "stdio",
		.tools = true,
		.reference = "${",
		.behind = "}",
		.variable = "COPILOT_HOME",
		.folder = ".copilot",
		.file = "mcp-config.json",
		.project = ".mcp.json",
		.program = "copilot",
		.add = "copilot mcp add",
		.add_env = "--env",
		.restart = "Start copilot anew; /mcp show in it shows the state.",
		.restart_project =
			"Start copilot anew; it reads the file only in a folder that it trusts.",
		.why = "Copilot CLI replaces ${NAME} when it starts the command.",
	},
	{
		.name = "vscode",
		.title = "VS Code",
		.container = "servers",
		.type = "stdio",
		.desktop = true,
		.secret = APP_INPUT,
		.reference = "${env:",
		.behind = "}",
		.config = true,
		.folder = "Code/User",
		.file = "mcp.json",
		.project = ".vscode/mcp.json",
		.program = "code",
		.restart =
			"In VS Code run \"MCP: List Servers\", choose mixpanel, then Start Server.",
		.why = "VS Code asks for the token at the first start and keeps it in its secret "
		       "storage. "
		       "Sessions of the Copilot CLI inside VS Code get no server that asks: give "
		       "those "
		       "\"mpmcp setup copilot\".",
	},
	{
		.name = "windsurf",
		.title = "Windsurf",
		.container = "mcpServers",
		.desktop = true,
		.reference = "${env:",
		.behind = "}",
		.folder = ".codeium/windsurf",
		.file = "mcp_config.json",
		.program = "windsurf",
		.restart = "Press the refresh button of the MCP panel, or start Windsurf anew.",
		.why = "Windsurf replaces ${env:NAME} in \"env\".",
		.note = "Since June 2026 Windsurf is called Devin Desktop, and its agent Devin "
			"Local reads "
			"another file: \"mpmcp setup devin\".",
	},
	{
		.name = "devin",
		.title = "Devin Desktop",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.folder = ".config/devin",
		.file = "mcp_config.json",
		.project = ".devin/mcp_config.json",
		.program = "devin",
		.restart = "Start Devin anew; its MCP list shows the state.",
		.why = "Devin replaces no variables in the file, so the token is read from a file "
		       "of its own.",
	},
	{
		.name = "json",
		.title = "any other client",
		.container = "mcpServers",
		.reference = "${",
		.behind = "}",
		.why = "Where the client does not replace ${NAME}, leave \"env\" out and set the "
		       "variable "
		       "where the client starts, or use --sa-token-file.",
	},
};
const size_t napps = sizeof(apps) / sizeof(apps[0]);

const struct app *app_find(const char *name, struct err *e)
{
	const char *names[sizeof(apps) / sizeof(apps[0])];
	const char *near;

	for (size_t i = 0; i < napps; i++) {
		names[i] = apps[i].name;
		if (strcmp(apps[i].name, name) == 0)
			return &apps[i];
	}
	near = args_nearest(name, names, napps);
	err_set(e, ERR_USAGE, "there is no client \"%.40s\" here%s%s%s; \"mpmcp setup\" lists them",
		name, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
	err_clean(e->msg);
	return NULL;
}

/* ---- where ---- */

static const char *set_variable(const char *name)
{
	const char *v = name ? getenv(name) : NULL;

	return v && *v ? v : NULL;
}

/* Where desktop programs keep their settings. */
static char *config_folder(const char *home)
{
#ifdef __APPLE__
	return mem_printf("%s/Library/Application Support", home);
#else
	const char *v = getenv("XDG_CONFIG_HOME");

	return v && *v == '/' ? mem_dup(v) : mem_printf("%s/.config", home);
#endif
}

/* The folder of the person's own file. */
static char *own_folder(const struct app *a, struct err *e)
{
	const char *moved = set_variable(a->variable), *home = getenv("HOME");
	char *base, *folder;

	if (moved)
		return mem_dup(moved);
	if (!home || *home != '/') {
		err_set(e, ERR_USAGE, "HOME is not set, so the file of %s cannot be found; set it",
			a->title);
		return NULL;
	}
	base = a->config ? config_folder(home) : mem_dup(home);
	folder = *a->folder ? mem_printf("%s/%s", base, a->folder) : mem_dup(base);
	free(base);
	return folder;
}

char *app_path(const struct app *a, bool project, struct err *e)
{
	char *folder, *path;

	if (!a->file) {
		err_set(e, ERR_USAGE,
			"\"json\" is no client with a file of its own: paste what \"mpmcp setup "
			"json\" "
			"prints, or name the client");
		return NULL;
	}
	if (project && !a->project) {
		err_set(e, ERR_USAGE,
			"%s knows no entries for a single project; leave --project out", a->title);
		return NULL;
	}
	if (project)
		return mem_dup(a->project);
	folder = own_folder(a, e);
	if (!folder)
		return NULL;
	path = mem_printf("%s/%s", folder, a->file);
	free(folder);
	return path;
}

/* ---- the environment ---- */

static bool holds(const char *name, const char *part)
{
	size_t n = strlen(part);

	for (; *name; name++)
		if (strncasecmp(name, part, n) == 0)
			return true;
	return false;
}

bool app_withholds(const struct app *a, const char *variable)
{
	static const char *const suspect[] = { "TOKEN", "SECRET", "PASSW", "KEY", "AUTH", "CRED",
		"PRIVATE", "CERT", "PROXY" };
	static const char *const few[] = { "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER" };
	bool found = false;

	switch (a->hands_on) {
	case APP_ALL:
		return false;
	case APP_HARMLESS:
		for (size_t i = 0; i < sizeof(suspect) / sizeof(suspect[0]) && !found; i++)
			found = holds(variable, suspect[i]);
		return found;
	case APP_FEW:
		for (size_t i = 0; i < sizeof(few) / sizeof(few[0]) && !found; i++)
			found = strcmp(variable, few[i]) == 0;
		return !found;
	}
	return true;
}

/* ---- is it there ---- */

char *app_which(const char *program)
{
	const char *path = getenv("PATH"), *end;
	struct stat st;

	for (; path && *path; path = *end ? end + 1 : end) {
		char *file;

		end = path + strcspn(path, ":");
		if (*path != '/')
			continue;
		file = mem_printf("%.*s/%s", (int)(end - path), path, program);
		if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0)
			return file;
		free(file);
	}
	return NULL;
}

bool app_installed(const struct app *a)
{
	struct err ignored = { 0 };
	char *path = a->file ? app_path(a, false, &ignored) : NULL;
	char *program = a->program ? app_which(a->program) : NULL;
	bool found = program != NULL;

	if (path && !found) {
		char *slash = strrchr(path, '/');

		found = access(path, F_OK) == 0;
		*slash = 0;
		/* A file that lies in HOME itself says something only when it is there. */
		found = found || (strchr(a->file, '/') && access(path, F_OK) == 0) ||
			(*a->folder && access(path, F_OK) == 0);
	}
	free(path);
	free(program);
	return found;
}
