"""Renewing tokens: early, on a refusal, once for all processes, and never at the price of a sign-in."""

import contextlib
import json
import os
import signal
import time
import urllib.request

from harness import DEADLINE, INITIALIZE, request
from people import Person


def _call(case, bridge, ident, method="tools/list"):
    case.check("result" in bridge.call(ident, method), "no result for %d" % ident)


def _end(me):
    """The token is at its end, by its date."""
    me.change(expires=int(time.time()) - 10)


def _near_end(me):
    """It serves for another while, and is to be renewed."""
    me.change(obtained=int(time.time()) - 36000, expires=int(time.time()) + 50)


def _wait_for_refresh(case, me):
    end = time.monotonic() + DEADLINE
    while not me.count("token:refresh_token"):
        case.check(time.monotonic() < end, "no refresh")
        time.sleep(0.02)


def refused_token_is_refreshed_once_and_the_call_repeated(case):
    me = Person(case)
    me.login()
    p = me.signed_in_bridge()
    me.expire()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    before = me.record()
    case.equal(me.count("token:refresh_token"), 1, "refreshes")
    me.expire()
    case.check("result" in p.call(2, name="Get-Projects", arguments={}), "no result")
    after = me.record()
    case.check(before["refresh_token"] != after["refresh_token"], "the rotated refresh token was not kept")
    case.equal((me.count("token:refresh_token"), me.count("reuse")), (2, 0), "refreshes and reuse")


def ended_token_is_refreshed_before_it_is_sent(case):
    me = Person(case)
    me.login()
    _end(me)
    me.expire()
    p = me.signed_in_bridge()
    _call(case, p, 1)
    case.equal((me.count("token:refresh_token"), me.count("authorize")), (1, 1), "refreshes and sign-ins")
    refused = [r for r in me.ask("log") if r.get("status") == 401 and "authorization" in r["headers"]]
    case.equal(refused, [], "refused requests")


def token_near_its_end_is_renewed_beside_the_requests(case):
    """A token endpoint that never answers costs nothing while the token serves."""
    me = Person(case, "--fault", "refresh-hang")
    me.login()
    _near_end(me)
    p = me.signed_in_bridge()
    for n in range(1, 4):
        _call(case, p, n)
    _wait_for_refresh(case, me)
    case.check(me.record()["refresh_token"], "the sign-in is gone")


def short_lived_token_is_not_renewed_all_the_time(case):
    me = Person(case, "--token-ttl", "55")  # less than the minute before its end in which another one is renewed
    me.login()
    p = me.signed_in_bridge()
    for n in range(1, 6):
        _call(case, p, n)
    case.equal(me.count("token:refresh_token"), 0, "refreshes")


def twenty_bridges_with_an_ended_token_refresh_once(case):
    me = Person(case)
    me.login()
    _end(me)
    bridges = [me.bridge(env={}) for _ in range(20)]
    for b in bridges:
        b.send(INITIALIZE)
    for b in bridges:
        case.check("result" in b.answer(0), "a bridge was not served")
    case.equal((me.count("token:refresh_token"), me.count("reuse"), me.count("authorize")), (1, 0, 1), "refreshes, reuse, sign-ins")


def twenty_bridges_that_are_refused_refresh_once(case):
    me = Person(case)
    me.login()
    bridges = [me.signed_in_bridge() for _ in range(20)]
    me.expire()
    for b in bridges:
        b.send(request(1, "tools/list"))
    for b in bridges:
        case.check("result" in b.answer(1), "a bridge was not served")
    case.equal((me.count("token:refresh_token"), me.count("reuse"), me.count("authorize")), (1, 0, 1), "refreshes, reuse, sign-ins")


def refresh_token_is_kept_when_the_answer_has_none(case):
    me = Person(case, "--fault", "refresh-none")
    me.login()
    before = me.record()["refresh_token"]
    p = me.signed_in_bridge()
    for n in (1, 2):
        me.expire()
        _call(case, p, n)
    case.equal(me.record()["refresh_token"], before, "refresh token")


def refresh_token_that_comes_back_the_same_is_fine(case):
    me = Person(case, "--fault", "refresh-kept")
    me.login()
    p = me.signed_in_bridge()
    for n in (1, 2):
        me.expire()
        _call(case, p, n)
    case.equal(me.count("authorize"), 1, "sign-ins")


