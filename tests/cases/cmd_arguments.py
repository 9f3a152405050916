"""What the client may do, and what the command line holds."""

import base64
import fcntl
import json
import os
import signal
import struct
import subprocess
import sys
import termios
import threading

import harness
from harness import ACCOUNT_HEADER, DEADLINE, INITIALIZE, INITIALIZED, PAIR, TOKEN, free_port, initialized_result, readable, request, response


def lines_that_are_no_messages_are_answered_and_the_bridge_goes_on(case):
    _, p = case.bridge()
    p.handshake()
    rows = [(b"not json", -32700), (b'{"a":', -32700), (b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}', -32700),
            (b"[" * 100000 + b"]" * 100000, -32600), (b"42", -32600), (b"{}", -32600), (b"[]", -32600),
            (b'{"jsonrpc":"2.0","id":null,"method":"x"}', -32600),
            (b'{"jsonrpc":"2.0","id":7,"id":8,"method":"x"}', -32600)]
    for n, (line, code) in enumerate(rows):
        p.send(line)
        p.call(100 + n, "tools/list")
        error = p.messages()[-2]
        case.equal((error["id"], error["error"]["code"]), (None, code), "answer to %r" % line[:40])


def line_of_20_mb_passes(case):
    server, p = case.bridge()
    p.handshake()
    p.call(1, text="y" * 20_000_000)
    case.equal(server.of("tools/call")[0].body, p.sent[-1], "body")


def line_over_the_cap_is_refused_and_the_bridge_goes_on(case):
    _, p = case.bridge()
    p.handshake()
    piece = b"z" * (1 << 20)
    for _ in range(257):
        p.send_raw(piece)
    p.send_raw(b"\n")
    p.call(1)
    errors = [m for m in p.messages() if "error" in m]
    case.equal([(m["id"], m["error"]["code"]) for m in errors], [(None, -32600)], "errors")


def crlf_blank_lines_and_a_last_line_without_a_newline(case):
    _, p = case.bridge()
    p.send_raw(b"\xef\xbb\xbf" + json.dumps(INITIALIZE).encode() + b"\r\n\r\n   \n" + json.dumps(request(1, "tools/list")).encode())
    case.equal(p.finish(), 0, "status")
    case.equal([m["id"] for m in p.messages()], [0, 1], "ids")


def ids_of_every_kind_come_back_as_they_were(case):
    ids = ['"str"', "-5", "12345678901234567890123", "1.5", '"\\u0041"', "1e2", '""', "0.0"]
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(r.body.replace(b'"method":"tools/call"', b'"result":{}'))
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    for i in ids:
        p.send('{"jsonrpc":"2.0","id":%s,"method":"tools/call"}' % i)
        p.wait_line(lambda line: line == ('{"jsonrpc":"2.0","id":%s,"result":{}}\n' % i).encode(), "id " + i)


