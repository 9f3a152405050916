"""tools and call from the shell, against the sandbox."""

import base64
import fcntl
import json
import os
import re
import shlex
import signal
import struct
import subprocess
import termios

from harness import DEADLINE, PROGRAM, Failed, readable, response, terminal


def _run(case, *args, status=0, **more):
    p = case.start(*args, **more)
    p.end_input()
    case.equal(p.wait(), status, "status (%r)" % p.errors[-300:])
    return b"".join(p.lines).decode()


def tools_are_listed_over_all_pages(case):
    box = case.sandbox("--page-size", "20")
    out = _run(case, "tools", box["mcp"], token=box["token"])
    case.equal(len(out.splitlines()), 65, "tools")
    case.check("Run-Query\tread\tanalytics\tRun an insights" in out, "one line a tool, with tabs: %r" % out[:200])
    one = json.loads(_run(case, "tools", box["mcp"], "Run-Query", "--json", token=box["token"]))
    case.equal(one["name"], "Run-Query", "name")
    read = json.loads(_run(case, "tools", box["mcp"], "--read-only", "--json", token=box["token"]))
    case.equal(len(read), 36, "tools that only read")


def tools_are_grouped_and_marked_on_a_terminal(case):
    box = case.sandbox()
    wide = _on_a_terminal(case, "tools", box["mcp"], token=box["token"]).split("\n")
    for line in ("@boards", "  Delete-Dashboard                  delete  Delete a dashboard.", "@replays",
                 "  Run-Query                         read    Run an insights, funnels, flows or \u2026",
                 "  Get-Experiment-Results-Interpretation-Guidance  read    How to read results.",
                 "65 tools: 36 read, 26 write, 3 delete."):
        case.check(line in wide, "%r is not in %r" % (line, wide))
    case.check(wide[-2].startswith("About ") and wide[-2].endswith(" tokens of a model's context."), "the last line is %r" % wide[-2])
    groups = [line for line in wide if line.startswith("@")]
    case.equal(groups, sorted(groups), "groups")
    case.check(max(map(len, wide)) <= 80, "a line is wider than the terminal")
    narrow = _on_a_terminal(case, "tools", box["mcp"], "@boards", token=box["token"], columns=40)
    case.check("  Delete-Dashboard  delete\n    Delete a dashboard.\n" in narrow, "40 columns: %r" % narrow)


def tools_without_known_names_are_marked_by_their_annotations(case):
    hints = {"reads": {"readOnlyHint": True}, "writes": {"readOnlyHint": False, "destructiveHint": False},
             "deletes": {"readOnlyHint": False, "destructiveHint": True}, "both": {"readOnlyHint": True, "destructiveHint": True}, "silent": {}}
    tools = [{"name": n, "description": "\u8cc7\u6599" * 30, "annotations": h, "inputSchema": {"type": "object"}} for n, h in hints.items()]
    server = case.server(lambda r: r.answer({"tools": tools} if r.rpc_method == "tools/list" else None))
    lines = dict(line.split("\t")[:2] for line in _run(case, "tools", server.url).splitlines())
    case.equal(lines, {"reads": "read", "writes": "write", "deletes": "delete", "both": "delete", "silent": "?"}, "marks")
    seen = _on_a_terminal(case, "tools", server.url)
    case.check("  reads    read    " + "\u8cc7\u6599" * 15 + "\u2026\n" in seen, "wide characters: %r" % seen)
    case.check("other" not in seen, "a heading that says nothing: %r" % seen)


def tools_are_narrowed_by_words_patterns_and_groups(case):
    box = case.sandbox()

    def named(*words):
        return [line.split("\t")[0] for line in _run(case, "tools", box["mcp"], *words, token=box["token"]).splitlines()]
    case.equal(len(named("DASHBOARD")), 7, "tools that speak of dashboards")
    case.equal(named("@flags", "get-*"), ["Get-Feature-Flag", "Get-Feature-Flag-Setup-Guidance", "Get-Feature-Flag-Lifecycle-Guidance"], "of the group")
    case.equal(named("cohort", "delete"), ["Delete-Cohort"], "with both words")
    found = json.loads(_run(case, "tools", box["mcp"], "@audit", "--json", token=box["token"]))
    case.equal([tool["name"] for tool in found], ["Get-Audit-Log"], "with --json")
    for words, text in ((["Get-Evnts"], 'did you mean "Get-Events"? "mpmcp tools %s --read-only" lists them' % box["mcp"]),
                        (["a", "@nothing"], "no tool matches all of these words")):
        p = case.start("tools", box["mcp"], "--read-only", *words, token=box["token"])
        case.equal(p.finish(), 2, "status of %r" % words)
        case.check(text.encode() in p.errors, "%r is not in %r" % (text, p.errors))


