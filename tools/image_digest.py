#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The digest that an image prints of itself at boot, from its files.

    image_digest.py IMAGE.elf IMAGE.img PREFIX

SHA-256 of the first bytes of IMAGE.img: text and constants, with pointers as they were linked. The ELF says how many.
"""
import hashlib
import subprocess
import sys


def constant_bytes(elf, prefix):
    """How many bytes of the file are text and constants."""
    listed = subprocess.run([prefix + "nm", "--defined-only", elf], check=True,
                            capture_output=True, text=True).stdout
    symbols = {name: int(value, 16) for value, _, name in map(str.split, listed.splitlines())}
    return symbols["relocated_end"] - symbols["image_start"]


def image_digest(elf, image, prefix):
    """Digest and bytes."""
    size = constant_bytes(elf, prefix)
    with open(image, "rb") as file:
        content = file.read(size)
    if len(content) != size:
        sys.exit(f"{image}: shorter than {elf} says")
    return hashlib.sha256(content).hexdigest(), size


if __name__ == "__main__":
    digest, count = image_digest(*sys.argv[1:])
    print(f"digest: {digest} (SHA-256 of the first {count} bytes of the image)")
