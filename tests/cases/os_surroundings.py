"""What lies around the program: environment, proxies, name resolution, limits, signals. Whoever sets them must not get
at the credential, and nothing of it may hang the bridge."""

import base64
import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import threading
import time

import harness
from harness import ACCOUNT_HEADER, DEADLINE, INITIALIZE, INITIALIZED, LIMIT, TOKEN, Failed, certificates, initialized_result, readable, request, response
from origin import Origin


# ---- encodings

ENCODINGS = {"UTF-8 with a mark": "utf-8-sig", "UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be"}


def _encoded(name, text):
    """As editors and PowerShell save it: with the mark and the line ends of Windows."""
    return (("\ufeff" if "16" in ENCODINGS[name] else "") + text.replace("\n", "\r\n")).encode(ENCODINGS[name])


def files_in_every_encoding_of_windows_are_read(case):
    case.secrets.append("k\u00e9y-of-the-header-file")
    for name in ENCODINGS:
        server = case.server()
        headers = case.file("headers", _encoded(name, "# mine\nX-Key: k\u00e9y-of-the-header-file\n\nX-Last: 1\n"), 0o600)
        token = case.file("token", _encoded(name, TOKEN + "\n"), 0o600)
        p = case.start(server.url, "--header-file", headers, "--sa-token-file", token, token=None)
        p.handshake()
        sent = server.requests[0].headers
        case.equal((sent["authorization"], sent["x-last"]), (ACCOUNT_HEADER, "1"), "headers from %s" % name)
        case.equal(sent["x-key"].encode("latin-1").decode(), "k\u00e9y-of-the-header-file", "header from %s" % name)
        p = case.start("call", server.url, "x", "@" + case.file("arguments", _encoded(name, '\n{"a":\n"\u00e4"}\n')))
        case.equal(p.finish(), 0, "status (%r)" % p.errors)
        case.check(b'"a":' in server.of("tools/call")[0].body and "\u00e4".encode() in server.of("tools/call")[0].body, "arguments from %s" % name)


def documents_in_every_encoding_of_windows_are_read(case):
    """The client's, and those of an authorization server."""
    for name in ENCODINGS:
        o = Origin(case)

        def document(r, value, status=200, name=name):
            r.reply(status, _encoded(name, json.dumps(value, indent=1)), {"Content-Type": "application/json"})
        plain = o.__call__

        def marked(r, document=document, plain=plain):
            if not r.path.startswith("/mcp"):
                r.json = lambda value, status=200: document(r, value, status)
            plain(r)
        o.server.handler = marked
        o.works(case, "--static-oauth-client-metadata", "@" + case.file("metadata", _encoded(name, '{"scope":\n"three"}')))
        case.equal(o.sent("/authorize")[0]["scope"], ["three"], "scope from %s" % name)


def files_that_are_no_text_are_named_with_the_byte(case):
    path = case.file("odd", b"X-A: caf\xe9\n", 0o600)
    for args in (["--header-file", path], ["--sa-token-file", path], ["--static-oauth-client-info", "@" + path],
                 ["--static-oauth-client-metadata", "@" + path]):
        p = case.start("http://127.0.0.1:1/mcp", *args, token=None)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, args[0], path, "byte 9 is not UTF-8", "Save it as UTF-8")
    p = case.start("call", "http://127.0.0.1:1/mcp", "x", "@" + path)
    case.equal(p.finish(), 2, "status")
    case.check(path.encode() in p.errors and b"byte 9 is not UTF-8" in p.errors, "words %r" % p.errors)
    path = case.file("odd.json", '{"client_id": "x",\n "client_secret": unquoted-secret-of-mine}', 0o600)
    case.secrets.append("unquoted-secret-of-mine")
    p = case.start("http://127.0.0.1:1/mcp", "--static-oauth-client-info", "@" + path, token=None)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, path, "is not valid JSON (byte ")


# ---- environment


