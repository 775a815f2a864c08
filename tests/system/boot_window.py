#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The boot window (invariant I2), measured from outside on the image that ships.

From reset until the image has closed the SMMU, a device can write to memory. This program finds out
when exactly. It records one run from reset to the first guest instruction, replays it, stops the
vCPU at chosen instructions, and at each stop makes devices try: an `iommu-testdev` on the root bus
and one behind a root port. With the vCPU stopped it gives the device an address by ECAM, fires it
at a witness word, reads result and witness, and puts everything back as it was.

    survey   step from reset; where the image is entered, where each SMMU register is written, what
             the closing code stores, where the first guest instruction is
    probe    before and after each write to an SMMU register, SEEDED random stops up to the first
             guest instruction, and with a small stride until DENSE instructions after entry
    edges    every instruction within NEAR of each edge that the probes found

A position is the number of instructions executed since reset (`-icount`, record and replay: one
vCPU; see probe_two_processors for two). A landing is result 0, result 0xdead0004 (came through, but
elsewhere), or a witness that changed, whatever the result says.
"""
import argparse
import contextlib
import dataclasses
import json
import os
import random
import re
import sys
import tempfile
import time

import harness
from harness import HarnessError, Machine

DENSE = 8000  # instructions after entry that are stepped
NEAR = 200  # instructions around an edge that are all tried
ROOT_STRIDE, PORT_STRIDE = 4, 16  # away from edges and writes, of the dense part every so many
SEEDED = 2000
SEED = 20251121
GOAL = 5000  # instructions from entry to the last unit closed (I2)
STUB = range(0x40000000, 0x40001000)  # QEMU's own first instructions
STEP_LIMIT = 2000  # a stretch this short is stepped, a longer one is cut
RECORD_LIMIT = 60.0

ECAM = 0x4010000000
SMMU = 0x09050000
SMMU_IDR0, SMMU_CR0, SMMU_GBPA, SMMU_EVENTQ_PROD = 0x00, 0x20, 0x44, 0x100A8
SMMU_NAMES = {0x20: "CR0", 0x28: "CR1", 0x2C: "CR2", 0x44: "GBPA", 0x50: "IRQ_CTRL",
              0x60: "GERROR", 0x64: "GERRORN", 0x80: "STRTAB_BASE", 0x88: "STRTAB_BASE_CFG",
              0x90: "CMDQ_BASE", 0x98: "CMDQ_PROD", 0x9C: "CMDQ_CONS", 0xA0: "EVENTQ_BASE",
              0xA8: "EVENTQ_PROD", 0xAC: "EVENTQ_CONS"}
GICD_ISPENDR3, GICD_ICPENDR3 = 0x0800020C, 0x0800028C  # interrupts 96 to 127
SMMU_INTERRUPTS = 0xF << 10  # 106 to 109
WITNESS = 0x7FE00000  # saved and restored around each shot, so that nobody need leave it alone
INTACT, PATTERN = 0x5AFE5AFE, 0x12345678  # what it holds before; what the device writes

ROOT_SLOT, PORT_SLOT = 0x1E, 0x1D
DEVICES = ("-device", f"iommu-testdev,bus=pcie.0,addr={ROOT_SLOT:#x}",
           "-device", f"pcie-root-port,id=window_port,bus=pcie.0,addr={PORT_SLOT:#x},chassis=77",
           "-device", "iommu-testdev,bus=window_port,addr=0")

SMMU_WRITE = re.compile(r"smmuv3_write_mmio addr: (0x[0-9a-f]+) val: ?(0x[0-9a-f]+)")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What is started, and where the image under test is entered (None: where the stub jumps)."""

    name: str
    image: str
    bundle: str = None
    extra: tuple = ()
    entry: int = None
    board: str = None


# ---- The devices that try -----------------------------------------------------------------------


