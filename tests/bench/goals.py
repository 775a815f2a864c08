# SPDX-License-Identifier: Apache-2.0
"""The rows of the table: what is measured, what it should be, and what others need for the same.

Goals and peers' figures are guest instructions. The peers were measured on the same emulator with
the same method; "Linux bare" is iommu_map and iommu_unmap inside the kernel, without a system call
and without pinning, where ours include the trap.
"""
import dataclasses

NO_PEER = "-"


@dataclasses.dataclass(frozen=True)
class Row:
    """One line.

    `divide`: the measured call does that many of the thing that the line counts. `flat`: the goal is to
    cost no more than the row of that name does, on the same CPU. `invalidates`: each call has the unit
    forget what it took out, with one TLBI and one SYNC; a figure without them is of something else.
    """

    name: str
    text: str
    goal: int = None
    peer: str = NO_PEER
    divide: int = 1
    flat: str = None
    invalidates: bool = False


GROUPS = (
    ("Calls that do nothing", (
        Row("null", "null hypercall (version)", 100, "Jailhouse 123, Bao 151, Xen 393, KVM 1,331"),
        Row("unknown", "unknown call", None, "Jailhouse 123, Bao 151, Xen 339"),
        Row("psci-version", "PSCI_VERSION", None, "Jailhouse 139, Bao 193, Xen 418, KVM 1,331"),
    )),
    ("Map and unmap, tables present; unmap with TLBI and SYNC completed", (
        Row("map-4k", "map 4 KiB", 300, "Linux bare 547, Xen 1,938, iommufd 5,419"),
        Row("unmap-4k", "unmap 4 KiB", 450, "Linux bare 1,251, Xen 2,769, iommufd 5,464",
            invalidates=True),
        Row("map-2m", "map 2 MiB", 300, "Linux bare 473, iommufd 25,221"),
        Row("unmap-2m", "unmap 2 MiB", 450, "Linux bare 1,181, iommufd 217,541", invalidates=True),
        Row("map-1g", "map 1 GiB", 300, "Linux bare 379, iommufd 10.5 M"),
        Row("unmap-1g", "unmap 1 GiB", 450, "Linux bare 1,095, iommufd 81.1 M", invalidates=True),
    )),
    ("Where tables come and go", (
        Row("map-4k-first", "map 4 KiB, three tables taken", None, "Linux bare 10,752"),
        Row("unmap-4k-last", "unmap 4 KiB, three tables freed", invalidates=True),
        Row("map-4k-tables", "map 4 KiB, two tables taken"),
        Row("unmap-4k-tables", "unmap 4 KiB, two tables freed", invalidates=True),
    )),
    ("512 pages in one call", (
        Row("map-512", "map, per page", 60, "Linux bare 543", 512),
        Row("unmap-512", "unmap, per page, one SYNC", 60, NO_PEER, 512, invalidates=True),
        Row("map-512-table", "map one whole table, per page", 60, "Linux bare 543", 512),
        Row("unmap-512-table", "unmap one whole table, in all", 2400, "Linux bare 2,454",
            invalidates=True),
        Row("map-batch", "map_batch of scattered frames, per page", 60, "Linux bare 543", 512),
        Row("unmap-batch", "unmap_batch, per page, one SYNC", 60, NO_PEER, 512, invalidates=True),
        Row("map-batch-apart", "map_batch, IOVAs apart too, per page", None, NO_PEER, 512),
        Row("unmap-batch-apart", "unmap_batch, IOVAs apart, per page", None, NO_PEER, 512),
    )),
    ("What is mapped, changed", (
        Row("remap-4k", "remap 4 KiB to other memory", None, NO_PEER, invalidates=True),
        Row("remap-4k-rights", "remap 4 KiB, other rights", None, NO_PEER, invalidates=True),
        Row("copy-4k", "copy 4 KiB to another space"),
        Row("unmap-all", "unmap_all of one page, three tables freed", None, NO_PEER, invalidates=True),
        Row("reserve", "reserve"),
        Row("reserve-none", "reserve: drop all"),
    )),
    ("Devices and address spaces", (
        Row("attach", "attach", 600, "iommufd 8,610"),
        Row("detach", "detach", 600, "iommufd 5,873"),
        Row("replace", "replace", 1000, "iommufd 10,023"),
        Row("ioas-alloc", "ioas_alloc_paging", None, "iommufd 4,220"),
        Row("ioas-free", "ioas_free", None, NO_PEER, invalidates=True),
        Row("bind", "bind, all its calls, waits left out", None, "iommufd 30,976"),
        Row("unbind", "unbind"),
        Row("device-reset", "device_reset, all its calls, waits left out"),
    )),
    ("Map and unmap 4 KiB while so many mappings stand: no more than for one", tuple(
        Row(f"{way}-4k-of-{count}", f"{way}, {count:,} mappings stand",
            flat=f"{way}-4k-of-1" if count > 1 else None, invalidates=way == "unmap")
        for count in (1, 128, 1024, 16384) for way in ("map", "unmap"))),
    ("Questions and services", (
        Row("query-state", "query(state)"),
        Row("query-fault", "query(fault)"),
        Row("query-pool", "query(pool)"),
        Row("query-attachment", "query(attachment)"),
        Row("query-counters", "query(counters)"),
        Row("query-digest", "query(digest)"),
        Row("device-info", "device_info"),
        Row("ioas-ranges", "ioas_ranges"),
        Row("yield", "yield"),
        Row("console-64", "console_write, a line of 64 bytes"),
    )),
    ("Interrupts", (
        Row("interrupt", "timer line to the guest's handler", 350),
    )),
)

