"""What a refusal says: the cause, the server's own words, and what to do, one row for each class."""

import socket
import threading

from harness import INITIALIZE, certificates, request

HEADER = ("--header", "Authorization: Bearer abcdefghij")
HTML = {"Content-Type": "text/html"}
JSON = {"Content-Type": "application/json"}
PAGE = "<!DOCTYPE html><html><head><title>%s</title></head><body>x</body></html>"

# status, header fields, body; code of the error, and what its message holds.
ROWS = (
    (402, JSON, '{"error": "Your plan does not allow API calls. Upgrade"}', -31403, "Your plan does not allow", "includes API access"),
    (402, {}, "", -31403, "your plan does not allow API calls", "billing"),
    (403, dict(HTML, **{"cf-mitigated": "challenge"}), PAGE % "Just a moment...", -31403, "requires a browser", "Just a moment", "A program cannot"),
    (503, HTML, PAGE % "Just a moment...", -31403, "requires a browser", "A program cannot"),
    (403, HTML, PAGE % "Attention Required! | Cloudflare", -31403, "proxy or firewall", "Attention Required!", "not a permission"),
    (403, JSON, '{"message": "no such role"}', -31403, "no such role", "Check that this account"),
    (403, JSON, '{"detail": "Tool \'X\' requires scopes: y"}', -31401, "requires scopes: y", "mpmcp login --force"),
    (407, HTML, PAGE % "Proxy says no", -31503, "Proxy says no", "USER:PASSWORD".lower()),
    (421, {}, "", -31500, "does not serve this host", "load balancer"),
    (422, JSON, '{"detail": [{"loc": ["body", "params", "name"], "msg": "field required", "type": "missing"}]}', -31500,
     "name: field required", "Correct what it names"),
    (400, JSON, '{"errors": [{"message": "first"}, {"message": "second"}]}', -31500, "first; second"),
    (451, HTML, "<html><h1>Blocked here</h1></html>", -31403, "legal reasons", "Blocked here", "country"),
    (500, JSON, '["only words"]', -31500, "the server failed", "only words", "tell whoever runs the server"),
    (504, HTML, PAGE % "504 Gateway Time-out", -31500, "waited too long", "504 Gateway Time-out", "may still have acted"),
    (511, HTML, PAGE % "Hotel network", -31503, "requires its own sign-in", "Hotel network", "in a browser"),
    (524, HTML, PAGE % "x | 524: A timeout occurred", -31500, "waited too long", "A timeout occurred", "less at a time"),
    (530, HTML, PAGE % "Origin DNS error", -31500, "CDN", "Origin DNS error", "host in the URL"),
)


def refusals_say_cause_words_and_what_to_do(case):
    at = [None]

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        status, fields, body = at[0][:3]
        r.reply(status, body, dict(fields))
    _, p = case.bridge(handler)
    p.handshake()
    for i, row in enumerate(ROWS):
        at[0] = row
        answer = p.call(i + 1)
        case.is_error(answer, row[3], "(HTTP %d)" % row[0], *row[4:])
        message, data = answer["error"]["message"], answer["error"]["data"]
        case.check(message.endswith(data.get("advice", "")), "the advice is not the end of %r" % answer)
        case.check("Mixpanel" not in message and "mixpanel" not in message, "Mixpanel's places for another host: %r" % message)
        case.check(". ." not in message and ".." not in message.replace("...", ""), "stops in %r" % message)


def doctor_and_tools_say_the_advice_of_a_refusal_once(case):
    """Neither twice nor beside another one that says something else."""
    for row in ROWS:
        if "requires scopes" in row[2]:
            continue  # a service account cannot sign in

        def handler(r, row=row):
            if r.rpc_method == "tools/list":
                r.reply(row[0], row[2], dict(row[1]))
            elif r.method == "POST":
                r.answer()
            else:
                r.reply(404)
        server = case.server(handler)
        for command in ("doctor", "tools"):
            p = case.start(command, server.url)
            p.end_input()
            p.wait()
            text = b"".join(p.lines).decode() if command == "doctor" else p.errors.decode()
            for part in row[-1:] if len(row) > 5 and row[0] not in (407, 511) else ():
                case.equal(text.count(part), 1, "times that %r is said in %s" % (part, text))


