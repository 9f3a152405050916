"""One passing fault in one request of a session: rows of it, many side by side.

A row is a bridge of its own in front of strict servers that share one socket;
the first part of a path tells whose request it is. A request is called after
what it asks and how many of the kind came before: "tools/call 3", "GET 1",
"token 2". A row plays its fault instead of answering that one, and notes what
the server holds, which is looked at when the script is through.
"""

import concurrent.futures
import contextlib
import json
import os
import threading
import urllib.parse
import urllib.request

from harness import DEADLINE, LIMIT, TOKEN, Failed, Program, initialized_result, request, response

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
META = {PREFIX + "protocolVersion": VERSION, PREFIX + "clientInfo": {"name": "case", "version": "1"}, PREFIX + "clientCapabilities": {"elicitation": {}}}
CAPABILITIES = {"tools": {"listChanged": True}, "logging": {}, "resources": {"subscribe": True, "listChanged": True}}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}, "clientInfo": {"name": "case", "version": "1"}}
PAGE = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
FAULTS = ["404", "400", "401", "429", "429-retry", "500", "502", "503", "close", "reset", "half", "empty", "hang"]
AT_ONCE = 24


def play(r, fault, gone):
    """gone: is set when nobody needs this row any more."""
    if fault in ("close", "reset"):
        r.close(reset=fault == "reset")
    elif fault == "half":
        events = r.method == "GET" and "event-stream" in r.headers.get("accept", "")
        r.head(200, {"Content-Type": "text/event-stream" if events else "application/json"}, 1000)
        r.raw("data: {" if events else '{"jsonrpc":"2.0",')
        r.close()
    elif fault == "empty":
        r.reply(200)
    elif fault == "hang":
        gone.wait(DEADLINE)
        r.close()
    elif fault == "502":
        r.reply(502, PAGE, {"Content-Type": "text/html"})
    else:
        r.reply(int(fault[:3]), "", {"Retry-After": "1"} if "retry" in fault else {})


class Session:
    def __init__(self, ident):
        self.ident, self.greeted, self.level, self.uris = ident, False, None, set()
        self.stream, self.over, self.number = None, threading.Event(), 0


