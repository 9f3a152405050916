"""Servers that are unusual, sloppy or hostile: what must still work, and what must still come to an end."""

import gzip
import json
import os
import socket
import threading
import time
import zlib

from harness import ACCOUNT_HEADER, DEADLINE, INITIALIZE, INITIALIZED, LIMIT, Failed, initialized_result, readable, request, response


def _calls(answer):
    """A handler that answers tools/call with answer(request) and all else as usual."""
    return lambda r: answer(r) if r.rpc_method == "tools/call" else r.answer()


def _line(message):
    return json.dumps(message).encode() + b"\n"


def _read_until(fd, text):
    """The end of what comes up to this text and the end of its line; hundreds of megabytes are not kept."""
    tail = b""
    while text not in tail or b"\n" not in tail[tail.index(text):]:
        if not readable(fd):
            raise Failed("%r never came" % text)
        piece = os.read(fd, 1 << 20)
        if not piece:
            raise Failed("the output ended before %r" % text)
        at = tail.find(text)
        tail = (tail[at:] if at >= 0 else tail[-1000:]) + piece
    return tail[tail.index(text):]


# ---- ways to frame an answer


def chunks_with_extensions_and_trailers_are_one_body(case):
    def answer(r):
        body = json.dumps(response(r.id)).encode()
        r.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked", "Trailer": "X-Sum"})
        r.raw(b"5;a=b\r\n%s\r\n%X ; x=\"y\"\r\n%s\r\n0\r\nX-Sum: 1\r\nMcp-Session-Id: late\r\n\r\n" % (body[:5], len(body) - 5, body[5:]))
    server, p = case.bridge(_calls(answer))
    p.handshake()
    p.call(1)
    p.call(2)
    case.check("mcp-session-id" not in server.of("tools/call")[-1].headers, "a trailer was taken for a header field")
    case.check(server.connections <= 2, "a connection was not used again")


def content_types_in_any_case_and_with_parameters_are_known(case):
    rows = ["application/json;charset=utf-8", "Application/JSON ; Charset=UTF-8", "TEXT/EVENT-STREAM", "text/event-stream;charset=utf-8", "text/event-stream; x=\"a;b\""]

    def answer(r):
        text = json.dumps(response(r.id))
        r.reply(200, text if "json" in rows[r.id].lower() else "data: %s\n\n" % text, {"Content-Type": rows[r.id]})
    _, p = case.bridge(_calls(answer))
    p.handshake("2025-11-25")
    for i in range(1, len(rows)):
        case.check("result" in p.call(i), rows[i])


def types_that_only_begin_alike_are_wrong_types(case):
    rows = ["application/jsonlines", "text/event-stream-x", "application/json-seq", ""]

    def answer(r):
        r.reply(200, json.dumps(response(r.id)), {"Content-Type": rows[r.id - 1]} if rows[r.id - 1] else {})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i in range(1, len(rows) + 1):
        case.is_error(p.call(i), -31500, "Check that the URL")


def http_1_0_answers_that_end_with_the_connection(case):
    def answer(r):
        body = json.dumps(response(r.id))
        if r.id == "sse":
            body = "data: %s\n\n" % body
        r.raw("HTTP/1.0 200 OK\r\nContent-Type: %s\r\n\r\n%s" % ("text/event-stream" if r.id == "sse" else "application/json", body))
        r.close()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for ident in ("json", "sse", "again"):
        case.check("result" in p.call(ident), ident)


