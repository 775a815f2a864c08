#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run the system tests: every test_*.py of this folder, or those whose name holds a filter word.

    runtests.py [--list] [word ...]

One line a test with its time, what failed in full below; at the end a line for each that failed, and
`N passed, N failed`.
There are no skips: a test that cannot run has failed. build/tests/system.json keeps the results.
"""
import argparse
import json
import os
import signal
import sys
import time
import unittest

import harness

FOLDER = os.path.dirname(os.path.abspath(__file__))
WIDTH = 96
TESTED = "passed"


def sentence(test):
    """test_dma_is_blocked -> dma is blocked"""
    name = getattr(test, "_testMethodName", str(test))
    return name.removeprefix("test_").replace("_", " ")


def place(test):
    """The name that a filter word is looked up in: file.Class.method."""
    return f"{type(test).__module__}.{type(test).__name__}.{getattr(test, '_testMethodName', test)}"


class Lines(unittest.TestResult):
    """Prints one line a test; the time includes what the class set up for its first test."""

    def __init__(self):
        super().__init__()
        self.rows, self._last = [], time.monotonic()
        self._ended = None  # the last test that came to its end
        self._why = ""  # the first line of what went wrong last

    def begin_class(self):
        self._last = time.monotonic()

    def note(self, test, outcome, detail=""):
        now = time.monotonic()
        seconds, self._last = now - self._last, now
        self.rows.append({"test": place(test), "outcome": outcome, "seconds": round(seconds, 3),
                          "notes": list(getattr(test, "notes", ()))})
        if outcome != TESTED:
            self.rows[-1]["why"] = self._why or detail.partition("\n")[0]
            self._why = ""
        group = type(test).__module__.removeprefix("test_").replace("_", " ")
        text = f"{group}: {sentence(test)}"
        print(f"  {text:<{WIDTH}} {outcome:<6} {seconds:7.2f} s", flush=True)
        for note in getattr(test, "notes", ()):
            print("\n".join(f"      {line}" for line in note.splitlines()), flush=True)
        if detail:
            print("\n".join(f"    | {line}" for line in detail.splitlines()), flush=True)

    def _keep_why(self, error):
        """Of the exception: the text of a failure may end with the consoles of its machines."""
        kind, what, _ = error
        self._why = f"{kind.__name__}: {str(what).partition(chr(10))[0]}"

    def addError(self, test, err):  # noqa: N802 (a name of unittest)
        super().addError(test, err)
        self._keep_why(err)

    def addFailure(self, test, err):  # noqa: N802 (a name of unittest)
        super().addFailure(test, err)
        self._keep_why(err)

    def addSubTest(self, test, subtest, err):  # noqa: N802 (a name of unittest)
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._keep_why(err)

    def addSuccess(self, test):  # noqa: N802 (a name of unittest)
        super().addSuccess(test)
        self._ended = test

    def stopTest(self, test):  # noqa: N802 (a name of unittest)
        """Only here is it known that nothing else went wrong, clean-up included."""
        bad = [text for found, text in self.failures + self.errors if self._concerns(found, test)]
        bad += [f"skipped, which counts as failed: {why}" for found, why in self.skipped
                if found is test]
        if not bad and self._ended is not test:
            bad = ["it was interrupted"]
        self.note(test, "FAILED" if bad else TESTED, "\n".join(bad))
        super().stopTest(test)

    @staticmethod
    def _concerns(found, test):
        return found is test or getattr(found, "test_case", None) is test  # that of a subTest

    def class_failure(self):
        """Why setUpClass failed, if it did."""
        return "\n".join(text for test, text in self.errors
                         if not isinstance(test, unittest.TestCase))


def flatten(suite):
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


def by_class(tests):
    """{class: [tests]} in the order of loading."""
    classes = {}
    for test in tests:
        classes.setdefault(type(test), []).append(test)
    return classes


def run_class(tests, lines):
    """Run the tests of one class; those that its setUpClass kept from running fail."""
    lines.begin_class()
    before = len(lines.rows)
    lines.errors.clear()
    unittest.TestSuite(tests).run(lines)
    reported = {row["test"] for row in lines.rows[before:]}
    why = lines.class_failure()
    for test in tests:
        if place(test) not in reported:
            lines.note(test, "FAILED", why or "it did not run")
            why = "its class could not be set up, see above"


def save(rows):
    os.makedirs(harness.RESULTS, exist_ok=True)
    with open(os.path.join(harness.RESULTS, "system.json"), "w", encoding="utf-8") as out:
        json.dump({"tests": rows}, out, indent=1)
        out.write("\n")


def main():
    parser = argparse.ArgumentParser(description="Run the system tests.")
    parser.add_argument("--list", action="store_true", help="print the names, run nothing")
    parser.add_argument("words", nargs="*", help="run tests whose name holds one of these")
    arguments = parser.parse_args()
    sys.path.insert(0, FOLDER)
    tests = list(flatten(unittest.TestLoader().discover(FOLDER, "test_*.py")))
    if arguments.words:
        tests = [test for test in tests if any(word in place(test) for word in arguments.words)]
    if arguments.list:
        print("\n".join(place(test) for test in tests))
        return 0
    lines = Lines()
    for group in by_class(tests).values():
        run_class(group, lines)
    save(lines.rows)
    passed = sum(row["outcome"] == TESTED for row in lines.rows)
    failed = len(lines.rows) - passed
    for row in lines.rows:
        if "why" in row:
            print(f"FAILED {row['test']}: {row['why']}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    # A plain kill takes the way of Ctrl-C, so that no machine is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
