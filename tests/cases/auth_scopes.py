"""Scopes: which are asked for, what happens when one is missing, and when there are more to be had."""

import json
import urllib.parse

from harness import INITIALIZE
from people import FOLLOW, Person

PINNED = ("--static-oauth-client-metadata", '{"scope":"projects analysis"}')


def _scopes(text):
    return set((text or "").split())


def scopes_of_the_resource_are_asked_for(case):
    me = Person(case)
    me.login()
    asked = me.record()["scope_asked"]
    case.equal((len(asked.split()), me.query()["scope"]), (18, asked), "scopes")


def no_scope_is_invented(case):
    me = Person(case, "--fault", "no-scopes")
    me.login()
    case.check("scope" not in me.query() and "scope_asked" not in me.record(), "a scope was asked for")
    case.equal(len(me.record()["scope_granted"].split()), 18, "scopes granted")


def pinned_scope_wins(case):
    me = Person(case, "--challenge-scope", "events")
    me.login(*PINNED)
    case.equal(me.record()["scope_granted"], "projects analysis", "scope")
    me.change(access_token=None, refresh_token=None)
    p = me.bridge(*PINNED)
    p.handshake()
    case.equal(me.query()["scope"], "projects analysis", "scope, with a challenge that names another")


def scope_of_the_challenge_goes_before_the_resource(case):
    me = Person(case, "--challenge-scope", "events funnels")
    p = me.bridge()
    p.handshake()
    case.equal(me.query()["scope"], "events funnels", "scope")


def offline_access_is_asked_for_where_it_is_listed(case):
    me = Person(case, "--fault", "offline-access")
    me.login()
    case.check("offline_access" in me.query()["scope"].split(), "scope")


def missing_scope_steps_up(case):
    me = Person(case, "--step-up", "user_details")
    me.login(*PINNED)
    p = me.bridge()
    p.handshake()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "no result")
    case.equal(_scopes(me.record()["scope_granted"]), {"projects", "analysis", "user_details"}, "scope after")
    case.equal(me.count("authorize"), 2, "pages")


def step_up_that_is_declined_is_asked_once(case):
    me = Person(case, "--step-up", "user_details")
    me.login(*PINNED)
    before = me.record()
    me.set(fault="deny")
    p = me.bridge()
    p.handshake()
    for n in (1, 2, 3):
        case.is_error(p.call(n, name="Get-Projects", arguments={}), -31401, "access_denied", "mpmcp login")
    case.check("result" in p.call(4, "tools/list"), "the old token does not serve any more")
    case.equal((me.count("authorize"), me.record()["access_token"]), (2, before["access_token"]), "pages and token")


def step_up_that_brings_nothing_is_asked_once(case):
    """The person approves, the server gives less: no second page, not for the next call either."""
    me = Person(case, "--step-up", "user_details")
    me.login(*PINNED)
    me.set(fault="scope-narrowed")
    p = me.bridge()
    p.handshake()
    for n in (1, 2, 3):
        case.is_error(p.call(n, name="Get-Projects", arguments={}), -31403, "user_details", "mpmcp login --force")
    case.equal(me.count("authorize"), 2, "pages")


def step_up_that_nobody_completes_leaves_the_sign_in_whole(case):
    """The registration stays with the refresh token that belongs to it."""
    me = Person(case, "--step-up", "user_details")
    me.login(*PINNED)
    before = me.record()
    me.env = {"BROWSER": me.browser("sys.exit()")}
    p = me.bridge("--auth-timeout", "1")
    p.handshake()
    case.is_error(p.call(1, name="Get-Projects", arguments={}), -31401, "1 second")
    case.equal(me.record()["client_id"], before["client_id"], "client")
    me.expire()
    case.check("result" in p.call(2, "tools/list"), "the sign-in cannot be renewed any more")
    case.equal((me.count("register"), me.count("token:refresh_token")), (1, 1), "registrations and refreshes")


