# SPDX-License-Identifier: Apache-2.0
"""The demo of `make run`, one test for each thing that it shows.

Three partitions run side by side: sensor, whose attempts are looked at here one by one, rogue
(test_rogue) and legacy (test_legacy). It runs twice. Once through the tool that `make run` uses: its
table, the hypervisor's fault records and the exit status are read. Once with a witness outside: the
words that the device was told to overwrite are read through the physical bus, before the first
attempt and after the last.

*Blocked* means all of these: the table says so where it was expected, a fault record names device,
partition, cause, access and address, the memory is as it was, and the same transfer lands when it
is mapped. *Silent* stands where bus mastering is off, too, so that nothing is left to record.
"""
import re
import subprocess
import sys
import unittest

import harness
from harness import Machine, SystemTest, require
from table import payload_lines, read_faults, read_table

RUN = [sys.executable, f"{harness.ROOT}/tools/run/run.py", "--board", harness.BOARD_FOLDER]
TIME_LIMIT = 100
SENSOR, DEVICE = "sensor", "0000:01:00.0"
OWNERS = {DEVICE: SENSOR, "0000:02:00.0": "rogue", "0000:03:00.0": "legacy"}
RESULTS = {SENSOR: 10, "rogue": 20, "legacy": 12}  # attempts
WITNESS_BYTES = 64


def run_tool():
    """The demo as `make run` runs it."""
    command = [*RUN, "--image", require(harness.IMAGE), "--bundle", require(harness.DEMO),
               "--timeout", str(TIME_LIMIT)]
    done = subprocess.run(command, capture_output=True, timeout=TIME_LIMIT + 20, check=False,
                          encoding="utf-8", errors="replace")
    return command, done


def run_with_witness(addresses):
    """The demo again; returns {address: (bytes before the first attempt, bytes after the last)}."""
    with Machine(bundle=harness.DEMO, extra=["-action", "shutdown=pause"],
                 ways=("qmp", "qtest"), board=harness.BOARD_FOLDER) as machine:
        machine.console.wait_for(rf"^\[{SENSOR}\] ", TIME_LIMIT)
        before = [machine.qtest.read(address, WITNESS_BYTES) for address in addresses]
        machine.console.wait_for(r"^\[bulkhead\] off: ", TIME_LIMIT)
        after = [machine.qtest.read(address, WITNESS_BYTES) for address in addresses]
    return dict(zip(addresses, zip(before, after)))


