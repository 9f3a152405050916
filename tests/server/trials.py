"""The tools of --test-tools: everything that a server may do to a client, one tool each. For both eras."""

import json
import time

from call import LEVELS
from jsonrpc import RpcError, result
from tools import text_result

TOOLS = {}  # name -> (function, inputSchema without the object around it, description)


def tool(name, text, **properties):
    def keep(function):
        TOOLS[name] = (function, properties, text)
        return function
    return keep


INT, STR, BOOL = {"type": "integer"}, {"type": "string"}, {"type": "boolean"}


# ---- questions

FORM = {"type": "object", "properties": {"name": {"type": "string", "title": "Name"}, "cups": {"type": "integer", "minimum": 0}},
        "required": ["name"]}
QUESTIONS = {
    "elicitation": ("elicitation/create", {"message": "Whose coffee is it?", "requestedSchema": FORM}),
    "url": ("elicitation/create", {"mode": "url", "message": "Please pay for it", "url": "https://pay.example/?cup=1",
                                   "elicitationId": "pay-1"}),
    "sampling": ("sampling/createMessage", {"messages": [{"role": "user", "content": {"type": "text", "text": "Name a coffee."}}],
                                            "maxTokens": 20}),
    "sampling-tools": ("sampling/createMessage", {"messages": [{"role": "user", "content": {"type": "text", "text": "Brew."}}],
                                                  "maxTokens": 20, "tools": [{"name": "brew", "inputSchema": {"type": "object"}}]}),
    "roots": ("roots/list", None),
}


def questions(call, kinds, n):
    out = {}
    for kind in kinds:
        method, params = QUESTIONS[kind]
        if kind == "url" and call.era == "modern":
            params = {k: v for k, v in params.items() if k != "elicitationId"}  # gone in this revision
        out["%s-%d" % (kind, n)] = (method, params)
    return out


@tool("test-ask", "Asks the client, in as many rounds, each time all kinds at once; no kinds: rounds with nothing but a state.",
      kinds={"type": "array", "items": {"enum": list(QUESTIONS)}}, rounds=INT, via={"enum": ["post", "get"]}, state=BOOL)
def ask(call, arguments):
    answers = []
    for n in range(arguments.get("rounds", 1)):
        asks = questions(call, arguments.get("kinds", ["elicitation"]), n)
        answers.append(call.ask(asks, arguments.get("via", "post"), arguments.get("state", True)))
    return text_result({"rounds": answers})


# ---- notifications


@tool("test-progress", "Reports progress in so many steps.", steps=INT)
def progress(call, arguments):
    steps = arguments.get("steps", 3)
    for n in range(steps):
        call.progress(n + 0.5, steps, "step %d" % n)
    return text_result({"steps": steps})


@tool("test-log", "Logs a line of every level.")
def log(call, arguments):
    for level in LEVELS:
        call.log(level, {"said": level})
    return text_result({"least": call.level()})


@tool("test-updated", "Says that a resource has changed.", uri=STR)
def updated(call, arguments):
    return text_result({"told": call.sandbox.hub.updated(arguments["uri"])})


@tool("test-changed", "Says that a list has changed.", what={"enum": ["tools", "prompts", "resources"]})
def changed(call, arguments):
    return text_result({"told": call.sandbox.hub.changed(arguments.get("what", "tools"))})


# ---- time


@tool("test-wait", "Waits for /_sandbox/release, or so many milliseconds.", ms=INT)
def wait(call, arguments):
    ms = arguments.get("ms")
    begun = time.monotonic()
    released = call.wait(None if ms is None else ms / 1000)
    return text_result({"released": released, "ms": int((time.monotonic() - begun) * 1000)})


@tool("test-break", "Breaks the connection off; the answer is for those who resume the stream.", after=INT)
def break_off(call, arguments):
    for n in range(arguments.get("after", 0)):
        call.progress(n + 1)
    call.reply.break_off()
    call.progress(1000)
    return text_result({"resumed": True})


# ---- answers


@tool("test-echo", "Gives back the body of the request, and its headers, as they came.", value={})
def echo(call, arguments):
    handler = call.handler
    headers = {n: v for n, v in handler.headers.pairs if n.startswith("mcp-") and n != "mcp-session-id"}
    return text_result({"body": handler.raw.decode("utf-8"), "headers": headers})


@tool("test-big", "A text of so many bytes; lines: printed over many lines.", bytes=INT, lines=BOOL)
def big(call, arguments):
    text = b"x" * arguments.get("bytes", 1 << 20)
    if arguments.get("lines"):
        return b'{\n  "content": [\n    {\n      "type": "text",\n      "text": "' + text + b'"\n    }\n  ]\n}'
    return b'{"content":[{"type":"text","text":"' + text + b'"}]}'


ODD = (b'{"structuredContent":{"z":12345678901234567890123,"a":1e400,"neg":-0.0,"one":1.0,"small":1E-7,"twice":1,"twice":2,'
       b'"escapes":"\\u0000\\/\\ud83d\\ude00\\u00e9 \xc3\xa9 \xe2\x80\xa8 \\u2028 \\ud800","":{"":[]}},'
       b'"content":[{"type":"text","text":"odd"}]}')


