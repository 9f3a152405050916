"""What the server may do to us: each case is named after what happens and what comes of it."""

import gzip
import json
import os
import socket
import threading
import time

import harness
from harness import ACCOUNT_HEADER, DEADLINE, INITIALIZE, INITIALIZED, LIMIT, initialized_result, request, response


def closes_before_answering_is_an_error_and_sent_once(case):
    def handler(r):
        r.close() if r.rpc_method == "tools/call" else r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31503, "closed the connection", "whether the server acted on the request is unknown")
    case.equal(len(server.of("tools/call")), 1, "times sent")
    case.check("result" in p.call(2, "tools/list"), "the bridge does not go on")


def reused_connection_that_dies_is_not_used_for_a_second_send(case):
    """libcurl by itself would send the request again."""
    def handler(r):
        if r.rpc_method == "tools/call":
            r.close(reset=True)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.call(1, "tools/list")
    case.is_error(p.call(2), -31503)
    case.equal(len(server.of("tools/call")), 1, "times sent")


def closes_in_the_middle_of_a_json_body(case):
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.head(200, {"Content-Type": "application/json"}, 1000)
        r.raw('{"jsonrpc":"2.0","id":1,"resu')
        r.close()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31503, "broke", "whether the server acted on the request is unknown")


def stream_with_event_ids_is_resumed_after_retry(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event("", ident="e1", retry=300)
            r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}}, ident="e2")
            r.close()
        elif r.method == "GET" and "last-event-id" in r.headers:
            r.stream()
            r.event(response(1, {"text": "resumed"}), ident="e3")
            r.end()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"], {"text": "resumed"}, "result")
    gets = [r for r in server.of(method="GET") if "last-event-id" in r.headers]
    case.equal([r.headers["last-event-id"] for r in gets], ["e2"], "Last-Event-ID")
    case.check(gets[0].at - server.of("tools/call")[0].at >= 0.29, "retry was not waited for")
    case.equal(gets[0].headers.get("authorization"), ACCOUNT_HEADER, "Authorization of the GET")


def stream_without_event_ids_that_breaks_is_an_error_at_once(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
            r.close()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31503)
    case.check(any("progress" in str(m) for m in p.messages()), "the progress before the break is missing")
    case.check(not [r for r in server.of(method="GET") if "last-event-id" in r.headers], "resumed without an id")


def stream_that_ends_without_the_answer_is_an_error(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.end()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31500, "without an answer")


def resumption_that_is_refused_is_an_error(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event("", ident="e1", retry=10)
            r.close()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31404, "could not be resumed")


def forgotten_session_is_opened_again_and_the_client_sees_nothing(case):
    state = {"session": 0}

    def handler(r):
        if r.rpc_method == "initialize":
            state["session"] += 1
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        elif r.rpc_method == "tools/call" and r.headers.get("mcp-session-id") == "s1" and r.id == 2:
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "first call")
    case.check("result" in p.call(2), "call in a forgotten session")
    inits = server.of("initialize")
    case.equal(len(inits), 2, "number of initialize")
    case.equal(inits[0].body, inits[1].body, "the replayed initialize")
    case.check("mcp-session-id" not in inits[1].headers, "initialize carried the old session id")
    case.equal(len(server.of("notifications/initialized")), 2, "number of initialized")
    case.equal([r.headers["mcp-session-id"] for r in server.of("tools/call")], ["s1", "s1", "s2"], "session ids")
    case.equal(len(p.messages()), 3, "messages to the client")
    p.finish()
    server.wait_deleted()
    case.equal([r.headers["mcp-session-id"] for r in server.of(method="DELETE")], ["s2"], "deleted session")


def session_that_stays_forgotten_is_an_error_after_one_try(case):
    def handler(r):
        if r.rpc_method == "initialize":
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s"})
        elif r.rpc_method == "tools/call":
            r.reply(404, "gone", {"Content-Type": "text/plain"})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31404, "404")
    case.equal(len(server.of("initialize")), 2, "number of initialize")
    case.equal(len(server.of("tools/call")), 2, "number of calls")


