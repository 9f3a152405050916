"""Entries of Mixpanel's and mcp-remote's documentation, word for word, with only the command replaced.

The hosts are the service's own: a proxy in the environment leads them to the sandbox, which stands
behind certificates for those names and names itself by them in its documents.
"""

import json
import os
import sys
import urllib.parse
import urllib.request

from harness import DEADLINE, INITIALIZE, certificates, initialized_result, response

GEMINI_OAUTH = """
{
  "mcpServers": {
    "mixpanel": {
      "command": "npx",
      "args": ["-y", "mcp-remote", "https://mcp.mixpanel.com/mcp"]
    }
  }
}"""

GEMINI_ACCOUNT = """
{
  "mcpServers": {
    "mixpanel": {
      "command": "npx",
      "args": [
        "-y", "mcp-remote",
        "https://mcp.mixpanel.com/mcp",
        "--header", "Authorization:${AUTH_HEADER}"
      ],
      "env": {
        "AUTH_HEADER": "Bearer Basic <base64-encoded-credentials>"
      }
    }
  }
}"""

# The same text is given for Claude, Cursor and Gemini CLI.
OF_2025 = """
{
  "mcpServers": {
    "mixpanel": {
      "command": "npx",
      "args": [
        "-y",
        "mcp-remote",
        "https://mcp.mixpanel.com/sse",
        "--allow-http"
      ]
    }
  }
}"""

HOSTS = ("mcp.mixpanel.com", "mixpanel.com", "mcp-eu.mixpanel.com", "eu.mixpanel.com", "mcp-in.mixpanel.com", "in.mixpanel.com")

# A person's browser: through the same proxy, to the callback and its page.
BROWSER = """#!%s
import sys, urllib.request, urllib.error
open(%%r, "a").write(sys.argv[1] + "\\n")
try:
    urllib.request.urlopen(sys.argv[1], timeout=60).read()
except urllib.error.HTTPError:
    pass
""" % sys.executable


def _entry(text):
    """(arguments, environment) of the one server in a client's file."""
    (server,) = json.loads(text)["mcpServers"].values()
    return server["args"], server.get("env", {})


def _service(case, *switches, region=""):
    """(facts of the sandbox, environment): the service at its own names."""
    prefix = region + "." if region else ""
    box = case.sandbox("--auto", "approve", "--called", "https://mcp%s.mixpanel.com" % ("-" + region if region else ""),
                       "https://%smixpanel.com" % prefix, *switches)
    ports = {"mcp": urllib.parse.urlsplit(box["mcp"]).port, "oauth": urllib.parse.urlsplit(box["oauth"]).port}
    certs = certificates()
    certs.named(*HOSTS)
    proxy = case.proxy(lambda host, port: ports["mcp" if host.startswith("mcp") else "oauth"] if host in HOSTS else None,
                       tls=certs.context(HOSTS[0]))
    box["opened"] = os.path.join(case.folder, "opened" + region)
    case.theirs.add(box["opened"])
    env = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": certs.path("ca.pem"),
           "BROWSER": case.file("browser" + region, BROWSER % box["opened"], 0o755)}
    return box, env


def _works(case, p):
    p.handshake()
    answer = p.call(1, name="Get-Projects", arguments={})
    case.check("2195193" in str(answer.get("result")), "no result: %.300r" % answer)
    case.equal(p.finish(), 0, "status")


