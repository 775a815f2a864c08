# SPDX-License-Identifier: Apache-2.0
"""`make test` adds up its parts (tests/run.py): what a part says, and what it does not.

A shell script stands in for make, so that each ending can be had at will.
"""
import contextlib
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import time
import unittest
import unittest.mock

import harness
import processes
import runtests

FOLDER = os.path.dirname(os.path.abspath(__file__))
PATH = os.path.join(harness.ROOT, "tests", "run.py")


class Parts(unittest.TestCase):
    """One part, shown as it comes and in one piece."""

    def setUp(self):
        spec = importlib.util.spec_from_file_location("parts", PATH)
        self.parts = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.parts)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.make = os.path.join(folder.name, "make")
        path = folder.name + os.pathsep + os.environ["PATH"]
        self.enterContext(unittest.mock.patch.dict(os.environ, PATH=path))

    def count(self, script):
        """[(passed, failed), ...] of both ways to run it, and all that was shown."""
        with open(self.make, "w", encoding="utf-8") as out:
            out.write(f"#!/bin/sh\n{script}\n")
        os.chmod(self.make, 0o755)
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            counts = [self.parts.run_part("part"),
                      self.parts.timed("part", self.parts.run_quiet_part, "part")]
        return counts, shown.getvalue()

    def assert_counted(self, script, passed, failed):
        counts, shown = self.count(script)
        self.assertEqual(counts, [(passed, failed)] * 2, shown)
        return shown

    def test_the_closing_line_is_what_counts(self):
        self.assert_counted("echo '3 passed, 0 failed'", 3, 0)
        self.assert_counted("echo '3 passed, 2 failed'; exit 1", 3, 2)

    def test_a_part_that_fails_without_saying_so_counts_as_one_failed_test(self):
        self.assert_counted("echo '3 passed, 0 failed'; exit 2", 3, 1)
        self.assert_counted("echo 'nothing to add up'", 0, 1)

    def test_what_failed_is_named_at_the_end(self):
        with open(self.make, "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\nfor part; do :; done\n"
                      "case $part in\n"
                      "  named) echo 'FAILED a.test: why'; echo '3 passed, 1 failed';;\n"
                      "  mute) echo '1 passed, 2 failed';;\n"
                      "  good) echo '5 passed, 0 failed';;\n"
                      "esac\n")
        os.chmod(self.make, 0o755)
        for options in ([], ["--programs", "--parts"]):
            done = subprocess.run([sys.executable, PATH, *options, "named", "good", "mute"],
                                  capture_output=True, text=True, timeout=processes.LIMIT, check=False)
            said = done.stdout.splitlines()
            name = "make mute" if options else "mute"
            self.assertEqual(said[-3:], ["FAILED a.test: why", f"FAILED {name}: 2 failed",
                                         "9 passed, 3 failed"], done.stdout + done.stderr)
            self.assertEqual(done.stdout.count("a.test"), 1, done.stdout)
            self.assertEqual(done.returncode, 1)

    def assert_ended(self, script):
        """It counts as failed, and neither it nor what it started is left."""
        place = os.path.join(os.path.dirname(self.make), "number")
        self.parts.PART_SECONDS = 0.5
        began = time.monotonic()
        shown = self.assert_counted(script.replace("PLACE", place), 0, 1)
        self.assertLess(time.monotonic() - began, 30, "it was waited for")
        self.assertEqual(shown.count("did not end within 0.5 s"), 2, shown)
        with open(place, encoding="utf-8") as file:
            number = int(file.read())
        self.assertFalse(os.path.exists(f"/proc/{number}"), "what it had started is still there")

    def test_a_part_that_hangs_is_ended_with_what_it_started(self):
        self.assert_ended("sleep 60 & echo $! > PLACE; wait")

    def test_a_part_that_does_not_heed_the_request_is_ended_all_the_same(self):
        self.parts.GRACE = 0.5
        self.assert_ended("trap '' TERM; echo $$ > PLACE; while :; do sleep 0.2; done")

    def test_what_a_part_leaves_behind_is_ended(self):
        self.parts.GRACE = 0.5
        began = time.monotonic()
        self.assert_counted("sleep 60 & echo '1 passed, 0 failed'", 1, 0)
        self.assertLess(time.monotonic() - began, 30, "it was waited for")


class Why(unittest.TestCase):
    """What is said at the end of a test that failed is what was wrong, and not the end of a console."""

    def why(self, test):
        lines = runtests.Lines()
        with contextlib.redirect_stdout(io.StringIO()):
            runtests.run_class([unittest.FunctionTestCase(test)], lines)
        return lines.rows[0].get("why")

    def test_it_is_the_first_line_of_the_exception(self):
        def broken():
            error = AssertionError("what was wrong\nin full")
            error.add_note("--- console ---\n--- end ---")
            raise error
        self.assertEqual(self.why(broken), "AssertionError: what was wrong")

    def test_a_skip_is_a_failure_and_says_so(self):
        def skipped():
            raise unittest.SkipTest("no device")
        self.assertEqual(self.why(skipped), "skipped, which counts as failed: no device")

    def test_a_test_that_passed_has_none(self):
        self.assertIsNone(self.why(lambda: None))


class Killed(unittest.TestCase):
    """Whoever ends the tests ends what they have started."""

    PROGRAM = """
import signal, sys, time
sys.path.insert(0, sys.argv[1])
import harness
signal.signal(signal.SIGTERM, signal.default_int_handler)
machine = harness.Machine(held=True)
print(machine.process.pid, flush=True)
time.sleep(60)
"""

    def test_a_machine_does_not_outlive_the_tests(self):
        process = processes.start(self, [sys.executable, "-c", self.PROGRAM, FOLDER],
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        machine = int(processes.read_until(process.stdout.fileno(), b"\n"))
        self.assertTrue(os.path.exists(f"/proc/{machine}"))
        processes.end(process)
        self.assertFalse(os.path.exists(f"/proc/{machine}"), "the machine is still on")


if __name__ == "__main__":
    unittest.main()