def forgotten_session_is_known_however_the_server_says_it(case):
    """Answers of servers in use to a session that they do not know."""
    def error(r, ident, status, code, message):
        r.json({"jsonrpc": "2.0", "id": ident, "error": {"code": code, "message": message}}, status)
    ways = [lambda r: r.reply(404, "session not found", {"Content-Type": "text/plain; charset=utf-8"}),
            lambda r: error(r, None, 404, -32001, "Session not found"),
            lambda r: error(r, "server-error", 404, -32600, "Session not found"),
            lambda r: error(r, "", 404, -32600, "Session has been terminated"),
            lambda r: error(r, r.id, 404, -32001, "Session not found"),
            lambda r: r.reply(400, "Bad Request: No valid session ID provided"),
            lambda r: error(r, None, 400, -32000, "Bad Request: No valid session ID provided"),
            lambda r: error(r, "server-error", 400, -32600, "Bad Request: Invalid session")]
    state = {"session": 0}

    def handler(r):
        if r.rpc_method == "initialize":
            state["session"] += 1
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        elif r.rpc_method == "tools/call" and r.headers["mcp-session-id"] == "s%d" % r.id:
            ways[r.id - 1](r)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    for i in range(1, len(ways) + 1):
        case.check("result" in p.call(i), "no result with way %d" % i)
    case.equal(len(server.of("initialize")), len(ways) + 1, "number of initialize")


def refusal_without_the_id_of_the_request_is_its_answer_all_the_same(case):
    """Some servers give an id of their own to what they refuse before reading it."""
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.json({"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: no"}}, 400)
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(7), -32600, "Bad Request: no")


def call_that_the_server_took_is_not_sent_into_another_session(case):
    """Its stream broke, and the session ended before it could be resumed: the server may have acted on it."""
    state = {"session": 0}

    def handler(r):
        if r.rpc_method == "initialize":
            state["session"] += 1
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        elif r.id == 1:
            r.stream()
            r.event("", ident="e1", retry=10)
            r.close()
        elif "last-event-id" in r.headers:
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31404, "could not be resumed", "unknown", "Session not found")
    case.check("result" in p.call(2), "no result in the next session")
    case.equal([(r.id, r.headers["mcp-session-id"]) for r in server.of("tools/call")], [(1, "s1"), (2, "s2")], "calls")


def every_request_after_initialize_carries_session_and_revision(case):
    def handler(r):
        if r.rpc_method == "initialize":
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "abc"})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.call(1)
    server.wait(lambda rs: [r for r in rs if r.method == "GET"], "a GET stream")
    p.finish()
    server.wait_deleted()
    for r in server.requests[1:]:
        case.equal(r.headers.get("mcp-session-id"), "abc", "session id of " + r.method)
        case.equal(r.headers.get("mcp-protocol-version"), "2025-06-18", "revision of " + r.method)
    case.check("mcp-protocol-version" not in server.requests[0].headers, "initialize carries a revision")
    case.equal(server.requests[-1].method, "DELETE", "last request")


def json_rpc_errors_of_any_status_pass_through(case):
    statuses = [400, 403, 404, 500]

    def handler(r):
        if r.rpc_method == "tools/call":
            r.json('{"jsonrpc":"2.0","id":%d,"error":{"code":-32602,"message":"own words","data":[1.0]}}' % r.id, statuses[r.id - 1])
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    for i in range(1, 5):
        p.call(i)
        want = b'{"jsonrpc":"2.0","id":%d,"error":{"code":-32602,"message":"own words","data":[1.0]}}\n' % i
        case.check(want in p.lines, "the answer to %d was changed" % i)


def json_rpc_errors_of_any_type_pass_through(case):
    """Servers in use name no type for their refusals, or that of their framework."""
    types = {1: {}, 2: {"Content-Type": "text/plain"}, 3: {"Content-Type": "text/html; charset=utf-8"}}

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.reply(400, json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32000 - r.id, "message": "no"}}), types[r.id])
    _, p = case.bridge(handler)
    p.handshake()
    for i in types:
        case.is_error(p.call(i), -32000 - i, "no")


