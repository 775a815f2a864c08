# SPDX-License-Identifier: Apache-2.0
"""Bulkhead beside Linux: which row of the one stands beside which of the other, and the table."""
import dataclasses

import machine
import table
from machine import MeasurementError

SIDES = ("Bulkhead", "Linux")
TITLES = ("what", "Bulkhead, max", "Linux, max", "ratio", "Bulkhead, n1", "Linux, n1", "ratio",
          "SMMU commands, Bulkhead", "SMMU commands, Linux")
LEFT = (0, 7, 8)


@dataclasses.dataclass(frozen=True)
class Pair:
    """One line. Several rows of a side are added up; `divide` as in goals.Row."""

    text: str
    bulkhead: tuple
    linux: tuple
    divide: int = 1

    def names(self, side):
        return self.bulkhead if side == "Bulkhead" else self.linux


def same(text, name, divide=1):
    """Both sides call the row so."""
    return Pair(text, (name,), (name,), divide)


GROUPS = (
    ("Calls that do nothing", (
        Pair("version; getppid", ("null",), ("getppid",)),
        Pair("version; version of VFIO by ioctl", ("null",), ("ioctl",)),
    )),
    ("Map and unmap, tables present; unmap with the invalidation completed", tuple(
        same(f"{way} {size}", f"{way}-{short}")
        for size, short in (("4 KiB", "4k"), ("2 MiB", "2m"), ("1 GiB", "1g"))
        for way in ("map", "unmap"))),
    ("512 pages in one call", (
        same("map, per page", "map-512", 512),
        same("unmap, per page", "unmap-512", 512),
        same("map one whole table, per page", "map-512-table", 512),
        same("unmap one whole table, in all", "unmap-512-table"),
    )),
    ("Devices and address spaces", (
        Pair("ioas_alloc_paging, attach; SET_IOMMU", ("ioas-alloc", "attach"), ("attach",)),
        Pair("detach, ioas_free; UNSET_CONTAINER", ("detach", "ioas-free"), ("release",)),
    )),
    ("Map and unmap 4 KiB while so many mappings stand", tuple(
        same(f"{way}, {count:,} mappings stand", f"{way}-4k-of-{count}")
        for count in (1, 128, 1024, 16384) for way in ("map", "unmap"))),
)

NOTES = (
    "The two sides are not called from the same place: Bulkhead by a program at EL1, Linux by a program "
    "in user space, with no hypervisor below. Nor do they do the same: a map of Linux pins the pages of "
    "the program, an unmap lets go of them, page by page, and the kernel keeps account of them; a "
    "hypervisor whose partitions have fixed memory need not. What the kernel takes for the table and the invalidation "
    "alone is \"Linux bare\" in the table of `make bench`.",
    "With iommu.strict=1 either side's unmap returns when TLBI and SYNC have completed; VFIO would wait "
    "without it too.",
    "For 4 KiB Linux has ordinary pages; for 2 MiB and 1 GiB it has huge pages, so that one entry of "
    "the table serves, as on the other side; the 512 pages of one call are 2 MiB of huge pages, askew to "
    "their address, as on the other side. \"Mappings stand\": on Linux each was a call of its own.",
    "SET_IOMMU also makes the container's book-keeping and the first table; UNSET_CONTAINER also gives "
    "the group back to the kernel, whose own address space is attached. This kernel counts the port "
    "above the device to its group, and moves both.",
    "Linux's timer goes on: its interrupts are in the calls of 1 GiB, and in some of the others, which "
    "the median leaves out; its figures differ by up to two percent from run to run. Linux has 8 samples "
    "of 1 GiB, 64 of 2 MiB, else 256.",
    "Boot: to the first instruction of the partition of 512 MiB, most of which is clearing its memory; "
    "and to that of /init, on 2,560 MiB, with the kernel's messages reduced to warnings.",
)


def cost(data, side, cpu, pair):
    """Median of the rows that a line stands for."""
    rows = data["sides"][side][cpu]["rows"]
    total = 0
    for name in pair.names(side):
        if name not in rows:
            raise MeasurementError(f"{side} on {cpu}: there is no row {name}")
        total += rows[name]["median"]
    return total / pair.divide


def commands(data, side, pair):
    """SMMU commands of all the rows, or None where one was not watched."""
    total = {}
    for name in pair.names(side):
        found = data["sides"][side]["max"]["rows"][name]["commands"]
        if found is None:
            return None
        for command, count in found.items():
            total[command] = round(total.get(command, 0) + count, 2)
    return total


def ratio(first, second):
    """How many times the first the second is."""
    value = second / first
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def cells(values):
    """Two figures and their ratio, for each CPU."""
    out = []
    for ours, theirs in values:
        out += [table.number(ours), table.number(theirs), ratio(ours, theirs)]
    return out


def pair_line(data, pair):
    values = [tuple(cost(data, side, cpu, pair) for side in SIDES) for cpu in machine.CPUS]
    return (pair.text, *cells(values),
            *(table.commands_text(commands(data, side, pair)) for side in SIDES))


def start_group(data):
    boots = [tuple(data["sides"][side][cpu]["values"]["boot"] for side in SIDES)
             for cpu in machine.CPUS]
    files = tuple(data["files"][side] for side in SIDES)
    return ("Start", [
        ("reset to the first instruction of the program", *cells(boots), "", ""),
        ("file of the image, of the kernel, bytes", *cells([files]), "", "", "", "", ""),
    ])


def groups_of(data):
    return [*((title, [pair_line(data, pair) for pair in pairs]) for title, pairs in GROUPS),
            start_group(data)]


def heading(data):
    return (f"Linux is the kernel of Debian 12, {data['kernel']}, as Debian builds it, on the machine of "
            "`make bench`, with a program of its own that measures VFIO type1. Ratio: Linux to Bulkhead. "
            "Guest instructions, medians.")


def text(data):
    groups = groups_of(data)
    flat = table.aligned([TITLES, *(line for _, lines in groups for line in lines)], LEFT)
    out, rest = [heading(data), "", flat[0]], iter(flat[1:])
    for title, lines in groups:
        out += ["", title, *(next(rest) for _ in lines)]
    return "\n".join([*out, "", *NOTES])


def markdown(data):
    """A section behind the page of `make bench-docs`."""
    out = ["", "## Beside Linux", "", f"`make bench-linux` prints this. {heading(data)} Command line of "
           f"the kernel: `{data['command_line']}`.", ""]
    for title, lines in groups_of(data):
        out += [f"### {title}", "", *table.markdown_table([TITLES, *lines], LEFT), ""]
    for note in NOTES:
        out += [note, ""]
    return "\n".join(out)
