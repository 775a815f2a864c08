# SPDX-License-Identifier: Apache-2.0
"""What a partition is told of its devices, and what a storm of faults costs those beside it.

The ring of the program sets/hold.S is read from outside, while devices are fired from outside
(parking.py). How late a periodic partition is beside a storm is counted in instructions
(`-icount`): however busy the host is, it is the same kind of number.
"""
import dataclasses
import re
import struct
import time
import unittest

import parking
from dma_probe import SMMU_EVENTQ_PROD
from parking import Device, ParkingTest
from places import SMMU, SMMU_NODE
from scenario import BASE, EDU, LIMIT, MIB, PAGE, ScenarioTest, pci, probe

RING = 2 * MIB  # of hold.S: offset in its memory
MAGIC = 0x52564542
RECORDS = 63
FAULT, SILENT, _, LOST = range(1, 5)
TRANSLATION = 1
WRITE = 1
RATE = 32  # events of one device that a second puts into a ring
LABEL = 0x401D  # of hold.S
TELL_RING = 8
NO_PASID = 0xFFFFFFFF
SMMU_EVENTQ_CONS, OVERFLOW = 0x100AC, 1 << 31

ICOUNT = ("-icount", "shift=0")
PERIODS = 60
SHARE_NS = 1_000_000  # of the boot CPU, that events have of each 10 ms
CALL_NS = 500_000  # what one call may overdraw, in instructions



@dataclasses.dataclass(frozen=True)
class Event:
    """A record (struct bh_event)."""

    sequence: int
    time: int
    type: int
    device: int
    label: int
    iova: int
    pasid: int
    access: int
    cause: int
    iommu: int
    cookie: int


class RingPage:
    """The page, physical, as a reader on another CPU sees it."""

    def __init__(self, machine, physical):
        self.qtest, self.physical = machine.qtest, physical

    def header(self):
        """producer, consumer, lost, sequence, overflows"""
        data = self.qtest.read(self.physical, 64)
        magic, version, *words = struct.unpack_from("<II5Q", data)
        assert (magic, version) == (MAGIC, 1), data
        return dict(zip(("producer", "consumer", "lost", "sequence", "overflows"), words))

    def events(self):
        """All that are there, taken."""
        header = self.header()
        slot, taken = header["consumer"], []
        while slot != header["producer"]:
            data = self.qtest.read(self.physical + 64 * (1 + slot), 64)
            taken.append(Event(*struct.unpack("<QQIIQQIIIIQ", data)))
            slot = (slot + 1) % RECORDS
        self.qtest.batch([f"writeq {self.physical + 16:#x} {slot:#x}"])
        return taken


class Ring(ScenarioTest):
    """guests/probe/events.c: real faults, read from the ring by the partition that owns the edu."""

    def test_each_fault_of_a_device_is_an_event_and_no_index_does_harm(self):
        run = self.run_set([probe("events", devices=[pci(EDU)])])
        self.assert_checks_hold(run, "events")
        self.assert_codes(run, events=0)


