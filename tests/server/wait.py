"""Waiting for something to happen, or for the client to leave."""

import queue
import selectors
import socket
import threading


class Left(Exception):
    """The client has closed the connection on which it was owed an answer."""


class Watcher:
    """Sees connections end, all of them in one thread: a thousand that wait cost nothing."""

    def __init__(self):
        self.selector = selectors.DefaultSelector()
        self.changes, self.lock = [], threading.Lock()
        self.wake, self.woken = socket.socketpair()
        self.selector.register(self.woken, selectors.EVENT_READ)
        threading.Thread(target=self.run, daemon=True).start()

    def change(self, connection, call):
        """call() when this connection ends; None: no longer."""
        with self.lock:
            self.changes.append((connection.fileno(), connection, call))
        self.wake.send(b"x")

    def run(self):
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    self.woken.recv(4096)
                    self.apply()
                elif readable(key.data[0]) is not None:
                    self.forget(key.fd)
                    if readable(key.data[0]) == b"":
                        key.data[1]()

    def apply(self):
        with self.lock:
            changes, self.changes = self.changes, []
        for fd, connection, call in changes:
            self.forget(fd)
            if call:
                try:
                    self.selector.register(fd, selectors.EVENT_READ, (connection, call))
                except (OSError, ValueError):
                    call()  # closed meanwhile

    def forget(self, fd):
        try:
            self.selector.unregister(fd)
        except (KeyError, ValueError):
            pass


def readable(connection):
    """b"" when it has ended, a byte of a request that came early, None when there is nothing yet."""
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""


class Inbox:
    """What is put here wakes the one who waits; so does the end of the handler's connection, if there is one."""

    def __init__(self, handler):
        self.handler, self.items, self.watched = handler, queue.Queue(), False

    def put(self, item):
        self.items.put(item)

    def get(self, seconds=None):
        """The next item, or None when the seconds are over. Raises Left."""
        if self.handler and not self.watched:
            self.watched = True
            self.handler.server.watcher.change(self.handler.connection, lambda: self.items.put(Left))
        try:
            item = self.items.get(timeout=seconds)
        except queue.Empty:
            return None
        if item is Left:
            raise Left()
        return item

    def close(self):
        if self.watched:
            self.handler.server.watcher.change(self.handler.connection, None)
            self.watched = False
