"""mpmcp login: its words, its options, pasting, device codes, and where nobody is there."""

import contextlib
import json
import os
import re
import signal
import sys
import urllib.parse
import urllib.request

from harness import DEADLINE, INITIALIZE, Failed, free_port, readable, terminal
from people import FOLLOW, Person, address_in, redirect_of

SIGN_IN, USAGE = 4, 2


def login_again_is_a_success_in_a_sentence(case):
    me = Person(case)
    me.login()
    p = me.login()
    case.check(len(p.lines) <= 2 and b"Already signed in" in p.lines[0], "words %r" % p.lines)
    case.equal((me.count("authorize"), len(me.opened())), (1, 1), "sign-ins")
    p = me.login("--json")
    told = json.loads(p.lines[0])
    case.equal((told["outcome"], told["refreshable"], told["file"]), ("already_signed_in", True, me.path()), "outcome")


def login_again_needs_no_network(case):
    me = Person(case)
    me.login()
    me.box["process"].kill()
    me.box["process"].wait()
    p = me.login()
    case.check(b"Already signed in" in p.lines[0], "words %r" % p.lines)


def login_says_scopes_dates_and_where_it_is_kept(case):
    me = Person(case)
    p = me.login("--profile", "work")
    text = b"".join(p.lines).decode()
    for words in ("Signed in to %s; 2 projects visible." % me.url.split("/")[2], "URL      " + me.url, "profile  work", "scopes   projects analysis",
                  "token    good for", "refreshed automatically", "file     " + me.path(), 'Next: "mpmcp setup" lists your clients',
                  "--profile work"):
        case.check(words in text, "%r is not in %s" % (words, text))


def json_login_is_for_scripts(case):
    me = Person(case)
    p = me.login("--json")
    rows = [json.loads(x) for x in p.lines]
    case.equal(len(rows), 2, "rows")
    case.check("/authorize?" in rows[0]["authorize_url"], "first row %r" % rows[0])
    case.equal((rows[1]["outcome"], rows[1]["url"], len(rows[1]["scope"].split())), ("signed_in", me.url, 18), "outcome")
    case.equal(p.errors, b"", "standard error")
    me.set(fault="deny")
    p = me.login("--json", "--force", status=SIGN_IN)
    case.equal(json.loads(p.lines[-1])["outcome"], "failed", "outcome")
    case.check("access_denied" in json.loads(p.lines[-1])["message"], "message")


def old_sign_in_stays_until_the_new_one_is_there(case):
    me = Person(case)
    me.login()
    before = me.record()
    me.set(fault="deny")
    me.login("--force", status=SIGN_IN)
    case.equal(me.record(), before, "what is kept")
    case.check("result" in me.signed_in_bridge().call(1, "tools/list"), "the old one does not serve")


def login_can_be_interrupted(case):
    for number in (signal.SIGINT, signal.SIGTERM):
        me = Person(case, browser=False)
        p = me.login("--no-browser", status=None)
        p.wait_error_text("state=")
        p.signal(number)
        case.equal(p.wait(), -number, "status: the signal itself, so that loops of a shell stop")
        case.equal(me.kept(), [], "files")


def whoever_interrupts_at_a_page_that_knows_no_client_hears_of_force(case):
    """Servers that forgot a registration tell the person alone; without --force the next login meets the same page."""
    me = Person(case)
    me.login()
    me.change(access_token=None, refresh_token=None)
    me.ask("forget-clients")
    p = me.login("--no-browser", status=None)
    p.wait_error_text("state=")
    p.signal(signal.SIGINT)
    case.equal(p.wait(), -signal.SIGINT, "status")
    case.check(b'If the page did not recognise this program, run "mpmcp login --force %s"' % me.url.encode() in p.errors, "words %r" % p.errors)
    me.login("--force")
    case.check("result" in me.signed_in_bridge().call(1, "tools/list"), "no result after --force")


def login_that_nobody_completes_ends_at_its_deadline(case):
    me = Person(case, browser=False)
    p = me.login("--no-browser", "--timeout", "1", status=SIGN_IN)
    case.check(b"within 1 second\n" in p.errors, "words %r" % p.errors)


