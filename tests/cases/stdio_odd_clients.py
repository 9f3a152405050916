"""Clients that are unusual, hasty or broken: each line gets what it is owed, and nothing stops the bridge."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import threading

import harness
from harness import ACCOUNT_HEADER, DEADLINE, INITIALIZE, INITIALIZED, PAIR, TOKEN, Failed, initialized_result, readable, request, response


def _all_of(fd):
    """Everything until the end of a descriptor."""
    out = bytearray()  # bytes would be copied whole for every piece, which makes a slow reader of it
    while True:
        piece = os.read(fd, 65536)
        if not piece:
            return bytes(out)
        out += piece


def half_a_line_at_the_end_of_input_is_answered(case):
    server, p = case.bridge()
    p.handshake()
    p.send_raw(b'{"jsonrpc":"2.0","id":5,"meth')
    case.equal(p.finish(), 0, "status")
    case.equal([(m["id"], m["error"]["code"]) for m in p.messages() if "error" in m], [(None, -32700)], "errors")


def lines_in_small_pieces_and_many_in_one_are_the_same(case):
    _, p = case.bridge()
    p.handshake()
    for b in json.dumps(request(1)).encode() + b"\r\n":
        p.send_raw(bytes([b]))
    p.answer(1)
    p.send_raw(b"".join(json.dumps(request(i)).encode() + b"\n" for i in range(2, 60)) + b'{"jsonrpc":"2.0",')
    p.send_raw(b'"id":60,"method":"ping"}\n')
    for i in range(2, 61):
        p.answer(i)


def bytes_that_no_json_has_are_answered_and_not_sent(case):
    server, p = case.bridge()
    p.handshake()
    rows = [b'{"jsonrpc":"2.0","id":1,"method":"a"}\0', b'\0', b'{"jsonrpc":"2.0","id":1,"method":"a\0b"}', b'{"jsonrpc":"2.0","id":1,"method":"\xed\xa0\x80"}',
            b'{"jsonrpc":"2.0","id":1,"method":"\xc0\xaf"}', b'{"jsonrpc":"2.0","id":1,"method":"\xf4\x90\x80\x80"}', b'{"jsonrpc":"2.0","id":1,"method":"a\tb"}',
            b"{'jsonrpc':'2.0'}", b'{"jsonrpc":"2.0","id":01,"method":"a"}', b'{"jsonrpc":"2.0","id":+1,"method":"a"}', b'{"jsonrpc":"2.0","id":NaN,"method":"a"}',
            b'{"jsonrpc":"2.0","id":1,"method":"a",}', b'{"jsonrpc":"2.0","id":1,"method":"a"} x', b'{"jsonrpc":"2.0","id":1,"method":"a"}{}', b'// {}',
            json.dumps(request(1)).encode("utf-16"), b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"a"}']
    lines = 0
    for n, row in enumerate(rows):
        p.send(row)
        lines += len([x for x in row.split(b"\n") if x.strip()])
        p.call(100 + n, "tools/list")
    errors = [m for m in p.messages() if "error" in m]
    case.equal({(m["id"], m["error"]["code"]) for m in errors}, {(None, -32700)}, "errors")
    case.equal(len(errors), lines, "number of errors")
    case.equal(len(server.of("tools/list")), len(rows), "requests that left")
    case.equal(len([r for r in server.requests if r.rpc_method not in ("initialize", "notifications/initialized", "tools/list") and r.method == "POST"]), 0, "posts")


def odd_yet_valid_messages_pass_unchanged(case):
    rows = [b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"t":"\\ud800","u":"\\u0000","v":"\\uDFFF\\ud83d"}}',
            b'\t {"jsonrpc" : "2.0" , "id" : 2 , "method" : "tools/call" , "params" : [ ] } \t',
            b'{"method":"tools/call","x":{"id":9},"id":3,"jsonrpc":"2.0","":1,"\\u0000":2}',
            b'{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"a":1E+2,"b":-0,"c":1e-400,"d":0.10}}',
            b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"d":' + b"[" * 900 + b"]" * 900 + b"}}",
            '{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"\u2028":"\u2029\ufeff\uffff\U0010ffff"}}'.encode(),
            b'{"jsonrpc":"2.0","id":7,"method":"tools\\/call","params":{}}']
    server, p = case.bridge()
    p.handshake()
    for n, row in enumerate(rows, 1):
        p.send(row)
        case.check("result" in p.answer(n), "no result for %r" % row)
        case.equal([r for r in server.requests if r.method == "POST"][-1].body, row.strip(), "body")


def ids_of_equal_value_are_one_id_and_strings_another(case):
    gate = threading.Event()

    def handler(r):
        if r.rpc_method == "tools/call":
            gate.wait(DEADLINE)
            r.json(r.body.replace(b'"method":"tools/call"', b'"result":{}'))
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    ids = ["1", '"1"', "1.0", "1e0", '"\\u0031"', "2", '"1.0"']
    for i in ids:
        p.send('{"jsonrpc":"2.0","id":%s,"method":"tools/call"}' % i)
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "tools/call"]) == 4, "four calls")
    gate.set()
    for i in ids:
        what = b'"error"' if i in ("1.0", "1e0", '"\\u0031"') else b'"result"'
        p.wait_line(lambda line: line.startswith(b'{"jsonrpc":"2.0","id":%s,%s' % (i.encode(), what)), "the right answer to " + i)


def id_of_a_megabyte_comes_back(case):
    ident = "i" * (1 << 20)
    _, p = case.bridge()
    p.handshake()
    case.check("result" in p.call(ident), "no result")
    p.send('{"jsonrpc":"2.0","id":"x%s","method":5}' % ident)
    case.is_error(p.answer("x" + ident), -32600, "method")


def invalid_requests_are_answered_with_their_id(case):
    server, p = case.bridge()
    p.handshake()
    rows = ['{"jsonrpc":"1.0","id":1,"method":"x"}', '{"id":2,"method":"x"}', '{"jsonrpc":"2.0","id":3,"method":7}', '{"jsonrpc":"2.0","id":4,"method":"x","params":3}',
            '{"jsonrpc":"2.0","id":5}', '{"jsonrpc":"2.0","id":6,"method":"x","result":{}}', '{"jsonrpc":"2.0","id":7,"result":{},"error":{}}']
    for n, row in enumerate(rows, 1):
        p.send(row)
        case.is_error(p.answer(n), -32600)
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/initialized"], "initialized")
    case.equal(len(server.of(method="POST")), 2, "posts")


def cancellations_that_fit_nothing_change_nothing(case):
    gate = threading.Event()

    def handler(r):
        if r.id == 1:
            gate.wait(DEADLINE)
        r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.id == 1], "the call")
    for params in ({"requestId": 99}, {"requestId": "1"}, {}, {"requestId": None}, {"requestId": [1]}, {"requestId": {"a": 1}}, [], {"requestId": True}):
        p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled"})
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "notifications/cancelled"]) == 9, "the cancellations")
    gate.set()
    case.check("result" in p.answer(1), "no result")


def cancelled_before_it_left_is_neither_sent_nor_answered(case):
    gate = threading.Event()

    def handler(r):
        if r.rpc_method == "initialize":
            gate.wait(DEADLINE)
        r.answer()
    server, p = case.bridge(handler)
    p.send(INITIALIZE)
    server.wait(lambda rs: rs, "initialize")
    p.send(INITIALIZED, request(1), request(2), {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, request(3, "tools/list"))
    # Whatever was read before this line is read when its answer is there.
    p.send("nonsense")
    p.wait_line(lambda line: b"-32700" in line, "the error")
    gate.set()
    p.answer(3)
    p.answer(2)
    case.equal([r.id for r in server.of("tools/call")], [2], "calls")
    case.equal(p.finish(), 0, "status")
    case.check(1 not in [m.get("id") for m in p.messages()], "a cancelled request was answered")


def cancelled_id_can_be_used_again_and_late_answers_go_nowhere(case):
    first = []

    def handler(r):
        if r.rpc_method == "tools/call" and not first:
            first.append(r)
            r.stream()
            r.chunk(": wait\n\n")
            try:
                r.wait_gone()
            except OSError:
                pass
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.id == 1], "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, request(1, "tools/list"))
    case.check("result" in p.answer(1), "no result")
    p.finish()
    case.equal([m["id"] for m in p.messages()], [0, 1], "ids")


def responses_to_questions_nobody_asked_go_to_the_server(case):
    """It knows best what they are; its refusal is nobody's business."""
    def handler(r):
        if r.rpc_method is None and r.method == "POST":
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "who are you"}}, 400)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(response("never"), {"jsonrpc": "2.0", "id": 5, "error": {"code": 1, "message": "m"}}, {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "m"}})
    p.call(1)
    server.wait(lambda rs: len([r for r in rs if r.method == "POST" and r.rpc_method is None]) == 3, "the responses")
    case.equal(p.finish(), 0, "status")
    case.equal([m["id"] for m in p.messages()], [0, 1], "messages to the client")