def refresh_that_fails_keeps_the_token_and_answers(case):
    me = Person(case, "--fault", "refresh-500")
    me.login()
    before = me.record()
    p = me.signed_in_bridge()
    me.expire()
    case.is_error(p.call(1, "tools/list"), -31500, "still saved", "HTTP 500", "mpmcp login --force")
    case.equal(me.record()["refresh_token"], before["refresh_token"], "refresh token")
    case.equal(me.count("authorize"), 1, "sign-ins")
    me.set(fault="")
    _call(case, p, 2)


def refresh_that_fails_once_is_tried_again(case):
    me = Person(case)
    me.login()
    real = me.record()["token_endpoint"]

    def handler(r):
        if len(server.requests) == 1:
            return r.reply(500)
        r.json(urllib.request.urlopen(urllib.request.Request(real, r.body, {
            "Content-Type": "application/x-www-form-urlencoded"}), timeout=DEADLINE).read().decode())
    server = case.server(handler)
    me.change(token_endpoint=server.origin + "/token")
    p = me.signed_in_bridge()
    me.expire()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal(len(server.requests), 2, "tries")


def token_endpoint_that_does_not_answer_keeps_the_token(case):
    """Nobody listens there; and then somebody who hangs up on every request."""
    closing = case.server(lambda r: r.close())
    for endpoint in ("http://127.0.0.1:1/token", closing.origin + "/token"):
        me = Person(case)
        me.login()
        before = me.record()
        p = me.signed_in_bridge()
        me.change(token_endpoint=endpoint)
        me.expire()  # last: "initialized" may be what is refused
        case.is_error(p.call(1, "tools/list"), -31503, "still saved")
        case.equal(me.record()["refresh_token"], before["refresh_token"], "refresh token")
        me.change(token_endpoint=before["token_endpoint"])
        _call(case, p, 2)
        os.unlink(me.path())
    case.check(len(closing.requests) in (3, 6), "%d tries" % len(closing.requests))  # initialized may have been refused, too


def answers_that_are_no_tokens_keep_the_token(case):
    for fault in ("token-html", "token-newline"):
        me = Person(case)
        me.login()
        before = me.record()
        p = me.signed_in_bridge()
        # Before the token ends: "initialized" may be what is refused. Were none kept, the lost answer would have been a new token.
        me.set(fault="refresh-kept," + fault)
        me.expire()
        answer = p.call(1, "tools/list")
        case.check("still saved" in answer["error"]["message"], "%s: %r" % (fault, answer))
        after = me.record()
        case.equal((after["refresh_token"], after["access_token"]), (before["refresh_token"], before["access_token"]), fault)
        os.unlink(me.path())


def dead_refresh_token_means_a_new_sign_in(case):
    for form in ([], ["--fault", "grant-401"]):
        me = Person(case, *form)
        me.login()
        me.ask("revoke")
        p = me.bridge()
        p.handshake()
        _call(case, p, 1)
        case.equal(me.count("authorize"), 2, "sign-ins")
        os.unlink(me.path())


def refresh_token_refused_in_other_words_is_kept_until_the_person_has_signed_in(case):
    for fault, status in (("refresh-200", 200), ("refresh-invalid-request", 400), ("refresh-invalid-token", 401)):
        me = Person(case, "--fault", fault)
        me.login()
        before = me.record()
        me.ask("revoke")
        p = me.bridge(env={})
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31401, "HTTP %d" % status, "unknown, used or revoked", "mpmcp login --force " + me.url)
        after = me.record()
        case.equal([after[k] for k in ("access_token", "refresh_token")], [before[k] for k in ("access_token", "refresh_token")], fault)
        p = me.bridge()
        p.handshake()
        _call(case, p, 1)
        case.equal((me.count("authorize"), me.record()["refresh_token"] != after["refresh_token"]), (2, True), "sign-ins, and a new token")
        os.unlink(me.path())


def tokens_with_status_201_are_taken(case):
    """A refresh that is not understood would throw the rotated token away."""
    me = Person(case, "--fault", "token-201")
    me.login()
    p = me.signed_in_bridge()
    for n in (1, 2):
        me.expire()
        _call(case, p, n)
    case.equal((me.count("authorize"), me.count("token:refresh_token"), me.count("reuse")), (1, 2, 0), "sign-ins, refreshes, reuse")