def login_that_reaches_nobody_says_what_to_look_at(case):
    for url in ("http://127.0.0.1:1/mcp", "https://no.such.host.invalid/mcp"):
        p = case.start("login", url, "--no-browser", token=None)
        case.equal(p.finish(), 5, "status")
        case.check(b"cannot reach" in p.errors and b'"mpmcp doctor"' in p.errors, "words %r" % p.errors)


# ---- where nobody is there


def login_in_ci_without_a_terminal_fails_at_once(case):
    me = Person(case)
    p = me.login(status=SIGN_IN, env={"CI": "true", **me.env})
    case.check(b"MIXPANEL_SA_TOKEN" in p.errors and b"--no-browser" in p.errors, "words %r" % p.errors)
    p = me.login("--json", status=SIGN_IN, env={"CI": "true", **me.env})
    case.equal((len(p.lines), json.loads(p.lines[0])["outcome"]), (1, "failed"), "rows of --json")
    parent, child = terminal()
    me.login(status=SIGN_IN, env={"CI": "true", **me.env}, stdin=child)
    os.close(child)
    os.close(parent)
    case.equal((me.count("register"), me.opened()), (0, []), "registrations and browsers")


def login_with_neither_terminal_nor_display_fails_at_once(case):
    me = Person(case, browser=False)
    for args in ((), ("--json",)):
        p = me.login(*args, status=SIGN_IN, env={"SSH_CONNECTION": "1 2 3 4"})
        said = p.errors if not args else p.lines[-1]
        case.check(b"neither a terminal nor a display" in said and b"--no-browser" in said, "words %r" % said)
    case.equal(me.count("register"), 0, "registrations")


def login_in_ci_goes_on_for_those_who_ask_for_the_address(case):
    me = Person(case)
    for args in (("--no-browser",), ("--no-browser", "--json")):
        p = me.login("--force", *args, status=None, env={"CI": "true", **me.env})
        text = p.wait_line(lambda line: b"authorize_url" in line, "the address") if "--json" in args else None
        if text is None:
            p.wait_error_text("\n\n    http")
            p.wait_error_text("\n\n")
        address = json.loads(text)["authorize_url"] if text else address_in(p.errors)
        urllib.request.urlopen(address, timeout=DEADLINE).read()
        case.equal(p.wait(), 0, "status")
    case.equal(me.opened(), [], "browsers")


def login_without_a_display_shows_the_address_and_waits(case):
    me = Person(case, browser=False)
    parent, child = terminal()
    p = me.login(status=None, env={"SSH_CONNECTION": "1 2 3 4"}, stdin=child)
    os.close(child)
    p.wait_error_text("Open this address in a browser to sign in")
    p.wait_error_text("> ")
    urllib.request.urlopen(address_in(p.errors), timeout=DEADLINE).read()
    case.equal(p.wait(), 0, "status")
    os.close(parent)


# ---- pasting


def _terminal_login(case, me, *args):
    parent, child = terminal()
    p = me.login("--no-browser", "--force", *args, status=None, stdin=child)
    os.close(child)
    p.wait_error_text("the code in it:")
    return p, parent


def pasted_address_or_code_completes_the_sign_in(case):
    me = Person(case, browser=False)
    for what in ("address", "code"):
        p, terminal = _terminal_login(case, me)
        target = redirect_of(address_in(p.errors))
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["code"][0]
        os.write(terminal, ((target if what == "address" else code) + "\n").encode())
        case.equal(p.wait(), 0, "status")
        os.close(terminal)


