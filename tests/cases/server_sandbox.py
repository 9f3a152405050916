"""The sandbox itself: what the other cases rely on it to refuse."""

import base64
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import DEADLINE, ROOT, Failed

SANDBOX = os.path.join(ROOT, "tests/server/sandbox.py")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
CALLBACK = "http://localhost:1/callback"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


def _http(url, body=None, headers=None):
    """(status, headers, body) whatever the status; body: a form as a dict, or bytes."""
    if isinstance(body, dict):
        body = urllib.parse.urlencode(body).encode()
    try:
        answer = urllib.request.build_opener(_NoRedirect).open(urllib.request.Request(url, body, headers or {}), timeout=DEADLINE)
    except urllib.error.HTTPError as problem:
        answer = problem
    with answer:
        return answer.status, answer.headers, answer.read()


# ---- signing in


def _register(box, **more):
    asks = {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token"], **more}
    return json.loads(_http(box["oauth"] + "/oauth/mcp/register/", json.dumps(asks).encode())[2])["client_id"]


def _authorize(box, client, **more):
    """The fields of the redirect."""
    q = {"response_type": "code", "client_id": client, "redirect_uri": CALLBACK, "state": "s", "code_challenge": CHALLENGE,
         "code_challenge_method": "S256", **more}
    status, headers, _ = _http(box["oauth"] + "/oauth/authorize?" + urllib.parse.urlencode(q))
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(headers["Location"]).query)) if status == 302 else {}


def _token(box, **form):
    status, _, body = _http(box["oauth"] + "/oauth/token/", form)
    return status, json.loads(body)


def _exchange(box, client, code, **more):
    return _token(box, **{"grant_type": "authorization_code", "client_id": client, "code": code, "redirect_uri": CALLBACK,
                          "code_verifier": VERIFIER, **more})


def _signed_in(box):
    client = _register(box)
    return client, _exchange(box, client, _authorize(box, client)["code"])[1]


def _takes(box, token):
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    return _http(box["mcp"], body, {"Authorization": "Bearer " + token, "Content-Type": "application/json",
                                    "Accept": "application/json, text/event-stream"})[0] == 200


def codes_need_their_verifier_and_serve_once(case):
    box = case.sandbox("--auto", "approve")
    client = _register(box)
    for wrong in ({"code_verifier": "w" * 43}, {"redirect_uri": CALLBACK + "x"}, {"code": "x"}, {"client_id": _register(box)}):
        code = _authorize(box, client)["code"]
        case.equal(_exchange(box, **{"client": client, "code": code, **wrong})[1].get("error"), "invalid_grant", "answer to %r" % wrong)
    code = _authorize(box, client)["code"]
    status, told = _exchange(box, client, code)
    case.equal((status, told["token_type"], told["expires_in"], _takes(box, told["access_token"])), (200, "Bearer", 36000, True), "answer")
    case.equal(_exchange(box, client, code)[1]["error"], "invalid_grant", "second use")
    case.check(not _takes(box, told["access_token"]), "the tokens of a code that was used twice are still good")


def authorize_refuses_what_it_must(case):
    box = case.sandbox("--auto", "approve", "--require-resource")
    client, ok = _register(box), {"resource": box["mcp"]}
    for error, more in (("invalid_scope", {"scope": "openid email profile"}), ("invalid_target", {"resource": box["mcp"] + "/"}),
                        ("invalid_request", {"code_challenge_method": "plain"}), ("unsupported_response_type", {"response_type": "token"})):
        case.equal(_authorize(box, client, **{**ok, **more}).get("error"), error, "answer to %r" % more)
    case.equal(_authorize(box, client).get("error"), "invalid_target", "answer without resource")
    case.equal(_authorize(box, "nobody", **ok), {}, "redirect for an unknown client")
    case.equal(_authorize(box, client, redirect_uri="http://localhost:2/callback", **ok), {}, "redirect to another port")
    case.check("code" in _authorize(box, client, **ok), "no code")
    case.equal(_http(box["oauth"] + "/oauth/token", {"grant_type": "refresh_token"})[0], 404, "token without its slash")


def revokes_the_family_of_a_refresh_token_used_twice(case):
    box = case.sandbox("--auto", "approve")
    client, first = _signed_in(box)
    form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": first["refresh_token"]}
    second = _token(box, **form)[1]
    case.check(_takes(box, second["access_token"]) and second["refresh_token"] != first["refresh_token"], "no rotation")
    case.equal(_token(box, **form), (400, {"error": "invalid_grant", "error_description": "the refresh token is unknown, used or revoked"}), "second use")
    case.check(not _takes(box, second["access_token"]), "the family lives")
    case.equal(_token(box, **dict(form, refresh_token=second["refresh_token"]))[0], 400, "refresh of the family")
    case.equal(case.control(box, "stats")["reuse"], 1, "reuses")


