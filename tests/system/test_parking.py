# SPDX-License-Identifier: Apache-2.0
"""Where a device's writes go when nobody told it to: it is fired from outside, at chosen moments.

An `iommu-testdev` masters the bus without leave, so bus mastering off is no fence here: what stops
it is the SMMU alone. *Blocked* means that the device reports a failed transfer (0xdead0002), that
the witness in memory is as it was, and, but where a stream is silent, that an event was recorded
and told. The program sets/hold.S owns a device and takes one step at a time, to be fired between.
"""
import math
import time
import unittest

from dma_probe import INTACT, SMMU_EVENTQ_PROD, Probe
from parking import (ATTACH, BEHIND_EXPANDER_BUS, BEHIND_PORT, DETACH, EXPANDER, IOVA,
                     LINES_A_SECOND, LISTED, MAPPED, NO_DMA_ADDRESS, OFF, OTHER_PHYSICAL, PHYSICAL,
                     READ_ONLY, RESET, TOLD, TOUCH, UNBIND, UNLISTED, UNMAP, Device, Holder,
                     ParkingTest, expander_device, idle)
from places import ECAM, GITS_TRANSLATER, IMAGE_BASE, SERIAL, SMMU, SMMU_NODE
from scenario import BASE, CRASH, EDU, LIMIT, MIB, PAGE, SIZE, Partition, Run, pci, probe


class Unlisted(ParkingTest):
    """Devices that no set lists, fired while a partition runs."""

    def test_a_device_on_the_root_bus_is_blocked_and_told(self):
        machine, holder = self.hold(device=None)
        device = Device(machine, UNLISTED)
        for address in (0x70000000, IMAGE_BASE, PHYSICAL + MIB):
            with self.subTest(hex(address)):
                self.assert_blocked(machine, device, address)
        self.finish(machine, holder)

    def test_a_device_behind_a_root_port_is_blocked_and_told(self):
        machine, holder = self.hold(device=None)
        self.assert_blocked(machine, Device(machine, BEHIND_PORT), 0x70000000)
        self.finish(machine, holder)

    def test_the_iova_space_of_another_device_is_not_its_own(self):
        machine, holder = self.hold()
        device = Device(machine, BEHIND_PORT)
        self.assert_lands(machine, Device(machine, LISTED), IOVA, MAPPED)
        self.assert_blocked(machine, device, IOVA, MAPPED)
        self.finish(machine, holder)

    def test_the_doorbell_of_the_its_and_the_registers_of_the_smmu_are_blocked(self):
        machine, holder = self.hold(device=None)
        device = Device(machine, UNLISTED)
        for address in (GITS_TRANSLATER, SMMU + 0x44, SERIAL, ECAM):
            with self.subTest(hex(address)):
                seen = len(machine.console.lines())
                self.assertEqual(hex(device.fire(address)), hex(Probe.FAILED))
                machine.console.wait_for(rf"fault: device={UNLISTED} .* iova={address:#x}\b", TOLD,
                                         seen)
        self.finish(machine, holder)


