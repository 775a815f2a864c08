# SPDX-License-Identifier: Apache-2.0
"""The figures as a table: aligned for a terminal, or as the page docs/numbers.md."""
import os

import goals
import machine
from machine import MeasurementError

LATENESS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lateness.md")
TITLES = ("what", "goal", "max median", "max worst", "n1 median", "n1 worst", "", "SMMU commands",
          "table bytes", "locks", "peers")
LEFT = (0, 6, 7, 10)
LARGER = f"{goals.PARTITIONS} partitions, {goals.DEVICES} devices"
MET, NOT_MET, NO_GOAL = "met", "NOT MET", ""


def number(value):
    """1,234; a fraction keeps one place."""
    if value is None:
        return "-"
    return f"{value:,.1f}" if isinstance(value, float) and value != int(value) else f"{int(value):,}"


def verdict(goal, values):
    if goal is None:
        return NO_GOAL
    return MET if all(value <= goal for value in values) else NOT_MET


def commands_text(commands):
    """'1 TLBI_S2_IPA + 1 SYNC', in the order in which they were first seen."""
    if commands is None:
        return "-"
    return " + ".join(f"{number(count)} {name}" for name, count in commands.items()) or "none"


def cost_line(row, data):
    cells, verdicts, aims = [], [], []
    for cpu in machine.CPUS:
        sample = sample_of(data["rows"][cpu], row, cpu)
        median = sample["median"] / row.divide
        cells += [number(median), number(sample["worst"] / row.divide)]
        aims.append(aim(row, data["rows"][cpu]))
        verdicts.append(verdict(aims[-1], [median]))
    commands = data["rows"]["max"][row.name]["commands"]
    check_invalidation(row, commands)
    return (row.text, number(aims[0]), *cells, NOT_MET if NOT_MET in verdicts else verdicts[0],
            commands_text(commands), *map(number, data["touched"].get(row.name, (None, None))), row.peer)


def sample_of(rows, row, where):
    if row.name not in rows:
        raise MeasurementError(f"{where}: the payload printed no row {row.name}")
    return rows[row.name]


def check_invalidation(row, commands):
    """The unit was told, and waited for."""
    found = commands or {}
    forgotten = sum(count for name, count in found.items() if name.startswith("TLBI_"))
    if row.invalidates and (forgotten, found.get("SYNC")) != (1, 1):
        raise MeasurementError(f"row {row.name}: each call is to have one TLBI and one SYNC, and it had "
                               f"{commands_text(commands)}")


def aim(row, rows):
    """The goal of a row, which may be what another one costs."""
    return rows[row.flat]["median"] if row.flat else row.goal


def single_group(group, samples, data):
    """Lines of a run on max alone; a goal that is another row's figure is that of the usual run."""
    title, rows = group
    lines = []
    for row in rows:
        sample, goal = sample_of(samples, row, title), aim(row, data["rows"]["max"])
        lines.append((row.text, number(goal), number(sample["median"]), number(sample["worst"]), "", "",
                      verdict(goal, [sample["median"]]), "", "", "", row.peer))
    return (title, lines)


def plain_line(text, value, goal=None, peer=goals.NO_PEER, second=None):
    """A line that has one figure for each CPU, or one for both."""
    values = [value] if second is None else [value, second]
    return (text, number(goal), number(value), "", "" if second is None else number(second), "",
            verdict(goal, values), "", "", "", peer)


def cost_groups(data):
    groups = [(title, [cost_line(row, data) for row in rows]) for title, rows in goals.GROUPS]
    values = data["values"]["max"]
    for _, lines in groups:
        for index, line in enumerate(lines):
            name = line[0].split(",")[0]
            calls = values.get(f"{name.replace('_', '-')}-calls")
            if calls is not None:
                lines[index] = (f"{name}, {calls} calls, waits left out", *line[1:])
    return groups


def boot_group(data):
    first, second = (data["boot"][cpu] for cpu in machine.CPUS)

    def line(text, key):
        return plain_line(text, first[key], second=second[key] if key in COUNTED else None)

    own = [part["own"] + part["fixed"] for part in (first, second)]
    return ("Boot, one partition of 512 MiB", [
        plain_line("entry to the end of the early closer", data["boot_window"], goals.BOOT_WINDOW_GOAL,
                   "no peer closes it"),
        line("reset to first guest instruction, in all", "total"),
        line("  scrub and caches of the partition's memory", "memory"),
        line("  libfdt", "libfdt"),
        line("  digests", "digests"),
        line("  log", "log"),
        plain_line("  the rest", own[0], goals.BOOT_GOAL, goals.BOOT_PEER, own[1]),
        line("    of it clearing of fixed size", "fixed"),
    ])