def id_that_the_server_spells_differently_is_put_right(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(json.dumps({"jsonrpc": "2.0", "id": float(r.id), "result": {}}))
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    p.send('{"jsonrpc":"2.0","id":7,"method":"tools/call"}')
    p.wait_line(lambda line: b'"id": 7,' in line or b'"id":7,' in line, "id 7")


def id_still_in_flight_is_refused(case):
    release = threading.Event()

    def handler(r):
        if r.id == 1:
            release.wait(DEADLINE)
        r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(request(1))
    server.wait(lambda rs: [r for r in rs if r.id == 1], "the call")
    p.send(request(1, "tools/list"))
    case.is_error(p.answer(1), -32600, "id")
    release.set()
    p.wait_line(lambda line: b'"ok"' in line, "the first call's answer")
    p.send(request(1, "tools/list"))
    p.finish()
    case.equal(["result" in m for m in p.messages()], [True, False, True, True], "answers")


def batch_is_passed_on_in_2025_03_26(case):
    def handler(r):
        if isinstance(r.rpc, list):
            r.json([response(m["id"]) for m in r.rpc if "id" in m])
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake("2025-03-26")
    p.send([request(1), {"jsonrpc": "2.0", "method": "notifications/x"}, request(2, "tools/list")])
    p.answer(1)
    p.answer(2)
    case.equal([r.body for r in server.requests if isinstance(r.rpc, list)], [p.sent[-1]], "batch")


def batch_that_is_half_answered_gets_errors_for_the_rest(case):
    def handler(r):
        if isinstance(r.rpc, list):
            r.json([response(1)])
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake("2025-03-26")
    p.send([request(1), request(2)])
    case.check("result" in p.answer(1) and "error" in p.answer(2), "answers")


def batch_is_refused_in_later_revisions(case):
    _, p = case.bridge()
    p.handshake()
    p.send([request(1), request("a")])
    for ident in (1, "a"):
        case.is_error(p.answer(ident), -32600, "batch")


def thousand_requests_at_once_are_all_answered_and_64_run_side_by_side(case):
    state = {"now": 0, "most": 0}
    gate, lock = threading.Event(), threading.Lock()

    def handler(r):
        if r.rpc_method == "tools/call":
            with lock:
                state["now"] += 1
                state["most"] = max(state["most"], state["now"])
                if state["now"] >= 64:
                    gate.set()
            gate.wait(DEADLINE)
            with lock:
                state["now"] -= 1
        r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    writer = threading.Thread(target=lambda: p.send(*[request(i) for i in range(1, 1001)]))
    writer.start()
    for i in range(1, 1001):
        case.check("result" in p.answer(i), "call %d failed" % i)
    writer.join()
    case.check(state["most"] >= 64, "only %d side by side" % state["most"])
    case.check(server.connections <= 200, "%d connections" % server.connections)


def messages_before_the_handshake_is_over_wait_their_turn(case):
    server, p = case.bridge()
    p.send(INITIALIZE, INITIALIZED, request(1, "tools/list"))
    p.answer(1)
    methods = [r.rpc_method for r in server.requests if r.method == "POST"]
    case.equal(methods, ["initialize", "notifications/initialized", "tools/list"], "order")


def end_of_input_delivers_what_is_due_and_deletes_the_session(case):
    gate = threading.Event()

    def handler(r):
        if r.rpc_method == "initialize":
            return r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"})
        if r.rpc_method == "tools/call":
            gate.wait(DEADLINE)
        r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(*[request(i) for i in range(1, 11)])
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "tools/call"]) == 10, "the calls")
    p.end_input()
    gate.set()
    case.equal(p.wait(), 0, "status")
    case.equal(sorted(m["id"] for m in p.messages()), list(range(11)), "ids")
    server.wait_deleted()
    case.equal(len(server.of(method="DELETE")), 1, "number of DELETE")


def notification_that_the_server_never_takes_holds_nothing_up(case):
    """Nobody waits for it: the end of input is not drained as long as for an answer."""
    def handler(r):
        r.wait_gone() if r.rpc_method in ("notifications/cancelled", "slow") else r.answer()
    server, p = case.bridge(handler, "--debug")
    p.handshake()
    p.send(request(1, "slow"))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "slow"], "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/cancelled"], "the cancellation")
    case.equal(p.finish(), 0, "status")
    p.wait_error_text("are dropped")


def stream_left_open_behind_its_answer_holds_nothing_up(case):
    gone, all_gone = [], threading.Event()

    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event(response(r.id))
            r.wait_gone()
            gone.append(r.id)
            if len(gone) == 300:
                all_gone.set()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    for i in range(1, 301):
        p.send(request(i))
    for i in range(1, 301):
        case.check("result" in p.answer(i), "no result")
    case.check(all_gone.wait(DEADLINE), "only %d of 300 streams were closed" % len(gone))
    case.equal(p.finish(), 0, "status")


