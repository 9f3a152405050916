"""A forward proxy for cases: CONNECT and absolute-form requests, names resolved by the case alone."""

import contextlib
import socket
import ssl
import threading


class Proxy:
    """route(host, port) says which port of 127.0.0.1 stands for that name; None: 502.

    With tls (a server context) the proxy ends the TLS of a tunnel itself and goes on in plain text, so
    that servers without TLS can stand for https:// ones. credentials: "user:password" in base64 that is
    asked for. seen holds (method, target, header fields) of every request and CONNECT.
    """

    def __init__(self, route, tls=None, credentials=None, refuse=None):
        self.route, self.tls, self.credentials, self.refuse = route, tls, credentials, refuse
        self.seen = []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        self.address = "127.0.0.1:%d" % self.port
        self.url = "http://" + self.address
        self.open = True
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def close(self):
        self.open = False
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def serve(self, conn):
        try:
            conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.requests(conn)
        except (OSError, ssl.SSLError, ValueError):
            pass  # one side went away
        finally:
            with contextlib.suppress(OSError):
                conn.close()

    @staticmethod
    def head(stream):
        """(method, target, fields, raw field lines), None at the end."""
        line = stream.readline().decode("latin-1").split()
        if len(line) < 2:
            return None
        fields, raw = {}, []
        for one in iter(stream.readline, b"\r\n"):
            if not one:
                return None
            name, _, value = one.decode("latin-1").partition(":")
            fields[name.strip().lower()] = value.strip()
            if not name.lower().startswith("proxy-"):
                raw.append(one)
        return line[0], line[1], fields, b"".join(raw)

    def refused(self, conn, fields):
        if self.credentials and fields.get("proxy-authorization") != "Basic " + self.credentials:
            conn.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"p\"\r\n"
                         b"Content-Length: 0\r\n\r\n")
            return True
        if self.refuse:
            conn.sendall(b"HTTP/1.1 %d Not by policy 7\r\nContent-Length: 0\r\n\r\n" % self.refuse)
            return True
        return False

    def upstream(self, conn, host, port):
        where = self.route(host, port)
        if where is None:
            conn.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return None
        return socket.create_connection(("127.0.0.1", where))

    @staticmethod
    def pump(source, target):
        with contextlib.suppress(OSError, ssl.SSLError, ValueError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    def requests(self, conn):
        stream, up = conn.makefile("rb", buffering=0), None
        while True:
            head = self.head(stream)
            if head is None:
                break
            method, target, fields, raw = head
            self.seen.append((method, target, fields))
            if self.refused(conn, fields):
                continue
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                return self.tunnel(conn, host, int(port))
            _, _, rest = target.partition("://")
            host, _, path = rest.partition("/")
            if up is None:
                name, _, port = host.partition(":")
                up = self.upstream(conn, name, int(port or 80))
                if up is None:
                    continue
                threading.Thread(target=self.pump, args=(up, conn), daemon=True).start()
            body = b""
            while len(body) < int(fields.get("content-length") or 0):
                body += stream.read(int(fields["content-length"]) - len(body))
            up.sendall(("%s /%s HTTP/1.1\r\n" % (method, path)).encode() + raw + b"\r\n" + body)
        if up is not None:
            up.close()
        return None

    def tunnel(self, conn, host, port):
        up = self.upstream(conn, host, port)
        if up is None:
            return
        conn.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        if self.tls:
            conn = self.tls.wrap_socket(conn, server_side=True)
        # Data of a TLS connection may be there although its socket is quiet: one thread for each way.
        back = threading.Thread(target=self.pump, args=(up, conn), daemon=True)
        back.start()
        self.pump(conn, up)
        back.join()
        up.close()
