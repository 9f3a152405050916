"""login --service-account: a service account that is asked for, tried and kept in the token folder."""

import contextlib
import json
import os
import stat

from harness import ACCOUNT_HEADER, PAIR, TOKEN, request, terminal
from people import Person

USAGE, SIGN_IN = 2, 4
NAME = PAIR.split(":")[0]


def _keep(case, url, *args, status=0, text=TOKEN, **more):
    p = case.start("login", "--service-account", url, *args, token=None, **more)
    with contextlib.suppress(BrokenPipeError):  # what is refused without it is not read
        p.send_raw(text.encode() + b"\n")
    case.equal(p.finish(), status, "status (%r)" % p.errors)
    return p


def _service(case, accepts=ACCOUNT_HEADER):
    return case.server(lambda r: r.answer() if r.headers.get("authorization") == accepts else r.reply(401))


def _files(case):
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    return [os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".account")] if os.path.isdir(folder) else []


def _bridge_works(case, url, *args, **more):
    p = case.start(url, *args, token=None, **more)
    case.check("result" in p.handshake(), "no result")
    case.equal(p.finish(), 0, "status")


def account_from_standard_input_is_kept_and_used(case):
    server = _service(case)
    p = _keep(case, server.url)
    said = b"".join(p.lines).decode()
    for words in ("The service account works with %s" % server.url.split("/")[2], "account  " + NAME, "file     " + _files(case)[0], "Next: "):
        case.check(words in said, "%r is not in %s" % (words, said))
    case.check(TOKEN not in said and TOKEN.encode() not in p.errors and PAIR.split(":")[1] not in said, "the secret is shown")
    case.equal(stat.S_IMODE(os.stat(_files(case)[0]).st_mode), 0o600, "mode")
    case.equal(stat.S_IMODE(os.stat(os.path.dirname(_files(case)[0])).st_mode), 0o700, "mode of the folder")
    _bridge_works(case, server.url)
    case.equal({r.headers.get("authorization") for r in server.of(method="POST")}, {ACCOUNT_HEADER}, "credentials")


def account_is_taken_in_every_form_and_tells_scripts(case):
    server = _service(case)
    for text in (PAIR, "Bearer Basic " + TOKEN, TOKEN[:40] + "\n" + TOKEN[40:], '"%s"' % TOKEN):
        p = _keep(case, server.url, "--json", text=text)
        told = json.loads(p.lines[0])
        case.equal((len(p.lines), told["outcome"], told["username"], told["file"]), (1, "service_account_kept", NAME, _files(case)[0]), "row")


def account_that_the_service_refuses_is_not_kept(case):
    server = _service(case, accepts="Bearer Basic other")
    p = _keep(case, server.url, status=SIGN_IN)
    case.check(b"nothing was saved" in p.errors and b"region is right" in p.errors, "words %r" % p.errors)
    for text, words in (("", b"is empty"), ("abc", b"service account"), ("x" * 5000, b"longer than")):
        p = _keep(case, server.url, status=USAGE, text=text)
        case.check(words in p.errors, "words %r" % p.errors)
    case.equal(_files(case), [], "files")


def account_goes_to_mixpanel_alone(case):
    p = _keep(case, "https://mcp.example.com/mcp", status=USAGE)
    case.check(b"--header" in p.errors, "words %r" % p.errors)


def what_is_given_goes_before_what_is_kept(case):
    server = _service(case)
    _keep(case, server.url)
    other = "Bearer Basic " + "b3RoZXIuYWJjMTIzLm1wLXNlcnZpY2UtYWNjb3VudDpzM2NyM3Q="
    file = case.file("token", other[13:], 0o600)
    for args, env in ((["--header", "Authorization: " + other], {}), (["--sa-token-file", file], {}), ([], {"MIXPANEL_SA_TOKEN": other[13:]}),
                      ([], {"MIXPANEL_SA_USERNAME": "other.abc123.mp-service-account", "MIXPANEL_SA_SECRET": "s3cr3t"})):
        seen = len(server.requests)
        p = case.start(server.url, *args, token=None, env=env)
        p.send(request(1, "tools/list"))
        case.check("error" in p.answer(1), "the other one was accepted")
        p.finish()
        case.equal({r.headers.get("authorization") for r in server.requests[seen:]}, {other}, "credentials")
    p = _keep(case, server.url, env={"MIXPANEL_SA_TOKEN": other[13:]})
    case.check(b"bridges use the service account in MIXPANEL_SA_TOKEN, not this one" in p.errors, "words %r" % p.errors)


