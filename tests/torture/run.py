#!/usr/bin/env python3
"""Short sessions of a program in which one allocation, or one poll(), fails
(tests/torture/fail.c): for every N that there is. What must hold: it ends by
itself, soon, by no signal; each request that it read has exactly one answer;
a command says what went wrong; files are what they were, or whole and new.

    tests/torture/run.py build/torture/mpmcp [--only bridge] [--at alloc:4453]
"""

import argparse
import collections
import contextlib
import fcntl
import json
import multiprocessing
import os
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cases"))

import translate_eras as eras  # noqa: E402
import harness  # noqa: E402
from harness import INITIALIZE, INITIALIZED, TOKEN, request, response  # noqa: E402

# A session takes a tenth of a second; pauses of the program's own for what passes are a few seconds. One that waits for
# something that never comes is still there after this.
DEADLINE = float(os.environ.get("TORTURE_DEADLINE", "15"))


class Found(Exception):
    """What must not be."""


class Library(Exception):
    """A library crashed for lack of memory, out of our sight (fail.c tells). Of this the person reads, and nothing fails."""


LIBRARY_CRASHED = 77


class Run:
    """The program with one failure in it. How much of its input it has read can be asked when it is gone."""

    def __init__(self, torture, args, env, folder):
        self.until = time.monotonic() + DEADLINE
        self.unread, stdin = os.pipe()
        self.stdin = os.fdopen(stdin, "wb", 0)
        self.errors = open(os.path.join(folder, "stderr"), "w+b")
        env = {"PATH": os.environ["PATH"], "HOME": folder, "MALLOC_PERTURB_": "165", **env}
        if torture:
            env["MPMCP_TORTURE"] = torture
        self.process = subprocess.Popen([PROGRAM, *args], stdin=self.unread, stdout=subprocess.PIPE, stderr=self.errors, env=env,
                                        cwd=folder, start_new_session=True)
        self.out, self.rest, self.ended = [], b"", False
        self.sent = []  # lines with their ids
        self.poll = select.poll()
        self.poll.register(self.process.stdout, select.POLLIN)

    def left(self):
        left = self.until - time.monotonic()
        if left <= 0:
            raise Found("it hangs")
        return left

    def read(self):
        if not self.poll.poll(self.left() * 1000):
            raise Found("it hangs")
        piece = os.read(self.process.stdout.fileno(), 1 << 20)
        self.ended = not piece
        *lines, self.rest = (self.rest + piece).split(b"\n")
        self.out += lines

    def send(self, *messages):
        for m in messages:
            line = json.dumps(m).encode() + b"\n"
            self.sent.append((line, [x["id"] for x in (m if isinstance(m, list) else [m]) if "id" in x and "method" in x]))
            with contextlib.suppress(BrokenPipeError):
                self.stdin.write(line)

    def answers(self):
        found = []
        for line in self.out:
            try:
                m = json.loads(line)
            except ValueError:
                raise Found("this is no message: %.200r" % line)
            if "method" not in m and m.get("id") is not None:
                found.append(m["id"])
        return found

    def wait_for(self, condition):
        while not condition() and not self.ended:
            self.read()

    def call(self, *messages):
        """Sends, and waits until each request is answered, or the program is gone."""
        self.send(*messages)
        ids = [i for line, ids in self.sent[-len(messages):] for i in ids]
        self.wait_for(lambda: set(ids) <= set(self.answers()))

    def message(self, text):
        """The first line to the client that holds this text; None when it is gone before."""
        def found():
            return next((json.loads(line) for line in self.out if text in line), None)
        self.wait_for(found)
        return found()

    def finish(self):
        """The end: its status, and its words."""
        self.stdin.close()
        self.wait_for(lambda: False)
        try:
            status = self.process.wait(self.left())
        except subprocess.TimeoutExpired:
            raise Found("it hangs with its output closed")
        self.errors.seek(0)
        self.words = self.errors.read()
        if status == LIBRARY_CRASHED:
            raise Library(self.words.decode().splitlines()[-1])
        if status < 0:
            raise Found("signal %d\n%s" % (-status, self.words.decode("utf-8", "replace")))
        if status and not self.words:
            raise Found("status %d without a word" % status)
        if self.rest:
            raise Found("half a line: %.200r" % self.rest)
        return status

    def check_answers(self, but=()):
        """Exactly one for each request of a line that was read."""
        unread = struct.unpack("i", fcntl.ioctl(self.unread, termios.FIONREAD, b"\0" * 4))[0]
        have = self.answers()
        for line, ids in reversed(self.sent):
            read = unread < len(line)
            unread = max(0, unread - len(line))
            for i in ids:
                if have.count(i) > 1 or (have.count(i) < 1 and read and i not in but):
                    raise Found("%d answers to request %r" % (have.count(i), i))

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for f in (self.stdin, self.process.stdout, self.errors):
            f.close()
        os.close(self.unread)