def documents_have_the_shape_of_the_service(case):
    box = case.sandbox()
    origin = box["mcp"][:-4]
    documents = [json.loads(_http(origin + "/.well-known/oauth-" + tail)[2]) for tail in
                 ("protected-resource/mcp", "protected-resource", "authorization-server/mcp", "authorization-server")]
    resource, server = documents[0], documents[2]
    case.equal((documents[1], documents[3]), (resource, server), "pathless documents")
    case.equal(sorted(resource), ["authorization_servers", "bearer_methods_supported", "resource", "scopes_supported"], "fields")
    case.equal((resource["resource"], resource["authorization_servers"], server["issuer"]), (box["mcp"], [box["mcp"]], box["mcp"]), "names")
    case.equal(sorted(server), ["authorization_endpoint", "code_challenge_methods_supported", "grant_types_supported", "issuer",
                                "registration_endpoint", "response_types_supported", "scopes_supported", "token_endpoint",
                                "token_endpoint_auth_methods_supported"], "fields")
    case.equal([server[k] for k in ("authorization_endpoint", "token_endpoint", "registration_endpoint")],
               [box["oauth"] + p for p in ("/oauth/authorize", "/oauth/token/", "/oauth/mcp/register/")], "endpoints")


def pages_lead_a_person_through_login_and_consent(case):
    box = case.sandbox("--login")
    client = _register(box)
    q = urllib.parse.urlencode({"response_type": "code", "client_id": client, "redirect_uri": CALLBACK, "state": "s",
                                "code_challenge": CHALLENGE, "code_challenge_method": "S256", "scope": "projects events"})
    status, headers, _ = _http(box["oauth"] + "/oauth/authorize?" + q)
    case.check(status == 302 and "/login/?next=" in headers["Location"], "no login page")
    following = urllib.parse.parse_qs(urllib.parse.urlsplit(headers["Location"]).query)["next"][0]
    status, headers, _ = _http(box["oauth"] + "/login/", {"next": following})
    cookie, page = headers["Set-Cookie"].split(";")[0], _http(headers["Location"], None, {"Cookie": headers["Set-Cookie"].split(";")[0]})[2].decode()
    case.check("MCP Client" in page and "projects" in page and "cohorts" not in page, "page")
    request = page.partition('name="request" value="')[2].partition('"')[0]
    status, headers, _ = _http(box["oauth"] + "/oauth/consent", {"request": request, "answer": "approve"}, {"Cookie": cookie})
    case.check(status == 302 and headers["Location"].startswith(CALLBACK + "?code="), "no code")
    case.equal(_http(box["oauth"] + "/oauth/consent", {"request": request, "answer": "approve"})[0], 400, "second click")


def _shape(box):
    """What a client meets on its way, without what differs each time."""
    origin, own, seen = box["mcp"][:-4], box["oauth"], []

    def note(*told):
        seen.append(told)
    for at in ("/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp",
               "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration/mcp", "/authorize"):
        status, headers, body = _http(origin + at)
        note(status, (headers.get("Location") or "").split("?")[0], body)
    status, _, body = _http(own + "/oauth/mcp/register/", json.dumps({"redirect_uris": [CALLBACK, CALLBACK.replace("localhost", "127.0.0.1")],
                            "grant_types": ["authorization_code", "refresh_token", DEVICE]}).encode())
    client = json.loads(body) if status == 201 else {}
    note(status, sorted(client) or body, client.get("token_endpoint_auth_method"))
    me = {k: client.get(k, "") for k in ("client_id", "client_secret")[:1 if client.get("token_endpoint_auth_method") == "none" else 2]}
    ident = client.get("client_id", "")
    fields = _authorize(box, ident)
    note(sorted(fields), fields.get("iss"), fields.get("state"), fields.get("error"))
    note(*[sorted(_authorize(box, *more)) if isinstance(more, tuple) else sorted(_authorize(box, ident, **more)) for more in (
        ("https://client.example/c.json",), {"redirect_uri": CALLBACK.replace("localhost", "127.0.0.1")},
        {"redirect_uri": CALLBACK.replace(":1", ":2")}, {"scope": "offline_access"}, {"resource": "http://other"})])
    form = {"grant_type": "authorization_code", "code": _authorize(box, ident).get("code", ""), "redirect_uri": CALLBACK, "code_verifier": VERIFIER, **me}
    first = _answer(own, form, note)
    if first.get("refresh_token"):
        again = _answer(own, {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], **me}, note)
        note(again.get("refresh_token") == first["refresh_token"])
    _answer(own, {"grant_type": "refresh_token", "refresh_token": "x", **me}, note)
    _answer(own, {"grant_type": "client_credentials", "client_id": box["client_id"], "client_secret": box["client_secret"]}, note)
    note(_http(own + "/oauth/revoke/", dict(me, token="x"))[0])
    device = _http(own + "/oauth/device/", me)
    code = json.loads(device[2]).get("device_code") if device[0] == 200 else ""
    for _ in range(2):
        _answer(own, {"grant_type": DEVICE, "device_code": code, **me}, note)
    note(_http(box["mcp"], b"{}")[1].get("WWW-Authenticate"))
    return repr(seen)