def error_with_null_id_gets_the_id_of_the_request(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json('{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"early"}}', 400)
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call("x")["error"], {"code": -32000, "message": "early"}, "error")


def html_errors_become_short_errors(case):
    page = "<html><head><title>Bad gateway</title></head><body>" + "junk " * 2000 + "</body></html>"
    table = {1: (502, -31500), 2: (403, -31403), 3: (404, -31404), 4: (400, -31500)}

    def handler(r):
        if r.rpc_method == "tools/call":
            r.reply(table[r.id][0], page, {"Content-Type": "text/html"})
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    for i, (status, code) in table.items():
        answer = p.call(i)
        case.is_error(answer, code, str(status), "Bad gateway")
        case.check("junk" not in json.dumps(answer), "the page was repeated")
        case.equal(answer["error"]["data"]["httpStatus"], status, "httpStatus")


def refused_service_account_is_one_clear_error_without_a_loop(case):
    def handler(r):
        r.reply(401, '{"error":"invalid_token","error_description":"Service account expired"}',
                {"Content-Type": "application/json", "WWW-Authenticate": 'Bearer error="invalid_token"'})
    server, p = case.bridge(handler)
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31401, "MIXPANEL_SA_TOKEN", "Service account expired")
    case.equal(len(server.requests), 1, "requests")


def refused_header_is_one_clear_error(case):
    server = case.server(lambda r: r.reply(401, headers={"WWW-Authenticate": 'Bearer resource_metadata="%s/.well-known/oauth-protected-resource"' % server.origin}))
    seen = os.path.join(case.folder, "browser-started")
    browser = case.file("browser", "#!/bin/sh\n: >%s\n" % seen, 0o755)
    p = case.start(server.url, "--header", "Authorization: Bearer nope-nope-nope", token=None, env={"BROWSER": browser, "DISPLAY": ":0"})
    case.secrets.append("nope-nope-nope")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31401, "Authorization header")
    p.finish()
    case.equal(len(server.requests), 1, "requests")
    case.check(not os.path.exists(seen), "a browser was started")


def rate_limit_with_a_short_wait_is_waited_for(case):
    def handler(r):
        if r.rpc_method == "tools/call" and len(server.of("tools/call")) == 1:
            r.reply(429, headers={"Retry-After": "1"})
        else:
            r.answer()
    server = case.server(handler)
    p = case.start(server.url)
    p.handshake()
    case.check("result" in p.call(1), "no result after the wait")
    calls = server.of("tools/call")
    case.check(len(calls) == 2 and calls[1].at - calls[0].at >= 0.99, "Retry-After was not waited for")


def rate_limit_with_a_long_wait_is_an_error_that_says_how_long(case):
    def handler(r):
        r.reply(429, headers={"Retry-After": "120"}) if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    answer = p.call(1)
    case.is_error(answer, -31429, "120 seconds")
    case.equal(answer["error"]["data"]["retryAfter"], 120, "retryAfter")


def rate_limit_without_retry_after_is_an_error_at_once(case):
    def handler(r):
        r.reply(429) if r.rpc_method == "tools/call" else r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31429)
    case.equal(len(server.of("tools/call")), 1, "times sent")


def server_that_says_at_once_again_and_again_is_asked_ever_more_rarely(case):
    server, p = case.bridge(lambda r: r.reply(429, headers={"Retry-After": "0"}) if r.rpc_method == "tools/call" else r.answer())
    p.handshake()
    p.send(request(1))
    server.wait(lambda _: len(server.of("tools/call")) >= 4, "the fourth try")
    at = [r.at for r in server.of("tools/call")]
    for n, least in enumerate((0.25, 0.5, 1.0)):
        case.check(at[n + 1] - at[n] >= least - 0.01, "pause %d is %.3f s" % (n, at[n + 1] - at[n]))


