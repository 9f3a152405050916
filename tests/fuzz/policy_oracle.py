#!/usr/bin/env python3
"""The rules of lib/mcp/policy/policy.h once more, slowly and over the parsed message.

Started alone it judges what tests/fuzz/fuzz_policy.c sends: an input and what
came of it; an empty answer means that both agree. As a module: judge(), and
episodes() for inputs of its own.
"""

import json
import os
import random
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))

# The same rows as in fuzz_policy.c.
ONLY = ["Get-*", "@boards", "*", "?un-Query", "[A-G]*", "x\\*y", "@replays", ""]
PROJECTS = ["11", "12"]
IGNORE = ["delete*", "*-flag*", "GET-PROJECTS", "*?"]

KNOWN = ["initialize", "ping", "server/discover", "subscriptions/listen", "tools/list", "resources/list",
            "resources/templates/list", "resources/read", "resources/subscribe", "resources/unsubscribe", "prompts/list",
            "prompts/get", "completion/complete", "logging/setLevel", "tasks/get", "tasks/list", "tasks/result", "tasks/update", "tasks/cancel"]
NOTICES = ["notifications/initialized", "notifications/cancelled", "notifications/progress", "notifications/roots/list_changed",
           "notifications/tasks/status"]

NAME_MAX = 512


def _catalog():
    with open(os.path.join(HERE, "../../lib/mcp/policy/mixpanel_tools.c")) as f:
        rows = re.findall(r'\{ "([^"]+)", MIXPANEL_TOOLS_(\w+), "(\w+)", MIXPANEL_TOOLS_(\w+) \}', f.read())
    return {name: (what, group, reach) for name, what, group, reach in rows}


CATALOG = _catalog()


class Object(list):
    """An object as the list of its members, as they stand."""

    def all(self, key):
        return [v for k, v in self if k == key]


def parse(text):
    return json.loads(text.decode("utf-8"), object_pairs_hook=Object, parse_float=str, parse_int=str)


def glob(rule, name):
    """fnmatch(3) on bytes: *, ?, [a-b], and backslash."""
    if not rule:
        return not name
    if rule[0] == "*":
        return any(glob(rule[1:], name[i:]) for i in range(len(name) + 1))
    if not name:
        return False
    if rule[0] == "[":
        low, high = rule[1], rule[3]
        return low <= name[0] <= high and glob(rule[5:], name[1:])
    if rule[0] == "\\":
        return rule[1] == name[0] and glob(rule[2:], name[1:])
    return (rule[0] == "?" or rule[0] == name[0]) and glob(rule[1:], name[1:])


def as_bytes(text):
    """The text as one character for each byte of its UTF-8; lone surrogates are replaced."""
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text).encode().decode("latin-1")


def low(text):
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def alike(object, *names):
    """Has it a member that is called like this only for those who read names in any case?"""
    return any(k not in names and low(k.replace("\u017f", "s")) in names for k, _ in object)


def zero_key(value):
    """Has any object in it, at whatever depth, a key with U+0000?"""
    if isinstance(value, Object):
        return any("\0" in k or zero_key(v) for k, v in value)
    return isinstance(value, list) and any(zero_key(v) for v in value)


UNSURE = "unsure"  # either verdict is right


def both(verdicts):
    """False when one is, else UNSURE when one is, else True."""
    result = True
    for v in verdicts:
        if v is False:
            return False
        result = UNSURE if v == UNSURE else result
    return result


