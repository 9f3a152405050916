"""mpmcp doctor CLIENT: the client's file, its entry and command, and the environment that it passes on."""

import json
import os

import harness
from harness import TOKEN


def _home(case, name, content):
    path = os.path.join(case.home, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(content if isinstance(content, str) else json.dumps(content))
    return path


def _run(case, *args, status=0, token=None, env=None, cwd=None):
    p = case.start("doctor", "--json", *args, token=token, env=dict({"CI": "1"}, **(env or {})), cwd=cwd)
    p.end_input()
    case.equal(p.wait(), status, "status (%r, %r)" % (b"".join(p.lines)[-1500:], p.errors[-300:]))
    text = b"".join(p.lines).decode()
    case.check(TOKEN not in text, "a secret stands in the report: " + text)
    return {c["id"]: c for c in json.loads(text)["checks"]}


def _is(case, rows, ident, state, *texts):
    case.equal(rows[ident]["state"], state, "state of %s (%r)" % (ident, rows[ident]))
    for text in texts:
        case.check(text in rows[ident]["detail"] + "\n" + rows[ident].get("advice", ""), "%r is not in %r" % (text, rows[ident]))


def _servers(entry, **more):
    return {"mcpServers": dict({"mixpanel": entry}, **more)}


def what_the_client_passes_on_is_what_is_tested(case):
    """Gemini withholds a token that no "env" names; a person's shell has it all the same."""
    s = case.server()
    entry = {"command": harness.PROGRAM, "args": [s.url]}
    path = _home(case, ".gemini/settings.json", _servers(entry))
    rows = _run(case, "gemini", status=1, token=TOKEN)  # the scripted server has no tools
    _is(case, rows, "client", "ok", path)
    _is(case, rows, "command", "ok", harness.PROGRAM + ": mpmcp")
    _is(case, rows, "credential", "ok", "sign-in")
    case.check("authorization" not in s.of("initialize")[-1].headers, "a credential that the client withholds was sent")
    _home(case, ".gemini/settings.json", _servers(dict(entry, env={"MIXPANEL_SA_TOKEN": "${MIXPANEL_SA_TOKEN}"})))
    rows = _run(case, "gemini", status=1, token=TOKEN)
    _is(case, rows, "credential", "ok", "MIXPANEL_SA_TOKEN")
    case.equal(s.of("initialize")[-1].headers["authorization"], harness.ACCOUNT_HEADER, "header")
    _home(case, ".gemini/settings.json", _servers({"command": harness.PROGRAM, "args": [s.url, "--header", "X-Team:${TEAM_KEY}"],
                                                   "env": {"TEAM_KEY": "7"}}))
    _run(case, "gemini", status=1, env={"TEAM_KEY": "8"})
    case.equal(s.of("initialize")[-1].headers["x-team"], "7", "header out of the entry's own env")


def what_is_wrong_with_an_entry_is_named(case):
    url = "http://127.0.0.1:1/mcp"
    good = {"command": harness.PROGRAM, "args": [url]}
    silent = case.file("mpmcp", "#!/bin/sh\nexit 1\n", 0o755)
    for content, ident, texts in (
            ("{ broken", "client", ("not valid JSON", "silently ignores")),
            ({"mcpServers": {}}, "entry", ("no entry", "mpmcp setup cursor --write")),
            (_servers({"url": url}), "entry", ("does not start mpmcp", "--force")),
            (_servers({"command": harness.PROGRAM, "args": [url, 1]}), "entry", ("not a string",)),
            (_servers(dict(good, env={"A": 1})), "entry", ('"env" is not a string',)),
            (_servers(dict(good, disabled=True)), "entry", ("disabled",)),
            (_servers({"command": "/gone/mpmcp", "args": [url]}), "command", ("/gone/mpmcp does not exist", "mpmcp setup cursor --name mixpanel --write")),
            (_servers({"command": silent, "args": [url]}), "command", ("does not run",))):
        _home(case, ".cursor/mcp.json", content)
        rows = _run(case, "cursor", status=1 if ident == "client" else 2)
        _is(case, rows, ident, "failed", *texts)
        if ident != "command":
            _is(case, rows, "arguments", "skipped")
    os.remove(os.path.join(case.home, ".cursor/mcp.json"))
    _is(case, _run(case, "cursor", status=2), "client", "failed", "does not exist", "mpmcp setup cursor --write")


def what_a_person_will_want_to_know_of_an_entry_is_said(case):
    url = "http://127.0.0.1:1/mcp"
    good = {"command": harness.PROGRAM, "args": [url]}
    _home(case, ".cursor/mcp.json", _servers(good, other=good))
    _is(case, _run(case, "cursor", status=5), "entry", "warning", '"mixpanel" and "other"', "twice")
    _home(case, ".cursor/mcp.json", _servers({"command": "npx", "args": ["mcp-remote", url]}))
    rows = _run(case, "cursor", status=5)
    _is(case, rows, "entry", "warning", "starts mcp-remote", "mpmcp setup cursor")
    _is(case, rows, "arguments", "ok", url)
    path = _home(case, ".gemini/antigravity/mcp_config.json", "{}")
    _home(case, ".gemini/config/mcp_config.json", _servers(good))
    _is(case, _run(case, "antigravity", status=5), "client", "warning", path, "do not read")
    _home(case, ".claude.json", "// x\n" + json.dumps(_servers(good)))
    _is(case, _run(case, "claude-code", status=5), "client", "warning", "comments", "may not take")


def a_word_that_is_no_client_is_named(case):
    for words, text in ((["kursor"], b'did you mean "cursor"'), (["cursor", "gemini"], b"unexpected argument"), (["json"], b"no file"),
                        (["mcp.example.com/mcp?key=s3cr3t"], b"a URL starts with https://")):
        p = case.start("doctor", *words, token=None)
        p.end_input()
        case.equal(p.wait(), 2, "status")
        case.check(text in p.errors and b"s3cr3t" not in p.errors, "words %r" % p.errors)
