"""Connections that die without a word, over HTTP/1.1 and HTTP/2, with and without a GET stream: nobody notices.

Without what these cases cover a call waits for five minutes (--headers-timeout), longer than any of them.
"""

import mmap
import os
import re
import shutil
import struct
import subprocess
import time

import http2
import netns
from harness import DEADLINE, INITIALIZE, INITIALIZED, PROGRAM, ROOT, WRAP, Server, Skipped, certificates, request

READS, WRITES = "Describe-Cohort-Schema", "Create-Cohort"


class _Bridge:
    """A server of one kind on the far host and the program on the near one."""

    def __init__(self, case, net, kind, stream, hold):
        self.case, self.net, self.kind, self.hold, self.streams = case, net, kind, hold, []
        self.what = kind + (" with a GET stream" if stream else "")
        self.stream = stream
        self.server = net.far_away(self.serve)
        case.servers.append(self.server)
        self.url = "%s://%s:%d/mcp" % ("https" if kind == "HTTP/2" else "http", netns.SERVER, self.server.port)
        self.program = net.start(case, self.url, "--allow-http", "--cacert", certificates().path("ca.pem"),
                                 "--header", "Authorization: Bearer t", token=None)

    def serve(self):
        if self.kind == "HTTP/2":
            return http2.Server(self.handle, certificates().context("good"), address=netns.SERVER)
        return Server(self.handle, address=netns.SERVER)

    def handle(self, r):
        if r.method == "GET" and self.stream:
            r.open_stream() if self.kind == "HTTP/2" else r.stream()
        elif not self.hold(r):
            r.answer()

    def of(self, method):
        return [r for r in list(self.server.requests) if r.method == method]

    def seen(self, ident):
        return [r for r in list(self.server.requests) if r.method == "POST" and r.id == ident]

    def wait(self, condition, what):
        self.server.wait(lambda *_: condition(), what)

    def open(self):
        self.program.handshake()
        self.program.call(1, "tools/list")
        if self.stream:
            self.wait(lambda: self.of("GET"), "the GET stream")

    def connections(self):
        conns = {c.conn for c in self.server.connections} if self.kind == "HTTP/2" else {r.conn for r in self.server.requests}
        return {(c.getpeername()[1], self.server.port) for c in conns if c.fileno() >= 0}

    def answer(self, ident, since, what):
        message = self.program.answer(ident)
        netns.took("%s, %s" % (what, self.what), time.monotonic() - since)
        return message


def _open(case, hold=lambda r: False):
    net = netns.Network(case)
    bridges = [_Bridge(case, net, kind, stream, hold) for kind in ("HTTP/1.1", "HTTP/2") for stream in (False, True)]
    for b in bridges:
        b.open()
    return net, bridges


def _lists(case, bridges, ident, what):
    since = time.monotonic()
    for b in bridges:
        b.program.send(request(ident, "tools/list"))
    for b in bridges:
        case.check("result" in b.answer(ident, since, what), "no result over " + b.what)


def idle_connection_that_was_forgotten_does_not_matter(case):
    net, bridges = _open(case)
    net.forget({c for b in bridges for c in b.connections()})
    _lists(case, bridges, 10, "idle connection forgotten, a list")
    _lists(case, bridges, 11, "the list after it")
    for b in bridges:
        case.equal((len(b.seen(10)), len(b.seen(11))), (1, 1), "arrivals over " + b.what)


idle_connection_that_was_forgotten_does_not_matter.slow = True


