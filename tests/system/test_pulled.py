# SPDX-License-Identifier: Apache-2.0
"""Devices that are pulled out of a slot and put back while their owner uses them.

Nobody asks the image: the power of the slot is switched off from outside, by the port's slot control, upon which QEMU
takes the device out at once, and a new one is plugged in by `device_add`.
"""
import os
import re

from parking import IOVA, LISTED, MAPPED, UNBIND, Device, ParkingTest, rid
from places import ECAM
from scenario import LIMIT, Run, ScenarioTest, pci, probe

CONTROLLER = "0000:02:00.0"
PORT = ECAM + (2 << 15)
CAPABILITIES, EXPRESS, SLOT_CONTROL = 0x34, 0x10, 0x18
POWER_ON, POWER_OFF = 0x0100, 0x0700  # and the indicator with it
NONE = 0xFFFFFFFF
EPERM = 2**64 - 3


class Slot:
    """The slot of port2, switched from outside."""

    def __init__(self, machine):
        self.machine, self.qtest = machine, machine.qtest
        at = self.qtest.read32(PORT + CAPABILITIES) & 0xFF
        while self.qtest.read32(PORT + at) & 0xFF != EXPRESS:
            at = self.qtest.read32(PORT + at) >> 8 & 0xFF
        self.control = PORT + at + SLOT_CONTROL

    def identity(self):
        return self.qtest.read32(ECAM + (rid(CONTROLLER) << 12))

    def pull(self):
        """QEMU frees the device at once, also beneath a CPU that is about to write one of its registers, and dies of
        that: the CPUs stand still for the moment."""
        self.machine.qmp.command("stop")
        self.qtest.batch([f"writew {self.control:#x} {POWER_OFF:#x}"])
        self.machine.qmp.command("cont")

    def insert(self, **device):
        self.machine.qmp.command("device_add", bus="port2", **device)
        self.qtest.batch([f"writew {self.control:#x} {POWER_ON:#x}"])


class Pulled(ParkingTest):
    def test_row_1_22_a_device_that_is_pulled_out_and_comes_back_is_parked(self):
        machine, holder = self.hold()
        device = Device(machine, LISTED)
        self.assert_lands(machine, device, IOVA, MAPPED)
        slot = Slot(machine)
        known = slot.identity()
        slot.pull()
        self.assertEqual(hex(slot.identity()), hex(NONE), "QEMU has left it in")
        machine.console.wait_for(rf"^\[bulkhead\] {LISTED}: is gone: parked", LIMIT)
        slot.insert(driver="iommu-testdev", id="again")
        self.assertEqual(hex(slot.identity()), hex(known))
        machine.console.wait_for(rf"^\[bulkhead\] {LISTED}: is back, and parked", LIMIT)
        # Nobody placed its registers; whoever did so from outside finds it blocked.
        machine.qtest.batch([f"writel {ECAM + (rid(LISTED) << 12) + 0x10:#x} {device.bar:#x}"])
        self.assert_blocked(machine, Device(machine, LISTED), IOVA, MAPPED)
        self.assertEqual(holder.tell(UNBIND), EPERM)
        self.finish(machine, holder)

    def test_another_device_in_the_slot_is_nobody_s(self):
        machine, holder = self.hold()
        slot = Slot(machine)
        slot.pull()
        slot.insert(driver="edu", id="again")
        machine.console.wait_for(rf"^\[bulkhead\] {LISTED}: is gone: what stands in its place", LIMIT)
        self.finish(machine, holder)


class PulledUnderLoad(ScenarioTest):
    """The controller of a partition that reads its disk without end, beside one that must not notice."""

    def test_row_1_22_an_nvme_controller_that_streams_is_pulled_out_and_put_back_twice(self):
        path = os.path.join(self.folder, "disk")
        with open(path, "wb") as file:
            file.truncate(1 << 20)
        machine = self.boot([probe("pulled", devices=[pci(CONTROLLER)]), probe("registers", "beside")],
                            "-device", "pcie-root-port,id=port2,chassis=2,addr=02.0",
                            "-blockdev", f"driver=raw,node-name=disk0,file.driver=file,file.filename={path}",
                            "-device", "nvme,bus=port2,drive=disk0,serial=first", ways=("qmp", "qtest"))
        slot = Slot(machine)
        seen = 0
        for number in range(2):
            seen = self.wait(machine, "reading", seen)
            slot.pull()
            seen = self.wait(machine, "gone", seen)
            slot.insert(driver="nvme", id=f"again{number}", drive="disk0", serial="first")
        run = Run(machine)
        self.assert_checks_hold(run, "pulled")
        self.assert_codes(run, pulled=0, beside=0)
        said = "\n".join(run.said("bulkhead"))
        self.assertEqual(len(re.findall(f"{CONTROLLER}: is gone: parked", said)), 2)

    @staticmethod
    def wait(machine, text, seen):
        machine.console.wait_for(rf"^\[pulled\] {text}$", LIMIT, seen)
        return len(machine.console.lines())
