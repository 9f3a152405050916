"""tools and call from the shell, against the sandbox."""

import json
import os

from harness import Failed, readable, response


def _run(case, *args, status=0, **more):
    p = case.start(*args, **more)
    p.end_input()
    case.equal(p.wait(), status, "status (%r)" % p.errors[-300:])
    return b"".join(p.lines).decode()


def tools_are_listed_over_all_pages(case):
    box = case.sandbox("--page-size", "20")
    out = _run(case, "tools", box["mcp"], token=box["token"])
    case.equal(len(out.splitlines()), 64, "tools")
    one = json.loads(_run(case, "tools", box["mcp"], "Run-Query", token=box["token"]))
    case.equal(one["name"], "Run-Query", "name")
    read = json.loads(_run(case, "tools", box["mcp"], "--read-only", "--json", token=box["token"]))
    case.equal(len(read), 35, "tools that only read")


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


def _on_a_terminal(case, *args):
    """What stands on the terminal in the end."""
    parent, child = os.openpty()
    p = case.start(*args, stdout=child)
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
    os.close(parent)
    p.wait()
    return text.decode().replace("\r\n", "\n")


def words_of_the_service_do_not_steer_the_terminal(case):
    tool = {"name": "t" + SEQUENCE, "description": "does" + SEQUENCE + "\nit", "inputSchema": {"type": "object"}}
    results = {"t": {"content": [{"type": "text", "text": "a\tb\n" + SEQUENCE + "c"}, {"type": "image", "data": SEQUENCE}]},
               "s": {"content": [], "structuredContent": {"event": SEQUENCE}}}

    def handler(r):
        if r.rpc_method == "tools/list":
            r.json(response(r.id, {"tools": [tool]}))
        elif r.rpc_method == "tools/call":
            r.json(response(r.id, results[r.rpc["params"]["name"]]))
        else:
            r.answer()
    server = case.server(handler)
    for args, words in ((["tools", server.url], "does"), (["tools", server.url, tool["name"]], '"description"'),
                        (["call", server.url, "t", "{}"], "a\tb\n?]0;owned"), (["call", server.url, "s", "{}"], '"event"')):
        text = _on_a_terminal(case, *args)
        case.check(words in text and "owned" in text, "%s says %r" % (args[0], text))
        case.check(not any(c in text for c in "\x1b\x07\u009b\u202e"), "%s lets through %r" % (args[0], text))
    out = _run(case, "call", server.url, "t", "{}")
    case.check(out.startswith("a\tb\n" + SEQUENCE + "c\n"), "into a pipe it is %r" % out)
    case.check("\x1b" not in _run(case, "tools", server.url), "a list of names holds them also in a pipe")
