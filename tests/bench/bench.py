#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instruction counts of the shipped image, beside the goals and what others need for the same.

    bench.py --image bulkhead.img --elf bulkhead.elf --map bulkhead.map --prefix aarch64-linux-gnu-
             --folder build/bench [--markdown FILE]

Costs come from the payload guests/bench under `-icount shift=0` with a counter of 1 GHz: one tick is
one guest instruction. The same on `-cpu max` and on neoverse-n1; a run with more partitions and devices
and one of 32 bits are on max. A goal that is missed is reported
and is no failure; exit status 1 says that something could not be measured.
"""
import argparse
import concurrent.futures
import os
import sys
import tempfile

import boot_profile
import goals
import image
import machine
import table
import touched
import where
from machine import MeasurementError

BOOT_MEMORY, BOOT_HALF = "boot", "boot-half"  # the second has half the memory of the first
NARROW, GROWN = "bench32", "grown"
# As grown.dts names them: besides the board's, on the root bus.
GROWN_DEVICES = [word for slot in range(0x10, 0x10 + goals.DEVICES - 1)
                 for word in ("-device", f"edu,bus=pcie.0,addr={slot:x}.0")]


def measure_all(options, symbols):
    """Everything that needs the emulator, two runs at a time."""
    setup = machine.Setup(options.board, options.image, options.folder)
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(2) as pool:
        trace = os.path.join(scratch, "trace")
        profile = pool.submit(boot_profile.measure, setup, "max", BOOT_MEMORY, options.elf,
                              options.map, options.prefix)
        costs = {cpu: pool.submit(machine.costs, setup, cpu, trace if cpu == "max" else None)
                 for cpu in machine.CPUS}
        logged = pool.submit(where.measure, setup, symbols)
        narrow = pool.submit(machine.costs, setup, "max", bundle=NARROW, extra=())
        grown = pool.submit(machine.costs, setup, "max", bundle=GROWN,
                            extra=["-smp", str(goals.PARTITIONS), *GROWN_DEVICES])
        boots = {(cpu, bundle): pool.submit(machine.boot_total, setup, cpu, bundle)
                 for cpu in machine.CPUS for bundle in (BOOT_MEMORY, BOOT_HALF)}
        return (profile.result(), {cpu: run.result() for cpu, run in costs.items()},
                {NARROW: narrow.result(), GROWN: grown.result()},
                {name: addresses for name, (_, addresses) in logged.result().items()},
                {key: run.result() for key, run in boots.items()})


def check_grown(run):
    """The set is as large as the table says, and the neighbours lived as long as was measured."""
    measured = run.console.index("[bench] complete")
    found = [machine.SIZE.match(line) for line in run.console]
    sizes = [tuple(map(int, match.groups())) for match in found if match]
    ends = [line for line in run.console[:measured] if ": off, code" in line]
    if not sizes or sizes[0][1] != goals.PARTITIONS or sizes[0][0] < goals.DEVICES or ends:
        raise MeasurementError(f"the larger set: {sizes} devices and partitions, early ends {ends}")


def memory_of(lines, own):
    """What the hypervisor takes: its image as it lies in memory, and what it made at boot."""
    tables = machine.own_memory_kib(lines)
    if tables is None:
        raise MeasurementError("the boot log does not say what tables and queues take")
    return {"image": own, "tables": tables << 10}


def samples(run):
    return {name: vars(row) for name, row in run.rows.items()}


def boot_parts(profile, boots):
    """What lies between reset and the first guest instruction, per CPU; the parts are of max."""
    parts = {}
    for cpu in machine.CPUS:
        total, half = boots[cpu, BOOT_MEMORY][0], boots[cpu, BOOT_HALF][0]
        memory = 2 * (total - half)  # what grows with the partition's memory
        logged = profile.logged
        parts[cpu] = {
            "total": total,
            "memory": memory,
            "libfdt": profile.classes[boot_profile.LIBFDT],
            "digests": profile.classes[boot_profile.DIGESTS],
            "log": profile.classes[boot_profile.LOG],
            "fixed": total - memory - logged,
            "own": profile.classes[boot_profile.OWN],
        }
    return parts


def collect(options):
    symbols = image.Symbols(options.elf, options.prefix)
    profile, costs, others, logged, boots = measure_all(options, symbols)
    machine.check_calibration({**costs, **others})
    check_grown(others[GROWN])
    sizes = image.sections(options.elf, options.prefix)
    own = symbols.value("image_end") - symbols.value("image_start")
    return {
        "calibration": {cpu: run.calibration for cpu, run in costs.items()},
        "rows": {cpu: samples(run) for cpu, run in costs.items()},
        "touched": touched.count(options.elf, options.prefix, logged),
        "narrow": samples(others[NARROW]),
        "grown": samples(others[GROWN]),
        "values": {cpu: run.values for cpu, run in costs.items()},
        "boot_window": profile.window,
        "boot": boot_parts(profile, boots),
        "boot_functions": dict(sorted(profile.functions.items(), key=lambda item: -item[1])[:40]),
        "image": {"sections": sizes, "bytes": sum(sizes[kind] for kind in ("text", "rodata", "data")),
                  "folders": image.by_folder(options.map, sizes)},
        "memory": {"one": memory_of(boots["max", BOOT_MEMORY][1], own),
                   "grown": memory_of(others[GROWN].console, own)},
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--board", default=os.path.join(machine.ROOT, "tests", "system", "machine"))
    parser.add_argument("--image", required=True)
    parser.add_argument("--elf", required=True)
    parser.add_argument("--map", required=True)
    parser.add_argument("--prefix", default="aarch64-linux-gnu-")
    parser.add_argument("--folder", required=True, help="where the bundles are and the JSON goes")
    parser.add_argument("--markdown", metavar="FILE", help="also write the page of docs/")
    options = parser.parse_args(argv)
    return machine.finish("bench", lambda: collect(options), table,
                          os.path.join(options.folder, "bench.json"), options.markdown)


if __name__ == "__main__":
    sys.exit(main())
