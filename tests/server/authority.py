"""An authorization server's memory: clients, codes, tokens. No HTTP in here."""

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from urllib.parse import urlsplit

import metadata
from faults import asked

CODE_S = 60  # as the service's software has it
GRANTS = ["authorization_code", "refresh_token", metadata.DEVICE_GRANT]
METHODS = ["none", "client_secret_basic", "client_secret_post"]
MACHINE = {"client_id": "sandbox-machine", "client_secret": "sandbox-machine-secret", "client_name": "A machine",
           "redirect_uris": None, "grant_types": ["client_credentials"] + GRANTS, "token_endpoint_auth_method": None}


class Refused(Exception):
    """An OAuth error: (error, description, HTTP status)."""

    def __init__(self, error, description=None, status=400):
        super().__init__(error, description)
        self.error, self.description, self.status = error, description, status

    def fields(self):
        return {"error": self.error, "error_description": self.description} if self.description else {"error": self.error}


class Grant:
    """What a person (or nobody) allowed a client. All its tokens are one family."""

    def __init__(self, client, scopes, resource=None):
        self.client, self.scopes, self.resource, self.revoked = client, scopes, resource, False


class Token:
    def __init__(self, grant, scopes, until=None):
        self.grant, self.scopes, self.until, self.used = grant, scopes, until, False


