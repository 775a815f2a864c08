# SPDX-License-Identifier: Apache-2.0
"""`make check`: what it prints of a set, the isolation matrix above all, and when it objects.

The tool runs on the host alone. Beside it stands one that was linked with a hypervisor that has a
defect (check/defect.c): the matrix must show it, and where.
"""
import os
import re
import subprocess
import tempfile
import unittest

import harness
from built import BOARD_TREE, MACHINE_TREE, PAYLOADS, PCI_TREE, addresses, call
from harness import require
from places import RAM
from scenario import BASE, EDU, MIB, Partition, block, pci, source_of

DEMO = os.path.join(harness.BOARD_FOLDER, "demo.dts")
ALONE = os.path.join(harness.ROOT, "tests", "system", "sets", "sensor.dts")
SECOND = "0000:02:00.0"
HIGH = 0x80000000  # guest-physical memory that no physical memory of the machine shares
PORT = """port@{0} {{ reg = <{0} 0>; kind = "root-port"; id = <0x1b36 0x000c>; class = <0x060400>;
edu@0 {{ reg = <0 0>; id = <0x1234 0x11e8>; class = <0x00ff00>; bars = <0 0 0x100000>; }}; }};
"""
TWO_PORTS = '/dts-v1/; / { compatible = "bulkhead,pci"; ' + PORT.format(1) + PORT.format(2) + "};"


class Matrix:
    """A table taken apart: {letter: (address lines, meaning)}, {(device, partition): cells} and
    {(device, partition): its interrupts}."""

    def __init__(self, output):
        text = output.split("isolation matrix", 1)[1]
        self.columns, self.rows, self.interrupts = {}, {}, {}
        for letter, where, what in re.findall(r"^  ([A-Z])  (.{25})  (\S.*)$", text, re.M):
            self.columns[letter] = (where.strip(), what)
        letters = re.search(r"^  device +bound by +(.*)  interrupts$", text, re.M).group(1).split()
        assert letters == list(self.columns), (letters, self.columns)
        cells = r"((?:  (?:none|own|window|doorbell|REACHED) *){%d})  (.*)$" % len(letters)
        for name, who, found, interrupts in re.findall(r"^  (\S.*?) +(\S+) *" + cells, text, re.M):
            self.rows[name.strip(), who] = found.split()
            self.interrupts[name.strip(), who] = interrupts
        self.sentence = " ".join(text.split("no address leads there", 1)[1].split())


