"""Clients and servers of different eras: what each sees of the other."""

import json
import threading

from harness import DEADLINE, INITIALIZE, INITIALIZED, initialized_result, request, response

VERSION = "2026-07-28"
PREFIX = "io.modelcontextprotocol/"
CAPABILITIES = {"sampling": {}, "roots": {}, "elicitation": {}}
META = {PREFIX + "protocolVersion": VERSION, PREFIX + "clientInfo": {"name": "case", "version": "1"},
        PREFIX + "clientCapabilities": CAPABILITIES}
FORM = {"message": "name?", "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}}}
QUESTIONS = {"sampling/createMessage": {"messages": [], "maxTokens": 1}, "roots/list": None, "elicitation/create": FORM}
REFUSALS = {
    "fields": (400, {"code": -32020, "message": "MCP-Protocol-Version is missing"}),
    "version": (400, {"code": -32022, "message": "no", "data": {"supported": [VERSION], "requested": ""}}),
    "method": (404, {"code": -32601, "message": "Method not found"}),
    "words": (400, {"code": -32602, "message": "_meta lacks %sprotocolVersion" % PREFIX}),
}


def _error(r, code, message="m", status=400, data=None):
    error = dict({"code": code, "message": message}, **({"data": data} if data else {}))
    r.json({"jsonrpc": "2.0", "id": r.id, "error": error}, status)


def _complete(r, **result):
    r.json(response(r.id, dict({"resultType": "complete"}, **result)))


def _name_of(r):
    return r.rpc["params"].get("name") or r.rpc["params"].get("uri")


def _check_modern(case, r):
    """What a server of 2026-07-28 may insist on."""
    meta = r.rpc["params"]["_meta"]
    case.equal(meta[PREFIX + "protocolVersion"], VERSION, "revision")
    case.equal(r.headers.get("mcp-protocol-version"), VERSION, "revision in the header")
    case.equal(r.headers.get("mcp-method"), r.rpc_method, "method")
    if r.rpc_method in ("tools/call", "prompts/get", "resources/read"):
        case.equal(r.headers.get("mcp-name"), _name_of(r), "name")
    case.check("mcp-session-id" not in r.headers, "a session id")
    case.check(isinstance(meta[PREFIX + "clientCapabilities"], dict), "no capabilities")


def _modern(case, calls=None, refusal="fields", capabilities=None, listen=None):
    """A handler that is a server of 2026-07-28 and nothing else; calls(r) answers what is not the handshake."""
    def handler(r):
        if r.method != "POST":
            r.reply(405)
        elif r.rpc_method == "initialize":
            status, error = REFUSALS[refusal]
            r.json({"jsonrpc": "2.0", "id": None, "error": error}, status)
        elif r.rpc_method is None or r.id is None:
            _error(r, -32600)
        else:
            _check_modern(case, r)
            if r.rpc_method == "server/discover":
                _complete(r, supportedVersions=[VERSION], capabilities=capabilities or {"tools": {}}, ttlMs=0, cacheScope="public",
                          instructions="read this", _meta={PREFIX + "serverInfo": {"name": "new", "version": "2"}})
            elif r.rpc_method == "subscriptions/listen" and listen:
                listen(r)
            else:
                (calls or _complete)(r)
    return handler


def _legacy_hello(p, version="2025-06-18", capabilities=None):
    p.send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": CAPABILITIES if capabilities is None else capabilities,
        "clientInfo": {"name": "old", "version": "1"}}})
    answer = p.answer(0)
    p.send(INITIALIZED)
    return answer


def _ask(p, ident, method="tools/call", **params):
    """A request of a modern client; its answer."""
    p.send(request(ident, method, _meta=META, **params))
    return p.answer(ident)


# ---- a legacy client, a modern server


def initialize_is_answered_from_discover(case):
    for refusal in REFUSALS:
        server, p = case.bridge(_modern(case, refusal=refusal))
        result = _legacy_hello(p)["result"]
        case.equal(result["protocolVersion"], "2025-06-18", "revision")
        case.equal(result["serverInfo"], {"name": "new", "version": "2"}, "server")
        case.equal(result["instructions"], "read this", "instructions")
        case.check("resultType" not in result, "resultType")
        p.call(1, "tools/list")
        case.equal([r.rpc_method for r in server.requests], ["initialize", "server/discover", "tools/list"], "requests")
        meta = server.requests[1].rpc["params"]["_meta"]
        case.equal(meta[PREFIX + "clientInfo"], {"name": "old", "version": "1"}, "client")
        case.equal(meta[PREFIX + "clientCapabilities"], CAPABILITIES, "capabilities")
        case.equal(p.finish(), 0, "status")


def what_is_not_of_the_other_era_stays_byte_for_byte(case):
    arguments = '{ "a": 12345678901234567890,  "b":1e400, "c":-0.0, "c":"\\ud834\\udd1e\\u0000" }'
    content = '[ {"type":"text","text":"\\u00fc"} ],  "structuredContent":{"n":1.0,"n":123456789012345678901}'

    def calls(r):
        r.reply(200, '{"jsonrpc":"2.0", "id":%s ,"result":{"content":%s,"resultType":"complete"}}' % (json.dumps(r.id), content),
                {"Content-Type": "application/json"})
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send('{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"t","arguments":%s,"_meta":{"progressToken":1}}}' % arguments)
    p.answer(7)
    body = server.of("tools/call")[0].body.decode()
    case.check(arguments in body, "the arguments were changed: " + body)
    case.equal(json.loads(body)["params"]["_meta"]["progressToken"], 1, "progress token")
    case.equal(p.lines[-1], b'{"jsonrpc":"2.0", "id":7 ,"result":{"content":%s}}\n' % content.encode(), "answer")


def server_that_names_its_revision_is_asked_again(case):
    tries = []

    def handler(r):
        if r.rpc_method == "server/discover" and not tries:
            tries.append(r)
            return _error(r, -32022, data={"supported": [VERSION], "requested": VERSION})
        return ordinary(r)
    ordinary = _modern(case)
    _, p = case.bridge(handler)
    case.check("result" in _legacy_hello(p), "no result")


def call_refused_in_a_revision_that_the_server_has_is_sent_again(case):
    def calls(r):
        if len(server.of("tools/call")) == 1 or r.id == 2:
            return _error(r, -32022, "not yet", data={"supported": [VERSION], "requested": VERSION})
        _complete(r, content=[])
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.equal(p.call(1, name="t")["result"], {"content": []}, "result")
    case.is_error(p.call(2, name="t"), -32022, "not yet")
    case.equal([r.id for r in server.of("tools/call")], [1, 1, 2, 2], "calls")


def failed_discovery_shows_what_the_server_said_to_initialize(case):
    def handler(r):
        if r.rpc_method == "server/discover":
            r.reply(500, "oops", {"Content-Type": "text/plain"})
        else:
            ordinary(r)
    ordinary = _modern(case, refusal="version")
    _, p = case.bridge(handler)
    case.is_error(_legacy_hello(p), -32022, "no")


