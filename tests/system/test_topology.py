# SPDX-License-Identifier: Apache-2.0
"""`make topology`: the pci.dts of each QEMU board is what the board itself says. test_board compares the same file
with what QEMU says of the machine, which nothing here was made from."""
import os
import tempfile
import unittest

import harness
from built import call
from harness import require
from scenario import BASE, Partition, pci, source_of
from test_check import CheckTest, Matrix
from test_tools import ToolTest

BOARDS = os.path.join(harness.ROOT, "boards")
LINE = "[bulkhead] pci: {} {}\n"


def words(name, offset, *values):
    return LINE.format(name, f"{offset:03x}:" + "".join(f" {value:08x}" for value in values))


def header(name, identity, code, layout=0, bars=(), buses=0, pin=0):
    values = [identity, 0x00100400, code << 8, layout << 16, *bars]
    values += [0] * (16 - len(values))
    values[6] = values[6] if bars[2:] else buses
    values[15] = pin << 8
    return words(name, 0, *values)


def sizes(name, *values):
    return LINE.format(name, "sizes: " + " ".join(f"{value:x}" for value in [*values, *[0] * (6 - len(values))]))


def topology_of(folder, image, output):
    """What `make topology` writes of a board, from a boot."""
    with tempfile.TemporaryDirectory() as scratch:
        call("python3", os.path.join(harness.ROOT, "tools", "topology.py"), "--board", folder, "--image",
             require(image), "--scratch", os.path.join(scratch, "scratch.disk"), "--output", output)
    with open(output, encoding="ascii") as made:
        return made.read()


class Boards(unittest.TestCase):
    """Boots, under QEMU."""

    def test_row_5_13_the_functions_of_each_qemu_board_are_what_a_boot_says(self):
        boards = [name for name in sorted(os.listdir(BOARDS))
                  if all(os.path.exists(os.path.join(BOARDS, name, file)) for file in ("qemu.args", "pci.dts"))]
        self.assertIn(harness.BOARD, boards)
        self.assertGreater(len(boards), 1)
        for name in boards:
            with self.subTest(name), tempfile.TemporaryDirectory() as folder:
                made = topology_of(os.path.join(BOARDS, name), os.path.join(harness.BUILD, name, "bulkhead.img"),
                                   os.path.join(folder, "pci.dts"))
                with open(os.path.join(BOARDS, name, "pci.dts"), encoding="ascii") as committed:
                    self.assertEqual(made, committed.read(), f"make topology BOARD={name}")


class VirtualFunctions(CheckTest):
    """The board with a network card in the place of a device: boots, under QEMU, and what make check says then."""

    NODE = """\
            virtual-functions {
                functions = <8 0x80 2>;
                device = <0x10ca>;
                msi-x = <3>;
                bars = <0 0 0x4000>, <3 0 0x4000>;
                wide-bars;
            };
"""

    def setUp(self):
        super().setUp()
        with open(os.path.join(harness.BOARD_FOLDER, "qemu.args"), encoding="utf-8") as file:
            words = file.read().replace("iommu-testdev,bus=port2", "igb,bus=port2")
        self.assertIn("igb", words)
        with open(os.path.join(self.folder, "qemu.args"), "w", encoding="utf-8") as file:
            file.write(words)

    def test_row_5_13_a_boot_tells_of_virtual_functions_what_make_check_needs_to_know(self):
        made = topology_of(self.folder, harness.IMAGE, os.path.join(self.folder, "pci.dts"))
        self.assertIn(self.NODE, made)
        status, output, complaints = self.check(source_of(
            [Partition(name, payload="flat.bin", memory=(BASE, 16 << 20), devices=(pci(address),))
             for name, address in (("one", "0000:02:10.0"), ("two", "0000:02:10.2"))]), ports=made)
        self.assertEqual((status, complaints), (0, ""), output)
        self.assertEqual({key: cells.index("own") for key, cells in Matrix(output).rows.items() if "own" in cells},
                         {("0000:02:10.0", "one"): 0, ("0000:02:10.2", "two"): 2})


