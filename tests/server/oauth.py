"""The OAuth half of the sandbox: metadata, registration, consent, tokens.

Shapes as the service publishes them; --fault NAME makes one thing wrong.
"""

import base64
import hashlib
import html
import json
import secrets
import threading
import time
from urllib.parse import parse_qs, urlencode, urlsplit

SCOPES = ["projects", "analysis", "events", "insights", "segmentation", "retention", "data:read", "funnels", "flows",
          "data_definitions", "bookmarks", "business_context", "cohorts", "dashboard_reports", "experiments",
          "feature_flags", "metrics", "user_details"]

FAULTS = {
    "issuer-mismatch": "server metadata names another issuer",
    "resource-mismatch": "resource metadata is for another server",
    "http-endpoints": "the token endpoint is http on another host",
    "javascript-endpoint": "the authorization endpoint is a javascript: URL",
    "file-endpoint": "the authorization endpoint is a file: URL",
    "shell-endpoint": "the authorization endpoint holds shell metacharacters",
    "dash-endpoint": "the authorization endpoint starts with a dash",
    "newline-endpoint": "the authorization endpoint holds a line break",
    "huge-metadata": "2 MB of server metadata",
    "deep-metadata": "server metadata nested 100,000 deep",
    "no-s256": "PKCE with S256 is not offered",
    "no-metadata": "no metadata documents at all",
    "root-metadata": "metadata documents at the pathless addresses only",
    "no-registration": "no registration endpoint",
    "register-429": "registration is refused with 429 and Retry-After",
    "register-400": "registration is refused with 400",
    "register-422": "registration is refused with 422 and other JSON",
    "register-secret": "registration gives a client secret, token endpoint takes it by client_secret_basic",
    "deny": "the person says no",
    "iss": "the callback has the right iss, and metadata promises it",
    "iss-wrong": "the callback has a wrong iss",
    "iss-missing": "metadata promises iss, the callback has none",
    "state-wrong": "the callback has a wrong state",
    "state-missing": "the callback has no state",
    "token-html": "the token endpoint answers HTML",
    "token-empty": "the token endpoint answers nothing",
    "token-newline": "an access token with a line break in it",
    "token-type": "a token_type that is not Bearer",
    "expires-missing": "no expires_in",
    "expires-zero": "expires_in is 0",
    "expires-negative": "expires_in is negative",
    "expires-string": "expires_in is a string",
    "refresh-none": "refreshing gives no new refresh token",
    "refresh-500": "refreshing answers 500",
    "refresh-hang": "refreshing never answers",
    "grant-401": "invalid_grant comes with 401",
    "forget-clients": "a client id works for registration only, then it is unknown (once)",
    "revocation": "there is a revocation endpoint",
    "device": "there is a device authorization endpoint",
}


def add_arguments(p):
    p.add_argument("--auto", choices=["off", "approve"], default="off", help="approve: no consent page")
    p.add_argument("--token-ttl", type=int, default=36000, metavar="S", help="expires_in of access tokens")
    p.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS), metavar="NAME",
                   help="make one thing wrong: " + ", ".join(sorted(FAULTS)))