def questions_become_requests_and_the_call_goes_on(case):
    rounds = []

    def calls(r):
        rounds.append(r)
        params = r.rpc["params"]
        if len(rounds) <= 2:
            asked = {"q %s" % m: dict({"method": m}, **({"params": p} if p else {})) for m, p in QUESTIONS.items()}
            return r.json('{"jsonrpc":"2.0","id":%s,"result":{"resultType":"input_required","inputRequests":%s,"requestState":"s\\u00fc\\/%d"}}'
                          % (json.dumps(r.id), json.dumps(asked), len(rounds)))
        return _complete(r, content=[{"type": "text", "text": json.dumps(params["inputResponses"])}])
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request("mine", "tools/call", name="t", arguments={}))
    seen = set()
    for n in range(2 * len(QUESTIONS)):
        question = json.loads(p.wait_line(lambda line: b'"method"' in line and json.loads(line)["id"] not in seen, "a question"))
        seen.add(question["id"])
        case.equal(question.get("params"), QUESTIONS[question["method"]], "params")
        p.send(response(question["id"], {"answer to": question["method"], "n": n}))
    told = json.loads(p.answer("mine")["result"]["content"][0]["text"])
    case.equal({k: v["answer to"] for k, v in told.items()}, {"q " + m: m for m in QUESTIONS}, "responses")
    case.equal(len(rounds), 3, "rounds")
    case.equal(len({json.dumps(r.id) for r in rounds}), 3, "ids")
    for n in (1, 2):
        case.check(b'"requestState":"s\\u00fc\\/%d"' % n in rounds[n].body, "the state was changed")
    case.check("requestState" not in rounds[0].rpc["params"], "a state in the first request")
    case.equal(p.finish(), 0, "status")


def result_with_state_alone_is_asked_for_again(case):
    rounds = []

    def calls(r):
        rounds.append(r)
        if len(rounds) == 1:
            return r.json(response(r.id, {"resultType": "input_required", "requestState": "x"}))
        case.check("inputResponses" not in r.rpc["params"], "responses to nothing")
        return _complete(r, state=r.rpc["params"]["requestState"])
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.equal(p.call(1, name="t")["result"], {"state": "x"}, "result")


def question_that_was_never_declared_is_not_put(case):
    def calls(r):
        r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list"}}}))
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p, capabilities={"sampling": {}})
    case.is_error(p.call(1, name="t"), -31500, "did not declare")
    case.check(not [line for line in p.lines if b"roots/list" in line], "the question was put")


def address_is_put_only_to_clients_that_take_addresses(case):
    def calls(r):
        if "inputResponses" in r.rpc["params"]:
            return _complete(r)
        return r.json(response(r.id, {"resultType": "input_required", "inputRequests": {
            "a": {"method": "elicitation/create", "params": {"mode": "url", "message": "m", "url": "https://x.example/"}}}}))
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.is_error(p.call(1, name="t"), -31500, "did not declare")
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p, "2025-11-25", {"elicitation": {"url": {}}})
    p.send(request(1, name="t"))
    question = json.loads(p.wait_line(lambda line: b"elicitation/create" in line, "the question"))
    case.check(isinstance(question["params"]["elicitationId"], str), "no elicitationId")
    p.send(response(question["id"], {"action": "accept"}))
    case.check("result" in p.answer(1), "no result")


def server_that_never_stops_asking_is_left(case):
    rounds = []

    def calls(r):
        rounds.append(r)
        r.json(response(r.id, {"resultType": "input_required", "requestState": str(len(rounds))}))
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.is_error(p.call(1, name="t"), -31500, "keeps asking")
    case.equal(len(rounds), 11, "requests")


def questions_that_cannot_be_put_fail_the_call(case):
    many = {"q%d" % n: {"method": "roots/list"} for n in range(65)}
    for method, asked, code, words in (("tools/call", {"inputRequests": many}, -31000, "more than 64"),
                                       ("tools/call", {}, -31500, "does not say which"),
                                       ("tools/call", {"inputRequests": [1], "requestState": "s"}, -31500, "cannot be read"),
                                       ("completion/complete", {"requestState": "s"}, -31500, "accepts none")):
        server, p = case.bridge(_modern(case, lambda r, a=asked: r.json(response(r.id, dict(a, resultType="input_required")))))
        _legacy_hello(p)
        case.is_error(p.call(1, method, name="t"), code, words)
        case.check(not [line for line in p.lines if b"roots/list" in line], "a question was put")
        case.equal(len(server.of(method)), 1, "requests")


def refused_question_fails_the_call(case):
    def calls(r):
        r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list"}, "b": {"method": "roots/list"}}}))
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request(1, name="t"))
    question = json.loads(p.wait_line(lambda line: b"roots/list" in line, "the question"))
    p.send({"jsonrpc": "2.0", "id": question["id"], "error": {"code": -1, "message": "the user said no"}})
    case.is_error(p.answer(1), -31500, "the user said no")
    p.wait_line(lambda line: b"notifications/cancelled" in line, "the other question taken back")
    case.equal(len(server.of("tools/call")), 1, "calls")


def cancelled_call_takes_its_questions_back(case):
    def calls(r):
        if _name_of(r) == "t":
            return r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list"}}}))
        return _complete(r)
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request(1, name="t"))
    question = json.loads(p.wait_line(lambda line: b"roots/list" in line, "the question"))
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    taken = json.loads(p.wait_line(lambda line: b"notifications/cancelled" in line, "the question taken back"))
    case.equal(taken["params"]["requestId"], question["id"], "id")
    p.send(response(question["id"], {"roots": []}))
    case.check("result" in p.call(2, name="u"), "no result")
    case.equal(len(server.of("tools/call")), 2, "calls")
    case.equal(p.finish(), 0, "status")


def input_that_ends_with_a_question_open_is_an_answered_call(case):
    def calls(r):
        r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"a": {"method": "roots/list"}}}))
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request(1, name="t"))
    p.wait_line(lambda line: b"roots/list" in line, "the question")
    case.equal(p.finish(), 0, "status")
    case.check("error" in p.answer(1), "no error")


def ping_and_log_level_are_answered_here(case):
    server, p = case.bridge(_modern(case))
    _legacy_hello(p)
    case.equal(p.call(1, "ping")["result"], {}, "ping")
    case.equal(p.call(2, "logging/setLevel", level="warning")["result"], {}, "level")
    case.is_error(p.call(3, "logging/setLevel", level="loud"), -32602)
    p.call(4, "logging/setLevel", level="error")
    p.call(5, name="t")
    case.equal(server.requests[-1].rpc["params"]["_meta"][PREFIX + "logLevel"], "error", "level")
    case.equal([r.rpc_method for r in server.requests], ["initialize", "server/discover", "tools/call"], "requests")


