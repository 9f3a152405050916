"""The revision 2026-07-28 over Streamable HTTP: every request says all there is to know; nothing is remembered."""

import jsonrpc
import mirror
import service
from call import LEVELS, Call
from jsonrpc import HEADER_MISMATCH, INVALID, NO_CAPABILITY, NO_METHOD, NO_VERSION, PARAMS, RpcError
from legacy import is_implementation
from listen import listen
from questions import InputRequired, Questions
from reply import Reply

REVISION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
CACHED = {"server/discover": "public", "tools/list": "public", "prompts/list": "public", "resources/list": "public",
          "resources/templates/list": "public", "resources/read": "private"}
TTL_MS = 60000
GONE = ("notifications/cancelled", "notifications/initialized", "notifications/roots/list_changed", "notifications/progress")


class ModernCall(Call):
    era = "modern"

    def __init__(self, handler, message, reply):
        super().__init__(handler, message, reply)
        self.questions = Questions(self)

    def capabilities(self):
        return self.meta[PREFIX + "clientCapabilities"]

    def level(self):
        # Without it, nothing may be logged.
        return self.meta.get(PREFIX + "logLevel")

    def ask(self, questions, via="post", with_state=True):
        for method, params in questions.values():
            lacks = self.missing(method, params or {})
            if lacks:
                raise RpcError(NO_CAPABILITY, "Missing required client capability", {"requiredCapabilities": lacks}, 400)
        return self.questions.ask(questions, with_state)


