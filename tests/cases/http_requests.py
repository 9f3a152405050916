"""What requests look like on the wire, and the way that they take."""

import os
import struct
import subprocess

from harness import INITIALIZE, INITIALIZED, PROGRAM, ROOT, WRAP, Skipped, request, response


def _agent(case):
    return "mpmcp/" + subprocess.run([*WRAP, PROGRAM, "--version"], capture_output=True, text=True, env=case.env()).stdout.split()[1]


def _fields(case, *args):
    server, p = case.bridge(lambda r: r.answer(), *args)
    p.handshake()
    return server.requests[0]


def common_fields_are_sent_once(case):
    r = _fields(case)
    case.check(r.headers["user-agent"].startswith("mpmcp/"), "user agent")
    case.check("gzip" in r.headers["accept-encoding"], "encodings")
    case.equal(len(r.names), len(set(r.names)), "fields that are there twice in %r" % r.names)


def client_is_named_to_the_server_from_its_first_request_on(case):
    """The service's audit log shows it. Nothing that is no token gets into the field."""
    program = _agent(case)
    for info, want in (({"name": "codex-mcp-client", "version": "0.169.0"}, " (codex-mcp-client/0.169.0)"),
                       ({"name": "Visual Studio Code", "version": "1.2 (x)"}, " (Visual-Studio-Code/1.2-x)"),
                       ({"name": "a\r\nX-Evil: 1", "version": 7}, " (a-X-Evil-1)"),
                       ({"name": "n" * 500, "version": "v" * 5000}, " (%s)" % ("n" * 64)),
                       ({"name": "\u540d\u524d", "version": "1"}, ""), ({"version": "1"}, ""), (None, "")):
        server, p = case.bridge()
        p.send({**INITIALIZE, "params": {**INITIALIZE["params"], "clientInfo": info}})
        p.answer(0)
        p.send(INITIALIZED)
        p.call(1, "tools/list")
        server.wait(lambda _: server.of(method="GET"), "the request for the stream")
        case.equal({r.headers["user-agent"] for r in server.requests}, {program + want}, "User-Agent")
        case.equal({r.count("user-agent") for r in server.requests}, {1}, "fields")


def modern_client_is_named_from_its_first_request_on(case):
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "claude-code", "version": "2.1"}}
    server, p = case.bridge(lambda r: r.json(response(r.id, {"resultType": "complete", "supportedVersions": ["2026-07-28"]})))
    p.call(1, "server/discover", _meta=meta)
    p.call(2, "tools/list", _meta={k: v for k, v in meta.items() if not k.endswith("clientInfo")})
    case.equal([r.headers["user-agent"] for r in server.requests], [_agent(case) + " (claude-code/2.1)"] * 2, "User-Agent")


def own_fields_replace_common_ones(case):
    for given, other in ("User-Agent: me", "accept-encoding"), ("accept-encoding: identity", "user-agent"):
        name, value = given.lower().split(": ")
        r = _fields(case, "--header", given)
        case.equal([r.headers[name], r.names.count(name), r.names.count(other)], [value, 1, 1], given)
    r = _fields(case, "--header", "User-Agent: me", "--header", "Accept-Encoding: identity")
    case.equal([r.names.count("user-agent"), r.names.count("accept-encoding")], [1, 1], "both")


def large_bodies_are_sent_without_asking(case):
    server, p = case.bridge()
    p.handshake()
    p.send(request(1, arguments="x" * (3 << 20)))
    p.answer(1)
    r = [r for r in server.requests if r.id == 1][0]
    case.check("expect" not in r.names, "asks for leave to send")


def the_way_to_the_endpoint_is_kept_byte_for_byte(case):
    server = case.server()
    p = case.start(server.url + "/../a//b/./%2e%2E/c?x=%20&y=/../z")
    p.send(request(1, "initialize", protocolVersion="2025-06-18"))
    p.answer(1)
    case.equal(server.requests[0].path, "/mcp/../a//b/./%2e%2E/c?x=%20&y=/../z", "path")


def a_proxy_is_used_when_a_variable_names_it(case):
    server = case.server()
    p = case.start("http://mcp.example.com/mcp", "--allow-http", "--header", "Authorization: Bearer of-no-value", token=None,
                   env={"http_proxy": "http://127.0.0.1:%d" % server.port})
    p.send(request(1, "initialize", protocolVersion="2025-06-18"))
    case.check("result" in p.answer(1), "no answer through the proxy")
    case.equal(server.requests[0].path, "http://mcp.example.com/mcp", "what the proxy is asked for")


