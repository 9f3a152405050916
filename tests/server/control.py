"""/_sandbox/...: addresses on both origins by which tests steer the sandbox and look into it.

GET with a query or POST with a form do the same; answers are JSON.
"""

import json

import log

class Control:
    def __init__(self, sandbox):
        self.sandbox = sandbox

    def __call__(self, handler):
        name = handler.path[len("/_sandbox"):].strip("/")
        act = getattr(self, "do_" + name.replace("-", "_"), None) if name else self.addresses
        if handler.foreign():
            handler.reply(403, {"error": "not from a page of another host"})
            return
        if act is None:
            handler.reply(404, {"error": "no such address", **self.addresses({})})
            return
        handler.about["control"] = name
        arguments = dict(handler.query)
        if handler.method == "POST":
            text = handler.raw.decode("utf-8", "replace")
            arguments.update({"body": text} if text.lstrip().startswith(("{", "[")) else handler.form())
        try:
            handler.reply(200, act(arguments))
        except (KeyError, ValueError) as problem:
            handler.reply(400, {"error": str(problem)})

    def addresses(self, _):
        """What can be asked."""
        return {"addresses": {"/_sandbox/" + n[3:].replace("_", "-"): getattr(self, n).__doc__
                              for n in dir(self) if n.startswith("do_")}}

    # ---- switches and the log

    def do_set(self, q):
        """NAME=VALUE: changes switches while running, as on the command line; lists joined by commas."""
        self.sandbox.gate.failed = 0
        return {name: self.sandbox.options.set(name, value) for name, value in q.items()}

    def do_switches(self, _):
        """All switches that can be changed, as they are."""
        return self.sandbox.options.live()

    def do_stats(self, _):
        """How often things happened."""
        return dict(self.sandbox.log.counts)

    def do_log(self, q):
        """since=N: rows after this number; wait=S: for one when there is none; any other field: only rows that have it."""
        since, wait = int(q.pop("since", 0)), float(q.pop("wait", 0))
        return self.sandbox.log.since(since, wait, q)

    # ---- signing in

    def do_expire(self, _):
        """All access tokens end now."""
        for authority in self.sandbox.authorities:
            authority.expire_access()
        return {"expired": True}

    def do_revoke(self, _):
        """All tokens end now, refresh tokens too."""
        for authority in self.sandbox.authorities:
            authority.revoke_all()
        return {"revoked": True}

    def do_forget_clients(self, _):
        """All registrations are forgotten."""
        for authority in self.sandbox.authorities:
            authority.forget_clients()
        return {"forgotten": True}

    def do_secrets(self, _):
        """field -> every secret of signing in that was given out or came in, for those who look for leaks."""
        found = {name: set(values) for name, values in log.SEEN.items()}
        for authority in self.sandbox.authorities:
            for name, values in authority.secrets().items():
                found.setdefault(name, set()).update(values)
        return {name: sorted(values) for name, values in found.items()}

    # ---- MCP
    def do_notify(self, q):
        """A JSON body, sent as it is on the open GET streams."""
        return {"listeners": sum(s.speak(q["body"].encode()) for s in self.sandbox.sessions.all())}

    def do_changed(self, q):
        """what=tools, prompts or resources: tells clients that the list has changed."""
        return {"told": self.sandbox.hub.changed(q.get("what", "tools"))}

    def do_updated(self, q):
        """uri=URI: tells those who subscribed to this resource."""
        return {"told": self.sandbox.hub.updated(q["uri"])}

    def do_release(self, _):
        """Calls of test-wait go on."""
        return {"released": self.sandbox.hub.release()}

    def do_drop_sessions(self, _):
        """The sessions are unknown from now on."""
        return {"dropped": self.sandbox.sessions.drop_all()}

    def do_break_streams(self, _):
        """GET streams and subscriptions/listen streams break off."""
        return {"broken": self.sandbox.sessions.break_streams() + self.sandbox.hub.break_subscriptions()}

    def do_end_subscriptions(self, _):
        """subscriptions/listen streams end with their result."""
        return {"ended": self.sandbox.hub.end_subscriptions()}

    def do_ask(self, q):
        """A JSON body with method and params: asks the client on its GET stream; answers with what it answered."""
        return self.sandbox.sessions.ask(json.loads(q["body"]))