def files_of_curl_and_netrc_are_not_read(case):
    case.file("home/.curlrc", 'header = "X-From-Curlrc: 1"\nproxy = "http://127.0.0.1:1"\n')
    case.file("home/.netrc", "machine 127.0.0.1 login somebody password something\n", 0o600)
    server, p = case.bridge(env={"CURL_HOME": case.home, "NETRC": os.path.join(case.home, ".netrc")})
    p.handshake()
    case.check("x-from-curlrc" not in server.requests[0].headers, ".curlrc was read")
    case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")


def keys_of_connections_are_not_written_to_a_file(case):
    """SSLKEYLOGFILE would let others read the credential off the wire."""
    server = case.server(tls=certificates().context("good"))
    log = os.path.join(case.folder, "keys")
    p = case.start(server.url, "--cacert", certificates().path("ca.pem"), env={"SSLKEYLOGFILE": log})
    p.handshake()
    case.check(not os.path.exists(log), "the keys were written")


def broken_settings_of_openssl_are_no_crash(case):
    path = case.file("openssl.cnf", "openssl_conf = x\n[x]\nproviders = y\n[y]\nnone = z\n[z]\nactivate = 1\nmodule = /nonexistent.so\n")
    server = case.server(tls=certificates().context("good"))
    p = case.start(server.url, "--cacert", certificates().path("ca.pem"), env={"OPENSSL_CONF": path})
    p.send(INITIALIZE)
    p.answer(0)


def without_a_home_a_service_account_works(case):
    server = case.server()
    env = case.env({"MIXPANEL_SA_TOKEN": TOKEN})
    del env["HOME"]
    p = harness.Program(case, [server.url], env)
    case.programs.append(p)
    p.handshake()
    case.check("result" in p.call(1), "no result")


def odd_environment_variables_do_no_harm(case):
    env = {"MIXPANEL_REGION": "", "MIXPANEL_SA_USERNAME": "", "MIXPANEL_SA_SECRET": "", "no_proxy": ",,,", "http_proxy": "", "SSL_CERT_FILE": "", "MPMCP_AUTH_DIR": "",
           "LANG": "xx_YY.UTF-99", "LC_ALL": "C.UTF-8", "TZ": "Nowhere/Land", "NO_COLOR": "1", "MIXPANEL_SA_TOKEN": TOKEN, "RES_OPTIONS": "timeout:x", "MALLOC_PERTURB_": "165"}
    server = case.server()
    p = case.start(server.url, env=env)
    p.handshake()
    case.check("result" in p.call(1), "no result")


# ---- proxies


class _Proxy:
    """Answers CONNECT by a tunnel to `to`, any other request by itself; remembers what it was told."""

    def __init__(self, case, to=None, refuse=None):
        self.heads, self.to, self.refuse = [], to, refuse
        self.server = case.server(self.plain)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def plain(self, r):
        r.answer()

    def accept(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(conn,), daemon=True).start()

    def serve(self, conn):
        with conn, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                piece = conn.recv(1)
                if not piece:
                    return
                head += piece
            self.heads.append(head.decode())
            if self.refuse:
                conn.sendall(self.refuse)
                return
            far = socket.create_connection(("127.0.0.1", self.to or self.server.port))
            if head.startswith(b"CONNECT"):
                conn.sendall(b"HTTP/1.1 200 Yes\r\nMcp-Session-Id: of-the-proxy\r\n\r\n")
            else:
                far.sendall(head)
            with far:
                while True:
                    for fd in readable(conn.fileno(), far.fileno()):
                        here, there = (conn, far) if fd == conn.fileno() else (far, conn)
                        data = here.recv(65536)
                        if not data:
                            return
                        there.sendall(data)

    def close(self):
        self.socket.close()


