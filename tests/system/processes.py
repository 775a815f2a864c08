# SPDX-License-Identifier: Apache-2.0
"""Programs of the host that a test talks to while they run: none outlives its test, and no answer is
waited for without a limit.
"""
import os
import select
import signal
import subprocess
import time

from harness import HarnessError

LIMIT = 30.0  # seconds; each answer comes within one


# A background job of a shell ignores interrupts, and so would all that it starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def start(test, command, **options):
    """A process that ends with the test at the latest."""
    process = subprocess.Popen(command, **options)
    test.addCleanup(end, process)
    return process


def end(process):
    """Politely at first, so that it can end what it started itself."""
    process.terminate()
    try:
        process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream:
            stream.close()


def read_until(descriptor, wanted, seconds=LIMIT):
    """The bytes of a pipe or a terminal until `wanted` is among them."""
    seen, deadline = b"", time.monotonic() + seconds
    while wanted not in seen:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise HarnessError(f"no {wanted!r} in {seconds:g} s, only {seen!r}")
        data = os.read(descriptor, 4096)
        if not data:
            raise HarnessError(f"no {wanted!r} before the end, only {seen!r}")
        seen += data
    return seen