def redirects_say_where_they_lead_and_what_url_to_use(case):
    where = [None]
    _, p = case.bridge(lambda r: r.reply(302, headers={"Location": where[0]}) if r.rpc_method == "tools/call" else r.answer())
    p.handshake()
    for i, (to, words, advice) in enumerate((
            ("https://idp.example/saml/login?SAMLRequest=c2VjcmV0LXNlY3JldA", "to a web sign-in, https://idp.example/saml/login", "A program cannot pass it"),
            ("https://other.example/path/mcp?key=c2VjcmV0LXNlY3JldA", "to another origin, https://other.example/path/mcp, where", "use that address as the URL"),
            ("/elsewhere", "/elsewhere; a message cannot be repeated there", "Use that address as the URL"))):
        where[0] = to
        answer = p.call(i + 1)
        case.is_error(answer, -31500, "(HTTP 302)", words, advice)
        case.check("c2VjcmV0" not in answer["error"]["message"], "the query is told: %r" % answer)
        case.equal(answer["error"]["data"].get("reason"), "redirect", "reason")


def redirect_from_https_to_http_names_the_https_form(case):
    """Behind a proxy that speaks TLS for it, a server takes itself for one without."""
    certs = certificates()
    server = case.server(lambda r: r.reply(307, headers={"Location": "http://127.0.0.1:%d/mcp/" % server.port}), tls=certs.context("good"))
    p = case.start("https://127.0.0.1:%d/mcp" % server.port, *HEADER, "--cacert", certs.path("ca.pem"), token=None)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31500, "from https to http://127.0.0.1", "Use https://127.0.0.1:%d/mcp/ as the URL" % server.port, "X-Forwarded-Proto")


def certificates_that_are_refused_have_the_advice_of_their_cause(case):
    ca = ("--cacert", certificates().path("ca.pem"))
    for name, args, reason, advice in (("expired", ca, "certificate-dates", "Check the clock"),
                                       ("other", ca, "certificate-name", "Check the host in the URL"),
                                       ("good", (), "certificate-unknown", "--cacert")):
        server = case.server(tls=certificates().context(name))
        p = case.start("https://127.0.0.1:%d/mcp" % server.port, *args)
        p.send(request(1, "initialize", protocolVersion="2025-06-18"))
        answer = p.answer(1)
        case.is_error(answer, -31503, "no secure connection", advice)
        case.equal(answer["error"]["data"].get("reason"), reason, "reason")
        case.equal("--cacert" in answer["error"]["message"], reason == "certificate-unknown", "--cacert in %r" % answer)


def proxies_that_want_more_than_a_password_are_named_with_their_variable(case):
    url = "https://mcp.example.com/mcp"
    for offered, words, advice in (("NTLM", "requires NTLM or Negotiate", "cntlm"), ("Negotiate", "requires NTLM or Negotiate", "in https_proxy."),
                                   ("Negotiate, NTLM", "requires NTLM or Negotiate", "cntlm"),
                                   ('Negotiate, NTLM, Basic realm="x"', "requires a user name and password", "USER:PASSWORD"),
                                   ('Basic realm="x"', "requires a user name and password", "https_proxy=http://USER:PASSWORD@HOST:PORT")):
        proxy = case.server(lambda r, offered=offered: r.reply(407, headers={"Proxy-Authenticate": offered}))
        p = case.start(url, *HEADER, token=None, env={"https_proxy": proxy.origin})
        p.send(INITIALIZE)
        answer = p.answer(0)
        case.is_error(answer, -31503, words, advice, "the proxy 127.0.0.1")
        case.equal(answer["error"]["data"].get("reason"), "proxy-sign-in", "reason")
        p = case.start("doctor", url, *HEADER, token=None, env={"https_proxy": proxy.origin})
        p.end_input()
        case.equal(p.wait(), 5, "status")


def _plain_proxy(listener, answer):
    """Waits for a line, as proxies do, or says what it thinks of a ClientHello."""
    kept = []
    while True:
        try:
            kept.append(listener.accept()[0])
            if answer:
                kept[-1].recv(4096)
                kept[-1].sendall(answer)
        except OSError:
            return


def https_in_the_variable_of_a_plain_proxy_names_the_variable(case):
    for answer in (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", b""):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=_plain_proxy, args=(listener, answer), daemon=True).start()
            env = {"https_proxy": "https://127.0.0.1:%d" % listener.getsockname()[1]}
            p = case.start("https://mcp.example.com/mcp", *HEADER, "--connect-timeout", "2", token=None, env=env)
            p.send(INITIALIZE)
            said = p.answer(0)
            listener.shutdown(socket.SHUT_RDWR)
        case.is_error(said, -31503, "(https_proxy) does not answer in TLS", "Write http:// in place of https:// in https_proxy")
        case.check("mcp.example.com" not in said["error"]["message"], "the service is blamed: %r" % said)
