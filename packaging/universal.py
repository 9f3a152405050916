#!/usr/bin/env python3
"""universal.py OUTPUT PROGRAM...: one macOS program that holds one for each processor, which the system chooses.

The header of <mach-o/fat.h>, big-endian: a magic number and a count, then for each program its processor, offset,
size and alignment. Programs stay as they are, and so do their signatures."""

import os
import struct
import sys

FAT_MAGIC, MH_MAGIC_64 = 0xCAFEBABE, 0xFEEDFACF
# A program begins on a page of its processor: 2^12 bytes on x86_64, 2^14 on arm64.
ALIGNMENT = {0x01000007: 12, 0x0100000C: 14}


def main():
    output, programs = sys.argv[1], []
    for path in sys.argv[2:]:
        with open(path, "rb") as f:
            data = f.read()
        magic, processor, subtype = struct.unpack_from("<III", data)
        if magic != MH_MAGIC_64 or processor not in ALIGNMENT:
            sys.exit("universal.py: %s is not a 64-bit macOS program for x86_64 or arm64" % path)
        programs.append((ALIGNMENT[processor], processor, subtype, data))
    programs.sort()
    header, body = struct.pack(">II", FAT_MAGIC, len(programs)), b""
    start = len(header) + 20 * len(programs)
    for alignment, processor, subtype, data in programs:
        body += bytes(-(start + len(body)) % (1 << alignment))
        header += struct.pack(">IIIII", processor, subtype, start + len(body), len(data), alignment)
        body += data
    with open(output, "wb") as f:
        f.write(header + body)
    os.chmod(output, 0o755)


if __name__ == "__main__":
    main()
