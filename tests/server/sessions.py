"""Sessions of the legacy revisions, and the streams on which a server speaks first."""

import queue
import secrets
import threading

from jsonrpc import encode
from sse import BREAK, DONE, Replay

ASK_S = 60  # only a failure waits this long


class Outlet:
    """An open GET stream. What is put here is written by the thread that serves it."""

    def __init__(self, inbox):
        self.inbox = inbox

    def put(self, item):
        self.inbox.put(item)

    def break_off(self):
        self.inbox.put(BREAK)


class Session:
    def __init__(self, ident, replay):
        self.id, self.replay = ident, replay
        self.version, self.capabilities, self.initialized, self.level = None, {}, False, "debug"
        self.lock = threading.Lock()
        self.uris, self.outlets, self.running, self.asked = set(), [], {}, {}
        self.stream, self.number = None, 0  # of resumable streams: the one for what the server says first

    def listens(self):
        return bool(self.outlets or self.stream)

    def speak(self, message):
        """Sends a message of the server's own. Returns on how many streams."""
        data = encode(message)
        with self.lock:
            if self.stream:
                self.replay.add(self.stream, data)
                return 1
            # Every message on one stream only; without a session id all streams are of different clients.
            chosen = self.outlets[-1:] if self.id else list(self.outlets)
        for outlet in chosen:
            outlet.put((None, data))
        return len(chosen)

    def request(self, method, params, inbox, key, send):
        """Sends a request of the server's own; its answer arrives in the inbox as (key, message)."""
        with self.lock:
            # The server's ids are its own: they may well equal those of the client.
            ident, self.number = self.number, self.number + 1
            self.asked[ident] = (inbox, key)
        message = {"jsonrpc": "2.0", "id": ident, "method": method}
        if params is not None:
            message["params"] = params
        send(message)

    def answered(self, message):
        """An answer of the client. False when nobody asked."""
        with self.lock:
            inbox, key = self.asked.pop(message["id"], (None, None)) if not isinstance(message["id"], bool) else (None, None)
        if inbox is None:
            return False
        inbox.put((key, message))
        return True


class Sessions:
    """All of them. Without --stateful there is one, which everybody shares."""

    def __init__(self, options):
        self.options, self.lock, self.replay = options, threading.Lock(), Replay()
        self.known, self.shared = {}, Session(None, self.replay)

    def new(self, always=False):
        if not self.options.stateful and not always:
            return self.shared
        session = Session(secrets.token_hex(16), self.replay)
        with self.lock:
            self.known[session.id] = session
        return session

    def find(self, ident):
        return self.known.get(ident) if self.options.stateful else self.shared

    def end(self, session):
        with self.lock:
            self.known.pop(session.id, None)
        for outlet in session.outlets:
            outlet.put(DONE)

    def drop_all(self):
        with self.lock:
            dropped, self.known = len(self.known), {}
        return dropped

    def all(self):
        with self.lock:
            return list(self.known.values()) + [self.shared]

    def tell(self, message, uri=None):
        """A notification for all, or for those who subscribed to the resource."""
        return sum(s.speak(message) for s in self.all() if uri is None or uri in s.uris)

    def break_streams(self):
        """Every GET stream breaks off. Returns how many."""
        outlets = [o for s in self.all() for o in list(s.outlets)]
        for outlet in outlets:
            outlet.break_off()
        return len(outlets)

    def ask(self, question):
        """Asks the client of the newest GET stream, and waits for its answer."""
        listening = [s for s in self.all() if s.listens()]
        if not listening:
            raise ValueError("nobody listens on a GET stream")
        inbox = queue.Queue()
        listening[0].request(question["method"], question.get("params"), inbox, "answer", listening[0].speak)
        try:
            return inbox.get(timeout=ASK_S)[1]
        except queue.Empty:
            raise ValueError("no answer within %d s" % ASK_S)
