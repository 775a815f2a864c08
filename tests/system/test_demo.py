# SPDX-License-Identifier: Apache-2.0
"""The demo of `make run`, one test for each thing that it shows.

It runs once, through the same tool that `make run` uses. *Blocked* means three things together, none
of which is the demo's word for another: the table of `sensor` says blocked where blocked was
expected, the hypervisor's fault record names stream and address, and what landed while it was mapped
is the same transfer. That the console closes with the exit codes, and that the exit status follows
them, is part of the interface.
"""
import re
import subprocess
import sys
import unittest

import harness
from harness import SystemTest, require

RUN = [sys.executable, f"{harness.ROOT}/tools/run/run.py", "--board", harness.BOARD_FOLDER]
TIME_LIMIT = 100
SENSOR = "sensor"
FAULT = re.compile(r"\[bulkhead\] .*\bfault\b")
FIELD = re.compile(r"\b([a-z_]+)=(\S+)")
CELL = re.compile(r"\s{2,}|\s*\|\s*")
LANDED = ("landed", "lands")


class Row:
    """One line of the table: what was tried, what should happen, what happened."""

    def __init__(self, attempt, expected, seen):
        self.attempt, self.expected, self.seen = attempt, expected, seen

    def __str__(self):
        return f"{self.attempt!r}: expected {self.expected!r}, seen {self.seen!r}"


def payload_lines(lines, partition):
    """What one partition printed, without its name in front."""
    prefix = f"[{partition}] "
    return [line[len(prefix):] for line in lines if line.startswith(prefix)]


def read_table(lines):
    """The rows below the line that is headed attempt, expected, seen."""
    rows, heading = [], False
    for line in lines:
        cells = [cell for cell in CELL.split(line.strip()) if cell]
        if [cell.lower() for cell in cells[:3]] == ["attempt", "expected", "seen"]:
            heading = True
        elif heading and len(cells) >= 3 and not set(line) <= set("-=+| "):
            rows.append(Row(*cells[:3]))
    return rows


def read_faults(lines):
    """{field: value} of each fault that the hypervisor reported, in order."""
    return [dict(FIELD.findall(line)) for line in lines if FAULT.match(line)]


class Demo(SystemTest):
    """Runs the demo once; its tests read what it left."""

    @classmethod
    def setUpClass(cls):
        command = [*RUN, "--image", require(harness.IMAGE), "--bundle", require(harness.BUNDLE),
                   "--timeout", str(TIME_LIMIT)]
        done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT + 20, check=False)
        cls.command, cls.status = command, done.returncode
        cls.output = done.stdout.decode("utf-8", "replace")
        cls.errors = done.stderr.decode("utf-8", "replace")
        cls.lines = cls.output.splitlines()
        cls.sensor = payload_lines(cls.lines, SENSOR)
        cls.rows = read_table(cls.sensor)
        cls.faults = read_faults(cls.lines)
        cls.watch(cls)

    @classmethod
    def report(cls):
        return (f"--- command line ---\n{' '.join(cls.command)}\n--- console ---\n{cls.output}"
                f"--- standard error ---\n{cls.errors}--- end, status {cls.status} ---")

    def row(self, *words):
        """The one row whose attempt holds all of these words."""
        found = [row for row in self.rows
                 if all(re.search(word, row.attempt, re.IGNORECASE) for word in words)]
        self.assertEqual(len(found), 1, f"rows with {words}: {[str(row) for row in found]} "
                                        f"of {[str(row) for row in self.rows]}")
        return found[0]

    def assert_lands(self, *words):
        row = self.row(*words)
        self.assertIn(row.expected, LANDED, str(row))
        self.assertIn(row.seen, LANDED, str(row))

    def assert_blocked(self, *words):
        row = self.row(*words)
        self.assertEqual(row.expected, "blocked", str(row))
        self.assertEqual(row.seen, "blocked", str(row))

    def test_a_block_copied_through_the_device_inside_own_memory_lands(self):
        self.assert_lands(r"\bown\b|\bmapped\b(?<!unmapped)")

    def test_dma_to_a_page_that_was_never_mapped_is_blocked(self):
        self.assert_blocked(r"never|not mapped|did not map|no map")

    def test_dma_to_the_image_of_the_hypervisor_is_blocked(self):
        self.assert_blocked(r"image|hypervisor")

    def test_dma_to_the_stream_table_is_blocked(self):
        self.assert_blocked(r"stream table")

    def test_dma_that_landed_is_blocked_after_unmap(self):
        self.assert_blocked(r"unmap")

    def test_dma_that_landed_is_blocked_after_unbind(self):
        self.assert_blocked(r"unbind|unbound")

    def test_no_attempt_surprises(self):
        self.assertTrue(self.rows, "no table below a line `attempt  expected  seen`")
        surprises = [str(row) for row in self.rows if row.expected != row.seen]
        self.assertEqual(surprises, [])

    def test_each_fault_names_device_partition_cause_access_and_address(self):
        self.assertTrue(self.faults, "no line `[bulkhead] ... fault ...`")
        for fault in self.faults:
            for field in ("device", "partition", "cause", "access", "iova"):
                self.assertIn(field, fault)
            self.assertIn(fault["access"], ("r", "w"))
            self.assertRegex(fault["iova"], r"^0x[0-9a-f]+$")

    def test_the_faults_belong_to_the_partition_that_owns_the_device(self):
        self.assertEqual({fault.get("partition") for fault in self.faults}, {SENSOR})

    def test_each_blocked_attempt_while_attached_has_its_own_fault_address(self):
        """Not mapped, image, stream table, unmapped: four places, so at least four addresses."""
        addresses = {int(fault["iova"], 16) & ~0xFFF for fault in self.faults}
        self.assertGreaterEqual(len(addresses), 4, [hex(address) for address in addresses])

    def test_the_last_line_says_who_went_off_and_the_exit_status_follows(self):
        self.assertTrue(self.lines, "the console is empty")
        self.assertEqual(self.lines[-1], f"[bulkhead] off: {SENSOR}=0")
        self.assertEqual(self.status, 0)

    def test_every_line_says_who_speaks(self):
        strangers = [line for line in self.lines if not re.match(r"\[[^\]\s]+\] ", line)]
        self.assertEqual(strangers, [])


if __name__ == "__main__":
    unittest.main()