class Probe:
    """An iommu-testdev on the root bus, worked through ECAM and its BAR by the outside."""

    COMMAND, BAR0 = 0x04, 0x10
    IOVA_LOW, IOVA_HIGH, LENGTH, RESULT = 0x04, 0x08, 0x0C, 0x10
    ARM, ATTRIBUTES, PA_LOW, PA_HIGH, TRIGGER = 0x14, 0x18, 0x1C, 0x20, 0x00
    MEMORY = 0x2  # this device masters the bus without leave
    LANDED, FAILED, ELSEWHERE = 0, 0xDEAD0002, 0xDEAD0004

    name = "root bus"
    window = 0x3EC00000  # where its registers appear for a moment

    def __init__(self, qtest, slot=ROOT_SLOT):
        self.qtest = qtest
        self.function = ECAM + (slot << 15)

    def fire(self):
        """True if the write reached memory. Leaves no trace in what the image can see.

        A blocked shot writes events to the image's queue and raises the unit's interrupt: the
        producer index goes back, and what was not pending before is made not pending again. What
        stays is what the unit has cached, and that is meant to.
        """
        saved = self._save([self.function + self.COMMAND, self.function + self.BAR0,
                            SMMU + SMMU_EVENTQ_PROD, WITNESS])
        pending = self.qtest.read32(GICD_ISPENDR3)
        landed = self._shoot(self.function)
        self._restore(saved)
        self.qtest.write32(GICD_ICPENDR3, SMMU_INTERRUPTS & ~pending)
        return landed

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

    def __init__(self, qtest, slot=PORT_SLOT):
        super().__init__(qtest, slot)
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


# ---- Recording and replaying --------------------------------------------------------------------


def record(scenario, rrfile, seconds=RECORD_LIMIT):
    """Run to the first guest instruction once; returns its address."""
    extra = [*scenario.extra, *DEVICES, "-smp", "1", "-icount", f"shift=0,rr=record,rrfile={rrfile}"]
    log = rrfile + ".log"
    with Machine(scenario.image, scenario.bundle, [*extra, "-d", "int", "-D", log],
                 ways=("qmp",), held=True, board=scenario.board) as machine:
        machine.qmp.command("cont")
        address = harness.wait_for_guest(machine, log, seconds)
        with contextlib.suppress(OSError, HarnessError):
            machine.qmp.command("stop")  # unless the guest has switched the machine off already
            machine.qmp.command("quit")
        machine.wait_end(20)
    return address


class Replay:
    """The recorded run once more, with the vCPU in hand. `at` is the position."""

    def __init__(self, scenario, rrfile, extra=()):
        options = [*scenario.extra, *DEVICES, "-smp", "1", *extra,
                   "-icount", f"shift=0,rr=replay,rrfile={rrfile}"]
        self.machine = Machine(scenario.image, scenario.bundle, options,
                               ways=("qmp", "qtest", "gdb"), held=True, board=scenario.board)
        self.gdb, self.qmp, self.qtest = self.machine.gdb, self.machine.qmp, self.machine.qtest
        self._settle()

    def position(self):
        return self.qmp.command("query-replay")["icount"]

    def step(self):
        """One instruction; returns the address of the next.

        QEMU at times comes back from a step that it has not made. The address shows that, but for
        an instruction that branches to itself, so that the position decides; asking for it each
        time would double the cost.
        """
        while True:
            self.gdb.step()
            before, self._pc = self._pc, self.gdb.register(self.gdb.PC)
            if self._pc != before or self.position() > self.at:
                self.at += 1
                return self._pc

    def go_to(self, position):
        """Run on until `position` instructions have been executed since reset."""
        if position < self.at:
            raise HarnessError(f"cannot go back from {self.at} to {position}")
        if position - self.at <= 8:
            while self.at < position:
                self.step()
            return
        self.qmp.command("replay-break", icount=position)
        self.gdb.run_to_stop()
        self._settle()
        if self.at != position:
            raise HarnessError(f"stopped at instruction {self.at}, not {position}")

    def _settle(self):
        """Where are we, after a stretch that was not stepped?"""
        self.at, self._pc = self.position(), self.gdb.register(self.gdb.PC)

    def stack_pointer(self):
        return self.gdb.register(self.gdb.SP)

    def run_to_guest(self, address):
        """Run on to the instruction at `address` below EL2; returns its position."""
        self.gdb.break_at(address)
        while True:
            self.gdb.run_to_stop()
            self._settle()
            if self._pc == address and self.gdb.exception_level() < 2:
                self.gdb.unbreak(address)
                return self.at
            self.step()  # the image runs at the same address, one level above

    def close(self):
        self.machine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# ---- First pass: where things happen ------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Write:
    """A write to an SMMU register by the instruction that ends at this position."""

    position: int
    offset: int
    value: int

    def __str__(self):
        name = SMMU_NAMES.get(self.offset & 0xFFFF, f"{self.offset:#x}")
        return f"{name} <- {self.value:#x}"


