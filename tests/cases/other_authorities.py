"""Signing in at authorization servers that differ from the service's: each case scripts what it needs of one."""

import sys
import urllib.parse

DOCUMENT = "https://client.example/mpmcp.json"

# Follows redirects to the callback.
BROWSER = "#!%s\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=60).read()\n" % sys.executable


def _authority(case, metadata, resource=True):
    """An MCP server and its authorization server on one origin; metadata(origin) overrides fields of its document."""
    def handler(r):
        path, _, query = r.path.partition("?")
        if path == "/.well-known/oauth-protected-resource/mcp" and resource:
            r.json({"resource": server.url, "authorization_servers": [server.origin]})
        elif path == "/.well-known/oauth-authorization-server":
            r.json(dict({"issuer": server.origin, "authorization_endpoint": server.origin + "/authorize",
                         "token_endpoint": server.origin + "/token", "registration_endpoint": server.origin + "/register",
                         "code_challenge_methods_supported": ["S256"]}, **metadata(server.origin)))
        elif path == "/register":
            r.json({"client_id": "registered"}, status=201)
        elif path == "/authorize":
            q = dict(urllib.parse.parse_qsl(query))
            r.reply(302, headers={"Location": q["redirect_uri"] + "?" + urllib.parse.urlencode({"code": "c0de", "state": q["state"]})})
        elif path == "/token":
            r.json({"access_token": "t0ken-of-the-case", "token_type": "Bearer", "expires_in": 3600})
        elif path != "/mcp":
            r.reply(404)
        elif r.headers.get("authorization") != "Bearer t0ken-of-the-case":
            r.reply(401, headers={"WWW-Authenticate": "Bearer"})
        else:
            r.answer()
    server = case.server(handler)
    case.secrets.append("t0ken-of-the-case")
    return server


def _login(case, server, *args):
    p = case.start("login", server.url, *args, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
    p.end_input()
    return p.wait(), p


def _client_ids(server):
    """The client_id of each authorize and token request."""
    asked = [r.path.partition("?")[2] for r in server.requests if r.path.startswith("/authorize")]
    asked += [r.body.decode() for r in server.requests if r.path == "/token"]
    return [urllib.parse.parse_qs(x)["client_id"][0] for x in asked]


def client_document_takes_the_place_of_a_registration(case):
    server = _authority(case, lambda _: {"client_id_metadata_document_supported": True})
    case.equal(_login(case, server, "--client-metadata-url", DOCUMENT)[0], 0, "status")
    case.equal(_client_ids(server), [DOCUMENT, DOCUMENT], "clients")
    case.check(not [r for r in server.requests if r.path == "/register"], "a registration")


def client_document_is_not_used_where_it_is_not_offered(case):
    offered = {"client_id_metadata_document_supported": True}
    server = _authority(case, lambda _: offered)
    case.equal(_login(case, server, "--client-metadata-url", DOCUMENT)[0], 0, "status")
    offered.clear()
    case.equal(_login(case, server, "--client-metadata-url", DOCUMENT, "--force")[0], 0, "status after it was withdrawn")
    case.equal(_client_ids(server), [DOCUMENT, "registered", DOCUMENT, "registered"], "clients")


def server_without_resource_metadata_may_name_an_issuer_of_its_own_origin(case):
    server = _authority(case, lambda origin: {"issuer": origin + "/oauth"}, resource=False)
    case.equal(_login(case, server)[0], 0, "status")


def server_without_resource_metadata_may_not_name_an_issuer_elsewhere(case):
    server = _authority(case, lambda _: {"issuer": "https://elsewhere.example"}, resource=False)
    status, p = _login(case, server)
    case.check(status != 0 and b"names another issuer" in p.errors, "words: %r" % p.errors)
    case.check(not [r for r in server.requests if r.path == "/register"], "a registration")


def issuer_named_by_the_resource_is_compared_as_a_string(case):
    server = _authority(case, lambda origin: {"issuer": origin + "/"})
    status, p = _login(case, server)
    case.check(status != 0 and b"names another issuer" in p.errors, "words: %r" % p.errors)
