#!/usr/bin/env python3
"""mpmcp before nginx, a real server of HTTP/2: tests/front/run.py PROGRAM (make front).

Not part of make check: it needs nginx, and reports what it measured beside what must hold: every call is
answered exactly once, none reaches the server behind nginx twice, and a burst shares one connection.
"""

import collections
import os
import shutil
import subprocess
import sys
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if len(sys.argv) > 1:
    os.environ["MPMCP"] = os.path.abspath(sys.argv[1])
sys.path.insert(0, os.path.join(ROOT, "tests/lib"))

import harness  # noqa: E402

CONFIG = """
daemon off;
worker_processes 1;
pid %(folder)s/nginx.pid;
error_log %(folder)s/error.log;
events { worker_connections 512; }
http {
    log_format one '$connection $server_protocol $status';
    access_log %(folder)s/access.log one;
    client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/proxy; fastcgi_temp_path %(folder)s/fastcgi;
    uwsgi_temp_path %(folder)s/uwsgi; scgi_temp_path %(folder)s/scgi;
    keepalive_requests %(requests)d;
    http2_max_concurrent_streams %(streams)d;
    upstream behind { server 127.0.0.1:%(behind)d; keepalive 64; }
    server {
        listen 127.0.0.1:%(port)d ssl http2;
        ssl_certificate %(certificate)s; ssl_certificate_key %(key)s;
        location / {
            proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_buffering off; proxy_next_upstream off;
        }
    }
}
"""


class Front:
    """nginx before a scripted server. It allows more streams at once than the bridge ever has requests under way."""

    def __init__(self, case, handler, requests=1000, streams=256):
        self.case = case
        self.server = case.server(handler)
        self.folder = os.path.join(case.folder, "nginx")
        os.mkdir(self.folder)
        with harness.socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        certs = harness.certificates()
        config = os.path.join(self.folder, "nginx.conf")
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % {"folder": self.folder, "requests": requests, "streams": streams, "port": port, "behind": self.server.port,
                              "certificate": certs.path("good.pem"), "key": certs.path("good.key")})
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", config], stderr=subprocess.DEVNULL)
        self.url = "https://127.0.0.1:%d/mcp" % port
        self.wait_up(port)
        self.bridge = case.start(self.url, "--cacert", certs.path("ca.pem"))
        self.bridge.handshake()

    @staticmethod
    def wait_up(port):
        end = time.monotonic() + harness.DEADLINE
        while time.monotonic() < end:
            try:
                harness.socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.02)
        raise harness.Failed("nginx does not start")

    def burst(self, first, n):
        self.bridge.send(*[harness.request(i) for i in range(first, first + n)])

    def answers(self, first, n):
        """(results, errors) of these calls."""
        found = {}
        for m in self.bridge_answers(set(range(first, first + n))):
            found.setdefault(m["id"], []).append(m)
        self.case.check(all(len(v) == 1 for v in found.values()), "a call was answered twice")
        errors = [v[0] for v in found.values() if "error" in v[0]]
        return n - len(errors), errors

    def bridge_answers(self, ids):
        p = self.bridge

        def have():
            return [m for m in (harness.json.loads(line) for line in p.lines) if m.get("id") in ids and "method" not in m]
        with p.changed:
            p.changed.wait_for(lambda: len({m["id"] for m in have()}) == len(ids) or p.ended, harness.DEADLINE)
        self.case.equal(len({m["id"] for m in have()}), len(ids), "calls answered")
        return have()

    def twice(self):
        counts = collections.Counter(r.id for r in self.server.of("tools/call"))
        return sum(1 for n in counts.values() if n > 1)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def connections(self):
        """(connections, requests) in the log, which is whole once nginx has ended."""
        self.stop()
        with open(os.path.join(self.folder, "access.log"), encoding="utf-8") as f:
            rows = [line.split() for line in f]
        self.case.check(all(row[1] == "HTTP/2.0" for row in rows), "not all requests were HTTP/2")
        return len({row[0] for row in rows}), len(rows)


