"""What cases about signing in share: the sandbox with a person in front of it, whose browser is a small program."""

import contextlib
import fcntl
import json
import os
import stat
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request

from harness import DEADLINE

# Notes its arguments, follows the address to the callback and keeps the last page: a person whose browser is logged in.
BROWSER = """#!%(python)s
import os, sys, urllib.error, urllib.request
%(ringing)s
with open(%(arguments)r, "a") as f:
    f.write(repr(sys.argv[1:]) + "\\n")
ring()
%(before)s
try:
    page = urllib.request.urlopen(sys.argv[1], timeout=60).read()
except urllib.error.HTTPError as e:
    page = e.read()
except Exception as e:
    page = repr(e).encode()
with open(%(page)r + ".new", "wb") as f:
    f.write(page)
os.rename(%(page)r + ".new", %(page)r)
ring()
"""


# The same without a trace, for those who may not write, nor look into the home of who runs the cases.
SYSTEM_PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
FOLLOW = "#!%s\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=60).read()\n" % SYSTEM_PYTHON


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Person:
    """A person at the sandbox. box: its facts; env: what makes their browser open; switches as on its command line."""

    def __init__(self, case, *switches, auto="approve", browser=True, before=""):
        self.case, self.box = case, case.sandbox("--auto", auto, *switches)
        self.url = self.box["mcp"]
        self.page_file = os.path.join(case.folder, "page")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.page_file)  # of the person before
        self.env = {"BROWSER": self.browser(before)} if browser else {}

    def browser(self, before="", name="browser"):
        """A browser that does something before it follows the address."""
        return self.case.file(name, BROWSER % {"python": sys.executable, "arguments": self.case.arguments, "before": before,
                                               "page": self.page_file, "ringing": self.case.bell.ringing()}, 0o755)

    # ---- the sandbox

    def ask(self, what):
        return json.loads(urllib.request.urlopen(self.box["oauth"] + "/_sandbox/" + what, timeout=DEADLINE).read())

    def count(self, what):
        """How often that happened at the sandbox: "authorize", "register", "token:refresh_token", "reuse", ..."""
        return self.ask("stats").get(what, 0)

    def set(self, **switches):
        """Changes switches of the sandbox."""
        self.ask("set?" + urllib.parse.urlencode({k.replace("_", "-"): v for k, v in switches.items()}))

    def expire(self):
        """All access tokens end."""
        self.ask("expire")

    # ---- the program

    def login(self, *args, status=0, env=None, **more):
        p = self.case.start("login", self.url, *args, token=None, env=self.env if env is None else env, **more)
        if "stdin" not in more:
            p.end_input()
        if status is not None:
            self.case.equal(p.wait(), status, "status of login (%r)" % p.errors[-600:])
        return p

    def bridge(self, *args, env=None, **more):
        return self.case.start(self.url, *args, token=None, env=self.env if env is None else env, **more)

    def signed_in_bridge(self, *args, **more):
        """A bridge that needs nobody: it has no browser."""
        p = self.bridge(*args, env={}, **more)
        p.handshake()
        return p

    def run(self, *args, status=0, env=None, **more):
        """A command without input, to its end."""
        p = self.case.start(*args, token=None, env=env or {}, **more)
        p.end_input()
        self.case.equal(p.wait(), status, "status of %s (%r)" % (args[0], p.errors[-600:]))
        return p

    # ---- what came of it

    def folder(self):
        return os.path.join(self.case.home, ".mcp-auth", "mpmcp")

    def files(self, end=""):
        folder = self.folder()
        return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(end)) if os.path.isdir(folder) else []

    def kept(self):
        """The files of sign-ins."""
        return self.files(".json")

    def path(self):
        self.case.equal(len(self.kept()), 1, "sign-ins")
        return self.kept()[0]

    def record(self):
        """The one sign-in that is kept."""
        with open(self.path()) as f:
            return json.load(f)

    def change(self, **fields):
        """Changes that file by hand, under the lock: bridges write to it, too."""
        path = self.path()
        with open(path[:-len("json")] + "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            record = dict(self.record(), **fields)
            with open(path, "w") as f:
                json.dump({k: v for k, v in record.items() if v is not None}, f)

    def hold_refresh(self):
        """A token endpoint in front of the sandbox's, which keeps an answer until the case lets it go: (asked, go)."""
        asked, go = threading.Event(), threading.Event()

        def handler(r):
            try:
                answer = urllib.request.urlopen(urllib.request.Request(token_endpoint, r.body, {
                    "Content-Type": "application/x-www-form-urlencoded"}), timeout=DEADLINE)
            except urllib.error.HTTPError as e:
                answer = e
            body = answer.read()
            asked.set()
            go.wait(DEADLINE)
            r.json(body.decode(), status=answer.status)
        token_endpoint = self.record()["token_endpoint"]
        self.change(token_endpoint=self.case.server(handler).origin + "/token")
        return asked, go

    def opened(self):
        """The addresses with which browsers were started."""
        if not os.path.exists(self.case.arguments):
            return []
        with open(self.case.arguments) as f:
            return [eval(line)[0] for line in f]

    def query(self, n=-1):
        """The parameters of the page that was opened last."""
        return {k: v[0] for k, v in urllib.parse.parse_qs(urllib.parse.urlsplit(self.opened()[n]).query).items()}

    def wait_page(self, words):
        """Waits for a page with these words: a browser is slow to start, and nobody waits for it."""
        self.case.bell.wait(lambda: os.path.exists(self.page_file) and words in self.page(), "a page that says " + words)

    def wait_opened(self):
        """Waits for a browser to be started."""
        self.case.bell.wait(self.opened, "a browser")

    def page(self):
        """The last page that the browser showed; wait_page() first, or it may be the one before."""
        with open(self.page_file, "rb") as f:
            return f.read().decode()

    def mode(self, path):
        return stat.S_IMODE(os.stat(path).st_mode)


def address_in(text):
    """The sign-in address in what a login said."""
    return next(word for word in text.decode().split() if "/authorize?" in word)


def redirect_of(address):
    """Where the server sends the browser back to, without going there."""
    try:
        urllib.request.build_opener(NoRedirect).open(address, timeout=DEADLINE)
    except urllib.error.HTTPError as e:
        return e.headers["Location"]
    raise AssertionError("no redirect")