def connection_closed_after_every_answer(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(response(r.id), headers={"Connection": "close"})
            r.close()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    for i in range(1, 51):
        case.check("result" in p.call(i), "call %d" % i)
    case.equal(len(server.of("tools/call")), 50, "calls")


def idle_connection_that_was_closed_is_not_used_again(case):
    """The server closes without saying so; the next call opens a connection of its own."""
    closed = threading.Event()

    def handler(r):
        r.answer()
        if r.rpc_method == "tools/call":
            r.close()
            closed.set()
    server, p = case.bridge(handler)
    p.handshake()
    for i in range(1, 6):
        closed.clear()
        case.check("result" in p.call(i), "call %d" % i)
        closed.wait(DEADLINE)
    case.equal(len(server.of("tools/call")), 5, "calls")


def interim_answers_are_passed_over(case):
    def answer(r):
        r.raw("HTTP/1.1 100 Continue\r\n\r\n" + "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nMcp-Session-Id: no\r\nContent-Type: text/html\r\n\r\n" * 20)
        r.answer()
    server, p = case.bridge(_calls(answer))
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.check("result" in p.call(2), "no result")
    case.check("mcp-session-id" not in server.of("tools/call")[-1].headers, "an interim field was taken")


def answers_in_every_offered_encoding_are_unpacked(case):
    text = "x" * 5000

    def answer(r):
        offered = [e.strip() for e in r.headers.get("accept-encoding", "").split(",")]
        plain = json.dumps(response(r.id, {"text": text})).encode()
        coder = zlib.compressobj()
        packed = {"gzip": gzip.compress(plain), "deflate": coder.compress(plain) + coder.flush()}[r.id]
        case.check(r.id in offered, "%s was not offered" % r.id)
        r.reply(200, packed, {"Content-Type": "application/json", "Content-Encoding": r.id.upper()})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for ident in ("gzip", "deflate"):
        case.equal(p.call(ident)["result"]["text"], text, "text")


def packed_event_stream_is_unpacked_as_it_comes(case):
    go_on = threading.Event()

    def answer(r):
        r.stream({"Content-Encoding": "gzip"})
        packer = zlib.compressobj(wbits=31)
        note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "first"}}
        r.chunk(packer.compress(b"data: " + json.dumps(note).encode() + b"\n\n") + packer.flush(zlib.Z_SYNC_FLUSH))
        go_on.wait(DEADLINE)
        r.chunk(packer.compress(b"data: " + json.dumps(response(r.id)).encode() + b"\n\n") + packer.flush())
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(request(1))
    p.wait_line(lambda line: b"first" in line, "the notification")
    go_on.set()
    case.check("result" in p.answer(1), "no result")


def packed_answer_that_is_damaged_is_an_error(case):
    def answer(r):
        packed = bytearray(gzip.compress(json.dumps(response(r.id, {"text": "x" * 5000})).encode()))
        if r.id == 1:
            packed[20] ^= 0xff
        r.reply(200, bytes(packed) if r.id == 1 else b"not packed at all", {"Content-Type": "application/json", "Content-Encoding": "gzip"})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.check("error" in p.call(1), "no error")
    case.check("error" in p.call(2), "no error")


def packed_bomb_is_an_error_and_not_memory(case):
    """Three hundred kilobytes that become 300 MiB."""
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(b'{"jsonrpc":"2.0","id":1,"result":"')] + [packer.compress(b"a" * (1 << 20)) for _ in range(300)] + [packer.flush()])

    def answer(r):
        r.reply({"page": 500}.get(r.id, 200), bomb, {"Content-Type": "text/event-stream" if r.id == "sse" else "application/json", "Content-Encoding": "gzip"})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.is_error(p.call("json"), -31000, "256 MiB")
    case.check("error" in p.call("sse"), "no error")
    case.is_error(p.call("page"), -31500, "500")
    case.check("result" in p.call(1, "tools/list"), "the bridge does not go on")


def answers_together_are_an_error_and_not_memory(case):
    """Two that announce 250 MiB each, and a third one beside them. When 24 MiB of an answer are sent, more than the sockets
    hold, the bridge has seen its header."""
    begun = {"a": threading.Event(), "b": threading.Event()}

    def answer(r):
        if r.id in begun:
            r.head(200, {"Content-Type": "application/json"}, 250 << 20)
            r.raw(b'{"x":"' + b"y" * (24 << 20))
            begun[r.id].set()
            r.wait_gone()
        else:
            r.stream()
            r.event('{"jsonrpc":"2.0","id":"%s","result":"%s"}' % (r.id, "z" * (20 << 20)) if r.id != "e" else '{"jsonrpc":"2.0","id":"e","result":{}}')
            r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for ident in "ab":
        p.send(request(ident))
        case.check(begun[ident].wait(DEADLINE), "no answer was begun")
    case.is_error(p.call("c"), -31000, "in total")
    case.check("result" in p.call("e"), "a small answer beside them")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "a"}})
    p.send(request("d"))
    p.wait_line(lambda line: len(line) > 20 << 20 and line.startswith(b'{"jsonrpc":"2.0","id":"d"'), "the answer when there is room again")


