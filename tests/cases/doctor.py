"""mpmcp doctor: broken set-ups, and the culprit that it names in each."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import urllib.request

from harness import Case, ACCOUNT_HEADER, DEADLINE, TOKEN, certificates, initialized_result, request, response, terminal

BROWSER = """#!/usr/bin/env python3
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=60).read()
"""
FORBIDDEN_BROWSER = "#!/bin/sh\ntouch \"$0.opened\"\n"

IDS = ["arguments", "credential", "folder", "proxy", "name", "connection", "tls", "http", "clock", "resource", "server", "token",
       "scopes", "initialize", "tools", "access", "requests"]


# ---- running it


def _run(case, *args, status=0, **more):
    """The report, as a script reads it; nothing secret is in it, and no page was opened."""
    env = dict(more.pop("env", {}) or {})
    browser = case.file("forbidden-browser", FORBIDDEN_BROWSER, 0o755)
    env.setdefault("BROWSER", browser)
    p = case.start("doctor", "--json", *args, env=env, **more)
    p.end_input()
    case.equal(p.wait(), status, "status (%r, %r)" % (b"".join(p.lines)[-2000:], p.errors[-300:]))
    text = b"".join(p.lines).decode()
    for secret in case.secrets:
        case.check(secret not in text, "a secret stands in the report: " + text)
    case.check(not os.path.exists(browser + ".opened"), "a browser was started")
    report = json.loads(text)
    case.equal([c["id"] for c in report["checks"]], IDS, "checks")
    case.equal(report["status"], status, "status in the report")
    return report


def _row(report, ident):
    return next(c for c in report["checks"] if c["id"] == ident)


def _failures(report):
    return [c["id"] for c in report["checks"] if c["state"] == "failed"]


def _is(case, report, ident, state, *texts):
    row = _row(report, ident)
    case.equal(row["state"], state, "state of %s (%r)" % (ident, row))
    for text in texts:
        case.check(text in row["detail"] + "\n" + row.get("advice", ""), "%r is not in %r" % (text, row))
    return row


def _culprit(case, report, ident, detail, advice):
    """ident alone failed, and says this."""
    case.equal(_failures(report), [ident], "failures (%r)" % report)
    row = _row(report, ident)
    case.check(detail in row["detail"], "%r is not in %r" % (detail, row))
    case.check(advice in row.get("advice", ""), "%r is not in the advice of %r" % (advice, row))


def _nothing_pointless(case, report, *idents):
    for ident in idents:
        _is(case, report, ident, "skipped", "must pass first")


def _closed_port(case):
    """A port that nobody listens on: it is taken for as long as the case lasts."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    case.taken = getattr(case, "taken", []) + [s]
    return s.getsockname()[1]


# ---- servers


TOOLS = [{"name": n, "description": "A tool", "inputSchema": {"type": "object"}} for n in ("Get-Projects", "Get-Events")]


def _service(tools=TOOLS, projects=None, events=None, before=None):
    """A scripted service: what Get-Projects and Get-Events answer; before(r) may answer in place of it."""
    projects = {"7": {"id": 7, "name": "Shop"}} if projects is None else projects

    def text(value, error=False):
        return {"content": [{"type": "text", "text": value}], "isError": error}

    def handler(r):
        if before and before(r):
            return
        if r.rpc_method == "tools/list":
            r.json(response(r.id, {"tools": tools}))
        elif r.rpc_method == "tools/call" and r.rpc["params"]["name"] == "Get-Projects":
            r.json(response(r.id, text(json.dumps(projects))))
        elif r.rpc_method == "tools/call":
            said = events(r.rpc["params"]["arguments"]["project_id"]) if events else "[]"
            r.json(response(r.id, said if isinstance(said, dict) else text(said)))
        elif r.method == "GET" and r.path.startswith("/.well-known/"):
            r.reply(404)
        else:
            r.answer()
    return handler


def _login(case, box, *more):
    p = case.start("login", box["mcp"], *more, token=None, env={"BROWSER": case.file("browser", BROWSER, 0o755)})
    p.end_input()
    case.equal(p.wait(), 0, "status of login (%r)" % p.errors[-500:])
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    path = next(os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".json"))
    with open(path) as f:
        record = json.load(f)
    case.secrets += [record[k] for k in ("access_token", "refresh_token") if k in record]
    return path, record


def _rewrite(path, **changes):
    with open(path) as f:
        record = json.load(f)
    record.update(changes)
    record = {k: v for k, v in record.items() if v is not None}
    with open(path, "w") as f:
        json.dump(record, f)


def _asked(box, least):
    """The sandbox's log of the MCP endpoint, once it has so many rows."""
    rows, last = [], 0
    while len(rows) < least:
        new = Case.control(box, "log?since=%d&wait=%d" % (last, DEADLINE))
        if not new:
            break
        last = new[-1]["n"]
        rows += [r for r in new if r.get("path") == "/mcp"]
    return rows


# ---- all is well


