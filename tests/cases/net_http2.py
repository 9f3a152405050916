"""HTTP/2 over TLS: many calls on one connection, and what becomes of them when it ends."""

import collections
import json

import http2
from harness import DEADLINE, INITIALIZE, INITIALIZED, certificates, request, response


def _bridge(case, handler, *args, **more):
    server = http2.Server(handler, certificates().context("good"), **more)
    case.servers.append(server)
    p = case.start(server.url, "--cacert", certificates().path("ca.pem"), *args)
    return server, p


def _sent_once(case, server):
    """No call arrived twice, over all connections."""
    often = {i: n for i, n in collections.Counter(r.id for r in server.of("tools/call")).items() if n > 1}
    case.equal(often, {}, "calls that were sent again")


def hundred_and_twenty_calls_run_side_by_side_on_one_connection(case):
    held = []

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        held.append(r)
        if len(held) == 120:
            for one in reversed(held):
                one.answer()
        return None
    server, p = _bridge(case, handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 121)])
    for i in range(1, 121):
        case.check("result" in p.answer(i), "no result for %d" % i)
    case.equal(len(server.connections), 1, "connections")
    _sent_once(case, server)
    case.equal(p.finish(), 0, "status")


def get_stream_comes_after_what_the_client_asks_on_the_same_connection(case):
    server, p = _bridge(case, lambda r: r.open_stream() if r.method == "GET" else r.answer())
    p.send(INITIALIZE)
    p.answer(0)
    p.send(INITIALIZED, request(1, "tools/list"))
    p.answer(1)
    with server.changed:
        case.check(server.changed.wait_for(lambda: len(server.requests) == 4, DEADLINE), "no request for the stream")
    sent = sorted(server.requests, key=lambda r: r.stream)  # a body may come in behind the next header
    case.equal([r.rpc_method or r.method for r in sent], ["initialize", "notifications/initialized", "tools/list", "GET"], "requests")
    case.equal(len(server.connections), 1, "connections")


def calls_before_the_first_answer_share_the_connection_too(case):
    """The first connection is still being made when the others start."""
    server, p = _bridge(case, lambda r: r.answer())
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    p.send(*[request(i, _meta=meta) for i in range(1, 21)])
    for i in range(1, 21):
        p.answer(i)
    case.equal(len(server.connections), 1, "connections")


def goaway_behind_all_calls_is_not_noticed(case):
    """A server that retires its connections: what it took is answered, what comes later goes to a new one.
    The GOAWAY goes out before the answer: the next call must not be under way when it arrives."""
    def handler(r):
        if r.rpc_method == "tools/call" and r.id % 10 == 0:
            r.connection.goaway(r.stream)
        r.answer()
    server, p = _bridge(case, handler)
    p.handshake()
    for i in range(1, 41):
        case.check("result" in p.call(i), "no result for %d" % i)
    case.check(len(server.connections) >= 4, "connections: %d" % len(server.connections))
    _sent_once(case, server)


def goaway_in_the_middle_answers_every_call(case):
    """Half of the calls were taken, and are answered after the GOAWAY; the others never will be."""
    held = []

    def handler(r):
        if r.rpc_method != "tools/call" or r.id > 20:
            return r.answer()
        held.append(r)
        if len(held) == 20:
            held.sort(key=lambda one: one.stream)
            r.connection.goaway(held[9].stream)
            for one in held[:10]:
                one.answer()
        return None
    server, p = _bridge(case, handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 21)])
    taken = set()
    for i in range(1, 21):
        answer = p.answer(i)
        if "result" in answer:
            taken.add(i)
        else:
            case.is_error(answer, -31503, "closed the connection before it answered")
    case.equal(taken, {r.id for r in held[:10]}, "calls with a result")
    _sent_once(case, server)
    case.check("result" in p.call(21), "the bridge does not go on")
    case.equal(len([m for m in p.messages() if m["id"] in range(1, 21)]), 20, "answers")


def connection_that_dies_answers_every_call_and_repeats_none(case):
    held = []

    def handler(r):
        if r.rpc_method != "tools/call" or r.id > 30:
            return r.answer()
        held.append(r)
        if len(held) == 30:
            r.connection.close()
        return None
    server, p = _bridge(case, handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 31)])
    for i in range(1, 31):
        case.is_error(p.answer(i), -31503)
    _sent_once(case, server)
    case.check("result" in p.call(31), "the bridge does not go on")


def refused_stream_is_an_answer_and_the_others_go_on(case):
    def handler(r):
        if r.rpc_method == "tools/call" and r.id == 2:
            r.reset(http2.REFUSED_STREAM)
        else:
            r.answer()
    server, p = _bridge(case, handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 11)])
    for i in range(1, 11):
        answer = p.answer(i)
        case.check("result" in answer if i != 2 else True, "answer %r" % answer)
    _sent_once(case, server)
    case.check("result" in p.call(11), "the bridge does not go on")


def few_streams_allowed_at_once_delay_but_lose_nothing(case):
    server, p = _bridge(case, lambda r: r.answer(), settings={http2.MAX_CONCURRENT_STREAMS: 3})
    p.handshake()
    p.send(*[request(i) for i in range(1, 61)])
    for i in range(1, 61):
        case.check("result" in p.answer(i), "no result for %d" % i)
    _sent_once(case, server)


def large_messages_pass_both_ways(case):
    text = "x" * (4 << 20)
    server, p = _bridge(case, lambda r: r.answer({"text": text} if r.rpc_method == "tools/call" else None))
    p.handshake()
    p.send(request(1, text=text))
    line = p.wait_line(lambda line: len(line) > len(text), "the answer")
    case.equal(json.loads(line)["result"]["text"], text, "text")
    case.equal(server.of("tools/call")[0].body, p.sent[-1], "body")


def cancelled_call_ends_at_once_on_the_server(case):
    """Alone on its connection it takes that along; beside another its stream is reset, and the other goes on."""
    def handler(r):
        if r.rpc_method == "tools/call" and r.id < 10:
            r.open_stream()
            r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p%d" % r.id, "progress": 1}})
        else:
            r.answer()
    server, p = _bridge(case, handler)
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}

    def begin(ident):
        p.send(request(ident, _meta=meta))
        p.wait_line(lambda line: b'"p%d"' % ident in line, "the progress of %d" % ident)
        return next(r for r in server.of("tools/call") if r.id == ident)

    def cancel(call):
        p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": call.id, "_meta": meta}})
        server.wait(lambda: call.connection.gone or call.stream in call.connection.resets, "the end of call %d" % call.id)
    cancel(begin(1))
    other, call = begin(2), begin(3)
    case.check(other.connection is call.connection, "two connections")
    cancel(call)
    case.check(not call.connection.gone, "the other call lost its connection")
    other.event(response(2))
    case.check("result" in p.answer(2), "no result")
    case.equal({m.get("id") for m in p.messages()}, {None, 2}, "ids of messages")
    p.send(request(10, _meta=meta))
    case.check("result" in p.answer(10), "the bridge does not go on")


def debug_shows_no_header_of_a_request(case):
    case.secrets.append("x-secret-value-of-a-header")
    server, p = _bridge(case, lambda r: r.answer(), "--debug", "--header", "X-Key: x-secret-value-of-a-header")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    p.finish()
    case.check(b"authorization:" not in p.errors.lower(), "a header is in the trace")
    case.check(b"http: " in p.errors, "no trace")
