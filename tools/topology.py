#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A board's pci.dts, from what the hypervisor says of the machine when it is started without a bundle.

    topology.py --board boards/qemu-virt --image bulkhead.img --output pci.dts [--scratch disk]    under QEMU
    topology.py --board boards/mine --log console.txt --output pci.dts                             from elsewhere

The lines (drivers/pci/dump.c): words of configuration space behind their offset, and what sizing the BARs has found.

    [bulkhead] pci: 0000:01:00.0 000: 11e81234 04100400 ...
    [bulkhead] pci: 0000:01:00.0 sizes: 100000 0 0 0 0 0
"""
import argparse
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "run"))
import run  # noqa: E402  (it lies in a folder of its own, not in a package)

LIMIT = 120.0  # seconds that the boot may take
NAME = r"\[bulkhead\] pci: ([0-9a-f]{4}):([0-9a-f]{2}):([0-9a-f]{2})\.([0-7]) "
WORDS = re.compile(NAME + r"([0-9a-f]{3}):((?: [0-9a-f]{8})+)")
SIZES = re.compile(NAME + r"sizes:((?: [0-9a-f]+){6})")

# Offsets and fields as in drivers/pci/registers.h.
POWER, MSI, EXPRESS, MSIX, ADVANCED = 0x01, 0x05, 0x10, 0x11, 0x13
ACS, SRIOV = 0x0D, 0x10  # among the extended ones
NO_SOFT_RESET, FLR, ADVANCED_FLR, MULTIFUNCTION = 0x8, 1 << 28, 0x2, 0x80
KINDS = {4: "root-port", 5: "upstream-port", 6: "downstream-port", 7: "pcie-to-pci-bridge"}

# What a node is called: by class and subclass, else by class alone (Devicetree Specification 2.2.2).
NAMES = {0x0101: "ide", 0x0106: "sata", 0x0108: "nvme", 0x0200: "ethernet", 0x0600: "host", 0x0604: "bridge",
         0x0700: "serial", 0x0C03: "usb"}
QEMU_NAMES = {0x11E81234: "edu", 0x00051B36: "iommu-testdev"}  # whose class tells nothing
CLASS_NAMES = {0x01: "storage", 0x02: "network", 0x03: "display", 0x04: "multimedia", 0x06: "bridge"}

HEAD = """\
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The PCI functions of this machine, from its root buses down, for make check (docs/configuration.md, "PCI
 * functions of a board"). Written by `make topology BOARD={}`.
 */
/dts-v1/;

"""


def bar_properties(bars):
    if bars:
        yield "bars = " + ", ".join(f"<{i} {size >> 32 and hex(size >> 32)} {size & 0xFFFFFFFF:#x}>"
                                    for i, size, _ in bars)
    wide = [str(i) for i, _, is_wide in bars if is_wide]
    if wide:
        yield "wide-bars" + ("" if len(wide) == len(bars) else f" = <{' '.join(wide)}>")


class Function:
    """What has been said of one function."""

    def __init__(self, place):
        self.segment, self.bus, self.device, self.function = place
        self.words, self.starts, self.sizes = {}, set(), None
        self.virtual = []  # its virtual functions, in the order of their numbers

    def word(self, offset):
        try:
            return self.words[offset]
        except KeyError:
            raise run.RunError(f"{self.name()}: nothing is said of the word at {offset:#x}") from None

    def name(self):
        return f"{self.segment:04x}:{self.bus:02x}:{self.device:02x}.{self.function}"

    def capability(self, wanted, extended=False):
        """Offset of the capability; None: there is none, or none that has been told."""
        mask, first, end = (0xFFFF, 0x100, 0x1000) if extended else (0xFF, 0x40, 0x100)
        return next((offset for offset in sorted(self.starts)
                     if first <= offset < end and self.words[offset] & mask == wanted), None)

    @property
    def rid(self):
        return self.bus << 8 | self.device << 3 | self.function

    @property
    def is_virtual(self):
        """It has no ids of its own (SR-IOV 9.3.4.1)."""
        return self.word(0) == 0xFFFFFFFF

    @property
    def is_bridge(self):
        return self.word(0x0C) >> 16 & 0x7F == 1

    @property
    def secondary(self):
        return self.word(0x18) >> 8 & 0xFF

    def kind(self):
        if not self.is_bridge:
            return None
        express = self.capability(EXPRESS)
        return KINDS.get(self.word(express) >> 20 & 0xF, "pci-bridge") if express else "pci-bridge"

    def bars(self):
        """[(index, size, whether it is a 64-bit one)] of those in memory."""
        return self.sized(0x10, self.sizes)

    def sized(self, registers, sizes):
        if sizes is None:
            raise run.RunError(f"{self.name()}: nothing is said of its BARs")
        return [(i, size, self.word(registers + 4 * i) & 6 == 4) for i, size in enumerate(sizes) if size]

    def emits(self, other):
        """Whether that is a virtual function of this one."""
        at = self.capability(SRIOV, extended=True)
        if not at or self.segment != other.segment:
            return False
        count, place = self.word(at + 0x10) & 0xFFFF, self.word(at + 0x14)
        return other.rid in [self.rid + (place & 0xFFFF) + n * (place >> 16) for n in range(count)]

    def virtual_properties(self):
        """Of all virtual functions: the first one stands for them."""
        at, first = self.capability(SRIOV, extended=True), self.virtual[0]
        place = self.word(at + 0x14)
        acs = first.capability(ACS, extended=True)
        yield f"functions = <{self.word(at + 0x0C) & 0xFFFF} {place & 0xFFFF:#x} {place >> 16}>"
        yield f"device = <{self.word(at + 0x18) >> 16:#06x}>"
        yield from first.message_properties()
        if acs:
            yield f"acs = <{first.word(acs + 4) & 0xFFFF:#x}>"
        yield from bar_properties(self.sized(at + 0x24, first.sizes))

    def properties(self):
        """In the order of docs/configuration.md, more or less: as somebody would look for them."""
        yield f"reg = <{self.device} {self.function}>"
        if self.is_bridge:
            yield f'kind = "{self.kind()}"'
        yield f"id = <{self.word(0) & 0xFFFF:#06x} {self.word(0) >> 16:#06x}>"
        yield f"class = <{self.word(8) >> 8:#08x}>"
        if not self.is_bridge:
            yield from self.endpoint_properties()
        acs = self.capability(ACS, extended=True)
        if acs:
            yield f"acs = <{self.word(acs + 4) & 0xFFFF:#x}>"
        yield from bar_properties(self.bars())
        if self.word(0x0C) >> 16 & MULTIFUNCTION:
            yield "multifunction"

    def endpoint_properties(self):
        express, power, advanced = map(self.capability, (EXPRESS, POWER, ADVANCED))
        flr = bool(express and self.word(express + 4) & FLR)
        advanced_flr = bool(advanced and self.word(advanced) >> 24 & ADVANCED_FLR)
        if express:
            yield "express"
        if flr:
            yield "function-level-reset"
        if advanced_flr:
            yield "advanced-reset"
        # Of no matter where there is one of the two, which come first.
        if power and not flr and not advanced_flr and not self.word(power + 4) & NO_SOFT_RESET:
            yield "power-reset"
        pin = self.word(0x3C) >> 8 & 0xFF
        if 1 <= pin <= 4:
            yield f"interrupt-pin = <{pin}>"
        yield from self.message_properties()

    def message_properties(self):
        msi, msix = map(self.capability, (MSI, MSIX))
        if msi:
            yield f"msi = <{1 << (self.word(msi) >> 17 & 7)}>"
        if msix:
            yield f"msi-x = <{(self.word(msix) >> 16 & 0x7FF) + 1}>"

    def node(self):
        code = self.word(8) >> 8
        name = QEMU_NAMES.get(self.word(0), NAMES.get(code >> 8, CLASS_NAMES.get(code >> 16, "device")))
        if self.kind() in ("root-port", "upstream-port", "downstream-port"):
            name = "port"
        return f"{name}@{self.device:x}" + (f",{self.function:x}" if self.function else "")


def read_functions(lines):
    """[Function] in the order in which they are told."""
    functions = {}

    def at(match):
        place = tuple(int(word, 16) for word in match.groups()[:4])
        return functions.setdefault(place, Function(place))

    for line in lines:
        words, sizes = WORDS.search(line), SIZES.search(line)
        if words:
            function, first = at(words), int(words[5], 16)
            function.starts.add(first)
            function.words.update({first + 4 * i: int(word, 16) for i, word in enumerate(words[6].split())})
        elif sizes:
            at(sizes).sizes = [int(word, 16) for word in sizes[5].split()]
    return with_virtual(list(functions.values()))


def with_virtual(functions):
    """Those that are not virtual: each of these goes to the one whose SR-IOV capability leads to its requester id."""
    physical = [function for function in functions if not function.is_virtual]
    for function in functions:
        if not function.is_virtual:
            continue
        owner = next((other for other in physical if other.emits(function)), None)
        if owner is None:
            raise run.RunError(f"{function.name()}: it has no vendor, and is a virtual function of none")
        owner.virtual.append(function)
    return physical


def write_functions(functions, bus, out, depth):
    for function in functions:
        if function.bus != bus:
            continue
        indent = "    " * depth
        out.append(f"{indent}{function.node()} {{")
        out += [f"{indent}    {text};" for text in function.properties()]
        below = []
        if function.is_bridge and function.secondary > bus:
            write_functions(functions, function.secondary, below, depth + 1)
        if function.virtual:
            below = [f"{indent}    virtual-functions {{",
                     *(f"{indent}        {text};" for text in function.virtual_properties()), f"{indent}    }};"]
        out += ([""] if below else []) + below + [f"{indent}}};", ""]
    if out and not out[-1]:
        out.pop()


def source(functions, board):
    """The text of pci.dts."""
    if not functions:
        raise run.RunError("the log says nothing of PCI functions: was the image started without a bundle?")
    behind = {function.secondary for function in functions if function.is_bridge}
    roots = sorted({function.bus for function in functions} - behind)
    out = []
    for bus in roots:
        if len(roots) == 1:
            write_functions(functions, bus, out, 1)
            break
        inside = []
        write_functions(functions, bus, inside, 2)
        out += [f"    root@{bus:x} {{", f"        bus = <{bus:#04x}>;", "", *inside, "    };", ""]
    text = "\n".join(out).rstrip("\n")
    return HEAD.format(board) + f'/ {{\n    compatible = "bulkhead,pci";\n\n{text}\n}};\n'


def boot(board, image, scratch):
    """The console of a start without a bundle, which ends by itself."""
    command = run.compose(board, image, scratch=scratch)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=LIMIT, check=False)
    except OSError as error:
        raise run.RunError(f"{command[0]}: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise run.RunError(f"the run took longer than {LIMIT:g} s") from error
    lines = [run.decode(line) for line in done.stdout.splitlines()]
    if not lines or run.parse_off(lines[-1]) is None:
        raise run.RunError("the run did not end with `[bulkhead] off: name=code ...`: " + "".join(lines[-1:]))
    return lines


def main(argv=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--board", required=True, help="the folder below boards/")
    parser.add_argument("--image", help="what is started, under QEMU")
    parser.add_argument("--scratch", help="as for run.py")
    parser.add_argument("--log", help="what was said elsewhere")
    parser.add_argument("--output", required=True)
    options = parser.parse_args(argv)
    if bool(options.image) == bool(options.log):
        parser.error("--image or --log")
    try:
        if options.log:
            with open(options.log, encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        else:
            lines = boot(options.board, options.image, options.scratch)
        functions = read_functions(lines)
        text = source(functions, os.path.basename(os.path.abspath(options.board)))
        with open(options.output, "w", encoding="ascii") as file:
            file.write(text)
    except (run.RunError, OSError) as error:
        print(f"topology.py: {error}", file=sys.stderr)
        return 1
    virtual = sum(len(function.virtual) for function in functions)
    print(f"{options.output}: {len(functions)} functions" + (f", {virtual} virtual ones" if virtual else ""))
    return 0


if __name__ == "__main__":
    sys.exit(main())
