"""A server that does anything to anybody, and a client that asks a lot: whatever happens, each request gets exactly one
answer and nothing but messages reaches standard output. The same mischief in every run; MPMCP_CHAOS=N tries another."""

import gzip
import json
import os
import random
import threading

from harness import INITIALIZE, INITIALIZED, initialized_result, request, response

SEED = int(os.environ.get("MPMCP_CHAOS", "1"))
NOTE = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}


def _pieces(rng, r, data):
    """The body in chunks cut anywhere."""
    while data:
        n = rng.choice([1, 3, 50, 1000, 100000])
        r.chunk(data[:n])
        data = data[n:]


class _Mischief:
    """Each way to treat a request, by a number drawn from the case's own dice."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.lock = threading.Lock()
        self.session = 0
        self.streams = []  # open event streams on which anything may be said

    def draw(self):
        with self.lock:
            return random.Random(self.dice.random())

    def __call__(self, r):
        rng = self.draw()
        if r.rpc_method == "initialize":
            with self.lock:
                self.session += 1
            return r.json(initialized_result(r.id, "2025-03-26"), headers={"Mcp-Session-Id": "s%d" % self.session})
        if r.method == "GET":
            if "last-event-id" in r.headers:
                return self.resumed(rng, r)
            r.stream()
            with self.lock:
                self.streams.append(r)
            r.event(NOTE)
            return r.wait_gone() if rng.random() < 0.7 else r.close()
        if r.method == "DELETE" or r.id is None and not isinstance(r.rpc, list):
            return rng.choice([r.answer, lambda: r.reply(202), lambda: r.reply(400, "no"), r.close])()
        if r.rpc_method is None and isinstance(r.rpc, dict):
            return r.reply(202)
        return rng.choice(self.ways)(self, rng, r)

    @staticmethod
    def text(rng, r, ident=None):
        if isinstance(r.rpc, list):
            return json.dumps([response(m["id"], {"x": "y" * rng.choice([0, 10, 5000])}) for m in r.rpc if "id" in m]).encode()
        return json.dumps(response(r.id if ident is None else ident, {"x": "y" * rng.choice([0, 10, 5000, 300000])}), indent=rng.choice([None, 1])).encode()

    def plain(self, rng, r):
        r.reply(200, self.text(rng, r), {"Content-Type": "application/json"})

    def packed(self, rng, r):
        r.reply(200, gzip.compress(self.text(rng, r)), {"Content-Type": "application/json; charset=utf-8", "Content-Encoding": "gzip"})

    def chunked(self, rng, r):
        r.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
        _pieces(rng, r, self.text(rng, r))
        r.end()

    def streamed(self, rng, r):
        end = rng.choice(["\n", "\r\n", "\r"])
        lines = [": ping", "", "event: message", "data: " + json.dumps(NOTE), "", "event: other", "data: {}", ""]
        lines += ["data: " + line for line in self.text(rng, r).decode().split("\n")] + [""]
        r.stream()
        _pieces(rng, r, "".join(line + end for line in lines).encode() + (end.encode() if end == "\r" else b""))
        rng.choice([r.end, r.close, r.wait_gone])()

    def asked_back(self, rng, r):
        r.stream()
        r.event({"jsonrpc": "2.0", "id": "q%d" % rng.randrange(1000), "method": "roots/list"})
        self.finish(rng, r)

    def finish(self, rng, r):
        if not isinstance(r.rpc, list):
            r.event(response(r.id))
            if rng.random() < 0.3:
                r.event(response(r.id, {"again": True}))
        r.end()

    def elsewhere(self, rng, r):
        """Said on another stream, if there is one."""
        with self.lock:
            other = rng.choice(self.streams) if self.streams else None
        try:
            if other and not isinstance(r.rpc, list):
                other.event(response(r.id))
        except OSError:
            pass
        r.reply(202)

    def broken(self, rng, r):
        data = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: 100000\r\n\r\n" % rng.choice([b"application/json", b"text/event-stream"]) + b"data: " + self.text(rng, r)
        r.raw(data[:rng.randrange(len(data))])
        r.close(reset=rng.random() < 0.5)

    def interrupted(self, rng, r):
        r.stream()
        r.event("", ident="i%s" % json.dumps(r.id) if not isinstance(r.rpc, list) else "batch", retry=1)
        r.close()

    def resumed(self, rng, r):
        if rng.random() < 0.3:
            return r.reply(rng.choice([404, 405, 500]))
        r.stream()
        if r.headers["last-event-id"] != "batch" and rng.random() < 0.8:
            r.event(response(json.loads(r.headers["last-event-id"][1:])))
        return rng.choice([r.end, r.close])()

    def refused(self, rng, r):
        status = rng.choice([400, 403, 404, 405, 409, 413, 415, 422, 500, 502, 503, 504])
        body = rng.choice(["", "words", "<title>t</title>", json.dumps({"error": "e"}), json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "m"}})])
        r.reply(status, body, {"Content-Type": rng.choice(["text/plain", "application/json", "text/html"])})

    def limited(self, rng, r):
        r.reply(rng.choice([429, 503]), "", {"Retry-After": rng.choice(["0", "1000", "soon", "Thu, 01 Jan 1970 00:00:00 GMT"])})

    def moved(self, rng, r):
        r.reply(rng.choice([301, 302, 307, 308]), "", {"Location": rng.choice(["/mcp", "/mcp/", "http://127.0.0.1:1/mcp", "//evil.example/", "javascript:1", "?x"])})

    def nonsense(self, rng, r):
        r.reply(200, rng.choice([b"", b"[]", b"{}", b"null", b"{", b"\xff", b'{"jsonrpc":"2.0"}', b"<html>", b'[{"jsonrpc":"2.0","id":1,"result":{}},[],1]']),
                {"Content-Type": rng.choice(["application/json", "text/event-stream", "text/html", "application/octet-stream"])})

    def gone(self, rng, r):
        r.close(reset=rng.random() < 0.5)

    ways = [plain] * 6 + [packed, chunked, streamed, streamed, asked_back, elsewhere, broken, interrupted, interrupted, refused, refused, limited, moved, nonsense, gone]


def each_request_gets_one_answer_whatever_the_server_does(case):
    mischief = _Mischief(SEED)
    rng = random.Random(SEED)
    _, p = case.bridge(mischief)
    p.handshake("2025-03-26")
    asked, cancelled = [0], set()
    for i in range(1, 401):
        ident = rng.choice([i, "s%d" % i, i + 0.5, -i, "ü%d" % i])
        if rng.random() < 0.1:
            batch = ["b%d.%d" % (i, k) for k in range(rng.randrange(1, 4))]
            p.send([request(b) for b in batch])
            asked += batch
            continue
        p.send(request(ident, rng.choice(["tools/call", "tools/list", "resources/read", "ping"]), x="z" * rng.choice([0, 100, 20000])))
        asked.append(ident)
        if rng.random() < 0.1:
            p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": ident}})
            cancelled.add(ident)
        if rng.random() < 0.1:
            p.send(rng.choice([b"garbage", b"{}", b"\xff", b'{"jsonrpc":"2.0","id":null,"method":"x"}']))
        if rng.random() < 0.1:
            p.send(response("q%d" % rng.randrange(1000), {"roots": []}))
    case.equal(p.finish(), 0, "status")
    _count(case, p, asked, cancelled)


def _count(case, p, asked, cancelled=()):
    answered = {}
    for line in p.lines:
        m = json.loads(line)
        case.check(m.get("jsonrpc") == "2.0", "no message: %.200r" % line)
        if "method" not in m and m["id"] is not None:
            key = (type(m["id"]), m["id"])
            answered[key] = answered.get(key, 0) + 1
    wanted = {(type(i), i) for i in asked}
    case.equal({k for k, n in answered.items() if n != 1}, set(), "answered more than once")
    case.equal(set(answered) - wanted, set(), "answers to what was not asked")
    case.equal(wanted - set(answered) - {(type(i), i) for i in cancelled}, set(), "requests without an answer")


class _ModernMischief(_Mischief):
    """The same from a server of 2026-07-28, which also wants input."""

    def __call__(self, r):
        rng = self.draw()
        if r.rpc_method == "initialize":
            return r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32022, "message": "Unsupported", "data": {"supported": ["2026-07-28"]}}}, 400)
        if r.rpc_method == "server/discover":
            return r.json(response(r.id, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {"listChanged": True}, "resources": {"subscribe": True}},
                                          "serverInfo": {"name": "m", "version": "1"}}))
        if r.rpc_method == "subscriptions/listen":
            if rng.random() < 0.3:
                return rng.choice([r.close, lambda: r.reply(500), lambda: r.reply(202)])()
            r.stream()
            wanted = r.rpc["params"]["notifications"]
            r.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                     "params": {"_meta": {"io.modelcontextprotocol/subscriptionId": r.id}, "notifications": wanted}})
            r.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed", "params": {}})
            return r.wait_gone() if rng.random() < 0.7 else r.close()
        if r.method != "POST" or r.id is None:
            return r.answer()
        return rng.choice(self.ways)(self, rng, r)

    @staticmethod
    def text(rng, r, ident=None):
        result = {"resultType": "complete", "x": "y" * rng.choice([0, 10, 5000, 300000])}
        if r.rpc_method == "tools/list":
            result["tools"] = [{"name": "t", "inputSchema": {"type": "object", "properties": {"x": {"type": "string", "x-mcp-header": rng.choice(["X", "bad name"])}}}}]
        return json.dumps(response(r.id, result), indent=rng.choice([None, 1])).encode()

    def wants_input(self, rng, r):
        asks = {"q%d" % k: rng.choice([{"method": "roots/list"}, {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {}}},
                                       {"method": "sampling/createMessage", "params": {}}, {"method": "other"}]) for k in range(rng.randrange(0, 3))}
        r.json(response(r.id, dict({"resultType": "input_required", "requestState": "s%d" % rng.randrange(9)}, **({"inputRequests": asks} if asks else {}))))

    def odd_result(self, rng, r):
        r.json(rng.choice([response(r.id, {"resultType": "strange"}), {"jsonrpc": "2.0", "id": r.id, "error": {"code": rng.choice([-32020, -32021, -32022, -32601]), "message": "m"}}]),
               rng.choice([200, 400]))

    ways = _Mischief.ways + [wants_input] * 6 + [odd_result] * 2


def each_request_gets_one_answer_across_eras_too(case):
    """A legacy client in front of a modern server; it answers most questions, some of them wrongly."""
    rng = random.Random(SEED)
    server = case.server(_ModernMischief(SEED))
    p = case.start(server.url)
    hello = json.loads(json.dumps(INITIALIZE))
    hello["params"]["capabilities"] = {"roots": {}, "elicitation": {}, "sampling": {}}
    p.send(hello)
    p.answer(0)
    p.send(INITIALIZED)
    done = threading.Event()

    def answer_questions():
        dice, seen = random.Random(SEED), 0
        while not done.is_set():
            with p.changed:
                p.changed.wait_for(lambda: len(p.lines) > seen or p.ended, 0.2)
                new, seen = p.lines[seen:], len(p.lines)
            for m in map(json.loads, new):
                if "method" in m and "id" in m and dice.random() < 0.9:
                    p.send(response(m["id"], {"action": "accept", "content": {}, "roots": []}) if dice.random() < 0.9 else
                           {"jsonrpc": "2.0", "id": m["id"], "error": {"code": -1, "message": "no"}})
    helper = threading.Thread(target=answer_questions)
    helper.start()
    asked = [0]
    for i in range(1, 301):
        ident = rng.choice([i, "s%d" % i])
        method = rng.choice(["tools/call"] * 4 + ["tools/list", "prompts/get", "resources/read", "ping", "resources/subscribe", "resources/unsubscribe", "logging/setLevel"])
        p.send(request(ident, method, name="t", uri="x:%d" % rng.randrange(4), level="info", arguments={"x": "v"}))
        asked.append(ident)
    # Most are answered by now or soon; the rest is what the end of the input is for.
    p.call("last", "ping")
    done.set()
    helper.join()
    case.equal(p.finish(), 0, "status")
    _count(case, p, asked + ["last"])
