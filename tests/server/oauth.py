"""The OAuth origin: register, authorize and its pages, token, revoke, device. Also the endpoints of a second server."""

import base64
import binascii
import json
import secrets
from urllib.parse import parse_qsl, unquote_plus, urlencode, urlsplit

import metadata
import pages
from authority import Refused
from web import Handler

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthHandler(Handler):
    def route(self):
        sandbox = self.server.sandbox
        if metadata.answer(self, sandbox.authorities, sandbox.options):
            return
        path, authority = self.path, sandbox.authorities[0]
        if path.startswith("/second/"):
            path, authority = path[len("/second"):], sandbox.authorities[1]
        serve(self, authority, path)


def serve(handler, authority, path):
    """Answers a request for one of the endpoints."""
    steps = {("GET", "/oauth/authorize"): authorize, ("GET", "/oauth/authorize/"): authorize,
             ("GET", "/login/"): login_page, ("POST", "/login/"): log_in, ("POST", "/oauth/consent"): consent,
             ("POST", "/oauth/mcp/register/"): register, ("POST", "/oauth/token/"): token,
             ("POST", "/oauth/revoke/"): revoke, ("POST", "/oauth/device/"): device_start,
             ("GET", "/oauth/device"): device_page, ("POST", "/oauth/device"): device_decide,
             ("GET", "/oauth/jwks"): lambda h, a: h.reply(200, {"keys": []})}
    step = steps.get((handler.method, path))
    if step is None:
        # Also for /oauth/token without its slash: the service's software does not take a POST there.
        handler.reply(404, b"Not Found", "text/plain")
        return
    try:
        step(handler, authority)
    except Refused as problem:
        headers = dict(NO_STORE)
        if problem.status == 401:
            headers["WWW-Authenticate"] = 'Basic realm="oauth"'
        handler.reply(problem.status, problem.fields(), headers=headers)


# ---- registration


def register(h, authority):
    h.server.log.count("register")
    if authority.fault("no-registration"):
        h.reply(404, b"Not Found", "text/plain")
    elif authority.fault("register-429"):
        h.reply(429, {"error": "slow_down"}, headers={"Retry-After": "120"})
    elif authority.fault("register-400"):
        raise Refused("invalid_client_metadata", "This client is not welcome")
    elif authority.fault("register-422"):
        h.reply(422, {"errors": [{"field": "redirect_uris"}]})
    elif authority.fault("register-html"):
        h.page(200, pages.message("Welcome", "Registration is done by hand here."))
    else:
        try:
            asks = json.loads(h.raw)
        except ValueError:
            raise Refused("invalid_client_metadata", "not JSON")
        h.about["registration"] = asks
        h.reply(201, authority.register(asks), headers={"Access-Control-Allow-Origin": "*", "Vary": "Authorization, Cookie"})


# ---- authorize and its pages


def authorize(h, authority):
    options = authority.options
    if options.login and "sandbox_login=" not in (h.headers.get("cookie") or ""):
        h.reply(302, headers={"Location": "%s/login/?%s" % (authority.own, urlencode({"next": h.target}))})
        return
    h.server.log.count("authorize")
    q = dict(h.query)
    client = authority.client(q.get("client_id"))
    if authority.fault("forget-clients") and not authority.forgot:
        client, authority.forgot = None, True
    if client is None or not authority.redirect_allowed(client, q.get("redirect_uri")):
        h.page(400, pages.message("Something is wrong", "Invalid client or redirect URI."))
        return
    try:
        scopes = check_request(h, authority, q)
    except Refused as problem:
        send_back(h, authority, q, problem.fields())
        return
    if authority.fault("deny"):
        send_back(h, authority, q, {"error": "access_denied", "error_description": "<b>No</b>\x1b[31m"})
    elif options.auto == "off":
        request = secrets.token_urlsafe(16)
        h.server.sandbox.open_requests[request] = (authority, q, scopes)
        h.page(200, pages.consent(authority.own + "/oauth/consent", request, client["client_name"], scopes, q["redirect_uri"]))
    else:
        decide(h, authority, q, scopes, options.auto == "approve")


def check_request(h, authority, q):
    """The scopes to grant, when the request is one that may be granted. Raises Refused."""
    names = [name for name, _ in parse_qsl(urlsplit(h.target).query, keep_blank_values=True)]
    repeated = [n for n in set(names) if names.count(n) > 1]
    if repeated:
        raise Refused("invalid_request", "repeated: " + " ".join(sorted(repeated)))
    if q.get("response_type") != "code":
        raise Refused("unsupported_response_type")
    if q.get("code_challenge_method") != "S256" or len(q.get("code_challenge", "")) != 43:
        raise Refused("invalid_request", "PKCE with S256 is required")
    authority.check_resource(q.get("resource"))
    return authority.check_scope(q.get("scope"))


def login_page(h, authority):
    h.page(200, pages.login(authority.own + "/login/", h.query.get("next", "")))


def log_in(h, authority):
    following = h.form().get("next", "")
    if not following.startswith("/") or following.startswith("//"):
        h.page(400, pages.message("Something is wrong", "That is no page of this site."))
        return
    h.server.log.count("login")
    cookie = "sandbox_login=1; Path=/; HttpOnly; SameSite=Lax"
    h.reply(302, headers={"Location": h.server.origin + following, "Set-Cookie": cookie})


def consent(h, authority):
    form = h.form()
    authority, q, scopes = h.server.sandbox.open_requests.pop(form.get("request"), (None, None, None))
    if q is None:
        h.page(400, pages.message("This page is out of date", "Go back to the program that opened it, and try again."))
    else:
        decide(h, authority, q, scopes, form.get("answer") == "approve")


