"""Signing in, in a browser: by the command and by the bridge, whatever the client does meanwhile."""

import contextlib
import json
import os
import signal
import socket
import time

from harness import DEADLINE, INITIALIZE, INITIALIZED, LIMIT, PROGRAM, free_port, request
from people import FOLLOW, Person, address_in

# Waits at a FIFO until the case opens it.
WAIT = "open(%r).read()"


def _gate(case, name="gate"):
    path = os.path.join(case.folder, name)
    os.mkfifo(path)
    return path


def _open_gate(path):
    with open(path, "w") as f:
        f.write("go\n")


def _wait_until(case, condition, what):
    """For things that nobody announces: files, processes of others."""
    end = time.monotonic() + DEADLINE
    while not condition():
        case.check(time.monotonic() < end, what + " never came")
        time.sleep(0.02)


def login_signs_in_and_every_bridge_uses_it(case):
    me = Person(case)
    p = me.login()
    case.check(b"Signed in to" in b"".join(p.lines) and b"oauth/authorize" in p.errors, "words")
    case.equal(me.mode(me.path()), 0o600, "mode of the file")
    case.equal(me.mode(me.folder()), 0o700, "mode of the folder")
    me.wait_page("You are signed in")
    b = me.signed_in_bridge()
    case.check("result" in b.call(1, name="Get-Projects", arguments={}), "no result")
    case.equal(me.count("authorize"), 1, "sign-ins")
    query = me.query()
    case.equal((query["resource"], query["code_challenge_method"]), (me.url, "S256"), "parameters")
    case.equal(len(query["scope"].split()), 18, "scopes asked")


def bridge_opens_the_page_and_answers_what_waited(case):
    me = Person(case)
    p = me.bridge()
    p.handshake()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    case.equal((me.count("authorize"), len(me.kept())), (1, 1), "sign-ins")


def late_401_signs_in_at_the_first_call(case):
    me = Person(case, "--auth", "late")
    p = me.bridge()
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "list")
    case.check(not me.opened(), "a page was opened for a public method")
    case.check("result" in p.call(2, name="Get-Projects", arguments={}), "call")


def twenty_bridges_at_once_open_one_page(case):
    me = Person(case)
    bridges = [me.bridge() for _ in range(20)]
    for b in bridges:
        b.send(INITIALIZE)
    for b in bridges:
        case.check("result" in b.answer(0), "a bridge was not served")
    case.equal((me.count("authorize"), me.count("register"), len(me.opened())), (1, 1, 1), "sign-ins")


def twenty_bridges_at_once_are_all_told_that_the_person_declined(case):
    gate = _gate(case)
    me = Person(case, "--fault", "deny", before=WAIT % gate)
    bridges = [me.bridge() for _ in range(20)]
    for b in bridges:
        b.send(INITIALIZE)
    for b in bridges:
        b.wait_error_text("sign in at")
    _open_gate(gate)
    for b in bridges:
        case.is_error(b.answer(0), -31401, "access_denied", "mpmcp login " + me.url)
    case.equal(me.count("authorize"), 1, "sign-ins")


def login_and_bridge_share_one_page(case):
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    p = me.login(status=None)
    p.wait_error_text("oauth/authorize")
    me.wait_opened()
    b = me.bridge()
    b.send(INITIALIZE)
    b.wait_error_text("sign in at")
    _open_gate(gate)
    case.check("result" in b.answer(0), "the bridge was not served")
    case.equal(p.wait(), 0, "status")
    case.equal((me.count("authorize"), len(me.opened())), (1, 1), "pages")


def ping_is_answered_while_a_person_signs_in(case):
    me = Person(case, before="sys.exit()")
    p = me.bridge()
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.send(request(9, "ping"))
    case.equal(p.answer(9)["result"], {}, "ping")


def denied_sign_in_is_an_error_and_no_page_opens_again(case):
    me = Person(case, "--fault", "deny")
    p = me.bridge()
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "access_denied", "mpmcp login " + me.url)
    case.check("\x1b" not in json.dumps(p.messages()), "an escape sequence came through")
    case.is_error(p.call(1, "tools/list"), -31401, "access_denied")
    case.equal(me.count("authorize"), 1, "pages")
    me.wait_page("&lt;b&gt;")
    case.check("<b>" not in me.page(), "the page does not escape")