# Of a partition of 32 bits, on max: the other CPU has no AArch32 at EL1.
NARROW = ("Calls that do nothing, from AArch32", (
    Row("null", "null hypercall (version)", 100),
    Row("unknown", "unknown call"),
    Row("psci-version", "PSCI_VERSION"),
))

# With PARTITIONS and DEVICES where the other rows have one of each, on max.
PARTITIONS, DEVICES = 4, 16
GROWN = (f"{PARTITIONS} partitions and {DEVICES} devices: no more than for one of each", tuple(
    Row(name, text, flat=name) for name, text in (
        ("null", "null hypercall (version)"), ("map-4k", "map 4 KiB"), ("unmap-4k", "unmap 4 KiB"),
        ("map-512", "map 512 pages"), ("unmap-512", "unmap 512 pages"), ("attach", "attach"),
        ("detach", "detach"), ("query-fault", "query(fault)"))))

# Of the same run: a second partition has a window with the first there.
WINDOWS = ("A window", (
    Row("query-window", "query(window)"),
    Row("notify", "notify, the other side asleep"),
))

NOTES = (
    "The 512 pages of one map are contiguous, but so misaligned that each needs a leaf of its own. Those of "
    "a batch are elements of a page each; no two neighbours lie beside each other in memory, and with "
    "\"IOVAs apart\" each has a TLBI of its own.",
    "The device is attached wherever something is mapped or taken out: a row that promises an invalidation "
    "and has none is an error of the measurement.",
    "SMMU commands, table bytes and locks are those of a whole call. Table bytes are the entries of "
    "translation tables and of the stream table that it stores; pages that are cleared and the command "
    "queue are not counted.",
    "The boot window is counted to the return of the early closer, so it is an upper bound; "
    "`make test-qemu` finds the exact instruction.",
    "The rest of the boot is what its goal is held against: everything but the scrub, libfdt, the "
    "digests and the log. The parts that have one figure were counted on `-cpu max`, instruction by "
    "instruction.",
)

BOOT_WINDOW_GOAL = 5000
BOOT_GOAL = 500_000
BOOT_PEER = "Bao 0.53 M without IOMMU, PCI or tree; Xen 130.8 M"
IMAGE_GOAL = 96 << 10
IMAGE_PEER = "Bao 92 KiB, Jailhouse 98 KiB, Xen 1.06 MiB"
MEMORY_GOAL = 2 << 20
MEMORY_PEER = "Xen 44 to 89 MB"
