#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write an initramfs: the archive of the "new ASCII" cpio format that a Linux kernel unpacks at boot.

    initramfs.py --output FILE NAME=SOURCE... [NAME/...]

NAME=SOURCE is a file that anybody may execute, `NAME/` a folder. Folders must come before what lies in
them: the kernel makes none by itself and leaves such files out without a word. Owner, times and inode
numbers are the same each time, so that equal contents make an equal archive.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""
import argparse
import sys

MAGIC = "070701"
TRAILER = "TRAILER!!!"
FOLDER, FILE = 0o040755, 0o100755
LARGEST = 0xFFFFFFFF    # each field is eight hexadecimal digits
NAME_LIMIT = 4096       # with its final zero; the kernel skips longer ones


class ArchiveError(Exception):
    """What cannot be written, in one line."""


def padded(data):
    return data + bytes(-len(data) % 4)


class Archive:
    """Entries in their order; bytes() gives the file."""

    def __init__(self):
        self.pieces, self.names, self.folders = [], set(), {""}

    def add(self, name, mode, data=b"", links=1):
        raw = name.encode() + b"\0"
        if len(data) > LARGEST:
            raise ArchiveError(f"{name}: {len(data)} bytes do not fit the format's 32 bits")
        fields = (len(self.names) + 1, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(raw), 0)
        header = (MAGIC + "".join(f"{field:08x}" for field in fields)).encode()
        self.pieces += [padded(header + raw), padded(data)]
        self.names.add(name)

    def check_name(self, name):
        """Relative, plain, new, in a folder that is there."""
        parts = name.split("/")
        if not name.isascii() or not name.isprintable() or name == TRAILER:
            raise ArchiveError(f"{name!r}: cannot be a name in an initramfs")
        if any(part in ("", ".", "..") for part in parts):
            raise ArchiveError(f"{name!r}: write a relative name without empty parts, '.' and '..'")
        if len(name) + 1 > NAME_LIMIT:
            raise ArchiveError(f"{name[:40]}...: longer than {NAME_LIMIT - 1} bytes")
        if name in self.names:
            raise ArchiveError(f"{name}: named twice")
        folder = "/".join(parts[:-1])
        if folder not in self.folders:
            raise ArchiveError(f"{name}: name the folder {folder}/ before it")

    def folder(self, name):
        self.check_name(name)
        self.add(name, FOLDER, links=2)
        self.folders.add(name)

    def file(self, name, data):
        self.check_name(name)
        self.add(name, FILE, data)

    def __bytes__(self):
        end = Archive()
        end.add(TRAILER, 0)
        return b"".join([*self.pieces, *end.pieces])


def build(words):
    archive = Archive()
    for word in words:
        name, sign, source = word.partition("=")
        if name.endswith("/") and not sign:
            archive.folder(name[:-1])
        elif sign and source:
            with open(source, "rb") as file:
                archive.file(name, file.read())
        else:
            raise ArchiveError(f"{word}: write NAME=SOURCE for a file, NAME/ for a folder")
    return bytes(archive)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("words", nargs="+", metavar="NAME=SOURCE")
    options = parser.parse_args(argv)
    try:
        data = build(options.words)
        with open(options.output, "wb") as out:
            out.write(data)
    except (ArchiveError, OSError) as error:
        print(f"initramfs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