def sign_in_server_that_fails_is_asked_again_with_the_next_request(case):
    me = Person(case, "--fault", "metadata-500")
    p = me.bridge()
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "HTTP 500")
    me.set(fault="")
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal(me.count("authorize"), 1, "pages")


def sign_in_that_nobody_completes_is_answered_at_the_deadline(case):
    me = Person(case, before="sys.exit()")
    p = me.bridge("--auth-timeout", "2")
    p.send(INITIALIZE)
    answer = p.answer(0)
    case.is_error(answer, -31401, "2 seconds", "mpmcp login")
    case.equal(answer["error"]["message"].count("mpmcp login"), 1, "times that the command is named")


def _hello(ident, name, token=None):
    params = {**INITIALIZE["params"], "clientInfo": {"name": name, "version": "1"}, **({"_meta": {"progressToken": token}} if token else {})}
    return {**INITIALIZE, "id": ident, "params": params}


def client_that_gives_up_is_told_the_device_code(case):
    """Few clients show what a command says on standard error."""
    me = Person(case, "--fault", "device", auto="off", browser=False)
    p = me.bridge("--device-code", env={"CI": "true"})
    p.send(_hello(0, "mcp-test-client"))
    case.is_error(p.answer(0), -31401, "open %s/oauth/device and type the code WDJB-" % me.box["oauth"], "then try again", "mpmcp login %s --device-code" % me.url)


client_that_gives_up_is_told_the_device_code.slow = True


def client_is_answered_before_it_gives_up_and_the_sign_in_goes_on(case):
    """gemini mcp list waits 5 s and then shows a bare time-out. What it gave up on is not sent any more."""
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    p = me.bridge()
    p.send(_hello(0, "mcp-test-client"))
    me.wait_opened()
    case.is_error(p.answer(0), -31401, "its page is open", "then try again", "mpmcp login " + me.url)
    p.send(_hello(1, "mcp-test-client"))
    _open_gate(gate)
    case.check("result" in p.answer(1), "the sign-in did not go on")
    p.send(INITIALIZED)
    case.check("result" in p.call(2, "tools/list"), "no tools")
    case.equal((me.count("authorize"), len(me.opened())), (1, 1), "sign-ins")
    case.equal(len([m for m in p.messages() if m.get("id") == 0]), 1, "answers")


client_is_answered_before_it_gives_up_and_the_sign_in_goes_on.slow = True


def client_that_opens_in_both_ways_has_one_time_out_for_them(case):
    """Claude Code sends initialize 3 s after server/discover, then that again; its 30 s are since the first."""
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    p = me.bridge()
    probe = _modern("d", "server/discover")
    probe["params"]["_meta"] = {**MODERN, "io.modelcontextprotocol/clientInfo": {"name": "mcp-test-client", "version": "1"}}
    p.send(probe)
    me.wait_opened()
    time.sleep(1)  # so that a time-out of its own would show in the order; nothing waits for it
    p.send(_hello(0, "mcp-test-client"))
    case.is_error(p.answer("d"), -31401, "its page is open")
    case.is_error(p.answer(0), -31401, "its page is open")
    p.send(request(1, name="Get-Projects", arguments={}), {**probe, "id": "again"})
    case.is_error(p.answer("again"), -31401, "its page is open")
    p.answer(1)
    case.equal([m["id"] for m in p.messages()], ["d", 0, "again", 1], "answers, in order")
    _open_gate(gate)


client_that_opens_in_both_ways_has_one_time_out_for_them.slow = True


def client_that_waits_is_told_by_progress(case):
    """Gemini's agent waits for minutes. Only who gave a token is told."""
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    p = me.bridge()
    p.send(_hello(0, "gemini-cli-mcp-client", "t1"))
    told = json.loads(p.wait_line(lambda line: b"notifications/progress" in line, "progress"))
    case.equal((told["params"]["progressToken"], "sign-in" in told["params"]["message"]), ("t1", True), "progress")
    case.check(0 < told["params"]["progress"] < 0.001, "it grows into what the server says")
    _open_gate(gate)
    case.check("result" in p.answer(0), "no answer")


