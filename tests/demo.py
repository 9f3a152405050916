#!/usr/bin/env python3
"""make demo: what a newcomer sees first. Starts the sandbox, signs in to it with
a scripted browser, puts the bridge in front of it as a client would, and shows
a short session readably."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Bridge:
    """The program as a client's command."""

    def __init__(self, program, url, env):
        self.process = subprocess.Popen([program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        self.ident = 0

    def send(self, message):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params=None):
        self.ident += 1
        self.send({"jsonrpc": "2.0", "id": self.ident, "method": method, "params": params or {}})
        for line in iter(self.process.stdout.readline, b""):
            message = json.loads(line)
            if message.get("id") == self.ident:
                if "error" in message:
                    sys.exit("the bridge answered with an error: " + message["error"]["message"])
                return message["result"]
        sys.exit("the bridge ended without an answer")

    def end(self):
        self.process.stdin.close()
        return self.process.wait(30)


def say(title, text=""):
    print("\n\033[1m%s\033[0m" % title if sys.stdout.isatty() else "\n== " + title)
    if text:
        print(textwrap.indent(text, "   "))


def session(program, facts, env, short=False):
    bridge = Bridge(program, facts["mcp"], env)
    result = bridge.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                       "clientInfo": {"name": "demo", "version": "1"}})
    bridge.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    say("initialize", "server    %s\nrevision  %s" % (result["serverInfo"]["name"], result["protocolVersion"]))
    found = bridge.ask("tools/list")["tools"]
    say("tools/list: %d tools" % len(found), "\n".join("%-24s %s" % (t["name"], t["description"]) for t in found[:5]) + "\n...")
    projects = bridge.ask("tools/call", {"name": "Get-Projects", "arguments": {}})["structuredContent"]
    say("tools/call Get-Projects", "\n".join("%s  %s" % (k, v["name"]) for k, v in projects.items()))
    project = int(next(iter(projects)))
    if short:
        return bridge.end()
    query = bridge.ask("tools/call", {"name": "Run-Query", "arguments": {
        "project_id": project, "report_type": "insights", "report": {"event": "Order Placed"}}})["structuredContent"]
    rows = next(iter(query["series"].values()))
    most = max(rows.values())
    say("tools/call Run-Query: orders by day",
        "\n".join("%s %6d %s" % (day, n, "#" * (n * 30 // most)) for day, n in rows.items()))
    return bridge.end()


# Stands for a person whose browser is signed in already: follows the page to its end.
BROWSER = "#!%s\nimport sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=60).read()\n" % sys.executable


def sign_in(program, facts, folder):
    browser = os.path.join(folder, "browser")
    with open(browser, "w", encoding="utf-8") as f:
        f.write(BROWSER)
    os.chmod(browser, 0o755)
    env = {k: v for k, v in os.environ.items() if k not in ("CI", "MIXPANEL_SA_TOKEN", "MPMCP_AUTH_DIR", "MCP_REMOTE_CONFIG_DIR")}
    env.update(HOME=folder, BROWSER=browser)
    done = subprocess.run([program, "login", facts["mcp"]], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
    if done.returncode != 0:
        sys.exit("the sign-in failed: " + done.stderr)
    say("mpmcp login", textwrap.shorten(done.stderr, 160) + "\n" + done.stdout.replace(folder, "~").strip())
    return env


def main():
    program = os.path.abspath(sys.argv[1])
    folder = tempfile.mkdtemp(prefix="mpmcp-demo-")
    sandbox = subprocess.Popen([sys.executable, os.path.join(ROOT, "tests/server/sandbox.py"), "--until-eof", "--auto", "approve"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        facts = json.loads(sandbox.stdout.readline())
        say("A local imitation of Mixpanel's MCP service runs at " + facts["mcp"],
            "No account is needed; the data is made up. First a person signs in; the\nbrowser is a script here.")
        env = sign_in(program, facts, folder)
        say("A client starts the bridge", "mpmcp " + facts["mcp"])
        status = session(program, facts, env)
        say("The same with a service account, as in CI", "MIXPANEL_SA_TOKEN=... mpmcp " + facts["mcp"])
        status = status or session(program, facts, dict(env, MIXPANEL_SA_TOKEN=facts["token"], HOME=os.path.join(folder, "nobody")), short=True)
    finally:
        sandbox.stdin.close()
        sandbox.wait(30)
        shutil.rmtree(folder, ignore_errors=True)
    say("Done: the bridge ended with status %d" % status, "Next: put mpmcp into your client's configuration (README.md).")
    return status


if __name__ == "__main__":
    sys.exit(main())