def changes_come_through_a_subscription(case):
    streams, gone, told = [], [], threading.Condition()

    def listen(r):
        r.stream()
        wanted = r.rpc["params"]["notifications"]
        mark = {"_meta": {PREFIX + "subscriptionId": r.id}}
        with told:
            streams.append((wanted, r))
            told.notify_all()
        r.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": dict(mark, notifications={
            k: ([u for u in v if "secret" not in u] if isinstance(v, list) else v) for k, v in wanted.items()})})
        r.wait_gone()
        with told:
            gone.append(r)
            told.notify_all()
    server, p = case.bridge(_modern(case, listen=listen, capabilities={"tools": {"listChanged": True}, "prompts": {}, "resources": {"subscribe": True}}))
    _legacy_hello(p)
    with told:
        case.check(told.wait_for(lambda: streams, 60), "no subscription")
    case.equal(streams[0][0], {"toolsListChanged": True}, "filter")
    case.equal(p.call(1, "resources/subscribe", uri="x://a")["result"], {}, "subscribe")
    with told:
        case.check(told.wait_for(lambda: gone, 60), "the first stream stayed open")
    case.equal(streams[1][0], {"toolsListChanged": True, "resourceSubscriptions": ["x://a"]}, "filter")
    case.is_error(p.call(2, "resources/subscribe", uri="x://secret"), -32602)
    streams[-1][1].event({"jsonrpc": "2.0", "method": "notifications/resources/updated", "params": {"uri": "x://a"}})
    p.wait_line(lambda line: b"resources/updated" in line, "the update")
    case.equal(p.call(3, "resources/unsubscribe", uri="x://a")["result"], {}, "unsubscribe")
    p.call(4, name="t")
    case.check(not [line for line in p.lines if b"acknowledged" in line], "an acknowledgment reached the client")
    case.equal(p.finish(), 0, "status")


def lost_subscription_is_opened_again(case):
    streams = []

    def listen(r):
        streams.append(r)
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged",
                 "params": {"_meta": {PREFIX + "subscriptionId": r.id}, "notifications": {"toolsListChanged": True}}})
        if len(streams) == 1:
            return r.close()
        r.event({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        return r.wait_gone()
    _, p = case.bridge(_modern(case, listen=listen, capabilities={"tools": {"listChanged": True}}))
    _legacy_hello(p)
    p.wait_line(lambda line: b"list_changed" in line, "the change")


def cancelled_call_closes_its_stream(case):
    def calls(r):
        if _name_of(r) != "stuck":
            return _complete(r)
        r.stream()
        r.chunk(": wait\n\n")
        return r.wait_gone()
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request(1, name="stuck"))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call"], "the call")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    p.call(2, name="x")
    case.equal(p.finish(), 0, "status")
    case.check(not server.of("notifications/cancelled"), "the cancellation was sent")


def errors_progress_and_calls_at_once_pass(case):
    def calls(r):
        name = _name_of(r)
        if name == "bad":
            return _error(r, -32602, "no such thing", 200)
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": name, "progress": 1}})
        r.event(response(r.id, {"resultType": "complete", "name": name}))
        return r.end()
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(*[request(n, name=str(n), _meta={"progressToken": str(n)}) for n in range(1, 40)])
    for n in range(1, 40):
        case.equal(p.answer(n)["result"], {"name": str(n)}, "result")
    case.is_error(p.call(50, name="bad"), -32602, "no such thing")
    case.equal(len([line for line in p.lines if b"notifications/progress" in line]), 39, "progress")


def result_of_an_unknown_kind_is_an_error(case):
    _, p = case.bridge(_modern(case, lambda r: r.json(response(r.id, {"resultType": "task", "taskId": "1"}))))
    _legacy_hello(p)
    case.is_error(p.call(1, name="t"), -31500, "kind of result")


def large_result_loses_only_its_type(case):
    text = "ü" * (4 << 20)

    def calls(r):
        r.reply(200, ('{"jsonrpc":"2.0","id":%d,"result":{"resultType":"complete","content":[{"type":"text","text":"%s"}]}}' % (r.id, text)),
                {"Content-Type": "application/json"})
    _, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    p.send(request(1, name="t"))
    line = p.wait_line(lambda line: b'"id":1' in line[:40], "the answer")
    case.equal(line, ('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"%s"}]}}\n' % text).encode(), "answer")


def parameters_are_mirrored_and_invalid_tools_left_out(case):
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}, "n": {"type": "integer", "x-mcp-header": "N"}}}
    bad = {"type": "object", "properties": {"x": {"type": "object", "x-mcp-header": "X"}}}

    def calls(r):
        if r.rpc_method == "tools/list":
            return _complete(r, tools=[{"name": "good", "inputSchema": schema}, {"name": "bad", "inputSchema": bad}])
        return _complete(r)
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.equal([t["name"] for t in p.call(1, "tools/list")["result"]["tools"]], ["good"], "tools")
    p.wait_error_text('"bad" is removed from the list')
    p.call(2, name="good", arguments={"region": "", "n": 42})
    case.equal(server.requests[-1].headers.get("mcp-param-region"), "", "an empty value")
    case.equal(server.requests[-1].headers.get("mcp-param-n"), "42", "a number")
    p.call(3, name="good", arguments={"region": None})
    case.check("mcp-param-region" not in server.requests[-1].headers, "null was mirrored")


def mismatch_of_fields_fetches_the_list_and_tries_once_more(case):
    schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}

    def calls(r):
        if r.rpc_method == "tools/list":
            page = [{"name": "other", "inputSchema": {"type": "object"}}], {"nextCursor": "2"}
            if r.rpc["params"].get("cursor") == "2":
                page = [{"name": "good", "inputSchema": schema}], {}
            return _complete(r, tools=page[0], **page[1])
        if _name_of(r) == "never" or r.headers.get("mcp-param-region") != "eu":
            return _error(r, -32020, "Header mismatch")
        return _complete(r, done=True)
    server, p = case.bridge(_modern(case, calls))
    _legacy_hello(p)
    case.equal(p.call(1, name="good", arguments={"region": "eu"})["result"], {"done": True}, "result")
    case.equal([r.rpc_method for r in server.requests[2:]], ["tools/call", "tools/list", "tools/list", "tools/call"], "requests")
    case.is_error(p.call(2, name="never", arguments={"region": "eu"}), -32020, "Header mismatch")
    case.equal(len(server.of("tools/call")), 4, "calls")
    p.send(request(3, _meta=META, name="never", arguments={"region": "eu"}))
    case.is_error(p.answer(3), -32020)