def burst_shares_one_connection(case):
    gate = threading.Barrier(64)

    def handler(r):
        if r.rpc_method == "tools/call":
            gate.wait(harness.DEADLINE)  # nobody is answered until 64 are here
        r.answer()
    front = Front(case, handler)
    front.burst(1, 640)
    good, errors = front.answers(1, 640)
    case.equal((good, front.twice()), (640, 0), "results, and calls that came twice")
    n, requests = front.connections()
    case.equal(n, 1, "connections")
    return "640 calls, 64 at a time, %d requests on %d connection" % (requests, n)


def retired_connections_lose_nothing(case):
    """nginx ends a connection with GOAWAY after 100 requests; calls one after another never meet that."""
    front = Front(case, lambda r: r.answer(), requests=100)
    for i in range(1, 501):
        case.check("result" in front.bridge.call(i), "call %d failed" % i)
    case.equal(front.twice(), 0, "calls that came twice")
    n, requests = front.connections()
    return "500 calls one by one, %d requests on %d connections" % (requests, n)


def retired_connections_under_load(case):
    front = Front(case, lambda r: r.answer(), requests=100)
    good = total = 0
    for first in range(1, 2001, 100):
        front.burst(first, 100)
        some, errors = front.answers(first, 100)
        good, total = good + some, total + 100
        for e in errors:
            case.is_error(e, -31503)
    case.equal(front.twice(), 0, "calls that came twice")
    n, requests = front.connections()
    return "%d calls, 100 at a time: %d results, %d errors, %d connections" % (total, good, total - good, n)


def reload_in_the_middle(case):
    """The old worker ends its connections gracefully."""
    started = threading.Event()

    def handler(r):
        if r.rpc_method == "tools/call":
            started.set()
            time.sleep(0.02)
        r.answer()
    front = Front(case, handler)
    front.burst(1, 300)
    started.wait(harness.DEADLINE)
    front.process.send_signal(harness.signal.SIGHUP)
    good, errors = front.answers(1, 300)
    for e in errors:
        case.is_error(e, -31503)
    case.equal(front.twice(), 0, "calls that came twice")
    case.check("result" in front.bridge.call(1000), "the bridge does not go on")
    front.stop()
    return "300 calls across a reload: %d results, %d errors" % (good, len(errors))


def server_that_dies_in_the_middle(case):
    arrived = []

    def handler(r):
        if r.rpc_method == "tools/call":
            arrived.append(r.id)
            if len(arrived) == 50:
                os.kill(int(open(os.path.join(front.folder, "nginx.pid")).read()), harness.signal.SIGTERM)
            time.sleep(0.2)
        r.answer()
    front = Front(case, handler)
    front.burst(1, 100)
    good, errors = front.answers(1, 100)
    for e in errors:
        case.is_error(e, -31503)
    case.equal(front.twice(), 0, "calls that came twice")
    front.process.wait()
    return "100 calls, nginx ended in the middle: %d results, %d errors" % (good, len(errors))


def main():
    if not shutil.which("nginx"):
        print("make front needs nginx (Debian: nginx-light); nothing was tried")
        return 0
    failed = 0
    cases = [v for k, v in list(globals().items()) if callable(v) and k.islower() and k not in ("main",) and v.__module__ == __name__]
    for function in cases:
        case = harness.Case(function.__name__)
        try:
            said = function(case)
            case.finish()
            print("ok   %s: %s" % (function.__name__.replace("_", " "), said), flush=True)
        except Exception as problem:
            failed += 1
            print("FAIL %s: %s" % (function.__name__.replace("_", " "), problem), flush=True)
        finally:
            subprocess.run(["sh", "-c", "test -f %s && kill $(cat %s)" % ((os.path.join(case.folder, "nginx", "nginx.pid"),) * 2)],
                           check=False, stderr=subprocess.DEVNULL)
            case.clean_up()
    print("%d passed, %d failed" % (len(cases) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
