# SPDX-License-Identifier: Apache-2.0
"""Where things lie on the machine of the tests, physical.

No address stands here: they come from what says so to the image as well, the tree of the board, the
tree that QEMU passes, and the symbols of the image itself. An offset is one of the manual of that
register block.
"""
from built import BOARD_TREE, MACHINE_TREE, addresses, call
from harness import HarnessError, require

MIB = 1 << 20


def property_of(tree, node, name):
    """A property's cells."""
    return [int(word, 16) for word in call("fdtget", "-t", "x", require(tree), node, name).split()]


def find(tree, parent, kind):
    """The path of the one node `kind@...` below a node."""
    names = [name for name in call("fdtget", "-l", require(tree), parent).split()
             if name.split("@")[0] == kind]
    if len(names) != 1:
        raise HarnessError(f"{tree}: {len(names)} nodes {kind} below {parent}, not one")
    return f"{parent.rstrip('/')}/{names[0]}"


def ranges(tree, node):
    """[range(first address, address behind), ...] of the registers, or the memory, of a node."""
    cells = property_of(tree, node, "reg")
    pieces = [cells[place:place + 4] for place in range(0, len(cells), 4)]
    starts = [(high << 32 | low, size_high << 32 | size_low)
              for high, low, size_high, size_low in pieces]
    return [range(start, start + size) for start, size in starts]


def memory_window():
    """Where the host bridge passes on to memory of 32 bits, for the CPU (IEEE 1275, PCI bus binding)."""
    cells = property_of(MACHINE_TREE, PCIE_NODE, "ranges")
    for place in range(0, len(cells), 7):
        space, _, _, high, low, _, _ = cells[place:place + 7]
        if space >> 24 & 3 == 2:
            return high << 32 | low
    raise HarnessError(f"{MACHINE_TREE}: no memory window of 32 bits")


RAM_RANGE = ranges(MACHINE_TREE, find(MACHINE_TREE, "/", "memory"))[0]
RAM, RAM_END = RAM_RANGE.start, RAM_RANGE.stop
SMMU_NODE = find(MACHINE_TREE, "/", "smmuv3")  # as the image names it
SMMU = ranges(BOARD_TREE, find(BOARD_TREE, "/iommus", "smmu"))[0].start
PCIE_NODE = find(MACHINE_TREE, "/", "pcie")
ECAM = ranges(MACHINE_TREE, PCIE_NODE)[0].start
SERIAL = ranges(MACHINE_TREE, find(MACHINE_TREE, "/", "pl011"))[0].start
INTC_NODE = find(MACHINE_TREE, "/", "intc")
GICD, REDISTRIBUTORS = (piece.start for piece in ranges(MACHINE_TREE, INTC_NODE))
ITS = ranges(MACHINE_TREE, find(MACHINE_TREE, INTC_NODE, "its"))[0].start
GITS_TRANSLATER = ITS + 0x10040  # the doorbell of MSIs
PCI_WINDOW = memory_window()
IMAGE_BASE = addresses()["image_start"]

# The image gives the lowest addresses first: a page of it is the registers of the first port; the
# window behind that begins at the next MiB, as windows of bridges do. Who rests on it asserts it.
EDU_BAR = PCI_WINDOW + MIB