def request_that_waited_too_long_is_never_sent(case):
    """Its client was told that it failed: a call that writes must not happen behind its back."""
    gate = _gate(case)
    me = Person(case, "--auth", "late", before=WAIT % gate)
    p = me.bridge()
    p.send(_hello(0, "mcp-test-client"))
    p.answer(0)
    p.send(INITIALIZED, request(1, name="Create-Annotation", arguments={}), request(2, name="Get-Projects", arguments={}))
    for n in 1, 2:
        case.is_error(p.answer(n), -31401, "its page is open")
    _open_gate(gate)
    case.check("result" in p.call(3, name="Get-Projects", arguments={}), "no result")
    case.equal([row["status"] for row in me.ask("log") if row["rpc"] == "tools/call"], [401, 401, 200], "calls")


request_that_waited_too_long_is_never_sent.slow = True


def browser_that_is_not_there_is_an_error_at_once(case):
    """Clients hide the address: nobody would ever come. A terminal shows it, and login waits."""
    me = Person(case, browser=False)
    p = me.bridge(env={"BROWSER": "/nonexistent/browser"})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "no browser could be started", "mpmcp login " + me.url)
    p = me.login(status=None, env={"BROWSER": "/nonexistent/browser"})
    p.wait_error_text("no browser could be started")
    import urllib.request
    urllib.request.urlopen(address_in(p.errors), timeout=DEADLINE).read()
    case.equal(p.wait(), 0, "status")


def browser_that_fails_at_once_has_opened_nothing(case):
    for before in ("sys.exit(1)", "os.kill(os.getpid(), 9)"):
        me = Person(case, before=before)
        p = me.bridge()
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31401, "the program in BROWSER failed", "mpmcp login " + me.url)
    me = Person(case, browser=False)
    p = me.login(status=None, env={"BROWSER": "false"})
    p.wait_error_text("the program in BROWSER failed")
    import urllib.request
    urllib.request.urlopen(address_in(p.errors), timeout=DEADLINE).read()
    case.equal(p.wait(), 0, "status of a login whose address was opened by hand")


def next_browser_is_tried_when_one_fails(case):
    me = Person(case)
    p = me.bridge(env={"BROWSER": ":".join(("false", "/nonexistent", me.env["BROWSER"], me.env["BROWSER"]))})
    p.handshake()
    case.equal((me.count("authorize"), len(me.opened())), (1, 1), "sign-ins and browsers")


def browser_that_hangs_leaves_the_address_to_the_person(case):
    me = Person(case, before="sys.stdin.read(); import time; time.sleep(1000)")
    p = me.bridge()
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.wait_error_text("\n")
    import urllib.request
    urllib.request.urlopen(address_in(p.errors), timeout=DEADLINE).read()
    case.check("result" in p.answer(0), "not signed in")


def output_of_the_browser_is_not_ours(case):
    me = Person(case, before="print('noise', flush=True); print('noise', file=sys.stderr, flush=True)")
    p = me.bridge()
    p.handshake()
    p.finish()
    case.check(b"noise" not in p.errors and not [line for line in p.lines if b"noise" in line], "the browser's words came through")


def nobody_to_ask_is_an_error_with_the_command_to_run(case):
    me = Person(case)
    for env in ({}, {"CI": "true", **me.env}, {"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}):
        p = me.bridge("--profile", "work", env=env)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31401, "mpmcp login %s --profile work" % me.url, '"env": { "MIXPANEL_SA_TOKEN"')
    p = me.bridge("--no-browser")
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "mpmcp login " + me.url)
    case.check(not me.opened(), "a browser was started")
    case.check(not case.strays(), "something is left running")


# ---- the client leaves


def client_that_kills_its_whole_group_does_not_end_the_sign_in(case):
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    p = me.bridge()
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    os.killpg(p.process.pid, signal.SIGKILL)
    p.process.wait()
    _open_gate(gate)
    b = me.bridge()
    b.handshake()
    case.check("result" in b.call(1, "tools/list"), "the next start is not signed in")
    case.equal(me.count("authorize"), 1, "sign-ins")


def end_of_input_or_a_signal_ends_the_bridge_and_not_the_sign_in(case):
    for n, leave in enumerate((lambda p: p.end_input(), lambda p: p.signal(signal.SIGTERM), lambda p: p.signal(signal.SIGINT))):
        gate = _gate(case, "gate%d" % n)
        me = Person(case, before=WAIT % gate)
        p = me.bridge()
        p.send(INITIALIZE)
        p.wait_error_text("sign in at")
        leave(p)
        p.wait()
        _open_gate(gate)
        _wait_until(case, me.kept, "the sign-in")
        case.check("result" in me.signed_in_bridge().call(1, "tools/list"), "the next start is not signed in")
        os.unlink(me.path())