class Storm(ParkingTest):
    """Thousands of blocked accesses."""

    SENSOR = Partition("sensor", "image=${image_start} stream-table=${smmuv3_stream_tables}",
                       "sensor.elf", devices=(pci(EDU),))

    def producer(self, machine):
        return machine.qtest.read32(SMMU + SMMU_EVENTQ_PROD)

    BATCH = 32  # shots in one round trip: fewer events than the queue holds

    def storm(self, machine, device, shots):
        """Fires `shots` times, each at another page; a shot is a few events."""
        bar = device.bar
        device.fire(0x70000000, length=32)
        for first in range(0, shots, self.BATCH):
            commands = []
            for shot in range(first, first + self.BATCH):
                commands += [f"writel {bar + Probe.IOVA_LOW:#x} {0x70000000 + shot * PAGE:#x}",
                             f"writel {bar + Probe.ARM:#x} 1", f"readl {bar + Probe.TRIGGER:#x}"]
            machine.qtest.batch(commands)

    def storm_until_silent(self, machine, device):
        """The seconds until the image said that it hears no more of this device."""
        start = time.monotonic()
        while not [line for line in machine.console.lines() if f"{device.name} floods" in line]:
            self.assert_not_silenced(machine)
            self.assertLess(time.monotonic() - start, LIMIT, "it is heard for ever")
            self.storm(machine, device, 1024)
        self.assert_not_silenced(machine)
        return time.monotonic() - start

    def assert_not_silenced(self, machine):
        """One device that floods must not cost the others their unit."""
        self.assertEqual([line for line in machine.console.lines() if ": silenced, " in line], [])

    def test_the_log_takes_a_few_lines_a_second_and_the_stream_falls_silent(self):
        machine, holder = self.hold(device=None)
        device = Device(machine, UNLISTED)
        windows = math.ceil(self.storm_until_silent(machine, device)) + 1
        self.assertLessEqual(len(self.fault_lines(machine, UNLISTED)), LINES_A_SECOND * windows)
        before = self.producer(machine)
        self.storm(machine, device, 256)
        self.assertEqual(self.producer(machine), before, "a silent stream wrote an event")
        self.assert_blocked(machine, device, 0x70000000, told=False)
        self.finish(machine, holder)

    def wait_read(self, machine):
        """Until what the storm left in the queue has been read (CONS, behind PROD, is equal): a
        full queue takes no event at all."""
        start = time.monotonic()
        while self.producer(machine) != machine.qtest.read32(SMMU + SMMU_EVENTQ_PROD + 4):
            self.assertLess(time.monotonic() - start, LIMIT, "the queue is not read any more")

    def test_a_silent_stream_does_not_silence_another(self):
        machine, holder = self.hold(device=None)
        self.storm_until_silent(machine, Device(machine, UNLISTED))
        self.wait_read(machine)
        self.assert_blocked(machine, Device(machine, BEHIND_PORT), 0x70000000)
        self.finish(machine, holder)

    def test_a_partition_that_runs_beside_a_storm_is_not_affected(self):
        machine, holder = self.hold(self.SENSOR, device=None)
        device, shots = Device(machine, UNLISTED), 0
        while not self.said(machine, "[sensor] result:") and shots < 500000:
            self.storm(machine, device, 1024)
            self.assert_not_silenced(machine)
            shots += 1024
        machine.console.wait_for(r"^\[sensor\] result: 10 attempts, 0 surprises$", LIMIT)
        self.note(f"{shots} blocked writes beside it")
        holder.post(OFF)
        self.assert_ends(machine, {"holder": 0, "sensor": 0})

    def test_an_overflow_of_the_event_queue_is_told_once_and_the_machine_goes_on(self):
        """One write of 64 KiB fails word by word before the image can drain the queue."""
        machine, holder = self.hold(device=None)
        flooder, other = Device(machine, UNLISTED), Device(machine, BEHIND_PORT)
        result = flooder.fire(0x70000000, length=0x10000)
        self.assertEqual(hex(result), hex(Probe.FAILED))
        machine.console.wait_for("event queue overflowed", TOLD)
        self.assert_blocked(machine, other, 0x70000000)
        self.assertEqual(len(self.said(machine, f"[bulkhead] {SMMU_NODE}: event queue")), 1)
        self.assert_not_silenced(machine)
        self.finish(machine, holder)

    def test_who_overflows_the_event_queue_falls_silent(self):
        machine, holder = self.hold(device=None)
        device = Device(machine, UNLISTED)
        device.fire(0x70000000, length=0x10000)
        machine.console.wait_for("event queue overflowed", TOLD)
        time.sleep(0.2)
        before = self.producer(machine)
        self.storm(machine, device, 16)
        self.assertEqual(self.producer(machine), before, "it still writes events")
        self.finish(machine, holder)


