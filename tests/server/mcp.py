"""The MCP half of the sandbox: Streamable HTTP, revisions 2024-11-05 to 2025-11-25."""

import json
import secrets
import threading
import time

import tools

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
PROMPTS = [{"name": "weekly-report", "description": "A report of the week",
            "arguments": [{"name": "project", "required": True}]}]
RESOURCES = [{"uri": "mixpanel://query/q-7f3a", "name": "Orders by day", "mimeType": "application/json"}]


class Answer:
    """What goes back over HTTP: a status, headers, and a JSON body or None."""

    def __init__(self, status, body=None, headers=None, before=None):
        self.status = status
        self.body = body
        self.headers = headers or {}
        self.before = before or []  # notifications that go before the body on a stream


def error(ident, code, message, data=None):
    body = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": ident, "error": body}


class Service:
    """State of the service behind all connections."""

    def __init__(self, options):
        self.options = options
        self.sessions = {}
        self.calls = []  # times of requests, for the rate limit
        self.lock = threading.Lock()

    # ---- the rate limit

    def limited(self):
        """Seconds to wait, or None."""
        if not self.options.rate:
            return None
        with self.lock:
            now = time.monotonic()
            self.calls = [t for t in self.calls if now - t < 3600]
            if len(self.calls) >= self.options.rate:
                return int(3600 - (now - self.calls[0])) + 1
            self.calls.append(now)
        return None

    def refuse_rate(self, ident, wait):
        if self.options.rate_form == "jsonrpc":
            return Answer(200, error(ident, -32000, "Global rate limit exceeded"))
        headers = {} if self.options.rate_form == "429-bare" else {"Retry-After": str(wait)}
        return Answer(429, {"error": "rate_limited", "error_description": "600 requests per hour"}, headers)

    # ---- sessions

    def check_session(self, headers, message):
        if not self.options.stateful or message.get("method") == "initialize":
            return None
        ident = headers.get("mcp-session-id")
        if not ident:
            return Answer(400, error("server-error", -32600, "Bad Request: Missing session ID"))
        if ident not in self.sessions:
            return Answer(404, error("server-error", -32600, "Session not found"))
        return None

    def check_version(self, headers):
        version = headers.get("mcp-protocol-version")
        if version is not None and version not in REVISIONS:
            return Answer(400, error("server-error", -32600, "Bad Request: Unsupported protocol version: " + version))
        return None

    # ---- methods

    def post(self, headers, message):
        """One message of the client."""
        refusal = self.check_version(headers) or self.check_session(headers, message)
        if refusal:
            return refusal
        if "id" not in message or "method" not in message:
            return Answer(202)
        wait = self.limited()
        if wait is not None:
            return self.refuse_rate(message["id"], wait)
        method = getattr(self, "do_" + message["method"].replace("/", "_"), None)
        if method is None:
            return Answer(200, error(message["id"], -32601, "Method not found"))
        answer = method(message.get("params") or {}, message)
        if isinstance(answer, Answer):
            return answer
        return Answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": answer})

    def do_initialize(self, params, message):
        asked = params.get("protocolVersion")
        result = {
            "protocolVersion": asked if asked in REVISIONS else REVISIONS[-1],
            "capabilities": {"tools": {"listChanged": True}, "prompts": {}, "resources": {"subscribe": True},
                             "logging": {}, "completions": {}},
            "serverInfo": {"name": "Mixpanel MCP Server (sandbox)", "version": "0"},
            "instructions": "Sample data only.",
        }
        headers = {}
        if self.options.stateful:
            ident = secrets.token_hex(16)
            self.sessions[ident] = result["protocolVersion"]
            headers["Mcp-Session-Id"] = ident
        return Answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, headers)

    def do_ping(self, params, message):
        return {}

    def do_tools_list(self, params, message):
        found = [tools.describe(row, self.options.annotations) for row in tools.TABLE]
        size = self.options.page_size
        if not size:
            return {"tools": found}
        start = int(params.get("cursor") or 0)
        page = {"tools": found[start:start + size]}
        if start + size < len(found):
            page["nextCursor"] = str(start + size)
        return page

    def do_tools_call(self, params, message):
        name = params.get("name")
        if name in self.options.deny_tool:
            return tools.text_result("Tool '%s' requires scopes: business_context" % name, True)
        result = tools.call(name, params.get("arguments") or {})
        if result is None:
            return tools.text_result("Unknown tool: '%s'" % name, True)
        token = (params.get("_meta") or {}).get("progressToken")
        before = []
        if token is not None:
            before = [{"jsonrpc": "2.0", "method": "notifications/progress",
                       "params": {"progressToken": token, "progress": i, "total": 2}} for i in (1, 2)]
        return Answer(200, {"jsonrpc": "2.0", "id": message["id"], "result": result}, before=before)

    def do_prompts_list(self, params, message):
        return {"prompts": PROMPTS}

    def do_prompts_get(self, params, message):
        return {"messages": [{"role": "user", "content": {"type": "text", "text": "Write the report of the week."}}]}

    def do_resources_list(self, params, message):
        return {"resources": RESOURCES}

    def do_resources_read(self, params, message):
        return {"contents": [{"uri": params.get("uri"), "mimeType": "application/json",
                              "text": json.dumps(tools.SAMPLES["Run-Query"])}]}

    def do_resources_subscribe(self, params, message):
        return {}

    do_resources_unsubscribe = do_resources_subscribe

    def do_resources_templates_list(self, params, message):
        return {"resourceTemplates": []}

    def do_logging_setLevel(self, params, message):
        return {}

    def do_completion_complete(self, params, message):
        return {"completion": {"values": ["Coffee Shop (demo)"], "hasMore": False}}