def _answer(own, form, note):
    """The token endpoint's answer, noted without its secrets."""
    status, _, body = _http(own + "/oauth/token/", form)
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        told = {}
    secret = ("access_token", "refresh_token", "id_token")
    note(status, sorted(told) or body[:200], {k: v for k, v in told.items() if k not in secret}, "\n" in told.get("access_token", ""),
         " " in told.get("refresh_token", ""))
    return told


def faults_of_signing_in_each_change_something(case):
    box = case.sandbox("--auto", "approve")
    names = [line.split()[0] for line in subprocess.run([sys.executable, SANDBOX, "--list-faults"], capture_output=True, text=True,
                                                        check=True).stdout.partition("--fail")[0].splitlines()[1:]]
    case.check("iss-wrong" in names and "refresh-hang" in names, "names")
    plain = _shape(box)
    for name in names:
        if name != "refresh-hang":
            case.control(box, "forget-clients")
            case.control(box, "set?fault=" + name)
            case.check(_shape(box) != plain, "the fault %s changes nothing" % name)
    case.control(box, "set?fault=")
    case.equal(_shape(box), plain, "without a fault")


# ---- MCP of 2026-07-28

PREFIX, REVISION = "io.modelcontextprotocol/", "2026-07-28"
ALL = {"elicitation": {"form": {}, "url": {}}, "sampling": {"tools": {}}, "roots": {}}
ELICITED = {"action": "accept", "content": {"name": "Ada"}}


def _post(box, message, headers=None, drop=()):
    """(status, messages of the answer); headers of 2026-07-28 where the message is of it."""
    params = message.get("params", {}) if isinstance(message, dict) else {}
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer Basic " + box["token"]}
    if "_meta" in params:
        sent.update({"MCP-Protocol-Version": REVISION, "Mcp-Method": message["method"]})
        if "name" in params or "uri" in params:
            name = params.get("name", params.get("uri"))
            plain = name.isascii() and name.isprintable() and name == name.strip() and not name.startswith("=?")
            sent["Mcp-Name"] = name if plain else _encoded(name)
    sent.update(headers or {})
    status, told, body = _http(box["mcp"], json.dumps(message).encode(), {k: v for k, v in sent.items() if k not in drop})
    if told.get("Content-Type") == "text/event-stream":
        return status, [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    return status, [json.loads(body)] if body else []


def _encoded(text):
    return "=?base64?%s?=" % base64.b64encode(text.encode()).decode()


def _modern(ident, method, capabilities=None, meta=None, **params):
    fields = {PREFIX + "protocolVersion": REVISION, PREFIX + "clientCapabilities": ALL if capabilities is None else capabilities}
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": {"_meta": {**fields, **(meta or {})}, **params}}


def _call(ident, tool, capabilities=None, meta=None, answers=None, state=None, **arguments):
    more = {k: v for k, v in (("inputResponses", answers), ("requestState", state)) if v is not None}
    return _modern(ident, "tools/call", capabilities, meta, name=tool, arguments=arguments, **more)


def _refused(case, told, status, code):
    case.equal((told[0], told[1][-1].get("error", {}).get("code")), (status, code), "refusal (%r)" % (told,))


def modern_requests_are_checked_field_by_field(case):
    box = case.sandbox("--era", "modern", "--test-tools")
    good = _modern(1, "tools/list")
    case.equal(_post(box, good)[0], 200, "a good request")
    for name in ("MCP-Protocol-Version", "Mcp-Method"):
        _refused(case, _post(box, good, drop=[name]), 400, -32020)
    for more in ({"Mcp-Method": "tools/call"}, {"Mcp-Method": "Tools/list"}, {"MCP-Protocol-Version": "2025-11-25"}):
        _refused(case, _post(box, good, more), 400, -32020)
    call = _call(1, "test-größe")
    case.equal(_post(box, call)[0], 200, "a name that is encoded")
    for name in ("test-gr", "=?base64?***?=", _encoded("test-gr"), "=?BASE64?dGVzdA==?="):
        _refused(case, _post(box, call, {"Mcp-Name": name}), 400, -32020)
    for field in ("protocolVersion", "clientCapabilities"):
        bad = _modern(1, "tools/list")
        del bad["params"]["_meta"][PREFIX + field]
        _refused(case, _post(box, bad), 400, -32602)
    for meta in ({PREFIX + "clientInfo": {"name": "x"}}, {PREFIX + "logLevel": "loud"}, {"progressToken": 1.5},
                 {PREFIX + "clientCapabilities": {"roots": True}}):
        _refused(case, _post(box, _modern(1, "tools/list", meta=meta)), 400, -32602)
    unknown = _modern(1, "tools/list", meta={PREFIX + "protocolVersion": "2027-01-01"})
    told = _post(box, unknown, {"MCP-Protocol-Version": "2027-01-01"})
    _refused(case, told, 400, -32022)
    case.equal(told[1][0]["error"]["data"], {"supported": [REVISION], "requested": "2027-01-01"}, "data")
    for method in ("ping", "logging/setLevel", "resources/subscribe", "tasks/get"):
        _refused(case, _post(box, _modern(1, method)), 404, -32601)
    for message in ({**good, "id": None}, {**good, "id": 1.5}, {"jsonrpc": "2.0", "id": 1, "result": {}}, {**good, "jsonrpc": "1.0"}):
        _refused(case, _post(box, message), 400, -32600)
    _refused(case, _post(box, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}), 400, -32600)
    case.equal(_http(box["mcp"], None, {"Accept": "text/event-stream"})[0], 405, "GET")
    case.equal(_post(box, good, {"Origin": "https://evil.example"})[0], 403, "a page of another host")


