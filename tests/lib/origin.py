"""One origin that is MCP server and authorization server, for cases about signing in that need no more."""

import base64
import json
import os
import sys
import urllib.parse

from harness import Server

# Goes where a person's browser would; writes down what was opened and where it ended.
BROWSER = """#!%s
%%s
import sys, urllib.request, urllib.error
try:
    end = urllib.request.urlopen(sys.argv[1], timeout=60).geturl()
except urllib.error.HTTPError as e:
    end = e.geturl()
open(%%r, "a").write(sys.argv[1] + " " + end + "\\n")
ring()
""" % sys.executable


def _base64url(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


ID_TOKEN = _base64url({"alg": "none"}) + "." + _base64url({"sub": "me", "exp": 4102444800}) + ".c2lnbmF0dXJl"


class Origin:
    """MCP endpoint and authorization server in one, which takes whatever comes and notes it."""

    def __init__(self, case, **server):
        self.access, self.refreshes = "access-token-of-this-case", False
        self.tokens = {self.access, ID_TOKEN}
        self.paths = {"/mcp": "endpoint", "/.well-known/oauth-protected-resource/mcp": "resource_document",
                      "/.well-known/oauth-authorization-server": "server_document", "/register": "register",
                      "/authorize": "authorize", "/token": "token", "/done": "done"}
        case.secrets += list(self.tokens)
        self.server = Server(self, **server)
        case.servers.append(self.server)
        self.bell = case.bell
        self.opened = os.path.join(case.folder, "opened-%d" % self.server.port)
        self.env = {"BROWSER": case.file("browser-%d" % self.server.port, BROWSER % (case.bell.ringing(), self.opened), 0o755)}
        self.url = self.server.url

    def __call__(self, r):
        url = urllib.parse.urlsplit(r.path)
        name = self.paths.get(url.path)
        if name is None:
            r.reply(404)
        else:
            getattr(self, name)(r, dict(urllib.parse.parse_qsl(url.query)))

    def endpoint(self, r, query):
        if (r.headers.get("authorization") or "").partition(" ")[2] in self.tokens:
            r.answer()
        else:
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})

    def resource_document(self, r, query):
        r.json({"resource": self.url, "authorization_servers": [self.server.origin], "scopes_supported": ["one", "two"]})

    def server_document(self, r, query):
        o = self.server.origin
        r.json({"issuer": o, "authorization_endpoint": o + "/authorize", "token_endpoint": o + "/token",
                "registration_endpoint": o + "/register", "response_types_supported": ["code"],
                "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["none", "client_secret_post"]})

    def register(self, r, query):
        r.json(dict(r.rpc, client_id="registered-client"), 201)

    def authorize(self, r, query):
        r.reply(302, headers={"Location": query["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "c0de", "state": query["state"]})})

    def token(self, r, query):
        told = {"access_token": self.access, "token_type": "Bearer", "expires_in": 3600, "id_token": ID_TOKEN}
        if self.refreshes:
            told["refresh_token"] = "refresh-token-of-this-case"
        r.json(told)

    def renew(self, token):
        """From now on nothing but this token is taken or given out."""
        self.access, self.tokens = token, {token}

    def wait_end(self):
        """Where the browser ended: it notes that when it has read the page, and nobody waits for it."""
        ends = []

        def ended():
            if os.path.exists(self.opened):
                with open(self.opened) as f:
                    ends[:] = f.read().split()[1::2]
            return ends
        self.bell.wait(ended, "the end of the browser")
        return ends[0]

    def done(self, r, query):
        r.reply(200, "done")

    def sent(self, path):
        """Parameters of the requests to this path: query, form or JSON."""
        out = []
        for r in self.server.requests:
            if r.path.partition("?")[0] == path:
                text = r.path.partition("?")[2] or r.body.decode()
                out.append(json.loads(text) if text.startswith("{") else urllib.parse.parse_qs(text, keep_blank_values=True))
        return out

    def works(self, case, *args, env=None):
        p = case.start(self.url, *args, token=None, env=dict(self.env, **(env or {})))
        p.handshake()
        case.check("result" in p.call(1), "no result")
        case.equal(p.finish(), 0, "status")
        return p
