"""Signing in at authorization servers that differ from the service's: each case scripts what it needs of one."""

import hashlib
import html
import json
import os
import shutil
import signal
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import DEADLINE, INITIALIZE, free_port, readable

DOCUMENT = "https://client.example/mpmcp.json"

# Follows redirects to the callback and keeps the page.
BROWSER = """#!%s
import sys, urllib.request, urllib.error
try:
    page = urllib.request.urlopen(sys.argv[1], timeout=60).read()
except urllib.error.HTTPError as e:
    page = e.read()
open(__file__ + ".page", "wb").write(page)
""" % sys.executable


PLACE = "/.well-known/oauth-protected-resource/mcp"


def _authority(case, metadata=lambda _: {}, resource=PLACE, register=lambda asked: None, deny=None, challenge=lambda _: "Bearer",
               device=None, token=lambda: {}, before=lambda r: False):
    """An MCP server and its authorization server on one origin; metadata(origin) overrides fields of its document,
    resource is where the resource's stands (None: nowhere), register(request) may refuse with an error document, deny is
    the error of a person who says no; device and token() are members of the answers with codes and with tokens; before(request)
    may answer in the server's place."""
    def handler(r):
        path, _, query = r.path.partition("?")
        if before(r):
            return
        if path == resource:
            r.json({"resource": server.url, "authorization_servers": [server.origin], "scopes_supported": ["read"]})
        elif path == "/.well-known/oauth-authorization-server":
            r.json(dict({"issuer": server.origin, "authorization_endpoint": server.origin + "/authorize",
                         "token_endpoint": server.origin + "/token", "registration_endpoint": server.origin + "/register",
                         "code_challenge_methods_supported": ["S256"]}, **metadata(server.origin)))
        elif path == "/register":
            refused = register(r.rpc)
            r.json(refused or {"client_id": "registered"}, status=400 if refused else 201)
        elif path == "/authorize":
            q = dict(urllib.parse.parse_qsl(query))
            answer = dict({"error": deny} if deny else {"code": "c0de"}, state=q["state"])
            r.reply(302, headers={"Location": q["redirect_uri"] + "?" + urllib.parse.urlencode(answer)})
        elif path == "/token":
            r.json(dict({"access_token": "t0ken-of-the-case", "token_type": "Bearer", "expires_in": 3600}, **token()))
        elif path == "/device":
            r.json(dict({"device_code": "dev1ce", "user_code": "ABCD-EFGH", "verification_uri": server.origin + "/enter", "interval": 1},
                        **device))
        elif path != "/mcp":
            r.reply(404)
        elif r.headers.get("authorization") != "Bearer t0ken-of-the-case":
            r.reply(401, headers={"WWW-Authenticate": challenge(server.origin)})
        else:
            r.answer()
    server = case.server(handler)
    case.secrets.append("t0ken-of-the-case")
    return server


