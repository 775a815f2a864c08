# SPDX-License-Identifier: Apache-2.0
"""Devices that an outsider makes write to memory at any moment, on a machine whose vCPU is stopped.

An `iommu-testdev` writes when told and says how it went, at once. It gets its address by ECAM,
through the physical bus, and everything is put back, so that the image never learns of it.
"""
from harness import HarnessError
from places import ECAM, GICD, SMMU

SMMU_EVENTQ_PROD = 0x100A8
GICD_ISPENDR, GICD_ICPENDR = GICD + 0x200, GICD + 0x280  # a word for 32 interrupts
WITNESS = 0x7FE00000  # saved and restored around each shot, so that nobody need leave it alone
INTACT, PATTERN = 0x5AFE5AFE, 0x12345678  # what it holds before; what the device writes

ROOT_SLOT, PORT_SLOT = 0x1E, 0x1D
DEVICES = ("-device", f"iommu-testdev,bus=pcie.0,addr={ROOT_SLOT:#x}",
           "-device", f"pcie-root-port,id=window_port,bus=pcie.0,addr={PORT_SLOT:#x},chassis=77",
           "-device", "iommu-testdev,bus=window_port,addr=0")


class Probe:
    """An iommu-testdev on the root bus, worked through ECAM and its BAR by the outside."""

    COMMAND, BAR0 = 0x04, 0x10
    IOVA_LOW, IOVA_HIGH, LENGTH, RESULT = 0x04, 0x08, 0x0C, 0x10
    ARM, ATTRIBUTES, PA_LOW, PA_HIGH, TRIGGER = 0x14, 0x18, 0x1C, 0x20, 0x00
    MEMORY = 0x2  # this device masters the bus without leave
    LANDED, FAILED, ELSEWHERE = 0, 0xDEAD0002, 0xDEAD0004

    name = "root bus"
    window = 0x3EC00000  # where its registers appear for a moment
    unit, interrupt = SMMU, 106  # what translates for it, and the first of the unit's four lines

    def __init__(self, qtest, slot=ROOT_SLOT, bus=0):
        self.qtest = qtest
        self.function = ECAM + (bus << 20) + (slot << 15)

    def fire(self):
        """True if the write reached memory. Leaves no trace in what the image can see.

        A blocked shot writes events to the image's queue and raises the unit's interrupt: the
        producer index goes back, and what was not pending before is made not pending again. What
        stays is what the unit has cached, and that is meant to.
        """
        saved = self._save([self.function + self.COMMAND, self.function + self.BAR0,
                            self.unit + SMMU_EVENTQ_PROD, WITNESS])
        pending = self._pending()
        landed = self._shoot(self.function)
        self._restore(saved)
        self._forget(pending)
        return landed

    def _pending(self):
        return self.qtest.read32(GICD_ISPENDR + self.interrupt // 32 * 4)

    def _forget(self, pending):
        """Of the unit's lines only those that were pending before are."""
        lines = 0xF << self.interrupt % 32
        self.qtest.write32(GICD_ICPENDR + self.interrupt // 32 * 4, lines & ~pending)

    def _save(self, addresses):
        values = self.qtest.batch([f"readl {address:#x}" for address in addresses])
        return list(zip(addresses, values))

    def _restore(self, saved):
        """In the order of saving; COMMAND first, so that no BAR moves while it decodes.

        Its upper half is status, where a one clears: it is not written back.
        """
        self.qtest.batch([f"writew {address:#x} {value & 0xFFFF:#x}"
                          if address & 0xFF == self.COMMAND and address >= ECAM
                          else f"writel {address:#x} {value:#x}" for address, value in saved])

    def _shoot(self, function):
        bar = self.window
        answers = self.qtest.batch([
            f"writew {function + self.COMMAND:#x} 0",
            f"writel {function + self.BAR0:#x} {bar:#x}",
            f"writew {function + self.COMMAND:#x} {self.MEMORY:#x}",
            f"writel {WITNESS:#x} {INTACT:#x}",
            f"writel {bar + self.IOVA_LOW:#x} {WITNESS:#x}",
            f"writel {bar + self.IOVA_HIGH:#x} 0",
            f"writel {bar + self.PA_LOW:#x} {WITNESS:#x}",
            f"writel {bar + self.PA_HIGH:#x} 0",
            f"writel {bar + self.LENGTH:#x} 4",
            f"writel {bar + self.ATTRIBUTES:#x} 0",
            f"writel {bar + self.ARM:#x} 1",
            f"readl {bar + self.TRIGGER:#x}",
            f"readl {bar + self.RESULT:#x}",
            f"readl {WITNESS:#x}"])
        return self.judge(*answers[-2:])

    @classmethod
    def judge(cls, result, witness):
        """Whether result and witness together say that the write came through."""
        if result not in (cls.LANDED, cls.FAILED, cls.ELSEWHERE):
            raise HarnessError(f"iommu-testdev did not try: result {result:#x}")
        return result != cls.FAILED or witness != INTACT


class PortProbe(Probe):
    """The same behind a root port, whose bus numbers and window it borrows as well."""

    BUSES, MEMORY_WINDOW = 0x18, 0x20
    SPARE_BUS = 0xF0
    name = "behind a root port"
    window = 0x3EA00000

    def __init__(self, qtest, slot=PORT_SLOT, bus=0):
        super().__init__(qtest, slot, bus)
        self.port = self.function

    def fire(self):
        port = self._save([self.port + self.COMMAND, self.port + self.BUSES,
                           self.port + self.MEMORY_WINDOW])
        bus = port[1][1] >> 8 & 0xFF or self.SPARE_BUS  # the image's number, once it gave one
        block = self.window >> 16 & 0xFFF0
        self.qtest.batch([
            f"writel {self.port + self.BUSES:#x} {bus << 16 | bus << 8:#x}",
            f"writel {self.port + self.MEMORY_WINDOW:#x} {block << 16 | block:#x}",
            f"writew {self.port + self.COMMAND:#x} {self.MEMORY:#x}"])
        self.function = ECAM + (bus << 20)
        landed = super().fire()
        self._restore(port)
        return landed