def account_belongs_to_its_endpoint_and_profile(case):
    server, other = _service(case), case.server(lambda r: r.reply(401))
    _keep(case, server.url, "--profile", "ci")
    _bridge_works(case, server.url, "--profile", "ci")
    for url, args in ((server.url, []), (other.url, ["--profile", "ci"])):
        p = case.start("status", url, *args, "--json", token=None)
        case.equal(p.finish(), SIGN_IN, "status")
        told = json.loads(p.lines[0])
        case.equal((told["credential"], told["service_accounts"][0]["profile"]), ("a sign-in (OAuth)", "ci"), "what is used, and what there is")


def status_doctor_and_logout_know_the_account(case):
    box = case.sandbox()
    p = _keep(case, box["mcp"], text=box["token"])
    case.check(b"2 projects visible" in b"".join(p.lines), "words %r" % p.lines)
    p = case.start("status", box["mcp"], "--check", token=None)
    case.equal(p.finish(), 0, "status")
    said = b"".join(p.lines).decode().replace("\n", " ")
    case.check('bridges use the service account that "mpmcp login --service-account" keeps' in said and "accepts it" in said, said)
    p = case.start("doctor", box["mcp"], "--json", token=None)
    case.equal(p.finish(), 0, "status")
    checks = {c["id"]: c for c in json.loads(b"".join(p.lines))["checks"]}
    case.check("keeps" in checks["credential"]["detail"] and "1 service account" in checks["folder"]["detail"], "checks %r" % checks)
    p = case.start("logout", box["mcp"], token=None)
    case.equal(p.finish(), 0, "status")
    case.check(b"Removed the service account of " + box["mcp"].encode() in b"".join(p.lines), "words %r" % p.lines)
    case.equal(_files(case), [], "files")
    for profile in ("a", "b"):
        _keep(case, box["mcp"], "--profile", profile, text=box["token"])
    p = case.start("logout", "--all", "--profile", "a", token=None)
    case.equal((p.finish(), len(_files(case))), (0, 1), "status and what is left")


def login_says_that_the_account_goes_before_the_sign_in(case):
    me = Person(case)
    _keep(case, me.url, text=me.box["token"])
    p = me.login()
    warned, asked = p.errors.find(b"keeps, not this sign-in"), p.errors.find(b"Opening your browser")
    case.check(0 <= warned < asked, "words %r" % p.errors)


def file_of_an_account_that_is_broken_or_foreign_starts_no_sign_in(case):
    server = _service(case)
    _keep(case, server.url)
    path = _files(case)[0]
    for content, words in (("{}", b"does not hold a service account"), (None, b"link")):
        os.unlink(path)
        if content is None:
            os.symlink(case.file("elsewhere", "{}"), path)
        else:
            with open(path, "w") as f:
                f.write(content)
        p = case.start("tools", server.url, token=None)
        case.check(p.finish() != 0 and words in p.errors and b"login --service-account" in p.errors, "words %r" % p.errors)
    case.check(not server.of("tools/list"), "requests")
    p = case.start("logout", server.url, token=None)
    case.equal((p.finish(), _files(case)), (0, []), "status of logout, and files")


def terminal_asks_for_the_account_and_does_not_show_it(case):
    server = _service(case)
    ours, child = terminal()
    p = case.start("login", "--service-account", server.url, token=None, stdin=child, stderr=child)
    seen = b""
    while b"not shown): " not in seen:
        seen += os.read(ours, 4096)
    os.write(ours, TOKEN.encode() + b"\n")
    os.close(child)
    case.equal(p.wait(), 0, "status")
    with contextlib.suppress(OSError):
        while True:
            seen += os.read(ours, 4096)
    os.close(ours)
    case.check(TOKEN.encode() not in seen, "shown: %r" % seen)
    case.equal(len(_files(case)), 1, "files")