def proxy_for_https_gets_no_credential_and_its_own_is_not_shown(case):
    server = case.server(tls=certificates().context("service"))
    proxy = _Proxy(case, to=server.port)
    log = os.path.join(case.folder, "log")
    case.logs.append(log)
    case.secrets += ["proxy-passw0rd", base64.b64encode(b"someone:proxy-passw0rd").decode(), "of-the-proxy"]
    p = case.start("https://mcp.mixpanel.com/mcp", "--cacert", certificates().path("ca.pem"), "--debug", "--log-file", log,
                   env={"https_proxy": "http://someone:proxy-passw0rd@127.0.0.1:%d" % proxy.port})
    p.handshake()
    case.check("result" in p.call(1), "no result")
    case.check(proxy.heads[0].startswith("CONNECT mcp.mixpanel.com:443 "), "no CONNECT: %r" % proxy.heads[0])
    case.check("Proxy-Authorization: Basic" in proxy.heads[0], "the proxy's own credential was not sent")
    for word in (TOKEN, "Mcp-", "Bearer", "application/json"):
        case.check(word not in proxy.heads[0], "%s was told to the proxy" % word)
    case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")
    case.check("mcp-session-id" not in server.of("tools/call")[-1].headers, "the proxy's header field was taken for the server's")
    case.check("proxy-authorization" not in server.requests[0].headers, "the proxy's credential went on to the server")
    proxy.close()


def proxy_for_http_is_used_and_left_out_for_loopback(case):
    proxy = _Proxy(case)
    env = {"http_proxy": "http://127.0.0.1:%d" % proxy.port}
    p = case.start("http://mcp.example.com/mcp", "--allow-http", "--header", "Authorization: Bearer abcdefghij", env=env, token=None)
    p.handshake()
    p.call(1)
    p.finish()
    case.check(proxy.heads[0].startswith("POST http://mcp.example.com/mcp "), "not through the proxy: %r" % proxy.heads[0])
    used = len(proxy.heads)
    server = case.server()
    for url in (server.url, server.url.replace("127.0.0.1", "localhost")):
        p = case.start(url, env=dict(env, all_proxy=env["http_proxy"]))
        p.handshake()
    case.equal(len(proxy.heads), used, "requests to loopback through the proxy")
    proxy.close()


def proxy_that_refuses_is_an_error_that_names_no_secret(case):
    case.secrets.append("proxy-passw0rd")
    for n, refusal in enumerate((b"HTTP/1.1 407 No\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 2\r\n\r\nno", b"HTTP/1.1 502 Bad\r\n\r\n", b"", b"\x05\x00")):
        proxy = _Proxy(case, refuse=refusal or b" ")
        p = case.start("https://mcp.mixpanel.com/mcp", "--debug", env={"https_proxy": "http://someone:proxy-passw0rd@127.0.0.1:%d" % proxy.port})
        p.send(request(n, "initialize"))
        answer = p.answer(n)
        case.is_error(answer, -31503)
        case.check("proxy-passw0rd" not in json.dumps(answer), "the proxy's password stands in the error")
        proxy.close()


# ---- names and addresses


def server_on_ipv6_alone_is_reached(case):
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        raise harness.Skipped("this machine has no IPv6")
    server, nobody = case.server(), socket.socket()
    server.socket.close()
    with contextlib.suppress(OSError):
        nobody.bind(("127.0.0.1", listener.getsockname()[1]))  # so that no other case listens there
    server.socket = listener
    threading.Thread(target=server.accept, daemon=True).start()
    for host in ("[::1]", "localhost"):
        p = case.start("http://%s:%d/mcp" % (host, listener.getsockname()[1]))
        p.handshake()
        case.check("result" in p.call(1), "no result from " + host)
    nobody.close()


_slow_names = r"""
import fcntl, os, socket, struct, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
flags = struct.pack("16sh", b"lo", 1)
fcntl.ioctl(s, 0x8914, flags)
s.bind(("127.0.0.1", 53))  # asked, and silent
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/resolv.conf"], check=True)
s.set_inheritable(True)
os.execv(sys.argv[2], sys.argv[2:])
"""


def _with_a_silent_name_server(case, *args):
    """The program in a network of its own whose name server never answers, which is waited for longer than DEADLINE."""
    conf = case.file("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n")
    wrapped = harness.WRAP + [harness.PROGRAM] if harness.WRAP else [harness.PROGRAM]
    if wrapped[0][0] != "/":
        wrapped[0] = shutil.which(wrapped[0])
    inside = ["unshare", "-rmn", "--", "python3", "-c", _slow_names, conf]
    probe = subprocess.run(inside + [shutil.which("true")], capture_output=True)
    if probe.returncode:
        raise harness.Skipped("no network of its own can be made here (unshare -rmn)")
    p = harness.Program(case, inside[1:] + wrapped + list(args), case.env({"MIXPANEL_SA_TOKEN": TOKEN}), binary="/usr/bin/unshare", wrap=[])
    case.programs.append(p)
    return p


