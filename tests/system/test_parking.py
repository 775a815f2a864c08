# SPDX-License-Identifier: Apache-2.0
"""Where a device's writes go when nobody told it to: it is fired from outside, at chosen moments.

An `iommu-testdev` masters the bus without leave, so bus mastering off is no fence here: what stops
it is the SMMU alone. *Blocked* means that the device reports a failed transfer (0xdead0002), that
the witness in memory is as it was, and, but where a stream is silent, that an event was recorded
and told. The program sets/hold.S owns a device and takes one step at a time, to be fired between.
"""
import dataclasses
import math
import re
import time
import unittest

from dma_probe import ECAM, INTACT, PATTERN, SMMU, SMMU_EVENTQ_PROD, PortProbe, Probe
from harness import HarnessError
from scenario import (BASE, CRASH, EDU, LIMIT, MIB, PAGE, SIZE, Partition, Run, ScenarioTest,
                      assemble, cells, pci, probe)

LISTED, UNLISTED, BEHIND_PORT = "0000:02:00.0", "0000:00:1e.0", "0000:03:00.0"
MACHINE = ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
           "-device", "iommu-testdev,bus=port2",
           "-device", "pcie-root-port,id=port3,chassis=3,addr=03.0",
           "-device", "iommu-testdev,bus=port3",
           "-device", "iommu-testdev,bus=pcie.0,addr=1e.0")
EXPANDER_BUS = 0x80
EXPANDER = ("-device", f"pxb-pcie,id=expander,bus=pcie.0,bus_nr={EXPANDER_BUS:#x},addr=1d.0",
            "-device", "pcie-root-port,id=port9,bus=expander,chassis=9,addr=0",
            "-device", "iommu-testdev,bus=port9")
SPARE_BAR = 0x3E000000  # in the PCI window, where no BAR is placed

PHYSICAL = 0x60000000  # of the partition that owns the device
OTHER_PHYSICAL = 0x68000000  # of one beside it
IOVA = 0x100000000  # hold.S: one page to read and write, one to read, then nothing
MAPPED, READ_ONLY = PHYSICAL + MIB, PHYSICAL + MIB + PAGE
MAILBOX, COMMAND, ARGUMENT, RESULT = 0x8000, 0, 8, 16  # of hold.S, in its memory
OFF, TOUCH, DETACH, UNBIND, UNMAP, RESET, ATTACH = range(1, 8)
DEVICE_ID = 0x10000000  # | bus, device, function (docs/abi.md)
NO_DMA_ADDRESS = 0  # a touch of it ends a partition
IMAGE_BASE = 0x40200000

LINES_A_SECOND = 8  # of faults that the log takes from one device
TOLD = 5.0  # seconds until a fault that was recorded must have been printed


def rid(name):
    """0000:02:00.0 -> 0x200"""
    _, bus, device, function = re.fullmatch(r"(\w+):(\w+):(\w+)\.(\w)", name).groups()
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function)


class Device:
    """An iommu-testdev at the address that the image gave it, worked from outside."""

    PORT_BUS, MEMORY = PortProbe.BUSES, Probe.MEMORY

    def __init__(self, machine, name):
        self.qtest, self.name = machine.qtest, name
        self.config = ECAM + (rid(name) << 12)
        self.bar = self.qtest.read32(self.config + Probe.BAR0) & ~0xF
        if not self.bar:
            raise HarnessError(f"{name} has no registers: the image did not place them")
        self.open_the_way()

    def open_the_way(self):
        """Memory decode on, for the device and the port above: a broken device would not ask."""
        ways = [self.config]
        bus = rid(self.name) >> 8
        for slot in range(32):
            port = ECAM + (slot << 15)
            if bus and self.qtest.read32(port + self.PORT_BUS) >> 8 & 0xFF == bus:
                ways.append(port)
        for function in ways:
            address = function + Probe.COMMAND
            command = self.qtest.read32(address) & 0xFFFF | self.MEMORY
            self.qtest.batch([f"writew {address:#x} {command:#x}"])

    def fire(self, iova, physical=None, length=4):
        """The result of one write of PATTERN; `physical` is where it would be found."""
        physical = iova if physical is None else physical
        bar = self.bar
        return self.qtest.batch([
            f"writel {bar + Probe.IOVA_LOW:#x} {iova & 0xFFFFFFFF:#x}",
            f"writel {bar + Probe.IOVA_HIGH:#x} {iova >> 32:#x}",
            f"writel {bar + Probe.PA_LOW:#x} {physical & 0xFFFFFFFF:#x}",
            f"writel {bar + Probe.PA_HIGH:#x} {physical >> 32:#x}",
            f"writel {bar + Probe.LENGTH:#x} {length:#x}",
            f"writel {bar + Probe.ATTRIBUTES:#x} 0",
            f"writel {bar + Probe.ARM:#x} 1",
            f"readl {bar + Probe.TRIGGER:#x}",
            f"readl {bar + Probe.RESULT:#x}"])[-1]


class Holder:
    """The partition that runs hold.S, told what to do through its mailbox."""

    def __init__(self, machine, physical=PHYSICAL):
        self.machine, self.mailbox = machine, physical + MAILBOX

    def word(self, offset):
        return self.machine.qtest.read64(self.mailbox + offset)

    def post(self, command, argument=0):
        self.machine.qtest.batch([f"writeq {self.mailbox + ARGUMENT:#x} {argument:#x}",
                                  f"writeq {self.mailbox + COMMAND:#x} {command:#x}"])

    def tell(self, command, argument=0):
        """What the call returned."""
        self.post(command, argument)
        deadline = time.monotonic() + LIMIT
        while self.word(COMMAND):
            if time.monotonic() > deadline:
                raise HarnessError(f"hold.S did not take command {command}")
            time.sleep(0.002)
        return self.word(RESULT)