def parent_that_dies_takes_the_bridge_along(case):
    """Somebody else holds the input open, so its end never comes."""
    server = case.server()
    read, write = os.pipe()
    code = "import subprocess, sys; print(subprocess.Popen(sys.argv[2:], stdin=int(sys.argv[1]), stdout=subprocess.DEVNULL).pid, flush=True); sys.stdin.read()"
    parent = subprocess.Popen([sys.executable, "-c", code, str(read), harness.PROGRAM, server.url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              pass_fds=[read], env=case.env({"MIXPANEL_SA_TOKEN": TOKEN}))
    pid = int(parent.stdout.readline())
    os.write(write, json.dumps(INITIALIZE).encode() + b"\n")
    server.wait(lambda rs: rs, "initialize")
    fd = os.pidfd_open(pid)
    parent.kill()
    parent.wait()
    case.check(readable(fd), "the bridge is still there")
    for f in (fd, read, write):
        os.close(f)
    parent.stdin.close()
    parent.stdout.close()


def signals_end_the_bridge_while_calls_are_in_flight(case):
    for number, status in ((signal.SIGTERM, 0), (signal.SIGINT, 3), (signal.SIGHUP, 0)):
        def handler(r):
            r.wait_gone() if r.rpc_method == "tools/call" else r.answer()
        server, p = case.bridge(handler)
        p.handshake()
        p.send(request(1))
        server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
        p.signal(number)
        case.equal(p.wait(), status, "status")
        case.is_error(p.answer(1), -31000, "told to end")


def client_that_never_reads_standard_error_blocks_nothing(case):
    read, write = os.pipe()
    server = case.server()
    p = case.start(server.url, "--debug", stderr=write)
    os.close(write)
    p.handshake()
    for i in range(1, 400):
        p.call(i)
    case.equal(p.finish(), 0, "status")
    os.close(read)


def reader_of_standard_output_gone_is_a_quiet_leave(case):
    read, write = os.pipe()
    server = case.server()
    p = case.start(server.url, stdout=write)
    os.close(write)
    os.close(read)
    case.equal(p.wait(), 0, "status")
    case.equal(p.errors, b"", "standard error")


def _status_kib(p, name):
    with open("/proc/%d/status" % p.process.pid) as f:
        return int(next(x for x in f if x.startswith(name)).split()[1])


def _resident_kib(p):
    return _status_kib(p, "VmRSS")


def slow_reader_stops_the_transfer_and_not_the_memory(case):
    size = 8 << 20 if harness.WRAP else 64 << 20
    full = threading.Event()

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        if r.id == "last":
            return r.answer()
        if r.id > 1:
            full.wait(DEADLINE)
        r.json(b'{"jsonrpc":"2.0","id":%d,"result":{"text":"%s"}}' % (r.id, b"x" * size))
    server, p = case.bridge(handler)
    p.handshake()
    p.reading.clear()
    p.call("last")  # that is read
    p.send(*[request(i) for i in range(1, 7)])
    # The first big answer fills the way to the client; the others must stay with the server. Were all sent
    # at once, all might be on their way before one is complete.
    case.check(harness.readable(p.process.stdout), "the first answer does not come")
    full.set()
    stalled = threading.Event()

    def watch():
        last = -1
        while not stalled.wait(0.5):
            peak = _status_kib(p, "VmHWM")
            if peak == last:
                stalled.set()
            last = peak
    watch()
    rss = _resident_kib(p)
    # Six of them would be six times the size; a checker of memory takes more for itself.
    case.check(rss < 4 * (size >> 10) or harness.WRAP or "asan" in harness.PROGRAM, "resident set is %d KiB" % rss)
    p.reading.set()
    for i in range(1, 7):
        p.wait_line(lambda line: b'"id":%d,' % i in line[:40], "answer %d" % i)


# ---- failures at the start: the first request gets the reason


def _refused(case, status, *args, env=None, token=TOKEN):
    p = case.start(*args, env=env, token=token)
    p.send(request("first", "initialize"))
    answer = p.answer("first")
    case.equal(p.wait(), status, "status")
    return answer


def unknown_flag(case):
    case.is_error(_refused(case, 2, "https://mcp.example.com/mcp", "--heder", "a:b"), -31000, "--heder", "--header")


# Each of them alone keeps the bridge from starting. In the order in which they are looked at.
START_UP_FAILURES = (
    ("--heder", "a:b"),
    ("--log-file", "/nonexistent/log"),
    ("--only-tool", "@nope"),
    ("ftp://mcp.example.com/mcp",),
    ("--header-file", "/nonexistent/headers"),
    ("--header", "X-A:${NOT_SET_ANYWHERE}"),
    ("--static-oauth-client-info", "@/nonexistent/info"),
    ("--static-oauth-client-metadata", "@/nonexistent/metadata"),
    ("--sa-token-file", "/nonexistent/token"),
)


def two_failures_at_the_start_are_answered_with_the_first(case):
    def refused(*options):
        answer = _refused(case, 2, *[word for option in options for word in option], token=None)
        return answer["error"]["message"]
    alone = [refused(option) for option in START_UP_FAILURES]
    case.equal(len(set(alone)), len(alone), "messages that tell the failures apart")
    for i, first in enumerate(START_UP_FAILURES):
        for second in START_UP_FAILURES[i + 1:]:
            message = refused(second, first)
            case.equal(message, alone[i], "the answer to %r and %r" % (first, second))


def value_that_an_option_does_not_have_is_answered_with_those_that_it_has(case):
    for option, words in (("--region", "us, eu or in"), ("--protocol", "auto, legacy or modern"),
                          ("--transport", "http-first, http-only, sse-first or sse-only")):
        case.is_error(_refused(case, 2, option, "bad"), -31000, '%s is "bad"; it can be %s' % (option, words))
    case.is_error(_refused(case, 2, "--region", "eu", "https://mcp.example.com/mcp"), -31000, "not both")


def unreadable_header_file(case):
    case.is_error(_refused(case, 2, "http://127.0.0.1:1/mcp", "--header-file", "/nonexistent/h"), -31000, "/nonexistent/h")


def unset_variable_in_a_header(case):
    answer = _refused(case, 2, "http://127.0.0.1:1/mcp", "--header", "Authorization:${AUTH_HEADER}", token=None)
    case.is_error(answer, -31000, "AUTH_HEADER", "env")
    answer = _refused(case, 2, "http://127.0.0.1:1/mcp", "--header", "Authorization:${AUTH_HEADER}", env={"AUTH_HEADER": ""}, token=None)
    case.is_error(answer, -31000, "which is not set")


def literal_variable_that_the_client_left_in(case):
    answer = _refused(case, 2, "http://127.0.0.1:1/mcp", "--header", "Authorization:${A}", env={"A": "${A}"}, token=None)
    case.is_error(answer, -31000, "${A}")


def malformed_tokens_are_named_and_not_repeated(case):
    for bad in ("!!!not-base64!!!", base64.b64encode(b"nocolon").decode(), "${MIXPANEL_SA_TOKEN}", "user:with blank"):
        case.secrets.append(bad)
        answer = _refused(case, 2, "http://127.0.0.1:1/mcp", token=bad, env={})
        case.is_error(answer, -31000, "MIXPANEL_SA_TOKEN")
        if "$" not in bad:
            case.check(bad not in json.dumps(answer), "the token stands in the error")
        case.secrets.remove(bad) if "$" in bad else None


def service_account_does_not_go_to_other_hosts(case):
    answer = _refused(case, 2, "https://mcp.example.com/mcp")
    case.is_error(answer, -31000, "--header")


def header_with_a_line_break_is_refused(case):
    answer = _refused(case, 2, "http://127.0.0.1:1/mcp", "--header", "X-A:b\r\nX-Evil: 1", token=None)
    case.is_error(answer, -31000, "line break")


def headers_that_are_none_or_the_bridges_own_are_refused(case):
    for given in ("X A: b", "X-A(b): c", ": b", "no colon"):
        case.is_error(_refused(case, 2, "http://127.0.0.1:1/mcp", "--header", given, token=None), -31000, "must read")
    for name in ("Host", "content-length", "Transfer-Encoding", "Mcp-Session-Id", "MCP-Protocol-Version", "Last-Event-ID"):
        case.is_error(_refused(case, 2, "http://127.0.0.1:1/mcp", "--header", name + ": 1", token=None), -31000, name, "sends it itself")


def header_file_with_a_nul_byte_is_refused(case):
    path = case.file("headers", "X-A: b\0c\nX-B: d\n", 0o600)
    case.is_error(_refused(case, 2, "http://127.0.0.1:1/mcp", "--header-file", path, token=None), -31000, "NUL")


# ---- credentials


def tokens_as_people_paste_them_all_work(case):
    bare = TOKEN.rstrip("=")
    rows = [TOKEN, bare, "Basic " + TOKEN, "Bearer Basic " + TOKEN, "bearer  basic  " + TOKEN, PAIR, "Basic " + PAIR,
            TOKEN[:20] + "\n" + TOKEN[20:], " " + TOKEN + "\n", '"' + TOKEN + '"', base64.b64encode((PAIR + "\n").encode()).decode(),
            base64.urlsafe_b64encode(PAIR.encode()).decode()]
    for row in rows:
        server = case.server()
        p = case.start(server.url, token=row)
        p.handshake()
        case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header for %r" % row)


def username_and_secret_make_a_token(case):
    user, secret = PAIR.split(":")
    server = case.server()
    p = case.start(server.url, token=None, env={"MIXPANEL_SA_USERNAME": user, "MIXPANEL_SA_SECRET": secret})
    p.handshake()
    case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")


def token_file_is_read(case):
    server = case.server()
    p = case.start(server.url, "--sa-token-file", case.file("token", TOKEN + "\n", 0o600), token=None)
    p.handshake()
    case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")


def header_wins_over_the_service_account(case):
    server = case.server()
    p = case.start(server.url, "--header", "Authorization: Bearer something-else")
    p.handshake()
    case.equal(server.requests[0].headers.get("authorization"), "Bearer something-else", "header")


def header_torn_apart_at_its_blanks_is_put_together(case):
    for args in (["--header", "Authorization:", "Bearer", "Basic", TOKEN], ["--header", "Authorization:Bearer", "Basic", TOKEN, "--debug"]):
        server = case.server()
        p = case.start(server.url, *args, token=None)
        p.handshake()
        case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")


def header_from_a_variable_as_in_the_service_documentation(case):
    server = case.server()
    p = case.start("-y", "mcp-remote@latest", server.url, "--header", "Authorization:${AUTH_HEADER}", token=None, env={"AUTH_HEADER": ACCOUNT_HEADER})
    p.handshake()
    case.equal(server.requests[0].headers.get("authorization"), ACCOUNT_HEADER, "header")


def header_file_with_comments_is_read(case):
    server = case.server()
    path = case.file("headers", "# credentials\r\n\nAuthorization: ${AUTH}\r\nX-Team: blue\n", 0o600)
    p = case.start(server.url, "--header-file", path, token=None, env={"AUTH": "Bearer abcdefghij"})
    case.secrets.append("abcdefghij")
    p.handshake()
    case.equal(server.requests[0].headers.get("authorization"), "Bearer abcdefghij", "header")
    case.equal(server.requests[0].headers.get("x-team"), "blue", "header")
    p = case.start(server.url, "--header-file", path, "--header", "x-team: red", token=None, env={"AUTH": "Bearer abcdefghij"})
    p.handshake()
    last = server.requests[-1]
    case.equal((last.headers.get("x-team"), last.count("x-team")), ("red", 1), "an argument goes before the file")


def debug_and_log_file_hold_no_secret(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.reply(500, "failed for %s in %s" % (r.headers["authorization"], r.headers["mcp-session-id"]), {"Content-Type": "text/plain"})
        else:
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "session-secret-1"}) if r.rpc_method == "initialize" else r.answer()
    log = os.path.join(case.folder, "log")
    case.logs.append(log)
    case.secrets.append("session-secret-1")
    _, p = case.bridge(handler, "--debug", "--log-file", log)
    p.handshake()
    answer = p.call(1)
    case.check(TOKEN not in json.dumps(answer), "the token came back in an error")
    case.check("session-secret-1" not in json.dumps(answer), "the session's id came back in an error")
    p.finish()
    case.equal(os.stat(log).st_mode & 0o777, 0o600, "mode of the log")
    case.check(os.path.getsize(log) > 0, "the log is empty")