def parameters_must_stand_in_their_headers(case):
    box = case.sandbox("--era", "modern", "--test-tools")
    call = _call(1, "test-header", region="eu west ", count=-7, dry=True, place={"city": "Zürich"})
    right = {"Mcp-Param-Region": _encoded("eu west "), "Mcp-Param-Count": "-7.0", "mcp-param-dry-run": "true", "Mcp-Param-City": _encoded("Zürich")}
    case.equal(_post(box, call, right)[0], 200, "all headers right")
    for wrong in ({"Mcp-Param-Region": "eu west"}, {"Mcp-Param-Count": "7"}, {"mcp-param-dry-run": "True"}, {"Mcp-Param-City": "Z"}):
        _refused(case, _post(box, call, {**right, **wrong}), 400, -32020)
    _refused(case, _post(box, call, right, drop=["Mcp-Param-Count"]), 400, -32020)
    case.equal(_post(box, _call(1, "test-header", region="", place={}), {"Mcp-Param-Region": ""})[0], 200, "an empty value")
    _refused(case, _post(box, _call(1, "test-header", region=None), {"Mcp-Param-Region": "null"}), 400, -32020)
    _refused(case, _post(box, _call(1, "test-header", region="=?base64?YQ==?="), {"Mcp-Param-Region": "=?base64?YQ==?="}), 400, -32020)
    case.control(box, "set?param-header=Area")
    _refused(case, _post(box, call, right), 400, -32020)
    listed = {t["name"]: t for t in _post(box, _modern(2, "tools/list"))[1][-1]["result"]["tools"]}
    case.equal(listed["test-header"]["inputSchema"]["properties"]["region"]["x-mcp-header"], "Area", "header of the new list")
    case.equal(len([n for n in listed if n.startswith("test-bad-header-")]), 12, "definitions to be left out")
    case.equal(_post(box, _call(1, "test-bad-header-twice", a="x"))[0], 200, "a call of one of them")


def state_of_a_question_must_come_back_as_it_was(case):
    box = case.sandbox("--era", "modern", "--test-tools")
    first = _post(box, _call(1, "test-ask", rounds=2))[1][-1]["result"]
    case.equal((first["resultType"], list(first["inputRequests"]), "ttlMs" in first), ("input_required", ["elicitation-0"], False), "question")
    state, answers = first["requestState"], {"elicitation-0": ELICITED, "stray": 1}

    def retry(ident=2, **more):
        return _post(box, _call(**{"ident": ident, "tool": "test-ask", "rounds": 2, "answers": answers, "state": state, **more}))
    for wrong in (state.strip(), state.replace("\x00", ""), state.replace("e\u0301", "\u00e9"), state[:-40] + state[-39:], state + " ",
                  state.replace(".", ".a", 1)):
        _refused(case, retry(state=wrong), 400, -32602)
    for more in ({"ident": 1}, {"rounds": 3}, {"answers": {"elicitation-0": {"action": "maybe"}}},
                 {"answers": {"elicitation-0": {"jsonrpc": "2.0", "id": 0, "result": ELICITED}}}):
        _refused(case, retry(**more), 400, -32602)
    again = retry(answers={})[1][-1]["result"]
    case.equal(list(again["inputRequests"]), ["elicitation-0"], "question that was not answered")
    second = retry()[1][-1]["result"]
    case.equal(list(second["inputRequests"]), ["elicitation-1"], "second question")
    done = retry(3, answers={"elicitation-1": ELICITED}, state=second["requestState"])[1][-1]["result"]
    case.equal((done["resultType"], done["structuredContent"]), ("complete", {"rounds": [{"elicitation-0": ELICITED}, {"elicitation-1": ELICITED}]}), "result")


