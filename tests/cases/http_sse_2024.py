"""HTTP+SSE, the deprecated transport of MCP 2024-11-05, and which transport is spoken."""

import json
import socket
import threading

from harness import ACCOUNT_HEADER, INITIALIZE, INITIALIZED, LIMIT, initialized_result, request, response
from origin import Origin


class _Old:
    """A server that knows HTTP+SSE alone: GET /sse opens a stream, POST /messages?session=N belongs to it."""

    def __init__(self, endpoint="/messages?session=%d", answer=None, on_post=None, on_get=None):
        self.endpoint, self.answer, self.on_post, self.on_get = endpoint, answer, on_post, on_get
        self.headers = {}  # of the streams
        self.streams = {}
        self.lock = threading.Lock()

    def __call__(self, r):
        if r.path.startswith("/sse"):
            self.sse(r)
        elif r.method == "POST" and r.path.startswith("/messages"):
            self.post(r)
        else:
            r.reply(404, "<html><title>Not Found</title></html>", {"Content-Type": "text/html"})

    def sse(self, r):
        if r.method != "GET":
            return r.reply(405, "Method Not Allowed", {"Allow": "GET", "Content-Type": "text/plain"})
        if self.on_get and self.on_get(r):
            return None
        with self.lock:
            number = len(self.streams) + 1
            self.streams[number] = r
        r.stream(self.headers)
        r.chunk("event: endpoint\ndata: %s\n\n" % (self.endpoint % number if "%d" in self.endpoint else self.endpoint))
        return None

    def post(self, r):
        number = int(r.path.rpartition("=")[2])
        if self.on_post and self.on_post(self, r, number):
            return
        r.reply(202, "Accepted", {"Content-Type": "text/plain"})
        self.say(r, number)

    def say(self, r, number):
        """The answer to r, on stream number."""
        if r.rpc_method == "initialize":
            self.event(number, initialized_result(r.id, "2024-11-05"))
        elif r.id is not None and r.rpc_method is not None:
            self.event(number, self.answer(r) if self.answer else response(r.id, {"session": number}))

    def event(self, number, value):
        with self.lock:
            self.streams[number].chunk("event: message\ndata: %s\n\n" % json.dumps(value))


def _old(case, *args, **more):
    """(server behind it, bridge): the URL ends in /sse, as in old entries."""
    keys = ("token", "env")
    old = _Old(**{k: v for k, v in more.items() if k not in keys})
    server = case.server(old)
    p = case.start(server.origin + "/sse", *args, **{k: v for k, v in more.items() if k in keys})
    return old, server, p


def _trace(server):
    return [(r.method, r.path.partition("?")[0]) for r in server.requests]


def entry_for_sse_works_without_any_option(case):
    old, server, p = _old(case)
    case.equal(p.handshake()["result"]["protocolVersion"], "2024-11-05", "revision")
    case.equal(p.call(1, name="Get-Projects")["result"], {"session": 1}, "result")
    case.equal(_trace(server), [("POST", "/sse"), ("GET", "/sse"), ("POST", "/messages"), ("POST", "/messages"),
                                ("POST", "/messages")], "requests")
    for r in server.requests:
        case.equal(r.headers.get("authorization"), ACCOUNT_HEADER, "Authorization of " + r.method)
    case.equal(server.requests[1].headers["accept"], "text/event-stream", "Accept of the GET")
    case.equal([r.body for r in server.requests[2:]], p.sent, "bodies")
    case.equal(server.requests[4].headers.get("mcp-protocol-version"), "2024-11-05", "revision in the header")
    case.check("mcp-session-id" not in server.requests[4].headers, "a session id was made up")
    case.equal(p.finish(), 0, "status")
    case.check(not server.of(method="DELETE"), "a DELETE was sent")


