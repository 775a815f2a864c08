#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Pick kernel modules, and those that they need, out of an unpacked kernel package.

    modules.py --tree lib/modules/VERSION --output FOLDER NAME...

A package holds no list of dependencies: that is made where it is installed. Each module names what it
needs in its section .modinfo, which is read here. FOLDER gets the files, and `order` with their names,
one a line, so that each stands behind what it needs.
"""
import argparse
import os
import shutil
import struct
import sys

MAGIC = b"\x7fELF\x02\x01"      # 64 bits, little-endian
FILE_HEADER = struct.Struct("<16xHHIQQQIHHHHHH")
SECTION_HEADER = struct.Struct("<IIQQQQIIQQ")


class ModuleError(Exception):
    """What is wrong with a module, in one line."""


def plain(name):
    """The kernel takes both signs for one in names of modules."""
    return name.replace("-", "_")


def section(data, wanted):
    """The bytes of one section of an ELF file."""
    if not data.startswith(MAGIC) or len(data) < FILE_HEADER.size:
        raise ModuleError("no ELF file of 64 bits: is it compressed?")
    fields = FILE_HEADER.unpack_from(data)
    start, size, count, names_index = fields[5], fields[10], fields[11], fields[12]
    if size != SECTION_HEADER.size or names_index >= count or start + count * size > len(data):
        raise ModuleError("the table of sections is damaged")
    headers = [SECTION_HEADER.unpack_from(data, start + index * size) for index in range(count)]
    names = headers[names_index][4]
    for header in headers:
        at = names + header[0]
        if data[at:data.index(b"\0", at)] == wanted:
            return data[header[4]:header[4] + header[5]]
    raise ModuleError(f"no section {wanted.decode()}")


def needs(path):
    """Names of the modules that this one needs."""
    try:
        with open(path, "rb") as file:
            words = section(file.read(), b".modinfo").split(b"\0")
    except (OSError, ValueError, struct.error, ModuleError) as error:
        raise ModuleError(f"{path}: {error}") from error
    found = [word.partition(b"=")[2].decode() for word in words if word.startswith(b"depends=")]
    return [plain(name) for line in found for name in line.split(",") if name]


def modules_of(tree):
    """{name: path} of all module files."""
    return {plain(name.partition(".ko")[0]): os.path.join(folder, name)
            for folder, _, names in os.walk(tree) for name in names if ".ko" in name}


def built_in(tree):
    with open(os.path.join(tree, "modules.builtin"), encoding="utf-8") as lines:
        return {plain(os.path.basename(line.strip()).partition(".ko")[0]) for line in lines}


def ordered(names, paths, present):
    """The named modules and all that they need, each behind those; `present` needs no file."""
    order = []

    def visit(name, chain):
        if name in present or name in order:
            return
        if name in chain:
            raise ModuleError(f"{name} needs itself, through {', '.join(chain)}")
        if name not in paths:
            raise ModuleError(f"no module {name}" + (f", which {chain[-1]} needs" if chain else ""))
        for other in needs(paths[name]):
            visit(other, (*chain, name))
        order.append(name)

    for name in names:
        visit(plain(name), ())
    return order


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tree", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args(argv)
    try:
        paths = modules_of(options.tree)
        order = ordered(options.names, paths, built_in(options.tree))
        os.makedirs(options.output)
        for name in order:
            shutil.copyfile(paths[name], os.path.join(options.output, name + ".ko"))
        with open(os.path.join(options.output, "order"), "w", encoding="utf-8") as out:
            out.writelines(f"{name}.ko\n" for name in order)
    except (ModuleError, OSError) as error:
        print(f"modules: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
