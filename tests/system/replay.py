# SPDX-License-Identifier: Apache-2.0
"""One run of an image, recorded once and replayed at will: each replay is the same run, instruction
by instruction, and can be stopped in front of any of them.

QEMU records with one vCPU only. A position is the number of instructions executed since reset.
"""
import contextlib
import dataclasses
import os

import harness
from dma_probe import DEVICES
from harness import HarnessError, Machine

RECORD_LIMIT = 60.0
STEP_DISTANCE = 8  # a stop this near is stepped to: cheaper than to set it up


@dataclasses.dataclass(frozen=True)
class Scenario:
    """What is started, and where the image under test is entered (None: where the stub jumps)."""

    name: str
    image: str
    bundle: str = None
    extra: tuple = ()
    entry: int = None
    board: str = None


def record(scenario, rrfile, seconds=RECORD_LIMIT):
    """Run to the first guest instruction once; returns its address."""
    log = rrfile + ".log"
    extra = [*scenario.extra, *DEVICES, "-smp", "1", "-d", "int", "-D", log,
             "-icount", f"shift=0,rr=record,rrfile={rrfile}"]
    with Machine(scenario.image, scenario.bundle, extra, ways=("qmp",), held=True,
                 board=scenario.board) as machine:
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
        if position - self.at <= STEP_DISTANCE:
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


class Ram:
    """The machine's memory as a file that can be read while the vCPU is stopped."""

    BASE, PAGE = 0x40000000, 4096
    UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}

    def __init__(self, path, board):
        words = harness.runner.board_arguments(board or harness.MACHINE_FOLDER)
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
