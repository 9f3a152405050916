"""The folder of sign-ins: what is in it when something goes wrong, logout, status, sign-ins of mcp-remote."""

import fcntl
import hashlib
import json
import os
import shutil
import time
import urllib.parse

from harness import DEADLINE, INITIALIZE, PROGRAM, TOKEN, Skipped
from people import FOLLOW, Person


def _call(case, bridge, ident, method="tools/list"):
    case.check("result" in bridge.call(ident, method), "no result for %d" % ident)


# ---- files that are not as they should be


def broken_token_files_are_set_aside(case):
    for content in (b"", b"{", b"[]", b"\0\0\0", b'{"format":1}', b'{"format":1,"url":"x","url":"y"}'):
        me = Person(case)
        me.login()
        path = me.path()
        with open(path, "wb") as f:
            f.write(content)
        p = me.bridge()
        p.handshake()
        _call(case, p, 1)
        p.wait_error_text("set aside")
        case.check(os.path.exists(path + ".broken"), "nothing was set aside after %r" % content)
        me.run("logout", me.url)
        case.check(not os.path.exists(path + ".broken"), "the broken one is left")


def truncated_token_file_is_set_aside(case):
    me = Person(case)
    me.login()
    path = me.path()
    os.truncate(path, os.path.getsize(path) // 2)
    p = me.run("status", me.url, status=4)
    case.check(b"set aside" in p.errors, "words %r" % p.errors)


def file_of_a_later_version_is_left_alone(case):
    me = Person(case)
    me.login()
    me.change(format=2)
    p = me.bridge()
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "later version")
    case.equal((me.record()["format"], me.count("authorize")), (2, 1), "format and sign-ins")


def linked_token_file_is_not_followed(case):
    me = Person(case)
    me.login()
    path = me.path()
    os.rename(path, path + ".elsewhere")
    os.symlink(path + ".elsewhere", path)
    p = me.run("status", me.url, status=1)
    case.equal(p.errors.count(b"symbolic link"), 1, "how often it is said")
    p = me.bridge()
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "symbolic link", "remove it")
    case.check(os.path.islink(path) and me.count("authorize") == 1, "the link was replaced")


def linked_folder_is_refused(case):
    me = Person(case)
    other = os.path.join(case.folder, "other")
    os.mkdir(other)
    os.mkdir(os.path.dirname(me.folder()))
    os.symlink(other, me.folder())
    p = me.login(status=1)
    case.check(b"symbolic link" in p.errors, "words %r" % p.errors)
    case.equal(os.listdir(other), [], "files behind the link")


def foreign_token_file_is_refused(case):
    me = Person(case)
    me.login()
    case.give_away(me.path())
    p = me.bridge()
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "belongs to user 65534")
    case.equal(me.count("authorize"), 1, "sign-ins")


def foreign_folder_is_refused(case):
    me = Person(case)
    os.makedirs(me.folder())
    case.give_away(me.folder())
    p = me.login(status=1)
    case.check(b"belongs to user 65534" in p.errors, "words %r" % p.errors)
    case.equal(me.files(), [], "files")


def unreadable_token_file_is_named(case):
    me = Person(case)
    me.login()
    os.chmod(me.path(), 0)
    more = case.as_nobody()
    p = me.bridge(**more)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "ermission", "check its owner")
    case.equal(me.count("authorize"), 1, "sign-ins")


def wide_token_file_is_narrowed_when_it_is_written(case):
    me = Person(case)
    me.login()
    os.chmod(me.path(), 0o644)
    os.chmod(me.folder(), 0o755)
    me.expire()
    _call(case, me.signed_in_bridge(), 1)
    case.equal((me.mode(me.path()), me.mode(me.folder())), (0o600, 0o700), "modes")


# ---- nowhere to write


