#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the disk that a boot loader starts from: a boot script and files on a FAT partition.

    disk.py --script u-boot.cmd --output boot.disk FILE=NAME ...

One primary partition that is marked as bootable (U-Boot looks at no disk without one), with each
FILE under its NAME and the script, packed by mkimage, as boot.scr. mtools writes the file system.
"""
import argparse
import os
import struct
import subprocess
import sys
import tempfile

SECTOR, MIB = 512, 1 << 20
START = MIB  # of the partition, as partitioning tools align it
SPARE = 32 * MIB  # room beyond the files: FAT16 has a least size, too
FAT16_LBA, ACTIVE = 0x0E, 0x80
PARTITION_ENTRY = struct.Struct("<B3sB3sII")
UNADDRESSED = b"\xfe\xff\xff"  # cylinder, head, sector: for who reads no sector numbers


class Mistake(Exception):
    """What kept the disk from being made: one line."""


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env={**os.environ, "MTOOLS_SKIP_CHECK": "1", "SOURCE_DATE_EPOCH": "0"})
    if done.returncode != 0:
        raise Mistake(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")


def master_boot_record(sectors):
    """Sector 0: one partition of that many sectors."""
    entry = PARTITION_ENTRY.pack(ACTIVE, UNADDRESSED, FAT16_LBA, UNADDRESSED, START // SECTOR,
                                 sectors)
    return bytes(446) + entry + bytes(48) + b"\x55\xaa"


def make(output, script, files):
    """`files`: {name on the disk: path}. Raises Mistake."""
    size = sum(os.path.getsize(path) for path in files.values()) + SPARE
    sectors = -(-size // MIB) * MIB // SECTOR
    with open(output, "wb") as disk:
        disk.write(master_boot_record(sectors))
        disk.truncate(START + sectors * SECTOR)
    partition = f"{output}@@{START}"
    call("mformat", "-i", partition, "-T", str(sectors), "-h", "255", "-s", "63", "-N", "0", "::")
    with tempfile.TemporaryDirectory() as scratch:
        packed = os.path.join(scratch, "boot.scr")
        call("mkimage", "-A", "arm64", "-T", "script", "-d", script, packed)
        for name, path in {**files, "boot.scr": packed}.items():
            call("mcopy", "-i", partition, path, f"::{name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--script", required=True, help="the boot script's text")
    parser.add_argument("--output", required=True)
    parser.add_argument("files", nargs="*", metavar="FILE=NAME")
    options = parser.parse_args()
    try:
        for word in options.files:
            if "=" not in word:
                raise Mistake(f"{word}: write FILE=NAME")
        files = dict(reversed(word.rsplit("=", 1)) for word in options.files)
        for path in (options.script, *files.values()):
            if not os.path.isfile(path):
                raise Mistake(f"{path}: no such file")
        make(options.output, options.script, files)
    except Mistake as mistake:
        print(f"disk.py: {mistake}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"disk.py: {error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
