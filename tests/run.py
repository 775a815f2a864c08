#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run parts of the tests and add up what they say.

    run.py part ...                         make targets, each closing with `N passed, N failed`
    run.py --programs p.. [--parts part..]  test programs that use cmocka, and make targets whose
                                            programs are built: side by side, in one piece each

A part that fails without such a line, or prints none, counts as one failed test.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import time

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$")
PROGRAM_SECONDS = 1800  # far beyond what any takes; a test has a limit of its own
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
    """One test program, quietly: what it did in one line, and all of its output if it failed."""
    try:
        result = subprocess.run([path], capture_output=True, text=True, errors="replace",
                                timeout=PROGRAM_SECONDS)
    except subprocess.TimeoutExpired:
        return 0, 1, [f"did not end within {PROGRAM_SECONDS} s"]
    output = result.stdout + result.stderr
    passed = len(re.findall(r"^\[       OK \] ", output, re.M))
    failed = len(set(re.findall(r"^\[  FAILED  \] (\S+)$", output, re.M)))
    if (result.returncode != 0 and failed == 0) or (passed == 0 and failed == 0):
        failed = 1
    lines = [line for line in output.splitlines()
             if failed and not re.match(r"^\[( RUN      |       OK )\]", line)]
    return passed, failed, lines


def run_quiet_part(part):
    """One make target, quietly: its output is short, and shown whole."""
    result = subprocess.run(["make", "--no-print-directory", part], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, errors="replace")
    passed, failed, lines = 0, 0, []
    for line in result.stdout.splitlines():
        closing = CLOSING.match(line)
        if closing:
            passed, failed = int(closing[1]), int(closing[2])
        else:
            lines.append(line)
    if (result.returncode != 0 and failed == 0) or (passed == 0 and failed == 0):
        failed = 1
    return passed, failed, lines


def timed(name, run, argument):
    """Runs it and shows in one piece what it did, so that two can run side by side."""
    start = time.monotonic()
    passed, failed, lines = run(argument)
    head = f"  {name:<40} {passed:>5} passed {failed:>4} failed {time.monotonic() - start:6.0f} s"
    print("\n".join([head] + [f"    | {line}" for line in lines]), flush=True)
    return passed, failed


def run_side_by_side(programs, parts):
    """Programs and make targets that are built already, as many at a time as there are CPUs."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [pool.submit(timed, "make " + part, run_quiet_part, part) for part in parts]
        running += [pool.submit(timed, path, run_program, path) for path in programs]
        return [run.result() for run in running]


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--programs"]:
        behind = arguments.index("--parts") if "--parts" in arguments else len(arguments)
        results = run_side_by_side(arguments[1:behind], arguments[behind + 1:])
    else:
        results = [run_part(part) for part in arguments]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
