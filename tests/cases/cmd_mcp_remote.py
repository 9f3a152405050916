"""Arguments of mcp-remote's documentation that no other file of cases is about: what each does here."""

import contextlib
import json
import os
import socket

from harness import INITIALIZE, Server, free_port, initialized_result, request, response
from origin import ID_TOKEN, Origin


def host_changes_the_redirect(case):
    o = Origin(case)
    o.works(case, "--host", "127.0.0.1")
    (asked,) = o.sent("/authorize")
    case.check(asked["redirect_uri"][0].startswith("http://127.0.0.1:"), "redirect %r" % asked["redirect_uri"])
    case.equal(o.sent("/register")[0]["redirect_uris"], asked["redirect_uri"], "registered redirect")


def port_behind_the_url_is_used_as_it_is(case):
    o = Origin(case)
    port = str(free_port())
    o.works(case, port)
    case.equal(o.sent("/authorize")[0]["redirect_uri"], ["http://localhost:%s/oauth/callback" % port], "redirect")


def callback_path_is_served(case):
    o = Origin(case)
    o.works(case, "--callback-path", "/custom/callback")
    case.check(o.sent("/authorize")[0]["redirect_uri"][0].endswith("/custom/callback"), "redirect")
    p = case.start(o.url, "--callback-path", "custom", token=None)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--callback-path")


def success_page_of_ones_own(case):
    o = Origin(case)
    o.works(case, "--auth-success-url", o.server.origin + "/done")
    case.equal(o.wait_end(), o.server.origin + "/done", "where the browser ended")
    for url, more in (("http://internal.vpc/done", []), ("https://user@app.example.com/", []), ("https://app.example.com/?q=1", []),
                      ("https://app.example.com/#f", []), ("ftp://x/", ["--allow-http"])):
        p = case.start(o.url, "--auth-success-url", url, *more, token=None)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, "--auth-success-url")
    o = Origin(case)
    # The name is nobody's but the proxy's, and the callback is reached without it.
    proxy = case.proxy(lambda host, port: o.server.port if host == "internal.vpc" else None)
    o.works(case, "--auth-success-url", "http://internal.vpc/done", "--allow-http",
            env={"http_proxy": proxy.url, "no_proxy": "localhost,127.0.0.1"})
    case.equal(o.wait_end(), "http://internal.vpc/done", "where the browser ended")


def resource_goes_to_both_endpoints_and_keeps_sign_ins_apart(case):
    o = Origin(case)
    for tenant in ("https://tenant1.atlassian.net/", "https://tenant2.atlassian.net/"):
        o.works(case, "--resource", tenant)
        case.equal(o.sent("/authorize")[-1]["resource"], [tenant], "resource of the page")
        case.equal(o.sent("/token")[-1]["resource"], [tenant], "resource of the token request")
    o.works(case, "--resource", "https://tenant1.atlassian.net/")
    case.equal(len(o.sent("/authorize")), 2, "sign-ins")


def resource_parameter_can_be_left_out(case):
    for args in (["--disable-resource-parameter"], ["--resource", ""]):
        o = Origin(case)
        o.works(case, *args)
        case.check("resource" not in o.sent("/authorize")[0] and "resource" not in o.sent("/token")[0], "resource was sent")


def authorize_params_go_to_the_page_alone(case):
    o = Origin(case)
    o.works(case, "--authorize-param", "access_type=offline", "--authorize-param", "prompt=consent")
    asked = o.sent("/authorize")[0]
    case.equal((asked["access_type"], asked["prompt"]), (["offline"], ["consent"]), "parameters")
    case.check("prompt" not in o.sent("/token")[0], "the parameter went to the token endpoint")
    o.works(case, "--authorize-param", "audience=https://your-api")
    case.equal(o.sent("/authorize")[1]["audience"], ["https://your-api"], "audience")
    o.works(case, "--authorize-param", "scope=three", "--authorize-param", "resource=urn:x")
    asked = o.sent("/authorize")[2]
    case.equal((asked["scope"], asked["resource"]), (["three"], ["urn:x"]), "values of one's own")
    for name in ("state", "code_challenge", "client_id", "redirect_uri", "response_type"):
        p = case.start(o.url, "--authorize-param", name + "=x", token=None)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, name)


def id_token_in_place_of_the_access_token(case):
    o = Origin(case)
    o.tokens = {ID_TOKEN}
    o.works(case, "--use-id-token", "--static-oauth-client-metadata", '{ "scope": "openid email" }')
    case.equal(o.sent("/authorize")[0]["scope"], ["openid email"], "scope")