@tool("test-odd", "Numbers and escapes that do not survive a parser: " + str(len(ODD)) + " bytes, always the same.")
def odd(call, arguments):
    return ODD


@tool("test-content", "Every kind of content.")
def content(call, arguments):
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    uri = "mixpanel://query/q-7f3a"
    return {"content": [{"type": "text", "text": "all kinds", "annotations": {"audience": ["user"], "priority": 0.5}},
                        {"type": "image", "data": pixel, "mimeType": "image/png"},
                        {"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"},
                        {"type": "resource_link", "uri": uri, "name": "Orders by day"},
                        {"type": "resource", "resource": {"uri": uri, "mimeType": "application/json", "text": "{}"}}],
            "_meta": {"com.example/kept": True}}


@tool("test-error", "A JSON-RPC error of this code, with this HTTP status.", code=INT, message=STR, data={}, status=INT)
def error(call, arguments):
    raise RpcError(arguments.get("code", -32603), arguments.get("message", "Internal error"), arguments.get("data"),
                   arguments.get("status", 200))


@tool("test-later-type", "A result of a type that nobody knows yet.")
def later_type(call, arguments):
    return {"resultType": "com.example/later", "content": [], "handle": "h-1"}


@tool("test-twice", "The same answer twice; before it one to an id that nobody used.")
def twice(call, arguments):
    answer = text_result({"twice": True})
    complete = dict(answer, resultType="complete") if call.era == "modern" else answer
    call.reply.emit(result("nobody-asked", complete))
    call.reply.emit(result(call.id, complete))
    return answer


# ---- definitions


@tool("test-header", "Mirrors its arguments into headers.")
def header(call, arguments):
    return echo(call, arguments)


def header_schema(options):
    return {"region": {"type": "string", "x-mcp-header": options.param_header}, "count": {"type": "integer", "x-mcp-header": "Count"},
            "dry": {"type": "boolean", "x-mcp-header": "Dry-Run"}, "plain": STR,
            "place": {"type": "object", "properties": {"city": {"type": "string", "x-mcp-header": "City"}}}}


# Definitions that a client of 2026-07-28 leaves out, with the reason in the name.
BAD_HEADERS = {
    "empty": {"a": {"type": "string", "x-mcp-header": ""}},
    "blank": {"a": {"type": "string", "x-mcp-header": "My Header"}},
    "line-break": {"a": {"type": "string", "x-mcp-header": "A\r\nX-Injected: 1"}},
    "not-ascii": {"a": {"type": "string", "x-mcp-header": "Größe"}},
    "not-a-string": {"a": {"type": "string", "x-mcp-header": 7}},
    "twice": {"a": {"type": "string", "x-mcp-header": "Same"}, "b": {"type": "string", "x-mcp-header": "sAME"}},
    "number": {"a": {"type": "number", "x-mcp-header": "A"}},
    "object": {"a": {"type": "object", "x-mcp-header": "A"}},
    "in-items": {"a": {"type": "array", "items": {"type": "string", "x-mcp-header": "A"}}},
    "in-any-of": {"a": {"anyOf": [{"type": "string", "x-mcp-header": "A"}, {"type": "null"}]}},
    "below-items": {"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string", "x-mcp-header": "B"}}}}},
    "in-definitions": {"a": {"$ref": "#/$defs/x", "$defs": {"x": {"type": "string", "x-mcp-header": "A"}}}},
}
# Names that need encoding in a header.
ODD_NAMES = ["test-größe", " test blanks at the ends ", "=?base64?dGVzdA==?=", "test-\"quotes\\", "test\nline"]


def definitions(sandbox):
    out = [definition(name, text, properties) for name, (_, properties, text) in TOOLS.items() if name != "test-header"]
    out.append(definition("test-header", TOOLS["test-header"][2], header_schema(sandbox.options)))
    out += [definition("test-bad-header-" + why, "Not to be listed by clients of 2026-07-28.", p) for why, p in BAD_HEADERS.items()]
    return out + [definition(name, "A name that is no header value.", {"value": {}}) for name in ODD_NAMES]


def definition(name, text, properties):
    return {"name": name, "description": text, "inputSchema": {"type": "object", "properties": properties},
            "annotations": {"readOnlyHint": True}}


def find(name):
    """The function of a tool, or None."""
    if name in ODD_NAMES or name.startswith("test-bad-header-"):
        return echo
    return TOOLS[name][0] if name in TOOLS else None


# ---- a prompt and a resource that ask

PROMPTS = [{"name": "test-ask", "description": "Asks before it answers"}]
RESOURCES = [{"uri": "test://ask", "name": "Asks before it can be read", "mimeType": "text/plain"}]
PROMPT_NAMES, RESOURCE_URIS = ["test-ask"], ["test://ask"]


def asked(call):
    return json.dumps(call.ask(questions(call, ["elicitation"], 0)))


def prompt(call):
    return {"messages": [{"role": "user", "content": {"type": "text", "text": asked(call)}}]}


def read(call, uri):
    return {"contents": [{"uri": uri, "mimeType": "text/plain", "text": asked(call)}]}
