"""Where the answer to a request goes: into one JSON document, an event stream, or elsewhere."""

from jsonrpc import encode
from sse import Stream
from wait import Left


class Reply:
    """The answer of a POST. It becomes an event stream when the switches say so, or when something precedes the answer.

    outlives: the work goes on when the client leaves; so it is in the legacy revisions, where leaving cancels nothing.
    """

    def __init__(self, handler, outlives=False, replay=None, headers=()):
        self.handler, self.outlives, self.replay, self.headers = handler, outlives, replay, list(headers)
        self.stream, self.gone = None, False

    def opened(self):
        """The event stream, opened when it is not."""
        if self.stream is None:
            self.stream = Stream(self.handler, self.headers, self.replay, self.outlives)
        return self.stream

    def emit(self, message):
        self.opened().send(message)

    def wait(self, inbox, seconds=None):
        """What a tool waits for. Raises Left."""
        if not self.handler.server.sandbox.options.json:
            self.opened()
        if self.stream:
            return self.stream.wait(inbox, seconds)
        try:
            return inbox.get(seconds)
        except Left:
            if not self.outlives:
                raise
        self.gone = True
        self.handler.left()
        return inbox.get(seconds)

    def finish(self, message, status=200):
        """message: the answer, or None when there is none to give."""
        if self.gone:
            self.handler.keep = False
            return
        if self.stream is None and (status != 200 or message is None or self.handler.server.sandbox.options.json):
            body = b"" if message is None else encode(message)
            self.handler.reply(status if message is not None else 202, body, "application/json" if body else None, self.headers)
            return
        if message is not None:
            self.emit(message)
        self.opened().end()

    def break_off(self):
        self.opened().break_off()


class Collected:
    """The answer to one request of a batch."""

    def __init__(self, reply):
        self.reply, self.message = reply, None

    def emit(self, message):
        self.reply.emit(message)

    def wait(self, inbox, seconds=None):
        return self.reply.wait(inbox, seconds)

    def finish(self, message, status=200):
        self.message = message

    def break_off(self):
        self.reply.break_off()


class Posted:
    """The answer goes to a stream that another request holds open (the transport of 2024-11-05)."""

    def __init__(self, outlet):
        self.outlet = outlet

    def emit(self, message):
        self.outlet.put((None, encode(message)))

    def wait(self, inbox, seconds=None):
        return inbox.get(seconds)

    def finish(self, message, status=200):
        if message is not None:
            self.emit(message)

    def break_off(self):
        self.outlet.break_off()
