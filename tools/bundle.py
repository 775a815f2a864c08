#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make a bundle: compile a partition set and pack it with its payloads.

    bundle.py --config set.dts --image bulkhead.elf --payloads DIR --output demo.bundle

A payload's path is relative to the set; one that is not there is looked up in DIR (the payloads that
the tree itself builds). `${name}` in a set's bootargs stands for the address of that symbol in the
image. The layout of the file is in kernel/bundle.h.
"""
import argparse
import hashlib
import os
import re
import struct
import subprocess
import sys
import tempfile

import symbols

MAGIC, VERSION, ALIGNMENT = b"BHBUNDLE", 1, 4096
HEADER, ENTRY = struct.Struct("<8sIIQQ"), struct.Struct("<64sQQ32s")
ENTRY_LIMIT = 32


class Mistake(Exception):
    """Something in the set that its author must change: one line."""


def tool(name):
    return os.environ.get(name.upper(), name)


def compile_set(path, output):
    """dtc names file and line itself; its warnings of style are not the user's concern."""
    result = subprocess.run([tool("dtc"), "-q", "-I", "dts", "-O", "dtb", "-o", output, path],
                            capture_output=True, text=True)
    if result.returncode != 0:
        told = [line for line in result.stderr.splitlines() if not line.startswith("FATAL ERROR: ")]
        raise Mistake("\n".join(told) or f"{path}: dtc refused it")


def fdtget(tree, *arguments):
    result = subprocess.run(["fdtget", *arguments], capture_output=True, text=True)
    return result.stdout.rstrip("\n") if result.returncode == 0 else None


def partitions(tree):
    names = fdtget(tree, "-l", tree, "/partitions")
    return [f"/partitions/{name}" for name in (names or "").split()]


def fill_bootargs(config, tree, node, table):
    text = fdtget(tree, tree, node, "bootargs")
    if text is None or "${" not in text:
        return

    def value(match):
        if match[1] not in table:
            raise Mistake(f"{config}:{node}: bootargs: the image has no symbol {match[1]}")
        return hex(table[match[1]])

    result = subprocess.run(["fdtput", "-t", "s", tree, node, "bootargs",
                             re.sub(r"\$\{(\w+)\}", value, text)], capture_output=True, text=True)
    if result.returncode != 0:
        raise Mistake(f"{config}:{node}: bootargs: fdtput: {result.stderr.strip()}")


def find_payload(config, node, name, directory):
    for base in (os.path.dirname(os.path.abspath(config)), directory):
        path = os.path.join(base, name)
        if os.path.isfile(path):
            return path
    raise Mistake(f"{config}:{node}: payload: there is no file {name} beside the set or in {directory}: "
                  f"write a path relative to the set")


def entries(config, tree, image, directory, prefix):
    """(name, contents) of the set and of each payload once."""
    table = symbols.addresses(image, prefix) if image else {}
    found = {}
    for node in partitions(tree):
        fill_bootargs(config, tree, node, table)
        name = fdtget(tree, tree, node, "payload")
        if name is None:
            continue  # the hypervisor's own check names what is missing
        if len(name.encode()) > 63:
            raise Mistake(f"{config}:{node}: payload: longer than 63 characters")
        with open(find_payload(config, node, name, directory), "rb") as file:
            found[name] = file.read()
    with open(tree, "rb") as file:
        return [(os.path.basename(config), file.read()), *found.items()]


def pack(items):
    offset = -(-(HEADER.size + ENTRY.size * len(items)) // ALIGNMENT) * ALIGNMENT
    table, contents = [], b""
    for name, data in items:
        table.append(ENTRY.pack(name.encode()[:63], offset + len(contents), len(data),
                                hashlib.sha256(data).digest()))
        contents += data + bytes(-len(data) % ALIGNMENT)
    header = HEADER.pack(MAGIC, VERSION, len(items), offset + len(contents), 0)
    return (header + b"".join(table)).ljust(offset, b"\0") + contents


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", required=True)
    parser.add_argument("--image", help="the hypervisor's ELF file, for ${symbol} in bootargs")
    parser.add_argument("--payloads", default=".")
    parser.add_argument("--prefix", default="", help="of nm, as in aarch64-linux-gnu-")
    parser.add_argument("--output", required=True)
    options = parser.parse_args()
    try:
        if not os.path.isfile(options.config):
            raise Mistake(f"{options.config}: no such file")
        with tempfile.TemporaryDirectory() as scratch:
            tree = os.path.join(scratch, "set.dtb")
            compile_set(options.config, tree)
            items = entries(options.config, tree, options.image, options.payloads, options.prefix)
        if len(items) > ENTRY_LIMIT:
            raise Mistake(f"{options.config}: more than {ENTRY_LIMIT - 1} payloads")
        with open(options.output, "wb") as file:
            file.write(pack(items))
    except (Mistake, symbols.SymbolError) as mistake:
        print(mistake, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"bundle.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
