#!/usr/bin/env python3
"""A local imitation of Mixpanel's hosted MCP service, on loopback.

    python3 tests/server/sandbox.py --explain

The first line on standard output is one JSON object: where the two origins
are and which credentials are taken. Python's standard library only.
"""

import json
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import switches  # noqa: E402
from authority import MACHINE, Authority  # noqa: E402
from control import Control  # noqa: E402
from device import Devices  # noqa: E402
from faults import asked  # noqa: E402
from gate import ACCOUNT_TOKEN, Gate  # noqa: E402
from hub import Hub  # noqa: E402
from legacy import Legacy  # noqa: E402
from log import Log  # noqa: E402
from mcp import MCPHandler  # noqa: E402
from modern import Modern  # noqa: E402
from oauth import OAuthHandler  # noqa: E402
from service import Service  # noqa: E402
from sessions import Sessions  # noqa: E402
from wait import Watcher  # noqa: E402
from web import Server  # noqa: E402


class Sandbox:
    """All that the two origins share."""

    def __init__(self, options):
        self.options, self.log, self.watcher = options, Log(options.log), Watcher()
        self.control, self.devices, self.gate = Control(self), Devices(options, self.log), Gate(self)
        self.open_requests = {}  # consent pages that wait for a click
        self.sessions, self.hub, self.service = Sessions(options), Hub(self), Service(self)
        self.legacy, self.modern = Legacy(self), Modern(self)
        called = options.called or (None, None)
        self.front = Server(self, "mcp", options.port, MCPHandler, called[0])
        self.back = Server(self, "oauth", options.oauth_port, OAuthHandler, called[1])
        mcp, own = self.front.origin, self.back.origin
        # The service names itself as its authorization server; the second one is for --fault other-issuer.
        self.authorities = [Authority(options, self.log, mcp, own, mcp + "/mcp"),
                            Authority(options, self.log, mcp, own + "/second", own + "/second")]

    def authority(self):
        """The authorization server whose tokens are taken."""
        return self.authorities[1 if asked(self.options, "other-issuer") else 0]

    def facts(self):
        return {"mcp": self.front.address + "/mcp", "oauth": self.back.address, "token": ACCOUNT_TOKEN, "pid": os.getpid(),
                "client_id": MACHINE["client_id"], "client_secret": MACHINE["client_secret"]}

    def run(self, until_eof):
        for server in (self.front, self.back):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            if until_eof:
                while sys.stdin.readline():
                    pass
            else:
                threading.Event().wait()
        except KeyboardInterrupt:
            pass


def more_files():
    """As many open files as the system lets us have: a connection is one."""
    try:
        import resource
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    except (ImportError, ValueError, OSError):
        pass


def explain(facts):
    print("""
The sandbox runs at %(mcp)s

A bridge with a service account (paste into a terminal, then type MCP messages):
    MIXPANEL_SA_TOKEN=%(token)s build/mpmcp %(mcp)s

Gemini CLI, ~/.gemini/settings.json:
    "mcpServers": {"mixpanel-sandbox": {"command": "mpmcp", "args": ["%(mcp)s"],
                   "env": {"MIXPANEL_SA_TOKEN": "%(token)s"}}}

Cursor, ~/.cursor/mcp.json takes the same entry.

Sign in with a browser instead:
    build/mpmcp login %(mcp)s

Ctrl-C ends it.""" % facts, flush=True)


def main(argv):
    options = switches.read(argv)
    more_files()
    sandbox = Sandbox(options)
    print(json.dumps(sandbox.facts()), flush=True)
    if options.explain or sys.stdout.isatty():
        explain(sandbox.facts())
    sandbox.run(options.until_eof)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
