"""Every switch of the sandbox, one row each: the command line, --help and /_sandbox/set read it."""

import argparse
from collections import namedtuple

import faults

REVISIONS = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]

# kind: bool, int, str, "list" (may be given again), "pair" (two words), or a list of words to choose from.
# live: may be changed while the sandbox runs.
Switch = namedtuple("Switch", "name kind default help metavar live")


def row(name, kind, default, text, metavar=None, live=True):
    return Switch(name, kind, default, text, metavar, live)


GROUPS = [
    ("life", [
        row("port", int, 0, "port of the MCP origin (0: any free one)", "N", False),
        row("oauth-port", int, 0, "port of the OAuth origin (0: any free one)", "N", False),
        row("called", "pair", None, "the origins as documents name them, when something stands before the sandbox",
            ("MCP", "OAUTH"), False),
        row("explain", bool, False, "tell a person what to paste where (also when stdout is a terminal)", None, False),
        row("until-eof", bool, False, "leave when standard input ends", None, False),
        row("log", str, None, "append a JSON line for every HTTP request; credentials as hashes", "FILE", False),
        row("log-bodies", bool, False, "the log holds JSON-RPC bodies as they came"),
    ]),
    ("protocol", [
        row("era", ["legacy", "modern", "dual"], "legacy", "initialize and sessions, 2026-07-28, or both"),
        row("revision", REVISIONS, "2025-11-25", "newest legacy revision that is understood", "DATE"),
        row("initialize-refusal", ["header", "version", "method"], "header",
            "what a modern server says to initialize: -32020, -32022 or -32601"),
        row("version-hiccup", int, 0, "refuse the first N modern requests with a -32022 that lists their revision", "N"),
        row("no-result-type", bool, False, "modern results without resultType"),
        row("param-header", str, "Region", "header in which test-header wants its region (change it live: HeaderMismatch)",
            "NAME"),
        row("stateful", bool, False, "session ids: 400 when missing, 404 when unknown"),
        row("json", bool, False, "answer with JSON instead of event streams (--sse is the default)"),
        row("lf", bool, False, "event streams with LF line ends instead of CRLF"),
        row("ping-comments", bool, False, "': ping' comments in event streams"),
        row("resumable", bool, False, "event ids, retry, and resumption by Last-Event-ID"),
        row("retry-ms", int, 300, "the retry field of resumable streams", "MS"),
        row("get", ["405", "401", "stream"], "405", "what GET on the endpoint answers"),
        row("delete", ["auto", "200", "405"], "auto", "what DELETE answers (auto: 200 when stateful)"),
        row("batch", bool, False, "take batch arrays, as servers of 2025-03-26 may"),
        row("http-sse", bool, False, "the old transport of 2024-11-05 at /sse and /messages/"),
    ]),
    ("credentials and limits", [
        row("auth", ["required", "none", "late", "after-initialize"], "required",
            "late: 401 at tools/call only; after-initialize: at all but initialize and server/discover"),
        row("challenge", ["auto", "full", "bare", "silent", "many"], "auto",
            "form of a 401: auto is bare without and full with a token; many: beside other schemes"),
        row("challenge-scope", str, None, "scope= in the 401", "SCOPES"),
        row("account-expired", bool, False, "the service account is refused"),
        row("step-up", str, None, "tools/call answers 403 insufficient_scope without SCOPE", "SCOPE"),
        row("scope-denied", ["text", "jsonrpc", "403", "403-bare"], "text",
            "how a tool says that a scope is missing (403-bare: without scope=)"),
        row("deny-tool", "list", [], "this tool says that a scope is missing, whatever the token", "NAME"),
        row("not-enabled", bool, False, "MCP is not enabled for any project (always so for project 403403)"),
        row("rate", int, 0, "refuse after N requests an hour (0: never; the service has 600)", "N"),
        row("rate-form", ["429", "429-no-retry-after", "429-bare", "jsonrpc"], "429", "how that is said"),
        row("retry-after", str, None, "value of Retry-After in a 429 (else the honest number)", "TEXT"),
        row("latency", "list", [], "wait before each answer, or before those of one method", "[METHOD=]MS"),
        row("fail", "list", [], "an HTTP failure for a method (or GET, DELETE, *): " + " ".join(sorted(faults.HTTP)),
            "METHOD=KIND"),
        row("fail-times", int, 0, "only so many of them (0: always)", "N"),
    ]),
    ("tools", [
        row("page-size", int, 0, "tools/list in pages of N", "N"),
        row("annotations", ["all", "some", "none", "lies"], "all", "some: every other tool; lies: deletions say they only read"),
        row("new-tool", "list", [], "a further tool that no list knows", "NAME"),
        row("test-tools", bool, False, "also the tools test-...: questions, odd answers, faults (trials.py)"),
    ]),
    ("signing in", [
        row("auto", ["off", "approve", "deny"], "off", "answer authorize at once, without a consent page"),
        row("login", bool, False, "a login page before the consent page"),
        row("token-ttl", int, 36000, "lifetime and expires_in of access tokens", "S"),
        row("grown-scopes", bool, False, "the server knows two scopes more"),
        row("require-resource", bool, False, "authorize and token need the resource parameter"),
        row("fault", "list", [], "make one thing of signing in wrong or different (--list-faults)", "NAME"),
    ]),
]
ROWS = {r.name: r for _, rows in GROUPS for r in rows}
# Other spellings: option -> (switch, value).
ALIASES = {"sse": ("json", False), "bare-401": ("challenge", "bare"), "no-annotations": ("annotations", "none")}