def registered_client_is_used(case):
    o = Origin(case)
    case.secrets.append("yyy-the-secret")
    o.works(case, "--static-oauth-client-info", '{ "client_id": "xxx", "client_secret": "${MCP_REMOTE_CLIENT_SECRET}" }',
            env={"MCP_REMOTE_CLIENT_SECRET": "yyy-the-secret"})
    case.equal(o.sent("/register"), [], "registrations")
    case.equal(o.sent("/authorize")[0]["client_id"], ["xxx"], "client")
    case.equal(o.sent("/token")[0]["client_secret"], ["yyy-the-secret"], "secret")
    o = Origin(case)
    o.works(case, "--static-oauth-client-info", "@" + case.file("client info.json", '{"client_id":"from-file"}'))
    case.equal(o.sent("/authorize")[0]["client_id"], ["from-file"], "client")


def client_credentials_need_no_person(case):
    case.secrets.append("secret-of-my-client")
    info = ["--client-credentials", "--static-oauth-client-info", '{"client_id":"my-client","client_secret":"${MCP_CLIENT_SECRET}"}']
    env = {"MCP_CLIENT_SECRET": "secret-of-my-client"}
    o = Origin(case)
    o.works(case, *info, env=env)
    case.equal(o.sent("/token")[0]["grant_type"], ["client_credentials"], "grant")
    case.check(not os.path.exists(o.opened), "a page was opened")
    o = Origin(case)
    o.works(case, *info, "--token-endpoint", o.server.origin + "/token", "--static-oauth-client-metadata",
            '{"scope":"mcp.read mcp.write","token_endpoint_auth_method":"client_secret_basic"}', env=env)
    case.equal([r.path for r in o.server.requests if "well-known" in r.path], [], "discovery")
    form = o.sent("/token")[0]
    case.equal(form["scope"], ["mcp.read mcp.write"], "scope")
    case.check("client_secret" not in form and "resource" not in form, "form %r" % form)
    p = case.start(o.url, "--token-endpoint", o.server.origin + "/token", token=None)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--client-credentials")


def ipv4_is_enough(case):
    """A name with both kinds of address, and somebody else at the other one."""
    wrong = None
    while not wrong:
        v4 = case.server()
        with contextlib.suppress(OSError):  # somebody has that port there
            wrong = Server(lambda r: r.reply(500), address="::1", port=v4.port)
    case.servers.append(wrong)
    p = case.start("http://localhost:%d/mcp" % v4.port, "--ipv4")
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.equal(wrong.connections, 0, "connections over IPv6")


def silent_leaves_errors_and_debug_wins(case):
    url = "http://127.0.0.1:1/mcp"
    long = case.file("long", "%s" % (case.folder,))
    p = case.start(url, "--silent", "--header-file", long)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--header-file")
    p.wait()
    case.check(p.errors.startswith(b"mpmcp: "), "no error on standard error")
    o = Origin(case)
    p = o.works(case, "--silent")
    case.equal(p.errors, b"", "standard error")
    p = o.works(case, "--silent", "--debug")
    case.check(b"http: " in p.errors, "no trace")


def http_on_a_trusted_network(case):
    """The name is nobody's but the proxy's."""
    server = case.server()
    proxy = case.proxy(lambda host, port: server.port if host == "internal-service.vpc" else None)
    args = ["http://internal-service.vpc/mcp", "--header", "X-Key: 1"]
    p = case.start(*args, "--allow-http", token=None, env={"http_proxy": proxy.url})
    p.handshake()
    case.check("result" in p.call(1), "no result")
    p = case.start(*args, token=None, env={"http_proxy": proxy.url})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--allow-http")