def names_and_tokens_may_hold_blanks(case):
    me = Person(case, "--fault", "vschar")
    me.login()
    case.equal([" " in me.record()[k] for k in ("client_id", "refresh_token")], [True, True], "blanks")
    p = me.signed_in_bridge()
    me.expire()
    _call(case, p, 1)
    case.equal((me.count("authorize"), me.count("token:refresh_token")), (1, 1), "sign-ins, refreshes")


def dead_refresh_token_lets_the_access_token_serve_to_its_end(case):
    me = Person(case, "--fault", "refresh-dead")
    me.login()
    _near_end(me)
    p = me.signed_in_bridge()
    _call(case, p, 1)
    _wait_for_refresh(case, me)
    end = time.monotonic() + DEADLINE
    while "refresh_token" in me.record():
        case.check(time.monotonic() < end, "the dead token is kept")
        time.sleep(0.02)
    _call(case, p, 2)
    case.check(me.record()["access_token"], "the access token is gone")


def storm_of_401_is_bounded(case):
    """A service that refuses whatever it is given: a few requests and one page for each call, no loop."""
    me = Person(case)
    me.login()
    p = me.bridge()
    p.handshake()
    me.set(auth="required", account_expired="1", token_ttl="0")
    me.expire()
    before = len(me.ask("log"))
    for n in (1, 2, 3):
        case.is_error(p.call(n, "tools/list"), -31401, "mpmcp login --force")
    case.equal(me.count("authorize"), 2, "pages")
    case.check(len(me.ask("log")) - before < 40, "%d requests" % (len(me.ask("log")) - before))


def clock_that_is_wrong_by_a_day_costs_a_refresh_at_most(case):
    me = Person(case)
    me.login()
    now, day = int(time.time()), 86400
    for obtained, expires in ((now - day, now - day + 36000), (now + day, now + day + 36000)):
        me.change(obtained=obtained, expires=expires)
        p = me.signed_in_bridge()
        _call(case, p, 1)
        me.expire()
        _call(case, p, 2)
    case.equal((me.count("authorize"), me.count("reuse")), (1, 0), "sign-ins and reuse")
    # Without a way to renew it, a token that ended by a wrong clock may still be good: the service decides.
    record = me.record()
    me.change(refresh_token=None, obtained=now - 2 * day, expires=now - day)
    _call(case, me.signed_in_bridge(), 1)
    me.change(**record)


def odd_lifetimes_do_no_harm(case):
    for fault in ("expires-missing", "expires-zero", "expires-negative", "expires-string", "expires-huge"):
        me = Person(case, "--fault", fault)
        me.login()
        p = me.signed_in_bridge()
        _call(case, p, 1)
        case.equal(me.count("token:refresh_token"), 0, "refreshes with " + fault)
        me.expire()
        _call(case, p, 2)
        os.unlink(me.path())


def server_without_refresh_tokens_asks_again_when_the_token_ends(case):
    me = Person(case, "--fault", "no-refresh")
    me.login()
    p = me.bridge()
    p.handshake()
    me.expire()
    _call(case, p, 1)
    case.equal(me.count("authorize"), 2, "sign-ins")


# ---- the client leaves in the middle


def kill_in_the_middle_of_a_refresh_signs_nobody_out(case):
    """The server has rotated the token, the bridge is dead: what keeps the answer is not the bridge."""
    me = Person(case)
    me.login()
    before = me.record()
    asked, go = me.hold_refresh()
    _end(me)
    p = me.bridge(env={})
    p.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    os.killpg(p.process.pid, signal.SIGKILL)
    p.process.wait()
    go.set()
    end = time.monotonic() + DEADLINE
    while me.record()["refresh_token"] == before["refresh_token"]:
        case.check(time.monotonic() < end, "the answer was lost")
        time.sleep(0.02)
    _call(case, me.signed_in_bridge(), 1)
    case.equal((me.count("reuse"), me.count("authorize")), (0, 1), "reuse and sign-ins")


def others_wait_for_the_refresh_of_a_bridge_that_was_killed(case):
    me = Person(case)
    me.login()
    asked, go = me.hold_refresh()
    _end(me)
    first = me.bridge(env={})
    first.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    others = [me.bridge(env={}) for _ in range(5)]
    for b in others:
        b.send(INITIALIZE)
    first.process.kill()
    first.process.wait()
    go.set()
    for b in others:
        case.check("result" in b.answer(0), "a bridge was not served")
    case.equal((me.count("token:refresh_token"), me.count("reuse")), (1, 0), "refreshes and reuse")


