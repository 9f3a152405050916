"""Requests of MCP 2026-07-28: what the transport owes them."""

import base64

from harness import request, response

VERSION = "2026-07-28"
META = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}


def _modern(ident, method="tools/call", **params):
    return request(ident, method, _meta=META, **params)


def requests_carry_revision_method_and_name(case):
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete"})))
    rows = [("tools/call", {"name": "plain"}, "plain"), ("tools/call", {"name": "grün"}, "=?base64?%s?=" % base64.b64encode("grün".encode()).decode()),
            ("prompts/get", {"name": " edge"}, "=?base64?IGVkZ2U=?="), ("resources/read", {"uri": "file:///a b"}, "file:///a b"),
            ("tools/call", {"name": "=?base64?literal?="}, "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?="), ("server/discover", {}, None), ("tools/list", {"name": "x"}, None)]
    for n, (method, params, name) in enumerate(rows):
        p.send(_modern(n, method, **params))
        p.answer(n)
        headers = server.requests[-1].headers
        case.equal(headers.get("mcp-protocol-version"), VERSION, "revision")
        case.equal(headers.get("mcp-method"), method, "method")
        case.equal(headers.get("mcp-name"), name, "name")
        case.check("mcp-session-id" not in headers, "a session id")
        case.equal(server.requests[-1].body, p.sent[-1], "body")


def cancellation_closes_the_stream_and_is_not_sent(case):
    gone = []

    def handler(r):
        if r.id == "stuck":
            r.stream()
            r.chunk(": wait\n\n")
            r.wait_gone()
            gone.append(r)
        else:
            r.json(response(r.id))
    server, p = case.bridge(handler)
    p.send(_modern("stuck", name="x"))
    server.wait(lambda rs: [r for r in rs if r.id == "stuck"], "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "stuck"}})
    p.send(_modern(2, name="y"))
    p.answer(2)
    case.equal(p.finish(), 0, "status")
    case.check(not [r for r in server.requests if r.rpc_method == "notifications/cancelled"], "the cancellation was sent")


def cancellation_that_comes_too_late_is_not_sent_either(case):
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete"})))
    p.send(_modern(1, name="x"))
    p.answer(1)
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "_meta": META}},
           {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, _modern(2, name="y"))
    p.answer(2)
    case.equal(p.finish(), 0, "status")
    case.equal([r.rpc_method for r in server.requests], ["tools/call"] * 2, "requests")


def notifications_carry_revision_and_method(case):
    """Every POST has to."""
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete"})) if r.id else r.reply(202))
    p.send({"jsonrpc": "2.0", "method": "notifications/of/an/extension", "params": {"_meta": META}}, _modern(1, name="x"))
    p.answer(1)
    case.equal(p.finish(), 0, "status")
    headers = next(r.headers for r in server.requests if r.id is None)
    case.equal(headers.get("mcp-protocol-version"), VERSION, "revision")
    case.equal(headers.get("mcp-method"), "notifications/of/an/extension", "method")


def broken_stream_is_an_error_and_not_resumed(case):
    def handler(r):
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}}, ident="e1")
        r.close()
    server, p = case.bridge(handler)
    p.send(_modern(1, name="x"))
    case.is_error(p.answer(1), -31503, "whether the server acted on the request is unknown")
    case.equal(len(server.requests), 1, "requests")


def errors_of_the_era_pass_through_with_their_status(case):
    errors = {1: (400, -32022), 2: (400, -32020), 3: (404, -32601), 4: (400, -32021)}

    def handler(r):
        status, code = errors[r.id]
        r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": code, "message": "m", "data": {"supported": [VERSION]}}}, status)
    _, p = case.bridge(handler)
    for n, (_, code) in errors.items():
        p.send(_modern(n, "server/discover"))
        case.is_error(p.answer(n), code)


def subscription_stays_open_and_is_closed_with_the_input(case):
    def handler(r):
        if r.rpc_method != "subscriptions/listen":
            return r.json(response(r.id))
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                 "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": r.id}, "notifications": {}}})
        r.wait_gone()
    _, p = case.bridge(handler, "--body-timeout", "1")
    p.send(_modern("sub", "subscriptions/listen", notifications={"toolsListChanged": True}))
    p.wait_line(lambda line: b"acknowledged" in line, "the acknowledgement")
    for n in range(3):
        p.send(_modern(n, name="x"))
        p.answer(n)
    case.equal(p.finish(), 0, "status")
    case.equal(p.answer("sub")["result"]["_meta"], {"io.modelcontextprotocol/subscriptionId": "sub"}, "closing result")