class Logs(ToolTest):
    """What is made of a log, from a machine that nobody here has."""

    PORT, SWITCH, DOWN, DISK, CARD = ("0000:00:01.0", "0000:01:00.0", "0000:02:03.0", "0000:03:00.0", "0000:40:02.1")
    LOG = (header(PORT, 0x000c1b36, 0x060400, 1, buses=0x030100) + words(PORT, 0x40, 0x00420010, 0, 0, 0) +
           words(PORT, 0x100, 0x0001000D, 0x5F, 0, 0) + sizes(PORT, 0x1000) +
           "[bulkhead] something else\n" +
           header(SWITCH, 0x82321104, 0x060400, 1, buses=0x030201) + words(SWITCH, 0x40, 0x00520010, 0, 0, 0) +
           sizes(SWITCH) +
           header(DOWN, 0x82331104, 0x060400, 1, buses=0x030302) + words(DOWN, 0x40, 0x00620010, 0, 0, 0) +
           sizes(DOWN) +
           header(DISK, 0x00101B36, 0x010802, 0x80, bars=(4, 0, 0, 0xC), pin=1) +
           words(DISK, 0x40, 0x00024801, 0, 0, 0) + words(DISK, 0x48, 0x00020010, 1 << 28, 0, 0) +
           sizes(DISK, 0x4000, 0, 0x1000, 1 << 33) +
           header(CARD, 0x12345678, 0x0C0330) + words(CARD, 0x40, 0x00024801, 0, 0, 0) +
           words(CARD, 0x48, 0x03060013, 0, 0, 0) + sizes(CARD, 0x100))

    def assert_log(self, pattern, text):
        self.assert_refused(pattern, *self.python("topology.py", "--board", "boards/mine", "--log",
                                                  self.write("log", text), "--output", self.output))
        self.assertFalse(os.path.exists(self.output), "it wrote a tree all the same")

    def test_what_stands_behind_a_switch_and_on_a_second_root_bus(self):
        call(*self.python("topology.py", "--board", "boards/mine", "--log", self.write("log", self.LOG),
                          "--output", self.output))
        with open(self.output, encoding="ascii") as made:
            text = made.read()
        self.assertIn("BOARD=mine`", text)
        tree = [line.strip() for line in text.split("{", 1)[1].splitlines() if line.strip()]
        self.assertEqual(tree, [
            'compatible = "bulkhead,pci";', "root@0 {", "bus = <0x00>;",
            "port@1 {", "reg = <1 0>;", 'kind = "root-port";', "id = <0x1b36 0x000c>;", "class = <0x060400>;",
            "acs = <0x5f>;", "bars = <0 0 0x1000>;",
            "port@0 {", "reg = <0 0>;", 'kind = "upstream-port";', "id = <0x1104 0x8232>;", "class = <0x060400>;",
            "port@3 {", "reg = <3 0>;", 'kind = "downstream-port";', "id = <0x1104 0x8233>;", "class = <0x060400>;",
            "nvme@0 {", "reg = <0 0>;", "id = <0x1b36 0x0010>;", "class = <0x010802>;", "express;",
            "function-level-reset;", "interrupt-pin = <1>;",
            "bars = <0 0 0x4000>, <2 0 0x1000>, <3 0x2 0x0>;", "wide-bars = <0 3>;", "multifunction;",
            "};", "};", "};", "};", "};",
            "root@40 {", "bus = <0x40>;",
            "usb@2,1 {", "reg = <2 1>;", "id = <0x5678 0x1234>;", "class = <0x0c0330>;", "advanced-reset;",
            "bars = <0 0 0x100>;", "};", "};", "};"])

    def test_virtual_functions_stand_below_the_one_whose_capability_leads_to_them(self):
        card = "0000:05:00.0"
        capability = words(card, 0x160, 0x00010010, 0, 0, 0x00080008, 2, 0x00020080, 0x10ca << 16, 0, 0, 0x4, 0, 0)
        virtual = header("0000:05:10.0", 0xFFFFFFFF, 0x020000) + words("0000:05:10.0", 0x70, 0x80020011, 0, 0, 0)
        log = (header(card, 0x10C98086, 0x020000) + words(card, 0x40, 0x00020010, 0, 0, 0) + capability + sizes(card) +
               virtual + sizes("0000:05:10.0", 0x4000) +
               header("0000:05:10.2", 0xFFFFFFFF, 0x020000) + sizes("0000:05:10.2", 0x4000))
        call(*self.python("topology.py", "--board", "boards/mine", "--log", self.write("log", log), "--output",
                          self.output))
        with open(self.output, encoding="ascii") as made:
            tree = [line.strip() for line in made.read().split("ethernet@0 {", 1)[1].splitlines() if line.strip()]
        self.assertEqual(tree, [
            "reg = <0 0>;", "id = <0x8086 0x10c9>;", "class = <0x020000>;", "express;", "virtual-functions {",
            "functions = <8 0x80 2>;", "device = <0x10ca>;", "msi-x = <3>;", "bars = <0 0 0x4000>;", "wide-bars;",
            "};", "};", "};"])
        os.remove(self.output)
        self.assert_log("0000:05:10.4: it has no vendor, and is a virtual function of none",
                        log + header("0000:05:10.4", 0xFFFFFFFF, 0x020000))

    def test_a_log_of_a_run_with_a_bundle(self):
        self.assert_log("says nothing of PCI functions: was the image started without a bundle",
                        "[bulkhead] off: one=0\n")

    def test_a_log_that_is_cut_off(self):
        self.assert_log("0000:00:01.0: nothing is said of its BARs", self.LOG.split("[bulkhead] pci: " + self.PORT +
                                                                                 " sizes")[0])

    def test_a_log_that_is_not_there(self):
        self.assert_refused("No such file", *self.python("topology.py", "--board", "boards/mine", "--log",
                                                         self.path("none"), "--output", self.output))


if __name__ == "__main__":
    unittest.main()
