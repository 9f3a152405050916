"""JSON-RPC messages: reading them strictly, making answers."""

import json
import sys

PARSE, INVALID, NO_METHOD, PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, NO_CAPABILITY, NO_VERSION = -32020, -32021, -32022

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


class RpcError(Exception):
    """An error answer. status: of HTTP, where the answer is not on a stream yet."""

    def __init__(self, code, message, data=None, status=200):
        super().__init__(message)
        self.code, self.message, self.data, self.status = code, message, data, status

    def answer(self, ident):
        return error(ident, self.code, self.message, self.data)


class Repeated(dict):
    """An object in which a key came twice."""


def parse(raw):
    """A message as it came. Raises ValueError."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=build, parse_constant=no_constant)
    except RecursionError:
        raise ValueError("nested too deep")


def build(pairs):
    value = dict(pairs)
    return value if len(value) == len(pairs) else Repeated(pairs)


def no_constant(word):
    raise ValueError(word + " is not JSON")


def is_id(value):
    """What a request's id may be: a string or an integer."""
    return isinstance(value, str) or (isinstance(value, (int, float)) and not isinstance(value, bool))


def problem(message):
    """What is wrong with this as a message, else None."""
    if not isinstance(message, dict):
        return "a message is an object"
    if message.get("jsonrpc") != "2.0":
        return "jsonrpc must be \"2.0\""
    if "method" not in message:
        return None if is_response(message) else "neither a method nor an answer"
    if not isinstance(message["method"], str):
        return "method must be a string"
    if "id" in message and not is_id(message["id"]):
        return "id must be a string or an integer"
    if not isinstance(message.get("params", {}), dict):
        return "params must be an object"
    return None


def is_response(message):
    return "id" in message and ("result" in message) != ("error" in message)


def error(ident, code, message, data=None):
    body = {"code": code, "message": message}
    if data is not None:
        body["data"] = data
    return {"jsonrpc": "2.0", "id": ident, "error": body}


def result(ident, value):
    """value: an object, or the bytes of one, which stay as they are."""
    if isinstance(value, bytes):
        return b'{"jsonrpc":"2.0","id":' + json.dumps(ident).encode() + b',"result":' + value + b"}"
    return {"jsonrpc": "2.0", "id": ident, "result": value}


def notification(method, params=None):
    return {"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})}


def encode(message):
    return message if isinstance(message, bytes) else json.dumps(message, separators=(",", ":")).encode()