def packed_stream_without_end_is_an_error_and_not_memory(case):
    """Eleven bytes, again and again, of which each time one event of 128 KiB is made (RFC 8878)."""
    head = bytes.fromhex("28b52ffd0068cc020002851011a06f43861696bb91edff9ff9e56c6fc31500e4dceed69354b1bdbfff1a9faed0a9cf5f5eeb4352a36cd65153"
                         "cdca9824b30f5b7419a64fa349a3acae71386e3d0506009effb85cc404084f80680aa88902ae02cc3c"
                         "540000000100fdff0300f20804540000000100fdff0300f20804")
    again = bytes.fromhex("440000000100fdff390002")

    def handler(r):
        if r.method == "GET" or r.rpc_method == "tools/call":
            r.reply(200, head + again * 20000, {"Content-Type": "text/event-stream", "Content-Encoding": "zstd"})
        else:
            r.answer()
    server = case.server(handler)
    out, theirs = os.pipe()
    p = case.start(server.url, stdout=theirs)
    os.close(theirs)
    p.send(INITIALIZE)
    _read_until(out, b'"serverInfo"')
    p.send(INITIALIZED, request(1))
    if "zstd" in server.requests[0].headers["accept-encoding"]:
        error = _read_until(out, b'"error"')
        case.check(b"more than 256 MiB at once" in error, "the answer is %r" % error[-400:])
    p.send(request(2, "tools/list"))
    _read_until(out, b'"id": 2')
    os.close(out)


# ---- wrong lengths, endless heads, endless bodies


def body_shorter_than_its_length_is_an_error(case):
    def answer(r):
        body = json.dumps(response(r.id))
        r.head(200, {"Content-Type": "application/json"}, len(body) + 1)
        r.raw(body)
        r.close()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.is_error(p.call(1), -31503)


def body_longer_than_its_length_does_not_become_the_next_answer(case):
    def answer(r):
        body = json.dumps(response(r.id)).encode()
        if r.id == 1:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            forged = b'{"jsonrpc":"2.0","id":2,"result":"forged"}'
            # In one piece: what arrives later, on a connection in use again, nobody can tell from an answer.
            r.raw(head % (len(body), body) + head % (len(forged), forged))
        else:
            r.reply(200, body, {"Content-Type": "application/json"})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.call(1)
    case.check(p.call(2).get("result") != "forged", "the forged answer was taken")


def length_that_is_absurd_costs_nothing(case):
    def answer(r):
        r.head(200, {"Content-Type": "application/json", "Content-Length": str(250 << 20 if r.id == 1 else 1 << 62)})
        r.raw(json.dumps(response(r.id)))
        r.close()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i in (1, 2):
        case.check("error" in p.call(i), "no error")
    case.check("result" in p.call(3, "tools/list"), "the bridge does not go on")


def flood_of_header_fields_is_an_error(case):
    def answer(r):
        if r.id == 1:
            r.raw("HTTP/1.1 200 OK\r\n" + "".join("X-%d: %s\r\n" % (i, "y" * 1000) for i in range(1000)))
        elif r.id == 2:
            r.raw("HTTP/1.1 200 OK\r\n" + "Set-Cookie: a=b\r\n" * 100000)
        elif r.id == 3:
            r.raw("HTTP/1.1 200 OK\r\nX: " + "y" * 3000000)
        else:
            r.raw("HTTP/1.1 103 Early Hints\r\n\r\n" * 100000)
        r.raw("\r\n")
    _, p = case.bridge(_calls(answer), "--headers-timeout", "20")
    p.handshake()
    for i in range(1, 5):
        case.check("error" in p.call(i), "no error")
    case.check("result" in p.call(9, "tools/list"), "the bridge does not go on")


def head_that_drips_for_ever_is_an_error(case):
    """Each line comes in time; the head never ends."""
    def answer(r):
        r.raw("HTTP/1.1 200 OK\r\n")
        while True:
            r.raw("X: y\r\n")
            time.sleep(0.05)
    _, p = case.bridge(_calls(answer), "--headers-timeout", str(LIMIT))
    p.handshake()
    case.is_error(p.call(1), -31503, "no answer in time")