def folder_that_cannot_be_written_costs_the_next_run_only(case):
    """A sign-in serves this run, renewed as often as needed, and the person is told."""
    me = Person(case)
    os.mkdir(os.path.join(case.home, ".mcp-auth"))
    more = case.as_nobody()
    me.env = {"BROWSER": case.file("follow", FOLLOW, 0o755)}
    os.chmod(os.path.join(case.home, ".mcp-auth"), 0o555)
    p = me.bridge(**more)
    p.handshake()
    _call(case, p, 1)
    p.wait_error_text("is valid for this run but cannot be saved")
    me.expire()
    _call(case, p, 2)
    case.equal((me.count("authorize"), me.count("reuse"), me.files()), (1, 0, []), "sign-ins, reuse, files")
    os.chmod(os.path.join(case.home, ".mcp-auth"), 0o755)


def folder_of_root_costs_the_next_run_only(case):
    """As a "sudo mpmcp login" leaves it: whose it is and how to get it back is said, and a sign-in serves the run."""
    if os.geteuid() != 0:
        raise Skipped("only root has files that others cannot read")
    me = Person(case)
    me.login()
    place = os.path.dirname(me.folder())
    more = case.as_nobody()
    os.chown(place, 0, 0)
    os.chmod(place, 0o700)
    words = ("belongs to user 0", "sudo chown -R 65534 '%s'" % place, "--auth-dir")
    p = me.bridge(env={}, **more)
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, *words)
    p = me.login(status=1, env={}, **more)
    case.check(all(w.encode() in p.errors for w in words), "words of login %r" % p.errors)
    p = me.run("status", me.url, status=1, **more)
    case.check(all(w.encode() in p.errors for w in words), "words of status %r" % p.errors)
    me.env = {"BROWSER": case.file("follow", FOLLOW, 0o755)}
    before = me.count("authorize")
    p = me.bridge(**more)
    p.handshake()
    _call(case, p, 1)
    p.wait_error_text("is valid for this run but cannot be saved")
    me.expire()
    _call(case, p, 2)
    case.equal((me.count("authorize") - before, me.count("reuse")), (1, 0), "sign-ins and reuse")


def login_as_root_for_somebody_else_is_warned_of(case):
    if os.geteuid() != 0:
        raise Skipped("only root is warned")
    me = Person(case)
    p = me.login(env={**me.env, "SUDO_USER": "jane"})
    case.check(b"as root" in p.errors and b"jane" in p.errors, "words %r" % p.errors)
    case.check(b"as root" not in me.login("--force").errors, "warned of one's own")
    case.give_away(case.home)
    p = me.login("--force")
    case.check(b"as root" in p.errors and b"belongs to user 65534" in p.errors and b"without sudo" in p.errors, "words %r" % p.errors)


def _full(case):
    """No file may grow beyond nothing: the locks can be made, nothing can be written."""
    return case.file("full", "#!/bin/sh\nulimit -f 0\nexec %s \"$@\"\n" % PROGRAM, 0o755)


def full_disk_costs_the_next_run_only(case):
    me = Person(case)
    full = _full(case)
    me.env = {"BROWSER": case.file("follow", FOLLOW, 0o755)}
    p = me.bridge(binary=full)
    p.handshake()
    _call(case, p, 1)
    p.wait_error_text("is valid for this run but cannot be saved")
    me.expire()
    _call(case, p, 2)
    case.equal((me.count("authorize"), me.count("reuse"), me.kept()), (1, 0, []), "sign-ins, reuse, files")
    me.login(status=1, binary=full)
    case.equal([f for f in me.files() if ".tmp" in f], [], "what is left")


def login_that_could_not_be_kept_asks_nobody(case):
    me = Person(case)
    for more in ({"binary": _full(case)}, {"args": ["--auth-dir", case.file("plain", "")]}):
        p = me.login(*more.pop("args", []), status=1, **more)
        case.check(b"a sign-in cannot be saved: " in p.errors, "words %r" % p.errors)
    case.equal((me.count("register"), me.opened(), me.kept()), (0, [], []), "registrations, browsers, files")


def full_disk_keeps_the_sign_in_that_is_there(case):
    me = Person(case)
    me.login()
    before = me.record()
    full = _full(case)
    p = me.bridge(env={}, binary=full)
    p.handshake()
    _call(case, p, 1)
    case.equal(me.record(), before, "what is kept")


