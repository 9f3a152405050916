"""Event streams: writing them, and keeping them for clients that come back."""

import threading

from jsonrpc import encode
from wait import Left

QUIET_S = 1  # a comment after so long, with --ping-comments
DONE = object()  # in an inbox: the stream ends here
BREAK = object()  # in an inbox: the connection ends here, as if something had gone wrong


class Replay:
    """Events of resumable streams. An event id is '<stream>-<number>'."""

    def __init__(self):
        self.lock = threading.Lock()
        self.streams = {}

    def open(self):
        with self.lock:
            name = "s%d" % (len(self.streams) + 1)
            self.streams[name] = {"events": [], "done": False, "readers": []}
        return name

    def add(self, name, data):
        with self.lock:
            stream = self.streams[name]
            stream["events"].append(data)
            ident = "%s-%d" % (name, len(stream["events"]))
            for inbox in stream["readers"]:
                inbox.put((ident, data))
        return ident

    def close(self, name):
        with self.lock:
            self.streams[name]["done"] = True
            for inbox in self.streams[name]["readers"]:
                inbox.put(DONE)

    def follow(self, ident, inbox):
        """Puts into the inbox what followed this event, now and later. False when there is no such event."""
        name, _, number = (ident or "").partition("-")
        with self.lock:
            stream = self.streams.get(name)
            if stream is None or not number.isdigit() or int(number) > len(stream["events"]):
                return False
            for n, data in enumerate(stream["events"][int(number):], int(number) + 1):
                inbox.put(("%s-%d" % (name, n), data))
            stream["readers"].append(inbox)
            if stream["done"]:
                inbox.put(DONE)
        return True

    def leave(self, inbox):
        with self.lock:
            for stream in self.streams.values():
                if inbox in stream["readers"]:
                    stream["readers"].remove(inbox)


class Stream:
    """One text/event-stream answer of a handler."""

    def __init__(self, handler, headers=(), replay=None, outlives=False):
        """outlives: a client that leaves does not end what is written here; with a replay it can come back for it."""
        self.handler, self.options = handler, handler.server.sandbox.options
        self.replay, self.name = replay, replay.open() if replay else None
        self.outlives, self.broken = outlives, False
        handler.head(200, list(headers) + [
            ("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache, no-transform"), ("X-Accel-Buffering", "no"),
            ("Transfer-Encoding", "chunked")])
        handler.wfile.flush()
        if self.options.ping_comments:
            self.comment()
        if replay:
            # Primes the id before there is anything to say, as 2025-11-25 asks.
            self.event(b"", replay.add(self.name, b""), retry=self.options.retry_ms)

    def event(self, data, ident=None, name="message", retry=None):
        lines = [b"event: " + name.encode()]
        if ident is not None:
            lines.append(b"id: " + ident.encode())
        if retry is not None:
            lines.append(b"retry: %d" % retry)
        lines += [b"data: " + part for part in data.split(b"\n")]
        end = b"\n" if self.options.lf else b"\r\n"
        self.raw(end.join(lines) + end + end)

    def raw(self, data):
        """One chunk, as it is."""
        self.handler.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.handler.wfile.flush()

    def comment(self):
        self.raw(b": ping\n\n" if self.options.lf else b": ping\r\n\r\n")

    def send(self, message):
        data = encode(message)
        ident = self.replay.add(self.name, data) if self.replay else None
        if not self.broken:
            try:
                self.event(data, ident)
            except OSError:
                self.lost()

    def lost(self):
        """The client has gone."""
        if not self.outlives:
            raise Left()
        if not self.broken:
            self.handler.left()
        self.broken, self.handler.keep = True, False

    def break_off(self):
        """Ends the connection on purpose."""
        self.handler.drop()
        self.lost()

    def wait(self, inbox, seconds=None):
        """The next item of the inbox, or None when the seconds are over; with comments meanwhile. Raises Left."""
        while True:
            step = seconds if seconds is not None or not self.options.ping_comments else QUIET_S
            try:
                item = inbox.get(step)
            except Left:
                self.lost()
                continue
            if item is not None or seconds is not None:
                return item
            if not self.broken:
                self.comment()

    def serve(self, inbox):
        """Writes the (id, data) that arrive in the inbox, until DONE, or BREAK."""
        while True:
            item = self.wait(inbox)
            if item is DONE:
                self.end()
                return
            if item is BREAK:
                self.handler.drop()
                return
            self.event(item[1], item[0])

    def end(self):
        if self.replay:
            self.replay.close(self.name)
        if not self.broken:
            self.handler.wfile.write(b"0\r\n\r\n")
            self.handler.wfile.flush()