def initialize_twice_opens_a_second_session(case):
    count = []

    def handler(r):
        if r.rpc_method == "initialize":
            count.append(r)
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % len(count)})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.call(1)
    p.send(dict(INITIALIZE, id="again"))
    case.check("result" in p.answer("again"), "no result")
    p.send(INITIALIZED)
    p.call(2)
    case.check("mcp-session-id" not in server.of("initialize")[1].headers, "initialize carried a session id")
    case.equal([r.headers.get("mcp-session-id") for r in server.of("tools/call")], ["s1", "s2"], "sessions")


def client_without_a_handshake_is_served_all_the_same(case):
    server, p = case.bridge()
    case.check("result" in p.call(1), "no result")
    case.check("mcp-protocol-version" not in server.requests[0].headers, "a revision nobody negotiated")
    case.equal(p.finish(), 0, "status")


def batches_at_the_edges(case):
    def handler(r):
        if isinstance(r.rpc, list):
            asked = [m["id"] for m in r.rpc if "id" in m and "method" in m]
            r.json([response(i) for i in asked]) if asked else r.reply(202)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake("2025-03-26")
    note = {"jsonrpc": "2.0", "method": "notifications/x"}
    # Each of its requests is told, by the id that the client waits for; where there is none, the client is.
    rows = [([], [None]), ([[request(1)]], [None]), ([5, note], [None]), ([request(1), request(1)], [1, 1]), ([request(1), request(2), request(1)], [1, 2, 1]),
            ([request(1), 5], [1]), ([request(1), note, request("a"), {"id": 2}], [1, "a", 2]), ([INITIALIZE, request(3)], [0, 3]),
            ([note, note], []), ([response("x"), note], [])]
    refused = []
    for n, (row, ids) in enumerate(rows):
        p.send(row)
        p.call(100 + n, "tools/list")
        refused += ids
        case.equal(sorted(repr(m["id"]) for m in p.messages() if m.get("error", {}).get("code") == -32600), sorted(map(repr, refused)), "refusals after %r" % row)
    p.send([request(i, "tools/list") for i in range(1000, 2000)])
    for i in range(1000, 2000):
        case.check("result" in p.answer(i), "no result")
    server.wait(lambda rs: len([r for r in rs if isinstance(r.rpc, list)]) == 3, "three batches")