def batch_of_a_legacy_client_goes_one_by_one(case):
    server, p = case.bridge(_modern(case))
    _legacy_hello(p, "2025-03-26")
    p.send([request(1, name="a"), {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"}, request(2, name="b")])
    p.answer(1)
    p.answer(2)
    case.equal(sorted(_name_of(r) for r in server.of("tools/call")), ["a", "b"], "calls")


# ---- a modern client, a legacy server


def _legacy(calls=None, get=None, session="s1", capabilities=None, version="2025-11-25"):
    """A handler that is a server of sessions: strict about them."""
    known = {session}

    def handler(r):
        given = r.headers.get("mcp-session-id")
        if r.method == "GET":
            get(r) if get else r.reply(405)
        elif r.method == "DELETE":
            r.reply(200)
        elif r.rpc_method == "initialize":
            r.json(response(r.id, {"protocolVersion": version, "capabilities": capabilities or {"tools": {}, "logging": {}}, "instructions": "old words",
                                   "serverInfo": {"name": "old", "version": "1"}}), headers={"Mcp-Session-Id": session})
        elif r.headers.get("mcp-protocol-version") not in (None, version):
            r.json({"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: Unsupported protocol version"}}, 400)
        elif given is None:
            r.json({"jsonrpc": "2.0", "id": "server-error", "error": {"code": -32600, "message": "Bad Request: Missing session ID"}}, 400)
        elif given not in known:
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404)
        elif r.id is None or r.rpc_method is None:
            r.reply(202)
        else:
            (calls or (lambda q: q.answer()))(r)
    handler.known = known
    return handler


def discover_is_answered_from_one_initialize(case):
    server, p = case.bridge(_legacy())
    result = _ask(p, 1, "server/discover")["result"]
    case.equal(result["supportedVersions"][0], VERSION, "revision")
    case.equal((result["resultType"], result["ttlMs"], result["cacheScope"]), ("complete", 0, "private"), "kind")
    case.equal(result["instructions"], "old words", "instructions")
    case.equal(result["_meta"][PREFIX + "serverInfo"], {"name": "old", "version": "1"}, "server")
    _ask(p, 2, "server/discover")
    case.equal(_ask(p, 3, "tools/list")["result"]["resultType"], "complete", "kind")
    case.equal([r.rpc_method for r in server.requests if r.method == "POST"],
               ["server/discover", "initialize", "notifications/initialized", "tools/list"], "requests")
    hello = server.of("initialize")[0].rpc["params"]
    case.equal(hello["clientInfo"], {"name": "case", "version": "1"}, "client")
    case.equal(hello["capabilities"], CAPABILITIES, "capabilities")
    case.equal(p.finish(), 0, "status")
    server.wait_deleted()
    case.equal(len(server.of(method="DELETE")), 1, "deleted sessions")


def revision_that_nobody_knows_is_refused_with_those_that_are(case):
    server, p = case.bridge(_legacy())
    p.send({"jsonrpc": "2.0", "method": "notifications/x", "params": {"_meta": dict(META, **{PREFIX + "protocolVersion": "2099-01-01"})}})
    for ident, method in ((1, "server/discover"), (2, "tools/call")):
        p.send(request(ident, method, _meta=dict(META, **{PREFIX + "protocolVersion": "2099-01-01"})))
        error = p.answer(ident)["error"]
        case.equal(error["code"], -32022, "code")
        case.equal(error["data"], {"supported": [VERSION, "2025-11-25"], "requested": "2099-01-01"}, "data")
    case.check("result" in _ask(p, 3, "server/discover"), "no result")
    case.equal(len(server.of("tools/call")), 0, "calls")
    case.equal(len(p.lines), 3, "messages")


def first_request_may_be_any(case):
    server, p = case.bridge(_legacy())
    p.send(*[request(n, _meta=META, name="t") for n in range(20)])
    for n in range(20):
        case.equal(p.answer(n)["result"], {"resultType": "complete", "ok": True}, "result")
    case.equal(len(server.of("initialize")), 1, "sessions")


def refusals_of_all_kinds_show_a_legacy_server(case):
    refusals = [lambda r: r.reply(400), lambda r: r.reply(404, "<html>", {"Content-Type": "text/html"}), lambda r: r.reply(405),
                lambda r: _error(r, -32000, "Bad Request: Server not initialized"), lambda r: _error(r, -32601, "Method not found", 200),
                lambda r: _error(r, -32602, "Invalid request parameters", 200),
                lambda r: _error(r, -32022, "no", data={"supported": ["2025-06-18", "2025-11-25"], "requested": VERSION})]
    for refusal in refusals:
        _, p = case.bridge(lambda r, refuse=refusal: refuse(r) if r.rpc_method == "server/discover" else _legacy()(r))
        case.check("result" in _ask(p, 1, "server/discover"), "no result")
        case.equal(p.finish(), 0, "status")


def refused_credential_says_nothing_about_the_era(case):
    server, p = case.bridge(lambda r: r.reply(401))
    case.is_error(_ask(p, 1, "server/discover"), -31401)
    case.equal(len(server.requests), 1, "requests")


def failing_server_says_nothing_about_the_era(case):
    server, p = case.bridge(lambda r: r.reply(500))
    case.is_error(_ask(p, 1, "server/discover"), -31500)
    case.equal(len(server.requests), 1, "requests")


def modern_members_go_and_all_else_stays(case):
    arguments = '{ "a": 12345678901234567890,  "b":1e400 }'
    result = '{ "content":[],"n":1.0,  "n":-0.0 }'

    def calls(r):
        r.reply(200, '{"jsonrpc":"2.0","id":%s,"result":%s}' % (json.dumps(r.id), result), {"Content-Type": "application/json"})
    server, p = case.bridge(_legacy(calls))
    _ask(p, 0, "server/discover")
    meta = json.dumps(META)
    p.send('{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"t","_meta":%s,"arguments":%s}}' % (meta, arguments))
    p.answer("x")
    case.equal(server.of("tools/call")[0].body, ('{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"t","arguments":%s}}' % arguments).encode(), "body")
    case.equal(server.of("tools/call")[0].headers.get("mcp-session-id"), "s1", "session")
    case.check("mcp-method" not in server.of("tools/call")[0].headers, "a mirrored field")
    case.equal(p.lines[-1], ('{"jsonrpc":"2.0","id":"x","result":{"resultType":"complete",%s}\n' % result[1:]).encode(), "answer")
    kept = dict(META, **{"progressToken": 5, "com.example/x": 1})
    p.send(request("y", _meta=kept, name="t"))
    p.answer("y")
    case.equal(server.of("tools/call")[-1].rpc["params"]["_meta"], {"progressToken": 5, "com.example/x": 1}, "_meta")


def missing_resource_is_said_in_the_codes_of_the_era(case):
    _, p = case.bridge(_legacy(lambda r: _error(r, -32002, "Resource not found", 200)))
    case.is_error(_ask(p, 1, "resources/read", uri="x://y"), -32602, "Resource not found")


def questions_become_results_and_the_call_goes_on(case):
    answers = {}

    def calls(r):
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p1", "progress": 1}})
        for n, (method, params) in enumerate(QUESTIONS.items()):
            r.event(dict(request("q%d" % n, method), params=params or {}))
            server.wait(lambda rs, q="q%d" % n: [x for x in rs if x.rpc and x.rpc_method is None and x.rpc.get("id") == q], "the answer")
            answers[method] = [x for x in server.requests if x.rpc and x.rpc.get("id") == "q%d" % n][-1].rpc["result"]
        r.event({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": "p1", "progress": 2}})
        r.event(response(r.id, {"done": True}))
        r.end()
    server, p = case.bridge(_legacy(calls))
    params = {"name": "t", "arguments": {"a": 1}}
    p.send(request(1, _meta=dict(META, progressToken="p1"), **params))
    answer = p.answer(1)
    for n, (method, asked) in enumerate(QUESTIONS.items()):
        result = answer["result"]
        case.equal(result["resultType"], "input_required", "kind")
        (key, question), = result["inputRequests"].items()
        case.equal((question["method"], question["params"]), (method, asked or {}), "question")
        p.send(request(10 + n, _meta=dict(META, progressToken="p%d" % (10 + n)), inputResponses={key: {"n": n}},
                       requestState=result["requestState"], **params))
        answer = p.answer(10 + n)
    case.equal(answer["result"], {"resultType": "complete", "done": True}, "result")
    case.equal(answers, {m: {"n": n} for n, m in enumerate(QUESTIONS)}, "answers")
    progress = [json.loads(line)["params"] for line in p.lines if b"notifications/progress" in line]
    case.equal([(x["progressToken"], x["progress"]) for x in progress], [("p1", 1), ("p12", 2)], "progress")
    case.equal(len(server.of("tools/call")), 2, "calls: the refused one and the one that went on")
    case.equal(p.finish(), 0, "status")


def answer_to_a_question_that_was_taken_back_answers_no_other(case):
    taken = threading.Event()

    def of(rs, ident):
        return [x for x in rs if x.rpc and x.rpc.get("id") == ident]

    def calls(r):
        r.stream()
        r.event(request("q1", "elicitation/create", **dict(FORM, message="delete all?")))
        r.event(request("q2", "elicitation/create", **FORM))
        r.event({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "q1"}})
        r.event(request("alive", "ping"))
        server.wait(lambda rs: of(rs, "alive"), "the pong")
        taken.set()
        server.wait(lambda rs: of(rs, "q2"), "the answer")
        r.event(response(r.id, {"done": True}))
        r.end()
    server, p = case.bridge(_legacy(calls))
    first = _ask(p, 1, name="t")["result"]
    (key, question), = first["inputRequests"].items()
    case.equal(question["params"]["message"], "delete all?", "the first question")
    case.check(taken.wait(60), "it was not taken back")
    second = _ask(p, 2, name="t", requestState=first["requestState"], inputResponses={key: {"action": "accept"}})["result"]
    case.equal(second["resultType"], "input_required", "kind")
    (key, question), = second["inputRequests"].items()
    case.equal(question["params"]["message"], FORM["message"], "the second question")
    last = _ask(p, 3, name="t", requestState=second["requestState"], inputResponses={key: {"action": "decline"}})
    case.check("done" in last["result"], "no result")
    case.equal([x.rpc["result"] for x in of(server.requests, "q2")], [{"action": "decline"}], "answers to the second")
    case.equal(of(server.requests, "q1"), [], "answers to the first")


def client_that_comes_back_without_an_answer_is_asked_again(case):
    def calls(r):
        r.stream()
        r.event(request("q", "elicitation/create", **FORM))
        server.wait(lambda rs: [x for x in rs if x.rpc and x.rpc.get("id") == "q"], "the answer")
        r.event(response(r.id, {"done": True}))
        r.end()
    server, p = case.bridge(_legacy(calls))
    first = _ask(p, 1, name="t")["result"]
    second = _ask(p, 2, name="t", requestState=first["requestState"])["result"]
    case.equal(second["resultType"], "input_required", "kind")
    case.is_error(_ask(p, 3, name="t", requestState=first["requestState"]), -32602, "over")
    key = next(iter(second["inputRequests"]))
    case.check("done" in _ask(p, 4, name="t", requestState=second["requestState"], inputResponses={key: {"action": "decline"}})["result"], "no result")


def _reply_to(server, ident):
    """What the client said to the server's question, as soon as it is there."""
    return server.wait(lambda rs: [x for x in rs if x.rpc and x.rpc_method is None and x.rpc.get("id") == ident], "the answer")[0].rpc


def state_of_a_question_opens_no_other_call_and_serves_once(case):
    go = threading.Event()

    def calls(r):
        r.stream()
        r.event(request("q", "elicitation/create", **FORM))
        go.wait(DEADLINE)
        r.event(response(r.id, {"done": True}))
        r.end()
    server, p = case.bridge(_legacy(calls))
    result = _ask(p, 1, name="t")["result"]
    back = {"requestState": result["requestState"], "inputResponses": {next(iter(result["inputRequests"])): {"action": "accept"}}}
    case.is_error(_ask(p, 2, name="u", **back), -32602, "over")
    case.is_error(_ask(p, 3, "prompts/get", name="t", **back), -32602, "over")
    p.send(request(4, _meta=META, name="t", **back))
    case.equal(_reply_to(server, "q")["result"], {"action": "accept"}, "the answer to the question")
    case.is_error(_ask(p, 5, name="t", **back), -32602, "over")
    go.set()
    case.check("done" in p.answer(4)["result"], "no result")


def questions_behind_the_first_one_have_a_limit(case):
    def calls(r):
        r.stream()
        for n in range(65):
            r.event(request("q%d" % n, "roots/list"))
        r.wait_gone()
    server, p = case.bridge(_legacy(calls))
    case.equal(_ask(p, 1, name="t")["result"]["resultType"], "input_required", "kind")
    case.check("too many questions" in _reply_to(server, "q64")["error"]["message"], "words")
    case.check(not [r for r in server.requests if r.rpc and r.rpc.get("id") == "q63"], "one too few was kept")


def calls_whose_client_never_comes_back_make_room(case):
    def calls(r):
        r.stream()
        r.event(request("q%d" % r.id, "roots/list"))
        r.wait_gone()
    server, p = case.bridge(_legacy(calls))
    asked = [_ask(p, n, name="t")["result"] for n in range(1, 34)]
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "notifications/cancelled"], "the cancellation")
    case.equal([r.rpc["params"]["requestId"] for r in server.of("notifications/cancelled")], [1], "calls given up")
    back = [{"requestState": a["requestState"], "inputResponses": {next(iter(a["inputRequests"])): {"roots": []}}} for a in asked]
    case.is_error(_ask(p, 101, name="t", **back[0]), -32602, "over")
    p.send(request(102, _meta=META, name="t", **back[1]))
    case.equal(_reply_to(server, "q2")["result"], {"roots": []}, "the answer to the second")


