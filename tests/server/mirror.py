"""Headers that repeat what the body says (2026-07-28): which ones a tool asks for, and whether they agree."""

import base64
import binascii
import re

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
PLAIN = re.compile(r"[\t\x20-\x7e]*\Z")
SAFE = 2 ** 53 - 1
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Invalid(Exception):
    """A tool definition, or a header, that breaks the rules."""


def decoded(value):
    """What a header value stands for. Raises Invalid."""
    if not PLAIN.match(value):
        raise Invalid("invalid characters")
    if not (value.startswith("=?base64?") and value.endswith("?=") and len(value) >= 11):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise Invalid("broken base64")


def asked(schema):
    """[(header in small letters, path of the property, type)] of an inputSchema. Raises Invalid."""
    found = []
    walk(schema, [], True, found)
    names = [name for name, _, _ in found]
    if len(set(names)) != len(names):
        raise Invalid("two properties ask for one header")
    return found


def walk(schema, path, reachable, found):
    """reachable: whether only 'properties' keys lead here."""
    if isinstance(schema, list):
        for item in schema:
            walk(item, path, False, found)
    if not isinstance(schema, dict):
        return
    if "x-mcp-header" in schema:
        name, kind = schema["x-mcp-header"], schema.get("type")
        if not isinstance(name, str) or not TOKEN.match(name):
            raise Invalid("%r is no header name" % (name,))
        if not reachable or not path:
            raise Invalid("x-mcp-header where no chain of properties leads")
        if kind not in ("string", "integer", "boolean"):
            raise Invalid("x-mcp-header on the type %r" % (kind,))
        found.append(("mcp-param-" + name.lower(), path, kind))
    for key, value in schema.items():
        if key == "properties" and isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, path + [name], reachable, found)
        elif key not in ("enum", "const", "default", "examples", "x-mcp-header"):
            walk(value, path, False, found)


def check_parameters(headers, schema, arguments):
    """Whether the Mcp-Param-* headers say what the arguments say. Raises Invalid."""
    for header, path, kind in asked(schema):
        value = at(arguments, path)
        given = headers.get(header)
        if value is None:
            if given is not None:
                raise Invalid("%s is %r, the body has no %s" % (header, given, ".".join(path)))
        elif given is None:
            raise Invalid("%s is missing" % header)
        elif not same(decoded(given), value, kind):
            raise Invalid("%s is %r, the body says %r" % (header, given, value))


def at(value, path):
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def same(text, value, kind):
    if isinstance(value, bool):
        return text == ("true" if value else "false")
    if isinstance(value, str):
        return text == value
    if kind == "integer" and isinstance(value, (int, float)):
        try:
            return abs(value) <= SAFE and float(text) == value
        except ValueError:
            return False
    return False


def check_standard(headers, message):
    """Mcp-Method and Mcp-Name against the body. Raises Invalid."""
    method, params = message["method"], message.get("params") or {}
    expect(headers, "mcp-method", method)
    if method in NAMED and isinstance(params.get(NAMED[method]), str):
        expect(headers, "mcp-name", params[NAMED[method]], True)


def expect(headers, name, value, may_be_encoded=False):
    given = headers.get(name)
    if given is None:
        raise Invalid("%s is missing" % name)
    if not PLAIN.match(given):
        raise Invalid("%s holds invalid characters" % name)
    if (decoded(given) if may_be_encoded else given) != value:
        raise Invalid("%s is %r, the body says %r" % (name, given, value))