PAGE = """Report (read)

First line that is long enough to be
broken.
Second.

%s
Example:
  mpmcp call URL --only-project 7 Report project_id=7 kind=b 'filter={}'
"""
PAGE_WIDE = """ARGUMENT    TYPE             REQUIRED  VALUES      DEFAULT
project_id  integer          yes       at least 1
kind        string           yes       b or c
    which one
filter      object           yes
filter.on   boolean                                true
names       array of string
    Values: aaaaaaaaaaaaaaaaaaaa, bbbbbbbbbbbbbbbbbbbb or cccccccccccccccccccc
day         string or null             date
limit       integer                    1 to 10     5
"""


def page_of_a_tool_has_its_arguments_and_an_example(case):
    tool = {"name": "Report", "description": "First line that is long enough to be broken.\nSecond.", "annotations": {"readOnlyHint": True}, "inputSchema": {
        "type": "object", "required": ["project_id", "kind", "filter"], "$defs": {"F": {"type": "object", "properties": {"on": {
            "type": "boolean", "default": True}}}}, "properties": {
            "project_id": {"type": "integer", "minimum": 1}, "kind": {"type": "string", "enum": ["b", "c"], "description": "which\none"},
            "filter": {"$ref": "#/$defs/F"}, "names": {"type": "array", "items": {"type": "string", "enum": ["a" * 20, "b" * 20, "c" * 20]}},
            "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10, "default": 5}}}}
    server = case.server(lambda r: r.answer({"tools": [tool]} if r.rpc_method == "tools/list" else {"content": []}))
    words = ["tools", server.url, "--only-project", "7", "Report"]
    wide = _on_a_terminal(case, *words)
    want = (PAGE % PAGE_WIDE).replace("URL", server.url).replace("be\nbroken", "be broken")
    case.equal(wide.split("\n"), want.split("\n"), "the page")
    narrow = _on_a_terminal(case, *words, columns=40)
    case.check("First line that is long enough to be\nbroken.\n" in narrow, "40 columns: %r" % narrow)
    case.check("ARGUMENT  kind\nTYPE  string\nREQUIRED  yes\nVALUES  b or c\n    which one\n" in narrow, "40 columns: %r" % narrow)
    example = wide.split("Example:\n")[1].strip()
    subprocess.run(example.replace("mpmcp", shlex.quote(PROGRAM), 1), shell=True, check=True, timeout=DEADLINE,
                   env=case.env({"MIXPANEL_SA_TOKEN": case.account[0]}), stdout=subprocess.DEVNULL)
    case.check(b'"arguments":{"project_id":7,"kind":"b","filter":{}}' in server.of("tools/call")[0].body, "the example is not what was called")


def example_of_a_tool_is_a_call_whatever_its_server_says(case):
    """Who pastes it must not send a file, or a variable, by it."""
    properties = {"--header": {"default": "X-A: ${HOME}"}, "a": {"default": "@/etc/hosts"}, "b=@/etc/hosts": {}, "@/etc/hosts": {}, "[": {}}
    tool = {"name": "--silent", "inputSchema": {"type": "object", "required": list(properties), "properties": properties}}
    server = case.server(lambda r: r.answer({"tools": [tool]} if r.rpc_method == "tools/list" else {"content": []}))
    example = _on_a_terminal(case, "tools", server.url, "--", "--silent", columns=200).split("Example:\n")[1].strip()
    case.equal(example, "mpmcp call %s -- --silent '--header=X-A: ${HOME}' a=@@/etc/hosts" % server.url, "the example")
    tool["inputSchema"]["required"] = ["--header", "a"]
    subprocess.run(example.replace("mpmcp", shlex.quote(PROGRAM), 1), shell=True, check=True, timeout=DEADLINE,
                   env=case.env({"MIXPANEL_SA_TOKEN": case.account[0]}), stdout=subprocess.DEVNULL)
    case.equal(server.of("tools/call")[0].rpc["params"]["arguments"], {"--header": "X-A: ${HOME}", "a": "@/etc/hosts"}, "arguments")


def hint_of_a_command_keeps_its_server_and_options_and_no_secret(case):
    tools = {"tools": [{"name": "it's", "annotations": {"readOnlyHint": True}, "inputSchema": {"type": "object", "required": ["a"], "properties": {"a": {"type": "integer"}}}}]}
    server = case.server(lambda r: r.answer(tools if r.rpc_method == "tools/list" else None))
    p = case.start("call", server.url + "?key=s3cr3tkey", "--profile", "my work", "--header", "X-Key:s3cr3tvalue", "--header", "X-Env:${WHO}",
                   "--read-only", "--json", "it's", "a=x", env={"WHO": "somebody"})
    case.equal(p.finish(), 2, "status")
    hint = '"mpmcp tools \'%s?...\' --header X-Key:... --header \'X-Env:${WHO}\' --profile \'my work\' --read-only \'it\'\\\'\'s\'" shows' % server.url
    case.check(hint.encode() in p.errors, "%s is not in %r" % (hint, p.errors))


def commands_send_no_request_that_nobody_needs(case):
    """An hour has 600: no stream is opened for what ends at once, and only a session is deleted."""
    begin, called = ["initialize"], ["tools/call"]
    modern = ["initialize", "server/discover"]
    session = begin + ["notifications/initialized"]
    for switches, before, after in ((["--get", "stream"], begin, []), (["--get", "stream", "--stateful"], session, ["DELETE"]),
                                    (["--era", "modern"], modern, [])):
        box = case.sandbox(*switches)
        seen = 0
        for words, between in ((("call", box["mcp"], "Get-Events", '{"project_id":1}'), called),
                               (("call", box["mcp"], "Get-Events", "project_id=1"), ["tools/list"] + called),
                               (("call", box["mcp"], "Get-Events", "project_id=1"), called),
                               (("tools", box["mcp"]), ["tools/list"]), (("status", box["mcp"], "--check"), None)):
            _run(case, *words, token=box["token"])
            sent = [r.get("rpc") or r["method"] for r in case.control(box, "log") if r.get("path") == "/mcp"]
            opening = before if between is not None else [r for r in before if r != "notifications/initialized"]
            case.equal(sent[seen:], opening + (between or []) + after, "requests of %r with %r" % (words, switches))
            seen = len(sent)
    log = case.control(box, "log")
    case.check(not [r for r in log if r.get("rpc") == "subscriptions/listen"], "subscriptions")


def _requests(server):
    return [r.rpc_method for r in server.requests if r.rpc_method in ("tools/list", "tools/call")]


def list_of_tools_that_is_kept_has_no_rules_and_takes_none_away(case):
    tools = [{"name": "reads", "annotations": {"readOnlyHint": True}}, {"name": "writes", "annotations": {"readOnlyHint": False}}]
    server = case.server(lambda r: r.answer({"tools": tools} if r.rpc_method == "tools/list" else {"content": []}))
    _run(case, "tools", server.url, "--read-only")  # what a rule hides is not kept
    _run(case, "call", server.url, "writes", "--ignore-tool", "x")
    case.equal(_requests(server), ["tools/list", "tools/list", "tools/call"], "requests without a kept list")
    _run(case, "tools", server.url)
    del server.requests[:]
    _run(case, "call", server.url, "reads", "--read-only")
    _run(case, "call", server.url, "writes", "--read-only", status=6)
    case.equal(_requests(server), ["tools/call", "tools/list"], "requests with it: what a rule hides is looked at again")


def list_of_tools_is_kept_for_one_credential_and_privately(case):
    server = case.server(lambda r: r.answer({"tools": [{"name": "x"}]} if r.rpc_method == "tools/list" else {"content": []}))
    os.umask(0)
    _run(case, "call", server.url, "x")
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    kept = [f for f in os.listdir(folder) if f.endswith(".tools")]
    case.equal([os.stat(os.path.join(folder, f)).st_mode & 0o7777 for f in kept], [0o600], "mode of %r" % kept)
    path = os.path.join(folder, kept[0])
    for more, lists in (({}, 0), ({"token": base64.b64encode(b"other.account:s3cr3tpassw0rd").decode()}, 1), ({"env": {"W": "1"}}, 0)):
        del server.requests[:]
        _run(case, "call", server.url, "x", **more)
        case.equal(_requests(server).count("tools/list"), lists, "lists with %r" % (more,))
    del server.requests[:]
    _run(case, "call", server.url, "x", "--header", "X-Team: red")
    case.equal(_requests(server).count("tools/list"), 1, "lists with another header")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for broken in (text[:50], "[]", json.dumps(dict(json.loads(text), at=1)), json.dumps(dict(json.loads(text), at=99999999999)),
                   json.dumps(dict(json.loads(text), format=2)), json.dumps(dict(json.loads(text), tools=7))):
        with open(path, "w", encoding="utf-8") as f:
            f.write(broken)
        del server.requests[:]
        _run(case, "call", server.url, "x")
        case.equal(_requests(server), ["tools/list", "tools/call"], "requests with %.60r" % broken)
    elsewhere = case.file("elsewhere", text, mode=0o600)
    os.unlink(path)
    os.symlink(elsewhere, path)
    del server.requests[:]
    _run(case, "call", server.url, "x")
    case.equal(_requests(server).count("tools/list"), 1, "lists with a link")
    case.check(not os.path.islink(path), "the link is still there")


def list_of_tools_is_dropped_when_it_is_not_so_any_more(case):
    state = {"tools": [{"name": "x"}], "result": {"content": []}, "told": False}

    def handler(r):
        if r.rpc_method == "tools/list":
            return r.answer({"tools": state["tools"]})
        if r.rpc_method != "tools/call" or not state["told"]:
            return r.answer(state["result"])
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        r.event(response(r.id, state["result"]))
        r.end()
    server = case.server(handler)

    def asked(*words, status=0):
        del server.requests[:]
        _run(case, "call", server.url, *words, status=status)
        return _requests(server)
    case.equal(asked("x"), ["tools/list", "tools/call"], "without a list")
    case.equal(asked("x"), ["tools/call"], "with one")
    state["tools"].append({"name": "y", "inputSchema": {"type": "object", "required": ["a"]}})
    case.equal(asked("y", "a=1"), ["tools/list", "tools/call"], "a tool that is not in it")
    del state["tools"][1]["inputSchema"]
    case.equal(asked("y"), ["tools/list", "tools/call"], "arguments that do not fit it")
    state["told"] = True
    case.equal(asked("y"), ["tools/call"], "while the server tells that it changed")
    case.equal(asked("y"), ["tools/list", "tools/call"], "after that")
    state.update(told=False, result={"content": [{"type": "text", "text": "Unknown tool"}], "isError": True})
    case.equal(asked("x", status=1)[-2:], ["tools/call", "tools/list"], "a failure is reason to look again")


def server_that_wants_to_hear_of_the_initialization_gets_to(case):
    """One without sessions that counts on it all the same."""
    state = {}

    def handler(r):
        if r.rpc_method == "notifications/initialized":
            state["ready"] = True
        if r.rpc_method == "tools/call" and not state.get("ready"):
            return r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32602, "message": "Received request before initialization was complete"}})
        r.answer({"content": [{"type": "text", "text": "done"}]} if r.rpc_method == "tools/call" else None)
    server = case.server(handler)
    case.equal(_run(case, "call", server.url, "x", "{}"), "done\n", "result")
    case.equal([r.rpc_method for r in server.requests], ["initialize", "tools/call", "notifications/initialized", "tools/call"], "requests")


