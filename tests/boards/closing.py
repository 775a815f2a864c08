# SPDX-License-Identifier: Apache-2.0
"""Runs a suite of unittest and closes as all parts of the tests do."""
import unittest


def close_with(suite):
    """The exit status; the last line is `N passed, N failed`."""
    result = unittest.TextTestRunner(verbosity=0).run(suite)
    # Of a test that goes through several cases each that failed is told; the test counts once.
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 0 if result.testsRun and not failed else 1