def no_proxy_keeps_hosts_from_it(case):
    server = case.server()
    for none in "mcp.example.invalid", "*":
        p = case.start("http://mcp.example.invalid/mcp", "--allow-http", "--header", "Authorization: Bearer of-no-value", token=None,
                       env={"http_proxy": "http://127.0.0.1:%d" % server.port, "no_proxy": none})
        p.send(request(1, "initialize", protocolVersion="2025-06-18"))
        case.is_error(p.answer(1), -31503, "mcp.example.invalid")
    case.equal(len(server.requests), 0, "requests that the proxy saw")


def this_machine_is_reached_without_the_proxy(case):
    server, p = case.bridge(env={"http_proxy": "http://127.0.0.1:1", "all_proxy": "http://127.0.0.1:1"})
    p.handshake()
    case.equal(server.requests[0].path, "/mcp", "path")


# ---- connections


def _with_a_stream(r):
    if r.method == "GET":
        r.stream()
        r.wait_gone()
    else:
        r.answer()


def get_stream_has_a_connection_of_its_own(case):
    """Whenever the client asks, the warm connection is free for it: to open another one costs three round trips."""
    for together in True, False:
        server, p = case.bridge(_with_a_stream)
        p.send(INITIALIZE)
        p.answer(0)
        p.send(INITIALIZED, *[request(1, "tools/list")] * together)
        get = server.wait(lambda _: server.of(method="GET"), "the request for the stream")[0]
        if not together:
            p.send(request(1, "tools/list"))
        p.answer(1)
        p.call(2)
        posts = [r for r in server.requests if r.method == "POST"]
        case.equal([r.rpc_method for r in posts], ["initialize", "notifications/initialized", "tools/list", "tools/call"], "requests")
        case.equal(len({id(r.conn) for r in posts}), 1, "connections for what the client asks")
        case.check(get.conn is not posts[0].conn, "the stream took the client's connection")
        case.equal(server.connections, 2, "connections")


def get_stream_that_ends_in_order_is_opened_again_where_it_was(case):
    """A server that lets its clients poll collects no connections."""
    def handler(r):
        if r.method == "GET":
            r.stream()
            r.chunk("retry: 0\n\n")
            if len(server.of(method="GET")) < 3:
                r.end()
            else:
                r.wait_gone()
        else:
            r.answer()
    server = case.server(handler)
    p = case.start(server.url)
    p.handshake()
    server.wait(lambda _: len(server.of(method="GET")) == 3, "the third stream")
    p.call(1)
    case.equal(server.connections, 2, "connections")


def _allocations(case):
    """The environment of a program whose allocations are counted, and a function that tells how many there were."""
    if "asan" in PROGRAM:
        raise Skipped("AddressSanitizer lets no other library come first")
    with open(PROGRAM, "rb") as program:
        if b"libcurl.so" not in program.read():
            raise Skipped("libcurl is a part of this program, and its allocations are as well")
    library, counts = os.path.join(case.folder, "allocations.so"), case.file("counts", bytes(8 * 1025))
    made = subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(ROOT, "tests/lib/allocations.c")], capture_output=True)
    if made.returncode:
        raise Skipped("no C compiler builds what counts allocations")
    case.theirs.update((library, counts))

    def count():
        with open(counts, "rb") as file:
            n = struct.unpack("Q", file.read(8))[0]
        if not n:
            raise Skipped("the program takes no preloaded library")
        return n
    return {"LD_PRELOAD": library, "ALLOCATIONS_FILE": counts}, count


def small_calls_allocate_nothing(case):
    """Once the first ones have been through; what libcurl allocates for them is its own business. Now and then the count of requests is
    written, so it is the best of a few rounds."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    for stream, modern in ((False, False), (True, False), (False, True)):
        env, count = _allocations(case)

        def handle(r, stream=stream, modern=modern):
            fields = {} if modern else {"Mcp-Session-Id": "one"}
            if r.method == "GET":
                r.reply(405)
            elif stream and r.rpc_method == "tools/call":
                r.stream(fields)
                r.event(response(r.id, {"content": []}))
                r.end()
            elif r.id is None:
                r.reply(202, headers=fields)
            else:
                r.answer(headers=fields)
        server, p = case.bridge(handle, env=env)
        if not modern:
            p.handshake()
        ident, rounds = 0, []
        for _ in range(6):
            before = count() if ident else 0
            for ident in range(ident + 1, ident + 21):
                p.call(ident, **({"_meta": meta} if modern else {}))
            rounds.append(count() - before)
        case.equal("mcp-method" in server.requests[-1].headers, modern, "fields of 2026-07-28")
        case.equal(min(rounds), 0, "fewest allocations of 20 calls, of %r" % rounds)
        p.process.stdin.close()
        p.wait()