# ---- servers


def ordinary(r):
    """A server of sessions: answers as JSON and as event streams, asks back, sends more than a chunk."""
    if r.rpc_method == "tools/list":
        r.json(response(r.id, {"tools": [{"name": "Get-Projects", "inputSchema": {"type": "object"}}] * 3}))
    elif r.rpc_method == "tools/call" and r.rpc["params"]["name"] == "stream":
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 100}}, ident="1")
        r.event({"jsonrpc": "2.0", "id": "q", "method": "roots/list"})
        r.event(response(r.id, {"text": "y" * 400000}))
        r.end()
    elif r.rpc_method == "tools/call" and r.rpc["params"]["name"] == "fail":
        r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "no"}}, 500)
    elif isinstance(r.rpc, list):
        r.json([response(m["id"]) for m in r.rpc if "method" in m])
    else:
        r.answer(headers={"Mcp-Session-Id": "s1"}) if r.rpc_method == "initialize" else r.answer()


def asking(r):
    """A modern server's tool that asks back once."""
    if r.rpc_method == "tools/call" and "inputResponses" not in r.rpc["params"]:
        r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}, "requestState": "s"}))
    else:
        r.json(response(r.id, {"resultType": "complete", "tools": []}))


# ---- sessions: each gets Place and the failure


class Place:
    """What sessions of one worker share: servers, and the sandbox."""

    def __init__(self):
        self.case = harness.Case("torture")
        self.case.facts = []
        self.legacy = self.case.server(ordinary)
        self.modern = self.case.server(eras._modern(self.case, asking))
        self.modern_only = self.case.server(eras._legacy())
        self.box = None
        self.n = 0

    def folder(self):
        self.n += 1
        path = os.path.join(self.case.folder, "home%d" % self.n)
        os.mkdir(path)
        return path

    def sandbox(self):
        self.box = self.box or self.case.sandbox("--auto", "approve")
        return self.box

    def close(self):
        self.case.clean_up()


ACCOUNT = {"MIXPANEL_SA_TOKEN": TOKEN}


@contextlib.contextmanager
def running(place, torture, *args, env=ACCOUNT, folder=None, count=None):
    own = folder or place.folder()
    run = Run(torture, args, {**env, **({"MPMCP_TORTURE_COUNT": count} if count else {})}, own)
    try:
        yield run
    finally:
        run.close()
        for server in place.case.servers:
            server.requests.clear()
        if not folder:
            shutil.rmtree(own, ignore_errors=True)


def bridge(place, torture, count=None):
    with running(place, torture, place.legacy.url, count=count) as p:
        p.call({**INITIALIZE, "params": {**INITIALIZE["params"], "protocolVersion": "2025-03-26", "capabilities": {"roots": {}}}})
        p.send(INITIALIZED)
        p.call(request(1, "tools/list"))
        p.call(request(2, name="stream"), request(3, name="fail"), [request(4, name="a"), request(5, name="b")], request("a", "ping"))
        p.send(response("q", {"roots": []}), request(6, name="slow"), {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 6}})
        p.send(request(7, name="last"))
        p.finish()
        p.check_answers(but=[6])