def deleted_folder_is_safe(case):
    me = Person(case)
    me.login()
    p = me.bridge()
    p.handshake()
    shutil.rmtree(os.path.join(case.home, ".mcp-auth"))
    case.check("result" in p.call(1, "tools/list"), "the token in memory does not serve")
    me.expire()
    case.check("result" in p.call(2, "tools/list"), "no new sign-in")
    case.equal((me.count("authorize"), len(me.kept())), (2, 1), "sign-ins")


def no_home_is_named(case):
    me = Person(case)
    p = me.bridge(env={"HOME": ""})
    p.send(INITIALIZE)
    case.is_error(p.answer(0), -31000, "--auth-dir")


def killed_sign_ins_leave_the_old_or_the_new(case):
    me = Person(case)
    me.login()
    for n in range(20):
        p = me.login("--force", status=None)
        p.wait_error_text("oauth/authorize")
        if n % 2:
            time.sleep(n * 0.004)  # the moment of the kill is what varies here
        p.process.kill()
        p.process.wait()
        case.check(me.record()["access_token"], "kill %d" % n)


# ---- logout


def logout_revokes_and_forgets_and_can_be_repeated(case):
    me = Person(case, "--fault", "revocation")
    me.login()
    tokens = me.record()
    p = me.run("logout", me.url)
    case.check(b"Signed out of " + me.url.encode() in b"".join(p.lines), "words %r" % p.lines)
    case.equal((me.count("revoke"), me.kept()), (1, []), "revocations and files")
    p = me.run("logout", me.url)
    case.check(b"no sign-in to delete" in b"".join(p.lines), "words %r" % p.lines)
    case.equal(me.count("revoke"), 1, "revocations")
    case.check(not any(tokens["access_token"] in open(f).read() for f in me.files()), "the token is left")


def logout_goes_on_when_the_server_does_not_revoke(case):
    for switches, words in ((["--fault", "revocation-500"], b"did not revoke"), ([], b"the server cannot revoke it")):
        me = Person(case, *switches)
        me.login()
        p = me.run("logout", me.url)
        case.check(words in p.errors + b"".join(p.lines), "words %r %r" % (p.errors, p.lines))
        case.equal(me.kept(), [], "files")


def logout_of_all_is_narrowed_by_address_and_profile(case):
    me, other = Person(case), Person(case)
    for profile in ("a", "b"):
        me.login("--profile", profile)
        other.login("--profile", profile)
    p = me.run("logout", "--all", "--profile", "a")
    case.equal((b"".join(p.lines).count(b"Signed out of"), len(me.kept())), (2, 2), "sign-outs and what is kept")
    p = me.run("logout", "--all", other.url)
    case.equal((b"".join(p.lines).count(b"Signed out of"), len(me.kept())), (1, 1), "sign-outs and what is kept")
    p = me.run("logout", "--all", me.url, "--resource", "https://example.com/", status=2)
    case.check(b"remove --all" in p.errors, "words %r" % p.errors)
    p = me.run("logout", "--all", "eu")
    case.check(b"no sign-in to delete for https://mcp-eu.mixpanel.com/mcp" in b"".join(p.lines).replace(b"\n", b" "), "words %r" % p.lines)
    case.equal(json.load(open(me.path()))["url"], me.url, "what is left")


def logout_forgets_one_profile_or_all(case):
    me = Person(case)
    for profile in ("a", "b", "c"):
        me.login("--profile", profile)
    case.equal(len(me.kept()), 3, "sign-ins")
    me.run("logout", me.url)
    case.equal(len(me.kept()), 3, "sign-ins after that of no profile")
    me.run("logout", me.url, "--profile", "b")
    case.equal(len(me.kept()), 2, "sign-ins")
    case.file("x", "")
    with open(me.kept()[0] + ".broken", "w") as f:
        f.write("tokens")
    p = me.run("logout", "--all")
    case.equal(b"".join(p.lines).count(b"Signed out of"), 2, "words")
    case.equal(sorted({f.rpartition(".")[2] for f in me.files()}), ["count", "lock", "signin"], "what is left: requests belong to the person")