def healthy_service_account_is_healthy_in_few_requests(case):
    box = case.sandbox()
    report = _run(case, box["mcp"], token=box["token"])
    case.equal(_failures(report), [], "failures")
    _is(case, report, "credential", "ok", "sandbox.abc123.mp-service-account", "MIXPANEL_SA_TOKEN")
    _is(case, report, "initialize", "ok", "sandbox", "revision 20")
    _is(case, report, "tools", "ok", "65", "KiB", "tokens")
    _is(case, report, "access", "ok", "MCP is enabled", "Coffee Shop")
    _is(case, report, "token", "skipped", "not needed")
    asked = _asked(box, report["requests_used"])
    case.equal(report["requests_used"], len(asked), "requests that are owned up to")
    case.check(len(asked) <= 6, "it asks %d times" % len(asked))
    _is(case, report, "requests", "ok", "%d requests from this machine" % len(asked))


def healthy_sign_in_is_healthy(case):
    box = case.sandbox("--auto", "approve")
    _login(case, box)
    report = _run(case, box["mcp"], token=None)
    case.equal([c["id"] for c in report["checks"] if c["state"] not in ("ok", "skipped")], [], "anything but well")
    _is(case, report, "resource", "ok", "18 scopes")
    _is(case, report, "server", "ok", "supports client registration")
    _is(case, report, "token", "ok", "refreshed automatically")
    _is(case, report, "scopes", "ok", "all 18")
    _is(case, report, "folder", "ok", "mode 0700, 1 sign-in")


def person_reads_a_line_for_each_check_that_says_something(case):
    box = case.sandbox()
    p = case.start("doctor", box["mcp"], "--all", token=box["token"])
    case.equal(p.finish(), 0, "status")
    lines = b"".join(p.lines).decode().splitlines()
    case.equal(sum(line.startswith(("ok ", "skip ")) for line in lines), len(IDS), "lines with --all")
    case.check(lines[-1].startswith("No problems. These checks used "), "last line %r" % lines[-1])
    case.check("\033" not in "".join(lines), "colours without a terminal")
    case.check(max(map(len, lines)) <= 80, "lines are broken at 80 columns: %r" % lines)
    p = case.start("doctor", box["mcp"], token=box["token"])
    case.equal(p.finish(), 0, "status")
    case.check(not any(line.startswith(b"skip") for line in p.lines), "lines %r" % p.lines)


def one_failure_folds_what_depends_on_it_and_the_remedy_comes_last(case):
    url = "http://127.0.0.1:%d/mcp" % _closed_port(case)
    p = case.start("doctor", url)
    case.equal(p.finish(), 5, "status")
    lines = b"".join(p.lines).decode().splitlines()
    case.equal([line[:24].split(None, 1)[1].strip() for line in lines if line.startswith(("FAIL", "skip"))], ["connection", "10 checks"], "failures and what is folded")
    case.check(any('"connection" must pass first; --all lists them' in line for line in lines), "lines %r" % lines)
    case.check(" ".join(lines).rpartition("hour's requests. ")[2].startswith("1 problem. Next: Nothing listens there"), "the end %r" % lines[-4:])
    p = case.start("doctor", url, "--all")
    case.equal(p.finish(), 5, "status")
    case.equal(sum(line.startswith(b"skip") for line in p.lines), 10, "lines with --all: %r" % p.lines)


def narrow_terminal_gets_text_below_its_title(case):
    parent, child = terminal()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    p = case.start("doctor", "http://127.0.0.1:%d/mcp" % _closed_port(case), stdout=child, env={"NO_COLOR": "1"})
    os.close(child)
    p.end_input()
    shown = b""
    with contextlib.suppress(OSError):
        while True:
            shown += os.read(parent, 65536)
    os.close(parent)
    case.equal(p.wait(), 5, "status")
    long = [line for line in shown.decode().splitlines() if len(line) > 40 and " " in line.strip()]
    case.equal(long, [], "lines that are too long")
    case.check(" \n" not in shown.decode().replace("\r", ""), "blanks at the ends of lines: %r" % shown)


def account_that_is_set_but_empty_is_named(case):
    box = case.sandbox()
    p = case.start("doctor", box["mcp"], token=None, env={"MIXPANEL_SA_TOKEN": "", "CI": "true"})
    case.equal(p.finish(), 4, "status")
    said = b" ".join(b"".join(p.lines).split()).decode()
    case.check("warn credential a sign-in (OAuth), because MIXPANEL_SA_TOKEN is empty" in said, said)
    case.check("1 problem. Next: Put the service account into MIXPANEL_SA_TOKEN, which is set but empty; CI systems give" in said, said)
    p = case.start("login", box["mcp"], token=None, env={"MIXPANEL_SA_TOKEN": "", "CI": "true"})
    case.check(p.finish() == 4 and b"set but empty" in p.errors, "words of login %r" % p.errors)
    p = case.start(box["mcp"], token=None, env={"MIXPANEL_SA_TOKEN": "", "CI": "true"})
    p.send(request(1, "tools/list"))
    case.is_error(p.answer(1), -31401, "MIXPANEL_SA_TOKEN, which is set but empty")


def plan_without_api_calls_is_named(case):
    server = case.server(_service(before=lambda r: r.method == "POST" and (r.reply(402), True)[1]))
    report = _run(case, server.url, status=6)
    _is(case, report, "initialize", "failed", "your plan does not allow API calls (HTTP 402)", "billing")


