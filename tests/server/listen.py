"""subscriptions/listen: a stream of notifications, each marked with the id of the request (2026-07-28)."""

import jsonrpc
from jsonrpc import PARAMS, RpcError, encode, notification
from sse import BREAK, DONE, Stream
from wait import Inbox

MARK = "io.modelcontextprotocol/subscriptionId"
FLAGS = ("toolsListChanged", "promptsListChanged", "resourcesListChanged")


class Subscription:
    def __init__(self, ident, wanted, inbox):
        self.id, self.filter, self.inbox = ident, wanted, inbox

    def wants(self, key, uri):
        return uri in self.filter.get(key, []) if key == "resourceSubscriptions" else self.filter.get(key, False)

    def put(self, message):
        params = dict(message.get("params") or {})
        params["_meta"] = {**params.get("_meta", {}), MARK: self.id}
        self.inbox.put((None, encode({**message, "params": params})))

    def finish(self):
        """The server ends it, and says so."""
        self.inbox.put((None, encode(jsonrpc.result(self.id, {"resultType": "complete", "_meta": {MARK: self.id}}))))
        self.inbox.put(DONE)

    def break_off(self):
        self.inbox.put(BREAK)


def listen(sandbox, handler, message):
    """Serves the request until the client closes the stream, or the server ends it."""
    wanted = checked(message["params"].get("notifications"))
    inbox = Inbox(handler)
    subscription = Subscription(message["id"], wanted, inbox)
    stream = Stream(handler)
    # Before anything else on this stream.
    subscription.put(notification("notifications/subscriptions/acknowledged", {"notifications": wanted}))
    sandbox.hub.subscribe(subscription)
    sandbox.log.count("listen")
    try:
        stream.serve(inbox)
    finally:
        sandbox.hub.unsubscribe(subscription)
        inbox.close()


def checked(wanted):
    """The part of the filter that is honoured. Raises RpcError."""
    if not isinstance(wanted, dict):
        raise RpcError(PARAMS, "Invalid params: notifications is missing", status=400)
    uris = wanted.get("resourceSubscriptions", [])
    good = isinstance(uris, list) and all(isinstance(u, str) for u in uris)
    if not good or not all(isinstance(wanted.get(f, False), bool) for f in FLAGS):
        raise RpcError(PARAMS, "Invalid params: notifications", status=400)
    honoured = {f: True for f in FLAGS if wanted.get(f)}
    return {**honoured, "resourceSubscriptions": uris} if uris else honoured