def call_is_kept_to_projects(case):
    box = case.sandbox()
    _run(case, "call", box["mcp"], "--only-project", "2195193", "Get-Events", "project_id=2195193", token=box["token"])
    for name, value in (("Get-Events", "project_id=2195194"), ("Get-Audit-Log", "organization_id=1")):
        p = case.start("call", box["mcp"], "--only-project", "2195193", name, value, env={"MIXPANEL_SA_TOKEN": box["token"]})
        p.end_input()
        case.equal(p.wait(), 6, "status")
        case.check(b"--only-project" in p.errors or b"Get-Audit-Log" in p.errors, "words %r" % p.errors)
    listed = json.loads(_run(case, "tools", box["mcp"], "--only-project", "2195193", "--json", token=box["token"]))
    case.equal(len(listed), 64, "tools")


def call_types_pairs_by_the_schema(case):
    box = case.sandbox("--stateful", "--json")
    told = json.loads(_run(case, "call", box["mcp"], "Create-Dashboard", "project_id=7", "title=12", "is_private=true", 'rows=[{"a":1}]', token=box["token"]))
    case.equal(told["arguments"], {"project_id": 7, "title": "12", "is_private": True, "rows": [{"a": 1}]}, "arguments")
    told = _run(case, "call", box["mcp"], "Run-Query", '{"project_id":1,"report_type":"insights","report":{}}', "--json", token=box["token"])
    case.equal(json.loads(told)["structuredContent"]["query_id"], "q-7f3a", "result")
    told = json.loads(_run(case, "call", box["mcp"], "Get-Projects", "@" + case.file("args.json", "{}"), token=box["token"]))
    case.check("2195193" in told, "result")


