"""Proxies: which one is used, for what, and what is said when it fails.

This machine is reached without a proxy, so the endpoint has a name that only the proxy can resolve.
"""

import base64

from harness import INITIALIZE, certificates, request

HEADER = ("--header", "Authorization: Bearer abcdefghij")
# Nothing outside answers to these names: what arrives came through the proxy.
HTTP = "http://mcp.example.com/mcp"
HTTPS = "https://mcp.example.com/mcp"


def _proxy(case, server, **more):
    return case.proxy(lambda host, port: server.port if host == "mcp.example.com" else None, **more)


def _tls(case, **more):
    """(server with a certificate for the name, proxy, environment)."""
    certs = certificates()
    certs.named("mcp.example.com")
    server = case.server(tls=certs.context("mcp.example.com"))
    proxy = _proxy(case, server, **more)
    return server, proxy, {"SSL_CERT_FILE": certs.path("ca.pem")}


def _start(case, url, *args, env=None):
    return case.start(url, *HEADER, *args, token=None, env=env)


def http_goes_through_the_proxy(case):
    server = case.server()
    proxy = _proxy(case, server)
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        p = _start(case, HTTP, "--allow-http", env={name: proxy.url})
        p.handshake()
        case.check("result" in p.call(1), "no result with " + name)
    case.check(all(target == HTTP for _, target, _ in proxy.seen), "targets %r" % [s[:2] for s in proxy.seen])
    case.equal(server.requests[0].headers["host"], "mcp.example.com", "Host")


def https_goes_through_a_tunnel(case):
    server, proxy, env = _tls(case)
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        p = _start(case, HTTPS, env=dict(env, **{name: proxy.address}))
        p.handshake()
        case.check("result" in p.call(1), "no result with " + name)
        case.equal(p.finish(), 0, "status")
    case.equal({s[:2] for s in proxy.seen}, {("CONNECT", "mcp.example.com:443")}, "what the proxy saw")
    for _, _, fields in proxy.seen:
        case.check("authorization" not in fields, "the credential went to the proxy")


def credentials_in_the_variable_go_to_the_proxy_alone(case):
    case.secrets += ["s3cr3t-of-the-pr0xy", "s3cr3t%2Dof%2Dthe%2Dpr0xy", base64.b64encode(b"bob:s3cr3t-of-the-pr0xy").decode()]
    log = case.folder + "/log"
    case.logs.append(log)
    server, proxy, env = _tls(case, credentials=base64.b64encode(b"bob:s3cr3t-of-the-pr0xy").decode())
    env["https_proxy"] = "http://bob:s3cr3t%2Dof%2Dthe%2Dpr0xy@" + proxy.address
    p = _start(case, HTTPS, "--debug", "--log-file", log, env=env)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    for r in server.requests:
        case.check("proxy-authorization" not in r.headers, "the proxy's password went to the server")


def proxy_that_wants_a_password_is_named(case):
    server, proxy, env = _tls(case, credentials="bm9ib2R5OmtuZXc=")
    p = _start(case, HTTPS, env=dict(env, https_proxy=proxy.url))
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31503, "the proxy " + proxy.address, "https_proxy", "user name and password")
    case.equal((server.connections, len(proxy.seen)), (0, 1), "connections to the server, and times that the proxy was asked")
    plain = case.server()
    proxy = _proxy(case, plain, credentials="bm9ib2R5OmtuZXc=")
    p = _start(case, HTTP, "--allow-http", env={"http_proxy": proxy.url})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31503, "HTTP 407", "proxy", "user:password")


def proxy_that_refuses_is_named(case):
    server, proxy, env = _tls(case, refuse=403)
    p = _start(case, HTTPS, env=dict(env, https_proxy=proxy.url))
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31503, "the proxy " + proxy.address, "refuses to connect", "(HTTP 403: Not by policy 7)")


