"""The revisions 2024-11-05 to 2025-11-25 over Streamable HTTP: initialize, sessions, the GET stream, resumption."""

import json

import jsonrpc
import service
from call import CANCELLED, LEVELS, Call, Cancelled
from jsonrpc import INVALID, NO_METHOD, PARAMS, RpcError
from reply import Collected, Reply
from sessions import Outlet
from sse import Stream
from switches import REVISIONS
from wait import Inbox

EMPTY = {}


def bad(text):
    """A refusal that belongs to no request, in the form of the service's software."""
    return RpcError(INVALID, "Bad Request: " + text, status=400)


class LegacyCall(Call):
    era = "legacy"

    def __init__(self, handler, message, reply, session):
        super().__init__(handler, message, reply)
        self.session = session

    def capabilities(self):
        return self.session.capabilities

    def level(self):
        return self.session.level

    def ask(self, questions, via="post", with_state=True):
        for method, params in questions.values():
            lacks = self.missing(method, params or {})
            if lacks:
                raise RpcError(PARAMS, "The client did not declare " + json.dumps(lacks))
        if via == "get" and not self.session.listens():
            raise RpcError(PARAMS, "Nobody listens on a GET stream")
        for key, (method, params) in questions.items():
            self.session.request(method, params, self.inbox, key, self.session.speak if via == "get" else self.reply.emit)
        answers = {}
        while len(answers) < len(questions):
            item = self.reply.wait(self.inbox)
            if item is CANCELLED:
                raise Cancelled()
            if isinstance(item, tuple):
                key, message = item
                answers[key] = message["result"] if "result" in message else {"error": message["error"]}
        return answers