def call_that_ends_while_its_client_is_away_is_delivered_later(case):
    def calls(r):
        r.stream()
        r.event(request("q", "elicitation/create", **FORM))
        r.event(response(r.id, {"done": "without"}))
        r.end()
        ended.set()
    ended = threading.Event()
    _, p = case.bridge(_legacy(calls))
    result = _ask(p, 1, name="t")["result"]
    case.check(ended.wait(60), "the call never ended")
    key = next(iter(result["inputRequests"]))
    last = _ask(p, 2, name="t", requestState=result["requestState"], inputResponses={key: {"action": "accept"}})
    case.equal(last["result"], {"resultType": "complete", "done": "without"}, "result")
    case.equal(p.finish(), 0, "status")


def client_that_turns_to_initialize_leaves_no_call_behind(case):
    """Nobody will come back with an answer: the call ends, and nothing is waited for at the end."""
    gone = threading.Event()

    def call(r):
        r.stream()
        r.event({"jsonrpc": "2.0", "id": 9, "method": "roots/list"})
        r.wait_gone()
        gone.set()
    server, p = case.bridge(_legacy(calls=call))
    p.send(request(1, "tools/call", name="t", _meta=dict(META, **{"io.modelcontextprotocol/clientCapabilities": {"roots": {}}})))
    case.equal(p.answer(1)["result"]["resultType"], "input_required", "kind")
    case.check("result" in p.call(2, "initialize", **INITIALIZE["params"]), "no answer to initialize")
    case.check(gone.wait(60), "the call is still there")
    case.equal(p.finish(), 0, "status")


