"""Servers, pages and neighbours on the machine that mean no good: signing in stops, or goes on undisturbed."""

import contextlib
import json
import os
import re
import signal
import socket
import urllib.error
import urllib.parse
import urllib.request

from harness import DEADLINE, INITIALIZE
from people import Person, address_in

FAILED, SIGN_IN, NETWORK, LIMITED = 1, 4, 5, 7


def _stops(case, fault, *texts, status=FAILED, pages=0):
    """A sign-in at a server with this fault ends with these words, and nothing is kept."""
    me = Person(case, "--fault", fault)
    p = me.login(status=status)
    for text in texts:
        case.check(text.encode() in p.errors, "%s: %r is not in %r" % (fault, text, p.errors[-400:]))
    case.equal((me.count("authorize"), me.kept()), (pages, []), "pages and files after " + fault)
    return me, p


def _give_up(case, login):
    """It still waits for the person, until it is interrupted."""
    login.signal(signal.SIGINT)
    case.equal(login.wait(), -signal.SIGINT, "status")


# ---- what servers publish


def metadata_of_somebody_else_is_not_used(case):
    _stops(case, "issuer-mismatch", "another issuer")
    me, _ = _stops(case, "resource-mismatch", "another server")
    case.equal(me.count("server-metadata"), 0, "questions to a sign-in server")


def endpoints_that_are_not_https_are_refused(case):
    _stops(case, "http-endpoints", "token_endpoint", "not https")
    _stops(case, "http-authorize", "authorization_endpoint", "not https")
    _stops(case, "http-registration", "registration_endpoint", "not https")


def addresses_that_are_no_web_pages_reach_no_browser(case):
    for fault in ("javascript-endpoint", "file-endpoint", "dash-endpoint", "newline-endpoint"):
        me, _ = _stops(case, fault, "authorization_endpoint")
        case.equal(me.opened(), [], "browsers")


def shell_characters_in_an_address_reach_no_shell(case):
    me = Person(case, "--fault", "shell-endpoint")
    p = me.login(status=None)
    me.wait_opened()
    case.check(not os.path.exists("/tmp/owned"), "a shell ran")
    address = me.opened()[0]
    case.check("%24%28touch%24%7BIFS%7D" in address and not set(address) & set("$()';`"), "the address was not escaped: " + address)
    _give_up(case, p)


def documents_that_are_too_large_or_too_deep_are_refused(case):
    _stops(case, "huge-metadata", "longer than")
    _stops(case, "huge-resource", "longer than")
    _stops(case, "deep-metadata", "JSON")
    _stops(case, "html-metadata", "JSON")


def server_without_pkce_is_refused(case):
    _stops(case, "no-s256", "PKCE")
    _stops(case, "no-pkce", "PKCE")


def metadata_that_cannot_be_had_is_told(case):
    _stops(case, "metadata-500", "HTTP 500", "Try again later")


def metadata_is_found_at_all_its_places(case):
    for switches in (["--fault", "root-metadata"], ["--fault", "oidc-metadata"], ["--bare-401"], ["--fault", "no-resource-metadata"],
                     ["--challenge", "many"], ["--fault", "deep-resource"]):
        me = Person(case, *switches)
        me.login()
        os.unlink(me.path())


# ---- registration


def refused_registrations_are_named(case):
    _stops(case, "register-429", "120 seconds", status=LIMITED)
    _stops(case, "register-400", "not welcome", status=SIGN_IN)
    _stops(case, "register-422", "HTTP 422", status=SIGN_IN)
    _stops(case, "register-html", "JSON")
    _stops(case, "no-registration", "--static-oauth-client-info", status=SIGN_IN)


# ---- the callback


def issuer_of_the_callback_is_checked(case):
    _stops(case, "iss-wrong", "another issuer", status=SIGN_IN, pages=1)
    me, _ = _stops(case, "iss-missing", "another issuer", status=SIGN_IN, pages=1)
    case.equal(me.count("token:authorization_code"), 0, "codes that were sent")
    for fault in ("iss", "iss-stray"):
        me = Person(case, "--fault", fault)
        me.login()
        os.unlink(me.path())