class Legacy:
    def __init__(self, sandbox):
        self.sandbox, self.options, self.sessions = sandbox, sandbox.options, sandbox.sessions
        self.methods = {"ping": lambda c: EMPTY, "logging/setLevel": self.set_level, "resources/subscribe": self.subscribe,
                        "resources/unsubscribe": self.unsubscribe}

    def revisions(self):
        return REVISIONS[:REVISIONS.index(self.options.revision) + 1]

    # ---- POST

    def post(self, handler, value):
        """One message, or a batch where batches are taken."""
        try:
            if isinstance(value, list):
                self.batch(handler, value)
                return
            problem = jsonrpc.problem(value)
            if problem:
                raise bad(problem)
            session = self.session_of(handler, value.get("method") == "initialize")
            if "method" in value and "id" in value:
                if self.sandbox.gate.limited(handler, value["id"]):
                    return
                self.request(handler, value, session)
            else:
                self.take(handler, value, session)
                handler.reply(202)
        except RpcError as refusal:
            handler.reply(refusal.status, refusal.answer("server-error"))

    def session_of(self, handler, starting=False):
        """The session of a request, its revision checked. Raises RpcError."""
        version = handler.headers.get("mcp-protocol-version")
        if version is not None and version not in self.revisions():
            raise bad("Unsupported protocol version: %s. Supported versions: %s" % (version, ", ".join(self.revisions())))
        ident = handler.headers.get("mcp-session-id")
        if starting:
            return None
        if self.options.stateful and not ident:
            raise bad("Missing session ID")
        session = self.sessions.find(ident)
        if session is None:
            raise RpcError(INVALID, "Session not found", status=404)
        # A missing header counts as 2025-03-26; sessions of later revisions owe it.
        if self.options.stateful and session.version >= "2025-06-18" and version != session.version:
            raise bad("MCP-Protocol-Version is %s, the session has %s" % (version, session.version))
        return session

    def take(self, handler, message, session):
        """A notification, or an answer to a request of the server."""
        if "method" not in message:
            if not session.answered(message):
                self.sandbox.log.count("stray-answer")
                raise bad("no request of the server has this id")
        elif message["method"] == "notifications/initialized":
            session.initialized = True
        elif message["method"] == "notifications/cancelled":
            ident = (message.get("params") or {}).get("requestId")
            call = session.running.get(ident) if jsonrpc.is_id(ident) else None
            self.sandbox.log.event("cancelled", id=ident, known=call is not None)
            if call:
                call.inbox.put(CANCELLED)

    def request(self, handler, message, session):
        """One request, its answer written."""
        if message["method"] == "initialize":
            session = self.sessions.new()
            headers = [("Mcp-Session-Id", session.id)] if session.id else []
            answer, status = self.answer_of(message["id"], lambda: self.initialize(message.get("params") or {}, session))
            Reply(handler, headers=headers).finish(answer, status)
            return
        reply = Reply(handler, True, self.sessions.replay if self.options.resumable else None)
        self.work(LegacyCall(handler, message, reply, session))

    def work(self, call):
        """Runs a call and finishes its reply."""
        session = call.session
        session.running[call.id] = call
        try:
            call.reply.finish(*self.answer_of(call.id, lambda: self.run(call)))
        except Cancelled:
            call.reply.finish(None)
        finally:
            session.running.pop(call.id, None)
            call.close()

    def answer_of(self, ident, work):
        """(message, HTTP status). Unknown methods are plain errors in these revisions."""
        try:
            return jsonrpc.result(ident, work()), 200
        except RpcError as refusal:
            return refusal.answer(ident), 200 if refusal.code == NO_METHOD else refusal.status

    def run(self, call):
        if self.options.stateful and not call.session.initialized and call.method != "ping":
            raise RpcError(INVALID, "Received request before initialization was complete")
        method = self.methods.get(call.method)
        return method(call) if method else self.sandbox.service.run(call)

    def batch(self, handler, messages):
        if not self.options.batch:
            raise bad("batches are not supported")
        session = self.session_of(handler)
        if not messages or any(jsonrpc.problem(m) or m.get("method") == "initialize" for m in messages):
            raise bad("not a batch")
        if session.version not in (None, "2025-03-26"):
            raise bad("batches are of 2025-03-26, the session is of " + session.version)
        reply, answers = Reply(handler, True), []
        for message in messages:
            if "method" in message and "id" in message:
                one = Collected(reply)
                self.work(LegacyCall(handler, message, one, session))
                answers += [one.message] if one.message is not None else []
            else:
                self.take(handler, message, session)
        reply.finish(b"[" + b",".join(jsonrpc.encode(a) for a in answers) + b"]" if answers else None)

    # ---- methods of these revisions

    def initialize(self, params, session):
        asked = params.get("protocolVersion")
        good = isinstance(asked, str) and isinstance(params.get("capabilities"), dict)
        if not good or not is_implementation(params.get("clientInfo")):
            raise RpcError(PARAMS, "initialize needs protocolVersion, capabilities and clientInfo")
        session.version = asked if asked in self.revisions() else self.options.revision
        session.capabilities, session.initialized = params["capabilities"], False
        self.sandbox.log.count("initialize")
        return {"protocolVersion": session.version, "capabilities": service.CAPABILITIES,
                "serverInfo": service.SERVER_INFO, "instructions": service.INSTRUCTIONS}

    def set_level(self, call):
        if call.params.get("level") not in LEVELS:
            raise RpcError(PARAMS, "Invalid log level")
        call.session.level = call.params["level"]
        return EMPTY

    def subscribe(self, call):
        call.session.uris.add(self.uri(call))
        return EMPTY

    def unsubscribe(self, call):
        call.session.uris.discard(self.uri(call))
        return EMPTY

    def uri(self, call):
        if not isinstance(call.params.get("uri"), str):
            raise RpcError(PARAMS, "uri is missing")
        return call.params["uri"]

    # ---- GET and DELETE

    def get(self, handler):
        """The stream on which the server speaks first; with Last-Event-ID the rest of one that broke."""
        last = handler.headers.get("last-event-id") if self.options.resumable else None
        if self.options.get != "stream" and last is None:
            status = int(self.options.get)
            headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {"Allow": "POST, DELETE"}
            handler.reply(status, RpcError(INVALID, "Method Not Allowed").answer("server-error"), headers=headers)
            return
        if self.sandbox.gate.refuses(handler, []):
            return
        if "text/event-stream" not in (handler.headers.get("accept") or ""):
            raise RpcError(INVALID, "Not Acceptable: Client must accept text/event-stream", status=406)
        self.stream(handler, self.session_of(handler), last)

    def stream(self, handler, session, last):
        inbox = Inbox(handler)
        outlet = Outlet(inbox)
        replay = self.sessions.replay
        if last is not None and not replay.follow(last, inbox):
            raise bad("unknown Last-Event-ID")
        session.outlets.append(outlet)
        try:
            stream = Stream(handler)
            if self.options.resumable and last is None:
                session.stream = replay.open()
                first = replay.add(session.stream, b"")
                stream.event(b"", first, retry=self.options.retry_ms)
                replay.follow(first, inbox)
            self.sandbox.log.count("stream-open")
            stream.serve(inbox)
        finally:
            session.outlets.remove(outlet)
            replay.leave(inbox)
            inbox.close()

    def delete(self, handler):
        allowed = {"200": True, "405": False}.get(self.options.delete, self.options.stateful)
        if not allowed:
            handler.reply(405, RpcError(INVALID, "Method Not Allowed").answer("server-error"), headers={"Allow": "POST, DELETE"})
        elif not self.sandbox.gate.refuses(handler, []):
            session = self.session_of(handler)
            if session.id:
                self.sessions.end(session)
            handler.reply(200)


def is_implementation(value):
    return isinstance(value, dict) and isinstance(value.get("name"), str) and isinstance(value.get("version"), str)