def question_of_the_get_stream_belongs_to_the_call_under_way(case):
    streams, ready = [], threading.Event()

    def get(r):
        r.stream()
        streams.append(r)
        ready.set()
        r.wait_gone()

    def calls(r):
        case.check(ready.wait(60), "no GET stream")
        streams[0].event(request("q", "roots/list"))
        server.wait(lambda rs: [x for x in rs if x.rpc and x.rpc.get("id") == "q"], "the answer")
        r.answer()
    server, p = case.bridge(_legacy(calls, get))
    result = _ask(p, 1, name="t")["result"]
    key = next(iter(result["inputRequests"]))
    case.equal(_ask(p, 2, name="t", requestState=result["requestState"], inputResponses={key: {"roots": []}})["result"]["ok"], True, "result")


def question_that_nobody_can_be_asked_is_refused_with_the_reason(case):
    streams, ready = [], threading.Event()

    def get(r):
        r.stream()
        streams.append(r)
        ready.set()
        r.wait_gone()
    server, p = case.bridge(_legacy(get=get))
    _ask(p, 0, "server/discover")
    case.check(ready.wait(60), "no GET stream")
    streams[0].event(request("early", "sampling/createMessage", messages=[], maxTokens=1))
    streams[0].event(request("alive", "ping"))
    streams[0].event(request("strange", "x/y"))
    for ident in ("early", "alive", "strange"):
        server.wait(lambda rs, i=ident: [x for x in rs if x.rpc and x.rpc.get("id") == i], "an answer to " + ident)
    told = {x.id: x.rpc for x in server.requests if x.id in ("early", "alive", "strange")}
    case.check("2026-07-28" in told["early"]["error"]["message"], "no reason")
    case.equal(told["alive"]["result"], {}, "ping")
    case.equal(told["strange"]["error"]["code"], -32601, "code")
    case.check(not [line for line in p.lines if b"sampling" in line], "the client was asked")


def question_that_a_request_did_not_declare_is_refused(case):
    def calls(r):
        r.stream()
        r.event(request("q", "sampling/createMessage", messages=[], maxTokens=1))
        server.wait(lambda rs: [x for x in rs if x.rpc and x.rpc.get("id") == "q"], "the answer")
        r.event(response(r.id, {"code": [x for x in server.requests if x.id == "q"][0].rpc["error"]["code"]}))
        r.end()
    server, p = case.bridge(_legacy(calls))
    meta = dict(META, **{PREFIX + "clientCapabilities": {}})
    p.send(request(1, _meta=meta, name="t"))
    case.equal(p.answer(1)["result"]["code"], -32601, "code")


def cancelled_call_is_cancelled_under_the_id_that_the_server_knows(case):
    def calls(r):
        if _name_of(r) == "x":
            return r.answer()
        r.stream()
        r.event(request("q", "roots/list"))
        return r.wait_gone()
    server, p = case.bridge(_legacy(calls))
    result = _ask(p, "first", name="t")["result"]
    key = next(iter(result["inputRequests"]))
    p.send(request("second", _meta=META, name="t", requestState=result["requestState"], inputResponses={key: {"roots": []}}))
    server.wait(lambda rs: [x for x in rs if x.rpc and x.rpc.get("id") == "q"], "the answer")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "second"}})
    server.wait(lambda rs: [x for x in rs if x.rpc_method == "notifications/cancelled"], "the cancellation")
    case.equal(server.of("notifications/cancelled")[0].rpc["params"]["requestId"], "first", "id")
    case.check("result" in _ask(p, 3, name="x"), "no result")


def subscription_is_served_from_the_get_stream(case):
    streams, ready = [], threading.Event()

    def get(r):
        r.stream()
        streams.append(r)
        ready.set()
        r.wait_gone()

    def calls(r):
        if r.rpc_method == "resources/subscribe" and "secret" in r.rpc["params"]["uri"]:
            return _error(r, -32602, "no", 200)
        return r.answer()
    server, p = case.bridge(_legacy(calls, get, capabilities={"tools": {"listChanged": True}, "prompts": {}, "resources": {"subscribe": True}}))
    p.send(request("sub", "subscriptions/listen", _meta=META, notifications={
        "toolsListChanged": True, "promptsListChanged": True, "resourceSubscriptions": ["x://a", "x://secret"]}))
    ack = json.loads(p.wait_line(lambda line: b"acknowledged" in line, "the acknowledgment"))
    case.equal(ack["params"], {"_meta": {PREFIX + "subscriptionId": "sub"}, "notifications": {"toolsListChanged": True, "resourceSubscriptions": ["x://a"]}}, "acknowledged")
    case.check(ready.wait(60), "no GET stream")
    for method, params in (("prompts/list_changed", {}), ("resources/updated", {"uri": "x://other"}), ("resources/updated", {"uri": "x://a"}), ("tools/list_changed", None)):
        streams[0].event(dict({"jsonrpc": "2.0", "method": "notifications/" + method}, **({"params": params} if params is not None else {})))
    p.wait_line(lambda line: b"tools/list_changed" in line, "the change")
    told = [json.loads(line) for line in p.lines if b'"method"' in line][1:]
    case.equal([(m["method"], m["params"]["_meta"][PREFIX + "subscriptionId"]) for m in told],
               [("notifications/resources/updated", "sub"), ("notifications/tools/list_changed", "sub")], "notifications")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "sub"}})
    server.wait(lambda rs: [x for x in rs if x.rpc_method == "resources/unsubscribe"], "the end")
    p.send(request("again", "subscriptions/listen", _meta=META, notifications={"toolsListChanged": True}))
    p.wait_line(lambda line: b'"again"' in line and b"acknowledged" in line, "the acknowledgment")
    case.equal(p.finish(), 0, "status")
    case.equal(p.answer("again")["result"]["_meta"], {PREFIX + "subscriptionId": "again"}, "closing result")