class Switches:
    """The values, as attributes; '-' in a name is '_'."""

    def __init__(self, values):
        self.__dict__.update(values)

    def set(self, name, text):
        """Changes one while running; text as on the command line, lists joined by commas."""
        known = ROWS.get(name)
        if name in ALIASES:
            name, value = ALIASES[name]
        elif known is None or not known.live:
            raise ValueError("no switch %s that can be changed" % name)
        else:
            value = parse(known, text)
        setattr(self, name.replace("-", "_"), value)
        return value

    def live(self):
        return {r.name: getattr(self, r.name.replace("-", "_")) for r in ROWS.values() if r.live}


def parse(switch, text):
    if isinstance(switch.kind, list):
        if str(text) not in switch.kind:
            raise ValueError("%s takes %s" % (switch.name, ", ".join(switch.kind)))
        return str(text)
    if switch.kind is bool:
        return text if isinstance(text, bool) else str(text).lower() not in ("", "0", "no", "off", "false")
    if switch.kind == "list":
        items = text if isinstance(text, list) else [t for t in str(text).split(",") if t]
        return [checked(switch.name, item) for item in items]
    if switch.kind is int:
        return int(text)
    return str(text) if text else None


def checked(name, item):
    """An item of a list switch, refused when it can mean nothing."""
    if name == "fault" and item not in faults.OAUTH:
        raise ValueError("no fault %s; --list-faults names them" % item)
    if name == "fail" and item.partition("=")[2] not in faults.HTTP:
        raise ValueError("--fail takes METHOD=KIND with a KIND of " + ", ".join(sorted(faults.HTTP)))
    if name == "latency" and not item.rpartition("=")[2].isdigit():
        raise ValueError("--latency takes milliseconds")
    return item


class ListFaults(argparse.Action):
    def __call__(self, parser, *rest):
        for title, table in (("--fault NAME", faults.OAUTH), ("--fail METHOD=KIND", faults.HTTP)):
            print(title)
            for name, text in table.items():
                print("  %-22s %s" % (name, text))
        parser.exit()


def read(argv):
    p = argparse.ArgumentParser(
        prog="sandbox.py", usage="sandbox.py [switches]", description="A local imitation of Mixpanel's hosted MCP service.",
        epilog="Most switches can be changed while it runs: /_sandbox/set?NAME=VALUE on either origin.",
        formatter_class=lambda prog: argparse.HelpFormatter(prog, max_help_position=34, width=110))
    for title, rows in GROUPS:
        group = p.add_argument_group(title)
        for r in rows:
            more = {"help": r.help.replace("%", "%%"), "default": r.default}
            if r.kind is bool:
                more["action"] = "store_true"
            elif r.kind == "list":
                more.update(action="append", metavar=r.metavar, default=None)
            elif r.kind == "pair":
                more.update(nargs=2, metavar=r.metavar)
            elif isinstance(r.kind, list):
                more.update(choices=r.kind, metavar=r.metavar)
            else:
                more.update(type=r.kind, metavar=r.metavar)
            group.add_argument("--" + r.name, **more)
    for alias, (name, value) in ALIASES.items():
        p.add_argument("--" + alias, dest=name.replace("-", "_"), action="store_const", const=value, default=argparse.SUPPRESS,
                       help="same as --%s %s" % (name, value) if value else "not --" + name)
    p.add_argument("--list-faults", action=ListFaults, nargs=0, help="what --fault and --fail take")
    given = vars(p.parse_args(argv))
    given.pop("list_faults")
    try:
        for r in ROWS.values():
            key = r.name.replace("-", "_")
            if r.kind == "list":
                given[key] = [checked(r.name, item) for item in given[key] or []]
    except ValueError as problem:
        p.error(str(problem))
    return Switches(given)
