#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Costs of the shipped image beside those of Linux, on the same machine and in the same unit.

    bench_linux.py --image bulkhead.img --folder build/bench --kernel vmlinuz --initramfs FILE
                   [--append docs/numbers.md]

The kernel runs no other program than that of tests/bench/linux, which prints what guests/bench prints:
the same reader serves for both. Exit status 1 says that something could not be measured.
"""
import argparse
import concurrent.futures
import os
import sys
import tempfile

import compare
import machine
from machine import MeasurementError

LIMIT = 600.0   # seconds for one run of Linux
SHOWN = 60      # lines of a console where a run failed
COMPLETE = "[bench] complete"
KERNEL = "[bench] kernel "
FAILED = "[bench] failed: "
# Invalidation has completed when an unmap returns, for drivers too. The huge pages are the program's.
COMMAND_LINE = ("console=ttyAMA0 loglevel=4 iommu.strict=1 hugepagesz=2M hugepages=2 "
                "hugepagesz=1G hugepages=1 panic=1")


def linux_console(options, cpu, extra):
    """The lines of one run of Linux, in which the program came to its end."""
    lines, said = [], "it ended before its program did"
    process = machine.start(options.board, options.kernel, options.initramfs, cpu,
                            [*machine.MEMORY, "-no-reboot", "-append", COMMAND_LINE, *extra])
    try:
        with machine.limited(process, LIMIT):
            lines += map(machine.runner.decode, process.stdout)
    except MeasurementError as error:
        said = str(error)
    if COMPLETE in lines:
        return lines
    said = next((line[len(FAILED):] for line in lines if line.startswith(FAILED)), said)
    raise MeasurementError(f"Linux on {cpu}: {said}. Its console:\n" + "\n".join(lines[-SHOWN:]))


def linux_costs(options, cpu, trace=None):
    return machine.read_costs(linux_console(options, cpu, machine.tracing(trace)), trace)


def kernel_name(lines):
    """Release and version, as uname says them."""
    found = next((line[len(KERNEL):] for line in lines if line.startswith(KERNEL)), None)
    if not found:
        raise MeasurementError("the program does not say which kernel it runs on")
    return found


def measure_all(options):
    """Both sides on each CPU, two runs at a time; SMMU commands are counted on max."""
    setup = machine.Setup(options.board, options.image, options.folder)
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        def trace(side, cpu):
            return os.path.join(scratch, side) if cpu == "max" else None

        theirs = {cpu: pool.submit(linux_costs, options, cpu, trace("linux", cpu))
                  for cpu in machine.CPUS}
        ours = {cpu: pool.submit(machine.costs, setup, cpu, trace("bulkhead", cpu))
                for cpu in machine.CPUS}
        boots = {cpu: pool.submit(machine.boot_total, setup, cpu, "boot") for cpu in machine.CPUS}
        return ({cpu: run.result() for cpu, run in ours.items()},
                {cpu: run.result() for cpu, run in theirs.items()},
                {cpu: run.result()[0] for cpu, run in boots.items()})


def collect(options):
    ours, theirs, boots = measure_all(options)
    for side, runs in (("Bulkhead", ours), ("Linux", theirs)):
        machine.check_calibration({f"{side} on {cpu}": run for cpu, run in runs.items()})
    for cpu, run in ours.items():
        run.values["boot"] = boots[cpu]
    return {
        "kernel": kernel_name(theirs["max"].console),
        "command_line": COMMAND_LINE,
        "files": {"Bulkhead": os.path.getsize(options.image), "Linux": os.path.getsize(options.kernel)},
        "sides": {side: {cpu: {"calibration": run.calibration, "values": run.values,
                               "rows": {name: vars(row) for name, row in run.rows.items()}}
                         for cpu, run in runs.items()}
                  for side, runs in (("Bulkhead", ours), ("Linux", theirs))},
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default=os.path.join(machine.ROOT, "tests", "system", "machine"))
    parser.add_argument("--image", required=True)
    parser.add_argument("--folder", required=True, help="where the bundles are and the JSON goes")
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--initramfs", required=True)
    parser.add_argument("--append", metavar="FILE", help="also add the section to a page of docs/")
    options = parser.parse_args(argv)
    return machine.finish("bench-linux", lambda: collect(options), compare,
                          os.path.join(options.folder, "linux.json"), options.append, "a")


if __name__ == "__main__":
    sys.exit(main())
