#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Whether head.S finds the pointers of an image, and nothing else.

    check_relocations.py IMAGE.elf PREFIX

head.S takes each word between relocated_start and relocated_end for a pointer that lies in the image as
it was linked. The linker's list, which is not loaded, says which words are.
"""
import os
import re
import struct
import subprocess
import sys
import tempfile

RELOCATION = re.compile(r"^([0-9a-f]{16})\s+[0-9a-f]{16}\s+(R_AARCH64_\w+)\s+(.*)$", re.M)


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def relocated_words(elf, prefix, start, end):
    """{address: word} of what head.S looks at."""
    with tempfile.TemporaryDirectory() as folder:
        content = os.path.join(folder, "content")
        output(prefix + "objcopy", "-O", "binary", "-j", ".data.rel.ro", elf, content)
        with open(content, "rb") as file:
            words = struct.unpack(f"<{(end - start) // 8}Q", file.read()[:end - start])
    return {start + 8 * index: word for index, word in enumerate(words)}


def mistakes(elf, prefix):
    symbols = {name: int(value, 16) for value, _, name in
               map(str.split, output(prefix + "nm", "--defined-only", elf).splitlines())}
    words = relocated_words(elf, prefix, symbols["relocated_start"], symbols["relocated_end"])
    listed = {int(place, 16): (kind, value)
              for place, kind, value in RELOCATION.findall(output(prefix + "readelf", "-rW", elf))}
    for place, (kind, value) in listed.items():
        if place not in words:
            yield f"{place:#x}: {kind}, where head.S does not look"
        elif kind != "R_AARCH64_RELATIVE" or int(value, 16) != words[place]:
            yield f"{place:#x}: {kind} {value}, and the word there is {words[place]:#x}"
    for place, word in words.items():
        if (symbols["image_start"] <= word < symbols["image_end"]) != (place in listed):
            yield f"{place:#x}: {word:#x}, which head.S would take for what it is not"


if __name__ == "__main__":
    found = list(mistakes(*sys.argv[1:]))
    print("".join(f"{sys.argv[1]}: {mistake}\n" for mistake in found), end="", file=sys.stderr)
    sys.exit(bool(found))
