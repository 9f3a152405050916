"""What goes from the sandbox to clients unasked: changed lists, updated resources, and what tests put in."""

import contextlib
import threading

import call as calls
from jsonrpc import notification

LISTS = {"tools": "toolsListChanged", "prompts": "promptsListChanged", "resources": "resourcesListChanged"}


class Hub:
    def __init__(self, sandbox):
        self.sandbox, self.lock = sandbox, threading.Lock()
        self.subscriptions = []  # open subscriptions/listen streams: objects with wants(key, uri) and put(message)
        self.held = []  # inboxes of calls that wait for a release

    # ---- notifications

    def changed(self, what):
        """The list of tools, prompts or resources has changed. Returns how many were told."""
        return self.tell(notification("notifications/%s/list_changed" % what), LISTS[what], None)

    def updated(self, uri):
        return self.tell(notification("notifications/resources/updated", {"uri": uri}), "resourceSubscriptions", uri)

    def tell(self, message, key, uri):
        told = self.sandbox.sessions.tell(message, uri)
        with self.lock:
            wanting = [s for s in self.subscriptions if s.wants(key, uri)]
        for subscription in wanting:
            subscription.put(message)
        return told + len(wanting)

    def subscribe(self, subscription):
        with self.lock:
            self.subscriptions.append(subscription)

    def unsubscribe(self, subscription):
        with self.lock:
            self.subscriptions.remove(subscription)

    def end_subscriptions(self):
        """Closes all of them with their result, as at a shutdown."""
        with self.lock:
            ending = list(self.subscriptions)
        for subscription in ending:
            subscription.finish()
        return len(ending)

    def break_subscriptions(self):
        with self.lock:
            broken = list(self.subscriptions)
        for subscription in broken:
            subscription.break_off()
        return len(broken)

    # ---- calls that wait

    @contextlib.contextmanager
    def waiting(self, inbox):
        with self.lock:
            self.held.append(inbox)
        try:
            yield
        finally:
            with self.lock:
                self.held.remove(inbox)

    def release(self):
        """Lets the calls go on that wait now. Returns how many."""
        with self.lock:
            held = list(self.held)
        for inbox in held:
            inbox.put(calls.RELEASED)
        return len(held)