head_that_drips_for_ever_is_an_error.slow = True


def head_that_begins_with_a_folded_line_ends_its_request_alone(case):
    """libcurl before 8.1.0 took the line for a part of the answer before, which was freed."""
    def answer(r):
        if r.id % 2:
            r.raw(b"HTTP/1.1 200 OK\r\n folded: x\r\nContent-Length: 0\r\n\r\n")
        else:
            r.answer()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i in range(1, 9):
        case.check(("error" if i % 2 else "result") in p.call(i), "not answered as it should be: %d" % i)
    case.equal(p.finish(), 0, "status")


def folded_line_that_comes_first_ends_no_check(case):
    """Whoever answers discovery has nobody's trust yet."""
    for command in (["login", "--no-browser"], ["doctor"]):
        asked = []

        def handler(r, asked=asked):
            asked.append(r)
            r.raw(b"HTTP/1.1 404 No\r\n" + (b" folded: x\r\n" if len(asked) > 1 else b"X: y\r\n") + b"Content-Length: 0\r\n\r\n")
        p = case.start(*command, case.server(handler).url, token=None)
        case.check(0 < p.wait() < 128, "%s did not end with a failure of its own" % command[0])
        case.check(len(asked) > 1, "%s asked once only" % command[0])


def something_that_is_no_http_is_an_error(case):
    def answer(r):
        r.raw({1: b"SSH-2.0-OpenSSH_9.2\r\n", 2: b"\x16\x03\x01\x00\x05hello", 3: b"HTTP/1.1\r\n\r\n", 4: b"HTTP/1.1 999999999999 X\r\n\r\n",
               5: b"HTTP/9.9 200 OK\r\n\r\n", 6: b"\0" * 100, 7: b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nxyz"}[r.id])
        r.close()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i in range(1, 8):
        case.check("error" in p.call(i), "no error for %d" % i)
    case.check("result" in p.call(9, "tools/list"), "the bridge does not go on")


def request_answered_204_or_with_an_empty_stream_is_an_error(case):
    def answer(r):
        if r.id == 1:
            r.head(204, {})
        elif r.id == 2:
            r.reply(200, "", {"Content-Type": "text/event-stream"})
        else:
            r.reply(200, "[]", {"Content-Type": "application/json"})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i in (1, 2, 3):
        case.is_error(p.call(i), -31500)
    case.check("result" in p.call(4, "tools/list"), "the bridge does not go on")


def refusal_whose_body_never_ends_is_still_an_error(case):
    """No length, and the connection stays open: sloppy servers do this with every empty answer."""
    def answer(r):
        words = "out of order" if r.id == 2 else ""
        r.raw("HTTP/1.1 %d X\r\nContent-Type: text/plain\r\n\r\n%s" % ({1: 404, 2: 500, 3: 403, 4: 302}[r.id], words))
        r.wait_gone()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(*[request(i) for i in range(1, 5)])
    case.is_error(p.answer(1), -31404, "404")
    case.is_error(p.answer(2), -31500, "out of order")
    case.is_error(p.answer(3), -31403, "403")
    case.is_error(p.answer(4), -31500, "302")


def acceptance_whose_body_never_ends_holds_nothing_up(case):
    """202 without a length on a connection that stays open, as Python's http.server does it when asked carelessly."""
    def handler(r):
        if r.method == "POST" and (r.id is None or r.id == "none"):
            r.head(202, {})
            r.wait_gone()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.is_error(p.call("none"), -31500, "no answer")
    case.equal(p.finish(), 0, "status")


def stream_in_answer_to_a_notification_holds_nothing_up(case):
    """Against the specification, yet done: 200 and an event stream that stays open."""
    notes = []

    def handler(r):
        if r.method == "POST" and r.id is None:
            notes.append(r)
            r.stream()
            r.chunk(": hello\n\n")
            r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": len(notes)}})
            while True:
                r.chunk(": ping\n\n")
                time.sleep(0.1)
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    for i in range(200):
        p.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": i}})
    case.check("result" in p.call(1), "no result")
    p.wait_line(lambda line: b"notifications/message" in line, "the message of a stream")
    case.equal(p.finish(), 0, "status")


def answer_before_the_request_is_sent_whole(case):
    """413 after the first bytes of a large request: the server's word arrives, not a broken pipe."""
    def serve(listener):
        while True:
            try:
                conn, _ = listener.accept()
            except OSError:
                return
            data = b""
            while b"\r\n\r\n" not in data:
                data += conn.recv(4096)
            conn.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Type: text/plain\r\nContent-Length: 15\r\nConnection: close\r\n\r\nat most 1 MB, k")
            conn.shutdown(socket.SHUT_WR)
            with conn:
                try:
                    while conn.recv(1 << 20):
                        pass
                except OSError:
                    pass
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    p = case.start("http://127.0.0.1:%d/mcp" % listener.getsockname()[1])
    p.send(request(1, text="y" * 20_000_000))
    case.is_error(p.answer(1), -31500, "413", "at most 1 MB")
    listener.close()


def server_that_reads_slowly_gets_a_large_request_whole(case):
    got = []

    def serve(listener):
        conn, _ = listener.accept()
        with conn:
            stream = conn.makefile("rb")
            while stream.readline() not in (b"\r\n", b""):
                pass
            got.append(0)
            while got[0] < 8_000_000:
                got[0] += len(stream.read1(65536))
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 36\r\n\r\n" + b'{"jsonrpc":"2.0","id":1,"result":{}}')
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    p = case.start("http://127.0.0.1:%d/mcp" % listener.getsockname()[1])
    p.send(request(1, text="y" * 8_000_000))
    case.check("result" in p.answer(1), "no result")
    listener.close()


# ---- event streams


def comments_before_the_answer_and_other_fields_are_passed_over(case):
    def answer(r):
        r.stream()
        for _ in range(50):
            r.chunk(": ping\n\n")
        r.chunk("\n\n\nfoo: bar\ndata\n\nid: 1\n\nretry: nonsense\n\n" + ":" * 100000 + "\n")
        r.chunk("event: message\nid: 7\ndata:%s\n\n" % json.dumps(response(r.id)))
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.check("result" in p.call(1), "no result")
    p.finish()
    case.equal([m.get("id") for m in p.messages()], [0, 1], "messages")


def events_of_other_names_are_not_messages(case):
    def answer(r):
        r.stream()
        for name in ("ping", "endpoint", "error", "Message", "message2"):
            r.chunk("event: %s\ndata: %s\n\n" % (name, json.dumps(response(r.id, {"from": name}))))
        r.chunk("event:message\ndata: %s\n\n" % json.dumps(response(r.id, {"from": "right"})))
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.equal(p.call(1)["result"], {"from": "right"}, "result")


def many_messages_before_the_answer_come_in_order(case):
    def answer(r):
        r.stream()
        for i in range(500):
            r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": i}})
        r.event({"jsonrpc": "2.0", "id": "s1", "method": "sampling/createMessage", "params": {}})
        r.event(response(r.id))
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.call(1)
    rest = p.messages()[1:]
    case.equal([m["params"]["progress"] for m in rest[:500]], list(range(500)), "progress")
    case.equal([m["id"] for m in rest[500:]], ["s1", 1], "request and answer")


def lines_end_with_cr_and_lf_and_pings_come_in_between(case):
    def answer(r):
        r.stream()
        for _ in range(3):
            r.chunk(": ping - 2026-11-25 09:00:00\r\n\r\n")
        r.chunk("event: message\r\nid: 1\r\ndata: %s\r\n" % json.dumps({"jsonrpc": "2.0", "method": "notifications/x"}))
        r.chunk("\r\n: ping\r\n\r\nevent: message\r")
        r.chunk("\ndata: %s\r" % json.dumps(response(r.id)))
        r.chunk("\n\r")
        r.chunk("\n")
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.check(any(m.get("method") == "notifications/x" for m in p.messages()), "the first event is missing")


def lines_end_with_cr_alone(case):
    def answer(r):
        r.stream()
        r.chunk("\ufeffdata: %s\r\rdata: %s\r\r" % (json.dumps({"jsonrpc": "2.0", "method": "notifications/x"}), json.dumps(response(r.id))))
        r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.check(any(m.get("method") == "notifications/x" for m in p.messages()), "the first event is missing")


def characters_cut_between_chunks_stay_whole(case):
    message = json.dumps(response(1, {"text": "größer → 𝄞" * 50}), ensure_ascii=False).encode()

    def answer(r):
        if r.headers["accept"] and r.id == 1:
            r.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
            for i in range(0, len(message), 3):
                r.chunk(message[i:i + 3])
            r.end()
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.answer(1) if p.send(request(1)) else p.answer(1)
    case.check(message + b"\n" in p.lines, "bytes were changed")


def answer_that_begins_with_a_byte_order_mark(case):
    def answer(r):
        r.json(b"\xef\xbb\xbf" + json.dumps(response(r.id, {"text": "x" * r.rpc["params"]["size"]})).encode())
    _, p = case.bridge(_calls(answer))
    p.handshake()
    for i, size in ((1, 3), (2, 1 << 20)):
        case.check("result" in p.call(i, size=size), "no result")
    case.check(all(line.startswith(b"{") for line in p.lines), "the mark went on to the client")


def answer_on_the_stream_of_another_request_counts(case):
    first = []
    both = threading.Event()

    def answer(r):
        if r.id == 1:
            r.stream()
            first.append(r)
            both.wait(DEADLINE)
            r.event(response(2, {"on": "the other stream"}))
            r.event(response(1))
            r.end()
        else:
            both.set()
            r.wait_gone()
    server, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.id == 1], "the first call")
    p.send(request(2))
    case.equal(p.answer(2)["result"], {"on": "the other stream"}, "result")
    p.answer(1)
    case.equal(p.finish(), 0, "status")
    case.equal(sorted(m["id"] for m in p.messages()), [0, 1, 2], "ids")


