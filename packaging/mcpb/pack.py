#!/usr/bin/env python3
"""pack.py: the bundle for Claude Desktop (MCPB) of the archives in build/release/dist, beside them.

A zip file, written here and not by "mcpb pack": that puts the time of the build into it, and the same archives are to
give the same bundle. Without a signature: what signs bundles makes files that it then calls invalid itself."""

import glob
import hashlib
import json
import os
import re
import sys
import tarfile
import time
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
DIST = os.path.join(os.path.dirname(os.path.dirname(HERE)), "build/release/dist")
# The program of each archive in the bundle.
PROGRAMS = {
    "universal-macos.11": "server/macos/mpmcp",
    "x86_64-linux-musl": "server/linux/mpmcp-x86_64",
    "aarch64-linux-musl": "server/linux/mpmcp-aarch64",
}


def read_archive(target, files):
    """Adds program and licences to files; the version and the time of the archive."""
    found = glob.glob(os.path.join(DIST, "mpmcp-*-%s.tar.gz" % target))
    if len(found) != 1:
        sys.exit("pack.py: %d archives for %s in %s: run \"make release\" first" % (len(found), target, DIST))
    root = os.path.basename(found[0])[:-len(".tar.gz")] + "/"
    with tarfile.open(found[0]) as tar:
        for member in tar.getmembers():
            name = member.name[len(root):]
            if name == "bin/mpmcp":
                when = member.mtime
                files[PROGRAMS[target]] = (0o755, tar.extractfile(member).read())
            elif member.isfile() and re.match(r"share/doc/mpmcp/(LICENSE|licences/)", name):
                files[name.replace("share/doc/mpmcp/", "")] = (0o644, tar.extractfile(member).read())
    return root.split("-")[1], when


def main():
    files = {}
    for target in PROGRAMS:
        version, when = read_archive(target, files)
    with open(os.path.join(HERE, "linux.sh"), "rb") as f:
        files["server/linux/mpmcp"] = (0o755, f.read())
    with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as f:
        manifest = json.load(f)
    manifest["version"] = version
    files["manifest.json"] = (0o644, json.dumps(manifest, indent=2).encode() + b"\n")
    path = os.path.join(DIST, "mpmcp-%s.mcpb" % version)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
        for name, (mode, data) in sorted(files.items()):
            info = zipfile.ZipInfo(name, time.gmtime(when)[:6])
            info.create_system, info.external_attr, info.compress_type = 3, (0o100000 | mode) << 16, zipfile.ZIP_DEFLATED
            bundle.writestr(info, data)
    with open(os.path.join(DIST, "SHA256SUMS"), "w", encoding="utf-8") as sums:
        for name in sorted(n for n in os.listdir(DIST) if n.startswith("mpmcp-")):
            with open(os.path.join(DIST, name), "rb") as f:
                sums.write("%s  %s\n" % (hashlib.sha256(f.read()).hexdigest(), name))
    print(path)


if __name__ == "__main__":
    main()