class Demo(SystemTest):
    """The tests read what the two runs left."""

    @classmethod
    def setUpClass(cls):
        cls.command, done = run_tool()
        cls.status, cls.output, cls.errors = done.returncode, done.stdout, done.stderr
        cls.lines = cls.output.split("\n")[:-1]
        cls.rows = read_table(payload_lines(cls.lines, SENSOR))
        cls.faults = read_faults(cls.lines)
        cls.watch(cls)
        cls.witness = run_with_witness(sorted({int(fault["iova"], 16) for fault in cls.faults
                                               if fault.get("partition") == SENSOR}))

    @classmethod
    def report(cls):
        return (f"--- command line ---\n{' '.join(cls.command)}\n--- console ---\n{cls.output}"
                f"--- standard error ---\n{cls.errors}--- end, status {cls.status} ---")

    def row(self, attempt):
        found = [row for row in self.rows if re.search(attempt, row.attempt)]
        self.assertEqual(len(found), 1, f"rows like {attempt!r} among "
                                        f"{[str(row) for row in self.rows]}")
        return found[0]

    def assert_outcome(self, attempt, outcome):
        row = self.row(attempt)
        self.assertEqual((row.expected, row.seen), (outcome, outcome), str(row))
        return row

    def assert_blocked(self, attempt, cause="translation", access="w"):
        """Blocked, and the hypervisor's own record says what the table's proof says."""
        row = self.assert_outcome(attempt, "blocked")
        proof = re.fullmatch(r"(\w+) ([rw]) (0x[0-9a-f]+)", row.proof)
        self.assertIsNotNone(proof, f"no cause, access and address in {row}")
        self.assertEqual(proof.groups()[:2], (cause, access), str(row))
        fault = {"device": DEVICE, "partition": SENSOR, "cause": cause, "access": access,
                 "iova": proof.group(3)}
        self.assertIn(fault, self.faults)
        return int(proof.group(3), 16)

    def assert_untouched(self, address):
        before, after = self.witness[address]
        self.assertNotEqual(before, bytes(WITNESS_BYTES), "nothing stands there: a blind witness")
        self.assertEqual(before, after, f"memory at {address:#x} changed")

    def test_row_2_9_a_block_copied_through_the_device_inside_own_memory_lands(self):
        self.assert_outcome("^copy a block", "lands")

    def test_dma_to_a_page_that_was_not_mapped_is_blocked(self):
        self.assert_blocked("did not map")

    def test_row_2_8_the_same_transfer_lands_once_the_page_is_mapped(self):
        self.assert_outcome("^the same write, after map$", "lands")

    def test_row_2_11_the_same_transfer_is_blocked_after_unmap(self):
        unmapped = self.assert_blocked("^the same write, after unmap$")
        self.assertEqual(unmapped, self.assert_blocked("did not map"))

    def test_dma_against_the_permission_of_the_map_is_blocked(self):
        self.assert_blocked("may only read", cause="permission")

    def test_a_write_to_the_image_of_the_hypervisor_is_blocked(self):
        self.assert_untouched(self.assert_blocked("^write to the image"))

    def test_a_read_of_the_image_of_the_hypervisor_is_blocked(self):
        self.assert_blocked("^read of Bulkhead", access="r")

    def test_a_write_to_the_stream_table_is_blocked(self):
        self.assert_untouched(self.assert_blocked("stream table"))

    def test_nothing_comes_through_after_detach(self):
        self.assert_outcome("after detach", "silent")

    def test_row_1_9_row_3_20_nothing_comes_through_after_unbind(self):
        self.assert_outcome("unbind", "silent")

    def test_row_2_15_row_5_1_no_attempt_surprises_and_none_is_missing(self):
        self.assertGreaterEqual(len(self.rows), 10)
        self.assertEqual([str(row) for row in self.rows if row.expected != row.seen], [])

    def test_each_fault_names_device_partition_cause_access_and_address(self):
        self.assertTrue(self.faults, "no line `[bulkhead] fault: ...`")
        for fault in self.faults:
            self.assertIn(fault.get("device"), OWNERS)
            self.assertEqual(fault.get("partition"), OWNERS[fault["device"]])
            self.assertIn(fault.get("access"), ("r", "w"))
            self.assertRegex(fault.get("cause", ""), r"^[a-z-]+$")
            self.assertRegex(fault.get("iova", ""), r"^0x[0-9a-f]+$")

    def test_no_fault_is_there_that_no_attempt_explains(self):
        """Of sensor and rogue; the controller of legacy goes on from page to page."""
        tables = [read_table(payload_lines(self.lines, name)) for name in (SENSOR, "rogue")]
        explained = {row.proof.split(",")[0] for table in tables for row in table}
        seen = [f"{fault['cause']} {fault['access']} {fault['iova']}" for fault in self.faults
                if fault["partition"] != "legacy"]
        self.assertEqual([fault for fault in seen if fault not in explained], [])

    def test_row_5_8_the_last_line_says_who_went_off_and_the_exit_status_follows(self):
        self.assertEqual(self.lines[-1:], ["[bulkhead] off: sensor=0 rogue=0 legacy=0"])
        self.assertEqual(self.status, 0)

    def test_each_partition_says_that_nothing_surprised_it(self):
        for name, attempts in RESULTS.items():
            self.assertIn(f"result: {attempts} attempts, 0 surprises",
                          payload_lines(self.lines, name))

    def test_every_line_says_who_speaks(self):
        strangers = [line for line in self.lines if not re.match(r"\[[^\]\s]+\]( |$)", line)]
        self.assertEqual(strangers, [])

    def test_nothing_is_said_on_standard_error(self):
        self.assertEqual(self.errors, "")


if __name__ == "__main__":
    unittest.main()