def callbacks_without_our_state_change_nothing(case):
    for fault in ("state-wrong", "state-missing", "state-twice", "error-no-state"):
        me = Person(case, "--fault", fault)
        p = me.login(status=None)
        me.wait_page("belongs to an earlier sign-in attempt")
        _give_up(case, p)
        case.equal((me.count("token:authorization_code"), me.kept()), (0, []), "codes that were sent, and files")


def script_in_the_words_of_a_refusal_is_shown_as_text(case):
    me = Person(case, "--fault", "deny")
    p = me.login(status=SIGN_IN)
    me.wait_page("&lt;b&gt;No")
    case.check("<b>" not in me.page() and "<script" not in me.page(), "page")
    case.check("<h1>You declined. Nothing was stored.</h1>" in me.page(), "title of a page that was declined")
    case.check(b"\x1b" not in p.errors, "an escape sequence on the terminal")


class _Callback:
    """A login that waits, and what one needs to disturb it."""

    def __init__(self, case, *args):
        self.case = case
        self.me = Person(case, browser=False)
        self.login = self.me.login("--no-browser", *args, status=None)
        self.login.wait_error_text("state=")
        self.login.wait_error_text("\n\n")
        self.address = address_in(self.login.errors)
        q = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.address).query))
        self.state, self.redirect = q["state"], urllib.parse.urlsplit(q["redirect_uri"])
        self.port = self.redirect.port

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port))
        s.settimeout(DEADLINE)
        return s

    def ask(self, line, host=None):
        """The first line of the answer to a request; b"" when the connection is just closed."""
        with self.connect() as s:
            s.sendall(line.encode() + b" HTTP/1.1\r\nHost: " + (host or "localhost:%d" % self.port).encode() + b"\r\n\r\n")
            try:
                return s.recv(65536).partition(b"\r\n")[0]
            except ConnectionResetError:
                return b""

    def complete(self):
        """The person's browser comes after all."""
        page = urllib.request.urlopen(self.address, timeout=DEADLINE).read()
        self.case.check(b"You are signed in" in page, "page")
        self.case.equal(self.login.wait(), 0, "status")


def strangers_at_the_callback_change_nothing(case):
    c = _Callback(case)
    path = c.redirect.path
    for line, want in (("GET /favicon.ico", "404"), ("POST " + path, "405"), ("PUT " + path, "405"), ("HEAD " + path, "405"),
                       ("GET %s?code=x" % path, "400"), ("GET %s?code=x&state=wrong" % path, "400"),
                       ("GET %s?code=x&state=%s&state=%s" % (path, c.state, c.state), "400"),
                       ("GET %s?error=access_denied&error_description=%%3Cscript%%3E" % path, "400"),
                       ("GET %s/?code=x&state=%s" % (path, c.state), "404")):
        case.check(b" " + want.encode() + b" " in c.ask(line), line)
    for host in ("evil.example", "evil.example:%d" % c.port, "localhost:1", "localhost.evil.example:%d" % c.port):
        case.check(b" 403 " in c.ask("GET %s?code=x&state=%s" % (path, c.state), host), "host " + host)
    c.complete()


def port_scanner_and_garbage_change_nothing(case):
    c = _Callback(case)
    for garbage in (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\0" * 100, b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"A" * 20000,
                    b"GET / HTTP/2.0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"):
        with c.connect() as s:
            try:
                s.sendall(garbage)
                s.shutdown(socket.SHUT_WR)
                s.recv(100)
            except OSError:
                pass  # hung up on
    for _ in range(50):
        c.connect().close()
    c.complete()


def slow_and_silent_connections_do_not_keep_the_browser_out(case):
    c = _Callback(case)
    silent = [c.connect() for _ in range(100)]
    slow = [c.connect() for _ in range(20)]
    for s in slow:
        try:
            s.sendall(b"GET /oauth/call")
        except OSError:
            pass
    c.complete()
    for s in silent + slow:
        s.close()