def answer_on_the_get_stream_to_a_posted_request_counts(case):
    asked = threading.Event()

    def handler(r):
        if r.method == "GET":
            r.stream()
            asked.wait(DEADLINE)
            r.event(response(1, {"on": "GET"}))
            r.wait_gone()
        elif r.rpc_method == "tools/call":
            asked.set()
            r.reply(202) if r.id == 2 else r.wait_gone()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: [r for r in rs if r.method == "GET"], "the GET stream")
    case.equal(p.call(1)["result"], {"on": "GET"}, "result")
    case.equal(p.finish(), 0, "status")
    case.equal([m["id"] for m in p.messages()], [0, 1], "ids")


def answer_to_a_request_that_was_not_sent_yet_is_none(case):
    """The client asks before the handshake is over; the server guesses the id."""
    def handler(r):
        if r.rpc_method == "initialize":
            guess.wait(DEADLINE)
            r.stream()
            r.event(response(1, {"from": "a guess"}))
            r.event(initialized_result(r.id))
            r.end()
        else:
            r.answer({"from": "the server"})
    guess = threading.Event()
    server = case.server(handler)
    p = case.start(server.url)
    p.send(INITIALIZE, request(1), "nonsense")
    p.wait_line(lambda line: b"-32700" in line, "the error")  # so all three were read
    guess.set()
    case.equal(p.answer(1)["result"], {"from": "the server"}, "result")
    case.equal(p.finish(), 0, "status")
    case.equal(len(server.of("tools/call")), 1, "calls")
    case.equal(len([m for m in p.messages() if m["id"] == 1]), 1, "answers")


