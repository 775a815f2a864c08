#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run parts of the tests and add up what they say.

    run.py part ...        parts are make targets, each closing with `N passed, N failed`
    run.py --programs p..  test programs that use cmocka; prints a line a group
    run.py --programs p.. --parts part ...   both

A part that fails without such a line, or prints none, counts as one failed test.
"""
import re
import subprocess
import sys
import time

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$")
LINTED = re.compile(r"^lint: \d+ files, (\d+) findings$")


def run_part(part):
    """The part's output passes through as it comes; its closing line is kept back."""
    print(f"== {part}", flush=True)
    start = time.monotonic()
    passed, failed, closing = 0, 0, None
    linted = None
    process = subprocess.Popen(["make", "--no-print-directory", part], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    for line in process.stdout:
        found = CLOSING.match(line.rstrip("\n"))
        linted = LINTED.match(line) or linted
        if found:
            closing = found
        else:
            print(line, end="", flush=True)
    status = process.wait()
    if closing:
        passed, failed = int(closing[1]), int(closing[2])
    elif linted:
        passed, failed = int(status == 0), int(linted[1] != "0")
    if (not closing and not linted) or (status != 0 and failed == 0):
        failed += 1
    print(f"== {part}: {passed} passed, {failed} failed, {time.monotonic() - start:.0f} s\n",
          flush=True)
    return passed, failed


def run_program(path):
    """One test program: a line a group, and all of its output if it failed."""
    start = time.monotonic()
    result = subprocess.run([path], capture_output=True, text=True, errors="replace", timeout=600)
    output = result.stdout + result.stderr
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    failed = len(set(re.findall(r"^\[  FAILED  \] (\S+)$", output, re.M)))
    if result.returncode != 0 and failed == 0:
        failed = 1
    if passed == 0 and failed == 0:
        failed = 1
    print(f"  {path:<60} {passed:>5} passed {failed:>4} failed {time.monotonic() - start:7.2f} s")
    if failed:
        print("\n".join(f"    | {line}" for line in output.splitlines()
                        if not re.match(r"^\[( RUN      |       OK )\]", line)))
    return passed, failed


def main():
    arguments = sys.argv[1:]
    parts = arguments
    results = []
    if arguments[:1] == ["--programs"]:
        behind = arguments.index("--parts") if "--parts" in arguments else len(arguments)
        results = [run_program(path) for path in arguments[1:behind]]
        parts = arguments[behind + 1:]
    results += [run_part(part) for part in parts]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
