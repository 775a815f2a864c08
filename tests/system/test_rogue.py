# SPDX-License-Identifier: Apache-2.0
"""A hostile partition beside two others: every write of its device, one test each.

*Blocked* means all of these: the device says that the bus refused the write (0xdead0002), a fault
record names device, partition, cause and address, in the program's table and in the hypervisor's log,
and the memory is as it was, read from outside. Each has its control inside the run: the very same write
lands once that address is mapped to a page of the program's own. What its CPU may not touch is in
test_guests (OutOfReach), since each such touch ends a life.
"""
import os
import unittest

from places import EDU_BAR, GITS_TRANSLATER, IMAGE_BASE, SMMU
from refusal import RefusalTest
from scenario import EDU, MIB, PAGE, POOL_PAGES, SIZE, Partition, Run, ScenarioTest, cells, pci
from table import read_faults, read_table

TESTDEV, NVME = "0000:02:00.0", "0000:03:00.0"
SENSOR, ROGUE, LEGACY = 0x60000000, 0x62000000, 0x64000000  # where they lie, physical
POOL = SIZE - POOL_PAGES * PAGE  # of a partition's memory, behind what it sees
STREAMS, COMMANDS, EVENTS = 0x80, 0x90, 0xA0  # bases, registers of the SMMU
BASE_MASK, LOG2_MASK = 0x000FFFFFFFFFFFE0, 0x1F
PATTERN, IOVA = 0x12345678, 0x100000000
PAST_APERTURE = "write past the end of the aperture"
LIMIT = 90.0
ATTEMPTS = 20

# What the set tells the program, which has no other way to know: key -> physical address.
PLACES = {
    "own": ROGUE,
    "sensor": SENSOR,
    "legacy": LEGACY,
    "commands": 0x40001FF0,  # the last entry, which is written last
    "events": 0x4000FFE0,
    "pool": SENSOR + POOL,
    "own-pool": ROGUE + POOL,
    "iommu": SMMU + 0x20,
    "doorbell": GITS_TRANSLATER,
    "bar": EDU_BAR + 4,
}
SYMBOLS = {"image": "image_start", "stream-table": "smmuv3_stream_tables", "tables": "el2_pages"}
SAME = ("sensor", "legacy", "image", "stream-table")  # what stands there stays
LIVING = ("commands", "events", "pool", "own-pool")  # what stands there changes by right


def machine_of_three(path):
    """QEMU's options for a device that asks nobody for leave, and a disk; the edu is the board's."""
    return ("-smp", "4", "-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
            "-device", "iommu-testdev,bus=port2",
            "-device", "pcie-root-port,id=port3,chassis=3,addr=03.0",
            "-drive", f"if=none,id=scratch,format=raw,file={path}",
            "-device", "nvme,bus=port3,drive=scratch,serial=scratch-0001")


def empty_disk(folder):
    """A disk that is large enough for legacy."""
    path = os.path.join(folder, "disk")
    with open(path, "wb") as file:
        file.truncate(MIB)
    return path


def three(**places):
    """The set: sensor, rogue and legacy, each where PLACES says."""
    def at(physical):
        return f"physical-address = {cells(physical)};"
    words = [f"{key}={address:#x}" for key, address in {**PLACES, **places}.items() if address]
    words += [f"{key}=${{{symbol}}}" for key, symbol in SYMBOLS.items()]
    return [Partition("sensor", "image=${image_start} stream-table=${smmuv3_stream_tables}",
                      "sensor.elf", devices=(pci(EDU),), lines=(at(SENSOR),)),
            Partition("rogue", " ".join(words), "rogue.elf", devices=(pci(TESTDEV),),
                      lines=(at(ROGUE),)),
            Partition("legacy", "seed=0x35", "legacy.elf", devices=(pci(NVME),),
                      lines=(at(LEGACY), "aarch32;"))]