def batch_whose_first_element_settles_it_is_read_no_further(case):
    """An answer that ends the request's exchange, and another one behind it in the same array."""
    def handler(r):
        if r.rpc_method == "initialize":
            refusal = {"jsonrpc": "2.0", "id": r.id, "error": {"code": -32022, "message": "Unsupported", "data": {"supported": ["2026-07-28"]}}}
            r.json([refusal, initialized_result(r.id)], 200)
        elif r.rpc_method == "server/discover":
            r.json({"jsonrpc": "2.0", "id": r.id, "result": {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                                                             "serverInfo": {"name": "m", "version": "1"}}})
        else:
            r.answer({"resultType": "complete"})
    server, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal(p.finish(), 0, "status")
    case.equal([m["id"] for m in p.messages()], [0, 1], "ids")


def batch_inside_a_batch_is_dropped(case):
    def answer(r):
        r.json([[response(r.id, {"from": "inside"})], response(r.id, {"from": "outside"})])
    _, p = case.bridge(_calls(answer))
    p.handshake("2025-03-26")
    case.equal(p.call(1)["result"], {"from": "outside"}, "result")


def id_of_another_type_is_no_answer(case):
    def answer(r):
        r.json(response(str(r.id)))
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(request(1))
    case.check("error" in p.answer(1), "the answer to \"1\" was taken for 1")


