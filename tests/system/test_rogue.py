# SPDX-License-Identifier: Apache-2.0
"""A hostile partition beside two others: every write of its device in the demo, one test each.

*Blocked* means all of these: the device says that the bus refused the write (0xdead0002), a fault
record names device, partition, cause and address, in the program's table and in the hypervisor's log,
and what stands there is as it was, read from outside; the doorbell of interrupts alone cannot be read.
Each has its control inside the run: the very same write lands once that address is mapped to a page
of the program's own. What its CPU may not touch is in test_guests (OutOfReach), since each such touch
ends a life.

The addresses are those that the demo's set tells the program, which has no other way to know. Each is
held against the machine: were it wrong, nothing would be attacked, and "blocked" be said all the same.
"""
import os
import re
import unittest

import harness
import places
from built import addresses, call
from harness import require
from places import ECAM, SMMU
from refusal import RefusalTest
from scenario import (PAGE, POOL_PAGES, SIZE, Bundle, Partition, Run, ScenarioTest, make_bundle)
from table import read_faults, read_table

DEMO_SET = os.path.join(harness.BOARD_FOLDER, "demo.dts")
TESTDEV = "0000:02:00.0"
EDU_CONFIG = ECAM + (1 << 20)  # 0000:01:00.0, sensor's
COMMAND, COMMAND_MEMORY, BAR0 = 0x04, 0x2, 0x10
LIVENESS = 4  # of the edu's registers, says the inverse of what was written last
POOL = SIZE - POOL_PAGES * PAGE  # of a partition's memory, behind what it sees
CR0, STREAMS, COMMANDS, EVENTS = 0x20, 0x80, 0x90, 0xA0  # of the SMMU; the last three are bases
BASE_MASK, LOG2_MASK = 0x000FFFFFFFFFFFE0, 0x1F
PATTERN, IOVA = 0x12345678, 0x100000000
REGISTERS = "write to another device's registers"  # the last address of the set
PAST_APERTURE = "write past the end of the aperture"
LIMIT = 90.0
ATTEMPTS = 20

SAME = ("sensor", "legacy", "image", "stream-table", "tables", "iommu")  # what stands there stays
LIVING = ("commands", "events", "pool", "own-pool")  # what stands there changes by right


class Told:
    """What the demo's set says of where things lie."""

    def __init__(self, folder):
        self.tree = os.path.join(folder, "demo.dtb")
        with open(self.tree, "wb") as file:
            file.write(Bundle(require(harness.DEMO)).contents(0))
        words = call("fdtget", self.tree, "/partitions/rogue", "bootargs").split()
        self.places = {key: int(number, 16) for key, number in (word.split("=") for word in words)}

    def memory(self, name):
        """Where the memory of a partition begins, physical."""
        high, low = places.property_of(self.tree, f"/partitions/{name}", "physical-address")
        return high << 32 | low