def questions_need_a_capability_and_may_lack_a_state(case):
    box = case.sandbox("--era", "modern", "--test-tools", "--json")
    for kind, have, lacks in (("elicitation", {}, {"elicitation": {"form": {}}}), ("url", {"elicitation": {}}, {"elicitation": {"url": {}}}),
                              ("sampling-tools", {"sampling": {}}, {"sampling": {"tools": {}}}), ("roots", {}, {"roots": {}})):
        told = _post(box, _call(1, "test-ask", have, kinds=[kind]))
        _refused(case, told, 400, -32021)
        case.equal(told[1][0]["error"]["data"], {"requiredCapabilities": lacks}, "data")
    case.equal(_post(box, _call(1, "test-ask", {"elicitation": {}}))[0], 200, "form by an empty object")
    message = _call(1, "test-ask")
    message["params"]["arguments"] = {"kinds": ["roots"], "state": False}
    first = _post(box, message)[1][-1]["result"]
    case.equal((sorted(first), first["inputRequests"]), (["_meta", "inputRequests", "resultType"], {"roots-0": {"method": "roots/list"}}), "question")
    message["params"]["inputResponses"] = {"roots-0": {"roots": [{"uri": "file:///home"}]}}
    case.equal(_post(box, message)[1][-1]["result"]["structuredContent"]["rounds"][0]["roots-0"]["roots"][0]["uri"], "file:///home", "answer")
    message["params"]["requestState"] = "made up"
    _refused(case, _post(box, message), 400, -32602)
    waits = _post(box, _call(1, "test-ask", kinds=[]))[1][-1]["result"]
    case.check("inputRequests" not in waits and "requestState" in waits, "a round with nothing but a state")
    case.equal(_post(box, _call(2, "test-ask", state=waits["requestState"], kinds=[]))[1][-1]["result"]["structuredContent"], {"rounds": [{}]}, "its end")


class _Stream:
    """An event stream, read event by event."""

    def __init__(self, box, url, message=None, headers=None):
        sent = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json", "Authorization": "Bearer Basic " + box["token"]}
        if message and "_meta" in message.get("params", {}):
            sent.update({"MCP-Protocol-Version": REVISION, "Mcp-Method": message["method"], "Mcp-Name": message["params"].get("name", "")})
        body = json.dumps(message).encode() if message else None
        self.answer = urllib.request.urlopen(urllib.request.Request(url, body, {**sent, **(headers or {})}), timeout=DEADLINE)

    def next(self):
        """The fields of the next event; None at the end of the stream."""
        fields = {}
        for line in self.answer:
            if not line.strip():
                if fields:
                    return fields
            elif not line.startswith(b":"):
                name, _, value = line.decode().rstrip("\r\n").partition(": ")
                fields[name] = value
        return None

    def message(self):
        event = self.next()
        while event and not event["data"]:
            event = self.next()
        return event and json.loads(event["data"])

    def close(self):
        self.answer.close()


def _seen(case, box, **row):
    """Waits for a row of the log."""
    rows = case.control(box, "log?" + urllib.parse.urlencode({"wait": DEADLINE, **row}))
    if not rows:
        raise Failed("the log has no row with %r" % row)
    return rows[0]


def subscriptions_tell_what_was_asked_for_and_end_with_a_result(case):
    box = case.sandbox("--era", "modern", "--test-tools", "--json")
    listen = _modern("sub", "subscriptions/listen", notifications={"toolsListChanged": True, "resourceSubscriptions": ["a:b"], "odd": True})
    stream = _Stream(box, box["mcp"], listen)
    mark = {PREFIX + "subscriptionId": "sub"}
    case.equal(stream.message(), {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                                  "params": {"notifications": {"toolsListChanged": True, "resourceSubscriptions": ["a:b"]}, "_meta": mark}}, "first")
    case.control(box, "changed?what=prompts")
    case.control(box, "updated?uri=other")
    case.equal(_post(box, _call(1, "test-updated", uri="a:b"))[1][0]["result"]["structuredContent"], {"told": 1}, "listeners")
    case.control(box, "changed?what=tools")
    case.equal([stream.message()["params"] for _ in range(2)], [{"uri": "a:b", "_meta": mark}, {"_meta": mark}], "notifications")
    case.control(box, "end-subscriptions")
    case.equal(stream.message(), {"jsonrpc": "2.0", "id": "sub", "result": {"resultType": "complete", "_meta": mark}}, "end")
    case.equal(stream.next(), None, "after the end")
    stream.close()