# Nested deeper than a parser should follow; json would not write it.
DEEP = b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Allow access</title><style>
body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#1b1b1f}
button{font:inherit;padding:.6rem 1.4rem;border-radius:.5rem;border:1px solid #7856ff;margin-right:.6rem;cursor:pointer}
.yes{background:#7856ff;color:#fff}li{display:inline-block;background:#f1eefe;border-radius:.4rem;padding:.1rem .5rem;margin:.15rem}
ul{padding:0}</style></head><body>
<h1>Sandbox sign-in</h1><p><b>%(name)s</b> asks for access to your (imaginary) Mixpanel projects:</p><ul>%(scopes)s</ul>
<form method="post" action="/oauth/consent"><input type="hidden" name="request" value="%(request)s">
<button class="yes" name="answer" value="approve">Approve</button><button name="answer" value="deny">Deny</button></form>
</body></html>"""


class Authority:
    """The authorization server's state: clients, codes, tokens."""

    def __init__(self, options, mcp_origin, own_origin):
        self.options, self.mcp, self.own = options, mcp_origin, own_origin
        self.lock = threading.RLock()
        self.clients, self.codes, self.requests = {}, {}, {}
        self.access, self.refresh, self.devices = {}, {}, {}
        self.counts = {}

    def fault(self, name):
        return name in self.options.fault

    def count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def stats(self):
        return dict(self.counts)

    # ---- metadata

    def metadata(self, path):
        if self.fault("no-metadata"):
            return None
        inserted, root = "/mcp", ""
        kinds = [root] if self.fault("root-metadata") else [inserted, root]
        for tail in kinds:
            if path == "/.well-known/oauth-protected-resource" + tail:
                return self.resource_document()
            if path == "/.well-known/oauth-authorization-server" + tail:
                return self.server_document()
        return None

    def resource_document(self):
        self.count("resource-metadata")
        resource = self.mcp + "/mcp"
        return {"resource": "https://elsewhere.example/mcp" if self.fault("resource-mismatch") else resource,
                "authorization_servers": [resource], "scopes_supported": self.scopes(), "bearer_methods_supported": ["header"]}

    def scopes(self):
        return SCOPES

    def server_document(self):
        self.count("server-metadata")
        authorize = self.own + "/oauth/authorize"
        for name, url in (("javascript-endpoint", "javascript:alert(1)"), ("file-endpoint", "file:///etc/passwd"),
                          ("shell-endpoint", self.own + "/oauth/authorize;$(touch${IFS}/tmp/owned)`id`"),
                          ("dash-endpoint", "--help"), ("newline-endpoint", self.own + "/oauth/authorize\n--help")):
            if self.fault(name):
                authorize = url
        document = {
            "issuer": "https://elsewhere.example" if self.fault("issuer-mismatch") else self.mcp + "/mcp",
            "authorization_endpoint": authorize,
            "token_endpoint": "http://elsewhere.example/token" if self.fault("http-endpoints") else self.own + "/oauth/token/",
            "registration_endpoint": self.own + "/oauth/mcp/register/",
            "scopes_supported": self.scopes(),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "code_challenge_methods_supported": ["plain"] if self.fault("no-s256") else ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        }
        if self.fault("no-registration"):
            del document["registration_endpoint"]
        if self.fault("iss") or self.fault("iss-missing"):
            document["authorization_response_iss_parameter_supported"] = True
        if self.fault("revocation"):
            document["revocation_endpoint"] = self.own + "/oauth/revoke/"
        if self.fault("device"):
            document["device_authorization_endpoint"] = self.own + "/oauth/device/"
            document["grant_types_supported"].append("urn:ietf:params:oauth:grant-type:device_code")
        if self.fault("huge-metadata"):
            document["padding"] = "x" * 2000000
        if self.fault("deep-metadata"):
            return DEEP
        return document

    # ---- requests

    def get(self, handler, path, query):
        if path in ("/oauth/authorize", "/oauth/authorize/"):
            self.authorize(handler, {k: v[0] for k, v in query.items()})
        else:
            handler.reply(404, b"Not Found", "text/plain")

    def post(self, handler, path, raw):
        routes = {"/oauth/token/": self.token, "/oauth/mcp/register/": self.register, "/oauth/consent": self.consent,
                  "/oauth/revoke/": self.revoke, "/oauth/device/": self.device}
        if path in routes:
            routes[path](handler, raw)
        else:
            handler.reply(404, b"Not Found", "text/plain")

    # ---- registration

    def register(self, handler, raw):
        self.count("register")
        if self.fault("register-429"):
            handler.reply(429, {"error": "slow_down"}, headers={"Retry-After": "120"})
            return
        if self.fault("register-400"):
            handler.reply(400, {"error": "invalid_client_metadata", "error_description": "This client is not welcome"})
            return
        if self.fault("register-422"):
            handler.reply(422, {"errors": [{"field": "redirect_uris"}]})
            return
        asked = json.loads(raw)
        ident = secrets.token_urlsafe(30)[:40]
        now = int(time.time())
        client = {"client_id": ident, "client_id_issued_at": now, "client_secret_expires_at": 0,
                  "redirect_uris": asked["redirect_uris"], "grant_types": asked.get("grant_types"),
                  "response_types": asked.get("response_types", ["code"]),
                  "client_name": asked.get("client_name", "MCP Client - %d" % now),
                  "token_endpoint_auth_method": "none"}
        if asked.get("scope"):
            client["scope"] = asked["scope"]
        if self.fault("register-secret"):
            client["client_secret"] = "sandbox-secret-" + secrets.token_hex(8)
            client["token_endpoint_auth_method"] = "client_secret_basic"
        with self.lock:
            self.clients[ident] = client
        handler.reply(201, client, headers={"Access-Control-Allow-Origin": "*"})

    # ---- authorization

    def authorize(self, handler, q):
        self.count("authorize")
        client = self.clients.get(q.get("client_id"))
        if self.fault("forget-clients") and self.counts["authorize"] == 1:
            client = None
        if client is None or q.get("redirect_uri") not in client["redirect_uris"]:
            handler.reply(400, b"<title>Error</title><p>Invalid client or redirect URI</p>", "text/html")
            return
        wanted = q.get("scope", "").split() or SCOPES
        if any(s not in SCOPES for s in wanted):
            self.send_back(handler, q, {"error": "invalid_scope"})
        elif q.get("code_challenge_method") != "S256" or not q.get("code_challenge"):
            self.send_back(handler, q, {"error": "invalid_request", "error_description": "PKCE is required"})
        elif self.fault("deny"):
            self.send_back(handler, q, {"error": "access_denied", "error_description": "<b>No</b>\x1b[31m"})
        elif self.options.auto == "approve":
            self.send_back(handler, q, {"code": self.new_code(q, wanted)})
        else:
            ident = secrets.token_urlsafe(16)
            self.requests[ident] = (q, wanted)
            page = PAGE % {"name": html.escape(client["client_name"]), "request": ident,
                           "scopes": "".join("<li>%s</li>" % html.escape(s) for s in wanted)}
            handler.reply(200, page.encode(), "text/html; charset=utf-8")

    def consent(self, handler, raw):
        form = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        q, wanted = self.requests.pop(form.get("request"), (None, None))
        if q is None:
            handler.reply(400, b"This page is out of date", "text/plain")
        elif form.get("answer") == "approve":
            self.send_back(handler, q, {"code": self.new_code(q, wanted)})
        else:
            self.send_back(handler, q, {"error": "access_denied"})

    def new_code(self, q, scopes):
        code = secrets.token_urlsafe(24)
        with self.lock:
            self.codes[code] = dict(q, scopes=scopes, born=time.time())
        return code

    def send_back(self, handler, q, answer):
        if "state" in q and not self.fault("state-missing"):
            answer["state"] = "wrong" if self.fault("state-wrong") else q["state"]
        if self.fault("iss"):
            answer["iss"] = self.mcp + "/mcp"
        if self.fault("iss-wrong"):
            answer["iss"] = "https://elsewhere.example"
        joint = "&" if urlsplit(q["redirect_uri"]).query else "?"
        handler.reply(302, headers={"Location": q["redirect_uri"] + joint + urlencode(answer)})

    # ---- tokens

    def token(self, handler, raw):
        form = {k: v[0] for k, v in parse_qs(raw.decode(), keep_blank_values=True).items()}
        kind = form.get("grant_type")
        self.count("token:" + str(kind))
        client_id = self.client_of(handler, form)
        client = self.clients.get(client_id)
        if client is None:
            handler.reply(401, {"error": "invalid_client"})
        elif kind == "authorization_code":
            self.exchange(handler, form, client_id)
        elif kind == "refresh_token":
            self.do_refresh(handler, form, client_id)
        elif kind == "urn:ietf:params:oauth:grant-type:device_code":
            self.device_token(handler, form, client_id)
        else:
            handler.reply(400, {"error": "unsupported_grant_type"})

    def client_of(self, handler, form):
        value = handler.headers.get("Authorization") or ""
        if value.startswith("Basic "):
            ident, _, secret = base64.b64decode(value[6:]).decode().partition(":")
            client = self.clients.get(ident)
            return ident if client and client.get("client_secret") == secret else None
        client = self.clients.get(form.get("client_id"))
        if client and client.get("client_secret") and form.get("client_secret") != client["client_secret"]:
            return None
        return form.get("client_id")

    def exchange(self, handler, form, client_id):
        with self.lock:
            code = self.codes.pop(form.get("code"), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (code is None or time.time() - code["born"] > 60 or code["client_id"] != client_id
                or code["redirect_uri"] != form.get("redirect_uri") or code["code_challenge"] != challenge):
            handler.reply(400, {"error": "invalid_grant"})
            return
        self.issue(handler, client_id, code["scopes"], secrets.token_hex(8), True)

    def do_refresh(self, handler, form, client_id):
        if self.fault("refresh-hang"):
            threading.Event().wait(600)
        if self.fault("refresh-500"):
            handler.reply(500, b"<h1>Server Error</h1>", "text/html")
            return
        with self.lock:
            grant = self.refresh.get(form.get("refresh_token"))
            if grant and grant["used"]:
                # A token used twice: somebody else has it. The whole family goes.
                self.count("reuse")
                self.revoke_family(grant["family"])
                grant = None
            if grant is None or grant["client"] != client_id:
                handler.reply(401 if self.fault("grant-401") else 400, {"error": "invalid_grant"})
                return
            if not self.fault("refresh-none"):
                grant["used"] = True
        self.issue(handler, client_id, grant["scopes"], grant["family"], not self.fault("refresh-none"))

    def revoke_family(self, family):
        for table in (self.access, self.refresh):
            for token in [t for t, g in table.items() if g["family"] == family]:
                del table[token]

    def issue(self, handler, client_id, scopes, family, with_refresh):
        if self.fault("token-html"):
            handler.reply(200, b"<html><title>Maintenance</title></html>", "text/html")
            return
        if self.fault("token-empty"):
            handler.reply(200)
            return
        access, refresh = "access-" + secrets.token_urlsafe(24), "refresh-" + secrets.token_urlsafe(24)
        with self.lock:
            self.access[access] = {"client": client_id, "scopes": scopes, "family": family,
                                   "until": time.time() + self.options.token_ttl}
            if with_refresh:
                self.refresh[refresh] = {"client": client_id, "scopes": scopes, "family": family, "used": False}
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": self.options.token_ttl,
                  "scope": " ".join(scopes)}
        if with_refresh:
            answer["refresh_token"] = refresh
        if self.fault("token-newline"):
            answer["access_token"] = access + "\r\nX-Injected: 1"
        if self.fault("token-type"):
            answer["token_type"] = "mac"
        for name, value in (("zero", 0), ("negative", -5), ("string", "36000")):
            if self.fault("expires-" + name):
                answer["expires_in"] = value
        if self.fault("expires-missing"):
            del answer["expires_in"]
        handler.reply(200, answer, headers={"Cache-Control": "no-store"})

    def scopes_of(self, token):
        """The scopes of a live access token, else None."""
        with self.lock:
            grant = self.access.get(token)
            return grant["scopes"] if grant and grant["until"] > time.time() else None

    def expire_all(self):
        with self.lock:
            for grant in self.access.values():
                grant["until"] = 0

    def revoke(self, handler, raw):
        form = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        self.count("revoke")
        with self.lock:
            grant = self.refresh.get(form.get("token")) or self.access.get(form.get("token"))
            if grant:
                self.revoke_family(grant["family"])
        handler.reply(200)

    # ---- device code (RFC 8628)

    def device(self, handler, raw):
        form = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
        code = secrets.token_urlsafe(16)
        self.devices[code] = {"client": form.get("client_id"), "polls": 0}
        handler.reply(200, {"device_code": code, "user_code": "WDJB-MJHT", "verification_uri": self.own + "/oauth/device",
                            "expires_in": 300, "interval": 1})

    def device_token(self, handler, form, client_id):
        entry = self.devices.get(form.get("device_code"))
        if entry is None:
            handler.reply(400, {"error": "expired_token"})
            return
        entry["polls"] += 1
        if entry["polls"] < 2:
            handler.reply(400, {"error": "authorization_pending"})
            return
        self.issue(handler, client_id, SCOPES, secrets.token_hex(8), True)