def _server(case, offered, challenge):
    """An MCP server that is its own authorization server and grants what is asked for. challenge(scopes): what the 403
    to a call says to a token of these scopes; None: the call is answered."""
    tokens = {}

    def handler(r):
        path, _, query = r.path.partition("?")
        q = dict(urllib.parse.parse_qsl(query or r.body.decode()))
        if path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": server.url, "authorization_servers": [server.origin], "scopes_supported": offered})
        elif path.startswith("/.well-known/"):
            r.json({"issuer": server.origin, "code_challenge_methods_supported": ["S256"], "authorization_endpoint": server.origin
                    + "/authorize", "token_endpoint": server.origin + "/token", "registration_endpoint": server.origin + "/register"})
        elif path == "/register":
            r.json({"client_id": "registered"}, status=201)
        elif path == "/authorize":
            server.asked.append(q.get("scope", ""))
            r.reply(302, headers={"Location": q["redirect_uri"] + "?" + urllib.parse.urlencode(
                {"code": "c0de-%d" % len(server.asked), "state": q["state"]})})
        elif path == "/token":
            token = "t0ken-%d" % len(server.asked)
            tokens["Bearer " + token] = server.asked[-1].split()
            r.json({"access_token": token, "token_type": "Bearer"})
        elif r.headers.get("authorization") not in tokens:
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})
        elif r.rpc_method == "tools/call" and challenge(tokens[r.headers["authorization"]]):
            r.reply(403, headers={"WWW-Authenticate": challenge(tokens[r.headers["authorization"]])})
        else:
            r.answer()
    server = case.server(handler)
    server.asked = []
    return server


def _bridge(case, server, *args):
    p = case.start(server.url, *args, token=None, env={"BROWSER": case.file("follow", FOLLOW, 0o755)})
    p.handshake()
    return p


MISSING = 'Bearer error="insufficient_scope"'


def scope_that_is_held_and_refused_all_the_same_opens_no_page(case):
    server = _server(case, ["a", "b"], lambda _: MISSING + ', scope="a"')
    p = _bridge(case, server)
    for n in (1, 2):
        case.is_error(p.call(n, name="x", arguments={}), -31403, "scope a,", "which the sign-in has")
    case.equal(server.asked, ["a b"], "pages")


def missing_scope_without_a_name_asks_for_what_there_is_more_to_be_had(case):
    server = _server(case, ["a", "b"], lambda scopes: None if "b" in scopes else MISSING)
    p = _bridge(case, server, "--static-oauth-client-metadata", '{"scope":"a"}')
    case.check("result" in p.call(1, name="x", arguments={}), "no result")
    case.equal(server.asked, ["a", "a b"], "pages")


def missing_scope_without_a_name_opens_no_page_when_there_is_no_more(case):
    server = _server(case, ["a", "b"], lambda _: MISSING)
    p = _bridge(case, server)
    for n in (1, 2):
        case.is_error(p.call(n, name="x", arguments={}), -31403, "does not say which")
    case.equal(server.asked, ["a b"], "pages")


def scopes_that_are_asked_for_one_after_the_other_are_kept(case):
    server = _server(case, ["a"], lambda scopes: next((MISSING + ', scope="%s"' % s for s in ("b", "c") if s not in scopes), None))
    p = _bridge(case, server)
    case.check("result" in p.call(1, name="x", arguments={}), "no result")
    case.equal(server.asked, ["a", "a b", "a b c"], "pages")


def endless_step_up_is_bounded(case):
    """Another scope for every token: two pages for a request, then its error."""
    server = _server(case, ["a"], lambda scopes: MISSING + ', scope="s%d"' % len(scopes))
    p = _bridge(case, server)
    case.is_error(p.call(1, name="x", arguments={}), -31403, "mpmcp login --force")
    case.equal(len(server.asked), 3, "pages")