def call_says_what_is_wrong(case):
    box = case.sandbox()
    p = case.start("call", box["mcp"], "Get-Project", "a=1", token=box["token"])
    p.end_input()
    case.equal(p.wait(), 2, "status")
    case.check(b"Get-Projects" in p.errors, "the nearest tool is not named: %r" % p.errors)
    _run(case, "call", box["mcp"], "Get-Events", "project_id=x", status=2, token=box["token"])
    _run(case, "call", box["mcp"], "Get-Events", "{}", status=1, token=box["token"])
    _run(case, "call", box["mcp"], "Delete-Dashboard", "--read-only", '{"project_id":1,"dashboard_id":2}', status=6, token=box["token"])
    _run(case, "tools", "http://127.0.0.1:1/mcp", status=5)
    _run(case, "tools", box["mcp"], status=4)


SEQUENCE = "\x1b]0;owned\x07\u009b2J\u202e"  # the title, the screen, the reading direction


def _on_a_terminal(case, *args, columns=80, raw=False, until=("", None), **more):
    """What a command writes to a terminal, both of its outputs; calls until[1] when until[0] was seen there. Without the mark and
    the seconds that a slow machine shows meanwhile, unless raw."""
    parent, child = terminal()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    p = case.start(*args, stdout=child, stderr=child, **more)
    os.close(child)
    p.end_input()
    text = b""
    while True:
        if not readable(parent):
            raise Failed("nothing more is said, and it does not end")
        try:
            piece = os.read(parent, 65536)
        except OSError:
            break  # how Linux says that nobody holds the other end
        if not piece:
            break
        text += piece
        if until[1] and until[0].encode() in text:
            until[1]()
    os.close(parent)
    p.wait()
    text = text.decode().replace("\r\n", "\n")
    return text if raw else re.sub("\r\x1b\\[K([-|/\\\\] [0-9]+ s)?", "", text)


