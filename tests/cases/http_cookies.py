"""Cookies: kept in memory, sent back to their own origin alone."""

import json

from harness import INITIALIZE, initialized_result, request, response


def _cookie(r):
    return r.headers.get("cookie")


def cookies_come_back_on_every_request_of_the_session(case):
    def handler(r):
        if r.rpc_method == "initialize":
            r.head(200, [("Content-Type", "application/json"), ("Mcp-Session-Id", "s1"), ("Set-Cookie", "AWSALB=node7; Path=/"),
                         ("Set-Cookie", "other=1; Path=/elsewhere"), ("Set-Cookie", "gone=1; Max-Age=0")],
                   len(json.dumps(initialized_result(r.id))))
            r.raw(json.dumps(initialized_result(r.id)))
        elif r.id == 1:
            r.answer(headers={"Set-Cookie": "AWSALB=node8; Path=/"})
        elif r.id == 2:
            r.answer(headers={"Set-Cookie": "AWSALB=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: server.of(method="GET"), "the GET")
    for n in (1, 2, 3):
        p.call(n)
    case.equal(p.finish(), 0, "status")
    server.wait_deleted()
    case.equal(_cookie(server.of("initialize")[0]), None, "cookie of the first request")
    case.equal(_cookie(server.of("notifications/initialized")[0]), "AWSALB=node7", "cookie of the notification")
    case.equal(_cookie(server.of(method="GET")[0]), "AWSALB=node7", "cookie of the GET")
    case.equal([_cookie(r) for r in server.of("tools/call")], ["AWSALB=node7", "AWSALB=node8", None], "cookies of the calls")


def disable_cookies_keeps_none(case):
    server, p = case.bridge(lambda r: r.answer(headers={"Set-Cookie": "a=b; Path=/"}) if r.id is not None else r.answer(),
                            "--disable-cookies")
    p.handshake()
    p.call(1)
    case.equal([_cookie(r) for r in server.requests], [None] * len(server.requests), "cookies")


def cookies_of_one_origin_never_reach_another(case):
    """Same host, so by RFC 6265 alone the port would not keep them apart."""
    oauth = case.server(lambda r: r.json({"issuer": "x"}, 404, headers={"Set-Cookie": "oauth=secret2; Path=/; Domain=127.0.0.1"}))

    def handler(r):
        if r.path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": server.url, "authorization_servers": [oauth.origin]}, headers={"Set-Cookie": "meta=1; Path=/"})
        else:
            r.reply(401, headers={"Set-Cookie": "mcp=secret1; Path=/", "WWW-Authenticate":
                                  'Bearer resource_metadata="%s/.well-known/oauth-protected-resource/mcp"' % server.origin})
    server = case.server(handler)
    p = case.start(server.url, token=None, env={"BROWSER": "/bin/true", "DISPLAY": ":0"})
    p.send(INITIALIZE)
    case.check("error" in p.answer(0), "no error")
    case.check(oauth.requests, "the other origin was never asked")
    case.check(not any(_cookie(r) for r in oauth.requests[:1]), "a cookie went to another origin: %r" % oauth.requests[0].headers)
    for r in oauth.requests:
        case.check("mcp=" not in (_cookie(r) or "") and "meta=" not in (_cookie(r) or ""), "a cookie went to another origin")
    p.send(request(1, "initialize"))
    p.answer(1)
    case.check("mcp=secret1" in (_cookie(server.of(method="POST")[1]) or ""), "the origin's own cookie is missing")
    for r in server.requests:
        case.check("oauth" not in (_cookie(r) or ""), "a cookie of the other origin came")


def redirect_to_another_origin_takes_no_cookie_along(case):
    other = case.server()

    def handler(r):
        r.reply(307, headers={"Location": other.url, "Set-Cookie": "a=b; Path=/"})
    server, p = case.bridge(handler)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "another origin")
    case.check(not other.requests, "the other origin was asked")


def own_cookie_header_wins(case):
    server, p = case.bridge(lambda r: r.answer(headers={"Set-Cookie": "a=server; Path=/"}) if r.id is not None else r.answer(),
                            "--header", "Cookie: a=mine")
    p.handshake()
    p.call(1)
    case.equal({(_cookie(r), r.count("cookie")) for r in server.requests}, {("a=mine", 1)}, "cookies")


def cookie_values_are_in_no_log(case):
    case.secrets.append("c00kie-value-of-the-session")
    log = case.folder + "/log"
    case.logs.append(log)
    server, p = case.bridge(lambda r: r.answer(headers={"Set-Cookie": "sid=c00kie-value-of-the-session; Path=/"}),
                            "--debug", "--log-file", log)
    p.send(INITIALIZE)
    p.answer(0)
    p.call(1)
    case.equal(_cookie(server.of("tools/call")[0]), "sid=c00kie-value-of-the-session", "cookie")


def flood_of_cookies_is_dropped(case):
    count = [0]

    def handler(r):
        body = json.dumps(initialized_result(r.id) if r.rpc_method == "initialize" else response(r.id))
        names = range(count[0], count[0] + 40)
        count[0] += 40
        r.head(200, [("Content-Type", "application/json")] + [("Set-Cookie", "c%d=%s; Path=/" % (n, "v" * 20)) for n in names], len(body))
        r.raw(body)
    server, p = case.bridge(handler, "--debug")
    p.send(INITIALIZE)
    p.answer(0)
    for n in range(1, 30):
        case.check("result" in p.call(n), "no result")
    p.wait_error_text("all are dropped")
    last = server.of("tools/call")[-1]
    case.check(len(_cookie(last) or "") < 8192, "the Cookie field has %d bytes" % len(_cookie(last) or ""))


def cookie_of_the_event_stream_goes_with_the_posts(case):
    """HTTP+SSE behind a load balancer."""
    def handler(r):
        if r.method == "GET":
            r.stream({"Set-Cookie": "lb=3; Path=/"})
            handler.stream = r
            r.chunk("event: endpoint\ndata: /messages\n\n")
            return
        r.reply(202)
        if r.rpc_method == "initialize":
            handler.stream.chunk("event: message\ndata: %s\n\n" % json.dumps(initialized_result(r.id)))
    server, p = case.bridge(handler, "--transport", "sse-only")
    p.handshake()
    case.equal(_cookie(server.of("initialize")[0]), "lb=3", "cookie of the POST")
