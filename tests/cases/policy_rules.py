"""Which tools may be seen and called, and that nobody talks the rules around."""

import json
import threading

from harness import DEADLINE, request, response

TOOLS = [{"name": "Get-Projects"}, {"name": "Delete-Dashboard", "annotations": {"readOnlyHint": True}},
         {"name": "Custom-Read", "annotations": {"readOnlyHint": True}}, {"name": "Custom-Odd", "annotations": {"readOnlyHint": True, "destructiveHint": True}},
         {"name": "Unknown"}, {"name": "get-projects", "x": 1.0}]


def _handler(r):
    if r.rpc_method == "tools/list":
        r.json('{"jsonrpc":"2.0","id":%d,"result":{"a":1e400,"tools":%s,"nextCursor":"n"}}' % (r.id, json.dumps(TOOLS)))
    elif isinstance(r.rpc, list):
        r.json([response(m["id"]) for m in r.rpc])
    else:
        r.answer()


def _names(p, ident):
    p.send(request(ident, "tools/list"))
    return [t["name"] for t in p.answer(ident)["result"]["tools"]]


def read_only_hides_and_refuses_what_is_not_known_to_be_harmless(case):
    for args, env in ((["--read-only"], {}), ([], {"MPMCP_READ_ONLY": "1"})):
        server, p = case.bridge(_handler, *args, env=env)
        p.handshake()
        case.is_error(p.call(1, name="Custom-Read"), -31600, "read-only")
        case.equal(_names(p, 2), ["Get-Projects", "Custom-Read"], "tools")
        case.check(any(b'"a":1e400' in line and b'"nextCursor":"n"' in line for line in p.lines), "the rest of the list was changed")
        for n, (name, good) in enumerate([("Get-Projects", True), ("Custom-Read", True), ("Delete-Dashboard", False), ("Unknown", False), ("get-projects", False), ("Get-Projects ", False), ("Gеt-Projects", False)]):
            answer = p.call(10 + n, name=name)
            case.equal("result" in answer, good, "call of " + name)
        sent = [r.rpc["params"]["name"] for r in server.of("tools/call")]
        case.equal(sent, ["Get-Projects", "Custom-Read"], "calls that left")
        case.is_error(p.call(30, "custom/change"), -31600)


def read_only_variable_takes_the_words_for_no(case):
    """A client's settings hand on a switch as true or false."""
    for value, on in (("true", True), ("yes", True), ("false", False), ("False", False), ("off", False), ("no", False), ("0", False)):
        _, p = case.bridge(_handler, env={"MPMCP_READ_ONLY": value})
        p.handshake()
        case.equal("error" in p.call(1, name="Unknown"), on, "refused with %s" % value)
    _, p = case.bridge(_handler, "--read-only", env={"MPMCP_READ_ONLY": "false"})
    p.handshake()
    case.is_error(p.call(1, name="Unknown"), -31600, "read-only")


def rules_cannot_be_talked_around(case):
    server, p = case.bridge(_handler, "--read-only")
    p.handshake("2025-03-26")
    tricks = ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"Get-Projects","name":"Delete-Dashboard"}}',
              '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"Delete-Dashboard","na\\u006de":"Get-Projects"}}',
              '{"jsonrpc":"2.0","id":3,"method":"tools\\/call","params":{"name":"Delete\\u002dDashboard"}}',
              '{"jsonrpc":"2.0","id":4,"m\\u0065thod":"tools/call","params":{"name":"Delete-Dashboard"}}',
              '{"jsonrpc":"2.0","id":5,"method":"tools/call","params":["Delete-Dashboard"]}',
              '{"jsonrpc":"2.0","id":6,"method":"tools/call"}',
              '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"Delete-Dashboard","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}',
              '{"jsonrpc":"2.0","id":8,"method":"ping","Method":"tools/call","params":{"name":"Delete-Dashboard"}}',
              '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"Get-Projects","Name":"Delete-Dashboard"}}',
              '{"jsonrpc":"2.0","id":10,"method":"tools/call","params":{"name":"Get-Projects"},"PARAMS":{"name":"Delete-Dashboard"}}']
    for n, line in enumerate(tricks, 1):
        p.send(line)
        case.is_error(p.answer(n), -31600)
    p.send('{"jsonrpc":"2.0","method":"tools/call","params":{"name":"Delete-Dashboard"}}')
    p.send('{"jsonrpc":"2.0","id":11,"result":{},"Method":"tools/call","params":{"name":"Delete-Dashboard"}}')
    p.send('{"jsonrpc":"2.0","method":"custom/change"}')
    p.send([request(20, name="Get-Projects"), request(21, name="Delete-Dashboard")])
    case.is_error(p.answer(20), -31600)
    case.is_error(p.answer(21), -31600)
    p.call(22, name="Get-Projects")
    case.equal([r.id for r in server.of("tools/call")], [22], "calls that left")
    case.check(not any(b"custom/change" in r.body or b'"Method"' in r.body for r in server.requests), "a message left that may change something")