class Attempts:
    """One run of the three; memory is read from outside when rogue begins and when all have ended."""

    cpu = "max"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        machine = cls.launch(three(), "-cpu", cls.cpu, *machine_of_three(empty_disk(cls.folder)),
                             "-action", "shutdown=pause", ways=("qmp", "qtest"))
        cls.watch(machine)
        machine.console.wait_for(r"^\[rogue\] +try ", LIMIT)
        cls.streams, cls.commands, cls.events = (machine.qtest.read64(SMMU + register)
                                                 for register in (STREAMS, COMMANDS, EVENTS))
        places = {**PLACES, "image": IMAGE_BASE, "stream-table": cls.streams & BASE_MASK}
        cls.before = {key: machine.qtest.read32(places[key]) for key in SAME}
        machine.console.wait_for(rf"^\[rogue\] +try +{PAST_APERTURE}", LIMIT)
        cls.living = {key: machine.qtest.read32(places[key]) for key in LIVING}
        machine.console.wait_for(r"^\[bulkhead\] off: ", LIMIT)
        cls.after = {key: machine.qtest.read32(places[key]) for key in SAME}
        cls.control = machine.qtest.read32(SMMU + 0x20)
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

    def assert_blocked(self, attempt, iova, key=None):
        """By the program's word, the hypervisor's, and that of the memory, if it can be read."""
        row = self.assert_seen(attempt, "blocked")
        self.assertEqual(row.proof, f"translation w {iova:#x}, control lands")
        self.assert_told(iova)
        if key in SAME:
            self.assertEqual(hex(self.after[key]), hex(self.before[key]), f"{key} changed")
        elif key:
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
        self.assert_blocked("write to the memory of sensor", SENSOR, "sensor")

    def test_the_memory_of_legacy(self):
        self.assertNotEqual(self.before["legacy"], 0, "nothing stands there: a blind witness")
        self.assert_blocked("write to the memory of legacy", LEGACY, "legacy")

    def test_the_image_of_the_hypervisor(self):
        self.assert_blocked("write to the image of the hypervisor", IMAGE_BASE, "image")

    def test_the_stream_table_that_the_unit_uses(self):
        self.assert_blocked("write to the stream table", self.streams & BASE_MASK, "stream-table")

    def assert_queue(self, name, base, entry_bytes):
        """The address that was attacked is the last entry of the queue that the unit uses."""
        size = entry_bytes << (base & LOG2_MASK)
        self.assertEqual(hex(PLACES[name]), hex((base & BASE_MASK) + size - entry_bytes))

    def test_the_command_queue_that_the_unit_uses(self):
        self.assert_queue("commands", self.commands, 16)
        self.assert_blocked("write to the IOMMU's command queue", PLACES["commands"], "commands")

    def test_the_event_queue_that_the_unit_uses(self):
        self.assert_queue("events", self.events, 32)
        self.assert_blocked("write to the IOMMU's event queue", PLACES["events"], "events")

    def test_the_page_tables_of_the_hypervisor(self):
        row = self.assert_seen("write to the hypervisor's page tables", "blocked")
        self.assertRegex(row.proof, r"^translation w 0x402\w+, control lands$")
        self.assert_told(int(row.proof.split()[2].rstrip(","), 16))

    def test_the_page_tables_of_another_partition(self):
        self.assert_blocked("write to sensor's page tables", SENSOR + POOL, "pool")

    def test_the_page_tables_of_its_own(self):
        self.assert_blocked("write to my own page tables", ROGUE + POOL, "own-pool")

    def test_the_registers_of_the_unit(self):
        self.assert_blocked("write to the IOMMU's registers", PLACES["iommu"])
        self.assertNotEqual(self.control, PATTERN)

    def test_the_doorbell_of_interrupts(self):
        self.assert_blocked("write to the interrupt doorbell", PLACES["doorbell"])

    def test_the_registers_of_another_partition_s_device(self):
        self.assert_blocked("write to another device's registers", PLACES["bar"])

    def test_an_address_past_the_aperture_is_refused_and_its_last_page_lands_when_mapped(self):
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
        self.assert_mistake("/partitions/legacy", "aarch32", "64-bit code", three(),
                            "-cpu", "neoverse-n1", *machine_of_three(empty_disk(self.folder)))

    def test_what_is_not_told_is_not_tried_and_counts_as_a_surprise(self):
        run = self.run_set(three(doorbell=None), *machine_of_three(empty_disk(self.folder)))
        self.assert_codes(run, sensor=0, rogue=1, legacy=0)
        rows = {row.attempt: row for row in read_table(run.said("rogue"))}
        self.assertEqual(rows["write to the interrupt doorbell"].seen, "not tried")

    def test_no_device_on_its_list(self):
        run = self.run_set([Partition("rogue", f"own={ROGUE:#x}", "rogue.elf")])
        self.assert_codes(run, rogue=1)
        self.assertIn("device   FAILED with BH_ENOENT: no iommu-testdev on the list of this "
                      "partition", [line.strip() for line in run.said("rogue")])


if __name__ == "__main__":
    unittest.main()
