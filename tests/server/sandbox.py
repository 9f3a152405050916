#!/usr/bin/env python3
"""A local imitation of Mixpanel's hosted MCP service, on loopback.

    python3 tests/server/sandbox.py --explain

The first line on standard output is one JSON object: where the two origins
are and which service-account token is taken. Python's standard library only.
"""

import argparse
import base64
import hashlib
import json
import os
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import mcp  # noqa: E402
import oauth  # noqa: E402

# Made up; the form is the service's.
ACCOUNT = "sandbox.abc123.mp-service-account:sandboxsandboxsandboxsandbox12"


def parse_args(argv):
    p = argparse.ArgumentParser(description="A local imitation of Mixpanel's hosted MCP service.")
    p.add_argument("--port", type=int, default=0, help="port of the MCP origin (any free one)")
    p.add_argument("--oauth-port", type=int, default=0, help="port of the OAuth origin (any free one)")
    p.add_argument("--called", nargs=2, metavar=("MCP", "OAUTH"),
                   help="the origins as documents name them, when something stands before the sandbox")
    p.add_argument("--explain", action="store_true", help="tell a person what to paste where")
    p.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    p.add_argument("--log", metavar="FILE", help="write a JSON line for every request; credentials as hashes")
    p.add_argument("--stateful", action="store_true", help="session ids: 400 when missing, 404 when unknown")
    p.add_argument("--json", action="store_true", help="answer with JSON instead of event streams")
    p.add_argument("--get", choices=["405", "401", "stream"], default="405", help="what GET on the endpoint answers")
    p.add_argument("--ping-comments", action="store_true", help="send ': ping' comments before answers")
    p.add_argument("--auth", choices=["required", "none", "late"], default="required",
                   help="late: initialize and tools/list are public, tools/call is not")
    p.add_argument("--bare-401", action="store_true", help="401 with resource_metadata only and no body")
    p.add_argument("--rate", type=int, default=0, metavar="N", help="refuse after N requests an hour")
    p.add_argument("--rate-form", choices=["429", "429-bare", "jsonrpc"], default="429", help="how it refuses")
    p.add_argument("--page-size", type=int, default=0, metavar="N", help="tools/list in pages of N")
    p.add_argument("--no-annotations", dest="annotations", action="store_false", help="tools without annotations")
    p.add_argument("--deny-tool", action="append", default=[], metavar="NAME", help="this tool lacks a scope (text)")
    p.add_argument("--step-up", metavar="SCOPE", help="tools/call answers 403 insufficient_scope without SCOPE")
    oauth.add_arguments(p)
    return p.parse_args(argv)


class Log:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.lock = threading.Lock()

    def write(self, **row):
        if self.file:
            with self.lock:
                self.file.write(json.dumps(row) + "\n")
                self.file.flush()