def address_is_taken_however_it_was_copied(case):
    """From a mail, a terminal that wraps, a page's source, and from services whose codes are long."""
    ways = {
        "broken over lines": lambda text: "\r\n".join(text[i:i + 40] for i in range(0, len(text), 40)),
        "indented": lambda text: "\n    ".join(text[i:i + 60] for i in range(0, len(text), 60)),
        "escaped": lambda text: text.replace("&", "&amp;"),
        "bracketed": lambda text: "\x1b[200~%s\x1b[201~" % text,
        "bracketed, over lines": lambda text: "\x1b[200~%s\n%s\x1b[201~" % (text[:50], text[50:]),
        "in angles": lambda text: "<%s>" % text,
        "long": lambda text: text.ljust(6000, "x"),
        "corrected": lambda text: "wrong\x15" + text + "yy\x7f\x7f",
    }
    me = Person(case, browser=False)
    for name, way in ways.items():
        p, terminal = _terminal_login(case, me)
        # What comes last may grow without harm.
        target = redirect_of(address_in(p.errors)) + "&more="
        os.write(terminal, (way(target) + "\n").encode())
        case.equal(p.wait(), 0, "status of " + name)
        os.close(terminal)


def address_may_be_pasted_in_two_pieces(case):
    me = Person(case, browser=False)
    p, terminal = _terminal_login(case, me)
    target = redirect_of(address_in(p.errors))
    at = target.index("code=") + 12
    os.write(terminal, (target[:at] + "\n").encode())
    p.wait_error_text("mpmcp: ")
    os.write(terminal, (target[at:] + "\n").encode())
    case.equal(p.wait(), 0, "status")
    os.close(terminal)


def what_is_no_code_asks_again(case):
    me = Person(case, browser=False)
    p, terminal = _terminal_login(case, me)
    target = redirect_of(address_in(p.errors))
    for n, wrong in enumerate(("yes", "abcdefghijklmnop")):
        os.write(terminal, (wrong + "\n").encode())
        p.wait_error_text("no such code", n + 1)
    os.write(terminal, (target + "\n").encode())
    case.equal(p.wait(), 0, "status")
    os.close(terminal)
    case.equal(me.count("token:authorization_code"), 3, "codes that were sent")


def wrong_paste_is_named_and_the_right_one_still_counts(case):
    me = Person(case, browser=False)
    p, terminal = _terminal_login(case, me)
    target = redirect_of(address_in(p.errors))
    for wrong, text in (("http://localhost:1/oauth/callback", "has no sign-in response"), ("what is this", "neither an address nor a code"),
                        (target.replace("state=", "state=x"), "another sign-in")):
        os.write(terminal, (wrong + "\n").encode())
        p.wait_error_text(text)
    os.write(terminal, b"\n" + target.encode() + b"\n")
    case.equal(p.wait(), 0, "status")
    os.close(terminal)


def end_of_a_terminal_is_no_end_of_the_sign_in(case):
    me = Person(case, browser=False)
    p, terminal = _terminal_login(case, me)
    os.write(terminal, b"\x04")
    urllib.request.urlopen(address_in(p.errors), timeout=DEADLINE).read()
    case.equal(p.wait(), 0, "status")
    os.close(terminal)


# ---- the proof


def _service(case, me, answer):
    """A service in front of the sandbox's sign-in, which answers POSTs as told."""
    def handler(r):
        if r.path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": server.url, "authorization_servers": [me.url]})
        elif r.method == "POST":
            answer(r)
        else:
            r.reply(404)
    server = case.server(handler)
    return server


def _login_at(case, me, server, *args):
    p = case.start("login", server.url, "--disable-resource-parameter", *args, token=None, env=me.env)
    p.end_input()
    return p.wait(), p


def _with_credential(server):
    return [r for r in server.of(method="POST") if "authorization" in r.headers]


def _proofs(server):
    """Requests with a credential, without those that ask for the projects: of them initialize is the second."""
    posts = _with_credential(server)
    mine = [n for n, r in enumerate(posts) if r.rpc_method == "initialize" and b"2025-11-25" in r.body]
    return posts[:mine[0]] if mine else posts


def token_is_proven_by_one_request(case):
    me = Person(case)
    server = _service(case, me, lambda r: r.answer())
    status, p = _login_at(case, me, server, "--header", "X-Gate: open")
    case.equal(status, 0, "status (%r)" % p.errors)
    posts = _proofs(server)
    case.equal([(r.rpc_method, r.headers["x-gate"]) for r in posts], [("initialize", "open")], "requests")
    case.check(posts[0].headers["authorization"].startswith("Bearer access-"), "credential")


