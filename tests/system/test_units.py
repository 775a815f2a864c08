# SPDX-License-Identifier: Apache-2.0
"""The board with three IOMMUs of unequal capability, one a root bus: both stages, stage 2 alone, stage 1 alone.

Numbers in the names of tests are rows of the requirements.
"""
import os
import random
import re
import time

import harness
from boot_window import GOAL
from dma_probe import PORT_SLOT, PortProbe
from harness import require
from refusal import BYSTANDER, RefusalTest
from scenario import Partition, Run, make_bundle, pack_file, pci, probe, source_of
from table import payload_lines, read_table

BOARD = os.path.join(harness.ROOT, "boards", "qemu-three-smmus")
OUTPUT = os.path.join(harness.BUILD, "qemu-three-smmus")
IMAGE, IMAGE_ELF = (os.path.join(OUTPUT, name) for name in ("bulkhead.img", "bulkhead.elf"))

# IOMMUs in the order of the board: registers, first interrupt, root bus.
UNITS = ((0x0C000000, 144, 0x00), (0x0C020000, 148, 0x20), (0x0C040000, 152, 0x40))
EDUS = [pci(f"0000:{bus + 1:02x}:00.0") for _, _, bus in UNITS]
TESTDEVS = [pci(f"0000:{bus + 2:02x}:00.0") for _, _, bus in UNITS]
NVME = pci("0000:23:00.0")  # behind the second one
WARNING = "SMMUv3 device only supported with pcie.0 for DT"  # QEMU's, of the tree that is not used


class UnitsTest(RefusalTest):
    """Boots the image of that board on its machine."""

    def boot(self, bundle, *extra, **options):
        machine = super().boot(bundle, *extra, **{"image": require(IMAGE), "board": BOARD, **options})
        lines = machine.console.lines
        machine.console.lines = lambda: [line for line in lines() if WARNING not in line]
        return machine


class Assignment(UnitsTest):
    def assert_holds(self, run, *names):
        for name in names:
            self.assert_checks_hold(run, name)
        self.assert_codes(run, **{name: 0 for name in names})

    def test_row_5_3_row_4_4_row_4_3_devices_reach_the_last_page_of_their_own_iommu_and_none_behind(self):
        run = self.run_set([probe("units", devices=TESTDEVS)])
        self.assert_holds(run, "units")
        ends = [re.search(r" to (0x[0-9a-f]+),", line)[1] for line in run.said("units")
                if line.startswith("IOMMU ")]
        self.assertEqual(ends, ["0xfffffffffff"] * 2 + ["0xffffffffffff"])

    def test_row_0_4_row_2_13_row_4_12_what_is_mapped_once_is_there_for_all_and_unmapped_for_none(self):
        for devices in (TESTDEVS[:2], TESTDEVS[1:], TESTDEVS):
            with self.subTest(devices):
                self.assert_holds(self.run_set([probe("shared", devices=devices)]), "shared")

    def test_row_4_8_row_4_10_who_reaches_less_may_not_join_while_something_lies_beyond(self):
        run = self.run_set([probe("shared", devices=TESTDEVS)])
        self.assert_holds(run, "shared")
        self.assertIn("0000:42:00.0 alone reaches beyond 0xfffffffffff", run.said("shared"))

    def test_row_2_16_a_device_changes_spaces_and_one_that_streams_in_the_first_sees_nothing(self):
        for testdev in (TESTDEVS[0], TESTDEVS[2]):
            with self.subTest(testdev):
                run = self.run_set([probe("stream", how="neighbour", devices=[NVME, testdev])])
                self.assert_holds(run, "stream")
                self.note(run.said("stream")[-2])

    def test_row_2_17_a_device_that_streams_is_replaced_again_and_again_and_no_access_is_lost(self):
        run = self.run_set([probe("stream", how="replace", devices=[NVME])])
        self.assert_holds(run, "stream")
        said = run.said("stream")[-2]
        self.note(said)
        _, moves, hitless = map(int, re.findall(r"\d+", said))
        self.assertEqual(hitless, moves, "replaces that were hitless")

    def test_row_0_19_a_partition_is_restarted_20_times_while_its_disk_writes_to_its_memory(self):
        run = self.run_set([probe("stream", how="endless", devices=[NVME]),
                            probe("manage", rounds=19, wait_ms=300, lines=["manager;"])])
        self.assert_checks_hold(run, "manage")
        self.assertEqual(len(run.hypervisor("stream: starts at")), 21)
        begun = run.said("stream").count("streaming")
        self.assertGreaterEqual(begun, 10, "lives in which the disk was read")
        self.note(f"{begun} streams were begun")
        self.assertEqual([line for line in run.said("stream") if line.startswith("check ")], [])
        self.assertEqual(run.codes, {"stream": 252, "manage": 0})

    def test_row_4_12_two_partitions_use_all_iommus_each_at_a_time(self):
        more, others = [], []
        for number, (root, bus) in enumerate((("pcie.0", 0x03), ("root1", 0x24), ("root2", 0x43))):
            more += ["-device", f"pcie-root-port,id=more{number},bus={root},chassis={8 + number},"
                                "addr=0c.0", "-device", f"iommu-testdev,bus=more{number}"]
            others.append(pci(f"0000:{bus:02x}:00.0"))
        run = self.run_set([probe("shared", "one", devices=TESTDEVS),
                            probe("units", "two", devices=others)], *more)
        self.assert_holds(run, "one", "two")

    def test_row_1_8_a_device_behind_stage_1_alone_is_misused_in_vain(self):
        run = self.run_set([Partition("sensor", payload="sensor.elf", devices=(EDUS[2],),
                                      bootargs="image=0x40200000 stream-table=0x40270000")])
        self.assert_codes(run, sensor=0)
        rows = read_table(payload_lines(run.lines, "sensor"))
        self.assertGreater(len(rows), 8)
        self.assertEqual([str(row) for row in rows if row.seen != row.expected], [])

    def test_a_device_behind_each_iommu_has_its_interrupt(self):
        for edu in EDUS:
            with self.subTest(edu):
                self.assert_holds(self.run_set([probe("line", devices=[edu])]), "line")

    def test_the_demo_of_the_board_ends_without_a_surprise(self):
        run = Run(self.boot(pack_file(self.folder, os.path.join(BOARD, "demo.dts"), IMAGE_ELF)))
        self.assert_codes(run, sensor=0, rogue=0, legacy=0)
        self.assertEqual(run.strangers(run.codes), [])