def name_server_that_is_silent_delays_nothing_else(case):
    p = _with_a_silent_name_server(case, "https://mcp.mixpanel.com/mcp")
    p.send(request(1, "tools/list"), "not json")
    p.wait_line(lambda line: b"-32700" in line, "the first error")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, "not json")
    with p.changed:
        case.check(p.changed.wait_for(lambda: len(p.lines) == 2, DEADLINE), "the loop stands still")


def name_server_that_is_silent_does_not_hold_up_the_end(case):
    for end in (signal.SIGTERM, signal.SIGINT, None):
        p = _with_a_silent_name_server(case, "https://mcp.mixpanel.com/mcp", "--debug")
        p.send(request(1, "initialize"), "not json")
        p.wait_line(lambda line: b"-32700" in line, "the error")
        if end:
            p.signal(end)
        else:
            p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, "not json")
            p.process.stdin.close()
            p.signal(signal.SIGTERM)
        try:
            p.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Failed("the program waits for the name server")


def name_server_that_is_silent_is_an_error_after_the_connect_timeout(case):
    p = _with_a_silent_name_server(case, "https://mcp.mixpanel.com/mcp", "--connect-timeout", "1")
    p.send(request(1, "initialize"))
    with p.changed:
        case.check(p.changed.wait_for(lambda: p.lines, DEADLINE), "no answer in time")
    case.is_error(json.loads(p.lines[0]), -31503, "mcp.mixpanel.com")


