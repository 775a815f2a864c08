# SPDX-License-Identifier: Apache-2.0
"""What the build made, beside image and bundle, and the host's tools that make and read such files."""
import os
import subprocess
import sys

import harness
from harness import HarnessError, require

sys.path.insert(0, os.path.join(harness.ROOT, "tools"))
import bundle as packer  # noqa: E402, F401  (the tools lie beside the tests, not in a package)
import symbols  # noqa: E402

CROSS = os.environ.get("CROSS_COMPILE") or "aarch64-linux-gnu-"
ELF = os.path.join(harness.OUTPUT, "bulkhead.elf")
PAYLOADS = os.path.join(harness.BUILD, "guests")
BOARD_TREE = os.path.join(harness.OUTPUT, "board.dtb")  # part of the image
MACHINE_TREE = os.path.join(harness.OUTPUT, "machine.dtb")  # what QEMU passes to it
PCI_TREE = os.path.join(harness.OUTPUT, "pci.dtb")


def call(*command):
    """A tool of the host; its complaint is the message."""
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace",
                          check=False)
    if done.returncode != 0:
        raise HarnessError(f"{' '.join(command)}: status {done.returncode}\n{done.stderr}")
    return done.stdout


def addresses(path=ELF):
    """{symbol: address} of a program of the machine, as it is linked; so the image is loaded."""
    try:
        return symbols.addresses(require(path), CROSS)
    except symbols.SymbolError as error:
        raise HarnessError(str(error)) from error
