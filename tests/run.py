#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run parts of the tests and add up what they say.

    run.py part ...                         make targets, each closing with `N passed, N failed`
    run.py --programs p.. [--parts part..]  test programs that use cmocka, and make targets whose
                                            programs are built: side by side, in one piece each

A part that fails without such a line, or prints none, counts as one failed test, and so does one that
has to be ended because it takes too long. A line `FAILED name: why` of a part is said again at the end,
where whoever has only the end of a long log looks for it; a part that failed without one is named itself.
"""
import concurrent.futures
import os
import re
import signal
import subprocess
import sys
import threading
import time

CLOSING = re.compile(r"^(\d+) passed, (\d+) failed$")
PROGRAM_SECONDS = 1800  # far beyond what any takes; a test has a limit of its own
PART_SECONDS = 4 * 3600  # as far beyond; one that hangs must not keep the others from being seen
GRACE = 60  # seconds to end what it has started itself
FAILED = re.compile(r"^FAILED (.+)$")
RUNNING = set()  # make processes
FAILURES = []  # what is said again at the end
LINTED = re.compile(r"^lint: \d+ files, (\d+) findings$")


def run_make(part, show):
    """The exit status of one make target; `show` gets its lines as they come.

    A process that it left behind may hold its output open, which is no reason to wait.
    """
    process = subprocess.Popen(["make", "--no-print-directory", part], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace",
                               start_new_session=True)
    RUNNING.add(process)
    reader = threading.Thread(target=lambda: [show(line.rstrip("\n")) for line in process.stdout],
                              daemon=True)
    reader.start()
    try:
        return process.wait(PART_SECONDS)
    except subprocess.TimeoutExpired:
        show(f"did not end within {PART_SECONDS} s")
        return None
    finally:
        end(process)
        RUNNING.discard(process)
        reader.join(GRACE)


def signal_all(process, number):
    """A signal to a process and what it has started, but for what went into a session of its own."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        pass


def end(process):
    """Ends what is left of it. By request at first: tests end machines then, this program its parts."""
    signal_all(process, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and has_group(process):
        time.sleep(0.05)
    signal_all(process, signal.SIGKILL)
    process.wait()


def has_group(process):
    """Whether it, or anything of what it started, is still there."""
    process.poll()
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return False
    return True


def remember(part, failed, lines):
    """Keeps what failed of a part for the end."""
    named = [found[1] for found in map(FAILED.match, lines) if found]
    FAILURES.extend(named if named or not failed else [f"{part}: {failed} failed"])


def run_part(part):
    """The part's output passes through as it comes; its closing line is kept back."""
    print(f"== {part}", flush=True)
    start = time.monotonic()
    passed, failed, closing = 0, 0, None
    linted, named = None, []

    def show(line):
        nonlocal closing, linted
        found = CLOSING.match(line)
        if FAILED.match(line):
            named.append(line)
            return
        linted = LINTED.match(line) or linted
        closing = found or closing
        if not found:
            print(line, flush=True)

    status = run_make(part, show)
    if closing:
        passed, failed = int(closing[1]), int(closing[2])
    elif linted:
        passed, failed = int(status == 0), int(linted[1] != "0")
    if (not closing and not linted) or (status != 0 and failed == 0):
        failed += 1
    remember(part, failed, named)
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
    names = sorted(set(re.findall(r"^\[  FAILED  \] (\S+)$", output, re.M)))
    failed = len(names)
    if (result.returncode != 0 and failed == 0) or (passed == 0 and failed == 0):
        failed = 1
    lines = [line for line in output.splitlines()
             if failed and not re.match(r"^\[( RUN      |       OK )\]", line)]
    lines += [f"FAILED {os.path.relpath(path)}: {name}" for name in names]
    return passed, failed, lines


def run_quiet_part(part):
    """One make target, quietly: its output is short, and shown whole."""
    output = []
    status = run_make(part, output.append)
    passed, failed, lines = 0, 0, []
    for line in list(output):
        closing = CLOSING.match(line)
        if closing:
            passed, failed = int(closing[1]), int(closing[2])
        else:
            lines.append(line)
    if (status != 0 and failed == 0) or (passed == 0 and failed == 0):
        failed = 1
    return passed, failed, lines


def timed(name, run, argument):
    """Runs it and shows in one piece what it did, so that two can run side by side."""
    start = time.monotonic()
    passed, failed, lines = run(argument)
    remember(name, failed, lines)
    lines = [line for line in lines if not FAILED.match(line)]
    head = f"  {name:<40} {passed:>5} passed {failed:>4} failed {time.monotonic() - start:6.0f} s"
    print("\n".join([head] + [f"    | {line}" for line in lines]), flush=True)
    return passed, failed


def run_side_by_side(programs, parts):
    """Programs and make targets that are built already, as many at a time as there are CPUs."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running = [pool.submit(timed, "make " + part, run_quiet_part, part) for part in parts]
        running += [pool.submit(timed, path, run_program, path) for path in programs]
        try:
            return [run.result() for run in running]
        except KeyboardInterrupt:
            for process in list(RUNNING):
                signal_all(process, signal.SIGTERM)
            raise


def main():
    arguments = sys.argv[1:]
    if arguments[:1] == ["--programs"]:
        behind = arguments.index("--parts") if "--parts" in arguments else len(arguments)
        results = run_side_by_side(arguments[1:behind], arguments[behind + 1:])
    else:
        results = [run_part(part) for part in arguments]
    passed, failed = (sum(column) for column in zip(*results))
    for failure in FAILURES:
        print(f"FAILED {failure}")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    # A plain kill takes the way of Ctrl-C, so that what runs below ends, too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