class Authority:
    """mcp: the origin of the MCP server; own: where the endpoints are; issuer: as its documents say."""

    def __init__(self, options, log, mcp, own, issuer):
        self.options, self.log, self.mcp, self.own = options, log, mcp, own
        self.named_issuer = issuer
        self.lock, self.forgot = threading.RLock(), False
        self.clients, self.codes, self.access, self.refresh = {MACHINE["client_id"]: MACHINE}, {}, {}, {}

    @property
    def issuer(self):
        # In 2025-03-26 the authorization server was the MCP server's origin.
        if asked(self.options, "no-resource-metadata") and self.named_issuer == self.mcp + "/mcp":
            return self.mcp
        return self.named_issuer

    issuer_origin = property(lambda self: "%s://%s" % urlsplit(self.issuer)[:2])
    issuer_path = property(lambda self: urlsplit(self.issuer).path)

    def fault(self, name):
        return asked(self.options, name)

    def named(self, text):
        return "a %s ~" % text if self.fault("vschar") else text

    # ---- clients

    def register(self, asks):
        """RFC 7591, with the fields that the service answers. Raises Refused."""
        uris = asks.get("redirect_uris") if isinstance(asks, dict) else None
        if not isinstance(uris, list) or not uris or not all(isinstance(u, str) and urlsplit(u).scheme for u in uris):
            raise Refused("invalid_redirect_uri", "redirect_uris: a list of URIs is needed")
        if any(g not in GRANTS for g in asks.get("grant_types", [])):
            raise Refused("invalid_client_metadata", "grant_types: %s is not supported" % asks["grant_types"])
        if asks.get("token_endpoint_auth_method", "none") not in METHODS:
            raise Refused("invalid_client_metadata", "token_endpoint_auth_method: one of " + ", ".join(METHODS))
        unknown = set(str(asks.get("scope", "")).split()) - set(self.known_scopes())
        if unknown:
            raise Refused("invalid_client_metadata", "scope: unknown " + " ".join(sorted(unknown)))
        now = int(time.time())
        client = {"client_id": self.named(secrets.token_hex(20)), "client_id_issued_at": now, "client_secret_expires_at": 0,
                  "redirect_uris": uris, "grant_types": asks.get("grant_types", ["authorization_code"]),
                  "response_types": asks.get("response_types", ["code"]),
                  "client_name": asks.get("client_name", "MCP Client - %d" % now), "token_endpoint_auth_method": "none"}
        if asks.get("scope"):
            client["scope"] = asks["scope"]
        for name, method in (("register-secret", "client_secret_basic"), ("register-secret-post", "client_secret_post")):
            if self.fault(name):
                client.update(client_secret="sandbox-secret-" + secrets.token_hex(8), token_endpoint_auth_method=method)
        with self.lock:
            self.clients[client["client_id"]] = client
        return client

    def client(self, ident):
        """A known client, else None."""
        if ident and self.fault("cimd") and ident.startswith(("https://", "http://")):
            return self.clients.get(ident) or self.read_document(ident)
        return self.clients.get(ident)

    def read_document(self, url):
        """A client ID metadata document. The sandbox reads those of loopback, and trusts others unread."""
        import cimd
        found = cimd.read(url)
        if found:
            with self.lock:
                self.clients[url] = found
        return found

    def redirect_allowed(self, client, uri):
        """Exact, but for the port of loopback addresses (RFC 8252, section 7.3), as the service's software does."""
        if not uri or (self.fault("loopback-ip-refused") and urlsplit(uri).hostname in ("127.0.0.1", "::1")):
            return False
        if client["redirect_uris"] is None:
            return urlsplit(uri).hostname in ("localhost", "127.0.0.1", "::1")
        free = ("127.0.0.1", "::1", "localhost") if self.fault("any-port") else ("127.0.0.1", "::1")
        return any(uri == known or (urlsplit(uri).hostname in free and portless(uri) == portless(known))
                   for known in client["redirect_uris"])

    def forget_clients(self):
        with self.lock:
            self.clients = {MACHINE["client_id"]: MACHINE}

    # ---- codes

    def known_scopes(self):
        extra = ["offline_access"] if self.fault("offline-access") else []
        return metadata.scopes(self.options) + extra

    def check_scope(self, text):
        """The scopes of a request; none asked for: all. Raises Refused."""
        wanted = (text or "").split()
        unknown = [s for s in wanted if s not in self.known_scopes()]
        if unknown:
            raise Refused("invalid_scope", "unknown: " + " ".join(unknown))
        return wanted or list(metadata.scopes(self.options))

    def check_resource(self, resource):
        if resource is None and self.options.require_resource:
            raise Refused("invalid_target", "the resource parameter is missing")
        named = metadata.resource(self.mcp, self.options)
        if resource not in (None, self.mcp + "/mcp", named) and not self.fault("any-resource"):
            raise Refused("invalid_target", "no such resource here")

    def new_code(self, request, scopes):
        code = self.named(secrets.token_urlsafe(24))
        grant = Grant(request["client_id"], scopes, request.get("resource"))
        with self.lock:
            self.codes[code] = {"request": request, "grant": grant, "born": time.monotonic(), "used": False}
        return code

    def redeem(self, form, client_id):
        """The grant of an authorization code, once. Raises Refused."""
        with self.lock:
            code = self.codes.get(form.get("code"))
            if code is None:
                raise self.invalid_grant("no such code")
            if code["used"]:
                # Somebody else has it, too (RFC 6749, section 4.1.2).
                self.log.count("code-reuse")
                code["grant"].revoked = True
                raise self.invalid_grant("the code was used before")
            code["used"] = True
        request = code["request"]
        if time.monotonic() - code["born"] > CODE_S:
            raise self.invalid_grant("the code is older than %d seconds" % CODE_S)
        if request["client_id"] != client_id or request["redirect_uri"] != form.get("redirect_uri"):
            raise self.invalid_grant("another client or redirect URI")
        verifier = form.get("code_verifier", "")
        if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier) or challenge_of(verifier) != request["code_challenge"]:
            self.log.count("pkce-failed")
            raise self.invalid_grant("the code_verifier does not fit")
        self.check_resource(form.get("resource"))
        return code["grant"]

    def machine_grant(self, form):
        """Client credentials: nobody but the client itself."""
        self.check_resource(form.get("resource"))
        return Grant(MACHINE["client_id"], self.check_scope(form.get("scope")))

    def invalid_grant(self, text):
        return Refused("invalid_grant", text, 401 if self.fault("grant-401") else 400)

    def dead_refresh(self, text):
        for name, error, status in (("refresh-200", "bad_refresh_token", 200), ("refresh-invalid-request", "invalid_request", 400),
                                    ("refresh-invalid-token", "invalid_token", 401)):
            if self.fault(name):
                return Refused(error, text, status)
        return self.invalid_grant(text)

    # ---- tokens

    def refreshed(self, form, client_id):
        """(grant, scopes, refresh token to answer with or None) for a refresh token. Raises Refused."""
        with self.lock:
            token = self.refresh.get(form.get("refresh_token"))
            if token and token.used:
                # Used twice: somebody else has it. The whole family goes.
                self.log.count("reuse")
                token.grant.revoked = True
            if not token or token.used or token.grant.revoked or token.grant.client != client_id or self.fault("refresh-dead"):
                raise self.dead_refresh("the refresh token is unknown, used or revoked")
            scopes = form.get("scope", "").split() or token.scopes
            if set(scopes) - set(token.grant.scopes):
                raise Refused("invalid_scope", "more than was granted")
            self.check_resource(form.get("resource"))
            if self.fault("refresh-none") or self.fault("no-refresh"):
                return token.grant, scopes, None
            if self.fault("refresh-kept"):
                return token.grant, scopes, form["refresh_token"]
            token.used = True
            return token.grant, scopes, self.new_refresh(token.grant, scopes)

    def new_refresh(self, grant, scopes):
        text = self.named("refresh-" + secrets.token_urlsafe(24))
        with self.lock:
            self.refresh[text] = Token(grant, scopes)
        return text

    def answer(self, grant, scopes, refresh):
        """The token endpoint's answer: a new access token, and whatever fault was asked for."""
        if self.fault("scope-narrowed"):
            scopes = scopes[:2]
        text = "access-" + secrets.token_urlsafe(24)
        answer = {"access_token": text, "token_type": "Bearer", "expires_in": self.options.token_ttl, "scope": " ".join(scopes)}
        if refresh:
            answer["refresh_token"] = refresh
        if self.fault("id-token"):
            answer["id_token"] = self.id_token(grant)
        for name, field, value in (
                ("token-newline", "access_token", text + "\r\nX-Injected: 1"), ("token-type", "token_type", "mac"),
                ("token-type-lower", "token_type", "bearer"), ("expires-zero", "expires_in", 0),
                ("expires-negative", "expires_in", -5), ("expires-string", "expires_in", "36000"),
                ("expires-huge", "expires_in", 10 ** 18)):
            if self.fault(name):
                answer[field] = value
        for name, field in (("token-missing", "access_token"), ("scope-missing", "scope"), ("expires-missing", "expires_in")):
            if self.fault(name):
                del answer[field]
        with self.lock:
            for token in filter(None, (text, answer.get("id_token"))):
                self.access[token] = Token(grant, scopes, time.monotonic() + self.options.token_ttl)
        return answer

    def id_token(self, grant):
        """In the form of a JWT; nobody could check the signature."""
        claims = {"iss": self.issuer, "aud": grant.client, "sub": "1", "exp": int(time.time()) + 36000,
                  "jti": secrets.token_hex(8)}
        parts = [{"alg": "RS256", "typ": "JWT"}, claims]
        return ".".join([plain_base64(json.dumps(p).encode()) for p in parts] + [plain_base64(secrets.token_bytes(32))])

    def scopes_of(self, text):
        """The scopes of a live access token, else None."""
        with self.lock:
            token = self.access.get(text)
            live = token and not token.grant.revoked and token.until > time.monotonic()
            return token.scopes if live else None

    def revoke(self, text, client_id):
        """RFC 7009; a token of another client stays."""
        with self.lock:
            token = self.refresh.get(text) or self.access.get(text)
            if token and token.grant.client == client_id:
                token.grant.revoked = True

    def expire_access(self):
        with self.lock:
            for token in self.access.values():
                token.until = 0

    def secrets(self):
        """Everything that was given out, by field."""
        with self.lock:
            return {"access_token": set(self.access), "refresh_token": set(self.refresh), "code": set(self.codes),
                    "client_secret": {c["client_secret"] for c in self.clients.values() if c.get("client_secret")}}

    def revoke_all(self):
        with self.lock:
            for token in list(self.access.values()) + list(self.refresh.values()):
                token.grant.revoked = True


def plain_base64(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def challenge_of(verifier):
    return plain_base64(hashlib.sha256(verifier.encode()).digest())


def portless(uri):
    parts = urlsplit(uri)
    return parts.scheme, parts.hostname, parts.path, parts.query