def logout_of_all_does_not_hide_what_it_could_not_read(case):
    me = Person(case)
    me.login("--profile", "later")
    later = me.path()
    me.change(format=2)
    me.login()
    p = me.run("status", me.url)
    case.check(b"later version" in p.errors and b"token    good for" in b"".join(p.lines), "words %r" % p.errors)
    p = me.run("logout", "--all", status=1)
    case.check(b"later version" in p.errors, "words %r" % p.errors)
    case.equal((b"".join(p.lines).count(b"Signed out of"), me.kept()), (1, [later]), "sign-outs and what is kept")
    p = me.run("status", me.url, status=4)
    case.check(b"No sign-in" not in b"".join(p.lines), "words %r" % p.lines)


def logout_of_what_is_not_there_points_at_what_is(case):
    """A wrong region or profile must not look like being signed out."""
    me = Person(case)
    me.login("--profile", "work")
    p = me.run("logout", me.url)
    text = b"".join(p.lines).decode()
    case.check("no sign-in to delete for %s." % me.url in text and "1 other for this address is still saved" in text and "--profile" in text, text)
    p = me.run("logout", me.url, "--profile", "wrok")
    case.check(b"(profile wrok)" in b"".join(p.lines), "words %r" % p.lines)
    case.equal(len(me.kept()), 1, "sign-ins")
    me.run("logout", "--all")
    p = me.run("logout", "--all")
    case.equal(b"".join(p.lines), b"There is no sign-in to delete.\n", "words")


def logout_says_when_what_is_kept_of_the_address_needs_other_options(case):
    me = Person(case)
    me.login()
    record = me.record()
    os.unlink(me.path())
    client = (str(urllib.parse.urlsplit(record["redirect_uri"]).port), "--static-oauth-client-info", json.dumps({"client_id": record["client_id"]}))
    me.login(*client)
    me.login("--profile", "work")
    text = b"".join(me.run("logout", me.url).lines).decode()
    case.check("no sign-in to delete for %s." % me.url in text, text)
    case.check("2 others for this address are still saved" in text and "options that they were made with" in text, text)
    me.run("logout", me.url, "--profile", "work")
    text = b"".join(me.run("logout", me.url).lines).decode()
    case.check("1 other for this address is still saved" in text and "options that it was made with" in text, text)
    case.check("--static-oauth-client-info" in text and "others are still saved" not in text and "other is still saved" not in text, text)
    text = b"".join(me.run("logout", "http://127.0.0.1:1/mcp").lines).decode()
    case.check("for this address" not in text and "1 other is still saved" in text, text)
    case.check(b"Signed out" in b"".join(me.run("logout", me.url, *client[1:]).lines), "not signed out")
    case.equal(me.kept(), [], "sign-ins")


def logout_waits_for_a_refresh_under_way(case):
    """What the refresh brings is revoked and forgotten, too."""
    import threading
    import urllib.request
    me = Person(case, "--fault", "revocation")
    me.login()
    asked, go = threading.Event(), threading.Event()
    real = me.record()["token_endpoint"]

    def handler(r):
        asked.set()
        go.wait(DEADLINE)
        r.json(urllib.request.urlopen(urllib.request.Request(real, r.body, {
            "Content-Type": "application/x-www-form-urlencoded"}), timeout=DEADLINE).read().decode())
    me.change(token_endpoint=case.server(handler).origin + "/token", expires=int(time.time()) - 10)
    b = me.bridge(env={})
    b.send(INITIALIZE)
    case.check(asked.wait(DEADLINE), "no refresh")
    p = case.start("logout", me.url, token=None)
    p.end_input()
    time.sleep(0.2)  # more than nothing, for it to go wrong in
    case.check(p.process.poll() is None and me.kept(), "it did not wait")
    go.set()
    case.equal((p.wait(), me.kept(), me.count("revoke")), (0, [], 1), "status, files, revocations")


# ---- status