COUNTED = ("total", "memory", "fixed")  # measured on each CPU; the others on max


def size_group(data):
    one, grown = data["memory"]["one"], data["memory"]["grown"]
    return ("Size, bytes", [
        plain_line("image without guests (text, rodata, data)", data["image"]["bytes"],
                   goals.IMAGE_GOAL, goals.IMAGE_PEER),
        plain_line("memory: image, bss, stacks", one["image"]),
        plain_line("memory: tables and queues, one partition", one["tables"]),
        plain_line(f"memory: tables and queues, {LARGER}", grown["tables"]),
        plain_line(f"memory in all, {LARGER}", grown["image"] + grown["tables"], goals.MEMORY_GOAL,
                   goals.MEMORY_PEER),
    ])


def folder_lines(data):
    found = data["image"]["folders"]
    lines = [("folder", "text", "rodata", "data", "in the file", "bss")]
    total = [0] * 5
    for name, sizes in found.items():
        values = [sizes["text"], sizes["rodata"], sizes["data"],
                  sizes["text"] + sizes["rodata"] + sizes["data"], sizes["bss"]]
        total = [a + b for a, b in zip(total, values)]
        lines.append((name, *map(number, values)))
    return [*lines, ("in all", *map(number, total))]


def calibration_text(data):
    return "; ".join(f"{cpu}: {nops} nops take {ticks} ticks, two readings {reading} (subtracted)"
                     for cpu, (nops, ticks, reading) in data["calibration"].items())


def repetitions(data):
    return min(row["count"] for row in data["rows"]["max"].values())


def groups_of(data):
    wide = cost_groups(data)
    return [wide[0], single_group(goals.NARROW, data["narrow"], data), *wide[1:],
            single_group(goals.GROWN, data["grown"], data),
            single_group(goals.WINDOWS, data["grown"], data), boot_group(data), size_group(data)]


def aligned(lines, left):
    """Columns as wide as their widest cell; those named in `left` begin at the left."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return ["  ".join(cell.ljust(width) if column in left else cell.rjust(width)
                      for column, (cell, width) in enumerate(zip(line, widths))).rstrip()
            for line in lines]


def text(data):
    groups = groups_of(data)
    flat = aligned([TITLES, *(line for _, lines in groups for line in lines)], LEFT)
    out = [f"calibration: {calibration_text(data)}",
           f"guest instructions, {repetitions(data)} repetitions a row", "", flat[0]]
    rest = iter(flat[1:])
    for title, lines in groups:
        out += ["", title, *(next(rest) for _ in lines)]
    return "\n".join([*out, "", "Image by folder, bytes", *aligned(folder_lines(data), (0,)), "",
                      *goals.NOTES, "", summary(groups)])


def summary(groups):
    verdicts = [line[6] for _, lines in groups for line in lines]
    return f"{verdicts.count(MET)} goals met, {verdicts.count(NOT_MET)} not met"


def markdown_table(lines, left):
    marks = [":--" if column in left else "--:" for column in range(len(lines[0]))]
    rows = [lines[0], marks, *lines[1:]]
    return ["| " + " | ".join(cell.strip() for cell in line) + " |" for line in rows]


def markdown(data):
    out = ["# Numbers", "",
           "Made by `make bench-docs`; `make bench` prints the same, `make bench-linux` the last section, "
           "\"Beside Linux\".", "",
           "Guest instructions of the shipped image under QEMU with `-icount shift=0` and a counter "
           "of 1 GHz: one tick is one executed instruction. Each call was repeated "
           f"{repetitions(data)} times, "
           "on `-cpu max` and on `neoverse-n1` where a line has figures for it; what two readings of the counter cost is "
           "subtracted. Calibration: " + calibration_text(data) + ".", "",
           "Such counts say nothing of cache misses, TLB misses and barriers, nor of the time that a "
           "real SMMU takes for a SYNC: QEMU's completes within the register write. The peers were "
           "measured on the same emulator with the same method; \"Linux bare\" is `iommu_map` and "
           "`iommu_unmap` inside the kernel, without a system call and without pinning, where the "
           "figures here include the trap. `-cpu max` has block-copy instructions; the image does "
           "not use them.", ""]
    for title, lines in groups_of(data):
        out += [f"## {title}", "", *markdown_table([TITLES, *lines], LEFT), ""]
    for note in goals.NOTES:
        out += [note, ""]
    out += ["## Image by folder, bytes", "", *markdown_table(folder_lines(data), (0,)), ""]
    with open(LATENESS, encoding="utf-8") as file:  # kept by hand: tests/system/test_wild.py measures it
        return "\n".join([*out, file.read()])