class Attempts:
    """One run of the demo; memory is read from outside when all have begun and when they have ended."""

    cpu = "max"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set = Told(cls.folder)
        cls.told = cls.set.places
        machine = cls.launch(harness.DEMO, "-cpu", cls.cpu, "-action", "shutdown=pause",
                             ways=("qmp", "qtest"), board=harness.BOARD_FOLDER)
        cls.watch(machine)
        for name in ("rogue", "sensor"):
            machine.console.wait_for(rf"^\[{name}\]    try ", LIMIT)
        cls.streams, cls.commands, cls.events = (machine.qtest.read64(SMMU + register)
                                                 for register in (STREAMS, COMMANDS, EVENTS))
        cls.edu_bar = machine.qtest.read32(EDU_CONFIG + BAR0) & ~0xF
        cls.before = {key: machine.qtest.read32(cls.told[key]) for key in (*SAME, "bar")}
        place, _ = machine.console.wait_for(rf"^\[rogue\]    try +{REGISTERS}", LIMIT)
        machine.console.wait_for(r"^\[rogue\]    page ", LIMIT, place)
        cls.living = {key: machine.qtest.read32(cls.told[key]) for key in (*LIVING, "bar")}
        cls.edu_answers = machine.qtest.read32(EDU_CONFIG + COMMAND) & COMMAND_MEMORY
        machine.console.wait_for(r"^\[bulkhead\] off: ", LIMIT)
        cls.after = {key: machine.qtest.read32(cls.told[key]) for key in SAME}
        machine.qmp.command("quit")
        cls.ended = Run(machine)
        cls.said = cls.ended.said("rogue")
        cls.rows = {row.attempt: row for row in read_table(cls.said)}
        cls.faults = read_faults(cls.ended.lines)

    def assert_seen(self, attempt, outcome):
        row = self.rows.get(attempt)
        self.assertIsNotNone(row, f"no {attempt!r} among {list(self.rows)}")
        self.assertEqual((row.expected, row.seen), (outcome, outcome), str(row))
        return row

    def assert_told(self, iova, cause="translation"):
        self.assertIn({"device": TESTDEV, "partition": "rogue", "cause": cause, "access": "w",
                       "iova": f"{iova:#x}"}, self.faults)

    def assert_blocked(self, attempt, key, there):
        """By the program's word, the hypervisor's, and that of what is `there` on the machine."""
        iova = self.told[key]
        self.assertEqual(hex(iova), hex(there), f"the demo's set says {key}={iova:#x}: not there")
        row = self.assert_seen(attempt, "blocked")
        self.assertEqual(row.proof, f"translation w {iova:#x}, control lands")
        self.assert_told(iova)
        if key in SAME:
            self.assertEqual(hex(self.after[key]), hex(self.before[key]), f"{key} changed")
        elif key in LIVING:
            self.assertNotEqual(self.living[key], PATTERN, f"what the device writes is in {key}")

    def test_all_three_end_with_code_0_and_without_a_surprise(self):
        self.assert_named(self.ended, ["sensor", "rogue", "legacy"])
        self.assertEqual(self.ended.lines[-1], "[bulkhead] off: sensor=0 rogue=0 legacy=0")
        self.assertEqual(self.said[-1], f"result: {ATTEMPTS} attempts, 0 surprises")

    def test_a_page_lands_only_while_it_is_mapped_to_be_written(self):
        self.assert_seen("write to a page that I did not map", "blocked")
        self.assert_seen("the same write, after map", "lands")
        self.assert_seen("the same write, after unmap", "blocked")
        self.assert_told(IOVA)

    def test_a_page_that_may_only_be_read_is_not_written(self):
        self.assert_seen("write to a page that it may only read", "blocked")
        self.assert_told(IOVA, "permission")

    def test_the_memory_of_sensor(self):
        self.assertNotEqual(self.before["sensor"], 0, "nothing stands there: a blind witness")
        self.assert_blocked("write to the memory of sensor", "sensor", self.set.memory("sensor"))

    def test_the_memory_of_legacy(self):
        self.assertNotEqual(self.before["legacy"], 0, "nothing stands there: a blind witness")
        self.assert_blocked("write to the memory of legacy", "legacy", self.set.memory("legacy"))

    def test_the_image_of_the_hypervisor(self):
        self.assert_blocked("write to the image of the hypervisor", "image", places.IMAGE_BASE)

    def test_the_stream_table_that_the_unit_uses(self):
        self.assert_blocked("write to the stream table", "stream-table", self.streams & BASE_MASK)

    @staticmethod
    def last_entry(base, entry_bytes):
        """Of the queue that the unit uses: the one that is written last."""
        return (base & BASE_MASK) + (entry_bytes << (base & LOG2_MASK)) - entry_bytes

    def test_the_command_queue_that_the_unit_uses(self):
        self.assert_blocked("write to the IOMMU's command queue", "commands",
                            self.last_entry(self.commands, 16))

    def test_the_event_queue_that_the_unit_uses(self):
        self.assert_blocked("write to the IOMMU's event queue", "events",
                            self.last_entry(self.events, 32))

    def test_the_page_tables_of_the_hypervisor(self):
        self.assert_blocked("write to the hypervisor's page tables", "tables",
                            addresses()["el2_pages"])

    def test_the_page_tables_of_another_partition(self):
        self.assert_blocked("write to sensor's page tables", "pool",
                            self.set.memory("sensor") + POOL)

    def test_the_page_tables_of_its_own(self):
        self.assert_blocked("write to my own page tables", "own-pool",
                            self.set.memory("rogue") + POOL)

    def test_the_registers_of_the_unit(self):
        self.assert_blocked("write to the IOMMU's registers", "iommu", SMMU + CR0)

    def test_the_doorbell_of_interrupts(self):
        self.assert_blocked("write to the interrupt doorbell", "doorbell", places.GITS_TRANSLATER)

    def test_the_registers_of_another_partition_s_device(self):
        """Once sensor has given its device back, nothing answers there, and nothing could change."""
        self.assert_blocked(REGISTERS, "bar", self.edu_bar + LIVENESS)
        self.assertNotEqual(self.before["bar"], 0xFFFFFFFF, "nothing answers: a blind witness")
        if self.edu_answers:
            self.assertEqual(hex(self.living["bar"]), hex(self.before["bar"]), "it was written")
        else:
            self.note("sensor had given its device back by then")

    def test_row_4_1_an_address_past_the_aperture_is_refused_and_its_last_page_lands_when_mapped(self):
        row = self.assert_seen(PAST_APERTURE, "silent")
        self.assertEqual(row.proof, "refused by the bus, control lands")

    def test_after_detach_nothing_lands_and_after_attach_it_does_again(self):
        self.assert_seen("write while attached", "lands")
        self.assert_seen("the same write, after detach", "blocked")
        self.assert_seen("the same write, after attach", "lands")

    def test_no_other_partition_is_blamed(self):
        self.assertEqual({fault["partition"] for fault in self.faults
                          if fault["device"] == TESTDEV}, {"rogue"})


class OnMax(Attempts, ScenarioTest):
    """The CPU of the board."""


class OnCortexA53(Attempts, ScenarioTest):
    """A CPU without features of later years."""

    cpu = "cortex-a53"


class Unfit(RefusalTest):
    """Machines and sets on which the three cannot be."""

    def test_a_cpu_without_aarch32_refuses_the_set_as_a_whole(self):
        lines = self.refused(require(harness.DEMO), "-cpu", "neoverse-n1",
                             board=harness.BOARD_FOLDER)
        self.assert_line(lines, r"^demo\.dts:/partitions/legacy: aarch32: .*64-bit code")

    def test_what_is_not_told_is_not_tried_and_counts_as_a_surprise(self):
        with open(DEMO_SET, encoding="utf-8") as file:
            source, places_left_out = re.subn(r" doorbell=0x\w+", "", file.read())
        self.assertEqual(places_left_out, 1)
        run = Run(self.boot(make_bundle(self.folder, source), board=harness.BOARD_FOLDER))
        self.assert_codes(run, sensor=0, rogue=1, legacy=0)
        rows = {row.attempt: row for row in read_table(run.said("rogue"))}
        self.assertEqual(rows["write to the interrupt doorbell"].seen, "not tried")

    def test_no_device_on_its_list(self):
        run = self.run_set([Partition("rogue", "own=0x62000000", "rogue.elf")])
        self.assert_codes(run, rogue=1)
        self.assertIn("device   FAILED with BH_ENOENT: no iommu-testdev on the list of this "
                      "partition", [line.strip() for line in run.said("rogue")])


if __name__ == "__main__":
    unittest.main()
