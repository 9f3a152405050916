"""Completion in bash, zsh and fish, as somebody types it: each shell that is there runs on a terminal."""

import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import termios
import time

import harness

# Typed, with a tab at the end; the words that the program then gets. Every shell must agree.
TYPED = (
    ("mpmcp stat", ["status"]),
    ("mpmcp setup curs", ["setup", "cursor"]),
    ("mpmcp setup cursor --service", ["setup", "cursor", "--service-account"]),
    ("mpmcp --region e", ["--region", "eu"]),
    ("mpmcp --region=e", ["--region=eu"]),
    ("mpmcp --transport sse-o", ["--transport", "sse-only"]),
    ("mpmcp --protocol leg", ["--protocol", "legacy"]),
    ("mpmcp setup --region eu wind", ["setup", "--region", "eu", "windsurf"]),
    ("mpmcp --only-tool @boa", ["--only-tool", "@boards"]),
    ("mpmcp --ignore-tool=@fla", ["--ignore-tool=@flags"]),
    ("mpmcp --only-tool Run-Q", ["--only-tool", "Run-Query"]),
    ("mpmcp call Get-Bus", ["call", "Get-Business-Context"]),
    ("mpmcp call Run-Query @argu", ["call", "Run-Query", "@arguments.json"]),
    ("mpmcp --cacert argu", ["--cacert", "arguments.json"]),
    ("mpmcp --cacert=argu", ["--cacert=arguments.json"]),
    ("mpmcp --static-oauth-client-info @argu", ["--static-oauth-client-info", "@arguments.json"]),
    ("mpmcp --auth-dir fold", ["--auth-dir", "folder"]),
    ("mpmcp login --impo", ["login", "--import"]),
    ("mpmcp logout --impo", ["logout", "--impo"]),  # no option of it
    ("mpmcp --profile stat", ["--profile", "stat"]),  # a value, no command
    ("mpmcp --profile login stat", ["--profile", "login", "status"]),
    ("mpmcp completion fi", ["completion", "fish"]),
    ("mpmcp help compl", ["help", "completion"]),
    ("mpmcp --profile wor", ["--profile", "work"]),
    ("mpmcp logout --no-brow", ["logout", "--no-brow"]),  # nothing that it would change
    ("mpmcp call URL Get-Bus", ["call", "URL", "Get-Business-Context"]),
    ("mpmcp call URL Run-Query rep", ["call", "URL", "Run-Query", "report"]),  # report_type= and report=
    ("mpmcp call URL Run-Query project_id=1 report_t", ["call", "URL", "Run-Query", "project_id=1", "report_type="]),
    ("mpmcp call URL Run-Query report_type=fu", ["call", "URL", "Run-Query", "report_type=funnels"]),
    ("mpmcp call URL Run-Query report=@argu", ["call", "URL", "Run-Query", "report=@arguments.json"]),
    ("mpmcp login e", ["login", "eu"]),
    ("mpmcp doctor gem", ["doctor", "gemini"]),
    ("mpmcp tools @fla", ["tools", "@flags"]),
)

SHELLS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"],
             "PS1='$ready$ '; ready=READY; source ./script; mpmcp() { printf 'GOT'; printf '<%s>' \"$@\"; echo ' END'; }"),
    "zsh": (["zsh", "-f", "-i"],
            "PS1='READY$ '; unsetopt prompt_sp prompt_cr; mkdir site; cp script site/_mpmcp; fpath=($PWD/site $fpath); "
            "autoload -Uz compinit; compinit -u -D; mpmcp() { printf 'GOT'; printf '<%s>' \"$@\"; echo ' END'; }"),
    "zsh, sourced": (["zsh", "-f", "-i"],
                     "PS1='READY$ '; unsetopt prompt_sp prompt_cr; autoload -Uz compinit; compinit -u -D; source ./script; "
                     "mpmcp() { printf 'GOT'; printf '<%s>' \"$@\"; echo ' END'; }"),
    "fish": (["fish", "--no-config", "-i"],
             "function fish_prompt; echo -n 'READY$ '; end; function fish_greeting; end; source ./script; "
             "function mpmcp; printf GOT; printf '<%s>' $argv; echo ' END'; end"),
}