def answers_for_a_subscription_that_is_over_acknowledge_no_other(case):
    gates = {"x://a": threading.Event(), "x://b": threading.Event()}

    def asked(rs, method, uri):
        return [x for x in rs if x.rpc_method == method and x.rpc["params"]["uri"] == uri]

    def calls(r):
        if r.rpc_method != "resources/subscribe":
            return r.answer()
        gates[r.rpc["params"]["uri"]].wait(60)
        return r.answer() if r.rpc["params"]["uri"] == "x://a" else _error(r, -32602, "no", 200)
    server, p = case.bridge(_legacy(calls, capabilities={"tools": {}, "resources": {"subscribe": True}}))
    p.send(request("one", "subscriptions/listen", _meta=META, notifications={"resourceSubscriptions": ["x://a"]}))
    server.wait(lambda rs: asked(rs, "resources/subscribe", "x://a"), "the first")
    p.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "one"}})
    server.wait(lambda rs: asked(rs, "resources/unsubscribe", "x://a"), "its end")
    p.send(request("two", "subscriptions/listen", _meta=META, notifications={"resourceSubscriptions": ["x://b"]}))
    server.wait(lambda rs: asked(rs, "resources/subscribe", "x://b"), "the second")
    gates["x://a"].set()
    _ask(p, 3, "tools/list")
    gates["x://b"].set()
    ack = json.loads(p.wait_line(lambda line: b"acknowledged" in line, "the acknowledgment"))
    case.equal(ack["params"], {"_meta": {PREFIX + "subscriptionId": "two"}, "notifications": {}}, "acknowledged")


def log_messages_come_to_requests_that_ask_for_them(case):
    def calls(r):
        if r.rpc_method == "logging/setLevel":
            return r.answer()
        r.stream()
        for level in ("info", "error"):
            r.event({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": level, "data": r.id}})
        r.event(response(r.id))
        return r.end()
    server, p = case.bridge(_legacy(calls))
    _ask(p, 1, name="t")
    for ident, level in ((2, "warning"), (3, "debug"), (4, "error")):
        p.send(request(ident, _meta=dict(META, **{PREFIX + "logLevel": level}), name="t"))
        p.answer(ident)
    told = [json.loads(line)["params"] for line in p.lines if b"notifications/message" in line]
    case.equal([(m["data"], m["level"]) for m in told], [(2, "error"), (3, "info"), (3, "error"), (4, "error")], "messages")
    case.equal([r.rpc["params"]["level"] for r in server.of("logging/setLevel")], ["warning", "debug"], "levels")


def session_that_is_lost_is_opened_again(case):
    handler = _legacy(capabilities={"resources": {"subscribe": True}})
    server, p = case.bridge(handler)
    p.send(request("sub", "subscriptions/listen", _meta=META, notifications={"resourceSubscriptions": ["x://a"]}))
    p.wait_line(lambda line: b"acknowledged" in line, "the acknowledgment")
    _ask(p, 1, name="t")
    handler.known.clear()
    fresh = _legacy(session="s2", capabilities={"resources": {"subscribe": True}})
    server.handler = lambda r: handler(r) if r.headers.get("mcp-session-id") == "s1" else fresh(r)
    case.equal(_ask(p, 2, name="t")["result"]["ok"], True, "result")
    server.wait(lambda rs: len([r for r in rs if r.rpc_method == "resources/subscribe"]) == 2, "the subscription once more")
    case.equal(len([line for line in p.lines if b"acknowledged" in line]), 1, "acknowledgments")


# ---- what is known, and what is said


def direct_peers_cost_nothing_more(case):
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete", "tools": []})))
    for n in range(3):
        _ask(p, n, "tools/list")
    case.equal([r.rpc_method for r in server.requests], ["tools/list"] * 3, "requests")
    server, p = case.bridge()
    p.handshake()
    p.call(1)
    case.equal([r.rpc_method for r in server.requests if r.method == "POST"], ["initialize", "notifications/initialized", "tools/call"], "requests")


def late_refusal_of_a_probe_leaves_the_session_of_the_client_alone(case):
    """It went on to initialize without waiting; the refusal comes while that is pending, or after it."""
    for early in (True, False):
        refused, pending = threading.Event(), threading.Event()

        def get(r):
            r.stream()
            r.event({"jsonrpc": "2.0", "id": 5, "method": "roots/list"})
            r.wait_gone()

        def handler(r, legacy=_legacy(get=get), early=early, refused=refused, pending=pending):
            if r.rpc_method == "server/discover":
                (pending if early else refused).wait(60)
                _error(r, -32000, "Bad Request: Server not initialized")
                return
            if r.rpc_method == "initialize" and early:
                pending.set()
                refused.wait(60)
            legacy(r)
        server, p = case.bridge(handler)
        p.send(request("probe", "server/discover", _meta=META))
        server.wait(lambda rs: [r for r in rs if r.rpc_method == "server/discover"], "the probe")
        p.send(dict(INITIALIZE, id=0))
        if early:
            case.is_error(p.answer("probe"), -32000)
            refused.set()
        case.check("result" in p.answer(0), "no answer to initialize")
        p.send(INITIALIZED)
        p.wait_line(lambda line: b"roots/list" in line, "the question on the GET stream")
        refused.set()
        case.is_error(p.answer("probe"), -32000)
        p.send(response(5, {"roots": []}))
        case.check("result" in p.call(1, name="t"), "no result")
        case.equal(len(server.of("initialize")), 1, "sessions")


def server_that_changes_its_era_is_followed(case):
    """It is restarted as another version, in front of clients of both eras."""
    def strict(r):
        if r.method == "POST" and r.rpc_method != "initialize" and "mcp-method" not in r.headers:
            return _error(r, *wants[-1])
        return _modern(case, lambda q: _complete(q, by="modern"))(r)
    wants = [(-32602, "Invalid params: _meta lacks %sprotocolVersion" % PREFIX), (-32020, "Header mismatch: Mcp-Method is missing")]
    servers = {"modern": strict, "legacy": _legacy(lambda r: r.json(response(r.id, {"by": "legacy"})))}

    def by(p, client, ident):
        return (p.call(ident, name="t") if client == "legacy" else _ask(p, ident, name="t"))["result"]["by"]
    for client in ("legacy", "modern"):
        for order in (("modern", "legacy", "modern"), ("legacy", "modern", "legacy")):
            now = []
            server, p = case.bridge(lambda r, now=now: servers[now[-1]](r))
            for n, era in enumerate(order):
                now.append(era)
                if not n:
                    _legacy_hello(p) if client == "legacy" else _ask(p, 100, "server/discover")
                wants.reverse()
                case.equal([by(p, client, 2 * n + k) for k in (1, 2)], [era] * 2, "answers by %s to a %s client" % (order[:n + 1], client))
            case.equal(p.finish(), 0, "status")
            case.equal(len(server.of("tools/call")), 6 + 2, "number of calls")


def what_a_client_has_set_moves_with_the_era_of_the_server(case):
    """The log level and the resources that it watches, there and back."""
    def strict(r):
        if r.method == "POST" and r.rpc_method != "initialize" and "mcp-method" not in r.headers:
            return _error(r, -32020, "Header mismatch: Mcp-Method is missing")
        return modern(r)

    def listen(r):
        r.stream()
        r.event({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {
            "_meta": {PREFIX + "subscriptionId": r.id}, "notifications": r.rpc["params"]["notifications"]}})
        r.wait_gone()

    def count(method, value):
        return lambda rs: len([r for r in rs if r.rpc_method == method and value in json.dumps(r.rpc["params"])]) >= seen[method] + 1
    modern, legacy, seen = _modern(case, listen=listen), _legacy(), {"resources/subscribe": 1, "logging/setLevel": 1, "subscriptions/listen": 0}
    now = [legacy]
    server, p = case.bridge(lambda r: now[-1](r))
    _legacy_hello(p)
    p.call(1, "logging/setLevel", level="warning")
    p.call(2, "resources/subscribe", uri="x:a")
    now.append(strict)
    p.call(3, name="t")
    server.wait(count("subscriptions/listen", '"x:a"'), "the subscription")
    case.equal([r for r in server.of("tools/call")][-1].rpc["params"]["_meta"][PREFIX + "logLevel"], "warning", "level")
    now.append(legacy)
    p.call(4, name="t")
    server.wait(count("logging/setLevel", "warning"), "the level")
    server.wait(count("resources/subscribe", "x:a"), "the resource")
    case.equal(p.finish(), 0, "status")


def batch_that_waits_while_the_server_changes_its_era_is_answered(case):
    """It is queued while a lost session is opened again, and whoever stands there by now knows no batches."""
    reopening, queued = threading.Event(), threading.Event()
    modern = _modern(case, lambda r: _complete(r, by=_name_of(r)))

    def turned(r):
        if r.rpc_method == "initialize":
            reopening.set()
            queued.wait(DEADLINE)
        if "mcp-session-id" in r.headers:
            r.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32001, "message": "Session not found"}}, 404)
        else:
            modern(r)
    now = [_legacy(version="2025-03-26")]
    server, p = case.bridge(lambda r: now[-1](r))
    _legacy_hello(p, "2025-03-26")
    case.check("result" in p.call(1, name="t"), "no result")
    now.append(turned)
    p.send(request(2, name="second"))
    reopening.wait(DEADLINE)
    p.send([request(3, name="third"), {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}},
            request(4, name="fourth"), request(5, name="fifth")], request(6, name="sixth"),
           {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 4}}, {"jsonrpc": "2.0", "id": 7, "method": "initialize"}, "not JSON")
    p.wait_line(lambda line: b"-32700" in line, "the answer to the last line: all before it were read")
    queued.set()
    for ident, name in ((2, "second"), (3, "third"), (6, "sixth")):
        case.equal(p.answer(ident)["result"].get("by"), name, "the answer to %d" % ident)
    p.answer(7)
    case.equal(p.finish(), 0, "status")
    case.equal(sorted(m["id"] for m in p.messages() if "method" not in m and m["id"] is not None), [0, 1, 2, 3, 6, 7], "ids that were answered")