class Storm(ParkingTest):
    """An attached device that is fired at addresses that are not mapped."""

    def hold_with_ring(self, *beside, **options):
        machine, holder = self.hold(*beside, **options)
        self.assertEqual(holder.tell(TELL_RING, BASE + RING), 0)
        return machine, holder, RingPage(machine, parking.PHYSICAL + RING)

    def storm_until_silent(self, machine, device, ring):
        """All events that its owner was told meanwhile."""
        told = []
        place = len(machine.console.lines())
        said = rf"device {device.name} floods the event queue: no more reports of it$"
        for _ in range(1000):
            device.fire(0x70000000, length=PAGE)
            told += ring.events()
            if any(re.search(said, line) for line in machine.console.lines()[place:]):
                return told + ring.events()
        return self.fail("it is heard for ever")

    def test_row_2_6_row_2_38_a_fault_is_told_to_its_owner_with_label_and_address(self):
        machine, holder, ring = self.hold_with_ring()
        device = Device(machine, parking.LISTED)
        self.assertEqual(ring.events(), [])
        self.assert_blocked(machine, device, 0x70000000, partition="holder")
        event, = ring.events()
        self.assertEqual(dataclasses.replace(event, time=0),
                         Event(0, 0, FAULT, parking.DEVICE_ID | parking.rid(parking.LISTED), LABEL,
                               0x70000000, NO_PASID, WRITE, TRANSLATION, 0, 0))
        self.finish(machine, holder)

    def test_the_fault_of_another_s_device_is_not_told(self):
        machine, holder, ring = self.hold_with_ring()
        self.assert_blocked(machine, Device(machine, parking.BEHIND_PORT), 0x70000000)
        self.assertEqual(ring.events(), [])
        self.finish(machine, holder)

    def wait_until_read(self, machine):
        """Until the unit's queue of events is empty."""
        until = time.monotonic() + LIMIT
        while time.monotonic() < until:
            producer, consumer = (machine.qtest.read32(SMMU + offset) & ~OVERFLOW
                                  for offset in (SMMU_EVENTQ_PROD, SMMU_EVENTQ_CONS))
            if producer == consumer:
                return
            time.sleep(0.05)
        self.fail("the event queue is never empty")

    def test_an_attached_device_falls_silent_keeps_its_memory_and_its_owner_is_told(self):
        machine, holder, ring = self.hold_with_ring()
        device = Device(machine, parking.LISTED)
        told = self.storm_until_silent(machine, device, ring)
        self.assertEqual([event.type for event in told].count(SILENT), 1)
        self.assertEqual([event.label for event in told if event.type == SILENT], [LABEL])
        header = ring.header()
        self.assertEqual(len(told) + header["lost"], header["sequence"], "an event is missing")
        self.assertEqual(sorted(event.sequence for event in told),
                         [event.sequence for event in told])
        self.assert_lands(machine, device, parking.IOVA, parking.MAPPED)
        before = machine.qtest.read32(SMMU + SMMU_EVENTQ_PROD)
        self.assert_blocked(machine, device, 0x70000000, told=False)
        self.assertEqual(machine.qtest.read32(SMMU + SMMU_EVENTQ_PROD), before,
                         "a silent stream wrote an event")
        self.wait_until_read(machine)  # what is left of the storm would have it fall silent again
        self.assertEqual([holder.tell(parking.DETACH), holder.tell(parking.ATTACH)], [0, 0])
        device.open_the_way()
        # The storm has had the lines of its second. And another page: one more fault on the storm's, soon
        # behind it, is no line.
        time.sleep(1.2)
        self.assert_blocked(machine, device, 0x78000000, partition="holder")
        self.finish(machine, holder)

    def test_an_overflow_is_told_to_a_partition_that_did_not_cause_it(self):
        machine, holder, ring = self.hold_with_ring()
        Device(machine, parking.UNLISTED).fire(0x70000000, length=0x10000)
        machine.console.wait_for("event queue overflowed", parking.TOLD)
        event, = ring.events()
        self.assertEqual((event.type, event.device, event.iommu), (LOST, 0, 0))
        self.assertGreaterEqual(ring.header()["overflows"], 1)
        self.finish(machine, holder)

    def test_a_ring_that_was_withdrawn_by_a_reset_is_left_alone(self):
        machine, holder, ring = self.hold_with_ring()
        place = len(machine.console.lines())
        holder.post(parking.RESET)
        machine.console.wait_for(r"^\[holder\] holding", LIMIT, place)
        device = Device(machine, parking.LISTED)
        self.assert_blocked(machine, device, 0x70000000, partition="holder")
        self.assertEqual(machine.qtest.read(ring.physical, PAGE), bytes(PAGE))
        self.finish(machine, holder)


class Lateness(ParkingTest):
    """A partition with a deadline a millisecond, on the CPU that reads the events of all."""

    def lateness(self, storm):
        """(average, worst) in instructions, alone or beside a storm that nothing can silence."""
        machine = self.boot([probe("periodic", periods=PERIODS)], *parking.EXPANDER, *ICOUNT,
                            ways=("qmp", "qtest"))
        if storm:
            device = parking.expander_device(machine)
        place, _ = machine.console.wait_for(r"^\[periodic\] periodic: begins$", LIMIT)
        pattern = r"^\[periodic\] periodic: late by (\d+) ns on average, (\d+) ns at worst$"
        shots = 0
        while storm and not any(re.match(pattern, line)
                                for line in machine.console.lines()[place:]):
            device.fire(0x70000000, length=PAGE)
            shots += 1
        _, found = machine.console.wait_for(pattern, LIMIT, place)
        numbers = int(found[1]), int(found[2])
        self.note(f"{shots} shots of {PAGE // 4} faults: late by {numbers[0]} ns on average, "
                  f"{numbers[1]} ns at worst")
        if storm:
            self.assertGreater(shots, 10, "that was no storm")
            self.assertTrue(self.said(machine, f"[bulkhead] {SMMU_NODE}: event queue"))
        self.assert_ends(machine, {"periodic": 0})
        return numbers

    def test_a_periodic_partition_is_late_by_a_share_of_a_period_and_no_more(self):
        average, worst = self.lateness(storm=False)
        beside_average, beside_worst = self.lateness(storm=True)
        self.assertLess(beside_worst, worst + SHARE_NS + CALL_NS)
        self.assertLess(beside_average, average + SHARE_NS // 5)


if __name__ == "__main__":
    unittest.main()