class Handler(BaseHTTPRequestHandler):
    """What both origins share."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def reply(self, status, body=b"", content_type=None, headers=None):
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            content_type = content_type or "application/json"
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if content_type:
            self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.record(status)

    def record(self, status, **more):
        shown = {}
        for name, value in self.headers.items():
            secret = name.lower() in ("authorization", "mcp-session-id", "cookie")
            shown[name.lower()] = hashlib.sha256(value.encode()).hexdigest()[:12] if secret else value
        self.server.log.write(origin=self.server.kind, method=self.command, path=urlsplit(self.path).path,
                              status=status, headers=shown, rpc=getattr(self, "rpc", None), **more)


class MCPHandler(Handler):
    def refused(self, rpc_method):
        """A 401 or 403 when the credential does not do."""
        options = self.server.options
        if options.auth == "none" or (options.auth == "late" and rpc_method not in ("tools/call",)):
            return False
        value = self.headers.get("Authorization") or ""
        token = value[7:] if value[:7].lower() == "bearer " else None
        metadata = self.server.origin + "/.well-known/oauth-protected-resource/mcp"
        if token == "Basic " + base64.b64encode(ACCOUNT.encode()).decode():
            return False
        scopes = self.server.oauth.scopes_of(token) if token else None
        if scopes is not None:
            if options.step_up and rpc_method == "tools/call" and options.step_up not in scopes:
                challenge = 'Bearer error="insufficient_scope", scope="%s", resource_metadata="%s"' % (options.step_up, metadata)
                self.reply(403, {"error": "insufficient_scope", "error_description": "Required scope: " + options.step_up},
                           headers={"WWW-Authenticate": challenge})
                return True
            return False
        if options.bare_401 or token is None:
            self.reply(401, headers={"WWW-Authenticate": 'Bearer resource_metadata="%s"' % metadata})
            return True
        text = ("Authentication failed. The provided bearer token is invalid, expired, or no longer recognized by the "
                "server. To resolve: clear authentication tokens in your MCP client, and reconnect.")
        self.reply(401, {"error": "invalid_token", "error_description": text},
                   headers={"WWW-Authenticate": 'Bearer error="invalid_token", error_description="%s", '
                                                'resource_metadata="%s"' % (text, metadata)})
        return True

    def do_POST(self):
        raw = self.body()
        if urlsplit(self.path).path != "/mcp":
            self.reply(404, b"Not Found", "text/plain")
            return
        accept = self.headers.get("Accept") or ""
        if "application/json" not in accept or "text/event-stream" not in accept:
            self.reply(406, mcp.error("server-error", -32600, "Not Acceptable: Client must accept both application/json and text/event-stream"))
            return
        try:
            message = json.loads(raw)
        except ValueError:
            self.reply(400, mcp.error("server-error", -32700, "Parse error"))
            return
        self.rpc = message.get("method") if isinstance(message, dict) else "batch"
        if self.refused(self.rpc):
            return
        if not isinstance(message, dict):
            self.reply(400, mcp.error("server-error", -32600, "Batches are not supported"))
            return
        headers = {k.lower(): v for k, v in self.headers.items()}
        self.send(self.server.service.post(headers, message))

    def send(self, answer):
        if answer.body is None or answer.status != 200 or self.server.options.json:
            self.reply(answer.status, answer.body if answer.body is not None else b"", headers=answer.headers)
            return
        self.send_response(200)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-cache, no-transform")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.server.options.ping_comments:
            self.chunk(": ping\r\n\r\n")
        for message in answer.before + [answer.body]:
            self.chunk("event: message\r\ndata: %s\r\n\r\n" % json.dumps(message))
        self.wfile.write(b"0\r\n\r\n")
        self.record(200)

    def chunk(self, text):
        raw = text.encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    def do_GET(self):
        path = urlsplit(self.path).path
        document = self.server.oauth.metadata(path)
        if document is not None:
            self.reply(200, document, "application/json")
        elif path != "/mcp":
            self.reply(404, b"Not Found", "text/plain")
        elif self.server.options.get == "405":
            self.reply(405, mcp.error("server-error", -32600, "Method Not Allowed"), headers={"Allow": "POST, DELETE"})
        elif self.server.options.get == "401":
            self.reply(401, headers={"WWW-Authenticate": "Bearer"})
        elif not self.refused(None):
            self.stream()

    def stream(self):
        """Messages put there by /_sandbox/notify on the OAuth origin, until the client leaves."""
        listener = queue.Queue()
        self.server.listeners.append(listener)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.record(200)
        try:
            while True:
                try:
                    self.chunk("event: message\r\ndata: %s\r\n\r\n" % listener.get(timeout=1))
                except queue.Empty:
                    self.chunk(": ping\r\n\r\n")
        except OSError:
            self.server.listeners.remove(listener)
            self.close_connection = True

    def do_DELETE(self):
        ident = self.headers.get("Mcp-Session-Id")
        if self.server.options.stateful and ident in self.server.service.sessions:
            del self.server.service.sessions[ident]
            self.reply(200)
        else:
            self.reply(405, headers={"Allow": "POST, DELETE"})


class OAuthHandler(Handler):
    def do_GET(self):
        url = urlsplit(self.path)
        if url.path == "/_sandbox/drop-sessions":
            self.server.mcp.service.sessions.clear()
            self.reply(200, {"dropped": True})
        elif url.path == "/_sandbox/expire":
            self.server.oauth.expire_all()
            self.reply(200, {"expired": True})
        elif url.path == "/_sandbox/stats":
            self.reply(200, self.server.oauth.stats())
        else:
            self.server.oauth.get(self, url.path, parse_qs(url.query, keep_blank_values=True))

    def do_POST(self):
        raw = self.body()
        if self.path == "/_sandbox/notify":
            for listener in list(self.server.mcp.listeners):
                listener.put(raw.decode())
            self.reply(200, {"listeners": len(self.server.mcp.listeners)})
        else:
            self.server.oauth.post(self, urlsplit(self.path).path, raw)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # a client that goes away is no event here


def explain(facts, out):
    print("""
The sandbox runs at %(mcp)s

A bridge with a service account (paste into a terminal, then type MCP messages):
    MIXPANEL_SA_TOKEN=%(token)s build/mpmcp %(mcp)s

Gemini CLI, ~/.gemini/settings.json:
    "mcpServers": {"mixpanel-sandbox": {"command": "mpmcp", "args": ["%(mcp)s"],
                   "env": {"MIXPANEL_SA_TOKEN": "%(token)s"}}}

Cursor, ~/.cursor/mcp.json takes the same entry.

Sign in with a browser instead:
    build/mpmcp login %(mcp)s

Ctrl-C ends it.""" % facts, file=out, flush=True)


def main(argv):
    options = parse_args(argv)
    log = Log(options.log)
    front = Server(("127.0.0.1", options.port), MCPHandler)
    back = Server(("127.0.0.1", options.oauth_port), OAuthHandler)
    front.origin = "http://127.0.0.1:%d" % front.server_address[1]
    back.origin = "http://127.0.0.1:%d" % back.server_address[1]
    facts = {"mcp": front.origin + "/mcp", "oauth": back.origin, "pid": os.getpid(),
             "token": base64.b64encode(ACCOUNT.encode()).decode()}
    if options.called:
        front.origin, back.origin = options.called
    front.kind, back.kind = "mcp", "oauth"
    authority = oauth.Authority(options, front.origin, back.origin)
    for server in (front, back):
        server.options, server.log, server.oauth = options, log, authority
    front.service, front.listeners, back.mcp = mcp.Service(options), [], front
    print(json.dumps(facts), flush=True)
    if options.explain or sys.stdout.isatty():
        explain(facts, sys.stdout)
    threading.Thread(target=back.serve_forever, daemon=True).start()
    threading.Thread(target=front.serve_forever, daemon=True).start()
    try:
        if options.until_eof:
            while sys.stdin.readline():
                pass
        else:
            threading.Event().wait()
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