def callback_listens_on_this_machine_alone(case):
    c = _Callback(case)
    bound = set()
    for table, width in (("/proc/net/tcp", 8), ("/proc/net/tcp6", 32)):
        with open(table) as f:
            for row in list(f)[1:]:
                address, _, port = row.split()[1].partition(":")
                if int(port, 16) == c.port and row.split()[3] == "0A":
                    bound.add(address)
    case.check(bound and bound <= {"0100007F", "00000000000000000000000001000000"}, "bound to %r" % bound)
    c.complete()


def code_that_is_not_ours_is_worth_nothing(case):
    """Somebody who sees our address may send us the code of another account: it does not fit our verifier."""
    c = _Callback(case)
    me = c.me
    client = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(c.address).query))
    stolen = dict(client, code_challenge="A" * 43, state="x")
    from people import redirect_of
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(redirect_of(
        c.address.partition("?")[0] + "?" + urllib.parse.urlencode(stolen))).query)["code"][0]
    case.check(b" 400 " in c.ask("GET %s?%s" % (c.redirect.path, urllib.parse.urlencode({"code": code, "state": c.state}))), "page")
    case.equal((c.login.wait(), me.count("pkce-failed"), me.kept()), (SIGN_IN, 1, []), "status, failed proofs, files")


# ---- what the token endpoint says


def bad_token_answers_are_refused(case):
    # What is no JSON object is asked again, as no word of the token endpoint; the code was used up by then.
    for fault, text in (("token-html", "failed (HTTP 200)"), ("token-empty", "failed (HTTP 200)"), ("token-deep", "JSON"), ("token-missing", "access_token"),
                        ("token-newline", "access_token"), ("token-type", "Bearer"), ("token-500", "HTTP 500")):
        _stops(case, fault, text, pages=1)


def small_letters_in_the_token_type_are_fine(case):
    me = Person(case, "--fault", "token-type-lower")
    me.login()
    p = me.signed_in_bridge()
    case.check("result" in p.call(1, "tools/list"), "no result")


# ---- endpoints elsewhere, and this machine


ELSEWHERE = "http://mcp.example:8080/mcp"


def _elsewhere(case, address):
    """A way to ELSEWHERE, whose challenge names this address."""
    def handler(r):
        r.reply(401, headers={"WWW-Authenticate": 'Bearer resource_metadata="%s/secrets"' % address})
    return case.server(handler).origin


def service_elsewhere_cannot_send_us_into_this_machine(case):
    """Only an endpoint that is on this machine itself may name addresses of it."""
    def handler(r):
        hits.append(r.path)
        r.reply(404)
    hits = []
    port = case.server(handler).port
    me = Person(case)
    for host in ("127.0.0.1", "localhost", "a.localhost", "localhost.", "ip6-localhost", "localhost.localdomain", "0.0.0.0", "0", "127.1",
                 "0x7f000001", "2130706433", "0177.0.0.1", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"):
        p = case.start(ELSEWHERE, "--allow-http", token=None,
                       env=dict(me.env, http_proxy=_elsewhere(case, "http://%s:%d" % (host, port)), no_proxy=host))
        p.send(INITIALIZE)
        answer = p.answer(0)
        case.check("points into this machine" in answer["error"]["message"], "%s: answer %r" % (host, answer))
        p.finish()
    case.equal(hits, [], "requests to this machine")
    case.equal(me.opened(), [], "pages")


def service_elsewhere_cannot_send_us_to_the_credentials_of_a_cloud(case):
    me = Person(case)
    for host in ("169.254.169.254", "0xa9fea9fe", "[::ffff:169.254.169.254]", "[fe80::1]"):
        p = case.start(ELSEWHERE, "--allow-http", token=None, env=dict(me.env, http_proxy=_elsewhere(case, "http://" + host), no_proxy=host))
        p.send(INITIALIZE)
        answer = p.answer(0)
        case.check("link-local" in answer["error"]["message"], "%s: answer %r" % (host, answer))
        p.finish()


def _name_of_loopback():
    """A name that stands for this machine without looking like it: most machines have one in their hosts file."""
    with open("/etc/hosts", encoding="utf-8", errors="replace") as hosts:
        lines = [line.split("#")[0].split() for line in hosts]
    for name in [socket.gethostname()] + [n for line in lines for n in line[1:]]:
        if "localhost" in name or name == "ip6-loopback" or not re.fullmatch("[A-Za-z0-9.-]+", name):
            continue
        with contextlib.suppress(OSError):
            if {a[4][0] for a in socket.getaddrinfo(name, 80)} == {"127.0.0.1"}:
                return name
    return None


def name_of_somebody_else_that_stands_for_this_machine_leads_nowhere(case):
    """Neither a request of ours nor the browser."""
    name = _name_of_loopback()
    if not name:
        return  # tests/unit/test_http.c shows it with addresses

    def handler(r):
        hits.append(r.path)
        r.reply(404)

    def elsewhere(r):
        own = "http://mcp.example:8080"
        if r.path.endswith("oauth-authorization-server"):
            r.json({"issuer": own, "authorization_endpoint": victim + "/authorize", "token_endpoint": own + "/token",
                    "registration_endpoint": own + "/register", "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"]})
        elif r.path.endswith("/register"):
            r.json({"client_id": "c", **json.loads(r.body)}, 201)
        else:
            r.reply(401 if r.method == "POST" else 404, headers={"WWW-Authenticate": "Bearer"})
    hits = []
    victim = "http://%s:%d" % (name, case.server(handler).port)
    me = Person(case)
    for proxy in (_elsewhere(case, victim), case.server(elsewhere).origin):
        p = case.start(ELSEWHERE, "--allow-http", token=None, env=dict(me.env, http_proxy=proxy, no_proxy=name))
        p.send(INITIALIZE)
        answer = p.answer(0)
        case.check("points into this machine" in answer["error"]["message"], "answer %r" % answer)
        p.finish()
    case.equal(hits, [], "requests to this machine")
    case.equal(me.opened(), [], "pages")


