"""What came in, a row for each request, with credentials as hashes: for --log and /_sandbox/log."""

import collections
import hashlib
import json
import threading

SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "mcp-session-id")
SECRET_FIELDS = ("access_token", "refresh_token", "id_token", "token", "code", "code_verifier", "client_secret", "state",
                 "device_code", "client_assertion", "subject_token")
KEPT = 20000  # rows for /_sandbox/log; a longer run reads the file


SEEN = collections.defaultdict(set)  # field -> what came in it, for /_sandbox/secrets


def digest(text):
    """What the log shows of a secret."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def hidden(fields):
    for name in SECRET_FIELDS:
        if isinstance(fields.get(name), str):
            SEEN[name].add(fields[name])
    return {k: digest(v) if k in SECRET_FIELDS and isinstance(v, str) else v for k, v in fields.items()}


def shown(headers):
    """Headers as an object; of repeated ones all values."""
    out = {}
    for name, value in headers.pairs:
        value = digest(value) if name in SECRET_HEADERS else value
        out[name] = out[name] + ", " + value if name in out else value
    return out


class Log:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8") if path else None
        self.changed = threading.Condition()
        self.rows = collections.deque(maxlen=KEPT)
        self.counts = collections.Counter()
        self.number = 0

    def write(self, row):
        """Returns the row's number."""
        with self.changed:
            self.number += 1
            row = dict(n=self.number, **row)
            self.rows.append(row)
            if self.file:
                self.file.write(json.dumps(row) + "\n")
                self.file.flush()
            self.changed.notify_all()
            return self.number

    def event(self, what, **more):
        """Something that is no request, such as a client that left."""
        self.count(what)
        return self.write(dict(event=what, **more))

    def count(self, what):
        """For /_sandbox/stats."""
        with self.changed:
            self.counts[what] += 1
            return self.counts[what]

    def since(self, n, wait_s=0, match=None):
        """Rows after number n, of those that match (field -> value) when it is given; waits for one when there is none."""
        def found():
            return [r for r in self.rows if r["n"] > n and all(str(r.get(k)) == v for k, v in (match or {}).items())]
        with self.changed:
            self.changed.wait_for(found, wait_s)
            return found()
