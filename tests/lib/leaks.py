"""Looks for secrets where others could see them: after every case, for all of its programs at once."""

import json
import os
import re
import stat
import urllib.request

# Commands whose standard output is theirs alone; a bridge passes on what the server says.
OWN_WORDS = ("login", "logout", "status", "doctor", "setup")
# The address of the sign-in page is shown to the person and handed to the browser, state and all.
ADDRESS = re.compile(rb"https?://[^\s\"']*[?&]state=[^\s\"']*")
DEADLINE = float(os.environ.get("MPMCP_DEADLINE", "120"))  # as in harness.py
SHORT = 6  # fewer characters are no secret


def secrets_of(case):
    """(secrets, states): what no one must see, and what may stand in the address of a sign-in page only."""
    found, states = set(case.secrets), set()
    for box in case.facts:
        try:
            told = json.loads(urllib.request.urlopen(box["oauth"] + "/_sandbox/secrets", timeout=DEADLINE).read())
        except TimeoutError:
            raise  # nothing would be looked for
        except OSError:
            continue  # the case ended it
        states.update(told.pop("state", ()))
        found.update(*told.values())
    return [s.encode() for s in found if len(s) >= SHORT], [s.encode() for s in states if len(s) >= SHORT]


def own_errors(p):
    """The errors that a bridge made itself; those of a server pass as they are."""
    for line in p.lines:
        if b'"error"' not in line or len(line) > 1 << 20:
            continue
        try:
            message = json.loads(line)
            code = message["error"]["code"]
        except (ValueError, TypeError, KeyError):
            continue
        if isinstance(code, int) and -32000 < code <= -31000:
            yield json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")


def log_files(case, p):
    """What the program was told to write messages to."""
    for i, word in enumerate(p.args):
        if word == "--log-file" and i + 1 < len(p.args):
            yield os.path.join(case.folder, p.args[i + 1])


def texts_of(case):
    """(where, text) of everything that people or other programs see."""
    paths = set(case.logs + [case.arguments])
    for p in case.programs:
        yield "standard error", p.errors
        if p.args and p.args[0] in OWN_WORDS:
            yield "standard output of " + p.args[0], b"".join(p.lines)
        for text in own_errors(p):
            yield "an error text", text
        paths.update(log_files(case, p))
    for path in paths:
        if os.path.isfile(path):
            yield os.path.basename(path), open(path, "rb").read()
    for pid in case.strays():
        try:
            yield "the arguments of a process", open("/proc/%d/cmdline" % pid, "rb").read()
        except OSError:
            pass  # it has ended


def wide_files(case):
    """Files that others can read and that the case did not make itself."""
    for folder, _, names in os.walk(case.folder):
        for path in (os.path.join(folder, n) for n in names):
            st = os.lstat(path)
            if stat.S_ISREG(st.st_mode) and st.st_mode & 0o077 and path not in case.theirs:
                yield path


def look(case):
    secrets, states = secrets_of(case)
    for where, text in texts_of(case):
        bare = ADDRESS.sub(b"", text)
        case.check(not any(s in text for s in secrets), "a secret stands in " + where)
        case.check(not any(s in bare for s in states), "a state stands in " + where)
    account = [s.encode() for s in case.account]  # people keep that themselves, in files of their clients
    kept = [s for s in secrets + states if s not in account]
    for path in wide_files(case):
        text = open(path, "rb").read()
        case.check(not any(s in text for s in kept), "a secret stands in a file that others can read: " + path)