class Projects:
    """The rules of lib/mcp/policy/projects.h for one message."""

    def __init__(self, raw):
        # Whether the digits of a string were escaped cannot be seen any more.
        self.escaped = b"\\u003" in raw
        self.workspace = self.organization = False

    @staticmethod
    def kind(key):
        key = "".join(c for c in low(key) if c not in "_-. ")
        if "projectid" in key or key in ("project", "projects"):
            return "project"
        if "workspaceid" in key or key in ("workspace", "workspaces"):
            return "workspace"
        if "organizationid" in key or "organisationid" in key or key in (
                "organization", "organizations", "organisation", "organisations", "org", "orgs", "orgid", "orgids"):
            return "organization"

    def id(self, v):
        if not isinstance(v, str) or v not in PROJECTS:
            return False
        return UNSURE if self.escaped and not isinstance(v, Number) else True

    def value(self, v):
        if v is None:
            return True
        if isinstance(v, list) and not isinstance(v, Object):
            return both(self.id(x) for x in v) if v else False
        return self.id(v)

    def member(self, key, v, level=0):
        kind = self.kind(key)
        if "\0" in key:
            return False
        if kind in ("workspace", "organization") and v is not None:
            setattr(self, kind, True)
        return both([self.value(v) if kind == "project" else True, self.scan(v, level)])

    def scan(self, v, level=0):
        if isinstance(v, Object):
            return both([self.member(k, x, level) for k, x in v])
        if isinstance(v, list):
            return both([self.scan(x, level) for x in v])
        if isinstance(v, Number) or not isinstance(v, str) or v.lstrip(" \t\r\n")[:1] not in ("{", "[", '"'):
            return True
        if level == 4:
            return False
        try:
            inside = json.loads("".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in v), object_pairs_hook=Object, parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)
        except ValueError:
            return UNSURE
        return self.scan(inside, level + 1)

    def params(self, params):
        if isinstance(params, Object):
            return both([self.member(k, v) for k, v in params if k != "_meta"])
        return self.scan(params)

    def call(self, tool, params):
        reach = CATALOG.get(tool, (None, None, "PROJECT"))[2]
        arguments = params.all("arguments")
        verdict = self.params(params)
        if alike(params, "arguments") or reach == "ORGANIZATION" or len(arguments) > 1:
            return False
        if arguments and arguments[0] is not None and not isinstance(arguments[0], Object):
            return False
        given = arguments[0] if arguments and arguments[0] is not None else Object()
        one, many = given.all("project_id"), given.all("project_ids")
        named = one[0] is not None if len(one) == 1 else not one and len(many) == 1 and many[0] is not None
        none = reach == "NO_PROJECT"
        if (self.organization and not none) or ((not none or self.workspace) and not named):
            return False
        return verdict

    def request(self, method, params):
        if method in ("resources/read", "resources/subscribe"):
            uris = params.all("uri") if isinstance(params, Object) else []
            if not uris or not isinstance(uris[-1], str) or isinstance(uris[-1], Number) or not uris[-1].startswith("ui://"):
                return False
        if method in ("prompts/get", "completion/complete", "resources/read", "resources/subscribe", "tasks/update"):
            return self.params(params)
        return True


class Policy:
    def __init__(self, read_only, only, ignore, projects):
        self.read_only, self.only, self.ignore, self.projects = read_only, only, ignore, projects
        self.allowed = set()
        self.rules = bool(read_only or only or ignore or projects)

    @staticmethod
    def name(tool):
        """The name if it is sure, else None."""
        names = tool.all("name") if isinstance(tool, Object) else []
        if len(names) != 1 or not isinstance(names[0], str) or isinstance(names[0], Number):
            return None
        name = as_bytes(names[0])
        return name if 0 < len(name) <= NAME_MAX and "\0" not in name else None

    def may(self, name):
        what, group, reach = CATALOG.get(name, (None, None, None))
        if self.only and not any(group == r[1:] if r[:1] == "@" else glob(r, name) for r in self.only):
            return False
        if any(glob(low(r), low(name)) for r in self.ignore) or (self.projects and reach == "ORGANIZATION"):
            return False
        if not self.read_only:
            return True
        return what == "READ" if what else name in self.allowed

    def request(self, m, raw):
        if alike(m, "method", "params") or zero_key(m):
            return False
        method = m.all("method")[0]
        if method != "tools/call":
            if method not in KNOWN and (method not in NOTICES or m.all("id")):
                return False
            return not self.projects or Projects(raw).request(method, m.all("params")[0] if m.all("params") else None)
        params = m.all("params")
        if params and isinstance(params[0], Object) and alike(params[0], "name"):
            return False
        name = self.name(params[0]) if params else None
        if name is None or not self.may(name):
            return False
        return not self.projects or Projects(raw).call(name, params[0])

    def shows(self, tool):
        name = self.name(tool)
        if name is None:
            return False
        hints = tool.all("annotations")
        reads = False
        if len(hints) == 1 and isinstance(hints[0], Object):
            r, d = hints[0].all("readOnlyHint"), hints[0].all("destructiveHint")
            reads = len(r) == 1 and r[0] is True and (not d or (len(d) == 1 and d[0] is not True))
        if not reads:
            self.allowed.discard(name)
        elif name not in CATALOG:
            self.allowed.add(name)
        return self.may(name)

    def list(self, m):
        """"as-is", "unreadable", or the message that is left."""
        result = m.all("result")
        if not result:
            return "as-is"
        tools = result[0].all("tools") if isinstance(result[0], Object) else None
        if tools == []:
            return "as-is"
        if tools is None or len(tools) != 1 or not isinstance(tools[0], list) or isinstance(tools[0], Object):
            return "unreadable"
        kept = [t for t in tools[0] if self.shows(t)]
        if len(kept) == len(tools[0]):
            return "as-is"
        return Object((k, Object((q, kept if q == "tools" else w) for q, w in v) if k == "result" else v) for k, v in m)