def request_of_a_batch_can_be_cancelled_alone(case):
    gate = threading.Event()

    def handler(r):
        if isinstance(r.rpc, list):
            gate.wait(DEADLINE)
            r.json([response(m["id"]) for m in r.rpc])
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake("2025-03-26")
    p.send([request(1), request(2)])
    server.wait(lambda rs: [r for r in rs if isinstance(r.rpc, list)], "the batch")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/cancelled"], "the cancellation")
    gate.set()
    case.check("result" in p.answer(2), "no result")
    case.equal(p.finish(), 0, "status")
    case.equal([m["id"] for m in p.messages()], [0, 2], "ids")


def thousands_of_requests_before_the_first_answer(case):
    gate = threading.Event()

    def handler(r):
        if r.rpc_method == "initialize":
            gate.wait(DEADLINE)
        r.answer()
    server, p = case.bridge(handler)

    def write():
        p.send(INITIALIZE, INITIALIZED, *[request(i, "tools/list") for i in range(1, 5001)])
        p.end_input()
    writer = threading.Thread(target=write)
    writer.start()
    server.wait(lambda rs: rs, "initialize")
    gate.set()
    case.equal(p.wait(), 0, "status")
    writer.join()
    case.equal(sorted(m["id"] for m in p.messages()), list(range(5001)), "ids")
    case.check(all("result" in m for m in p.messages()), "errors")