def initialize_refused_with_400_404_or_405_falls_back(case):
    for status in (400, 404, 405):
        old = _Old()
        server = case.server(lambda r, status=status: r.reply(status) if r.path == "/sse" and r.method == "POST" else old(r))
        p = case.start(server.origin + "/sse")
        p.handshake()
        case.check("result" in p.call(1), "no result behind %d" % status)


def other_refusals_do_not_fall_back(case):
    rows = [(403, "", {}), (500, "", {}), (406, "", {}),
            (400, {"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}}, {}),
            (404, {"jsonrpc": "2.0", "id": 0, "error": {"code": -32601, "message": "no"}}, {})]
    for status, body, headers in rows:
        server = case.server(lambda r, s=status, b=body: r.json(b, s) if b else r.reply(s))
        p = case.start(server.url)
        p.send(INITIALIZE)
        case.check("error" in p.answer(0), "no error")
        case.check(not server.of(method="GET"), "a GET followed %d %r" % (status, body))


def fallback_that_finds_nothing_gives_the_first_refusal(case):
    def nothing(r):
        r.reply(404, "<html><title>No such page</title></html>", {"Content-Type": "text/html"})

    def silent(r):
        r.stream() if r.method == "GET" else nothing(r)

    def closes(r):
        if r.method == "GET":
            r.stream()
            r.end()
        else:
            nothing(r)
    for handler, args in ((nothing, []), (silent, ["--headers-timeout", str(LIMIT)]), (closes, [])):
        _, p = case.bridge(handler, *args)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31404, "HTTP 404", "No such page", "Check the path of the URL")
        p.send(dict(INITIALIZE, id=5))
        case.is_error(p.answer(5), -31404, "HTTP 404")


fallback_that_finds_nothing_gives_the_first_refusal.slow = True


def streamable_server_sees_no_probe(case):
    for kind in ("http-first", "http-only"):
        server, p = case.bridge(lambda r: r.answer(), "--transport", kind)
        p.send(INITIALIZE)
        p.answer(0)
        p.call(1)
        case.equal([r.rpc_method for r in server.requests], ["initialize", "tools/call"], "requests of " + kind)


def http_only_does_not_fall_back(case):
    old, server, p = _old(case, "--transport", "http-only")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31404, "HTTP 405")
    case.equal(_trace(server), [("POST", "/sse")], "requests")


def sse_only_opens_the_stream_at_once(case):
    old, server, p = _old(case, "--transport", "sse-only")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal(_trace(server)[:2], [("GET", "/sse"), ("POST", "/messages")], "requests")


def sse_only_says_when_there_is_no_stream(case):
    server, p = case.bridge(lambda r: r.answer(), "--transport", "sse-only")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31404, "event stream", "HTTP 405")
    server, p = case.bridge(lambda r: r.json({"hello": 1}), "--transport=sse-only")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "event stream")


def sse_first_takes_streamable_http_when_a_get_is_refused(case):
    for status in (404, 405):
        def handler(r, status=status):
            r.reply(status) if r.method == "GET" else r.answer()
        server, p = case.bridge(handler, "--transport", "sse-first")
        p.send(INITIALIZE)
        p.answer(0)
        case.check("result" in p.call(1), "no result")
        case.equal([r.method for r in server.requests], ["GET", "POST", "POST"], "requests")


def sse_first_stays_with_a_server_of_the_old_kind(case):
    old, server, p = _old(case, "--transport", "sse-first")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal(_trace(server)[:2], [("GET", "/sse"), ("POST", "/messages")], "requests")


def unknown_transport_is_named(case):
    p = case.start("http://127.0.0.1:1/sse", "--transport", "sse")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--transport", "sse-only")
    case.equal(p.wait(), 2, "status")