def connection_that_is_not_taken_is_an_error_after_the_connect_timeout(case):
    """A listener whose queue is full: SYNs go unanswered."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    fillers = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(listener.getsockname())
        fillers.append(s)
    p = case.start("http://127.0.0.1:%d/mcp" % listener.getsockname()[1], "--connect-timeout", "1")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31503, "cannot reach", "no connection in time. ", 'run "mpmcp doctor"')
    for s in fillers + [listener]:
        s.close()


def handshake_that_never_ends_is_an_error_after_the_connect_timeout(case):
    listener = socket.create_server(("127.0.0.1", 0))
    p = case.start("https://127.0.0.1:%d/mcp" % listener.getsockname()[1], "--connect-timeout", "1")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31503, "no connection in time")
    listener.setblocking(False)
    listener.accept()[0].close()
    with contextlib.suppress(BlockingIOError):
        listener.accept()
        raise Failed("the time for connecting was given more than once")
    listener.close()


# ---- as the first process of a container


def first_process_takes_note_of_children_that_it_inherits(case):
    """The shell leaves a child behind when it becomes the program: nobody else can wait for that one."""
    inside = ["unshare", "-rpf", "--kill-child", "--"]
    if subprocess.run(inside + ["true"], capture_output=True).returncode != 0:
        raise harness.Skipped("no process namespace can be made here (unshare -rpf)")
    server = case.server()
    left = os.path.join(case.folder, "left")
    os.mkfifo(left)
    script = 'read word <%s & exec "$0" "$@"' % left
    p = harness.Program(case, inside[1:] + ["sh", "-c", script] + harness.WRAP + [harness.PROGRAM, server.url],
                        case.env({"MIXPANEL_SA_TOKEN": TOKEN}), binary="/usr/bin/unshare", wrap=[])
    case.programs.append(p)
    p.handshake()

    def children(pid):
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(x) for x in f.read().split()]
    first = children(p.process.pid)[0]
    case.equal(len(children(first)), 1, "children at first")
    with open(left, "w") as f:
        f.write("go\n")
    case.check(any("result" in p.call(n) and not children(first) for n in range(1, 500)), "the dead child is still there")
    case.equal(p.finish(), 0, "status")


# ---- signals


def signals_end_the_bridge_whatever_the_connection_does(case):
    """During connect, TLS handshake, upload, download, a wait that the server asked for."""
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    fillers = [socket.socket() for _ in range(4)]
    for s in fillers:
        s.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            s.connect(full.getsockname())
    silent = socket.create_server(("127.0.0.1", 0))

    def handler(r):
        if r.id == "download":
            r.head(200, {"Content-Type": "application/json"}, 1 << 30)
            with contextlib.suppress(OSError):
                while True:
                    r.raw(b" " * 65536)
        elif r.id == "later":
            r.reply(429, headers={"Retry-After": "20"})
        else:
            r.answer()
    server = case.server(handler)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        for url, ident in (("http://127.0.0.1:%d/mcp" % full.getsockname()[1], "connect"), ("https://127.0.0.1:%d/mcp" % silent.getsockname()[1], "tls"),
                           ("http://127.0.0.1:%d/mcp" % silent.getsockname()[1], "upload"), (server.url, "download"), (server.url, "later")):
            p = case.start(url)
            p.send(request(ident, text="x" * (20_000_000 if ident == "upload" else 1)), "not json")
            p.wait_line(lambda line: b"-32700" in line, "the error")
            if url == server.url:
                server.wait(lambda rs: len([r for r in rs if r.id == ident]) == 1, "the request")
            p.signal(number)
            case.equal(p.wait(), 3 if number == signal.SIGINT else 0, "status")
            case.is_error(p.answer(ident), -31000, "told to end")
            with server.changed:
                server.requests.clear()
    for s in fillers + [full, silent]:
        s.close()


def signal_while_a_large_answer_is_written_does_not_wait_for_the_reader(case):
    def handler(r):
        r.json(response(r.id, {"text": "x" * (30 << 20)})) if r.rpc_method == "tools/call" else r.answer()
    server = case.server(handler)
    read, write = os.pipe()
    p = case.start(server.url, stdout=write)
    os.close(write)
    p.send(request(1))
    readable(read)
    p.signal(signal.SIGTERM)
    case.equal(p.wait(), 0, "status")
    os.close(read)


def _holds_the_call_and_the_end_of_the_session(r):
    if r.method == "DELETE" or r.rpc_method == "tools/call":
        r.wait_gone()
    elif r.rpc_method == "initialize":
        r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"})
    else:
        r.answer()


def second_signal_changes_nothing(case):
    server, p = case.bridge(_holds_the_call_and_the_end_of_the_session)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
    p.signal(signal.SIGTERM)
    # Its answer says that the first is taken: of two that wait at once the kernel may give the later one first.
    case.is_error(p.answer(1), -31000, "told to end")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGHUP):
        with contextlib.suppress(ProcessLookupError):
            p.signal(number)
    case.equal(p.wait(), 0, "status")


def signals_that_arrive_together_end_it_as_one_of_them_does(case):
    server, p = case.bridge(_holds_the_call_and_the_end_of_the_session)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ProcessLookupError):
            p.signal(number)
    case.is_error(p.answer(1), -31000, "told to end")
    status = p.wait()
    case.check(status in (0, 3), "status %r" % status)


def signals_that_come_until_it_is_gone_leave_the_status_alone(case):
    server = case.server()
    for number, status in ((signal.SIGTERM, 0), (signal.SIGINT, 3)) * 10:
        p = case.start(server.url)
        p.handshake()
        while p.process.poll() is None:
            p.signal(number)
        case.equal(p.wait(), status, "status")


def blocked_and_ignored_signals_of_the_parent_do_not_make_it_immortal(case):
    """Some runtimes start commands from a thread that blocks all signals."""
    code = ("import os, signal, sys\n"
            "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            "os.execv(sys.argv[1], sys.argv[1:])\n")
    server = case.server()
    for number, status in ((signal.SIGTERM, 0), (signal.SIGINT, 3)):
        p = case.start("-c", code, harness.PROGRAM, server.url, binary=shutil.which("python3"))
        p.handshake()
        p.signal(number)
        case.equal(p.wait(), status, "status")


def hang_up_that_the_parent_ignores_is_ignored(case):
    """nohup mpmcp ..."""
    server = case.server()
    p = case.start("-c", "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
                   harness.PROGRAM, server.url, binary=shutil.which("python3"))
    p.handshake()
    p.signal(signal.SIGHUP)
    case.check("result" in p.call(1), "no result")
    case.equal(p.finish(), 0, "status")


def _stop(case, p):
    """Where it waits: all that it has is sent."""
    until = time.monotonic() + DEADLINE
    while os.path.isdir("/proc/self") and open("/proc/%d/stat" % p.process.pid).read().rpartition(")")[2].split()[0] != "S":
        case.check(time.monotonic() < until, "it never gets to where it waits")
    p.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, p.process.pid, os.WSTOPPED)


def stopped_and_continued_it_goes_on(case):
    release, answered = threading.Event(), threading.Event()

    def handler(r):
        if r.rpc_method == "tools/call":
            release.wait(DEADLINE)
        r.answer()
        if r.rpc_method == "tools/call":
            answered.set()
    server, p = case.bridge(handler, "--headers-timeout", str(LIMIT))
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
    _stop(case, p)
    release.set()
    case.check(answered.wait(DEADLINE), "the server has not answered")
    # The time-out passes while it stands still and the answer lies there.
    threading.Event().wait(LIMIT + 0.5)
    p.signal(signal.SIGCONT)
    case.check("result" in p.answer(1), "no result")


stopped_and_continued_it_goes_on.slow = True


def stopped_while_it_connects_it_goes_on(case):
    """libcurl judges by the clock of then, before it looks at what has come."""
    release, hello = threading.Event(), threading.Event()
    context = certificates().context("good")

    class Late:
        """Begins the handshake when the program is stopped; the later ones at once."""
        @staticmethod
        def wrap_socket(conn, **more):
            conn.recv(1, socket.MSG_PEEK)
            hello.set()
            release.wait(DEADLINE)
            return context.wrap_socket(conn, **more)
    server = case.server(tls=Late)
    p = case.start(server.url, "--cacert", certificates().path("ca.pem"), "--connect-timeout", str(LIMIT))
    p.send(INITIALIZE)
    case.check(hello.wait(DEADLINE), "no connection is opened")
    _stop(case, p)
    release.set()
    threading.Event().wait(LIMIT + 2)
    p.signal(signal.SIGCONT)
    case.check("result" in p.answer(0), "no result")


stopped_while_it_connects_it_goes_on.slow = True


# ---- limits


def _limited(case, url, limits, *args):
    code = "import os, resource, sys\n" + "".join("resource.setrlimit(resource.%s, (%d, %d))\n" % (n, v, v) for n, v in limits.items()) + "os.execv(sys.argv[1], sys.argv[1:])\n"
    return case.start("-c", code, harness.PROGRAM, url, *args, binary=shutil.which("python3"))


def no_descriptors_at_all_are_an_answer(case):
    """The client is told, as of any failure."""
    if harness.WRAP:
        return  # valgrind needs some for itself
    p = _limited(case, "http://127.0.0.1:1/mcp", {"RLIMIT_NOFILE": 4})
    p.send(INITIALIZE)
    case.check("error" in p.answer(0), "no error: %r" % p.lines)
    case.equal(p.finish(), 0, "status")


def few_descriptors_mean_fewer_connections_not_failures(case):
    if harness.WRAP:
        return  # valgrind needs some for itself
    server = case.server()
    p = _limited(case, server.url, {"RLIMIT_NOFILE": 24})
    p.handshake()
    p.send(*[request(i) for i in range(1, 301)])
    for i in range(1, 301):
        case.check("result" in p.answer(i), "call %d: %r" % (i, p.answer(i)))
    case.equal(p.finish(), 0, "status")


def little_memory_is_an_error_for_large_messages_and_the_bridge_goes_on(case):
    """What a peer's size decides is refused; what everybody needs is there."""
    if harness.WRAP or "asan" in harness.PROGRAM:
        return  # memory checkers need their own address space

    def handler(r):
        if r.id == "large":
            r.json(response(r.id, {"text": "x" * (90 << 20)}))
        elif r.id == "stream":
            r.stream()
            with contextlib.suppress(OSError):
                r.event(response(r.id, {"text": "x" * (90 << 20)}))
                r.end()
        else:
            r.answer()
    server = case.server(handler)
    p = _limited(case, server.url, {"RLIMIT_AS": 64 << 20})
    p.handshake()
    for ident in ("large", "stream"):
        case.is_error(p.call(ident), -31000, "memory")
    case.check("result" in p.call(1), "the bridge does not go on")
    p.send(request("sent", text="y" * (90 << 20)))
    p.wait_line(lambda line: b'"id":null' in line and b"memory" in line, "the refusal")
    case.check("result" in p.call(2), "the bridge does not go on")
    case.equal(p.finish(), 0, "status")