class CheckTest(unittest.TestCase):
    """Runs the tool on a set."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, "flat.bin"), "wb") as out:
            out.write(bytes(64))

    def compile(self, name, source):
        path, tree = (os.path.join(self.folder, name + end) for end in (".dts", ".dtb"))
        with open(path, "w", encoding="utf-8") as out:
            out.write(source)
        call("dtc", "-q", "-I", "dts", "-O", "dtb", "-o", tree, path)
        return tree

    @staticmethod
    def image():
        table = addresses()
        return hex(table["image_start"]), hex(table["image_end"])

    trees = (MACHINE_TREE, BOARD_TREE, PCI_TREE)

    def check(self, source, ports=None, defect=None):
        """(status, standard output, complaints)."""
        start, end = self.image()
        tool = require(os.path.join(harness.OUTPUT, "check-defect" if defect else "check"))
        machine, board, tree = map(require, self.trees)
        tree = self.compile("pci", ports) if ports else tree
        done = subprocess.run(
            [tool, "--set", self.compile("set", source), "--name", "set.dts", "--directory",
             self.folder, "--payloads", require(PAYLOADS), "--machine",
             machine, "--board", board, "--pci", tree, "--image-base", start,
             "--image-end", end],
            capture_output=True, encoding="utf-8", timeout=60, check=False,
            env={**os.environ, "DEFECT": defect or ""})
        return done.returncode, done.stdout, done.stderr

    def matrix(self, source, **options):
        """The matrix of a set without a mistake."""
        status, output, complaints = self.check(source, **options)
        self.assertEqual((status, complaints), (0, ""), output)
        self.assertTrue(output.endswith("\nno mistakes\n"), output)
        return Matrix(output)


def two(devices=(EDU, SECOND), pool=256):
    """Two partitions that may both bind both devices, one of them of 512 MiB."""
    nodes = [Partition("large", payload="flat.bin", memory=(HIGH, 512 * MIB),
                       lines=(f"pool-pages = <{pool}>;",), devices=tuple(map(pci, devices))),
             Partition("small", payload="flat.bin", memory=(BASE, 16 * MIB),
                       devices=(*map(pci, devices), block("/pl031@9010000")))]
    return source_of(nodes)


CARD = """port@1 {{ reg = <1 0>; kind = "root-port"; id = <0x1b36 0x000c>; class = <0x060400>;
card@0 {{ reg = <0 0>; id = <0x8086 0x10c9>; class = <0x020000>; express; function-level-reset;
virtual-functions {{ {} }}; }}; }};"""
WORDS = "functions = <8 0x80 2>; device = <0x10ca>; msi-x = <3>; bars = <0 0 0x4000>, <3 0 0x4000>; wide-bars;"
VIRTUAL = ("0000:01:10.0", "0000:01:10.2")


class VirtualFunctions(CheckTest):
    """A physical function with eight of which the board has two enabled."""

    def card(self, *devices, words=WORDS, around=CARD):
        nodes = [Partition(f"p{n}", payload="flat.bin", memory=(BASE, 16 * MIB), devices=(pci(name),))
                 for n, name in enumerate(devices)]
        return self.check(source_of(nodes),
                          ports='/dts-v1/; / { compatible = "bulkhead,pci"; ' + around.format(words) + "};")

    def assert_told(self, text, *devices, **options):
        status, output, complaints = self.card(*devices or VIRTUAL, **options)
        self.assertEqual((status, output), (1, ""))
        self.assertRegex(complaints, text)

    def test_row_0_8_each_reaches_the_partition_that_bound_it_and_has_its_own_messages(self):
        status, output, complaints = self.card(*VIRTUAL)
        self.assertEqual((status, complaints), (0, ""), output)
        matrix = Matrix(output)
        self.assertEqual(matrix.rows, {
            (VIRTUAL[0], "p0"): ["own", "none", "none", "none", "doorbell"] + ["none"] * 3,
            (VIRTUAL[1], "p1"): ["none", "none", "own", "none", "doorbell"] + ["none"] * 3,
            ("every other stream", "-"): ["none"] * 8})
        self.assertEqual(matrix.interrupts[VIRTUAL[1], "p1"], "3 messages")
        self.assertIn("  root port 0000:00:01.0: p0, p1\n", output)

    def test_row_5_5_a_set_that_splits_them_where_nobody_vouches_is_refused_by_name(self):
        with open(os.path.join(harness.BOARD_FOLDER, "board.dts"), encoding="utf-8") as file:
            board = file.read()
        self.assertIn("virtual-functions-isolated;", board)
        machine, _, tree = self.trees
        self.trees = machine, self.compile("board", board.replace("virtual-functions-isolated;", "")), tree
        self.assert_told(f"{VIRTUAL[0]} and {VIRTUAL[1]} are one group, which cannot be split: list both for "
                         r"p0, or neither \(virtual functions of one device, for which nobody vouches\)")

    def test_acs_in_each_of_them_and_in_the_physical_one_keeps_them_apart_without_the_boards_word(self):
        with open(os.path.join(harness.BOARD_FOLDER, "board.dts"), encoding="utf-8") as file:
            board = file.read()
        machine, _, tree = self.trees
        self.trees = machine, self.compile("board", board.replace("virtual-functions-isolated;", "")), tree
        status, output, complaints = self.card(*VIRTUAL, words=WORDS + "acs = <0x5f>;",
                                               around=CARD.replace("express;", "express; acs = <0x5f>;"))
        self.assertEqual((status, complaints), (0, ""), output)

    def test_their_physical_function_and_more_than_the_board_enables_are_refused(self):
        self.assert_told("has virtual functions, and stays with the hypervisor", "0000:01:00.0")
        self.assert_told("this machine has no 0000:01:10.4", "0000:01:10.4")

    def test_a_node_of_virtual_functions_that_is_wrong_is_a_mistake(self):
        for words, text in (("device = <1>;", r"write functions = <how-many first-offset stride>"),
                            ("functions = <8 0 2>; device = <1>;", r"write functions ="),
                            ("functions = <8 8 1>;", r"write device = <their device id>"),
                            (WORDS + "msi = <3>;", "msi: how many vectors, a power of two up to 32"),
                            (WORDS + "more { reg = <0 0>; };", "one node for all of them")):
            self.assert_told(r"card@0: virtual-functions: .*" + text if "msi: " not in text else text, words=words)
        self.assert_told("virtual-functions: only below an endpoint", around=CARD.replace(" express;", ""))
        self.assert_told("virtual-functions: only below an endpoint", around="virtual-functions {{ {} }};")

    def test_messages_that_no_function_can_have_are_a_mistake(self):
        for words, text in (("msi = <0>;", "msi: how many"), ("msi = <64>;", "msi: how many"),
                            ("msi-x = <2049>;", "msi-x: how many"), ("msi-x;", "msi-x: how many")):
            self.assert_told(text, around=CARD.replace("express;", "express; " + words))


class Tables(CheckTest):
    """Boards whose ACPI tables a boot believes, of which the tool knows nothing."""

    trees = (MACHINE_TREE, os.path.join(harness.BUILD, "qemu-virt-acpi", "board.dtb"), PCI_TREE)

    def test_a_check_of_the_tree_alone_says_that_a_boot_reads_tables(self):
        with open(DEMO, encoding="utf-8") as file:
            status, output, complaints = self.check(file.read())
        self.assertEqual((status, complaints), (0, ""), output)
        self.assertIn("a boot reads from the\nmachine's acpi tables, which are not here", output)

    def test_a_board_that_does_not_tell_what_a_boot_would_find_is_refused_in_one_line(self):
        done = subprocess.run(["make", "-s", "check", "BOARD=qemu-three-smmus-acpi"], cwd=harness.ROOT,
                              capture_output=True, encoding="utf-8", timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertRegex(done.stderr.splitlines()[0],
                         r"^boards/qemu-three-smmus-acpi/machine\.dts: there is none: make check cannot know")


class SeveralUnits(CheckTest):
    """The board with three root buses, an IOMMU each."""

    trees = tuple(os.path.join(harness.BUILD, "qemu-three-smmus", f"{name}.dtb")
                  for name in ("machine", "board", "pci"))

    def test_row_5_3_a_device_behind_each_iommu_reaches_its_partition_and_nothing_else(self):
        devices = ("0000:01:00.0", "0000:21:00.0", "0000:41:00.0")
        matrix = self.matrix(source_of([
            Partition(f"p{n}", payload="flat.bin", memory=(BASE, 16 * MIB), devices=(pci(name),))
            for n, name in enumerate(devices)]))
        places = {0: "own", 2: "own", 4: "own", 6: "doorbell"}  # one ITS has the messages of all root buses
        own = {(name, f"p{n}"): [places[place] if place in (2 * n, 6) else "none" for place in range(10)]
               for n, name in enumerate(devices)}
        self.assertEqual(matrix.rows, {**own, ("every other stream", "-"): ["none"] * 10})

    def assert_told(self, ports, text):
        status, output, complaints = self.check(
            two(), ports=f'/dts-v1/; / {{ compatible = "bulkhead,pci"; {ports} }};')
        self.assertEqual((status, output), (1, ""))
        self.assertRegex(complaints, text)

    def test_a_function_that_stands_on_none_of_several_root_buses_is_a_mistake(self):
        self.assert_told(PORT.format(1), r"port@1: .*stands on one of several root buses")

    def test_a_root_bus_that_no_host_bridge_begins_with_is_a_mistake(self):
        self.assert_told("root { bus = <7>; };", r"root: .*no host bridge of the machine's tree")


class Isolation(CheckTest):
    """Sets that are right."""

    def check_file(self, path):
        with open(path, encoding="utf-8") as file:
            return self.check(file.read())

    def test_in_the_demo_each_device_reaches_the_memory_of_its_partition(self):
        status, output, complaints = self.check_file(DEMO)
        self.assertEqual((status, complaints), (0, ""), output)
        self.assertTrue(output.endswith("\nno mistakes\n"), output)
        rows = {(EDU, "sensor"): 0, (SECOND, "rogue"): 2, ("0000:03:00.0", "legacy"): 4}
        expected = {row: ["none"] * place + ["own"] + ["none"] * (9 - place)
                    for row, place in rows.items()}
        expected[EDU, "sensor"][6] = expected["0000:03:00.0", "legacy"][6] = "doorbell"
        matrix = Matrix(output)
        self.assertEqual(matrix.rows, {**expected, ("every other stream", "-"): ["none"] * 10})
        self.assertEqual(matrix.columns["G"], ("0x08090000-0x08090fff", "/intc@8000000/its@8080000: doorbell"))
        self.assertEqual(matrix.interrupts, {
            (EDU, "sensor"): "1 message or INTx 36", (SECOND, "rogue"): "none",
            ("0000:03:00.0", "legacy"): "32 messages or INTx 38", ("every other stream", "-"): "none"})
        self.assertIn("its doorbell, nothing else.", matrix.sentence)

    def test_what_partitions_stand_on_together_is_named_with_them(self):
        _, output, _ = self.check_file(DEMO)
        shared = output.split("\nshared fate\n", 1)[1].split("\n\n", 1)[0].splitlines()
        self.assertEqual([line for line in shared if "INTx" not in line], [
            "  IOMMU 0 (/smmuv3@9050000): sensor, rogue, legacy",
            "  ITS /intc@8000000/its@8080000: sensor, legacy",
            "  PCI host /pcie@10000000: sensor, rogue, legacy",
            "  interrupt controller 0x8000000: sensor, rogue, legacy",
            "  console 0x9000000: sensor, rogue, legacy",
            "  memory 0x40000000-0x7fffffff: sensor, rogue, legacy"])

    def test_row_2_20_a_device_reaches_the_windows_that_the_set_lets_it_reach_and_no_other(self):
        nodes = [Partition("one", payload="flat.bin", devices=(pci(EDU),)),
                 Partition("two", payload="flat.bin", devices=(pci(SECOND),))]
        text = ('{} {{ between = "one", "two"; writable-by = "one"; size = <0x0 0x4000>; '
                "at = <0x0 {} 0x0 {}>; {} }};\n")
        windows = (text.format("open", "0x50000000", "0x58000000", "dma;") +
                   text.format("closed", "0x51000000", "0x51000000", ""))
        matrix = self.matrix(source_of(nodes, windows))
        # Columns: one, its pool, two, its pool, the two windows, the doorbell, hypervisor, registers, all else.
        self.assertEqual(matrix.rows[EDU, "one"],
                         ["own", "none", "none", "none", "window", "none", "doorbell"] + ["none"] * 3)
        self.assertEqual(matrix.rows[SECOND, "two"], ["none", "none", "own", "none", "window"] +
                         ["none"] * 5)
        self.assertEqual(matrix.rows["every other stream", "-"], ["none"] * 10)

    def test_a_set_of_one_line_by_line(self):
        status, output, complaints = self.check_file(ALONE)
        start, end = (int(text, 16) for text in self.image())
        self.assertEqual((status, complaints), (0, ""))
        lines = output[output.index("isolation matrix"):].splitlines()
        registers = re.search(r"(\d+) ranges", output).group(1)
        refused = re.search(r"refused (\d+) maps", output).group(1)
        self.assertGreater(int(registers), 40, "the nodes of QEMU's tree")
        self.assertGreater(int(refused), 2 * int(registers), "each by its first and last page")
        self.assertEqual(lines, [
            "isolation matrix: what of the machine each device reaches",
            "  A  0x40400000-0x413bffff      sensor",
            "  B  0x413c0000-0x413fffff      sensor: its table pool",
            "  C  0x08090000-0x08090fff      /intc@8000000/its@8080000: doorbell",
            "  D  0x40000000-0x400fffff      Bulkhead: tables and queues",
            f"     {start:#010x}-{end - 1:#010x}      Bulkhead: image",
            f"  E  {registers} ranges                  "
            "registers: interrupt controller, IOMMUs, PCI, every node",
            "  F                             everything else",
            "",
            "  device              bound by  A     B     C         D     E     F     interrupts",
            "  0000:01:00.0        sensor    own   none  doorbell  none  none  none  1 message or INTx 36",
            "  every other stream  -         none  none  none      none  none  none  none",
            "",
            "  own: memory of the partition that bound the device; none: no address leads there",
            "  doorbell: one page, where the device writes its messages while its owner has one bound; it",
            "  is written, never read, and the ITS takes the vectors of that device alone",
            "  Each partition bound each of its devices, mapped all it could, and was refused "
            f"{refused} maps",
            "  of what is not its own; a model of the IOMMU, with the features of QEMU's, walked all",
            "  65536 streams each time: a device reaches memory of the partition that bound it, its",
            "  doorbell, nothing else.",
            "",
            "no mistakes",
        ])

    def lines_of(self, slots, devices):
        """What is said of INTx where partitions list devices below ports at those numbers."""
        ports = "".join(PORT.format(slot).replace("bars =", "interrupt-pin = <1>; bars =")
                        for slot in slots)
        _, output, complaints = self.check(
            source_of([Partition(name, payload="flat.bin", memory=(BASE, 16 * MIB),
                                 devices=(pci(device),)) for name, device in devices]),
            ports=f'/dts-v1/; / {{ compatible = "bulkhead,pci"; {ports} }};')
        self.assertEqual(complaints, "", output)
        return re.findall(r"^  INTx, (.*)$", output, re.M)

    def test_each_line_is_named_with_those_who_hear_it(self):
        self.assertEqual(self.lines_of((1, 2), (("one", EDU), ("two", SECOND))),
                         [f"interrupt 36: {EDU} (one)", f"interrupt 37: {SECOND} (two)"])
        self.assertEqual(self.lines_of((1, 2), (("one", EDU), ("two", EDU))),
                         [f"interrupt 36: {EDU} (one, two)"])

    def test_i12_a_line_that_partitions_would_share_is_named_and_off(self):
        self.assertEqual(self.lines_of((1, 5), (("one", EDU), ("two", SECOND))),
                         [f"interrupt 36: {EDU} (one), {SECOND} (two): off, the line is shared with "
                          "a device of another partition"])

    def test_no_line_of_a_small_matrix_is_wider_than_100_columns(self):
        _, output, _ = self.check_file(ALONE)
        matrix = output[output.index("isolation matrix"):]
        wide = [line for line in matrix.splitlines() if len(line) > 100]
        self.assertEqual(wide, [])

    def test_each_partition_reaches_its_own_memory_through_each_device(self):
        matrix = self.matrix(two(), ports=TWO_PORTS)
        self.assertEqual([what for _, what in matrix.columns.values()],
                         ["large", "large: its table pool", "small", "small: its table pool",
                          "Bulkhead: tables and queues",
                          "registers: interrupt controller, IOMMUs, PCI, every node",
                          "everything else"])
        nothing = ["none"] * 7
        large, small = (["none"] * place + ["own"] + ["none"] * (6 - place) for place in (0, 2))
        self.assertEqual(matrix.rows, {
            (EDU, "large"): large, (EDU, "small"): small,
            (SECOND, "large"): large, (SECOND, "small"): small,
            ("/pl031@9010000", "small"): nothing, ("every other stream", "-"): nothing})

    def test_the_addresses_are_those_of_the_set(self):
        source = source_of([Partition("fixed", payload="flat.bin", memory=(HIGH, 16 * MIB),
                                      devices=(pci(EDU),),
                                      lines=("physical-address = <0x0 0x7f000000>;",))])
        matrix = self.matrix(source)
        self.assertEqual(matrix.columns["A"], ("0x7f000000-0x7ffbffff", "fixed"))
        self.assertEqual(matrix.columns["B"],
                         ("0x7ffc0000-0x7fffffff", "fixed: its table pool"))
        self.assertEqual(matrix.rows[EDU, "fixed"], ["own", "none", "doorbell"] + ["none"] * 3)

    def test_a_set_without_devices_has_every_stream_parked(self):
        matrix = self.matrix(source_of([Partition("alone", payload="flat.bin")]))
        self.assertEqual(matrix.rows, {("every other stream", "-"): ["none"] * 5})

    def test_a_partition_of_32_bit_code_is_named_as_such(self):
        source = source_of([Partition("old", payload="probe32.elf", lines=("aarch32;",)),
                            Partition("new", payload="probe.elf")])
        _, output, complaints = self.check(source)
        self.assertEqual(complaints, "")
        self.assertRegex(output, r"\nold .* probe32\.elf, AArch32\n")
        self.assertRegex(output, r"\nnew .* probe\.elf\n")

    def test_a_payload_for_the_other_width_is_a_mistake(self):
        for lines, payload in ((("aarch32;",), "probe.elf"), ((), "probe32.elf")):
            source = source_of([Partition("one", payload=payload, lines=lines)])
            status, _, complaints = self.check(source)
            self.assertEqual(status, 1)
            self.assertRegex(complaints, r"^set\.dts:/partitions/one: payload: .*is an ELF file for "
                                         r"AArch(32|64), and this is a (64|32)-bit partition")

    def test_a_pool_that_cannot_map_everything_is_told(self):
        _, output, _ = self.check(two(pool=8), ports=TWO_PORTS)
        self.assertRegex(output, rf"\n  {EDU}: the pool of large has pages to map 522240 of "
                                 r"its 524256 KiB\n")

    def test_a_device_that_cannot_be_reset_is_told_and_reaches_nothing(self):
        ports = TWO_PORTS.replace("edu@0 {", "edu@1 { reg = <0 1>; id = <1 2>; }; "
                                             "edu@0 { multifunction;", 1)
        source = source_of([Partition("one", payload="flat.bin",
                                      devices=(pci(EDU), pci("0000:01:00.1")))])
        status, output, _ = self.check(source, ports=ports)
        self.assertEqual(status, 0, output)
        self.assertIn(f"  {EDU}: one cannot bind it: there is no way to reset it alone\n", output)
        self.assertEqual(Matrix(output).rows[EDU, "one"], ["none"] * 5)


class Defects(CheckTest):
    """A hypervisor that is wrong is seen, cell by cell."""

    PHYSICAL = RAM + 4 * MIB  # of a first partition: behind tables and image

    def broken(self, source, defect, ports=TWO_PORTS):
        status, output, complaints = self.check(source, defect=defect, ports=ports)
        self.assertEqual(status, 1, output)
        self.assertNotIn("no mistakes", output)
        self.assertNotIn("nothing else", output)
        return Matrix(output), complaints.splitlines()

    def one(self, memory=BASE):
        return source_of([Partition("one", payload="flat.bin", memory=(memory, 16 * MIB),
                                    devices=(pci(EDU),))])

    def assert_finding(self, complaints, text):
        """A line that says it, with the walk below."""
        for line, walk in zip(complaints, complaints[1:] + [""]):
            if re.search(rf"^set\.dts:/partitions/{text}", line):
                self.assertRegex(walk, r"^  walk: IOMMU 0, stream 0x\w+, iova 0x\w+ -> .* -> 0x")
                return
        self.fail(f"no line like {text!r} among {complaints}")

    def test_the_same_tool_without_a_defect_has_no_complaint(self):
        status, output, complaints = self.check(self.one(), defect="none")
        self.assertEqual((status, complaints), (0, ""), output)

    def test_a_table_pool_that_is_mapped_is_seen(self):
        matrix, complaints = self.broken(self.one(), "pool")
        self.assertEqual(matrix.rows[EDU, "one"], ["own", "REACHED", "none", "none", "none"])
        self.assert_finding(complaints, rf"one: devices: {EDU} reaches \[0x413c0000, \+0x\w+\), "
                                        "column B, one: its table pool")
        self.assertTrue([line for line in complaints if "was given a map" in line], complaints)

    def test_a_way_to_the_hypervisor_and_to_registers_is_seen(self):
        matrix, complaints = self.broken(self.one(HIGH), "identity")
        self.assertEqual(matrix.rows[EDU, "one"][1:4], ["REACHED"] * 3)
        self.assert_finding(complaints, rf"one: devices: {EDU} reaches \[{RAM:#x}, \+0x1000\), "
                                        "column C, Bulkhead: tables and queues")

    def test_a_way_to_another_partition_is_seen(self):
        matrix, complaints = self.broken(two(), "identity")
        self.assertEqual(matrix.rows[EDU, "small"][0], "REACHED")
        self.assertEqual(matrix.rows["every other stream", "-"], ["none"] * 7)
        self.assert_finding(complaints, rf"large: devices: {EDU} reaches .* column C, small")

    def test_its_own_memory_at_the_wrong_place_is_seen(self):
        matrix, complaints = self.broken(self.one(), "shift")
        self.assertEqual(matrix.rows[EDU, "one"], ["own", "REACHED", "none", "none", "REACHED"])
        self.assertTrue([line for line in complaints if "does not reach all" in line], complaints)

    def test_a_device_that_is_not_parked_at_the_end_is_seen(self):
        matrix, complaints = self.broken(self.one(), "park")
        self.assertEqual(matrix.rows[EDU, "one"], ["own"] + ["none"] * 4)
        self.assertEqual(matrix.rows["every other stream", "-"], ["REACHED"] + ["none"] * 4)
        self.assert_finding(complaints, rf"one: devices: {EDU} still reaches, after it was given "
                                        rf"back, \[{self.PHYSICAL:#x}, \+0xfc0000\), column A")

    def test_an_entry_that_the_unit_still_has_cached_is_seen(self):
        matrix, complaints = self.broken(self.one(), "stale")
        self.assertEqual(matrix.rows["every other stream", "-"], ["REACHED"] + ["none"] * 4)
        self.assert_finding(complaints, rf"one: devices: {EDU} still reaches, after it was given "
                                        rf"back, \[{self.PHYSICAL:#x}, \+0x\w+\), column A, one, by what the "
                                        "unit has cached")

    def test_a_second_stream_that_is_attached_is_seen(self):
        matrix, complaints = self.broken(self.one(), "stream")
        self.assertEqual(matrix.rows["every other stream", "-"], ["REACHED"] + ["none"] * 4)
        self.assert_finding(complaints, rf"one: devices: {EDU} is not the only one: another stream "
                                        rf"reaches \[{self.PHYSICAL:#x}, \+0xfc0000\), column A")

    def messages(self, defect):
        """The matrix and the complaints where the first of two devices has four vectors."""
        return self.broken(self.one(), defect, ports=TWO_PORTS.replace("bars =", "msi-x = <4>; bars =", 1))

    def test_i12_a_doorbell_that_can_be_read_is_seen(self):
        matrix, complaints = self.messages("readable")
        self.assertEqual(matrix.rows[EDU, "one"], ["own", "none", "REACHED"] + ["none"] * 3)
        self.assert_finding(complaints, rf"one: devices: {EDU} reaches \[0x8090000, \+0x1000\), column C, ")

    def test_i12_a_message_of_another_device_is_seen(self):
        _, complaints = self.messages("message")
        self.assertIn(f"set.dts:/partitions/one: devices: {EDU} is not the only one, or not alone in its interrupts: "
                      "a unit lets through event 0 of DeviceID 0x100, to CPU 0", complaints)
        self.assertIn(f"set.dts:/partitions/one: devices: {EDU} does not raise all the messages that were bound: "
                      "0 of 4", complaints)

    def test_i12_messages_that_come_after_the_device_was_given_back_are_seen(self):
        _, complaints = self.messages("unbound")
        self.assertEqual(len([line for line in complaints if "a unit lets through event" in line]), 4, complaints)


if __name__ == "__main__":
    unittest.main()
