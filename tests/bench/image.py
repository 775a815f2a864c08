# SPDX-License-Identifier: Apache-2.0
"""The image taken apart: sizes by folder from the link map, and addresses by function."""
import bisect
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import symbols  # noqa: E402  (the tool lies beside the tests, not in a package)

SECTIONS = {".text": "text", ".rodata": "rodata", ".data.rel.ro": "rodata", ".data": "data",
            ".bss": "bss"}
KINDS = ("text", "rodata", "data", "bss")
OUTPUT = re.compile(r"^(\.[\w.]+)\s*(?:0x[0-9a-f]+\s+(0x[0-9a-f]+))?")
PIECE = re.compile(r"^ (\.[\w.$-]+|\*fill\*)?\s+0x[0-9a-f]+\s+(0x[0-9a-f]+)\s*(\S.*)?$")
ALIGNMENT = "(alignment, stacks)"


def folder_of(path):
    """lib/log.o -> lib; libfdt as a folder of its own."""
    if "libfdt" in path:
        return "libfdt"
    inner = path.rsplit("/obj/", 1)[-1]
    parts = os.path.dirname(inner).split("/")
    return "/".join(parts[:3 if parts[0] == "drivers" else 2]) if parts[0] else "board table"


def sections(elf, prefix):
    """{kind: bytes} as the sections of the file say."""
    output = subprocess.run([prefix + "size", "-A", elf], capture_output=True, text=True, check=True)
    sizes = dict.fromkeys(KINDS, 0)
    for fields in map(str.split, output.stdout.splitlines()):
        if fields and fields[0] in SECTIONS:
            sizes[SECTIONS[fields[0]]] += int(fields[1])
    return sizes


def by_folder(map_file, totals):
    """{folder: {kind: bytes}}; what no object file accounts for is alignment."""
    found, kind, started = {}, None, False
    with open(map_file, encoding="utf-8") as text:
        for line in text:
            started = started or line.startswith("Linker script and memory map")
            if not started:
                continue
            output = OUTPUT.match(line)
            if output:
                kind = SECTIONS.get(output[1])
            piece = PIECE.match(line)
            if kind and piece and piece[3] and piece[3].endswith((".o", ".o)")):
                sizes = found.setdefault(folder_of(piece[3]), dict.fromkeys(KINDS, 0))
                sizes[kind] += int(piece[2], 16)
    rest = {kind: totals[kind] - sum(sizes[kind] for sizes in found.values()) for kind in KINDS}
    return {**dict(sorted(found.items())), ALIGNMENT: rest}


class Symbols:
    """Functions of the image by address, and the folder and file that each comes from."""

    def __init__(self, elf, prefix):
        listed = symbols.listed(elf, prefix)
        code = [(address, name) for address, kind, name in listed
                if kind in "tT" and not name.startswith("$")]
        self.addresses, self.names = [a for a, _ in code], [n for _, n in code]
        self.values = {name: address for address, _, name in listed}

    def name(self, address):
        index = bisect.bisect_right(self.addresses, address) - 1
        return self.names[index] if index >= 0 else "(before the image)"

    def extent(self, name):
        """(first address, address behind) of a function, up to the next one."""
        index = self.names.index(name)
        return self.addresses[index], self.addresses[index + 1]

    def value(self, name):
        return self.values[name]


def origin_of_text(map_file):
    """[(address, file)] of every piece of code, in order."""
    pieces, started = [], False
    with open(map_file, encoding="utf-8") as text:
        for line in text:
            started = started or line.startswith("Linker script and memory map")
            match = started and re.match(r"^ (?:\.[\w.$-]+)?\s+(0x[0-9a-f]{16})\s+0x[0-9a-f]+ (\S+\.o\)?)$",
                                         line.rstrip("\n"))
            if match:
                pieces.append((int(match[1], 16), match[2]))
    return sorted(pieces)