def end_of_input_during_a_sign_in_answers_what_waits(case):
    me = Person(case, before="sys.exit()")
    p = me.bridge()
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.is_error(p.answer(0), -31401, "mpmcp login")


def client_that_starts_two_and_kills_one_is_served_by_the_other(case):
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    first, second = me.bridge(), me.bridge()
    first.send(INITIALIZE)
    first.wait_error_text("sign in at")
    second.send(INITIALIZE)
    second.wait_error_text("sign in at")
    first.process.kill()
    first.process.wait()
    _open_gate(gate)
    case.check("result" in second.answer(0), "the other one was not served")
    case.equal((me.count("authorize"), len(me.opened())), (1, 1), "pages")


def abandoned_sign_in_is_gone_at_its_deadline(case):
    me = Person(case, before="sys.exit()")
    p = me.bridge("--auth-timeout", "1")
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.process.kill()
    p.process.wait()
    _wait_until(case, lambda: not case.strays(), "the end of the sign-in")
    case.equal([os.path.basename(f).rpartition(".")[2] for f in me.files()], ["note", "signin"], "what is left")
    with open(me.files(".note")[0]) as f:
        case.check("state=" not in f.read(), "the note still has the address")


def sign_in_holds_nothing_of_its_client(case):
    """A client waits for the end of its bridge's output; an inherited pipe would keep it waiting."""
    me = Person(case, before="sys.exit()")
    p = me.bridge()
    p.send(INITIALIZE)
    p.wait_error_text("sign in at")
    p.process.kill()
    for t in p.threads:
        t.join(DEADLINE)
        case.check(not t.is_alive(), "somebody still holds the bridge's output")
    alive = 0
    for pid in case.strays():
        with contextlib.suppress(ProcessLookupError):  # the browser ends about now
            case.check(os.getsid(pid) != p.process.pid and os.getpgid(pid) != p.process.pid, "it is in the client's session")
            alive += 1
    case.check(alive or not os.path.isdir("/proc/self"), "the sign-in is gone, too")


def sign_in_process_that_is_killed_is_an_error_and_others_go_on(case):
    """Whoever started it hears of it; whoever joined it takes its place."""
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    quick = {"BROWSER": me.browser(name="browser-quick")}
    first = me.bridge()
    first.send(INITIALIZE)
    first.wait_error_text("sign in at")
    second = me.bridge(env=quick)
    second.send(INITIALIZE)
    second.wait_error_text("sign in at")
    me.wait_opened()
    for pid in case.strays():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    case.is_error(first.answer(0), -31401, "not completed", "mpmcp login " + me.url)
    case.check("result" in second.answer(0), "the other one was not served")
    case.check("result" in first.call(1, "tools/list"), "the first one does not use it")
    case.equal(me.count("token:authorization_code"), 1, "sign-ins")


# ---- registration


def registration_is_kept_for_the_next_sign_in(case):
    me = Person(case)
    me.login()
    me.change(access_token=None, refresh_token=None)
    me.login()
    case.equal((me.count("register"), me.count("authorize")), (1, 2), "registrations and sign-ins")
    me.login("--force")
    case.equal(me.count("register"), 2, "registrations after --force")


def registration_that_was_forgotten_is_made_anew_once(case):
    me = Person(case)
    me.login()
    me.ask("forget-clients")
    me.expire()
    p = me.bridge()
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal((me.count("register"), me.count("authorize")), (2, 2), "registrations and sign-ins")


def page_that_knows_no_client_costs_one_sign_in(case):
    """Servers tell the person alone; the next sign-in registers anew."""
    me = Person(case)
    me.login()
    me.change(access_token=None, refresh_token=None)
    me.ask("forget-clients")
    p = me.bridge("--auth-timeout", str(LIMIT))
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "%d seconds" % LIMIT)
    me.wait_page("Invalid client")
    b = me.bridge()
    b.handshake()
    case.check("result" in b.call(1, "tools/list"), "no result")
    case.equal(me.count("register"), 2, "registrations")


page_that_knows_no_client_costs_one_sign_in.slow = True