def retry_after_that_cannot_be_read_is_no_reason_to_wait(case):
    server, p = case.bridge(lambda r: r.reply(429, headers={"Retry-After": "soon"}) if r.rpc_method == "tools/call" else r.answer())
    p.handshake()
    answer = p.call(1)
    case.is_error(answer, -31429, "other clients")
    case.check("retryAfter" not in answer["error"]["data"], "retryAfter")
    case.equal(len(server.of("tools/call")), 1, "times sent")


def absurd_retry_after_is_an_hour(case):
    for text in ("99999999999999999999", "86400", "Fri, 01 Jan 2100 00:00:00 GMT"):
        _, p = case.bridge(lambda r: r.reply(429, headers={"Retry-After": text}) if r.rpc_method == "tools/call" else r.answer())
        p.handshake()
        answer = p.call(1)
        case.is_error(answer, -31429, "3600 seconds")
        case.equal(answer["error"]["data"]["retryAfter"], 3600, "retryAfter")


def unavailable_server_with_retry_after_is_tried_again(case):
    def handler(r):
        if r.rpc_method == "tools/call" and len(server.of("tools/call")) == 1:
            r.reply(503, headers={"Retry-After": "0"})
        else:
            r.answer()
    server = case.server(handler)
    p = case.start(server.url)
    p.handshake()
    case.check("result" in p.call(1), "no result")


def wait_that_the_servers_error_names_wins_over_retry_after(case):
    """SEP-3304: a proxy adds its own Retry-After to all that the server says."""
    def handler(r):
        first = r.rpc_method == "tools/call" and len([x for x in server.of("tools/call") if x.id == r.id]) == 1
        if first:
            r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32023, "message": "Busy", "data": {"retryAfterMs": 10}}},
                   status=r.id, headers={"Retry-After": "3600"})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    for status in (429, 503):
        case.check("result" in p.call(status), "no result after %d" % status)


def unavailable_server_without_retry_after_is_an_error(case):
    def handler(r):
        r.reply(503) if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31500, "503")


def request_answered_202_is_an_error(case):
    def handler(r):
        r.reply(202) if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31500, "no answer")


def request_answered_with_an_empty_200_is_an_error(case):
    def handler(r):
        r.reply(200, headers={"Content-Type": "application/json"}) if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31500, "no answer")


def wrong_content_type_is_an_error(case):
    def handler(r):
        r.reply(200, "<html>login</html>", {"Content-Type": "text/html"}) if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    answer = p.call(1)
    case.is_error(answer, -31500, "text/html")
    case.check("login" not in answer["error"]["message"], "the page was repeated")


def redirect_inside_the_origin_keeps_method_body_and_credential(case):
    def handler(r):
        if r.path == "/mcp":
            r.reply(307 if r.rpc_method == "initialize" else 308, headers={"Location": "/mcp/"})
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.check("result" in p.call(1), "no result")
    moved = [r for r in server.requests if r.path == "/mcp/"]
    case.equal(moved[0].body, p.sent[0], "body")
    case.equal(moved[0].headers.get("authorization"), ACCOUNT_HEADER, "Authorization")


def redirect_to_another_origin_is_not_followed(case):
    other = case.server()
    server, p = case.bridge(lambda r: r.reply(307, headers={"Location": other.url}))
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31500, "another origin")
    case.equal(other.requests, [], "requests at the other origin")


def redirect_that_would_change_the_method_is_not_followed(case):
    server, p = case.bridge(lambda r: r.reply(302, headers={"Location": "/elsewhere"}))
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31500, "/elsewhere")
    case.equal(len(server.requests), 1, "requests")


def redirect_circle_ends(case):
    server, p = case.bridge(lambda r: r.reply(307, headers={"Location": "/mcp"}))
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31500, "in a loop")


