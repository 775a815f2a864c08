# SPDX-License-Identifier: Apache-2.0
"""The boards whose IOMMUs are read from ACPI tables: the same machines as by their device trees.

Numbers in the names of tests are rows of the requirements.
"""
import os
import re

import harness
import test_machines
import test_units
from built import MACHINE_TREE
from harness import require
from places import PCIE_NODE, SMMU_NODE, property_of
from refusal import RefusalTest
from scenario import Run, pack_file, probe

BOARDS = {name: os.path.join(harness.ROOT, "boards", name) 
          for name in ("qemu-virt", "qemu-virt-acpi", "qemu-three-smmus-acpi")}
FAULT = re.compile(r"^fault: device=(\S+) .*\bstream=(0x[0-9a-f]+)")


class Tables(RefusalTest):
    """One SMMU, QEMU's own tables."""

    trees = test_machines.DeviceTrees
    HEADER, hold, field, edited = trees.HEADER, trees.hold, trees.field, trees.edited

    def boot(self, bundle, *extra, **options):
        return super().boot(bundle, *extra, **{"board": BOARDS["qemu-virt"], **options})

    def output(self, board, name):
        return require(os.path.join(harness.BUILD, board, name))

    def demo(self, board, *extra):
        bundle = pack_file(self.folder, os.path.join(BOARDS[board], "demo.dts"),
                           self.output(board, "bulkhead.elf"))
        run = Run(self.boot(bundle, *extra, image=self.output(board, "bulkhead.img")))
        self.assert_codes(run, sensor=0, rogue=0, legacy=0)
        return run

    def tree_without_iommus(self):
        return self.edited(("-r", "FILE", SMMU_NODE), ("-d", "FILE", PCIE_NODE, "iommu-map"))

    @staticmethod
    def found(run, board):
        """What the boot says of the machine, without what the two name differently."""
        said = run.said("bulkhead")
        end = next(number for number, line in enumerate(said) if " devices found" in line)
        return [line.replace(board, "BOARD").replace("IORT/", "/") for line in said[:end + 1]
                if not re.match("set |image[ ,]", line)]

    @staticmethod
    def streams(run):
        return sorted({FAULT.search(line).groups() for line in run.said("bulkhead")
                       if FAULT.search(line)})

    def test_row_1_6_row_1_19_a_machine_is_the_same_by_its_tables_as_by_its_tree(self):
        by_tree = self.demo("qemu-virt")
        by_tables = self.demo("qemu-virt-acpi", "-dtb", self.tree_without_iommus())
        self.assertEqual(self.found(by_tables, "qemu-virt-acpi"), self.found(by_tree, "qemu-virt"))
        self.assertEqual(self.streams(by_tables), self.streams(by_tree))
        self.assertGreater(len(self.streams(by_tables)), 1)
        self.assertTrue(by_tables.hypervisor("^IORT/smmuv3@9050000: every stream aborts"))

    def test_a_map_of_the_tree_that_is_wrong_does_not_count(self):
        wrong = self.edited(("-t", "x", "FILE", PCIE_NODE, "iommu-map",
                             "0", hex(property_of(MACHINE_TREE, SMMU_NODE, "phandle")[0]),
                             "0x1000", "0x8000"))
        self.demo("qemu-virt-acpi", "-dtb", wrong)

    def test_a_machine_without_tables_is_refused(self):
        bundle = pack_file(self.folder, os.path.join(BOARDS["qemu-virt-acpi"], "demo.dts"),
                           self.output("qemu-virt-acpi", "bulkhead.elf"))
        board = "qemu-virt-acpi"
        lines = self.refused(bundle, "-M", "acpi=off", image=self.output(board, "bulkhead.img"))
        self.assert_fatal(lines, "a file that fw_cfg does not have: etc/table-loader")


class Roots(test_units.UnitsTest):
    """Three root buses with an SMMU each, which QEMU's own tree does not tell of."""

    PROBE = probe("units", devices=test_units.TESTDEVS)

    @staticmethod
    def found(run, board):
        """Of each unit, root bus and device; how much its tables take depends on how far its maps go."""
        return sorted(re.sub(r", \d+ KiB.*", "", line) for line in Tables.found(run, board))

    def test_row_1_19_root_buses_are_found_and_each_has_the_unit_that_the_iort_names(self):
        by_tree = self.run_set([self.PROBE])
        board = "qemu-three-smmus-acpi"
        image = require(os.path.join(harness.BUILD, board, "bulkhead.img"))
        by_tables = self.run_set([self.PROBE], board=BOARDS[board], image=image)
        for run in (by_tree, by_tables):
            self.assert_checks_hold(run, "units")
            self.assert_codes(run, units=0)
        self.assertEqual(self.found(by_tables, board), self.found(by_tree, "qemu-three-smmus"))
        self.assertTrue(by_tables.hypervisor("^IORT/smmuv3@c040000: every stream aborts"))