def redirects_of_metadata_into_this_machine_are_not_followed(case):
    def handler(r):
        hits.append(r.path)
        r.json({"resource": "http://mcp.example:8080/mcp", "authorization_servers": []})
    hits = []
    victim = case.server(handler)

    def elsewhere(r):
        if r.method == "POST":
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})
        else:
            r.reply(302, headers={"Location": victim.origin + "/x"})
    me = Person(case)
    p = case.start("http://mcp.example:8080/mcp", "--allow-http", token=None,
                   env=dict(me.env, http_proxy=case.server(elsewhere).origin))
    p.send(INITIALIZE)
    case.check("error" in p.answer(0), "an answer")
    case.equal((hits, me.opened()), ([], []), "requests and pages")


WELL_KNOWN = "/.well-known/oauth-protected-resource"


def address_of_another_scheme_in_a_challenge_is_not_fetched(case):
    for bad in ("file:///etc/passwd", "http://elsewhere.example/x", "https://user:password@elsewhere.example/x", "gopher://127.0.0.1/"):
        server = case.server(lambda r, bad=bad: r.reply(401, headers={"WWW-Authenticate": 'Bearer resource_metadata="%s"' % bad}))
        p = case.start(server.url, token=None, env={"BROWSER": "/nonexistent"})
        p.send(INITIALIZE)
        case.check("resource metadata" in p.answer(0)["error"]["message"], "answer %r" % p.lines)
        case.equal([r.path.replace("/mcp", "") for r in server.requests], ["", WELL_KNOWN, WELL_KNOWN], "requests")


def secrets_in_the_words_of_servers_are_hidden(case):
    """A server that repeats what it was sent does not bring it into messages."""
    me = Person(case)
    me.login()
    record = me.record()

    def handler(r):
        r.json({"error": "invalid_request", "error_description": "no such token: " + urllib.parse.unquote(r.body.decode())}, status=400)
    me.change(token_endpoint=case.server(handler).origin + "/token")
    me.expire()
    p = me.bridge("--debug", "--log-file", os.path.join(case.folder, "log"), env={})
    case.logs.append(os.path.join(case.folder, "log"))
    p.send(INITIALIZE)
    text = json.dumps(p.answer(0))
    case.check(record["refresh_token"] not in text and "[hidden]" in text, "answer " + text)
