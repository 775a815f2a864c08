# SPDX-License-Identifier: Apache-2.0
"""The boot window (invariant I2) behind a boot loader that leaves devices running.

U-Boot loads the image from an NVMe disk and leaves that controller on: queues set up, memory decode
and bus mastering on. Such a start cannot be recorded and replayed (boot_window.py), since the disk
answers when it likes. But from the image's first instruction on nothing depends on that: the image
is entered at a breakpoint and stepped from there, and positions count from entry.

    before   reset, and random moments while U-Boot runs: the two iommu-testdev of dma_probe.py fire
    steps    each instruction from entry until NEAR behind the closing one: these two, and the disk
             by the very queue that U-Boot made
    later    random moments until the first guest instruction, the last shot there: all three
    end      the run goes on to its end, with the disk in the hands of a partition
"""
import dataclasses
import random
import struct
import time

import boot_window
from boot_window import CR0_SMMUEN, GOAL, NEAR, SEED, SMMU_CR0, SMMU_GBPA, Survey, Write
from dma_probe import SMMU_EVENTQ_PROD, PortProbe, Probe
from harness import GrowingLog, HarnessError
from places import IMAGE_BASE, SMMU

ENTRY = IMAGE_BASE  # the board's boot scripts load the image to where it is linked
LOADER_LIMIT = 120.0
SLICE = 0.05  # seconds that U-Boot runs between two shots, at most
LATER_SLICE = 0.001  # seconds between two shots behind the steps, at most
LATER_LIMIT = 5000
DISK_SLOT = 0x1C
MEMORY, MASTER = 0x2, 0x4  # of COMMAND


class Log(GrowingLog):
    """QEMU's trace: writes to SMMU registers, and the disk's fetches that failed."""

    EVENTS = "trace:smmuv3_write_mmio,trace:pci_nvme_err_addr_read"

    def __init__(self, path):
        super().__init__(path)
        self.refused, self._writes = 0, []

    def options(self):
        return ["-d", self.EVENTS, "-D", self.path]

    def read(self):
        text = self.fresh()
        self.refused += text.count("pci_nvme_err_addr_read")
        self._writes += [tuple(int(word, 16) for word in match)
                         for match in boot_window.SMMU_WRITE.findall(text)]

    def writes(self):
        """[(offset, value), ...] since the last call."""
        self.read()
        fresh, self._writes = self._writes, []
        return fresh


