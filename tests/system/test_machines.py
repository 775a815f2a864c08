# SPDX-License-Identifier: Apache-2.0
"""Machines that cannot be used, device trees that are damaged, and the ways to start the image."""
import os
import random
import re
import tempfile

import harness
from harness import HarnessError, require
from places import (ECAM, EDU_BAR, GICD, IMAGE_BASE, INTC_NODE, PCIE_NODE, REDISTRIBUTORS, SMMU,
                    SMMU_NODE)
from refusal import BYSTANDER, REFUSAL_LIMIT, RefusalTest
from scenario import (EDU, ELF, LIMIT, REFUSED, SIZE, Partition, Run, ScenarioTest, assemble,
                      block, call, make_bundle, pci, probe, source_of)

FAR = 1 << 37  # guest-physical memory that overlaps nothing of the machine


class Machines(RefusalTest):
    """Machines on which nothing could be isolated."""

    def boot_bystander(self, *extra, **options):
        return self.boot(make_bundle(self.folder, source_of([BYSTANDER])), *extra, **options)

    def stopped(self, pattern, *extra):
        """The machine says why and stops: there is nobody whom it could ask to go off."""
        machine = self.boot_bystander(*extra)
        machine.console.wait_for(pattern, REFUSAL_LIMIT)
        lines = machine.console.lines()
        self.assertEqual([line for line in lines if not line.startswith("[bulkhead] ")], [])
        self.assertEqual([line for line in lines if "starts at" in line], [])
        return lines

    def test_a_machine_without_an_smmu(self):
        self.stopped(r"^\[bulkhead\] fatal: .*(SMMU|IOMMU)", "-M", "iommu=none")

    def test_a_machine_with_a_gicv2(self):
        bundle = make_bundle(self.folder, source_of([BYSTANDER]))
        self.assert_fatal(self.refused(bundle, "-M", "gic-version=2"), "GICv3")

    def test_a_start_at_el1(self):
        self.stopped(r"^\[bulkhead\] fatal: not entered at EL2: .*virtualization", "-M",
                     "virtualization=off")

    def test_a_machine_with_one_cpu_for_two_partitions(self):
        self.assert_mistake("/partitions", "cpus", "2 partitions.*has 1",
                            [probe("exit", code=0)], "-smp", "1")


