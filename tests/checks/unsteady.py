#!/usr/bin/env python3
"""tests/run: a case that fails beside others runs again alone; what it then says, and counts, is honest."""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CASES = """
import os
COUNT = %r


def _times(name):
    with open(os.path.join(COUNT, name), "a+") as f:
        f.write(".")
        f.flush()
        f.seek(0)
        return len(f.read())


def good(case):
    _times("good")


def bad(case):
    case.check(_times("bad") > 1, "bad at first")
    raise RuntimeError("bad, and otherwise")


def now_and_then(case):
    case.check(_times("now_and_then") > 1, "not at once")
"""


def run(folder, cases, *args):
    counts = tempfile.mkdtemp(dir=folder)
    tests = tempfile.mkdtemp(dir=folder)
    os.mkdir(os.path.join(tests, "cases"))
    os.symlink(os.path.join(ROOT, "tests/run"), os.path.join(tests, "run"))
    with open(os.path.join(tests, "cases/some.py"), "w") as f:
        f.write(cases % counts)
    # The program takes its folder from the name it is called by: the cases are these, the harness is the tree's.
    env = dict(os.environ, PYTHONPATH=os.path.join(ROOT, "tests/lib"), PYTHONDONTWRITEBYTECODE="1")
    done = subprocess.run([sys.executable, os.path.join(tests, "run"), *args], env=env, stdout=subprocess.PIPE, text=True)
    return done.returncode, done.stdout, {n: os.path.getsize(os.path.join(counts, n)) for n in os.listdir(counts)}


def problems(folder):
    status, text, times = run(folder, CASES)
    lines = text.splitlines()
    if (status, lines[-1]) != (1, "2 passed, 1 failed"):
        yield "an unsteady case is not counted as passed, or a bad one not as failed"
    if lines[-2] != "unsteady: some.now_and_then":
        yield "the last line but one does not name the unsteady case"
    if not re.search(r"^unsteady some\.now and then\n    \| (.*\n    \| )*harness\.Failed: not at once$", text, re.M):
        yield "an unsteady case is not shown with what went wrong at first"
    if not re.search(r"^FAIL some\.bad\n(    \| .*\n)*    \| RuntimeError: bad, and otherwise\n(    \| .*\n)*    \| harness\.Failed: bad at first$", text, re.M):
        yield "a case that fails alone, too, is not shown with what went wrong both times"
    if times != {"good": 1, "bad": 2, "now_and_then": 2}:
        yield "the cases did not run as often as they should: %r" % times
    for args in (["-j", "1"], ["now_and_then"]):
        status, text, times = run(folder, CASES, *args)
        if status != 1 or times["now_and_then"] != 1:
            yield "a case that ran alone and failed has another chance (%s)" % " ".join(args)
    many = CASES + "".join("\n\ndef broken_%d(case):\n    case.check(_times('broken') > 100, 'broken')\n" % i for i in range(40))
    status, text, times = run(folder, many)
    if status != 1 or times["broken"] != 40 or "unsteady" in text:
        yield "where much fails, all of it runs again"


def main():
    with tempfile.TemporaryDirectory() as folder:
        found = list(problems(folder))
    for p in found:
        print(p)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