def another_issuer_means_another_registration(case):
    me = Person(case)
    me.login()
    before = me.record()
    me.set(fault="other-issuer")
    me.expire()
    me.change(refresh_token="refresh-dead")
    p = me.bridge()
    p.handshake()
    case.check("result" in p.call(1, "tools/list"), "no result")
    after = me.record()
    case.check(after["issuer"] != before["issuer"] and after["client_id"] != before["client_id"], "the registration was kept")
    case.equal(me.count("register"), 2, "registrations")


def given_client_is_not_sent_to_another_issuer(case):
    me = Person(case)
    port = str(free_port())
    me.login(port)
    client = me.record()["client_id"]
    os.unlink(me.path())
    args = (port, "--static-oauth-client-info", json.dumps({"client_id": client}))
    me.login(*args)
    case.equal(me.count("register"), 1, "registrations")
    me.change(access_token=None, refresh_token=None)
    me.set(fault="other-issuer")
    p = me.login(*args, status=4)
    case.check(b"belongs to" in p.errors, "words %r" % p.errors)
    case.equal(me.count("authorize"), 2, "sign-ins")


def _port(uri):
    return int(uri.split(":")[2].split("/")[0])




def client_secret_is_used_as_registered(case):
    for fault in ("register-secret", "register-secret-post"):
        me = Person(case, "--fault", fault)
        me.login()
        me.expire()
        case.check("result" in me.signed_in_bridge().call(1, "tools/list"), "not refreshed")
        case.check(me.record()["client_secret"], "no secret was kept")
        case.equal(me.count("client-authentication-failed"), 0, "failures with " + fault)
        os.unlink(me.path())


# ---- the callback's port


def callback_port_in_use_walks_on_or_is_named(case):
    me = Person(case)
    me.login()
    port = _port(me.query()["redirect_uri"])
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        s.listen()
        me.login("--force")
        case.check(_port(me.query()["redirect_uri"]) != port, "the port of a stranger")
        p = me.bridge(str(port), "--profile", "other")
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, str(port), "CALLBACK-PORT")
        # One that is in use for a moment only is waited for.
        p = me.login(str(port), "--profile", "third", status=None)
        s.close()
        case.equal((p.wait(), _port(me.query()["redirect_uri"])), (0, port), "status and port")
        os.unlink(next(f for f in me.kept() if "third" in open(f).read()))
    # The registration of before is for that other port: it is taken again.
    me.change(access_token=None, refresh_token=None)
    me.login()
    case.check(_port(me.query()["redirect_uri"]) != port and me.count("register") == 3, "registered for nothing")


def two_sign_ins_at_once_have_a_port_each(case):
    gate = _gate(case)
    me = Person(case, before=WAIT % gate)
    first = me.login("--profile", "a", status=None)
    first.wait_error_text("oauth/authorize")
    me.wait_opened()
    you = {"BROWSER": me.browser(name="browser-two")}
    second = me.login("--profile", "b", env=you)
    _open_gate(gate)
    case.equal(first.wait(), 0, "status")
    case.check(me.query(0)["redirect_uri"] != me.query(1)["redirect_uri"], "one port for two")
    case.check(b"profile b" in b"".join(second.lines), "words")
    case.equal(len(me.kept()), 2, "sign-ins")


def relative_folder_is_the_same_for_the_sign_in_process(case):
    me = Person(case)
    p = me.bridge("--auth-dir", "here")
    p.handshake()
    case.check(os.listdir(os.path.join(case.folder, "here", "mpmcp")), "nothing is kept there")
    b = me.signed_in_bridge("--auth-dir", "here")
    case.check("result" in b.call(1, "tools/list"), "not signed in")


def umask_makes_no_file_wider(case):
    me = Person(case)
    wrapper = case.file("wide", "#!/bin/sh\numask 000\nexec %s \"$@\"\n" % PROGRAM, 0o755)
    me.login(binary=wrapper)
    os.unlink(me.path())
    p = me.bridge(binary=wrapper)
    p.handshake()
    for f in me.files():
        case.equal(me.mode(f), 0o600, "mode of " + f)


