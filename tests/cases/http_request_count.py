"""The count of requests that all bridges of one identity share."""

import base64
import json
import os
import stat

from harness import ACCOUNT_HEADER, PAIR, TOKEN
from people import Person


def _counts(case):
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.endswith(".count")] if os.path.isdir(folder) else []


def _status(case, url, *args, **more):
    p = case.start("status", url, *args, **more)
    p.finish()
    return b"".join(p.lines).decode()


def _used(case, url, *args, **more):
    return json.loads(_status(case, url, "--json", *args, **more))["requests_last_hour"]


def requests_of_all_bridges_of_one_credential_are_counted(case):
    server = case.server()
    for n in range(2):
        p = case.start(server.url)
        p.handshake()
        p.call(1)
        server.wait(lambda _: len(server.of(method="GET")) > n, "a GET")
        case.equal(p.finish(), 0, "status")
    case.equal(len(server.requests), 8, "initialize, initialized, GET, tools/call, twice")
    case.equal(_used(case, server.url), len(server.requests), "requests")
    case.check("%d requests from this machine in the last hour.\n" % len(server.requests) in _status(case, server.url), "words")
    case.equal(_used(case, server.url, env={"MIXPANEL_SA_TOKEN": "YTpi"}), 0, "requests of another account")
    case.equal(_used(case, case.server().url), 0, "requests to another server")
    # The same credential, given in another way.
    case.equal(_used(case, server.url, "--header", "Authorization: " + ACCOUNT_HEADER, token=None), len(server.requests), "requests")


def requests_belong_to_the_person_or_account_and_not_to_the_sign_in(case):
    me = Person(case)
    me.login()
    used = _used(case, me.url, token=None)
    case.check(used > 0, "requests of the sign-in")
    me.run("logout", me.url)
    case.equal(_used(case, me.url, token=None), used, "requests after the sign-in is forgotten")
    case.equal(_used(case, me.url, "--authorize-param", "a=b", token=None), used, "requests of the same person, with other parameters")
    case.equal(_used(case, me.url, "--profile", "other", token=None), 0, "requests of another person")
    server = case.server()
    p = case.start(server.url)
    p.handshake()
    p.finish()
    again = base64.b64encode((PAIR + "0").encode()).decode()
    case.equal(_used(case, server.url, env={"MIXPANEL_SA_TOKEN": again}), _used(case, server.url), "requests of the account with its next secret")


def count_holds_nothing_of_the_credential_and_is_private(case):
    _, p = case.bridge()
    p.handshake()
    p.finish()
    files = _counts(case)
    case.equal(len(files), 1, "files")
    case.equal(stat.S_IMODE(os.stat(files[0]).st_mode), 0o600, "mode")
    case.equal(stat.S_IMODE(os.stat(os.path.dirname(files[0])).st_mode), 0o700, "mode of the folder")
    with open(files[0]) as f:
        text = f.read()
    case.check(set(text) <= set("0123456789 \n") and len(text) < 2048, "content %r" % text)
    case.check(TOKEN[:8] not in files[0], "the name holds the credential")


def refusals_are_noted_in_every_form(case):
    forms = {
        "429": lambda r: r.reply(429, headers={"Retry-After": "600"}),
        "-32000": lambda r: r.json({"jsonrpc": "2.0", "id": r.id, "error": {
            "code": -32000, "message": "Global rate limit exceeded", "data": {"retryAfter": 600}}}),
        "-32023": lambda r: r.json({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32023, "message": "Busy", "data": {"retryAfterMs": 600000}}}),
    }
    for name, refuse in forms.items():
        server, p = case.bridge(lambda r: refuse(r) if r.rpc_method == "tools/call" else r.answer())
        p.handshake()
        error = p.call(1)["error"]
        if name == "-32000":
            case.equal(error, {"code": -32000, "message": "Global rate limit exceeded", "data": {"retryAfter": 600}}, "error")
        p.finish()
        case.check("rate limited, no more for another" in _status(case, server.url), "%s is not noted" % name)


def count_that_cannot_be_written_is_no_trouble(case):
    server = case.server()
    for setup in ("file in place of the folder", "broken file", "no home"):
        env = {"MPMCP_AUTH_DIR": case.file("plain", "")} if setup[0] == "f" else {"HOME": ""} if setup[0] == "n" else {}
        if setup[0] == "b":
            p = case.start(server.url)
            p.handshake()
            p.finish()
            with open(_counts(case)[0], "wb") as f:
                f.write(b"\xff\x00garbage " * 1000)
        p = case.start(server.url, env=env)
        p.handshake()
        case.check("result" in p.call(1), "no result with " + setup)
        case.equal(p.finish(), 0, "status with " + setup)
        case.equal(p.errors, b"", "standard error with " + setup)


def call_leaves_with_the_status_of_a_rate_limit(case):
    box = case.sandbox("--rate", "3", "--rate-form", "jsonrpc")
    p = case.start("call", box["mcp"], "Get-Projects", "{}", token=box["token"])
    p.end_input()
    first = p.wait()
    p = case.start("call", box["mcp"], "Get-Projects", "{}", token=box["token"])
    p.end_input()
    case.equal((first, p.wait()), (0, 7), "statuses")
    case.check(b"rate limit" in p.errors, "words %r" % p.errors)
