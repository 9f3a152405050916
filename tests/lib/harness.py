"""What the end-to-end cases are written with: the program under test as a
process, a scripted server, the sandbox. Every wait is for an event, with a
deadline that only a failure reaches."""

import base64
import contextlib
import json
import os
import random
import select
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import forward
import leaks

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# Under nohup(1) the program would ignore it, too.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
PROGRAM = os.path.join(ROOT, os.environ.get("MPMCP", "build/mpmcp"))
WRAP = shlex.split(os.environ.get("MPMCP_WRAP", ""))
# Only a failure waits this long; generous for a slow machine under valgrind.
DEADLINE = float(os.environ.get("MPMCP_DEADLINE", "120"))
# For a time-out that passes in a case: what is to arrive before it does so on a slow machine, too. A case that waits
# for one is marked .slow, which lets it wait beside the others.
LIMIT = 10
NOBODY = 65534

PAIR = "tester.abc123.mp-service-account:s3cr3t0s3cr3t0s3cr3t0s3cr3t0s3cr"
TOKEN = base64.b64encode(PAIR.encode()).decode()
ACCOUNT_HEADER = "Bearer Basic " + TOKEN

INITIALIZE = {"jsonrpc": "2.0", "id": 0, "method": "initialize",
              "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "case", "version": "1"}}}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def request(ident, method="tools/call", **params):
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def response(ident, result=None):
    return {"jsonrpc": "2.0", "id": ident, "result": {"ok": True} if result is None else result}


def initialized_result(ident, version="2025-06-18"):
    return response(ident, {"protocolVersion": version, "capabilities": {}, "serverInfo": {"name": "mock", "version": "1"}})


class Failed(AssertionError):
    pass


def started_here(pid):
    """The process is a program of some case, or in its session: a sign-in under way has a session of its own."""
    def stat(process):  # parent and session
        with open("/proc/%s/stat" % process) as f:
            return f.read().rpartition(")")[2].split()[1:4:2]
    try:
        return stat(stat(pid)[1])[0] == str(os.getpid())
    except FileNotFoundError:
        return False  # whoever began the session is gone


class Skipped(Exception):
    """The machine lacks what the case needs; the text says what."""


def terminal():
    """A pseudo-terminal: our end, and the program's."""
    try:
        return os.openpty()
    except OSError as problem:
        raise Skipped("no pseudo-terminal can be had (%s); is devpts mounted on /dev/pts?" % problem.strerror)


def readable(*fds):
    """Those of the descriptors that can be read; waits for one. select() knows no descriptor beyond 1023."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(DEADLINE * 1000)]


class Popen(subprocess.Popen):
    """A process that begins while another thread writes a file inherits that file, and whoever runs it is told that
    it is busy (ETXTBSY): one at a time. Under the name that everybody uses."""
    writing = threading.RLock()

    def __init__(self, *args, **more):
        with self.writing:
            super().__init__(*args, **more)


subprocess.Popen = Popen


class Bell:
    """For what nobody else announces: a program of the case rings when it has done something."""

    def __init__(self, path):
        os.mkfifo(path)
        self.path = path
        self.reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)  # so that it never ends

    def ringing(self):
        """A Python program's text: defines ring(), which does nothing when the case is over."""
        return ("import os\ndef ring():\n    try:\n        os.write(os.open(%r, os.O_WRONLY | os.O_NONBLOCK), b'.')\n"
                "    except OSError:\n        pass\n") % self.path

    def wait(self, condition, what):
        """Looks again with each ring."""
        while not condition():
            if not readable(self.reader):
                raise Failed(what + " never came")
            os.read(self.reader, 4096)

    def close(self):
        os.close(self.reader)
        os.close(self.writer)


def free_port():
    """A port below those that systems give to outgoing connections, free a moment ago."""
    for port in random.sample(range(12000, 32000), 200):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise Failed("no port is free")


# ---- the scripted server


class Request:
    """One HTTP request as it came, and the ways to answer it."""

    def __init__(self, conn, method, path, headers, body):
        self.conn, self.method, self.path, self.headers, self.body = conn, method, path, headers, body
        self.names = []
        self.at = time.monotonic()
        try:
            self.rpc = json.loads(body) if body else None
        except ValueError:
            self.rpc = None

    def count(self, name):
        """How often this header field came."""
        return self.names.count(name)

    @property
    def id(self):
        return self.rpc.get("id") if isinstance(self.rpc, dict) else None

    @property
    def rpc_method(self):
        return self.rpc.get("method") if isinstance(self.rpc, dict) else None

    def raw(self, data):
        self.conn.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self, status, headers, length=None):
        lines = ["HTTP/1.1 %d X" % status]
        lines += ["%s: %s" % h for h in (headers.items() if isinstance(headers, dict) else headers)]
        if length is not None:
            lines.append("Content-Length: %d" % length)
        self.raw("\r\n".join(lines) + "\r\n\r\n")

    def reply(self, status, body=b"", headers=None):
        body = body if isinstance(body, bytes) else body.encode()
        self.head(status, headers or {}, len(body))
        self.raw(body)

    def json(self, value, status=200, headers=None):
        text = value if isinstance(value, (str, bytes)) else json.dumps(value)
        self.reply(status, text, dict({"Content-Type": "application/json"}, **(headers or {})))

    def answer(self, result=None, **more):
        """An ordinary answer to whatever this is."""
        if self.rpc_method == "initialize":
            self.json(initialized_result(self.id, self.rpc["params"]["protocolVersion"]), **more)
        elif self.method == "GET":
            self.reply(405, headers={"Allow": "POST"})
        elif self.method == "DELETE":
            self.reply(200)
        elif self.id is None or self.rpc_method is None:
            self.reply(202)
        else:
            self.json(response(self.id, result), **more)

    def stream(self, headers=None):
        """Starts an event stream of unknown length: event() follows, end() closes it."""
        self.head(200, dict({"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}, **(headers or {})))

    def chunk(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        self.raw(b"%x\r\n%s\r\n" % (len(data), data))

    def event(self, value, ident=None, retry=None):
        text = value if isinstance(value, str) else json.dumps(value)
        self.chunk(("id: %s\n" % ident if ident is not None else "") + ("retry: %d\n" % retry if retry is not None else "")
                   + "data: %s\n\n" % text)

    def end(self):
        self.raw(b"0\r\n\r\n")

    def close(self, reset=False):
        if reset:
            self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        else:
            with contextlib.suppress(OSError):
                self.conn.shutdown(socket.SHUT_RDWR)
        self.file.close()  # the socket lives as long as the file made of it
        self.conn.close()

    def wait_gone(self):
        """Returns once the client has closed this connection."""
        try:
            self.conn.settimeout(DEADLINE)
            while self.conn.recv(4096):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # closed on our side as well, which follows


class Server:
    """A scripted HTTP/1.1 server: handler(request) in a thread for each connection."""

    def __init__(self, handler, tls=None, address="127.0.0.1", port=0):
        self.handler, self.tls = handler, tls
        self.requests, self.errors = [], []
        self.changed = threading.Condition()
        self.socket = socket.create_server((address, port), backlog=512, family=socket.AF_INET6 if ":" in address else socket.AF_INET)
        self.port = self.socket.getsockname()[1]
        self.origin = "%s://%s:%d" % ("https" if tls else "http", "[%s]" % address if ":" in address else address, self.port)
        self.url = self.origin + "/mcp"
        self.connections = 0
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        stream = None
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                conn = self.tls.wrap_socket(conn, server_side=True)
            stream = conn.makefile("rb")
            while True:
                r = self.read(conn, stream)
                if r is None:
                    break
                r.file = stream
                with self.changed:
                    self.requests.append(r)
                    self.changed.notify_all()
                self.handler(r)
                if conn.fileno() < 0:
                    break
        except (OSError, ssl.SSLError):
            pass  # the client went away, which cases do on purpose
        except Exception as problem:
            self.errors.append(problem)
        finally:
            with contextlib.suppress(OSError):
                if stream:
                    stream.close()  # or the socket would stay open as long as a case remembers its requests
                conn.close()

    @staticmethod
    def read(conn, stream):
        line = stream.readline().decode("latin-1").split()
        if len(line) < 2:
            return None
        headers, names = {}, []
        for raw in iter(stream.readline, b"\r\n"):
            if not raw:
                return None
            name, _, value = raw.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
            names.append(name.strip().lower())
        body = stream.read(int(headers.get("content-length") or 0))
        r = Request(conn, line[0], line[1], headers, body)
        r.names = names  # every field, also one that is there twice
        return r

    def wait(self, condition, what):
        """Waits until condition(requests) holds; returns its value."""
        with self.changed:
            if not self.changed.wait_for(lambda: condition(self.requests), DEADLINE):
                raise Failed("the server never saw " + what)
            return condition(self.requests)

    def of(self, rpc_method=None, method=None):
        return [r for r in list(self.requests) if (rpc_method is None or r.rpc_method == rpc_method)
                and (method is None or r.method == method)]

    def wait_deleted(self):
        """The program sends the DELETE of its session and does not stay for the answer: it may be gone before this server read it."""
        self.wait(lambda _: self.of(method="DELETE"), "the end of the session")

    def close(self):
        self.open = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


# ---- the program


class Program:
    """The program as a child process; its output is read in threads."""

    def __init__(self, case, args, env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=None,
                 binary=None, wrap=WRAP, user=None):
        self.case = case
        self.args = args
        self.lines, self.errors, self.sent = [], b"", []
        self.changed = threading.Condition()
        self.ended = False
        # A buffer as large as a pipe: lines of many megabytes are read here, beside a program that is to be fast.
        self.process = subprocess.Popen(wrap + [binary or PROGRAM] + args, bufsize=65536, stdin=stdin, stdout=stdout, stderr=stderr,
                                        env=env, cwd=cwd or case.folder, start_new_session=True, user=user)
        self.threads = []
        if stdout == subprocess.PIPE:
            self.threads.append(threading.Thread(target=self.read_out, daemon=True))
        if stderr == subprocess.PIPE:
            self.threads.append(threading.Thread(target=self.read_err, daemon=True))
        self.reading = threading.Event()
        self.reading.set()
        for t in self.threads:
            t.start()

    def read_out(self):
        for line in iter(self.process.stdout.readline, b""):
            with self.changed:
                self.lines.append(line)
                self.changed.notify_all()
            self.reading.wait()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def read_err(self):
        for piece in iter(lambda: self.process.stderr.read1(65536), b""):
            with self.changed:
                self.errors += piece
                self.changed.notify_all()

    def send(self, *messages):
        for m in messages:
            raw = m if isinstance(m, bytes) else (m if isinstance(m, str) else json.dumps(m)).encode()
            self.sent.append(raw)
            self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def send_raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def end_input(self):
        self.process.stdin.close()

    def messages(self):
        return [json.loads(line) for line in list(self.lines) if len(line) < 10 << 20]

    def wait_line(self, condition, what):
        """The first output line for which condition(bytes) holds."""
        def found():
            return next((line for line in self.lines if condition(line)), None)
        with self.changed:
            self.changed.wait_for(lambda: found() is not None or self.ended, DEADLINE)
            line = found()
        if line is None:
            raise Failed("no output line with " + what)
        return line

    def wait_error_text(self, text, times=1):
        with self.changed:
            if not self.changed.wait_for(lambda: self.errors.count(text.encode()) >= times, DEADLINE):
                raise Failed("standard error never said %r" % text)

    def answer(self, ident):
        """The message that answers this id."""
        def is_it(line):
            if len(line) > 10 << 20:
                return False
            m = json.loads(line)
            return isinstance(m, dict) and "method" not in m and "id" in m and m["id"] == ident
        return json.loads(self.wait_line(is_it, "an answer to %r" % (ident,)))

    def call(self, ident, method="tools/call", **params):
        self.send(request(ident, method, **params))
        return self.answer(ident)

    def handshake(self, version="2025-06-18"):
        init = json.loads(json.dumps(INITIALIZE))
        init["params"]["protocolVersion"] = version
        self.send(init)
        answer = self.answer(0)
        self.send(INITIALIZED)
        return answer

    def wait(self):
        """The exit status; all output has been read."""
        try:
            status = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failed("the program did not end")
        for t in self.threads:
            t.join(DEADLINE)
        return status

    def finish(self):
        """Ends the input and returns the status."""
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        return self.wait()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def clean_up(self):
        if self.process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(OSError):
                    stream.close()


# ---- a case


class Case:
    """One case: everything it started ends with it."""

    def __init__(self, name):
        self.name = name
        self.folder = tempfile.mkdtemp(prefix="mpmcp-case-")
        self.home = os.path.join(self.folder, "home")
        os.mkdir(self.home)
        self.programs, self.servers, self.boxes, self.proxies, self.networks = [], [], [], [], []
        self.account = [TOKEN, PAIR.split(":")[1]]
        self.secrets = list(self.account)
        self.logs = []
        self.facts = []  # of the sandboxes
        self.bell = Bell(os.path.join(self.folder, "bell"))
        self.arguments = os.path.join(self.folder, "arguments")  # with which browsers were started
        self.theirs = {self.arguments, os.path.join(self.folder, "sandbox.log")}  # files that others made than the program

    def server(self, handler=lambda r: r.answer(), **more):
        s = Server(handler, **more)
        self.servers.append(s)
        return s

    def proxy(self, route, **more):
        """A forward proxy (forward.py)."""
        p = forward.Proxy(route, **more)
        self.proxies.append(p)
        return p

    def env(self, more=None):
        env = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        env["HOME"] = self.home
        env.update(more or {})
        return env

    def start(self, *args, env=None, token=TOKEN, **more):
        """Starts the program; with a service account unless token is None."""
        extra = {"MIXPANEL_SA_TOKEN": token} if token is not None else {}
        extra.update(env or {})
        program = Program(self, list(args), self.env(extra), **more)
        self.programs.append(program)
        return program

    def bridge(self, handler=lambda r: r.answer(), *args, tls=None, **more):
        """A server with this handler and a bridge in front of it."""
        s = self.server(handler, tls=tls)
        return s, self.start(s.url, *args, **more)

    def sandbox(self, *switches):
        # Compiled once for all cases, and not into the tree.
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        env["PYTHONPYCACHEPREFIX"] = os.path.join(ROOT, "build/pycache")
        process = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests/server/sandbox.py"), "--until-eof",
                                    "--log", os.path.join(self.folder, "sandbox.log"), *switches],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        facts = json.loads(process.stdout.readline())
        facts["process"] = process
        facts["log"] = os.path.join(self.folder, "sandbox.log")
        self.boxes.append(process)
        self.facts.append(facts)
        self.secrets += [facts["token"], facts["client_secret"]]
        return facts

    @staticmethod
    def control(box, what, body=None):
        """Steers a sandbox, or looks into it: the answer of /_sandbox/WHAT."""
        try:
            with urllib.request.urlopen(box["oauth"] + "/_sandbox/" + what, body, timeout=DEADLINE) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as problem:
            raise Failed("the sandbox refuses %s: %r" % (what, problem.read()))

    def file(self, name, content, mode=0o644):
        path = os.path.join(self.folder, name)
        self.theirs.add(path)
        with Popen.writing, open(path, "wb") as f:
            f.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(path, mode)
        return path

    @staticmethod
    def give_away(*paths):
        """The files belong to somebody else now."""
        if os.geteuid() != 0:
            raise Skipped("only root can give files to another user")
        try:
            for path in paths:
                os.chown(path, NOBODY, NOBODY)
        except OSError as problem:
            raise Skipped("there is no user %d here to give files to (%s)" % (NOBODY, problem.strerror))

    def as_nobody(self):
        """For start(): root reads and writes everything, so the program runs as somebody else, who owns the home
        of the case. What root has built may lie where nobody else can go: they get a copy."""
        if os.geteuid() != 0:
            return {}
        os.chmod(self.folder, 0o755)
        for folder, dirs, files in os.walk(self.home):
            self.give_away(folder, *(os.path.join(folder, f) for f in dirs + files))
        program = os.path.join(self.folder, "mpmcp")
        self.theirs.add(program)
        with Popen.writing:
            shutil.copyfile(PROGRAM, program)
        os.chmod(program, 0o755)
        return {"user": NOBODY, "cwd": "/", "binary": program}

    @staticmethod
    def check(condition, what):
        if not condition:
            raise Failed(what)

    @staticmethod
    def equal(have, want, what="value"):
        if have != want:
            raise Failed("%s is %.400r, not %.400r" % (what, have, want))

    def is_error(self, message, code, *texts):
        """message is an error answer of this code whose text holds all texts."""
        error = message.get("error") or {}
        self.equal(error.get("code"), code, "error code (%.400r)" % message)
        for text in texts:
            self.check(text in error["message"], "%r is not in %r" % (text, error["message"]))

    def finish(self):
        """What holds for every case: no secret in messages for people, only messages on stdout."""
        for p in self.programs:
            p.signal() if p.process.poll() is None else None
        for p in self.programs:
            p.wait()
            self.check(p.process.returncode >= 0 or p.process.returncode in (-2, -9, -15), "ended by signal %d" % -p.process.returncode)
            self.check(p.process.returncode != 99, "the memory checker found something:\n" + p.errors.decode("utf-8", "replace"))
        leaks.look(self)
        for s in self.servers:
            self.check(not s.errors, "the scripted server failed: %r" % s.errors)

    def transcript(self):
        out = []
        for p in self.programs:
            out += ["> " + x[:300].decode("utf-8", "replace") for x in p.sent[:40]]
            out += ["< " + x[:300].decode("utf-8", "replace").rstrip() for x in p.lines[:40]]
            out += ["! " + x[:300] for x in p.errors.decode("utf-8", "replace").splitlines()[:60]]
            out += ["= status %r" % p.process.poll()]
        for s in self.servers:
            out += ["@ %s %s %s" % (r.method, r.path, r.body[:120]) for r in s.requests[:40]]
        for x in self.proxies:
            out += ["# %s %s" % s[:2] for s in x.seen[:40]]
        return "\n".join(out) + "\n"

    def strays(self):
        """Processes of this case that belong to none of its programs any more: sign-ins under way, browsers."""
        known = {p.process.pid for p in self.programs} | {b.pid for b in self.boxes} | {os.getpid()}
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc/self") else ()):
            with contextlib.suppress(OSError):
                if int(pid) not in known and self.owns(pid):
                    found.append(int(pid))
        return found

    def owns(self, pid):
        try:
            return b"HOME=" + self.home.encode() + b"\0" in open("/proc/%s/environ" % pid, "rb").read()
        except PermissionError:
            # Only root can read that of the program under test, which is not dumpable. A port in its arguments tells it from
            # those of other cases; some share a port at which nobody is, so what a case has started itself is left alone.
            if started_here(pid):
                return False
            words = [w for p in self.programs for w in map(os.fsencode, p.args) if b"://127.0.0.1:" in w or b"://localhost:" in w]
            words = [b"\0" + w + b"\0" for w in words + [b"/".join(w.split(b"/")[:3]) for w in words]]
            text = open("/proc/%s/cmdline" % pid, "rb").read()
            return os.path.basename(PROGRAM).encode() in text and any(w in text for w in words)

    def clean_up(self):
        for p in self.programs:
            p.clean_up()
        for pid in self.strays():
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        for s in self.servers + self.proxies + self.networks:
            s.close()
        for b in self.boxes:
            b.stdin.close()
            b.kill()
            b.wait()
            b.stdout.close()
        self.bell.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def forget(self):
        """Lets go what was said: a case, its programs and servers hold one another, and such circles stay for long."""
        for p in self.programs:
            p.lines, p.sent, p.errors, p.case = [], [], b"", None
        for s in self.servers:
            s.requests, s.handler = [], None


# ---- certificates, made once


class Certificates:
    """A certificate authority and two server certificates, made with the openssl command."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="mpmcp-tls-")
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Case CA",
                 "-keyout", "ca.key", "-out", "ca.pem")
        self.leaf("good", "IP:127.0.0.1,IP:10.77.0.1,DNS:localhost")
        self.leaf("other", "DNS:other.example")
        self.leaf("service", "DNS:mcp.mixpanel.com")
        self.leaf("expired", "IP:127.0.0.1", "-1")
        self.run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                 "subjectAltName=IP:127.0.0.1", "-keyout", "self.key", "-out", "self.pem")
        os.mkdir(self.path("hashed"))
        shutil.copy(self.path("ca.pem"), self.path("hashed"))
        subprocess.run(["openssl", "rehash", self.path("hashed")], check=True, capture_output=True)

    def path(self, name):
        return os.path.join(self.folder, name)

    def run(self, *args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=self.folder)

    def leaf(self, name, names, days="2"):
        with open(self.path(name + ".ext"), "w") as f:
            f.write("subjectAltName=%s\n" % names)
        self.run("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", name + ".key", "-out", name + ".csr")
        self.run("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", days,
                 "-extfile", name + ".ext", "-out", name + ".pem")

    def named(self, *names):
        """A certificate for these names, called after the first; made when first asked for."""
        with _making:
            if not os.path.exists(self.path(names[0] + ".pem")):
                self.leaf(names[0], ",".join("DNS:" + n for n in names))

    def context(self, name):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return c


_certificates, _lock, _making = None, threading.Lock(), threading.Lock()


def certificates():
    global _certificates
    with _lock:
        if _certificates is None:
            _certificates = Certificates()
        return _certificates