def endpoint_may_be_relative_or_absolute(case):
    for endpoint in ("messages?session=%d", "ORIGIN/messages?session=%d", "./messages?session=%d", "//HOST/messages?session=%d"):
        old = _Old()
        server = case.server(old)
        old.endpoint = endpoint.replace("ORIGIN", server.origin).replace("HOST", server.origin[7:])
        p = case.start(server.origin + "/sse", "--transport", "sse-only")
        p.handshake()
        case.check("result" in p.call(1), "no result with " + endpoint)


def endpoint_elsewhere_is_refused_and_nothing_goes_there(case):
    other = case.server()
    for endpoint in (other.origin + "/messages", other.origin.replace("http://", "http://user:pass@") + "/messages",
                     "https://127.0.0.1/messages", "//evil.example/messages", "javascript:alert(1)", "ftp://127.0.0.1/"):
        for kind in ("sse-only", "sse-first", "http-first"):
            old, server, p = _old(case, "--transport", kind, endpoint=endpoint)
            p.send(INITIALIZE)
            error = p.answer(0)["error"]
            case.check(error["code"] in (-31500, -31404), "error %r" % error)
            case.check(not [r for r in server.requests if r.path != "/sse"], "something was sent")
    case.check(not other.requests, "the other origin was asked")


def user_name_in_the_endpoint_is_refused(case):
    old = _Old()
    server = case.server(old)
    old.endpoint = server.origin.replace("http://", "http://user:secret@") + "/messages?session=%d"
    p = case.start(server.origin + "/sse", "--transport", "sse-only", "--header", "X-Own: 1", token=None)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "user name")
    case.check(not server.of(method="POST"), "something was sent")


def endpoint_with_a_nul_byte_is_refused_and_nothing_goes_there(case):
    _, server, p = _old(case, "--transport", "sse-only", endpoint="/messages?session=1\0&more")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "event that cannot be used", "NUL byte")
    case.check(not server.of(method="POST"), "a POST was sent")


def answers_may_come_before_the_post_is_acknowledged(case):
    """And in any order."""
    held = []

    def on_post(old, r, number):
        if r.rpc_method != "tools/call":
            return False
        held.append(r)
        if len(held) == 3:
            for one in reversed(held):
                old.say(one, number)
            for one in held:
                one.reply(202)
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    p.send(request(1), request("two"), request(3.5))
    case.equal(sorted(str(p.answer(i)["id"]) for i in (1, "two", 3.5)), ["1", "3.5", "two"], "ids")
    case.check("result" in p.call(4, "tools/list"), "the bridge does not go on")