def server_that_changes_its_era_between_a_question_and_its_answer_answers_the_call(case):
    """The rounds of a call have ids of their own; what a server of sessions gets again has the client's."""
    def ask(r):
        r.json(response(r.id, {"resultType": "input_required", "inputRequests": {"q": {"method": "roots/list"}}}))
    now = [_modern(case, ask)]
    server, p = case.bridge(lambda r: now[-1](r))
    _legacy_hello(p)
    p.send(request("mine", "tools/call", name="t"))
    question = json.loads(p.wait_line(lambda line: b'"roots/list"' in line, "the question"))
    now.append(_legacy(lambda r: r.json(response(r.id, {"by": "legacy"}))))
    p.send(response(question["id"], {"roots": []}))
    case.equal(p.answer("mine")["result"], {"by": "legacy"}, "result")
    case.equal([r.id for r in server.of("tools/call")][-1], "mine", "id of the last try")
    case.equal(p.finish(), 0, "status")


def server_that_changes_its_era_under_a_client_of_both_is_survived(case):
    """The client has gone on to initialize while its modern call is under way; that is refused by a new version."""
    refuse = threading.Event()

    def call(r):
        if r.id != 1:
            return r.answer()
        refuse.wait(60)
        _error(r, -32020, "Header mismatch: Mcp-Method is missing")
    server, p = case.bridge(_legacy(calls=call))
    _ask(p, 0, name="t")
    p.send(request(1, "tools/call", name="t", _meta=META))
    server.wait(lambda rs: [r for r in rs if r.rpc_method == "tools/call" and r.id == 1], "the call")
    case.check("result" in p.call(2, "initialize", **INITIALIZE["params"]), "no answer to initialize")
    refuse.set()
    p.answer(1)
    p.call(3, "ping")
    case.equal(p.finish(), 0, "status")


def refusal_by_a_modern_server_is_no_change_of_its_era(case):
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete"})) if r.id == 1
                            else _error(r, -32602, "Unknown session ID; initialize the replay first"))
    _ask(p, 1, name="t")
    case.is_error(_ask(p, 2, name="t"), -32602)
    case.equal(len(server.requests), 2, "requests")


def protocol_option_settles_the_era(case):
    server, p = case.bridge(_modern(case), "--protocol", "modern")
    _legacy_hello(p)
    case.equal([r.rpc_method for r in server.requests], ["server/discover"], "requests")
    server, p = case.bridge(_legacy(), "--protocol=legacy")
    _ask(p, 1, "server/discover")
    case.equal(server.requests[0].rpc_method, "initialize", "first request")
    server, p = case.bridge(_modern(case), "--protocol=legacy")
    case.is_error(_legacy_hello(p), -32020)
    case.equal(len(server.of("server/discover")), 0, "requests")
    p = case.start(server.url, "--protocol", "future")
    p.send(request(1, "ping"))
    case.is_error(p.answer(1), -31000, "auto, legacy or modern")
    case.equal(p.wait(), 2, "status")


def commands_work_in_front_of_a_modern_server(case):
    tools = [{"name": "t", "description": "does it", "inputSchema": {"type": "object"}}]
    server = case.server(_modern(case, lambda r: _complete(r, tools=tools) if r.rpc_method == "tools/list" else _complete(r, content=[], structuredContent={"a": 1})))
    p = case.start("tools", server.url)
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.check(b"does it" in p.lines[0], "list")
    p = case.start("call", server.url, "t", "{}")
    p.end_input()
    case.equal(p.wait(), 0, "status")
    case.equal(json.loads(b"".join(p.lines)), {"a": 1}, "result")


def read_only_holds_between_the_eras(case):
    tools = [{"name": n, "inputSchema": {"type": "object"}} for n in ("Get-Projects", "Delete-Tag")]
    server, p = case.bridge(_modern(case, lambda r: _complete(r, tools=tools) if r.rpc_method == "tools/list" else _complete(r)), "--read-only")
    _legacy_hello(p)
    case.equal([t["name"] for t in p.call(1, "tools/list")["result"]["tools"]], ["Get-Projects"], "tools")
    case.is_error(p.call(2, name="Delete-Tag"), -31600)
    server, p = case.bridge(_legacy(lambda r: r.json(response(r.id, {"tools": tools}))), "--read-only")
    case.equal([t["name"] for t in _ask(p, 1, "tools/list")["result"]["tools"]], ["Get-Projects"], "tools")
    case.is_error(_ask(p, 2, name="Delete-Tag"), -31600)
    case.check(not server.of("tools/call"), "the call was sent")
