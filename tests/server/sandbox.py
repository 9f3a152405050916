#!/usr/bin/env python3
"""A local imitation of Mixpanel's hosted MCP service, on loopback.

    python3 tests/server/sandbox.py --explain

The first line on standard output is one JSON object: where the two origins
are and which credentials are taken. Python's standard library only.

    switches faults      every switch and every fault, a row each
    web wait log         HTTP, waiting for clients, the log
    control              /_sandbox/...: steering and looking in while it runs
    oauth pages          the sign-in server's endpoints, and what a person sees
    metadata authority   its documents, its memory; device and cimd: ways to sign in
    gate mcp             before the MCP endpoint, and the endpoint
    legacy sessions      2024-11-05 to 2025-11-25; oldsse: the transport of 2024-11-05
    modern mirror        2026-07-28, its headers; questions, listen: what a server may ask and tell
    jsonrpc reply sse    messages, where answers go, event streams; call: a request at work; hub: notifications
    service tools        what the service does; samples: its data; trials: the tools of --test-tools
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


EXPLANATION = """
The sandbox runs at %(mcp)s
Nothing leaves this machine; the data is made up.

In a terminal, with a service account (then type MCP messages, or use "mpmcp tools" and "mpmcp call"):
    MIXPANEL_SA_TOKEN=%(token)s mpmcp %(mcp)s

Gemini CLI (~/.gemini/settings.json) and Cursor (~/.cursor/mcp.json):
    "mcpServers": {"mixpanel-sandbox": {"command": "mpmcp", "args": ["%(mcp)s"],
                   "env": {"MIXPANEL_SA_TOKEN": "%(token)s"}}}

Claude Code:
    claude mcp add mixpanel-sandbox -e MIXPANEL_SA_TOKEN=%(token)s -- mpmcp %(mcp)s

Signing in with a browser instead; leave the token out above:
    mpmcp login %(mcp)s

Make it difficult while it runs, for example few requests, or tokens that have ended:
    curl '%(oauth)s/_sandbox/set?rate=3'
    curl '%(oauth)s/_sandbox/expire'
    curl '%(oauth)s/_sandbox'                 what else there is

--help has the switches, --list-faults what can go wrong. Ctrl-C ends it."""


def main(argv):
    options = switches.read(argv)
    more_files()
    sandbox = Sandbox(options)
    print(json.dumps(sandbox.facts()), flush=True)
    if options.explain or sys.stdout.isatty():
        print(EXPLANATION % sandbox.facts(), flush=True)
    sandbox.run(options.until_eof)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
