#!/usr/bin/env python3
"""sbom.py VERSION TARGET ARCHIVE: the archive's bill of materials on standard output, CycloneDX 1.6 as JSON.

Everything in it comes from sources.lock and from the archive, so the same archive has the same one. The
identifiers are those of Debian's source packages, whose security notices scanners know."""

import datetime
import hashlib
import json
import os
import re
import sys
import urllib.parse
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
LICENCES = {
    "brotli": "MIT", "curl": "curl", "jansson": "MIT", "libzstd": "BSD-3-Clause", "nghttp2": "MIT",
    "openssl": "Apache-2.0", "zlib": "Zlib",
}


def component(name, version, files):
    purl = "pkg:deb/debian/%s@%s?arch=source&distro=debian-13" % (name, urllib.parse.quote(version, safe=""))
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "licenses": [{"license": {"id": LICENCES[name]}}],
        "purl": purl,
        "externalReferences": [
            {"type": "source-distribution", "url": file, "hashes": [{"alg": "SHA-256", "content": sha256}]}
            for file, sha256 in files
        ],
    }


def musl():
    """The C library that comes with the compiler, in programs that need none of the system."""
    with open(os.path.join(HERE, "toolchain.sh"), encoding="utf-8") as f:
        zig = re.search(r"^version=(.*)$", f.read(), re.M).group(1)
    path = os.path.join(HERE, "../build/release/zig-%s/lib/libc/musl/src/internal/version.h" % zig)
    with open(path, encoding="utf-8") as f:
        version = re.search(r'"(.*)"', f.read()).group(1)
    return {
        "type": "library", "bom-ref": "pkg:generic/musl@" + version, "name": "musl", "version": version,
        "licenses": [{"license": {"id": "MIT"}}], "purl": "pkg:generic/musl@" + version,
        "description": "as shipped with zig " + zig,
    }


def main():
    version, target, archive = sys.argv[1:]
    sources = {}
    with open(os.path.join(HERE, "sources.lock"), encoding="utf-8") as f:
        for line in f:
            if not line.startswith("#"):
                name, its_version, _, file, sha256 = line.split()
                sources.setdefault((name, its_version), []).append((file, sha256))
    components = [component(name, its, files) for (name, its), files in sorted(sources.items())]
    if target.endswith("-musl"):
        components.append(musl())
    with open(archive, "rb") as f:
        sha256 = hashlib.sha256(f.read()).hexdigest()
    when = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    itself = "mpmcp@%s" % version
    json.dump({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": "urn:uuid:%s" % uuid.uuid5(uuid.NAMESPACE_URL, "mpmcp:" + sha256),
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application", "bom-ref": itself, "name": "mpmcp", "version": version,
                "licenses": [{"license": {"id": "MIT"}}],
                "hashes": [{"alg": "SHA-256", "content": sha256}],
                "properties": [
                    {"name": "mpmcp:target", "value": target},
                    {"name": "mpmcp:archive", "value": os.path.basename(archive)},
                ],
            },
        },
        "components": components,
        "dependencies": [{"ref": itself, "dependsOn": [c["bom-ref"] for c in components]}]
        + [{"ref": c["bom-ref"]} for c in components],
    }, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
