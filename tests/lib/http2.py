"""A scripted HTTP/2 server over TLS for cases: frames by hand (RFC 9113), no more of HPACK than is needed to answer.

handler(request) runs in the thread of its connection for every request that has arrived whole. What
the server says about the connection (GOAWAY) and about one stream (RST_STREAM) is the case's to choose.
"""

import contextlib
import json
import socket
import ssl
import struct
import threading

from harness import DEADLINE, Failed, initialized_result, response

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
NO_ERROR, REFUSED_STREAM, CANCEL = 0, 7, 8
MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE = 3, 4


def _string(text):
    return bytes([len(text)]) + text.encode()


def _field_block(status, content_type):
    """:status and content-type, neither indexed nor compressed."""
    block = b"\x88" if status == 200 else b"\x08" + _string(str(status))
    return block + (b"\x0f\x10" + _string(content_type) if content_type else b"")


class Request:
    def __init__(self, connection, stream, block):
        self.connection, self.stream, self.path = connection, stream, "stream %d" % stream
        self.method = {0x82: "GET", 0x83: "POST"}.get(block[0], "other")
        self.body = b""

    @property
    def rpc(self):
        return json.loads(self.body) if self.body else {}

    @property
    def id(self):
        return self.rpc.get("id")

    @property
    def rpc_method(self):
        return self.rpc.get("method")

    def reply(self, status, body=b"", content_type=None):
        self.connection.frame(HEADERS, END_HEADERS | (0 if body else END_STREAM), self.stream, _field_block(status, content_type))
        while body:
            piece, body = body[:16384], body[16384:]
            self.connection.frame(DATA, 0 if body else END_STREAM, self.stream, piece)

    def json(self, value):
        self.reply(200, json.dumps(value).encode(), "application/json")

    def open_stream(self):
        self.connection.frame(HEADERS, END_HEADERS, self.stream, _field_block(200, "text/event-stream"))

    def event(self, value):
        self.connection.frame(DATA, 0, self.stream, ("data: %s\n\n" % json.dumps(value)).encode())

    def reset(self, code):
        self.connection.frame(RST_STREAM, 0, self.stream, struct.pack(">I", code))

    def answer(self, result=None):
        if self.method != "POST":
            self.reply(405)
        elif self.rpc_method == "initialize":
            self.json(initialized_result(self.id))
        elif self.id is None or self.rpc_method is None:
            self.reply(202)
        else:
            self.json(response(self.id, result))


class Connection:
    def __init__(self, server, conn):
        self.server, self.conn, self.lock = server, conn, threading.Lock()
        self.requests = {}  # by stream
        self.resets = {}    # error code by stream, from the client
        self.gone = False

    def frame(self, kind, flags, stream, payload=b""):
        with self.lock:
            self.conn.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def goaway(self, last, code=NO_ERROR):
        self.frame(GOAWAY, 0, 0, struct.pack(">II", last, code))

    def close(self):
        with contextlib.suppress(OSError):
            self.conn.shutdown(socket.SHUT_RDWR)

    def read(self, n):
        out = b""
        while len(out) < n:
            piece = self.conn.recv(n - len(out))
            if not piece:
                raise EOFError
            out += piece
        return out

    def serve(self):
        if self.read(len(PREFACE)) != PREFACE:
            raise Failed("no HTTP/2 preface")
        self.frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", k, v) for k, v in self.server.settings.items()))
        while True:
            head = self.read(9)
            payload = self.read(int.from_bytes(head[:3], "big"))
            self.got(head[3], head[4], int.from_bytes(head[5:9], "big"), payload)

    def got(self, kind, flags, stream, payload):
        if kind == SETTINGS and not flags & ACK:
            self.frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            with self.server.changed:
                self.server.pings += 1
                self.server.changed.notify_all()
            if self.server.answers_pings:
                self.frame(PING, ACK, 0, payload)
        elif kind == HEADERS:
            # Priority fields come before the block.
            self.requests[stream] = Request(self, stream, payload[5:] if flags & 0x20 else payload)
        elif kind == DATA:
            if payload:
                self.requests[stream].body += payload
                for one in (0, stream):
                    self.frame(WINDOW_UPDATE, 0, one, struct.pack(">I", len(payload)))
        elif kind == RST_STREAM:
            with self.server.changed:
                self.resets[stream] = int.from_bytes(payload, "big")
                self.server.changed.notify_all()
        if kind in (HEADERS, DATA) and flags & END_STREAM:
            with self.server.changed:
                self.server.requests.append(self.requests[stream])
                self.server.changed.notify_all()
            self.server.handler(self.requests[stream])


class Server:
    def __init__(self, handler, context, settings=None, address="127.0.0.1"):
        self.handler, self.context = handler, context
        self.settings = {MAX_CONCURRENT_STREAMS: 256, INITIAL_WINDOW_SIZE: 65535, **(settings or {})}
        context.set_alpn_protocols(["h2"])
        self.requests, self.connections, self.errors = [], [], []
        self.changed = threading.Condition()
        self.pings, self.answers_pings = 0, True
        self.socket = socket.create_server((address, 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        self.url = "https://%s:%d/mcp" % (address, self.port)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        connection = None
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            conn = self.context.wrap_socket(conn, server_side=True)
            if conn.selected_alpn_protocol() != "h2":
                raise Failed("the client does not speak HTTP/2")
            connection = Connection(self, conn)
            self.connections.append(connection)
            connection.serve()
        except (OSError, EOFError, ssl.SSLError):
            pass  # the client went away
        except Exception as problem:
            self.errors.append(problem)
        finally:
            with self.changed:
                if connection:
                    connection.gone = True
                self.changed.notify_all()
            with contextlib.suppress(OSError):
                conn.close()

    def of(self, rpc_method):
        return [r for r in list(self.requests) if r.rpc_method == rpc_method]

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, DEADLINE):
                raise Failed("the server never saw " + what)

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