def server_messages_pass_and_are_answered(case):
    old, server, p = _old(case, "--transport", "sse-only")
    p.handshake()
    p.call(1)
    old.event(1, {"jsonrpc": "2.0", "id": "q1", "method": "roots/list"})
    old.event(1, {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
    p.wait_line(lambda line: b"roots/list" in line, "the server's request")
    p.wait_line(lambda line: b"list_changed" in line, "the notification")
    p.send(response("q1", {"roots": []}))
    r = server.wait(lambda rs: next((r for r in rs if r.body == p.sent[-1]), None), "the client's response")
    case.equal(r.path, "/messages?session=1", "path of the response")
    case.check("result" in p.call(2), "the bridge does not go on")


def bytes_are_not_changed_on_the_stream(case):
    raw = b'{"id":1,"jsonrpc":"2.0","result":{"n":12345678901234567890,"f":1e400,"a":1,"a":-0.0,"s":"\\u0000 \xc3\xa9"}}'

    def on_post(old, r, number):
        if r.rpc_method != "tools/call":
            return False
        r.reply(202)
        old.streams[number].chunk(b"event: message\r\ndata: " + raw + b"\r\n\r\n")
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    p.send(request(1))
    case.equal(p.wait_line(lambda line: b"12345678901234567890" in line, "the answer"), raw + b"\n", "line")


def stream_that_breaks_answers_what_waits_and_opens_again(case):
    def on_post(old, r, number):
        if r.rpc_method != "tools/call" or number != 1:
            return False
        r.reply(202)
        if r.id == 2:
            old.streams[1].close()
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    p.send(request(1), request(2))
    for ident in (1, 2):
        case.is_error(p.answer(ident), -31503, "event stream", "whether it acted")
    case.equal(p.call(3)["result"], {"session": 2}, "result in the new session")
    second = [r.rpc_method for r in server.requests if r.path.endswith("session=2")]
    case.equal(second, ["initialize", "notifications/initialized", "tools/call"], "messages of the second session")
    case.equal(len([r for r in server.of("tools/call") if r.id in (1, 2)]), 2, "times the broken calls were sent")
    case.equal(len([m for m in p.messages() if m.get("id") == 0]), 1, "answers to initialize")


def stream_that_ends_while_idle_is_opened_with_the_next_request(case):
    old, server, p = _old(case, "--transport", "sse-only")
    old.headers = {"Connection": "close"}
    p.handshake()
    p.call(1)
    old.streams[1].end()
    old.streams[1].wait_gone()  # the bridge has seen it
    case.equal(p.call(2)["result"], {"session": 2}, "result")
    case.equal(len(server.of(method="GET")), 2, "streams opened")


def lost_session_is_an_error_without_a_status_that_nobody_sent(case):
    """Its stream ends again while the session is opened behind the client's back: there is no third one."""
    def on_post(old, r, number):
        if r.rpc_method == "notifications/initialized" and number == 2:
            old.streams[2].conn.shutdown(socket.SHUT_WR)
            old.streams[2].wait_gone()
        return False
    old, server, p = _old(case, "--transport", "sse-only", on_post=on_post)
    p.handshake()
    old.streams[1].conn.shutdown(socket.SHUT_WR)
    old.streams[1].wait_gone()  # the bridge has seen it
    answer = p.call(1)
    case.is_error(answer, -31503, "the server ended the event stream, and the session with it")
    case.check("httpStatus" not in answer["error"].get("data", {}), "a status was made up: %r" % answer)
    case.equal(p.call(2)["result"], {"session": 3}, "result in the next session")


def session_that_cannot_be_opened_again_is_an_error(case):
    gone = threading.Event()
    old, server, p = _old(case, on_get=lambda r: gone.is_set() and (r.reply(410), True)[1])
    p.handshake()
    p.call(1)
    gone.set()
    old.streams[1].conn.shutdown(socket.SHUT_WR)
    old.streams[1].wait_gone()  # the bridge has seen it
    case.is_error(p.call(2), -31500, "event stream", "410")
    gone.clear()
    case.check("result" in p.call(3), "the bridge does not recover")


def refused_post_is_the_error_of_its_request(case):
    def on_post(old, r, number):
        if r.rpc_method != "tools/call":
            return False
        if r.id == 1:
            r.reply(500, "out of order", {"Content-Type": "text/plain"})
        elif r.id == 2:
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "no"}}, 413)
        else:
            r.close()
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    case.is_error(p.call(1), -31500, "out of order")
    case.is_error(p.call(2), -32700)
    case.is_error(p.call(3), -31503, "closed the connection")
    case.equal(len(server.of("tools/call")), 3, "times sent")
    case.check("result" in p.call(4, "tools/list"), "the bridge does not go on")


def answer_in_the_post_is_taken_too(case):
    def on_post(old, r, number):
        if r.rpc_method != "tools/call":
            return False
        if r.id == 1:
            r.json(response(1, {"direct": True}))
        else:
            r.json({"status": "queued"})
            old.event(number, response(r.id, {"direct": False}))
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    case.equal(p.call(1)["result"], {"direct": True}, "result")
    case.equal(p.call(2)["result"], {"direct": False}, "result")


