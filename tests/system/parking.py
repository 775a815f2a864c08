# SPDX-License-Identifier: Apache-2.0
"""What tests share that fire devices from outside at a machine whose partition may own one of them.

    Device          an `iommu-testdev`, fired at chosen moments; it masters the bus without leave
    Holder          the partition that runs sets/hold.S, told through its mailbox what to do
    ParkingTest     a machine with three such devices, and what makes a shot blocked or landed
"""
import dataclasses
import re
import time

from dma_probe import INTACT, PATTERN, PortProbe, Probe
from harness import HarnessError
from places import ECAM
from scenario import LIMIT, MIB, PAGE, Partition, Run, ScenarioTest, assemble, cells, pci

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
BEHIND_EXPANDER_BUS = EXPANDER_BUS + 1  # behind the port on the expander's own bus
BEHIND_EXPANDER = f"0000:{BEHIND_EXPANDER_BUS:02x}:00.0"
SPARE_BAR = 0x3E000000  # in the PCI window, where no BAR is placed

PHYSICAL = 0x60000000  # of the partition that owns the device
OTHER_PHYSICAL = 0x68000000  # of one beside it
IOVA = 0x100000000  # hold.S: one page to read and write, one to read, then nothing
MAPPED, READ_ONLY = PHYSICAL + MIB, PHYSICAL + MIB + PAGE
MAILBOX, COMMAND, ARGUMENT, RESULT = 0x8000, 0, 8, 16  # of hold.S, in its memory
OFF, TOUCH, DETACH, UNBIND, UNMAP, RESET, ATTACH = range(1, 8)
DEVICE_ID = 0x10000000  # | bus, device, function (docs/abi.md)
NO_DMA_ADDRESS = 0  # a touch of it ends a partition

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


def expander_device(machine):
    """The device behind a host bridge that the machine's tree does not describe.

    Its port and it get what the image did not give them: bus numbers, window, address.
    """
    port = ECAM + (EXPANDER_BUS << 20)
    if machine.qtest.read32(port) == 0xFFFFFFFF:
        raise HarnessError("there is no port on the expander's bus")
    block = SPARE_BAR >> 16
    buses = BEHIND_EXPANDER_BUS << 16 | BEHIND_EXPANDER_BUS << 8 | EXPANDER_BUS
    machine.qtest.batch([
        f"writel {port + PortProbe.BUSES:#x} {buses:#x}",
        f"writel {port + PortProbe.MEMORY_WINDOW:#x} {block << 16 | block:#x}",
        f"writew {port + Probe.COMMAND:#x} {Probe.MEMORY:#x}",
        f"writel {ECAM + (BEHIND_EXPANDER_BUS << 20) + Probe.BAR0:#x} {SPARE_BAR:#x}"])
    return Device(machine, BEHIND_EXPANDER)


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