class DiskProbe(Probe):
    """The NVMe controller as U-Boot left it: an Identify by its admin queue, into a witness page.

    U-Boot has consumed what it had asked for. So the last completion says where the submission
    queue stands. Commands and registers: NVM Express Base 2.0, chapters 3 and 5.
    """

    CC, CSTS, AQA, ASQ, ACQ, TAIL, HEAD = 0x14, 0x1C, 0x24, 0x28, 0x30, 0x1000, 0x1004
    ENABLED = READY = 1
    PHASE = 1 << 16
    DATA = struct.pack("<4I", *[0x5AFE5AFE] * 4)
    ANSWER_LIMIT = 2.0

    name = "disk of U-Boot"
    window = 0x3E800000
    witness = 0x60000000  # a page of the middle of memory, saved and restored

    def __init__(self, qtest, log, slot=DISK_SLOT):
        super().__init__(qtest, slot)
        self.log = log
        self.high = self.function + self.BAR0 + 4
        self.commands = self.completions = self.entries = self.at = self.done = None

    def command_register(self):
        return self.qtest.batch([f"readw {self.function + self.COMMAND:#x}"])[0]

    def take_over(self):
        """Learn where U-Boot's queues are; fails if the controller is not on and ready."""
        low, high = self.qtest.batch([f"readl {self.function + self.BAR0:#x}",
                                      f"readl {self.high:#x}"])
        registers = high << 32 | low & ~0xF
        configuration, status, sizes = (self.qtest.read32(registers + offset)
                                        for offset in (self.CC, self.CSTS, self.AQA))
        if not configuration & self.ENABLED or not status & self.READY:
            raise HarnessError(f"U-Boot left the disk off: CC {configuration:#x}, "
                               f"CSTS {status:#x}")
        self.entries = (sizes & 0xFFF) + 1, (sizes >> 16 & 0xFFF) + 1
        self.commands, self.completions = (self.qtest.read64(registers + offset)
                                           for offset in (self.ASQ, self.ACQ))
        marks = [self._completion(number)[1] & self.PHASE for number in range(self.entries[1])]
        self.done = next((number for number, mark in enumerate(marks) if mark != marks[0]), 0)
        self.at = self._completion((self.done or self.entries[1]) - 1)[0] & 0xFFFF

    def _completion(self, number):
        """(submission queue's head, mark and status) of an entry of the completion queue."""
        return struct.unpack("<8x2I", self.qtest.read(self.completions + 16 * number, 16))

    def fire(self):
        """True if the controller wrote into the witness page; puts all back but its own state.

        It answers, or QEMU's log says that it could not fetch the command; else it has not tried.
        """
        saved = self._save([self.function + self.COMMAND, self.function + self.BAR0, self.high,
                            SMMU + SMMU_EVENTQ_PROD])
        page = self.qtest.read(self.witness, 4096)
        pending = self._pending()
        landed = self._identify()
        self._write(self.witness, page)
        self._restore(saved)
        self._forget(pending)
        return landed

    def _write(self, address, data):
        self.qtest.batch([f"write {address:#x} {len(data):#x} 0x{data.hex()}"])

    def _identify(self):
        command = struct.pack("<I20xQ8xI20x", 0x06, self.witness, 1)
        mark, refused = self._completion(self.done)[1] & self.PHASE, self.log.refused
        tail = (self.at + 1) % self.entries[0]
        self._write(self.witness, self.DATA)
        self._write(self.commands + 64 * self.at, command)
        self.qtest.batch([f"writew {self.function + self.COMMAND:#x} 0",
                          f"writel {self.function + self.BAR0:#x} {self.window:#x}",
                          f"writel {self.high:#x} 0",
                          f"writew {self.function + self.COMMAND:#x} {MEMORY | MASTER:#x}",
                          f"writel {self.window + self.TAIL:#x} {tail:#x}"])
        deadline = time.monotonic() + self.ANSWER_LIMIT
        while time.monotonic() < deadline:
            if self._completion(self.done)[1] & self.PHASE != mark:
                self.at, self.done = tail, (self.done + 1) % self.entries[1]
                self.qtest.write32(self.window + self.HEAD, self.done)
                break
            self.log.read()
            if self.log.refused != refused:
                break
        else:
            raise HarnessError("the disk did not try")
        return self.qtest.read(self.witness, len(self.DATA)) != self.DATA


@dataclasses.dataclass
class LiveReport:
    """What was seen. `steps` and `later`: {name: {position: landed}} and {name: [landed]}."""

    before: dict
    survey: Survey
    steps: dict
    commands: dict = dataclasses.field(default_factory=dict)  # {position: the disk's COMMAND}
    later: dict = dataclasses.field(default_factory=dict)
    refused: int = 0  # fetches of the disk that failed
    seconds: float = 0.0

    def closed(self):
        """The first position from which on nothing lands any more; None if some always does."""
        last = max((position for shots in self.steps.values()
                    for position, landed in shots.items() if landed), default=-1)
        return last + 1 if all(last < max(shots) for shots in self.steps.values()) else None

    def closing_write(self):
        """The register write that the closing instruction made, if it made one."""
        return next((str(write) for write in self.survey.writes
                     if write.position == self.closed()), "no SMMU register write")

    def mistakes(self):
        """Sentences; none if every device lands until one instruction and never again."""
        closed, found = self.closed(), []
        if closed is None:
            return ["some device still writes to memory at the end of the steps"]
        if closed != self.survey.closing():
            found.append(f"nothing lands from {closed} on, but by its registers the unit closes "
                         f"at {self.survey.closing()}")
        if closed >= GOAL:
            found.append(f"closed {closed} instructions from entry, the goal is below {GOAL}")
        for name, shots in self.before.items():
            found += [f"{name}: blocked before the image was entered, shot {number}"
                      for number, landed in enumerate(shots) if not landed]
        for name, shots in self.steps.items():
            found += [f"{name}: blocked at {position}, before the window closed"
                      for position, landed in sorted(shots.items())
                      if position < closed and not landed]
        found += [f"{name}: {sum(shots)} of {len(shots)} shots landed behind the window"
                  for name, shots in self.later.items() if any(shots)]
        return found + self.disk_mistakes(closed)

    def disk_mistakes(self, closed):
        """The disk must have been live when the window closed, and must have tried behind it."""
        found = []
        if self.commands.get(closed, 0) & (MEMORY | MASTER) != MEMORY | MASTER:
            found.append(f"the disk was not live at the closing: COMMAND "
                         f"{self.commands.get(closed, 0):#x}")
        blocked = sum(position >= closed for position in self.steps.get(DiskProbe.name, ()))
        blocked += len(self.later.get(DiskProbe.name, ()))
        if self.refused != blocked:
            found.append(f"the disk tried {self.refused} times behind the window, not {blocked}")
        return found

    def table(self):
        shots = sum(map(len, self.before.values()))
        lines = ["boot window: through U-Boot, the disk left running",
                 f"  image entered at {self.survey.entry_address:#x}; before that {shots} shots"]
        for name, steps in self.steps.items():
            landed = [position for position in steps if steps[position]]
            lines.append(f"  DMA lands, {name}: last {max(landed, default=None)} from entry; "
                         f"{len(steps)} shots from there, {len(self.later.get(name, ()))} later")
        lines.append(f"  closed by {self.closing_write()}, {self.closed()} instructions from entry; "
                     f"{self.seconds:.1f} s")
        return "\n".join(lines)

    def data(self):
        return {"scenario": "through U-Boot", "closed_from_entry": self.closed(),
                "closed_by": self.closing_write(), "goal_from_entry": GOAL, "refused_fetches_of_the_disk": self.refused,
                "shots": {name: len(self.before.get(name, ())) + len(steps) +
                          len(self.later.get(name, ())) for name, steps in self.steps.items()},
                "seconds": round(self.seconds, 1), "mistakes": self.mistakes()}


