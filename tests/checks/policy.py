#!/usr/bin/env python3
"""Thousands of made-up messages under made-up rules: the policy must say what policy_oracle.py says, and filter lists to
the same. The messages are the same in every run; make fuzz looks for others."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/fuzz"))

import policy_oracle  # noqa: E402

PROGRAM = os.path.join(ROOT, os.path.dirname(os.environ.get("MPMCP", "build/mpmcp")), "tests/fuzz/policy")
SEEDS = os.path.join(ROOT, "tests/fuzz/seeds/fuzz_policy")


def main():
    sys.setrecursionlimit(20000)
    process = subprocess.Popen([PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    inputs = []
    for name in sorted(os.listdir(SEEDS)):
        with open(os.path.join(SEEDS, name), "rb") as f:
            inputs.append(f.read())
    inputs += policy_oracle.episodes(1, 4000)
    counts = {}
    for data in inputs:
        policy_oracle.put(process.stdin, data)
        said = policy_oracle.get(process.stdout)
        why = policy_oracle.judge(data, said)
        if why:
            print("%r: %s" % (data, why))
            return 1
        for word in (b"allowed", b"refused", b"as-is", b"filtered", b"unreadable", b"skipped"):
            counts[word] = counts.get(word, 0) + said.count(word)
    process.stdin.close()
    # A check that no message gets through to would show nothing.
    if process.wait() or min(counts.values()) < 50:
        print("status %r, %r" % (process.returncode, counts))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