def large_ids_that_differ_in_the_last_digit_are_different(case):
    """Nanoseconds since 1970 are 19 digits, which a double does not hold."""
    ids = [1732500000000000000 + i for i in range(5)]
    gate = threading.Event()

    def answer(r):
        gate.wait(DEADLINE)
        r.json('{"jsonrpc":"2.0","id":%d,"result":{"n":%d}}' % (r.id, r.id % 10))
    server, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(*[request(i) for i in ids])
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "tools/call"]) == 5, "five calls")
    gate.set()
    for i in ids:
        case.equal(p.answer(i).get("result"), {"n": i % 10}, "result of %d" % i)


def large_id_that_the_server_rounded_is_put_right(case):
    """What a server in JavaScript makes of it."""
    ident = 1732500000000000001

    def answer(r):
        r.json('{"jsonrpc":"2.0","id":1732500000000000000,"result":{}}')
    _, p = case.bridge(_calls(answer))
    p.handshake()
    p.send(request(ident))
    case.equal(p.answer(ident), {"jsonrpc": "2.0", "id": ident, "result": {}}, "answer")


def not_found_of_a_living_session_passes_through(case):
    """404 with an answer to this very request: the method is unknown, the session is not."""
    def handler(r):
        if r.rpc_method == "initialize":
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"})
        elif r.rpc_method == "tools/call":
            r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32601, "message": "no such method"}}, 404)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -32601, "no such method")
    case.check("result" in p.call(2, "tools/list"), "no result")
    case.equal(len(server.of("initialize")), 1, "number of initialize")
    case.equal(len(server.of("tools/call")), 1, "number of calls")


def several_forgotten_calls_open_one_new_session(case):
    state = {"session": 0}
    lock, gate = threading.Lock(), threading.Barrier(10)

    def handler(r):
        if r.rpc_method == "initialize":
            with lock:
                state["session"] += 1
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        elif r.rpc_method == "tools/call" and r.headers.get("mcp-session-id") == "s1":
            gate.wait(DEADLINE)
            r.reply(404)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 11)])
    for i in range(1, 11):
        case.check("result" in p.answer(i), "call %d" % i)
    case.equal(len(server.of("initialize")), 2, "number of initialize")
    p.finish()
    server.wait_deleted()
    case.equal([r.headers.get("mcp-session-id") for r in server.of(method="DELETE")], ["s2"], "deleted")


def session_id_that_cannot_be_a_field_is_left_out(case):
    for bad in ("a b\x01c", "", "s" * 4097):
        def handler(r, bad=bad):
            if r.rpc_method == "initialize":
                r.head(200, [("Content-Type", "application/json"), ("Mcp-Session-Id", bad)], len(json.dumps(initialized_result(0))))
                r.raw(json.dumps(initialized_result(0)))
            else:
                r.answer()
        server, p = case.bridge(handler)
        p.handshake()
        case.check("result" in p.call(1), "no result")
        case.check(all("mcp-session-id" not in r.headers for r in server.requests), "a session id of %d bytes was sent" % len(bad))
        case.equal(p.finish(), 0, "status")
        case.check(not server.of(method="DELETE"), "a session without an id was ended")


def revision_that_is_odd_is_not_sent_as_a_field(case):
    def handler(r):
        if r.rpc_method == "initialize":
            r.json({"jsonrpc": "2.0", "id": r.id, "result": {"protocolVersion": "2025\r\nX-Evil: 1", "capabilities": {}, "serverInfo": {}}})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.check(all("x-evil" not in r.headers for r in server.requests), "a field was smuggled in")


