#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where the instructions of each row of `make bench` go, by function of the image.

QEMU executes one instruction per block and logs each; the payload's marks in the same log say to
which row they belong. The last repetition of each row is shown.
"""
import argparse
import collections
import os
import sys

import boot_profile
import image
import machine
from machine import MeasurementError


def read(pipe, symbols):
    """{identity of the row: [function of each instruction, ...]} of the last repetition."""
    rows, names, current = {}, {}, None
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
            if word not in names:
                names[word] = symbols.name(int(word, 16))
            current.append(names[word])
    return rows


def measure(options):
    symbols = image.Symbols(options.elf, options.prefix)
    setup = machine.Setup(options.board, options.image, options.folder)
    unlogged = [name for name in boot_profile.UNLOGGED if name.startswith("cache")]
    reader, writer = os.pipe()
    process = setup.start("max", "where", [
        "-accel", "tcg,one-insn-per-tb=on", "-d", f"exec,nochain,{machine.TRACE}",
        "-D", f"/dev/fd/{writer}",
        "-dfilter", boot_profile.ranges_but(symbols, unlogged, symbols.value("text_end"))],
        pass_fds=(writer,))
    os.close(writer)
    with machine.limited(process, 300), os.fdopen(reader, "rb", buffering=1 << 20) as pipe:
        rows = read(pipe, symbols)
        lines = [machine.runner.decode(raw) for raw in process.stdout]
    machine.check_end(lines, "the run that logs instructions")
    found = filter(None, map(machine.ROW.match, lines))
    return {match[2]: rows[int(match[1])] for match in found if int(match[1]) in rows}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--elf", required=True)
    parser.add_argument("--prefix", default="aarch64-linux-gnu-")
    parser.add_argument("--folder", required=True)
    parser.add_argument("--row", help="only this one")
    options = parser.parse_args(argv)
    try:
        rows = measure(options)
        if options.row and options.row not in rows:
            raise MeasurementError(f"no row {options.row}: there are {', '.join(rows)}")
    except (MeasurementError, machine.runner.RunError) as error:
        print(f"bench-where: {error}", file=sys.stderr)
        return 1
    for name in [options.row] if options.row else rows:
        print(f"{name}: {len(rows[name])}")
        for function, count in collections.Counter(rows[name]).most_common():
            print(f"{count:>8}  {function}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