def connect_timeout_bounds_the_connection(case):
    """A listener whose queue is full does not answer."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(8):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(full.getsockname())
        waiting.append(s)
    p = case.start("http://127.0.0.1:%d/mcp" % full.getsockname()[1], "--connect-timeout", "0.3")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31503, "cannot reach")
    for s in waiting + [full]:
        s.close()


def seconds_may_have_a_fraction_and_nothing_else(case):
    def handler(r):
        """In one piece, or a millisecond might pass between head and body."""
        body = json.dumps(initialized_result(r.id) if r.rpc_method == "initialize" else response(r.id))
        r.raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    server = case.server(lambda r: handler(r) if r.id is not None else r.answer())
    for body, headers in (("2.5", "62.5"), ("0.001", "60.001"), ("1.", "60."), (".5", "60.0"), ("60", "0"), ("0", "0060")):
        p = case.start(server.url, "--body-timeout", body, "--headers-timeout=" + headers)
        p.handshake()
        case.check("result" in p.call(1), "no result with %s and %s" % (body, headers))
    for bad in ("", ".", "1e3", "-1", "1,5", "86401", "99999999999", "5s"):
        p = case.start(server.url, "--body-timeout=" + bad)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, "--body-timeout")


# ---- entries as people have them

PROXY_JS = "/usr/lib/node_modules/mcp-remote/dist/proxy.js"


def words_around_the_bridge_are_understood(case):
    server = case.server()
    url, header = server.url, ["--header", "X-Key: k1 k2"]
    line = "%s --header 'X-Key: k1 k2'" % url
    rows = [["-y", "mcp-remote", url], ["--yes", url], ["-y", "mcp-remote@latest", url], ["mcp-remote@0.1.38", url], ["mpmcp", url],
            ["-p", "mcp-remote@0.15.1", "mcp-remote", url], ["-y", "-p", "mcp-remote", "mcp-remote", url],
            ["--package", "mcp-remote", "mcp-remote", url], ["-y", "--package=mcp-remote@latest", "--", "mcp-remote", url],
            [PROXY_JS, url], ["node", PROXY_JS, url], ["C:\\npm\\node_modules\\mcp-remote\\dist\\proxy.js", url],
            ["/usr/local/bin/npx", "-y", "mcp-remote", url], ["/c", "npx", "-y", "mcp-remote", url], ["exec", "mcp-remote", "--", url]]
    rows = [row + header for row in rows]
    rows += [[line], ["npx -y mcp-remote " + line], ["mcp-remote@latest " + line], ["node %s %s" % (PROXY_JS, line)],
             ["npx -y mcp-remote %s" % url] + header, ["-y", "mcp-remote " + line], ["/c", "npx -y mcp-remote " + line],
             ['npx  -p "mcp-remote" mcp-remote "%s" --header "X-Key: k1 k2" ' % url],
             ["npx -y mcp-remote %s --header X-Key: k1 k2 --debug" % url],
             [url, "--header X-Key: k1 k2"], [url, '--header "X-Key: k1 k2"'], ["--debug ", url, "--header X-Key:", "k1", "k2"]]
    for row in rows:
        p = case.start(*row)
        p.handshake()
        case.equal(p.finish(), 0, "status with %r" % row)
        case.equal(server.of("initialize")[-1].headers.get("x-key"), "k1 k2", "header with %r" % row)


def marks_around_the_url_are_taken_off(case):
    tool = {"name": "x", "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}}}}
    server = case.server(lambda r: r.answer({"tools": [tool]} if r.rpc_method == "tools/list" else {"content": []}))
    for odd in (" %s ", "<%s>", '"%s"', "'%s'", "`%s`", "\ufeff%s", "%s\u00a0\n", ' "<%s>"', "%s\\n"):
        p = case.start(odd % server.url)
        p.handshake()
        case.equal(p.finish(), 0, "status with %r" % odd)
        p = case.start("call", odd % server.url, "x", "{}")
        case.equal(p.finish(), 0, "status of call with %r" % odd)
    p = case.start("call", server.url, "x", 'a="%s"' % server.url)
    case.equal(p.finish(), 0, "status")
    case.check(b'"a":' + json.dumps('"%s"' % server.url).encode() in server.of("tools/call")[-1].body, "the value of an argument was changed")


def words_that_only_look_like_a_wrapper_are_named(case):
    for words, said in ((["npx"], '"npx" is neither'), (["npx", "-y", "other-package"], '"npx" is neither'), (["-p"], "unknown option -p"),
                        (["exec"], '"exec" is neither'), (["mcp-remotely"], '"mcp-remotely" is neither'), (["--heeder x"], "did you mean --header?")):
        p = case.start(*words, token=None)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, said)


def headers_of_the_transport_are_dropped_with_a_note(case):
    for args in (["--header", "Accept: text/html", "--header", "content-type:application/xml"],
                 ["--header-file", case.file("headers", "Accept: text/html\nContent-Type: application/xml\n")]):
        server = case.server()
        p = case.start(server.url, *args)
        p.handshake()
        case.equal(p.finish(), 0, "status")
        sent = server.requests[0].headers
        case.equal((sent["accept"], sent["content-type"]), ("application/json, text/event-stream", "application/json"), "headers")
        case.check(b'"Accept" is ignored' in p.errors and p.errors.count(b"is ignored") == 2, "notes %r" % p.errors)
