#!/usr/bin/env python3
"""What the flags of HARDEN and HARDEN_LD promise is in the program. Only where programs are ELF files; flags
that were taken away, as for the sanitizers, promise nothing."""

import os
import struct
import sys

os.chdir(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.environ.get("MPMCP", "build/mpmcp")
FLAGS = os.environ.get("HARDEN", "").split()

PT_DYNAMIC, PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 2, 3, 0x6474E551, 0x6474E552
DT_NULL, DT_STRTAB, DT_SYMTAB, DT_RPATH, DT_TEXTREL, DT_BIND_NOW, DT_RUNPATH, DT_FLAGS, DT_FLAGS_1 = 0, 5, 6, 15, 22, 24, 29, 30, 0x6FFFFFFB
PF_X, PF_W, ET_DYN, PT_LOAD, SHT_DYNSYM = 1, 2, 3, 1, 11
DF_BIND_NOW, DF_1_NOW = 8, 1


class Elf:
    def __init__(self, data):
        self.data = data
        self.wide = data[4] == 2
        self.order = "<" if data[5] == 1 else ">"
        self.type = self.read("H", 16)[0]
        phoff, shoff = self.read("QQ" if self.wide else "II", 32 if self.wide else 28)
        phentsize, phnum, shentsize, shnum = self.read("HHHH", 54 if self.wide else 42)
        self.segments = [self.segment(phoff + i * phentsize) for i in range(phnum)]
        self.sections = [self.section(shoff + i * shentsize) for i in range(shnum)]

    def read(self, form, at):
        return struct.unpack_from(self.order + form, self.data, at)

    def segment(self, at):
        """type, flags, offset, size"""
        if self.wide:
            kind, flags, offset, _, _, size = self.read("IIQQQQ", at)
        else:
            kind, offset, _, _, size, _, flags = self.read("IIIIIII", at)
        return kind, flags, offset, size

    def section(self, at):
        """type, offset, size, link"""
        if self.wide:
            _, kind, _, _, offset, size, link = self.read("IIQQQQI", at)
        else:
            _, kind, _, _, offset, size, link = self.read("IIIIIII", at)
        return kind, offset, size, link

    def dynamic(self):
        found = {}
        for kind, _, offset, size in self.segments:
            if kind != PT_DYNAMIC:
                continue
            step = 16 if self.wide else 8
            for at in range(offset, offset + size, step):
                tag, value = self.read("qQ" if self.wide else "iI", at)
                if tag == DT_NULL:
                    break
                found[tag] = value
        return found

    def imports(self):
        names = set()
        for kind, offset, size, link in self.sections:
            if kind != SHT_DYNSYM:
                continue
            strings = self.sections[link][1]
            for at in range(offset, offset + size, 24 if self.wide else 16):
                start = strings + self.read("I", at)[0]
                names.add(self.data[start:self.data.index(b"\0", start)].decode())
        return names


def problems(elf):
    kinds = {s[0] for s in elf.segments}
    dynamic = elf.dynamic()
    has = lambda text: any(text in f for f in FLAGS)
    if has("-pie") and (elf.type != ET_DYN or PT_INTERP not in kinds):
        yield "not position independent"
    if has("relro") and PT_GNU_RELRO not in kinds:
        yield "no RELRO segment"
    if has("-z,now") and not (DT_BIND_NOW in dynamic or dynamic.get(DT_FLAGS, 0) & DF_BIND_NOW
                              or dynamic.get(DT_FLAGS_1, 0) & DF_1_NOW):
        yield "symbols are bound late: RELRO is only partial"
    if has("noexecstack") and not any(k == PT_GNU_STACK and not f & PF_X for k, f, _, _ in elf.segments):
        yield "the stack is executable"
    if any(k == PT_LOAD and f & PF_X and f & PF_W for k, f, _, _ in elf.segments):
        yield "a segment is writable and executable"
    if DT_TEXTREL in dynamic:
        yield "code is relocated at start (TEXTREL)"
    if DT_RPATH in dynamic or DT_RUNPATH in dynamic:
        yield "libraries are looked for in a built-in path"
    imports = elf.imports()
    if has("stack-protector") and "__stack_chk_fail" not in imports:
        yield "no stack protector"
    if has("FORTIFY_SOURCE") and not any(n.endswith("_chk") and n.startswith("__") for n in imports):
        yield "no fortified function"


def main():
    with open(PROGRAM, "rb") as f:
        data = f.read()
    if data[:4] != b"\x7fELF":
        return 0
    found = list(problems(Elf(data)))
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