def words_of_the_service_do_not_steer_the_terminal(case):
    tool = {"name": "t" + SEQUENCE, "description": "does" + SEQUENCE + "\nit", "inputSchema": {"type": "object"}}
    results = {"t": {"content": [{"type": "text", "text": "a\tb\n" + SEQUENCE + "c"}, {"type": "image", "data": SEQUENCE}]},
               "s": {"content": [], "structuredContent": {"event": SEQUENCE}}}

    def handler(r):
        if r.rpc_method == "tools/list":
            r.json(response(r.id, {"tools": [tool]}))
        elif r.rpc_method == "tools/call":
            r.json(json.dumps(response(r.id, results[r.rpc["params"]["name"]]), ensure_ascii=False))
        else:
            r.answer()
    server = case.server(handler)
    for args, words in ((["tools", server.url], "does"), (["tools", server.url, tool["name"]], "It takes no arguments"),
                        (["call", server.url, "t", "{}"], "a\tb\n?]0;owned"), (["call", server.url, "s", "{}"], "event  ?]0;owned"),
                        (["call", server.url, "t", "{}", "--json"], '"image"'),
                        (["call", server.url, "t", "{}", "--output", "raw"], "a\tb\n?]0;owned"),
                        (["call", server.url, "s", "{}", "--output", "csv"], "event\r\n\"?]0;owned"),
                        (["call", server.url, "s", "{}", "--output", "json"], '"event"')):
        text = _on_a_terminal(case, *args)
        case.check(words in text and "owned" in text, "%s says %r" % (args[0], text))
        case.check(not any(c in text for c in "\x1b\x07\u009b\u202e"), "%s lets through %r" % (args[0], text))
    out = _run(case, "call", server.url, "t", "{}")
    case.check(out.startswith("a\tb\n" + SEQUENCE + "c\n"), "into a pipe it is %r" % out)
    case.check("\x1b" not in _run(case, "tools", server.url), "a list of names holds them also in a pipe")


def _results(case, **results):
    """A server with a tool for each of these results."""
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        result = results[r.rpc["params"]["name"]]
        r.json('{"jsonrpc":"2.0","id":%d,"result":{"content":[],"structuredContent":%s}}' % (r.id, result) if isinstance(result, str)
               else response(r.id, {"content": result}))
    return case.server(handler).url


DAYS = ["2026-11-%02d" % day for day in range(1, 4)]
SEEN = {
    "rows": ("""results:
                  id  name        on     tags
12345678901234567890  Caf\u00e9        true   a, b
                   7  \u8cc7\u6599\u8cc7\u6599\u8cc7  false
""", """results:
id  12345678901234567890
name  Caf\u00e9
on  true
tags  a, b

id  7
name  \u8cc7\u6599\u8cc7\u6599\u8cc7
on  false
"""),
    "map": ("    id  name\n219519  one\n     8  two\n", None),
    "series": ("""date        Orders
2026-11-01     100  ####################
2026-11-02     200  ########################################
2026-11-03       0
""", """date        Orders
2026-11-01     100  ##########
2026-11-02     200  ####################
2026-11-03       0
"""),
    "many": ("""date        a    b
2026-11-01  1   10
2026-11-02  2    0
2026-11-03  4  2.5

a  \u2583\u2585\u2588
b  \u2588\u2581\u2583
""", None),
    "endless": ("""date            a  b
2026-11-01      1  2
2026-11-02  1e999  2

a  \u2581\u2588
b  \u2588\u2588
""", None),
    "text": ("id  name\n 1  Morning\n", None),
    "markdown": ("# Title\n\n| a | b |\n", None),
    "picture": ("[image image/png, 3 KB; --json prints it]\n", None),
}


def results_are_tables_and_bars_on_a_terminal(case):
    url = _results(case, rows='{"results":[{"id":12345678901234567890,"name":"Caf\u00e9","on":true,"tags":["a","b"]},'
                              '{"id":7,"name":"\u8cc7\u6599\u8cc7\u6599\u8cc7","on":false,"tags":null}]}',
                   map='{"219519":{"id":219519,"name":"one"},"8":{"id":8,"name":"two"}}',
                   series=json.dumps({"Orders": dict(zip(DAYS, (100, 200, 0)))}),
                   many=json.dumps({"a": dict(zip(DAYS, (1, 2, 4))), "b": dict(zip(DAYS, (10, 0, 2.5)))}),
                   endless='{"a":{"2026-11-01":1,"2026-11-02":1e999},"b":{"2026-11-01":2,"2026-11-02":2}}',
                   text=[{"type": "text", "text": ' [{"id": 1,\n "name": "Morning"}] '}],
                   markdown=[{"type": "text", "text": "# Title\n\n| a | b |"}],
                   deep='{"kind":"x","report":{"filter":{"by":"city","steps":[{"of":{"a":1}}]}},"events":["a","b"]}',
                   picture=[{"type": "image", "mimeType": "image/png", "data": "A" * 4000}])
    for name, (wide, narrow) in SEEN.items():
        for columns, want in ((80, wide), (40, narrow)):
            if want:
                case.equal(_on_a_terminal(case, "call", url, name, "{}", columns=columns).split("\n"), want.split("\n"), name)
    deep = _on_a_terminal(case, "call", url, "deep", "{}")
    case.check(deep.startswith("kind    x\nevents  a, b\n\nreport:\n") and "report.filter:\nby  city\n" in deep, "deep: %r" % deep)


