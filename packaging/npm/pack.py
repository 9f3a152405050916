#!/usr/bin/env python3
"""pack.py: the npm packages of a release, from its archives, in build/release/npm-packages/.

"mpmcp" is a shim with one optional dependency for each kind of machine; npm installs those that fit. Nothing runs at
installation. Linux on x64 gets both builds, because npm cannot tell how new a glibc is; the shim chooses."""

import json
import os
import re
import shutil
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
DIST = os.path.join(TOP, "build/release/dist")
OUT = os.path.join(TOP, "build/release/npm-packages")
# Target, package, os, cpu, libc.
PACKAGES = [
    ("x86_64-linux-gnu.2.33", "linux-x64-gnu", "linux", "x64", "glibc"),
    ("x86_64-linux-musl", "linux-x64-musl", "linux", "x64", None),
    ("aarch64-linux-musl", "linux-arm64-musl", "linux", "arm64", None),
    ("aarch64-macos.11", "darwin-arm64", "darwin", "arm64", None),
    ("x86_64-macos.11", "darwin-x64", "darwin", "x64", None),
]
COMMON = {
    "license": "MIT",
    "keywords": ["mcp", "mixpanel", "mcp-remote", "model-context-protocol"],
}


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")


def platform_package(version, archive, name, system, cpu, libc):
    folder = os.path.join(OUT, name)
    root = os.path.basename(archive)[:-len(".tar.gz")] + "/"
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            inside = member.name[len(root):]
            if not member.isfile() or not (inside == "bin/mpmcp" or inside.startswith("share/doc/mpmcp/lic")
                                           or inside == "share/doc/mpmcp/LICENSE"):
                continue
            path = os.path.join(folder, inside.replace("share/doc/mpmcp/", ""))
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                shutil.copyfileobj(tar.extractfile(member), f)
            os.chmod(path, member.mode)
    package = {
        "name": "@mpmcp/" + name, "version": version,
        "description": "mpmcp for %s on %s%s" % (system, cpu, " (built, not run by us)" if system == "darwin" else ""), **COMMON,
        "os": [system], "cpu": [cpu], "preferUnplugged": True, "files": ["bin", "licences"],
    }
    if libc:
        package["libc"] = [libc]
    write_json(os.path.join(folder, "package.json"), package)


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    made, version = [], None
    for target, name, system, cpu, libc in PACKAGES:
        found = [f for f in os.listdir(DIST) if re.fullmatch(r"mpmcp-[^-]+-%s\.tar\.gz" % re.escape(target), f)]
        if not found:
            print("left out: @mpmcp/%s (no archive for %s)" % (name, target))
            continue
        version = found[0].split("-")[1]
        platform_package(version, os.path.join(DIST, found[0]), name, system, cpu, libc)
        made.append((name, system, cpu))
    if not made:
        sys.exit("pack.py: no archive in %s: run \"make release\" first" % DIST)
    folder = os.path.join(OUT, "mpmcp")
    os.makedirs(folder)
    for source in (os.path.join(HERE, "mpmcp.js"), os.path.join(TOP, "LICENSE"), os.path.join(TOP, "README.md")):
        shutil.copy(source, folder)
    os.chmod(os.path.join(folder, "mpmcp.js"), 0o755)
    write_json(os.path.join(folder, "package.json"), {
        "name": "mpmcp", "version": version, "description": "MCP bridge for Mixpanel: stands in for npx mcp-remote", **COMMON,
        "bin": {"mpmcp": "mpmcp.js"}, "files": ["mpmcp.js"], "engines": {"node": ">=18"},
        "optionalDependencies": {"@mpmcp/" + name: version for name, _, _ in made},
        "mpmcp": {"supported": sorted({system + "-" + cpu for _, system, cpu in made})},
    })
    print("%d packages in %s" % (len(made) + 1, os.path.relpath(OUT, TOP)))


if __name__ == "__main__":
    main()
