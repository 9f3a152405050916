"""--keep-alive and --ping-interval: pings of the bridge's own."""

import json

from harness import ACCOUNT_HEADER, INITIALIZE, initialized_result, request, response


def _pings(server):
    return server.of("ping")


def _second(server, n=2):
    return server.wait(lambda rs: len(_pings(server)) >= n and _pings(server)[n - 1], "%d pings" % n)


def _session(r):
    if r.rpc_method == "initialize":
        r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s1"})
    else:
        r.answer()


def idle_server_is_pinged_and_the_client_sees_nothing(case):
    server, p = case.bridge(_session, "--ping-interval", "0.05")
    p.handshake()
    ping = _second(server, 3)
    case.equal((ping.headers.get("mcp-session-id"), ping.headers.get("authorization")), ("s1", ACCOUNT_HEADER), "headers")
    case.equal(ping.headers.get("mcp-protocol-version"), "2025-06-18", "revision")
    case.equal(set(ping.rpc), {"jsonrpc", "id", "method"}, "members of a ping")
    case.equal(len({r.id for r in _pings(server)}), len(_pings(server)), "different ids")
    p.call(1)
    case.equal([m["id"] for m in p.messages()], [0, 1], "what the client got")
    case.equal(p.finish(), 0, "status")


def no_ping_without_the_option(case):
    server, p = case.bridge(_session)
    p.handshake()
    p.call(1)
    case.equal(p.finish(), 0, "status")
    case.equal(_pings(server), [], "pings")


def keep_alive_alone_takes_half_a_minute(case):
    """So nothing is seen of it here but that the entry of mcp-remote's documentation is taken."""
    server, p = case.bridge(_session, "--keep-alive", "--ping-interval", "60")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    p = case.start(server.url, "--keep-alive")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    p = case.start(server.url, "--ping-interval", "0")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--ping-interval")


def ping_of_the_client_passes_beside_ours(case):
    server, p = case.bridge(_session, "--ping-interval", "0.02")
    p.handshake()
    for n in range(1, 6):
        case.equal(p.call("mpmcp-ping-%d" % n, "ping"), response("mpmcp-ping-%d" % n), "answer")
    _second(server, 7)
    case.equal(len(p.messages()), 6, "messages for the client")


def answers_of_every_kind_are_swallowed_and_other_messages_are_not(case):
    kinds = []

    def handler(r):
        if r.rpc_method != "ping":
            return _session(r)
        kinds.append(len(kinds))
        n = kinds[-1]
        if n == 0:
            r.stream()
            r.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
            r.event({"jsonrpc": "2.0", "id": "q", "method": "roots/list"})
            r.event(response(r.id, {}))
            return None
        if n == 1:
            return r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32601, "message": "no ping here"}})
        if n == 2:
            return r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "what"}})
        if n == 3:
            return r.close()
        if n == 4:
            return r.reply(500, "oops")
        return r.answer()
    server, p = case.bridge(handler, "--ping-interval", "0.05")
    p.handshake()
    _second(server, 7)
    case.check("result" in p.call(1), "no result")
    case.equal([m.get("method") or m["id"] for m in p.messages()], [0, "notifications/tools/list_changed", "roots/list", 1],
               "what the client got")


def refused_ping_is_followed_by_the_next(case):
    """Whatever the refusal says, and though the client says nothing meanwhile."""
    for status in (400, 404, 429, 500):
        server, p = case.bridge(lambda r, s=status: r.reply(s) if r.rpc_method == "ping" else _session(r), "--ping-interval", "0.02")
        p.handshake()
        _second(server, 3)
        case.equal([m["id"] for m in p.messages()], [0], "what the client got")
        case.check("result" in p.call(1), "no result")


def ping_starts_no_sign_in(case):
    def handler(r):
        if r.rpc_method == "ping":
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})
        else:
            _session(r)
    server = case.server(handler)
    opened = case.folder + "/opened"
    browser = case.file("browser", "#!/bin/sh\necho x >>%s\n" % opened, 0o755)
    p = case.start(server.url, "--ping-interval", "0.02", token=None, env={"BROWSER": browser, "DISPLAY": ":0"})
    p.handshake()
    _second(server, 1)
    case.check("result" in p.call(1), "no result")
    _second(server, 2)
    case.equal([r.path for r in server.requests if r.method == "GET" and r.path != "/mcp"], [], "discovery")


def no_ping_in_2026_07_28(case):
    def handler(r):
        r.json(response(r.id, {"resultType": "complete"}))
    server, p = case.bridge(handler, "--ping-interval", "0.001")
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    for n in range(50):
        p.call(n, "tools/list", _meta=meta)
    case.equal(_pings(server), [], "pings")


def ping_over_http_sse_is_swallowed_too(case):
    streams = []

    def handler(r):
        if r.method == "GET":
            streams.append(r)
            r.stream()
            r.chunk("event: endpoint\ndata: /messages\n\n")
            return
        r.reply(202, "Accepted")
        if r.rpc_method == "initialize":
            streams[-1].chunk("event: message\ndata: %s\n\n" % json.dumps(initialized_result(r.id)))
        elif r.id is not None:
            streams[-1].chunk("event: message\ndata: %s\n\n" % json.dumps(response(r.id, {})))
    server, p = case.bridge(handler, "--transport", "sse-only", "--ping-interval", "0.05")
    p.handshake()
    _second(server, 3)
    p.send(request(1))
    p.answer(1)
    case.equal([m["id"] for m in p.messages()], [0, 1], "what the client got")
    # The stream is gone: no ping opens another one.
    streams[0].close()
    _second(server, 3)
    case.equal(len(server.of(method="GET")), 1, "streams opened")
