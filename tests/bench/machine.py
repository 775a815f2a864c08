# SPDX-License-Identifier: Apache-2.0
"""Runs of the shipped image, or of another, under `-icount shift=0`, and what they print."""
import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import threading

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools", "run"))
import run as runner  # noqa: E402  (the tool lies beside the tests, not in a package)

# One CPU, so that the counter counts this CPU's instructions; idle time passes at once.
COUNTED = ("-smp", "1", "-icount", "shift=0,sleep=off")
CPUS = {"max": "max", "neoverse-n1": "neoverse-n1,cntfrq=1000000000"}
MEMORY = ("-m", "2560M")  # room for 1 GiB that is aligned to 1 GiB
LIMIT = 300.0  # seconds for one run: a tenth of it, where nobody else computes

ROW = re.compile(r"\[bench\] row id=(\d+) name=(\S+) count=(\d+) min=(\d+) median=(\d+) worst=(\d+)")
CALIBRATION = re.compile(r"\[bench\] calibration nops=(\d+) ticks=(\d+) reading=(\d+)")
VALUE = re.compile(r"\[bench\] value name=(\S+) value=(\d+)")
START = re.compile(r"\[boot\] start (0x[0-9a-f]+)")
SIZE = re.compile(r"\[bulkhead\] (\d+) devices found, (\d+) partitions, ")
OWN_MEMORY = re.compile(r"\[bulkhead\] .*?(\d+) KiB of tables and queues")
TRACE = "trace:memory_region_ops_write"  # shows the marks that the payload sets around calls
MARK = re.compile(rb"memory_region_ops_write .* value (0x[0-9a-f]+) size 4 name 'edu-mmio'")
COMMAND = re.compile(rb"smmuv3_cmdq_opcode.*?(?:CMD_|SMMU_CMD_)(\w+)")


class MeasurementError(Exception):
    """Something could not be measured; the text says what was seen."""


@dataclasses.dataclass
class Sample:
    """A row as the payload printed it, and the SMMU commands of one call of it."""

    identity: int
    count: int
    least: int
    median: int
    worst: int
    commands: dict = None


@dataclasses.dataclass
class Costs:
    """All that one run of a measuring program told."""

    calibration: tuple  # nops, ticks that they took, ticks of two readings
    rows: dict
    values: dict
    console: list


def start(board, image, ramdisk, cpu, extra=(), **streams):
    """The emulator with an image and what is loaded beside it."""
    command = runner.compose(board, image, ramdisk, [*COUNTED, "-cpu", CPUS[cpu], *extra])
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, start_new_session=True, **streams)


class Setup:
    """Where image and bundles are, and how the board is started."""

    def __init__(self, board, image, folder):
        self.board, self.image, self.folder = board, image, folder

    def bundle(self, name):
        return os.path.join(self.folder, f"{name}.bundle")

    def start(self, cpu, bundle, extra=(), **streams):
        return start(self.board, self.image, self.bundle(bundle), cpu, extra, **streams)

    def console(self, cpu, bundle, extra=()):
        """The lines of a run to its end, all of whose partitions must end with 0."""
        with limited(self.start(cpu, bundle, extra)) as process:
            lines = [runner.decode(raw) for raw in process.stdout]
        check_end(lines, f"{bundle} on {cpu}")
        return lines


@contextlib.contextmanager
def limited(process, limit=LIMIT):
    """Ends the process when it takes too long, and in any case at the end of the block."""
    late = threading.Event()

    def end():
        late.set()
        runner.kill_group(process)

    watchdog = threading.Timer(limit, end)
    watchdog.start()
    try:
        yield process
        process.wait(10)
    finally:
        watchdog.cancel()
        runner.kill_group(process)
        process.stdout.close()
    if late.is_set():
        raise MeasurementError(f"not done after {limit:.0f} s")


def check_end(lines, what):
    codes = next(filter(None, map(runner.parse_off, reversed(lines))), None)
    if not codes or any(code for _, code in codes):
        raise MeasurementError(f"{what}: the run did not end well:\n" + "\n".join(lines[-12:]))


def first_match(pattern, lines, what):
    for line in lines:
        match = pattern.match(line)
        if match:
            return match
    raise MeasurementError(f"{what} is missing on the console:\n" + "\n".join(lines[-12:]))


def costs(setup, cpu, trace=None, bundle="bench", extra=MEMORY):
    """Run the payload. `trace`: a file for QEMU's trace; then commands are counted too."""
    return read_costs(setup.console(cpu, bundle, [*extra, *tracing(trace)]), trace)


def tracing(trace):
    """QEMU's options for a trace by which commands can be counted."""
    return ["-d", f"trace:smmuv3_cmdq_opcode,{TRACE}", "-D", trace] if trace else []


def read_costs(lines, trace=None):
    """What the console of a measuring program says, and the trace of its run."""
    found = first_match(CALIBRATION, lines, "the calibration")
    rows, values = {}, {}
    for line in lines:
        row, value = ROW.match(line), VALUE.match(line)
        if row:
            rows[row[2]] = Sample(int(row[1]), *map(int, row.group(3, 4, 5, 6)))
        elif value:
            values[value[1]] = int(value[2])
    if trace:
        count_commands(trace, rows)
    return Costs(tuple(map(int, found.groups())), rows, values, lines)


def check_calibration(costs_by_run):
    for run, found in costs_by_run.items():
        nops, ticks, _ = found.calibration
        if nops != ticks:
            raise MeasurementError(f"{run}: {nops} nops took {ticks} ticks: the counter does not "
                                   "count instructions")


def count_commands(trace, rows):
    """Give each row the commands between the marks of its calls, per call."""
    by_identity = {row.identity: row for row in rows.values()}
    current = None
    with open(trace, "rb") as log:
        for line in log:
            mark = MARK.search(line)
            if mark:
                value = int(mark[1], 16)
                current = by_identity.get(value // 2) if value % 2 == 0 else None
                if current and current.commands is None:
                    current.commands = {}
            elif current:
                command = COMMAND.search(line)
                if command:
                    name = command[1].decode()
                    current.commands[name] = current.commands.get(name, 0) + 1
    for row in rows.values():
        for name in row.commands or ():
            row.commands[name] = round(row.commands[name] / row.count, 2)


def boot_total(setup, cpu, bundle):
    """Instructions from reset to the first one of the guest, and the console."""
    lines = setup.console(cpu, bundle)
    return int(first_match(START, lines, "the payload's line")[1], 16), lines


def own_memory_kib(lines):
    """What the image takes beyond itself, as the boot log says."""
    for line in lines:
        match = OWN_MEMORY.match(line)
        if match:
            return int(match[1])
    return None


def finish(tool, collect, table, store, page=None, mode="w"):
    """Exit status of a tool: collects, prints table.text() of it, stores it, and writes a page of it."""
    try:
        data = collect()
        lines = table.text(data)
        if page:
            with open(page, mode, encoding="utf-8") as out:
                out.write(table.markdown(data))
    except (MeasurementError, runner.RunError) as error:
        print(f"{tool}: {error}", file=sys.stderr)
        return 1
    with open(store, "w", encoding="utf-8") as out:
        json.dump(data, out, indent=1)
        out.write("\n")
    print(lines)
    return 0
