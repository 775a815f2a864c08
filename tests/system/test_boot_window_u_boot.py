# SPDX-License-Identifier: Apache-2.0
"""Invariant I2 through U-Boot, which leaves its disk running: what could master lands until one
instruction of the image, never later, and a partition gets the disk afterwards.

live_window.py says how it is measured.
"""
import os
import unittest

import harness
import live_window
import scenario
import u_boot
from boot_window import GOAL, SMMU_GBPA, Survey, Write
from dma_probe import DEVICES
from harness import require
from live_window import DiskProbe, LiveReport, Log
from scenario import Run, make_bundle, source_of
from u_boot import TAKES_THE_DISK, UBootTest


def guest_entry():
    """Where the partition's program starts: guest-physical, from its ELF header."""
    with open(os.path.join(require(scenario.PAYLOADS, "make guests"), "probe.elf"), "rb") as file:
        return int.from_bytes(file.read(32)[24:32], "little")


class BootWindowThroughUBoot(UBootTest):
    """The measurement and the rest of that run happen once; the tests read them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bundle = make_bundle(cls.folder, source_of([TAKES_THE_DISK]))
        disk = u_boot.disk_for(cls.folder, bundle, u_boot.BY_BOOTI)
        log = Log(os.path.join(cls.folder, "trace"))
        machine = cls.watch(cls.launch(None, *u_boot.options(disk), *DEVICES, "-smp", "1",
                                       *log.options(), image=None, held=True,
                                       ways=("qmp", "qtest", "gdb")))
        cls.report = live_window.measure(machine, log, guest_entry())
        machine.gdb.resume()
        cls.run_after = Run(machine)
        harness.save_result("boot-window-u-boot", cls.report.data())

    def test_dma_lands_until_one_instruction_below_the_goal_and_never_again(self):
        self.note(self.report.table())
        self.assertEqual(self.report.mistakes(), [])

    def test_the_closing_instruction_writes_gbpa_abort(self):
        self.assertRegex(self.report.closing_write(), "^GBPA ")

    def test_the_disk_that_u_boot_left_live_is_what_was_blocked(self):
        disk = self.report.steps[DiskProbe.name]
        self.assertTrue(disk[0], "by the queue that U-Boot made, nothing landed at entry")
        self.assertFalse(disk[max(disk)])
        self.assertEqual(self.report.commands[self.report.closed()] & 6, 6, "COMMAND, then")

    def test_a_partition_gets_the_disk_reset_and_working(self):
        self.assertEqual(self.run_after.codes, {"nvme": 0})
        self.assert_checks_hold(self.run_after, "nvme")


class Verdict(unittest.TestCase):
    """The measurement can fail: what it must object to, from made-up shots."""

    LAST, CLOSING = 300, 100

    def report(self, until=CLOSING, later=(False, False), command=6, refused=None, **devices):
        survey = Survey(entry=0, entry_address=live_window.ENTRY,
                        writes=[Write(self.CLOSING, SMMU_GBPA, 0x80100000)])
        landing = {"device": until, DiskProbe.name: until, **devices}
        steps = {name: {stop: stop < end for stop in range(self.LAST + 1)}
                 for name, end in landing.items()}
        tries = self.LAST + 1 - self.CLOSING + len(later)
        return LiveReport({"device": [True]}, survey, steps,
                          {stop: command for stop in range(self.LAST + 1)},
                          {name: list(later) for name in landing},
                          tries if refused is None else refused)

    def assert_objects(self, report, text):
        self.assertRegex(" ".join(report.mistakes()), text)

    def test_a_window_that_closes_for_all_at_the_write_is_right(self):
        self.assertEqual(self.report().mistakes(), [])
        self.assertEqual(self.report().closed(), self.CLOSING)

    def test_a_device_that_lands_one_instruction_longer_is_a_mistake(self):
        self.assert_objects(self.report(other=self.CLOSING + 1), "by its registers")

    def test_a_device_that_is_never_blocked_is_a_mistake(self):
        self.assert_objects(self.report(other=self.LAST + 1), "still writes")

    def test_a_landing_behind_the_window_is_a_mistake(self):
        self.assert_objects(self.report(later=(False, True)), "1 of 2 shots landed")

    def test_a_device_that_was_blocked_before_is_no_evidence(self):
        self.assert_objects(self.report(other=self.CLOSING - 2), "before the window closed")
        report = self.report()
        report.before["device"] = [True, False]
        self.assert_objects(report, "before the image was entered")

    def test_a_disk_that_was_off_at_the_closing_is_no_evidence(self):
        self.assert_objects(self.report(command=2), "not live")

    def test_a_disk_that_did_not_try_is_no_evidence(self):
        self.assert_objects(self.report(refused=0), "tried 0 times")

    def test_a_window_longer_than_the_goal_is_a_mistake(self):
        survey = Survey(entry=0, writes=[Write(GOAL, SMMU_GBPA, 0x80100000)])
        steps = {"device": {0: True, GOAL - 1: True, GOAL: False}}
        self.assert_objects(LiveReport({}, survey, steps), "the goal is below")


if __name__ == "__main__":
    unittest.main()