def compressed_answers_are_unpacked(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.reply(200, gzip.compress(json.dumps(response(r.id, {"text": "x" * 5000})).encode()),
                    {"Content-Type": "application/json", "Content-Encoding": "gzip"})
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"]["text"], "x" * 5000, "text")


def one_byte_at_a_time_makes_no_difference(case):
    message = json.dumps(response(1, {"text": "größer → 𝄞"}), ensure_ascii=False).encode()

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.stream()
        for b in b": ping\r\n\r\nevent: message\r\ndata: " + message + b"\r\n\r\n":
            r.chunk(bytes([b]))
        r.end()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"]["text"], "größer → 𝄞", "text")
    case.check(message + b"\n" in p.lines, "bytes were changed")


def pretty_printed_json_becomes_one_line(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(json.dumps(response(r.id, {"a": [1, 2], "text": "line\nbreak"}), indent=2).replace("\n", "\r\n"))
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"], {"a": [1, 2], "text": "line\nbreak"}, "result")


def multi_line_data_of_an_event_is_one_message(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            text = json.dumps(response(r.id, {"a": 1}), indent=1)
            r.chunk("".join("data: %s\n" % line for line in text.split("\n")) + "\n")
            r.end()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"], {"a": 1}, "result")


def bytes_of_messages_are_not_changed(case):
    result = (b'{"big":123456789012345678901234567890,"exp":1e400,"zero":-0.0,"one":1.0,"dup":1,"dup":2,'
              b'"nul":"\\u0000","lone":"\\ud800","slash":"\\/","space" :  [ ] }')

    def handler(r):
        if r.rpc_method == "tools/call":
            r.json(b'{"result":' + result + b',"jsonrpc":"2.0","id":1}')
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    line = b'{"id":1,"params":' + result + b',"method":"tools/call","jsonrpc":"2.0"}'
    p.send(line)
    p.answer(1)
    case.check(b'{"result":' + result + b',"jsonrpc":"2.0","id":1}\n' in p.lines, "the answer was changed")
    case.equal(server.of("tools/call")[0].body, line, "the request")


def batch_of_a_2025_03_26_server_reaches_the_client(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.json([{"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}, response(r.id)])
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake("2025-03-26")
    case.equal(p.call(1)["result"], {"ok": True}, "result")
    case.check(any(m.get("method") == "notifications/message" for m in p.messages()), "the notification is missing")


def answer_to_an_id_that_nobody_asked_is_dropped(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event(response(999))
            r.event(response(r.id))
            r.end()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    p.call(1)
    p.finish()
    case.equal([m.get("id") for m in p.messages()], [0, 1], "ids")


def second_answer_to_the_same_request_is_dropped(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event(response(r.id, {"n": 1}))
            r.event(response(r.id, {"n": 2}))
            r.end()
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.equal(p.call(1)["result"], {"n": 1}, "result")
    p.call(2, "tools/list")
    p.finish()
    case.equal([m.get("id") for m in p.messages()], [0, 1, 2], "ids")


def server_request_on_the_get_stream_is_answered_by_the_client(case):
    streams = []

    def handler(r):
        if r.method == "GET":
            r.stream()
            r.event({"jsonrpc": "2.0", "id": "srv-1", "method": "roots/list"})
            streams.append(r)
            r.wait_gone()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.wait_line(lambda line: b"roots/list" in line, "roots/list")
    p.send(response("srv-1", {"roots": []}))
    got = server.wait(lambda rs: [r for r in rs if r.id == "srv-1"], "the client's response")
    case.equal(got[0].body, p.sent[-1], "response")


def ping_before_initialize_is_answered_gets_its_pong(case):
    """In the session that the answer's header names already."""
    pong = threading.Event()

    def handler(r):
        if r.rpc_method == "initialize":
            r.stream({"Mcp-Session-Id": "early"})
            r.event({"jsonrpc": "2.0", "id": "p", "method": "ping"})
            pong.wait(DEADLINE)
            r.event(initialized_result(r.id))
            r.end()
        elif r.rpc == {"jsonrpc": "2.0", "id": "p", "result": {}}:
            r.reply(202)
            pong.set()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.send(INITIALIZE)
    p.wait_line(lambda line: b'"ping"' in line, "the ping")
    p.send({"jsonrpc": "2.0", "id": "p", "result": {}})
    case.check("result" in p.answer(0), "no answer to initialize")
    case.check(pong.is_set(), "no pong")
    case.equal(server.requests[1].headers.get("mcp-session-id"), "early", "session of the pong")
    case.check("result" in p.call(1), "no result")


def initialized_that_is_never_taken_keeps_requests_waiting_for_a_moment_only(case):
    state = {"session": 0}

    def handler(r):
        if r.rpc_method == "initialize":
            state["session"] += 1
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        elif r.rpc_method == "notifications/initialized":
            r.wait_gone()
        elif r.id == 2 and r.headers["mcp-session-id"] == "s1":
            r.reply(404)
        else:
            r.answer()
    server, p = case.bridge(handler, "--headers-timeout", str(int(4 * DEADLINE)))
    p.handshake()
    case.check("result" in p.call(1), "no result in the first session")
    case.check("result" in p.call(2), "no result in the second")


def get_that_is_405_is_not_asked_again(case):
    """Not even for another session of the same process."""
    server, p = case.bridge(lambda r: r.answer(), "--debug")
    p.handshake()
    p.wait_error_text("no GET stream: HTTP 405")
    p.call(1)
    p.send(dict(INITIALIZE, id="again"))
    p.answer("again")
    p.send(INITIALIZED)
    for i in range(2, 6):
        p.call(i)
    p.finish()
    case.equal(len(server.of(method="GET")), 1, "number of GET")


def get_stream_that_ends_is_opened_again_after_a_pause_where_it_was(case):
    """However short the pause that the server asks for."""
    def handler(r):
        if r.method != "GET":
            return r.answer()
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}, ident="g1", retry=0)
        r.end()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: len([r for r in rs if r.method == "GET"]) >= 2, "a second GET")
    first, second = server.of(method="GET")[:2]
    case.check(second.at - first.at >= 0.9, "the pause was %.2f s" % (second.at - first.at))
    case.check("last-event-id" not in first.headers, "the first GET has an event id")
    case.equal(second.headers.get("last-event-id"), "g1", "Last-Event-ID")


def get_stream_comes_back_with_a_new_session(case):
    """The server restarts; a client that only listens hears of changes all the same."""
    state = {"session": 0, "get": 0}

    def handler(r):
        if r.rpc_method == "initialize":
            state["session"] += 1
            return r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % state["session"]})
        if r.method != "GET":
            return r.answer()
        state["get"] += 1
        if state["get"] == 2:
            return r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404)
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": r.headers["mcp-session-id"]}})
        r.wait_gone() if state["get"] == 3 else r.end()
    server, p = case.bridge(handler)
    p.handshake()
    p.wait_line(lambda line: b'"s2"' in line, "the stream of the second session")
    case.equal([r.headers["mcp-session-id"] for r in server.of(method="GET")], ["s1", "s1", "s2"], "streams")
    case.equal(len(server.of("initialize")), 2, "number of initialize")


def session_that_ends_with_its_stream_is_opened_again_once(case):
    """Until the client asks for something: one that does not costs nothing more."""
    def handler(r):
        if r.rpc_method == "initialize":
            r.json(initialized_result(r.id), headers={"Mcp-Session-Id": "s%d" % len(server.of("initialize"))})
        elif r.method == "GET" and len([q for q in server.of(method="GET") if q.headers["mcp-session-id"] == r.headers["mcp-session-id"]]) == 1:
            r.stream()
            r.end()
        elif r.method == "GET":
            r.reply(404)
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: len([r for r in rs if r.method == "GET"]) == 4, "the fourth GET")
    p.send({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}})
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/progress"], "the notification")
    p.finish()
    case.equal(len(server.of("initialize")), 2, "number of initialize")


def place_in_the_get_stream_that_is_unknown_is_given_up(case):
    def handler(r):
        if r.method != "GET":
            return r.answer()
        if "last-event-id" in r.headers:
            return r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Invalid event ID"}}, 400)
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"data": len(server.of(method="GET"))}}, ident="g1")
        r.end() if len(server.of(method="GET")) == 1 else r.wait_gone()
    server, p = case.bridge(handler)
    p.handshake()
    p.wait_line(lambda line: b'"data": 3' in line, "the stream after the refusal")


