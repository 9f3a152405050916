"""The MCP origin: the metadata documents, the endpoint in its eras, and the old transport beside it."""

import metadata
import jsonrpc
import oldsse
from faults import asked
from jsonrpc import INVALID, PARSE, RpcError
from oauth import serve
from web import Handler

ENDPOINTS = ("/mcp", "/elsewhere/mcp")  # the second one for --fail METHOD=redirect-same
# Where a server of 2025-03-26 without metadata has its endpoints.
DEFAULTS = {"/authorize": "/oauth/authorize", "/token": "/oauth/token/", "/register": "/oauth/mcp/register/"}


class MCPHandler(Handler):
    def route(self):
        sandbox = self.server.sandbox
        if metadata.answer(self, sandbox.authorities, sandbox.options):
            return
        if self.path in DEFAULTS and asked(sandbox.options, "default-endpoints"):
            serve(self, sandbox.authorities[0], DEFAULTS[self.path])
            return
        try:
            self.endpoint(sandbox)
        except RpcError as refusal:
            self.reply(refusal.status, refusal.answer("server-error"))

    def endpoint(self, sandbox):
        old = sandbox.options.http_sse and {"/sse": "GET", "/messages/": "POST"}.get(self.path)
        if self.path not in ENDPOINTS and not old:
            self.reply(404, b"Not Found", "text/plain")
        elif self.foreign():
            raise RpcError(INVALID, "Forbidden: the Origin header names another host", status=403)
        elif self.method == "POST" and old != "GET":
            self.post(sandbox, old)
        elif self.path == "/mcp" and sandbox.gate.fails(self, self.method):
            pass
        elif old:
            if self.method != old:
                self.reply(405, headers={"Allow": old})
            elif not sandbox.gate.refuses(self, []):
                oldsse.stream(sandbox, self)
        elif sandbox.options.era == "modern" or self.method not in ("GET", "DELETE"):
            self.reply(405, RpcError(INVALID, "Method Not Allowed").answer("server-error"), headers={"Allow": "POST"})
        elif self.method == "GET":
            sandbox.legacy.get(self)
        else:
            sandbox.legacy.delete(self)

    def post(self, sandbox, old):
        try:
            value = jsonrpc.parse(self.raw)
        except ValueError as problem:
            value = RpcError(PARSE, "Parse error: %s" % problem, status=400)
        messages = [m for m in (value if isinstance(value, list) else [value]) if isinstance(m, dict)]
        methods = [m["method"] for m in messages if isinstance(m.get("method"), str)]
        self.note_messages(sandbox, messages)
        if self.path != "/elsewhere/mcp" and sandbox.gate.fails(self, methods[0] if methods else "answer"):
            return
        if sandbox.gate.refuses(self, methods) or self.denies(sandbox, messages):
            return
        self.check_kind(old)
        if isinstance(value, RpcError):
            raise value
        sandbox.gate.delay(self, methods[0] if methods else None)
        era = sandbox.options.era
        if old:
            oldsse.post(sandbox, self, value)
        elif era == "modern" or (era == "dual" and sandbox.modern.speaks_modern(self, value)):
            sandbox.modern.post(self, value)
        else:
            sandbox.legacy.post(self, value)

    def note_messages(self, sandbox, messages):
        """What the log shows of the body."""
        first = messages[0] if messages else {}
        self.about.update(rpc=first.get("method"), id=first.get("id"))
        if isinstance(first.get("params"), dict) and isinstance(first["params"].get("name"), str):
            self.about["name"] = first["params"]["name"]
        if len(messages) > 1:
            self.about["batch"] = len(messages)
        if sandbox.options.log_bodies:
            self.about["body"] = self.raw.decode("utf-8", "replace")

    def check_kind(self, old):
        """Content-Type and Accept, as the service's software checks them."""
        if not (self.headers.get("content-type") or "").lower().startswith("application/json"):
            raise RpcError(INVALID, "Unsupported Media Type: Content-Type must be application/json", status=415)
        accept = (self.headers.get("accept") or "").lower()
        if not old and not ("application/json" in accept and "text/event-stream" in accept):
            raise RpcError(INVALID, "Not Acceptable: Client must accept both application/json and text/event-stream", status=406)

    def denies(self, sandbox, messages):
        """Whether a tool of --deny-tool was refused with a 403."""
        calls = [m["params"] for m in messages if m.get("method") == "tools/call" and isinstance(m.get("params"), dict)]
        denied = any(c.get("name") in sandbox.options.deny_tool for c in calls)
        if not denied or not sandbox.options.scope_denied.startswith("403"):
            return False
        sandbox.gate.insufficient(self, "business_context", sandbox.options.scope_denied == "403")
        return True