def output_is_what_was_asked_for(case):
    url = _results(case, rows='{"total":2,"results":[{"id":1,"name":"a,\\"b\\"\\nc"},{"id":-2.50,"name":"=HYPERLINK(1)","more":{"x":[1]}}]}',
                   list='{"events":["a","-b","c;=d","\\n=e"]}', one='{"a":1,"b":null}', series=json.dumps({"Orders": dict(zip(DAYS, (1, None, 3)))}),
                   text=[{"type": "text", "text": '[{"a": 1}]'}], words=[{"type": "text", "text": "some words"}])

    def printed(name, form):
        p = case.start("call", url, name, "{}", "--output", form)
        case.equal(p.finish(), 0, "status of %s as %s (%r)" % (name, form, p.errors))
        return b"".join(p.lines).decode()
    for name, want in (("rows", 'id,name,more\r\n1,"a,""b""\nc",\r\n-2.50,"\'=HYPERLINK(1)","{""x"":[1]}"\r\n'),
                       ("list", 'events\r\na\r\n"\'-b"\r\n"c;=d"\r\n"\'\n=e"\r\n'), ("one", "a,b\r\n1,\r\n"),
                       ("series", "date,Orders\r\n2026-11-01,1\r\n2026-11-02,\r\n2026-11-03,3\r\n"), ("text", "a\r\n1\r\n")):
        case.equal(printed(name, "csv"), want, "%s as CSV" % name)
    case.equal(printed("text", "raw"), '[{"a": 1}]\n', "the text")
    case.equal(printed("one", "table"), "a  1\nb  \n", "a table in a pipe")
    case.equal(json.loads(printed("one", "json")), {"a": 1, "b": None}, "JSON")
    for words, status, text in ((["words", "{}", "--output", "csv"], 2, "no rows"), (["one", "{}", "--output", "csv", "--json"], 2, "not both"),
                                (["one", "{}", "--output", "yaml"], 2, "it can be table, json, raw or csv")):
        p = case.start("call", url, *words)
        case.equal(p.finish(), status, "status of %r" % words)
        case.check(text.encode() in p.errors and not p.lines, "%r is not in %r" % (text, p.errors))


# What the program's own JSON library would change or refuse.
ODD = '{"big":12345678901234567890,"real":0.1,"one":1.0,"far":1e400,"twice":1,"twice":2,"text":"\\u00e9\\/"}'


def json_of_call_passes_byte_for_byte(case):
    """Both ways: a Mixpanel id or number is none the worse for it."""
    server = case.server(lambda r: r.json('{"jsonrpc":"2.0","id":%d,"result":{"content":[],"structuredContent":%s}}' % (r.id, ODD))
                         if r.rpc_method == "tools/call" else r.answer())
    path = case.file("args.json", b"\xef\xbb\xbf" + ODD.replace(",", ",\r\n").encode())
    for word in (ODD, "@" + path):
        _run(case, "call", server.url, "x", word)
    for r in server.of("tools/call"):
        case.check(ODD in r.body.decode().replace(",  ", ","), "request %r" % r.body)
    out = _run(case, "call", server.url, "x")
    for piece in ODD.strip("{}").split(","):
        case.check(piece.replace(":", ": ") in out, "%r is not in %s" % (piece, out))
    case.equal(_run(case, "call", server.url, "x", "--json"), '{"content":[],"structuredContent":%s}\n' % ODD, "result")


def call_reads_standard_input(case):
    box = case.sandbox()
    p = case.start("call", box["mcp"], "Get-Events", "-", token=box["token"])
    p.send_raw(b'{"project_id":\n 1}\n')
    case.equal(p.finish(), 0, "status (%r)" % p.errors)
    case.check(b"Order Placed" in b"".join(p.lines), "result %r" % p.lines)