def get_stream_that_says_the_same_again_is_opened_ever_more_rarely(case):
    note = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "again"}}

    def handler(r):
        if r.method == "GET":
            r.stream()
            r.event(note, ident="e1", retry=0)
            r.end()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    gets = server.wait(lambda requests: len(of := [r for r in requests if r.method == "GET"]) >= 4 and of, "four GETs")
    case.check(gets[3].at - gets[2].at >= 1.9, "the last two GETs are %.2f s apart" % (gets[3].at - gets[2].at))


def resumption_comes_before_the_get_stream_is_opened_again(case):
    """Servers time what comes between a stream's end and its resumption."""
    both = threading.Event()

    def handler(r):
        if r.method == "GET" and "last-event-id" in r.headers:
            r.stream()
            r.event(response(1))
            r.end()
        elif r.method == "GET":
            r.stream()
            both.wait(DEADLINE)
            r.end()
        elif r.rpc_method == "tools/call":
            r.stream()
            r.event("", ident="p1", retry=1600)
            r.end()
            both.set()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: [r for r in rs if r.method == "GET"], "the GET stream")
    case.check("result" in p.call(1), "no result")
    server.wait(lambda rs: len([r for r in rs if r.method == "GET"]) >= 3, "the GET stream again")
    case.equal([r.headers.get("last-event-id") for r in server.of(method="GET")[:3]], [None, "p1", None], "Last-Event-ID of the GETs")