def status_says_what_is_kept_and_what_is_used(case):
    me = Person(case)
    p = me.run("status", me.url, status=4)
    host = me.url.split("/")[2]
    case.equal(b"".join(p.lines).decode().splitlines()[0], 'Not signed in to %s. Run "mpmcp login %s".' % (host, me.url), "answer")
    me.login()
    p = me.run("status", me.url)
    text = b"".join(p.lines).decode()
    case.check(text.startswith("Signed in to %s; refreshed automatically; 9 h 59 min left.\n" % host) or
               text.startswith("Signed in to %s; refreshed automatically; 10 h 0 min left.\n" % host), "the answer comes first: " + text)
    for word in ("URL      " + me.url, "token    good for"):
        case.check(word in text, "%r is not in %s" % (word, text))
    for word in ("scopes   projects", me.path()):
        case.check(word not in text and word in b"".join(me.run("status", "-v", me.url).lines).decode(), "%r, without and with -v" % word)
    p = me.run("status", me.url, "--json", "--check")
    told = json.loads(p.lines[0])
    case.equal((told["sign_in_needed"], told["works"], len(told["sign_ins"])), (False, "yes", 1), "status")
    me.change(refresh_token=None, expires=int(time.time()) - 5)
    me.run("status", me.url, status=4)


def status_names_the_service_account_that_goes_before_a_sign_in(case):
    me = Person(case)
    me.login()
    p = me.run("status", me.url, env={"MIXPANEL_SA_TOKEN": TOKEN})
    case.check(b"MIXPANEL_SA_TOKEN; sign-ins are not used" in b" ".join(b"".join(p.lines).split()), "words %r" % p.lines)
    p = me.login("--force", env={"MIXPANEL_SA_TOKEN": TOKEN, **me.env})
    warned, asked = p.errors.find(b"bridges use the service account in MIXPANEL_SA_TOKEN"), p.errors.find(b"Opening your browser")
    case.check(0 <= warned < asked, "the warning comes before the page: %r" % p.errors)


def status_is_offline_unless_it_is_told_to_check(case):
    me = Person(case)
    me.login()
    before = len(me.ask("log"))
    me.run("status", me.url)
    case.equal(len(me.ask("log")), before, "requests")
    me.expire()
    me.run("status", me.url, "--check")
    case.equal(me.count("token:refresh_token"), 1, "refreshes")
    me.ask("revoke")
    p = me.run("status", me.url, "--check", status=4)
    case.check(b"mpmcp login" in p.errors, "words %r" % p.errors)
    case.equal(me.count("authorize"), 1, "pages")


def status_shows_what_its_check_found_out(case):
    me = Person(case)
    me.login()
    me.ask("revoke")
    p = me.run("status", me.url, "--check", status=4)
    text = b"".join(p.lines).decode()
    case.check("token    none: sign in again" in text and "good for" not in text and "refresh" not in text and "does not accept it" in text, text)
    me.login("--force")
    me.ask("revoke")
    p = me.run("status", me.url, "--check", "--json", status=4)
    told = json.loads(p.lines[0])
    case.equal((told["works"], told["sign_ins"][0]["signed_in"]), ("no", False), "status")


def status_does_not_take_a_missing_answer_for_a_refusal(case):
    me = Person(case)
    me.login()
    me.set(fail="initialize=500")
    told = json.loads(me.run("status", me.url, "--check", "--json", status=1).lines[0])
    case.equal((told["works"], told["sign_in_needed"]), ("unknown", False), "after HTTP 500")
    me.box["process"].kill()
    me.box["process"].wait()
    told = json.loads(me.run("status", me.url, "--check", "--json", status=5).lines[0])
    case.equal((told["works"], told["sign_in_needed"]), ("unknown", False), "without a server")


def status_checks_a_server_of_the_new_era(case):
    me = Person(case, "--era", "modern")
    me.login()
    p = me.run("status", me.url, "--check")
    case.check(b"The service accepts it." in b" ".join(b"".join(p.lines).split()), "words %r" % p.lines)


# ---- sign-ins of mcp-remote