def _login(case, server, *args):
    p = case.start("login", server.url, *args, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
    p.end_input()
    return p.wait(), p


def _login_page(case, server, status):
    """The words of the page that the browser ends at."""
    pipe = os.path.join(case.folder, "browser.page")
    os.mkfifo(pipe)
    end = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        case.equal(_login(case, server)[0], status, "status")
        case.check(readable(end), "no page")
        return html.unescape(os.read(end, 65536).decode())
    finally:
        os.close(end)


def _client_ids(server):
    """The client_id of each authorize and token request."""
    asked = [r.path.partition("?")[2] for r in server.requests if r.path.startswith("/authorize")]
    asked += [r.body.decode() for r in server.requests if r.path == "/token"]
    return [urllib.parse.parse_qs(x)["client_id"][0] for x in asked]


def _asked(server):
    """The parameters of the last authorize request."""
    path = [r.path for r in server.requests if r.path.startswith("/authorize")][-1]
    return dict(urllib.parse.parse_qsl(path.partition("?")[2]))


def client_document_takes_the_place_of_a_registration(case):
    server = _authority(case, lambda _: {"client_id_metadata_document_supported": True})
    case.equal(_login(case, server, str(free_port()), "--client-metadata-url", DOCUMENT)[0], 0, "status")
    case.equal(_client_ids(server), [DOCUMENT, DOCUMENT], "clients")
    case.check(not [r for r in server.requests if r.path == "/register"], "a registration")


def client_document_is_not_used_where_it_is_not_offered(case):
    offered = {"client_id_metadata_document_supported": True}
    server = _authority(case, lambda _: offered)
    case.equal(_login(case, server, str(free_port()), "--client-metadata-url", DOCUMENT)[0], 0, "status")
    offered.clear()
    case.equal(_login(case, server, str(free_port()), "--client-metadata-url", DOCUMENT, "--force")[0], 0, "status after it was withdrawn")
    case.equal(_client_ids(server), [DOCUMENT, "registered", DOCUMENT, "registered"], "clients")


def _named(origin):
    return 'Bearer resource_metadata="%s/elsewhere", scope="read"' % origin


def sign_in_begins_with_what_the_challenge_names(case):
    """MCP authorization: a server may leave out the well-known places when its challenge names the document."""
    server = _authority(case, resource="/elsewhere", challenge=_named)
    status, p = _login(case, server)
    case.equal(status, 0, "status (%r)" % p.errors)
    case.equal(_asked(server)["scope"], "read", "scope")
    paths = [r.path for r in server.requests]
    case.check("/elsewhere" in paths and PLACE not in paths, "requests %r" % paths)
    case.check("authorization" not in server.requests[0].headers, "the first request has a credential")


def scope_of_the_challenge_is_asked_for_by_login_too(case):
    server = _authority(case, challenge=lambda _: 'Bearer scope="write"')
    case.equal(_login(case, server)[0], 0, "status")
    case.equal(_asked(server)["scope"], "write", "scope")
    case.equal(_login(case, server, "--force")[0], 0, "status of --force")
    case.equal(_asked(server)["scope"].split(), ["write", "read"], "scope of --force, which asks for all that is offered, too")


def import_looks_where_the_challenge_points(case):
    server = _authority(case, resource="/elsewhere", challenge=_named)
    folder = os.path.join(case.home, ".mcp-auth", "mcp-remote-v1")
    os.makedirs(folder)
    for kind, content in (("tokens", {"access_token": "t0ken-of-the-case", "token_type": "Bearer", "refresh_token": "r", "expires_in": 3600}),
                          ("client_info", {"client_id": "registered"})):
        path = os.path.join(folder, "%s_%s.json" % (hashlib.md5(server.url.encode()).hexdigest(), kind))
        case.theirs.add(path)
        with open(path, "w") as f:
            json.dump(content, f)
    p = case.start("login", server.url, "--import", token=None)
    case.equal(p.wait(), 0, "status (%r)" % p.errors)
    case.check("/elsewhere" in [r.path for r in server.requests], "requests %r" % server.requests)


def _old_sign_in(case, server, **more):
    """One of mcp-remote's that does not say which server issued it."""
    folder = os.path.join(case.home, ".mcp-auth", "mcp-remote-v1")
    os.makedirs(folder)
    for kind, content in (("tokens", {"access_token": "t0ken-of-the-case", "token_type": "Bearer", "refresh_token": "refresh-of-old",
                                      "expires_at": 4102444800000, **more}),
                          ("client_info", {"client_id": "registered", "client_secret": "s3cret-of-old"})):
        path = os.path.join(folder, "%s_%s.json" % (hashlib.md5(server.url.encode()).hexdigest(), kind))
        case.theirs.add(path)
        with open(path, "w") as f:
            json.dump(content, f)


def _elsewhere(origin):
    return {"token_endpoint": origin.replace("127.0.0.1", "localhost") + "/token"}


def _kept(case):
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    names = [n for n in os.listdir(folder) if n.endswith(".json")]
    return open(os.path.join(folder, names[0])).read()


def import_without_an_issuer_sends_no_refresh_token_to_another_site(case):
    """Whoever has taken the endpoint over could name a server of theirs."""
    server = _authority(case, metadata=_elsewhere)
    _old_sign_in(case, server)
    p = case.start("login", server.url, "--import", token=None)
    p.end_input()
    case.equal(p.wait(), 0, "status (%r)" % p.errors)
    case.check(b"access token alone" in p.errors and b"localhost" in p.errors, "words %r" % p.errors)
    case.check("refresh-of-old" not in _kept(case) and "s3cret-of-old" not in _kept(case), "what is kept")
    case.check("t0ken-of-the-case" in _kept(case), "the access token is not kept")


def import_without_an_issuer_of_an_ended_access_token_is_refused(case):
    server = _authority(case, metadata=_elsewhere)
    _old_sign_in(case, server, expires_at=1000)
    p = case.start("login", server.url, "--import", token=None)
    p.end_input()
    case.equal(p.wait(), 4, "status (%r)" % p.errors)
    case.check(b"has expired" in p.errors and b"mpmcp login" in p.errors, "words %r" % p.errors)
    case.check(not [r for r in server.requests if r.path == "/token"], "the refresh token was sent")


def a_person_may_confirm_where_an_imported_refresh_token_goes(case):
    for answer, sent in ((b"y\n", True), (b"\n", False)):
        server = _authority(case, metadata=_elsewhere)
        _old_sign_in(case, server)
        ours, theirs = os.openpty()
        p = case.start("login", server.url, "--import", token=None, stdin=theirs, stderr=theirs)
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            readable(ours)
            said += os.read(ours, 4096)
        case.check(b"localhost" in said, "words %r" % said)
        os.write(ours, answer)
        case.equal(p.wait(), 0, "status after %r" % said)
        case.equal("refresh-of-old" in _kept(case), sent, "refresh token kept after %r" % answer)
        os.close(ours)
        shutil.rmtree(os.path.join(case.home, ".mcp-auth"))


def client_credentials_find_what_the_challenge_names(case):
    """A sign-in server for machines alone: without a page, and so without PKCE."""
    def handler(r):
        if r.path == "/elsewhere":
            r.json({"resource": server.url, "authorization_servers": [server.origin + "/as"]})
        elif r.path == "/.well-known/oauth-authorization-server/as":
            r.json({"issuer": server.origin + "/as", "token_endpoint": server.origin + "/as/token"})
        elif r.path == "/as/token":
            r.json({"access_token": "t0ken-of-the-case", "token_type": "Bearer", "expires_in": 3600})
        elif r.path != "/mcp":
            r.reply(404)
        elif r.headers.get("authorization") != "Bearer t0ken-of-the-case":
            r.reply(401, headers={"WWW-Authenticate": _named(server.origin)})
        else:
            r.answer()
    server = case.server(handler)
    machine = ("--client-credentials", "--static-oauth-client-info", '{"client_id":"m","client_secret":"s3cret-of-the-case"}')
    p = case.start(server.url, *machine, token=None)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal(p.finish(), 0, "status")
    case.equal(len([r for r in server.requests if r.path == "/as/token"]), 1, "tokens")
    p = case.start("doctor", "--all", server.url, *machine, token=None)
    p.wait()
    text = b"".join(p.lines).decode()
    for line in ("ok    server metadata    " + server.origin, "skip  token              none until", "ok    initialize"):
        case.check(line in text, "%r is not in %s" % (line, text))
    case.equal(case.start("login", server.url, *machine, token=None).wait(), 0, "status of login")


def interruption_ends_login_before_the_server_answers(case):
    server = case.server(lambda r: r.wait_gone())
    p = case.start("login", "--no-browser", server.url, token=None)
    server.wait(lambda rs: rs, "a request")
    p.signal(signal.SIGINT)
    case.equal(p.wait(), -signal.SIGINT, "status")
    case.equal([r.path for r in server.requests], ["/mcp"], "requests")


def doctor_looks_where_the_challenge_points(case):
    server = _authority(case, resource="/elsewhere", challenge=_named)
    p = case.start("doctor", server.url, token=None)
    case.equal(p.wait(), 4, "status")
    text = b"".join(p.lines).decode()
    case.check("1 scope; sign-in server " + server.origin in text, text)
    case.check("no sign-in is saved" in text, text)
    for named, words in (("file:///etc/passwd", "FAIL  resource metadata  "), ("%s/not-there", "warn  resource metadata  ")):
        away = _authority(case, resource=None, challenge=lambda origin, named=named: 'Bearer resource_metadata="%s"' % named.replace("%s", origin))
        p = case.start("doctor", away.url, token=None)
        p.wait()
        text = b"".join(p.lines).decode()
        case.check(words in text, text)


def server_without_resource_metadata_may_name_an_issuer_of_its_own_origin(case):
    server = _authority(case, lambda origin: {"issuer": origin + "/oauth"}, resource=None)
    case.equal(_login(case, server)[0], 0, "status")


def server_without_resource_metadata_may_not_name_an_issuer_elsewhere(case):
    server = _authority(case, lambda _: {"issuer": "https://elsewhere.example"}, resource=None)
    status, p = _login(case, server)
    case.check(status != 0 and b"names another issuer" in p.errors, "words: %r" % p.errors)
    case.check(not [r for r in server.requests if r.path == "/register"], "a registration")


def issuer_with_the_slash_of_an_empty_path_is_the_same(case):
    server = _authority(case, lambda origin: {"issuer": origin + "/"})
    status, p = _login(case, server)
    case.equal(status, 0, "status (%r)" % p.errors)


def issuer_named_by_the_resource_is_compared_as_a_string(case):
    server = _authority(case, lambda origin: {"issuer": origin + "/x"})
    status, p = _login(case, server)
    words = "names another issuer (%s/x) than the one that was asked (%s)" % (server.origin, server.origin)
    case.check(status != 0 and words.encode() in p.errors, "words: %r" % p.errors)


def useless_optional_endpoints_do_not_forbid_a_sign_in_and_doctor_names_them(case):
    server = _authority(case, lambda _: {"revocation_endpoint": "", "device_authorization_endpoint": "/device",
                                         "userinfo_endpoint": "http://elsewhere.example/"})
    status, p = _login(case, server)
    case.equal(status, 0, "status (%r)" % p.errors)
    p = case.start("doctor", server.url, token=None)
    p.wait()
    text = " ".join(b"".join(p.lines).decode().split())
    case.check("revocation_endpoint, device_authorization_endpoint, userinfo_endpoint" in text, text)


def unusable_address_in_the_challenge_falls_back_to_the_well_known_places(case):
    for named in ("/relative", "%s/not-there", "", "http://elsewhere.example/x"):
        server = _authority(case, challenge=lambda origin, named=named: 'Bearer resource_metadata="%s"' % named.replace("%s", origin))
        status, p = _login(case, server)
        case.equal(status, 0, "status with %r (%r)" % (named, p.errors))
        case.check(PLACE in [r.path for r in server.requests], "the well-known place was not asked")


def server_that_does_not_announce_pkce_takes_a_deliberate_switch(case):
    server = _authority(case, lambda _: {"code_challenge_methods_supported": None})
    status, p = _login(case, server)
    case.check(status == 1 and b"--assume-pkce-s256" in p.errors, "%d, %r" % (status, p.errors))
    case.check(not [r for r in server.requests if r.path.startswith("/authorize")], "a page")
    status, p = _login(case, server, "--assume-pkce-s256")
    case.equal((status, _asked(server)["code_challenge_method"]), (0, "S256"), "status and method (%r)" % p.errors)
    for args, words in (((), "FAIL  server metadata"), (("--assume-pkce-s256",), "ok    server metadata")):
        p = case.start("doctor", server.url, *args, token=None)
        p.wait()
        text = b"".join(p.lines).decode()
        case.check(words in text, text)


def moment_of_failure_costs_no_sign_in(case):
    """Each request on the way to a token fails once, as servers do while they are rolled out."""
    def play(r, kind):
        if kind == "close":
            r.close()
        elif kind == "half":
            r.head(200, {"Content-Type": "application/json"}, 1000)
            r.raw('{"issuer":')
            r.close()
        else:
            r.reply(kind, "<h1>Bad Gateway</h1>", {"Retry-After": "1"} if kind == 429 else {})
    ways = [PLACE, "/.well-known/oauth-authorization-server", "/register", "/token"]
    for kind in ("close", "half", 429, 500, 502, 503):
        failing = set(ways)
        server = _authority(case, before=lambda r, kind=kind, failing=failing: r.path in failing and not failing.remove(r.path) and
                            not play(r, kind))
        p = case.start(server.url, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
        p.handshake()
        case.equal((failing, len([r for r in server.requests if r.path.startswith("/authorize")])), (set(), 1),
                   "what did not fail, and pages, with %s" % kind)


def registration_refused_once_is_tried_again_with_a_later_request(case):
    """Nobody has been asked yet: a server that answers 404 while it is rolled out is no verdict."""
    refusals = [404]
    server = _authority(case, before=lambda r: r.path == "/register" and refusals and not r.reply(refusals.pop()))
    p = case.start(server.url, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "HTTP 404")
    end, n = time.monotonic() + DEADLINE, 1
    while "error" in p.call(n, "tools/list"):
        case.check(time.monotonic() < end, "the refusal is repeated")
        n += 1


def server_that_wants_a_long_pause_is_not_waited_for(case):
    server = _authority(case, before=lambda r: r.path == "/register" and not r.reply(429, "", {"Retry-After": "60"}))
    status, p = _login(case, server)
    case.check(status == 7 and b"60 seconds" in p.errors, "%d, %r" % (status, p.errors))
    case.equal(len([r for r in server.requests if r.path == "/register"]), 1, "tries")


def registration_refused_for_its_scope_is_tried_without(case):
    """Some servers know the scopes of the resources behind them only at the authorize step."""
    def register(asked):
        return {"error": "invalid_client_metadata", "error_description": "unknown scope"} if "scope" in asked else None
    server = _authority(case, register=register)
    case.equal(_login(case, server)[0], 0, "status")
    case.equal(_asked(server).get("scope"), "read", "scope")
    case.equal(len([r for r in server.requests if r.path == "/register"]), 2, "registrations")


def registration_that_is_refused_anyway_is_tried_twice_at_most(case):
    def register(asked):
        return {"error": "invalid_client_metadata", "error_description": "with" if "scope" in asked else "without"}
    server = _authority(case, register=register)
    status, p = _login(case, server)
    case.check(status == 4 and b": without" in p.errors, "words: %r" % p.errors)
    case.equal(len([r for r in server.requests if r.path == "/register"]), 2, "registrations")


def pinned_scope_is_registered_or_refused(case):
    server = _authority(case, register=lambda asked: {"error": "invalid_client_metadata", "error_description": asked["scope"]})
    status, p = _login(case, server, "--static-oauth-client-metadata", '{"scope": "mine"}')
    case.check(status == 4 and b": mine" in p.errors, "words: %r" % p.errors)
    case.equal(len([r for r in server.requests if r.path == "/register"]), 1, "registrations")


def offline_access_asks_for_consent(case):
    """OpenID Connect Core section 11: without prompt=consent a server ignores the scope."""
    server = _authority(case, lambda _: {"scopes_supported": ["offline_access"]})
    case.equal(_login(case, server)[0], 0, "status")
    case.equal([_asked(server).get(k) for k in ("scope", "prompt")], ["read offline_access", "consent"], "asked")


def prompt_that_was_given_is_kept(case):
    server = _authority(case, lambda _: {"scopes_supported": ["offline_access"]})
    case.equal(_login(case, server, "--authorize-param", "prompt=login consent")[0], 0, "status")
    case.equal(_asked(server).get("prompt"), "login consent", "prompt")


def consent_is_not_asked_for_without_offline_access(case):
    server = _authority(case)
    case.equal(_login(case, server)[0], 0, "status")
    case.check("prompt" not in _asked(server), "a prompt")


def page_says_who_is_signed_in_and_what_to_do(case):
    page = _login_page(case, _authority(case), 0)
    case.check("<h1>You are signed in</h1><p>You can close this tab; your app continues on its own.</p>" in page, page)
    case.check("mpmcp may now use your account at 127.0.0.1." in page, page)


def page_of_a_refusal_says_how_to_try_again(case):
    page = _login_page(case, _authority(case, deny="access_denied"), 4)
    case.check("<h1>You declined. Nothing was stored.</h1>" in page and "the sign-in was refused: access_denied." in page, page)
    case.check("run this in a terminal:</p><pre>mpmcp login http://" in page, page)


def page_of_a_failure_says_how_to_try_again(case):
    page = _login_page(case, _authority(case, deny="server_error"), 4)
    case.check("<h1>Not signed in</h1>" in page and "<pre>mpmcp login http://" in page, page)


def second_of_several_servers_serves_when_the_first_is_gone(case):
    def handler(r):
        r.json({"resource": front.url, "authorization_servers": ["http://127.0.0.1:1", server.origin]})
    server = _authority(case)
    front = case.server(handler)
    p = case.start("login", front.url, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
    p.end_input()
    case.check(p.wait() == 0, "words %r" % p.errors)


def secret_of_a_client_goes_to_no_second_sign_in_server(case):
    """The service names another one when the token is refused."""
    other = _authority(case)
    named, tokens = [], set()

    def handler(r):
        path = r.path.partition("?")[0]
        if path == "/.well-known/oauth-protected-resource/mcp":
            r.json({"resource": server.url, "authorization_servers": [named[-1]]})
        elif path == "/.well-known/oauth-authorization-server":
            r.json({"issuer": server.origin, "authorization_endpoint": server.origin + "/authorize", "token_endpoint": server.origin + "/token",
                    "code_challenge_methods_supported": ["S256"]})
        elif path == "/token":
            tokens.add("t0ken-%d-of-the-first" % len(tokens))
            r.json({"access_token": "t0ken-%d-of-the-first" % (len(tokens) - 1), "token_type": "Bearer", "expires_in": 3600})
        elif (r.headers.get("authorization") or "").partition(" ")[2] in tokens:
            r.answer()
        else:
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})
    server = case.server(handler)
    named.append(server.origin)
    case.secrets.append("cl1ent-s3cret")
    p = case.start(server.url, "--client-credentials", "--static-oauth-client-info", '{"client_id":"me","client_secret":"cl1ent-s3cret"}', token=None)
    p.handshake()
    tokens.clear()
    case.check("result" in p.call(1), "a token that is refused is not replaced")
    tokens.clear()
    named.append(other.origin)
    case.is_error(p.call(2), -31401, "belongs to " + server.origin)
    case.check(not [r for r in other.requests if r.path == "/token"], "the secret was sent")


def _device_login(case, **device):
    server = _authority(case, lambda origin: {"device_authorization_endpoint": origin + "/device"}, device=device)
    status, p = _login(case, server, "--device-code")
    return status, p.errors.decode(), server


def address_for_a_device_code_is_one_that_a_person_may_open(case):
    for bad in ("javascript:alert(1)", "http://elsewhere.example/enter", "https://you@elsewhere.example/enter", "file:///etc/passwd"):
        status, said, server = _device_login(case, verification_uri=bad)
        case.check(status == 1 and "verification_uri" in said, "%s: %d, %s" % (bad, status, said))
        case.check(bad not in said, "%s is shown" % bad)
        case.check(not [r for r in server.requests if r.path == "/token"], "%s: the code is asked about" % bad)


def device_code_for_a_person_steers_no_terminal_and_can_be_typed(case):
    status, said, _ = _device_login(case, user_code="AB\x1b[31mCD")
    case.check(status == 0 and "type the code  AB?[31mCD" in said, "%d, %r" % (status, said))
    status, said, _ = _device_login(case, user_code="A" * 100)
    case.check(status == 1 and "lacks" in said, "%d, %r" % (status, said))


def answers_that_are_too_long_are_not_taken(case):
    much = "x" * (300 << 10)
    status, p = _login(case, _authority(case, register=lambda asked: {"error": much}))
    case.check(status != 0 and b"longer than 256 KiB" in p.errors, "registration: %r" % p.errors)
    status, p = _login(case, _authority(case, token=lambda: {"more": much}))
    case.check(status != 0 and b"longer than 256 KiB" in p.errors, "token: %r" % p.errors)


def callback_that_comes_twice_sends_the_code_once(case):
    """A page that is loaded again while the code is exchanged: whoever sends a code twice loses what it brought."""
    again = []

    def token():
        if not again:
            q = _asked(server)
            again.append(0)
            try:
                urllib.request.urlopen(q["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "c0de", "state": q["state"]}), timeout=DEADLINE)
            except urllib.error.HTTPError as e:
                again.append((e.code, b"belongs to an earlier sign-in attempt" in e.read()))
        return {}
    server = _authority(case, token=token)
    case.equal(_login(case, server)[0], 0, "status")
    case.equal(again, [0, (400, True)], "the second callback")
    case.equal(len([r for r in server.requests if r.path == "/token"]), 1, "exchanges")


def service_without_sign_ins_says_so(case):
    server = case.server(lambda r: r.reply(404))
    status, p = _login(case, server)
    case.check(status == 4 and b"may not use OAuth" in p.errors, "words %r" % p.errors)
