"""--log-calls: what was called, by whom, how it ended; never what was said."""

import json
import os
import stat

from harness import request, response

SECRET = "s3cr3t-argument"
MOST = 10 << 20


def _path(case):
    path = os.path.join(case.folder, "calls.log")
    case.theirs.update((path, path + ".1"))
    return path


def _lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def _answer(r):
    if r.rpc_method != "tools/call":
        return r.answer()
    name = r.rpc["params"]["name"]
    if name == "fails":
        return r.json(response(r.id, {"content": [{"type": "text", "text": "s3cr3t-result"}], "isError": True}))
    if name == "refused":
        return r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32602, "message": "s3cr3t-result"}})
    if name == "lost":
        return r.close()
    if name.startswith("slow"):
        return r.wait_gone()
    return r.json(response(r.id, {"content": [{"type": "text", "text": "s3cr3t-result"}]}))


def each_call_has_a_line_and_no_data_in_it(case):
    path = _path(case)
    old = os.umask(0)
    server, p = case.bridge(_answer, "--log-calls", path, "--ignore-tool", "Delete-*", "--silent")
    os.umask(old)
    p.handshake()
    p.call("a", name="Run-Query", arguments={"project_id": 2195193, "q": SECRET})
    p.call(2, name="fails", arguments={"project_id": "7", "q": SECRET})
    p.call(3, name="refused", arguments={"q": SECRET})
    p.call(4, name="Delete-Tag", arguments={"q": SECRET})
    p.call(5, name="lost", arguments={"q": SECRET})
    p.call(6, "tools/list")
    p.send(request(7, name="slow\n\x1b]0;x", arguments={}))
    server.wait(lambda _: len(server.of("tools/call")) >= 5, "the slow call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}})
    case.equal(p.finish(), 0, "status")
    lines = _lines(path)
    case.equal([(line["tool"], line["outcome"], line.get("project")) for line in lines],
               [("Run-Query", "ok", 2195193), ("fails", "tool_error", 7), ("refused", "error", None), ("Delete-Tag", "blocked", None),
                ("lost", "failed", None), ("slow ?]0;x", "cancelled", None)], "lines")
    for line in lines:
        case.check(set(line) - {"project"} == {"time", "client", "tool", "ms", "outcome", "bytes"}, "members %r" % line)
        case.check(line["client"].startswith("case/") and line["ms"] >= 0 and line["time"].endswith("Z"), "line %r" % line)
    case.check(lines[0]["bytes"] > 50 and lines[5]["bytes"] == 0, "bytes %r" % lines)
    with open(path, encoding="utf-8") as f:
        case.check("s3cr3t" not in f.read(), "arguments or results are in it")
    case.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")


def file_that_others_could_change_is_refused(case):
    target = case.file("target", "")
    link = os.path.join(case.folder, "link")
    case.theirs.add(link)
    os.symlink(target, link)
    pipe = os.path.join(case.folder, "pipe")
    case.theirs.add(pipe)
    os.mkfifo(pipe)
    for path, text in ((link, "symbolic link"), (case.file("open", "", mode=0o666), "can be written by other users"),
                       (case.home, "calls"), (pipe, ""), (os.path.join(case.folder, "none", "x"), "No such file")):
        p = case.start("http://127.0.0.1:1/mcp", "--log-calls", path)
        p.send(request(1, "initialize"))
        answer = p.answer(1)
        p.finish()
        case.check("error" in answer and text in answer["error"]["message"], "%s: %r" % (path, answer))
    case.equal(os.path.getsize(target), 0, "bytes behind the link")


def full_file_makes_room_and_another_bridge_follows(case):
    path = _path(case)
    server, first = case.bridge(_answer, "--log-calls", path)
    first.handshake()
    first.call(1, name="one")
    os.truncate(path, MOST - 10)
    second = case.start(server.url, "--log-calls", path)
    second.handshake()
    second.call(1, name="two")
    first.call(2, name="three")
    case.equal([first.finish(), second.finish()], [0, 0], "status")
    case.equal(os.path.getsize(path + ".1"), MOST - 10, "bytes of the file before")
    case.equal([line["tool"] for line in _lines(path)], ["two", "three"], "lines of the new one")
    case.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode")