class Modern:
    def __init__(self, sandbox):
        self.sandbox, self.options = sandbox, sandbox.options

    def supported(self):
        legacy = self.sandbox.legacy.revisions() if self.options.era == "dual" else []
        return [REVISION] + legacy[::-1]

    def speaks_modern(self, handler, value):
        """Whether a message is of this era, for a server that knows both."""
        if handler.headers.get("mcp-protocol-version") == REVISION:
            return True
        params = value.get("params") if isinstance(value, dict) else None
        meta = params.get("_meta") if isinstance(params, dict) else None
        return isinstance(meta, dict) and PREFIX + "protocolVersion" in meta

    # ---- POST

    def post(self, handler, value):
        ident = value.get("id") if isinstance(value, dict) and jsonrpc.is_id(value.get("id")) else None
        try:
            self.check_message(value)
            if "id" not in value:
                self.check_notification(value)
                handler.reply(202)
                return
            if value["method"] == "initialize":
                self.refuse_initialize(handler, value)
            self.check_request(handler, value)
            if self.sandbox.gate.limited(handler, ident):
                return
            self.request(handler, value)
        except RpcError as refusal:
            answer = refusal.answer(ident)
            if ident is None:
                del answer["id"]  # an error without one, never null
            handler.about["refused"] = refusal.code
            self.sandbox.log.count("refused:%d" % refusal.code)
            handler.reply(refusal.status, answer)

    def check_message(self, value):
        """One request or notification, well made. Raises RpcError."""
        problem = "one message a request; batches are gone" if isinstance(value, list) else jsonrpc.problem(value)
        if not problem and "method" not in value:
            problem = "clients of %s send no answers" % REVISION
        if not problem and isinstance(value.get("id"), float):
            problem = "id must be a string or an integer"
        params = {} if problem else value.get("params") or {}
        if not problem and any(isinstance(part, jsonrpc.Repeated) for part in (value, params, params.get("_meta"))):
            problem = "a key came twice"
        if problem:
            raise RpcError(INVALID, "Invalid Request: " + problem, status=400)

    def check_notification(self, value):
        if value["method"] in GONE:
            self.sandbox.log.count("stray-notification")
            raise RpcError(INVALID, "%s knows no %s over HTTP" % (REVISION, value["method"]), status=400)

    def refuse_initialize(self, handler, value):
        """A modern server has three good reasons; each names the revisions, for people to read."""
        text = "this server speaks " + ", ".join(self.supported())
        if self.options.initialize_refusal == "method":
            raise RpcError(NO_METHOD, "Method not found: initialize; " + text, status=404)
        if self.options.initialize_refusal == "version":
            raise self.no_version((value.get("params") or {}).get("protocolVersion"))
        raise RpcError(HEADER_MISMATCH, "Header mismatch: MCP-Protocol-Version or Mcp-Method is missing; " + text, status=400)

    def no_version(self, requested):
        return RpcError(NO_VERSION, "Unsupported protocol version; this server speaks " + ", ".join(self.supported()),
                        {"supported": self.supported(), "requested": requested or ""}, 400)

    def check_request(self, handler, value):
        """The fields of _meta, and the headers that repeat them. Raises RpcError."""
        version = handler.headers.get("mcp-protocol-version")
        if version is None:
            raise RpcError(HEADER_MISMATCH, "Header mismatch: MCP-Protocol-Version is missing", status=400)
        meta = (value.get("params") or {}).get("_meta")
        self.check_meta(meta)
        if meta[PREFIX + "protocolVersion"] != version:
            raise RpcError(HEADER_MISMATCH, "Header mismatch: MCP-Protocol-Version is %r, the body says %r"
                           % (version, meta[PREFIX + "protocolVersion"]), status=400)
        if version != REVISION or self.hiccup():
            raise self.no_version(version)
        try:
            mirror.check_standard(handler.headers, value)
            if value["method"] == "tools/call":
                self.check_parameters(handler.headers, value["params"])
        except mirror.Invalid as problem:
            raise RpcError(HEADER_MISMATCH, "Header mismatch: %s" % problem, status=400)
        for stray in ("mcp-session-id", "last-event-id"):
            if handler.headers.get(stray) is not None:
                self.sandbox.log.count("stray:" + stray)  # to be ignored

    def hiccup(self):
        left = self.options.version_hiccup
        self.options.version_hiccup = max(0, left - 1)
        return left > 0

    def check_meta(self, meta):
        def wrong(text):
            return RpcError(PARAMS, "Invalid params: _meta " + text, status=400)

        if not isinstance(meta, dict):
            raise wrong("is missing")
        if not isinstance(meta.get(PREFIX + "protocolVersion"), str):
            raise wrong("needs %sprotocolVersion" % PREFIX)
        capabilities = meta.get(PREFIX + "clientCapabilities")
        if not isinstance(capabilities, dict) or not all(isinstance(v, dict) for v in capabilities.values()):
            raise wrong("needs %sclientCapabilities, an object of objects" % PREFIX)
        if PREFIX + "clientInfo" in meta and not is_implementation(meta[PREFIX + "clientInfo"]):
            raise wrong("has a %sclientInfo without name or version" % PREFIX)
        if PREFIX + "logLevel" in meta and meta[PREFIX + "logLevel"] not in LEVELS:
            raise wrong("has an unknown %slogLevel" % PREFIX)
        token = meta.get("progressToken", "")
        if isinstance(token, (bool, float)) or not isinstance(token, (str, int)):
            raise wrong("has a progressToken that is neither a string nor an integer")

    def check_parameters(self, headers, params):
        found = next((t for t in self.sandbox.service.tools() if t["name"] == params.get("name")), None)
        if found:
            try:
                mirror.asked(found["inputSchema"])
            except mirror.Invalid:
                return  # a definition that clients leave out
            mirror.check_parameters(headers, found["inputSchema"], params.get("arguments") or {})

    # ---- answering

    def request(self, handler, message):
        """One request, its answer written. A client that leaves has cancelled it."""
        if message["method"] == "subscriptions/listen":
            listen(self.sandbox, handler, message)
            return
        reply = Reply(handler)
        call = ModernCall(handler, message, reply)
        try:
            answer, status = jsonrpc.result(call.id, self.dressed(call, self.result(call))), 200
        except RpcError as refusal:
            answer, status = refusal.answer(call.id), refusal.status
        finally:
            call.close()
        reply.finish(answer, status)

    def result(self, call):
        if call.method == "server/discover":
            return self.discover()
        try:
            return self.sandbox.service.run(call)
        except InputRequired as question:
            return question.result

    def discover(self):
        return {"supportedVersions": self.supported(), "capabilities": service.CAPABILITIES, "instructions": service.INSTRUCTIONS}

    def dressed(self, call, result):
        """The result with what every one has in this revision."""
        if isinstance(result, bytes):
            return b'{"resultType":"complete",' + result.lstrip()[1:]
        result = dict(result)
        kind = result.setdefault("resultType", "complete")
        result["_meta"] = {PREFIX + "serverInfo": service.SERVER_INFO, **result.get("_meta", {})}
        if kind == "complete" and call.method in CACHED:
            result.update(ttlMs=TTL_MS, cacheScope=CACHED[call.method])
        if self.options.no_result_type and kind == "complete":
            del result["resultType"]
        return result
