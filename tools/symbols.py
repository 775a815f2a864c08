#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the symbols of an ELF file lie, as nm says: for tools that import this, and for makefiles.

    symbols.py --prefix aarch64-linux-gnu- bulkhead.elf image_start     prints its address

What cannot be told is one line on standard error and exit status 1.
"""
import argparse
import subprocess
import sys


class SymbolError(Exception):
    """Why there is no answer: one line."""


def listed(path, prefix=""):
    """[(address, nm's letter for the kind, name)] of what has an address, in order of address."""
    program = prefix + "nm"
    try:
        done = subprocess.run([program, "-n", path], capture_output=True, text=True, check=False)
    except OSError as error:
        raise SymbolError(f"{program} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise SymbolError((done.stderr.strip() or f"{path}: {program} refused it").splitlines()[0])
    lines = map(str.split, done.stdout.splitlines())
    return [(int(words[0], 16), words[1], words[2]) for words in lines if len(words) == 3]


def addresses(path, prefix=""):
    """{name: address}; of names that stand for several, one."""
    return {name: address for address, _, name in listed(path, prefix)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prefix", default="", help="of nm, as in aarch64-linux-gnu-")
    parser.add_argument("file")
    parser.add_argument("name")
    options = parser.parse_args()
    try:
        table = addresses(options.file, options.prefix)
        if options.name not in table:
            raise SymbolError(f"{options.file} has no symbol {options.name}")
    except SymbolError as error:
        print(f"symbols.py: {error}", file=sys.stderr)
        return 1
    print(hex(table[options.name]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