class DeviceTrees(RefusalTest):
    """The tree that firmware passes, damaged in memory before the first instruction."""

    HEADER = {"magic": 0, "totalsize": 4, "off_struct": 8, "off_strings": 12, "off_reserve": 16,
              "version": 20, "last_version": 24, "size_strings": 32, "size_struct": 36}
    EXCEPTION = re.compile("exception in the hypervisor")

    def hold(self, *extra):
        """A machine that stands at reset, and where its tree lies."""
        machine = self.boot(make_bundle(self.folder, source_of([BYSTANDER])), *extra,
                            ways=("qmp", "qtest"), held=True)
        roms = machine.qmp.monitor("info roms")
        found = re.search(r"addr=([0-9a-f]+) size=0x([0-9a-f]+) .*name=\"dtb\"", roms)
        if not found:
            raise HarnessError(f"QEMU names no device tree: {roms}")
        return machine, int(found[1], 16), int(found[2], 16)

    def field(self, machine, tree, name):
        return int.from_bytes(machine.qtest.read(tree + self.HEADER[name], 4), "big")

    def go(self, machine):
        machine.qmp.command("cont")
        return Run(machine, REFUSAL_LIMIT)

    def assert_refused_with(self, patches, text):
        """`patches`: header field -> its new value."""
        machine, tree, _ = self.hold()
        for name, value in patches.items():
            data = value.to_bytes(4, "big").hex()
            machine.qtest.batch([f"write {tree + self.HEADER[name]:#x} 4 0x{data}"])
        run = self.go(machine)
        self.assertEqual(run.codes, {"bulkhead": REFUSED})
        self.assertTrue(run.hypervisor(f"^fatal: .*({text})"), run.lines)

    def test_no_tree_there(self):
        self.assert_refused_with({"magic": 0}, "no flattened device tree")

    def test_a_tree_of_an_old_version(self):
        self.assert_refused_with({"version": 16}, "corrupt")

    def test_a_tree_of_a_size_that_its_parts_exceed(self):
        for size in (0, 39, 40, 1000):
            with self.subTest(size):
                self.assert_refused_with({"totalsize": size}, "corrupt")

    def test_a_tree_larger_than_any(self):
        self.assert_refused_with({"totalsize": 0x80000000, "size_struct": 0x40000000}, "larger")

    def test_parts_that_lie_outside_the_tree(self):
        for name in ("off_struct", "off_strings", "off_reserve", "size_struct", "size_strings"):
            for value in (0xFFFFFFFF, 0xFFFFFFF0, 0x7FFFFFFF):
                with self.subTest(name, value=hex(value)):
                    self.assert_refused_with({name: value}, "corrupt|larger")

    def test_a_truncated_tree(self):
        for share in (0.1, 0.5, 0.9, 0.99):
            with self.subTest(share):
                machine, tree, size = self.hold()
                first = self.field(machine, tree, "off_struct")
                end = first + self.field(machine, tree, "size_struct")
                cut = int(first + (end - first) * share) & ~3
                machine.qtest.batch([f"memset {tree + cut:#x} {size - cut:#x} 0xff"])
                run = self.go(machine)
                self.assertEqual(run.codes, {"bulkhead": REFUSED})
                self.assertTrue(run.hypervisor("^fatal: .*corrupt"), run.lines)

    def test_random_damage_is_refused_with_a_line_or_does_no_harm(self):
        for seed in range(24):
            with self.subTest(seed=seed):
                chance = random.Random(seed)
                machine, tree, _ = self.hold()
                first = self.field(machine, tree, "off_struct")
                end = (self.field(machine, tree, "off_strings")
                       + self.field(machine, tree, "size_strings"))
                machine.qtest.batch([f"writeb {tree + chance.randrange(first, end):#x} "
                                     f"{chance.randrange(256):#x}" for _ in range(1 + seed % 8)])
                run = self.go(machine)
                self.assertIn(run.codes, ({"bulkhead": REFUSED}, {"bystander": 0}))
                self.assertIsNone(self.EXCEPTION.search("\n".join(run.lines)))
                if "bulkhead" in run.codes:
                    self.assertTrue(run.hypervisor("^fatal: |^set.dts:"), run.lines)

    def edited(self, *edits):
        """A file with the machine's own tree after `edits`, each the words of an fdtput."""
        path = os.path.join(tempfile.mkdtemp(dir=self.folder), "tree.dtb")
        machine, tree, _ = self.hold()
        data = machine.qtest.read(tree, self.field(machine, tree, "totalsize"))
        with open(path, "wb") as out:
            out.write(data)
        for words in edits:
            call("fdtput", *(path if word == "FILE" else word for word in words))
        return path

    def refused_with_tree(self, *edits, extra=()):
        bundle = make_bundle(self.folder, source_of([BYSTANDER]))
        return self.refused(bundle, "-dtb", self.edited(*edits), *extra)

    def test_an_smmu_of_the_board_s_table_that_is_not_in_the_tree(self):
        lines = self.refused_with_tree(("-r", "FILE", SMMU_NODE),
                                       ("-d", "FILE", PCIE_NODE, "iommu-map"))
        self.assert_fatal(lines, "SMMU|IOMMU")

    def test_another_smmu_than_the_board_s_table_names(self):
        lines = self.refused_with_tree(("-t", "x", "FILE", SMMU_NODE, "reg", "0",
                                        "0x09070000", "0", "0x20000"))
        self.assert_fatal(lines, "SMMU|IOMMU")

    def test_an_iommu_map_to_nothing(self):
        lines = self.refused_with_tree(("-t", "x", "FILE", PCIE_NODE, "iommu-map", "0",
                                        "0x7777", "0", "0x10000"))
        self.assert_fatal(lines, f"iommu-map names an IOMMU that is not in the tree.*{PCIE_NODE}")

    def test_an_iommu_map_that_leaves_its_range(self):
        smmu = call("fdtget", "-t", "x", self.edited(), SMMU_NODE, "phandle").strip()
        lines = self.refused_with_tree(("-t", "x", "FILE", PCIE_NODE, "iommu-map", "0",
                                        "0x" + smmu, "0xffffffff", "0x10000"))
        self.assert_fatal(lines, f"iommu-map entry that is empty or out of range.*{PCIE_NODE}")

    def test_a_master_that_no_smmu_stands_before_is_said_and_the_rest_starts(self):
        tree = self.edited(("-c", "FILE", "/dma@b000000"),
                           ("-t", "s", "FILE", "/dma@b000000", "compatible", "test,engine"))
        run = Run(self.launch(make_bundle(self.folder, source_of([BYSTANDER])), "-dtb", tree))
        self.assertEqual([line for line in run.said("bulkhead") if "unprotected" in line],
                         ["unprotected: /dma@b000000 (test,engine), 1 of its kind: no SMMUv3 stands before it"])
        self.assertEqual(run.codes, {"bystander": 0})

    def test_a_tree_without_an_interrupt_controller(self):
        lines = self.refused_with_tree(("-t", "s", "FILE", INTC_NODE, "compatible", "none"))
        self.assert_fatal(lines, "GICv3")

    def assert_not_a_block(self, name, address, size=0x1000):
        """A node that claims the registers of something else makes them nobody's to have."""
        path = f"/{name}@{address:x}"
        tree = self.edited(("-c", "FILE", path),
                           ("-t", "s", "FILE", path, "compatible", "harmless"),
                           ("-t", "x", "FILE", path, "reg", hex(address >> 32),
                            hex(address & 0xFFFFFFFF), "0", hex(size)))
        harmless = assemble(self.folder, "touch", ADDRESS=hex(FAR), HOW=0)
        thief = Partition("thief", payload="touch.bin", memory=(FAR, SIZE), devices=(block(path),))
        lines = self.refused([thief, BYSTANDER], "-dtb", tree, payloads={"touch.bin": harmless})
        self.assert_line(lines, r"^set\.dts:/partitions/thief/devices/device0: path: .*" + path)

    def test_a_register_block_that_is_the_smmu_by_another_name(self):
        self.assert_not_a_block("clock", SMMU)

    def test_a_register_block_that_is_the_second_page_of_the_smmu(self):
        self.assert_not_a_block("clock", SMMU + 0x10000)

    def test_a_register_block_that_is_the_interrupt_controller_by_another_name(self):
        for address in (GICD, REDISTRIBUTORS, REDISTRIBUTORS + 0x20000):
            with self.subTest(hex(address)):
                self.assert_not_a_block("clock", address)

    def test_a_register_block_that_is_configuration_space_by_another_name(self):
        self.assert_not_a_block("clock", ECAM + 0x100000)

    def test_a_register_block_inside_a_pci_window(self):
        self.assert_not_a_block("clock", EDU_BAR)

    def test_a_register_block_that_is_ram_by_another_name(self):
        for address in (IMAGE_BASE, 0x60000000):
            with self.subTest(hex(address)):
                self.assert_not_a_block("clock", address)

    def test_a_register_block_on_the_page_of_another_node(self):
        self.assert_not_a_block("clock", 0x09020000)

    def test_a_tree_whose_nodes_are_nested_too_deeply(self):
        path = "/deep"
        edits = []
        for _ in range(12):
            edits.append(("-c", "FILE", path))
            path += "/deep"
        self.assert_fatal(self.refused_with_tree(*edits), "deep")

    def test_the_machine_s_own_tree_passed_by_a_file_is_no_mistake(self):
        run = Run(self.launch(make_bundle(self.folder, source_of([BYSTANDER])), "-dtb",
                              self.edited()))
        self.assertEqual(run.codes, {"bystander": 0})