def server_that_never_answers_holds_nobody_up_for_ever(case):
    """The input ends and an answer is still due: it is waited for, but not for ever."""
    def handler(r):
        r.wait_gone() if r.rpc_method == "tools/call" else r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(request(1), request(2))
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "tools/call"]) == 2, "the calls")
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.is_error(p.answer(1), -31000, "input ended")
    case.is_error(p.answer(2), -31000, "input ended")


server_that_never_answers_holds_nobody_up_for_ever.slow = True


def reader_that_takes_its_time_gets_everything_after_the_end_of_input(case):
    """It is waited for as long as it reads at all: here for longer than for one that does not, a piece at a time."""
    server = case.server(lambda r: r.answer({"text": "x" * (4 << 20)}) if r.rpc_method == "tools/call" else r.answer())
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(INITIALIZE, INITIALIZED, request(1))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
    p.end_input()
    out = b""
    for _ in range(3):
        out += os.read(read, 65536)
        with contextlib.suppress(subprocess.TimeoutExpired):
            p.process.wait(16)  # it must not end
    out += _all_of(read)
    os.close(read)
    case.equal(p.wait(), 0, "status")
    case.equal([json.loads(line)["id"] for line in out.splitlines()], [0, 1], "answers")


reader_that_takes_its_time_gets_everything_after_the_end_of_input.slow = True


# ---- what the descriptors are


def _talk(case, make, use=None):
    """Runs the program on descriptors that make() returns as (child's in, child's out, our in, our out)."""
    server = case.server()
    child_in, child_out, to, back = make()
    p = case.start(server.url, stdin=child_in, stdout=child_out)
    for fd in {child_in, child_out}:
        os.close(fd)
    return server, p, to, back


def input_and_output_are_files(case):
    lines = [INITIALIZE, INITIALIZED, request(1), request(2, "tools/list")]
    path = case.file("input", "\n".join(json.dumps(m) for m in lines))
    out = os.path.join(case.folder, "output")
    server, p, _, _ = _talk(case, lambda: (os.open(path, os.O_RDONLY), os.open(out, os.O_WRONLY | os.O_CREAT, 0o600), None, None))
    case.equal(p.wait(), 0, "status")
    with open(out) as f:
        case.equal(sorted(json.loads(x)["id"] for x in f), [0, 1, 2], "ids")


def input_and_output_are_one_socket(case):
    """As inetd and some language runtimes do it; the client shuts its half down and still reads."""
    ours, theirs = socket.socketpair()
    fd = theirs.detach()
    server = case.server()
    p = case.start(server.url, stdin=fd, stdout=fd)
    os.close(fd)
    ours.sendall(b"".join(json.dumps(m).encode() + b"\n" for m in (INITIALIZE, INITIALIZED, request(1))))
    ours.shutdown(socket.SHUT_WR)
    got = _all_of(ours.fileno())
    case.equal(p.wait(), 0, "status")
    case.equal([json.loads(x)["id"] for x in got.splitlines()], [0, 1], "ids")
    ours.close()


def input_and_output_are_a_terminal(case):
    parent, child = harness.terminal()
    import tty
    tty.setraw(child)
    server = case.server()
    p = case.start(server.url, stdin=child, stdout=child)
    os.write(parent, json.dumps(INITIALIZE).encode() + b"\n")
    got = b""
    while b"\n" not in got:
        got += os.read(parent, 65536)
    case.equal(json.loads(got)["id"], 0, "id")
    case.check(not fcntl.fcntl(child, fcntl.F_GETFL) & os.O_NONBLOCK or p.process.poll() is None, "flags")
    p.signal(signal.SIGTERM)
    case.equal(p.wait(), 0, "status")
    case.check(not fcntl.fcntl(child, fcntl.F_GETFL) & os.O_NONBLOCK, "the terminal stays non-blocking")
    os.close(child)
    os.close(parent)


def descriptors_that_are_closed(case):
    server = case.server()
    for close in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
        p = case.start("-c", 'exec "$0" "$1" ' + close, harness.PROGRAM, server.url, binary="/bin/sh")
        if "0" not in close:
            p.send(INITIALIZE, INITIALIZED, request(1))
        case.equal(p.finish(), 0, "status with " + close)
        if close == "2>&-":
            case.equal([m["id"] for m in p.messages()], [0, 1], "ids")


