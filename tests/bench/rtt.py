#!/usr/bin/env python3
"""Round trips until a client has its tools: rtt.py NAME=COMMAND... [NAME=COMMAND]

Each command is a bridge whose last argument will be the URL. A relay in front of a scripted server holds back all
bytes for half a round trip, and the first ones of a connection for a whole one more, as a handshake of TCP would:
what is counted is the time from initialize to the answer of tools/list, in round trips. Reports; asserts nothing.
"""

import os
import shlex
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import harness  # noqa: E402
import http2  # noqa: E402

RTT = 0.2  # large beside what a process needs on a busy machine
TIMES = 3


class Relay:
    def __init__(self, port):
        self.target = port
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self.target))
            for source, sink, first in (near, far, RTT), (far, near, 0):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self.carry, args=(source, sink, time.monotonic() + first), daemon=True).start()

    @staticmethod
    def carry(source, sink, open_at):
        """Pieces leave when they are due, in order: one thread reads, this one's timers write."""
        pieces, ready = [], threading.Condition()

        def write():
            while True:
                with ready:
                    ready.wait_for(lambda: pieces)
                    due, data = pieces.pop(0)
                time.sleep(max(0, due - time.monotonic()))
                try:
                    sink.sendall(data) if data else sink.shutdown(socket.SHUT_WR)
                except OSError:
                    return
                if not data:
                    return
        threading.Thread(target=write, daemon=True).start()
        data = b"."
        while data:
            try:
                data = source.recv(65536)
            except OSError:
                data = b""
            with ready:
                pieces.append((max(time.monotonic(), open_at) + RTT / 2, data))
                ready.notify()

    def close(self):
        self.socket.close()


def answer(r):
    """With a stream for GET that stays open, as a server with news has it."""
    if r.method != "GET":
        r.answer()
    elif not isinstance(r, harness.Request):
        r.open_stream()
    elif r.path == "/mcp":
        r.stream()
        r.wait_gone()
    else:
        r.reply(404)


def once(command, port, folder):
    """Round trips, and connections."""
    relay = Relay(port)
    auth = tempfile.mkdtemp(dir=folder)
    env = dict(os.environ, HOME=auth, MPMCP_AUTH_DIR=auth, MCP_REMOTE_CONFIG_DIR=auth, SSL_CERT_FILE=CA, NODE_EXTRA_CA_CERTS=CA)
    p = subprocess.Popen(shlex.split(command) + ["https://127.0.0.1:%d/mcp" % relay.port, "--header", "Authorization: Bearer none"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env)

    def say(*messages):
        p.stdin.write(b"".join(harness.json.dumps(m).encode() + b"\n" for m in messages))
        p.stdin.flush()

    try:
        begin = time.monotonic()
        say(harness.INITIALIZE)
        p.stdout.readline()
        say(harness.INITIALIZED, harness.request(1, "tools/list"))
        while b'"id"' not in (line := p.stdout.readline()):
            if not line:
                return None
        trips = (time.monotonic() - begin) / RTT
        return trips, relay.connections
    except BrokenPipeError:
        return None
    finally:
        p.kill()
        p.wait()
        p.stdout.close()
        relay.close()


def main():
    global CA
    CA = harness.certificates().path("ca.pem")
    folder = tempfile.mkdtemp(prefix="mpmcp-rtt-")
    servers = {"HTTP/1.1": harness.Server(answer, tls=harness.certificates().context("good")),
               "HTTP/2": http2.Server(answer, harness.certificates().context("good"))}
    for over, server in servers.items():
        for word in sys.argv[1:]:
            name, _, command = word.partition("=")
            found = [once(command, server.port, folder) for _ in range(TIMES)]
            print("%-9s %-11s %s" % (over, name, "no tools" if None in found else "%.1f round trips to the tools, %d connections" % (
                statistics.median(f[0] for f in found), max(f[1] for f in found))), flush=True)
    shutil.rmtree(folder)
    shutil.rmtree(harness.certificates().folder)


main()