class WriteLog:
    """QEMU's trace of SMMU register writes, read as it grows."""

    OPTIONS = ("-d", "trace:smmuv3_write_mmio")

    def __init__(self, path):
        self.path, self._offset = path, 0

    def options(self):
        return [*self.OPTIONS, "-D", self.path]

    def fresh(self):
        """[(offset, value), ...] of the writes since the last call."""
        if os.stat(self.path).st_size == self._offset:
            return []
        with open(self.path, encoding="utf-8", errors="replace") as log:
            log.seek(self._offset)
            text = log.read()
            self._offset = log.tell()
        return [tuple(int(word, 16) for word in match) for match in SMMU_WRITE.findall(text)]


@dataclasses.dataclass
class Survey:
    """What the first pass found out."""

    entry: int = None  # position of the image's first instruction
    entry_address: int = None
    guest: int = None  # position of the first guest instruction
    guest_address: int = None
    writes: list = dataclasses.field(default_factory=list)
    reset_value: int = 0  # GBPA before the first instruction

    def closing(self):
        """Position at which, by its registers, the unit first lets nothing through any more."""
        registers = {SMMU_GBPA: self.reset_value, SMMU_CR0: 0}
        for write in self.writes:
            registers[write.offset] = write.value
            if (self.entry is not None and write.position > self.entry
                    and registers[SMMU_GBPA] & 1 << 20 and not registers[SMMU_CR0] & 1):
                return write.position
        return None


def step_to_entry(replay, scenario, survey, log):
    """Step from reset until the image's first instruction is next."""
    survey.reset_value = replay.qtest.read32(SMMU + SMMU_GBPA)
    for _ in range(1_000_000):
        pc = replay.step()
        note_writes(replay, survey, log)
        if pc == scenario.entry or (scenario.entry is None and pc not in STUB):
            survey.entry, survey.entry_address = replay.at, pc
            return
    raise HarnessError("the image was not entered within a million instructions")


def note_writes(replay, survey, log):
    survey.writes += [Write(replay.at, *write) for write in log.fresh()]


def step_and_note(replay, survey, log, end):
    """Step to `end`, noting each register write at its instruction."""
    while replay.at < end:
        replay.step()
        note_writes(replay, survey, log)


