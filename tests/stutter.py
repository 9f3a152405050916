#!/usr/bin/env python3
"""tests/stutter.py [--most S] [--mean S] [--seed N] COMMAND...: runs it on a machine that has no processor at times.

Processes of the command, all its descendants, are stopped for a moment and go on, at random: servers, clients and the
program fall out of step as they do on a machine that is busy. It costs no processor itself.

    tests/stutter.py tests/run -j 6 signing_in

What then fails is an unsteady case, or a fault of the program.
"""

import argparse
import contextlib
import os
import random
import signal
import subprocess
import sys
import time


def waiting(root):
    """root and its descendants, but for those that somebody has stopped already or that have ended."""
    children, states = {}, {}
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        with contextlib.suppress(OSError), open("/proc/%d/stat" % pid) as f:
            state, parent = f.read().rpartition(")")[2].split()[:2]
            children.setdefault(int(parent), []).append(pid)
            states[pid] = state
    found, todo = [], [root]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return [p for p in found if states.get(p) in ("S", "R", "D")]


def tell(pids, number):
    for pid in pids:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def main():
    p = argparse.ArgumentParser(description="Run a command whose processes stop at times.")
    p.add_argument("--most", type=float, default=4, help="longest stop, in seconds")
    p.add_argument("--mean", type=float, default=0.5, help="mean stop, in seconds")
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("command", nargs=argparse.REMAINDER)
    args = p.parse_args()
    dice = random.Random(args.seed)
    process = subprocess.Popen(args.command)
    while process.poll() is None:
        time.sleep(dice.uniform(0.05, 0.4))
        all_of_them = waiting(process.pid)
        chosen = [pid for pid in all_of_them if dice.random() < dice.choice((0.1, 0.5))]
        tell(chosen, signal.SIGSTOP)
        time.sleep(min(args.most, dice.expovariate(1 / args.mean)))
        tell(chosen, signal.SIGCONT)
    return process.returncode


if __name__ == "__main__":
    sys.exit(main())