def idle(name, physical):
    """A partition that has no device and does what it is told."""
    return Partition(name, payload="idle.bin",
                     lines=(f"physical-address = {cells(physical)};",))


class ParkingTest(ScenarioTest):
    """A machine with three devices, and shots that must be blocked."""

    def hold(self, *beside, device=LISTED, extra=()):
        """A machine whose first partition holds `device`; returns when it is attached."""
        programs = {"idle.bin": assemble(self.folder, "hold", DEVICE=0)}
        holder = idle("holder", PHYSICAL)
        if device:
            programs["hold.bin"] = assemble(self.folder, "hold", DEVICE=DEVICE_ID | rid(device))
            holder = dataclasses.replace(holder, payload="hold.bin", devices=(pci(device),))
        machine = self.boot([holder, *beside], *MACHINE, *extra, ways=("qmp", "qtest"),
                            payloads=programs)
        machine.console.wait_for(r"^\[holder\] holding", LIMIT)
        return machine, Holder(machine)

    @staticmethod
    def said(machine, start):
        return [line for line in machine.console.lines() if line.startswith(start)]

    def fault_lines(self, machine, text):
        return [line for line in self.said(machine, "[bulkhead] fault: ") if text in line]

    def assert_blocked(self, machine, device, iova, physical=None, partition="none",
                       cause="translation", told=True):
        """Failed, told, and the witness stands; the witness is put there before and back after."""
        physical = iova if physical is None else physical
        seen, before = len(machine.console.lines()), machine.qtest.read32(physical)
        machine.qtest.write32(physical, INTACT)
        result = device.fire(iova, physical)
        witness = machine.qtest.read32(physical)
        machine.qtest.write32(physical, before)
        self.assertEqual(hex(result), hex(Probe.FAILED))
        self.assertEqual(hex(witness), hex(INTACT), f"memory at {physical:#x} changed")
        if told:
            line = (f"[bulkhead] fault: device={device.name} partition={partition} cause={cause} "
                    f"access=w iova={iova:#x}")
            machine.console.wait_for(f"^{re.escape(line)}( |$)", TOLD, seen)

    def assert_lands(self, machine, device, iova, physical):
        machine.qtest.write32(physical, INTACT)
        self.assertEqual(hex(device.fire(iova, physical)), hex(Probe.LANDED))
        self.assertEqual(hex(machine.qtest.read32(physical)), hex(PATTERN))

    def assert_ends(self, machine, codes):
        self.assertEqual(Run(machine).codes, codes)

    def finish(self, machine, holder, code=0):
        """The partition still obeys and the machine goes off as it should."""
        holder.post(OFF, code)
        self.assert_ends(machine, {"holder": code})


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
        for address in (0x08090040, SMMU + 0x44, 0x09000000, ECAM & 0xFFFFFFFFFF):
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
        self.assertEqual(len(self.said(machine, "[bulkhead] /smmuv3@9050000: event queue")), 1)
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

    def test_after_its_partition_was_ended_it_is_blocked(self):
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

    BUS = EXPANDER_BUS + 1  # behind the port on the expander's own bus
    NAME = f"0000:{BUS:02x}:00.0"

    def expander_device(self, machine):
        """Its port and it get what the image did not give them: bus numbers, window, address."""
        port = ECAM + (EXPANDER_BUS << 20)
        vendor = machine.qtest.read32(port)
        self.assertNotEqual(vendor, 0xFFFFFFFF, "there is no port on the expander's bus")
        block, buses = SPARE_BAR >> 16, self.BUS << 16 | self.BUS << 8 | EXPANDER_BUS
        machine.qtest.batch([
            f"writel {port + PortProbe.BUSES:#x} {buses:#x}",
            f"writel {port + PortProbe.MEMORY_WINDOW:#x} {block << 16 | block:#x}",
            f"writew {port + Probe.COMMAND:#x} {Probe.MEMORY:#x}",
            f"writel {ECAM + (self.BUS << 20) + Probe.BAR0:#x} {SPARE_BAR:#x}"])
        return Device(machine, self.NAME)

    def assert_stream_blocked(self, machine, device, iova):
        seen = len(machine.console.lines())
        machine.qtest.write32(iova, INTACT)
        self.assertEqual(hex(device.fire(iova)), hex(Probe.FAILED))
        self.assertEqual(hex(machine.qtest.read32(iova)), hex(INTACT))
        machine.console.wait_for(rf"fault: device=unknown partition=none cause=stream .*"
                                 rf"stream={self.BUS << 8:#x}\b", TOLD, seen)

    def test_a_stream_that_nobody_declared_is_blocked_with_an_event(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        self.assert_stream_blocked(machine, self.expander_device(machine), 0x70000000)
        self.finish(machine, holder)

    def test_it_is_told_even_after_many_faults_of_others(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        other = Device(machine, UNLISTED)
        for number in range(4 * LINES_A_SECOND):
            other.fire(0x70000000 + number * PAGE)
        time.sleep(1.5)
        self.assert_stream_blocked(machine, self.expander_device(machine), 0x70000000)
        self.finish(machine, holder)

    def test_a_storm_of_it_is_a_bounded_number_of_lines(self):
        machine, holder = self.hold(device=None, extra=EXPANDER)
        device = self.expander_device(machine)
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