class Owned(ParkingTest):
    """A device that a partition owns, at each step of its life with it."""

    def test_attached_it_reaches_the_page_that_is_mapped(self):
        machine, holder = self.hold()
        self.assert_lands(machine, Device(machine, LISTED), IOVA, MAPPED)
        self.assert_lands(machine, Device(machine, LISTED), IOVA + PAGE - 4, MAPPED + PAGE - 4)
        self.finish(machine, holder)

    def test_attached_it_cannot_write_a_page_that_is_mapped_to_be_read(self):
        machine, holder = self.hold()
        self.assert_blocked(machine, Device(machine, LISTED), IOVA + PAGE, READ_ONLY, "holder",
                            "permission")
        self.finish(machine, holder)

    def test_attached_it_reaches_nothing_else(self):
        machine, _ = self.hold(idle("beside", OTHER_PHYSICAL))
        device = Device(machine, LISTED)
        targets = {"behind the mapped pages": IOVA + 2 * PAGE, "below them": IOVA - 4,
                   "its own partition, not mapped": PHYSICAL + 2 * MIB,
                   "the program of its own partition": PHYSICAL,
                   "its partition's table pool": PHYSICAL + SIZE - PAGE,
                   "by the guest's own address": BASE + MIB,
                   "another partition": OTHER_PHYSICAL,
                   "the hypervisor": IMAGE_BASE, "free memory": 0x7F000000}
        for name, iova in targets.items():
            physical = iova if PHYSICAL <= iova < 0x80000000 or iova == IMAGE_BASE else MAPPED
            with self.subTest(name):
                self.assert_blocked(machine, device, iova, physical, "holder")
                time.sleep(1 / LINES_A_SECOND)

    def test_a_write_that_leaves_the_mapped_pages_stops_there(self):
        machine, holder = self.hold()
        machine.qtest.batch([f"memset {READ_ONLY:#x} {PAGE:#x} 0x5a"])
        result = Device(machine, LISTED).fire(IOVA + PAGE - 64, MAPPED + PAGE - 64, length=128)
        self.assertEqual(hex(result), hex(Probe.FAILED))
        self.assertEqual(machine.qtest.read(READ_ONLY, PAGE), b"\x5a" * PAGE)
        self.finish(machine, holder)

    def test_after_unmap_it_is_blocked(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        self.assertEqual(holder.tell(UNMAP, IOVA), 0)
        self.assert_blocked(machine, device, IOVA, MAPPED, "holder")
        self.finish(machine, holder)

    def test_after_detach_it_is_blocked_and_after_attach_it_lands_again(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        self.assertEqual(holder.tell(DETACH), 0)
        self.assert_blocked(machine, device, IOVA, MAPPED, "holder")
        self.assertEqual(holder.tell(ATTACH), 0)
        self.assert_lands(machine, device, IOVA, MAPPED)
        self.finish(machine, holder)

    def test_after_unbind_it_is_blocked_and_belongs_to_nobody(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        self.assertEqual([holder.tell(DETACH), holder.tell(UNBIND)], [0, 0])
        device.open_the_way()
        self.assert_blocked(machine, device, IOVA, MAPPED)
        self.finish(machine, holder)

    def test_its_registers_are_out_of_reach_of_another_partition(self):
        machine, holder = self.hold(idle("beside", OTHER_PHYSICAL))
        machine.console.wait_for(r"^\[beside\] holding", LIMIT)
        device = Device(machine, LISTED)
        Holder(machine, OTHER_PHYSICAL).post(TOUCH, device.bar)
        machine.console.wait_for(f"beside: ended: it read .*: {device.bar:#x}$", LIMIT)
        self.assert_lands(machine, device, IOVA, MAPPED)
        holder.post(OFF)
        self.assert_ends(machine, {"holder": 0, "beside": CRASH})

    def test_after_unbind_its_registers_are_out_of_reach(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assertNotEqual(holder.tell(TOUCH, device.bar + Probe.RESULT), 0)
        self.assertEqual([holder.tell(DETACH), holder.tell(UNBIND)], [0, 0])
        device.open_the_way()
        holder.post(TOUCH, device.bar)
        run = Run(machine)
        self.assertTrue(run.hypervisor(f"holder: ended: it read .*: {device.bar:#x}$"), run.lines)
        self.assertEqual(run.codes, {"holder": CRASH})

    def after_the_end(self, command, argument, line):
        """The partition ends by `command`, another keeps the machine on, the device is fired."""
        machine, holder = self.hold(probe("hang", "beside"))
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        holder.post(command, argument)
        machine.console.wait_for(line, LIMIT)
        device.open_the_way()
        self.assert_blocked(machine, device, IOVA, MAPPED)
        self.assert_blocked(machine, device, MAPPED)

    def test_after_its_partition_went_off_it_is_blocked(self):
        self.after_the_end(OFF, 7, r"^\[bulkhead\] holder: off, code 7$")

    def test_row_0_19_after_its_partition_was_ended_it_is_blocked(self):
        self.after_the_end(TOUCH, NO_DMA_ADDRESS, rf"^\[bulkhead\] holder: off, code {CRASH}$")

    def catch_between_lives(self, machine, holder):
        """The machine is stopped after one life has ended and before the next has begun."""
        for _ in range(10):
            lives = len(self.said(machine, "[bulkhead] holder: starts"))
            place = len(machine.console.lines())
            holder.post(RESET)
            machine.console.wait_for(r"^\[bulkhead\] holder: resets$", LIMIT, place)
            machine.qmp.command("stop")
            if len(self.said(machine, "[bulkhead] holder: starts")) == lives:
                return
            machine.qmp.command("cont")
            machine.console.wait_for(r"^\[holder\] holding", LIMIT, place)
        self.fail("the next life always began too soon to look between")

    def test_over_a_reset_of_its_partition_it_is_blocked_until_it_is_attached_anew(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        self.catch_between_lives(machine, holder)
        place = len(machine.console.lines())
        device.open_the_way()
        self.assert_blocked(machine, device, IOVA, MAPPED, told=False)
        machine.qmp.command("cont")
        told = rf"fault: device={LISTED} partition=none .* iova={IOVA:#x}\b"
        machine.console.wait_for(told, TOLD, place)
        machine.console.wait_for(r"^\[holder\] holding", LIMIT, place)
        self.assertEqual(machine.qtest.read32(MAPPED), 0, "its memory was not scrubbed")
        self.assert_lands(machine, Device(machine, LISTED), IOVA, MAPPED)
        self.finish(machine, holder)


class Undeclared(ParkingTest):
    """A device behind a host bridge that the machine's tree does not describe."""

    def assert_stream_blocked(self, machine, device, iova):
        seen = len(machine.console.lines())
        machine.qtest.write32(iova, INTACT)
        self.assertEqual(hex(device.fire(iova)), hex(Probe.FAILED))
        self.assertEqual(hex(machine.qtest.read32(iova)), hex(INTACT))
        machine.console.wait_for(rf"fault: device=unknown partition=none cause=stream .*"
                                 rf"stream={BEHIND_EXPANDER_BUS << 8:#x}\b", TOLD, seen)

    def test_row_1_13_a_stream_that_nobody_declared_is_blocked_with_an_event(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        self.assert_stream_blocked(machine, expander_device(machine), 0x70000000)
        self.finish(machine, holder)

    def test_it_is_told_even_after_many_faults_of_others(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        other = Device(machine, UNLISTED)
        for number in range(4 * LINES_A_SECOND):
            other.fire(0x70000000 + number * PAGE)
        time.sleep(1.5)
        self.assert_stream_blocked(machine, expander_device(machine), 0x70000000)
        self.finish(machine, holder)

    def test_a_storm_of_it_is_a_bounded_number_of_lines(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        device = expander_device(machine)
        start = time.monotonic()
        for number in range(2000):
            device.fire(0x70000000 + number * PAGE)
        windows = math.ceil(time.monotonic() - start) + 2
        lines = self.fault_lines(machine, "device=unknown")
        self.assertTrue(lines)
        self.assertLessEqual(len(lines), LINES_A_SECOND * windows)
        self.assert_blocked(machine, Device(machine, BEHIND_PORT), 0x70000000)
        self.finish(machine, holder)


if __name__ == "__main__":
    unittest.main()