def answer_that_is_lost_is_asked_for_again_and_a_writing_call_is_not(case):
    def hold(r):
        if r.rpc_method == "tools/call":
            held.append(r.id)
        return r.rpc_method == "tools/call" and (r.id == 21 or held.count(20) <= len(bridges))
    held, bridges = [], []
    net, opened = _open(case, hold)
    bridges += opened
    for b in bridges:
        b.program.send(request(20, name=READS), request(21, name=WRITES))
    for b in bridges:
        b.wait(lambda b=b: b.seen(20) and b.seen(21), "both calls")
    since = time.monotonic()
    net.forget({c for b in bridges for c in b.connections()})
    for b in bridges:
        case.check("result" in b.answer(20, since, "connection forgotten while a call ran"), "no result over " + b.what)
        case.is_error(b.answer(21, since, "the same, a writing call"), -31503, "whether the server acted on the request is unknown")
        case.equal((len(b.seen(20)), len(b.seen(21))), (2, 1), "times sent over " + b.what)
    _lists(case, bridges, 22, "the list after it")


answer_that_is_lost_is_asked_for_again_and_a_writing_call_is_not.slow = True


def stream_that_was_forgotten_is_opened_again(case):
    net, bridges = _open(case)
    bridges = [b for b in bridges if b.stream]
    since = time.monotonic()
    net.forget({c for b in bridges for c in b.connections()})
    for b in bridges:
        b.wait(lambda b=b: len(b.of("GET")) > 1, "another GET")
        netns.took("GET stream forgotten, open again, " + b.what, time.monotonic() - since)


stream_that_was_forgotten_is_opened_again.slow = True


def network_that_comes_back_in_time_is_not_noticed(case):
    """Five seconds of nothing: calls under way and new ones are answered, each of them arrives once or, when it only reads, twice."""
    net, bridges = _open(case)
    since = time.monotonic()
    net.cut()
    for b in bridges:
        b.program.send(request(30, "tools/list"), request(31, name=WRITES))
    time.sleep(5)
    net.mend()
    for b in bridges:
        case.check("result" in b.answer(30, since, "nothing passes for 5 s, a list"), "no result over " + b.what)
        case.check("result" in b.answer(31, since, "the same, a writing call"), "no result over " + b.what)
        case.equal(len(b.seen(31)), 1, "times the writing call arrived")


network_that_comes_back_in_time_is_not_noticed.slow = True


def another_address_does_not_matter(case):
    net, bridges = _open(case)
    net.move()
    for b in bridges:
        if b.stream:
            b.wait(lambda b=b: len(b.of("GET")) > 1, "another GET")
    since = time.monotonic()
    for b in bridges:
        b.program.send(request(40, name=WRITES))
    for b in bridges:
        case.check("result" in b.answer(40, since, "another address, a writing call"), "no result over " + b.what)
        case.equal(len(b.seen(40)), 1, "times it arrived")


def _knows_ping(case):
    p = case.start("--version")
    p.finish()
    version = re.search(rb"libcurl/(\d+)\.(\d+)", b"".join(p.lines))
    if tuple(map(int, version.groups())) < (8, 10):
        raise Skipped("libcurl before 8.10 sends no PING over HTTP/2")


def _http2(case, handler):
    _knows_ping(case)
    server = http2.Server(handler, certificates().context("good"))
    case.servers.append(server)
    return server, case.start(server.url, "--cacert", certificates().path("ca.pem"))


def http2_server_that_answers_no_ping_is_left(case):
    """Somebody on the way still acknowledges what is sent, but nobody is behind it."""
    def handler(r):
        if r.rpc_method == "tools/list" and r.connection is server.connections[0]:
            held.append(r)
        else:
            r.answer()
    held = []
    server, p = _http2(case, handler)
    p.handshake()
    server.answers_pings = False
    p.send(request(1, "tools/list"))
    server.wait(lambda: held, "the call")
    case.check("result" in p.answer(1), "no result")
    case.check(server.pings, "no PING was sent")
    case.equal(len(server.of("tools/list")), 2, "times sent")


http2_server_that_answers_no_ping_is_left.slow = True


def http2_server_that_answers_pings_has_all_the_time(case):
    def handler(r):
        held.append(r) if r.rpc_method == "tools/list" else r.answer()
    held = []
    server, p = _http2(case, handler)
    p.handshake()
    p.send(request(1, "tools/list"))
    server.wait(lambda: server.pings >= 2, "two PINGs")
    held[0].answer()
    case.check("result" in p.answer(1), "no result")
    case.equal((len(server.connections), len(held)), (1, 1), "connections and calls")


