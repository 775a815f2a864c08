# SPDX-License-Identifier: Apache-2.0
"""Wild guests of both widths: any call with anything, and as much of one thing as a partition can do.

How late a periodic partition is beside a storm is counted in instructions (`-icount`), and held against
the same beside a partition that only keeps its CPU busy: an emulator that counts instructions runs
its CPUs in turn, and that is no delay of a machine's.
"""
import re
import unittest

import test_events as events
from scenario import BASE, EDU, LIMIT, MIB, Partition, ScenarioTest, pci, probe

SECOND_EDU = ("-device", "pcie-root-port,id=port2,chassis=2,addr=02.0", "-device",
              "edu,bus=port2,dma_mask=0xffffffffffffffff")
OTHER_EDU = "0000:02:00.0"
SENSOR = Partition("sensor", "image=${image_start} stream-table=${smmuv3_stream_tables}",
                   "sensor.elf", devices=(pci(EDU),))
FEATURES = 1  # number of a call that has one error


def selfcheck(test, name, width, devices=(pci(EDU),), **words):
    spelled = " ".join([f"test={test}", *(f"{key.replace('_', '-')}={value}"
                                          for key, value in words.items())])
    if width == 32:
        return Partition(name, spelled, "selfcheck32.elf", devices=devices, lines=("aarch32;",))
    return Partition(name, spelled, "selfcheck.elf", devices=devices)


class Wild(ScenarioTest):
    """guests/selfcheck/wild.c: each answer is one that the ABI documents, and nobody is ended."""

    def run_wild(self, width, **words):
        wild = selfcheck("wild", "wild", width, devices=(pci(OTHER_EDU),), **words)
        run = self.run_set([wild, SENSOR], *SECOND_EDU)
        self.assertEqual(run.said("sensor")[-1], "result: 10 attempts, 0 surprises")
        self.assertEqual(run.codes["sensor"], 0)
        return run

    def assert_answered(self, width):
        for seed in (1, 2, 3):
            with self.subTest(seed=seed):
                run = self.run_wild(width, seed=seed)
                self.assert_checks_hold(run, "wild")
                self.assertEqual(run.codes["wild"], 0)
                self.note(f"seed {seed}: {run.said('wild')[-2]}")

    def test_i10_row_3_12_any_calls_of_a_64_bit_guest_are_answered_while_another_keeps_its_device(self):
        self.assert_answered(64)

    def test_i10_any_calls_of_a_32_bit_guest_are_answered_while_another_keeps_its_device(self):
        self.assert_answered(32)

    def test_a_call_that_answers_what_is_not_documented_is_found(self):
        for width in (64, 32):
            with self.subTest(width=width):
                run = self.run_wild(width, doubt=FEATURES)
                self.assertNotEqual(run.codes["wild"], 0)
                self.assertIn("call 1 (", "\n".join(run.said("wild")))


# name -> rounds that it makes at least
STORMS = {"none": 100_000, "null": 10_000, "info": 5_000, "map": 500, "attach": 500, "bind": 2_000,
          "console": 500, "sgi": 5_000, "timer": 5_000, "line": 5_000}
START_MS, PERIODIC_MS = 600, 605  # since reset; a bind takes 100 ms and more
PERIODS, STORM_MS = 30, 60  # of a millisecond each
# An attach turns bus mastering, and for that the emulator makes its map of memory anew: a millisecond of the host's.
# Of that storm a few periods must do, or a slow host does not come to its end.
SHORT = {"attach": (5, 12)}
RESET_PERIODS = 250  # a reset of 4 MiB takes 80 ms, most of it to zero them
BESIDE_NS = 100_000  # at most so much later at worst than beside a busy CPU; a period is 1 ms
HEARD_NS = 2_000  # what the boot CPU does for another's console, at least