def input_that_cannot_be_read_is_named(case):
    server = case.server()
    fd = os.open(case.folder, os.O_RDONLY)
    p = case.start(server.url, stdin=fd)
    os.close(fd)
    p.wait()
    case.check(b"standard input" in p.errors, "nothing was said: %r" % p.errors)


def output_on_a_full_disk_is_a_failure_that_is_named(case):
    server = case.server()
    fd = os.open("/dev/full", os.O_WRONLY)
    p = case.start(server.url, stdout=fd)
    os.close(fd)
    p.send(INITIALIZE)
    case.equal(p.wait(), 1, "status")
    case.check(b"standard output" in p.errors and b"No space" in p.errors, "nothing was said: %r" % p.errors)


def client_that_starts_two_and_kills_one(case):
    """SDKs do so to find out the revision; the second one must not suffer."""
    server = case.server()
    first, second = case.start(server.url), case.start(server.url)
    first.send(request("probe", "server/discover"))
    second.send(INITIALIZE)
    first.process.kill()
    second.answer(0)
    second.send(INITIALIZED)
    case.check("result" in second.call(1), "no result")
    case.equal(second.finish(), 0, "status")


def reader_that_leaves_while_nothing_is_said_is_noticed(case):
    server = case.server()
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(INITIALIZE)
    readable(read)
    os.read(read, 65536)
    os.close(read)
    case.equal(p.wait(), 0, "status")
    case.equal(p.errors, b"", "standard error")


def reader_that_leaves_in_the_middle_of_an_answer(case):
    def handler(r):
        r.json(response(r.id, {"text": "x" * (20 << 20)})) if r.rpc_method == "tools/call" else r.answer()
    server = case.server(handler)
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(request(1))
    readable(read)
    os.read(read, 1000)
    os.close(read)
    case.equal(p.wait(), 0, "status")
    case.equal(p.errors, b"", "standard error")


def wrong_start_on_a_terminal_does_not_wait_for_input(case):
    parent, child = harness.terminal()
    p = case.start("http://127.0.0.1:1/mcp", "--header", "Authorization:${NOBODY_SET_THIS}", stdin=child, token=None)
    case.equal(p.wait(), 2, "status")
    case.check(b"NOBODY_SET_THIS" in p.errors, "what is wrong: %r" % p.errors)
    os.close(child)
    os.close(parent)


# ---- floods


def _resident_kib(p):
    with open("/proc/%d/status" % p.process.pid) as f:
        return int(next(x for x in f if x.startswith("VmRSS")).split()[1])


def nonsense_from_a_client_that_does_not_read_fills_no_memory(case):
    """Every line gets an error; a client that takes none is read no further."""
    count = 400_000
    server = case.server()
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(INITIALIZE)
    readable(read)
    before = _resident_kib(p)
    writer = threading.Thread(target=lambda: (p.send_raw(b"nonsense\n" * count), p.end_input()))
    writer.start()
    last = -1
    while writer.is_alive() and _resident_kib(p) != last:
        last = _resident_kib(p)
        writer.join(0.3)
    grown = _resident_kib(p) - before
    case.check(grown < 30 << 10 or harness.WRAP or "asan" in harness.PROGRAM, "it grew by %d KiB" % grown)
    got = _all_of(read)
    writer.join()
    os.close(read)
    case.equal(p.wait(), 0, "status")
    case.equal(got.count(b"-32700"), count, "errors")
    case.equal(got.count(b'"result"'), 1, "answers")


def requests_that_wait_fill_no_memory(case):
    """The server is slow to greet; the client has 300 MB of requests."""
    gate = threading.Event()

    def handler(r):
        if r.rpc_method == "initialize":
            gate.wait(DEADLINE)
        r.answer()
        r.body, r.rpc = b"", None  # nor of this process
    server, p = case.bridge(handler)
    p.send(INITIALIZE)
    server.wait(lambda rs: rs, "initialize")
    line = json.dumps(request("ID", "tools/list", text="y" * 1_000_000)).encode() + b"\n"
    writer = threading.Thread(target=lambda: [p.send_raw(line.replace(b'"ID"', b"%d" % i)) for i in range(1, 301)])
    writer.start()
    last = -1
    while writer.is_alive() and _resident_kib(p) != last:
        last = _resident_kib(p)
        writer.join(0.3)
    case.check(_resident_kib(p) < 150 << 10 or harness.WRAP or "asan" in harness.PROGRAM, "it holds %d KiB" % _resident_kib(p))
    gate.set()
    for i in range(1, 301):
        case.check("result" in p.answer(i), "no result")
    writer.join()


