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
SHORT = 6  # fewer characters are no secret


def secrets_of(case):
    """(secrets, states): what no one must see, and what may stand in the address of a sign-in page only."""
    found, states = set(case.secrets), set()
    for box in case.facts:
        try:
            told = json.loads(urllib.request.urlopen(box["oauth"] + "/_sandbox/secrets", timeout=30).read())
        except OSError:
            continue  # the case ended it
        states.update(told.pop("state", ()))
        found.update(*told.values())
    return [s.encode() for s in found if len(s) >= SHORT], [s.encode() for s in states if len(s) >= SHORT]


def texts_of(case):
    """(where, text) of everything that people or other programs see."""
    for p in case.programs:
        yield "standard error", p.errors
        if p.args and p.args[0] in OWN_WORDS:
            yield "standard output of " + p.args[0], b"".join(p.lines)
    for path in case.logs + [case.arguments]:
        if os.path.exists(path):
            yield os.path.basename(path), open(path, "rb").read()


def wide_files(case):
    """Files in the home of the case that others can read."""
    for folder, _, names in os.walk(case.home):
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
