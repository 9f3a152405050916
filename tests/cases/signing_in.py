"""OAuth from end to end, against the sandbox. The browser is a small program."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import INITIALIZE, INITIALIZED, DEADLINE, PROGRAM, request

# Follows redirects to the callback and keeps the page; what a person with a logged-in browser does.
BROWSER = """#!%s
import sys, urllib.request, urllib.error
open(%%r, "a").write(sys.argv[1] + "\\n")
try:
    page = urllib.request.urlopen(sys.argv[1], timeout=60).read()
except urllib.error.HTTPError as e:
    page = e.read()
except Exception as e:
    page = repr(e).encode()
open(%%r, "wb").write(page)
""" % sys.executable


def _setup(case, *switches, browser=True):
    box = case.sandbox("--auto", "approve", *switches)
    box["opened"], box["page"] = os.path.join(case.folder, "opened"), os.path.join(case.folder, "page")
    env = {}
    if browser:
        env["BROWSER"] = case.file("browser", BROWSER % (box["opened"], box["page"]), 0o755)
    return box, env


def _get(url):
    return json.loads(urllib.request.urlopen(url, timeout=DEADLINE).read())


def _stats(box):
    return _get(box["oauth"] + "/_sandbox/stats")


def _files(case):
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder))] if os.path.isdir(folder) else []


def _record(case):
    """The one sign-in that is kept; its tokens join the secrets of the case."""
    path = next(f for f in _files(case) if f.endswith(".json"))
    with open(path) as f:
        record = json.load(f)
    case.secrets += [record[k] for k in ("access_token", "refresh_token", "client_secret") if k in record]
    return path, record


def _login(case, box, env, *args, status=0):
    p = case.start("login", box["mcp"], *args, token=None, env=env)
    p.end_input()
    case.equal(p.wait(), status, "status of login (%r)" % p.errors[-600:])
    if status == 0:
        _record(case)
    return p


def _bridge(case, box, env, *args):
    return case.start(box["mcp"], *args, token=None, env=env)


def login_signs_in_and_every_bridge_uses_it(case):
    box, env = _setup(case)
    p = _login(case, box, env)
    case.check(b"Signed in to" in b"".join(p.lines) and b"oauth/authorize" in p.errors, "words")
    path, record = _record(case)
    case.equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of the file")
    case.equal(stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode), 0o700, "mode of the folder")
    case.check(b"You are signed in" in open(box["page"], "rb").read(), "page")
    b = _bridge(case, box, {})
    b.handshake()
    case.check("result" in b.call(1, name="Get-Projects", arguments={}), "no result")
    case.equal(_stats(box)["authorize"], 1, "sign-ins")
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(open(box["opened"]).read().strip()).query)
    case.equal(query["resource"], [box["mcp"]], "resource")
    case.equal(query["code_challenge_method"], ["S256"], "method")
    case.equal(len(query["scope"][0].split()), 18, "scopes asked")


def login_again_is_a_success_in_one_line(case):
    box, env = _setup(case)
    _login(case, box, env)
    p = _login(case, box, env)
    case.check(len(p.lines) == 1 and b"Already signed in" in p.lines[0], "words %r" % p.lines)
    case.equal(_stats(box)["authorize"], 1, "sign-ins")


def umask_makes_no_file_wider(case):
    box, env = _setup(case)
    wrapper = case.file("wide", "#!/bin/sh\numask 000\nexec %s \"$@\"\n" % PROGRAM, 0o755)
    p = case.start("login", box["mcp"], token=None, env=env, binary=wrapper)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    for f in _files(case):
        case.equal(stat.S_IMODE(os.stat(f).st_mode), 0o600, "mode of " + f)


def bridge_opens_the_page_and_answers_what_waited(case):
    box, env = _setup(case)
    p = _bridge(case, box, env)
    p.handshake()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    _record(case)
    case.equal(_stats(box)["authorize"], 1, "sign-ins")


def late_401_signs_in_at_the_first_call(case):
    box, env = _setup(case, "--auth", "late")
    p = _bridge(case, box, env)
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "list")
    case.check(not os.path.exists(box["opened"]), "a page was opened for a public method")
    case.check("result" in p.call(2, name="Get-Projects", arguments={}), "call")
    _record(case)


def twenty_bridges_at_once_open_one_page(case):
    box, env = _setup(case)
    bridges = [_bridge(case, box, env) for _ in range(20)]
    for b in bridges:
        b.send(INITIALIZE)
    for b in bridges:
        case.check("result" in b.answer(0), "a bridge was not served")
    _record(case)
    case.equal(_stats(box)["authorize"], 1, "sign-ins")


def twenty_bridges_with_an_ended_token_refresh_once(case):
    box, env = _setup(case)
    _login(case, box, env)
    path, record = _record(case)
    record["expires"] = int(time.time()) - 10
    with open(path, "w") as f:
        json.dump(record, f)
    bridges = [_bridge(case, box, {}) for _ in range(20)]
    for b in bridges:
        b.send(INITIALIZE)
    for b in bridges:
        case.check("result" in b.answer(0), "a bridge was not served")
    _record(case)
    stats = _stats(box)
    case.equal((stats["token:refresh_token"], stats.get("reuse", 0), stats["authorize"]), (1, 0, 1), "refreshes, reuse, sign-ins")


def refused_token_is_refreshed_once_and_the_call_repeated(case):
    box, env = _setup(case)
    _login(case, box, env)
    p = _bridge(case, box, {})
    p.handshake()
    _get(box["oauth"] + "/_sandbox/expire")
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    before = _record(case)[1]
    case.equal(_stats(box)["token:refresh_token"], 1, "refreshes")
    _get(box["oauth"] + "/_sandbox/expire")
    case.check("result" in p.call(2, name="Get-Projects", arguments={}), "no result")
    after = _record(case)[1]
    case.check(before["refresh_token"] != after["refresh_token"], "the rotated refresh token was not kept")


def refresh_token_is_kept_when_the_answer_has_none(case):
    box, env = _setup(case, "--fault", "refresh-none")
    _login(case, box, env)
    before = _record(case)[1]["refresh_token"]
    p = _bridge(case, box, {})
    p.handshake()
    _get(box["oauth"] + "/_sandbox/expire")
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal(_record(case)[1]["refresh_token"], before, "refresh token")


def refresh_that_fails_keeps_the_token_and_answers(case):
    box, env = _setup(case, "--fault", "refresh-500")
    _login(case, box, env)
    before = _record(case)[1]["refresh_token"]
    p = _bridge(case, box, {})
    p.handshake()
    _get(box["oauth"] + "/_sandbox/expire")
    case.is_error(p.call(1, "tools/list"), -31500, "kept", "mpmcp login --force")
    case.equal(_record(case)[1]["refresh_token"], before, "refresh token")
    case.equal(_stats(box)["authorize"], 1, "sign-ins")


def dead_refresh_token_means_a_new_sign_in(case):
    for form in ([], ["--fault", "grant-401"]):
        box, env = _setup(case, *form)
        _login(case, box, env)
        path, record = _record(case)
        record["refresh_token"], record["access_token"] = "refresh-dead", "access-dead"
        with open(path, "w") as f:
            json.dump(record, f)
        p = _bridge(case, box, env)
        p.handshake()
        case.check("result" in p.call(1, "tools/list"), "no result")
        case.equal(_stats(box)["authorize"], 2, "sign-ins")
        os.unlink(path)


def missing_scope_steps_up(case):
    box, env = _setup(case, "--step-up", "user_details")
    _login(case, box, env, "--static-oauth-client-metadata", '{"scope":"projects analysis"}')
    case.equal(_record(case)[1]["scope_granted"], "projects analysis", "scope")
    p = _bridge(case, box, env)
    p.handshake()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    case.equal(set(_record(case)[1]["scope_granted"].split()), {"projects", "analysis", "user_details"}, "scope after")


def nobody_to_ask_is_an_error_with_the_command_to_run(case):
    box, env = _setup(case)
    for more in ({}, {"CI": "true", "BROWSER": env["BROWSER"]}):
        p = _bridge(case, box, more)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31401, "mpmcp login")
    case.check(not os.path.exists(box["opened"]), "a browser was started")


def denied_sign_in_is_an_error_and_no_page_opens_again(case):
    box, env = _setup(case, "--fault", "deny")
    p = _bridge(case, box, env)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "access_denied")
    case.check("\x1b" not in json.dumps(p.messages()), "an escape sequence came through")
    p.call(1, "tools/list")
    case.equal(_stats(box)["authorize"], 1, "pages")
    case.check(b"<b>" not in open(box["page"], "rb").read(), "the page does not escape")


def _fault_is_named(case, fault, *texts, authorize=0):
    box, env = _setup(case, "--fault", fault)
    p = _login(case, box, env, status=4 if fault in ("iss-wrong", "iss-missing", "register-400", "register-422", "no-registration") else
               7 if fault == "register-429" else 1)
    for text in texts:
        case.check(text.encode() in p.errors, "%s: %r is not in %r" % (fault, text, p.errors))
    case.equal(_stats(box).get("authorize", 0), authorize, "authorize requests")
    case.check(not [f for f in _files(case) if f.endswith(".json")], "something was kept")


def metadata_that_cannot_be_trusted_stops_the_sign_in(case):
    _fault_is_named(case, "issuer-mismatch", "another issuer")
    _fault_is_named(case, "resource-mismatch", "another server")
    _fault_is_named(case, "http-endpoints", "not https")
    for fault in ("javascript-endpoint", "file-endpoint", "dash-endpoint", "newline-endpoint"):
        _fault_is_named(case, fault, "authorization_endpoint")
    _fault_is_named(case, "huge-metadata", "longer than")
    _fault_is_named(case, "deep-metadata", "JSON")
    _fault_is_named(case, "no-s256", "PKCE")


def shell_characters_in_an_address_reach_no_shell(case):
    box, env = _setup(case, "--fault", "shell-endpoint")
    p = case.start("login", box["mcp"], "--timeout", "3", token=None, env=env)
    p.end_input()
    p.wait()
    case.check(not os.path.exists("/tmp/owned"), "a shell ran")


def refused_registrations_are_named(case):
    _fault_is_named(case, "register-429", "120 seconds")
    _fault_is_named(case, "register-400", "not welcome")
    _fault_is_named(case, "register-422", "HTTP 422")
    _fault_is_named(case, "no-registration", "--static-oauth-client-info")


def issuer_of_the_callback_is_checked(case):
    _fault_is_named(case, "iss-wrong", "another issuer", authorize=1)
    _fault_is_named(case, "iss-missing", "another issuer", authorize=1)
    box, env = _setup(case, "--fault", "iss")
    _login(case, box, env)


def callbacks_without_our_state_change_nothing(case):
    for fault in ("state-wrong", "state-missing"):
        box, env = _setup(case, "--fault", fault)
        p = case.start("login", box["mcp"], "--timeout", "3", token=None, env=env)
        p.end_input()
        case.equal(p.wait(), 4, "status")
        case.check(b"not the sign-in that is awaited" in open(box["page"], "rb").read(), "page")


def bad_token_answers_are_refused(case):
    for fault, text in (("token-html", "JSON"), ("token-empty", "JSON"), ("token-newline", "access_token"), ("token-type", "Bearer")):
        _fault_is_named(case, fault, text, authorize=1)


def odd_lifetimes_do_no_harm(case):
    for fault in ("expires-missing", "expires-zero", "expires-negative", "expires-string"):
        box, env = _setup(case, "--fault", fault)
        _login(case, box, env)
        p = _bridge(case, box, {})
        p.handshake()
        case.check("result" in p.call(1, "tools/list"), fault)
        case.equal(_stats(box).get("token:refresh_token", 0), 0, "refreshes with " + fault)


def client_secret_is_used_as_registered(case):
    box, env = _setup(case, "--fault", "register-secret")
    _login(case, box, env)
    case.check("client_secret" in _record(case)[1], "no secret was kept")


def root_metadata_is_found(case):
    box, env = _setup(case, "--bare-401")
    _login(case, box, env)


def callback_port_in_use_walks_on_or_is_named(case):
    box, env = _setup(case)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        p = case.start("login", box["mcp"], "--timeout", "20", token=None, env=env)
        p.end_input()
        case.equal(p.wait(), 0, "status")
        p = case.start(box["mcp"], str(port), "--profile", "other", token=None, env=env)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, str(port))


def garbage_at_the_callback_does_not_end_the_sign_in(case):
    box, env = _setup(case, browser=False)
    p = case.start("login", box["mcp"], "--no-browser", token=None, env=env)
    p.wait_error_text("state=")
    p.wait_error_text("\n\n")
    url = next(x for x in p.errors.decode().split() if "oauth/authorize" in x)
    redirect = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["redirect_uri"][0]
    port = urllib.parse.urlsplit(redirect).port

    def ask(raw):
        with socket.create_connection(("127.0.0.1", port)) as s:
            s.settimeout(DEADLINE)
            s.sendall(raw)
            return s.recv(65536)
    idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    host = b"Host: localhost:%d\r\n\r\n" % port
    case.check(b" 404 " in ask(b"GET /favicon.ico HTTP/1.1\r\n" + host), "wrong path")
    case.check(b" 405 " in ask(b"POST /oauth/callback HTTP/1.1\r\n" + host), "POST")
    case.check(b" 403 " in ask(b"GET /oauth/callback?code=x HTTP/1.1\r\nHost: evil.example\r\n\r\n"), "wrong Host")
    case.check(b" 400 " in ask(b"GET /oauth/callback?code=x HTTP/1.1\r\n" + host), "no state")
    case.check(b" 400 " in ask(b"GET /oauth/callback?error=access_denied&error_description=%3Cscript%3E HTTP/1.1\r\n" + host), "error without state")
    ask(b"\x16\x03\x01\x02\x00nonsense\r\n\r\n")
    page = urllib.request.urlopen(url, timeout=DEADLINE).read()
    case.check(b"You are signed in" in page, "page")
    case.equal(p.wait(), 0, "status")
    _record(case)
    for s in idle:
        s.close()


def pasted_address_or_code_completes_the_sign_in(case):
    box, env = _setup(case, browser=False)

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args):
            return None
    for what in ("address", "code"):
        parent, child = os.openpty()
        p = case.start("login", box["mcp"], "--no-browser", "--force", token=None, env=env, stdin=child)
        os.close(child)
        p.wait_error_text("Paste the address")
        url = next(x for x in p.errors.decode().split() if "oauth/authorize" in x)
        try:
            urllib.request.build_opener(NoRedirect).open(url, timeout=DEADLINE)
        except urllib.error.HTTPError as e:
            target = e.headers["Location"]
        code = urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)["code"][0]
        os.write(parent, ((target if what == "address" else code) + "\n").encode())
        case.equal(p.wait(), 0, "status")
        os.close(parent)
        _record(case)


def client_that_kills_its_whole_group_does_not_end_the_sign_in(case):
    box, env = _setup(case)
    gate = os.path.join(case.folder, "gate")
    os.mkfifo(gate)
    env["BROWSER"] = case.file("late-browser", "#!/bin/sh\nread x <%s\nexec %s \"$1\"\n" % (gate, env["BROWSER"]), 0o755)
    p = _bridge(case, box, env, "--debug")
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    os.killpg(p.process.pid, signal.SIGKILL)
    p.process.wait()
    p.process.returncode = -9
    with open(gate, "w") as f:
        f.write("go\n")
    b = _bridge(case, box, env)
    b.handshake()
    case.check("result" in b.call(1, "tools/list"), "the next start is not signed in")
    case.equal(_stats(box)["authorize"], 1, "sign-ins")
    _record(case)


def end_of_input_during_a_sign_in_ends_the_bridge_at_once(case):
    box, env = _setup(case)
    env["BROWSER"] = case.file("no-browser", "#!/bin/sh\nexit 0\n", 0o755)
    p = _bridge(case, box, env, "--auth-timeout", "4")
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.send(request(9, "ping"))
    case.equal(p.answer(9)["result"], {}, "ping while a person signs in")
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.is_error(p.answer(0), -31401, "mpmcp login")


def sign_in_that_nobody_completes_is_answered_at_the_deadline(case):
    box, env = _setup(case)
    env["BROWSER"] = "/nonexistent/browser"
    p = _bridge(case, box, env, "--auth-timeout", "2")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "2 seconds", "mpmcp login")


def broken_token_files_are_set_aside(case):
    box, env = _setup(case)
    for content in (b"", b"{", b"[]", b"\0\0\0", b'{"format":1}', b'{"format":1,"url":"x","url":"y"}'):
        _login(case, box, env)
        path, _ = _record(case)
        with open(path, "wb") as f:
            f.write(content)
        p = _bridge(case, box, env)
        p.handshake()
        case.check("result" in p.call(1, "tools/list"), "not signed in after %r" % content)
        case.check(os.path.exists(path + ".broken"), "nothing was set aside")
        _record(case)


def linked_token_file_is_not_followed(case):
    box, env = _setup(case)
    _login(case, box, env)
    path, _ = _record(case)
    os.rename(path, path + ".elsewhere")
    os.symlink(path + ".elsewhere", path)
    p = case.start("status", box["mcp"], token=None)
    p.end_input()
    case.equal(p.wait(), 1, "status")
    case.check(b"symbolic link" in p.errors or b"link" in p.errors, "words %r" % p.errors)


def deleted_folder_is_safe(case):
    import shutil
    box, env = _setup(case)
    _login(case, box, env)
    p = _bridge(case, box, env)
    p.handshake()
    shutil.rmtree(os.path.join(case.home, ".mcp-auth"))
    case.check("result" in p.call(1, "tools/list"), "the token in memory does not serve")
    _get(box["oauth"] + "/_sandbox/expire")
    case.check("result" in p.call(2, "tools/list"), "no new sign-in")
    case.equal(_stats(box)["authorize"], 2, "sign-ins")
    _record(case)


def status_says_what_is_kept_and_what_is_used(case):
    box, env = _setup(case)
    p = case.start("status", box["mcp"], token=None)
    p.end_input()
    case.equal(p.wait(), 4, "status without a sign-in")
    _login(case, box, env)
    p = case.start("status", box["mcp"], "--json", "--check", token=None)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    told = json.loads(p.lines[0])
    case.equal((told["sign_in_needed"], told["works"], len(told["sign_ins"])), (False, "yes", 1), "status")
    for secret in case.secrets:
        case.check(secret not in json.dumps(told), "status shows a secret")
    p = case.start("status", box["mcp"])
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.check(b"MIXPANEL_SA_TOKEN" in b"".join(p.lines), "the service account is not named")


def logout_revokes_and_forgets_and_can_be_repeated(case):
    box, env = _setup(case, "--fault", "revocation")
    _login(case, box, env)
    for _ in range(2):
        p = case.start("logout", box["mcp"], token=None)
        p.end_input()
        case.equal(p.wait(), 0, "status")
    case.equal(_stats(box)["revoke"], 1, "revocations")
    case.check(not [f for f in _files(case) if f.endswith(".json")], "a file is left")


def device_code_signs_in_without_a_callback(case):
    box, env = _setup(case, "--fault", "device", browser=False)
    p = _login(case, box, env, "--device-code")
    case.check(b"WDJB-" in p.errors, "the code was not shown")


def sign_in_of_mcp_remote_is_imported(case):
    box, env = _setup(case)
    _login(case, box, env)
    path, record = _record(case)
    os.unlink(path)
    import hashlib
    name = hashlib.md5(box["mcp"].encode()).hexdigest()
    folder = os.path.join(case.home, ".mcp-auth", "mcp-remote-v1")
    os.mkdir(folder)
    with open(os.path.join(folder, name + "_tokens.json"), "w") as f:
        json.dump({"access_token": record["access_token"], "refresh_token": record["refresh_token"], "token_type": "Bearer",
                   "expires_in": 36000, "expires_at": int((time.time() + 36000) * 1000), "requested_scope": "projects"}, f)
    with open(os.path.join(folder, name + "_client_info.json"), "w") as f:
        json.dump({"client_id": record["client_id"], "redirect_uris": [record["redirect_uri"]]}, f)
    _login(case, box, {}, "--import")
    _get(box["oauth"] + "/_sandbox/expire")
    p = _bridge(case, box, {})
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal(_stats(box)["authorize"], 1, "sign-ins")
    _record(case)


def json_login_is_for_scripts(case):
    box, env = _setup(case)
    p = _login(case, box, env, "--json")
    rows = [json.loads(x) for x in p.lines]
    case.check("authorize_url" in rows[0] and rows[-1]["outcome"] == "signed_in", "rows %r" % rows)


def files_of_a_killed_sign_in_are_old_or_new(case):
    box, env = _setup(case)
    _login(case, box, env)
    for n in range(20):
        path, _ = _record(case)
        p = case.start("login", box["mcp"], "--force", token=None, env=env)
        p.wait_error_text("oauth/authorize")
        if n % 2:
            time.sleep(n * 0.004)  # the moment of the kill is what varies here
        p.process.kill()
        p.process.wait()
        _record(case)


def service_that_refuses_every_token_opens_one_page(case):
    box, env = _setup(case, "--fault", "any-resource")

    def handler(r):
        if r.path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": server.url, "authorization_servers": [box["mcp"]], "scopes_supported": ["events"]})
        else:
            r.reply(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    server = case.server(handler)
    p = case.start(server.url, token=None, env=env)
    for n in range(3):
        p.send(request(n, "tools/list"))
        case.is_error(p.answer(n), -31401, "mpmcp login --force")
    _record(case)
    case.equal(_stats(box)["authorize"], 1, "pages")
    case.check(len([r for r in server.requests if r.method == "POST"]) <= 9, "%d requests" % len(server.requests))


def era_of_the_server_is_remembered_with_the_sign_in(case):
    box, env = _setup(case, "--era", "modern")
    _login(case, box, env)

    def methods(protocol="2025-06-18"):
        """What a bridge in front of a legacy client sends."""
        seen = case.control(box, "log?since=0")[-1]["n"]
        p = _bridge(case, box, {})
        case.check("result" in p.handshake(protocol), "no result")
        case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
        case.equal(p.finish(), 0, "status")
        return [row["rpc"] for row in case.control(box, "log?since=%d" % seen) if row.get("origin") == "mcp" and row["rpc"]]
    case.equal(methods()[:2], ["initialize", "server/discover"], "first messages")
    _, record = _record(case)
    case.equal(record["word"], "modern", "what is kept")
    case.check(abs(record["word_at"] - time.time()) < 3600, "when")
    case.equal(methods()[0], "server/discover", "first message of the next bridge")
    # The server has changed: the first refusal shows it.
    case.control(box, "set?era=legacy")
    case.equal(methods()[:2], ["server/discover", "initialize"], "first messages before another server")
    path, record = _record(case)
    record["word_at"] -= 25 * 3600
    with open(path, "w") as f:
        json.dump(record, f)
    case.equal(methods()[0], "initialize", "first message when the word is old")