class Lockdown(UnitsTest):
    """I2 with three units: a device on each root bus, fired from outside at any moment."""

    DEVICES = [word for number, bus in enumerate(("pcie.0", "root1", "root2"))
               for word in ("-device", f"pcie-root-port,id=outside{number},bus={bus},"
                            f"addr={PORT_SLOT:#x},chassis={70 + number}",
                            "-device", f"iommu-testdev,bus=outside{number},addr=0")]
    GBPA, ABORT = 0x44, 1 << 20
    MOMENTS, SEED = 40, 20251121

    def start(self):
        bundle = make_bundle(self.folder, source_of([probe("units", devices=TESTDEVS)]))
        machine = self.boot(bundle, *self.DEVICES, ways=("qmp", "qtest", "gdb"), held=True)
        self.probes = []
        for unit, interrupt, bus in UNITS:
            shooter = PortProbe(machine.qtest, bus=bus)
            shooter.unit, shooter.interrupt, shooter.SPARE_BUS = unit, interrupt, bus | 0x1F
            self.probes.append(shooter)
        return machine

    def fire(self):
        """Which of the three come through."""
        return [shooter.fire() for shooter in self.probes]

    def aborts(self, machine):
        values = machine.qtest.batch([f"readl {unit + self.GBPA:#x}" for unit, _, _ in UNITS])
        return [bool(value & self.ABORT) for value in values]

    def test_row_1_13_all_three_are_closed_in_the_order_of_the_board_and_stay_closed(self):
        machine = self.start()
        self.assertEqual(self.fire(), [True] * 3, "open at reset: else this shows nothing")
        closed, steps = [False] * 3, 0
        seen = []
        while closed != [True] * 3:
            machine.gdb.step()
            steps += 1
            self.assertLess(steps, GOAL, f"closed so far: {closed}")
            now = self.aborts(machine)
            if now != closed:
                closed = now
                seen.append(closed)
                self.assertEqual(self.fire(), [not shut for shut in closed], f"step {steps}")
        self.note(f"closed {steps} instructions after reset")
        self.assertEqual(seen, [[True, False, False], [True, True, False], [True] * 3])
        self.shoot_until_a_guest_starts(machine)

    def shoot_until_a_guest_starts(self, machine):
        chance = random.Random(self.SEED)
        for moment in range(self.MOMENTS):
            machine.gdb.resume()
            time.sleep(chance.uniform(0, 0.01))
            machine.gdb.interrupt()
            machine.gdb.wait_stop()
            self.assertEqual(self.fire(), [False] * 3, f"moment {moment}")
        machine.gdb.resume()
        run = Run(machine)
        self.assert_checks_hold(run, "units")


class OwnTree(UnitsTest):
    def test_row_1_15_the_tree_that_names_one_iommu_for_all_is_refused(self):
        """What the overlay is there for: by QEMU's own tree the wrong unit would be programmed."""
        bundle = make_bundle(self.folder, source_of([BYSTANDER]))
        own = self.boot(bundle, held=True).path("qemu.dtb")
        self.assert_fatal(self.refused(bundle, "-dtb", own), "names an IOMMU that the device tree")