def _asked(box):
    """Parameters of the sign-in page that was opened."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(open(box["opened"]).read().split()[0]).query)


def _stats(box):
    return json.loads(urllib.request.urlopen(box["oauth"] + "/_sandbox/stats", timeout=DEADLINE).read())


def gemini_cli_and_cursor_with_oauth(case):
    box, env = _service(case)
    args, more = _entry(GEMINI_OAUTH)
    _works(case, case.start(*args, token=None, env=dict(env, **more)))
    asked = _asked(box)
    case.equal(asked["resource"], ["https://mcp.mixpanel.com/mcp"], "resource")
    case.equal(len(asked["scope"][0].split()), 18, "scopes asked")
    # The port that mcp-remote 0.15.1 derives from this URL.
    case.check(asked["redirect_uri"][0] in ["http://localhost:%d/oauth/callback" % (46254 + n) for n in range(8)],
               "redirect %r" % asked["redirect_uri"])
    # The second client's start finds the sign-in.
    _works(case, case.start(*args, token=None, env=dict(env, **more)))
    case.equal(_stats(box)["authorize"], 1, "sign-ins")


def gemini_mcp_add_in_other_regions_with_oauth(case):
    """gemini mcp add mixpanel npx -y mcp-remote URL, with the URL of another region."""
    for region in ("eu", "in"):
        box, env = _service(case, region=region)
        _works(case, case.start("-y", "mcp-remote", "https://mcp-%s.mixpanel.com/mcp" % region, token=None, env=env))
        case.check(open(box["opened"]).read().startswith("https://%s.mixpanel.com/oauth/authorize?" % region), "sign-in page")


def gemini_cli_with_a_service_account(case):
    box, env = _service(case)
    args, more = _entry(GEMINI_ACCOUNT.replace("<base64-encoded-credentials>", box["token"]))
    _works(case, case.start(*args, token=None, env=dict(env, **more)))
    case.check(not os.path.exists(box["opened"]), "a sign-in page was opened")


def gemini_mcp_add_with_a_service_account(case):
    box, env = _service(case)
    for header in (["Authorization:Bearer Basic " + box["token"]], ["Authorization:Bearer", "Basic", box["token"]]):
        _works(case, case.start("-y", "mcp-remote", "https://mcp.mixpanel.com/mcp", "--header", *header, token=None, env=env))


def service_account_in_the_variable_of_the_documentation(case):
    """MIXPANEL_SA_TOKEN, which the documentation's other clients refer to, goes to the service's own hosts."""
    box, env = _service(case)
    _works(case, case.start("-y", "mcp-remote", "https://mcp.mixpanel.com/mcp", token=box["token"], env=env))


def placeholder_left_in_the_entry_is_refused_by_name(case):
    box, env = _service(case)
    args, more = _entry(GEMINI_ACCOUNT)
    p = case.start(*args, token=None, env=dict(env, **more))
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "AUTH_HEADER", "<base64-encoded-credentials>", "a placeholder of the documentation")
    case.check(not os.path.exists(box["opened"]), "a sign-in page was opened")


def scopes_by_static_client_metadata(case):
    """The note on required scopes: the subset that was asked for, and nothing else."""
    box, env = _service(case)
    scope = "projects analysis events insights segmentation retention data:read funnels flows data_definitions"
    _works(case, case.start("-y", "mcp-remote", "https://mcp.mixpanel.com/mcp",
                            "--static-oauth-client-metadata", '{ "scope": "%s" }' % scope, token=None, env=env))
    case.equal(_asked(box)["scope"], [scope], "scope")


def entry_of_2025_with_sse_and_allow_http(case):
    """Whether the service still answers there is not known; a server that speaks HTTP+SSE does."""
    args, more = _entry(OF_2025)
    streams = []

    def handler(r):
        if r.path == "/sse" and r.method == "GET":
            r.stream()
            r.chunk("event: endpoint\r\ndata: /messages/?session_id=5f\r\n\r\n")
            streams.append(r)
        elif r.path == "/sse":
            r.reply(405, "Method Not Allowed")
        else:
            r.reply(202, "Accepted")
            if r.id is not None:
                told = initialized_result(r.id) if r.rpc_method == "initialize" else response(r.id, {"text": "2195193"})
                streams[-1].chunk("event: message\r\ndata: %s\r\n\r\n" % json.dumps(told))
    certs = certificates()
    certs.named(*HOSTS)
    server = case.server(handler)
    proxy = case.proxy(lambda host, port: server.port, tls=certs.context(HOSTS[0]))
    env = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": certs.path("ca.pem")}
    _works(case, case.start(*args, token=None, env=dict(env, **more)))
    _works(case, case.start(*args, env=dict(env, **more)))  # with a service account in the environment


def entry_of_2025_says_what_to_do_when_nothing_is_there(case):
    box, env = _service(case)
    args, more = _entry(OF_2025)
    p = case.start(*args, env=dict(env, **more), token=box["token"])
    case.is_error(p.handshake(), -31404, "HTTP 404", "--region")


def secret_of_the_documentation_example(case):
    """echo -n user:secret | base64, as the page shows it."""
    case.secrets.append("my-secret")
    seen = []
    server = case.server(lambda r: (seen.append(r.headers.get("authorization")), r.answer()))
    p = case.start(server.url, token="bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpteS1zZWNyZXQ=")
    p.handshake()
    case.equal(seen[0], "Bearer Basic bXktc2EuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpteS1zZWNyZXQ=", "header")
