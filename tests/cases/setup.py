"""setup: entries for clients, printed and put into their files."""

import json
import os
import tomllib

import harness

US, EU, IN = ("https://mcp%s.mixpanel.com/mcp" % x for x in ("", "-eu", "-in"))
CLIENTS = {  # client: (file below HOME, file in a project)
    "gemini": (".gemini/settings.json", ".gemini/settings.json"),
    "cursor": (".cursor/mcp.json", ".cursor/mcp.json"),
    "claude": (".config/Claude/claude_desktop_config.json", None),
    "claude-code": (".claude.json", ".mcp.json"),
    "codex": (".codex/config.toml", ".codex/config.toml"),
    "copilot": (".copilot/mcp-config.json", ".mcp.json"),
    "vscode": (".config/Code/User/mcp.json", ".vscode/mcp.json"),
    "windsurf": (".codeium/windsurf/mcp_config.json", None),
    "devin": (".config/devin/mcp_config.json", ".devin/mcp_config.json"),
}


def _setup(case, *args, status=0, env=None, token=None, cwd=None):
    """What was printed; on failure what was said."""
    p = case.start("setup", *args, env=dict({"PATH": "/usr/bin:/bin"}, **(env or {})), token=token, cwd=cwd)
    case.equal(p.finish(), status, "status (%r)" % p.errors[-400:])
    return (p.errors if status else b"".join(p.lines)).decode()


def _json(case, *args, **more):
    return json.loads(_setup(case, *args, "--json", **more))


def _home(case, name, content=None):
    path = os.path.join(case.home, name)
    if content is not None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
    return path


def _read(path):
    with open(path, "rb") as f:
        return f.read().decode()


def _files(folder):
    return sorted(os.path.relpath(os.path.join(d, n), folder) for d, _, names in os.walk(folder) for n in names)


def _entry(case, client, path):
    text = _read(path)
    document = tomllib.loads(text) if client == "codex" else json.loads(text)
    return document[{"codex": "mcp_servers", "vscode": "servers"}.get(client, "mcpServers")]["mixpanel"]


# ---- what is printed


def each_client_gets_an_entry_in_its_own_syntax(case):
    args = ["--region", "eu", "--read-only", "--profile", "work"]
    token = {"MIXPANEL_SA_TOKEN": "${MIXPANEL_SA_TOKEN}"}
    env_token = {"MIXPANEL_SA_TOKEN": "${env:MIXPANEL_SA_TOKEN}"}
    want = {
        "gemini": {"env": token},
        "cursor": {"env": env_token},
        "claude": {},
        "claude-code": {"type": "stdio", "env": token},
        "codex": {"env_vars": ["MIXPANEL_SA_TOKEN"]},
        "copilot": {"type": "stdio", "env": token, "tools": ["*"]},
        "vscode": {"type": "stdio", "env": {"MIXPANEL_SA_TOKEN": "${input:mixpanel-sa-token}"}},
        "windsurf": {"env": env_token},
        "devin": {},
        "json": {"env": token},
    }
    for client, special in want.items():
        have = _json(case, client, "--service-account", *args, token=harness.TOKEN)
        case.equal(have.pop("command"), harness.PROGRAM, client)
        case.equal(have.pop("args"), [EU, "--profile", "work", "--read-only"] + special.pop("args", []), client)
        case.equal(have, special, client)
        have = _json(case, client, *args)
        case.check("env" not in have and "env_vars" not in have, "%s names variables without need" % client)
    case.equal(_files(case.home), [], "files after printing alone")


MORE = {  # client: (file below HOME, file in a project, container, reference to a variable)
    "antigravity": (".gemini/config/mcp_config.json", ".agents/mcp_config.json", "mcpServers", None),
    "zed": (".config/zed/settings.json", ".zed/settings.json", "context_servers", None),
    "opencode": (".config/opencode/opencode.json", "opencode.json", "mcp", "{env:%s}"),
    "cline": (".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json", None, "mcpServers", None),
    "roo": (".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/settings/mcp_settings.json", ".roo/mcp.json", "mcpServers", "${env:%s}"),
    "kiro": (".kiro/settings/mcp.json", ".kiro/settings/mcp.json", "mcpServers", "${%s}"),
    "qwen": (".qwen/settings.json", ".qwen/settings.json", "mcpServers", "${%s}"),
    "lmstudio": (".lmstudio/mcp.json", None, "mcpServers", None),
    "junie": (".junie/mcp/mcp.json", ".junie/mcp/mcp.json", "mcpServers", None),
    "continue": (".continue/mcpServers/mcp.json", ".continue/mcpServers/mcp.json", "mcpServers", None),
    "amp": (".config/amp/settings.json", ".amp/settings.json", "amp.mcpServers", "${%s}"),
    "warp": (".warp/.mcp.json", ".warp/.mcp.json", "mcpServers", None),
    "trae": (".config/Trae/User/mcp.json", ".trae/mcp.json", "mcpServers", None),
}