SPELLINGS = ["Tools/Call", "tools/call ", "tools/call\u200b", "tools/call\0", "/tools/call", "tools//call", "tasks/create", "custom/change"]


def methods_that_mcp_does_not_have_are_refused_under_any_rule(case):
    """Under each rule alone: a server may take another spelling for tools/call."""
    for args in (["--read-only"], ["--only-tool", "Get-*"], ["--ignore-tool", "delete*"]):
        server, p = case.bridge(_handler, *args)
        p.handshake("2025-03-26")
        for n, method in enumerate(SPELLINGS, 1):
            case.is_error(p.call(n, method, name="Delete-Dashboard"), -31600, "MCP defines")
            p.send({"jsonrpc": "2.0", "method": method, "params": {"name": "Delete-Dashboard"}})
            p.send([request(20 + n, method, name="Delete-Dashboard")])
            case.is_error(p.answer(20 + n), -31600)
        p.send('{"jsonrpc":"2.0","id":50,"method":"ping","method\\u0000":"tools/call","params":{"name":"Delete-Dashboard"}}')
        case.is_error(p.answer(50), -31600, "U+0000")
        p.call(51, "resources/list")
        p.send({"jsonrpc": "2.0", "method": "notifications/roots/list_changed"})
        p.call(52, name="Get-Projects")
        server.wait(lambda _: server.of("notifications/roots/list_changed"), "the notification")
        case.equal([r.id for r in server.of("resources/list") + server.of("tools/call")], [51, 52], "requests that left")
        case.check(not any(b"Delete-Dashboard" in r.body for r in server.requests), "a message left under a name that MCP does not have")


def what_an_annotation_allowed_ends_with_the_list_and_the_session(case):
    """The name may stand for another tool from then on: it must be listed again."""
    def handler(r):
        if r.rpc_method == "resources/list":
            r.stream()
            r.event('{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
            r.event('{"jsonrpc":"2.0","id":%d,"result":{"resources":[]}}' % r.id)
        else:
            _handler(r)
    _, p = case.bridge(handler, "--read-only")
    p.handshake()
    for n, end in enumerate((lambda: p.call(9, "resources/list"), lambda: p.call("again", "initialize", protocolVersion="2025-06-18"))):
        _names(p, 10 * n + 10)
        case.check("result" in p.call(10 * n + 11, name="Custom-Read"), "a tool that its annotation allows")
        end()
        case.is_error(p.call(10 * n + 12, name="Custom-Read"), -31600, "read-only")
        case.check("result" in p.call(10 * n + 13, name="Get-Projects"), "a tool of the table")


def _for_project(ident, tool, arguments):
    return '{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"%s","arguments":%s}}' % (ident, tool, arguments)


def calls_are_kept_to_the_projects_that_are_named(case):
    """By option or variable; what is in both when both are given."""
    for args, env in ((["--only-project", "11", "--only-project", "12"], {}), ([], {"MPMCP_ONLY_PROJECT": "11,12"}),
                      (["--only-project", "11,12,13"], {"MPMCP_ONLY_PROJECT": "9, 11, 12"})):
        server, p = case.bridge(_handler, *args, env=env)
        p.handshake("2025-03-26")
        good = [("Run-Query", '{"project_id":11}'), ("New-Tool", '{"project_id":"12"}'), ("Get-Projects", "{}")]
        bad = [("Run-Query", '{"project_id":13}'), ("Run-Query", '{"project_id":11,"project\\u005fid":13}'), ("New-Tool", "{}"),
               ("Run-Query", '{"project_id":11,"report":{"project_id":13}}'), ("Run-Query", '{"project_id":1.1e1}'), ("Get-Audit-Log", "{}"),
               ("Get-Business-Context", '{"organization_id":1}'), ("Run-Query", '{"project_id":11,"report":"{\\"project_id\\":13}"}')]
        for n, (tool, arguments) in enumerate(good + bad, 1):
            p.send(_for_project(n, tool, arguments))
            if (tool, arguments) in good:
                case.check("result" in p.answer(n), "%s of %s" % (tool, arguments))
            else:
                case.is_error(p.answer(n), -31600, "--only-project")
        p.send("[%s,%s]" % (_for_project(30, "Run-Query", '{"project_id":11}'), _for_project(31, "Run-Query", '{"project_id":13}')))
        case.is_error(p.answer(30), -31600, "project 13")
        case.is_error(p.answer(31), -31600, "project 13")
        case.is_error(p.call(40, "resources/read", uri="mixpanel://13"), -31600, "resource")
        case.equal([r.id for r in server.of("tools/call")], [1, 2, 3], "calls that left")


def calls_of_a_modern_client_are_kept_to_projects_too(case):
    server, p = case.bridge(_handler, "--only-project", "11", "--protocol", "modern")
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {"experimental": {"project": {}}},
            "io.modelcontextprotocol/clientInfo": {"name": "case", "version": "1"}}
    case.check("result" in p.call(1, name="Run-Query", arguments={"project_id": 11}, _meta=meta), "an allowed project")
    case.is_error(p.call(2, name="Run-Query", arguments={"project_id": 13}, _meta=meta), -31600, "project 13")
    case.is_error(p.call(3, name="Run-Query", arguments={"project_id": 11}, inputResponses={"a": {"project_id": 13}}, _meta=meta), -31600, "project 13")
    case.equal([r.id for r in server.of("tools/call")], [1], "calls that left")