def colours_are_for_terminals_that_want_them(case):
    box = case.sandbox()
    for env, wanted in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)):
        ours, theirs = terminal()
        p = case.start("doctor", box["mcp"], token=box["token"], stdout=theirs, env=env)
        os.close(theirs)
        p.end_input()
        text = b""
        try:
            while True:
                text += os.read(ours, 65536)
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        case.equal(p.wait(), 0, "status")
        case.equal(b"\033[32mok" in text, wanted, "colours with %r" % env)


def server_that_wants_no_sign_in_is_well_without(case):
    box = case.sandbox("--auth", "none", "--fault", "no-metadata", "--stateful", "--json")
    report = _run(case, box["mcp"], token=None)
    case.equal(_failures(report), [], "failures")
    _is(case, report, "token", "skipped", "none is saved")
    _is(case, report, "tools", "ok")


def tools_of_several_pages_are_counted_together(case):
    box = case.sandbox("--page-size", "20")
    report = _run(case, box["mcp"], token=box["token"])
    _is(case, report, "tools", "ok", "65 in 4 pages")


def foreign_server_is_asked_for_nothing_of_mixpanel(case):
    server = case.server(_service(tools=[{"name": "echo", "inputSchema": {"type": "object"}}]))
    report = _run(case, server.url)
    _is(case, report, "access", "skipped", "Get-Projects")
    case.equal(server.of("tools/call"), [], "calls")


def policy_hides_tools_from_the_doctor_too(case):
    box = case.sandbox()
    report = _run(case, box["mcp"], "--ignore-tool", "Get-Projects", "--read-only", token=box["token"])
    _is(case, report, "tools", "ok", "35, ")
    _is(case, report, "access", "skipped")


def projects_that_may_not_be_named_are_not_tried(case):
    box = case.sandbox()
    _is(case, _run(case, box["mcp"], "--only-project", "2195194", token=box["token"]), "access", "ok", "1 project;", "2195194")
    _is(case, _run(case, box["mcp"], "--only-project", "7", token=box["token"], status=6), "access", "failed", "no project", "--only-project")


# ---- arguments, credential, folder


def wrong_arguments_are_the_first_to_be_named(case):
    # A wrong --region is an error of the command line, as for every command; the variable is part of the surroundings.
    _culprit(case, _run(case, status=2, env={"MIXPANEL_REGION": "asia"}), "arguments", "us, eu or in", "Correct")
    _culprit(case, _run(case, "--cacert", "/nonexistent/ca.pem", status=2), "arguments", "/nonexistent/ca.pem", "Correct")
    report = _run(case, "--header", "X: ${NOT_SET}", status=2)
    _culprit(case, report, "arguments", "NOT_SET", "Correct")
    _nothing_pointless(case, report, "credential", "proxy", "initialize", "requests")
    p = case.start("doctor", "http://127.0.0.1:1/mcp", "surplus")
    p.end_input()
    case.equal(p.wait(), 2, "status")
    case.check(b"surplus" in p.errors, "words")


def endpoint_that_is_none_of_the_three_is_noted(case):
    port = _closed_port(case)
    report = _run(case, "https://mcp.mixpanel.com/", status=5, env={"https_proxy": "http://127.0.0.1:%d" % port})
    _is(case, report, "arguments", "warning", "three endpoints", "--region")


def malformed_account_is_named(case):
    server = case.server(_service())
    report = _run(case, server.url, token="not base64 at all!", status=2)
    _culprit(case, report, "credential", "MIXPANEL_SA_TOKEN", "base64 -w0")
    _nothing_pointless(case, report, "token", "initialize", "tools", "access")
    _is(case, report, "http", "ok")
    case.equal(server.of(method="POST"), [], "messages")


def mended_account_is_noted(case):
    server = case.server(_service())
    report = _run(case, server.url, token="Bearer Basic  " + TOKEN[:40] + "\n" + TOKEN[40:])
    _is(case, report, "credential", "ok", "tester.abc123.mp-service-account", "corrected: ")


def name_that_is_no_account_is_noted_and_not_shown(case):
    swapped = "s3cr3ts3cr3ts3cr3ts3cr3t:tester"
    case.secrets.append("s3cr3ts3cr3ts3cr3ts3cr3t")
    report = _run(case, case.server(_service()).url, token=swapped)
    _is(case, report, "credential", "warning", ".mp-service-account")


def account_of_the_environment_for_another_server_is_refused(case):
    port = _closed_port(case)
    report = _run(case, "https://mcp.other.example/mcp", status=2, env={"https_proxy": "http://127.0.0.1:%d" % port})
    row = _is(case, report, "credential", "failed", "mixpanel.com", "mcp.other.example")
    case.check("--header" in row["advice"], "advice %r" % row)
    case.equal(_failures(report)[0], "credential", "first failure")


def header_is_told_by_its_form_and_what_it_outdoes(case):
    server = case.server(_service())
    report = _run(case, server.url, "--header", "Authorization: " + ACCOUNT_HEADER, "--header", "X-Api-Key: key-key-key")
    case.secrets.append("key-key-key")
    _is(case, report, "credential", "ok", "(Bearer Basic ...)", "MIXPANEL_SA_TOKEN is set, too")
    row = _is(case, report, "arguments", "ok", "X-Api-Key")
    case.check("key-key-key" not in row["detail"], "a header's value is shown")
    case.secrets.append("bare-bare-bare")
    report = _run(case, server.url, "--header", "Authorization: bare-bare-bare", token=None)
    _is(case, report, "credential", "warning", "without a scheme")


