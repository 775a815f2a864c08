# SPDX-License-Identifier: Apache-2.0
"""A set is checked on the host against the board's pci.dts; here the board's machine is asked whether it has
those functions, once Bulkhead has given it its bus numbers."""
import os
import re
import struct
import unittest

import harness
from harness import Machine, SystemTest, require
from scenario import LIMIT, call

KINDS = {4: "root-port", 5: "upstream-port", 6: "downstream-port", 7: "pcie-to-pci-bridge"}
POWER, MSI, EXPRESS, MSIX, ACS = 0x01, 0x05, 0x10, 0x11, 0x0D
NO_SOFT_RESET, FLR = 0x8, 1 << 28
NODE, PROPERTY = re.compile(r"^([^\s{]+) \{$"), re.compile(r"^([^\s=]+)(?: = (.*))?;$")


def read_source(path):
    """The root node of a device tree's source: {name: cells, text, True or a node}."""
    stack = [{}]
    for line in map(str.strip, call("dtc", "-q", "-I", "dts", "-O", "dts", path).splitlines()):
        node, found = NODE.match(line), PROPERTY.match(line)
        if node:
            stack.append(stack[-1].setdefault(node[1], {}))
        elif line == "};":
            stack.pop()
        elif found and found[2] is None:
            stack[-1][found[1]] = True
        elif found and found[2].startswith("<"):
            stack[-1][found[1]] = [int(cell, 16) for cell in found[2].strip("<>").split()]
        elif found:
            stack[-1][found[1]] = found[2].strip('"')
    return stack[0]["/"]


def described(node):
    """{(device, function): what is said of it} of the functions right below a node of pci.dts."""
    functions = {}
    for child in (value for value in node.values() if isinstance(value, dict)):
        cells = child.get("bars", [])
        functions[tuple(child["reg"])] = {
            "id": tuple(child["id"]),
            "class": child["class"][0],
            "kind": child.get("kind", "endpoint"),
            "bars": {cells[i]: (cells[i + 1] << 32 | cells[i + 2], "wide-bars" in child)
                     for i in range(0, len(cells), 3)},
            "acs": child.get("acs", [None])[0],
            "express": "express" in child,
            "function-level-reset": "function-level-reset" in child,
            "power-reset": "power-reset" in child,
            "interrupt-pin": child.get("interrupt-pin", [0])[0],
            "msi": child.get("msi", [0])[0],
            "msi-x": child.get("msi-x", [0])[0],
            "multifunction": "multifunction" in child,
            "below": described(child),
        }
    return functions


def described_roots(tree):
    """{root bus: its functions}: a node with `bus` each, or the only one at the top."""
    roots = {node["bus"][0]: described(node) for node in tree.values()
             if isinstance(node, dict) and "bus" in node}
    return roots or {0: described(tree)}


class Function:
    """The configuration space of a function, as bytes."""

    def __init__(self, space):
        self.space = space

    def get(self, form, offset):
        return struct.unpack_from("<" + form, self.space, offset)[0]

    def capability(self, wanted):
        """Its offset; None: there is none."""
        offset = self.get("B", 0x34) if self.get("H", 0x06) & 0x10 else 0
        while offset and self.get("B", offset) != wanted:
            offset = self.get("B", offset + 1)
        return offset or None

    def extended(self, wanted):
        offset = 0x100
        while offset and self.get("H", offset) != wanted:
            offset = self.get("I", offset) >> 20
        return offset or None

    def describe(self, regions, below):
        """As described() does it. What only bridges or only endpoints say is left out for the others."""
        express, power = self.capability(EXPRESS), self.capability(POWER)
        bridge = self.get("B", 0x0E) & 0x7F == 1
        kind = "endpoint" if not bridge else (
            KINDS[self.get("H", express + 2) >> 4 & 0xF] if express else "pci-bridge")
        msi, msix = (None, None) if bridge else map(self.capability, (MSI, MSIX))
        acs = self.extended(ACS) if express else None
        flr = bool(express and not bridge and self.get("I", express + 4) & FLR)
        return {
            "id": (self.get("H", 0), self.get("H", 2)),
            "class": self.get("I", 8) >> 8,
            "kind": kind,
            "bars": {region["bar"]: (region["size"], region["mem_type_64"])
                     for region in regions if region["type"] == "memory" and region["bar"] < 6},
            "acs": acs and self.get("H", acs + 4),
            "express": bool(express) and not bridge,
            "function-level-reset": flr,
            # Of no matter where there is FLR, which comes first.
            "power-reset": bool(power and not bridge and not flr and
                                not self.get("H", power + 4) & NO_SOFT_RESET),
            "interrupt-pin": 0 if bridge else self.get("B", 0x3D),
            "msi": 1 << (self.get("H", msi + 2) >> 1 & 7) if msi else 0,
            "msi-x": (self.get("H", msix + 2) & 0x7FF) + 1 if msix else 0,
            "multifunction": bool(self.get("B", 0x0E) & 0x80),
            "below": below,
        }


class Board(SystemTest):
    def found(self, machine, ecam, devices):
        """The functions that QEMU lists, and what their own configuration space says."""
        functions = {}
        for device in devices:
            place = device["bus"] << 20 | device["slot"] << 15 | device["function"] << 12
            function = Function(machine.qtest.read(ecam + place, 4096))
            below = device.get("pci_bridge", {}).get("devices", [])
            functions[device["slot"], device["function"]] = function.describe(
                device["regions"], self.found(machine, ecam, below))
        return functions

    def assert_described(self, folder, **options):
        """Bulkhead runs on the machine of the board, and has given bus numbers."""
        wanted = described_roots(read_source(os.path.join(folder, "pci.dts")))
        host = next(node for node in read_source(os.path.join(folder, "machine.dts")).values()
                    if isinstance(node, dict) and
                    node.get("compatible") == "pci-host-ecam-generic")
        with Machine(ways=("qmp", "qtest"), board=folder, **options) as machine:
            self.watch(machine)
            machine.console.wait_for(r"^\[bulkhead\] .*: starts at", LIMIT)
            ecam = host["reg"][0] << 32 | host["reg"][1]
            seen = {root["bus"]: self.found(machine, ecam, root["devices"])
                    for root in machine.qmp.command("query-pci")}
        self.maxDiff = None
        self.assertEqual(seen, wanted)

    def test_the_machine_has_the_functions_that_sets_are_checked_with(self):
        self.assert_described(harness.BOARD_FOLDER, bundle=harness.DEMO)

    def test_the_machine_with_three_iommus_has_those_of_its_three_root_buses(self):
        self.assert_described(os.path.join(harness.ROOT, "boards", "qemu-three-smmus"),
                              bundle=require(harness.BUNDLE),
                              image=require(os.path.join(harness.BUILD, "qemu-three-smmus",
                                                         "bulkhead.img")))


if __name__ == "__main__":
    unittest.main()
