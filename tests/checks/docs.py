#!/usr/bin/env python3
"""--help, man page, README and code agree on options, environment, exit statuses and revisions."""

import glob
import os
import re
import subprocess
import sys

os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.environ.get("MPMCP", "build/mpmcp")


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def compare(what, a_name, a, b_name, b):
    problems = ["%s %s: in %s, not in %s" % (what, x, a_name, b_name) for x in sorted(a - b)]
    return problems + ["%s %s: in %s, not in %s" % (what, x, b_name, a_name) for x in sorted(b - a)]


def variables_of_code():
    found = set()
    for path in glob.glob("lib/**/*.c", recursive=True) + glob.glob("cmd/**/*.c", recursive=True):
        found |= set(re.findall(r'\b(?:getenv|os_set_variable|os_variable|env|env_set|env_isset)\("([A-Z_a-z]+)"[,)]', read(path)))
    return {v for v in found if v.upper() == v}


def main():
    man = read("man/mpmcp.1")
    readme = read("README.md")
    table = set(re.findall(r'^\t\{ "([a-z0-9-]+)", (?:NULL|"[^"]*"), OPT_', read("cmd/options.c"), re.M))
    shown = set()
    for command in [""] + re.findall(r'^\t\{ "([a-z]+)", FOR_', read("cmd/options.c"), re.M):
        words = [PROGRAM, command, "--help"] if command else [PROGRAM, "--help", "--all"]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        shown |= set(re.findall(r"^  --([a-z0-9-]+)", text, re.M))
    every = subprocess.run([PROGRAM, "help", "--all"], capture_output=True, text=True, check=True).stdout
    problems_of_all = compare("option", "args.c", table, "help --all", set(re.findall(r"^  --([a-z0-9-]+)", every, re.M)))
    documented = set(re.findall(r"^\.It Fl -([a-z0-9-]+)", man, re.M))
    problems = problems_of_all + compare("option", "args.c", table, "--help of each command", shown)
    problems += compare("option", "args.c", table, "man page", documented)
    problems += ["option --%s: in README, not in options.c" % o
                 for o in sorted(set(re.findall(r"`--([a-z0-9-]+)[` =]", readme)) - table)]
    section = man[man.index(".Sh ENVIRONMENT"):man.index(".Sh FILES")]
    problems += compare("variable", "code", variables_of_code(), "man page", set(re.findall(r"^\.It Ev ([A-Z_]+)", section, re.M)))
    statuses = set(re.findall(r"^\tEXIT_[A-Z_]+ = (\d+),", read("cmd/exit.h"), re.M))
    section = man[man.index(".Sh EXIT STATUS"):man.index(".Sh EXAMPLES")]
    problems += compare("exit status", "exit.h", statuses, "man page", set(re.findall(r"^\.It (\d+)", section, re.M)))
    text = subprocess.run([PROGRAM, "--version"], capture_output=True, text=True, check=True).stdout
    revision = r"\b20\d\d-\d\d-\d\d\b"
    section = man[man.index(".Sh STANDARDS"):man.index(".Sh CAVEATS")]
    problems += compare("revision", "--version", set(re.findall(revision, text)), "man page", set(re.findall(revision, section)))
    version = re.search(r"^VERSION := (\S+)", read("Makefile"), re.M).group(1)
    if version not in read("CHANGELOG.md"):
        problems.append("CHANGELOG.md does not know version " + version)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