def query_of_the_url_is_not_shown(case):
    case.secrets.append("query-query-query")
    report = _run(case, case.server(_service()).url + "?key=query-query-query")
    case.check(report["url"].endswith("/mcp?..."), "url %r" % report["url"])
    _run(case, "http://127.0.0.1:%d/mcp?key=query-query-query" % _closed_port(case), status=5)


def folder_that_is_a_link_is_named(case):
    box = case.sandbox("--auto", "approve")
    path, _ = _login(case, box)
    folder = os.path.dirname(path)
    os.rename(folder, folder + ".real")
    os.symlink(folder + ".real", folder)
    report = _run(case, box["mcp"], token=None, status=1)
    _culprit(case, report, "folder", "symbolic link", "--auth-dir")
    # With a service account the folder is not needed.
    report = _run(case, box["mcp"], token=box["token"])
    _is(case, report, "folder", "warning", "symbolic link")


def modes_that_let_others_in_are_named(case):
    box = case.sandbox("--auto", "approve")
    path, _ = _login(case, box)
    os.chmod(path, 0o644)
    _is(case, _run(case, box["mcp"], token=None), "folder", "warning", os.path.basename(path), "0644", "chmod 600")
    os.chmod(path, 0o600)
    os.chmod(os.path.dirname(path), 0o755)
    _is(case, _run(case, box["mcp"], token=None), "folder", "warning", "0755", "chmod 700")


def place_for_the_folder_that_is_a_file_is_named(case):
    box = case.sandbox()
    report = _run(case, box["mcp"], "--auth-dir", os.path.dirname(case.file("mpmcp", "")), token=None, status=1)
    case.equal(_failures(report)[0], "folder", "first failure")
    _is(case, report, "folder", "failed", "not a folder")


# ---- the way


def wrong_port_is_named(case):
    port = _closed_port(case)
    report = _run(case, "http://127.0.0.1:%d/mcp" % port, status=5)
    _culprit(case, report, "connection", "port %d of 127.0.0.1: Connection refused" % port, "port in the URL")
    _nothing_pointless(case, report, "tls", "http", "clock", "resource", "token", "initialize", "tools", "access")


def name_without_an_address_is_named(case):
    report = _run(case, "https://no-such-host.invalid/mcp", "--connect-timeout", "30", token=None, status=5)
    _culprit(case, report, "name", "no-such-host.invalid", "Check the host")
    _nothing_pointless(case, report, "connection", "tls", "initialize")


def dead_proxy_is_named_without_its_password(case):
    port = _closed_port(case)
    case.secrets.append("p4ssw0rd-p4ssw0rd")
    report = _run(case, "https://mcp.mixpanel.com/mcp", status=5,
                  env={"https_proxy": "http://me:p4ssw0rd-p4ssw0rd@127.0.0.1:%d" % port})
    _culprit(case, report, "proxy", "http://127.0.0.1:%d (https_proxy) cannot be used" % port, "NO_PROXY")
    _nothing_pointless(case, report, "name", "connection", "tls", "initialize")


def proxy_that_refuses_is_named(case):
    for status, words, advice in ((407, "user name and password", "USER:PASSWORD"), (403, "refuses to connect", "NO_PROXY")):
        # RFC 9110 section 15.5.8: a proxy says how to sign in. Without that, a libcurl that knows fewer ways cannot tell.
        proxy = case.server(lambda r, status=status: r.reply(status, headers={"Proxy-Authenticate": 'Basic realm="p"'}))
        report = _run(case, "https://mcp.mixpanel.com/mcp", status=5, env={"https_proxy": proxy.origin})
        _culprit(case, report, "proxy", words, advice)


def proxy_that_is_gone_around_is_no_proxy(case):
    server = case.server(_service())
    report = _run(case, server.url, env={"http_proxy": "http://127.0.0.1:%d" % _closed_port(case)})
    _is(case, report, "proxy", "ok", "none for 127.0.0.1, though http_proxy is set")