def server_of_the_new_era_proves_it_too(case):
    me = Person(case, "--era", "modern")
    me.login()
    me = Person(case)
    server = _service(case, me, lambda r: r.json({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "no"}}, status=404))
    status, p = _login_at(case, me, server)
    case.equal((status, b"check the URL" in p.errors), (0, False), "status and doubts")


def proof_that_fails_says_so_and_the_sign_in_is_kept(case):
    for code, want, words in ((401, SIGN_IN, "refuses the credential"), (403, 6, "refuses this (HTTP 403): because. Check that this account"), (429, 7, "too many requests"),
                              (500, 1, "the server failed (HTTP 500): because. Try again.")):
        me = Person(case)
        server = _service(case, me, lambda r, code=code: r.reply(code, "because", {"Content-Type": "text/plain"}))
        status, p = _login_at(case, me, server)
        case.equal(status, want, "status after %d (%r)" % (code, p.errors))
        case.check(words.encode() in p.errors, "words %r" % p.errors)
        case.equal((len(me.kept()), me.count("authorize")), (1, 1), "files and pages")
        os.unlink(me.path())


def address_where_nothing_answers_is_doubted(case):
    me = Person(case)
    server = _service(case, me, lambda r: r.reply(404, "nothing here"))
    status, p = _login_at(case, me, server)
    case.check(status == 0 and b"check the URL" in p.errors, "words %r" % p.errors)


def proof_follows_redirects_inside_the_origin_only(case):
    me = Person(case)

    def answer(r):
        if r.path == "/mcp":
            r.reply(307, headers={"Location": "/mcp/"})
        else:
            r.answer()
    server = _service(case, me, answer)
    case.equal(_login_at(case, me, server)[0], 0, "status")
    case.equal([r.path for r in _proofs(server)], ["/mcp", "/mcp/"], "requests")
    other = case.server()
    away = _service(case, me, lambda r: r.reply(307, headers={"Location": other.url}))
    status, p = _login_at(case, me, away)
    case.check(status == 1 and b"no credential is sent" in p.errors and not other.requests, "words %r" % p.errors)


# ---- options


def redirect_uri_is_made_of_the_options(case):
    me = Person(case)
    port = free_port()
    me.login(str(port), "--host", "127.0.0.1", "--callback-path", "/my/path")
    case.equal(me.query()["redirect_uri"], "http://127.0.0.1:%d/my/path" % port, "redirect URI")


def success_page_of_the_person_is_shown(case):
    pages = case.server(lambda r: r.reply(200, "my own page", {"Content-Type": "text/html"}))
    me = Person(case)
    me.login("--auth-success-url", pages.origin + "/done")
    me.wait_page("my own page")
    case.equal((me.page(), pages.requests[0].path), ("my own page", "/done"), "page")
    case.check("referer" not in pages.requests[0].headers, "a referrer was sent")
    me.set(fault="token-500")
    me.login("--force", "--auth-success-url", pages.origin + "/done", status=1)
    me.wait_page("Not signed in")
    case.equal(len(pages.requests), 1, "requests for the page after a failure")


def resource_is_the_one_that_was_given_or_none(case):
    me = Person(case)
    me.login("--disable-resource-parameter")
    case.check("resource" not in me.query(), "resource")
    p = me.login("--resource", "https://other.example/", status=SIGN_IN)
    case.check(b"invalid_target" in p.errors, "words %r" % p.errors)
    case.equal(me.query()["resource"], "https://other.example/", "resource")


def parameters_of_the_person_reach_the_page(case):
    me = Person(case)
    me.login("--authorize-param", "prompt=consent", "--authorize-param", "login_hint=a b&c")
    case.equal((me.query()["prompt"], me.query()["login_hint"]), ("consent", "a b&c"), "parameters")