def _give_to_mcp_remote(case, me, folder="mcp-remote-v1", name=None, **more):
    """Makes the kept sign-in one of mcp-remote's."""
    record = me.record()
    os.unlink(me.path())
    name = hashlib.md5((name or me.url).encode()).hexdigest()
    folder = os.path.join(case.home, ".mcp-auth", folder)
    os.makedirs(folder, exist_ok=True)
    tokens = {"access_token": record["access_token"], "refresh_token": record["refresh_token"], "token_type": "Bearer",
              "expires_in": 36000, "expires_at": int((time.time() + 36000) * 1000), "requested_scope": "projects", **more}
    client = {"client_id": record["client_id"], "redirect_uris": [record["redirect_uri"]]}
    for kind, content in (("tokens", tokens), ("client_info", client)):
        path = os.path.join(folder, "%s_%s.json" % (name, kind))
        case.theirs.add(path)
        with open(path, "w") as f:
            json.dump({k: v for k, v in content.items() if v is not None}, f)
    return record


def sign_in_of_mcp_remote_is_imported_and_proven(case):
    me = Person(case)
    me.login()
    record = _give_to_mcp_remote(case, me)
    p = me.login("--import", env={})
    case.check(b"mcp-remote must sign in again" in p.errors and b"Signed in to" in b"".join(p.lines), "words")
    case.equal((me.record()["client_id"], me.record()["issuer"]), (record["client_id"], record["issuer"]), "client and issuer")
    me.expire()
    _call(case, me.signed_in_bridge(), 1)
    case.equal(me.count("authorize"), 1, "sign-ins")
    p = me.login("--import", env={})
    case.check(b"Already signed in" in b"".join(p.lines), "words %r" % p.lines)


def import_does_not_replace_a_sign_in_that_was_saved_meanwhile(case):
    me = Person(case)
    me.login()
    path, asked = me.path(), len(me.ask("log"))
    record = _give_to_mcp_remote(case, me)
    with open(path[:-len("json")] + "lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        p = case.start("login", me.url, "--import", token=None)
        p.end_input()
        while len(me.ask("log")) == asked:  # it has seen what is kept, and looks for the server
            case.check(p.process.poll() is None, "ended early: %r" % p.errors)
            time.sleep(0.02)
        with open(path, "w") as f:
            json.dump({**record, "refresh_token": "refresh-of-others"}, f)
        os.chmod(path, 0o600)
    case.equal(p.wait(), 1, "status (%r)" % p.errors)
    case.check(b"another sign-in was saved meanwhile" in p.errors, "words %r" % p.errors)
    case.equal(me.record()["refresh_token"], "refresh-of-others", "what is kept")


def ended_sign_in_of_mcp_remote_is_renewed_on_import(case):
    me = Person(case)
    me.login()
    _give_to_mcp_remote(case, me, folder="mcp-remote-0.1.18", expires_at=None)
    me.expire()
    me.login("--import", env={})
    case.equal((me.count("token:refresh_token"), me.count("reuse")), (1, 0), "refreshes and reuse")


def dead_sign_in_of_mcp_remote_is_not_taken_for_one(case):
    me = Person(case)
    me.login()
    _give_to_mcp_remote(case, me)
    me.ask("revoke")
    p = me.login("--import", env={}, status=4)
    case.check(b"mpmcp login" in p.errors, "words %r" % p.errors)


def import_finds_what_the_headers_of_an_entry_name(case):
    me = Person(case)
    me.login()
    _give_to_mcp_remote(case, me, name='%s|{"X-Org":"${ORG}"}' % me.url)
    env = {"ORG": "seven"}
    p = me.login("--import", env=env, status=4)
    case.check(b"no sign-in of mcp-remote" in p.errors, "words %r" % p.errors)
    me.login("--import", "--header", "X-Org: ${ORG}", env=env)


def import_of_another_issuer_is_refused(case):
    me = Person(case)
    me.login()
    _give_to_mcp_remote(case, me, issuer="https://elsewhere.example")
    p = me.login("--import", env={}, status=4)
    case.check(b"another issuer" in p.errors and not me.kept(), "words %r" % p.errors)
