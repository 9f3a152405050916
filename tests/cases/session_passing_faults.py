"""Servers that are rolled out, proxies that hiccup, connections that are cut: one such moment, in each request of a
session in turn, costs at most the request that it hit. See matrix.py."""

import json
import threading

import matrix
from harness import DEADLINE, INITIALIZED, initialized_result, request, response
from matrix import HELLO, Failed


def _at_once(function):
    """Rows wait for pauses of the program: they begin before what does not."""
    function.slow = True
    return function


def _hold(case, problems, count):
    case.check(count > 100, "only %d rows" % count)
    case.check(not problems, "%d of %d sessions do not survive:\n  %s" % (len(problems), count, "\n  ".join(problems)))


def _hello(c):
    if c.ask("initialize", 12, 0.5, **HELLO) is None:
        raise Failed("no answer to initialize: %r" % c.errors)
    c.p.send({"jsonrpc": "2.0", "method": "notifications/initialized"})


def _question(c):
    """A tool that asks back."""
    ident = "ask-%d" % len(c.ids)
    c.ids.append(ident)
    c.p.send(request(ident, "tools/call", name="ask"))
    def come(line):
        return b"elicitation/create" in line or (ident.encode() in line and b'"method"' not in line)
    line = c.p.wait_line(come, "the question, or an answer")
    message = json.loads(line)
    if "method" in message:
        c.p.send({"jsonrpc": "2.0", "id": message["id"], "result": {"action": "accept", "content": {}}})
    answer = c.p.answer(ident)
    if "error" in answer:
        c.errors.append(("tools/call", answer["error"]["code"], answer["error"]["message"]))


def _cancel(c):
    """A slow call that nobody wants any more."""
    def failed():
        return [m for m in c.p.messages() if m.get("id") == "slow"]
    c.p.send(request("slow", "tools/call", name="slow", **({"_meta": matrix.META} if c.modern else {})))
    with c.row.changed:
        while not ("slow" in c.row.held or failed()):
            c.row.changed.wait(0.05)
    if failed():  # it is the one that the fault hit
        c.ids.append("slow")
        c.errors.append(("tools/call", 0, ""))
    else:
        c.tell("notifications/cancelled", requestId="slow")


def _legacy_session(c):
    row = c.row
    _hello(c)
    for method in ("tools/list", "resources/list", "prompts/list"):
        c.ask(method)
    for method, params in (("logging/setLevel", {"level": "warning"}), ("resources/subscribe", {"uri": "x:a"})):
        c.ask(method, 2, **params)
    _question(c)
    c.hears(1)
    _cancel(c)
    row.end_stream()
    c.hears(2)
    row.forget()
    c.ask("tools/call", name="after")
    c.need("tools/call", name="once more")
    c.need("tools/list")
    row.wait(lambda: row.current and row.current.greeted, "notifications/initialized")
    row.wait(lambda: row.current.level == "warning", "the level in the new session")
    row.wait(lambda: row.current.uris == {"x:a"}, "the subscription in the new session")
    c.hears(3)
    c.need("tools/call", name="last")


@_at_once
def legacy_session_survives_each_passing_fault(case):
    _hold(case, *matrix.matrix(case, _legacy_session, "legacy"))


def _modern_session(c):
    """What the client's own subscription goes through is the client's to see."""
    c.ask("server/discover", 12)
    for method in ("tools/list", "resources/list", "prompts/list"):
        c.ask(method)
    c.ask("tools/call", name="t", _meta={"io.modelcontextprotocol/logLevel": "warning"})
    _cancel(c)
    c.ask("tools/call", name="t")
    c.need("tools/call", name="once more")
    c.need("tools/list")


@_at_once
def modern_session_survives_each_passing_fault(case):
    _hold(case, *matrix.matrix(case, _modern_session, "modern", modern=True))


def _legacy_client_of_a_modern_server(c):
    row = c.row
    _hello(c)
    for method in ("tools/list", "resources/list", "prompts/list"):
        c.ask(method)
    c.ask("logging/setLevel", 2, level="warning")
    c.ask("resources/subscribe", 2, uri="x:a")
    _question(c)
    c.hears(1)
    _cancel(c)
    row.end_stream()
    c.hears(2)
    c.ask("tools/call", name="after")
    if c.need("tools/call", name="once more").get("level") != "warning":
        raise Failed("the level is not said any more")
    c.need("tools/list")
    row.wait(lambda: row.current.uris == {"x:a"}, "the subscription")
    c.hears(3)


@_at_once
def legacy_client_of_a_modern_server_survives_each_passing_fault(case):
    _hold(case, *matrix.matrix(case, _legacy_client_of_a_modern_server, "modern"))