def refused(place, torture, count=None):
    with running(place, torture, place.legacy.url, "--header-file", "/nonexistent", count=count) as p:
        p.call(INITIALIZE)
        if not p.finish():
            raise Found("status 0")
        if b"out of memory" not in p.words:
            p.check_answers()


def translated(place, torture, count=None):
    """A legacy client, a modern server, and rules for the tools."""
    with running(place, torture, place.modern.url, "--ignore-tool", "x", count=count) as p:
        p.call({**INITIALIZE, "params": {**INITIALIZE["params"], "capabilities": {"roots": {}}}})
        p.send(INITIALIZED)
        p.call(request(1, "tools/list"))
        p.send(request(2, name="t"))
        p.wait_for(lambda: 2 in p.answers() or any(b"roots/list" in line for line in p.out))
        question = next((json.loads(line) for line in p.out if b'"roots/list"' in line), None)
        if question and 2 not in p.answers():
            p.send(response(question["id"], {"roots": []}))
            p.wait_for(lambda: 2 in p.answers())
        p.call(request(3, "resources/subscribe", uri="x:y"))
        p.finish()
        p.check_answers()


def modern(place, torture, count=None):
    """A modern client, a server of sessions."""
    with running(place, torture, place.modern_only.url, "--read-only", count=count) as p:
        p.call(request(1, "server/discover", _meta=eras.META))
        p.call(request(2, name="Get-Projects", arguments={}, _meta=eras.META), request(3, "tools/list", _meta=eras.META))
        p.finish()
        p.check_answers()


def call(place, torture, count=None):
    with running(place, torture, "call", place.legacy.url, "Get-Projects", "a=1", "--json", count=count) as p:
        if not p.finish() and b"ok" not in b"\n".join(p.out):
            raise Found("no result")


def records(folder):
    found = []
    for top, _, names in os.walk(os.path.join(folder, ".mcp-auth")):
        found += [os.path.join(top, name) for name in names if name.endswith(".json")]
    return found


def login(place, torture, count=None):
    """The person follows the address by hand. Twice: nobody is signed out by the second."""
    box, folder = place.sandbox(), place.folder()
    for again in (() if torture else (None,)) or (None, torture):
        with running(place, again if torture else None, "login", box["mcp"], "--no-browser", "--force", env={}, folder=folder, count=count) as p:
            at = 0
            while p.process.poll() is None and b"state=" not in (words := open(p.errors.name, "rb").read()):
                p.left()
                select.select([], [], [], 0.003)
                at += 1
            address = next((w for w in open(p.errors.name, "rb").read().decode().split() if "state=" in w), None)
            if address and p.process.poll() is None:
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(address, timeout=DEADLINE).read()
            status = p.finish()
            if status and not again:
                raise Found("status %d without a failure: %r" % (status, p.words))
        kept = records(folder)
        if len(kept) != 1 or not json.load(open(kept[0])).get("tokens", json.load(open(kept[0]))):
            raise Found("what is kept: %r, after status %d and %r with %s" % (kept, status, p.words, again))
    shutil.rmtree(folder, ignore_errors=True)


def setup(place, torture, count=None):
    folder = place.folder()
    path = os.path.join(folder, ".gemini", "settings.json")
    os.mkdir(os.path.dirname(path))
    with open(path, "w") as f:
        f.write('{"theme": "dark", "mcpServers": {"other": {"command": "x"}}}\n')
    with running(place, torture, "setup", "gemini", "--write", env={}, folder=folder, count=count) as p:
        status = p.finish()
    now = json.load(open(path))
    if now["theme"] != "dark" or "other" not in now["mcpServers"] or (not status and len(now["mcpServers"]) != 2):
        raise Found("status %d, and the file is now %r" % (status, now))
    shutil.rmtree(folder, ignore_errors=True)


