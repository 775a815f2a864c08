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
import dataclasses
import json
import os
import random
import re
import sys
import tempfile
import time

import harness
from dma_probe import DEVICES, PortProbe, Probe
from harness import GrowingLog, HarnessError, Machine
from places import SMMU
from replay import Ram, Replay, Scenario, record

DENSE = 8000  # instructions after entry that are stepped
NEAR = 200  # instructions around an edge that are all tried
ROOT_STRIDE, PORT_STRIDE = 4, 16  # away from edges and writes, of the dense part every so many
SEEDED = 2000
SEED = 20251121
GOAL = 5000  # instructions from entry to the last unit closed (I2)
STUB = range(0x40000000, 0x40001000)  # QEMU's own first instructions
FIRST, SECOND = 1, 2  # vCPUs, as the debug stub numbers them
STEP_LIMIT = 2000  # a stretch this short is stepped, a longer one is cut
SMMU_CR0, SMMU_GBPA = 0x20, 0x44
CR0_SMMUEN, GBPA_ABORT = 1 << 0, 1 << 20
SMMU_NAMES = {0x20: "CR0", 0x28: "CR1", 0x2C: "CR2", 0x44: "GBPA", 0x50: "IRQ_CTRL",
              0x60: "GERROR", 0x64: "GERRORN", 0x80: "STRTAB_BASE", 0x88: "STRTAB_BASE_CFG",
              0x90: "CMDQ_BASE", 0x98: "CMDQ_PROD", 0x9C: "CMDQ_CONS", 0xA0: "EVENTQ_BASE",
              0xA8: "EVENTQ_PROD", 0xAC: "EVENTQ_CONS"}
SMMU_WRITE = re.compile(r"smmuv3_write_mmio addr: (0x[0-9a-f]+) val: ?(0x[0-9a-f]+)")


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


class WriteLog(GrowingLog):
    """QEMU's trace of SMMU register writes."""

    def options(self):
        return ["-d", "trace:smmuv3_write_mmio", "-D", self.path]

    def fresh(self):
        """[(offset, value), ...] of the writes since the last call."""
        found = SMMU_WRITE.findall(super().fresh())
        return [tuple(int(word, 16) for word in match) for match in found]


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
                    and registers[SMMU_GBPA] & GBPA_ABORT
                    and not registers[SMMU_CR0] & CR0_SMMUEN):
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


def choose_seeded(survey, dense_end, chance):
    """SEEDED stops after the dense part: half of them before the last register write.

    What lies behind it is mostly the scrubbing of memory, many millions of instructions in which
    nothing that concerns the unit happens.
    """
    last_write = max([write.position for write in survey.writes] + [dense_end])
    early = range(dense_end + 1, min(last_write, survey.guest) + 1)
    chosen = set(chance.sample(early, min(SEEDED // 2, len(early))))
    later = range(dense_end + 1, survey.guest + 1)
    while len(chosen) < min(SEEDED, len(later)):
        chosen.add(chance.choice(later))
    return chosen


def choose_stops(survey, seed):
    """(all stops in order, those at which the device behind the port fires too, seeded ones).

    What opens or closes the unit is a register write, and before and after each both devices try.
    The strides are there for what nobody thought of; what they find is tried instruction by
    instruction afterwards.
    """
    dense_end = min(survey.entry + DENSE, survey.guest)
    writes = {write.position + side for write in survey.writes for side in (-1, 0)}
    seeded = choose_seeded(survey, dense_end, random.Random(seed))
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
        """Position of the instruction that ended the first window, for the last of the devices."""
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
    second_ran: bool  # before the closing

    def mistakes(self, closed):
        found = [f"two processors: DMA {'landed' if landed else 'was blocked'} at {position}, "
                 f"the window closes at {closed}"
                 for position, landed in sorted(self.stepped.items())
                 if landed != (position < closed)]
        if self.second_ran:
            found.append("two processors: the second one ran before the closing")
        late = sum(self.timed)
        return found + ([f"two processors: {late} of {len(self.timed)} timed shots landed"]
                        if late else [])


def probe_two_processors(scenario, survey, guest_address, seed=SEED):
    """Step over the closing, then shoot at random moments until the first guest instruction."""
    extra = [*scenario.extra, *DEVICES, "-smp", "2", "-icount", "shift=0"]
    with Machine(scenario.image, scenario.bundle, extra, ways=("qmp", "qtest", "gdb"), held=True,
                 board=scenario.board) as machine:
        root, port = Probe(machine.qtest), PortProbe(machine.qtest)
        at_reset = pc_of(machine.gdb, SECOND)
        stepped = step_past_closing(machine.gdb, root, survey.closing())
        second_ran = pc_of(machine.gdb, SECOND) != at_reset
        timed = shoot_until_guest(machine.gdb, (root, port), guest_address, random.Random(seed))
    return TwoProcessors(stepped, timed, second_ran)


def pc_of(gdb, thread):
    """Where a vCPU stands; the first one stays selected."""
    gdb.select(thread)
    pc = gdb.register(gdb.PC)
    gdb.select(FIRST)
    return pc


def step_past_closing(gdb, probe, closing):
    """{position: landed} for every instruction within NEAR of the closing one."""
    stepped, position, pc = {}, 0, gdb.register(gdb.PC)
    while position < closing + NEAR:
        gdb.step(FIRST, others=True)
        before, pc = pc, gdb.register(gdb.PC)
        position += pc != before
        if abs(position - closing) <= NEAR:
            stepped[position] = probe.fire()
    return stepped


def shoot_until_guest(gdb, probes, guest_address, chance, stops=SEEDED):
    """[landed, ...] of shots at random moments, the last one at the first guest instruction."""
    shots = []
    gdb.break_at(guest_address)
    for _ in range(stops):
        gdb.resume()
        time.sleep(chance.uniform(0, 0.004))
        gdb.interrupt()
        stop = gdb.wait_stop()
        shots += [probe.fire() for probe in probes]
        gdb.select(gdb.stopped_thread(stop))
        if gdb.exception_level() < 2:
            return shots
    raise HarnessError(f"no guest instruction came in {stops} stops")


def main():
    parser = argparse.ArgumentParser(description="Measure the boot window of an image.")
    parser.add_argument("--image", default=harness.IMAGE)
    parser.add_argument("--bundle", default=harness.BUNDLE)
    parser.add_argument("--board", default=harness.MACHINE_FOLDER)
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
