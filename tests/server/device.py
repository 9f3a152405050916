"""Device authorization, RFC 8628: a code in the terminal, approved in a browser elsewhere."""

import secrets
import threading
import time

from authority import Grant, Refused
from faults import asked

LIFE_S, INTERVAL_S, SLOWER_S = 300, 1, 5
EARLY_S = 0.2  # by which a poll may come before its time: clocks and schedulers are coarse


class Devices:
    def __init__(self, options, log):
        self.options, self.log = options, log
        self.lock, self.codes = threading.Lock(), {}

    def start(self, client_id, scopes, own):
        code = secrets.token_urlsafe(24)
        letters = "BCDFGHJKLMNPQRSTVWXZ"
        user_code = "WDJB-" + "".join(secrets.choice(letters) for _ in range(4))
        with self.lock:
            self.codes[code] = {"client": client_id, "scopes": scopes, "user_code": user_code, "answer": None, "polls": 0,
                                "interval": INTERVAL_S, "until": time.monotonic() + LIFE_S, "earliest": time.monotonic()}
        page = own + "/oauth/device"
        return {"device_code": code, "user_code": user_code, "verification_uri": page,
                "verification_uri_complete": page + "?user_code=" + user_code, "expires_in": LIFE_S, "interval": INTERVAL_S}

    def decide(self, user_code, answer):
        """What the person said on the page. False for an unknown code."""
        with self.lock:
            for entry in self.codes.values():
                if entry["user_code"] == user_code.strip().upper():
                    entry["answer"] = answer
                    return True
        return False

    def poll(self, code, client_id):
        """The grant, once approved. Raises Refused with what the client is to be told."""
        with self.lock:
            entry = self.codes.get(code)
            if entry is None or entry["client"] != client_id or time.monotonic() > entry["until"]:
                raise Refused("expired_token" if entry else "invalid_grant")
            entry["polls"] += 1
            early = time.monotonic() < entry["earliest"] - EARLY_S
            slower = entry["polls"] == 1 and asked(self.options, "device-slow-down")
            if early:
                self.log.count("device-poll-too-early")
            if early or slower:
                entry["interval"] += SLOWER_S
            entry["earliest"] = time.monotonic() + entry["interval"]
            if early or slower:
                raise Refused("slow_down")
            answer = self.answer(entry)
            if answer is None:
                raise Refused("authorization_pending")
            del self.codes[code]
        if answer != "approve":
            raise Refused("expired_token" if answer == "expired" else "access_denied")
        return Grant(client_id, entry["scopes"])

    def answer(self, entry):
        """What the person says; with --auto, from the second poll on. None: nothing yet."""
        if entry["polls"] < 2:
            return None
        if asked(self.options, "device-denied"):
            return "deny"
        if asked(self.options, "device-expired"):
            return "expired"
        return entry["answer"] or {"approve": "approve", "deny": "deny"}.get(self.options.auto)