def _polls(case, first, later):
    """How long eight GETs took, each of which is answered at once by a stream with later(n), and retry is 0."""
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event(first, ident="e0", retry=0)
            r.end()
        elif r.method == "GET" and "last-event-id" in r.headers:
            n = len([x for x in server.requests if "last-event-id" in x.headers])
            r.stream()
            if n >= 8:
                r.event(response(1))
            else:
                later(r, n)
            r.end()
        else:
            r.answer()
    server = case.server(handler)
    p = case.start(server.url)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    gets = [r.at for r in server.requests if "last-event-id" in r.headers]
    return gets[-1] - gets[0]


def polling_that_brings_nothing_slows_down(case):
    took = _polls(case, "", lambda r, n: None)
    case.check(took >= 2, "eight GETs within %.2f s" % took)


def polling_that_brings_the_same_again_slows_down(case):
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "again"}}
    took = _polls(case, note, lambda r, n: r.event(note, ident="e0", retry=0))
    case.check(took >= 2, "eight GETs within %.2f s" % took)


def polling_that_brings_news_at_once_has_a_least_pause(case):
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "new"}}
    took = _polls(case, note, lambda r, n: r.event(note, ident="e%d" % n, retry=0))
    case.check(took >= 1, "eight GETs within %.2f s" % took)


def deleting_the_session_is_not_waited_for_long(case):
    def handler(r):
        if r.rpc_method == "initialize":
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"})
        elif r.method == "DELETE":
            r.wait_gone()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.call(1)
    case.equal(p.finish(), 0, "status")
    server.wait_deleted()
    case.equal(len(server.of(method="DELETE")), 1, "number of DELETE")


def answer_nested_as_a_trap_costs_no_time(case):
    """A refusal of a megabyte whose words lie a thousand levels down."""
    def answer(r):
        filler = "[" + "0," * 480000 + "0]"
        body = '{"error":' * 1000 + '{"x":%s}' % filler + "}" * 1000
        r.reply(400, body, {"Content-Type": "application/json"})
    _, p = case.bridge(_calls(answer))
    p.handshake()
    before = _cpu(p)
    case.is_error(p.call(1), -31500, "400")
    case.check(_cpu(p) - before < 2, "it took %.1f s" % (_cpu(p) - before))


def _cpu(p):
    with open("/proc/%d/stat" % p.process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def members_that_are_null_do_not_hide_the_answer_and_do_not_reach_the_client(case):
    nulls = {"method": None, "params": None}

    def answer(r):
        value = {"jsonrpc": "2.0", "id": r.id, **nulls, "result": None, "error": None}
        if r.id == 0:
            r.json({**value, **initialized_result(0)})
        elif r.id == 1:
            r.json({**value, "result": {"ok": True}})
        elif r.id == 2:
            r.stream()
            r.event({"jsonrpc": "2.0", "id": None, "method": "x", "result": None})
            r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}, "result": None})
            r.event({**value, "error": {"code": -5, "message": "no"}})
            r.end()
        elif r.id == 3:
            r.json({**value, "result": None})
        elif r.id == 4:
            r.json({"jsonrpc": "2.0", "id": 4, "error": None})
        else:
            r.json({**value, "error": {"code": -6, "message": "never"}}, status=400)
    server, p = case.bridge(lambda r: answer(r) if r.id is not None and r.method == "POST" and r.rpc_method else r.answer())
    p.handshake()
    for ident in range(1, 6):
        p.send(request(ident))
    case.equal(p.answer(1), {"jsonrpc": "2.0", "id": 1, "result": {"ok": True}}, "answer 1")
    case.equal(p.answer(2), {"jsonrpc": "2.0", "id": 2, "error": {"code": -5, "message": "no"}}, "answer 2")
    case.equal(p.answer(3), {"jsonrpc": "2.0", "id": 3, "result": None}, "answer 3, whose result is null")
    case.is_error(p.answer(4), -31500, "not a JSON-RPC message")
    case.equal(p.answer(5), {"jsonrpc": "2.0", "id": 5, "error": {"code": -6, "message": "never"}}, "answer 5")
    case.equal([m for m in p.messages() if "method" in m],
               [{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}], "notifications")
    p.send({"jsonrpc": "2.0", "id": 6, "method": "tools/list", "params": None, "result": None, "error": None})
    p.answer(6)
    case.equal(server.of("tools/list")[0].rpc, {"jsonrpc": "2.0", "id": 6, "method": "tools/list"}, "what the server got")
    case.equal(p.finish(), 0, "status")