def cut(start, end, parts):
    """The ends of `parts` stretches that make up start..end."""
    return [start + (end - start) * part // parts for part in range(1, parts + 1)]


def find_stretches(replay, stretches, parts, log):
    """Which pieces of the stretches hold register writes, by one replay."""
    found = []
    for start, end in stretches:
        replay.go_to(start)
        log.fresh()
        for stop in sorted(set(cut(start, end, parts))):
            before = replay.at
            replay.go_to(stop)
            if log.fresh():
                found.append((before, stop))
    return found


def survey_run(scenario, rrfile, guest_address):
    """Entry, first guest instruction, and the position of every SMMU register write between."""
    survey, log = Survey(guest_address=guest_address), WriteLog(rrfile + ".writes")
    with Replay(scenario, rrfile, log.options()) as replay:
        step_to_entry(replay, scenario, survey, log)
        step_and_note(replay, survey, log, survey.entry + DENSE)
        survey.guest = replay.run_to_guest(guest_address)
        late = log.fresh()
    stretches, parts = [(survey.entry + DENSE, survey.guest)] if late else [], 256
    while stretches and max(end - start for start, end in stretches) > STEP_LIMIT:
        log = WriteLog(rrfile + ".writes")
        with Replay(scenario, rrfile, log.options()) as replay:
            stretches = find_stretches(replay, stretches, parts, log)
        parts = 32
    if stretches:
        log = WriteLog(rrfile + ".writes")
        with Replay(scenario, rrfile, log.options()) as replay:
            for start, end in stretches:
                replay.go_to(start)
                log.fresh()
                step_and_note(replay, survey, log, end)
    return survey


# ---- What the closing code stores ---------------------------------------------------------------


class Ram:
    """The machine's memory as a file that can be read while the vCPU is stopped."""

    BASE, PAGE = 0x40000000, 4096
    UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

    def __init__(self, path, board):
        words = harness.runner.board_arguments(board or harness.BOARD_FOLDER)
        self.path, self.size = path, words[words.index("-m") + 1]

    def options(self):
        return ["-object", f"memory-backend-file,id=ram,size={self.size},share=on,"
                           f"mem-path={self.path}", "-machine", "memory-backend=ram"]

    def snapshot(self):
        """{physical address: page} of all pages that hold anything but zeros."""
        pages, end = {}, int(self.size[:-1]) * self.UNITS[self.size[-1]]
        with open(self.path, "rb") as memory:
            start = 0
            while start < end:
                try:
                    start = os.lseek(memory.fileno(), start, os.SEEK_DATA) & -self.PAGE
                except OSError:  # nothing but holes follow
                    break
                stop = os.lseek(memory.fileno(), start, os.SEEK_HOLE)
                for offset in range(start, stop, self.PAGE):
                    page = os.pread(memory.fileno(), self.PAGE, offset)
                    if page.count(0) != len(page):
                        pages[self.BASE + offset] = page
                start = max(stop, start + self.PAGE)
        return pages

    @classmethod
    def difference(cls, before, after):
        """The addresses of the bytes in which two snapshots differ, in order."""
        zeros = bytes(cls.PAGE)
        changed = []
        for address in sorted(before.keys() | after.keys()):
            old, new = before.get(address, zeros), after.get(address, zeros)
            if old != new:
                changed += [address + i for i in range(cls.PAGE) if old[i] != new[i]]
        return changed


@dataclasses.dataclass(frozen=True)
class Stores:
    """Bytes of memory that changed between the image's entry and the closing of the unit."""

    changed: tuple
    stack: range  # from the lowest stack pointer that was used to the end of the highest one's page
    seen: int  # pages that held something, so that an empty answer can be told from a blind one

    def outside_stack(self):
        return [address for address in self.changed if address not in self.stack]


def watch_stores(scenario, rrfile, survey):
    """Replay from entry to the closing write and compare memory before and after."""
    ram = Ram(rrfile + ".ram", scenario.board)
    with Replay(scenario, rrfile, ram.options()) as replay:
        replay.go_to(survey.entry)
        before, first = ram.snapshot(), replay.stack_pointer()
        pointers = set()
        while replay.at < survey.closing():
            replay.step()
            pointers.add(replay.stack_pointer())
        changed = ram.difference(before, ram.snapshot())
    pointers.discard(first)  # what the boot loader left there is not the image's stack
    stack = range(min(pointers), (max(pointers) | 0xFFF) + 1) if pointers else range(0)
    return Stores(tuple(changed), stack, len(before))


# ---- Probing ------------------------------------------------------------------------------------


def choose_stops(survey, seed):
    """(all stops in order, those at which the device behind the port fires too, seeded ones).

    What opens or closes the unit is a register write, and before and after each both devices try.
    The strides are there for what nobody thought of; what they find is tried instruction by
    instruction afterwards.
    """
    dense_end = min(survey.entry + DENSE, survey.guest)
    writes = {write.position + side for write in survey.writes for side in (-1, 0)}
    later = range(dense_end + 1, survey.guest + 1)
    seeded = set(random.Random(seed).sample(later, min(SEEDED, len(later))))
    both = set(range(0, dense_end + 1, PORT_STRIDE)) | writes | seeded | {survey.guest}
    return sorted(both | set(range(0, dense_end + 1, ROOT_STRIDE))), both, len(seeded)


def probe_run(scenario, rrfile, stops, both):
    """Fire at each stop of one replay. Returns {probe name: {position: landed}}."""
    with Replay(scenario, rrfile) as replay:
        root, port = Probe(replay.qtest), PortProbe(replay.qtest)
        shots = {root.name: {}, port.name: {}}
        for stop in stops:
            replay.go_to(stop)
            shots[root.name][stop] = root.fire()
            if stop in both:
                shots[port.name][stop] = port.fire()
    return shots


def edges_of(shots):
    """[(position before, position after), ...] between which the answer changes."""
    stops = sorted(shots)
    return [(a, b) for a, b in zip(stops, stops[1:]) if shots[a] != shots[b]]


def intervals_of(shots):
    """[(first, last), ...] of the stretches in which the write landed."""
    intervals, open_at, last = [], None, None
    for stop in sorted(shots):
        if shots[stop] and open_at is None:
            open_at = stop
        elif not shots[stop] and open_at is not None:
            intervals.append((open_at, last))
            open_at = None
        last = stop
    if open_at is not None:
        intervals.append((open_at, last))
    return intervals


def stops_near_edges(all_shots, end):
    """Stops still to be tried: within NEAR of an edge, for some device."""
    missing = set()
    for shots in all_shots.values():
        for before, after in edges_of(shots):
            around = range(max(0, before - NEAR), min(end, after + NEAR) + 1)
            missing |= {stop for stop in around if stop not in shots}
    return sorted(missing)


def resolve_edges(scenario, rrfile, all_shots, end):
    """Try every instruction near each edge, until no stop near an edge is missing."""
    for _ in range(8):
        missing = stops_near_edges(all_shots, end)
        if not missing:
            return
        for name, shots in probe_run(scenario, rrfile, missing, set(missing)).items():
            all_shots[name].update(shots)
    raise HarnessError("the edges of the window move from replay to replay")


# ---- The verdict --------------------------------------------------------------------------------


@dataclasses.dataclass
class Report:
    """What was measured, and what is wrong with it."""

    scenario: str
    survey: Survey
    shots: dict
    seeded: int
    seed: int
    stores: Stores = None
    seconds: float = 0.0

    def intervals(self):
        return {name: intervals_of(shots) for name, shots in self.shots.items()}

    def closed(self):
        """Position of the instruction that ended the window, for the device that it ended last for."""
        return max((pieces[0][1] + 1 for pieces in self.intervals().values() if pieces), default=0)

    def closing_write(self):
        """The register write that the closing instruction made, if it made one."""
        return next((str(write) for write in self.survey.writes
                     if write.position == self.closed()), "no SMMU register write")

    def mistakes(self):
        """Sentences; none if the window is one, starts at reset, and is short."""
        found = []
        for name, pieces in self.intervals().items():
            if not pieces:
                found.append(f"{name}: DMA never landed, so nothing was measured")
            elif pieces[0][0] != 0:
                found.append(f"{name}: DMA did not land at reset but first at {pieces[0][0]}")
            found += [f"{name}: opened again, DMA landed at instructions {self.place(first)} "
                      f"to {self.place(last)}" for first, last in pieces[1:]]
            if pieces and pieces[-1][1] >= self.survey.guest:
                found.append(f"{name}: still open at the first guest instruction")
        if self.closed() - self.survey.entry >= GOAL:
            found.append(f"closed {self.closed() - self.survey.entry} instructions from entry, "
                         f"the goal is below {GOAL}")
        return found

    def place(self, position):
        return f"{position} (entry{position - self.survey.entry:+})"

    def table(self):
        """A few lines for people."""
        entry = self.survey.entry
        rows = [("", "from reset", "from entry"),
                (f"image entered at {self.survey.entry_address:#x}", entry, 0)]
        for name, pieces in self.intervals().items():
            for first, last in pieces:
                rows.append((f"DMA lands, {name}: first", first, first - entry))
                rows.append((f"DMA lands, {name}: last", last, last - entry))
        rows.append((f"closed by {self.closing_write()}", self.closed(), self.closed() - entry))
        rows.append(("first guest instruction", self.survey.guest, self.survey.guest - entry))
        lines = [f"boot window: {self.scenario}"]
        lines += [f"  {text:<44} {reset!s:>12} {offset!s:>12}" for text, reset, offset in rows]
        shots = sum(len(shots) for shots in self.shots.values())
        lines.append(f"  {shots} shots, {self.seeded} seeded stops (seed {self.seed}), "
                     f"{len(self.survey.writes)} SMMU register writes, {self.seconds:.1f} s")
        return "\n".join(lines)

    def data(self):
        """The same for programs."""
        entry = self.survey.entry
        return {"scenario": self.scenario, "entry": entry, "guest": self.survey.guest,
                "intervals": self.intervals(), "closed_from_reset": self.closed(),
                "closed_from_entry": self.closed() - entry, "goal_from_entry": GOAL,
                "closed_by": self.closing_write(), "seed": self.seed, "seeded": self.seeded,
                "shots": {name: len(shots) for name, shots in self.shots.items()},
                "writes": [[write.position, str(write)] for write in self.survey.writes],
                "seconds": round(self.seconds, 1), "mistakes": self.mistakes()}


def measure(scenario, folder, seed=SEED):
    """The whole measurement of one scenario; files of the recording go to `folder`."""
    started = time.monotonic()
    rrfile = os.path.join(folder, "record")
    guest_address = record(scenario, rrfile)
    survey = survey_run(scenario, rrfile, guest_address)
    stops, both, seeded = choose_stops(survey, seed)
    shots = probe_run(scenario, rrfile, stops, both)
    resolve_edges(scenario, rrfile, shots, survey.guest)
    stores = watch_stores(scenario, rrfile, survey) if survey.closing() else None
    seconds = time.monotonic() - started
    return Report(scenario.name, survey, shots, seeded, seed, stores, seconds)


# ---- Two processors -----------------------------------------------------------------------------


@dataclasses.dataclass
class TwoProcessors:
    """Shots on a machine with two vCPUs, which QEMU can neither record nor replay.

    Until the image starts the second one its instructions are the same; `stepped` holds shots by
    instructions from reset, `timed` those at moments that chance chose, up to the first guest
    instruction.
    """

    stepped: dict
    timed: list

    def mistakes(self, closed):
        found = [f"two processors: DMA {'landed' if landed else 'was blocked'} at {position}, "
                 f"the window closes at {closed}"
                 for position, landed in sorted(self.stepped.items())
                 if landed != (position < closed)]
        late = sum(self.timed)
        return found + ([f"two processors: {late} of {len(self.timed)} timed shots landed"]
                        if late else [])


def probe_two_processors(scenario, survey, guest_address, seed=SEED):
    """Step over the closing, then shoot at random moments until the first guest instruction."""
    extra = [*scenario.extra, *DEVICES, "-smp", "2", "-icount", "shift=0"]
    with Machine(scenario.image, scenario.bundle, extra, ways=("qmp", "qtest", "gdb"), held=True,
                 board=scenario.board) as machine:
        root, port = Probe(machine.qtest), PortProbe(machine.qtest)
        stepped = step_past_closing(machine.gdb, root, survey.closing())
        timed = shoot_until_guest(machine.gdb, (root, port), guest_address, random.Random(seed))
    return TwoProcessors(stepped, timed)


def step_past_closing(gdb, probe, closing):
    """{position: landed} for every instruction within NEAR of the closing one."""
    stepped, position, pc = {}, 0, gdb.register(gdb.PC)
    while position < closing + NEAR:
        gdb.step()
        before, pc = pc, gdb.register(gdb.PC)
        position += pc != before
        if abs(position - closing) <= NEAR:
            stepped[position] = probe.fire()
    return stepped


def shoot_until_guest(gdb, probes, guest_address, chance):
    """[landed, ...] of shots at random moments, the last one at the first guest instruction."""
    shots = []
    gdb.break_at(guest_address)
    while True:
        gdb.resume()
        time.sleep(chance.uniform(0, 0.004))
        gdb.interrupt()
        stop = gdb.wait_stop()
        shots += [probe.fire() for probe in probes]
        gdb.select(gdb.stopped_thread(stop))
        if gdb.exception_level() < 2 or len(shots) > 2 * SEEDED:
            return shots


def main():
    parser = argparse.ArgumentParser(description="Measure the boot window of an image.")
    parser.add_argument("--image", default=harness.IMAGE)
    parser.add_argument("--bundle", default=harness.BUNDLE)
    parser.add_argument("--board", default=harness.BOARD_FOLDER)
    parser.add_argument("--entry", type=lambda word: int(word, 0),
                        help="where the image is entered, if the emulator does not jump there")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--json", help="also write the result to this file")
    arguments = parser.parse_args()
    scenario = Scenario("image", arguments.image, arguments.bundle, board=arguments.board,
                        entry=arguments.entry)
    with tempfile.TemporaryDirectory() as folder:
        report = measure(scenario, folder, arguments.seed)
    print(report.table())
    for mistake in report.mistakes():
        print(f"  WRONG: {mistake}")
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as out:
            json.dump(report.data(), out, indent=1)
    return 1 if report.mistakes() else 0


if __name__ == "__main__":
    sys.exit(main())
