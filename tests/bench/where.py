#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of each row of `make bench` go, by function of the image.

QEMU executes one instruction per block and logs each; the payload's marks in the same log say to
which row they belong. The last repetition of each row is shown. The loops that clear, clean and move
memory are not logged; what they took is the difference from the row's median.
"""
import argparse
import collections
import os
import sys

import boot_profile
import image
import machine
from machine import MeasurementError

# Besides the loops over memory what the boot spends its time in: payloads moved, digests.
UNLOGGED = (*boot_profile.UNLOGGED, "memmove", "add_block")


def read(pipe):
    """{identity of the row: [address of each instruction, ...]} of the last repetition."""
    rows, addresses, current = {}, {}, None
    for line in pipe:
        if not line.startswith(b"Trace"):
            mark = machine.MARK.search(line)
            if mark:
                identity, end = divmod(int(mark[1], 16), 2)
                current = None if end else rows.setdefault(identity, [])
                if not end:
                    current.clear()
        elif current is not None:
            word = line.split(b"/", 2)[1]
            if word not in addresses:
                addresses[word] = int(word, 16)
            current.append(addresses[word])
    return rows


def measure(setup, symbols):
    """{name of the row: (median, [address, ...])}"""
    unlogged = [*UNLOGGED, *(n for n in symbols.names if n.startswith("fdt_"))]
    reader, writer = os.pipe()
    process = setup.start("max", "where", [
        "-accel", "tcg,one-insn-per-tb=on", "-d", f"exec,nochain,{machine.TRACE}",
        "-D", f"/dev/fd/{writer}",
        "-dfilter", boot_profile.ranges_but(symbols, unlogged, symbols.value("text_end"))],
        pass_fds=(writer,))
    os.close(writer)
    with machine.limited(process), os.fdopen(reader, "rb", buffering=1 << 20) as pipe:
        rows = read(pipe)
        lines = [machine.runner.decode(raw) for raw in process.stdout]
    machine.check_end(lines, "the run that logs instructions")
    found = [match for match in map(machine.ROW.match, lines) if match and int(match[1]) in rows]
    return {match[2]: (int(match[5]), rows[int(match[1])]) for match in found}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--elf", required=True)
    parser.add_argument("--prefix", default="aarch64-linux-gnu-")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--row", help="only this one")
    options = parser.parse_args(argv)
    symbols = image.Symbols(options.elf, options.prefix)
    try:
        rows = measure(machine.Setup(options.board, options.image, options.folder), symbols)
        if options.row and options.row not in rows:
            raise MeasurementError(f"no row {options.row}: there are {', '.join(rows)}")
    except (MeasurementError, machine.runner.RunError) as error:
        print(f"bench-where: {error}", file=sys.stderr)
        return 1
    for name in [options.row] if options.row else rows:
        median, addresses = rows[name]
        functions = [symbols.name(address) for address in addresses]
        print(f"{name}: {median}")
        for function, count in collections.Counter(functions).most_common():
            print(f"{count:>8}  {function}")
        if median - 1 > len(functions):  # one is the guest's hvc
            print(f"{median - 1 - len(functions):>8}  ({', '.join(UNLOGGED)})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