class Number(str):
    """A number as it was written, told apart from a string."""


def parse_exact(text):
    return json.loads(text.decode("utf-8"), object_pairs_hook=Object, parse_float=Number, parse_int=Number)


def same(a, b):
    """Equal, types and all: 1 is no "1", a list no object."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Object):
        return len(a) == len(b) and all(k == q and same(v, w) for (k, v), (q, w) in zip(a, b))
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


def messages(data):
    return [m for m in data[3:].split(b"\0") if len(m) > 1]


def judge(data, said):
    """None when what was said about the input is right, else why not."""
    if len(data) < 3:
        return None if not said else "something was said about nothing"
    only = [r for i, r in enumerate(ONLY) if data[1] >> i & 1]
    ignore = [r for i, r in enumerate(IGNORE) if data[2] >> i & 1]
    policy = Policy(bool(data[0] & 1), only, ignore, bool(data[0] & 2))
    for message in messages(data):
        line, _, said = said.partition(b"\n")
        line = line.decode()
        if line == "skipped":
            continue
        m = parse_exact(message[1:])
        if message[:1] == b"l":
            want = policy.list(m)
            if isinstance(want, str):
                if line != want:
                    return "%r of a list is %s, not %s" % (message, line, want)
                continue
            if not line.startswith("filtered "):
                return "%r of a list is %s, not filtered" % (message, line)
            n = int(line.split()[1])
            left, said = said[:n], said[n + 1:]
            if not same(parse_exact(left), want):
                return "%r leaves %r" % (message, left)
        else:
            verdict = not policy.rules or policy.request(m, message)
            want = "allowed" if verdict else "refused"
            if verdict != UNSURE and line != want:
                return "%r is %s, not %s" % (message, line, want)
    return None if not said else "more was said than asked"


# ---- inputs of its own


NAMES = ["Get-Projects", "Run-Query", "Delete-Dashboard", "Create-Tag", "Get-Feature-Flag", "Get-User-Replays-Data", "Get-Audit-Log", "Display-Query", "Update-Dashboard", "New-Tool", "x*y", "xay", "get-projects",
         "Get-Projects ", "Gеt-Projects", "Delete-Thing", "", "a" * 512, "a" * 513, "\ud800", "Get-\0", "tools/call"]
METHODS = ["tools/call"] * 8 + KNOWN + NOTICES + ["tools/delete", "notifications/x", "Tools/Call", "tools/call ", "tools/call\u200b", "tools/call\0", "/tools/call", "tasks/create", ""]


def _spell(r, text):
    """A JSON string of this text, some of it escaped."""
    out = ""
    for c in text:
        if r.random() < 0.1 or c < " " or c in "\"\\" or "\ud800" <= c <= "\udfff":
            out += "\\u%04x" % ord(c) if ord(c) < 0x10000 else c
        else:
            out += "\\/" if c == "/" and r.random() < 0.3 else c
    return '"%s"' % out


def _blank(r):
    return r.choice(["", "", "", " ", "\t", "\n ", "\r\n"])


def _value(r, depth=0):
    k = r.randrange(9 if depth < 3 else 6)
    if k == 6:
        return "[%s]" % ",".join(_value(r, depth + 1) for _ in range(r.randrange(3)))
    if k > 6:
        return _object(r, [(r.choice(["name", "x", "tools", "method", "", "", "x\0"] if r.random() < 0.1 else ["name", "x", "tools", "method", ""]), _value(r, depth + 1)) for _ in range(r.randrange(3))])
    return [_spell(r, r.choice(NAMES)), "1e400", "-0.0", "true", "null", "12345678901234567890"][k]


def _object(r, members):
    return "{%s}" % ",".join(_blank(r) + _spell(r, k) + _blank(r) + ":" + _blank(r) + v + _blank(r) for k, v in members)


def _some(r, members):
    """The members, now and then one less, one twice, or a stranger among them."""
    members = list(members)
    if r.random() < 0.1 and members:
        members.remove(r.choice(members))
    if r.random() < 0.1 and members:
        members.insert(r.randrange(len(members) + 1), (r.choice(members)[0], _value(r)))
    if r.random() < 0.3:
        members.insert(r.randrange(len(members) + 1), (r.choice(["x", "Name", "name ", "name\0", "_meta", "arguments"]), _value(r)))
    return members


def _tool(r):
    if r.random() < 0.1:
        return _value(r)
    members = [("name", _spell(r, r.choice(NAMES)))]
    if r.random() < 0.6:
        hints = [("readOnlyHint", r.choice(["true", "true", "false", '"true"', "1"]))]
        if r.random() < 0.4:
            hints.append(("destructiveHint", r.choice(["true", "false", "null"])))
        members.append(("annotations", _object(r, _some(r, hints))))
    r.shuffle(members)
    return _object(r, _some(r, members))


KEYS = ["project_id"] * 6 + ["project_ids", "projectId", "Project_ID", "target_project_id", "project", "workspace_id", "organization_id", "x", "report"]


def _project(r, depth):
    """What may stand where a project may."""
    k = r.randrange(20)
    if k < 10:
        return r.choice(["11", "12", '"11"', '"12"'])
    if k < 13:
        return r.choice(["13", '"13"', "11.0", "1.1e1", "011"[1:], "-11", '"011"', '"11 "', "true", "null", "[]", "{}", '"\\u00311"'])
    if k < 15:
        return "[%s]" % ",".join(r.choice(["11", '"12"', "13", "[11]"]) for _ in range(r.randrange(1, 3)))
    if k < 17 and depth < 5:
        return _spell(r, r.choice(["", " ", "\n"]) + _arguments(r, depth + 1))
    return _arguments(r, depth + 1) if depth < 4 else "null"


def _arguments(r, depth=0):
    if r.random() < 0.1:
        return _value(r)
    members = [(r.choice(KEYS), _project(r, depth)) for _ in range(r.randrange(3))]
    if r.random() < 0.7:
        members.append(("project_id", r.choice(["11", '"12"'])))
    r.shuffle(members)
    return _object(r, members)


def _message(r):
    if r.random() < 0.4:
        tools = "[%s]" % ",".join(_blank(r) + _tool(r) + _blank(r) for _ in range(r.randrange(6)))
        result = _object(r, _some(r, [("tools", tools), ("nextCursor", '"c"')])) if r.random() < 0.95 else _value(r)
        return b"l" + _object(r, [("jsonrpc", '"2.0"'), ("id", "1"), ("result", result)]).encode("utf-8", "replace")
    params = _object(r, _some(r, [("name", _spell(r, r.choice(NAMES))), ("arguments", _arguments(r))])) if r.random() < 0.9 else _value(r)
    members = [("jsonrpc", '"2.0"'), ("method", _spell(r, r.choice(METHODS))), ("params", params)]
    if r.random() < 0.85:
        members.append(("id", "1"))
    if r.random() < 0.1:
        members.append((r.choice(["Method", "PARAMS", "param\u017f", "metho\u0434", "Id"]), r.choice(['"tools/call"', _value(r)])))
    r.shuffle(members)
    return b"a" + _object(r, members).encode("utf-8", "replace")


def _damage(r, data):
    data = bytearray(data)
    for _ in range(r.randrange(1, 3)):
        i = r.randrange(len(data))
        data[i:i + r.randrange(2)] = bytes([r.choice(b'"\\{}[],:nu0e \xc3\xa4')])
    return bytes(data)


def episodes(seed, count):
    r = random.Random(seed)
    for _ in range(count):
        parts = [_message(r) for _ in range(r.randrange(1, 6))]
        parts = [_damage(r, p) if r.random() < 0.15 else p for p in parts]
        head = bytes([r.randrange(4), r.choice([0, 0, 1 << r.randrange(8), r.randrange(256)]), r.choice([0, 0, 1 << r.randrange(4), r.randrange(16)])])
        yield head + b"\0".join(p.replace(b"\0", b"") for p in parts)


# ---- frames


def put(f, data):
    f.write(struct.pack(">I", len(data)) + data)
    f.flush()


def get(f):
    head = f.read(4)
    return f.read(struct.unpack(">I", head)[0]) if len(head) == 4 else None


def main():
    sys.setrecursionlimit(20000)
    while True:
        data = get(sys.stdin.buffer)
        if data is None:
            return
        said = get(sys.stdin.buffer)
        try:
            why = judge(data, said)
        except Exception as problem:
            why = "failed: %r on %r" % (problem, data)
        put(sys.stdout.buffer, (why or "").encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