def _modern_client_of_a_legacy_server(c):
    row = c.row
    c.ask("server/discover", 12)
    c.ids.append("sub")
    c.p.send(request("sub", "subscriptions/listen", _meta=matrix.META, notifications={"resourceSubscriptions": ["x:a"]}))
    c.p.wait_line(lambda line: b"acknowledged" in line or b'"sub"' in line, "the acknowledgment")
    for method in ("tools/list", "resources/list", "prompts/list"):
        c.ask(method)
    c.ask("tools/call", name="t", _meta={"io.modelcontextprotocol/logLevel": "warning"})
    c.hears(1)
    _cancel(c)
    row.end_stream()
    c.hears(2)
    row.forget()
    c.ask("tools/call", name="after", _meta={"io.modelcontextprotocol/logLevel": "warning"})
    c.need("tools/list")
    c.need("tools/call", name="once more", _meta={"io.modelcontextprotocol/logLevel": "warning"})
    row.wait(lambda: row.current and row.current.greeted, "notifications/initialized")
    row.wait(lambda: row.current.level == "warning", "the level in the new session")
    row.wait(lambda: row.current.uris == {"x:a"}, "the subscription in the new session")
    c.hears(3)


@_at_once
def modern_client_of_a_legacy_server_survives_each_passing_fault(case):
    _hold(case, *matrix.matrix(case, _modern_client_of_a_legacy_server, "legacy", modern=True))


def _signed_session(c):
    """With a sign-in at its beginning and a refresh in its middle."""
    row = c.row
    _hello(c)
    c.ask("tools/list")
    c.ask("tools/call", name="t")
    c.hears(1)
    row.expire()
    c.ask("tools/call", 8, 0.5, name="after the end of the token")
    row.forget()
    c.ask("tools/call", name="after")
    c.need("tools/call", name="once more")
    row.wait(lambda: row.current and row.current.greeted, "notifications/initialized")
    c.hears(2)


@_at_once
def signed_in_session_survives_each_passing_fault(case):
    _hold(case, *matrix.matrix(case, _signed_session, "legacy", signed=True, without=("authorize 1",)))


# ---- a session that is owed to the client


def _forgetful(replay, state):
    """A server that has forgotten its first session; replay(request, n) answers the n-th initialize after the first."""
    def handler(r):
        if r.rpc_method == "initialize":
            state["hello"] = state.get("hello", 0) + 1
            if state["hello"] == 1 or not replay(r, state["hello"] - 1):
                r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["hello"]})
        elif r.rpc_method == "tools/call" and "mcp-session-id" not in r.headers:
            r.json({"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: Missing session ID"}}, 400)
        elif r.rpc_method == "tools/call" and r.headers["mcp-session-id"] == "s1":
            r.reply(404)
        else:
            r.answer()
    return handler


def session_that_cannot_be_opened_is_tried_again_with_the_next_request(case):
    """It is refused in so many words three times: the requests that wait are told so, and nothing is sent without a session."""
    state = {}
    server, p = case.bridge(_forgetful(lambda r, n: n <= 3 and not r.reply(403, "not now"), state))
    p.handshake()
    p.send(request(1), request(2))
    for n in (1, 2):
        case.is_error(p.answer(n), -31403, "a new one cannot be opened", "not now")
    case.check("result" in p.call(3), "no result")
    case.equal(len(server.of("initialize")), 5, "number of initialize")
    case.equal([r for r in server.of("tools/call") if "mcp-session-id" not in r.headers], [], "calls without a session")


def session_that_is_away_for_some_seconds_is_waited_for(case):
    """One try is under way at a time, however many wait."""
    state = {"now": 0, "most": 0}

    def replay(r, n):
        with server.changed:
            state["now"] += 1
            state["most"] = max(state["most"], state["now"])
        if n <= 4:
            r.reply(503)
        with server.changed:
            state["now"] -= 1
        return n <= 4
    server, p = case.bridge(_forgetful(replay, state))
    p.handshake()
    p.send(*[request(n) for n in range(1, 20)])
    for n in range(1, 20):
        case.check("result" in p.answer(n), "no result for %d" % n)
    case.equal((state["most"], len(server.of("initialize"))), (1, 6), "tries at once, and in all")
    at = [r.at for r in server.of("initialize")[1:]]
    # 3.75 s from one begin to the other; the first may have been read late. Pauses that stay as they are make one second.
    case.check(at[4] - at[0] >= 2, "pauses do not grow: %r" % at)


@_at_once
def request_that_waits_for_a_session_is_answered_in_its_own_time(case):
    state = {}
    server, p = case.bridge(_forgetful(lambda r, _: not r.reply(503, "rolling out"), state))
    p.handshake()
    p.send(request(1))
    case.is_error(p.answer(1), -31500, "a new one cannot be opened", "rolling out")
    p.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
    case.equal(p.finish(), 0, "status")
    case.check(len(server.of("initialize")) < 16, "%d tries" % len(server.of("initialize")))
    case.equal(len(server.of("notifications/progress")), 0, "notifications without a session")