def shoot_before(machine, probes, chance):
    """{name: [landed, ...]} at reset and at random moments until the image is entered."""
    gdb, shots = machine.gdb, {probe.name: [probe.fire()] for probe in probes}
    gdb.break_at(ENTRY)
    deadline = time.monotonic() + LOADER_LIMIT
    while time.monotonic() < deadline:
        gdb.resume()
        time.sleep(chance.uniform(0, SLICE))
        gdb.interrupt()
        gdb.wait_stop()
        if gdb.register(gdb.PC) == ENTRY:
            gdb.unbreak(ENTRY)
            return shots
        for probe in probes:
            shots[probe.name].append(probe.fire())
    raise HarnessError(f"U-Boot did not enter the image at {ENTRY:#x} in {LOADER_LIMIT:g} s")


def step_through_closing(machine, probes, disk, log):
    """A LiveReport with all shots from entry until NEAR behind the closing instruction."""
    gdb = machine.gdb
    survey = Survey(entry=0, entry_address=gdb.register(gdb.PC),
                    reset_value=machine.qtest.read32(SMMU + SMMU_GBPA))
    if machine.qtest.read32(SMMU + SMMU_CR0) & CR0_SMMUEN:
        raise HarnessError("the SMMU is on at entry: this measures a start with it off")
    report = LiveReport({}, survey, {probe.name: {} for probe in (*probes, disk)})
    position, end = 0, GOAL + NEAR
    while True:
        report.commands[position] = disk.command_register()
        for probe in (*probes, disk):
            report.steps[probe.name][position] = probe.fire()
        if position == end:
            return report
        log.writes()  # the shots put the event queue back
        before = gdb.register(gdb.PC)
        while gdb.register(gdb.PC) == before:  # QEMU at times returns from a step it has not made
            gdb.step()
        position += 1
        survey.writes += [Write(position, *write) for write in log.writes()]
        if end == GOAL + NEAR and survey.closing():
            end = survey.closing() + NEAR


def shoot_later(machine, probes, guest_address, chance):
    """{name: [landed, ...]} at random moments, the last one at the first guest instruction."""
    gdb, shots = machine.gdb, {probe.name: [] for probe in probes}
    gdb.break_at(guest_address)
    for _ in range(LATER_LIMIT):
        gdb.resume()
        time.sleep(chance.uniform(0, LATER_SLICE))
        gdb.interrupt()
        gdb.wait_stop()
        for probe in probes:
            shots[probe.name].append(probe.fire())
        if gdb.exception_level() < 2:
            gdb.unbreak(guest_address)
            return shots
    raise HarnessError("no guest instruction came")


def measure(machine, log, guest_address, seed=SEED):
    """The whole measurement on a machine that stands at reset; leaves it stopped at the guest."""
    started, chance = time.monotonic(), random.Random(seed)
    probes, disk = (Probe(machine.qtest), PortProbe(machine.qtest)), DiskProbe(machine.qtest, log)
    before = shoot_before(machine, probes, chance)
    disk.take_over()
    report = step_through_closing(machine, probes, disk, log)
    report.before = before
    report.later = shoot_later(machine, (*probes, disk), guest_address, chance)
    report.refused = log.refused
    report.seconds = time.monotonic() - started
    return report