def client_of_a_file_with_variables_is_used(case):
    me = Person(case, "--fault", "register-secret")
    me.login()
    record = me.record()
    port = urllib.parse.urlsplit(record["redirect_uri"]).port
    os.unlink(me.path())
    info = case.file("client.json", json.dumps({"client_id": record["client_id"], "client_secret": "${MY_SECRET}"}))
    me.login(str(port), "--static-oauth-client-info", "@" + info, env=dict(me.env, MY_SECRET=record["client_secret"]))
    case.equal((me.count("register"), me.count("client-authentication-failed")), (1, 0), "registrations and failures")


def variable_with_quotes_in_it_is_no_matter(case):
    me = Person(case, browser=False)
    asked = []

    def handler(r):
        asked.append(urllib.parse.parse_qs(r.body.decode()))
        r.json({"access_token": "t0ken-of-the-case", "token_type": "Bearer"})
    server = case.server(handler)
    secret = 'a"b\\c{X}$Y'
    p = case.start(me.url, "--client-credentials", "--token-endpoint", server.origin + "/token", "--static-oauth-client-info",
                   '{"client_id":"x","client_secret":"${MY_SECRET}","token_endpoint_auth_method":"client_secret_post"}',
                   token=None, env={"MY_SECRET": secret})
    p.send(INITIALIZE)
    p.answer(0)
    case.equal(asked[0]["client_secret"], [secret], "secret")


def one_word_too_many_is_named(case):
    for args in (("login", "http://127.0.0.1:1/mcp", "eu"), ("login", "eu", "in"), ("logout", "all"), ("status", "http://127.0.0.1:1/mcp", "1", "2")):
        p = case.start(*args, token=None)
        p.end_input()
        case.equal(p.wait(), USAGE, "status")
        case.check(b"unexpected argument" in p.errors and b"https" not in p.errors, "words %r" % p.errors)


def address_without_its_beginning_is_named(case):
    for words in (("login", "mcp.mixpanel.com/mcp"), ("doctor", "htp://mcp.mixpanel.com/mcp"), ("mcp.mixpanel.com/mcp",)):
        p = case.start(*words, token=None)
        p.end_input()
        case.equal(p.wait(), USAGE, "status")
        case.check(b"a URL starts with https://" in p.errors, "words %r" % p.errors)


def option_of_another_command_is_not_proposed(case):
    for words, text in ((("doctor", "--chek"), b'unknown option --chek. "mpmcp --help"'),
                        (("status", "--chek"), b'unknown option --chek; did you mean --check? "mpmcp --help"')):
        p = case.start(*words, token=None)
        p.end_input()
        case.equal(p.wait(), USAGE, "status")
        case.check(text in p.errors, "words %r" % p.errors)


# ---- device codes


def device_code_signs_in_without_a_callback(case):
    me = Person(case, "--fault", "device", browser=False)
    p = me.login("--device-code")
    case.check(b"and type the code" in p.errors, "words %r" % p.errors)
    case.equal((me.count("authorize"), len(me.kept())), (0, 1), "pages and sign-ins")


def device_code_of_a_bridge_is_in_its_log(case):
    me = Person(case, "--fault", "device", browser=False)
    p = me.bridge("--device-code", env={"CI": "true"})
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.check(b"and type the code" in p.errors, "words %r" % p.errors)


def device_codes_may_come_to_nothing(case):
    for fault, words in (("device-denied", b"access_denied"), ("device-expired", b"expired"), ("", b"does not support device codes")):
        me = Person(case, *(["--fault", fault] if fault else []), browser=False)
        p = me.login("--device-code", status=SIGN_IN)
        case.check(words in p.errors, "words %r" % p.errors)
        case.equal(me.kept(), [], "files")


def device_code_that_is_asked_for_too_often_slows_down(case):
    me = Person(case, "--fault", "device-slow-down", browser=False)
    me.login("--device-code")
    case.equal(me.count("device-poll-too-early"), 0, "questions too early")


# ---- what the terminal shows