def value_of_a_pair_is_read_from_a_file(case):
    server = case.server(lambda r: r.answer({"tools": [{"name": "x", "inputSchema": {"properties": {
        "text": {"type": "string"}, "report": {"type": "object"}, "note": {"type": "string"}}}}]}
        if r.rpc_method == "tools/list" else {"content": []}))
    text, report = case.file("text", "two\nlines\n"), case.file("report.json", b'\xef\xbb\xbf{"big":12345678901234567890,\r\n"a":1}\r\n')
    p = case.start("call", server.url, "x", "text=@" + text, "report=@" + report, "note=@-")
    p.send_raw("caf\u00e9\n".encode())
    case.equal(p.finish(), 0, "status (%r)" % p.errors)
    body = server.of("tools/call")[0].body
    case.check('"arguments":{"text":"two\\nlines","report":{"big":12345678901234567890,  "a":1},"note":"caf\u00e9"}'.encode() in body, "request %r" % body)


def call_types_what_lies_behind_dots(case):
    tool = {"name": "x", "inputSchema": {"properties": {
        "report": {"$ref": "#/$defs/Report"}, "id": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
        "$defs": {"Report": {"properties": {"limit": {"type": "integer"}, "name": {"type": "string"}, "tags": {
            "type": "array", "items": {"type": "string"}}, "on": {"type": "boolean"}}}}}}
    server = case.server(lambda r: r.answer({"tools": [tool]} if r.rpc_method == "tools/list" else {"content": []}))
    _run(case, "call", server.url, "x", "report.limit=5", "report.name=5", "report.tags=a,b", "report.on=true", "report.free=-2.5",
         "id=-12345678901234567890")
    case.check(b'"arguments":{"report":{"limit":5,"name":"5","tags":["a","b"],"on":true,"free":-2.5},"id":-12345678901234567890}'
               in server.of("tools/call")[0].body, "request %r" % server.of("tools/call")[0].body)


def wrong_arguments_of_call_cost_no_call_and_are_named(case):
    box = case.sandbox()
    for words, text in ((("Get-Events", "projct_id=1"), 'did you mean "project_id"? "mpmcp tools %s Get-Events"' % box["mcp"]),
                        (("Get-Events", "project_id=1,x"), "project_id must be an integer"),
                        (("Create-Dashboard", "title=x"), "project_id is missing"),
                        (("Create-Dashboard", "project_id=1", "title=x", "rows=a,b"), "rows must be an object"),
                        (("Get-Business-Context", "project_id=x"), "an integer or null"),
                        (("Get-Events", "project_id=1", "project_id=2"), "given twice"),
                        (("Get-Events",), 'project_id is missing. "mpmcp tools %s Get-Events" shows what it takes' % box["mcp"]),
                        (("Run-Query", "project_id=1", "report_type=insight", "report={}"),
                         "report_type is insight; it can be insights, funnels, flows or retention"),
                        (("Create-Dashboard", "project_id=1", "title=@" + os.path.join(case.folder, "none")), "No such file"),
                        (("Get-Events", "{}", "project_id=2"), "unexpected argument"),
                        (("Get-Events", "{} x"), "something follows"),
                        (("Get-Events", "[]"), "not an object"),
                        (("Get-Events", "@" + os.path.join(case.folder, "none")), "No such file"),
                        (("Get-Evnts", "a=1"), 'did you mean "Get-Events"? "mpmcp tools %s" lists them' % box["mcp"]),
                        (("Get-Events", b"project_id=\xff"), "UTF-8")):
        p = case.start("call", box["mcp"], *words, token=box["token"])
        case.equal(p.finish(), 2, "status of %r (%r)" % (words, p.errors))
        case.check(text.encode() in p.errors, "%r is not in %r" % (text, p.errors))
    case.check(not [r for r in case.control(box, "log") if r.get("rpc") == "tools/call"], "calls")


def unknown_tool_names_the_nearest_however_it_is_called(case):
    for switches in ([], ["--era", "modern"]):
        box = case.sandbox(*switches)
        for words in (("Get-Evnts",), ("Get-Evnts", "{}"), ("Get-Evnts", "a=1")):
            p = case.start("call", box["mcp"], *words, token=box["token"])
            case.equal(p.finish(), 2, "status of %r" % (words,))
            case.check(b'did you mean "Get-Events"?' in p.errors, "words %r" % p.errors)


def failure_of_a_tool_says_what_to_do(case):
    box = case.sandbox("--deny-tool", "Get-Business-Context")
    for words, status, text in ((("Get-Events", "{}"), 1, 'mpmcp tools %s Get-Events' % box["mcp"]),
                                (("Get-Events", "project_id=403403"), 6, "organisation admin must enable MCP"),
                                (("Get-Business-Context", "project_id=1"), 4, "mpmcp login --force")):
        p = case.start("call", box["mcp"], *words, token=box["token"])
        case.equal(p.finish(), status, "status of %r (%r)" % (words, p.errors))
        case.check(text.encode() in p.errors and len(p.errors.splitlines()) > 1, "words %r" % p.errors)
        case.equal(p.lines, [], "standard output")
    p = case.start("call", box["mcp"], "Get-Events", "{}", "--json", token=box["token"])
    case.equal(p.finish(), 1, "status")
    case.check(json.loads(b"".join(p.lines))["isError"], "the result with --json")


def hidden_tool_is_refused_with_the_rule_in_every_form(case):
    box = case.sandbox()
    for words in ('{"project_id":1,"dashboard_id":2}', "project_id=1"):
        p = case.start("call", box["mcp"], "Delete-Dashboard", "--read-only", words, token=box["token"])
        case.equal(p.finish(), 6, "status")
        case.check(b"--read-only" in p.errors, "words %r" % p.errors)


def answer_that_belongs_to_no_request_ends_a_call(case):
    server = case.server(lambda r: r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no such thing"}}, status=400)
                         if r.rpc_method == "tools/call" else r.answer())
    p = case.start("call", server.url, "x")
    case.equal(p.finish(), 1, "status")
    case.check(b"no such thing" in p.errors, "words %r" % p.errors)


def progress_is_shown_on_a_terminal_and_taken_away(case):
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
            "progressToken": r.rpc["params"]["_meta"]["progressToken"], "progress": 3, "total": 6, "message": "half\x1b way"}})
        r.event({"jsonrpc": "2.0", "id": r.id, "result": {"content": [{"type": "text", "text": "done"}]}})
        r.end()
    server = case.server(handler)
    seen = _on_a_terminal(case, "call", server.url, "x", raw=True)
    case.check("[3/6] half? way" in seen and seen.endswith("\r\x1b[Kdone\n"), "terminal %r" % seen)
    quiet = case.server(lambda r: r.answer({"content": [{"type": "text", "text": "done"}]}))
    case.equal(_on_a_terminal(case, "call", quiet.url, "x"), "done\n", "terminal without progress")
    case.equal(_on_a_terminal(case, "call", server.url, "x", "--silent", raw=True), "done\n", "terminal with --silent")
    p = case.start("call", server.url, "x")
    case.equal((p.finish(), p.errors), (0, b""), "status and standard error without a terminal")