def refused_before_initialization_leads_to_a_session_that_is_ready(case):
    """The server says so in words, or by the code alone as long as nothing has worked; it may be meant, too."""
    def error(r, message):
        r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32602, "message": message}})
    for words, greetings in (("Received request before initialization was complete", 2), ("Invalid request parameters", 2)):
        greeted = []

        def handler(r, greeted=greeted, words=words):
            if r.rpc_method == "notifications/initialized":
                greeted.append(1)
                r.reply(200)  # and the first one gets lost behind the one who says so
            elif r.rpc_method == "tools/call" and len(greeted) < 2:
                error(r, words)
            elif r.id == "bad":
                error(r, "meant")
            else:
                r.answer()
        server, p = case.bridge(handler)
        p.handshake()
        case.check("result" in p.call(1), "no result (%s)" % words)
        case.equal(p.call("bad")["error"]["message"], "meant", "words")
        case.equal((len(greeted), len(server.of("tools/call"))), (greetings, 3), "greetings and calls")


# ---- the GET stream


def _get(streams):
    """A handler whose n-th GET is answered by streams[n], the last one again and again."""
    count = []

    def handler(r):
        if r.method != "GET":
            return r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"}) if r.rpc_method == "initialize" else r.answer()
        count.append(1)
        return streams[min(len(count), len(streams)) - 1](r)
    return handler


def _note(r):
    r.stream()
    r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": "here"}})


def get_stream_that_worked_once_comes_back_whatever_the_server_says_meanwhile(case):
    def ends(r):
        r.stream()
        r.end()

    def lives(r):
        _note(r)
        r.wait_gone()
    for refusal in (lambda r: r.reply(400), lambda r: r.reply(409), lambda r: r.reply(500), lambda r: r.reply(200), ends):
        _, p = case.bridge(_get([ends, refusal, lives]))
        p.handshake()
        p.wait_line(lambda line: b"here" in line, "the stream")


def get_stream_that_the_server_does_not_have_is_not_asked_for_again(case):
    for status in (405, 501):
        over = threading.Event()

        def ends(r, over=over):
            r.stream()
            over.wait(DEADLINE)
            r.end()
        server, p = case.bridge(_get([ends, lambda r, status=status: r.reply(status)]), "--debug")
        p.handshake()
        server.wait(lambda rs: [r for r in rs if r.method == "GET"], "the GET")
        over.set()
        p.wait_error_text("no GET stream: HTTP %d" % status)
        p.send(dict(request("again", "initialize"), params={"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}))
        p.answer("again")
        p.send(INITIALIZED)
        p.call(1)
        case.equal(p.finish(), 0, "status")
        case.equal(len(server.of(method="GET")), 2, "GETs after %d" % status)


def answer_on_the_get_stream_is_delivered_after_the_post_ended(case):
    streams, ready = [], threading.Event()

    def get(r):
        r.stream()
        streams.append(r)
        ready.set()
        r.wait_gone()

    def empty(r):
        r.stream()
        r.end()
    ways = {1: lambda r: r.reply(202), 2: empty, 3: lambda r: r.reply(200)}

    def handler(r):
        if r.method == "GET":
            get(r)
        elif r.rpc_method == "tools/call":
            ways[r.id](r)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.check(ready.wait(DEADLINE), "no GET stream")
    for n in ways:
        p.send(request(n))
        p.call("later%d" % n, "ping")  # the call has ended by then, or its answer is on its way
        server.wait(lambda rs, n=n: [r for r in rs if r.id == n], "the call")
        streams[0].event(response(n, {"n": n}))
        case.equal(p.answer(n)["result"], {"n": n}, "result")
    case.equal(len([m for m in p.messages() if m.get("id") in ways]), 3, "answers")


@_at_once
def answer_that_comes_on_no_stream_is_an_error_after_a_moment(case):
    def handler(r):
        if r.method == "GET":
            r.stream()
            r.wait_gone()
        elif r.rpc_method == "tools/call":
            r.reply(202)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: [r for r in rs if r.method == "GET"], "the GET")
    p.send(request(1), request(2))
    case.is_error(p.answer(1), -31500, "accepted the request (HTTP 202) but sent no answer")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}})
    p.call(3, "ping")
    case.equal(p.finish(), 0, "status")


def greeting_that_finds_its_session_forgotten_leads_to_the_next(case):
    """The server restarts between the replayed initialize and notifications/initialized, and says so in JSON-RPC."""
    state = {}

    def handler(r):
        if r.rpc_method == "notifications/initialized" and r.headers["mcp-session-id"] == "s2":
            return r.json({"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Session not found"}}, 404)
        return _forgetful(lambda _, n: False, state)(r)
    server, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal([r.headers["mcp-session-id"] for r in server.of("notifications/initialized")], ["s1", "s2", "s2", "s3"], "greetings")