# ---- words and help


def lone_program_on_a_terminal_prints_help(case):
    parent, child = harness.terminal()
    p = case.start(stdin=child, token=None)
    os.close(child)
    case.equal(p.wait(), 2, "status")
    case.check(b"mpmcp --help" in p.errors, "help")
    os.close(parent)


def _help(case, *words, columns=None):
    """What is printed, on a terminal of so many columns or into a pipe."""
    parent, child = harness.terminal()
    if columns:
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    out = child if columns else subprocess.PIPE
    program = subprocess.Popen([harness.PROGRAM, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE)
    os.close(child)
    text = b""
    if columns:
        try:
            while chunk := os.read(parent, 65536):
                text += chunk
        except OSError:
            pass  # the terminal's other side is closed
    os.close(parent)
    rest, errors = program.communicate()
    case.equal((program.returncode, errors), (0, b""), "status and errors")
    return (text or rest).decode().replace("\r\n", "\n")


def help_begins_with_what_most_need(case):
    text = _help(case, "--help")
    case.equal(text, _help(case, "help"), "both ways")
    case.check(len(text.splitlines()) <= 34, "one screen: %d lines" % len(text.splitlines()))
    case.check("--region" in text and "--static-oauth-client-info" not in text, "the common options alone")
    every = _help(case, "--help", "--all")
    case.check("--static-oauth-client-info" in every and "--write" in every, "all options")
    case.equal(every, _help(case, "help", "--all"), "both ways")


def help_of_a_command_shows_what_acts_in_it(case):
    text = _help(case, "help", "setup")
    case.equal(text, _help(case, "setup", "--help"), "both ways")
    for word in ("--write", "Connection:", "Sign-in:", "Rules:", "Output:", "Examples:"):
        case.check(word in text, word)
    case.check("--region" not in _help(case, "help", "completion"), "an option that does nothing in completion")
    case.check("--read-only" in _help(case, "help", "bridge"), "the bridge has a name for help")


def help_stays_within_the_terminal(case):
    for columns in (40, 80, 132):
        for words in (("--help",), ("--help", "--all"), ("help", "login")):
            for line in _help(case, *words, columns=columns).splitlines():
                # What is to be copied stands on one line, and so does an option's name.
                whole = line.startswith(("  mpmcp ", "usage:", "       mpmcp", "  --"))
                case.check(len(line) <= columns or whole, "%d columns: %r" % (columns, line))


def version_is_asked_for_in_three_ways(case):
    texts = {_help(case, word) for word in ("--version", "-V", "version")}
    case.equal(len(texts), 1, "texts")
    case.check(texts.pop().startswith("mpmcp "), "its name")


def all_means_something_beside_help_only_where_it_acts(case):
    p = case.start("status", "--all", token=None)
    p.end_input()
    case.equal(p.wait(), 2, "status")
    case.check(b'"mpmcp status" does not accept --all' in p.errors, p.errors)


def wrong_word_names_the_nearest_command(case):
    p = case.start("hepl", token=None)
    p.end_input()
    case.equal(p.wait(), 2, "status")
    case.check(b'"help"' in p.errors, "nearest command: %r" % p.errors)


def options_that_cannot_be_meant_are_named(case):
    for args, words in ((["--debug=yes"], "--debug takes no value"), (["--write"], "does not accept --write"), (["--header"], "needs a value"),
                        (["--connect-timeout", "86401"], "from 0 to 86400"), (["--connect-timeout", "9" * 30], "from 0 to 86400"),
                        (["65536"], "unexpected argument"), (["3334", "3335"], "unexpected argument"), (["003334"], "unexpected argument")):
        p = case.start("login", "https://mcp.mixpanel.com/mcp", *args, token=None)
        p.end_input()
        case.equal(p.wait(), 2, "status with %r" % args)
        case.check(words in p.errors.decode(), "%r: %r" % (args, p.errors))


def password_in_the_url_is_refused_and_nothing_is_sent(case):
    server = case.server()
    url = server.url.replace("http://", "http://me:%s@" % TOKEN)
    for token in (PAIR, None):
        p = case.start(url, token=token)
        p.send(INITIALIZE)
        case.is_error(p.answer(0), -31000, "user name or password")
        case.check(TOKEN not in json.dumps(p.messages()), "the password came back")
    case.check(not server.requests, "something was sent")


def words_around_a_header_are_no_part_of_it(case):
    server = case.server()
    port = str(free_port())
    for args in (["--header", "X-Own: a", server.url], [server.url, "--header", "X-Own: a", port], ["--header", "X-Own: a", server.url, port]):
        p = case.start(*args)
        p.handshake()
        case.equal(server.requests[-1].headers["x-own"], "a", "the field with %r" % args[:-1])


def version_names_libraries_and_revisions(case):
    p = case.start("--version")
    case.equal(p.wait(), 0, "status")
    out = b"".join(p.lines)
    for word in (b"mpmcp ", b"libcurl/", b"OpenSSL/", b"jansson/", b"2025-11-25"):
        case.check(word in out, "%r is missing" % word)


def descriptors_get_their_flags_back(case):
    import fcntl
    read, write = os.pipe()
    server = case.server()
    p = case.start(server.url, stdout=write)
    p.send(INITIALIZE)
    server.wait(lambda rs: rs, "initialize")
    p.finish()
    case.check(not fcntl.fcntl(write, fcntl.F_GETFL) & os.O_NONBLOCK, "standard output stays non-blocking")
    os.close(read)
    os.close(write)