class Starts(ScenarioTest):
    """Starts that are unusual and no mistake."""

    def assert_starts(self, *extra, **options):
        bundle = make_bundle(self.folder, source_of([probe("abi", devices=[pci(EDU)]), BYSTANDER]))
        run = Run(self.boot(bundle, *extra, **options))
        self.assert_named(run, ["abi", "bystander"])
        self.assertEqual(run.said("abi")[:1], ["test abi"])
        self.assertEqual(run.codes.get("bystander"), 0)

    def test_the_elf_file_without_a_tree_s_address(self):
        """QEMU passes an ELF file neither x0 nor an initrd: the tree says where the bundle is."""
        where, source = 0x50000000, source_of([BYSTANDER])
        bundle = make_bundle(self.folder, source)
        tree = os.path.join(tempfile.mkdtemp(dir=self.folder), "tree.dtb")
        self.boot(None, "-M", f"dumpdtb={tree}", ways=()).wait_end(LIMIT)
        for name, value in (("start", where), ("end", where + os.path.getsize(bundle))):
            call("fdtput", "-t", "x", tree, "/chosen", f"linux,initrd-{name}", hex(value))
        run = Run(self.boot(None, "-dtb", tree, "-device",
                            f"loader,file={bundle},addr={where:#x},force-raw=on",
                            image=require(ELF)))
        self.assertEqual(run.codes, {"bystander": 0})

    def test_the_image_at_any_2_mib_aligned_address(self):
        for address in (0x40400000, 0x44000000, 0x5FE00000, 0x7E000000):
            with self.subTest(hex(address)):
                stub = os.path.join(tempfile.mkdtemp(dir=self.folder), "jump.img")
                with open(stub, "wb") as out:
                    out.write(assemble(self.folder, "jump", NEXT=hex(address)))
                self.assert_starts("-device", f"loader,file={require(harness.IMAGE)},"
                                   f"addr={address:#x},force-raw=on", image=stub)