def service_that_refuses_every_token_opens_one_page(case):
    me = Person(case)

    def handler(r):
        if r.path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": server.url, "authorization_servers": [me.url], "scopes_supported": ["events"]})
        else:
            r.reply(401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
    server = case.server(handler)
    p = case.start(server.url, "--disable-resource-parameter", token=None, env=me.env)
    for n in range(3):
        p.send(request(n, "tools/list"))
        case.is_error(p.answer(n), -31401, "mpmcp login --force")
    case.equal(me.count("authorize"), 1, "pages")
    case.check(len([r for r in server.requests if r.method == "POST"]) <= 9, "%d requests" % len(server.requests))


def era_of_the_server_is_remembered_with_the_sign_in(case):
    me = Person(case, "--era", "modern")
    me.login()
    case.equal(me.record()["word"], "modern", "what login learnt when it asked for the projects")
    me.change(word=None, word_at=None)

    def methods():
        """What a bridge in front of a legacy client sends."""
        seen = me.ask("log?since=0")[-1]["n"]
        p = me.bridge()
        case.check("result" in p.handshake(), "no result")
        case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
        case.equal(p.finish(), 0, "status")
        # Only what an answer was waited for: another bridge's subscription may arrive when it is gone.
        return [row["rpc"] for row in me.ask("log?since=%d" % seen) if row.get("rpc") in ("initialize", "server/discover", "tools/call")]
    case.equal(methods()[:2], ["initialize", "server/discover"], "first messages")
    record = me.record()
    case.equal(record["word"], "modern", "what is kept")
    case.check(abs(record["word_at"] - time.time()) < 3600, "when")
    case.equal(methods()[0], "server/discover", "first message of the next bridge")
    # The server has changed: the first refusal shows it.
    me.set(era="legacy")
    case.equal(methods()[:2], ["server/discover", "initialize"], "first messages before another server")
    me.change(word_at=me.record()["word_at"] - 25 * 3600)
    case.equal(methods()[0], "initialize", "first message when the word is old")


def input_that_ended_before_the_sign_in_was_needed_ends_the_bridge_at_once(case):
    me = Person(case, before="sys.exit()")
    p = me.bridge()
    p.send(INITIALIZE)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.is_error(p.answer(0), -31401, "mpmcp login")


def input_that_ended_before_a_refresh_was_refused_ends_the_bridge_at_once(case):
    me = Person(case, before="sys.exit()")
    p = me.login(status=None, env={"BROWSER": me.case.file("follow", FOLLOW, 0o755)})
    case.equal(p.wait(), 0, "status")
    me.ask("revoke")
    p = me.bridge()
    p.send(INITIALIZE)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.is_error(p.answer(0), -31401, "mpmcp login")


# ---- how clients open, before there is a sign-in

MODERN = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientInfo": {"name": "case", "version": "1"},
          "io.modelcontextprotocol/clientCapabilities": {}}


def _modern(ident, method, **params):
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": dict(params, _meta=MODERN)}


def client_that_discovers_and_then_initializes_on_one_pipe_signs_in_once(case):
    """Claude Code: server/discover first, initialize on the same process, whatever the answer was."""
    for era in ("legacy", "modern"):
        me = Person(case, "--era", era)
        p = me.bridge()
        p.send(_modern("d", "server/discover"), INITIALIZE)
        p.answer("d")
        case.check("result" in p.answer(0), "no result of initialize at a %s server" % era)
        p.send(INITIALIZED)
        case.check("result" in p.call(1, "tools/list"), "no tools at a %s server" % era)
        case.equal((p.finish(), me.count("authorize")), (0, 1), "status and pages at a %s server" % era)


def client_that_never_initializes_signs_in_too(case):
    for era in ("legacy", "modern"):
        me = Person(case, "--era", era)
        p = me.bridge()
        p.send(_modern("d", "server/discover"))
        p.answer("d")
        p.send(_modern(1, "tools/list"))
        case.check("result" in p.answer(1), "no tools at a %s server: %r" % (era, p.messages()[-1]))
        case.equal((p.finish(), me.count("authorize")), (0, 1), "status and pages at a %s server" % era)


def both_ways_to_open_hear_of_the_sign_in_and_go_on_after_it(case):
    me = Person(case)
    p = me.bridge(env={"CI": "1"})
    p.send(_modern("d", "server/discover"), INITIALIZE, _modern(1, "tools/list"))
    p.answer("d")
    for ident in (0, 1):
        case.is_error(p.answer(ident), -31401, "mpmcp login " + me.url)
    me.login()
    p.send(dict(INITIALIZE, id=2))
    case.check("result" in p.answer(2), "no result after the sign-in")
    p.send(INITIALIZED)
    case.check("result" in p.call(3, "tools/list"), "no tools after the sign-in")
    case.equal(p.finish(), 0, "status")