def _tunnel(target):
    """A proxy whose every tunnel leads to this server."""
    def pump(a, b):
        try:
            for piece in iter(lambda: a.recv(65536), b""):
                b.sendall(piece)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def handler(r):
        there = socket.create_connection(("127.0.0.1", target.port))
        r.raw("HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=pump, args=(there, r.conn), daemon=True).start()
        pump(r.conn, there)
    return handler


def working_proxy_is_shown_and_looked_through(case):
    server = case.server(_service(), tls=certificates().context("other"))
    proxy = case.server(_tunnel(server))
    more = {"env": {"https_proxy": proxy.origin}, "token": None}
    header = ("--header", "Authorization: Bearer something-something")
    case.secrets.append("something-something")
    ca = ("--cacert", certificates().path("ca.pem"))
    report = _run(case, "https://other.example/mcp", *ca, *header, **more)
    case.equal(_failures(report), [], "failures")
    _is(case, report, "proxy", "ok", proxy.origin, "https_proxy")
    _is(case, report, "name", "ok", "which the proxy resolves")
    report = _run(case, "https://another.example/mcp", *ca, *header, status=5, **more)
    _culprit(case, report, "tls", "DNS:other.example", "another server answers")
    report = _run(case, "https://other.example/mcp", *header, status=5, **more)
    _culprit(case, report, "tls", "Case CA", "--cacert")


# ---- TLS


def _https(case, context, *args, **more):
    server = case.server(_service(), tls=context)
    return _run(case, server.url, *args, **more)


def certificate_is_described(case):
    report = _https(case, certificates().context("good"), "--cacert", certificates().path("ca.pem"))
    _is(case, report, "tls", "ok", '"Case CA"', "good until 20", "ca.pem (--cacert)")
    case.equal(_failures(report), [], "failures")


def store_that_is_missing_is_named_where_it_is_needed(case):
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        env = {name: "/nonexistent/ca"}
        _culprit(case, _https(case, certificates().context("good"), env=env, status=5), "tls", name + " names /nonexistent/ca", "Correct")
        box = case.sandbox()
        case.equal(_failures(_run(case, box["mcp"], token=box["token"], env=env)), [], "failures without TLS")


def unknown_authority_is_named(case):
    report = _https(case, certificates().context("good"), status=5)
    _culprit(case, report, "tls", 'issued by "Case CA"', "--cacert")
    _nothing_pointless(case, report, "http", "clock", "initialize")


def certificate_for_another_host_is_named(case):
    report = _https(case, certificates().context("other"), "--cacert", certificates().path("ca.pem"), status=5)
    _culprit(case, report, "tls", "not valid for 127.0.0.1, only for: DNS:other.example", "Check the host")


def _own_authority(case, *dates):
    """A certificate by a new authority of this case, good between these dates; returns its TLS context."""
    import ssl
    folder = case.folder

    def run(*args):
        subprocess.run(["openssl", *args], check=True, capture_output=True, cwd=folder)
    case.file("index", "")
    case.file("serial", "01\n")
    case.file("ca.cnf", "[ca]\ndefault_ca=c\n[c]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n"
                        "x509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=IP:127.0.0.1\n"
                        "[req]\ndistinguished_name=d\n[d]\n")
    run("req", "-config", "ca.cnf", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Own CA", "-addext",
        "basicConstraints=critical,CA:TRUE", "-keyout", "ca.key", "-out", "ca.pem")
    run("req", "-config", "ca.cnf", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=leaf", "-keyout", "leaf.key", "-out", "leaf.csr")
    run("ca", "-batch", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key", "-startdate", dates[0], "-enddate", dates[1],
        "-in", "leaf.csr", "-out", "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, "leaf.pem"), os.path.join(folder, "leaf.key"))
    return context


def expired_certificate_is_named_with_both_dates(case):
    context = _own_authority(case, "20200101000000Z", "20200301000000Z")
    report = _https(case, context, "--cacert", os.path.join(case.folder, "ca.pem"), status=5)
    _culprit(case, report, "tls", "expired on 2020-03-01 00:00 UTC; this machine's clock says 20", "renew")


def certificate_of_the_future_points_at_the_clock(case):
    context = _own_authority(case, "21000101000000Z", "21000301000000Z")
    report = _https(case, context, "--cacert", os.path.join(case.folder, "ca.pem"), status=5)
    _culprit(case, report, "tls", "not valid before 2100-01-01", "Set the clock")


def self_signed_certificate_is_named(case):
    import ssl
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Lone", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", "lone.key", "-out", "lone.pem"], check=True, capture_output=True,
                   cwd=case.folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(case.folder, "lone.pem"), os.path.join(case.folder, "lone.key"))
    report = _https(case, context, status=5)
    _culprit(case, report, "tls", "self-signed (Lone)", "--cacert")
    case.equal(_failures(_https(case, context, "--cacert", os.path.join(case.folder, "lone.pem"))), [], "failures when trusted")


def untrusted_server_is_sent_no_byte_of_a_request(case):
    server = case.server(_service(), tls=certificates().context("good"))
    _run(case, server.url, status=5)
    case.equal(server.requests, [], "requests")


def https_to_a_plain_server_is_named(case):
    server = case.server(_service())
    report = _run(case, server.url.replace("http:", "https:"), status=5)
    _culprit(case, report, "tls", "does not speak TLS", "http://")


def plain_http_to_a_tls_server_is_named(case):
    server = case.server(_service(), tls=certificates().context("good"))
    report = _run(case, server.url.replace("https:", "http:"), status=5)
    _culprit(case, report, "http", "127.0.0.1", "port")


def something_that_is_no_web_server_is_named(case):
    s = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                conn, _ = s.accept()
            except OSError:
                return
            with conn:
                conn.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    threading.Thread(target=serve, daemon=True).start()
    report = _run(case, "http://127.0.0.1:%d/mcp" % s.getsockname()[1], status=5)
    s.shutdown(socket.SHUT_RDWR)
    s.close()
    _culprit(case, report, "http", "", "not a web server")
    _nothing_pointless(case, report, "clock", "resource", "token", "initialize")


# ---- clock


def _dated(date, **more):
    def before(r):
        if r.path.startswith("/.well-known/"):
            r.reply(404, headers=dict({"Date": date}, **more))
            return True
        return False
    return _service(before=before)


def _http_date(offset_s):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + offset_s))