def resumption_that_fails_every_time_is_an_error(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.stream()
            r.event("", ident="e1", retry=1)
            r.close()
        elif r.method == "GET" and "last-event-id" in r.headers:
            r.close()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31503, "closed the connection")
    case.equal(len([r for r in server.of(method="GET") if "last-event-id" in r.headers]), 5, "attempts")


def connection_is_not_used_again_that_the_server_may_be_closing(case):
    """It says how long it keeps idle ones: a request that crosses its close would be lost."""
    def handler(r):
        r.json(response(r.id), headers={"Keep-Alive": "timeout=2, max=100"}) if r.rpc_method == "tools/call" else r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    server.wait(lambda rs: [r for r in rs if r.method == "GET"], "the GET")
    p.call(1)
    p.call(2)
    before = server.connections
    threading.Event().wait(2.5)  # what is shown is what time does
    p.call(3)
    case.equal(server.connections, before + 1, "connections")


def long_refusal_is_not_kept(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.reply(500, b"x" * (100 << 20), {"Content-Type": "text/plain"})
        else:
            r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    case.is_error(p.call(1), -31500, "500", "xxx")
    with open("/proc/%d/status" % p.process.pid) as f:
        peak = int(next(x for x in f if x.startswith("VmHWM")).split()[1])
    case.check(peak < 60 << 10 or harness.WRAP or "asan" in harness.PROGRAM, "peak of %d KiB" % peak)


def slow_headers_of_one_request_do_not_delay_others(case):
    release = threading.Event()

    def handler(r):
        if r.id == "slow":
            release.wait(DEADLINE)
        r.answer()
    _, p = case.bridge(handler)
    p.handshake()
    p.send(request("slow"))
    for i in range(1, 20):
        p.call(i)
    case.check(not [m for m in p.messages() if m.get("id") == "slow"], "the slow call was answered early")
    release.set()
    p.answer("slow")


def cancelled_request_frees_its_place_and_the_server_is_told(case):
    def handler(r):
        if r.id == "stuck":
            r.wait_gone()
        else:
            r.answer()
    server, p = case.bridge(handler)
    p.handshake()
    p.send(request("stuck"))
    server.wait(lambda rs: [r for r in rs if r.id == "stuck"], "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "stuck", "reason": "x"}})
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/cancelled"], "the cancellation")
    p.call(1)
    case.equal(p.finish(), 0, "status")
    case.equal([m.get("id") for m in p.messages()], [0, 1], "ids answered")


def no_header_in_time_is_an_error(case):
    def handler(r):
        r.wait_gone() if r.rpc_method == "tools/call" else r.answer()
    _, p = case.bridge(handler, "--headers-timeout", str(LIMIT))
    p.handshake()
    case.is_error(p.call(1), -31503, "in time")


no_header_in_time_is_an_error.slow = True


def limit_for_the_header_is_not_twice_as_long(case):
    def handler(r):
        if r.rpc_method == "tools/call":
            r.conn.settimeout(1.9 * LIMIT)
            try:
                r.conn.recv(1)
                return  # gone, as it should be
            except TimeoutError:
                r.conn.settimeout(None)
        r.answer()
    _, p = case.bridge(handler, "--headers-timeout", str(LIMIT))
    p.handshake()
    case.is_error(p.call(1), -31503, "in time")


limit_for_the_header_is_not_twice_as_long.slow = True


def silence_inside_a_body_is_an_error(case):
    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        r.stream()
        r.chunk(": ping\n\n")
        r.wait_gone()
    _, p = case.bridge(handler, "--body-timeout", str(LIMIT))
    p.handshake()
    case.is_error(p.call(1), -31503, "no more data")


silence_inside_a_body_is_an_error.slow = True


def connection_refused_is_an_error_that_names_the_address(case):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        port = s.getsockname()[1]
        p = case.start("http://127.0.0.1:%d/mcp" % port, "--debug")
        p.send(request(1, "initialize"))
        case.is_error(p.answer(1), -31503, "127.0.0.1:%d: Connection refused. " % port, "run \"mpmcp doctor\"")
        p.finish()
    case.equal(p.errors.count(b"Trying 127.0.0.1:%d" % port), 3, "attempts: a server that restarts is back by then")


def server_that_comes_back_within_a_moment_is_reached(case):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))  # taken, and nobody listens yet
    p = case.start("http://127.0.0.1:%d/mcp" % listener.getsockname()[1], "--debug")
    p.send(request(1, "initialize", protocolVersion="2025-06-18"))
    p.wait_error_text("Failed to connect")
    listener.listen()
    server = case.server()
    with server.changed:
        server.socket.close()
        server.socket = listener
        threading.Thread(target=server.accept, daemon=True).start()
    answer = p.answer(1)
    case.check("result" in answer or answer["error"]["code"] == -31503, "answer %r" % answer)


