"""What stands before the MCP endpoint: faults of HTTP, waiting, credentials, the rate limit."""

import base64
import threading
import time

import faults
import metadata
from jsonrpc import error

# Made up; the form is the service's.
ACCOUNT = "sandbox.abc123.mp-service-account:sandboxsandboxsandboxsandbox12"
ACCOUNT_TOKEN = base64.b64encode(ACCOUNT.encode()).decode()

HOUR_S = 3600
TEXT = ("Authentication failed. The provided bearer token is invalid, expired, or no longer recognized by the server. "
        "To resolve: clear authentication tokens in your MCP client, and reconnect. Your client will register again "
        "with the server, and obtain new tokens.")


class Gate:
    def __init__(self, sandbox):
        self.sandbox, self.options = sandbox, sandbox.options
        self.lock = threading.Lock()
        self.failed, self.asked = 0, []  # faults so far; times of requests within the hour

    # ---- faults of HTTP

    def fails(self, handler, what):
        """Whether --fail has answered this request; what: an RPC method, or GET, DELETE."""
        kinds = dict(item.split("=", 1) for item in self.options.fail)
        kind = kinds.get(what, kinds.get("*"))
        if kind is None:
            return False
        with self.lock:
            self.failed += 1
            if self.options.fail_times and self.failed > self.options.fail_times:
                return False
        handler.about["fail"] = kind
        faults.play(handler, kind, self.sandbox.back.origin)
        return True

    def delay(self, handler, method):
        """--latency: of this method, else of all."""
        times = dict(("=" + item).rpartition("=")[::2] for item in self.options.latency)
        wait = int(times.get("=" + str(method), times.get("", 0)))
        if wait:
            handler.rest(wait / 1000)

    # ---- credentials

    def refuses(self, handler, methods):
        """Whether a 401 or 403 was the answer to these RPC methods (None: no message, but GET or DELETE)."""
        public = {"none": None, "late": [m for m in methods if m != "tools/call"],
                  "after-initialize": ["initialize", "server/discover"]}.get(self.options.auth, [])
        if public is None or (methods and all(m in public for m in methods)):
            return False
        value = handler.headers.get("authorization") or ""
        # As the service's software: Bearer in any case, then everything literally; all else counts as missing.
        token = value[7:] if value[:7].lower() == "bearer " else None
        if token == "Basic " + ACCOUNT_TOKEN and not self.options.account_expired:
            return False
        scopes = self.sandbox.authority().scopes_of(token)
        if scopes is None:
            self.challenge(handler, token)
            return True
        handler.about["scopes"] = len(scopes)
        if self.options.step_up and "tools/call" in methods and self.options.step_up not in scopes:
            self.insufficient(handler, self.options.step_up, True)
            return True
        return False

    def parameters(self):
        """What every challenge names: where the metadata is, and the scope when it is to be said."""
        out = []
        if self.options.challenge_scope:
            out.append('scope="%s"' % self.options.challenge_scope)
        address = metadata.resource_address(self.sandbox.front.origin, self.options)
        if address:
            out.append('resource_metadata="%s"' % address)
        return out

    def challenge(self, handler, token):
        form = self.options.challenge
        full = token is not None if form == "auto" else form in ("full", "many")
        parts = ['error="invalid_token"', 'error_description="%s"' % TEXT] * full + self.parameters()
        value = "Bearer " + ", ".join(parts) if parts else "Bearer"
        if form == "many":
            value = 'Negotiate dG9rZW42OA==, Basic realm="a \\"quoted\\", Bearer realm", %s, DPoP algs="ES256"' % value
        values = {"silent": [], "many": [value, "ApiKey"]}.get(form, [value])
        body = {"error": "invalid_token", "error_description": TEXT} if full else b""
        handler.reply(401, body, headers=[("WWW-Authenticate", v) for v in values])

    def insufficient(self, handler, scope, named):
        """403 insufficient_scope; named: with scope=."""
        parts = ['error="insufficient_scope"', 'error_description="Required scope: %s"' % scope]
        parts += ['scope="%s"' % scope] * named + self.parameters()[-1:]
        handler.reply(403, {"error": "insufficient_scope", "error_description": "Required scope: " + scope},
                      headers={"WWW-Authenticate": "Bearer " + ", ".join(parts)})

    # ---- the rate limit

    def limited(self, handler, ident):
        """Whether one request too many was refused."""
        if not self.options.rate:
            return False
        with self.lock:
            now = time.monotonic()
            self.asked = [t for t in self.asked if now - t < HOUR_S]
            if len(self.asked) < self.options.rate:
                self.asked.append(now)
                return False
            wait = str(int(HOUR_S - (now - self.asked[0])) + 1) if self.asked else str(HOUR_S)
        form = self.options.rate_form
        if form == "jsonrpc":
            handler.reply(200, error(ident, -32000, "Global rate limit exceeded"))
            return True
        headers = {"Retry-After": self.options.retry_after or wait} if form == "429" else {}
        body = {"error": "rate_limited", "error_description": "600 requests per hour"}
        handler.reply(429, b"" if form == "429-bare" else body, headers=headers)
        return True