class Storms(ScenarioTest):
    """A partition with a deadline a millisecond, on the boot CPU, and a storm on another."""

    busy = {}  # width -> (average, worst) beside a partition that only keeps its CPU busy

    LATE = r"^\[periodic\] periodic: late by (\d+) ns on average, (\d+) ns at worst$"

    def tell(self, width, storm, numbers, rounds):
        self.note(f"{storm}, {width} bits: late by {numbers[0]:,} ns on average, "
                  f"{numbers[1]:,} ns at worst; {rounds:,} rounds")

    def lateness(self, storm, width):
        """(average, worst) in instructions."""
        periods, storm_ms = SHORT.get(storm, (PERIODS, STORM_MS))
        periodic = probe("periodic", periods=periods, start_ms=PERIODIC_MS)
        raging = selfcheck("storm", "storm", width, storm=storm, ms=storm_ms, start_ms=START_MS)
        run = self.run_set([periodic, raging], *events.ICOUNT)
        self.assert_codes(run, periodic=0, storm=0)
        places = [[number for number, line in enumerate(run.lines) if re.search(pattern, line)]
                  for pattern in (r"^\[storm\] storm: begins$", self.LATE, r"storm: \d+ rounds of ")]
        self.assertEqual(sum(places, []), sorted(sum(places, [])), "it was not beside the storm")
        self.assertEqual([len(place) for place in places], [1, 1, 1])
        rounds = int(re.search(r"storm: (\d+) rounds", run.lines[places[2][0]])[1])
        self.assertGreater(rounds, STORMS[storm], "that was no storm")
        numbers = tuple(map(int, re.search(self.LATE, run.lines[places[1][0]]).groups()))
        self.tell(width, storm, numbers, rounds)
        return numbers

    def beside_busy(self, width):
        if width not in self.busy:
            self.busy[width] = self.lateness("none", width)
        return self.busy[width]

    def assert_unharmed(self, width, *storms):
        """The figures of the last storm."""
        busy, numbers = self.beside_busy(width), None
        for storm in storms:
            with self.subTest(storm=storm, width=width):
                numbers = self.lateness(storm, width)
                self.assertLess(numbers[1], busy[1] + BESIDE_NS)
                self.assertLess(numbers[0], busy[0] + BESIDE_NS * 3 // 4)
        return numbers

    def test_a_periodic_partition_beside_storms_of_cheap_calls(self):
        self.assert_unharmed(64, "null", "info")
        self.assert_unharmed(32, "null")

    def test_a_periodic_partition_beside_storms_of_expensive_calls(self):
        self.assert_unharmed(64, "map", "attach", "bind")
        self.assert_unharmed(32, "map")

    def test_a_periodic_partition_beside_storms_of_interrupts(self):
        self.assert_unharmed(64, "sgi", "timer", "line")
        self.assert_unharmed(32, "sgi", "line")

    def test_a_storm_on_the_console_is_heard_on_the_boot_cpu_and_does_no_harm(self):
        """The one storm that the boot CPU works for: a figure that shows it can be seen."""
        numbers = self.assert_unharmed(64, "console")
        self.assertGreater(numbers[1], self.beside_busy(64)[1] + HEARD_NS)

    def test_a_periodic_partition_beside_one_that_resets_for_ever(self):
        periodic = probe("periodic", periods=RESET_PERIODS, start_ms=0)
        machine = self.boot([periodic, probe("reset", memory=(BASE, 4 * MIB))], *events.ICOUNT)
        place, found = machine.console.wait_for(self.LATE, LIMIT)
        numbers = tuple(map(int, found.groups()))
        begun = machine.console.lines().index("[periodic] periodic: begins")
        resets = [line for line in machine.console.lines()[begun:place] if "reset: resets" in line]
        self.assertGreaterEqual(len(resets), 2, "that was no storm")
        self.tell(64, "reset", numbers, len(resets))
        busy = self.beside_busy(64)
        self.assertLess(numbers[1], busy[1] + BESIDE_NS)
        self.assertLess(numbers[0], busy[0] + BESIDE_NS * 3 // 4)


if __name__ == "__main__":
    unittest.main()