def answer_that_the_server_waits_for_is_read_past_a_full_queue(case):
    """Every call in flight waits for what the client says last."""
    said = threading.Event()

    def handler(r):
        if r.method == "GET":
            r.stream()
            r.event({"jsonrpc": "2.0", "id": "question", "method": "roots/list"})
            r.wait_gone()
        elif r.id == "question":
            said.set()
            r.reply(202)
        else:
            if r.rpc_method == "tools/call":
                said.wait()
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    p.wait_line(lambda line: b"roots/list" in line, "the question")
    lines = [request(i, text="y" * 3000) for i in range(1, 1501)] + [response("question", {"roots": []})]
    writer = threading.Thread(target=p.send, args=lines, daemon=True)
    writer.start()
    for i in range(1, 1501):
        case.check("result" in p.answer(i), "call %d failed" % i)
    writer.join()


def notifications_by_the_thousand_open_few_connections(case):
    state = {"now": 0, "most": 0}
    gate, lock = threading.Event(), threading.Lock()

    def handler(r):
        if r.rpc_method == "notifications/progress":
            with lock:
                state["now"] += 1
                state["most"] = max(state["most"], state["now"])
            gate.wait(DEADLINE)
            with lock:
                state["now"] -= 1
        r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.call(1)
    for i in range(1000):
        p.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": i}})
    p.send("nonsense")
    p.wait_line(lambda line: b"-32700" in line, "the error")  # all of them were read
    server.wait(lambda rs: state["now"] >= 100, "many at once")
    gate.set()
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "notifications/progress"]) == 1000, "all of them")
    case.check(state["most"] <= 300, "%d side by side" % state["most"])
    case.check(server.connections <= 350, "%d connections" % server.connections)
    case.check("result" in p.call(2), "no result")


def client_that_writes_before_it_reads_is_let_write(case):
    """A large answer waits to be read while the client is still writing its next large request."""
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(response(r.id, {"text": "x" * (30 << 20)}))
        else:
            r.answer()
    server = case.server(handler)
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(request(1))
    readable(read)
    p.send(*[request(i, "tools/list", text="y" * 1_000_000) for i in range(2, 12)])
    p.end_input()
    lines = _all_of(read).splitlines()
    case.equal(p.wait(), 0, "status")
    case.equal(sorted(json.loads(line)["id"] for line in lines), list(range(1, 12)), "ids")
    os.close(read)


# ---- credentials as they arrive


def authorization_as_people_paste_it_is_what_they_meant(case):
    """In the header itself, and in the variable that it refers to."""
    account = ["Bearer Basic " + TOKEN, "Bearer Basic " + PAIR, "Bearer\u00a0Basic\u00a0" + TOKEN, "Basic Bearer " + TOKEN,
               "Bearer Bearer Basic " + TOKEN, "Authorization: Bearer Basic " + TOKEN, "Bearer Basic '%s'" % TOKEN.rstrip("="),
               "Bearer Basic %s\\n" % TOKEN]
    other = ["Bearer a-t0ken.of~others", '"Bearer a-t0ken.of~others"', "Bearer 'a-t0ken.of~others'", "\ufeffBearer  a-t0ken.of~others\u00a0",
             "authorization: Bearer a-t0ken.of~others", "Bearer Bearer a-t0ken.of~others", "Bearer%20a-t0ken.of~others"]
    case.secrets.append("a-t0ken.of~others")
    for given, want in [(g, ACCOUNT_HEADER) for g in account] + [(g, "Bearer a-t0ken.of~others") for g in other] + [
            ("Basic YTpiYw==", "Basic YTpiYw=="), ("t0ken-without-a-scheme", "t0ken-without-a-scheme"), ("bearer x-y-z-1", "bearer x-y-z-1"),
            ('Digest username="a", nonce="b-1-2-3"', 'Digest username="a", nonce="b-1-2-3"')]:
        for args, env in ((["--header", "Authorization: " + given], None), (["--header", "'Authorization: %s'" % given], None),
                          (["--header", "Authorization:${AUTH}"], {"AUTH": given}), (["--header", "Authorization: ${env:AUTH}"], {"AUTH": given + "\n"})):
            server = case.server()
            p = case.start(server.url, *args, token=None, env=env)
            p.handshake()
            case.equal(p.finish(), 0, "status")
            case.equal(server.requests[0].headers.get("authorization"), want, "header with %r %r" % (args, env))