def refresh_whose_process_is_killed_is_tried_again(case):
    me = Person(case)
    me.login()
    asked, go = me.hold_refresh()
    me.set(fault="refresh-kept")  # the answer that is lost must not have been the only good token
    _end(me)
    p = me.bridge(env={})
    p.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    for pid in case.strays():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    go.set()
    answer = p.answer(0)
    if "error" in answer:
        case.is_error(answer, -31503, "still saved")
        case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal(me.count("authorize"), 1, "sign-ins")
    case.check(me.record()["refresh_token"], "the sign-in is gone")


def end_of_input_in_the_middle_of_a_refresh_ends_the_bridge(case):
    me = Person(case)
    me.login()
    before = me.record()
    asked, go = me.hold_refresh()
    _end(me)
    p = me.bridge(env={})
    p.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    p.signal(signal.SIGTERM)
    p.process.wait(DEADLINE)  # not for the end of its output: valgrind holds that open in the process that refreshes
    go.set()
    end = time.monotonic() + DEADLINE
    while me.record()["refresh_token"] == before["refresh_token"]:
        case.check(time.monotonic() < end, "the answer was lost")
        time.sleep(0.02)


def input_that_ends_at_once_is_answered_after_a_refresh(case):
    """echo ... | mpmcp URL, with a token that has ended: nobody has to sign in for that."""
    me = Person(case)
    me.login()
    _end(me)
    p = me.bridge(env={})
    p.send(INITIALIZE)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.check("result" in p.answer(0), "answer %r" % p.lines)


# ---- other ways to a token


def id_token_is_sent_where_it_is_wanted(case):
    me = Person(case, "--fault", "id-token")
    me.login("--use-id-token")
    record = me.record()
    case.equal(record["access_token"].count("."), 2, "dots in the token")
    case.secrets.append(record["access_token"])
    p = me.signed_in_bridge("--use-id-token")
    _call(case, p, 1)
    me.expire()
    _call(case, p, 2)
    case.check(me.record()["access_token"] != record["access_token"], "the same ID token")
    # Without the option it is another sign-in.
    q = me.bridge(env={})
    q.send(INITIALIZE)
    case.is_error(q.answer(0), -31401, "mpmcp login")


def client_credentials_bring_a_token_without_a_person(case):
    me = Person(case, "--fault", "client-credentials", browser=False)
    info = case.file("client.json", json.dumps({"client_id": "sandbox-machine", "client_secret": "${MACHINE_SECRET}"}))
    env = {"MACHINE_SECRET": me.box["client_secret"]}
    args = ("--client-credentials", "--static-oauth-client-info", "@" + info)
    p = me.bridge(*args, env=env)
    p.handshake()
    _call(case, p, 1)
    me.expire()
    _call(case, p, 2)
    case.equal((me.count("token:client_credentials"), me.count("authorize")), (2, 0), "tokens and pages")
    case.equal(me.kept(), [], "files")
    for bad, text in (({"MACHINE_SECRET": "wrong-secret"}, "client"), ({}, "MACHINE_SECRET")):
        q = me.bridge(*args, env=bad)
        q.send(INITIALIZE)
        case.check(text in q.answer(0)["error"]["message"], "words %r" % q.lines)


def client_credentials_at_a_named_endpoint_need_no_discovery(case):
    me = Person(case, "--fault", "client-credentials", "--fault", "no-metadata", browser=False)
    info = json.dumps({"client_id": "sandbox-machine", "client_secret": "${MACHINE_SECRET}"})
    p = me.bridge("--client-credentials", "--static-oauth-client-info", info, "--token-endpoint", me.box["oauth"] + "/oauth/token/",
                  "--static-oauth-client-metadata", '{"token_endpoint_auth_method":"client_secret_post","scope":"events"}',
                  env={"MACHINE_SECRET": me.box["client_secret"]})
    p.handshake()
    _call(case, p, 1)
    asked = [r for r in me.ask("log") if r.get("path") == "/oauth/token/"][0]["form"]
    case.equal((asked.get("scope"), "client_secret" in asked, "resource" in asked), ("events", True, False), "form")