SESSIONS = {f.__name__: f for f in (bridge, translated, modern, refused, call, login, setup)}


# ---- all of them


def counted(name):
    """How many allocations and polls a session without failures makes: the most of three."""
    place = Place()
    path = os.path.join(place.case.folder, "count")
    try:
        for _ in range(3):
            SESSIONS[name](place, None, path)
        with open(path) as f:
            rows = [tuple(map(int, line.split())) for line in f]
    finally:
        place.close()
    return max(r[0] for r in rows), max(r[1] for r in rows)


def work(jobs, results, stop):
    place = Place()
    try:
        for name, torture in iter(jobs.get, None):
            if time.monotonic() > stop:
                results.put((name, torture, "late"))
                continue
            try:
                SESSIONS[name](place, torture)
                results.put((name, torture, None))
            except Library as problem:
                results.put((name, torture, problem))
            except Exception as problem:  # whatever it is, it is to be seen
                results.put((name, torture, "%s: %s" % (type(problem).__name__, problem)))
    finally:
        place.close()


def plan(names, stride, start):
    """Every stride-th failure of each session, by turns; then those between them, should there be time."""
    counts = {name: counted(name) for name in names}
    todo = []
    for name in names:
        allocs, polls = counts[name]
        todo += [(name, "poll:%d" % n) for n in range(1, polls + 1)] + [(name, "polls:%d" % n) for n in range(1, polls + 1, 3)]
        todo += [(name, "alloc:%d" % n) for n in range(start, allocs + 1, stride)]
        todo += [(name, "allocs:%d" % n) for n in range(start, allocs + 1, 5 * stride)]
        print("%-10s %6d allocations, %3d polls" % (name, allocs, polls), flush=True)
    return todo


def main():
    global PROGRAM
    p = argparse.ArgumentParser(description="Fails one allocation or poll() after the other in short sessions.")
    p.add_argument("program")
    p.add_argument("--only", action="append", choices=SESSIONS, help="this session (may be given again)")
    p.add_argument("--stride", type=int, default=1, help="every which allocation fails")
    p.add_argument("--start", type=int, default=1, help="the first one that fails")
    p.add_argument("--seconds", type=float, default=float("inf"), help="begin nothing more after this")
    p.add_argument("--at", help="one failure alone, such as alloc:4453 or poll:7; --only says where")
    p.add_argument("-j", type=int, default=os.cpu_count(), help="sessions side by side")
    args = p.parse_args()
    PROGRAM = os.path.abspath(args.program)
    names = args.only or list(SESSIONS)
    stop = time.monotonic() + args.seconds
    todo = [(name, args.at) for name in names] if args.at else plan(names, args.stride, args.start)
    jobs, results = multiprocessing.Queue(), multiprocessing.Queue()
    for job in todo + [None] * args.j:
        jobs.put(job)
    workers = [multiprocessing.Process(target=work, args=(jobs, results, stop)) for _ in range(args.j)]
    for w in workers:
        w.start()
    good = bad = late = 0
    libraries = collections.Counter()
    for _ in todo:
        name, torture, problem = results.get()
        if isinstance(problem, Library):
            libraries[str(problem)] += 1
        elif problem == "late":
            late += 1
        elif problem:
            bad += 1
            print("FAIL %s %s: %s" % (name, torture, problem), flush=True)
        else:
            good += 1
    for w in workers:
        w.join()
    for what, n in sorted(libraries.items()):
        print("%5d times %s" % (n, what))
    if late:
        print("%d were not begun: the time was over" % late)
    print("%d passed, %d failed" % (good, bad))
    return 1 if bad else 0


PROGRAM = None
if __name__ == "__main__":
    sys.exit(main())