class _Screen:
    """A login whose three descriptors are one terminal."""

    def __init__(self, case, *args, env):
        self.terminal, child = terminal()
        self.p = case.start("login", *args, token=None, env={"TERM": "xterm", **env}, stdin=child, stdout=child, stderr=child)
        os.close(child)
        self.seen = ""

    def wait(self, pattern, times=1):
        """Waits for so many different texts that fit; all that was shown since the last wait."""
        while len(set(re.findall(pattern, self.seen))) < times:
            readable(self.terminal)
            try:
                self.seen += os.read(self.terminal, 65536).decode()
            except OSError:
                raise Failed("the terminal never showed %r: %r" % (pattern, self.seen))
        seen, self.seen = self.seen, ""
        return seen

    def type(self, text):
        os.write(self.terminal, text.encode())

    def finish(self, status=0):
        with contextlib.suppress(OSError):
            while True:
                self.seen += os.read(self.terminal, 65536).decode()
        os.close(self.terminal)
        self.p.case.equal(self.p.wait(), status, "status (%r)" % self.seen)
        return self.seen


def terminal_shows_a_link_and_counts_down(case):
    me = Person(case, browser=False)
    t = _Screen(case, "--no-browser", "--timeout", "90", me.url, env={})
    shown = t.wait(r"\d:\d\d left > ", 2)
    address = re.search(r"\x1b]8;;(.*?)\x1b", shown).group(1)
    case.check("sign in to %s. Waiting up to 90 seconds; Ctrl-C cancels." % me.url.split("/")[2] in shown.replace("\r\n", " "), "words %r" % shown)
    case.check("\x1b]8;;%s\x1b\\%s\x1b]8;;\x1b\\" % (address, address) in shown, "the link %r" % shown)
    t.type("what is this\n")
    shown = t.wait(r"alone\r\n\r\x1b\[K1:\d\d left > ")
    case.check("what is this\r\nmpmcp: that is neither an address nor a code" in shown, "what was typed, and the words below it %r" % shown)
    t.type("x\x1b[31my\x7f\x7f\x15")
    t.wait("\b \b")
    urllib.request.urlopen(address, timeout=DEADLINE).read()
    shown = t.finish()
    case.check("\r\x1b[KSigned in to" in shown and "2 projects visible" in shown, "words %r" % shown)


def terminal_that_cannot_rewrite_a_line_gets_plain_words(case):
    me = Person(case, browser=False)
    t = _Screen(case, "--no-browser", me.url, env={"TERM": "dumb"})
    shown = t.wait("\r\n> ")
    t.type(redirect_of(address_in(shown.encode())) + "\n")
    case.check("\x1b" not in shown + t.finish(), "an escape: %r" % shown)


# ---- where to sign in


def region_is_understood_as_a_word(case):
    for words in (("login", "--no-browser", "eu"), ("logout", "eu"), ("status", "eu")):
        p = case.start(*words, token=None, env={"https_proxy": "http://127.0.0.1:1"})
        p.end_input()
        p.wait()
        said = p.errors + b"".join(p.lines)
        case.check(b"mcp-eu.mixpanel.com" in said or b"Mixpanel (EU)" in said, "words %r" % said)


def address_without_its_path_is_understood(case):
    for url in ("https://mcp-eu.mixpanel.com", "https://mcp-eu.mixpanel.com/"):
        p = case.start("login", "--no-browser", url, token=None, env={"https_proxy": "http://127.0.0.1:1"})
        p.end_input()
        case.equal(p.wait(), 5, "status")
        case.check(b"signing in at https://mcp-eu.mixpanel.com/mcp" in p.errors, "words %r" % p.errors)
    for answer in ("\n", "n\n"):
        t = _Screen(case, "--no-browser", "https://mcp-eu.mixpanel.com", env={"https_proxy": "http://127.0.0.1:1"})
        t.wait(r"Did you mean https://mcp-eu.mixpanel.com/mcp\? \[Y/n] ")
        t.type(answer)
        shown = t.finish(status=5)
        case.check("cannot reach" in shown or "proxy" in shown, "words %r" % shown)
