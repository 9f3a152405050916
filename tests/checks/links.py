#!/usr/bin/env python3
"""Links and paths in the texts lead to files of the tree, links inside a text to its headings; and what only a release
will bring stands in a paragraph that says so."""

import glob
import os
import re
import sys

os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
TEXTS = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
ROOMS = {name for name in os.listdir(".") if os.path.isdir(name)} - {"build", ".git"}
# Nothing can be had at these before there is a release.
OF_A_RELEASE = r"npm (?:i|install) -g\s+mpmcp|npx -y mpmcp|brew install|releases/download|sh install\.sh|\.mcpb\b"


def anchors(text):
    for heading in re.findall(r"^#+ (.*)$", text, re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def link_problems(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        file, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        if file and not os.path.exists(os.path.join(os.path.dirname(path), file)):
            yield "%s: %s does not exist" % (path, file)
        elif anchor and anchor not in anchors(open(file or path, encoding="utf-8").read()):
            yield "%s: %s has no heading #%s" % (path, file or path, anchor)


def path_problems(path, text):
    """`room/...` in code spans: files, or patterns that match some."""
    for word in re.findall(r"`(?:\w+ )?((?:[\w.-]+/)[\w./*-]+)`", text):
        if word.split("/")[0] in ROOMS and not glob.glob(word) and not glob.glob(word.rstrip("/") + "*"):
            yield "%s: %s does not exist" % (path, word)


def release_problems(path, text):
    """Headings and what stands under them up to the next are one place to say it."""
    for section in re.split(r"^(?=#)", text, flags=re.M):
        if re.search(OF_A_RELEASE, section) and "first release" not in section:
            yield "%s: \"%s\" can be had from the first release on, and its section does not say so" % (
                path, re.search(OF_A_RELEASE, section).group(0))


def main():
    problems = []
    for path in TEXTS:
        with open(path, encoding="utf-8") as f:
            text = f.read()
        problems += [*link_problems(path, text), *path_problems(path, text)]
        if path == "README.md":
            problems += release_problems(path, text)
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
