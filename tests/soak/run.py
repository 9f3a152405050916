#!/usr/bin/env python3
"""Eight bridges on one token folder, for minutes: tokens live three seconds, sessions are forgotten, answers break,
bridges are killed. Each request has exactly one answer, one page is opened in all, no bridge grows, and no request is
refused but while something is down."""

import argparse
import collections
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from harness import Case, Program  # noqa: E402
from matrix import FAULTS, HELLO, Row, Rows, play  # noqa: E402

BRIDGES = 8
TOKEN_S = 3
GRACE_S = 10  # how long a refresh token is good that was used: whoever is killed with the new one has only that
BROKEN = [f for f in FAULTS if f not in ("hang", "401")]
GROWTH_KIB = 4096
RATE = 0.15  # of answers, while they break


class Service(Row):
    """A row without a fault of its own, which breaks answers while it is told to."""

    def __init__(self, name, seed):
        super().__init__(name, "legacy", signed=True)
        self.rng = random.Random(seed)
        self.until, self.broken_at, self.ended, self.used = {}, [], [], {}
        self.breaking = False
        self.faults = collections.Counter()

    def __call__(self, r):
        now = time.monotonic()
        with self.changed:
            self.access = {t for t in self.access if self.until.get(t, 0) > now}
            fault = self.rng.choice(BROKEN) if self.breaking and "/authorize" not in r.path and self.rng.random() < RATE else None
            if fault:
                self.faults[fault] += 1
                self.broken_at.append(now)
        return play(r, fault, self.gone) if fault else super().__call__(r)

    def token(self, r, form):
        now = time.monotonic()
        with self.changed:
            old = form.get("refresh_token")
            good = form["grant_type"] == "authorization_code" or (old in self.refresh and self.used.setdefault(old, now) > now - GRACE_S)
            self.tokens += 1
            names = "access-%d" % self.tokens, "refresh-%d" % self.tokens
            if good:
                self.access.add(names[0])
                self.until[names[0]] = now + TOKEN_S
                self.refresh.add(names[1])
        if not good:
            return r.json({"error": "invalid_grant"}, 400)
        return r.json({"access_token": names[0], "token_type": "Bearer", "expires_in": TOKEN_S, "refresh_token": names[1]})

    def note_down(self):
        with self.changed:
            self.broken_at.append(time.monotonic())

    def was_down(self, since, until):
        """Something broke in that time, or shortly before: a session that is away is opened again with pauses."""
        with self.changed:
            return any(since - 8 < t <= until for t in self.broken_at)


class Worker(threading.Thread):
    """One client, whose bridge may be killed; then it starts another."""

    def __init__(self, soak, number):
        super().__init__(daemon=True)
        self.soak, self.number, self.rng = soak, number, random.Random(soak.seed + number)
        self.asked = self.refused = self.kills = 0
        self.first = self.last = None
        self.problems, self.bridge = [], None

    def run(self):
        try:
            while not self.soak.over():
                self.life()
        except Exception as problem:  # the report is the point
            self.problems.append("client %d: %r; its bridge: status %r, %r" % (
                self.number, problem, self.bridge.process.poll(), self.bridge.errors[:2500]))

    def life(self):
        # The first one lives as long as the run: it is the one that could grow.
        lives = self.rng.randrange(20, 200) if self.number else 1 << 30
        p, ids = self.soak.start(), []
        self.bridge = p

        def ask(method, **params):
            since, ident = time.monotonic(), "%d-%d" % (self.number, self.asked)
            self.asked += 1
            ids.append(ident)
            answer = p.call(ident, method, **params)
            if "error" not in answer:
                return True
            self.refused += 1
            if not self.soak.service.was_down(since, time.monotonic()):
                self.problems.append("client %d, %s: %s" % (self.number, method, answer["error"]))
            return False
        while not ask("initialize", **HELLO) and not self.soak.over():
            self.soak.stop.wait(0.5)
        p.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        while lives and not self.soak.over():
            lives -= 1
            ask(self.rng.choice(["tools/list", "tools/call", "prompts/list", "logging/setLevel"]), name="t", level="info")
            if not self.number:
                self.last = self.soak.resident(p)
                self.first = self.first or (self.asked > 200 and self.last) or None
            self.soak.stop.wait(self.rng.random() * 0.05)
        if self.number and not self.soak.over() and self.rng.random() < 0.7:
            p.process.kill()
            self.kills += 1
        else:
            p.finish()
        answers = collections.Counter(m["id"] for m in p.messages() if "method" not in m)
        self.problems += ["client %d: %d answers to %s" % (self.number, answers[i], i) for i in ids if answers[i] != 1]
        p.clean_up()


class Soak:
    def __init__(self, program, seconds, seed):
        self.seconds, self.seed, self.program = seconds, seed, program
        self.case = Case("soak")
        self.rows = Rows(self.case)
        self.service = self.rows.rows["soak"] = Service("soak", seed)
        self.stop = threading.Event()
        self.env = self.case.env({"BROWSER": self.rows.browser})
        self.began = time.monotonic()

    def over(self):
        return self.stop.is_set()

    def start(self):
        return Program(self.case, ["%s/soak/mcp" % self.rows.origin, "--headers-timeout", "5"], self.env, binary=self.program)

    @staticmethod
    def resident(p):
        try:
            with open("/proc/%d/status" % p.process.pid) as f:
                return int(next(x for x in f if x.startswith("VmRSS")).split()[1])
        except (OSError, StopIteration):
            return None

    def run(self):
        workers = [Worker(self, n) for n in range(BRIDGES)]
        for w in workers:
            w.start()
        rng = random.Random(self.seed)
        while time.monotonic() - self.began < self.seconds:
            # Something is down for some seconds, then all is well for longer.
            self.service.breaking = True
            for _ in range(5):
                self.service.forget()
                self.stop.wait(1)
            self.service.breaking = False
            for _ in range(rng.randrange(3)):
                self.service.note_down()
                self.service.forget()
                self.stop.wait(1)
            self.stop.wait(14)
        self.stop.set()
        for w in workers:
            w.join(60)
        problems = [x for w in workers for x in w.problems] + ["client %d never ended" % w.number for w in workers if w.is_alive()]
        if self.service.pages != 1:
            problems.append("%d pages" % self.service.pages)
        first, last = workers[0].first, workers[0].last
        if first and last and last - first > GROWTH_KIB:
            problems.append("a bridge grew from %d to %d KiB" % (first, last))
        print("%d s: %d requests, %d refused while something was down, %d bridges killed, %d tokens, %d sessions, %d answers broken; "
              "resident set %s to %s KiB" % (time.monotonic() - self.began, sum(w.asked for w in workers), sum(w.refused for w in workers),
                                             sum(w.kills for w in workers), self.service.tokens, self.service.made, sum(self.service.faults.values()), first, last))
        return problems

    def close(self):
        self.service.gone.set()
        for s in list(self.service.sessions.values()):
            s.over.set()
        self.rows.close()
        self.case.clean_up()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("program")
    p.add_argument("--seconds", type=int, default=300)
    p.add_argument("--seed", type=int, default=int(time.time()))
    args = p.parse_args()
    print("seed %d" % args.seed, flush=True)
    soak = Soak(os.path.abspath(args.program), args.seconds, args.seed)
    try:
        problems = soak.run()
    finally:
        soak.close()
    for x in problems[:40]:
        print("  " + x)
    print("%d problems" % len(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
