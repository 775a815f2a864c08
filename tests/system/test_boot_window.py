# SPDX-License-Identifier: Apache-2.0
"""Invariant I2 on the image that ships: DMA lands from reset until one instruction, never later.

Two starts are measured, side by side: as QEMU boots the image, with the SMMU off and open; and
after a loader that leaves the SMMU on, translating, and its caches filled. boot_window.py says how.
"""
import concurrent.futures
import os
import random
import re
import tempfile
import unittest
import unittest.mock

import boot_window
import dma_probe
import harness
from boot_window import GOAL, Report, Survey, Write
from dma_probe import Probe
from harness import HarnessError, SystemTest, require
from replay import Scenario

LOADER = os.path.join(harness.BUILD, "tests", "loader.bin")
LOADER_MAKE = os.path.join(harness.ROOT, "tests", "system", "loader.mk")


def loader_next():
    """Where the loader jumps: the address that it was built for."""
    with open(LOADER_MAKE, encoding="utf-8") as text:
        return int(re.search(r"^LOADER_NEXT := (0x[0-9a-f]+)$", text.read(), re.M).group(1), 16)


def scenarios():
    image, bundle = require(harness.IMAGE), require(harness.BUNDLE)
    after = ("-device", f"loader,file={image},addr={loader_next():#x},force-raw=on")
    return (Scenario("SMMU off at entry", image, bundle),
            Scenario("SMMU left on by a loader", require(LOADER), bundle, after, loader_next()))


def measure(scenario):
    with tempfile.TemporaryDirectory() as folder:
        return boot_window.measure(scenario, folder)


class BootWindow(SystemTest):
    """Both measurements run once, at the same time; the tests read them."""

    @classmethod
    def setUpClass(cls):
        cls.scenarios = scenarios()
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            cls.off, cls.on = pool.map(measure, cls.scenarios)
        harness.save_result("boot-window", [cls.off.data(), cls.on.data()])

    def assert_window(self, report):
        self.note(report.table())
        self.assertEqual(report.mistakes(), [])

    def assert_closed_by_registers(self, report):
        """What the devices saw is what the registers say: no other thing has closed the unit."""
        self.assertEqual(report.closed(), report.survey.closing())

    def test_row_5_6_dma_lands_in_one_interval_that_closes_below_the_goal(self):
        self.assert_window(self.off)

    def test_with_the_smmu_left_on_dma_lands_in_one_interval_that_closes_below_the_goal(self):
        self.assert_window(self.on)

    def test_the_closing_instruction_writes_gbpa_abort(self):
        self.assert_closed_by_registers(self.off)
        self.assertRegex(self.off.closing_write(), "^GBPA ")

    def test_with_the_smmu_left_on_the_closing_instruction_writes_smmuen_0(self):
        self.assert_closed_by_registers(self.on)
        self.assertRegex(self.on.closing_write(), "^CR0 ")

    def test_until_then_nothing_but_the_stack_is_stored_to(self):
        for report in (self.off, self.on):
            with self.subTest(report.scenario):
                self.assertIsNotNone(report.stores, "the unit never closed")
                self.assertGreater(report.stores.seen, 0, "the memory file shows nothing")
                outside = [hex(address) for address in report.stores.outside_stack()]
                self.assertEqual(outside, [])

    def test_two_processors_make_no_difference(self):
        survey = self.off.survey
        self.assertIsNotNone(survey.closing(), "the unit never closed")
        both = boot_window.probe_two_processors(self.scenarios[0], survey, survey.guest_address)
        self.note(f"{len(both.stepped)} shots around the closing, {len(both.timed)} at random "
                  f"moments until the first guest instruction")
        self.assertEqual(both.mistakes(self.off.closed()), [])


class Verdict(unittest.TestCase):
    """The measurement can fail: what it must object to, from made-up shots."""

    def report(self, landed, guest=9000, entry=6):
        shots = {stop: any(first <= stop <= last for first, last in landed)
                 for stop in range(guest + 1)}
        return Report("made up", Survey(entry, 0x40200000, guest), {"device": shots}, 0, 0)

    def test_one_short_window_is_right(self):
        report = self.report([(0, 1000)])
        self.assertEqual(report.mistakes(), [])
        self.assertEqual(report.closed(), 1001)

    def test_a_second_opening_of_one_instruction_is_a_mistake(self):
        report = self.report([(0, 1000), (7000, 7000)])
        self.assertRegex(" ".join(report.mistakes()), "opened again")

    def test_a_window_longer_than_the_goal_is_a_mistake(self):
        self.assertRegex(" ".join(self.report([(0, 6 + GOAL)]).mistakes()), "the goal is below")

    def test_a_window_still_open_at_the_first_guest_instruction_is_a_mistake(self):
        self.assertRegex(" ".join(self.report([(0, 9000)]).mistakes()), "still open")

    def test_a_device_that_never_lands_proves_nothing(self):
        self.assertRegex(" ".join(self.report([]).mistakes()), "never landed")

    def test_what_came_through_to_elsewhere_counts_as_landed(self):
        self.assertTrue(Probe.judge(Probe.ELSEWHERE, dma_probe.INTACT))

    def test_a_changed_witness_counts_as_landed_whatever_the_device_says(self):
        self.assertTrue(Probe.judge(Probe.FAILED, dma_probe.PATTERN))

    def test_a_device_that_did_not_try_is_no_evidence(self):
        with self.assertRaises(HarnessError):
            Probe.judge(0xDEAD0005, dma_probe.INTACT)

    def test_shots_that_end_before_a_guest_instruction_are_no_evidence(self):
        stub = unittest.mock.MagicMock()
        stub.exception_level.return_value = 2
        with self.assertRaisesRegex(HarnessError, "no guest instruction came in 3 stops"):
            boot_window.shoot_until_guest(stub, (), 0x40000000, random.Random(1), stops=3)

    def test_registers_close_when_abort_is_set_and_translation_is_off(self):
        survey = Survey(entry=6, guest=9000, writes=[
            Write(4, 0x20, 0xD), Write(10, 0x44, 0x80100000), Write(20, 0x20, 0)])
        self.assertEqual(survey.closing(), 20)


if __name__ == "__main__":
    unittest.main()
