#!/usr/bin/env python3
"""packaging/install.sh, with a release of three small files: every shell here installs, updates and removes it,
and installs nothing that is damaged, of another sum, incomplete, or does not run."""

import functools
import hashlib
import http.server
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(TOP, "packaging/install.sh")
SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"]]
TARGETS = ["x86_64-linux-gnu.2.33", "x86_64-linux-musl", "aarch64-linux-musl", "aarch64-macos.11", "x86_64-macos.11"]
FILES = ["share/man/man1/mpmcp.1", "share/bash-completion/completions/mpmcp", "share/zsh/site-functions/_mpmcp",
         "share/fish/vendor_completions.d/mpmcp.fish", "share/doc/mpmcp/LICENSE"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def release(folder, version, program):
    """A folder of archives, one for each target, and their sums."""
    sums = ""
    for target in TARGETS:
        root = "mpmcp-%s-%s" % (version, target)
        path = os.path.join(folder, root + ".tar.gz")
        with tarfile.open(path, "w:gz") as tar:
            for name, text, mode in [("bin/mpmcp", program, 0o755)] + [(f, f, 0o644) for f in FILES]:
                info = tarfile.TarInfo(root + "/" + name)
                info.size, info.mode = len(text), mode
                tar.addfile(info, io.BytesIO(text.encode()))
        with open(path, "rb") as f:
            sums += "%s  %s\n" % (hashlib.sha256(f.read()).hexdigest(), os.path.basename(path))
    with open(os.path.join(folder, "SHA256SUMS"), "w") as f:
        f.write(sums)


def archives(folder):
    return [os.path.join(folder, f) for f in os.listdir(folder) if f.endswith(".gz")]


def shorten(folder):
    for path in archives(folder):
        os.truncate(path, os.path.getsize(path) // 2)


def wrong_sum(folder):
    with open(os.path.join(folder, "SHA256SUMS")) as f:
        text = f.read()
    with open(os.path.join(folder, "SHA256SUMS"), "w") as f:
        f.write("\n".join("0" * 64 + line[64:] for line in text.splitlines()) + "\n")


def not_listed(folder):
    open(os.path.join(folder, "SHA256SUMS"), "w").close()


def missing(folder):
    for path in archives(folder):
        os.remove(path)


class Trial:
    def __init__(self, shell, base):
        self.shell, self.base = shell, base
        self.home, self.place = os.path.join(base, "home"), os.path.join(base, "dist")
        os.makedirs(self.home)
        os.makedirs(self.place)
        self.problems = []

    def run(self, *args, status=0, says=""):
        env = {"HOME": self.home, "PATH": os.environ["PATH"], "TMPDIR": self.base}
        done = subprocess.run([*self.shell, SCRIPT, *args], env=env, capture_output=True, text=True, timeout=60)
        out = done.stdout + done.stderr
        if done.returncode != status or says not in out:
            self.problems.append("%s %s: status %d, expected %d and %r:\n%s"
                                 % (" ".join(self.shell), " ".join(args), done.returncode, status, says, out))

    def expect(self, what, good):
        if not good:
            self.problems.append("%s: %s" % (" ".join(self.shell), what))

    def installed(self, prefix):
        found = sorted(os.path.relpath(os.path.join(d, f), prefix) for d, _, fs in os.walk(prefix) for f in fs)
        return found


def whole(trial, url):
    local = os.path.join(trial.home, ".local")
    release(trial.place, "1.2.3", "#!/bin/sh\necho mpmcp 1.2.3\n")
    trial.run("--from", url, says="installed " + local)
    trial.expect("not every file was installed: %s" % trial.installed(local),
                 trial.installed(local) == sorted(["bin/mpmcp", *FILES]))
    trial.expect("the program cannot be run", os.access(os.path.join(local, "bin/mpmcp"), os.X_OK))
    for path in archives(trial.place):
        os.remove(path)
    release(trial.place, "1.2.4", "#!/bin/sh\necho mpmcp 1.2.4\n")
    trial.run("--from", url, says="mpmcp 1.2.4")
    trial.run("--from", trial.place, "--prefix", os.path.join(trial.base, "a b"), says="is not in your PATH")
    trial.expect("--prefix with a blank", os.path.exists(os.path.join(trial.base, "a b/bin/mpmcp")))
    mac = os.path.join(trial.base, "mac")
    trial.run("--from", url, "--target", "aarch64-macos.11", "--prefix", mac, says="built, not run by us")
    trial.run("--from", url, "--target", "sparc-linux-gnu", status=1, says='no archive for "sparc-linux-gnu"')
    trial.run("--uninstall", says="removed")
    trial.expect("left behind: %s" % trial.installed(local), not trial.installed(local))
    trial.run("--uninstall", status=1, says="does not exist")
    trial.run("--wrong", status=1, says='unexpected argument "--wrong"')
    trial.run(status=1, says="--from")


def broken(trial, damage, says, program="#!/bin/sh\necho mpmcp\n"):
    release(trial.place, "1.2.3", program)
    if damage:
        damage(trial.place)
    local = os.path.join(trial.home, ".local")
    trial.run("--from", trial.place, status=1, says=says)
    trial.expect("something was installed", not os.path.exists(local) or not trial.installed(local))
    trial.expect("temporary files stay", not [f for f in os.listdir(trial.base) if f.startswith("tmp.")])


def trials(shell):
    def fresh(base, number):
        folder = os.path.join(base, str(number))
        os.makedirs(folder)
        return Trial(shell, folder)

    with tempfile.TemporaryDirectory() as base:
        first = fresh(base, 0)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=first.place))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        whole(first, "http://127.0.0.1:%d" % server.server_address[1])
        server.shutdown()
        yield from first.problems
        for n, (damage, says, *program) in enumerate([
                (shorten, "is damaged or was replaced"), (wrong_sum, "is damaged or was replaced"),
                (not_listed, "lists no archive"), (missing, "cannot get mpmcp-1.2.3"),
                (None, "does not run here", "#!/no/such/interpreter\n")], 1):
            trial = fresh(base, n)
            broken(trial, damage, says, *program)
            yield from trial.problems


def main():
    found = [p for shell in SHELLS if shutil.which(shell[0]) for p in trials(shell)]
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
