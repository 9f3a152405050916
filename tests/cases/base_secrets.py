"""What the person gave stays where it is meant to go: out of messages, core files and other programs' environments."""

import base64
import json
import os
import resource
import select
import signal
import urllib.parse

from harness import DEADLINE, INITIALIZE, PAIR, TOKEN, Failed
from people import Person


def _echo(text):
    """A server that refuses calls with these words, at most 200 characters a time."""
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.json({"error": text(r) if callable(text) else text}, status=400)
    return handler


def given_header_values_are_hidden_when_a_server_repeats_them(case):
    case.secrets += ["k3y-of-the-header", "c00kie-value-77", "fr0m-a-variable", "fr0m-a-file-88"]
    path = case.file("headers", "X-File: fr0m-a-file-88\n", 0o600)
    server, p = case.bridge(_echo(lambda r: "; ".join(r.headers[h] for h in ("x-api-key", "cookie", "x-var", "x-file", "x-mode"))),
                            "--header", "X-Api-Key: k3y-of-the-header", "--header", "Cookie: sid=c00kie-value-77; theme=dark",
                            "--header", "X-Var: ${SOME_KEY}", "--header", "X-Mode: true", "--header-file", path, env={"SOME_KEY": "fr0m-a-variable"})
    p.handshake()
    text = p.call(1)["error"]["message"]
    for secret in ("k3y-of", "c00kie", "fr0m"):
        case.check(secret not in text, text)
    case.check("[hidden]" in text and "true" in text, text)


def what_was_given_is_hidden_after_any_number_of_session_ids(case):
    case.secrets += ["k3y-of-the-header", "k3y-of-the-query"]
    state = {"n": 0, "echo": False}

    def handler(r):
        if r.rpc_method == "initialize":
            state["n"] += 1
            return r.answer(headers={"Mcp-Session-Id": "session-number-%d" % state["n"]})
        if r.rpc_method == "tools/call" and state["echo"]:
            return r.json({"error": "bad: %s %s %s" % (r.headers["authorization"], r.headers["x-api-key"], r.path)}, status=400)
        if r.rpc_method == "tools/call" and r.headers["mcp-session-id"] == "session-number-%d" % state["n"] and not r.rpc["params"].get("last"):
            return r.reply(404)  # this session is lost: the bridge opens another one
        return r.answer()
    server = case.server(handler)
    p = case.start(server.url + "?key=k3y-of-the-query&page=1", "--header", "X-Api-Key: k3y-of-the-header")
    p.handshake()
    for i in range(1, 600):
        p.call(i)
    case.check(state["n"] > 512, "%d sessions" % state["n"])
    state["echo"] = True
    text = p.call(1000)["error"]["message"]
    for secret in (TOKEN, "k3y-of-the-header", "k3y-of-the-query"):
        case.check(secret not in text, text)
    case.check("page=1" in text or "[hidden]" in text, text)


def what_a_service_account_stands_for_is_hidden(case):
    secret = PAIR.split(":")[1]
    server, p = case.bridge(_echo("no such account: %s, %s, %s" % (PAIR, urllib.parse.quote(TOKEN, safe=""), secret)),
                            "--header", "Authorization: Bearer Basic ${MY_TOKEN}", token=None, env={"MY_TOKEN": TOKEN})
    p.handshake()
    text = p.call(1)["error"]["message"]
    case.check(secret not in text and TOKEN not in text and urllib.parse.quote(TOKEN, safe="") not in text, text)


def a_static_client_secret_is_hidden_in_every_form_that_is_sent(case):
    """The token endpoint repeats the Basic header."""
    secret = "cl1ent/secret+value"
    sent = base64.b64encode(("me:" + urllib.parse.quote(secret, safe="")).encode()).decode()
    case.secrets += [secret, urllib.parse.quote(secret, safe=""), sent]

    def authority(r):
        r.json({"error": "invalid_client", "error_description": "no: %s %s" % (r.headers.get("authorization"), secret)}, status=401)
    token = case.server(authority)
    server = case.server(lambda r: r.reply(401))
    p = case.start(server.url, "--client-credentials", "--token-endpoint", token.origin + "/token", "--static-oauth-client-info",
                   json.dumps({"client_id": "me", "client_secret": "${CLIENT_SECRET}"}), token=None, env={"CLIENT_SECRET": secret})
    p.send(INITIALIZE)
    text = json.dumps(p.answer(0))
    case.equal(token.requests[0].headers.get("authorization"), "Basic " + sent, "what is sent")
    case.check("[hidden]" in text, text)


# ---- core files