class _Terminal:
    """A shell on a terminal of its own."""

    def __init__(self, case, argv, token):
        self.master, slave = harness.terminal()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        env = {"HOME": case.home, "PATH": case.folder + ":" + os.environ["PATH"], "TERM": "dumb", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": case.home,
               "XDG_DATA_HOME": case.home, "XDG_CACHE_HOME": case.home, "MIXPANEL_SA_TOKEN": token}
        take = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
        self.process = subprocess.Popen([sys.executable, "-c", take] + argv, stdin=slave, stdout=slave, stderr=slave, cwd=case.folder,
                                        env=env, start_new_session=True)
        os.close(slave)
        self.seen = b""
        self.poll = select.poll()  # the suite has more descriptors open than select() takes
        self.poll.register(self.master, select.POLLIN)

    def send(self, text):
        os.write(self.master, text.encode())

    def until(self, mark):
        """What came up to the mark, which is taken away too."""
        limit = time.monotonic() + harness.DEADLINE
        while mark not in self.seen:
            ready = self.poll.poll(1000 * max(0, limit - time.monotonic()))
            try:
                piece = os.read(self.master, 65536) if ready else b""
            except OSError:
                piece = b""
            if not piece:
                raise harness.Failed("no %r on the terminal, but %r" % (mark, self.seen[-600:]))
            self.seen += piece
        before, _, self.seen = self.seen.partition(mark)
        return before

    def close(self):
        with contextlib.suppress(OSError):
            os.killpg(self.process.pid, 9)
        self.process.wait()
        os.close(self.master)


def _try(case, shell, typed_words=TYPED):
    argv, prepare = SHELLS[shell]
    if not shutil.which(argv[0]):
        raise harness.Skipped("%s is not installed" % argv[0])
    box = case.sandbox()
    case.equal(case.start("tools", box["mcp"], token=box["token"]).finish(), 0, "the list of tools, which is kept")
    p = case.start("completion", argv[0], token=None)
    case.equal(p.finish(), 0, "status")
    case.file("script", b"".join(p.lines))
    case.check(len(p.lines) < 25, "the script is %d lines long: what is offered is decided in one place" % len(p.lines))
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    with open(os.path.join(folder, "a.json"), "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
        json.dump({"format": 1, "url": "https://mcp.example.com/mcp", "profile": "work"}, f)
    os.symlink(harness.PROGRAM, os.path.join(case.folder, "mpmcp"))
    case.file("arguments.json", "{}")
    os.mkdir(os.path.join(case.folder, "folder"))
    terminal = _Terminal(case, argv, box["token"])
    try:
        terminal.send(prepare + "; echo PRE''PARED\n")
        terminal.until(b"PREPARED")
        for typed, words in typed_words:
            terminal.until(b"READY$ ")
            terminal.send(typed.replace("URL", box["mcp"]) + "\t\n")
            terminal.until(b"GOT")
            case.equal(terminal.until(b" END").decode().strip("<>").replace("/>", ">").rstrip("/").split("><"), [word.replace("URL", box["mcp"]) for word in words], typed)
    finally:
        terminal.close()


def bash_completes_what_is_typed(case):
    _try(case, "bash")


def zsh_completes_what_is_typed(case):
    _try(case, "zsh")


def zsh_takes_the_script_in_a_start_up_file(case):
    _try(case, "zsh, sourced", TYPED[:4])


def fish_completes_what_is_typed(case):
    _try(case, "fish")


def completion_needs_a_shell(case):
    for words in ([], ["tcsh"], ["bash", "zsh"]):
        p = case.start("completion", *words, token=None)
        case.equal(p.finish(), 2, "status")
        case.check(b"bash, zsh or fish" in p.errors, "no shells named")


def words_that_a_shell_would_obey_are_not_offered(case):
    """What is offered comes from files that a server has a say in, and goes onto the command line as it stands."""
    folder = os.path.join(case.home, ".mcp-auth", "mpmcp")
    os.makedirs(folder, mode=0o700)
    for i, profile in enumerate(("good", "g;touch x", "g$(id)", "g`id`", "g\n", "g a", "g\u00e9")):
        with open(os.path.join(folder, "%d.json" % i), "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as f:
            json.dump({"format": 1, "url": "https://mcp.example.com/\x1b\t\n", "profile": profile}, f)
    p = case.start("completion", "--words", "--", "--profile", "g", token=None)
    case.equal(p.finish(), 0, "status")
    case.equal(p.lines, [b"good\thttps://mcp.example.com/?\n"], "answers")


def words_of_a_server_are_no_options_and_no_files(case):
    """Who takes what is offered must not send a file, or a variable, by it."""
    schema = {"type": "object", "properties": {"--header": {}, "@file": {}, "of": {"enum": ["@/etc/hosts", "-x", "mine"]}}}
    tools = [{"name": name, "inputSchema": schema} for name in ("--log-calls=/tmp/x", "@boards", ":files", "=ls", "good")]
    server = case.server(lambda r: r.answer({"tools": tools} if r.rpc_method == "tools/list" else None))
    case.equal(case.start("tools", server.url).finish(), 0, "the list of tools, which is kept")
    for words, want in ((["call", server.url, ""], ["good"]), (["call", server.url, "--log-calls=/"], []), (["call", server.url, "good", ""], ["of="]),
                        (["call", server.url, "good", "of="], ["of=mine"])):
        p = case.start("completion", "--words", "--", *words)
        case.equal(p.finish(), 0, "status")
        answers = [line.decode().split("\t")[0] for line in p.lines]
        case.equal([a for a in answers if not a.startswith(":files ")], want, "answers to %r" % words[2:])
