"""HTTP/1.1 for both origins: requests in, answers out. Python's http.server would do, slower to load and to run."""

import json
import socket
import socketserver
import struct
import sys
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from log import hidden, shown
from wait import Inbox, Left

MAX_LINE = 256 << 10  # a request line or header line
MAX_HEADERS = 200
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Bad(Exception):
    """A request that cannot be read; the text goes into a 400."""


class Headers:
    """Names in small letters. Values as they came, a byte each character."""

    def __init__(self):
        self.pairs = []

    def all(self, name):
        return [v for n, v in self.pairs if n == name]

    def get(self, name):
        """The value, of repeated ones joined; None when there is none."""
        return ", ".join(self.all(name)) if self.all(name) else None


class Handler(socketserver.StreamRequestHandler):
    """A connection. Each request is one call of route()."""

    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together; whoever writes the last of something flushes

    def handle(self):
        self.keep, self.dropped, self.about = True, False, {}
        try:
            while self.keep and self.read():
                self.dispatch()
        except Bad as problem:
            self.keep = False
            self.reply(400, str(problem).encode(), "text/plain")
        except (Left, OSError):
            self.left()

    def left(self):
        """Writes down that the client did not wait for its answer."""
        if self.about and not self.dropped:
            self.server.log.event("client-left", of=self.logged, **self.about)
        self.dropped = True

    def finish(self):
        try:
            super().finish()
        except OSError:
            pass  # what was buffered for a client that has gone

    def dispatch(self):
        url = urlsplit(self.target)
        self.path = url.path
        self.query = {k: v[-1] for k, v in parse_qs(url.query, keep_blank_values=True).items()}
        if self.path == "/_sandbox" or self.path.startswith("/_sandbox/"):
            self.server.sandbox.control(self)
        else:
            self.route()

    # ---- reading

    def read(self):
        """The next request, into method, target, headers, raw. False at the end of the connection."""
        self.headers, self.about, self.logged = Headers(), {}, None
        self.method, self.target, self.path, self.query, self.raw = "-", "-", "-", {}, b""
        line = self.line()
        if not line:
            return False
        words = line.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Bad("not an HTTP/1.1 request")
        self.method, self.target, version = words
        for line in iter(self.line, ""):
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip() or len(self.headers.pairs) >= MAX_HEADERS:
                raise Bad("a header that is none, or too many of them")
            self.headers.pairs.append((name.lower(), value.strip(" \t")))
        connection = (self.headers.get("connection") or "").lower()
        if version == "HTTP/1.0" or "close" in connection:
            self.keep = False
        if (self.headers.get("expect") or "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        self.raw = self.body()
        return True

    def line(self):
        raw = self.rfile.readline(MAX_LINE)
        if raw and not raw.endswith(b"\n"):
            raise Bad("a line without end, or too long")
        return raw.decode("latin-1").rstrip("\r\n")

    def body(self):
        if "chunked" not in (self.headers.get("transfer-encoding") or "").lower():
            length = self.headers.get("content-length") or "0"
            if not length.isdigit():
                raise Bad("a Content-Length that is no number")
            return self.rfile.read(int(length))
        pieces = []
        while True:
            size = self.line().split(";")[0].strip()
            if not size or size.strip("0123456789abcdefABCDEF"):
                raise Bad("a chunk without a size")
            size = int(size, 16)
            pieces.append(self.rfile.read(size))
            self.line()
            if size == 0:
                return b"".join(pieces)

    def form(self):
        """A form-encoded body as a dict; of repeated fields the last."""
        fields = {k: v[-1] for k, v in parse_qs(self.raw.decode("utf-8", "replace"), keep_blank_values=True).items()}
        self.about["form"] = hidden(fields)
        return fields

    def foreign(self):
        """Whether a web page of another host sent this (DNS rebinding, or a form on it)."""
        origin = self.headers.get("origin")
        return origin is not None and urlsplit(origin).hostname not in LOOPBACK

    # ---- answering

    def head(self, status, headers):
        """headers: (name, value) pairs."""
        self.note(status)
        lines = ["HTTP/1.1 %d %s" % (status, HTTPStatus(status).phrase)]
        lines += ["%s: %s" % pair for pair in headers] + ["Connection: close"] * (not self.keep)
        self.wfile.write(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8"))

    def reply(self, status, body=b"", kind=None, headers=(), length=None):
        """body: bytes, or something for json. length: a Content-Length that is not the body's."""
        if not isinstance(body, bytes):
            body, kind = json.dumps(body).encode(), kind or "application/json"
        headers = list(headers.items() if isinstance(headers, dict) else headers)
        if kind:
            headers.append(("Content-Type", kind))
        self.head(status, headers + [("Content-Length", len(body) if length is None else length)])
        if self.method != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def page(self, status, html):
        self.reply(status, html.encode(), "text/html; charset=utf-8", {"Cache-Control": "no-store"})

    def drop(self, reset=False):
        """Ends the connection where it stands."""
        self.note(None)
        self.keep, self.dropped = False, True
        self.wfile.flush()
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            for each in (self.rfile, self.wfile, self.connection):
                each.close()  # the socket lives as long as the files made of it
        else:
            self.connection.shutdown(socket.SHUT_RDWR)

    def rest(self, seconds=None):
        """Waits that long (None: for ever), or until the client leaves: Left."""
        inbox = Inbox(self)
        try:
            inbox.get(seconds)
        finally:
            inbox.close()

    def note(self, status):
        """Writes this request's row, once: when its status is known (None: no answer)."""
        if self.logged is None and not self.path.startswith("/_sandbox"):
            row = {"origin": self.server.kind, "method": self.method, "path": self.path, "status": status, "rpc": None,
                   "id": None, "bytes": len(self.raw), "headers": shown(self.headers)}
            if self.query:
                row["query"] = hidden(self.query)
            row.update(self.about)
            self.logged = self.server.log.write(row)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 512

    def __init__(self, sandbox, kind, port, handler, called=None):
        """called: how documents are to name this origin."""
        self.sandbox, self.kind, self.log, self.watcher = sandbox, kind, sandbox.log, sandbox.watcher
        super().__init__(("127.0.0.1", port), handler)
        self.address = "http://127.0.0.1:%d" % self.server_address[1]
        self.origin = called or self.address

    def handle_error(self, request, client_address):
        # A client that goes away is no event; anything else is a mistake in here.
        if not isinstance(sys.exc_info()[1], OSError):
            sys.excepthook(*sys.exc_info())