def project_ids_that_are_none_are_named_at_the_start(case):
    for args, env, words in ((["--only-project", "11,x"], {}, "--only-project"), ([], {"MPMCP_ONLY_PROJECT": "${PROJECT}"}, "MPMCP_ONLY_PROJECT"),
                             (["--only-project", "11"], {"MPMCP_ONLY_PROJECT": "12"}, "in common")):
        p = case.start("http://127.0.0.1:1/mcp", *args, env=env)
        p.send(request(1, "initialize"))
        case.is_error(p.answer(1), -31000, words)
        case.equal(p.wait(), 2, "status")


def list_that_was_asked_for_at_length_is_filtered_too(case):
    """So long that its bytes change hands, and with blanks before it."""
    _, p = case.bridge(_handler, "--read-only")
    p.handshake()
    for ident, blanks in ((1, 0), (2, 1), (3, 1000)):
        p.send(" " * blanks + json.dumps(request(ident, "tools/list", _meta={"x": "y" * 100000})))
        case.equal([t["name"] for t in p.answer(ident)["result"]["tools"]], ["Get-Projects", "Custom-Read"], "tools behind %d blanks" % blanks)


def ignored_tools_are_hidden_and_refused(case):
    server, p = case.bridge(_handler, "--ignore-tool", "delete*", "--ignore-tool", "*-odd")
    p.handshake()
    case.equal(_names(p, 1), ["Get-Projects", "Custom-Read", "Unknown", "get-projects"], "tools")
    case.is_error(p.call(2, name="DELETE-Dashboard"), -31600, "--ignore-tool delete*")
    case.check("result" in p.call(3, name="Unknown"), "a tool that is not ignored")


def only_named_tools_and_sets_are_left(case):
    _, p = case.bridge(_handler, "--only-tool", "@boards", "--only-tool", "Custom-*")
    p.handshake()
    case.equal(_names(p, 1), ["Delete-Dashboard", "Custom-Read", "Custom-Odd"], "tools")
    case.is_error(p.call(2, name="Get-Projects"), -31600, "--only-tool")


def unknown_set_is_named(case):
    p = case.start("http://127.0.0.1:1/mcp", "--only-tool", "@bords")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31000, "@boards")
    case.equal(p.wait(), 2, "status")


def list_that_cannot_be_read_for_sure_is_not_shown(case):
    def handler(r):
        if r.rpc_method == "tools/list":
            r.json('{"jsonrpc":"2.0","id":%d,"result":{"tools":[],"tools":[{"name":"Delete-Dashboard"}]}}' % r.id)
        else:
            r.answer()
    _, p = case.bridge(handler, "--read-only")
    p.handshake()
    case.is_error(p.call(1, "tools/list"), -31600)


def stream_of_a_list_that_is_not_shown_is_not_kept_open(case):
    gone = threading.Event()

    def handler(r):
        if r.rpc_method != "tools/list":
            return r.answer()
        r.stream()
        r.event('{"jsonrpc":"2.0","id":%d,"result":{"tools":[],"tools":[]}}' % r.id)
        r.wait_gone()
        gone.set()
    _, p = case.bridge(handler, "--read-only")
    p.handshake()
    case.is_error(p.call(1, "tools/list"), -31600)
    case.check(gone.wait(DEADLINE), "the stream is still open")
