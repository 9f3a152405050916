"""The processes that sign in and refresh: what they are told, by whom, and what others can see of them."""

import contextlib
import json
import os
import select
import shutil
import time

import harness
from harness import DEADLINE, INITIALIZE
from people import Person

VARIABLE = "variable-secret-77b1d0"


def _worker(case):
    """The process that refreshes; somebody keeps it waiting."""
    for pid in case.strays():
        with contextlib.suppress(OSError):
            with open("/proc/%d/cmdline" % pid, "rb") as f:
                if b"\0--worker\0" in f.read():
                    return pid
    raise harness.Failed("there is no worker")


def nothing_secret_is_seen_of_a_worker(case):
    if os.geteuid() != 0:
        raise harness.Skipped("only root can read the environment of a process that is not dumpable")
    me = Person(case)
    options, env = ("--header", "X-Key: ${MY_KEY}"), {"MY_KEY": VARIABLE}
    me.login(*options, env=dict(me.env, **env))
    record = me.record()
    asked, go = me.hold_refresh()
    me.change(expires=int(time.time()) - 10)
    p = me.bridge(*options, env=env)
    p.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    pid = _worker(case)
    seen = {}
    for name in ("cmdline", "environ"):
        with open("/proc/%d/%s" % (pid, name), "rb") as f:
            seen[name] = f.read().decode()
        for secret in (VARIABLE, record["refresh_token"], record["access_token"]):
            case.check(secret not in seen[name], "a secret is in its %s" % name)
    case.equal(seen["cmdline"].split("\0")[:2], ["mpmcp", "--worker"], "arguments")
    case.check("HOME=" in seen["environ"], "it has no environment")
    fds = [os.readlink("/proc/%d/fd/%s" % (pid, n)) for n in os.listdir("/proc/%d/fd" % pid) if int(n) < 3]
    case.equal([f.split(":")[0] for f in sorted(fds)], ["/dev/null", "pipe", "pipe"], "standard descriptors")
    go.set()
    case.check("result" in p.answer(0), "no result")
    case.check("result" in p.call(1, "tools/list"), "no result")


def replaced_program_refreshes_with_what_it_was(case):
    """An upgrade while the bridge runs: the worker is the same version, from a file that has no name any more."""
    me = Person(case)
    me.login()
    program = os.path.join(case.folder, "upgraded")
    with harness.Popen.writing:
        shutil.copyfile(harness.PROGRAM, program)
    os.chmod(program, 0o755)
    p = me.signed_in_bridge(binary=program)
    os.unlink(program)
    with open(program, "w") as f:
        f.write("#!/bin/sh\nexit 9\n")
    os.chmod(program, 0o755)
    me.expire()
    case.check("result" in p.call(1, "tools/list"), "no result")
    case.equal((me.count("token:refresh_token"), me.count("authorize")), (1, 1), "refreshes and sign-ins")


def worker_outlives_its_starter_and_leaves_no_process(case):
    me = Person(case)
    me.login()
    before = me.record()
    asked, go = me.hold_refresh()
    me.change(expires=int(time.time()) - 10)
    p = me.bridge(env={})
    p.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    pid = _worker(case)
    p.process.kill()
    p.process.wait()
    worker = os.pidfd_open(pid)  # readable at its end; fails when it ended with its starter
    go.set()
    ended = select.select([worker], [], [], DEADLINE)[0]
    os.close(worker)
    case.check(ended, "it stays")
    case.check(me.record()["refresh_token"] != before["refresh_token"], "the answer was lost")


def worker_that_is_started_by_hand_says_what_it_is(case):
    version = case.start("--version")
    version.wait()
    number = b"".join(version.lines).split()[1].decode()
    jobs = ["", "x", "[]", "{", "{}", '{"work":"refresh"}', json.dumps({"version": number}),
            json.dumps({"version": number, "work": "refresh"}),
            json.dumps({"version": number, "work": "sign-in", "options": {"url": "file:///etc/passwd"}}),
            json.dumps({"version": number, "work": "other", "options": {"url": "https://mcp.example/mcp"}}),
            json.dumps({"version": number, "work": "refresh", "options": {"url": "https://mcp.example/mcp"}}),
            json.dumps({"version": number, "work": [], "options": 7, "http": [], "record": "", "hidden": [1, None]}),
            json.dumps({"version": number, "hidden": [{"base64": "!"}], "options": {"url": {"base64": "eHl6AAA="}}}),
            "x" * 5000000, "[" * 100000]
    for text in jobs:
        p = case.start("--worker")
        with contextlib.suppress(BrokenPipeError):
            p.process.stdin.write(text.encode())
            p.process.stdin.close()
        case.equal(p.wait(), 2, "status for %.60r" % text)
        p.wait_error_text("mpmcp: ")
        case.equal(p.lines, [], "output for %.60r" % text)


def worker_of_another_version_says_so(case):
    p = case.start("--worker")
    p.process.stdin.write(json.dumps({"version": "0.0.1", "work": "refresh"}).encode())
    p.process.stdin.close()
    case.equal(p.wait(), 2, "status")
    case.check("replaced" in json.loads(p.lines[0])["message"], "no word about it")