def wrong_clock_is_named(case):
    report = _run(case, case.server(_dated(_http_date(3 * 86400 + 3600))).url)
    _is(case, report, "clock", "warning", "behind the server's", "3 days", "Set the clock")
    report = _run(case, case.server(_dated(_http_date(-9030))).url)
    _is(case, report, "clock", "warning", "2 h 30 min ahead of", "Set the clock")


def date_of_a_cached_answer_is_no_skew(case):
    report = _run(case, case.server(_dated(_http_date(-3000), Age="3000")).url)
    _is(case, report, "clock", "ok")
    _is(case, _run(case, case.server(_service()).url), "clock", "skipped", "no date")


# ---- signing in


def missing_sign_in_is_named_with_the_command(case):
    box = case.sandbox()
    report = _run(case, box["mcp"], token=None, status=4)
    _culprit(case, report, "token", "no sign-in is saved", "mpmcp login " + box["mcp"])
    _nothing_pointless(case, report, "scopes", "initialize", "tools", "access")
    case.equal(report["requests_used"], 0, "requests")


def advised_command_keeps_the_options_of_the_sign_in(case):
    box = case.sandbox()
    options = ("--authorize-param", "audience=x y", "--profile", "work", "--host", "127.0.0.1", "--use-id-token")
    report = _run(case, *options, box["mcp"], token=None, status=4)
    _culprit(case, report, "token", "no sign-in is saved",
             "mpmcp login " + box["mcp"] + " --host 127.0.0.1 --profile work --use-id-token --authorize-param 'audience=x y'")


def sign_in_elsewhere_is_pointed_at(case):
    box, other = case.sandbox("--auto", "approve"), case.sandbox("--auto", "approve")
    _login(case, other)
    report = _run(case, box["mcp"], token=None, status=4)
    _culprit(case, report, "token", other["mcp"], "mpmcp login " + box["mcp"])


def server_that_asks_for_a_sign_in_without_publishing_where(case):
    server = case.server(_service(before=lambda r: r.method == "POST" and (r.reply(401), True)[1]))
    report = _run(case, server.url, token=None, status=4)
    _culprit(case, report, "initialize", "asks for a sign-in, and none is saved", "mpmcp login")


def refused_sign_in_is_named(case):
    box = case.sandbox("--auto", "approve")
    _login(case, box)
    urllib.request.urlopen(box["oauth"] + "/_sandbox/revoke", timeout=DEADLINE).read()
    report = _run(case, box["mcp"], token=None, status=4)
    _culprit(case, report, "initialize", "no longer accepts the saved sign-in", "mpmcp login " + "--force " + box["mcp"])


def sign_in_that_ended_is_named(case):
    box = case.sandbox("--auto", "approve")
    path, _ = _login(case, box)
    _rewrite(path, expires=int(time.time()) - 5, refresh_token=None)
    _culprit(case, _run(case, box["mcp"], token=None, status=4), "token", "has expired", "mpmcp login")
    _rewrite(path, refresh_token="refresh-unknown")
    _culprit(case, _run(case, box["mcp"], token=None, status=4), "token", "does not refresh it", "mpmcp login")


def token_that_is_due_is_renewed_as_a_bridge_would(case):
    box = case.sandbox("--auto", "approve")
    path, record = _login(case, box)
    _rewrite(path, expires=int(time.time()) - 5)
    report = _run(case, box["mcp"], token=None)
    _is(case, report, "token", "ok", "refreshed just now")
    with open(path) as f:
        now = json.load(f)
    case.check(now["refresh_token"] != record["refresh_token"], "the new token is not kept")
    case.secrets += [now["access_token"], now["refresh_token"]]


def sign_in_that_cannot_be_read_is_named(case):
    box = case.sandbox("--auto", "approve")
    path, _ = _login(case, box)
    with open(path, "w") as f:
        f.write("{")
    report = _run(case, box["mcp"], token=None, status=4)
    _culprit(case, report, "token", "set aside", "mpmcp login")
    _is(case, report, "folder", "ok", "1 set aside as broken")


def missing_scopes_are_named(case):
    box = case.sandbox("--auto", "approve")
    narrow = '{"scope": "projects analysis events"}'
    _login(case, box, "--static-oauth-client-metadata", narrow)
    report = _run(case, box["mcp"], token=None)
    _is(case, report, "scopes", "warning", "3 of the 18", "missing: insights", "user_details", "mpmcp login --force")
    report = _run(case, box["mcp"], "--static-oauth-client-metadata", narrow, token=None)
    _is(case, report, "scopes", "ok", "all 3 that are requested")


def missing_scope_that_fits_no_line_is_no_matter(case):
    box = case.sandbox("--auto", "approve")
    _login(case, box)
    report = _run(case, box["mcp"], "--static-oauth-client-metadata", json.dumps({"scope": "s" * 600 + " projects"}), token=None)
    _is(case, report, "scopes", "warning", "1 of the 2 that are requested; missing: sss", "mpmcp login --force")


def metadata_for_another_server_are_named(case):
    box = case.sandbox("--fault", "resource-mismatch")
    report = _run(case, box["mcp"], token=None, status=1)
    case.equal(_failures(report)[0], "resource", "first failure")
    _is(case, report, "resource", "failed", "another server", "Check the URL")
    _nothing_pointless(case, report, "server", "scopes")
    # A credential that is given needs none of it.
    report = _run(case, box["mcp"], token=box["token"])
    _is(case, report, "resource", "warning", "another server")


