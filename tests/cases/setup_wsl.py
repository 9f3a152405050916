"""Inside the Windows Subsystem for Linux: clients and the browser are on Windows. Its programs are small fakes on PATH."""

import json
import os
import shlex

import harness
from people import Person

USAGE, FAILED = 2, 1
EU = "https://mcp-eu.mixpanel.com/mcp"


def _windows(case):
    """A person's folder of Windows, and cmd.exe and wslpath, as WSL shows them: a warning, and lines with CR."""
    folder, programs = os.path.join(case.folder, "c/Users/Ann Lee"), os.path.join(case.folder, "programs")
    os.makedirs(folder)
    os.makedirs(programs)
    for name, text in (("cmd.exe", "#!/bin/sh\n[ \"$*\" = '/c echo %USERPROFILE%' ] || exit 1\necho UNC paths are not supported >&2\nprintf 'C:\\\\Users\\\\Ann Lee\\r\\n'\n"),
                       ("wslpath", "#!/bin/sh\n[ \"$*\" = '-u C:\\Users\\Ann Lee' ] || exit 1\necho %s\n" % shlex.quote(folder))):
        path = os.path.join(programs, name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)
    return folder, {"WSL_DISTRO_NAME": "Ubuntu", "PATH": programs + ":" + os.environ["PATH"]}


def _setup(case, *args, status=0, env=None, **more):
    p = case.start("setup", *args, token=None, env=env or {}, **more)
    p.end_input()
    case.equal(p.wait(), status, "status (%r)" % p.errors)
    return b"".join(p.lines).decode() + p.errors.decode()


def entry_of_a_client_on_windows_starts_us_in_wsl(case):
    folder, env = _windows(case)
    want = {"command": "wsl.exe", "args": ["-d", "Ubuntu", "-e", harness.PROGRAM, EU, "--profile", "work"]}
    for client, file in (("cursor", ".cursor/mcp.json"), ("claude", "AppData/Roaming/Claude/claude_desktop_config.json")):
        path = os.path.join(folder, file)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        _setup(case, client, "--wsl", "--write", "--region", "eu", "--profile", "work", env=env)
        with open(path) as f:
            case.equal(json.load(f), {"mcpServers": {"mixpanel": want}}, client)
        said = _setup(case, client, "--wsl", "--write", env=env)
        case.check("Nothing to do" in said, "the same again: " + said)
    case.equal([f for f in os.listdir(case.home) if f == ".cursor"], [], "files on this side")
    said = _setup(case, "cursor", "--wsl", "--write", "--read-only", env=env)
    case.check("Changed the entry" in said and "profile work (kept" in said.lower().replace("--", ""), said)


def entry_of_mcp_remote_on_windows_is_replaced(case):
    folder, env = _windows(case)
    path = os.path.join(folder, ".cursor/mcp.json")
    os.makedirs(os.path.dirname(path))
    with open(path, "w") as f:
        json.dump({"mcpServers": {"mixpanel": {"command": "npx.cmd", "args": ["-y", "mcp-remote", EU]}}}, f)
    case.check("Replaced mcp-remote with mpmcp" in _setup(case, "cursor", "--wsl", "--write", env=env), "words")
    with open(path) as f:
        case.equal(json.load(f)["mcpServers"]["mixpanel"], {"command": "wsl.exe", "args": ["-d", "Ubuntu", "-e", harness.PROGRAM, EU]}, "entry")


def service_account_of_a_client_on_windows_is_in_the_token_folder(case):
    _, env = _windows(case)
    said = _setup(case, "gemini", "--wsl", "--service-account", env=dict(env, MIXPANEL_SA_TOKEN=harness.TOKEN))
    case.check("wsl.exe passes on no variables" in said and "login --service-account" in said and "MIXPANEL_SA_TOKEN" not in said, said)


def wsl_that_is_none_or_cannot_start_windows_programs_is_named(case):
    case.check("WSL_DISTRO_NAME" in _setup(case, "cursor", "--wsl", status=USAGE), "outside WSL")
    case.check("needs a client" in _setup(case, "--wsl", status=USAGE), "without a client")
    case.check("/etc/wsl.conf" in _setup(case, "cursor", "--wsl", status=FAILED, env={"WSL_DISTRO_NAME": "Ubuntu"}), "without cmd.exe")


def login_opens_the_browser_of_windows(case):
    for name in ("wslview", "powershell.exe"):
        me = Person(case)
        follow = me.env.pop("BROWSER")
        programs = os.path.join(case.folder, "of " + name)
        os.makedirs(programs)
        words = os.path.join(case.folder, "words")
        last = "eval last=\\${$#}; last=${last#\\'}; last=${last%\\'}"
        path = os.path.join(programs, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\numask 077\nprintf '%%s\\n' \"$@\" >%s\n%s\nexec %s \"$last\"\n" % (shlex.quote(words), last, shlex.quote(follow)))
        os.chmod(path, 0o755)
        me.login("--force", env={"WSL_DISTRO_NAME": "Ubuntu", "PATH": programs + ":" + os.environ["PATH"]})
        case.equal(len(me.opened()) > 0, True, "pages")
        with open(words) as f:
            said = f.read().splitlines()
        if name == "powershell.exe":
            case.equal(said[:4], ["-NoProfile", "-NonInteractive", "-Command", "Start-Process"], "words")
            case.check(said[4][0] == said[4][-1] == "'" and "'" not in said[4][1:-1], "the address stands between quotes: %r" % said[4])