def every_client_of_today_gets_an_entry(case):
    for client, (file, project, container, reference) in MORE.items():
        want = {"command": harness.PROGRAM, "args": [EU]}
        if reference:
            want["env"] = {"MIXPANEL_SA_TOKEN": reference % "MIXPANEL_SA_TOKEN"}
        if client == "opencode":
            want = {"type": "local", "command": [harness.PROGRAM, EU], "environment": want["env"], "enabled": True}
        path = _home(case, file, "// mine\n{}\n")
        have = _json(case, client, "--region", "eu", "--service-account", "--write", token=harness.TOKEN)
        case.equal((have["file"], have["entry"]), (path, want), client)
        text = _read(path)
        case.equal(json.loads(text[text.index("{"):]), {container: {"mixpanel": want}}, client)
        case.equal(_json(case, client, "--write", token=harness.TOKEN)["changed"], False, client + ": again")
        case.equal(_json(case, client, "--remove")["changed"], True, client + ": removed")
        if project:
            case.equal(_json(case, client, "--write", "--project", cwd=case.folder)["file"], project, client)
    case.equal(_json(case, "goose", "--service-account", token=harness.TOKEN),
               {"type": "stdio", "cmd": harness.PROGRAM, "args": [US], "env_keys": ["MIXPANEL_SA_TOKEN"], "enabled": True}, "goose")
    case.check("writes no file" in _setup(case, "goose", "--write", status=2), "goose keeps YAML")


def what_an_entry_in_a_form_of_its_own_says_is_kept(case):
    old = {"type": "local", "command": ["npx", "-y", "mcp-remote", IN, "--header", "Authorization:${AUTH}"], "environment": {"AUTH": "s3cr3ts3cr3t"}, "enabled": False}
    path = _home(case, ".config/opencode/opencode.json", json.dumps({"mcp": {"mixpanel": old}}))
    said = _setup(case, "opencode", "--write")
    case.check("env AUTH (kept" in said and "enabled (kept" in said and "s3cr3t" not in said, said)
    want = dict(old, command=[harness.PROGRAM, IN, "--header", "Authorization:${AUTH}"])
    case.equal(json.loads(_read(path))["mcp"]["mixpanel"], want, "entry")
    old = {"serverUrl": "https://mcp.mixpanel.com/mcp", "command": "mpmcp", "args": [EU], "disabledTools": ["a"]}
    path = _home(case, ".gemini/config/mcp_config.json", json.dumps({"mcpServers": {"mixpanel": old}}))
    case.check("serverUrl (dropped" in _setup(case, "antigravity", "--write"), "a URL that wins over the command")
    case.equal(_entry(case, "antigravity", path), {"command": harness.PROGRAM, "args": [EU], "disabledTools": ["a"]}, "entry")


def other_names_of_a_client_are_understood(case):
    for alias, client in (("claude-desktop", "claude"), ("gemini-cli", "gemini"), ("code", "vscode"), ("agy", "antigravity"), ("jetbrains", "junie")):
        case.equal(_setup(case, alias), _setup(case, client), alias)
    case.check('any other client: "mpmcp setup json"' in _setup(case, "emacs", status=2), "not said")


def a_page_shows_the_same_entry_and_says_why(case):
    for client, text in (("gemini", "TOKEN, SECRET, KEY, AUTH"), ("codex", "env_vars"), ("claude", '"mpmcp login --service-account --region us" once'),
                         ("vscode", "asks for the token"), ("cursor", "${env:NAME}"), ("claude-code", "claude mcp add -s user")):
        page = _setup(case, client, "--service-account", token=harness.TOKEN)
        case.check(text in page, "%s: no word of %r" % (client, text))
        case.check(harness.TOKEN not in page, "%s: the secret is printed" % client)
        case.check("MIXPANEL_SA_TOKEN" in page or client == "claude", client)
    page = _setup(case, "gemini")
    start = page.index("{")
    case.equal(json.JSONDecoder().raw_decode(page[start:])[0]["mcpServers"]["mixpanel"], _json(case, "gemini"), "entry on the page")
    case.check("mpmcp login" in page, "nothing about signing in")
    case.check("gemini mcp add -s user mixpanel %s -- https://mcp.mixpanel.com/mcp" % harness.PROGRAM in page, "no command of gemini's own")
    case.check("'X-Team:it'\\''s'" in _setup(case, "codex", "--header", "X-Team:it's"), "a word is not quoted for the shell")


def the_endpoint_is_always_named(case):
    url = "https://mcp.example.com/mcp"
    case.equal(_json(case, "cursor")["args"], [US], "args")
    case.equal(_json(case, "cursor", url)["args"], [url], "args")
    case.equal(_json(case, "cursor", env={"MIXPANEL_REGION": "in"})["args"], [IN], "args")
    case.check("us, eu or in" in _setup(case, "cursor", "--region", "de", status=2), "no word about regions")
    _setup(case, "cursor", "http://mcp.example.com/mcp", status=2)
    case.equal(_json(case, "cursor", "http://mcp.example.com/mcp", "--allow-http")["args"], ["http://mcp.example.com/mcp", "--allow-http"], "args")


def options_of_the_bridge_go_into_the_entry(case):
    folder = os.path.realpath(case.folder)
    have = _json(case, "json", "--only-tool", "@boards", "--only-tool", "Get-*", "--cacert", "./ca.pem", "--auth-dir", "/keep",
                 "--connect-timeout", "3", "--headers-timeout", "300", "--static-oauth-client-metadata", "@m.json",
                 "--header", "X-Team: a b", "--debug", "--log-file", "log", cwd=folder)
    case.equal(have["args"], [US, "--auth-dir", "/keep", "--cacert", folder + "/ca.pem", "--connect-timeout", "3",
                              "--debug", "--header", "X-Team: a b", "--log-file", folder + "/log",
                              "--only-tool", "@boards", "--only-tool", "Get-*",
                              "--static-oauth-client-metadata", "@" + folder + "/m.json"], "args")
    case.check(not os.path.exists(folder + "/log"), "the log was opened here")
    case.equal(_json(case, "json", env={"MPMCP_READ_ONLY": "1"})["args"], [US, "--read-only"], "args")
    case.equal(_json(case, "json", env={"MPMCP_READ_ONLY": "0"})["args"], [US], "args")
    for words, value in ((["--only-project", "1,2", "--only-project", "3"], ""), ([], "1,2,3"), (["--only-project", "3,2,4,1"], "9,1,2,3")):
        have = _json(case, "json", *words, env={"MPMCP_ONLY_PROJECT": value})["args"]
        case.equal(have[:2] + [sorted(have[2].split(","))], [US, "--only-project", ["1", "2", "3"]], "args")
    case.equal(_json(case, "json", "--sa-token-file", "t", cwd=folder)["args"], [US, "--sa-token-file", folder + "/t"], "args")