def decide(h, authority, q, scopes, approved):
    send_back(h, authority, q, {"code": authority.new_code(q, scopes)} if approved else {"error": "access_denied"})


def send_back(h, authority, q, answer):
    """Redirects the browser to the client, with the faults of the callback."""
    answer = list(answer.items())
    if authority.fault("error-no-state"):
        answer = [("error", "access_denied")]
    elif "state" in q and not authority.fault("state-missing"):
        states = {"state-wrong": ["wrong"], "state-twice": [q["state"], "second"]}
        answer += [("state", s) for s in next((v for k, v in states.items() if authority.fault(k)), [q["state"]])]
    if authority.fault("iss") or authority.fault("iss-stray"):
        answer.append(("iss", authority.issuer))
    if authority.fault("iss-wrong"):
        answer.append(("iss", "https://elsewhere.example"))
    joint = "&" if urlsplit(q["redirect_uri"]).query else "?"
    h.reply(302, headers={"Location": q["redirect_uri"] + joint + urlencode(answer), "Cache-Control": "no-store"})


# ---- tokens


def token(h, authority):
    form = h.form()
    kind = form.get("grant_type")
    h.server.log.count("token:" + str(kind))
    if not (h.headers.get("content-type") or "").startswith("application/x-www-form-urlencoded"):
        raise Refused("invalid_request", "form-encoded, please")
    if kind == "refresh_token" and authority.fault("refresh-hang"):
        h.rest()
    if kind == "refresh_token" and authority.fault("refresh-500"):
        h.page(500, "<h1>Server Error</h1>")
        return
    client = client_of(h, authority, form)
    if kind not in client["grant_types"]:
        raise Refused("unauthorized_client", "the client did not register for " + str(kind))
    refresh = None
    if kind == "authorization_code":
        grant = authority.redeem(form, client["client_id"])
        scopes, refresh = grant.scopes, first_refresh(authority, client, grant)
    elif kind == "refresh_token":
        grant, scopes, refresh = authority.refreshed(form, client["client_id"])
    elif kind == metadata.DEVICE_GRANT and authority.fault("device"):
        grant = h.server.sandbox.devices.poll(form.get("device_code"), client["client_id"])
        scopes, refresh = grant.scopes, first_refresh(authority, client, grant)
    elif kind == "client_credentials" and authority.fault("client-credentials"):
        grant = authority.machine_grant(form)
        scopes = grant.scopes
    else:
        raise Refused("unsupported_grant_type")
    broken = {"token-html": lambda: h.page(200, "<html><title>Maintenance</title></html>"), "token-empty": lambda: h.reply(200),
              "token-500": lambda: h.page(500, "<h1>Server Error</h1>"),
              "token-deep": lambda: h.reply(200, metadata.DEEP, "application/json")}
    for name, act in broken.items():
        if authority.fault(name):
            act()
            return
    h.reply(201 if authority.fault("token-201") else 200, authority.answer(grant, scopes, refresh), headers=NO_STORE)


def first_refresh(authority, client, grant):
    wanted = "refresh_token" in client["grant_types"] and not authority.fault("no-refresh")
    return authority.new_refresh(grant, grant.scopes) if wanted else None


def client_of(h, authority, form):
    """The client that sent this, having proved itself in the way it registered for. Raises Refused."""
    value = h.headers.get("authorization")
    ident, secret = form.get("client_id"), form.get("client_secret")
    way = "none" if secret is None else "client_secret_post"
    if value is not None:
        if way == "client_secret_post" or value[:6].lower() != "basic ":
            raise Refused("invalid_request", "one way of client authentication, please")
        try:
            ident, _, secret = base64.b64decode(value[6:], validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            raise Refused("invalid_client", "not base64", 401)
        ident, secret, way = unquote_plus(ident), unquote_plus(secret), "client_secret_basic"
    client = authority.client(ident)
    if client is None:
        raise Refused("invalid_client", "no such client", 401)
    registered = client["token_endpoint_auth_method"]
    if client.get("client_secret") != (secret if way != "none" else None) or way != (registered or way):
        h.server.log.count("client-authentication-failed")
        raise Refused("invalid_client", "the client registered for " + str(registered), 401)
    return client


def revoke(h, authority):
    form = h.form()
    h.server.log.count("revoke")
    if authority.fault("revocation-500"):
        h.page(500, "<h1>Server Error</h1>")
    elif not authority.fault("revocation"):
        h.reply(404, b"Not Found", "text/plain")
    else:
        authority.revoke(form.get("token"), client_of(h, authority, form)["client_id"])
        h.reply(200)


# ---- device code


def device_start(h, authority):
    if not authority.fault("device"):
        h.reply(404, b"Not Found", "text/plain")
        return
    form = h.form()
    client = client_of(h, authority, form)
    authority.check_resource(form.get("resource"))
    answer = h.server.sandbox.devices.start(client["client_id"], authority.check_scope(form.get("scope")), authority.own)
    h.reply(200, answer, headers=NO_STORE)


def device_page(h, authority):
    h.page(200, pages.device(authority.own + "/oauth/device", h.query.get("user_code", "")))


def device_decide(h, authority):
    form = h.form()
    if h.server.sandbox.devices.decide(form.get("user_code", ""), form.get("answer")):
        h.page(200, pages.message("Done", "You can close this page and go back to the terminal."))
    else:
        h.page(400, pages.message("No such code", "Look at the terminal again."))
