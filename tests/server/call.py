"""One request of a client while it is worked on: what a tool may do besides returning its result.

How a question reaches the client differs between the eras: legacy.LegacyCall sends requests of its own,
modern.ModernCall answers input_required and is run again. A tool is written once, for both.
"""

from jsonrpc import notification
from wait import Inbox

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]
CANCELLED, RELEASED = object(), object()


class Cancelled(Exception):
    """The client does not want the answer any longer; it gets none."""


class Call:
    def __init__(self, handler, message, reply):
        self.handler, self.sandbox = handler, handler.server.sandbox
        self.id, self.method, self.params = message["id"], message["method"], message.get("params") or {}
        self.meta = self.params.get("_meta") or {}
        self.reply, self.inbox = reply, Inbox(handler)

    def capabilities(self):
        """What the client declared."""
        raise NotImplementedError

    def ask(self, questions, via="post", with_state=True):
        """questions: key -> (method, params). Returns key -> the client's result, or its error as {"error": ...}.

        via: the stream for a legacy client, "post" or "get". with_state: give a modern client a requestState.
        """
        raise NotImplementedError

    def level(self):
        """The least severe level that is to be logged, or None."""
        raise NotImplementedError

    def progress(self, progress, total=None, message=None):
        token = self.meta.get("progressToken")
        if token is not None:
            more = {k: v for k, v in (("total", total), ("message", message)) if v is not None}
            self.reply.emit(notification("notifications/progress", {"progressToken": token, "progress": progress, **more}))

    def log(self, level, data):
        least = self.level()
        if least is not None and LEVELS.index(level) >= LEVELS.index(least):
            self.reply.emit(notification("notifications/message", {"level": level, "logger": "sandbox", "data": data}))

    def wait(self, seconds=None):
        """Until a test says release (True) or the seconds are over (False). Raises Cancelled, or Left."""
        with self.sandbox.hub.waiting(self.inbox):
            self.sandbox.log.event("waiting", id=self.id)
            item = self.reply.wait(self.inbox, seconds)
        if item is CANCELLED:
            raise Cancelled()
        return item is RELEASED

    def missing(self, method, params):
        """The capabilities that this question needs and the client lacks, as an object; None when it may be asked."""
        have = self.capabilities()
        if method == "roots/list":
            return None if "roots" in have else {"roots": {}}
        if method == "sampling/createMessage":
            needs = {"tools": {}} if "tools" in params else {}
            lacks = "sampling" not in have or any(k not in have["sampling"] for k in needs)
            return {"sampling": needs} if lacks else None
        mode = params.get("mode", "form")
        modes = have.get("elicitation")
        # An empty object means form alone.
        if modes is None or (mode not in modes and not (mode == "form" and not modes)):
            return {"elicitation": {mode: {}}}
        return None

    def close(self):
        self.inbox.close()