def silence_on_the_stream_is_an_error_while_an_answer_is_due(case):
    def on_post(old, r, number):
        if r.rpc_method != "tools/call" or number != 1:
            return False
        r.reply(202)
        return True
    old, server, p = _old(case, "--body-timeout", str(LIMIT), on_post=on_post)
    p.handshake()
    case.is_error(p.call(1), -31503, "no more data in time")
    case.equal(p.call(2)["result"], {"session": 2}, "result in the new session")


silence_on_the_stream_is_an_error_while_an_answer_is_due.slow = True


def endpoint_that_never_comes_is_an_error_or_the_other_transport(case):
    def handler(r):
        if r.method == "GET":
            r.stream()
            r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
            r.end()
        else:
            r.answer()
    server, p = case.bridge(handler, "--transport", "sse-only")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "event stream")
    server, p = case.bridge(handler, "--transport", "sse-first")
    p.send(INITIALIZE)
    case.check("result" in p.answer(0), "no result")

    def silent(r):
        r.stream() if r.method == "GET" else r.answer()
    only, first = [case.bridge(silent, "--transport", kind, "--headers-timeout", str(LIMIT))[1] for kind in ("sse-only", "sse-first")]
    only.send(INITIALIZE)
    first.send(INITIALIZE)
    case.is_error(only.answer(0), -31500, "sent no \"endpoint\" event", "--transport")
    case.check("result" in first.answer(0), "no result")


endpoint_that_never_comes_is_an_error_or_the_other_transport.slow = True


def redirect_of_the_stream_is_followed_inside_the_origin(case):
    old = _Old()

    def handler(r):
        if r.path == "/sse":
            r.reply(307 if r.method == "POST" else 302, headers={"Location": "/sse/"})
        else:
            old(r)
    for kind in ("http-first", "sse-only"):
        old.streams.clear()
        server = case.server(handler)
        p = case.start(server.origin + "/sse", "--transport", kind)
        p.handshake()
        case.check("result" in p.call(1), "no result with " + kind)
    other = case.server()
    server = case.server(lambda r: r.reply(302, headers={"Location": other.url}))
    p = case.start(server.origin + "/sse", "--transport", "sse-only")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "another origin")
    case.check(not other.requests, "the other origin was asked")


def refused_credential_is_one_clear_error(case):
    old, server, p = _old(case, "--transport", "sse-only", on_get=lambda r: (r.reply(401), True)[1])
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "MIXPANEL_SA_TOKEN")
    case.equal(len(server.requests), 1, "requests")


def cancelled_call_frees_its_place(case):
    def on_post(old, r, number):
        if r.rpc_method != "tools/call" or r.id != 1:
            return False
        r.reply(202)
        return True
    old, server, p = _old(case, on_post=on_post)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: server.of("tools/call"), "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    server.wait(lambda rs: server.of("notifications/cancelled"), "the cancellation")
    old.event(1, response(1))
    case.check("result" in p.call(2), "the bridge does not go on")
    case.check(not [m for m in p.messages() if m.get("id") == 1], "the cancelled call was answered")
    case.equal(p.finish(), 0, "status")


def initialize_again_is_a_new_session(case):
    old, server, p = _old(case)
    p.handshake()
    p.send(dict(INITIALIZE, id=9))
    case.check("result" in p.answer(9), "no result")
    p.send(INITIALIZED)
    case.equal(p.call(1)["result"], {"session": 2}, "result")
    old.streams[1].wait_gone()


def hundred_calls_at_once_and_end_of_input(case):
    old, server, p = _old(case)
    p.handshake()
    p.send(*[request(i) for i in range(1, 101)])
    case.equal(p.finish(), 0, "status")
    case.equal(sorted(m["id"] for m in p.messages()), list(range(101)), "ids")


def large_answer_on_the_stream_passes_whole(case):
    text = "x" * (8 << 20)
    old, server, p = _old(case, answer=lambda r: response(r.id, {"text": text}))
    p.handshake()
    p.send(request(1))
    line = p.wait_line(lambda line: len(line) > len(text), "the answer")
    case.equal(json.loads(line)["result"]["text"], text, "text")