def variables_in_any_header_lose_quotes_and_marks(case):
    server = case.server()
    p = case.start(server.url, "--header", "X-Key: ${KEY}", "--header", "X-Two: a ${env:TWO} b", env={"KEY": '\ufeff"X-Key: k-1"\r\n', "TWO": "'t-2' "})
    p.handshake()
    sent = server.requests[0].headers
    case.equal((sent["x-key"], sent["x-two"]), ("k-1", "a t-2 b"), "headers")


def nothing_unfilled_is_sent(case):
    case.secrets.append("Zx81qPlm0aWrTt5k")
    url = "http://127.0.0.1:1/mcp"
    rows = [("${NO_SUCH}", "${NO_SUCH}"), ("${env:NO_SUCH}", "${NO_SUCH}"), ("${input:mixpanel-token}", "${input:...}"), ("$MY_TOKEN", "${MY_TOKEN}"),
            ("%MY_TOKEN%", "${MY_TOKEN}"), ("{{token}}", "placeholder"), ("<some token>", "placeholder"), ("{token}", "placeholder"),
            ("$(cat token)", "no shell"), ("${MY_TOKEN:-Zx81qPlm0aWrTt5k}", "${MY_TOKEN}"), ("${{ secrets.MY_TOKEN }}", "${NAME}"),
            ("<Zx81qPlm0aWrTt5k>", "placeholder"), ("your-token-here", '"your-token-here"'), ("YOUR_TOKEN", '"YOUR_TOKEN"'),
            ("<your token>", '"<your token>"'), ("base64-of-username:secret", '"base64-of-username:secret"'), ("<base64...>", '"<base64...>"'),
            ("YOUR_API_KEY_HERE", '"YOUR_API_KEY_HERE"'), ("xxxxxxxx", '"xxxxxxxx"'), ("***", '"***"'), ("username:secret", '"username:secret"')]
    for given, said in rows:
        for args, env in ((["--header", "Authorization: " + given], None), (["--header", "Authorization: Bearer " + given], None),
                          (["--header", "Authorization: Bearer Basic " + given], None), (["--header", "X-Api-Key: " + given], None),
                          (["--header", "Authorization: Bearer ${AUTH}"], {"AUTH": given}), (["--header", "X-Api-Key: ${AUTH}"], {"AUTH": '"%s"' % given}),
                          (["--static-oauth-client-info", '{"client_id":"x","client_secret":"${AUTH}"}'], {"AUTH": given}),
                          ([], {"MIXPANEL_SA_TOKEN": given}), ([], {"MIXPANEL_SA_TOKEN": "Bearer Basic " + given}),
                          ([], {"MIXPANEL_SA_USERNAME": "a", "MIXPANEL_SA_SECRET": given})):
            p = case.start(url, *args, token=None, env=env)
            p.send(INITIALIZE)
            case.is_error(p.answer(0), -31000, said)
            case.equal(p.wait(), 2, "status with %r %r" % (args, env))


def what_only_looks_unfilled_is_sent(case):
    server = case.server()
    rows = [("X-Json", '{"your": "token"}'), ("X-Link", "<https://example.com/your>"), ("X-Price", "$5"), ("X-Share", "50%"), ("X-Dollar", "a$B"),
            ("X-Word", "token"), ("X-Word", "secret-account"), ("Authorization", "Bearer access-token"), ("X-Quoted", '"a", "b"')]
    for name, value in rows:
        p = case.start(server.url, "--header", "%s: %s" % (name, value), token=None)
        p.handshake()
        case.equal(p.finish(), 0, "status")
        case.equal(server.of("initialize")[-1].headers.get(name.lower()), value, "header")