def missing_scope_with_nobody_to_ask_is_kept_for_the_next_sign_in(case):
    me = Person(case, "--step-up", "user_details")
    me.login(*PINNED)
    p = me.bridge(env={})
    p.handshake()
    case.is_error(p.call(1, name="Get-Projects", arguments={}), -31401, "user_details", "mpmcp login --force " + me.url)
    case.equal(me.record()["scope_wanted"], "user_details", "scope that is wanted")
    p = me.run("status", me.url)
    case.check(" new " in _words(p) and "user_details" in _words(p), "words %r" % p.lines)
    me.login("--force", *PINNED)
    case.equal(_scopes(me.record()["scope_granted"]), {"projects", "analysis", "user_details"}, "scope after")
    case.check("scope_wanted" not in me.record(), "it is still wanted")
    case.check("result" in me.signed_in_bridge().call(1, name="Get-Projects", arguments={}), "no result")


def _words(p):
    """What it said, however the lines are broken."""
    return b" ".join(b" ".join(p.lines).split()).decode()


def scopes_that_have_grown_are_told_and_the_old_token_serves(case):
    me = Person(case)
    me.login()
    before = me.record()
    me.set(grown_scopes="1")
    p = me.signed_in_bridge()
    case.check("result" in p.call(1, name="Get-Projects", arguments={}), "the old token does not serve")
    p = me.login()
    text = _words(p)
    case.check("available: alerts warehouse." in text and "mpmcp login --force" in text, "words %r" % text)
    case.equal((me.record()["access_token"], me.count("authorize")), (before["access_token"], 1), "token and sign-ins")
    p = me.run("status", me.url)
    case.check("new alerts warehouse (" in _words(p), "words %r" % p.lines)
    p = me.run("status", me.url, "--json")
    case.equal(json.loads(p.lines[0])["sign_ins"][0]["scope_missing"], "alerts warehouse", "scopes")
    p = me.login("--force")
    case.check(" new alerts warehouse " in _words(p), "words %r" % p.lines)
    p = me.login()
    case.check("--force signs in again" in _words(p), "words %r" % p.lines)


def pinned_scope_that_has_grown_is_told(case):
    me = Person(case)
    me.login(*PINNED)
    p = me.login("--static-oauth-client-metadata", '{"scope":"projects analysis events"}')
    case.check("available: events." in _words(p), "words %r" % p.lines)
    p = me.login(*PINNED)
    case.check("--force signs in again" in _words(p), "words %r" % p.lines)


def scopes_that_were_not_given_are_named(case):
    me = Person(case, "--fault", "scope-narrowed")
    p = me.login("--static-oauth-client-metadata", '{"scope":"projects analysis events"}')
    case.check(" missing events " in _words(p), "words %r" % p.lines)


def scope_that_the_sign_in_server_does_not_know_is_left_out(case):
    """The service may ask for nonsense; that must not spoil every sign-in to come."""
    me = Person(case)
    me.login()
    me.change(access_token=None, refresh_token=None, scope_wanted="nonsense")
    me.login()
    case.equal((me.count("authorize"), "scope_wanted" in me.record()), (3, False), "pages, and whether it is still wanted")
    case.check("nonsense" in me.query(-2)["scope"] and "nonsense" not in me.query()["scope"], "scopes")


def pinned_scope_that_is_unknown_is_named(case):
    me = Person(case)
    p = me.login("--static-oauth-client-metadata", '{"scope":"nonsense"}', status=4)
    case.check(b"nonsense" in p.errors, "words %r" % p.errors)


def plain_403_is_no_matter_of_scopes(case):
    me = Person(case)
    me.login()
    p = me.bridge()
    p.handshake()
    me.set(fail="tools/list=403")
    answer = p.call(1, "tools/list")
    case.check("error" in answer, "no error")
    case.equal(me.count("authorize"), 1, "pages")


def late_scope_challenge_on_initialize_is_answered(case):
    me = Person(case, "--challenge-scope", "events")
    p = me.bridge(env={})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31401, "mpmcp login")