http2_server_that_answers_pings_has_all_the_time.slow = True


def _sleeper(case):
    """The environment of a program whose machine sleeps, and how to make it."""
    if "asan" in PROGRAM:
        raise Skipped("AddressSanitizer lets no other library come first")
    library, clocks = os.path.join(case.folder, "sleep.so"), case.file("clocks", bytes(16))
    made = subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(ROOT, "tests/sleep.c"), "-ldl"], capture_output=True)
    if made.returncode:
        raise Skipped("no C compiler builds the clocks of a machine that sleeps")
    case.theirs.add(library)
    with open(clocks, "r+b") as file:
        shared = mmap.mmap(file.fileno(), 16)

    def sleep(seconds):
        ahead, asked = struct.unpack("qq", shared[:16])
        if not asked:
            raise Skipped("the program takes no preloaded library")
        shared[:8] = struct.pack("q", ahead + 1000 * seconds)
    return {"LD_PRELOAD": library, "CLOCK_FILE": clocks}, sleep


def machine_that_slept_goes_on_at_once(case):
    """All that was open is dead by now, and nobody said so: a writing call would be lost with it."""
    def handle(r, open_stream):
        if r.conn in dead if hasattr(r, "conn") else r.connection in dead:
            return None
        return open_stream() if r.method == "GET" else r.answer()
    dead = set()
    env, sleep = _sleeper(case)
    h1 = Server(lambda r: handle(r, r.stream))
    h2 = http2.Server(lambda r: handle(r, r.open_stream), certificates().context("good"))
    case.servers += [h1, h2]
    bridges = [(s, case.start(s.url, "--cacert", certificates().path("ca.pem"), env=env)) for s in (h1, h2)]
    for s, p in bridges:
        p.handshake()
        p.call(1, "tools/list")
        s.wait(lambda *_: [r for r in s.requests if r.method == "GET"], "the GET stream")
    dead.update({r.conn for r in h1.requests} | set(h2.connections))
    sleep(3600)
    for s, p in bridges:
        since = time.monotonic()
        case.check("result" in p.call(2, name=WRITES), "no result")
        netns.took("the machine slept, a writing call, " + ("HTTP/2" if s is h2 else "HTTP/1.1"), time.monotonic() - since)
        case.equal(len([r for r in s.requests if r.id == 2]), 1, "times the call arrived")
        s.wait(lambda *_: len([r for r in s.requests if r.method == "GET"]) > 1, "another GET")
        netns.took("the machine slept, GET stream open again, " + ("HTTP/2" if s is h2 else "HTTP/1.1"), time.monotonic() - since)


def address_that_moved_is_looked_up_anew(case):
    """libcurl remembers names for a minute."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise Skipped("no hosts file of its own can be had (unshare -m)")
    hosts = case.file("hosts", "127.0.0.1 service.test\n")
    moved = []
    certificates().named("service.test")
    old = case.server(lambda r: r.close() if moved else r.answer(), tls=certificates().context("service.test"))
    p = case.start("https://service.test:%d/mcp" % old.port, "--cacert", certificates().path("ca.pem"),
                   "--header", "Authorization: Bearer t", token=None,
                   wrap=["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, *WRAP])
    p.send(INITIALIZE)
    case.check("result" in p.answer(0), "no result")
    p.send(INITIALIZED)
    p.call(1, "tools/list")
    old.wait(lambda _: old.of(method="GET"), "the GET stream's connection, which comes after the list")
    moved.append(True)
    old.close()
    new = case.server(tls=certificates().context("service.test"), address="127.0.0.2", port=old.port)
    with open(hosts, "w") as file:
        file.write("127.0.0.2 service.test\n")
    case.check("result" in p.call(2, "tools/list"), "no result")
    case.equal(len(new.of("tools/list")), 1, "lists at the new address")