def slow_reader_stops_the_stream_and_not_the_memory(case):
    old, server, p = _old(case, answer=lambda r: response(r.id, {"text": "x" * (4 << 20)}))
    p.handshake()
    p.reading.clear()
    p.send(*[request(i) for i in range(1, 41)])
    server.wait(lambda rs: len(server.of("tools/call")) >= 20, "twenty calls")
    p.reading.set()
    for i in range(1, 41):
        p.wait_line(lambda line, i=i: b'"id": %d,' % i in line[:60], "answer %d" % i)


def tools_from_the_shell_speak_it_too(case):
    old = _Old(answer=lambda r: response(r.id, {"tools": [{"name": "Get-Projects", "inputSchema": {"type": "object"}}]}))
    server = case.server(old)
    p = case.start("tools", server.origin + "/sse")
    p.end_input()
    case.equal(p.wait(), 0, "status (%r)" % p.errors)
    case.check(b"Get-Projects" in b"".join(p.lines), "output %r" % p.lines)


class _SignIn(Origin):
    """The same behind OAuth."""

    def __init__(self, case):
        self.old = _Old(endpoint="/messages?session=%d")
        super().__init__(case)
        self.url = self.server.origin + "/sse"

    def __call__(self, r):
        path = r.path.partition("?")[0]
        if path not in ("/sse", "/messages"):
            super().__call__(r)
        elif self.taken(r):
            self.old(r)
        else:
            r.reply(401, headers={"WWW-Authenticate": 'Bearer resource_metadata="%s/document"' % self.server.origin})

    def taken(self, r):
        return (r.headers.get("authorization") or "").partition(" ")[2] in self.tokens


def sign_in_opens_before_the_stream_does(case):
    for kind in ("http-first", "sse-only"):
        o = _SignIn(case)
        o.paths["/document"] = "resource_document"
        o.works(case, "--transport", kind)
        case.equal(len(o.sent("/authorize")), 1, "sign-ins with " + kind)
        streams = [r for r in o.server.requests if r.method == "GET" and r.path == "/sse" and o.taken(r)]
        case.equal(len(streams), 1, "streams")


def token_that_ends_while_the_stream_is_open_is_renewed(case):
    """The POST is refused, a new token is fetched, the call is sent again on the same session."""
    o = _SignIn(case)
    o.paths["/document"] = "resource_document"
    o.refreshes = True
    p = case.start(o.url, "--transport", "sse-only", token=None, env=o.env)
    p.handshake()
    case.equal(p.call(1)["result"], {"session": 1}, "result")
    o.renew("second-token-of-this-case")
    case.equal(p.call(2)["result"], {"session": 1}, "result")
    case.equal(len(o.sent("/authorize")), 1, "sign-ins")
    case.equal([f["grant_type"] for f in o.sent("/token")], [["authorization_code"], ["refresh_token"]], "token requests")


def end_of_input_during_a_sign_in_ends_the_bridge(case):
    o = _SignIn(case)
    o.paths["/document"] = "resource_document"
    browser = case.file("nobody", "#!/bin/sh\n: >%s/opened\n" % case.folder, 0o755)
    p = case.start(o.url, "--transport", "sse-only", token=None, env={"BROWSER": browser})
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    case.equal(p.finish(), 0, "status")
    case.is_error(p.answer(0), -31401, "mpmcp login")


def modern_client_reaches_a_server_of_the_old_kind(case):
    """Translated first, then over HTTP+SSE."""
    old, server, p = _old(case, answer=lambda r: response(r.id, {"tools": []}))
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "case", "version": "1"}}
    answer = p.call(1, "tools/list", _meta=meta)
    case.equal(answer.get("result", {}).get("tools"), [], "answer %r" % answer)
    case.check("initialize" in [r.rpc_method for r in server.requests if r.path.startswith("/messages")], "no handshake")