def secrets_are_refused_where_they_would_be_written(case):
    said = _setup(case, "cursor", "--write", "--header", "Authorization: Bearer s3cr3ts3cr3t", status=2)
    case.check("--header-file" in said and "s3cr3ts3cr3t" not in said, said)
    _setup(case, "cursor", "--header", "X-Api-Key:${KEY}", status=2)
    said = _setup(case, "cursor", "--static-oauth-client-info", '{"client_id":"a","client_secret":"s3cr3ts3cr3t"}', status=2)
    case.check("@FILE" in said and "s3cr3ts3cr3t" not in said, said)
    case.check("user name or password" in _setup(case, "cursor", "https://u:s3cr3ts3cr3t@mcp.example.com/", status=2), "userinfo")
    case.equal(_json(case, "cursor", "--static-oauth-client-info", '{"client_id":"a"}')["args"][-1], '{"client_id":"a"}', "args")
    case.equal(_files(case.home), [], "files")


def variables_that_a_client_withholds_are_named_when_set(case):
    env = {"NODE_EXTRA_CA_CERTS": "/ca.pem", "HTTPS_PROXY": "http://u:s3cr3ts3cr3t@proxy:1", "DISPLAY": ":0", "MPMCP_AUTH_DIR": "/auth", "CI": "1"}
    case.equal(_json(case, "gemini", env=env)["env"], {n: "${%s}" % n for n in ("MPMCP_AUTH_DIR", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY")}, "gemini")
    case.equal(_json(case, "cursor", env=env)["env"], {n: "${env:%s}" % n for n in ("MPMCP_AUTH_DIR", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "DISPLAY")}, "cursor")
    case.equal(_json(case, "codex", env=env)["env_vars"], ["MPMCP_AUTH_DIR", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY", "DISPLAY"], "codex")
    case.equal(_json(case, "codex", "--service-account", env=env, token=harness.TOKEN)["env_vars"],
               ["MIXPANEL_SA_TOKEN", "MPMCP_AUTH_DIR", "NODE_EXTRA_CA_CERTS", "HTTPS_PROXY"], "codex with a service account")
    case.check("env" not in _json(case, "claude-code", env=env), "Claude Code hands on all variables")
    case.check("HTTPS_PROXY" in _setup(case, "claude", env=env), "nothing is said about what Claude Desktop withholds")
    case.check("s3cr3ts3cr3t" not in _setup(case, "claude", env=env), "the value is printed")
    pair = {"MIXPANEL_SA_USERNAME": "u", "MIXPANEL_SA_SECRET": "s3cr3ts3cr3t"}
    case.equal(sorted(_json(case, "gemini", "--service-account", env=pair)["env"]), sorted(pair), "pair")
    case.equal(_json(case, "gemini", "--header", "X-Team:${TEAM_KEY}")["env"], {"TEAM_KEY": "${TEAM_KEY}"}, "variable of an argument")


def the_command_is_plain_only_where_the_client_finds_it(case):
    folder = os.path.join(case.folder, "bin")
    os.mkdir(folder)
    os.symlink(harness.PROGRAM, os.path.join(folder, "mpmcp"))
    path = {"PATH": "relative:%s:/usr/bin:/bin" % folder}
    case.equal(_json(case, "gemini", env=path)["command"], "mpmcp", "from a shell")
    case.equal(_json(case, "cursor", env=path)["command"], folder + "/mpmcp", "from a desktop")
    case.equal(_json(case, "cursor", "--project", env=path)["command"], "mpmcp", "in a project")
    case.equal(_json(case, "gemini")["command"], harness.PROGRAM, "not in PATH")
    os.remove(os.path.join(folder, "mpmcp"))
    with open(os.path.join(folder, "mpmcp"), "w") as f:
        f.write("#!/bin/sh\n")
    os.chmod(os.path.join(folder, "mpmcp"), 0o755)
    case.equal(_json(case, "gemini", env=path)["command"], harness.PROGRAM, "another program in PATH")
    case.check("names this machine's" in _setup(case, "gemini", "--project"), "nothing is said about others")


def wrong_words_are_named(case):
    case.check('did you mean "gemini"' in _setup(case, "gemnii", status=2), "no nearest client")
    case.check('did you mean "claude-code"' in _setup(case, "claude_code", status=2), "no nearest client")
    case.check("no entries for a single project" in _setup(case, "claude", "--project", status=2), "claude has no projects")
    _setup(case, "cursor", "gemnii", "--write", status=2)
    case.equal(_files(case.home), [], "files when one of the names is wrong")
    _setup(case, "cursor", "--write", "--remove", status=2)
    _setup(case, "--undo", status=2)
    _setup(case, "json", "--remove", status=2)
    _setup(case, "--write", status=2)
    _setup(case, "json", "--write", status=2)
    _setup(case, "cursor", "--name", "a.b", status=2)
    _setup(case, "cursor", "--write", env={"HOME": ""}, status=2)
    _setup(case, "codex", "--cacert", b"\xff", status=2)


def the_list_says_what_is_there(case):
    _home(case, ".cursor/mcp.json", '{"mcpServers":{"mixpanel":{"command":"/x/mpmcp"}}}')
    _home(case, ".gemini/settings.json", '{"mcpServers":{"mixpanel":{"command":"npx","args":["-y","mcp-remote@0.15","u"]}}}')
    _home(case, ".codex/config.toml", "x = 1\n[mcp_servers.mixpanel]\nurl = 'u'\n")
    _home(case, ".claude.json", "{ # x\n}")
    _home(case, ".copilot/other", "")
    have = {x["client"]: x for x in json.loads(_setup(case, "--json"))}
    want = {"cursor": "command gone", "gemini": "mcp-remote", "codex": "another entry", "claude-code": "unreadable", "copilot": "installed"}
    case.equal({k: v["state"] for k, v in have.items() if k in want}, want, "states")
    for client in ("claude", "vscode", "windsurf", "devin"):  # a program of that name may be on this machine
        case.equal(have[client]["state"], "installed" if have[client]["installed"] else "-", client)
    for client, (file, _) in CLIENTS.items():
        case.equal(have[client]["file"], os.path.join(case.home, file), client)
    page = _setup(case)
    for text in ("~/.cursor/mcp.json", '"mixpanel": its command /x/mpmcp is gone: mpmcp setup cursor --write replaces it',
                 '"mixpanel": mcp-remote: mpmcp setup gemini --write replaces it', '"mixpanel": connects without a command to u',
                 "line 1 is not valid JSON", 'any other client: "mpmcp setup json"'):
        case.check(text in page, "no %r in %s" % (text, page))


def the_list_tells_of_entries_by_any_name(case):
    servers = {"mp-eu": {"command": harness.PROGRAM, "args": ["--region", "eu"]}, "x": {"command": "y"},
               "old": {"command": "npx", "args": ["mcp-remote", IN + "?key=s3cr3ts3cr3t"]}}
    _home(case, ".cursor/mcp.json", json.dumps({"mcpServers": servers}))
    have = [x for x in json.loads(_setup(case, "--json")) if x["client"] == "cursor"][0]
    case.equal(have["state"], "set up", "state")
    case.equal(have["entries"], [
        {"name": "mp-eu", "kind": "mpmcp", "url": EU, "command": harness.PROGRAM, "command_found": True},
        {"name": "old", "kind": "mcp-remote", "url": IN + "?***", "command": "npx", "command_found": have["entries"][1]["command_found"]}], "entries")
    page = _setup(case)
    case.check('"old": mcp-remote: mpmcp setup cursor --name old --write replaces it' in page and "s3cr3t" not in page, page)
    have = [x for x in json.loads(_setup(case, "--json", "--name", "x")) if x["client"] == "cursor"][0]
    case.equal([x["name"] for x in have["entries"]], ["x"], "--name")


# ---- what is written


def an_entry_is_written_where_its_client_reads_it(case):
    for client, (file, project) in CLIENTS.items():
        have = _json(case, client, "--write", "--service-account", token=harness.TOKEN)
        path = os.path.join(case.home, file)
        case.equal((have["file"], have["changed"], have["backup"]), (path, True, None), client)
        case.equal(_entry(case, client, path), have["entry"], client)
        case.equal(os.stat(path).st_mode & 0o777, 0o600, client + ": mode")
        case.check(harness.TOKEN not in _read(path), client + ": the secret is written")
        again = _json(case, client, "--write", "--service-account", token=harness.TOKEN)
        case.equal((again["changed"], again["backup"]), (False, None), client + ": again")
        if project and client != "copilot":
            work = os.path.join(case.folder, "work-" + client)
            os.mkdir(work)
            _setup(case, client, "--write", "--project", cwd=work)
            case.equal(_files(work), [project], client + ": files of the project")
            case.equal(_entry(case, client, os.path.join(work, project))["args"], [US], client)
    document = json.loads(_read(_home(case, ".config/Code/User/mcp.json")))
    case.equal([x["id"] for x in document["inputs"]], ["mixpanel-sa-token"], "inputs of VS Code")
    case.equal(_files(case.home), sorted(f for f, _ in CLIENTS.values()), "files")


def a_written_entry_starts_the_bridge(case):
    s = case.server()
    path = _home(case, ".gemini/settings.json")
    _setup(case, "gemini", s.url, "--service-account", "--write", token=harness.TOKEN)
    entry = _entry(case, "gemini", path)
    env = {k: v.replace("${MIXPANEL_SA_TOKEN}", harness.TOKEN) for k, v in entry["env"].items()}
    p = case.start(*entry["args"], env=env, token=None)
    case.equal(p.handshake()["id"], 0, "id")
    p.finish()
    case.equal(s.of("initialize")[0].headers["authorization"], harness.ACCOUNT_HEADER, "header")


ODD = ('\ufeff{\r\n\t"theme" : "d\\u00e4rk",\r\n\t"n": 1e400, "n": 12345678901234567890,\r\n\t"mcpServers": {\r\n'
       '\t\t"other": {"command":"x" , "args": [ ]},\r\n\t\t"mixpanel": {\r\n\t\t\t"trust": true,\r\n\t\t\t"command": "mpmcp",\r\n'
       '\t\t\t"args": ["--read-only"],\r\n\t\t\t"env": {"A": "1", "MIXPANEL_SA_TOKEN": "${MIXPANEL_SA_TOKEN}"}\r\n\t\t}\r\n\t},\r\n\t"last":[1,\r\n2]\r\n}')


def everything_else_stays_byte_for_byte(case):
    path = _home(case, ".gemini/settings.json", ODD)
    os.chmod(path, 0o640)
    _setup(case, "gemini", "--region", "eu", "--write")
    want = ODD.replace('["--read-only"]', '["%s", "--read-only"]' % EU)
    want = want.replace('"command": "mpmcp"', '"command": %s' % json.dumps(harness.PROGRAM))
    case.equal(_read(path), want, "file")
    case.equal(os.stat(path).st_mode & 0o777, 0o640, "mode")
    case.equal(_read(path + ".mpmcp-bak"), ODD, "copy")
    _setup(case, "gemini", "--region", "eu", "--write")
    case.equal(_files(os.path.dirname(path)), ["settings.json", "settings.json.mpmcp-bak"], "files")
    _setup(case, "gemini", "--name", "second", "--write")
    have = json.loads(_read(path)[1:])
    case.equal(list(have["mcpServers"]), ["other", "mixpanel", "second"], "servers")
    case.equal(have["mcpServers"]["mixpanel"]["trust"], True, "what the person added")


def a_token_that_a_person_wrote_into_the_entry_is_not_lost(case):
    text = '{"mcpServers":{"mixpanel":{"command":"mpmcp","args":[],"env":{"MIXPANEL_SA_TOKEN":"%s"}}}}' % harness.TOKEN
    path = _home(case, ".cursor/mcp.json", text)
    said = _setup(case, "cursor", "--write")
    case.check("env MIXPANEL_SA_TOKEN (kept from the old entry)" in said and "The entry itself contains a secret" in said, said)
    case.check(harness.TOKEN not in said and "mpmcp login" not in said, said)
    case.equal(_entry(case, "cursor", path)["env"], {"MIXPANEL_SA_TOKEN": harness.TOKEN}, "env")
    _setup(case, "cursor", "--write", "--service-account", token=harness.TOKEN)
    case.equal(_entry(case, "cursor", path)["env"], {"MIXPANEL_SA_TOKEN": "${env:MIXPANEL_SA_TOKEN}"}, "env")
    case.check(harness.TOKEN in _read(path + ".mpmcp-bak"), "no copy of the token")


def what_the_old_entry_says_is_kept_and_told(case):
    """Region, options, variables and members, unless they are given anew; --force keeps the region alone."""
    env = {"AUTH_HEADER": "Bearer Basic s3cr3ts3cr3t", "MIXPANEL_REGION": "us"}
    old = {"command": "npx", "args": ["-y", "mcp-remote@latest", IN, "3400", "--header", "Authorization:${AUTH_HEADER}",
                                      "--transport", "http-only", "--ignore-tool", "Delete-*"],
           "env": env, "timeout": 9, "disabledTools": ["a"], "disabled": True}
    text = json.dumps({"mcpServers": {"mixpanel": old}}, indent=2)
    path = _home(case, ".cursor/mcp.json", text)
    words = [IN, "3400", "--header", "Authorization:${AUTH_HEADER}", "--ignore-tool", "Delete-*", "--transport", "http-only"]
    have = _json(case, "cursor", "--write")
    case.equal(_entry(case, "cursor", path), dict(old, command=harness.PROGRAM, args=words), "entry")
    case.equal(have["kept"], ["Region IN", "--header Authorization", "--ignore-tool Delete-*", "--transport http-only", "env AUTH_HEADER",
                              "env MIXPANEL_REGION", "timeout", "disabledTools", "disabled"], "what was told")
    case.equal(_json(case, "cursor", "--write")["changed"], False, "changed again")
    _home(case, ".cursor/mcp.json", text)
    said = _setup(case, "cursor", "--write", "--ignore-tool", "Edit-*", "--read-only", "--header", "X-Team:a", EU)
    case.check("Replaced mcp-remote with mpmcp" in said and "--header Authorization (kept from the old entry)" in said, said)
    case.check("Region" not in said and "s3cr3t" not in said, said)
    case.equal(_entry(case, "cursor", path)["args"], [EU, "--header", "X-Team:a", "--header", "Authorization:${AUTH_HEADER}", "--ignore-tool", "Edit-*",
                                                      "--read-only", "--transport", "http-only"], "given anew")
    said = _setup(case, "cursor", "--write", "--service-account", token=harness.TOKEN)
    case.check("Region EU (kept from the old entry)" in said and "--header Authorization (dropped" in said, said)
    case.check("Authorization:${AUTH_HEADER}" not in _entry(case, "cursor", path)["args"], "the header would be used in place of the account")
    said = _setup(case, "cursor", "--write", "--force")
    case.check("Region EU (kept" in said and "--read-only (dropped" in said and "timeout (dropped" in said, said)
    case.equal(_entry(case, "cursor", path), {"command": harness.PROGRAM, "args": [EU]}, "entry")


def what_a_person_chose_in_the_entry_stays(case):
    text = '{"mcpServers":{"mixpanel":{"type":"stdio","command":"mpmcp","args":["--read-only"],"tools":["Get-Projects"]}}}'
    path = _home(case, ".copilot/mcp-config.json", text)
    case.check("--read-only (kept from the old entry)" in _setup(case, "copilot", "--write"), "not said")
    case.equal(_entry(case, "copilot", path)["tools"], ["Get-Projects"], "tools that the person chose")
    case.equal(_entry(case, "copilot", path)["args"], [US, "--read-only"], "args")
    _home(case, ".copilot/mcp-config.json", text.replace("--read-only", "--reed-only"))
    said = _setup(case, "copilot", "--write", status=2)
    case.check("--reed-only" in said and "--force" in said, said)


def an_entry_is_known_by_where_it_leads_not_by_its_name(case):
    eu = {"command": "/old/mpmcp", "args": ["--region", "eu"]}
    remote = {"command": "node", "args": ["/x/node_modules/mcp-remote/dist/proxy.js", IN]}
    path = _home(case, ".cursor/mcp.json", json.dumps({"mcpServers": {"x": {"command": "y"}, "mixpanel-eu": eu}}))
    _setup(case, "cursor", "--write")
    have = json.loads(_read(path))["mcpServers"]
    case.equal(have, {"x": {"command": "y"}, "mixpanel-eu": {"command": harness.PROGRAM, "args": [EU]}}, "no second server")
    _home(case, ".cursor/mcp.json", json.dumps({"mcpServers": {"mp": remote, "mixpanel-eu": eu}}))
    said = _setup(case, "cursor", "--write", status=2)
    case.check('"mp"' in said and '"mixpanel-eu"' in said and "--name" in said, said)
    _setup(case, "cursor", "--write", "--region", "in")
    case.equal(json.loads(_read(path))["mcpServers"], {"mp": {"command": harness.PROGRAM, "args": [IN]}, "mixpanel-eu": eu}, "by URL")
    _setup(case, "cursor", "--write", "--region", "us")
    case.equal(sorted(json.loads(_read(path))["mcpServers"]), ["mixpanel", "mixpanel-eu", "mp"], "another region")
    _home(case, ".cursor/mcp.json", json.dumps({"mcpServers": {"analytics": {"url": EU}}}))
    case.check('"analytics" that connects without a command' in _setup(case, "cursor", "--write", status=1), "a direct entry")
    _setup(case, "cursor", "--write", "--force")
    case.equal(json.loads(_read(path)), {"mcpServers": {"analytics": {"command": harness.PROGRAM, "args": [EU]}}}, "replaced")
    path = _home(case, ".codex/config.toml", '[mcp_servers.mp]\ncommand = "npx"\nargs = [ "-y", # x\n  "mcp-remote", \'%s\',]\n' % EU)
    _setup(case, "codex", "--write")
    case.equal(tomllib.loads(_read(path))["mcp_servers"], {"mp": {"command": harness.PROGRAM, "args": [EU]}}, "codex")


def others_do_not_make_room(case):
    text = '{"mcpServers":{"mixpanel":{"url":"https://mcp.mixpanel.com/mcp","headers":{}}}}'
    path = _home(case, ".cursor/mcp.json", text)
    said = _setup(case, "cursor", "--write", status=1)
    case.check("--force" in said and "--name" in said, said)
    case.equal(_read(path), text, "file")
    case.equal(_files(os.path.dirname(path)), ["mcp.json"], "files")
    _setup(case, "cursor", "--write", "--force")
    case.equal(_entry(case, "cursor", path), {"command": harness.PROGRAM, "args": [US]}, "entry")


def a_change_is_shown_before_and_when_it_is_made(case):
    env = {"AUTH_HEADER": "Bearer Basic s3cr3ts3cr3t", "PLAIN": "1"}
    text = json.dumps({"mcpServers": {"mixpanel": {"command": "npx", "args": ["mcp-remote", US], "env": env}}})
    path = _home(case, ".cursor/mcp.json", text)
    for words in ([], ["--write"]):
        said = _setup(case, "cursor", *words)
        for line in ('  - command: "npx"', '  + command: %s' % json.dumps(harness.PROGRAM), '  - args: ["mcp-remote", "%s"]' % US,
                     '  + args: ["%s"]' % US, '    env: {"AUTH_HEADER": "***", "PLAIN": "1"}'):
            case.check(line + "\n" in said, "no %r in %s" % (line, said))
        case.check("s3cr3t" not in said, said)
        case.equal(_read(path) == text, not words, "written only with --write")
    case.check("It is up to date" in _setup(case, "cursor"), "not said")
    _home(case, ".gemini/settings.json", text)
    case.check("gemini mcp add" not in _setup(case, "gemini"), "a command that would lose what is there")


def our_entry_and_what_belongs_to_it_is_removed(case):
    for client, (file, _) in CLIENTS.items():
        path = _home(case, file, "k = 1\n" if client == "codex" else '{\n  "k": 1\n}\n')
        before = _read(path)
        _setup(case, client, "--write", "--service-account", token=harness.TOKEN)
        said = _setup(case, client, "--remove")
        case.check('Removed the entry "mixpanel" from ~/%s' % file in said, said)
        have = _read(path)
        if client == "codex":
            case.equal(have, before, client)
        else:
            case.equal(json.loads(have), {"k": 1, {"vscode": "servers"}.get(client, "mcpServers"): {}}, client)
        said = _setup(case, client, "--remove")
        case.check("Nothing to remove" in said, said)
        case.equal(_read(path), have, client)
    text = '{"inputs":[{"id":"a"},{"id":"t"}],"servers":{"mp":{"command":"mpmcp","args":["%s"],"env":{"T":"${input:t}","A":"${input:a}"}},"b":{"env":{"A":"${input:a}"}}}}' % EU
    path = _home(case, ".config/Code/User/mcp.json", text)
    _setup(case, "vscode", "--remove")
    case.equal(json.loads(_read(path)), {"inputs": [{"id": "a"}], "servers": {"b": {"env": {"A": "${input:a}"}}}}, "what others refer to stays")
    text = '{"mcpServers":{"mixpanel":{"command":"npx","args":["mcp-remote","%s"]}}}' % EU
    path = _home(case, ".cursor/mcp.json", text)
    case.check("does not start mpmcp" in _setup(case, "cursor", "--remove", status=1), "not said")
    case.equal(_read(path), text, "file")
    text = '[a]\nb = 1\n\n[mcp_servers.mixpanel]\ncommand = "mpmcp"\n# ours\nargs = []\n\n# of c\n[c]\n\n[mcp_servers.mixpanel.env]\nA = "1"\n'
    path = _home(case, ".codex/config.toml", text)
    _setup(case, "codex", "--remove")
    case.equal(_read(path), "[a]\nb = 1\n\n# of c\n[c]\n", "codex")


def the_newest_copy_is_put_back(case):
    path = _home(case, ".cursor/mcp.json", "{ }\n")
    _setup(case, "cursor", "--write")
    first = _read(path)
    _setup(case, "cursor", "--write", "--read-only")
    second = _read(path)
    case.check("Restored the copy" in _setup(case, "cursor", "--undo"), "not said")
    case.equal(_read(path), first, "after one undo")
    _setup(case, "cursor", "--undo")
    case.equal(_read(path), second, "after undoing the undo")
    case.equal(_files(os.path.dirname(path)), ["mcp.json", "mcp.json.mpmcp-bak", "mcp.json.mpmcp-bak2"], "files")
    case.equal(_read(path + ".mpmcp-bak"), "{ }\n", "the older copy")
    case.check("no copy of" in _setup(case, "gemini", "--undo", status=1), "not said")
    _home(case, ".cursor/mcp.json", "{ broken")
    _setup(case, "cursor", "--undo")
    case.equal(_read(path), first, "a broken file is put back, too")


def several_clients_at_once(case):
    _home(case, ".gemini/settings.json", "{ broken")
    said = _setup(case, "cursor", "gemini", "devin", "--write", status=1)
    case.check("settings.json is not modified" in said, said)
    case.equal([f for f in _files(case.home) if "bak" not in f], [".config/devin/mcp_config.json", ".cursor/mcp.json", ".gemini/settings.json"], "files")
    os.remove(_home(case, ".gemini/settings.json"))
    have = json.loads(_setup(case, "--all", "--write", "--json", "--region", "eu"))
    have = {x["client"]: x["entry"]["args"] for x in have}
    case.equal([have[c] for c in ("cursor", "gemini", "devin")], [[EU]] * 3, "all that are installed")


def what_a_person_should_know_of_the_files_is_said(case):
    empty = {"PATH": case.folder + "/nothing"}
    case.check("Cursor does not seem to be installed here" in _setup(case, "cursor", "--write", env=empty), "not said")
    said = _setup(case, "cursor", "--write", "--read-only", env=empty)
    case.check("seem to be installed" not in said and "Git" not in said and "holds a secret" not in said, said)
    work = os.path.join(case.folder, "work")
    os.makedirs(os.path.join(work, ".git"))
    os.makedirs(os.path.join(work, ".cursor"))
    with open(os.path.join(work, ".cursor/mcp.json"), "w") as f:
        json.dump({"mcpServers": {"github": {"command": "x", "env": {"GITHUB_TOKEN": "ghp_s3cr3t"}}}}, f)
    said = _setup(case, "cursor", "--project", "--write", cwd=work)
    case.check("copy holds a secret" in said and "Git repository" in said and "ghp_" not in said, said)


def codex_keeps_its_comments_and_other_tables(case):
    text = ('# mine\nmodel = "o3"  # yes\n\n[mcp_servers.other]\ncommand = "x"\nargs = [\n  "[mcp_servers.mixpanel]", # no\n]\n\n'
            '[mcp_servers.mixpanel]\n# note\nstartup_timeout_sec = 20\ncommand = "mpmcp"\nargs = ["--read-only"]\nenv_vars = ["OLD"]\n\n'
            '[projects."/home/me"]\ntrust_level = "trusted"')
    path = _home(case, ".codex/config.toml", text)
    _setup(case, "codex", "--write", "--region", "in")
    want = text.replace('command = "mpmcp"', "command = %s" % json.dumps(harness.PROGRAM))
    want = want.replace('["--read-only"]', '["%s", "--read-only"]' % IN)
    case.equal(_read(path), want, "file")
    case.equal(tomllib.loads(_read(path))["mcp_servers"]["mixpanel"]["startup_timeout_sec"], 20, "what the person added")
    case.equal(_json(case, "codex", "--write", "--region", "in")["changed"], False, "changed again")
    _setup(case, "codex", "--write", "--service-account", token=harness.TOKEN)
    case.equal(tomllib.loads(_read(path))["mcp_servers"]["mixpanel"]["env_vars"], ["OLD", "MIXPANEL_SA_TOKEN"], "names to hand on")
    for odd in ('mcp_servers = { mixpanel = { command = "x" } }', "[mcp_servers]\nmixpanel.command = 'x'", 'a = "x', "[[mcp_servers.mixpanel]]"):
        path = _home(case, ".codex/config.toml", odd)
        case.check("by hand" in _setup(case, "codex", "--write", status=1), odd)
        case.equal(_read(path), odd, "file")


def files_that_cannot_be_edited_safely_are_left_alone(case):
    for text, said in (("{\n# servers\n}", "line 2 is not valid JSON (it holds comments that begin with #)"),
                       ('{"a": 1,,}', "not valid JSON"),
                       ('{"mcpServers": {}', "not valid JSON"), ("[]", "JSON object"),
                       ('{"mcpServers": []}', '"mcpServers" in it is not an object'),
                       ('{"mcpServers": {}, "mcpServers": {}}', "twice"),
                       ('{"mcpServers": {"mixpanel": {"command": "mpmcp", "env": []}}}', None)):
        path = _home(case, ".gemini/settings.json", text)
        have = _setup(case, "gemini", "--write", "--service-account", status=1, token=harness.TOKEN)
        case.check((said or "is not an object") in have and "not modified" in have and path in have, have)
        case.equal(_read(path), text, "file")
        case.equal(_files(case.home), [".gemini/settings.json"], "files")
        _setup(case, "gemini")


def files_in_other_encodings_are_left_alone_and_named(case):
    for client, name, text in (("gemini", ".gemini/settings.json", "{}\n"), ("codex", ".codex/config.toml", "a = 1\n")):
        for content, said in ((("\ufeff" + text).encode("utf-16-le"), "encoded as UTF-16; save it as UTF-8"),
                              (("# caf\u00e9 " + text).encode("latin-1"), "byte 6 is not UTF-8")):
            path = _home(case, name, content)
            have = _setup(case, client, "--write", status=1)
            case.check(said in have and "not modified" in have and path in have, have)
            with open(path, "rb") as f:
                case.equal(f.read(), content, "file")


def comments_and_trailing_commas_are_kept(case):
    text = '// mine\n{\n\t"servers": {\n\t\t"a": {"command": "x"}, // of a\n\t\t/* "b": {} */\n\t},\n}\n'
    path = _home(case, ".config/Code/User/mcp.json", text)
    _setup(case, "vscode", "--write")
    want = text.replace("// of a\n", '// of a\n\t\t"mixpanel": {\n\t\t\t"type": "stdio",\n\t\t\t"command": %s,\n\t\t\t"args": ["%s"]\n\t\t},\n'
                        % (json.dumps(harness.PROGRAM), US))
    case.equal(_read(path), want, "file")
    _setup(case, "vscode", "--write", "--read-only")
    case.equal(_read(path), want.replace('["%s"]' % US, '["%s", "--read-only"]' % US), "changed")
    _setup(case, "vscode", "--remove")
    case.equal(_read(path), text, "removed")


def links_of_the_person_are_followed_those_of_a_project_are_not(case):
    real = case.file("dotfiles.json", "{}\n")
    os.makedirs(os.path.join(case.home, ".cursor"))
    link = _home(case, ".cursor/mcp.json")
    os.symlink(real, link)
    _setup(case, "cursor", "--write")
    case.check(os.path.islink(link), "the link is gone")
    case.equal(_entry(case, "cursor", real)["args"], [US], "args")
    work = os.path.join(case.folder, "work")
    os.makedirs(os.path.join(work, ".cursor"))
    os.symlink(link, os.path.join(work, ".cursor/mcp.json"))
    before = _read(real)
    project = ("cursor", "--project", "--region", "eu", "--write")
    case.check("points outside this folder" in _setup(case, *project, status=1, cwd=work), "not said")
    case.equal(_read(real), before, "the person's own file")
    os.remove(os.path.join(work, ".cursor/mcp.json"))
    os.symlink("new/../../../escaped.json", os.path.join(work, ".cursor/mcp.json"))
    case.check("after a folder that does not exist" in _setup(case, *project, status=1, cwd=work), "not said of a missing folder")
    case.check(not os.path.exists(os.path.join(case.folder, "escaped.json")), "written outside the project")
    case.equal(_files(work), [".cursor/mcp.json"], "files of the project")


def root_keeps_to_the_files_of_who_owns_the_home(case):
    """With HOME of somebody else: their files stay theirs, and their links do not lead to those of others."""
    path = _home(case, ".cursor/mcp.json", "{}\n")
    case.give_away(case.home, os.path.dirname(path), path)
    _setup(case, "cursor", "--write")
    for name in (path, path + ".mpmcp-bak"):
        case.equal((os.stat(name).st_uid, os.stat(name).st_gid), (65534, 65534), "owner of " + name)
    roots = case.file("roots.json", "{}\n")
    os.remove(path)
    os.symlink(roots, path)
    os.chown(path, 65534, 65534, follow_symlinks=False)
    case.check("root does not follow" in _setup(case, "cursor", "--write", status=1), "not said")
    case.equal(_read(roots), "{}\n", "the file of root")


def a_clients_own_variable_moves_its_folder(case):
    for client, variable, file in (("gemini", "GEMINI_CLI_HOME", ".gemini/settings.json"), ("claude-code", "CLAUDE_CONFIG_DIR", ".claude.json"),
                                   ("codex", "CODEX_HOME", "config.toml"), ("copilot", "COPILOT_HOME", "mcp-config.json"),
                                   ("claude", "XDG_CONFIG_HOME", "Claude/claude_desktop_config.json"), ("vscode", "XDG_CONFIG_HOME", "Code/User/mcp.json")):
        folder = os.path.join(case.folder, client)
        have = _json(case, client, "--write", env={variable: folder})
        case.equal(have["file"], os.path.join(folder, file), client)
        case.equal(_files(folder), [file], client)
    case.equal(_files(case.home), [], "files in HOME")


def secrets_in_a_command_of_one_word_are_hidden(case):
    case.secrets.append("s3cr3ts3cr3t")
    url = "https://mcp.mixpanel.com/mcp"
    for args in (["npx -y mcp-remote %s --header Authorization:s3cr3ts3cr3t" % url], ["-y", "mcp-remote %s --header 'X-Key: s3cr3ts3cr3t'" % url],
                 ["-y", "mcp-remote", url, "--header X-Key: s3cr3ts3cr3t"], ["mcp-remote %s --header A:b --header X-Key:s3cr3ts3cr3t" % url],
                 ["mcp-remote %s --header-file x --static-oauth-client-info={\"client_secret\":\"s3cr3ts3cr3t\"}" % url]):
        path = _home(case, ".cursor/mcp.json", json.dumps({"mcpServers": {"mixpanel": {"command": "npx", "args": args}}}))
        os.chmod(path, 0o600)
        said = _setup(case, "cursor", "--force")
        case.check("s3cr3ts3cr3t" not in said and "***" in said, "shown: %s" % said)