def answers_of_any_size_are_answered_somehow_when_memory_is_short(case):
    """Wherever the memory ends: while the body comes, when it is taken over, when its line break is added."""
    if harness.WRAP or "asan" in harness.PROGRAM:
        return
    sizes = [4 + 2 * i for i in range(16)]

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        spelled = "%d.0" % r.id if r.id % 2 else "%d" % r.id
        body = b'{"jsonrpc":"2.0","id":%s,"result":"%s"}' % (spelled.encode(), b"x" * (sizes[r.id] << 20))
        with contextlib.suppress(OSError):
            if r.id % 4 < 2:
                r.json(body)
            else:
                r.head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"})
                r.chunk(body)
                r.end()
    server = case.server(handler)
    p = _limited(case, server.url, {"RLIMIT_AS": 48 << 20})
    p.handshake()
    bad = 0
    for i in range(len(sizes)):
        p.send(request(i))
        line = p.wait_line(lambda line: line.startswith(b'{"jsonrpc":"2.0","id":%d,' % i), "an answer to %d" % i)
        bad += b'"error"' in line[:60]
        case.check(b'"error"' not in line[:60] or b"memory" in line, "answer %.300r" % line)
        p.lines[:] = []
    case.check(0 < bad < len(sizes), "%d of %d failed: the limit is of no use" % (bad, len(sizes)))
    case.equal(p.finish(), 0, "status")