def _ended_without_core(case, p, number):
    """Even for somebody who raises the limit again."""
    resource.prlimit(p.process.pid, resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    gone = os.pidfd_open(p.process.pid)
    os.kill(p.process.pid, number)
    ended = select.select([gone], [], [], DEADLINE)[0]
    os.close(gone)
    case.check(ended, "it does not end")
    info = os.waitid(os.P_PID, p.process.pid, os.WEXITED | os.WNOWAIT)
    case.equal(info.si_code, os.CLD_KILLED, "how it ended (CLD_DUMPED is %d)" % os.CLD_DUMPED)
    case.check(not any(n.startswith("core") for n in os.listdir(case.folder)), "a core file is left")


def a_bridge_that_is_killed_leaves_no_core_file(case):
    _, soft_hard = resource.getrlimit(resource.RLIMIT_CORE)
    if soft_hard != resource.RLIM_INFINITY or not os.path.isdir("/proc/self"):
        return  # nobody may have core files here
    for number in (signal.SIGQUIT, signal.SIGABRT):
        server, p = case.bridge()
        p.handshake()
        with open("/proc/%d/limits" % p.process.pid) as f:
            limit = next(line.split()[4] for line in f if line.startswith("Max core file size"))
        case.equal(limit, "0", "limit of core files")
        _ended_without_core(case, p, number)
        case.programs.remove(p)
        p.clean_up()


# ---- other programs


LOOK = "import json\nopen(%r, 'w').write(json.dumps([dict(os.environ), __import__('resource').getrlimit(4)]))\n"


def a_browser_gets_no_credentials(case):
    path = os.path.join(case.folder, "seen")
    me = Person(case, before=LOOK % path)
    proxies = {n: "http://us3r:pa55w0rd-77@127.0.0.1:1" for n in ("http_proxy", "HTTPS_PROXY", "npm_config_https_proxy")}
    env = dict(me.env, SOME_KEY="fr0m-a-variable", PLAIN="1", MIXPANEL_SA_USERNAME="", MIXPANEL_SA_TOKEN="", no_proxy="*", **proxies)
    me.login("--header", "X-Key: ${SOME_KEY}", env=env)
    try:
        seen, limit = json.load(open(path))
    except OSError:
        raise Failed("no browser was started")
    case.check("pa55w0rd-77" not in json.dumps(seen) and "fr0m-a-variable" not in json.dumps(seen), "environment %r" % seen)
    case.check(not [n for n in seen if n.startswith("MIXPANEL_SA_")], "environment %r" % seen)
    case.equal(seen["HTTPS_PROXY"], "http://127.0.0.1:1", "HTTPS_PROXY")
    case.equal((seen["PLAIN"], seen["HOME"]), ("1", case.home), "what it needs")
    case.equal(tuple(limit), resource.getrlimit(resource.RLIMIT_CORE), "its limit of core files")


def query_of_an_endpoint_is_shown_by_no_command(case):
    """On standard output neither; that every case looks for."""
    case.secrets.append("k3y-of-the-query")
    me = Person(case)
    me.url += "?key=k3y-of-the-query&page=1"
    told = []
    for words in (["login"], ["login"], ["login", "--json"], ["status", me.url], ["status"], ["status", "--json"],
                  ["doctor", me.url], ["logout", me.url], ["logout", me.url], ["status", me.url]):
        p = case.start(*words, *[me.url] * (words[0] == "login"), token=None, env=me.env)
        p.end_input()
        p.wait()
        told.append(b"".join(p.lines))
        case.check(b"k3y-of" not in told[-1] + p.errors, "%r shows it: %r %r" % (words, told[-1], p.errors))
    case.check(any(b"/mcp?***" in t for t in told), "it is not seen that there is a query: %r" % told)


def query_of_an_old_entry_is_shown_by_no_command(case):
    case.secrets.append("k3y-of-the-query")
    url = "https://mcp.example.com/mcp?key=k3y-of-the-query"
    os.makedirs(os.path.join(case.home, ".gemini"))
    path = os.path.join(case.home, ".gemini/settings.json")
    for entry in ({"command": "npx", "args": ["-y", "mcp-remote", url]}, {"httpUrl": url}, {"command": "mpmcp", "args": [url]}):
        with open(path, "w") as f:
            json.dump({"mcpServers": {"mixpanel": entry}}, f)
        os.chmod(path, 0o600)
        for words in (["setup"], ["setup", "--json"], ["setup", "gemini", "--write", "--force"], ["setup", "gemini", "--remove"]):
            p = case.start(*words, token=None)
            p.end_input()
            p.wait()
            text = b"".join(p.lines)
            case.check(b"-timeout" not in text, "%r drops what was not there: %r" % (words, text))
            case.check(b"k3y-of" not in text + p.errors, "%r shows it: %r %r" % (words, text, p.errors))
