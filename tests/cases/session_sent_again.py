"""What was lost with a connection and may be sent again is sent again, once, and nobody notices."""

import http2
from harness import INITIALIZE, certificates, request, response

READS = ["initialize", "ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list", "resources/read",
         "prompts/get", "completion/complete"]
HINTS = {"reads": {"readOnlyHint": True, "idempotentHint": True}, "may_bill": {"readOnlyHint": True},
         "same_again": {"idempotentHint": True}, "says_nothing": {},
         "contradicts": {"readOnlyHint": True, "idempotentHint": True, "destructiveHint": True},
         "Create-Cohort": {"readOnlyHint": True, "idempotentHint": True}}


def _closes_first(seen, answer=lambda r: r.answer(), often=1):
    """The first requests of each kind are read, and the connection closes."""
    def handler(r):
        what = (r.rpc_method, (r.rpc or {}).get("params", {}).get("name"))
        if r.method != "POST" or r.id is None:
            return r.answer()
        seen.append(what)
        return r.close() if seen.count(what) <= often else answer(r)
    return handler


def reading_requests_are_sent_once_more(case):
    seen = []
    _, p = case.bridge(_closes_first(seen))
    p.send(INITIALIZE)
    case.check("result" in p.answer(0), "initialize has no result")
    p.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    for i, method in enumerate(READS[1:], 1):
        case.check("result" in p.call(i, method), method + " has no result")
    case.check("result" in p.call(100, name="Describe-Cohort-Schema"), "a tool of the catalog that reads has no result")
    case.equal({s: seen.count(s) for s in seen}, {**{(m, None): 2 for m in READS}, ("tools/call", "Describe-Cohort-Schema"): 2}, "times sent")
    case.equal(p.finish(), 0, "status")


def other_requests_are_not(case):
    seen = []
    _, p = case.bridge(_closes_first(seen))
    p.handshake()
    for i, method in enumerate(["logging/setLevel", "resources/subscribe", "tasks/cancel", "vendor/list"], 1):
        case.is_error(p.call(i, method), -31503, "whether the server acted on the request is unknown")
    case.is_error(p.call(100, name="Create-Cohort"), -31503, "whether the server acted on the request is unknown")
    case.is_error(p.call(101, name="unknown"), -31503, "whether the server acted on the request is unknown")
    case.equal([s for s in seen if seen.count(s) > 1], [("initialize", None)] * 2, "what was sent again")


def unknown_tools_are_called_once_more_when_their_hints_allow_it(case):
    """The catalog knows Create-Cohort better than its hints."""
    def answer(r):
        r.answer({"tools": [{"name": n, "inputSchema": {"type": "object"}, "annotations": a} for n, a in HINTS.items()]}
                 if r.rpc_method == "tools/list" else None)
    seen = []
    _, p = case.bridge(_closes_first(seen, answer))
    p.handshake()
    p.call(1, "tools/list")
    got = {name: "result" in p.call(10 + i, name=name) for i, name in enumerate(HINTS)}
    case.equal(got, {name: name == "reads" for name in HINTS}, "answered")
    case.equal({n: seen.count(("tools/call", n)) for n in HINTS}, {n: 2 if n == "reads" else 1 for n in HINTS}, "times sent")


def hints_do_not_outlast_their_list(case):
    seen = []

    def answer(r):
        if r.rpc_method != "tools/list":
            return r.answer()
        r.stream()
        r.event(response(r.id, {"tools": [{"name": "reads", "inputSchema": {}, "annotations": HINTS["reads"]}]}))
        r.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        return r.end()
    _, p = case.bridge(_closes_first(seen, answer))
    p.handshake()
    p.call(1, "tools/list")
    p.wait_line(lambda line: b"list_changed" in line, "the notification")
    case.is_error(p.call(2, name="reads"), -31503)


def second_loss_is_an_error(case):
    seen = []
    closes = _closes_first(seen, often=2)
    _, p = case.bridge(lambda r: closes(r) if r.rpc_method == "tools/list" else r.answer())
    p.handshake()
    case.is_error(p.call(1, "tools/list"), -31503, "closed the connection before it answered")
    case.equal(len(seen), 2, "times sent")
    case.check("result" in p.call(2, "tools/list"), "the bridge does not go on")


def answer_that_breaks_off_is_asked_for_again(case):
    """A body that is cut in the middle, and an event stream that knows no ids."""
    seen = []

    def handler(r):
        if r.method != "POST" or r.rpc_method not in ("tools/list", "prompts/list"):
            return r.answer()
        seen.append(r.rpc_method)
        if seen.count(r.rpc_method) > 1:
            return r.answer()
        if r.rpc_method == "tools/list":
            r.head(200, {"Content-Type": "application/json"}, 1000)
            r.raw('{"jsonrpc":"2.0","id":1,"resu')
        else:
            r.stream()
            r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "half"}})
        return r.close()
    _, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result behind half a body")
    case.check("result" in p.call(2, "prompts/list"), "no result behind a broken stream")
    case.equal(seen, ["tools/list"] * 2 + ["prompts/list"] * 2, "times sent")


def repeated_request_goes_to_a_new_connection(case):
    """A server that restarts has closed all of them, not only the one that a request was put on."""
    def handler(r):
        if r.rpc_method == "tools/call" and not restarted:
            held.append(r)
            return None
        if r.rpc_method == "tools/list" and not restarted:
            restarted.append(True)
            for one in held:
                one.answer()
            return r.close()
        if r.rpc_method == "tools/list" and r.conn in [h.conn for h in held]:
            return r.close()  # an idle connection of before
        return r.answer()
    held, restarted = [], []
    server, p = case.bridge(handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 5)])
    server.wait(lambda _: len(held) == 4, "four calls")
    case.check("result" in p.call(10, "tools/list"), "no result")


def http2_connection_that_dies_loses_no_reading_request(case):
    def handler(r):
        if r.rpc_method != "tools/call" or closed:
            return r.answer()
        held.append(r)
        if len(held) == 20:
            closed.append(True)
            r.connection.close()
        return None
    held, closed = [], []
    server = http2.Server(handler, certificates().context("good"))
    case.servers.append(server)
    p = case.start(server.url, "--cacert", certificates().path("ca.pem"))
    p.handshake()
    p.send(*[request(i, name="Describe-Cohort-Schema" if i % 2 else "Create-Cohort") for i in range(1, 21)])
    for i in range(1, 21):
        if i % 2:
            case.check("result" in p.answer(i), "no result for %d" % i)
        else:
            case.is_error(p.answer(i), -31503, "whether the server acted on the request is unknown")
    case.equal(len(server.of("tools/call")), 30, "calls that arrived")