# ---- secrets


def no_failure_shows_the_secret_even_with_debug(case):
    """Each way to fail, with the trace on and a log."""
    log = os.path.join(case.folder, "log")
    case.logs.append(log)
    echo = "your header was " + ACCOUNT_HEADER
    failures = [
        lambda r: r.reply(401, echo, {"Content-Type": "text/plain", "WWW-Authenticate": 'Bearer error="invalid_token", error_description="%s"' % echo}),
        lambda r: r.reply(403, json.dumps({"error": {"message": echo}}), {"Content-Type": "application/json", "WWW-Authenticate": 'Bearer error="insufficient_scope", scope="%s"' % TOKEN}),
        lambda r: r.reply(500, "<title>%s</title>" % echo, {"Content-Type": "text/html"}),
        lambda r: r.reply(404, echo), lambda r: r.reply(429, echo, {"Retry-After": "100"}), lambda r: r.reply(503, echo),
        lambda r: r.reply(307, echo, {"Location": "http://127.0.0.1:1/" + TOKEN}), lambda r: r.reply(302, echo, {"Location": "/" + TOKEN}),
        lambda r: r.reply(307, "", {"Location": "http://%s@127.0.0.1/" % TOKEN}),
        lambda r: r.reply(200, echo, {"Content-Type": "text/html; x=" + TOKEN}), lambda r: r.reply(200, "{broken " + echo, {"Content-Type": "application/json"}),
        lambda r: r.reply(200, "", {"Content-Type": "application/json"}), lambda r: r.reply(202), lambda r: r.close(), lambda r: r.close(reset=True),
        lambda r: (r.raw(echo + "\r\n\r\n"), r.close()), lambda r: (r.raw("HTTP/1.1 200 OK\r\n" + ("X: %s\r\n" % echo) * 4000), r.close()),
        lambda r: (r.stream({"X-Echo": echo}), r.chunk("event: %s\ndata: %s\n\n" % (echo, echo)), r.end()),
        lambda r: (r.stream(), r.chunk("data: %s\n\nid: %s\ndata:\nretry: 1\n\n" % (echo, TOKEN)), r.close()),
        lambda r: r.reply(200, echo, {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        lambda r: r.reply(200, echo, {"Content-Type": "application/json", "Content-Encoding": TOKEN}),
        lambda r: r.json(response(r.id), headers={"Mcp-Session-Id": "x " + TOKEN, "Set-Cookie": "a=" + TOKEN, "Keep-Alive": "timeout=" + TOKEN}),
    ]

    def handler(r):
        if r.rpc_method == "tools/call":
            failures[r.id](r)
        else:
            r.answer()
    server, p = case.bridge(handler, "--debug", "--log-file", log)
    p.handshake()
    for i in range(len(failures)):
        answer = p.call(i)
        case.check(TOKEN not in json.dumps(answer), "the token stands in the answer to failure %d" % i)
    p.finish()
    for url, args in (("http://127.0.0.1:1/mcp", []), ("http://no-such-host.invalid/mcp", ["--allow-http"]), ("https://127.0.0.1:%d/mcp" % server.port, []),
                      ("https://127.0.0.1:%d/mcp" % case.server(tls=certificates().context("other")).port, ["--cacert", certificates().path("ca.pem")]),
                      ("http://127.0.0.1:1/mcp", ["--nonsense"]), ("http://127.0.0.1:1/mcp", ["--header", TOKEN]), ("http://127.0.0.1:1/mcp", ["--header", "X y: " + TOKEN]),
                      ("http://127.0.0.1:1/mcp", ["--header", "Authorization: %s\nX: y" % ACCOUNT_HEADER]), ("http://127.0.0.1:1/mcp", ["--sa-token-file", "/nonexistent"]),
                      ("http://%s@127.0.0.1/mcp" % TOKEN, []), ("http://user:%s@127.0.0.1/mcp" % TOKEN, [])):
        p = case.start(url, *args, "--debug", "--log-file", log)
        p.send(request(1, "initialize"))
        answer = p.answer(1)
        case.check("error" in answer and TOKEN not in json.dumps(answer), "the answer for %s %s" % (url, args))


def query_of_the_url_stands_in_no_message(case):
    """Many services take their key there."""
    case.secrets.append("query-query-query")
    log = os.path.join(case.folder, "log")
    case.logs.append(log)
    server = case.server(lambda r: r.reply(401, headers={"WWW-Authenticate": "Bearer"}))
    for origin, options in ((server.origin, {"token": None, "env": {"CI": "1"}}), (server.origin, {}), ("http://127.0.0.1:1", {})):
        p = case.start(origin + "/mcp?key=query-query-query", "--debug", "--log-file", log, **options)
        p.send(request(1, "initialize"))
        answer = p.answer(1)
        case.check("error" in answer and "query-query" not in json.dumps(answer), "the key stands in an answer: %r" % answer)
        p.finish()
    case.check(all(r.path.endswith("?key=query-query-query") for r in server.of("initialize")), "the query did not reach the server")


def service_account_goes_to_no_host_that_only_looks_right(case):
    for host in ("mcp.mixpanel.com.evil.example", "evilmixpanel.com", "mixpanel.com.", "mcp.mixpanel.com%2eevil.example", "mcp.mixpanel.com@evil.example", "mcp.mixpanel.com\\@evil.example",
                 "mcp.mixpanel.com#@evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "0x7f.1.evil.example", "mcp-mixpanel.com", "mcp.mixpanel.cоm"):
        p = case.start("https://%s/mcp" % host)
        p.send(request(1, "initialize"))
        answer = p.answer(1)
        case.check(answer["error"]["code"] in (-31000, -31503), "%s: %r" % (host, answer))
        p.wait() if answer["error"]["code"] == -31000 else case.check("mcp.mixpanel.com:" in answer["error"]["message"] or host in ("mixpanel.com.", "mcp.mixpanel.com#@evil.example"), "%s: %r" % (host, answer))