def server_that_a_sign_in_would_use_is_the_one_that_is_shown(case):
    def before(r):
        at = r.headers["host"]
        if r.path.startswith("/.well-known/oauth-protected-resource"):
            r.json({"resource": "http://%s/mcp" % at, "authorization_servers": ["http://%s/gone" % at, "http://%s/here" % at]})
        elif r.path == "/.well-known/oauth-authorization-server/here":
            r.json({"issuer": "http://%s/here" % at, "authorization_endpoint": "http://%s/a" % at, "token_endpoint": "http://%s/t" % at,
                    "code_challenge_methods_supported": ["S256"]})
        else:
            return False
        return True
    server = case.server(_service(before=before))
    report = _run(case, server.url, token=None, status=4)
    _is(case, report, "server", "ok", server.origin + "/here")


def server_metadata_that_do_not_fit_are_named(case):
    box = case.sandbox("--auto", "approve")
    _login(case, box)
    for fault, words in (("issuer-mismatch", "another issuer"), ("no-s256", "PKCE"), ("http-endpoints", "not https")):
        wrong = case.sandbox("--fault", fault)
        report = _run(case, wrong["mcp"], token=None, status=1)
        case.equal(_failures(report)[0], "server", "first failure with " + fault)
        _is(case, report, "server", "failed", words, "Nobody can sign in there")


def what_a_sign_in_passes_over_is_no_failure(case):
    """Pages where documents should be, a document of another issuer, and the right one where only some have it."""
    def before(r):
        document = {"issuer": server.origin + "/t", "authorization_endpoint": server.origin + "/a", "token_endpoint": server.origin + "/k",
                    "code_challenge_methods_supported": ["S256"]}
        known = {
            "oauth-protected-resource/mcp": "<!doctype html><p>Welcome",
            "oauth-protected-resource": json.dumps({"resource": server.url, "authorization_servers": [server.origin + "/t"]}),
            "oauth-authorization-server/t": "<!doctype html><p>Welcome",
            "openid-configuration/t": json.dumps(dict(document, issuer="https://other.example")),
            "oauth-authorization-server": json.dumps(document),
        }
        answer = known.get(r.path.partition("/.well-known/")[2])
        if answer is None or not r.path.startswith("/.well-known/"):
            return False
        r.reply(200, answer.encode(), {"Content-Type": "text/html" if answer[0] == "<" else "application/json"})
        return True
    server = case.server(_service(before=before))
    report = _run(case, server.url, token=None, status=4)
    _is(case, report, "resource", "ok", server.origin + "/t")
    _is(case, report, "server", "ok", server.origin + "/t")
    case.equal(_failures(report), ["token"], "failures")


# ---- the conversation


def refused_account_is_named(case):
    box = case.sandbox()
    report = _run(case, box["mcp"], status=4)
    _culprit(case, report, "initialize", "refuses the service account in MIXPANEL_SA_TOKEN (HTTP 401", "--region")
    _nothing_pointless(case, report, "tools", "access")


def wrong_path_is_named(case):
    box = case.sandbox("--fault", "no-metadata")
    report = _run(case, box["mcp"] + "s", token=box["token"], status=1)
    _culprit(case, report, "initialize", "nothing is at this address (HTTP 404)", "path of the URL")
    report = _run(case, box["mcp"] + "s", token=None, status=1)
    _culprit(case, report, "initialize", "nothing is at this address (HTTP 404)", "path of the URL")


def page_in_place_of_mcp_is_named(case):
    for status, words in ((200, "text/html"), (404, "Welcome"), (405, "HTTP 405")):
        server = case.server(lambda r: r.reply(status, "<html><title>Welcome</title></html>", {"Content-Type": "text/html"}))
        report = _run(case, server.url, status=1)
        _culprit(case, report, "initialize", words, "heck the")


def failing_server_is_named(case):
    server = case.server(_service(before=lambda r: r.method == "POST" and (r.reply(500, "down"), True)[1]))
    _culprit(case, _run(case, server.url, status=1), "initialize", "HTTP 500", "Try again. If this persists")
    server = case.server(lambda r: r.reply(503))
    report = _run(case, server.url, status=1)
    _is(case, report, "resource", "warning", "HTTP 503")
    case.equal(_failures(report), ["initialize"], "failures")


def mcp_that_is_not_enabled_is_named(case):
    not_enabled = "MCP access is not enabled for this project. Ask an admin."
    server = case.server(_service(events=lambda _: not_enabled))
    report = _run(case, server.url, status=6)
    _culprit(case, report, "access", 'not enabled for "Shop" (7)', "organisation admin")
    # As an error of JSON-RPC.
    server = case.server(_service(before=lambda r: r.rpc_method == "tools/call" and r.rpc["params"]["name"] == "Get-Events" and (
        r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32001, "message": not_enabled}}), True)[1]))
    _culprit(case, _run(case, server.url, status=6), "access", "not enabled", "organisation admin")