def long_progress_stays_on_its_line(case):
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.stream()
        for text in ("x" * 500, "", "\u00e9" * 100, "\u8cc7" * 50):
            r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1, "message": text}})
        r.event({"jsonrpc": "2.0", "id": r.id, "result": {"content": []}})
        r.end()
    lines = _on_a_terminal(case, "call", case.server(handler).url, "x", raw=True).split("\r\x1b[K")[1:]
    for line, want in zip([re.sub(r"^[-|/\\] [0-9]+ s  ", "", line) for line in lines], ("x", "working...", "\u00e9", "\u8cc7")):
        case.check(line == want or set(line) == {want}, "line %r, not %r" % (line, want))
    case.check(max(len(line) for line in lines) <= 79 and len(lines[3]) <= 39, "lines are wider than the terminal: %r" % lines)


def waiting_is_shown_after_a_second_with_the_seconds(case):
    """Held until the terminal shows it: on a slow machine as on a fast one."""
    import threading
    seen = threading.Event()
    server = case.server(lambda r: r.answer({"content": []}) if r.rpc_method != "tools/call" or seen.wait(DEADLINE) else None)
    text = _on_a_terminal(case, "call", server.url, "x", raw=True, until=(" 1 s", seen.set))
    case.check(re.search("\r\x1b\\[K[-|/\\\\] 1 s", text), "terminal %r" % text)
    case.check(text.endswith("\r\x1b[K"), "it stays: %r" % text)


def one_word_too_many_is_named(case):
    server = case.server()
    p = case.start("call", server.url, "a", "{}", "b")
    case.equal(p.finish(), 2, "status")
    case.check(b'unexpected argument "b"' in p.errors, "words %r" % p.errors)
    case.equal(server.requests, [], "requests")


def interrupted_call_ends(case):
    server = case.server(lambda r: server.stop.wait(DEADLINE) if r.rpc_method == "tools/call" else r.answer())
    import threading
    server.stop = threading.Event()
    p = case.start("call", server.url, "x")
    server.wait(lambda _: server.of("tools/call"), "the call")
    p.signal(signal.SIGINT)
    case.equal(p.wait(), -signal.SIGINT, "status")
    server.stop.set()


def output_that_cannot_be_written_is_a_failure(case):
    box = case.sandbox()
    for words in (("tools", box["mcp"]), ("tools", box["mcp"], "--json"), ("call", box["mcp"], "Get-Projects"),
                  ("status", box["mcp"]), ("--version",)):
        with open("/dev/full", "w") as full:
            p = case.start(*words, token=box["token"], stdout=full)
            case.equal(p.finish(), 1, "status of %r" % (words,))
        case.check(b"cannot write standard output: No space left" in p.errors, "words %r" % p.errors)
    # A reader that has seen enough is no trouble.
    for words in (("tools", box["mcp"], "--json"), ("--version",)):
        out, into = os.pipe()
        os.close(out)
        p = case.start(*words, token=box["token"], stdout=into)
        os.close(into)
        case.equal(p.finish(), 1, "status of %r" % (words,))
        case.equal(p.errors, b"", "standard error")
