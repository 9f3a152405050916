#include "setup/clients.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "options.h"
#include "base/mem.h"
#include "os/file.h"
#include "os/process.h"
#include "os/start.h"

const struct app apps[] = {
	{
		.name = "gemini",
		.alias = "gemini-cli",
		.title = "Gemini CLI",
		.comments = true,
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
		.restart = "Restart Gemini CLI, or type /mcp reload in it. In a folder that is not "
			   "trusted "
			   "it starts no servers.",
		.why = "Gemini CLI passes a variable whose name contains TOKEN, SECRET, KEY, AUTH "
		       "or CERT only if \"env\" names it. (Its \"mcp add -e\" strips the last "
		       "\"=\" from a token, another reason to refer to the variable.)",
	},
	{
		.name = "antigravity",
		.alias = "agy",
		.title = "Antigravity",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.folder = ".gemini/config",
		.file = "mcp_config.json",
		.project = ".agents/mcp_config.json",
		.program = "agy",
		.restart = "Quit Antigravity and start it again: it does not restart a server that "
			   "has ended. Sign in with \"mpmcp login\" first, because it waits "
			   "minutes for a silent server.",
		.why = "Antigravity expands no variables in the file, so the token is read from a "
		       "separate file.",
		.note = "An error in this file ends agy, and an invalid entry is silently ignored: "
			"\"mpmcp doctor antigravity\" finds it.",
	},
	{
		.name = "cursor",
		.title = "Cursor",
		.comments = true,
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
		.restart = "Cursor reads the file by itself; if it does not, switch mixpanel off "
			   "and on under Settings, Tools & MCP.",
		.restart_project =
			"Cursor asks before it starts a server of a project: allow mixpanel "
			"under Settings, Tools & MCP.",
		.why = "Cursor passes on few variables and expands ${env:NAME} in \"env\".",
	},
	{
		.name = "claude",
		.alias = "claude-desktop",
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
		.why = "Claude Desktop passes on few variables and expands none, so the token is "
		       "read from a file.",
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
		.restart = "Restart Claude Code; /mcp in it shows the state.",
		.restart_project =
			"Restart Claude Code in this folder, and allow the server when it asks.",
		.why = "Claude Code expands ${NAME} when it starts the command, and warns when the "
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
		.restart = "Restart Codex; /mcp in it shows the state.",
		.restart_project =
			"Restart Codex; it reads the file only in a folder that it trusts.",
		.why = "Codex passes on few variables and expands no ${NAME}; \"env_vars\" lists "
		       "those to pass on.",
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
		.restart = "Restart Copilot CLI; /mcp show in it shows the state.",
		.restart_project =
			"Restart Copilot CLI; it reads the file only in a folder that it trusts.",
		.why = "Copilot CLI expands ${NAME} when it starts the command.",
	},
	{
		.name = "vscode",
		.alias = "code",
		.title = "VS Code",
		.comments = true,
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
		       "storage. Copilot CLI sessions inside VS Code do not get a server that "
		       "asks: use \"mpmcp setup copilot\" for them.",
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
		.restart = "Press the refresh button of the MCP panel, or restart Windsurf.",
		.why = "Windsurf expands ${env:NAME} in \"env\".",
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
		.restart = "Restart Devin; its MCP list shows the state.",
		.why = "Devin expands no variables in the file, so the token is read from a "
		       "separate file.",
	},
	{
		.name = "zed",
		.title = "Zed",
		.comments = true,
		.container = "context_servers",
		.desktop = true,
		.secret = APP_FILE,
		.folder = ".config/zed",
		.file = "settings.json",
		.project = ".zed/settings.json",
		.program = "zed",
		.restart =
			"Zed reads the file by itself; the agent panel's settings show the state.",
		.why = "Zed expands no variables in the file, so the token is read from a separate "
		       "file.",
	},
	{
		.name = "opencode",
		.title = "opencode",
		.comments = true,
		.container = "mcp",
		.type = "local",
		.enabled = true,
		.joined = true,
		.env_member = "environment",
		.reference = "{env:",
		.behind = "}",
		.folder = ".config/opencode",
		.file = "opencode.json",
		.project = "opencode.json",
		.program = "opencode",
		.restart = "Restart opencode; \"opencode mcp list\" shows the state.",
		.why = "opencode expands {env:NAME} when it reads the file.",
	},
	{
		.name = "cline",
		.title = "Cline",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.config = true,
		.folder = "Code/User/globalStorage/saoudrizwan.claude-dev/settings",
		.file = "cline_mcp_settings.json",
		.restart = "Cline reads the file by itself; its MCP Servers view shows the state.",
		.why = "Cline passes on few variables and expands none, so the token is read from "
		       "a file.",
	},
	{
		.name = "roo",
		.title = "Roo Code",
		.container = "mcpServers",
		.desktop = true,
		.reference = "${env:",
		.behind = "}",
		.hands_on = APP_FEW,
		.config = true,
		.folder = "Code/User/globalStorage/rooveterinaryinc.roo-cline/settings",
		.file = "mcp_settings.json",
		.project = ".roo/mcp.json",
		.restart =
			"Roo Code reads the file by itself; its MCP Servers view shows the state.",
		.why = "Roo Code expands ${env:NAME} in \"env\".",
	},
	{
		.name = "kiro",
		.title = "Kiro",
		.container = "mcpServers",
		.desktop = true,
		.reference = "${",
		.behind = "}",
		.hands_on = APP_FEW,
		.folder = ".kiro/settings",
		.file = "mcp.json",
		.project = ".kiro/settings/mcp.json",
		.program = "kiro",
		.restart = "Kiro reads the file by itself; its MCP Servers view shows the state.",
		.why = "Kiro expands ${NAME} in \"env\" and asks for permission first.",
	},
	{
		.name = "qwen",
		.alias = "qwen-code",
		.title = "Qwen Code",
		.comments = true,
		.container = "mcpServers",
		.reference = "${",
		.behind = "}",
		.hands_on = APP_HARMLESS,
		.folder = ".qwen",
		.file = "settings.json",
		.project = ".qwen/settings.json",
		.program = "qwen",
		.restart = "Restart qwen; /mcp in it shows the state.",
		.why = "Qwen Code expands ${NAME} in \"env\".",
	},
	{
		.name = "lmstudio",
		.alias = "lm-studio",
		.title = "LM Studio",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.folder = ".lmstudio",
		.file = "mcp.json",
		.program = "lms",
		.restart = "LM Studio reads the file by itself; switch mixpanel on under Program.",
		.why = "LM Studio expands no variables, so the token is read from a file.",
	},
	{
		.name = "junie",
		.alias = "jetbrains",
		.title = "JetBrains Junie",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.folder = ".junie/mcp",
		.file = "mcp.json",
		.project = ".junie/mcp/mcp.json",
		.program = "junie",
		.restart = "The IDE's settings, Tools, Junie, MCP Settings, show the state.",
		.why = "Junie expands no variables, so the token is read from a file.",
		.note = "JetBrains' AI Assistant keeps its servers in the IDE's own settings: "
			"paste "
			"there what \"mpmcp setup json\" prints.",
	},
	{
		.name = "continue",
		.title = "Continue",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.folder = ".continue/mcpServers",
		.file = "mcp.json",
		.project = ".continue/mcpServers/mcp.json",
		.restart = "Reload the window; Continue uses servers in agent mode only.",
		.why = "Continue resolves references only from its own secret store, so the token "
		       "is read from a file.",
	},
	{
		.name = "amp",
		.title = "Amp",
		.comments = true,
		.container = "amp.mcpServers",
		.reference = "${",
		.behind = "}",
		.hands_on = APP_FEW,
		.folder = ".config/amp",
		.file = "settings.json",
		.project = ".amp/settings.json",
		.program = "amp",
		.restart =
			"Restart amp; a server of a project has to be approved: \"amp mcp approve "
			"NAME\".",
		.why = "Amp expands ${NAME} in \"env\".",
	},
	{
		.name = "warp",
		.title = "Warp",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.folder = ".warp",
		.file = ".mcp.json",
		.project = ".warp/.mcp.json",
		.program = "warp-terminal",
		.restart = "Settings, Agents, MCP servers in Warp shows the state.",
		.why = "It is not known whether Warp expands variables, so the token is read from "
		       "a file.",
	},
	{
		.name = "trae",
		.title = "Trae",
		.container = "mcpServers",
		.desktop = true,
		.secret = APP_FILE,
		.hands_on = APP_FEW,
		.config = true,
		.folder = "Trae/User",
		.file = "mcp.json",
		.project = ".trae/mcp.json",
		.program = "trae",
		.restart = "Settings, MCP in Trae shows the state.",
		.why = "It is not known whether Trae expands variables, so the token is read from "
		       "a file.",
	},
	{
		.name = "goose",
		.title = "Goose",
		.container = "extensions",
		.type = "stdio",
		.enabled = true,
		.command_member = "cmd",
		.secret = APP_NAMES,
		.env_member = "env_keys",
		.hands_on = APP_ALL,
		.program = "goose",
		.restart = "Goose keeps YAML in ~/.config/goose/config.yaml, which also accepts "
			   "JSON: put the line with \"mixpanel\" below its \"extensions:\", or use "
			   "\"goose configure\". setup only prints it.",
		.why = "Goose looks up the names in \"env_keys\" in its keyring and in the "
		       "environment.",
	},
	{
		.name = "json",
		.title = "any other client",
		.container = "mcpServers",
		.reference = "${",
		.behind = "}",
		.why = "If the client does not expand ${NAME}, remove \"env\" and set the variable "
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
		if (strcmp(apps[i].name, name) == 0 ||
			(apps[i].alias && strcmp(apps[i].alias, name) == 0))
			return &apps[i];
	}
	near = options_nearest(name, names, napps);
	err_set(e, ERR_USAGE,
		"there is no client \"%.40s\"%s%s%s; \"mpmcp setup\" lists those it "
		"knows. "
		"For any other client: \"mpmcp setup json\"",
		name, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
	err_clean(e->msg);
	return NULL;
}

/* ---- where ---- */

/* The folder of the person's own file. */
static char *own_folder(const struct app *a, struct err *e)
{
	const char *moved = a->variable ? os_variable(a->variable) : NULL,
		   *home = a->windows ? a->windows : os_home();
	char *base, *folder;

	if (moved)
		return mem_dup(moved);
	if (!home) {
		err_set(e, ERR_USAGE, "HOME is not set, so the file of %s cannot be found; set it",
			a->title);
		return NULL;
	}
	if (a->config && a->windows)
		base = mem_printf("%s/AppData/Roaming", home);
	else
		base = a->config ? os_settings_folder() : mem_dup(home);
	if (!base)
		mem_exhausted();
	folder = *a->folder ? mem_printf("%s/%s", base, a->folder) : mem_dup(base);
	free(base);
	return folder;
}

char *app_path(const struct app *a, bool project, struct err *e)
{
	char *folder, *path;

	if (!a->file) {
		err_set(e, ERR_USAGE,
			"setup writes no file for \"%s\": paste what \"mpmcp setup %s\" prints",
			a->name, a->name);
		return NULL;
	}
	if (project && !a->project) {
		err_set(e, ERR_USAGE, "%s has no entries for a single project; remove --project",
			a->title);
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
	return os_find_program(program);
}

bool app_installed(const struct app *a)
{
	struct err ignored = { 0 };
	char *path = a->file ? app_path(a, false, &ignored) : NULL;
	char *program = a->program ? app_which(a->program) : NULL;
	bool found = program != NULL;

	if (path && !found) {
		char *slash = strrchr(path, '/');

		found = os_may(path, OS_MAY_SEE);
		*slash = 0;
		/* A file that lies in HOME itself says something only when it is there. */
		found = found || (strchr(a->file, '/') && os_may(path, OS_MAY_SEE)) ||
			(*a->folder && os_may(path, OS_MAY_SEE));
	}
	free(path);
	free(program);
	return found;
}