def mcp_that_is_enabled_for_some_projects_is_a_warning(case):
    projects = {str(n): {"id": n, "name": "P%d" % n} for n in range(1, 9)}
    asked = []

    def events(ident, good=2):
        asked.append(ident)
        return "[]" if ident == good else "MCP access is not enabled for this project"
    report = _run(case, case.server(_service(projects=projects, events=events)).url)
    _is(case, report, "access", "warning", '8 projects', '"P2" (2)', 'not for "P1" (1)', "organisation admin")
    del asked[:]
    _run(case, case.server(_service(projects=projects, events=lambda n: events(n, 0))).url, status=6)
    case.equal(asked, [1, 2, 3], "projects that are asked about")


def account_without_projects_is_pointed_at_the_region(case):
    report = _run(case, case.server(_service(projects={})).url, status=6)
    _culprit(case, report, "access", "no project", "--region")


def other_answers_of_the_tools_are_shown(case):
    server = case.server(_service(events=lambda _: {
        "content": [{"type": "text", "text": "Tool 'Get-Events' requires scopes: events\x1b[31m"}], "isError": True}))
    row = _is(case, _run(case, server.url), "access", "warning", "requires scopes: events")
    case.check("\x1b" not in row["detail"], "control characters")
    server = case.server(_service(projects="maintenance"))
    _is(case, _run(case, server.url), "access", "warning", "maintenance")


def rate_limit_is_named(case):
    for form in ("429", "jsonrpc"):
        box = case.sandbox("--rate", "1", "--rate-form", form)
        report = _run(case, box["mcp"], token=box["token"], status=7)
        first = _failures(report)[0]
        row = _row(report, first)
        case.check("limit" in row["detail"] or "too many requests (HTTP 429)" in row["detail"], "words %r" % row)
        case.check("Try again in 3600 seconds. Send fewer" in row["advice"] or "Wait" in row["advice"], "advice %r" % row)
        _is(case, report, "requests", "failed" if form == "429" else "ok", "rate limited")


def refusal_that_is_over_is_not_the_culprit(case):
    box = case.sandbox("--rate", "1", "--retry-after", "3600")
    report = _run(case, box["mcp"], token=box["token"], status=7)
    _is(case, report, "requests", "failed", "rate limited, no more for another 60 min")
    case.control(box, "set?rate=0")
    report = _run(case, box["mcp"], token=box["token"])
    _is(case, report, "requests", "warning", "accepting requests again now")


def little_that_is_left_of_the_hour_is_noted(case):
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    env = {"https_proxy": "http://127.0.0.1:%d" % _closed_port(case)}
    report = _run(case, status=5, env=env)
    _is(case, report, "requests", "ok", "0 requests from this machine in the last hour; 600 of the 600")
    case.check(not os.path.exists(folder), "a file without a request")


def interruption_ends_it(case):
    hang = threading.Event()
    server = case.server(_service(before=lambda r: r.rpc_method == "initialize" and (hang.wait(DEADLINE), True)[1]))
    p = case.start("doctor", "--json", server.url)
    server.wait(lambda _: server.of("initialize"), "initialize")
    p.signal(signal.SIGINT)
    case.equal(p.wait(), -signal.SIGINT, "status")
    hang.set()
    report = json.loads(b"".join(p.lines))
    _is(case, report, "tools", "skipped", "interrupted")


def get_that_never_ends_holds_nothing_up(case):
    def before(r):
        if r.method != "GET":
            return False
        r.stream()
        r.wait_gone()
        return True
    report = _run(case, case.server(_service(before=before)).url)
    _is(case, report, "http", "ok", "HTTP 200")
    case.equal(_failures(report), [], "failures")


def server_that_is_silent_is_named(case):
    s = socket.create_server(("127.0.0.1", 0))
    report = _run(case, "https://127.0.0.1:%d/mcp" % s.getsockname()[1], "--connect-timeout", "1", status=5)
    s.close()
    _culprit(case, report, "tls", "no answer in time", "http://")


def names_of_the_server_are_cleaned(case):
    def before(r):
        if r.rpc_method == "initialize":
            result = initialized_result(r.id)
            result["result"]["serverInfo"]["name"] = "Red\x1b[31m\u202e"
            r.json(result)
            return True
        return False
    _is(case, _run(case, case.server(_service(before=before)).url), "initialize", "ok", "Red?[31m? 1, revision 2025-06-18")


def server_of_the_new_revision_is_told_as_such(case):
    meta = {"io.modelcontextprotocol/serverInfo": {"name": "new", "version": "2"}}

    def before(r):
        if r.rpc_method == "initialize":
            r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32022, "message": "Unsupported protocol version",
                                                            "data": {"supported": ["2026-07-28"], "requested": "2025-11-25"}}}, 400)
        elif r.rpc_method == "server/discover":
            r.json(response(r.id, {"resultType": "complete", "supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}},
                                   "ttlMs": 0, "cacheScope": "public", "_meta": meta}))
        elif r.rpc_method == "tools/list":
            r.json(response(r.id, {"resultType": "complete", "tools": [], "ttlMs": 0, "cacheScope": "public"}))
        else:
            return False
        return True
    report = _run(case, case.server(_service(before=before)).url)
    _is(case, report, "initialize", "ok", "new 2, revision 2026-07-28")
    _is(case, report, "tools", "warning", "none", "--only-tool")
