"""input_required: questions put into an answer, and the answers that come with the next try (2026-07-28).

The tool is run again from its start with each try; what was answered before comes back in requestState, which
the client must return as it was. It is signed, belongs to one request of one client, and ends.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time

from jsonrpc import PARAMS, RpcError

KEY = secrets.token_bytes(32)
LIFE_S = 600
# Before and after the state: what careless hands change. Quotes, escapes, a line separator, a NUL, a combining accent.
ODD = "\"\\/ \u2028e\u0301\U0001f511\x00\x7f "


class InputRequired(Exception):
    def __init__(self, result):
        super().__init__("input required")
        self.result = result


class Questions:
    """The questions of one try."""

    def __init__(self, call):
        self.call, self.at = call, 0
        self.answers, self.state = call.params.get("inputResponses"), call.params.get("requestState")
        # told: answers of earlier rounds; partly: those of this round that came before; open: keys still asked for.
        self.told, self.partly, self.open = [], {}, None
        if self.state is not None:
            self.told, self.partly, self.open = self.opened(self.state)

    def wrong(self, text):
        self.call.sandbox.log.count("state-refused")
        return RpcError(PARAMS, "Invalid params: " + text, status=400)

    # ---- the state

    def owner(self):
        """What the state is bound to: who asks, and for what."""
        params = {k: v for k, v in self.call.params.items() if k not in ("_meta", "inputResponses", "requestState")}
        said = [self.call.handler.headers.get("authorization") or "", self.call.method, params]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def sealed(self, partly, missing):
        body = json.dumps({"told": self.told, "partly": partly, "open": sorted(missing), "id": self.call.id,
                           "owner": self.owner(), "until": time.time() + LIFE_S})
        packed = base64.b64encode(body.encode()).decode()
        return ODD + packed + "." + seal(packed) + ODD

    def opened(self, text):
        """(told, partly, open) of a state. Raises RpcError unless it is ours, byte for byte."""
        if not isinstance(text, str) or not text.startswith(ODD) or not text.endswith(ODD):
            raise self.wrong("this requestState is not what the server gave")
        packed, _, signed = text[len(ODD):-len(ODD)].partition(".")
        if not hmac.compare_digest(signed.encode(), seal(packed).encode()):
            raise self.wrong("this requestState is not what the server gave")
        state = json.loads(base64.b64decode(packed))
        if state["until"] < time.time():
            raise self.wrong("this requestState has ended")
        if state["owner"] != self.owner():
            raise self.wrong("this requestState belongs to another request")
        if state["id"] == self.call.id:
            raise self.wrong("a retry has an id of its own")
        return state["told"], state["partly"], state["open"]

    # ---- asking

    def ask(self, questions, with_state=True):
        """The answers, when they have come. Raises InputRequired."""
        self.at += 1
        if self.at <= len(self.told):
            return self.told[self.at - 1]
        if not with_state and self.state is not None:
            raise self.wrong("no requestState was given")
        first = with_state and self.open is None
        given = {} if first else {**self.partly, **self.wanted(questions)}
        missing = {k: v for k, v in questions.items() if k not in given}
        if missing or (first and not questions):
            raise InputRequired(self.required(missing, given, with_state))
        # The next question of this try is a new round.
        self.told, self.partly, self.open = self.told + [given], {}, None
        return given

    def wanted(self, questions):
        """Those of the answers in this try that are wanted; others are ignored."""
        answers = {} if self.answers is None else self.answers
        if not isinstance(answers, dict):
            raise self.wrong("inputResponses must be an object")
        return {k: self.checked(questions[k][0], v) for k, v in answers.items() if k in questions}

    def checked(self, method, value):
        good = isinstance(value, dict) and "jsonrpc" not in value and "resultType" not in value
        if good and method == "elicitation/create":
            good = value.get("action") in ("accept", "decline", "cancel") and isinstance(value.get("content", {}), dict)
        elif good and method == "sampling/createMessage":
            good = value.get("role") in ("user", "assistant") and "content" in value and isinstance(value.get("model"), str)
        elif good:
            roots = value.get("roots")
            good = isinstance(roots, list) and all(isinstance(r, dict) and str(r.get("uri")).startswith("file://") for r in roots)
        if not good:
            raise self.wrong("an inputResponse that is no result of " + method)
        return value

    def required(self, missing, given, with_state):
        """The answer that asks."""
        self.call.sandbox.log.count("input-required")
        result = {"resultType": "input_required"}
        if missing:
            result["inputRequests"] = {k: {"method": m, **({} if p is None else {"params": p})} for k, (m, p) in missing.items()}
        if with_state:
            result["requestState"] = self.sealed(given, missing)
        return result


def seal(packed):
    return hmac.new(KEY, packed.encode(), "sha256").hexdigest()