class Row:
    """What the servers know. era: of the server; signed: a person signs in."""

    def __init__(self, name, era, signed=False, at=None, fault=None):
        self.name, self.era, self.signed, self.at, self.fault = name, era, signed, at, fault
        self.label = "%s, %s" % (at, fault)
        self.changed = threading.Condition()
        self.seen, self.counts, self.hit = [], {}, False
        self.sessions, self.made, self.current = {}, 0, None
        self.held, self.asked = {}, {}
        self.access, self.refresh, self.tokens, self.pages = set(), set(), 0, 0
        self.gone = threading.Event()

    # ---- requests

    def __call__(self, r):
        kind = r.rpc_method or {"GET": "GET", "DELETE": "DELETE"}.get(r.method, "answer")
        if not r.path.endswith("/mcp") or r.path.startswith("/.well-known"):
            kind = urllib.parse.urlsplit(r.path).path.strip("/").split("/")
            kind = kind[1 if kind[0] == ".well-known" else -1]
        with self.changed:
            self.counts[kind] = self.counts.get(kind, 0) + 1
            label = "%s %d" % (kind, self.counts[kind])
            self.seen.append(label)
            fails = label == self.at and not self.hit
            self.hit = self.hit or fails
            self.changed.notify_all()
        if fails and self.fault != "none":
            return play(r, self.fault, self.gone)
        if kind in ("oauth-protected-resource", "oauth-authorization-server", "openid-configuration", "register", "authorize", "token"):
            return self.sign_in(r, kind)
        if self.signed and r.headers.get("authorization", "")[7:] not in self.access:
            place = r.headers["host"], self.name
            return r.reply(401, "", {"WWW-Authenticate": 'Bearer resource_metadata="http://%s/.well-known/oauth-protected-resource/%s/mcp"' % place})
        return (self.modern if self.era == "modern" else self.legacy)(r)

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, DEADLINE):
                raise Failed("%s never came" % what)

    def note(self, act):
        with self.changed:
            act()
            self.changed.notify_all()

    # ---- signing in

    def sign_in(self, r, kind):
        base = "http://%s/%s" % (r.headers["host"], self.name)
        if kind == "oauth-protected-resource":
            r.json({"resource": base + "/mcp", "authorization_servers": [base]})
        elif kind == "oauth-authorization-server":
            r.json({"issuer": base, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
                    "registration_endpoint": base + "/register", "code_challenge_methods_supported": ["S256"]})
        elif kind == "register":
            r.json(dict(r.rpc, client_id="client-" + self.name), 201)
        elif kind == "authorize":
            self.note(lambda: setattr(self, "pages", self.pages + 1))
            q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(r.path).query))
            r.reply(302, "", {"Location": "%s?%s" % (q["redirect_uri"], urllib.parse.urlencode({"code": "code-1", "state": q["state"]}))})
        elif kind == "token":
            self.token(r, dict(urllib.parse.parse_qsl(r.body.decode())))
        else:
            r.reply(404)

    def token(self, r, form):
        with self.changed:
            good = form["grant_type"] == "authorization_code" or form.get("refresh_token") in self.refresh
            self.refresh.discard(form.get("refresh_token"))
            if good:
                self.tokens += 1
                self.access.add("access-%s-%d" % (self.name, self.tokens))
                self.refresh.add("refresh-%d" % self.tokens)
        if not good:
            return r.json({"error": "invalid_grant"}, 400)
        return r.json({"access_token": "access-%s-%d" % (self.name, self.tokens), "token_type": "Bearer", "expires_in": 3600,
                       "refresh_token": "refresh-%d" % self.tokens})

    def expire(self):
        with self.changed:
            self.access.clear()

    # ---- what both eras have

    def notify(self, message):
        """On the stream of the newest session; waits for one."""
        self.wait(lambda: self.current and self.current.stream, "an open stream")
        self.current.stream.event(message)

    def listen(self, r, session, first=None):
        r.stream()
        if first:
            r.event(first)
        over = session.over = threading.Event()
        self.note(lambda: setattr(session, "stream", r))
        over.wait(DEADLINE)
        with self.changed:
            if session.stream is r:
                session.stream = None
        with contextlib.suppress(OSError):
            r.end()

    def end_stream(self):
        self.wait(lambda: self.current and self.current.stream, "an open stream")
        with self.changed:
            self.current.stream = None
        self.current.over.set()

    # ---- sessions

    def refuse(self, r, status, code, message, ident="server-error"):
        r.json({"jsonrpc": "2.0", "id": ident, "error": {"code": code, "message": message}}, status)

    def legacy(self, r):
        ident, session = r.headers.get("mcp-session-id"), self.sessions.get(r.headers.get("mcp-session-id"))
        if r.rpc_method == "initialize":
            with self.changed:
                self.made += 1
                new = Session("%s-s%d" % (self.name, self.made))
                self.sessions[new.ident] = self.current = new
            hello = initialized_result(r.id, "2025-11-25")
            hello["result"]["capabilities"] = CAPABILITIES
            return r.json(hello, headers={"Mcp-Session-Id": new.ident})
        if not ident:
            return self.refuse(r, 400, -32600, "Bad Request: Missing session ID")
        if not session:
            return self.refuse(r, 404, -32600, "Session not found")
        if r.headers.get("mcp-protocol-version") != "2025-11-25":
            return self.refuse(r, 400, -32600, "Bad Request: revision")
        if r.method == "GET":
            return self.listen(r, session)
        if r.method == "DELETE":
            self.note(lambda: self.sessions.pop(ident, None))
            return r.reply(200)
        if r.rpc_method is None:
            return self.take_answer(r)
        if r.id is None:
            return self.take_note(r, session)
        if not session.greeted and r.rpc_method != "ping":
            return self.refuse(r, 200, -32602, "Received request before initialization was complete", r.id)
        return self.call(r, session)

    def take_note(self, r, session):
        with self.changed:
            if r.rpc_method == "notifications/initialized":
                session.greeted = True
            elif r.rpc_method == "notifications/cancelled" and r.rpc["params"]["requestId"] in self.held:
                self.held[r.rpc["params"]["requestId"]].set()
            self.changed.notify_all()
        r.reply(202)

    def take_answer(self, r):
        done = self.asked.pop(r.id, None)
        if done:
            done.set()
        r.reply(202 if done else 400)

    def call(self, r, session):
        name, params = r.rpc_method, r.rpc.get("params", {})
        if name == "logging/setLevel":
            self.note(lambda: setattr(session, "level", params["level"]))
        elif name == "resources/subscribe":
            self.note(lambda: session.uris.add(params["uri"]))
        elif name == "resources/unsubscribe":
            self.note(lambda: session.uris.discard(params["uri"]))
        elif params.get("name") == "ask":
            return self.ask(r)
        elif params.get("name") == "slow":
            return self.hold(r)
        return r.json(response(r.id, {"tools": []} if name == "tools/list" else {"content": []}))

    def ask(self, r):
        ident = "q-%s" % r.id
        done = self.asked[ident] = threading.Event()
        r.stream()
        r.event({"jsonrpc": "2.0", "id": ident, "method": "elicitation/create", "params": {"message": "m", "requestedSchema": {}}})
        if not done.wait(DEADLINE):
            return r.close()
        r.event(response(r.id, {"content": []}))
        return r.end()

    def hold(self, r):
        done = threading.Event()
        self.note(lambda: self.held.__setitem__(r.id, done))
        done.wait(DEADLINE)
        with contextlib.suppress(OSError):
            r.close()

    def forget(self):
        """As a restart does it: sessions and their streams are gone."""
        with self.changed:
            gone, self.sessions, self.current = self.sessions, {}, None
        for session in gone.values():
            session.over.set()

    # ---- 2026-07-28

    def modern(self, r):
        if r.method != "POST":
            return r.reply(405)
        if r.headers.get("mcp-protocol-version") != VERSION:
            return r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32022, "message": "Unsupported protocol version", "data": {"supported": [VERSION]}}}, 400)
        if r.rpc_method == "server/discover":
            return r.json(response(r.id, {"resultType": "complete", "supportedVersions": [VERSION], "capabilities": CAPABILITIES,
                                          "serverInfo": {"name": "m", "version": "1"}}))
        params = r.rpc.get("params", {})
        if r.rpc_method == "subscriptions/listen":
            session = Session(r.id)
            session.uris = set(params["notifications"].get("resourceSubscriptions", []))
            session.number = int(str(r.id).rpartition(":")[2])
            with self.changed:  # two of them may come close together, over two connections
                if not self.current or self.current.number < session.number:
                    self.current = session
            return self.listen(r, session, {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                                            "params": {"_meta": {PREFIX + "subscriptionId": r.id}, "notifications": params["notifications"]}})
        if r.id is None:
            return r.reply(202)
        if params.get("name") == "slow":
            return self.hold(r)
        if params.get("name") == "ask" and "inputResponses" not in params:
            return r.json(response(r.id, {"resultType": "input_required", "requestState": "s",
                                          "inputRequests": {"q": {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": {}}}}}))
        return r.json(response(r.id, {"resultType": "complete", "content": [], "tools": [], "level": params["_meta"].get(PREFIX + "logLevel")}))


# ---- a client


class Client:
    """One bridge of a row, and the script's words for it."""

    def __init__(self, case, row, program, modern):
        self.case, self.row, self.p, self.modern = case, row, program, modern
        self.ids, self.errors = [], []

    def ask(self, method, times=1, pause=0, **params):
        """The answer; an error is noted. times: as often as a client may try."""
        for _ in range(times):
            if self.errors and pause:
                self.row.gone.wait(pause)
            ident = "%s-%d" % (method, len(self.ids))
            self.ids.append(ident)
            if self.modern:
                params["_meta"] = dict(META, **params.get("_meta", {}))
            answer = self.p.call(ident, method, **params)
            if "result" in answer:
                return answer["result"]
            self.errors.append((method, answer["error"]["code"], answer["error"]["message"]))
        return None

    def need(self, method, **params):
        """One that must work, also when the fault hits it: then with a second try."""
        result = self.ask(method, 2, **params)
        if result is None:
            raise Failed("%s does not work: %r" % (method, self.errors))
        return result

    def tell(self, method, **params):
        self.p.send({"jsonrpc": "2.0", "method": method, "params": params})

    def answered_once(self):
        answers = [m["id"] for m in self.p.messages() if "method" not in m]
        for ident in self.ids:
            if answers.count(ident) != 1:
                raise Failed("%d answers to %s" % (answers.count(ident), ident))
        if len(answers) != len(self.ids):
            raise Failed("answers to what was not asked")

    def hears(self, count):
        """The server tells of a change, and the client hears of it."""
        self.row.notify({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "x:a", "n": count}})
        self.p.wait_line(lambda line: b"resources/updated" in line and b'"n": %d' % count in line, "the notification")


# What a client asks for is sometimes another request at the server.
STANDS_FOR = {"subscriptions/listen": ("resources/subscribe",), "server/discover": ("initialize",)}
SIGN_IN = ("oauth-protected-resource", "oauth-authorization-server", "register", "token")


def _blamed(row, client):
    """Errors that the fault does not explain. It may cost the very request that it hit; before a person was asked, those
    that wait for a sign-in."""
    hit = row.at.rpartition(" ")[0] if row.at else None
    if hit in SIGN_IN or (hit == "initialize" and row.fault == "401" and not row.signed):
        return []  # a credential that was given and is refused ends the wait at once
    return [e for e in client.errors if e[0] != hit and e[0] not in STANDS_FOR.get(hit, ())]


def run(case, script, name, era, modern, at=None, fault=None, signed=False, server=None, args=()):
    """One row, None when it holds, else what is wrong. row.seen: its requests."""
    row = Row(name, era, signed, at, fault)
    server.rows[name] = row
    home = os.path.join(case.folder, "home-" + name)
    os.mkdir(home)
    env = case.env(dict({"HOME": home}, **({"BROWSER": server.browser} if signed else {"MIXPANEL_SA_TOKEN": TOKEN})))
    # Only a request that hangs has to be given up; what is answered has all the time of a slow machine.
    p = Program(case, ["%s/%s/mcp" % (server.origin, name), "--headers-timeout", str(LIMIT if fault == "hang" else 600),
                       "--body-timeout", "600", *args], env)
    client = Client(case, row, p, modern)
    problem = None
    try:
        script(client)
        status = p.finish()
        client.answered_once()
        if _blamed(row, client):
            raise Failed("errors that nothing explains: %r" % _blamed(row, client))
        if len(client.errors) > 1 and not signed:
            raise Failed("more than one error: %r" % client.errors)
        if status:
            raise Failed("status %d" % status)
        if row.pages > 1:
            raise Failed("%d sign-in pages" % row.pages)
        if at:  # the DELETE may arrive when the program is gone
            row.wait(lambda: row.hit, "the request of the fault")
    except (Failed, OSError) as e:
        problem = "%s: %s" % (row.label, e)
        if os.environ.get("MATRIX_VERBOSE"):
            problem += "\n    seen %s\n    heard %s\n    %s" % (row.seen, [x[:200] for x in p.lines[-6:]], p.errors.decode()[-2000:])
    finally:
        row.gone.set()
        for session in list(row.sessions.values()) + [row.current]:
            if session:
                session.over.set()
        for event in list(row.held.values()) + list(row.asked.values()):
            event.set()
        p.clean_up()
    return problem, row


class Rows:
    """The socket that all rows share, and the person at all browsers."""

    def __init__(self, case):
        self.case, self.rows = case, {}
        self.server = case.server(self.route)
        self.origin = self.server.origin
        fifo = os.path.join(case.folder, "pages")
        os.mkfifo(fifo)
        self.pages = os.open(fifo, os.O_RDWR)
        self.browser = case.file("sh-browser", '#!/bin/sh\nprintf "%%s\\n" "$1" >%s\n' % fifo, 0o755)
        threading.Thread(target=self.browse, daemon=True).start()

    def route(self, r):
        parts = urllib.parse.urlsplit(r.path).path.strip("/").split("/")
        row = next((self.rows[x] for x in parts if x in self.rows), None)
        return row(r) if row else r.reply(404)

    def browse(self):
        with os.fdopen(self.pages) as lines:
            for line in lines:
                if line.strip() == "over":
                    return
                threading.Thread(target=self.follow, args=(line.strip(),), daemon=True).start()

    @staticmethod
    def follow(url):
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=DEADLINE).read()

    def close(self):
        with open(os.path.join(self.case.folder, "pages"), "w") as f:
            f.write("over\n")


def is_taken(at, fault):
    """An answer to a question that is said to have been taken: nobody can know better."""
    return at.startswith("answer ") and fault == "empty"


def matrix(case, script, era, modern=False, signed=False, args=(), without=(), faults=FAULTS):
    """All rows; the problems of those that fail, and how many there were."""
    rows = Rows(case)
    try:
        problem, row = run(case, script, "none", era, modern, server=rows, signed=signed, args=args)
        if problem:
            return [problem], 1
        labels = [x for x in dict.fromkeys(row.seen) if x not in without]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            # Those that wait longest begin first.
            plan = sorted(((at, fault) for at in labels for fault in faults if not is_taken(at, fault)), key=lambda x: x[1] != "hang")
            jobs = [pool.submit(run, case, script, "r%d" % i, era, modern, at, fault, signed, rows, args) for i, (at, fault) in enumerate(plan)]
            problems = [job.result()[0] for job in jobs]
        return [x for x in problems if x], len(problems)
    finally:
        rows.close()


