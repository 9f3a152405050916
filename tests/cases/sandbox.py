"""The sandbox itself: what the other cases rely on it to refuse."""

import base64
import hashlib
import json
import urllib.error
import urllib.parse
import urllib.request

from harness import DEADLINE

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


def _control(box, what, body=None):
    status, _, text = _http(box["oauth"] + "/_sandbox/" + what, body)
    if status != 200:
        raise AssertionError("%s: HTTP %d %r" % (what, status, text))
    return json.loads(text)


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


def sandbox_codes_need_their_verifier_and_serve_once(case):
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


def sandbox_authorize_refuses_what_it_must(case):
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


def sandbox_revokes_the_family_of_a_refresh_token_used_twice(case):
    box = case.sandbox("--auto", "approve")
    client, first = _signed_in(box)
    form = {"grant_type": "refresh_token", "client_id": client, "refresh_token": first["refresh_token"]}
    second = _token(box, **form)[1]
    case.check(_takes(box, second["access_token"]) and second["refresh_token"] != first["refresh_token"], "no rotation")
    case.equal(_token(box, **form), (400, {"error": "invalid_grant", "error_description": "the refresh token is unknown, used or revoked"}), "second use")
    case.check(not _takes(box, second["access_token"]), "the family lives")
    case.equal(_token(box, **dict(form, refresh_token=second["refresh_token"]))[0], 400, "refresh of the family")
    case.equal(_control(box, "stats")["reuse"], 1, "reuses")


def sandbox_documents_have_the_shape_of_the_service(case):
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


def sandbox_pages_lead_a_person_through_login_and_consent(case):
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