def proxy_that_is_down_is_named(case):
    for url, name in ((HTTPS, "https_proxy"), (HTTP, "http_proxy")):
        p = _start(case, url, "--allow-http", env={name: "http://127.0.0.1:1"})
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31503, "mcp.example.com", "through the proxy 127.0.0.1:1", name)


def variable_that_names_no_proxy_is_an_error_without_its_password(case):
    case.secrets.append("pa55word-in-it")
    p = _start(case, HTTPS, "--debug", env={"https_proxy": "ftp://bob:pa55word-in-it@proxy:21"})
    p.send(INITIALIZE)
    answer = p.answer(0)
    case.is_error(answer, -31000, "https_proxy", "http://host:3128")
    case.check("pa55word" not in str(answer), "the password is in the answer")


def this_machine_is_reached_directly(case):
    server = case.server()
    for host in ("127.0.0.1", "localhost", "mcp.localhost"):
        p = case.start(server.url.replace("127.0.0.1", host), env={"http_proxy": "http://127.0.0.1:1", "all_proxy": "127.0.0.1:1"})
        p.handshake()
        case.check("result" in p.call(1), "no result from " + host)


def no_proxy_leaves_hosts_out(case):
    """Nothing but the proxy knows the name, so reaching it directly fails, without a word about the proxy."""
    server, proxy, env = _tls(case)
    for name, value in (("NO_PROXY", "example.com"), ("no_proxy", "a.test, mcp.example.com:443"), ("NO_PROXY", "*")):
        p = _start(case, HTTPS, "--connect-timeout", "5", env=dict(env, https_proxy=proxy.url, **{name: value}))
        p.send(INITIALIZE)
        answer = p.answer(0)
        case.is_error(answer, -31503, "cannot reach mcp.example.com")
        case.check("proxy" not in answer["error"]["message"], "the proxy is named: %r" % answer)
    case.equal(proxy.seen, [], "what the proxy saw")
    p = _start(case, HTTPS, env=dict(env, https_proxy=proxy.url, NO_PROXY="localhost,127.0.0.1"))
    p.handshake()
    case.check("result" in p.call(1), "no result")


def enable_proxy_takes_that_for_http_for_https_too(case):
    """The entry of mcp-remote's documentation, and what its proxy library does with HTTP_PROXY alone."""
    server, proxy, env = _tls(case)
    for variable in ("HTTPS_PROXY", "HTTP_PROXY"):
        p = _start(case, HTTPS, "--enable-proxy", env=dict(env, NO_PROXY="localhost,127.0.0.1", **{variable: proxy.url}))
        p.handshake()
        case.check("result" in p.call(1), "no result")
    # Another proxy: the GET streams of those before have connections of their own, which may come late.
    unused = _proxy(case, server)
    p = _start(case, HTTPS, "--connect-timeout", "5", env=dict(env, HTTP_PROXY=unused.url))
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31503, "cannot reach")
    case.equal(unused.seen, [], "what the proxy saw")


def sign_in_goes_through_the_proxy_too(case):
    """Metadata is asked for through it; what comes back here is no metadata."""
    server, proxy, env = _tls(case)
    server.handler = lambda r: r.reply(401, headers={"WWW-Authenticate": "Bearer"}) if r.method == "POST" else r.reply(404)
    p = case.start(HTTPS, token=None, env=dict(env, https_proxy=proxy.url, BROWSER="/bin/true", DISPLAY=":0"))
    p.send(INITIALIZE)
    case.check("error" in p.answer(0), "no error")
    case.check([r for r in server.requests if r.path.startswith("/.well-known/")], "no metadata was asked for")


def call_through_the_tunnel_that_breaks_is_sent_once(case):
    server, proxy, env = _tls(case)
    server.handler = lambda r: r.close() if r.rpc_method == "tools/call" else r.answer()
    p = _start(case, HTTPS, env=dict(env, https_proxy=proxy.url))
    p.handshake()
    p.send(request(1))
    case.is_error(p.answer(1), -31503, "closed the connection")
    case.equal(len(server.of("tools/call")), 1, "times sent")