def unknown_host_is_an_error(case):
    p = case.start("http://no-such-host.invalid/mcp", "--allow-http", "--header", "Authorization: Bearer abcdefgh", token=None)
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31503, "no-such-host.invalid")


def failed_initialize_can_be_tried_again_on_the_same_process(case):
    def handler(r):
        if r.rpc_method == "initialize" and len(server.of("initialize")) == 1:
            r.reply(500)
        else:
            r.answer()
    server = case.server(handler)
    p = case.start(server.url)
    p.send(request("a", "initialize", protocolVersion="2025-06-18"))
    case.check("error" in p.answer("a"), "no error")
    p.send(request("b", "initialize", protocolVersion="2025-06-18"))
    case.check("result" in p.answer("b"), "no result")
    p.send(INITIALIZED)
    case.check("result" in p.call(1), "no result")


def event_of_64_mib_passes_whole(case):
    text = "x" * (64 << 20)

    def handler(r):
        if r.rpc_method != "tools/call":
            return r.answer()
        body = json.dumps(response(r.id, {"text": text})).encode()
        if r.id == "json":
            return r.json(body)
        r.stream()
        r.chunk(b"event: message\r\ndata: " + body + b"\r\n\r\n")
        r.end()
    _, p = case.bridge(handler)
    p.handshake()
    for ident in ("json", "sse"):
        p.send(request(ident))
        line = p.wait_line(lambda line: ('"%s"' % ident).encode() in line[:100], "the big answer")
        case.equal(len(line), len(json.dumps(response(ident, {"text": ""}))) + len(text) + 1, "length")