def sees_a_client_leave_or_cancel(case):
    box = case.sandbox("--era", "dual", "--test-tools")
    stream = _Stream(box, box["mcp"], _call("gone", "test-wait"))
    _seen(case, box, event="waiting", id="gone")
    stream.close()
    case.equal(_seen(case, box, event="client-left")["id"], "gone", "request of the client that left")
    call = {"jsonrpc": "2.0", "id": "no", "method": "tools/call", "params": {"name": "test-wait", "arguments": {}}}
    stream = _Stream(box, box["mcp"], call)
    _seen(case, box, event="waiting", id="no")
    _post(box, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "no"}})
    case.equal(stream.next(), None, "answer to a cancelled request")
    case.equal(_seen(case, box, event="cancelled")["known"], True, "cancellation")
    stream = _Stream(box, box["mcp"], _call("on", "test-wait"))
    _seen(case, box, event="waiting", id="on")
    case.control(box, "release")
    case.equal(stream.message()["result"]["structuredContent"]["released"], True, "released")


# ---- the revisions before


def _legacy(ident, method, **params):
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


HELLO = _legacy(0, "initialize", protocolVersion="2025-11-25", capabilities=ALL, clientInfo={"name": "case", "version": "1"})


def _session(box):
    """The headers of a new session."""
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer Basic " + box["token"]}
    _, headers, _ = _http(box["mcp"], json.dumps(HELLO).encode(), sent)
    return {"Mcp-Session-Id": headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-11-25"}


def sessions_are_strict(case):
    box = case.sandbox("--stateful", "--json")
    listing, headers = _legacy(1, "tools/list"), _session(box)
    _refused(case, _post(box, listing, headers), 200, -32600)
    case.equal(_post(box, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers), (202, []), "initialized")
    case.equal(len(_post(box, listing, headers)[1][0]["result"]["tools"]), 65, "tools")
    _refused(case, _post(box, listing, headers, drop=["Mcp-Session-Id"]), 400, -32600)
    _refused(case, _post(box, listing, {**headers, "Mcp-Session-Id": "x"}), 404, -32600)
    for version in ("2025-06-18", "2026-07-28", "x"):
        _refused(case, _post(box, listing, {**headers, "MCP-Protocol-Version": version}), 400, -32600)
    _refused(case, _post(box, [listing], headers), 400, -32600)
    _refused(case, _post(box, {"jsonrpc": "2.0", "id": 7, "result": {}}, headers), 400, -32600)
    case.control(box, "drop-sessions")
    _refused(case, _post(box, listing, headers), 404, -32600)


def streams_are_resumed_after_the_event_that_came_last(case):
    box = case.sandbox("--resumable", "--get", "stream", "--stateful", "--test-tools", "--retry-ms", "1")
    headers = _session(box)
    _post(box, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)
    stream = _Stream(box, box["mcp"], None, headers)
    first = stream.next()
    case.equal((first["id"], first["retry"], first["data"]), ("s1-1", "1", ""), "first event of the GET stream")
    case.control(box, "break-streams")
    case.equal(stream.next(), None, "after the break")
    broken = _Stream(box, box["mcp"], _legacy(5, "tools/call", name="test-break", arguments={}), headers)
    case.equal(broken.next()["data"], "", "first event of the POST stream")
    case.equal(broken.next(), None, "after the break")
    case.control(box, "changed?what=tools")
    rest = _Stream(box, box["mcp"], None, {**headers, "Last-Event-ID": "s2-1"})
    case.equal(rest.message()["result"]["structuredContent"], {"resumed": True}, "rest of the POST stream")
    again = _Stream(box, box["mcp"], None, {**headers, "Last-Event-ID": "s1-1"})
    case.equal(again.message()["method"], "notifications/tools/list_changed", "rest of the GET stream")
    unknown = {**headers, "Authorization": "Bearer Basic " + box["token"], "Accept": "text/event-stream", "Last-Event-ID": "s9-1"}
    case.equal(_http(box["mcp"], None, unknown)[0], 400, "unknown event")


def asks_on_the_stream_of_the_post_or_the_get(case):
    box = case.sandbox("--get", "stream", "--stateful", "--test-tools", "--json")
    headers, done = _session(box), []
    _post(box, {"jsonrpc": "2.0", "method": "notifications/initialized"}, headers)

    def ask(via):
        return _legacy(8, "tools/call", name="test-ask", arguments={"via": via, "kinds": ["elicitation", "roots"]})

    def answer(stream):
        asked = [stream.message() for _ in range(2)]
        case.equal([m["method"] for m in asked], ["elicitation/create", "roots/list"], "questions")
        for m, told in zip(asked, (ELICITED, {"roots": []})):
            case.equal(_post(box, {"jsonrpc": "2.0", "id": m["id"], "result": told}, headers)[0], 202, "answer")
    stream = _Stream(box, box["mcp"], ask("post"), headers)
    answer(stream)
    done.append(stream.message())
    listening = _Stream(box, box["mcp"], None, headers)
    posting = threading.Thread(target=lambda: done.extend(_post(box, ask("get"), headers)[1]))
    posting.start()
    answer(listening)
    posting.join()
    for message in done:
        case.equal(message["result"]["structuredContent"], {"rounds": [{"elicitation-0": ELICITED, "roots-0": {"roots": []}}]}, "result")


def takes_batches_and_speaks_the_old_transport(case):
    box = case.sandbox("--batch", "--json", "--http-sse", "--test-tools")
    _post(box, {**HELLO, "params": {**HELLO["params"], "protocolVersion": "2025-03-26"}})
    batch = [_legacy(1, "ping"), {"jsonrpc": "2.0", "method": "notifications/initialized"}, _legacy("b", "tools/call", name="Get-Projects")]
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer Basic " + box["token"]}
    case.equal([m["id"] for m in json.loads(_http(box["mcp"], json.dumps(batch).encode(), sent)[2])], [1, "b"], "answers of a batch")
    stream = _Stream(box, box["mcp"].replace("/mcp", "/sse"))
    event = stream.next()
    case.equal((event["event"], event["data"][:22]), ("endpoint", "/messages/?session_id="), "first event")
    for message in (HELLO, _legacy(2, "tools/list")):
        case.equal(_http(box["mcp"][:-4] + event["data"], json.dumps(message).encode(), sent)[0], 202, "status")
        case.equal(stream.message()["id"], message["id"], "answer on the stream")
    stream.close()


# ---- credentials, limits, faults


def log_holds_no_secret_and_counts(case):
    box = case.sandbox("--auto", "approve", "--log-bodies")
    client, tokens = _signed_in(box)
    _takes(box, tokens["access_token"])
    _takes(box, box["token"])
    with open(box["log"]) as f:
        text = f.read()
    for secret in (tokens["access_token"], tokens["refresh_token"], VERIFIER, box["token"]):
        case.check(secret not in text, "the log holds a secret")
    rows = [json.loads(line) for line in text.splitlines()]
    case.equal(rows, case.control(box, "log"), "the file and the log")
    case.equal([r["status"] for r in rows if r.get("rpc") == "tools/list"], [200, 401], "statuses")
    case.check('"method": "tools/list"' in rows[-1]["body"], "no body")


def challenges_and_limits_have_their_forms(case):
    box = case.sandbox("--json", "--test-tools")
    call = _legacy(1, "tools/call", name="Get-Projects", arguments={})

    def told(*switches, token=None):
        for s in switches:
            case.control(box, "set?" + s)
        status, headers, body = _http(box["mcp"], json.dumps(call).encode(), {
            "Content-Type": "application/json", "Accept": "application/json, text/event-stream", **({"Authorization": token} if token else {})})
        return status, headers.get_all("WWW-Authenticate"), headers.get("Retry-After"), body
    address = box["mcp"].replace("/mcp", "/.well-known/oauth-protected-resource/mcp")
    case.equal(told(), (401, ['Bearer resource_metadata="%s"' % address], None, b""), "without a token")
    full = told(token="Bearer x")
    case.check(full[1][0].startswith('Bearer error="invalid_token", error_description="Auth') and b"invalid_token" in full[3], "with a token")
    good = "Bearer Basic " + box["token"]
    for bad in ("Basic " + box["token"], "Bearer  Basic " + box["token"], "Bearer Basic  " + box["token"], "Bearer Basic " + box["token"].rstrip("=") + "x"):
        case.equal(told(token=bad)[0], 401, "status with %r" % bad)
    case.equal((told(token=good)[0], told(token=good.replace("Bearer", "bEARER"))[0]), (200, 200), "status of the account")
    case.equal((told("challenge=silent")[1], len(told("challenge=many")[1])), (None, 2), "other forms")
    case.equal(told("challenge=bare", "challenge-scope=a%20b", token="Bearer x")[1:],
               (['Bearer scope="a b", resource_metadata="%s"' % address], None, b""), "bare")
    case.equal(told("deny-tool=Get-Projects", "scope-denied=403", token=good)[0], 403, "missing scope")
    case.check(b"requires scopes: business_context" in told("scope-denied=text", token=good)[3], "missing scope as a text")
    case.equal(told("rate=1", "deny-tool=", token=good)[0], 200, "the last one that is free")
    case.check(told(token=good)[2].isdigit() and told("retry-after=soon", token=good)[2] == "soon", "Retry-After")
    case.check(b"-32000" in told("rate-form=jsonrpc", token=good)[3], "limit as an error")
    case.equal(told("rate=0", "account-expired=1", token=good)[0], 401, "expired account")
    for kind, status in (("500", 500), ("empty-202", 202), ("redirect-same", 307), ("html-200", 200)):
        case.equal(told("fail=tools/call=" + kind, token=good)[0], status, "status of " + kind)


def switches_do_what_their_help_says(case):
    box = case.sandbox("--era", "dual", "--json", "--auto", "approve")
    listing, modern = _legacy(1, "tools/list"), _modern(1, "tools/list")

    def switch(**values):
        case.control(box, "set?" + urllib.parse.urlencode({k.replace("_", "-"): v for k, v in values.items()}))

    def listed(message=listing):
        return _post(box, message)[1][-1]["result"]
    switch(revision="2025-03-26")
    case.equal(_post(box, HELLO)[1][0]["result"]["protocolVersion"], "2025-03-26", "revision")
    _refused(case, _post(box, listing, {"MCP-Protocol-Version": "2025-11-25"}), 400, -32600)
    switch(version_hiccup=1)
    told = _post(box, modern)
    _refused(case, told, 400, -32022)
    case.check(REVISION in told[1][0]["error"]["data"]["supported"] and _post(box, modern)[0] == 200, "one hiccup, with the revision that was asked for")
    for switch_value, status, code in (("header", 400, -32020), ("version", 400, -32022), ("method", 404, -32601)):
        switch(era="modern", initialize_refusal=switch_value)
        told = _post(box, HELLO)
        _refused(case, told, status, code)
        case.check(REVISION in told[1][0]["error"]["message"], "the refusal does not name the revision")
    case.check("resultType" in listed(modern), "no resultType")
    switch(no_result_type=1)
    case.check("resultType" not in listed(modern), "a resultType")
    switch(era="legacy")
    _refused(case, _post(box, modern), 400, -32600)
    switch(page_size=50, new_tool="Later,Last")
    page = listed()
    rest = listed(_legacy(1, "tools/list", cursor=page["nextCursor"]))
    case.equal((len(page["tools"]), [t["name"] for t in rest["tools"]][-2:], "nextCursor" in rest), (50, ["Later", "Last"], False), "pages")
    _refused(case, _post(box, _legacy(1, "tools/list", cursor="x")), 200, -32602)
    hints = {"all": {"readOnlyHint": False, "destructiveHint": True}, "lies": {"readOnlyHint": True, "destructiveHint": False}, "none": None}
    for value, want in hints.items():
        switch(annotations=value, page_size=0)
        have = next(t for t in listed()["tools"] if t["name"] == "Delete-Dashboard").get("annotations")
        case.equal(have and {k: have[k] for k in want}, want, "annotations " + value)
    switch(not_enabled=1)
    events = _legacy(1, "tools/call", name="Get-Events", arguments={"project_id": 1})
    case.check("not enabled" in _post(box, events)[1][0]["result"]["content"][0]["text"], "text")
    switch(json=0)
    sent = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream", "Authorization": "Bearer Basic " + box["token"]}

    def raw(message=listing):
        return _http(box["mcp"], json.dumps(message).encode(), sent)
    case.check(b"\r\n\r\n" in raw()[2] and b": ping" not in raw()[2], "line ends")
    switch(lf=1, ping_comments=1)
    case.check(b"\r" not in raw()[2] and raw()[2].startswith(b": ping\n\n"), "line ends and comments")
    switch(latency="tools/list=30")
    begun = time.monotonic()
    raw()
    case.check(time.monotonic() - begun >= 0.03, "no latency")
    switch(latency="", fail="tools/list=503-retry", fail_times=2)
    case.equal([(raw()[0], raw()[1]["Retry-After"])] + [raw()[0]], [(503, "1"), 200], "failures")
    switch(fail="", auth="late")
    del sent["Authorization"]
    case.equal((raw()[0], raw(_legacy(1, "tools/call", name="Get-Projects"))[0]), (200, 401), "late")
    switch(auth="after-initialize")
    case.equal((raw(HELLO)[0], raw()[0]), (200, 401), "after initialize")
    get = {"Accept": "text/event-stream"}
    case.equal(_http(box["mcp"], None, get)[0], 405, "GET")
    switch(get="401")
    case.equal(_http(box["mcp"], None, get)[0], 401, "GET")
    switch(auto="deny", token_ttl=77, grown_scopes=1)
    client = _register(box)
    case.equal(_authorize(box, client).get("error"), "access_denied", "answer")
    switch(auto="approve")
    told = _exchange(box, client, _authorize(box, client)["code"])[1]
    case.equal((told["expires_in"], len(told["scope"].split())), (77, 20), "token")
